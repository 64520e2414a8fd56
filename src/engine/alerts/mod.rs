//! Alerts after a ledger has raised them: stored by the writer, with a delivery for each receiver
//! that wants them; listed, acknowledged, watched.
//!
//! Raises nothing and sends nothing. Nothing here holds up a check: ledgers are locked to take
//! alerts out of them, never while they are stored.

pub mod address;
mod deliveries;
mod receivers;
mod watch;
pub mod wording;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::json;
use tracing::warn;
use uuid::Uuid;

use super::audit::By;
use super::error::{Error, Result};
use super::{Engine, Shared, WorkspaceHandle};
use crate::domain::alert::{Alert, AlertType};
use crate::storage;
use crate::storage::alerts::{AlertFilter, Delivery, DeliveryState, Receiver, StoredAlert};
use crate::storage::policy::Change;

pub use deliveries::{
    Attempt, DeliveryBell, Destination, Outgoing, ReceiverChange, ReceiverKey, receiver_id,
};
pub use receivers::{
    EMAIL_RECEIVERS_MAX, NewEmailReceiver, NewWebhook, SECRET_BYTES, SECRET_OVERLAP, WEBHOOKS_MAX,
    WebhookChange, host,
};
pub use watch::AlertWatch;
use wording::Wording;

/// Most alerts in one transaction: records wait no longer than for that.
pub const ALERTS_PER_WRITE_MAX: usize = 500;

/// Positions of alerts.
pub(super) struct AlertPositions {
    /// The latest that was handed out.
    last: AtomicI64,
    /// The latest that is stored.
    stored: AtomicI64,
}

impl AlertPositions {
    pub fn new(last: i64) -> AlertPositions {
        AlertPositions { last: AtomicI64::new(last), stored: AtomicI64::new(last) }
    }

    fn next(&self) -> i64 {
        self.last.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn stored(&self) -> i64 {
        self.stored.load(Ordering::Acquire)
    }
}

impl Engine {
    /// Stores what the ledgers of all loaded workspaces have raised: for alerts that no write
    /// comes after, and for those that could not be stored before.
    pub async fn store_raised(&self) -> Result<()> {
        loop {
            let mut workspaces = self.loaded_workspaces();
            workspaces.retain(|workspace| workspace.lock().has_alerts());
            if workspaces.is_empty() {
                return Ok(());
            }
            // In a defined order, so that a simulation runs the same way twice.
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
            // So that a caller finds what its own record has raised: that is answered before
            // alerts are stored.
            self.in_writer(move |shared| async move { shared.store_alerts(&[workspace]).await })
                .await?;
        }
        Ok(self.store().alerts(filter, before, limit).await?)
    }

    /// What the alerts of a workspace are told in.
    pub async fn wording(&self, workspace_id: &str) -> Result<Wording> {
        let workspace = self.workspace(workspace_id).await?;
        let ledger = workspace.lock();
        Ok(Wording::of(ledger.workspace()))
    }

    /// Marks an alert as seen; a second time changes nothing.
    pub async fn acknowledge_alert(
        &self,
        by: By,
        workspace_id: &str,
        seq: i64,
    ) -> Result<StoredAlert> {
        let workspace = self.workspace(workspace_id).await?;
        self.in_writer(move |shared| async move {
            let id = workspace.id();
            let alert = shared.store.alert(id, seq).await?;
            let mut alert = alert.ok_or_else(|| not_found("alert", seq))?;
            if alert.acknowledged.is_some() {
                return Ok(alert);
            }
            let (time, actor) = (shared.clock.now(), by.actor.clone());
            alert.acknowledged = Some((time, actor.clone()));
            let before = json!({ "acknowledge_actor": null });
            let after = json!({ "acknowledge_actor": actor });
            let event = by.event(time, id, "alert", &seq.to_string(), Some(before), Some(after));
            let change = Change::AcknowledgeAlert { seq, time, actor };
            shared.change(id, vec![change], event.into_iter().collect()).await?;
            Ok(alert)
        })
        .await
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
                workspace.lock().return_alerts(alerts);
            }
            return Err(error.into());
        }
        for (workspace, _) in taken {
            workspace.announce_alerts();
        }
        self.bell.ring();
        Ok(())
    }

    async fn put_alerts(&self, taken: &[Taken<'_>]) -> storage::Result<()> {
        let mut stored = Vec::new();
        let mut deliveries = Vec::new();
        for (workspace, alerts) in taken {
            let workspace_id = workspace.id();
            let receivers = self.receivers(workspace_id).await?;
            for alert in alerts {
                let seq = self.alert_positions.next();
                for (receiver, types) in &receivers {
                    if wants(types, alert.key.alert_type) {
                        deliveries.push(self.delivery(workspace_id, seq, receiver.clone()));
                    }
                }
                let (workspace_id, alert) = (workspace_id.clone(), alert.clone());
                stored.push(StoredAlert { seq, workspace_id, alert, acknowledged: None });
            }
        }
        self.until_known(|| self.store.put_alerts(&stored, &deliveries)).await?;
        if let Some(last) = stored.last() {
            self.alert_positions.stored.fetch_max(last.seq, Ordering::AcqRel);
        }
        Ok(())
    }

    /// Whom a workspace's alerts are sent to, and which types each of them wants.
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
        let mut ledger = workspace.lock();
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

fn not_found(resource: &'static str, id: impl ToString) -> Error {
    Error::ResourceNotFound { resource, id: id.to_string() }
}

/// Whether a receiver with these types wants an alert; without any it wants all.
fn wants(types: &[AlertType], alert_type: AlertType) -> bool {
    types.is_empty() || types.contains(&alert_type)
}
