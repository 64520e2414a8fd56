//! Attempts of requests that are checked again, and clocks of callers that are wrong.

use std::sync::Arc;

use prost_types::Timestamp;
use tollgate::config::Config;
use tollgate::domain::time::MICROS_PER_MINUTE;
use tollgate::proto::v1;
use tonic::{Code, Status};

use crate::fixtures::{
    ACME, acme, amount, assert_failed, check, get_budget, record, refused_fields, set_up,
};
use crate::server::{Server, TestClock};

async fn decide(server: &Server, id: &str) -> v1::CheckAndRouteResponse {
    server.usage().check_and_route(check(id, "big")).await.unwrap().into_inner()
}

/// Records so many tokens of output: a hundredth of a euro and a half for a thousand.
async fn note(
    server: &Server,
    attempt: i32,
    output: i64,
) -> Result<v1::RecordUsageResponse, Status> {
    let mut used = v1::RecordUsageRequest { attempt, ..record("job", "big") };
    used.usage.as_mut().unwrap().output_token_count = output;
    Ok(server.usage().record_usage(used).await?.into_inner())
}

async fn live_holds(server: &Server) -> Vec<v1::Hold> {
    let request = v1::ListHoldsRequest {
        workspace_id: ACME.to_owned(),
        state: v1::HoldState::Live.into(),
        ..Default::default()
    };
    server.usage().list_holds(request).await.unwrap().into_inner().holds
}

#[tokio::test]
async fn both_runs_of_one_request_id_are_charged() {
    for named in [false, true] {
        let server = acme().await;
        assert_eq!(decide(&server, "job").await.attempt, 0);
        let first = note(&server, 0, 25_000).await.unwrap();
        assert_eq!((amount(&first.cost), first.attempt), ("1.50", 0));

        let second = decide(&server, "job").await;
        assert_eq!((second.decision(), second.attempt), (v1::Decision::Allowed, 1));
        assert_eq!(live_holds(&server).await[0].attempt, 1);
        // The first once more is no second.
        let again = note(&server, 0, 25_000).await.unwrap();
        assert_eq!((again.duplicate, again.attempt, amount(&again.cost)), (true, 0, "1.50"));
        assert_eq!(live_holds(&server).await.len(), 1);

        let recorded = note(&server, i32::from(named), 50_000).await.unwrap();
        assert_eq!((recorded.duplicate, recorded.attempt), (false, 1));
        assert_eq!(amount(&recorded.cycle_spent), "3.50");
        assert!(live_holds(&server).await.is_empty());
        let again = note(&server, 0, 50_000).await.unwrap();
        assert_eq!((again.duplicate, again.attempt), (true, 1));

        let status = note(&server, 0, 1).await.unwrap_err();
        let facts = [("request_id", "job"), ("attempt", "0")];
        assert_failed(&status, Code::AlreadyExists, "REQUEST_ID_REUSED", &facts);
        assert_eq!(amount(&get_budget(&server).await.spent), "3.50");
    }
}

#[tokio::test]
async fn attempts_go_on_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::<TestClock>::default();
    let server = Server::start_in(folder.path(), clock.clone(), Config::default()).await;
    set_up(&server).await;
    decide(&server, "job").await;
    note(&server, 0, 25_000).await.unwrap();
    assert_eq!(decide(&server, "job").await.attempt, 1);
    server.stop().await.unwrap();

    let server = Server::start_in(folder.path(), clock, Config::default()).await;
    assert_eq!(live_holds(&server).await[0].attempt, 1);
    assert_eq!(decide(&server, "job").await.attempt, 1);
    assert_eq!(note(&server, 0, 1_000).await.unwrap().attempt, 1);
    assert_eq!(decide(&server, "job").await.attempt, 2);
    assert_eq!(decide(&server, "other").await.attempt, 0);
}

#[tokio::test]
async fn a_wrong_clock_loses_no_record_of_a_hold() {
    let server = acme().await;
    let now = server.clock.micros() / 1_000_000;
    let at = |seconds: i64| Some(Timestamp { seconds: now + seconds, nanos: 0 });
    for (id, start_time) in
        [("ahead", at(7 * 60)), ("far", at(400 * 86_400)), ("behind", at(-40 * 86_400))]
    {
        decide(&server, id).await;
        let used = v1::RecordUsageRequest { start_time, ..record(id, "big") };
        for duplicate in [false, true] {
            let recorded = server.usage().record_usage(used.clone()).await.unwrap().into_inner();
            assert!(recorded.start_time_adjusted, "{id}");
            assert_eq!((recorded.duplicate, amount(&recorded.cost)), (duplicate, "2.00"));
        }
    }
    assert!(live_holds(&server).await.is_empty());
    assert_eq!(amount(&get_budget(&server).await.spent), "6.00");
    let request =
        v1::ListUsageRecordsRequest { workspace_id: ACME.to_owned(), ..Default::default() };
    let listed = server.usage().list_usage_records(request).await.unwrap().into_inner().records;
    for entry in listed {
        assert_eq!((entry.start_time, entry.charge_time), (at(0), at(0)));
        assert!(entry.start_time_adjusted);
    }
}

#[tokio::test]
async fn without_a_hold_a_clock_may_be_a_day_ahead() {
    let server = acme().await;
    let now = server.clock.micros() / 1_000_000;
    let start = |id: &str, seconds: i64| v1::RecordUsageRequest {
        start_time: Some(Timestamp { seconds: now + seconds, nanos: 0 }),
        ..record(id, "big")
    };
    for (id, seconds, adjusted) in [("r-1", 300, false), ("r-2", 301, true), ("r-3", 86_400, true)]
    {
        let recorded = server.usage().record_usage(start(id, seconds)).await.unwrap();
        assert_eq!(recorded.into_inner().start_time_adjusted, adjusted, "{id}");
    }
    for seconds in [86_401, -35 * 86_400 - 1] {
        let status = server.usage().record_usage(start("r-4", seconds)).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(refused_fields(&status), ["start_time"]);
    }
    server.clock.advance(MICROS_PER_MINUTE);
    assert_eq!(amount(&get_budget(&server).await.spent), "6.00");
}
