//! What `UsageService` is asked and answers.

use std::ops::RangeInclusive;
use std::sync::Arc;

use prost_types::{Duration, Timestamp};
use uuid::Uuid;

use super::super::page::Page;
use super::shared::{
    attribution, attribution_to_proto, capabilities, packed_attribution, state_to_proto, tier,
    tier_to_proto, tokens, usage, usage_to_proto,
};
use super::text::{self, MODEL_ID_CHARS_MAX, WORKSPACE_ID_CHARS_MAX};
use super::time::{instant, span, to_duration, to_timestamp};
use super::verdict::{reason_to_proto, verdict_to_proto};
use super::{Path, Violations, money};
use crate::domain::catalog::Catalogue;
use crate::domain::check::{
    Answer, Check, Decision, HOLD_DURATION_DEFAULT, HOLD_DURATION_MAX, HOLD_DURATION_MIN,
    REQUEST_ID_CHARS_MAX,
};
use crate::domain::record::{RECORD_AGE_MAX, RECORD_AHEAD_MAX, Record, RecordKind, UsageReport};
use crate::domain::time::{MICROS_PER_HOUR, Micros};
use crate::domain::usage::{Outcome, TOKENS_MAX, TokenClass, Usage, UsageSource};
use crate::domain::{Amount, Currency, Time};
use crate::engine::{InCurrency, Recorded, RepriceRequest, Repriced};
use crate::ledger::{HoldView, PreparedCheck};
use crate::proto::v1;
use crate::storage::RecordFilter;

/// Most capabilities that a check may require.
pub const REQUIRED_CAPABILITIES_MAX: usize = 16;
/// Most attempts of one request.
pub const ATTEMPT_MAX: i32 = 1_000;
/// Longest time that an attempt may take.
pub const LATENCY_MAX: Micros = 24 * MICROS_PER_HOUR;
/// Most records of one batch.
pub const BATCH_RECORDS_MAX: usize = 1_000;

const HOLD_DURATIONS: RangeInclusive<Micros> = HOLD_DURATION_MIN..=HOLD_DURATION_MAX;
const HOLD_DURATIONS_EXPECTED: &str = "expected 1 second to 24 hours";

/// A check, with what its answer repeats.
pub struct CheckCall {
    pub workspace_id: String,
    pub request_id: String,
    pub check: PreparedCheck,
}

/// # Errors
/// If a field is out of its range.
pub fn check(request: v1::CheckAndRouteRequest) -> Result<CheckCall, Violations> {
    let mut violations = Violations::default();
    let path = |field| Path::Request.field(field);
    text::check_workspace_id(&request.workspace_id, &mut violations);
    let request_id = if request.request_id.is_empty() {
        Uuid::now_v7().to_string()
    } else {
        text::check_request_id(&request.request_id, &mut violations);
        request.request_id
    };
    text::check_model_id(&request.model_id, path("model_id"), &mut violations);

    let mut input = Usage::default();
    for (class, count, field) in [
        (TokenClass::Input, request.input_token_count, "input_token_count"),
        (TokenClass::CacheRead, request.cache_read_token_count, "cache_read_token_count"),
        (
            TokenClass::CacheWrite5m,
            request.cache_write_5m_token_count,
            "cache_write_5m_token_count",
        ),
        (
            TokenClass::CacheWrite1h,
            request.cache_write_1h_token_count,
            "cache_write_1h_token_count",
        ),
    ] {
        input.set(class, tokens(count, path(field), &mut violations));
    }
    let max_output = request
        .max_output_token_count
        .map(|count| tokens(count, path("max_output_token_count"), &mut violations));
    if input.total_input() + max_output.unwrap_or(0) > TOKENS_MAX {
        let expected = format!(
            "expected at most {TOKENS_MAX} tokens together with cache reads, cache writes and \
             max_output_token_count"
        );
        violations.add("input_token_count", expected);
    }

    let check = Check {
        request_id: Arc::from(request_id.as_str()),
        model_id: request.model_id,
        input,
        max_output,
        tier: tier(request.service_tier, path("service_tier"), &mut violations),
        required_capabilities: capabilities(
            request.required_capabilities,
            REQUIRED_CAPABILITIES_MAX,
            path("required_capabilities"),
            &mut violations,
        ),
        hold_duration: hold_duration(request.hold_duration, &mut violations),
        dry_run: request.dry_run,
        explain: request.explain,
        // Packed below, as the hold keeps it.
        attribution: None,
    };
    let attribution = packed_attribution(request.attribution.as_ref(), &mut violations);
    // What is out of its bounds is not prepared.
    let workspace_id = request.workspace_id;
    violations.accept(())?;
    let check = PreparedCheck::with_attribution(check, attribution);
    Ok(CheckCall { workspace_id, request_id, check })
}

/// # Errors
/// If a field is out of its range.
pub fn record(
    request: v1::RecordUsageRequest,
    now: Time,
) -> Result<(String, UsageReport), Violations> {
    let mut violations = Violations::default();
    let path = |field| Path::Request.field(field);
    text::check_workspace_id(&request.workspace_id, &mut violations);
    text::check_request_id(&request.request_id, &mut violations);
    text::check_model_id(&request.model_id, path("model_id"), &mut violations);
    if !(0..=ATTEMPT_MAX).contains(&request.attempt) {
        violations.add(path("attempt"), format!("expected 0 to {ATTEMPT_MAX}"));
    }
    let outcome = outcome(request.outcome, &mut violations);
    if request.usage.is_none() && outcome == Outcome::Success {
        violations.add(path("usage"), "expected the tokens used: a success has some");
    }
    let report = UsageReport {
        request_id: Arc::from(request.request_id),
        attempt: request.attempt,
        model_id: request.model_id,
        tier: tier(request.service_tier, path("service_tier"), &mut violations),
        usage: usage(request.usage.unwrap_or_default(), path("usage"), &mut violations),
        outcome,
        source: usage_source(request.usage_source, &mut violations),
        start_time: request.start_time.map(|time| start_time(time, now, &mut violations)),
        latency: span(
            request.latency,
            0..=LATENCY_MAX,
            "expected 0 to 24 hours",
            0,
            path("latency"),
            &mut violations,
        ),
        attribution: attribution(request.attribution, &mut violations),
    };
    violations.accept((request.workspace_id, report))
}

/// # Errors
/// If a field is out of its range.
pub fn release(request: &v1::ReleaseHoldRequest) -> Result<(), Violations> {
    let mut violations = Violations::default();
    text::check_workspace_id(&request.workspace_id, &mut violations);
    text::check_request_id(&request.request_id, &mut violations);
    violations.accept(())
}

/// The time from now that the hold is to live.
///
/// # Errors
/// If a field is out of its range.
pub fn extend(request: &v1::ExtendHoldRequest) -> Result<Micros, Violations> {
    let mut violations = Violations::default();
    text::check_workspace_id(&request.workspace_id, &mut violations);
    text::check_request_id(&request.request_id, &mut violations);
    let duration = hold_duration(request.hold_duration, &mut violations);
    violations.accept(duration)
}

/// Whether to list live holds, expired ones, or both.
pub fn hold_state(value: i32, violations: &mut Violations) -> Option<bool> {
    match v1::HoldState::try_from(value) {
        Ok(v1::HoldState::Unspecified) => None,
        Ok(v1::HoldState::Live) => Some(true),
        Ok(v1::HoldState::Expired) => Some(false),
        Err(_) => {
            violations.add("state", "expected a HoldState that is known");
            None
        }
    }
}

/// Which records to list.
pub fn record_filter(
    request: &v1::ListUsageRecordsRequest,
    violations: &mut Violations,
) -> RecordFilter {
    let path = |field| Path::Request.field(field);
    text::check_workspace_id(&request.workspace_id, violations);
    text::check(&request.model_id, 0..=MODEL_ID_CHARS_MAX, path("model_id"), violations);
    text::check(&request.request_id, 0..=REQUEST_ID_CHARS_MAX, path("request_id"), violations);
    RecordFilter {
        workspace_id: Arc::from(request.workspace_id.as_str()),
        from: request.start_time.map(|time| instant(time, path("start_time"), violations)),
        to: request.end_time.map(|time| instant(time, path("end_time"), violations)),
        model_id: unless_empty(&request.model_id),
        request_id: unless_empty(&request.request_id),
    }
}

pub fn record_page(
    request: &v1::ListUsageRecordsRequest,
    filter: &RecordFilter,
    violations: &mut Violations,
) -> Page {
    let micros = |time: Option<Time>| time.map_or_else(String::new, |t| t.micros().to_string());
    let (from, to) = (micros(filter.from), micros(filter.to));
    let filter =
        ["records", &request.workspace_id, &from, &to, &request.model_id, &request.request_id];
    Page::read(&filter, request.page_size, &request.page_token, violations)
}

/// # Errors
/// If a field is out of its range.
pub fn reprice(request: v1::RepriceUsageRequest) -> Result<RepriceRequest, Violations> {
    let mut violations = Violations::default();
    let path = |field| Path::Request.field(field);
    text::check(
        &request.workspace_id,
        1..=WORKSPACE_ID_CHARS_MAX,
        path("workspace_id"),
        &mut violations,
    );
    text::check(&request.model_id, 0..=MODEL_ID_CHARS_MAX, path("model_id"), &mut violations);
    let from = super::required(request.start_time, path("start_time"), &mut violations);
    let from = from.map(|time| instant(time, path("start_time"), &mut violations));
    let reprice = RepriceRequest {
        model_id: unless_empty(&request.model_id),
        workspace_id: request.workspace_id,
        from: from.unwrap_or_default(),
        to: request.end_time.map(|time| instant(time, path("end_time"), &mut violations)),
        dry_run: request.dry_run,
    };
    violations.accept(reprice)
}

fn hold_duration(duration: Option<Duration>, violations: &mut Violations) -> Micros {
    let path = Path::Request.field("hold_duration");
    let expected = HOLD_DURATIONS_EXPECTED;
    span(duration, HOLD_DURATIONS, expected, HOLD_DURATION_DEFAULT, path, violations)
}

fn start_time(time: Timestamp, now: Time, violations: &mut Violations) -> Time {
    let path = Path::Request.field("start_time");
    let time = instant(time, path, violations);
    if time < now - RECORD_AGE_MAX || time > now + RECORD_AHEAD_MAX {
        violations.add(path, "expected at most 35 days in the past and 5 minutes in the future");
    }
    time
}

fn outcome(value: i32, violations: &mut Violations) -> Outcome {
    match v1::Outcome::try_from(value) {
        Ok(v1::Outcome::Success) => Outcome::Success,
        Ok(v1::Outcome::Error) => Outcome::Error,
        Ok(v1::Outcome::Cancelled) => Outcome::Cancelled,
        Ok(v1::Outcome::Unspecified) | Err(_) => {
            violations
                .add("outcome", "expected OUTCOME_SUCCESS, OUTCOME_ERROR or OUTCOME_CANCELLED");
            Outcome::Error
        }
    }
}

fn usage_source(value: i32, violations: &mut Violations) -> UsageSource {
    match v1::UsageSource::try_from(value) {
        Ok(v1::UsageSource::Unspecified | v1::UsageSource::Provider) => UsageSource::Provider,
        Ok(v1::UsageSource::Estimated) => UsageSource::Estimated,
        Err(_) => {
            violations.add("usage_source", "expected a UsageSource that is known");
            UsageSource::Provider
        }
    }
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
        model_id,
        request_id,
        held: Some(money::to_proto(currency, decision.held)),
        expire_time: decision.expire_time.map(to_timestamp),
        budget_state: state_to_proto(decision.state).into(),
        verdicts: verdicts.map(|verdict| verdict_to_proto(currency, verdict)).collect(),
        retry_after: decision.retry_after.map(to_duration),
        reason: decision.reason.map_or(v1::Reason::Unspecified, reason_to_proto).into(),
        limits: limits.map(|verdict| verdict_to_proto(currency, verdict)).collect(),
    }
}

pub fn record_response(recorded: InCurrency<Recorded>) -> v1::RecordUsageResponse {
    let InCurrency { currency, value } = recorded;
    v1::RecordUsageResponse {
        cost: Some(money::to_proto(currency, value.cost)),
        duplicate: value.duplicate,
        budget_state: state_to_proto(value.standing.state).into(),
        cycle_spent: Some(money::to_proto(currency, value.standing.cycle_spent)),
        unpriced: value.unpriced,
    }
}

pub fn hold_to_proto(currency: Currency, view: HoldView) -> v1::Hold {
    let state = if view.live { v1::HoldState::Live } else { v1::HoldState::Expired };
    let hold = view.hold;
    v1::Hold {
        request_id: hold.request_id.to_string(),
        model_id: view.model_id.to_string(),
        held: Some(money::to_proto(currency, hold.held)),
        state: state.into(),
        create_time: Some(to_timestamp(hold.check_time)),
        expire_time: Some(to_timestamp(hold.expire_time)),
        attribution: hold.attribution().and_then(attribution_to_proto),
    }
}

pub fn record_to_proto(
    currency: Currency,
    catalogue: &Catalogue,
    record: Record,
) -> v1::UsageRecord {
    let kind = match record.kind {
        RecordKind::Usage => v1::RecordKind::Usage,
        RecordKind::Correction => v1::RecordKind::Correction,
        RecordKind::ExpiryCharge => v1::RecordKind::ExpiryCharge,
    };
    let outcome = match record.outcome {
        Outcome::Success => v1::Outcome::Success,
        Outcome::Error => v1::Outcome::Error,
        Outcome::Cancelled => v1::Outcome::Cancelled,
    };
    let source = match record.source {
        UsageSource::Provider => v1::UsageSource::Provider,
        UsageSource::Estimated => v1::UsageSource::Estimated,
    };
    let rate = Amount::from_nanos(record.exchange_rate.nanos());
    let priced = record.price_id.as_deref().map(|id| {
        let card = catalogue.price_by_id(id);
        let model_id = card.map_or(&record.metered_model_id, |card| &card.price().model_id);
        (id.to_owned(), model_id.to_string(), rate.to_text())
    });
    let (price_id, priced_model_id, exchange_rate) = priced.unwrap_or_default();
    v1::UsageRecord {
        request_id: record.request_id.to_string(),
        attempt: record.attempt,
        kind: kind.into(),
        model_id: record.model_id.to_string(),
        priced_model_id,
        service_tier: tier_to_proto(record.tier).into(),
        usage: Some(usage_to_proto(&record.usage)),
        outcome: outcome.into(),
        usage_source: source.into(),
        cost: Some(money::to_proto(currency, record.cost)),
        unpriced: record.unpriced,
        price_id,
        exchange_rate,
        charge_time: Some(to_timestamp(record.charge_time)),
        start_time: Some(to_timestamp(record.start_time)),
        record_time: Some(to_timestamp(record.record_time)),
        latency: Some(to_duration(record.latency)),
        attribution: attribution_to_proto(record.attribution),
        sequence: record.seq,
        key_group_id: record.key_group_id.to_string(),
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
