//! Receivers of alerts: webhooks and e-mail addresses.
//!
//! They live in storage alone; the task that delivers alerts is notified of those that change.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::Url;

use super::{
    Create, Delete, Deletion, Edit, Find, Kind, Resource, Source, id_or_new, no_backfill,
    plain_state,
};
use crate::domain::Time;
use crate::domain::alert::AlertType;
use crate::domain::alert::receiver::{EmailReceiver, Webhook};
use crate::domain::alert::secret::SigningSecret;
use crate::domain::time::{MICROS_PER_DAY, Micros};
use crate::engine::Engine;
use crate::engine::audit::Actor;
use crate::engine::error::{Error, Result};
use crate::ledger::Ledger;
use crate::storage::alerts::Receiver;
use crate::storage::settings::Change;

/// Most webhooks of a workspace.
pub const WEBHOOKS_MAX: usize = 100;
/// Most e-mail receivers of a workspace.
pub const EMAIL_RECEIVERS_MAX: usize = 100;
/// Length of a secret.
pub const SECRET_BYTES: usize = 32;
/// How long deliveries are signed with the secret before as well.
pub const SECRET_OVERLAP: Micros = MICROS_PER_DAY;
/// Prefix of a secret where it is shown.
const SECRET_PREFIX: &str = "whsec_";

/// A webhook to be created. Its URL is allowed.
#[derive(Clone, Debug)]
pub struct NewWebhook {
    /// Generated if empty.
    pub id: String,
    pub url: Url,
    pub types: Vec<AlertType>,
    pub disabled: bool,
    pub display_name: String,
}

/// Changes of a webhook; absent parts stay.
#[derive(Clone, Debug, Default)]
pub struct WebhookChange {
    pub url: Option<Url>,
    pub types: Option<Vec<AlertType>>,
    pub disabled: Option<bool>,
    pub display_name: Option<String>,
}

/// An e-mail receiver to be created. Its address is valid.
#[derive(Clone, Debug)]
pub struct NewEmailReceiver {
    /// Generated if empty.
    pub id: String,
    pub address: String,
    pub types: Vec<AlertType>,
}

impl Resource for Webhook {
    const KIND: Kind<Webhook> = Kind {
        name: "webhook",
        id: |webhook| &webhook.id,
        set_update_time: |webhook, now| webhook.update_time = now,
        audit_state: plain_state,
        put: Change::PutWebhook,
        backfill: no_backfill,
        install: None,
    };
}

impl Find for Webhook {
    const SOURCE: Source<Webhook> = Source::Storage(|store, workspace_id, id| {
        Box::pin(async move {
            let mut webhooks = store.webhooks(workspace_id).await?.into_iter();
            Ok(webhooks.find(|webhook| *webhook.id == *id))
        })
    });

    type View = Webhook;

    fn view(webhook: Arc<Webhook>, _: &Ledger, _: Time) -> Result<Webhook> {
        Ok(Arc::unwrap_or_clone(webhook))
    }
}

impl Create for Webhook {
    /// A repeat could not show the secret again.
    const IS_IDEMPOTENT: bool = false;

    type New = NewWebhook;

    fn requested_id(new: &NewWebhook) -> Option<&str> {
        (!new.id.is_empty()).then_some(&new.id)
    }

    fn build(edit: &Edit, new: NewWebhook, _: Option<&Webhook>) -> Result<Webhook> {
        let id = id_or_new((!new.id.is_empty()).then_some(new.id));
        let secret = edit.shared.keyring.seal((edit.handle.id(), &id), &new_secret());
        Ok(Webhook {
            id,
            url: new.url.into(),
            types: new.types,
            disabled: new.disabled,
            display_name: new.display_name,
            secret,
            old_secret: None,
            create_time: edit.now,
            update_time: edit.now,
        })
    }

    async fn admit(&self, edit: &Edit) -> Result<()> {
        let webhooks = edit.shared.store.webhooks(edit.handle.id()).await?;
        require_fewer("webhooks of a workspace", webhooks.len(), WEBHOOKS_MAX)
    }
}

impl Delete for Webhook {
    const DELETION: Deletion<Webhook> = Deletion {
        delete: Change::DeleteWebhook,
        uninstall: |edit, webhook| edit.give_up(Receiver::Webhook(webhook.id.clone())),
    };
}

impl Resource for EmailReceiver {
    const KIND: Kind<EmailReceiver> = Kind {
        name: "email_receiver",
        id: |receiver| &receiver.id,
        set_update_time: |_, _| {},
        audit_state: plain_state,
        put: Change::PutEmailReceiver,
        backfill: no_backfill,
        install: None,
    };
}

impl Find for EmailReceiver {
    const SOURCE: Source<EmailReceiver> = Source::Storage(|store, workspace_id, id| {
        Box::pin(async move {
            let mut email_receivers = store.email_receivers(workspace_id).await?.into_iter();
            Ok(email_receivers.find(|receiver| *receiver.id == *id))
        })
    });

    type View = EmailReceiver;

    fn view(receiver: Arc<EmailReceiver>, _: &Ledger, _: Time) -> Result<EmailReceiver> {
        Ok(Arc::unwrap_or_clone(receiver))
    }
}

impl Create for EmailReceiver {
    const IS_IDEMPOTENT: bool = false;

    type New = NewEmailReceiver;

    fn requested_id(new: &NewEmailReceiver) -> Option<&str> {
        (!new.id.is_empty()).then_some(&new.id)
    }

    fn build(
        edit: &Edit,
        new: NewEmailReceiver,
        _: Option<&EmailReceiver>,
    ) -> Result<EmailReceiver> {
        let id = id_or_new((!new.id.is_empty()).then_some(new.id));
        Ok(EmailReceiver { id, address: new.address, types: new.types, create_time: edit.now })
    }

    async fn admit(&self, edit: &Edit) -> Result<()> {
        let receivers = edit.shared.store.email_receivers(edit.handle.id()).await?;
        require_fewer("e-mail receivers of a workspace", receivers.len(), EMAIL_RECEIVERS_MAX)
    }
}

impl Delete for EmailReceiver {
    const DELETION: Deletion<EmailReceiver> = Deletion {
        delete: Change::DeleteEmailReceiver,
        uninstall: |edit, receiver| edit.give_up(Receiver::Email(receiver.id.clone())),
    };
}

impl Engine {
    pub async fn webhooks(&self, workspace_id: &str) -> Result<Vec<Webhook>> {
        self.workspace(workspace_id).await?;
        Ok(self.store().webhooks(workspace_id).await?)
    }

    /// The new webhook, and its secret as it is shown this once.
    pub async fn create_webhook(
        &self,
        actor: Actor,
        workspace_id: &str,
        new: NewWebhook,
    ) -> Result<(Webhook, String)> {
        let create = |edit: Edit| async move { edit.create::<Webhook>(new).await };
        let webhook = Arc::unwrap_or_clone(self.edit(actor, workspace_id, create).await?);
        let secrets = self.shared.keyring.signing_secrets(workspace_id, &webhook);
        let secrets = secrets.map_err(|cause| Error::Internal(format!("a new secret: {cause}")))?;
        Ok((webhook, show(&secrets.current)))
    }

    pub async fn update_webhook(
        &self,
        actor: Actor,
        workspace_id: &str,
        id: &str,
        change: WebhookChange,
    ) -> Result<Webhook> {
        self.change_webhook(actor, workspace_id, id, |webhook| change.apply(webhook)).await
    }

    /// The new secret as it is shown this once. The one before is used as well for
    /// [`SECRET_OVERLAP`].
    pub async fn rotate_webhook_secret(
        &self,
        actor: Actor,
        workspace_id: &str,
        id: &str,
    ) -> Result<String> {
        let until = self.now() + SECRET_OVERLAP;
        let secret = new_secret();
        let stored = self.shared.keyring.seal((workspace_id, id), &secret);
        let rotate = move |webhook: &mut Webhook| {
            let before = std::mem::replace(&mut webhook.secret, stored);
            webhook.old_secret = Some((before, until));
        };
        self.change_webhook(actor, workspace_id, id, rotate).await?;
        Ok(show(&secret))
    }

    /// Disables a webhook whose receiver answers that it is gone.
    pub async fn disable_webhook(&self, actor: Actor, workspace_id: &str, id: &str) -> Result<()> {
        let disable = |webhook: &mut Webhook| webhook.disabled = true;
        self.change_webhook(actor, workspace_id, id, disable).await?;
        Ok(())
    }

    pub async fn email_receivers(&self, workspace_id: &str) -> Result<Vec<EmailReceiver>> {
        self.workspace(workspace_id).await?;
        Ok(self.store().email_receivers(workspace_id).await?)
    }

    /// Also where nothing changes, what waits for the webhook is sent now.
    async fn change_webhook(
        &self,
        actor: Actor,
        workspace_id: &str,
        id: &str,
        change: impl FnOnce(&mut Webhook) + Send + 'static,
    ) -> Result<Webhook> {
        let id = id.to_owned();
        let change = |edit: Edit| async move {
            let change = |webhook: &mut Webhook| {
                change(webhook);
                Ok(())
            };
            let webhook = edit.update(&id, change).await?;
            let receiver = Receiver::Webhook(webhook.id.clone());
            match webhook.disabled {
                true => edit.give_up(receiver),
                false => edit.shared.alerts.notify.retry_now(edit.handle.id(), receiver),
            }
            Ok(Arc::unwrap_or_clone(webhook))
        };
        self.edit(actor, workspace_id, change).await
    }
}

impl Edit {
    /// Has the pending deliveries of a receiver given up.
    fn give_up(&self, receiver: Receiver) {
        self.shared.alerts.notify.give_up(self.handle.id(), receiver);
    }
}

impl WebhookChange {
    fn apply(self, webhook: &mut Webhook) {
        if let Some(url) = self.url {
            webhook.url = url.into();
        }
        if let Some(types) = self.types {
            webhook.types = types;
        }
        webhook.disabled = self.disabled.unwrap_or(webhook.disabled);
        if let Some(display_name) = self.display_name {
            webhook.display_name = display_name;
        }
    }
}

fn require_fewer(bound: &'static str, count: usize, max: usize) -> Result<()> {
    if count < max {
        return Ok(());
    }
    Err(Error::BoundReached { bound, max: i64::try_from(max).unwrap_or(i64::MAX) })
}

fn new_secret() -> SigningSecret {
    SigningSecret::new(rand::random::<[u8; SECRET_BYTES]>())
}

fn show(secret: &SigningSecret) -> String {
    format!("{SECRET_PREFIX}{}", STANDARD.encode(secret.bytes()))
}
