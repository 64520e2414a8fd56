//! Receivers of alerts: webhooks and mail addresses.

use crate::domain::Time;
use crate::domain::alert::receiver::{EmailReceiver, Webhook};
use crate::storage::sql::row::{Columns, FromRow, Reader, Value, columns, optional, row};
use crate::storage::sql::table::Table;
use crate::storage::{Error, Result};

pub static WEBHOOKS: Table<Webhook> = Table::owned("webhooks", &["workspace_id", "id"]);
pub static EMAIL_RECEIVERS: Table<EmailReceiver> =
    Table::owned("email_receivers", &["workspace_id", "id"]);

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

row! { EmailReceiver { id, address, types = "alert_types", create_time } }

/// The secret before, and until when it is used.
type OldSecret = (Vec<u8>, Time);

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
