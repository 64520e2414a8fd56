//! Requests and answers about recommendations.

use crate::domain::workspace::recommendation::{
    Advice, MeasuredSaving, Recommendation, RecommendationEvidence, RecommendationKind,
    RecommendationReason, RecommendationState, RecommendationStatus, Saving,
};
use crate::domain::{Amount, Currency, Time};
use crate::engine::{InCurrency, RecommendationPage, StateRequest};
use crate::grpc::shared::decode::{Decoded, decode};
use crate::grpc::shared::enums::{ProtoEnum, proto_enum};
use crate::grpc::shared::money;
use crate::grpc::shared::page::{Page, to_count};
use crate::grpc::shared::subject::{filter_texts, subject_to_proto};
use crate::grpc::shared::time::to_timestamp;
use crate::proto::v1;
use crate::storage::recommendations::RecommendationFilter;

const REASON_CHARS_MAX: usize = 500;

proto_enum!(RecommendationKind as RecommendationKind { Model, Prompt, Cache, Batch, Idle, Price }
    "expected a RecommendationKind that is known");
proto_enum!(RecommendationReason as RecommendationReason {
    CheaperModel, InputAbovePeers, InputGrew, FewCacheReads, NightlyRequests, LimitUnused,
    KeyUnused, AssistantUnused, PriceAboveList, Unpriced
} "expected a RecommendationReason that is known");
proto_enum!(RecommendationStatus as RecommendationState { Open, Taken, Dismissed, Expired }
    "expected RECOMMENDATION_STATE_OPEN, _TAKEN, _DISMISSED or _EXPIRED");
proto_enum!(RecommendationState as RecommendationState { Open, Taken, Dismissed }
    "expected RECOMMENDATION_STATE_OPEN, _TAKEN or _DISMISSED");

/// Position in the list: the saving, and the id.
type Position = (Amount, String);

/// Which recommendations, which page of them, and after which one it begins.
pub fn list(
    request: v1::ListRecommendationsRequest,
    now: Time,
) -> Decoded<(RecommendationFilter, Page, Option<Position>)> {
    let v1::ListRecommendationsRequest { workspace_id, state, kind, subject, .. } = request;
    decode(|at| {
        at.workspace_id(&workspace_id);
        let [subject_type, id] = filter_texts(subject.as_ref());
        let bound_to = format!("{state} {kind}");
        let filter = ["recommendations", &workspace_id, &subject_type, &id, &bound_to];
        let page = at.page(&filter, request.page_size, &request.page_token);
        let after = page.after_parsed(at, parse_position);
        let filter = RecommendationFilter {
            kind: at.field("kind").optional_enum(kind),
            status: at.field("state").optional_enum(state),
            subject: at.subject_filter(&workspace_id, subject.as_ref()),
            now,
            workspace_id,
        };
        Some((filter, page, after))
    })
}

fn parse_position(text: &str) -> Option<Position> {
    let (nanos, id) = text.split_once('.')?;
    Some((Amount::from_nanos(nanos.parse().ok()?), id.to_owned()))
}

fn position(last: &Recommendation) -> String {
    format!("{}.{}", last.rank().nanos(), last.id)
}

pub fn update(request: v1::UpdateRecommendationRequest) -> Decoded<(String, String, StateRequest)> {
    let v1::UpdateRecommendationRequest { workspace_id, recommendation_id, .. } = request;
    decode(|at| {
        at.workspace_id(&workspace_id);
        at.field("recommendation_id").resource_id(&recommendation_id);
        let state = at.field("state").required_enum(request.state)?;
        let (reason, field) = (request.dismiss_reason, at.field("dismiss_reason"));
        match state {
            RecommendationState::Dismissed => {
                field.text(&reason, 1..=REASON_CHARS_MAX);
            }
            _ => field.ensure(
                reason.is_empty(),
                "expected none, but with RECOMMENDATION_STATE_DISMISSED",
            ),
        }
        Some((workspace_id, recommendation_id, StateRequest { state, reason }))
    })
}

pub fn page_to_proto(
    found: InCurrency<RecommendationPage>,
    page: &Page,
    workspace_id: &str,
    now: Time,
) -> v1::ListRecommendationsResponse {
    let InCurrency { currency, value: found } = found;
    let to_proto = |it: Recommendation| to_proto(&it, workspace_id, currency, now);
    let (recommendations, next_page_token) = page.cut(found.recommendations, position, to_proto);
    v1::ListRecommendationsResponse {
        recommendations,
        next_page_token,
        total_count: to_count(found.total),
        make_time: found.make_time.map(to_timestamp),
    }
}

pub fn to_proto(
    it: &Recommendation,
    workspace_id: &str,
    currency: Currency,
    now: Time,
) -> v1::Recommendation {
    let Advice { topic, evidence, saving, .. } = &it.advice;
    let reason = topic.reason;
    let target_of = |wanted: RecommendationReason| match reason == wanted {
        true => topic.target.to_string(),
        false => String::new(),
    };
    let change = it.change.as_ref();
    let words = words(reason);
    v1::Recommendation {
        recommendation_id: it.id.to_string(),
        kind: reason.kind().number(),
        reason: reason.number(),
        subject: Some(subject_to_proto(workspace_id, topic.subject_kind, &topic.subject_id)),
        model_id: topic.model_id.to_string(),
        target_model_id: target_of(RecommendationReason::CheaperModel),
        quota_id: target_of(RecommendationReason::LimitUnused),
        price_id: target_of(RecommendationReason::PriceAboveList),
        evidence: Some(evidence_to_proto(evidence, currency)),
        saving: saving.map(|saving| saving_to_proto(saving, currency)),
        difficulty: words.difficulty.into(),
        risk: words.risk.to_owned(),
        verification: words.verification.to_owned(),
        create_time: Some(to_timestamp(it.create_time)),
        find_time: Some(to_timestamp(it.find_time)),
        expire_time: Some(to_timestamp(it.expire_time)),
        state: it.status(now).number(),
        dismiss_reason: change.map(|change| change.reason.clone()).unwrap_or_default(),
        state_time: change.map(|change| to_timestamp(change.time)),
        state_actor: change.map(|change| change.actor.clone()).unwrap_or_default(),
        measured_saving: it.measured.map(|measured| measured_to_proto(measured, currency)),
    }
}

fn evidence_to_proto(
    evidence: &RecommendationEvidence,
    currency: Currency,
) -> v1::RecommendationEvidence {
    v1::RecommendationEvidence {
        start_time: Some(to_timestamp(evidence.start_time)),
        end_time: Some(to_timestamp(evidence.end_time)),
        request_count: evidence.requests,
        token_count: evidence.tokens,
        cost: Some(money::to_proto(currency, evidence.cost)),
    }
}

fn saving_to_proto(saving: Saving, currency: Currency) -> v1::RecommendationSaving {
    let Saving { low, expected, high } = saving;
    let [low, expected, high] =
        [low, expected, high].map(|amount| Some(money::to_proto(currency, amount)));
    v1::RecommendationSaving { low, expected, high }
}

fn measured_to_proto(measured: MeasuredSaving, currency: Currency) -> v1::MeasuredSaving {
    v1::MeasuredSaving {
        start_time: Some(to_timestamp(measured.start_time)),
        end_time: Some(to_timestamp(measured.end_time)),
        request_count: measured.requests,
        saving: Some(money::to_proto(currency, measured.saved)),
    }
}

/// What is the same of all recommendations for a reason.
struct Words {
    difficulty: v1::RecommendationDifficulty,
    risk: &'static str,
    verification: &'static str,
}

fn words(reason: RecommendationReason) -> Words {
    use v1::RecommendationDifficulty::{Easy, Hard, Medium};
    let (difficulty, risk, verification) = match reason {
        RecommendationReason::CheaperModel => (
            Medium,
            "The quality of the answers is not judged.",
            "Send a tenth of the requests to the other model and compare the answers.",
        ),
        RecommendationReason::InputAbovePeers | RecommendationReason::InputGrew => (
            Hard,
            "Length is not waste: a shorter prompt may give worse answers.",
            "Shorten the prompt for a tenth of the requests and compare the answers.",
        ),
        RecommendationReason::FewCacheReads => (
            Medium,
            "Writes to the cache cost more than input where they are not read again.",
            "Compare the cost of a request after a day with the cost before.",
        ),
        RecommendationReason::NightlyRequests => (
            Hard,
            "An answer may take a day. That nobody waits is judged by the time and by the absence \
             of a user and a session.",
            "Ask who reads the answers, and when.",
        ),
        RecommendationReason::LimitUnused => (
            Easy,
            "A limit that is never near may still be meant for the worst case.",
            "Ask who has set it, and for what.",
        ),
        RecommendationReason::KeyUnused | RecommendationReason::AssistantUnused => (
            Easy,
            "It may be used rarely, such as once in a quarter.",
            "Ask its owner; a key can be disabled first and deleted later.",
        ),
        RecommendationReason::PriceAboveList => (
            Easy,
            "The contract may say so, or count something else.",
            "Compare the price with the last invoice.",
        ),
        RecommendationReason::Unpriced => (
            Easy,
            "Budgets and limits in money do not count this usage.",
            "Set a price and re-price the records.",
        ),
    };
    Words { difficulty, risk, verification }
}
