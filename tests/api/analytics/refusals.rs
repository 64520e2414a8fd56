//! What caps cost: requests that were blocked and routed, by limit, model and user.

use tollgate::proto::v1;

use crate::analytics::setup::{Dimension, Metric, ask, groups, instant, only, pairs, query};
use crate::fixtures::{ACME, acme, amount, check, eur};
use crate::server::Server;

async fn ask_for(server: &Server, request_id: &str, model_id: &str, user_id: &str) -> v1::Decision {
    let attribution = v1::Attribution { user_id: user_id.to_owned(), ..Default::default() };
    let mut request = check(request_id, model_id);
    request.attribution = Some(attribution);
    server.usage().check_and_route(request).await.unwrap().into_inner().decision()
}

/// `big` is capped at 1 EUR, and bob may spend 0.10 a month. One request of ann was routed to
/// `small`; one of hers and two of bob's were blocked, his on `big` by both limits.
async fn with_refusals() -> Server {
    let server = acme().await;
    let workspace_id = || ACME.to_owned();
    let request = v1::SetModelLimitRequest {
        workspace_id: workspace_id(),
        model_id: "big".to_owned(),
        limit: Some(eur("1")),
        ..Default::default()
    };
    server.model_limit().set_model_limit(request).await.unwrap();
    let subject = v1::Subject { r#type: v1::SubjectType::User.into(), id: "bob".to_owned() };
    let quota = v1::Quota {
        quota_id: "bobs".to_owned(),
        subject: Some(subject),
        unit: v1::LimitUnit::Money.into(),
        limit: Some(eur("0.10")),
        period: v1::LimitPeriod::Month.into(),
        ..Default::default()
    };
    let request = v1::CreateQuotaRequest { workspace_id: workspace_id(), quota: Some(quota) };
    server.quota().create_quota(request).await.unwrap();
    assert_eq!(ask_for(&server, "r-1", "big", "ann").await, v1::Decision::Routed);
    let request = v1::SetAutomaticFallbackRequest { workspace_id: workspace_id(), enabled: false };
    server.budget().set_automatic_fallback(request).await.unwrap();
    assert_eq!(ask_for(&server, "r-2", "big", "ann").await, v1::Decision::Blocked);
    assert_eq!(ask_for(&server, "r-3", "big", "bob").await, v1::Decision::Blocked);
    assert_eq!(ask_for(&server, "r-4", "small", "bob").await, v1::Decision::Blocked);
    assert_eq!(ask_for(&server, "r-5", "small", "ann").await, v1::Decision::Allowed);
    server
}

fn both(values: &v1::UsageValues) -> (i64, i64) {
    (values.blocked_count.unwrap(), values.routed_count.unwrap())
}

#[tokio::test]
async fn a_request_counts_once_and_under_each_limit_in_its_way() {
    let server = with_refusals().await;
    let metrics = [Metric::Blocked, Metric::Routed];
    let mut request = query(&metrics, &[Dimension::Limit]);
    request.granularity = v1::TimeGranularity::Hour.into();
    request.range = crate::analytics::setup::days("2026-03-15", "2026-03-15");
    let response = ask(&server, request).await;
    let total = response.total.clone().unwrap();
    let values = total.values.unwrap();
    assert_eq!(both(&values), (3, 1));
    // 2.00 twice and 0.20; 2.00 less 0.20.
    assert_eq!((amount(&values.blocked_cost), amount(&values.saved_cost)), ("4.20", "1.80"));
    let expected = [("model_limit:big", (2, 1)), ("quota:bobs", (2, 0))];
    assert_eq!(groups(&response, both), pairs(&expected));
    let [point] = &total.points[..] else { panic!("{:?}", total.points) };
    assert_eq!(point.start_time, Some(instant("2026-03-15T12:00:00Z")));
    assert_eq!(both(point.values.as_ref().unwrap()), (3, 1));

    let response = ask(&server, query(&metrics, &[Dimension::Model])).await;
    assert_eq!(groups(&response, both), pairs(&[("big", (2, 1)), ("small", (1, 0))]));
    let response = ask(&server, query(&metrics, &[Dimension::User, Dimension::Model])).await;
    let expected = [("ann/big", (1, 1)), ("bob/big", (1, 0)), ("bob/small", (1, 0))];
    assert_eq!(groups(&response, both), pairs(&expected));
    let mut request = query(&metrics, &[Dimension::User]);
    request.filters = vec![only(Dimension::Limit, &["quota:bobs", "envelope"])];
    let response = ask(&server, request).await;
    assert_eq!(groups(&response, both), pairs(&[("bob", (2, 0))]));
}

#[tokio::test]
async fn refusals_stand_beside_usage() {
    let server = with_refusals().await;
    let overview = async |filters: Vec<v1::UsageFilter>| {
        let request =
            v1::GetOverviewRequest { workspace_id: ACME.to_owned(), range: None, filters };
        server.analytics().get_overview(request).await.unwrap().into_inner().overview.unwrap()
    };
    let found = overview(Vec::new()).await;
    assert_eq!((found.blocked.unwrap().value, found.routed.unwrap().value), (3, 1));
    let found =
        overview(vec![only(Dimension::User, &["bob"]), only(Dimension::Model, &["small"])]).await;
    assert_eq!((found.blocked.unwrap().value, found.routed.unwrap().value), (1, 0));
    let response = ask(&server, query(&[Metric::Cost, Metric::Blocked], &[Dimension::Model])).await;
    let blocked = |values: &v1::UsageValues| values.blocked_count.unwrap();
    assert_eq!(groups(&response, blocked), pairs(&[("big", 2), ("small", 1)]));
}
