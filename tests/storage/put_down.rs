//! What is written down at a graceful stop, and how the owner before has ended.

use tollgate::domain::backfill::RateCounts;
use tollgate::domain::quota::Unit;
use tollgate::domain::rate_limit::RateWindow;
use tollgate::storage::Before;
use tollgate::storage::policy::StoredRate;

use crate::fixtures::{append_new, hold, record};
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
        store.put_down(&[], &all).await.unwrap();
        assert_eq!(store.rates("w").await.unwrap(), sorted);
    }
    let mut replaced = base;
    replaced.counts.buckets = vec![(1, 1)];
    store.put_down(&[hold("h")], std::slice::from_ref(&replaced)).await.unwrap();
    assert_eq!(store.rates("w").await.unwrap()[3], replaced);
    assert_eq!(store.workspaces_put_down().await.unwrap(), ["v", "w"]);
    for _again in 0..2 {
        store.delete_put_down("w").await.unwrap();
        assert_eq!(store.rates("w").await.unwrap(), []);
        assert_eq!(store.holds("w").await.unwrap(), []);
        assert_eq!(store.workspaces_put_down().await.unwrap(), ["v"]);
    }
    assert_eq!(store.rates("v").await.unwrap(), [foreign]);
    store.delete_put_down("v").await.unwrap();
    assert!(store.workspaces_put_down().await.unwrap().is_empty());
}

/// By a workspace of holds, one of counts, and one of both.
pub async fn workspaces_are_named_once_for_what_was_put_down(world: &World) {
    let store = world.store().await;
    let of = |id: &str| StoredRate { workspace_id: id.into(), ..rate("r", "m") };
    let mut holds = [hold("1"), hold("2")];
    holds[0].workspace_id = "a".into();
    holds[1].workspace_id = "b".into();
    store.put_down(&holds, &[of("c"), of("b")]).await.unwrap();
    assert_eq!(store.workspaces_put_down().await.unwrap(), ["a", "b", "c"]);
}

pub async fn a_claim_says_how_the_owner_before_has_ended(world: &World) {
    let (store, before) = world.claimed().await;
    assert_eq!(before, Before::Nobody);
    assert_eq!(store.claim().await.unwrap(), Before::Nobody, "of the same instance again");
    store.close().await;

    let (store, before) = world.claimed().await;
    assert_eq!(before, Before::Crashed, "it closed without putting anything down");
    store.put_down(&[], &[]).await.unwrap();
    store.close().await;

    let (store, before) = world.claimed().await;
    assert_eq!(before, Before::Stopped);
    assert_eq!(store.claim().await.unwrap(), Before::Stopped, "of the same instance again");
    store.close().await;

    let (store, before) = world.claimed().await;
    assert_eq!(before, Before::Crashed, "an earlier stop is not this one's");
    store.put_down(&[hold("h")], &[]).await.unwrap();
    // It has stopped, and writes what was left.
    append_new(&*store, &[record(1)]).await;
    store.delete_put_down("w").await.unwrap();
    store.close().await;
    assert_eq!(world.claimed().await.1, Before::Stopped);
}

pub async fn a_lost_connection_is_neither_a_stop_nor_a_crash(world: &World) {
    let (store, before) = world.claimed().await;
    assert_eq!(before, Before::Nobody);
    let retry = async || {
        world.break_connections().await;
        for _try in 0..10 {
            if store.put_down(&[], &[]).await.is_ok() {
                return;
            }
        }
        panic!("the connection does not come back");
    };
    retry().await;
    world.break_connections().await;
    // The connection of the lock is gone too: it is not needed any more.
    store.close().await;
    assert_eq!(world.claimed().await.1, Before::Stopped);
}
