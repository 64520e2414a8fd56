//! Reports about users, names, and requests that were blocked or routed.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tollgate::domain::attribution::{Dimension, EntryKind};
use tollgate::domain::check::{LimitKey, RefusalCounts};
use tollgate::domain::time::MICROS_PER_HOUR;
use tollgate::domain::time::calendar::Window;
use tollgate::domain::usage::Outcome;
use tollgate::domain::{Amount, Time};
use tollgate::storage::Store;
use tollgate::storage::reports::{RefusalsQuery, RefusalsRow, ReportQuery, ReportResult, SignUp};
use tollgate::storage::rollup::{Folded, RefusalRow};

use crate::fixtures::{START, append_new, at, folded, record};
use crate::reports::ask;
use crate::world::World;

fn hour(number: i64) -> Time {
    START + number * MICROS_PER_HOUR
}

fn limits() -> [LimitKey; 6] {
    [
        LimitKey::Request,
        LimitKey::Envelope,
        LimitKey::ModelLimit("m".to_owned()),
        LimitKey::Quota("q".to_owned()),
        LimitKey::RateLimit("q".to_owned()),
        LimitKey::Rule("NO_PRICE".to_owned()),
    ]
}

fn refusals(seed: u64) -> Vec<RefusalRow> {
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut rows = BTreeMap::new();
    for _ in 0..800 {
        let texts = ["", "one", "zwö", "three"];
        let row = RefusalRow {
            workspace_id: if random.random_range(0..9) == 0 { "w-2" } else { "w" }.into(),
            // Also hours that begin at half past.
            hour: hour(random.random_range(0..72))
                + random.random_range(0..2) * MICROS_PER_HOUR / 2,
            limit: limits()[random.random_range(0..6)].clone(),
            model_id: texts[random.random_range(0..4)].to_owned(),
            user_id: texts[random.random_range(0..4)].to_owned(),
            counts: RefusalCounts {
                blocked_count: random.random_range(0..50),
                routed_count: random.random_range(1..50),
                blocked: Amount::from_nanos(random.random_range(0..9_000_000_000)),
                saved: Amount::from_nanos(random.random_range(-9_000_000_000..9_000_000_000)),
            },
        };
        let key = (row.workspace_id.clone(), row.hour, row.limit.clone());
        rows.insert((key, row.model_id.clone(), row.user_id.clone()), row);
    }
    rows.into_values().collect()
}

fn naive(rows: &[RefusalRow], question: &RefusalsQuery) -> Vec<RefusalsRow> {
    let mut groups = BTreeMap::new();
    let among = |only: &[String], text: &String| only.is_empty() || only.contains(text);
    for row in rows.iter().filter(|row| &*row.workspace_id == "w") {
        let window = question.windows.iter().position(|window| window.contains(row.hour));
        let Some(window) = window else { continue };
        let is_meant = match (question.by_limit, question.limits.as_slice()) {
            (false, []) => row.limit == LimitKey::Request,
            (true, []) => row.limit != LimitKey::Request,
            (_, limits) => limits.contains(&row.limit),
        };
        if !is_meant
            || !among(&question.models, &row.model_id)
            || !among(&question.users, &row.user_id)
        {
            continue;
        }
        let window = if question.by_window { window } else { 0 };
        let limit = if question.by_limit { row.limit.clone() } else { LimitKey::Request };
        let model_id = if question.by_model { row.model_id.clone() } else { String::new() };
        let user_id = if question.by_user { row.user_id.clone() } else { String::new() };
        let key = (window, limit, model_id, user_id);
        let counts: &mut RefusalCounts = groups.entry(key).or_default();
        counts.blocked_count += row.counts.blocked_count;
        counts.routed_count += row.counts.routed_count;
        counts.blocked += row.counts.blocked;
        counts.saved += row.counts.saved;
    }
    let row = |((window, limit, model_id, user_id), counts): (_, RefusalCounts)| RefusalsRow {
        window,
        limit,
        model_id,
        user_id,
        blocked_count: counts.blocked_count,
        routed_count: counts.routed_count,
        blocked: counts.blocked,
        saved: counts.saved,
    };
    groups.into_iter().map(row).collect()
}

pub async fn refusals_equal_the_naive_sums(world: &World) {
    let store = world.store().await;
    let rows = refusals(1);
    let folded = Folded { refusals: rows.clone(), ..Folded::default() };
    store.fold(at(0), at(1), &folded).await.unwrap();
    let mut random = StdRng::seed_from_u64(2);
    for _ in 0..150 {
        let first = random.random_range(-2..70);
        let length = random.random_range(1..30);
        let windows = (first..first + random.random_range(1..6))
            .map(|n| Window { start: hour(n * length), end: hour((n + 1) * length) });
        let mut some = |all: &[&str]| -> Vec<String> {
            let count = random.random_range(0..all.len());
            all[..count].iter().map(|text| (*text).to_owned()).collect()
        };
        let (models, users) = (some(&["", "one", "none"]), some(&["zwö", "", "one"]));
        let limits = match random.random_range(0..3) {
            0 => limits()[random.random_range(0..6)..].to_vec(),
            _ => Vec::new(),
        };
        let question = RefusalsQuery {
            by_limit: random.random_range(0..2) == 0,
            by_model: random.random_range(0..2) == 0,
            by_user: random.random_range(0..2) == 0,
            models,
            users,
            limits,
            windows: windows.collect(),
            by_window: random.random_range(0..2) == 0,
        };
        let ReportResult::Refusals(found) =
            ask(&*store, ReportQuery::Refusals(question.clone())).await
        else {
            panic!("not refusals");
        };
        assert_eq!(found, naive(&rows, &question), "{question:?}");
    }
}

/// What many blocked requests would have cost is more than an amount can say.
pub async fn refusals_that_cost_too_much_are_bounded(world: &World) {
    let store = world.store().await;
    let row = |number| RefusalRow {
        workspace_id: "w".into(),
        hour: hour(number),
        limit: LimitKey::Request,
        model_id: String::new(),
        user_id: String::new(),
        counts: RefusalCounts {
            blocked_count: 1,
            routed_count: 1,
            blocked: Amount::from_nanos(100_000_000_000_000_000),
            saved: Amount::from_nanos(-100_000_000_000_000_000),
        },
    };
    let refusals = (0..200).map(row).collect();
    let folded = Folded { refusals, ..Folded::default() };
    store.fold(at(0), at(1), &folded).await.unwrap();
    let question = RefusalsQuery {
        by_limit: false,
        by_model: false,
        by_user: false,
        models: Vec::new(),
        users: Vec::new(),
        limits: Vec::new(),
        windows: vec![Window { start: hour(0), end: hour(200) }],
        by_window: false,
    };
    let ReportResult::Refusals(rows) = ask(&*store, ReportQuery::Refusals(question)).await else {
        panic!("not refusals");
    };
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].blocked_count, rows[0].routed_count), (200, 200));
    assert_eq!(rows[0].blocked, Amount::from_nanos(i64::MAX));
    assert_eq!(rows[0].saved, Amount::from_nanos(i64::MIN));
}

/// Writes an entry of the directory: hours of creation, sign-up, first value and archiving.
async fn register(world: &World, id: &str, times: [Option<i64>; 4]) {
    let time = |hours: Option<i64>| {
        hours.map_or("NULL".to_owned(), |hours| hour(hours).micros().to_string())
    };
    let [create, sign_up, first_value, archive] = times.map(time);
    world
        .meddle(&format!(
            "INSERT INTO directory VALUES ('w', 0, '{id}', 'Name of {id}', 'd', 'x-{id}', \
             {sign_up}, {first_value}, {create}, {create}, {archive})"
        ))
        .await;
}

/// Usage of one user each: hour and outcome.
async fn use_as(store: &dyn Store, uses: &[(&str, i64, Outcome)]) {
    let mut log = Vec::new();
    for (seq, (user_id, hours, outcome)) in (1..).zip(uses) {
        let mut record = record(seq);
        record.charge_time = hour(*hours);
        record.hour = record.charge_time;
        record.outcome = *outcome;
        record.attribution.user_id = (*user_id).to_owned();
        log.push(record);
    }
    append_new(store, &log).await;
    store.fold(at(0), at(log.len() as i64), &folded(&log)).await.unwrap();
}

pub async fn users_are_known_from_when_they_are_registered_or_seen(world: &World) {
    let store = world.store().await;
    register(world, "registered", [Some(5), None, None, None]).await;
    register(world, "imported", [Some(20), Some(3), None, None]).await;
    register(world, "archived", [Some(2), Some(2), None, Some(10)]).await;
    register(world, "used-and-archived", [Some(2), None, None, Some(10)]).await;
    register(world, "used-before", [Some(15), Some(15), None, None]).await;
    world
        .meddle(
            "INSERT INTO directory SELECT 'w-2', kind, id, display_name, department_id, \
        external_id, sign_up_time, first_value_time, create_time, update_time, archive_time \
        FROM directory",
        )
        .await;
    let success = Outcome::Success;
    let uses = [
        ("seen", 4, success),
        ("used-and-archived", 3, success),
        ("used-before", 8, success),
        ("", 1, success),
        ("seen", 6, success),
    ];
    use_as(&*store, &uses).await;
    for (hours, expected) in [
        (0, vec![]),
        (2, vec![]),
        (3, vec!["archived", "used-and-archived"]),
        (4, vec!["archived", "used-and-archived", "imported"]),
        (5, vec!["archived", "used-and-archived", "imported", "seen"]),
        (9, vec!["archived", "used-and-archived", "imported", "seen", "registered", "used-before"]),
        (10, vec!["imported", "seen", "registered", "used-before"]),
        (30, vec!["imported", "seen", "registered", "used-before"]),
    ] {
        let times = vec![hour(hours), hour(0)];
        let question = ReportQuery::Known(EntryKind::User, times);
        let ReportResult::Known(counts) = ask(&*store, question).await else {
            panic!("not counts");
        };
        assert_eq!(counts, [expected.len() as i64, 0], "{hours} {expected:?}");
    }
}

pub async fn sign_ups_come_with_first_value_and_last_use(world: &World) {
    let store = world.store().await;
    register(world, "b", [Some(1), Some(5), None, None]).await;
    register(world, "a", [Some(1), Some(5), Some(9), None]).await;
    register(world, "c", [Some(1), Some(9), None, None]).await;
    register(world, "archived", [Some(1), Some(5), None, Some(7)]).await;
    register(world, "late", [Some(1), Some(10), None, None]).await;
    register(world, "unsaid", [Some(6), None, None, None]).await;
    world.meddle("UPDATE directory SET department_id = 'e' WHERE id = 'c'").await;
    use_as(
        &*store,
        &[
            ("a", 7, Outcome::Success),
            ("b", 7, Outcome::Error),
            ("b", 12, Outcome::Success),
            ("b", 10, Outcome::Success),
            ("c", 3, Outcome::Cancelled),
        ],
    )
    .await;
    let user = |id: &str, sign_up, first_value: Option<i64>, last_use| SignUp {
        user_id: id.to_owned(),
        display_name: format!("Name of {id}"),
        department_id: if id == "c" { "e" } else { "d" }.to_owned(),
        external_id: format!("x-{id}"),
        sign_up_time: hour(sign_up),
        first_value_time: first_value.map(hour),
        last_use_time: Some(hour(last_use)),
    };
    let (a, b) = (user("a", 5, Some(9), 7), user("b", 5, Some(10), 12));
    let c = user("c", 9, None, 3);
    for (department_id, expected) in [
        (None, vec![a.clone(), b.clone(), c.clone()]),
        (Some("d"), vec![a, b]),
        (Some("e"), vec![c]),
        (Some(""), vec![]),
    ] {
        let window = Window { start: hour(5), end: hour(10) };
        let department_id = department_id.map(str::to_owned);
        let question = ReportQuery::SignUps { window, department_id };
        let ReportResult::SignUps(users) = ask(&*store, question).await else {
            panic!("not sign-ups")
        };
        assert_eq!(users, expected);
    }
}

pub async fn names_are_those_of_the_directory_keys_and_models(world: &World) {
    let store = world.store().await;
    for (place, dimension) in [
        ("directory (kind, department_id, external_id", Dimension::User),
        ("directory (kind, department_id, external_id", Dimension::Investigation),
        ("api_keys (allowed_model_ids, disabled", Dimension::ApiKey),
        ("key_groups (", Dimension::KeyGroup),
        ("models (provider, capabilities, aliases, source", Dimension::Model),
    ] {
        let name = dimension.as_str();
        let own = match dimension {
            Dimension::User => "0, '', ''",
            Dimension::Investigation => "6, '', ''",
            Dimension::ApiKey => "'[]', FALSE",
            Dimension::Model => "'p', '[]', '[]', 0",
            _ => "",
        };
        let comma = if own.is_empty() { "" } else { ", " };
        for (id, shown) in
            [("a", format!("The {name}")), ("b", String::new()), ("c", "C".to_owned())]
        {
            let (columns, values) = match dimension {
                Dimension::Model => ("", String::new()),
                _ => ("workspace_id, create_time, ", "'w', 1, ".to_owned()),
            };
            world
                .meddle(&format!(
                    "INSERT INTO {place}{comma}{columns}update_time, id, display_name) \
                     VALUES ({own}{comma}{values}1, '{id}', '{shown}')"
                ))
                .await;
        }
        let ids = ["c", "b", "a", "d", "a"].map(str::to_owned).to_vec();
        let ReportResult::Names(names) = ask(&*store, ReportQuery::Names(dimension, ids)).await
        else {
            panic!("not names");
        };
        let expected = [("a".to_owned(), format!("The {name}")), ("c".to_owned(), "C".to_owned())];
        assert_eq!(names, expected, "{name}");
    }
    let ids: Vec<String> = (0..2_500).map(|number| format!("id-{number}")).collect();
    for dimension in [Dimension::User, Dimension::Session, Dimension::Workspace] {
        let answer = ask(&*store, ReportQuery::Names(dimension, ids.clone())).await;
        assert!(matches!(answer, ReportResult::Names(names) if names.is_empty()));
    }
}
