//! Alerts of quotas: thresholds that are reached, each marked with its counter as raised. What was
//! raised for a limit that had another value before is kept apart, while its window runs.

use std::sync::Arc;

use hashbrown::HashMap;

use super::Limits;
use super::counters::Counters;
use super::rule::RuleIndex;
use super::subjects::Slot;
use crate::domain::Time;
use crate::domain::alert::{AlertKey, AlertSubject};
use crate::domain::attribution::SubjectKind;
use crate::ledger::alerts::{Alerts, LimitUsage, is_alert_due};
use crate::ledger::context::Context;

/// The highest threshold that was raised for a rule and subject, in the window that began at a
/// time, while the limit had another value than now.
pub type RaisedBefore = HashMap<(Slot, RuleIndex, Time, i64), u16>;

impl Limits {
    /// A rule has another limit: its thresholds are raised again, unless they were already raised
    /// for this limit.
    pub fn change_limit(&mut self, index: RuleIndex, before: Option<i64>, after: Option<i64>) {
        let scope = self.rules.get(index).scope();
        let named = scope.subject_id.as_deref();
        let named = named.map(|subject_id| self.subjects.find(scope.kind, subject_id));
        let kind = scope.kind;
        let raised_before = &mut self.raised_before;
        let mut change = |slot: Slot, counters: &mut Counters| {
            for counter in counters.all_fixed_mut().filter(|counter| counter.rule == index) {
                let key = |limit: i64| (slot, index, counter.start, limit);
                if let Some(before) = before.filter(|_| counter.alerted > 0) {
                    raised_before.insert(key(before), counter.alerted);
                }
                let alerted = after.and_then(|after| raised_before.get(&key(after)));
                counter.alerted = alerted.copied().unwrap_or(0);
            }
        };
        match named {
            Some(Some(slot)) => change(slot, &mut self.subjects.get_mut(slot).counters),
            Some(None) => {}
            None => {
                for (slot, subject) in self.subjects.iter_mut() {
                    if subject.kind == kind {
                        change(slot, &mut subject.counters);
                    }
                }
            }
        }
    }

    /// Forgets what was raised before in windows that are over.
    pub fn forget_raised(&mut self, context: &Context) {
        let rules = &self.rules;
        self.raised_before
            .retain(|(_, rule, start, _), _| rules.get(*rule).is_open(context, *start));
    }

    /// Raises what is due of all subjects: after a load, or a change of limits.
    pub fn raise_all(&mut self, context: &Context, alerts: &mut Alerts) {
        let is_due = |slot: &Slot| {
            let subject = self.subjects.get(*slot);
            subject.rules.quotas().iter().enumerate().any(|(position, applied)| {
                let rule = self.rules.get(applied.index);
                let Some((start, _)) = rule.running_window(context) else { return false };
                let counter = subject.counters.get(position, applied.index, start);
                let limit = rule.limit_for(&subject.id, context.now());
                !applied.overridden
                    && limit.is_some_and(|limit| {
                        is_alert_due(rule.thresholds(), counter.alerted, counter.spent, limit)
                    })
            })
        };
        let slots = self.subjects.iter().map(|(slot, _)| slot);
        let mut due: Vec<Slot> = slots.filter(is_due).collect();
        // In a defined order, so that the same history raises the same alerts.
        due.sort_by(|a, b| {
            let key = |slot: &Slot| {
                let subject = self.subjects.get(*slot);
                (subject.kind, subject.id.clone())
            };
            key(a).cmp(&key(b))
        });
        for slot in due {
            self.raise_thresholds(context, slot, alerts);
        }
    }

    /// Raises the thresholds of one subject's quotas.
    pub fn raise_subject(
        &mut self,
        context: &Context,
        (kind, subject_id): (SubjectKind, &str),
        alerts: &mut Alerts,
    ) {
        if let Some(slot) = self.subjects.find(kind, subject_id) {
            self.raise_thresholds(context, slot, alerts);
        }
    }

    /// Raises the thresholds of one subject's quotas that are reached.
    pub(super) fn raise_thresholds(&mut self, context: &Context, slot: Slot, alerts: &mut Alerts) {
        let subject = self.subjects.get_mut(slot);
        let kind = subject.kind;
        let subject_id: Arc<str> = Arc::from(subject.id.as_str());
        for (position, applied) in subject.rules.quotas().iter().enumerate() {
            let rule = self.rules.get(applied.index);
            let Some((start, end)) = rule.running_window(context) else { continue };
            let Some(limit) = rule.limit_for(&subject_id, context.now()) else { continue };
            let Some(quota) = rule.quota().filter(|_| !applied.overridden) else { continue };
            let counter = subject.counters.get(position, applied.index, start);
            let usage = LimitUsage {
                subject: AlertSubject::Quota {
                    quota_id: quota.id.clone(),
                    kind,
                    subject_id: subject_id.clone(),
                },
                window: (start, end),
                unit: rule.unit(),
                limit,
                base_limit: quota.limit.unwrap_or(limit),
                spent: counter.spent,
            };
            let thresholds = &quota.thresholds;
            let now = context.now();
            let highest = alerts.raise_thresholds(&usage, thresholds, counter.alerted, now);
            if highest != counter.alerted {
                let (counters, place) = (&mut subject.counters, (position, applied.index));
                counters.get_mut(place, start, &self.rules, context).alerted = highest;
            }
        }
    }

    /// Marks an alert of a quota as raised.
    pub fn mark_raised(
        &mut self,
        context: &Context,
        quota_id: &str,
        (kind, subject_id): (SubjectKind, &str),
        key: &AlertKey,
    ) {
        let rule = self.rules.quota(quota_id).map(|(rule, _)| rule);
        let slot = self.subjects.find(kind, subject_id);
        let (Some(rule), Some(slot)) = (rule, slot) else { return };
        let alerted = if self.rules.get(rule).base_limit() == Some(key.base_limit) {
            let counters = &mut self.subjects.get_mut(slot).counters;
            &mut counters.get_mut((0, rule), key.window_start, &self.rules, context).alerted
        } else {
            let raised = (slot, rule, key.window_start, key.base_limit);
            self.raised_before.entry(raised).or_default()
        };
        *alerted = key.threshold.max(*alerted);
    }

    /// Start of the earliest running window of a quota.
    pub fn earliest_window(&self, context: &Context) -> Option<Time> {
        let rules = self.rules.iter().filter(|(_, rule)| rule.counts_spent());
        let running = rules.filter_map(|(_, rule)| rule.running_window(context));
        running.map(|(start, _)| start).min()
    }
}
