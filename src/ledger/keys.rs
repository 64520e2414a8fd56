//! API keys and key groups: which keys are known, which group each is in, and what it may use.

use std::sync::Arc;

use hashbrown::HashMap;

use super::error::Error;
use crate::domain::Time;
use crate::domain::api_key::{ApiKey, KeyGroup};
use crate::domain::check::Reason;
use crate::domain::quota::RESOURCES_MAX;
use crate::domain::workspace::UnknownKeyPolicy;

/// Position of a key group. It stays while holds refer to it, also when the group is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GroupIndex(u32);

pub struct Keys {
    keys: HashMap<Arc<str>, (Arc<ApiKey>, GroupIndex)>,
    groups: HashMap<Arc<str>, Arc<KeyGroup>>,
    /// Ids of groups by their index, with how many keys each has.
    sizes: Vec<(Arc<str>, i64)>,
    indices: HashMap<Arc<str>, GroupIndex>,
    /// Id of no group.
    no_group_id: Arc<str>,
}

impl Default for Keys {
    fn default() -> Keys {
        Keys {
            keys: HashMap::new(),
            groups: HashMap::new(),
            sizes: Vec::new(),
            indices: HashMap::new(),
            no_group_id: Arc::from(""),
        }
    }
}

impl GroupIndex {
    /// The key is in no group.
    pub const NONE: GroupIndex = GroupIndex(u32::MAX);

    fn get(self) -> usize {
        self.0 as usize
    }
}

/// Why a request with this key is denied; one without a key is not.
pub fn denial(
    id: &str,
    known: Option<&ApiKey>,
    unknown_keys: UnknownKeyPolicy,
    now: Time,
) -> Option<Reason> {
    match known {
        None if id.is_empty() => None,
        None => (unknown_keys == UnknownKeyPolicy::Deny).then_some(Reason::KeyUnknown),
        Some(key) if key.disabled => Some(Reason::KeyDisabled),
        Some(key) => key.expire_time.is_some_and(|time| time <= now).then_some(Reason::KeyExpired),
    }
}

/// Whether a key may use a model, by the catalog's id.
pub fn allows_model(known: Option<&ApiKey>, model_id: &str) -> bool {
    let allowed = known.map_or(&[][..], |key| &key.allowed_model_ids);
    allowed.is_empty() || allowed.iter().any(|allowed| **allowed == *model_id)
}

impl Keys {
    pub fn get(&self, id: &str) -> Option<&Arc<ApiKey>> {
        self.keys.get(id).map(|(key, _)| key)
    }

    pub fn group(&self, id: &str) -> Option<&Arc<KeyGroup>> {
        self.groups.get(id)
    }

    /// A key with its group. None if the id is empty.
    pub fn find(&self, id: &str) -> Option<(&ApiKey, GroupIndex)> {
        if id.is_empty() || self.keys.is_empty() {
            return None;
        }
        self.keys.get(id).map(|(key, group)| (&**key, *group))
    }

    pub fn group_of_key(&self, key_id: &str) -> GroupIndex {
        self.find(key_id).map_or(GroupIndex::NONE, |(_, group)| group)
    }

    /// Id of a group; empty for [`GroupIndex::NONE`].
    pub fn group_id(&self, group: GroupIndex) -> &Arc<str> {
        self.sizes.get(group.get()).map_or(&self.no_group_id, |(id, _)| id)
    }

    pub fn find_or_add_group(&mut self, group_id: &str) -> GroupIndex {
        if group_id.is_empty() {
            return GroupIndex::NONE;
        }
        if let Some(index) = self.indices.get(group_id) {
            return *index;
        }
        let number = u32::try_from(self.sizes.len()).expect("groups are bounded");
        let id: Arc<str> = group_id.into();
        self.sizes.push((id.clone(), 0));
        self.indices.insert(id, GroupIndex(number));
        GroupIndex(number)
    }

    /// How many keys are in a group.
    pub fn group_size(&self, group_id: &str) -> i64 {
        self.indices.get(group_id).map_or(0, |index| self.sizes[index.get()].1)
    }

    /// Inserts a key or replaces the one of the same id.
    pub fn put(&mut self, key: ApiKey) {
        self.remove(&key.id.clone());
        let group = self.find_or_add_group(key.key_group_id.as_deref().unwrap_or_default());
        self.change_size(group, 1);
        self.keys.insert(key.id.clone(), (Arc::new(key), group));
    }

    pub fn remove(&mut self, id: &str) {
        if let Some((_, group)) = self.keys.remove(id) {
            self.change_size(group, -1);
        }
    }

    pub fn put_group(&mut self, group: KeyGroup) {
        self.groups.insert(group.id.clone(), Arc::new(group));
    }

    pub fn remove_group(&mut self, id: &str) {
        self.groups.remove(id);
    }

    /// Whether one more key stays within the bounds.
    ///
    /// # Errors
    /// If it does not.
    pub fn room_for_key(&self) -> Result<(), Error> {
        Error::check_bound(self.keys.len(), "API keys of a workspace", RESOURCES_MAX)
    }

    /// Whether one more group stays within the bounds.
    ///
    /// # Errors
    /// If it does not.
    pub fn room_for_group(&self) -> Result<(), Error> {
        Error::check_bound(self.groups.len(), "key groups of a workspace", RESOURCES_MAX)
    }

    fn change_size(&mut self, group: GroupIndex, change: i64) {
        if let Some((_, size)) = self.sizes.get_mut(group.get()) {
            *size += change;
        }
    }
}
