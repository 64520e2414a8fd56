//! Expiry of holds in workspaces without requests, with the charges of those workspaces that charge
//! expired holds. Also drops idle subjects, and stores alerts that no write follows.

use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::engine::Engine;

/// How often holds are checked.
pub const EXPIRE_INTERVAL: Duration = Duration::from_secs(1);

/// Runs until `stop`.
pub async fn run(engine: Engine, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(EXPIRE_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        engine.sweep_subjects();
        match engine.expire_holds().await {
            Ok(_) => {}
            Err(error) => warn!(%error, "expired holds are charged later"),
        }
        if let Err(error) = engine.store_raised().await {
            warn!(%error, "alerts are stored later");
        }
    }
}
