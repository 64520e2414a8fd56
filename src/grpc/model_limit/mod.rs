//! `ModelLimitService`: the models of a workspace and their caps.

mod convert;

use tonic::{Request, Response, Status};

pub use convert::new_settings;

use super::ServiceContext;
use super::access::{authorize, by};
use super::shared::names::ModelNames;
use super::shared::page::{to_count, workspace_page};
use crate::domain::workspace::ModelAlias;
use crate::engine::{Engine, InCurrency, ModelView};
use crate::proto::v1;
use crate::proto::v1::model_limit_service_server::ModelLimitService;

pub struct ModelLimit {
    engine: Engine,
}

impl ModelLimit {
    pub fn new(context: &ServiceContext) -> ModelLimit {
        ModelLimit { engine: context.engine.clone() }
    }

    fn to_proto(&self, view: InCurrency<ModelView>) -> v1::ModelLimit {
        convert::to_proto(view.currency, view.value, &ModelNames::of(&self.engine))
    }
}

#[tonic::async_trait]
impl ModelLimitService for ModelLimit {
    async fn enable_model(
        &self,
        request: Request<v1::EnableModelRequest>,
    ) -> Result<Response<v1::EnableModelResponse>, Status> {
        let by = by(&request)?;
        let v1::EnableModelRequest { workspace_id, model_id } = authorize(request)?;
        convert::model(&workspace_id, &model_id)?;
        let view = self.engine.enable_model(by, &workspace_id, &model_id, true).await?;
        let model_limit = Some(self.to_proto(view));
        Ok(Response::new(v1::EnableModelResponse { model_limit }))
    }

    async fn disable_model(
        &self,
        request: Request<v1::DisableModelRequest>,
    ) -> Result<Response<v1::DisableModelResponse>, Status> {
        let by = by(&request)?;
        let v1::DisableModelRequest { workspace_id, model_id } = authorize(request)?;
        convert::model(&workspace_id, &model_id)?;
        let view = self.engine.enable_model(by, &workspace_id, &model_id, false).await?;
        let model_limit = Some(self.to_proto(view));
        Ok(Response::new(v1::DisableModelResponse { model_limit }))
    }

    async fn set_model_limit(
        &self,
        request: Request<v1::SetModelLimitRequest>,
    ) -> Result<Response<v1::SetModelLimitResponse>, Status> {
        let by = by(&request)?;
        let mut request = authorize(request)?;
        let change = convert::set_limit(&mut request)?;
        let v1::SetModelLimitRequest { workspace_id, model_id, .. } = &request;
        let view = self.engine.set_model_limit(by, workspace_id, model_id, change).await?;
        let model_limit = Some(self.to_proto(view));
        Ok(Response::new(v1::SetModelLimitResponse { model_limit }))
    }

    async fn set_model_limits(
        &self,
        request: Request<v1::SetModelLimitsRequest>,
    ) -> Result<Response<v1::SetModelLimitsResponse>, Status> {
        let by = by(&request)?;
        let mut request = authorize(request)?;
        let (settings, etag) = convert::set_limits(&mut request)?;
        let id = &request.workspace_id;
        let (views, etag) = self.engine.set_model_limits(by, id, settings, etag).await?;
        let InCurrency { currency, value: views } = views;
        let names = ModelNames::of(&self.engine);
        let model_limits =
            views.into_iter().map(|view| convert::to_proto(currency, view, &names)).collect();
        Ok(Response::new(v1::SetModelLimitsResponse { model_limits, etag }))
    }

    async fn set_model_alias(
        &self,
        request: Request<v1::SetModelAliasRequest>,
    ) -> Result<Response<v1::SetModelAliasResponse>, Status> {
        let by = by(&request)?;
        let v1::SetModelAliasRequest { workspace_id, alias, model_id } = authorize(request)?;
        convert::set_alias(&workspace_id, &alias, &model_id)?;
        let alias = self.engine.set_model_alias(by, &workspace_id, alias, model_id).await?;
        let model_alias = Some(convert::alias_to_proto(&alias));
        Ok(Response::new(v1::SetModelAliasResponse { model_alias }))
    }

    async fn delete_model_alias(
        &self,
        request: Request<v1::DeleteModelAliasRequest>,
    ) -> Result<Response<v1::DeleteModelAliasResponse>, Status> {
        let by = by(&request)?;
        let v1::DeleteModelAliasRequest { workspace_id, alias } = authorize(request)?;
        convert::alias(&workspace_id, &alias)?;
        self.engine.delete::<ModelAlias>(by, &workspace_id, alias).await?;
        Ok(Response::new(v1::DeleteModelAliasResponse {}))
    }

    async fn list_model_aliases(
        &self,
        request: Request<v1::ListModelAliasesRequest>,
    ) -> Result<Response<v1::ListModelAliasesResponse>, Status> {
        let v1::ListModelAliasesRequest { workspace_id, page_size, page_token } =
            authorize(request)?;
        let page = workspace_page("model_aliases", &workspace_id, page_size, &page_token)?;
        let mut aliases = self.engine.model_aliases(&workspace_id).await?;
        page.keep_after(&mut aliases, |alias| &alias.id);
        let (model_aliases, next_page_token) =
            page.cut(aliases, |last| last.id.to_string(), |alias| convert::alias_to_proto(&alias));
        Ok(Response::new(v1::ListModelAliasesResponse { model_aliases, next_page_token }))
    }

    async fn list_model_limits(
        &self,
        request: Request<v1::ListModelLimitsRequest>,
    ) -> Result<Response<v1::ListModelLimitsResponse>, Status> {
        let request = authorize(request)?;
        let (page, search) = convert::list(&request)?;
        let workspace_id = request.workspace_id;
        let etag = self.engine.model_limits_etag(&workspace_id).await?;
        let InCurrency { currency, value: mut views } =
            self.engine.model_limits(&workspace_id).await?;
        let names = ModelNames::of(&self.engine);
        views.retain(|view| search.matches(names.searched(&view.model_id)));
        let total_count = to_count(views.len());
        page.keep_after(&mut views, |view| &view.model_id);
        let to_proto = |view| convert::to_proto(currency, view, &names);
        let (model_limits, next_page_token) =
            page.cut(views, |last| last.model_id.to_string(), to_proto);
        Ok(Response::new(v1::ListModelLimitsResponse {
            model_limits,
            next_page_token,
            total_count,
            etag,
        }))
    }
}
