//! The part of the contract about the directory: users, departments and whatever else usage is
//! attributed to.

use std::collections::HashMap;

use async_trait::async_trait;

use super::Result;
use super::audit::AuditEvent;
use super::log::RecordPosition;
use super::search::{Counted, Search};
use crate::domain::Time;
pub use crate::domain::attribution::directory::Entry;
use crate::domain::attribution::{Dimension, EntryKind};

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

/// Which ids to list.
#[derive(Clone, Debug)]
pub struct EntryFilter {
    pub kind: EntryKind,
    pub state: EntryState,
    /// Users of this department alone.
    pub department_id: Option<String>,
    /// Found by the words of id, name and id in another system.
    pub search: Search,
}

impl EntryFilter {
    pub fn of(kind: EntryKind, state: EntryState) -> EntryFilter {
        EntryFilter { kind, state, department_id: None, search: Search::default() }
    }

    /// Whether an id is of the state and department.
    pub fn is_listed(&self, listed: &Listed) -> bool {
        let is_archived = listed.entry.as_ref().map(|entry| entry.archive_time.is_some());
        let is_of_state = match self.state {
            EntryState::Current => is_archived != Some(true),
            EntryState::Active => is_archived == Some(false),
            EntryState::SeenOnly => is_archived.is_none(),
            EntryState::Archived => is_archived == Some(true),
        };
        let department = listed.entry.as_ref().map_or("", |entry| &entry.department_id);
        is_of_state && self.department_id.as_ref().is_none_or(|id| id == department)
    }
}

/// What is left of a user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UserTraces {
    /// Whether anything names it.
    pub is_known: bool,
    /// Entries of the log.
    pub record_count: i64,
}

/// Erasure of a user, in parts: it begins with [`Change::EraseUser`], goes on with
/// [`Change::EraseUserPart`], and ends with [`Change::EndErasure`].
///
/// Its beginning must delete the user's entry, the quotas and rate limits that name it, the boosts
/// of these, and boosts of quotas for each user that are for it alone; must replace its id by the
/// pseudonym, which is new, in all that is derived from the log, in entries of the log that are not
/// folded yet, in refusals, in stored holds and counts, in alerts, and as the actor of boosts and
/// freezes. Must not take time in proportion to the entries of the log that are folded, nor to
/// audit events.
///
/// Until its end, entries up to `seq` that still have the id must be read with the pseudonym by
/// [`super::log::LogStore`], and must be counted with it by
/// [`super::consumption::ConsumptionStore`] and where the rollups are verified and rebuilt.
///
/// [`Change::EraseUser`]: super::settings::Change::EraseUser
/// [`Change::EraseUserPart`]: super::settings::Change::EraseUserPart
/// [`Change::EndErasure`]: super::settings::Change::EndErasure
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    pub user_id: String,
    pub pseudonym: String,
    /// The last entry of the log when it began: what comes later is of another user.
    pub seq: i64,
    /// Entries of the log that carry the pseudonym in the end.
    pub record_count: i64,
    pub begin_time: Time,
}

/// Part of an erasure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErasurePart {
    pub user_id: String,
    pub pseudonym: String,
    /// Entries of the log; those of them that have the id get the pseudonym.
    pub seqs: Vec<i64>,
    /// They replace those of the same ids.
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

    /// Must return when some values of a dimension were seen, by value; those that were not are
    /// left out.
    async fn seen(
        &self,
        workspace_id: &str,
        dimension: Dimension,
        values: &[String],
    ) -> Result<HashMap<String, Seen>>;

    /// Must return at most `limit` ids that match, greater than `after_id`, by id, and how many
    /// match in all, counted to [`COUNT_MAX`](super::search::COUNT_MAX). Usage counts as seen once
    /// it is folded. Must not take time in proportion to entries that a search does not find.
    async fn list_entries(
        &self,
        workspace_id: &str,
        filter: &EntryFilter,
        after_id: &str,
        limit: usize,
    ) -> Result<Counted<Listed>>;

    /// Must return whether anything names a user (an entry, quotas or rate limits, boosts for it,
    /// usage, refusals, alerts, its own actions) and how many entries of the log up to `upto` do.
    /// Must not scan the log but for what is not folded yet.
    async fn user_traces(&self, workspace_id: &str, user_id: &str, upto: i64)
    -> Result<UserTraces>;

    /// Must return how many entries of the log after `seq` name a user. Must not take time in
    /// proportion to those before.
    async fn user_entries_after(&self, workspace_id: &str, user_id: &str, seq: i64) -> Result<i64>;

    /// Must return every erasure that has begun and not ended, with its workspace.
    async fn erasures(&self) -> Result<Vec<(String, Erasure)>>;

    /// Must return at most `limit` entries of the log that still have the id of a user whose
    /// erasure has begun, in the order of their positions, beyond `after`.
    async fn entries_to_erase(
        &self,
        workspace_id: &str,
        erasure: &Erasure,
        after: Option<RecordPosition>,
        limit: usize,
    ) -> Result<Vec<RecordPosition>>;

    /// Must return all users that are registered with a department, each with its department, by
    /// id.
    async fn departments(&self, workspace_id: &str) -> Result<Vec<(String, String)>>;
}
