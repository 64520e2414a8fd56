//! `QuotaService`: quotas, their boosts and usage, and rate limits.

mod boost;
mod convert;
mod rate_limit;

use tonic::{Request, Response, Status};

pub use convert::{new_quota, usage_to_proto};
pub use rate_limit::new_rate_limit;

use super::ServiceContext;
use super::access::{authorize, by};
use super::shared::boost as shared_boost;
use super::shared::names::Names;
use super::shared::page::to_count;
use super::shared::text::resource;
use crate::domain;
use crate::domain::boost::Boost;
use crate::domain::rate_limit::RateLimit;
use crate::engine::{BoostKind, Engine, InCurrency, RatePosition, RateUsage};
use crate::proto::v1;
use crate::proto::v1::quota_service_server::QuotaService;

pub struct Quota {
    engine: Engine,
}

impl Quota {
    pub fn new(context: &ServiceContext) -> Quota {
        Quota { engine: context.engine.clone() }
    }
}

#[tonic::async_trait]
impl QuotaService for Quota {
    async fn create_quota(
        &self,
        request: Request<v1::CreateQuotaRequest>,
    ) -> Result<Response<v1::CreateQuotaResponse>, Status> {
        let by = by(&request)?;
        let (id, new) = convert::create(authorize(request)?, self.engine.now())?;
        let made = self.engine.create::<domain::quota::Quota>(by, &id, new).await?;
        let quota = Some(convert::to_proto(&id, made.currency, &made.value));
        Ok(Response::new(v1::CreateQuotaResponse { quota }))
    }

    async fn get_quota(
        &self,
        request: Request<v1::GetQuotaRequest>,
    ) -> Result<Response<v1::GetQuotaResponse>, Status> {
        let v1::GetQuotaRequest { workspace_id, quota_id } = authorize(request)?;
        resource(&workspace_id, "quota_id", &quota_id)?;
        let found = self.engine.get::<domain::quota::Quota>(&workspace_id, &quota_id).await?;
        let quota = Some(convert::to_proto(&workspace_id, found.currency, &found.value));
        Ok(Response::new(v1::GetQuotaResponse { quota }))
    }

    async fn list_quotas(
        &self,
        request: Request<v1::ListQuotasRequest>,
    ) -> Result<Response<v1::ListQuotasResponse>, Status> {
        let request = authorize(request)?;
        let (filter, page, search) = convert::list(&request)?;
        let id = &request.workspace_id;
        let listed = self.engine.list_quotas(id, filter, page.listing(&search)).await?;
        let InCurrency { currency, value: quotas } = listed;
        let total_count = to_count(quotas.total_count);
        let to_proto = |quota| convert::to_proto(id, currency, &quota);
        let (quotas, next_page_token) =
            page.cut(quotas.entries, |last| last.id.to_string(), to_proto);
        Ok(Response::new(v1::ListQuotasResponse { quotas, next_page_token, total_count }))
    }

    async fn update_quota(
        &self,
        request: Request<v1::UpdateQuotaRequest>,
    ) -> Result<Response<v1::UpdateQuotaResponse>, Status> {
        let by = by(&request)?;
        let (workspace_id, id, change) = convert::update(authorize(request)?)?;
        let changed =
            self.engine.update::<domain::quota::Quota>(by, &workspace_id, id, change).await?;
        let quota = Some(convert::to_proto(&workspace_id, changed.currency, &changed.value));
        Ok(Response::new(v1::UpdateQuotaResponse { quota }))
    }

    async fn delete_quota(
        &self,
        request: Request<v1::DeleteQuotaRequest>,
    ) -> Result<Response<v1::DeleteQuotaResponse>, Status> {
        let by = by(&request)?;
        let v1::DeleteQuotaRequest { workspace_id, quota_id } = authorize(request)?;
        resource(&workspace_id, "quota_id", &quota_id)?;
        self.engine.delete::<domain::quota::Quota>(by, &workspace_id, quota_id).await?;
        Ok(Response::new(v1::DeleteQuotaResponse {}))
    }

    async fn reset_quota(
        &self,
        request: Request<v1::ResetQuotaRequest>,
    ) -> Result<Response<v1::ResetQuotaResponse>, Status> {
        let by = by(&request)?;
        let v1::ResetQuotaRequest { workspace_id, quota_id } = authorize(request)?;
        resource(&workspace_id, "quota_id", &quota_id)?;
        let reset = self.engine.reset_quota(by, &workspace_id, quota_id).await?;
        let quota = Some(convert::to_proto(&workspace_id, reset.currency, &reset.value));
        Ok(Response::new(v1::ResetQuotaResponse { quota }))
    }

    async fn list_quota_usage(
        &self,
        request: Request<v1::ListQuotaUsageRequest>,
    ) -> Result<Response<v1::ListQuotaUsageResponse>, Status> {
        let request = authorize(request)?;
        let (filter, after, page) = convert::list_usage(&request)?;
        let id = &request.workspace_id;
        let listed = self.engine.quota_usage(id, &filter, after.as_ref(), page.fetch()).await?;
        let InCurrency { currency, value: usages } = listed;
        let names = Names::of_usages(&self.engine, id, &usages.entries).await?;
        let total_count = to_count(usages.total_count);
        let to_proto = |usage| usage_to_proto(id, currency, &usage, &names);
        let (usages, next_page_token) =
            page.cut(usages.entries, convert::usage_position_to_text, to_proto);
        Ok(Response::new(v1::ListQuotaUsageResponse { usages, next_page_token, total_count }))
    }

    async fn create_quota_boost(
        &self,
        request: Request<v1::CreateQuotaBoostRequest>,
    ) -> Result<Response<v1::CreateQuotaBoostResponse>, Status> {
        let by = by(&request)?;
        let (id, new) = boost::create(authorize(request)?)?;
        let boost = Some(shared_boost::to_proto(self.engine.create::<Boost>(by, &id, new).await?));
        Ok(Response::new(v1::CreateQuotaBoostResponse { boost }))
    }

    async fn list_quota_boosts(
        &self,
        request: Request<v1::ListQuotaBoostsRequest>,
    ) -> Result<Response<v1::ListQuotaBoostsResponse>, Status> {
        let request = authorize(request)?;
        let (filter, after, page) = boost::list(&request)?;
        let id = &request.workspace_id;
        let listed = self.engine.boosts(id, &filter, after, page.fetch()).await?;
        let InCurrency { currency, value: boosts } = listed;
        let (boosts, next_page_token) =
            page.cut(boosts, shared_boost::position, shared_boost::in_currency(currency));
        Ok(Response::new(v1::ListQuotaBoostsResponse { boosts, next_page_token }))
    }

    async fn cancel_quota_boost(
        &self,
        request: Request<v1::CancelQuotaBoostRequest>,
    ) -> Result<Response<v1::CancelQuotaBoostResponse>, Status> {
        let by = by(&request)?;
        let v1::CancelQuotaBoostRequest { workspace_id, boost_id } = authorize(request)?;
        resource(&workspace_id, "boost_id", &boost_id)?;
        let of = BoostKind::Quotas;
        let boost = self.engine.cancel_boost(by, &workspace_id, of, &boost_id).await?;
        let boost = Some(shared_boost::to_proto(boost));
        Ok(Response::new(v1::CancelQuotaBoostResponse { boost }))
    }

    async fn create_rate_limit(
        &self,
        request: Request<v1::CreateRateLimitRequest>,
    ) -> Result<Response<v1::CreateRateLimitResponse>, Status> {
        let by = by(&request)?;
        let (id, new) = rate_limit::create(authorize(request)?)?;
        let made = self.engine.create::<RateLimit>(by, &id, new).await?;
        let rate_limit = Some(rate_limit::to_proto(&id, &made));
        Ok(Response::new(v1::CreateRateLimitResponse { rate_limit }))
    }

    async fn get_rate_limit(
        &self,
        request: Request<v1::GetRateLimitRequest>,
    ) -> Result<Response<v1::GetRateLimitResponse>, Status> {
        let v1::GetRateLimitRequest { workspace_id, rate_limit_id } = authorize(request)?;
        resource(&workspace_id, "rate_limit_id", &rate_limit_id)?;
        let found = self.engine.get::<RateLimit>(&workspace_id, &rate_limit_id).await?;
        let rate_limit = Some(rate_limit::to_proto(&workspace_id, &found));
        Ok(Response::new(v1::GetRateLimitResponse { rate_limit }))
    }

    async fn list_rate_limits(
        &self,
        request: Request<v1::ListRateLimitsRequest>,
    ) -> Result<Response<v1::ListRateLimitsResponse>, Status> {
        let request = authorize(request)?;
        let (filter, page, search) = rate_limit::list(&request)?;
        let id = &request.workspace_id;
        let limits = self.engine.list_rate_limits(id, filter, page.listing(&search)).await?;
        let total_count = to_count(limits.total_count);
        let to_proto = |limit| rate_limit::to_proto(id, &limit);
        let (rate_limits, next_page_token) =
            page.cut(limits.entries, |last| last.id.to_string(), to_proto);
        Ok(Response::new(v1::ListRateLimitsResponse { rate_limits, next_page_token, total_count }))
    }

    async fn list_rate_limit_usage(
        &self,
        request: Request<v1::ListRateLimitUsageRequest>,
    ) -> Result<Response<v1::ListRateLimitUsageResponse>, Status> {
        let request = authorize(request)?;
        let (filter, after, page) = rate_limit::list_usage(&request)?;
        let id = &request.workspace_id;
        let found = self.engine.rate_usage(id, &filter, after.as_ref(), page.fetch()).await?;
        let total_count = to_count(found.total_count);
        let subject = |usage: &RateUsage| (usage.limit.scope.kind, usage.subject_id.clone());
        let names = Names::of(&self.engine, id, found.entries.iter().map(subject)).await?;
        let position = |last: &RateUsage| RatePosition::of(last).to_text();
        let to_proto = |usage| rate_limit::usage_to_proto(id, &usage, &names);
        let (usages, next_page_token) = page.cut(found.entries, position, to_proto);
        Ok(Response::new(v1::ListRateLimitUsageResponse { usages, next_page_token, total_count }))
    }

    async fn update_rate_limit(
        &self,
        request: Request<v1::UpdateRateLimitRequest>,
    ) -> Result<Response<v1::UpdateRateLimitResponse>, Status> {
        let by = by(&request)?;
        let (workspace_id, id, change) = rate_limit::update(authorize(request)?)?;
        let changed = self.engine.update::<RateLimit>(by, &workspace_id, id, change).await?;
        let rate_limit = Some(rate_limit::to_proto(&workspace_id, &changed));
        Ok(Response::new(v1::UpdateRateLimitResponse { rate_limit }))
    }

    async fn delete_rate_limit(
        &self,
        request: Request<v1::DeleteRateLimitRequest>,
    ) -> Result<Response<v1::DeleteRateLimitResponse>, Status> {
        let by = by(&request)?;
        let v1::DeleteRateLimitRequest { workspace_id, rate_limit_id } = authorize(request)?;
        resource(&workspace_id, "rate_limit_id", &rate_limit_id)?;
        self.engine.delete::<RateLimit>(by, &workspace_id, rate_limit_id).await?;
        Ok(Response::new(v1::DeleteRateLimitResponse {}))
    }
}
