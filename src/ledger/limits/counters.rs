//! How the counters of one subject change: amounts are held, released and charged in the fixed
//! windows of its quotas, and counted in the sliding windows of its rate limits.

use super::rule::{RuleIndex, RuleWindow};
use super::rules::Rules;
use super::subjects::{Counter, Subject};
use crate::domain::Time;
use crate::domain::quota::Consumption;
use crate::ledger::alerts::is_alert_due;
use crate::ledger::context::Context;
use crate::ledger::models::ModelIndex;

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
        for position in 0..self.rules.quotas().len() {
            let index = self.rules.quotas()[position].index;
            let rule = rules.get(index);
            if !rule.counts(model) {
                continue;
            }
            let Some(start) = rule.window_start(context, check_time) else { continue };
            let counter = self.counter_at(rules, context, (index, position), start);
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
        for position in 0..self.rules.quotas().len() {
            let applied = self.rules.quotas()[position];
            let rule = rules.get(applied.index);
            if !rule.counts(model) {
                continue;
            }
            let start = rule.window_start(context, charge_time);
            let Some(start) = start.filter(|start| rule.is_open(context, *start)) else {
                continue;
            };
            let counter = self.counter_at(rules, context, (applied.index, position), start);
            counter.spent += used.in_unit(rule.unit());
            let (spent, alerted) = (counter.spent, counter.alerted);
            is_due |= !applied.overridden
                && rule
                    .limit_for(self.id(), context.now())
                    .is_some_and(|limit| is_alert_due(rule.thresholds(), alerted, spent, limit));
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
        for position in 0..self.rules.rate_limits().len() {
            let index = self.rules.rate_limits()[position].index;
            let rule = rules.get(index);
            if let RuleWindow::Sliding(span) = rule.window()
                && rule.counts(model)
            {
                let amount = used.in_unit(rule.unit());
                self.sliding_window_mut(index, span).add(context.now(), time, amount);
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
        let set = self.rules.clone();
        for applied in set.iter() {
            let index = applied.index;
            let rule = rules.get(index);
            if !rule.counts(model) || only.is_some_and(|only| only != index) {
                continue;
            }
            let amount = held.in_unit(rule.unit());
            match rule.window() {
                RuleWindow::Sliding(span) if only.is_some() => {
                    self.sliding_window_mut(index, span).add(context.now(), check_time, amount);
                }
                RuleWindow::Sliding(_) => {}
                RuleWindow::Fixed(_) | RuleWindow::Since(_) => {
                    if let Some(start) = rule.window_start(context, check_time) {
                        self.counter(index, start).held += amount;
                    }
                }
            }
        }
    }

    /// Drops counters of windows that are over, and sliding windows that count nothing.
    pub fn forget_over(&mut self, rules: &Rules, context: &Context) {
        self.counters.retain(|counter| {
            counter.held != 0 || rules.get(counter.rule).is_open(context, counter.start)
        });
        self.sliding_windows.retain(|window| !window.is_over(context.now()));
    }

    /// Finds or adds the counter of a window. Those of windows that are over are dropped when one
    /// is added.
    fn counter_at(
        &mut self,
        rules: &Rules,
        context: &Context,
        (rule, likely_position): (RuleIndex, usize),
        start: Time,
    ) -> &mut Counter {
        let is_same = |counter: &Counter| counter.rule == rule && counter.start == start;
        // Counters mostly have the order of their rules.
        let position = match self.counters.get(likely_position) {
            Some(counter) if is_same(counter) => Some(likely_position),
            _ => self.counters.iter().position(is_same),
        };
        match position {
            Some(position) => &mut self.counters[position],
            None => {
                self.forget_over(rules, context);
                self.counter(rule, start)
            }
        }
    }
}
