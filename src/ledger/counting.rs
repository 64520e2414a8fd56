//! What the usage log must be asked before a rule applies, and counting what it answers together
//! with the live holds.

use super::asking::{self, NO_SUBJECT};
use super::hold::Hold;
use super::rate::counts_from;
use super::rules::RuleWindow;
use super::state::Ledger;
use crate::domain::Time;
use crate::domain::attribution::{SubjectIds, SubjectKind};
use crate::domain::backfill::{BackfillQueries, BackfillResults, ConsumptionQuery};
use crate::domain::backfill::{RateBucket, RateQuery};
use crate::domain::calendar::{Calendar, Window, Windows};
use crate::domain::quota::{Consumption, Period, Quota, Scope};
use crate::domain::rate_limit::RateLimit;

/// Up to so many subjects that rules name are asked for one by one, when a workspace is loaded.
const ASKED_BY_NAME_MAX: usize = 8;

impl Ledger {
    /// Lets live holds count for subjects that no rule concerned when they were taken.
    pub(super) fn link_holds(&mut self, kind: SubjectKind) {
        if !self.rules.concern(kind) {
            return;
        }
        for hold in self.holds.iter_mut() {
            if hold.slots[kind] != NO_SUBJECT {
                continue;
            }
            let subject_ids =
                SubjectIds::packed(hold.attribution.as_ref(), self.keys.group_name(hold.group));
            let subject_id = subject_ids[kind];
            if subject_id.is_empty() && kind != SubjectKind::Workspace {
                continue;
            }
            let each = self.rules.each_set(kind);
            let slot = match self.subjects.find(kind, subject_id) {
                Some(slot) => slot,
                None if each.is_empty() => continue,
                None => self.subjects.add(kind, subject_id, each.clone(), false),
            };
            self.subjects.get_mut(slot).holds += 1;
            hold.slots[kind] = slot;
        }
    }

    /// Counts what the log says, for all rules or for one.
    pub(super) fn count_answers(&mut self, answers: &BackfillResults, only: Option<u32>) {
        for (query, rows) in &answers.used {
            let periods = self.periods_of(query);
            for (subject_id, used) in rows {
                self.count_used(query, &periods, (subject_id, used), only);
            }
        }
        for (query, rows) in &answers.sent {
            for row in rows {
                self.count_sent(query, row, only);
            }
        }
    }

    fn count_used(
        &mut self,
        query: &ConsumptionQuery,
        periods: &[Period],
        (subject_id, used): (&str, &Consumption),
        only: Option<u32>,
    ) {
        let Some(slot) = self.slot_to_count(query.scope.kind, subject_id) else { return };
        let subject = self.subjects.get_mut(slot);
        for index in 0..subject.set.standing().len() {
            let number = subject.set.standing()[index].rule;
            let rule = self.rules.get(number);
            let is_of_window = match rule.window {
                RuleWindow::Fixed(period) => periods.contains(&period),
                RuleWindow::Since(start) => start == query.from && query.to == Time::LATEST,
                RuleWindow::Sliding(_) => false,
            };
            let is_asked = only.is_none_or(|only| only == number)
                && is_of_window
                && rule.scope().model_id == query.scope.model_id;
            if is_asked {
                subject.counter(number, query.from).spent = used.in_unit(rule.unit);
            }
        }
    }

    /// Periods that have the window of a query.
    fn periods_of(&self, query: &ConsumptionQuery) -> Vec<Period> {
        let asked = Some(Window { start: query.from, end: query.to });
        let mut periods = vec![Period::Day, Period::Week, Period::Month, Period::Cycle];
        periods.retain(|period| self.calendar.window(*period, query.from) == asked);
        periods
    }

    fn count_sent(&mut self, query: &RateQuery, row: &RateBucket, only: Option<u32>) {
        let now = self.now;
        let Some(slot) = self.slot_to_count(query.scope.kind, &row.subject_id) else { return };
        let subject = self.subjects.get_mut(slot);
        for entry in subject.set.clone().sliding() {
            let number = entry.rule;
            let rule = self.rules.get(number);
            let RuleWindow::Sliding(span) = rule.window else { continue };
            let is_asked = only.is_none_or(|only| only == number)
                && span.bucket() == query.bucket
                && rule.scope().model_id == query.scope.model_id;
            if is_asked {
                let sent = Consumption {
                    tokens: row.tokens,
                    requests: row.requests,
                    ..Consumption::default()
                };
                let rate = subject.rate_mut(number, span);
                rate.add_to(now, row.bucket, sent.in_unit(rule.unit));
            }
        }
    }

    /// The slot of a subject that rules concern; added if it is not there.
    pub(super) fn slot_to_count(&mut self, kind: SubjectKind, subject_id: &str) -> Option<u32> {
        if let Some(slot) = self.subjects.find(kind, subject_id) {
            return Some(slot);
        }
        let each = self.rules.each_set(kind).clone();
        (!each.is_empty()).then(|| self.subjects.add(kind, subject_id, each, false))
    }

    /// Counts live holds, for all rules or for one: what they hold, and in rate limits that they
    /// were sent.
    pub(super) fn count_holds(&mut self, only: Option<u32>) {
        let time_context = self.time_context();
        let holds: Vec<&Hold> = self.holds.iter().collect();
        for hold in holds {
            for slot in asking::real(&hold.slots) {
                let subject = self.subjects.get_mut(slot);
                subject.count_hold(&self.rules, &time_context, hold, only);
            }
        }
    }
}

/// What must be known of a quota: the running window, and the next, into which records of clocks
/// that are ahead may fall.
pub(super) fn ask_used(
    questions: &mut BackfillQueries,
    quota: &Quota,
    calendar: &Calendar,
    windows: &Windows,
) {
    let mut ask = |from, to| {
        questions.used.push(ConsumptionQuery { scope: quota.scope.clone(), from, to });
    };
    match windows.of(quota.period) {
        None => ask(quota.window_start, Time::LATEST),
        Some(running) => {
            ask(running.start, running.end);
            if let Some(next) = calendar.window(quota.period, running.end) {
                ask(next.start, next.end);
            }
        }
    }
}

pub(super) fn ask_sent(questions: &mut BackfillQueries, limit: &RateLimit, now: Time) {
    let mut spans: Vec<_> = limit.limits().map(|(span, _, _)| span).collect();
    spans.dedup();
    for span in spans {
        questions.sent.push(RateQuery {
            scope: limit.scope.clone(),
            from: counts_from(span, now),
            bucket: span.bucket(),
        });
    }
}

/// The same questions with each asked once: for all subjects where many are named.
pub(super) fn in_few(questions: BackfillQueries) -> BackfillQueries {
    let everybody = |scope: &Scope| Scope { subject_id: None, ..scope.clone() };
    let used =
        few(questions.used, |query| ConsumptionQuery { scope: everybody(&query.scope), ..*query });
    let sent = few(questions.sent, |query| RateQuery { scope: everybody(&query.scope), ..*query });
    BackfillQueries { used, sent }
}

fn few<Q: Clone + Eq + std::hash::Hash>(queries: Vec<Q>, everybody: impl Fn(&Q) -> Q) -> Vec<Q> {
    let mut groups: hashbrown::HashMap<Q, Vec<Q>> = hashbrown::HashMap::new();
    let mut order = Vec::new();
    for query in queries {
        let of_all = everybody(&query);
        let group = groups.entry(of_all.clone()).or_insert_with(|| {
            order.push(of_all.clone());
            Vec::new()
        });
        if !group.contains(&of_all) {
            match query == of_all || group.len() >= ASKED_BY_NAME_MAX {
                true => *group = vec![of_all],
                false if !group.contains(&query) => group.push(query),
                false => {}
            }
        }
    }
    order.iter().flat_map(|of_all| groups.remove(of_all).unwrap_or_default()).collect()
}
