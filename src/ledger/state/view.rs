//! Views: what callers read of the budget, the models, the holds and the quotas.

use std::sync::Arc;

use chrono::{Days, NaiveDate};
use chrono_tz::Tz;

use super::Ledger;
use super::outage::OutageView;
use crate::domain::attribution::PackedAttribution;
use crate::domain::check::BudgetState;
use crate::domain::time::calendar::Window;
use crate::domain::workspace::WorkspaceModel;
use crate::domain::{Amount, Time};
use crate::ledger::holds::{Hold, HoldFilter};
use crate::ledger::keys::GroupIndex;
use crate::ledger::limits::{Cursor, QuotaUsage, RateUsage, UsageFilter, UsagePosition};
use crate::ledger::models::{Model, Totals};

/// The running cycle, exact at `as_of_time`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetView {
    pub cycle: Window,
    pub time_zone: Tz,
    /// First local day of the cycle.
    pub first_date: NaiveDate,
    /// Last local day of the cycle, included.
    pub last_date: NaiveDate,
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
    /// Largest first, then by id; without models that spent nothing.
    pub spend_by_model: Vec<(Arc<str>, Amount)>,
    pub as_of_time: Time,
    pub revision: i64,
    /// Absent while storage takes writes.
    pub outage: Option<OutageView>,
}

/// One model of the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelView {
    pub model_id: Arc<str>,
    pub settings: Option<WorkspaceModel>,
    pub spent: Amount,
    pub held: Amount,
    pub reset_time: Time,
    /// Whether the price that the workspace pays now is stale.
    pub price_stale: bool,
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

    /// What further checks could hold; negative where more is spent than allowed.
    pub fn remaining(&self) -> Amount {
        self.envelope() - self.spent - self.held
    }
}

impl Ledger {
    pub fn budget(&mut self, now: Time) -> BudgetView {
        let now = self.advance(now);
        let cycle = self.context.cycle();
        let totals = self.models.totals(cycle);
        let mut spend_by_model = Vec::new();
        for (_, model) in self.models.iter() {
            let spent = model.meter().totals(cycle).spent;
            if !spent.is_zero() {
                spend_by_model.push((model.id().clone(), spent));
            }
        }
        spend_by_model.sort_by(|(a, a_spent), (b, b_spent)| b_spent.cmp(a_spent).then(a.cmp(b)));
        let workspace = self.context.workspace();
        let plan = workspace.plan;
        let calendar = self.context.calendar();
        BudgetView {
            cycle,
            time_zone: calendar.time_zone(),
            first_date: calendar.date(cycle.start),
            last_date: calendar.date(cycle.end) - Days::new(1),
            spent: totals.spent,
            held: totals.held,
            plan_budget: plan.map_or(Amount::ZERO, |plan| plan.budget),
            overage_limit: plan.map_or(Amount::ZERO, |plan| plan.overage),
            boost: self.context.boost(),
            plan_set: plan.is_some(),
            state: self.context.budget_state(totals.spent),
            days_left: calendar.days_left(now, cycle),
            automatic_fallback: workspace.automatic_fallback,
            spend_by_model,
            as_of_time: now,
            revision: self.revision,
            outage: self.outage_view(),
        }
    }

    /// Every model that is enabled, capped or has spend in the running cycle, by id.
    pub fn model_views(&mut self, now: Time) -> Vec<ModelView> {
        let now = self.advance(now);
        let mut views = Vec::new();
        for (_, model) in self.models.iter() {
            let view = self.model_view(now, model);
            let is_set =
                view.settings.as_ref().is_some_and(|set| set.enabled || set.limit.is_some());
            if is_set || !view.spent.is_zero() || !view.held.is_zero() {
                views.push(view);
            }
        }
        views.sort_by(|a, b| a.model_id.cmp(&b.model_id));
        views
    }

    /// What is set of models, by their ids.
    pub fn model_settings(&self) -> Vec<&WorkspaceModel> {
        let mut settings: Vec<_> =
            self.models.iter().filter_map(|(_, model)| model.settings()).collect();
        settings.sort_unstable_by(|a, b| a.model_id.cmp(&b.model_id));
        settings
    }

    /// One model, also if nothing is known of it.
    pub fn model_view_of(&mut self, now: Time, model_id: &str) -> ModelView {
        let now = self.advance(now);
        let index = self.models.find_or_add(model_id, self.context.catalog());
        self.model_view(now, self.models.get(index))
    }

    fn model_view(&self, now: Time, model: &Model) -> ModelView {
        let cycle = self.context.cycle();
        let totals = model.meter().totals(cycle);
        let (catalog, workspace) = (self.context.catalog(), self.context.workspace());
        let price = catalog.price_at(model.id(), &workspace.id, now);
        let confirm_time = price.map(|card| catalog.confirm_time(card.price()));
        ModelView {
            model_id: model.id().clone(),
            settings: model.settings().cloned(),
            spent: totals.spent,
            held: totals.held,
            reset_time: cycle.end,
            price_stale: confirm_time.is_some_and(|time| workspace.sees_as_stale(time, now)),
        }
    }

    /// Live holds and those that expired lately, by the time of their check and request id: at most
    /// `limit` of those that match.
    pub fn hold_views(&mut self, now: Time, filter: &HoldFilter, limit: usize) -> Vec<HoldView> {
        self.advance(now);
        let view = |(hold, live): (&Hold, bool)| {
            let model_id = self.models.get(hold.model).id().clone();
            HoldView { hold: hold.clone(), model_id, live }
        };
        self.holds.list(filter, limit).into_iter().map(view).collect()
    }

    /// Whom a live hold is for; none where it names nobody, or there is none.
    pub fn held_attribution(&self, request_id: &str) -> Option<PackedAttribution> {
        self.holds.get(request_id)?.packed_attribution().cloned()
    }

    /// How many holds match, wherever the page begins.
    pub fn hold_count(&self, filter: &HoldFilter) -> usize {
        self.holds.count(filter)
    }

    /// Usage of quotas, most utilised first, after a position.
    pub fn quota_usage(
        &mut self,
        now: Time,
        filter: &UsageFilter,
        after: Option<&UsagePosition>,
        limit: usize,
    ) -> Vec<QuotaUsage> {
        self.advance(now);
        self.limits.quota_usage(&self.context, filter, after, limit)
    }

    /// How many entries of [`Ledger::quota_usage`] match, counted to `most`; as they were when it
    /// was last read.
    pub fn count_quota_usage(&self, filter: &UsageFilter, most: usize) -> usize {
        self.limits.count_quota_usage(filter, most)
    }

    /// Adds the usage of rate limits of the next `count` subjects from a position on. Returns where
    /// to go on.
    pub fn rate_usage(
        &mut self,
        now: Time,
        filter: &UsageFilter,
        part: (usize, usize),
        found: &mut Vec<RateUsage>,
    ) -> Cursor {
        self.advance(now);
        self.limits.rate_usage(&self.context, filter, part, found)
    }

    /// Spent and held by window, of the workspace (no model) and of each model: for audits.
    pub fn metered(&self) -> Vec<(Option<Arc<str>>, Time, Totals)> {
        let mut metered = Vec::new();
        for (start, totals) in self.models.total().windows() {
            metered.push((None, *start, *totals));
        }
        for (_, model) in self.models.iter() {
            for (start, totals) in model.meter().windows() {
                metered.push((Some(model.id().clone()), *start, *totals));
            }
        }
        metered
    }

    /// Id of the key group of a hold; empty for none.
    pub fn group_name(&self, group: GroupIndex) -> Arc<str> {
        self.keys.group_id(group).clone()
    }

    pub fn live_holds(&self) -> usize {
        self.holds.len()
    }

    /// How many holds expired unsettled since the ledger was loaded.
    pub fn expired_count(&self) -> i64 {
        self.holds.expired_count()
    }

    /// Whether nothing is held, nor recorded in a window that is kept.
    pub fn is_untouched(&self) -> bool {
        self.holds.is_empty()
            && self.models.total().windows().iter().all(|(_, totals)| totals.spent.is_zero())
    }
}
