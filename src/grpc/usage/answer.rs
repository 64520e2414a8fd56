//! Decodes provider answers: the usage of a record is read in the JSON that a provider answered
//! with.

use crate::answers::{self, Reading, Unreadable};
use crate::domain::record::{AnswerReport, Fingerprint, Given, KeptAnswer};
use crate::domain::usage::{Extras, ServiceTier, Usage};
use crate::grpc::shared::decode::Decoder;
use crate::proto::v1;

/// Longest hint of a provider, in bytes.
const PROVIDER_BYTES_MAX: usize = 64;

/// What a record takes from a provider answer.
#[derive(Default)]
pub struct DecodedAnswer {
    /// Empty if the answer names none.
    pub model_id: String,
    pub tier: Option<ServiceTier>,
    pub usage: Usage,
    pub extras: Option<Box<Extras>>,
    pub report: Option<Box<AnswerReport>>,
}

/// The provider answer of a request; none if there is none, or no usage can be read in it. With
/// `accept_unread` an answer that cannot be read becomes a report of the hold's estimate.
pub fn provider_answer(at: Decoder<'_>, request: &v1::RecordUsageRequest) -> Option<DecodedAnswer> {
    let given = request.provider_answer.as_ref()?;
    let at = at.field("provider_answer");
    at.ensure(request.usage.is_none(), "expected either usage or provider_answer");
    let provider = given.provider.to_ascii_lowercase();
    let is_name = |byte: u8| byte.is_ascii_graphic();
    let is_valid = provider.len() <= PROVIDER_BYTES_MAX && provider.bytes().all(is_name);
    at.field("provider").ensure(is_valid, "expected at most 64 letters, digits and signs");
    let fingerprint = fingerprint(request, given);
    match answers::read(&given.json, &provider) {
        Ok(reading) => Some(decoded(reading, provider, fingerprint)),
        Err(error) if request.accept_unread && error.is_about_usage() => {
            Some(unread(given, provider, fingerprint))
        }
        Err(error) => {
            refuse(at, &error);
            None
        }
    }
}

fn decoded(reading: Reading, hint: String, fingerprint: i64) -> DecodedAnswer {
    let given = Given { provider: !hint.is_empty(), ..Given::default() };
    let kept = KeptAnswer {
        provider: reading.provider.as_deref().map_or(hint, str::to_owned),
        flags: reading.flags.iter().map(|flag| flag.as_str().to_owned()).collect(),
        others: reading.to_others(),
        json: String::new(),
        is_unread: false,
        context_ids: reading.id.iter().map(ToString::to_string).collect(),
        given,
    };
    let extras = reading.to_extras();
    let kept = KeptAnswer { json: reading.kept, ..kept };
    DecodedAnswer {
        model_id: reading.model.map_or_else(String::new, Into::into),
        tier: reading.service_tier,
        usage: reading.usage,
        extras,
        report: Some(Box::new(AnswerReport { kept, fingerprint })),
    }
}

fn unread(given: &v1::ProviderAnswer, provider: String, fingerprint: i64) -> DecodedAnswer {
    let json = answers::reduce(&given.json).unwrap_or_default();
    let (flags, others, context_ids) = (Vec::new(), Vec::new(), Vec::new());
    let given = Given { provider: !provider.is_empty(), ..Given::default() };
    let kept = KeptAnswer { provider, json, flags, others, is_unread: true, context_ids, given };
    let report = AnswerReport { kept, fingerprint };
    DecodedAnswer { report: Some(Box::new(report)), ..DecodedAnswer::default() }
}

/// Hash of what was sent: a repeat has the same, whatever another version reads in it.
fn fingerprint(request: &v1::RecordUsageRequest, given: &v1::ProviderAnswer) -> i64 {
    let mut print = Fingerprint::default();
    print.text(&request.model_id);
    print.int(request.service_tier.into());
    print.text(&given.provider);
    for json in &given.json {
        print.text(json);
    }
    for name in &request.factors {
        print.text(name);
    }
    if let Some(cost) = &request.reported_cost {
        print.text(&cost.currency_code);
        print.text(&cost.amount);
    }
    print.finish()
}

fn refuse(at: Decoder<'_>, error: &Unreadable) {
    let text = error.to_string();
    let (_, expected) = text.split_once(": ").unwrap_or(("", &text));
    let json = at.field("json");
    match error.part() {
        Some(part) => json.item(part).refuse(expected),
        None => json.refuse(expected),
    }
}
