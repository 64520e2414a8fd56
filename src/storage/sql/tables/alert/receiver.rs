//! Receivers of alerts: webhooks and mail addresses.

use crate::domain::Time;
use crate::domain::alert::receiver::{EmailReceiver, Webhook};
use crate::domain::alert::secret::{StoredSecret, WebhookSecrets};
use crate::storage::sql::connection::backend::Backend;
use crate::storage::sql::connection::session::Write;
use crate::storage::sql::row::{Cell, Columns, FromRow, Reader, Value, columns, optional, row};
use crate::storage::sql::table::Table;
use crate::storage::{Error, Result};

pub static WEBHOOKS: Table<Webhook> = Table::owned("webhooks", &["workspace_id", "id"]);
/// The same rows, of all workspaces.
pub static WEBHOOK_SECRETS: Table<WebhookSecrets> = Table::new("webhooks", &["workspace_id", "id"]);
pub static EMAIL_RECEIVERS: Table<EmailReceiver> =
    Table::owned("email_receivers", &["workspace_id", "id"]);

pub const PLAIN_SECRETS: &str = "SELECT plain_secrets FROM owner WHERE id = 1";

const NOTE_PLAIN: &str = "UPDATE owner SET plain_secrets = TRUE WHERE NOT plain_secrets";

const NOTE_WIPED: &str = "UPDATE owner SET plain_secrets = FALSE";

const PUT_SECRETS: &str =
    "UPDATE webhooks SET secret = $3, old_secret = $4 WHERE workspace_id = $1 AND id = $2";

row! {
    Webhook {
        id,
        url,
        types = "alert_types",
        disabled,
        display_name,
        secret,
        old_secret,
        create_time,
        update_time,
    }
}

row! { WebhookSecrets { workspace_id, webhook_id = "id", secret, old_secret } }

row! { EmailReceiver { id, address, types = "alert_types", create_time } }

/// The secret before, and until when it is used.
type OldSecret = (StoredSecret, Time);

impl Columns for Option<OldSecret> {
    columns! { old_secret: Text, old_secret_end: Int }

    fn write<'a>(&'a self, values: &mut Vec<Value<'a>>) {
        let (secret, end) = self.as_ref().map(|(secret, end)| (secret, end)).unzip();
        values.extend([optional(secret), optional(end)]);
    }
}

impl FromRow for Option<OldSecret> {
    fn read<'r>(reader: &mut impl Reader<'r>) -> Result<Option<OldSecret>> {
        match (reader.get()?, reader.get()?) {
            (Some(secret), Some(end)) => Ok(Some((secret, end))),
            (None, None) => Ok(None),
            _ => Err(Error::Corrupt("half an old secret".to_owned())),
        }
    }
}

/// Remembers that there is, or was, a plain secret in the files of the database.
pub async fn put_webhook<DB: Backend>(
    write: &mut Write<'_, DB>,
    workspace_id: &str,
    webhook: &Webhook,
) -> Result<()> {
    WEBHOOKS.put_in(write, workspace_id, [webhook]).await?;
    let old_secret = webhook.old_secret.as_ref().map(|(secret, _)| secret);
    note_plain(write, [&webhook.secret].into_iter().chain(old_secret)).await
}

pub async fn put_secrets<DB: Backend>(
    write: &mut Write<'_, DB>,
    webhook: &WebhookSecrets,
) -> Result<()> {
    let values = [
        Value::Shared(&webhook.workspace_id),
        Value::Shared(&webhook.webhook_id),
        webhook.secret.value(),
        optional(webhook.old_secret.as_ref()),
    ];
    write.execute(PUT_SECRETS, &values).await?;
    note_plain(write, webhook.each()).await
}

pub async fn note_wiped<DB: Backend>(write: &mut Write<'_, DB>) -> Result<()> {
    write.execute(NOTE_WIPED, &[]).await.map(drop)
}

async fn note_plain<'s, DB: Backend>(
    write: &mut Write<'_, DB>,
    mut secrets: impl Iterator<Item = &'s StoredSecret>,
) -> Result<()> {
    if !secrets.any(StoredSecret::is_plain) {
        return Ok(());
    }
    write.execute(NOTE_PLAIN, &[]).await.map(drop)
}
