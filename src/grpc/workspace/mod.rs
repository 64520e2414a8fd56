//! `WorkspaceService`: workspaces and their settings.

mod convert;
mod freeze;

use tonic::{Request, Response, Status};

pub use convert::workspace_to_proto;

use super::ServiceContext;
use super::access::{authorize, by, caller};
use super::shared::page::{to_count, workspace_page};
use super::shared::text;
use crate::domain::workspace::freeze::Freeze;
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
        let request = authorize(request)?;
        let (page, search) = convert::list(&request)?;
        let with_archived = request.show_archived;
        let listing = page.listing(&search);
        let workspaces = match &*caller.grant().identity().workspace_ids {
            [] => self.engine.list_workspaces(listing, with_archived).await?,
            own => self.engine.workspaces_of(own, listing, with_archived).await?,
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

    async fn archive_workspace(
        &self,
        request: Request<v1::ArchiveWorkspaceRequest>,
    ) -> Result<Response<v1::ArchiveWorkspaceResponse>, Status> {
        let by = by(&request)?;
        let id = authorize(request)?.workspace_id;
        text::workspace(&id)?;
        let workspace = self.engine.archive_workspace(by, &id, true).await?;
        let workspace = Some(workspace_to_proto(workspace));
        Ok(Response::new(v1::ArchiveWorkspaceResponse { workspace }))
    }

    async fn restore_workspace(
        &self,
        request: Request<v1::RestoreWorkspaceRequest>,
    ) -> Result<Response<v1::RestoreWorkspaceResponse>, Status> {
        let by = by(&request)?;
        let id = authorize(request)?.workspace_id;
        text::workspace(&id)?;
        let workspace = self.engine.archive_workspace(by, &id, false).await?;
        let workspace = Some(workspace_to_proto(workspace));
        Ok(Response::new(v1::RestoreWorkspaceResponse { workspace }))
    }

    async fn freeze(
        &self,
        request: Request<v1::FreezeRequest>,
    ) -> Result<Response<v1::FreezeResponse>, Status> {
        let by = by(&request)?;
        let (id, new) = freeze::freeze(authorize(request)?)?;
        let freeze = Some(freeze::to_proto(&id, &self.engine.freeze(by, &id, new).await?));
        Ok(Response::new(v1::FreezeResponse { freeze }))
    }

    async fn unfreeze(
        &self,
        request: Request<v1::UnfreezeRequest>,
    ) -> Result<Response<v1::UnfreezeResponse>, Status> {
        let by = by(&request)?;
        let (id, subject) = freeze::unfreeze(authorize(request)?)?;
        let before = self.engine.unfreeze(by, &id, subject).await?;
        let freeze = before.map(|freeze| freeze::to_proto(&id, &freeze));
        Ok(Response::new(v1::UnfreezeResponse { freeze }))
    }

    async fn list_freezes(
        &self,
        request: Request<v1::ListFreezesRequest>,
    ) -> Result<Response<v1::ListFreezesResponse>, Status> {
        let v1::ListFreezesRequest { workspace_id, page_size, page_token } = authorize(request)?;
        let page = workspace_page("freezes", &workspace_id, page_size, &page_token)?;
        let mut freezes = self.engine.freezes(&workspace_id).await?;
        if let Some(after) = page.after() {
            freezes.retain(|freeze| freeze::position(freeze).as_str() > after);
        }
        let to_proto = |freeze: std::sync::Arc<Freeze>| freeze::to_proto(&workspace_id, &freeze);
        let (freezes, next_page_token) = page.cut(freezes, |last| freeze::position(last), to_proto);
        Ok(Response::new(v1::ListFreezesResponse { freezes, next_page_token }))
    }
}
