//! What a ledger is loaded with: limits as they are configured, and what the usage log says was
//! used in their windows before they apply.

use std::sync::Arc;

use crate::domain::Time;
use crate::domain::api_key::{ApiKey, KeyGroup};
use crate::domain::boost::Boost;
use crate::domain::quota::{Consumption, Quota, Scope, Unit};
use crate::domain::rate_limit::{RateLimit, RateWindow};
use crate::domain::time::Micros;

/// What an administrator has set for the subjects of a workspace.
#[derive(Clone, Debug, Default)]
pub struct LimitConfig {
    pub quotas: Vec<Quota>,
    pub rate_limits: Vec<RateLimit>,
    pub api_keys: Vec<ApiKey>,
    pub key_groups: Vec<KeyGroup>,
    /// Those that are not over.
    pub boosts: Vec<Boost>,
}

/// What a ledger must be told of the usage log before a quota applies: what was used by each
/// subject of the scope (or the one that is named) in `from <= charge_time < to`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConsumptionQuery {
    pub scope: Scope,
    pub from: Time,
    pub to: Time,
}

/// What the usage log answered.
#[derive(Clone, Debug, Default)]
pub struct BackfillResults {
    pub used: Vec<(ConsumptionQuery, Vec<(String, Consumption)>)>,
    pub sent: Vec<(RateQuery, Vec<RateBucket>)>,
}

/// What is to be asked of the usage log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BackfillQueries {
    pub used: Vec<ConsumptionQuery>,
    pub sent: Vec<RateQuery>,
}

/// The same before a rate limit applies: what was sent since `from`, in buckets of that length.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RateQuery {
    pub scope: Scope,
    pub from: Time,
    pub bucket: Micros,
}

/// Requests and tokens of one subject in one bucket of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateBucket {
    pub subject_id: String,
    /// Time divided by the bucket's length, rounded down.
    pub bucket: i64,
    pub requests: i64,
    pub tokens: i64,
}

/// What one rate limit has counted for one subject in the window that ends now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateCounts {
    pub rate_limit_id: Arc<str>,
    pub span: RateWindow,
    pub unit: Unit,
    pub subject_id: Arc<str>,
    /// Number of the bucket (time divided by its length) and what it counts, oldest first.
    pub buckets: Vec<(i64, i64)>,
}

/// What the sliding windows of a workspace count: saved at a shutdown and restored at the next
/// start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RateSnapshot {
    pub counts: Vec<RateCounts>,
    /// When memory was last lost, while its penalty lasts.
    pub crash_time: Option<Time>,
}
