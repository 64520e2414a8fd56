//! The invariants that can be read off a ledger at any time, as code. Called by tests after each
//! step, never on the hot path.

use hashbrown::HashMap;

use super::state::Ledger;
use crate::domain::Amount;

impl Ledger {
    /// Panics, naming the invariant, if the ledger contradicts itself.
    pub fn assert_invariants(&self) {
        self.assert_holds_are_in_their_meters();
        self.assert_models_sum_up();
        self.assert_holds_are_in_their_counters();
        self.assert_nothing_is_up();
        assert!(self.pending >= Amount::ZERO, "pending spend is never negative");
    }

    /// I2, I7: what the meters hold is what the live holds took, in their windows.
    fn assert_holds_are_in_their_meters(&self) {
        let mut total: HashMap<i64, Amount> = HashMap::new();
        let mut by_model: HashMap<(usize, i64), Amount> = HashMap::new();
        for hold in self.holds.iter() {
            let start = self.cycle_of(hold.check_time).start.micros();
            assert!(hold.held >= Amount::ZERO, "I7: a hold is never negative");
            *total.entry(start).or_default() += hold.held;
            *by_model.entry((hold.model as usize, start)).or_default() += hold.held;
        }
        for (start, totals) in self.meter.windows() {
            let held = total.remove(&start.micros()).unwrap_or_default();
            assert_eq!(totals.held, held, "I7: the workspace holds what its live holds took");
        }
        assert!(total.values().all(|held| held.is_zero()), "I2: every hold is in the envelope");
        for (index, model) in self.models.iter().enumerate() {
            for (start, totals) in model.meter.windows() {
                let held = by_model.remove(&(index, start.micros())).unwrap_or_default();
                assert_eq!(totals.held, held, "I7: {} holds what its live holds took", model.id);
            }
        }
        assert!(by_model.values().all(|held| held.is_zero()), "I2: every hold is in its model");
    }

    /// I2, I7: what the counters of quotas hold is what the live holds took, in their windows.
    fn assert_holds_are_in_their_counters(&self) {
        let mut expected: HashMap<(u32, u32, i64), i64> = HashMap::new();
        let mut live: HashMap<u32, u32> = HashMap::new();
        for hold in self.holds.iter() {
            for slot in super::asking::real(&hold.slots) {
                *live.entry(slot).or_default() += 1;
                for entry in self.subjects.get(slot).set.iter() {
                    let rule = self.rules.get(entry.rule);
                    let start = rule.start_at(&self.calendar, &self.windows, hold.check_time);
                    if let Some(start) = start.filter(|_| rule.counts(hold.model)) {
                        let key = (slot, entry.rule, start.micros());
                        *expected.entry(key).or_default() += hold.used().in_unit(rule.unit);
                    }
                }
            }
        }
        for (slot, subject) in self.subjects.iter() {
            assert_eq!(
                subject.holds,
                live.remove(&slot).unwrap_or_default(),
                "I7: {} counts its live holds",
                subject.id
            );
            for counter in &subject.counters {
                let key = (slot, counter.rule, counter.start.micros());
                let held = expected.remove(&key).unwrap_or_default();
                assert_eq!(counter.held, held, "I7: {} holds what was taken", subject.id);
            }
            for rate in &subject.rates {
                let counted = rate.buckets(self.now).all(|(_, count)| count >= 0);
                assert!(counted, "I7: a rate of {} gives back what it counted", subject.id);
            }
        }
        assert!(live.is_empty(), "I7: every hold counts for members that are there");
        assert!(expected.values().all(|held| *held == 0), "I2: every hold is in every quota");
    }

    /// I4: the spend of the workspace is the sum of that of its models, in every window that is not
    /// over. Of those that are, each meter remembers what it must to give back its holds.
    fn assert_models_sum_up(&self) {
        for (start, totals) in self.meter.windows() {
            if *start < self.windows.cycle.start {
                continue;
            }
            let mut sum = Amount::ZERO;
            for model in &self.models {
                let window = model.meter.windows().iter().find(|(other, _)| other == start);
                sum += window.map_or(Amount::ZERO, |(_, totals)| totals.spent);
            }
            assert_eq!(totals.spent, sum, "I4: the workspace spent what its models spent");
        }
    }

    /// A hold lives no longer than its time, unless its charge is on the way.
    fn assert_nothing_is_up(&self) {
        for hold in self.holds.iter() {
            assert!(
                hold.expiring || hold.expire_time > self.now,
                "I7: a hold ends when its time is up"
            );
        }
    }
}
