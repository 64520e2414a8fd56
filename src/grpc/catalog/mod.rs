//! `CatalogService`: models, prices and exchange rates.

mod convert;
mod import;

pub use convert::price_of;

use std::collections::HashSet;
use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::ServiceContext;
use super::access::{authorize, by};
use super::shared::page::to_count;
use crate::domain::catalog::price::RateCard;
use crate::domain::catalog::{ExchangeRate, Model};
use crate::engine::{self, Engine};
use crate::proto::v1;
use crate::proto::v1::catalog_service_server::CatalogService;

pub struct Catalog {
    engine: Engine,
}

impl Catalog {
    pub fn new(context: &ServiceContext) -> Catalog {
        Catalog { engine: context.engine.clone() }
    }
}

#[tonic::async_trait]
impl CatalogService for Catalog {
    async fn upsert_model(
        &self,
        request: Request<v1::UpsertModelRequest>,
    ) -> Result<Response<v1::UpsertModelResponse>, Status> {
        let by = by(&request)?;
        let model = convert::new_model(authorize(request)?)?;
        let model = self.engine.upsert_model(by, model).await?;
        let model = Some(convert::model_to_proto(&model));
        Ok(Response::new(v1::UpsertModelResponse { model }))
    }

    async fn set_model_price(
        &self,
        request: Request<v1::SetModelPriceRequest>,
    ) -> Result<Response<v1::SetModelPriceResponse>, Status> {
        let by = by(&request)?;
        let price = convert::new_price(authorize(request)?, self.engine.now())?;
        let price = self.engine.set_price(by, price).await?;
        let confirm_time = self.engine.catalog().confirm_time(&price);
        let price = Some(convert::price_to_proto(&price, confirm_time));
        Ok(Response::new(v1::SetModelPriceResponse { price }))
    }

    async fn import_prices(
        &self,
        request: Request<v1::ImportPricesRequest>,
    ) -> Result<Response<v1::ImportPricesResponse>, Status> {
        let by = by(&request)?;
        let request = import::request(authorize(request)?, self.engine.now())?;
        let report = self.engine.import_prices(by, request).await?;
        Ok(Response::new(import::response(&report)))
    }

    async fn list_models(
        &self,
        request: Request<v1::ListModelsRequest>,
    ) -> Result<Response<v1::ListModelsResponse>, Status> {
        let request = authorize(request)?;
        let (page, search) = convert::list_models(&request)?;
        let v1::ListModelsRequest { provider, model_ids, .. } = &request;
        let catalog = self.engine.catalog();
        let named = model_ids.iter().filter_map(|id| catalog.by_id_or_alias(id));
        let named: HashSet<&str> = named.map(|entry| &*entry.model().id).collect();
        let models = catalog.models().iter().map(|entry| entry.model());
        let models: Vec<&Model> = models
            .filter(|model| provider.is_empty() || model.provider == *provider)
            .filter(|model| model_ids.is_empty() || named.contains(&*model.id))
            .filter(|model| search.matches(convert::searched(model)))
            .collect();
        let total_count = to_count(models.len());
        let after = page.after();
        let rest = models.into_iter().filter(|model| after.is_none_or(|after| &*model.id > after));
        let (models, next_page_token) =
            page.cut(rest, |last| last.id.to_string(), convert::model_to_proto);
        Ok(Response::new(v1::ListModelsResponse { models, next_page_token, total_count }))
    }

    async fn list_model_prices(
        &self,
        request: Request<v1::ListModelPricesRequest>,
    ) -> Result<Response<v1::ListModelPricesResponse>, Status> {
        let request = authorize(request)?;
        let page = convert::list_prices(&request)?;
        let workspace_id = Some(request.workspace_id.as_str()).filter(|id| !id.is_empty());
        let workspace = match workspace_id {
            Some(id) => Some(self.engine.get_workspace(id).await?),
            None => None,
        };
        let catalog = self.engine.catalog();
        let not_found = || engine::Error::model_not_found(&catalog, &request.model_id);
        let entry = catalog.named(&request.model_id).ok_or_else(not_found)?;
        let mut prices = catalog.all_prices_of(&entry.model().id, workspace_id);
        if let Some(after) = page.after() {
            // Prices are kept for ever: the last one that was sent is among them.
            let last = prices.iter().position(|card| &*card.price().id == after);
            prices.drain(..last.map_or(prices.len(), |last| last + 1));
        }
        let now = self.engine.now();
        let position = |last: &Arc<RateCard>| last.price().id.to_string();
        let (prices, next_page_token) = page.cut(prices, position, |card| {
            let confirm_time = catalog.confirm_time(card.price());
            let stale = workspace.as_ref().is_some_and(|it| it.sees_as_stale(confirm_time, now));
            let price = v1::Price { stale, ..convert::price_to_proto(card.price(), confirm_time) };
            match catalog.withdrawal(&card.price().id) {
                Some(withdrawal) => convert::withdrawn_price(price, withdrawal),
                None => price,
            }
        });
        Ok(Response::new(v1::ListModelPricesResponse { prices, next_page_token }))
    }

    async fn withdraw_model_price(
        &self,
        request: Request<v1::WithdrawModelPriceRequest>,
    ) -> Result<Response<v1::WithdrawModelPriceResponse>, Status> {
        let by = by(&request)?;
        let (price_id, reason) = convert::withdraw_price(authorize(request)?)?;
        let (price, withdrawal) = self.engine.withdraw_price(by, price_id, reason).await?;
        let confirm_time = self.engine.catalog().confirm_time(&price);
        let price = convert::price_to_proto(&price, confirm_time);
        let price = Some(convert::withdrawn_price(price, &withdrawal));
        Ok(Response::new(v1::WithdrawModelPriceResponse { price }))
    }

    async fn withdraw_exchange_rate(
        &self,
        request: Request<v1::WithdrawExchangeRateRequest>,
    ) -> Result<Response<v1::WithdrawExchangeRateResponse>, Status> {
        let by = by(&request)?;
        let (rate, reason) = convert::withdraw_rate(authorize(request)?)?;
        let (rate, withdrawal) = self.engine.withdraw_exchange_rate(by, rate, reason).await?;
        let exchange_rate = Some(convert::withdrawn_rate(&rate, &withdrawal));
        Ok(Response::new(v1::WithdrawExchangeRateResponse { exchange_rate }))
    }

    async fn set_exchange_rate(
        &self,
        request: Request<v1::SetExchangeRateRequest>,
    ) -> Result<Response<v1::SetExchangeRateResponse>, Status> {
        let by = by(&request)?;
        let rate = convert::new_rate(authorize(request)?, self.engine.now())?;
        let rate = self.engine.set_exchange_rate(by, rate).await?;
        let exchange_rate = Some(convert::rate_to_proto(&rate));
        Ok(Response::new(v1::SetExchangeRateResponse { exchange_rate }))
    }

    async fn list_exchange_rates(
        &self,
        request: Request<v1::ListExchangeRatesRequest>,
    ) -> Result<Response<v1::ListExchangeRatesResponse>, Status> {
        let (page, after) = convert::list_rates(&authorize(request)?)?;
        let catalog = self.engine.catalog();
        let mut rates = catalog.exchange_rates().to_vec();
        // Of those of one time the first is the one that counts.
        rates.dedup_by_key(|rate| convert::position(rate));
        let withdrawn = catalog.withdrawn_rates();
        rates.extend(withdrawn.iter().map(|(rate, _)| *rate));
        rates.sort_by_cached_key(convert::position);
        rates.retain(|rate| after.as_ref().is_none_or(|after| convert::position(rate) > *after));
        let to_proto = |rate: ExchangeRate| {
            let found = withdrawn.iter().find(|(it, _)| *it == rate);
            match found {
                Some((rate, withdrawal)) => convert::withdrawn_rate(rate, withdrawal),
                None => convert::rate_to_proto(&rate),
            }
        };
        let (exchange_rates, next_page_token) =
            page.cut(rates, convert::position_to_text, to_proto);
        Ok(Response::new(v1::ListExchangeRatesResponse { exchange_rates, next_page_token }))
    }
}
