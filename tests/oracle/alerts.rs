//! What administrators are to be told, once for each limit, window and threshold (I14).
//!
//! Looked at when something is charged, when a limit changes, and at a start.

use std::sync::Arc;

use tollgate::domain::Time;
use tollgate::domain::alert::{Alert, AlertKey, AlertRecord, AlertSubject, AlertType};
use tollgate::domain::attribution::SubjectKind;
use tollgate::domain::check::LimitKind;
use tollgate::domain::quota::{Scope, Unit};
use tollgate::domain::record::{Record, RecordKind};

use super::rules::{Bound, Span};
use super::{Oracle, facts};

impl Oracle {
    /// Something was charged: to the limits that count it, in their order.
    pub fn alert_of_record(&mut self, record: &Record) {
        let (who, model) = (self.who_of(record), record.metered_model_id.clone());
        self.alert_of_envelope();
        self.alert_of_cap(&model);
        for bound in self.bounds(&who, &model) {
            let (LimitKind::Quota, Some(id)) = (bound.kind, &bound.id) else { continue };
            let quota = self.quotas.iter().find(|quota| quota.id == *id).expect("it applies");
            let (kind, window) = (quota.scope.kind, self.window_of(quota));
            if window.contains(record.charge_time) {
                self.alert_of_bound(quota_subject(id, kind, &bound.subject_id), window, &bound);
            }
        }
        self.alert_of_large_record(record);
        if record.kind != RecordKind::Usage {
            return;
        }
        let today = facts::day(&self.workspace, self.now).into();
        let is_unread = record.answer.as_ref().is_some_and(|answer| answer.is_unread);
        let model = AlertSubject::Model(model);
        match is_unread {
            true => self.event(model.clone(), AlertType::AnswerUnread, today),
            false if record.unpriced => self.event(model.clone(), AlertType::UnpricedModel, today),
            false => {}
        }
        if !record.unpriced && self.is_far_from_reported(record) {
            self.event(model, AlertType::CostDiffers, today);
        }
    }

    /// The first ten large records of a day of UTC are told each, then the hundredth, the
    /// thousandth and so on.
    fn alert_of_large_record(&mut self, record: &Record) {
        let Some(named) = record.large_above else { return };
        let day = 86_400_000_000;
        let day_of = |record: &Record| record.record_time.micros().div_euclid(day);
        let large = self.log.iter().filter(|entry| entry.large_above.is_some());
        let number = large.filter(|entry| day_of(entry) == day_of(record)).count();
        let digits = number.to_string();
        let is_power = digits.starts_with('1') && digits[1..].chars().all(|digit| digit == '0');
        if number > 10 && !is_power {
            return;
        }
        let start = Time::from_micros(day_of(record) * day);
        let key = AlertKey {
            subject: AlertSubject::Workspace,
            alert_type: AlertType::LargeRecord,
            window_start: start,
            threshold: 0,
            base_limit: i64::try_from(number).expect("few"),
        };
        self.raised.push(key.clone());
        self.alerts.push(Alert {
            key,
            window_end: Some(start + day),
            unit: Some(Unit::Money),
            limit: named.nanos(),
            spent: record.cost.nanos(),
            time: self.now,
            record: Some(Box::new(AlertRecord {
                seq: 0,
                request_id: record.request_id.clone(),
                attempt: record.attempt,
                model_id: record.metered_model_id.clone(),
                user_id: record.attribution.user_id.as_str().into(),
                api_key_id: record.attribution.api_key_id.as_str().into(),
            })),
            anomaly: None,
        });
    }

    /// Whether both costs are known and differ by more than the share of the computed one.
    fn is_far_from_reported(&self, record: &Record) -> bool {
        let percent = i128::from(self.workspace.reported_cost.alert_percent);
        let extras = record.extras.as_deref();
        let Some(reported) = extras.and_then(|extras| extras.reported.as_ref()) else {
            return false;
        };
        let Some(converted) = reported.converted else { return false };
        let (computed, converted) = (reported.computed.nanos(), converted.nanos());
        let difference = i128::from((converted - computed).abs());
        percent > 0 && difference * 100 > i128::from(computed) * percent
    }

    /// Limits are those of a new process, or windows have changed.
    pub fn alert_of_everything(&mut self) {
        self.alert_of_envelope();
        for settings in self.models.clone() {
            self.alert_of_cap(&settings.model_id);
        }
        for kind in SubjectKind::ALL {
            self.alert_of_subjects(&Scope { kind, subject_id: None, model_id: None });
        }
    }

    pub fn alert_of_envelope(&mut self) {
        let bound = self.envelope();
        let window = Span::from(self.cycle());
        self.alert_of_bound(AlertSubject::Workspace, window, &bound);
        let budget = self.workspace.plan.map(|plan| i128::from(plan.budget.nanos()));
        if let Some(budget) = budget.filter(|budget| bound.spent > *budget) {
            let bound = Bound { limit: budget, base_limit: budget, ..bound.clone() };
            self.alert(AlertSubject::Workspace, AlertType::InOverage, window, 0, Some(&bound));
        }
        if bound.spent > 0 && bound.spent >= bound.limit {
            self.alert(AlertSubject::Workspace, AlertType::Exhausted, window, 0, Some(&bound));
        }
    }

    pub fn alert_of_cap(&mut self, model: &str) {
        let Some(bound) = self.cap_of(model) else { return };
        let window = self.cycle().into();
        self.alert_of_bound(AlertSubject::Model(model.into()), window, &bound);
    }

    /// A limit changed: whom it names is looked at anew, or everything.
    pub fn alert_of_scope(&mut self, scope: &Scope) {
        match scope.subject_id {
            Some(_) => self.alert_of_subjects(scope),
            None => self.alert_of_everything(),
        }
    }

    /// The quotas of a kind, for whoever of it used something, or for one that is named.
    pub fn alert_of_subjects(&mut self, scope: &Scope) {
        for subject_id in self.subject_ids(scope.kind) {
            if scope.subject_id.as_ref().is_some_and(|named| *named != subject_id) {
                continue;
            }
            for quota in self.quotas.clone() {
                if quota.scope.kind != scope.kind || !self.bounds_subject(&quota, &subject_id) {
                    continue;
                }
                let Some(bound) = self.quota_bound(&quota, &subject_id) else { continue };
                let subject = quota_subject(&quota.id, quota.scope.kind, &subject_id);
                self.alert_of_bound(subject, self.window_of(&quota), &bound);
            }
        }
    }

    /// A request was led to another model than the one asked for.
    pub fn alert_of_fallback(&mut self, asked: &Arc<str>) {
        let cycle = self.cycle().into();
        self.event(AlertSubject::Model(asked.clone()), AlertType::FallbackBegan, cycle);
    }

    /// A hold has just expired.
    pub fn alert_of_expiry(&mut self) {
        let today = facts::day(&self.workspace, self.now).into();
        self.event(AlertSubject::Workspace, AlertType::HoldsExpired, today);
    }

    /// Every threshold that is reached by what is spent, the lowest first. Below one that was
    /// raised for this limit there is nothing new to tell. Another value is another limit; boosts
    /// are not.
    fn alert_of_bound(&mut self, subject: AlertSubject, window: Span, bound: &Bound) {
        let of_window = self.raised.iter().filter(|key| {
            (&key.subject, key.alert_type, key.window_start)
                == (&subject, AlertType::Threshold, window.start)
                && i128::from(key.base_limit) == bound.base_limit
        });
        let highest = of_window.map(|key| key.threshold).max().unwrap_or(0);
        for threshold in bound.thresholds.clone() {
            if threshold > highest
                && bound.spent > 0
                && bound.spent * 100 >= bound.limit * i128::from(threshold)
            {
                let subject = subject.clone();
                self.alert(subject, AlertType::Threshold, window, threshold, Some(bound));
            }
        }
    }

    fn event(&mut self, subject: AlertSubject, alert_type: AlertType, window: Span) {
        self.alert(subject, alert_type, window, 0, None);
    }

    fn alert(
        &mut self,
        subject: AlertSubject,
        alert_type: AlertType,
        window: Span,
        threshold: u16,
        bound: Option<&Bound>,
    ) {
        let small = |figure: i128| i64::try_from(figure).expect("figures of tests are small");
        let base_limit = bound.map_or(0, |bound| small(bound.base_limit));
        let window_start = window.start;
        let key = AlertKey { subject, alert_type, window_start, threshold, base_limit };
        if self.raised.contains(&key) {
            return;
        }
        self.raised.push(key.clone());
        let is_of_holds = alert_type == AlertType::HoldsExpired;
        let expired = i64::try_from(self.expired.len()).expect("few");
        self.alerts.push(Alert {
            key,
            window_end: window.end,
            unit: match bound {
                Some(bound) => Some(bound.unit),
                None => is_of_holds.then_some(Unit::Requests),
            },
            limit: bound.map_or(0, |bound| small(bound.limit)),
            spent: match bound {
                Some(bound) => small(bound.spent),
                None if is_of_holds => expired,
                None => 0,
            },
            time: self.now,
            record: None,
            anomaly: None,
        });
    }
}

fn quota_subject(id: &Arc<str>, kind: SubjectKind, subject_id: &Arc<str>) -> AlertSubject {
    AlertSubject::Quota { quota_id: id.clone(), kind, subject_id: subject_id.clone() }
}

/// Alerts in an order that can be compared: which of two limits comes first is no rule, but the
/// alerts of one limit come in order.
pub fn in_order(mut alerts: Vec<Alert>) -> Vec<Alert> {
    alerts.sort_by_key(|alert| (alert.key.subject.clone(), alert.key.window_start));
    for alert in &mut alerts {
        // The oracle knows no positions.
        if let Some(record) = &mut alert.record {
            record.seq = 0;
        }
        // How many expire at the same time is a matter of when time passes.
        if alert.key.alert_type == AlertType::HoldsExpired {
            alert.spent = alert.spent.min(1);
        }
    }
    alerts
}

/// By key and without the figures: of several holds that are charged in one step any may come
/// first, and so may reach a threshold of the budget before the overage, or after it.
pub fn in_any_order(mut alerts: Vec<Alert>) -> Vec<Alert> {
    for alert in &mut alerts {
        alert.spent = 0;
        // Which of them has which number.
        alert.record = None;
    }
    let kind = |alert: &Alert| {
        let key = &alert.key;
        (key.alert_type as i32, key.threshold, key.base_limit)
    };
    alerts.sort_by_key(|alert| (alert.key.subject.clone(), alert.key.window_start, kind(alert)));
    alerts
}
