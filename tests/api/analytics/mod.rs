//! Reports through the API: each RPC on a handful of records whose figures are worked out here by
//! hand, in UTC and across changes of the clocks.

pub mod bad_input;
pub mod insight;
pub mod people;
pub mod refusals;
pub mod setup;

use prost_types::Duration;
use tollgate::domain::time::{MICROS_PER_DAY, MICROS_PER_HOUR};
use tollgate::proto::v1;

use crate::analytics::setup::{
    Dimension, Metric, ask, attempt, cost, days, groups, instant, only, pairs, preset, priced,
    query,
};
use crate::fixtures::{ACME, acme, amount, create_workspace, eur};
use crate::server::{START, Server};

/// Of this month: three on `big` by ann (law) and bob (law), and one on `small` by nobody; before
/// it one on `big` by ann and one on `small` by cid (ops).
async fn with_usage() -> Server {
    let server = priced().await;
    let triage = |attribution: &mut v1::Attribution| {
        attribution.workflow_id = "triage".to_owned();
        attribution.assistant_id = "helper".to_owned();
    };
    let one = attempt("r-1", "big").user("ann", "law").of(triage).at("2026-03-14T10:00:00Z");
    one.latency(1).send(&server).await;
    let two = attempt("r-2", "big").user("ann", "law").at("2026-03-15T08:15:00Z");
    two.outcome(v1::Outcome::Error).latency(3).send(&server).await;
    let three = attempt("r-3", "big").user("bob", "law").of(triage).at("2026-03-15T11:30:00Z");
    three.outcome(v1::Outcome::Cancelled).latency(2).send(&server).await;
    attempt("r-4", "small").at("2026-03-15T11:59:00Z").latency(2).send(&server).await;
    attempt("r-5", "big").user("ann", "law").at("2026-02-12T10:00:00Z").send(&server).await;
    attempt("r-6", "small").user("cid", "ops").at("2026-02-13T23:59:59Z").send(&server).await;
    server
}

async fn overview(
    server: &Server,
    range: Option<v1::ReportRange>,
    filters: Vec<v1::UsageFilter>,
) -> v1::GetOverviewResponse {
    let request = v1::GetOverviewRequest { workspace_id: ACME.to_owned(), range, filters };
    server.analytics().get_overview(request).await.unwrap().into_inner()
}

fn figures(figure: &Option<v1::CountFigure>) -> (i64, i64) {
    let figure = figure.as_ref().expect("a figure");
    (figure.value, figure.previous)
}

#[tokio::test]
async fn an_empty_workspace_has_empty_reports() {
    let server = acme().await;
    let request = v1::GetDashboardRequest { workspace_id: ACME.to_owned(), ..Default::default() };
    let page = server.analytics().get_dashboard(request).await.unwrap().into_inner();
    let found = page.overview.unwrap();
    assert_eq!(figures(&found.total_users), (0, 0));
    assert_eq!(figures(&found.requests), (0, 0));
    assert_eq!(found.requests.unwrap().change_percent, None);
    assert_eq!(found.spend.unwrap().value, Some(eur("0.00")));
    assert_eq!(found.error_rate.unwrap().value, None);
    assert_eq!((page.active_users.len(), page.teams.len()), (30, 0));
    let first_value = page.time_to_first_value.unwrap();
    assert_eq!((first_value.user_count, first_value.median), (0, None));
    let labels: Vec<&str> = first_value.buckets.iter().map(|b| b.label.as_str()).collect();
    assert_eq!(labels, ["<1h", "1-6h", "6-24h", "1-3d", "3-7d", "7+d", "never"]);
    assert!(first_value.buckets.iter().all(|bucket| bucket.share_percent == 0.0));
    let response = ask(&server, query(&[Metric::Cost, Metric::Latency], &[Dimension::Model])).await;
    let total = response.total.unwrap();
    let values = total.values.unwrap();
    assert_eq!((values.cost, values.latency_mean), (Some(eur("0.00")), None));
    assert_eq!((total.share_percent, response.groups.len()), (None, 0));
    let request = v1::GetLiveMetricsRequest { workspace_id: ACME.to_owned() };
    let live = server.analytics().get_live_metrics(request).await.unwrap().into_inner();
    let live = live.metrics.unwrap();
    assert_eq!(live.month_run_rate, Some(eur("0.00")));
    assert_eq!((live.envelope, live.quotas.len()), (Some(eur("120.00")), 0));
}

#[tokio::test]
async fn key_figures_stand_beside_those_of_the_previous_period() {
    let server = with_usage().await;
    let response = overview(&server, None, Vec::new()).await;
    let period = response.period.unwrap();
    assert_eq!(
        (period.first_date.as_str(), period.last_date.as_str()),
        ("2026-02-14", "2026-03-15")
    );
    assert_eq!(period.previous_first_date, "2026-01-15");
    assert_eq!(period.previous_last_date, "2026-02-13");
    assert_eq!(period.end_time, Some(instant("2026-03-16T00:00:00Z")));
    assert_eq!(period.time_zone, "UTC");
    assert_eq!(response.as_of_time, Some(instant("2026-03-15T12:00:00Z")));
    let found = response.overview.unwrap();
    assert_eq!(figures(&found.total_users), (3, 2));
    assert_eq!(figures(&found.active_users), (2, 2));
    assert_eq!(figures(&found.tokens), (600_000, 300_000));
    assert_eq!(found.tokens.unwrap().change_percent, Some(100.0));
    assert_eq!(figures(&found.workflows), (1, 0));
    assert_eq!(figures(&found.assistants), (1, 0));
    assert_eq!(figures(&found.requests), (4, 2));
    let spend = found.spend.unwrap();
    assert_eq!((amount(&spend.value), amount(&spend.previous)), ("6.20", "2.20"));
    let rate = found.error_rate.unwrap();
    assert_eq!((rate.value, rate.previous), (Some(25.0), Some(0.0)));
    assert_eq!(figures(&found.blocked), (0, 0));
}

#[tokio::test]
async fn workflows_and_assistants_are_counted_beside_those_that_were_used() {
    let server = with_usage().await;
    let entry = |kind: v1::DirectoryKind, id: &str| v1::DirectoryEntry {
        kind: kind.into(),
        id: id.to_owned(),
        ..Default::default()
    };
    let entries = vec![
        entry(v1::DirectoryKind::Workflow, "triage"),
        entry(v1::DirectoryKind::Workflow, "idle"),
        entry(v1::DirectoryKind::Workflow, "old"),
        entry(v1::DirectoryKind::Assistant, "idle"),
    ];
    let workspace_id = ACME.to_owned();
    let request = v1::UpsertEntriesRequest { workspace_id: workspace_id.clone(), entries };
    server.directory().upsert_entries(request).await.unwrap();
    let (kind, ids) = (v1::DirectoryKind::Workflow.into(), vec!["old".to_owned()]);
    let request = v1::ArchiveEntriesRequest { workspace_id, kind, ids };
    server.directory().archive_entries(request).await.unwrap();
    let found = overview(&server, None, Vec::new()).await.overview.unwrap();
    assert_eq!(figures(&found.total_workflows), (2, 0));
    assert_eq!(figures(&found.total_assistants), (2, 0));
    assert_eq!((figures(&found.workflows), figures(&found.assistants)), ((1, 0), (1, 0)));
}

#[tokio::test]
async fn rankings_are_by_tokens_requests_or_cost() {
    let server = priced().await;
    // More tokens, more requests, more cost.
    for (workflow, model, count, tokens) in [
        ("tokens", "small", 1, 9_000_000),
        ("requests", "small", 4, 1_000),
        ("cost", "big", 2, 900_000),
    ] {
        for index in 0..count {
            let usage = v1::Usage { input_token_count: tokens, ..Default::default() };
            let attribution = v1::Attribution {
                workflow_id: workflow.to_owned(),
                assistant_id: workflow.to_owned(),
                ..Default::default()
            };
            let request = v1::RecordUsageRequest {
                usage: Some(usage),
                attribution: Some(attribution),
                ..crate::fixtures::record(&format!("{workflow}-{index}"), model)
            };
            server.usage().record_usage(request).await.unwrap();
        }
    }
    let ids = |places: &[v1::RankedUsage]| -> Vec<String> {
        places.iter().map(|place| place.id.clone()).collect()
    };
    let orders = [
        (Metric::Unspecified, ["tokens", "cost", "requests"]),
        (Metric::Tokens, ["tokens", "cost", "requests"]),
        (Metric::Requests, ["requests", "cost", "tokens"]),
        (Metric::Cost, ["cost", "tokens", "requests"]),
    ];
    let (mut analytics, workspace_id) = (server.analytics(), ACME.to_owned());
    for (order, expected) in orders {
        let order_by = order.into();
        let request = v1::GetTopWorkflowsRequest {
            workspace_id: workspace_id.clone(),
            order_by,
            ..Default::default()
        };
        let ranked = analytics.get_top_workflows(request).await.unwrap().into_inner();
        assert_eq!(ids(&ranked.workflows), expected, "{order:?}");
        let request = v1::GetTopAssistantsRequest {
            workspace_id: workspace_id.clone(),
            order_by,
            top: 1,
            ..Default::default()
        };
        let ranked = analytics.get_top_assistants(request).await.unwrap().into_inner();
        assert_eq!(ids(&ranked.assistants), expected[..1], "{order:?}");
    }
    let request = v1::GetDashboardRequest {
        workspace_id: workspace_id.clone(),
        workflow_order_by: Metric::Requests.into(),
        assistant_order_by: Metric::Cost.into(),
        ..Default::default()
    };
    let page = analytics.get_dashboard(request).await.unwrap().into_inner();
    assert_eq!(ids(&page.top_workflows), orders[2].1);
    assert_eq!(ids(&page.top_assistants), orders[3].1);
    let request = v1::GetTopWorkflowsRequest {
        workspace_id,
        order_by: Metric::Latency.into(),
        ..Default::default()
    };
    let status = analytics.get_top_workflows(request).await.unwrap_err();
    assert_eq!(crate::fixtures::refused_fields(&status), ["order_by"]);
}

#[tokio::test]
async fn filters_restrict_what_counts() {
    let server = with_usage().await;
    let of = async |filters| overview(&server, None, filters).await.overview.unwrap();
    let found = of(vec![only(Dimension::Model, &["small"])]).await;
    assert_eq!((figures(&found.requests), figures(&found.active_users)), ((1, 1), (0, 1)));
    assert!(found.blocked.is_some());
    let found =
        of(vec![only(Dimension::Department, &["law"]), only(Dimension::Outcome, &["error"])]).await;
    assert_eq!((figures(&found.requests), figures(&found.active_users)), ((1, 0), (1, 0)));
    assert_eq!(found.blocked, None);
    // Total users are those of the workspace.
    assert_eq!(figures(&found.total_users), (3, 2));
    let found = of(vec![only(Dimension::User, &["", "bob"])]).await;
    assert_eq!(figures(&found.requests), (2, 0));
    let found = of(vec![only(Dimension::Provider, &[""])]).await;
    assert_eq!(figures(&found.requests), (4, 2));
    assert_eq!(figures(&of(vec![only(Dimension::Provider, &["x"])]).await.requests), (0, 0));
}

#[tokio::test]
async fn the_page_has_the_same_figures_as_its_parts() {
    let server = with_usage().await;
    let workspace_id = ACME.to_owned();
    let range = preset(v1::ReportPreset::Last7Days);
    let mut analytics = server.analytics();
    let (id, of) = (workspace_id.clone(), range.clone());
    let request = v1::GetDashboardRequest { workspace_id: id, range: of, ..Default::default() };
    let page = analytics.get_dashboard(request).await.unwrap().into_inner();
    assert_eq!(page.overview, overview(&server, range.clone(), Vec::new()).await.overview);

    let (id, of) = (workspace_id.clone(), range.clone());
    let request = v1::GetActiveUsersRequest { workspace_id: id, range: of, ..Default::default() };
    let users = analytics.get_active_users(request).await.unwrap().into_inner();
    assert_eq!(page.active_users, users.points);
    let counts: Vec<i64> = users.points.iter().map(|point| point.user_count).collect();
    assert_eq!((counts, users.total), (vec![0, 0, 0, 0, 0, 1, 2], 2));
    assert_eq!(users.points[6].first_date, "2026-03-15");
    assert_eq!(users.points[6].start_time, Some(instant("2026-03-15T00:00:00Z")));

    let (id, of) = (workspace_id.clone(), range.clone());
    let request =
        v1::GetTokenUsageByTeamRequest { workspace_id: id, range: of, ..Default::default() };
    let teams = analytics.get_token_usage_by_team(request).await.unwrap().into_inner();
    assert_eq!(page.teams, teams.teams);
    let of_team = |team: &v1::TeamUsage| {
        (team.display_name.clone(), team.token_count, team.token_share_percent)
    };
    let expected = [("law".to_owned(), 450_000, 75.0), ("No department".to_owned(), 150_000, 25.0)];
    assert_eq!(teams.teams.iter().map(of_team).collect::<Vec<_>>(), expected);
    assert_eq!((amount(&teams.teams[0].cost), teams.teams[0].request_count), ("6.00", 3));

    let (id, of) = (workspace_id.clone(), range.clone());
    let request = v1::GetTopWorkflowsRequest { workspace_id: id, range: of, ..Default::default() };
    let ranked = analytics.get_top_workflows(request).await.unwrap().into_inner();
    assert_eq!(page.top_workflows, ranked.workflows);
    let request = v1::GetTopAssistantsRequest { workspace_id, range, ..Default::default() };
    let ranked = analytics.get_top_assistants(request).await.unwrap().into_inner();
    assert_eq!(page.top_assistants, ranked.assistants);
    let [helper] = &ranked.assistants[..] else { panic!("{ranked:?}") };
    assert_eq!((helper.rank, helper.id.as_str(), helper.request_count), (1, "helper", 2));
    assert_eq!((helper.tokens_per_request, amount(&helper.cost)), (150_000.0, "4.00"));
}

#[tokio::test]
async fn users_count_once_in_a_week_and_in_a_month() {
    let server = with_usage().await;
    let asked = async |granularity: v1::TimeGranularity| {
        let request = v1::GetActiveUsersRequest {
            workspace_id: ACME.to_owned(),
            range: days("2026-02-12", "2026-03-15"),
            granularity: granularity.into(),
            ..Default::default()
        };
        let found = server.analytics().get_active_users(request).await.unwrap().into_inner();
        let points = found.points.into_iter().map(|point| (point.first_date, point.user_count));
        (points.collect::<Vec<_>>(), found.total)
    };
    let weeks = [
        ("2026-02-12", 2),
        ("2026-02-16", 0),
        ("2026-02-23", 0),
        ("2026-03-02", 0),
        ("2026-03-09", 2),
    ];
    assert_eq!(asked(v1::TimeGranularity::Week).await, (pairs(&weeks), 3));
    let months = [("2026-02-12", 2), ("2026-03-01", 2)];
    assert_eq!(asked(v1::TimeGranularity::Month).await, (pairs(&months), 3));
}

#[tokio::test]
async fn groups_others_and_shares_add_up() {
    let server = with_usage().await;
    let mut request = query(&[Metric::Cost, Metric::Tokens, Metric::Errors], &[Dimension::User]);
    request.top = 1;
    request.compare_previous = true;
    let response = ask(&server, request).await;
    let expected = [("ann", "4.00".to_owned()), ("(others)", "2.20".to_owned())];
    assert_eq!(groups(&response, cost), pairs(&expected));
    let [ann, others] = &response.groups[..] else { panic!("{response:?}") };
    let shares = ann.share_percent.unwrap() + others.share_percent.unwrap();
    assert!((shares - 100.0).abs() < 1e-9);
    let values = others.values.as_ref().unwrap();
    assert_eq!((values.error_count, values.cancelled_count), (Some(0), Some(1)));
    assert_eq!(values.token_count, Some(300_000));
    assert_eq!(values.tokens.as_ref().unwrap().output_token_count, 100_000);
    assert_eq!(cost(others.previous.as_ref().unwrap()), "0.20");
    assert_eq!(ann.change_percent, Some(100.0));
    let total = response.total.unwrap();
    assert_eq!(
        (cost(&total.values.unwrap()), total.share_percent),
        ("6.20".to_owned(), Some(100.0))
    );
    assert!((total.change_percent.unwrap() - 4.0 / 2.2 * 100.0).abs() < 1e-9);
}

#[tokio::test]
async fn latencies_and_costs_per_something_are_told() {
    let server = with_usage().await;
    let metrics =
        [Metric::Latency, Metric::CostPerRequest, Metric::CostPerUser, Metric::ActiveUsers];
    let response = ask(&server, query(&metrics, &[Dimension::Department])).await;
    let total = response.total.clone().unwrap().values.unwrap();
    assert_eq!(total.latency_mean, Some(Duration { seconds: 2, nanos: 0 }));
    let seconds = |duration: Option<Duration>| {
        let Duration { seconds, nanos } = duration.unwrap();
        seconds as f64 + f64::from(nanos) / 1e9
    };
    assert!((seconds(total.latency_p50) - 2.0).abs() < 0.14, "{:?}", total.latency_p50);
    assert!((seconds(total.latency_p99) - 3.0).abs() < 0.21, "{:?}", total.latency_p99);
    assert_eq!(total.cost_per_request, Some(eur("1.55")));
    // Usage that names no user counts into the cost.
    assert_eq!(total.cost_per_user, Some(eur("3.10")));
    assert_eq!(total.cost, None);
    let of = |values: &v1::UsageValues| (values.cost_per_user.clone(), values.active_user_count);
    let expected = [("law", (Some(eur("3.00")), Some(2))), ("", (None, Some(0)))];
    assert_eq!(groups(&response, of), pairs(&expected));
    assert_eq!(response.groups[0].share_percent, None);
}

#[tokio::test]
async fn two_dimensions_and_tags_are_told_apart() {
    let server = acme().await;
    let tag = |value: &'static str| {
        move |attribution: &mut v1::Attribution| {
            attribution.tags.insert("team".to_owned(), value.to_owned());
            attribution.tags.insert("stage".to_owned(), "live".to_owned());
        }
    };
    attempt("r-1", "big").user("ann", "law").of(tag("red")).send(&server).await;
    attempt("r-2", "small").user("ann", "law").of(tag("blue")).send(&server).await;
    attempt("r-3", "small").user("bob", "law").send(&server).await;
    let mut request = query(&[Metric::Cost], &[Dimension::Tag]);
    request.group_by[0].tag_key = "team".to_owned();
    let response = ask(&server, request.clone()).await;
    let cost_of = |response: &v1::QueryUsageResponse| groups(response, cost);
    let amounts = |expected: &[(&str, &str)]| -> Vec<(String, String)> {
        expected.iter().map(|(key, cost)| ((*key).to_owned(), (*cost).to_owned())).collect()
    };
    assert_eq!(cost_of(&response), amounts(&[("red", "2.00"), ("", "0.20"), ("blue", "0.20")]));
    // By the model and one other: from sums. By any other two: from the records.
    let by_model = v1::UsageGrouping { dimension: Dimension::Model.into(), ..Default::default() };
    request.group_by.push(by_model);
    let response = ask(&server, request.clone()).await;
    let expected = [("red/big", "2.00"), ("/small", "0.20"), ("blue/small", "0.20")];
    assert_eq!(cost_of(&response), amounts(&expected));
    request.group_by[1] =
        v1::UsageGrouping { dimension: Dimension::User.into(), ..Default::default() };
    let response = ask(&server, request).await;
    let expected = [("red/ann", "2.00"), ("/bob", "0.20"), ("blue/ann", "0.20")];
    assert_eq!(cost_of(&response), amounts(&expected));
}

#[tokio::test]
async fn an_investigation_costs_what_names_it() {
    let server = acme().await;
    let of = |id: &'static str| {
        move |attribution: &mut v1::Attribution| {
            attribution.investigation_id = id.to_owned();
            attribution.session_id = "s-1".to_owned();
        }
    };
    attempt("r-1", "big").of(of("i-1")).send(&server).await;
    attempt("r-2", "small").of(of("i-1")).send(&server).await;
    attempt("r-3", "big").of(of("i-2")).send(&server).await;
    attempt("r-4", "big").send(&server).await;
    let metrics = [Metric::CostPerInvestigation, Metric::CostPerSession, Metric::Cost];
    let response = ask(&server, query(&metrics, &[Dimension::Model])).await;
    let total = response.total.unwrap().values.unwrap();
    assert_eq!(total.cost_per_investigation, Some(eur("2.10")));
    assert_eq!(total.cost_per_session, Some(eur("4.20")));
    let response = ask(&server, query(&metrics[..1], &[Dimension::Model])).await;
    let of = |values: &v1::UsageValues| values.cost_per_investigation.clone().unwrap().amount;
    let expected = [("big", "2.00".to_owned()), ("small", "0.20".to_owned())];
    assert_eq!(groups(&response, of), pairs(&expected));
}

#[tokio::test]
async fn a_late_record_counts_in_its_own_hour_and_day() {
    let server = acme().await;
    let mut request = query(&[Metric::Requests], &[]);
    request.range = days("2026-03-10", "2026-03-12");
    request.granularity = v1::TimeGranularity::Hour.into();
    assert!(ask(&server, request.clone()).await.total.unwrap().points.is_empty());
    attempt("late", "small").at("2026-03-11T05:59:59Z").send(&server).await;
    let total = ask(&server, request.clone()).await.total.unwrap();
    let [point] = &total.points[..] else { panic!("{total:?}") };
    assert_eq!(point.start_time, Some(instant("2026-03-11T05:00:00Z")));
    assert_eq!(point.first_date, "2026-03-11");
    assert_eq!(point.values.as_ref().unwrap().request_count, Some(1));
    request.granularity = v1::TimeGranularity::Day.into();
    let total = ask(&server, request).await.total.unwrap();
    assert_eq!(total.points[0].start_time, Some(instant("2026-03-11T00:00:00Z")));
}

/// Sets the zone of the workspace.
async fn in_zone(server: &Server, zone: &str) {
    let workspace = v1::Workspace {
        workspace_id: ACME.to_owned(),
        time_zone: zone.to_owned(),
        ..Default::default()
    };
    let update_mask = Some(prost_types::FieldMask { paths: vec!["time_zone".to_owned()] });
    let request = v1::UpdateWorkspaceRequest { workspace: Some(workspace), update_mask };
    server.workspace().update_workspace(request).await.unwrap();
}

/// (start of the bucket, requests) of a day of the workspace, by hours and by days.
async fn of_day(
    server: &Server,
    day: &str,
    granularity: v1::TimeGranularity,
) -> (v1::ReportPeriod, Vec<(prost_types::Timestamp, i64)>) {
    let mut request = query(&[Metric::Requests], &[]);
    request.range = days(day, day);
    request.granularity = granularity.into();
    let response = ask(server, request).await;
    let points = response.total.unwrap().points.into_iter();
    let point = |point: v1::UsagePoint| {
        (point.start_time.unwrap(), point.values.unwrap().request_count.unwrap())
    };
    (response.period.unwrap(), points.map(point).collect())
}

#[tokio::test]
async fn a_day_of_23_hours_is_one_day() {
    let server = acme().await;
    in_zone(&server, "Europe/Berlin").await;
    server.clock.advance(15 * MICROS_PER_DAY);
    for (id, time) in [
        ("before", "2026-03-28T23:59:59+01:00"),
        ("first", "2026-03-29T00:00:00+01:00"),
        ("two", "2026-03-29T01:30:00+01:00"),
        ("three", "2026-03-29T03:00:00+02:00"),
        ("last", "2026-03-29T23:59:59+02:00"),
        ("after", "2026-03-30T00:00:00+02:00"),
    ] {
        attempt(id, "small").at(time).send(&server).await;
    }
    let (period, points) = of_day(&server, "2026-03-29", v1::TimeGranularity::Day).await;
    assert_eq!(period.start_time, Some(instant("2026-03-29T00:00:00+01:00")));
    assert_eq!(period.end_time, Some(instant("2026-03-30T00:00:00+02:00")));
    assert_eq!(period.time_zone, "Europe/Berlin");
    assert_eq!(points, [(instant("2026-03-29T00:00:00+01:00"), 4)]);
    let (_, points) = of_day(&server, "2026-03-29", v1::TimeGranularity::Hour).await;
    let expected = [
        (instant("2026-03-29T00:00:00+01:00"), 1),
        (instant("2026-03-29T01:00:00+01:00"), 1),
        (instant("2026-03-29T03:00:00+02:00"), 1),
        (instant("2026-03-29T23:00:00+02:00"), 1),
    ];
    assert_eq!(points, expected);
}

#[tokio::test]
async fn days_and_hours_are_those_of_the_zone() {
    let server = acme().await;
    in_zone(&server, "Asia/Kathmandu").await;
    attempt("before", "small").at("2026-03-13T18:14:59Z").send(&server).await;
    attempt("first", "small").at("2026-03-13T18:15:00Z").send(&server).await;
    attempt("last", "small").at("2026-03-14T18:14:59Z").send(&server).await;
    let (_, points) = of_day(&server, "2026-03-14", v1::TimeGranularity::Day).await;
    assert_eq!(points, [(instant("2026-03-13T18:15:00Z"), 2)]);
    let (_, points) = of_day(&server, "2026-03-14", v1::TimeGranularity::Hour).await;
    let expected = [(instant("2026-03-13T18:15:00Z"), 1), (instant("2026-03-14T17:15:00Z"), 1)];
    assert_eq!(points, expected);
    // Days are counted from the one that is there now.
    let response = overview(&server, preset(v1::ReportPreset::Today), Vec::new()).await;
    assert_eq!(response.period.unwrap().first_date, "2026-03-15");
    server.clock.advance(6 * MICROS_PER_HOUR + MICROS_PER_HOUR / 4);
    let response = overview(&server, preset(v1::ReportPreset::Today), Vec::new()).await;
    assert_eq!(response.period.unwrap().first_date, "2026-03-16");
}

#[tokio::test]
async fn another_zone_moves_records_to_their_days() {
    let server = acme().await;
    attempt("r-1", "small").at("2026-03-12T23:30:00Z").send(&server).await;
    attempt("r-2", "small").at("2026-03-12T12:00:00Z").send(&server).await;
    let (_, points) = of_day(&server, "2026-03-12", v1::TimeGranularity::Day).await;
    assert_eq!(points, [(instant("2026-03-12T00:00:00Z"), 2)]);
    in_zone(&server, "Europe/Berlin").await;
    let (_, points) = of_day(&server, "2026-03-12", v1::TimeGranularity::Day).await;
    assert_eq!(points, [(instant("2026-03-12T00:00:00+01:00"), 1)]);
    let (_, points) = of_day(&server, "2026-03-13", v1::TimeGranularity::Day).await;
    assert_eq!(points, [(instant("2026-03-13T00:00:00+01:00"), 1)]);
}

#[tokio::test]
async fn where_a_workspace_stands_is_told() {
    let server = with_usage().await;
    let request = v1::GetLiveMetricsRequest { workspace_id: ACME.to_owned() };
    let live = server.analytics().get_live_metrics(request.clone()).await.unwrap().into_inner();
    let live = live.metrics.unwrap();
    let totals = |totals: &Option<v1::UsageTotals>| {
        let totals = totals.as_ref().unwrap();
        let counts = (totals.request_count, totals.token_count, totals.error_count);
        (amount(&totals.cost).to_owned(), counts, totals.start_time.unwrap())
    };
    let midnight = instant("2026-03-15T00:00:00Z");
    assert_eq!(totals(&live.today), ("4.20".to_owned(), (3, 450_000, 1), midnight));
    let hour = instant("2026-03-15T11:00:00Z");
    assert_eq!(totals(&live.last_hour), ("2.20".to_owned(), (2, 300_000, 0), hour));
    let first = instant("2026-03-01T00:00:00Z");
    assert_eq!(totals(&live.month_to_date), ("6.20".to_owned(), (4, 600_000, 1), first));
    assert_eq!(live.month_to_date, live.cycle_to_date);
    // 348 of 744 hours have passed: 6.20 * 744 / 348.
    assert_eq!(amount(&live.month_run_rate), "13.255172414");
    assert_eq!(live.cycle_run_rate, live.month_run_rate);
    assert_eq!(live.month_end_time, Some(instant("2026-04-01T00:00:00Z")));
    assert_eq!(live.cycle_end_time, live.month_end_time);
    assert_eq!(amount(&live.envelope), "120.00");
    assert_eq!(live.as_of_time, Some(instant("2026-03-15T12:00:00Z")));
    // In the first hour of the month there is no rate yet.
    server.clock.advance(16 * MICROS_PER_DAY + 12 * MICROS_PER_HOUR + MICROS_PER_HOUR / 2);
    let live = server.analytics().get_live_metrics(request).await.unwrap().into_inner();
    assert_eq!(live.metrics.unwrap().month_run_rate, None);
    create_workspace(&server, "bare").await;
    let request = v1::GetLiveMetricsRequest { workspace_id: "bare".to_owned() };
    let live = server.analytics().get_live_metrics(request).await.unwrap().into_inner();
    assert_eq!(live.metrics.unwrap().envelope, None);
}

#[tokio::test]
async fn a_watch_tells_at_once_and_after_changes_and_ends_with_the_server() {
    let server = acme().await;
    let request = v1::WatchLiveMetricsRequest {
        workspace_id: ACME.to_owned(),
        interval: Some(Duration { seconds: 1, nanos: 0 }),
    };
    let mut stream = server.analytics().watch_live_metrics(request).await.unwrap().into_inner();
    let first = stream.message().await.unwrap().unwrap().metrics.unwrap();
    assert_eq!(first.today.unwrap().request_count, 0);
    attempt("r-1", "big").send(&server).await;
    attempt("r-2", "big").send(&server).await;
    let second = stream.message().await.unwrap().unwrap().metrics.unwrap();
    // Both: an interval had to pass.
    assert_eq!(second.today.unwrap().request_count, 2);
    let stopped = tokio::spawn(server.stop());
    let end = loop {
        match stream.message().await {
            Ok(Some(_)) => {}
            other => break other,
        }
    };
    assert_eq!(end.unwrap_err().code(), tonic::Code::Unavailable);
    stopped.await.unwrap().unwrap();
}

#[tokio::test]
async fn quotas_that_are_most_utilised_are_told_first() {
    let server = acme().await;
    for (user, limit) in [("ann", "10"), ("bob", "3")] {
        let subject = v1::Subject { r#type: v1::SubjectType::User.into(), id: user.to_owned() };
        let quota = v1::Quota {
            quota_id: user.to_owned(),
            subject: Some(subject),
            unit: v1::LimitUnit::Money.into(),
            limit: Some(eur(limit)),
            period: v1::LimitPeriod::Month.into(),
            ..Default::default()
        };
        let request = v1::CreateQuotaRequest { workspace_id: ACME.to_owned(), quota: Some(quota) };
        server.quota().create_quota(request).await.unwrap();
        attempt(user, "big").user(user, "").send(&server).await;
    }
    let request = v1::GetLiveMetricsRequest { workspace_id: ACME.to_owned() };
    let live = server.analytics().get_live_metrics(request).await.unwrap().into_inner();
    let quotas = live.metrics.unwrap().quotas;
    let shown: Vec<(&str, &str)> =
        quotas.iter().map(|quota| (quota.quota_id.as_str(), amount(&quota.spent))).collect();
    assert_eq!(shown, [("bob", "2.00"), ("ann", "2.00")]);
}

#[tokio::test]
async fn a_report_has_what_was_acknowledged_before_it() {
    let server = acme().await;
    for index in 0..20 {
        attempt(&format!("r-{index}"), "small").send(&server).await;
        let response = ask(&server, query(&[Metric::Requests], &[])).await;
        let count = response.total.unwrap().values.unwrap().request_count;
        assert_eq!(count, Some(index + 1));
        let as_of = response.as_of_time.unwrap();
        assert!(as_of.seconds * 1_000_000 >= START.micros());
    }
}
