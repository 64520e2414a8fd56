//! Anomalies, each stored once for its member, metric and start; with who explains them, and the
//! policy of which are.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;

use crate::domain::Time;
use crate::domain::alert::anomaly::{
    Anomaly, AnomalyContributor, AnomalyFeedback, AnomalyMember, AnomalyMute, AnomalyPolicy,
    AnomalySensitivity,
};
use crate::storage::anomalies::{AnomalyFilter, AnomalyStore, UNSETTLED_MAX};
use crate::storage::sql::SqlStore;
use crate::storage::sql::connection::backend::Backend;
use crate::storage::sql::connection::session::Write;
use crate::storage::sql::row::{
    Columns, FromRow, Reader, Value, code, columns, optional, row, time,
};
use crate::storage::sql::table::{Select, Table};
use crate::storage::{Error, Result};

static ANOMALIES: Table<Anomaly> = Table::owned("anomalies", &["workspace_id", "id"]);
static CONTRIBUTORS: Table<ContributorRow> =
    Table::owned("anomaly_contributors", &["workspace_id", "anomaly_id", "position"]);
static POLICIES: Table<PolicyRow> = Table::owned("anomaly_policies", &["workspace_id"]);
static MUTES: Table<AnomalyMute> =
    Table::owned("anomaly_mutes", &["workspace_id", "dimension", "member_id"]);

row! { AnomalyMember { dimension, id = "member_id" } }
row! { AnomalyContributor { member, share, before, after } }
row! { AnomalyMute { member, end_time } }

/// As its index has it.
const UNSETTLED: &str = "(is_open OR alerts IN (1, 2))";
const FALSE_SINCE: &str = "\
    SELECT dimension, member_id, feedback_time FROM anomalies \
    WHERE workspace_id = $1 AND feedback = 2 AND feedback_time >= $2 ORDER BY feedback_time, id";
const DROP_CONTRIBUTORS: &str =
    "DELETE FROM anomaly_contributors WHERE workspace_id = $1 AND anomaly_id = $2";
const DROP_MUTES: &str = "DELETE FROM anomaly_mutes WHERE workspace_id = $1";

/// A contributor with its place.
struct ContributorRow {
    anomaly_id: Arc<str>,
    position: i64,
    contributor: AnomalyContributor,
}

row! { ContributorRow { anomaly_id, position, contributor } }

/// A policy without its mutes.
struct PolicyRow {
    least_impact: Option<crate::domain::Amount>,
    sensitivity: AnomalySensitivity,
}

row! { PolicyRow { least_impact = "least_impact_nanos", sensitivity } }

/// An anomaly with no contributors yet.
impl FromRow for Anomaly {
    fn read<'r>(reader: &mut impl Reader<'r>) -> Result<Anomaly> {
        Ok(Anomaly {
            id: reader.get()?,
            kind: reader.get()?,
            member: reader.get()?,
            metric: reader.get()?,
            step: reader.get()?,
            start_time: reader.get()?,
            end_time: reader.get()?,
            is_drop: reader.get()?,
            is_open: reader.get()?,
            detect_time: reader.get()?,
            expected: reader.get()?,
            actual: reader.get()?,
            low: reader.get()?,
            high: reader.get()?,
            impact: reader.get()?,
            impact_percent: reader.get()?,
            severity: reader.get()?,
            alerts: reader.get()?,
            feedback: reader.get()?,
            contributors: Vec::new(),
        })
    }
}

impl Columns for Anomaly {
    columns! {
        id: Text, kind: Int, dimension: Int, member_id: Text, metric: Int, step: Int,
        start_time: Int, end_time: Int, is_drop: Flag, is_open: Flag, detect_time: Int,
        expected: Int, actual: Int, low: Int, high: Int, impact_nanos: Int, impact_percent: Int,
        severity: Int, alerts: Int, feedback: Int, feedback_time: Int, feedback_actor: Text
    }

    fn write<'a>(&'a self, values: &mut Vec<Value<'a>>) {
        values.extend([Value::Shared(&self.id), code(self.kind)]);
        self.member.write(values);
        values.extend([code(self.metric), code(self.step)]);
        values.extend([time(self.start_time), time(self.end_time)]);
        values.extend([Value::Flag(self.is_drop), Value::Flag(self.is_open)]);
        values.push(time(self.detect_time));
        values.extend([self.expected, self.actual, self.low, self.high].map(Value::Int));
        values.extend([Value::Int(self.impact.nanos()), Value::Int(self.impact_percent)]);
        values.extend([code(self.severity), code(self.alerts)]);
        self.feedback.write(values);
    }
}

/// What somebody said, when and who.
type Said = (AnomalyFeedback, Time, String);

impl Columns for Option<Said> {
    columns! { feedback: Int, feedback_time: Int, feedback_actor: Text }

    fn write<'a>(&'a self, values: &mut Vec<Value<'a>>) {
        let said = self.as_ref();
        values.extend([
            optional(said.map(|(feedback, _, _)| feedback)),
            optional(said.map(|(_, time, _)| time)),
            optional(said.map(|(_, _, actor)| actor)),
        ]);
    }
}

impl FromRow for Option<Said> {
    fn read<'r>(reader: &mut impl Reader<'r>) -> Result<Option<Said>> {
        match (reader.get()?, reader.get()?, reader.get()?) {
            (Some(feedback), Some(time), Some(actor)) => Ok(Some((feedback, time, actor))),
            (None, None, None) => Ok(None),
            _ => Err(Error::Corrupt("half a feedback".to_owned())),
        }
    }
}

#[async_trait]
impl<DB: Backend> AnomalyStore for SqlStore<DB> {
    async fn anomaly(&self, workspace_id: &str, id: &str) -> Result<Option<Anomaly>> {
        let found = ANOMALIES.of(workspace_id).with("id =", Value::Text(id)).sorted("id");
        Ok(self.with_contributors(workspace_id, found).await?.pop())
    }

    async fn anomalies(
        &self,
        filter: &AnomalyFilter,
        after: Option<(Time, String)>,
        limit: usize,
    ) -> Result<Vec<Anomaly>> {
        let select = matching(filter).latest("start_time", after.as_ref(), limit);
        self.with_contributors(&filter.workspace_id, select).await
    }

    async fn count_anomalies(&self, filter: &AnomalyFilter, most: usize) -> Result<usize> {
        self.count(matching(filter), most).await
    }

    async fn unsettled_anomalies(&self, workspace_id: &str) -> Result<Vec<Anomaly>> {
        let select = ANOMALIES.of(workspace_id).only(UNSETTLED);
        self.with_contributors(workspace_id, select.ordered("start_time, id", UNSETTLED_MAX)).await
    }

    async fn false_anomalies(
        &self,
        workspace_id: &str,
        since: Time,
    ) -> Result<Vec<(AnomalyMember, Time)>> {
        self.rows(FALSE_SINCE, &[Value::Text(workspace_id), time(since)]).await
    }

    async fn anomaly_policy(&self, workspace_id: &str) -> Result<Option<AnomalyPolicy>> {
        let mut snapshot = self.snapshot().await?;
        let policy = snapshot.select(POLICIES.of(workspace_id).sorted("workspace_id")).await?;
        let mutes = snapshot.select(MUTES.of(workspace_id).sorted("dimension, member_id")).await?;
        snapshot.end().await?;
        Ok(policy.into_iter().next().map(|PolicyRow { least_impact, sensitivity }| AnomalyPolicy {
            least_impact,
            sensitivity,
            mutes,
        }))
    }
}

impl<DB: Backend> SqlStore<DB> {
    /// Anomalies, each with those who explain it.
    async fn with_contributors(
        &self,
        workspace_id: &str,
        select: Select<'_, Anomaly>,
    ) -> Result<Vec<Anomaly>> {
        let mut snapshot = self.snapshot().await?;
        let mut anomalies = snapshot.select(select).await?;
        let ids: Vec<String> = anomalies.iter().map(|anomaly| anomaly.id.to_string()).collect();
        if !ids.is_empty() {
            let of_them = CONTRIBUTORS.of(workspace_id).among("anomaly_id", &ids);
            let mut by_id: HashMap<Arc<str>, Vec<AnomalyContributor>> = HashMap::new();
            for row in snapshot.select(of_them.sorted("anomaly_id, position")).await? {
                by_id.entry(row.anomaly_id).or_default().push(row.contributor);
            }
            for anomaly in &mut anomalies {
                anomaly.contributors = by_id.remove(&anomaly.id).unwrap_or_default();
            }
        }
        snapshot.end().await?;
        Ok(anomalies)
    }
}

fn matching(filter: &AnomalyFilter) -> Select<'_, Anomaly> {
    let mut select = ANOMALIES
        .of(&filter.workspace_id)
        .with_any("is_open =", filter.is_open.map(Value::Flag))
        .with_any("start_time >=", filter.from.map(time))
        .with_any("start_time <", filter.to.map(time));
    if let Some(member) = &filter.member {
        select = select
            .with("dimension =", code(member.dimension))
            .with("member_id =", Value::Shared(&member.id));
    }
    if filter.unacknowledged_only { select.only("feedback IS NULL") } else { select }
}

pub async fn put_anomalies<DB: Backend>(
    write: &mut Write<'_, DB>,
    workspace_id: &str,
    anomalies: &[Anomaly],
) -> Result<()> {
    ANOMALIES.put_in(write, workspace_id, anomalies).await?;
    for anomaly in anomalies {
        let key = [Value::Text(workspace_id), Value::Shared(&anomaly.id)];
        write.execute(DROP_CONTRIBUTORS, &key).await?;
        let rows: Vec<ContributorRow> = (0_i64..)
            .zip(&anomaly.contributors)
            .map(|(position, contributor)| ContributorRow {
                anomaly_id: anomaly.id.clone(),
                position,
                contributor: contributor.clone(),
            })
            .collect();
        CONTRIBUTORS.put_in(write, workspace_id, &rows).await?;
    }
    Ok(())
}

pub async fn put_anomaly_policy<DB: Backend>(
    write: &mut Write<'_, DB>,
    workspace_id: &str,
    policy: &AnomalyPolicy,
) -> Result<()> {
    let AnomalyPolicy { least_impact, sensitivity, mutes } = policy;
    let row = PolicyRow { least_impact: *least_impact, sensitivity: *sensitivity };
    POLICIES.put_in(write, workspace_id, [&row]).await?;
    write.execute(DROP_MUTES, &[Value::Text(workspace_id)]).await?;
    MUTES.put_in(write, workspace_id, mutes).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::sql::tests::Planner;

    #[tokio::test]
    async fn unsettled_and_false_anomalies_are_found_without_the_others() {
        let planner = Planner::new().await;
        let unsettled =
            format!("SELECT id FROM anomalies WHERE workspace_id = 'w' AND {UNSETTLED}");
        let steps = planner.plan(&unsettled).await;
        assert!(steps[0].contains(" INDEX anomalies_unsettled "), "{steps:?}");
        let steps = planner.plan(FALSE_SINCE).await;
        assert!(steps[0].contains(" INDEX anomalies_false "), "{steps:?}");
    }
}
