//! `ExportUsage`: streams a file.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::Status;

use super::export_request;
use crate::engine::{self, Engine};
use crate::export::Export;
use crate::export::content::{Basis, Content};
use crate::grpc::access::Stop;
use crate::grpc::shared::status::Failure;
use crate::grpc::shared::stream::{BoxStream, Source, stream};
use crate::limits::EXPORTS_MAX;
use crate::proto::v1;

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
    /// Streams a file until it ends or it is time to stop.
    ///
    /// # Errors
    /// If a field is out of its range, the report cannot be made, or too many exports are under
    /// way.
    pub async fn begin(
        &self,
        engine: Engine,
        stop: Stop,
        request: v1::ExportUsageRequest,
    ) -> Result<BoxStream<v1::ExportUsageResponse>, Status> {
        let call = export_request::export(request)?;
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place.map_err(|_| engine::Error::BoundReached {
            bound: "number of exports at once",
            max: EXPORTS_MAX as i64,
        })?;
        // Before the catalog: a price is there before the entries that it bills.
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
            catalog: basis.catalog,
            now: basis.now,
            last_seq,
        };
        let export = Export::begin(basis, &*store, call.content, call.format).await;
        let export = export.map_err(|error| Failure::of_export(error, path))?;
        Ok(stream(Running { export, begun: false, _place: place }, stop))
    }
}

/// An export under way; its place is free when it is dropped.
struct Running {
    export: Export,
    /// Whether a part was sent.
    begun: bool,
    _place: OwnedSemaphorePermit,
}

/// But for one page of the log nothing is read before the reader wants it. A failure, and a stop of
/// the server, end the stream with a status: what was received is known to be incomplete.
impl Source for Running {
    type Item = v1::ExportUsageResponse;

    async fn next(&mut self) -> Result<Option<v1::ExportUsageResponse>, Failure> {
        let chunk = self.export.next_chunk().await;
        let Some(data) = chunk.map_err(|error| Failure::of_export(error, ""))? else {
            return Ok(None);
        };
        let mut part = v1::ExportUsageResponse { data, ..Default::default() };
        if !self.begun {
            part.file_name = self.export.file_name().to_owned();
            part.media_type = self.export.media_type().to_owned();
            self.begun = true;
        }
        Ok(Some(part))
    }
}
