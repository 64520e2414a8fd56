//! Rate limits: bounds on requests and tokens in sliding windows.

use std::sync::Arc;

use serde::Serialize;

use crate::domain::Time;
use crate::domain::quota::{Enforcement, Scope, Unit};
use crate::domain::time::{MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE, Micros};

coded_enum! {
    /// Window of a rate limit: it slides.
    pub enum RateWindow {
        Minute = 0,
        Day = 1,
        Hour = 2,
    }
}

impl RateWindow {
    pub const fn micros(self) -> Micros {
        match self {
            RateWindow::Minute => MICROS_PER_MINUTE,
            RateWindow::Hour => MICROS_PER_HOUR,
            RateWindow::Day => MICROS_PER_DAY,
        }
    }

    /// Length of the buckets in which it is counted: a sixtieth.
    pub const fn bucket(self) -> Micros {
        self.micros() / 60
    }
}

/// At most so many requests, or tokens, in any span of time as long as the window. Providers leave
/// cache reads out of tokens per minute; [`Unit::UncachedTokens`] does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct RateBound {
    /// Requests, tokens or uncached tokens.
    pub unit: Unit,
    pub window: RateWindow,
    pub amount: i64,
}

impl RateBound {
    /// The largest amount of requests.
    pub const REQUESTS_MAX: i64 = 1_000_000_000;
    /// The largest amount of tokens.
    pub const TOKENS_MAX: i64 = 1_000_000_000_000;

    pub const fn new(unit: Unit, window: RateWindow, amount: i64) -> RateBound {
        RateBound { unit, window, amount }
    }

    /// Bounds in their one order: shorter windows first, and requests before tokens.
    pub fn sorted(mut bounds: Vec<RateBound>) -> Vec<RateBound> {
        let unit = |unit: Unit| (unit != Unit::Requests, unit as u8);
        bounds.sort_by_key(|bound| (bound.window.micros(), unit(bound.unit)));
        bounds
    }
}

/// Bounds on what a subject, or each subject of one kind, may send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RateLimit {
    pub id: Arc<str>,
    pub display_name: String,
    pub scope: Scope,
    /// At most one of each unit and window; see [`RateBound::sorted`].
    pub bounds: Vec<RateBound>,
    pub enforcement: Enforcement,
    #[serde(skip)]
    pub create_time: Time,
    #[serde(skip)]
    pub update_time: Time,
}

impl RateLimit {
    /// Its bounds: window, unit and amount.
    pub fn limits(&self) -> impl Iterator<Item = (RateWindow, Unit, i64)> {
        self.bounds.iter().map(|bound| (bound.window, bound.unit, bound.amount))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_have_one_order() {
        let mut bounds = Vec::new();
        for unit in [Unit::Tokens, Unit::Requests] {
            for window in RateWindow::ALL {
                bounds.push(RateBound { unit, window, amount: 1 });
            }
        }
        let sorted = RateBound::sorted(bounds);
        let order: Vec<_> = sorted.iter().map(|bound| (bound.window, bound.unit)).collect();
        let expected = [
            (RateWindow::Minute, Unit::Requests),
            (RateWindow::Minute, Unit::Tokens),
            (RateWindow::Hour, Unit::Requests),
            (RateWindow::Hour, Unit::Tokens),
            (RateWindow::Day, Unit::Requests),
            (RateWindow::Day, Unit::Tokens),
        ];
        assert_eq!(order, expected);
    }
}
