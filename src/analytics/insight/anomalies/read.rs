//! The series of the heaviest members of a dimension.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Series;
use crate::analytics::batch::Batch;
use crate::analytics::insight::series::buckets_before;
use crate::analytics::questions::{self, WindowSet};
use crate::analytics::range::{Bucket, Granularity};
use crate::analytics::{Result, Scope};
use crate::domain::Time;
use crate::domain::alert::anomaly::AnomalyMember;
use crate::domain::attribution::Dimension;
use crate::domain::time::calendar::Window;
use crate::insight::seasonality::HOURS;
use crate::storage::reports::{Axis, Filter, OrderBy, Source, SumsQuery, SumsRow};

/// The whole local hours up to a time, so many.
pub fn hours(scope: &Scope<'_>, until: Time, count: usize) -> Vec<Bucket> {
    last(buckets_before(scope, until, Granularity::Hour, (count / HOURS + 2) as i64), count)
}

/// The whole local days up to a time, so many.
pub fn days(scope: &Scope<'_>, until: Time, count: usize) -> Vec<Bucket> {
    last(buckets_before(scope, until, Granularity::Day, count as i64), count)
}

fn last(mut buckets: Vec<Bucket>, count: usize) -> Vec<Bucket> {
    buckets.split_off(buckets.len().saturating_sub(count))
}

/// Series of members, by member.
pub struct Members {
    pub series: Vec<Series>,
    /// Whether there are more members.
    pub members_left_out: bool,
}

/// The series of the workspace, or of the heaviest members of another dimension, over adjoining
/// buckets: hours or days. What lies before the first usage of a member is unknown.
///
/// # Errors
/// If storage fails.
pub async fn members(
    scope: &Scope<'_>,
    dimension: Dimension,
    buckets: &[Bucket],
    granularity: Granularity,
    count_max: usize,
) -> Result<Members> {
    let mut read = Members { series: Vec::new(), members_left_out: false };
    let (Some(first), Some(last)) = (buckets.first(), buckets.last()) else { return Ok(read) };
    let window = Window { start: first.window.start, end: last.window.end };
    let windows = buckets.iter().map(|bucket| bucket.window).collect();
    let windows = WindowSet::series(windows, granularity == Granularity::Hour);
    let (mut axes, mut filters) = (Vec::new(), Vec::new());
    if dimension != Dimension::Workspace {
        let mut values = heaviest(scope, dimension, window, granularity, count_max + 2).await?;
        read.members_left_out = values.len() > count_max;
        values.truncate(count_max);
        axes.push(Axis::Of(dimension));
        filters.push(Filter { axis: Axis::Of(dimension), values });
    }
    let mut batch = Batch::default();
    let rows = batch.sums(questions::sums(&axes, &filters, &windows, false));
    let mut answers = batch.run(scope).await?;
    let mut series: BTreeMap<Arc<str>, Series> = BTreeMap::new();
    for SumsRow { window, values, sums, .. } in answers.take(rows)? {
        let id: Arc<str> = values.into_iter().next().unwrap_or_default().into();
        let member = AnomalyMember { dimension, id: id.clone() };
        let of = series.entry(id).or_insert_with(|| Series::new(member, buckets.len()));
        // Corrections may take more than there was.
        of.cost[window] = (sums.cost_nanos as f64).max(0.0);
        of.requests[window] = sums.record_count as f64;
        of.failed[window] = sums.error_count as f64;
    }
    read.series = series.into_values().map(Series::since_first_usage).collect();
    Ok(read)
}

/// The values with the greatest cost; no empty one.
async fn heaviest(
    scope: &Scope<'_>,
    dimension: Dimension,
    window: Window,
    granularity: Granularity,
    count: usize,
) -> Result<Vec<String>> {
    let source = if granularity == Granularity::Hour { Source::Hours } else { Source::Days };
    let mut batch = Batch::default();
    let rows = batch.sums(SumsQuery {
        source,
        group_by: vec![Axis::Of(dimension)],
        filters: Vec::new(),
        windows: vec![window],
        by_window: false,
        top: Some((OrderBy::Cost, count)),
        latencies: false,
    });
    let rows = batch.run(scope).await?.take(rows)?;
    let values = rows.into_iter().filter_map(|row| row.values.into_iter().next());
    Ok(values.filter(|value| !value.is_empty()).collect())
}

impl Series {
    fn new(member: AnomalyMember, length: usize) -> Series {
        let zeros = || vec![0.0; length];
        Series { member, cost: zeros(), requests: zeros(), failed: zeros() }
    }

    fn since_first_usage(mut self) -> Series {
        let is_used = |step: &usize| self.requests[*step] > 0.0 || self.cost[*step] > 0.0;
        let length = self.requests.len();
        let first = (0..length).find(is_used).unwrap_or(length);
        for series in [&mut self.cost, &mut self.requests, &mut self.failed] {
            series[..first].fill(f64::NAN);
        }
        self
    }
}
