//! Comparing what is derived from the log with it. Changes nothing.
//!
//! The log of one workspace after the other is gone through in the order of time. What its entries
//! say of a local day is compared when no later entry can lie in it, and forgotten: in memory are
//! the buckets of the local days that are not over yet, two or three, and of one dimension those
//! that are stored of them. What was seen is compared by the database, one dimension at a time.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use sqlx::{AssertSqlSafe, SqlSafeStr};

use super::SqlStore;
use super::backend::{Backend, Value};
use super::codec::{Reader, code, time};
use super::read::limit_value;
use super::records::{self, COLUMNS};
use super::rollups::{FOLD_CURSOR, column, read_cursor, read_sums, sum_columns, table};
use super::snapshot::Snapshot;
use crate::domain::Time;
use crate::domain::time::MICROS_PER_HOUR;
use crate::storage::accumulator::Accumulator;
use crate::storage::latency::Latencies;
use crate::storage::rollup::{DayRow, Dimension, Folded, Grain, LOCAL_DAY_MAX, RollupRow, Sums};
use crate::storage::{Derived, Difference, Result};

/// Records read at once.
const PAGE_RECORDS: i64 = 5_000;

/// Up to which day entries may have been dropped, and the last entry of these days.
pub(super) const DROPPED: &str = "\
    SELECT id, dropped_before, (SELECT MAX(last_time) FROM local_days \
      WHERE workspace_id = id AND day < dropped_before) \
    FROM workspaces WHERE dropped_before IS NOT NULL";

/// Of which days and hours the log no longer has everything.
#[derive(Default)]
pub(super) struct Dropped {
    /// By workspace: days before the first, and hours up to the second.
    bounds: HashMap<String, (Time, Time)>,
}

impl Dropped {
    pub fn read<DB: Backend>(rows: &[DB::Row]) -> Result<Dropped> {
        let mut dropped = Dropped::default();
        for row in rows {
            let mut reader = Reader::<DB>::new(row);
            let (id, before) = (reader.string()?, reader.time()?);
            let last = reader.optional_time()?.unwrap_or(Time::from_micros(i64::MIN));
            dropped.bounds.insert(id, (before, last));
        }
        Ok(dropped)
    }

    /// The first whole day, and the last hour that may not be whole.
    fn bounds(&self, workspace_id: &str) -> (Time, Time) {
        let none = Time::from_micros(i64::MIN);
        self.bounds.get(workspace_id).copied().unwrap_or((none, none))
    }

    fn is_whole(&self, row: &RollupRow) -> bool {
        let (day, hour) = self.bounds(&row.workspace_id);
        match row.grain {
            Grain::Hour => row.start > hour,
            Grain::Day | Grain::DayByModel => row.start >= day,
        }
    }

    pub fn leave_out(&self, folded: &mut Folded) {
        folded.rollups.retain(|row| self.is_whole(row));
        folded.days.retain(|row| row.day >= self.bounds(&row.workspace_id).0);
    }
}

impl<DB: Backend> SqlStore<DB> {
    pub(super) async fn compare_rollups(&self, limit: usize) -> Result<Vec<Difference>> {
        let mut snapshot = self.snapshot().await?;
        let cursor = read_cursor::<DB>(&snapshot.rows(FOLD_CURSOR.into_sql_str(), &[]).await?)?;
        let dropped = Dropped::read::<DB>(&snapshot.rows(DROPPED.into_sql_str(), &[]).await?)?;
        let mut found = Vec::new();
        let mut after = String::new();
        while found.len() < limit
            && let Some(workspace_id) = next_workspace(&mut snapshot, &after).await?
        {
            let mut comparison = Comparison::new(&workspace_id, &dropped);
            comparison.run(&mut snapshot, cursor.seq, limit, &mut found).await?;
            after = workspace_id;
        }
        for dimension in Dimension::ALL {
            if found.len() < limit && dimension.is_seen() {
                let limit = limit - found.len();
                found.extend(compare_seen(&mut snapshot, dimension, cursor.seq, limit).await?);
            }
        }
        snapshot.end().await?;
        found.truncate(limit);
        Ok(found)
    }
}

/// The next workspace that has entries, or anything derived from them.
async fn next_workspace<DB: Backend>(
    snapshot: &mut Snapshot<DB>,
    after: &str,
) -> Result<Option<String>> {
    let mut next: Option<String> = None;
    for table in [
        "usage_records",
        "rollups_by_hour",
        "rollups_by_day",
        "rollups_by_model",
        "rollup_latencies",
        "local_days",
    ] {
        let sql = format!("SELECT MIN(workspace_id) FROM {table} WHERE workspace_id > $1");
        let rows = snapshot.rows(AssertSqlSafe(sql).into_sql_str(), &[Value::Text(after)]).await?;
        for row in &rows {
            let found = Reader::<DB>::new(row).optional_text()?;
            if let Some(found) = found
                && next.as_deref().is_none_or(|next| found < next)
            {
                next = Some(found.to_owned());
            }
        }
    }
    Ok(next)
}

/// Key of a bucket within its workspace, grain and dimension.
type Key = (Time, Arc<str>, Arc<str>);

/// The comparison of one workspace.
struct Comparison<'a> {
    workspace_id: &'a str,
    dropped: &'a Dropped,
    /// By local day, of days that are not over.
    days: BTreeMap<Time, Accumulator>,
    /// Buckets by hour of days that are over.
    hours: Vec<RollupRow>,
    /// Up to these, included, days and hours are compared.
    day: Time,
    hour: Time,
}

impl<'a> Comparison<'a> {
    fn new(workspace_id: &'a str, dropped: &'a Dropped) -> Comparison<'a> {
        let (first_day, hour) = dropped.bounds(workspace_id);
        let (days, hours) = (BTreeMap::new(), Vec::new());
        Comparison { workspace_id, dropped, days, hours, day: first_day - 1, hour }
    }

    async fn run<DB: Backend>(
        &mut self,
        snapshot: &mut Snapshot<DB>,
        cursor: i64,
        limit: usize,
        found: &mut Vec<Difference>,
    ) -> Result<()> {
        let sql = format!(
            "SELECT {COLUMNS} FROM usage_records WHERE workspace_id = $1 AND charge_time >= $2 \
             AND (charge_time, seq) > ($2, $3) AND seq + 0 <= $4 \
             ORDER BY charge_time, seq LIMIT $5"
        );
        let mut position = (i64::MIN, i64::MIN);
        while found.len() < limit {
            let values = [
                Value::Text(self.workspace_id),
                Value::Int(position.0),
                Value::Int(position.1),
                Value::Int(cursor),
                Value::Int(PAGE_RECORDS),
            ];
            let rows = snapshot.rows(AssertSqlSafe(sql.clone()).into_sql_str(), &values).await?;
            for row in &rows {
                let record = records::read::<DB>(row)?;
                position = (record.charge_time.micros(), record.seq);
                self.days.entry(record.day).or_default().add(&record);
            }
            if rows.is_empty() {
                let end = Time::from_micros(i64::MAX);
                return self.compare(snapshot, end, end, found).await;
            }
            // No entry from here on lies in a day that began so long ago.
            let over = Time::from_micros(position.0) - LOCAL_DAY_MAX;
            if self.days.first_key_value().is_some_and(|(day, _)| *day <= over) {
                self.compare(snapshot, over, over - MICROS_PER_HOUR, found).await?;
            }
        }
        Ok(())
    }

    /// Compares the days and hours up to these, included.
    async fn compare<DB: Backend>(
        &mut self,
        snapshot: &mut Snapshot<DB>,
        day: Time,
        hour: Time,
        found: &mut Vec<Difference>,
    ) -> Result<()> {
        let later = self.days.split_off(&(day + 1));
        let mut over = std::mem::replace(&mut self.days, later);
        if day == Time::from_micros(i64::MAX) {
            over.append(&mut self.days);
        }
        let mut rows = std::mem::take(&mut self.hours);
        let mut days = Vec::new();
        for accumulator in over.into_values() {
            let mut folded = accumulator.into_folded();
            self.dropped.leave_out(&mut folded);
            rows.append(&mut folded.rollups);
            days.append(&mut folded.days);
        }
        rows.sort_by(|a, b| a.key().cmp(&b.key()));
        let by_grain = self.split(rows, hour);
        for (grain, expected) in &by_grain {
            let upto = if *grain == Grain::Hour { hour } else { day };
            for dimension in Dimension::ALL {
                let of = expected.iter().filter(|row| row.dimension == dimension);
                self.compare_sums(snapshot, *grain, dimension, upto, of.clone(), found).await?;
                if *grain == Grain::Day {
                    self.compare_latencies(snapshot, dimension, upto, of, found).await?;
                }
            }
        }
        self.compare_days(snapshot, &days, day, found).await?;
        (self.day, self.hour) = (self.day.max(day), self.hour.max(hour));
        Ok(())
    }

    /// Sorted rows by grain. An hour may be of several days: their sums are joined, and hours that
    /// are not over wait.
    fn split(&mut self, rows: Vec<RollupRow>, hour: Time) -> Vec<(Grain, Vec<RollupRow>)> {
        let mut hours: Vec<RollupRow> = Vec::new();
        let (mut by_day, mut by_model) = (Vec::new(), Vec::new());
        for row in rows {
            match row.grain {
                Grain::Hour if row.start > hour => self.hours.push(row),
                Grain::Hour => match hours.last_mut() {
                    Some(last) if last.key() == row.key() => last.sums.merge(&row.sums),
                    _ => hours.push(row),
                },
                Grain::Day => by_day.push(row),
                Grain::DayByModel => by_model.push(row),
            }
        }
        vec![(Grain::Hour, hours), (Grain::Day, by_day), (Grain::DayByModel, by_model)]
    }

    async fn compare_sums<'r, DB: Backend>(
        &self,
        snapshot: &mut Snapshot<DB>,
        grain: Grain,
        dimension: Dimension,
        upto: Time,
        rows: impl Iterator<Item = &'r RollupRow>,
        found: &mut Vec<Difference>,
    ) -> Result<()> {
        let mut both: BTreeMap<Key, (Sums, Sums)> = BTreeMap::new();
        for row in rows {
            let key = (row.start, row.value.clone(), row.model_id.clone());
            both.entry(key).or_default().0 = row.sums;
        }
        let (name, _) = table(grain);
        let (start, model, after) = match grain {
            Grain::Hour => ("hour", "''", self.hour),
            Grain::Day => ("day", "''", self.day),
            Grain::DayByModel => ("day", "model", self.day),
        };
        let columns = sum_columns();
        let sql = format!(
            "SELECT {start}, value, {model}, {columns} FROM {name} WHERE workspace_id = $1 \
             AND dimension = $2 AND {start} > $3 AND {start} <= $4"
        );
        for row in &snapshot
            .rows(AssertSqlSafe(sql).into_sql_str(), &self.values(dimension, after, upto))
            .await?
        {
            let mut reader = Reader::<DB>::new(row);
            let key = (reader.time()?, reader.shared()?, reader.shared()?);
            both.entry(key).or_default().1 = read_sums(&mut reader)?;
        }
        for (key, (expected, stored)) in both {
            if expected != stored {
                let records = expected.record_count - stored.record_count;
                let cost = expected.cost_nanos - stored.cost_nanos;
                found.push(self.difference(Derived::Sums(grain), dimension, key, records, cost));
            }
        }
        Ok(())
    }

    async fn compare_latencies<'r, DB: Backend>(
        &self,
        snapshot: &mut Snapshot<DB>,
        dimension: Dimension,
        upto: Time,
        rows: impl Iterator<Item = &'r RollupRow>,
        found: &mut Vec<Difference>,
    ) -> Result<()> {
        let mut both: BTreeMap<Key, (Latencies, Latencies)> = BTreeMap::new();
        for row in rows.filter(|row| !row.latencies.is_empty()) {
            let key = (row.start, row.value.clone(), row.model_id.clone());
            both.entry(key).or_default().0 = row.latencies.clone();
        }
        let sql = "SELECT day, value, '', histogram FROM rollup_latencies \
                   WHERE workspace_id = $1 AND dimension = $2 AND day > $3 AND day <= $4";
        let values = self.values(dimension, self.day, upto);
        for row in &snapshot.rows(sql.into_sql_str(), &values).await? {
            let mut reader = Reader::<DB>::new(row);
            let key = (reader.time()?, reader.shared()?, reader.shared()?);
            both.entry(key).or_default().1 = Latencies::from_text(reader.text()?)?;
        }
        for (key, (expected, stored)) in both {
            if expected != stored {
                let records = expected.count() as i64 - stored.count() as i64;
                found.push(self.difference(Derived::Latencies, dimension, key, records, 0));
            }
        }
        Ok(())
    }

    async fn compare_days<DB: Backend>(
        &self,
        snapshot: &mut Snapshot<DB>,
        days: &[DayRow],
        upto: Time,
        found: &mut Vec<Difference>,
    ) -> Result<()> {
        type Span = Option<(Time, Time)>;
        let mut both: BTreeMap<Time, (Span, Span)> = BTreeMap::new();
        for row in days {
            both.entry(row.day).or_default().0 = Some((row.first_time, row.last_time));
        }
        let sql = "SELECT day, first_time, last_time FROM local_days \
                   WHERE workspace_id = $1 AND day > $2 AND day <= $3";
        let values = [Value::Text(self.workspace_id), time(self.day), time(upto)];
        for row in &snapshot.rows(sql.into_sql_str(), &values).await? {
            let mut reader = Reader::<DB>::new(row);
            let day = reader.time()?;
            both.entry(day).or_default().1 = Some((reader.time()?, reader.time()?));
        }
        for (day, (expected, stored)) in both {
            if expected != stored {
                let key = (day, "".into(), "".into());
                let whole = Dimension::Workspace;
                found.push(self.difference(Derived::LocalDay, whole, key, 0, 0));
            }
        }
        Ok(())
    }

    fn values(&self, dimension: Dimension, after: Time, upto: Time) -> [Value<'a>; 4] {
        [Value::Text(self.workspace_id), code(dimension), time(after), time(upto)]
    }

    fn difference(
        &self,
        derived: Derived,
        dimension: Dimension,
        (start, value, model_id): Key,
        record_count: i64,
        cost_nanos: i64,
    ) -> Difference {
        Difference {
            derived,
            workspace_id: self.workspace_id.to_owned(),
            dimension,
            value: value.to_string(),
            start: Some(start),
            model_id: model_id.to_string(),
            record_count,
            cost_nanos,
        }
    }
}

/// Kind 0 is usage, outcome 0 is success. Of a workspace whose entries were dropped more was seen
/// than the log tells.
async fn compare_seen<DB: Backend>(
    snapshot: &mut Snapshot<DB>,
    dimension: Dimension,
    cursor: i64,
    limit: usize,
) -> Result<Vec<Difference>> {
    let column = column(dimension);
    let sql = format!(
        "SELECT workspace_id, value, CAST(SUM(side) AS BIGINT) FROM ( \
           SELECT workspace_id, {column} AS value, 1 AS side, MIN(charge_time) AS first, \
             MAX(charge_time) AS last, \
             MIN(CASE WHEN outcome = 0 THEN charge_time END) AS success \
             FROM usage_records WHERE seq <= $1 AND kind = 0 AND {column} <> '' \
             GROUP BY workspace_id, {column} \
           UNION ALL \
           SELECT workspace_id, value, -1, first_time, last_time, first_success_time FROM seen \
             WHERE dimension = $2 \
         ) AS both_sides \
         WHERE workspace_id NOT IN (SELECT id FROM workspaces WHERE dropped_before IS NOT NULL) \
         GROUP BY workspace_id, value \
         HAVING COUNT(*) <> 2 OR MIN(first) <> MAX(first) OR MIN(last) <> MAX(last) \
           OR COUNT(success) = 1 OR MIN(success) <> MAX(success) \
         ORDER BY workspace_id, value LIMIT $3"
    );
    let values = [Value::Int(cursor), code(dimension), limit_value(limit)];
    let mut found = Vec::new();
    for row in &snapshot.rows(AssertSqlSafe(sql).into_sql_str(), &values).await? {
        let mut reader = Reader::<DB>::new(row);
        found.push(Difference {
            derived: Derived::Seen,
            workspace_id: reader.string()?,
            dimension,
            value: reader.string()?,
            start: None,
            model_id: String::new(),
            record_count: reader.int()?,
            cost_nanos: 0,
        });
    }
    Ok(found)
}
