//! Everything that a page about a workspace shows, as `WatchWorkspace` streams it: its budget, live
//! metrics, newest alerts and most used quotas.
//!
//! Pulled by the reader: a slow one gets the newest state. What was sent last is kept, so that
//! parts that have not changed are left out; nothing queues up. While nothing changes, there is a
//! message now and then, so that the reader knows that the stream is alive.

use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout};

use super::places::Reports;
use super::watch::live_metrics;
use crate::engine::{Engine, UsageFilter, WorkspaceWatch};
use crate::grpc::alert::alert_to_proto;
use crate::grpc::budget::budget_to_proto;
use crate::grpc::quota::usage_to_proto;
use crate::grpc::shared::names::{ModelNames, Names};
use crate::grpc::shared::page::to_count;
use crate::grpc::shared::status::Failure;
use crate::grpc::shared::stream::Source;
use crate::grpc::shared::time::to_timestamp;
use crate::proto::v1;
use crate::storage::alerts::AlertFilter;

/// Most alerts and most quotas of a message.
const ALERTS_MAX: usize = 20;
const QUOTAS_MAX: usize = 20;
/// Least time between two computations of live metrics, which read storage.
const LIVE_INTERVAL: Duration = Duration::from_secs(5);
/// How long live metrics may take, with their wait for a place; else a later message has them.
const LIVE_PATIENCE: Duration = Duration::from_secs(3);

/// How often there are messages.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Least time between two.
    pub interval: Duration,
    /// Most time between two.
    pub silence_max: Duration,
}

pub struct WorkspacePage {
    engine: Engine,
    reports: Reports,
    id: String,
    changes: WorkspaceWatch,
    pace: Pace,
    sent: Sent,
    /// Whether live metrics may be others than those that were sent.
    is_live_stale: bool,
    /// When they were computed last.
    live_time: Option<Instant>,
}

/// What was sent last.
#[derive(Default)]
struct Sent {
    sequence: i64,
    time: Option<Instant>,
    budget: Option<v1::Budget>,
    live_metrics: Option<v1::LiveMetrics>,
    alerts: Option<v1::WorkspaceAlerts>,
    quotas: Option<v1::WorkspaceQuotas>,
}

impl WorkspacePage {
    pub fn new(
        engine: Engine,
        reports: Reports,
        id: String,
        changes: WorkspaceWatch,
        pace: Pace,
    ) -> WorkspacePage {
        let (sent, is_live_stale) = (Sent::default(), true);
        let live_time = None;
        WorkspacePage { engine, reports, id, changes, pace, sent, is_live_stale, live_time }
    }

    /// Waits until there may be something to send. Whether there is something to send in any case.
    async fn wait(&self) -> bool {
        let Some(last) = self.sent.time else { return true };
        sleep_until(last + self.pace.interval).await;
        let silent = last + self.pace.silence_max;
        let live_due = self.live_time.map_or(last, |time| time + LIVE_INTERVAL);
        tokio::select! {
            () = self.changes.changed() => {}
            () = sleep_until(live_due), if self.is_live_stale && live_due < silent => {}
            () = sleep_until(silent) => {}
        }
        Instant::now() >= silent
    }

    /// The parts that differ from those that were sent.
    async fn parts(&mut self, is_silent: bool) -> Result<v1::WatchWorkspaceResponse, Failure> {
        let changed = self.changes.take();
        let mut parts = v1::WatchWorkspaceResponse::default();
        if changed.alerts {
            let alerts = self.alerts().await?;
            parts.alerts = differing(&mut self.sent.alerts, alerts, |_| {});
        }
        self.is_live_stale |= changed.figures || is_silent;
        // Also without a change: time ends windows, boosts and holds.
        let budget = self.engine.budget(&self.id).await?;
        let budget = budget_to_proto(self.id.clone(), budget, &ModelNames::of(&self.engine));
        parts.budget = differing(&mut self.sent.budget, budget, |it| it.as_of_time = None);
        let quotas = self.quotas().await?;
        parts.quotas = differing(&mut self.sent.quotas, quotas, |_| {});
        let is_live_due = self.live_time.is_none_or(|time| time.elapsed() >= LIVE_INTERVAL);
        if self.is_live_stale && is_live_due {
            self.live_time = Some(Instant::now());
            if let Ok(live) = timeout(LIVE_PATIENCE, self.live_metrics()).await {
                self.is_live_stale = false;
                parts.live_metrics = differing(&mut self.sent.live_metrics, live?, |it| {
                    it.as_of_time = None;
                    it.last_hour.iter_mut().for_each(|totals| totals.start_time = None);
                });
            }
        }
        Ok(parts)
    }

    async fn live_metrics(&self) -> Result<v1::LiveMetrics, Failure> {
        let _place = self.reports.next_place(&self.id).await?;
        live_metrics(&self.engine, &self.id).await
    }

    async fn alerts(&self) -> Result<v1::WorkspaceAlerts, Failure> {
        let alerts = self.engine.newest_alerts(&self.id, ALERTS_MAX).await?;
        let wording = self.engine.wording(&self.id).await?;
        let unacknowledged = AlertFilter {
            workspace_id: self.id.clone(),
            unacknowledged_only: true,
            ..AlertFilter::default()
        };
        let unacknowledged_count = to_count(self.engine.count_alerts(&unacknowledged).await?);
        let alerts = alerts.iter().map(|alert| alert_to_proto(alert, &wording)).collect();
        Ok(v1::WorkspaceAlerts { alerts, unacknowledged_count })
    }

    async fn quotas(&self) -> Result<v1::WorkspaceQuotas, Failure> {
        let (id, filter) = (&self.id, UsageFilter::default());
        let found = self.engine.quota_usage(id, &filter, None, QUOTAS_MAX).await?;
        let usages = found.value.entries;
        let names = Names::of_usages(&self.engine, id, &usages).await?;
        let to_proto = |usage| usage_to_proto(id, found.currency, usage, &names);
        Ok(v1::WorkspaceQuotas { usages: usages.iter().map(to_proto).collect() })
    }
}

/// A part, if it differs from the one that was sent in more than what `clear` takes from it.
fn differing<M: Clone + PartialEq>(
    sent: &mut Option<M>,
    part: M,
    clear: impl Fn(&mut M),
) -> Option<M> {
    let mut cleared = part.clone();
    clear(&mut cleared);
    if sent.as_ref() == Some(&cleared) {
        return None;
    }
    *sent = Some(cleared);
    Some(part)
}

impl Source for WorkspacePage {
    type Item = v1::WatchWorkspaceResponse;

    /// At once with everything, the first time.
    async fn next(&mut self) -> Result<Option<v1::WatchWorkspaceResponse>, Failure> {
        loop {
            let is_due = self.wait().await;
            let parts = self.parts(is_due).await?;
            if !is_due && parts == v1::WatchWorkspaceResponse::default() {
                continue;
            }
            self.sent.sequence += 1;
            self.sent.time = Some(Instant::now());
            let server_time = Some(to_timestamp(self.engine.now()));
            let sequence = self.sent.sequence;
            return Ok(Some(v1::WatchWorkspaceResponse { sequence, server_time, ..parts }));
        }
    }
}
