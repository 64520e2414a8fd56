//! Boosts: temporary raises of a limit, with an end and a reason.

use std::sync::Arc;

use serde::Serialize;

use crate::domain::Time;
use crate::domain::quota::{Quantity, Unit};
use crate::domain::time::{MICROS_PER_DAY, Micros};

/// Most boosts of one limit that are not over.
pub const BOOSTS_MAX: usize = 64;
/// How far ahead a boost may begin, and how long it may last.
pub const BOOST_SPAN_MAX: Micros = 366 * MICROS_PER_DAY;

/// What a boost raises.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum BoostTarget {
    Envelope,
    Quota {
        quota_id: Arc<str>,
        /// The only subject it is for; absent for all.
        subject_id: Option<Arc<str>>,
    },
}

/// A temporary raise of a limit: it begins and ends by the clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Boost {
    pub id: Arc<str>,
    pub target: BoostTarget,
    /// Above zero, in the unit of the limit: nano-units, tokens or requests.
    #[serde(skip)]
    pub amount: i64,
    pub start_time: Time,
    pub end_time: Time,
    pub reason: String,
    pub actor: String,
    pub create_time: Time,
    /// When it was cancelled before its end.
    pub cancel_time: Option<Time>,
}

/// A boost with its amount in the unit of its limit: for the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BoostInUnit {
    #[serde(flatten)]
    pub boost: Boost,
    pub unit: Unit,
    pub amount: Quantity,
}

impl BoostInUnit {
    pub fn new(boost: Boost, unit: Unit) -> BoostInUnit {
        let amount = Quantity { unit, count: boost.amount };
        BoostInUnit { boost, unit, amount }
    }
}

impl BoostTarget {
    /// Whether it raises the limit of a subject.
    pub fn is_for(&self, id: &str) -> bool {
        match self {
            BoostTarget::Envelope => true,
            BoostTarget::Quota { subject_id, .. } => {
                subject_id.as_ref().is_none_or(|subject_id| **subject_id == *id)
            }
        }
    }
}

impl Boost {
    pub fn is_active(&self, now: Time) -> bool {
        self.start_time <= now && !self.is_over(now)
    }

    /// Whether it will never be in force again.
    pub fn is_over(&self, now: Time) -> bool {
        self.end_time <= now || self.cancel_time.is_some()
    }
}
