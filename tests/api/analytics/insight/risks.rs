//! Which limits are reached before they reset.

use tollgate::proto::v1;

use super::{cost, count, hours, use_hours};
use crate::analytics::setup::{instant, priced};
use crate::fixtures::{ACME, acme, eur, refused_fields, set_plan};
use crate::limits::{Type, create_quota, money_quota};
use crate::server::Server;

async fn ask(server: &Server, top: i32) -> v1::ListBudgetRisksResponse {
    let request = v1::ListBudgetRisksRequest { workspace_id: ACME.to_owned(), top };
    server.insight().list_budget_risks(request).await.unwrap().into_inner()
}

/// What a risk is of: "quota day of ann", "model small", "envelope".
fn name(risk: &v1::BudgetRisk) -> String {
    match risk.kind() {
        v1::LimitKind::Envelope => "envelope".to_owned(),
        v1::LimitKind::ModelLimit => format!("model {}", risk.model_id),
        _ => format!("quota {} of {}", risk.quota_id, risk.subject.as_ref().unwrap().id),
    }
}

fn probability(risk: &v1::BudgetRisk) -> f64 {
    risk.outlook.as_ref().unwrap().probability
}

/// ann uses 240,000 tokens a day and costs 0.24 EUR, bob a tenth of it, for 23 days; new has come
/// yesterday. Everything on `small`.
async fn used() -> Server {
    let server = priced().await;
    let since = "2026-02-20T00:00:00Z";
    let now = "2026-03-15T12:00:00Z";
    use_hours(&server, &hours(since, now, "ann", |_| 10)).await;
    use_hours(&server, &hours(since, now, "bob", |_| 1)).await;
    use_hours(&server, &hours("2026-03-14T00:00:00Z", now, "new", |_| 1)).await;
    server
}

async fn quota(server: &Server, id: &str, kind: Type, subject: &str, change: fn(&mut v1::Quota)) {
    let mut quota = money_quota(id, kind, subject, "1000");
    quota.period = v1::LimitPeriod::Month.into();
    change(&mut quota);
    create_quota(server, quota).await.unwrap();
}

async fn cap_small(server: &Server, limit: &str) {
    let request = v1::SetModelLimitRequest {
        workspace_id: ACME.to_owned(),
        model_id: "small".to_owned(),
        limit: Some(eur(limit)),
        limit_enabled: Some(true),
        ..Default::default()
    };
    server.model_limit().set_model_limit(request).await.unwrap();
}

#[tokio::test]
async fn limits_are_listed_by_the_probability_that_they_are_reached() {
    let server = used().await;
    // Of a month ann will cost 7.44 and bob 0.744; 3.48 and 0.348 by now.
    cap_small(&server, "6").await;
    quota(&server, "soft", Type::User, "ann", |it| {
        it.limit = Some(eur("5"));
        it.enforcement = v1::Enforcement::Soft.into();
    })
    .await;
    quota(&server, "over", Type::Department, "law", |it| it.limit = Some(eur("3"))).await;
    quota(&server, "tokens", Type::User, "bob", |it| {
        (it.unit, it.limit) = (v1::LimitUnit::Tokens.into(), None);
        it.limit_count = Some(20_000_000);
    })
    .await;
    quota(&server, "hour", Type::User, "ann", |it| it.period = v1::LimitPeriod::Hour.into()).await;
    quota(&server, "by-hand", Type::User, "ann", |it| {
        it.period = v1::LimitPeriod::UntilReset.into();
    })
    .await;
    quota(&server, "each", Type::User, "", |it| it.limit = Some(eur("900"))).await;

    let found = ask(&server, 100).await;
    assert_eq!(found.as_of_time, Some(instant("2026-03-15T12:00:00Z")));
    let names: Vec<String> = found.risks.iter().map(name).collect();
    assert_eq!(names[..3], ["quota over of law", "quota soft of ann", "model small"]);
    let mut others = names[3..].to_vec();
    others.sort_unstable();
    assert_eq!(
        others,
        ["envelope", "quota each of bob", "quota tokens of bob"],
        "limits of an hour, and those reset by hand, are not listed; ann has a quota of her own"
    );
    // new has two days.
    assert_eq!((found.too_little_count, found.considered_count), (1, 7));
    assert!((probability(&found.risks[0]) - 1.0).abs() < 1e-12);
    assert!(found.risks[1..3].iter().all(|risk| probability(risk) > 0.9));
    assert!(found.risks[3..].iter().all(|risk| probability(risk) < 0.05));
    assert!(found.risks.is_sorted_by(|a, b| probability(a) >= probability(b)));

    let soft = &found.risks[1];
    assert_eq!(soft.enforcement(), v1::Enforcement::Soft);
    let outlook = soft.outlook.as_ref().unwrap();
    assert!((cost(&outlook.limit) - 5.0).abs() < 1e-9 && (cost(&outlook.used) - 3.48).abs() < 1e-9);
    assert!((cost(&outlook.expected) / 7.44 - 1.0).abs() < 0.02, "{outlook:?}");
    // 1.52 at 0.24 a day: after 6.3 days.
    let seconds = outlook.exhaustion_time.unwrap().seconds;
    let days = (seconds - instant("2026-03-15T12:00:00Z").seconds) as f64 / 86_400.0;
    assert!((5.8..6.8).contains(&days), "{days}");
    assert!(outlook.earliest_time.unwrap().seconds <= seconds);
    assert_eq!(outlook.reset_time, Some(instant("2026-04-01T00:00:00Z")));
    let tokens = found.risks.iter().find(|risk| risk.quota_id == "tokens").unwrap();
    let outlook = tokens.outlook.as_ref().unwrap();
    assert_eq!((count(&outlook.limit), count(&outlook.used)), (20_000_000, 348_000));
    assert!(outlook.exhaustion_time.is_none());

    let two: Vec<String> = ask(&server, 2).await.risks.iter().map(name).collect();
    assert_eq!(two, names[..2]);
}

#[tokio::test]
async fn quotas_of_one_model_and_of_a_provider_count_what_they_count() {
    let server = used().await;
    let model = v1::Model {
        model_id: "small".to_owned(),
        provider: "acme-ai".to_owned(),
        ..Default::default()
    };
    server.catalog().upsert_model(v1::UpsertModelRequest { model: Some(model) }).await.unwrap();
    quota(&server, "ann-small", Type::User, "ann", |it| {
        it.model_id = "small".to_owned();
        it.limit = Some(eur("6"));
    })
    .await;
    quota(&server, "ann-big", Type::User, "ann", |it| {
        it.model_id = "big".to_owned();
        it.limit = Some(eur("6"));
    })
    .await;
    quota(&server, "provider", Type::Provider, "acme-ai", |it| it.limit = Some(eur("7"))).await;
    set_plan(&server, "8", "0.2", "2026-01-01").await.unwrap();
    let found = ask(&server, 0).await;
    // 8.184 of ann and bob and 0.036 of new, who goes on, are more than 8.2: an even chance.
    let names: Vec<String> = found.risks.iter().map(name).collect();
    let provider = found.risks.iter().find(|risk| risk.quota_id == "provider").unwrap();
    let of_small = found.risks.iter().find(|risk| risk.quota_id == "ann-small").unwrap();
    assert!(probability(provider) > 0.9 && probability(of_small) > 0.9, "{names:?}");
    let envelope = found.risks.iter().find(|risk| name(risk) == "envelope").unwrap();
    assert!((0.1..0.95).contains(&probability(envelope)), "{}", probability(envelope));
    assert_eq!(found.too_little_count, 1, "ann has used nothing of big: {names:?}");
}

#[tokio::test]
async fn without_limits_there_is_no_risk() {
    let server = acme().await;
    let found = ask(&server, 0).await;
    // The envelope, of which nothing is known yet.
    assert!(found.risks.is_empty());
    assert_eq!((found.too_little_count, found.considered_count), (1, 1));
    for top in [-1, 1_001] {
        let request = v1::ListBudgetRisksRequest { workspace_id: ACME.to_owned(), top };
        let status = server.insight().list_budget_risks(request).await.unwrap_err();
        assert_eq!(refused_fields(&status), ["top"]);
    }
}

#[tokio::test]
async fn the_envelope_is_as_likely_reached_as_the_forecast_says() {
    let server = used().await;
    set_plan(&server, "8", "0.3", "2026-01-01").await.unwrap();
    let request = v1::GetForecastRequest {
        workspace_id: ACME.to_owned(),
        metric: v1::UsageMetric::Cost.into(),
        until: Some(v1::get_forecast_request::Until::Period(v1::ForecastPeriod::Cycle.into())),
        ..Default::default()
    };
    let forecast = server.insight().get_forecast(request).await.unwrap().into_inner();
    let risks = ask(&server, 10).await.risks;
    let envelope = risks.iter().find(|risk| risk.kind() == v1::LimitKind::Envelope).unwrap();
    assert!(envelope.outlook.is_some());
    assert_eq!(envelope.outlook, forecast.budget);
}
