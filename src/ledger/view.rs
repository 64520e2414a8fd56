//! What the ledger shows: the running cycle, models, holds.

use std::sync::Arc;

use super::hold::Hold;
use super::meter::Totals;
use super::state::Ledger;
use crate::domain::calendar::Window;
use crate::domain::check::BudgetState;
use crate::domain::workspace::WorkspaceModel;
use crate::domain::{Amount, Time};

/// The running cycle, exact at `as_of_time`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetView {
    pub cycle: Window,
    pub spent: Amount,
    pub held: Amount,
    pub plan_budget: Amount,
    pub overage_limit: Amount,
    /// Boosts of the envelope in force.
    pub boost: Amount,
    pub plan_set: bool,
    pub state: BudgetState,
    pub days_left: i64,
    pub automatic_fallback: bool,
    /// Largest first, then by id; without those that spent nothing.
    pub spend_by_model: Vec<(Arc<str>, Amount)>,
    pub as_of_time: Time,
    pub revision: i64,
}

/// One model of the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelView {
    pub model_id: Arc<str>,
    pub settings: Option<WorkspaceModel>,
    pub spent: Amount,
    pub held: Amount,
    pub reset_time: Time,
}

/// One hold, live or expired.
#[derive(Clone, Debug)]
pub struct HoldView {
    pub hold: Hold,
    pub model_id: Arc<str>,
    pub live: bool,
}

impl BudgetView {
    pub fn envelope(&self) -> Amount {
        self.plan_budget + self.overage_limit + self.boost
    }

    /// What a further check could still take; negative where more was spent than allowed.
    pub fn remaining(&self) -> Amount {
        self.envelope() - self.spent - self.held
    }
}

impl Ledger {
    pub fn budget(&mut self, now: Time) -> BudgetView {
        let now = self.advance(now);
        let totals = self.meter.totals(self.windows.cycle);
        let mut spend_by_model = Vec::new();
        for model in &self.models {
            let spent = model.meter.totals(self.windows.cycle).spent;
            if !spent.is_zero() {
                spend_by_model.push((model.id.clone(), spent));
            }
        }
        spend_by_model.sort_by(|(a, a_spent), (b, b_spent)| b_spent.cmp(a_spent).then(a.cmp(b)));
        let plan = self.workspace.plan;
        BudgetView {
            cycle: self.windows.cycle,
            spent: totals.spent,
            held: totals.held,
            plan_budget: plan.map_or(Amount::ZERO, |plan| plan.budget),
            overage_limit: plan.map_or(Amount::ZERO, |plan| plan.overage),
            boost: self.boost(),
            plan_set: plan.is_some(),
            state: self.state(),
            days_left: self.calendar.days_left(now, self.windows.cycle),
            automatic_fallback: self.workspace.automatic_fallback,
            spend_by_model,
            as_of_time: now,
            revision: self.revision,
        }
    }

    /// Every model that is enabled, capped or has spend in the running cycle, by id.
    pub fn model_views(&mut self, now: Time) -> Vec<ModelView> {
        self.advance(now);
        let mut views = Vec::new();
        for index in 0..self.models.len() {
            let view = self.model_view(index);
            let is_set =
                view.settings.as_ref().is_some_and(|set| set.enabled || set.limit.is_some());
            if is_set || !view.spent.is_zero() || !view.held.is_zero() {
                views.push(view);
            }
        }
        views.sort_by(|a, b| a.model_id.cmp(&b.model_id));
        views
    }

    /// One model, whatever is known of it.
    pub fn model_view_of(&mut self, now: Time, model_id: &str) -> ModelView {
        self.advance(now);
        let index = self.model_index(model_id);
        self.model_view(index)
    }

    fn model_view(&self, index: usize) -> ModelView {
        let model = &self.models[index];
        let totals = model.meter.totals(self.windows.cycle);
        ModelView {
            model_id: model.id.clone(),
            settings: model.settings.clone(),
            spent: totals.spent,
            held: totals.held,
            reset_time: self.windows.cycle.end,
        }
    }

    /// Live holds and those that expired lately, by the time of their check and request id.
    pub fn hold_views(&mut self, now: Time) -> Vec<HoldView> {
        self.advance(now);
        let live = self.holds.iter().map(|hold| (hold, true));
        let expired = self.expired.iter().map(|hold| (hold, false));
        let view = |(hold, live): (&Hold, bool)| {
            let model_id = self.models[hold.model as usize].id.clone();
            HoldView { hold: hold.clone(), model_id, live }
        };
        let mut views: Vec<HoldView> = live.chain(expired).map(view).collect();
        views.sort_by(|a, b| {
            let key = |view: &HoldView| (view.hold.check_time, view.hold.request_id.clone());
            key(a).cmp(&key(b))
        });
        views
    }

    /// Spent and held by window, of the workspace (no model) and of each model: for audits.
    pub fn metered(&self) -> Vec<(Option<Arc<str>>, Time, Totals)> {
        let mut metered = Vec::new();
        for (start, totals) in self.meter.windows() {
            metered.push((None, *start, *totals));
        }
        for model in &self.models {
            for (start, totals) in model.meter.windows() {
                metered.push((Some(model.id.clone()), *start, *totals));
            }
        }
        metered
    }

    /// Id of a group of API keys by the number that holds keep; empty for none.
    pub fn group_name(&self, group: u32) -> Arc<str> {
        self.keys.group_name(group).into()
    }

    /// How many holds live.
    pub fn live_holds(&self) -> usize {
        self.holds.len()
    }

    /// Holds that expired unsettled since the ledger was loaded.
    pub fn expired_count(&self) -> i64 {
        self.expired_count
    }

    /// Whether anything is recorded in a window that is kept, or held.
    pub fn is_untouched(&self) -> bool {
        self.holds.is_empty()
            && self.meter.windows().iter().all(|(_, totals)| totals.spent.is_zero())
    }
}
