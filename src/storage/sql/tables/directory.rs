//! The directory: what is registered, and what was only seen in usage.

use std::collections::HashMap;

use async_trait::async_trait;

use crate::domain::Coded;
use crate::domain::attribution::EntryKind;
use crate::domain::attribution::directory::Entry;
use crate::storage::Result;
use crate::storage::directory::{DirectoryStore, EntryState, Listed, Seen, UserTraces};
use crate::storage::rollup::SeenRow;
use crate::storage::sql::SqlStore;
use crate::storage::sql::connection::backend::Backend;
use crate::storage::sql::connection::snapshot::Snapshot;
use crate::storage::sql::log::erasure;
use crate::storage::sql::rollups::SEEN;
use crate::storage::sql::row::{Columns, Value, code, row};
use crate::storage::sql::table::{Select, Table};

pub static DIRECTORY: Table<Entry> = Table::owned("directory", &["workspace_id", "kind", "id"]);

row! {
    Entry {
        kind,
        id,
        display_name,
        department_id,
        external_id,
        sign_up_time,
        first_value_time,
        create_time,
        update_time,
        archive_time,
    }
}

/// Most ids that one statement looks up; a power of two.
const LOOKUP_MAX: usize = 128;

#[async_trait]
impl<DB: Backend> DirectoryStore for SqlStore<DB> {
    async fn entries(
        &self,
        workspace_id: &str,
        kind: EntryKind,
        ids: &[String],
    ) -> Result<Vec<Listed>> {
        let mut snapshot = self.snapshot().await?;
        let mut entries = entries_of(&mut snapshot, workspace_id, kind, ids).await?;
        let mut seen = seen_of(&mut snapshot, workspace_id, kind, ids).await?;
        snapshot.end().await?;
        let listed = |id: &String| Listed {
            id: id.clone(),
            entry: entries.remove(id),
            seen: seen.remove(id),
        };
        Ok(ids.iter().map(listed).collect())
    }

    async fn list_entries(
        &self,
        workspace_id: &str,
        kind: EntryKind,
        state: EntryState,
        department_id: Option<&str>,
        after_id: &str,
        limit: usize,
    ) -> Result<Vec<Listed>> {
        let mut snapshot = self.snapshot().await?;
        let of_kind = (workspace_id, kind);
        let mut listed = match state {
            EntryState::SeenOnly => Vec::new(),
            EntryState::Current | EntryState::Active | EntryState::Archived => {
                let archived = state == EntryState::Archived;
                registered(&mut snapshot, of_kind, archived, department_id, after_id, limit).await?
            }
        };
        let with_seen = matches!(state, EntryState::Current | EntryState::SeenOnly);
        if with_seen && department_id.is_none() {
            // What lies beyond a page of entries is not looked at.
            let before = listed.last().filter(|_| listed.len() == limit);
            let before = before.map(|last| last.id.clone());
            let only_seen = only_seen(&mut snapshot, of_kind, after_id, before.as_deref(), limit);
            listed.extend(only_seen.await?);
            listed.sort_by(|a, b| a.id.cmp(&b.id));
            listed.truncate(limit);
        }
        snapshot.end().await?;
        Ok(listed)
    }

    async fn user_traces(&self, workspace_id: &str, user_id: &str) -> Result<UserTraces> {
        let mut snapshot = self.snapshot().await?;
        let traces = erasure::user_traces(&mut snapshot, workspace_id, user_id).await?;
        snapshot.end().await?;
        Ok(traces)
    }

    async fn departments(&self, workspace_id: &str) -> Result<Vec<(String, String)>> {
        let sql = "SELECT id, department_id FROM directory \
                   WHERE workspace_id = $1 AND kind = $2 AND department_id <> '' ORDER BY id";
        let values = [Value::Text(workspace_id), code(EntryKind::User)];
        self.rows(sql, &values).await
    }
}

/// Registered entries, archived or not, with when they were seen.
async fn registered<DB: Backend>(
    snapshot: &mut Snapshot<DB>,
    (workspace_id, kind): (&str, EntryKind),
    archived: bool,
    department_id: Option<&str>,
    after_id: &str,
    limit: usize,
) -> Result<Vec<Listed>> {
    let select = DIRECTORY
        .of(workspace_id)
        .with("kind =", code(kind))
        .with_any("department_id =", department_id.map(Value::Text))
        .only(if archived { "archive_time IS NOT NULL" } else { "archive_time IS NULL" })
        .by_id(after_id, limit);
    let entries = snapshot.select(select).await?;
    let ids: Vec<String> = entries.iter().map(|entry| entry.id.clone()).collect();
    let mut seen = seen_of(snapshot, workspace_id, kind, &ids).await?;
    let listed = |entry: Entry| {
        let id = entry.id.clone();
        Listed { seen: seen.remove(&id), id, entry: Some(entry) }
    };
    Ok(entries.into_iter().map(listed).collect())
}

/// What was seen and is not registered.
async fn only_seen<DB: Backend>(
    snapshot: &mut Snapshot<DB>,
    (workspace_id, kind): (&str, EntryKind),
    after_id: &str,
    before_id: Option<&str>,
    limit: usize,
) -> Result<Vec<Listed>> {
    let select = SEEN
        .of(workspace_id)
        .with("dimension =", code(kind.dimension()))
        .with("value >", Value::Text(after_id))
        .with_any("value <", before_id.map(Value::Text))
        // One look-up for each, on either database: never a join that reads the whole directory.
        .only(&format!(
            "(SELECT COUNT(*) FROM directory WHERE directory.workspace_id = seen.workspace_id \
             AND directory.kind = {} AND directory.id = seen.value) = 0",
            kind.code()
        ))
        .ordered("value", limit);
    let seen = snapshot.select(select).await?;
    let listed =
        |row: SeenRow| Listed { id: row.value.to_string(), entry: None, seen: Some(row.seen) };
    Ok(seen.into_iter().map(listed).collect())
}

async fn entries_of<DB: Backend>(
    snapshot: &mut Snapshot<DB>,
    workspace_id: &str,
    kind: EntryKind,
    ids: &[String],
) -> Result<HashMap<String, Entry>> {
    let of_kind = || DIRECTORY.of(workspace_id).with("kind =", code(kind));
    let found = look_up(snapshot, of_kind, "id", ids).await?;
    Ok(found.into_iter().map(|entry| (entry.id.clone(), entry)).collect())
}

async fn seen_of<DB: Backend>(
    snapshot: &mut Snapshot<DB>,
    workspace_id: &str,
    kind: EntryKind,
    ids: &[String],
) -> Result<HashMap<String, Seen>> {
    let of_kind = || SEEN.of(workspace_id).with("dimension =", code(kind.dimension()));
    let found = look_up(snapshot, of_kind, "value", ids).await?;
    Ok(found.into_iter().map(|row| (row.value.to_string(), row.seen)).collect())
}

/// The rows of some ids, with statements of a few fixed sizes.
async fn look_up<'a, DB: Backend, T: Columns>(
    snapshot: &mut Snapshot<DB>,
    select: impl Fn() -> Select<'a, T>,
    column: &str,
    ids: &'a [String],
) -> Result<Vec<T>> {
    let mut found = Vec::new();
    let mut rest = ids;
    let mut size = LOOKUP_MAX;
    while !rest.is_empty() {
        while size > rest.len() {
            size /= 2;
        }
        let (part, after) = rest.split_at(size);
        found.extend(snapshot.select(select().among(column, part)).await?);
        rest = after;
    }
    Ok(found)
}
