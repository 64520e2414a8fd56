//! Departments of users, from the directory: filled in where a request names a user and no
//! department.
//!
//! There may be a million users and few departments: the name of each department is kept once, and
//! users without one are not here.

use std::sync::Arc;

use hashbrown::HashMap;
use slab::Slab;
use smol_str::SmolStr;

use super::error::Error;
use crate::domain::attribution::{AttributionField, PackedAttribution};

/// Most users of a workspace that are registered with a department.
pub const DEPARTMENT_USERS_MAX: usize = 2_000_000;

#[derive(Default)]
pub struct Departments {
    /// Position of the department of each user.
    by_user: HashMap<SmolStr, u32>,
    departments: Slab<Department>,
    by_id: HashMap<Arc<str>, u32>,
}

struct Department {
    id: Arc<str>,
    user_count: u32,
}

impl Departments {
    pub fn is_empty(&self) -> bool {
        self.by_user.is_empty()
    }

    pub fn of_user(&self, user_id: &str) -> Option<&Arc<str>> {
        let position = self.by_user.get(user_id)?;
        Some(&self.departments[*position as usize].id)
    }

    /// Sets the department of a user; removes it if the id is empty.
    pub fn put(&mut self, user_id: &str, department_id: &str) {
        self.remove(user_id);
        if department_id.is_empty() {
            return;
        }
        let position = match self.by_id.get(department_id) {
            Some(position) => *position,
            None => {
                let id: Arc<str> = department_id.into();
                let department = Department { id: id.clone(), user_count: 0 };
                let position = u32::try_from(self.departments.insert(department));
                let position = position.expect("users with a department are bounded");
                self.by_id.insert(id, position);
                position
            }
        };
        self.departments[position as usize].user_count += 1;
        self.by_user.insert(user_id.into(), position);
    }

    pub fn remove(&mut self, user_id: &str) {
        let Some(position) = self.by_user.remove(user_id) else { return };
        let department = &mut self.departments[position as usize];
        department.user_count -= 1;
        if department.user_count == 0 {
            let department = self.departments.remove(position as usize);
            self.by_id.remove(&department.id);
        }
    }

    /// Whether these users with their departments stay within the bounds.
    ///
    /// # Errors
    /// If they do not.
    pub fn room_for(&self, departments: &[(String, String)]) -> Result<(), Error> {
        self.room_within(DEPARTMENT_USERS_MAX, departments)
    }

    fn room_within(&self, max: usize, departments: &[(String, String)]) -> Result<(), Error> {
        let is_new = |(user_id, department_id): &&(String, String)| {
            !department_id.is_empty() && self.of_user(user_id).is_none()
        };
        let new = departments.iter().filter(is_new).count();
        if self.by_user.len() + new <= max {
            return Ok(());
        }
        Err(Error::bound_reached("users of a workspace with a department", max))
    }

    /// The attribution with the department of its user; none if that changes nothing.
    pub fn fill(&self, attribution: Option<&PackedAttribution>) -> Option<PackedAttribution> {
        if self.is_empty() {
            return None;
        }
        let attribution = attribution?;
        let user_id = attribution.get(AttributionField::User);
        let department_id = attribution.get(AttributionField::Department);
        if user_id.is_empty() || !department_id.is_empty() {
            return None;
        }
        attribution.with(AttributionField::Department, self.of_user(user_id)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn departments_are_kept_once_and_go_with_their_last_user() {
        let mut departments = Departments::default();
        assert!(departments.is_empty());
        for user in ["a", "b", "c"] {
            departments.put(user, "sales");
        }
        departments.put("c", "legal");
        assert_eq!(departments.departments.len(), 2);
        assert_eq!(departments.of_user("a").map(|id| &**id), Some("sales"));
        assert_eq!(departments.of_user("c").map(|id| &**id), Some("legal"));
        assert_eq!(departments.of_user("d"), None);
        departments.put("c", "");
        departments.remove("a");
        departments.remove("a");
        assert_eq!(departments.departments.len(), 1);
        departments.put("b", "sales");
        assert_eq!(departments.of_user("b").map(|id| &**id), Some("sales"));
        departments.remove("b");
        assert!(departments.is_empty() && departments.departments.is_empty());
        assert!(departments.by_id.is_empty());
    }

    #[test]
    fn users_with_a_department_are_bounded() {
        let mut departments = Departments::default();
        let asked = |names: &[(&str, &str)]| -> Vec<(String, String)> {
            names
                .iter()
                .map(|(user, department)| (user.to_string(), department.to_string()))
                .collect()
        };
        departments.put("a", "sales");
        let fits = |departments: &Departments, names: &[(&str, &str)]| {
            departments.room_within(3, &asked(names)).is_ok()
        };
        assert!(fits(&departments, &[("b", "sales"), ("c", "legal")]));
        assert!(!fits(&departments, &[("b", "sales"), ("c", "legal"), ("d", "legal")]));
        // Neither a user who has one already nor one who loses it is another.
        assert!(fits(&departments, &[("a", "legal"), ("b", "sales"), ("c", "legal")]));
        assert!(fits(&departments, &[("b", "sales"), ("c", "legal"), ("d", "")]));
        let reached = departments.room_within(0, &[]).map_err(|error| error.to_string());
        let expected = "users of a workspace with a department is at most 0";
        assert_eq!(reached, Err(expected.to_owned()));
    }
}
