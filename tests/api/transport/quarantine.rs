//! A ledger that fails because of a defect: only its workspace is affected, and it is loaded
//! again.
//!
//! The clock breaks while the ledger of one workspace is locked.

use std::sync::Arc;
use std::time::Duration;

use prost_types::FieldMask;
use tollgate::config::Config;
use tollgate::proto::v1;
use tonic::Code;

use crate::fixtures::{
    ACME, amount, assert_failed, check, create_workspace, eur, get_budget, record, set_up,
};
use crate::server::{Server, TestClock};

const OTHER: &str = "other";

/// A server with two workspaces that have a plan and a model.
async fn start(folder: &tempfile::TempDir) -> (Arc<TestClock>, Server) {
    let clock = Arc::new(TestClock::default());
    let server = Server::start_in(folder.path(), clock.clone(), Config::default()).await;
    set_up(&server).await;
    create_workspace(&server, OTHER).await;
    let plan = v1::Plan {
        budget: Some(eur("100")),
        start_date: "2026-01-01".to_owned(),
        ..Default::default()
    };
    let request = v1::SetPlanRequest { workspace_id: OTHER.to_owned(), plan: Some(plan) };
    server.budget().set_plan(request).await.unwrap();
    let request =
        v1::EnableModelRequest { workspace_id: OTHER.to_owned(), model_id: "big".to_owned() };
    server.model_limit().enable_model(request).await.unwrap();
    // So that it is known which holds are left: none that were in memory.
    let in_memory = v1::UpdateWorkspaceRequest {
        workspace: Some(v1::Workspace {
            workspace_id: ACME.to_owned(),
            hold_durability: v1::HoldDurability::Memory.into(),
            ..Default::default()
        }),
        update_mask: Some(FieldMask { paths: vec!["hold_durability".to_owned()] }),
    };
    server.workspace().update_workspace(in_memory).await.unwrap();
    (clock, server)
}

fn in_other(request_id: &str) -> v1::CheckAndRouteRequest {
    v1::CheckAndRouteRequest { workspace_id: OTHER.to_owned(), ..check(request_id, "big") }
}

async fn allowed(server: &Server, request: v1::CheckAndRouteRequest) {
    let answer = server.usage().check_and_route(request).await.unwrap().into_inner();
    assert_eq!(answer.decision(), v1::Decision::Allowed, "{answer:?}");
}

async fn hold_count(server: &Server, workspace_id: &str) -> usize {
    let request =
        v1::ListHoldsRequest { workspace_id: workspace_id.to_owned(), ..Default::default() };
    server.usage().list_holds(request).await.unwrap().into_inner().holds.len()
}

/// Sends a record until the workspace is loaded again.
async fn record_again(server: &Server, request_id: &str) -> v1::RecordUsageResponse {
    let patience = async {
        loop {
            match server.usage().record_usage(record(request_id, "big")).await {
                Ok(recorded) => return recorded.into_inner(),
                Err(status) => assert_failed(&status, Code::Unavailable, "QUARANTINED", &[]),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), patience).await.expect("it is loaded again")
}

#[tokio::test]
async fn a_ledger_that_fails_in_a_call_is_loaded_again_and_no_other_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, server) = start(&folder).await;
    server.usage().record_usage(record("r-0", "big")).await.unwrap();
    allowed(&server, check("r-1", "big")).await;
    allowed(&server, in_other("r-2")).await;

    clock.break_in("src/grpc/usage/mod.rs");
    let release =
        v1::ReleaseHoldRequest { workspace_id: ACME.to_owned(), request_id: "r-1".to_owned() };
    server.usage().release_hold(release).await.unwrap_err();
    clock.mend();
    allowed(&server, in_other("r-3")).await;
    // It was loaded a moment ago, so it waits.
    let status = server.usage().check_and_route(check("r-4", "big")).await.unwrap_err();
    assert_failed(&status, Code::Unavailable, "QUARANTINED", &[]);
    assert!(record_again(&server, "r-0").await.duplicate);

    assert_eq!(hold_count(&server, ACME).await, 0);
    assert_eq!(hold_count(&server, OTHER).await, 2);
    assert_eq!(amount(&get_budget(&server).await.spent), "2.00");
    allowed(&server, check("r-5", "big")).await;

    server.stop().await.unwrap();
    let server = Server::start_in(folder.path(), Arc::default(), Config::default()).await;
    assert_eq!(hold_count(&server, ACME).await, 1);
    assert_eq!(hold_count(&server, OTHER).await, 2);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_ledger_that_fails_in_the_writer_ends_neither_that_nor_a_record() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, server) = start(&folder).await;
    allowed(&server, in_other("r-2")).await;

    server.usage().record_usage(record("r-1", "big")).await.unwrap();
    let void = v1::VoidUsageRequest {
        workspace_id: ACME.to_owned(),
        request_id: "r-1".to_owned(),
        attempt: 0,
        reason: "Recorded twice".to_owned(),
    };
    clock.break_in("src/engine/corrections/credits.rs");
    let status = server.usage().void_usage(void.clone()).await.unwrap_err();
    assert_failed(&status, Code::Unavailable, "QUARANTINED", &[]);
    clock.mend();
    assert!(record_again(&server, "r-1").await.duplicate);
    assert_eq!(amount(&get_budget(&server).await.spent), "2.00");
    server.usage().void_usage(void).await.unwrap();
    assert_eq!(amount(&get_budget(&server).await.spent), "0.00");
    allowed(&server, in_other("r-3")).await;
    assert_eq!(hold_count(&server, OTHER).await, 2);
    server.stop().await.unwrap();
}
