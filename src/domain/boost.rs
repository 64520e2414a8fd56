//! Boosts: temporary raises of a limit, with an end and a reason.

use std::sync::Arc;

use serde::{Serialize, Serializer};

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boost {
    pub id: Arc<str>,
    pub target: BoostTarget,
    /// Above zero, in the unit of the limit: nano-units, tokens or requests.
    pub amount: i64,
    pub start_time: Time,
    pub end_time: Time,
    pub reason: String,
    pub actor: String,
    pub create_time: Time,
    /// When it was cancelled before its end.
    pub cancel_time: Option<Time>,
}

/// A boost with the unit of its limit: what its `amount` counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoostInUnit {
    pub boost: Boost,
    pub unit: Unit,
}

/// For the audit log.
impl Serialize for BoostInUnit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Fields<'a> {
            id: &'a str,
            target: &'a BoostTarget,
            unit: Unit,
            amount: Quantity,
            start_time: Time,
            end_time: Time,
            reason: &'a str,
            actor: &'a str,
            create_time: Time,
            cancel_time: Option<Time>,
        }
        let BoostInUnit { boost, unit } = self;
        let fields = Fields {
            id: &boost.id,
            target: &boost.target,
            unit: *unit,
            amount: Quantity { unit: *unit, count: boost.amount },
            start_time: boost.start_time,
            end_time: boost.end_time,
            reason: &boost.reason,
            actor: &boost.actor,
            create_time: boost.create_time,
            cancel_time: boost.cancel_time,
        };
        fields.serialize(serializer)
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
