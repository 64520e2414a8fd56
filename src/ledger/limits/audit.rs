//! The invariants of limits that can be checked at any time. Called by tests, never on the hot
//! path.

use hashbrown::HashMap;

use super::Limits;
use super::rule::RuleIndex;
use super::rules::KindSet;
use super::subjects::{Slot, Slots};
use crate::domain::Time;
use crate::domain::quota::Consumption;
use crate::ledger::context::Context;
use crate::ledger::models::ModelIndex;

/// What live holds are expected to hold here.
#[derive(Default)]
pub struct ExpectedHolds {
    held: HashMap<(Slot, RuleIndex, Time), i64>,
    live: HashMap<Slot, u32>,
}

impl Limits {
    /// Adds a live hold to what is expected.
    pub fn expect_hold(
        &self,
        expected: &mut ExpectedHolds,
        context: &Context,
        (slots, model): (&Slots, ModelIndex),
        (held, check_time): (&Consumption, Time),
    ) {
        for (_, slot) in slots.iter() {
            *expected.live.entry(slot).or_default() += 1;
            for applied in self.subjects.get(slot).rules.iter() {
                let rule = self.rules.get(applied.index);
                let start = rule.window_start(context, check_time);
                if let Some(start) = start.filter(|_| rule.counts(model) && rule.counts_held()) {
                    let key = (slot, applied.index, start);
                    *expected.held.entry(key).or_default() += held.in_unit(rule.unit());
                }
            }
        }
    }

    /// Panics unless counters hold what is expected (I2, I7).
    pub fn assert_holds(&self, mut expected: ExpectedHolds, context: &Context) {
        for (slot, subject) in self.subjects.iter() {
            let live = expected.live.remove(&slot).unwrap_or_default();
            assert_eq!(subject.holds, live, "I7: {} counts its live holds", subject.id);
            for counter in subject.counters.all_fixed() {
                let key = (slot, counter.rule, counter.start);
                let held = expected.held.remove(&key).unwrap_or_default();
                assert_eq!(counter.held, held, "I7: {} holds what was taken", subject.id);
            }
            for window in subject.counters.all_sliding() {
                let counted = window.buckets(context.now()).all(|(_, count)| count >= 0);
                assert!(counted, "I7: a rate of {} gives back what it counted", subject.id);
            }
        }
        assert!(expected.live.is_empty(), "I7: every hold counts for subjects that are present");
        assert!(expected.held.values().all(|held| *held == 0), "I2: every hold is in every quota");
    }

    /// Panics unless the sets of kinds are those of the rules.
    pub fn assert_kinds(&self) {
        let (mut kinds, mut rate_limited) = (KindSet::default(), KindSet::default());
        for (_, rule) in self.rules.iter() {
            kinds.set(rule.kind(), true);
            if rule.is_rate_limit() {
                rate_limited.set(rule.kind(), true);
            }
        }
        assert_eq!(self.rules.kinds(), kinds, "a check skips no rule");
        assert_eq!(self.rules.rate_limited_kinds(), rate_limited, "nor does a rate limit");
    }
}
