//! A model of storage that fails: what it applied survives everything, the rest is lost.
//!
//! [`Disk`] is what is durable. [`SimStore`] is one server's connection to it; faults are drawn
//! from the seed: an error before applying, an error after applying, an error that does not say
//! which, slowness, and hanging for long. A future that is dropped has applied all or nothing.

mod alerts;
mod directory;
mod policy;
mod reports;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tollgate::domain::api_key::{ApiKey, KeyGroup};
use tollgate::domain::boost::Boost;
use tollgate::domain::check::{RefusalCounts, RefusalKey};
use tollgate::domain::quota::{Period, Quota, Unit};
use tollgate::domain::rate_limit::{RateLimit, RateWindow};
use tollgate::domain::record::{Record, RecordKind};
use tollgate::domain::time::MICROS_PER_DAY;
use tollgate::domain::usage::Outcome;
use tollgate::domain::workspace::{Workspace, WorkspaceModel};
use tollgate::domain::{Amount, Time};
use tollgate::storage::alerts::{Delivery, EmailReceiver, StoredAlert, Webhook};
use tollgate::storage::directory::{Entry, Seen};
use tollgate::storage::latency::Latencies;
use tollgate::storage::policy::{AuditEvent, StoredRate};
use tollgate::storage::rollup::{Dimension, FoldCursor, Folded, Grain, Sums};
use tollgate::storage::{
    Appended, Before, CatalogueRows, Difference, Error, Order, RecordFilter, RecordPosition,
    Result, Store, StoredHold,
};

use super::faults::{Fault, Faults};

/// By workspace and id.
pub type Of<T> = BTreeMap<(String, String), T>;
/// Workspace, rate limit, subject, span and unit.
pub type RateKey = (String, String, String, RateWindow, Unit);
/// Workspace, grain, dimension, value, hour or day, and metered model.
pub type RollupKey = (String, Grain, Dimension, String, Time, String);
/// Workspace, dimension and value.
pub type SeenKey = (String, Dimension, String);

/// What is durable.
#[derive(Default)]
pub struct Disk {
    pub claims: u64,
    /// Whether the server that claimed last has stopped gracefully.
    pub stopped: bool,
    pub catalogue: CatalogueRows,
    pub workspaces: BTreeMap<String, Workspace>,
    pub models: Of<WorkspaceModel>,
    pub quotas: Of<Quota>,
    pub rate_limits: Of<RateLimit>,
    pub api_keys: Of<ApiKey>,
    pub key_groups: Of<KeyGroup>,
    pub boosts: Of<Boost>,
    pub webhooks: Of<Webhook>,
    pub email_receivers: Of<EmailReceiver>,
    /// By id.
    pub audit_events: BTreeMap<String, AuditEvent>,
    /// By `seq`.
    pub alerts: BTreeMap<i64, StoredAlert>,
    /// By id.
    pub deliveries: BTreeMap<String, Delivery>,
    /// The usage log, in the order in which it was written.
    pub log: Vec<Record>,
    pub holds: Of<StoredHold>,
    pub rates: BTreeMap<RateKey, StoredRate>,
    pub cursor: FoldCursor,
    pub rollups: BTreeMap<RollupKey, (Sums, Latencies)>,
    pub seen: BTreeMap<SeenKey, Seen>,
    /// The directory, by the same key.
    pub entries: BTreeMap<SeenKey, Entry>,
    /// First and last time, by workspace and day.
    pub days: BTreeMap<(String, Time), (Time, Time)>,
    pub refusals: BTreeMap<(String, RefusalKey), RefusalCounts>,
    /// Days before which entries were dropped, by workspace.
    pub dropped: BTreeMap<String, Time>,
}

/// How storage behaves at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    Calm,
    Windy,
    Stormy,
}

#[derive(Clone)]
pub struct SimStore {
    disk: Arc<Mutex<Disk>>,
    luck: Arc<Mutex<StdRng>>,
    weather: Arc<Mutex<Weather>>,
    /// Which claim is this server's.
    claim: Arc<Mutex<u64>>,
    /// How the server before it has ended.
    before: Arc<Mutex<Option<Before>>>,
    pub faults: Faults,
}

/// What becomes of one write.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Done,
    RefusedBefore,
    AppliedButUnknown,
    LostButUnknown,
    Hangs,
}

impl SimStore {
    pub fn new(seed: u64, faults: Faults) -> SimStore {
        SimStore {
            disk: Arc::default(),
            luck: Arc::new(Mutex::new(StdRng::seed_from_u64(seed ^ 0x5709_4a6e))),
            weather: Arc::new(Mutex::new(Weather::Calm)),
            claim: Arc::default(),
            before: Arc::default(),
            faults,
        }
    }

    /// The connection of a new server to the same disk.
    pub fn connect(&self) -> SimStore {
        SimStore { claim: Arc::default(), before: Arc::default(), ..self.clone() }
    }

    pub fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap()
    }

    /// Answers what it was before.
    pub fn set_weather(&self, weather: Weather) -> Weather {
        std::mem::replace(&mut *self.weather.lock().unwrap(), weather)
    }

    pub fn weather(&self) -> Weather {
        *self.weather.lock().unwrap()
    }

    fn draw(&self, bound: u32) -> u32 {
        self.luck.lock().unwrap().random_range(0..bound)
    }

    async fn pause(&self) {
        let millis = match self.draw(20) {
            0..12 => self.draw(3),
            12..19 => self.draw(40),
            _ => self.draw(3_000),
        };
        if millis > 0 {
            tokio::time::sleep(Duration::from_millis(millis.into())).await;
        }
    }

    fn fate(&self) -> Fate {
        let percent_of_faults = match *self.weather.lock().unwrap() {
            Weather::Calm => 0,
            Weather::Windy => 8,
            Weather::Stormy => 45,
        };
        if self.draw(100) >= percent_of_faults {
            return Fate::Done;
        }
        match self.draw(10) {
            0..3 => Fate::RefusedBefore,
            3..6 => Fate::AppliedButUnknown,
            6..9 => Fate::LostButUnknown,
            _ => Fate::Hangs,
        }
    }

    /// One write, applied at one instant or not at all.
    async fn write<T>(&self, apply: impl FnOnce(&mut Disk) -> Result<T> + Send) -> Result<T> {
        self.pause().await;
        let fate = self.fate();
        match fate {
            Fate::RefusedBefore => return Err(Error::NotApplied("simulated".into())),
            Fate::LostButUnknown => return Err(Error::Unknown("simulated".into())),
            Fate::Hangs => {
                let seconds = u64::from(self.draw(90));
                tokio::time::sleep(Duration::from_secs(seconds)).await;
            }
            Fate::Done | Fate::AppliedButUnknown => {}
        }
        let answer = {
            let mut disk = self.disk();
            if disk.claims != *self.claim.lock().unwrap() {
                return Err(Error::Fenced);
            }
            apply(&mut disk)
        };
        self.pause().await;
        match fate {
            Fate::AppliedButUnknown => Err(Error::Unknown("simulated".into())),
            _ => answer,
        }
    }

    async fn append_now(&self, records: &[Record]) -> Result<Vec<Appended>> {
        self.write(|disk| {
            let mut answers = Vec::new();
            for record in records {
                let answer = match disk.existing(record) {
                    Some(existing) if existing.seq == record.seq => Appended::New,
                    Some(existing) => Appended::Existing(Box::new(existing.clone())),
                    None => {
                        let last = disk.log.iter().map(|entry| entry.seq).max().unwrap_or(0);
                        assert!(record.seq > last, "positions grow");
                        disk.log.push(record.clone());
                        Appended::New
                    }
                };
                answers.push(answer);
            }
            Ok(answers)
        })
        .await
    }

    /// One read of what is durable.
    async fn read<T>(&self, look: impl FnOnce(&Disk) -> T + Send) -> Result<T> {
        self.pause().await;
        match self.fate() {
            Fate::Done | Fate::AppliedButUnknown => {}
            Fate::RefusedBefore | Fate::LostButUnknown => {
                return Err(Error::NotApplied("simulated".into()));
            }
            Fate::Hangs => tokio::time::sleep(Duration::from_secs(20)).await,
        }
        let found = look(&self.disk());
        self.pause().await;
        Ok(found)
    }
}

impl Disk {
    pub fn existing(&self, record: &Record) -> Option<&Record> {
        self.log.iter().find(|entry| key(entry) == key(record))
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

fn key(record: &Record) -> (&str, &str, i32, i32) {
    (&record.workspace_id, &record.request_id, record.attempt, record.revision)
}

fn matches(record: &Record, filter: &RecordFilter) -> bool {
    record.workspace_id == filter.workspace_id
        && filter.from.is_none_or(|from| record.charge_time >= from)
        && filter.to.is_none_or(|to| record.charge_time < to)
        && filter.request_id.as_ref().is_none_or(|id| *record.request_id == **id)
        && filter
            .model_id
            .as_ref()
            .is_none_or(|id| *record.model_id == **id || *record.metered_model_id == **id)
}

#[async_trait]
impl Store for SimStore {
    async fn ping(&self) -> Result<()> {
        self.read(|_| ()).await
    }

    async fn claim(&self) -> Result<Before> {
        let mut disk = self.disk();
        let before =
            *self.before.lock().unwrap().get_or_insert(match (disk.claims, disk.stopped) {
                (0, _) => Before::Nobody,
                (_, true) => Before::Stopped,
                (_, false) => Before::Crashed,
            });
        disk.stopped = false;
        disk.claims += 1;
        *self.claim.lock().unwrap() = disk.claims;
        Ok(before)
    }

    async fn catalogue(&self) -> Result<CatalogueRows> {
        self.read(|disk| disk.catalogue.clone()).await
    }

    async fn workspace(&self, id: &str) -> Result<Option<Workspace>> {
        self.read(|disk| disk.workspaces.get(id).cloned()).await
    }

    async fn workspaces(&self, after_id: &str, limit: usize) -> Result<Vec<Workspace>> {
        self.read(|disk| {
            let after = disk.workspaces.values().filter(|workspace| *workspace.id > *after_id);
            after.take(limit).cloned().collect()
        })
        .await
    }

    async fn workspace_models(&self, workspace_id: &str) -> Result<Vec<WorkspaceModel>> {
        self.read(|disk| {
            let models = disk.models.iter().filter(|((id, _), _)| id == workspace_id);
            models.map(|(_, model)| model.clone()).collect()
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

    async fn append(&self, records: &[Record]) -> Result<Vec<Appended>> {
        if self.faults.has(Fault::AnswerBeforeCommit) {
            let (store, records) = (self.clone(), records.to_vec());
            let answer = vec![Appended::New; records.len()];
            tokio::spawn(async move { store.append_now(&records).await });
            return Ok(answer);
        }
        let answer = self.append_now(records).await;
        self.faults.appended(records, answer)
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

    async fn records_after(&self, seq: i64, limit: usize) -> Result<Vec<Record>> {
        self.read(|disk| {
            let after = disk.log.iter().filter(|record| record.seq > seq);
            after.take(limit).cloned().collect()
        })
        .await
    }

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

    async fn recent_outputs(&self, workspace_id: &str, limit: usize) -> Result<Vec<(String, i64)>> {
        self.read(|disk| {
            let samples = disk.log.iter().rev().filter(|record| {
                *record.workspace_id == *workspace_id
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

    async fn put_down(&self, holds: &[StoredHold], rates: &[StoredRate]) -> Result<()> {
        self.write(|disk| {
            let has_holds = !self.faults.has(Fault::SnapshotWithoutHolds);
            for hold in holds.iter().filter(|_| has_holds) {
                let key = (hold.workspace_id.to_string(), hold.request_id.to_string());
                disk.holds.insert(key, hold.clone());
            }
            let has_rates = !self.faults.has(Fault::SnapshotWithoutRates);
            for rate in rates.iter().filter(|_| has_rates) {
                disk.rates.insert(policy::rate_key(rate), rate.clone());
            }
            disk.stopped = true;
            Ok(())
        })
        .await
    }

    async fn holds(&self, workspace_id: &str) -> Result<Vec<StoredHold>> {
        self.read(|disk| {
            let holds = disk.holds.iter().filter(|((id, _), _)| id == workspace_id);
            let mut holds: Vec<StoredHold> = holds.map(|(_, hold)| hold.clone()).collect();
            holds.sort_by_key(|hold| (hold.check_time, hold.request_id.clone()));
            holds
        })
        .await
    }

    async fn delete_put_down(&self, workspace_id: &str) -> Result<()> {
        self.write(|disk| {
            disk.holds.retain(|(id, _), _| id != workspace_id);
            disk.rates.retain(|key, _| key.0 != workspace_id);
            Ok(())
        })
        .await
    }

    async fn workspaces_put_down(&self) -> Result<Vec<String>> {
        self.read(|disk| {
            let of_holds = disk.holds.keys().map(|(id, _)| id);
            let ids: BTreeSet<&String> =
                of_holds.chain(disk.rates.keys().map(|key| &key.0)).collect();
            ids.into_iter().cloned().collect()
        })
        .await
    }

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

    async fn drop_records(&self, workspace_id: &str, before: Time, limit: usize) -> Result<usize> {
        self.write(|disk| {
            let windows = policy::of(&disk.quotas, workspace_id)
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

    async fn close(&self) {}
}
