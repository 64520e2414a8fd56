//! Reports refuse what they cannot answer, and name the field.

use prost_types::Duration;
use tollgate::proto::v1;
use tonic::{Code, Status};

use crate::analytics::setup::{Dimension, Metric, days, only, query};
use crate::fixtures::{ACME, acme, assert_failed, refused_fields};

#[tokio::test]
async fn ranges_are_checked() {
    let server = acme().await;
    let refused = async |range: v1::ReportRange| {
        let mut request = query(&[Metric::Cost], &[]);
        request.range = Some(range);
        match server.analytics().query_usage(request).await {
            Ok(_) => Vec::new(),
            Err(status) => refused_fields(&status),
        }
    };
    let range = |first: &str, last: &str| days(first, last).unwrap();
    assert_eq!(refused(range("2026-03-01", "2026-03-31")).await, Vec::<String>::new());
    assert_eq!(refused(range("2023-03-12", "2026-03-15")).await, Vec::<String>::new());
    assert_eq!(refused(range("2023-03-11", "2026-03-15")).await, ["range.last_date"]);
    assert_eq!(refused(range("2026-03-02", "2026-03-01")).await, ["range.last_date"]);
    assert_eq!(refused(range("2026-03-02", "")).await, ["range.last_date"]);
    assert_eq!(refused(range("", "2026-03-02")).await, ["range.first_date"]);
    assert_eq!(
        refused(range("2026-3-2", "2026-02-30")).await,
        ["range.first_date", "range.last_date"]
    );
    let preset = v1::ReportPreset::ThisWeek.into();
    let both = v1::ReportRange { preset, ..range("2026-03-01", "2026-03-02") };
    assert_eq!(refused(both).await, ["range.first_date", "range.last_date"]);
    let unknown = v1::ReportRange { preset: 99, ..Default::default() };
    assert_eq!(refused(unknown).await, ["range.preset"]);
}

#[tokio::test]
async fn filters_are_checked() {
    let server = acme().await;
    let refused = async |filters: Vec<v1::UsageFilter>| {
        let request =
            v1::GetOverviewRequest { workspace_id: ACME.to_owned(), range: None, filters };
        refused_fields(&server.analytics().get_overview(request).await.unwrap_err())
    };
    let tag = |tag_key: &str, dimension: Dimension| v1::UsageFilter {
        tag_key: tag_key.to_owned(),
        ..only(dimension, &["x"])
    };
    assert_eq!(refused(vec![only(Dimension::Unspecified, &["x"])]).await, ["filters[0].dimension"]);
    assert_eq!(
        refused(vec![only(Dimension::Limit, &["envelope"])]).await,
        ["filters[0].dimension"]
    );
    assert_eq!(refused(vec![tag("", Dimension::Tag)]).await, ["filters[0].tag_key"]);
    assert_eq!(refused(vec![tag("team", Dimension::User)]).await, ["filters[0].tag_key"]);
    assert_eq!(refused(vec![only(Dimension::User, &[])]).await, ["filters[0].values"]);
    assert_eq!(refused(vec![only(Dimension::User, &["x"; 101])]).await, ["filters[0].values"]);
    let long = "x".repeat(257);
    assert_eq!(
        refused(vec![only(Dimension::User, &["ok", &long])]).await,
        ["filters[0].values[1]"]
    );
    assert_eq!(refused(vec![only(Dimension::Outcome, &["good"])]).await, ["filters[0].values[0]"]);
    let twice = vec![only(Dimension::User, &["x"]), only(Dimension::User, &["y"])];
    assert_eq!(refused(twice).await, ["filters[1]"]);
    let many = (0..9).map(|index| tag(&format!("t{index}"), Dimension::Tag)).collect();
    assert_eq!(refused(many).await, ["filters"]);
}

#[tokio::test]
async fn queries_are_checked() {
    let server = acme().await;
    let refused = async |request: v1::QueryUsageRequest| {
        refused_fields(&server.analytics().query_usage(request).await.unwrap_err())
    };
    let cost = [Metric::Cost];
    assert_eq!(refused(query(&[], &[])).await, ["metrics"]);
    assert_eq!(refused(query(&[Metric::Cost, Metric::Cost], &[])).await, ["metrics[1]"]);
    assert_eq!(refused(query(&[Metric::Unspecified], &[])).await, ["metrics[0]"]);
    assert_eq!(refused(query(&cost, &[Dimension::User, Dimension::User])).await, ["group_by[1]"]);
    assert_eq!(refused(query(&cost, &[Dimension::Unspecified])).await, ["group_by[0].dimension"]);
    assert_eq!(refused(query(&cost, &[Dimension::Tag])).await, ["group_by[0].tag_key"]);
    assert_eq!(
        refused(query(&cost, &[Dimension::User, Dimension::Model, Dimension::Feature])).await,
        ["group_by"]
    );
    assert_eq!(refused(query(&cost, &[Dimension::Limit])).await, ["metrics"]);
    assert_eq!(
        refused(query(&[Metric::Blocked], &[Dimension::Tag])).await,
        ["group_by[0].tag_key"]
    );
    let by = refused(query(&[Metric::Routed], &[Dimension::Department])).await;
    assert_eq!(by, ["group_by[0].dimension"]);
    let by =
        refused(query(&[Metric::ActiveUsers], &[Dimension::Department, Dimension::Model])).await;
    assert_eq!(by, ["group_by"]);
    let with = |change: fn(&mut v1::QueryUsageRequest)| {
        let mut request = query(&[Metric::Cost, Metric::Latency], &[Dimension::User]);
        change(&mut request);
        request
    };
    let order = |metric: Metric| i32::from(metric);
    assert_eq!(refused(with(|r| r.top = 1_001)).await, ["top"]);
    assert_eq!(refused(with(|r| r.top = -1)).await, ["top"]);
    assert_eq!(refused(with(|r| r.granularity = 9)).await, ["granularity"]);
    assert_eq!(refused(with(|r| r.order_by = 99)).await, ["order_by"]);
    let mut request = with(|_| {});
    request.order_by = order(Metric::Requests);
    assert_eq!(refused(request.clone()).await, ["order_by"]);
    request.order_by = order(Metric::Latency);
    assert_eq!(refused(request).await, ["order_by"]);
    let mut request = with(|_| {});
    request.granularity = v1::TimeGranularity::Hour.into();
    request.range = days("2026-02-12", "2026-03-15");
    assert_eq!(refused(request).await, ["granularity"]);
}

#[tokio::test]
async fn other_reports_are_checked() {
    let server = acme().await;
    let mut analytics = server.analytics();
    let workspace_id = || ACME.to_owned();
    let fields = |status: Status| refused_fields(&status);
    let request =
        v1::GetDashboardRequest { workspace_id: workspace_id(), top: 101, ..Default::default() };
    assert_eq!(fields(analytics.get_dashboard(request).await.unwrap_err()), ["top"]);
    let request = v1::GetTopWorkflowsRequest {
        workspace_id: workspace_id(),
        top: 1_001,
        ..Default::default()
    };
    assert_eq!(fields(analytics.get_top_workflows(request).await.unwrap_err()), ["top"]);
    let request = v1::GetActiveUsersRequest {
        workspace_id: workspace_id(),
        granularity: v1::TimeGranularity::Hour.into(),
        ..Default::default()
    };
    assert_eq!(fields(analytics.get_active_users(request).await.unwrap_err()), ["granularity"]);
    let request = v1::GetTimeToFirstValueRequest {
        workspace_id: workspace_id(),
        department_id: "x".repeat(129),
        ..Default::default()
    };
    let status = analytics.get_time_to_first_value(request).await.unwrap_err();
    assert_eq!(fields(status), ["department_id"]);
    let request = v1::ListNeverActiveUsersRequest {
        workspace_id: workspace_id(),
        page_size: -1,
        page_token: "x".to_owned(),
        ..Default::default()
    };
    let status = analytics.list_never_active_users(request).await.unwrap_err();
    assert_eq!(fields(status), ["page_size", "page_token"]);
    let request = v1::WatchLiveMetricsRequest {
        workspace_id: workspace_id(),
        interval: Some(Duration { seconds: 0, nanos: 999_999_999 }),
    };
    assert_eq!(fields(analytics.watch_live_metrics(request).await.unwrap_err()), ["interval"]);
    let request = v1::GetLiveMetricsRequest { workspace_id: String::new() };
    assert_eq!(fields(analytics.get_live_metrics(request).await.unwrap_err()), ["workspace_id"]);
    let request = v1::GetLiveMetricsRequest { workspace_id: "nobody".to_owned() };
    let status = analytics.get_live_metrics(request).await.unwrap_err();
    assert_failed(&status, Code::NotFound, "WORKSPACE_NOT_FOUND", &[("workspace_id", "nobody")]);
}
