//! Verifying the rollups: compares what is derived from the log with it. Changes nothing.
//!
//! The log is read workspace by workspace, in the order of time. The sums of a local day are
//! compared when no later record can lie in it, and dropped: in memory are the buckets of the local
//! days that are not over yet, two or three, and of one dimension those that are stored of them.
//! What was seen is compared by the database, one dimension at a time.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use sqlx::AssertSqlSafe;

use super::{FOLD_CURSOR, column, sum_columns, table};
use crate::domain::Time;
use crate::domain::attribution::Dimension;
use crate::domain::record::Record;
use crate::domain::time::MICROS_PER_HOUR;
use crate::storage::Result;
use crate::storage::rollup::accumulator::Accumulator;
use crate::storage::rollup::latency::Latencies;
use crate::storage::rollup::{
    DayRow, Derived, Difference, FoldCursor, Folded, Grain, LOCAL_DAY_MAX, RollupRow, Sums,
};
use crate::storage::sql::connection::backend::Backend;
use crate::storage::sql::connection::snapshot::Snapshot;
use crate::storage::sql::log::erasing::{self, Begun, USER_OR_PSEUDONYM};
use crate::storage::sql::log::{erasure, select_records};
use crate::storage::sql::row::{Value, code, limit_value, time};

/// Records read at once.
const PAGE_RECORDS: i64 = 5_000;

/// The days and hours of which the log no longer has everything.
#[derive(Default)]
pub struct Dropped {
    /// By workspace: days before the first, and hours up to the second.
    bounds: HashMap<String, (Time, Time)>,
}

impl Dropped {
    /// Up to which day records may have been dropped, and the last record of these days.
    pub const SELECT: &str = "\
        SELECT id, dropped_before, (SELECT MAX(last_time) FROM local_days \
          WHERE workspace_id = id AND day < dropped_before) \
        FROM workspaces WHERE dropped_before IS NOT NULL";

    /// Of the rows of [`Dropped::SELECT`].
    pub fn new(rows: Vec<(String, Time, Option<Time>)>) -> Dropped {
        let mut dropped = Dropped::default();
        for (id, before, last) in rows {
            let last = last.unwrap_or(Time::from_micros(i64::MIN));
            dropped.bounds.insert(id, (before, last));
        }
        dropped
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

/// See [`crate::storage::rollup::RollupStore::verify_rollups`].
pub async fn differences<DB: Backend>(
    snapshot: &mut Snapshot<DB>,
    limit: usize,
) -> Result<Vec<Difference>> {
    let cursor: FoldCursor = snapshot.row(FOLD_CURSOR, &[]).await?;
    let dropped = Dropped::new(snapshot.rows(Dropped::SELECT, &[]).await?);
    let erasing: Begun = snapshot.rows(erasure::begun(), &[]).await?;
    let mut found = Vec::new();
    let mut after = String::new();
    while found.len() < limit
        && let Some(workspace_id) = next_workspace(snapshot, &after).await?
    {
        let mut comparison = Comparison::new(&workspace_id, &dropped, &erasing);
        comparison.run(snapshot, cursor.seq, limit, &mut found).await?;
        after = workspace_id;
    }
    for dimension in Dimension::ALL {
        if found.len() < limit && dimension.is_seen() {
            let limit = limit - found.len();
            found.extend(compare_seen(snapshot, dimension, cursor.seq, limit).await?);
        }
    }
    found.truncate(limit);
    Ok(found)
}

/// The next workspace that has records, or anything derived from them.
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
        let found: Option<String> = snapshot.row(AssertSqlSafe(sql), &[Value::Text(after)]).await?;
        if let Some(found) = found
            && next.as_ref().is_none_or(|next| found < *next)
        {
            next = Some(found);
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
    erasing: &'a Begun,
    /// By local day, of days that are not over.
    days: BTreeMap<Time, Accumulator>,
    /// Buckets by hour of days that are over.
    hours: Vec<RollupRow>,
    /// Up to these, included, days and hours are compared.
    day: Time,
    hour: Time,
}

impl<'a> Comparison<'a> {
    fn new(workspace_id: &'a str, dropped: &'a Dropped, erasing: &'a Begun) -> Comparison<'a> {
        let (first_day, hour) = dropped.bounds(workspace_id);
        let (days, hours) = (BTreeMap::new(), Vec::new());
        Comparison { workspace_id, dropped, erasing, days, hours, day: first_day - 1, hour }
    }

    async fn run<DB: Backend>(
        &mut self,
        snapshot: &mut Snapshot<DB>,
        cursor: i64,
        limit: usize,
        found: &mut Vec<Difference>,
    ) -> Result<()> {
        let page = "WHERE workspace_id = $1 AND charge_time >= $2 \
                    AND (charge_time, seq) > ($2, $3) AND seq + 0 <= $4 \
                    ORDER BY charge_time, seq LIMIT $5";
        let mut position = (i64::MIN, i64::MIN);
        while found.len() < limit {
            let values = [
                Value::Text(self.workspace_id),
                Value::Int(position.0),
                Value::Int(position.1),
                Value::Int(cursor),
                Value::Int(PAGE_RECORDS),
            ];
            let mut records: Vec<Record> = snapshot.rows(select_records(page), &values).await?;
            erasing::rename(self.erasing, &mut records);
            for record in &records {
                position = (record.charge_time.micros(), record.seq);
                self.days.entry(record.day).or_default().add(record);
            }
            if records.is_empty() {
                let end = Time::from_micros(i64::MAX);
                return self.compare(snapshot, end, end, found).await;
            }
            // No record from here on lies in a day that began so long ago.
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
        let sql = format!(
            "SELECT {start}, value, {model}, {} FROM {name} WHERE workspace_id = $1 \
             AND dimension = $2 AND {start} > $3 AND {start} <= $4",
            sum_columns().join(", ")
        );
        let values = self.values(dimension, after, upto);
        let stored: Vec<(Time, Arc<str>, Arc<str>, Sums)> =
            snapshot.rows(AssertSqlSafe(sql), &values).await?;
        for (start, value, model_id, sums) in stored {
            both.entry((start, value, model_id)).or_default().1 = sums;
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
        let stored: Vec<(Time, Arc<str>, Arc<str>, Latencies)> =
            snapshot.rows(sql, &values).await?;
        for (day, value, model_id, latencies) in stored {
            both.entry((day, value, model_id)).or_default().1 = latencies;
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
        let stored: Vec<(Time, Time, Time)> = snapshot.rows(sql, &values).await?;
        for (day, first, last) in stored {
            both.entry(day).or_default().1 = Some((first, last));
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

/// Kind 0 is usage, outcome 0 is success. Of a workspace whose records were dropped more was seen
/// than is in the log.
async fn compare_seen<DB: Backend>(
    snapshot: &mut Snapshot<DB>,
    dimension: Dimension,
    cursor: i64,
    limit: usize,
) -> Result<Vec<Difference>> {
    let column = match dimension {
        Dimension::User => USER_OR_PSEUDONYM,
        _ => column(dimension),
    };
    let sql = format!(
        "SELECT workspace_id, value, CAST(SUM(side) AS BIGINT) FROM ( \
           SELECT workspace_id, {column} AS value, 1 AS side, MIN(charge_time) AS first, \
             MAX(charge_time) AS last, \
             MIN(CASE WHEN outcome = 0 THEN charge_time END) AS success \
             FROM usage_records WHERE seq <= $1 AND kind = 0 AND {column} <> '' \
             GROUP BY 1, 2 \
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
    let found: Vec<(String, String, i64)> = snapshot.rows(AssertSqlSafe(sql), &values).await?;
    let difference = |(workspace_id, value, record_count)| Difference {
        derived: Derived::Seen,
        workspace_id,
        dimension,
        value,
        start: None,
        model_id: String::new(),
        record_count,
        cost_nanos: 0,
    };
    Ok(found.into_iter().map(difference).collect())
}
