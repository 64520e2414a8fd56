//! Counts of requests that were blocked or routed, as rows, and adding to them.
//!
//! Reports select them.

use crate::domain::check::{LimitKey, REFUSED_MAX, RefusalCounts};
use crate::domain::coded_enum;
use crate::storage::Result;
use crate::storage::rollup::RefusalRow;
use crate::storage::sql::connection::backend::Backend;
use crate::storage::sql::connection::session::Write;
use crate::storage::sql::row::{Columns, FromRow, Reader, Value, code, columns, row};
use crate::storage::sql::table::Table;

const KEY: [&str; 6] = ["workspace_id", "hour", "limit_kind", "limit_id", "model", "user_id"];

static REFUSALS: Table<RefusalRow> = Table::new("refusals", &KEY);

row! { RefusalRow { workspace_id, hour, limit, model_id = "model", user_id, counts } }
row! {
    RefusalCounts {
        blocked_count,
        routed_count,
        blocked = "blocked_nanos",
        saved = "saved_nanos",
    }
}

coded_enum! {
    /// What kind of limit a [`LimitKey`] names.
    pub enum LimitKind {
        Request = 0,
        Envelope = 1,
        ModelLimit = 2,
        Quota = 3,
        RateLimit = 4,
        Rule = 5,
    }
}

/// Adds counts of different keys, in the transaction of the fold.
pub async fn add<DB: Backend>(write: &mut Write<'_, DB>, refusals: &[RefusalRow]) -> Result<()> {
    let tail = format!(
        "ON CONFLICT ({}) DO UPDATE SET \
         blocked_count = refusals.blocked_count + excluded.blocked_count, \
         routed_count = refusals.routed_count + excluded.routed_count, \
         blocked_nanos = {}, saved_nanos = {}",
        KEY.join(", "),
        bounded_sum("blocked_nanos"),
        bounded_sum("saved_nanos"),
    );
    REFUSALS.insert(write, None, refusals, &tail).await
}

/// As the ledger adds them up: two sums within their bound do not leave 64 bits.
fn bounded_sum(column: &str) -> String {
    let (sum, most) = (format!("refusals.{column} + excluded.{column}"), REFUSED_MAX.nanos());
    format!("CASE WHEN {sum} > {most} THEN {most} WHEN {sum} < -{most} THEN -{most} ELSE {sum} END")
}

/// The values of the columns `limit_kind` and `limit_id`.
pub fn limit_values(limit: &LimitKey) -> [Value<'_>; 2] {
    let (kind, id) = match limit {
        LimitKey::Request => (LimitKind::Request, ""),
        LimitKey::Envelope => (LimitKind::Envelope, ""),
        LimitKey::ModelLimit(model) => (LimitKind::ModelLimit, model.as_str()),
        LimitKey::Quota(id) => (LimitKind::Quota, id.as_str()),
        LimitKey::RateLimit(id) => (LimitKind::RateLimit, id.as_str()),
        LimitKey::Rule(reason) => (LimitKind::Rule, reason.as_str()),
    };
    [code(kind), Value::Text(id)]
}

impl Columns for LimitKey {
    columns! { limit_kind: Int, limit_id: Text }

    fn write<'a>(&'a self, values: &mut Vec<Value<'a>>) {
        values.extend(limit_values(self));
    }
}

impl FromRow for LimitKey {
    fn read<'r>(reader: &mut impl Reader<'r>) -> Result<LimitKey> {
        let (kind, id): (LimitKind, String) = reader.get()?;
        Ok(match kind {
            LimitKind::Request => LimitKey::Request,
            LimitKind::Envelope => LimitKey::Envelope,
            LimitKind::ModelLimit => LimitKey::ModelLimit(id),
            LimitKind::Quota => LimitKey::Quota(id),
            LimitKind::RateLimit => LimitKey::RateLimit(id),
            LimitKind::Rule => LimitKey::Rule(id),
        })
    }
}
