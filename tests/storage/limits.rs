//! Quotas, rate limits, keys, groups and boosts: what comes back, and lists of them.

use tollgate::domain::Time;
use tollgate::domain::api_key::{ApiKey, KeyGroup};
use tollgate::domain::attribution::SubjectKind;
use tollgate::domain::boost::{Boost, BoostTarget};
use tollgate::domain::quota::{Enforcement, Period, Quota, Scope, Unit};
use tollgate::domain::rate_limit::{RateBound, RateLimit, RateWindow};
use tollgate::storage::Store;
use tollgate::storage::settings::{BoostFilter, Change, LimitFilter};

use crate::fixtures::{START, put_in};
use crate::world::World;

const HOUR: i64 = 3_600_000_000;

pub fn scope(kind: SubjectKind, subject_id: Option<&str>, model_id: Option<&str>) -> Scope {
    Scope { kind, subject_id: subject_id.map(Into::into), model_id: model_id.map(Into::into) }
}

pub fn quota(id: &str) -> Quota {
    Quota {
        id: id.into(),
        display_name: "Quota".to_owned(),
        scope: scope(SubjectKind::User, None, None),
        unit: Unit::Money,
        period: Period::Day,
        limit: Some(2_000_000_000),
        enforcement: Enforcement::Hard,
        thresholds: vec![50, 80, 100],
        window_start: START,
        create_time: START,
        update_time: START + 1,
    }
}

pub fn rate_limit(id: &str) -> RateLimit {
    RateLimit {
        id: id.into(),
        display_name: "Rate limit".to_owned(),
        scope: scope(SubjectKind::ApiKey, Some("k"), None),
        bounds: vec![
            RateBound::new(Unit::Requests, RateWindow::Minute, 60),
            RateBound::new(Unit::Requests, RateWindow::Day, 10_000),
        ],
        enforcement: Enforcement::Hard,
        create_time: START,
        update_time: START + 1,
    }
}

pub fn api_key(id: &str) -> ApiKey {
    ApiKey {
        id: id.into(),
        display_name: "Key".to_owned(),
        key_group_id: None,
        allowed_model_ids: vec![],
        disabled: false,
        expire_time: None,
        create_time: START,
        update_time: START + 1,
    }
}

pub fn key_group(id: &str) -> KeyGroup {
    KeyGroup {
        id: id.into(),
        display_name: "Group".to_owned(),
        create_time: START,
        update_time: START + 1,
    }
}

/// Of the envelope, for an hour.
pub fn boost(id: &str) -> Boost {
    Boost {
        id: id.into(),
        target: BoostTarget::Envelope,
        amount: 1_000,
        start_time: START,
        end_time: START + HOUR,
        reason: "\"Demo\" day".to_owned(),
        actor: "actor".to_owned(),
        create_time: START - 1,
        cancel_time: None,
    }
}

pub async fn quotas_of_all_kinds_come_back(world: &World) {
    let store = world.store().await;
    let mut all = Vec::new();
    let periods = [Period::Day, Period::Week, Period::Month, Period::Cycle, Period::UntilReset];
    let units = [Unit::Money, Unit::Tokens, Unit::Requests];
    let enforcements =
        [Enforcement::Hard, Enforcement::Soft, Enforcement::Downgrade, Enforcement::Shadow];
    for (number, kind) in SubjectKind::ALL.into_iter().enumerate() {
        let subject_id = [None, Some(""), Some("Ü'%")][number % 3];
        all.push(Quota {
            scope: scope(kind, subject_id, [None, Some("m")][number % 2]),
            unit: units[number % 3],
            period: periods[number % 5],
            limit: [None, Some(0), Some(i64::MAX)][number % 3],
            enforcement: enforcements[number % 4],
            thresholds: [vec![], vec![1, 1_000]][number % 2].clone(),
            ..quota(&format!("q{number:02}"))
        });
    }
    for quota in all.iter().rev() {
        put_in(&*store, "w", Change::PutQuota(quota.clone())).await;
    }
    assert_eq!(store.limit_config("w", START).await.unwrap().quotas, all);
    assert_eq!(store.quotas("w", &LimitFilter::default(), "", 100).await.unwrap(), all);
    assert_eq!(store.quotas("v", &LimitFilter::default(), "", 100).await.unwrap(), []);
}

pub async fn rate_limits_and_keys_come_back(world: &World) {
    let store = world.store().await;
    let limits = [
        rate_limit("a"),
        RateLimit {
            scope: scope(SubjectKind::Workspace, Some(""), Some("m")),
            bounds: vec![RateBound::new(Unit::Tokens, RateWindow::Minute, 0)],
            enforcement: Enforcement::Shadow,
            ..rate_limit("b")
        },
    ];
    let keys = [
        api_key("a"),
        ApiKey {
            key_group_id: Some("g".into()),
            allowed_model_ids: vec!["m".into(), "n\"".into()],
            disabled: true,
            expire_time: Some(START - 7),
            ..api_key("b")
        },
    ];
    for limit in &limits {
        put_in(&*store, "w", Change::PutRateLimit(limit.clone())).await;
    }
    for key in &keys {
        put_in(&*store, "w", Change::PutApiKey(key.clone())).await;
    }
    let policy = store.limit_config("w", START).await.unwrap();
    assert_eq!((policy.rate_limits, policy.api_keys), (limits.to_vec(), keys.to_vec()));

    // Moved out of its group, and everything that was optional taken away.
    put_in(&*store, "w", Change::PutApiKey(api_key("b"))).await;
    let policy = store.limit_config("w", START).await.unwrap();
    assert_eq!(policy.api_keys, [api_key("a"), api_key("b")]);
}

pub async fn rules_are_listed_in_pages_and_filtered(world: &World) {
    let store = world.store().await;
    let (user, key) = (SubjectKind::User, SubjectKind::ApiKey);
    for (id, kind, subject_id, model_id) in [
        ("a", user, None, None),
        ("b", user, Some("x"), None),
        ("c", user, Some("x"), Some("m")),
        ("d", key, Some("x"), None),
        ("e", key, None, Some("m")),
        ("f", SubjectKind::Workspace, Some(""), None),
    ] {
        let scope = scope(kind, subject_id, model_id);
        let changes = [
            Change::PutQuota(Quota { scope: scope.clone(), ..quota(id) }),
            Change::PutRateLimit(RateLimit { scope, ..rate_limit(id) }),
        ];
        store.change("w", &changes, &[]).await.unwrap();
    }
    let subject_id = |name: &str| Some(name.to_owned());
    let all = LimitFilter::default();
    let of_user = LimitFilter { kind: Some(user), ..all.clone() };
    for (filter, expected) in [
        (all.clone(), "abcdef"),
        (of_user.clone(), "abc"),
        (LimitFilter { subject_id: subject_id("x"), ..all.clone() }, "bcd"),
        (LimitFilter { subject_id: subject_id("x"), ..of_user.clone() }, "bc"),
        (LimitFilter { model_id: subject_id("m"), ..all.clone() }, "ce"),
        (LimitFilter { subject_id: subject_id(""), ..all.clone() }, "f"),
        (LimitFilter { model_id: subject_id("m"), subject_id: subject_id("x"), ..of_user }, "c"),
        (LimitFilter { subject_id: subject_id("X"), ..all }, ""),
    ] {
        let (mut quotas, mut limits) = (String::new(), String::new());
        loop {
            let after = quotas.chars().last().map(String::from).unwrap_or_default();
            let page = store.quotas("w", &filter, &after, 2).await.unwrap();
            let same = store.rate_limits("w", &filter, &after, 2).await.unwrap();
            if page.is_empty() {
                break;
            }
            quotas.extend(page.iter().map(|quota| &*quota.id));
            limits.extend(same.iter().map(|limit| &*limit.id));
        }
        assert_eq!((quotas.as_str(), limits.as_str()), (expected, expected), "{filter:?}");
    }
}

pub async fn keys_and_groups_are_listed_in_pages(world: &World) {
    let store = world.store().await;
    for (id, group) in [("a", None), ("b", Some("g")), ("c", Some("h")), ("d", Some("g"))] {
        let key = ApiKey { key_group_id: group.map(Into::into), ..api_key(id) };
        let changes = [Change::PutApiKey(key), Change::PutKeyGroup(key_group(id))];
        store.change("w", &changes, &[]).await.unwrap();
    }
    let keys = async |group: Option<&str>, after: &str, limit: usize| {
        let keys = store.api_keys("w", group, after, limit).await.unwrap();
        keys.iter().map(|key| &*key.id).collect::<String>()
    };
    assert_eq!(keys(None, "", 3).await, "abc");
    assert_eq!(keys(None, "c", 3).await, "d");
    assert_eq!(keys(Some("g"), "", 1).await, "b");
    assert_eq!(keys(Some("g"), "b", 9).await, "d");
    assert_eq!(keys(Some(""), "", 9).await, "");
    assert_eq!(keys(None, "", 0).await, "");
    let groups = store.key_groups("w", "a", 2).await.unwrap();
    assert_eq!(groups, [key_group("b"), key_group("c")]);
    assert_eq!(store.key_groups("v", "", 2).await.unwrap(), []);
}

pub async fn boosts_come_back_and_those_that_are_over_are_left_out(world: &World) {
    let store = world.store().await;
    let of_one = BoostTarget::Quota { quota_id: "q".into(), subject_id: Some("u".into()) };
    let of_all = BoostTarget::Quota { quota_id: "q".into(), subject_id: None };
    let all = [
        boost("a"),
        Boost { target: of_one, end_time: START + 2 * HOUR, ..boost("b") },
        Boost { target: of_all, cancel_time: Some(START + 5), ..boost("c") },
        Boost { start_time: START + HOUR, end_time: START + 3 * HOUR, ..boost("d") },
    ];
    for boost in all.iter().rev() {
        put_in(&*store, "w", Change::PutBoost(boost.clone())).await;
    }
    for boost in &all {
        assert_eq!(store.boost("w", &boost.id).await.unwrap().as_ref(), Some(boost));
    }
    assert_eq!(store.boost("v", "a").await.unwrap(), None);
    let live = async |now: Time| {
        let policy = store.limit_config("w", now).await.unwrap();
        policy.boosts.iter().map(|boost| &*boost.id).collect::<String>()
    };
    assert_eq!(live(START).await, "abd");
    assert_eq!(live(START + HOUR - 1).await, "abd");
    assert_eq!(live(START + HOUR).await, "bd", "it is over at its end");
    assert_eq!(live(START + 3 * HOUR).await, "");
}

pub async fn boosts_are_listed_by_target(world: &World) {
    let store = world.store().await;
    for (id, quota_id, start) in [
        ("a", None, 5),
        ("b", Some("q"), 1),
        ("c", Some("p"), 7),
        ("d", None, 5),
        ("e", Some("q"), 9),
    ] {
        let target = match quota_id {
            Some(id) => BoostTarget::Quota { quota_id: id.into(), subject_id: None },
            None => BoostTarget::Envelope,
        };
        let boost = Boost { target, start_time: START + start, ..boost(id) };
        put_in(&*store, "w", Change::PutBoost(boost)).await;
    }
    for (filter, expected) in [
        (BoostFilter::Envelope, "da"),
        (BoostFilter::Quotas, "ecb"),
        (BoostFilter::Quota("q".to_owned()), "eb"),
        (BoostFilter::Quota("none".to_owned()), ""),
    ] {
        assert_eq!(listed(&*store, &filter, 100).await, expected, "{filter:?}");
        assert_eq!(listed(&*store, &filter, 1).await, expected, "{filter:?}, page by page");
    }
    assert_eq!(store.boosts("v", &BoostFilter::Quotas, None, 10).await.unwrap(), []);
}

async fn listed(store: &dyn Store, filter: &BoostFilter, page: usize) -> String {
    let mut ids = String::new();
    let mut after = None;
    loop {
        let found = store.boosts("w", filter, after, page).await.unwrap();
        let Some(last) = found.last() else { return ids };
        after = Some((last.start_time, last.id.to_string()));
        ids.extend(found.iter().map(|boost| &*boost.id));
    }
}
