//! `tollgate dev`: a server with a demo workspace in a temporary database, to try things out.
//!
//! The history is what `tollgate generate` makes up; everything else is set through the API, as an
//! administrator would, and goes on being used as callers would.

mod setup;
mod traffic;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use chrono_tz::Tz;
use clap::Args;
use setup::Demo;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tollgate::config::{Config, DatabaseUrl};
use tollgate::engine::{Clock, ServerClock, SystemClock};
use tollgate::logging;
use tollgate::server::{self, Signals};
use tollgate::storage::sql;
use tonic::transport::Endpoint;

use super::client::{Authorized, Bearer, CallError, Client};
use super::generate::{Generate, generate};
use super::{Failure, bounded_usize, failure, print, runtime, stop_signal};

/// The workspace of the demo.
const WORKSPACE: &str = "demo";
const RECORDS_MAX: usize = 1_000_000;
const FOLDER_PREFIX: &str = "tollgate-dev-";
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a stop may take: nothing has to be kept.
const STOP_DEADLINE: Duration = Duration::from_secs(2);

#[derive(Debug, Args)]
pub struct Dev {
    /// Address to serve on; of this machine alone, because no token is needed.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:50051", value_parser = loopback)]
    listen: SocketAddr,
    /// Usage records of the history.
    #[arg(long, value_name = "N", default_value_t = 12_000,
          value_parser = bounded_usize(RECORDS_MAX))]
    records: usize,
    /// Time zone of the workspace.
    #[arg(long, value_name = "ZONE", default_value = "Europe/Berlin")]
    time_zone: Tz,
    /// Seed of the random numbers: the same one makes the same history on the same day.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Let the workspace rest, instead of sending a request every second.
    #[arg(long)]
    no_traffic: bool,
}

pub fn run(dev: Dev) -> Result<ExitCode, Failure> {
    let folder = TempDir::with_prefix(FOLDER_PREFIX);
    let folder = folder.map_err(|cause| format!("no temporary folder: {cause}"))?;
    let config = Config {
        listen: dev.listen,
        database: DatabaseUrl::sqlite(&folder.path().join("tollgate.db")),
        log_filter: "warn".to_owned(),
        shutdown_deadline: STOP_DEADLINE,
        ..Config::default()
    };
    logging::init(&config);
    let served = runtime(None)?.block_on(dev.serve(config));
    // By hand, so that what is left behind is told of.
    let removed = folder.close();
    served?;
    removed.map_err(|cause| format!("the temporary database is left behind: {cause}"))?;
    Ok(ExitCode::SUCCESS)
}

impl Dev {
    /// Until a signal.
    async fn serve(self, config: Config) -> Result<(), Failure> {
        let stop = stopped()?;
        // First, so that a port that is taken is told of at once.
        let listener = TcpListener::bind(self.listen).await.map_err(|cause| {
            format!("listen: {}: {cause}; --listen chooses another port", self.listen)
        })?;
        let address = listener.local_addr().map_err(failure)?;
        let url = config.database.as_str().to_owned();
        tokio::select! {
            generated = self.generate(&url) => generated?,
            () = stop.cancelled() => return Ok(()),
        }
        let store = sql::open(&url).await.map_err(failure)?;
        let clock = Arc::new(ServerClock::start());
        let signals = Signals::shutdown(stop.clone().cancelled_owned());
        let mut server = tokio::spawn(server::run(config, listener, store, clock, signals));
        tokio::select! {
            used = self.present(address) => {
                // What failed because the server stops is no failure.
                if !stop.is_cancelled() {
                    stop.cancel();
                    used?;
                }
            }
            ended = &mut server => return ended.map_err(failure)?.map_err(failure),
        }
        server.await.map_err(failure)?.map_err(failure)
    }

    /// Makes up the history.
    async fn generate(&self, url: &str) -> Result<(), Failure> {
        let arguments = Generate::demo(WORKSPACE, self.time_zone, self.seed, self.records);
        let store = sql::open(url).await.map_err(failure)?;
        let generated = generate(&*store, &arguments, SystemClock.now(), |_| {}).await;
        store.close().await;
        generated.map(drop).map_err(failure)
    }

    /// Sets the workspace up, says how to use it, and uses it.
    async fn present(&self, address: SocketAddr) -> Result<(), Failure> {
        let endpoint = Endpoint::from_shared(format!("http://{address}")).map_err(failure)?;
        let channel = endpoint.connect().await.map_err(failure)?;
        let channel = Authorized::new(channel, Bearer::default());
        let client = Client::new(channel, CALL_TIMEOUT);
        let demo = setup::set_up(&client, self.time_zone).await.map_err(CallError::into_message)?;
        print(self.introduction(address, &demo))?;
        if self.no_traffic {
            std::future::pending::<()>().await;
        }
        traffic::run(&client, &demo, self.seed).await.map_err(CallError::into_message)
    }

    /// What to do first.
    fn introduction(&self, address: SocketAddr, demo: &Demo) -> String {
        let is_default = address == Config::default().listen;
        let server = if is_default { String::new() } else { format!(" --server {address}") };
        let Demo { first_call, first_answer, blocked_user, capped_model, .. } = demo;
        format!(
            "Tollgate serves the demo workspace \"{WORKSPACE}\" on {address}.\n\n\
             The panel:\n  http://{address}/\n\n\
             A first call:\n  tollgate call{server} UsageService/CheckAndRoute '{first_call}'\n\
             and its answer:\n{first_answer:#}\n\n\
             Where the workspace stands:\n  tollgate status{server} -w {WORKSPACE}\n\
             Why a user is blocked:\n  \
             tollgate why{server} -w {WORKSPACE} --user {blocked_user} --model {capped_model}\n\n\
             To start over, end it with Ctrl-C and start it again: nothing is kept.\n"
        )
    }
}

/// Cancelled at SIGTERM, SIGINT or SIGHUP: the terminal may be closed.
fn stopped() -> Result<CancellationToken, Failure> {
    let stop = CancellationToken::new();
    let told = stop_signal()?;
    let mut hangup = signal(SignalKind::hangup()).map_err(failure)?;
    let cancelled = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = told => {}
            _ = hangup.recv() => {}
        }
        cancelled.cancel();
    });
    Ok(stop)
}

fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address = text.parse::<SocketAddr>().ok().filter(|address| address.ip().is_loopback());
    address.ok_or_else(|| {
        "expected a loopback address and a port, for example 127.0.0.1:50051".to_owned()
    })
}
