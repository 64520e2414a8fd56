//! A limit that applies to a request: what may be used in a window, and what is.
//!
//! The envelope, a model's cap, a quota and a rate limit are cases of it; a check visits all that
//! apply (`asking.rs`).

use crate::domain::Time;
use crate::domain::check::Reason;
use crate::domain::quota::Enforcement;

/// One limit that applies, with what counts against it. In the unit of the limit.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    pub source: Source,
    pub enforcement: Enforcement,
    pub limit: i64,
    pub spent: i64,
    pub held: i64,
    pub need: i64,
    /// When the window ends; absent for one that is reset by hand, and for rate limits.
    pub reset_time: Option<Time>,
}

/// Where a limit comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Envelope,
    /// The cap of the model that the request is asked for on.
    ModelLimit,
    /// A rule, by its number, for a subject of the request.
    Rule {
        rule: u32,
        slides: bool,
    },
}

impl Limit {
    /// What is against `need`: nothing if spent + held + need ≤ limit (I1). Zero always fits, also
    /// where the limit is passed already: a free model is never blocked for money.
    pub fn objection(&self) -> Option<Reason> {
        assert!(self.need >= 0, "a request never needs less than nothing");
        // An amount is spent also above its limit (I6), and so may be far above it.
        let used = self.spent.saturating_add(self.held).saturating_add(self.need);
        if self.need == 0 || used <= self.limit {
            return None;
        }
        Some(if self.need > self.limit {
            Reason::RequestTooLarge
        } else if self.slides() {
            Reason::RateLimited
        } else if self.spent.saturating_add(self.need) > self.limit {
            Reason::Exhausted
        } else {
            Reason::HeldInFlight
        })
    }

    /// The highest of `thresholds` that the request takes spent and held over.
    pub fn crossed(&self, thresholds: &[u16]) -> Option<u16> {
        let before = self.spent.saturating_add(self.held);
        let after = before.saturating_add(self.need);
        let reaches = |amount: i64, threshold: u16| {
            i128::from(amount) * 100 >= i128::from(self.limit) * i128::from(threshold)
        };
        // Mostly the lowest is far.
        if thresholds.first().is_none_or(|lowest| !reaches(after, *lowest)) {
            return None;
        }
        let mut crossed = thresholds.iter().rev().copied();
        crossed
            .find(|threshold| reaches(after, *threshold))
            .filter(|threshold| self.need > 0 && !reaches(before, *threshold))
    }

    fn slides(&self) -> bool {
        matches!(self.source, Source::Rule { slides: true, .. })
    }
}
