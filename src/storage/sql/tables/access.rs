//! Access tokens. Their secrets are kept as hashes.

use crate::domain::Time;
use crate::domain::access::{AccessToken, Holder, SecretHash};
use crate::storage::sql::connection::backend::Backend;
use crate::storage::sql::connection::session::Write;
use crate::storage::sql::row::{Columns, FromRow, Reader, Value, columns, optional, row, time};
use crate::storage::sql::table::Table;
use crate::storage::{Error, Result};

pub static ACCESS_TOKENS: Table<AccessToken> = Table::new("access_tokens", &["id"]);

/// Rises with every change of a token, by any process.
pub const REVISION: &str = "SELECT CAST(COALESCE(SUM(revision), 0) AS BIGINT) FROM access_tokens";

const USE: &str = "\
    UPDATE access_tokens SET last_use_time = $2 \
    WHERE id = $1 AND (last_use_time IS NULL OR last_use_time < $2)";

row! {
    AccessToken {
        id,
        display_name,
        role,
        workspace_ids,
        holder,
        secret_hash,
        secret_time,
        old_secret,
        expire_time,
        create_time,
        revoke_time,
        last_use_time,
    }
}

/// The secret before, and until when it is valid.
type OldSecret = (SecretHash, Time);

impl Columns for Option<OldSecret> {
    columns! { old_secret_hash: Text, old_secret_end: Int }

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

impl Columns for Option<Holder> {
    columns! { subject_kind: Int, subject_id: Text }

    fn write<'a>(&'a self, values: &mut Vec<Value<'a>>) {
        let (kind, id) = self.as_ref().map(|holder| (&holder.kind, &holder.id)).unzip();
        values.extend([optional(kind), optional(id)]);
    }
}

impl FromRow for Option<Holder> {
    fn read<'r>(reader: &mut impl Reader<'r>) -> Result<Option<Holder>> {
        match (reader.get()?, reader.get()?) {
            (Some(kind), Some(id)) => Ok(Some(Holder { kind, id })),
            (None, None) => Ok(None),
            _ => Err(Error::Corrupt("half a holder".to_owned())),
        }
    }
}

pub async fn put_token<DB: Backend>(write: &mut Write<'_, DB>, token: &AccessToken) -> Result<()> {
    let tail = ACCESS_TOKENS.replacing() + ", revision = access_tokens.revision + 1";
    ACCESS_TOKENS.insert(write, None, [token], &tail).await
}

pub async fn use_token<DB: Backend>(write: &mut Write<'_, DB>, id: &str, at: Time) -> Result<()> {
    write.execute(USE, &[Value::Text(id), time(at)]).await.map(drop)
}
