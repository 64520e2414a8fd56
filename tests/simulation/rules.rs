//! Quotas, rate limits, keys and boosts in a run: what is set at first, what is changed, and what
//! must agree with the log when nothing is open.

use std::collections::BTreeMap;

use rand::RngExt;
use rand::rngs::StdRng;
use tollgate::domain::alert::{AlertSubject, AlertType, alerted_large_records, large_record_day};
use tollgate::domain::api_key::{ApiKey, KeyGroup};
use tollgate::domain::attribution::SubjectKind;
use tollgate::domain::boost::Boost;
use tollgate::domain::boost::BoostTarget;
use tollgate::domain::quota::{Enforcement, Period, Quota, Scope, Unit};
use tollgate::domain::rate_limit::{RateBound, RateLimit, RateWindow};
use tollgate::domain::record::RecordKind;
use tollgate::domain::time::{MICROS_PER_MINUTE, MICROS_PER_SECOND};
use tollgate::domain::workspace::Workspace;
use tollgate::domain::workspace::freeze::FrozenSubject;
use tollgate::domain::{Amount, Currency, Time};
use tollgate::engine::{
    Actor, ApiKeyChange, BoostAmount, Engine, Error, HoldFilter, LimitChange, NewBoost, NewFreeze,
    QuotaChange, RateLimitChange,
};
use tollgate::ledger::UsageFilter;

use super::auditor::{Auditor, is_near_an_edge};
use super::store::Disk;
use super::world::{LARGE, START, provider_of};
use crate::oracle::rules::{Span, Who, covers, who_of};
use crate::oracle::{facts, record};

/// Most requests of one user in any 60 seconds. Never changes.
pub const REQUESTS_PER_MINUTE: i64 = 5;
/// Most requests of one user at once. Never changes.
const IN_FLIGHT: i64 = 4;
const UNIT: i64 = 1_000_000_000;

/// What is on the disk before the first start.
pub fn prepare(disk: &mut Disk, workspace: &str) {
    let each = |kind| Scope { kind, subject_id: None, model_id: None };
    let of = |kind, subject_id: &str| Scope { subject_id: Some(subject_id.into()), ..each(kind) };
    let large = Some("large".into());
    use Enforcement::{Downgrade, Hard, Soft};
    for (id, scope, unit, period, limit, enforcement) in [
        ("day", each(SubjectKind::User), Unit::Money, Period::Day, 6 * UNIT, Hard),
        ("named", of(SubjectKind::User, "cy"), Unit::Money, Period::Day, 9 * UNIT, Hard),
        ("hour", each(SubjectKind::User), Unit::Money, Period::Hour, 5 * UNIT, Soft),
        ("quarter", each(SubjectKind::ApiKey), Unit::Money, Period::Quarter, 30 * UNIT, Soft),
        ("year", of(SubjectKind::Workspace, ""), Unit::Tokens, Period::Year, 50_000, Soft),
        ("law", of(SubjectKind::Department, "law"), Unit::Tokens, Period::Week, 9_000, Soft),
        ("flight", each(SubjectKind::User), Unit::Requests, Period::InFlight, IN_FLIGHT, Hard),
        ("dear", each(SubjectKind::User), Unit::Money, Period::Request, 4 * UNIT, Soft),
        ("group", each(SubjectKind::KeyGroup), Unit::Requests, Period::Cycle, 40, Hard),
        (
            "north",
            of(SubjectKind::Provider, "north"),
            Unit::Money,
            Period::Day,
            7 * UNIT,
            Downgrade,
        ),
        ("providers", each(SubjectKind::Provider), Unit::Tokens, Period::Month, 90_000, Soft),
        ("search", of(SubjectKind::Tag, "team=search"), Unit::Money, Period::Day, 7 * UNIT, Hard),
        ("sales", of(SubjectKind::Tag, "team=sales"), Unit::Requests, Period::Week, 60, Soft),
        (
            "large",
            Scope { model_id: large, ..of(SubjectKind::Workspace, "") },
            Unit::Money,
            Period::UntilReset,
            8 * UNIT,
            Downgrade,
        ),
    ] {
        let quota = Quota {
            id: id.into(),
            display_name: String::new(),
            scope,
            unit,
            period,
            limit: Some(limit),
            enforcement,
            thresholds: match period {
                Period::InFlight | Period::Request => Vec::new(),
                _ => vec![25, 50, 100],
            },
            window_start: START,
            create_time: START,
            update_time: START,
        };
        disk.quotas.insert((workspace.to_owned(), id.to_owned()), quota);
    }
    let rate_limit = RateLimit {
        id: "minute".into(),
        display_name: String::new(),
        scope: each(SubjectKind::User),
        bounds: vec![
            RateBound::new(Unit::Requests, RateWindow::Minute, REQUESTS_PER_MINUTE),
            RateBound::new(Unit::Tokens, RateWindow::Minute, 20_000),
            RateBound::new(Unit::UncachedTokens, RateWindow::Minute, 19_000),
        ],
        enforcement: Hard,
        create_time: START,
        update_time: START,
    };
    disk.rate_limits.insert((workspace.to_owned(), "minute".to_owned()), rate_limit);
    prepare_keys(disk, workspace);
}

fn prepare_keys(disk: &mut Disk, workspace: &str) {
    for id in ["g", "h"] {
        let group = KeyGroup {
            id: id.into(),
            display_name: String::new(),
            create_time: START,
            update_time: START,
        };
        disk.key_groups.insert((workspace.to_owned(), id.to_owned()), group);
    }
    for (id, group) in [("k1", None), ("k2", Some("g"))] {
        let key = ApiKey {
            id: id.into(),
            display_name: String::new(),
            key_group_id: group.map(Into::into),
            allowed_model_ids: Vec::new(),
            disabled: false,
            expire_time: None,
            create_time: START,
            update_time: START,
        };
        disk.api_keys.insert((workspace.to_owned(), id.to_owned()), key);
    }
}

/// One change of what bounds subjects.
pub async fn change(
    luck: &mut StdRng,
    engine: &Engine,
    workspace: &str,
    now: Time,
) -> Result<(), Error> {
    let by = Actor::new("simulation", "Change");
    let quotas = ["day", "named", "large", "north", "search"];
    let quota = quotas[luck.random_range(0..quotas.len())];
    match luck.random_range(0..7) {
        6 => {
            let ids = ["ada", "bob", "cy"];
            let id = ids[luck.random_range(0..ids.len())].into();
            let subject = FrozenSubject { kind: SubjectKind::User, id };
            if luck.random_bool(0.5) {
                return engine.unfreeze(by, workspace, subject).await.map(drop);
            }
            let end_time = Some(now + luck.random_range(20..90) * MICROS_PER_SECOND);
            let new = NewFreeze { subject, reason: "because".to_owned(), end_time };
            match engine.freeze(by, workspace, new).await {
                // The clock has jumped over its end meanwhile.
                Err(Error::Field { .. }) => Ok(()),
                reply => reply.map(drop),
            }
        }
        0..2 => {
            let limit = Amount::from_nanos(luck.random_range(1..12) * UNIT);
            let money = Some(Some((Currency::EUR, limit)));
            let limit = LimitChange { money, ..LimitChange::default() };
            let change = QuotaChange { limit, ..QuotaChange::default() };
            engine.update::<Quota>(by, workspace, quota.to_owned(), change).await.map(drop)
        }
        2 => engine.reset_quota(by, workspace, "large".to_owned()).await.map(drop),
        3 => {
            let tokens = luck.random_range(1..30) * 1_000;
            let bounds = vec![
                RateBound::new(Unit::Requests, RateWindow::Minute, REQUESTS_PER_MINUTE),
                RateBound::new(Unit::Tokens, RateWindow::Minute, tokens),
            ];
            let change = RateLimitChange { bounds: Some(bounds), ..RateLimitChange::default() };
            engine.update::<RateLimit>(by, workspace, "minute".to_owned(), change).await.map(drop)
        }
        4 => {
            let key = ["k1", "k2"][luck.random_range(0..2usize)];
            let group = [None, Some("g"), Some("h")][luck.random_range(0..3usize)];
            let key_group_id = Some(group.map(str::to_owned));
            let change = ApiKeyChange { key_group_id, ..ApiKeyChange::default() };
            engine.update::<ApiKey>(by, workspace, key.to_owned(), change).await.map(drop)
        }
        _ => {
            let target = match luck.random_range(0..2) {
                0 => BoostTarget::Envelope,
                _ => BoostTarget::Quota { quota_id: quota.into(), subject_id: None },
            };
            let boost = NewBoost {
                id: None,
                target,
                amount: BoostAmount::Money(Currency::EUR, Amount::from_nanos(2 * UNIT)),
                start_time: None,
                end_time: now + luck.random_range(100..4_000) * MICROS_PER_SECOND,
                reason: "because".to_owned(),
            };
            match engine.create::<Boost>(by, workspace, boost).await {
                // The clock has jumped over its end meanwhile.
                Err(Error::Field { .. }) => Ok(()),
                reply => reply.map(drop),
            }
        }
    }
}

/// By how much the envelope may be raised now, for clocks that differ by seconds.
pub fn boosted(disk: &Disk, workspace: &str, now: Time) -> Amount {
    let boosts = disk.boosts.iter().filter(|((id, _), boost)| {
        let is_over = boost.end_time + 30 * MICROS_PER_SECOND < now;
        id == workspace && boost.target == BoostTarget::Envelope && !is_over
    });
    boosts.map(|(_, boost)| Amount::from_nanos(boost.amount)).sum()
}

impl Auditor {
    /// A user is admitted for certain: in no minute more than the limit, whatever crashed or was
    /// started anew.
    pub fn assert_rate(&mut self, workspace: &str, user: &str, now: Time) {
        if user.is_empty() {
            return;
        }
        let admitted = self.admitted.entry((workspace.to_owned(), user.to_owned())).or_default();
        admitted.push(now);
        // Holds end at whole milliseconds: so exactly are the times known.
        let in_a_minute = admitted.iter().filter(|time| {
            let ago = now - **time;
            (0..MICROS_PER_MINUTE - 1_000).contains(&ago)
        });
        let count = in_a_minute.count();
        assert!(count <= REQUESTS_PER_MINUTE as usize, "{count} requests of {user} in a minute");
    }

    /// Every quota stands where the log says (I4), and holds what its live holds took (I7); what is
    /// due was raised, once and in order (I14).
    pub async fn assert_rules(&self, engine: &Engine, workspace: &str) {
        let filter = UsageFilter::default();
        let usages = engine.quota_usage(workspace, &filter, None, usize::MAX).await;
        let usages = usages.expect("it is loaded").value.entries;
        // They are those of the books: `assert_agreement`.
        let (filter, all) = (HoldFilter::default(), usize::MAX);
        let (holds, _) = engine.holds(workspace, &filter, all).await.expect("it is loaded").value;
        let disk = self.store.disk();
        let settings = &disk.workspaces[workspace];
        let log = || disk.log.iter().filter(|record| *record.workspace_id == *workspace);
        for usage in &usages {
            let key = (workspace.to_owned(), usage.quota.id.to_string());
            assert_eq!(*usage.quota, disk.quotas[&key], "quotas are those that are durable");
            if matches!(usage.quota.period, Period::InFlight | Period::Request) {
                let most = if usage.quota.period == Period::InFlight { IN_FLIGHT } else { 0 };
                assert_eq!(usage.spent, 0, "nothing is spent in {}", usage.quota.id);
                assert!((0..=most).contains(&usage.held), "I1: {usage:?}");
                continue;
            }
            let Some(window) = window_of(settings, &usage.quota, self.latest) else { continue };
            assert_eq!(usage.window_start, window.start, "the running window");
            let scope = &usage.quota.scope;
            let counted = log().filter(|record| {
                let model = &record.metered_model_id;
                let who = who_of(record, provider_of(model).into());
                window.contains(record.charge_time) && covers(scope, &usage.subject_id, &who, model)
            });
            let spent: i64 = counted
                .map(|record| match usage.quota.unit {
                    Unit::Money => record.cost.nanos(),
                    Unit::Tokens => record::tokens_of(record),
                    Unit::Requests => i64::from(record.kind == RecordKind::Usage),
                    Unit::UncachedTokens => unreachable!("of rate limits alone"),
                })
                .sum();
            let of = format!("{} of {:?}", usage.quota.id, usage.subject_id);
            assert_eq!(usage.spent, spent, "I4: {of} is the sum of the log");
            // In which group a key was is not shown.
            if scope.kind != SubjectKind::KeyGroup && usage.quota.unit == Unit::Money {
                let holds = holds.entries.iter().filter(|view| {
                    let attribution = view.hold.attribution().unwrap_or_default();
                    let provider = provider_of(&view.model_id).into();
                    let who = Who { attribution, group: "".into(), provider };
                    view.live
                        && window.contains(view.hold.check_time)
                        && covers(scope, &usage.subject_id, &who, &view.model_id)
                });
                let held: Amount = holds.map(|view| view.hold.held).sum();
                assert_eq!(usage.held, held.nanos(), "I7: {of} holds what its holds took");
            }
        }
        self.assert_alerts(&disk, workspace, &usages);
    }

    fn assert_alerts(&self, disk: &Disk, workspace: &str, usages: &[tollgate::ledger::QuotaUsage]) {
        let mut latest = BTreeMap::new();
        let of_workspace = || disk.alerts.values().filter(|it| *it.workspace_id == *workspace);
        for stored in of_workspace() {
            let key = &stored.alert.key;
            let limit = (key.subject.clone(), key.alert_type, key.window_start, key.base_limit);
            let before = latest.insert(limit, key.threshold);
            let grows = before.is_none_or(|before| before < key.threshold);
            assert!(grows, "I14: once, and in order: {key:?} after {before:?}");
        }
        assert_large_records(disk, workspace);
        for usage in usages {
            let is_boosted = disk.boosts.keys().any(|(id, _)| id == workspace);
            let limit = usage.limit.filter(|_| !is_boosted && usage.spent > 0);
            for threshold in &usage.quota.thresholds {
                let reaches = |limit: i64| {
                    i128::from(usage.spent) * 100 >= i128::from(limit) * i128::from(*threshold)
                };
                if !limit.is_some_and(reaches) {
                    continue;
                }
                let is_raised = of_workspace().any(|stored| {
                    let key = &stored.alert.key;
                    let subject = AlertSubject::Quota {
                        quota_id: usage.quota.id.clone(),
                        kind: usage.quota.scope.kind,
                        subject_id: usage.subject_id.clone(),
                    };
                    let is_same =
                        (&key.subject, key.alert_type) == (&subject, AlertType::Threshold);
                    let is_of_limit = Some(key.base_limit) == usage.quota.limit;
                    is_same
                        && is_of_limit
                        && (key.window_start, key.threshold) == (usage.window_start, *threshold)
                });
                assert!(is_raised, "I14: {threshold} % is not raised: {usage:?}");
            }
        }
    }
}

/// Large are the entries that nobody makes by hand and that cost more than is named. Of each day
/// the first ten are told, then each power of ten.
fn assert_large_records(disk: &Disk, workspace: &str) {
    let mut count_by_day: BTreeMap<Time, i64> = BTreeMap::new();
    for record in disk.log.iter().filter(|record| *record.workspace_id == *workspace) {
        let is_made = matches!(record.kind, RecordKind::Usage | RecordKind::ExpiryCharge);
        let expected = (is_made && record.cost > LARGE).then_some(LARGE);
        assert_eq!(record.large_above, expected, "{record:?}");
        if expected.is_some() {
            *count_by_day.entry(large_record_day(record.record_time).start).or_default() += 1;
        }
    }
    let mut told: BTreeMap<Time, Vec<i64>> = BTreeMap::new();
    for stored in disk.alerts.values().filter(|it| *it.workspace_id == *workspace) {
        let key = &stored.alert.key;
        if key.alert_type == AlertType::LargeRecord {
            told.entry(key.window_start).or_default().push(key.base_limit);
        }
    }
    told.values_mut().for_each(|numbers| numbers.sort_unstable());
    let expected = count_by_day.into_iter();
    let expected = expected.map(|(day, count)| (day, alerted_large_records(count).collect()));
    assert_eq!(told, expected.collect(), "I14: large records are told by their numbers");
}

/// None where clocks that differ by seconds may see two.
fn window_of(settings: &Workspace, quota: &Quota, now: Time) -> Option<Span> {
    let window = match quota.period {
        Period::Hour => facts::whole_hour(settings, now),
        Period::Quarter => facts::quarter(settings, now),
        Period::Year => facts::year(settings, now),
        Period::Day => facts::day(settings, now),
        Period::Week => facts::week(settings, now),
        Period::Month => facts::month(settings, now),
        Period::Cycle => facts::cycle(settings, now),
        Period::UntilReset => return Some(Span { start: quota.window_start, end: None }),
        Period::InFlight | Period::Request => return None,
    };
    (!is_near_an_edge(window, now)).then(|| window.into())
}
