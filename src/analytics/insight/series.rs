//! Series of the usage of a subject by local hours and days, without gaps: nothing used is zero.

use crate::analytics::axis::Restriction;
use crate::analytics::batch::{Answers, Batch, Pending};
use crate::analytics::figures::token_count;
use crate::analytics::questions::{self, WindowSet};
use crate::analytics::range::{Bucket, Granularity, Range, ReportPeriod};
use crate::analytics::{Result, Scope, filters, log_bound};
use crate::domain::Time;
use crate::domain::time::calendar::Window;
use crate::storage::reports::{Filter, SumsRow};
use crate::storage::rollup::Sums;

/// What a series is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeriesMetric {
    Cost,
    Tokens,
    Requests,
}

impl SeriesMetric {
    /// Nano-units of a cost, or a count.
    pub fn of(self, sums: &Sums) -> i64 {
        match self {
            SeriesMetric::Cost => sums.cost_nanos,
            SeriesMetric::Tokens => token_count(sums),
            SeriesMetric::Requests => sums.record_count,
        }
    }
}

/// A metric of the workspace, or of one of its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    pub metric: SeriesMetric,
    pub member: Option<Restriction>,
}

/// One hour or day of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub bucket: Bucket,
    /// Nano-units of a cost, or a count; below zero where corrections are.
    pub value: i64,
}

/// The whole local days before the one of `now`, so many.
pub fn past_days(scope: &Scope<'_>, count: i64) -> ReportPeriod {
    let today = scope.calendar().date(scope.now);
    let days = chrono::TimeDelta::days;
    scope.period(Range::Dates(today - days(count), today - days(1)))
}

/// The whole local hours or days before a time, of so many days and of the one that it lies in.
pub fn buckets_before(
    scope: &Scope<'_>,
    time: Time,
    granularity: Granularity,
    days: i64,
) -> Vec<Bucket> {
    let calendar = scope.calendar();
    let today = calendar.date(time);
    let range = Range::Dates(today - chrono::TimeDelta::days(days), today);
    let mut buckets = scope.period(range).days.buckets(&calendar, granularity);
    buckets.retain(|bucket| bucket.window.end <= time);
    buckets
}

/// Leaves out what is before the first step with usage.
pub fn drop_unused_start(steps: &mut Vec<Step>) {
    let first = steps.iter().position(|step| step.value != 0).unwrap_or(steps.len());
    steps.drain(..first);
}

/// A series that is asked for and not answered yet.
pub struct PendingSeries {
    buckets: Vec<Bucket>,
    rows: Pending<Vec<SumsRow>>,
}

/// Adds the question for the series of a subject over buckets.
pub fn ask(
    batch: &mut Batch,
    filters: &[Filter],
    buckets: Vec<Bucket>,
    granularity: Granularity,
) -> PendingSeries {
    let windows = buckets.iter().map(|bucket| bucket.window).collect();
    let windows = WindowSet::series(windows, granularity == Granularity::Hour);
    PendingSeries { buckets, rows: batch.sums(questions::sums(&[], filters, &windows, false)) }
}

impl PendingSeries {
    /// # Errors
    /// As [`Answers::take`].
    pub fn read(self, answers: &mut Answers, metric: SeriesMetric) -> Result<Vec<Step>> {
        let mut steps: Vec<Step> =
            self.buckets.into_iter().map(|bucket| Step { bucket, value: 0 }).collect();
        for SumsRow { window, sums, .. } in answers.take(self.rows)? {
            steps[window].value = metric.of(&sums);
        }
        Ok(steps)
    }
}

/// The filters of a subject's member over a window.
///
/// # Errors
/// If storage fails.
pub async fn filters_of(
    scope: &Scope<'_>,
    subject: &Subject,
    window: Window,
) -> Result<Vec<Filter>> {
    let member = subject.member.as_slice();
    Ok(filters::resolve(scope, member, &[], &[window]).await?.of_usage)
}

/// The series of a subject over buckets, from the first one with usage.
///
/// # Errors
/// If storage fails.
pub async fn read(
    scope: &Scope<'_>,
    subject: &Subject,
    buckets: Vec<Bucket>,
    granularity: Granularity,
) -> Result<Vec<Step>> {
    let Some((first, last)) = buckets.first().zip(buckets.last()) else { return Ok(Vec::new()) };
    let window = Window { start: first.window.start, end: last.window.end };
    let filters = filters_of(scope, subject, window).await?;
    let mut batch = Batch::default();
    let pending = ask(&mut batch, &filters, buckets, granularity);
    let mut answers = log_bound::run(batch, scope, &[window]).await?;
    let mut steps = pending.read(&mut answers, subject.metric)?;
    drop_unused_start(&mut steps);
    Ok(steps)
}

/// The local hour of the day of a time, 0 to 23.
pub fn hour_of_day(scope: &Scope<'_>, time: Time) -> usize {
    use chrono::Timelike;
    time.to_utc().with_timezone(&scope.workspace.time_zone).hour() as usize
}
