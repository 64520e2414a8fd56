//! What was counted for one subject: in the fixed windows of quotas, and in the sliding windows of
//! rate limits.

use smallvec::SmallVec;

use super::rule::RuleIndex;
use super::rules::Rules;
use super::sliding_window::SlidingWindow;
use crate::domain::Time;
use crate::domain::rate_limit::RateWindow;
use crate::ledger::context::Context;

/// What one rule has counted in one fixed window, in the rule's unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counter {
    pub start: Time,
    pub spent: i64,
    pub held: i64,
    pub rule: RuleIndex,
    /// The highest threshold that an alert was raised for, in percent.
    pub alerted: u16,
}

#[derive(Default)]
pub struct Counters {
    /// Mostly in the order in which the rules are checked.
    fixed: SmallVec<[Counter; 1]>,
    sliding: Vec<SlidingWindow>,
}

impl Counter {
    fn new(rule: RuleIndex, start: Time) -> Counter {
        Counter { start, spent: 0, held: 0, rule, alerted: 0 }
    }

    fn is_of(&self, rule: RuleIndex, start: Time) -> bool {
        self.rule == rule && self.start == start
    }
}

impl Counters {
    /// What a rule has counted in the window that began at `start`. The counter is looked for first
    /// at the position of the rule among those of its subject.
    pub fn get(&self, position: usize, rule: RuleIndex, start: Time) -> Counter {
        let first = self.fixed.get(position).filter(|counter| counter.is_of(rule, start));
        let mut others = self.fixed.iter().filter(|counter| counter.is_of(rule, start));
        first.or_else(|| others.next()).copied().unwrap_or(Counter::new(rule, start))
    }

    /// Finds or adds a counter. Those of windows that are over are dropped when one is added.
    #[inline]
    pub fn get_mut(
        &mut self,
        (position, rule): (usize, RuleIndex),
        start: Time,
        rules: &Rules,
        context: &Context,
    ) -> &mut Counter {
        let is_there = self.fixed.get(position).is_some_and(|it| it.is_of(rule, start));
        let position = match is_there {
            true => position,
            false => self.find_or_add(rule, start, rules, context),
        };
        &mut self.fixed[position]
    }

    /// Finds or adds the sliding window of a rule.
    pub fn sliding_mut(&mut self, rule: RuleIndex, span: RateWindow) -> &mut SlidingWindow {
        let position = self.sliding.iter().position(|window| window.rule() == rule);
        let position = position.unwrap_or_else(|| {
            self.sliding.push(SlidingWindow::new(rule, span));
            self.sliding.len() - 1
        });
        &mut self.sliding[position]
    }

    pub fn sliding(&self, rule: RuleIndex) -> Option<&SlidingWindow> {
        self.sliding.iter().find(|window| window.rule() == rule)
    }

    pub fn all_fixed(&self) -> &[Counter] {
        &self.fixed
    }

    pub fn all_fixed_mut(&mut self) -> impl Iterator<Item = &mut Counter> {
        self.fixed.iter_mut()
    }

    pub fn all_sliding(&self) -> &[SlidingWindow] {
        &self.sliding
    }

    pub fn clear_fixed(&mut self) {
        self.fixed.clear();
    }

    pub fn clear_sliding(&mut self) {
        self.sliding.clear();
    }

    /// Drops what was counted for a rule.
    pub fn forget(&mut self, rule: RuleIndex) {
        self.fixed.retain(|counter| counter.rule != rule);
        self.sliding.retain(|window| window.rule() != rule);
    }

    /// Drops counters of windows that are over, and sliding windows that count nothing.
    pub fn forget_over(&mut self, rules: &Rules, context: &Context) {
        self.fixed.retain(|counter| {
            counter.held != 0 || rules.get(counter.rule).is_open(context, counter.start)
        });
        self.sliding.retain(|window| !window.is_over(context.now()));
    }

    /// Whether nothing is counted.
    pub fn is_empty(&self) -> bool {
        self.sliding.is_empty()
            && self.fixed.iter().all(|counter| counter.spent == 0 && counter.held == 0)
    }

    /// The position of a counter, which is added if it is absent.
    fn find_or_add(
        &mut self,
        rule: RuleIndex,
        start: Time,
        rules: &Rules,
        context: &Context,
    ) -> usize {
        let found = self.fixed.iter().position(|counter| counter.is_of(rule, start));
        found.unwrap_or_else(|| {
            self.forget_over(rules, context);
            self.fixed.push(Counter::new(rule, start));
            self.fixed.len() - 1
        })
    }
}
