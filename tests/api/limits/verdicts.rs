//! What an answer says of the limits: all that were in the way, all that would have spoken, and
//! with `explain` all that apply.

use tollgate::domain::time::MICROS_PER_HOUR;
use tollgate::proto::v1;

use crate::fixtures::{ACME, acme, amount, check, eur, get_budget, set_plan};
use crate::limits::{
    Type, ask, bound, check_for, count_quota, create_group, create_quota, create_rate_limit, key,
    limit_ids, money_quota, only, per_minute, quota_usage, register, release, spend, subject, user,
};
use crate::server::Server;
use crate::transport::bad_input::after_start;

use v1::Decision::{Allowed, Blocked};

fn enforced(enforcement: v1::Enforcement, quota: v1::Quota) -> v1::Quota {
    v1::Quota { enforcement: enforcement.into(), ..quota }
}

/// Somebody who is a subject of everything.
fn everybody() -> v1::Attribution {
    v1::Attribution {
        user_id: "ada".to_owned(),
        department_id: "dept".to_owned(),
        api_key_id: "key".to_owned(),
        assistant_id: "bot".to_owned(),
        project_id: "proj".to_owned(),
        ..Default::default()
    }
}

async fn cap_model(server: &Server, limit: &str) {
    let request = v1::SetModelLimitRequest {
        workspace_id: ACME.to_owned(),
        model_id: "big".to_owned(),
        limit: Some(eur(limit)),
        ..Default::default()
    };
    server.model_limit().set_model_limit(request).await.unwrap();
}

#[tokio::test]
async fn a_blocked_answer_lists_all_limits_in_the_way() {
    let server = acme().await;
    set_plan(&server, "1", "0.5", "2026-01-01").await.unwrap();
    create_group(&server, "group").await.unwrap();
    register(&server, key("key", "group")).await.unwrap();
    cap_model(&server, "1").await;
    for (id, kind, subject_id) in [
        ("assistant", Type::Assistant, "bot"),
        ("project", Type::Project, "proj"),
        ("group", Type::KeyGroup, "group"),
        ("key", Type::ApiKey, "key"),
        ("user", Type::User, "ada"),
        ("department", Type::Department, "dept"),
        ("workspace", Type::Workspace, ""),
    ] {
        create_quota(&server, money_quota(id, kind, subject_id, "0.5")).await.unwrap();
    }
    create_quota(&server, money_quota("roomy", Type::User, "", "50")).await.unwrap();
    let tokens = count_quota("a-tokens", Type::User, "ada", v1::LimitUnit::Tokens, 10);
    create_quota(&server, tokens).await.unwrap();
    let mut rate = per_minute("a-rate", Type::User, "ada", 0);
    rate.bounds.push(bound(v1::LimitUnit::Tokens, v1::LimitPeriod::SlidingMinute, 10));
    create_rate_limit(&server, rate).await.unwrap();
    let soft = enforced(v1::Enforcement::Soft, money_quota("soft", Type::Project, "", "0.1"));
    let soft = v1::Quota { model_id: "big".to_owned(), ..soft };
    create_quota(&server, soft).await.unwrap();

    let answer = ask(&server, check_for("r-1", "big", everybody())).await;
    assert_eq!(answer.decision(), Blocked);
    let blocking: Vec<v1::Verdict> =
        answer.verdicts.iter().filter(|verdict| verdict.blocking).cloned().collect();
    // The envelope, the cap, then from the organisation to the assistant; of one subject quotas
    // first.
    let ids = [
        "",
        "",
        "workspace",
        "department",
        "a-tokens",
        "user",
        "a-rate",
        "a-rate",
        "key",
        "group",
        "project",
        "assistant",
    ];
    assert_eq!(limit_ids(&blocking), ids);
    assert_eq!(blocking[0].limit_kind(), v1::LimitKind::Envelope);
    assert_eq!(blocking[1].limit_kind(), v1::LimitKind::ModelLimit);
    // The first gives the reason.
    assert_eq!(answer.reason(), blocking[0].reason());
    assert_eq!(answer.reason(), v1::Reason::RequestTooLarge);
    assert_eq!(answer.retry_after, None);
    // What is in nobody's way is told, too, where it would have spoken.
    let others = answer.verdicts.iter().filter(|verdict| !verdict.blocking);
    assert_eq!(others.map(|verdict| verdict.limit_id.as_str()).collect::<Vec<_>>(), ["soft"]);
    // Nothing was held in any of them (I2).
    assert_eq!(amount(&get_budget(&server).await.held), "0.00");
    let usages = quota_usage(&server).await;
    // One for each that names somebody.
    assert_eq!(usages.len(), 8);
    assert!(usages.iter().all(|usage| usage.held_count == 0 && usage.spent_count == 0));
    let held = usages.iter().filter_map(|usage| usage.held.as_ref());
    assert!(held.clone().count() == 7 && held.map(|held| &held.amount).all(|held| held == "0.00"));
}

#[tokio::test]
async fn the_longest_wait_of_all_in_the_way_is_told() {
    let server = acme().await;
    create_quota(&server, money_quota("day", Type::User, "ada", "2")).await.unwrap();
    create_rate_limit(&server, per_minute("rate", Type::User, "ada", 1)).await.unwrap();
    ask(&server, check_for("r-1", "big", user("ada"))).await;
    spend(&server, "r-1", "big", user("ada")).await;
    let answer = ask(&server, check_for("r-2", "big", user("ada"))).await;
    assert_eq!(limit_ids(&answer.verdicts), ["day", "rate"]);
    assert_eq!(answer.reason(), v1::Reason::Exhausted);
    // Twelve hours to midnight, a minute for the rate.
    assert_eq!(answer.verdicts[0].reset_time, after_start(12 * 3_600));
    let waits: Vec<i64> =
        answer.verdicts.iter().map(|verdict| verdict.retry_after.unwrap().seconds).collect();
    assert_eq!(answer.retry_after.unwrap().seconds, *waits.iter().max().unwrap());
    assert!((60..=61).contains(&waits[1]), "{waits:?}");
    assert_eq!(waits[0], 12 * 3_600);
    server.clock.advance(12 * MICROS_PER_HOUR);
    assert_eq!(ask(&server, check_for("r-2", "big", user("ada"))).await.decision(), Allowed);
}

#[tokio::test]
async fn an_allowed_answer_lists_what_would_have_spoken_and_what_is_crossed() {
    let server = acme().await;
    for (id, enforcement, kind, subject_id) in [
        ("soft", v1::Enforcement::Soft, Type::User, "ada"),
        ("shadow", v1::Enforcement::Shadow, Type::Department, "dept"),
    ] {
        let quota = money_quota(id, kind, subject_id, "1");
        create_quota(&server, enforced(enforcement, quota)).await.unwrap();
    }
    let crossed = v1::Quota {
        alert_threshold_percents: vec![10, 20, 90],
        ..money_quota("crossed", Type::Project, "proj", "10")
    };
    create_quota(&server, crossed).await.unwrap();
    let quiet = v1::Quota { no_alerts: true, ..money_quota("quiet", Type::Assistant, "", "3") };
    create_quota(&server, quiet).await.unwrap();
    let mut rate = per_minute("rate", Type::User, "", 0);
    rate.enforcement = v1::Enforcement::Shadow.into();
    create_rate_limit(&server, rate).await.unwrap();

    let answer = ask(&server, check_for("r-1", "big", everybody())).await;
    assert_eq!((answer.decision(), answer.reason()), (Allowed, v1::Reason::Unspecified));
    assert!(answer.verdicts.iter().all(|verdict| !verdict.blocking));
    assert_eq!(limit_ids(&answer.verdicts), ["shadow", "soft", "rate", "crossed"]);
    let [shadow, soft, rate, crossed] = &answer.verdicts[..] else { unreachable!() };
    assert_eq!(shadow.enforcement(), v1::Enforcement::Shadow);
    assert_eq!(soft.enforcement(), v1::Enforcement::Soft);
    for verdict in [shadow, soft] {
        assert_eq!(verdict.reason(), v1::Reason::RequestTooLarge);
        let figures = [&verdict.limit, &verdict.spent, &verdict.held, &verdict.need];
        assert_eq!(figures.map(amount), ["1.00", "0.00", "0.00", "2.00"]);
    }
    assert_eq!((rate.limit_kind(), rate.limit_count), (v1::LimitKind::RateLimit, 0));
    assert_eq!(crossed.reason(), v1::Reason::ThresholdCrossed);
    // The highest of those that it takes the limit over.
    assert_eq!(
        (crossed.threshold_percent, crossed.subject.clone()),
        (20, subject(Type::Project, "proj"))
    );
    // It is over them now.
    let answer = ask(&server, check_for("r-2", "small", everybody())).await;
    assert!(!limit_ids(&answer.verdicts).contains(&"crossed"), "{:?}", answer.verdicts);
    // A repeat is told the same.
    let again = ask(&server, check_for("r-1", "big", everybody())).await;
    assert_eq!(limit_ids(&again.verdicts), ["shadow", "soft", "rate", "crossed"]);
}

#[tokio::test]
async fn an_explanation_lists_every_limit_with_its_figures_and_holds_nothing() {
    let server = acme().await;
    cap_model(&server, "50").await;
    create_quota(&server, money_quota("user", Type::User, "", "20")).await.unwrap();
    let tokens = count_quota("tokens", Type::Department, "dept", v1::LimitUnit::Tokens, 1_000_000);
    create_quota(&server, enforced(v1::Enforcement::Soft, tokens)).await.unwrap();
    create_quota(&server, money_quota("other", Type::User, "bob", "10")).await.unwrap();
    let other = v1::Quota {
        model_id: "small".to_owned(),
        ..money_quota("small-only", Type::Workspace, "", "10")
    };
    create_quota(&server, other).await.unwrap();
    create_rate_limit(&server, per_minute("rate", Type::Workspace, "", 10)).await.unwrap();
    spend(&server, "r-1", "big", everybody()).await;
    ask(&server, check_for("r-2", "big", everybody())).await;
    let question = v1::CheckAndRouteRequest {
        dry_run: true,
        explain: true,
        ..check_for("why", "big", everybody())
    };
    let answer = ask(&server, question.clone()).await;
    assert_eq!(answer.decision(), Allowed);
    assert_eq!(answer.verdicts, []);
    assert_eq!(limit_ids(&answer.limits), ["", "", "rate", "tokens", "user"]);
    let [envelope, cap, rate, tokens, user_limit] = &answer.limits[..] else { unreachable!() };
    for (limit, total) in [(envelope, "120.00"), (cap, "50.00"), (user_limit, "20.00")] {
        assert_eq!(limit.reason(), v1::Reason::Unspecified);
        let figures = [&limit.limit, &limit.spent, &limit.held, &limit.need];
        assert_eq!(figures.map(amount), [total, "2.00", "2.00", "2.00"]);
        assert!(limit.reset_time.is_some() && !limit.blocking);
    }
    assert_eq!(tokens.enforcement(), v1::Enforcement::Soft);
    let figures = |limit: &v1::Verdict| {
        [limit.limit_count, limit.spent_count, limit.held_count, limit.need_count]
    };
    assert_eq!(figures(tokens), [1_000_000, 150_000, 150_000, 150_000]);
    assert_eq!(figures(rate), [10, 2, 0, 1]);
    assert_eq!(rate.period(), v1::LimitPeriod::SlidingMinute);
    assert_eq!(user_limit.subject, subject(Type::User, "ada"));
    // Nothing is held by it, and it is not counted.
    assert_eq!(ask(&server, question.clone()).await, answer);
    assert_eq!(amount(&get_budget(&server).await.held), "2.00");
    // "Why was this user blocked?"
    spend(&server, "r-3", "big", everybody()).await;
    let mut large = question.clone();
    large.input_token_count = 2_000_000;
    let answer = ask(&server, large).await;
    assert_eq!(answer.decision(), Blocked);
    assert_eq!(limit_ids(&answer.verdicts), ["tokens", "user"]);
    assert_eq!(limit_ids(&answer.limits), ["", "", "rate", "tokens", "user"]);
    assert!(answer.limits[4].blocking);
    assert_eq!(answer.limits[4], answer.verdicts[1]);
    // Without the word nothing is listed.
    let plain = v1::CheckAndRouteRequest { explain: false, ..question };
    assert_eq!(ask(&server, plain).await.limits, []);
}

#[tokio::test]
async fn requests_in_flight_are_told_from_an_exhausted_limit() {
    let server = acme().await;
    create_quota(&server, money_quota("q", Type::Workspace, "", "2")).await.unwrap();
    ask(&server, check("r-1", "big")).await;
    let answer = ask(&server, check("r-2", "big")).await;
    assert_eq!((answer.decision(), answer.reason()), (Blocked, v1::Reason::HeldInFlight));
    assert!(answer.retry_after.is_some());
    release(&server, "r-1").await;
    let mut large = check("r-2", "big");
    large.input_token_count = 300_000;
    let answer = ask(&server, large).await;
    assert_eq!((answer.reason(), answer.retry_after), (v1::Reason::RequestTooLarge, None));
    spend(&server, "r-3", "small", v1::Attribution::default()).await;
    let answer = ask(&server, check("r-4", "big")).await;
    assert_eq!((answer.reason(), only(&answer).blocking), (v1::Reason::Exhausted, true));
}
