//! The server: the only place where the parts meet. Given its configuration, listener, storage,
//! clock and the signal to stop; binds nothing and reads no environment by itself.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tracing::{error, info, warn};

use crate::config::{Auth, Config};
use crate::engine::alerts::address::AddressRules;
use crate::engine::{self, Clock, Engine};
use crate::grpc::health::Health;
use crate::grpc::router::Router;
use crate::grpc::{self, ServiceContext};
use crate::prices::builtin;
use crate::proto;
use crate::storage::Store;
use crate::tasks::{access, deliver, expire, fold, retention};

/// Most calls in flight on one connection; a client waits with more.
pub const STREAMS_PER_CONNECTION_MAX: u32 = 1_024;
/// How long a connection may be silent before the system asks whether it lives. Asked by TCP, not
/// by HTTP/2 pings: for these the clock is read and a lock taken with every frame.
pub const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(60);

/// Why the server could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the listener has no address: {0}")]
    Listener(#[source] std::io::Error),
    #[error("cors_allowed_origins: {0:?} is not an origin")]
    Origin(String),
    #[error("the engine could not start: {0}")]
    Start(#[source] engine::Error),
    #[error("reflection could not be set up: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    #[error("serving failed: {0}")]
    Serving(String),
    #[error("another server has taken over this database, or the writer failed: see the log")]
    CannotGoOn,
}

/// Serves until `shutdown`, then stops gracefully: calls in flight end, and holds are stored,
/// within the configured deadline.
///
/// # Errors
/// If it cannot start, or another server takes over the database.
pub async fn run(
    config: Config,
    listener: TcpListener,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), Error> {
    let address = listener.local_addr().map_err(Error::Listener)?;
    let builtin = builtin::catalog();
    let (engine, committed) = Engine::start(store, clock, builtin).await.map_err(Error::Start)?;
    // No call has to. Unoptimised it takes too long to be done for tests that need it not.
    if !cfg!(debug_assertions) {
        tokio::task::spawn_blocking(|| builtin.prepare());
    }
    let health = Health::new().await;
    let stopping = CancellationToken::new();
    let router = router(&config, &engine, &health, &stopping)?;
    let mut serving = tokio::spawn(serve(router, listener, stopping.clone()));
    let mut tasks = Tasks::default();
    tasks.spawn(|stop| fold::run(engine.clone(), committed, stop));
    tasks.spawn(|stop| expire::run(engine.clone(), stop));
    tasks.spawn(|stop| retention::run(engine.clone(), stop));
    tasks.spawn(|stop| access::run(engine.clone(), stop));
    let (rules, smtp) = (address_rules(&config), config.smtp.clone());
    tasks.spawn(|stop| deliver::run(engine.clone(), rules, smtp, stop));
    tasks.spawn(|stop| health.clone().watch(engine.clone(), stop));
    info!("listening on {address}");
    hint_at_first_call(&engine, address).await;

    let outcome = tokio::select! {
        () = shutdown => Ok(()),
        () = engine.fatal().cancelled() => Err(Error::CannotGoOn),
        ended = &mut serving => Err(Error::Serving(describe_end(ended))),
    };
    info!("stopping");
    let deadline = Instant::now() + config.shutdown_deadline;
    // Holds must be stored, also where a call does not end.
    let drained_by = Instant::now() + config.shutdown_deadline * 3 / 4;
    health.stop().await;
    stopping.cancel();
    if !serving.is_finished() && timeout_at(drained_by, &mut serving).await.is_err() {
        warn!("calls in flight did not end within the deadline");
        serving.abort();
    }
    if timeout_at(deadline, tasks.stop()).await.is_err()
        || timeout_at(deadline, engine.stop()).await.is_err()
    {
        error!("storage did not answer within the deadline: holds may not be stored");
        engine.abort().await;
    }
    info!("stopped");
    outcome
}

async fn serve(
    router: Router,
    listener: TcpListener,
    stopping: CancellationToken,
) -> Result<(), tonic::transport::Error> {
    let incoming = TcpIncoming::from(listener)
        .with_nodelay(Some(true))
        .with_keepalive(Some(KEEPALIVE_INTERVAL));
    Server::builder()
        // gRPC-Web comes over HTTP/1.1, too.
        .accept_http1(true)
        .max_concurrent_streams(STREAMS_PER_CONNECTION_MAX)
        .serve_with_incoming_shutdown(router, incoming, stopping.cancelled())
        .await
}

/// All services, with health and reflection.
fn router(
    config: &Config,
    engine: &Engine,
    health: &Health,
    stopping: &CancellationToken,
) -> Result<Router, Error> {
    let context = ServiceContext {
        engine: engine.clone(),
        stopping: stopping.clone(),
        address_rules: address_rules(config),
        has_smtp: config.smtp.is_some(),
        requires_auth: config.auth == Auth::Required,
    };
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(proto::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
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
    Ok(Router::new(&context, routes, &origins))
}

fn address_rules(config: &Config) -> AddressRules {
    AddressRules {
        allow_loopback: config.webhooks_allow_loopback,
        allow_private: config.webhooks_allow_private,
    }
}

/// Background tasks, and the token that stops them.
#[derive(Default)]
struct Tasks {
    set: JoinSet<()>,
    stop: CancellationToken,
}

impl Tasks {
    fn spawn<F>(&mut self, task: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.set.spawn(task(self.stop.clone()));
    }

    async fn stop(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.set.join_next().await {
            if let Err(cause) = ended {
                error!(%cause, "a background task failed");
            }
        }
    }
}

fn describe_end(
    ended: Result<Result<(), tonic::transport::Error>, tokio::task::JoinError>,
) -> String {
    match ended {
        Ok(Ok(())) => "the listener was closed".to_owned(),
        Ok(Err(cause)) => cause.to_string(),
        Err(cause) => cause.to_string(),
    }
}

/// Logs the first call to make, if the database is empty.
async fn hint_at_first_call(engine: &Engine, address: SocketAddr) {
    let is_empty = engine.list_workspaces("", 1).await.is_ok_and(|found| found.is_empty());
    if !is_empty {
        return;
    }
    let method = "tollgate.v1.WorkspaceService/CreateWorkspace";
    let body = r#"{"workspace": {"workspace_id": "acme", "display_name": "Acme"}}"#;
    info!(
        "there is no workspace yet; create one with\n  \
         grpcurl -plaintext -d '{body}' {address} {method}\nor\n  \
         npx @bufbuild/buf curl --protocol grpc --http2-prior-knowledge -d '{body}' \
         http://{address}/{method}"
    );
}
