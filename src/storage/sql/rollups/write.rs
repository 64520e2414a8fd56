//! Adding to what is derived from the log.

use std::collections::HashMap;

use sqlx::AssertSqlSafe;

use super::{LOCAL_DAYS, SEEN, sum_columns, table};
use crate::storage::Result;
use crate::storage::rollup::latency::Latencies;
use crate::storage::rollup::{FoldCursor, Folded, Grain, RollupRow};
use crate::storage::sql::connection::backend::Backend;
use crate::storage::sql::connection::session::Write;
use crate::storage::sql::row::{Columns, Value, code, time};
use crate::storage::sql::tables::entry_words;

/// Most histograms that are looked up with one statement; a power of two.
const LOOKUP_MAX: usize = 128;

impl<DB: Backend> Write<'_, DB> {
    /// Adds all but refusals to what is derived.
    pub async fn add_folded(&mut self, folded: &Folded) -> Result<()> {
        for grain in [Grain::Hour, Grain::Day, Grain::DayByModel] {
            let rows = folded.rollups.iter().filter(|row| row.grain == grain);
            self.add_rollups(grain, rows).await?;
        }
        self.add_latencies(&folded.rollups).await?;
        let success = least("seen.first_success_time", "excluded.first_success_time");
        let tail = format!(
            "ON CONFLICT (workspace_id, dimension, value) DO UPDATE SET {}, \
             first_success_time = CASE WHEN excluded.first_success_time IS NULL \
               THEN seen.first_success_time WHEN seen.first_success_time IS NULL \
               THEN excluded.first_success_time ELSE {success} END",
            widen("seen")
        );
        entry_words::add_seen(self, &folded.seen).await?;
        SEEN.insert(self, None, &folded.seen, &tail).await?;
        let widen = widen("local_days");
        let tail = format!("ON CONFLICT (workspace_id, day) DO UPDATE SET {widen}");
        LOCAL_DAYS.insert(self, None, &folded.days, &tail).await
    }

    pub async fn set_fold_cursor(&mut self, to: FoldCursor) -> Result<()> {
        let sql = "UPDATE fold_cursor SET seq = $1, batch = $2 WHERE id = 1";
        self.execute(sql, &[Value::Int(to.seq), Value::Int(to.batch)]).await.map(drop)
    }

    async fn add_rollups<'a>(
        &mut self,
        grain: Grain,
        rows: impl Iterator<Item = &'a RollupRow>,
    ) -> Result<()> {
        let (name, key) = table(grain);
        let sums = sum_columns();
        let columns = key.split(", ").count() + sums.len();
        let mut values = Vec::new();
        for row in rows {
            push_key(row, &mut values);
            if grain == Grain::DayByModel {
                values.push(Value::Shared(&row.model_id));
            }
            row.sums.write(&mut values);
        }
        let head = format!("INSERT INTO {name} ({key}, {})", sums.join(", "));
        let add: Vec<String> =
            sums.iter().map(|sum| format!("{sum} = {name}.{sum} + excluded.{sum}")).collect();
        let tail = format!("ON CONFLICT ({key}) DO UPDATE SET {}", add.join(", "));
        self.insert_many(&head, columns, &tail, &values).await
    }

    /// Histograms are texts to the database: what is there is read, added to, and written.
    async fn add_latencies(&mut self, rollups: &[RollupRow]) -> Result<()> {
        let rows: Vec<&RollupRow> =
            rollups.iter().filter(|row| !row.latencies.is_empty()).collect();
        let mut sums = Vec::with_capacity(rows.len());
        let mut rest = &rows[..];
        let mut size = LOOKUP_MAX;
        while !rest.is_empty() {
            while size > rest.len() {
                size /= 2;
            }
            let (part, after) = rest.split_at(size);
            let mut before = self.latencies_of(part).await?;
            for (index, row) in (0..).zip(part) {
                let mut latencies = before.remove(&index).unwrap_or_default();
                latencies.merge(&row.latencies);
                sums.push(latencies);
            }
            rest = after;
        }
        let mut values = Vec::with_capacity(rows.len() * 5);
        for (row, latencies) in rows.iter().zip(&sums) {
            push_key(row, &mut values);
            latencies.write(&mut values);
        }
        let head = "INSERT INTO rollup_latencies (workspace_id, dimension, day, value, histogram)";
        let tail = "ON CONFLICT (workspace_id, dimension, day, value) \
                    DO UPDATE SET histogram = excluded.histogram";
        self.insert_many(head, 5, tail, &values).await
    }

    /// The histograms that are there, by the place of their bucket in `rows`.
    async fn latencies_of(&mut self, rows: &[&RollupRow]) -> Result<HashMap<i64, Latencies>> {
        let mut keys = String::new();
        let mut values = Vec::with_capacity(rows.len() * 4);
        for (index, row) in rows.iter().enumerate() {
            keys.push_str(if keys.is_empty() { "(" } else { ", (" });
            keys.push_str(&index.to_string());
            let first = values.len();
            push_key(row, &mut values);
            for place in first..values.len() {
                keys.push_str(", ");
                DB::placeholder(place, &mut keys);
            }
            keys.push(')');
        }
        // CROSS JOIN, so that SQLite goes from the keys to the table and never the other way.
        let sql = format!(
            "WITH keys (place, workspace, kind, start, name) AS (VALUES {keys}) \
             SELECT CAST(place AS BIGINT), histogram FROM keys CROSS JOIN rollup_latencies \
             WHERE workspace_id = workspace AND dimension = kind AND day = start AND value = name"
        );
        let found: Vec<(i64, Latencies)> = self.rows(AssertSqlSafe(sql), &values).await?;
        Ok(found.into_iter().collect())
    }
}

fn push_key<'a>(row: &'a RollupRow, values: &mut Vec<Value<'a>>) {
    values.extend([
        Value::Shared(&row.workspace_id),
        code(row.dimension),
        time(row.start),
        Value::Shared(&row.value),
    ]);
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
