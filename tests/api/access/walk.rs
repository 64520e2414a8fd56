//! Every method of the protos with every role.

use std::collections::BTreeMap;

use prost::Message;
use tollgate::domain::access::{Role, Secret};
use tollgate::domain::time::MICROS_PER_DAY;
use tollgate::proto::v1;
use tonic::{Code, Status};

use super::raw::{Method, methods};
use super::{Guarded, create, token, with};

/// Which role may make which call, as documented: operator, admin, service, viewer.
fn documented() -> BTreeMap<String, [bool; 4]> {
    let text = include_str!("../../../docs/security.md");
    let mut calls = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with("| ") && line.contains("Service/")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let may = |cell: usize| cells[cell] == "yes";
        calls.insert(format!("/tollgate.v1.{}", cells[1]), [may(2), may(3), may(4), may(5)]);
    }
    calls
}

#[test]
fn the_documented_table_is_that_of_the_code() {
    let text = include_str!("../../../docs/security.md");
    let table = tollgate::grpc::role_table();
    assert!(text.contains(&table), "docs/security.md: expected the output of `token roles`");
}

/// The status of an answer, also of one whose items have statuses of their own.
fn outcome(method: &Method, answer: Result<Vec<u8>, Status>) -> (Code, String) {
    let bytes = match answer {
        Ok(bytes) => bytes,
        Err(status) => return (status.code(), status.message().to_owned()),
    };
    let item = match method.path.rsplit('/').next() {
        Some("CheckAndRouteStream") => {
            let answer = v1::CheckAndRouteStreamResponse::decode(&*bytes).unwrap();
            match answer.result {
                Some(v1::check_and_route_stream_response::Result::Error(error)) => Some(error),
                _ => None,
            }
        }
        Some("RecordUsageBatch") => {
            let answer = v1::RecordUsageBatchResponse::decode(&*bytes).unwrap();
            match answer.results.into_iter().next().and_then(|result| result.result) {
                Some(v1::record_usage_result::Result::Error(error)) => Some(error),
                _ => None,
            }
        }
        _ => None,
    };
    item.map_or((Code::Ok, String::new()), |error| (Code::from(error.code), error.message))
}

#[tokio::test]
async fn each_role_may_call_what_is_documented_in_its_workspaces() {
    let guarded = Guarded::start().await;
    let documented = documented();
    let secrets = [&guarded.operator, &guarded.admin, &guarded.service, &guarded.viewer];
    let methods = methods();
    assert_eq!(methods.len(), documented.len());
    for method in &methods {
        let roles = documented.get(&method.path).unwrap_or_else(|| panic!("{}", method.path));
        for (secret, may) in secrets.into_iter().zip(roles) {
            let bearer = format!("Bearer {secret}");
            let call = async |workspace: &str| {
                let answer =
                    method.call(&guarded.server, &[&bearer], method.request(workspace)).await;
                outcome(method, answer)
            };
            let own = call("acme").await;
            let is_refused = own.0 == Code::PermissionDenied;
            assert_eq!(is_refused, !may, "{}: {own:?}", method.path);
            assert_ne!(own.0, Code::Unauthenticated, "{}", method.path);
            if secret == &guarded.operator || !method.names_workspace() {
                continue;
            }
            // Whether a foreign workspace exists is not said.
            let (rival, ghost) = (call("rival").await, call("ghost").await);
            assert_eq!(rival.0, Code::PermissionDenied, "{}", method.path);
            assert_eq!(rival, ghost, "{}", method.path);
        }
    }
}

#[tokio::test]
async fn without_valid_credentials_nothing_is_answered() {
    let guarded = Guarded::start().await;
    let folder = guarded.folder.path();
    let day = Some(MICROS_PER_DAY);
    let expired = create(folder, token("expired", Role::Operator, &[], day)).await;
    let revoked = create(folder, token("revoked", Role::Operator, &[], None)).await;
    let mut access = guarded.server.access();
    let request = v1::RevokeTokenRequest { token_id: "revoked".to_owned() };
    access.revoke_token(with(&guarded.operator, request)).await.unwrap();
    guarded.server.clock.advance(MICROS_PER_DAY);
    let unknown = Secret::from_random([7; 32]);
    let valid = &guarded.operator;
    let bearer = |text: &str| format!("Bearer {text}");
    let credentials: Vec<Vec<String>> = vec![
        vec![],
        vec![bearer(&expired)],
        vec![bearer(&revoked)],
        vec![bearer(unknown.expose())],
        vec![bearer(&valid[..valid.len() - 1])],
        vec![bearer(&format!("{valid}{valid}"))],
        vec![bearer(&valid.to_lowercase())],
        vec![bearer(&format!("{valid} "))],
        vec![bearer(&format!("{valid}, Bearer {valid}"))],
        vec![bearer(valid), bearer(valid)],
        vec![bearer("")],
        vec![valid.clone()],
        vec![format!("Basic {valid}")],
        vec![bearer(&"x".repeat(8_000))],
    ];
    for method in methods() {
        // Of one address so many fail that later ones are not even looked at.
        for given in &credentials {
            let given: Vec<&str> = given.iter().map(String::as_str).collect();
            let answer = method.call(&guarded.server, &given, method.request("acme")).await;
            let (code, message) = outcome(&method, answer);
            let is_refused = matches!(code, Code::Unauthenticated | Code::ResourceExhausted);
            assert!(is_refused, "{} with {given:?}: {code:?}", method.path);
            assert!(!message.contains("tg_"), "{message}");
        }
        let answer = method.call(&guarded.server, &[&bearer(valid)], Vec::new()).await;
        assert_ne!(outcome(&method, answer).0, Code::Unauthenticated, "{}", method.path);
    }
}
