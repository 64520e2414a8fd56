//! The command line: what can be typed. Does nothing by itself.

mod export;

use std::path::PathBuf;

use chrono::NaiveDate;
use chrono_tz::Tz;
use clap::{Args, Parser, Subcommand};
use tollgate::admin::generate;
use tollgate::config::Flag;
use tollgate::replay::pace::Speed;
use tollgate::replay::{CONCURRENCY_MAX, Options};

pub use export::{Export, failure as export_failure};

/// Tollgate keeps LLM spend inside its envelope.
#[derive(Debug, Parser)]
#[command(name = "tollgate", version)]
pub struct Cli {
    /// Without one: serve.
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve. Without flags: on 127.0.0.1:50051, from the file tollgate.db in this folder.
    ///
    /// Each flag can also be set in the environment (--log-format as TOLLGATE_LOG_FORMAT) or in
    /// a TOML file (as log_format). Flags come before the environment, that before the file.
    Serve(Serve),
    /// Drive a recorded trace of LLM requests through a running server.
    ///
    /// Checks each request, records what it really generated on the model that was decided, and
    /// prints decisions, spend and latency. Exits with 1 if a call failed.
    Replay(Replay),
    /// Recompute every derived figure from the usage log and name what differs.
    ///
    /// Changes nothing, and may run beside a server. Exits with 1 if something differs.
    Verify(Database),
    /// Rewrite everything that is derived from the usage log. No server may be running.
    Rebuild(Database),
    /// Write a report or the usage log as a file: CSV or Parquet.
    ///
    /// May run beside a server. A file has its name only once it is whole.
    #[command(subcommand)]
    Export(Export),
    /// Make up a history of usage, for demonstrations and measurements. No server may be running.
    ///
    /// Creates a workspace with its directory and fills its usage log: the same options make the
    /// same history.
    Generate(Generate),
    /// Models and prices of the catalogue.
    #[command(subcommand)]
    Prices(Prices),
}

#[derive(Debug, Subcommand)]
pub enum Prices {
    /// Read a price list in the LiteLLM format into the catalogue. No server may be running.
    ///
    /// What an operator set stays; what is there already is left alone. Reports what was taken,
    /// what was skipped, and why.
    Import(Import),
}

#[derive(Debug, Args)]
pub struct Generate {
    /// Workspace to create; there must be none of this id.
    #[arg(long, value_name = "ID", default_value = "demo")]
    workspace: String,
    /// Usage records.
    #[arg(long, value_name = "N", default_value_t = 100_000,
          value_parser = bounded_usize(generate::RECORDS_MAX))]
    records: usize,
    /// Local days that they are spread over.
    #[arg(long, value_name = "N", default_value_t = 60,
          value_parser = bounded_usize(generate::DAYS_MAX))]
    days: usize,
    /// The last of the days, for example 2026-01-31; yesterday if not given.
    #[arg(long, value_name = "DATE")]
    until: Option<NaiveDate>,
    /// Time zone of the workspace.
    #[arg(long, value_name = "ZONE", default_value = "Europe/Berlin")]
    time_zone: Tz,
    /// Users, some of whom never send a request.
    #[arg(long, value_name = "N", default_value_t = 200,
          value_parser = bounded_usize(generate::MEMBERS_MAX))]
    users: usize,
    /// Departments.
    #[arg(long, value_name = "N", default_value_t = 12,
          value_parser = bounded_usize(generate::MEMBERS_MAX))]
    departments: usize,
    /// Assistants.
    #[arg(long, value_name = "N", default_value_t = 40,
          value_parser = bounded_usize(generate::MEMBERS_MAX))]
    assistants: usize,
    /// Workflows.
    #[arg(long, value_name = "N", default_value_t = 25,
          value_parser = bounded_usize(generate::MEMBERS_MAX))]
    workflows: usize,
    /// Models: of the catalogue, and invented ones where these are too few.
    #[arg(long, value_name = "N", default_value_t = 12,
          value_parser = bounded_usize(generate::MODELS_MAX))]
    models: usize,
    /// What everything is drawn from.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Leave the sums to the server, which makes them when it starts.
    #[arg(long)]
    no_fold: bool,
    #[command(flatten)]
    database: Database,
}

impl Generate {
    /// What is to be made, and where.
    pub fn into_parts(self) -> (generate::Options, Database) {
        let options = generate::Options {
            workspace_id: self.workspace,
            time_zone: self.time_zone,
            records: self.records,
            days: self.days,
            until: self.until,
            users: self.users,
            departments: self.departments,
            assistants: self.assistants,
            workflows: self.workflows,
            models: self.models,
            seed: self.seed,
            fold: !self.no_fold,
        };
        (options, self.database)
    }
}

#[derive(Debug, Args)]
pub struct Import {
    /// The list: a JSON object with an entry for each model.
    pub file: PathBuf,
    #[command(flatten)]
    pub database: Database,
}

/// The database that a command works on; named as for serve.
#[derive(Debug, Args)]
pub struct Database {
    /// TOML file with settings.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where the data is: sqlite:PATH or postgres://…
    #[arg(long, value_name = "URL")]
    database: Option<String>,
}

impl Database {
    /// The file that is named, and the flags that are given.
    pub fn into_parts(self) -> (Option<PathBuf>, Vec<Flag>) {
        (self.config, self.database.map(|url| ("database", url)).into_iter().collect())
    }
}

impl Default for Command {
    fn default() -> Command {
        Command::Serve(Serve::default())
    }
}

#[derive(Debug, Default, Args)]
pub struct Serve {
    /// TOML file with settings.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address to serve on.
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Where the data is: sqlite:PATH or postgres://…
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Allow an address that other machines can reach: whoever reaches it can do everything.
    #[arg(long)]
    insecure: bool,
    /// Form of the log: human or json.
    #[arg(long, value_name = "FORM")]
    log_format: Option<String>,
    /// What is logged, for example "info".
    #[arg(long, value_name = "FILTER")]
    log_filter: Option<String>,
    /// Origins whose pages may call over gRPC-Web, separated by commas; "*" for all.
    #[arg(long, value_name = "ORIGINS")]
    cors_allowed_origins: Option<String>,
    /// Longest time that a graceful stop may take.
    #[arg(long, value_name = "N")]
    shutdown_deadline_seconds: Option<String>,
    /// Threads that serve; one for each core if not given.
    #[arg(long, value_name = "N")]
    worker_threads: Option<String>,
    /// Allow webhooks at loopback addresses, also over http.
    #[arg(long)]
    webhooks_allow_loopback: bool,
    /// Allow webhooks at addresses of private networks.
    #[arg(long)]
    webhooks_allow_private: bool,
    /// Server for mail, for example smtps://USER:PASSWORD@HOST. Others on this machine can read
    /// flags: prefer the environment or the file.
    #[arg(long, value_name = "URL")]
    smtp_url: Option<String>,
    /// Whom mail is from.
    #[arg(long, value_name = "ADDRESS")]
    smtp_from: Option<String>,
}

impl Serve {
    /// The file that is named, and the flags that are given.
    pub fn into_parts(self) -> (Option<PathBuf>, Vec<Flag>) {
        let flags = [
            ("listen", self.listen),
            ("database", self.database),
            ("insecure", self.insecure.then(|| "true".to_owned())),
            ("log_format", self.log_format),
            ("log_filter", self.log_filter),
            ("cors_allowed_origins", self.cors_allowed_origins),
            ("shutdown_deadline_seconds", self.shutdown_deadline_seconds),
            ("worker_threads", self.worker_threads),
            ("webhooks_allow_loopback", self.webhooks_allow_loopback.then(|| "true".to_owned())),
            ("webhooks_allow_private", self.webhooks_allow_private.then(|| "true".to_owned())),
            ("smtp_url", self.smtp_url),
            ("smtp_from", self.smtp_from),
        ];
        let given = flags.into_iter().filter_map(|(key, text)| Some((key, text?))).collect();
        (self.config, given)
    }
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
