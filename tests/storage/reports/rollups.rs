//! Rollups and sums over windows, against naive sums.

use std::collections::HashMap;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tollgate::domain::attribution::Dimension;
use tollgate::domain::record::Record;
use tollgate::domain::time::{MICROS_PER_HOUR, MICROS_PER_MINUTE};
use tollgate::domain::{Amount, Time};
use tollgate::storage::rollup::{Derived, Difference, Folded, Grain};
use tollgate::storage::{Error, Store};

use crate::fixtures::{
    START, append_new, at, day_of, folded, odd_record, random_records, record, records,
};
use crate::world::World;

/// Folds what is in `log` up to `to`, in steps of `step`.
async fn fold(store: &dyn Store, log: &[Record], to: i64, step: i64) {
    let mut from = store.fold_cursor().await.unwrap().seq;
    while from < to {
        let next = (from + step).min(to);
        let part: Vec<Record> =
            log.iter().filter(|r| r.seq > from && r.seq <= next).cloned().collect();
        store.fold(at(from), at(next), &folded(&part)).await.unwrap();
        from = next;
    }
}

pub async fn folding_adds_and_moves_the_cursor(world: &World) {
    let store = world.store().await;
    let log = random_records(1, 300);
    append_new(&*store, &log).await;
    for (from, to) in [(0, 100), (100, 101), (101, 300)] {
        let rows = folded(&log[from..to]);
        let (from, to) = (from as i64, to as i64);
        for _again in 0..3 {
            store.fold(at(from), at(to), &rows).await.unwrap();
            assert_eq!(store.fold_cursor().await.unwrap().seq, to);
        }
        assert_eq!(store.verify_rollups(10).await.unwrap(), []);
    }
    // Gaps in `seq` leave nothing to add.
    store.fold(at(300), at(305), &Folded::default()).await.unwrap();
    assert_eq!(store.fold_cursor().await.unwrap().seq, 305);
}

pub async fn a_fold_from_elsewhere_is_refused(world: &World) {
    let store = world.store().await;
    let log = records(1..11);
    append_new(&*store, &log).await;
    store.fold(at(0), at(5), &folded(&log[..5])).await.unwrap();
    for (from, to) in [(0, 10), (4, 10), (6, 10), (0, 4)] {
        let refused = store.fold(at(from), at(to), &folded(&log[5..])).await;
        assert!(matches!(refused, Err(Error::Corrupt(_))), "{from} to {to}: {refused:?}");
        assert_eq!(store.fold_cursor().await.unwrap().seq, 5);
        assert_eq!(store.verify_rollups(10).await.unwrap(), []);
    }
    store.fold(at(5), at(10), &folded(&log[5..])).await.unwrap();
    assert_eq!(store.verify_rollups(10).await.unwrap(), []);
}

pub async fn a_rebuild_equals_the_fold(world: &World) {
    let store = world.store().await;
    let mut log = random_records(2, 400);
    log.push(odd_record(401));
    append_new(&*store, &log).await;
    fold(&*store, &log, 350, 37).await;
    assert_eq!(store.verify_rollups(10).await.unwrap(), []);
    for _again in 0..2 {
        store.rebuild_rollups().await.unwrap();
        assert_eq!(store.fold_cursor().await.unwrap().seq, 401);
        // Compared column by column with the log: so the fold and the rebuild sum up alike.
        assert_eq!(store.verify_rollups(10).await.unwrap(), []);
    }
    world.meddle("DELETE FROM rollups_by_hour WHERE dimension = 1").await;
    assert_ne!(store.verify_rollups(10).await.unwrap(), []);
    store.rebuild_rollups().await.unwrap();
    assert_eq!(store.verify_rollups(10).await.unwrap(), []);
}

pub async fn every_difference_is_found(world: &World) {
    let store = world.store().await;
    let log = records(1..4);
    append_new(&*store, &log).await;
    fold(&*store, &log, 2, 1).await;
    let columns = [
        "record_count",
        "error_count",
        "cancelled_count",
        "cost_nanos",
        "input",
        "cache_read",
        "cache_write_5m",
        "cache_write_1h",
        "output",
        "reasoning",
        "audio_input",
        "audio_output",
        "image_input",
        "image_output",
        "latency",
    ];
    let grains = [
        (Grain::Hour, "rollups_by_hour"),
        (Grain::Day, "rollups_by_day"),
        (Grain::DayByModel, "rollups_by_model"),
    ];
    for (index, column) in columns.into_iter().enumerate() {
        for (code, dimension) in Dimension::ALL.into_iter().enumerate() {
            // A column of each grain in turn, so that it does not take long.
            let (grain, table) = grains[(index + code) % 3];
            if dimension == Dimension::Tag
                || (grain == Grain::DayByModel && !dimension.is_by_model())
            {
                continue;
            }
            let add = |sign| {
                format!("UPDATE {table} SET {column} = {column} {sign} 1 WHERE dimension = {code}")
            };
            world.meddle(&add('+')).await;
            let expected = Difference {
                derived: Derived::Sums(grain),
                workspace_id: "w".to_owned(),
                dimension,
                value: dimension.value_of(&log[0]).to_owned(),
                start: Some(if grain == Grain::Hour { START } else { day_of(START) }),
                model_id: if grain == Grain::DayByModel { "model" } else { "" }.to_owned(),
                record_count: -i64::from(column == "record_count"),
                cost_nanos: -i64::from(column == "cost_nanos"),
            };
            assert_eq!(store.verify_rollups(10).await.unwrap(), [expected], "{column}");
            world.meddle(&add('-')).await;
        }
    }
    assert_eq!(store.verify_rollups(10).await.unwrap(), []);
}

pub async fn what_is_missing_and_what_is_too_much_is_found(world: &World) {
    let store = world.store().await;
    let tag = [("team".to_owned(), "blue".to_owned())];
    let mut log = records(1..4);
    log[0].attribution.tags = tag.into();
    append_new(&*store, &log).await;
    fold(&*store, &log, 3, 1).await;
    let (hour, day) = (Some(START), Some(day_of(START)));
    let sums = |grain| (Derived::Sums(grain), if grain == Grain::Hour { hour } else { day });
    let cases = [
        ("DELETE FROM rollups_by_hour WHERE dimension = 0", vec![(sums(Grain::Hour), 3)]),
        (
            "UPDATE rollups_by_day SET value = 'other' WHERE dimension = 1",
            vec![(sums(Grain::Day), -3), (sums(Grain::Day), 3)],
        ),
        (
            "UPDATE rollups_by_model SET model = 'other' WHERE dimension = 8",
            vec![(sums(Grain::DayByModel), 3), (sums(Grain::DayByModel), -3)],
        ),
        ("DELETE FROM rollups_by_model WHERE dimension = 12", vec![(sums(Grain::DayByModel), 1)]),
        ("DELETE FROM rollup_latencies WHERE dimension = 9", vec![((Derived::Latencies, day), 3)]),
        (
            "UPDATE rollup_latencies SET histogram = '240:1' WHERE dimension = 13",
            vec![((Derived::Latencies, day), 2)],
        ),
        ("UPDATE local_days SET last_time = last_time + 1", vec![((Derived::LocalDay, day), 0)]),
        ("UPDATE local_days SET day = day - 1", {
            let before = day.map(|day| day - 1);
            vec![((Derived::LocalDay, before), 0), ((Derived::LocalDay, day), 0)]
        }),
        ("DELETE FROM seen WHERE dimension = 1", vec![((Derived::Seen, None), 1)]),
        (
            "UPDATE seen SET value = 'other' WHERE dimension = 1",
            vec![((Derived::Seen, None), -1), ((Derived::Seen, None), 1)],
        ),
        (
            "UPDATE seen SET first_success_time = NULL WHERE dimension = 9",
            vec![((Derived::Seen, None), 0)],
        ),
        (
            "UPDATE seen SET first_time = first_time - 1 WHERE dimension = 9",
            vec![((Derived::Seen, None), 0)],
        ),
    ];
    for (meddling, expected) in cases {
        world.meddle(meddling).await;
        let found = store.verify_rollups(10).await.unwrap();
        let short: Vec<_> =
            found.iter().map(|of| ((of.derived, of.start), of.record_count)).collect();
        assert_eq!(short, expected, "{meddling}");
        assert_eq!(store.verify_rollups(1).await.unwrap(), found[..1]);
        assert_eq!(store.verify_rollups(0).await.unwrap(), []);
        store.rebuild_rollups().await.unwrap();
        assert_eq!(store.verify_rollups(10).await.unwrap(), []);
    }
}

pub async fn verify_sees_one_state_while_the_log_grows(world: &World) {
    let store = world.store().await;
    let writer = {
        let store = store.clone();
        tokio::spawn(async move {
            for number in 0..25 {
                let (from, to) = (number * 40, (number + 1) * 40);
                let batch = records(from + 1..to + 1);
                append_new(&*store, &batch).await;
                store.fold(at(from), at(to), &folded(&batch)).await.unwrap();
            }
        })
    };
    let mut verified = 0;
    while !writer.is_finished() || verified == 0 {
        assert_eq!(store.verify_rollups(10).await.unwrap(), []);
        verified += 1;
    }
    writer.await.unwrap();
}

fn naive(log: &[Record], workspace_id: &str, from: Time, to: Time) -> HashMap<String, Amount> {
    let mut spent = HashMap::new();
    for record in log {
        let within = from <= record.charge_time && record.charge_time < to;
        if within && &*record.workspace_id == workspace_id {
            *spent.entry(record.metered_model_id.to_string()).or_default() += record.cost;
        }
    }
    spent
}

pub async fn spent_equals_the_naive_sum(world: &World) {
    let store = world.store().await;
    let log = random_records(3, 1_500);
    append_new(&*store, &log).await;
    let mut random = StdRng::seed_from_u64(4);
    for folded in [0, 700, 1_400, 1_500] {
        fold(&*store, &log, folded, 311).await;
        let mut windows = vec![
            (START, START + 48 * MICROS_PER_HOUR),
            (Time::from_micros(i64::MIN), Time::from_micros(i64::MAX)),
            (START, START),
            (START + MICROS_PER_HOUR, START),
            (START + 30 * MICROS_PER_MINUTE, START + 90 * MICROS_PER_MINUTE),
            (START + MICROS_PER_HOUR, START + 2 * MICROS_PER_HOUR),
            (log[0].charge_time, log[0].charge_time + 1),
            (log[0].hour, log[0].charge_time),
            (log[0].charge_time, log[0].hour + MICROS_PER_HOUR),
        ];
        for _window in 0..60 {
            let from = START + random.random_range(-2..49) * MICROS_PER_HOUR;
            let odd = [0, 1, 15 * MICROS_PER_MINUTE, 1_234_567_890];
            let span =
                odd[random.random_range(0..4)] + random.random_range(0..50) * MICROS_PER_HOUR;
            let from = from + odd[random.random_range(0..4)];
            windows.push((from, from + span));
            // Shorter than any bucket.
            windows.push((from, from + random.random_range(0..2 * MICROS_PER_HOUR)));
        }
        for (from, to) in windows {
            for workspace_id in ["w-0", "w-1", "w-9"] {
                let spent = store.spent_by_model(workspace_id, from, to).await.unwrap();
                let expected = naive(&log, workspace_id, from, to);
                assert_eq!(spent, expected, "{workspace_id} {from:?} {to:?} folded {folded}");
            }
        }
    }
}

pub async fn spent_counts_models_that_cost_nothing(world: &World) {
    let store = world.store().await;
    let free = Record { cost: Amount::ZERO, metered_model_id: "free".into(), ..record(1) };
    append_new(&*store, std::slice::from_ref(&free)).await;
    let expected = HashMap::from([("free".to_owned(), Amount::ZERO)]);
    for _folded in 0..2 {
        let spent = store.spent_by_model("w", START, START + MICROS_PER_HOUR).await.unwrap();
        assert_eq!(spent, expected);
        store.fold(at(0), at(1), &folded(std::slice::from_ref(&free))).await.unwrap();
    }
}

/// A sum of whole numbers beyond 2⁵³, which a floating point sum would round.
pub async fn sums_are_exact_beyond_floating_point(world: &World) {
    let store = world.store().await;
    let large = Amount::from_nanos(100_000_000_000_000_001);
    let log: Vec<Record> =
        records(1..62).into_iter().map(|record| Record { cost: large, ..record }).collect();
    append_new(&*store, &log).await;
    let expected = HashMap::from([("model".to_owned(), Amount::from_nanos(large.nanos() * 61))]);
    for _folded in 0..2 {
        let spent = store.spent_by_model("w", START, START + MICROS_PER_HOUR).await.unwrap();
        assert_eq!(spent, expected);
        store.rebuild_rollups().await.unwrap();
    }
    assert_eq!(store.verify_rollups(10).await.unwrap(), []);
}
