//! Alerts, each under what it is about once; and the part of the contract about them, joined.

use std::collections::HashMap;

use async_trait::async_trait;
use sqlx::SqlSafeStr;

use super::backend::{Backend, Value};
use super::codec::{Code, Reader, code, optional_time, time};
use super::read::limit_value;
use super::session::Write;
use super::table::Table;
use super::{SqlStore, deliveries};
use crate::domain::Time;
use crate::domain::alert::{Alert, AlertKey, AlertSubject};
use crate::domain::attribution::SubjectKind;
use crate::storage::alerts::{
    AlertFilter, AlertStore, AlertSubjectFilter, Delivery, DeliveryFilter, EmailReceiver,
    StoredAlert, Webhook,
};
use crate::storage::{Error, Result};

const ALERTS: Table = Table {
    name: "alerts",
    columns: "seq, workspace_id, subject, target, member_kind, subject_id, alert_type, window_start, \
              threshold, window_end, unit, limit_count, spent, time, acknowledge_time, \
              acknowledge_actor",
    key: 1,
};

/// Codes of subjects.
const WORKSPACE: i64 = 0;
const MODEL: i64 = 1;
const QUOTA: i64 = 2;

#[async_trait]
impl<DB: Backend> AlertStore for SqlStore<DB> {
    async fn last_alert_seq(&self) -> Result<i64> {
        self.read_int("SELECT COALESCE(MAX(seq), 0) FROM alerts").await
    }

    async fn put_alerts(&self, alerts: &[StoredAlert], deliveries: &[Delivery]) -> Result<()> {
        let mut write = self.session.begin().await?;
        add_alerts(&mut write, alerts).await?;
        for delivery in deliveries {
            deliveries::add(&mut write, delivery).await?;
        }
        write.commit().await
    }

    async fn raised(&self, workspace_id: &str, since: Time) -> Result<Vec<AlertKey>> {
        let select = ALERTS.of(workspace_id).with("window_start >=", time(since)).all("seq");
        let rows = self.select(select).await?;
        rows.iter().map(|row| alert::<DB>(row).map(|stored| stored.alert.key)).collect()
    }

    async fn alert(&self, workspace_id: &str, seq: i64) -> Result<Option<StoredAlert>> {
        let rows = self.select(ALERTS.of(workspace_id).with("seq =", Value::Int(seq))).await?;
        rows.first().map(alert::<DB>).transpose()
    }

    async fn alerts(
        &self,
        filter: &AlertFilter,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<StoredAlert>> {
        self.list_alerts(filter, before, limit).await
    }

    async fn alerts_after(
        &self,
        workspace_id: &str,
        after: i64,
        limit: usize,
    ) -> Result<Vec<StoredAlert>> {
        let select = ALERTS.of(workspace_id).with("seq >", Value::Int(after));
        self.select(select.ordered("seq", limit)).await?.iter().map(alert::<DB>).collect()
    }

    async fn webhooks(&self, workspace_id: &str) -> Result<Vec<Webhook>> {
        self.read_webhooks(workspace_id).await
    }

    async fn email_receivers(&self, workspace_id: &str) -> Result<Vec<EmailReceiver>> {
        self.read_email_receivers(workspace_id).await
    }

    async fn due_deliveries(&self, now: Time, limit: usize) -> Result<Vec<Delivery>> {
        let values = [time(now), limit_value(limit)];
        let rows = self.read(deliveries::DUE.into_sql_str(), &values).await?;
        rows.iter().map(deliveries::delivery::<DB>).collect()
    }

    async fn put_delivery(&self, delivery: &Delivery) -> Result<()> {
        let mut write = self.session.begin().await?;
        deliveries::replace(&mut write, delivery).await?;
        write.commit().await
    }

    async fn delivery(&self, workspace_id: &str, id: &str) -> Result<Option<Delivery>> {
        self.read_delivery(workspace_id, id).await
    }

    async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        after: Option<(Time, String)>,
        limit: usize,
    ) -> Result<Vec<Delivery>> {
        self.list_deliveries(filter, after.as_ref(), limit).await
    }
}

impl<DB: Backend> SqlStore<DB> {
    async fn list_alerts(
        &self,
        filter: &AlertFilter,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<StoredAlert>> {
        let mut select = ALERTS
            .of(&filter.workspace_id)
            .with_any("seq <", before.map(Value::Int))
            .with_any("time >=", filter.from.map(time))
            .with_any("time <", filter.to.map(time));
        if !filter.types.is_empty() {
            let codes: Vec<String> = filter.types.iter().map(|t| t.code().to_string()).collect();
            select = select.only(&format!("alert_type IN ({})", codes.join(", ")));
        }
        if let Some(id) = &filter.quota_id {
            select = select.with("subject =", Value::Int(QUOTA)).with("target =", Value::Text(id));
        }
        let workspace_kind = code(SubjectKind::Workspace);
        select = match &filter.subject {
            None => select,
            // Also where a quota is for the workspace as a whole: `member_kind` says so of both.
            Some(AlertSubjectFilter::Workspace) => {
                select.with("subject <>", Value::Int(MODEL)).with("member_kind =", workspace_kind)
            }
            Some(AlertSubjectFilter::Model(id)) => {
                select.with("subject =", Value::Int(MODEL)).with("target =", Value::Text(id))
            }
            Some(AlertSubjectFilter::Member { kind, subject_id }) => select
                .with("subject =", Value::Int(QUOTA))
                .with("member_kind =", code(*kind))
                .with("member =", Value::Text(subject_id)),
        };
        if filter.unacknowledged_only {
            select = select.only("acknowledge_time IS NULL");
        }
        let rows = self.select(select.ordered("seq DESC", limit)).await?;
        rows.iter().map(alert::<DB>).collect()
    }
}

/// Adds those whose key is not there yet.
async fn add_alerts<DB: Backend>(write: &mut Write<'_, DB>, alerts: &[StoredAlert]) -> Result<()> {
    let (Some(first), Some(last)) = (alerts.first(), alerts.last()) else { return Ok(()) };
    let mut values = Vec::new();
    for alert in alerts {
        push_values(alert, &mut values);
    }
    // Whatever is in the way of it: the database may ask for the `seq` of a repeat first.
    ALERTS.add_unless_there(write, &values).await?;
    let sql = format!("SELECT {} FROM alerts WHERE seq >= $1 AND seq <= $2", ALERTS.columns);
    let range = [Value::Int(first.seq), Value::Int(last.seq)];
    let rows = write.rows(sqlx::AssertSqlSafe(sql).into_sql_str(), &range).await?;
    let mut there = HashMap::with_capacity(rows.len());
    for row in &rows {
        let stored = alert::<DB>(row)?;
        there.insert(stored.seq, stored);
    }
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

fn push_values<'a>(stored: &'a StoredAlert, values: &mut Vec<Value<'a>>) {
    let Alert { key, window_end, unit, limit, spent, time: at } = &stored.alert;
    let (subject, target, kind, subject_id) = match &key.subject {
        AlertSubject::Workspace => {
            (WORKSPACE, Value::Text(""), SubjectKind::Workspace, Value::Text(""))
        }
        AlertSubject::Model(id) => {
            (MODEL, Value::Shared(id), SubjectKind::Workspace, Value::Text(""))
        }
        AlertSubject::Quota { quota_id, kind, subject_id } => {
            (QUOTA, Value::Shared(quota_id), *kind, Value::Shared(subject_id))
        }
    };
    let acknowledged = stored.acknowledged.as_ref();
    values.extend([
        Value::Int(stored.seq),
        Value::Shared(&stored.workspace_id),
        Value::Int(subject),
        target,
        code(kind),
        subject_id,
        code(key.alert_type),
        time(key.window_start),
        Value::Int(i64::from(key.threshold)),
        optional_time(*window_end),
        Value::OptionalInt(unit.map(Code::code)),
        Value::Int(*limit),
        Value::Int(*spent),
        time(*at),
        optional_time(acknowledged.map(|(time, _)| *time)),
        Value::OptionalText(acknowledged.map(|(_, actor)| actor.as_str())),
    ]);
}

fn alert<DB: Backend>(row: &DB::Row) -> Result<StoredAlert> {
    let mut reader = Reader::<DB>::new(row);
    let seq = reader.int()?;
    let workspace_id = reader.shared()?;
    let key = AlertKey {
        subject: subject(&mut reader)?,
        alert_type: reader.code()?,
        window_start: reader.time()?,
        threshold: {
            let percent = reader.int()?;
            u16::try_from(percent)
                .map_err(|_| Error::Corrupt(format!("{percent} is no threshold")))?
        },
    };
    let alert = Alert {
        key,
        window_end: reader.optional_time()?,
        unit: reader.optional_code()?,
        limit: reader.int()?,
        spent: reader.int()?,
        time: reader.time()?,
    };
    let acknowledged = match (reader.optional_time()?, reader.optional_text()?) {
        (Some(time), Some(actor)) => Some((time, actor.to_owned())),
        (None, None) => None,
        _ => return Err(Error::Corrupt("half an acknowledgement".to_owned())),
    };
    Ok(StoredAlert { seq, workspace_id, alert, acknowledged })
}

fn subject<DB: Backend>(reader: &mut Reader<'_, DB>) -> Result<AlertSubject> {
    let subject = reader.int()?;
    let target = reader.shared()?;
    let (kind, subject_id) = (reader.code()?, reader.shared()?);
    match subject {
        WORKSPACE => Ok(AlertSubject::Workspace),
        MODEL => Ok(AlertSubject::Model(target)),
        QUOTA => Ok(AlertSubject::Quota { quota_id: target, kind, subject_id }),
        other => Err(Error::Corrupt(format!("no subject of an alert has the code {other}"))),
    }
}
