//! The binary: takes the command line apart and calls the library.
//!
//! Decides nothing. Results go to standard output, everything else to standard error.

mod cli;
mod progress;

use std::fmt::Display;
use std::io::{ErrorKind, IsTerminal, Write};
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tollgate::config::Config;
use tollgate::engine::SystemClock;
use tollgate::export::Format;
use tollgate::storage::sql;
use tollgate::{admin, logging, replay, server};
use tracing::warn;

use cli::{Cli, Command, Database, Prices};
use progress::Progress;

// Handling a call is mostly small allocations; benches/ shows what this allocator is worth.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match Cli::parse().command.unwrap_or_default() {
        Command::Serve(arguments) => finish(run_server(arguments)),
        Command::Replay(arguments) => finish(run_replay(arguments)),
        Command::Verify(database) => finish(run_verify(database)),
        Command::Rebuild(database) => finish(run_rebuild(database)),
        Command::Export(export) => finish(run_export(export)),
        Command::Generate(arguments) => finish(run_generate(arguments)),
        Command::Prices(Prices::Import(arguments)) => finish(run_import(arguments)),
    }
}

fn run_server(arguments: cli::Serve) -> Result<ExitCode, Failure> {
    let (file, flags) = arguments.into_parts();
    let config = Config::load(file, flags).map_err(failure)?;
    logging::init(&config);
    runtime(config.worker_threads.map(NonZeroUsize::get))?.block_on(async {
        let stop = stop_signal()?;
        let store = sql::open(&config.database).await.map_err(failure)?;
        let listener = TcpListener::bind(config.listen).await;
        let listener = listener.map_err(|cause| format!("listen: {}: {cause}", config.listen))?;
        if config.insecure {
            warn!("insecure: whoever reaches {} can do everything", config.listen);
        }
        server::run(config, listener, store, Arc::new(SystemClock), stop).await.map_err(failure)?;
        Ok(ExitCode::SUCCESS)
    })
}

fn run_replay(arguments: cli::Replay) -> Result<ExitCode, Failure> {
    runtime(None)?.block_on(async {
        let stop = stop_signal()?;
        let report = replay::run(arguments.into(), stop).await.map_err(failure)?;
        // Whoever closed the pipe has read enough: no reason to fail.
        drop(write!(std::io::stdout(), "{report}"));
        Ok(if report.has_errors() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    })
}

fn run_verify(database: Database) -> Result<ExitCode, Failure> {
    let url = database_url(database)?;
    let verified = runtime(None)?.block_on(admin::verify::run(&url)).map_err(failure)?;
    print!("{verified}");
    Ok(if verified.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn run_rebuild(database: Database) -> Result<ExitCode, Failure> {
    let url = database_url(database)?;
    runtime(None)?.block_on(admin::rebuild(&url)).map_err(failure)?;
    println!("rebuilt from the usage log");
    Ok(ExitCode::SUCCESS)
}

fn run_export(export: cli::Export) -> Result<ExitCode, Failure> {
    let (asked, content) = export.into_parts()?;
    let request = admin::export::Request {
        database: database_url(asked.database)?,
        workspace_id: asked.workspace,
        content,
        format: asked.format.into(),
    };
    let mut output = std::io::stdout();
    if asked.output.is_none() && request.format == Format::Parquet && output.is_terminal() {
        return Err("--output: Parquet is nothing to read on a terminal: name a file".to_owned());
    }
    let exported = runtime(None)?.block_on(async {
        // A file that is not whole is removed before the process ends.
        let stop = stop_signal()?;
        let export = async {
            match asked.output {
                Some(file) => {
                    admin::export::to_file(request, &file, asked.force, &SystemClock).await
                }
                None => admin::export::to_writer(request, &mut output, &SystemClock).await,
            }
        };
        tokio::select! {
            exported = export => Ok(exported),
            () = stop => Err("stopped".to_owned()),
        }
    })?;
    match exported {
        // Whoever closed the pipe has read enough: no reason to fail.
        Err(admin::Error::Output(cause)) if cause.kind() == ErrorKind::BrokenPipe => {}
        Err(cause) => return Err(cli::export_failure(&cause)),
        Ok(exported) if exported.is_behind => {
            eprintln!(
                "tollgate: the last entries of the log are not summed up yet and not in this report"
            );
        }
        Ok(_) => {}
    }
    Ok(ExitCode::SUCCESS)
}

fn run_generate(arguments: cli::Generate) -> Result<ExitCode, Failure> {
    let (options, database) = arguments.into_parts();
    let url = database_url(database)?;
    let mut progress = Progress::new(options.records);
    let generate =
        admin::generate::run(&url, options, &SystemClock, |records| progress.show(records));
    let generated = runtime(None)?.block_on(generate).map_err(failure)?;
    progress.finish();
    println!("{generated}");
    Ok(ExitCode::SUCCESS)
}

fn run_import(arguments: cli::Import) -> Result<ExitCode, Failure> {
    let url = database_url(arguments.database)?;
    let import = admin::import_prices(&url, &arguments.file, &SystemClock);
    let report = runtime(None)?.block_on(import).map_err(failure)?;
    println!("{report}");
    Ok(ExitCode::SUCCESS)
}

fn database_url(database: Database) -> Result<String, Failure> {
    let (file, flags) = database.into_parts();
    Ok(Config::load(file, flags).map_err(failure)?.database)
}

/// What is shown to the person at the terminal.
type Failure = String;

fn finish(result: Result<ExitCode, Failure>) -> ExitCode {
    result.unwrap_or_else(|message| {
        eprintln!("tollgate: {message}");
        ExitCode::FAILURE
    })
}

fn failure(error: impl Display) -> Failure {
    error.to_string()
}

/// A runtime with so many threads; one for each core if absent.
fn runtime(worker_threads: Option<usize>) -> Result<tokio::runtime::Runtime, Failure> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if let Some(count) = worker_threads {
        builder.worker_threads(count);
    }
    builder.enable_all().build().map_err(failure)
}

/// Ready at the first SIGTERM or SIGINT. Only then do the signals end the process no more by
/// themselves.
fn stop_signal() -> Result<impl Future<Output = ()>, Failure> {
    let mut terminate = signal(SignalKind::terminate()).map_err(failure)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failure)?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
