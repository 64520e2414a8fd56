//! `AnalyticsService.ExportUsage`: decode, call, stream.

use std::sync::Arc;

use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::BoxStream;
use super::convert::export as convert;
use super::status::{Failure, stopping};
use crate::engine::{self, Engine};
use crate::export::Export;
use crate::export::content::{Basis, Content};
use crate::proto::v1;

/// Most exports at once: each keeps a bounded part of its file in memory.
pub const EXPORTS_MAX: usize = 8;

/// The exports that are under way.
#[derive(Clone)]
pub struct Exports {
    places: Arc<Semaphore>,
}

impl Default for Exports {
    fn default() -> Exports {
        Exports { places: Arc::new(Semaphore::new(EXPORTS_MAX)) }
    }
}

impl Exports {
    /// Streams a file until it ends or the server stops.
    ///
    /// # Errors
    /// If a field is out of its range, the report cannot be made, or too many exports are under
    /// way.
    pub async fn begin(
        &self,
        engine: Engine,
        stop: CancellationToken,
        request: v1::ExportUsageRequest,
    ) -> Result<BoxStream<v1::ExportUsageResponse>, Status> {
        let call = convert::export(request)?;
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place.map_err(|_| engine::Error::BoundReached {
            bound: "number of exports at once",
            max: EXPORTS_MAX as i64,
        })?;
        // Before the catalogue: a price is there before the entries that it bills.
        let last_seq = engine.last_committed();
        let basis = engine.report_basis(&call.workspace_id).await?;
        let store = Arc::clone(engine.store());
        let path = match call.content {
            Content::Query(_) => "query.",
            _ => "report.",
        };
        let basis = Basis {
            store: Arc::clone(&store),
            workspace: basis.workspace,
            catalogue: basis.catalogue,
            now: basis.now,
            last_seq,
        };
        let export = Export::begin(basis, &*store, call.content, call.format).await;
        let export = export.map_err(|error| Failure::of_export(error, path))?;
        Ok(Box::pin(parts(Running { export, begun: false, _place: place }, stop)))
    }
}

/// An export under way; its place is free when it is dropped.
struct Running {
    export: Export,
    /// Whether a part was sent.
    begun: bool,
    _place: OwnedSemaphorePermit,
}

/// Pulled by the reader: but for one page of the log, nothing is read before it is wanted. A
/// failure, and a stop of the server, end the stream with a status, so that what was received is
/// known to be no whole file.
fn parts(
    running: Running,
    stop: CancellationToken,
) -> impl Stream<Item = Result<v1::ExportUsageResponse, Status>> {
    unfold(Some(running), move |running| {
        let stop = stop.clone();
        async move {
            let mut running = running?;
            match stop.run_until_cancelled(running.export.next_chunk()).await {
                None => Some((Err(stopping()), None)),
                Some(Err(error)) => Some((Err(Failure::of_export(error, "").into()), None)),
                Some(Ok(None)) => None,
                Some(Ok(Some(data))) => {
                    let mut part = v1::ExportUsageResponse { data, ..Default::default() };
                    if !running.begun {
                        part.file_name = running.export.file_name().to_owned();
                        part.media_type = running.export.media_type().to_owned();
                        running.begun = true;
                    }
                    Some((Ok(part), Some(running)))
                }
            }
        }
    })
}
