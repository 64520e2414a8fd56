//! One subject with the rules that apply to it: amounts are held, released and charged in its
//! quotas, and counted in its rate limits.

use std::sync::Arc;

use smol_str::SmolStr;

use super::counters::Counters;
use super::rule::{RuleIndex, RuleWindow};
use super::rules::{RuleSet, Rules};
use crate::domain::Time;
use crate::domain::attribution::SubjectKind;
use crate::domain::quota::Consumption;
use crate::ledger::alerts::is_alert_due;
use crate::ledger::context::Context;
use crate::ledger::models::ModelIndex;

pub struct Subject {
    pub kind: SubjectKind,
    /// Most ids are short: kept in place.
    pub id: SmolStr,
    pub hash: u64,
    /// Whether a rule names it: then it is kept while idle.
    pub is_named: bool,
    /// Whether its place in the order by utilization may have changed.
    pub is_unsorted: bool,
    /// Live holds that count here.
    pub holds: u32,
    pub rules: Arc<RuleSet>,
    pub counters: Counters,
}

impl Subject {
    /// Adds to what is held (`sign` 1), or subtracts from it (-1), in the windows of the check.
    pub fn hold(
        &mut self,
        rules: &Rules,
        context: &Context,
        model: ModelIndex,
        need: &Consumption,
        check_time: Time,
        sign: i64,
    ) {
        for (position, applied) in self.rules.quotas().iter().enumerate() {
            let rule = rules.get(applied.index);
            if !rule.counts(model) || !rule.counts_held() {
                continue;
            }
            let Some(start) = rule.window_start(context, check_time) else { continue };
            let place = (position, applied.index);
            let counter = self.counters.get_mut(place, start, rules, context);
            counter.held += sign * need.in_unit(rule.unit());
            assert!(counter.held >= 0, "a hold is released once, as it was taken");
        }
    }

    /// Adds to what is spent in the windows of `charge_time` that are not over. Returns whether an
    /// alert is due.
    pub fn charge(
        &mut self,
        rules: &Rules,
        context: &Context,
        model: ModelIndex,
        used: &Consumption,
        charge_time: Time,
    ) -> bool {
        let mut is_due = false;
        for (position, applied) in self.rules.quotas().iter().enumerate() {
            let rule = rules.get(applied.index);
            if !rule.counts(model) || !rule.counts_spent() {
                continue;
            }
            let start = rule.window_start(context, charge_time);
            let Some(start) = start.filter(|start| rule.is_open(context, *start)) else {
                continue;
            };
            let place = (position, applied.index);
            let counter = self.counters.get_mut(place, start, rules, context);
            counter.spent += used.in_unit(rule.unit());
            is_due |= !applied.overridden
                && rule.limit_for(&self.id, context.now()).is_some_and(|limit| {
                    is_alert_due(rule.thresholds(), counter.alerted, counter.spent, limit)
                });
        }
        is_due
    }

    /// Counts a request in the rate limits that apply to it.
    pub fn admit(
        &mut self,
        rules: &Rules,
        context: &Context,
        model: ModelIndex,
        used: &Consumption,
        time: Time,
    ) {
        for applied in self.rules.rate_limits() {
            let rule = rules.get(applied.index);
            if let RuleWindow::Sliding(span) = rule.window()
                && rule.counts(model)
            {
                let amount = used.in_unit(rule.unit());
                self.counters.sliding_mut(applied.index, span).add(context.now(), time, amount);
            }
        }
    }

    /// Counts a live hold for one new rule, or again for all quotas when their counters were
    /// cleared. Sliding windows are never cleared.
    pub fn count_hold(
        &mut self,
        rules: &Rules,
        context: &Context,
        model: ModelIndex,
        (held, check_time): (&Consumption, Time),
        only: Option<RuleIndex>,
    ) {
        for (position, applied) in self.rules.iter().enumerate() {
            let index = applied.index;
            let rule = rules.get(index);
            if !rule.counts(model) || only.is_some_and(|only| only != index) {
                continue;
            }
            let amount = held.in_unit(rule.unit());
            match rule.window() {
                RuleWindow::Sliding(span) if only.is_some() => {
                    self.counters.sliding_mut(index, span).add(context.now(), check_time, amount);
                }
                RuleWindow::Sliding(_) => {}
                RuleWindow::Fixed(_) | RuleWindow::Since(_) if !rule.counts_held() => {}
                RuleWindow::Fixed(_) | RuleWindow::Since(_) => {
                    if let Some(start) = rule.window_start(context, check_time) {
                        let place = (position, index);
                        self.counters.get_mut(place, start, rules, context).held += amount;
                    }
                }
            }
        }
    }

    /// Whether nothing would be lost without it.
    pub fn is_idle(&self) -> bool {
        !self.is_named && self.holds == 0 && self.counters.is_empty()
    }
}
