//! What a start does with the stored secrets of webhooks: checks that the keys open them, and
//! encrypts those that are plain, or encrypted with another key than the first.

use std::sync::Arc;

use tracing::{info, warn};

use super::keyring::{Keyring, Unopened};
use crate::domain::alert::receiver::Webhook;
use crate::domain::alert::secret::{SigningSecret, SigningSecrets, StoredSecret, WebhookSecrets};
use crate::storage::{self, Store};

/// Webhooks that are read at once.
const PAGE: usize = 1_000;
/// Most webhooks that an error names.
const NAMES_MAX: usize = 10;

/// Why a server must not start: deliveries could not be signed.
#[derive(Debug, thiserror::Error)]
pub enum Unopenable {
    #[error("encryption_key_file: expected, because webhooks have encrypted secrets: {webhooks}")]
    NoKey { webhooks: String },
    #[error(
        "encryption_key_file: its keys ({keys}) do not open the secrets of webhooks: {webhooks}"
    )]
    OtherKeys { keys: String, webhooks: String },
}

/// What is stored, by what a start has to do.
#[derive(Default)]
pub struct Survey {
    /// Webhooks with a plain secret.
    plain_count: usize,
    /// The webhooks whose secrets are to be encrypted, with their new secrets.
    unsealed: Vec<WebhookSecrets>,
    /// Those whose secrets no key opens, at most [`NAMES_MAX`] of them, and their number.
    unopened: Vec<String>,
    unopened_count: usize,
}

impl Keyring {
    /// Reads all stored secrets.
    pub(in crate::engine) async fn survey(&self, store: &dyn Store) -> storage::Result<Survey> {
        let mut survey = Survey::default();
        let mut after: Option<(Arc<str>, Arc<str>)> = None;
        loop {
            let position = after.as_ref().map(|(workspace, webhook)| (&**workspace, &**webhook));
            let page = store.webhook_secrets(position, PAGE).await?;
            let is_last = page.len() < PAGE;
            after = page.last().map(|last| (last.workspace_id.clone(), last.webhook_id.clone()));
            for secrets in page {
                self.add(&mut survey, secrets);
            }
            if is_last {
                return Ok(survey);
            }
        }
    }

    /// # Errors
    /// If a secret does not open.
    pub(in crate::engine) fn require_opened(&self, survey: &Survey) -> Result<(), Unopenable> {
        if survey.unopened_count == 0 {
            return Ok(());
        }
        let mut webhooks = survey.unopened.join("; ");
        let others = survey.unopened_count - survey.unopened.len();
        if others > 0 {
            webhooks.push_str(&format!("; and {others} others"));
        }
        Err(match self.sealing_key() {
            None => Unopenable::NoKey { webhooks },
            Some(_) => Unopenable::OtherKeys { keys: self.names(), webhooks },
        })
    }

    /// Encrypts what is to be encrypted, and wipes what is left of plain secrets in the files of
    /// the database. Warns where there is no key.
    pub(in crate::engine) async fn seal_stored(
        &self,
        store: &dyn Store,
        survey: Survey,
    ) -> storage::Result<()> {
        let plain_count = survey.plain_count;
        let Some(key) = self.sealing_key() else {
            if plain_count > 0 {
                warn!(
                    webhooks = plain_count,
                    "secrets of webhooks are stored in plain text: give encryption_key_file, and \
                     they are encrypted; see docs/security.md"
                );
            }
            return Ok(());
        };
        if !survey.unsealed.is_empty() {
            store.put_webhook_secrets(&survey.unsealed).await?;
            let count = survey.unsealed.len();
            info!(
                %key,
                "encrypted the secrets of {count} webhooks: {plain_count} were plain, {} were \
                 encrypted with another key",
                count - plain_count
            );
        }
        if store.may_hold_plain_secrets().await? {
            wipe(store).await;
        }
        Ok(())
    }

    /// The secrets that the deliveries of a webhook are signed with.
    ///
    /// # Errors
    /// If no key opens them.
    pub(in crate::engine) fn signing_secrets(
        &self,
        workspace_id: &str,
        webhook: &Webhook,
    ) -> Result<SigningSecrets, Unopened> {
        let open = |stored| self.open((workspace_id, &webhook.id), stored);
        let old = match &webhook.old_secret {
            Some((stored, until)) => Some((open(stored)?, *until)),
            None => None,
        };
        Ok(SigningSecrets { current: open(&webhook.secret)?, old })
    }

    fn add(&self, survey: &mut Survey, stored: WebhookSecrets) {
        let webhook = (&*stored.workspace_id, &*stored.webhook_id);
        let opened: Result<Vec<SigningSecret>, Unopened> =
            stored.each().map(|secret| self.open(webhook, secret)).collect();
        let opened = match opened {
            Ok(opened) => opened,
            Err(cause) => {
                survey.unopened_count += 1;
                if survey.unopened.len() < NAMES_MAX {
                    let (workspace, id) = webhook;
                    survey.unopened.push(format!("{workspace}/{id}, {cause}"));
                }
                return;
            }
        };
        survey.plain_count += usize::from(stored.each().any(StoredSecret::is_plain));
        if stored.each().all(|secret| secret.key_id() == self.sealing_key()) {
            return;
        }
        let mut sealed = opened.iter().map(|secret| self.seal(webhook, secret));
        let Some(secret) = sealed.next() else { return };
        let old_secret = sealed.next();
        survey.unsealed.push(WebhookSecrets { secret, old_secret, ..stored.clone() });
    }
}

/// A failure delays no start: what is left is wiped at the next one.
async fn wipe(store: &dyn Store) {
    info!(
        "rewriting what held plain secrets, so that none is left in the files of the database; \
         once, and on SQLite this takes the time and the space of a copy of the file"
    );
    match store.wipe_plain_secrets().await {
        Ok(()) => info!("nothing is left of plain secrets in the files of the database"),
        Err(error) => warn!(
            %error,
            "the files of the database may still hold plain secrets of webhooks: this is tried \
             again at the next start"
        ),
    }
}
