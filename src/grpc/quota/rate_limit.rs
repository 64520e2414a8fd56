//! Requests of `QuotaService` about rate limits, and rate limits as protos.

use crate::domain::quota::{Enforcement, Unit};
use crate::domain::rate_limit::{RateBound, RateLimit, RateWindow};
use crate::engine::{NewRateLimit, RateLimitChange, RatePosition, RateUsage, UsageFilter};
use crate::grpc::shared::decode::{Decoded, Decoder, decode};
use crate::grpc::shared::enums::ProtoEnum;
use crate::grpc::shared::names::Names;
use crate::grpc::shared::page::Page;
use crate::grpc::shared::subject::{filter_texts, scope_to_proto, subject_to_proto};
use crate::grpc::shared::text::non_empty;
use crate::grpc::shared::time::to_timestamp;
use crate::proto::v1;
use crate::storage::search::Search;
use crate::storage::settings::LimitFilter;

/// Most bounds: one of each unit and window.
const BOUNDS_MAX: usize = 3 * RateWindow::COUNT;
const FIELDS: [&str; 3] = ["bounds", "enforcement", "display_name"];
const NO_BOUND: &str = "expected at least one bound: delete the rate limit to have none";

/// Workspace and rate limit.
pub fn create(request: v1::CreateRateLimitRequest) -> Decoded<(String, NewRateLimit)> {
    let workspace_id = request.workspace_id;
    decode(|at| {
        at.workspace_id(&workspace_id);
        let (at, limit) = at.message("rate_limit", request.rate_limit)?;
        let new = new_rate_limit(at, &workspace_id, limit)?;
        Some((workspace_id, new))
    })
}

/// A rate limit to be created.
pub fn new_rate_limit(
    at: Decoder<'_>,
    workspace_id: &str,
    limit: v1::RateLimit,
) -> Option<NewRateLimit> {
    at.field("rate_limit_id").optional_new_id(&limit.rate_limit_id);
    let subject = at.limit_subject(workspace_id, limit.subject.as_ref(), limit.each_subject);
    at.field("model_id").optional_model_id(&limit.model_id);
    let bounds = bounds(at.field("bounds"), limit.bounds);
    let enforcement = at.field("enforcement").optional_enum(limit.enforcement);
    at.display_name(&limit.display_name);
    let (kind, subject_id) = subject?;
    Some(NewRateLimit {
        id: non_empty(limit.rate_limit_id),
        display_name: limit.display_name,
        kind,
        subject_id,
        model_id: non_empty(limit.model_id),
        bounds,
        enforcement: enforcement.unwrap_or(Enforcement::Hard),
    })
}

fn bounds(at: Decoder<'_>, given: Vec<v1::RateLimitBound>) -> Vec<RateBound> {
    at.ensure(!given.is_empty(), NO_BOUND);
    let mut bounds: Vec<RateBound> = Vec::new();
    for (index, bound) in at.at_most(given, BOUNDS_MAX).into_iter().enumerate() {
        let at = at.item(index);
        let unit = match bound.unit() {
            v1::LimitUnit::Requests => Some((Unit::Requests, RateBound::REQUESTS_MAX)),
            v1::LimitUnit::Tokens => Some((Unit::Tokens, RateBound::TOKENS_MAX)),
            v1::LimitUnit::UncachedTokens => Some((Unit::UncachedTokens, RateBound::TOKENS_MAX)),
            _ => None,
        };
        let expected =
            "expected LIMIT_UNIT_REQUESTS, LIMIT_UNIT_TOKENS or LIMIT_UNIT_UNCACHED_TOKENS";
        at.field("unit").ensure(unit.is_some(), expected);
        let window = at.field("period").required_enum(bound.period);
        let (Some((unit, max)), Some(window)) = (unit, window) else { continue };
        let amount = at.field("amount").number(bound.amount, 0..=max);
        let is_first = bounds.iter().all(|other| (other.unit, other.window) != (unit, window));
        at.ensure(is_first, "expected at most one bound of a unit and a period");
        bounds.push(RateBound { unit, window, amount });
    }
    bounds
}

/// Workspace, id and changes of a rate limit.
pub fn update(request: v1::UpdateRateLimitRequest) -> Decoded<(String, String, RateLimitChange)> {
    decode(|root| {
        root.workspace_id(&request.workspace_id);
        let (at, limit) = root.message_or_default("rate_limit", request.rate_limit);
        at.field("rate_limit_id").resource_id(&limit.rate_limit_id);
        let mask = root.mask(request.update_mask, &FIELDS);
        let has_bounds = !limit.bounds.is_empty();
        let given = limit.bounds;
        let new_bounds = mask.change("bounds", has_bounds, || bounds(at.field("bounds"), given));
        let enforcement = mask.change("enforcement", limit.enforcement != 0, || {
            at.field("enforcement").optional_enum(limit.enforcement)
        });
        let change = RateLimitChange {
            bounds: new_bounds,
            enforcement: enforcement.flatten(),
            display_name: mask.display_name(at, &limit.display_name),
        };
        Some((request.workspace_id, limit.rate_limit_id, change))
    })
}

/// Which rate limits to list.
pub fn list(request: &v1::ListRateLimitsRequest) -> Decoded<(LimitFilter, Page, Search)> {
    let workspace_id = &request.workspace_id;
    decode(|at| {
        at.workspace_id(workspace_id);
        let subject = at.subject_filter(workspace_id, request.subject.as_ref());
        let [kind, id] = filter_texts(request.subject.as_ref());
        let search = at.search(&request.query);
        let filter = ["rate_limits", workspace_id, &kind, &id, &request.query];
        let page = at.page(&filter, request.page_size, &request.page_token);
        let (kind, subject_id) = subject.unzip();
        let subject_id = subject_id.flatten();
        Some((LimitFilter { kind, subject_id, model_id: None }, page, search))
    })
}

pub fn to_proto(workspace_id: &str, limit: &RateLimit) -> v1::RateLimit {
    v1::RateLimit {
        rate_limit_id: limit.id.to_string(),
        subject: Some(scope_to_proto(workspace_id, &limit.scope)),
        each_subject: limit.scope.subject_id.is_none(),
        model_id: limit.scope.model_id.as_deref().unwrap_or_default().to_owned(),
        bounds: limit.bounds.iter().map(bound_to_proto).collect(),
        enforcement: limit.enforcement.number(),
        display_name: limit.display_name.clone(),
        create_time: Some(to_timestamp(limit.create_time)),
        update_time: Some(to_timestamp(limit.update_time)),
    }
}

fn bound_to_proto(bound: &RateBound) -> v1::RateLimitBound {
    let (unit, period) = (bound.unit.number(), bound.window.number());
    v1::RateLimitBound { unit, period, amount: bound.amount }
}

/// Which usage to list, and after which entry.
pub fn list_usage(
    request: &v1::ListRateLimitUsageRequest,
) -> Decoded<(UsageFilter, Option<RatePosition>, Page)> {
    let (workspace_id, limit_id) = (&request.workspace_id, &request.rate_limit_id);
    decode(|at| {
        at.workspace_id(workspace_id);
        at.field("rate_limit_id").optional_resource_id(limit_id);
        let subject = at.subject_filter(workspace_id, request.subject.as_ref());
        let [kind, id] = filter_texts(request.subject.as_ref());
        let filter = ["rate_limit_usage", workspace_id, limit_id, &kind, &id];
        let page = at.page(&filter, request.page_size, &request.page_token);
        let after = page.after_parsed(at, RatePosition::from_text);
        Some((UsageFilter { quota_id: non_empty(limit_id.clone()), subject }, after, page))
    })
}

pub fn usage_to_proto(workspace_id: &str, usage: &RateUsage, names: &Names) -> v1::RateLimitUsage {
    let RateUsage { limit, subject_id, bound, used } = usage;
    let model_id = limit.scope.model_id.as_deref().unwrap_or_default();
    // For people to look at: nothing is decided by it.
    let utilization = if bound.amount == 0 { 0.0 } else { *used as f64 / bound.amount as f64 };
    v1::RateLimitUsage {
        rate_limit_id: limit.id.to_string(),
        subject: Some(subject_to_proto(workspace_id, limit.scope.kind, subject_id)),
        model_id: model_id.to_owned(),
        enforcement: limit.enforcement.number(),
        bound: Some(bound_to_proto(bound)),
        used_count: *used,
        remaining_count: bound.amount.saturating_sub(*used),
        utilization,
        rate_limit_display_name: limit.display_name.clone(),
        subject_display_name: names.subject(limit.scope.kind, subject_id),
        model_display_name: names.models.display_name(model_id),
    }
}
