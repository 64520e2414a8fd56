//! The directory: users, departments and what else usage is attributed to, as administrators
//! register it. Nothing has to be registered.
//!
//! Entries change in batches: all of a call or none.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Edit, bounded, not_found};
use crate::domain::Time;
use crate::domain::attribution::directory::Entry;
use crate::domain::attribution::{Dimension, EntryKind, SubjectKind, VISIBLE, is_visible};
use crate::domain::workspace::Workspace;
use crate::engine::audit::{self, Actor};
use crate::engine::error::{Error, Result};
use crate::engine::{Engine, Shared};
use crate::storage;
use crate::storage::directory::{EntryFilter, Listed};
use crate::storage::reports::{ReportQuery, ReportResult};
use crate::storage::search::Counted;
use crate::storage::settings::Change;

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

/// Names of subjects for people; those without one are left out.
pub type SubjectNames = HashMap<(SubjectKind, Arc<str>), String>;

/// What is known of ids in one workspace, by kind and id.
type Known = HashMap<(EntryKind, String), Listed>;

impl Engine {
    /// Registers entries, each of a kind and id of its own, or replaces what is registered.
    /// Returns them as they are now, in their order.
    pub async fn upsert_entries(
        &self,
        actor: Actor,
        workspace_id: &str,
        new: Vec<NewEntry>,
    ) -> Result<Vec<Listed>> {
        let upsert = |edit: Edit| async move {
            let keys: Vec<_> = new.iter().map(|new| (new.kind, new.id.clone())).collect();
            let known = edit.shared.known_entries(edit.handle.id(), &keys).await?;
            for (index, new) in new.iter().enumerate() {
                new.check_ids(index, &known[&(new.kind, new.id.clone())])?;
            }
            let after = new.into_iter().map(|new| {
                let before = known[&(new.kind, new.id.clone())].entry.as_ref();
                new.replace(before, edit.now)
            });
            let after = after.collect();
            edit.put_entries(known, after).await
        };
        self.edit(actor, workspace_id, upsert).await
    }

    /// What is registered under an id, or was seen of it in usage.
    pub async fn entry(&self, workspace_id: &str, kind: EntryKind, id: String) -> Result<Listed> {
        self.workspace(workspace_id).await?;
        // So that a caller finds what it has recorded.
        self.fold_now().await;
        let ids = [id];
        let found = self.store().entries(workspace_id, kind, &ids).await?.into_iter().next();
        let found = found.filter(|found| found.entry.is_some() || found.seen.is_some());
        let [id] = ids;
        found.ok_or_else(|| not_found(kind.as_str(), id))
    }

    /// Entries that match, by id.
    pub async fn list_entries(
        &self,
        workspace_id: &str,
        filter: &EntryFilter,
        after_id: &str,
        limit: usize,
    ) -> Result<Counted<Listed>> {
        self.workspace(workspace_id).await?;
        if after_id.is_empty() {
            self.fold_now().await;
        }
        Ok(self.store().list_entries(workspace_id, filter, after_id, limit).await?)
    }

    /// The names of some subjects, as the directory, keys, groups and the workspace have them.
    pub async fn subject_names(
        &self,
        workspace_id: &str,
        subjects: impl IntoIterator<Item = (SubjectKind, Arc<str>)>,
    ) -> Result<SubjectNames> {
        let workspace = self.workspace(workspace_id).await?;
        let mut names = SubjectNames::new();
        let mut ids: HashMap<SubjectKind, Vec<String>> = HashMap::new();
        for (kind, id) in subjects {
            match dimension_of_names(kind) {
                Some(_) => ids.entry(kind).or_default().push(id.to_string()),
                None if kind == SubjectKind::Workspace => {
                    names.insert((kind, id), name_of(workspace.lock().workspace()));
                }
                None => {}
            }
        }
        let (kinds, queries): (Vec<_>, Vec<_>) = ids
            .into_iter()
            .filter_map(|(kind, ids)| {
                Some((kind, ReportQuery::Names(dimension_of_names(kind)?, ids)))
            })
            .unzip();
        if queries.is_empty() {
            return Ok(names);
        }
        let found = self.store().report(workspace_id, &queries).await?;
        for (kind, result) in kinds.into_iter().zip(found) {
            let ReportResult::Names(found) = result else { continue };
            names.extend(found.into_iter().map(|(id, name)| ((kind, id.into()), name)));
        }
        Ok(names)
    }

    /// Archives registered entries, or restores them.
    pub async fn archive_entries(
        &self,
        actor: Actor,
        workspace_id: &str,
        kind: EntryKind,
        ids: Vec<String>,
        archived: bool,
    ) -> Result<Vec<Listed>> {
        let archive = move |edit: Edit| async move {
            let keys: Vec<_> = ids.into_iter().map(|id| (kind, id)).collect();
            let known = edit.shared.known_entries(edit.handle.id(), &keys).await?;
            let mut after = Vec::with_capacity(keys.len());
            for (_, id) in &keys {
                let Some(before) = &known[&(kind, id.clone())].entry else {
                    return Err(not_found(kind.as_str(), id));
                };
                let archive_time = archived.then(|| before.archive_time.unwrap_or(edit.now));
                after.push(match archive_time == before.archive_time {
                    true => before.clone(),
                    false => Entry { archive_time, update_time: edit.now, ..before.clone() },
                });
            }
            edit.put_entries(known, after).await
        };
        self.edit(actor, workspace_id, archive).await
    }
}

/// Its id where it has no name.
fn name_of(workspace: &Workspace) -> String {
    match workspace.display_name.as_str() {
        "" => workspace.id.to_string(),
        name => name.to_owned(),
    }
}

/// The dimension whose values have the names of a kind of subjects, if there are any.
fn dimension_of_names(kind: SubjectKind) -> Option<Dimension> {
    match kind {
        SubjectKind::KeyGroup => Some(Dimension::KeyGroup),
        kind => kind.field().and_then(|field| field.dimension()),
    }
}

impl Edit {
    /// Writes the entries that differ from what is known, each with its entry of the audit log, and
    /// gives the ledger the departments that changed.
    async fn put_entries(&self, mut known: Known, after: Vec<Entry>) -> Result<Vec<Listed>> {
        let mut changed = Vec::new();
        let mut events = Vec::new();
        let mut departments = Vec::new();
        for entry in &after {
            let before = known[&(entry.kind, entry.id.clone())].entry.as_ref();
            let (state_before, state_after) = (before.map(audit::state), audit::state(entry));
            let kind = entry.kind.as_str();
            let event = self.event(kind, &entry.id, state_before, Some(state_after));
            let Some(event) = event else { continue };
            events.push(event);
            changed.push(entry.clone());
            let department = before.map_or("", |before| before.department_id.as_str());
            if entry.department_id != department {
                departments.push((entry.id.clone(), entry.department_id.clone()));
            }
        }
        if !changed.is_empty() {
            bounded(self.ledger().room_for_departments(&departments))?;
            self.commit(vec![Change::PutEntries(changed)], events).await?;
            self.ledger().put_departments(&departments);
        }
        let listed = after.into_iter().map(|entry| {
            let seen = known.remove(&(entry.kind, entry.id.clone())).and_then(|known| known.seen);
            Listed { id: entry.id.clone(), entry: Some(entry), seen }
        });
        Ok(listed.collect())
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
}

impl NewEntry {
    /// Ids that are in use already stay so.
    fn check_ids(&self, index: usize, known: &Listed) -> Result<()> {
        let is_known = known.entry.is_some() || known.seen.is_some();
        let department = known.entry.as_ref().map(|entry| &entry.department_id);
        let is_department_known = department == Some(&self.department_id);
        for (field, id, is_known) in [
            ("id", &self.id, is_known),
            ("department_id", &self.department_id, is_department_known),
        ] {
            if !is_known && !is_visible(id) {
                let field = format!("entries[{index}].{field}");
                return Err(Error::Field { field, expected: VISIBLE.to_owned() });
            }
        }
        Ok(())
    }

    /// The entry that replaces `before`; that itself if nothing differs.
    fn replace(self, before: Option<&Entry>, now: Time) -> Entry {
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
