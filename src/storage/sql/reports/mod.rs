//! Report queries: each by few statements, all from one state of the data.
//!
//! `selection.rs` chooses the buckets, `rollups/cut.rs` the windows that they count in;
//! `buckets.rs` and `records.rs` write the statements. Does not know of which queries a report is
//! made.

mod buckets;
mod distinct;
mod latencies;
mod log;
mod records;
mod refusals;
mod rows;
mod selection;
mod sums;
#[cfg(test)]
mod tests;
mod users;

use async_trait::async_trait;

use super::SqlStore;
use super::connection::backend::Backend;
use super::connection::snapshot::Snapshot;
use super::rollups::cut::{self, Cut, LocalDay};
use super::row::Value;
use crate::domain::Time;
use crate::domain::time::calendar::Window;
use crate::storage::Result;
use crate::storage::reports::{ReportQuery, ReportResult, ReportStore, Source};

/// One report under way.
struct Report<'a, DB: Backend> {
    snapshot: Snapshot<DB>,
    workspace_id: &'a str,
    /// The `seq` up to which the log is folded.
    cursor: i64,
    /// Records of days that begin before this may have been dropped.
    dropped_before: Option<Time>,
    /// Those that were read before: the queries of a report are mostly about the same days.
    local_days: Vec<(Window, Vec<LocalDay>)>,
}

#[async_trait]
impl<DB: Backend> ReportStore for SqlStore<DB> {
    async fn report(
        &self,
        workspace_id: &str,
        queries: &[ReportQuery],
    ) -> Result<Vec<ReportResult>> {
        let snapshot = self.snapshot().await?;
        let mut report = Report::begin(snapshot, workspace_id).await?;
        let mut results = Vec::with_capacity(queries.len());
        for query in queries {
            results.push(report.run(query).await?);
        }
        report.snapshot.end().await?;
        Ok(results)
    }
}

impl<'a, DB: Backend> Report<'a, DB> {
    async fn begin(mut snapshot: Snapshot<DB>, workspace_id: &'a str) -> Result<Report<'a, DB>> {
        let sql = "SELECT seq, (SELECT dropped_before FROM workspaces WHERE id = $1) \
                   FROM fold_cursor WHERE id = 1";
        let values = [Value::Text(workspace_id)];
        let (cursor, dropped_before) = snapshot.row(sql, &values).await?;
        Ok(Report { snapshot, workspace_id, cursor, dropped_before, local_days: Vec::new() })
    }

    async fn run(&mut self, query: &ReportQuery) -> Result<ReportResult> {
        match query {
            ReportQuery::Sums(query) => self.sums(query).await,
            ReportQuery::Distinct(query) => self.distinct(query).await,
            ReportQuery::Refusals(query) => self.refusals(query).await,
            ReportQuery::Known(kind, times) => self.known(*kind, times).await,
            ReportQuery::SignUps { window, department_id } => {
                self.sign_ups(*window, department_id.as_deref()).await
            }
            ReportQuery::RecordCount(window) => self.record_count(*window).await,
            ReportQuery::SumsBetween(from, to) => self.sums_between(*from, *to).await,
            ReportQuery::Names(dimension, ids) => self.names(*dimension, ids).await,
            ReportQuery::DroppedBefore => Ok(ReportResult::DroppedBefore(self.dropped_before)),
        }
    }

    async fn cut(&mut self, source: Source, windows: &[Window], by_window: bool) -> Result<Cut> {
        let (Some(first), Some(last)) = (windows.first(), windows.last()) else {
            return Ok(Cut::new(source, windows, by_window, &[], None));
        };
        let range = Window { start: first.start, end: last.end };
        let is_by_day = matches!(source, Source::Days | Source::DaysByModel);
        if is_by_day && !self.local_days.iter().any(|(known, _)| *known == range) {
            let days = cut::local_days(&mut self.snapshot, self.workspace_id, range).await?;
            self.local_days.push((range, days));
        }
        let known = self.local_days.iter().find(|(known, _)| *known == range);
        let days = known.map_or(&[][..], |(_, days)| days);
        Ok(Cut::new(source, windows, by_window, days, self.dropped_before))
    }
}
