//! Users with at least one request in each bucket, each user once.

use super::asking::{Answers, Asking};
use super::axis::{self, Filters, Restriction};
use super::overview::distinct_question;
use super::range::{Bucket, Granularity, Range, ReportPeriod};
use super::{Result, Scope, plan};
use crate::storage::reports::Source;
use crate::storage::rollup::Dimension;

#[derive(Clone, Debug, PartialEq)]
pub struct ActiveUsersReport {
    pub period: ReportPeriod,
    /// One for each bucket, also those with no user.
    pub points: Vec<ActiveUsersPoint>,
    /// In the whole period, each once.
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
/// If it would read too much, or storage fails.
pub async fn active_users(
    scope: &Scope<'_>,
    range: Range,
    restrictions: &[Restriction],
    granularity: Granularity,
) -> Result<ActiveUsersReport> {
    let period = scope.period(range);
    let windows = [period.days.window];
    let filters = axis::resolve(scope, restrictions, &[], &windows).await?;
    let buckets = period.days.buckets(&scope.calendar(), granularity);
    let mut asking = Asking::default();
    let (place, source) = ask(&mut asking, &filters, &buckets);
    let total = distinct_question(&filters, Dimension::User, windows.to_vec(), false);
    let total = asking.distinct(total);
    if source == Source::Records {
        plan::check_record_count(scope, &windows).await?;
    }
    let mut answers = asking.ask(scope).await?;
    let points = read(&mut answers, place, &buckets)?;
    let total = answers.distinct(total)?.pop().map_or(0, |row| row.count);
    Ok(ActiveUsersReport { period, points, total })
}

pub(super) fn ask(asking: &mut Asking, filters: &Filters, buckets: &[Bucket]) -> (usize, Source) {
    let windows = buckets.iter().map(|bucket| bucket.window).collect();
    let question = distinct_question(filters, Dimension::User, windows, true);
    let source = question.source;
    (asking.distinct(question), source)
}

pub(super) fn read(
    answers: &mut Answers,
    place: usize,
    buckets: &[Bucket],
) -> Result<Vec<ActiveUsersPoint>> {
    let point = |bucket: &Bucket| ActiveUsersPoint { bucket: *bucket, user_count: 0 };
    let mut points: Vec<ActiveUsersPoint> = buckets.iter().map(point).collect();
    for row in answers.distinct(place)? {
        if let Some(point) = points.get_mut(row.window) {
            point.user_count = row.count;
        }
    }
    Ok(points)
}
