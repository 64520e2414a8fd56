//! What a changed policy would have done, on usage that is known to the nano.
//!
//! `big` costs 2 EUR a request and `small` 0.20, see the fixtures: 100,000 tokens of input and
//! 50,000 of output.

use tollgate::domain::time::MICROS_PER_MINUTE;
use tollgate::proto::v1;
use tollgate::proto::v1::simulate_policy_response::Message;
use tonic::{Code, Status};

use crate::analytics::setup::{attempt, instant, priced};
use crate::fixtures::{
    ACME, amount, assert_failed, audit_events, check, create_workspace, eur, get_budget, price,
    record, refused_fields,
};
use crate::limits::{Type, count_quota, create_quota, money_quota, subject};
use crate::server::Server;

const FROM: &str = "2026-03-14T00:00:00Z";
/// The tests' clock stands here.
const NOW: &str = "2026-03-15T12:00:00Z";

async fn simulate(
    server: &Server,
    request: v1::SimulatePolicyRequest,
) -> Result<v1::SimulationResult, Status> {
    let mut stream = server.insight().simulate_policy(request).await?.into_inner();
    let mut result = None;
    while let Some(response) = stream.message().await? {
        assert!(result.is_none(), "the result is the last message");
        match response.message.expect("one of both") {
            Message::Progress(progress) => assert!((0.0..=1.0).contains(&progress.share)),
            Message::Result(found) => result = Some(found),
        }
    }
    Ok(result.expect("a result"))
}

fn asked(change: v1::PolicyChange) -> v1::SimulatePolicyRequest {
    v1::SimulatePolicyRequest {
        workspace_id: ACME.to_owned(),
        start_time: Some(instant(FROM)),
        end_time: None,
        change: Some(change),
    }
}

async fn change(server: &Server, change: v1::PolicyChange) -> v1::SimulationResult {
    simulate(server, asked(change)).await.unwrap()
}

fn cap(model_id: &str, limit: &str) -> v1::ModelLimitSetting {
    v1::ModelLimitSetting {
        model_id: model_id.to_owned(),
        limit: Some(eur(limit)),
        ..Default::default()
    }
}

/// Ten requests to `big`, one a minute from 10:00 on yesterday, by two users in turn, with 30
/// seconds of latency; before the window, one of two days ago. 22 EUR in all.
async fn ten_on_big() -> Server {
    let server = priced().await;
    attempt("before", "big").user("ann", "law").at("2026-03-13T10:00:00Z").send(&server).await;
    for minute in 0..10 {
        let (user, department) = if minute % 2 == 0 { ("ann", "law") } else { ("bob", "it") };
        let at = format!("2026-03-14T10:{minute:02}:00Z");
        let attempt = attempt(&format!("r{minute}"), "big").user(user, department);
        attempt.at(&at).latency(30).send(&server).await;
    }
    server
}

/// An amount in EUR without zeros at its end.
fn short(money: &Option<v1::Money>) -> &str {
    amount(money).trim_end_matches('0').trim_end_matches('.')
}

/// Blocked, routed, not served, saved.
fn refused(refusals: &Option<v1::SimulatedRefusals>) -> (i64, i64, &str, &str) {
    let it = refusals.as_ref().unwrap();
    (it.blocked_count, it.routed_count, short(&it.not_served), short(&it.saved))
}

const NOTHING: (i64, i64, &str, &str) = (0, 0, "0", "0");

/// Requests, allowed, cost.
fn served(totals: &Option<v1::SimulatedTotals>) -> (i64, i64, &str) {
    let it = totals.as_ref().unwrap();
    assert_eq!(it.undecided_count, 0);
    (it.request_count, it.allowed_count, short(&it.cost))
}

fn of_totals(totals: &Option<v1::SimulatedTotals>) -> &Option<v1::SimulatedRefusals> {
    &totals.as_ref().unwrap().refused
}

/// Values with what the changed policy refuses of them.
fn rows(values: &[v1::SimulatedValue]) -> Vec<(&str, (i64, i64, &str, &str))> {
    values.iter().map(|row| (row.value.as_str(), refused(&row.changed))).collect()
}

#[tokio::test]
async fn todays_policy_decides_as_it_did() {
    let server = priced().await;
    // Checked and recorded, on both models; the estimate of the output is learned on the way.
    for number in 0..30 {
        let model = if number % 3 == 0 { "big" } else { "small" };
        let id = format!("r{number}");
        let mut declared = check(&id, model);
        declared.max_output_token_count = None;
        let decision = server.usage().check_and_route(declared).await.unwrap().into_inner();
        assert_eq!(decision.decision(), v1::Decision::Allowed);
        server.clock.advance(MICROS_PER_MINUTE);
        server.usage().record_usage(record(&id, model)).await.unwrap();
    }
    let found = change(&server, v1::PolicyChange::default()).await;
    // 10 × 2 and 20 × 0.20.
    assert_eq!(served(&found.today), (30, 30, "24"));
    assert_eq!(refused(of_totals(&found.today)), NOTHING);
    assert_eq!(found.today, found.changed);
    assert_eq!(short(&get_budget(&server).await.spent), "24");
    assert_eq!((found.entry_count, found.left_out_count), (30, 0));
    assert!(found.limits.is_empty() && found.models.is_empty() && found.users.is_empty());
    assert_eq!(found.assumptions, (1..=10).collect::<Vec<i32>>());
    assert_eq!(found.start_time, Some(instant(FROM)));
}

#[tokio::test]
async fn a_lower_cap_blocks_from_the_record_on_that_does_not_fit() {
    let server = ten_on_big().await;
    let mut lower = v1::PolicyChange { model_limits: vec![cap("big", "9")], ..Default::default() };
    lower.automatic_fallback = Some(false);
    let found = change(&server, lower).await;
    assert_eq!(served(&found.today), (10, 10, "20"));
    assert_eq!(refused(of_totals(&found.today)), NOTHING);
    // 2 EUR were spent in the cycle before the window. A request needs 1 EUR for its input and,
    // of 1,024 tokens of output that are expected, 0.02048: 2 + 3 × 2 + 1.02048 > 9.
    assert_eq!(served(&found.changed), (10, 3, "6"));
    let refusals = of_totals(&found.changed);
    assert_eq!(refused(refusals), (7, 0, "14", "0"));
    let first = refusals.as_ref().unwrap();
    assert_eq!(first.first_blocked_time, Some(instant("2026-03-14T10:03:00Z")));
    assert_eq!(first.first_routed_time, None);
    assert_eq!(rows(&found.limits), [("model_limit:big", (7, 0, "14", "0"))]);
    assert_eq!(rows(&found.models), [("big", (7, 0, "14", "0"))]);
    // 3, 5, 7, 9 are of bob, and 4, 6, 8 of ann.
    assert_eq!(rows(&found.users), [("bob", (4, 0, "8", "0")), ("ann", (3, 0, "6", "0"))]);
    assert_eq!(rows(&found.departments), [("it", (4, 0, "8", "0")), ("law", (3, 0, "6", "0"))]);
    let of_ann = found.users[1].changed.as_ref().unwrap();
    assert_eq!(of_ann.first_blocked_time, Some(instant("2026-03-14T10:04:00Z")));
    assert_eq!(refused(&found.users[1].today), NOTHING);
}

#[tokio::test]
async fn fallback_routes_what_a_cap_blocks() {
    let server = ten_on_big().await;
    let mut setting = cap("big", "9");
    setting.fallback_model_ids = vec!["small".to_owned()];
    let lower = v1::PolicyChange { model_limits: vec![setting], ..Default::default() };
    let found = change(&server, lower).await;
    // Three run on big, seven on small.
    assert_eq!(served(&found.changed), (10, 3, "7.4"));
    let refusals = of_totals(&found.changed);
    assert_eq!(refused(refusals), (0, 7, "0", "12.6"));
    let first = refusals.as_ref().unwrap();
    assert_eq!(first.first_routed_time, Some(instant("2026-03-14T10:03:00Z")));
    assert_eq!(first.first_blocked_time, None);
    assert_eq!(rows(&found.limits), [("model_limit:big", (0, 7, "0", "12.6"))]);
}

#[tokio::test]
async fn a_raised_plan_blocks_less() {
    let server = ten_on_big().await;
    crate::fixtures::set_plan(&server, "5", "2", "2026-01-01").await.unwrap();
    let plan = |budget| v1::Plan {
        budget: Some(eur(budget)),
        overage_limit: Some(eur("2")),
        start_date: "2026-01-01".to_owned(),
    };
    let raised = v1::PolicyChange { plan: Some(plan("10")), ..Default::default() };
    let found = change(&server, raised).await;
    // 2 before; 2 + 2 × 2 + 1.02048 > 7, but 2 + 5 × 2 + 1.02048 > 12.
    assert_eq!(served(&found.today), (10, 2, "4"));
    assert_eq!(refused(of_totals(&found.today)), (8, 0, "16", "0"));
    assert_eq!(served(&found.changed), (10, 5, "10"));
    assert_eq!(refused(of_totals(&found.changed)), (5, 0, "10", "0"));
    assert_eq!(found.limits.len(), 1);
    assert_eq!(found.limits[0].value, "envelope");
    assert_eq!(refused(&found.limits[0].today), (8, 0, "16", "0"));
    // A plan whose cycles begin in the window has nothing spent before.
    let cycle = v1::Plan { start_date: "2026-01-14".to_owned(), ..plan("10") };
    let moved = v1::PolicyChange { plan: Some(cycle), ..Default::default() };
    assert_eq!(served(&change(&server, moved).await.changed), (10, 6, "12"));
}

#[tokio::test]
async fn a_price_moves_cost() {
    let server = ten_on_big().await;
    let cheaper = v1::SimulatedPrice {
        model_id: "big".to_owned(),
        price: Some(price("EUR", "7.5", "12.00000002")),
    };
    let found = change(&server, v1::PolicyChange { prices: vec![cheaper], ..Default::default() });
    let found = found.await;
    assert_eq!(served(&found.today), (10, 10, "20"));
    // Each 0.75 and 0.600000001.
    assert_eq!(served(&found.changed), (10, 10, "13.50000001"));
    let later = v1::SimulatedPrice {
        model_id: "big".to_owned(),
        price: Some(v1::Price {
            effective_time: Some(instant("2026-03-14T10:05:00Z")),
            ..price("EUR", "100", "200")
        }),
    };
    let found = change(&server, v1::PolicyChange { prices: vec![later], ..Default::default() });
    // Five at 2 and five at 20.
    assert_eq!(served(&found.await.changed), (10, 10, "110"));
}

#[tokio::test]
async fn quotas_and_rate_limits_are_put_replaced_and_taken_away() {
    let server = ten_on_big().await;
    create_quota(&server, money_quota("ann", Type::User, "ann", "5")).await.unwrap();
    let limit = |amount| v1::RateLimit {
        rate_limit_id: "minute".to_owned(),
        subject: subject(Type::Workspace, ""),
        bounds: vec![v1::RateLimitBound {
            unit: v1::LimitUnit::Requests.into(),
            period: v1::LimitPeriod::SlidingHour.into(),
            amount,
        }],
        ..Default::default()
    };
    let none = v1::PolicyChange::default();
    let of_ann = (3, 0, "6", "0");
    // 2 + 2 + 1.02048 > 5: her third and what follows.
    let found = change(&server, none.clone()).await;
    assert_eq!(rows(&found.limits), [("quota:ann", of_ann)]);
    let gone = v1::PolicyChange { removed_quota_ids: vec!["ann".to_owned()], ..none.clone() };
    let found = change(&server, gone).await;
    assert_eq!(refused(of_totals(&found.changed)), NOTHING);
    assert_eq!(refused(&found.limits[0].today), of_ann);
    let mut each = count_quota("ann", Type::User, "", v1::LimitUnit::Requests, 4);
    each.period = v1::LimitPeriod::Week.into();
    let replaced =
        v1::PolicyChange { quotas: vec![each], rate_limits: vec![limit(9)], ..none.clone() };
    let found = change(&server, replaced).await;
    // Each has four of this week, with the one of ann before the window: her last two, and the last
    // one of bob. The rate limit lets nine pass: none beyond these seven.
    assert_eq!(rows(&found.limits), [("quota:ann", (3, 0, "6", "0"))]);
    assert_eq!(rows(&found.users), [("ann", (2, 0, "4", "0")), ("bob", (1, 0, "2", "0"))]);
    let slow = v1::PolicyChange { rate_limits: vec![limit(3)], ..none };
    let found = change(&server, slow).await;
    // 0, 1, 2 pass; then the quota has nothing to say to ann any more, who has used less.
    assert_eq!(rows(&found.limits)[0], ("rate_limit:minute", (7, 0, "14", "0")));
}

#[tokio::test]
async fn requests_in_flight_hold() {
    let server = priced().await;
    for minute in 0..4 {
        let at = format!("2026-03-14T10:{minute:02}:00Z");
        // The first two minutes and a half.
        attempt(&format!("r{minute}"), "big").at(&at).latency(150).send(&server).await;
    }
    let mut quota = count_quota("two", Type::Workspace, "", v1::LimitUnit::Requests, 2);
    quota.period = v1::LimitPeriod::InFlight.into();
    let found = change(&server, v1::PolicyChange { quotas: vec![quota], ..Default::default() });
    let found = found.await;
    // The third meets two; the fourth comes when the first has ended.
    assert_eq!(served(&found.changed), (4, 3, "6"));
    let first = of_totals(&found.changed).as_ref().unwrap();
    assert_eq!(first.first_blocked_time, Some(instant("2026-03-14T10:02:00Z")));
}

#[tokio::test]
async fn nothing_is_written() {
    let server = ten_on_big().await;
    let state = async || {
        let filter =
            v1::ListUsageRecordsRequest { workspace_id: ACME.to_owned(), ..Default::default() };
        let records = server.usage().list_usage_records(filter).await.unwrap().into_inner();
        let refusals =
            v1::ListRefusalsRequest { workspace_id: ACME.to_owned(), ..Default::default() };
        let refusals = server.usage().list_refusals(refusals).await.unwrap().into_inner();
        let holds = v1::ListHoldsRequest { workspace_id: ACME.to_owned(), ..Default::default() };
        let holds = server.usage().list_holds(holds).await.unwrap().into_inner();
        let quotas = v1::ListQuotasRequest { workspace_id: ACME.to_owned(), ..Default::default() };
        let quotas = server.quota().list_quotas(quotas).await.unwrap().into_inner();
        let alerts = v1::ListAlertsRequest { workspace_id: ACME.to_owned(), ..Default::default() };
        let alerts = server.alert().list_alerts(alerts).await.unwrap().into_inner();
        let audit = [audit_events(&server, ACME).await, audit_events(&server, "").await];
        format!(
            "{:?}{records:?}{refusals:?}{holds:?}{quotas:?}{alerts:?}{audit:?}",
            get_budget(&server).await
        )
    };
    let before = state().await;
    let everything = v1::PolicyChange {
        plan: Some(v1::Plan {
            budget: Some(eur("3")),
            overage_limit: None,
            start_date: "2026-01-14".to_owned(),
        }),
        automatic_fallback: Some(false),
        model_limits: vec![cap("big", "1")],
        quotas: vec![money_quota("new", Type::User, "", "1")],
        prices: vec![v1::SimulatedPrice {
            model_id: "small".to_owned(),
            price: Some(price("EUR", "3", "4")),
        }],
        ..Default::default()
    };
    let found = change(&server, everything).await;
    assert!(refused(of_totals(&found.changed)).0 > 0);
    assert_eq!(state().await, before);
}

#[tokio::test]
async fn credits_count_and_corrections_are_left_out() {
    let server = ten_on_big().await;
    let credit = v1::RecordCreditRequest {
        workspace_id: ACME.to_owned(),
        credit_id: "refund".to_owned(),
        amount: Some(eur("4")),
        reason: "a refund".to_owned(),
        charge_time: Some(instant("2026-03-14T10:04:30Z")),
        ..Default::default()
    };
    server.usage().record_credit(credit).await.unwrap();
    let void = v1::VoidUsageRequest {
        workspace_id: ACME.to_owned(),
        request_id: "r9".to_owned(),
        reason: "twice".to_owned(),
        ..Default::default()
    };
    server.usage().void_usage(void).await.unwrap();
    let plan = v1::Plan {
        budget: Some(eur("9")),
        overage_limit: None,
        start_date: "2026-01-01".to_owned(),
    };
    let lower = v1::PolicyChange { plan: Some(plan), ..Default::default() };
    let found = change(&server, lower).await;
    assert_eq!((found.entry_count, found.left_out_count), (12, 1));
    // 3 pass, then the credit makes room for two more.
    assert_eq!(served(&found.changed), (10, 5, "10"));
    assert_eq!(short(&found.changed.as_ref().unwrap().credits), "-4");
    assert_eq!(served(&found.today), (10, 10, "20"));
}

#[tokio::test]
async fn windows_are_bounded() {
    let server = ten_on_big().await;
    let fields = async |from: Option<&str>, to: Option<&str>| {
        let request = v1::SimulatePolicyRequest {
            start_time: from.map(instant),
            end_time: to.map(instant),
            ..asked(v1::PolicyChange::default())
        };
        refused_fields(&simulate(&server, request).await.unwrap_err())
    };
    assert_eq!(fields(None, None).await, ["start_time"]);
    assert_eq!(fields(Some("2026-03-15T12:00:01Z"), None).await, ["start_time"]);
    assert_eq!(fields(Some(NOW), Some(NOW)).await, ["start_time", "end_time"][..1]);
    assert_eq!(fields(Some(FROM), Some(FROM)).await, ["end_time"]);
    assert_eq!(fields(Some(FROM), Some("2026-03-13T00:00:00Z")).await, ["end_time"]);
    assert_eq!(fields(Some(FROM), Some("2026-03-15T12:00:01Z")).await, ["end_time"]);
    assert_eq!(fields(Some("2025-12-13T11:59:59Z"), None).await, ["end_time"]);
    // 92 days, with everything; and a part.
    let request = v1::SimulatePolicyRequest {
        start_time: Some(instant("2025-12-13T12:00:00Z")),
        ..asked(v1::PolicyChange::default())
    };
    assert_eq!(served(&simulate(&server, request).await.unwrap().today), (11, 11, "22"));
    let request = v1::SimulatePolicyRequest {
        start_time: Some(instant("2026-03-14T10:01:00Z")),
        end_time: Some(instant("2026-03-14T10:04:00Z")),
        ..asked(v1::PolicyChange::default())
    };
    assert_eq!(served(&simulate(&server, request).await.unwrap().today), (3, 3, "6"));
}

#[tokio::test]
async fn changes_are_refused_as_the_calls_are_that_make_them() {
    let server = ten_on_big().await;
    create_quota(&server, money_quota("ann", Type::User, "ann", "5")).await.unwrap();
    let none = v1::PolicyChange::default();
    let status = async |change| simulate(&server, asked(change)).await.unwrap_err();
    let quotas = |quotas| v1::PolicyChange { quotas, ..v1::PolicyChange::default() };
    // The same scope, unit and period under another id, and twice.
    let rival = money_quota("rival", Type::User, "ann", "7");
    let found = status(quotas(vec![rival.clone()])).await;
    assert_failed(&found, Code::AlreadyExists, "RESOURCE_EXISTS", &[("id", "ann")]);
    let mut instead = quotas(vec![rival]);
    instead.removed_quota_ids = vec!["ann".to_owned()];
    simulate(&server, asked(instead)).await.unwrap();
    let twice = quotas(["a", "b"].map(|id| money_quota(id, Type::User, "bob", "7")).to_vec());
    assert_failed(&status(twice).await, Code::AlreadyExists, "RESOURCE_EXISTS", &[("id", "a")]);

    let unknown = v1::PolicyChange { removed_quota_ids: vec!["no".to_owned()], ..none.clone() };
    let found = status(unknown).await;
    assert_failed(&found, Code::NotFound, "RESOURCE_NOT_FOUND", &[("id", "no")]);
    let nameless = quotas(vec![money_quota("", Type::User, "bob", "7")]);
    assert_eq!(refused_fields(&status(nameless).await), ["change.quotas[0].quota_id"]);
    let mut odd = money_quota("q", Type::User, "bob", "7");
    odd.limit = Some(v1::Money { currency_code: "USD".to_owned(), amount: "7".to_owned() });
    let second = quotas(vec![money_quota("p", Type::User, "cid", "7"), odd]);
    let fields = refused_fields(&status(second).await);
    assert_eq!(fields, ["change.quotas[1].limit.currency_code"]);
    let mut settings = vec![cap("big", "1"), cap("nobody", "1")];
    settings[0].fallback_model_ids = vec!["big".to_owned()];
    let found = status(v1::PolicyChange { model_limits: settings, ..none.clone() }).await;
    let fields = refused_fields(&found);
    assert_eq!(
        fields,
        ["change.model_limits[0].fallback_model_ids[0]", "change.model_limits[1].model_id"]
    );
    let plan = v1::Plan { start_date: "tomorrow".to_owned(), ..Default::default() };
    let found = status(v1::PolicyChange { plan: Some(plan), ..none.clone() }).await;
    assert_eq!(refused_fields(&found), ["change.plan.budget", "change.plan.start_date"]);
    let of_nobody =
        v1::SimulatedPrice { model_id: "nobody".to_owned(), price: Some(price("EUR", "1", "2")) };
    let found = status(v1::PolicyChange { prices: vec![of_nobody], ..none.clone() }).await;
    assert_failed(&found, Code::NotFound, "MODEL_NOT_FOUND", &[("model_id", "nobody")]);
    let empty = v1::RateLimit {
        rate_limit_id: "r".to_owned(),
        subject: subject(Type::User, "bob"),
        ..Default::default()
    };
    let found = status(v1::PolicyChange { rate_limits: vec![empty], ..none }).await;
    assert_eq!(refused_fields(&found), ["change.rate_limits[0].bounds"]);
}

#[tokio::test]
async fn only_a_workspace_that_exists_is_simulated() {
    let server = ten_on_big().await;
    let nobody = v1::SimulatePolicyRequest {
        workspace_id: "nobody".to_owned(),
        ..asked(v1::PolicyChange::default())
    };
    let status = simulate(&server, nobody).await.unwrap_err();
    assert_failed(&status, Code::NotFound, "WORKSPACE_NOT_FOUND", &[]);
    create_workspace(&server, "empty").await;
    let empty = v1::SimulatePolicyRequest {
        workspace_id: "empty".to_owned(),
        ..asked(v1::PolicyChange::default())
    };
    let found = simulate(&server, empty).await.unwrap();
    assert_eq!((found.entry_count, served(&found.today)), (0, (0, 0, "0")));
}
