//! Bands of single steps: errors of the pool on the series itself, scaled, and the quantiles that
//! such errors have in general.

use super::Interval;
use super::members::MEMBERS;
use super::pool::{Pool, combined};
use super::shipped::{STEP_SHARES, StepTable};
use crate::insight::statistics::{mean, quantile, sorted};

/// Origins from which on the errors of the series itself count for their own part.
pub const OWN_ORIGINS_MIN: usize = 8;
/// What they count then; the rest is the shipped quantiles.
const OWN_SHARE: f64 = 0.2;
/// An error of a step is measured by this, of a series whose mean is 1: half by the mean, half by
/// the step itself, because busy hours err by more.
const STEP_SHARE: f64 = 0.5;
/// What an origin counts of what the one after it does.
const EARLIER: f64 = 0.8;

/// Places of the bands in [`STEP_SHARES`].
const BAND_80: [usize; 2] = [1, 3];
const BAND_95: [usize; 2] = [0, 4];

/// Errors of steps at past origins.
pub struct StepErrors {
    /// Scaled, in ascending order.
    scaled: Vec<f64>,
    /// Mean of their sizes, the latest counting most.
    size: f64,
    has_own: bool,
}

fn scale(value: f64) -> f64 {
    (1.0 - STEP_SHARE) + STEP_SHARE * value
}

impl StepErrors {
    pub fn new(pool: &Pool, weights: &[f64; MEMBERS]) -> StepErrors {
        let mut scaled = Vec::new();
        let (mut sizes, mut weight, mut weight_sum) = (0.0, 1.0, 0.0);
        for origin in &pool.origins {
            let forecast = combined(&origin.members, weights);
            let pairs = forecast.iter().zip(&origin.actual);
            let errors: Vec<f64> =
                pairs.map(|(value, actual)| (actual - value) / scale(*value)).collect();
            let size = mean(&errors.iter().map(|error| error.abs()).collect::<Vec<_>>());
            sizes += weight * size;
            weight_sum += weight;
            weight *= EARLIER;
            scaled.extend(errors);
        }
        // Without a past origin nothing is known: an error of the size of the mean.
        let size = if weight_sum > 0.0 { sizes / weight_sum } else { 1.0 };
        let has_own = pool.origins.len() >= OWN_ORIGINS_MIN;
        StepErrors { scaled: sorted(&scaled), size, has_own }
    }

    /// The bands of 80 and 95 % of a step.
    pub fn bands(&self, value: f64, table: &StepTable, most: f64) -> [Interval; 2] {
        let at = |place: usize| {
            let shipped = self.size * table[place];
            let error = match self.has_own {
                true => {
                    let own = quantile(&self.scaled, STEP_SHARES[place]);
                    OWN_SHARE * own + (1.0 - OWN_SHARE) * shipped
                }
                false => shipped,
            };
            (value + scale(value) * error).clamp(0.0, most)
        };
        let inner = [at(BAND_80[0]).min(value), at(BAND_80[1]).max(value)];
        let outer = [at(BAND_95[0]).min(inner[0]), at(BAND_95[1]).max(inner[1])];
        [inner, outer].map(|[low, high]| Interval { low, high })
    }
}
