//! Forecasts of a series: a pool of simple members, weighted by the errors that each has made on
//! the series itself, with bands of the steps and of the total.
//!
//! A forecast at an origin depends on what was before it alone. It is in the unit of the series:
//! the series is divided by its mean first, so that a factor on it is a factor on the forecast.

mod bands;
mod members;
mod pool;
mod shipped;
#[cfg(test)]
mod tests;
mod total;

pub use bands::OWN_ORIGINS_MIN;
pub use members::{MEMBERS, NAMES, Rhythm};
pub use total::{Total, Totals};

use crate::insight::statistics::mean;
use bands::StepErrors;
use pool::{Pool, of_steps, of_total};

/// How closely weights follow the errors of members: of steps, and of totals, which are few; of
/// those of a day or two more closely, because members that know no hours miss them.
const STEP_POWER: f64 = 8.0;
const TOTAL_POWER: f64 = 0.5;
const NEAR_TOTAL_POWER: f64 = 2.0;
/// No step is forecast above so many times the largest one seen.
const LARGEST_FACTOR: f64 = 3.0;

/// A band, both ends included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

/// What a step will be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub value: f64,
    /// Of 80 and 95 %; each contains the value, and the wider one the other.
    pub bands: [Interval; 2],
}

impl Point {
    pub fn times(self, factor: f64) -> Point {
        let times = |Interval { low, high }| Interval { low: low * factor, high: high * factor };
        Point { value: self.value * factor, bands: self.bands.map(times) }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    pub points: Vec<Point>,
    /// Of the steps together. Medians of steps do not add up to the median of the total.
    pub totals: Totals,
    /// Past origins at which the pool was measured.
    pub origins: usize,
    /// The member with the greatest weight.
    pub leader: &'static str,
}

/// Forecasts the steps after a series; none of an empty one.
///
/// Values below zero and those that are no numbers count as zero; none is above 2^63.
pub fn forecast(series: &[f64], rhythm: Rhythm, horizon: usize) -> Option<Forecast> {
    let series: Vec<f64> = series.iter().map(|value| usable(*value)).collect();
    if series.is_empty() {
        return None;
    }
    let largest = series.iter().copied().fold(0.0, f64::max);
    let unit = if largest > 0.0 { mean(&series) } else { 1.0 };
    let series: Vec<f64> = series.iter().map(|value| value / unit).collect();
    let rhythm = rhythm.of_history(series.len());
    let pool = Pool::new(&series, rhythm, horizon);
    let most = LARGEST_FACTOR * largest / unit;
    let weights = pool.weights(of_steps, STEP_POWER);
    let errors = StepErrors::new(&pool, &weights);
    let table = shipped::steps(rhythm, horizon);
    let point = |value: f64| {
        let value = value.clamp(0.0, most);
        let bands = errors.bands(value, table, most);
        let bands = bands.map(|band| Interval { low: band.low * unit, high: band.high * unit });
        Point { value: value * unit, bands }
    };
    let points = pool.forecast(&weights).into_iter().map(point).collect();
    let is_near = rhythm.steps_a_day > 1 && horizon <= shipped::NEAR_HOURS;
    let total_power = if is_near { NEAR_TOTAL_POWER } else { TOTAL_POWER };
    let of_totals = pool.weights(of_total, total_power);
    let totals = Totals::new(&series, (&pool, &of_totals), rhythm, (most, unit));
    let leader = (0..MEMBERS).max_by(|a, b| weights[*a].total_cmp(&weights[*b]));
    let leader = leader.map_or("", |member| NAMES[member]);
    Some(Forecast { points, totals, origins: pool.origins.len(), leader })
}

fn usable(value: f64) -> f64 {
    if value.is_finite() { value.max(0.0) } else { 0.0 }
}
