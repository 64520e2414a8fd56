//! The SQL implementation of the storage contract, for SQLite and Postgres.
//!
//! One text of SQL serves both. What differs is in `sqlite.rs` and `postgres.rs`, behind
//! [`backend::Dialect`]. The areas of the contract have a file each; here they are opened, and
//! joined into one [`Store`].

mod alerts;
mod audit;
mod backend;
mod boosts;
mod catalogue;
mod changes;
mod codec;
mod deliveries;
mod directory;
mod erasure;
mod errors;
mod keys;
mod log;
mod packed;
mod policy;
mod postgres;
mod put_down;
mod quotas;
mod read;
mod rebuild;
mod receivers;
mod records;
mod refusals;
mod reports;
mod retention;
mod rollups;
mod schema;
mod session;
mod snapshot;
mod spent;
mod sqlite;
mod table;
mod used;
mod verify;
mod window;
mod workspaces;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use sqlx::migrate::MigrateError;
use sqlx::{Pool, Postgres, SqlStr, Sqlite};

use super::policy::StoredRate;
use super::rollup::{FoldCursor, Folded};
use super::{
    Appended, Before, BoxError, CatalogueRows, Difference, Order, RecordFilter, RecordPosition,
    Result, Store, StoredHold,
};
use crate::domain::calendar::Window;
use crate::domain::record::Record;
use crate::domain::workspace::{Workspace, WorkspaceModel};
use crate::domain::{Amount, Time};
use backend::{Access, Backend, Dialect, Value};
use errors::not_applied;
use session::Session;
use snapshot::Snapshot;
use table::Select;

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The address is wrong.
    #[error("{0}")]
    Address(String),
    /// Another server lives on it.
    #[error("another server is using {0}")]
    InUse(String),
    /// It cannot promise what the contract asks for.
    #[error("{0}")]
    Unsuitable(String),
    /// Its tables are missing, or are not those of this program.
    #[error("{0}")]
    Schema(String),
    /// It does not answer, or it failed.
    #[error("the database does not open: {0}")]
    Unavailable(#[source] BoxError),
}

/// Opens a database to serve from it: `sqlite:PATH` or `postgres://…`. Keeps other servers away
/// until it is closed, and brings the tables up to date. It writes only after [`Store::claim`].
///
/// # Errors
/// See [`OpenError`].
pub async fn open(url: &str) -> Result<Arc<dyn Store>, OpenError> {
    if is_postgres(url) {
        return Ok(Arc::new(PostgresStore::serve(url).await?));
    }
    check_scheme(url)?;
    Ok(Arc::new(SqliteStore::serve(url).await?))
}

/// Opens a database to read it, also beside the server that lives on it. Changes nothing: no
/// tables are made, and every write is refused.
///
/// # Errors
/// See [`OpenError`].
pub async fn open_read_only(url: &str) -> Result<Arc<dyn Store>, OpenError> {
    if is_postgres(url) {
        return Ok(Arc::new(PostgresStore::look(url).await?));
    }
    check_scheme(url)?;
    Ok(Arc::new(SqliteStore::look(url).await?))
}

fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

fn check_scheme(url: &str) -> Result<(), OpenError> {
    if url.starts_with("sqlite:") {
        return Ok(());
    }
    // The address may hold a password: it is not repeated.
    Err(OpenError::Address("the address is neither sqlite:PATH nor postgres://…".to_owned()))
}

pub type SqliteStore = SqlStore<Sqlite>;
pub type PostgresStore = SqlStore<Postgres>;

/// The store on a database `DB`.
pub struct SqlStore<DB: Dialect> {
    session: Session<DB>,
    readers: Pool<DB>,
    /// Absent if opened for reading, or closed.
    lock: Mutex<Option<DB::Lock>>,
}

impl<DB: Backend> SqlStore<DB> {
    async fn serve(url: &str) -> Result<SqlStore<DB>, OpenError> {
        let target = DB::parse(url)?;
        let lock = DB::lock(&target).await?;
        let mut connection = DB::connect(&target, Access::Serve).await?;
        DB::migrate(&mut connection).await.map_err(migration_error)?;
        let readers = DB::readers(&target);
        let session = Session::new(target, Access::Serve, Some(connection));
        Ok(SqlStore { session, readers, lock: Mutex::new(Some(lock)) })
    }

    async fn look(url: &str) -> Result<SqlStore<DB>, OpenError> {
        let target = DB::parse(url)?;
        let mut connection = DB::connect(&target, Access::ReadOnly).await?;
        schema::check::<DB>(&mut connection).await?;
        drop(connection);
        let readers = DB::readers(&target);
        let session = Session::new(target, Access::ReadOnly, None);
        Ok(SqlStore { session, readers, lock: Mutex::new(None) })
    }

    async fn read(&self, sql: SqlStr, values: &[Value<'_>]) -> Result<Vec<DB::Row>> {
        let mut reader = self.readers.acquire().await.map_err(not_applied)?;
        DB::rows(&mut reader, sql, values).await.map_err(not_applied)
    }

    async fn snapshot(&self) -> Result<Snapshot<DB>> {
        Snapshot::begin(&self.readers).await
    }

    async fn select(&self, select: Select<'_>) -> Result<Vec<DB::Row>> {
        let (sql, values) = select.into_parts();
        self.read(sql, &values).await
    }
}

fn migration_error(error: MigrateError) -> OpenError {
    match error {
        MigrateError::VersionMissing(version) => OpenError::Schema(format!(
            "the tables of this database are of version {version}, which this program does not \
             know: a newer one has made them"
        )),
        MigrateError::VersionMismatch(version) => OpenError::Schema(format!(
            "the tables of version {version} in this database are not those of this program"
        )),
        other => OpenError::Unavailable(other.into()),
    }
}

#[async_trait]
impl<DB: Backend> Store for SqlStore<DB> {
    async fn ping(&self) -> Result<()> {
        self.read_int("SELECT epoch FROM owner WHERE id = 1").await.map(drop)
    }

    async fn claim(&self) -> Result<Before> {
        self.session.claim().await
    }

    async fn catalogue(&self) -> Result<CatalogueRows> {
        self.read_catalogue().await
    }

    async fn workspace(&self, id: &str) -> Result<Option<Workspace>> {
        self.read_workspace(id).await
    }

    async fn workspaces(&self, after_id: &str, limit: usize) -> Result<Vec<Workspace>> {
        self.list_workspaces(after_id, limit).await
    }

    async fn workspace_models(&self, workspace_id: &str) -> Result<Vec<WorkspaceModel>> {
        self.read_workspace_models(workspace_id).await
    }

    async fn last_seq(&self) -> Result<i64> {
        self.read_last_seq().await
    }

    async fn append(&self, records: &[Record]) -> Result<Vec<Appended>> {
        self.append_records(records).await
    }

    async fn request_records(&self, workspace_id: &str, request_id: &str) -> Result<Vec<Record>> {
        self.read_request_records(workspace_id, request_id).await
    }

    async fn records(
        &self,
        filter: &RecordFilter,
        order: Order,
        after: Option<RecordPosition>,
        limit: usize,
    ) -> Result<Vec<Record>> {
        self.list_records(filter, order, after, limit).await
    }

    async fn export_records(
        &self,
        workspace_id: &str,
        window: Window,
        after: Option<RecordPosition>,
        limit: usize,
    ) -> Result<Vec<Record>> {
        self.read_packed(workspace_id, window, after, limit).await
    }

    async fn records_after(&self, seq: i64, limit: usize) -> Result<Vec<Record>> {
        self.read_records_after(seq, limit).await
    }

    async fn spent_by_model(
        &self,
        workspace_id: &str,
        from: Time,
        to: Time,
    ) -> Result<HashMap<String, Amount>> {
        self.sum_spent_by_model(workspace_id, from, to).await
    }

    async fn recent_outputs(&self, workspace_id: &str, limit: usize) -> Result<Vec<(String, i64)>> {
        self.read_recent_outputs(workspace_id, limit).await
    }

    async fn put_down(&self, holds: &[StoredHold], rates: &[StoredRate]) -> Result<()> {
        self.write_down(holds, rates).await
    }

    async fn holds(&self, workspace_id: &str) -> Result<Vec<StoredHold>> {
        self.read_holds(workspace_id).await
    }

    async fn delete_put_down(&self, workspace_id: &str) -> Result<()> {
        self.remove_put_down(workspace_id).await
    }

    async fn workspaces_put_down(&self) -> Result<Vec<String>> {
        self.list_put_down().await
    }

    async fn fold_cursor(&self) -> Result<FoldCursor> {
        self.read_fold_cursor().await
    }

    async fn fold(&self, from: FoldCursor, to: FoldCursor, folded: &Folded) -> Result<()> {
        self.write_folded(from, to, folded).await
    }

    async fn verify_rollups(&self, limit: usize) -> Result<Vec<Difference>> {
        self.compare_rollups(limit).await
    }

    async fn rebuild_rollups(&self) -> Result<()> {
        self.remake_rollups().await
    }

    async fn drop_records(&self, workspace_id: &str, before: Time, limit: usize) -> Result<usize> {
        self.drop_old_records(workspace_id, before, limit).await
    }

    async fn dropped_before(&self, workspace_id: &str) -> Result<Option<Time>> {
        self.read_dropped_before(workspace_id).await
    }

    async fn close(&self) {
        self.readers.close().await;
        self.session.close().await;
        // Last, so that the next server finds a database that is at rest.
        let lock = self.lock.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
        if let Some(lock) = lock {
            DB::unlock(lock).await;
        }
    }
}
