//! A workspace to begin with, and short names for what the tests ask.
//!
//! `acme` pays in EUR, in UTC, from the 1st: budget 100, overage 20. `big` costs 10 EUR for a
//! million input tokens and 20 for output; `small` a tenth; both are enabled.

use tollgate::proto::v1;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::server::Server;

pub const ACME: &str = "acme";

/// A server with the workspace.
pub async fn acme() -> Server {
    let server = Server::start().await;
    set_up(&server).await;
    server
}

pub async fn set_up(server: &Server) {
    create_workspace(server, ACME).await;
    set_plan(server, "100", "20", "2026-01-01").await.unwrap();
    add_model(server, "big", "EUR", "10", "20").await;
    add_model(server, "small", "EUR", "1", "2").await;
}

pub async fn create_workspace(server: &Server, id: &str) {
    let workspace = v1::Workspace { workspace_id: id.to_owned(), ..Default::default() };
    let request = v1::CreateWorkspaceRequest { workspace: Some(workspace) };
    server.workspace().create_workspace(request).await.unwrap();
}

pub async fn set_plan(
    server: &Server,
    budget: &str,
    overage: &str,
    start_date: &str,
) -> Result<v1::Workspace, Status> {
    let plan = v1::Plan {
        budget: Some(eur(budget)),
        overage_limit: Some(eur(overage)),
        start_date: start_date.to_owned(),
    };
    let request = v1::SetPlanRequest { workspace_id: ACME.to_owned(), plan: Some(plan) };
    Ok(server.budget().set_plan(request).await?.into_inner().workspace.unwrap())
}

/// Adds a model and its price, and enables it.
pub async fn add_model(server: &Server, id: &str, currency: &str, input: &str, output: &str) {
    let model = v1::Model { model_id: id.to_owned(), ..Default::default() };
    let request = v1::UpsertModelRequest { model: Some(model) };
    server.catalog().upsert_model(request).await.unwrap();
    set_price(server, id, currency, input, output).await.unwrap();
    let request = v1::EnableModelRequest { workspace_id: ACME.to_owned(), model_id: id.to_owned() };
    server.model_limit().enable_model(request).await.unwrap();
}

pub fn price(currency: &str, input: &str, output: &str) -> v1::Price {
    v1::Price {
        currency_code: currency.to_owned(),
        input_per_million: input.to_owned(),
        output_per_million: output.to_owned(),
        ..Default::default()
    }
}

pub async fn set_price(
    server: &Server,
    model_id: &str,
    currency: &str,
    input: &str,
    output: &str,
) -> Result<v1::Price, Status> {
    let request = v1::SetModelPriceRequest {
        model_id: model_id.to_owned(),
        price: Some(price(currency, input, output)),
        workspace_id: String::new(),
    };
    Ok(server.catalog().set_model_price(request).await?.into_inner().price.unwrap())
}

/// Sets a price of `big` that was effective before everything here.
pub async fn price_since_2023(server: &Server, price: v1::Price, workspace_id: &str) {
    let effective_time = Some(prost_types::Timestamp { seconds: 1_700_000_000, nanos: 0 });
    let request = v1::SetModelPriceRequest {
        model_id: "big".to_owned(),
        price: Some(v1::Price { effective_time, ..price }),
        workspace_id: workspace_id.to_owned(),
    };
    server.catalog().set_model_price(request).await.unwrap();
}

/// 2000-01-01T00:00:00Z: the earliest time that there is.
pub const EARLIEST: prost_types::Timestamp =
    prost_types::Timestamp { seconds: 946_684_800, nanos: 0 };

/// Computes the cost of all usage of [`ACME`] again.
pub async fn reprice(server: &Server) -> v1::RepriceUsageResponse {
    let request = v1::RepriceUsageRequest {
        workspace_id: ACME.to_owned(),
        start_time: Some(EARLIEST),
        end_time: Some(prost_types::Timestamp { seconds: 4_000_000_000, nanos: 0 }),
        ..Default::default()
    };
    server.usage().reprice_usage(request).await.unwrap().into_inner()
}

/// A message that says who sends it.
pub fn by<T>(actor: &str, message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    let actor = tonic::metadata::MetadataValue::try_from(actor.as_bytes()).expect("a header value");
    request.metadata_mut().insert("tollgate-actor", actor);
    request
}

/// All entries of the audit log about a workspace (or the catalog, without one), newest first.
pub async fn audit_events(server: &Server, workspace_id: &str) -> Vec<v1::AuditEvent> {
    let request =
        v1::ListAuditEventsRequest { workspace_id: workspace_id.to_owned(), ..Default::default() };
    server.audit().list_audit_events(request).await.unwrap().into_inner().audit_events
}

pub fn eur(amount: &str) -> v1::Money {
    v1::Money { currency_code: "EUR".to_owned(), amount: amount.to_owned() }
}

/// Input and output of 100,000 and 50,000 tokens: 2 EUR on `big`, 0.20 on `small`.
pub fn check(request_id: &str, model_id: &str) -> v1::CheckAndRouteRequest {
    v1::CheckAndRouteRequest {
        workspace_id: ACME.to_owned(),
        request_id: request_id.to_owned(),
        model_id: model_id.to_owned(),
        input_token_count: 100_000,
        max_output_token_count: Some(50_000),
        ..Default::default()
    }
}

/// What [`check`] declared, used up.
pub fn record(request_id: &str, model_id: &str) -> v1::RecordUsageRequest {
    v1::RecordUsageRequest {
        workspace_id: ACME.to_owned(),
        request_id: request_id.to_owned(),
        model_id: model_id.to_owned(),
        usage: Some(v1::Usage {
            input_token_count: 100_000,
            output_token_count: 50_000,
            ..Default::default()
        }),
        outcome: v1::Outcome::Success.into(),
        ..Default::default()
    }
}

pub async fn get_budget(server: &Server) -> v1::Budget {
    let request = v1::GetBudgetRequest { workspace_id: ACME.to_owned() };
    server.budget().get_budget(request).await.unwrap().into_inner().budget.unwrap()
}

/// The amount of a sum in EUR.
pub fn amount(money: &Option<v1::Money>) -> &str {
    let money = money.as_ref().expect("an amount");
    assert_eq!(money.currency_code, "EUR");
    &money.amount
}

/// The status carries this reason of ours, and each of these facts.
#[track_caller]
pub fn assert_failed(status: &Status, code: Code, reason: &str, metadata: &[(&str, &str)]) {
    assert_eq!(status.code(), code, "{status:?}");
    let details = status.get_error_details();
    let info = details.error_info().expect("every error has a reason");
    assert_eq!(info.reason, format!("ERROR_REASON_{reason}"));
    assert_eq!(info.domain, "tollgate");
    for (key, value) in metadata {
        assert_eq!(info.metadata.get(*key).map(String::as_str), Some(*value), "{key}");
    }
}

/// The fields that a refusal names.
#[track_caller]
pub fn refused_fields(status: &Status) -> Vec<String> {
    assert_failed(status, Code::InvalidArgument, "INVALID_FIELD", &[]);
    let details = status.get_error_details();
    let violations = &details.bad_request().expect("a bad request").field_violations;
    for violation in violations {
        assert!(!violation.description.is_empty(), "{} says what was expected", violation.field);
    }
    violations.iter().map(|violation| violation.field.clone()).collect()
}
