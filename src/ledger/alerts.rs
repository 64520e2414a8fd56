//! Alerts that are due: each is raised once for its limit with its value, window and threshold
//! (I14). A limit that is raised or lowered is another limit, also for who gets its alerts; a boost
//! is none.
//!
//! Marks remember what was raised, so that a settlement costs one comparison. Those of quotas are
//! kept with their counters, see `limits/thresholds.rs`.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use smallvec::SmallVec;

use super::context::Context;
use super::models::{Model, ModelIndex};
use crate::domain::alert::{
    Alert, AlertKey, AlertRecord, AlertSubject, AlertType, alerted_large_records,
    is_large_record_alerted, large_record_day,
};
use crate::domain::attribution::SubjectKind;
use crate::domain::quota::Unit;
use crate::domain::record::Record;
use crate::domain::time::calendar::Window;
use crate::domain::{Amount, Time};

#[derive(Default)]
pub struct Alerts {
    /// In the order in which they were raised.
    due: Vec<Alert>,
    workspace: WorkspaceMarks,
    /// By the index of the model; those at the end may be absent.
    models: Vec<ModelMarks>,
    large: LargeRecords,
}

/// Large records, by the day in which they were written.
#[derive(Default)]
struct LargeRecords {
    /// How many there were, by the start of the day.
    counts: BTreeMap<Time, i64>,
    /// Which of them were alerted before the ledger was loaded: start of the day, and number.
    raised: BTreeSet<(Time, i64)>,
}

/// What was raised about the workspace.
#[derive(Default)]
struct WorkspaceMarks {
    /// Start of the cycle that the next three are about.
    cycle: Time,
    /// Thresholds of the envelope.
    envelope: Marks,
    in_overage: Marks,
    exhausted: Marks,
    /// Start of the day of the last alert about expired holds.
    holds_expired: Option<Time>,
    /// The same of alerts about outages: that checks went on, and that they were refused.
    outage: [Option<Time>; 2],
    /// Models of each kind of alert that is raised once a day and model.
    daily: [DailyModels; DailyAlert::ALL.len()],
}

/// How many models an alert was raised about in a day.
#[derive(Clone, Copy, Default)]
struct DailyModels {
    day: Time,
    /// One more than [`DAILY_MODELS_MAX`] once the workspace has an alert about all others.
    count: usize,
}

/// What was raised about one model.
#[derive(Clone, Default)]
struct ModelMarks {
    /// Start of the cycle that the next two are about.
    cycle: Time,
    /// Thresholds of the cap.
    cap: Marks,
    fallback: bool,
    /// Start of the day of the last alert of each kind.
    daily: [Option<Time>; DailyAlert::ALL.len()],
}

/// An alert about a model that is raised once a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DailyAlert {
    UnpricedModel,
    CostDiffers,
    AnswerUnread,
}

impl DailyAlert {
    const ALL: [DailyAlert; 3] =
        [DailyAlert::UnpricedModel, DailyAlert::CostDiffers, DailyAlert::AnswerUnread];

    fn of(alert_type: AlertType) -> Option<DailyAlert> {
        DailyAlert::ALL.into_iter().find(|alert| alert.alert_type() == alert_type)
    }

    fn alert_type(self) -> AlertType {
        match self {
            DailyAlert::UnpricedModel => AlertType::UnpricedModel,
            DailyAlert::CostDiffers => AlertType::CostDiffers,
            DailyAlert::AnswerUnread => AlertType::AnswerUnread,
        }
    }
}

/// The highest threshold that was raised in a window, in percent, for each value that its limit
/// had. Of alerts without a threshold it is [`RAISED`].
#[derive(Clone, Default)]
struct Marks(SmallVec<[(i64, u16); 1]>);

/// Stands for the threshold of alerts that have none.
const RAISED: u16 = 1;
/// Days of which large records are counted, the latest ones: a record that was made on an earlier
/// one is settled long before.
const LARGE_RECORD_DAYS_MAX: usize = 32;
/// Models that an alert is raised about in a day; then it is raised once about the workspace.
/// Callers may make up any number of models.
const DAILY_MODELS_MAX: usize = 100;
/// Of how many values of a limit it is kept what was raised, the latest ones. Storage keeps all.
const LIMIT_VALUES_MAX: usize = 64;

impl Marks {
    /// Zero if none was raised.
    fn highest(&self, base_limit: i64) -> u16 {
        let mark = self.0.iter().find(|(value, _)| *value == base_limit);
        mark.map_or(0, |(_, threshold)| *threshold)
    }

    fn raise(&mut self, base_limit: i64, threshold: u16) {
        if threshold == 0 {
            return;
        }
        if let Some((_, highest)) = self.0.iter_mut().find(|(value, _)| *value == base_limit) {
            *highest = threshold.max(*highest);
            return;
        }
        if self.0.len() == LIMIT_VALUES_MAX {
            self.0.remove(0);
        }
        self.0.push((base_limit, threshold));
    }
}

/// A limit with what is spent of it in its running window.
pub struct LimitUsage {
    pub subject: AlertSubject,
    /// Start, and end unless it is reset by hand.
    pub window: (Time, Option<Time>),
    pub unit: Unit,
    pub limit: i64,
    /// Without its boosts.
    pub base_limit: i64,
    pub spent: i64,
}

/// Whether a threshold above `alerted` is reached.
pub fn is_alert_due(thresholds: &[u16], alerted: u16, spent: i64, limit: i64) -> bool {
    let next = thresholds.iter().find(|threshold| **threshold > alerted);
    next.is_some_and(|threshold| is_reached(spent, *threshold, limit))
}

/// Whether so many percent of a limit are spent. Zero spent reaches no threshold.
fn is_reached(spent: i64, threshold: u16, limit: i64) -> bool {
    spent > 0 && i128::from(spent) * 100 >= i128::from(limit) * i128::from(threshold)
}

impl Alerts {
    pub fn is_empty(&self) -> bool {
        self.due.is_empty()
    }

    /// Takes what is due, in order.
    pub fn take(&mut self) -> Vec<Alert> {
        std::mem::take(&mut self.due)
    }

    /// Puts back what was taken and could not be stored, ahead of what was raised since.
    pub fn put_back(&mut self, mut alerts: Vec<Alert>) {
        alerts.append(&mut self.due);
        self.due = alerts;
    }

    /// Drops what is due and was raised before the ledger was loaded.
    pub fn drop_raised(&mut self, raised: &HashSet<AlertKey>) {
        self.due.retain(|alert| !raised.contains(&alert.key));
    }

    pub fn rename_user(&mut self, user_id: &str, pseudonym: &Arc<str>) {
        for alert in &mut self.due {
            if let Some(record) = alert.record.as_mut().filter(|it| *it.user_id == *user_id) {
                record.user_id = pseudonym.clone();
            }
            if let AlertSubject::Quota { kind: SubjectKind::User, subject_id, .. } =
                &mut alert.key.subject
                && **subject_id == *user_id
            {
                *subject_id = pseudonym.clone();
            }
        }
    }

    /// Raises the thresholds above `alerted` that are reached. Returns the highest.
    pub fn raise_thresholds(
        &mut self,
        usage: &LimitUsage,
        thresholds: &[u16],
        alerted: u16,
        now: Time,
    ) -> u16 {
        let mut highest = alerted;
        let open = thresholds.iter().copied().filter(|threshold| *threshold > alerted);
        for threshold in open.filter(|it| is_reached(usage.spent, *it, usage.limit)) {
            self.due.push(usage.alert(AlertType::Threshold, threshold, now));
            highest = threshold;
        }
        highest
    }

    /// Raises what is due of the envelope when so much is spent in the running cycle.
    pub fn raise_envelope(&mut self, context: &Context, spent: Amount) {
        let (cycle, now) = (context.cycle(), context.now());
        self.workspace.start_cycle(cycle.start);
        let Some(plan) = context.workspace().plan else { return };
        if spent <= Amount::ZERO {
            return;
        }
        let (limit, base) = (context.envelope(), plan.budget + plan.overage);
        let usage = |limit: Amount, base: Amount| LimitUsage {
            subject: AlertSubject::Workspace,
            window: (cycle.start, Some(cycle.end)),
            unit: Unit::Money,
            limit: limit.nanos(),
            base_limit: base.nanos(),
            spent: spent.nanos(),
        };
        let thresholds = &context.workspace().alerts.envelope;
        let alerted = self.workspace.envelope.highest(base.nanos());
        let highest = self.raise_thresholds(&usage(limit, base), thresholds, alerted, now);
        let marks = &mut self.workspace;
        marks.envelope.raise(base.nanos(), highest);
        if spent > plan.budget && marks.in_overage.highest(plan.budget.nanos()) == 0 {
            marks.in_overage.raise(plan.budget.nanos(), RAISED);
            let usage = usage(plan.budget, plan.budget);
            self.due.push(usage.alert(AlertType::InOverage, 0, now));
        }
        if spent >= limit && marks.exhausted.highest(base.nanos()) == 0 {
            marks.exhausted.raise(base.nanos(), RAISED);
            self.due.push(usage(limit, base).alert(AlertType::Exhausted, 0, now));
        }
    }

    /// Raises thresholds of a model's cap that are reached.
    pub fn raise_cap(&mut self, context: &Context, index: ModelIndex, model: &Model) {
        let Some(cap) = model.cap() else { return };
        let cycle = context.cycle();
        let (limit, spent) = (cap.nanos(), model.meter().totals(cycle).spent.nanos());
        let alerted = self.model_marks(index, cycle.start).cap.highest(limit);
        let thresholds = &context.workspace().alerts.model_limits;
        if !is_alert_due(thresholds, alerted, spent, limit) {
            return;
        }
        let usage = LimitUsage {
            subject: AlertSubject::Model(model.id().clone()),
            window: (cycle.start, Some(cycle.end)),
            unit: Unit::Money,
            limit,
            base_limit: limit,
            spent,
        };
        let highest = self.raise_thresholds(&usage, thresholds, alerted, context.now());
        self.model_marks(index, cycle.start).cap.raise(limit, highest);
    }

    /// A request for a model was routed to another: raised once in a cycle.
    pub fn raise_fallback(&mut self, context: &Context, index: ModelIndex, id: &Arc<str>) {
        let cycle = context.cycle();
        let marks = self.model_marks(index, cycle.start);
        if !std::mem::replace(&mut marks.fallback, true) {
            let subject = AlertSubject::Model(id.clone());
            self.raise_event(AlertType::FallbackBegan, subject, cycle, None, context.now());
        }
    }

    /// Something was recorded of a model that is raised once in a day, or of more models than
    /// alerts are raised about.
    pub fn raise_daily(
        &mut self,
        context: &Context,
        alert: DailyAlert,
        index: ModelIndex,
        id: &Arc<str>,
    ) {
        let day = context.windows().day;
        let marks = self.model_marks(index, context.cycle().start);
        if marks.daily[alert as usize] == Some(day.start) {
            return;
        }
        let count = self.workspace.daily[alert as usize].count_of(day.start);
        let subject = match (*count).cmp(&DAILY_MODELS_MAX) {
            Ordering::Less => AlertSubject::Model(id.clone()),
            Ordering::Equal => AlertSubject::Workspace,
            Ordering::Greater => return,
        };
        *count += 1;
        if subject != AlertSubject::Workspace {
            self.model_marks(index, context.cycle().start).daily[alert as usize] = Some(day.start);
        }
        self.raise_event(alert.alert_type(), subject, day, None, context.now());
    }

    /// A hold expired unsettled, the last of `count`: raised once in a day.
    pub fn raise_holds_expired(&mut self, context: &Context, count: i64) {
        let day = context.windows().day;
        if self.workspace.holds_expired.replace(day.start) != Some(day.start) {
            let (subject, count) = (AlertSubject::Workspace, Some((Unit::Requests, count)));
            self.raise_event(AlertType::HoldsExpired, subject, day, count, context.now());
        }
    }

    /// An outage of storage has ended in which checks went on, or were refused: raised once in a
    /// day. With what they held, and might hold.
    pub fn raise_outage(
        &mut self,
        context: &Context,
        has_refused: bool,
        (held, limit): (Amount, Amount),
    ) {
        let day = context.windows().day;
        let last = &mut self.workspace.outage[usize::from(has_refused)];
        if last.replace(day.start) == Some(day.start) {
            return;
        }
        self.due.push(Alert {
            key: AlertKey {
                subject: AlertSubject::Workspace,
                alert_type: AlertType::StorageOutage,
                window_start: day.start,
                threshold: 0,
                base_limit: i64::from(has_refused),
            },
            window_end: Some(day.end),
            unit: Some(Unit::Money),
            limit: limit.nanos(),
            spent: held.nanos(),
            time: context.now(),
            record: None,
            anomaly: None,
        });
    }

    /// An entry of the log was settled: one that is large is counted, and raises an alert unless
    /// there were many on its day.
    pub fn raise_large_record(&mut self, record: &Record, now: Time) {
        if record.large_above.is_none() {
            return;
        }
        let day = large_record_day(record.record_time).start;
        let counts = &mut self.large.counts;
        let number = counts.entry(day).or_default();
        *number += 1;
        let number = *number;
        if counts.len() > LARGE_RECORD_DAYS_MAX {
            counts.pop_first();
        }
        if is_large_record_alerted(number) {
            self.raise_large(record, number, now);
        }
    }

    /// Sets how many large records a day has by the log. Returns the numbers of those that should
    /// have been alerted before the ledger was loaded, and were not.
    pub fn set_large_count(&mut self, day: Time, count: i64) -> Vec<i64> {
        self.large.counts.insert(day, count);
        let alerted = alerted_large_records(count);
        alerted.filter(|number| !self.large.raised.contains(&(day, *number))).collect()
    }

    /// Raises the alert of a large record, which has this number on its day.
    pub fn raise_large(&mut self, record: &Record, number: i64, now: Time) {
        let day = large_record_day(record.record_time);
        self.due.push(Alert {
            key: AlertKey {
                subject: AlertSubject::Workspace,
                alert_type: AlertType::LargeRecord,
                window_start: day.start,
                threshold: 0,
                base_limit: number,
            },
            window_end: Some(day.end),
            unit: Some(Unit::Money),
            limit: record.large_above.map_or(0, Amount::nanos),
            spent: record.cost.nanos(),
            time: now,
            record: Some(Box::new(AlertRecord::of(record))),
            anomaly: None,
        });
    }

    fn raise_event(
        &mut self,
        alert_type: AlertType,
        subject: AlertSubject,
        window: Window,
        count: Option<(Unit, i64)>,
        now: Time,
    ) {
        self.due.push(Alert {
            key: AlertKey {
                subject,
                alert_type,
                window_start: window.start,
                threshold: 0,
                base_limit: 0,
            },
            window_end: Some(window.end),
            unit: count.map(|(unit, _)| unit),
            limit: 0,
            spent: count.map_or(0, |(_, count)| count),
            time: now,
            record: None,
            anomaly: None,
        });
    }

    /// Marks an alert about the workspace as raised, if it is of a running window.
    pub fn mark_workspace(&mut self, key: &AlertKey, context: &Context) {
        let cycle_start = context.cycle().start;
        if key.alert_type == AlertType::LargeRecord {
            self.large.raised.insert((key.window_start, key.base_limit));
            return;
        }
        let marks = &mut self.workspace;
        if let Some(alert) = DailyAlert::of(key.alert_type) {
            if key.window_start == context.windows().day.start {
                *marks.daily[alert as usize].count_of(key.window_start) = DAILY_MODELS_MAX + 1;
            }
        } else if key.alert_type == AlertType::HoldsExpired {
            if key.window_start == context.windows().day.start {
                marks.holds_expired = Some(key.window_start);
            }
        } else if key.alert_type == AlertType::StorageOutage {
            if key.window_start == context.windows().day.start {
                marks.outage[usize::from(key.base_limit != 0)] = Some(key.window_start);
            }
        } else if key.window_start == cycle_start {
            marks.cycle = cycle_start;
            match key.alert_type {
                AlertType::InOverage => marks.in_overage.raise(key.base_limit, RAISED),
                AlertType::Exhausted => marks.exhausted.raise(key.base_limit, RAISED),
                _ => marks.envelope.raise(key.base_limit, key.threshold),
            }
        }
    }

    /// Marks an alert about a model as raised, if it is of a running window.
    pub fn mark_model(&mut self, index: ModelIndex, key: &AlertKey, context: &Context) {
        let (start, cycle_start) = (key.window_start, context.cycle().start);
        if let Some(alert) = DailyAlert::of(key.alert_type) {
            let daily = &mut self.model_marks(index, cycle_start).daily[alert as usize];
            if start == context.windows().day.start && daily.replace(start) != Some(start) {
                *self.workspace.daily[alert as usize].count_of(start) += 1;
            }
            return;
        }
        let marks = self.model_marks(index, cycle_start);
        match key.alert_type {
            AlertType::FallbackBegan if start == cycle_start => marks.fallback = true,
            AlertType::Threshold if start == cycle_start => {
                marks.cap.raise(key.base_limit, key.threshold);
            }
            _ => {}
        }
    }

    /// Marks of a model in the running cycle.
    fn model_marks(&mut self, index: ModelIndex, cycle_start: Time) -> &mut ModelMarks {
        let position = index.get();
        if position >= self.models.len() {
            self.models.resize(position + 1, ModelMarks::default());
        }
        let marks = &mut self.models[position];
        if marks.cycle != cycle_start {
            let daily = marks.daily;
            *marks = ModelMarks { cycle: cycle_start, daily, ..ModelMarks::default() };
        }
        marks
    }
}

impl WorkspaceMarks {
    fn start_cycle(&mut self, start: Time) {
        if self.cycle != start {
            let WorkspaceMarks { holds_expired, outage, daily, .. } = *self;
            let empty = WorkspaceMarks::default();
            *self = WorkspaceMarks { cycle: start, holds_expired, outage, daily, ..empty };
        }
    }
}

impl DailyModels {
    /// The count of a day, which is the running one.
    fn count_of(&mut self, day: Time) -> &mut usize {
        if self.day != day {
            *self = DailyModels { day, count: 0 };
        }
        &mut self.count
    }
}

impl LimitUsage {
    fn alert(&self, alert_type: AlertType, threshold: u16, now: Time) -> Alert {
        let (window_start, window_end) = self.window;
        let subject = self.subject.clone();
        Alert {
            key: AlertKey {
                subject,
                alert_type,
                window_start,
                threshold,
                base_limit: self.base_limit,
            },
            window_end,
            unit: Some(self.unit),
            limit: self.limit,
            spent: self.spent,
            time: now,
            record: None,
            anomaly: None,
        }
    }
}
