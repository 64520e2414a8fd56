//! Bounds of what a workspace takes of the server: bytes of its holds, and distinct values of
//! attributions.

use std::collections::BTreeSet;

use tollgate::config::Config;
use tollgate::limits::Limits;
use tollgate::proto::v1;
use tonic::Code;

use crate::fixtures::{ACME, amount, assert_failed, check, get_budget, record, set_up};
use crate::limits::{create_quota, money_quota};
use crate::server::Server;

async fn start(limits: Limits) -> Server {
    let server = Server::start_with(Config { limits, ..Config::default() }).await;
    set_up(&server).await;
    server
}

fn attribution(user_id: &str, session_id: &str) -> Option<v1::Attribution> {
    Some(v1::Attribution {
        user_id: user_id.to_owned(),
        session_id: session_id.to_owned(),
        ..Default::default()
    })
}

#[tokio::test]
async fn holds_beyond_their_bytes_are_refused_until_others_end() {
    const BYTES_MAX: usize = 20_000;
    let limits = Limits { hold_bytes_per_workspace_max: BYTES_MAX, ..Limits::default() };
    let server = start(limits).await;
    let tags = (0..16).map(|index| (format!("key-{index}"), "v".repeat(125)));
    let tags = v1::Attribution { tags: tags.collect(), ..Default::default() };
    let mut taken = 0;
    let refused = loop {
        let request = v1::CheckAndRouteRequest {
            attribution: Some(tags.clone()),
            ..check(&format!("r-{taken}"), "small")
        };
        match server.usage().check_and_route(request).await {
            Ok(_) => taken += 1,
            Err(status) => break status,
        }
    };
    let bound = ("bound", "bytes of live holds of a workspace");
    let facts = [bound, ("value", "20000")];
    assert_failed(&refused, Code::ResourceExhausted, "BOUND_REACHED", &facts);
    // Each has 2,000 bytes of tags, and some hundred more.
    assert!((8..=10).contains(&taken), "{taken}");
    server.usage().check_and_route(check("plain", "small")).await.unwrap_err();
    server.usage().record_usage(record("r-0", "small")).await.unwrap();
    server.usage().check_and_route(check("plain", "small")).await.unwrap();
}

#[tokio::test]
async fn callers_do_not_multiply_what_reports_keep() {
    let limits = Limits { distinct_values_per_day_max: 10, ..Limits::default() };
    let server = start(limits).await;
    let each_user = money_quota("each", v1::SubjectType::User, "", "3");
    create_quota(&server, each_user).await.unwrap();
    for number in 0..30 {
        let (user, session) = (format!("user-{number}"), format!("session-{number}"));
        let attribution = attribution(&user, &session);
        let request = v1::RecordUsageRequest { attribution, ..record(&user, "big") };
        server.usage().record_usage(request.clone()).await.unwrap();
        // The same once more is a repeat, whatever was kept of it.
        assert!(server.usage().record_usage(request).await.unwrap().into_inner().duplicate);
    }
    assert_eq!(amount(&get_budget(&server).await.spent), "60.00");
    let request = v1::ListUsageRecordsRequest {
        workspace_id: ACME.to_owned(),
        page_size: 100,
        ..Default::default()
    };
    let listed = server.usage().list_usage_records(request).await.unwrap().into_inner().records;
    let said = |read: fn(&v1::Attribution) -> &String| -> BTreeSet<String> {
        listed.iter().map(|record| read(record.attribution.as_ref().unwrap()).clone()).collect()
    };
    let sessions = said(|attribution| &attribution.session_id);
    assert_eq!(sessions.len(), 11, "{sessions:?}");
    assert!(sessions.contains("(other)") && sessions.contains("session-9"), "{sessions:?}");
    // A quota counts users: each is charged with its own.
    assert_eq!(said(|attribution| &attribution.user_id).len(), 30);
    let request = v1::CheckAndRouteRequest {
        attribution: attribution("user-29", "session-29"),
        ..check("more", "big")
    };
    let answer = server.usage().check_and_route(request).await.unwrap().into_inner();
    assert_ne!(answer.decision(), v1::Decision::Allowed, "user-29 has spent 2 of 3");
}
