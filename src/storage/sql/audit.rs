//! The log of who changed what.

use sqlx::{AssertSqlSafe, SqlSafeStr};

use super::SqlStore;
use super::backend::{Backend, Value};
use super::codec::{Reader, time, to_json};
use super::read::limit_value;
use super::session::Write;
use super::table::Table;
use crate::domain::Time;
use crate::storage::Result;
use crate::storage::policy::{AuditEvent, AuditFilter};

const AUDIT_EVENTS: Table = Table {
    name: "audit_events",
    columns: "id, time, actor, action, workspace_id, resource_type, resource_id, state_before, \
              state_after",
    key: 1,
};

impl<DB: Backend> SqlStore<DB> {
    pub(super) async fn list_audit_events(
        &self,
        filter: &AuditFilter,
        after: Option<&(Time, String)>,
        limit: usize,
    ) -> Result<Vec<AuditEvent>> {
        let select = AUDIT_EVENTS
            .of(&filter.workspace_id)
            .with_any("resource_type =", filter.resource_type.as_deref().map(Value::Text))
            .with_any("resource_id =", filter.resource_id.as_deref().map(Value::Text))
            .with_any("actor =", filter.actor.as_deref().map(Value::Text))
            .with_any("time >=", filter.from.map(time))
            .with_any("time <", filter.to.map(time))
            .latest("time", after, limit);
        self.select(select).await?.iter().map(event::<DB>).collect()
    }
}

impl<DB: Backend> SqlStore<DB> {
    pub(super) async fn list_events_naming(
        &self,
        workspace_id: &str,
        text: &str,
        after: Option<(Time, String)>,
        limit: usize,
    ) -> Result<Vec<AuditEvent>> {
        // As it stands in JSON, in a pattern: SQLite ignores case there, and finds more.
        let pattern = format!("%{}%", as_pattern(&to_json(&text)));
        let (at, id) = after.unwrap_or((Time::from_micros(i64::MIN), String::new()));
        let sql = format!(
            "SELECT {} FROM audit_events WHERE workspace_id = $1 AND time >= $2 \
             AND (time, id) > ($2, $3) AND (resource_id = $4 \
             OR state_before LIKE $5 ESCAPE '!' OR state_after LIKE $5 ESCAPE '!') \
             ORDER BY time, id LIMIT $6",
            AUDIT_EVENTS.columns
        );
        let values = [
            Value::Text(workspace_id),
            time(at),
            Value::Text(&id),
            Value::Text(text),
            Value::Text(&pattern),
            limit_value(limit),
        ];
        let rows = self.read(AssertSqlSafe(sql).into_sql_str(), &values).await?;
        rows.iter().map(event::<DB>).collect()
    }
}

/// A text that matches itself.
fn as_pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(character);
    }
    pattern
}

/// Replaces those of the same id.
pub(super) async fn replace<DB: Backend>(
    write: &mut Write<'_, DB>,
    events: &[AuditEvent],
) -> Result<()> {
    AUDIT_EVENTS.put(write, &values(events)).await
}

/// Appends those whose id is not there yet.
pub(super) async fn append<DB: Backend>(
    write: &mut Write<'_, DB>,
    events: &[AuditEvent],
) -> Result<()> {
    AUDIT_EVENTS.add(write, &values(events)).await
}

fn values(events: &[AuditEvent]) -> Vec<Value<'_>> {
    let mut values = Vec::new();
    for event in events {
        values.extend([
            Value::Text(&event.id),
            time(event.time),
            Value::Text(&event.actor),
            Value::Text(&event.action),
            Value::Text(&event.workspace_id),
            Value::Text(&event.resource_type),
            Value::Text(&event.resource_id),
            Value::OptionalText(event.before.as_deref()),
            Value::OptionalText(event.after.as_deref()),
        ]);
    }
    values
}

fn event<DB: Backend>(row: &DB::Row) -> Result<AuditEvent> {
    let mut reader = Reader::<DB>::new(row);
    Ok(AuditEvent {
        id: reader.string()?,
        time: reader.time()?,
        actor: reader.string()?,
        action: reader.string()?,
        workspace_id: reader.string()?,
        resource_type: reader.string()?,
        resource_id: reader.string()?,
        before: reader.optional_text()?.map(str::to_owned),
        after: reader.optional_text()?.map(str::to_owned),
    })
}
