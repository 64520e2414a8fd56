//! The part of the contract about the shutdown snapshot: what lives in memory, saved at a graceful
//! stop and restored at the next start. Holds of some workspaces are stored as they are taken and
//! end too, by [`super::log::LogStore::append_with_holds`].

use std::sync::Arc;

use async_trait::async_trait;

use super::Result;
use crate::domain::attribution::Attribution;
use crate::domain::backfill::RateCounts;
use crate::domain::usage::ServiceTier;
use crate::domain::{Amount, Time};

/// A hold as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredHold {
    pub workspace_id: Arc<str>,
    pub request_id: Arc<str>,
    pub attempt: i32,
    pub model_id: Arc<str>,
    /// Whether the request had asked for another model.
    pub routed: bool,
    pub held: Amount,
    pub held_tokens: i64,
    /// Of these.
    pub held_cache_reads: i64,
    pub check_time: Time,
    pub expire_time: Time,
    /// Price and exchange rate (nano-units) it was estimated at; absent if unpriced.
    pub price_id: Option<Arc<str>>,
    pub exchange_rate_nanos: i64,
    /// [`ServiceTier`] it was estimated at.
    pub tier: ServiceTier,
    /// Hash of what the caller sent.
    pub fingerprint: i64,
    pub attribution: Attribution,
    /// Group that the API key was in; empty if in none.
    pub key_group_id: Arc<str>,
}

/// Counts of one rate limit and subject, saved at a graceful stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRate {
    pub workspace_id: Arc<str>,
    pub counts: RateCounts,
}

/// That a crash lost what the rate limits of a workspace had counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCrash {
    pub workspace_id: Arc<str>,
    pub time: Time,
}

/// The shutdown snapshot. General rules: see [`super::Store`].
#[async_trait]
pub trait ShutdownStore: Send + Sync + 'static {
    /// Saves what is in memory, at a graceful stop: holds, each of its own (workspace, request),
    /// counts of rate limits, each of its own (workspace, rate limit, subject, span, unit), and
    /// crashes, each of its own workspace. Must replace any of the same, must leave out crashes of
    /// workspaces that do not exist, and must remember that this instance has stopped gracefully;
    /// all or none.
    async fn save_snapshot(
        &self,
        holds: &[StoredHold],
        rates: &[StoredRate],
        crashes: &[StoredCrash],
    ) -> Result<()>;

    /// Must return the stored holds of a workspace by (`check_time`, `request_id`).
    async fn holds(&self, workspace_id: &str) -> Result<Vec<StoredHold>>;

    /// Must return the stored counts of a workspace by rate limit, subject, span and unit.
    async fn rate_counts(&self, workspace_id: &str) -> Result<Vec<StoredRate>>;

    /// Must return the time of the stored crash of a workspace; `None` if there is none.
    async fn crash_time(&self, workspace_id: &str) -> Result<Option<Time>>;

    /// Must delete what is stored for a workspace: its counts, its crash, and, unless `keep_holds`,
    /// its holds.
    async fn delete_snapshot(&self, workspace_id: &str, keep_holds: bool) -> Result<()>;

    /// Must return the ids of all workspaces for which something is stored, sorted.
    async fn snapshot_workspaces(&self) -> Result<Vec<String>>;
}
