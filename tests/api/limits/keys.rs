//! API keys and their groups: what comes back, what is refused, and what they do to checks.

use tollgate::config::Config;
use tollgate::domain::time::MICROS_PER_SECOND;
use tollgate::proto::v1;
use tonic::{Code, Status};

use crate::fixtures::{ACME, acme, amount, assert_failed, record, refused_fields, set_up};
use crate::limits::{
    Type, api_key, ask, check_for, create_group, create_quota, create_rate_limit, decision,
    delete_group, delete_key, delete_quota, delete_rate_limit, get_group, key, limit_ids, mask,
    money_quota, only, per_minute, quota_usage, register, release, spend, subject, update_key,
};
use crate::server::{START, Server};
use crate::transport::bad_input::{Row, after_start, chars, refuse};

use v1::Decision::{Allowed, Blocked, Routed};

async fn get(server: &Server, id: &str) -> Result<v1::ApiKey, Status> {
    let (workspace_id, api_key_id) = (ACME.to_owned(), id.to_owned());
    let request = v1::GetApiKeyRequest { workspace_id, api_key_id, with_usage: false };
    Ok(server.api_key().get_api_key(request).await?.into_inner().api_key.unwrap())
}

async fn list(server: &Server, request: v1::ListApiKeysRequest) -> (Vec<String>, String) {
    let request = v1::ListApiKeysRequest { workspace_id: ACME.to_owned(), ..request };
    let listed = server.api_key().list_api_keys(request).await.unwrap().into_inner();
    let ids = listed.api_keys.into_iter().map(|key| key.api_key_id).collect();
    (ids, listed.next_page_token)
}

async fn list_groups(server: &Server, size: i32, token: &str) -> (Vec<v1::KeyGroup>, String) {
    let request = v1::ListKeyGroupsRequest {
        workspace_id: ACME.to_owned(),
        page_size: size,
        page_token: token.to_owned(),
        ..Default::default()
    };
    let listed = server.api_key().list_key_groups(request).await.unwrap().into_inner();
    (listed.key_groups, listed.next_page_token)
}

async fn deny_unknown_keys(server: &Server) {
    let workspace = v1::Workspace {
        workspace_id: ACME.to_owned(),
        unknown_key_policy: v1::UnknownKeyPolicy::Deny.into(),
        ..Default::default()
    };
    let request = v1::UpdateWorkspaceRequest { workspace: Some(workspace), update_mask: None };
    server.workspace().update_workspace(request).await.unwrap();
}

// -- What is kept.

#[tokio::test]
async fn a_key_comes_back_as_it_was_registered() {
    let server = acme().await;
    create_group(&server, "g").await.unwrap();
    let given = v1::ApiKey {
        display_name: "CI".to_owned(),
        allowed_model_ids: vec!["small".to_owned(), "big".to_owned(), "small".to_owned()],
        disabled: true,
        expire_time: after_start(60),
        ..key("k ü", "g")
    };
    let made = register(&server, given.clone()).await.unwrap();
    let expected = v1::ApiKey {
        allowed_model_ids: vec!["big".to_owned(), "small".to_owned()],
        create_time: after_start(0),
        update_time: after_start(0),
        ..given.clone()
    };
    assert_eq!(made, expected);
    assert_eq!(get(&server, "k ü").await.unwrap(), expected);
    server.clock.advance(MICROS_PER_SECOND);
    assert_eq!(register(&server, given.clone()).await.unwrap(), expected);
    let other = v1::ApiKey { disabled: false, ..given.clone() };
    let status = register(&server, other).await.unwrap_err();
    let facts = [("resource", "api_key"), ("id", "k ü")];
    assert_failed(&status, Code::AlreadyExists, "RESOURCE_EXISTS", &facts);

    for (change, field) in [
        (key("l", "nobody"), "api_key.key_group_id"),
        (
            v1::ApiKey {
                allowed_model_ids: vec!["big".to_owned(), "nobody".to_owned()],
                ..key("l", "")
            },
            "api_key.allowed_model_ids[1]",
        ),
    ] {
        let status = register(&server, change.clone()).await.unwrap_err();
        assert_eq!(refused_fields(&status), [field]);
        let change = v1::ApiKey { api_key_id: "k ü".to_owned(), ..change };
        let status = update_key(&server, change, &[]).await.unwrap_err();
        assert_eq!(refused_fields(&status), [field]);
    }
}

#[tokio::test]
async fn an_update_changes_what_the_mask_names() {
    let server = acme().await;
    create_group(&server, "g").await.unwrap();
    register(&server, key("k", "")).await.unwrap();
    server.clock.advance(MICROS_PER_SECOND);
    let change = v1::ApiKey {
        display_name: "CI".to_owned(),
        allowed_model_ids: vec!["big".to_owned()],
        disabled: true,
        expire_time: after_start(60),
        ..key("k", "g")
    };
    let changed = update_key(&server, change.clone(), &[]).await.unwrap();
    let (create_time, update_time) = (after_start(0), after_start(1));
    assert_eq!(changed, v1::ApiKey { create_time, update_time, ..change });
    // What is as it was is not written again.
    server.clock.advance(MICROS_PER_SECOND);
    assert_eq!(update_key(&server, key("k", ""), &[]).await.unwrap(), changed);
    let changed = update_key(&server, key("k", ""), &["disabled", "expire_time"]).await.unwrap();
    assert!(!changed.disabled && changed.expire_time.is_none());
    assert_eq!((changed.key_group_id.as_str(), changed.display_name.as_str()), ("g", "CI"));
    let all = update_key(&server, key("k", ""), &["*"]).await.unwrap();
    let expected = v1::ApiKey { create_time, update_time: after_start(2), ..key("k", "") };
    assert_eq!(all, expected);
}

#[tokio::test]
async fn groups_know_how_many_keys_they_have() {
    let server = acme().await;
    let made = create_group(&server, "g").await.unwrap();
    assert_eq!((made.key_count, made.create_time), (0, after_start(0)));
    assert_eq!(create_group(&server, "g").await.unwrap(), made);
    for id in ["a", "b", "c"] {
        register(&server, key(id, "g")).await.unwrap();
    }
    create_group(&server, "h").await.unwrap();
    update_key(&server, key("a", "h"), &[]).await.unwrap();
    delete_key(&server, "b").await.unwrap();
    assert_eq!(get_group(&server, "g").await.unwrap().key_count, 1);
    // Another name, which makes the first call another one.
    server.clock.advance(MICROS_PER_SECOND);
    let rename = |name: &str, paths: &[&str]| v1::UpdateKeyGroupRequest {
        workspace_id: ACME.to_owned(),
        key_group: Some(v1::KeyGroup {
            key_group_id: "g".to_owned(),
            display_name: name.to_owned(),
            ..Default::default()
        }),
        update_mask: mask(paths),
    };
    let renamed = server.api_key().update_key_group(rename("Team", &[])).await.unwrap();
    let renamed = renamed.into_inner().key_group.unwrap();
    assert_eq!((renamed.display_name.as_str(), renamed.key_count), ("Team", 1));
    assert_eq!(renamed.update_time, after_start(1));
    let same = server.api_key().update_key_group(rename("", &[])).await.unwrap().into_inner();
    assert_eq!(same.key_group, Some(renamed));
    let status = create_group(&server, "g").await.unwrap_err();
    let facts = [("resource", "key_group"), ("id", "g")];
    assert_failed(&status, Code::AlreadyExists, "RESOURCE_EXISTS", &facts);
    let unnamed = server.api_key().update_key_group(rename("", &["display_name"])).await.unwrap();
    assert_eq!(unnamed.into_inner().key_group.unwrap().display_name, "");

    let (first, token) = list_groups(&server, 1, "").await;
    assert_eq!((first[0].key_group_id.as_str(), first[0].key_count), ("g", 1));
    let (rest, end) = list_groups(&server, 1, &token).await;
    assert_eq!((rest[0].key_group_id.as_str(), rest[0].key_count), ("h", 1));
    assert_eq!(end, "");
}

#[tokio::test]
async fn keys_are_listed_in_pages_and_by_group() {
    let server = acme().await;
    create_group(&server, "g").await.unwrap();
    for (id, group) in [("a", ""), ("b", "g"), ("c", ""), ("d", "g"), ("e", "g")] {
        register(&server, key(id, group)).await.unwrap();
    }
    let request = v1::ListApiKeysRequest { page_size: 3, ..Default::default() };
    let (ids, page_token) = list(&server, request.clone()).await;
    assert_eq!(ids, ["a", "b", "c"]);
    let next = v1::ListApiKeysRequest { page_token, ..request };
    assert_eq!(list(&server, next.clone()).await, (vec!["d".into(), "e".into()], String::new()));
    let of_group = v1::ListApiKeysRequest { key_group_id: "g".to_owned(), ..Default::default() };
    assert_eq!(list(&server, of_group).await.0, ["b", "d", "e"]);
    let other = v1::ListApiKeysRequest {
        workspace_id: ACME.to_owned(),
        key_group_id: "g".to_owned(),
        ..next
    };
    let status = server.api_key().list_api_keys(other).await.unwrap_err();
    assert_eq!(refused_fields(&status), ["page_token"]);
}

#[tokio::test]
async fn what_is_in_use_is_not_deleted() {
    let server = acme().await;
    create_group(&server, "g").await.unwrap();
    register(&server, key("k", "g")).await.unwrap();
    create_quota(&server, money_quota("q", Type::ApiKey, "k", "1")).await.unwrap();
    create_rate_limit(&server, per_minute("r", Type::KeyGroup, "g", 1)).await.unwrap();
    let facts = |resource, id, used_by| [("resource", resource), ("id", id), ("used_by", used_by)];
    let in_use = |status: &Status, facts: &[(&str, &str)]| {
        assert_failed(status, Code::FailedPrecondition, "RESOURCE_IN_USE", facts);
    };
    let status = delete_key(&server, "k").await.unwrap_err();
    in_use(&status, &facts("api_key", "k", "quota \"q\""));
    let status = delete_group(&server, "g").await.unwrap_err();
    in_use(&status, &facts("key_group", "g", "rate limit \"r\""));
    delete_quota(&server, "q").await.unwrap();
    delete_rate_limit(&server, "r").await.unwrap();
    let status = delete_group(&server, "g").await.unwrap_err();
    in_use(&status, &facts("key_group", "g", "api_key \"k\""));
    delete_key(&server, "k").await.unwrap();
    delete_group(&server, "g").await.unwrap();
    // A second time there is nothing; a rule may name a key that is not registered.
    for (status, resource, id) in [
        (delete_key(&server, "k").await.unwrap_err(), "api_key", "k"),
        (get(&server, "k").await.unwrap_err(), "api_key", "k"),
        (update_key(&server, key("k", ""), &[]).await.unwrap_err(), "api_key", "k"),
        (delete_group(&server, "g").await.unwrap_err(), "key_group", "g"),
        (get_group(&server, "g").await.unwrap_err(), "key_group", "g"),
    ] {
        let facts = [("resource", resource), ("id", id)];
        assert_failed(&status, Code::NotFound, "RESOURCE_NOT_FOUND", &facts);
    }
    create_quota(&server, money_quota("q", Type::ApiKey, "k", "1")).await.unwrap();
    // Rules for each subject name none.
    create_quota(&server, money_quota("each", Type::ApiKey, "", "1")).await.unwrap();
    register(&server, key("l", "")).await.unwrap();
    delete_key(&server, "l").await.unwrap();
}

// -- What is refused.

fn key_in(request: &mut v1::RegisterApiKeyRequest) -> &mut v1::ApiKey {
    request.api_key.as_mut().unwrap()
}

#[tokio::test]
async fn every_bound_of_a_key() {
    let server = acme().await;
    let good =
        v1::RegisterApiKeyRequest { workspace_id: ACME.to_owned(), api_key: Some(key("k", "")) };
    let rows: &[Row<v1::RegisterApiKeyRequest>] = &[
        ("workspace_id", |r| r.workspace_id = String::new()),
        ("api_key", |r| r.api_key = None),
        ("api_key.api_key_id", |r| key_in(r).api_key_id = String::new()),
        ("api_key.api_key_id", |r| key_in(r).api_key_id = chars(129)),
        ("api_key.api_key_id", |r| key_in(r).api_key_id = "a\nb".to_owned()),
        ("api_key.display_name", |r| key_in(r).display_name = chars(201)),
        ("api_key.key_group_id", |r| key_in(r).key_group_id = chars(129)),
        ("api_key.allowed_model_ids", |r| {
            key_in(r).allowed_model_ids = vec!["big".to_owned(); 65];
        }),
        ("api_key.allowed_model_ids[0]", |r| key_in(r).allowed_model_ids = vec![String::new()]),
        ("api_key.expire_time", |r| {
            key_in(r).expire_time = Some(prost_types::Timestamp { seconds: 946_684_799, nanos: 0 });
        }),
        ("api_key.expire_time", |r| {
            key_in(r).expire_time = Some(prost_types::Timestamp { seconds: 0, nanos: -1 });
        }),
    ];
    refuse(good.clone(), rows, async |r| server.api_key().register_api_key(r).await).await;
    assert_eq!(list(&server, Default::default()).await.0, [""; 0]);
    let most = v1::ApiKey {
        api_key_id: chars(128),
        display_name: chars(200),
        allowed_model_ids: vec!["big".to_owned(); 64],
        ..Default::default()
    };
    register(&server, most).await.unwrap();

    let good = v1::UpdateApiKeyRequest {
        workspace_id: ACME.to_owned(),
        api_key: Some(key("k", "")),
        update_mask: None,
    };
    let rows: &[Row<v1::UpdateApiKeyRequest>] = &[
        ("workspace_id", |r| r.workspace_id = chars(64)),
        ("api_key.api_key_id", |r| r.api_key = Some(key("", ""))),
        ("api_key.key_group_id", |r| r.api_key.as_mut().unwrap().key_group_id = chars(129)),
        ("update_mask", |r| r.update_mask = mask(&["api_key_id"])),
    ];
    refuse(good, rows, async |r| server.api_key().update_api_key(r).await).await;
    let good = v1::ListApiKeysRequest { workspace_id: ACME.to_owned(), ..Default::default() };
    let rows: &[Row<v1::ListApiKeysRequest>] = &[
        ("workspace_id", |r| r.workspace_id = String::new()),
        ("key_group_id", |r| r.key_group_id = chars(129)),
        ("page_size", |r| r.page_size = -1),
        ("page_token", |r| r.page_token = "x".to_owned()),
    ];
    refuse(good, rows, async |r| server.api_key().list_api_keys(r).await).await;
    for id in [String::new(), chars(129)] {
        let (workspace_id, api_key_id) = (ACME.to_owned(), id.clone());
        let get = v1::GetApiKeyRequest { workspace_id, api_key_id, with_usage: false };
        let status = server.api_key().get_api_key(get).await.unwrap_err();
        assert_eq!(refused_fields(&status), ["api_key_id"]);
        let status = delete_key(&server, &id).await.unwrap_err();
        assert_eq!(refused_fields(&status), ["api_key_id"]);
        let status = get_group(&server, &id).await.unwrap_err();
        assert_eq!(refused_fields(&status), ["key_group_id"]);
        let status = delete_group(&server, &id).await.unwrap_err();
        assert_eq!(refused_fields(&status), ["key_group_id"]);
        let status = create_group(&server, &id).await.unwrap_err();
        assert_eq!(refused_fields(&status), ["key_group.key_group_id"]);
    }
}

fn group_in(request: &mut v1::UpdateKeyGroupRequest) -> &mut v1::KeyGroup {
    request.key_group.as_mut().unwrap()
}

#[tokio::test]
async fn every_bound_of_a_group() {
    let server = acme().await;
    let group = v1::KeyGroup { key_group_id: "g".to_owned(), ..Default::default() };
    let good = v1::UpdateKeyGroupRequest {
        workspace_id: ACME.to_owned(),
        key_group: Some(group.clone()),
        update_mask: None,
    };
    let rows: &[Row<v1::UpdateKeyGroupRequest>] = &[
        ("workspace_id", |r| r.workspace_id = String::new()),
        ("key_group.key_group_id", |r| group_in(r).key_group_id = String::new()),
        ("key_group.display_name", |r| group_in(r).display_name = chars(201)),
        ("update_mask", |r| r.update_mask = mask(&["key_count"])),
    ];
    refuse(good, rows, async |r| server.api_key().update_key_group(r).await).await;
    let group = v1::KeyGroup { display_name: chars(201), ..group };
    let request =
        v1::CreateKeyGroupRequest { workspace_id: ACME.to_owned(), key_group: Some(group) };
    let status = server.api_key().create_key_group(request).await.unwrap_err();
    assert_eq!(refused_fields(&status), ["key_group.display_name"]);
    let none = v1::CreateKeyGroupRequest::default();
    let status = server.api_key().create_key_group(none).await.unwrap_err();
    let fields = ["workspace_id", "key_group", "key_group.key_group_id"];
    assert_eq!(refused_fields(&status), fields);
    let good = v1::ListKeyGroupsRequest { workspace_id: ACME.to_owned(), ..Default::default() };
    let rows: &[Row<v1::ListKeyGroupsRequest>] = &[
        ("workspace_id", |r| r.workspace_id = String::new()),
        ("page_size", |r| r.page_size = -1),
        ("page_token", |r| r.page_token = "x".to_owned()),
    ];
    refuse(good, rows, async |r| server.api_key().list_key_groups(r).await).await;
}

// -- What they do.

#[tokio::test]
async fn keys_that_are_unknown_disabled_or_expired_are_told_apart() {
    let server = acme().await;
    register(&server, key("k", "")).await.unwrap();
    // Unknown ones are accepted, until the workspace denies them.
    assert_eq!(decision(&server, "r-1", api_key("stranger")).await, Allowed);
    deny_unknown_keys(&server).await;
    let blocked_by = async |id: &str, key: &str, reason: v1::Reason| {
        let answer = ask(&server, check_for(id, "big", api_key(key))).await;
        assert_eq!((answer.decision(), answer.reason()), (Blocked, reason));
        let verdict = only(&answer);
        assert_eq!(verdict.subject, subject(Type::ApiKey, key));
        assert_eq!((verdict.reason(), verdict.blocking), (reason, true));
        assert_eq!((verdict.limit_kind(), answer.retry_after), (v1::LimitKind::Unspecified, None));
    };
    blocked_by("r-2", "stranger", v1::Reason::KeyUnknown).await;
    assert_eq!(decision(&server, "r-3", api_key("k")).await, Allowed);
    // Who names no key is not concerned.
    assert_eq!(decision(&server, "r-4", v1::Attribution::default()).await, Allowed);

    let disabled = v1::ApiKey { disabled: true, ..key("k", "") };
    update_key(&server, disabled, &["disabled"]).await.unwrap();
    blocked_by("r-5", "k", v1::Reason::KeyDisabled).await;
    update_key(&server, key("k", ""), &["disabled"]).await.unwrap();
    let expires = v1::ApiKey { expire_time: after_start(60), ..key("k", "") };
    update_key(&server, expires, &["expire_time"]).await.unwrap();
    server.clock.advance(60 * MICROS_PER_SECOND - 1);
    assert_eq!(decision(&server, "r-5", api_key("k")).await, Allowed);
    server.clock.advance(1);
    blocked_by("r-6", "k", v1::Reason::KeyExpired).await;
    delete_key(&server, "k").await.unwrap();
    blocked_by("r-7", "k", v1::Reason::KeyUnknown).await;
    // What ran is recorded all the same.
    spend(&server, "r-3", "big", api_key("k")).await;
}

#[tokio::test]
async fn an_allow_list_binds_fallback_as_well() {
    let server = acme().await;
    let only_big = v1::ApiKey { allowed_model_ids: vec!["big".to_owned()], ..key("k", "") };
    register(&server, only_big).await.unwrap();
    let answer = ask(&server, check_for("r-1", "small", api_key("k"))).await;
    assert_eq!((answer.decision(), answer.reason()), (Blocked, v1::Reason::ModelNotAllowed));
    assert_eq!(decision(&server, "r-1", api_key("k")).await, Allowed);
    // A cap that would route others to small.
    let quota = v1::Quota {
        enforcement: v1::Enforcement::Downgrade.into(),
        model_id: "big".to_owned(),
        ..money_quota("q", Type::Workspace, "", "2")
    };
    create_quota(&server, quota).await.unwrap();
    assert_eq!(decision(&server, "r-2", api_key("other")).await, Routed);
    let answer = ask(&server, check_for("r-3", "big", api_key("k"))).await;
    assert_eq!((answer.decision(), answer.reason()), (Blocked, v1::Reason::NoAllowedModel));
    update_key(&server, key("k", ""), &["allowed_model_ids"]).await.unwrap();
    assert_eq!(decision(&server, "r-3", api_key("k")).await, Routed);
}

#[tokio::test]
async fn a_group_shares_its_quota_over_its_keys() {
    let server = acme().await;
    create_group(&server, "g").await.unwrap();
    for id in ["a", "b"] {
        register(&server, key(id, "g")).await.unwrap();
    }
    create_quota(&server, money_quota("group", Type::KeyGroup, "g", "6")).await.unwrap();
    create_quota(&server, money_quota("own", Type::ApiKey, "a", "2")).await.unwrap();
    assert_eq!(decision(&server, "a-1", api_key("a")).await, Allowed);
    // Its own limit applies as well.
    let answer = ask(&server, check_for("a-2", "big", api_key("a"))).await;
    assert_eq!(limit_ids(&answer.verdicts), ["own"]);
    assert_eq!(decision(&server, "b-1", api_key("b")).await, Allowed);
    assert_eq!(decision(&server, "b-2", api_key("b")).await, Allowed);
    let answer = ask(&server, check_for("b-3", "big", api_key("b"))).await;
    assert_eq!(limit_ids(&answer.verdicts), ["group"]);
    let answer = ask(&server, check_for("a-3", "big", api_key("a"))).await;
    assert_eq!(limit_ids(&answer.verdicts), ["own", "group"]);
    spend(&server, "a-1", "big", api_key("a")).await;
    let usages = quota_usage(&server).await;
    let group = usages.iter().find(|usage| usage.quota_id == "group").unwrap();
    assert_eq!([&group.spent, &group.held].map(amount), ["2.00", "4.00"]);
    assert_eq!(group.subject, subject(Type::KeyGroup, "g"));
}

#[tokio::test]
async fn a_key_that_moves_leaves_its_history_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_in(folder.path(), Default::default(), Config::default()).await;
    set_up(&server).await;
    for group in ["old", "new"] {
        create_group(&server, group).await.unwrap();
        create_quota(&server, money_quota(group, Type::KeyGroup, group, "6")).await.unwrap();
    }
    register(&server, key("k", "old")).await.unwrap();
    spend(&server, "r-1", "big", api_key("k")).await;
    ask(&server, check_for("r-2", "big", api_key("k"))).await;
    update_key(&server, key("k", "new"), &[]).await.unwrap();
    // What was in flight then is settled where it was held.
    ask(&server, check_for("r-3", "big", api_key("k"))).await;
    spend(&server, "r-2", "big", api_key("k")).await;
    let figures = async |server: &Server| {
        let usages = quota_usage(server).await;
        ["old", "new"].map(|group| {
            let usage = usages.iter().find(|usage| usage.quota_id == group).unwrap();
            [&usage.spent, &usage.held].map(|money| amount(money).to_owned())
        })
    };
    let expected = [["4.00", "0.00"], ["0.00", "2.00"]].map(|row| row.map(str::to_owned));
    assert_eq!(figures(&server).await, expected);
    let request =
        v1::ListUsageRecordsRequest { workspace_id: ACME.to_owned(), ..Default::default() };
    let listed = server.usage().list_usage_records(request).await.unwrap().into_inner();
    assert!(listed.records.iter().all(|record| record.key_group_id == "old"));

    // Also after a restart, and for a quota that is made later.
    let clock = server.clock.clone();
    server.stop().await.unwrap();
    let server = Server::start_in(folder.path(), clock, Config::default()).await;
    assert_eq!(figures(&server).await, expected);
    delete_quota(&server, "old").await.unwrap();
    create_quota(&server, money_quota("old", Type::KeyGroup, "old", "5")).await.unwrap();
    assert_eq!(figures(&server).await, expected);
    release(&server, "r-3").await;
    // Out of all groups it is bounded by none.
    update_key(&server, key("k", ""), &["key_group_id"]).await.unwrap();
    for index in 4..9 {
        assert_eq!(decision(&server, &format!("r-{index}"), api_key("k")).await, Allowed);
    }
}

#[tokio::test]
async fn keys_have_the_time_of_their_last_use_and_what_they_used_in_the_cycle() {
    let server = acme().await;
    for id in ["a", "b", "c"] {
        register(&server, key(id, "")).await.unwrap();
    }
    // `b` in the cycle before: on 2026-02-20.
    let february = prost_types::Timestamp { seconds: 1_771_545_600, nanos: 0 };
    let early = v1::RecordUsageRequest {
        start_time: Some(february),
        attribution: Some(api_key("b")),
        ..record("r-0", "small")
    };
    server.usage().record_usage(early).await.unwrap();
    spend(&server, "r-1", "big", api_key("a")).await;
    spend(&server, "r-2", "small", api_key("a")).await;
    let request = v1::ListApiKeysRequest {
        workspace_id: ACME.to_owned(),
        with_usage: true,
        ..Default::default()
    };
    let listed = server.api_key().list_api_keys(request.clone()).await.unwrap().into_inner();
    let used = |key: &v1::ApiKey| {
        let usage = key.cycle_usage.as_ref().unwrap();
        let cost = amount(&usage.cost).to_owned();
        (key.last_use_time.map(|time| time.seconds), cost, usage.request_count, usage.token_count)
    };
    let now = START.micros() / 1_000_000;
    let [a, b, c] = &listed.api_keys[..] else { panic!("{listed:?}") };
    assert_eq!(used(a), (Some(now), "2.20".to_owned(), 2, 300_000));
    assert_eq!(used(b), (Some(1_771_545_600), "0.00".to_owned(), 0, 0));
    assert_eq!(used(c), (None, "0.00".to_owned(), 0, 0));
    let one = v1::GetApiKeyRequest {
        workspace_id: ACME.to_owned(),
        api_key_id: "a".to_owned(),
        with_usage: true,
    };
    let one = server.api_key().get_api_key(one).await.unwrap().into_inner().api_key;
    assert_eq!(one.as_ref(), Some(a));
    // Without being asked for it is not read.
    let plain = v1::ListApiKeysRequest { with_usage: false, ..request };
    let plain = server.api_key().list_api_keys(plain).await.unwrap().into_inner();
    assert!(plain.api_keys.iter().all(|key| key.cycle_usage.is_none()));
    assert!(plain.api_keys.iter().all(|key| key.last_use_time.is_none()));
}
