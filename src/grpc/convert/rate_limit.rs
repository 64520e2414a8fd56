//! What `QuotaService` is asked and answers about rate limits.

use super::super::page::Page;
use super::limits::{enforcement, enforcement_to_proto, scope, scope_to_proto, subject_filter};
use super::mask::Mask;
use super::quota::{check_id, subject_texts};
use super::text::{self, DISPLAY_NAME_CHARS_MAX, MODEL_ID_CHARS_MAX, RESOURCE_ID_CHARS_MAX};
use super::time::to_timestamp;
use super::{Path, Violations, number, required};
use crate::domain::quota::{Enforcement, Unit};
use crate::domain::rate_limit::{RateLimit, RateWindow};
use crate::engine::{NewRateLimit, RateLimitChange};
use crate::proto::v1;
use crate::storage::policy::RuleFilter;

/// The largest rate limit in requests.
pub const REQUESTS_MAX: i64 = 1_000_000_000;
/// The largest rate limit in tokens.
pub const TOKENS_PER_MINUTE_MAX: i64 = 1_000_000_000_000;

const RATE_LIMIT: Path<'static> = Path::Field(&Path::Request, "rate_limit");
const FIELDS: [&str; 5] =
    ["requests_per_minute", "tokens_per_minute", "requests_per_day", "enforcement", "display_name"];

/// Workspace and rate limit.
///
/// # Errors
/// If a field is out of its range.
pub fn create(request: v1::CreateRateLimitRequest) -> Result<(String, NewRateLimit), Violations> {
    let mut violations = Violations::default();
    let workspace_id = request.workspace_id;
    text::check_workspace_id(&workspace_id, &mut violations);
    let Some(asked) = required(request.rate_limit, RATE_LIMIT, &mut violations) else {
        return Err(violations);
    };
    let path = |field| RATE_LIMIT.field(field);
    let id = &asked.rate_limit_id;
    text::check(id, 0..=RESOURCE_ID_CHARS_MAX, path("rate_limit_id"), &mut violations);
    let (kind, subject_id) =
        scope(&workspace_id, asked.subject.clone(), asked.each_member, RATE_LIMIT, &mut violations);
    text::check(&asked.model_id, 0..=MODEL_ID_CHARS_MAX, path("model_id"), &mut violations);
    let [requests_per_minute, tokens_per_minute, requests_per_day] =
        limits(&asked, &mut violations);
    if [requests_per_minute, tokens_per_minute, requests_per_day] == [None; 3] {
        violations.add(path("requests_per_minute"), NO_LIMIT);
    }
    let enforcement = enforcement(asked.enforcement, path("enforcement"), &mut violations);
    check_display_name(&asked.display_name, &mut violations);
    let new = NewRateLimit {
        id: (!asked.rate_limit_id.is_empty()).then_some(asked.rate_limit_id),
        display_name: asked.display_name,
        kind,
        subject_id,
        model_id: (!asked.model_id.is_empty()).then_some(asked.model_id),
        requests_per_minute,
        tokens_per_minute,
        requests_per_day,
        enforcement: enforcement.unwrap_or(Enforcement::Hard),
    };
    violations.accept((workspace_id, new))
}

/// What is expected of a rate limit that bounds nothing.
const NO_LIMIT: &str =
    "expected at least one of requests_per_minute, tokens_per_minute and requests_per_day";

fn limits(asked: &v1::RateLimit, violations: &mut Violations) -> [Option<i64>; 3] {
    [
        (asked.requests_per_minute, "requests_per_minute", REQUESTS_MAX),
        (asked.tokens_per_minute, "tokens_per_minute", TOKENS_PER_MINUTE_MAX),
        (asked.requests_per_day, "requests_per_day", REQUESTS_MAX),
    ]
    .map(|(limit, field, max)| Some(number(limit?, 0..=max, RATE_LIMIT.field(field), violations)))
}

/// Workspace, id and changes of a rate limit.
///
/// # Errors
/// If a field is out of its range, or the mask names one that cannot be changed.
pub fn update(
    request: v1::UpdateRateLimitRequest,
) -> Result<(String, String, RateLimitChange), Violations> {
    let mut violations = Violations::default();
    text::check_workspace_id(&request.workspace_id, &mut violations);
    let asked = required(request.rate_limit, RATE_LIMIT, &mut violations).unwrap_or_default();
    check_id(&asked.rate_limit_id, RATE_LIMIT.field("rate_limit_id"), &mut violations);
    let mask = Mask::read(request.update_mask, &FIELDS, &mut violations);
    let given = limits(&asked, &mut violations);
    let [requests_per_minute, tokens_per_minute, requests_per_day] = [0, 1, 2]
        .map(|index| mask.asks(FIELDS[index], given[index].is_some()).then_some(given[index]));
    let mut change = RateLimitChange {
        requests_per_minute,
        tokens_per_minute,
        requests_per_day,
        enforcement: None,
        display_name: None,
    };
    if mask.asks("enforcement", asked.enforcement != 0) {
        let path = RATE_LIMIT.field("enforcement");
        change.enforcement = enforcement(asked.enforcement, path, &mut violations);
    }
    if mask.asks("display_name", !asked.display_name.is_empty()) {
        check_display_name(&asked.display_name, &mut violations);
        change.display_name = Some(asked.display_name);
    }
    violations.accept((request.workspace_id, asked.rate_limit_id, change))
}

fn check_display_name(name: &str, violations: &mut Violations) {
    text::check(name, 0..=DISPLAY_NAME_CHARS_MAX, RATE_LIMIT.field("display_name"), violations);
}

/// Which rate limits to list.
///
/// # Errors
/// If a field is out of its range.
pub fn list(request: &v1::ListRateLimitsRequest) -> Result<(RuleFilter, Page), Violations> {
    let mut violations = Violations::default();
    let workspace_id = &request.workspace_id;
    text::check_workspace_id(workspace_id, &mut violations);
    let subject = subject_filter(workspace_id, request.subject.clone(), &mut violations);
    let (kind, subject_id) = subject_texts(&request.subject);
    let filter = ["rate_limits", workspace_id, &kind, subject_id];
    let page = Page::read(&filter, request.page_size, &request.page_token, &mut violations);
    let (kind, subject_id) = subject.unzip();
    violations.accept((RuleFilter { kind, subject_id: subject_id.flatten(), model_id: None }, page))
}

pub fn to_proto(workspace_id: &str, limit: &RateLimit) -> v1::RateLimit {
    v1::RateLimit {
        rate_limit_id: limit.id.to_string(),
        subject: Some(scope_to_proto(workspace_id, &limit.scope)),
        each_member: limit.scope.subject_id.is_none(),
        model_id: limit.scope.model_id.as_deref().unwrap_or_default().to_owned(),
        requests_per_minute: limit.bound(Unit::Requests, RateWindow::Minute),
        tokens_per_minute: limit.bound(Unit::Tokens, RateWindow::Minute),
        requests_per_day: limit.bound(Unit::Requests, RateWindow::Day),
        enforcement: enforcement_to_proto(limit.enforcement).into(),
        display_name: limit.display_name.clone(),
        create_time: Some(to_timestamp(limit.create_time)),
        update_time: Some(to_timestamp(limit.update_time)),
    }
}
