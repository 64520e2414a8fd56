//! Features whose prompts are longer than those of others on the same model, or have grown.

use super::usage::{ByTier, Part, SubjectModel, Tokens, Usages, Used, of_all_tiers, scale};
use super::{Prices, REQUESTS_MIN, less, median_of_peers, monthly};
use crate::domain::Amount;
use crate::domain::attribution::SubjectKind;
use crate::domain::catalog::price::INPUT_CLASSES;
use crate::domain::workspace::recommendation::{Advice, RecommendationReason, RecommendationTopic};

/// The input of a request is long from so many times the median of features on, in tenths, and has
/// grown from so many times that of the first half of the window on.
const LONG_TENTHS: i64 = 15;
const GROWN_TENTHS: i64 = 13;

/// Of each feature and model one recommendation: by its peers before by its own past.
pub fn find(usages: &Usages, prices: &Prices<'_>) -> Vec<Advice> {
    let heaviest = usages.heaviest(REQUESTS_MIN).into_iter();
    let features = heaviest.filter(|(subject, _)| subject.kind == SubjectKind::Feature);
    let of = |(subject, used): (&SubjectModel, &Used)| {
        above_peers(usages, prices, subject, used).or_else(|| grown(usages, prices, subject, used))
    };
    features.filter_map(of).collect()
}

fn above_peers(
    usages: &Usages,
    prices: &Prices<'_>,
    subject: &SubjectModel,
    used: &Used,
) -> Option<Advice> {
    let is_peer = |other: &SubjectModel| {
        other.kind == SubjectKind::Feature && other.model_id == subject.model_id
    };
    let peers = usages.by_subject.iter().filter(|(other, _)| is_peer(other));
    let inputs = peers.filter_map(|(_, used)| input_of_request(&used.all)).collect();
    let median = median_of_peers(inputs)?;
    if !is_above(input_of_request(&used.all)?, median, LONG_TENTHS) {
        return None;
    }
    let reason = RecommendationReason::InputAbovePeers;
    advice(usages, prices, (reason, subject), &used.all, median, usages.days())
}

fn grown(
    usages: &Usages,
    prices: &Prices<'_>,
    subject: &SubjectModel,
    used: &Used,
) -> Option<Advice> {
    let [all, second] = [&used.all, &used.second_half].map(|part| of_all_tiers(&part.tokens));
    let first = Tokens {
        requests: all.requests - second.requests,
        by_class: std::array::from_fn(|class| all.by_class[class] - second.by_class[class]),
    };
    let before = input_of(&first)?;
    if !is_above(input_of(&second)?, before, GROWN_TENTHS) {
        return None;
    }
    let reason = RecommendationReason::InputGrew;
    advice(usages, prices, (reason, subject), &used.second_half, before, usages.days() / 2)
}

/// What is saved by so much input a request, of usage of so many days.
fn advice(
    usages: &Usages,
    prices: &Prices<'_>,
    (reason, subject): (RecommendationReason, &SubjectModel),
    part: &Part,
    input: i64,
    days: i64,
) -> Option<Advice> {
    let all = of_all_tiers(&part.tokens);
    let shortened = shortened(&part.tokens, (input.saturating_mul(all.requests), all.input()));
    let cost = prices.cost_of_all(&subject.model_id, &part.tokens)?;
    let saved = less(cost, prices.cost_of_all(&subject.model_id, &shortened)?)?;
    if saved <= Amount::ZERO {
        return None;
    }
    let half = Amount::from_nanos(saved.nanos() / 2);
    Some(Advice {
        topic: RecommendationTopic {
            reason,
            subject_kind: subject.kind,
            subject_id: subject.id.clone(),
            model_id: subject.model_id.clone(),
            target: "".into(),
        },
        evidence: usages.evidence(part),
        saving: Some(monthly([half, saved, saved], days)?),
        baseline: part.baseline(),
    })
}

/// The same requests with a part of their input, each class rounded down.
fn shortened(tokens: &ByTier, part: (i64, i64)) -> ByTier {
    tokens.map(|mut tokens| {
        for class in INPUT_CLASSES {
            let count = &mut tokens.by_class[class as usize];
            *count = scale(*count, part);
        }
        tokens
    })
}

fn is_above(input: i64, other: i64, tenths: i64) -> bool {
    i128::from(input) * 10 >= i128::from(other) * i128::from(tenths)
}

/// Input tokens of a request, rounded down; none of too few requests, or without input.
fn input_of_request(part: &Part) -> Option<i64> {
    input_of(&of_all_tiers(&part.tokens))
}

fn input_of(tokens: &Tokens) -> Option<i64> {
    let has_enough = tokens.requests >= REQUESTS_MIN && tokens.input() > 0;
    has_enough.then(|| tokens.input() / tokens.requests)
}
