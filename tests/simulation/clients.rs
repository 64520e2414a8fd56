//! What clients and administrators do, each as a task of its own.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::NaiveDate;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tollgate::domain::attribution::Attribution;
use tollgate::domain::check::Check;
use tollgate::domain::record::UsageReport;
use tollgate::domain::time::calendar::DayOfWeek;
use tollgate::domain::time::{MICROS_PER_HOUR, MICROS_PER_SECOND};
use tollgate::domain::usage::{
    Extras, Outcome, ServiceTier, TokenClass, UnitKind, Usage, UsageSource,
};
use tollgate::domain::workspace::{HoldDurability, HoldExpiryPolicy, UnpricedModelPolicy};
use tollgate::domain::{Amount, Currency};
use tollgate::engine::{
    Actor, Clock, Engine, Error, ModelLimitChange, PlanChange, WorkspaceChange,
};

use super::auditor::{Auditor, Request};
use super::clock::SimClock;
use super::rules;
use super::store::faults::Fault;
use super::world::{COMMITTED, MODELS, START, WORKSPACES, price};

/// The first is in no group at first; the last is never registered.
pub const KEYS: [&str; 3] = ["k1", "k2", "k3"];

/// What a client has at hand.
#[derive(Clone)]
pub struct Client {
    pub engine: Engine,
    pub clock: SimClock,
    pub auditor: Arc<Mutex<Auditor>>,
    /// Of the server that it talks to.
    pub life: u64,
    /// Requests with these numbers are in use.
    pub requests: std::ops::Range<u32>,
}

impl Client {
    pub fn auditor(&self) -> MutexGuard<'_, Auditor> {
        self.auditor.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One call, or a few that belong together, drawn from a seed.
    pub async fn act(self, seed: u64) {
        let mut luck = StdRng::seed_from_u64(seed);
        let workspace = WORKSPACES[usize::from(luck.random_range(0..4u8) == 0)];
        let number = luck.random_range(self.requests.clone());
        pause(&mut luck).await;
        match luck.random_range(0..102) {
            0..30 => drop(self.check(&mut luck, workspace, number).await),
            // The whole life of a request: checked, run, recorded, sometimes again and again.
            30..70 => {
                if self.check(&mut luck, workspace, number).await {
                    pause(&mut luck).await;
                    self.record(&mut luck, workspace, number).await;
                }
            }
            70..88 => self.record(&mut luck, workspace, number).await,
            88..93 => self.release(workspace, number).await,
            93..96 => self.extend(&mut luck, workspace, number).await,
            96 => self.credit(&mut luck, workspace, number).await,
            97 => self.void(&mut luck, workspace, number).await,
            _ => drop(self.engine.expire_holds().await),
        }
    }

    /// Whether the request may run.
    async fn check(&self, luck: &mut StdRng, workspace: &str, number: u32) -> bool {
        let mut check = check(number);
        if luck.random_range(0..30) == 0 {
            check.input = check.input.with(TokenClass::Input, 77);
        }
        check.dry_run = luck.random_range(0..30) == 0;
        let faults = self.auditor().store.faults.clone();
        let sent = self.clock.now();
        let out_before = self.engine.outage_since();
        let request = (workspace.to_owned(), check.request_id.to_string());
        self.auditor().checking(self.life, request);
        let reply = faults.check(&self.engine, workspace, check.clone()).await;
        let now = self.clock.now();
        // What this fault adds to a check is no wait of the server.
        let sent = if faults.has(Fault::CheckThenUpdate) { now } else { sent };
        let outage = (out_before, self.engine.outage_since());
        self.auditor().in_outage(self.life, (sent, now), outage, (workspace, &check), &reply);
        self.auditor().checked(self.life, (sent, now), workspace, &check, &reply);
        let answer = reply.map(|decision| decision.answer);
        !matches!(answer, Err(_) | Ok(tollgate::domain::check::Answer::Blocked))
    }

    async fn record(&self, luck: &mut StdRng, workspace: &str, number: u32) {
        let request = (workspace.to_owned(), format!("r{number}"));
        let held = self.auditor().holds.get(&request).cloned();
        let model = held.as_ref().map_or(MODELS[number as usize % 4], |hold| &hold.model);
        // The attempt of the check, none, or any.
        let attempt = match luck.random_range(0..6u8) {
            0 => 1,
            1..4 => 0,
            _ => held.as_ref().map_or(0, |hold| hold.attempt),
        };
        let mut report = report(number, model, attempt);
        if luck.random_range(0..25) == 0 {
            report.usage = report.usage.with(TokenClass::Output, 33);
        }
        // The same once more: a reply that was lost, or sent twice at the same time.
        for _ in 0..luck.random_range(1..3) {
            let sent = self.clock.now();
            self.auditor().recording(sent, workspace, &report);
            let call = self.engine.record(workspace, report.clone());
            let reply = call.await.map(|reply| reply.value);
            let faults = self.auditor().store.faults.clone();
            let reply = faults.recorded(workspace, &report, reply);
            let times = (sent, self.clock.now());
            self.auditor().recorded(self.life, times, workspace, &report, &reply);
            if luck.random_range(0..3) > 0 {
                break;
            }
        }
    }

    async fn release(&self, workspace: &str, number: u32) {
        let request: Request = (workspace.to_owned(), format!("r{number}"));
        let reply = self.engine.release(workspace, &request.1).await;
        let reply = reply.map(|reply| reply.value);
        self.auditor().released(self.life, self.clock.now(), &request, &reply);
    }

    async fn extend(&self, luck: &mut StdRng, workspace: &str, number: u32) {
        let request: Request = (workspace.to_owned(), format!("r{number}"));
        let span = luck.random_range(1..1_200) * MICROS_PER_SECOND;
        let sent = self.clock.now();
        self.auditor().checking(self.life, request.clone());
        let reply = self.engine.extend(workspace, &request.1, span).await;
        self.auditor().extended(self.life, (sent, self.clock.now()), &request, &reply);
    }

    /// A change of policy. It is open until it is known to have happened.
    pub async fn administrate(self, seed: u64) {
        let mut luck = StdRng::seed_from_u64(seed);
        let workspace = WORKSPACES[usize::from(luck.random_range(0..4u8) == 0)];
        self.auditor().open_policies += 1;
        pause(&mut luck).await;
        let reply = self.change(&mut luck, workspace).await;
        let mut auditor = self.auditor();
        auditor.note(self.clock.now(), || format!("{workspace} policy {reply:?}"));
        match reply {
            Ok(()) if self.life == auditor.life => auditor.open_policies -= 1,
            Ok(()) | Err(Error::StorageUnavailable | Error::Stopping) => {}
            Err(other) => panic!("a change failed: {other}"),
        }
    }

    async fn change(&self, luck: &mut StdRng, workspace: &str) -> Result<(), Error> {
        let engine = &self.engine;
        let by = Actor::new("simulation", "Change");
        let units = |units: i64| (Currency::EUR, Amount::from_nanos(units * 1_000_000_000));
        let model = MODELS[luck.random_range(0..4usize)];
        match luck.random_range(0..18) {
            12.. => rules::change(luck, engine, workspace, self.clock.now()).await,
            0..3 => {
                let start_day = luck.random_range(1..=31);
                let change = PlanChange {
                    budget: units(luck.random_range(0..40)),
                    overage: Some(units(luck.random_range(0..10))),
                    start_date: NaiveDate::from_ymd_opt(2026, 1, start_day).expect("a day"),
                };
                engine.set_plan(by, workspace, change).await.map(drop)
            }
            3..7 => {
                let has_limit = luck.random_range(0..4) > 0;
                let change = ModelLimitChange {
                    limit: has_limit.then(|| units(luck.random_range(0..15))),
                    enabled: luck.random_range(0..5) > 0,
                    fallback_model_ids: Vec::new(),
                };
                engine.set_model_limit(by, workspace, model, change).await.map(drop)
            }
            7 => {
                let zones = [chrono_tz::UTC, chrono_tz::Europe::Berlin, chrono_tz::Asia::Tokyo];
                let time_zone = Some(zones[luck.random_range(0..3usize)]);
                let week_start = Some(DayOfWeek::ALL[luck.random_range(0..7usize)]);
                let change = WorkspaceChange { time_zone, week_start, ..Default::default() };
                engine.update_workspace(by, workspace, change).await.map(drop)
            }
            8..10 => {
                let policies = [HoldExpiryPolicy::Release, HoldExpiryPolicy::ChargeEstimate];
                let durability = HoldDurability::ALL[luck.random_range(0..3usize)];
                let change = WorkspaceChange {
                    hold_expiry: Some(policies[luck.random_range(0..2usize)]),
                    hold_durability: (workspace != COMMITTED).then_some(durability),
                    unpriced_models: Some(UnpricedModelPolicy::Deny),
                    ..WorkspaceChange::default()
                };
                engine.update_workspace(by, workspace, change).await.map(drop)
            }
            10 => {
                let enabled = luck.random_range(0..3) > 0;
                engine.set_automatic_fallback(by, workspace, enabled).await.map(drop)
            }
            11 => {
                let rate = luck.random_range(1..3_000) * 1_000_000_007;
                let mut price = price(model, "", rate);
                price.effective_time = self.clock.now();
                engine.set_price(by, price).await.map(drop)
            }
            _ => unreachable!("drawn below 18"),
        }
    }
}

async fn pause(luck: &mut StdRng) {
    let millis = luck.random_range(0..60);
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

/// What is checked under a number: always the same.
fn check(number: u32) -> Check {
    let input = Usage::default()
        .with(TokenClass::Input, i64::from(number % 5) * 500)
        .with(TokenClass::CacheRead, i64::from(number % 3) * 100);
    Check {
        request_id: format!("r{number}").into(),
        model_id: MODELS[number as usize % 4].to_owned(),
        input,
        max_output: (!number.is_multiple_of(7)).then_some(400),
        context_id: String::new(),
        tier: ServiceTier::Standard,
        required_capabilities: Vec::new(),
        hold_duration: i64::from(1 + number % 20) * 30 * MICROS_PER_SECOND,
        dry_run: false,
        explain: number.is_multiple_of(13),
        attribution: attribution(number),
        extras: extras(number, 1).boxed(),
    }
}

/// Searches, and a factor, of some.
fn extras(number: u32, times: i64) -> Extras {
    let searches = if number.is_multiple_of(4) { i64::from(number % 3) * times } else { 0 };
    let names = number.is_multiple_of(6).then_some("fast");
    Extras::default().with(UnitKind::WebSearch, searches).with_factors(names)
}

/// Few subjects of each kind, so that they meet their limits.
pub fn attribution(number: u32) -> Option<Box<Attribution>> {
    if number.is_multiple_of(9) {
        return None;
    }
    let team = ["search", "sales"][number as usize / 3 % 2].to_owned();
    let tags = [("team".to_owned(), team), ("k=".to_owned(), "team=search".to_owned())];
    Some(Box::new(Attribution {
        tags: tags.into(),
        user_id: ["ada", "bob", "cy"][number as usize % 3].to_owned(),
        department_id: ["law", "tax"][number as usize % 2].to_owned(),
        api_key_id: KEYS[number as usize / 2 % 3].to_owned(),
        ..Attribution::default()
    }))
}

/// What is recorded under a number: less than was declared, just that, or more.
fn report(number: u32, model: &str, attempt: i32) -> UsageReport {
    let declared = check(number).input;
    let third = number % 3;
    let part = |count: i64| count * i64::from(third + 1) / 2;
    let mut usage = declared;
    usage.tokens = usage.tokens.map(part);
    let is_late = number.is_multiple_of(11);
    UsageReport {
        request_id: format!("r{number}").into(),
        attempt,
        model_id: model.to_owned(),
        tier: ServiceTier::Standard,
        usage: usage.with(TokenClass::Reasoning, part(400)),
        outcome: [Outcome::Success, Outcome::Success, Outcome::Cancelled][third as usize],
        source: UsageSource::Provider,
        start_time: is_late.then(|| START + i64::from(number) * MICROS_PER_HOUR),
        latency: 0,
        attribution: None,
        extras: extras(number, i64::from(third)).boxed(),
        answer: None,
    }
}
