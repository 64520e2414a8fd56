//! The limits that apply to a request, and what counts against each: found by who the request is
//! for, in the same time whether a workspace has ten quotas or a million.
//!
//! Visits and counts; what a decision makes of it is in `check.rs` and `settle.rs`.

use super::hold::Hold;
use super::limit::{Limit, Source};
use super::rules::{Rule, RuleWindow, Rules};
use super::state::Ledger;
use super::subjects::{Counter, Subject};
use crate::domain::attribution::{SubjectIds, SubjectKind, SubjectMap};
use crate::domain::calendar::{Calendar, Windows};
use crate::domain::quota::{Consumption, Enforcement};
use crate::domain::rate_limit::RateWindow;
use crate::domain::time::Micros;
use crate::domain::{Amount, Time};

/// No subject: the request names none, or no rule concerns it.
pub const NO_SUBJECT: u32 = u32::MAX;
/// A subject that has used nothing yet: it is added when something is held for it.
const FRESH: u32 = u32::MAX - 1;

/// Subjects of a request, by kind.
pub type Slots = SubjectMap<u32>;

/// What windows are computed with.
#[derive(Clone, Copy)]
pub struct TimeContext {
    pub calendar: Calendar,
    pub windows: Windows,
    pub now: Time,
}

impl Ledger {
    pub(super) fn time_context(&self) -> TimeContext {
        TimeContext { calendar: self.calendar, windows: self.windows, now: self.now }
    }

    /// The subjects of a request that rules concern.
    pub(super) fn find_slots(&self, subject_ids: &SubjectIds<'_>) -> Slots {
        let mut slots = Slots::of(NO_SUBJECT);
        if self.rules.is_empty() {
            return slots;
        }
        for kind in SubjectKind::ALL {
            let id = subject_ids[kind];
            let is_named = kind == SubjectKind::Workspace || !id.is_empty();
            if !is_named || !self.rules.concern(kind) {
                continue;
            }
            slots[kind] = match self.subjects.find(kind, id) {
                Some(slot) => slot,
                // Members that a rule names are here already.
                None if self.rules.each_set(kind).is_empty() => NO_SUBJECT,
                None => FRESH,
            };
        }
        slots
    }

    /// The same; those that have used nothing yet are added.
    pub(super) fn make_slots(&mut self, subject_ids: &SubjectIds<'_>) -> Slots {
        self.add_fresh(self.find_slots(subject_ids), subject_ids)
    }

    /// Adds those that have used nothing yet.
    pub(super) fn add_fresh(&mut self, mut slots: Slots, subject_ids: &SubjectIds<'_>) -> Slots {
        for kind in SubjectKind::ALL {
            if slots[kind] == FRESH {
                let set = self.rules.each_set(kind).clone();
                slots[kind] = self.subjects.add(kind, subject_ids[kind], set, false);
            }
        }
        slots
    }

    /// The same where they are likely those of a hold: they are not looked for again.
    pub(super) fn make_slots_like(
        &mut self,
        hold: Option<&Hold>,
        subject_ids: &SubjectIds<'_>,
    ) -> Slots {
        let Some(hold) = hold else { return self.make_slots(subject_ids) };
        let is_same = SubjectKind::ALL.into_iter().all(|kind| {
            let (slot, id) = (hold.slots[kind], subject_ids[kind]);
            match slot < FRESH {
                true => self.subjects.get(slot).id.as_str() == id,
                false => !self.rules.concern(kind) || id.is_empty(),
            }
        });
        if is_same { hold.slots } else { self.make_slots(subject_ids) }
    }

    /// Shows every limit that applies to a request on a model, in the order in which they are
    /// asked.
    pub(super) fn visit_limits(
        &self,
        (slots, subject_ids): (&Slots, &SubjectIds<'_>),
        model: usize,
        need: &Consumption,
        mut visit: impl FnMut(Limit),
    ) {
        let cycle = self.windows.cycle;
        let in_money = |source, amount: Amount, totals: super::meter::Totals| Limit {
            source,
            enforcement: Enforcement::Hard,
            limit: amount.nanos(),
            spent: totals.spent.nanos(),
            held: totals.held.nanos(),
            need: need.money.nanos(),
            reset_time: Some(cycle.end),
        };
        visit(in_money(Source::Envelope, self.envelope(), self.meter.totals(cycle)));
        let state = &self.models[model];
        if let Some(cap) = state.cap() {
            visit(in_money(Source::ModelLimit, cap, state.meter.totals(cycle)));
        }
        let model = super::check::model_number(model);
        for kind in SubjectKind::ALL {
            let slot = slots[kind];
            let (set, subject) = match slot {
                NO_SUBJECT => continue,
                FRESH => (self.rules.each_set(kind), None),
                slot => {
                    let subject = self.subjects.get(slot);
                    (&subject.set, Some(subject))
                }
            };
            for entry in set.iter() {
                let rule = self.rules.get(entry.rule);
                if !entry.overruled
                    && rule.counts(model)
                    && let Some(limit) =
                        self.limit_of(entry.rule, (subject, subject_ids[kind]), need)
                {
                    visit(limit);
                }
            }
        }
    }

    /// One rule with what counts against it; none if the subject is excepted.
    fn limit_of(
        &self,
        number: u32,
        (subject, subject_id): (Option<&Subject>, &str),
        need: &Consumption,
    ) -> Option<Limit> {
        let rule = self.rules.get(number);
        let limit = rule.limit_for(subject_id, self.now)?;
        let (spent, held, reset_time) = match rule.running(&self.windows) {
            Some((start, end)) => {
                let counted = subject.map(|subject| subject.counted(number, start));
                let (spent, held) = counted.map_or((0, 0), |c: Counter| (c.spent, c.held));
                (spent, held, end)
            }
            None => {
                let rate = subject.and_then(|subject| subject.rate(number));
                let count = rate.map_or(0, |rate| rate.count(self.now));
                (if self.may_be_full(rule) { count.max(limit) } else { count }, 0, None)
            }
        };
        Some(Limit {
            source: Source::Rule { rule: number, slides: rule.slides() },
            enforcement: rule.enforcement,
            limit,
            spent,
            held,
            need: need.in_unit(rule.unit),
            reset_time,
        })
    }

    /// How long until a rate limit lets a request pass, if nobody else comes.
    pub(super) fn wait(&self, slot: u32, number: u32, need: i64, limit: i64) -> Option<Micros> {
        if need > limit {
            return None;
        }
        let rule = self.rules.get(number);
        let rate = (slot < FRESH).then(|| self.subjects.get(slot).rate(number)).flatten();
        let wait = match rate {
            Some(rate) if rate.count(self.now) + need > limit => {
                rate.wait(self.now, need, limit)?
            }
            _ => 0,
        };
        Some(if self.may_be_full(rule) { wait.max(self.full_until - self.now) } else { wait })
    }

    /// After a crash it is not known what was admitted in the minute before: every limit of a
    /// minute counts as used up until that is over.
    fn may_be_full(&self, rule: &Rule) -> bool {
        self.now < self.full_until
            && rule.window == RuleWindow::Sliding(RateWindow::Minute)
            && rule.create_time() <= self.lost_at
    }

    /// Holds for a request in everything that counts it: meters, quotas, rate limits.
    pub(super) fn take(
        &mut self,
        slots: &Slots,
        model: usize,
        need: &Consumption,
        check_time: Time,
    ) {
        let window_start = self.cycle_of(check_time).start;
        for meter in self.meters_of(model) {
            meter.hold(window_start, need.money);
        }
        let time_context = self.time_context();
        for slot in real(slots) {
            let subject = self.subjects.get_mut(slot);
            subject.holds += 1;
            self.ranking.note(slot, subject);
            subject.hold(&self.rules, &time_context, model as u32, need, check_time, 1);
        }
    }

    /// Counts a request in the rate limits that apply to it: as it is admitted, or as it is
    /// recorded without a hold.
    pub(super) fn send(&mut self, slots: &Slots, model: usize, sent: &Consumption, time: Time) {
        let now = self.now;
        for slot in real(slots) {
            let subject = self.subjects.get_mut(slot);
            for index in 0..subject.set.sliding().len() {
                let number = subject.set.sliding()[index].rule;
                let rule = self.rules.get(number);
                if let RuleWindow::Sliding(span) = rule.window
                    && rule.counts(model as u32)
                {
                    subject.rate_mut(number, span).add(now, time, sent.in_unit(rule.unit));
                }
            }
        }
    }

    /// Gives back what [`Ledger::take`] took, where it took it (I7).
    pub(super) fn untake(
        &mut self,
        slots: &Slots,
        model: usize,
        held: &Consumption,
        check_time: Time,
    ) {
        let window_start = self.cycle_of(check_time).start;
        for meter in self.meters_of(model) {
            meter.release(window_start, held.money);
        }
        let time_context = self.time_context();
        for slot in real(slots) {
            let subject = self.subjects.get_mut(slot);
            subject.holds -= 1;
            self.ranking.note(slot, subject);
            subject.hold(&self.rules, &time_context, model as u32, held, check_time, -1);
        }
    }

    /// Charges what was used to the quotas that count it.
    pub(super) fn charge_rules(
        &mut self,
        slots: &Slots,
        model: usize,
        used: &Consumption,
        charge_time: Time,
    ) {
        let time_context = self.time_context();
        for slot in real(slots) {
            let subject = self.subjects.get_mut(slot);
            let reached =
                subject.charge(&self.rules, &time_context, model as u32, used, charge_time);
            self.ranking.note(slot, subject);
            if reached {
                self.raise_for(slot);
            }
        }
    }
}

impl Subject {
    /// Adds to what is held (`sign` 1), or takes from it (-1), in the windows of the check.
    fn hold(
        &mut self,
        rules: &Rules,
        time_context: &TimeContext,
        model: u32,
        need: &Consumption,
        check_time: Time,
        sign: i64,
    ) {
        for index in 0..self.set.standing().len() {
            let number = self.set.standing()[index].rule;
            let rule = rules.get(number);
            if !rule.counts(model) {
                continue;
            }
            let start = rule.start_at(&time_context.calendar, &time_context.windows, check_time);
            let Some(start) = start else { continue };
            let counter = self.counter_in(rules, time_context, (number, index), start);
            counter.held += sign * need.in_unit(rule.unit);
            assert!(counter.held >= 0, "a hold gives back what it took, once");
        }
    }

    /// Counts a live hold for rules that were not there, or were counted anew: for all, or for one.
    pub(super) fn count_hold(
        &mut self,
        rules: &Rules,
        time_context: &TimeContext,
        hold: &Hold,
        only: Option<u32>,
    ) {
        let held = hold.used();
        let set = self.set.clone();
        for entry in set.iter() {
            let number = entry.rule;
            let rule = rules.get(number);
            if !rule.counts(hold.model) || only.is_some_and(|only| only != number) {
                continue;
            }
            let amount = held.in_unit(rule.unit);
            match rule.window {
                // With rules that were counted anew no rate limit is: its window stays.
                RuleWindow::Sliding(span) if only.is_some() => {
                    self.rate_mut(number, span).add(time_context.now, hold.check_time, amount);
                }
                RuleWindow::Sliding(_) => {}
                RuleWindow::Fixed(_) | RuleWindow::Since(_) => {
                    let (calendar, windows) = (&time_context.calendar, &time_context.windows);
                    if let Some(start) = rule.start_at(calendar, windows, hold.check_time) {
                        self.counter(number, start).held += amount;
                    }
                }
            }
        }
    }

    /// Adds to what is spent in the windows of `charge_time` that are not over. Answers whether a
    /// threshold is reached that no alert was raised for.
    fn charge(
        &mut self,
        rules: &Rules,
        time_context: &TimeContext,
        model: u32,
        used: &Consumption,
        charge_time: Time,
    ) -> bool {
        let mut reached = false;
        for index in 0..self.set.standing().len() {
            let entry = self.set.standing()[index];
            let rule = rules.get(entry.rule);
            if !rule.counts(model) {
                continue;
            }
            let start = rule.start_at(&time_context.calendar, &time_context.windows, charge_time);
            let Some(start) = start.filter(|start| is_open(rule, time_context, *start)) else {
                continue;
            };
            let amount = used.in_unit(rule.unit);
            let counter = self.counter_in(rules, time_context, (entry.rule, index), start);
            counter.spent += amount;
            let (spent, alerted) = (counter.spent, counter.alerted);
            reached |= !entry.overruled
                && rule
                    .limit_for(&self.id, time_context.now)
                    .is_some_and(|limit| next_due(rule.thresholds(), alerted, spent, limit));
        }
        reached
    }

    /// The counter of a window. Those of windows that are over go when a new one begins.
    fn counter_in(
        &mut self,
        rules: &Rules,
        time_context: &TimeContext,
        (rule, place): (u32, usize),
        start: Time,
    ) -> &mut Counter {
        let same = |counter: &Counter| counter.rule == rule && counter.start == start;
        // Mostly counters stand in the order of their rules.
        let position = match self.counters.get(place) {
            Some(counter) if same(counter) => Some(place),
            _ => self.counters.iter().position(same),
        };
        match position {
            Some(position) => &mut self.counters[position],
            None => {
                self.forget_what_is_over(rules, time_context);
                self.counter(rule, start)
            }
        }
    }

    /// Drops counters that nobody asks for again, and rates that count nothing any more.
    pub(super) fn forget_what_is_over(&mut self, rules: &Rules, time_context: &TimeContext) {
        self.counters.retain(|counter| {
            counter.held != 0 || is_open(rules.get(counter.rule), time_context, counter.start)
        });
        self.rates.retain(|rate| !rate.is_over(time_context.now));
    }

    /// Whether nothing would be lost without it.
    pub(super) fn is_idle(&self) -> bool {
        !self.named
            && self.holds == 0
            && self.rates.is_empty()
            && self.counters.iter().all(|c| c.spent == 0 && c.held == 0)
    }
}

/// Whether the window of a rule that began at `start` runs, or is still to come.
fn is_open(rule: &Rule, time_context: &TimeContext, start: Time) -> bool {
    rule.running(&time_context.windows).is_some_and(|(running, _)| start >= running)
}

/// Whether a threshold above `alerted` is reached.
pub(super) fn next_due(thresholds: &[u16], alerted: u16, spent: i64, limit: i64) -> bool {
    let next = thresholds.iter().find(|threshold| **threshold > alerted);
    next.is_some_and(|threshold| reaches(spent, *threshold, limit))
}

/// Whether so many percent of a limit are spent. Nothing spent reaches nothing.
pub(super) fn reaches(spent: i64, threshold: u16, limit: i64) -> bool {
    spent > 0 && i128::from(spent) * 100 >= i128::from(limit) * i128::from(threshold)
}

/// Subjects that are there.
pub(super) fn real(slots: &Slots) -> impl Iterator<Item = u32> {
    slots.values().copied().filter(|slot| *slot < FRESH)
}
