//! Figures of a ledger for those who watch the server.

use super::Ledger;
use crate::domain::Amount;

/// Figures of one workspace, as far as time has passed in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveFigures {
    /// Live holds.
    pub holds: usize,
    /// Those of them that storage has too.
    pub stored_holds: usize,
    /// Sum of the holds of the running cycle.
    pub held: Amount,
    /// What checks have held since storage takes no writes.
    pub held_in_outage: Amount,
    /// Since the workspace was loaded, as are those of `settled`.
    pub expired: i64,
    pub settled: SettledFigures,
}

/// Holds that ended with a record. Sums stop at the most that an amount can be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SettledFigures {
    pub holds: i64,
    /// Those whose record cost more than they held.
    pub exceeded: i64,
    pub held: Amount,
    /// What their records cost.
    pub cost: Amount,
}

impl SettledFigures {
    pub(in crate::ledger) fn settled(&mut self, held: Amount, cost: Amount) {
        self.holds += 1;
        self.exceeded += i64::from(cost > held);
        self.held = sum(self.held, held);
        self.cost = sum(self.cost, cost);
    }
}

fn sum(a: Amount, b: Amount) -> Amount {
    Amount::from_nanos(a.nanos().saturating_add(b.nanos()))
}

impl Ledger {
    pub fn live_figures(&self) -> LiveFigures {
        LiveFigures {
            holds: self.holds.len(),
            stored_holds: self.holds.stored_count(),
            held: self.models.totals(self.context.cycle()).held,
            held_in_outage: self.held_in_outage(),
            expired: self.holds.expired_count(),
            settled: self.figures,
        }
    }
}
