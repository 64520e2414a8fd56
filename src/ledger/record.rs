//! Entries of the usage log: the source of truth. Append-only; corrections are entries too.

use std::sync::Arc;

use super::amount::Amount;
use super::price::Rate;
use super::time::{Micros, Time};
use super::usage::{Attribution, Outcome, ServiceTier, Usage, UsageSource};

/// How far back a record's `start_time` may lie. Keys are never deleted, so no late replay
/// counts twice (I5).
pub const RECORD_AGE_MAX: Micros = 35 * super::time::MICROS_PER_DAY;
/// How far ahead a record's `start_time` may lie, for clocks that differ.
pub const RECORD_AHEAD_MAX: Micros = 5 * super::time::MICROS_PER_MINUTE;

/// Attempt number of the entry that charges an expired hold.
pub const EXPIRY_ATTEMPT: i32 = -1;

/// One entry of the log. Its key is (workspace, request, attempt, revision).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Position in the log: grows with each entry, with gaps.
    pub seq: i64,
    pub workspace_id: Arc<str>,
    pub request_id: Arc<str>,
    /// 0 to 1,000 as the caller counts; [`EXPIRY_ATTEMPT`] for the charge of an expired hold.
    pub attempt: i32,
    /// 0 for the entry itself, 1 and up for its corrections.
    pub revision: i32,
    pub kind: RecordKind,
    /// As the caller or provider named it.
    pub model_id: Arc<str>,
    /// Model whose spend and cap this entry counts in: the catalogue's id of `model_id`; where the
    /// catalogue does not know it, the hold's model, or else `model_id` itself.
    pub metered_model_id: Arc<str>,
    pub tier: ServiceTier,
    pub usage: Usage,
    pub outcome: Outcome,
    pub source: UsageSource,
    /// In the workspace's currency; of a correction the difference.
    pub cost: Amount,
    /// The model was unknown or had no price or no exchange rate.
    pub unpriced: bool,
    /// Price it was billed at; absent if it was billed at zero for lack of one.
    pub price_id: Option<Arc<str>>,
    /// Exchange rate it was billed at; [`Rate::ONE`] where the currencies are the same.
    pub exchange_rate: Rate,
    /// Time whose windows are charged.
    pub charge_time: Time,
    /// Start of the workspace's local hour of `charge_time`: the rollup it is folded into.
    pub hour: Time,
    /// Start of the workspace's local day of `charge_time`: the rollup by day it is folded into.
    pub day: Time,
    pub start_time: Time,
    pub record_time: Time,
    pub latency: Micros,
    pub attribution: Attribution,
    /// Group that the API key was in when the request was checked; empty if in none.
    pub key_group_id: Arc<str>,
    /// Hash of what the caller sent: tells a repeat from another record under the same key.
    pub fingerprint: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecordKind {
    Usage,
    Correction,
    ExpiryCharge,
}
