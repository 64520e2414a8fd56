//! Prices of a workspace that are dearer than the list, and usage without a price.

use std::cmp::Reverse;
use std::sync::Arc;

use super::usage::{SUBJECTS_MAX, Usages, Used};
use super::{Prices, less, monthly};
use crate::domain::Amount;
use crate::domain::attribution::SubjectKind;
use crate::domain::workspace::recommendation::{Advice, RecommendationReason, RecommendationTopic};

/// Of each model that the workspace has a price of its own for.
pub fn find(usages: &Usages, prices: &Prices<'_>) -> Vec<Advice> {
    let dearer = usages.by_model.iter().filter_map(|(id, used)| dearer(usages, prices, id, used));
    let mut unpriced: Vec<_> = usages.unpriced.iter().filter(|(_, it)| it.requests() > 0).collect();
    unpriced.sort_by_key(|(_, used)| Reverse(used.requests()));
    unpriced.truncate(SUBJECTS_MAX);
    let none: Arc<str> = Arc::from("");
    let unpriced = unpriced.into_iter().map(|(id, used)| Advice {
        topic: topic(RecommendationReason::Unpriced, id, &none),
        evidence: usages.evidence(used),
        saving: None,
        baseline: used.baseline(),
    });
    dearer.chain(unpriced).collect()
}

fn dearer(usages: &Usages, prices: &Prices<'_>, id: &Arc<str>, used: &Used) -> Option<Advice> {
    let own = prices.card(id).filter(|card| card.price().workspace_id.is_some())?;
    let by_list = prices.cost_of_all_by(prices.list_card(id)?, &used.tokens)?;
    let saved = less(prices.cost_of_all_by(own, &used.tokens)?, by_list)?;
    if saved <= Amount::ZERO {
        return None;
    }
    Some(Advice {
        topic: topic(RecommendationReason::PriceAboveList, id, &own.price().id),
        evidence: usages.evidence(used),
        saving: Some(monthly([saved; 3], usages.days())?),
        baseline: used.baseline(),
    })
}

fn topic(
    reason: RecommendationReason,
    model_id: &Arc<str>,
    target: &Arc<str>,
) -> RecommendationTopic {
    RecommendationTopic {
        reason,
        subject_kind: SubjectKind::Workspace,
        subject_id: Arc::from(""),
        model_id: model_id.clone(),
        target: target.clone(),
    }
}
