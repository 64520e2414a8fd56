//! Features that read less from the cache of the provider than others on the same model.
//!
//! What repeats in prompts is not known: the share that is read from the cache is judged, alone.

use super::usage::{ByTier, Part, SubjectModel, Usages, Used, of_all_tiers, scale};
use super::{Prices, REQUESTS_MIN, less, median_of_peers, monthly};
use crate::domain::Amount;
use crate::domain::attribution::SubjectKind;
use crate::domain::usage::TokenClass;
use crate::domain::workspace::recommendation::{Advice, RecommendationReason, RecommendationTopic};

/// Shares are in hundredths of a percent.
const WHOLE: i64 = 10_000;
/// A model is one to cache on where the median feature reads so much of its input from the cache.
const MEDIAN_MIN: i64 = WHOLE / 10;
/// A feature reads little with at most one in so many of that.
const LITTLE: i64 = 2;

/// Of each feature and model that reads little.
pub fn find(usages: &Usages, prices: &Prices<'_>) -> Vec<Advice> {
    let heaviest = usages.heaviest(REQUESTS_MIN).into_iter();
    let features = heaviest.filter(|(subject, _)| subject.kind == SubjectKind::Feature);
    features.filter_map(|(subject, used)| of_feature(usages, prices, subject, used)).collect()
}

fn of_feature(
    usages: &Usages,
    prices: &Prices<'_>,
    subject: &SubjectModel,
    used: &Used,
) -> Option<Advice> {
    let is_peer = |other: &SubjectModel| {
        other.kind == SubjectKind::Feature && other.model_id == subject.model_id
    };
    let peers = usages.by_subject.iter().filter(|(other, _)| is_peer(other));
    let median = median_of_peers(peers.filter_map(|(_, used)| share(&used.all)).collect())?;
    let share = share(&used.all)?;
    if median < MEDIAN_MIN || share * LITTLE > median {
        return None;
    }
    let cached = cached(&used.all.tokens, median - share);
    let cost = prices.cost_of_all(&subject.model_id, &used.all.tokens)?;
    let saved = less(cost, prices.cost_of_all(&subject.model_id, &cached)?)?;
    if saved <= Amount::ZERO {
        return None;
    }
    Some(Advice {
        topic: RecommendationTopic {
            reason: RecommendationReason::FewCacheReads,
            subject_kind: subject.kind,
            subject_id: subject.id.clone(),
            model_id: subject.model_id.clone(),
            target: "".into(),
        },
        evidence: usages.evidence(&used.all),
        saving: Some(monthly([Amount::ZERO, saved, saved], usages.days())?),
        baseline: used.all.baseline(),
    })
}

/// How much of the input is read from the cache, rounded down; none of too few requests.
fn share(part: &Part) -> Option<i64> {
    let all = of_all_tiers(&part.tokens);
    let reads = all.by_class[TokenClass::CacheRead as usize];
    let has_enough = all.requests >= REQUESTS_MIN && all.input() > 0;
    has_enough.then(|| scale(reads, (WHOLE, all.input())))
}

/// The same with so much of the input read from the cache, as far as it is plain input; rounded
/// down.
fn cached(tokens: &ByTier, share: i64) -> ByTier {
    tokens.map(|mut tokens| {
        let moved = scale(tokens.input(), (share, WHOLE));
        let [input, read] = [TokenClass::Input, TokenClass::CacheRead].map(|class| class as usize);
        let moved = moved.min(tokens.by_class[input]);
        tokens.by_class[input] -= moved;
        tokens.by_class[read] += moved;
        tokens
    })
}
