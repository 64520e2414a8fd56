//! The distribution of a total: what all steps up to one will be together.
//!
//! Errors of steps go together (a busy week is busy every day), so that the band of a total does
//! not follow from those of its steps. It has a size of its own: by how much totals of the series
//! were missed at past origins, how much its days differ, and how far ahead it looks.

use super::Interval;
use super::members::{MEMBERS, Rhythm};
use super::pool::{Pool, combined};
use super::shipped::{TOTAL_SHARES, TotalTable, totals};
use crate::insight::statistics::mean;

/// What the size of an error follows from, in parts of the total.
const OF_OWN_ERRORS: f64 = 0.3;
const OF_DAYS: f64 = 0.3;
const ALWAYS: f64 = 0.05;
/// Days whose difference counts.
const DAYS_MAX: usize = 28;
/// Shares of a total above this say nothing more.
const SHARE_MAX: f64 = 2.0;
/// A part of a day is missed by more than a whole one, in parts of it.
const SHORT_HOURS: f64 = 12.0;
const SHORT_POWER: f64 = 0.35;
/// Many days even out.
const DAYS_POWER: f64 = -0.15;
const TINY: f64 = 1e-12;

const BAND_80: [usize; 2] = [2, 8];
const BAND_95: [usize; 2] = [0, 10];
const MEDIAN: usize = 5;

/// The totals of the first steps, of every number of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Totals {
    /// Sums of the steps up to each.
    sums: Vec<f64>,
    /// Size of an error, as a share of the sum.
    share: f64,
    /// Days of the past.
    past_days: f64,
    steps_a_day: usize,
    table: &'static TotalTable,
    /// The most that a step may be.
    most: f64,
    /// What the series was divided by.
    unit: f64,
}

/// One total.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Total {
    center: f64,
    size: f64,
    most: f64,
    unit: f64,
    table: &'static TotalTable,
}

impl Totals {
    pub fn new(
        series: &[f64],
        (pool, weights): (&Pool, &[f64; MEMBERS]),
        rhythm: Rhythm,
        (most, unit): (f64, f64),
    ) -> Totals {
        let mut sum = 0.0;
        let path = pool.forecast(weights).into_iter();
        let sums = path.map(|step| {
            sum += step.clamp(0.0, most);
            sum
        });
        let sums = sums.collect();
        let share = OF_OWN_ERRORS * own_error(pool, weights)
            + OF_DAYS * difference_of_days(series, rhythm.steps_a_day)
            + ALWAYS;
        let past_days = series.len() as f64 / rhythm.steps_a_day as f64;
        let (steps_a_day, table) = (rhythm.steps_a_day, totals(rhythm));
        Totals { sums, share, past_days, steps_a_day, table, most, unit }
    }

    /// The same after a share of the first step has passed.
    pub fn after_part_of_first(mut self, share: f64) -> Totals {
        let passed = self.sums.first().map_or(0.0, |first| first * share.clamp(0.0, 1.0));
        self.sums.iter_mut().for_each(|sum| *sum = (*sum - passed).max(0.0));
        self
    }

    /// The same with each step multiplied by its own factor; by 1 where there is none.
    pub fn times(mut self, factors: &[f64]) -> Totals {
        let (mut before, mut total) = (0.0, 0.0);
        for (step, sum) in self.sums.iter_mut().enumerate() {
            total += (*sum - before) * factors.get(step).unwrap_or(&1.0);
            before = *sum;
            *sum = total;
        }
        let most = factors.iter().copied().fold(1.0, f64::max);
        self.most *= most;
        self
    }

    /// The total of the first steps; zero of none.
    pub fn of_first(&self, steps: usize) -> Total {
        let steps = steps.min(self.sums.len());
        let center = steps.checked_sub(1).map_or(0.0, |last| self.sums[last]);
        let days = steps as f64 / self.steps_a_day as f64;
        let by_length = match self.steps_a_day {
            1 => days.max(1.0).powf(DAYS_POWER),
            hours => (SHORT_HOURS / (days * hours as f64).max(1.0)).max(1.0).powf(SHORT_POWER),
        };
        let by_history = (1.0 + days.max(1.0) / self.past_days.max(1.0)).sqrt();
        let size = center * self.share * by_length * by_history;
        let most = self.most * steps as f64;
        Total { center, size, most, unit: self.unit, table: self.table }
    }
}

impl Total {
    fn at(&self, place: usize) -> f64 {
        (self.center + self.size * self.table[place]).clamp(0.0, self.most)
    }

    /// As likely too high as too low.
    pub fn median(&self) -> f64 {
        self.at(MEDIAN) * self.unit
    }

    /// The bands of 80 and 95 %.
    pub fn bands(&self) -> [Interval; 2] {
        [BAND_80, BAND_95].map(|[low, high]| Interval {
            low: self.at(low) * self.unit,
            high: self.at(high) * self.unit,
        })
    }

    /// The probability that it is more than an amount.
    pub fn probability_above(&self, amount: f64) -> f64 {
        let amount = amount / self.unit;
        if amount < 0.0 {
            return 1.0;
        }
        if self.size <= TINY {
            return if self.center > amount { 1.0 } else { 0.0 };
        }
        above((amount - self.center) / self.size, self.table)
    }
}

/// The share of scaled errors above one: a line between two quantiles, and beyond the last ones a
/// tail that halves again and again.
fn above(error: f64, table: &TotalTable) -> f64 {
    /// How fast a tail falls, in widths of the part before it.
    const TAIL: f64 = 1.4;
    let last = table.len() - 1;
    if error <= table[0] {
        let width = table[2] - table[0];
        return 1.0 - TOTAL_SHARES[0] * ((error - table[0]) / width * TAIL).exp();
    }
    if error >= table[last] {
        let width = table[last] - table[last - 2];
        return (1.0 - TOTAL_SHARES[last]) * ((table[last] - error) / width * TAIL).exp();
    }
    let next = table.partition_point(|quantile| *quantile < error);
    let part = (error - table[next - 1]) / (table[next] - table[next - 1]);
    1.0 - (TOTAL_SHARES[next - 1] + (TOTAL_SHARES[next] - TOTAL_SHARES[next - 1]) * part)
}

/// By which share totals were missed at past origins; half without any.
fn own_error(pool: &Pool, weights: &[f64; MEMBERS]) -> f64 {
    let errors = pool.origins.iter().take(6).map(|origin| {
        let sum = |values: &[f64]| values.iter().sum::<f64>();
        let (forecast, actual) = (sum(&combined(&origin.members, weights)), sum(&origin.actual));
        let share = (actual - forecast).abs() / ((actual + forecast) / 2.0).max(TINY);
        share.min(SHARE_MAX)
    });
    let errors: Vec<f64> = errors.collect();
    if errors.is_empty() { 0.5 } else { mean(&errors) }
}

/// Mean difference of a day from the mean of the last ones, as a share of it.
fn difference_of_days(series: &[f64], steps_a_day: usize) -> f64 {
    let days = series.rchunks_exact(steps_a_day).take(DAYS_MAX);
    let days: Vec<f64> = days.map(|day| day.iter().sum()).collect();
    let level = mean(&days);
    let differences: Vec<f64> = days.iter().map(|day| (day - level).abs()).collect();
    (mean(&differences) / level.max(TINY)).min(SHARE_MAX)
}
