//! Test deliveries: what a webhook answers to one, now. Beside the deliveries of alerts: it is not
//! repeated, and no delivery waits for it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use crate::domain::Time;
use crate::domain::alert::receiver::Webhook;
use crate::domain::alert::secret::SigningSecrets;
use crate::engine::audit::{self, Actor};
use crate::engine::error::Result;
use crate::engine::resources::not_found;
use crate::engine::{Engine, Shared};

/// In the body, where receivers filter by it.
pub const EVENT_TYPE: &str = "webhook.test";
/// In the audit log.
const KIND: &str = "webhook_test";

/// What is posted to a webhook.
pub struct Post<'a> {
    pub webhook: &'a Webhook,
    pub secrets: &'a SigningSecrets,
    /// The `webhook-id`.
    pub id: &'a str,
    /// The time that is signed.
    pub now: Time,
    pub body: String,
}

/// Posts to webhooks.
#[async_trait]
pub trait WebhookSender: Send + Sync {
    /// Makes one attempt, within the time of an attempt to deliver.
    async fn post(&self, post: Post<'_>) -> Posted;
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Posted {
    /// Of the answer; absent if there was none.
    pub http_status: Option<u16>,
    /// Why it is not delivered; empty if it is.
    pub error: String,
    /// Until the head of the answer, or the error.
    #[serde(skip)]
    pub latency: Duration,
}

/// A test delivery and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tested {
    /// The `webhook-id` that it was sent with.
    pub delivery_id: String,
    pub posted: Posted,
}

impl Engine {
    /// Sends a signed test delivery to a webhook, also to one that is disabled, and waits for the
    /// answer. Audited.
    pub async fn test_webhook(
        &self,
        actor: Actor,
        workspace_id: &str,
        id: &str,
        sender: &dyn WebhookSender,
    ) -> Result<Tested> {
        let workspace = self.workspace(workspace_id).await?;
        let mut webhooks = self.store().webhooks(workspace_id).await?.into_iter();
        let webhook = webhooks.find(|webhook| *webhook.id == *id);
        let webhook = webhook.ok_or_else(|| not_found("webhook", id))?;
        let secrets = self.shared.keyring.signing_secrets(workspace.id(), &webhook);
        let (delivery_id, now) = (Uuid::now_v7().to_string(), self.now());
        let body = json!({
            "type": EVENT_TYPE,
            "timestamp": now,
            "data": {
                "workspace_id": workspace_id,
                "webhook_id": id,
                "message": format!("test of webhook {id} of {workspace_id}"),
            },
        });
        let posted = match secrets {
            Ok(secrets) => {
                let (webhook, secrets, id) = (&webhook, &secrets, &*delivery_id);
                let body = body.to_string();
                sender.post(Post { webhook, secrets, id, now, body }).await
            }
            Err(unopened) => {
                let error = format!("not sent: its secret is {unopened}");
                Posted { error, ..Posted::default() }
            }
        };
        let after = Some(audit::state(&posted));
        let event = actor.event(self.now(), workspace_id, KIND, id, None, after);
        let id = workspace.id().clone();
        let note = move |shared: Arc<Shared>| async move {
            let events: Vec<_> = event.into_iter().collect();
            Ok(shared.change(&id, &[], &events).await?)
        };
        self.in_writer(note).await?;
        Ok(Tested { delivery_id, posted })
    }
}
