//! Which alerts are due: what is said once for a limit, window and threshold (I14).
//!
//! A mark beside each counter remembers what was said, so that a settlement costs a comparison.

use std::collections::HashSet;
use std::sync::Arc;

use super::asking::{next_due, reaches};
use super::state::Ledger;
use crate::domain::Time;
use crate::domain::alert::{Alert, AlertKey, AlertSubject, AlertType};
use crate::domain::quota::Unit;

/// What was said of the workspace, and what is to be said.
#[derive(Default)]
pub struct Raised {
    due: Vec<Alert>,
    /// Start of the cycle that the next three are about.
    cycle: Time,
    envelope: u16,
    in_overage: bool,
    exhausted: bool,
    /// Start of the day in which it was said that holds expire.
    holds_expired: Option<Time>,
}

/// What was said of one model.
#[derive(Clone, Copy, Debug, Default)]
pub struct ModelMarks {
    /// Start of the cycle that the next two are about.
    cycle: Time,
    cap: u16,
    fallback: bool,
    /// Start of the day in which it was said that it has no price.
    unpriced: Option<Time>,
}

impl Raised {
    /// What is to be raised.
    pub fn due_mut(&mut self) -> impl Iterator<Item = &mut Alert> {
        self.due.iter_mut()
    }
}

impl Ledger {
    /// Start of the earliest window that runs: alerts of earlier ones are not raised again.
    pub fn earliest_window(&self) -> Time {
        let running = self.rules.iter().filter_map(|(_, rule)| rule.running(&self.windows));
        let earliest = running.map(|(start, _)| start).min();
        let windows = [self.windows.week.start, self.windows.month.start, self.windows.cycle.start];
        windows.into_iter().chain(earliest).min().unwrap_or(self.windows.day.start)
    }

    /// Takes what was raised before the ledger was loaded, and raises what is due and was not.
    pub fn set_raised(&mut self, now: Time, raised: Vec<AlertKey>) {
        self.advance(now);
        for key in &raised {
            self.mark(key);
        }
        // What was found due while rules were taken up is due still, unless it was raised.
        let raised: HashSet<AlertKey> = raised.into_iter().collect();
        self.raised.due.retain(|alert| !raised.contains(&alert.key));
        self.raise_all();
    }

    /// Whether there is anything to be raised.
    pub fn has_alerts(&self) -> bool {
        !self.raised.due.is_empty()
    }

    /// What is to be raised, in order. Each is handed out once; give back what could not be
    /// stored with [`Ledger::return_alerts`].
    pub fn take_alerts(&mut self) -> Vec<Alert> {
        std::mem::take(&mut self.raised.due)
    }

    pub fn return_alerts(&mut self, mut alerts: Vec<Alert>) {
        alerts.append(&mut self.raised.due);
        self.raised.due = alerts;
    }

    /// Raises what is due of everything: after a load, or a change of limits.
    pub(super) fn raise_all(&mut self) {
        self.raise_envelope();
        for model in 0..self.models.len() {
            self.raise_model(model);
        }
        let mut due = Vec::new();
        for (slot, subject) in self.subjects.iter() {
            let is_due = subject.set.iter().any(|entry| {
                let rule = self.rules.get(entry.rule);
                let Some((start, _)) = rule.running(&self.windows) else { return false };
                let counter = subject.counted(entry.rule, start);
                let limit = rule.limit_for(&subject.id, self.now);
                !entry.overruled
                    && limit.is_some_and(|limit| {
                        next_due(rule.thresholds(), counter.alerted, counter.spent, limit)
                    })
            });
            if is_due {
                due.push(slot);
            }
        }
        // In a defined order, so that the same history raises the same alerts.
        due.sort_by(|a, b| {
            let key = |slot: &u32| {
                let subject = self.subjects.get(*slot);
                (subject.kind, subject.id.clone())
            };
            key(a).cmp(&key(b))
        });
        for slot in due {
            self.raise_for(slot);
        }
    }

    /// Raises thresholds of the quotas of one subject that are reached, each in order.
    pub(super) fn raise_for(&mut self, slot: u32) {
        let subject = self.subjects.get(slot);
        let (kind, subject_id) = (subject.kind, shared(&subject.id));
        for entry in subject.set.clone().standing() {
            let rule = self.rules.get(entry.rule);
            let Some((start, end)) = rule.running(&self.windows) else { continue };
            let Some(limit) = rule.limit_for(&subject_id, self.now) else { continue };
            let counter = self.subjects.get(slot).counted(entry.rule, start);
            let Some(quota) = rule.quota().filter(|_| !entry.overruled) else { continue };
            let subject = AlertSubject::Quota {
                quota_id: quota.id.clone(),
                kind,
                subject_id: subject_id.clone(),
            };
            let figures = Figures {
                subject,
                window: (start, end),
                unit: rule.unit,
                limit,
                spent: counter.spent,
                now: self.now,
            };
            let highest = figures.raise(&quota.thresholds, counter.alerted, &mut self.raised.due);
            if highest != counter.alerted {
                self.subjects.get_mut(slot).counter(entry.rule, start).alerted = highest;
            }
        }
    }

    /// Raises what is due of the envelope.
    pub(super) fn raise_envelope(&mut self) {
        let cycle = self.windows.cycle;
        if self.raised.cycle != cycle.start {
            self.raised.cycle = cycle.start;
            self.raised.envelope = 0;
            self.raised.in_overage = false;
            self.raised.exhausted = false;
        }
        let spent = self.meter.totals(cycle).spent;
        let limit = self.envelope();
        let Some(plan) = self.workspace.plan else { return };
        if spent <= crate::domain::Amount::ZERO {
            return;
        }
        let figures = |limit: crate::domain::Amount| Figures {
            subject: AlertSubject::Workspace,
            window: (cycle.start, Some(cycle.end)),
            unit: Unit::Money,
            limit: limit.nanos(),
            spent: spent.nanos(),
            now: self.now,
        };
        let raised = &mut self.raised;
        let thresholds = &self.workspace.alerts.envelope;
        raised.envelope = figures(limit).raise(thresholds, raised.envelope, &mut raised.due);
        if spent > plan.budget && !raised.in_overage {
            raised.in_overage = true;
            raised.due.push(figures(plan.budget).alert(AlertType::InOverage, 0));
        }
        if spent >= limit && !raised.exhausted {
            raised.exhausted = true;
            raised.due.push(figures(limit).alert(AlertType::Exhausted, 0));
        }
    }

    /// Raises thresholds of a model's cap that are reached.
    pub(super) fn raise_model(&mut self, index: usize) {
        let cycle = self.windows.cycle;
        let now = self.now;
        let model = &mut self.models[index];
        model.marks.roll(cycle.start);
        let Some(cap) = model.cap() else { return };
        let figures = Figures {
            subject: AlertSubject::Model(model.id.clone()),
            window: (cycle.start, Some(cycle.end)),
            unit: Unit::Money,
            limit: cap.nanos(),
            spent: model.meter.totals(cycle).spent.nanos(),
            now,
        };
        let thresholds = &self.workspace.alerts.model_limits;
        model.marks.cap = figures.raise(thresholds, model.marks.cap, &mut self.raised.due);
    }

    /// A request that was asked for on a model was routed to another.
    pub(super) fn raise_fallback(&mut self, asked: usize) {
        let cycle = self.windows.cycle;
        let model = &mut self.models[asked];
        model.marks.roll(cycle.start);
        if !model.marks.fallback {
            model.marks.fallback = true;
            let id = model.id.clone();
            self.raise_event(AlertType::FallbackBegan, AlertSubject::Model(id), cycle, None);
        }
    }

    /// Usage of a model was recorded that has no price.
    pub(super) fn raise_unpriced(&mut self, index: usize) {
        let day = self.windows.day;
        let model = &mut self.models[index];
        if model.marks.unpriced != Some(day.start) {
            model.marks.unpriced = Some(day.start);
            let id = model.id.clone();
            self.raise_event(AlertType::UnpricedModel, AlertSubject::Model(id), day, None);
        }
    }

    /// A hold expired unsettled.
    pub(super) fn raise_holds_expired(&mut self) {
        let day = self.windows.day;
        if self.raised.holds_expired != Some(day.start) {
            self.raised.holds_expired = Some(day.start);
            let count = Some((Unit::Requests, self.expired_count));
            self.raise_event(AlertType::HoldsExpired, AlertSubject::Workspace, day, count);
        }
    }

    fn raise_event(
        &mut self,
        alert_type: AlertType,
        subject: AlertSubject,
        window: crate::domain::calendar::Window,
        count: Option<(Unit, i64)>,
    ) {
        self.raised.due.push(Alert {
            key: AlertKey { subject, alert_type, window_start: window.start, threshold: 0 },
            window_end: Some(window.end),
            unit: count.map(|(unit, _)| unit),
            limit: 0,
            spent: count.map_or(0, |(_, count)| count),
            time: self.now,
        });
    }

    /// Remembers that something was raised.
    fn mark(&mut self, key: &AlertKey) {
        let start = key.window_start;
        match (&key.subject, key.alert_type) {
            (AlertSubject::Quota { quota_id, kind, subject_id }, _) => {
                let rule = self.rules.quota(quota_id).map(|(rule, _)| rule);
                let slot = self.subjects.find(*kind, subject_id);
                if let (Some(rule), Some(slot)) = (rule, slot) {
                    let counter = self.subjects.get_mut(slot).counter(rule, start);
                    counter.alerted = counter.alerted.max(key.threshold);
                }
            }
            (AlertSubject::Model(id), alert_type) => {
                let index = self.model_index(&id.clone());
                let cycle = self.windows.cycle.start;
                let marks = &mut self.models[index].marks;
                marks.roll(cycle);
                match alert_type {
                    AlertType::UnpricedModel => marks.unpriced = marks.unpriced.max(Some(start)),
                    AlertType::FallbackBegan if start == cycle => marks.fallback = true,
                    AlertType::Threshold if start == cycle => {
                        marks.cap = marks.cap.max(key.threshold);
                    }
                    _ => {}
                }
            }
            (AlertSubject::Workspace, AlertType::HoldsExpired) => {
                self.raised.holds_expired = self.raised.holds_expired.max(Some(start));
            }
            (AlertSubject::Workspace, alert_type) if start == self.windows.cycle.start => {
                let raised = &mut self.raised;
                raised.cycle = start;
                match alert_type {
                    AlertType::InOverage => raised.in_overage = true,
                    AlertType::Exhausted => raised.exhausted = true,
                    _ => raised.envelope = raised.envelope.max(key.threshold),
                }
            }
            (AlertSubject::Workspace, _) => {}
        }
    }
}

impl ModelMarks {
    fn roll(&mut self, cycle: Time) {
        if self.cycle != cycle {
            *self = ModelMarks { cycle, unpriced: self.unpriced, ..ModelMarks::default() };
        }
    }
}

/// Where a limit stands when an alert of it is raised.
struct Figures {
    subject: AlertSubject,
    window: (Time, Option<Time>),
    unit: Unit,
    limit: i64,
    spent: i64,
    now: Time,
}

impl Figures {
    /// Raises the thresholds above `alerted` that are reached, and answers the highest.
    fn raise(&self, thresholds: &[u16], alerted: u16, due: &mut Vec<Alert>) -> u16 {
        let mut highest = alerted;
        let open = thresholds.iter().copied().filter(|threshold| *threshold > alerted);
        for threshold in open.filter(|threshold| reaches(self.spent, *threshold, self.limit)) {
            due.push(self.alert(AlertType::Threshold, threshold));
            highest = threshold;
        }
        highest
    }

    fn alert(&self, alert_type: AlertType, threshold: u16) -> Alert {
        let (window_start, window_end) = self.window;
        let subject = self.subject.clone();
        Alert {
            key: AlertKey { subject, alert_type, window_start, threshold },
            window_end,
            unit: Some(self.unit),
            limit: self.limit,
            spent: self.spent,
            time: self.now,
        }
    }
}

/// A subject's id to be kept, of the workspace the empty one.
pub(super) fn shared(id: &str) -> Arc<str> {
    Arc::from(id)
}
