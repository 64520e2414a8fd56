//! `WorkspaceService`: workspaces and their settings.

mod convert;

use tonic::{Request, Response, Status};

pub use convert::workspace_to_proto;

use super::ServiceContext;
use super::access::{authorize, by, caller};
use super::shared::page::to_count;
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
        let (page, search) = convert::list(&authorize(request)?)?;
        let listing = page.listing(&search);
        let workspaces = match &*caller.grant().identity().workspace_ids {
            [] => self.engine.list_workspaces(listing).await?,
            own => self.engine.workspaces_of(own, listing).await?,
        };
        let total_count = to_count(workspaces.total_count);
        let (workspaces, next_page_token) =
            page.cut(workspaces.entries, |last| last.id.to_string(), workspace_to_proto);
        Ok(Response::new(v1::ListWorkspacesResponse { workspaces, next_page_token, total_count }))
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
