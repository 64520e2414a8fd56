//! Identities beside access tokens: ends what has expired, and reads the identity file and the keys
//! of identity providers again.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::engine::Engine;
use crate::identity::{Identities, KEYS_INTERVAL, KEYS_RETRY_INTERVAL};

/// How often what has expired is looked for.
pub const EXPIRY_INTERVAL: Duration = Duration::from_millis(500);
/// How often the file is looked at.
pub const RELOAD_INTERVAL: Duration = Duration::from_secs(10);

/// Runs until `stop`.
pub async fn run(identities: Arc<Identities>, engine: Engine, stop: CancellationToken) {
    let keys = keep_keys(&identities);
    let rules = keep_rules(&identities, &engine);
    stop.run_until_cancelled(async { tokio::join!(keys, rules) }).await;
}

async fn keep_rules(identities: &Arc<Identities>, engine: &Engine) {
    let mut ticks = tokio::time::interval(EXPIRY_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut read = Instant::now();
    loop {
        ticks.tick().await;
        identities.end_expired(engine.now());
        if read.elapsed() < RELOAD_INTERVAL {
            continue;
        }
        read = Instant::now();
        let reading = identities.clone();
        match tokio::task::spawn_blocking(move || reading.reload()).await {
            Ok(Ok(true)) => {
                info!("the identity file was read again");
                // New issuers have no keys yet.
                identities.want_keys();
            }
            Ok(Ok(false)) => {}
            Ok(Err(error)) => warn!(%error, "the rules of the identity file before stay in use"),
            Err(error) => warn!(%error, "the identity file could not be read again"),
        }
    }
}

/// Tokens with a key that is not known have them fetched early, but not again and again.
async fn keep_keys(identities: &Identities) {
    loop {
        let pause = match identities.refresh_keys().await {
            true => KEYS_INTERVAL,
            false => KEYS_RETRY_INTERVAL,
        };
        let early = async {
            tokio::time::sleep(KEYS_RETRY_INTERVAL).await;
            identities.keys_are_wanted().await;
        };
        drop(tokio::time::timeout(pause, early).await);
    }
}
