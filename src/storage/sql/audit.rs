//! The log of who changed what.

use super::SqlStore;
use super::backend::{Backend, Value};
use super::codec::{Reader, time};
use super::session::Write;
use super::table::Table;
use crate::ledger::Time;
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

/// Appends those whose id is not there yet.
pub(super) async fn append<DB: Backend>(
    write: &mut Write<'_, DB>,
    events: &[AuditEvent],
) -> Result<()> {
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
    AUDIT_EVENTS.add(write, &values).await
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
