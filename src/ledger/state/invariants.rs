//! The invariants that can be checked at any time. Called by tests after each step, never on the
//! hot path.

use hashbrown::HashMap;

use super::Ledger;
use crate::domain::{Amount, Time};
use crate::ledger::limits::audit::ExpectedHolds;
use crate::ledger::models::ModelIndex;

impl Ledger {
    /// Panics, naming the invariant, if the ledger contradicts itself.
    pub fn assert_invariants(&self) {
        self.assert_holds_are_in_their_meters();
        self.assert_models_sum_up();
        self.assert_holds_are_in_their_counters();
        self.assert_no_hold_outlives_its_time();
        self.limits.assert_kinds();
        assert!(self.pending >= Amount::ZERO, "pending spend is never negative");
    }

    /// I2, I7: what the meters hold is what the live holds took, in their windows.
    fn assert_holds_are_in_their_meters(&self) {
        let mut total: HashMap<Time, Amount> = HashMap::new();
        let mut by_model: HashMap<(ModelIndex, Time), Amount> = HashMap::new();
        for hold in self.holds.iter() {
            let start = self.context.cycle_of(hold.check_time).start;
            assert!(hold.held >= Amount::ZERO, "I7: a hold is never negative");
            *total.entry(start).or_default() += hold.held;
            *by_model.entry((hold.model, start)).or_default() += hold.held;
        }
        for (start, totals) in self.models.total().windows() {
            let held = total.remove(start).unwrap_or_default();
            assert_eq!(totals.held, held, "I7: the workspace holds what its live holds took");
        }
        assert!(total.values().all(|held| held.is_zero()), "I2: every hold is in the envelope");
        for (index, model) in self.models.iter() {
            for (start, totals) in model.meter().windows() {
                let held = by_model.remove(&(index, *start)).unwrap_or_default();
                assert_eq!(totals.held, held, "I7: {} holds what its live holds took", model.id());
            }
        }
        assert!(by_model.values().all(|held| held.is_zero()), "I2: every hold is in its model");
    }

    /// I2, I7: what the counters of quotas hold is what the live holds took, in their windows.
    fn assert_holds_are_in_their_counters(&self) {
        let mut expected = ExpectedHolds::default();
        for hold in self.holds.iter() {
            let (subjects, held) = ((&hold.slots, hold.model), (&hold.used(), hold.check_time));
            self.limits.expect_hold(&mut expected, &self.context, subjects, held);
        }
        self.limits.assert_holds(expected, &self.context);
    }

    /// I4: the spend of the workspace is the sum of that of its models, in every window that is not
    /// over. Windows that are over are kept by each meter only while it holds something in them.
    fn assert_models_sum_up(&self) {
        for (start, totals) in self.models.total().windows() {
            if *start < self.context.cycle().start {
                continue;
            }
            let mut sum = Amount::ZERO;
            for (_, model) in self.models.iter() {
                let window = model.meter().windows().iter().find(|(other, _)| other == start);
                sum += window.map_or(Amount::ZERO, |(_, totals)| totals.spent);
            }
            assert_eq!(totals.spent, sum, "I4: the workspace spent what its models spent");
        }
    }

    /// I7: a hold lives no longer than its time, unless it is being charged.
    fn assert_no_hold_outlives_its_time(&self) {
        for hold in self.holds.iter() {
            assert!(
                hold.expiring || hold.expire_time > self.context.now(),
                "I7: a hold ends when its time is up"
            );
        }
    }
}
