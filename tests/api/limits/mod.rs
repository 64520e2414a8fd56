//! Short names for quotas, rate limits and keys, and for what the tests ask of them.

pub mod boosts;
pub mod freezes;
pub mod keys;
pub mod periods;
pub mod quotas;
pub mod rate_limits;
pub mod subjects;
pub mod verdicts;

use tollgate::proto::v1;
use tonic::Status;

use crate::fixtures::{ACME, check, eur, record};
use crate::server::Server;

pub use v1::SubjectType as Type;

pub fn subject(kind: Type, id: &str) -> Option<v1::Subject> {
    Some(v1::Subject { r#type: kind.into(), id: id.to_owned() })
}

/// So many EUR a day on one subject of a type, or on each with an empty `subject`.
pub fn money_quota(id: &str, kind: Type, subject_id: &str, limit: &str) -> v1::Quota {
    v1::Quota {
        quota_id: id.to_owned(),
        subject: subject(kind, subject_id),
        each_subject: subject_id.is_empty() && kind != Type::Workspace,
        unit: v1::LimitUnit::Money.into(),
        limit: Some(eur(limit)),
        period: v1::LimitPeriod::Day.into(),
        ..Default::default()
    }
}

/// The same in tokens or requests.
pub fn count_quota(
    id: &str,
    kind: Type,
    subject_id: &str,
    unit: v1::LimitUnit,
    limit: i64,
) -> v1::Quota {
    v1::Quota {
        unit: unit.into(),
        limit: None,
        limit_count: Some(limit),
        ..money_quota(id, kind, subject_id, "0")
    }
}

pub async fn create_quota(server: &Server, quota: v1::Quota) -> Result<v1::Quota, Status> {
    let request = v1::CreateQuotaRequest { workspace_id: ACME.to_owned(), quota: Some(quota) };
    Ok(server.quota().create_quota(request).await?.into_inner().quota.unwrap())
}

pub async fn get_quota(server: &Server, id: &str) -> Result<v1::Quota, Status> {
    let request = v1::GetQuotaRequest { workspace_id: ACME.to_owned(), quota_id: id.to_owned() };
    Ok(server.quota().get_quota(request).await?.into_inner().quota.unwrap())
}

pub async fn update_quota(
    server: &Server,
    quota: v1::Quota,
    mask: &[&str],
) -> Result<v1::Quota, Status> {
    let request = v1::UpdateQuotaRequest {
        workspace_id: ACME.to_owned(),
        quota: Some(quota),
        update_mask: self::mask(mask),
    };
    Ok(server.quota().update_quota(request).await?.into_inner().quota.unwrap())
}

pub async fn delete_quota(server: &Server, id: &str) -> Result<(), Status> {
    let request = v1::DeleteQuotaRequest { workspace_id: ACME.to_owned(), quota_id: id.to_owned() };
    server.quota().delete_quota(request).await.map(drop)
}

pub async fn reset_quota(server: &Server, id: &str) -> Result<v1::Quota, Status> {
    let request = v1::ResetQuotaRequest { workspace_id: ACME.to_owned(), quota_id: id.to_owned() };
    Ok(server.quota().reset_quota(request).await?.into_inner().quota.unwrap())
}

/// Usage of all quotas, as one page.
pub async fn quota_usage(server: &Server) -> Vec<v1::QuotaUsage> {
    let request = v1::ListQuotaUsageRequest {
        workspace_id: ACME.to_owned(),
        page_size: 1_000,
        ..Default::default()
    };
    server.quota().list_quota_usage(request).await.unwrap().into_inner().usages
}

pub fn bound(unit: v1::LimitUnit, period: v1::LimitPeriod, amount: i64) -> v1::RateLimitBound {
    v1::RateLimitBound { unit: unit.into(), period: period.into(), amount }
}

/// So many requests a minute of one subject, or of each with an empty `subject`.
pub fn per_minute(id: &str, kind: Type, subject_id: &str, requests: i64) -> v1::RateLimit {
    v1::RateLimit {
        rate_limit_id: id.to_owned(),
        subject: subject(kind, subject_id),
        each_subject: subject_id.is_empty() && kind != Type::Workspace,
        bounds: vec![bound(v1::LimitUnit::Requests, v1::LimitPeriod::SlidingMinute, requests)],
        ..Default::default()
    }
}

pub async fn create_rate_limit(
    server: &Server,
    rate_limit: v1::RateLimit,
) -> Result<v1::RateLimit, Status> {
    let request =
        v1::CreateRateLimitRequest { workspace_id: ACME.to_owned(), rate_limit: Some(rate_limit) };
    Ok(server.quota().create_rate_limit(request).await?.into_inner().rate_limit.unwrap())
}

pub async fn update_rate_limit(
    server: &Server,
    rate_limit: v1::RateLimit,
    mask: &[&str],
) -> Result<v1::RateLimit, Status> {
    let request = v1::UpdateRateLimitRequest {
        workspace_id: ACME.to_owned(),
        rate_limit: Some(rate_limit),
        update_mask: self::mask(mask),
    };
    Ok(server.quota().update_rate_limit(request).await?.into_inner().rate_limit.unwrap())
}

pub async fn delete_rate_limit(server: &Server, id: &str) -> Result<(), Status> {
    let request =
        v1::DeleteRateLimitRequest { workspace_id: ACME.to_owned(), rate_limit_id: id.to_owned() };
    server.quota().delete_rate_limit(request).await.map(drop)
}

/// A key in a group, or in none with an empty one.
pub fn key(id: &str, group: &str) -> v1::ApiKey {
    v1::ApiKey { api_key_id: id.to_owned(), key_group_id: group.to_owned(), ..Default::default() }
}

pub async fn register(server: &Server, key: v1::ApiKey) -> Result<v1::ApiKey, Status> {
    let request = v1::RegisterApiKeyRequest { workspace_id: ACME.to_owned(), api_key: Some(key) };
    Ok(server.api_key().register_api_key(request).await?.into_inner().api_key.unwrap())
}

pub async fn update_key(
    server: &Server,
    key: v1::ApiKey,
    mask: &[&str],
) -> Result<v1::ApiKey, Status> {
    let request = v1::UpdateApiKeyRequest {
        workspace_id: ACME.to_owned(),
        api_key: Some(key),
        update_mask: self::mask(mask),
    };
    Ok(server.api_key().update_api_key(request).await?.into_inner().api_key.unwrap())
}

pub async fn delete_key(server: &Server, id: &str) -> Result<(), Status> {
    let request =
        v1::DeleteApiKeyRequest { workspace_id: ACME.to_owned(), api_key_id: id.to_owned() };
    server.api_key().delete_api_key(request).await.map(drop)
}

pub async fn create_group(server: &Server, id: &str) -> Result<v1::KeyGroup, Status> {
    let group = v1::KeyGroup { key_group_id: id.to_owned(), ..Default::default() };
    let request =
        v1::CreateKeyGroupRequest { workspace_id: ACME.to_owned(), key_group: Some(group) };
    Ok(server.api_key().create_key_group(request).await?.into_inner().key_group.unwrap())
}

pub async fn get_group(server: &Server, id: &str) -> Result<v1::KeyGroup, Status> {
    let request =
        v1::GetKeyGroupRequest { workspace_id: ACME.to_owned(), key_group_id: id.to_owned() };
    Ok(server.api_key().get_key_group(request).await?.into_inner().key_group.unwrap())
}

pub async fn delete_group(server: &Server, id: &str) -> Result<(), Status> {
    let request =
        v1::DeleteKeyGroupRequest { workspace_id: ACME.to_owned(), key_group_id: id.to_owned() };
    server.api_key().delete_key_group(request).await.map(drop)
}

pub fn mask(paths: &[&str]) -> Option<prost_types::FieldMask> {
    let paths: Vec<String> = paths.iter().map(ToString::to_string).collect();
    (!paths.is_empty()).then_some(prost_types::FieldMask { paths })
}

/// An attribution to one subject.
pub fn of(kind: Type, id: &str) -> v1::Attribution {
    let mut attribution = v1::Attribution::default();
    let field = match kind {
        Type::Department => &mut attribution.department_id,
        Type::User => &mut attribution.user_id,
        Type::ApiKey => &mut attribution.api_key_id,
        Type::Project => &mut attribution.project_id,
        Type::Assistant => &mut attribution.assistant_id,
        _ => panic!("no attribution names a {kind:?}"),
    };
    *field = id.to_owned();
    attribution
}

pub fn user(id: &str) -> v1::Attribution {
    of(Type::User, id)
}

pub fn api_key(id: &str) -> v1::Attribution {
    of(Type::ApiKey, id)
}

/// [`check`] for someone: 2 EUR, 150,000 tokens and one request on `big`.
pub fn check_for(id: &str, model: &str, whom: v1::Attribution) -> v1::CheckAndRouteRequest {
    v1::CheckAndRouteRequest { attribution: Some(whom), ..check(id, model) }
}

pub async fn ask(server: &Server, request: v1::CheckAndRouteRequest) -> v1::CheckAndRouteResponse {
    server.usage().check_and_route(request).await.unwrap().into_inner()
}

/// Asks on `big` for someone and answers the decision alone.
pub async fn decision(server: &Server, id: &str, whom: v1::Attribution) -> v1::Decision {
    ask(server, check_for(id, "big", whom)).await.decision()
}

/// Records what [`check_for`] declared.
pub async fn spend(server: &Server, id: &str, model: &str, whom: v1::Attribution) {
    let request = v1::RecordUsageRequest { attribution: Some(whom), ..record(id, model) };
    server.usage().record_usage(request).await.unwrap();
}

pub async fn release(server: &Server, id: &str) {
    let request =
        v1::ReleaseHoldRequest { workspace_id: ACME.to_owned(), request_id: id.to_owned() };
    server.usage().release_hold(request).await.unwrap();
}

/// Ids of the limits that spoke, in their order.
pub fn limit_ids(verdicts: &[v1::Verdict]) -> Vec<&str> {
    verdicts.iter().map(|verdict| verdict.limit_id.as_str()).collect()
}

/// The only verdict of an answer.
#[track_caller]
pub fn only(answer: &v1::CheckAndRouteResponse) -> &v1::Verdict {
    assert_eq!(answer.verdicts.len(), 1, "{:?}", answer.verdicts);
    &answer.verdicts[0]
}

/// The span that an answer or a verdict asks to wait, in microseconds.
pub fn micros(span: Option<prost_types::Duration>) -> i64 {
    let span = span.expect("a wait helps");
    span.seconds * 1_000_000 + i64::from(span.nanos) / 1_000
}
