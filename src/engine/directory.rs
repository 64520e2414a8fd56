//! The directory: whom and what usage is attributed to, as administrators register it.
//!
//! Nothing has to be registered; which department a user is in is told to the ledger.

use std::collections::HashMap;

use super::audit::By;
use super::error::{Error, Result};
use super::{Engine, Shared, WorkspaceHandle, described};
use crate::domain::Time;
use crate::storage;
use crate::storage::directory::{Entry, EntryKind, EntryState, Listed};
use crate::storage::policy::Change;

/// An entry to be registered, or to replace the one of its kind and id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEntry {
    pub kind: EntryKind,
    pub id: String,
    pub display_name: String,
    /// This and the times of users only.
    pub department_id: String,
    pub external_id: String,
    pub sign_up_time: Option<Time>,
    pub first_value_time: Option<Time>,
}

/// Entries of one workspace as they are, found by kind and id.
type Known = HashMap<(EntryKind, String), Listed>;

impl Engine {
    /// Registers entries, each of a kind and id of its own, or replaces what is registered: all of
    /// them or none. Answers them as they are now, in their order.
    pub async fn upsert_entries(
        &self,
        by: By,
        workspace_id: &str,
        new: Vec<NewEntry>,
    ) -> Result<Vec<Listed>> {
        let handle = self.workspace(workspace_id).await?;
        self.in_writer(move |shared| async move {
            let (_, now) = handle.settings(&shared);
            let keys: Vec<_> = new.iter().map(|new| (new.kind, new.id.clone())).collect();
            let known = shared.known_entries(handle.id(), &keys).await?;
            let after = new.into_iter().map(|new| {
                let before = known[&(new.kind, new.id.clone())].entry.as_ref();
                new.over(before, now)
            });
            let after = after.collect();
            shared.put_entries(&handle, by, now, known, after).await
        })
        .await
    }

    /// What is registered or was seen under an id.
    pub async fn entry(&self, workspace_id: &str, kind: EntryKind, id: String) -> Result<Listed> {
        self.workspace(workspace_id).await?;
        // So that a caller finds what it has recorded.
        self.fold_now().await;
        let ids = [id];
        let found = self.store().entries(workspace_id, kind, &ids).await?.into_iter().next();
        let found = found.filter(|found| found.entry.is_some() || found.seen.is_some());
        let [id] = ids;
        found.ok_or(Error::ResourceNotFound { resource: resource(kind), id })
    }

    /// Entries in a state, of users of one department if it is given, whose id is greater than
    /// `after_id`, by id.
    pub async fn list_entries(
        &self,
        workspace_id: &str,
        kind: EntryKind,
        state: EntryState,
        department_id: Option<&str>,
        after_id: &str,
        limit: usize,
    ) -> Result<Vec<Listed>> {
        self.workspace(workspace_id).await?;
        if after_id.is_empty() {
            self.fold_now().await;
        }
        let store = self.store();
        let found =
            store.list_entries(workspace_id, kind, state, department_id, after_id, limit).await?;
        Ok(found)
    }

    /// Puts registered entries into the archive, or takes them out: all of them or none.
    pub async fn archive_entries(
        &self,
        by: By,
        workspace_id: &str,
        kind: EntryKind,
        ids: Vec<String>,
        archived: bool,
    ) -> Result<Vec<Listed>> {
        let handle = self.workspace(workspace_id).await?;
        self.in_writer(move |shared| async move {
            let (_, now) = handle.settings(&shared);
            let keys: Vec<_> = ids.into_iter().map(|id| (kind, id)).collect();
            let known = shared.known_entries(handle.id(), &keys).await?;
            let mut after = Vec::with_capacity(keys.len());
            for (_, id) in &keys {
                let Some(before) = &known[&(kind, id.clone())].entry else {
                    let (resource, id) = (resource(kind), id.clone());
                    return Err(Error::ResourceNotFound { resource, id });
                };
                let archive_time = archived.then(|| before.archive_time.unwrap_or(now));
                after.push(match archive_time == before.archive_time {
                    true => before.clone(),
                    false => Entry { archive_time, update_time: now, ..before.clone() },
                });
            }
            shared.put_entries(&handle, by, now, known, after).await
        })
        .await
    }
}

impl Shared {
    async fn known_entries(
        &self,
        workspace_id: &str,
        keys: &[(EntryKind, String)],
    ) -> storage::Result<Known> {
        let mut by_kind: HashMap<EntryKind, Vec<String>> = HashMap::new();
        for (kind, id) in keys {
            by_kind.entry(*kind).or_default().push(id.clone());
        }
        let mut known = Known::with_capacity(keys.len());
        for (kind, ids) in by_kind {
            for listed in self.store.entries(workspace_id, kind, &ids).await? {
                known.insert((kind, listed.id.clone()), listed);
            }
        }
        Ok(known)
    }

    /// Writes those that differ from what is known, each with its entry of the audit log, and tells
    /// the ledger of other departments.
    async fn put_entries(
        &self,
        handle: &WorkspaceHandle,
        by: By,
        now: Time,
        mut known: Known,
        after: Vec<Entry>,
    ) -> Result<Vec<Listed>> {
        let mut changed = Vec::new();
        let mut events = Vec::new();
        let mut departments = Vec::new();
        for entry in &after {
            let before = known[&(entry.kind, entry.id.clone())].entry.as_ref();
            let described = before.map(described::entry);
            let (resource, id) = (resource(entry.kind), &entry.id);
            let event =
                by.event(now, handle.id(), resource, id, described, Some(described::entry(entry)));
            let Some(event) = event else { continue };
            events.push(event);
            changed.push(entry.clone());
            let department = before.map_or("", |before| before.department_id.as_str());
            if entry.department_id != department {
                departments.push((entry.id.clone(), entry.department_id.clone()));
            }
        }
        if !changed.is_empty() {
            let room = handle.lock().room_for_departments(&departments);
            room.map_err(|error| Error::of_ledger(error, ""))?;
            self.change(handle.id(), vec![Change::PutEntries(changed)], events).await?;
            handle.lock().put_departments(&departments);
        }
        let listed = after.into_iter().map(|entry| {
            let seen = known.remove(&(entry.kind, entry.id.clone())).and_then(|known| known.seen);
            Listed { id: entry.id.clone(), entry: Some(entry), seen }
        });
        Ok(listed.collect())
    }
}

impl NewEntry {
    /// In the place of what is registered; that itself if it says the same.
    fn over(self, before: Option<&Entry>, now: Time) -> Entry {
        let entry = Entry {
            kind: self.kind,
            id: self.id,
            display_name: self.display_name,
            department_id: self.department_id,
            external_id: self.external_id,
            sign_up_time: self.sign_up_time,
            first_value_time: self.first_value_time,
            create_time: before.map_or(now, |before| before.create_time),
            update_time: before.map_or(now, |before| before.update_time),
            archive_time: before.and_then(|before| before.archive_time),
        };
        match before {
            Some(before) if *before != entry => Entry { update_time: now, ..entry },
            _ => entry,
        }
    }
}

/// What an entry is called in errors and in the audit log.
pub(super) fn resource(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::User => "user",
        EntryKind::Department => "department",
        EntryKind::Assistant => "assistant",
        EntryKind::Workflow => "workflow",
        EntryKind::Feature => "feature",
        EntryKind::Project => "project",
        EntryKind::Investigation => "investigation",
    }
}
