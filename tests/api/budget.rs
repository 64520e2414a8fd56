//! `WorkspaceService` and `BudgetService`, but for its stream.

use prost_types::Duration;
use tollgate::domain::time::MICROS_PER_DAY;
use tollgate::proto::v1;
use tonic::Code;

use crate::analytics::setup::priced;
use crate::fixtures::{
    ACME, acme, add_model, amount, assert_failed, check, create_workspace, eur, get_budget, record,
    refused_fields, set_plan,
};
use crate::server::{START, Server};

async fn get_workspace(server: &Server, id: &str) -> v1::Workspace {
    let request = v1::GetWorkspaceRequest { workspace_id: id.to_owned() };
    server.workspace().get_workspace(request).await.unwrap().into_inner().workspace.unwrap()
}

async fn update(
    server: &Server,
    change: v1::Workspace,
    mask: &[&str],
) -> Result<v1::Workspace, tonic::Status> {
    let paths = mask.iter().map(ToString::to_string).collect();
    let request = v1::UpdateWorkspaceRequest {
        workspace: Some(v1::Workspace { workspace_id: ACME.to_owned(), ..change }),
        update_mask: (!mask.is_empty()).then_some(prost_types::FieldMask { paths }),
    };
    Ok(server.workspace().update_workspace(request).await?.into_inner().workspace.unwrap())
}

fn usd(amount: &str) -> v1::Money {
    v1::Money { currency_code: "USD".to_owned(), ..eur(amount) }
}

fn seconds(time: Option<prost_types::Timestamp>) -> i64 {
    time.unwrap().seconds
}

#[tokio::test]
async fn a_new_workspace_has_defaults_and_comes_back_as_it_was_made() {
    let server = Server::start().await;
    create_workspace(&server, ACME).await;
    let workspace = get_workspace(&server, ACME).await;
    assert_eq!(workspace.currency_code, "EUR");
    assert_eq!(workspace.time_zone, "UTC");
    assert!(workspace.automatic_fallback);
    assert_eq!(workspace.unpriced_model_policy(), v1::UnpricedModelPolicy::Deny);
    assert_eq!(workspace.hold_expiry_policy(), v1::HoldExpiryPolicy::Release);
    // On Postgres another server may take over.
    let durabilities = [v1::HoldDurability::Memory, v1::HoldDurability::Journaled];
    assert!(durabilities.contains(&workspace.hold_durability()));
    assert_eq!(workspace.unknown_key_policy(), v1::UnknownKeyPolicy::Accept);
    assert_eq!(workspace.required_attribution_fields, [""; 0]);
    assert_eq!(workspace.first_day_of_week(), v1::DayOfWeek::Monday);
    assert_eq!(workspace.price_max_age_days, 0);
    assert_eq!(workspace.plan, None);
    assert_eq!(seconds(workspace.create_time), START.micros() / 1_000_000);

    let given = v1::Workspace {
        workspace_id: "second".to_owned(),
        display_name: "Zweite".to_owned(),
        currency_code: "USD".to_owned(),
        time_zone: "Europe/Berlin".to_owned(),
        unpriced_model_policy: v1::UnpricedModelPolicy::Allow.into(),
        hold_expiry_policy: v1::HoldExpiryPolicy::ChargeEstimate.into(),
        hold_durability: v1::HoldDurability::Committed.into(),
        outage_duration_limit: Some(Duration { seconds: 90, nanos: 500_000_000 }),
        outage_held_limit: Some(usd("7.00")),
        unknown_key_policy: v1::UnknownKeyPolicy::Deny.into(),
        usage_retention_days: 62,
        required_attribution_fields: vec!["user_id".to_owned(), "session_id".to_owned()],
        first_day_of_week: v1::DayOfWeek::Sunday.into(),
        price_max_age_days: 30,
        ..Default::default()
    };
    let request = v1::CreateWorkspaceRequest { workspace: Some(given.clone()) };
    let made = server.workspace().create_workspace(request.clone()).await.unwrap().into_inner();
    let made = made.workspace.unwrap();
    let expected = v1::Workspace {
        automatic_fallback: true,
        create_time: made.create_time,
        update_time: made.update_time,
        ..given
    };
    assert_eq!(made, expected);
    assert_eq!(get_workspace(&server, "second").await, expected);

    let status = server.workspace().create_workspace(request).await.unwrap_err();
    let facts = [("workspace_id", "second")];
    assert_failed(&status, Code::AlreadyExists, "WORKSPACE_EXISTS", &facts);
}

#[tokio::test]
async fn an_update_changes_what_the_mask_names() {
    let server = Server::start().await;
    create_workspace(&server, ACME).await;
    let change = v1::Workspace {
        display_name: "Acme".to_owned(),
        time_zone: "Europe/Berlin".to_owned(),
        ..Default::default()
    };
    // What is not empty.
    let workspace = update(&server, change.clone(), &[]).await.unwrap();
    assert_eq!((&*workspace.display_name, &*workspace.time_zone), ("Acme", "Europe/Berlin"));
    assert_eq!(workspace.currency_code, "EUR");
    // Only what is named, also where it is empty.
    let empty = v1::Workspace { time_zone: "Asia/Tokyo".to_owned(), ..Default::default() };
    let workspace = update(&server, empty, &["display_name"]).await.unwrap();
    assert_eq!((&*workspace.display_name, &*workspace.time_zone), ("", "Europe/Berlin"));
    // Everything.
    let all = v1::Workspace {
        currency_code: "USD".to_owned(),
        unpriced_model_policy: v1::UnpricedModelPolicy::Allow.into(),
        ..change
    };
    let workspace = update(&server, all, &["*"]).await.unwrap();
    assert_eq!(workspace.display_name, "Acme");
    assert_eq!(workspace.currency_code, "USD");
    assert_eq!(workspace.unpriced_model_policy(), v1::UnpricedModelPolicy::Allow);
    assert_eq!(workspace.hold_expiry_policy(), v1::HoldExpiryPolicy::Release);
    // Zero is a value where the mask names it, and says nothing without one.
    let days = |days| v1::Workspace { usage_retention_days: days, ..Default::default() };
    let path = ["usage_retention_days"];
    for (change, mask, kept) in
        [(3_650, &[][..], 3_650), (0, &[], 3_650), (62, &path, 62), (0, &path, 0)]
    {
        let workspace = update(&server, days(change), mask).await.unwrap();
        assert_eq!(workspace.usage_retention_days, kept);
    }
    let days = |days| v1::Workspace { price_max_age_days: days, ..Default::default() };
    let path = ["price_max_age_days"];
    for (change, mask, kept) in
        [(3_650, &[][..], 3_650), (0, &[], 3_650), (1, &path, 1), (0, &path, 0)]
    {
        let workspace = update(&server, days(change), mask).await.unwrap();
        assert_eq!(workspace.price_max_age_days, kept);
    }
    // The bounds of an outage: absent is the default where the mask names it.
    let ten_minutes = Some(Duration { seconds: 600, nanos: 0 });
    assert_eq!(
        (workspace.outage_duration_limit, &workspace.outage_held_limit),
        (ten_minutes, &None)
    );
    let zero = Some(Duration::default());
    let bounds = v1::Workspace {
        outage_duration_limit: zero,
        outage_held_limit: Some(usd("7.00")),
        ..Default::default()
    };
    let (paths, none) = (["outage_duration_limit", "outage_held_limit"], v1::Workspace::default());
    for (change, mask, duration, held_limit) in [
        (&bounds, &[][..], zero, Some(usd("7.00"))),
        (&none, &[], zero, Some(usd("7.00"))),
        (&none, &paths, ten_minutes, None),
        (&bounds, &paths[..1], zero, None),
        (&bounds, &paths[1..], zero, Some(usd("7.00"))),
    ] {
        let workspace = update(&server, change.clone(), mask).await.unwrap();
        assert_eq!(workspace.outage_duration_limit, duration);
        assert_eq!(workspace.outage_held_limit, held_limit);
    }
    for (change, field) in [
        (
            v1::Workspace { outage_held_limit: Some(eur("7")), ..Default::default() },
            "workspace.outage_held_limit.currency_code",
        ),
        (
            v1::Workspace { outage_held_limit: Some(usd("-1")), ..Default::default() },
            "workspace.outage_held_limit.amount",
        ),
        (
            v1::Workspace {
                outage_duration_limit: Some(Duration { seconds: 7 * 86_400 + 1, nanos: 0 }),
                ..Default::default()
            },
            "workspace.outage_duration_limit",
        ),
    ] {
        let status = update(&server, change, &[]).await.unwrap_err();
        assert_eq!(refused_fields(&status), [field]);
    }
    let euros = v1::Workspace { currency_code: "EUR".to_owned(), ..Default::default() };
    let status = update(&server, euros, &[]).await.unwrap_err();
    assert_failed(&status, Code::FailedPrecondition, "CHANGE_NOT_ALLOWED", &[]);
    // What cannot be changed is named.
    let status = update(&server, v1::Workspace::default(), &["plan"]).await.unwrap_err();
    assert_eq!(refused_fields(&status), ["update_mask"]);
    assert!(status.message().contains("\"plan\""), "{}", status.message());
}

#[tokio::test]
async fn unknown_keys_are_denied_from_the_next_check_on() {
    let server = acme().await;
    let decide = async |id: &str, api_key_id: &str| {
        let attribution =
            v1::Attribution { api_key_id: api_key_id.to_owned(), ..Default::default() };
        let request =
            v1::CheckAndRouteRequest { attribution: Some(attribution), ..check(id, "small") };
        server.usage().check_and_route(request).await.unwrap().into_inner()
    };
    assert_eq!(decide("r-1", "nobody").await.decision(), v1::Decision::Allowed);
    let deny = v1::Workspace {
        unknown_key_policy: v1::UnknownKeyPolicy::Deny.into(),
        ..Default::default()
    };
    let workspace = update(&server, deny, &[]).await.unwrap();
    assert_eq!(workspace.unknown_key_policy(), v1::UnknownKeyPolicy::Deny);
    let answer = decide("r-2", "nobody").await;
    assert_eq!(answer.decision(), v1::Decision::Blocked);
    assert_eq!(answer.reason(), v1::Reason::KeyUnknown);
    assert_eq!(decide("r-3", "").await.decision(), v1::Decision::Allowed);
    // Not given, it stays; given, it is taken back.
    update(&server, v1::Workspace::default(), &["unknown_key_policy"]).await.unwrap();
    assert_eq!(decide("r-4", "nobody").await.decision(), v1::Decision::Blocked);
    let accept = v1::Workspace {
        unknown_key_policy: v1::UnknownKeyPolicy::Accept.into(),
        ..Default::default()
    };
    update(&server, accept, &["unknown_key_policy"]).await.unwrap();
    assert_eq!(decide("r-5", "nobody").await.decision(), v1::Decision::Allowed);
}

#[tokio::test]
async fn a_currency_stays_once_there_is_money_in_it() {
    let server = acme().await;
    let change = v1::Workspace { currency_code: "USD".to_owned(), ..Default::default() };
    let status = update(&server, change, &[]).await.unwrap_err();
    assert_failed(&status, Code::FailedPrecondition, "CHANGE_NOT_ALLOWED", &[]);
    assert_eq!(get_workspace(&server, ACME).await.currency_code, "EUR");
}

#[tokio::test]
async fn another_currency_than_the_workspace_has_is_refused() {
    let server = acme().await;
    let dollars = |amount: &str| v1::Money { currency_code: "USD".to_owned(), ..eur(amount) };
    for (budget, overage, field) in [
        (dollars("1"), None, "plan.budget.currency_code"),
        (eur("1"), Some(dollars("1")), "plan.overage_limit.currency_code"),
    ] {
        let start_date = "2026-01-01".to_owned();
        let plan = v1::Plan { budget: Some(budget), overage_limit: overage, start_date };
        let request = v1::SetPlanRequest { workspace_id: ACME.to_owned(), plan: Some(plan) };
        let status = server.budget().set_plan(request).await.unwrap_err();
        assert_eq!(refused_fields(&status), [field]);
    }
    let request = v1::SetModelLimitRequest {
        workspace_id: ACME.to_owned(),
        model_id: "big".to_owned(),
        limit: Some(dollars("1")),
        ..Default::default()
    };
    let status = server.model_limit().set_model_limit(request).await.unwrap_err();
    assert_eq!(refused_fields(&status), ["limit.currency_code"]);
}

#[tokio::test]
async fn a_budget_shows_the_whole_cycle() {
    let server = acme().await;
    for (id, model) in [("r-1", "big"), ("r-2", "big"), ("r-3", "big"), ("r-4", "small")] {
        server.usage().record_usage(record(id, model)).await.unwrap();
    }
    server.usage().check_and_route(check("r-5", "big")).await.unwrap();
    let budget = get_budget(&server).await;
    assert_eq!(budget.workspace_id, ACME);
    // March of 2026.
    assert_eq!(seconds(budget.cycle_start_time), 1_772_323_200);
    assert_eq!(seconds(budget.cycle_end_time), 1_775_001_600);
    assert_eq!(budget.days_left, 17);
    assert_eq!(amount(&budget.spent), "6.20");
    assert_eq!(amount(&budget.held), "2.00");
    assert_eq!(amount(&budget.plan_budget), "100.00");
    assert_eq!(amount(&budget.overage_limit), "20.00");
    assert_eq!(amount(&budget.remaining), "111.80");
    assert!((budget.used_share - 6.2 / 120.0).abs() < 1e-12);
    assert_eq!(budget.state(), v1::BudgetState::WithinPlan);
    assert!(budget.plan_set && budget.automatic_fallback);
    let by_model: Vec<_> = budget
        .spend_by_model
        .iter()
        .map(|model| (model.model_id.as_str(), amount(&model.spent)))
        .collect();
    assert_eq!(by_model, [("big", "6.00"), ("small", "0.20")]);
    assert!((budget.spend_by_model[0].share - 6.0 / 6.2).abs() < 1e-12);
    assert_eq!(seconds(budget.as_of_time), START.micros() / 1_000_000);
}

#[tokio::test]
async fn a_workspace_without_a_plan_has_an_envelope_of_zero() {
    let server = Server::start().await;
    create_workspace(&server, ACME).await;
    let budget = get_budget(&server).await;
    assert!(!budget.plan_set);
    assert_eq!(budget.state(), v1::BudgetState::NoPlan);
    assert_eq!(amount(&budget.remaining), "0.00");
    assert_eq!(budget.used_share, 0.0);

    add_model(&server, "big", "EUR", "10", "20").await;
    let answer = server.usage().check_and_route(check("r-1", "big")).await.unwrap().into_inner();
    assert_eq!(answer.decision(), v1::Decision::Blocked);
    assert_eq!(answer.reason(), v1::Reason::PlanNotSet);
    assert_eq!(answer.budget_state(), v1::BudgetState::NoPlan);
    let recorded = server.usage().record_usage(record("r-2", "big")).await.unwrap().into_inner();
    assert_eq!(recorded.budget_state(), v1::BudgetState::NoPlan);
    let request = v1::WatchSpendRequest { workspace_id: ACME.to_owned() };
    let mut watch = server.budget().watch_spend(request).await.unwrap().into_inner();
    let update = watch.message().await.unwrap().unwrap();
    assert_eq!(update.budget.unwrap().state(), v1::BudgetState::NoPlan);
    // What was spent counts as soon as there is a plan.
    set_plan(&server, "1", "0", "2026-01-01").await.unwrap();
    assert_eq!(get_budget(&server).await.state(), v1::BudgetState::Exhausted);
}

#[tokio::test]
async fn a_plan_change_in_the_middle_of_a_cycle_takes_effect_at_once_and_loses_no_spend() {
    let server = acme().await;
    server.usage().record_usage(record("r-1", "big")).await.unwrap();
    let workspace = set_plan(&server, "1.5", "0.5", "2026-01-01").await.unwrap();
    let plan = workspace.plan.unwrap();
    assert_eq!((amount(&plan.budget), amount(&plan.overage_limit)), ("1.50", "0.50"));
    assert_eq!(plan.start_date, "2026-01-01");
    let budget = get_budget(&server).await;
    assert_eq!(amount(&budget.spent), "2.00");
    assert_eq!(budget.state(), v1::BudgetState::Exhausted);
    let answer = server.usage().check_and_route(check("r-2", "big")).await.unwrap().into_inner();
    assert_eq!(answer.decision(), v1::Decision::Blocked);

    // Another start day re-cuts the cycle; the spend of today is in it.
    set_plan(&server, "100", "0", "2025-12-31").await.unwrap();
    let budget = get_budget(&server).await;
    // From the last day of February to that of March.
    assert_eq!(seconds(budget.cycle_start_time), 1_772_236_800);
    assert_eq!(seconds(budget.cycle_end_time), 1_774_915_200);
    assert_eq!(amount(&budget.spent), "2.00");
    let answer = server.usage().check_and_route(check("r-2", "big")).await.unwrap().into_inner();
    assert_eq!(answer.decision(), v1::Decision::Allowed);
}

#[tokio::test]
async fn a_plan_without_overage_has_none() {
    let server = acme().await;
    let start_date = "2026-01-01".to_owned();
    let plan = v1::Plan { budget: Some(eur("7")), overage_limit: None, start_date };
    let request = v1::SetPlanRequest { workspace_id: ACME.to_owned(), plan: Some(plan) };
    server.budget().set_plan(request).await.unwrap();
    let budget = get_budget(&server).await;
    assert_eq!((amount(&budget.plan_budget), amount(&budget.overage_limit)), ("7.00", "0.00"));
}

async fn list_cycles(server: &Server, page_size: i32, token: &str) -> (Vec<v1::Cycle>, String) {
    let request = v1::ListCyclesRequest {
        workspace_id: ACME.to_owned(),
        page_size,
        page_token: token.to_owned(),
    };
    let listed = server.budget().list_cycles(request).await.unwrap().into_inner();
    (listed.cycles, listed.next_page_token)
}

/// First day, spent, plan budget, boosts and requests of a cycle.
fn told(cycle: &v1::Cycle) -> (&str, &str, Option<&str>, &str, i64) {
    let budget = cycle.plan_budget.as_ref().map(|budget| budget.amount.as_str());
    let (first, spent) = (cycle.first_date.as_str(), amount(&cycle.spent));
    (first, spent, budget, amount(&cycle.boost), cycle.request_count)
}

#[tokio::test]
async fn cycles_of_the_past_have_what_was_spent_and_the_envelope_of_their_time() {
    let server = priced().await;
    let (cycles, _) = list_cycles(&server, 0, "").await;
    assert_eq!(told(&cycles[0]), ("2026-03-01", "0.00", Some("100.00"), "0.00", 0));
    assert_eq!(cycles.len(), 1, "nothing was before");
    // On 2026-02-20, and today.
    let february = prost_types::Timestamp { seconds: 1_771_545_600, nanos: 0 };
    let early = v1::RecordUsageRequest { start_time: Some(february), ..record("r-1", "small") };
    server.usage().record_usage(early).await.unwrap();
    for id in ["r-2", "r-3"] {
        server.usage().record_usage(record(id, "big")).await.unwrap();
    }
    // To 2026-04-02.
    server.clock.advance(18 * MICROS_PER_DAY);
    set_plan(&server, "200", "0", "2026-01-01").await.unwrap();
    let end =
        prost_types::Timestamp { seconds: START.micros() / 1_000_000 + 30 * 86_400, nanos: 0 };
    let boost = v1::CreateBudgetBoostRequest {
        workspace_id: ACME.to_owned(),
        amount: Some(eur("30")),
        end_time: Some(end),
        reason: "spring".to_owned(),
        ..Default::default()
    };
    server.budget().create_budget_boost(boost).await.unwrap();
    server.usage().record_usage(record("r-4", "small")).await.unwrap();
    let (cycles, next) = list_cycles(&server, 0, "").await;
    let told_of: Vec<_> = cycles.iter().map(told).collect();
    let april = ("2026-04-01", "0.20", Some("200.00"), "30.00", 1);
    let march = ("2026-03-01", "4.00", Some("100.00"), "0.00", 2);
    let february = ("2026-02-01", "0.20", None, "0.00", 1);
    assert_eq!((told_of, next.as_str()), (vec![april, march, february], ""));
    assert_eq!(amount(&cycles[1].overage_limit), "20.00");
    assert_eq!(cycles[2].overage_limit, None);
    let running: Vec<bool> = cycles.iter().map(|cycle| cycle.running).collect();
    assert_eq!(running, [true, false, false]);
    assert_eq!(
        (cycles[1].last_date.as_str(), cycles[2].last_date.as_str()),
        ("2026-03-31", "2026-02-28")
    );
    assert_eq!(cycles[1].end_time, cycles[0].start_time);
    let (first, token) = list_cycles(&server, 2, "").await;
    let (rest, end) = list_cycles(&server, 2, &token).await;
    assert_eq!(([first, rest].concat(), end.as_str()), (cycles, ""));
    let request = v1::ListCyclesRequest {
        workspace_id: ACME.to_owned(),
        page_size: -1,
        ..Default::default()
    };
    let status = server.budget().list_cycles(request).await.unwrap_err();
    assert_eq!(refused_fields(&status), ["page_size"]);
}
