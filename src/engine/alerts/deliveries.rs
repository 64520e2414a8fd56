//! Deliveries of alerts: listed, repeated, and stored after each attempt.
//!
//! Sends nothing: `tasks/deliver/` does, and is notified here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::super::error::{Error, Result};
use super::super::resources::not_found;
use super::super::{Engine, Shared};
use super::keyring::Unopened;
use super::wording::Wording;
use crate::domain::Time;
use crate::domain::alert::receiver::{EmailReceiver, Webhook};
use crate::domain::alert::secret::SigningSecrets;
use crate::storage::alerts::{Delivery, DeliveryFilter, DeliveryState, Receiver, StoredAlert};
use crate::telemetry::{self, DeliveryStep};

/// Deliveries given up in one job of the writer.
const GIVE_UP_DELIVERIES: usize = 50;

/// A receiver, with its workspace.
pub type ReceiverKey = (Arc<str>, Receiver);

/// Wakes the task that delivers, and passes it the receivers that have changed.
#[derive(Default)]
pub struct DeliveryNotify {
    wake: Notify,
    changed: Mutex<HashMap<ReceiverKey, ReceiverChange>>,
}

/// What happens to the pending deliveries of a receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiverChange {
    /// They are retried now, without backoff.
    RetryNow,
    /// The receiver is gone: they are given up.
    GiveUp,
}

/// What an attempt sends, and where.
pub struct Outgoing {
    pub alert: StoredAlert,
    pub wording: Wording,
    pub to: Destination,
}

pub enum Destination {
    /// With what its deliveries are signed with, or why that cannot be read.
    Webhook(Webhook, std::result::Result<SigningSecrets, Unopened>),
    Email(EmailReceiver),
}

/// A destination, or why there is none any more.
pub type OrGone<T> = std::result::Result<T, &'static str>;

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt {
    Delivered,
    /// Retried at `next`; given up if absent.
    Failed {
        error: String,
        next: Option<Time>,
    },
    /// None was made: there is no destination any more.
    GivenUp {
        reason: &'static str,
    },
}

impl DeliveryNotify {
    pub(super) fn notify(&self) {
        self.wake.notify_one();
    }

    pub(in crate::engine) fn retry_now(&self, workspace_id: &Arc<str>, receiver: Receiver) {
        self.lock().insert((workspace_id.clone(), receiver), ReceiverChange::RetryNow);
        self.notify();
    }

    pub(in crate::engine) fn give_up(&self, workspace_id: &Arc<str>, receiver: Receiver) {
        self.lock().insert((workspace_id.clone(), receiver), ReceiverChange::GiveUp);
        self.notify();
    }

    /// Waits until there is something new since the last time.
    pub async fn notified(&self) {
        self.wake.notified().await;
    }

    /// Receivers that have changed since the last time.
    pub fn take_changed(&self) -> HashMap<ReceiverKey, ReceiverChange> {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ReceiverKey, ReceiverChange>> {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    pub fn delivery_notify(&self) -> &DeliveryNotify {
        &self.shared.alerts.notify
    }

    /// Deliveries that match, latest (`create_time`, id) first, before `after`.
    pub async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        after: Option<(Time, String)>,
        limit: usize,
    ) -> Result<Vec<Delivery>> {
        self.workspace(&filter.workspace_id).await?;
        Ok(self.store().deliveries(filter, after, limit).await?)
    }

    /// Makes a delivery due now, in whatever state it is.
    pub async fn repeat_delivery(&self, workspace_id: &str, id: &str) -> Result<Delivery> {
        let workspace = self.workspace(workspace_id).await?;
        let id = id.to_owned();
        self.in_writer(move |shared| async move {
            let delivery = shared.store.delivery(workspace.id(), &id).await?;
            let mut delivery = delivery.ok_or_else(|| not_found("delivery", &id))?;
            if let Err(reason) = shared.destination(&delivery).await? {
                let refusal = format!("delivery_id: cannot be repeated: {reason}");
                return Err(Error::NotAllowed(refusal));
            }
            delivery.state = DeliveryState::Pending;
            delivery.next_attempt_time = shared.clock.now();
            delivery.finish_time = None;
            shared.until_known(|| shared.store.put_delivery(&delivery)).await?;
            shared.alerts.notify.retry_now(workspace.id(), delivery.receiver.clone());
            Ok(delivery)
        })
        .await
    }

    /// What an attempt sends, and where; the reason if there is no destination any more.
    pub async fn outgoing(&self, delivery: &Delivery) -> Result<OrGone<Outgoing>> {
        let store = self.store();
        let to = match self.shared.destination(delivery).await? {
            Ok(to) => to,
            Err(reason) => return Ok(Err(reason)),
        };
        let workspace = store.workspace(&delivery.workspace_id).await?;
        let workspace =
            workspace.ok_or_else(|| Error::WorkspaceNotFound(delivery.workspace_id.to_string()))?;
        let alert = store.alert(&delivery.workspace_id, delivery.alert_seq).await?;
        let alert = alert.ok_or_else(|| not_found("alert", delivery.alert_seq))?;
        Ok(Ok(Outgoing { alert, wording: Wording::of(&workspace), to }))
    }

    /// Stores the result of an attempt that was begun with `begun`.
    pub async fn finish_attempt(&self, begun: Delivery, attempt: Attempt) -> Result<()> {
        self.in_writer(move |shared| async move {
            let now = shared.clock.now();
            let (workspace_id, id) = (&begun.workspace_id, &begun.id);
            let Some(stored) = shared.store.delivery(workspace_id, id).await? else {
                return Ok(());
            };
            let finished = finished(stored, &begun, attempt, now);
            shared.until_known(|| shared.store.put_delivery(&finished)).await?;
            count(finished.state);
            Ok(())
        })
        .await
    }

    /// Gives up the pending deliveries of a receiver that is gone.
    pub async fn give_up_deliveries(&self, (workspace_id, receiver): ReceiverKey) -> Result<()> {
        let mut after = None;
        loop {
            let (workspace_id, receiver) = (workspace_id.clone(), receiver.clone());
            // A few at a time: records are written in between.
            let give_up = self.in_writer(move |shared| async move {
                shared.give_up(&workspace_id, &receiver, after).await
            });
            match give_up.await? {
                Some(last) => after = Some(last),
                None => return Ok(()),
            }
        }
    }
}

impl Shared {
    /// Gives up some. Returns the position of the last one, if others follow.
    async fn give_up(
        &self,
        workspace_id: &Arc<str>,
        receiver: &Receiver,
        after: Option<(Time, String)>,
    ) -> Result<Option<(Time, String)>> {
        let filter = DeliveryFilter {
            workspace_id: workspace_id.to_string(),
            receiver_id: Some(receiver_id(receiver).to_string()),
            alert_seq: None,
            state: Some(DeliveryState::Pending),
        };
        let page = self.store.deliveries(&filter, after, GIVE_UP_DELIVERIES).await?;
        for delivery in &page {
            if delivery.receiver != *receiver {
                continue;
            }
            // It may exist again.
            let Err(reason) = self.destination(delivery).await? else { return Ok(None) };
            let attempt = Attempt::GivenUp { reason };
            let finished = finished(delivery.clone(), delivery, attempt, self.clock.now());
            self.until_known(|| self.store.put_delivery(&finished)).await?;
            count(finished.state);
        }
        let is_full = page.len() == GIVE_UP_DELIVERIES;
        let last = page.last().filter(|_| is_full);
        Ok(last.map(|last| (last.create_time, last.id.to_string())))
    }

    /// Where a delivery goes; the reason if there is no destination any more.
    async fn destination(&self, delivery: &Delivery) -> Result<OrGone<Destination>> {
        let workspace_id = &delivery.workspace_id;
        match &delivery.receiver {
            Receiver::Webhook(id) => {
                let mut webhooks = self.store.webhooks(workspace_id).await?.into_iter();
                Ok(match webhooks.find(|webhook| webhook.id == *id) {
                    None => Err("the webhook was deleted"),
                    Some(webhook) if webhook.disabled => Err("the webhook is disabled"),
                    Some(webhook) => {
                        let secrets = self.keyring.signing_secrets(workspace_id, &webhook);
                        Ok(Destination::Webhook(webhook, secrets))
                    }
                })
            }
            Receiver::Email(id) => {
                let mut receivers = self.store.email_receivers(workspace_id).await?.into_iter();
                let found = receivers.find(|receiver| receiver.id == *id);
                Ok(found.map(Destination::Email).ok_or("the e-mail receiver was deleted"))
            }
        }
    }
}

pub fn receiver_id(receiver: &Receiver) -> &Arc<str> {
    match receiver {
        Receiver::Webhook(id) | Receiver::Email(id) => id,
    }
}

/// Counts what came of an attempt.
fn count(state: DeliveryState) {
    let step = match state {
        DeliveryState::Delivered => DeliveryStep::Delivered,
        DeliveryState::Pending => DeliveryStep::Retried,
        DeliveryState::Dead => DeliveryStep::Dead,
    };
    telemetry::DELIVERIES.at([step as usize]).inc();
}

/// The stored delivery with the result of an attempt that was begun with `begun`. In between it may
/// have been given up, or a repeat requested.
fn finished(stored: Delivery, begun: &Delivery, attempt: Attempt, now: Time) -> Delivery {
    let is_repeat_requested = stored.next_attempt_time != begun.next_attempt_time;
    let is_pending = stored.state == DeliveryState::Pending;
    let mut delivery = stored;
    let state = match attempt {
        Attempt::Delivered => {
            delivery.attempts += 1;
            delivery.last_error = String::new();
            DeliveryState::Delivered
        }
        Attempt::Failed { error, next } => {
            delivery.attempts += 1;
            delivery.last_error = error;
            match next {
                _ if !is_pending => return delivery,
                _ if is_repeat_requested => return delivery,
                Some(next) => {
                    delivery.next_attempt_time = next;
                    return delivery;
                }
                None => DeliveryState::Dead,
            }
        }
        Attempt::GivenUp { .. } if !is_pending => return delivery,
        Attempt::GivenUp { reason } => {
            delivery.last_error = reason.to_owned();
            DeliveryState::Dead
        }
    };
    delivery.state = state;
    delivery.finish_time = Some(now);
    delivery
}
