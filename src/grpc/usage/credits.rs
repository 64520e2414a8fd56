//! Credits and voids as protos.

use std::sync::Arc;

use crate::domain::catalog::bill::COST_MAX;
use crate::domain::record::ATTEMPT_MAX;
use crate::domain::record::{CreditReport, RECORD_AGE_MAX};
use crate::domain::{Currency, Time};
use crate::engine::{Credited, InCurrency, VoidRequest};
use crate::grpc::shared::decode::{Decoded, decode};
use crate::grpc::shared::money;
use crate::proto::v1;

const REASON_CHARS_MAX: usize = 500;
const REFERENCE_CHARS_MAX: usize = 200;

pub fn record(
    request: v1::RecordCreditRequest,
    now: Time,
) -> Decoded<(String, Currency, CreditReport)> {
    decode(|at| {
        at.workspace_id(&request.workspace_id);
        at.field("credit_id").resource_id(&request.credit_id);
        at.field("reason").text(&request.reason, 1..=REASON_CHARS_MAX);
        at.field("reference").text(&request.reference, 0..=REFERENCE_CHARS_MAX);
        at.field("model_id").optional_model_id(&request.model_id);
        let time = request.charge_time.map(|time| {
            let at = at.field("charge_time");
            let time = at.instant(time).unwrap_or_default();
            let is_in_range = (now - RECORD_AGE_MAX..=now).contains(&time);
            at.ensure(is_in_range, "expected at most 35 days in the past, and not in the future");
            time
        });
        let attribution = at.attribution(request.attribution);
        let (amount_at, amount) = at.message("amount", request.amount)?;
        let (currency, amount) = amount_at.money(&amount, 1..=COST_MAX.nanos());
        let report = CreditReport {
            credit_id: Arc::from(request.credit_id),
            amount,
            reason: request.reason,
            reference: request.reference,
            model_id: request.model_id,
            time,
            attribution,
        };
        Some((request.workspace_id, currency, report))
    })
}

pub fn void(request: v1::VoidUsageRequest) -> Decoded<VoidRequest> {
    decode(|at| {
        at.workspace_id(&request.workspace_id);
        at.request_id(&request.request_id);
        at.field("attempt").number(request.attempt.into(), 0..=ATTEMPT_MAX.into());
        at.field("reason").text(&request.reason, 1..=REASON_CHARS_MAX);
        Some(VoidRequest {
            workspace_id: request.workspace_id,
            request_id: request.request_id,
            attempt: request.attempt,
            reason: request.reason,
        })
    })
}

pub fn record_response(credited: &InCurrency<Credited>) -> v1::RecordCreditResponse {
    let InCurrency { currency, value } = credited;
    v1::RecordCreditResponse {
        cost: Some(money::to_proto(*currency, -value.amount)),
        duplicate: value.duplicate,
        cycle_spent: Some(money::to_proto(*currency, value.cycle_spent)),
    }
}

pub fn void_response(voided: &InCurrency<Credited>) -> v1::VoidUsageResponse {
    let InCurrency { currency, value } = voided;
    v1::VoidUsageResponse {
        voided: Some(money::to_proto(*currency, value.amount)),
        duplicate: value.duplicate,
        cycle_spent: Some(money::to_proto(*currency, value.cycle_spent)),
    }
}
