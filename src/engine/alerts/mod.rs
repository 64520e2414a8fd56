//! Alerts that ledgers have raised: stored by the writer, with a delivery for each receiver that
//! subscribes to their type; listed, acknowledged, watched.
//!
//! Raises nothing and sends nothing. Checks are not delayed: ledgers are locked to take alerts out
//! of them, never while they are stored.

pub mod address;
mod anomalies;
mod anomaly_policy;
mod deliveries;
mod keyring;
mod sealing;
mod watch;
pub mod webhook_test;
pub mod wording;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::json;
use tracing::warn;
use uuid::Uuid;

use super::audit::Actor;
use super::error::Result;
use super::resources::{Edit, not_found};
use super::{Engine, Shared, WorkspaceHandle};
use crate::domain::alert::{Alert, AlertType};
use crate::storage;
use crate::storage::alerts::{AlertFilter, Delivery, DeliveryState, Receiver, StoredAlert};
use crate::storage::search::COUNT_MAX;
use crate::storage::settings::Change;
use crate::telemetry::{self, DeliveryStep};

pub use super::resources::{
    EMAIL_RECEIVERS_MAX, NewEmailReceiver, NewWebhook, SECRET_BYTES, SECRET_OVERLAP, WEBHOOKS_MAX,
    WebhookChange,
};
use anomalies::LookedUntil;
pub use anomalies::{AnomalyPage, Looked};
pub use anomaly_policy::{AnomalyPolicyChange, AnomalyPolicyView};
pub use deliveries::{
    Attempt, DeliveryNotify, Destination, Outgoing, ReceiverChange, ReceiverKey, receiver_id,
};
pub use keyring::{KEY_BYTES, KEY_FILE_BYTES_MAX, KEYS_MAX, KeyFileError, Keyring, Unopened};
pub use sealing::Unopenable;
pub use watch::AlertWatch;
use wording::Wording;

/// Most alerts in one transaction, which records wait for.
pub const ALERTS_PER_WRITE_MAX: usize = 500;

/// Positions of alerts, and the signal to the task that delivers them.
pub(super) struct AlertShared {
    /// The latest position that was handed out.
    last_seq: AtomicI64,
    /// The latest position that is stored.
    last_stored: AtomicI64,
    pub notify: DeliveryNotify,
    /// Up to when usage of workspaces was looked at.
    looked: LookedUntil,
}

impl AlertShared {
    pub fn new(last_seq: i64) -> AlertShared {
        AlertShared {
            last_seq: AtomicI64::new(last_seq),
            last_stored: AtomicI64::new(last_seq),
            notify: DeliveryNotify::default(),
            looked: LookedUntil::default(),
        }
    }

    fn next_seq(&self) -> i64 {
        self.last_seq.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn last_stored(&self) -> i64 {
        self.last_stored.load(Ordering::Acquire)
    }
}

impl Engine {
    /// Stores what the ledgers of all loaded workspaces have raised: alerts that no write follows,
    /// and those that could not be stored before.
    pub async fn store_raised(&self) -> Result<()> {
        loop {
            let mut workspaces = self.loaded_workspaces();
            workspaces.retain(|workspace| workspace.lock_sound().is_some_and(|it| it.has_alerts()));
            if workspaces.is_empty() {
                return Ok(());
            }
            // In a defined order, so that a simulation is deterministic.
            workspaces.sort_by(|a, b| a.id().cmp(b.id()));
            // One transaction at a time: records are written in between.
            self.in_writer(move |shared| async move { shared.store_alerts(&workspaces).await })
                .await?;
        }
    }

    /// Alerts that match, latest first, before a position.
    pub async fn alerts(
        &self,
        filter: &AlertFilter,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<StoredAlert>> {
        let workspace = self.workspace(&filter.workspace_id).await?;
        if before.is_none() {
            // So that a caller finds what its own record has raised: records are answered before
            // alerts are stored.
            self.in_writer(move |shared| async move { shared.store_alerts(&[workspace]).await })
                .await?;
        }
        Ok(self.store().alerts(filter, before, limit).await?)
    }

    /// The newest alerts of a workspace that are stored, newest first.
    pub async fn newest_alerts(
        &self,
        workspace_id: &str,
        limit: usize,
    ) -> Result<Vec<StoredAlert>> {
        let filter =
            AlertFilter { workspace_id: workspace_id.to_owned(), ..AlertFilter::default() };
        Ok(self.store().alerts(&filter, None, limit).await?)
    }

    /// How many alerts match, counted to [`COUNT_MAX`].
    pub async fn count_alerts(&self, filter: &AlertFilter) -> Result<usize> {
        Ok(self.store().count_alerts(filter, COUNT_MAX).await?)
    }

    /// How the alerts of a workspace are worded.
    pub async fn wording(&self, workspace_id: &str) -> Result<Wording> {
        let workspace = self.workspace(workspace_id).await?;
        let ledger = workspace.lock();
        Ok(Wording::of(ledger.workspace()))
    }

    /// Marks an alert as seen; a second time changes nothing.
    pub async fn acknowledge_alert(
        &self,
        actor: Actor,
        workspace_id: &str,
        seq: i64,
    ) -> Result<StoredAlert> {
        let acknowledge = move |edit: Edit| async move {
            let alert = edit.shared.store.alert(edit.handle.id(), seq).await?;
            let mut alert = alert.ok_or_else(|| not_found("alert", seq))?;
            if alert.acknowledged.is_some() {
                return Ok(alert);
            }
            let (time, actor) = (edit.now, edit.actor.name.clone());
            alert.acknowledged = Some((time, actor.clone()));
            let before = json!({ "acknowledge_actor": null });
            let after = json!({ "acknowledge_actor": actor });
            let event = edit.event("alert", &seq.to_string(), Some(before), Some(after));
            edit.commit(vec![Change::AcknowledgeAlert { seq, time, actor }], event).await?;
            edit.handle.announce_alerts();
            Ok(alert)
        };
        self.edit(actor, workspace_id, acknowledge).await
    }
}

impl Shared {
    /// After a commit: stores what these workspaces have raised with it. A failure is no loss: the
    /// ledgers keep their alerts, and they are stored later.
    pub(super) async fn raise(&self, workspaces: &[Arc<WorkspaceHandle>]) {
        if workspaces.is_empty() {
            return;
        }
        if let Err(error) = self.store_alerts(workspaces).await {
            warn!(%error, "alerts are stored later");
        }
    }

    /// Stores what workspaces have raised, or the first part of it, in one transaction. Runs in the
    /// writer, so that positions grow in the order of commits and no receiver changes in between.
    async fn store_alerts(&self, workspaces: &[Arc<WorkspaceHandle>]) -> Result<()> {
        let taken = take_alerts(workspaces);
        if taken.is_empty() {
            return Ok(());
        }
        if let Err(error) = self.put_alerts(&taken).await {
            for (workspace, alerts) in taken {
                workspace.attempt(|ledger| ledger.return_alerts(alerts));
            }
            return Err(error.into());
        }
        for (workspace, _) in taken {
            workspace.announce_alerts();
        }
        self.alerts.notify.notify();
        Ok(())
    }

    async fn put_alerts(&self, taken: &[Taken<'_>]) -> storage::Result<()> {
        let mut stored = Vec::new();
        let mut deliveries = Vec::new();
        for (workspace, alerts) in taken {
            let workspace_id = workspace.id();
            let receivers = self.receivers(workspace_id).await?;
            for alert in alerts {
                let seq = self.alerts.next_seq();
                for (receiver, types) in &receivers {
                    if subscribes(types, alert.key.alert_type) {
                        deliveries.push(self.delivery(workspace_id, seq, receiver.clone()));
                    }
                }
                let (workspace_id, alert) = (workspace_id.clone(), alert.clone());
                stored.push(StoredAlert { seq, workspace_id, alert, acknowledged: None });
            }
        }
        self.until_known(|| self.store.put_alerts(&stored, &deliveries)).await?;
        for alert in &stored {
            telemetry::ALERTS.at([alert.alert.key.alert_type as usize]).inc();
        }
        let created = telemetry::DELIVERIES.at([DeliveryStep::Created as usize]);
        created.add(deliveries.len() as u64);
        if let Some(last) = stored.last() {
            self.alerts.last_stored.fetch_max(last.seq, Ordering::AcqRel);
        }
        Ok(())
    }

    /// The receivers of a workspace, with the types that each subscribes to.
    async fn receivers(
        &self,
        workspace_id: &str,
    ) -> storage::Result<Vec<(Receiver, Vec<AlertType>)>> {
        let mut receivers = Vec::new();
        for webhook in self.store.webhooks(workspace_id).await? {
            if !webhook.disabled {
                receivers.push((Receiver::Webhook(webhook.id), webhook.types));
            }
        }
        for receiver in self.store.email_receivers(workspace_id).await? {
            receivers.push((Receiver::Email(receiver.id), receiver.types));
        }
        Ok(receivers)
    }

    fn delivery(&self, workspace_id: &Arc<str>, alert_seq: i64, receiver: Receiver) -> Delivery {
        let now = self.clock.now();
        Delivery {
            id: Uuid::now_v7().to_string().into(),
            workspace_id: workspace_id.clone(),
            alert_seq,
            receiver,
            state: DeliveryState::Pending,
            attempts: 0,
            next_attempt_time: now,
            last_error: String::new(),
            create_time: now,
            finish_time: None,
        }
    }
}

/// Alerts that were taken out of a ledger.
type Taken<'a> = (&'a WorkspaceHandle, Vec<Alert>);

/// Takes what was raised, at most [`ALERTS_PER_WRITE_MAX`]; ledgers keep the rest.
fn take_alerts(workspaces: &[Arc<WorkspaceHandle>]) -> Vec<Taken<'_>> {
    let mut room = ALERTS_PER_WRITE_MAX;
    let mut taken = Vec::new();
    for workspace in workspaces {
        // One that has failed raises them again when it is loaded.
        let Some(mut ledger) = workspace.lock_sound() else { continue };
        if room == 0 || !ledger.has_alerts() {
            continue;
        }
        let mut alerts = ledger.take_alerts();
        let rest = alerts.split_off(alerts.len().min(room));
        ledger.return_alerts(rest);
        room -= alerts.len();
        taken.push((&**workspace, alerts));
    }
    taken
}

/// Whether a receiver with these types subscribes to one; without any it subscribes to all.
fn subscribes(types: &[AlertType], alert_type: AlertType) -> bool {
    types.is_empty() || types.contains(&alert_type)
}
