//! The command line: one file for each subcommand, with its arguments and what runs it.
//!
//! Results go to standard output, everything else to standard error.

mod backup;
mod client;
mod dev;
mod export;
mod generate;
mod init;
mod prices;
mod rebuild;
mod replay;
mod serve;
mod shell;
mod token;
mod verify;

use std::fmt::Display;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};
use tollgate::config::{Config, SETTINGS};
use tollgate::domain::access::Secret;

/// What a process ends with.
const EXIT_CODES: &str = "\
Exit codes:
  0        done; of serve and dev: stopped as told
  1        not done: the reason is on standard error. Of health: not serving; of verify: something
           differs; of replay: a call failed
  2        the command line is wrong
  64 + N   a call was answered with the gRPC status N, as with grpcurl: 67 INVALID_ARGUMENT,
           69 NOT_FOUND, 70 ALREADY_EXISTS, 71 PERMISSION_DENIED, 72 RESOURCE_EXHAUSTED,
           73 FAILED_PRECONDITION, 74 ABORTED, 78 UNAVAILABLE, 80 UNAUTHENTICATED";

/// Tollgate keeps LLM spend inside its envelope.
#[derive(Debug, Parser)]
#[command(name = "tollgate", version, after_long_help = EXIT_CODES)]
struct Cli {
    /// Without one: serve.
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve. Without flags: on 127.0.0.1:50051, from the file tollgate.db in this folder.
    ///
    /// Each flag can also be set in the environment (--log-format as TOLLGATE_LOG_FORMAT) or in
    /// a TOML file (as log_format). Flags come before the environment, that before the file.
    Serve(serve::Serve),
    /// Serve a demo workspace from a temporary database, to try things out. Nothing is kept.
    ///
    /// Makes up two months of usage, with users, quotas, keys and alerts, and goes on using it.
    /// Says where the panel is, and what a first call looks like. Ends at SIGINT or SIGTERM, and
    /// starts over when it is started again.
    Dev(dev::Dev),
    /// Create the database, with its tables. One that is there already is left as it is.
    Init(Database),
    /// Drive a recorded trace of LLM requests through a running server.
    ///
    /// Checks each request, records what it really generated on the model that was decided, and
    /// prints decisions, spend and latency. Exits with 1 if a call failed.
    Replay(replay::Replay),
    /// Recompute every derived figure from the usage log and name what differs.
    ///
    /// Changes nothing, and may run beside a server. Exits with 1 if something differs.
    Verify(Database),
    /// Rewrite everything that is derived from the usage log. No server may be running.
    Rebuild(Database),
    /// Copy a SQLite database into a file, also while a server uses it.
    ///
    /// The file is one state of everything that was acknowledged, checked, and there only once it
    /// is whole. To restore it, put it where the database was while no server runs.
    Backup(backup::Backup),
    /// Write a report or the usage log as a file: CSV or Parquet.
    ///
    /// May run beside a server. A file has its name only once it is whole.
    #[command(subcommand)]
    Export(export::Export),
    /// Make up a history of usage, for demonstrations and measurements. No server may be running.
    ///
    /// Creates a workspace with its directory and fills its usage log: the same options make the
    /// same history.
    Generate(generate::Generate),
    /// Access tokens: who may call a server that requires authentication.
    #[command(subcommand)]
    Token(token::Token),
    /// Models and prices of the catalog.
    #[command(subcommand)]
    Prices(prices::Prices),
    /// Call any method of the API, with messages in JSON.
    ///
    /// Prints the answer as JSON; of a stream one answer on each line.
    Call(client::call::Call),
    #[command(flatten)]
    Verb(client::Verb),
    /// Servers that are called often, by name.
    #[command(subcommand)]
    Context(client::contexts::ContextCommand),
    /// Ask a server whether it serves, for health checks of containers.
    ///
    /// Exits with 0 if it does, with 1 if it does not or does not answer.
    Health(client::health::Health),
    /// Print a completion script for a shell.
    Completion(shell::Completion),
    /// Print the manual page, or write those of all commands into a folder.
    Man(shell::Man),
}

/// Runs the command of this process.
pub fn run() -> ExitCode {
    let command = Cli::parse().command.unwrap_or_else(|| Command::Serve(Default::default()));
    let result = match command {
        Command::Serve(arguments) => serve::run(arguments),
        Command::Init(database) => init::run(database),
        Command::Replay(arguments) => replay::run(arguments),
        Command::Verify(database) => verify::run(database),
        Command::Rebuild(database) => rebuild::run(database),
        Command::Backup(backup) => backup::run(backup),
        Command::Export(export) => export::run(export),
        Command::Generate(arguments) => generate::run(arguments),
        Command::Token(token) => token::run(token),
        Command::Prices(prices) => prices::run(prices),
        Command::Dev(dev) => dev::run(dev),
        Command::Call(call) => client::call::run_call(call),
        Command::Verb(verb) => client::run_verb(verb),
        Command::Context(context) => client::contexts::run(context),
        Command::Health(health) => client::health::run(health),
        Command::Completion(completion) => shell::completion(completion, Cli::command()),
        Command::Man(man) => shell::man(man, Cli::command()),
    };
    result.unwrap_or_else(|message| {
        tell(message);
        ExitCode::FAILURE
    })
}

/// The message for the person at the terminal.
type Failure = String;

fn failure(error: impl Display) -> Failure {
    error.to_string()
}

/// Tells the person at the terminal. That nobody can be told is no reason to fail, or to fail with
/// another exit code.
fn tell(message: impl Display) {
    drop(writeln!(io::stderr(), "tollgate: {message}"));
}

/// Prints a result.
///
/// # Errors
/// If it cannot be written.
fn print(result: impl Display) -> Result<(), Failure> {
    match write_out(result) {
        // Its reader has read enough.
        Err(cause) if cause.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|cause| format!("the result could not be printed: {cause}")),
    }
}

/// Prints one of many results. Whether there is still a reader.
///
/// # Errors
/// If it cannot be written.
fn print_next(result: impl Display) -> Result<bool, Failure> {
    match write_out(result) {
        Err(cause) if cause.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        written => {
            written.map_err(|cause| format!("the result could not be printed: {cause}"))?;
            Ok(true)
        }
    }
}

/// Prints the secret of a token, which nothing else knows.
///
/// # Errors
/// If it cannot be written.
fn print_secret(id: &str, secret: &Secret) -> Result<(), Failure> {
    write_out(format_args!("{}\n", secret.expose())).map_err(|cause| {
        format!(
            "the secret could not be printed: {cause}; tollgate token rotate {id} makes another"
        )
    })
}

fn write_out(text: impl Display) -> io::Result<()> {
    let mut output = io::stdout();
    write!(output, "{text}")?;
    output.flush()
}

/// The database that a command works on; named as for serve.
#[derive(Debug, Default, Args)]
struct Database {
    /// TOML file with settings.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where the data is: sqlite:PATH or postgres://…
    #[arg(long, value_name = "URL")]
    database: Option<String>,
}

impl Database {
    /// Whether a flag names it.
    fn is_named(&self) -> bool {
        self.config.is_some() || self.database.is_some()
    }

    fn url(&self) -> Result<String, Failure> {
        Ok(self.config()?.database.as_str().to_owned())
    }

    fn config(&self) -> Result<Config, Failure> {
        let setting = SETTINGS.iter().find(|setting| setting.key == "database");
        let flags = setting.zip(self.database.clone()).into_iter().collect();
        let loaded = Config::load(self.config.clone(), flags).map_err(failure)?;
        if let Some(warning) = warning(&loaded.unknown_variables) {
            tell(warning);
        }
        Ok(loaded.config)
    }
}

/// Without the values, which may be secret.
fn warning(unknown_variables: &[String]) -> Option<String> {
    let names = unknown_variables.join(", ");
    (!names.is_empty()).then(|| format!("unknown environment variables are ignored: {names}"))
}

/// A runtime with so many threads; one for each core if absent.
fn runtime(worker_threads: Option<usize>) -> Result<tokio::runtime::Runtime, Failure> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if let Some(count) = worker_threads {
        builder.worker_threads(count);
    }
    builder.enable_all().build().map_err(failure)
}

/// Ready at the first SIGTERM or SIGINT. From this call on they do not end the process by
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
