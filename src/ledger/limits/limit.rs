//! A limit that applies to a request: the envelope, a model's cap, or a rule of a quota or rate
//! limit for one subject.

use super::rule::RuleIndex;
use super::subjects::Slot;
use crate::domain::Time;
use crate::domain::check::Reason;
use crate::domain::quota::Enforcement;

/// A limit with what counts against it, in the unit of the limit.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    pub source: LimitSource,
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
pub enum LimitSource {
    Envelope,
    /// The cap of the requested model.
    ModelLimit,
    Rule {
        rule: RuleIndex,
        /// The subject that it counts here.
        slot: Slot,
        is_rate_limit: bool,
    },
}

impl Limit {
    /// Why the request does not fit; none if spent + held + need ≤ limit (I1). A need of zero
    /// always fits, also above the limit: a free model is never blocked for money.
    pub fn denial(&self) -> Option<Reason> {
        assert!(self.need >= 0, "the need of a request is never negative");
        // Spend is recorded also above the limit (I6), so that a sum may overflow.
        let used = self.spent.saturating_add(self.held).saturating_add(self.need);
        if self.need == 0 || used <= self.limit {
            return None;
        }
        Some(if self.need > self.limit {
            Reason::RequestTooLarge
        } else if self.is_rate_limit() {
            Reason::RateLimited
        } else if self.spent.saturating_add(self.need) > self.limit {
            Reason::Exhausted
        } else {
            Reason::HeldInFlight
        })
    }

    /// The highest of `thresholds` that the request takes spent and held across.
    pub fn crossed_threshold(&self, thresholds: &[u16]) -> Option<u16> {
        let before = self.spent.saturating_add(self.held);
        let after = before.saturating_add(self.need);
        let is_reached = |amount: i64, threshold: u16| {
            i128::from(amount) * 100 >= i128::from(self.limit) * i128::from(threshold)
        };
        // The usual case: below the lowest.
        if thresholds.first().is_none_or(|lowest| !is_reached(after, *lowest)) {
            return None;
        }
        let mut highest_first = thresholds.iter().rev().copied();
        highest_first
            .find(|threshold| is_reached(after, *threshold))
            .filter(|threshold| self.need > 0 && !is_reached(before, *threshold))
    }

    pub fn is_rate_limit(&self) -> bool {
        matches!(self.source, LimitSource::Rule { is_rate_limit: true, .. })
    }
}
