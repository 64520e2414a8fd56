//! Counts of requests that were blocked or routed: how a limit is kept, and counts added.
//!
//! Does not ask for them; reports do.

use super::backend::{Backend, Value};
use super::codec::{amount, time};
use super::session::Write;
use crate::domain::check::REFUSED_MAX;
use crate::storage::rollup::{LimitKey, RefusalRow};
use crate::storage::{Error, Result};

const COLUMN_COUNT: usize = 10;
const KEY: &str = "workspace_id, hour, limit_kind, limit_id, model, user_id";

/// Adds counts of different keys, in the transaction of the fold.
pub(super) async fn add<DB: Backend>(
    write: &mut Write<'_, DB>,
    refusals: &[RefusalRow],
) -> Result<()> {
    let mut values = Vec::with_capacity(refusals.len() * COLUMN_COUNT);
    for row in refusals {
        let (kind, id) = limit_values(&row.limit);
        values.extend([
            Value::Shared(&row.workspace_id),
            time(row.hour),
            kind,
            id,
            Value::Text(&row.model_id),
            Value::Text(&row.user_id),
            Value::Int(row.counts.blocked_count),
            Value::Int(row.counts.routed_count),
            amount(row.counts.blocked),
            amount(row.counts.saved),
        ]);
    }
    let head = format!(
        "INSERT INTO refusals ({KEY}, blocked_count, routed_count, blocked_nanos, saved_nanos)"
    );
    let tail = format!(
        "ON CONFLICT ({KEY}) DO UPDATE SET \
         blocked_count = refusals.blocked_count + excluded.blocked_count, \
         routed_count = refusals.routed_count + excluded.routed_count, \
         blocked_nanos = {}, saved_nanos = {}",
        bounded_sum("blocked_nanos"),
        bounded_sum("saved_nanos"),
    );
    write.insert_many(&head, COLUMN_COUNT, &tail, &values).await
}

/// As the ledger adds them up: two sums within their bound do not leave 64 bits.
fn bounded_sum(column: &str) -> String {
    let (sum, most) = (format!("refusals.{column} + excluded.{column}"), REFUSED_MAX.nanos());
    format!("CASE WHEN {sum} > {most} THEN {most} WHEN {sum} < -{most} THEN -{most} ELSE {sum} END")
}

/// The columns `limit_kind` and `limit_id`.
pub(super) fn limit_values(limit: &LimitKey) -> (Value<'_>, Value<'_>) {
    let (kind, id) = match limit {
        LimitKey::Request => (0, ""),
        LimitKey::Envelope => (1, ""),
        LimitKey::ModelLimit(model) => (2, model.as_str()),
        LimitKey::Quota(id) => (3, id.as_str()),
        LimitKey::RateLimit(id) => (4, id.as_str()),
        LimitKey::Rule(reason) => (5, reason.as_str()),
    };
    (Value::Int(kind), Value::Text(id))
}

/// What [`limit_values`] writes.
pub(super) fn limit_key(kind: i64, id: &str) -> Result<LimitKey> {
    match kind {
        0 => Ok(LimitKey::Request),
        1 => Ok(LimitKey::Envelope),
        2 => Ok(LimitKey::ModelLimit(id.to_owned())),
        3 => Ok(LimitKey::Quota(id.to_owned())),
        4 => Ok(LimitKey::RateLimit(id.to_owned())),
        5 => Ok(LimitKey::Rule(id.to_owned())),
        _ => Err(Error::Corrupt(format!("no kind of limit has the code {kind}"))),
    }
}
