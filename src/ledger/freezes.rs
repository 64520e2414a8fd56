//! Freezes of a workspace: which subjects are stopped.
//!
//! Nothing is frozen, as a rule: then a check asks one number.

use std::sync::Arc;

use hashbrown::HashMap;

use super::error::Error;
use crate::domain::Time;
use crate::domain::attribution::{SubjectIds, SubjectKind, SubjectMap, tag_subject_id};
use crate::domain::workspace::freeze::{FREEZES_MAX, Freeze};

#[derive(Default)]
pub struct Freezes {
    by_kind: SubjectMap<HashMap<Arc<str>, Arc<Freeze>>>,
    count: usize,
}

impl Freezes {
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub fn get(&self, kind: SubjectKind, id: &str) -> Option<&Arc<Freeze>> {
        self.by_kind[kind].get(id)
    }

    /// Inserts a freeze, or replaces the one of the same subject.
    pub fn put(&mut self, freeze: Freeze) {
        let (kind, id) = (freeze.subject.kind, freeze.subject.id.clone());
        let before = self.by_kind[kind].insert(id, Arc::new(freeze));
        self.count += usize::from(before.is_none());
    }

    pub fn remove(&mut self, kind: SubjectKind, id: &str) {
        let before = self.by_kind[kind].remove(id);
        self.count -= usize::from(before.is_some());
    }

    /// Whoever has frozen something gets another name.
    pub fn rename_actor(&mut self, from: &str, to: &str) {
        for kind in SubjectKind::ALL {
            let freezes = self.by_kind[kind].values_mut();
            for freeze in freezes.filter(|freeze| freeze.actor == from) {
                to.clone_into(&mut Arc::make_mut(freeze).actor);
            }
        }
    }

    /// Those in force, by kind and id of their subjects.
    pub fn in_force(&self, now: Time) -> Vec<Arc<Freeze>> {
        let all = self.by_kind.iter().flat_map(|(_, freezes)| freezes.values());
        let mut found: Vec<_> = all.filter(|freeze| !freeze.is_over(now)).cloned().collect();
        found.sort_unstable_by(|a, b| a.subject.cmp(&b.subject));
        found
    }

    /// Forgets those that are over.
    pub fn forget_over(&mut self, now: Time) {
        if self.is_empty() {
            return;
        }
        for kind in SubjectKind::ALL {
            self.by_kind[kind].retain(|_, freeze| !freeze.is_over(now));
        }
        self.count = self.by_kind.iter().map(|(_, freezes)| freezes.len()).sum();
    }

    /// Whether one more stays within the bound.
    ///
    /// # Errors
    /// If it does not.
    pub fn room(&self) -> Result<(), Error> {
        Error::check_bound(self.count, "freezes of a workspace", FREEZES_MAX)
    }

    /// Those that stop a request, in the order of the kinds of their subjects, tags by their keys.
    pub fn stopping(&self, subject_ids: &SubjectIds<'_>, now: Time) -> Vec<&Arc<Freeze>> {
        let mut found = Vec::new();
        for (kind, freezes) in self.by_kind.iter().filter(|(_, freezes)| !freezes.is_empty()) {
            let mut find = |id: &str| {
                let freeze = freezes.get(id);
                found.extend(freeze.filter(|freeze| !freeze.is_over(now)));
            };
            match kind {
                SubjectKind::Workspace => find(""),
                SubjectKind::Tag => subject_ids.each_tag(|key, value| {
                    if let Some(id) = tag_subject_id(key, value) {
                        find(&id);
                    }
                }),
                kind if subject_ids[kind].is_empty() => {}
                kind => find(subject_ids[kind]),
            }
        }
        found
    }
}
