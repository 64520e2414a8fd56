//! Hours of usage that are not normal: spikes, drops and shifts of level.
//!
//! Three views vote, all on logarithms: the level of the last six hours against the same hours of
//! the days before; the hour against the day before it; and how far it is beyond every comparable
//! hour of the week before. What also matters is how much it is, in mean hours: a night that
//! doubles from little stays little.

use super::{Bar, Direction, Flag, INTERMITTENT_BEYOND_MIN, Sensitivity};
use crate::insight::statistics::{known, mean, median, median_and_spread, range};

/// Hours in a day: the season.
const DAY: usize = 24;
/// Hours before one is judged.
pub const HISTORY_HOURS: usize = 7 * DAY;
/// Hours with usage among these before one is judged.
const ACTIVE_HOURS_MIN: usize = DAY;
/// Known hours among these: what has begun lately is not judged.
const KNOWN_HOURS_MIN: usize = 5 * DAY;
/// Days whose hours are compared.
const DAYS: usize = 7;
/// Known hours that are comparable, at least.
const COMPARABLE_MIN: usize = 4;
/// Hours of the level.
const LEVEL: usize = 6;
/// Hours from which the spread of residuals is estimated.
const SPREAD: usize = 5 * DAY;
/// The least spread of a logarithm: what varies less than a tenth is called steady.
const SPREAD_MIN: f64 = 0.1;
/// Of the median hour with usage: what hours are raised by before their logarithm is taken.
const FLOOR_SHARE: f64 = 0.05;
/// No single view decides alone.
const VIEW: std::ops::RangeInclusive<f64> = -2.0..=8.0;
/// Weights of the level, of the day before, and of what is beyond every comparable hour.
const WEIGHTS: [f64; 3] = [0.33, 0.33, 0.66];

/// Of rises and drops, tuned on the half of the series that is for it.
fn bars(sensitivity: Sensitivity) -> [Bar; 2] {
    let bar = |score, excess| Bar { score, excess };
    match sensitivity {
        Sensitivity::High => [bar(1.5, 0.7), bar(3.5, 0.4)],
        Sensitivity::Medium => [bar(1.5, 1.2), bar(5.0, 0.55)],
        Sensitivity::Low => [bar(2.0, 1.8), bar(6.0, 0.7)],
    }
}

/// The hours from `from` on that are not normal.
pub fn flags(series: &[f64], from: usize, sensitivity: Sensitivity) -> Vec<Flag> {
    let bars = bars(sensitivity);
    let first = from.max(HISTORY_HOURS);
    let mut views = Views::new(series, first.saturating_sub(SPREAD));
    (first..series.len()).filter_map(|hour| views.judge(hour, bars)).collect()
}

/// What is expected of an hour: the median of the comparable ones. None where too few are known.
pub fn expected(series: &[f64], hour: usize) -> Option<f64> {
    let hours = comparable(series, hour);
    (hours.len() >= COMPARABLE_MIN).then(|| median(&hours))
}

/// The same hour, the one before and the one after, of each of the days before.
fn comparable(series: &[f64], hour: usize) -> Vec<f64> {
    let mut hours = Vec::with_capacity(3 * DAYS);
    for day in 1..=DAYS {
        let Some(same) = hour.checked_sub(day * DAY) else { break };
        hours.extend(known(&series[same.saturating_sub(1)..=same + 1]));
    }
    hours
}

/// The views on a series, computed for each hour once.
struct Views<'s> {
    series: &'s [f64],
    /// The first hour that the others are of.
    start: usize,
    expected: Vec<f64>,
    level: Vec<f64>,
    day: Vec<f64>,
}

impl<'s> Views<'s> {
    fn new(series: &'s [f64], start: usize) -> Views<'s> {
        Views { series, start, expected: Vec::new(), level: Vec::new(), day: Vec::new() }
    }

    fn judge(&mut self, hour: usize, bars: [Bar; 2]) -> Option<Flag> {
        self.extend_to(hour);
        let (actual, expected) = (self.series[hour], self.expected[hour - self.start]);
        let before = &self.series[hour - HISTORY_HOURS..hour];
        let active = known(before).filter(|value| *value > 0.0).count();
        let is_young = known(before).count() < KNOWN_HOURS_MIN || active < ACTIVE_HOURS_MIN;
        if is_young || !actual.is_finite() || !expected.is_finite() {
            return None;
        }
        let (low, high) = range(&comparable(self.series, hour))?;
        let floor = floor(before);
        let log = |value: f64| (value + floor).ln();
        let (direction, bar, sign) = if actual > expected {
            (Direction::Up, bars[0], 1.0)
        } else {
            (Direction::Down, bars[1], -1.0)
        };
        let beyond = match direction {
            Direction::Up => log(actual) - log(high),
            Direction::Down => log(low) - log(actual),
        };
        // Where most hours are empty one with usage is not odd by that alone.
        let is_intermittent = 2 * active < known(before).count();
        let beyond_min = if expected > 0.0 { 0.0 } else { INTERMITTENT_BEYOND_MIN };
        if is_intermittent && beyond <= beyond_min {
            return None;
        }
        let views = [
            sign * self.spreads(&self.level, hour)?,
            sign * self.spreads(&self.day, hour)?,
            beyond,
        ];
        let clipped = views.map(|view| view.clamp(*VIEW.start(), *VIEW.end()));
        let score: f64 = WEIGHTS.iter().zip(clipped).map(|(weight, view)| weight * view).sum();
        let flag = Flag { step: hour, direction, actual, expected, low, high };
        (score >= bar.score && flag.excess() >= bar.excess * mean(before)).then_some(flag)
    }

    /// How many spreads of the days before the residual of an hour is from theirs.
    fn spreads(&self, residuals: &[f64], hour: usize) -> Option<f64> {
        let index = hour - self.start;
        let before: Vec<f64> = known(&residuals[index.saturating_sub(SPREAD)..index]).collect();
        if before.len() < DAY || !residuals[index].is_finite() {
            return None;
        }
        let (center, spread) = median_and_spread(&before);
        Some((residuals[index] - center) / spread.max(SPREAD_MIN))
    }

    fn extend_to(&mut self, hour: usize) {
        for next in self.start + self.expected.len()..=hour {
            self.expected.push(expected(self.series, next).unwrap_or(f64::NAN));
            self.level.push(self.level_of(next));
            self.day.push(self.day_of(next));
        }
    }

    /// The level of the last hours against what was expected of them.
    fn level_of(&self, hour: usize) -> f64 {
        let floor = self.floor_at(hour);
        let first = (hour + 1).saturating_sub(LEVEL).max(self.start);
        let (mut actual, mut expected, mut count) = (0.0, 0.0, 0.0);
        for at in first..=hour {
            let of = (self.series[at], self.expected[at - self.start]);
            if of.0.is_finite() && of.1.is_finite() {
                (actual, expected, count) = (actual + of.0, expected + of.1, count + 1.0);
            }
        }
        if count == 0.0 {
            return f64::NAN;
        }
        (actual / count + floor).ln() - (expected / count + floor).ln()
    }

    /// An hour against the median of the day before it.
    fn day_of(&self, hour: usize) -> f64 {
        let before: Vec<f64> = known(&self.series[hour.saturating_sub(DAY)..hour]).collect();
        if before.is_empty() || !self.series[hour].is_finite() {
            return f64::NAN;
        }
        let floor = self.floor_at(hour);
        (self.series[hour] + floor).ln() - (median(&before) + floor).ln()
    }

    fn floor_at(&self, hour: usize) -> f64 {
        floor(&self.series[hour.saturating_sub(HISTORY_HOURS)..hour])
    }
}

/// What hours are raised by before their logarithm is taken: scales with them, and is above zero.
fn floor(before: &[f64]) -> f64 {
    let active: Vec<f64> = known(before).filter(|value| *value > 0.0).collect();
    (FLOOR_SHARE * median(&active)).max(f64::MIN_POSITIVE)
}
