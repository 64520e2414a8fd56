//! The ledger: the live state of one workspace, as its parts.

pub mod snapshot;
pub mod view;
pub mod figures;
pub mod outage;
mod outbox;
mod invariants;

use std::sync::Arc;

use super::alerts::Alerts;
use super::context::{Context, calendar_of};
use super::contexts::Contexts;
use super::departments::Departments;
use super::freezes::Freezes;
use super::holds::Holds;
use super::keys::Keys;
use super::limits::Limits;
use super::models::{Models, WindowSpend};
use super::refusals::Refusals;
use super::settle::DistinctValues;
use crate::domain::catalog::Catalog;
use crate::domain::check::BudgetStatus;
use crate::domain::time::calendar::Window;
use crate::domain::workspace::{Workspace, WorkspaceModel};
use crate::domain::{Amount, Time};
use figures::SettledFigures;
use outage::Outage;

/// Bounds of what one workspace may take of the server, which its operator sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of its live holds.
    pub hold_bytes_max: usize,
    /// Distinct values of each field of attributions, and of tags, that are recorded on one day.
    pub distinct_values_max: usize,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds { hold_bytes_max: usize::MAX, distinct_values_max: usize::MAX }
    }
}

/// The live state of one workspace: all decisions are made here.
///
/// Methods take `now`. Time never runs backwards here: an earlier `now` than before is ignored.
pub struct Ledger {
    pub(super) context: Context,
    pub(super) models: Models,
    pub(super) limits: Limits,
    pub(super) holds: Holds,
    pub(super) keys: Keys,
    pub(super) departments: Departments,
    pub(super) freezes: Freezes,
    pub(super) alerts: Alerts,
    pub(super) refusals: Refusals,
    pub(super) contexts: Contexts,
    /// Cost of records that are being written to the log.
    pub(super) pending: Amount,
    pub(super) figures: SettledFigures,
    pub(super) outage: Outage,
    pub(super) distinct: DistinctValues,
    pub(super) bounds: Bounds,
    /// Grows with each committed change.
    pub(super) revision: i64,
}

impl Ledger {
    /// The windows whose spend is needed: the running cycle and the next, which records of clocks
    /// that are ahead may fall into.
    pub fn windows_to_load(workspace: &Workspace, now: Time) -> [Window; 2] {
        let cycle = calendar_of(workspace).cycle(now);
        [cycle, calendar_of(workspace).cycle(cycle.end)]
    }

    /// A ledger of what is stored. `spend` are the windows of [`Ledger::windows_to_load`].
    pub fn new(
        workspace: Workspace,
        models: Vec<WorkspaceModel>,
        catalog: Arc<Catalog>,
        spend: Vec<WindowSpend>,
        now: Time,
    ) -> Ledger {
        let mut ledger = Ledger {
            context: Context::new(workspace, catalog, now),
            models: Models::default(),
            limits: Limits::default(),
            holds: Holds::default(),
            keys: Keys::default(),
            departments: Departments::default(),
            freezes: Freezes::default(),
            alerts: Alerts::default(),
            refusals: Refusals::default(),
            contexts: Contexts::default(),
            pending: Amount::ZERO,
            figures: SettledFigures::default(),
            outage: Outage::default(),
            distinct: DistinctValues::default(),
            bounds: Bounds::default(),
            revision: 0,
        };
        let catalog = ledger.context.catalog();
        for model in models {
            let index = ledger.models.find_or_add(&model.model_id, catalog);
            ledger.models.set_settings(index, model);
        }
        ledger.models.replace_spend(spend, catalog);
        ledger.keep_holds();
        ledger
    }

    /// Holds that are there already stay.
    pub fn set_bounds(&mut self, bounds: Bounds) {
        self.bounds = bounds;
    }

    pub fn workspace(&self) -> &Workspace {
        self.context.workspace()
    }

    pub fn catalog(&self) -> &Arc<Catalog> {
        self.context.catalog()
    }

    /// Grows with each committed change.
    pub fn revision(&self) -> i64 {
        self.revision
    }

    /// Moves time forward: windows roll over and holds expire.
    pub fn advance(&mut self, now: Time) -> Time {
        if self.context.advance(now) {
            self.models.forget_before(self.context.cycle().start);
            self.limits.forget_raised(&self.context);
        }
        self.expire_holds();
        self.context.now()
    }

    /// Looks at some subjects in turn, and drops those that are idle. Calls come to all of them in
    /// time. Returns how many are left.
    pub fn sweep(&mut self, now: Time, count: u32) -> usize {
        self.advance(now);
        self.freezes.forget_over(self.context.now());
        self.limits.sweep(&self.context, count)
    }

    /// State and spend of the running cycle.
    pub fn budget_status(&self) -> BudgetStatus {
        let cycle_spent = self.models.totals(self.context.cycle()).spent;
        BudgetStatus { state: self.context.budget_state(cycle_spent), cycle_spent }
    }
}
