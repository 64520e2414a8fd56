//! API keys and their groups: which keys are known, what they may do, and where they count.

use std::sync::Arc;

use hashbrown::HashMap;

use super::state::Ledger;
use crate::domain::Time;
use crate::domain::api_key::{ApiKey, KeyGroup};
use crate::domain::check::Reason;
use crate::domain::quota::RESOURCES_MAX;
use crate::domain::workspace::UnknownKeyPolicy;
use crate::ledger::Error;

/// Number of no group.
pub const NO_GROUP: u32 = u32::MAX;

pub struct Keys {
    keys: HashMap<Arc<str>, (Arc<ApiKey>, u32)>,
    groups: HashMap<Arc<str>, Arc<KeyGroup>>,
    /// Ids of groups by number, also of those that are gone: holds may count there.
    names: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32>,
    /// How many keys each group has, by number.
    sizes: Vec<i64>,
    /// Of no group.
    no_name: Arc<str>,
}

impl Default for Keys {
    fn default() -> Keys {
        Keys {
            keys: HashMap::new(),
            groups: HashMap::new(),
            names: Vec::new(),
            numbers: HashMap::new(),
            sizes: Vec::new(),
            no_name: Arc::from(""),
        }
    }
}

/// What is against a key that a request names; one that names none passes.
pub fn objection(
    id: &str,
    known: Option<&ApiKey>,
    unknown: UnknownKeyPolicy,
    now: Time,
) -> Option<Reason> {
    match known {
        None if id.is_empty() => None,
        None => (unknown == UnknownKeyPolicy::Deny).then_some(Reason::KeyUnknown),
        Some(key) if key.disabled => Some(Reason::KeyDisabled),
        Some(key) => key.expire_time.is_some_and(|time| time <= now).then_some(Reason::KeyExpired),
    }
}

/// Whether a key may use a model of the catalogue.
pub fn allows(known: Option<&ApiKey>, model_id: &str) -> bool {
    let allowed = known.map_or(&[][..], |key| &key.allowed_model_ids);
    allowed.is_empty() || allowed.iter().any(|allowed| **allowed == *model_id)
}

impl Keys {
    pub fn key(&self, id: &str) -> Option<&Arc<ApiKey>> {
        self.keys.get(id).map(|(key, _)| key)
    }

    pub fn group(&self, id: &str) -> Option<&Arc<KeyGroup>> {
        self.groups.get(id)
    }

    /// A key with the number of its group; none also where a request names no key.
    pub fn known(&self, id: &str) -> Option<(&ApiKey, u32)> {
        if id.is_empty() || self.keys.is_empty() {
            return None;
        }
        self.keys.get(id).map(|(key, group)| (&**key, *group))
    }

    /// Number of the group that a key is in.
    pub fn group_of(&self, key_id: &str) -> u32 {
        self.known(key_id).map_or(NO_GROUP, |(_, group)| group)
    }

    /// Id of a group by its number; empty for none.
    pub fn group_name(&self, group: u32) -> &str {
        self.names.get(group as usize).map_or("", |name| name)
    }

    /// The same, as records keep it.
    pub fn group_id(&self, group: u32) -> Arc<str> {
        self.names.get(group as usize).unwrap_or(&self.no_name).clone()
    }

    /// The same to be kept.
    pub fn shared_group_name(&self, group: u32) -> Option<Arc<str>> {
        self.names.get(group as usize).cloned()
    }

    pub fn number_of(&mut self, group_id: &str) -> u32 {
        if group_id.is_empty() {
            return NO_GROUP;
        }
        if let Some(number) = self.numbers.get(group_id) {
            return *number;
        }
        let number = u32::try_from(self.names.len()).expect("groups are bounded");
        let name: Arc<str> = group_id.into();
        self.names.push(name.clone());
        self.sizes.push(0);
        self.numbers.insert(name, number);
        number
    }

    pub fn size_of(&self, group_id: &str) -> i64 {
        self.numbers.get(group_id).map_or(0, |number| self.sizes[*number as usize])
    }

    pub fn put(&mut self, key: ApiKey) {
        self.remove(&key.id.clone());
        let group = self.number_of(key.key_group_id.as_deref().unwrap_or_default());
        if group != NO_GROUP {
            self.sizes[group as usize] += 1;
        }
        self.keys.insert(key.id.clone(), (Arc::new(key), group));
    }

    pub fn remove(&mut self, id: &str) {
        if let Some((_, group)) = self.keys.remove(id)
            && group != NO_GROUP
        {
            self.sizes[group as usize] -= 1;
        }
    }

    pub fn put_group(&mut self, group: KeyGroup) {
        self.groups.insert(group.id.clone(), Arc::new(group));
    }

    pub fn remove_group(&mut self, id: &str) {
        self.groups.remove(id);
    }
}

impl Ledger {
    /// Whether one more key stays within the bounds.
    ///
    /// # Errors
    /// If it does not.
    pub fn room_for_key(&self) -> Result<(), Error> {
        bounded(self.keys.keys.len(), "API keys of a workspace")
    }

    /// The same of groups.
    ///
    /// # Errors
    /// If there is no room.
    pub fn room_for_group(&self) -> Result<(), Error> {
        bounded(self.keys.groups.len(), "key groups of a workspace")
    }
}

fn bounded(count: usize, bound: &'static str) -> Result<(), Error> {
    match count < RESOURCES_MAX {
        true => Ok(()),
        false => Err(Error::BoundReached { bound, max: RESOURCES_MAX as i64 }),
    }
}
