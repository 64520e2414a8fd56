//! Alerts of quotas: thresholds that are reached, remembered with the counters.

use std::sync::Arc;

use super::Limits;
use super::subjects::Slot;
use crate::domain::Time;
use crate::domain::alert::{AlertKey, AlertSubject};
use crate::domain::attribution::SubjectKind;
use crate::ledger::alerts::{Alerts, LimitUsage, is_alert_due};
use crate::ledger::context::Context;

impl Limits {
    /// Raises what is due of all subjects: after a load, or a change of limits.
    pub fn raise_all(&mut self, context: &Context, alerts: &mut Alerts) {
        let is_due = |slot: &Slot| {
            let subject = self.subjects.get(*slot);
            subject.rules.quotas().iter().any(|applied| {
                let rule = self.rules.get(applied.index);
                let Some((start, _)) = rule.running_window(context) else { return false };
                let counter = subject.counted(applied.index, start);
                let limit = rule.limit_for(subject.id(), context.now());
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
                (subject.kind(), subject.id().clone())
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
        let kind = subject.kind();
        let subject_id: Arc<str> = Arc::from(subject.id().as_str());
        for applied in subject.rules.clone().quotas() {
            let rule = self.rules.get(applied.index);
            let Some((start, end)) = rule.running_window(context) else { continue };
            let Some(limit) = rule.limit_for(&subject_id, context.now()) else { continue };
            let counter = subject.counted(applied.index, start);
            let Some(quota) = rule.quota().filter(|_| !applied.overridden) else { continue };
            let usage = LimitUsage {
                subject: AlertSubject::Quota {
                    quota_id: quota.id.clone(),
                    kind,
                    subject_id: subject_id.clone(),
                },
                window: (start, end),
                unit: rule.unit(),
                limit,
                spent: counter.spent,
            };
            let thresholds = &quota.thresholds;
            let highest =
                alerts.raise_thresholds(&usage, thresholds, counter.alerted, context.now());
            if highest != counter.alerted {
                subject.counter(applied.index, start).alerted = highest;
            }
        }
    }

    /// Marks an alert of a quota as raised.
    pub fn mark_raised(&mut self, quota_id: &str, subject: (SubjectKind, &str), key: &AlertKey) {
        let rule = self.rules.quota(quota_id).map(|(rule, _)| rule);
        let slot = self.subjects.find(subject.0, subject.1);
        if let (Some(rule), Some(slot)) = (rule, slot) {
            let counter = self.subjects.get_mut(slot).counter(rule, key.window_start);
            counter.alerted = counter.alerted.max(key.threshold);
        }
    }

    /// Start of the earliest running window of a quota.
    pub fn earliest_window(&self, context: &Context) -> Option<Time> {
        let running = self.rules.iter().filter_map(|(_, rule)| rule.running_window(context));
        running.map(|(start, _)| start).min()
    }
}
