//! `UsageService`, but for its streams.

use tollgate::config::Config;
use tollgate::domain::time::{MICROS_PER_HOUR, MICROS_PER_MINUTE};
use tollgate::limits::Limits;
use tollgate::proto::v1;
use tollgate::proto::v1::record_usage_result::Result as Outcome;
use tonic::Code;

use crate::fixtures::{
    ACME, EARLIEST, acme, add_model, amount, assert_failed, check, create_workspace, get_budget,
    record, refused_fields, set_up,
};
use crate::server::Server;

pub async fn decide(
    server: &Server,
    request: v1::CheckAndRouteRequest,
) -> Result<v1::CheckAndRouteResponse, tonic::Status> {
    Ok(server.usage().check_and_route(request).await?.into_inner())
}

pub async fn note(
    server: &Server,
    request: v1::RecordUsageRequest,
) -> Result<v1::RecordUsageResponse, tonic::Status> {
    Ok(server.usage().record_usage(request).await?.into_inner())
}

pub async fn list_records(server: &Server) -> Vec<v1::UsageRecord> {
    let request =
        v1::ListUsageRecordsRequest { workspace_id: ACME.to_owned(), ..Default::default() };
    server.usage().list_usage_records(request).await.unwrap().into_inner().records
}

async fn list_holds(server: &Server, state: v1::HoldState) -> v1::ListHoldsResponse {
    let request = v1::ListHoldsRequest {
        workspace_id: ACME.to_owned(),
        state: state.into(),
        ..Default::default()
    };
    server.usage().list_holds(request).await.unwrap().into_inner()
}

#[tokio::test]
async fn a_request_is_checked_held_recorded_and_settled() {
    let server = acme().await;
    let answer = decide(&server, check("r-1", "big")).await.unwrap();
    assert_eq!(answer.decision(), v1::Decision::Allowed);
    assert_eq!((answer.model_id.as_str(), answer.request_id.as_str()), ("big", "r-1"));
    assert_eq!(amount(&answer.held), "2.00");
    assert_eq!(answer.budget_state(), v1::BudgetState::WithinPlan);
    assert_eq!(answer.reason(), v1::Reason::Unspecified);
    assert!(answer.expire_time.is_some() && answer.verdicts.is_empty());
    assert_eq!(amount(&get_budget(&server).await.held), "2.00");

    let mut used = record("r-1", "big");
    used.usage.as_mut().unwrap().output_token_count = 25_000;
    let recorded = note(&server, used).await.unwrap();
    assert_eq!(amount(&recorded.cost), "1.50");
    assert_eq!(amount(&recorded.cycle_spent), "1.50");
    assert!(!recorded.duplicate && !recorded.unpriced);
    let budget = get_budget(&server).await;
    assert_eq!((amount(&budget.held), amount(&budget.spent)), ("0.00", "1.50"));
}

#[tokio::test]
async fn a_check_without_an_id_gets_one_that_grows_with_time() {
    let server = acme().await;
    let first = decide(&server, check("", "big")).await.unwrap().request_id;
    let second = decide(&server, check("", "big")).await.unwrap().request_id;
    assert_eq!(uuid::Uuid::parse_str(&first).unwrap().get_version_num(), 7);
    assert!(first < second, "{first} {second}");
}

#[tokio::test]
async fn the_same_check_again_holds_nothing_more() {
    let server = acme().await;
    let first = decide(&server, check("r-1", "big")).await.unwrap();
    let again = decide(&server, check("r-1", "big")).await.unwrap();
    assert_eq!(first, again);
    assert_eq!(amount(&get_budget(&server).await.held), "2.00");

    let mut other = check("r-1", "big");
    other.input_token_count += 1;
    let status = decide(&server, other).await.unwrap_err();
    let facts = [("request_id", "r-1")];
    assert_failed(&status, Code::AlreadyExists, "REQUEST_ID_REUSED", &facts);
    assert_eq!(amount(&get_budget(&server).await.held), "2.00");
}

#[tokio::test]
async fn a_dry_run_answers_and_holds_nothing() {
    let server = acme().await;
    let request = v1::CheckAndRouteRequest { dry_run: true, ..check("r-1", "big") };
    let answer = decide(&server, request).await.unwrap();
    assert_eq!(answer.decision(), v1::Decision::Allowed);
    assert_eq!(amount(&answer.held), "2.00");
    assert_eq!(answer.expire_time, None);
    assert_eq!(amount(&get_budget(&server).await.held), "0.00");
}

#[tokio::test]
async fn a_refusal_is_an_answer_that_names_the_limit() {
    let server = acme().await;
    // 7 times 16 EUR, then there is room for 8 more.
    for index in 0..7 {
        let mut used = record(&format!("r-{index}"), "big");
        used.usage.as_mut().unwrap().input_token_count = 1_500_000;
        note(&server, used).await.unwrap();
    }
    let mut large = check("r-large", "big");
    large.input_token_count = 1_000_000;
    let answer = decide(&server, large).await.unwrap();
    assert_eq!(answer.decision(), v1::Decision::Blocked);
    assert_eq!(answer.model_id, "");
    assert_eq!(answer.reason(), v1::Reason::Exhausted);
    assert_eq!(answer.budget_state(), v1::BudgetState::InOverage);
    let verdict = &answer.verdicts[0];
    assert_eq!(verdict.limit_kind(), v1::LimitKind::Envelope);
    assert_eq!(verdict.subject.as_ref().unwrap().id, ACME);
    assert_eq!(amount(&verdict.limit), "120.00");
    assert_eq!(amount(&verdict.spent), "112.00");
    assert_eq!(amount(&verdict.held), "0.00");
    assert_eq!(amount(&verdict.need), "11.00");
    assert_eq!(verdict.reset_time, get_budget(&server).await.cycle_end_time);
}

#[tokio::test]
async fn a_rule_about_a_model_has_no_figures() {
    let server = acme().await;
    let answer = decide(&server, check("r-1", "unheard-of")).await.unwrap();
    assert_eq!(answer.decision(), v1::Decision::Blocked);
    assert_eq!(answer.reason(), v1::Reason::ModelUnknown);
    let verdict = &answer.verdicts[0];
    assert_eq!(verdict.limit_kind(), v1::LimitKind::Unspecified);
    assert_eq!(verdict.subject.as_ref().unwrap().id, "unheard-of");
    assert_eq!((&verdict.limit, &verdict.need, &verdict.reset_time), (&None, &None, &None));
}

#[tokio::test]
async fn an_estimate_never_carries_a_check_over_the_bound_of_tokens() {
    let server = acme().await;
    let mut request = check("r-1", "small");
    request.input_token_count = 100_000_000;
    request.max_output_token_count = None;
    let answer = decide(&server, request).await.unwrap();
    assert_eq!(amount(&answer.held), "100.00");
}

#[tokio::test]
async fn a_record_is_counted_once_however_often_it_is_sent() {
    let server = acme().await;
    let first = note(&server, record("r-1", "big")).await.unwrap();
    assert!(!first.duplicate);
    let again = note(&server, record("r-1", "big")).await.unwrap();
    assert!(again.duplicate);
    assert_eq!(again.cost, first.cost);
    assert_eq!(amount(&again.cycle_spent), "2.00");

    let mut other = record("r-1", "big");
    other.usage.as_mut().unwrap().output_token_count += 1;
    let status = note(&server, other.clone()).await.unwrap_err();
    let facts = [("request_id", "r-1"), ("attempt", "0")];
    assert_failed(&status, Code::AlreadyExists, "REQUEST_ID_REUSED", &facts);

    other.attempt = 1;
    let second = note(&server, other).await.unwrap();
    assert_eq!(amount(&second.cycle_spent), "4.00002");
    assert_eq!(list_records(&server).await.len(), 2);
}

#[tokio::test]
async fn a_batch_answers_for_each_record() {
    let server = acme().await;
    let mut negative = record("r-2", "big");
    negative.usage.as_mut().unwrap().output_token_count = -1;
    let mut homeless = record("r-3", "big");
    homeless.workspace_id = "nobody".to_owned();
    let records = vec![record("r-1", "big"), negative, homeless, record("r-1", "big")];
    let request = v1::RecordUsageBatchRequest { records };
    let response = server.usage().record_usage_batch(request).await.unwrap().into_inner();
    let results: Vec<Outcome> =
        response.results.into_iter().map(|result| result.result.unwrap()).collect();
    let [Outcome::Record(new), Outcome::Error(bad), Outcome::Error(lost), Outcome::Record(same)] =
        results.as_slice()
    else {
        panic!("{results:?}");
    };
    assert!(!new.duplicate && same.duplicate);
    assert_eq!((bad.code, bad.reason()), (3, v1::ErrorReason::InvalidField));
    assert!(bad.message.starts_with("usage.output_token_count: "), "{}", bad.message);
    assert_eq!((lost.code, lost.reason()), (5, v1::ErrorReason::WorkspaceNotFound));
    assert_eq!(amount(&get_budget(&server).await.spent), "2.00");
}

#[tokio::test]
async fn a_hold_is_released_once() {
    let server = acme().await;
    decide(&server, check("r-1", "big")).await.unwrap();
    let request =
        v1::ReleaseHoldRequest { workspace_id: ACME.to_owned(), request_id: "r-1".to_owned() };
    let released = server.usage().release_hold(request.clone()).await.unwrap().into_inner();
    assert_eq!(amount(&released.released), "2.00");
    assert_eq!(amount(&get_budget(&server).await.held), "0.00");
    let status = server.usage().release_hold(request).await.unwrap_err();
    assert_failed(&status, Code::NotFound, "HOLD_NOT_FOUND", &[("request_id", "r-1")]);
}

#[tokio::test]
async fn a_hold_lives_until_its_time_is_up_and_can_be_extended() {
    let server = acme().await;
    decide(&server, check("r-1", "big")).await.unwrap();
    decide(&server, check("r-2", "small")).await.unwrap();
    let request = v1::ExtendHoldRequest {
        workspace_id: ACME.to_owned(),
        request_id: "r-2".to_owned(),
        hold_duration: Some(prost_types::Duration { seconds: 3_600, nanos: 0 }),
    };
    server.usage().extend_hold(request.clone()).await.unwrap();
    server.clock.advance(11 * MICROS_PER_MINUTE);

    let live = list_holds(&server, v1::HoldState::Live).await;
    let [hold] = live.holds.as_slice() else { panic!("{live:?}") };
    assert_eq!((hold.request_id.as_str(), hold.model_id.as_str()), ("r-2", "small"));
    assert_eq!((amount(&hold.held), hold.state()), ("0.20", v1::HoldState::Live));
    assert_eq!(live.expired_count, 1);
    let expired = list_holds(&server, v1::HoldState::Expired).await;
    assert_eq!(expired.holds[0].request_id, "r-1");
    assert_eq!(list_holds(&server, v1::HoldState::Unspecified).await.holds.len(), 2);
    assert_eq!(amount(&get_budget(&server).await.held), "0.20");

    server.clock.advance(MICROS_PER_HOUR);
    let status = server.usage().extend_hold(request).await.unwrap_err();
    assert_failed(&status, Code::NotFound, "HOLD_NOT_FOUND", &[("request_id", "r-2")]);
    // Late usage is taken all the same.
    let late = note(&server, record("r-1", "big")).await.unwrap();
    assert_eq!(amount(&late.cost), "2.00");
}

#[tokio::test]
async fn a_record_keeps_what_was_said_of_it() {
    let server = acme().await;
    let attribution = v1::Attribution {
        user_id: "ada".to_owned(),
        session_id: "s-1".to_owned(),
        tags: [("team".to_owned(), "search".to_owned())].into(),
        ..Default::default()
    };
    let mut request = check("r-1", "big");
    request.attribution = Some(attribution.clone());
    decide(&server, request).await.unwrap();
    let mut used = record("r-1", "big");
    used.latency = Some(prost_types::Duration { seconds: 1, nanos: 500_000_000 });
    used.usage_source = v1::UsageSource::Estimated.into();
    used.outcome = v1::Outcome::Cancelled.into();
    note(&server, used.clone()).await.unwrap();

    let records = list_records(&server).await;
    let [entry] = records.as_slice() else { panic!("{records:?}") };
    assert_eq!((entry.request_id.as_str(), entry.attempt), ("r-1", 0));
    assert_eq!((entry.model_id.as_str(), entry.priced_model_id.as_str()), ("big", "big"));
    assert_eq!(entry.kind(), v1::RecordKind::Usage);
    assert_eq!(entry.outcome(), v1::Outcome::Cancelled);
    assert_eq!(entry.usage_source(), v1::UsageSource::Estimated);
    assert_eq!((&entry.usage, entry.latency), (&used.usage, used.latency));
    assert_eq!(amount(&entry.cost), "2.00");
    assert_eq!(entry.exchange_rate, "1.00");
    assert!(!entry.price_id.is_empty());
    assert_eq!(entry.attribution, Some(attribution));
}

#[tokio::test]
async fn records_are_found_by_time_model_and_request() {
    let server = acme().await;
    note(&server, record("r-1", "big")).await.unwrap();
    note(&server, record("r-2", "small")).await.unwrap();
    server.clock.advance(MICROS_PER_HOUR);
    note(&server, record("r-3", "big")).await.unwrap();
    let hour_later = get_budget(&server).await.as_of_time;
    let all = v1::ListUsageRecordsRequest { workspace_id: ACME.to_owned(), ..Default::default() };
    for (request, expected) in [
        (all.clone(), vec!["r-3", "r-2", "r-1"]),
        (v1::ListUsageRecordsRequest { start_time: hour_later, ..all.clone() }, vec!["r-3"]),
        (v1::ListUsageRecordsRequest { end_time: hour_later, ..all.clone() }, vec!["r-2", "r-1"]),
        (
            v1::ListUsageRecordsRequest { model_id: "big".to_owned(), ..all.clone() },
            vec!["r-3", "r-1"],
        ),
        (v1::ListUsageRecordsRequest { request_id: "r-2".to_owned(), ..all }, vec!["r-2"]),
    ] {
        let listed = server.usage().list_usage_records(request).await.unwrap().into_inner();
        let ids: Vec<&str> = listed.records.iter().map(|entry| &*entry.request_id).collect();
        assert_eq!(ids, expected);
    }
}

#[tokio::test]
async fn an_unknown_model_is_recorded_and_priced_later() {
    let server = acme().await;
    let recorded = note(&server, record("r-1", "mystery")).await.unwrap();
    assert!(recorded.unpriced);
    assert_eq!(amount(&recorded.cost), "0.00");

    add_model(&server, "mystery", "EUR", "1", "2").await;
    let request = v1::RepriceUsageRequest {
        workspace_id: ACME.to_owned(),
        start_time: Some(EARLIEST),
        end_time: Some(prost_types::Timestamp { seconds: 4_000_000_000, nanos: 0 }),
        ..Default::default()
    };
    let dry = v1::RepriceUsageRequest { dry_run: true, ..request.clone() };
    for (request, corrected, difference, spent) in [
        (dry, 1, "0.20", "0.00"),
        (request.clone(), 1, "0.20", "0.20"),
        (request, 0, "0.00", "0.20"),
    ] {
        let repriced = server.usage().reprice_usage(request).await.unwrap().into_inner();
        assert_eq!(repriced.examined_count, 1);
        assert_eq!(repriced.corrected_count, corrected);
        assert_eq!(amount(&repriced.difference), difference);
        assert_eq!(repriced.unpriced_count, 0);
        assert_eq!(amount(&get_budget(&server).await.spent), spent);
    }
    let kinds: Vec<_> = list_records(&server).await.iter().map(|entry| entry.kind()).collect();
    assert_eq!(kinds, [v1::RecordKind::Correction, v1::RecordKind::Usage]);
}

#[tokio::test]
async fn a_workspace_nobody_knows_is_not_found() {
    let server = acme().await;
    let nobody = || "nobody".to_owned();
    let mut asked = check("r-1", "big");
    asked.workspace_id = nobody();
    let mut used = record("r-1", "big");
    used.workspace_id = nobody();
    let (mut usage, mut budget, mut model_limit) =
        (server.usage(), server.budget(), server.model_limit());
    let workspace_id = nobody();
    let request_id = "r-1".to_owned();
    let model_id = "big".to_owned();
    let release = v1::ReleaseHoldRequest { workspace_id: nobody(), request_id: request_id.clone() };
    let extend = v1::ExtendHoldRequest { workspace_id: nobody(), request_id, hold_duration: None };
    let holds = v1::ListHoldsRequest { workspace_id: nobody(), ..Default::default() };
    let records = v1::ListUsageRecordsRequest { workspace_id: nobody(), ..Default::default() };
    let get = v1::GetBudgetRequest { workspace_id: nobody() };
    let watch = v1::WatchSpendRequest { workspace_id: nobody() };
    let enable = v1::EnableModelRequest { workspace_id: nobody(), model_id };
    let limits = v1::ListModelLimitsRequest { workspace_id, ..Default::default() };
    for status in [
        usage.check_and_route(asked).await.unwrap_err(),
        usage.record_usage(used).await.unwrap_err(),
        usage.release_hold(release).await.unwrap_err(),
        usage.extend_hold(extend).await.unwrap_err(),
        usage.list_holds(holds).await.unwrap_err(),
        usage.list_usage_records(records).await.unwrap_err(),
        budget.get_budget(get).await.unwrap_err(),
        budget.watch_spend(watch).await.unwrap_err(),
        model_limit.enable_model(enable).await.unwrap_err(),
        model_limit.list_model_limits(limits).await.unwrap_err(),
    ] {
        let facts = [("workspace_id", "nobody")];
        assert_failed(&status, Code::NotFound, "WORKSPACE_NOT_FOUND", &facts);
    }
}

#[tokio::test]
async fn workspaces_do_not_see_one_another() {
    let server = acme().await;
    create_workspace(&server, "other").await;
    decide(&server, check("r-1", "big")).await.unwrap();
    note(&server, record("r-2", "big")).await.unwrap();
    let request =
        v1::ListUsageRecordsRequest { workspace_id: "other".to_owned(), ..Default::default() };
    let listed = server.usage().list_usage_records(request).await.unwrap().into_inner();
    assert!(listed.records.is_empty());
    let request =
        v1::ReleaseHoldRequest { workspace_id: "other".to_owned(), request_id: "r-1".to_owned() };
    let status = server.usage().release_hold(request).await.unwrap_err();
    assert_failed(&status, Code::NotFound, "HOLD_NOT_FOUND", &[]);
}

#[tokio::test]
async fn records_are_listed_by_whom_they_are_for_and_how_they_ended() {
    let limits = Limits { records_looked_at_max: 3, ..Limits::default() };
    let server = Server::start_with(Config { limits, ..Config::default() }).await;
    set_up(&server).await;
    for index in 0..10 {
        let who = if index % 5 == 0 { "ada" } else { "bob" };
        let attribution = v1::Attribution {
            user_id: who.to_owned(),
            department_id: format!("d-{}", index % 2),
            api_key_id: format!("k-{}", index % 3),
            ..Default::default()
        };
        let outcome = if index == 5 { v1::Outcome::Error } else { v1::Outcome::Success };
        let request = v1::RecordUsageRequest {
            attribution: Some(attribution),
            outcome: outcome.into(),
            ..record(&format!("r-{index}"), if index < 5 { "big" } else { "small" })
        };
        server.usage().record_usage(request).await.unwrap();
        server.clock.advance(1_000_000);
    }
    let all = v1::ListUsageRecordsRequest { workspace_id: ACME.to_owned(), ..Default::default() };
    let of = |change: fn(&mut v1::ListUsageRecordsRequest)| {
        let mut request = all.clone();
        change(&mut request);
        request
    };
    for (request, expected) in [
        (of(|it| it.user_id = "ada".to_owned()), "r-5 r-0"),
        (of(|it| it.department_id = "d-1".to_owned()), "r-9 r-7 r-5 r-3 r-1"),
        (of(|it| it.api_key_id = "k-2".to_owned()), "r-8 r-5 r-2"),
        (of(|it| it.model_id = "big".to_owned()), "r-4 r-3 r-2 r-1 r-0"),
        (of(|it| it.outcome = v1::Outcome::Error.into()), "r-5"),
        (of(|it| it.user_id = "nobody".to_owned()), ""),
    ] {
        let (mut found, mut pages, mut request) = (Vec::new(), 0, request);
        loop {
            let listed = server.usage().list_usage_records(request.clone()).await.unwrap();
            let listed = listed.into_inner();
            found.extend(listed.records.into_iter().map(|record| record.request_id));
            pages += 1;
            if listed.next_page_token.is_empty() {
                break;
            }
            request.page_token = listed.next_page_token;
        }
        assert_eq!(found.join(" "), expected);
        assert!(pages > 2, "a page looks at a few records alone");
    }
    // Without filters, or by its id, a record is found at once.
    let listed = server.usage().list_usage_records(all.clone()).await.unwrap().into_inner();
    assert_eq!((listed.records.len(), listed.next_page_token), (10, String::new()));
    let request = of(|it| {
        it.request_id = "r-0".to_owned();
        it.user_id = "ada".to_owned();
    });
    let listed = server.usage().list_usage_records(request).await.unwrap().into_inner();
    assert_eq!((listed.records.len(), listed.next_page_token), (1, String::new()));
    let status = server.usage().list_usage_records(of(|it| it.user_id = "x".repeat(129))).await;
    assert_eq!(refused_fields(&status.unwrap_err()), ["user_id"]);
}
