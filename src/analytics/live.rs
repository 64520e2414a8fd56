//! Where a workspace stands now: what was used since midnight, in the last hour, in the running
//! month and cycle, and what these would cost if they went on as so far.

use super::asking::Asking;
use super::axis::Filters;
use super::figures::{divide, token_count};
use super::overview::total_question;
use super::{Result, Scope};
use crate::domain::calendar::{Window, Windows};
use crate::domain::time::MICROS_PER_HOUR;
use crate::domain::{Amount, Time};
use crate::storage::reports::Question;
use crate::storage::rollup::Sums;

/// What was used in a span of time.
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
    /// What the whole month would cost; absent in its first hour.
    pub month_run_rate: Option<Amount>,
    pub cycle_run_rate: Option<Amount>,
    pub month_end: Time,
    pub cycle_end: Time,
}

/// Where the workspace stands at the time of the scope, of what was recorded before `as_of`.
///
/// # Errors
/// If storage fails.
pub async fn live(scope: &Scope<'_>, as_of: Time) -> Result<Live> {
    let now = scope.now;
    let Windows { day, month, cycle, .. } = Windows::at(&scope.calendar(), now);
    let hour_ago = as_of - MICROS_PER_HOUR;
    let mut asking = Asking::default();
    let spans = [day, month, cycle];
    let places = spans.map(|window| asking.sums(total_question(&Filters::default(), window)));
    let last_hour = asking.add(Question::SumsBetween(hour_ago, as_of));
    let mut answers = asking.ask(scope).await?;
    let mut sums = [Sums::default(); 3];
    for (sums, place) in sums.iter_mut().zip(places) {
        *sums = answers.sums(place)?.pop().map(|row| row.sums).unwrap_or_default();
    }
    let last_hour = answers.sums_between(last_hour)?;
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

/// The cost divided by the part of the window that has passed; absent in its first hour, and where
/// no amount can say it.
fn run_rate(cost_nanos: i64, window: Window, now: Time) -> Option<Amount> {
    let passed = now - window.start;
    if passed < MICROS_PER_HOUR {
        return None;
    }
    let length = window.end - window.start;
    divide(i128::from(cost_nanos) * i128::from(length), passed.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_rate_is_the_cost_by_the_part_that_has_passed() {
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
