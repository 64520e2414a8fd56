//! Quotas: what comes back, what is refused, and what they do to checks.

use std::sync::Arc;

use prost_types::Timestamp;
use tollgate::config::Config;
use tollgate::domain::time::{MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_SECOND};
use tollgate::proto::v1;
use tonic::Code;

use crate::fixtures::{
    ACME, acme, amount, assert_failed, audit_events, check, create_workspace, eur, record,
    refused_fields, set_plan, set_up,
};
use crate::limits::{
    Type, ask, bound, check_for, count_quota, create_group, create_quota, create_rate_limit,
    decision, delete_group, delete_key, delete_quota, delete_rate_limit, get_quota, key, limit_ids,
    money_quota, of, only, per_minute, quota_usage, register, release, reset_quota, spend, subject,
    update_key, update_quota, update_rate_limit, user,
};
use crate::outage::Outage;
use crate::server::{Server, open};
use crate::transport::bad_input::{Row, after_start, chars, refuse};

use v1::Decision::{Allowed, Blocked, Routed};

const TOKENS: v1::LimitUnit = v1::LimitUnit::Tokens;
const REQUESTS: v1::LimitUnit = v1::LimitUnit::Requests;

fn enforced(enforcement: v1::Enforcement, quota: v1::Quota) -> v1::Quota {
    v1::Quota { enforcement: enforcement.into(), ..quota }
}

fn during(period: v1::LimitPeriod, quota: v1::Quota) -> v1::Quota {
    v1::Quota { period: period.into(), ..quota }
}

async fn list(server: &Server, request: v1::ListQuotasRequest) -> (Vec<String>, String) {
    let request = v1::ListQuotasRequest { workspace_id: ACME.to_owned(), ..request };
    let listed = server.quota().list_quotas(request).await.unwrap().into_inner();
    let ids = listed.quotas.into_iter().map(|quota| quota.quota_id).collect();
    (ids, listed.next_page_token)
}

// -- What is kept.

#[tokio::test]
async fn a_quota_comes_back_as_it_was_made() {
    let server = acme().await;
    let given = v1::Quota {
        quota_id: "team ü".to_owned(),
        subject: subject(Type::Department, "research"),
        model_id: "big".to_owned(),
        unit: v1::LimitUnit::Money.into(),
        limit: Some(eur("12.50")),
        period: v1::LimitPeriod::Month.into(),
        enforcement: v1::Enforcement::Soft.into(),
        alert_threshold_percents: vec![200, 10, 200],
        display_name: "Forschung".to_owned(),
        ..Default::default()
    };
    let made = create_quota(&server, given.clone()).await.unwrap();
    let expected = v1::Quota {
        alert_threshold_percents: vec![10, 200],
        create_time: after_start(0),
        update_time: after_start(0),
        ..given.clone()
    };
    assert_eq!(made, expected);
    assert_eq!(get_quota(&server, "team ü").await.unwrap(), expected);
    // The same once more is answered with what is there.
    server.clock.advance(MICROS_PER_SECOND);
    assert_eq!(create_quota(&server, given.clone()).await.unwrap(), expected);

    // What is not given has a default, and an id is made.
    let small = v1::Quota {
        subject: subject(Type::Workspace, ""),
        unit: TOKENS.into(),
        limit_count: Some(0),
        period: v1::LimitPeriod::UntilReset.into(),
        ..Default::default()
    };
    let made = create_quota(&server, small).await.unwrap();
    let id = uuid::Uuid::parse_str(&made.quota_id).unwrap();
    assert_eq!(id.get_version_num(), 7);
    assert_eq!(made.subject, subject(Type::Workspace, ACME));
    assert_eq!((made.limit.clone(), made.limit_count), (None, Some(0)));
    assert_eq!(made.enforcement(), v1::Enforcement::Hard);
    assert_eq!(made.alert_threshold_percents, [50, 80, 100]);
    assert_eq!(made.window_start_time, after_start(1));
    assert!(!made.each_subject && !made.exempt && !made.no_alerts);
    assert_eq!(get_quota(&server, &made.quota_id).await.unwrap(), made);
    let ids = list(&server, v1::ListQuotasRequest::default()).await.0;
    assert_eq!(ids, [made.quota_id.as_str(), "team ü"]);
}

#[tokio::test]
async fn two_rules_for_the_same_are_refused_with_the_one_that_exists() {
    let server = acme().await;
    let quota = money_quota("first", Type::User, "ada", "1");
    create_quota(&server, quota.clone()).await.unwrap();
    let refused = [
        // The id is in use.
        v1::Quota { limit: Some(eur("2")), ..quota.clone() },
        count_quota("first", Type::User, "bob", TOKENS, 1),
        // Same subject, unit, period and model.
        v1::Quota { quota_id: "second".to_owned(), ..quota.clone() },
        enforced(v1::Enforcement::Soft, v1::Quota { quota_id: String::new(), ..quota.clone() }),
    ];
    for quota in refused {
        let status = create_quota(&server, quota).await.unwrap_err();
        let facts = [("resource", "quota"), ("id", "first")];
        assert_failed(&status, Code::AlreadyExists, "RESOURCE_EXISTS", &facts);
    }
    let others = [
        count_quota("2", Type::User, "ada", TOKENS, 1),
        count_quota("3", Type::User, "ada", REQUESTS, 1),
        during(v1::LimitPeriod::Week, money_quota("4", Type::User, "ada", "1")),
        v1::Quota { model_id: "big".to_owned(), ..money_quota("5", Type::User, "ada", "1") },
        money_quota("6", Type::User, "bob", "1"),
        money_quota("7", Type::Project, "ada", "1"),
        money_quota("8", Type::User, "", "1"),
    ];
    for quota in others {
        create_quota(&server, quota).await.unwrap();
    }
    let each = money_quota("9", Type::User, "", "5");
    let status = create_quota(&server, each).await.unwrap_err();
    assert_failed(&status, Code::AlreadyExists, "RESOURCE_EXISTS", &[("id", "8")]);
}

#[tokio::test]
async fn models_are_kept_by_their_id_and_must_be_known() {
    let server = acme().await;
    let model = v1::Model {
        model_id: "house".to_owned(),
        aliases: vec!["house-2026".to_owned()],
        ..Default::default()
    };
    let request = v1::UpsertModelRequest { model: Some(model) };
    server.catalog().upsert_model(request).await.unwrap();
    let quota = money_quota("q", Type::User, "ada", "1");
    let quota = v1::Quota { model_id: "house-2026".to_owned(), ..quota };
    assert_eq!(create_quota(&server, quota.clone()).await.unwrap().model_id, "house");
    // The alias names the same.
    create_quota(&server, quota.clone()).await.unwrap();
    for model_id in ["house", "house-2026"] {
        let request = v1::ListQuotasRequest { model_id: model_id.to_owned(), ..Default::default() };
        assert_eq!(list(&server, request).await.0, ["q"]);
    }
    let unknown = v1::Quota { model_id: "nobody".to_owned(), quota_id: "r".to_owned(), ..quota };
    let status = create_quota(&server, unknown).await.unwrap_err();
    assert_eq!(refused_fields(&status), ["quota.model_id"]);
    let no_group = money_quota("g", Type::KeyGroup, "nobody", "1");
    let status = create_quota(&server, no_group).await.unwrap_err();
    assert_eq!(refused_fields(&status), ["quota.subject.id"]);
}

#[tokio::test]
async fn another_currency_than_the_workspace_has_is_refused() {
    let server = acme().await;
    let dollars = Some(v1::Money { currency_code: "USD".to_owned(), ..eur("1") });
    let quota = money_quota("q", Type::User, "ada", "1");
    let wrong = v1::Quota { limit: dollars.clone(), ..quota.clone() };
    let status = create_quota(&server, wrong.clone()).await.unwrap_err();
    assert_eq!(refused_fields(&status), ["quota.limit.currency_code"]);
    create_quota(&server, quota).await.unwrap();
    let status = update_quota(&server, wrong, &[]).await.unwrap_err();
    assert_eq!(refused_fields(&status), ["quota.limit.currency_code"]);
    assert_eq!(amount(&get_quota(&server, "q").await.unwrap().limit), "1.00");
}

#[tokio::test]
async fn a_currency_stays_once_a_quota_has_money_in_it() {
    let server = Server::start().await;
    create_workspace(&server, ACME).await;
    let change = |currency: &str| v1::UpdateWorkspaceRequest {
        workspace: Some(v1::Workspace {
            workspace_id: ACME.to_owned(),
            currency_code: currency.to_owned(),
            ..Default::default()
        }),
        update_mask: None,
    };
    create_quota(&server, count_quota("t", Type::User, "", TOKENS, 1)).await.unwrap();
    server.workspace().update_workspace(change("USD")).await.unwrap();
    server.workspace().update_workspace(change("EUR")).await.unwrap();
    create_quota(&server, money_quota("m", Type::User, "", "1")).await.unwrap();
    let status = server.workspace().update_workspace(change("USD")).await.unwrap_err();
    assert_failed(&status, Code::FailedPrecondition, "CHANGE_NOT_ALLOWED", &[]);
    delete_quota(&server, "m").await.unwrap();
    server.workspace().update_workspace(change("USD")).await.unwrap();
}

#[tokio::test]
async fn an_update_changes_what_the_mask_names() {
    let server = acme().await;
    create_quota(&server, money_quota("q", Type::User, "ada", "1")).await.unwrap();
    server.clock.advance(MICROS_PER_SECOND);
    let named = v1::Quota { quota_id: "q".to_owned(), ..Default::default() };
    // What is given.
    let change = v1::Quota {
        limit: Some(eur("3")),
        display_name: "Ada".to_owned(),
        enforcement: v1::Enforcement::Shadow.into(),
        alert_threshold_percents: vec![90],
        ..named.clone()
    };
    let quota = update_quota(&server, change.clone(), &[]).await.unwrap();
    assert_eq!(amount(&quota.limit), "3.00");
    assert_eq!(quota.display_name, "Ada");
    assert_eq!(quota.enforcement(), v1::Enforcement::Shadow);
    assert_eq!(quota.alert_threshold_percents, [90]);
    assert_eq!((quota.create_time, quota.update_time), (after_start(0), after_start(1)));
    // What never changes is not looked at.
    let other = v1::Quota { unit: TOKENS.into(), each_subject: true, ..named.clone() };
    assert_eq!(update_quota(&server, other, &[]).await.unwrap(), quota);
    // Only what is named, also where it is empty.
    let quota = update_quota(&server, named.clone(), &["display_name"]).await.unwrap();
    assert_eq!((quota.display_name.as_str(), amount(&quota.limit)), ("", "3.00"));
    // Without alerts; without a word of which, the default.
    let none = v1::Quota { no_alerts: true, ..named.clone() };
    let quota = update_quota(&server, none, &[]).await.unwrap();
    assert!(quota.no_alerts && quota.alert_threshold_percents.is_empty());
    let quota = update_quota(&server, named.clone(), &["no_alerts"]).await.unwrap();
    assert_eq!(quota.alert_threshold_percents, [50, 80, 100]);
    // Excepted, and bounded again.
    let exempt = v1::Quota { exempt: true, ..named.clone() };
    let quota = update_quota(&server, exempt, &[]).await.unwrap();
    assert!(quota.exempt && quota.limit.is_none());
    let quota = update_quota(&server, change.clone(), &["*"]).await.unwrap();
    assert_eq!((amount(&quota.limit), quota.exempt), ("3.00", false));
    assert_eq!(quota.enforcement(), v1::Enforcement::Shadow);

    // A limit must stay, in its unit.
    for (change, mask, field) in [
        (named.clone(), &["limit"][..], "quota.limit"),
        (named.clone(), &["*"], "quota.limit"),
        (v1::Quota { limit_count: Some(1), ..named.clone() }, &[], "quota.limit_count"),
        (v1::Quota { exempt: true, ..change.clone() }, &["exempt", "limit"], "quota.limit"),
        (v1::Quota { no_alerts: true, ..change.clone() }, &[], "quota.alert_threshold_percents"),
        (v1::Quota { unit: 1, ..named.clone() }, &["unit"], "update_mask"),
        (v1::Quota { quota_id: String::new(), ..change.clone() }, &[], "quota.quota_id"),
        (v1::Quota { display_name: chars(201), ..named.clone() }, &[], "quota.display_name"),
        (v1::Quota { enforcement: 9, ..named.clone() }, &[], "quota.enforcement"),
        (v1::Quota { limit: Some(eur("-1")), ..named.clone() }, &[], "quota.limit.amount"),
    ] {
        let status = update_quota(&server, change, mask).await.unwrap_err();
        assert_eq!(refused_fields(&status), [field], "{mask:?}");
    }
    create_quota(&server, count_quota("t", Type::User, "", TOKENS, 1)).await.unwrap();
    let tokens = v1::Quota { quota_id: "t".to_owned(), ..Default::default() };
    for (change, field) in [
        (v1::Quota { limit: Some(eur("1")), ..tokens.clone() }, "quota.limit"),
        (v1::Quota { exempt: true, ..tokens.clone() }, "quota.exempt"),
    ] {
        let status = update_quota(&server, change, &[]).await.unwrap_err();
        assert_eq!(refused_fields(&status), [field]);
    }
    let change = v1::Quota { limit_count: Some(7), ..tokens };
    assert_eq!(update_quota(&server, change, &["*"]).await.unwrap().limit_count, Some(7));
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let server = acme().await;
    create_quota(&server, money_quota("q", Type::User, "ada", "1")).await.unwrap();
    delete_quota(&server, "q").await.unwrap();
    let change = v1::Quota { limit: Some(eur("1")), ..money_quota("q", Type::User, "", "1") };
    for status in [
        delete_quota(&server, "q").await.unwrap_err(),
        get_quota(&server, "q").await.unwrap_err(),
        reset_quota(&server, "q").await.unwrap_err(),
        update_quota(&server, change, &[]).await.unwrap_err(),
    ] {
        let facts = [("resource", "quota"), ("id", "q")];
        assert_failed(&status, Code::NotFound, "RESOURCE_NOT_FOUND", &facts);
    }
    let request = v1::ListQuotasRequest { workspace_id: "nobody".to_owned(), ..Default::default() };
    let status = server.quota().list_quotas(request).await.unwrap_err();
    assert_failed(&status, Code::NotFound, "WORKSPACE_NOT_FOUND", &[("workspace_id", "nobody")]);
}

#[tokio::test]
async fn quotas_are_listed_by_id_in_pages_and_by_filter() {
    let server = acme().await;
    for id in ["a", "b", "c", "d", "e"] {
        create_quota(&server, money_quota(id, Type::User, id, "1")).await.unwrap();
    }
    let each = v1::Quota { model_id: "big".to_owned(), ..money_quota("f", Type::User, "", "1") };
    create_quota(&server, each).await.unwrap();
    create_quota(&server, money_quota("g", Type::Project, "a", "1")).await.unwrap();
    let mut ids = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = v1::ListQuotasRequest { page_size: 3, page_token, ..Default::default() };
        let (page, next) = list(&server, request).await;
        assert!((1..=3).contains(&page.len()));
        ids.extend(page);
        page_token = next;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(ids, ["a", "b", "c", "d", "e", "f", "g"]);
    for (subject, model_id, expected) in [
        (subject(Type::User, ""), "", &["a", "b", "c", "d", "e", "f"][..]),
        (subject(Type::User, "a"), "", &["a"]),
        (subject(Type::Project, "a"), "", &["g"]),
        (subject(Type::Workspace, ACME), "", &[]),
        (None, "big", &["f"]),
        (subject(Type::User, "a"), "big", &[]),
    ] {
        let model_id = model_id.to_owned();
        let request = v1::ListQuotasRequest { subject, model_id, ..Default::default() };
        assert_eq!(list(&server, request).await.0, expected);
    }
}

// -- What is refused.

fn quota_in(request: &mut v1::CreateQuotaRequest) -> &mut v1::Quota {
    request.quota.as_mut().unwrap()
}

fn subject_in(request: &mut v1::CreateQuotaRequest) -> &mut v1::Subject {
    quota_in(request).subject.as_mut().unwrap()
}

/// What is wrong with a new quota.
const NEW_QUOTAS: &[Row<v1::CreateQuotaRequest>] = &[
    ("workspace_id", |r| r.workspace_id = String::new()),
    ("quota", |r| r.quota = None),
    ("quota.quota_id", |r| quota_in(r).quota_id = chars(129)),
    ("quota.quota_id", |r| quota_in(r).quota_id = "a\nb".to_owned()),
    ("quota.subject", |r| quota_in(r).subject = None),
    ("quota.subject.type", |r| subject_in(r).r#type = 0),
    ("quota.subject.type", |r| subject_in(r).r#type = Type::Model.into()),
    ("quota.subject.type", |r| subject_in(r).r#type = 99),
    ("quota.subject.id", |r| subject_in(r).id = String::new()),
    ("quota.subject.id", |r| subject_in(r).id = chars(129)),
    ("quota.subject.id", |r| subject_in(r).id = "a\0".to_owned()),
    ("quota.subject.id", |r| quota_in(r).each_subject = true),
    ("quota.subject.id", |r| subject_in(r).r#type = Type::Workspace.into()),
    ("quota.each_subject", |r| {
        quota_in(r).subject = subject(Type::Workspace, ACME);
        quota_in(r).each_subject = true;
    }),
    ("quota.model_id", |r| quota_in(r).model_id = chars(257)),
    ("quota.unit", |r| quota_in(r).unit = 0),
    ("quota.unit", |r| quota_in(r).unit = 4),
    ("quota.unit", |r| quota_in(r).unit = 5),
    ("quota.limit", |r| quota_in(r).limit = None),
    ("quota.limit", |r| quota_in(r).exempt = true),
    ("quota.limit.amount", |r| quota_in(r).limit = Some(eur("-1"))),
    ("quota.limit.amount", |r| quota_in(r).limit = Some(eur("1000000000.000000001"))),
    ("quota.limit.amount", |r| quota_in(r).limit = Some(eur("1e3"))),
    ("quota.limit.currency_code", |r| {
        quota_in(r).limit = Some(v1::Money { currency_code: "eur".to_owned(), ..eur("1") });
    }),
    ("quota.limit_count", |r| quota_in(r).limit_count = Some(1)),
    ("quota.limit", |r| {
        quota_in(r).unit = TOKENS.into();
        quota_in(r).limit_count = Some(1);
    }),
    ("quota.limit_count", |r| {
        quota_in(r).unit = REQUESTS.into();
        quota_in(r).limit = None;
    }),
    ("quota.limit_count", |r| {
        *quota_in(r) = count_quota("q", Type::User, "ada", TOKENS, -1);
    }),
    ("quota.limit_count", |r| {
        *quota_in(r) = count_quota("q", Type::User, "ada", TOKENS, 1_000_000_000_000_001);
    }),
    ("quota.exempt", |r| {
        let quota = money_quota("q", Type::User, "", "1");
        r.quota = Some(v1::Quota { limit: None, exempt: true, ..quota });
    }),
    ("quota.exempt", |r| {
        let quota = money_quota("q", Type::Workspace, "", "1");
        r.quota = Some(v1::Quota { limit: None, exempt: true, ..quota });
    }),
    ("quota.period", |r| quota_in(r).period = 0),
    ("quota.period", |r| quota_in(r).period = v1::LimitPeriod::SlidingMinute.into()),
    ("quota.period", |r| quota_in(r).period = v1::LimitPeriod::SlidingDay.into()),
    ("quota.enforcement", |r| quota_in(r).enforcement = 5),
    ("quota.alert_threshold_percents", |r| {
        quota_in(r).alert_threshold_percents = vec![1; 17];
    }),
    ("quota.alert_threshold_percents", |r| {
        quota_in(r).alert_threshold_percents = vec![1];
        quota_in(r).no_alerts = true;
    }),
    ("quota.alert_threshold_percents[0]", |r| {
        quota_in(r).alert_threshold_percents = vec![0, 1];
    }),
    ("quota.alert_threshold_percents[1]", |r| {
        quota_in(r).alert_threshold_percents = vec![1_000, 1_001];
    }),
    ("quota.display_name", |r| quota_in(r).display_name = chars(201)),
    ("quota.window_start_time", |r| quota_in(r).window_start_time = after_start(0)),
    ("quota.window_start_time", |r| {
        quota_in(r).period = v1::LimitPeriod::UntilReset.into();
        quota_in(r).window_start_time = after_start(1);
    }),
    ("quota.window_start_time", |r| {
        quota_in(r).period = v1::LimitPeriod::UntilReset.into();
        quota_in(r).window_start_time = after_start(-366 * 86_400 - 1);
    }),
    ("quota.window_start_time", |r| {
        quota_in(r).period = v1::LimitPeriod::UntilReset.into();
        quota_in(r).window_start_time = Some(Timestamp { seconds: 0, nanos: -1 });
    }),
];

#[tokio::test]
async fn every_bound_of_a_new_quota() {
    let server = acme().await;
    let quota = Some(money_quota("q", Type::User, "ada", "1"));
    let good = v1::CreateQuotaRequest { workspace_id: ACME.to_owned(), quota };
    refuse(good.clone(), NEW_QUOTAS, async |r| server.quota().create_quota(r).await).await;
    assert_eq!(list(&server, v1::ListQuotasRequest::default()).await.0, [""; 0]);
    // What is just inside is taken.
    let quota = v1::Quota {
        quota_id: chars(128),
        subject: subject(Type::Assistant, &chars(128)),
        limit: Some(eur("1000000000")),
        period: v1::LimitPeriod::UntilReset.into(),
        alert_threshold_percents: (985..=1_000).collect(),
        display_name: chars(200),
        window_start_time: after_start(-366 * 86_400),
        ..good.quota.unwrap()
    };
    create_quota(&server, quota).await.unwrap();
    let most = count_quota("c", Type::User, "ada", TOKENS, 1_000_000_000_000_000);
    create_quota(&server, most).await.unwrap();

    // All at once.
    let quota = v1::Quota { limit_count: Some(-1), ..Default::default() };
    let status = create_quota(&server, quota).await.unwrap_err();
    let fields = ["quota.subject", "quota.unit", "quota.limit_count", "quota.period"];
    assert_eq!(refused_fields(&status), fields);
}

#[tokio::test]
async fn every_bound_of_the_other_calls() {
    let server = acme().await;
    let get = v1::GetQuotaRequest { workspace_id: ACME.to_owned(), quota_id: "q".to_owned() };
    let rows: &[Row<v1::GetQuotaRequest>] = &[
        ("workspace_id", |r| r.workspace_id = chars(64)),
        ("quota_id", |r| r.quota_id = String::new()),
        ("quota_id", |r| r.quota_id = chars(129)),
    ];
    refuse(get, rows, async |r| server.quota().get_quota(r).await).await;
    let delete = v1::DeleteQuotaRequest { workspace_id: ACME.to_owned(), quota_id: "q".to_owned() };
    let rows: &[Row<v1::DeleteQuotaRequest>] = &[
        ("workspace_id", |r| r.workspace_id = String::new()),
        ("quota_id", |r| r.quota_id = "\t".to_owned()),
    ];
    refuse(delete, rows, async |r| server.quota().delete_quota(r).await).await;
    let reset = v1::ResetQuotaRequest { workspace_id: ACME.to_owned(), quota_id: "q".to_owned() };
    let rows: &[Row<v1::ResetQuotaRequest>] = &[
        ("workspace_id", |r| r.workspace_id = String::new()),
        ("quota_id", |r| r.quota_id = String::new()),
    ];
    refuse(reset, rows, async |r| server.quota().reset_quota(r).await).await;
    let good = v1::ListQuotasRequest { workspace_id: ACME.to_owned(), ..Default::default() };
    let rows: &[Row<v1::ListQuotasRequest>] = &[
        ("workspace_id", |r| r.workspace_id = String::new()),
        ("subject.type", |r| r.subject = Some(v1::Subject::default())),
        ("subject.id", |r| r.subject = subject(Type::User, &chars(129))),
        ("subject.id", |r| r.subject = subject(Type::Workspace, "other")),
        ("model_id", |r| r.model_id = chars(257)),
        ("page_size", |r| r.page_size = -1),
        ("page_token", |r| r.page_token = "00".to_owned()),
    ];
    refuse(good, rows, async |r| server.quota().list_quotas(r).await).await;
    let good = v1::ListQuotaUsageRequest { workspace_id: ACME.to_owned(), ..Default::default() };
    let rows: &[Row<v1::ListQuotaUsageRequest>] = &[
        ("workspace_id", |r| r.workspace_id = String::new()),
        ("quota_id", |r| r.quota_id = chars(129)),
        ("subject.type", |r| r.subject = subject(Type::Model, "big")),
        ("page_size", |r| r.page_size = -1),
        ("page_token", |r| r.page_token = "é".to_owned()),
    ];
    refuse(good, rows, async |r| server.quota().list_quota_usage(r).await).await;
}

// -- What they do.

#[tokio::test]
async fn each_enforcement_does_what_it_says() {
    let server = acme().await;
    for (enforcement, expected, blocking, reason) in [
        (v1::Enforcement::Hard, Blocked, true, v1::Reason::RequestTooLarge),
        (v1::Enforcement::Soft, Allowed, false, v1::Reason::RequestTooLarge),
        (v1::Enforcement::Shadow, Allowed, false, v1::Reason::RequestTooLarge),
        (v1::Enforcement::Downgrade, Routed, true, v1::Reason::RequestTooLarge),
    ] {
        let quota = enforced(enforcement, money_quota("q", Type::User, "ada", "1.99"));
        create_quota(&server, quota).await.unwrap();
        let answer = ask(&server, check_for("r-1", "big", user("ada"))).await;
        assert_eq!(answer.decision(), expected, "{enforcement:?}");
        let verdict = answer.verdicts.iter().find(|verdict| verdict.limit_id == "q").unwrap();
        assert_eq!((verdict.blocking, verdict.reason()), (blocking, reason), "{enforcement:?}");
        assert_eq!(verdict.enforcement(), enforcement);
        // Others are not concerned, nor is who is not named.
        assert_eq!(decision(&server, "r-2", user("bob")).await, Allowed);
        assert_eq!(ask(&server, check("r-3", "big")).await.decision(), Allowed);
        delete_quota(&server, "q").await.unwrap();
        for id in ["r-1", "r-2", "r-3"] {
            if id != "r-1" || expected != Blocked {
                release(&server, id).await;
            }
        }
    }
}

#[tokio::test]
async fn a_downgrade_takes_the_next_cheaper_model() {
    let server = acme().await;
    let quota = v1::Quota { model_id: "big".to_owned(), ..money_quota("q", Type::User, "", "3") };
    create_quota(&server, enforced(v1::Enforcement::Downgrade, quota)).await.unwrap();
    assert_eq!(decision(&server, "r-1", user("ada")).await, Allowed);
    let answer = ask(&server, check_for("r-2", "big", user("ada"))).await;
    assert_eq!((answer.decision(), answer.model_id.as_str()), (Routed, "small"));
    assert_eq!(answer.reason(), v1::Reason::Downgrade);
    assert_eq!(amount(&answer.held), "0.20");
    // Without fallback it blocks.
    let request = v1::SetAutomaticFallbackRequest { workspace_id: ACME.to_owned(), enabled: false };
    server.budget().set_automatic_fallback(request).await.unwrap();
    let answer = ask(&server, check_for("r-3", "big", user("ada"))).await;
    assert_eq!((answer.decision(), answer.reason()), (Blocked, v1::Reason::Downgrade));
}

#[tokio::test]
async fn each_unit_is_counted() {
    let server = acme().await;
    let quotas = [
        (money_quota("m", Type::User, "ada", "4"), user("ada")),
        (count_quota("t", Type::Project, "p", TOKENS, 300_000), of(Type::Project, "p")),
        (count_quota("r", Type::Department, "d", REQUESTS, 2), of(Type::Department, "d")),
    ];
    for (quota, whom) in quotas {
        let id = quota.quota_id.clone();
        create_quota(&server, quota).await.unwrap();
        // One spent, one held: full.
        spend(&server, &format!("{id}-1"), "big", whom.clone()).await;
        assert_eq!(decision(&server, &format!("{id}-2"), whom.clone()).await, Allowed);
        let answer = ask(&server, check_for(&format!("{id}-3"), "big", whom.clone())).await;
        assert_eq!((answer.decision(), answer.reason()), (Blocked, v1::Reason::HeldInFlight));
        let verdict = only(&answer);
        assert_eq!((verdict.limit_kind(), verdict.limit_id.as_str()), (v1::LimitKind::Quota, &*id));
        if id == "m" {
            assert_eq!(verdict.unit(), v1::LimitUnit::Money);
            let figures = [&verdict.limit, &verdict.spent, &verdict.held, &verdict.need];
            assert_eq!(figures.map(amount), ["4.00", "2.00", "2.00", "2.00"]);
        } else {
            let each = if id == "t" { 150_000 } else { 1 };
            let figures =
                [verdict.limit_count, verdict.spent_count, verdict.held_count, verdict.need_count];
            assert_eq!(figures, [2 * each, each, each, each]);
        }
        // The one in flight gives back what it holds.
        release(&server, &format!("{id}-2")).await;
        assert_eq!(decision(&server, &format!("{id}-3"), whom.clone()).await, Allowed);
        spend(&server, &format!("{id}-3"), "big", whom.clone()).await;
        let answer = ask(&server, check_for(&format!("{id}-4"), "big", whom)).await;
        assert_eq!((answer.decision(), answer.reason()), (Blocked, v1::Reason::Exhausted));
        assert_eq!(only(&answer).reset_time, after_start(12 * 3_600));
    }
}

#[tokio::test]
async fn each_period_ends_by_the_clock() {
    let server = acme().await;
    set_plan(&server, "1000", "0", "2026-01-10").await.unwrap();
    // From a Sunday noon: the day and the week end at midnight.
    for (index, (period, ends_after)) in [
        (v1::LimitPeriod::Day, 12 * MICROS_PER_HOUR),
        (v1::LimitPeriod::Week, 7 * MICROS_PER_DAY),
        // From Monday of the week after: to April 1st and 10th.
        (v1::LimitPeriod::Month, 9 * MICROS_PER_DAY),
        (v1::LimitPeriod::Cycle, 9 * MICROS_PER_DAY),
    ]
    .into_iter()
    .enumerate()
    {
        let (ada, id) = (user(&format!("ada-{index}")), format!("q-{index}"));
        let quota = during(period, money_quota(&id, Type::User, &ada.user_id, "2"));
        create_quota(&server, quota).await.unwrap();
        let id = |request: &str| format!("{request}-{index}");
        spend(&server, &id("spent"), "big", ada.clone()).await;
        let answer = ask(&server, check_for(&id("r"), "big", ada.clone())).await;
        assert_eq!((answer.decision(), answer.reason()), (Blocked, v1::Reason::Exhausted));
        assert_eq!(only(&answer).period(), period);
        server.clock.advance(ends_after - 1);
        assert_eq!(decision(&server, &id("r"), ada.clone()).await, Blocked, "{period:?}");
        server.clock.advance(1);
        let reset = only(&answer).reset_time.unwrap();
        assert_eq!(reset.seconds * 1_000_000, server.clock.micros(), "{period:?}");
        assert_eq!(decision(&server, &id("r"), ada).await, Allowed, "{period:?}");
    }
}

#[tokio::test]
async fn a_quota_until_reset_begins_anew_when_it_is_told() {
    let server = acme().await;
    let quota = during(v1::LimitPeriod::UntilReset, money_quota("q", Type::User, "", "2"));
    create_quota(&server, quota).await.unwrap();
    for name in ["ada", "bob"] {
        spend(&server, &format!("{name}-1"), "big", user(name)).await;
    }
    server.clock.advance(90 * MICROS_PER_DAY);
    let answer = ask(&server, check_for("r-1", "big", user("ada"))).await;
    assert_eq!((answer.decision(), answer.reason()), (Blocked, v1::Reason::Exhausted));
    let verdict = answer.verdicts.iter().find(|verdict| verdict.limit_id == "q").unwrap();
    assert_eq!((verdict.reset_time, verdict.retry_after), (None, None));
    // For all its subjects.
    let reset = reset_quota(&server, "q").await.unwrap();
    assert_eq!(reset.window_start_time, after_start(90 * 86_400));
    for name in ["ada", "bob"] {
        assert_eq!(decision(&server, &format!("{name}-2"), user(name)).await, Allowed);
    }
    // Those that the clock ends are not reset by hand.
    create_quota(&server, money_quota("d", Type::User, "ada", "9")).await.unwrap();
    let status = reset_quota(&server, "d").await.unwrap_err();
    assert_failed(&status, Code::FailedPrecondition, "CHANGE_NOT_ALLOWED", &[]);
}

#[tokio::test]
async fn a_quota_counts_what_was_spent_before_it_was_created() {
    let server = acme().await;
    spend(&server, "old", "big", user("ada")).await;
    server.clock.advance(20 * MICROS_PER_HOUR);
    for request in ["r-1", "r-2"] {
        spend(&server, request, "big", user("ada")).await;
    }
    ask(&server, check_for("held", "big", user("ada"))).await;
    // Today, this month, since a time, and from now on.
    let since = |seconds| v1::Quota {
        window_start_time: after_start(seconds),
        ..during(v1::LimitPeriod::UntilReset, money_quota("", Type::User, "ada", "100"))
    };
    for (quota, spent) in [
        (money_quota("", Type::User, "ada", "100"), "4.00"),
        (during(v1::LimitPeriod::Month, money_quota("", Type::User, "", "100")), "6.00"),
        (since(0), "6.00"),
        (since(1), "4.00"),
        (during(v1::LimitPeriod::Day, money_quota("", Type::Workspace, "", "100")), "4.00"),
    ] {
        let made = create_quota(&server, quota).await.unwrap();
        let usages = quota_usage(&server).await;
        let usage = usages.iter().find(|usage| usage.quota_id == made.quota_id).unwrap();
        assert_eq!(amount(&usage.spent), spent, "{made:?}");
        assert_eq!(amount(&usage.held), "2.00", "{made:?}");
        delete_quota(&server, &made.quota_id).await.unwrap();
    }
}

#[tokio::test]
async fn a_change_takes_effect_at_the_next_check() {
    let server = acme().await;
    let ada = || user("ada");
    create_quota(&server, money_quota("q", Type::User, "ada", "2")).await.unwrap();
    assert_eq!(decision(&server, "r-1", ada()).await, Allowed);
    assert_eq!(decision(&server, "r-2", ada()).await, Blocked);
    let limit = |limit: &str| money_quota("q", Type::User, "ada", limit);
    // Raised while r-1 is in flight.
    update_quota(&server, limit("4"), &["limit"]).await.unwrap();
    assert_eq!(decision(&server, "r-2", ada()).await, Allowed);
    // Lowered below what is held: what runs goes on, and is charged.
    update_quota(&server, limit("1"), &["limit"]).await.unwrap();
    assert_eq!(decision(&server, "r-3", ada()).await, Blocked);
    spend(&server, "r-1", "big", ada()).await;
    spend(&server, "r-2", "big", ada()).await;
    let usage = &quota_usage(&server).await[0];
    let figures = [&usage.limit, &usage.spent, &usage.held, &usage.remaining].map(amount);
    assert_eq!(figures, ["1.00", "4.00", "0.00", "-3.00"]);
    assert!((usage.utilization - 4.0).abs() < 1e-12);
    // Softer, and harder again.
    let softer = enforced(v1::Enforcement::Soft, limit("1"));
    update_quota(&server, softer, &["enforcement"]).await.unwrap();
    assert_eq!(decision(&server, "r-3", ada()).await, Allowed);
    let harder = enforced(v1::Enforcement::Hard, limit("1"));
    update_quota(&server, harder, &["enforcement"]).await.unwrap();
    assert_eq!(decision(&server, "r-4", ada()).await, Blocked);
    // Zero is a limit, none is not.
    update_quota(&server, limit("0"), &["limit"]).await.unwrap();
    assert_eq!(decision(&server, "r-4", ada()).await, Blocked);
    delete_quota(&server, "q").await.unwrap();
    assert_eq!(decision(&server, "r-4", ada()).await, Allowed);
    // What was used stays in the log: made again, it counts from there.
    create_quota(&server, limit("6")).await.unwrap();
    assert_eq!(decision(&server, "r-5", ada()).await, Blocked);
}

#[tokio::test]
async fn each_member_has_its_own_and_exceptions_take_its_place() {
    let server = acme().await;
    create_quota(&server, money_quota("each", Type::User, "", "2")).await.unwrap();
    create_quota(&server, money_quota("vip", Type::User, "vip", "6")).await.unwrap();
    let exempt =
        v1::Quota { limit: None, exempt: true, ..money_quota("free", Type::User, "free", "0") };
    let made = create_quota(&server, exempt).await.unwrap();
    assert!(made.exempt && made.limit.is_none());
    for (name, admitted) in [("ada", 1), ("bob", 1), ("vip", 3), ("free", 4)] {
        for index in 0..4 {
            let answer =
                ask(&server, check_for(&format!("{name}-{index}"), "big", user(name))).await;
            let expected = if index < admitted { Allowed } else { Blocked };
            assert_eq!(answer.decision(), expected, "{name} {index}");
            if expected == Blocked {
                let limit_id = if name == "vip" { "vip" } else { "each" };
                assert_eq!(limit_ids(&answer.verdicts), [limit_id]);
                assert_eq!(only(&answer).subject, subject(Type::User, name));
            }
        }
    }
    // Of another unit, period or model it takes nothing's place.
    create_quota(&server, count_quota("tokens", Type::User, "ada", TOKENS, 1_000_000))
        .await
        .unwrap();
    assert_eq!(decision(&server, "ada-x", user("ada")).await, Blocked);
    // Without the exception the rule for each counts what was used meanwhile.
    delete_quota(&server, "free").await.unwrap();
    assert_eq!(decision(&server, "free-x", user("free")).await, Blocked);
    let usages = quota_usage(&server).await;
    let of_free = usages.iter().find(|usage| usage.subject == subject(Type::User, "free")).unwrap();
    assert_eq!((of_free.quota_id.as_str(), amount(&of_free.held)), ("each", "8.00"));
}

#[tokio::test]
async fn every_kind_of_subject_is_bounded() {
    let server = acme().await;
    create_group(&server, "g").await.unwrap();
    register(&server, key("in-g", "g")).await.unwrap();
    let kinds = [Type::Department, Type::User, Type::ApiKey, Type::Project, Type::Assistant];
    for kind in kinds {
        let id = format!("{kind:?}");
        create_quota(&server, money_quota(&id, kind, "x", "2")).await.unwrap();
        assert_eq!(decision(&server, &format!("{id}-1"), of(kind, "x")).await, Allowed);
        let answer = ask(&server, check_for(&format!("{id}-2"), "big", of(kind, "x"))).await;
        assert_eq!(limit_ids(&answer.verdicts), [id.as_str()]);
        assert_eq!(only(&answer).subject, subject(kind, "x"));
        assert_eq!(decision(&server, &format!("{id}-3"), of(kind, "y")).await, Allowed);
    }
    create_quota(&server, money_quota("group", Type::KeyGroup, "g", "2")).await.unwrap();
    assert_eq!(decision(&server, "g-1", of(Type::ApiKey, "in-g")).await, Allowed);
    let answer = ask(&server, check_for("g-2", "big", of(Type::ApiKey, "in-g"))).await;
    assert_eq!(only(&answer).subject, subject(Type::KeyGroup, "g"));
    // Eleven are held so far, one by each.
    create_quota(&server, money_quota("all", Type::Workspace, "", "22")).await.unwrap();
    let answer = ask(&server, check("w-1", "big")).await;
    assert_eq!(only(&answer).subject, subject(Type::Workspace, ACME));
    assert_eq!(amount(&only(&answer).held), "22.00");
}

#[tokio::test]
async fn a_quota_of_one_model_counts_that_model_only() {
    let server = acme().await;
    let quota = v1::Quota { model_id: "big".to_owned(), ..money_quota("q", Type::User, "", "2") };
    create_quota(&server, quota).await.unwrap();
    spend(&server, "r-1", "big", user("ada")).await;
    let answer = ask(&server, check_for("r-2", "big", user("ada"))).await;
    assert_eq!((answer.decision(), only(&answer).model_id.as_str()), (Blocked, "big"));
    let answer = ask(&server, check_for("r-2", "small", user("ada"))).await;
    assert_eq!(answer.decision(), Allowed);
    assert_eq!(amount(&quota_usage(&server).await[0].held), "0.00");
}

#[tokio::test]
async fn a_restart_keeps_what_quotas_count() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_in(folder.path(), Default::default(), Config::default()).await;
    set_up(&server).await;
    create_quota(&server, money_quota("each", Type::User, "", "6")).await.unwrap();
    let reset = during(
        v1::LimitPeriod::UntilReset,
        count_quota("ever", Type::Project, "p", TOKENS, 450_000),
    );
    create_quota(&server, reset).await.unwrap();
    let whom = v1::Attribution { project_id: "p".to_owned(), ..user("ada") };
    spend(&server, "r-1", "big", whom.clone()).await;
    ask(&server, check_for("r-2", "big", whom.clone())).await;
    let before = quota_usage(&server).await;
    let clock = server.clock.clone();
    server.stop().await.unwrap();

    let server = Server::start_in(folder.path(), clock, Config::default()).await;
    assert_eq!(quota_usage(&server).await, before);
    assert_eq!(get_quota(&server, "ever").await.unwrap().limit_count, Some(450_000));
    assert_eq!(decision(&server, "r-3", whom.clone()).await, Allowed);
    let answer = ask(&server, check_for("r-4", "big", whom.clone())).await;
    assert_eq!(limit_ids(&answer.verdicts), ["each", "ever"]);
    // The hold of before is settled in what it was held in.
    spend(&server, "r-2", "big", whom).await;
    let usages = quota_usage(&server).await;
    let each = usages.iter().find(|usage| usage.quota_id == "each").unwrap();
    assert_eq!([&each.spent, &each.held].map(amount), ["4.00", "2.00"]);
    let ever = usages.iter().find(|usage| usage.quota_id == "ever").unwrap();
    assert_eq!((ever.spent_count, ever.held_count), (300_000, 150_000));
}

#[tokio::test]
async fn usage_is_listed_most_utilised_first_in_pages() {
    let server = acme().await;
    set_plan(&server, "1000000", "0", "2026-01-01").await.unwrap();
    create_quota(&server, money_quota("each", Type::User, "", "1000")).await.unwrap();
    create_quota(&server, money_quota("u-007", Type::User, "u-007", "4")).await.unwrap();
    let records: Vec<v1::RecordUsageRequest> = (0..300)
        .flat_map(|user| (0..=user % 3).map(move |index| (user, index)))
        .map(|(index, request)| v1::RecordUsageRequest {
            attribution: Some(user(&format!("u-{index:03}"))),
            ..record(&format!("{index}-{request}"), "big")
        })
        .collect();
    let request = v1::RecordUsageBatchRequest { records };
    server.usage().record_usage_batch(request).await.unwrap();
    let mut usages: Vec<v1::QuotaUsage> = Vec::new();
    let mut page_token = String::new();
    let ask_for = v1::ListQuotaUsageRequest {
        workspace_id: ACME.to_owned(),
        page_size: 70,
        ..Default::default()
    };
    loop {
        let request = v1::ListQuotaUsageRequest { page_token, ..ask_for.clone() };
        let page = server.quota().list_quota_usage(request).await.unwrap().into_inner();
        assert!((1..=70).contains(&page.usages.len()));
        usages.extend(page.usages);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let id = |usage: &v1::QuotaUsage| usage.subject.as_ref().unwrap().id.clone();
    assert!(usages.is_sorted_by(|a, b| {
        a.utilization > b.utilization
            || (a.utilization == b.utilization && (&a.quota_id, id(a)) < (&b.quota_id, id(b)))
    }));
    // Her own quota, which is used up and takes the place of the other, and one for each else.
    assert_eq!((usages[0].quota_id.as_str(), usages[0].utilization), ("u-007", 1.0));
    let of_each = usages.iter().filter(|usage| usage.quota_id == "each");
    let ids: std::collections::BTreeSet<String> = of_each.clone().map(id).collect();
    assert_eq!(ids.len(), of_each.count());
    assert_eq!(ids.len(), 299);
    let first = usages.iter().find(|usage| usage.quota_id == "each").unwrap();
    assert_eq!((id(first).as_str(), amount(&first.spent)), ("u-002", "6.00"));
    assert_eq!(amount(&first.remaining), "994.00");
    assert_eq!(first.reset_time, after_start(12 * 3_600));
    assert_eq!(first.window_start_time, after_start(-12 * 3_600));

    // By filter; a token of another one is refused.
    let one = v1::ListQuotaUsageRequest {
        subject: subject(Type::User, "u-002"),
        page_token: String::new(),
        ..ask_for.clone()
    };
    let page = server.quota().list_quota_usage(one.clone()).await.unwrap().into_inner();
    assert_eq!(page.usages.iter().map(id).collect::<Vec<_>>(), ["u-002"]);
    let by_quota = v1::ListQuotaUsageRequest { quota_id: "u-007".to_owned(), ..ask_for.clone() };
    let page = server.quota().list_quota_usage(by_quota).await.unwrap().into_inner();
    assert_eq!(page.usages.len(), 1);
    let page = server.quota().list_quota_usage(ask_for).await.unwrap().into_inner();
    let status = server
        .quota()
        .list_quota_usage(v1::ListQuotaUsageRequest { page_token: page.next_page_token, ..one })
        .await
        .unwrap_err();
    assert_eq!(refused_fields(&status), ["page_token"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn callers_at_once_never_pass_any_of_many_limits() {
    let server = acme().await;
    set_plan(&server, "1000000", "0", "2026-01-01").await.unwrap();
    create_group(&server, "g").await.unwrap();
    register(&server, key("k", "g")).await.unwrap();
    let everybody = v1::Attribution {
        user_id: "ada".to_owned(),
        department_id: "d".to_owned(),
        api_key_id: "k".to_owned(),
        project_id: "p".to_owned(),
        assistant_id: "a".to_owned(),
        ..Default::default()
    };
    // Sixteen limits; the narrowest has room for 37.
    let kinds = [
        (Type::Department, "d"),
        (Type::User, "ada"),
        (Type::ApiKey, "k"),
        (Type::KeyGroup, "g"),
        (Type::Project, "p"),
        (Type::Assistant, "a"),
        (Type::Workspace, ""),
    ];
    for (index, (kind, subject_id)) in kinds.into_iter().enumerate() {
        let limit = format!("{}", 100 + index);
        create_quota(&server, money_quota(&format!("m-{index}"), kind, subject_id, &limit))
            .await
            .unwrap();
        let subject_id = if kind == Type::Workspace { "" } else { subject_id };
        let most = if kind == Type::Project { 37 } else { 40 };
        create_quota(&server, count_quota(&format!("r-{index}"), kind, subject_id, REQUESTS, most))
            .await
            .unwrap();
    }
    let asked = (0..400).map(|index| {
        let request = check_for(&format!("c-{index}"), "big", everybody.clone());
        let mut client = server.usage();
        async move { client.check_and_route(request).await.unwrap().into_inner() }
    });
    let answers = futures_util::future::join_all(asked).await;
    let admitted = answers.iter().filter(|answer| answer.decision() == Allowed).count();
    assert_eq!(admitted, 37);
    for usage in quota_usage(&server).await {
        match usage.unit() {
            v1::LimitUnit::Money => assert_eq!(amount(&usage.held), "74.00"),
            _ => assert_eq!(usage.held_count, 37),
        }
    }
}

#[tokio::test]
async fn days_end_at_local_midnight_and_another_zone_cuts_them_anew() {
    let server = acme().await;
    create_quota(&server, money_quota("q", Type::User, "", "2")).await.unwrap();
    server.clock.advance(10 * MICROS_PER_HOUR);
    spend(&server, "r-1", "big", user("ada")).await;
    server.clock.advance(MICROS_PER_HOUR + MICROS_PER_HOUR / 2);
    let zone = async |time_zone: &str| {
        let workspace = v1::Workspace {
            workspace_id: ACME.to_owned(),
            time_zone: time_zone.to_owned(),
            ..Default::default()
        };
        let request = v1::UpdateWorkspaceRequest { workspace: Some(workspace), update_mask: None };
        server.workspace().update_workspace(request).await.unwrap();
        let question = v1::CheckAndRouteRequest {
            dry_run: true,
            explain: true,
            ..check_for("why", "big", user("ada"))
        };
        let answer = ask(&server, question).await;
        let limit = answer.limits.iter().find(|limit| limit.limit_id == "q").unwrap();
        let spent = amount(&limit.spent).to_owned();
        (answer.decision(), spent, limit.reset_time.unwrap().seconds)
    };
    let ends = |seconds: i64| after_start(seconds).unwrap().seconds;
    // She spent at 22:00 in Greenwich; it is 23:30 there.
    assert_eq!(zone("UTC").await, (Blocked, "2.00".to_owned(), ends(12 * 3_600)));
    // In Berlin that was yesterday.
    assert_eq!(zone("Europe/Berlin").await, (Allowed, "0.00".to_owned(), ends(35 * 3_600)));
    // In Kathmandu, a quarter to six ahead, it was early today.
    let kathmandu = ends(30 * 3_600 + 900);
    assert_eq!(zone("Asia/Kathmandu").await, (Blocked, "2.00".to_owned(), kathmandu));
    // And in New York in the afternoon, with summer time.
    assert_eq!(zone("America/New_York").await, (Blocked, "2.00".to_owned(), ends(16 * 3_600)));
}

#[tokio::test]
async fn rules_are_bounded_in_number() {
    let server = acme().await;
    let periods = [
        v1::LimitPeriod::Day,
        v1::LimitPeriod::Week,
        v1::LimitPeriod::Month,
        v1::LimitPeriod::Cycle,
        v1::LimitPeriod::UntilReset,
    ];
    let mut rules = Vec::new();
    for model_id in ["", "big", "small", "claude-sonnet-4-5", "gpt-5"] {
        for period in periods {
            for unit in [v1::LimitUnit::Money, TOKENS, REQUESTS] {
                let quota = match unit {
                    v1::LimitUnit::Money => money_quota("", Type::User, "ada", "1"),
                    _ => count_quota("", Type::User, "ada", unit, 1),
                };
                rules.push(v1::Quota { model_id: model_id.to_owned(), ..during(period, quota) });
            }
        }
    }
    let beyond = rules.split_off(64);
    for quota in rules {
        create_quota(&server, quota).await.unwrap();
    }
    let status = create_quota(&server, beyond[0].clone()).await.unwrap_err();
    assert_failed(&status, Code::ResourceExhausted, "BOUND_REACHED", &[("value", "64")]);
    // Another subject, and each subject, have their own.
    create_quota(&server, money_quota("", Type::User, "bob", "1")).await.unwrap();
    create_quota(&server, money_quota("", Type::User, "", "1")).await.unwrap();
    // All that are in the way are told: in money and tokens, of all models and of this one.
    let answer = ask(&server, check_for("r-1", "big", user("ada"))).await;
    assert_eq!((answer.decision(), answer.verdicts.len()), (Blocked, 20));
}

#[tokio::test]
async fn what_storage_did_not_take_is_not_in_force() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(Outage::new(open(folder.path()).await));
    let server = Server::start_on(store.clone(), Arc::default(), Config::default()).await;
    set_up(&server).await;
    create_quota(&server, money_quota("old", Type::User, "ada", "2")).await.unwrap();
    store.set(true);
    let unavailable = |status: &tonic::Status| {
        assert_failed(status, Code::Unavailable, "STORAGE_UNAVAILABLE", &[]);
    };
    let new = money_quota("new", Type::User, "bob", "0");
    unavailable(&create_quota(&server, new.clone()).await.unwrap_err());
    let raised = money_quota("old", Type::User, "ada", "8");
    unavailable(&update_quota(&server, raised, &["limit"]).await.unwrap_err());
    unavailable(&delete_quota(&server, "old").await.unwrap_err());
    assert_eq!(decision(&server, "r-1", user("bob")).await, Allowed);
    assert_eq!(decision(&server, "r-2", user("ada")).await, Allowed);
    assert_eq!(decision(&server, "r-3", user("ada")).await, Blocked);
    store.set(false);
    assert_eq!(amount(&get_quota(&server, "old").await.unwrap().limit), "2.00");
    create_quota(&server, new).await.unwrap();
    assert_eq!(decision(&server, "r-4", user("bob")).await, Blocked);
}

#[tokio::test]
async fn every_change_is_in_the_audit_log() {
    let server = acme().await;
    let begin = audit_events(&server, ACME).await.len();
    let quota = during(v1::LimitPeriod::UntilReset, money_quota("q", Type::User, "", "2"));
    create_quota(&server, quota.clone()).await.unwrap();
    create_quota(&server, quota).await.unwrap();
    let change =
        v1::Quota { limit: Some(eur("3")), quota_id: "q".to_owned(), ..Default::default() };
    for _ in 0..2 {
        update_quota(&server, change.clone(), &[]).await.unwrap();
    }
    server.clock.advance(1);
    reset_quota(&server, "q").await.unwrap();
    boost(&server, two_more("q")).await.unwrap();
    delete_quota(&server, "q").await.unwrap();
    let rate = per_minute("r", Type::User, "", 1);
    create_rate_limit(&server, rate.clone()).await.unwrap();
    let mut more = rate;
    more.bounds.push(bound(v1::LimitUnit::Requests, v1::LimitPeriod::SlidingDay, 9));
    update_rate_limit(&server, more, &[]).await.unwrap();
    delete_rate_limit(&server, "r").await.unwrap();
    create_group(&server, "g").await.unwrap();
    register(&server, key("k", "")).await.unwrap();
    update_key(&server, key("k", "g"), &[]).await.unwrap();
    delete_key(&server, "k").await.unwrap();
    delete_group(&server, "g").await.unwrap();
    let mut events = audit_events(&server, ACME).await;
    events.reverse();
    let told: Vec<_> = events[begin..]
        .iter()
        .map(|event| {
            let changed = [&event.before_json, &event.after_json].map(|json| !json.is_empty());
            (
                event.action.as_str(),
                event.resource_type.as_str(),
                event.resource_id.as_str(),
                changed,
            )
        })
        .collect();
    let (made, changed, gone) = ([false, true], [true, true], [true, false]);
    let expected = [
        ("CreateQuota", "quota", "q", made),
        ("UpdateQuota", "quota", "q", changed),
        ("ResetQuota", "quota", "q", changed),
        ("CreateQuotaBoost", "boost", "b", made),
        ("DeleteQuota", "quota", "q", gone),
        ("CreateRateLimit", "rate_limit", "r", made),
        ("UpdateRateLimit", "rate_limit", "r", changed),
        ("DeleteRateLimit", "rate_limit", "r", gone),
        ("CreateKeyGroup", "key_group", "g", made),
        ("RegisterApiKey", "api_key", "k", made),
        ("UpdateApiKey", "api_key", "k", changed),
        ("DeleteApiKey", "api_key", "k", gone),
        ("DeleteKeyGroup", "key_group", "g", gone),
    ];
    assert_eq!(told, expected);
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    let update = &events[begin + 1];
    assert_eq!(json(&update.before_json)["limit"], "2.00");
    let after = json(&update.after_json);
    assert_eq!((&after["limit"], &after["currency"]), (&"3.00".into(), &"EUR".into()));
    let each_user = serde_json::json!({ "kind": "user", "subject_id": null, "model_id": null });
    assert_eq!(after["scope"], each_user);
}

// -- Boosts.

async fn boost(
    server: &Server,
    request: v1::CreateQuotaBoostRequest,
) -> Result<v1::Boost, tonic::Status> {
    let request = v1::CreateQuotaBoostRequest { workspace_id: ACME.to_owned(), ..request };
    Ok(server.quota().create_quota_boost(request).await?.into_inner().boost.unwrap())
}

/// Two EUR more, from one hour on for an hour.
fn two_more(quota_id: &str) -> v1::CreateQuotaBoostRequest {
    v1::CreateQuotaBoostRequest {
        quota_id: quota_id.to_owned(),
        amount: Some(eur("2")),
        start_time: after_start(3_600),
        end_time: after_start(7_200),
        reason: "launch".to_owned(),
        boost_id: "b".to_owned(),
        ..Default::default()
    }
}

async fn list_boosts(server: &Server, quota_id: &str) -> Vec<v1::Boost> {
    let request = v1::ListQuotaBoostsRequest {
        workspace_id: ACME.to_owned(),
        quota_id: quota_id.to_owned(),
        ..Default::default()
    };
    server.quota().list_quota_boosts(request).await.unwrap().into_inner().boosts
}

#[tokio::test]
async fn a_boost_begins_and_ends_by_the_clock() {
    let server = acme().await;
    create_quota(&server, money_quota("q", Type::User, "", "2")).await.unwrap();
    let made = boost(&server, two_more("q")).await.unwrap();
    assert_eq!((made.quota_id.as_str(), amount(&made.amount), made.active), ("q", "2.00", false));
    // The same again is the same, other content is not.
    assert_eq!(boost(&server, two_more("q")).await.unwrap(), made);
    let other = v1::CreateQuotaBoostRequest { reason: "other".to_owned(), ..two_more("q") };
    let status = boost(&server, other).await.unwrap_err();
    let facts = [("resource", "boost"), ("id", "b")];
    assert_failed(&status, Code::AlreadyExists, "RESOURCE_EXISTS", &facts);

    spend(&server, "r-1", "big", user("ada")).await;
    assert_eq!(decision(&server, "r-2", user("ada")).await, Blocked);
    server.clock.advance(MICROS_PER_HOUR - 1);
    assert_eq!(decision(&server, "r-2", user("ada")).await, Blocked);
    server.clock.advance(1);
    assert_eq!(decision(&server, "r-2", user("ada")).await, Allowed);
    let usage = &quota_usage(&server).await[0];
    assert_eq!([&usage.limit, &usage.remaining].map(amount), ["4.00", "0.00"]);
    assert!(list_boosts(&server, "q").await[0].active);
    release(&server, "r-2").await;
    server.clock.advance(MICROS_PER_HOUR - 1);
    assert_eq!(decision(&server, "r-3", user("ada")).await, Allowed);
    release(&server, "r-3").await;
    server.clock.advance(1);
    let answer = ask(&server, check_for("r-4", "big", user("ada"))).await;
    assert_eq!((answer.decision(), amount(&only(&answer).limit)), (Blocked, "2.00"));
    // It stays visible.
    let listed = list_boosts(&server, "").await;
    assert_eq!((listed.len(), listed[0].active, listed[0].reason.as_str()), (1, false, "launch"));
}

#[tokio::test]
async fn a_boost_of_one_member_is_hers_alone_and_can_be_cancelled() {
    let server = acme().await;
    create_quota(&server, money_quota("q", Type::User, "", "2")).await.unwrap();
    create_quota(&server, money_quota("bob", Type::User, "bob", "2")).await.unwrap();
    create_quota(&server, count_quota("t", Type::Workspace, "", TOKENS, 1)).await.unwrap();
    let now = v1::CreateQuotaBoostRequest {
        subject_id: "ada".to_owned(),
        start_time: None,
        boost_id: String::new(),
        ..two_more("q")
    };
    delete_quota(&server, "t").await.unwrap();
    let made = boost(&server, now.clone()).await.unwrap();
    assert!(made.active && made.subject_id == "ada");
    for name in ["ada", "eve"] {
        spend(&server, &format!("{name}-1"), "big", user(name)).await;
    }
    assert_eq!(decision(&server, "ada-2", user("ada")).await, Allowed);
    assert_eq!(decision(&server, "eve-2", user("eve")).await, Blocked);
    release(&server, "ada-2").await;
    let cancel = v1::CancelQuotaBoostRequest {
        workspace_id: ACME.to_owned(),
        boost_id: made.boost_id.clone(),
    };
    let request = cancel.clone();
    let ended = server.quota().cancel_quota_boost(request).await.unwrap().into_inner();
    let ended = ended.boost.unwrap();
    assert_eq!((ended.active, ended.cancel_time), (false, after_start(0)));
    assert_eq!(decision(&server, "ada-2", user("ada")).await, Blocked);
    // A second time it stays as it is.
    server.clock.advance(MICROS_PER_SECOND);
    let again = server.quota().cancel_quota_boost(cancel).await.unwrap().into_inner();
    assert_eq!(again.boost, Some(ended));
    // Boosts go with their quota.
    delete_quota(&server, "q").await.unwrap();
    assert_eq!(list_boosts(&server, "").await, []);

    for (request, field) in [
        (v1::CreateQuotaBoostRequest { quota_id: "bob".to_owned(), ..now.clone() }, "subject_id"),
        (
            two_more_with(|r| {
                r.amount = Some(v1::Money { currency_code: "USD".to_owned(), ..eur("1") });
            }),
            "amount.currency_code",
        ),
        (two_more_with(|r| (r.amount, r.count) = (None, 5)), "amount"),
        (two_more_with(|r| r.end_time = after_start(3_600)), "end_time"),
        (two_more_with(|r| r.end_time = after_start(3_600 + 366 * 86_400 + 1)), "end_time"),
        (two_more_with(|r| r.start_time = after_start(367 * 86_400)), "start_time"),
    ] {
        let status = boost(&server, request).await.unwrap_err();
        assert_eq!(refused_fields(&status), [field]);
    }
    let status = boost(&server, two_more("nobody")).await.unwrap_err();
    let facts = [("resource", "quota"), ("id", "nobody")];
    assert_failed(&status, Code::NotFound, "RESOURCE_NOT_FOUND", &facts);
}

fn two_more_with(
    change: impl FnOnce(&mut v1::CreateQuotaBoostRequest),
) -> v1::CreateQuotaBoostRequest {
    let mut request = two_more("bob");
    change(&mut request);
    request
}

#[tokio::test]
async fn every_bound_of_a_boost() {
    let server = acme().await;
    create_quota(&server, count_quota("q", Type::User, "", TOKENS, 2)).await.unwrap();
    let good = v1::CreateQuotaBoostRequest {
        workspace_id: ACME.to_owned(),
        amount: None,
        count: 1,
        ..two_more("q")
    };
    let rows: &[Row<v1::CreateQuotaBoostRequest>] = &[
        ("workspace_id", |r| r.workspace_id = String::new()),
        ("quota_id", |r| r.quota_id = String::new()),
        ("quota_id", |r| r.quota_id = chars(129)),
        ("subject_id", |r| r.subject_id = chars(129)),
        ("amount", |r| r.count = 0),
        ("count", |r| r.count = -1),
        ("count", |r| r.count = 1_000_000_000_000_001),
        ("count", |r| r.amount = Some(eur("1"))),
        ("count", |r| (r.amount, r.count) = (Some(eur("1")), 0)),
        ("amount.amount", |r| (r.amount, r.count) = (Some(eur("0")), 0)),
        ("amount.amount", |r| (r.amount, r.count) = (Some(eur("1000000001")), 0)),
        ("start_time", |r| r.start_time = Some(Timestamp { seconds: 0, nanos: -1 })),
        ("end_time", |r| r.end_time = None),
        ("end_time", |r| r.end_time = after_start(0)),
        ("reason", |r| r.reason = String::new()),
        ("reason", |r| r.reason = chars(501)),
        ("boost_id", |r| r.boost_id = chars(129)),
    ];
    refuse(good.clone(), rows, async |r| server.quota().create_quota_boost(r).await).await;
    assert_eq!(list_boosts(&server, "").await, []);
    let most = v1::CreateQuotaBoostRequest {
        count: 1_000_000_000_000_000,
        boost_id: chars(128),
        reason: chars(500),
        subject_id: chars(128),
        ..good
    };
    assert_eq!(boost(&server, most).await.unwrap().count, 1_000_000_000_000_000);
    let good = v1::ListQuotaBoostsRequest { workspace_id: ACME.to_owned(), ..Default::default() };
    let rows: &[Row<v1::ListQuotaBoostsRequest>] = &[
        ("workspace_id", |r| r.workspace_id = String::new()),
        ("quota_id", |r| r.quota_id = chars(129)),
        ("page_size", |r| r.page_size = -1),
        ("page_token", |r| r.page_token = "x".to_owned()),
    ];
    refuse(good, rows, async |r| server.quota().list_quota_boosts(r).await).await;
    let good =
        v1::CancelQuotaBoostRequest { workspace_id: ACME.to_owned(), boost_id: "none".to_owned() };
    let rows: &[Row<v1::CancelQuotaBoostRequest>] = &[
        ("workspace_id", |r| r.workspace_id = String::new()),
        ("boost_id", |r| r.boost_id = String::new()),
    ];
    refuse(good.clone(), rows, async |r| server.quota().cancel_quota_boost(r).await).await;
    let status = server.quota().cancel_quota_boost(good).await.unwrap_err();
    let facts = [("resource", "boost"), ("id", "none")];
    assert_failed(&status, Code::NotFound, "RESOURCE_NOT_FOUND", &facts);
}
