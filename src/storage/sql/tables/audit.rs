//! The audit log.

use async_trait::async_trait;

use crate::domain::Time;
use crate::storage::Result;
use crate::storage::audit::{AuditEvent, AuditFilter, AuditStore};
use crate::storage::sql::SqlStore;
use crate::storage::sql::connection::backend::Backend;
use crate::storage::sql::row::{Value, row, time, to_json};
use crate::storage::sql::statement::as_pattern;
use crate::storage::sql::table::Table;

pub static AUDIT_EVENTS: Table<AuditEvent> = Table::new("audit_events", &["id"]);

row! {
    AuditEvent {
        id,
        time,
        actor,
        on_behalf_of,
        action,
        workspace_id,
        resource_type,
        resource_id,
        before = "state_before",
        after = "state_after",
    }
}

#[async_trait]
impl<DB: Backend> AuditStore for SqlStore<DB> {
    async fn audit_events(
        &self,
        filter: &AuditFilter,
        after: Option<(Time, String)>,
        limit: usize,
    ) -> Result<Vec<AuditEvent>> {
        let select = AUDIT_EVENTS
            .of(&filter.workspace_id)
            .with_any("resource_type =", filter.resource_type.as_deref().map(Value::Text))
            .with_any("resource_id =", filter.resource_id.as_deref().map(Value::Text))
            .with_any("actor =", filter.actor.as_deref().map(Value::Text))
            .with_any("time >=", filter.from.map(time))
            .with_any("time <", filter.to.map(time));
        self.select(select.latest("time", after.as_ref(), limit)).await
    }

    async fn audit_events_naming(
        &self,
        workspace_id: &str,
        text: &str,
        after: Option<(Time, String)>,
        limit: usize,
    ) -> Result<Vec<AuditEvent>> {
        // As it is written in JSON, in a pattern: SQLite ignores case there, and finds more.
        let pattern = format!("%{}%", as_pattern(&to_json(&text)));
        let (at, id) = after.unwrap_or((Time::from_micros(i64::MIN), String::new()));
        let mut select = AUDIT_EVENTS
            .of(workspace_id)
            .with("time >=", time(at))
            .beyond("(time, id) >", [time(at), Value::Text(&id)]);
        let id = select.bind(Value::Text(text));
        let pattern = select.bind(Value::Text(&pattern));
        let select = select.only(&format!(
            "(resource_id = {id} OR actor = {id} OR on_behalf_of = {id} \
             OR state_before LIKE {pattern} ESCAPE '!' \
             OR state_after LIKE {pattern} ESCAPE '!')"
        ));
        self.select(select.ordered("time, id", limit)).await
    }
}
