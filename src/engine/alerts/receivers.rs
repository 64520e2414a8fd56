//! Who is told of alerts: webhooks and e-mail receivers, changed through the writer and audited
//! without their secrets; and the thresholds of a workspace.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

use super::super::audit::By;
use super::super::error::{Error, Result};
use super::super::policy::Part;
use super::super::{Engine, Shared, WorkspaceHandle};
use super::{not_found, wording};
use crate::domain::alert::{AlertPolicy, AlertType};
use crate::domain::time::{MICROS_PER_DAY, Micros};
use crate::storage::alerts::{EmailReceiver, Receiver, Webhook};
use crate::storage::policy::Change;

/// Most webhooks of a workspace.
pub const WEBHOOKS_MAX: usize = 100;
/// Most e-mail receivers of a workspace.
pub const EMAIL_RECEIVERS_MAX: usize = 100;
/// Length of a secret.
pub const SECRET_BYTES: usize = 32;
/// How long deliveries are signed with the secret before as well.
pub const SECRET_OVERLAP: Micros = MICROS_PER_DAY;
/// What a secret begins with where it is shown.
const SECRET_PREFIX: &str = "whsec_";

const POLICY: Part = Part {
    resource_type: "alert_policy",
    describe: |workspace| {
        Some(json!({
            "envelope_threshold_percents": workspace.alerts.envelope,
            "model_limit_threshold_percents": workspace.alerts.model_limits,
        }))
    },
};

/// A webhook to be created. Its URL is allowed.
#[derive(Clone, Debug)]
pub struct NewWebhook {
    /// Made here if empty.
    pub id: String,
    pub url: Url,
    pub types: Vec<AlertType>,
    pub disabled: bool,
    pub display_name: String,
}

/// What is to be changed of a webhook; absent parts stay.
#[derive(Clone, Debug, Default)]
pub struct WebhookChange {
    pub url: Option<Url>,
    pub types: Option<Vec<AlertType>>,
    pub disabled: Option<bool>,
    pub display_name: Option<String>,
}

/// An e-mail receiver to be created. Its address is one.
#[derive(Clone, Debug)]
pub struct NewEmailReceiver {
    /// Made here if empty.
    pub id: String,
    pub address: String,
    pub types: Vec<AlertType>,
}

impl Engine {
    pub async fn alert_policy(&self, workspace_id: &str) -> Result<AlertPolicy> {
        Ok(self.get_workspace(workspace_id).await?.alerts)
    }

    pub async fn set_alert_policy(
        &self,
        by: By,
        workspace_id: &str,
        policy: AlertPolicy,
    ) -> Result<AlertPolicy> {
        let set = self.change_workspace(by, workspace_id, POLICY, move |_, mut workspace| async {
            workspace.alerts = policy;
            Ok(workspace)
        });
        Ok(set.await?.alerts)
    }

    pub async fn webhooks(&self, workspace_id: &str) -> Result<Vec<Webhook>> {
        self.workspace(workspace_id).await?;
        Ok(self.store().webhooks(workspace_id).await?)
    }

    /// The new webhook, and its secret as it is shown this once.
    pub async fn create_webhook(
        &self,
        by: By,
        workspace_id: &str,
        new: NewWebhook,
    ) -> Result<(Webhook, String)> {
        let workspace = self.workspace(workspace_id).await?;
        self.in_writer(move |shared| async move {
            let there = shared.store.webhooks(workspace.id()).await?;
            let id = id_or_new(new.id);
            if there.iter().any(|webhook| *webhook.id == *id) {
                return Err(exists("webhook", &id));
            }
            bounded("webhooks of a workspace", there.len(), WEBHOOKS_MAX)?;
            let now = shared.clock.now();
            let secret = new_secret();
            let shown = show(&secret);
            let webhook = Webhook {
                id,
                url: new.url.into(),
                types: new.types,
                disabled: new.disabled,
                display_name: new.display_name,
                secret,
                old_secret: None,
                create_time: now,
                update_time: now,
            };
            shared.put_webhook(by, &workspace, None, &webhook).await?;
            Ok((webhook, shown))
        })
        .await
    }

    pub async fn update_webhook(
        &self,
        by: By,
        workspace_id: &str,
        id: &str,
        change: WebhookChange,
    ) -> Result<Webhook> {
        self.change_webhook(by, workspace_id, id, move |webhook| {
            if let Some(url) = change.url {
                webhook.url = url.into();
            }
            webhook.types = change.types.unwrap_or_else(|| webhook.types.clone());
            webhook.disabled = change.disabled.unwrap_or(webhook.disabled);
            if let Some(display_name) = change.display_name {
                webhook.display_name = display_name;
            }
        })
        .await
    }

    /// The new secret as it is shown this once. The one before is used as well for
    /// [`SECRET_OVERLAP`].
    pub async fn rotate_webhook_secret(
        &self,
        by: By,
        workspace_id: &str,
        id: &str,
    ) -> Result<String> {
        let until = self.now() + SECRET_OVERLAP;
        let rotate = move |webhook: &mut Webhook| {
            let before = std::mem::replace(&mut webhook.secret, new_secret());
            webhook.old_secret = Some((before, until));
        };
        let webhook = self.change_webhook(by, workspace_id, id, rotate).await?;
        Ok(show(&webhook.secret))
    }

    /// Disables a webhook whose receiver says that it is gone.
    pub async fn disable_webhook(&self, by: By, workspace_id: &str, id: &str) -> Result<()> {
        let disable = |webhook: &mut Webhook| webhook.disabled = true;
        self.change_webhook(by, workspace_id, id, disable).await?;
        Ok(())
    }

    pub async fn delete_webhook(&self, by: By, workspace_id: &str, id: &str) -> Result<()> {
        let workspace = self.workspace(workspace_id).await?;
        let id: Arc<str> = id.into();
        self.in_writer(move |shared| async move {
            let webhook = shared.webhook(&workspace, &id).await?;
            let now = shared.clock.now();
            let before = Some(webhook_json(&webhook));
            let event = by.event(now, workspace.id(), "webhook", &id, before, None);
            let change = Change::DeleteWebhook(id.clone());
            shared.change(workspace.id(), vec![change], event.into_iter().collect()).await?;
            shared.bell.give_up(workspace.id(), Receiver::Webhook(id));
            Ok(())
        })
        .await
    }

    pub async fn email_receivers(&self, workspace_id: &str) -> Result<Vec<EmailReceiver>> {
        self.workspace(workspace_id).await?;
        Ok(self.store().email_receivers(workspace_id).await?)
    }

    pub async fn create_email_receiver(
        &self,
        by: By,
        workspace_id: &str,
        new: NewEmailReceiver,
    ) -> Result<EmailReceiver> {
        let workspace = self.workspace(workspace_id).await?;
        self.in_writer(move |shared| async move {
            let there = shared.store.email_receivers(workspace.id()).await?;
            let id = id_or_new(new.id);
            if there.iter().any(|receiver| *receiver.id == *id) {
                return Err(exists("email_receiver", &id));
            }
            bounded("e-mail receivers of a workspace", there.len(), EMAIL_RECEIVERS_MAX)?;
            let now = shared.clock.now();
            let (address, types) = (new.address, new.types);
            let receiver = EmailReceiver { id: id.clone(), address, types, create_time: now };
            let after = Some(email_json(&receiver));
            let event = by.event(now, workspace.id(), "email_receiver", &id, None, after);
            let change = Change::PutEmailReceiver(receiver.clone());
            shared.change(workspace.id(), vec![change], event.into_iter().collect()).await?;
            Ok(receiver)
        })
        .await
    }

    pub async fn delete_email_receiver(&self, by: By, workspace_id: &str, id: &str) -> Result<()> {
        let workspace = self.workspace(workspace_id).await?;
        let id: Arc<str> = id.into();
        self.in_writer(move |shared| async move {
            let mut there = shared.store.email_receivers(workspace.id()).await?.into_iter();
            let receiver = there.find(|receiver| receiver.id == id);
            let receiver = receiver.ok_or_else(|| not_found("email_receiver", &id))?;
            let now = shared.clock.now();
            let before = Some(email_json(&receiver));
            let event = by.event(now, workspace.id(), "email_receiver", &id, before, None);
            let change = Change::DeleteEmailReceiver(id.clone());
            shared.change(workspace.id(), vec![change], event.into_iter().collect()).await?;
            shared.bell.give_up(workspace.id(), Receiver::Email(id));
            Ok(())
        })
        .await
    }

    async fn change_webhook(
        &self,
        by: By,
        workspace_id: &str,
        id: &str,
        change: impl FnOnce(&mut Webhook) + Send + 'static,
    ) -> Result<Webhook> {
        let workspace = self.workspace(workspace_id).await?;
        let id = id.to_owned();
        self.in_writer(move |shared| async move {
            let before = shared.webhook(&workspace, &id).await?;
            let mut webhook = before.clone();
            change(&mut webhook);
            webhook.update_time = shared.clock.now();
            shared.put_webhook(by, &workspace, Some(&before), &webhook).await?;
            let receiver = Receiver::Webhook(webhook.id.clone());
            match webhook.disabled {
                true => shared.bell.give_up(workspace.id(), receiver),
                false => shared.bell.try_now(workspace.id(), receiver),
            }
            Ok(webhook)
        })
        .await
    }
}

impl Shared {
    pub(super) async fn webhook(&self, workspace: &WorkspaceHandle, id: &str) -> Result<Webhook> {
        let mut there = self.store.webhooks(workspace.id()).await?.into_iter();
        there.find(|webhook| *webhook.id == *id).ok_or_else(|| not_found("webhook", id))
    }

    async fn put_webhook(
        &self,
        by: By,
        workspace: &WorkspaceHandle,
        before: Option<&Webhook>,
        webhook: &Webhook,
    ) -> Result<()> {
        let time = webhook.update_time;
        let (before, after) = (before.map(webhook_json), Some(webhook_json(webhook)));
        let event = by.event(time, workspace.id(), "webhook", &webhook.id, before, after);
        let change = Change::PutWebhook(webhook.clone());
        Ok(self.change(workspace.id(), vec![change], event.into_iter().collect()).await?)
    }
}

fn exists(resource: &'static str, id: &str) -> Error {
    Error::ResourceExists { resource, id: id.to_owned() }
}

fn id_or_new(id: String) -> Arc<str> {
    if id.is_empty() { Uuid::now_v7().to_string().into() } else { id.into() }
}

fn bounded(bound: &'static str, there: usize, max: usize) -> Result<()> {
    if there < max {
        return Ok(());
    }
    Err(Error::BoundReached { bound, max: i64::try_from(max).unwrap_or(i64::MAX) })
}

fn new_secret() -> Vec<u8> {
    rand::random::<[u8; SECRET_BYTES]>().to_vec()
}

fn show(secret: &[u8]) -> String {
    format!("{SECRET_PREFIX}{}", STANDARD.encode(secret))
}

/// For the audit log. Whoever knows the path and query of a URL may be able to post there: only
/// where it leads is told, and a hash by which it is seen that they changed. That a secret was
/// rotated is seen by the time until which the one before is used.
fn webhook_json(webhook: &Webhook) -> Value {
    let until = webhook.old_secret.as_ref().map(|(_, until)| until.to_utc().to_rfc3339());
    json!({
        "host": host(&webhook.url),
        "url_hash": format!("{:08x}", xxh3_64(webhook.url.as_bytes()) as u32),
        "types": types_json(&webhook.types),
        "disabled": webhook.disabled,
        "display_name": webhook.display_name,
        "old_secret_until": until,
    })
}

fn email_json(receiver: &EmailReceiver) -> Value {
    json!({ "address": receiver.address, "types": types_json(&receiver.types) })
}

fn types_json(types: &[AlertType]) -> Vec<&'static str> {
    types.iter().map(|alert_type| wording::type_name(*alert_type)).collect()
}

/// Host and port of a URL: all of it that may reach a log.
pub fn host(url: &str) -> String {
    let Ok(url) = Url::parse(url) else { return String::new() };
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => String::new(),
    }
}
