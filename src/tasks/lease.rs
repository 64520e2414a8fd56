//! The lease: renewed while nothing else is written, and looked at by health checks.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::engine::Engine;

/// Renewals within the time of a lease.
const RENEWALS: u32 = 5;
/// How often storage is written to where there is no lease.
const PROBE_INTERVAL: Duration = Duration::from_secs(10);
/// How often it is tried while storage does not answer.
pub const RETRY_INTERVAL: Duration = Duration::from_millis(500);

/// Runs until `stop`.
pub async fn run(engine: Engine, stop: CancellationToken) {
    let lease = engine.lease().duration();
    let mut renewals = interval(lease.map_or(PROBE_INTERVAL, |lease| lease / RENEWALS));
    renewals.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let answers = *engine.storage_answers().borrow();
        tokio::select! {
            () = stop.cancelled() => return,
            _ = renewals.tick() => {}
            () = tokio::time::sleep(RETRY_INTERVAL), if !answers => {}
        }
        engine.renew().await;
    }
}
