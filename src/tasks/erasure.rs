//! Finishes erasures of users: those that a call has begun and not finished, and those that were
//! begun before the start.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::engine::Engine;

/// How long it waits after storage has failed.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Runs until `stop`.
pub async fn run(engine: Engine, stop: CancellationToken) {
    loop {
        let finished = tokio::select! {
            () = stop.cancelled() => return,
            finished = engine.finish_erasures() => finished,
        };
        if let Err(error) = &finished {
            warn!(%error, "an erasure of a user that has begun is finished later");
        }
        let again = async {
            match finished {
                Ok(()) => engine.erasure_begun().await,
                Err(_) => tokio::time::sleep(RETRY_PAUSE).await,
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = again => {}
        }
    }
}
