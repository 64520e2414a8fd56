//! Active users: users with at least one request in each bucket, each counted once.

use crate::analytics::axis::Restriction;
use crate::analytics::batch::{Answers, Batch, Pending};
use crate::analytics::filters::{self, Filters};
use crate::analytics::questions::{self, WindowSet};
use crate::analytics::range::{Bucket, Granularity, Range, ReportPeriod};
use crate::analytics::{Result, Scope, log_bound};
use crate::domain::attribution::Dimension;
use crate::storage::reports::DistinctRow;

#[derive(Clone, Debug, PartialEq)]
pub struct ActiveUsersReport {
    pub period: ReportPeriod,
    /// One for each bucket, also for empty ones.
    pub points: Vec<ActiveUsersPoint>,
    /// Of the whole period, each once.
    pub total: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActiveUsersPoint {
    pub bucket: Bucket,
    pub user_count: i64,
}

/// Active users by day, week or month.
///
/// # Errors
/// If it would read too many records, or storage fails.
pub async fn active_users(
    scope: &Scope<'_>,
    range: Range,
    restrictions: &[Restriction],
    granularity: Granularity,
) -> Result<ActiveUsersReport> {
    let period = scope.period(range);
    let windows = [period.days.window];
    let filters = filters::resolve(scope, restrictions, &[], &windows).await?;
    let buckets = period.days.buckets(&scope.calendar(), granularity);
    let mut batch = Batch::default();
    let points = PendingPoints::ask(&mut batch, &filters, buckets);
    let whole = WindowSet::whole(period.days.window);
    let total = questions::distinct(Dimension::User, None, &filters.of_usage, &whole);
    let total = batch.distinct(total);
    let mut answers = log_bound::run(batch, scope, &windows).await?;
    let points = points.read(&mut answers)?;
    Ok(ActiveUsersReport { period, points, total: answers.take_count(total)? })
}

pub(super) struct PendingPoints {
    buckets: Vec<Bucket>,
    counts: Pending<Vec<DistinctRow>>,
}

impl PendingPoints {
    pub fn ask(batch: &mut Batch, filters: &Filters, buckets: Vec<Bucket>) -> PendingPoints {
        let windows = buckets.iter().map(|bucket| bucket.window).collect();
        let windows = WindowSet::series(windows, false);
        let question = questions::distinct(Dimension::User, None, &filters.of_usage, &windows);
        PendingPoints { buckets, counts: batch.distinct(question) }
    }

    pub fn read(self, answers: &mut Answers) -> Result<Vec<ActiveUsersPoint>> {
        let point = |bucket| ActiveUsersPoint { bucket, user_count: 0 };
        let mut points: Vec<ActiveUsersPoint> = self.buckets.into_iter().map(point).collect();
        for row in answers.take(self.counts)? {
            if let Some(point) = points.get_mut(row.window) {
                point.user_count = row.count;
            }
        }
        Ok(points)
    }
}
