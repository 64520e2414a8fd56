//! Features whose requests are sent at night without a user and a session, on a model that is
//! cheaper in batches.

use super::usage::{SubjectModel, Usages, Used, sum};
use super::{Prices, REQUESTS_MIN, less, monthly};
use crate::domain::Amount;
use crate::domain::attribution::SubjectKind;
use crate::domain::usage::ServiceTier;
use crate::domain::workspace::recommendation::{Advice, RecommendationReason, RecommendationTopic};

/// Such requests must have so much of the cost of the feature, in percent.
const NIGHT_PERCENT_MIN: i64 = 30;

/// Of each feature and model with enough such requests.
pub fn find(usages: &Usages, prices: &Prices<'_>) -> Vec<Advice> {
    let heaviest = usages.heaviest(REQUESTS_MIN).into_iter();
    let features = heaviest.filter(|(subject, _)| subject.kind == SubjectKind::Feature);
    let nightly = features.filter(|(subject, used)| {
        used.night.requests() >= REQUESTS_MIN && is_nightly(usages, subject)
    });
    nightly.filter_map(|(subject, used)| of_feature(usages, prices, subject, used)).collect()
}

/// By all models of the feature.
fn is_nightly(usages: &Usages, subject: &SubjectModel) -> bool {
    let is_same = |other: &SubjectModel| other.kind == subject.kind && other.id == subject.id;
    let models = usages.by_subject.iter().filter(|(other, _)| is_same(other));
    let models: Vec<&Used> = models.map(|(_, used)| used).collect();
    let all = sum(models.iter().map(|used| used.all.cost));
    let night = sum(models.iter().map(|used| used.night.cost));
    i128::from(night.nanos()) * 100 >= i128::from(all.nanos()) * i128::from(NIGHT_PERCENT_MIN)
}

fn of_feature(
    usages: &Usages,
    prices: &Prices<'_>,
    subject: &SubjectModel,
    used: &Used,
) -> Option<Advice> {
    let card = prices.card(&subject.model_id)?;
    let has_batch = card.price().variants.iter().any(|it| it.tier == ServiceTier::Batch);
    let tokens = &used.night.tokens[ServiceTier::Standard as usize];
    let cost = |tier| prices.cost_by(card, tokens, tier);
    let saved = less(cost(ServiceTier::Standard)?, cost(ServiceTier::Batch)?)?;
    if !has_batch || saved <= Amount::ZERO {
        return None;
    }
    Some(Advice {
        topic: RecommendationTopic {
            reason: RecommendationReason::NightlyRequests,
            subject_kind: subject.kind,
            subject_id: subject.id.clone(),
            model_id: subject.model_id.clone(),
            target: "".into(),
        },
        evidence: usages.evidence(&used.night),
        saving: Some(monthly([Amount::ZERO, saved, saved], usages.days())?),
        baseline: used.all.baseline(),
    })
}
