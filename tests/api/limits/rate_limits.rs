//! Rate limits: what comes back, what is refused, and that no window ever has more than the limit.

use futures_util::future::join_all;
use tollgate::config::Config;
use tollgate::domain::time::{MICROS_PER_DAY, MICROS_PER_MINUTE, MICROS_PER_SECOND};
use tollgate::proto::v1;
use tonic::Code;

use crate::fixtures::{ACME, acme, assert_failed, check, refused_fields, set_plan, set_up};
use crate::limits::{
    Type, ask, bound, check_for, create_group, create_rate_limit, decision, delete_rate_limit, key,
    micros, of, only, per_minute, register, release, spend, subject, update_rate_limit, user,
};
use crate::server::Server;
use crate::transport::bad_input::{Row, after_start, chars, refuse};

use v1::Decision::{Allowed, Blocked, Routed};
use v1::LimitPeriod::{SlidingDay, SlidingHour, SlidingMinute};
use v1::LimitUnit::{Requests, Tokens};

async fn get(server: &Server, id: &str) -> Result<v1::RateLimit, tonic::Status> {
    let request =
        v1::GetRateLimitRequest { workspace_id: ACME.to_owned(), rate_limit_id: id.to_owned() };
    Ok(server.quota().get_rate_limit(request).await?.into_inner().rate_limit.unwrap())
}

async fn list(server: &Server, request: v1::ListRateLimitsRequest) -> (Vec<String>, String) {
    let request = v1::ListRateLimitsRequest { workspace_id: ACME.to_owned(), ..request };
    let listed = server.quota().list_rate_limits(request).await.unwrap().into_inner();
    let ids = listed.rate_limits.into_iter().map(|limit| limit.rate_limit_id).collect();
    (ids, listed.next_page_token)
}

fn tokens_per_minute(id: &str, kind: Type, subject_id: &str, tokens: i64) -> v1::RateLimit {
    v1::RateLimit {
        bounds: vec![bound(Tokens, SlidingMinute, tokens)],
        ..per_minute(id, kind, subject_id, 0)
    }
}

// -- What is kept.

#[tokio::test]
async fn a_rate_limit_comes_back_as_it_was_made() {
    let server = acme().await;
    let given = v1::RateLimit {
        rate_limit_id: "r".to_owned(),
        subject: subject(Type::User, ""),
        each_subject: true,
        model_id: "big".to_owned(),
        bounds: vec![
            bound(Requests, SlidingMinute, 60),
            bound(Tokens, SlidingMinute, 100_000),
            bound(Requests, SlidingHour, 1_000),
            bound(Tokens, SlidingHour, 1_000_000),
            bound(Requests, SlidingDay, 0),
            bound(Tokens, SlidingDay, 10_000_000),
        ],
        enforcement: v1::Enforcement::Soft.into(),
        display_name: "Tempo".to_owned(),
        ..Default::default()
    };
    let made = create_rate_limit(&server, given.clone()).await.unwrap();
    let expected =
        v1::RateLimit { create_time: after_start(0), update_time: after_start(0), ..given.clone() };
    assert_eq!(made, expected);
    assert_eq!(get(&server, "r").await.unwrap(), expected);
    server.clock.advance(MICROS_PER_SECOND);
    // The same once more is answered with what is there; anything else is refused.
    assert_eq!(create_rate_limit(&server, given.clone()).await.unwrap(), expected);
    for other in [
        v1::RateLimit { bounds: vec![bound(Requests, SlidingMinute, 61)], ..given.clone() },
        v1::RateLimit { rate_limit_id: String::new(), ..given.clone() },
        v1::RateLimit { rate_limit_id: "s".to_owned(), ..given.clone() },
    ] {
        let status = create_rate_limit(&server, other).await.unwrap_err();
        let facts = [("resource", "rate_limit"), ("id", "r")];
        assert_failed(&status, Code::AlreadyExists, "RESOURCE_EXISTS", &facts);
    }
    let all = v1::RateLimit { model_id: String::new(), rate_limit_id: String::new(), ..given };
    let made = create_rate_limit(&server, all).await.unwrap();
    assert_eq!(uuid::Uuid::parse_str(&made.rate_limit_id).unwrap().get_version_num(), 7);
    assert_eq!(list(&server, Default::default()).await.0, [made.rate_limit_id.as_str(), "r"]);
}

#[tokio::test]
async fn an_update_changes_and_takes_off_what_the_mask_names() {
    let server = acme().await;
    let mut limit = per_minute("r", Type::User, "ada", 5);
    limit.bounds.push(bound(Requests, SlidingDay, 50));
    create_rate_limit(&server, limit).await.unwrap();
    server.clock.advance(MICROS_PER_SECOND);
    let named = v1::RateLimit { rate_limit_id: "r".to_owned(), ..Default::default() };
    let change = v1::RateLimit {
        bounds: vec![bound(Tokens, SlidingHour, 7), bound(Requests, SlidingMinute, 6)],
        display_name: "Ada".to_owned(),
        enforcement: v1::Enforcement::Shadow.into(),
        ..named.clone()
    };
    let changed = update_rate_limit(&server, change.clone(), &[]).await.unwrap();
    // Bounds are replaced as a whole, and answered in one order.
    let replaced = [bound(Requests, SlidingMinute, 6), bound(Tokens, SlidingHour, 7)];
    assert_eq!(changed.bounds, replaced);
    assert_eq!(changed.enforcement(), v1::Enforcement::Shadow);
    assert_eq!((changed.create_time, changed.update_time), (after_start(0), after_start(1)));
    let one = v1::RateLimit { bounds: vec![bound(Tokens, SlidingDay, 8)], ..named.clone() };
    let changed = update_rate_limit(&server, one, &["bounds"]).await.unwrap();
    assert_eq!(
        (changed.bounds, changed.display_name),
        (vec![bound(Tokens, SlidingDay, 8)], "Ada".to_owned())
    );
    let changed = update_rate_limit(&server, change.clone(), &["*"]).await.unwrap();
    assert_eq!(changed.bounds, replaced);
    for (change, mask, field) in [
        (named.clone(), &["bounds"][..], "rate_limit.bounds"),
        (named.clone(), &["subject"], "update_mask"),
        (v1::RateLimit { enforcement: -1, ..named.clone() }, &[], "rate_limit.enforcement"),
        (
            v1::RateLimit { display_name: chars(201), ..named.clone() },
            &[],
            "rate_limit.display_name",
        ),
        (
            v1::RateLimit { bounds: vec![bound(Requests, SlidingDay, -1)], ..named.clone() },
            &[],
            "rate_limit.bounds[0].amount",
        ),
        (v1::RateLimit { rate_limit_id: String::new(), ..change }, &[], "rate_limit.rate_limit_id"),
    ] {
        let status = update_rate_limit(&server, change, mask).await.unwrap_err();
        assert_eq!(refused_fields(&status), [field]);
    }
    delete_rate_limit(&server, "r").await.unwrap();
    for status in [
        delete_rate_limit(&server, "r").await.unwrap_err(),
        get(&server, "r").await.unwrap_err(),
        update_rate_limit(&server, named, &[]).await.unwrap_err(),
    ] {
        let facts = [("resource", "rate_limit"), ("id", "r")];
        assert_failed(&status, Code::NotFound, "RESOURCE_NOT_FOUND", &facts);
    }
}

#[tokio::test]
async fn rate_limits_are_listed_in_pages_and_by_filter() {
    let server = acme().await;
    for id in ["a", "b", "c"] {
        create_rate_limit(&server, per_minute(id, Type::User, id, 1)).await.unwrap();
    }
    create_rate_limit(&server, per_minute("w", Type::Workspace, "", 1)).await.unwrap();
    let request = v1::ListRateLimitsRequest { page_size: 3, ..Default::default() };
    let (ids, page_token) = list(&server, request.clone()).await;
    assert_eq!(ids, ["a", "b", "c"]);
    let rest = list(&server, v1::ListRateLimitsRequest { page_token, ..request }).await;
    assert_eq!(rest, (vec!["w".to_owned()], String::new()));
    for (subject, expected) in [
        (subject(Type::User, ""), &["a", "b", "c"][..]),
        (subject(Type::User, "b"), &["b"]),
        (subject(Type::Workspace, ""), &["w"]),
        (subject(Type::ApiKey, "b"), &[]),
    ] {
        let request = v1::ListRateLimitsRequest { subject, ..Default::default() };
        assert_eq!(list(&server, request).await.0, expected);
    }
}

// -- What is refused.

fn limit_in(request: &mut v1::CreateRateLimitRequest) -> &mut v1::RateLimit {
    request.rate_limit.as_mut().unwrap()
}

#[tokio::test]
async fn every_bound_of_a_rate_limit() {
    let server = acme().await;
    let rate_limit = Some(per_minute("r", Type::User, "ada", 1));
    let good = v1::CreateRateLimitRequest { workspace_id: ACME.to_owned(), rate_limit };
    let rows: &[Row<v1::CreateRateLimitRequest>] = &[
        ("workspace_id", |r| r.workspace_id = String::new()),
        ("rate_limit", |r| r.rate_limit = None),
        ("rate_limit.rate_limit_id", |r| limit_in(r).rate_limit_id = chars(129)),
        ("rate_limit.subject", |r| limit_in(r).subject = None),
        ("rate_limit.subject.type", |r| limit_in(r).subject = subject(Type::Model, "big")),
        ("rate_limit.subject.id", |r| limit_in(r).subject = subject(Type::User, "")),
        ("rate_limit.subject.id", |r| limit_in(r).subject = subject(Type::Workspace, "other")),
        ("rate_limit.subject.id", |r| limit_in(r).subject = subject(Type::KeyGroup, "nobody")),
        ("rate_limit.subject.id", |r| limit_in(r).each_subject = true),
        ("rate_limit.model_id", |r| limit_in(r).model_id = chars(257)),
        ("rate_limit.model_id", |r| limit_in(r).model_id = "nobody".to_owned()),
        ("rate_limit.bounds", |r| limit_in(r).bounds.clear()),
        ("rate_limit.bounds[0].amount", |r| limit_in(r).bounds[0].amount = -1),
        ("rate_limit.bounds[0].amount", |r| limit_in(r).bounds[0].amount = 1_000_000_001),
        ("rate_limit.bounds[0].unit", |r| limit_in(r).bounds[0].unit = 0),
        ("rate_limit.bounds[0].unit", |r| {
            limit_in(r).bounds[0].unit = v1::LimitUnit::Money.into();
        }),
        ("rate_limit.bounds[0].period", |r| limit_in(r).bounds[0].period = 0),
        ("rate_limit.bounds[0].period", |r| {
            limit_in(r).bounds[0].period = v1::LimitPeriod::Day.into();
        }),
        ("rate_limit.bounds[1]", |r| {
            let again = limit_in(r).bounds[0];
            limit_in(r).bounds.push(again);
        }),
        ("rate_limit.bounds[1].amount", |r| {
            limit_in(r).bounds.push(bound(Tokens, SlidingDay, 1_000_000_000_001));
        }),
        ("rate_limit.bounds", |r| {
            limit_in(r).bounds = vec![bound(Tokens, SlidingDay, 1); 10];
        }),
        ("rate_limit.enforcement", |r| limit_in(r).enforcement = 5),
        ("rate_limit.display_name", |r| limit_in(r).display_name = chars(201)),
    ];
    refuse(good.clone(), rows, async |r| server.quota().create_rate_limit(r).await).await;
    assert_eq!(list(&server, Default::default()).await.0, [""; 0]);
    let most = v1::RateLimit {
        bounds: vec![
            bound(Requests, SlidingMinute, 1_000_000_000),
            bound(Tokens, SlidingMinute, 1_000_000_000_000),
            bound(Requests, SlidingDay, 1_000_000_000),
        ],
        ..good.rate_limit.unwrap()
    };
    create_rate_limit(&server, most).await.unwrap();
}

#[tokio::test]
async fn every_bound_of_the_other_calls() {
    let server = acme().await;
    let good = v1::GetRateLimitRequest { workspace_id: ACME.to_owned(), rate_limit_id: chars(1) };
    let rows: &[Row<v1::GetRateLimitRequest>] = &[
        ("workspace_id", |r| r.workspace_id = String::new()),
        ("rate_limit_id", |r| r.rate_limit_id = chars(129)),
    ];
    refuse(good, rows, async |r| server.quota().get_rate_limit(r).await).await;
    let good =
        v1::DeleteRateLimitRequest { workspace_id: ACME.to_owned(), rate_limit_id: chars(1) };
    let rows: &[Row<v1::DeleteRateLimitRequest>] = &[
        ("workspace_id", |r| r.workspace_id = String::new()),
        ("rate_limit_id", |r| r.rate_limit_id = String::new()),
    ];
    refuse(good, rows, async |r| server.quota().delete_rate_limit(r).await).await;
    let good = v1::ListRateLimitsRequest { workspace_id: ACME.to_owned(), ..Default::default() };
    let rows: &[Row<v1::ListRateLimitsRequest>] = &[
        ("workspace_id", |r| r.workspace_id = String::new()),
        ("subject.type", |r| r.subject = Some(v1::Subject::default())),
        ("page_size", |r| r.page_size = -1),
        ("page_token", |r| r.page_token = "1".to_owned()),
    ];
    refuse(good, rows, async |r| server.quota().list_rate_limits(r).await).await;
}

// -- What they do.

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_callers_at_once_get_exactly_the_limit() {
    let server = acme().await;
    set_plan(&server, "1000000", "0", "2026-01-01").await.unwrap();
    create_rate_limit(&server, per_minute("r", Type::ApiKey, "k", 60)).await.unwrap();
    let whom = || of(Type::ApiKey, "k");
    let asked = (0..1_000).map(|index| {
        let request = check_for(&format!("r-{index}"), "small", whom());
        let mut client = server.usage();
        async move { client.check_and_route(request).await.unwrap().into_inner() }
    });
    let answers = join_all(asked).await;
    let admitted = answers.iter().filter(|answer| answer.decision() == Allowed).count();
    assert_eq!(admitted, 60);
    for answer in answers.iter().filter(|answer| answer.decision() == Blocked) {
        assert_eq!(answer.reason(), v1::Reason::RateLimited);
        let verdict = only(answer);
        assert_eq!(verdict.limit_kind(), v1::LimitKind::RateLimit);
        assert_eq!(verdict.period(), v1::LimitPeriod::SlidingMinute);
        assert_eq!((verdict.limit_count, verdict.spent_count, verdict.need_count), (60, 60, 1));
        assert_eq!(verdict.retry_after, answer.retry_after);
    }
}

#[tokio::test]
async fn a_wait_is_exact_to_the_microsecond() {
    let server = acme().await;
    create_rate_limit(&server, per_minute("r", Type::User, "ada", 2)).await.unwrap();
    // Not on the border of a bucket.
    server.clock.advance(300_001);
    assert_eq!(decision(&server, "r-1", user("ada")).await, Allowed);
    server.clock.advance(17 * MICROS_PER_SECOND + 5);
    assert_eq!(decision(&server, "r-2", user("ada")).await, Allowed);
    for index in 3..6 {
        let id = format!("r-{index}");
        let answer = ask(&server, check_for(&id, "big", user("ada"))).await;
        assert_eq!((answer.decision(), answer.reason()), (Blocked, v1::Reason::RateLimited));
        let wait = micros(answer.retry_after);
        assert!(wait <= MICROS_PER_MINUTE + MICROS_PER_SECOND, "{wait}");
        server.clock.advance(wait - 1);
        let answer = ask(&server, check_for(&id, "big", user("ada"))).await;
        assert_eq!((answer.decision(), micros(answer.retry_after)), (Blocked, 1));
        server.clock.advance(1);
        assert_eq!(decision(&server, &id, user("ada")).await, Allowed);
    }
    // Who is told to wait for several limits waits long enough for all.
    let mut both = per_minute("both", Type::Project, "p", 1);
    both.bounds.push(bound(Requests, SlidingDay, 2));
    create_rate_limit(&server, both).await.unwrap();
    let project = || of(Type::Project, "p");
    assert_eq!(decision(&server, "p-1", project()).await, Allowed);
    let answer = ask(&server, check_for("p-2", "big", project())).await;
    server.clock.advance(micros(answer.retry_after));
    assert_eq!(decision(&server, "p-2", project()).await, Allowed);
    let answer = ask(&server, check_for("p-3", "big", project())).await;
    let periods: Vec<_> = answer.verdicts.iter().map(v1::Verdict::period).collect();
    assert_eq!(periods, [v1::LimitPeriod::SlidingMinute, v1::LimitPeriod::SlidingDay]);
    let wait = micros(answer.retry_after);
    assert!(
        (MICROS_PER_DAY - 2 * MICROS_PER_MINUTE..=MICROS_PER_DAY + 24 * MICROS_PER_MINUTE)
            .contains(&wait)
    );
    server.clock.advance(wait - 1);
    assert_eq!(decision(&server, "p-3", project()).await, Blocked);
    server.clock.advance(1);
    assert_eq!(decision(&server, "p-3", project()).await, Allowed);
}

#[tokio::test]
async fn requests_are_never_given_back_and_tokens_are_corrected() {
    let server = acme().await;
    create_rate_limit(&server, per_minute("r", Type::User, "ada", 1)).await.unwrap();
    assert_eq!(decision(&server, "r-1", user("ada")).await, Allowed);
    release(&server, "r-1").await;
    assert_eq!(decision(&server, "r-2", user("ada")).await, Blocked);

    // A check declares 150,000.
    let limit = tokens_per_minute("t", Type::User, "bob", 200_000);
    create_rate_limit(&server, limit).await.unwrap();
    assert_eq!(decision(&server, "t-1", user("bob")).await, Allowed);
    let answer = ask(&server, check_for("t-2", "big", user("bob"))).await;
    assert_eq!((answer.decision(), answer.reason()), (Blocked, v1::Reason::RateLimited));
    let verdict = only(&answer);
    assert_eq!((verdict.spent_count, verdict.need_count), (150_000, 150_000));
    // What never ran used none.
    release(&server, "t-1").await;
    assert_eq!(decision(&server, "t-2", user("bob")).await, Allowed);
    // What ran used what it used: less, then more than it declared.
    let used = |id: &str, tokens: i64| v1::RecordUsageRequest {
        workspace_id: ACME.to_owned(),
        request_id: id.to_owned(),
        model_id: "big".to_owned(),
        usage: Some(v1::Usage { cache_read_token_count: tokens, ..Default::default() }),
        outcome: v1::Outcome::Success.into(),
        ..Default::default()
    };
    server.usage().record_usage(used("t-2", 50_000)).await.unwrap();
    assert_eq!(decision(&server, "t-3", user("bob")).await, Allowed);
    server.usage().record_usage(used("t-3", 190_000)).await.unwrap();
    let answer = ask(&server, check_for("t-4", "big", user("bob"))).await;
    assert_eq!((answer.decision(), only(&answer).spent_count), (Blocked, 240_000));
    // More than the limit alone never passes.
    let large = v1::CheckAndRouteRequest {
        input_token_count: 200_001,
        max_output_token_count: Some(0),
        ..check_for("t-5", "big", user("bob"))
    };
    let answer = ask(&server, large).await;
    assert_eq!((answer.decision(), answer.reason()), (Blocked, v1::Reason::RequestTooLarge));
    assert_eq!((answer.retry_after, only(&answer).retry_after), (None, None));
}

#[tokio::test]
async fn each_member_has_its_own_rate_and_names_take_its_place() {
    let server = acme().await;
    create_group(&server, "g").await.unwrap();
    for id in ["k-1", "k-2"] {
        register(&server, key(id, "g")).await.unwrap();
    }
    create_rate_limit(&server, per_minute("each", Type::User, "", 1)).await.unwrap();
    create_rate_limit(&server, per_minute("vip", Type::User, "vip", 2)).await.unwrap();
    create_rate_limit(&server, per_minute("group", Type::KeyGroup, "g", 3)).await.unwrap();
    let big =
        v1::RateLimit { model_id: "big".to_owned(), ..per_minute("model", Type::Workspace, "", 8) };
    create_rate_limit(&server, big).await.unwrap();
    let rows = [
        (user("ada"), 1, "each"),
        (user("bob"), 1, "each"),
        (user("vip"), 2, "vip"),
        // The group's keys share its rate.
        (of(Type::ApiKey, "k-1"), 3, "group"),
        (of(Type::ApiKey, "k-2"), 0, "group"),
        // The eighth of all.
        (of(Type::Project, "p"), 1, "model"),
    ];
    for (row, (whom, admitted, limit_id)) in rows.into_iter().enumerate() {
        for index in 0..=admitted {
            let id = format!("r-{row}-{index}");
            let answer = ask(&server, check_for(&id, "big", whom.clone())).await;
            if index < admitted {
                assert_eq!(answer.decision(), Allowed, "{whom:?} {index}");
            } else {
                assert_eq!(answer.decision(), Blocked, "{whom:?}");
                let ids: Vec<_> = answer.verdicts.iter().map(|v| v.limit_id.as_str()).collect();
                assert!(ids.contains(&limit_id), "{ids:?}");
            }
        }
    }
    // Another model is not concerned by the one for big.
    let answer = ask(&server, check("other", "small")).await;
    assert_eq!(answer.decision(), Allowed);
}

#[tokio::test]
async fn a_rate_that_downgrades_routes_to_another_model() {
    let server = acme().await;
    let limit = v1::RateLimit {
        model_id: "big".to_owned(),
        enforcement: v1::Enforcement::Downgrade.into(),
        ..per_minute("r", Type::User, "", 1)
    };
    create_rate_limit(&server, limit).await.unwrap();
    assert_eq!(decision(&server, "r-1", user("ada")).await, Allowed);
    for id in ["r-2", "r-3"] {
        let answer = ask(&server, check_for(id, "big", user("ada"))).await;
        assert_eq!((answer.decision(), answer.model_id.as_str()), (Routed, "small"));
        assert_eq!(answer.reason(), v1::Reason::Downgrade);
        assert_eq!(only(&answer).limit_id, "r");
    }
}

#[tokio::test]
async fn what_was_sent_before_a_limit_was_made_counts() {
    let server = acme().await;
    spend(&server, "r-1", "big", user("ada")).await;
    server.clock.advance(30 * MICROS_PER_SECOND);
    spend(&server, "r-2", "big", user("ada")).await;
    server.clock.advance(10 * MICROS_PER_SECOND);
    create_rate_limit(&server, per_minute("r", Type::User, "ada", 2)).await.unwrap();
    let answer = ask(&server, check_for("r-3", "big", user("ada"))).await;
    assert_eq!((answer.decision(), only(&answer).spent_count), (Blocked, 2));
    server.clock.advance(micros(answer.retry_after) - 1);
    assert_eq!(decision(&server, "r-3", user("ada")).await, Blocked);
    server.clock.advance(1);
    assert_eq!(decision(&server, "r-3", user("ada")).await, Allowed);
    // Raised, softened and deleted it takes effect at once.
    assert_eq!(decision(&server, "r-4", user("ada")).await, Blocked);
    let limit = |requests| per_minute("r", Type::User, "ada", requests);
    update_rate_limit(&server, limit(3), &["bounds"]).await.unwrap();
    assert_eq!(decision(&server, "r-4", user("ada")).await, Allowed);
    assert_eq!(decision(&server, "r-5", user("ada")).await, Blocked);
    let soft = v1::RateLimit { enforcement: v1::Enforcement::Soft.into(), ..limit(3) };
    update_rate_limit(&server, soft, &["enforcement"]).await.unwrap();
    assert_eq!(decision(&server, "r-5", user("ada")).await, Allowed);
    delete_rate_limit(&server, "r").await.unwrap();
    create_rate_limit(&server, limit(0)).await.unwrap();
    let answer = ask(&server, check_for("r-6", "big", user("ada"))).await;
    assert_eq!((answer.decision(), answer.retry_after), (Blocked, None));
}

#[tokio::test]
async fn a_restart_keeps_what_was_sent() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_in(folder.path(), Default::default(), Config::default()).await;
    set_up(&server).await;
    create_rate_limit(&server, per_minute("r", Type::User, "", 2)).await.unwrap();
    let limit = tokens_per_minute("t", Type::Project, "p", 300_000);
    create_rate_limit(&server, limit).await.unwrap();
    // One that is in flight, and one that never ran, which no record tells of.
    ask(&server, check_for("r-1", "big", user("ada"))).await;
    ask(&server, check_for("r-2", "big", user("ada"))).await;
    ask(&server, check_for("p-1", "big", of(Type::Project, "p"))).await;
    release(&server, "r-2").await;
    server.clock.advance(20 * MICROS_PER_SECOND);
    let before = ask(&server, check_for("r-3", "big", user("ada"))).await;
    assert_eq!(before.decision(), Blocked);
    let clock = server.clock.clone();
    server.stop().await.unwrap();

    let server = Server::start_in(folder.path(), clock, Config::default()).await;
    assert_eq!(ask(&server, check_for("r-3", "big", user("ada"))).await, before);
    assert_eq!(decision(&server, "p-2", of(Type::Project, "p")).await, Allowed);
    assert_eq!(decision(&server, "p-3", of(Type::Project, "p")).await, Blocked);
    // Corrected as if nothing had been.
    spend(&server, "p-1", "big", of(Type::Project, "p")).await;
    release(&server, "p-2").await;
    assert_eq!(decision(&server, "p-3", of(Type::Project, "p")).await, Allowed);
    server.clock.advance(micros(before.retry_after) - 1);
    assert_eq!(decision(&server, "r-3", user("ada")).await, Blocked);
    server.clock.advance(1);
    assert_eq!(decision(&server, "r-3", user("ada")).await, Allowed);
}

/// Rate limit, subject and unit of each entry, with what is used of how much.
fn used(listed: &v1::ListRateLimitUsageResponse) -> Vec<(&str, &str, v1::LimitUnit, i64, i64)> {
    let entry = |usage: &v1::RateLimitUsage| (usage.bound.unwrap().unit(), usage.bound.unwrap());
    let usages = listed.usages.iter();
    usages
        .map(|usage| {
            let (unit, bound) = entry(usage);
            let subject = usage.subject.as_ref().unwrap();
            (&*usage.rate_limit_id, &*subject.id, unit, usage.used_count, bound.amount)
        })
        .collect()
}

#[tokio::test]
async fn how_much_of_each_rate_limit_is_used_now_is_listed_most_used_first() {
    use v1::LimitUnit::{Requests, Tokens};
    let server = acme().await;
    let minute = v1::LimitPeriod::SlidingMinute;
    create_rate_limit(&server, per_minute("each", Type::User, "", 10)).await.unwrap();
    let named = v1::RateLimit {
        bounds: vec![bound(Requests, minute, 4), bound(Tokens, minute, 600_000)],
        display_name: "Ada by the minute".to_owned(),
        ..per_minute("ada", Type::User, "ada", 0)
    };
    create_rate_limit(&server, named).await.unwrap();
    for (id, who) in [("r-1", "ada"), ("r-2", "ada"), ("r-3", "bob"), ("r-4", "cid")] {
        assert_eq!(decision(&server, id, user(who)).await, v1::Decision::Allowed);
    }
    let list = async |request: v1::ListRateLimitUsageRequest| {
        let request = v1::ListRateLimitUsageRequest { workspace_id: ACME.to_owned(), ..request };
        server.quota().list_rate_limit_usage(request).await
    };
    let all = list(Default::default()).await.unwrap().into_inner();
    let expected = [
        ("ada", "ada", Tokens, 300_000, 600_000),
        ("ada", "ada", Requests, 2, 4),
        ("each", "bob", Requests, 1, 10),
        ("each", "cid", Requests, 1, 10),
    ];
    assert_eq!((used(&all), all.total_count), (expected.to_vec(), 4));
    let first = &all.usages[0];
    assert_eq!((first.utilization, first.remaining_count), (0.5, 300_000));
    assert_eq!(first.rate_limit_display_name, "Ada by the minute");
    assert_eq!(
        (first.subject_display_name.as_str(), first.enforcement()),
        ("ada", v1::Enforcement::Hard)
    );
    for (rate_limit_id, subject, rows) in [
        ("each", None, &expected[2..]),
        ("", subject(Type::User, "ada"), &expected[..2]),
        ("", subject(Type::User, ""), &expected[..]),
        ("", subject(Type::ApiKey, ""), &[]),
        ("each", subject(Type::User, "dan"), &[("each", "dan", Requests, 0, 10)]),
    ] {
        let rate_limit_id = rate_limit_id.to_owned();
        let request =
            v1::ListRateLimitUsageRequest { rate_limit_id, subject, ..Default::default() };
        let listed = list(request.clone()).await.unwrap().into_inner();
        assert_eq!(used(&listed), rows, "{request:?}");
    }
    // Page by page.
    let (mut found, mut page_token) = (Vec::new(), String::new());
    loop {
        let request =
            v1::ListRateLimitUsageRequest { page_size: 1, page_token, ..Default::default() };
        let listed = list(request).await.unwrap().into_inner();
        found.extend(listed.usages);
        page_token = listed.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(found, all.usages);
    // Once the minute is over, those that name somebody are left.
    server.clock.advance(2 * MICROS_PER_MINUTE);
    let later = list(Default::default()).await.unwrap().into_inner();
    let counts: Vec<i64> = later.usages.iter().map(|usage| usage.used_count).collect();
    assert_eq!((counts, later.total_count), (vec![0, 0], 2));
    let request =
        v1::ListRateLimitUsageRequest { page_token: "zz".to_owned(), ..Default::default() };
    assert_eq!(refused_fields(&list(request).await.unwrap_err()), ["page_token"]);
}
