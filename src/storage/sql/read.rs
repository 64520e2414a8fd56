//! Reads of the log. Sums over it are in `spent.rs`.

use sqlx::AssertSqlSafe;
use sqlx::SqlSafeStr;

use super::SqlStore;
use super::backend::{Backend, Value};
use super::codec::{Reader, code};
use super::errors::not_applied;
use super::records::{self, COLUMNS};
use crate::domain::Time;
use crate::domain::record::{Record, RecordKind};
use crate::domain::usage::Outcome;
use crate::storage::{Order, RecordFilter, RecordPosition, Result};

impl<DB: Backend> SqlStore<DB> {
    pub(super) async fn read_last_seq(&self) -> Result<i64> {
        // The last entry may have been dropped; it was folded then.
        self.read_int(
            "SELECT MAX(seq) FROM (SELECT COALESCE(MAX(seq), 0) AS seq FROM usage_records \
             UNION ALL SELECT seq FROM fold_cursor) AS both_ends",
        )
        .await
    }

    pub(super) async fn read_request_records(
        &self,
        workspace_id: &str,
        request_id: &str,
    ) -> Result<Vec<Record>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM usage_records WHERE workspace_id = $1 AND request_id = $2 \
             ORDER BY attempt, revision"
        );
        self.read_records(sql, &[Value::Text(workspace_id), Value::Text(request_id)]).await
    }

    pub(super) async fn list_records(
        &self,
        filter: &RecordFilter,
        order: Order,
        after: Option<RecordPosition>,
        limit: usize,
    ) -> Result<Vec<Record>> {
        let (beyond, direction, outermost) = match order {
            Order::OldestFirst => (">", "ASC", i64::MIN),
            Order::NewestFirst => ("<", "DESC", i64::MAX),
        };
        let outermost =
            RecordPosition { charge_time: Time::from_micros(outermost), seq: outermost };
        // What is before the position is left out by time too: a page deep in the log must not
        // cost the pages before it.
        let mut from = filter.from.unwrap_or(Time::from_micros(i64::MIN));
        let mut to = filter.to.unwrap_or(Time::from_micros(i64::MAX));
        if let Some(after) = after {
            match order {
                Order::OldestFirst => from = from.max(after.charge_time),
                Order::NewestFirst => to = to.min(after.charge_time + 1),
            }
        }
        let after = after.unwrap_or(outermost);
        // One request is found by its key, and by nothing else.
        let time = if filter.request_id.is_some() { "charge_time + 0" } else { "charge_time" };
        let mut values = vec![
            Value::Shared(&filter.workspace_id),
            Value::Int(from.micros()),
            Value::Int(to.micros()),
            Value::Int(after.charge_time.micros()),
            Value::Int(after.seq),
            limit_value(limit),
        ];
        let mut sql = format!(
            "SELECT {COLUMNS} FROM usage_records WHERE workspace_id = $1 \
             AND {time} >= $2 AND {time} < $3 AND ({time}, seq) {beyond} ($4, $5)"
        );
        if let Some(model_id) = &filter.model_id {
            values.push(Value::Text(model_id));
            let number = values.len();
            sql.push_str(&format!(" AND (model_id = ${number} OR metered_model_id = ${number})"));
        }
        if let Some(request_id) = &filter.request_id {
            values.push(Value::Text(request_id));
            sql.push_str(&format!(" AND request_id = ${}", values.len()));
        }
        sql.push_str(&format!(" ORDER BY {time} {direction}, seq {direction} LIMIT $6"));
        self.read_records(sql, &values).await
    }

    pub(super) async fn read_records_after(&self, seq: i64, limit: usize) -> Result<Vec<Record>> {
        let sql =
            format!("SELECT {COLUMNS} FROM usage_records WHERE seq > $1 ORDER BY seq LIMIT $2");
        self.read_records(sql, &[Value::Int(seq), limit_value(limit)]).await
    }

    pub(super) async fn read_recent_outputs(
        &self,
        workspace_id: &str,
        limit: usize,
    ) -> Result<Vec<(String, i64)>> {
        let sql = "SELECT metered_model_id, output + reasoning + audio_output + image_output \
                   FROM usage_records WHERE workspace_id = $1 AND kind = $2 AND outcome = $3 \
                   ORDER BY charge_time DESC, seq DESC LIMIT $4";
        let values = [
            Value::Text(workspace_id),
            code(RecordKind::Usage),
            code(Outcome::Success),
            limit_value(limit),
        ];
        let rows = self.read(sql.into_sql_str(), &values).await?;
        let mut outputs = Vec::with_capacity(rows.len());
        for row in rows.iter().rev() {
            let mut reader = Reader::<DB>::new(row);
            outputs.push((reader.string()?, reader.int()?));
        }
        Ok(outputs)
    }

    async fn read_records(&self, sql: String, values: &[Value<'_>]) -> Result<Vec<Record>> {
        let rows = self.read(AssertSqlSafe(sql).into_sql_str(), values).await?;
        records::read_all::<DB>(&rows)
    }

    /// The only column of the only row.
    pub(super) async fn read_int(&self, sql: &'static str) -> Result<i64> {
        let rows = self.read(sql.into_sql_str(), &[]).await?;
        let row = rows.first().ok_or_else(|| not_applied(sqlx::Error::RowNotFound))?;
        Reader::<DB>::new(row).int()
    }
}

pub(super) fn limit_value(limit: usize) -> Value<'static> {
    Value::Int(i64::try_from(limit).unwrap_or(i64::MAX))
}
