//! Every method of the protos with every role.

use std::collections::BTreeMap;

use prost::Message;
use tollgate::domain::access::{Role, Secret};
use tollgate::domain::time::MICROS_PER_MINUTE;
use tollgate::proto::v1;
use tonic::transport::Channel;
use tonic::{Code, Status};

use super::raw::{Method, methods};
use super::{Guarded, create, token, with};

/// Which role may make which call, as documented: operator, admin, service, viewer, holder.
fn documented() -> BTreeMap<String, [bool; 5]> {
    let text = include_str!("../../../docs/security.md");
    let mut calls = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with("| ") && line.contains("Service/")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let may = |cell: usize| cells[cell] == "yes";
        let roles = [may(2), may(3), may(4), may(5), may(6)];
        calls.insert(format!("/tollgate.v1.{}", cells[1]), roles);
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

/// Somebody with valid credentials: those of the connection, or with each call.
pub struct Caller {
    pub channel: Channel,
    pub authorization: Option<String>,
}

/// Calls every method as an operator, and as an administrator, a service, a viewer and the holder
/// `ada` of the workspace `acme`.
pub async fn walk(callers: [Caller; 5]) {
    let documented = documented();
    let methods = methods();
    assert_eq!(methods.len(), documented.len());
    for method in &methods {
        let roles = documented.get(&method.path).unwrap_or_else(|| panic!("{}", method.path));
        for (role, (caller, may)) in callers.iter().zip(roles).enumerate() {
            let authorization: Vec<&str> = caller.authorization.as_deref().into_iter().collect();
            let call = async |workspace: &str| {
                let body = method.request(workspace);
                outcome(method, method.call(&caller.channel, &authorization, body).await)
            };
            let own = call("acme").await;
            // A holder has to name itself, see below.
            let is_other = role == 4 && OWN.contains(&method.path.as_str());
            assert!(!is_other || own.1.contains("of this caller alone"), "{own:?}");
            let is_refused = own.0 == Code::PermissionDenied;
            assert_eq!(is_refused, !may || is_other, "{}: {own:?}", method.path);
            assert_ne!(own.0, Code::Unauthenticated, "{}", method.path);
            if role == 0 || !method.names_workspace() {
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
async fn each_role_may_call_what_is_documented_in_its_workspaces() {
    let guarded = Guarded::start().await;
    let Guarded { operator, admin, service, viewer, holder, .. } = &guarded;
    let caller = |secret: &String| Caller {
        channel: guarded.server.channel.clone(),
        authorization: Some(format!("Bearer {secret}")),
    };
    walk([operator, admin, service, viewer, holder].map(caller)).await;
}

#[tokio::test]
async fn a_role_of_an_identity_provider_is_that_of_a_token() {
    let guarded = Guarded::start().await;
    let provider = &guarded.provider;
    let caller = |group: &str| Caller {
        channel: guarded.server.channel.clone(),
        authorization: Some(format!("Bearer {}", provider.token(group))),
    };
    until_known(&guarded).await;
    walk(["root", "admins", "gateways", "finops", "people"].map(caller)).await;
}

/// Waits until the keys of the provider are read.
async fn until_known(guarded: &Guarded) {
    let root = format!("Bearer {}", guarded.provider.token("root"));
    let method = &methods()[0];
    loop {
        let answer = method.call(&guarded.server.channel, &[&root], Vec::new()).await;
        if outcome(method, answer).0 != Code::Unauthenticated {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// Calls that a holder may make about itself.
const OWN: [&str; 3] = [
    "/tollgate.v1.QuotaService/ListQuotaUsage",
    "/tollgate.v1.QuotaService/ListRateLimitUsage",
    "/tollgate.v1.AnalyticsService/QueryUsage",
];

#[tokio::test]
async fn a_holder_reads_its_own_usage_and_limits_alone() {
    let guarded = Guarded::start().await;
    let new = v1::Token {
        role: v1::Role::Holder.into(),
        workspace_ids: vec!["acme".to_owned()],
        subject: Some(subject("API_KEY", "prod")),
        ..Default::default()
    };
    let request = with(&guarded.operator, v1::CreateTokenRequest { token: Some(new) });
    let of_key = guarded.server.access().create_token(request).await.unwrap().into_inner().secret;
    let who = guarded.server.access().who_am_i(with(&of_key, v1::WhoAmIRequest {})).await;
    let who = who.unwrap().into_inner();
    assert_eq!((who.role(), who.subject), (v1::Role::Holder, Some(subject("API_KEY", "prod"))));

    let (mut quotas, mut reports) = (guarded.server.quota(), guarded.server.analytics());
    let mut quota = async |secret: &str, subject: Option<v1::Subject>| {
        let workspace_id = "acme".to_owned();
        let request = v1::ListQuotaUsageRequest { workspace_id, subject, ..Default::default() };
        quotas.list_quota_usage(with(secret, request)).await.map_or_else(|e| e.code(), |_| Code::Ok)
    };
    let mut usage = async |secret: &str, filters: &[(v1::UsageDimension, &[&str])]| {
        let filter = |(dimension, values): &(v1::UsageDimension, &[&str])| v1::UsageFilter {
            dimension: (*dimension).into(),
            values: values.iter().map(ToString::to_string).collect(),
            ..Default::default()
        };
        let request = v1::QueryUsageRequest {
            workspace_id: "acme".to_owned(),
            metrics: vec![v1::UsageMetric::Cost.into()],
            filters: filters.iter().map(filter).collect(),
            ..Default::default()
        };
        reports.query_usage(with(secret, request)).await.map_or_else(|e| e.code(), |_| Code::Ok)
    };
    use v1::UsageDimension::{ApiKey, Model, User};
    let (ok, denied) = (Code::Ok, Code::PermissionDenied);
    for (secret, own, kind, dimension, other) in
        [(&guarded.holder, "ada", "USER", User, ApiKey), (&of_key, "prod", "API_KEY", ApiKey, User)]
    {
        assert_eq!(quota(secret, Some(subject(kind, own))).await, ok);
        for foreign in [
            None,
            Some(subject(kind, "bob")),
            Some(subject(kind, "")),
            Some(subject("WORKSPACE", "")),
            Some(subject("DEPARTMENT", own)),
        ] {
            assert_eq!(quota(secret, foreign.clone()).await, denied, "{foreign:?}");
        }
        assert_eq!(usage(secret, &[(dimension, &[own])]).await, ok);
        assert_eq!(usage(secret, &[(Model, &["gpt-4o"]), (dimension, &[own])]).await, ok);
        for filters in [
            &[] as &[(v1::UsageDimension, &[&str])],
            &[(dimension, &["bob"])],
            &[(dimension, &[own, "bob"])],
            &[(dimension, &[])],
            &[(other, &[own])],
            &[(Model, &[own])],
        ] {
            assert_eq!(usage(secret, filters).await, denied, "{filters:?}");
        }
    }
}

fn subject(kind: &str, id: &str) -> v1::Subject {
    let kind = v1::SubjectType::from_str_name(&format!("SUBJECT_TYPE_{kind}")).unwrap();
    v1::Subject { r#type: kind.into(), id: id.to_owned() }
}

#[tokio::test]
async fn without_valid_credentials_nothing_is_answered() {
    let guarded = Guarded::start().await;
    let folder = guarded.folder.path();
    let life = Some(MICROS_PER_MINUTE / 2);
    let expired = create(folder, token("expired", Role::Operator, &[], life)).await;
    let revoked = create(folder, token("revoked", Role::Operator, &[], None)).await;
    let mut access = guarded.server.access();
    let request = v1::RevokeTokenRequest { token_id: "revoked".to_owned() };
    access.revoke_token(with(&guarded.operator, request)).await.unwrap();
    guarded.server.clock.advance(MICROS_PER_MINUTE / 2);
    let unknown = Secret::from_random([7; 32]);
    let valid = &guarded.operator;
    let bearer = |text: &str| format!("Bearer {text}");
    let mut credentials: Vec<Vec<String>> = vec![
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
    // A valid one of the same provider is let in: what refuses these is what is wrong with them.
    until_known(&guarded).await;
    credentials.extend(guarded.provider.invalid_tokens().iter().map(|token| vec![bearer(token)]));
    for method in methods() {
        // Of one address so many fail that later ones are not even looked at.
        for given in &credentials {
            let given: Vec<&str> = given.iter().map(String::as_str).collect();
            let body = method.request("acme");
            let answer = method.call(&guarded.server.channel, &given, body).await;
            let (code, message) = outcome(&method, answer);
            let is_refused = matches!(code, Code::Unauthenticated | Code::ResourceExhausted);
            assert!(is_refused, "{} with {given:?}: {code:?}", method.path);
            assert!(!message.contains("tg_") && !message.contains("eyJ"), "{message}");
        }
        let answer = method.call(&guarded.server.channel, &[&bearer(valid)], Vec::new()).await;
        assert_ne!(outcome(&method, answer).0, Code::Unauthenticated, "{}", method.path);
    }
}
