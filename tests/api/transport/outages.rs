//! Checks while storage takes no writes: they go on within the bounds that the workspace sets.

use std::sync::Arc;
use std::time::Duration;

use tollgate::config::Config;
use tollgate::domain::time::MICROS_PER_SECOND;
use tollgate::engine::WRITE_DEADLINE;
use tollgate::proto::v1;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::overload::start;
use crate::fixtures::{ACME, amount, assert_failed, check, eur, get_budget, record};
use crate::server::Server;

/// Sets for how long checks go on, and for how much.
async fn bound(server: &Server, seconds: i64, held_limit: &str) {
    let workspace = v1::Workspace {
        workspace_id: ACME.to_owned(),
        outage_duration_limit: Some(prost_types::Duration { seconds, nanos: 0 }),
        outage_held_limit: Some(eur(held_limit)),
        ..Default::default()
    };
    let request = v1::UpdateWorkspaceRequest { workspace: Some(workspace), update_mask: None };
    server.workspace().update_workspace(request).await.unwrap();
}

async fn decision(server: &Server, request_id: &str, model_id: &str) -> Result<i32, Status> {
    let answer = server.usage().check_and_route(check(request_id, model_id)).await?;
    Ok(answer.into_inner().decision)
}

async fn assert_allowed(server: &Server, request_id: &str, model_id: &str) {
    let decision = decision(server, request_id, model_id).await.unwrap();
    assert_eq!(decision, i32::from(v1::Decision::Allowed), "{request_id}");
}

async fn assert_refused(server: &Server, request_id: &str, model_id: &str, limit: &str) {
    let status = decision(server, request_id, model_id).await.unwrap_err();
    assert_failed(&status, Code::Unavailable, "STORAGE_OUTAGE", &[("limit", limit)]);
    assert!(status.get_error_details().retry_info().unwrap().retry_delay.is_some());
    assert!(status.message().contains(limit), "{}", status.message());
}

/// Records until it succeeds.
async fn until_recorded(server: &Server, request_id: &str) {
    let recorded = async {
        while server.usage().record_usage(record(request_id, "big")).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(WRITE_DEADLINE, recorded).await.unwrap();
}

async fn outage_alerts(server: &Server) -> Vec<v1::Alert> {
    let request = v1::ListAlertsRequest { workspace_id: ACME.to_owned(), ..Default::default() };
    let mut alerts = server.alert().list_alerts(request).await.unwrap().into_inner().alerts;
    alerts.retain(|alert| alert.r#type() == v1::AlertType::StorageOutage);
    alerts
}

#[tokio::test]
async fn checks_go_on_in_an_outage_for_as_much_and_as_long_as_the_workspace_says() {
    let (_folder, store, server) = start().await;
    bound(&server, 60, "5").await;
    assert_allowed(&server, "before", "big").await;
    assert_eq!(get_budget(&server).await.storage_outage, None);

    store.set(true);
    let status = server.usage().record_usage(record("r", "big")).await.unwrap_err();
    assert_failed(&status, Code::Unavailable, "STORAGE_UNAVAILABLE", &[]);
    let outage = get_budget(&server).await.storage_outage.unwrap();
    assert_eq!((amount(&outage.held), amount(&outage.held_limit)), ("0.00", "5.00"));
    let (start, end) = (outage.start_time.unwrap(), outage.end_of_checks_time.unwrap());
    assert_eq!((end.seconds - start.seconds, end.nanos), (60, start.nanos));
    assert!(!outage.checks_refused);

    assert_allowed(&server, "c-1", "big").await;
    assert_allowed(&server, "c-2", "big").await;
    assert_refused(&server, "c-3", "big", "outage_held_limit").await;
    assert_allowed(&server, "c-4", "small").await;
    // What is held is answered again.
    assert_allowed(&server, "c-1", "big").await;
    let release =
        v1::ReleaseHoldRequest { workspace_id: ACME.to_owned(), request_id: "c-2".to_owned() };
    server.usage().release_hold(release).await.unwrap();
    assert_refused(&server, "c-3", "big", "outage_held_limit").await;
    let budget = get_budget(&server).await;
    let outage = budget.storage_outage.unwrap();
    assert_eq!((amount(&outage.held), amount(&budget.held)), ("4.20", "4.20"));
    assert!(outage.checks_refused);

    server.clock.advance(60 * MICROS_PER_SECOND);
    assert_refused(&server, "c-5", "small", "outage_duration_limit").await;
    let dry_run = v1::CheckAndRouteRequest { dry_run: true, ..check("c-5", "small") };
    server.usage().check_and_route(dry_run).await.unwrap();

    store.set(false);
    until_recorded(&server, "c-1").await;
    assert_eq!(get_budget(&server).await.storage_outage, None);
    assert_allowed(&server, "c-3", "big").await;
    assert_allowed(&server, "c-5", "small").await;
    // That they went on, and that they were refused.
    let alerts = outage_alerts(&server).await;
    assert_eq!(alerts.len(), 2, "{alerts:?}");
    for (alert, what) in alerts.iter().zip(["were refused", "went on"]) {
        assert_eq!((amount(&alert.spent), amount(&alert.limit)), ("4.20", "5.00"));
        let begins = format!("checks of workspace acme {what} while storage took no writes");
        assert!(alert.message.starts_with(&begins), "{}", alert.message);
    }
}

#[tokio::test]
async fn a_restart_begins_without_an_outage() {
    let (folder, store, server) = start().await;
    bound(&server, 0, "5").await;
    store.set(true);
    server.usage().record_usage(record("r", "big")).await.unwrap_err();
    assert_refused(&server, "c-1", "big", "outage_duration_limit").await;
    // It cannot store anything.
    let _ = server.stop().await;
    let config = Config::default();
    let server = Server::start_in(folder.path(), Arc::default(), config).await;
    assert_eq!(get_budget(&server).await.storage_outage, None);
    assert_allowed(&server, "c-1", "big").await;
}
