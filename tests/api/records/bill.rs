//! What a bill has beside tokens: units, factors, tiers, credits and voids.

use tollgate::proto::v1;
use tonic::{Code, Status};

use crate::fixtures::{
    ACME, acme, amount, assert_failed, audit_events, by, check, eur, get_budget, price_since_2023,
    record, refused_fields, reprice, set_price,
};
use crate::server::Server;
use crate::usage::{decide, list_records, note};

fn unit(kind: v1::UnitKind, count: i64) -> v1::UsageUnit {
    v1::UsageUnit { kind: kind.into(), count }
}

/// `big` at 10 and 20 EUR, a search at 0.01 EUR, 1.1 times in the US, fast at twice the price.
async fn price_everything(server: &Server) -> v1::Price {
    let factor = |name: &str, multiplier: &str| v1::PriceFactor {
        name: name.to_owned(),
        multiplier: multiplier.to_owned(),
        applies_to_units: false,
    };
    let price = v1::Price {
        currency_code: "EUR".to_owned(),
        input_per_million: "10".to_owned(),
        output_per_million: "20".to_owned(),
        unit_prices: vec![v1::UnitPrice {
            kind: v1::UnitKind::WebSearch.into(),
            per_thousand: "10".to_owned(),
        }],
        factors: vec![factor("us", "1.1"), factor("fast", "2")],
        ..Default::default()
    };
    let request = v1::SetModelPriceRequest {
        model_id: "big".to_owned(),
        price: Some(price),
        workspace_id: String::new(),
    };
    server.catalog().set_model_price(request).await.unwrap().into_inner().price.unwrap()
}

/// [`record`] with units and factors.
fn with(id: &str, units: Vec<v1::UsageUnit>, factors: &[&str]) -> v1::RecordUsageRequest {
    let mut used = record(id, "big");
    used.usage.as_mut().unwrap().units = units;
    used.factors = factors.iter().map(|name| (*name).to_owned()).collect();
    used
}

#[tokio::test]
async fn units_and_factors_are_held_billed_and_kept() {
    let server = acme().await;
    let price = price_everything(&server).await;
    assert_eq!(price.unit_prices[0].per_thousand, "10.00");
    assert_eq!(price.factors[0].multiplier, "1.10");
    let searches = || vec![unit(v1::UnitKind::WebSearch, 3)];
    let mut request = check("r-1", "big");
    request.units = searches();
    request.factors = vec!["us".to_owned(), "fast".to_owned()];
    // 2 EUR of tokens, times 1.1 and 2, and three searches.
    assert_eq!(amount(&decide(&server, request.clone()).await.unwrap().held), "4.43");
    // The same check again is the same; another number of searches is another check.
    assert_eq!(amount(&decide(&server, request.clone()).await.unwrap().held), "4.43");
    request.units[0].count = 4;
    assert_eq!(decide(&server, request).await.unwrap_err().code(), Code::AlreadyExists);

    let used = with("r-1", searches(), &["us", "fast"]);
    let recorded = note(&server, used.clone()).await.unwrap();
    assert_eq!((amount(&recorded.cost), recorded.unpriced), ("4.43", false));
    assert!(note(&server, used).await.unwrap().duplicate);
    let other = with("r-1", searches(), &["us"]);
    assert_eq!(note(&server, other).await.unwrap_err().code(), Code::AlreadyExists);
    let budget = get_budget(&server).await;
    assert_eq!((amount(&budget.spent), amount(&budget.held)), ("4.43", "0.00"));
    let entry = list_records(&server).await.remove(0);
    assert_eq!(entry.usage.unwrap().units, searches());
    assert_eq!(entry.factors, ["fast", "us"]);
    assert_eq!(reprice(&server).await.corrected_count, 0);
}

/// What the caller said beside a provider answer stays when that is read again.
#[tokio::test]
async fn repricing_keeps_what_was_given_beside_an_answer() {
    let server = acme().await;
    price_everything(&server).await;
    let json = r#"{"model": "big", "service_tier": "default",
        "usage": {"prompt_tokens": 100000, "completion_tokens": 50000}}"#;
    let answered = |factors: &[&str]| v1::RecordUsageRequest {
        usage: None,
        provider_answer: Some(v1::ProviderAnswer {
            provider: String::new(),
            json: vec![json.to_owned()],
        }),
        service_tier: v1::ServiceTier::Batch.into(),
        ..with("r-1", vec![], factors)
    };
    let recorded = note(&server, answered(&["us"])).await.unwrap();
    assert_eq!((amount(&recorded.cost), recorded.unpriced), ("2.20", false));
    assert_eq!(reprice(&server).await.corrected_count, 0);
    let entry = list_records(&server).await.remove(0);
    assert_eq!((entry.service_tier(), entry.factors), (v1::ServiceTier::Batch, vec!["us".into()]));
    assert!(note(&server, answered(&["us"])).await.unwrap().duplicate);
    let other = note(&server, answered(&["us", "fast"])).await;
    assert_eq!(other.unwrap_err().code(), Code::AlreadyExists);
}

#[tokio::test]
async fn what_has_no_rate_is_flagged_and_priced_later() {
    let server = acme().await;
    let searches = || vec![unit(v1::UnitKind::WebSearch, 3)];
    let recorded = note(&server, with("r-1", searches(), &["fast"])).await.unwrap();
    assert_eq!((amount(&recorded.cost), recorded.unpriced), ("2.00", true));
    let still = reprice(&server).await;
    assert_eq!((still.corrected_count, still.unpriced_count), (0, 1));
    // A check of a workspace that blocks what is unpriced.
    let mut request = check("r-2", "big");
    request.units = searches();
    let decision = decide(&server, request).await.unwrap();
    assert_eq!(decision.decision(), v1::Decision::Blocked);
    assert_eq!(decision.reason(), v1::Reason::ModelUnpriced);

    server.clock.advance(1);
    let price = price_everything(&server).await;
    price_since_2023(&server, price, ACME).await;
    let repriced = reprice(&server).await;
    assert_eq!((repriced.corrected_count, repriced.unpriced_count), (1, 0));
    assert_eq!(amount(&repriced.difference), "2.03");
    assert_eq!(amount(&get_budget(&server).await.spent), "4.03");
}

#[tokio::test]
async fn a_model_may_be_priced_by_units_alone() {
    let server = acme().await;
    let price = v1::Price {
        currency_code: "EUR".to_owned(),
        unit_prices: vec![v1::UnitPrice {
            kind: v1::UnitKind::Second.into(),
            per_thousand: "0.1".to_owned(),
        }],
        ..Default::default()
    };
    let request = v1::SetModelPriceRequest {
        model_id: "big".to_owned(),
        price: Some(price),
        workspace_id: String::new(),
    };
    server.catalog().set_model_price(request).await.unwrap();
    let mut seconds = with("r-1", vec![unit(v1::UnitKind::Second, 90)], &[]);
    seconds.usage.as_mut().unwrap().input_token_count = 0;
    seconds.usage.as_mut().unwrap().output_token_count = 0;
    let recorded = note(&server, seconds).await.unwrap();
    assert_eq!((amount(&recorded.cost), recorded.unpriced), ("0.009", false));
    let tokens = note(&server, record("r-2", "big")).await.unwrap();
    assert_eq!((amount(&tokens.cost), tokens.unpriced), ("0.00", true));
}

#[tokio::test]
async fn bad_units_and_factors_are_refused_by_field() {
    let server = acme().await;
    let search = |count| unit(v1::UnitKind::WebSearch, count);
    for (units, factors, field) in [
        (vec![search(0)], vec![], "usage.units[0].count"),
        (vec![search(-1)], vec![], "usage.units[0].count"),
        (vec![search(1_000_000_001)], vec![], "usage.units[0].count"),
        (vec![search(1), search(2)], vec![], "usage.units[1].kind"),
        (vec![v1::UsageUnit { kind: 0, count: 1 }], vec![], "usage.units[0].kind"),
        (vec![v1::UsageUnit { kind: 99, count: 1 }], vec![], "usage.units[0].kind"),
        (vec![search(1); 10], vec![], "usage.units"),
        (vec![], vec!["US"], "factors[0]"),
        (vec![], vec![""], "factors[0]"),
        (vec![], vec!["f"; 9], "factors"),
    ] {
        let status = note(&server, with("r-1", units, &factors)).await.unwrap_err();
        assert_eq!(refused_fields(&status), [field]);
    }
    assert_eq!(list_records(&server).await, []);
    // More than one record may cost.
    let mut price = set_price(&server, "big", "EUR", "1", "1").await.unwrap();
    price.unit_prices = vec![v1::UnitPrice {
        kind: v1::UnitKind::Image.into(),
        per_thousand: "1000000".to_owned(),
    }];
    let request = v1::SetModelPriceRequest {
        model_id: "big".to_owned(),
        price: Some(price),
        workspace_id: String::new(),
    };
    server.clock.advance(1);
    server.catalog().set_model_price(request).await.unwrap();
    let dear = with("r-1", vec![unit(v1::UnitKind::Image, 1_000_000)], &[]);
    let status = note(&server, dear).await.unwrap_err();
    let details = [("bound", "cost of a record"), ("value", "100000000")];
    assert_failed(&status, Code::ResourceExhausted, "BOUND_REACHED", &details);
}

fn credit(id: &str, sum: &str) -> v1::RecordCreditRequest {
    v1::RecordCreditRequest {
        workspace_id: ACME.to_owned(),
        credit_id: id.to_owned(),
        amount: Some(eur(sum)),
        reason: "Refund of an outage".to_owned(),
        reference: "INV-7".to_owned(),
        ..Default::default()
    }
}

async fn record_credit(
    server: &Server,
    request: v1::RecordCreditRequest,
) -> Result<v1::RecordCreditResponse, Status> {
    Ok(server.usage().record_credit(by("ada", request)).await?.into_inner())
}

#[tokio::test]
async fn a_credit_lowers_what_is_spent_once() {
    let server = acme().await;
    note(&server, record("r-1", "big")).await.unwrap();
    let made = record_credit(&server, credit("r-1", "0.50")).await.unwrap();
    assert_eq!((amount(&made.cost), amount(&made.cycle_spent)), ("-0.50", "1.50"));
    assert!(!made.duplicate);
    let again = record_credit(&server, credit("r-1", "0.50")).await.unwrap();
    assert_eq!((amount(&again.cost), again.duplicate), ("-0.50", true));
    let status = record_credit(&server, credit("r-1", "0.60")).await.unwrap_err();
    assert_eq!(status.code(), Code::AlreadyExists);
    // Larger than what is spent, of a model and a time.
    let mut large = credit("c-2", "5");
    large.model_id = "big".to_owned();
    let made = record_credit(&server, large).await.unwrap();
    assert_eq!(amount(&made.cycle_spent), "-3.50");
    let budget = get_budget(&server).await;
    assert_eq!((amount(&budget.spent), amount(&budget.remaining)), ("-3.50", "123.50"));

    let records = list_records(&server).await;
    let kinds: Vec<_> = records.iter().map(|entry| entry.kind()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == v1::RecordKind::Credit).count(), 2);
    let entry = records.iter().find(|entry| entry.request_id == "c-2").unwrap();
    assert_eq!((&*entry.reason, &*entry.reference), ("Refund of an outage", "INV-7"));
    assert_eq!((&*entry.actor, &*entry.model_id, amount(&entry.cost)), ("ada", "big", "-5.00"));
    let events = audit_events(&server, ACME).await;
    let credits: Vec<_> = events.iter().filter(|it| it.action == "RecordCredit").collect();
    assert_eq!(credits.len(), 2, "a repeat is not logged again");
    assert!(credits.iter().all(|event| event.actor == "ada"));
    assert!(credits.iter().any(|event| event.resource_id == "c-2"));
}

#[tokio::test]
async fn a_credit_gives_a_quota_back_to_its_user() {
    let server = acme().await;
    let quota = v1::Quota {
        quota_id: "ada-month".to_owned(),
        subject: Some(v1::Subject { r#type: v1::SubjectType::User.into(), id: "ada".to_owned() }),
        unit: v1::LimitUnit::Money.into(),
        period: v1::LimitPeriod::Month.into(),
        limit: Some(eur("2")),
        ..Default::default()
    };
    let request = v1::CreateQuotaRequest { workspace_id: ACME.to_owned(), quota: Some(quota) };
    server.quota().create_quota(request).await.unwrap();
    let ada = || Some(v1::Attribution { user_id: "ada".to_owned(), ..Default::default() });
    let mut used = record("r-1", "big");
    used.attribution = ada();
    note(&server, used).await.unwrap();
    let asked = |id: &str| v1::CheckAndRouteRequest { attribution: ada(), ..check(id, "big") };
    let blocked = decide(&server, asked("r-2")).await.unwrap();
    assert_eq!(blocked.decision(), v1::Decision::Blocked);
    // Not attributed to the user: the quota stays used up.
    record_credit(&server, credit("c-1", "2")).await.unwrap();
    let blocked = decide(&server, asked("r-2")).await.unwrap();
    assert_eq!(blocked.decision(), v1::Decision::Blocked);
    let mut own = credit("c-2", "2");
    own.attribution = ada();
    record_credit(&server, own).await.unwrap();
    let allowed = decide(&server, asked("r-2")).await.unwrap();
    assert_eq!(allowed.decision(), v1::Decision::Allowed);
}

#[tokio::test]
async fn a_void_takes_a_record_and_its_corrections_back() {
    let server = acme().await;
    note(&server, record("r-1", "big")).await.unwrap();
    note(&server, record("r-2", "small")).await.unwrap();
    let void = |id: &str, attempt| v1::VoidUsageRequest {
        workspace_id: ACME.to_owned(),
        request_id: id.to_owned(),
        attempt,
        reason: "Recorded twice".to_owned(),
    };
    let call = async |request| server.usage().void_usage(by("ada", request)).await;
    for (duplicate, spent) in [(false, "0.20"), (true, "0.20")] {
        let voided = call(void("r-1", 0)).await.unwrap().into_inner();
        assert_eq!((amount(&voided.voided), voided.duplicate), ("2.00", duplicate));
        assert_eq!(amount(&voided.cycle_spent), spent);
    }
    for (id, attempt) in [("r-1", 1), ("nothing", 0)] {
        assert_eq!(call(void(id, attempt)).await.unwrap_err().code(), Code::NotFound);
    }
    // A void record is not priced again, and its right figures go under another attempt.
    server.clock.advance(1);
    set_price(&server, "big", "EUR", "100", "200").await.unwrap();
    assert_eq!(reprice(&server).await.corrected_count, 0);
    let mut right = record("r-1", "small");
    right.attempt = 1;
    note(&server, right).await.unwrap();
    assert_eq!(amount(&get_budget(&server).await.spent), "0.40");
    let entries = list_records(&server).await;
    let void = entries.iter().find(|entry| entry.kind() == v1::RecordKind::Void).unwrap();
    assert_eq!((amount(&void.cost), &*void.reason), ("-2.00", "Recorded twice"));
    let events = audit_events(&server, ACME).await;
    assert_eq!(events.iter().filter(|it| it.action == "VoidUsage").count(), 1);
}

#[tokio::test]
async fn bad_credits_are_refused_by_field() {
    let server = acme().await;
    let broken = |change: fn(&mut v1::RecordCreditRequest)| {
        let mut request = credit("c-1", "1");
        change(&mut request);
        request
    };
    for (request, field) in [
        (broken(|it| it.credit_id.clear()), "credit_id"),
        (broken(|it| it.amount = None), "amount"),
        (broken(|it| it.amount = Some(eur("0"))), "amount.amount"),
        (broken(|it| it.amount = Some(eur("-1"))), "amount.amount"),
        (broken(|it| it.amount = Some(eur("100000001"))), "amount.amount"),
        (
            broken(|it| it.amount.as_mut().unwrap().currency_code = "USD".to_owned()),
            "amount.currency_code",
        ),
        (broken(|it| it.reason.clear()), "reason"),
        (broken(|it| it.reference = "x".repeat(201)), "reference"),
        (
            broken(|it| {
                it.charge_time = Some(prost_types::Timestamp { seconds: 4_000_000_000, nanos: 0 });
            }),
            "charge_time",
        ),
    ] {
        let status = record_credit(&server, request).await.unwrap_err();
        assert_eq!(refused_fields(&status), [field]);
    }
    assert_eq!(list_records(&server).await, []);
}
