//! The SQL implementation of the storage contract, for SQLite and Postgres.
//!
//! One text of SQL serves both. What differs is in `connection/`, behind [`Dialect`]. Each part of
//! the contract is implemented where its tables are: in `tables/`, `log/`, `rollups/`, `reports/`.

mod connection;
mod log;
mod reports;
mod rollups;
mod row;
mod statement;
mod table;
mod tables;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use sqlx::migrate::MigrateError;
use sqlx::{Pool, Postgres, SqlSafeStr, Sqlite};

use super::{BoxError, ConnectionStore, PreviousOwner, Result, Store};
use connection::backend::{Access, Backend, Dialect};
use connection::errors::not_applied;
use connection::schema;
use connection::session::Session;
use connection::snapshot::Snapshot;
use row::{FromRow, Value, read_all};
use table::Select;

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The address is wrong.
    #[error("{0}")]
    Address(String),
    /// Another server uses it.
    #[error("another server is using {0}")]
    InUse(String),
    /// It cannot guarantee what the contract requires.
    #[error("{0}")]
    Unsuitable(String),
    /// Its tables are missing, or are not those of this program.
    #[error("{0}")]
    Schema(String),
    /// It does not answer, or it failed.
    #[error("the database does not open: {0}")]
    Unavailable(#[source] BoxError),
}

/// Opens a database for a server: `sqlite:PATH` or `postgres://…`. Locks it against other servers
/// until it is closed, and migrates it. It can write only after [`ConnectionStore::claim`].
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

/// Opens a database for reading, also while a server uses it. Changes nothing: no tables are
/// created, and every write is refused.
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

/// Opens a database for a change that no ledger depends on, also while a server uses it. Without a
/// server on it, it is migrated.
///
/// # Errors
/// See [`OpenError`].
pub async fn open_unfenced(url: &str) -> Result<Arc<dyn Store>, OpenError> {
    if is_postgres(url) {
        return Ok(Arc::new(PostgresStore::unfenced(url).await?));
    }
    check_scheme(url)?;
    Ok(Arc::new(SqliteStore::unfenced(url).await?))
}

/// The files of a SQLite database that hold data, those among them that are not there; none of
/// Postgres, which keeps its own.
pub fn files(url: &str) -> Vec<PathBuf> {
    let Ok(target) = Sqlite::parse(url) else { return Vec::new() };
    let with = |suffix: &str| {
        let mut name = target.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    if is_postgres(url) { Vec::new() } else { ["", "-wal", "-shm"].map(with).to_vec() }
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
    /// Absent if another server has it, if opened for reading, or closed.
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

    async fn unfenced(url: &str) -> Result<SqlStore<DB>, OpenError> {
        let target = DB::parse(url)?;
        let lock = match DB::lock(&target).await {
            Ok(lock) => Some(lock),
            Err(OpenError::InUse(_)) => None,
            Err(error) => return Err(error),
        };
        let mut connection = DB::connect(&target, Access::Unfenced).await?;
        match lock {
            Some(_) => DB::migrate(&mut connection).await.map_err(migration_error)?,
            None => schema::check::<DB>(&mut connection).await?,
        }
        let readers = DB::readers(&target);
        let session = Session::new(target, Access::Unfenced, Some(connection));
        Ok(SqlStore { session, readers, lock: Mutex::new(lock) })
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

    async fn rows<T: FromRow>(&self, sql: impl SqlSafeStr, values: &[Value<'_>]) -> Result<Vec<T>> {
        let sql = sql.into_sql_str();
        let mut reader = self.readers.acquire().await.map_err(not_applied)?;
        let rows = DB::rows(&mut reader, sql, values).await.map_err(not_applied)?;
        read_all::<DB, T>(&rows)
    }

    /// The only row of a statement that always has one.
    async fn row<T: FromRow>(&self, sql: impl SqlSafeStr, values: &[Value<'_>]) -> Result<T> {
        connection::only(self.rows(sql, values).await?)
    }

    async fn select<T: FromRow>(&self, select: Select<'_, T>) -> Result<Vec<T>> {
        let (sql, values) = select.into_parts();
        self.rows(sql, &values).await
    }

    async fn snapshot(&self) -> Result<Snapshot<DB>> {
        Snapshot::begin(&self.readers).await
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
impl<DB: Backend> ConnectionStore for SqlStore<DB> {
    async fn ping(&self) -> Result<()> {
        self.row::<i64>("SELECT epoch FROM owner WHERE id = 1", &[]).await.map(drop)
    }

    async fn claim(&self) -> Result<PreviousOwner> {
        self.session.claim().await
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
