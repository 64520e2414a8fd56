//! The directory: what is registered, and what was only seen in usage.

use std::collections::HashMap;

use async_trait::async_trait;

use super::entry_words::Spans;
use crate::domain::Coded;
use crate::domain::attribution::directory::Entry;
use crate::domain::attribution::{Dimension, EntryKind};
use crate::storage::Result;
use crate::storage::directory::{
    DirectoryStore, EntryFilter, EntryState, Erasure, Listed, Seen, UserTraces,
};
use crate::storage::log::RecordPosition;
use crate::storage::rollup::SeenRow;
use crate::storage::search::{COUNT_MAX, Counted};
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
        let mut seen = seen_of(&mut snapshot, workspace_id, kind.dimension(), ids).await?;
        snapshot.end().await?;
        let listed = |id: &String| Listed {
            id: id.clone(),
            entry: entries.remove(id),
            seen: seen.remove(id),
        };
        Ok(ids.iter().map(listed).collect())
    }

    async fn seen(
        &self,
        workspace_id: &str,
        dimension: Dimension,
        values: &[String],
    ) -> Result<HashMap<String, Seen>> {
        let mut snapshot = self.snapshot().await?;
        let seen = seen_of(&mut snapshot, workspace_id, dimension, values).await?;
        snapshot.end().await?;
        Ok(seen)
    }

    async fn list_entries(
        &self,
        workspace_id: &str,
        filter: &EntryFilter,
        after_id: &str,
        limit: usize,
    ) -> Result<Counted<Listed>> {
        let mut snapshot = self.snapshot().await?;
        let spans = Spans::of(&filter.search);
        let lister = Lister { workspace_id, filter, spans: &spans };
        let counted = match spans.found(&mut snapshot, (workspace_id, filter.kind)).await? {
            Some(ids) => lister.among(&mut snapshot, &ids, after_id, limit).await?,
            None => Counted {
                total_count: lister.count(&mut snapshot).await?,
                entries: lister.page(&mut snapshot, after_id, limit).await?,
            },
        };
        snapshot.end().await?;
        Ok(counted)
    }

    async fn user_traces(
        &self,
        workspace_id: &str,
        user_id: &str,
        upto: i64,
    ) -> Result<UserTraces> {
        let mut snapshot = self.snapshot().await?;
        let traces = erasure::user_traces(&mut snapshot, workspace_id, user_id, upto).await?;
        snapshot.end().await?;
        Ok(traces)
    }

    async fn user_entries_after(&self, workspace_id: &str, user_id: &str, seq: i64) -> Result<i64> {
        erasure::user_entries_after(self, workspace_id, user_id, seq).await
    }

    async fn erasures(&self) -> Result<Vec<(String, Erasure)>> {
        self.rows(erasure::begun(), &[]).await
    }

    async fn entries_to_erase(
        &self,
        workspace_id: &str,
        erasure: &Erasure,
        after: Option<RecordPosition>,
        limit: usize,
    ) -> Result<Vec<RecordPosition>> {
        let mut snapshot = self.snapshot().await?;
        let found =
            erasure::entries_to_erase(&mut snapshot, workspace_id, erasure, after, limit).await?;
        snapshot.end().await?;
        Ok(found)
    }

    async fn departments(&self, workspace_id: &str) -> Result<Vec<(String, String)>> {
        let sql = "SELECT id, department_id FROM directory \
                   WHERE workspace_id = $1 AND kind = $2 AND department_id <> '' ORDER BY id";
        let values = [Value::Text(workspace_id), code(EntryKind::User)];
        self.rows(sql, &values).await
    }
}

/// A list of entries.
struct Lister<'a> {
    workspace_id: &'a str,
    filter: &'a EntryFilter,
    spans: &'a Spans,
}

impl Lister<'_> {
    /// The part of it that is asked for, where these are found.
    async fn among<DB: Backend>(
        &self,
        snapshot: &mut Snapshot<DB>,
        ids: &[String],
        after_id: &str,
        limit: usize,
    ) -> Result<Counted<Listed>> {
        let mut entries = entries_of(snapshot, self.workspace_id, self.filter.kind, ids).await?;
        let mut seen =
            seen_of(snapshot, self.workspace_id, self.filter.kind.dimension(), ids).await?;
        let listed = ids.iter().map(|id| Listed {
            id: id.clone(),
            entry: entries.remove(id),
            seen: seen.remove(id),
        });
        // Words of what was seen stay when rollups are built from a log that no longer has it.
        let is_there = |listed: &Listed| listed.entry.is_some() || listed.seen.is_some();
        let mut entries: Vec<Listed> =
            listed.filter(|it| is_there(it) && self.filter.is_listed(it)).collect();
        let total_count = entries.len().min(COUNT_MAX);
        entries.retain(|listed| *listed.id > *after_id);
        entries.truncate(limit);
        Ok(Counted { entries, total_count })
    }

    /// The same where all entries are gone through by id.
    async fn page<DB: Backend>(
        &self,
        snapshot: &mut Snapshot<DB>,
        after_id: &str,
        limit: usize,
    ) -> Result<Vec<Listed>> {
        let mut listed = match self.registered() {
            Some(select) => self.with_seen(snapshot, select.by_id(after_id, limit)).await?,
            None => Vec::new(),
        };
        // What lies beyond a page of entries is not looked at.
        let before = listed.last().filter(|_| listed.len() == limit);
        let before = before.map(|last| last.id.clone());
        if let Some(select) = self.only_seen() {
            let select = select
                .with("value >", Value::Text(after_id))
                .with_any("value <", before.as_deref().map(Value::Text));
            let only_seen = snapshot.select(select.ordered("value", limit)).await?;
            listed.extend(only_seen.into_iter().map(|row| Listed {
                id: row.value.to_string(),
                entry: None,
                seen: Some(row.seen),
            }));
            listed.sort_by(|a, b| a.id.cmp(&b.id));
            listed.truncate(limit);
        }
        Ok(listed)
    }

    /// How many there are, counted to [`COUNT_MAX`].
    async fn count<DB: Backend>(&self, snapshot: &mut Snapshot<DB>) -> Result<usize> {
        let EntryFilter { kind, state, department_id, .. } = self.filter;
        if *state == EntryState::Current && department_id.is_none() && !self.spans.is_empty() {
            let (of_kind, archived) = ((self.workspace_id, *kind), "archive_time IS NOT NULL");
            return self.spans.count_without(snapshot, of_kind, archived).await;
        }
        let mut count = 0;
        if let Some(select) = self.registered() {
            count += snapshot.count(select, COUNT_MAX).await?;
        }
        match self.only_seen() {
            Some(select) if count < COUNT_MAX => {
                count += snapshot.count(select, COUNT_MAX - count).await?;
            }
            _ => {}
        }
        Ok(count)
    }

    /// Registered entries, archived or not.
    fn registered(&self) -> Option<Select<'_, Entry>> {
        let EntryFilter { kind, state, department_id, .. } = self.filter;
        let archived = match state {
            EntryState::SeenOnly => return None,
            EntryState::Current | EntryState::Active => "archive_time IS NULL",
            EntryState::Archived => "archive_time IS NOT NULL",
        };
        let select = DIRECTORY
            .of(self.workspace_id)
            .with("kind =", code(*kind))
            .with_any("department_id =", department_id.as_deref().map(Value::Text))
            .only(archived);
        Some(self.spans.restrict(select, "directory", "id", *kind))
    }

    /// What was seen and is not registered.
    fn only_seen(&self) -> Option<Select<'_, SeenRow>> {
        let EntryFilter { kind, state, department_id, .. } = self.filter;
        let is_listed = matches!(state, EntryState::Current | EntryState::SeenOnly);
        if !is_listed || department_id.is_some() {
            return None;
        }
        let select = SEEN
            .of(self.workspace_id)
            .with("dimension =", code(kind.dimension()))
            // One look-up for each, on either database: never a join that reads all of the
            // directory.
            .only(&format!(
                "(SELECT COUNT(*) FROM directory \
                 WHERE directory.workspace_id = seen.workspace_id \
                 AND directory.kind = {} AND directory.id = seen.value) = 0",
                kind.code()
            ));
        Some(self.spans.restrict(select, "seen", "value", *kind))
    }

    /// Entries with when they were seen.
    async fn with_seen<DB: Backend>(
        &self,
        snapshot: &mut Snapshot<DB>,
        select: Select<'_, Entry>,
    ) -> Result<Vec<Listed>> {
        let entries = snapshot.select(select).await?;
        let ids: Vec<String> = entries.iter().map(|entry| entry.id.clone()).collect();
        let mut seen =
            seen_of(snapshot, self.workspace_id, self.filter.kind.dimension(), &ids).await?;
        let listed = |entry: Entry| {
            let id = entry.id.clone();
            Listed { seen: seen.remove(&id), id, entry: Some(entry) }
        };
        Ok(entries.into_iter().map(listed).collect())
    }
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
    dimension: Dimension,
    values: &[String],
) -> Result<HashMap<String, Seen>> {
    let of_dimension = || SEEN.of(workspace_id).with("dimension =", code(dimension));
    let found = look_up(snapshot, of_dimension, "value", values).await?;
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
