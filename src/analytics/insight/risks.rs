//! Which limits are reached before they reset.

use std::cmp::Reverse;

use super::forecast::outlook_of_workspace;
use super::history::{self, History, Model, history_before};
use super::outlook::{LimitInForce, Outlook, outlook};
use super::series::{self, SeriesMetric, Step};
use super::subjects::{self, Counted};
use crate::analytics::batch::Batch;
use crate::analytics::range::{Bucket, Granularity};
use crate::analytics::{Result, Scope};
use crate::domain::Time;
use crate::storage::rollup::Sums;

/// Days of history that are read of each subject.
const HISTORY_DAYS: usize = 56;
/// Forecasts between which other tasks may run.
const LIMITS_AT_ONCE: usize = 16;

/// A limit and whose usage it counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    pub metric: SeriesMetric,
    pub of: Counted,
    pub in_force: LimitInForce,
}

impl Limit {
    /// Whether it counts the cost of the whole workspace.
    fn is_of_all_cost(&self) -> bool {
        self.metric == SeriesMetric::Cost && self.of.is_empty()
    }
}

/// The outlook of each limit, in their order; none where there is too little history.
///
/// # Errors
/// If storage fails.
pub async fn outlooks(
    scope: &Scope<'_>,
    limits: &[Limit],
    as_of: Time,
) -> Result<Vec<Option<Outlook>>> {
    let days = history_before(scope, as_of, Granularity::Day);
    let days = &days[days.len().saturating_sub(HISTORY_DAYS)..];
    let mut batch = Batch::default();
    let by_days = limits.iter().filter(|limit| !limit.is_of_all_cost());
    let pending = subjects::ask(&mut batch, by_days.map(|limit| &limit.of), days);
    let hours = history_before(scope, as_of, Granularity::Hour);
    let hours = series::ask(&mut batch, &[], hours, Granularity::Hour);
    let mut answers = batch.run(scope).await?;
    let days_of = pending.read(&mut answers)?;
    let hours = hours.read(&mut answers, SeriesMetric::Requests)?;
    // The hours of the workspace: those of every single subject would be many.
    let passed = history::passed_of_day(scope, &History::new(Granularity::Hour, hours), as_of);
    let mut outlooks = Vec::with_capacity(limits.len());
    for (index, limit) in limits.iter().enumerate() {
        if index % LIMITS_AT_ONCE == 0 {
            tokio::task::yield_now().await;
        }
        // As in a forecast of the workspace, by its hours and with price changes ahead.
        if limit.is_of_all_cost() {
            outlooks.push(outlook_of_workspace(scope, limit.in_force, as_of).await?);
            continue;
        }
        let end = limit.in_force.window.end;
        let sums = days_of.of(&limit.of);
        let step =
            |(day, sums): (&Bucket, &Sums)| Step { bucket: *day, value: limit.metric.of(sums) };
        let history = History::new(Granularity::Day, days.iter().zip(&sums).map(step).collect());
        let model = Model::new(scope, &history, (as_of, end), passed, &[]);
        outlooks.push(model.map(|model| outlook(&model, limit.in_force, as_of)));
    }
    Ok(outlooks)
}

/// Most likely first, then by when.
pub fn order(outlook: &Outlook) -> (Reverse<u64>, i64) {
    // Probabilities are not below 0, and such numbers are ordered as their bits are.
    let time = outlook.exhaustion.or(outlook.earliest);
    (Reverse(outlook.probability.to_bits()), time.map_or(i64::MAX, Time::micros))
}
