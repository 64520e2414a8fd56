//! Quotas and rate limits of a provider and of a tag.

use tollgate::config::Config;
use tollgate::domain::time::MICROS_PER_HOUR;
use tollgate::proto::v1;
use tonic::Code;

use super::{
    Type, ask, check_for, count_quota, create_quota, create_rate_limit, limit_ids, money_quota,
    only, per_minute, quota_usage, spend, subject,
};
use crate::fixtures::{ACME, acme, amount, check, eur, record, refused_fields, set_up};
use crate::server::Server;
use crate::transport::bad_input::{after_start, chars};

use v1::Decision::{Allowed, Blocked, Routed};

fn tagged(tags: &[(&str, &str)]) -> v1::Attribution {
    let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    v1::Attribution { tags, ..Default::default() }
}

async fn of_provider(server: &Server, model_id: &str, provider: &str) {
    let model = v1::Model {
        model_id: model_id.to_owned(),
        provider: provider.to_owned(),
        ..Default::default()
    };
    let request = v1::UpsertModelRequest { model: Some(model) };
    server.catalog().upsert_model(request).await.unwrap();
}

/// `big` is of North, `small` of South.
async fn two_providers(server: &Server) {
    of_provider(server, "big", "North").await;
    of_provider(server, "small", "South").await;
}

/// Quota, subject and what is spent and held.
async fn usage(server: &Server) -> Vec<(String, String, String, String)> {
    let usages = quota_usage(server).await.into_iter();
    let shown = |usage: v1::QuotaUsage| {
        let subject = usage.subject.unwrap();
        let figures = (amount(&usage.spent).to_owned(), amount(&usage.held).to_owned());
        (usage.quota_id, subject.id, figures.0, figures.1)
    };
    let mut shown: Vec<_> = usages.map(shown).collect();
    shown.sort();
    shown
}

fn line(id: &str, subject: &str, spent: &str, held: &str) -> (String, String, String, String) {
    (id.to_owned(), subject.to_owned(), spent.to_owned(), held.to_owned())
}

#[tokio::test]
async fn a_provider_is_bounded_over_all_its_models() {
    let server = acme().await;
    two_providers(&server).await;
    spend(&server, "r-0", "big", tagged(&[])).await;
    let made = create_quota(&server, money_quota("q", Type::Provider, "NORTH", "4")).await.unwrap();
    assert_eq!(made.subject, subject(Type::Provider, "north"));
    assert_eq!(usage(&server).await, [line("q", "north", "2.00", "0.00")]);
    assert_eq!(ask(&server, check("r-1", "big")).await.decision(), Allowed);
    let answer = ask(&server, check("r-2", "big")).await;
    assert_eq!((answer.decision(), answer.reason()), (Blocked, v1::Reason::HeldInFlight));
    assert_eq!(limit_ids(&answer.verdicts), ["q"]);
    assert_eq!(only(&answer).subject, subject(Type::Provider, "north"));
    assert_eq!(ask(&server, check("r-3", "small")).await.decision(), Allowed);
    // It answered with a model of another provider.
    server.usage().record_usage(record("r-1", "small")).await.unwrap();
    assert_eq!(usage(&server).await, [line("q", "north", "2.00", "0.00")]);

    let filter = |id: &str| v1::ListQuotasRequest {
        workspace_id: ACME.to_owned(),
        subject: subject(Type::Provider, id),
        ..Default::default()
    };
    for (id, count) in [("", 1), ("North", 1), ("south", 0)] {
        let listed = server.quota().list_quotas(filter(id)).await.unwrap().into_inner();
        assert_eq!(listed.quotas.len(), count, "{id}");
    }
}

#[tokio::test]
async fn an_exhausted_provider_leads_to_a_model_of_another() {
    let server = acme().await;
    two_providers(&server).await;
    let downgrade = v1::Quota {
        enforcement: v1::Enforcement::Downgrade.into(),
        ..money_quota("q", Type::Provider, "north", "2")
    };
    create_quota(&server, downgrade).await.unwrap();
    assert_eq!(ask(&server, check("r-1", "big")).await.decision(), Allowed);
    let answer = ask(&server, check("r-2", "big")).await;
    assert_eq!((answer.decision(), answer.model_id.as_str()), (Routed, "small"));
    assert_eq!(answer.reason(), v1::Reason::Downgrade);
    assert_eq!(limit_ids(&answer.verdicts), ["q"]);
    // With both of one provider there is no other model.
    of_provider(&server, "small", "north").await;
    let answer = ask(&server, check("r-3", "big")).await;
    assert_eq!((answer.decision(), answer.reason()), (Blocked, v1::Reason::NoAllowedModel));
    assert_eq!(limit_ids(&answer.verdicts), ["q", "q", ""]);
}

#[tokio::test]
async fn a_model_that_gets_another_provider_takes_what_it_used_along() {
    let server = acme().await;
    two_providers(&server).await;
    let each = v1::Quota {
        period: v1::LimitPeriod::Month.into(),
        ..money_quota("each", Type::Provider, "", "50")
    };
    create_quota(&server, each).await.unwrap();
    spend(&server, "r-1", "big", tagged(&[])).await;
    spend(&server, "r-2", "small", tagged(&[])).await;
    let [north, south] =
        [line("each", "north", "2.00", "0.00"), line("each", "south", "0.20", "0.00")];
    assert_eq!(usage(&server).await, [north, south]);
    of_provider(&server, "big", "SOUTH").await;
    assert_eq!(usage(&server).await, [line("each", "south", "2.20", "0.00")]);
    spend(&server, "r-3", "big", tagged(&[])).await;
    assert_eq!(usage(&server).await, [line("each", "south", "4.20", "0.00")]);

    let boost = v1::CreateQuotaBoostRequest {
        workspace_id: ACME.to_owned(),
        quota_id: "each".to_owned(),
        subject_id: "South".to_owned(),
        amount: Some(eur("2")),
        end_time: after_start(3_600),
        reason: "because".to_owned(),
        ..Default::default()
    };
    let boost = server.quota().create_quota_boost(boost).await.unwrap().into_inner().boost;
    assert_eq!(boost.unwrap().subject_id, "south");
    assert_eq!(amount(&quota_usage(&server).await[0].limit), "52.00");
}

#[tokio::test]
async fn each_tag_of_a_request_is_bounded() {
    let server = acme().await;
    let team = tagged(&[("team", "search"), ("env", "test"), ("trace", "1")]);
    spend(&server, "r-0", "big", team.clone()).await;
    create_quota(&server, money_quota("team", Type::Tag, "team=search", "4")).await.unwrap();
    create_quota(&server, money_quota("env", Type::Tag, "env=test", "5")).await.unwrap();
    let tokens = count_quota("tokens", Type::Tag, "env=a=b", v1::LimitUnit::Tokens, 1);
    create_quota(&server, tokens).await.unwrap();
    let answer = ask(&server, check_for("r-1", "big", team.clone())).await;
    assert_eq!(answer.decision(), Allowed);
    let answer = ask(&server, check_for("r-2", "big", team)).await;
    assert_eq!((answer.decision(), answer.reason()), (Blocked, v1::Reason::HeldInFlight));
    assert_eq!(limit_ids(&answer.verdicts), ["env", "team"]);
    assert_eq!(answer.verdicts[1].subject, subject(Type::Tag, "team=search"));
    let other = tagged(&[("team", "Search"), ("env", "prod"), ("env=a", "b")]);
    assert_eq!(ask(&server, check_for("r-3", "big", other)).await.decision(), Allowed);
    let answer = ask(&server, check_for("r-4", "big", tagged(&[("env", "a=b")]))).await;
    assert_eq!(limit_ids(&answer.verdicts), ["tokens"]);

    create_rate_limit(&server, per_minute("rate", Type::Tag, "team=ads", 1)).await.unwrap();
    let ads = || tagged(&[("team", "ads")]);
    assert_eq!(ask(&server, check_for("r-5", "small", ads())).await.decision(), Allowed);
    let answer = ask(&server, check_for("r-6", "small", ads())).await;
    assert_eq!(
        (answer.reason(), limit_ids(&answer.verdicts)[0]),
        (v1::Reason::RateLimited, "rate")
    );
}

#[tokio::test]
async fn credits_and_voids_give_back_to_providers_and_tags() {
    let server = acme().await;
    two_providers(&server).await;
    let team = || tagged(&[("team", "search")]);
    create_quota(&server, money_quota("p", Type::Provider, "north", "9")).await.unwrap();
    create_quota(&server, money_quota("t", Type::Tag, "team=search", "9")).await.unwrap();
    spend(&server, "r-1", "big", team()).await;
    spend(&server, "r-2", "big", team()).await;
    let credit = |id: &str, model_id: &str, attribution| v1::RecordCreditRequest {
        workspace_id: ACME.to_owned(),
        credit_id: id.to_owned(),
        amount: Some(eur("0.50")),
        model_id: model_id.to_owned(),
        reason: "Refund".to_owned(),
        attribution,
        ..Default::default()
    };
    server.usage().record_credit(credit("c-1", "big", None)).await.unwrap();
    server.usage().record_credit(credit("c-2", "", Some(team()))).await.unwrap();
    let (provider, tag) = (line("p", "north", "3.50", "0.00"), ("t", "team=search"));
    assert_eq!(usage(&server).await, [provider, line(tag.0, tag.1, "3.50", "0.00")]);
    let void = v1::VoidUsageRequest {
        workspace_id: ACME.to_owned(),
        request_id: "r-1".to_owned(),
        attempt: 0,
        reason: "Recorded twice".to_owned(),
    };
    server.usage().void_usage(void).await.unwrap();
    let (provider, tag) = (line("p", "north", "1.50", "0.00"), ("t", "team=search"));
    assert_eq!(usage(&server).await, [provider, line(tag.0, tag.1, "1.50", "0.00")]);
}

#[tokio::test]
async fn what_counts_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_in(folder.path(), Default::default(), Config::default()).await;
    set_up(&server).await;
    two_providers(&server).await;
    let team = || tagged(&[("team", "search"), ("env", "test")]);
    for number in 0..3 {
        spend(&server, &format!("r-{number}"), "big", team()).await;
        server.clock.advance(MICROS_PER_HOUR);
    }
    create_quota(&server, money_quota("p", Type::Provider, "north", "10")).await.unwrap();
    create_quota(&server, money_quota("t", Type::Tag, "team=search", "10")).await.unwrap();
    let only_big = v1::Quota {
        model_id: "big".to_owned(),
        ..money_quota("only", Type::Tag, "env=test", "10")
    };
    create_quota(&server, only_big).await.unwrap();
    ask(&server, check_for("r-3", "big", team())).await;
    let before = usage(&server).await;
    assert_eq!(
        before,
        [
            line("only", "env=test", "6.00", "2.00"),
            line("p", "north", "6.00", "2.00"),
            line("t", "team=search", "6.00", "2.00"),
        ]
    );
    let clock = server.clock.clone();
    server.stop().await.unwrap();
    let server = Server::start_in(folder.path(), clock, Config::default()).await;
    assert_eq!(usage(&server).await, before);
    let answer = ask(&server, check_for("r-4", "big", team())).await;
    assert_eq!(answer.decision(), Allowed);
    let answer = ask(&server, check_for("r-5", "big", team())).await;
    assert_eq!(limit_ids(&answer.verdicts), ["p", "only", "t"]);
}

#[tokio::test]
async fn what_is_no_provider_or_tag_is_refused() {
    let server = acme().await;
    let long = format!("{}=x", chars(65));
    for (kind, id, field) in [
        (Type::Provider, chars(129).as_str(), "quota.subject.id"),
        (Type::Tag, "team", "quota.subject.id"),
        (Type::Tag, "team=", "quota.subject.id"),
        (Type::Tag, "=search", "quota.subject.id"),
        (Type::Tag, long.as_str(), "quota.subject.id"),
    ] {
        let status = create_quota(&server, money_quota("q", kind, id, "1")).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(refused_fields(&status), [field], "{kind:?} {id}");
    }
    let each = money_quota("q", Type::Tag, "", "1");
    let status = create_quota(&server, each).await.unwrap_err();
    assert_eq!(refused_fields(&status), ["quota.each_subject", "quota.subject.id"]);
    let longest = format!("{}={}", chars(64), chars(128));
    create_quota(&server, money_quota("t", Type::Tag, &longest, "1")).await.unwrap();
    let longest = chars(128);
    create_quota(&server, money_quota("p", Type::Provider, &longest, "1")).await.unwrap();
}
