//! `QueryUsage`: sources, groups, others, shares, change, points, counts of users.

use super::*;
use crate::analytics::Error;
use crate::analytics::query::{UsageReport, usage};
use crate::analytics::range::Granularity;
use crate::domain::check::LimitKey;

const MODEL: UsageDimension = UsageDimension::Of(Dimension::Model);
const USER: UsageDimension = UsageDimension::Of(Dimension::User);
const DEPARTMENT: UsageDimension = UsageDimension::Of(Dimension::Department);

/// Cost 100, 60, 30 and 10 by `ann`, `ann`, `bob` and no user; in the previous period 50 by `ann`
/// and 5 by `cid`.
fn store() -> FakeStore {
    let of = |model, user, department| {
        vec![
            (Dimension::Model, model),
            (Dimension::User, user),
            (Dimension::Department, department),
        ]
    };
    let entries = vec![
        entry("2026-03-02", 100, &of("opus", "ann", "law")),
        entry("2026-03-02", 60, &of("gpt", "ann", "law")),
        entry("2026-03-09", 30, &of("haiku", "bob", "law")),
        entry("2026-03-10", 10, &of("unheard-of", "", "")),
        entry("2026-02-20", 50, &of("gpt", "ann", "sales")),
        entry("2026-02-20", 5, &of("gpt", "cid", "ops")),
    ];
    FakeStore { entries, ..FakeStore::default() }
}

async fn run(store: &FakeStore, query: Query) -> UsageReport {
    run_report!(store, |scope| usage(&scope, &query)).unwrap()
}

async fn refused(store: &FakeStore, query: Query) -> Error {
    run_report!(store, |scope| usage(&scope, &query)).unwrap_err()
}

fn costs(report: &UsageReport) -> Vec<(String, i64)> {
    let cost = |group: &Group| (label(group), group.values.cost.unwrap().nanos());
    report.groups.iter().map(cost).collect()
}

fn pairs<T: Copy>(expected: &[(&str, T)]) -> Vec<(String, T)> {
    expected.iter().map(|(text, value)| ((*text).to_owned(), *value)).collect()
}

#[tokio::test]
async fn without_groups_there_is_a_total() {
    let mut request = query(&[Metric::Cost, Metric::Requests, Metric::Latency], &[]);
    request.compare_previous = true;
    let report = run(&store(), request).await;
    assert!(report.groups.is_empty());
    let values = report.total.values;
    assert_eq!(values.cost.unwrap().nanos(), 200);
    assert_eq!(values.request_count, Some(4));
    assert_eq!(values.latency.unwrap().mean, 50_000_000);
    assert_eq!(values.tokens, None);
    assert_eq!(report.total.previous.unwrap().cost.unwrap().nanos(), 55);
    assert_eq!(report.total.share_percent, Some(100.0));
    assert!((report.total.change_percent.unwrap() - 145.0 / 55.0 * 100.0).abs() < 1e-9);
}

#[tokio::test]
async fn other_groups_are_summed_up_and_shares_add_up() {
    let mut request = query(&[Metric::Cost, Metric::Latency], &[MODEL]);
    request.top = 2;
    request.compare_previous = true;
    let report = run(&store(), request).await;
    assert_eq!(costs(&report), pairs(&[("opus", 100), ("gpt", 60), ("(others)", 40)]));
    let shares: Vec<f64> = report.groups.iter().map(|g| g.share_percent.unwrap()).collect();
    assert_eq!(shares, [50.0, 30.0, 20.0]);
    assert_eq!(report.groups[2].values.latency.unwrap().mean, 20_000_000);
    let before: Vec<i64> = report
        .groups
        .iter()
        .map(|group| group.previous.as_ref().unwrap().cost.unwrap().nanos())
        .collect();
    assert_eq!(before, [0, 55, 0]);
    assert_eq!(report.groups[0].change_percent, None);
    assert!(report.groups[1].change_percent.unwrap() > 9.0);
}

#[tokio::test]
async fn providers_are_those_of_the_catalog_and_unknown_ones_are_empty() {
    let report = run(&store(), query(&[Metric::Cost], &[UsageDimension::Provider])).await;
    assert_eq!(costs(&report), pairs(&[("anthropic", 130), ("openai", 60), ("", 10)]));
    let mut request = query(&[Metric::Cost], &[UsageDimension::Provider, MODEL]);
    request.top = 1;
    let report = run(&store(), request).await;
    assert_eq!(costs(&report), pairs(&[("anthropic/opus", 100), ("(others)", 100)]));
    let mut request = query(&[Metric::Cost], &[USER]);
    request.restrictions = vec![only(UsageDimension::Provider, &["anthropic", ""])];
    let report = run(&store(), request.clone()).await;
    assert_eq!(costs(&report), pairs(&[("ann", 100), ("bob", 30), ("", 10)]));
    request.restrictions.push(only(MODEL, &["gpt", "haiku"]));
    let report = run(&store(), request.clone()).await;
    assert_eq!(costs(&report), pairs(&[("bob", 30)]));
    request.restrictions[0] = only(UsageDimension::Provider, &["unknown"]);
    let report = run(&store(), request).await;
    assert_eq!(costs(&report), pairs(&[]));
    assert_eq!(report.total.values.cost.unwrap().nanos(), 0);
}

#[tokio::test]
async fn users_are_counted_once_in_each_group_and_in_the_others() {
    let metrics = [Metric::ActiveUsers, Metric::CostPerUser];
    for by in [DEPARTMENT, MODEL, UsageDimension::Provider] {
        let mut request = query(&metrics, std::slice::from_ref(&by));
        request.top = 1;
        request.compare_previous = true;
        request.granularity = Some(Granularity::Week);
        let report = run(&store(), request).await;
        assert_eq!(report.total.values.active_user_count, Some(2), "{by:?}");
        assert_eq!(report.total.values.cost_per_user.unwrap().nanos(), 100);
        assert_eq!(report.total.points.len(), 2);
        assert_eq!(report.total.points[0].values.active_user_count, Some(1));
        let [first, others] = &report.groups[..] else { panic!("{report:?}") };
        match by {
            UsageDimension::Provider => {
                assert_eq!(label(first), "anthropic");
                assert_eq!(first.values.active_user_count, Some(2));
                assert_eq!(others.values.active_user_count, Some(1));
                assert_eq!(others.previous.as_ref().unwrap().active_user_count, Some(2));
            }
            DEPARTMENT => {
                assert_eq!(label(first), "law");
                assert_eq!(first.values.active_user_count, Some(2));
                // Those of the others before were in departments that nobody is in now.
                assert_eq!(others.values.active_user_count, Some(0));
                assert_eq!(others.values.cost_per_user, None);
                assert_eq!(others.previous.as_ref().unwrap().active_user_count, Some(2));
            }
            _ => {
                assert_eq!(label(first), "gpt");
                assert_eq!(first.values.active_user_count, Some(1));
                assert_eq!(others.values.active_user_count, Some(2));
                assert_eq!(others.points[1].values.active_user_count, Some(1));
            }
        }
    }
}

#[tokio::test]
async fn a_group_by_user_counts_itself() {
    let mut request = query(&[Metric::ActiveUsers, Metric::Cost], &[USER]);
    request.order_by = Some(Metric::Cost);
    request.top = 1;
    let report = run(&store(), request).await;
    let counts: Vec<_> = report.groups.iter().map(|g| g.values.active_user_count).collect();
    assert_eq!(costs(&report), pairs(&[("ann", 160), ("(others)", 40)]));
    assert_eq!(counts, [Some(1), Some(1)]);
    let request = query(&[Metric::ActiveUsers], &[USER]);
    let report = run(&store(), request).await;
    let counts: Vec<_> = report.groups.iter().map(|g| g.values.active_user_count).collect();
    assert_eq!(counts, [Some(1), Some(1), Some(0)]);
}

#[tokio::test]
async fn a_cost_per_investigation_leaves_out_usage_that_names_none() {
    let of = |investigation, model| {
        [(Dimension::Investigation, investigation), (Dimension::Model, model)]
    };
    let entries = vec![
        entry("2026-03-02", 100, &of("i-1", "opus")),
        entry("2026-03-02", 50, &of("i-2", "opus")),
        entry("2026-03-02", 7, &of("", "opus")),
        entry("2026-03-02", 9, &of("", "gpt")),
    ];
    let store = FakeStore { entries, ..FakeStore::default() };
    let report = run(&store, query(&[Metric::CostPerInvestigation], &[MODEL])).await;
    assert_eq!(report.total.values.cost_per_investigation.unwrap().nanos(), 75);
    assert_eq!(label(&report.groups[0]), "opus");
    assert_eq!(report.groups[0].values.cost_per_investigation.unwrap().nanos(), 75);
    assert_eq!(report.groups[1].values.cost_per_investigation, None);
    assert_eq!(report.groups[0].share_percent, None);
    let by = [UsageDimension::Of(Dimension::Investigation)];
    let report = run(&store, query(&[Metric::CostPerInvestigation], &by)).await;
    let each: Vec<_> =
        report.groups.iter().map(|g| g.values.cost_per_investigation.map(|a| a.nanos())).collect();
    assert_eq!(each, [Some(100), Some(50), None]);
}

#[tokio::test]
async fn empty_buckets_have_no_points() {
    let mut request = query(&[Metric::Cost], &[MODEL]);
    request.top = 1;
    request.granularity = Some(Granularity::Day);
    let report = run(&store(), request.clone()).await;
    let points = |group: &Group| -> Vec<(String, i64)> {
        let point = |p: &crate::analytics::query::Point| {
            (p.bucket.first.to_string(), p.values.cost.unwrap().nanos())
        };
        group.points.iter().map(point).collect()
    };
    let expected = [("2026-03-02", 160), ("2026-03-09", 30), ("2026-03-10", 10)];
    assert_eq!(points(&report.total), pairs(&expected));
    assert_eq!(points(&report.groups[0]), pairs(&[("2026-03-02", 100)]));
    let expected = [("2026-03-02", 60), ("2026-03-09", 30), ("2026-03-10", 10)];
    assert_eq!(points(&report.groups[1]), pairs(&expected));
    request.granularity = Some(Granularity::Month);
    let report = run(&store(), request.clone()).await;
    assert_eq!(points(&report.total), pairs(&[("2026-03-01", 200)]));
    request.granularity = Some(Granularity::Hour);
    request.metrics = vec![Metric::Cost, Metric::Latency];
    let report = run(&store(), request).await;
    assert_eq!(report.total.points.len(), 3);
    assert_eq!(report.total.points[0].bucket.window.start, on("2026-03-02", 9) - 1_800_000_000);
}

#[tokio::test]
async fn pairs_of_two_dimensions_are_ordered() {
    let mut request = query(&[Metric::Cost], &[USER, MODEL]);
    request.top = 2;
    let report = run(&store(), request.clone()).await;
    assert_eq!(costs(&report), pairs(&[("ann/opus", 100), ("ann/gpt", 60), ("(others)", 40)]));
    request.group_by = vec![USER, DEPARTMENT];
    let report = run(&store(), request).await;
    assert_eq!(costs(&report), pairs(&[("ann/law", 160), ("bob/law", 30), ("(others)", 10)]));
}

#[tokio::test]
async fn records_read_from_the_log_are_bounded() {
    let store = FakeStore { record_count: Some(600_000), ..store() };
    let mut request = query(&[Metric::Cost], &[USER, DEPARTMENT]);
    run(&store, request.clone()).await;
    request.compare_previous = true;
    let error = refused(&store, request.clone()).await;
    assert!(matches!(error, Error::TooBroad { record_count_max: 1_000_000 }), "{error:?}");
    request.group_by = vec![USER, MODEL];
    run(&store, request.clone()).await;
    let store = FakeStore { dropped_before: Some(on("2026-03-02", 0)), ..self::store() };
    run(&store, request.clone()).await;
    request.group_by = vec![USER, DEPARTMENT];
    request.compare_previous = false;
    let error = refused(&store, request.clone()).await;
    assert!(matches!(error, Error::Dropped { .. }), "{error:?}");
    request.range = days("2026-03-03", TODAY);
    run(&store, request).await;
}

#[tokio::test]
async fn contradictory_queries_are_refused() {
    let limit = UsageDimension::Limit;
    let field = |error: Error| match error {
        Error::Field { field, .. } => field,
        other => panic!("{other:?}"),
    };
    let check = |request: Query, expected: &'static str| async move {
        assert_eq!(field(refused(&store(), request).await), expected);
    };
    let (cost, blocked) = (Metric::Cost, Metric::Blocked);
    check(query(&[cost, blocked], std::slice::from_ref(&limit)), "metrics").await;
    check(query(&[blocked], &[MODEL, DEPARTMENT]), "group_by[1].dimension").await;
    let mut request = query(&[blocked], &[]);
    request.restrictions = vec![only(UsageDimension::Provider, &["x"])];
    check(request, "filters[0].dimension").await;
    let mut request = query(&[cost], &[]);
    request.restrictions = vec![only(limit, &["envelope"])];
    check(request, "metrics").await;
    check(query(&[Metric::ActiveUsers], &[MODEL, DEPARTMENT]), "group_by").await;
    let mut request = query(&[cost], &[MODEL]);
    request.order_by = Some(Metric::Requests);
    check(request.clone(), "order_by").await;
    request.order_by = Some(Metric::Latency);
    request.metrics.push(Metric::Latency);
    check(request.clone(), "order_by").await;
    request.order_by = None;
    request.granularity = Some(Granularity::Hour);
    request.range = days("2026-02-01", "2026-03-04");
    check(request, "granularity").await;
}

#[tokio::test]
async fn refusals_are_counted_by_request_and_by_limit() {
    let refusal = |limits: &[LimitKey], model: &str, blocked, routed| fake_store::Refusal {
        hour: on("2026-03-03", 9),
        limits: limits.to_vec(),
        model_id: model.to_owned(),
        user_id: "ann".to_owned(),
        blocked,
        routed,
    };
    let quota = LimitKey::Quota("team".to_owned());
    let refusals = vec![
        refusal(&[LimitKey::Envelope, quota.clone()], "opus", 3, 0),
        refusal(&[quota], "new", 2, 1),
    ];
    let store = FakeStore { refusals, ..store() };
    let counts = |report: &UsageReport| -> Vec<(String, i64)> {
        report.groups.iter().map(|g| (label(g), g.values.blocked.unwrap().0)).collect()
    };
    let mut request = query(&[Metric::Blocked, Metric::Routed], &[UsageDimension::Limit]);
    let report = run(&store, request.clone()).await;
    assert_eq!(report.total.values.blocked.unwrap().0, 5);
    assert_eq!(report.total.values.routed.unwrap().0, 1);
    assert_eq!(counts(&report), pairs(&[("quota:team", 5), ("envelope", 3)]));
    assert_eq!(report.groups[0].share_percent, Some(100.0));
    request.top = 1;
    request.granularity = Some(Granularity::Day);
    let report = run(&store, request.clone()).await;
    assert_eq!(counts(&report), pairs(&[("quota:team", 5), ("(others)", 3)]));
    assert_eq!(report.groups[1].points.len(), 1);
    request.restrictions = vec![only(UsageDimension::Limit, &["envelope"])];
    request.group_by = vec![MODEL];
    let report = run(&store, request).await;
    assert_eq!(counts(&report), pairs(&[("opus", 3)]));
    // Beside usage: also models that never ran.
    let report = run(&store, query(&[Metric::Cost, Metric::Blocked], &[MODEL])).await;
    let expected = [("opus", 3), ("gpt", 0), ("haiku", 0), ("unheard-of", 0), ("new", 2)];
    assert_eq!(counts(&report), pairs(&expected));
}
