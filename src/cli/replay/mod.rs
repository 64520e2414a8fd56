//! `tollgate replay`: drives a recorded trace of LLM requests through a running server.

mod client;

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use tollgate_lab::replay::pace::Speed;
use tollgate_lab::replay::trace::{self, Row};
use tollgate_lab::replay::{self, CONCURRENCY_MAX, Options};

use super::client::{CallError, Connection};
use super::{Failure, bounded_usize, failure, print, runtime, stop_signal};
use client::Client;

#[derive(Debug, Args)]
pub struct Replay {
    /// The trace: CSV with the header TIMESTAMP,ContextTokens,GeneratedTokens.
    file: PathBuf,
    /// Workspace that pays.
    #[arg(long, value_name = "ID")]
    workspace: String,
    /// Model that each request asks for.
    #[arg(long, value_name = "ID")]
    model: String,
    /// "max" for as fast as the server answers, or how many times as fast as recorded.
    #[arg(long, value_name = "FACTOR", default_value = "max")]
    speed: Speed,
    /// Most requests in flight.
    #[arg(long, value_name = "N", default_value_t = 64,
          value_parser = bounded_usize(CONCURRENCY_MAX))]
    concurrency: usize,
    /// Replay only the first N requests.
    #[arg(long, value_name = "N", value_parser = bounded_usize(usize::MAX))]
    limit: Option<usize>,
    /// Most output tokens that each check announces; the server estimates if absent.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(0..))]
    max_output_tokens: Option<i64>,
    #[command(flatten)]
    connection: Connection,
}

pub fn run(arguments: Replay) -> Result<ExitCode, Failure> {
    runtime(None)?.block_on(async {
        let stop = stop_signal()?;
        let rows = read(&arguments.file, arguments.limit)?;
        let client = Client::connect(&arguments).await.map_err(CallError::into_message)?;
        let options = Options {
            trace: arguments.file.display().to_string(),
            workspace_id: arguments.workspace,
            speed: arguments.speed,
            concurrency: arguments.concurrency,
        };
        let report = replay::run(client, &rows, options, stop).await?;
        print(&report)?;
        Ok(if report.has_errors() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    })
}

fn read(path: &Path, limit: Option<usize>) -> Result<Vec<Row>, Failure> {
    let name = path.display();
    let file = File::open(path).map_err(|cause| format!("{name} could not be opened: {cause}"))?;
    trace::read(BufReader::new(file), limit).map_err(|cause| failure(format!("{name}: {cause}")))
}
