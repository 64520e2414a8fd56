//! Reported costs: what a provider says that it bills, beside the computed cost.

use serde_json::json;
use tollgate::domain::time::MICROS_PER_HOUR;
use tollgate::proto::v1;
use tonic::Code;

use crate::alerts::all;
use crate::fixtures::{
    ACME, acme, amount, check, eur, get_budget, price_since_2023, record, refused_fields, reprice,
    set_price,
};
use crate::server::Server;
use crate::usage::{decide, list_records, note};

/// An answer of OpenRouter that says what it costs, in US dollars.
fn answered(request_id: &str, model: &str, cost: &str) -> v1::RecordUsageRequest {
    let answer = json!({
        "object": "chat.completion",
        "model": model,
        "provider": "OpenAI",
        "usage": { "prompt_tokens": 100_000, "completion_tokens": 50_000, "total_tokens": 150_000 },
    });
    let json = answer.to_string().replace("150000", &format!("150000,\"cost\":{cost}"));
    v1::RecordUsageRequest {
        usage: None,
        model_id: String::new(),
        provider_answer: Some(v1::ProviderAnswer {
            provider: "openrouter".to_owned(),
            json: vec![json],
        }),
        ..record(request_id, "")
    }
}

async fn set_policy(server: &Server, providers: &[&str], percent: i32) {
    let workspace = v1::Workspace {
        workspace_id: ACME.to_owned(),
        reported_cost_providers: providers.iter().map(|name| (*name).to_owned()).collect(),
        cost_difference_alert_percent: percent,
        ..Default::default()
    };
    let paths = ["reported_cost_providers", "cost_difference_alert_percent"];
    let request = v1::UpdateWorkspaceRequest {
        workspace: Some(workspace),
        update_mask: Some(prost_types::FieldMask { paths: paths.map(str::to_owned).to_vec() }),
    };
    server.workspace().update_workspace(request).await.unwrap();
}

async fn set_rate(server: &Server, rate: &str) {
    let rate = v1::ExchangeRate {
        from_currency_code: "USD".to_owned(),
        to_currency_code: "EUR".to_owned(),
        rate: rate.to_owned(),
        effective_time: None,
        ..Default::default()
    };
    let request = v1::SetExchangeRateRequest { exchange_rate: Some(rate) };
    server.catalog().set_exchange_rate(request).await.unwrap();
    server.clock.advance(1);
}

fn reported(records: &[v1::UsageRecord]) -> v1::ReportedCost {
    records[0].reported_cost.clone().expect("a reported cost")
}

#[tokio::test]
async fn both_costs_are_kept_and_the_computed_one_is_charged() {
    let server = acme().await;
    set_rate(&server, "0.5").await;
    decide(&server, check("r-1", "big")).await.unwrap();
    let recorded = note(&server, answered("r-1", "big", "1.2300000005")).await.unwrap();
    assert_eq!((amount(&recorded.cost), recorded.unpriced), ("2.00", false));
    let costs = reported(&list_records(&server).await);
    // Rounded half to even, both times.
    let said = v1::Money { currency_code: "USD".to_owned(), amount: "1.23".to_owned() };
    assert_eq!(costs.reported, Some(said));
    assert_eq!((amount(&costs.converted), amount(&costs.computed)), ("0.615", "2.00"));
    assert!(!costs.charged);
    assert!(note(&server, answered("r-1", "big", "1.2300000005")).await.unwrap().duplicate);
    assert_eq!(reprice(&server).await.corrected_count, 0);
}

#[tokio::test]
async fn a_workspace_charges_what_named_providers_report() {
    let server = acme().await;
    set_rate(&server, "0.5").await;
    set_policy(&server, &["OpenRouter"], 0).await;
    decide(&server, check("r-1", "big")).await.unwrap();
    let recorded = note(&server, answered("r-1", "big", "1.5")).await.unwrap();
    assert_eq!(amount(&recorded.cost), "0.75");
    assert!(reported(&list_records(&server).await).charged);
    assert_eq!(amount(&get_budget(&server).await.spent), "0.75");
    // The provider of this answer is unknown.
    let mut other = answered("r-2", "big", "1.5");
    let answer = other.provider_answer.as_mut().unwrap();
    answer.provider = String::new();
    answer.json[0] = answer.json[0].replace(r#""provider":"OpenAI","#, "");
    assert_eq!(amount(&note(&server, other).await.unwrap().cost), "2.00");
    // A price that changes does not move what was reported.
    server.clock.advance(1);
    let price = set_price(&server, "big", "EUR", "1", "1").await.unwrap();
    price_since_2023(&server, price, ACME).await;
    let repriced = reprice(&server).await;
    assert_eq!((repriced.corrected_count, amount(&repriced.difference)), (1, "-1.85"));
    assert_eq!(amount(&get_budget(&server).await.spent), "0.90");
}

#[tokio::test]
async fn what_cannot_be_computed_is_charged_as_reported() {
    let server = acme().await;
    set_rate(&server, "0.5").await;
    let recorded = note(&server, answered("r-1", "novel-model-1", "0.00123")).await.unwrap();
    assert_eq!((amount(&recorded.cost), recorded.unpriced), ("0.000615", true));
    // Nothing but the cost is said.
    let bare = v1::RecordUsageRequest {
        usage: Some(v1::Usage::default()),
        reported_cost: Some(eur("0.25")),
        ..record("r-2", "big")
    };
    assert_eq!(amount(&note(&server, bare).await.unwrap().cost), "0.25");
}

#[tokio::test]
async fn callers_that_count_themselves_report_a_cost_too() {
    let server = acme().await;
    set_policy(&server, &["*"], 0).await;
    let with = |cost: &str| v1::RecordUsageRequest {
        reported_cost: Some(eur(cost)),
        ..record("r-1", "big")
    };
    assert_eq!(amount(&note(&server, with("3.5")).await.unwrap().cost), "3.50");
    assert!(note(&server, with("3.5")).await.unwrap().duplicate);
    assert_eq!(note(&server, with("3.6")).await.unwrap_err().code(), Code::AlreadyExists);
    // Without an exchange rate the computed one is charged.
    let mut foreign = with("3.5");
    foreign.request_id = "r-2".to_owned();
    foreign.reported_cost.as_mut().unwrap().currency_code = "JPY".to_owned();
    assert_eq!(amount(&note(&server, foreign).await.unwrap().cost), "2.00");
    let mut bad = with("-1");
    bad.request_id = "r-3".to_owned();
    let status = note(&server, bad).await.unwrap_err();
    assert_eq!(refused_fields(&status), ["reported_cost.amount"]);
}

#[tokio::test]
async fn a_difference_above_the_share_raises_an_alert_once_a_day() {
    let server = acme().await;
    set_policy(&server, &[], 20).await;
    let with = |id: &str, cost: &str| v1::RecordUsageRequest {
        reported_cost: Some(eur(cost)),
        ..record(id, "big")
    };
    let differs = async || {
        let alerts = all(&server).await;
        alerts.iter().filter(|alert| alert.r#type() == v1::AlertType::CostDiffers).count()
    };
    note(&server, with("r-1", "2.4")).await.unwrap();
    assert_eq!(differs().await, 0, "a fifth is not above a fifth");
    note(&server, with("r-2", "1.59")).await.unwrap();
    assert_eq!(differs().await, 1);
    note(&server, with("r-3", "9")).await.unwrap();
    assert_eq!(differs().await, 1);
    server.clock.advance(24 * MICROS_PER_HOUR);
    note(&server, with("r-4", "9")).await.unwrap();
    assert_eq!(differs().await, 2);
}

#[tokio::test]
async fn an_unread_answer_raises_an_alert() {
    let server = acme().await;
    let mut request = answered("r-1", "big", "1");
    request.model_id = "big".to_owned();
    request.accept_unread = true;
    request.provider_answer.as_mut().unwrap().json = vec![r#"{"words": 7}"#.to_owned()];
    decide(&server, check("r-1", "big")).await.unwrap();
    assert!(note(&server, request).await.unwrap().unread);
    let types: Vec<_> = all(&server).await.iter().map(v1::Alert::r#type).collect();
    assert_eq!(types, [v1::AlertType::AnswerUnread]);
}

#[tokio::test]
async fn bad_policies_are_refused_by_field() {
    let server = acme().await;
    let refused = async |providers: &[&str], percent: i32| {
        let workspace = v1::Workspace {
            workspace_id: ACME.to_owned(),
            reported_cost_providers: providers.iter().map(|name| (*name).to_owned()).collect(),
            cost_difference_alert_percent: percent,
            ..Default::default()
        };
        let request = v1::UpdateWorkspaceRequest { workspace: Some(workspace), update_mask: None };
        let status = server.workspace().update_workspace(request).await.unwrap_err();
        refused_fields(&status)
    };
    let at = "workspace.reported_cost_providers";
    assert_eq!(refused(&["a", "A"], 0).await, [format!("{at}[1]")]);
    assert_eq!(refused(&["open router"], 0).await, [format!("{at}[0]")]);
    assert_eq!(refused(&["x"; 33], 0).await, [at]);
    let percent = ["workspace.cost_difference_alert_percent"];
    assert_eq!(refused(&["a"], 1_001).await, percent);
    assert_eq!(refused(&["a"], -1).await, percent);
}

/// An answer that says what it costs, in US dollars, and no usage.
fn cost_alone(request_id: &str, cost: &str) -> v1::RecordUsageRequest {
    let json = format!(r#"{{"id":"a","model":"big","usage":{{"cost":{cost}}}}}"#);
    let answer = v1::ProviderAnswer { provider: "openrouter".to_owned(), json: vec![json] };
    v1::RecordUsageRequest {
        usage: None,
        model_id: String::new(),
        provider_answer: Some(answer),
        accept_unread: true,
        ..record(request_id, "")
    }
}

#[tokio::test]
async fn a_cost_without_usage_is_charged_and_flagged() {
    let server = acme().await;
    set_rate(&server, "0.5").await;
    decide(&server, check("r-1", "big")).await.unwrap();
    let recorded = note(&server, cost_alone("r-1", "0.5")).await.unwrap();
    assert_eq!((amount(&recorded.cost), recorded.unpriced), ("0.25", false));
    let budget = get_budget(&server).await;
    assert_eq!((amount(&budget.spent), amount(&budget.held)), ("0.25", "0.00"));
    let records = list_records(&server).await;
    let answer = records[0].provider_answer.clone().unwrap();
    assert_eq!((answer.unread, &answer.flags[..]), (false, &["cost_only".to_owned()][..]));
    assert_eq!(records[0].usage.clone().unwrap_or_default(), v1::Usage::default());
    assert_eq!(amount(&reported(&records).converted), "0.25");
    assert_eq!(reprice(&server).await.corrected_count, 0);
    // A cost of nothing says nothing: what was held is charged.
    decide(&server, check("r-2", "big")).await.unwrap();
    let recorded = note(&server, cost_alone("r-2", "0")).await.unwrap();
    assert_eq!(amount(&recorded.cost), "2.00");
}

#[tokio::test]
async fn a_cost_alone_without_an_exchange_rate_is_unpriced_until_there_is_one() {
    let server = acme().await;
    let recorded = note(&server, cost_alone("r-1", "0.5")).await.unwrap();
    assert_eq!((amount(&recorded.cost), recorded.unpriced), ("0.00", true));
    let repriced = reprice(&server).await;
    assert_eq!((repriced.corrected_count, repriced.unpriced_count), (0, 1));
    let rate = v1::ExchangeRate {
        from_currency_code: "USD".to_owned(),
        to_currency_code: "EUR".to_owned(),
        rate: "0.5".to_owned(),
        effective_time: Some(prost_types::Timestamp { seconds: 1_700_000_000, nanos: 0 }),
        ..Default::default()
    };
    let request = v1::SetExchangeRateRequest { exchange_rate: Some(rate) };
    server.catalog().set_exchange_rate(request).await.unwrap();
    let repriced = reprice(&server).await;
    assert_eq!((repriced.corrected_count, repriced.unpriced_count), (1, 0));
    assert_eq!(amount(&get_budget(&server).await.spent), "0.25");
}
