//! The context of a ledger: the settings of its workspace, the catalog, and the time with the
//! windows that run. Every part is given it.

use std::sync::Arc;

use super::error::Error;
use crate::domain::boost::Boost;
use crate::domain::catalog::price::{Quote, Rate, round_half_even};
use crate::domain::catalog::{Catalog, ModelEntry};
use crate::domain::check::BudgetState;
use crate::domain::time::calendar::{Calendar, Window, Windows};
use crate::domain::workspace::Workspace;
use crate::domain::{Amount, Currency, Time};

pub struct Context {
    workspace: Workspace,
    /// Boosts of the envelope that are not over.
    boosts: Vec<Arc<Boost>>,
    catalog: Arc<Catalog>,
    calendar: Calendar,
    now: Time,
    windows: Windows,
}

/// The calendar of a workspace: its time zone, its week, and the start day of its plan.
pub fn calendar_of(workspace: &Workspace) -> Calendar {
    let start_date = workspace.plan.map(|plan| plan.start_date);
    Calendar::new(workspace.time_zone, start_date).with_week_start(workspace.week_start)
}

impl Context {
    pub fn new(workspace: Workspace, catalog: Arc<Catalog>, now: Time) -> Context {
        let calendar = calendar_of(&workspace);
        let windows = Windows::at(&calendar, now);
        Context { workspace, boosts: Vec::new(), catalog, calendar, now, windows }
    }

    pub fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    pub fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    pub fn now(&self) -> Time {
        self.now
    }

    /// The windows that run.
    pub fn windows(&self) -> &Windows {
        &self.windows
    }

    /// The running cycle.
    pub fn cycle(&self) -> Window {
        self.windows.cycle
    }

    /// Moves time forward, never back. Returns whether another hour has begun, and with it maybe
    /// other windows.
    pub fn advance(&mut self, now: Time) -> bool {
        self.now = self.now.max(now);
        if self.windows.contain(self.now) {
            return false;
        }
        self.windows = self.windows.after(&self.calendar, self.now);
        true
    }

    /// Replaces the settings and the plan. Returns whether windows have other bounds from now on.
    pub fn set_workspace(&mut self, workspace: Workspace) -> bool {
        assert!(self.workspace.id == workspace.id, "a ledger belongs to one workspace");
        let calendar = calendar_of(&workspace);
        let has_changed = calendar != self.calendar;
        self.workspace = workspace;
        self.calendar = calendar;
        self.windows = Windows::at(&self.calendar, self.now);
        has_changed
    }

    pub fn set_catalog(&mut self, catalog: Arc<Catalog>) {
        self.catalog = catalog;
    }

    /// Inserts a boost of the envelope or replaces the one of the same id.
    pub fn put_boost(&mut self, boost: Boost) {
        self.boosts.retain(|other| other.id != boost.id && !other.is_over(self.now));
        self.boosts.push(Arc::new(boost));
    }

    /// Boosts of the envelope, some of which may be over.
    pub fn boosts(&self) -> &[Arc<Boost>] {
        &self.boosts
    }

    /// Sum of the boosts of the envelope that are in force.
    pub fn boost(&self) -> Amount {
        let active = self.boosts.iter().filter(|boost| boost.is_active(self.now));
        active.map(|boost| Amount::from_nanos(boost.amount)).sum()
    }

    /// Plan budget, overage and boosts; zero without a plan and boosts.
    pub fn envelope(&self) -> Amount {
        let plan = self.workspace.plan.map_or(Amount::ZERO, |plan| plan.budget + plan.overage);
        if self.boosts.is_empty() { plan } else { plan + self.boost() }
    }

    /// State of the budget when so much is spent in the running cycle.
    pub fn budget_state(&self, spent: Amount) -> BudgetState {
        let Some(plan) = self.workspace.plan else { return BudgetState::NoPlan };
        if spent >= self.envelope() {
            BudgetState::Exhausted
        } else if spent > plan.budget {
            BudgetState::InOverage
        } else {
            BudgetState::WithinPlan
        }
    }

    /// The cycle that a time lies in.
    pub fn cycle_of(&self, time: Time) -> Window {
        let running = self.windows.cycle;
        if running.contains(time) { running } else { self.calendar.cycle(time) }
    }

    /// Start of the local day of a time, which mostly is the running one.
    pub fn day_start(&self, time: Time) -> Time {
        let running = self.windows.day;
        if running.contains(time) { running.start } else { self.calendar.day(time).start }
    }

    /// Price and exchange rate of a model at a time; none if it is unpriced.
    ///
    /// # Errors
    /// If there is a price, and no exchange rate from its currency to that of the workspace.
    pub fn quote(&self, entry: Option<&ModelEntry>, time: Time) -> Result<Option<Quote>, Error> {
        let Some(entry) = entry else { return Ok(None) };
        let Some(card) = entry.price_at(&self.workspace.id, time) else { return Ok(None) };
        let from = card.price().currency;
        let to = self.workspace.currency;
        let rate = self.rate_from(from, time).ok_or(Error::ExchangeRateMissing { from, to })?;
        Ok(Some(Quote { card: card.clone(), rate }))
    }

    /// An amount in the workspace's currency, rounded half to even; none without an exchange rate.
    pub fn convert(&self, amount: Amount, from: Currency, time: Time) -> Option<Amount> {
        let rate = self.rate_from(from, time)?;
        let product = i128::from(amount.nanos()) * i128::from(rate.nanos());
        let nanos = round_half_even(product, Rate::ONE.nanos().into());
        i64::try_from(nanos).ok().map(Amount::from_nanos)
    }

    /// The exchange rate from a currency to that of the workspace.
    fn rate_from(&self, from: Currency, time: Time) -> Option<Rate> {
        let to = self.workspace.currency;
        if from == to {
            return Some(Rate::ONE);
        }
        self.catalog.exchange_rate(from, to, time)
    }
}
