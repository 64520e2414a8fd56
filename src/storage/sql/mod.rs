//! The SQL implementation of the storage contract, for SQLite and Postgres.
//!
//! One text of SQL serves both. What differs is in `connection/`, behind [`Dialect`]. Each part of
//! the contract is implemented where its tables are: in `tables/`, `log/`, `rollups/`, `reports/`.

mod backup;
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
use std::time::{Duration, Instant};

use async_trait::async_trait;
use sqlx::migrate::MigrateError;
use sqlx::{Pool, Postgres, SqlSafeStr, Sqlite};
use tracing::info;

use super::lease::Lease;
use super::{BoxError, ConnectionStore, PreviousOwner, Result, Store};
use crate::telemetry;
use connection::backend::{Access, Backend, Dialect};
use connection::errors::not_applied;
use connection::owner::{self, Held};
use connection::schema;
use connection::session::{self, Session};
use connection::snapshot::Snapshot;
use log::erasing::Erasing;
use log::erasure;
use row::{FromRow, Value, read_all};
use table::Select;

pub use backup::{BackupError, Mark, back_up};
pub use connection::owner::{Ownership, Wait};

/// How often a start looks whether a lease of another server has run out.
const LEASE_POLL: Duration = Duration::from_millis(50);

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The address is wrong.
    #[error("{0}")]
    Address(String),
    /// Another server uses it. With its address, if it said one.
    #[error("another server is using {0}")]
    InUse(String),
    /// It cannot guarantee what the contract requires.
    #[error("{0}")]
    Unsuitable(String),
    /// It is not there, and may not be created.
    #[error(
        "there is no database of tollgate at {0}: create it with `tollgate init`, or let the \
         server do so with --create; if there was one, look where it is before you do"
    )]
    Missing(String),
    /// Its tables are missing, or are not those of this program.
    #[error("{0}")]
    Schema(String),
    /// It does not answer, or it failed.
    #[error("the database does not open: {0}")]
    Unavailable(#[source] BoxError),
}

/// Opens a database for a server: `sqlite:PATH` or `postgres://…`. Waits for the lease of another
/// server as `ownership` says, keeps further starts away until it is claimed, and migrates it. It
/// can write only after [`ConnectionStore::claim`].
///
/// # Errors
/// See [`OpenError`].
pub async fn open_as(url: &str, ownership: Ownership) -> Result<Arc<dyn Store>, OpenError> {
    if is_postgres(url) {
        return Ok(Arc::new(PostgresStore::serve(url, ownership).await?));
    }
    check_scheme(url)?;
    Ok(Arc::new(SqliteStore::serve(url, ownership).await?))
}

/// [`open_as`] without waiting for anybody. The database is created if it is not there.
///
/// # Errors
/// See [`OpenError`].
pub async fn open(url: &str) -> Result<Arc<dyn Store>, OpenError> {
    open_as(url, Ownership::default()).await
}

/// Creates a database with its tables. False if it is there already: nothing has changed then.
///
/// # Errors
/// See [`OpenError`].
pub async fn create(url: &str) -> Result<bool, OpenError> {
    if is_postgres(url) {
        return PostgresStore::create(url).await;
    }
    check_scheme(url)?;
    SqliteStore::create(url).await
}

/// [`open`] of a database that is there.
///
/// # Errors
/// See [`OpenError`].
pub async fn open_existing(url: &str) -> Result<Arc<dyn Store>, OpenError> {
    open_as(url, Ownership { create: false, ..Ownership::default() }).await
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
/// server on it, it is migrated; with `create` also one that is not there yet.
///
/// # Errors
/// See [`OpenError`].
pub async fn open_unfenced(url: &str, create: bool) -> Result<Arc<dyn Store>, OpenError> {
    if is_postgres(url) {
        return Ok(Arc::new(PostgresStore::unfenced(url, create).await?));
    }
    check_scheme(url)?;
    Ok(Arc::new(SqliteStore::unfenced(url, create).await?))
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
    /// Absent if another server has it, if opened for reading, or no longer needed.
    lock: Mutex<Option<DB::Lock>>,
    erasing: Erasing,
}

/// A database that no other server has the lease of, and that no other one can start on.
struct Free<DB: Dialect> {
    lock: DB::Lock,
    connection: DB::Connection,
}

impl<DB: Backend> SqlStore<DB> {
    async fn serve(url: &str, ownership: Ownership) -> Result<SqlStore<DB>, OpenError> {
        let target = DB::parse(url)?;
        let Free { lock, mut connection } = Self::wait(&target, &ownership).await?;
        if !ownership.create {
            Self::require_tables(&target, &mut connection).await?;
        }
        DB::warn_of_settings(&mut connection).await?;
        DB::migrate(&mut connection).await.map_err(migration_error)?;
        if let Some(mark) = DB::mark(&target) {
            Self::require_not_before(mark, &target, &mut connection).await?;
        }
        let readers = DB::readers(&target);
        let session = Session::new(target, Access::Serve, Some(connection), ownership);
        Ok(SqlStore { session, readers, lock: Mutex::new(Some(lock)), erasing: Erasing::default() })
    }

    /// Refuses a database that was further when it was last served.
    async fn require_not_before(
        mark: Mark,
        target: &DB::Target,
        connection: &mut DB::Connection,
    ) -> Result<(), OpenError> {
        let found = session::mark::<DB>(connection).await;
        let found = found.map_err(|error| OpenError::Unavailable(error.into()))?;
        if !mark.is_beyond(found) {
            return Ok(());
        }
        let name = DB::name(target);
        Err(OpenError::Unsuitable(format!(
            "{name} has lost something: it was at start {} and record {} when it was last served, \
             and is at start {} and record {}. It is an older copy, or its -wal is missing: put \
             back the newest files. To go on without what is lost, remove {name}.mark",
            mark.epoch, mark.seq, found.epoch, found.seq
        )))
    }

    async fn create(url: &str) -> Result<bool, OpenError> {
        let target = DB::parse(url)?;
        let lock = match DB::lock(&target).await {
            Ok(lock) => lock,
            // By whoever uses it.
            Err(OpenError::InUse(_)) => return Ok(false),
            Err(error) => return Err(error),
        };
        DB::require_present(&target, true)?;
        let mut connection = DB::connect(&target, Access::Serve).await?;
        if schema::exists::<DB>(&mut connection).await? {
            return Ok(false);
        }
        DB::migrate(&mut connection).await.map_err(migration_error)?;
        DB::unlock(lock).await;
        Ok(true)
    }

    async fn require_tables(
        target: &DB::Target,
        connection: &mut DB::Connection,
    ) -> Result<(), OpenError> {
        let has_tables = schema::exists::<DB>(connection).await?;
        if has_tables { Ok(()) } else { Err(OpenError::Missing(DB::name(target))) }
    }

    /// Waits for the lease of another server.
    async fn wait(target: &DB::Target, ownership: &Ownership) -> Result<Free<DB>, OpenError> {
        let is_standby = ownership.wait == Wait::Standby;
        let mut seen: Option<Held> = None;
        let mut looking = None;
        loop {
            let found = match Self::try_free(target, ownership, &mut looking).await {
                Ok(Ok(free)) => return Ok(free),
                Ok(Err(held)) => held,
                Err(OpenError::InUse(_) | OpenError::Unavailable(_)) if is_standby => {
                    tokio::time::sleep(LEASE_POLL).await;
                    continue;
                }
                Err(error) => return Err(error),
            };
            let is_renewed = seen.as_ref().is_some_and(|it| it.renew_time != found.renew_time);
            if ownership.wait == Wait::Never || (is_renewed && !is_standby) {
                let at = match found.address.as_str() {
                    "" => String::new(),
                    address => format!("; it serves at {address}"),
                };
                return Err(OpenError::InUse(format!("{}{at}", DB::name(target))));
            }
            if seen.is_none() {
                info!(address = found.address, "waiting for the lease of another server");
            }
            tokio::time::sleep(found.remaining.min(LEASE_POLL)).await;
            seen = Some(found);
        }
    }

    /// `looking` is the connection of an earlier try, and that for a later one.
    async fn try_free(
        target: &DB::Target,
        ownership: &Ownership,
        looking: &mut Option<DB::Connection>,
    ) -> Result<Result<Free<DB>, Held>, OpenError> {
        if !DB::LEASED {
            let lock = DB::lock(target).await?;
            DB::require_present(target, ownership.create)?;
            let connection = DB::connect(target, Access::Serve).await?;
            return Ok(Ok(Free { lock, connection }));
        }
        let mut connection = match looking.take() {
            Some(connection) => connection,
            None => DB::connect(target, Access::Serve).await?,
        };
        let node = &ownership.node;
        if let Some(held) = owner::held::<DB>(&mut connection, node).await? {
            *looking = Some(connection);
            return Ok(Err(held));
        }
        let lock = DB::lock(target).await?;
        // Another start may have been faster.
        if let Some(held) = owner::held::<DB>(&mut connection, node).await? {
            DB::unlock(lock).await;
            *looking = Some(connection);
            return Ok(Err(held));
        }
        Ok(Ok(Free { lock, connection }))
    }

    async fn unfenced(url: &str, create: bool) -> Result<SqlStore<DB>, OpenError> {
        let target = DB::parse(url)?;
        let lock = match DB::lock(&target).await {
            Ok(lock) => {
                DB::require_present(&target, create)?;
                Some(lock)
            }
            Err(OpenError::InUse(_)) => None,
            Err(error) => return Err(error),
        };
        let mut connection = DB::connect(&target, Access::Unfenced).await?;
        if !create {
            Self::require_tables(&target, &mut connection).await?;
        }
        let is_free = lock.is_some()
            && !(DB::LEASED && owner::held::<DB>(&mut connection, "").await?.is_some());
        match is_free {
            true => DB::migrate(&mut connection).await.map_err(migration_error)?,
            false => schema::check::<DB>(&mut connection).await?,
        }
        let readers = DB::readers(&target);
        let ownership = Ownership::default();
        let session = Session::new(target, Access::Unfenced, Some(connection), ownership);
        Ok(SqlStore { session, readers, lock: Mutex::new(lock), erasing: Erasing::default() })
    }

    async fn look(url: &str) -> Result<SqlStore<DB>, OpenError> {
        let target = DB::parse(url)?;
        let mut connection = DB::connect(&target, Access::ReadOnly).await?;
        schema::check::<DB>(&mut connection).await?;
        drop(connection);
        let readers = DB::readers(&target);
        let session = Session::new(target, Access::ReadOnly, None, Ownership::default());
        let store =
            SqlStore { session, readers, lock: Mutex::new(None), erasing: Erasing::default() };
        store.load_erasing().await.map_err(|error| OpenError::Unavailable(error.into()))?;
        Ok(store)
    }

    async fn rows<T: FromRow>(&self, sql: impl SqlSafeStr, values: &[Value<'_>]) -> Result<Vec<T>> {
        let sql = sql.into_sql_str();
        let start = Instant::now();
        let mut reader = self.readers.acquire().await.map_err(not_applied)?;
        telemetry::READER_WAITS.observe_since(start);
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

    /// How many rows a selection has, counted to `most`.
    async fn count<T>(&self, select: Select<'_, T>, most: usize) -> Result<usize> {
        let (sql, values) = select.counted(most);
        let count: i64 = self.row(sql, &values).await?;
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }

    async fn load_erasing(&self) -> Result<()> {
        self.erasing.set(self.rows(erasure::begun(), &[]).await?);
        Ok(())
    }

    async fn snapshot(&self) -> Result<Snapshot<DB>> {
        Snapshot::begin(&self.readers).await
    }

    async fn unlock(&self) {
        let lock = self.lock.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
        if let Some(lock) = lock {
            DB::unlock(lock).await;
        }
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
        let before = self.session.claim().await?;
        if DB::LEASED {
            self.unlock().await;
        }
        tables::entry_words::complete(&self.session).await?;
        self.load_erasing().await?;
        Ok(before)
    }

    fn lease(&self) -> &Arc<Lease> {
        self.session.lease()
    }

    async fn renew(&self) -> Result<()> {
        self.session.renew().await
    }

    async fn owner_address(&self) -> Result<String> {
        self.row("SELECT address FROM owner WHERE id = 1", &[]).await
    }

    async fn close(&self) {
        self.readers.close().await;
        self.session.close().await;
        // Last, so that the next server finds a database that is at rest.
        self.unlock().await;
    }
}
