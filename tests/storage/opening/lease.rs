//! Nobody claims a Postgres while another server may decide. SQLite has no leases.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tollgate::storage::lease::margin;
use tollgate::storage::settings::Change;
use tollgate::storage::sql::{self, OpenError, Ownership, Wait};
use tollgate::storage::{Error, PreviousOwner, Store};

use crate::alerts::alert;
use crate::fixtures::{append_new, at, folded, hold, put, record, workspace};
use crate::world::World;

/// As short as it can be set.
const LEASE: Duration = Duration::from_secs(2);

fn ownership(wait: Wait) -> Ownership {
    let (node, address) = (String::new(), "first:50051".to_owned());
    Ownership { node, address, lease: LEASE, wait, create: true }
}

async fn claimed(world: &World) -> Arc<dyn Store> {
    let store = sql::open_as(&world.url, ownership(Wait::Never)).await.unwrap();
    store.claim().await.unwrap();
    store
}

async fn a_lease_is_waited_for(world: &World) {
    let first = claimed(world).await;
    append_new(&*first, &[record(1)]).await;
    let renewed = Instant::now();
    match sql::open_as(&world.url, ownership(Wait::Never)).await.map(drop) {
        Err(OpenError::InUse(name)) => {
            assert!(name.ends_with("; it serves at first:50051"), "{name}");
        }
        other => panic!("{other:?}"),
    }
    let second = sql::open_as(&world.url, ownership(Wait::WhileUnrenewed)).await.unwrap();
    // The clock of the test began when the renewal was answered, and not when it was written.
    let waited = renewed.elapsed() + Duration::from_millis(100);
    assert!(waited >= LEASE + margin(LEASE), "{waited:?}");
    assert!(!first.lease().is_held());
    assert_eq!(second.claim().await.unwrap(), PreviousOwner::Crashed);
    assert!(second.lease().is_held());
    let fenced = first.renew().await;
    assert!(matches!(fenced, Err(Error::Fenced)), "{fenced:?}");
    append_new(&*second, &[record(2)]).await;
}

async fn an_owner_that_renews_is_not_waited_for(world: &World) {
    let first = claimed(world).await;
    let start = tokio::spawn({
        let url = world.url.clone();
        async move { sql::open_as(&url, ownership(Wait::WhileUnrenewed)).await.map(drop) }
    });
    while !start.is_finished() {
        first.renew().await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let refused = start.await.unwrap();
    assert!(matches!(refused, Err(OpenError::InUse(_))), "{refused:?}");
    assert!(first.lease().is_held());
}

/// Where the lease is not renewed by a write, another server gets the database.
async fn every_write_renews_the_lease(world: &World) {
    let store = claimed(world).await;
    put(&*store, Change::PutWorkspace(workspace("w"))).await;
    for write in 0..7 {
        world.break_lock().await;
        match write {
            0 => append_new(&*store, &[record(1)]).await,
            // Of what is there already.
            1 => drop(store.append(&[record(1)]).await.unwrap()),
            2 => put(&*store, Change::PutWorkspace(workspace("w"))).await,
            3 => store.fold(at(0), at(1), &folded(&[record(1)])).await.unwrap(),
            4 => store.put_alerts(&[alert(1)], &[]).await.unwrap(),
            5 => store.delete_snapshot("w", false).await.unwrap(),
            _ => store.renew().await.unwrap(),
        }
        let refused = sql::open_as(&world.url, ownership(Wait::Never)).await.map(drop);
        assert!(matches!(refused, Err(OpenError::InUse(_))), "{write}: {refused:?}");
    }
}

async fn the_same_node_does_not_wait(world: &World) {
    let on = |node: &str| Ownership { node: node.to_owned(), ..ownership(Wait::Never) };
    let first = sql::open_as(&world.url, on("a")).await.unwrap();
    first.claim().await.unwrap();
    let refused = sql::open_as(&world.url, on("b")).await.map(drop);
    assert!(matches!(refused, Err(OpenError::InUse(_))), "{refused:?}");
    let again = sql::open_as(&world.url, on("a")).await.unwrap();
    assert_eq!(again.claim().await.unwrap(), PreviousOwner::Crashed);
    let fenced = first.renew().await;
    assert!(matches!(fenced, Err(Error::Fenced)), "{fenced:?}");
    assert_eq!(again.owner_address().await.unwrap(), "first:50051");
}

async fn a_standby_takes_over_as_soon_as_the_owner_stops(world: &World) {
    let first = claimed(world).await;
    let standby = tokio::spawn({
        let url = world.url.clone();
        async move { sql::open_as(&url, ownership(Wait::Standby)).await }
    });
    for _renewal in 0..30 {
        first.renew().await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(!standby.is_finished(), "the owner goes on");
    first.save_snapshot(&[hold("held")], &[], &[]).await.unwrap();
    first.close().await;
    let stopped = Instant::now();
    let second = standby.await.unwrap().unwrap();
    assert_eq!(second.claim().await.unwrap(), PreviousOwner::Stopped);
    let waited = stopped.elapsed();
    assert!(waited < LEASE, "{waited:?}: without waiting for the lease");
    assert_eq!(second.holds("w").await.unwrap().len(), 1);
}

macro_rules! on_postgres {
    ($($case:ident,)*) => {
        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    if let Some(world) = crate::world::World::postgres().await {
                        super::$case(&world).await;
                    }
                }
            )*
        }
    };
}

on_postgres! {
    a_lease_is_waited_for,
    an_owner_that_renews_is_not_waited_for,
    every_write_renews_the_lease,
    the_same_node_does_not_wait,
    a_standby_takes_over_as_soon_as_the_owner_stops,
}
