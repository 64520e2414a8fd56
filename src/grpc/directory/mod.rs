//! `DirectoryService`: users, departments and other dimensions that usage is attributed to.

mod convert;

use tonic::{Request, Response, Status};

use super::ServiceContext;
use super::access::{authorize, by};
use super::shared::page::to_count;
use crate::domain::attribution::EntryKind;
use crate::engine::Engine;
use crate::proto::v1;
use crate::proto::v1::directory_service_server::DirectoryService;

pub struct Directory {
    engine: Engine,
}

impl Directory {
    pub fn new(context: &ServiceContext) -> Directory {
        Directory { engine: context.engine.clone() }
    }
}

#[tonic::async_trait]
impl DirectoryService for Directory {
    async fn upsert_entries(
        &self,
        request: Request<v1::UpsertEntriesRequest>,
    ) -> Result<Response<v1::UpsertEntriesResponse>, Status> {
        let by = by(&request)?;
        let (workspace_id, entries) = convert::upsert(authorize(request)?)?;
        let listed = self.engine.upsert_entries(by, &workspace_id, entries).await?;
        // All are registered: each knows its kind.
        let entries = convert::all_to_proto(EntryKind::User, listed);
        Ok(Response::new(v1::UpsertEntriesResponse { entries }))
    }

    async fn get_entry(
        &self,
        request: Request<v1::GetEntryRequest>,
    ) -> Result<Response<v1::GetEntryResponse>, Status> {
        let request = authorize(request)?;
        let kind = convert::get(&request)?;
        let found = self.engine.entry(&request.workspace_id, kind, request.id).await?;
        let entry = Some(convert::to_proto(kind, found));
        Ok(Response::new(v1::GetEntryResponse { entry }))
    }

    async fn list_entries(
        &self,
        request: Request<v1::ListEntriesRequest>,
    ) -> Result<Response<v1::ListEntriesResponse>, Status> {
        let request = authorize(request)?;
        let (filter, page) = convert::list(&request)?;
        let (id, after) = (&request.workspace_id, page.after().unwrap_or_default());
        let listed = self.engine.list_entries(id, &filter, after, page.fetch()).await?;
        let total_count = to_count(listed.total_count);
        let to_proto = |listed| convert::to_proto(filter.kind, listed);
        let (entries, next_page_token) = page.cut(listed.entries, |last| last.id.clone(), to_proto);
        Ok(Response::new(v1::ListEntriesResponse { entries, next_page_token, total_count }))
    }

    async fn archive_entries(
        &self,
        request: Request<v1::ArchiveEntriesRequest>,
    ) -> Result<Response<v1::ArchiveEntriesResponse>, Status> {
        let by = by(&request)?;
        let v1::ArchiveEntriesRequest { workspace_id, kind, ids } = authorize(request)?;
        let kind = convert::named(&workspace_id, kind, &ids)?;
        let listed = self.engine.archive_entries(by, &workspace_id, kind, ids, true).await?;
        let entries = convert::all_to_proto(kind, listed);
        Ok(Response::new(v1::ArchiveEntriesResponse { entries }))
    }

    async fn restore_entries(
        &self,
        request: Request<v1::RestoreEntriesRequest>,
    ) -> Result<Response<v1::RestoreEntriesResponse>, Status> {
        let by = by(&request)?;
        let v1::RestoreEntriesRequest { workspace_id, kind, ids } = authorize(request)?;
        let kind = convert::named(&workspace_id, kind, &ids)?;
        let listed = self.engine.archive_entries(by, &workspace_id, kind, ids, false).await?;
        let entries = convert::all_to_proto(kind, listed);
        Ok(Response::new(v1::RestoreEntriesResponse { entries }))
    }

    async fn erase_user(
        &self,
        request: Request<v1::EraseUserRequest>,
    ) -> Result<Response<v1::EraseUserResponse>, Status> {
        let by = by(&request)?;
        let request = authorize(request)?;
        convert::erase(&request)?;
        let v1::EraseUserRequest { workspace_id, user_id } = request;
        let erased = self.engine.erase_user(by, &workspace_id, user_id).await?;
        let (pseudonym, record_count) = (erased.pseudonym, erased.record_count);
        Ok(Response::new(v1::EraseUserResponse { pseudonym, record_count }))
    }
}
