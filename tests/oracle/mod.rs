//! The rules once more, as naively as they can be written: what the ledger is compared with.
//!
//! Keeps plain lists of what was configured, recorded and held, and works everything out from them
//! anew for each question: no counter, no index, no cache. It shares with the ledger only plain
//! data types and, for the price of given tokens, `RateCard::cost`. Read it to learn the rules.
#![allow(dead_code, reason = "each test target uses its part of it")]

pub mod alerts;
pub mod decide;
pub mod facts;
pub mod policy;
pub mod rates;
pub mod record;
pub mod refusals;
pub mod rules;
pub mod usage;

use std::sync::Arc;

use tollgate::domain::alert::{Alert, AlertKey};
use tollgate::domain::api_key::{ApiKey, KeyGroup};
use tollgate::domain::boost::{Boost, BoostTarget};
use tollgate::domain::catalog::price::{Price, Rate};
use tollgate::domain::catalog::{ExchangeRate, Model};
use tollgate::domain::check::{
    BudgetState, BudgetStatus, Check, Decision, Reason, RefusalCounts, RefusalKey,
};
use tollgate::domain::quota::Quota;
use tollgate::domain::rate_limit::RateLimit;
use tollgate::domain::record::Record;
use tollgate::domain::time::calendar::Window;
use tollgate::domain::workspace::freeze::Freeze;
use tollgate::domain::workspace::{HoldExpiryPolicy, Workspace, WorkspaceModel};
use tollgate::domain::{Amount, Time};

#[derive(Clone, Debug)]
pub struct Oracle {
    /// The latest time that was ever told: time does not run backwards.
    pub now: Time,
    pub workspace: Workspace,
    pub models: Vec<WorkspaceModel>,
    pub catalog: Facts,
    pub quotas: Vec<Quota>,
    pub rate_limits: Vec<RateLimit>,
    pub api_keys: Vec<ApiKey>,
    pub key_groups: Vec<KeyGroup>,
    /// User and department, as the directory says; at most one of each user.
    pub departments: Vec<(String, String)>,
    /// Also those that are over.
    pub boosts: Vec<Boost>,
    /// Also those that are over.
    pub freezes: Vec<Freeze>,
    /// Every entry of the usage log.
    pub log: Vec<Record>,
    /// Holds that have not ended.
    pub holds: Vec<Hold>,
    /// Holds that ended by their time since the last start.
    pub expired: Vec<Hold>,
    /// Records that were priced and are on their way to the log.
    pub on_the_way: Vec<Record>,
    /// What each rate limit has counted, one by one.
    pub counted: Vec<rates::Counted>,
    /// The last crash: nobody knows what was admitted in the minute before.
    pub full_at: Option<Time>,
    /// Every alert that was raised.
    pub raised: Vec<AlertKey>,
    /// Those of the step under way.
    pub alerts: Vec<Alert>,
    /// Refusals of the step under way.
    pub refusals: Vec<(RefusalKey, RefusalCounts)>,
}

/// What the catalog was told.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    pub models: Vec<Model>,
    pub prices: Vec<Price>,
    pub rates: Vec<ExchangeRate>,
}

#[derive(Clone, Debug)]
pub struct Hold {
    pub check: Check,
    /// What the provider adds to the declared input.
    pub added: i64,
    pub attempt: i32,
    pub who: rules::Who,
    pub model: Arc<str>,
    pub held: Amount,
    /// Declared input and most output.
    pub tokens: i64,
    /// Of these; none on another model than was asked for.
    pub cache_reads: i64,
    pub check_time: Time,
    pub expire_time: Time,
    /// The most output that it is for.
    pub output: i64,
    pub price: Option<(Price, Rate)>,
    /// What was answered.
    pub decision: Decision,
    /// Its time is up, and its estimate is to be charged: it holds until that is done.
    pub is_up: bool,
}

impl Oracle {
    pub fn new(workspace: Workspace, now: Time) -> Oracle {
        Oracle {
            now,
            workspace,
            models: Vec::new(),
            catalog: Facts::default(),
            quotas: Vec::new(),
            rate_limits: Vec::new(),
            api_keys: Vec::new(),
            key_groups: Vec::new(),
            departments: Vec::new(),
            boosts: Vec::new(),
            freezes: Vec::new(),
            log: Vec::new(),
            holds: Vec::new(),
            expired: Vec::new(),
            on_the_way: Vec::new(),
            counted: Vec::new(),
            full_at: None,
            raised: Vec::new(),
            alerts: Vec::new(),
            refusals: Vec::new(),
        }
    }

    /// Time passes: holds whose time is up end, or wait to be charged.
    pub fn tick(&mut self, now: Time) {
        self.now = self.now.max(now);
        let policy = self.workspace.hold_expiry;
        let mut kept = Vec::new();
        for mut hold in std::mem::take(&mut self.holds) {
            let is_up = hold.expire_time <= self.now && !hold.is_up;
            match policy {
                HoldExpiryPolicy::Release if is_up => {
                    self.expire(hold);
                    continue;
                }
                HoldExpiryPolicy::ChargeEstimate if is_up => hold.is_up = true,
                HoldExpiryPolicy::Release | HoldExpiryPolicy::ChargeEstimate => {}
            }
            kept.push(hold);
        }
        self.holds = kept;
    }

    /// Nobody settled it. What its rate limits counted stays.
    pub fn expire(&mut self, hold: Hold) {
        self.leave_counts(&hold.check.request_id);
        self.expired.push(hold);
        self.alert_of_expiry();
    }

    pub fn hold(&self, request_id: &str) -> Option<&Hold> {
        self.holds.iter().find(|hold| &*hold.check.request_id == request_id)
    }

    /// Gives a hold back. None if there is none, or its time is up.
    pub fn release(&mut self, request_id: &str) -> Option<Amount> {
        let held = self.hold(request_id).filter(|hold| !hold.is_up)?.held;
        self.end_hold(request_id);
        self.take_tokens_back(request_id);
        self.leave_counts(request_id);
        Some(held)
    }

    pub fn extend(&mut self, request_id: &str, duration: i64) -> Option<Time> {
        let end = self.now + duration;
        let hold = self.holds.iter_mut().find(|hold| &*hold.check.request_id == request_id)?;
        if hold.is_up {
            return None;
        }
        hold.expire_time = hold.expire_time.max(next_step(end));
        Some(hold.expire_time)
    }

    pub fn end_hold(&mut self, request_id: &str) -> Option<Hold> {
        let index = self.holds.iter().position(|hold| &*hold.check.request_id == request_id)?;
        Some(self.holds.remove(index))
    }

    /// A new process. After a graceful stop holds live on, without what they answered apart from
    /// the model, and rate limits go on counting. After a crash all there is is the log, and nobody
    /// knows how much of each minute is used up: all of it, until proven otherwise.
    pub fn restart(&mut self, now: Time, is_graceful: bool) {
        self.forget_counts();
        self.now = now;
        self.expired.clear();
        self.on_the_way.clear();
        if self.rate_limits.is_empty() {
            self.full_at = None;
        }
        if !is_graceful {
            self.holds.clear();
            self.count_anew();
            self.fill_minutes();
        } else if self.counted.is_empty() {
            // Nothing was stored: where the clock stepped back, the log knows of more.
            let holds = std::mem::take(&mut self.holds);
            self.count_anew();
            self.holds = holds;
        }
        let state = self.state();
        for hold in &mut self.holds {
            hold.is_up = false;
            hold.decision.verdicts.clear();
            hold.decision.limits.clear();
            hold.decision.state = state;
            // That it was routed is known, and not by what.
            let reason = hold.decision.reason.is_some();
            hold.decision.reason = reason.then_some(Reason::ModelLimit);
        }
        self.tick(now);
        self.alert_of_everything();
    }

    /// The running cycle.
    pub fn cycle(&self) -> Window {
        facts::cycle(&self.workspace, self.now)
    }

    /// Spent in a window, of one model or of all.
    pub fn spent(&self, model: Option<&str>, window: Window) -> i128 {
        let of_model =
            |record: &&Record| model.is_none_or(|model| *record.metered_model_id == *model);
        let in_window = |record: &&Record| window.contains(record.charge_time);
        let records = self.log.iter().filter(of_model).filter(in_window);
        records.map(|record| i128::from(record.cost.nanos())).sum()
    }

    /// Held in a window, of one model or of all: in the window of the check, wherever now is.
    pub fn held(&self, model: Option<&str>, window: Window) -> i128 {
        let of_model = |hold: &&Hold| model.is_none_or(|model| *hold.model == *model);
        let in_window = |hold: &&Hold| window.contains(hold.check_time);
        let holds = self.holds.iter().filter(of_model).filter(in_window);
        holds.map(|hold| i128::from(hold.held.nanos())).sum()
    }

    /// What the plan allows, and with its overage and boosts.
    pub fn budget_and_envelope(&self) -> (i128, i128) {
        let boosts = self.boosts_of(|target| *target == BoostTarget::Envelope);
        let Some(plan) = self.workspace.plan else { return (0, boosts) };
        let (budget, overage) = (i128::from(plan.budget.nanos()), i128::from(plan.overage.nanos()));
        (budget, budget + overage + boosts)
    }

    pub fn state(&self) -> BudgetState {
        let spent = self.spent(None, self.cycle());
        let (budget, envelope) = self.budget_and_envelope();
        match () {
            () if self.workspace.plan.is_none() => BudgetState::NoPlan,
            () if spent >= envelope => BudgetState::Exhausted,
            () if spent > budget => BudgetState::InOverage,
            () => BudgetState::WithinPlan,
        }
    }

    pub fn standing(&self) -> BudgetStatus {
        let cycle_spent = amount(self.spent(None, self.cycle()));
        BudgetStatus { state: self.state(), cycle_spent }
    }

    /// What was set for a model.
    pub fn settings(&self, model: &str) -> Option<&WorkspaceModel> {
        self.models.iter().find(|settings| *settings.model_id == *model)
    }

    /// The cap of a model, if it has one that is in force.
    pub fn cap(&self, model: &str) -> Option<i128> {
        let settings = self.settings(model)?;
        let limit = settings.limit?;
        settings.limit_enabled.then_some(i128::from(limit.nanos()))
    }
}

pub fn amount(nanos: i128) -> Amount {
    Amount::from_nanos(i64::try_from(nanos).expect("amounts of tests are small"))
}

/// Holds end at whole milliseconds, never early.
pub fn next_step(time: Time) -> Time {
    let mut micros = time.micros();
    while micros % 1_000 != 0 {
        micros += 1;
    }
    Time::from_micros(micros)
}
