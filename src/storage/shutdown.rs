//! The part of the contract about the shutdown snapshot: what lives in memory alone, saved at a
//! graceful stop and restored at the next start.

use std::sync::Arc;

use async_trait::async_trait;

use super::policy::StoredRate;
use super::{Result, StoredHold};
use crate::domain::Time;

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
    async fn put_down(
        &self,
        holds: &[StoredHold],
        rates: &[StoredRate],
        crashes: &[StoredCrash],
    ) -> Result<()>;

    /// Must return the stored holds of a workspace by (`check_time`, `request_id`).
    async fn holds(&self, workspace_id: &str) -> Result<Vec<StoredHold>>;

    /// Must return the stored counts of a workspace by rate limit, subject, span and unit.
    async fn rates(&self, workspace_id: &str) -> Result<Vec<StoredRate>>;

    /// Must return the time of the stored crash of a workspace; `None` if there is none.
    async fn crash_time(&self, workspace_id: &str) -> Result<Option<Time>>;

    /// Must delete what is stored for a workspace: its holds, its counts, and its crash.
    async fn delete_put_down(&self, workspace_id: &str) -> Result<()>;

    /// Must return the ids of all workspaces for which something is stored, sorted.
    async fn workspaces_put_down(&self) -> Result<Vec<String>>;
}
