//! The catalogue: one immutable value, replaced as a whole; every ledger gets the new one.

use std::sync::Arc;

use super::error::{Error, Result};
use super::{Engine, Shared};
use crate::ledger::catalogue::{Catalogue, ExchangeRate, Model, Refusal};
use crate::ledger::price::{Price, Source};
use crate::storage::Store;
use crate::storage::policy::Change;

/// The stored catalogue, with those built-in facts added that it does not have yet.
///
/// # Errors
/// If storage fails.
pub async fn load(store: &dyn Store, builtin: (Vec<Model>, Vec<Price>)) -> Result<Catalogue> {
    let stored = store.catalogue().await?;
    let catalogue = Catalogue::new(stored.models, stored.prices, stored.exchange_rates);
    let (mut models, mut prices) = builtin;
    models.retain(|model| catalogue.model(&model.id).is_none());
    prices.retain(|price| catalogue.price_by_id(&price.id).is_none());
    // An operator may have taken a name for a model of its own: it keeps it.
    for model in &mut models {
        model.aliases.retain(|alias| catalogue.model(alias).is_none());
    }
    let known = |price: &Price| {
        let is_new = models.iter().any(|model| model.id == price.model_id);
        let entry = catalogue.model(&price.model_id);
        is_new || entry.is_some_and(|entry| entry.model().id == price.model_id)
    };
    prices.retain(known);
    let merged = catalogue.with_models_and_prices(models.clone(), prices.clone());
    let merged = merged.map_err(|refusal| Error::Internal(refusal.to_string()))?;
    // No person's change: nothing for the audit log.
    let mut changes: Vec<Change> = models.into_iter().map(Change::PutModel).collect();
    if !prices.is_empty() {
        changes.push(Change::PutPrices(prices));
    }
    if !changes.is_empty() {
        store.change("", &changes, &[]).await?;
    }
    Ok(merged)
}

impl Engine {
    /// Adds a model or replaces it.
    pub async fn upsert_model(&self, mut model: Model) -> Result<Model> {
        self.in_writer(move |shared| async move {
            model.source = Source::Operator;
            model.update_time = shared.clock.now();
            let changed = shared.catalogue.load().with_model(model.clone()).map_err(refused)?;
            shared.change("", vec![Change::PutModel(model.clone())], Vec::new()).await?;
            shared.replace_catalogue(changed);
            Ok(model)
        })
        .await
    }

    /// Adds a price, of the catalogue or of one workspace.
    pub async fn set_price(&self, mut price: Price) -> Result<Price> {
        if let Some(workspace_id) = &price.workspace_id {
            self.workspace(workspace_id).await?;
        }
        self.in_writer(move |shared| async move {
            let catalogue = shared.catalogue.load_full();
            let entry = catalogue.model(&price.model_id);
            let entry = entry.ok_or_else(|| Error::ModelNotFound(price.model_id.to_string()))?;
            price.model_id = entry.model().id.clone();
            price.id = uuid::Uuid::now_v7().to_string().into();
            price.source = Source::Operator;
            price.create_time = shared.clock.now();
            let changed = catalogue.with_price(price.clone()).map_err(refused)?;
            shared.change("", vec![Change::PutPrices(vec![price.clone()])], Vec::new()).await?;
            shared.replace_catalogue(changed);
            Ok(price)
        })
        .await
    }

    pub async fn set_exchange_rate(&self, mut rate: ExchangeRate) -> Result<ExchangeRate> {
        self.in_writer(move |shared| async move {
            rate.create_time = shared.clock.now();
            let changed = shared.catalogue.load().with_exchange_rate(rate).map_err(refused)?;
            shared.change("", vec![Change::PutExchangeRate(rate)], Vec::new()).await?;
            shared.replace_catalogue(changed);
            Ok(rate)
        })
        .await
    }
}

impl Shared {
    /// Holds keep the price that they were taken at.
    fn replace_catalogue(&self, catalogue: Catalogue) {
        let catalogue = Arc::new(catalogue);
        self.catalogue.store(catalogue.clone());
        for workspace in self.loaded_workspaces() {
            workspace.lock().set_catalogue(catalogue.clone());
        }
    }
}

fn refused(refusal: Refusal) -> Error {
    match refusal {
        Refusal::UnknownModel { model_id } => Error::ModelNotFound(model_id.to_string()),
        Refusal::NameTaken { field, name, model_id } => Error::Field {
            field: field.to_owned(),
            expected: format!("\"{name}\" is a name of the model \"{model_id}\" already"),
        },
        Refusal::PriceExists { price_id } => Error::Internal(format!("price id {price_id} twice")),
        Refusal::Invalid { field, expected } => {
            Error::Field { field, expected: format!("expected {expected}") }
        }
    }
}
