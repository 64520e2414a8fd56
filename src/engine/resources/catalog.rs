//! The catalog: models, prices and exchange rates. One immutable value, replaced as a whole;
//! every ledger gets the new one.

use std::sync::Arc;

use super::not_found;
use crate::domain::Time;
use crate::domain::catalog::price::{Price, Source};
use crate::domain::catalog::withdrawal::{Withdrawal, WithdrawnKind, id_of_rate};
use crate::domain::catalog::{Catalog, ExchangeRate, Model, Refusal};
use crate::engine::audit::{self, Actor};
use crate::engine::error::{Error, Result};
use crate::engine::{Engine, Shared};
use crate::prices::{Format, Import, Jumps, Moment, Report};
use crate::storage::Store;
use crate::storage::audit::AuditEvent;
use crate::storage::settings::{CatalogRows, Change};

/// The stored catalog over the built-in one.
///
/// # Errors
/// If storage fails.
pub async fn load(store: &dyn Store, builtin: &Catalog) -> Result<Catalog> {
    Ok(assembled(builtin, store.catalog().await?))
}

/// What is withdrawn counts for nothing.
fn assembled(builtin: &Catalog, stored: CatalogRows) -> Catalog {
    let CatalogRows { models, prices, confirmations, exchange_rates, withdrawals } = stored;
    let withdrawal = |kind: WithdrawnKind, id: &str| {
        withdrawals.iter().find(|it| it.kind == kind && *it.id == *id).cloned()
    };
    let (mut counting, mut withdrawn) = (Vec::new(), Vec::new());
    for price in prices {
        match withdrawal(WithdrawnKind::Price, &price.id) {
            Some(withdrawal) => withdrawn.push((price, withdrawal)),
            None => counting.push(price),
        }
    }
    let (mut rates, mut withdrawn_rates) = (Vec::new(), Vec::new());
    for rate in exchange_rates {
        match withdrawal(WithdrawnKind::ExchangeRate, &id_of_rate(&rate)) {
            Some(withdrawal) => withdrawn_rates.push((rate, withdrawal)),
            None => rates.push(rate),
        }
    }
    let catalog = Catalog::over(builtin, models, counting, rates);
    catalog.with_confirmations(confirmations).with_withdrawn(withdrawn, withdrawn_rates)
}

/// A price list to be imported.
#[derive(Clone, Debug)]
pub struct ImportRequest {
    pub format: Format,
    pub content: String,
    pub effective_time: Time,
    pub jumps: Jumps,
    /// Computes the report and changes nothing.
    pub dry_run: bool,
}

impl Engine {
    /// Takes what is new of a price list into the catalog, in one transaction.
    pub async fn import_prices(&self, actor: Actor, request: ImportRequest) -> Result<Report> {
        let ImportRequest { format, content, effective_time, jumps, dry_run } = request;
        let moment = Moment { effective_time, now: self.now() };
        let catalog = self.catalog();
        let read = move || format.read(&content, moment, &catalog);
        let list = tokio::task::spawn_blocking(read).await;
        let list = list.map_err(|cause| Error::Internal(cause.to_string()))?;
        let list = list.map_err(|cause| Error::Field {
            field: "content".to_owned(),
            expected: cause.to_string(),
        })?;
        self.in_writer(move |shared| async move {
            let catalog = shared.catalog.load_full();
            let mut list = list.against_with(&catalog, jumps);
            let report = std::mem::take(&mut list.report);
            let (models, prices) = (list.models.clone(), list.prices.clone());
            let changed = catalog.with_models_and_prices(models, prices).map_err(refused)?;
            if dry_run || list.is_empty() {
                return Ok(report);
            }
            let changed = changed.with_confirmations(list.confirmations.clone());
            let (changes, events) = import_list(&actor, moment.now, format, &catalog, list);
            shared.change_catalog(changed, &changes, &events).await?;
            Ok(report)
        })
        .await
    }

    /// Adds a model or replaces it.
    pub async fn upsert_model(&self, actor: Actor, mut model: Model) -> Result<Model> {
        self.in_writer(move |shared| async move {
            model.source = Source::Operator;
            model.update_time = shared.clock.now();
            let catalog = shared.catalog.load_full();
            let changed = catalog.with_model(model.clone()).map_err(refused)?;
            let Some(event) = model_event(&actor, model.update_time, &catalog, &model) else {
                let entry = catalog.by_id(&model.id);
                return Ok(entry.map_or(model, |entry| entry.model().clone()));
            };
            shared.change_catalog(changed, &[Change::PutModel(model.clone())], &[event]).await?;
            Ok(model)
        })
        .await
    }

    /// Adds a price, of the catalog or of one workspace.
    pub async fn set_price(&self, actor: Actor, mut price: Price) -> Result<Price> {
        if let Some(workspace_id) = &price.workspace_id {
            self.workspace(workspace_id).await?;
        }
        self.in_writer(move |shared| async move {
            let catalog = shared.catalog.load_full();
            price.create_time = shared.clock.now();
            let changed = with_price(&catalog, &mut price)?;
            let event = price_event(&actor, price.create_time, &price);
            let changes = [Change::PutPrices(vec![price.clone()])];
            shared.change_catalog(changed, &changes, event.as_slice()).await?;
            Ok(price)
        })
        .await
    }

    pub async fn set_exchange_rate(
        &self,
        actor: Actor,
        mut rate: ExchangeRate,
    ) -> Result<ExchangeRate> {
        self.in_writer(move |shared| async move {
            rate.create_time = shared.clock.now();
            let catalog = shared.catalog.load_full();
            let changed = catalog.with_exchange_rate(rate).map_err(refused)?;
            let is_same = |other: &&ExchangeRate| {
                (other.from, other.to, other.effective_time)
                    == (rate.from, rate.to, rate.effective_time)
            };
            // Of those of one time the first is the one that counts.
            let before = catalog.exchange_rates().iter().find(is_same);
            let state_before = before.map(audit::state);
            let (id, state_after) = (format!("{}/{}", rate.from, rate.to), audit::state(&rate));
            let event = actor.event(
                rate.create_time,
                "",
                "exchange_rate",
                &id,
                state_before,
                Some(state_after),
            );
            let Some(event) = event else {
                return Ok(before.copied().unwrap_or(rate));
            };
            let changes = [Change::PutExchangeRate(rate), Change::RestoreExchangeRate(rate)];
            shared.change_catalog(changed, &changes, &[event]).await?;
            Ok(rate)
        })
        .await
    }

    /// Withdraws a price that was wrong: it counts no more, for checks and records from then on,
    /// and for what is priced again. One that is withdrawn already stays as it is.
    pub async fn withdraw_price(
        &self,
        actor: Actor,
        price_id: String,
        reason: String,
    ) -> Result<(Price, Arc<Withdrawal>)> {
        self.in_writer(move |shared| async move {
            let catalog = shared.catalog.load_full();
            let card = catalog.price_by_id(&price_id);
            let card = card.ok_or_else(|| not_found("price", &price_id))?;
            let price = Price::clone(card.price());
            if let Some(before) = catalog.withdrawal(&price_id) {
                return Ok((price, before.clone()));
            }
            if price.source == Source::Builtin {
                return Err(Error::NotAllowed(
                    "price_id: a built-in price is not withdrawn: set another with SetModelPrice"
                        .to_owned(),
                ));
            }
            let kind = WithdrawnKind::Price;
            let owner = price.workspace_id.clone().unwrap_or_else(|| "".into());
            let resource = ("price", &*price.id, &*owner, audit::state(&price));
            let withdrawal = Withdrawal {
                kind,
                id: price.id.clone(),
                reason,
                actor: actor.name.clone(),
                withdraw_time: shared.clock.now(),
            };
            let withdrawal = shared.withdraw(&actor, withdrawal, resource).await?;
            Ok((price, withdrawal))
        })
        .await
    }

    /// The same of an exchange rate; `rate.rate` is not looked at. It counts again once it is set
    /// again.
    pub async fn withdraw_exchange_rate(
        &self,
        actor: Actor,
        rate: ExchangeRate,
        reason: String,
    ) -> Result<(ExchangeRate, Arc<Withdrawal>)> {
        self.in_writer(move |shared| async move {
            let catalog = shared.catalog.load_full();
            let id = id_of_rate(&rate);
            let before = catalog.withdrawn_rates().iter().find(|(_, it)| it.id == id);
            if let Some((rate, withdrawal)) = before {
                return Ok((*rate, withdrawal.clone()));
            }
            let found = catalog.exchange_rates().iter().find(|it| id_of_rate(it) == id);
            let rate = *found.ok_or_else(|| not_found("exchange_rate", &id))?;
            let name = format!("{}/{}", rate.from, rate.to);
            let resource = ("exchange_rate", &*name, "", audit::state(&rate));
            let withdrawal = Withdrawal {
                kind: WithdrawnKind::ExchangeRate,
                id,
                reason,
                actor: actor.name.clone(),
                withdraw_time: shared.clock.now(),
            };
            let withdrawal = shared.withdraw(&actor, withdrawal, resource).await?;
            Ok((rate, withdrawal))
        })
        .await
    }
}

/// The catalog with a price that an operator sets, which is given its id.
///
/// # Errors
/// If the catalog does not have its model, or refuses it.
pub fn with_price(catalog: &Catalog, price: &mut Price) -> Result<Catalog> {
    let entry = catalog.named(&price.model_id);
    let entry = entry.ok_or_else(|| Error::model_not_found(catalog, &price.model_id))?;
    price.model_id = entry.model().id.clone();
    price.id = uuid::Uuid::now_v7().to_string().into();
    price.source = Source::Operator;
    catalog.with_price(price.clone()).map_err(refused)
}

/// The changes that bring a list into a catalog, and their entries of the audit log: those of its
/// models and prices, and one for all prices that it confirms.
pub fn import_list(
    actor: &Actor,
    now: Time,
    format: Format,
    catalog: &Catalog,
    list: Import,
) -> (Vec<Change>, Vec<AuditEvent>) {
    let Import { models, prices, confirmations, .. } = list;
    let (mut changes, mut events) = import(actor, now, catalog, models, prices);
    if !confirmations.is_empty() {
        let after = serde_json::json!({ "confirmed_prices": confirmations.len() });
        events.extend(actor.event(now, "", "price_list", format.as_str(), None, Some(after)));
        changes.push(Change::ConfirmPrices(confirmations));
    }
    (changes, events)
}

/// The changes that bring models and prices into a catalog, and their entries of the audit log.
pub fn import(
    actor: &Actor,
    now: Time,
    catalog: &Catalog,
    models: Vec<Model>,
    prices: Vec<Price>,
) -> (Vec<Change>, Vec<AuditEvent>) {
    let of_models = models.iter().filter_map(|model| model_event(actor, now, catalog, model));
    let of_prices = prices.iter().filter_map(|price| price_event(actor, now, price));
    let events = of_models.chain(of_prices).collect();
    (vec![Change::PutModels(models), Change::PutPrices(prices)], events)
}

fn model_event(actor: &Actor, now: Time, catalog: &Catalog, model: &Model) -> Option<AuditEvent> {
    let before = catalog.by_id(&model.id).map(|entry| audit::state(entry.model()));
    actor.event(now, "", "model", &model.id, before, Some(audit::state(model)))
}

/// Prices never change: each is a new one.
fn price_event(actor: &Actor, now: Time, price: &Price) -> Option<AuditEvent> {
    let workspace_id = price.workspace_id.as_deref().unwrap_or_default();
    actor.event(now, workspace_id, "price", &price.id, None, Some(audit::state(price)))
}

/// Kind, id, workspace and state of what is withdrawn, for the audit log.
type WithdrawnResource<'a> = (&'static str, &'a str, &'a str, serde_json::Value);

impl Shared {
    /// Stores a withdrawal; the catalog is put together anew without what it names.
    async fn withdraw(
        &self,
        actor: &Actor,
        withdrawal: Withdrawal,
        (kind, id, workspace_id, before): WithdrawnResource<'_>,
    ) -> Result<Arc<Withdrawal>> {
        let mut stored = self.store.catalog().await?;
        stored.withdrawals.push(withdrawal.clone());
        let changed = assembled(&self.builtin, stored);
        let mut after = before.clone();
        after["withdraw_time"] = serde_json::json!(withdrawal.withdraw_time);
        after["withdraw_reason"] = serde_json::json!(withdrawal.reason);
        let time = withdrawal.withdraw_time;
        let event = actor.event(time, workspace_id, kind, id, Some(before), Some(after));
        let changes = [Change::PutWithdrawal(withdrawal.clone())];
        self.change_catalog(changed, &changes, event.as_slice()).await?;
        Ok(Arc::new(withdrawal))
    }

    /// Stores the changes that make another catalog, and then gives it to the ledgers. What counts
    /// for providers is counted again where models have other ones. Holds keep the price that they
    /// were taken at.
    async fn change_catalog(
        &self,
        changed: Catalog,
        changes: &[Change],
        events: &[AuditEvent],
    ) -> Result<()> {
        let workspaces = self.workspaces.sound();
        let mut backfills = Vec::with_capacity(workspaces.len());
        for workspace in &workspaces {
            let queries = workspace.lock().backfill_for_catalog(self.clock.now(), &changed);
            backfills.push(self.backfill(workspace.id(), queries).await?);
        }
        self.change("", changes, events).await?;
        let catalog = Arc::new(changed);
        self.catalog.store(catalog.clone());
        for (workspace, backfill) in workspaces.iter().zip(&backfills) {
            // One that fails is loaded with the catalog that is stored.
            workspace.attempt(|ledger| ledger.set_catalog(catalog.clone(), backfill));
            if !backfill.used.is_empty() {
                workspace.announce();
            }
        }
        Ok(())
    }
}

fn refused(refusal: Refusal) -> Error {
    match refusal {
        Refusal::UnknownModel { model_id } => {
            Error::ModelNotFound { name: model_id.to_string(), near: Vec::new() }
        }
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
