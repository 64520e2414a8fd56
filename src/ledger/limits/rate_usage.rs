//! How much of rate limits is used: read from the sliding windows, a few subjects at a time,
//! because there may be a million and nobody is decided on meanwhile.

use std::sync::Arc;

use super::Limits;
use super::rules::RuleSet;
use super::subject::Subject;
use crate::domain::check::LimitPeriod;
use crate::domain::quota::Unit;
use crate::domain::rate_limit::{RateBound, RateLimit};
use crate::ledger::context::Context;
use crate::ledger::limits::UsageFilter;

/// How much of one bound of a rate limit one subject has used in the window that ends now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateUsage {
    pub limit: Arc<RateLimit>,
    pub subject_id: Arc<str>,
    pub bound: RateBound,
    pub used: i64,
}

/// Which subjects were visited: the position after the last one; none at the end.
pub type Cursor = Option<usize>;

impl RateUsage {
    /// Used in parts per million of the bound; 0 where it is zero.
    pub fn utilization(&self) -> u64 {
        match (self.used, self.bound.amount) {
            (used @ 1.., amount @ 1..) => {
                let parts = i128::from(used) * 1_000_000 / i128::from(amount);
                u64::try_from(parts).unwrap_or(u64::MAX)
            }
            _ => 0,
        }
    }
}

impl Limits {
    /// Adds the usage of the next `count` subjects from a position on. A filter that names a
    /// subject visits that alone; the id of the filter is that of a rate limit.
    pub fn rate_usage(
        &self,
        context: &Context,
        filter: &UsageFilter,
        (from, count): (usize, usize),
        found: &mut Vec<RateUsage>,
    ) -> Cursor {
        if let Some((kind, Some(id))) = &filter.subject {
            let subject = self.subjects.find(*kind, id).map(|slot| self.subjects.get(slot));
            let rules = subject.map_or(self.rules.each_set(*kind), |subject| &subject.rules);
            self.add_rates(context, filter, (id.as_str(), rules, subject), found);
            return None;
        }
        let kind = filter.subject.as_ref().map(|(kind, _)| *kind);
        let end = from.saturating_add(count).min(self.subjects.capacity());
        for subject in (from..end).filter_map(|position| self.subjects.at(position)) {
            if kind.is_none_or(|kind| kind == subject.kind) {
                let of = (subject.id.as_str(), &*subject.rules, Some(subject));
                self.add_rates(context, filter, of, found);
            }
        }
        (end < self.subjects.capacity()).then_some(end)
    }

    /// Rate limits that name the subject, and those for each where it has used something.
    fn add_rates(
        &self,
        context: &Context,
        filter: &UsageFilter,
        (subject_id, rules, subject): (&str, &RuleSet, Option<&Subject>),
        found: &mut Vec<RateUsage>,
    ) {
        let is_asked_for = matches!(filter.subject, Some((_, Some(_))));
        for applied in rules.rate_limits().iter().filter(|applied| !applied.overridden) {
            let rule = self.rules.get(applied.index);
            let (Some(limit), LimitPeriod::Sliding(window)) = (rule.rate_limit(), rule.period())
            else {
                continue;
            };
            if filter.quota_id.as_deref().is_some_and(|id| *id != *limit.id) {
                continue;
            }
            let counted = subject.and_then(|subject| subject.counters.sliding(applied.index));
            let used = counted.map_or(0, |window| window.count(context.now()));
            let is_named = limit.scope.subject_id.is_some();
            if is_named || is_asked_for || used != 0 {
                let (unit, amount) = (rule.unit(), rule.base_limit().unwrap_or_default());
                debug_assert!(unit != Unit::Money, "rates are of requests and tokens");
                let bound = RateBound { unit, window, amount };
                let (limit, subject_id) = (limit.clone(), subject_id.into());
                found.push(RateUsage { limit, subject_id, bound, used });
            }
        }
    }
}
