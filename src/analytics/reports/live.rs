//! Live metrics: usage since midnight, in the last hour, and in the current month and cycle, with
//! the run rate of the latter two.

use crate::analytics::batch::Batch;
use crate::analytics::figures::{divide, token_count};
use crate::analytics::questions::{self, WindowSet};
use crate::analytics::{Result, Scope};
use crate::domain::time::MICROS_PER_HOUR;
use crate::domain::time::calendar::{Window, Windows};
use crate::domain::{Amount, Time};
use crate::storage::rollup::Sums;

/// Totals of a span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsageTotals {
    pub start_time: Time,
    pub cost: Amount,
    pub request_count: i64,
    pub token_count: i64,
    pub error_count: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Live {
    pub today: UsageTotals,
    pub last_hour: UsageTotals,
    pub month: UsageTotals,
    pub cycle: UsageTotals,
    /// Cost of the whole month at the rate so far; absent in its first hour.
    pub month_run_rate: Option<Amount>,
    pub cycle_run_rate: Option<Amount>,
    pub month_end: Time,
    pub cycle_end: Time,
}

/// Live metrics at the time of the scope, of what was recorded before `as_of`.
///
/// # Errors
/// If storage fails.
pub async fn live(scope: &Scope<'_>, as_of: Time) -> Result<Live> {
    let now = scope.now;
    let Windows { day, month, cycle, .. } = Windows::at(&scope.calendar(), now);
    let hour_ago = as_of - MICROS_PER_HOUR;
    let mut batch = Batch::default();
    let mut total =
        |window| batch.sums(questions::sums(&[], &[], &WindowSet::whole(window), false));
    let totals_of = [total(day), total(month), total(cycle)];
    let last_hour = batch.sums_between(hour_ago, as_of);
    let mut answers = batch.run(scope).await?;
    let mut sums = [Sums::default(); 3];
    for (sums, pending) in sums.iter_mut().zip(totals_of) {
        *sums = answers.take_total(pending)?;
    }
    let last_hour = answers.take(last_hour)?;
    Ok(Live {
        today: totals(day.start, &sums[0]),
        last_hour: totals(hour_ago, &last_hour),
        month: totals(month.start, &sums[1]),
        cycle: totals(cycle.start, &sums[2]),
        month_run_rate: run_rate(sums[1].cost_nanos, month, now),
        cycle_run_rate: run_rate(sums[2].cost_nanos, cycle, now),
        month_end: month.end,
        cycle_end: cycle.end,
    })
}

fn totals(start_time: Time, sums: &Sums) -> UsageTotals {
    UsageTotals {
        start_time,
        cost: Amount::from_nanos(sums.cost_nanos),
        request_count: sums.record_count,
        token_count: token_count(sums),
        error_count: sums.error_count,
    }
}

/// The cost divided by the elapsed fraction of the window; absent in its first hour, and if it
/// overflows an amount.
fn run_rate(cost_nanos: i64, window: Window, now: Time) -> Option<Amount> {
    let elapsed = now - window.start;
    if elapsed < MICROS_PER_HOUR {
        return None;
    }
    let length = window.end - window.start;
    divide(i128::from(cost_nanos) * i128::from(length), elapsed.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_rate_is_the_cost_by_the_elapsed_fraction() {
        let hours = |count: i64| Time::from_micros(count * MICROS_PER_HOUR);
        let window = Window { start: hours(0), end: hours(720) };
        let rate = |cost, now| run_rate(cost, window, now).map(Amount::nanos);
        assert_eq!(rate(100, hours(360)), Some(200));
        assert_eq!(rate(100, hours(1)), Some(72_000));
        assert_eq!(rate(1, hours(480)), Some(2));
        assert_eq!(rate(0, hours(2)), Some(0));
        assert_eq!(rate(100, hours(1) - 1), None);
        assert_eq!(rate(i64::MAX, hours(1)), None);
    }
}
