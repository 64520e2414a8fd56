//! Freezes and archived workspaces: what the next check answers, who is told what, and what stays.

use prost_types::Timestamp;
use tollgate::config::Config;
use tollgate::domain::time::MICROS_PER_HOUR;
use tollgate::proto::v1;
use tonic::{Code, Status};

use crate::fixtures::{
    ACME, acme, assert_failed, audit_events, by, check, create_workspace, get_budget, record,
    refused_fields, set_up,
};
use crate::limits::{Type, create_group, key, register, subject};
use crate::server::{Server, TestClock};

use v1::Decision::{Allowed, Blocked};

async fn freeze(
    server: &Server,
    kind: Type,
    id: &str,
    end_time: Option<Timestamp>,
) -> Result<v1::Freeze, Status> {
    let request = v1::FreezeRequest {
        workspace_id: ACME.to_owned(),
        subject: subject(kind, id),
        reason: "runaway loop".to_owned(),
        end_time,
    };
    let request = by("eve", request);
    Ok(server.workspace().freeze(request).await?.into_inner().freeze.unwrap())
}

async fn unfreeze(server: &Server, kind: Type, id: &str) -> Option<v1::Freeze> {
    let request = v1::UnfreezeRequest { workspace_id: ACME.to_owned(), subject: subject(kind, id) };
    server.workspace().unfreeze(request).await.unwrap().into_inner().freeze
}

async fn list(server: &Server, page_size: i32, token: &str) -> (Vec<String>, String) {
    let request = v1::ListFreezesRequest {
        workspace_id: ACME.to_owned(),
        page_size,
        page_token: token.to_owned(),
    };
    let listed = server.workspace().list_freezes(request).await.unwrap().into_inner();
    let ids = listed.freezes.into_iter().map(|freeze| freeze.subject.unwrap().id);
    (ids.collect(), listed.next_page_token)
}

/// A check of ada, in the department law, with the key k and a tag.
async fn ask(server: &Server, request_id: &str) -> v1::CheckAndRouteResponse {
    let attribution = v1::Attribution {
        user_id: "ada".to_owned(),
        department_id: "law".to_owned(),
        api_key_id: "k".to_owned(),
        tags: [("team".to_owned(), "search".to_owned())].into(),
        ..Default::default()
    };
    let request =
        v1::CheckAndRouteRequest { attribution: Some(attribution), ..check(request_id, "big") };
    server.usage().check_and_route(request).await.unwrap().into_inner()
}

fn in_seconds(server: &Server, seconds: i64) -> Option<Timestamp> {
    let nanos = i32::try_from(server.clock.micros() % 1_000_000 * 1_000).unwrap();
    Some(Timestamp { seconds: server.clock.micros() / 1_000_000 + seconds, nanos })
}

#[tokio::test]
async fn each_subject_of_a_request_can_be_frozen_and_the_next_check_sees_it() {
    let server = acme().await;
    create_group(&server, "g").await.unwrap();
    register(&server, key("k", "g")).await.unwrap();
    for (number, (kind, id)) in [
        (Type::Workspace, ""),
        (Type::User, "ada"),
        (Type::Department, "law"),
        (Type::ApiKey, "k"),
        (Type::KeyGroup, "g"),
        (Type::Tag, "team=search"),
    ]
    .into_iter()
    .enumerate()
    {
        let frozen = freeze(&server, kind, id, None).await.unwrap();
        assert_eq!((&*frozen.reason, &*frozen.actor), ("runaway loop", "eve"));
        let refused = ask(&server, &format!("frozen-{number}")).await;
        assert_eq!(refused.decision(), Blocked, "{kind:?}");
        assert_eq!(refused.reason(), v1::Reason::Frozen);
        assert_eq!(refused.retry_after, None);
        let verdict = &refused.verdicts[0];
        assert_eq!((verdict.reason(), verdict.blocking), (v1::Reason::Frozen, true));
        let id = if kind == Type::Workspace { ACME } else { id };
        assert_eq!(verdict.subject, subject(kind, id));
        assert_eq!(refused.verdicts.len(), 1);
        assert_eq!(unfreeze(&server, kind, id).await, Some(frozen));
        assert_eq!(unfreeze(&server, kind, id).await, None);
        let allowed = ask(&server, &format!("free-{number}")).await;
        assert_eq!(allowed.decision(), Allowed, "{kind:?}");
    }
    // Others go on.
    freeze(&server, Type::User, "bob", None).await.unwrap();
    assert_eq!(ask(&server, "ada").await.decision(), Allowed);
}

#[tokio::test]
async fn every_freeze_has_its_verdict_before_any_other_rule_and_the_wait_is_the_longest() {
    let server = acme().await;
    let (short, long) = (in_seconds(&server, 60), in_seconds(&server, 90));
    freeze(&server, Type::User, "ada", long).await.unwrap();
    freeze(&server, Type::Department, "law", short).await.unwrap();
    let unknown = v1::CheckAndRouteRequest {
        attribution: Some(v1::Attribution {
            user_id: "ada".to_owned(),
            department_id: "law".to_owned(),
            ..Default::default()
        }),
        ..check("r", "no-such-model")
    };
    let refused = server.usage().check_and_route(unknown).await.unwrap().into_inner();
    assert_eq!(refused.reason(), v1::Reason::Frozen);
    let waits: Vec<i64> =
        refused.verdicts.iter().map(|it| it.retry_after.unwrap().seconds).collect();
    assert_eq!((waits, refused.retry_after.unwrap().seconds), (vec![60, 90], 90));
    // Who waits as told passes.
    server.clock.advance(90 * 1_000_000);
    assert_eq!(ask(&server, "later").await.decision(), Allowed);
    assert_eq!(list(&server, 0, "").await.0, Vec::<String>::new());
}

#[tokio::test]
async fn requests_in_flight_are_recorded_and_repeated_checks_answer_as_before() {
    let server = acme().await;
    let allowed = ask(&server, "r").await;
    freeze(&server, Type::Workspace, "", None).await.unwrap();
    let again = ask(&server, "r").await;
    assert_eq!((again.decision(), again.expire_time), (Allowed, allowed.expire_time));
    server.usage().record_usage(record("r", "big")).await.unwrap();
    assert_eq!(get_budget(&server).await.spent.unwrap().amount, "2.00");
    assert_eq!(ask(&server, "next").await.decision(), Blocked);
}

#[tokio::test]
async fn a_freeze_is_there_after_a_restart_and_one_that_is_over_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let clock = std::sync::Arc::new(TestClock::default());
    let server = Server::start_in(folder.path(), clock.clone(), Config::default()).await;
    set_up(&server).await;
    freeze(&server, Type::User, "ada", in_seconds(&server, 7_200)).await.unwrap();
    freeze(&server, Type::User, "bob", in_seconds(&server, 60)).await.unwrap();
    server.stop().await.unwrap();
    clock.advance(MICROS_PER_HOUR);
    let server = Server::start_in(folder.path(), clock.clone(), Config::default()).await;
    assert_eq!(ask(&server, "r-1").await.reason(), v1::Reason::Frozen);
    assert_eq!(list(&server, 0, "").await.0, ["ada"]);
    clock.advance(MICROS_PER_HOUR);
    assert_eq!(ask(&server, "r-2").await.decision(), Allowed);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn freezes_are_listed_page_by_page() {
    let server = acme().await;
    for (kind, id) in
        [(Type::User, "b"), (Type::Workspace, ""), (Type::User, "a"), (Type::Project, "p")]
    {
        freeze(&server, kind, id, None).await.unwrap();
    }
    let (first, token) = list(&server, 3, "").await;
    let (rest, end) = list(&server, 3, &token).await;
    assert_eq!((first, rest), (vec![ACME.to_owned(), "a".into(), "b".into()], vec!["p".into()]));
    assert_eq!(end, "");
}

#[tokio::test]
async fn what_cannot_be_frozen_is_refused_by_field() {
    let server = acme().await;
    let refused = async |request: v1::FreezeRequest| {
        let request = v1::FreezeRequest { workspace_id: ACME.to_owned(), ..request };
        refused_fields(&server.workspace().freeze(request).await.unwrap_err())
    };
    let good = || v1::FreezeRequest {
        subject: subject(Type::User, "ada"),
        reason: "x".to_owned(),
        ..Default::default()
    };
    for (request, field) in [
        (v1::FreezeRequest { subject: None, ..good() }, "subject"),
        (v1::FreezeRequest { subject: subject(Type::User, ""), ..good() }, "subject.id"),
        (v1::FreezeRequest { subject: subject(Type::Workspace, "b"), ..good() }, "subject.id"),
        (v1::FreezeRequest { subject: subject(Type::KeyGroup, "g"), ..good() }, "subject.id"),
        (v1::FreezeRequest { subject: subject(Type::Tag, "team"), ..good() }, "subject.id"),
        (v1::FreezeRequest { subject: subject(Type::Model, "big"), ..good() }, "subject.type"),
        (v1::FreezeRequest { subject: subject(Type::Provider, "x"), ..good() }, "subject.type"),
        (v1::FreezeRequest { reason: String::new(), ..good() }, "reason"),
        (v1::FreezeRequest { reason: "x".repeat(501), ..good() }, "reason"),
        (v1::FreezeRequest { end_time: in_seconds(&server, 0), ..good() }, "end_time"),
        (v1::FreezeRequest { end_time: in_seconds(&server, 367 * 86_400), ..good() }, "end_time"),
    ] {
        assert_eq!(refused(request).await, [field]);
    }
    assert_eq!(list(&server, 0, "").await.0, Vec::<String>::new());
}

#[tokio::test]
async fn a_change_is_audited_once_and_says_why() {
    let server = acme().await;
    let begin = audit_events(&server, ACME).await.len();
    freeze(&server, Type::User, "ada", None).await.unwrap();
    // Nothing changes: nothing is written.
    freeze(&server, Type::User, "ada", None).await.unwrap();
    let longer = freeze(&server, Type::User, "ada", in_seconds(&server, 60)).await.unwrap();
    assert!(longer.end_time.is_some());
    unfreeze(&server, Type::User, "ada").await.unwrap();
    let mut events = audit_events(&server, ACME).await;
    events.truncate(events.len() - begin);
    let seen = events.iter().rev().map(|event| (&*event.action, &*event.resource_id));
    let seen: Vec<_> = seen.collect();
    assert_eq!(seen, [("Freeze", "ada"), ("Freeze", "ada"), ("Unfreeze", "ada")]);
    assert!(events[2].after_json.contains("runaway loop"), "{}", events[2].after_json);
    assert!(events.iter().all(|event| event.resource_type == "freeze"));
    assert_eq!(events[0].after_json, "");
}

#[tokio::test]
async fn an_archived_workspace_blocks_checks_and_is_listed_on_demand() {
    let server = acme().await;
    create_workspace(&server, "other").await;
    let listed = async |show_archived| {
        let request = v1::ListWorkspacesRequest { show_archived, ..Default::default() };
        let listed = server.workspace().list_workspaces(request).await.unwrap().into_inner();
        let count = listed.total_count;
        (listed.workspaces.into_iter().map(|it| it.workspace_id).collect::<Vec<_>>(), count)
    };
    assert_eq!(ask(&server, "r").await.decision(), Allowed);
    let request = v1::ArchiveWorkspaceRequest { workspace_id: ACME.to_owned() };
    let archived = server.workspace().archive_workspace(request.clone()).await.unwrap();
    let archive_time = archived.into_inner().workspace.unwrap().archive_time;
    assert!(archive_time.is_some());
    server.clock.advance(MICROS_PER_HOUR);
    let again = server.workspace().archive_workspace(request).await.unwrap().into_inner();
    assert_eq!(again.workspace.unwrap().archive_time, archive_time);

    let refused = ask(&server, "next").await;
    assert_eq!((refused.decision(), refused.reason()), (Blocked, v1::Reason::WorkspaceArchived));
    assert_eq!(refused.verdicts[0].subject, subject(Type::Workspace, ACME));
    server.usage().record_usage(record("late", "big")).await.unwrap();
    assert_eq!(get_budget(&server).await.spent.unwrap().amount, "2.00");
    assert_eq!(listed(false).await, (vec!["other".to_owned()], 1));
    assert_eq!(listed(true).await, (vec![ACME.to_owned(), "other".to_owned()], 2));

    let request = v1::RestoreWorkspaceRequest { workspace_id: ACME.to_owned() };
    let restored = server.workspace().restore_workspace(request).await.unwrap().into_inner();
    assert_eq!(restored.workspace.unwrap().archive_time, None);
    assert_eq!(ask(&server, "again").await.decision(), Allowed);
    assert_eq!(listed(false).await.1, 2);
    let request = v1::ArchiveWorkspaceRequest { workspace_id: "none".to_owned() };
    let status = server.workspace().archive_workspace(request).await.unwrap_err();
    assert_failed(&status, Code::NotFound, "WORKSPACE_NOT_FOUND", &[]);
}

#[tokio::test]
async fn a_user_that_is_erased_is_no_longer_frozen_or_named() {
    let server = acme().await;
    freeze(&server, Type::User, "ada", None).await.unwrap();
    let request = v1::EraseUserRequest { workspace_id: ACME.to_owned(), user_id: "ada".to_owned() };
    server.directory().erase_user(request).await.unwrap();
    assert_eq!(list(&server, 0, "").await.0, Vec::<String>::new());
    let events = audit_events(&server, ACME).await;
    let told = format!("{events:?}");
    assert!(!told.contains("\"ada\"") && !told.contains("runaway"), "{told}");
}
