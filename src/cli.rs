//! The command line: what can be typed. Does nothing by itself.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use tollgate::replay::pace::Speed;
use tollgate::replay::{CONCURRENCY_MAX, Options};

/// Tollgate keeps LLM spend inside its envelope.
#[derive(Debug, Parser)]
#[command(name = "tollgate", version, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Drive a recorded trace of LLM requests through a running server.
    ///
    /// Checks each request, records what it really generated on the model that was decided, and
    /// prints decisions, spend and latency. Exits with 1 if a call failed.
    Replay(Replay),
}

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
    /// Address of the running server.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:50051")]
    server: String,
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
}

impl From<Replay> for Options {
    fn from(replay: Replay) -> Options {
        Options {
            file: replay.file,
            server: replay.server,
            workspace_id: replay.workspace,
            model_id: replay.model,
            speed: replay.speed,
            concurrency: replay.concurrency,
            limit: replay.limit,
            max_output_token_count: replay.max_output_tokens,
        }
    }
}

fn bounded_usize(max: usize) -> impl Fn(&str) -> Result<usize, String> + Clone {
    move |text| {
        let number = text.parse::<usize>().ok().filter(|number| (1..=max).contains(number));
        number.ok_or_else(|| format!("expected a whole number from 1 to {max}"))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Cli;

    #[test]
    fn the_command_line_contradicts_itself_nowhere() {
        Cli::command().debug_assert();
    }
}
