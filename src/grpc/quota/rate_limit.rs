//! Requests of `QuotaService` about rate limits, and rate limits as protos.

use crate::domain::quota::Enforcement;
use crate::domain::rate_limit::RateLimit;
use crate::engine::{NewRateLimit, RateLimitChange};
use crate::grpc::shared::decode::{Decoded, Decoder, decode};
use crate::grpc::shared::enums::ProtoEnum;
use crate::grpc::shared::page::Page;
use crate::grpc::shared::subject::{filter_texts, scope_to_proto};
use crate::grpc::shared::text::non_empty;
use crate::grpc::shared::time::to_timestamp;
use crate::proto::v1;
use crate::storage::policy::RuleFilter;

/// The largest rate limit in requests.
pub const REQUESTS_MAX: i64 = 1_000_000_000;
/// The largest rate limit in tokens.
pub const TOKENS_PER_MINUTE_MAX: i64 = 1_000_000_000_000;

const FIELDS: [&str; 3] = ["bounds", "enforcement", "display_name"];
const NO_BOUND: &str = "expected at least one bound";

/// Workspace and rate limit.
pub fn create(request: v1::CreateRateLimitRequest) -> Decoded<(String, NewRateLimit)> {
    let workspace_id = request.workspace_id;
    decode(|at| {
        at.workspace_id(&workspace_id);
        let (at, limit) = at.message("rate_limit", request.rate_limit)?;
        at.field("rate_limit_id").optional_resource_id(&limit.rate_limit_id);
        let subject = at.limit_subject(&workspace_id, limit.subject.as_ref(), limit.each_subject);
        at.field("model_id").optional_model_id(&limit.model_id);
        let rates = rates(at, &limit);
        at.field("bounds").ensure(!limit.bounds.is_empty(), NO_BOUND);
        let enforcement = at.field("enforcement").optional_enum(limit.enforcement);
        at.display_name(&limit.display_name);
        let (kind, subject_id) = subject?;
        let [requests_per_minute, tokens_per_minute, requests_per_day] = rates;
        let new = NewRateLimit {
            id: non_empty(limit.rate_limit_id),
            display_name: limit.display_name,
            kind,
            subject_id,
            model_id: non_empty(limit.model_id),
            requests_per_minute,
            tokens_per_minute,
            requests_per_day,
            enforcement: enforcement.unwrap_or(Enforcement::Hard),
        };
        Some((workspace_id, new))
    })
}

fn rates(at: Decoder<'_>, limit: &v1::RateLimit) -> [Option<i64>; 3] {
    let mut rates = [None; 3];
    for (index, bound) in limit.bounds.iter().enumerate() {
        let at = at.field("bounds");
        let at = at.item(index);
        let (place, max) = match (bound.unit(), bound.period()) {
            (v1::LimitUnit::Requests, v1::LimitPeriod::SlidingMinute) => (0, REQUESTS_MAX),
            (v1::LimitUnit::Tokens, v1::LimitPeriod::SlidingMinute) => (1, TOKENS_PER_MINUTE_MAX),
            (v1::LimitUnit::Requests, v1::LimitPeriod::SlidingDay) => (2, REQUESTS_MAX),
            _ => {
                at.field("period").refuse("expected a sliding period");
                continue;
            }
        };
        rates[place] = Some(at.field("amount").number(bound.amount, 0..=max));
    }
    rates
}

/// Workspace, id and changes of a rate limit.
pub fn update(request: v1::UpdateRateLimitRequest) -> Decoded<(String, String, RateLimitChange)> {
    decode(|root| {
        root.workspace_id(&request.workspace_id);
        let (at, limit) = root.message_or_default("rate_limit", request.rate_limit);
        at.field("rate_limit_id").resource_id(&limit.rate_limit_id);
        let mask = root.mask(request.update_mask, &FIELDS);
        let rates = rates(at, &limit);
        let given = !limit.bounds.is_empty();
        let [requests_per_minute, tokens_per_minute, requests_per_day] =
            [0, 1, 2].map(|n| mask.change("bounds", given, || rates[n]));
        let enforcement = mask.change("enforcement", limit.enforcement != 0, || {
            at.field("enforcement").optional_enum(limit.enforcement)
        });
        let change = RateLimitChange {
            requests_per_minute,
            tokens_per_minute,
            requests_per_day,
            enforcement: enforcement.flatten(),
            display_name: mask.display_name(at, &limit.display_name),
        };
        Some((request.workspace_id, limit.rate_limit_id, change))
    })
}

/// Which rate limits to list.
pub fn list(request: &v1::ListRateLimitsRequest) -> Decoded<(RuleFilter, Page)> {
    let workspace_id = &request.workspace_id;
    decode(|at| {
        at.workspace_id(workspace_id);
        let subject = at.subject_filter(workspace_id, request.subject.as_ref());
        let [kind, id] = filter_texts(request.subject.as_ref());
        let filter = ["rate_limits", workspace_id, &kind, &id];
        let page = at.page(&filter, request.page_size, &request.page_token);
        let (kind, subject_id) = subject.unzip();
        Some((RuleFilter { kind, subject_id: subject_id.flatten(), model_id: None }, page))
    })
}

pub fn to_proto(workspace_id: &str, limit: &RateLimit) -> v1::RateLimit {
    v1::RateLimit {
        rate_limit_id: limit.id.to_string(),
        subject: Some(scope_to_proto(workspace_id, &limit.scope)),
        each_subject: limit.scope.subject_id.is_none(),
        model_id: limit.scope.model_id.as_deref().unwrap_or_default().to_owned(),
        bounds: [
            (v1::LimitUnit::Requests, v1::LimitPeriod::SlidingMinute, limit.requests_per_minute),
            (v1::LimitUnit::Tokens, v1::LimitPeriod::SlidingMinute, limit.tokens_per_minute),
            (v1::LimitUnit::Requests, v1::LimitPeriod::SlidingDay, limit.requests_per_day),
        ]
        .into_iter()
        .filter_map(|(unit, period, amount)| {
            amount.map(|amount| v1::RateLimitBound {
                unit: unit.into(),
                period: period.into(),
                amount,
            })
        })
        .collect(),
        enforcement: limit.enforcement.number(),
        display_name: limit.display_name.clone(),
        create_time: Some(to_timestamp(limit.create_time)),
        update_time: Some(to_timestamp(limit.update_time)),
    }
}
