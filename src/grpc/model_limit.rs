//! `ModelLimitService`: decode, call, encode.

use std::cmp::Reverse;

use tonic::{Request, Response, Status};

use super::actor::by;
use super::convert::model_limit::{self as convert, view_to_proto};
use super::convert::{Path, Violations, text};
use super::page::Page;
use crate::domain::Time;
use crate::domain::catalog::ExchangeRate;
use crate::engine::{self, Engine, InCurrency};
use crate::proto::v1;
use crate::proto::v1::model_limit_service_server::ModelLimitService;

pub struct ModelLimit {
    engine: Engine,
}

impl ModelLimit {
    pub fn new(engine: Engine) -> ModelLimit {
        ModelLimit { engine }
    }
}

#[tonic::async_trait]
impl ModelLimitService for ModelLimit {
    async fn upsert_model(
        &self,
        request: Request<v1::UpsertModelRequest>,
    ) -> Result<Response<v1::UpsertModelResponse>, Status> {
        let by = by(request.metadata(), "UpsertModel")?;
        let model = convert::model(request.into_inner())?;
        let model = self.engine.upsert_model(by, model).await?;
        let model = Some(convert::model_to_proto(&model));
        Ok(Response::new(v1::UpsertModelResponse { model }))
    }

    async fn set_model_price(
        &self,
        request: Request<v1::SetModelPriceRequest>,
    ) -> Result<Response<v1::SetModelPriceResponse>, Status> {
        let by = by(request.metadata(), "SetModelPrice")?;
        let price = convert::price(request.into_inner(), self.engine.now())?;
        let price = self.engine.set_price(by, price).await?;
        let price = Some(convert::price_to_proto(&price));
        Ok(Response::new(v1::SetModelPriceResponse { price }))
    }

    async fn list_models(
        &self,
        request: Request<v1::ListModelsRequest>,
    ) -> Result<Response<v1::ListModelsResponse>, Status> {
        let request = request.into_inner();
        let mut violations = Violations::default();
        let provider = &request.provider;
        let path = Path::Request.field("provider");
        text::check(provider, 0..=text::PROVIDER_CHARS_MAX, path, &mut violations);
        let page = Page::read(
            &["models", provider],
            request.page_size,
            &request.page_token,
            &mut violations,
        );
        violations.accept(())?;
        let after = page.after();
        let catalogue = self.engine.catalogue();
        let models = catalogue.models().iter().map(|entry| entry.model());
        let models = models
            .filter(|model| provider.is_empty() || model.provider == *provider)
            .filter(|model| after.is_none_or(|after| &*model.id > after));
        let mut models: Vec<_> = models.take(page.fetch()).collect();
        let next_page_token = page.cut(&mut models, |last| last.id.to_string());
        let models = models.into_iter().map(convert::model_to_proto).collect();
        Ok(Response::new(v1::ListModelsResponse { models, next_page_token }))
    }

    async fn list_model_prices(
        &self,
        request: Request<v1::ListModelPricesRequest>,
    ) -> Result<Response<v1::ListModelPricesResponse>, Status> {
        let request = request.into_inner();
        let mut violations = Violations::default();
        let page = convert::price_page(&request, &mut violations);
        violations.accept(())?;
        let workspace_id = Some(request.workspace_id.as_str()).filter(|id| !id.is_empty());
        if let Some(id) = workspace_id {
            self.engine.get_workspace(id).await?;
        }
        let catalogue = self.engine.catalogue();
        let not_found = || engine::Error::ModelNotFound(request.model_id.clone());
        let entry = catalogue.model(&request.model_id).ok_or_else(not_found)?;
        let mut prices = entry.prices(workspace_id);
        if let Some(after) = page.after() {
            // Prices are kept for ever: the last one that was sent is among them.
            let last = prices.iter().position(|card| &*card.price().id == after);
            prices.drain(..last.map_or(prices.len(), |last| last + 1));
        }
        let next_page_token = page.cut(&mut prices, |last| last.price().id.to_string());
        let prices = prices.iter().map(|card| convert::price_to_proto(card.price())).collect();
        Ok(Response::new(v1::ListModelPricesResponse { prices, next_page_token }))
    }

    async fn set_exchange_rate(
        &self,
        request: Request<v1::SetExchangeRateRequest>,
    ) -> Result<Response<v1::SetExchangeRateResponse>, Status> {
        let by = by(request.metadata(), "SetExchangeRate")?;
        let rate = convert::exchange_rate(request.into_inner(), self.engine.now())?;
        let rate = self.engine.set_exchange_rate(by, rate).await?;
        let exchange_rate = Some(convert::exchange_rate_to_proto(&rate));
        Ok(Response::new(v1::SetExchangeRateResponse { exchange_rate }))
    }

    async fn list_exchange_rates(
        &self,
        request: Request<v1::ListExchangeRatesRequest>,
    ) -> Result<Response<v1::ListExchangeRatesResponse>, Status> {
        let request = request.into_inner();
        let mut violations = Violations::default();
        let filter = ["exchange_rates"];
        let page = Page::read(&filter, request.page_size, &request.page_token, &mut violations);
        let after = page.after_parsed(position_of_rate, &mut violations);
        violations.accept(())?;
        let catalogue = self.engine.catalogue();
        let mut rates = catalogue.exchange_rates().to_vec();
        // Of those of one time the first is the one that counts.
        rates.dedup_by_key(|rate| position(rate));
        rates.retain(|rate| after.as_ref().is_none_or(|after| position(rate) > *after));
        let next_page_token = page.cut(&mut rates, |last| {
            format!("{}.{}.{}", last.from, last.to, last.effective_time.micros())
        });
        let exchange_rates = rates.iter().map(convert::exchange_rate_to_proto).collect();
        Ok(Response::new(v1::ListExchangeRatesResponse { exchange_rates, next_page_token }))
    }

    async fn enable_model(
        &self,
        request: Request<v1::EnableModelRequest>,
    ) -> Result<Response<v1::EnableModelResponse>, Status> {
        let by = by(request.metadata(), "EnableModel")?;
        let v1::EnableModelRequest { workspace_id, model_id } = request.into_inner();
        convert::workspace_model(&workspace_id, &model_id)?;
        let view = self.engine.enable_model(by, &workspace_id, &model_id, true).await?;
        let model_limit = Some(view_to_proto(view));
        Ok(Response::new(v1::EnableModelResponse { model_limit }))
    }

    async fn disable_model(
        &self,
        request: Request<v1::DisableModelRequest>,
    ) -> Result<Response<v1::DisableModelResponse>, Status> {
        let by = by(request.metadata(), "DisableModel")?;
        let v1::DisableModelRequest { workspace_id, model_id } = request.into_inner();
        convert::workspace_model(&workspace_id, &model_id)?;
        let view = self.engine.enable_model(by, &workspace_id, &model_id, false).await?;
        let model_limit = Some(view_to_proto(view));
        Ok(Response::new(v1::DisableModelResponse { model_limit }))
    }

    async fn set_model_limit(
        &self,
        request: Request<v1::SetModelLimitRequest>,
    ) -> Result<Response<v1::SetModelLimitResponse>, Status> {
        let by = by(request.metadata(), "SetModelLimit")?;
        let mut request = request.into_inner();
        let change = convert::limit(&mut request)?;
        let v1::SetModelLimitRequest { workspace_id, model_id, .. } = &request;
        let view = self.engine.set_model_limit(by, workspace_id, model_id, change).await?;
        let model_limit = Some(view_to_proto(view));
        Ok(Response::new(v1::SetModelLimitResponse { model_limit }))
    }

    async fn list_model_limits(
        &self,
        request: Request<v1::ListModelLimitsRequest>,
    ) -> Result<Response<v1::ListModelLimitsResponse>, Status> {
        let request = request.into_inner();
        let mut violations = Violations::default();
        text::check_workspace_id(&request.workspace_id, &mut violations);
        let filter = ["model_limits", &request.workspace_id];
        let page = Page::read(&filter, request.page_size, &request.page_token, &mut violations);
        violations.accept(())?;
        let InCurrency { currency, value: mut views } =
            self.engine.model_limits(&request.workspace_id).await?;
        views.retain(|view| page.after().is_none_or(|after| &*view.model_id > after));
        let next_page_token = page.cut(&mut views, |last| last.model_id.to_string());
        let views = views.into_iter();
        let model_limits = views.map(|view| convert::limit_to_proto(currency, view)).collect();
        Ok(Response::new(v1::ListModelLimitsResponse { model_limits, next_page_token }))
    }
}

type RatePosition = (String, String, Reverse<Time>);

/// By currencies, latest effective time first.
fn position(rate: &ExchangeRate) -> RatePosition {
    (rate.from.to_string(), rate.to.to_string(), Reverse(rate.effective_time))
}

fn position_of_rate(text: &str) -> Option<RatePosition> {
    let mut parts = text.split('.');
    let (from, to, micros) = (parts.next()?, parts.next()?, parts.next()?);
    let effective_time = Time::from_micros(micros.parse().ok()?);
    Some((from.to_owned(), to.to_owned(), Reverse(effective_time)))
}
