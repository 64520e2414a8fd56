//! `WorkspaceService`: workspaces and their settings.

mod convert;

use tonic::{Request, Response, Status};

pub use convert::workspace_to_proto;

use super::ServiceContext;
use super::access::{authorize, by, caller};
use super::shared::decode::decode;
use super::shared::text;
use crate::engine::Engine;
use crate::proto::v1;
use crate::proto::v1::workspace_service_server::WorkspaceService;

pub struct Workspace {
    engine: Engine,
}

impl Workspace {
    pub fn new(context: &ServiceContext) -> Workspace {
        Workspace { engine: context.engine.clone() }
    }
}

#[tonic::async_trait]
impl WorkspaceService for Workspace {
    async fn create_workspace(
        &self,
        request: Request<v1::CreateWorkspaceRequest>,
    ) -> Result<Response<v1::CreateWorkspaceResponse>, Status> {
        let by = by(&request)?;
        let new = convert::create(authorize(request)?)?;
        let workspace = Some(workspace_to_proto(self.engine.create_workspace(by, new).await?));
        Ok(Response::new(v1::CreateWorkspaceResponse { workspace }))
    }

    async fn get_workspace(
        &self,
        request: Request<v1::GetWorkspaceRequest>,
    ) -> Result<Response<v1::GetWorkspaceResponse>, Status> {
        let id = authorize(request)?.workspace_id;
        text::workspace(&id)?;
        let workspace = Some(workspace_to_proto(self.engine.get_workspace(&id).await?));
        Ok(Response::new(v1::GetWorkspaceResponse { workspace }))
    }

    async fn list_workspaces(
        &self,
        request: Request<v1::ListWorkspacesRequest>,
    ) -> Result<Response<v1::ListWorkspacesResponse>, Status> {
        let caller = caller(&request)?.clone();
        let v1::ListWorkspacesRequest { page_size, page_token } = authorize(request)?;
        let page = decode(|at| Some(at.page(&["workspaces"], page_size, &page_token)))?;
        let after = page.after().unwrap_or_default();
        let workspaces = match &*caller.grant().identity().workspace_ids {
            [] => self.engine.list_workspaces(after, page.fetch()).await?,
            own => self.engine.workspaces_of(own, after, page.fetch()).await?,
        };
        let (workspaces, next_page_token) =
            page.cut(workspaces, |last| last.id.to_string(), workspace_to_proto);
        Ok(Response::new(v1::ListWorkspacesResponse { workspaces, next_page_token }))
    }

    async fn update_workspace(
        &self,
        request: Request<v1::UpdateWorkspaceRequest>,
    ) -> Result<Response<v1::UpdateWorkspaceResponse>, Status> {
        let by = by(&request)?;
        let (id, change) = convert::update(authorize(request)?)?;
        let workspace = self.engine.update_workspace(by, &id, change).await?;
        let workspace = Some(workspace_to_proto(workspace));
        Ok(Response::new(v1::UpdateWorkspaceResponse { workspace }))
    }
}
