//! Who owns the database: the statement that claims it, and whether it can be claimed.

use std::time::Duration;

use sqlx::{AssertSqlSafe, SqlSafeStr};

use super::backend::Backend;
use crate::domain::time::Micros;
use crate::storage::sql::OpenError;
use crate::storage::sql::row::{Value, read_all};

/// How a server owns its database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ownership {
    /// Names the place where the server runs: a restart there need not wait for the lease of the
    /// process before. Two processes must never have the same one at the same time. Empty for none.
    pub node: String,
    /// Where callers reach the server; told to those who ask another one. May be empty.
    pub address: String,
    /// How long the owner may decide after it renewed its lease; whole microseconds, above 0.
    pub lease: Duration,
    /// How a start waits for a lease of another server.
    pub wait: Wait,
    /// Whether a database that is not there yet is created.
    pub create: bool,
}

/// How a start waits for the lease of another server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Not at all.
    Never,
    /// Until it has run out, as long as nobody renews it.
    WhileUnrenewed,
    /// As long as it takes.
    Standby,
}

impl Default for Ownership {
    fn default() -> Ownership {
        Ownership {
            node: String::new(),
            address: String::new(),
            lease: Duration::from_secs(10),
            wait: Wait::Never,
            create: true,
        }
    }
}

/// The lease of another server.
#[derive(Debug, PartialEq, Eq)]
pub struct Held {
    /// Where callers reach it; empty if it did not say.
    pub address: String,
    /// Until the database can be claimed, if it is not renewed.
    pub remaining: Duration,
    /// When it was renewed, by the clock of the database.
    pub renew_time: Micros,
}

/// Whether nobody owns the database but perhaps the instance $1, or the node $2. The margin is that
/// of [`margin`](crate::storage::lease::margin).
const FREE: &str = "\
    (stopped OR instance IN ('', $1) OR (node <> '' AND node = $2) OR lease = 0 OR {left} <= 0)";
/// Microseconds until the database can be claimed.
const LEFT: &str = "\
    (renew_time + lease + CASE WHEN lease > 5000000 THEN lease / 10 ELSE 500000 END - {now})";

fn free<DB: Backend>() -> String {
    FREE.replace("{left}", LEFT).replace("{now}", DB::NOW)
}

/// Claims the database for the instance $1 on the node $2, which is reached at the address $3, with
/// a lease of $4; changes no row where it is not free. Returns the epoch, and how the owner before
/// has ended: a second claim of the same instance returns the same.
pub fn claim_statement<DB: Backend>() -> String {
    format!(
        "UPDATE owner SET predecessor = CASE WHEN instance = $1 THEN predecessor \
           WHEN instance = '' THEN 0 WHEN stopped THEN 1 ELSE 2 END, \
         stopped = FALSE, epoch = epoch + 1, instance = $1, node = $2, address = $3, lease = $4, \
         renew_time = {now} WHERE {free} RETURNING epoch, predecessor",
        now = DB::NOW,
        free = free::<DB>()
    )
}

/// The lease that keeps a server on this node from claiming the database; none where it is free, or
/// its tables are older than leases.
///
/// # Errors
/// If the database does not answer.
pub async fn held<DB: Backend>(
    connection: &mut DB::Connection,
    node: &str,
) -> Result<Option<Held>, OpenError> {
    let sql = format!(
        "SELECT address, {left}, renew_time FROM owner WHERE NOT {free}",
        left = LEFT.replace("{now}", DB::NOW),
        free = free::<DB>()
    );
    let values = [Value::Text(""), Value::Text(node)];
    let rows = match DB::rows(connection, AssertSqlSafe(sql).into_sql_str(), &values).await {
        Ok(rows) => rows,
        Err(sqlx::Error::Database(error)) if is_unknown(error.code().as_deref()) => {
            return Ok(None);
        }
        Err(error) => return Err(OpenError::Unavailable(error.into())),
    };
    let found = read_all::<DB, (String, i64, i64)>(&rows);
    let found = found.map_err(|error| OpenError::Unavailable(error.into()))?.into_iter().next();
    Ok(found.map(|(address, left, renew_time)| {
        let remaining = Duration::from_micros(u64::try_from(left).unwrap_or_default());
        Held { address, remaining, renew_time }
    }))
}

/// Whether a statement failed because a table or a column is not there.
fn is_unknown(code: Option<&str>) -> bool {
    const UNDEFINED_TABLE: &str = "42P01";
    const UNDEFINED_COLUMN: &str = "42703";
    matches!(code, Some(UNDEFINED_TABLE | UNDEFINED_COLUMN))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::lease::{margin, micros};

    /// The margin of the statement is that of the lease.
    #[test]
    fn the_margin_is_written_as_it_is_counted() {
        assert!(LEFT.contains("CASE WHEN lease > 5000000 THEN lease / 10 ELSE 500000 END"));
        for (lease, expected) in [(5_000_000, 500_000), (5_000_010, 500_001), (2_000_000, 500_000)]
        {
            assert_eq!(micros(margin(Duration::from_micros(lease))), expected);
        }
    }
}
