//! Anomalies: stored as they are found, acknowledged, with an alert when they begin and one when
//! they are over.
//!
//! Finds none: `tasks/anomalies.rs` does. An anomaly is stored first and its alert after it, under
//! a key that is the same whenever it is found again: whatever a crash falls between, there is one
//! alert.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::json;

use super::super::audit::Actor;
use super::super::error::Result;
use super::super::resources::{Edit, not_found};
use super::super::{Engine, Shared, WorkspaceHandle};
use crate::domain::Time;
use crate::domain::alert::anomaly::{
    Anomaly, AnomalyAlerts, AnomalyFeedback, AnomalyMember, FALSE_SPAN, bar_raised_until,
};
use crate::domain::alert::{Alert, AlertAnomaly, AlertKey, AlertSubject, AlertType};
use crate::domain::attribution::{Dimension, SubjectKind};
use crate::domain::quota::Unit;
use crate::storage::anomalies::AnomalyFilter;
use crate::storage::search::COUNT_MAX;
use crate::storage::settings::Change;

/// Contributors that an alert names, at most.
const NAMED_MAX: usize = 3;

/// What was looked at last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Looked {
    pub until: Time,
    /// Whether there were more members than are looked at.
    pub members_left_out: bool,
}

/// By workspace.
#[derive(Default)]
pub struct LookedUntil(Mutex<HashMap<Arc<str>, Looked>>);

/// A page of anomalies.
pub struct AnomalyPage {
    pub anomalies: Vec<Anomaly>,
    pub total: usize,
    /// Absent until the first look.
    pub looked: Option<Looked>,
}

impl Engine {
    /// Anomalies that match, latest (`start_time`, id) first, before `after`.
    pub async fn anomalies(
        &self,
        filter: &AnomalyFilter,
        after: Option<(Time, String)>,
        limit: usize,
    ) -> Result<AnomalyPage> {
        self.workspace(&filter.workspace_id).await?;
        let anomalies = self.store().anomalies(filter, after, limit).await?;
        let total = self.store().count_anomalies(filter, COUNT_MAX).await?;
        Ok(AnomalyPage { anomalies, total, looked: self.looked_at(&filter.workspace_id) })
    }

    /// What was looked at last since the start of the server.
    pub fn looked_at(&self, workspace_id: &str) -> Option<Looked> {
        let LookedUntil(looked) = &self.shared.alerts.looked;
        looked.lock().unwrap_or_else(PoisonError::into_inner).get(workspace_id).copied()
    }

    pub fn set_looked(&self, workspace_id: &Arc<str>, now: Looked) {
        let LookedUntil(looked) = &self.shared.alerts.looked;
        looked.lock().unwrap_or_else(PoisonError::into_inner).insert(workspace_id.clone(), now);
    }

    /// Stores anomalies as they are found, each with what is known of it already: its feedback, and
    /// which alerts are stored. Then stores the alerts that are due.
    ///
    /// # Errors
    /// If storage fails: what is not stored is found again.
    pub async fn put_anomalies(&self, workspace_id: &str, found: Vec<Anomaly>) -> Result<()> {
        let handle = self.workspace(workspace_id).await?;
        self.in_writer(move |shared| async move {
            let mut changed = Vec::new();
            for mut anomaly in found {
                let stored = shared.store.anomaly(handle.id(), &anomaly.id).await?;
                if let Some(stored) = &stored {
                    anomaly.detect_time = stored.detect_time;
                    anomaly.feedback.clone_from(&stored.feedback);
                    anomaly.alerts = stored.alerts;
                }
                if stored.as_ref() != Some(&anomaly) {
                    changed.push(anomaly);
                }
            }
            if !changed.is_empty() {
                let changes = [Change::PutAnomalies(changed)];
                shared.change(handle.id(), &changes, &[]).await?;
            }
            shared.raise_anomaly_alerts(&handle).await
        })
        .await
    }

    /// Says what an anomaly was. The same again changes nothing. Also returns until when the bar of
    /// its member is raised.
    pub async fn acknowledge_anomaly(
        &self,
        actor: Actor,
        workspace_id: &str,
        id: String,
        feedback: AnomalyFeedback,
    ) -> Result<(Anomaly, Option<Time>)> {
        let acknowledge = move |edit: Edit| async move {
            let store = edit.shared.store.clone();
            let found = store.anomaly(edit.handle.id(), &id).await?;
            let mut anomaly = found.ok_or_else(|| not_found("anomaly", &id))?;
            let before = anomaly.feedback.as_ref().map(|(feedback, _, _)| *feedback);
            if before != Some(feedback) {
                anomaly.feedback = Some((feedback, edit.now, edit.actor.name.clone()));
                let state = |feedback: Option<AnomalyFeedback>| json!({ "feedback": feedback });
                let (before, after) = (state(before), state(Some(feedback)));
                let event = edit.event("anomaly", &id, Some(before), Some(after));
                edit.commit(vec![Change::PutAnomalies(vec![anomaly.clone()])], event).await?;
            }
            let bars = edit.shared.raised_bars(edit.handle.id(), edit.now).await?;
            let until = bars.get(&anomaly.member).copied();
            Ok((anomaly, until))
        };
        self.edit(actor, workspace_id, acknowledge).await
    }

    /// The members whose bar is raised, and until when.
    pub async fn raised_bars(&self, workspace_id: &str) -> Result<HashMap<AnomalyMember, Time>> {
        self.shared.raised_bars(workspace_id, self.now()).await
    }
}

impl Shared {
    pub(super) async fn raised_bars(
        &self,
        workspace_id: &str,
        now: Time,
    ) -> Result<HashMap<AnomalyMember, Time>> {
        // The last of three counts for as long as they may lie apart.
        let since = Time::from_micros(now.micros().saturating_sub(2 * FALSE_SPAN));
        let mut times: HashMap<AnomalyMember, Vec<Time>> = HashMap::new();
        for (member, time) in self.store.false_anomalies(workspace_id, since).await? {
            times.entry(member).or_default().push(time);
        }
        let raised = times.into_iter();
        Ok(raised.filter_map(|(it, times)| Some((it, bar_raised_until(times, now)?))).collect())
    }

    /// Stores the alerts that are due about anomalies of a workspace, then that they were raised.
    async fn raise_anomaly_alerts(&self, handle: &WorkspaceHandle) -> Result<()> {
        for mut anomaly in self.store.unsettled_anomalies(handle.id()).await? {
            let mut alerts = Vec::new();
            let now = self.clock.now();
            if anomaly.alerts == AnomalyAlerts::Due {
                alerts.push(alert(&anomaly, false, now));
                anomaly.alerts = AnomalyAlerts::Opened;
            }
            if anomaly.alerts == AnomalyAlerts::Opened && !anomaly.is_open {
                alerts.push(alert(&anomaly, true, now));
                anomaly.alerts = AnomalyAlerts::Closed;
            }
            if alerts.is_empty() {
                continue;
            }
            self.put_alerts(&[(handle, alerts)]).await?;
            self.change(handle.id(), &[Change::PutAnomalies(vec![anomaly])], &[]).await?;
            handle.announce_alerts();
            self.alerts.notify.notify();
        }
        Ok(())
    }
}

fn alert(anomaly: &Anomaly, is_over: bool, now: Time) -> Alert {
    let explained_by = anomaly.contributors.iter().map(|contributor| &contributor.member);
    let named = explained_by.filter(|member| member.dimension != Dimension::User);
    Alert {
        key: AlertKey {
            subject: subject(&anomaly.member),
            alert_type: AlertType::Anomaly,
            window_start: anomaly.start_time,
            threshold: 0,
            base_limit: AlertAnomaly::number(anomaly.metric, is_over),
        },
        window_end: is_over.then_some(anomaly.end_time),
        unit: Some(if anomaly.metric.is_money() { Unit::Money } else { Unit::Requests }),
        limit: anomaly.expected,
        spent: anomaly.actual,
        time: now,
        record: None,
        anomaly: Some(Box::new(AlertAnomaly {
            anomaly_id: anomaly.id.clone(),
            kind: anomaly.kind,
            metric: anomaly.metric,
            is_over,
            explained_by: named.take(NAMED_MAX).cloned().collect(),
        })),
    }
}

fn subject(member: &AnomalyMember) -> AlertSubject {
    let kind = SubjectKind::ALL
        .into_iter()
        .find(|kind| kind.field().and_then(|field| field.dimension()) == Some(member.dimension));
    match (member.dimension, kind) {
        (Dimension::Model, _) => AlertSubject::Model(member.id.clone()),
        (_, Some(kind)) => AlertSubject::Member { kind, subject_id: member.id.clone() },
        (_, None) => AlertSubject::Workspace,
    }
}
