//! Backfill: queries of the usage log for what was used before a limit applies, and their results.
//! Beside it what a ledger is loaded with: the configuration of limits, and the snapshot of rates.

use std::sync::Arc;

use crate::domain::Time;
use crate::domain::api_key::{ApiKey, KeyGroup};
use crate::domain::boost::Boost;
use crate::domain::quota::{Consumption, Quota, Scope, Unit};
use crate::domain::rate_limit::{RateLimit, RateWindow};
use crate::domain::time::Micros;
use crate::domain::workspace::freeze::Freeze;

/// What is configured for the subjects of a workspace.
#[derive(Clone, Debug, Default)]
pub struct LimitConfig {
    pub quotas: Vec<Quota>,
    pub rate_limits: Vec<RateLimit>,
    pub api_keys: Vec<ApiKey>,
    pub key_groups: Vec<KeyGroup>,
    /// Those that are not over.
    pub boosts: Vec<Boost>,
    pub freezes: Vec<Freeze>,
}

/// What the usage log is queried for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BackfillQueries {
    /// For quotas.
    pub used: Vec<ConsumptionQuery>,
    /// For rate limits.
    pub sent: Vec<RateQuery>,
}

/// The queries with their results.
#[derive(Clone, Debug, Default)]
pub struct BackfillResults {
    pub used: Vec<(ConsumptionQuery, Vec<(String, Consumption)>)>,
    pub sent: Vec<(RateQuery, Vec<RateBucket>)>,
}

/// Sums of usage by subject with `from <= charge_time < to`: of each subject of the scope, or of
/// the one that it names. The log has no providers: of [`SubjectKind::Provider`] they are by
/// metered model, of each.
///
/// [`SubjectKind::Provider`]: crate::domain::attribution::SubjectKind::Provider
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConsumptionQuery {
    pub scope: Scope,
    pub from: Time,
    pub to: Time,
}

/// Sums of requests and tokens by subject and bucket since `from`; by subject as for
/// [`ConsumptionQuery`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RateQuery {
    pub scope: Scope,
    pub from: Time,
    /// Length of the buckets.
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
    /// Of the tokens.
    pub cache_reads: i64,
}

/// What one bound of a rate limit has counted for one subject in the window that ends now.
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
