//! Recommendations, and when they were made.

use async_trait::async_trait;
use tollgate::domain::workspace::recommendation::Recommendation;
use tollgate::domain::{Amount, Time};
use tollgate::storage::Result;
use tollgate::storage::recommendations::{RecommendationFilter, RecommendationStore};

use super::SimStore;
use super::settings::of;

#[async_trait]
impl RecommendationStore for SimStore {
    async fn recommendation(&self, workspace_id: &str, id: &str) -> Result<Option<Recommendation>> {
        let key = (workspace_id.to_owned(), id.to_owned());
        self.read(|disk| disk.recommendations.get(&key).cloned()).await
    }

    async fn recommendations(
        &self,
        filter: &RecommendationFilter,
        after: Option<(Amount, String)>,
        limit: usize,
    ) -> Result<Vec<Recommendation>> {
        self.read(|disk| {
            let position = |it: &Recommendation| (it.rank(), it.id.to_string());
            let all = of(&disk.recommendations, &filter.workspace_id);
            let found = all.filter(|it| matches(it, filter));
            let mut found: Vec<Recommendation> = found.cloned().collect();
            found.retain(|it| after.as_ref().is_none_or(|after| position(it) < *after));
            found.sort_by_key(|it| std::cmp::Reverse(position(it)));
            found.truncate(limit);
            found
        })
        .await
    }

    async fn count_recommendations(
        &self,
        filter: &RecommendationFilter,
        most: usize,
    ) -> Result<usize> {
        Ok(self.recommendations(filter, None, most).await?.len())
    }

    async fn recommendations_made(&self, workspace_id: &str) -> Result<Option<Time>> {
        self.read(|disk| disk.recommendation_nights.get(workspace_id).copied()).await
    }
}

fn matches(it: &Recommendation, filter: &RecommendationFilter) -> bool {
    let topic = &it.advice.topic;
    filter.kind.is_none_or(|kind| kind == topic.reason.kind())
        && filter.status.is_none_or(|status| status == it.status(filter.now))
        && filter.subject.as_ref().is_none_or(|(kind, id)| {
            *kind == topic.subject_kind && id.as_ref().is_none_or(|id| **id == *topic.subject_id)
        })
}
