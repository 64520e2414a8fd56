//! SQLite: one file, one server, one connection that writes.
//!
//! Commits are durable when they return: WAL with `synchronous=FULL`, read back on every
//! connection. In-memory databases are refused.

use std::fs::{File, TryLockError};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use async_trait::async_trait;
use sqlx::error::DatabaseError;
use sqlx::migrate::MigrateError;
use sqlx::pool::PoolOptions;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool,
    SqliteQueryResult, SqliteSynchronous,
};
use sqlx::{Arguments, AssertSqlSafe, ConnectOptions, Sqlite};

use super::backend::{Access, Dialect, Interrupt};
use super::mark::Mark;
use super::schema;
use crate::storage::BoxError;
use crate::storage::sql::OpenError;
use crate::storage::sql::log::RECORDS;
use crate::storage::sql::row::{Kind, Value};

/// Older versions can corrupt a WAL.
const VERSION_MIN: (u32, u32, u32) = (3, 51, 3);
/// How long a statement waits for a lock that another process has.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const READERS_MAX: u32 = 8;
/// Mode of new files.
const PRIVATE: u32 = 0o600;
/// The page cache of a reader, in KiB (negative: SQLite takes a positive number for pages). Records
/// that were charged at about the same time lie within a few megabytes.
const READER_CACHE: &str = "-8192";
/// After how many steps of its virtual machine SQLite looks whether to go on: about a millisecond.
const INTERRUPT_STEPS: i32 = 100_000;
/// How long a read waits for a connection.
const READER_WAIT_MAX: Duration = Duration::from_secs(10);

/// Numbers of records that there is a statement for. Each is prepared once; a batch takes the
/// next larger one and leaves its last rows NULL.
const BATCHES: [usize; 18] =
    [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512];

static INSERTS: LazyLock<[Arc<str>; BATCHES.len()]> =
    LazyLock::new(|| BATCHES.map(|records| Arc::from(insert_statement(records))));

static EMPTY: LazyLock<Arc<str>> = LazyLock::new(|| Arc::from(""));

#[async_trait]
impl Dialect for Sqlite {
    type Target = Arc<Path>;
    /// Device and number of the file.
    type Place = (u64, u64);
    type Lock = File;

    // The lock is the kernel's: it ends with the process and not before.
    const LEASED: bool = false;
    const NOW: &'static str = "CAST(unixepoch('subsec') * 1000000 AS INTEGER)";
    /// Disks of virtual machines stand still for seconds.
    const STATEMENT: Duration = Duration::from_secs(30);
    const BEGIN_WRITE: &'static str = "BEGIN IMMEDIATE";
    const BEGIN_SNAPSHOT: &'static str = "BEGIN DEFERRED";
    const FENCE: &'static str = "SELECT epoch FROM owner WHERE epoch = $1";
    const INSERT_RECORDS_MAX: usize = BATCHES[BATCHES.len() - 1];
    const PACKS_PAGES: bool = true;

    fn parse(url: &str) -> Result<Arc<Path>, OpenError> {
        let rest = url.strip_prefix("sqlite:").unwrap_or(url);
        let path = rest.strip_prefix("//").unwrap_or(rest);
        if path.contains(":memory:") || path.contains("mode=memory") {
            let message = "an in-memory database loses what it acknowledged: give a file";
            return Err(OpenError::Address(message.to_owned()));
        }
        if path.is_empty() || path.contains(['?', '\0']) || path.starts_with("file:") {
            return Err(OpenError::Address(format!("\"{url}\" is not sqlite:PATH")));
        }
        // One name for one file, so that there is one lock for it.
        let path = Path::new(path);
        let real = path.canonicalize().or_else(|_| canonical_parent(path));
        real.map(Arc::from).map_err(|error| {
            OpenError::Address(format!("the folder of {} does not open: {error}", path.display()))
        })
    }

    fn place(target: &Arc<Path>) -> std::io::Result<(u64, u64)> {
        let file = std::fs::metadata(target)?;
        if file.len() == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        Ok((file.dev(), file.ino()))
    }

    fn log_place(target: &Arc<Path>) -> std::io::Result<(u64, u64)> {
        let mut name = target.as_os_str().to_owned();
        name.push("-wal");
        let file = std::fs::metadata(PathBuf::from(name))?;
        Ok((file.dev(), file.ino()))
    }

    fn mark(target: &Arc<Path>) -> Option<Mark> {
        Mark::read(target)
    }

    fn set_mark(target: &Arc<Path>, mark: Mark) -> std::io::Result<()> {
        mark.write(target)
    }

    fn name(target: &Arc<Path>) -> String {
        target.display().to_string()
    }

    async fn lock(target: &Arc<Path>) -> Result<File, OpenError> {
        let mut name = target.as_os_str().to_owned();
        name.push(".lock");
        let unavailable = |error: std::io::Error| OpenError::Unavailable(error.into());
        let mut options = File::options();
        options.create(true).truncate(false).write(true).mode(PRIVATE);
        let file = options.open(PathBuf::from(name)).map_err(unavailable)?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse(Sqlite::name(target))),
            Err(TryLockError::Error(error)) => Err(unavailable(error)),
        }
    }

    async fn unlock(lock: File) {
        drop(lock);
    }

    async fn connect(target: &Arc<Path>, access: Access) -> Result<SqliteConnection, OpenError> {
        if access == Access::ReadOnly && !target.exists() {
            return Err(OpenError::Schema(format!("there is no file {}", target.display())));
        }
        let mut options = options(target).create_if_missing(access != Access::ReadOnly);
        options = match access {
            Access::Serve | Access::Unfenced => options.journal_mode(SqliteJournalMode::Wal),
            Access::ReadOnly => options.pragma("query_only", "ON"),
        };
        if access != Access::ReadOnly {
            create_private(target).map_err(|error| OpenError::Unavailable(error.into()))?;
        }
        let mut connection = options.connect().await.map_err(unavailable)?;
        check_version(&mut connection).await?;
        if access != Access::ReadOnly {
            check_settings(&mut connection).await?;
        }
        Ok(connection)
    }

    async fn interruptible(connection: &mut SqliteConnection) -> sqlx::Result<Interrupt> {
        let interrupt = Interrupt::default();
        let asked = interrupt.clone();
        let mut handle = connection.lock_handle().await?;
        handle.set_progress_handler(INTERRUPT_STEPS, move || !asked.is_requested());
        Ok(interrupt)
    }

    fn readers(target: &Arc<Path>) -> SqlitePool {
        let options = options(target).pragma("query_only", "ON").pragma("cache_size", READER_CACHE);
        let pool = PoolOptions::new().max_connections(READERS_MAX);
        pool.acquire_timeout(READER_WAIT_MAX).connect_lazy_with(options)
    }

    async fn warn_of_settings(_connection: &mut SqliteConnection) -> Result<(), OpenError> {
        Ok(())
    }

    async fn migrate(connection: &mut SqliteConnection) -> Result<(), MigrateError> {
        // `run` does not compile in a boxed future; it does the same.
        schema::MIGRATIONS.run_direct(None, connection, false).await
    }

    async fn wipe(connection: &mut SqliteConnection) -> Result<(), BoxError> {
        // The whole file: pages that were once of one table are reused, or left, as they are.
        sqlx::query("VACUUM").execute(&mut *connection).await?;
        // The log has pages as they were before, until it is cut off.
        let checkpoint = sqlx::query_scalar("PRAGMA wal_checkpoint(TRUNCATE)");
        let is_busy: i64 = checkpoint.fetch_one(connection).await?;
        match is_busy {
            0 => Ok(()),
            _ => Err("another process is reading the database".into()),
        }
    }

    fn rows_affected(result: &SqliteQueryResult) -> u64 {
        result.rows_affected()
    }

    // Without a number: SQLite finds named placeholders by a search from the first.
    fn placeholder(_index: usize, sql: &mut String) {
        sql.push('?');
    }

    fn require_present(target: &Arc<Path>, create: bool) -> Result<(), OpenError> {
        match std::fs::metadata(target) {
            Ok(file) if file.len() == 0 => Err(OpenError::Unsuitable(format!(
                "{} is empty: it has lost its content, or its first start was interrupted. Put \
                 back the file that it was, or remove it to begin anew",
                target.display()
            ))),
            Ok(_) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !create => {
                Err(OpenError::Missing(Sqlite::name(target)))
            }
            // What else is wrong is found out when it is opened.
            Err(_) => Ok(()),
        }
    }

    fn failed_to_sync(error: &dyn DatabaseError) -> bool {
        const SQLITE_IOERR_FSYNC: i32 = 1034;
        const SQLITE_IOERR_DIR_FSYNC: i32 = 1290;
        let extended = error.code().and_then(|code| code.parse::<i32>().ok());
        matches!(extended, Some(SQLITE_IOERR_FSYNC | SQLITE_IOERR_DIR_FSYNC))
    }

    fn certainly_aborted(error: &dyn DatabaseError) -> bool {
        const SQLITE_ERROR: i32 = 1;
        const SQLITE_BUSY: i32 = 5;
        const SQLITE_LOCKED: i32 = 6;
        const SQLITE_READONLY: i32 = 8;
        const SQLITE_TOOBIG: i32 = 18;
        const SQLITE_CONSTRAINT: i32 = 19;
        const SQLITE_MISMATCH: i32 = 20;
        let extended = error.code().and_then(|code| code.parse::<i32>().ok());
        // The rest, and above all a failed write or sync, may leave a commit in the file.
        matches!(
            extended.map(|code| code & 0xff),
            Some(
                SQLITE_ERROR
                    | SQLITE_BUSY
                    | SQLITE_LOCKED
                    | SQLITE_READONLY
                    | SQLITE_TOOBIG
                    | SQLITE_CONSTRAINT
                    | SQLITE_MISMATCH
            )
        )
    }

    async fn insert_records(
        connection: &mut SqliteConnection,
        epoch: i64,
        values: &[Value<'_>],
    ) -> sqlx::Result<u64> {
        let records = values.len() / RECORDS.columns().len();
        let batch = BATCHES.partition_point(|size| *size < records);
        let mut arguments = SqliteArguments::default();
        arguments.reserve(1 + values.len(), 0);
        bind(&mut arguments, &Value::Int(epoch))?;
        for value in values {
            bind(&mut arguments, value)?;
        }
        // Placeholders without a value are NULL.
        let sql = AssertSqlSafe(INSERTS[batch].clone());
        let result = sqlx::query_with(sql, arguments).execute(connection).await?;
        Ok(result.rows_affected())
    }
}

fn canonical_parent(path: &Path) -> std::io::Result<PathBuf> {
    let missing = || std::io::Error::other("it does not name a file");
    let name = path.file_name().ok_or_else(missing)?;
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    Ok(parent.canonicalize()?.join(name))
}

/// Creates the file, if it is not there, so that only its owner can read it. SQLite gives the files
/// beside it the same mode.
fn create_private(path: &Path) -> std::io::Result<()> {
    let mut options = File::options();
    options.create(true).append(true).mode(PRIVATE).open(path).map(drop)
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging()
}

async fn check_version(connection: &mut SqliteConnection) -> Result<(), OpenError> {
    let version: String = scalar(connection, "SELECT sqlite_version()").await?;
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    let mut part = || parts.next().unwrap_or(0);
    let found: (u32, u32, u32) = (part(), part(), part());
    if found >= VERSION_MIN {
        return Ok(());
    }
    let (major, minor, patch) = VERSION_MIN;
    Err(OpenError::Unsuitable(format!(
        "SQLite {version} can corrupt its log: at least {major}.{minor}.{patch} is needed"
    )))
}

async fn check_settings(connection: &mut SqliteConnection) -> Result<(), OpenError> {
    let mode: String = scalar(connection, "PRAGMA journal_mode").await?;
    let synchronous: i64 = scalar(connection, "PRAGMA synchronous").await?;
    let busy_ms: i64 = scalar(connection, "PRAGMA busy_timeout").await?;
    const FULL: i64 = 2;
    if mode == "wal"
        && synchronous == FULL
        && u128::try_from(busy_ms) == Ok(BUSY_TIMEOUT.as_millis())
    {
        return Ok(());
    }
    Err(OpenError::Unsuitable(format!(
        "the file does not take journal_mode=wal, synchronous={FULL}, busy_timeout={}: it has \
         {mode}, {synchronous}, {busy_ms}",
        BUSY_TIMEOUT.as_millis()
    )))
}

async fn scalar<T>(connection: &mut SqliteConnection, sql: &'static str) -> Result<T, OpenError>
where
    T: for<'r> sqlx::Decode<'r, Sqlite> + sqlx::Type<Sqlite> + Send + Unpin,
{
    sqlx::query_scalar(sql).fetch_one(connection).await.map_err(unavailable)
}

fn unavailable(error: sqlx::Error) -> OpenError {
    OpenError::Unavailable(error.into())
}

fn insert_statement(records: usize) -> String {
    let row = format!("(?{})", ", ?".repeat(RECORDS.columns().len() - 1));
    let rows = vec![row; records].join(", ");
    format!(
        "WITH fence AS (SELECT epoch FROM owner WHERE epoch = ?) \
         INSERT INTO usage_records ({}) SELECT * FROM (VALUES {rows}) \
         WHERE column1 IS NOT NULL AND EXISTS (SELECT epoch FROM fence) ON CONFLICT DO NOTHING",
        RECORDS.list()
    )
}

fn bind(arguments: &mut SqliteArguments, value: &Value<'_>) -> sqlx::Result<()> {
    let added = match value {
        Value::Int(int) => Arguments::add(arguments, *int),
        Value::Flag(flag) => Arguments::add(arguments, *flag),
        Value::Text("") => Arguments::add(arguments, EMPTY.clone()),
        Value::Text(text) => Arguments::add(arguments, *text),
        Value::Shared(text) => Arguments::add(arguments, Arc::clone(text)),
        Value::Owned(text) => Arguments::add(arguments, text.as_str()),
        Value::Null(Kind::Int | Kind::Flag) => Arguments::add(arguments, None::<i64>),
        Value::Null(Kind::Text) => Arguments::add(arguments, None::<&str>),
    };
    added.map_err(sqlx::Error::Encode)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_fits_the_variables_of_a_statement() {
        const VARIABLES_MAX: usize = 32_766;
        // One more is the epoch.
        assert!(Sqlite::INSERT_RECORDS_MAX * RECORDS.columns().len() < VARIABLES_MAX);
        assert!(BATCHES.is_sorted());
    }

    #[test]
    fn only_files_are_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let real = folder.path().canonicalize().unwrap().join("a.db");
        for url in [format!("sqlite:{}", path.display()), format!("sqlite://{}", path.display())] {
            assert_eq!(Sqlite::parse(&url).unwrap(), Arc::from(real.clone()));
        }
        for url in
            ["sqlite:", "sqlite::memory:", "sqlite:a?mode=memory", "sqlite:file:a", "sqlite:a?b"]
        {
            assert!(matches!(Sqlite::parse(url), Err(OpenError::Address(_))), "{url}");
        }
    }

    #[tokio::test]
    async fn the_settings_are_in_force_when_connected_and_checked() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("a.db").display());
        let target = Sqlite::parse(&url).unwrap();
        let mut connection = Sqlite::connect(&target, Access::Serve).await.unwrap();
        let mode: String = scalar(&mut connection, "PRAGMA journal_mode").await.unwrap();
        let synchronous: i64 = scalar(&mut connection, "PRAGMA synchronous").await.unwrap();
        assert_eq!((mode.as_str(), synchronous), ("wal", 2));

        sqlx::query("PRAGMA synchronous = NORMAL").execute(&mut connection).await.unwrap();
        let refused = check_settings(&mut connection).await;
        assert!(matches!(refused, Err(OpenError::Unsuitable(_))));
    }
}
