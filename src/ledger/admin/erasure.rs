//! Erasure of a user: a pseudonym replaces its id, and what it used still counts.

use std::sync::Arc;

use crate::domain::Time;
use crate::domain::attribution::SubjectKind;
use crate::ledger::state::Ledger;

/// Pseudonyms begin with this; a random UUID follows.
pub const PSEUDONYM_PREFIX: &str = "erased-";
/// Length of a UUID as text.
const UUID_BYTES: usize = 36;

/// Where a ledger refers to a user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UserTraces {
    /// Quotas that name it.
    pub quotas: usize,
    /// Rate limits that name it.
    pub rate_limits: usize,
    /// Whether it is frozen.
    pub is_frozen: bool,
    /// Boosts of quotas for each user that are for it alone.
    pub boosts: usize,
    /// Whether it has a live hold, or is known in any other way.
    pub is_known: bool,
}

/// Whether an id has the form of a pseudonym.
pub fn is_pseudonym(id: &str) -> bool {
    id.strip_prefix(PSEUDONYM_PREFIX).is_some_and(|random| random.len() == UUID_BYTES)
}

impl Ledger {
    pub fn traces_of_user(&self, user_id: &str) -> UserTraces {
        let (quotas, rate_limits) = self.limits.count_naming_user(user_id);
        let boosts = self.limits.count_boosts_of_user(user_id);
        let is_frozen = self.freezes.get(SubjectKind::User, user_id).is_some();
        let is_known = quotas + rate_limits + boosts > 0
            || is_frozen
            || self.departments.of_user(user_id).is_some()
            || self.limits.has_user(user_id)
            || self.holds.iter().chain(self.holds.expired()).any(|hold| hold.is_of_user(user_id));
        UserTraces { quotas, rate_limits, is_frozen, boosts, is_known }
    }

    /// Erases a user: rules that name it are removed, and a pseudonym that no other has replaces
    /// its id everywhere else. What it used and holds still counts.
    pub fn erase_user(&mut self, now: Time, user_id: &str, pseudonym: &Arc<str>) {
        self.advance(now);
        self.departments.remove(user_id);
        self.freezes.remove(SubjectKind::User, user_id);
        self.freezes.rename_actor(user_id, pseudonym);
        self.limits.erase_user(user_id, pseudonym);
        for hold in self.holds.all_mut() {
            hold.rename_user(user_id, pseudonym);
        }
        self.holds.count_bytes();
        self.alerts.rename_user(user_id, pseudonym);
        self.refusals.rename_user(user_id, pseudonym);
        self.revision += 1;
    }
}
