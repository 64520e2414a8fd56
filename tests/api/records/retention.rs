//! Old records are dropped, and no report that rests on sums changes by it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tollgate::admin::{self, verify};
use tollgate::config::Config;
use tollgate::domain::time::MICROS_PER_DAY;
use tollgate::proto::v1;
use tollgate::proto::v1::{UsageDimension as Dimension, UsageMetric as Metric};
use tonic::Code;

use crate::analytics::setup::{ask, days, instant, query};
use crate::fixtures::{ACME, assert_failed, record};
use crate::records::generate;
use crate::server::{self, Server, TestClock};

/// Until the day before the clock of the tests.
const FLAGS: &str = "--records 4000 --days 100 --until 2026-03-14 --time-zone America/New_York \
                     --users 30 --departments 5 --assistants 8 --workflows 5 --models 10 --seed 3";
/// What 62 days keep on the 15th of March 2026 in New York, and what lies before.
const KEPT_FROM: &str = "2026-01-12T05:00:00Z";
const OLD: (&str, &str) = ("2025-12-06", "2026-01-05");
const ALL: (&str, &str) = ("2025-12-06", "2026-03-15");
const ATTEMPTS_MAX: usize = 1_000;

/// Everything that reports say about the old days and all days.
async fn reports(server: &Server) -> Vec<String> {
    let mut said = Vec::new();
    for (first, last) in [OLD, ALL] {
        let range = days(first, last);
        let request = v1::GetDashboardRequest {
            workspace_id: ACME.to_owned(),
            range: range.clone(),
            ..Default::default()
        };
        let dashboard = server.analytics().get_dashboard(request).await.unwrap().into_inner();
        said.push(format!("{:?}", v1::GetDashboardResponse { as_of_time: None, ..dashboard }));
        let metrics = [Metric::Cost, Metric::Requests, Metric::Tokens, Metric::Errors];
        let of_refusals = [Metric::Blocked, Metric::Routed];
        let mut queries =
            vec![query(&of_refusals, &[Dimension::Limit]), query(&of_refusals, &[Dimension::User])];
        queries.push(query(&[Metric::ActiveUsers], &[]));
        queries.push(query(&[Metric::ActiveUsers], &[Dimension::Model]));
        for by in [
            Dimension::Model,
            Dimension::Provider,
            Dimension::Department,
            Dimension::User,
            Dimension::ApiKey,
            Dimension::Assistant,
        ] {
            queries.push(query(&metrics, &[by]));
            queries.push(query(&[Metric::Latency], &[by]));
        }
        for by in [
            Dimension::Workflow,
            Dimension::Feature,
            Dimension::Project,
            Dimension::Investigation,
            Dimension::Session,
        ] {
            queries.push(query(&metrics, &[by]));
            queries.push(query(&metrics[..1], &[Dimension::Model, by]));
        }
        for mut asked in queries {
            asked.range = range.clone();
            asked.compare_previous = true;
            let answer = ask(server, asked).await;
            said.push(format!("{:?}", v1::QueryUsageResponse { as_of_time: None, ..answer }));
        }
        let mut by_hour = query(&metrics, &[Dimension::Model]);
        by_hour.range = days(OLD.0, OLD.1);
        by_hour.granularity = v1::TimeGranularity::Hour.into();
        said.push(format!("{:?}", ask(server, by_hour).await.groups));
    }
    said
}

/// How many records are charged before a time.
async fn records_before(server: &Server, time: &str) -> usize {
    let request = v1::ListUsageRecordsRequest {
        workspace_id: ACME.to_owned(),
        end_time: Some(instant(time)),
        page_size: 1_000,
        ..Default::default()
    };
    server.usage().list_usage_records(request).await.unwrap().into_inner().records.len()
}

async fn set_retention(server: &Server, usage_retention_days: i32) {
    let workspace =
        v1::Workspace { workspace_id: ACME.to_owned(), usage_retention_days, ..Default::default() };
    let request = v1::UpdateWorkspaceRequest { workspace: Some(workspace), update_mask: None };
    server.workspace().update_workspace(request).await.unwrap();
}

/// What reads the log record by record begins where it is whole.
async fn simulations_say_where_the_log_is_whole(server: &Server) {
    let simulate = |start_time: &str| v1::SimulatePolicyRequest {
        workspace_id: ACME.to_owned(),
        start_time: Some(instant(start_time)),
        ..Default::default()
    };
    let refused = server.insight().simulate_policy(simulate("2026-01-12T04:59:59Z")).await;
    let refused = refused.unwrap_err();
    let kept_from = [("kept_from_date", "2026-01-12")];
    assert_failed(&refused, Code::FailedPrecondition, "QUERY_TOO_BROAD", &kept_from);
    assert!(refused.message().contains("2026-01-12"), "{}", refused.message());
    server.insight().simulate_policy(simulate(KEPT_FROM)).await.unwrap();
}

/// A server that looks at what is to be dropped when it starts.
async fn restart(server: Server, folder: &Path, clock: &Arc<TestClock>) -> Server {
    server.stop().await.unwrap();
    Server::start_in(folder, clock.clone(), Config::default()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_old_records_changes_no_report() {
    let folder = tempfile::tempdir().unwrap();
    let url = server::database(folder.path()).await;
    generate::run(&url, ACME, FLAGS).await.unwrap();
    let clock = Arc::new(TestClock::default());
    let server = Server::start_in(folder.path(), clock.clone(), Config::default()).await;
    let before = reports(&server).await;
    assert!(records_before(&server, KEPT_FROM).await > 500);
    set_retention(&server, 62).await;

    let server = restart(server, folder.path(), &clock).await;
    let mut attempts = 0;
    while records_before(&server, KEPT_FROM).await > 0 {
        attempts += 1;
        assert!(attempts < ATTEMPTS_MAX, "old records stay");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(records_before(&server, "2026-03-15T04:00:00Z").await > 500, "later ones stay");
    let after = reports(&server).await;
    assert_eq!(after.len(), before.len());
    for (after, before) in after.iter().zip(&before) {
        assert_eq!(after, before);
    }

    simulations_say_where_the_log_is_whole(&server).await;

    // Prices are applied to what is there.
    let reprice = v1::RepriceUsageRequest {
        workspace_id: ACME.to_owned(),
        start_time: Some(instant("2025-12-01T00:00:00Z")),
        dry_run: true,
        ..Default::default()
    };
    let repriced = server.usage().reprice_usage(reprice).await.unwrap().into_inner();
    assert!((1..4_000).contains(&repriced.examined_count), "{repriced:?}");
    assert_eq!(repriced.corrected_count, 0);
    server.stop().await.unwrap();

    let verified = verify::run(&url).await.unwrap();
    assert!(verified.is_clean(), "{verified}");
    admin::rebuild(&url).await.unwrap();
    let verified = verify::run(&url).await.unwrap();
    assert!(verified.is_clean(), "{verified}");
    let server = Server::start_in(folder.path(), clock.clone(), Config::default()).await;
    assert_eq!(reports(&server).await, before);

    // The next day one more day goes, once the log knows of it.
    clock.advance(MICROS_PER_DAY);
    server.usage().record_usage(record("of the next day", "big")).await.unwrap();
    let next = "2026-01-13T05:00:00Z";
    assert!(records_before(&server, next).await > 0);
    let server = restart(server, folder.path(), &clock).await;
    let mut attempts = 0;
    while records_before(&server, next).await > 0 {
        attempts += 1;
        assert!(attempts < ATTEMPTS_MAX, "old records stay");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    server.stop().await.unwrap();
}
