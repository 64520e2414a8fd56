//! Retention of usage records: drops those whose retention period is over, a few at a time.

use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::engine::{Engine, Error};

/// How often workspaces are checked; the first time at the start.
pub const RETENTION_INTERVAL: Duration = Duration::from_secs(3_600);

/// Runs until `stop`.
pub async fn run(engine: Engine, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(RETENTION_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        if let Err(error) = drop_expired(&engine, &stop).await {
            warn!(%error, "old records are dropped later");
        }
    }
}

/// Goes through all workspaces once.
///
/// # Errors
/// If storage fails; the rest is dropped next time.
pub async fn drop_expired(engine: &Engine, stop: &CancellationToken) -> Result<(), Error> {
    for expired in engine.expired_records().await? {
        let mut dropped = false;
        while !stop.is_cancelled() && engine.drop_records(&expired).await? {
            dropped = true;
        }
        if dropped {
            info!(
                workspace = expired.workspace_id,
                "dropped records whose retention period is over"
            );
        }
    }
    Ok(())
}
