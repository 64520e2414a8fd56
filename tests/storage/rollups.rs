//! Rollups and sums over windows, against naive sums.

use std::collections::HashMap;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tollgate::ledger::record::Record;
use tollgate::ledger::time::{MICROS_PER_HOUR, MICROS_PER_MINUTE};
use tollgate::ledger::{Amount, Time};
use tollgate::storage::rollup::Dimension;
use tollgate::storage::{Difference, Error, Store};

use crate::fixtures::{START, append_new, odd_record, random_records, record, records, rollups};
use crate::world::World;

/// Folds what is in `log` up to `to`, in steps of `step`.
async fn fold(store: &dyn Store, log: &[Record], to: i64, step: i64) {
    let mut from = store.fold_cursor().await.unwrap();
    while from < to {
        let next = (from + step).min(to);
        let part: Vec<Record> =
            log.iter().filter(|r| r.seq > from && r.seq <= next).cloned().collect();
        store.fold(from, next, &rollups(&part)).await.unwrap();
        from = next;
    }
}

pub async fn folding_adds_and_moves_the_cursor(world: &World) {
    let store = world.store().await;
    let log = random_records(1, 300);
    append_new(&*store, &log).await;
    for (from, to) in [(0, 100), (100, 101), (101, 300)] {
        let rows = rollups(&log[from..to]);
        let (from, to) = (from as i64, to as i64);
        for _again in 0..3 {
            store.fold(from, to, &rows).await.unwrap();
            assert_eq!(store.fold_cursor().await.unwrap(), to);
        }
        assert_eq!(store.verify_rollups(10).await.unwrap(), []);
    }
    // Gaps in `seq` leave nothing to add.
    store.fold(300, 305, &[]).await.unwrap();
    assert_eq!(store.fold_cursor().await.unwrap(), 305);
}

pub async fn a_fold_from_elsewhere_is_refused(world: &World) {
    let store = world.store().await;
    let log = records(1..11);
    append_new(&*store, &log).await;
    store.fold(0, 5, &rollups(&log[..5])).await.unwrap();
    for (from, to) in [(0, 10), (4, 10), (6, 10), (0, 4)] {
        let refused = store.fold(from, to, &rollups(&log[5..])).await;
        assert!(matches!(refused, Err(Error::Corrupt(_))), "{from} to {to}: {refused:?}");
        assert_eq!(store.fold_cursor().await.unwrap(), 5);
        assert_eq!(store.verify_rollups(10).await.unwrap(), []);
    }
    store.fold(5, 10, &rollups(&log[5..])).await.unwrap();
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
        assert_eq!(store.fold_cursor().await.unwrap(), 401);
        // Compared column by column with the log: so the fold and the rebuild sum up alike.
        assert_eq!(store.verify_rollups(10).await.unwrap(), []);
    }
    world.meddle("DELETE FROM rollups WHERE dimension = 'user'").await;
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
    for column in columns {
        for dimension in Dimension::ALL {
            let name = dimension.as_str();
            let add = |sign| {
                format!(
                    "UPDATE rollups SET {column} = {column} {sign} 1 WHERE dimension = '{name}'"
                )
            };
            world.meddle(&add('+')).await;
            let value = if dimension == Dimension::User { "user" } else { "" };
            let expected = Difference {
                workspace_id: "w".to_owned(),
                dimension,
                value: value.to_owned(),
                hour: START,
                model_id: "model".to_owned(),
                record_count: -i64::from(column == "record_count"),
                cost_nanos: -i64::from(column == "cost_nanos"),
            };
            assert_eq!(store.verify_rollups(10).await.unwrap(), [expected], "{column}");
            world.meddle(&add('-')).await;
        }
    }
    assert_eq!(store.verify_rollups(10).await.unwrap(), []);

    // Buckets that are missing, and buckets of nothing.
    world.meddle("DELETE FROM rollups WHERE dimension = 'workspace'").await;
    world.meddle("UPDATE rollups SET value = 'other' WHERE dimension = 'user'").await;
    world.meddle("UPDATE rollups SET model = 'other' WHERE dimension = 'project'").await;
    let found = store.verify_rollups(10).await.unwrap();
    let counts: Vec<i64> = found.iter().map(|difference| difference.record_count).collect();
    assert_eq!(counts, [2, -2, 2, 2, -2]);
    let last = [("project", "model"), ("project", "other")];
    let models = found[3..].iter().map(|d| (d.dimension.as_str(), d.model_id.as_str()));
    assert_eq!(models.collect::<Vec<_>>(), last);
    assert_eq!(store.verify_rollups(2).await.unwrap(), found[..2]);
    assert_eq!(store.verify_rollups(0).await.unwrap(), []);
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
                store.fold(from, to, &rollups(&batch)).await.unwrap();
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
        store.fold(0, 1, &rollups(std::slice::from_ref(&free))).await.unwrap();
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
