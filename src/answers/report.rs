//! What a record takes of a reading.

use super::Reading;
use crate::domain::usage::{Extras, Usage};

/// Factors of a reading that are named by their value, as prices name them: a speed, or the region
/// that the answer was computed in.
const NAMED_BY_VALUE: [&str; 2] = ["speed", "inference_geo"];
/// Values that are no factor: what everybody gets.
const USUAL: [&str; 5] = ["standard", "default", "normal", "global", "not_available"];

impl Reading {
    /// Units, and names of factors of the price.
    pub fn to_extras(&self) -> Option<Box<Extras>> {
        let mut extras = Extras::default();
        for units in &self.units {
            extras = extras.with(units.kind, units.count);
        }
        let named = self.factors.iter().filter(|factor| NAMED_BY_VALUE.contains(&factor.name));
        let unusual = named.filter(|factor| !USUAL.contains(&factor.value.as_str()));
        extras.with_factors(unusual.map(|factor| factor.value.replace('-', "_"))).boxed()
    }

    /// Tokens of other models.
    pub fn to_others(&self) -> Vec<(String, Usage)> {
        self.others.iter().map(|other| (other.model.to_string(), other.usage)).collect()
    }
}
