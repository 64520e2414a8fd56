//! The history of a subject, and the model of what comes after it.
//!
//! A model counts in slots: 24 of each local day, or one. Where the clocks go back, two hours share
//! a slot, which has their mean; where they go forward, a slot has no hour and takes what was
//! before it. So the same hour is always as many slots after midnight.

use chrono::Datelike;

use super::price_changes::{PriceChange, factor_in};
use super::series::{self, Step, hour_of_day};
use crate::analytics::Scope;
use crate::analytics::range::{Bucket, Granularity, Range};
use crate::domain::Time;
use crate::domain::time::MICROS_PER_DAY;
use crate::domain::time::calendar::Window;
use crate::insight::forecast::{Forecast, Rhythm, Total, Totals, forecast};
use crate::insight::seasonality::HOURS;

/// Most days of history by hours, and by days.
pub const HOUR_HISTORY_DAYS: i64 = 56;
pub const DAY_HISTORY_DAYS: i64 = 400;
/// Farthest end of a forecast by hours.
pub const HOUR_DAYS_MAX: i64 = 14;
/// Fewest days of history for a forecast, and for one that can know weeks.
pub const HISTORY_DAYS_MIN: i64 = 3;
pub const HISTORY_DAYS_ENOUGH: i64 = 14;
/// Days that the share of a day that has passed is taken from.
const PROFILE_DAYS: usize = 28;

/// Steps before the running one, from the first with usage.
#[derive(Clone, Debug)]
pub struct History {
    pub granularity: Granularity,
    pub steps: Vec<Step>,
}

/// The whole hours or days before a time that are its history.
pub fn history_before(scope: &Scope<'_>, time: Time, granularity: Granularity) -> Vec<Bucket> {
    let days = if granularity == Granularity::Hour { HOUR_HISTORY_DAYS } else { DAY_HISTORY_DAYS };
    series::buckets_before(scope, time, granularity, days)
}

/// The buckets from the one that a time lies in to an end.
pub fn buckets_from(
    scope: &Scope<'_>,
    time: Time,
    end: Time,
    granularity: Granularity,
) -> Vec<Bucket> {
    let calendar = scope.calendar();
    let range = Range::Dates(calendar.date(time), calendar.date(end));
    let mut buckets = scope.period(range).days.buckets(&calendar, granularity);
    buckets.retain(|bucket| time < bucket.window.end && bucket.window.start < end);
    buckets
}

/// By hours as far as that is possible.
pub fn granularity_until(time: Time, end: Time) -> Granularity {
    if end - time <= HOUR_DAYS_MAX * MICROS_PER_DAY { Granularity::Hour } else { Granularity::Day }
}

impl History {
    pub fn new(granularity: Granularity, mut steps: Vec<Step>) -> History {
        series::drop_unused_start(&mut steps);
        History { granularity, steps }
    }

    /// Whole days until a time.
    pub fn days(&self, until: Time) -> i64 {
        let Some(first) = self.steps.first() else { return 0 };
        (until - first.bucket.window.start) / MICROS_PER_DAY
    }

    /// The values by slots, and the slot of the first.
    fn slots(&self, scope: &Scope<'_>) -> Option<(i64, Vec<f64>)> {
        let first = slot(scope, &self.steps.first()?.bucket, self.granularity);
        let mut slots: Vec<(f64, f64)> = Vec::new();
        for step in &self.steps {
            let at = (slot(scope, &step.bucket, self.granularity) - first).max(0) as usize;
            if slots.len() <= at {
                slots.resize(at + 1, (0.0, 0.0));
            }
            slots[at].0 += step.value as f64;
            slots[at].1 += 1.0;
        }
        let mut before = 0.0;
        let values = slots.into_iter().map(|(sum, count)| {
            if count > 0.0 {
                before = sum / count;
            }
            before
        });
        Some((first, values.collect()))
    }
}

/// The number of a bucket's slot.
fn slot(scope: &Scope<'_>, bucket: &Bucket, granularity: Granularity) -> i64 {
    let day = i64::from(bucket.first.num_days_from_ce());
    match granularity {
        Granularity::Hour => day * HOURS as i64 + hour_of_day(scope, bucket.window.start) as i64,
        _ => day,
    }
}

/// What comes after a history.
pub struct Model {
    pub granularity: Granularity,
    /// From the running one.
    pub buckets: Vec<Bucket>,
    /// The slot of each bucket, counted from the running one.
    pub slots: Vec<usize>,
    pub forecast: Forecast,
    /// From `as_of` on.
    totals: Totals,
    as_of: Time,
}

impl Model {
    /// None with too little history. `passed` is the share of the running step that has passed;
    /// `prices` change what comes.
    pub fn new(
        scope: &Scope<'_>,
        history: &History,
        (as_of, end): (Time, Time),
        passed: f64,
        prices: &[PriceChange],
    ) -> Option<Model> {
        let granularity = history.granularity;
        if history.days(as_of) < HISTORY_DAYS_MIN {
            return None;
        }
        let buckets = buckets_from(scope, as_of, end, granularity);
        let running = slot(scope, buckets.first()?, granularity);
        let (first, mut values) = history.slots(scope)?;
        // Steps without usage up to the running one.
        values.resize((running - first).max(1) as usize, 0.0);
        let ahead = |bucket: &Bucket| (slot(scope, bucket, granularity) - running).max(0) as usize;
        let slots: Vec<usize> = buckets.iter().map(ahead).collect();
        let rhythm = if granularity == Granularity::Hour { Rhythm::HOURS } else { Rhythm::DAYS };
        let mut forecast = forecast(&values, rhythm, slots.iter().max()? + 1)?;
        let mut factors = vec![1.0; forecast.points.len()];
        for (bucket, slot) in buckets.iter().zip(&slots) {
            factors[*slot] = factor_in(prices, bucket.window);
        }
        for (point, factor) in forecast.points.iter_mut().zip(&factors) {
            *point = point.times(*factor);
        }
        let totals = forecast.totals.clone().after_part_of_first(passed).times(&factors);
        Some(Model { granularity, buckets, slots, forecast, totals, as_of })
    }

    /// What is used from now to the end.
    pub fn rest(&self) -> Total {
        self.totals.of_first(self.slots.last().map_or(0, |slot| slot + 1))
    }

    /// When more than an amount is used with a probability, if that is before the end.
    pub fn time_of(&self, amount: f64, probability: f64) -> Option<Time> {
        let mut before = 0.0;
        for (bucket, slot) in self.buckets.iter().zip(&self.slots) {
            let until = self.totals.of_first(slot + 1).probability_above(amount);
            if until >= probability {
                let start = bucket.window.start.max(self.as_of);
                let share = ((probability - before) / (until - before).max(1e-9)).clamp(0.0, 1.0);
                let span = (bucket.window.end - start) as f64 * share;
                return Some(start + span as i64);
            }
            before = until.max(before);
        }
        None
    }
}

/// The share of a day's usage that is over at a time, as the last days had it; the share of the
/// day's time without usage.
pub fn passed_of_day(scope: &Scope<'_>, hours: &History, time: Time) -> f64 {
    let now = hour_of_day(scope, time);
    let recent = hours.steps.len().saturating_sub(PROFILE_DAYS * HOURS);
    let mut by_hour = [0.0; HOURS];
    for step in &hours.steps[recent..] {
        by_hour[hour_of_day(scope, step.bucket.window.start)] += step.value.max(0) as f64;
    }
    let all: f64 = by_hour.iter().sum();
    if all <= 0.0 {
        return passed_of(scope.calendar().day(time), time);
    }
    let calendar = scope.calendar();
    let hour = calendar.hour_start(time);
    let part = passed_of(Window { start: hour, end: calendar.next_hour(hour) }, time);
    (by_hour[..now].iter().sum::<f64>() + by_hour[now] * part) / all
}

/// The share of a window's time that has passed.
pub fn passed_of(window: Window, time: Time) -> f64 {
    ((time - window.start) as f64 / (window.end - window.start) as f64).clamp(0.0, 1.0)
}
