//! Models of a generated history: those of the catalog, and invented ones where these are too
//! few.

use std::sync::Arc;

use tollgate::domain::Time;
use tollgate::domain::catalog::price::{PerMillion, Price, RateCard, Source};
use tollgate::domain::catalog::{Catalog, Model};
use tollgate::domain::time::calendar::Window;
use tollgate::domain::usage::TokenClass;
use tollgate::engine;
use tollgate::storage::Store;

use super::writer::actor;
use super::{CURRENCY, Error, Generate};

const INVENTED_PROVIDER: &str = "invented";

/// A model with the price that it has throughout.
pub struct Priced {
    pub id: Arc<str>,
    pub card: Arc<RateCard>,
}

/// As many models as asked for; those that the catalog lacks are invented and stored.
pub async fn choose(
    store: &dyn Store,
    catalog: &Catalog,
    arguments: &Generate,
    span: Window,
    now: Time,
) -> Result<Vec<Priced>, Error> {
    let (id, count) = (arguments.workspace.as_str(), arguments.models);
    if !arguments.model_ids.is_empty() {
        return named(catalog, id, span, &arguments.model_ids);
    }
    let found = of_catalog(catalog, id, span, count);
    if found.len() == count {
        return Ok(found);
    }
    let invented = (1..)
        .map(|number| invented(number, now))
        .filter(|(model, _)| catalog.by_id_or_alias(&model.id).is_none())
        .take(count - found.len());
    let (models, prices): (Vec<_>, Vec<_>) = invented.unzip();
    let changed = catalog.with_models_and_prices(models.clone(), prices.clone());
    let changed = changed.map_err(|refusal| Error::Refused(refusal.to_string()))?;
    let (changes, events) = engine::import_changes(&actor(), now, catalog, models, prices);
    store.change("", &changes, &events).await?;
    Ok(of_catalog(&changed, id, span, count))
}

/// These models, with the price that each has now.
fn named(
    catalog: &Catalog,
    workspace_id: &str,
    span: Window,
    ids: &[&str],
) -> Result<Vec<Priced>, Error> {
    let priced = ids.iter().map(|id| {
        let entry = catalog.by_id_or_alias(id);
        let card = entry.and_then(|entry| Some((entry, entry.price_at(workspace_id, span.end)?)));
        let Some((entry, card)) = card else {
            return Err(Error::Refused(format!("the catalog has no price of {id}")));
        };
        Ok(Priced { id: entry.model().id.clone(), card: card.clone() })
    });
    priced.collect()
}

/// The well-known models of the catalog, which have a name for people, that have had the same price
/// in [`CURRENCY`] for the whole time, by id, at most `count`.
fn of_catalog(catalog: &Catalog, workspace_id: &str, span: Window, count: usize) -> Vec<Priced> {
    let mut models = Vec::new();
    for entry in catalog.models() {
        let Some(card) = entry.price_at(workspace_id, span.start) else { continue };
        let last = entry.price_at(workspace_id, span.end);
        let is_same = last.is_some_and(|last| last.price().id == card.price().id);
        let is_known = !entry.model().display_name.is_empty();
        if is_known && is_same && card.price().currency == CURRENCY {
            models.push(Priced { id: entry.model().id.clone(), card: card.clone() });
        }
    }
    models.sort_by(|a, b| a.id.cmp(&b.id));
    // From all over the list, so that few models are of several providers.
    let step = (models.len() / count.max(1)).max(1);
    models.into_iter().step_by(step).take(count).collect()
}

/// An invented model, with its price: the higher the number the cheaper.
fn invented(number: usize, now: Time) -> (Model, Price) {
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
        max_input: None,
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
        unit_rates: Default::default(),
        factors: Vec::new(),
    };
    (model, price)
}
