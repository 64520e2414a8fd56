//! The server: the only place where the parts meet. Given its configuration, listener, storage,
//! clock and signals; binds nothing and reads no environment by itself.

mod background;
mod gauges;
mod reload;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::config::{Auth, Config};
use crate::domain::Time;
use crate::domain::time::{MICROS_PER_DAY, MICROS_PER_HOUR, Micros};
use crate::engine::alerts::address::AddressRules;
use crate::engine::alerts::{KeyFileError, Keyring};
use crate::engine::{self, Clock, Committed, Engine};
use crate::grpc::router::Router;
use crate::grpc::router::health::Health;
use crate::grpc::{self, Admission, Downloads, Reports, ServiceContext};
use crate::identity::{self, Identities};
use crate::prices::builtin;
use crate::proto;
use crate::storage::{self, Store};
use crate::tasks::{self, access, anomalies, clock, deliver, erasure, expire, fold, lease};
use crate::tasks::{recommendations, restore, retention};
use crate::telemetry::calls::Observed;
use crate::telemetry::listener::Monitor;
use crate::transport::{self, Tls};
use background::Tasks;
use gauges::Gauges;

/// How far the clock may be behind the last record that was written, at a start.
const CLOCK_BEHIND_MAX: Micros = MICROS_PER_HOUR;
/// And ahead of it: servers may be off for long.
const CLOCK_AHEAD_MAX: Micros = 31 * MICROS_PER_DAY;

/// Why the server could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the listener has no address: {0}")]
    Listener(#[source] std::io::Error),
    #[error("tls_certificate, tls_key, tls_client_ca: {0}")]
    Tls(#[from] transport::Error),
    #[error("identity_file: {0}")]
    Identities(#[from] identity::Error),
    #[error("cors_allowed_origins: {0:?} is not an origin")]
    Origin(String),
    #[error("encryption_key_file: {0}")]
    Keys(#[from] KeyFileError),
    #[error(
        "the clock says {}, and the last record was written at {}: set the clock right, or \
         start once with --accept-clock if it is right",
        now.to_rfc3339(),
        last.to_rfc3339()
    )]
    Clock { now: Time, last: Time },
    #[error("the clock says {}: expected a time from 2000 to 2199", .0.to_rfc3339())]
    ClockOutOfRange(Time),
    #[error("storage does not answer: {0}")]
    Storage(#[from] storage::Error),
    #[error(transparent)]
    Start(#[from] engine::StartError),
    #[error("reflection could not be set up: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    #[error("serving failed: {0}")]
    Serving(String),
    #[error(
        "another server has taken over this database, it is gone, or the writer failed: see the log"
    )]
    CannotGoOn,
    #[error("the background task \"{task}\" has ended: {cause}")]
    TaskEnded { task: &'static str, cause: String },
    #[error(
        "storage did not answer while the server stopped: live holds and counts of rate limits \
         are lost, as after a crash"
    )]
    NotSaved,
}

/// What the process is told while it serves.
pub struct Signals<F> {
    /// Ready when the server must stop.
    pub shutdown: F,
    /// Each change asks to read files again that can be replaced while the server runs.
    pub reload: watch::Receiver<()>,
    /// Where it is watched from, once it has started.
    pub monitor: Monitor,
}

impl<F> Signals<F> {
    /// Without a way to ask for files to be read again.
    pub fn shutdown(shutdown: F) -> Signals<F> {
        Signals { shutdown, reload: watch::channel(()).1, monitor: Monitor::default() }
    }
}

/// Serves until it is told to stop, then stops gracefully: calls in flight end, and holds are
/// stored, within the configured deadline.
///
/// # Errors
/// If it cannot start, cannot go on (another server has taken over the database, a background task
/// has ended), or could not store what it had in memory. Where it cannot go on, it stops as
/// gracefully as it can.
pub async fn run(
    config: Config,
    listener: TcpListener,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    signals: Signals<impl Future<Output = ()> + Send>,
) -> Result<(), Error> {
    let address = listener.local_addr().map_err(Error::Listener)?;
    let files = config.tls.as_ref();
    let tls = files.map(|files| Tls::load(files.clone()).map(Arc::new)).transpose()?;
    let identities = identities(&config)?;
    let keyring = config.encryption_key_file.as_deref().map(Keyring::load);
    let keyring = keyring.transpose()?.unwrap_or_default();
    let builtin = builtin::catalog();
    if !config.accept_clock {
        check_clock(&*store, clock.now()).await?;
    }
    let (engine, committed) = Engine::start(store, clock.clone(), builtin, keyring).await?;
    // No call has to. Unoptimised it takes too long to be done for tests that need it not.
    if !cfg!(debug_assertions) {
        tokio::task::spawn_blocking(|| builtin.prepare());
    }
    let health = Health::new().await;
    let stopping = CancellationToken::new();
    let router = router(&config, &engine, identities.clone(), &health, &stopping)?;
    signals.monitor.watch(Gauges::new(engine.clone(), stopping.clone()));
    let serving = transport::Server::new(router, tls.clone(), config.limits.clone());
    let mut serving = tokio::spawn(serving.run(listener, stopping.clone()));
    let mut tasks = background(&config, &engine, committed, &health);
    tasks.spawn("clock", |stop| clock::run(clock, stop));
    tasks
        .spawn("reload", |stop| reload::run(signals.reload, tls.clone(), identities.clone(), stop));
    if let Some(tls) = tls {
        tasks.spawn("certificates", |stop| tls.watch(stop));
    }
    if let Some(identities) = identities {
        tasks.spawn("identities", |stop| tasks::identities::run(identities, engine.clone(), stop));
    }
    info!("listening on {address}");
    hint_at_first_call(&engine, &config, address).await;

    let outcome = tokio::select! {
        () = signals.shutdown => Ok(()),
        () = engine.fatal().cancelled() => Err(Error::CannotGoOn),
        error = tasks.ended() => Err(error),
        ended = &mut serving => Err(Error::Serving(describe_end(ended))),
    };
    if let Err(cause) = &outcome {
        error!(%cause, "the server cannot go on");
    }
    health.stop().await;
    stopping.cancel();
    let saved = stop(&engine, tasks, serving, config.shutdown_deadline).await;
    info!("stopped");
    outcome.and(saved)
}

/// What repeats, whatever is configured.
fn background(
    config: &Config,
    engine: &Engine,
    committed: mpsc::Receiver<Committed>,
    health: &Health,
) -> Tasks {
    let mut tasks = Tasks::default();
    tasks.spawn("lease", |stop| lease::run(engine.clone(), stop));
    tasks.spawn("fold", |stop| fold::run(engine.clone(), committed, stop));
    tasks.spawn("restore", |stop| restore::run(engine.clone(), stop));
    tasks.spawn("expiry", |stop| expire::run(engine.clone(), stop));
    tasks.spawn("retention", |stop| retention::run(engine.clone(), stop));
    tasks.spawn("anomalies", |stop| anomalies::run(engine.clone(), stop));
    tasks.spawn("recommendations", |stop| recommendations::run(engine.clone(), stop));
    tasks.spawn("erasures", |stop| erasure::run(engine.clone(), stop));
    tasks.spawn("access tokens", |stop| access::run(engine.clone(), stop));
    let (rules, smtp) = (address_rules(config), config.smtp.clone());
    tasks.spawn("deliveries", |stop| deliver::run(engine.clone(), rules, smtp, stop));
    tasks.spawn("health", |stop| health.clone().watch(engine.clone(), stop));
    tasks
}

/// Waits for calls in flight and background tasks, and stores what is in memory alone.
///
/// # Errors
/// If it could not be stored within the deadline.
async fn stop(
    engine: &Engine,
    tasks: Tasks,
    mut serving: JoinHandle<()>,
    within: Duration,
) -> Result<(), Error> {
    info!("stopping");
    let deadline = Instant::now() + within;
    // Holds must be stored, also where a call does not end.
    let drained_by = Instant::now() + within * 3 / 4;
    if !serving.is_finished() && timeout_at(drained_by, &mut serving).await.is_err() {
        warn!("calls in flight did not end within the deadline");
        serving.abort();
    }
    let saved = timeout_at(deadline, async {
        tasks.stop().await;
        engine.stop().await
    });
    match saved.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(cause)) => {
            error!(%cause, "live holds could not be stored");
            Err(Error::NotSaved)
        }
        Err(_) => {
            error!("storage did not answer within the deadline: live holds are not stored");
            engine.abort().await;
            Err(Error::NotSaved)
        }
    }
}

/// Refuses a start at a time that the log makes unlikely: what a wrong clock decides, such as the
/// end of a cycle, is never taken back.
async fn check_clock(store: &dyn Store, now: Time) -> Result<(), Error> {
    if !(Time::EARLIEST..=Time::LATEST).contains(&now) {
        return Err(Error::ClockOutOfRange(now));
    }
    match store.last_record_time().await? {
        Some(last) if now < last - CLOCK_BEHIND_MAX || now > last + CLOCK_AHEAD_MAX => {
            Err(Error::Clock { now, last })
        }
        _ => Ok(()),
    }
}

/// All services, with health and reflection.
fn router(
    config: &Config,
    engine: &Engine,
    identities: Option<Arc<Identities>>,
    health: &Health,
    stopping: &CancellationToken,
) -> Result<Observed<Router>, Error> {
    let context = ServiceContext {
        engine: engine.clone(),
        stopping: stopping.clone(),
        address_rules: address_rules(config),
        webhooks: Arc::new(deliver::webhook::Client::new(address_rules(config))),
        has_smtp: config.smtp.is_some(),
        admission: admission(config),
        limits: config.limits.clone(),
        reports: Reports::new(config.limits.reports_per_workspace_max),
        downloads: Downloads::default(),
        identities,
    };
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(proto::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            // So that tools which know nothing of google.rpc show the details of errors.
            .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
    };
    let routes = grpc::routes(&context)
        .add_service(health.service())
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?);
    let mut origins = Vec::with_capacity(config.cors_allowed_origins.len());
    for origin in &config.cors_allowed_origins {
        let value = HeaderValue::from_str(origin);
        origins.push(value.map_err(|_| Error::Origin(origin.clone()))?);
    }
    Ok(grpc::observed(Router::new(&context, routes, &origins)))
}

/// Read where credentials are looked at.
fn identities(config: &Config) -> Result<Option<Arc<Identities>>, Error> {
    let Some(path) = &config.identity_file else { return Ok(None) };
    let has_client_ca = config.tls.as_ref().is_some_and(|tls| tls.client_ca.is_some());
    let identities = Identities::load(path, has_client_ca)?;
    Ok((config.auth == Auth::Required).then(|| Arc::new(identities)))
}

fn admission(config: &Config) -> Admission {
    match config.auth {
        Auth::Required => Admission::Authenticated,
        Auth::Off if config.insecure => Admission::Anyone,
        Auth::Off => Admission::Local { origins: config.cors_allowed_origins.clone() },
    }
}

fn address_rules(config: &Config) -> AddressRules {
    AddressRules {
        allow_loopback: config.webhooks_allow_loopback,
        allow_private: config.webhooks_allow_private,
    }
}

fn describe_end(ended: Result<(), tokio::task::JoinError>) -> String {
    ended.map_or_else(|cause| cause.to_string(), |()| "the listener was closed".to_owned())
}

/// Logs the first call to make, if the database is empty.
async fn hint_at_first_call(engine: &Engine, config: &Config, address: SocketAddr) {
    if config.auth == Auth::Required && !engine.has_tokens() {
        info!(
            "no access token is valid yet; create one on the database of this server with\n  \
             tollgate token create --role operator"
        );
    }
    let is_empty = engine.store().workspaces("", 1).await.is_ok_and(|found| found.is_empty());
    if !is_empty {
        return;
    }
    let (plain, scheme) =
        if config.tls.is_some() { ("", "https") } else { ("-plaintext ", "http") };
    let header = match config.auth {
        Auth::Required => "-H \"authorization: Bearer $TOKEN\" ",
        Auth::Off => "",
    };
    let method = "tollgate.v1.WorkspaceService/CreateWorkspace";
    let body = r#"{"workspace": {"workspace_id": "acme", "display_name": "Acme"}}"#;
    info!(
        "there is no workspace yet; create one with\n  \
         grpcurl {plain}{header}-d '{body}' {address} {method}\nor\n  \
         npx @bufbuild/buf curl --protocol grpc --http2-prior-knowledge {header}-d '{body}' \
         {scheme}://{address}/{method}"
    );
}
