//! `tollgate serve`: the service.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use tokio::net::TcpListener;
use tollgate::config::{Config, Flag};
use tollgate::engine::SystemClock;
use tollgate::storage::sql;
use tollgate::{logging, server};
use tracing::warn;

use super::{Failure, failure, runtime, stop_signal};

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

pub fn run(arguments: Serve) -> Result<ExitCode, Failure> {
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

impl Serve {
    /// The file that is named, and the flags that are given.
    fn into_parts(self) -> (Option<PathBuf>, Vec<Flag>) {
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
