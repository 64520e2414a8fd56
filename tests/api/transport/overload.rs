//! Storage that cannot keep up, or does not answer: who waits, and who is told so at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tollgate::config::Config;
use tollgate::engine::{QUEUED_RECORDS_MAX, WRITE_DEADLINE};
use tollgate::proto::v1;
use tollgate::proto::v1::record_usage_result::Result as Outcome;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::fixtures::{
    ACME, amount, assert_failed, check, create_workspace, get_budget, record, set_up,
};
use crate::outage::Outage;
use crate::server::{Server, open};

/// Records of a batch.
const BATCH: usize = 1_000;
/// More than may wait.
const BATCHES: usize = QUEUED_RECORDS_MAX / BATCH + 2;

/// A server, with the folder of its database, and storage that can fail.
pub async fn start() -> (tempfile::TempDir, Arc<Outage>, Server) {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(Outage::new(open(folder.path()).await));
    let server = Server::start_on(store.clone(), Arc::default(), Config::default()).await;
    set_up(&server).await;
    (folder, store, server)
}

fn batch(number: usize) -> v1::RecordUsageBatchRequest {
    let records = (0..BATCH).map(|index| record(&format!("r-{number}-{index}"), "big"));
    v1::RecordUsageBatchRequest { records: records.collect() }
}

fn in_quiet(record: v1::RecordUsageRequest) -> v1::RecordUsageRequest {
    v1::RecordUsageRequest { workspace_id: "quiet".to_owned(), ..record }
}

/// Sends records one by one, without waiting for them, until one is refused. Returns how many
/// were not.
async fn refused(server: &Server) -> (usize, Status) {
    for index in 0.. {
        let mut client = server.usage();
        let request = record(&format!("s-{index}"), "big");
        let sent = client.record_usage(request);
        match tokio::time::timeout(Duration::from_millis(20), sent).await {
            Ok(answer) => return (index, answer.unwrap_err()),
            Err(_) if index < 1_000 => {}
            Err(_) => break,
        }
    }
    panic!("nothing was refused");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workspace_with_too_many_records_is_refused_more_and_no_other_is() {
    let (_folder, store, server) = start().await;
    create_workspace(&server, "quiet").await;
    // Loaded before.
    let quiet =
        v1::CheckAndRouteRequest { workspace_id: "quiet".to_owned(), ..check("q-0", "big") };
    let _ = server.usage().check_and_route(quiet).await;
    let held_up = store.hold_up().await;
    let mut floods = tokio::task::JoinSet::new();
    for number in 0..BATCHES {
        let mut client = server.usage();
        floods.spawn(async move { client.record_usage_batch(batch(number)).await });
    }
    let (waiting, status) = refused(&server).await;
    assert_failed(&status, Code::Unavailable, "OVERLOADED", &[]);
    assert!(status.get_error_details().retry_info().unwrap().retry_delay.is_some());
    assert!(status.message().ends_with("a retry with the same request_id is safe"), "{status:?}");
    let mut client = server.usage();
    let other =
        tokio::spawn(async move { client.record_usage(in_quiet(record("q-1", "big"))).await });

    drop(held_up);
    let answer = other.await.unwrap();
    assert!(answer.is_ok(), "{answer:?}");
    let (mut recorded, mut refused) = (0, 0);
    while let Some(answer) = floods.join_next().await {
        for result in answer.unwrap().unwrap().into_inner().results {
            match result.result.unwrap() {
                Outcome::Record(_) => recorded += 1,
                Outcome::Error(error) => {
                    assert_eq!(error.reason(), v1::ErrorReason::Overloaded, "{error:?}");
                    assert_eq!(error.code, i32::from(Code::Unavailable));
                    refused += 1;
                }
            }
        }
    }
    assert_eq!(recorded + refused, BATCHES * BATCH);
    assert!(recorded + waiting >= QUEUED_RECORDS_MAX && refused > 0, "{recorded} recorded");
    // What was refused is sent again, and everything is there once.
    for number in 0..BATCHES {
        let answer = server.usage().record_usage_batch(batch(number)).await.unwrap().into_inner();
        for result in answer.results {
            assert!(matches!(result.result, Some(Outcome::Record(_))), "{result:?}");
        }
    }
    for index in 0..waiting {
        server.usage().record_usage(record(&format!("s-{index}"), "big")).await.unwrap();
    }
    let spent = 2 * (BATCHES * BATCH + waiting);
    assert_eq!(amount(&get_budget(&server).await.spent), format!("{spent}.00"));
}

#[tokio::test]
async fn while_an_outage_is_known_records_are_refused_at_once() {
    let (_folder, store, server) = start().await;
    create_workspace(&server, "quiet").await;
    store.set(true);
    let begin = Instant::now();
    // Found out by a write that fails, and known a second later.
    let status = server.usage().record_usage(record("r-1", "big")).await.unwrap_err();
    assert_failed(&status, Code::Unavailable, "STORAGE_UNAVAILABLE", &[]);
    tokio::time::sleep(Duration::from_millis(1_600)).await;
    for (index, workspace) in [ACME, "quiet"].into_iter().enumerate() {
        let request = record(&format!("r-{index}"), "big");
        let request = v1::RecordUsageRequest { workspace_id: workspace.to_owned(), ..request };
        let status = server.usage().record_usage(request).await.unwrap_err();
        assert_failed(&status, Code::Unavailable, "STORAGE_UNAVAILABLE", &[]);
    }
    assert!(begin.elapsed() < WRITE_DEADLINE / 3);

    store.set(false);
    let recorded = async {
        while server.usage().record_usage(record("r-1", "big")).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(WRITE_DEADLINE, recorded).await.unwrap();
    assert_eq!(amount(&get_budget(&server).await.spent), "2.00");
}

#[tokio::test]
async fn who_waits_when_storage_falls_silent_is_told_before_the_deadline() {
    let (_folder, store, server) = start().await;
    let held_up = store.hold_up().await;
    let begin = Instant::now();
    let status = server.usage().record_usage(record("r-1", "big")).await.unwrap_err();
    assert_failed(&status, Code::Unavailable, "STORAGE_UNAVAILABLE", &[]);
    assert!(begin.elapsed() < WRITE_DEADLINE / 2);
    let begin = Instant::now();
    let status = server.usage().record_usage(record("r-2", "big")).await.unwrap_err();
    assert_failed(&status, Code::Unavailable, "STORAGE_UNAVAILABLE", &[]);
    assert!(begin.elapsed() < WRITE_DEADLINE / 10);

    drop(held_up);
    let mut answer = server.usage().record_usage(record("r-1", "big")).await;
    while answer.is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
        answer = server.usage().record_usage(record("r-1", "big")).await;
    }
    // The first one was written after all.
    assert!(answer.unwrap().into_inner().duplicate);
    assert_eq!(amount(&get_budget(&server).await.spent), "2.00");
}
