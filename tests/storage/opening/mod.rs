//! Opening, closing, and who may be beside whom.

pub mod fencing;
pub mod lease;
pub mod lost;
pub mod migration;
pub mod shutdown;

use tollgate::storage::Error;
use tollgate::storage::sql::{self, OpenError};

use crate::fixtures::{append_new, at, folded, put, record, records, workspace};
use crate::world::World;
use tollgate::storage::settings::Change;

pub async fn a_second_server_is_refused_until_the_first_closes(world: &World) {
    let first = world.store().await;
    for _again in 0..2 {
        match sql::open(&world.url).await.map(drop) {
            Err(OpenError::InUse(name)) => {
                let message = OpenError::InUse(name).to_string();
                assert!(message.starts_with("another server is using "), "{message}");
            }
            other => panic!("{other:?}"),
        }
    }
    // The refused one did no harm.
    append_new(&*first, &[record(1)]).await;
    first.close().await;
    let second = world.store().await;
    append_new(&*second, &[record(2)]).await;
    // A server that is gone without closing leaves no lock either, and a lease that runs out.
    drop(second);
    if !world.is_sqlite() {
        world.break_lock().await;
    }
    let third = world.store().await;
    append_new(&*third, &[record(3)]).await;
}

pub async fn data_survives_closing(world: &World) {
    let store = world.store().await;
    append_new(&*store, &records(1..101)).await;
    store.fold(at(0), at(100), &folded(&records(1..101))).await.unwrap();
    put(&*store, Change::PutWorkspace(workspace("w"))).await;
    store.close().await;
    let store = world.store().await;
    assert_eq!(store.records_after(0, 1_000).await.unwrap(), records(1..101));
    assert_eq!(store.fold_cursor().await.unwrap().seq, 100);
    assert_eq!(store.verify_rollups(10).await.unwrap(), []);
    assert_eq!(store.workspace("w").await.unwrap(), Some(workspace("w")));
}

pub async fn reading_beside_a_live_server(world: &World) {
    let store = world.store().await;
    append_new(&*store, &[record(1)]).await;
    let reader = sql::open_read_only(&world.url).await.unwrap();
    assert_eq!(reader.last_seq().await.unwrap(), 1);
    append_new(&*store, &[record(2)]).await;
    assert_eq!(reader.last_seq().await.unwrap(), 2);
    assert_eq!(reader.verify_rollups(10).await.unwrap(), []);
    reader.ping().await.unwrap();
    let refused = reader.append(&[record(3)]).await;
    assert!(matches!(refused, Err(Error::Fenced)), "{refused:?}");
    let refused = reader.claim().await;
    assert!(matches!(refused, Err(Error::NotApplied(_))), "{refused:?}");
    reader.close().await;
    // The server noticed nothing, and the reader also reads when there is none.
    append_new(&*store, &[record(3)]).await;
    store.close().await;
    let reader = sql::open_read_only(&world.url).await.unwrap();
    assert_eq!(reader.last_seq().await.unwrap(), 3);
}

pub async fn reading_an_empty_database_is_refused(world: &World) {
    let refused = sql::open_read_only(&world.url).await.map(drop);
    assert!(matches!(refused, Err(OpenError::Schema(_))), "{refused:?}");
    // Nothing was made: a server finds it empty.
    let store = world.store().await;
    assert_eq!(store.last_seq().await.unwrap(), 0);
}

pub async fn tables_of_another_version_are_refused(world: &World) {
    world.store().await.close().await;
    let columns = "version, description, success, checksum, execution_time";
    world
        .meddle(&format!(
            "INSERT INTO _sqlx_migrations ({columns}) \
             SELECT 999999, 'newer', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1"
        ))
        .await;
    for refused in
        [sql::open(&world.url).await.map(drop), sql::open_read_only(&world.url).await.map(drop)]
    {
        match refused {
            Err(OpenError::Schema(message)) => assert!(message.contains("999999"), "{message}"),
            other => panic!("{other:?}"),
        }
    }
    // The lock of the refused server is gone with it.
    world.meddle("DELETE FROM _sqlx_migrations WHERE version = 999999").await;
    world.store().await;
}

pub async fn two_servers_that_start_at_once(world: &World) {
    let (first, second) = tokio::join!(sql::open(&world.url), sql::open(&world.url));
    let (store, refused) = match (first, second) {
        (Ok(store), Err(refused)) | (Err(refused), Ok(store)) => (store, refused),
        (Ok(_), Ok(_)) => panic!("two servers on one database"),
        (Err(first), Err(second)) => panic!("{first:?} {second:?}"),
    };
    assert!(matches!(refused, OpenError::InUse(_)), "{refused:?}");
    store.claim().await.unwrap();
    append_new(&*store, &[record(1)]).await;
}

pub async fn a_closed_store_says_so(world: &World) {
    let store = world.store().await;
    append_new(&*store, &[record(1)]).await;
    store.close().await;
    store.close().await;
    let refused = store.append(&[record(2)]).await;
    assert!(matches!(refused, Err(Error::NotApplied(_))), "{refused:?}");
    assert!(store.ping().await.is_err());
}

#[tokio::test]
async fn other_addresses_are_refused_without_repeating_them() {
    for url in ["", "mysql://root:secret@h/d", "tollgate.db", "postgres:secret", "sqlite::memory:"]
    {
        let refused = sql::open(url).await.map(drop);
        let Err(OpenError::Address(message)) = refused else { panic!("{url}: {refused:?}") };
        assert!(!message.contains("secret"), "{message}");
    }
}
