//! Anomalies and their policies.

use async_trait::async_trait;
use tollgate::domain::Time;
use tollgate::domain::alert::anomaly::{
    Anomaly, AnomalyAlerts, AnomalyFeedback, AnomalyMember, AnomalyPolicy,
};
use tollgate::storage::Result;
use tollgate::storage::anomalies::{AnomalyFilter, AnomalyStore, UNSETTLED_MAX};

use super::SimStore;
use super::settings::{latest, of};

#[async_trait]
impl AnomalyStore for SimStore {
    async fn anomaly(&self, workspace_id: &str, id: &str) -> Result<Option<Anomaly>> {
        let key = (workspace_id.to_owned(), id.to_owned());
        self.read(|disk| disk.anomalies.get(&key).cloned()).await
    }

    async fn anomalies(
        &self,
        filter: &AnomalyFilter,
        after: Option<(Time, String)>,
        limit: usize,
    ) -> Result<Vec<Anomaly>> {
        self.read(|disk| {
            let found = of(&disk.anomalies, &filter.workspace_id).filter(|it| matches(it, filter));
            latest(found, after, limit, |it| (it.start_time, it.id.to_string()))
        })
        .await
    }

    async fn count_anomalies(&self, filter: &AnomalyFilter, most: usize) -> Result<usize> {
        Ok(self.anomalies(filter, None, most).await?.len())
    }

    async fn unsettled_anomalies(&self, workspace_id: &str) -> Result<Vec<Anomaly>> {
        self.read(|disk| {
            let is_due = |alerts| matches!(alerts, AnomalyAlerts::Due | AnomalyAlerts::Opened);
            let unsettled =
                of(&disk.anomalies, workspace_id).filter(|it| it.is_open || is_due(it.alerts));
            let mut found: Vec<Anomaly> = unsettled.cloned().collect();
            found.sort_by_key(|it| (it.start_time, it.id.clone()));
            found.truncate(UNSETTLED_MAX);
            found
        })
        .await
    }

    async fn false_anomalies(
        &self,
        workspace_id: &str,
        since: Time,
    ) -> Result<Vec<(AnomalyMember, Time)>> {
        self.read(|disk| {
            let each = of(&disk.anomalies, workspace_id).filter_map(|it| match &it.feedback {
                Some((AnomalyFeedback::False, time, _)) if *time >= since => {
                    Some((*time, it.id.clone(), it.member.clone()))
                }
                _ => None,
            });
            let mut found: Vec<_> = each.collect();
            found.sort();
            found.into_iter().map(|(time, _, member)| (member, time)).collect()
        })
        .await
    }

    async fn anomaly_policy(&self, workspace_id: &str) -> Result<Option<AnomalyPolicy>> {
        self.read(|disk| disk.anomaly_policies.get(workspace_id).cloned()).await
    }
}

fn matches(anomaly: &Anomaly, filter: &AnomalyFilter) -> bool {
    filter.is_open.is_none_or(|is_open| is_open == anomaly.is_open)
        && filter.member.as_ref().is_none_or(|member| *member == anomaly.member)
        && !(filter.unacknowledged_only && anomaly.feedback.is_some())
        && filter.from.is_none_or(|from| anomaly.start_time >= from)
        && filter.to.is_none_or(|to| anomaly.start_time < to)
}
