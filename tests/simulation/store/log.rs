//! The usage log, sums over it, and what is derived from it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use async_trait::async_trait;
use tollgate::domain::alert::large_record_day;
use tollgate::domain::attribution::{SubjectKind, tag_subject_id};
use tollgate::domain::backfill::{ConsumptionQuery, RateBucket, RateQuery};
use tollgate::domain::check::RefusalKey;
use tollgate::domain::quota::{Consumption, Period, Scope};
use tollgate::domain::record::{Record, RecordKind};
use tollgate::domain::time::MICROS_PER_DAY;
use tollgate::domain::time::calendar::Window;
use tollgate::domain::usage::{Outcome, TokenClass};
use tollgate::domain::{Amount, Time};
use tollgate::storage::audit::AuditEvent;
use tollgate::storage::consumption::ConsumptionStore;
use tollgate::storage::log::{
    Appended, HoldChanges, LogStore, Order, RecordFilter, RecordPosition,
};
use tollgate::storage::rollup::{Difference, FoldCursor, Folded, RollupStore};
use tollgate::storage::{Error, Result};

use super::faults::Fault;
use super::settings::of;
use super::{Disk, SimStore};

impl Disk {
    pub fn existing(&self, record: &Record) -> Option<&Record> {
        self.log.iter().find(|entry| key(entry) == key(record))
    }

    /// Those of a workspace, in the order of the log.
    pub fn large_records(&self, workspace_id: &str) -> impl Iterator<Item = &Record> {
        let large = self.log.iter().filter(|record| record.large_above.is_some());
        large.filter(move |record| *record.workspace_id == *workspace_id)
    }

    /// Writes an entry, unless its key is there.
    fn append(&mut self, record: &Record) -> Appended {
        match self.existing(record) {
            Some(existing) if existing.seq == record.seq => Appended::New,
            Some(existing) => Appended::Existing(Box::new(existing.clone())),
            None => {
                let last = self.log.iter().map(|entry| entry.seq).max().unwrap_or(0);
                assert!(record.seq > last, "positions grow");
                self.log.push(record.clone());
                Appended::New
            }
        }
    }

    fn add(&mut self, folded: &Folded) {
        for row in &folded.rollups {
            let (workspace_id, model_id) = (row.workspace_id.to_string(), row.model_id.to_string());
            let value = row.value.to_string();
            let key = (workspace_id, row.grain, row.dimension, value, row.start, model_id);
            let (sums, latencies) = self.rollups.entry(key).or_default();
            sums.merge(&row.sums);
            latencies.merge(&row.latencies);
        }
        for row in &folded.seen {
            let key = (row.workspace_id.to_string(), row.dimension, row.value.to_string());
            self.seen.entry(key).or_insert(row.seen).merge(&row.seen);
        }
        for row in &folded.days {
            let times = (row.first_time, row.last_time);
            let (first, last) =
                self.days.entry((row.workspace_id.to_string(), row.day)).or_insert(times);
            (*first, *last) = (times.0.min(*first), times.1.max(*last));
        }
        for row in &folded.refusals {
            let key = RefusalKey {
                hour: row.hour,
                limit: row.limit.clone(),
                model_id: row.model_id.clone(),
                user_id: row.user_id.clone(),
            };
            let key = (row.workspace_id.to_string(), key);
            self.refusals.entry(key).or_default().add(&row.counts);
        }
    }
}

impl SimStore {
    async fn append_now(&self, records: &[Record], holds: &HoldChanges) -> Result<Vec<Appended>> {
        let keeps_holds = !self.faults.has(Fault::HoldsAreLost);
        self.write(|disk| {
            for (workspace_id, request_id) in &holds.ended {
                disk.holds.remove(&(workspace_id.to_string(), request_id.to_string()));
            }
            for hold in holds.taken.iter().filter(|_| keeps_holds) {
                let key = (hold.workspace_id.to_string(), hold.request_id.to_string());
                disk.holds.insert(key, hold.clone());
            }
            Ok(records.iter().map(|record| disk.append(record)).collect())
        })
        .await
    }
}

#[async_trait]
impl LogStore for SimStore {
    async fn last_record_time(&self) -> Result<Option<Time>> {
        self.read(|disk| {
            disk.log.iter().max_by_key(|record| record.seq).map(|record| record.record_time)
        })
        .await
    }

    async fn last_seq(&self) -> Result<i64> {
        self.read(|disk| {
            let last = disk.log.iter().map(|record| record.seq).max().unwrap_or(0);
            last.max(disk.cursor.seq)
        })
        .await
    }

    async fn append_with_holds(
        &self,
        records: &[Record],
        holds: &HoldChanges,
    ) -> Result<Vec<Appended>> {
        if self.faults.has(Fault::AnswerBeforeCommit) {
            let (store, records, holds) = (self.clone(), records.to_vec(), holds.clone());
            let answer = vec![Appended::New; records.len()];
            tokio::spawn(async move { store.append_now(&records, &holds).await });
            return Ok(answer);
        }
        let answer = self.append_now(records, holds).await;
        self.faults.appended(records, answer)
    }

    async fn append_audited(&self, records: &[Record], events: &[AuditEvent]) -> Result<Appended> {
        let answer = self
            .write(|disk| {
                let before = disk.log.len();
                for record in records {
                    let appended = disk.append(record);
                    if appended != Appended::New {
                        disk.log.truncate(before);
                        return Ok(vec![appended]);
                    }
                }
                if !self.faults.has(Fault::AuditEventIsLost) {
                    disk.note(events);
                }
                Ok(vec![Appended::New])
            })
            .await;
        let answer = self.faults.appended(&records[..1], answer)?;
        Ok(answer.into_iter().next().expect("one for all of them"))
    }

    async fn request_records(&self, workspace_id: &str, request_id: &str) -> Result<Vec<Record>> {
        self.read(|disk| {
            let of_request = disk.log.iter().filter(|record| {
                *record.workspace_id == *workspace_id && *record.request_id == *request_id
            });
            let mut records: Vec<Record> = of_request.cloned().collect();
            records.sort_by_key(|record| (record.attempt, record.revision));
            self.faults.request_records(records)
        })
        .await
    }

    async fn records(
        &self,
        filter: &RecordFilter,
        order: Order,
        after: Option<RecordPosition>,
        limit: usize,
    ) -> Result<Vec<Record>> {
        self.read(|disk| {
            let position = |record: &Record| (record.charge_time, record.seq);
            let mut found: Vec<Record> =
                disk.log.iter().filter(|record| matches(record, filter)).cloned().collect();
            found.sort_by_key(position);
            if order == Order::NewestFirst {
                found.reverse();
            }
            if let Some(after) = after {
                let after = (after.charge_time, after.seq);
                found.retain(|record| match order {
                    Order::OldestFirst => position(record) > after,
                    Order::NewestFirst => position(record) < after,
                });
            }
            found.truncate(limit);
            found
        })
        .await
    }

    async fn charge_time_behind(
        &self,
        workspace_id: &str,
        to: Option<Time>,
        after: Option<RecordPosition>,
        count: usize,
    ) -> Result<Option<Time>> {
        let filter = RecordFilter { to, ..RecordFilter::of(workspace_id) };
        let found = self.records(&filter, Order::NewestFirst, after, usize::MAX).await?;
        Ok(found.get(count).map(|record| record.charge_time))
    }

    async fn records_after(&self, seq: i64, limit: usize) -> Result<Vec<Record>> {
        self.read(|disk| {
            let after = disk.log.iter().filter(|record| record.seq > seq);
            after.take(limit).cloned().collect()
        })
        .await
    }

    async fn recent_outputs(
        &self,
        workspace_id: &str,
        before: Time,
        limit: usize,
    ) -> Result<Vec<(String, i64)>> {
        self.read(|disk| {
            let samples = disk.log.iter().rev().filter(|record| {
                *record.workspace_id == *workspace_id
                    && record.charge_time < before
                    && record.kind == RecordKind::Usage
                    && record.outcome == Outcome::Success
            });
            let sample = |record: &Record| {
                (record.metered_model_id.to_string(), record.usage.total_output())
            };
            let mut outputs: Vec<(String, i64)> = samples.take(limit).map(sample).collect();
            outputs.reverse();
            outputs
        })
        .await
    }

    async fn recent_attempts(
        &self,
        workspace_id: &str,
        limit: usize,
    ) -> Result<Vec<(String, i32)>> {
        self.read(|disk| {
            let usage = disk.log.iter().rev().filter(|record| {
                *record.workspace_id == *workspace_id && record.kind == RecordKind::Usage
            });
            let attempt = |record: &Record| (record.request_id.to_string(), record.attempt);
            let mut attempts: Vec<(String, i32)> = usage.take(limit).map(attempt).collect();
            attempts.reverse();
            attempts
        })
        .await
    }

    async fn large_record_counts(
        &self,
        workspace_id: &str,
        since: Time,
    ) -> Result<Vec<(Time, i64)>> {
        self.read(|disk| {
            let mut counts: BTreeMap<Time, i64> = BTreeMap::new();
            for record in disk.large_records(workspace_id) {
                *counts.entry(large_record_day(record.record_time).start).or_default() += 1;
            }
            counts.into_iter().filter(|(day, _)| *day >= since).collect()
        })
        .await
    }

    async fn large_record(
        &self,
        workspace_id: &str,
        written: Window,
        number: i64,
    ) -> Result<Option<Record>> {
        self.read(|disk| {
            let large = disk.large_records(workspace_id);
            let mut large = large.filter(|record| written.contains(record.record_time));
            large.nth(usize::try_from(number - 1).expect("from 1")).cloned()
        })
        .await
    }

    async fn drop_records(&self, workspace_id: &str, before: Time, limit: usize) -> Result<usize> {
        self.write(|disk| {
            let windows = of(&disk.quotas, workspace_id)
                .filter(|quota| quota.period == Period::UntilReset)
                .map(|quota| quota.window_start.micros().div_euclid(MICROS_PER_DAY));
            let windows: Vec<i64> = windows.collect();
            let is_kept = |record: &Record| {
                let day = record.charge_time.micros().div_euclid(MICROS_PER_DAY);
                windows.iter().any(|window| (window - 2..=window + 2).contains(&day))
            };
            let cursor = disk.cursor.seq;
            let mut old: Vec<(Time, i64)> = disk
                .log
                .iter()
                .filter(|record| *record.workspace_id == *workspace_id && record.day < before)
                .filter(|record| record.seq <= cursor && !is_kept(record))
                .map(|record| (record.charge_time, record.seq))
                .collect();
            old.sort();
            old.truncate(limit);
            let gone: BTreeSet<i64> = old.iter().map(|(_, seq)| *seq).collect();
            disk.log.retain(|record| !gone.contains(&record.seq));
            if !gone.is_empty() {
                let dropped = disk.dropped.entry(workspace_id.to_owned()).or_insert(before);
                *dropped = before.max(*dropped);
            }
            Ok(gone.len())
        })
        .await
    }

    async fn dropped_before(&self, workspace_id: &str) -> Result<Option<Time>> {
        self.read(|disk| disk.dropped.get(workspace_id).copied()).await
    }
}

#[async_trait]
impl ConsumptionStore for SimStore {
    async fn spent_by_model(
        &self,
        workspace_id: &str,
        from: Time,
        to: Time,
    ) -> Result<HashMap<String, Amount>> {
        self.read(|disk| {
            let mut spent: HashMap<String, Amount> = HashMap::new();
            for record in disk.log.iter().filter(|record| *record.workspace_id == *workspace_id) {
                if from <= record.charge_time && record.charge_time < to {
                    *spent.entry(record.metered_model_id.to_string()).or_default() += record.cost;
                }
            }
            spent
        })
        .await
    }

    async fn consumption(
        &self,
        workspace_id: &str,
        query: &ConsumptionQuery,
    ) -> Result<Vec<(String, Consumption)>> {
        self.read(|disk| {
            let mut sums: BTreeMap<String, Consumption> = BTreeMap::new();
            for record in disk.log.iter().filter(|record| *record.workspace_id == *workspace_id) {
                let within = query.from <= record.charge_time && record.charge_time < query.to;
                for subject_id in subjects_of(&query.scope, record).into_iter().filter(|_| within) {
                    let used = sums.entry(subject_id).or_default();
                    used.money += record.cost;
                    used.tokens += record.usage.tokens.iter().sum::<i64>();
                    used.requests += i64::from(record.kind == RecordKind::Usage);
                }
            }
            sums.into_iter().collect()
        })
        .await
    }

    async fn first_charge_time(&self, workspace_id: &str) -> Result<Option<Time>> {
        self.read(|disk| {
            let of = disk.log.iter().filter(|record| *record.workspace_id == *workspace_id);
            of.map(|record| record.charge_time).min()
        })
        .await
    }

    async fn rate_buckets(&self, workspace_id: &str, query: &RateQuery) -> Result<Vec<RateBucket>> {
        self.read(|disk| {
            let mut sums: BTreeMap<(String, i64), (i64, i64, i64)> = BTreeMap::new();
            for record in disk.log.iter().filter(|record| *record.workspace_id == *workspace_id) {
                let counts = record.kind == RecordKind::Usage && record.charge_time >= query.from;
                for subject_id in subjects_of(&query.scope, record).into_iter().filter(|_| counts) {
                    let bucket = record.charge_time.micros().div_euclid(query.bucket);
                    let sum = sums.entry((subject_id, bucket)).or_default();
                    sum.0 += 1;
                    sum.1 += record.usage.tokens.iter().sum::<i64>();
                    sum.2 += record.usage.get(TokenClass::CacheRead);
                }
            }
            let of_bucket = |((subject_id, bucket), (requests, tokens, cache_reads))| RateBucket {
                subject_id,
                bucket,
                requests,
                tokens,
                cache_reads,
            };
            sums.into_iter().map(of_bucket).collect()
        })
        .await
    }
}

#[async_trait]
impl RollupStore for SimStore {
    async fn fold_cursor(&self) -> Result<FoldCursor> {
        self.read(|disk| disk.cursor).await
    }

    async fn fold(&self, from: FoldCursor, to: FoldCursor, folded: &Folded) -> Result<()> {
        self.write(|disk| {
            if disk.cursor == to {
                return Ok(());
            }
            if disk.cursor != from {
                return Err(Error::Corrupt(format!("fold from {from:?} at {:?}", disk.cursor)));
            }
            disk.add(folded);
            if self.faults.has(Fault::FoldTwice) {
                disk.add(folded);
            }
            disk.cursor = to;
            Ok(())
        })
        .await
    }

    async fn verify_rollups(&self, _limit: usize) -> Result<Vec<Difference>> {
        unreachable!("the auditor sums up the log itself")
    }

    async fn rebuild_rollups(&self) -> Result<()> {
        unreachable!("nothing is rebuilt in a simulation")
    }
}

fn key(record: &Record) -> (&str, &str, i32, i32) {
    (&record.workspace_id, &record.request_id, record.attempt, record.revision)
}

fn matches(record: &Record, filter: &RecordFilter) -> bool {
    record.workspace_id == filter.workspace_id
        && filter.from.is_none_or(|from| record.charge_time >= from)
        && filter.to.is_none_or(|to| record.charge_time < to)
        && filter.request_id.as_ref().is_none_or(|id| *record.request_id == **id)
        && (!filter.large_only || record.large_above.is_some())
        && filter.user_id.as_ref().is_none_or(|id| record.attribution.user_id == *id)
        && filter.department_id.as_ref().is_none_or(|id| record.attribution.department_id == *id)
        && filter.api_key_id.as_ref().is_none_or(|id| record.attribution.api_key_id == *id)
        && filter
            .outcome
            .is_none_or(|outcome| record.kind == RecordKind::Usage && record.outcome == outcome)
        && filter
            .model_id
            .as_ref()
            .is_none_or(|id| *record.model_id == **id || *record.metered_model_id == **id)
}

/// Whom a record counts for, as far as a scope asks: its model stands for the provider.
fn subjects_of(scope: &Scope, record: &Record) -> Vec<String> {
    if scope.model_id.as_deref().is_some_and(|model| model != &*record.metered_model_id) {
        return Vec::new();
    }
    let is_named = |id: &String| scope.subject_id.as_deref().is_none_or(|named| named == id);
    let subject_ids = match (scope.kind.field(), scope.kind) {
        (Some(field), _) => vec![record.attribution.get(field).to_owned()],
        (None, SubjectKind::KeyGroup) => vec![record.key_group_id.to_string()],
        (None, SubjectKind::Provider) => return vec![record.metered_model_id.to_string()],
        (None, SubjectKind::Tag) => {
            let tags = record.attribution.tags.iter();
            tags.filter_map(|(key, value)| tag_subject_id(key, value)).collect()
        }
        (None, _) => return vec![String::new()],
    };
    subject_ids.into_iter().filter(|id| !id.is_empty() && is_named(id)).collect()
}
