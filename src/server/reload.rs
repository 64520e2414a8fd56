//! Reads files again when the process is asked to (SIGHUP), without waiting until they are looked
//! at anyway: certificates, authorities and the identity file.

use std::fmt::Display;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::identity::Identities;
use crate::transport::Tls;

/// Runs until `stop`; each change of `asked` is one reading.
pub(super) async fn run(
    mut asked: watch::Receiver<()>,
    tls: Option<Arc<Tls>>,
    identities: Option<Arc<Identities>>,
    stop: CancellationToken,
) {
    loop {
        match stop.run_until_cancelled(asked.changed()).await {
            None => return,
            Some(Ok(())) => {}
            // Nobody can ask any more.
            Some(Err(_)) => return stop.cancelled().await,
        }
        if tls.is_none() && identities.is_none() {
            info!("asked to read files again: there are none that can be");
        }
        if let Some(tls) = tls.clone() {
            read("the certificates of the server", move || tls.reload()).await;
        }
        if let Some(identities) = identities.clone() {
            let reading = identities.clone();
            read("the identity file", move || reading.reload()).await;
            // Also of issuers that stay: their keys may be why somebody asks.
            identities.want_keys();
        }
    }
}

async fn read<E: Display + Send + 'static>(
    files: &str,
    reload: impl FnOnce() -> Result<bool, E> + Send + 'static,
) {
    match spawn_blocking(reload).await {
        Ok(Ok(true)) => info!("asked to read files again: {files}: changed and in use"),
        Ok(Ok(false)) => info!("asked to read files again: {files}: unchanged"),
        Ok(Err(error)) => warn!(%error, "asked to read files again: {files}: as before"),
        Err(error) => warn!(%error, "asked to read files again: {files}: as before"),
    }
}
