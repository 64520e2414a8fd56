//! Requests of `UsageService`, and their responses.

use std::ops::RangeInclusive;
use std::sync::Arc;

use prost_types::Duration;
use uuid::Uuid;

use super::answer;
use super::verdict::{reason_number, verdict_to_proto};
use crate::domain::Time;
use crate::domain::catalog::bill::COST_MAX;
use crate::domain::check::{
    Answer, Check, Decision, HOLD_DURATION_DEFAULT, HOLD_DURATION_MAX, HOLD_DURATION_MIN,
    REQUEST_ID_CHARS_MAX,
};
use crate::domain::record::{ATTEMPT_MAX, UsageReport};
use crate::domain::time::{MICROS_PER_HOUR, Micros};
use crate::domain::usage::{
    Extras, Outcome, ReportedCost, ServiceTier, TOKENS_MAX, Usage, UsageSource,
};
use crate::engine::{HoldFilter, InCurrency, PreparedCheck, Recorded, RepriceRequest, Repriced};
use crate::grpc::shared::decode::{Decoded, Decoder, decode};
use crate::grpc::shared::enums::ProtoEnum;
use crate::grpc::shared::money;
use crate::grpc::shared::page::{Page, parse_time_position};
use crate::grpc::shared::text::WORKSPACE_ID_CHARS_MAX;
use crate::grpc::shared::time::{to_duration, to_timestamp};
use crate::grpc::shared::tokens::{units_to_proto, usage_to_proto};
use crate::proto::v1;
use crate::storage::log::{RecordFilter, RecordPosition};

/// Most capabilities that a check may require.
pub const REQUIRED_CAPABILITIES_MAX: usize = 16;
/// Longest duration of an attempt.
pub const LATENCY_MAX: Micros = 24 * MICROS_PER_HOUR;
/// Longest id of a context that a provider keeps, in characters.
const CONTEXT_ID_CHARS_MAX: usize = 256;
/// Most records of one batch.
pub const BATCH_RECORDS_MAX: usize = 1_000;

const HOLD_DURATIONS: RangeInclusive<Micros> = HOLD_DURATION_MIN..=HOLD_DURATION_MAX;

/// A check, with what its response repeats.
pub struct CheckCall {
    pub workspace_id: String,
    pub request_id: String,
    pub check: PreparedCheck,
}

pub fn check(request: v1::CheckAndRouteRequest) -> Decoded<CheckCall> {
    let (workspace_id, request_id, check, attribution) = decode(|at| {
        at.workspace_id(&request.workspace_id);
        let request_id = if request.request_id.is_empty() {
            Uuid::now_v7().to_string()
        } else {
            at.new_request_id(&request.request_id);
            request.request_id
        };
        at.field("model_id").model_id(&request.model_id);
        let input = v1::Usage {
            input_token_count: request.input_token_count,
            cache_read_token_count: request.cache_read_token_count,
            cache_write_5m_token_count: request.cache_write_5m_token_count,
            cache_write_1h_token_count: request.cache_write_1h_token_count,
            ..Default::default()
        };
        let (input, max_output) = check_tokens(at, &input, request.max_output_token_count);
        let tier = at.field("service_tier").optional_enum(request.service_tier);
        let capabilities = at.field("required_capabilities");
        let check = Check {
            request_id: Arc::from(request_id.as_str()),
            model_id: request.model_id,
            input,
            max_output,
            extras: at.extras(at.field("units"), &request.units, request.factors),
            tier: tier.unwrap_or(ServiceTier::Standard),
            context_id: context_id(at, request.context_id),
            required_capabilities: capabilities
                .capabilities(request.required_capabilities, REQUIRED_CAPABILITIES_MAX),
            hold_duration: hold_duration(at, request.hold_duration),
            dry_run: request.dry_run,
            explain: request.explain,
            // Packed below, as the hold keeps it.
            attribution: None,
        };
        let attribution = at.packed_attribution(request.attribution.as_ref());
        Some((request.workspace_id, request_id, check, attribution))
    })?;
    // A check with violations is not prepared.
    let check = PreparedCheck::with_attribution(check, attribution);
    Ok(CheckCall { workspace_id, request_id, check })
}

fn context_id(at: Decoder<'_>, id: String) -> String {
    at.field("context_id").text(&id, 0..=CONTEXT_ID_CHARS_MAX);
    id
}

fn check_tokens(
    at: Decoder<'_>,
    input: &v1::Usage,
    max_output: Option<i64>,
) -> (Usage, Option<i64>) {
    let usage = at.token_counts(input);
    let max_output = max_output.map(|count| at.field("max_output_token_count").tokens(count));
    if usage.total_input() + max_output.unwrap_or(0) > TOKENS_MAX {
        at.field("input_token_count").refuse(format!(
            "expected at most {TOKENS_MAX} tokens together with cache reads, cache writes and \
             max_output_token_count"
        ));
    }
    (usage, max_output)
}

/// Workspace and usage of one attempt.
pub fn record(request: v1::RecordUsageRequest) -> Decoded<(String, UsageReport)> {
    decode(|at| {
        at.workspace_id(&request.workspace_id);
        at.request_id(&request.request_id);
        let answer = answer::provider_answer(at, &request);
        let has_answer = request.provider_answer.is_some();
        let mut answer = answer.unwrap_or_default();
        let context = context_id(at, request.context_id);
        let is_without = context.is_empty() || has_answer;
        at.field("context_id").ensure(is_without, "expected none without provider_answer");
        if let Some(report) = answer.report.as_mut().filter(|_| !context.is_empty()) {
            report.kept.context_ids.push(context);
        }
        if !has_answer || !request.model_id.is_empty() {
            at.field("model_id").model_id(&request.model_id);
        } else if answer.report.is_some() {
            // Of one that cannot be read the hold knows the model.
            let is_unread = answer.report.as_ref().is_some_and(|report| report.kept.is_unread);
            let is_named = !answer.model_id.is_empty() || is_unread;
            at.field("model_id").ensure(is_named, "expected the model: the answer names none");
        }
        at.field("attempt").number(request.attempt.into(), 0..=ATTEMPT_MAX.into());
        let outcome = at.field("outcome").required_enum(request.outcome);
        let has_usage = request.usage.is_some() || has_answer || outcome != Some(Outcome::Success);
        at.field("usage").ensure(has_usage, "expected the tokens used: a success has some");
        let tier = at.field("service_tier").optional_enum(request.service_tier);
        let given = request.usage.unwrap_or_default();
        let usage_at = at.field("usage");
        let usage = usage_at.usage(&given);
        let extras = at.extras(usage_at.field("units"), &given.units, request.factors);
        let extras = with_reported(at, extras, request.reported_cost.as_ref());
        if let Some(report) = &mut answer.report {
            report.kept.given.tier = tier;
            report.kept.given.extras = extras.clone();
        }
        let source = at.field("usage_source").optional_enum(request.usage_source);
        let is_unread = answer.report.as_ref().is_some_and(|report| report.kept.is_unread);
        let source = if is_unread { Some(UsageSource::Estimated) } else { source };
        let named = Some(request.model_id).filter(|model_id| !model_id.is_empty());
        let (latency, expected) = (at.field("latency"), "expected 0 to 24 hours");
        let report = UsageReport {
            request_id: Arc::from(request.request_id),
            attempt: request.attempt,
            model_id: named.unwrap_or(answer.model_id),
            tier: tier.or(answer.tier).unwrap_or(ServiceTier::Standard),
            usage: if has_answer { answer.usage } else { usage },
            extras: Extras::merged(extras.as_deref(), answer.extras),
            answer: answer.report,
            outcome: outcome.unwrap_or(Outcome::Error),
            source: source.unwrap_or(UsageSource::Provider),
            // Its range depends on the hold of the request.
            start_time: request.start_time.and_then(|time| at.field("start_time").instant(time)),
            latency: latency.span(request.latency, 0..=LATENCY_MAX, expected, 0),
            attribution: at.attribution(request.attribution),
        };
        Some((request.workspace_id, report))
    })
}

pub fn batch(records: &[v1::RecordUsageRequest]) -> Decoded<()> {
    decode(|at| {
        if !(1..=BATCH_RECORDS_MAX).contains(&records.len()) {
            at.field("records").refuse(format!("expected 1 to {BATCH_RECORDS_MAX}"));
        }
        Some(())
    })
}

pub fn release(request: &v1::ReleaseHoldRequest) -> Decoded<()> {
    decode(|at| {
        at.workspace_id(&request.workspace_id);
        at.request_id(&request.request_id);
        Some(())
    })
}

/// The time from now until the hold expires.
pub fn extend(request: &v1::ExtendHoldRequest) -> Decoded<Micros> {
    decode(|at| {
        at.workspace_id(&request.workspace_id);
        at.request_id(&request.request_id);
        Some(hold_duration(at, request.hold_duration))
    })
}

fn hold_duration(at: Decoder<'_>, duration: Option<Duration>) -> Micros {
    let (at, expected) = (at.field("hold_duration"), "expected 1 second to 24 hours");
    at.span(duration, HOLD_DURATIONS, expected, HOLD_DURATION_DEFAULT)
}

/// Which holds to list, and which page of them.
pub fn list_holds(request: &v1::ListHoldsRequest) -> Decoded<(HoldFilter, Page)> {
    decode(|at| {
        at.workspace_id(&request.workspace_id);
        let live = match v1::HoldState::try_from(request.state) {
            Ok(v1::HoldState::Unspecified) => None,
            Ok(v1::HoldState::Live) => Some(true),
            Ok(v1::HoldState::Expired) => Some(false),
            Err(_) => {
                at.field("state").refuse("expected a HoldState that is known");
                None
            }
        };
        let filter = ["holds", &request.workspace_id, &request.state.to_string()];
        let page = at.page(&filter, request.page_size, &request.page_token);
        let after = page.after_parsed(at, parse_time_position);
        Some((HoldFilter { live, after }, page))
    })
}

/// Which records to list, which page of them, and after which one it begins.
pub fn list_records(
    request: &v1::ListUsageRecordsRequest,
) -> Decoded<(RecordFilter, Page, Option<RecordPosition>)> {
    let v1::ListUsageRecordsRequest { workspace_id, model_id, request_id, .. } = request;
    let v1::ListUsageRecordsRequest { user_id, department_id, api_key_id, .. } = request;
    decode(|at| {
        at.workspace_id(workspace_id);
        at.field("model_id").optional_model_id(model_id);
        at.field("request_id").text(request_id, 0..=REQUEST_ID_CHARS_MAX);
        let from = request.start_time.and_then(|time| at.field("start_time").instant(time));
        let to = request.end_time.and_then(|time| at.field("end_time").instant(time));
        let micros = |time: Option<Time>| time.map_or_else(String::new, |t| t.micros().to_string());
        for (field, id) in
            [("user_id", user_id), ("department_id", department_id), ("api_key_id", api_key_id)]
        {
            at.field(field).optional_attribution_id(id);
        }
        let outcome = at.field("outcome").optional_enum(request.outcome);
        let large = if request.large_only { "large" } else { "" };
        let (from_text, to_text) = (micros(from), micros(to));
        let outcome_text = request.outcome.to_string();
        let times = [from_text.as_str(), &to_text];
        let mut filter = vec!["records", workspace_id, times[0], times[1], model_id, request_id];
        filter.extend([large, user_id, department_id, api_key_id, &outcome_text]);
        let page = at.page(&filter, request.page_size, &request.page_token);
        let after = page.after_parsed(at, parse_record_position);
        let filter = RecordFilter {
            workspace_id: Arc::from(workspace_id.as_str()),
            from,
            to,
            model_id: unless_empty(model_id),
            request_id: unless_empty(request_id),
            large_only: request.large_only,
            user_id: unless_empty(user_id),
            department_id: unless_empty(department_id),
            api_key_id: unless_empty(api_key_id),
            outcome,
        };
        Some((filter, page, after))
    })
}

fn parse_record_position(text: &str) -> Option<RecordPosition> {
    let (charge_time, seq) = parse_time_position(text)?;
    Some(RecordPosition { charge_time, seq: seq.parse().ok()? })
}

pub fn reprice(request: v1::RepriceUsageRequest) -> Decoded<RepriceRequest> {
    decode(|at| {
        at.field("workspace_id").text(&request.workspace_id, 1..=WORKSPACE_ID_CHARS_MAX);
        at.field("model_id").optional_model_id(&request.model_id);
        let start_at = at.field("start_time");
        let from = start_at.required(request.start_time).and_then(|time| start_at.effective(time));
        let to = request.end_time.and_then(|time| at.field("end_time").effective(time));
        Some(RepriceRequest {
            model_id: unless_empty(&request.model_id),
            workspace_id: request.workspace_id,
            from: from?,
            to,
            dry_run: request.dry_run,
        })
    })
}

fn unless_empty(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

pub fn check_response(
    answer: InCurrency<Decision>,
    request_id: String,
    check: PreparedCheck,
) -> v1::CheckAndRouteResponse {
    let InCurrency { currency, value: decision } = answer;
    let (kind, model_id) = match decision.answer {
        Answer::Allowed => (v1::Decision::Allowed, check.into_model_id()),
        Answer::Routed(model_id) => (v1::Decision::Routed, model_id.to_string()),
        Answer::Blocked => (v1::Decision::Blocked, String::new()),
    };
    let verdicts = decision.verdicts.into_iter();
    let limits = decision.limits.into_iter();
    v1::CheckAndRouteResponse {
        decision: kind.into(),
        reason: reason_number(decision.reason),
        model_id,
        request_id,
        held: Some(money::to_proto(currency, decision.held)),
        expire_time: decision.expire_time.map(to_timestamp),
        budget_state: decision.state.number(),
        retry_after: decision.retry_after.map(to_duration),
        verdicts: verdicts.map(|verdict| verdict_to_proto(currency, verdict)).collect(),
        limits: limits.map(|verdict| verdict_to_proto(currency, verdict)).collect(),
        attempt: decision.attempt,
    }
}

/// With the cost that the request says the provider bills.
fn with_reported(
    at: Decoder<'_>,
    extras: Option<Box<Extras>>,
    said: Option<&v1::Money>,
) -> Option<Box<Extras>> {
    let Some(money) = said else { return extras };
    let (currency, amount) = at.field("reported_cost").money(money, 0..=COST_MAX.nanos());
    let mut extras = extras.unwrap_or_default();
    extras.reported = Some(ReportedCost::new(amount, currency));
    Some(extras)
}

pub fn record_response(recorded: InCurrency<Recorded>) -> v1::RecordUsageResponse {
    let InCurrency { currency, value } = recorded;
    v1::RecordUsageResponse {
        cost: Some(money::to_proto(currency, value.cost)),
        duplicate: value.duplicate,
        budget_state: value.status.state.number(),
        cycle_spent: Some(money::to_proto(currency, value.status.cycle_spent)),
        unpriced: value.unpriced,
        usage: Some(v1::Usage {
            units: units_to_proto(value.extras.as_deref()),
            ..usage_to_proto(&value.usage)
        }),
        model_id: value.model_id.to_string(),
        unread: value.unread,
        attempt: value.attempt,
        start_time_adjusted: value.start_time_adjusted,
        large: value.large,
    }
}

pub fn reprice_response(repriced: InCurrency<Repriced>) -> v1::RepriceUsageResponse {
    let InCurrency { currency, value } = repriced;
    v1::RepriceUsageResponse {
        examined_count: value.examined,
        corrected_count: value.corrected,
        difference: Some(money::to_proto(currency, value.difference)),
        unpriced_count: value.unpriced,
    }
}
