//! The pool: members weighted by the errors that they have made on the series itself.

use super::members::{self, MEMBERS, Rhythm};
use crate::insight::statistics::mean;

/// Most past origins that errors are measured at, for bands.
const ORIGINS_MAX: usize = 12;
/// The latest of them, which weights are made of.
const WEIGHT_ORIGINS: usize = 6;
/// Fewest steps of the past at an origin.
const PAST_MIN: usize = 5;
/// Part of the least error that is added to all: a member that was right by chance does not
/// silence the others.
const FLOOR: f64 = 0.5;
/// A difference that says nothing, in a series whose mean is 1.
const TINY: f64 = 1e-6;

/// What every member would have said at an origin in the past, and what came.
pub struct Origin {
    /// Steps that were past.
    pub at: usize,
    pub members: [Vec<f64>; MEMBERS],
    pub actual: Vec<f64>,
}

pub struct Pool {
    /// The latest first.
    pub origins: Vec<Origin>,
    /// What every member says now.
    members: [Vec<f64>; MEMBERS],
}

/// The error of a forecast of several steps.
pub type Error = fn(&[f64], &[f64]) -> f64;

impl Pool {
    /// `series` has at least one cycle.
    pub fn new(series: &[f64], rhythm: Rhythm, horizon: usize) -> Pool {
        let ahead = horizon.min((series.len() / 3).max(1));
        let stride = (ahead / 2).max(1);
        let mut origins = Vec::new();
        while origins.len() < ORIGINS_MAX {
            let Some(at) = series.len().checked_sub(ahead + origins.len() * stride) else { break };
            if at < rhythm.cycle.max(PAST_MIN) {
                break;
            }
            let (past, rest) = series.split_at(at);
            let members = members::forecast(past, rhythm, ahead);
            origins.push(Origin { at, members, actual: rest[..ahead].to_vec() });
        }
        Pool { origins, members: members::forecast(series, rhythm, horizon) }
    }

    /// Weights of the members, which add up to 1: the greater the power, the more they follow the
    /// errors.
    pub fn weights(&self, error: Error, power: f64) -> [f64; MEMBERS] {
        let of = |member: usize| {
            let origins = self.origins.iter().take(WEIGHT_ORIGINS);
            let errors: Vec<f64> =
                origins.map(|origin| error(&origin.members[member], &origin.actual)).collect();
            mean(&errors)
        };
        let errors: [f64; MEMBERS] = std::array::from_fn(of);
        let least = errors.iter().copied().fold(f64::INFINITY, f64::min);
        let floor = least * FLOOR + TINY;
        let weights = errors.map(|error| ((least + floor) / (error + floor)).powf(power));
        let sum: f64 = weights.iter().sum();
        weights.map(|weight| weight / sum)
    }

    /// What the pool says now.
    pub fn forecast(&self, weights: &[f64; MEMBERS]) -> Vec<f64> {
        combined(&self.members, weights)
    }
}

/// The weighted mean of what the members say.
pub fn combined(members: &[Vec<f64>; MEMBERS], weights: &[f64; MEMBERS]) -> Vec<f64> {
    let at = |step: usize| {
        members.iter().zip(weights).map(|(member, weight)| member[step] * weight).sum()
    };
    (0..members[0].len()).map(at).collect()
}

/// Mean error of the steps.
pub fn of_steps(forecast: &[f64], actual: &[f64]) -> f64 {
    let pairs = forecast.iter().zip(actual);
    pairs.map(|(forecast, actual)| (forecast - actual).abs()).sum::<f64>() / actual.len() as f64
}

/// Error of the total, for a step.
pub fn of_total(forecast: &[f64], actual: &[f64]) -> f64 {
    let sum = |values: &[f64]| values.iter().sum::<f64>();
    (sum(forecast) - sum(actual)).abs() / actual.len() as f64
}
