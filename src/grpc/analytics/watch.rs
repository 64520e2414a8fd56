//! The live metrics of a workspace, once or as a stream.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::places::Reports;
use super::{reports, scope};
use crate::analytics::reports::live;
use crate::domain::time::Micros;
use crate::engine::{Engine, SpendWatch};
use crate::grpc::shared::names::Names;
use crate::grpc::shared::status::Failure;
use crate::grpc::shared::stream::Source;
use crate::proto::v1;

/// Most quotas of live metrics.
pub const LIVE_QUOTAS_MAX: usize = 10;

pub async fn live_metrics(engine: &Engine, id: &str) -> Result<v1::LiveMetrics, Failure> {
    let basis = engine.report_basis(id).await?;
    let live = live::live(&scope(engine, &basis), basis.as_of).await?;
    let standing = engine.limit_status(id, LIVE_QUOTAS_MAX).await?;
    let names = Names::of_usages(engine, id, &standing.quotas).await?;
    Ok(reports::live_to_proto(&basis.workspace, basis.as_of, &live, &standing, &names))
}

/// The live metrics of a workspace, as `WatchLiveMetrics` streams them.
pub struct LiveWatch {
    pub engine: Engine,
    pub reports: Reports,
    pub id: String,
    pub interval: Micros,
    pub changes: SpendWatch,
    /// Time of the last response; absent before the first.
    pub last: Option<Instant>,
}

impl Source for LiveWatch {
    type Item = v1::WatchLiveMetricsResponse;

    /// At once, the first time; then after further committed changes.
    async fn next(&mut self) -> Result<Option<v1::WatchLiveMetricsResponse>, Failure> {
        if let Some(last) = self.last {
            let interval = Duration::from_micros(self.interval.unsigned_abs());
            sleep_until(last + interval).await;
        }
        // Waits for a new state, and marks it as seen; the state itself is not used.
        self.changes.next().await;
        self.last = Some(Instant::now());
        let _place = self.reports.next_place(&self.id).await?;
        let metrics = Some(live_metrics(&self.engine, &self.id).await?);
        Ok(Some(v1::WatchLiveMetricsResponse { metrics }))
    }
}
