//! To whom alerts are sent: webhooks and e-mail receivers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::SqlStore;
use super::backend::{Backend, Value};
use super::codec::{Reader, codes, optional_time, time};
use super::session::Write;
use super::table::Table;
use crate::storage::alerts::{EmailReceiver, Webhook};
use crate::storage::{Error, Result};

pub(super) const WEBHOOKS: Table = Table {
    name: "webhooks",
    columns: "workspace_id, id, url, alert_types, disabled, display_name, secret, old_secret, \
              old_secret_end, create_time, update_time",
    key: 2,
};

pub(super) const EMAIL_RECEIVERS: Table = Table {
    name: "email_receivers",
    columns: "workspace_id, id, address, alert_types, create_time",
    key: 2,
};

impl<DB: Backend> SqlStore<DB> {
    pub(super) async fn read_webhooks(&self, workspace_id: &str) -> Result<Vec<Webhook>> {
        let rows = self.select(WEBHOOKS.of(workspace_id).all("id")).await?;
        rows.iter().map(webhook::<DB>).collect()
    }

    pub(super) async fn read_email_receivers(
        &self,
        workspace_id: &str,
    ) -> Result<Vec<EmailReceiver>> {
        let rows = self.select(EMAIL_RECEIVERS.of(workspace_id).all("id")).await?;
        rows.iter().map(email_receiver::<DB>).collect()
    }
}

pub(super) async fn put_webhook<DB: Backend>(
    write: &mut Write<'_, DB>,
    workspace_id: &str,
    webhook: &Webhook,
) -> Result<()> {
    let types = codes(&webhook.types);
    let secret = BASE64.encode(&webhook.secret);
    let old = webhook.old_secret.as_ref().map(|(secret, _)| BASE64.encode(secret));
    let values = [
        Value::Text(workspace_id),
        Value::Shared(&webhook.id),
        Value::Text(&webhook.url),
        Value::Text(&types),
        Value::Flag(webhook.disabled),
        Value::Text(&webhook.display_name),
        Value::Text(&secret),
        Value::OptionalText(old.as_deref()),
        optional_time(webhook.old_secret.as_ref().map(|(_, end)| *end)),
        time(webhook.create_time),
        time(webhook.update_time),
    ];
    WEBHOOKS.put(write, &values).await
}

pub(super) async fn put_email_receiver<DB: Backend>(
    write: &mut Write<'_, DB>,
    workspace_id: &str,
    receiver: &EmailReceiver,
) -> Result<()> {
    let types = codes(&receiver.types);
    let values = [
        Value::Text(workspace_id),
        Value::Shared(&receiver.id),
        Value::Text(&receiver.address),
        Value::Text(&types),
        time(receiver.create_time),
    ];
    EMAIL_RECEIVERS.put(write, &values).await
}

fn webhook<DB: Backend>(row: &DB::Row) -> Result<Webhook> {
    let mut reader = Reader::<DB>::new(row);
    let _workspace_id = reader.text()?;
    Ok(Webhook {
        id: reader.shared()?,
        url: reader.string()?,
        types: reader.codes()?,
        disabled: reader.flag()?,
        display_name: reader.string()?,
        secret: secret(reader.text()?)?,
        old_secret: match (reader.optional_text()?, reader.optional_time()?) {
            (Some(text), Some(end)) => Some((secret(text)?, end)),
            (None, None) => None,
            _ => return Err(Error::Corrupt("half an old secret".to_owned())),
        },
        create_time: reader.time()?,
        update_time: reader.time()?,
    })
}

/// The error does not say what is there: it may be most of a secret.
fn secret(text: &str) -> Result<Vec<u8>> {
    BASE64.decode(text).map_err(|_| Error::Corrupt("a secret is not in base64".to_owned()))
}

fn email_receiver<DB: Backend>(row: &DB::Row) -> Result<EmailReceiver> {
    let mut reader = Reader::<DB>::new(row);
    let _workspace_id = reader.text()?;
    Ok(EmailReceiver {
        id: reader.shared()?,
        address: reader.string()?,
        types: reader.codes()?,
        create_time: reader.time()?,
    })
}
