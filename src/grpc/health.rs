//! `grpc.health.v1`, per service: whether storage answers.
//!
//! Not serving until storage answered, from a write that failed until storage answers again, and
//! while the server stops.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};
use tracing::{info, warn};

use super::SERVICE_NAMES;
use crate::engine::Engine;

/// How often storage is pinged.
pub const PING_INTERVAL: Duration = Duration::from_secs(2);
/// How long storage may take to answer before it counts as not answering.
pub const PING_TIMEOUT: Duration = Duration::from_secs(5);

/// Name of the server as a whole.
const SERVER: &str = "";

/// The status of all services.
#[derive(Clone)]
pub struct Health {
    reporter: HealthReporter,
    /// The status does not change any more.
    is_stopped: Arc<Mutex<bool>>,
}

impl Health {
    /// Nothing serves yet.
    pub async fn new() -> Health {
        let health = Health { reporter: HealthReporter::new(), is_stopped: Arc::default() };
        health.set(ServingStatus::NotServing).await;
        health
    }

    pub fn service(&self) -> HealthServer<HealthService> {
        HealthServer::new(HealthService::from_health_reporter(self.reporter.clone()))
    }

    /// Pings storage until `stop`, and sets the status.
    pub async fn watch(self, engine: Engine, stop: CancellationToken) {
        let mut writes = engine.storage_answers();
        let mut ticks = interval(PING_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut was_serving = false;
        loop {
            let is_serving = tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => answers(&engine).await,
                changed = writes.changed() => match changed {
                    Ok(()) => *writes.borrow_and_update(),
                    Err(_) => return,
                },
            };
            if is_serving == was_serving {
                continue;
            }
            match is_serving {
                true => info!("storage answers: serving"),
                false => warn!("storage does not answer: not serving"),
            }
            let status =
                if is_serving { ServingStatus::Serving } else { ServingStatus::NotServing };
            self.set(status).await;
            was_serving = is_serving;
        }
    }

    /// Sets the status to not serving, and ends the streams that watch it.
    pub async fn stop(mut self) {
        self.set(ServingStatus::NotServing).await;
        *self.is_stopped.lock().await = true;
        for service in names() {
            self.reporter.clear_service_status(service).await;
        }
    }

    async fn set(&self, status: ServingStatus) {
        // Held to the end, so that a stop does not come in between.
        let is_stopped = self.is_stopped.lock().await;
        if *is_stopped {
            return;
        }
        for service in names() {
            self.reporter.set_service_status(service, status).await;
        }
    }
}

/// Everything that a status is reported of.
fn names() -> impl Iterator<Item = &'static str> {
    [SERVER].into_iter().chain(SERVICE_NAMES.iter().copied())
}

async fn answers(engine: &Engine) -> bool {
    let writes_pass = *engine.storage_answers().borrow();
    let answer = async {
        // After a write failed the writer has to be heard: it may be stuck in it.
        if writes_pass { engine.store().ping().await.is_ok() } else { engine.probe().await.is_ok() }
    };
    timeout(PING_TIMEOUT, answer).await.unwrap_or(false)
}
