//! One run: a server that is started, stormed at, crashed and stopped, until the seed is used up.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::NaiveDate;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use tollgate::domain::alert::AlertPolicy;
use tollgate::domain::catalog::bill::{Factor, Multiplier};
use tollgate::domain::catalog::price::{Price, Source};
use tollgate::domain::catalog::{Catalog, Model};
use tollgate::domain::time::calendar::DayOfWeek;
use tollgate::domain::time::{MICROS_PER_SECOND, Micros};
use tollgate::domain::usage::{TokenClass, UnitKind};
use tollgate::domain::workspace::{
    HoldDurability, HoldExpiryPolicy, OutagePolicy, Plan, ReportedCostPolicy, UnknownKeyPolicy,
    UnpricedModelPolicy, Workspace, WorkspaceModel,
};
use tollgate::domain::{Amount, Currency, Time};
use tollgate::engine::alerts::Keyring;
use tollgate::engine::{Actor, Clock, Engine};
use tollgate::tasks::fold;

use super::auditor::Auditor;
use super::clients::Client;
use super::clock::SimClock;
use super::rules;
use super::store::{SimStore, Weather};
use crate::oracle::facts;

pub const WORKSPACES: [&str; 2] = ["acme", "other"];
/// The last one is free of charge.
pub const MODELS: [&str; 4] = ["large", "medium", "small", "free"];
/// 2026-01-15T12:00:00Z.
pub const START: Time = Time::from_micros(1_768_478_400 * MICROS_PER_SECOND);

pub struct Simulation {
    luck: StdRng,
    store: SimStore,
    clock: SimClock,
    pub auditor: Arc<Mutex<Auditor>>,
    server: Server,
    clients: JoinSet<()>,
    steps: u32,
}

/// A server that runs.
struct Server {
    engine: Engine,
    fold: JoinHandle<()>,
    stop: CancellationToken,
}

impl Simulation {
    pub async fn new(seed: u64, auditor: Arc<Mutex<Auditor>>) -> Simulation {
        let store = auditor.lock().unwrap().store.clone();
        prepare(&store);
        let clock = SimClock::new(START);
        let server = Server::start(&store, &clock).await;
        Simulation {
            luck: StdRng::seed_from_u64(seed),
            store,
            clock,
            auditor,
            server,
            clients: JoinSet::new(),
            steps: 0,
        }
    }

    pub async fn run(mut self) {
        self.auditor.lock().unwrap().life = 1;
        let steps = self.luck.random_range(60..160);
        while self.steps < steps {
            self.steps += 1;
            self.step().await;
            let is_fatal = self.server.engine.fatal().is_cancelled();
            assert!(!is_fatal, "the writer has ended");
        }
        self.quiet().await;
        self.stop().await;
        self.quiet().await;
        self.fold().await;
        let auditor = self.auditor.lock().unwrap();
        auditor.assert_rollups();
        auditor.assert_refusals();
    }

    /// Asks for what is missing until nothing is. Nothing else runs.
    async fn fold(&self) {
        let engine = &self.server.engine;
        loop {
            let asked_at = engine.now();
            let upto = engine.fold_now().await;
            assert!(upto.seq <= self.last_seq(), "what is folded was written");
            if upto.as_of >= asked_at {
                assert_eq!(upto.seq, self.last_seq(), "all that was acknowledged is folded");
                // Where nothing is missing it is answered at once.
                assert!(engine.fold_now().await.as_of >= asked_at);
                return;
            }
        }
    }

    async fn step(&mut self) {
        match self.luck.random_range(0..100) {
            0..62 => {
                for _ in 0..self.luck.random_range(1..5) {
                    let seed = self.luck.random();
                    self.clients.spawn(self.client().act(seed));
                }
            }
            62..70 => {
                let seed = self.luck.random();
                self.clients.spawn(self.client().administrate(seed));
            }
            70..80 => {
                let millis = self.luck.random_range(0..400);
                tokio::time::sleep(Duration::from_millis(millis)).await;
            }
            80..83 => {
                let seconds = self.luck.random_range(1..90);
                match self.luck.random_range(0..3) {
                    0 => self.outage(seconds).await,
                    _ => tokio::time::sleep(Duration::from_secs(seconds)).await,
                }
            }
            83..89 => self.jump(),
            89..93 => {
                let weathers = [Weather::Calm, Weather::Windy, Weather::Windy, Weather::Stormy];
                let weather = weathers[self.luck.random_range(0..4usize)];
                self.note(|| format!("weather {weather:?}"));
                self.store.set_weather(weather);
            }
            93..96 => self.quiet().await,
            96..98 => self.crash().await,
            _ => self.stop().await,
        }
        // Clients that are through; a panic of one is the run's.
        while let Some(done) = self.clients.try_join_next() {
            rethrow(done);
        }
    }

    /// Storage takes nothing for four times so long; clients come all the while.
    async fn outage(&mut self, seconds: u64) {
        self.note(|| format!("outage of {} s ...", 4 * seconds));
        let weather = self.store.set_weather(Weather::Out);
        for _ in 0..4 {
            for _ in 0..4 {
                let seed = self.luck.random();
                self.clients.spawn(self.client().act(seed));
            }
            tokio::time::sleep(Duration::from_secs(seconds)).await;
        }
        self.store.set_weather(weather);
        self.note(|| "... outage".to_owned());
    }

    fn client(&self) -> Client {
        let life = self.auditor.lock().unwrap().life;
        let first = self.steps / 4;
        Client {
            engine: self.server.engine.clone(),
            clock: self.clock.clone(),
            auditor: self.auditor.clone(),
            life,
            requests: first..first + 12,
        }
    }

    /// The wall clock moves, over cycle ends, and a little back.
    fn jump(&mut self) {
        let now = self.clock.now();
        let settings = self.store.disk().workspaces[WORKSPACES[0]].clone();
        let to_end = facts::cycle(&settings, now).end - now;
        let seconds = |seconds: i64| seconds * MICROS_PER_SECOND;
        let span = match self.luck.random_range(0..10) {
            0..4 => seconds(self.luck.random_range(1..900)),
            4..6 => seconds(self.luck.random_range(1..86_400)),
            6..9 => to_end + seconds(self.luck.random_range(-40..40)),
            _ => -seconds(self.luck.random_range(1..5)),
        };
        let span = span.max(seconds(-5));
        self.clock.jump(span);
        self.note(|| format!("jumped {} s", span / MICROS_PER_SECOND));
    }

    /// Everything comes to rest, and is compared.
    async fn quiet(&mut self) {
        self.note(|| "quiet ...".to_owned());
        let weather = self.store.set_weather(Weather::Calm);
        while let Some(done) = self.clients.join_next().await {
            rethrow(done);
        }
        let engine = &self.server.engine;
        for workspace in WORKSPACES {
            // Through the writer: what was handed to it before is done.
            let by = || Actor::new("simulation", "Quiet");
            while engine.set_automatic_fallback(by(), workspace, true).await.is_err() {
                self.wait_to_retry().await;
            }
        }
        let expired_at = self.clock.now();
        while engine.expire_holds().await.is_err() {
            self.wait_to_retry().await;
        }
        while engine.store_raised().await.is_err() {
            self.wait_to_retry().await;
        }
        self.end_outage().await;
        self.auditor.lock().unwrap().settle_up(self.clock.now());
        for workspace in WORKSPACES {
            self.audit(workspace, expired_at).await;
        }
        self.auditor.lock().unwrap().assert_log();
        self.store.set_weather(weather);
        self.note(|| "... quiet".to_owned());
    }

    /// An outage ends with the next write, or, where nothing is to be written, with a renewal.
    async fn end_outage(&self) {
        let engine = &self.server.engine;
        if engine.outage_since().is_some() {
            tokio::time::sleep(RENEWAL_SUFFICES_AFTER).await;
            engine.renew().await;
        }
        assert_eq!(engine.outage_since(), None, "an outage ends when storage takes writes");
    }

    /// In an outage calls are refused at once: without a wait no time would pass. A writer that has
    /// failed answers nobody any more: what is tried again would be for ever.
    async fn wait_to_retry(&self) {
        assert!(!self.server.engine.fatal().is_cancelled(), "the writer has failed");
        tokio::time::sleep(RETRY_AFTER).await;
    }

    // Nothing else runs at a quiet point.
    #[allow(clippy::await_holding_lock, reason = "one thread, and nobody else asks for it")]
    async fn audit(&self, workspace: &str, expired_at: Time) {
        let mut auditor = self.auditor.lock().unwrap();
        auditor.assert_agreement(&self.server.engine, workspace, expired_at).await;
        auditor.assert_rules(&self.server.engine, workspace).await;
    }

    /// The process is gone in the middle of whatever it did.
    async fn crash(&mut self) {
        self.note(|| "crash".to_owned());
        self.server.engine.abort().await;
        self.server.fold.abort();
        self.restart(true).await;
    }

    /// The process is asked to end, and killed if that takes too long.
    async fn stop(&mut self) {
        self.note(|| "stop ...".to_owned());
        // As the server does: calls that have begun come to their end first.
        while let Some(done) = self.clients.join_next().await {
            rethrow(done);
        }
        self.server.stop.cancel();
        let engine = self.server.engine.clone();
        let fold = &mut self.server.fold;
        let stopped = tokio::time::timeout(Duration::from_secs(20), async {
            let _ = fold.await;
            // Storage may fail; then the next start sees a crash.
            drop(engine.stop().await);
        });
        let is_clean = stopped.await.is_ok();
        self.server.engine.abort().await;
        self.server.fold.abort();
        self.note(|| format!("... stopped, clean: {is_clean}"));
        self.restart(!is_clean).await;
    }

    async fn restart(&mut self, is_crash: bool) {
        {
            let mut auditor = self.auditor.lock().unwrap();
            auditor.life += 1;
            auditor.end_checks();
            auditor.end_refused(is_crash);
            let now = self.clock.now();
            auditor.settle_up(now);
            if is_crash {
                // What was admitted ahead of a clock that stepped back is not known any more.
                for admitted in auditor.admitted.values_mut() {
                    admitted.retain(|time| *time <= now);
                }
            }
            // Holds live on if they were stored, as they were.
            let disk = self.store.disk();
            let mut holds = std::mem::take(&mut auditor.holds);
            let committed =
                holds.iter().filter(|(request, hold)| request.0 == COMMITTED && !hold.is_unsure);
            for (request, hold) in committed {
                let is_stored = disk.holds.contains_key(request);
                assert!(is_stored, "a hold that was answered is stored: {request:?} {hold:?}");
            }
            // In a storm a stop may leave what a crash leaves.
            let is_saved = !is_crash && self.store.weather() == Weather::Calm;
            if is_saved {
                for (request, hold) in holds.iter().filter(|(_, hold)| !hold.is_unsure) {
                    let is_stored = disk.holds.contains_key(request);
                    assert!(is_stored, "a live hold is stored: {request:?} {hold:?}");
                }
            }
            // One before, of the same request, may be what is stored: its end was answered, and not
            // stored yet, and no more was stored of the last one.
            holds.retain(|request, hold| {
                disk.holds.get(request).is_some_and(|stored| {
                    (&*stored.model_id, stored.held) == (hold.model.as_ref(), hold.held)
                })
            });
            for (request, hold) in &mut holds {
                // A start that fails may have taken them up already.
                hold.is_unsure = true;
                // The last extension may be lost.
                hold.expire_time = disk.holds[request].expire_time;
            }
            for (request, stored) in &disk.holds {
                let is_up = stored.expire_time <= now;
                let held = holds.get(request).map(|hold| hold.held);
                let is_revived = auditor.revived.contains(request);
                let is_known = is_up || !is_saved || is_revived || held == Some(stored.held);
                assert!(is_known, "only holds that were granted are stored: {request:?}");
            }
            // The end of these was answered, and not stored yet; or they were stored, and their
            // checks not answered yet.
            let revived = disk.holds.iter().filter(|(request, _)| !holds.contains_key(*request));
            for (request, stored) in revived {
                auditor.revived.insert(request.clone());
                auditor.granted.insert((request.clone(), stored.held));
            }
            auditor.holds = holds;
            auditor.latest = now;
        }
        self.server = Server::start(&self.store, &self.clock).await;
        self.note(|| "started".to_owned());
    }

    fn last_seq(&self) -> i64 {
        self.store.disk().log.last().map_or(0, |record| record.seq)
    }

    fn note(&self, what: impl FnOnce() -> String) {
        self.auditor.lock().unwrap().note(self.clock.now(), what);
    }
}

impl Server {
    /// Tries until storage lets it. A start reads so much that a storm would hardly ever let it
    /// through: after some tries the sky clears until it is done.
    async fn start(store: &SimStore, clock: &SimClock) -> Server {
        let weather = store.weather();
        let mut tries = 0;
        loop {
            tries += 1;
            if tries == 20 {
                store.set_weather(Weather::Calm);
            }
            let connection = Arc::new(store.connect());
            let clock = Arc::new(clock.clone());
            let (catalog, keyring) = (Catalog::default(), Keyring::default());
            let started = Engine::start(connection, clock, &catalog, keyring).await;
            let Ok((engine, committed)) = started else { continue };
            // As the task of a server does: holds of all workspaces expire.
            if engine.load_stored().await.is_err() {
                continue;
            }
            store.set_weather(weather);
            let stop = CancellationToken::new();
            let task = fold::run(engine.clone(), committed, stop.clone());
            return Server { engine, fold: tokio::spawn(task), stop };
        }
    }
}

/// What is on the disk before the first start.
fn prepare(store: &SimStore) {
    let mut disk = store.disk();
    for (index, id) in MODELS.iter().enumerate() {
        disk.catalog.models.push(model(id));
        let rate = [2_000, 1_000, 300, 0][index] * 1_000_000_000;
        disk.catalog.prices.push(price(id, &format!("{id}-0"), rate));
        for workspace in WORKSPACES {
            let limit = (index == 0).then(|| Amount::from_nanos(9_000_000_000));
            let settings = WorkspaceModel {
                model_id: (*id).into(),
                enabled: true,
                limit,
                limit_enabled: true,
                fallback_model_ids: Vec::new(),
            };
            disk.models.insert((workspace.to_owned(), (*id).to_owned()), settings);
        }
    }
    for (index, id) in WORKSPACES.iter().enumerate() {
        disk.workspaces.insert((*id).to_owned(), workspace(id, index == 1));
        rules::prepare(&mut disk, id);
    }
}

/// The workspace whose checks are answered once their holds are stored. The other one changes.
pub const COMMITTED: &str = WORKSPACES[1];

/// How far checks go on while storage takes no writes.
pub const OUTAGE_DURATION: Micros = 240 * MICROS_PER_SECOND;
pub const OUTAGE_HELD: Amount = Amount::from_nanos(3_000_000_000);
/// Between two tries of what storage has refused.
const RETRY_AFTER: Duration = Duration::from_millis(100);
/// After so long without another write that failed, a renewal of the lease ends an outage.
const RENEWAL_SUFFICES_AFTER: Duration = Duration::from_secs(15);

/// What costs more is a large record: some of all.
pub const LARGE: Amount = Amount::from_nanos(2_000_000_000);

fn workspace(id: &str, charges_expired: bool) -> Workspace {
    Workspace {
        id: id.into(),
        display_name: String::new(),
        currency: Currency::EUR,
        time_zone: chrono_tz::UTC,
        automatic_fallback: true,
        unpriced_models: UnpricedModelPolicy::Deny,
        hold_expiry: match charges_expired {
            true => HoldExpiryPolicy::ChargeEstimate,
            false => HoldExpiryPolicy::Release,
        },
        hold_durability: match id == COMMITTED {
            true => HoldDurability::Committed,
            false => HoldDurability::Journaled,
        },
        outage: OutagePolicy { duration: OUTAGE_DURATION, held_limit: Some(OUTAGE_HELD) },
        unknown_keys: UnknownKeyPolicy::Accept,
        required_fields: Vec::new(),
        week_start: DayOfWeek::Monday,
        reported_cost: ReportedCostPolicy::default(),
        alerts: AlertPolicy { large_record_cost: Some(LARGE), ..AlertPolicy::default() },
        may_have_expiry_charges: charges_expired,
        usage_retention_days: None,
        price_max_age_days: None,
        archive_time: None,
        plan: Some(Plan {
            budget: Amount::from_nanos(20_000_000_000),
            overage: Amount::from_nanos(5_000_000_000),
            start_date: NaiveDate::from_ymd_opt(2026, 1, 1).expect("a date"),
        }),
        create_time: START,
        update_time: START,
    }
}

/// Whose limits a model counts for.
pub fn provider_of(model_id: &str) -> &'static str {
    match model_id {
        "large" | "small" => "north",
        _ => "south",
    }
}

fn model(id: &str) -> Model {
    Model {
        id: id.into(),
        provider: provider_of(id).to_uppercase(),
        display_name: id.to_owned(),
        context_window: None,
        max_input: None,
        max_output: None,
        capabilities: Vec::new(),
        aliases: Vec::new(),
        source: Source::Operator,
        update_time: START,
    }
}

pub fn price(model_id: &str, id: &str, rate: i64) -> Price {
    let mut base = [None; TokenClass::COUNT];
    base[TokenClass::Input as usize] = Some(rate);
    base[TokenClass::CacheRead as usize] = Some(rate / 10);
    base[TokenClass::Output as usize] = Some(rate * 2);
    Price {
        id: id.into(),
        model_id: model_id.into(),
        workspace_id: None,
        currency: Currency::EUR,
        effective_time: Time::EARLIEST,
        create_time: START,
        source: Source::Operator,
        base,
        variants: Vec::new(),
        unit_rates: {
            let mut rates = [None; UnitKind::COUNT];
            rates[UnitKind::WebSearch as usize] = Some(rate);
            rates
        },
        factors: vec![Factor {
            name: "fast".into(),
            multiplier: Multiplier::from_nanos(1_500_000_000).unwrap(),
            of_units: false,
        }],
    }
}

fn rethrow(done: Result<(), tokio::task::JoinError>) {
    if let Err(error) = done
        && error.is_panic()
    {
        std::panic::resume_unwind(error.into_panic());
    }
}
