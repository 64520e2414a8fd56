//! Changes of API keys, key groups, freezes, and departments of users.

use std::sync::Arc;

use crate::domain::Time;
use crate::domain::api_key::{ApiKey, KeyGroup};
use crate::domain::attribution::SubjectKind;
use crate::domain::workspace::freeze::Freeze;
use crate::ledger::error::Error;
use crate::ledger::state::Ledger;

impl Ledger {
    pub fn api_key(&self, id: &str) -> Option<&Arc<ApiKey>> {
        self.keys.get(id)
    }

    /// Inserts a key or replaces the one of the same id. What it used stays with the group that it
    /// was in.
    pub fn put_api_key(&mut self, now: Time, key: ApiKey) {
        self.advance(now);
        self.keys.put(key);
        self.revision += 1;
    }

    pub fn remove_api_key(&mut self, now: Time, id: &str) {
        self.advance(now);
        self.keys.remove(id);
        self.revision += 1;
    }

    /// Whether one more key stays within the bounds.
    ///
    /// # Errors
    /// If it does not.
    pub fn room_for_key(&self) -> Result<(), Error> {
        self.keys.room_for_key()
    }

    pub fn key_group(&self, id: &str) -> Option<&Arc<KeyGroup>> {
        self.keys.group(id)
    }

    pub fn put_key_group(&mut self, now: Time, group: KeyGroup) {
        self.advance(now);
        self.keys.put_group(group);
        self.revision += 1;
    }

    pub fn remove_key_group(&mut self, now: Time, id: &str) {
        self.advance(now);
        self.keys.remove_group(id);
        self.revision += 1;
    }

    pub fn keys_in_group(&self, group_id: &str) -> i64 {
        self.keys.group_size(group_id)
    }

    /// Whether one more group stays within the bounds.
    ///
    /// # Errors
    /// If it does not.
    pub fn room_for_group(&self) -> Result<(), Error> {
        self.keys.room_for_group()
    }

    /// The freeze of a subject, if it is in force.
    pub fn freeze(&self, now: Time, kind: SubjectKind, id: &str) -> Option<Arc<Freeze>> {
        self.freezes.get(kind, id).filter(|freeze| !freeze.is_over(now)).cloned()
    }

    /// Every freeze in force, by kind and id of their subjects.
    pub fn freezes(&self, now: Time) -> Vec<Arc<Freeze>> {
        self.freezes.in_force(now)
    }

    /// Stops a subject from the next check on, or changes reason and end of the stop.
    pub fn put_freeze(&mut self, now: Time, freeze: Freeze) {
        self.advance(now);
        self.freezes.put(freeze);
        self.revision += 1;
    }

    pub fn remove_freeze(&mut self, now: Time, kind: SubjectKind, id: &str) {
        self.advance(now);
        self.freezes.remove(kind, id);
        self.revision += 1;
    }

    /// Whether one more freeze stays within the bound. Those that are over make room.
    ///
    /// # Errors
    /// If it does not.
    pub fn room_for_freeze(&mut self, now: Time) -> Result<(), Error> {
        self.freezes.forget_over(now);
        self.freezes.room()
    }

    /// Sets the departments of all users, when a ledger is loaded.
    pub fn set_departments(&mut self, departments: Vec<(String, String)>) {
        self.put_departments(&departments);
    }

    /// Sets the departments of some users, from the next request on. An empty one removes it.
    pub fn put_departments(&mut self, departments: &[(String, String)]) {
        for (user_id, department_id) in departments {
            self.departments.put(user_id, department_id);
        }
    }

    /// Whether these users with their departments stay within the bounds.
    ///
    /// # Errors
    /// If they do not.
    pub fn room_for_departments(&self, departments: &[(String, String)]) -> Result<(), Error> {
        self.departments.room_for(departments)
    }
}
