//! Tokens: what they are, how they end, and what the audit log says of who used them.

use std::time::{Duration, Instant};

use tollgate::domain::access::{Role, Secret};
use tollgate::domain::time::{MICROS_PER_DAY, MICROS_PER_MINUTE};
use tollgate::proto::v1;
use tonic::{Code, Status};

use super::{Guarded, create, start, token, with};
use crate::fixtures::{ACME, refused_fields};
use crate::server::{START, Server};

async fn who(server: &Server, secret: &str) -> Result<v1::WhoAmIResponse, Status> {
    let answer = server.access().who_am_i(with(secret, v1::WhoAmIRequest {})).await;
    answer.map(tonic::Response::into_inner)
}

async fn tokens(guarded: &Guarded) -> Vec<v1::Token> {
    let request = with(&guarded.operator, v1::ListTokensRequest::default());
    guarded.server.access().list_tokens(request).await.unwrap().into_inner().tokens
}

#[tokio::test]
async fn a_caller_learns_who_it_is() {
    let guarded = Guarded::start().await;
    let admin = who(&guarded.server, &guarded.admin).await.unwrap();
    assert_eq!(admin.identity, "token:admin");
    assert_eq!((admin.role(), admin.workspace_ids), (v1::Role::Admin, vec![ACME.to_owned()]));
    let operator = who(&guarded.server, &guarded.operator).await.unwrap();
    assert_eq!((operator.role(), operator.workspace_ids.len()), (v1::Role::Operator, 0));
    let open = Server::start().await;
    let anyone = open.access().who_am_i(v1::WhoAmIRequest {}).await.unwrap().into_inner();
    assert_eq!((anyone.identity.as_str(), anyone.role()), ("anonymous", v1::Role::Operator));
}

#[tokio::test]
async fn a_token_is_created_rotated_and_revoked() {
    let guarded = Guarded::start().await;
    let (server, mut access) = (&guarded.server, guarded.server.access());
    let new = v1::Token {
        token_id: "ci".to_owned(),
        display_name: "Build".to_owned(),
        role: v1::Role::Viewer.into(),
        workspace_ids: vec![ACME.to_owned(), ACME.to_owned()],
        ..Default::default()
    };
    let create = || v1::CreateTokenRequest { token: Some(new.clone()) };
    let made = access.create_token(with(&guarded.operator, create())).await.unwrap().into_inner();
    assert!(Secret::is_well_formed(&made.secret));
    assert_eq!(made.token.unwrap().workspace_ids, [ACME]);
    let again = access.create_token(with(&guarded.operator, create())).await.unwrap_err();
    assert_eq!(again.code(), Code::AlreadyExists);
    assert_eq!(who(server, &made.secret).await.unwrap().identity, "token:ci");

    let rotate = |overlap: Option<i64>| v1::RotateTokenRequest {
        token_id: "ci".to_owned(),
        overlap: overlap.map(|seconds| prost_types::Duration { seconds, nanos: 0 }),
    };
    let rotated = access.rotate_token(with(&guarded.operator, rotate(None))).await.unwrap();
    let second = rotated.into_inner().secret;
    assert!(who(server, &made.secret).await.is_ok() && who(server, &second).await.is_ok());
    server.clock.advance(MICROS_PER_DAY);
    assert_eq!(who(server, &made.secret).await.unwrap_err().code(), Code::Unauthenticated);
    let rotated = access.rotate_token(with(&guarded.operator, rotate(Some(0)))).await.unwrap();
    let third = rotated.into_inner().secret;
    assert_eq!(who(server, &second).await.unwrap_err().code(), Code::Unauthenticated);

    let revoke = || v1::RevokeTokenRequest { token_id: "ci".to_owned() };
    let revoked = access.revoke_token(with(&guarded.operator, revoke())).await.unwrap();
    let revoked = revoked.into_inner().token.unwrap();
    assert_eq!(who(server, &third).await.unwrap_err().code(), Code::Unauthenticated);
    server.clock.advance(1);
    let again = access.revoke_token(with(&guarded.operator, revoke())).await.unwrap();
    assert_eq!(again.into_inner().token.unwrap().revoke_time, revoked.revoke_time);
    let rotated = access.rotate_token(with(&guarded.operator, rotate(None))).await.unwrap_err();
    assert_eq!(rotated.code(), Code::FailedPrecondition);
    let ghost = v1::RevokeTokenRequest { token_id: "ghost".to_owned() };
    let ghost = access.revoke_token(with(&guarded.operator, ghost)).await.unwrap_err();
    assert_eq!(ghost.code(), Code::NotFound);

    let request = v1::ListAuditEventsRequest {
        resource_type: "token".to_owned(),
        resource_id: "ci".to_owned(),
        ..Default::default()
    };
    let events = server.audit().list_audit_events(with(&guarded.operator, request)).await.unwrap();
    let events = events.into_inner().audit_events;
    let actions: Vec<&str> = events.iter().map(|event| event.action.as_str()).collect();
    assert_eq!(actions, ["RevokeToken", "RotateToken", "RotateToken", "CreateToken"]);
    assert!(events.iter().all(|event| event.actor == "token:operator"));
    let text = format!("{events:?}");
    for secret in [&made.secret, &second, &third] {
        assert!(!text.contains(secret.as_str()) && !text.contains(&secret[3..40]));
    }
}

#[tokio::test]
async fn a_token_that_cannot_be_is_refused_by_field() {
    let guarded = Guarded::start().await;
    let check = async |token: v1::Token, field: &str| {
        let request = v1::CreateTokenRequest { token: Some(token) };
        let made = guarded.server.access().create_token(with(&guarded.operator, request)).await;
        assert_eq!(refused_fields(&made.unwrap_err()), [field]);
    };
    let (viewer, operator) = (v1::Role::Viewer.into(), v1::Role::Operator.into());
    let workspace_ids = vec![ACME.to_owned()];
    let valid =
        v1::Token { role: viewer, workspace_ids: workspace_ids.clone(), ..Default::default() };
    check(v1::Token { role: 0, ..valid.clone() }, "token.role").await;
    check(v1::Token { role: 9, ..valid.clone() }, "token.role").await;
    check(v1::Token { role: operator, ..valid.clone() }, "token.workspace_ids").await;
    check(v1::Token { role: viewer, ..Default::default() }, "token.workspace_ids").await;
    let many = vec!["w".to_owned(); 101];
    check(v1::Token { workspace_ids: many, ..valid.clone() }, "token.workspace_ids").await;
    let odd = vec![String::new()];
    check(v1::Token { workspace_ids: odd, ..valid.clone() }, "token.workspace_ids[0]").await;
    let past = Some(prost_types::Timestamp { seconds: 1_700_000_000, nanos: 0 });
    check(v1::Token { expire_time: past, ..valid.clone() }, "token.expire_time").await;
    check(v1::Token { token_id: "a\tb".to_owned(), ..valid.clone() }, "token.token_id").await;
    check(v1::Token { display_name: "x".repeat(201), ..valid.clone() }, "token.display_name").await;
    // A holder is one user or key of one workspace, and nobody else is.
    let user = |kind: v1::SubjectType, id: &str| {
        Some(v1::Subject { r#type: kind.into(), id: id.to_owned() })
    };
    let ada = user(v1::SubjectType::User, "ada");
    check(v1::Token { subject: ada.clone(), ..valid.clone() }, "token.subject").await;
    let holder = v1::Token { role: v1::Role::Holder.into(), subject: ada, ..valid };
    check(v1::Token { subject: None, ..holder.clone() }, "token.subject").await;
    let department = user(v1::SubjectType::Department, "eng");
    check(v1::Token { subject: department, ..holder.clone() }, "token.subject").await;
    let none = user(v1::SubjectType::Unspecified, "ada");
    check(v1::Token { subject: none, ..holder.clone() }, "token.subject.type").await;
    let nobody = user(v1::SubjectType::User, "");
    check(v1::Token { subject: nobody, ..holder.clone() }, "token.subject.id").await;
    let two = vec![ACME.to_owned(), "beta".to_owned()];
    check(v1::Token { workspace_ids: two, ..holder }, "token.workspace_ids").await;
    assert_eq!(tokens(&guarded).await.len(), 5);
}

/// As `tollgate token` does, while the server runs.
#[tokio::test]
async fn what_another_process_changes_counts_within_a_second() {
    let guarded = Guarded::start().await;
    let server = &guarded.server;
    let within_a_second = async |secret: &str, is_valid: bool| {
        let begun = Instant::now();
        while who(server, secret).await.is_ok() != is_valid {
            assert!(begun.elapsed() < Duration::from_secs(20), "it is never seen");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let folder = guarded.folder.path();
    let secret = create(folder, token("late", Role::Service, &[ACME], None)).await;
    within_a_second(&secret, true).await;
    // A stream that is open ends as well.
    let request = v1::WatchSpendRequest { workspace_id: ACME.to_owned() };
    let viewer = create(folder, token("watcher", Role::Viewer, &[ACME], None)).await;
    within_a_second(&viewer, true).await;
    let watch = server.budget().watch_spend(with(&viewer, request)).await.unwrap();
    let mut watch = watch.into_inner();
    watch.message().await.unwrap().expect("the first state");
    let database = crate::server::database(folder).await;
    let beside = tollgate::admin::tokens::Tokens::open(&database, true).await.unwrap();
    for id in ["late", "watcher"] {
        beside.revoke(id, crate::server::START).await.unwrap();
    }
    beside.close().await;
    within_a_second(&secret, false).await;
    let end = watch.message().await.unwrap_err();
    assert_eq!(end.code(), Code::Unauthenticated);
}

/// Also where the secret was rotated meanwhile, which brings its end nearer.
#[tokio::test]
async fn a_stream_ends_with_the_secret_that_opened_it() {
    let guarded = Guarded::start().await;
    let (server, mut access) = (&guarded.server, guarded.server.access());
    let mut rotate = async |seconds: i64| {
        let overlap = Some(prost_types::Duration { seconds, nanos: 0 });
        let request = v1::RotateTokenRequest { token_id: "viewer".to_owned(), overlap };
        let answer = access.rotate_token(with(&guarded.operator, request)).await;
        answer.unwrap().into_inner().secret
    };
    let watch = async |secret: &str| {
        let request = v1::WatchSpendRequest { workspace_id: ACME.to_owned() };
        let stream = server.budget().watch_spend(with(secret, request)).await;
        let mut stream = stream.unwrap().into_inner();
        stream.message().await.unwrap().expect("the first state");
        stream
    };
    let mut first = watch(&guarded.viewer).await;
    let second = rotate(3_600).await;
    let mut second = watch(&second).await;
    server.clock.advance(3_600_000_000);
    let end = async |stream: &mut tonic::Streaming<v1::WatchSpendResponse>| {
        let message = tokio::time::timeout(Duration::from_secs(60), stream.message()).await;
        message.expect("it ends").unwrap_err().code()
    };
    assert_eq!(end(&mut first).await, Code::Unauthenticated);
    // The secret in use goes on, until it is revoked.
    let request = v1::RevokeTokenRequest { token_id: "viewer".to_owned() };
    server.access().revoke_token(with(&guarded.operator, request)).await.unwrap();
    assert_eq!(end(&mut second).await, Code::Unauthenticated);
}

#[tokio::test]
async fn the_last_use_of_a_token_is_kept() {
    let guarded = Guarded::start().await;
    let used = async |guarded: &Guarded, id: &str| {
        let all = tokens(guarded).await;
        all.into_iter().find(|token| token.token_id == id).unwrap().last_use_time
    };
    assert_eq!(used(&guarded, "viewer").await, None);
    who(&guarded.server, &guarded.viewer).await.unwrap();
    let first = used(&guarded, "viewer").await.unwrap();
    guarded.server.clock.advance(2 * MICROS_PER_MINUTE);
    who(&guarded.server, &guarded.viewer).await.unwrap();
    let second = used(&guarded, "viewer").await.unwrap();
    assert_eq!(second.seconds - first.seconds, 120);
    // Also over a restart.
    let Guarded { server, folder, operator, admin, service, viewer, holder, provider } = guarded;
    let clock = server.clock.clone();
    server.stop().await.unwrap();
    let server = start(folder.path(), clock).await;
    let guarded = Guarded { server, folder, operator, admin, service, viewer, holder, provider };
    assert_eq!(used(&guarded, "viewer").await, Some(second));
}

#[tokio::test]
async fn the_audit_log_names_the_identity_and_whom_it_speaks_for() {
    let guarded = Guarded::start().await;
    let request = v1::SetAutomaticFallbackRequest { workspace_id: ACME.to_owned(), enabled: false };
    let mut request = with(&guarded.admin, request);
    request.metadata_mut().insert("tollgate-actor", "ada@example.com".parse().unwrap());
    guarded.server.budget().set_automatic_fallback(request).await.unwrap();
    let request =
        v1::ListAuditEventsRequest { workspace_id: ACME.to_owned(), ..Default::default() };
    let events = guarded.server.audit().list_audit_events(with(&guarded.admin, request)).await;
    let event = events.unwrap().into_inner().audit_events.remove(0);
    assert_eq!(
        (event.actor.as_str(), event.on_behalf_of.as_str()),
        ("token:admin", "ada@example.com")
    );
}

#[tokio::test]
async fn only_own_workspaces_are_listed() {
    let guarded = Guarded::start().await;
    let list = async |secret: &str| {
        let request = with(secret, v1::ListWorkspacesRequest::default());
        let found = guarded.server.workspace().list_workspaces(request).await.unwrap();
        let found = found.into_inner().workspaces.into_iter();
        found.map(|workspace| workspace.workspace_id).collect::<Vec<_>>()
    };
    assert_eq!(list(&guarded.operator).await, [ACME, "rival"]);
    assert_eq!(list(&guarded.viewer).await, [ACME]);
}

#[tokio::test]
async fn a_server_says_what_a_client_should_know_of_it() {
    let server = Server::start().await;
    let info = server.access().get_server_info(v1::GetServerInfoRequest {}).await.unwrap();
    let info = info.into_inner();
    assert_eq!(info.version, env!("CARGO_PKG_VERSION"));
    assert!(!info.authentication_required && !info.smtp_configured);
    assert_eq!(info.server_time.unwrap().seconds, START.micros() / 1_000_000);
    for zone in ["UTC", "Europe/Berlin", "Asia/Kolkata"] {
        assert!(info.time_zones.iter().any(|known| known == zone), "{zone}");
    }
    assert_eq!((info.page_size_max, info.request_bytes_max), (1_000, 4 * 1_024 * 1_024));
    assert_eq!((info.calls_per_connection_max, info.refusals_max), (100, 1_000));
    assert_eq!(info.refusal_age_max.unwrap().seconds, 24 * 60 * 60);

    let guarded = Guarded::start().await;
    let request = with(&guarded.holder, v1::GetServerInfoRequest {});
    let info = guarded.server.access().get_server_info(request).await.unwrap().into_inner();
    assert!(info.authentication_required);
}
