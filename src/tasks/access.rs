//! Access tokens: sees what another process has changed, and stores when they were used.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::engine::Engine;

/// How often changes are looked for: a token that is revoked by the command line is refused within
/// a second.
pub const REFRESH_INTERVAL: Duration = Duration::from_millis(500);
/// How often the times of use are stored.
pub const USES_INTERVAL: Duration = Duration::from_secs(60);

/// Runs until `stop`.
pub async fn run(engine: Engine, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(REFRESH_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut stored = Instant::now();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            _ = ticks.tick() => {}
        }
        if let Err(error) = engine.refresh_access().await {
            warn!(%error, "changes of access tokens are seen later");
        }
        if stored.elapsed() >= USES_INTERVAL {
            stored = Instant::now();
            store_uses(&engine).await;
        }
    }
    store_uses(&engine).await;
}

async fn store_uses(engine: &Engine) {
    if let Err(error) = engine.store_token_uses().await {
        warn!(%error, "times of use of access tokens are stored later");
    }
}
