//! What is refused: each row is a request with one field out of its range, and the field that the
//! answer must name. Nothing of it may change anything.

use std::fmt::Debug;

use prost_types::{Duration, Timestamp};
use tollgate::proto::v1;
use tonic::{Response, Status};

use crate::fixtures::{
    ACME, EARLIEST, acme, amount, check, eur, get_budget, record, refused_fields, set_plan,
};
use crate::server::{START, Server};

/// The name of a field, and what is wrong with it.
pub type Row<R> = (&'static str, fn(&mut R));

/// Each row alone names its field and no other; all together name every one.
pub async fn refuse<R: Clone, A: Debug>(
    good: R,
    rows: &[Row<R>],
    call: impl AsyncFn(R) -> Result<Response<A>, Status>,
) {
    for (index, (field, spoil)) in rows.iter().enumerate() {
        let mut request = good.clone();
        spoil(&mut request);
        match call(request).await {
            Ok(answer) => panic!("row {index}, {field}: answered {answer:?}"),
            Err(status) => assert_eq!(refused_fields(&status), [*field], "row {index}"),
        }
    }
}

pub fn chars(count: usize) -> String {
    "é".repeat(count)
}

fn seconds(seconds: i64) -> Option<Duration> {
    Some(Duration { seconds, nanos: 0 })
}

pub fn after_start(seconds: i64) -> Option<Timestamp> {
    Some(Timestamp { seconds: START.micros() / 1_000_000 + seconds, nanos: 0 })
}

const YEAR_ONE: Timestamp = Timestamp { seconds: -62_135_596_800, nanos: 0 };
/// Before [`EARLIEST`].
const JUST_TOO_EARLY: Timestamp = Timestamp { seconds: 946_684_799, nanos: 999_999_999 };

fn attribution(change: impl FnOnce(&mut v1::Attribution)) -> Option<v1::Attribution> {
    let mut attribution = v1::Attribution::default();
    change(&mut attribution);
    Some(attribution)
}

async fn assert_untouched(server: &Server) {
    let budget = get_budget(server).await;
    assert_eq!((amount(&budget.spent), amount(&budget.held)), ("0.00", "0.00"));
    assert_eq!(amount(&budget.plan_budget), "100.00");
}

/// What is wrong with a check.
const CHECKS: &[Row<v1::CheckAndRouteRequest>] = &[
    ("workspace_id", |r| r.workspace_id = String::new()),
    ("workspace_id", |r| r.workspace_id = chars(64)),
    ("workspace_id", |r| r.workspace_id = "a\0b".to_owned()),
    ("request_id", |r| r.request_id = chars(129)),
    ("request_id", |r| r.request_id = "a\nb".to_owned()),
    ("model_id", |r| r.model_id = String::new()),
    ("model_id", |r| r.model_id = chars(257)),
    ("model_id", |r| r.model_id = "\u{7f}".to_owned()),
    ("input_token_count", |r| r.input_token_count = -1),
    ("cache_read_token_count", |r| r.cache_read_token_count = i64::MIN),
    ("cache_write_5m_token_count", |r| r.cache_write_5m_token_count = -1),
    ("cache_write_1h_token_count", |r| r.cache_write_1h_token_count = -1),
    ("max_output_token_count", |r| r.max_output_token_count = Some(-1)),
    ("input_token_count", |r| r.cache_read_token_count = 99_900_001),
    ("input_token_count", |r| r.max_output_token_count = Some(100_000_000)),
    ("service_tier", |r| r.service_tier = 99),
    ("service_tier", |r| r.service_tier = -1),
    ("attribution.user_id", |r| r.attribution = attribution(|a| a.user_id = chars(129))),
    ("attribution.department_id", |r| {
        r.attribution = attribution(|a| a.department_id = "\t".to_owned());
    }),
    ("attribution.api_key_id", |r| r.attribution = attribution(|a| a.api_key_id = chars(129))),
    ("attribution.assistant_id", |r| {
        r.attribution = attribution(|a| a.assistant_id = chars(129));
    }),
    ("attribution.workflow_id", |r| {
        r.attribution = attribution(|a| a.workflow_id = chars(129));
    }),
    ("attribution.feature_id", |r| r.attribution = attribution(|a| a.feature_id = chars(129))),
    ("attribution.project_id", |r| r.attribution = attribution(|a| a.project_id = chars(129))),
    ("attribution.investigation_id", |r| {
        r.attribution = attribution(|a| a.investigation_id = chars(129));
    }),
    ("attribution.session_id", |r| r.attribution = attribution(|a| a.session_id = chars(129))),
    ("attribution.tags", |r| {
        let tag = |index: usize| (index.to_string(), String::new());
        r.attribution = attribution(|a| a.tags = (0..17).map(tag).collect());
    }),
    ("attribution.tags.key", |r| {
        r.attribution = attribution(|a| a.tags = [(chars(65), String::new())].into());
    }),
    ("attribution.tags.key", |r| {
        r.attribution = attribution(|a| a.tags = [(String::new(), chars(1))].into());
    }),
    ("attribution.tags.value", |r| {
        r.attribution = attribution(|a| a.tags = [(chars(1), chars(129))].into());
    }),
    ("required_capabilities", |r| r.required_capabilities = vec!["vision".to_owned(); 17]),
    ("required_capabilities[1]", |r| {
        r.required_capabilities = vec!["vision".to_owned(), String::new()];
    }),
    ("required_capabilities[0]", |r| r.required_capabilities = vec![chars(65)]),
    ("hold_duration", |r| r.hold_duration = seconds(0)),
    ("hold_duration", |r| r.hold_duration = seconds(-1)),
    ("hold_duration", |r| r.hold_duration = seconds(86_401)),
    ("hold_duration", |r| r.hold_duration = seconds(i64::MAX)),
    ("hold_duration", |r| r.hold_duration = Some(Duration { seconds: 5, nanos: -1 })),
    ("hold_duration", |r| r.hold_duration = Some(Duration { seconds: 86_400, nanos: 1 })),
];

#[tokio::test]
async fn checks() {
    let server = acme().await;
    let mut good = check("r-1", "big");
    good.dry_run = true;
    refuse(good.clone(), CHECKS, async |r| server.usage().check_and_route(r).await).await;
    // What is just inside is taken.
    let good = v1::CheckAndRouteRequest {
        request_id: chars(128),
        cache_read_token_count: 99_850_000,
        attribution: attribution(|a| {
            a.user_id = chars(128);
            a.tags = (0..16).map(|index| (format!("{index:064}"), chars(128))).collect();
        }),
        required_capabilities: vec![chars(64); 16],
        hold_duration: seconds(86_400),
        ..good
    };
    server.usage().check_and_route(good).await.unwrap();
    assert_untouched(&server).await;
}

#[tokio::test]
async fn all_violations_are_told_at_once() {
    let server = acme().await;
    let mut request = check("r-1", "big");
    request.model_id = String::new();
    request.input_token_count = -5;
    request.service_tier = 77;
    request.hold_duration = seconds(0);
    let status = server.usage().check_and_route(request).await.unwrap_err();
    let fields = ["model_id", "input_token_count", "service_tier", "hold_duration"];
    assert_eq!(refused_fields(&status), fields);
}

/// What is wrong with a record. The last six may name other fields as well.
const RECORDS: &[Row<v1::RecordUsageRequest>] = &[
    ("workspace_id", |r| r.workspace_id = String::new()),
    ("request_id", |r| r.request_id = String::new()),
    ("request_id", |r| r.request_id = chars(129)),
    ("attempt", |r| r.attempt = -1),
    ("attempt", |r| r.attempt = 1_001),
    ("model_id", |r| r.model_id = String::new()),
    ("model_id", |r| r.model_id = "nul\0".to_owned()),
    ("service_tier", |r| r.service_tier = 8),
    ("usage", |r| r.usage = None),
    ("usage.input_token_count", |r| r.usage.as_mut().unwrap().input_token_count = -1),
    ("usage.cache_read_token_count", |r| {
        r.usage.as_mut().unwrap().cache_read_token_count = -1;
    }),
    ("usage.cache_write_5m_token_count", |r| {
        r.usage.as_mut().unwrap().cache_write_5m_token_count = -1;
    }),
    ("usage.cache_write_1h_token_count", |r| {
        r.usage.as_mut().unwrap().cache_write_1h_token_count = -1;
    }),
    ("usage.output_token_count", |r| r.usage.as_mut().unwrap().output_token_count = -1),
    ("usage.reasoning_token_count", |r| r.usage.as_mut().unwrap().reasoning_token_count = -1),
    ("usage.audio_input_token_count", |r| {
        r.usage.as_mut().unwrap().audio_input_token_count = -1;
    }),
    ("usage.audio_output_token_count", |r| {
        r.usage.as_mut().unwrap().audio_output_token_count = -1;
    }),
    ("usage.image_input_token_count", |r| {
        r.usage.as_mut().unwrap().image_input_token_count = -1;
    }),
    ("usage.image_output_token_count", |r| {
        r.usage.as_mut().unwrap().image_output_token_count = -1;
    }),
    ("usage", |r| r.usage.as_mut().unwrap().reasoning_token_count = 100_000_000),
    ("outcome", |r| r.outcome = 0),
    ("outcome", |r| r.outcome = 4),
    ("usage_source", |r| r.usage_source = 3),
    ("start_time", |r| r.start_time = after_start(-35 * 86_400 - 1)),
    ("start_time", |r| r.start_time = after_start(86_401)),
    ("start_time", |r| r.start_time = Some(Timestamp { seconds: 1, nanos: -1 })),
    ("latency", |r| r.latency = seconds(-1)),
    ("latency", |r| r.latency = seconds(86_401)),
    ("attribution.user_id", |r| r.attribution = attribution(|a| a.user_id = chars(129))),
];

#[tokio::test]
async fn records() {
    let server = acme().await;
    let (alone, of_several) = RECORDS.split_at(RECORDS.len() - 6);
    let good = record("r-1", "big");
    let call = async |r| server.usage().record_usage(r).await;
    refuse(good, alone, call).await;
    assert_untouched(&server).await;
    for (field, spoil) in of_several {
        let mut request = record("r-1", "big");
        spoil(&mut request);
        let fields = refused_fields(&call(request).await.unwrap_err());
        assert_eq!(fields.first().map(String::as_str), Some(*field));
    }
    // A failure may have used nothing.
    let mut failed = record("r-2", "big");
    (failed.usage, failed.outcome) = (None, v1::Outcome::Error.into());
    failed.start_time = after_start(-35 * 86_400);
    call(failed).await.unwrap();
    assert_untouched(&server).await;
    // A batch has from 1 to 1,000.
    for count in [0, 1_001] {
        let records = vec![record("r-3", "big"); count];
        let request = v1::RecordUsageBatchRequest { records };
        let status = server.usage().record_usage_batch(request).await.unwrap_err();
        assert_eq!(refused_fields(&status), ["records"]);
    }
    assert_untouched(&server).await;
}

#[tokio::test]
async fn holds_and_the_log() {
    let server = acme().await;
    let workspace_id = ACME.to_owned();
    let request_id = "r-1".to_owned();
    let good = v1::ReleaseHoldRequest {
        workspace_id: workspace_id.clone(),
        request_id: request_id.clone(),
    };
    let rows: &[Row<v1::ReleaseHoldRequest>] = &[
        ("workspace_id", |r| r.workspace_id = chars(64)),
        ("request_id", |r| r.request_id = String::new()),
    ];
    refuse(good, rows, async |r| server.usage().release_hold(r).await).await;

    let good = v1::ExtendHoldRequest {
        workspace_id: workspace_id.clone(),
        request_id,
        hold_duration: None,
    };
    let rows: &[Row<v1::ExtendHoldRequest>] = &[
        ("workspace_id", |r| r.workspace_id = String::new()),
        ("request_id", |r| r.request_id = chars(129)),
        ("hold_duration", |r| r.hold_duration = seconds(0)),
    ];
    refuse(good, rows, async |r| server.usage().extend_hold(r).await).await;

    let good = v1::ListHoldsRequest { workspace_id: workspace_id.clone(), ..Default::default() };
    let rows: &[Row<v1::ListHoldsRequest>] = &[
        ("workspace_id", |r| r.workspace_id = String::new()),
        ("state", |r| r.state = 9),
        ("page_size", |r| r.page_size = -1),
        ("page_token", |r| r.page_token = "zz".to_owned()),
    ];
    refuse(good, rows, async |r| server.usage().list_holds(r).await).await;

    let good =
        v1::ListUsageRecordsRequest { workspace_id: workspace_id.clone(), ..Default::default() };
    let rows: &[Row<v1::ListUsageRecordsRequest>] = &[
        ("workspace_id", |r| r.workspace_id = String::new()),
        ("start_time", |r| r.start_time = Some(Timestamp { seconds: i64::MAX, nanos: 0 })),
        ("end_time", |r| r.end_time = Some(Timestamp { seconds: 0, nanos: 1_000_000_000 })),
        ("model_id", |r| r.model_id = chars(257)),
        ("request_id", |r| r.request_id = chars(129)),
        ("page_size", |r| r.page_size = -1),
        ("page_token", |r| r.page_token = "31".to_owned()),
    ];
    refuse(good, rows, async |r| server.usage().list_usage_records(r).await).await;

    let start_time = Some(EARLIEST);
    let good = v1::RepriceUsageRequest { workspace_id, start_time, ..Default::default() };
    let rows: &[Row<v1::RepriceUsageRequest>] = &[
        ("workspace_id", |r| r.workspace_id = String::new()),
        ("model_id", |r| r.model_id = chars(257)),
        ("start_time", |r| r.start_time = None),
        ("start_time", |r| r.start_time = Some(Timestamp { seconds: i64::MIN, nanos: 0 })),
        ("start_time", |r| r.start_time = Some(YEAR_ONE)),
        ("start_time", |r| r.start_time = Some(JUST_TOO_EARLY)),
        ("end_time", |r| r.end_time = Some(Timestamp { seconds: 0, nanos: -1 })),
        ("end_time", |r| r.end_time = Some(YEAR_ONE)),
        ("end_time", |r| r.end_time = Some(JUST_TOO_EARLY)),
    ];
    refuse(good.clone(), rows, async |r| server.usage().reprice_usage(r).await).await;
    server.usage().reprice_usage(good).await.unwrap();
}

/// What is wrong with a new workspace.
const NEW_WORKSPACES: &[Row<v1::CreateWorkspaceRequest>] = &[
    ("workspace.workspace_id", |r| {
        r.workspace.as_mut().unwrap().workspace_id = "Second".to_owned();
    }),
    ("workspace.workspace_id", |r| {
        r.workspace.as_mut().unwrap().workspace_id = "a".repeat(64);
    }),
    ("workspace.display_name", |r| r.workspace.as_mut().unwrap().display_name = chars(201)),
    ("workspace.currency_code", |r| {
        r.workspace.as_mut().unwrap().currency_code = "eur".to_owned();
    }),
    ("workspace.time_zone", |r| {
        r.workspace.as_mut().unwrap().time_zone = "Mars/Olympus".to_owned();
    }),
    ("workspace.unpriced_model_policy", |r| {
        r.workspace.as_mut().unwrap().unpriced_model_policy = 3;
    }),
    ("workspace.unknown_key_policy", |r| {
        r.workspace.as_mut().unwrap().unknown_key_policy = 3;
    }),
    ("workspace.hold_expiry_policy", |r| {
        r.workspace.as_mut().unwrap().hold_expiry_policy = 3;
    }),
    ("workspace.usage_retention_days", |r| {
        r.workspace.as_mut().unwrap().usage_retention_days = 61;
    }),
    ("workspace.price_max_age_days", |r| {
        r.workspace.as_mut().unwrap().price_max_age_days = -1;
    }),
];

/// What is wrong with a changed workspace.
const CHANGED_WORKSPACES: &[Row<v1::UpdateWorkspaceRequest>] = &[
    ("workspace.workspace_id", |r| {
        r.workspace.as_mut().unwrap().workspace_id = String::new();
    }),
    ("workspace.currency_code", |r| {
        r.workspace.as_mut().unwrap().currency_code = "EURO".to_owned();
    }),
    ("workspace.time_zone", |r| {
        r.update_mask = Some(prost_types::FieldMask { paths: vec!["time_zone".to_owned()] });
    }),
    ("update_mask", |r| {
        r.update_mask = Some(prost_types::FieldMask { paths: vec!["spent".to_owned()] });
    }),
    ("workspace.unknown_key_policy", |r| {
        r.workspace.as_mut().unwrap().unknown_key_policy = -1;
    }),
    ("workspace.hold_expiry_policy", |r| {
        r.workspace.as_mut().unwrap().hold_expiry_policy = -1;
    }),
    ("workspace.usage_retention_days", |r| {
        r.workspace.as_mut().unwrap().usage_retention_days = 3_651;
    }),
    ("workspace.usage_retention_days", |r| {
        r.workspace.as_mut().unwrap().usage_retention_days = -1;
    }),
    ("workspace.price_max_age_days", |r| {
        r.workspace.as_mut().unwrap().price_max_age_days = 3_651;
    }),
];

#[tokio::test]
async fn workspaces() {
    let server = acme().await;
    let workspace = v1::Workspace { workspace_id: "second".to_owned(), ..Default::default() };
    let good = v1::CreateWorkspaceRequest { workspace: Some(workspace.clone()) };
    refuse(good, NEW_WORKSPACES, async |r| server.workspace().create_workspace(r).await).await;
    let none = v1::CreateWorkspaceRequest::default();
    let status = server.workspace().create_workspace(none).await.unwrap_err();
    assert_eq!(refused_fields(&status), ["workspace", "workspace.workspace_id"]);

    let workspace = v1::Workspace { workspace_id: ACME.to_owned(), ..workspace };
    let good = v1::UpdateWorkspaceRequest { workspace: Some(workspace), update_mask: None };
    refuse(good, CHANGED_WORKSPACES, async |r| server.workspace().update_workspace(r).await).await;

    for id in [String::new(), chars(64), "a\0".to_owned()] {
        let get = v1::GetWorkspaceRequest { workspace_id: id.clone() };
        let budget = v1::GetBudgetRequest { workspace_id: id.clone() };
        let watch = v1::WatchSpendRequest { workspace_id: id.clone() };
        let switch = v1::SetAutomaticFallbackRequest { workspace_id: id, enabled: true };
        for status in [
            server.workspace().get_workspace(get).await.unwrap_err(),
            server.budget().get_budget(budget).await.unwrap_err(),
            server.budget().watch_spend(watch).await.unwrap_err(),
            server.budget().set_automatic_fallback(switch).await.unwrap_err(),
        ] {
            assert_eq!(refused_fields(&status), ["workspace_id"]);
        }
    }
    let rows: &[Row<v1::ListWorkspacesRequest>] =
        &[("page_size", |r| r.page_size = -1), ("page_token", |r| r.page_token = "00".to_owned())];
    let good = v1::ListWorkspacesRequest::default();
    refuse(good, rows, async |r| server.workspace().list_workspaces(r).await).await;
}

fn plan_of(request: &mut v1::SetPlanRequest) -> &mut v1::Plan {
    request.plan.as_mut().unwrap()
}

#[tokio::test]
async fn plans() {
    let server = acme().await;
    let plan = v1::Plan {
        budget: Some(eur("1")),
        overage_limit: Some(eur("1")),
        start_date: "2026-01-31".to_owned(),
    };
    let good = v1::SetPlanRequest { workspace_id: ACME.to_owned(), plan: Some(plan) };
    let rows: &[Row<v1::SetPlanRequest>] = &[
        ("workspace_id", |r| r.workspace_id = String::new()),
        ("plan", |r| r.plan = None),
        ("plan.budget", |r| plan_of(r).budget = None),
        ("plan.budget.amount", |r| plan_of(r).budget = Some(eur(""))),
        ("plan.budget.amount", |r| plan_of(r).budget = Some(eur("-1"))),
        ("plan.budget.amount", |r| plan_of(r).budget = Some(eur("1e3"))),
        ("plan.budget.amount", |r| plan_of(r).budget = Some(eur("0.0000000001"))),
        ("plan.budget.amount", |r| plan_of(r).budget = Some(eur("1000000000.000000001"))),
        ("plan.budget.amount", |r| plan_of(r).budget = Some(eur(&"9".repeat(30)))),
        ("plan.budget.amount", |r| plan_of(r).budget = Some(eur(&"0".repeat(31)))),
        ("plan.budget.currency_code", |r| {
            let amount = "1".to_owned();
            plan_of(r).budget = Some(v1::Money { currency_code: "Eur".to_owned(), amount });
        }),
        ("plan.overage_limit.amount", |r| plan_of(r).overage_limit = Some(eur(" 1"))),
        ("plan.start_date", |r| plan_of(r).start_date = String::new()),
        ("plan.start_date", |r| plan_of(r).start_date = "2026-02-29".to_owned()),
        ("plan.start_date", |r| plan_of(r).start_date = "2026-1-31".to_owned()),
        ("plan.start_date", |r| plan_of(r).start_date = "+026-01-31".to_owned()),
        ("plan.start_date", |r| plan_of(r).start_date = "1999-12-31".to_owned()),
        ("plan.start_date", |r| plan_of(r).start_date = "2200-01-01".to_owned()),
    ];
    refuse(good, rows, async |r| server.budget().set_plan(r).await).await;
    assert_untouched(&server).await;
    set_plan(&server, "1000000000", "1000000000.00", "2199-12-31").await.unwrap();
    set_plan(&server, "0", "0.000000001", "2000-01-01").await.unwrap();
}

fn model_of(request: &mut v1::UpsertModelRequest) -> &mut v1::Model {
    request.model.as_mut().unwrap()
}

fn price_of(request: &mut v1::SetModelPriceRequest) -> &mut v1::Price {
    request.price.as_mut().unwrap()
}

fn rate_of(request: &mut v1::SetExchangeRateRequest) -> &mut v1::ExchangeRate {
    request.exchange_rate.as_mut().unwrap()
}

#[tokio::test]
async fn models() {
    let server = acme().await;
    let model = v1::Model { model_id: "second".to_owned(), ..Default::default() };
    let good = v1::UpsertModelRequest { model: Some(model) };
    let rows: &[Row<v1::UpsertModelRequest>] = &[
        ("model.model_id", |r| model_of(r).model_id = String::new()),
        ("model.model_id", |r| model_of(r).model_id = "a b".to_owned()),
        ("model.model_id", |r| model_of(r).model_id = chars(257)),
        ("model.provider", |r| model_of(r).provider = chars(129)),
        ("model.display_name", |r| model_of(r).display_name = chars(201)),
        ("model.context_window_token_count", |r| model_of(r).context_window_token_count = -1),
        ("model.max_output_token_count", |r| model_of(r).max_output_token_count = 100_000_001),
        ("model.capabilities", |r| model_of(r).capabilities = vec!["a".to_owned(); 33]),
        ("model.capabilities[0]", |r| model_of(r).capabilities = vec![chars(65)]),
        ("model.aliases", |r| model_of(r).aliases = vec!["a".to_owned(); 1_001]),
        ("model.aliases[0]", |r| model_of(r).aliases = vec![String::new()]),
        ("model.aliases", |r| model_of(r).aliases = vec!["big".to_owned()]),
    ];
    refuse(good, rows, async |r| server.catalog().upsert_model(r).await).await;
    let none = v1::UpsertModelRequest::default();
    let status = server.catalog().upsert_model(none).await.unwrap_err();
    assert_eq!(refused_fields(&status), ["model", "model.model_id"]);
    let rows: &[Row<v1::ListModelsRequest>] = &[
        ("provider", |r| r.provider = chars(129)),
        ("page_size", |r| r.page_size = -1),
        ("page_token", |r| r.page_token = "x".to_owned()),
    ];
    let good = v1::ListModelsRequest::default();
    refuse(good, rows, async |r| server.catalog().list_models(r).await).await;
}

/// What is wrong with a price.
const PRICES: &[Row<v1::SetModelPriceRequest>] = &[
    ("model_id", |r| r.model_id = String::new()),
    ("price", |r| r.price = None),
    ("workspace_id", |r| r.workspace_id = chars(64)),
    ("price.currency_code", |r| price_of(r).currency_code = String::new()),
    ("price.input_per_million", |r| price_of(r).input_per_million = String::new()),
    ("price.output_per_million", |r| price_of(r).output_per_million = String::new()),
    ("price.input_per_million", |r| price_of(r).input_per_million = "-1".to_owned()),
    ("price.cache_read_per_million", |r| {
        price_of(r).cache_read_per_million = "10000.000000001".to_owned();
    }),
    ("price.cache_write_5m_per_million", |r| {
        price_of(r).cache_write_5m_per_million = "1e1".to_owned();
    }),
    ("price.cache_write_1h_per_million", |r| {
        price_of(r).cache_write_1h_per_million = "x".to_owned();
    }),
    ("price.reasoning_per_million", |r| price_of(r).reasoning_per_million = "+1".to_owned()),
    ("price.audio_input_per_million", |r| price_of(r).audio_input_per_million = ".".to_owned()),
    ("price.audio_output_per_million", |r| {
        price_of(r).audio_output_per_million = "1.".to_owned();
    }),
    ("price.image_input_per_million", |r| {
        price_of(r).image_input_per_million = "0.0000000001".to_owned();
    }),
    ("price.image_output_per_million", |r| {
        price_of(r).image_output_per_million = "1 ".to_owned();
    }),
    ("price.variants", |r| price_of(r).variants = vec![v1::PriceVariant::default(); 33]),
    ("price.variants[1]", |r| price_of(r).variants = vec![v1::PriceVariant::default(); 2]),
    ("price.variants[0].service_tier", |r| price_of(r).variants[0].service_tier = 9),
    ("price.variants[0].above_input_token_count", |r| {
        price_of(r).variants[0].above_input_token_count = -1;
    }),
    ("price.variants[0].output_per_million", |r| {
        price_of(r).variants[0].output_per_million = "10001".to_owned();
    }),
    ("price.effective_time", |r| {
        price_of(r).effective_time = Some(Timestamp { seconds: 946_684_799, nanos: 0 });
    }),
    ("price.effective_time", |r| {
        price_of(r).effective_time = Some(Timestamp { seconds: 7_258_118_400, nanos: 0 });
    }),
];

#[tokio::test]
async fn prices() {
    let server = acme().await;
    let price = v1::Price {
        currency_code: "EUR".to_owned(),
        input_per_million: "1".to_owned(),
        output_per_million: "1".to_owned(),
        variants: vec![v1::PriceVariant::default()],
        ..Default::default()
    };
    let good = v1::SetModelPriceRequest {
        model_id: "big".to_owned(),
        price: Some(price),
        workspace_id: String::new(),
    };
    refuse(good, PRICES, async |r| server.catalog().set_model_price(r).await).await;

    let rate = v1::ExchangeRate {
        from_currency_code: "USD".to_owned(),
        to_currency_code: "EUR".to_owned(),
        rate: "0.9".to_owned(),
        effective_time: None,
        ..Default::default()
    };
    let good = v1::SetExchangeRateRequest { exchange_rate: Some(rate) };
    let rows: &[Row<v1::SetExchangeRateRequest>] = &[
        ("exchange_rate.from_currency_code", |r| rate_of(r).from_currency_code = "$".to_owned()),
        ("exchange_rate.to_currency_code", |r| rate_of(r).to_currency_code = String::new()),
        ("exchange_rate.to_currency_code", |r| rate_of(r).to_currency_code = "USD".to_owned()),
        ("exchange_rate.rate", |r| rate_of(r).rate = "0".to_owned()),
        ("exchange_rate.rate", |r| rate_of(r).rate = "1000000.1".to_owned()),
        ("exchange_rate.effective_time", |r| {
            rate_of(r).effective_time = Some(Timestamp::default());
        }),
    ];
    refuse(good, rows, async |r| server.catalog().set_exchange_rate(r).await).await;
    let request = v1::ListExchangeRatesRequest::default();
    let listed = server.catalog().list_exchange_rates(request).await.unwrap().into_inner();
    assert!(listed.exchange_rates.is_empty());

    let good = v1::ListModelPricesRequest { model_id: "big".to_owned(), ..Default::default() };
    let rows: &[Row<v1::ListModelPricesRequest>] = &[
        ("model_id", |r| r.model_id = String::new()),
        ("workspace_id", |r| r.workspace_id = chars(64)),
        ("page_size", |r| r.page_size = -1),
        ("page_token", |r| r.page_token = "abc".to_owned()),
    ];
    refuse(good.clone(), rows, async |r| server.catalog().list_model_prices(r).await).await;
    let listed = server.catalog().list_model_prices(good).await.unwrap().into_inner();
    assert_eq!(listed.prices.len(), 1);
}

#[tokio::test]
async fn limits() {
    let server = acme().await;
    let good = v1::SetModelLimitRequest {
        workspace_id: ACME.to_owned(),
        model_id: "big".to_owned(),
        limit: Some(eur("1")),
        limit_enabled: None,
        fallback_model_ids: Vec::new(),
    };
    let rows: &[Row<v1::SetModelLimitRequest>] = &[
        ("workspace_id", |r| r.workspace_id = String::new()),
        ("model_id", |r| r.model_id = String::new()),
        ("limit.amount", |r| r.limit = Some(eur("1000000001"))),
        ("limit.currency_code", |r| {
            r.limit = Some(v1::Money { currency_code: String::new(), ..eur("1") });
        }),
        ("fallback_model_ids", |r| r.fallback_model_ids = vec!["small".to_owned(); 33]),
        ("fallback_model_ids[0]", |r| r.fallback_model_ids = vec![String::new()]),
    ];
    refuse(good, rows, async |r| server.model_limit().set_model_limit(r).await).await;
    let good = v1::EnableModelRequest { workspace_id: ACME.to_owned(), model_id: "big".to_owned() };
    let rows: &[Row<v1::EnableModelRequest>] = &[
        ("workspace_id", |r| r.workspace_id = chars(64)),
        ("model_id", |r| r.model_id = chars(257)),
    ];
    refuse(good, rows, async |r| server.model_limit().enable_model(r).await).await;
    let good = v1::ListModelLimitsRequest { workspace_id: ACME.to_owned(), ..Default::default() };
    let rows: &[Row<v1::ListModelLimitsRequest>] = &[
        ("workspace_id", |r| r.workspace_id = String::new()),
        ("page_size", |r| r.page_size = i32::MIN),
        ("page_token", |r| r.page_token = "é".to_owned()),
    ];
    refuse(good.clone(), rows, async |r| server.model_limit().list_model_limits(r).await).await;
    let listed = server.model_limit().list_model_limits(good).await.unwrap().into_inner();
    assert!(listed.model_limits.iter().all(|model| model.limit.is_none()));
}

#[tokio::test]
async fn what_is_no_currency_is_refused() {
    let server = acme().await;
    for code in ["BTC", concat!("XX", "X"), "XTS", "ZZZ", "eur", "EURO"] {
        let workspace = v1::Workspace {
            workspace_id: "other".to_owned(),
            currency_code: code.to_owned(),
            ..Default::default()
        };
        let request = v1::CreateWorkspaceRequest { workspace: Some(workspace) };
        let status = server.workspace().create_workspace(request).await.unwrap_err();
        assert_eq!(refused_fields(&status), ["workspace.currency_code"], "{code}");
    }
    let rate = v1::ExchangeRate {
        from_currency_code: "USD".to_owned(),
        to_currency_code: "VND".to_owned(),
        rate: "26000".to_owned(),
        ..Default::default()
    };
    let request = v1::SetExchangeRateRequest { exchange_rate: Some(rate) };
    server.catalog().set_exchange_rate(request).await.unwrap();
}

/// Texts that nobody could tell from another, or from nothing.
const ALIKE: [&str; 7] = ["  ", " ab", "ab ", "a\u{200b}b", "\u{202e}ab", "\u{feff}ab", "\u{3164}"];

#[tokio::test]
async fn an_id_that_is_chosen_now_can_be_seen() {
    let server = acme().await;
    for id in ALIKE {
        let key = v1::ApiKey { api_key_id: id.to_owned(), ..Default::default() };
        let request =
            v1::RegisterApiKeyRequest { workspace_id: ACME.to_owned(), api_key: Some(key) };
        let status = server.api_key().register_api_key(request).await.unwrap_err();
        assert_eq!(refused_fields(&status), ["api_key.api_key_id"], "{id:?}");
        let status = server.usage().check_and_route(check(id, "big")).await.unwrap_err();
        assert_eq!(refused_fields(&status), ["request_id"], "{id:?}");
        // What ran is recorded, whatever it is called.
        server.usage().record_usage(record(id, "big")).await.unwrap();
        let model = v1::Model { model_id: id.to_owned(), ..Default::default() };
        let request = v1::UpsertModelRequest { model: Some(model) };
        let status = server.catalog().upsert_model(request).await.unwrap_err();
        assert!(refused_fields(&status).contains(&"model.model_id".to_owned()), "{id:?}");
        let workspace = v1::Workspace { workspace_id: id.to_owned(), ..Default::default() };
        let request = v1::CreateWorkspaceRequest { workspace: Some(workspace) };
        let status = server.workspace().create_workspace(request).await.unwrap_err();
        assert_eq!(refused_fields(&status), ["workspace.workspace_id"], "{id:?}");
    }
}

/// Each field of an attribution, by the path that a refusal has.
const IDS: [Row<(v1::Attribution, &str)>; 9] = [
    ("attribution.user_id", |(a, id)| a.user_id = (*id).to_owned()),
    ("attribution.department_id", |(a, id)| a.department_id = (*id).to_owned()),
    ("attribution.api_key_id", |(a, id)| a.api_key_id = (*id).to_owned()),
    ("attribution.assistant_id", |(a, id)| a.assistant_id = (*id).to_owned()),
    ("attribution.workflow_id", |(a, id)| a.workflow_id = (*id).to_owned()),
    ("attribution.feature_id", |(a, id)| a.feature_id = (*id).to_owned()),
    ("attribution.project_id", |(a, id)| a.project_id = (*id).to_owned()),
    ("attribution.investigation_id", |(a, id)| a.investigation_id = (*id).to_owned()),
    ("attribution.session_id", |(a, id)| a.session_id = (*id).to_owned()),
];

#[tokio::test]
async fn an_id_that_usage_brings_can_be_seen() {
    let server = acme().await;
    for (index, id) in ALIKE.into_iter().enumerate() {
        for (field, set) in IDS {
            let mut named = (v1::Attribution::default(), id);
            set(&mut named);
            let attribution = Some(named.0);
            let request = v1::CheckAndRouteRequest {
                attribution: attribution.clone(),
                ..check("r-1", "big")
            };
            let status = server.usage().check_and_route(request).await.unwrap_err();
            assert_eq!(refused_fields(&status), [field], "{id:?}");
            // What ran is recorded, whomever it names.
            let request_id = format!("{field} {index}");
            let request = v1::RecordUsageRequest { attribution, ..record(&request_id, "big") };
            server.usage().record_usage(request).await.unwrap();
        }
    }
}

#[tokio::test]
async fn an_entry_that_is_new_can_be_seen() {
    let server = acme().await;
    let upsert = async |id: &str, department: &str| {
        let entry = v1::DirectoryEntry {
            kind: v1::DirectoryKind::User.into(),
            id: id.to_owned(),
            department_id: department.to_owned(),
            ..Default::default()
        };
        let entries = vec![entry];
        let request = v1::UpsertEntriesRequest { workspace_id: ACME.to_owned(), entries };
        server.directory().upsert_entries(request).await
    };
    for id in ALIKE {
        let status = upsert(id, "").await.unwrap_err();
        assert_eq!(refused_fields(&status), ["entries[0].id"], "{id:?}");
        let status = upsert("ada", id).await.unwrap_err();
        assert_eq!(refused_fields(&status), ["entries[0].department_id"], "{id:?}");
    }
    // One that has usage is in use already.
    let attribution = attribution(|a| a.user_id = "ab ".to_owned());
    let request = v1::RecordUsageRequest { attribution, ..record("r-1", "big") };
    server.usage().record_usage(request).await.unwrap();
    let seen = v1::GetEntryRequest {
        workspace_id: ACME.to_owned(),
        kind: v1::DirectoryKind::User.into(),
        id: "ab ".to_owned(),
    };
    server.directory().get_entry(seen).await.unwrap();
    upsert("ab ", "").await.unwrap();
}
