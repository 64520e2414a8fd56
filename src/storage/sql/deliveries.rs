//! Alerts on their way to receivers.

use sqlx::{AssertSqlSafe, SqlSafeStr};

use super::SqlStore;
use super::backend::{Backend, Value};
use super::codec::{Reader, code, optional_time, time};
use super::session::Write;
use super::table::Table;
use crate::domain::Time;
use crate::storage::alerts::{Delivery, DeliveryFilter, Receiver};
use crate::storage::{Error, Result};

const DELIVERIES: Table = Table {
    name: "deliveries",
    columns: "id, workspace_id, alert_seq, receiver_kind, receiver_id, state, attempts, \
              next_attempt_time, last_error, create_time, finish_time",
    key: 1,
};

/// Of each receiver the one that is longest due. State 0 is pending; it is written out, so that
/// databases know that the index `deliveries_due` has them all.
pub(super) const DUE: &str = "\
    SELECT id, workspace_id, alert_seq, receiver_kind, receiver_id, state, attempts, \
      next_attempt_time, last_error, create_time, finish_time \
    FROM (SELECT deliveries.*, ROW_NUMBER() OVER ( \
        PARTITION BY workspace_id, receiver_kind, receiver_id \
        ORDER BY next_attempt_time, id) AS place \
      FROM deliveries WHERE state = 0 AND next_attempt_time <= $1) AS due \
    WHERE place = 1 ORDER BY next_attempt_time, id LIMIT $2";

/// Codes of receivers.
const WEBHOOK: i64 = 0;
const EMAIL: i64 = 1;

impl<DB: Backend> SqlStore<DB> {
    pub(super) async fn read_delivery(
        &self,
        workspace_id: &str,
        id: &str,
    ) -> Result<Option<Delivery>> {
        let rows = self.select(DELIVERIES.of(workspace_id).with("id =", Value::Text(id))).await?;
        rows.first().map(delivery::<DB>).transpose()
    }

    pub(super) async fn list_deliveries(
        &self,
        filter: &DeliveryFilter,
        after: Option<&(Time, String)>,
        limit: usize,
    ) -> Result<Vec<Delivery>> {
        let select = DELIVERIES
            .of(&filter.workspace_id)
            .with_any("receiver_id =", filter.receiver_id.as_deref().map(Value::Text))
            .with_any("alert_seq =", filter.alert_seq.map(Value::Int))
            .with_any("state =", filter.state.map(code))
            .latest("create_time", after, limit);
        self.select(select).await?.iter().map(delivery::<DB>).collect()
    }
}

/// Adds the delivery if its alert is there, and the delivery is not.
pub(super) async fn add<DB: Backend>(write: &mut Write<'_, DB>, delivery: &Delivery) -> Result<()> {
    let sql = format!(
        "INSERT INTO deliveries ({}) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11 \
         WHERE EXISTS (SELECT 1 FROM alerts WHERE seq = $3 AND workspace_id = $2) \
         ON CONFLICT (id) DO NOTHING",
        DELIVERIES.columns
    );
    write.execute(AssertSqlSafe(sql).into_sql_str(), &values(delivery)).await.map(drop)
}

/// Replaces the delivery if it is there.
pub(super) async fn replace<DB: Backend>(
    write: &mut Write<'_, DB>,
    delivery: &Delivery,
) -> Result<()> {
    let sql = "UPDATE deliveries SET workspace_id = $2, alert_seq = $3, receiver_kind = $4, \
               receiver_id = $5, state = $6, attempts = $7, next_attempt_time = $8, \
               last_error = $9, create_time = $10, finish_time = $11 WHERE id = $1";
    write.run(sql, &values(delivery)).await.map(drop)
}

fn values(delivery: &Delivery) -> [Value<'_>; 11] {
    let (kind, receiver_id) = match &delivery.receiver {
        Receiver::Webhook(id) => (WEBHOOK, id),
        Receiver::Email(id) => (EMAIL, id),
    };
    [
        Value::Shared(&delivery.id),
        Value::Shared(&delivery.workspace_id),
        Value::Int(delivery.alert_seq),
        Value::Int(kind),
        Value::Shared(receiver_id),
        code(delivery.state),
        Value::Int(i64::from(delivery.attempts)),
        time(delivery.next_attempt_time),
        Value::Text(&delivery.last_error),
        time(delivery.create_time),
        optional_time(delivery.finish_time),
    ]
}

pub(super) fn delivery<DB: Backend>(row: &DB::Row) -> Result<Delivery> {
    let mut reader = Reader::<DB>::new(row);
    Ok(Delivery {
        id: reader.shared()?,
        workspace_id: reader.shared()?,
        alert_seq: reader.int()?,
        receiver: {
            let (kind, id) = (reader.int()?, reader.shared()?);
            match kind {
                WEBHOOK => Receiver::Webhook(id),
                EMAIL => Receiver::Email(id),
                other => {
                    return Err(Error::Corrupt(format!("no receiver has the code {other}")));
                }
            }
        },
        state: reader.code()?,
        attempts: reader.small_int()?,
        next_attempt_time: reader.time()?,
        last_error: reader.string()?,
        create_time: reader.time()?,
        finish_time: reader.optional_time()?,
    })
}

#[cfg(test)]
mod tests {
    use sqlx::{Row, Sqlite};

    use super::*;

    #[tokio::test]
    async fn what_is_due_is_found_without_what_is_finished() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("a.db").display());
        let store = SqlStore::<Sqlite>::serve(&url).await.unwrap();
        let sql = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {DUE}"));
        let rows = store.read(sql.into_sql_str(), &[]).await.unwrap();
        let steps: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
        let expected = "SCAN deliveries USING INDEX deliveries_due";
        assert!(steps.iter().any(|step| step == expected), "{steps:?}");
    }
}
