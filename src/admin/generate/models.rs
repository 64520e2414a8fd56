//! Which models a generated history uses: those of the catalogue, and invented ones where these
//! are too few.

use std::sync::Arc;

use super::CURRENCY;
use crate::domain::Time;
use crate::domain::catalog::price::{PerMillion, Price, RateCard, Source};
use crate::domain::catalog::{Catalogue, Model};
use crate::domain::usage::TokenClass;

const INVENTED_PROVIDER: &str = "invented";

/// A model with the price that it has throughout.
pub struct Priced {
    pub id: Arc<str>,
    pub card: Arc<RateCard>,
}

/// The models of the catalogue that have had the same price in [`CURRENCY`] for the whole time, by
/// id, at most `count`.
pub fn of_catalogue(
    catalogue: &Catalogue,
    workspace_id: &str,
    (from, to): (Time, Time),
    count: usize,
) -> Vec<Priced> {
    let mut models = Vec::new();
    for entry in catalogue.models() {
        let Some(card) = entry.price_at(workspace_id, from) else { continue };
        let last = entry.price_at(workspace_id, to);
        let is_same = last.is_some_and(|last| last.price().id == card.price().id);
        if is_same && card.price().currency == CURRENCY {
            models.push(Priced { id: entry.model().id.clone(), card: card.clone() });
        }
    }
    models.sort_by(|a, b| a.id.cmp(&b.id));
    // From all over the list, so that few models are of several providers.
    let step = (models.len() / count.max(1)).max(1);
    models.into_iter().step_by(step).take(count).collect()
}

/// An invented model, with its price: the higher the number the cheaper.
pub fn invented(number: usize, now: Time) -> (Model, Price) {
    let id: Arc<str> = format!("model-{number:02}").into();
    let input = 3_000_000_000 / number.max(1) as PerMillion;
    let mut base = [None; TokenClass::COUNT];
    base[TokenClass::Input as usize] = Some(input);
    base[TokenClass::CacheRead as usize] = Some(input / 10);
    base[TokenClass::Output as usize] = Some(input * 4);
    let model = Model {
        id: id.clone(),
        provider: INVENTED_PROVIDER.to_owned(),
        display_name: format!("Model {number}"),
        context_window: Some(200_000),
        max_output: Some(16_000),
        capabilities: Vec::new(),
        aliases: Vec::new(),
        source: Source::Operator,
        update_time: now,
    };
    let price = Price {
        id: format!("{id}-invented").into(),
        model_id: id,
        workspace_id: None,
        currency: CURRENCY,
        effective_time: Time::EARLIEST,
        create_time: now,
        source: Source::Operator,
        base,
        variants: Vec::new(),
    };
    (model, price)
}
