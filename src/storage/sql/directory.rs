//! The directory: what is registered, and beside it what was only seen in usage.

use std::collections::HashMap;

use async_trait::async_trait;
use sqlx::SqlSafeStr;

use super::SqlStore;
use super::backend::{Backend, Value};
use super::codec::{Code, Reader, code, optional_time, time};
use super::session::Write;
use super::snapshot::Snapshot;
use super::table::{Select, Table};
use crate::storage::Result;
use crate::storage::directory::{
    DirectoryStore, Entry, EntryKind, EntryState, Listed, Seen, UserTraces,
};

const DIRECTORY: Table = Table {
    name: "directory",
    columns: "workspace_id, kind, id, display_name, department_id, external_id, sign_up_time, \
              first_value_time, create_time, update_time, archive_time",
    key: 3,
};

const SEEN: Table = Table {
    name: "seen",
    columns: "workspace_id, dimension, value, first_time, last_time, first_success_time",
    key: 3,
};

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
        self.find_user(workspace_id, user_id).await
    }

    async fn departments(&self, workspace_id: &str) -> Result<Vec<(String, String)>> {
        let sql = "SELECT id, department_id FROM directory \
                   WHERE workspace_id = $1 AND kind = $2 AND department_id <> '' ORDER BY id";
        let values = [Value::Text(workspace_id), code(EntryKind::User)];
        let rows = self.read(sql.into_sql_str(), &values).await?;
        let department = |row| {
            let mut reader = Reader::<DB>::new(row);
            Ok((reader.string()?, reader.string()?))
        };
        rows.iter().map(department).collect()
    }
}

pub(super) async fn put<DB: Backend>(
    write: &mut Write<'_, DB>,
    workspace_id: &str,
    entries: &[Entry],
) -> Result<()> {
    let mut values = Vec::new();
    for entry in entries {
        values.extend([
            Value::Text(workspace_id),
            code(entry.kind),
            Value::Text(&entry.id),
            Value::Text(&entry.display_name),
            Value::Text(&entry.department_id),
            Value::Text(&entry.external_id),
            optional_time(entry.sign_up_time),
            optional_time(entry.first_value_time),
            time(entry.create_time),
            time(entry.update_time),
            optional_time(entry.archive_time),
        ]);
    }
    DIRECTORY.put(write, &values).await
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
    let rows = snapshot.select(select).await?;
    let entries = rows.iter().map(entry::<DB>).collect::<Result<Vec<Entry>>>()?;
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
    let rows = snapshot.select(select).await?;
    let listed = |row| {
        let (id, seen) = seen::<DB>(row)?;
        Ok(Listed { id, entry: None, seen: Some(seen) })
    };
    rows.iter().map(listed).collect()
}

async fn entries_of<DB: Backend>(
    snapshot: &mut Snapshot<DB>,
    workspace_id: &str,
    kind: EntryKind,
    ids: &[String],
) -> Result<HashMap<String, Entry>> {
    let mut found = HashMap::with_capacity(ids.len());
    let of_kind = || DIRECTORY.of(workspace_id).with("kind =", code(kind));
    for row in &look_up(snapshot, of_kind, "id", ids).await? {
        let entry = entry::<DB>(row)?;
        found.insert(entry.id.clone(), entry);
    }
    Ok(found)
}

async fn seen_of<DB: Backend>(
    snapshot: &mut Snapshot<DB>,
    workspace_id: &str,
    kind: EntryKind,
    ids: &[String],
) -> Result<HashMap<String, Seen>> {
    let of_kind = || SEEN.of(workspace_id).with("dimension =", code(kind.dimension()));
    let rows = look_up(snapshot, of_kind, "value", ids).await?;
    rows.iter().map(seen::<DB>).collect()
}

/// The rows of some ids, with statements of a few fixed sizes.
async fn look_up<'a, DB: Backend>(
    snapshot: &mut Snapshot<DB>,
    select: impl Fn() -> Select<'a>,
    column: &str,
    ids: &'a [String],
) -> Result<Vec<DB::Row>> {
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

fn entry<DB: Backend>(row: &DB::Row) -> Result<Entry> {
    let mut reader = Reader::<DB>::new(row);
    let _workspace_id = reader.text()?;
    Ok(Entry {
        kind: reader.code()?,
        id: reader.string()?,
        display_name: reader.string()?,
        department_id: reader.string()?,
        external_id: reader.string()?,
        sign_up_time: reader.optional_time()?,
        first_value_time: reader.optional_time()?,
        create_time: reader.time()?,
        update_time: reader.time()?,
        archive_time: reader.optional_time()?,
    })
}

fn seen<DB: Backend>(row: &DB::Row) -> Result<(String, Seen)> {
    let mut reader = Reader::<DB>::new(row);
    let (_workspace_id, _dimension) = (reader.text()?, reader.int()?);
    let id = reader.string()?;
    let seen = Seen {
        first_time: reader.time()?,
        last_time: reader.time()?,
        first_success_time: reader.optional_time()?,
    };
    Ok((id, seen))
}
