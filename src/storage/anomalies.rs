//! The part of the contract about anomalies and their policies. They are written with
//! [`super::settings::SettingsStore::change`].

use async_trait::async_trait;

use super::Result;
use crate::domain::Time;
use crate::domain::alert::anomaly::{Anomaly, AnomalyMember, AnomalyPolicy};

/// Most anomalies of a workspace that are open or have alerts due. What is found beyond is left out
/// until others are over.
pub const UNSETTLED_MAX: usize = 1_000;

/// Which anomalies to list. Absent parts do not restrict.
#[derive(Clone, Debug, Default)]
pub struct AnomalyFilter {
    pub workspace_id: String,
    pub is_open: Option<bool>,
    pub member: Option<AnomalyMember>,
    pub unacknowledged_only: bool,
    /// That start at or after.
    pub from: Option<Time>,
    /// That start before.
    pub to: Option<Time>,
}

/// Anomalies. General rules: see [`super::Store`].
#[async_trait]
pub trait AnomalyStore: Send + Sync + 'static {
    /// Must return `None` if there is no such anomaly in the workspace.
    async fn anomaly(&self, workspace_id: &str, id: &str) -> Result<Option<Anomaly>>;

    /// Must return at most `limit` anomalies that match, latest (`start_time`, id) first, before
    /// `after`.
    async fn anomalies(
        &self,
        filter: &AnomalyFilter,
        after: Option<(Time, String)>,
        limit: usize,
    ) -> Result<Vec<Anomaly>>;

    /// Must return how many anomalies match, counted to `most`.
    async fn count_anomalies(&self, filter: &AnomalyFilter, most: usize) -> Result<usize>;

    /// Must return the anomalies of a workspace that are open or of which an alert is still to be
    /// stored, by (`start_time`, id), at most [`UNSETTLED_MAX`]. Must not take time in proportion
    /// to others.
    async fn unsettled_anomalies(&self, workspace_id: &str) -> Result<Vec<Anomaly>>;

    /// Must return the members of the anomalies of a workspace that were called false at or after
    /// `since`, with the time of the feedback, by that time.
    async fn false_anomalies(
        &self,
        workspace_id: &str,
        since: Time,
    ) -> Result<Vec<(AnomalyMember, Time)>>;

    /// Must return `None` if the workspace has none. Mutes must be by member.
    async fn anomaly_policy(&self, workspace_id: &str) -> Result<Option<AnomalyPolicy>>;
}
