//! Why a check was blocked or routed: in words in its answer, and afterwards in `ListRefusals`.

use tollgate::config::Config;
use tollgate::domain::time::MICROS_PER_HOUR;
use tollgate::proto::v1;

use crate::fixtures::{ACME, acme, check, create_workspace, eur, record, refused_fields};
use crate::limits::{
    Type, ask, check_for, create_quota, create_rate_limit, key, money_quota, of, only, per_minute,
    register, user,
};
use crate::server::{START, Server};

async fn list(server: &Server, request: v1::ListRefusalsRequest) -> v1::ListRefusalsResponse {
    let request = v1::ListRefusalsRequest { workspace_id: ACME.to_owned(), ..request };
    server.usage().list_refusals(request).await.unwrap().into_inner()
}

fn ids(listed: &v1::ListRefusalsResponse) -> String {
    let ids: Vec<&str> = listed.refusals.iter().map(|it| it.request_id.as_str()).collect();
    ids.join(" ")
}

async fn cap(server: &Server, model_id: &str, limit: &str) {
    let request = v1::SetModelLimitRequest {
        workspace_id: ACME.to_owned(),
        model_id: model_id.to_owned(),
        limit: Some(eur(limit)),
        ..Default::default()
    };
    server.model_limit().set_model_limit(request).await.unwrap();
}

#[tokio::test]
async fn why_somebody_was_blocked_is_known_afterwards() {
    let server = acme().await;
    create_quota(&server, money_quota("ada-day", Type::User, "ada", "1")).await.unwrap();
    assert_eq!(list(&server, Default::default()).await.refusals, []);
    let request = v1::CheckAndRouteRequest {
        attribution: Some(v1::Attribution {
            department_id: "law".to_owned(),
            api_key_id: "k".to_owned(),
            ..user("ada")
        }),
        ..check("r-1", "big")
    };
    let answer = ask(&server, request).await;
    assert_eq!(answer.decision(), v1::Decision::Blocked);
    server.clock.advance(MICROS_PER_HOUR);
    ask(&server, check_for("r-2", "big", user("bob"))).await;
    let listed = list(&server, Default::default()).await;
    let [refusal] = &listed.refusals[..] else { panic!("{listed:?}") };
    assert_eq!(refusal.time.unwrap().seconds, START.micros() / 1_000_000);
    assert_eq!(refusal.verdicts, answer.verdicts, "as they were");
    let verdict = only(&answer);
    assert_eq!(
        verdict.message,
        "this request alone is larger than quota ada-day of user ada: 0.00 of 1.00 EUR used, \
         2.00 needed"
    );
    assert!(verdict.hint.contains("QuotaService/UpdateQuota"), "{}", verdict.hint);
    let expected = v1::Refusal {
        time: refusal.time,
        request_id: "r-1".to_owned(),
        decision: v1::Decision::Blocked.into(),
        reason: v1::Reason::RequestTooLarge.into(),
        requested_model_id: "big".to_owned(),
        attribution: Some(v1::Attribution {
            user_id: "ada".to_owned(),
            department_id: "law".to_owned(),
            api_key_id: "k".to_owned(),
            ..Default::default()
        }),
        verdicts: answer.verdicts.clone(),
        ..Default::default()
    };
    assert_eq!(*refusal, expected);
    assert_eq!(listed.kept_from_time.unwrap().seconds, START.micros() / 1_000_000);
}

#[tokio::test]
async fn what_was_routed_is_listed_once_with_whom_it_was_for_and_dry_runs_are_not() {
    let server = acme().await;
    cap(&server, "big", "1").await;
    let request = check_for("r-1", "big", of(Type::Project, "atlas"));
    for _ in 0..3 {
        assert_eq!(ask(&server, request.clone()).await.decision(), v1::Decision::Routed);
    }
    let dry = v1::CheckAndRouteRequest { dry_run: true, ..check("r-2", "big") };
    assert_eq!(ask(&server, dry).await.decision(), v1::Decision::Routed);
    let listed = list(&server, Default::default()).await;
    assert_eq!((ids(&listed).as_str(), listed.total_count), ("r-1", 1));
    let refusal = &listed.refusals[0];
    assert_eq!((refusal.decision(), refusal.model_id.as_str()), (v1::Decision::Routed, "small"));
    assert_eq!(refusal.attribution.as_ref().unwrap().project_id, "atlas");
    assert!(refusal.verdicts[0].message.contains("the cap of big in acme"), "{refusal:?}");
}

#[tokio::test]
async fn refusals_are_filtered_and_paged_newest_first() {
    let server = acme().await;
    cap(&server, "small", "0").await;
    cap(&server, "big", "0.5").await;
    let aliased = v1::Model {
        model_id: "big".to_owned(),
        aliases: vec!["big-latest".to_owned()],
        ..Default::default()
    };
    let request = v1::UpsertModelRequest { model: Some(aliased) };
    server.catalog().upsert_model(request).await.unwrap();
    for (id, model, who) in [
        ("r-1", "big", user("ada")),
        ("r-2", "small", user("ada")),
        ("r-3", "big-latest", user("bob")),
        ("r-4", "nothing", of(Type::ApiKey, "k")),
    ] {
        assert_eq!(ask(&server, check_for(id, model, who)).await.decision(), v1::Decision::Blocked);
        server.clock.advance(1_000_000);
    }
    let at = |second: i64| {
        let seconds = START.micros() / 1_000_000 + second;
        Some(prost_types::Timestamp { seconds, nanos: 0 })
    };
    let of = |change: &dyn Fn(&mut v1::ListRefusalsRequest)| {
        let mut request = v1::ListRefusalsRequest::default();
        change(&mut request);
        request
    };
    for (request, expected) in [
        (of(&|_| {}), "r-4 r-3 r-2 r-1"),
        (of(&|it| it.user_id = "ada".to_owned()), "r-2 r-1"),
        (of(&|it| it.api_key_id = "k".to_owned()), "r-4"),
        (of(&|it| it.model_id = "big".to_owned()), "r-3 r-1"),
        (of(&|it| it.model_id = "nothing".to_owned()), "r-4"),
        (of(&|it| it.request_id = "r-2".to_owned()), "r-2"),
        (of(&|it| it.decision = v1::Decision::Routed.into()), ""),
        (of(&|it| it.decision = v1::Decision::Blocked.into()), "r-4 r-3 r-2 r-1"),
        (of(&|it| (it.start_time, it.end_time) = (at(1), at(3))), "r-3 r-2"),
    ] {
        assert_eq!(ids(&list(&server, request.clone()).await), expected, "{request:?}");
    }
    let first = list(&server, of(&|it| it.page_size = 3)).await;
    assert_eq!((ids(&first).as_str(), first.total_count), ("r-4 r-3 r-2", 4));
    let page_token = first.next_page_token;
    let rest = list(&server, of(&|it| it.page_token.clone_from(&page_token))).await;
    assert_eq!((ids(&rest).as_str(), rest.next_page_token.as_str()), ("r-1", ""));
    for (request, field) in [
        (of(&|it| it.decision = v1::Decision::Allowed.into()), "decision"),
        (
            of(&|it| (it.page_token, it.user_id) = (page_token.clone(), "x".to_owned())),
            "page_token",
        ),
        (of(&|it| it.user_id = "x".repeat(129)), "user_id"),
        (of(&|it| it.page_size = -1), "page_size"),
    ] {
        let request = v1::ListRefusalsRequest { workspace_id: ACME.to_owned(), ..request };
        let status = server.usage().list_refusals(request).await.unwrap_err();
        assert_eq!(refused_fields(&status), [field]);
    }
}

#[tokio::test]
async fn a_restart_empties_the_list_and_an_erased_user_is_not_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_in(folder.path(), Default::default(), Config::default()).await;
    crate::fixtures::set_up(&server).await;
    for (id, who) in [("r-1", "ada"), ("r-2", "bob")] {
        ask(&server, check_for(id, "nothing", user(who))).await;
        let spent = v1::RecordUsageRequest { attribution: Some(user(who)), ..record(id, "small") };
        server.usage().record_usage(spent).await.unwrap();
    }
    let request = v1::EraseUserRequest { workspace_id: ACME.to_owned(), user_id: "ada".to_owned() };
    server.directory().erase_user(request).await.unwrap();
    assert_eq!(ids(&list(&server, Default::default()).await), "r-2");
    let clock = server.clock.clone();
    server.stop().await.unwrap();
    clock.advance(MICROS_PER_HOUR);
    let server = Server::start_in(folder.path(), clock, Config::default()).await;
    let listed = list(&server, Default::default()).await;
    assert_eq!(ids(&listed), "");
    assert_eq!(listed.kept_from_time.unwrap().seconds, START.micros() / 1_000_000 + 3_600);
}

#[tokio::test]
async fn each_verdict_says_in_words_what_happened_and_which_call_helps() {
    let server = acme().await;
    create_workspace(&server, "bare").await;
    let model = v1::Model { model_id: "odd".to_owned(), ..Default::default() };
    let request = v1::UpsertModelRequest { model: Some(model) };
    server.catalog().upsert_model(request).await.unwrap();
    register(&server, v1::ApiKey { disabled: true, ..key("off", "") }).await.unwrap();
    create_rate_limit(&server, per_minute("one", Type::User, "ada", 1)).await.unwrap();
    ask(&server, check_for("r-0", "small", user("ada"))).await;
    let bare = v1::CheckAndRouteRequest { workspace_id: "bare".to_owned(), ..check("b", "big") };
    for (request, message, call) in [
        (check("r-1", "odd"), "odd is not enabled in acme", "ModelLimitService/EnableModel"),
        (check("r-2", "no-such"), "the catalog has no model no-such", "CatalogService/UpsertModel"),
        (bare, "big is not enabled in bare", "ModelLimitService/EnableModel"),
        (
            check_for("r-3", "big", of(Type::ApiKey, "off")),
            "API key off is disabled",
            "ApiKeyService/UpdateApiKey",
        ),
        (
            check_for("r-4", "small", user("ada")),
            "rate limit one of user ada is reached: 1 of 1 requests used, 1 needed",
            "QuotaService/UpdateRateLimit",
        ),
    ] {
        let answer = ask(&server, request).await;
        let verdict = &answer.verdicts[0];
        assert_eq!(verdict.message, message);
        assert!(verdict.hint.contains(call), "{}", verdict.hint);
    }
    // What speaks without being in the way says so, and what has nothing to say says nothing.
    let soft = v1::Quota {
        enforcement: v1::Enforcement::Soft.into(),
        ..money_quota("soft", Type::Workspace, "", "0.1")
    };
    create_quota(&server, soft).await.unwrap();
    let explained = v1::CheckAndRouteRequest { explain: true, ..check("r-5", "big") };
    let answer = ask(&server, explained).await;
    assert_eq!(answer.decision(), v1::Decision::Allowed);
    assert!(answer.verdicts[0].message.ends_with("; the limit only warns"), "{answer:?}");
    let quiet = answer.limits.iter().find(|it| it.reason() == v1::Reason::Unspecified).unwrap();
    assert_eq!((quiet.message.as_str(), quiet.hint.as_str()), ("", ""));
}
