//! Rollups: folding them from the log, comparing them with it, and making them anew.

use sqlx::AssertSqlSafe;
use sqlx::SqlSafeStr;

use super::SqlStore;
use super::backend::{Backend, Value};
use super::codec::{Reader, time};
use super::read::limit_value;
use crate::storage::rollup::{Dimension, RollupRow};
use crate::storage::{Difference, Error, Result};

pub(super) const FOLD_CURSOR: &str = "SELECT seq FROM fold_cursor WHERE id = 1";

/// What a bucket sums up, and the same of one record ([`crate::storage::rollup::Sums::add`]).
/// Kind 0 is usage; outcomes 1 and 2 are errors and cancellations.
const SUMS: [(&str, &str); 15] = [
    ("record_count", "CASE WHEN kind = 0 THEN 1 ELSE 0 END"),
    ("error_count", "CASE WHEN kind = 0 AND outcome = 1 THEN 1 ELSE 0 END"),
    ("cancelled_count", "CASE WHEN kind = 0 AND outcome = 2 THEN 1 ELSE 0 END"),
    ("cost_nanos", "cost_nanos"),
    ("input", "input"),
    ("cache_read", "cache_read"),
    ("cache_write_5m", "cache_write_5m"),
    ("cache_write_1h", "cache_write_1h"),
    ("output", "output"),
    ("reasoning", "reasoning"),
    ("audio_input", "audio_input"),
    ("audio_output", "audio_output"),
    ("image_input", "image_input"),
    ("image_output", "image_output"),
    ("latency", "latency"),
];

const KEY: &str = "workspace_id, dimension, hour, value, model";
const COLUMN_COUNT: usize = 5 + SUMS.len();

impl<DB: Backend> SqlStore<DB> {
    pub(super) async fn fold_rows(&self, from: i64, to: i64, rows: &[RollupRow]) -> Result<()> {
        let mut write = self.session.begin().await?;
        let cursor = match write.rows(FOLD_CURSOR.into_sql_str(), &[]).await?.first() {
            Some(row) => Reader::<DB>::new(row).int()?,
            None => return Err(Error::Corrupt("the cursor of the fold is missing".to_owned())),
        };
        if cursor == to {
            return write.commit().await;
        }
        if cursor != from {
            return Err(Error::Corrupt(format!(
                "the fold is at {cursor}, not at {from} nor at {to}"
            )));
        }
        let mut values = Vec::with_capacity(rows.len() * COLUMN_COUNT);
        for row in rows {
            push_values(row, &mut values);
        }
        let head = format!("INSERT INTO rollups ({KEY}, {})", list(|name, _| name.to_owned()));
        let add = list(|name, _| format!("{name} = rollups.{name} + excluded.{name}"));
        let tail = format!("ON CONFLICT ({KEY}) DO UPDATE SET {add}");
        write.insert_many(&head, COLUMN_COUNT, &tail, &values).await?;
        let sql = "UPDATE fold_cursor SET seq = $1 WHERE id = 1";
        write.execute(sql.into_sql_str(), &[Value::Int(to)]).await?;
        write.commit().await
    }

    pub(super) async fn compare_rollups(&self, limit: usize) -> Result<Vec<Difference>> {
        let mut snapshot = self.snapshot().await?;
        let cursor = snapshot.int(FOLD_CURSOR).await?;
        let mut differences = Vec::new();
        for dimension in Dimension::ALL {
            if differences.len() >= limit {
                break;
            }
            let values = [
                Value::Int(cursor),
                Value::Text(dimension.as_str()),
                limit_value(limit - differences.len()),
            ];
            let sql = AssertSqlSafe(comparison(dimension)).into_sql_str();
            for row in &snapshot.rows(sql, &values).await? {
                differences.push(difference::<DB>(dimension, row)?);
            }
        }
        snapshot.end().await?;
        Ok(differences)
    }

    pub(super) async fn remake_rollups(&self) -> Result<()> {
        let mut write = self.session.begin().await?;
        write.execute("DELETE FROM rollups".into_sql_str(), &[]).await?;
        for dimension in Dimension::ALL {
            let names = list(|name, _| name.to_owned());
            let sums = list(|_, of_record| format!("CAST(SUM({of_record}) AS BIGINT)"));
            let value = column(dimension);
            let sql = format!(
                "INSERT INTO rollups ({KEY}, {names}) \
                 SELECT workspace_id, $1, hour, value, metered_model_id, {sums} \
                 FROM (SELECT *, {value} AS value FROM usage_records) AS log \
                 GROUP BY workspace_id, hour, value, metered_model_id"
            );
            let values = [Value::Text(dimension.as_str())];
            write.execute(AssertSqlSafe(sql).into_sql_str(), &values).await?;
        }
        let sql = "UPDATE fold_cursor \
                   SET seq = (SELECT COALESCE(MAX(seq), 0) FROM usage_records) WHERE id = 1";
        write.execute(sql.into_sql_str(), &[]).await?;
        write.commit().await
    }
}

/// The column whose value a record counts under ([`Dimension`]).
pub(super) fn column(dimension: Dimension) -> &'static str {
    match dimension {
        Dimension::Workspace => "''",
        Dimension::User => "user_id",
        Dimension::Department => "department_id",
        Dimension::ApiKey => "api_key_id",
        Dimension::KeyGroup => "key_group_id",
        Dimension::Assistant => "assistant_id",
        Dimension::Workflow => "workflow_id",
        Dimension::Feature => "feature_id",
        Dimension::Project => "project_id",
        Dimension::Model => "metered_model_id",
        Dimension::Investigation => "investigation_id",
        Dimension::Session => "session_id",
        Dimension::Tag | Dimension::Outcome => "''",
    }
}

/// The sums of the log less those of the rollups, where anything is left.
fn comparison(dimension: Dimension) -> String {
    let value = column(dimension);
    let of_log = list(|name, of_record| format!("{of_record} AS {name}"));
    let of_rollups = list(|name, _| format!("-{name}"));
    let differs: Vec<String> = SUMS.iter().map(|(name, _)| format!("SUM({name}) <> 0")).collect();
    format!(
        "SELECT workspace_id, hour, value, model, CAST(SUM(record_count) AS BIGINT), \
         CAST(SUM(cost_nanos) AS BIGINT) FROM ( \
           SELECT workspace_id, hour, {value} AS value, metered_model_id AS model, {of_log} \
             FROM usage_records WHERE seq <= $1 \
           UNION ALL \
           SELECT workspace_id, hour, value, model, {of_rollups} FROM rollups \
             WHERE dimension = $2 \
         ) AS both_sides GROUP BY workspace_id, hour, value, model HAVING {} \
         ORDER BY workspace_id, hour, value, model LIMIT $3",
        differs.join(" OR ")
    )
}

fn difference<DB: Backend>(dimension: Dimension, row: &DB::Row) -> Result<Difference> {
    let mut reader = Reader::<DB>::new(row);
    Ok(Difference {
        workspace_id: reader.string()?,
        dimension,
        hour: reader.time()?,
        value: reader.string()?,
        model_id: reader.string()?,
        record_count: reader.int()?,
        cost_nanos: reader.int()?,
    })
}

fn push_values<'a>(row: &'a RollupRow, values: &mut Vec<Value<'a>>) {
    values.extend([
        Value::Shared(&row.workspace_id),
        Value::Text(row.dimension.as_str()),
        time(row.hour),
        Value::Text(&row.value),
        Value::Shared(&row.model_id),
        Value::Int(row.sums.record_count),
        Value::Int(row.sums.error_count),
        Value::Int(row.sums.cancelled_count),
        Value::Int(row.sums.cost_nanos),
    ]);
    values.extend(row.sums.tokens.map(Value::Int));
    values.push(Value::Int(row.sums.latency));
}

fn list(form: impl Fn(&str, &str) -> String) -> String {
    let forms: Vec<String> = SUMS.iter().map(|(name, of_record)| form(name, of_record)).collect();
    forms.join(", ")
}
