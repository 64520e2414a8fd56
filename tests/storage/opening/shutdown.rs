//! The shutdown snapshot, and how the previous owner has ended.

use tollgate::domain::backfill::RateCounts;
use tollgate::domain::quota::Unit;
use tollgate::domain::rate_limit::RateWindow;
use tollgate::storage::PreviousOwner;
use tollgate::storage::settings::Change;
use tollgate::storage::shutdown::{StoredCrash, StoredRate};

use crate::fixtures::{START, append_new, hold, put_in, record, workspace};
use crate::world::World;

pub fn rate(rate_limit_id: &str, subject_id: &str) -> StoredRate {
    StoredRate {
        workspace_id: "w".into(),
        counts: RateCounts {
            rate_limit_id: rate_limit_id.into(),
            span: RateWindow::Minute,
            unit: Unit::Requests,
            subject_id: subject_id.into(),
            buckets: vec![(29_497_000, 3), (29_497_001, 0), (i64::MAX, i64::MIN)],
        },
    }
}

pub async fn counts_come_back_until_they_are_deleted(world: &World) {
    let store = world.store().await;
    let with = |rate: &StoredRate, span, unit| StoredRate {
        counts: RateCounts { span, unit, ..rate.counts.clone() },
        ..rate.clone()
    };
    let base = rate("b", "m");
    let mut empty = rate("b", "n");
    empty.counts.buckets.clear();
    let sorted = [
        rate("a", "z"),
        rate("b", ""),
        with(&base, RateWindow::Minute, Unit::Tokens),
        base.clone(),
        with(&base, RateWindow::Day, Unit::Requests),
        empty,
    ];
    let foreign = StoredRate { workspace_id: "v".into(), ..base.clone() };
    let mut all = sorted.to_vec();
    all.push(foreign.clone());
    all.reverse();
    for _again in 0..2 {
        store.save_snapshot(&[], &all, &[]).await.unwrap();
        assert_eq!(store.rate_counts("w").await.unwrap(), sorted);
    }
    let mut replaced = base;
    replaced.counts.buckets = vec![(1, 1)];
    store.save_snapshot(&[hold("h")], std::slice::from_ref(&replaced), &[]).await.unwrap();
    assert_eq!(store.rate_counts("w").await.unwrap()[3], replaced);
    assert_eq!(store.snapshot_workspaces().await.unwrap(), ["v", "w"]);
    for _again in 0..2 {
        store.delete_snapshot("w", false).await.unwrap();
        assert_eq!(store.rate_counts("w").await.unwrap(), []);
        assert_eq!(store.holds("w").await.unwrap(), []);
        assert_eq!(store.snapshot_workspaces().await.unwrap(), ["v"]);
    }
    assert_eq!(store.rate_counts("v").await.unwrap(), [foreign]);
    store.delete_snapshot("v", false).await.unwrap();
    assert!(store.snapshot_workspaces().await.unwrap().is_empty());
}

/// By a workspace of holds, one of counts, and one of both.
pub async fn a_workspace_is_listed_once_whatever_was_saved(world: &World) {
    let store = world.store().await;
    let of = |id: &str| StoredRate { workspace_id: id.into(), ..rate("r", "m") };
    let mut holds = [hold("1"), hold("2")];
    holds[0].workspace_id = "a".into();
    holds[1].workspace_id = "b".into();
    store.save_snapshot(&holds, &[of("c"), of("b")], &[]).await.unwrap();
    assert_eq!(store.snapshot_workspaces().await.unwrap(), ["a", "b", "c"]);
}

/// By a workspace of nothing else, and with others of the same crash and of another.
pub async fn crashes_come_back_until_they_are_deleted(world: &World) {
    let store = world.store().await;
    for id in ["a", "b", "c", "d"] {
        put_in(&*store, id, Change::PutWorkspace(workspace(id))).await;
    }
    let crash = |id: &str, time| StoredCrash { workspace_id: id.into(), time };
    let crashes =
        [crash("a", START), crash("gone", START), crash("b", START + 1), crash("c", START)];
    for _again in 0..2 {
        store.save_snapshot(&[], &[], &crashes).await.unwrap();
        for (id, expected) in
            [("a", Some(START)), ("b", Some(START + 1)), ("c", Some(START)), ("d", None)]
        {
            assert_eq!(store.crash_time(id).await.unwrap(), expected, "{id}");
        }
    }
    assert_eq!(store.crash_time("gone").await.unwrap(), None);
    store.save_snapshot(&[], &[], &[crash("b", START + 2)]).await.unwrap();
    assert_eq!(store.crash_time("b").await.unwrap(), Some(START + 2));
    // What is set of a workspace does not touch it.
    put_in(&*store, "a", Change::PutWorkspace(workspace("a"))).await;
    assert_eq!(store.snapshot_workspaces().await.unwrap(), ["a", "b", "c"]);
    for _again in 0..2 {
        store.delete_snapshot("b", false).await.unwrap();
        assert_eq!(store.crash_time("b").await.unwrap(), None);
        assert_eq!(store.snapshot_workspaces().await.unwrap(), ["a", "c"]);
    }
}

/// More workspaces than one statement marks.
pub async fn one_crash_of_many_workspaces(world: &World) {
    let store = world.store().await;
    let ids: Vec<String> = (0..300).map(|number| format!("w{number:03}")).collect();
    let changes: Vec<Change> = ids.iter().map(|id| Change::PutWorkspace(workspace(id))).collect();
    store.change("", &changes, &[]).await.unwrap();
    let crash = |id: &String| StoredCrash { workspace_id: id.as_str().into(), time: START };
    let crashes: Vec<StoredCrash> = ids.iter().map(crash).collect();
    store.save_snapshot(&[], &[], &crashes).await.unwrap();
    assert_eq!(store.snapshot_workspaces().await.unwrap(), ids);
    assert_eq!(store.crash_time("w299").await.unwrap(), Some(START));
}

pub async fn a_claim_says_how_the_owner_before_has_ended(world: &World) {
    let (store, before) = world.claimed().await;
    assert_eq!(before, PreviousOwner::None);
    assert_eq!(store.claim().await.unwrap(), PreviousOwner::None, "of the same instance again");
    store.close().await;

    let (store, before) = world.claimed().await;
    assert_eq!(before, PreviousOwner::Crashed, "it closed without putting anything down");
    store.save_snapshot(&[], &[], &[]).await.unwrap();
    store.close().await;

    let (store, before) = world.claimed().await;
    assert_eq!(before, PreviousOwner::Stopped);
    assert_eq!(store.claim().await.unwrap(), PreviousOwner::Stopped, "of the same instance again");
    store.close().await;

    let (store, before) = world.claimed().await;
    assert_eq!(before, PreviousOwner::Crashed, "an earlier stop is not this one's");
    store.save_snapshot(&[hold("h")], &[], &[]).await.unwrap();
    // It has stopped, and writes what was left.
    append_new(&*store, &[record(1)]).await;
    store.delete_snapshot("w", false).await.unwrap();
    store.close().await;
    assert_eq!(world.claimed().await.1, PreviousOwner::Stopped);
}

pub async fn a_lost_connection_is_neither_a_stop_nor_a_crash(world: &World) {
    let (store, before) = world.claimed().await;
    assert_eq!(before, PreviousOwner::None);
    let retry = async || {
        world.break_connections().await;
        for _try in 0..10 {
            if store.save_snapshot(&[], &[], &[]).await.is_ok() {
                return;
            }
        }
        panic!("the connection does not come back");
    };
    retry().await;
    world.break_connections().await;
    // The connection of the lock is gone too: it is not needed any more.
    store.close().await;
    assert_eq!(world.claimed().await.1, PreviousOwner::Stopped);
}
