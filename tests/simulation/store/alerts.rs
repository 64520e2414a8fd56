//! Alerts and their deliveries.

use std::collections::BTreeSet;
use std::ops::Bound;

use async_trait::async_trait;
use tollgate::domain::Time;
use tollgate::domain::alert::receiver::{EmailReceiver, Webhook};
use tollgate::domain::alert::secret::StoredSecret;
use tollgate::domain::alert::{AlertKey, AlertSubject};
use tollgate::domain::attribution::SubjectKind;
use tollgate::storage::alerts::{
    AlertFilter, AlertStore, AlertSubjectFilter, Delivery, DeliveryFilter, DeliveryState, Receiver,
    StoredAlert, WebhookSecrets,
};
use tollgate::storage::{Error, Result};

use super::SimStore;
use super::faults::Fault;
use super::settings::{latest, of};

#[async_trait]
impl AlertStore for SimStore {
    async fn last_alert_seq(&self) -> Result<i64> {
        self.read(|disk| disk.alerts.keys().last().copied().unwrap_or(0)).await
    }

    async fn put_alerts(&self, alerts: &[StoredAlert], deliveries: &[Delivery]) -> Result<()> {
        let is_lost = self.faults.has(Fault::AlertIsLost);
        self.write(|disk| {
            for alert in alerts.iter().filter(|_| !is_lost) {
                let same = |other: &&StoredAlert| {
                    other.workspace_id == alert.workspace_id && other.alert.key == alert.alert.key
                };
                if disk.alerts.values().find(same).is_some() {
                    continue;
                }
                if disk.alerts.contains_key(&alert.seq) {
                    return Err(Error::Corrupt(format!("another alert at {}", alert.seq)));
                }
                disk.alerts.insert(alert.seq, alert.clone());
            }
            for delivery in deliveries {
                let alert = disk.alerts.get(&delivery.alert_seq);
                if alert.is_some_and(|alert| alert.workspace_id == delivery.workspace_id) {
                    let id = delivery.id.to_string();
                    disk.deliveries.entry(id).or_insert_with(|| delivery.clone());
                }
            }
            Ok(())
        })
        .await
    }

    async fn latest_large_record_alert(&self, workspace_id: &str) -> Result<Option<Time>> {
        self.read(|disk| {
            let own = disk.alerts.values().filter(|alert| *alert.workspace_id == *workspace_id);
            let large = own.filter(|alert| alert.large_record_number().is_some());
            large.map(|alert| alert.alert.key.window_start).max()
        })
        .await
    }

    async fn raised(&self, workspace_id: &str, since: Time) -> Result<Vec<AlertKey>> {
        self.read(|disk| {
            let own = disk.alerts.values().filter(|alert| *alert.workspace_id == *workspace_id);
            let keys = own.map(|alert| &alert.alert.key);
            keys.filter(|key| key.window_start >= since).cloned().collect()
        })
        .await
    }

    async fn alert(&self, workspace_id: &str, seq: i64) -> Result<Option<StoredAlert>> {
        self.read(|disk| {
            let alert = disk.alerts.get(&seq);
            alert.filter(|alert| *alert.workspace_id == *workspace_id).cloned()
        })
        .await
    }

    async fn alerts(
        &self,
        filter: &AlertFilter,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<StoredAlert>> {
        self.read(|disk| {
            let before = disk.alerts.values().rev().filter(|alert| {
                before.is_none_or(|before| alert.seq < before) && matches(alert, filter)
            });
            before.take(limit).cloned().collect()
        })
        .await
    }

    async fn count_alerts(&self, filter: &AlertFilter, most: usize) -> Result<usize> {
        Ok(self.alerts(filter, None, most).await?.len())
    }

    async fn alerts_after(
        &self,
        workspace_id: &str,
        after: i64,
        limit: usize,
    ) -> Result<Vec<StoredAlert>> {
        self.read(|disk| {
            let later = disk
                .alerts
                .values()
                .filter(|alert| alert.seq > after && *alert.workspace_id == *workspace_id);
            later.take(limit).cloned().collect()
        })
        .await
    }

    async fn webhooks(&self, workspace_id: &str) -> Result<Vec<Webhook>> {
        self.read(|disk| of(&disk.webhooks, workspace_id).cloned().collect()).await
    }

    async fn webhook_secrets(
        &self,
        after: Option<(&str, &str)>,
        limit: usize,
    ) -> Result<Vec<WebhookSecrets>> {
        self.read(|disk| {
            let (workspace_id, webhook_id) = after.unwrap_or_default();
            let after = (workspace_id.to_owned(), webhook_id.to_owned());
            let range = (Bound::Excluded(after), Bound::Unbounded);
            let later =
                disk.webhooks.range(range).map(|((workspace_id, _), webhook)| WebhookSecrets {
                    workspace_id: workspace_id.as_str().into(),
                    webhook_id: webhook.id.clone(),
                    secret: webhook.secret.clone(),
                    old_secret: webhook.old_secret.as_ref().map(|(secret, _)| secret.clone()),
                });
            later.take(limit).collect()
        })
        .await
    }

    async fn put_webhook_secrets(&self, secrets: &[WebhookSecrets]) -> Result<()> {
        self.write(|disk| {
            for put in secrets {
                let key = (put.workspace_id.to_string(), put.webhook_id.to_string());
                let Some(webhook) = disk.webhooks.get_mut(&key) else { continue };
                webhook.secret = put.secret.clone();
                let until = webhook.old_secret.as_ref().map(|(_, until)| *until);
                webhook.old_secret = put.old_secret.clone().zip(until);
                disk.plain_secrets |= put.each().any(StoredSecret::is_plain);
            }
            Ok(())
        })
        .await
    }

    async fn may_hold_plain_secrets(&self) -> Result<bool> {
        self.read(|disk| disk.plain_secrets).await
    }

    async fn wipe_plain_secrets(&self) -> Result<()> {
        self.write(|disk| {
            disk.plain_secrets = false;
            Ok(())
        })
        .await
    }

    async fn email_receivers(&self, workspace_id: &str) -> Result<Vec<EmailReceiver>> {
        self.read(|disk| of(&disk.email_receivers, workspace_id).cloned().collect()).await
    }

    async fn due_deliveries(&self, now: Time, limit: usize) -> Result<Vec<Delivery>> {
        self.read(|disk| {
            let mut due: Vec<&Delivery> = disk
                .deliveries
                .values()
                .filter(|delivery| delivery.state == DeliveryState::Pending)
                .filter(|delivery| delivery.next_attempt_time <= now)
                .collect();
            due.sort_by_key(|delivery| (delivery.next_attempt_time, delivery.id.clone()));
            let mut seen = BTreeSet::new();
            due.retain(|delivery| {
                let (kind, id) = receiver(&delivery.receiver);
                seen.insert((delivery.workspace_id.clone(), kind, id))
            });
            due.into_iter().take(limit).cloned().collect()
        })
        .await
    }

    async fn put_delivery(&self, delivery: &Delivery) -> Result<()> {
        self.write(|disk| {
            if let Some(there) = disk.deliveries.get_mut(&*delivery.id) {
                *there = delivery.clone();
            }
            Ok(())
        })
        .await
    }

    async fn delivery(&self, workspace_id: &str, id: &str) -> Result<Option<Delivery>> {
        self.read(|disk| {
            let delivery = disk.deliveries.get(id);
            delivery.filter(|delivery| *delivery.workspace_id == *workspace_id).cloned()
        })
        .await
    }

    async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        after: Option<(Time, String)>,
        limit: usize,
    ) -> Result<Vec<Delivery>> {
        self.read(|disk| {
            let found = disk.deliveries.values().filter(|delivery| {
                let id = receiver(&delivery.receiver).1;
                *delivery.workspace_id == *filter.workspace_id
                    && filter.receiver_id.as_ref().is_none_or(|wanted| **wanted == *id)
                    && filter.alert_seq.is_none_or(|seq| seq == delivery.alert_seq)
                    && filter.state.is_none_or(|state| state == delivery.state)
            });
            latest(found, after, limit, |delivery| (delivery.create_time, delivery.id.to_string()))
        })
        .await
    }
}

fn receiver(receiver: &Receiver) -> (u8, &str) {
    match receiver {
        Receiver::Webhook(id) => (0, id),
        Receiver::Email(id) => (1, id),
    }
}

fn matches(alert: &StoredAlert, filter: &AlertFilter) -> bool {
    let key = &alert.alert.key;
    let is_about = match (&filter.subject, &key.subject) {
        (None, _) | (Some(AlertSubjectFilter::Workspace), AlertSubject::Workspace) => true,
        (Some(AlertSubjectFilter::Workspace), AlertSubject::Quota { kind, .. }) => {
            *kind == SubjectKind::Workspace
        }
        (Some(AlertSubjectFilter::Model(wanted)), AlertSubject::Model(id)) => **wanted == **id,
        (
            Some(AlertSubjectFilter::Subject { kind: wanted, subject_id: name }),
            AlertSubject::Quota { kind, subject_id, .. }
            | AlertSubject::Member { kind, subject_id },
        ) => wanted == kind && **name == **subject_id,
        _ => false,
    };
    let quota_id = alert.quota_id().map(|id| &**id);
    *alert.workspace_id == *filter.workspace_id
        && is_about
        && (filter.types.is_empty() || filter.types.contains(&key.alert_type))
        && (filter.quota_id.is_none() || filter.quota_id.as_deref() == quota_id)
        && !(filter.unacknowledged_only && alert.acknowledged.is_some())
        && filter.from.is_none_or(|from| alert.alert.time >= from)
        && filter.to.is_none_or(|to| alert.alert.time < to)
}
