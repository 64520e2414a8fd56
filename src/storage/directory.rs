//! The part of the contract about the directory: users, departments and whatever else usage is
//! attributed to.

use async_trait::async_trait;

use super::Result;
use super::audit::AuditEvent;
use crate::domain::Time;
use crate::domain::attribution::EntryKind;
pub use crate::domain::attribution::directory::Entry;

/// When an id was seen in records of kind usage, by `charge_time`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    pub first_time: Time,
    pub last_time: Time,
    pub first_success_time: Option<Time>,
}

/// An id: registered, seen, or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub id: String,
    pub entry: Option<Entry>,
    pub seen: Option<Seen>,
}

/// Which ids to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryState {
    /// All but those that are archived.
    Current,
    /// Registered, not archived.
    Active,
    /// Seen and not registered.
    SeenOnly,
    Archived,
}

/// What is left of a user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UserTraces {
    /// Whether anything names it.
    pub is_known: bool,
    /// Records of the log.
    pub record_count: i64,
}

/// Erasure of a user. Must delete its entry, the quotas and rate limits that name it, the boosts of
/// these, and boosts of quotas for each user that are for it alone; must replace its id by the
/// pseudonym, which is new, in the log, in all that is derived from it, in refusals, in the
/// shutdown snapshot, in alerts, and where it acted; must replace audit events by those that are
/// given, by their ids. Must not scan the log but for what is not folded yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    pub user_id: String,
    pub pseudonym: String,
    /// Rewritten, without what could lead to the user.
    pub events: Vec<AuditEvent>,
}

/// The directory. It is changed by [`super::settings::Change`]. General rules: see
/// [`super::Store`].
#[async_trait]
pub trait DirectoryStore: Send + Sync + 'static {
    /// Must return, for each of the ids, its entry and when it was seen, in their order.
    async fn entries(
        &self,
        workspace_id: &str,
        kind: EntryKind,
        ids: &[String],
    ) -> Result<Vec<Listed>>;

    /// Must return at most `limit` ids in the state, of users of one department if it is given,
    /// greater than `after_id`, by id. Usage counts as seen once it is folded.
    async fn list_entries(
        &self,
        workspace_id: &str,
        kind: EntryKind,
        state: EntryState,
        department_id: Option<&str>,
        after_id: &str,
        limit: usize,
    ) -> Result<Vec<Listed>>;

    /// Must return whether anything names a user (an entry, quotas or rate limits, boosts for it,
    /// usage, refusals, alerts, its own actions) and how many records do. Must not scan the log but
    /// for what is not folded yet.
    async fn user_traces(&self, workspace_id: &str, user_id: &str) -> Result<UserTraces>;

    /// Must return all users that are registered with a department, each with its department, by
    /// id.
    async fn departments(&self, workspace_id: &str) -> Result<Vec<(String, String)>>;
}
