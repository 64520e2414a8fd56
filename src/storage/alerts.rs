//! The part of the contract about alerts, their receivers and their deliveries.

use std::sync::Arc;

use async_trait::async_trait;

use super::Result;
pub use crate::domain::alert::receiver::{EmailReceiver, Webhook};
pub use crate::domain::alert::secret::WebhookSecrets;
use crate::domain::alert::{Alert, AlertKey, AlertSubject, AlertType};
use crate::domain::{Time, coded_enum};

/// An alert as it was raised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAlert {
    /// Position among all alerts: grows with each one, with gaps.
    pub seq: i64,
    pub workspace_id: Arc<str>,
    pub alert: Alert,
    /// When and by whom it was acknowledged.
    pub acknowledged: Option<(Time, String)>,
}

/// Which alerts to list. Absent parts do not restrict.
#[derive(Clone, Debug, Default)]
pub struct AlertFilter {
    pub workspace_id: String,
    /// Empty for all.
    pub types: Vec<AlertType>,
    pub quota_id: Option<String>,
    pub subject: Option<AlertSubjectFilter>,
    pub unacknowledged_only: bool,
    /// Raised at or after.
    pub from: Option<Time>,
    /// Raised before.
    pub to: Option<Time>,
}

/// The subject that alerts are about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlertSubjectFilter {
    /// The workspace as a whole: its envelope, its holds, its own quotas.
    Workspace,
    Model(String),
    /// A subject of quotas, or a member of the workspace.
    Subject {
        kind: crate::domain::attribution::SubjectKind,
        subject_id: String,
    },
}

/// The receiver of an alert.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Receiver {
    Webhook(Arc<str>),
    Email(Arc<str>),
}

coded_enum! {
    /// What became of a delivery.
    pub enum DeliveryState {
        Pending = 0,
        Delivered = 1,
        /// Given up.
        Dead = 2,
    }
}

/// One alert on its way to one receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// UUIDv7, in lower case.
    pub id: Arc<str>,
    pub workspace_id: Arc<str>,
    pub alert_seq: i64,
    pub receiver: Receiver,
    pub state: DeliveryState,
    pub attempts: i32,
    /// When the next attempt is due, while it is pending.
    pub next_attempt_time: Time,
    /// Empty if the last attempt did not fail.
    pub last_error: String,
    pub create_time: Time,
    pub finish_time: Option<Time>,
}

/// Which deliveries to list. Absent parts do not restrict.
#[derive(Clone, Debug, Default)]
pub struct DeliveryFilter {
    pub workspace_id: String,
    pub receiver_id: Option<String>,
    pub alert_seq: Option<i64>,
    pub state: Option<DeliveryState>,
}

/// Alerts and their deliveries. General rules: see [`super::Store`].
#[async_trait]
pub trait AlertStore: Send + Sync + 'static {
    /// Must return the greatest `seq` of the alerts, or 0 if there are none.
    async fn last_alert_seq(&self) -> Result<i64>;

    /// Stores the alerts whose key (workspace, [`AlertKey`]) is not there yet, and the deliveries
    /// whose alert is there under the `alert_seq` that they name, in one transaction. An alert
    /// whose key is there under another `seq` must be left as it is, and its deliveries must not
    /// be stored. `seq`s grow within `alerts` and are greater than those of earlier calls, tries
    /// of the same alerts aside.
    async fn put_alerts(&self, alerts: &[StoredAlert], deliveries: &[Delivery]) -> Result<()>;

    /// Must return the keys of the alerts of a workspace whose window began at or after `since`.
    async fn raised(&self, workspace_id: &str, since: Time) -> Result<Vec<AlertKey>>;

    /// Must return the start of the latest window of the alerts of a workspace about large records;
    /// `None` if there are none. Must not take time in proportion to other alerts.
    async fn latest_large_record_alert(&self, workspace_id: &str) -> Result<Option<Time>>;

    /// Must return `None` if there is no such alert in the workspace.
    async fn alert(&self, workspace_id: &str, seq: i64) -> Result<Option<StoredAlert>>;

    /// Must return at most `limit` alerts that match, latest `seq` first, with a `seq` less than
    /// `before`.
    async fn alerts(
        &self,
        filter: &AlertFilter,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<StoredAlert>>;

    /// Must return how many alerts match, counted to `most`.
    async fn count_alerts(&self, filter: &AlertFilter, most: usize) -> Result<usize>;

    /// Must return at most `limit` alerts of a workspace with a `seq` greater than `after`, by
    /// `seq`.
    async fn alerts_after(
        &self,
        workspace_id: &str,
        after: i64,
        limit: usize,
    ) -> Result<Vec<StoredAlert>>;

    /// Must return the webhooks of a workspace by id.
    async fn webhooks(&self, workspace_id: &str) -> Result<Vec<Webhook>>;

    /// Must return the secrets of the webhooks of all workspaces whose (workspace, webhook) is
    /// greater than `after`, in that order; at most `limit`.
    async fn webhook_secrets(
        &self,
        after: Option<(&str, &str)>,
        limit: usize,
    ) -> Result<Vec<WebhookSecrets>>;

    /// Must replace the secrets of these webhooks, of each one at most once, and change nothing
    /// else of them, in one transaction. The time until which an old secret is used stays, so one
    /// may be named only where there is one. Webhooks that are not there must be passed over.
    async fn put_webhook_secrets(&self, secrets: &[WebhookSecrets]) -> Result<()>;

    /// Must return whether a webhook with a plain secret was ever stored that
    /// [`AlertStore::wipe_plain_secrets`] has not followed.
    async fn may_hold_plain_secrets(&self) -> Result<bool>;

    /// Must leave nothing of what webhooks were replaced or deleted with in the files of the
    /// database: neither in free space nor in logs that are its own. (Postgres keeps segments of
    /// its write-ahead log for a while, and archives and copies have what they have.) Must fail
    /// where it cannot, with nothing changed. No webhook may have a plain secret.
    async fn wipe_plain_secrets(&self) -> Result<()>;

    /// Must return the e-mail receivers of a workspace by id.
    async fn email_receivers(&self, workspace_id: &str) -> Result<Vec<EmailReceiver>>;

    /// Must return, for each receiver with pending deliveries whose `next_attempt_time` is at or
    /// before `now`, the one that is longest due (of equals the least id); at most `limit` of
    /// these, the longest due first. One for each receiver, so that a long queue of one does not
    /// block others. Must not take time in proportion to finished deliveries.
    async fn due_deliveries(&self, now: Time, limit: usize) -> Result<Vec<Delivery>>;

    /// Must replace the delivery of the same id. Must change nothing if there is none.
    async fn put_delivery(&self, delivery: &Delivery) -> Result<()>;

    /// Must return `None` if there is no such delivery in the workspace.
    async fn delivery(&self, workspace_id: &str, id: &str) -> Result<Option<Delivery>>;

    /// Must return at most `limit` deliveries that match, latest (`create_time`, id) first, before
    /// `after`.
    async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        after: Option<(Time, String)>,
        limit: usize,
    ) -> Result<Vec<Delivery>>;
}

impl StoredAlert {
    /// Which large record of its day it is about, if it is about one.
    pub fn large_record_number(&self) -> Option<i64> {
        let key = &self.alert.key;
        (key.alert_type == AlertType::LargeRecord).then_some(key.base_limit)
    }

    /// The quota it is about, if it is about one.
    pub fn quota_id(&self) -> Option<&Arc<str>> {
        match &self.alert.key.subject {
            AlertSubject::Quota { quota_id, .. } => Some(quota_id),
            AlertSubject::Workspace | AlertSubject::Model(_) | AlertSubject::Member { .. } => None,
        }
    }
}
