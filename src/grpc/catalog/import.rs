//! Requests and responses of `ImportPrices`.

use crate::domain::catalog::rate_field;
use crate::domain::usage::ServiceTier;
use crate::domain::{Amount, Time};
use crate::engine::{Changed, Format, ImportReport, ImportRequest, Jumps, RateChange};
use crate::grpc::shared::decode::{Decoded, decode};
use crate::grpc::shared::enums::ProtoEnum;
use crate::proto::v1;

/// Largest list; the published ones have about a third of it.
pub const CONTENT_BYTES_MAX: usize = 12 * 1024 * 1024;
/// Ids of models that are listed for prices that were kept or held back.
const IDS_MAX: usize = 100;
/// Ids of entries that are listed for a reason.
const EXAMPLES_MAX: usize = 10;

pub fn request(request: v1::ImportPricesRequest, now: Time) -> Decoded<ImportRequest> {
    decode(|at| {
        let format = Format::from_name(&request.format);
        let names: Vec<&str> = Format::ALL.iter().map(|format| format.as_str()).collect();
        let expected = format!("expected one of {}", names.join(", "));
        at.field("format").ensure(format.is_some(), &expected);
        let length = request.content.len();
        let expected = format!("expected 1 to {CONTENT_BYTES_MAX} bytes of JSON");
        at.field("content").ensure((1..=CONTENT_BYTES_MAX).contains(&length), &expected);
        let effective_time = match request.effective_time {
            Some(given) => at.field("effective_time").effective(given)?,
            None => now,
        };
        Some(ImportRequest {
            format: format?,
            content: request.content,
            effective_time,
            jumps: if request.allow_jumps { Jumps::Take } else { Jumps::HoldBack },
            dry_run: request.dry_run,
        })
    })
}

pub fn response(report: &ImportReport) -> v1::ImportPricesResponse {
    let skipped = report.skipped_by_reason().into_iter().map(|(reason, ids)| v1::SkippedEntries {
        count: count(ids.len()),
        ids: first(&ids, EXAMPLES_MAX),
        reason,
    });
    v1::ImportPricesResponse {
        read_count: count(report.read),
        model_count: count(report.models),
        price_count: count(report.prices),
        unchanged_count: count(report.unchanged),
        skipped_count: count(report.skipped_count()),
        skipped: skipped.collect(),
        kept_count: count(report.kept_prices.len()),
        kept_model_ids: first(&report.kept_prices, IDS_MAX),
        held_back_count: count(report.jumps.len()),
        held_back_model_ids: first(&report.jumps, IDS_MAX),
        changed_rate_count: count(report.change_count),
        confirmed_count: count(report.confirmed),
        changed_rates: report.changes.iter().map(change_to_proto).collect(),
    }
}

fn change_to_proto(change: &RateChange) -> v1::RateChange {
    let tier: ServiceTier = change.tier;
    let text = |nanos: Option<i64>| nanos.map_or_else(String::new, rate_text);
    let (rate, unit_kind, factor_name) = match &change.changed {
        Changed::Tokens(class) => (rate_field(*class), 0, ""),
        Changed::Units(kind) => ("per_thousand", kind.number(), ""),
        Changed::Factor(name) => ("multiplier", 0, &**name),
    };
    v1::RateChange {
        model_id: change.model_id.to_string(),
        rate: rate.to_owned(),
        unit_kind,
        factor_name: factor_name.to_owned(),
        service_tier: tier.number(),
        min_input_token_count: change.min_input_tokens,
        before: text(change.before),
        after: text(change.after),
        held_back: change.held_back,
    }
}

fn rate_text(nanos: i64) -> String {
    Amount::from_nanos(nanos).to_text()
}

fn first(ids: &[String], max: usize) -> Vec<String> {
    ids[..ids.len().min(max)].to_vec()
}

/// Bounded by the bytes of a list.
fn count(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
