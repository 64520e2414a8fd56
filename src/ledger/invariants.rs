//! The invariants that can be read off a ledger at any time, as code. Called by tests after each
//! step, never on the hot path.

use hashbrown::HashMap;

use super::amount::Amount;
use super::state::Ledger;

impl Ledger {
    /// Panics, naming the invariant, if the ledger contradicts itself.
    pub fn assert_invariants(&self) {
        self.assert_holds_are_in_their_meters();
        self.assert_models_sum_up();
        self.assert_nothing_is_up();
        assert!(self.pending >= Amount::ZERO, "pending spend is never negative");
    }

    /// I2, I7: what the meters hold is what the live holds took, in their windows.
    fn assert_holds_are_in_their_meters(&self) {
        let mut total: HashMap<i64, Amount> = HashMap::new();
        let mut by_model: HashMap<(usize, i64), Amount> = HashMap::new();
        for hold in self.holds.iter() {
            let start = hold.window_start.micros();
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

    /// I4: the spend of the workspace is the sum of that of its models, in every window that is not
    /// over. Of those that are, each meter remembers what it must to give back its holds.
    fn assert_models_sum_up(&self) {
        for (start, totals) in self.meter.windows() {
            if *start < self.cycle.start {
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
