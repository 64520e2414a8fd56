//! `QuotaService`: decode, call, encode.

use tonic::{Request, Response, Status};

use super::actor::by;
use super::convert::quota::named;
use super::convert::{boost, key, quota, rate_limit};
use crate::domain;
use crate::domain::api_key::ApiKey;
use crate::domain::api_key::KeyGroup;
use crate::domain::boost::Boost;
use crate::domain::rate_limit::RateLimit;
use crate::engine::{BoostsOf, Engine, InCurrency};
use crate::proto::v1;
use crate::proto::v1::quota_service_server::QuotaService;

pub struct Quota {
    engine: Engine,
}

impl Quota {
    pub fn new(engine: Engine) -> Quota {
        Quota { engine }
    }
}

#[tonic::async_trait]
impl QuotaService for Quota {
    async fn create_quota(
        &self,
        request: Request<v1::CreateQuotaRequest>,
    ) -> Result<Response<v1::CreateQuotaResponse>, Status> {
        let by = by(request.metadata(), "CreateQuota")?;
        let (id, new) = quota::create(request.into_inner(), self.engine.now())?;
        let made = self.engine.create::<domain::quota::Quota>(by, &id, new).await?;
        let quota = Some(quota::to_proto(&id, made.currency, &made.value));
        Ok(Response::new(v1::CreateQuotaResponse { quota }))
    }

    async fn get_quota(
        &self,
        request: Request<v1::GetQuotaRequest>,
    ) -> Result<Response<v1::GetQuotaResponse>, Status> {
        let v1::GetQuotaRequest { workspace_id, quota_id } = request.into_inner();
        named(&workspace_id, &quota_id, "quota_id")?;
        let found = self.engine.get::<domain::quota::Quota>(&workspace_id, &quota_id).await?;
        let quota = Some(quota::to_proto(&workspace_id, found.currency, &found.value));
        Ok(Response::new(v1::GetQuotaResponse { quota }))
    }

    async fn list_quotas(
        &self,
        request: Request<v1::ListQuotasRequest>,
    ) -> Result<Response<v1::ListQuotasResponse>, Status> {
        let request = request.into_inner();
        let (filter, page) = quota::list(&request)?;
        let after = page.after().unwrap_or_default();
        let id = &request.workspace_id;
        let listed = self.engine.list_quotas(id, filter, after, page.fetch()).await?;
        let InCurrency { currency, value: mut quotas } = listed;
        let next_page_token = page.cut(&mut quotas, |last| last.id.to_string());
        let quotas = quotas.iter().map(|quota| quota::to_proto(id, currency, quota)).collect();
        Ok(Response::new(v1::ListQuotasResponse { quotas, next_page_token }))
    }

    async fn update_quota(
        &self,
        request: Request<v1::UpdateQuotaRequest>,
    ) -> Result<Response<v1::UpdateQuotaResponse>, Status> {
        let by = by(request.metadata(), "UpdateQuota")?;
        let (workspace_id, id, change) = quota::update(request.into_inner())?;
        let changed =
            self.engine.update::<domain::quota::Quota>(by, &workspace_id, id, change).await?;
        let quota = Some(quota::to_proto(&workspace_id, changed.currency, &changed.value));
        Ok(Response::new(v1::UpdateQuotaResponse { quota }))
    }

    async fn delete_quota(
        &self,
        request: Request<v1::DeleteQuotaRequest>,
    ) -> Result<Response<v1::DeleteQuotaResponse>, Status> {
        let by = by(request.metadata(), "DeleteQuota")?;
        let v1::DeleteQuotaRequest { workspace_id, quota_id } = request.into_inner();
        named(&workspace_id, &quota_id, "quota_id")?;
        self.engine.delete::<domain::quota::Quota>(by, &workspace_id, quota_id).await?;
        Ok(Response::new(v1::DeleteQuotaResponse {}))
    }

    async fn reset_quota(
        &self,
        request: Request<v1::ResetQuotaRequest>,
    ) -> Result<Response<v1::ResetQuotaResponse>, Status> {
        let by = by(request.metadata(), "ResetQuota")?;
        let v1::ResetQuotaRequest { workspace_id, quota_id } = request.into_inner();
        named(&workspace_id, &quota_id, "quota_id")?;
        let reset = self.engine.reset_quota(by, &workspace_id, quota_id).await?;
        let quota = Some(quota::to_proto(&workspace_id, reset.currency, &reset.value));
        Ok(Response::new(v1::ResetQuotaResponse { quota }))
    }

    async fn list_quota_usage(
        &self,
        request: Request<v1::ListQuotaUsageRequest>,
    ) -> Result<Response<v1::ListQuotaUsageResponse>, Status> {
        let request = request.into_inner();
        let (filter, after, page) = quota::list_usage(&request)?;
        let id = &request.workspace_id;
        let listed = self.engine.quota_usage(id, &filter, after.as_ref(), page.fetch()).await?;
        let InCurrency { currency, value: mut usages } = listed;
        let next_page_token = page.cut(&mut usages, quota::usage_position_to_text);
        let usages = usages.iter().map(|usage| quota::usage_to_proto(id, currency, usage));
        let usages = usages.collect();
        Ok(Response::new(v1::ListQuotaUsageResponse { usages, next_page_token }))
    }

    async fn create_quota_boost(
        &self,
        request: Request<v1::CreateQuotaBoostRequest>,
    ) -> Result<Response<v1::CreateQuotaBoostResponse>, Status> {
        let by = by(request.metadata(), "CreateQuotaBoost")?;
        let (id, new) = boost::of_quota(request.into_inner())?;
        let boost = Some(boost::to_proto(self.engine.create::<Boost>(by, &id, new).await?));
        Ok(Response::new(v1::CreateQuotaBoostResponse { boost }))
    }

    async fn list_quota_boosts(
        &self,
        request: Request<v1::ListQuotaBoostsRequest>,
    ) -> Result<Response<v1::ListQuotaBoostsResponse>, Status> {
        let request = request.into_inner();
        let (filter, after, page) = boost::list_of_quotas(&request)?;
        let id = &request.workspace_id;
        let listed = self.engine.boosts(id, &filter, after, page.fetch()).await?;
        let InCurrency { currency, value: mut boosts } = listed;
        let next_page_token = page.cut(&mut boosts, boost::position);
        let boosts = boosts.into_iter();
        let boosts = boosts.map(|value| boost::to_proto(InCurrency { currency, value })).collect();
        Ok(Response::new(v1::ListQuotaBoostsResponse { boosts, next_page_token }))
    }

    async fn cancel_quota_boost(
        &self,
        request: Request<v1::CancelQuotaBoostRequest>,
    ) -> Result<Response<v1::CancelQuotaBoostResponse>, Status> {
        let by = by(request.metadata(), "CancelQuotaBoost")?;
        let v1::CancelQuotaBoostRequest { workspace_id, boost_id } = request.into_inner();
        boost::check_ids(&workspace_id, &boost_id)?;
        let of = BoostsOf::Quotas;
        let boost = self.engine.cancel_boost(by, &workspace_id, of, &boost_id).await?;
        let boost = Some(boost::to_proto(boost));
        Ok(Response::new(v1::CancelQuotaBoostResponse { boost }))
    }

    async fn create_rate_limit(
        &self,
        request: Request<v1::CreateRateLimitRequest>,
    ) -> Result<Response<v1::CreateRateLimitResponse>, Status> {
        let by = by(request.metadata(), "CreateRateLimit")?;
        let (id, new) = rate_limit::create(request.into_inner())?;
        let made = self.engine.create::<RateLimit>(by, &id, new).await?;
        let rate_limit = Some(rate_limit::to_proto(&id, &made));
        Ok(Response::new(v1::CreateRateLimitResponse { rate_limit }))
    }

    async fn get_rate_limit(
        &self,
        request: Request<v1::GetRateLimitRequest>,
    ) -> Result<Response<v1::GetRateLimitResponse>, Status> {
        let v1::GetRateLimitRequest { workspace_id, rate_limit_id } = request.into_inner();
        named(&workspace_id, &rate_limit_id, "rate_limit_id")?;
        let found = self.engine.get::<RateLimit>(&workspace_id, &rate_limit_id).await?;
        let rate_limit = Some(rate_limit::to_proto(&workspace_id, &found));
        Ok(Response::new(v1::GetRateLimitResponse { rate_limit }))
    }

    async fn list_rate_limits(
        &self,
        request: Request<v1::ListRateLimitsRequest>,
    ) -> Result<Response<v1::ListRateLimitsResponse>, Status> {
        let request = request.into_inner();
        let (filter, page) = rate_limit::list(&request)?;
        let after = page.after().unwrap_or_default();
        let id = &request.workspace_id;
        let mut limits = self.engine.list_rate_limits(id, &filter, after, page.fetch()).await?;
        let next_page_token = page.cut(&mut limits, |last| last.id.to_string());
        let rate_limits = limits.iter().map(|limit| rate_limit::to_proto(id, limit)).collect();
        Ok(Response::new(v1::ListRateLimitsResponse { rate_limits, next_page_token }))
    }

    async fn update_rate_limit(
        &self,
        request: Request<v1::UpdateRateLimitRequest>,
    ) -> Result<Response<v1::UpdateRateLimitResponse>, Status> {
        let by = by(request.metadata(), "UpdateRateLimit")?;
        let (workspace_id, id, change) = rate_limit::update(request.into_inner())?;
        let changed = self.engine.update::<RateLimit>(by, &workspace_id, id, change).await?;
        let rate_limit = Some(rate_limit::to_proto(&workspace_id, &changed));
        Ok(Response::new(v1::UpdateRateLimitResponse { rate_limit }))
    }

    async fn delete_rate_limit(
        &self,
        request: Request<v1::DeleteRateLimitRequest>,
    ) -> Result<Response<v1::DeleteRateLimitResponse>, Status> {
        let by = by(request.metadata(), "DeleteRateLimit")?;
        let v1::DeleteRateLimitRequest { workspace_id, rate_limit_id } = request.into_inner();
        named(&workspace_id, &rate_limit_id, "rate_limit_id")?;
        self.engine.delete::<RateLimit>(by, &workspace_id, rate_limit_id).await?;
        Ok(Response::new(v1::DeleteRateLimitResponse {}))
    }

    async fn register_api_key(
        &self,
        request: Request<v1::RegisterApiKeyRequest>,
    ) -> Result<Response<v1::RegisterApiKeyResponse>, Status> {
        let by = by(request.metadata(), "RegisterApiKey")?;
        let (id, new) = key::register(request.into_inner())?;
        let made = self.engine.create::<ApiKey>(by, &id, new).await?;
        let api_key = Some(key::key_to_proto(&made));
        Ok(Response::new(v1::RegisterApiKeyResponse { api_key }))
    }

    async fn get_api_key(
        &self,
        request: Request<v1::GetApiKeyRequest>,
    ) -> Result<Response<v1::GetApiKeyResponse>, Status> {
        let v1::GetApiKeyRequest { workspace_id, api_key_id } = request.into_inner();
        named(&workspace_id, &api_key_id, "api_key_id")?;
        let found = self.engine.get::<ApiKey>(&workspace_id, &api_key_id).await?;
        let api_key = Some(key::key_to_proto(&found));
        Ok(Response::new(v1::GetApiKeyResponse { api_key }))
    }

    async fn list_api_keys(
        &self,
        request: Request<v1::ListApiKeysRequest>,
    ) -> Result<Response<v1::ListApiKeysResponse>, Status> {
        let request = request.into_inner();
        let (group, page) = key::list_keys(&request)?;
        let after = page.after().unwrap_or_default();
        let id = &request.workspace_id;
        let mut keys = self.engine.list_api_keys(id, group, after, page.fetch()).await?;
        let next_page_token = page.cut(&mut keys, |last| last.id.to_string());
        let api_keys = keys.iter().map(key::key_to_proto).collect();
        Ok(Response::new(v1::ListApiKeysResponse { api_keys, next_page_token }))
    }

    async fn update_api_key(
        &self,
        request: Request<v1::UpdateApiKeyRequest>,
    ) -> Result<Response<v1::UpdateApiKeyResponse>, Status> {
        let by = by(request.metadata(), "UpdateApiKey")?;
        let (workspace_id, id, change) = key::update_key(request.into_inner())?;
        let changed = self.engine.update::<ApiKey>(by, &workspace_id, id, change).await?;
        let api_key = Some(key::key_to_proto(&changed));
        Ok(Response::new(v1::UpdateApiKeyResponse { api_key }))
    }

    async fn delete_api_key(
        &self,
        request: Request<v1::DeleteApiKeyRequest>,
    ) -> Result<Response<v1::DeleteApiKeyResponse>, Status> {
        let by = by(request.metadata(), "DeleteApiKey")?;
        let v1::DeleteApiKeyRequest { workspace_id, api_key_id } = request.into_inner();
        named(&workspace_id, &api_key_id, "api_key_id")?;
        self.engine.delete::<ApiKey>(by, &workspace_id, api_key_id).await?;
        Ok(Response::new(v1::DeleteApiKeyResponse {}))
    }

    async fn create_key_group(
        &self,
        request: Request<v1::CreateKeyGroupRequest>,
    ) -> Result<Response<v1::CreateKeyGroupResponse>, Status> {
        let by = by(request.metadata(), "CreateKeyGroup")?;
        let (id, new) = key::create_group(request.into_inner())?;
        let made = self.engine.create::<KeyGroup>(by, &id, new).await?;
        let key_group = Some(key::group_to_proto(made));
        Ok(Response::new(v1::CreateKeyGroupResponse { key_group }))
    }

    async fn get_key_group(
        &self,
        request: Request<v1::GetKeyGroupRequest>,
    ) -> Result<Response<v1::GetKeyGroupResponse>, Status> {
        let v1::GetKeyGroupRequest { workspace_id, key_group_id } = request.into_inner();
        named(&workspace_id, &key_group_id, "key_group_id")?;
        let found = self.engine.get::<KeyGroup>(&workspace_id, &key_group_id).await?;
        let key_group = Some(key::group_to_proto(found));
        Ok(Response::new(v1::GetKeyGroupResponse { key_group }))
    }

    async fn list_key_groups(
        &self,
        request: Request<v1::ListKeyGroupsRequest>,
    ) -> Result<Response<v1::ListKeyGroupsResponse>, Status> {
        let request = request.into_inner();
        let page = key::list_groups(&request)?;
        let after = page.after().unwrap_or_default();
        let id = &request.workspace_id;
        let mut groups = self.engine.list_key_groups(id, after, page.fetch()).await?;
        let next_page_token = page.cut(&mut groups, |last| last.group.id.to_string());
        let key_groups = groups.into_iter().map(key::group_to_proto).collect();
        Ok(Response::new(v1::ListKeyGroupsResponse { key_groups, next_page_token }))
    }

    async fn update_key_group(
        &self,
        request: Request<v1::UpdateKeyGroupRequest>,
    ) -> Result<Response<v1::UpdateKeyGroupResponse>, Status> {
        let by = by(request.metadata(), "UpdateKeyGroup")?;
        let (workspace_id, id, display_name) = key::update_group(request.into_inner())?;
        let changed = self.engine.update::<KeyGroup>(by, &workspace_id, id, display_name).await?;
        let key_group = Some(key::group_to_proto(changed));
        Ok(Response::new(v1::UpdateKeyGroupResponse { key_group }))
    }

    async fn delete_key_group(
        &self,
        request: Request<v1::DeleteKeyGroupRequest>,
    ) -> Result<Response<v1::DeleteKeyGroupResponse>, Status> {
        let by = by(request.metadata(), "DeleteKeyGroup")?;
        let v1::DeleteKeyGroupRequest { workspace_id, key_group_id } = request.into_inner();
        named(&workspace_id, &key_group_id, "key_group_id")?;
        self.engine.delete::<KeyGroup>(by, &workspace_id, key_group_id).await?;
        Ok(Response::new(v1::DeleteKeyGroupResponse {}))
    }
}
