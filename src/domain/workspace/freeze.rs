//! Freezes: emergency stops of a workspace or of one of its subjects.

use std::sync::Arc;

use serde::Serialize;

use crate::domain::Time;
use crate::domain::attribution::SubjectKind;
use crate::domain::time::{MICROS_PER_DAY, Micros};

/// Most freezes of one workspace.
pub const FREEZES_MAX: usize = 10_000;
/// How long a freeze with an end may last.
pub const FREEZE_SPAN_MAX: Micros = 366 * MICROS_PER_DAY;

/// An emergency stop: checks of its subject are blocked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Freeze {
    #[serde(rename = "scope")]
    pub subject: FrozenSubject,
    pub reason: String,
    /// When it ends by itself; absent: when it is taken back.
    pub end_time: Option<Time>,
    pub actor: String,
    #[serde(skip)]
    pub create_time: Time,
    #[serde(skip)]
    pub update_time: Time,
}

/// The subject of a freeze.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct FrozenSubject {
    pub kind: SubjectKind,
    /// Of the workspace: empty.
    #[serde(rename = "subject_id")]
    pub id: Arc<str>,
}

impl Freeze {
    pub fn is_over(&self, now: Time) -> bool {
        self.end_time.is_some_and(|end| end <= now)
    }
}

/// Whether subjects of a kind can be frozen. Providers and models cannot: a model is disabled, and
/// which provider a request goes to is decided by the check.
pub fn can_be_frozen(kind: SubjectKind) -> bool {
    kind != SubjectKind::Provider
}
