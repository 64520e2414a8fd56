//! Which department a user is in, as the directory says: taken where a request names the user and
//! no department.
//!
//! There may be a million users and few departments: the name of each department is kept once, and
//! users without one are not here.

use std::sync::Arc;

use hashbrown::HashMap;
use slab::Slab;
use smol_str::SmolStr;

use super::hold::Hold;
use super::state::Ledger;
use crate::domain::attribution::{Attribution, AttributionField, PackedAttribution};
use crate::ledger::Error;

/// Most users of a workspace that are registered with a department.
pub const DEPARTMENT_USERS_MAX: usize = 2_000_000;

#[derive(Default)]
pub struct Departments {
    /// Number of the department of each user.
    of_users: HashMap<SmolStr, u32>,
    names: Slab<Department>,
    numbers: HashMap<Arc<str>, u32>,
}

struct Department {
    name: Arc<str>,
    users: u32,
}

impl Departments {
    pub fn is_empty(&self) -> bool {
        self.of_users.is_empty()
    }

    pub fn of(&self, user_id: &str) -> Option<&Arc<str>> {
        let number = self.of_users.get(user_id)?;
        Some(&self.names[*number as usize].name)
    }

    /// Puts a user into a department; into none if its id is empty.
    pub fn put(&mut self, user_id: &str, department_id: &str) {
        self.remove(user_id);
        if department_id.is_empty() {
            return;
        }
        let number = match self.numbers.get(department_id) {
            Some(number) => *number,
            None => {
                let name: Arc<str> = department_id.into();
                let number = self.names.insert(Department { name: name.clone(), users: 0 });
                let number = u32::try_from(number).expect("users with a department are bounded");
                self.numbers.insert(name, number);
                number
            }
        };
        self.names[number as usize].users += 1;
        self.of_users.insert(user_id.into(), number);
    }

    pub fn remove(&mut self, user_id: &str) {
        let Some(number) = self.of_users.remove(user_id) else { return };
        let department = &mut self.names[number as usize];
        department.users -= 1;
        if department.users == 0 {
            let department = self.names.remove(number as usize);
            self.numbers.remove(&department.name);
        }
    }
}

impl Ledger {
    /// Takes the departments of all users, when a ledger is loaded.
    pub fn set_departments(&mut self, departments: Vec<(String, String)>) {
        for (user_id, department_id) in departments {
            self.departments.put(&user_id, &department_id);
        }
    }

    /// Puts users into departments, each into none where its id is empty: from the next request on.
    pub fn put_departments(&mut self, departments: &[(String, String)]) {
        for (user_id, department_id) in departments {
            self.departments.put(user_id, department_id);
        }
    }

    /// Whether there is room for these users with their departments.
    ///
    /// # Errors
    /// If there is not.
    pub fn room_for_departments(&self, departments: &[(String, String)]) -> Result<(), Error> {
        let is_more = |(user_id, department_id): &&(String, String)| {
            !department_id.is_empty() && self.departments.of(user_id).is_none()
        };
        let more = departments.iter().filter(is_more).count();
        if self.departments.of_users.len() + more <= DEPARTMENT_USERS_MAX {
            return Ok(());
        }
        let max = i64::try_from(DEPARTMENT_USERS_MAX).expect("a small number");
        Err(Error::BoundReached { bound: "users of a workspace with a department", max })
    }

    /// The attribution of a check with the department of its user, where it names none and the
    /// directory knows one.
    pub(super) fn with_department(
        &self,
        said: Option<&PackedAttribution>,
    ) -> Option<PackedAttribution> {
        if self.departments.is_empty() {
            return None;
        }
        let said = said?;
        let user_id = said.get(AttributionField::User);
        let department_id = said.get(AttributionField::Department);
        if user_id.is_empty() || !department_id.is_empty() {
            return None;
        }
        let department = self.departments.of(user_id)?;
        said.with(AttributionField::Department, department)
    }

    /// Who a record is for: what it says itself, or else what its hold says. A user's department
    /// that it does not name is that of its hold, if that is for the same user, or else that of
    /// the directory.
    pub(super) fn attribution_of_record(
        &self,
        hold: Option<&Hold>,
        said: Option<Box<Attribution>>,
    ) -> Attribution {
        let held = hold.and_then(|hold| hold.attribution.as_ref());
        let Some(said) = said else {
            return held.map(PackedAttribution::unpack).unwrap_or_default();
        };
        let mut said = *said;
        if said.user_id.is_empty() {
            return said;
        }
        let held_user = held.map_or("", |held| held.get(AttributionField::User));
        if super::erasure::is_pseudonym(held_user) {
            // The user was erased while the request ran.
            said.user_id = held_user.to_owned();
        }
        if !said.department_id.is_empty() {
            return said;
        }
        if let Some(held) = held.filter(|_| held_user == said.user_id) {
            said.department_id = held.get(AttributionField::Department).to_owned();
        } else if let Some(department) = self.departments.of(&said.user_id) {
            said.department_id = department.to_string();
        }
        said
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
        assert_eq!(departments.names.len(), 2);
        assert_eq!(departments.of("a").map(|name| &**name), Some("sales"));
        assert_eq!(departments.of("c").map(|name| &**name), Some("legal"));
        assert_eq!(departments.of("d"), None);
        departments.put("c", "");
        departments.remove("a");
        departments.remove("a");
        assert_eq!(departments.names.len(), 1);
        departments.put("b", "sales");
        assert_eq!(departments.of("b").map(|name| &**name), Some("sales"));
        departments.remove("b");
        assert!(departments.is_empty() && departments.names.is_empty());
        assert!(departments.numbers.is_empty());
    }
}
