//! `tollgate serve`: the service.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tollgate::admin::tokens::{FIRST, Tokens};
use tollgate::config::{Auth, Config, Flag, Loaded, SETTINGS};
use tollgate::engine::{Clock, ServerClock, SystemClock};
use tollgate::logging;
use tollgate::server::{self, Signals};
use tollgate::storage::sql::{self, Ownership, Wait};
use tollgate::telemetry::listener::{self, Monitor};
use tollgate::telemetry::traces;
use tracing::{info, warn};

use super::{Failure, failure, print_secret, runtime, stop_signal, tell, warning};

/// What others than the owner and the group of a file may do: read and write.
const OTHERS: u32 = 0o006;

#[derive(Debug, Default, Args)]
pub struct Serve {
    /// TOML file with settings.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    flags: Flags,
}

/// A flag for each setting.
#[derive(Debug, Default)]
struct Flags(Vec<Flag>);

pub fn run(arguments: Serve) -> Result<ExitCode, Failure> {
    let loaded = Config::load(arguments.config, arguments.flags.0).map_err(failure)?;
    let Loaded { config, unknown_variables, secret_file } = loaded;
    logging::init(&config);
    if let Some(warning) = warning(&unknown_variables) {
        warn!("{warning}");
    }
    runtime(config.worker_threads.map(NonZeroUsize::get))?.block_on(async {
        let monitor = monitor(config.metrics_listen).await?;
        let endpoint = config.otlp_endpoint.as_deref();
        let traces = endpoint.map(traces::start).transpose();
        let traces = traces.map_err(|cause| format!("otlp_endpoint: {cause}"))?;
        let mut shutdown = Box::pin(stop_signal()?);
        let reload = reload_signal()?;
        if config.auth == Auth::Required {
            make_first_token(&config).await?;
        }
        let store = tokio::select! {
            opened = sql::open_as(config.database.as_str(), ownership(&config)) => {
                opened.map_err(failure)?
            }
            () = &mut shutdown => return Ok(ExitCode::SUCCESS),
        };
        warn_of_exposed(&config, secret_file);
        let listener = TcpListener::bind(config.listen).await;
        let listener = listener.map_err(|cause| format!("listen: {}: {cause}", config.listen))?;
        if config.auth == Auth::Off && config.insecure {
            warn!("insecure: calls to {} are not authenticated", config.listen);
        } else if config.tls.is_none() && config.insecure {
            warn!("insecure: calls to {} are not encrypted", config.listen);
        }
        let signals = Signals { shutdown, reload, monitor };
        let clock = Arc::new(ServerClock::start());
        let ended = server::run(config, listener, store, clock, signals).await;
        if let Some(traces) = traces {
            traces.stop().await;
        }
        ended.map_err(failure)?;
        Ok(ExitCode::SUCCESS)
    })
}

/// Opens the port that the server is watched by, also while it waits for its database.
async fn monitor(address: Option<SocketAddr>) -> Result<Monitor, Failure> {
    let monitor = Monitor::default();
    if let Some(address) = address {
        let bound = TcpListener::bind(address).await;
        let bound = bound.map_err(|cause| format!("metrics_listen: {address}: {cause}"))?;
        info!("metrics and probes on {}", bound.local_addr().map_err(failure)?);
        tokio::spawn(listener::serve(bound, monitor.clone()));
    }
    Ok(monitor)
}

fn ownership(config: &Config) -> Ownership {
    Ownership {
        node: config.node_id.clone(),
        address: config.advertise_address.clone(),
        lease: config.lease,
        wait: if config.standby { Wait::Standby } else { Wait::WhileUnrenewed },
        create: config.may_create(),
    }
}

/// Changes with each SIGHUP, which does not end the process any more from this call on.
fn reload_signal() -> Result<watch::Receiver<()>, Failure> {
    let mut hangup = signal(SignalKind::hangup()).map_err(failure)?;
    let (sender, receiver) = watch::channel(());
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            sender.send_replace(());
        }
    });
    Ok(receiver)
}

/// Warns of files with secrets or usage that every user of this machine can read or change.
fn warn_of_exposed(config: &Config, config_file: Option<PathBuf>) {
    let named = config.secret_files().map(|(key, path)| (key, path.to_owned()));
    let own = config_file.map(|path| ("config", path));
    let of_database = sql::files(config.database.as_str()).into_iter();
    for (key, path) in named.chain(own).chain(of_database.map(|path| ("database", path))) {
        let Ok(file) = std::fs::metadata(&path) else { continue };
        let mode = file.permissions().mode();
        if file.is_file() && mode & OTHERS != 0 {
            warn!(
                "{key}: every user of this machine can read or change {} (mode {:04o}): take that \
                 from them with chmod o=",
                path.display(),
                mode & 0o7777
            );
        }
    }
}

/// Bootstraps the first operator token: from the configured file, or, where other machines can
/// reach the server, a generated one that is printed once.
async fn make_first_token(config: &Config) -> Result<(), Failure> {
    let file = config.operator_token_file.as_deref();
    if file.is_none() && config.listen.ip().to_canonical().is_loopback() {
        return Ok(());
    }
    let tokens =
        Tokens::open(config.database.as_str(), config.may_create()).await.map_err(failure)?;
    let made = tokens.first(file, SystemClock.now()).await;
    tokens.close().await;
    if let Some(secret) = made.map_err(failure)? {
        tell("the first operator token is created; this is its secret:");
        print_secret(FIRST, &secret)?;
    }
    Ok(())
}

impl Args for Flags {
    fn augment_args(command: Command) -> Command {
        command.args(SETTINGS.iter().map(|setting| {
            let help = format!("{} [env: {}]", setting.help, setting.variable());
            let arg = Arg::new(setting.key).long(setting.flag()).help(help);
            match setting.value_name {
                "" => arg.num_args(0).default_missing_value("true").action(ArgAction::Set),
                name => arg.value_name(name),
            }
        }))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Flags::augment_args(command)
    }
}

impl FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Flags, clap::Error> {
        let text = |key| matches.get_one::<String>(key).cloned();
        let given = SETTINGS.iter().filter_map(|setting| Some((setting, text(setting.key)?)));
        Ok(Flags(given.collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Flags::from_arg_matches(matches)?;
        Ok(())
    }
}
