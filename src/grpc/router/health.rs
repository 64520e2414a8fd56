//! `grpc.health.v1`, per service: whether this server decides and records.
//!
//! Not serving from a write that failed, or takes too long, until storage answers again; without
//! the lease of the database; and while the server stops. Reads do not matter: many at once are
//! no reason to end a server that decides.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};
use tracing::{info, warn};

use crate::engine::Engine;
use crate::grpc::SERVICE_NAMES;

/// How often the status is set anew.
const CHECK_INTERVAL: Duration = Duration::from_millis(500);

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

    /// Sets the status by what is known of the writes, until `stop`.
    pub async fn watch(self, engine: Engine, stop: CancellationToken) {
        let mut writes = engine.storage_answers();
        let mut ticks = interval(CHECK_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut was_serving = false;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
                changed = writes.changed() => {
                    if changed.is_err() {
                        return;
                    }
                }
            }
            let is_serving = engine.is_available();
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
