//! Loads the workspaces of which storage has holds or counts, one after the other: their holds
//! expire, are charged and are counted, also where nobody asks for them. A server does not wait
//! for it, and a call loads its workspace before.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::engine::Engine;

/// How long it waits until it tries again what could not be loaded.
const RETRY_PAUSE: Duration = Duration::from_secs(10);

/// Runs until `stop`.
pub async fn run(engine: Engine, stop: CancellationToken) {
    let load = async {
        loop {
            match engine.load_stored().await {
                Ok(()) => break,
                Err(error) => warn!(%error, "a workspace with stored holds is loaded later"),
            }
            tokio::time::sleep(RETRY_PAUSE).await;
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = load => {}
    }
}
