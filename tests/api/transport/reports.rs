//! Many reports at once: the surplus is refused at once, and nothing else notices.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tollgate::config::Config;
use tollgate::limits::Limits;
use tollgate::proto::v1;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt;

use crate::fixtures::{ACME, assert_failed, check, record, set_up};
use crate::outage::Outage;
use crate::server::{self, Server, TestClock};

fn query() -> v1::QueryUsageRequest {
    v1::QueryUsageRequest {
        workspace_id: ACME.to_owned(),
        range: Some(v1::ReportRange {
            preset: v1::ReportPreset::Last365Days.into(),
            ..Default::default()
        }),
        metrics: vec![v1::UsageMetric::Cost.into(), v1::UsageMetric::Requests.into()],
        ..Default::default()
    }
}

#[tokio::test]
async fn reports_beyond_those_that_wait_are_refused_and_health_does_not_notice() {
    let limits = Limits { reports_per_workspace_max: 1, ..Limits::default() };
    let server = Server::start_with(Config { limits, ..Config::default() }).await;
    set_up(&server).await;
    for index in 0..20 {
        server.usage().record_usage(record(&format!("r-{index}"), "small")).await.unwrap();
    }
    let mut health = HealthClient::new(server.channel.clone());
    while health.check(HealthCheckRequest::default()).await.unwrap().into_inner().status()
        != ServingStatus::Serving
    {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let begun = Instant::now();
    let reports = (0..60).map(|_| {
        let mut analytics = server.analytics();
        async move { (analytics.query_usage(query()).await, begun.elapsed()) }
    });
    let others = async {
        for index in 0..20 {
            let id = format!("c-{index}");
            server.usage().check_and_route(check(&id, "small")).await.unwrap();
            server.usage().record_usage(record(&id, "small")).await.unwrap();
            let answer = health.check(HealthCheckRequest::default()).await.unwrap();
            assert_eq!(answer.into_inner().status(), ServingStatus::Serving);
        }
    };
    let (outcomes, ()) = futures_util::join!(join_all(reports), others);
    let mut refused = 0;
    for (outcome, after) in outcomes {
        let Err(status) = outcome else { continue };
        refused += 1;
        assert_failed(&status, Code::ResourceExhausted, "TOO_MANY_CALLS", &[]);
        assert!(status.get_error_details().retry_info().is_some());
        assert!(after < Duration::from_secs(10), "{after:?}");
    }
    assert!((20..60).contains(&refused), "{refused}");
    server.analytics().query_usage(query()).await.unwrap();
}

#[tokio::test]
async fn a_report_of_a_caller_that_goes_away_leaves_its_place() {
    let limits = Limits { reports_per_workspace_max: 1, ..Limits::default() };
    let server = Server::start_with(Config { limits, ..Config::default() }).await;
    set_up(&server).await;
    for _ in 0..40 {
        let mut analytics = server.analytics();
        let gone = tokio::time::timeout(Duration::from_micros(200), analytics.query_usage(query()));
        drop(gone.await);
    }
    server.analytics().query_usage(query()).await.unwrap();
}

#[tokio::test]
async fn a_simulation_has_the_place_of_a_report_until_its_caller_leaves() {
    let folder = tempfile::tempdir().unwrap();
    let storage = Arc::new(Outage::new(server::open(folder.path()).await));
    let limits = Limits { reports_per_workspace_max: 1, ..Limits::default() };
    let config = Config { limits, ..Config::default() };
    let server = Server::start_on(storage.clone(), Arc::new(TestClock::default()), config).await;
    set_up(&server).await;
    server.usage().record_usage(record("r", "small")).await.unwrap();
    // It does not come to its first page.
    let _held_up = storage.hold_up_pages().await;
    let simulate = v1::SimulatePolicyRequest {
        workspace_id: ACME.to_owned(),
        start_time: Some(crate::analytics::setup::instant("2026-03-15T00:00:00Z")),
        ..Default::default()
    };
    let stream = server.insight().simulate_policy(simulate).await.unwrap();
    let refused = server.analytics().query_usage(query()).await.unwrap_err();
    assert_failed(&refused, Code::ResourceExhausted, "TOO_MANY_CALLS", &[]);
    drop(stream);
    server.analytics().query_usage(query()).await.unwrap();
}
