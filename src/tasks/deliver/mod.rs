//! Delivery of alerts to webhooks and by e-mail: concurrent, one attempt at a time to each
//! receiver, with retries until the alert is delivered or given up.
//!
//! What is due is in storage, so a shutdown loses nothing: delivery is at least once. An attempt
//! whose result was not stored is made again, with the same id.

pub mod mail;
mod payload;
pub mod schedule;
pub mod webhook;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{Id, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::config::Smtp;
use crate::domain::Time;
use crate::engine::alerts::address::AddressRules;
use crate::engine::alerts::webhook_test::Post;
use crate::engine::alerts::{
    Attempt, Destination, Outgoing, ReceiverChange, ReceiverKey, receiver_id,
};
use crate::engine::{Actor, Engine, Result};
use crate::storage::alerts::Delivery;
use mail::Mailer;
use schedule::Rest;

/// Most concurrent attempts.
pub const ATTEMPTS_AT_ONCE_MAX: usize = 16;
/// How long an attempt may take, from name resolution to the response.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
/// How often storage is polled for what is due; new alerts do not wait for it.
pub const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How long running attempts may still take at shutdown.
pub const STOP_GRACE: Duration = Duration::from_secs(2);
/// Pause after a failure of storage.
const RETRY_PAUSE: Duration = Duration::from_secs(1);
/// Most receivers that are polled at once.
const DUE_RECEIVERS_MAX: usize = 1_024;
/// Longest error that is kept, in characters.
const ERROR_CHARS_MAX: usize = 200;
/// Actor of the audit log where the server disables a webhook itself.
const ACTOR: &str = "tollgate";

/// The result of one attempt.
enum Sent {
    Delivered,
    Failed {
        error: String,
        /// The receiver asks not to be retried before.
        retry_after: Option<Duration>,
    },
    /// The receiver is gone for good.
    Gone,
}

/// Runs until `stop`, then at most [`STOP_GRACE`] longer for running attempts.
pub async fn run(engine: Engine, rules: AddressRules, smtp: Option<Smtp>, stop: CancellationToken) {
    let sender =
        Arc::new(Sender { webhooks: webhook::Client::new(rules), mail: smtp.map(Mailer::new) });
    let mut deliver = Deliver {
        engine,
        sender,
        attempts: JoinSet::new(),
        busy: HashMap::new(),
        resting: HashMap::new(),
        giving_up: JoinSet::new(),
    };
    loop {
        deliver.take_changes();
        if let Err(error) = deliver.start_due().await {
            warn!(%error, "deliveries of alerts are delayed");
        }
        tokio::select! {
            () = stop.cancelled() => break,
            Some(ended) = deliver.attempts.join_next_with_id() => deliver.ended(ended),
            Some(_) = deliver.giving_up.join_next() => {}
            () = deliver.engine.delivery_notify().notified() => {}
            () = sleep(POLL_INTERVAL) => {}
        }
    }
    let all = async { while deliver.attempts.join_next().await.is_some() {} };
    // What is cut off is sent again after the next start, with the same id.
    let _ = timeout(STOP_GRACE, all).await;
}

/// The clients that attempts are made with.
struct Sender {
    webhooks: webhook::Client,
    /// Absent if no mail server is configured.
    mail: Option<Mailer>,
}

struct Deliver {
    engine: Engine,
    sender: Arc<Sender>,
    /// Running attempts; each returns whether it was delivered, or nothing if none was made.
    attempts: JoinSet<Option<bool>>,
    /// Receivers of the running attempts.
    busy: HashMap<Id, ReceiverKey>,
    /// Receivers in backoff after a failure, so that others get their turn.
    resting: HashMap<ReceiverKey, Rest>,
    giving_up: JoinSet<()>,
}

impl Deliver {
    fn take_changes(&mut self) {
        for (receiver, change) in self.engine.delivery_notify().take_changed() {
            self.resting.remove(&receiver);
            if change == ReceiverChange::GiveUp {
                let engine = self.engine.clone();
                self.giving_up.spawn(async move {
                    if let Err(error) = engine.give_up_deliveries(receiver).await {
                        warn!(%error, "deliveries are given up when they are due");
                    }
                });
            }
        }
    }

    async fn start_due(&mut self) -> Result<()> {
        if self.attempts.len() >= ATTEMPTS_AT_ONCE_MAX {
            return Ok(());
        }
        let now = self.engine.now();
        let due = self.engine.store().due_deliveries(now, DUE_RECEIVERS_MAX).await?;
        for delivery in due {
            if self.attempts.len() >= ATTEMPTS_AT_ONCE_MAX {
                break;
            }
            let receiver = (delivery.workspace_id.clone(), delivery.receiver.clone());
            let is_busy = self.busy.values().any(|busy| *busy == receiver);
            if is_busy || self.is_resting(&receiver, now) {
                continue;
            }
            let attempt = attempt(self.engine.clone(), self.sender.clone(), delivery);
            let id = self.attempts.spawn(attempt).id();
            self.busy.insert(id, receiver);
        }
        Ok(())
    }

    fn is_resting(&self, receiver: &ReceiverKey, now: Time) -> bool {
        self.resting.get(receiver).is_some_and(|rest| rest.until > now)
    }

    fn ended(&mut self, ended: std::result::Result<(Id, Option<bool>), tokio::task::JoinError>) {
        let (id, taken) = match ended {
            Ok(ended) => ended,
            Err(cause) => {
                warn!(%cause, "an attempt to deliver an alert failed");
                (cause.id(), Some(false))
            }
        };
        let Some(receiver) = self.busy.remove(&id) else { return };
        match taken {
            Some(true) => {
                self.resting.remove(&receiver);
            }
            Some(false) => {
                let rest = self.resting.entry(receiver).or_default();
                rest.fail(self.engine.now());
            }
            None => {}
        }
    }
}

/// Makes one attempt and stores its result. Returns whether it was delivered; nothing if none was
/// made.
async fn attempt(engine: Engine, sender: Arc<Sender>, delivery: Delivery) -> Option<bool> {
    let outgoing = match engine.outgoing(&delivery).await {
        Ok(Ok(outgoing)) => outgoing,
        Ok(Err(reason)) => {
            store_result(&engine, &delivery, Attempt::GivenUp { reason }).await;
            return None;
        }
        Err(error) => {
            warn!(%error, delivery = %delivery.id, "an alert is delivered later");
            sleep(RETRY_PAUSE).await;
            return None;
        }
    };
    let send = sender.send(&engine, &delivery, &outgoing);
    let sent = timeout(ATTEMPT_TIMEOUT, send).await.unwrap_or_else(|_| Sent::failed("timed out"));
    let now = engine.now();
    let (attempt, taken) = match sent {
        Sent::Delivered => (Attempt::Delivered, true),
        Sent::Gone => (Attempt::Failed { error: "HTTP 410".to_owned(), next: None }, false),
        Sent::Failed { error, retry_after } => {
            let jitter = rand::random_range(-1.0..=1.0);
            let next = schedule::next_attempt(&delivery, now, retry_after, jitter);
            (Attempt::Failed { error: bounded(&error), next }, false)
        }
    };
    log(&delivery, &outgoing, &attempt);
    let is_gone = matches!(&attempt, Attempt::Failed { next: None, error } if error == "HTTP 410");
    store_result(&engine, &delivery, attempt).await;
    if is_gone {
        disable(&engine, &delivery).await;
    }
    Some(taken)
}

impl Sender {
    async fn send(&self, engine: &Engine, delivery: &Delivery, outgoing: &Outgoing) -> Sent {
        match (&outgoing.to, &self.mail) {
            (Destination::Webhook(webhook, Ok(secrets)), _) => {
                let body = payload::body(&outgoing.alert, &outgoing.wording);
                let (id, now) = (&*delivery.id, engine.now());
                self.webhooks.send(Post { webhook, secrets, id, now, body }).await
            }
            (Destination::Webhook(_, Err(unopened)), _) => {
                Sent::failed(format!("not sent: its secret is {unopened}"))
            }
            (Destination::Email(receiver), Some(mailer)) => {
                mailer.send(receiver, &delivery.id, outgoing).await
            }
            (Destination::Email(_), None) => {
                Sent::failed("the server is configured without a mail server")
            }
        }
    }
}

impl Sent {
    fn failed(error: impl Into<String>) -> Sent {
        Sent::Failed { error: error.into(), retry_after: None }
    }
}

/// Tries until it is stored: otherwise the delivery would be due again at once.
async fn store_result(engine: &Engine, delivery: &Delivery, attempt: Attempt) {
    while let Err(error) = engine.finish_attempt(delivery.clone(), attempt.clone()).await {
        warn!(%error, delivery = %delivery.id, "the result of an attempt is stored later");
        sleep(RETRY_PAUSE).await;
    }
}

async fn disable(engine: &Engine, delivery: &Delivery) {
    let actor = Actor::new(ACTOR, "UpdateWebhook");
    let id = receiver_id(&delivery.receiver);
    if let Err(error) = engine.disable_webhook(actor, &delivery.workspace_id, id).await {
        warn!(%error, receiver = %id, "a webhook that is gone could not be disabled");
    }
}

fn log(delivery: &Delivery, outgoing: &Outgoing, attempt: &Attempt) {
    let receiver = receiver_id(&delivery.receiver);
    let id = &delivery.id;
    // Never the URL: it may hold a secret.
    let host = match &outgoing.to {
        Destination::Webhook(webhook, _) => webhook.host(),
        Destination::Email(_) => String::new(),
    };
    match attempt {
        Attempt::Failed { error, next: Some(_) } => {
            info!(delivery = %id, %receiver, host, error, "delivery of an alert failed: retried");
        }
        Attempt::Failed { error, next: None } => {
            warn!(delivery = %id, %receiver, host, error, "delivery of an alert failed: given up");
        }
        Attempt::Delivered | Attempt::GivenUp { .. } => {}
    }
}

/// For people, in one line.
fn bounded(error: &str) -> String {
    let plain = error.chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.take(ERROR_CHARS_MAX).collect()
}
