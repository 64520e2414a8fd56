//! Alerts, each stored once under its key; with their receivers and deliveries.

pub mod anomaly;
pub mod delivery;
pub mod receiver;

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use delivery::{DELIVERIES, DUE};
use receiver::{
    EMAIL_RECEIVERS, PLAIN_SECRETS, WEBHOOK_SECRETS, WEBHOOKS, note_wiped, put_secrets,
};
use sqlx::AssertSqlSafe;

use crate::domain::alert::anomaly::AnomalyMember;
use crate::domain::alert::receiver::{EmailReceiver, Webhook};
use crate::domain::alert::secret::WebhookSecrets;
use crate::domain::alert::{Alert, AlertAnomaly, AlertKey, AlertRecord, AlertSubject};
use crate::domain::attribution::{Dimension, SubjectKind};
use crate::domain::{Coded, Time, coded_enum};
use crate::storage::alerts::{
    AlertFilter, AlertStore, AlertSubjectFilter, Delivery, DeliveryFilter, StoredAlert,
};
use crate::storage::sql::SqlStore;
use crate::storage::sql::connection::backend::Backend;
use crate::storage::sql::connection::session::Write;
use crate::storage::sql::row::{
    Columns, FromRow, Kind, Reader, Value, code, columns, decoded, from_json, limit_value,
    optional, row, time, to_json,
};
use crate::storage::sql::table::{Select, Table};
use crate::storage::{Error, Result};

static ALERTS: Table<StoredAlert> = Table::new("alerts", &["seq"]);

row! { StoredAlert { seq, workspace_id, alert, acknowledged } }
row! { Alert { key, window_end, unit, limit = "limit_count", spent, time, record, anomaly } }
row! { AlertKey { subject, alert_type, window_start, threshold, base_limit } }

/// Alerts about large records are those that name a record: the condition of their index.
const LATEST_LARGE: &str =
    "SELECT MAX(window_start) FROM alerts WHERE workspace_id = $1 AND record_seq IS NOT NULL";

coded_enum! {
    /// What kind of subject an [`AlertSubject`] is.
    pub enum Subject {
        Workspace = 0,
        Model = 1,
        /// Without an id of a quota: a member that no limit is named of.
        Quota = 2,
    }
}

#[async_trait]
impl<DB: Backend> AlertStore for SqlStore<DB> {
    async fn last_alert_seq(&self) -> Result<i64> {
        self.row("SELECT COALESCE(MAX(seq), 0) FROM alerts", &[]).await
    }

    async fn put_alerts(&self, alerts: &[StoredAlert], deliveries: &[Delivery]) -> Result<()> {
        let mut write = self.session.begin().await?;
        add_alerts(&mut write, alerts).await?;
        for delivery in deliveries {
            delivery::add(&mut write, delivery).await?;
        }
        write.commit().await
    }

    async fn raised(&self, workspace_id: &str, since: Time) -> Result<Vec<AlertKey>> {
        let late = ALERTS.of(workspace_id).with("window_start >=", time(since));
        let raised = self.select(late.sorted("seq")).await?;
        Ok(raised.into_iter().map(|stored| stored.alert.key).collect())
    }

    async fn latest_large_record_alert(&self, workspace_id: &str) -> Result<Option<Time>> {
        self.row(LATEST_LARGE, &[Value::Text(workspace_id)]).await
    }

    async fn alert(&self, workspace_id: &str, seq: i64) -> Result<Option<StoredAlert>> {
        let found = self.select(ALERTS.of(workspace_id).with("seq =", Value::Int(seq))).await?;
        Ok(found.into_iter().next())
    }

    async fn alerts(
        &self,
        filter: &AlertFilter,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<StoredAlert>> {
        let select = matching(filter).with_any("seq <", before.map(Value::Int));
        self.select(select.ordered("seq DESC", limit)).await
    }

    async fn count_alerts(&self, filter: &AlertFilter, most: usize) -> Result<usize> {
        self.count(matching(filter), most).await
    }

    async fn alerts_after(
        &self,
        workspace_id: &str,
        after: i64,
        limit: usize,
    ) -> Result<Vec<StoredAlert>> {
        let select = ALERTS.of(workspace_id).with("seq >", Value::Int(after));
        self.select(select.ordered("seq", limit)).await
    }

    async fn webhooks(&self, workspace_id: &str) -> Result<Vec<Webhook>> {
        self.select(WEBHOOKS.of(workspace_id).sorted("id")).await
    }

    async fn webhook_secrets(
        &self,
        after: Option<(&str, &str)>,
        limit: usize,
    ) -> Result<Vec<WebhookSecrets>> {
        // No id is empty.
        let (workspace_id, webhook_id) = after.unwrap_or_default();
        let position = [Value::Text(workspace_id), Value::Text(webhook_id)];
        let select = WEBHOOK_SECRETS.all().beyond("(workspace_id, id) >", position);
        self.select(select.ordered("workspace_id, id", limit)).await
    }

    async fn put_webhook_secrets(&self, secrets: &[WebhookSecrets]) -> Result<()> {
        let mut write = self.session.begin().await?;
        for webhook in secrets {
            put_secrets(&mut write, webhook).await?;
        }
        write.commit().await
    }

    async fn may_hold_plain_secrets(&self) -> Result<bool> {
        self.row(PLAIN_SECRETS, &[]).await
    }

    async fn wipe_plain_secrets(&self) -> Result<()> {
        // What rewrites a table cannot be part of a transaction.
        let mut write = self.session.alone().await?;
        if !write.owns().await? {
            return Err(write.fenced());
        }
        write.wipe().await?;
        write.release();
        let mut write = self.session.begin().await?;
        note_wiped(&mut write).await?;
        write.commit().await
    }

    async fn email_receivers(&self, workspace_id: &str) -> Result<Vec<EmailReceiver>> {
        self.select(EMAIL_RECEIVERS.of(workspace_id).sorted("id")).await
    }

    async fn due_deliveries(&self, now: Time, limit: usize) -> Result<Vec<Delivery>> {
        self.rows(AssertSqlSafe(DUE.as_str()), &[time(now), limit_value(limit)]).await
    }

    async fn put_delivery(&self, delivery: &Delivery) -> Result<()> {
        let mut write = self.session.begin().await?;
        delivery::replace(&mut write, delivery).await?;
        write.commit().await
    }

    async fn delivery(&self, workspace_id: &str, id: &str) -> Result<Option<Delivery>> {
        let found = self.select(DELIVERIES.of(workspace_id).with("id =", Value::Text(id))).await?;
        Ok(found.into_iter().next())
    }

    async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        after: Option<(Time, String)>,
        limit: usize,
    ) -> Result<Vec<Delivery>> {
        let select = DELIVERIES
            .of(&filter.workspace_id)
            .with_any("receiver_id =", filter.receiver_id.as_deref().map(Value::Text))
            .with_any("alert_seq =", filter.alert_seq.map(Value::Int))
            .with_any("state =", filter.state.map(code));
        self.select(select.latest("create_time", after.as_ref(), limit)).await
    }
}

fn matching(filter: &AlertFilter) -> Select<'_, StoredAlert> {
    let mut select = ALERTS
        .of(&filter.workspace_id)
        .with_any("time >=", filter.from.map(time))
        .with_any("time <", filter.to.map(time));
    if !filter.types.is_empty() {
        let codes: Vec<String> = filter.types.iter().map(|t| t.code().to_string()).collect();
        select = select.only(&format!("alert_type IN ({})", codes.join(", ")));
    }
    if let Some(id) = &filter.quota_id {
        select = select.with("subject =", code(Subject::Quota)).with("target =", Value::Text(id));
    }
    select = match &filter.subject {
        None => select,
        // Also of quotas of the workspace as a whole: both have this `subject_kind`.
        Some(AlertSubjectFilter::Workspace) => select
            .with("subject <>", code(Subject::Model))
            .with("subject_kind =", code(SubjectKind::Workspace)),
        Some(AlertSubjectFilter::Model(id)) => {
            select.with("subject =", code(Subject::Model)).with("target =", Value::Text(id))
        }
        Some(AlertSubjectFilter::Subject { kind, subject_id }) => select
            .with("subject =", code(Subject::Quota))
            .with("subject_kind =", code(*kind))
            .with("subject_id =", Value::Text(subject_id)),
    };
    if filter.unacknowledged_only { select.only("acknowledge_time IS NULL") } else { select }
}

/// Adds those whose key is not there yet.
async fn add_alerts<DB: Backend>(write: &mut Write<'_, DB>, alerts: &[StoredAlert]) -> Result<()> {
    let (Some(first), Some(last)) = (alerts.first(), alerts.last()) else { return Ok(()) };
    // On any conflict: the database may check the `seq` of a repeat first.
    ALERTS.insert(write, None, alerts, "ON CONFLICT DO NOTHING").await?;
    let range =
        ALERTS.all().with("seq >=", Value::Int(first.seq)).with("seq <=", Value::Int(last.seq));
    let (sql, values) = range.into_parts();
    let rows: Vec<StoredAlert> = write.rows(sql, &values).await?;
    let there: HashMap<i64, StoredAlert> = rows.into_iter().map(|row| (row.seq, row)).collect();
    for alert in alerts {
        let foreign = there.get(&alert.seq).is_some_and(|stored| {
            stored.workspace_id != alert.workspace_id || stored.alert.key != alert.alert.key
        });
        if foreign {
            return Err(Error::Corrupt(format!("another alert has the seq {}", alert.seq)));
        }
    }
    Ok(())
}

impl Columns for AlertSubject {
    columns! { subject: Int, target: Text, subject_kind: Int, subject_id: Text }

    fn write<'a>(&'a self, values: &mut Vec<Value<'a>>) {
        let none = Value::Text("");
        values.extend(match self {
            AlertSubject::Workspace => {
                [code(Subject::Workspace), none.clone(), code(SubjectKind::Workspace), none]
            }
            AlertSubject::Model(id) => {
                [code(Subject::Model), Value::Shared(id), code(SubjectKind::Workspace), none]
            }
            AlertSubject::Quota { quota_id, kind, subject_id } => [
                code(Subject::Quota),
                Value::Shared(quota_id),
                code(*kind),
                Value::Shared(subject_id),
            ],
            AlertSubject::Member { kind, subject_id } => {
                [code(Subject::Quota), none, code(*kind), Value::Shared(subject_id)]
            }
        });
    }
}

impl FromRow for AlertSubject {
    fn read<'r>(reader: &mut impl Reader<'r>) -> Result<AlertSubject> {
        let (subject, target, kind, subject_id) = reader.get()?;
        Ok(match subject {
            Subject::Workspace => AlertSubject::Workspace,
            Subject::Model => AlertSubject::Model(target),
            Subject::Quota if target.is_empty() => AlertSubject::Member { kind, subject_id },
            Subject::Quota => AlertSubject::Quota { quota_id: target, kind, subject_id },
        })
    }
}

impl Columns for Option<Box<AlertRecord>> {
    columns! {
        record_seq: Int, record_request_id: Text, record_attempt: Int, record_model_id: Text,
        record_user_id: Text, record_api_key_id: Text
    }

    fn write<'a>(&'a self, values: &mut Vec<Value<'a>>) {
        let record = self.as_ref();
        values.extend([
            optional(record.map(|record| &record.seq)),
            optional(record.map(|record| &record.request_id)),
            optional(record.map(|record| &record.attempt)),
            optional(record.map(|record| &record.model_id)),
            optional(record.map(|record| &record.user_id)),
            optional(record.map(|record| &record.api_key_id)),
        ]);
    }
}

impl FromRow for Option<Box<AlertRecord>> {
    fn read<'r>(reader: &mut impl Reader<'r>) -> Result<Self> {
        let seq: Option<i64> = reader.get()?;
        let request_id: Option<Arc<str>> = reader.get()?;
        let attempt: Option<i32> = reader.get()?;
        let ids: [Option<Arc<str>>; 3] = [reader.get()?, reader.get()?, reader.get()?];
        let Some(seq) = seq else { return Ok(None) };
        let (Some(request_id), Some(attempt), [Some(model_id), Some(user_id), Some(api_key_id)]) =
            (request_id, attempt, ids)
        else {
            return Err(Error::Corrupt("half a record".to_owned()));
        };
        let record = AlertRecord { seq, request_id, attempt, model_id, user_id, api_key_id };
        Ok(Some(Box::new(record)))
    }
}

/// The members that explain an anomaly: JSON, the codes of their dimensions with their ids.
type MembersForm = Vec<(i64, String)>;

impl Columns for Option<Box<AlertAnomaly>> {
    columns! {
        anomaly_id: Text, anomaly_kind: Int, anomaly_metric: Int, anomaly_is_over: Flag,
        anomaly_explained_by: Text
    }

    fn write<'a>(&'a self, values: &mut Vec<Value<'a>>) {
        let anomaly = self.as_deref();
        let members = |anomaly: &AlertAnomaly| -> MembersForm {
            let each = anomaly.explained_by.iter();
            each.map(|member| (member.dimension.code(), member.id.to_string())).collect()
        };
        values.extend([
            optional(anomaly.map(|anomaly| &anomaly.anomaly_id)),
            optional(anomaly.map(|anomaly| &anomaly.kind)),
            optional(anomaly.map(|anomaly| &anomaly.metric)),
            optional(anomaly.map(|anomaly| &anomaly.is_over)),
            anomaly.map_or(Value::Null(Kind::Text), |it| Value::Owned(to_json(&members(it)))),
        ]);
    }
}

impl FromRow for Option<Box<AlertAnomaly>> {
    fn read<'r>(reader: &mut impl Reader<'r>) -> Result<Self> {
        let anomaly_id: Option<Arc<str>> = reader.get()?;
        let (kind, metric) = (reader.get()?, reader.get()?);
        let is_over: Option<bool> = reader.get()?;
        let members = reader.text()?.map(from_json::<MembersForm>).transpose()?;
        let Some(anomaly_id) = anomaly_id else { return Ok(None) };
        let (Some(kind), Some(metric), Some(is_over), Some(members)) =
            (kind, metric, is_over, members)
        else {
            return Err(Error::Corrupt("half an anomaly".to_owned()));
        };
        let explained_by: Result<Vec<AnomalyMember>> = members
            .into_iter()
            .map(|(code, id)| {
                let dimension: Dimension = decoded(code)?;
                Ok(AnomalyMember { dimension, id: id.into() })
            })
            .collect();
        let explained_by = explained_by?;
        Ok(Some(Box::new(AlertAnomaly { anomaly_id, kind, metric, is_over, explained_by })))
    }
}

/// When and by whom an alert was acknowledged.
type Acknowledgement = (Time, String);

impl Columns for Option<Acknowledgement> {
    columns! { acknowledge_time: Int, acknowledge_actor: Text }

    fn write<'a>(&'a self, values: &mut Vec<Value<'a>>) {
        let (time, actor) = self.as_ref().map(|(time, actor)| (time, actor)).unzip();
        values.extend([optional(time), optional(actor)]);
    }
}

impl FromRow for Option<Acknowledgement> {
    fn read<'r>(reader: &mut impl Reader<'r>) -> Result<Option<Acknowledgement>> {
        match (reader.get()?, reader.get()?) {
            (Some(time), Some(actor)) => Ok(Some((time, actor))),
            (None, None) => Ok(None),
            _ => Err(Error::Corrupt("half an acknowledgement".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::sql::tests::Planner;

    #[tokio::test]
    async fn alerts_about_large_records_are_found_without_the_others() {
        let steps = Planner::new().await.plan(LATEST_LARGE).await;
        assert!(steps[0].contains(" INDEX alerts_of_large_records "), "{steps:?}");
    }
}
