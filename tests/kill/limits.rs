//! Load against limits of every kind, and what must hold of it after every kill: each figure is
//! the sum of the log, and no hard quota was passed.
//!
//! What was granted and not recorded before a kill is recorded after it before anything else is
//! asked: its hold is gone, and would otherwise be granted again. No request uses more than its
//! estimate, so that a hard quota is never passed, not even by a record.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, RngExt};
use rust_decimal::Decimal;
use tollgate::proto::v1;

use crate::client::{Client, amount, subject, tokens, usd};
use crate::usage;
use v1::LimitPeriod::{Cycle, Day, Month, Week};
use v1::SubjectType as Type;

/// Members that requests are for change so often in a run: limits are reached again and again.
pub const GENERATIONS: usize = 10;
const USERS: usize = 5;
const KEYS: usize = 3;
/// The key that is moved between groups while it is used.
pub const NOMAD: &str = "nomad";
/// The user whom no quota bounds.
const ROOT: &str = "root";
/// The quota whose limit the administrator changes and boosts.
pub const SHADOW: &str = "shadow";
/// The model that is asked for; a tenth of its price has the other.
const BIG: &str = "big";
const INPUT_TOKENS: i64 = 100_000;
const OUTPUT_TOKENS_MAX: i64 = 50_000;
/// How long a client rests that was blocked.
const REST: Duration = Duration::from_millis(5);

/// What clients of this workspace know.
#[derive(Clone, Default)]
pub struct Known {
    pub records: usage::Shared,
    answers: Arc<Mutex<Answers>>,
}

#[derive(Default)]
struct Answers {
    /// How many were blocked, by the limit that is named first.
    blocked: BTreeMap<String, usize>,
    routed: usize,
    /// Requests with the key that moves whose records were sent when their hold was gone.
    late: HashSet<String>,
}

pub async fn set_up(client: &Client) {
    client.create_workspace().await;
    client.set_plan("20", "1000").await;
    let policy = v1::AlertPolicy {
        envelope_threshold_percents: vec![1, 2, 3, 5, 8, 100],
        ..Default::default()
    };
    let set = v1::SetAlertPolicyRequest { workspace_id: client.id(), alert_policy: Some(policy) };
    client.alert().set_alert_policy(set).await.unwrap();
    client.add_model(BIG, "2.5", "10").await;
    client.add_model("small", "0.25", "1").await;
    for generation in 0..GENERATIONS {
        let key_group = v1::KeyGroup { key_group_id: group(generation), ..Default::default() };
        let create =
            v1::CreateKeyGroupRequest { workspace_id: client.id(), key_group: Some(key_group) };
        client.api_key().create_key_group(create).await.unwrap();
        for key in 0..KEYS {
            register(client, &format!("key-{generation}-{key}"), &group(generation)).await;
        }
    }
    register(client, NOMAD, &group(0)).await;
    for quota in quotas() {
        let create = v1::CreateQuotaRequest { workspace_id: client.id(), quota: Some(quota) };
        client.quota().create_quota(create).await.unwrap();
    }
    let boost = v1::CreateBudgetBoostRequest {
        workspace_id: client.id(),
        amount: usd("500"),
        end_time: Some(in_hours(24)),
        reason: "the launch".into(),
        boost_id: "launch".into(),
        ..Default::default()
    };
    client.budget().create_budget_boost(boost).await.unwrap();
}

/// A quota of every kind, with thresholds that are jumped over.
fn quotas() -> Vec<v1::Quota> {
    let quota = |id: &str, subject_type, period: v1::LimitPeriod| v1::Quota {
        quota_id: id.into(),
        subject: subject(subject_type, ""),
        each_subject: true,
        period: period.into(),
        ..Default::default()
    };
    let money =
        |limit, quota| v1::Quota { unit: v1::LimitUnit::Money.into(), limit: usd(limit), ..quota };
    let count = |unit: v1::LimitUnit, limit, quota| v1::Quota {
        unit: unit.into(),
        limit_count: Some(limit),
        ..quota
    };
    let user = quota("users", Type::User, Day);
    let project = v1::Quota {
        subject: subject(Type::Project, "atlas"),
        each_subject: false,
        ..quota("project", Type::Project, Week)
    };
    vec![
        v1::Quota { alert_threshold_percents: vec![10, 12, 14, 50, 80, 100], ..money("5", user) },
        count(v1::LimitUnit::Tokens, 4_000_000, quota("groups", Type::KeyGroup, Month)),
        count(v1::LimitUnit::Requests, 60, project),
        v1::Quota {
            enforcement: v1::Enforcement::Downgrade.into(),
            ..money("4", quota("assistants", Type::Assistant, Month))
        },
        v1::Quota {
            subject: subject(Type::Workspace, ""),
            each_subject: false,
            enforcement: v1::Enforcement::Shadow.into(),
            ..count(v1::LimitUnit::Tokens, 5_000_000, quota(SHADOW, Type::Workspace, Cycle))
        },
        v1::Quota {
            subject: subject(Type::User, ROOT),
            each_subject: false,
            unit: v1::LimitUnit::Money.into(),
            exempt: true,
            ..quota(ROOT, Type::User, Day)
        },
    ]
}

async fn register(client: &Client, id: &str, group: &str) {
    let api_key =
        v1::ApiKey { api_key_id: id.into(), key_group_id: group.into(), ..Default::default() };
    let request = v1::RegisterApiKeyRequest { workspace_id: client.id(), api_key: Some(api_key) };
    client.api_key().register_api_key(request).await.unwrap();
}

pub fn group(generation: usize) -> String {
    format!("group-{generation}")
}

pub fn user(rng: &mut impl Rng, generation: usize) -> String {
    format!("user-{generation}-{}", rng.random_range(0..USERS))
}

pub fn in_hours(hours: i64) -> prost_types::Timestamp {
    let time = chrono::Utc::now() + chrono::Duration::hours(hours);
    prost_types::Timestamp { seconds: time.timestamp(), nanos: 0 }
}

/// Checks, records and releases until the server is gone.
pub async fn load(client: Client, known: Known, generation: usize, mut rng: StdRng) {
    loop {
        let attribution = draw(&mut rng, generation);
        let Some(answer) = ask(&client, attribution.clone()).await else { return };
        if answer.decision() == v1::Decision::Blocked {
            known.note_blocked(&answer);
            tokio::time::sleep(REST).await;
            continue;
        }
        if answer.decision() == v1::Decision::Routed {
            known.answers.lock().unwrap().routed += 1;
        }
        if rng.random_range(0..10) == 0 {
            let release =
                v1::ReleaseHoldRequest { workspace_id: client.id(), request_id: answer.request_id };
            if client.usage().release_hold(release).await.is_err() {
                return;
            }
            continue;
        }
        let output_tokens = rng.random_range(1..=OUTPUT_TOKENS_MAX);
        let record = record_of(&client, answer, attribution, output_tokens);
        if !usage::send(&mut client.usage(), record, &known.records).await {
            return;
        }
    }
}

fn draw(rng: &mut StdRng, generation: usize) -> v1::Attribution {
    let mut attribution = v1::Attribution::default();
    match rng.random_range(0..10) {
        0 => {}
        1 => attribution.user_id = ROOT.into(),
        _ => attribution.user_id = user(rng, generation),
    }
    match rng.random_range(0..6) {
        0 | 1 => attribution.api_key_id = NOMAD.into(),
        2..=4 => {
            attribution.api_key_id = format!("key-{generation}-{}", rng.random_range(0..KEYS));
        }
        _ => {}
    }
    if rng.random_range(0..5) == 0 {
        attribution.project_id = "atlas".into();
    }
    if rng.random_bool(0.5) {
        attribution.assistant_id = format!("assistant-{generation}");
    }
    attribution
}

/// None if the server is gone.
async fn ask(client: &Client, attribution: v1::Attribution) -> Option<v1::CheckAndRouteResponse> {
    let check = v1::CheckAndRouteRequest {
        workspace_id: client.id(),
        request_id: uuid::Uuid::now_v7().to_string(),
        model_id: BIG.into(),
        input_token_count: INPUT_TOKENS,
        max_output_token_count: Some(OUTPUT_TOKENS_MAX),
        attribution: Some(attribution),
        ..Default::default()
    };
    Some(client.usage().check_and_route(check).await.ok()?.into_inner())
}

fn record_of(
    client: &Client,
    answer: v1::CheckAndRouteResponse,
    attribution: v1::Attribution,
    output_token_count: i64,
) -> v1::RecordUsageRequest {
    v1::RecordUsageRequest {
        workspace_id: client.id(),
        request_id: answer.request_id,
        model_id: answer.model_id,
        usage: Some(v1::Usage {
            input_token_count: INPUT_TOKENS,
            output_token_count,
            ..Default::default()
        }),
        outcome: v1::Outcome::Success.into(),
        attribution: Some(attribution),
        ..Default::default()
    }
}

/// Spends until `is_reached` says so of an answer; it must within a few requests.
async fn spend_until(
    client: &Client,
    known: &Known,
    attribution: v1::Attribution,
    is_reached: impl Fn(&v1::CheckAndRouteResponse) -> bool,
) {
    for _ in 0..100 {
        let answer = ask(client, attribution.clone()).await.expect("the server lives");
        let done = is_reached(&answer);
        if answer.decision() != v1::Decision::Blocked {
            let record = record_of(client, answer, attribution.clone(), OUTPUT_TOKENS_MAX);
            assert!(usage::send(&mut client.usage(), record, &known.records).await);
        }
        if done {
            return;
        }
    }
    panic!("the limit is not reached");
}

/// The limit that is named first of those in the way.
fn blocking(answer: &v1::CheckAndRouteResponse) -> &str {
    let first = answer.verdicts.iter().find(|verdict| verdict.blocking);
    &first.expect("a blocked request says why").limit_id
}

/// Reaches limits of each kind, so that they were whatever the machine did before.
pub async fn reach(client: &Client, known: &Known) {
    let blocked_by = |id: &'static str| {
        move |answer: &v1::CheckAndRouteResponse| {
            answer.decision() == v1::Decision::Blocked && blocking(answer) == id
        }
    };
    let last = v1::Attribution { user_id: "last".into(), ..Default::default() };
    spend_until(client, known, last, blocked_by("users")).await;
    let api_key_id = format!("key-{}-0", GENERATIONS - 1);
    let grouped = v1::Attribution { api_key_id, ..Default::default() };
    spend_until(client, known, grouped, blocked_by("groups")).await;
    let atlas = v1::Attribution { project_id: "atlas".into(), ..Default::default() };
    spend_until(client, known, atlas, blocked_by("project")).await;
    let helper = v1::Attribution { assistant_id: "last".into(), ..Default::default() };
    let routed = |answer: &v1::CheckAndRouteResponse| answer.decision() == v1::Decision::Routed;
    spend_until(client, known, helper, routed).await;
}

impl Known {
    fn note_blocked(&self, answer: &v1::CheckAndRouteResponse) {
        let limit = blocking(answer).to_owned();
        *self.answers.lock().unwrap().blocked.entry(limit).or_default() += 1;
    }

    /// Sends what was not answered before a kill.
    pub async fn send_open(&self, client: &Client) {
        {
            let ledger = self.records.lock().unwrap();
            let moved = ledger.open.values().filter(|record| {
                record.attribution.as_ref().is_some_and(|who| who.api_key_id == NOMAD)
            });
            let late = moved.map(|record| record.request_id.clone());
            self.answers.lock().unwrap().late.extend(late);
        }
        usage::send_open(client, &self.records).await;
    }

    pub fn describe(&self) -> String {
        let answers = self.answers.lock().unwrap();
        format!("{} routed, blocked by {:?}", answers.routed, answers.blocked)
    }

    /// Of a server that rests: all figures follow from the log, and nothing was passed.
    pub async fn judge(&self, client: &Client) {
        let records = client.records().await;
        let usages = client.quota_usages().await;
        let mut listed = HashSet::new();
        for usage in &usages {
            let subject = usage.subject.as_ref().expect("a subject");
            let name = format!("{} of {subject:?}", usage.quota_id);
            let of_it: Vec<&v1::UsageRecord> =
                records.iter().filter(|record| is_counted(usage, record)).collect();
            assert_eq!(spent(usage), sum(usage, &of_it), "{name} is not the sum of the log");
            assert_eq!(held(usage), Decimal::ZERO, "{name} holds something");
            if let Some(limit) = hard_limit(usage) {
                let above = spent(usage) - limit;
                let late = self.late_tokens(usage, &of_it);
                assert!(above <= late, "{name} was passed by {above}, {late} came late");
            }
            listed.insert((usage.quota_id.as_str(), subject.id.as_str()));
        }
        for record in &records {
            let who = record.attribution.clone().unwrap_or_default();
            for (quota, subject_id) in [
                ("users", &who.user_id),
                ("groups", &record.key_group_id),
                ("assistants", &who.assistant_id),
                ("project", &who.project_id),
            ] {
                let is_listed = listed.contains(&(quota, subject_id.as_str()));
                assert!(
                    is_listed || subject_id.is_empty() || subject_id == ROOT,
                    "{quota} of {subject_id} is missing"
                );
            }
        }
    }

    /// What the key that moves used whose hold was lost: it counts to the group that the key is in
    /// now, where no hold was.
    fn late_tokens(&self, usage: &v1::QuotaUsage, records: &[&v1::UsageRecord]) -> Decimal {
        if usage.quota_id != "groups" {
            return Decimal::ZERO;
        }
        let answers = self.answers.lock().unwrap();
        let late = records.iter().filter(|record| answers.late.contains(&record.request_id));
        late.map(|record| tokens(&record.usage)).sum::<i64>().into()
    }
}

/// Whether an entry of the log counts to a quota for a subject, in its running window.
fn is_counted(usage: &v1::QuotaUsage, record: &v1::UsageRecord) -> bool {
    let who = record.attribution.clone().unwrap_or_default();
    let subject = usage.subject.as_ref().expect("a subject");
    let is_its = match subject.r#type() {
        Type::Workspace => true,
        Type::User => who.user_id == subject.id,
        Type::KeyGroup => record.key_group_id == subject.id,
        Type::Project => who.project_id == subject.id,
        Type::Assistant => who.assistant_id == subject.id,
        other => panic!("no quota is about {other:?}"),
    };
    let time = |time: &Option<prost_types::Timestamp>| {
        time.as_ref().map(|time| (time.seconds, time.nanos)).expect("a time")
    };
    let window = time(&usage.window_start_time)..time(&usage.reset_time);
    is_its && window.contains(&time(&record.charge_time))
}

fn sum(usage: &v1::QuotaUsage, records: &[&v1::UsageRecord]) -> Decimal {
    let records = records.iter();
    match usage.unit() {
        v1::LimitUnit::Money => records.map(|record| amount(&record.cost)).sum(),
        v1::LimitUnit::Tokens => records.map(|record| tokens(&record.usage)).sum::<i64>().into(),
        _ => records.count().into(),
    }
}

pub fn spent(usage: &v1::QuotaUsage) -> Decimal {
    match usage.unit() {
        v1::LimitUnit::Money => amount(&usage.spent),
        _ => usage.spent_count.into(),
    }
}

fn held(usage: &v1::QuotaUsage) -> Decimal {
    match usage.unit() {
        v1::LimitUnit::Money => {
            usage.held.as_ref().map_or(Decimal::ZERO, |held| held.amount.parse().unwrap())
        }
        _ => usage.held_count.into(),
    }
}

/// None if there is none, or not for this subject.
pub fn limit(usage: &v1::QuotaUsage) -> Option<Decimal> {
    let subject_id = &usage.subject.as_ref().expect("a subject").id;
    match usage.unit() {
        _ if usage.quota_id == "users" && subject_id == ROOT => None,
        v1::LimitUnit::Money => usage.limit.as_ref().map(|limit| limit.amount.parse().unwrap()),
        _ => Some(usage.limit_count.into()),
    }
}

fn hard_limit(usage: &v1::QuotaUsage) -> Option<Decimal> {
    if usage.enforcement() == v1::Enforcement::Hard { limit(usage) } else { None }
}
