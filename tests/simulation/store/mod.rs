//! A model of storage that fails: what it applied survives everything, the rest is lost.
//!
//! [`Disk`] is what is durable. [`SimStore`] is one server's connection to it; faults are drawn
//! from the seed: an error before applying, an error after applying, an error that does not say
//! which, slowness, and hanging for long. A future that is dropped has applied all or nothing.

pub mod faults;
mod alerts;
mod anomalies;
mod directory;
mod log;
mod recommendations;
mod settings;
mod reports;
mod shutdown;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tollgate::domain::Time;
use tollgate::domain::access::AccessToken;
use tollgate::domain::alert::anomaly::{Anomaly, AnomalyPolicy};
use tollgate::domain::alert::receiver::{EmailReceiver, Webhook};
use tollgate::domain::api_key::{ApiKey, KeyGroup};
use tollgate::domain::attribution::Dimension;
use tollgate::domain::attribution::directory::Entry;
use tollgate::domain::boost::Boost;
use tollgate::domain::check::{RefusalCounts, RefusalKey};
use tollgate::domain::quota::{Quota, Unit};
use tollgate::domain::rate_limit::{RateLimit, RateWindow};
use tollgate::domain::record::Record;
use tollgate::domain::workspace::freeze::Freeze;
use tollgate::domain::workspace::recommendation::Recommendation;
use tollgate::domain::workspace::{ModelAlias, Workspace, WorkspaceModel};
use tollgate::storage::alerts::{Delivery, StoredAlert};
use tollgate::storage::audit::AuditEvent;
use tollgate::storage::directory::{Erasure, Seen};
use tollgate::storage::lease::Lease;
use tollgate::storage::rollup::latency::Latencies;
use tollgate::storage::rollup::{FoldCursor, Grain, Sums};
use tollgate::storage::settings::CatalogRows;
use tollgate::storage::shutdown::{StoredHold, StoredRate};
use tollgate::storage::{ConnectionStore, Error, PreviousOwner, Result};

use faults::Faults;

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
    pub catalog: CatalogRows,
    pub workspaces: BTreeMap<String, Workspace>,
    pub models: Of<WorkspaceModel>,
    pub quotas: Of<Quota>,
    pub rate_limits: Of<RateLimit>,
    pub api_keys: Of<ApiKey>,
    pub key_groups: Of<KeyGroup>,
    /// By id.
    pub access_tokens: BTreeMap<String, AccessToken>,
    /// Rises with every change of them.
    pub access_revision: i64,
    pub model_aliases: Of<ModelAlias>,
    pub boosts: Of<Boost>,
    pub freezes: Of<Freeze>,
    /// Those that have begun and not ended, with their workspaces.
    pub erasures: Vec<(String, Erasure)>,
    pub webhooks: Of<Webhook>,
    /// Whether a plain secret was stored that nothing has wiped.
    pub plain_secrets: bool,
    pub email_receivers: Of<EmailReceiver>,
    /// By id.
    pub audit_events: BTreeMap<String, AuditEvent>,
    /// By `seq`.
    pub alerts: BTreeMap<i64, StoredAlert>,
    pub anomalies: Of<Anomaly>,
    /// By workspace.
    pub anomaly_policies: BTreeMap<String, AnomalyPolicy>,
    pub recommendations: Of<Recommendation>,
    /// By workspace.
    pub recommendation_nights: BTreeMap<String, Time>,
    /// By id.
    pub deliveries: BTreeMap<String, Delivery>,
    /// The usage log, in the order in which it was written.
    pub log: Vec<Record>,
    pub holds: Of<StoredHold>,
    pub rates: BTreeMap<RateKey, StoredRate>,
    /// By workspace.
    pub crashes: BTreeMap<String, Time>,
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
    /// No faults, and no time passes.
    Still,
    Calm,
    Windy,
    Stormy,
    /// Nothing is written or read.
    Out,
}

#[derive(Clone)]
pub struct SimStore {
    disk: Arc<Mutex<Disk>>,
    luck: Arc<Mutex<StdRng>>,
    weather: Arc<Mutex<Weather>>,
    /// Which claim is this server's.
    claim: Arc<Mutex<u64>>,
    /// How the server before it has ended.
    before: Arc<Mutex<Option<PreviousOwner>>>,
    lease: Arc<Lease>,
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
            lease: Arc::new(Lease::unlimited()),
            faults,
        }
    }

    /// The connection of a new server to the same disk.
    pub fn connect(&self) -> SimStore {
        let lease = Arc::new(Lease::unlimited());
        SimStore { claim: Arc::default(), before: Arc::default(), lease, ..self.clone() }
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
        if self.weather() == Weather::Still {
            return;
        }
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
            Weather::Still | Weather::Calm => 0,
            Weather::Windy => 8,
            Weather::Stormy => 45,
            Weather::Out => {
                let fates = [Fate::RefusedBefore, Fate::LostButUnknown];
                return fates[self.draw(2) as usize];
            }
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
                self.lease.end();
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

#[async_trait]
impl ConnectionStore for SimStore {
    async fn ping(&self) -> Result<()> {
        self.read(|_| ()).await
    }

    async fn claim(&self) -> Result<PreviousOwner> {
        let mut disk = self.disk();
        let before =
            *self.before.lock().unwrap().get_or_insert(match (disk.claims, disk.stopped) {
                (0, _) => PreviousOwner::None,
                (_, true) => PreviousOwner::Stopped,
                (_, false) => PreviousOwner::Crashed,
            });
        disk.stopped = false;
        disk.claims += 1;
        *self.claim.lock().unwrap() = disk.claims;
        Ok(before)
    }

    fn lease(&self) -> &Arc<Lease> {
        &self.lease
    }

    async fn renew(&self) -> Result<()> {
        self.write(|_| Ok(())).await
    }

    async fn owner_address(&self) -> Result<String> {
        self.read(|_| String::new()).await
    }

    async fn close(&self) {}
}
