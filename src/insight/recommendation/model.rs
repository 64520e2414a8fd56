//! A cheaper model for a feature or an assistant whose requests are short.

use std::cmp::Reverse;
use std::sync::Arc;

use super::usage::{SubjectModel, Usages, Used, scaled, sum};
use super::{Prices, REQUESTS_MIN, less, monthly};
use crate::domain::Amount;
use crate::domain::catalog::Model;
use crate::domain::workspace::recommendation::{
    Advice, Baseline, RecommendationReason, RecommendationTopic,
};

/// Another model may need so many percent more tokens, or fewer.
const TOKENS_PERCENT: i64 = 20;
/// So many percent of the requests must not exceed the median of the cheaper model.
const SHORT_PERCENT: usize = 95;
const MEDIAN_PERCENT: usize = 50;

/// Of each subject and model the cheaper model that saves most. `enabled` are the models that the
/// workspace allows.
pub fn find(usages: &Usages, prices: &Prices<'_>, enabled: &[Arc<str>]) -> Vec<Advice> {
    let heaviest = usages.heaviest(REQUESTS_MIN).into_iter();
    heaviest
        .filter_map(|(subject, used)| of_subject(usages, prices, enabled, subject, used))
        .collect()
}

fn of_subject(
    usages: &Usages,
    prices: &Prices<'_>,
    enabled: &[Arc<str>],
    subject: &SubjectModel,
    used: &Used,
) -> Option<Advice> {
    let present = prices.catalog.by_id(&subject.model_id)?.model();
    let present_cost = prices.cost_of_all(&subject.model_id, &used.tokens)?;
    let sizes = used.sizes_at(SHORT_PERCENT)?;
    let savings = enabled.iter().filter(|id| **id != subject.model_id).filter_map(|id| {
        let other = prices.catalog.by_id(id)?.model();
        if !replaces(other, present) || !is_short(sizes, usages.by_model.get(id)?) {
            return None;
        }
        let cost =
            |percent: i64| prices.cost_of_all(id, &scaled(&used.tokens, (100 + percent, 100)));
        let saved = |percent: i64| less(present_cost, cost(percent)?);
        let saved = [saved(TOKENS_PERCENT)?, saved(0)?, saved(-TOKENS_PERCENT)?];
        (saved[1] > Amount::ZERO).then_some((saved, id))
    });
    let (saved, target) = savings.max_by_key(|(saved, id)| (saved[1], Reverse((*id).clone())))?;
    let on_target = SubjectModel { model_id: target.clone(), ..subject.clone() };
    let on_target = usages.by_subject.get(&on_target).map(Used::baseline).unwrap_or_default();
    let on_present = used.baseline();
    Some(Advice {
        topic: RecommendationTopic {
            reason: RecommendationReason::CheaperModel,
            subject_kind: subject.kind,
            subject_id: subject.id.clone(),
            model_id: subject.model_id.clone(),
            target: target.clone(),
        },
        evidence: usages.evidence(used),
        saving: Some(monthly(saved, usages.days())?),
        baseline: Baseline {
            requests: on_present.requests + on_target.requests,
            cost: sum([on_present.cost, on_target.cost]),
        },
    })
}

/// Whether a model can do what another one can, as far as the catalog tells: a size of the other
/// one that is known must be known of it, and be no smaller.
fn replaces(other: &Model, present: &Model) -> bool {
    let is_as_large = |of: fn(&Model) -> Option<i64>| match (of(other), of(present)) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(other), Some(present)) => other >= present,
    };
    present.capabilities.iter().all(|capability| other.capabilities.contains(capability))
        && is_as_large(|model| model.context_window)
        && is_as_large(|model| model.max_input)
        && is_as_large(|model| model.max_output)
}

/// Whether requests of these sizes are short for a model, by what the workspace asks of it.
fn is_short(sizes: [u32; 2], on_other: &Used) -> bool {
    let median = on_other.sizes_at(MEDIAN_PERCENT);
    on_other.requests() >= REQUESTS_MIN
        && median.is_some_and(|median| sizes[0] <= median[0] && sizes[1] <= median[1])
}
