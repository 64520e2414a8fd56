//! The limits of row 10, and what a subject costs in memory.

use std::sync::Arc;

use tollgate::domain::api_key::{ApiKey, KeyGroup};
use tollgate::domain::attribution::{Attribution, SubjectKind};
use tollgate::domain::backfill::{BackfillResults, ConsumptionQuery, LimitConfig};
use tollgate::domain::quota::{Consumption, Enforcement, Period, Quota, Scope, Unit};
use tollgate::domain::rate_limit::{RateBound, RateLimit, RateWindow};
use tollgate::domain::{Amount, Time};
use tollgate::ledger::{Ledger, UsageFilter, UsagePosition};

use super::Extent;
use super::ledger::{BEGIN, catalog, cpu_nanos, ledger};
use crate::Result;
use crate::messages::user_name;
use crate::processes::resident_bytes;
use crate::report::{Line, Target, plain};

/// API keys, and groups that they are in.
const KEYS: usize = 1_000;
const GROUPS: usize = 10;
const PROJECTS: usize = 100;

/// Far above what is sent.
const PLENTY: i64 = 1_000_000_000_000_000;

/// Besides the envelope and the model's cap: what is asked of each request of row 10.
const QUOTAS: [(SubjectKind, Unit, Period); 13] = [
    (SubjectKind::Workspace, Unit::Money, Period::Day),
    (SubjectKind::Workspace, Unit::Tokens, Period::Week),
    (SubjectKind::Department, Unit::Money, Period::Month),
    (SubjectKind::Department, Unit::Tokens, Period::Day),
    (SubjectKind::User, Unit::Money, Period::Day),
    (SubjectKind::User, Unit::Money, Period::Month),
    (SubjectKind::User, Unit::Tokens, Period::Day),
    (SubjectKind::User, Unit::Requests, Period::Day),
    (SubjectKind::ApiKey, Unit::Money, Period::Day),
    (SubjectKind::ApiKey, Unit::Requests, Period::Day),
    (SubjectKind::KeyGroup, Unit::Money, Period::Month),
    (SubjectKind::Project, Unit::Money, Period::Cycle),
    (SubjectKind::Assistant, Unit::Money, Period::Month),
];

pub fn name_key_and_project(attribution: &mut Attribution, user: usize) {
    attribution.api_key_id = key_name(user % KEYS);
    attribution.project_id = format!("project-{:02}", user % PROJECTS);
}

/// Rules so that `limits` apply to each request, and quotas of `others` that ask for nothing.
pub fn policy(limits: usize, others: usize) -> LimitConfig {
    let mut policy = LimitConfig::default();
    if limits > 2 {
        assert!(limits == QUOTAS.len() + 3, "the envelope, the cap, quotas, one rate limit");
        for (kind, unit, period) in QUOTAS {
            let subject_id = (kind == SubjectKind::Workspace).then(|| Arc::from(""));
            let id = format!("{kind:?}-{unit:?}-{period:?}");
            policy.quotas.push(quota(&id, kind, subject_id, unit, period));
        }
        policy.rate_limits.push(RateLimit {
            id: "key-minute".into(),
            display_name: String::new(),
            scope: Scope { kind: SubjectKind::ApiKey, subject_id: None, model_id: None },
            bounds: vec![RateBound::new(Unit::Requests, RateWindow::Minute, PLENTY)],
            enforcement: Enforcement::Hard,
            create_time: BEGIN,
            update_time: BEGIN,
        });
        policy.key_groups.extend((0..GROUPS).map(group));
        policy.api_keys.extend((0..KEYS).map(key));
    }
    for other in 0..others {
        let subject_id = Some(Arc::from(format!("other-{other:07}")));
        let id = format!("other-{other:07}");
        policy.quotas.push(quota(&id, SubjectKind::User, subject_id, Unit::Money, Period::Day));
    }
    policy
}

/// What one more subject costs: one that used something today under a rule for each user, and one
/// that did not.
pub fn memory(extent: Extent) -> Result<Vec<Line>> {
    let users = extent.users_max;
    let period = Period::Day;
    let mut policy = LimitConfig::default();
    policy.quotas.push(quota("users", SubjectKind::User, None, Unit::Money, period));
    let mut ledger = ledger(0, 2, &Arc::new(catalog()));
    let queries = Ledger::backfill_for_load(ledger.workspace(), &policy, BEGIN);
    let query: ConsumptionQuery = queries.used[0].clone();
    let used = Consumption {
        money: Amount::from_nanos(1),
        tokens: 1,
        requests: 1,
        ..Consumption::default()
    };
    let rows: Vec<(String, Consumption)> = (0..users).map(|user| (user_name(user), used)).collect();
    let results = BackfillResults { used: vec![(query, rows)], sent: Vec::new() };
    let before = resident_bytes(std::process::id())?;
    ledger.load_limits(BEGIN, policy, results);
    let after = resident_bytes(std::process::id())?;
    let note = format!("of {}, under a rule for each user", plain(users as f64));
    let line = |what: &str, bytes: u64| {
        let each = bytes as f64 / users as f64;
        Line::figure(10, what, each, "bytes", Target::None).note(note.clone())
    };
    let active = line("memory of an active user", after.saturating_sub(before));
    let (first, next) = pages(&mut ledger);
    let listed = |what: &str, nanos: i64| {
        Line::figure(10, what, nanos as f64 / 1e3, "µs", Target::None).note(note.clone())
    };
    let first = listed("first page of 100 of quota usage: makes the order", first);
    let next = listed("a further page of 100 of quota usage", next);
    // The next day nobody has used anything: subjects go as they are come to.
    let tomorrow: Time = BEGIN + 2 * tollgate::domain::time::MICROS_PER_DAY;
    let mut left = users;
    for _ in 0..=users / 10_000 * 4 {
        left = ledger.sweep(tomorrow, 10_000);
    }
    assert!(left == 0, "idle members are forgotten");
    Ok(vec![active, line("memory kept of an idle user", 0), first, next])
}

/// Nanoseconds of the first page, and of a further one on average.
fn pages(ledger: &mut Ledger) -> (i64, i64) {
    let filter = UsageFilter::default();
    let begin = cpu_nanos();
    let mut page = ledger.quota_usage(BEGIN, &filter, None, 100);
    let first = cpu_nanos() - begin;
    let begin = cpu_nanos();
    for _ in 0..100 {
        let last = page.last().expect("there are more users than that");
        let after = UsagePosition {
            utilization: last.utilization,
            quota_id: last.quota.id.to_string(),
            subject_id: last.subject_id.to_string(),
        };
        page = ledger.quota_usage(BEGIN, &filter, Some(&after), 100);
        assert!(page.len() == 100, "there are more users than that");
    }
    (first, (cpu_nanos() - begin) / 100)
}

fn quota(
    id: &str,
    kind: SubjectKind,
    subject_id: Option<Arc<str>>,
    unit: Unit,
    period: Period,
) -> Quota {
    Quota {
        id: id.into(),
        display_name: String::new(),
        scope: Scope { kind, subject_id, model_id: None },
        unit,
        period,
        limit: Some(PLENTY),
        enforcement: Enforcement::Hard,
        thresholds: vec![50, 80, 100],
        window_start: BEGIN,
        create_time: BEGIN,
        update_time: BEGIN,
    }
}

fn key_name(key: usize) -> String {
    format!("key-{key:03}")
}

fn group_name(group: usize) -> String {
    format!("group-{group}")
}

fn group(group: usize) -> KeyGroup {
    KeyGroup {
        id: group_name(group).into(),
        display_name: String::new(),
        create_time: BEGIN,
        update_time: BEGIN,
    }
}

fn key(key: usize) -> ApiKey {
    ApiKey {
        id: key_name(key).into(),
        display_name: String::new(),
        key_group_id: Some(group_name(key % GROUPS).into()),
        allowed_model_ids: Vec::new(),
        disabled: false,
        expire_time: None,
        create_time: BEGIN,
        update_time: BEGIN,
    }
}
