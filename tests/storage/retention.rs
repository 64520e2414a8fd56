//! Dropping old entries: what is derived from them stays as it was, and is still verified.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tollgate::domain::backfill::ConsumptionQuery;
use tollgate::domain::quota::{Period, Quota};
use tollgate::domain::record::{Record, RecordKind};
use tollgate::domain::time::{MICROS_PER_DAY, MICROS_PER_HOUR};
use tollgate::domain::{Amount, Time};
use tollgate::storage::Store;
use tollgate::storage::settings::Change;

use crate::fixtures::{START, append_new, at, folded, put, put_in, record, records, workspace};
use crate::limits::quota;
use crate::reports::used::{log_of_subjects, naive_used, scopes, used};
use crate::world::World;

const ALL: (Time, Time) = (Time::from_micros(i64::MIN), Time::from_micros(i64::MAX));

/// Entries of a hundred days before [`START`], in days and hours of several zones.
fn long_log(seed: u64, count: i64) -> Vec<Record> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut log = log_of_subjects(seed, count);
    for record in &mut log {
        let back = random.random_range(0..100) * MICROS_PER_DAY;
        for time in [&mut record.charge_time, &mut record.hour, &mut record.day] {
            *time = *time - back;
        }
    }
    log
}

/// Every sum over a window equals that over the entries as they were.
async fn check_sums(store: &dyn Store, log: &[Record], (from, to): (Time, Time)) {
    for scope in scopes() {
        let query = ConsumptionQuery { scope, from, to };
        let expected = naive_used(log, "w-0", &query);
        assert_eq!(used(store, "w-0", &query).await, expected, "{query:?}");
    }
    let spent: i64 =
        store.spent_by_model("w-0", from, to).await.unwrap().values().map(|of| of.nanos()).sum();
    let within = |record: &&Record| {
        &*record.workspace_id == "w-0" && from <= record.charge_time && record.charge_time < to
    };
    assert_eq!(spent, log.iter().filter(within).map(|record| record.cost.nanos()).sum::<i64>());
}

/// Drops in small steps. Answers how many went.
async fn drop_all(store: &dyn Store, before: Time) -> usize {
    let mut dropped = 0;
    loop {
        let part = store.drop_records("w-0", before, 23).await.unwrap();
        assert!(part <= 23);
        dropped += part;
        if part < 23 {
            return dropped;
        }
    }
}

pub async fn what_is_derived_from_dropped_entries_stays(world: &World) {
    let store = world.store().await;
    put(&*store, Change::PutWorkspace(workspace("w-0"))).await;
    let mut log = long_log(21, 700);
    append_new(&*store, &log).await;
    store.fold(at(0), at(400), &folded(&log[..400])).await.unwrap();
    store.fold(at(400), at(600), &folded(&log[400..600])).await.unwrap();
    assert_eq!(store.dropped_before("w-0").await.unwrap(), None);

    let before = START - 30 * MICROS_PER_DAY;
    let goes = |record: &Record| {
        &*record.workspace_id == "w-0" && record.day < before && record.seq <= 600
    };
    let dropped = drop_all(&*store, before).await;
    assert_eq!(dropped, log.iter().filter(|record| goes(record)).count());
    assert!(dropped > 100);
    let left: Vec<Record> = log.iter().filter(|record| !goes(record)).cloned().collect();
    assert_eq!(store.records_after(0, 1_000).await.unwrap(), left);
    assert_eq!(store.dropped_before("w-0").await.unwrap(), Some(before));
    assert_eq!(store.dropped_before("w-1").await.unwrap(), None);

    check_sums(&*store, &log, ALL).await;
    // Two days later no window cuts through a dropped day, whatever the zone.
    let odd = 17 * MICROS_PER_HOUR + 1;
    check_sums(&*store, &log, (before + 2 * MICROS_PER_DAY, ALL.1)).await;
    check_sums(&*store, &log, (before + 3 * MICROS_PER_DAY + odd, START + odd)).await;
    assert_eq!(store.verify_rollups(10).await.unwrap(), []);

    // Earlier days than those are not remembered, and nothing goes twice.
    assert_eq!(drop_all(&*store, before - MICROS_PER_DAY).await, 0);
    assert_eq!(drop_all(&*store, before).await, 0);
    assert_eq!(store.dropped_before("w-0").await.unwrap(), Some(before));

    // A late correction of what was dropped, and entries that are not folded yet.
    let late = log.iter().position(goes).unwrap();
    log.push(Record {
        seq: 701,
        kind: RecordKind::Correction,
        cost: Amount::from_nanos(-77),
        revision: 1,
        ..log[late].clone()
    });
    append_new(&*store, &log[700..]).await;
    check_sums(&*store, &log, ALL).await;
    assert_eq!(store.verify_rollups(10).await.unwrap(), []);
    for _again in 0..2 {
        store.rebuild_rollups().await.unwrap();
        assert_eq!(store.fold_cursor().await.unwrap().seq, 701);
        check_sums(&*store, &log, ALL).await;
        assert_eq!(store.verify_rollups(10).await.unwrap(), []);
    }
    // More of the same days goes, now that it is folded.
    assert!(drop_all(&*store, before).await > 0);
    check_sums(&*store, &log, ALL).await;
    assert_eq!(store.verify_rollups(10).await.unwrap(), []);
}

pub async fn what_is_not_dropped_is_still_verified(world: &World) {
    let store = world.store().await;
    put(&*store, Change::PutWorkspace(workspace("w-0"))).await;
    let log = long_log(22, 300);
    append_new(&*store, &log).await;
    store.fold(at(0), at(300), &folded(&log)).await.unwrap();
    let before = START - 30 * MICROS_PER_DAY;
    drop_all(&*store, before).await;
    for table in ["rollups_by_day", "rollups_by_model", "rollups_by_hour", "rollup_latencies"] {
        let column = if table == "rollups_by_hour" { "hour" } else { "day" };
        // Hours of the dropped days reach at most two days further.
        let whole = (before + 2 * MICROS_PER_DAY).micros();
        world.meddle(&format!("DELETE FROM {table} WHERE {column} >= {whole}")).await;
        assert_ne!(store.verify_rollups(10).await.unwrap(), [], "{table}");
        store.rebuild_rollups().await.unwrap();
        assert_eq!(store.verify_rollups(10).await.unwrap(), [], "{table}");
        check_sums(&*store, &log, ALL).await;
    }
}

/// A window that only a reset ends may begin in the middle of a day.
pub async fn entries_around_the_beginning_of_a_window_are_kept(world: &World) {
    let store = world.store().await;
    put(&*store, Change::PutWorkspace(workspace("w-0"))).await;
    let log = long_log(23, 500);
    append_new(&*store, &log).await;
    store.fold(at(0), at(500), &folded(&log)).await.unwrap();
    let window_start = START - 60 * MICROS_PER_DAY + 5 * MICROS_PER_HOUR + 1;
    let other = START - 75 * MICROS_PER_DAY;
    for (id, period, window_start) in [
        ("until", Period::UntilReset, window_start),
        ("again", Period::UntilReset, window_start + MICROS_PER_DAY),
        ("daily", Period::Day, other),
    ] {
        let quota = Quota { period, window_start, ..quota(id) };
        put_in(&*store, "w-0", Change::PutQuota(quota)).await;
    }
    put_in(&*store, "w-1", Change::PutQuota(Quota { window_start: other, ..quota("foreign") }))
        .await;
    let before = START - 20 * MICROS_PER_DAY;
    assert!(drop_all(&*store, before).await > 0);
    let left = store.records_after(0, 1_000).await.unwrap();
    let old = left.iter().filter(|record| &*record.workspace_id == "w-0" && record.day < before);
    let days: Vec<i64> = old.map(|record| (record.day - window_start) / MICROS_PER_DAY).collect();
    assert!(!days.is_empty() && days.iter().all(|day| day.abs() <= 4), "{days:?}");
    for window in [window_start, window_start + MICROS_PER_DAY] {
        check_sums(&*store, &log, (window, ALL.1)).await;
    }
    check_sums(&*store, &log, ALL).await;
    assert_eq!(store.verify_rollups(10).await.unwrap(), []);
    store.rebuild_rollups().await.unwrap();
    check_sums(&*store, &log, (window_start, ALL.1)).await;
    check_sums(&*store, &log, ALL).await;
}

/// A server that starts on an empty log must not give positions out again: they would count as
/// folded.
pub async fn positions_of_dropped_entries_are_not_given_out_again(world: &World) {
    let store = world.store().await;
    put(&*store, Change::PutWorkspace(workspace("w"))).await;
    let log = records(1..4);
    append_new(&*store, &log).await;
    store.fold(at(0), at(3), &folded(&log)).await.unwrap();
    let before = START + 5 * MICROS_PER_DAY;
    assert_eq!(store.drop_records("w", before, 2).await.unwrap(), 2);
    assert_eq!(store.records_after(0, 10).await.unwrap(), [record(3)]);
    assert_eq!(store.drop_records("w", before, 2).await.unwrap(), 1);
    assert_eq!(store.last_seq().await.unwrap(), 3);
    assert_eq!(store.drop_records("nowhere", before, 2).await.unwrap(), 0);
}
