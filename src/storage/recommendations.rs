//! The part of the contract about recommendations. They are written with
//! [`super::settings::SettingsStore::change`].

use async_trait::async_trait;

use super::Result;
use crate::domain::attribution::SubjectKind;
use crate::domain::workspace::recommendation::{
    Recommendation, RecommendationKind, RecommendationStatus,
};
use crate::domain::{Amount, Time};

/// Which recommendations to list. Absent parts do not restrict.
#[derive(Clone, Debug)]
pub struct RecommendationFilter {
    pub workspace_id: String,
    pub kind: Option<RecommendationKind>,
    /// At `now`.
    pub status: Option<RecommendationStatus>,
    /// Those of a kind, and of this id if there is one.
    pub subject: Option<(SubjectKind, Option<String>)>,
    pub now: Time,
}

/// Recommendations. General rules: see [`super::Store`].
#[async_trait]
pub trait RecommendationStore: Send + Sync + 'static {
    /// Must return `None` if there is no such recommendation in the workspace.
    async fn recommendation(&self, workspace_id: &str, id: &str) -> Result<Option<Recommendation>>;

    /// Must return at most `limit` recommendations that match, greatest
    /// ([`Recommendation::rank`], id) first, before `after`.
    async fn recommendations(
        &self,
        filter: &RecommendationFilter,
        after: Option<(Amount, String)>,
        limit: usize,
    ) -> Result<Vec<Recommendation>>;

    /// Must return how many recommendations match, counted to `most`.
    async fn count_recommendations(
        &self,
        filter: &RecommendationFilter,
        most: usize,
    ) -> Result<usize>;

    /// Must return when the recommendations of the workspace were made last; `None` if they never
    /// were.
    async fn recommendations_made(&self, workspace_id: &str) -> Result<Option<Time>>;
}
