//! A database that is not there, or is less than it was.

use std::fs;
use std::path::Path;

use tollgate::storage::Error;
use tollgate::storage::sql::{self, OpenError};

use crate::fixtures::{append_new, record};
use crate::world::World;

fn file(world: &World) -> &Path {
    Path::new(world.url.strip_prefix("sqlite:").unwrap())
}

fn beside(world: &World, suffix: &str) -> String {
    format!("{}{suffix}", file(world).display())
}

/// What keeps a start from using the database.
async fn unsuitable(world: &World) -> String {
    match sql::open(&world.url).await.map(drop) {
        Err(OpenError::Unsuitable(message)) => message,
        other => panic!("{other:?}"),
    }
}

pub async fn a_missing_database_is_created_on_request_alone(world: &World) {
    for _again in 0..2 {
        match sql::open_existing(&world.url).await.map(drop) {
            Err(error @ OpenError::Missing(_)) => {
                assert!(error.to_string().contains("tollgate init"), "{error}");
            }
            other => panic!("{other:?}"),
        }
        let refused = sql::open_unfenced(&world.url, false).await.map(drop);
        assert!(matches!(refused, Err(OpenError::Missing(_))), "{refused:?}");
    }
    assert!(!world.is_sqlite() || !file(world).exists());
    assert!(sql::create(&world.url).await.unwrap());
    assert!(!sql::create(&world.url).await.unwrap());
    let store = sql::open_existing(&world.url).await.unwrap();
    store.claim().await.unwrap();
    append_new(&*store, &[record(1)]).await;
    // Also beside a server.
    assert!(!sql::create(&world.url).await.unwrap());
    store.close().await;
}

pub async fn an_empty_file_is_no_new_database(world: &World) {
    if !world.is_sqlite() {
        return;
    }
    let store = world.store().await;
    append_new(&*store, &[record(1)]).await;
    fs::File::create(file(world)).unwrap();
    let refused = store.append(&[record(2)]).await;
    assert!(matches!(refused, Err(Error::Gone(_))), "{refused:?}");
    store.close().await;
    fs::File::create(file(world)).unwrap();
    let message = unsuitable(world).await;
    assert!(message.contains("is empty"), "{message}");
    assert!(matches!(sql::create(&world.url).await, Err(OpenError::Unsuitable(_))));
    assert_eq!(fs::metadata(file(world)).unwrap().len(), 0);
}

pub async fn an_older_copy_is_noticed(world: &World) {
    if !world.is_sqlite() {
        return;
    }
    let store = world.store().await;
    append_new(&*store, &[record(1)]).await;
    store.close().await;
    let copy = beside(world, ".copy");
    fs::copy(file(world), &copy).unwrap();
    let store = world.store().await;
    append_new(&*store, &[record(2)]).await;
    store.close().await;
    fs::copy(&copy, file(world)).unwrap();
    let message = unsuitable(world).await;
    assert!(message.contains("at start 2 and record 2"), "{message}");
    assert!(message.contains("at start 1 and record 1"), "{message}");
    // Nothing was done to it, and it can be accepted.
    fs::remove_file(beside(world, ".mark")).unwrap();
    assert_eq!(world.store().await.last_seq().await.unwrap(), 1);
}

pub async fn a_write_ahead_log_that_is_gone_is_noticed(world: &World) {
    if !world.is_sqlite() {
        return;
    }
    let store = world.store().await;
    append_new(&*store, &[record(1)]).await;
    store.renew().await.unwrap();
    // As after a crash, without the log.
    let crashed = World::sqlite();
    fs::copy(file(world), file(&crashed)).unwrap();
    fs::copy(beside(world, ".mark"), beside(&crashed, ".mark")).unwrap();
    let message = unsuitable(&crashed).await;
    assert!(message.contains("its -wal is missing"), "{message}");

    // And while it is in use.
    append_new(&*store, &[record(2)]).await;
    fs::remove_file(beside(world, "-wal")).unwrap();
    let refused = store.append(&[record(3)]).await;
    assert!(matches!(refused, Err(Error::Gone(_))), "{refused:?}");
}

pub async fn a_mark_follows_what_is_written(world: &World) {
    if !world.is_sqlite() {
        return;
    }
    let mark = || fs::read_to_string(beside(world, ".mark")).unwrap();
    let store = world.store().await;
    assert_eq!(mark(), "1 0\n");
    append_new(&*store, &[record(1)]).await;
    store.renew().await.unwrap();
    assert_eq!(mark(), "1 1\n");
    append_new(&*store, &[record(2)]).await;
    store.close().await;
    assert_eq!(mark(), "1 2\n");
}
