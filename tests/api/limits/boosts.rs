//! Boosts of the envelope: they raise it from one instant to another, and stay listed.

use prost_types::Timestamp;
use serde_json::Value;
use tollgate::config::Config;
use tollgate::domain::time::{MICROS_PER_DAY, MICROS_PER_SECOND};
use tollgate::proto::v1;
use tonic::{Code, Status};

use crate::fixtures::{
    ACME, acme, amount, assert_failed, audit_events, by, check, create_workspace, eur, get_budget,
    record, refused_fields, set_plan, set_up,
};
use crate::server::{START, Server};

const DAY: i64 = MICROS_PER_DAY / MICROS_PER_SECOND;

fn after_start(seconds: i64) -> Option<Timestamp> {
    Some(Timestamp { seconds: START.micros() / MICROS_PER_SECOND + seconds, nanos: 0 })
}

/// Of 10 EUR for a day from now.
fn boost() -> v1::CreateBudgetBoostRequest {
    v1::CreateBudgetBoostRequest {
        workspace_id: ACME.to_owned(),
        amount: Some(eur("10")),
        start_time: None,
        end_time: after_start(DAY),
        reason: "launch week".to_owned(),
        boost_id: String::new(),
    }
}

async fn create(
    server: &Server,
    request: v1::CreateBudgetBoostRequest,
) -> Result<v1::Boost, Status> {
    let created = server.budget().create_budget_boost(by("ada", request)).await?.into_inner();
    Ok(created.boost.unwrap())
}

async fn cancel(server: &Server, boost_id: &str) -> Result<v1::Boost, Status> {
    let request = v1::CancelBudgetBoostRequest {
        workspace_id: ACME.to_owned(),
        boost_id: boost_id.to_owned(),
    };
    let ended = server.budget().cancel_budget_boost(by("bob", request)).await?.into_inner();
    Ok(ended.boost.unwrap())
}

async fn list(server: &Server) -> Vec<v1::Boost> {
    let request =
        v1::ListBudgetBoostsRequest { workspace_id: ACME.to_owned(), ..Default::default() };
    let listed = server.budget().list_budget_boosts(request).await.unwrap().into_inner();
    assert_eq!(listed.next_page_token, "");
    listed.boosts
}

/// What a check of 2 EUR answers.
async fn decide(server: &Server, request_id: &str) -> v1::Decision {
    let answer = server.usage().check_and_route(check(request_id, "big")).await.unwrap();
    answer.into_inner().decision()
}

/// Makes a request bad.
type Spoil = fn(&mut v1::CreateBudgetBoostRequest);

#[tokio::test]
async fn a_boost_raises_the_envelope_at_once_until_its_end_and_stays_listed() {
    let server = acme().await;
    set_plan(&server, "2", "1", "2026-01-01").await.unwrap();
    server.usage().record_usage(record("r-0", "big")).await.unwrap();
    assert_eq!(decide(&server, "r-1").await, v1::Decision::Blocked);
    let watch = v1::WatchSpendRequest { workspace_id: ACME.to_owned() };
    let mut watch = server.budget().watch_spend(watch).await.unwrap().into_inner();
    let first = watch.message().await.unwrap().unwrap();

    let made = create(&server, boost()).await.unwrap();
    assert_eq!(uuid::Uuid::parse_str(&made.boost_id).unwrap().get_version_num(), 7);
    let expected = v1::Boost {
        boost_id: made.boost_id.clone(),
        amount: Some(eur("10.00")),
        start_time: after_start(0),
        end_time: after_start(DAY),
        reason: "launch week".to_owned(),
        create_actor: "ada".to_owned(),
        create_time: after_start(0),
        active: true,
        ..Default::default()
    };
    assert_eq!(made, expected);
    let update = watch.message().await.unwrap().unwrap();
    assert!(update.sequence > first.sequence);
    assert_eq!(amount(&update.budget.unwrap().boost), "10.00");
    assert_eq!(decide(&server, "r-2").await, v1::Decision::Allowed);
    let budget = get_budget(&server).await;
    assert_eq!((amount(&budget.boost), amount(&budget.remaining)), ("10.00", "9.00"));
    assert_eq!(budget.state(), v1::BudgetState::WithinPlan);

    server.clock.advance(MICROS_PER_DAY - 1);
    assert_eq!(amount(&get_budget(&server).await.boost), "10.00");
    server.clock.advance(1);
    let budget = get_budget(&server).await;
    assert_eq!(amount(&budget.boost), "0.00");
    assert_eq!(decide(&server, "r-3").await, v1::Decision::Blocked);
    assert_eq!(list(&server).await, [v1::Boost { active: false, ..expected }]);
}

#[tokio::test]
async fn a_boost_begins_at_its_start_and_outlives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let server =
        Server::start_in(folder.path(), std::sync::Arc::default(), Config::default()).await;
    set_up(&server).await;
    let later = v1::CreateBudgetBoostRequest {
        start_time: after_start(60),
        end_time: after_start(120),
        ..boost()
    };
    let later = create(&server, later).await.unwrap();
    assert!(!later.active);
    let now = create(&server, boost()).await.unwrap();
    let shown: Vec<v1::Boost> = list(&server).await;
    assert_eq!(shown, [later, now], "latest start first");
    let clock = server.clock.clone();
    server.stop().await.unwrap();

    let server = Server::start_in(folder.path(), clock, Config::default()).await;
    assert_eq!(list(&server).await, shown);
    for (seconds, expected) in [(0, "10.00"), (59, "10.00"), (1, "20.00"), (60, "10.00")] {
        server.clock.advance(seconds * MICROS_PER_SECOND);
        assert_eq!(amount(&get_budget(&server).await.boost), expected);
    }
}

#[tokio::test]
async fn the_same_id_answers_with_the_boost_that_is_there() {
    let server = acme().await;
    let named = v1::CreateBudgetBoostRequest { boost_id: "b-1".to_owned(), ..boost() };
    let made = create(&server, named.clone()).await.unwrap();
    server.clock.advance(MICROS_PER_SECOND);
    assert_eq!(create(&server, named.clone()).await.unwrap(), made);
    let with_start = v1::CreateBudgetBoostRequest { start_time: after_start(0), ..named.clone() };
    assert_eq!(create(&server, with_start).await.unwrap(), made);
    let others: [fn(&mut v1::CreateBudgetBoostRequest); 4] = [
        |request| request.amount = Some(eur("11")),
        |request| request.start_time = after_start(1),
        |request| request.end_time = after_start(DAY + 1),
        |request| request.reason = "another".to_owned(),
    ];
    for change in others {
        let mut other = named.clone();
        change(&mut other);
        let status = create(&server, other).await.unwrap_err();
        let named = [("resource", "boost"), ("id", "b-1")];
        assert_failed(&status, Code::AlreadyExists, "RESOURCE_EXISTS", &named);
    }
    assert_eq!(amount(&get_budget(&server).await.boost), "10.00");
    // Also when it is over.
    server.clock.advance(2 * MICROS_PER_DAY);
    let again = create(&server, named).await.unwrap();
    assert_eq!(again, v1::Boost { active: false, ..made });
    assert_eq!(list(&server).await.len(), 1);
    let boosts = audit_events(&server, ACME).await;
    assert_eq!(boosts.iter().filter(|event| event.resource_type == "boost").count(), 1);
}

#[tokio::test]
async fn a_boost_is_cancelled_once() {
    let server = acme().await;
    let made = create(&server, boost()).await.unwrap();
    server.clock.advance(60 * MICROS_PER_SECOND);
    let watch = v1::WatchSpendRequest { workspace_id: ACME.to_owned() };
    let mut watch = server.budget().watch_spend(watch).await.unwrap().into_inner();
    watch.message().await.unwrap().unwrap();
    let ended = cancel(&server, &made.boost_id).await.unwrap();
    let expected = v1::Boost { cancel_time: after_start(60), active: false, ..made.clone() };
    assert_eq!(ended, expected);
    let update = watch.message().await.unwrap().unwrap();
    assert_eq!(amount(&update.budget.unwrap().boost), "0.00");
    server.clock.advance(60 * MICROS_PER_SECOND);
    assert_eq!(cancel(&server, &made.boost_id).await.unwrap(), expected);
    assert_eq!(list(&server).await, [expected]);

    // One that ended by the clock stays as it is.
    let short = v1::CreateBudgetBoostRequest { end_time: after_start(180), ..boost() };
    let short = create(&server, short).await.unwrap();
    server.clock.advance(60 * MICROS_PER_SECOND);
    let over = v1::Boost { active: false, ..short.clone() };
    assert_eq!(cancel(&server, &short.boost_id).await.unwrap(), over);

    let status = cancel(&server, "none").await.unwrap_err();
    let named = [("resource", "boost"), ("id", "none")];
    assert_failed(&status, Code::NotFound, "RESOURCE_NOT_FOUND", &named);
    // A boost of another workspace is none of this one.
    create_workspace(&server, "other").await;
    let elsewhere = v1::CancelBudgetBoostRequest {
        workspace_id: "other".to_owned(),
        boost_id: made.boost_id.clone(),
    };
    let status = server.budget().cancel_budget_boost(elsewhere).await.unwrap_err();
    assert_failed(&status, Code::NotFound, "RESOURCE_NOT_FOUND", &[]);

    let events = audit_events(&server, ACME).await;
    let events: Vec<_> = events.iter().filter(|event| event.resource_id == made.boost_id).collect();
    let [cancelled, created] = events[..] else { panic!("{events:?}") };
    assert_eq!((created.action.as_str(), created.actor.as_str()), ("CreateBudgetBoost", "ada"));
    assert_eq!((cancelled.action.as_str(), cancelled.actor.as_str()), ("CancelBudgetBoost", "bob"));
    assert_eq!((created.before_json.as_str(), &cancelled.before_json), ("", &created.after_json));
    let after: Value = serde_json::from_str(&cancelled.after_json).unwrap();
    assert_eq!(after["cancel_time"], "2026-03-15T12:01:00Z");
    assert_eq!((&after["amount"], &after["reason"]), (&"10.00".into(), &"launch week".into()));
}

#[tokio::test]
async fn what_is_no_boost_is_refused() {
    let server = acme().await;
    let rows: [(&str, Spoil); 15] = [
        ("workspace_id", |request| request.workspace_id.clear()),
        ("amount", |request| request.amount = None),
        ("amount.amount", |request| request.amount = Some(eur("0"))),
        ("amount.amount", |request| request.amount = Some(eur("-1"))),
        ("amount.amount", |request| request.amount = Some(eur("1000000000.000000001"))),
        ("amount.currency_code", |request| {
            request.amount.as_mut().unwrap().currency_code = "USD".to_owned();
        }),
        ("end_time", |request| request.end_time = None),
        ("end_time", |request| request.end_time = after_start(0)),
        ("end_time", |request| request.start_time = after_start(DAY)),
        ("end_time", |request| request.end_time = after_start(366 * DAY + 1)),
        ("start_time", |request| {
            request.start_time = after_start(366 * DAY + 1);
            request.end_time = after_start(367 * DAY);
        }),
        ("reason", |request| request.reason.clear()),
        ("reason", |request| request.reason = "é".repeat(501)),
        ("boost_id", |request| request.boost_id = "a".repeat(129)),
        ("boost_id", |request| request.boost_id = "a\nb".to_owned()),
    ];
    for (index, (field, spoil)) in rows.iter().enumerate() {
        let mut request = boost();
        spoil(&mut request);
        let status = create(&server, request).await.unwrap_err();
        assert_eq!(refused_fields(&status), [*field], "row {index}");
    }
    let unknown = v1::CreateBudgetBoostRequest { workspace_id: "nobody".to_owned(), ..boost() };
    let status = create(&server, unknown).await.unwrap_err();
    assert_failed(&status, Code::NotFound, "WORKSPACE_NOT_FOUND", &[]);
    assert_eq!(list(&server).await, []);

    // The longest, the latest and the largest that there may be.
    let longest = v1::CreateBudgetBoostRequest {
        start_time: after_start(366 * DAY),
        end_time: after_start(732 * DAY),
        reason: "é".repeat(500),
        boost_id: "a".repeat(128),
        amount: Some(eur("1000000000")),
        ..boost()
    };
    create(&server, longest).await.unwrap();
    // Together they are bounded by what one may be.
    let status = create(&server, boost()).await.unwrap_err();
    let bound = [("bound", "sum of the boosts of one limit"), ("value", "1000000000")];
    assert_failed(&status, Code::ResourceExhausted, "BOUND_REACHED", &bound);
}

#[tokio::test]
async fn there_are_only_so_many_boosts_at_a_time() {
    let server = acme().await;
    for _ in 0..64 {
        create(&server, boost()).await.unwrap();
    }
    let status = create(&server, boost()).await.unwrap_err();
    let bound = [("bound", "boosts of one limit"), ("value", "64")];
    assert_failed(&status, Code::ResourceExhausted, "BOUND_REACHED", &bound);
    assert_eq!(amount(&get_budget(&server).await.boost), "640.00");
    // Those that are over do not count, but are listed, page by page.
    server.clock.advance(MICROS_PER_DAY);
    let next = v1::CreateBudgetBoostRequest { end_time: after_start(2 * DAY), ..boost() };
    let next = create(&server, next).await.unwrap();
    assert_eq!(amount(&get_budget(&server).await.boost), "10.00");
    let whole = list(&server).await;
    assert_eq!((whole.len(), &whole[0]), (65, &next));
    let mut paged = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = v1::ListBudgetBoostsRequest {
            workspace_id: ACME.to_owned(),
            page_size: 20,
            page_token,
        };
        let listed = server.budget().list_budget_boosts(request).await.unwrap().into_inner();
        paged.extend(listed.boosts);
        page_token = listed.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(paged, whole);
}

#[tokio::test]
async fn a_currency_does_not_change_under_a_boost() {
    let server = Server::start().await;
    create_workspace(&server, ACME).await;
    let change = async |code: &str| {
        let workspace = v1::Workspace {
            workspace_id: ACME.to_owned(),
            currency_code: code.to_owned(),
            ..Default::default()
        };
        let request = v1::UpdateWorkspaceRequest { workspace: Some(workspace), update_mask: None };
        server.workspace().update_workspace(request).await
    };
    change("USD").await.unwrap();
    change("EUR").await.unwrap();
    let made = create(&server, boost()).await.unwrap();
    cancel(&server, &made.boost_id).await.unwrap();
    let status = change("USD").await.unwrap_err();
    assert_failed(&status, Code::FailedPrecondition, "CHANGE_NOT_ALLOWED", &[]);
}
