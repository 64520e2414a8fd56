//! Postgres: a connection that writes, a pool that reads, and a lease in the row of the owner. A
//! session lock keeps two starts apart.

use std::str::FromStr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use async_trait::async_trait;
use sqlx::error::DatabaseError;
use sqlx::migrate::MigrateError;
use sqlx::pool::PoolOptions;
use sqlx::postgres::{
    PgArguments, PgConnectOptions, PgConnection, PgPool, PgQueryResult, Postgres,
};
use sqlx::{Arguments, AssertSqlSafe, ConnectOptions, Connection, SqlSafeStr, SqlStr};

use super::backend::{Access, Dialect, Interrupt};
use super::mark::Mark;
use super::schema;
use crate::storage::BoxError;
use crate::storage::sql::OpenError;
use crate::storage::sql::log::RECORDS;
use crate::storage::sql::row::{Column, Kind, Value};

/// Key of the advisory lock of a start: "tollgate" in ASCII. Versions without leases hold it for as
/// long as they run.
const LOCK_KEY: i64 = 0x746f_6c6c_6761_7465;
/// How long a start waits for another one.
const LOCK_TRIES_MAX: u32 = 20;
const LOCK_TRY_INTERVAL: Duration = Duration::from_millis(100);
/// Copies the rows as they are now into a new file. `VACUUM FULL` would take along what an older
/// transaction might still see.
const WIPE: &str = "\
    ALTER TABLE webhooks ALTER COLUMN secret TYPE TEXT COLLATE \"C\" USING secret || ''";
/// A dump that reads the table is not waited for.
const WIPE_LOCK_TIMEOUT: &str = "SET lock_timeout = '10s'";
/// Ends what runs for a server that is cut off.
const NOTICE_LOST_CLIENTS: [&str; 2] =
    ["SET tcp_user_timeout = '5s'", "SET client_connection_check_interval = '2s'"];
const READERS_MAX: u32 = 10;
/// How long a connection may take to answer before it is used again. All of them may be lost when a
/// read comes.
const READER_TEST_MAX: Duration = Duration::from_secs(1);
/// How long a read waits for a connection.
const READER_WAIT_MAX: Duration = Duration::from_secs(10);

#[async_trait]
impl Dialect for Postgres {
    type Target = PgConnectOptions;
    type Place = ();
    type Lock = PgConnection;

    const LEASED: bool = true;
    const NOW: &'static str = "(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::BIGINT";
    const STATEMENT: Duration = Duration::from_secs(5);
    const BEGIN_WRITE: &'static str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";
    const BEGIN_SNAPSHOT: &'static str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    const FENCE: &'static str = "\
        UPDATE owner SET renew_time = (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::BIGINT \
        WHERE epoch = $1 RETURNING epoch";
    const INSERT_RECORDS_MAX: usize = 4_096;
    const PACKS_PAGES: bool = false;

    fn parse(url: &str) -> Result<PgConnectOptions, OpenError> {
        // The error of the parser may quote the address, and with it the password.
        let options = PgConnectOptions::from_str(url).map_err(|_| {
            OpenError::Address("the address is not postgres://USER@HOST/DATABASE".to_owned())
        })?;
        Ok(options
            .application_name("tollgate")
            .options([
                ("default_transaction_isolation", "read committed"),
                // A server whose machine died must not keep its lock for hours.
                ("tcp_keepalives_idle", "15"),
                ("tcp_keepalives_interval", "5"),
                ("tcp_keepalives_count", "3"),
            ])
            .disable_statement_logging())
    }

    fn place(_target: &PgConnectOptions) -> std::io::Result<()> {
        Ok(())
    }

    fn log_place(_target: &PgConnectOptions) -> std::io::Result<()> {
        Ok(())
    }

    fn mark(_target: &PgConnectOptions) -> Option<Mark> {
        None
    }

    fn set_mark(_target: &PgConnectOptions, _mark: Mark) -> std::io::Result<()> {
        Ok(())
    }

    fn name(target: &PgConnectOptions) -> String {
        let database = target.get_database().unwrap_or(target.get_username());
        format!("the database {database} on {}", target.get_host())
    }

    async fn lock(target: &PgConnectOptions) -> Result<PgConnection, OpenError> {
        let mut connection = target.connect().await.map_err(unavailable)?;
        for attempt in 0..LOCK_TRIES_MAX {
            if attempt > 0 {
                tokio::time::sleep(LOCK_TRY_INTERVAL).await;
            }
            let locked: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)")
                .bind(LOCK_KEY)
                .fetch_one(&mut connection)
                .await
                .map_err(unavailable)?;
            if locked {
                return Ok(connection);
            }
        }
        Err(OpenError::InUse(Postgres::name(target)))
    }

    async fn unlock(lock: PgConnection) {
        if let Err(error) = lock.close().await {
            tracing::warn!(%error, "giving back the lock of the database failed");
        }
    }

    async fn connect(target: &PgConnectOptions, access: Access) -> Result<PgConnection, OpenError> {
        if access == Access::ReadOnly {
            return read_only(target).connect().await.map_err(unavailable);
        }
        let mut connection = writing(target).connect().await.map_err(unavailable)?;
        for setting in NOTICE_LOST_CLIENTS {
            // Not every version and platform has it.
            if let Err(error) = sqlx::query(setting).execute(&mut connection).await
                && error.as_database_error().is_none()
            {
                return Err(unavailable(error));
            }
        }
        check_settings(&mut connection).await?;
        Ok(connection)
    }

    async fn interruptible(_connection: &mut PgConnection) -> sqlx::Result<Interrupt> {
        // The server notices that the connection is gone when it sends a row.
        Ok(Interrupt::default())
    }

    fn readers(target: &PgConnectOptions) -> PgPool {
        let pool = PoolOptions::new().max_connections(READERS_MAX);
        // The pool's own test waits without end where the network has gone silent.
        let pool =
            pool.test_before_acquire(false).before_acquire(|connection: &mut PgConnection, _| {
                Box::pin(async move {
                    let answered = tokio::time::timeout(READER_TEST_MAX, connection.ping()).await;
                    Ok(answered.is_ok_and(|answer| answer.is_ok()))
                })
            });
        pool.acquire_timeout(READER_WAIT_MAX).connect_lazy_with(read_only(target))
    }

    async fn warn_of_settings(connection: &mut PgConnection) -> Result<(), OpenError> {
        let fsync: String = sqlx::query_scalar("SHOW fsync")
            .fetch_one(&mut *connection)
            .await
            .map_err(unavailable)?;
        if fsync == "off" {
            tracing::warn!("fsync is off in this Postgres: what was acknowledged can be lost");
        }
        let standbys: String = sqlx::query_scalar("SHOW synchronous_standby_names")
            .fetch_one(connection)
            .await
            .map_err(unavailable)?;
        if standbys.is_empty() {
            tracing::warn!(
                "this Postgres has no synchronous standby: a fail-over can lose what was \
                 acknowledged last"
            );
        }
        Ok(())
    }

    async fn migrate(connection: &mut PgConnection) -> Result<(), MigrateError> {
        // `run` does not compile in a boxed future; it does the same.
        schema::postgres_migrations().run_direct(None, connection, false).await
    }

    async fn wipe(connection: &mut PgConnection) -> Result<(), BoxError> {
        sqlx::query(WIPE_LOCK_TIMEOUT).execute(&mut *connection).await?;
        let wiped = sqlx::query(WIPE).execute(&mut *connection).await;
        sqlx::query("RESET lock_timeout").execute(connection).await?;
        wiped?;
        Ok(())
    }

    fn rows_affected(result: &PgQueryResult) -> u64 {
        result.rows_affected()
    }

    fn placeholder(index: usize, sql: &mut String) {
        sql.push('$');
        sql.push_str(&(index + 1).to_string());
    }

    fn require_present(_target: &Self::Target, _create: bool) -> Result<(), OpenError> {
        Ok(())
    }

    fn failed_to_sync(_error: &dyn DatabaseError) -> bool {
        // Postgres ends then, and recovers from its log.
        false
    }

    fn certainly_aborted(error: &dyn DatabaseError) -> bool {
        let Some(code) = error.code() else { return false };
        // Connection exceptions, "statement completion unknown", a server that is going down,
        // and failures of the system or of Postgres itself say nothing about the commit.
        let unsure = ["08", "40003", "57P", "58", "XX"];
        !unsure.iter().any(|prefix| code.starts_with(prefix))
    }

    async fn insert_records(
        connection: &mut PgConnection,
        epoch: i64,
        values: &[Value<'_>],
    ) -> sqlx::Result<u64> {
        let mut arguments = PgArguments::default();
        Arguments::add(&mut arguments, epoch).map_err(sqlx::Error::Encode)?;
        for column in 0..RECORDS.columns().len() {
            bind_column(&mut arguments, column, values)?;
        }
        let sql = insert_statement();
        let result = sqlx::query_with(sql, arguments).execute(connection).await?;
        Ok(result.rows_affected())
    }
}

/// A server that is stopped or cut off in the middle of a write must not block the next one: its
/// transaction ends, and its connection.
fn writing(target: &PgConnectOptions) -> PgConnectOptions {
    target.clone().options([("idle_in_transaction_session_timeout", "5s"), ("lock_timeout", "4s")])
}

fn read_only(target: &PgConnectOptions) -> PgConnectOptions {
    target.clone().options([
        ("default_transaction_read_only", "on"),
        // A plan made while a table was small would be kept when it has grown.
        ("plan_cache_mode", "force_custom_plan"),
        // Sums by tens of thousands of values would go over the disk.
        ("work_mem", "32MB"),
        // Takes longer than what is read here, but for `verify`.
        ("jit", "off"),
    ])
}

async fn check_settings(connection: &mut PgConnection) -> Result<(), OpenError> {
    let commit: String = sqlx::query_scalar("SHOW synchronous_commit")
        .fetch_one(connection)
        .await
        .map_err(unavailable)?;
    if commit == "off" {
        let message = "synchronous_commit is off: what was acknowledged could be lost";
        return Err(OpenError::Unsuitable(message.to_owned()));
    }
    Ok(())
}

fn unavailable(error: sqlx::Error) -> OpenError {
    OpenError::Unavailable(error.into())
}

/// One statement for any number of records: each column comes as an array, and the arrays are
/// gone through in step (in the select list: in `FROM` each would be stored first). The change of
/// the owner's row renews the lease, makes a claim wait, and keeps it from writing after a claim.
fn insert_statement() -> SqlStr {
    static SQL: LazyLock<Arc<str>> = LazyLock::new(|| {
        let mut arrays = String::new();
        for column in 0..RECORDS.columns().len() {
            let separator = if column == 0 { "" } else { ", " };
            // $1 is the epoch.
            arrays.push_str(&format!("{separator}UNNEST(${})", column + 2));
        }
        Arc::from(format!(
            "WITH fence AS ({}) INSERT INTO usage_records ({}) \
             SELECT {arrays} FROM fence ON CONFLICT DO NOTHING",
            Postgres::FENCE,
            RECORDS.list()
        ))
    });
    AssertSqlSafe(SQL.clone()).into_sql_str()
}

/// Binds one column of all records as an array.
fn bind_column(
    arguments: &mut PgArguments,
    column: usize,
    values: &[Value<'_>],
) -> sqlx::Result<()> {
    let columns = RECORDS.columns();
    let Column { name, kind } = columns[column];
    let cells = values.iter().skip(column).step_by(columns.len());
    let records = values.len() / columns.len();
    let mut ints: Vec<i64> = Vec::new();
    let mut flags: Vec<bool> = Vec::new();
    let mut texts: Vec<&str> = Vec::new();
    match kind {
        Kind::Int => ints.reserve(records),
        Kind::Flag => flags.reserve(records),
        Kind::Text => texts.reserve(records),
    }
    for cell in cells {
        match cell {
            Value::Int(int) => ints.push(*int),
            Value::Flag(flag) => flags.push(*flag),
            Value::Text(text) => texts.push(text),
            Value::Shared(text) => texts.push(text),
            Value::Owned(text) => texts.push(text),
            Value::Null(_) => unreachable!("the column {name} of a record is never NULL"),
        }
    }
    let added = match kind {
        Kind::Int => Arguments::add(arguments, ints),
        Kind::Flag => Arguments::add(arguments, flags),
        Kind::Text => Arguments::add(arguments, texts),
    };
    added.map_err(sqlx::Error::Encode)
}
