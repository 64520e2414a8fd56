//! What is derived from the log, as rows of its tables, and adding to it.

use std::collections::HashMap;

use sqlx::{AssertSqlSafe, SqlSafeStr};

use super::backend::{Backend, Value};
use super::codec::{Reader, code, optional_time, time};
use super::session::Write;
use super::{SqlStore, refusals};
use crate::domain::usage::TokenClass;
use crate::storage::latency::Latencies;
use crate::storage::rollup::{
    DayRow, Dimension, FoldCursor, Folded, Grain, RollupRow, SeenRow, Sums,
};
use crate::storage::{Error, Result};

pub(super) const FOLD_CURSOR: &str = "SELECT seq, batch FROM fold_cursor WHERE id = 1";
/// Most histograms that are looked up with one statement; a power of two.
const LOOKUP_MAX: usize = 128;

/// What a bucket sums up, in the order of its columns.
const SUMS: [&str; 15] = [
    "record_count",
    "error_count",
    "cancelled_count",
    "cost_nanos",
    "input",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "output",
    "reasoning",
    "audio_input",
    "audio_output",
    "image_input",
    "image_output",
    "latency",
];

/// The table of a grain and the columns of its key.
pub(super) fn table(grain: Grain) -> (&'static str, &'static str) {
    match grain {
        Grain::Hour => ("rollups_by_hour", "workspace_id, dimension, hour, value"),
        Grain::Day => ("rollups_by_day", "workspace_id, dimension, day, value"),
        Grain::DayByModel => ("rollups_by_model", "workspace_id, dimension, day, value, model"),
    }
}

/// The columns of [`Sums`].
pub(super) fn sum_columns() -> String {
    SUMS.join(", ")
}

/// Reads the columns of [`Sums`].
pub(super) fn read_sums<DB: Backend>(reader: &mut Reader<'_, DB>) -> Result<Sums> {
    let mut sums = Sums {
        record_count: reader.int()?,
        error_count: reader.int()?,
        cancelled_count: reader.int()?,
        cost_nanos: reader.int()?,
        ..Sums::default()
    };
    for class in TokenClass::ALL {
        sums.tokens[class as usize] = reader.int()?;
    }
    sums.latency = reader.int()?;
    Ok(sums)
}

/// The column whose value a record counts under. Not of tags and outcomes, which have none.
pub(super) fn column(dimension: Dimension) -> &'static str {
    match dimension {
        Dimension::Workspace | Dimension::Tag | Dimension::Outcome => "''",
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
    }
}

pub(super) fn read_cursor<DB: Backend>(rows: &[DB::Row]) -> Result<FoldCursor> {
    let Some(row) = rows.first() else {
        return Err(Error::Corrupt("the cursor of the fold is missing".to_owned()));
    };
    let mut reader = Reader::<DB>::new(row);
    Ok(FoldCursor { seq: reader.int()?, batch: reader.int()? })
}

impl<DB: Backend> SqlStore<DB> {
    pub(super) async fn read_fold_cursor(&self) -> Result<FoldCursor> {
        read_cursor::<DB>(&self.read(FOLD_CURSOR.into_sql_str(), &[]).await?)
    }

    pub(super) async fn write_folded(
        &self,
        from: FoldCursor,
        to: FoldCursor,
        folded: &Folded,
    ) -> Result<()> {
        let mut write = self.session.begin().await?;
        let cursor = read_cursor::<DB>(&write.rows(FOLD_CURSOR.into_sql_str(), &[]).await?)?;
        if cursor == to {
            return write.commit().await;
        }
        if cursor != from {
            return Err(Error::Corrupt(format!(
                "the fold is at {cursor:?}, not at {from:?} nor at {to:?}"
            )));
        }
        write.add_folded(folded).await?;
        refusals::add(&mut write, &folded.refusals).await?;
        write.set_fold_cursor(to).await?;
        write.commit().await
    }
}

impl<DB: Backend> Write<'_, DB> {
    /// Adds all but refusals to what is derived.
    pub(super) async fn add_folded(&mut self, folded: &Folded) -> Result<()> {
        for grain in [Grain::Hour, Grain::Day, Grain::DayByModel] {
            let rows = folded.rollups.iter().filter(|row| row.grain == grain);
            self.add_rollups(grain, rows).await?;
        }
        self.add_latencies(&folded.rollups).await?;
        self.add_seen(&folded.seen).await?;
        self.add_days(&folded.days).await
    }

    pub(super) async fn set_fold_cursor(&mut self, to: FoldCursor) -> Result<()> {
        let sql = "UPDATE fold_cursor SET seq = $1, batch = $2 WHERE id = 1";
        self.run(sql, &[Value::Int(to.seq), Value::Int(to.batch)]).await.map(drop)
    }

    async fn add_rollups<'a>(
        &mut self,
        grain: Grain,
        rows: impl Iterator<Item = &'a RollupRow>,
    ) -> Result<()> {
        let (name, key) = table(grain);
        let columns = key.split(", ").count() + SUMS.len();
        let mut values = Vec::new();
        for row in rows {
            values.extend([
                Value::Shared(&row.workspace_id),
                code(row.dimension),
                time(row.start),
                Value::Shared(&row.value),
            ]);
            if grain == Grain::DayByModel {
                values.push(Value::Shared(&row.model_id));
            }
            push_sums(&row.sums, &mut values);
        }
        let head = format!("INSERT INTO {name} ({key}, {})", sum_columns());
        let add = SUMS.map(|sum| format!("{sum} = {name}.{sum} + excluded.{sum}")).join(", ");
        let tail = format!("ON CONFLICT ({key}) DO UPDATE SET {add}");
        self.insert_many(&head, columns, &tail, &values).await
    }

    /// Histograms are texts to the database: what is there is read, added to, and written.
    async fn add_latencies(&mut self, rollups: &[RollupRow]) -> Result<()> {
        let rows: Vec<&RollupRow> =
            rollups.iter().filter(|row| !row.latencies.is_empty()).collect();
        let mut texts = Vec::with_capacity(rows.len());
        let mut rest = &rows[..];
        let mut size = LOOKUP_MAX;
        while !rest.is_empty() {
            while size > rest.len() {
                size /= 2;
            }
            let (part, after) = rest.split_at(size);
            let mut before = self.latencies_of(part).await?;
            for (index, row) in part.iter().enumerate() {
                let mut latencies = before.remove(&index).unwrap_or_default();
                latencies.merge(&row.latencies);
                texts.push(latencies.to_text());
            }
            rest = after;
        }
        let mut values = Vec::with_capacity(rows.len() * 5);
        for (row, text) in rows.iter().zip(&texts) {
            push_day_key(row, &mut values);
            values.push(Value::Text(text));
        }
        let head = "INSERT INTO rollup_latencies (workspace_id, dimension, day, value, histogram)";
        let tail = "ON CONFLICT (workspace_id, dimension, day, value) \
                    DO UPDATE SET histogram = excluded.histogram";
        self.insert_many(head, 5, tail, &values).await
    }

    /// The histograms that are there, by the place of their bucket in `rows`.
    async fn latencies_of(&mut self, rows: &[&RollupRow]) -> Result<HashMap<usize, Latencies>> {
        let mut keys = String::new();
        let mut values = Vec::with_capacity(rows.len() * 4);
        for (index, row) in rows.iter().enumerate() {
            keys.push_str(if keys.is_empty() { "(" } else { ", (" });
            keys.push_str(&index.to_string());
            for _column in 0..4 {
                keys.push_str(", ");
                DB::placeholder(values.len() + _column, &mut keys);
            }
            keys.push(')');
            push_day_key(row, &mut values);
        }
        // CROSS JOIN, so that SQLite goes from the keys to the table and never the other way.
        let sql = format!(
            "WITH keys (place, workspace, kind, start, name) AS (VALUES {keys}) \
             SELECT CAST(place AS BIGINT), histogram FROM keys CROSS JOIN rollup_latencies \
             WHERE workspace_id = workspace AND dimension = kind AND day = start AND value = name"
        );
        let mut found = HashMap::new();
        for row in &self.rows(AssertSqlSafe(sql).into_sql_str(), &values).await? {
            let mut reader = Reader::<DB>::new(row);
            let place = reader.int()? as usize;
            found.insert(place, Latencies::from_text(reader.text()?)?);
        }
        Ok(found)
    }

    async fn add_seen(&mut self, rows: &[SeenRow]) -> Result<()> {
        let mut values = Vec::with_capacity(rows.len() * 6);
        for SeenRow { workspace_id, dimension, value, seen } in rows {
            values.extend([
                Value::Shared(workspace_id),
                code(*dimension),
                Value::Shared(value),
                time(seen.first_time),
                time(seen.last_time),
                optional_time(seen.first_success_time),
            ]);
        }
        let head = "INSERT INTO seen \
                    (workspace_id, dimension, value, first_time, last_time, first_success_time)";
        let success = least("seen.first_success_time", "excluded.first_success_time");
        let tail = format!(
            "ON CONFLICT (workspace_id, dimension, value) DO UPDATE SET {}, \
             first_success_time = CASE WHEN excluded.first_success_time IS NULL \
               THEN seen.first_success_time WHEN seen.first_success_time IS NULL \
               THEN excluded.first_success_time ELSE {success} END",
            widen("seen")
        );
        self.insert_many(head, 6, &tail, &values).await
    }

    async fn add_days(&mut self, rows: &[DayRow]) -> Result<()> {
        let mut values = Vec::with_capacity(rows.len() * 4);
        for DayRow { workspace_id, day, first_time, last_time } in rows {
            let workspace_id = Value::Shared(workspace_id);
            values.extend([workspace_id, time(*day), time(*first_time), time(*last_time)]);
        }
        let head = "INSERT INTO local_days (workspace_id, day, first_time, last_time)";
        let widen = widen("local_days");
        let tail = format!("ON CONFLICT (workspace_id, day) DO UPDATE SET {widen}");
        self.insert_many(head, 4, &tail, &values).await
    }
}

fn push_day_key<'a>(row: &'a RollupRow, values: &mut Vec<Value<'a>>) {
    values.extend([
        Value::Shared(&row.workspace_id),
        code(row.dimension),
        time(row.start),
        Value::Shared(&row.value),
    ]);
}

fn push_sums(sums: &Sums, values: &mut Vec<Value<'_>>) {
    values.extend([
        Value::Int(sums.record_count),
        Value::Int(sums.error_count),
        Value::Int(sums.cancelled_count),
        Value::Int(sums.cost_nanos),
    ]);
    values.extend(sums.tokens.map(Value::Int));
    values.push(Value::Int(sums.latency));
}

/// Sets the earlier first time and the later last time. The two databases have no function of the
/// same name for it.
fn widen(table: &str) -> String {
    format!(
        "first_time = {}, last_time = CASE WHEN excluded.last_time > {table}.last_time \
         THEN excluded.last_time ELSE {table}.last_time END",
        least(&format!("{table}.first_time"), "excluded.first_time")
    )
}

fn least(one: &str, other: &str) -> String {
    format!("CASE WHEN {other} < {one} THEN {other} ELSE {one} END")
}
