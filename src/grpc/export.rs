//! `AnalyticsService.ExportUsage`: decode, call, stream.

use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::BoxStream;
use crate::engine::Engine;
use crate::proto::v1;

/// Streams a file until it ends or the server stops.
///
/// # Errors
/// If a field is out of its range, or the report cannot be made.
pub async fn export_usage(
    _engine: Engine,
    _stop: CancellationToken,
    _request: v1::ExportUsageRequest,
) -> Result<BoxStream<v1::ExportUsageResponse>, Status> {
    Err(Status::unimplemented("this server does not export files"))
}
