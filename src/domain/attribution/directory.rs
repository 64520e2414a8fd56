//! The directory: users, departments and what else usage is attributed to, as administrators
//! register it.

use serde::Serialize;

use crate::domain::Time;
use crate::domain::attribution::EntryKind;

/// What is registered under an id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    pub kind: EntryKind,
    pub id: String,
    pub display_name: String,
    /// Of a user; empty if it has none.
    pub department_id: String,
    pub external_id: String,
    pub sign_up_time: Option<Time>,
    pub first_value_time: Option<Time>,
    #[serde(skip)]
    pub create_time: Time,
    #[serde(skip)]
    pub update_time: Time,
    pub archive_time: Option<Time>,
}
