//! What an administrator is to be told: raised once for its limit with its value, window and
//! threshold (I14).
//!
//! The ledger says what is to be raised; that nothing is raised twice, also across restarts, is
//! kept by the key under which it is stored.

pub mod receiver;
pub mod secret;

use std::sync::Arc;

use serde::Serialize;

use crate::domain::Time;
use crate::domain::attribution::SubjectKind;
use crate::domain::quota::Unit;

coded_enum! {
    /// What happened.
    pub enum AlertType {
        /// So many percent of a limit are spent.
        Threshold = 0,
        /// More than the plan budget is spent.
        InOverage = 1,
        /// The envelope is used up.
        Exhausted = 2,
        /// A request was routed to another model.
        FallbackBegan = 3,
        /// Usage of a model without a price was recorded.
        UnpricedModel = 4,
        /// Holds expired unsettled.
        HoldsExpired = 5,
        /// A provider reports a cost that is far from the computed one.
        CostDiffers = 6,
        /// No usage was found in a provider answer.
        AnswerUnread = 7,
    }
}

/// Which limit, or which model, an alert is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AlertSubject {
    /// The workspace: its envelope, or its holds.
    Workspace,
    /// A model: its cap, its fallback, its price, its answers.
    Model(Arc<str>),
    /// A quota, for one subject.
    Quota { quota_id: Arc<str>, kind: SubjectKind, subject_id: Arc<str> },
}

/// Under which an alert is raised once. A boost is no new limit.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AlertKey {
    pub subject: AlertSubject,
    pub alert_type: AlertType,
    pub window_start: Time,
    /// In percent; zero for other types than thresholds.
    pub threshold: u16,
    /// The limit without its boosts: with another value it is another limit. Zero for types that
    /// are not about a limit.
    pub base_limit: i64,
}

/// One alert that is to be raised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    pub key: AlertKey,
    /// Absent for a window that is reset by hand.
    pub window_end: Option<Time>,
    /// What `limit` and `spent` count; of [`AlertType::HoldsExpired`] requests, of events of a
    /// model nothing.
    pub unit: Option<Unit>,
    pub limit: i64,
    pub spent: i64,
    pub time: Time,
}

/// At how many percent of the envelope and of model limits alerts are raised. Sorted, without
/// repeats; empty for none. Those of quotas are theirs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AlertPolicy {
    pub envelope: Vec<u16>,
    pub model_limits: Vec<u16>,
}

impl Default for AlertPolicy {
    fn default() -> AlertPolicy {
        let thresholds = crate::domain::quota::THRESHOLDS_DEFAULT.to_vec();
        AlertPolicy { envelope: thresholds.clone(), model_limits: thresholds }
    }
}
