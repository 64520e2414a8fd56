//! `WatchWorkspace`: all that a page shows, on one stream.

use std::time::{Duration, Instant};

use tollgate::config::Config;
use tollgate::limits::Limits;
use tollgate::proto::v1;
use tonic::{Code, Streaming};

use crate::alerts;
use crate::fixtures::{ACME, acme, amount, assert_failed, record, refused_fields, set_up};
use crate::limits::{Type, create_quota, money_quota, spend, user};
use crate::server::Server;

type Watch = Streaming<v1::WatchWorkspaceResponse>;

fn millis(millis: i64) -> Option<prost_types::Duration> {
    let nanos = i32::try_from(millis % 1_000 * 1_000_000).unwrap();
    Some(prost_types::Duration { seconds: millis / 1_000, nanos })
}

async fn watch(server: &Server) -> Watch {
    let workspace_id = ACME.to_owned();
    let request = v1::WatchWorkspaceRequest { workspace_id, interval: millis(100) };
    server.analytics().watch_workspace(request).await.unwrap().into_inner()
}

async fn next(watch: &mut Watch) -> v1::WatchWorkspaceResponse {
    let message = tokio::time::timeout(Duration::from_secs(30), watch.message()).await;
    message.expect("a message comes in time").unwrap().expect("the stream goes on")
}

/// The first message that has a part.
async fn until<T>(
    watch: &mut Watch,
    mut part: impl FnMut(v1::WatchWorkspaceResponse) -> Option<T>,
) -> T {
    loop {
        if let Some(part) = part(next(watch).await) {
            return part;
        }
    }
}

fn is_silent(message: &v1::WatchWorkspaceResponse) -> bool {
    let v1::WatchWorkspaceResponse { sequence, server_time, .. } = *message;
    *message == v1::WatchWorkspaceResponse { sequence, server_time, ..Default::default() }
}

#[tokio::test]
async fn a_snapshot_comes_first_and_then_what_has_changed() {
    let server = acme().await;
    let quota = v1::Quota {
        display_name: "Ada a day".to_owned(),
        ..money_quota("q", Type::User, "ada", "8")
    };
    create_quota(&server, quota).await.unwrap();
    let mut watch = watch(&server).await;
    let first = next(&mut watch).await;
    assert_eq!(first.sequence, 1);
    assert!(first.server_time.is_some());
    let budget = first.budget.unwrap();
    assert_eq!((amount(&budget.spent), budget.time_zone.as_str()), ("0.00", "UTC"));
    let dates = (budget.cycle_first_date.as_str(), budget.cycle_last_date.as_str());
    assert_eq!(dates, ("2026-03-01", "2026-03-31"));
    assert_eq!(first.live_metrics.unwrap().today.unwrap().request_count, 0);
    assert_eq!(first.alerts, Some(v1::WorkspaceAlerts::default()));
    assert_eq!(amount(&first.quotas.unwrap().usages[0].spent), "0.00");

    spend(&server, "r-1", "big", user("ada")).await;
    let changed = next(&mut watch).await;
    assert_eq!(changed.sequence, 2);
    let budget = changed.budget.unwrap();
    assert_eq!(amount(&budget.spent), "2.00");
    assert_eq!(budget.spend_by_model[0].display_name, "big");
    let quotas = changed.quotas.unwrap().usages;
    assert_eq!((amount(&quotas[0].spent), quotas[0].utilization), ("2.00", 0.25));
    assert_eq!(quotas[0].quota_display_name, "Ada a day");
    assert_eq!(changed.live_metrics, None, "they were computed just now");
    let live = until(&mut watch, |message| message.live_metrics).await;
    assert_eq!(live.today.unwrap().request_count, 1);
}

#[tokio::test]
async fn alerts_come_with_it_and_their_acknowledgement() {
    let server = alerts::small_plan(Config::default()).await;
    let mut watch = watch(&server).await;
    assert_eq!(next(&mut watch).await.alerts.unwrap().unacknowledged_count, 0);
    server.usage().record_usage(record("r-1", "big")).await.unwrap();
    let raised = until(&mut watch, |message| message.alerts).await;
    assert_eq!((raised.alerts.len(), raised.unacknowledged_count), (1, 1));
    let alert_id = raised.alerts[0].alert_id;
    let request = v1::AcknowledgeAlertRequest { workspace_id: ACME.to_owned(), alert_id };
    server.alert().acknowledge_alert(request).await.unwrap();
    let seen = until(&mut watch, |message| message.alerts).await;
    assert_eq!((seen.alerts.len(), seen.unacknowledged_count), (1, 0));
    assert!(seen.alerts[0].acknowledge_time.is_some());
}

#[tokio::test]
async fn there_is_a_message_now_and_then_while_nothing_changes() {
    let silence = Duration::from_millis(400);
    let limits = Limits { watch_silence_max: silence, ..Limits::default() };
    let server = Server::start_with(Config { limits, ..Config::default() }).await;
    set_up(&server).await;
    let mut watch = watch(&server).await;
    let begun = Instant::now();
    next(&mut watch).await;
    for sequence in 2..6 {
        let message = next(&mut watch).await;
        assert_eq!(message.sequence, sequence);
        assert!(is_silent(&message), "{message:?}");
    }
    // Sent no sooner than they must be, which the machine cannot make untrue.
    assert!(begun.elapsed() >= silence * 4 - Duration::from_millis(100));
    assert_eq!(Limits::default().watch_silence_max, Duration::from_secs(15));
}

#[tokio::test]
async fn a_slow_reader_gets_the_newest_state_alone() {
    let server = acme().await;
    let mut watch = watch(&server).await;
    next(&mut watch).await;
    for index in 0..30 {
        server.usage().record_usage(record(&format!("r-{index}"), "small")).await.unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut messages = 0;
    until(&mut watch, |message| {
        messages += i32::from(message.budget.is_some());
        message.budget.filter(|budget| amount(&budget.spent) == "6.00")
    })
    .await;
    assert!(messages < 15, "{messages} states for 30 records");
}

#[tokio::test]
async fn requests_and_ends_are_those_of_other_streams() {
    let server = acme().await;
    let mut analytics = server.analytics();
    for (interval, fields) in [
        (millis(99), vec!["interval"]),
        (millis(15_001), vec!["interval"]),
        (millis(15_000), vec![]),
    ] {
        let request = v1::WatchWorkspaceRequest { workspace_id: ACME.to_owned(), interval };
        let answer = analytics.watch_workspace(request).await;
        assert_eq!(answer.map_or_else(|status| refused_fields(&status), |_| Vec::new()), fields);
    }
    let request = v1::WatchWorkspaceRequest { workspace_id: "nowhere".to_owned(), interval: None };
    let status = analytics.watch_workspace(request).await.unwrap_err();
    assert_failed(&status, Code::NotFound, "WORKSPACE_NOT_FOUND", &[]);
    let mut watch = watch(&server).await;
    next(&mut watch).await;
    let stopped = tokio::spawn(server.stop());
    let end = loop {
        match watch.message().await {
            Ok(message) => assert!(message.is_some(), "it does not end without a status"),
            Err(status) => break status,
        }
    };
    assert_failed(&end, Code::Unavailable, "STOPPING", &[]);
    stopped.await.unwrap().unwrap();
}
