//! `ApiKeyService`: API keys and groups of them.

mod convert;

use tonic::{Request, Response, Status};

use super::ServiceContext;
use super::access::{authorize, by};
use super::shared::page::to_count;
use super::shared::text::resource;
use crate::domain;
use crate::domain::api_key::KeyGroup;
use crate::engine::{Engine, Error, InCurrency};
use crate::proto::v1;
use crate::proto::v1::api_key_service_server::ApiKeyService;

pub struct ApiKey {
    engine: Engine,
}

impl ApiKey {
    pub fn new(context: &ServiceContext) -> ApiKey {
        ApiKey { engine: context.engine.clone() }
    }

    /// Keys with when they were used last, and how much.
    async fn with_usage(
        &self,
        workspace_id: &str,
        keys: Vec<v1::ApiKey>,
    ) -> Result<Vec<v1::ApiKey>, Error> {
        let ids: Vec<String> = keys.iter().map(|key| key.api_key_id.clone()).collect();
        let InCurrency { currency, value: usages } =
            self.engine.api_key_usage(workspace_id, &ids).await?;
        let with_usage = |(key, usage)| convert::with_usage(key, currency, &usage);
        Ok(keys.into_iter().zip(usages).map(with_usage).collect())
    }
}

#[tonic::async_trait]
impl ApiKeyService for ApiKey {
    async fn register_api_key(
        &self,
        request: Request<v1::RegisterApiKeyRequest>,
    ) -> Result<Response<v1::RegisterApiKeyResponse>, Status> {
        let by = by(&request)?;
        let (id, new) = convert::register(authorize(request)?)?;
        let made = self.engine.create::<domain::api_key::ApiKey>(by, &id, new).await?;
        let api_key = Some(convert::key_to_proto(&made));
        Ok(Response::new(v1::RegisterApiKeyResponse { api_key }))
    }

    async fn get_api_key(
        &self,
        request: Request<v1::GetApiKeyRequest>,
    ) -> Result<Response<v1::GetApiKeyResponse>, Status> {
        let v1::GetApiKeyRequest { workspace_id, api_key_id, with_usage } = authorize(request)?;
        resource(&workspace_id, "api_key_id", &api_key_id)?;
        let found = self.engine.get::<domain::api_key::ApiKey>(&workspace_id, &api_key_id).await?;
        let api_key = convert::key_to_proto(&found);
        let api_key = match with_usage {
            true => self.with_usage(&workspace_id, vec![api_key]).await?.pop(),
            false => Some(api_key),
        };
        Ok(Response::new(v1::GetApiKeyResponse { api_key }))
    }

    async fn list_api_keys(
        &self,
        request: Request<v1::ListApiKeysRequest>,
    ) -> Result<Response<v1::ListApiKeysResponse>, Status> {
        let request = authorize(request)?;
        let (group, page, search) = convert::list_keys(&request)?;
        let id = &request.workspace_id;
        let keys = self.engine.list_api_keys(id, group, page.listing(&search)).await?;
        let total_count = to_count(keys.total_count);
        let (api_keys, next_page_token) =
            page.cut(keys.entries, |last| last.id.to_string(), |key| convert::key_to_proto(&key));
        let api_keys = match request.with_usage {
            true => self.with_usage(id, api_keys).await?,
            false => api_keys,
        };
        Ok(Response::new(v1::ListApiKeysResponse { api_keys, next_page_token, total_count }))
    }

    async fn update_api_key(
        &self,
        request: Request<v1::UpdateApiKeyRequest>,
    ) -> Result<Response<v1::UpdateApiKeyResponse>, Status> {
        let by = by(&request)?;
        let (workspace_id, id, change) = convert::update_key(authorize(request)?)?;
        let changed =
            self.engine.update::<domain::api_key::ApiKey>(by, &workspace_id, id, change).await?;
        let api_key = Some(convert::key_to_proto(&changed));
        Ok(Response::new(v1::UpdateApiKeyResponse { api_key }))
    }

    async fn delete_api_key(
        &self,
        request: Request<v1::DeleteApiKeyRequest>,
    ) -> Result<Response<v1::DeleteApiKeyResponse>, Status> {
        let by = by(&request)?;
        let v1::DeleteApiKeyRequest { workspace_id, api_key_id } = authorize(request)?;
        resource(&workspace_id, "api_key_id", &api_key_id)?;
        self.engine.delete::<domain::api_key::ApiKey>(by, &workspace_id, api_key_id).await?;
        Ok(Response::new(v1::DeleteApiKeyResponse {}))
    }

    async fn create_key_group(
        &self,
        request: Request<v1::CreateKeyGroupRequest>,
    ) -> Result<Response<v1::CreateKeyGroupResponse>, Status> {
        let by = by(&request)?;
        let (id, new) = convert::create_group(authorize(request)?)?;
        let made = self.engine.create::<KeyGroup>(by, &id, new).await?;
        let key_group = Some(convert::group_to_proto(made));
        Ok(Response::new(v1::CreateKeyGroupResponse { key_group }))
    }

    async fn get_key_group(
        &self,
        request: Request<v1::GetKeyGroupRequest>,
    ) -> Result<Response<v1::GetKeyGroupResponse>, Status> {
        let v1::GetKeyGroupRequest { workspace_id, key_group_id } = authorize(request)?;
        resource(&workspace_id, "key_group_id", &key_group_id)?;
        let found = self.engine.get::<KeyGroup>(&workspace_id, &key_group_id).await?;
        let key_group = Some(convert::group_to_proto(found));
        Ok(Response::new(v1::GetKeyGroupResponse { key_group }))
    }

    async fn list_key_groups(
        &self,
        request: Request<v1::ListKeyGroupsRequest>,
    ) -> Result<Response<v1::ListKeyGroupsResponse>, Status> {
        let request = authorize(request)?;
        let (page, search) = convert::list_groups(&request)?;
        let (id, listing) = (&request.workspace_id, page.listing(&search));
        let groups = self.engine.list_key_groups(id, listing).await?;
        let total_count = to_count(groups.total_count);
        let (key_groups, next_page_token) =
            page.cut(groups.entries, |last| last.group.id.to_string(), convert::group_to_proto);
        Ok(Response::new(v1::ListKeyGroupsResponse { key_groups, next_page_token, total_count }))
    }

    async fn update_key_group(
        &self,
        request: Request<v1::UpdateKeyGroupRequest>,
    ) -> Result<Response<v1::UpdateKeyGroupResponse>, Status> {
        let by = by(&request)?;
        let (workspace_id, id, display_name) = convert::update_group(authorize(request)?)?;
        let changed = self.engine.update::<KeyGroup>(by, &workspace_id, id, display_name).await?;
        let key_group = Some(convert::group_to_proto(changed));
        Ok(Response::new(v1::UpdateKeyGroupResponse { key_group }))
    }

    async fn delete_key_group(
        &self,
        request: Request<v1::DeleteKeyGroupRequest>,
    ) -> Result<Response<v1::DeleteKeyGroupResponse>, Status> {
        let by = by(&request)?;
        let v1::DeleteKeyGroupRequest { workspace_id, key_group_id } = authorize(request)?;
        resource(&workspace_id, "key_group_id", &key_group_id)?;
        self.engine.delete::<KeyGroup>(by, &workspace_id, key_group_id).await?;
        Ok(Response::new(v1::DeleteKeyGroupResponse {}))
    }
}
