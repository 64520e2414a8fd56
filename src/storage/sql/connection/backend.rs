//! The database abstraction: what differs between SQLite and Postgres, and what is the same.
//!
//! [`Dialect`] holds the differences and is written once for each database. [`Backend`] is the
//! same for every dialect: it runs statements with values and reads columns, so that the bounds
//! of sqlx are spelled out here and nowhere else. It has no statement of the store.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::TryStreamExt;
use futures_util::future::BoxFuture;
use sqlx::error::DatabaseError;
use sqlx::query::Query;
use sqlx::{
    Arguments, ColumnIndex, Database, Decode, Encode, Executor, IntoArguments, Pool, Row, SqlStr,
    Type,
};

use super::errors::not_applied;
use super::mark::Mark;
use crate::storage::sql::OpenError;
use crate::storage::sql::row::{Kind, RowReader, Value};
use crate::storage::{BoxError, Result};

/// What a store is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Serve,
    /// Writes beside a server that may be running: what no ledger depends on.
    Unfenced,
    ReadOnly,
}

/// The differences between databases.
#[async_trait]
pub trait Dialect: Database {
    /// Where the database is, parsed.
    type Target: Clone + Send + Sync + 'static;
    /// What a database at a target is known by: another one has another.
    type Place: PartialEq + Send + Sync + 'static;
    /// Keeps other servers away while it lives: from the start alone where there are leases.
    type Lock: Send + 'static;

    /// Whether an owner needs a lease, because a server that lost the database may still run. Where
    /// it needs none, [`Dialect::lock`] is held for as long as the server owns the database.
    const LEASED: bool;
    /// Its clock, in microseconds since 1970: an expression.
    const NOW: &'static str;
    /// Deadline of a statement.
    const STATEMENT: Duration;
    /// Begins a transaction that writes.
    const BEGIN_WRITE: &'static str;
    /// Begins a transaction that sees one state throughout.
    const BEGIN_SNAPSHOT: &'static str;
    /// Returns a row if the epoch is still $1, and keeps it so until the transaction ends. Renews
    /// the lease, if there are leases.
    const FENCE: &'static str;
    /// Most records that [`Dialect::insert_records`] takes at once.
    const INSERT_RECORDS_MAX: usize;
    /// Whether to put the texts of many rows together into one costs less than to hand each row
    /// over: it does where every row goes from one thread to another.
    const PACKS_PAGES: bool;

    fn parse(url: &str) -> Result<Self::Target, OpenError>;

    /// Which database is at a target now.
    ///
    /// # Errors
    /// If there is none, or an empty file.
    fn place(target: &Self::Target) -> std::io::Result<Self::Place>;

    /// The same of its write-ahead log, which is there as long as a connection is open that has
    /// written.
    fn log_place(target: &Self::Target) -> std::io::Result<Self::Place>;

    /// The mark beside a database; none where databases have none.
    fn mark(target: &Self::Target) -> Option<Mark>;

    /// Replaces it, where databases have one.
    fn set_mark(target: &Self::Target, mark: Mark) -> std::io::Result<()>;

    /// The database, for people.
    fn name(target: &Self::Target) -> String;

    /// Refused if another server holds it.
    async fn lock(target: &Self::Target) -> Result<Self::Lock, OpenError>;

    async fn unlock(lock: Self::Lock);

    /// A connection whose settings have been read back.
    async fn connect(target: &Self::Target, access: Access) -> Result<Self::Connection, OpenError>;

    /// Makes the statements of a connection end early once it is asked for. Each replaces the one
    /// before.
    async fn interruptible(connection: &mut Self::Connection) -> sqlx::Result<Interrupt>;

    /// Connections that only read.
    fn readers(target: &Self::Target) -> Pool<Self>;

    /// Warns of what may lose acknowledged writes without being refused.
    async fn warn_of_settings(connection: &mut Self::Connection) -> Result<(), OpenError>;

    async fn migrate(connection: &mut Self::Connection) -> Result<(), sqlx::migrate::MigrateError>;

    /// Leaves nothing of rows of webhooks that were replaced or deleted in the files of the
    /// database. No transaction may be open.
    async fn wipe(connection: &mut Self::Connection) -> Result<(), BoxError>;

    fn rows_affected(result: &Self::QueryResult) -> u64;

    /// The placeholder of the value at `index` (from 0), where all are written in order.
    fn placeholder(index: usize, sql: &mut String);

    /// Finds out before anything is created whether the database is there, where that can be seen.
    ///
    /// # Errors
    /// If it is not there and may not be created, or has lost its content.
    fn require_present(target: &Self::Target, create: bool) -> Result<(), OpenError>;

    /// Whether a commit failed because the disk did not take it: what the system had to write may
    /// be lost, and a later commit would not find out.
    fn failed_to_sync(error: &dyn DatabaseError) -> bool;

    /// Whether a statement that failed so has certainly changed nothing.
    fn certainly_aborted(error: &dyn DatabaseError) -> bool;

    /// Inserts the records whose key and `seq` are not there yet, if the epoch is still `epoch`,
    /// with one statement. `values` are those of the columns of each record. Returns how many were
    /// inserted.
    async fn insert_records(
        connection: &mut Self::Connection,
        epoch: i64,
        values: &[Value<'_>],
    ) -> sqlx::Result<u64>;
}

/// Asks the statement of a connection to end, from elsewhere.
#[derive(Clone, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    pub fn request(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Whether a connection would notice.
    #[cfg(test)]
    pub fn is_watched(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }
}

/// Reads a row; returns whether to go on.
pub type Visit<'v, DB> = dyn FnMut(RowReader<'_, DB>) -> Result<bool> + Send + 'v;

/// A database that the store can run on.
pub trait Backend: Dialect {
    fn execute<'c>(
        connection: &'c mut Self::Connection,
        sql: SqlStr,
        values: &[Value<'_>],
    ) -> BoxFuture<'c, sqlx::Result<u64>>;

    fn rows<'c>(
        connection: &'c mut Self::Connection,
        sql: SqlStr,
        values: &[Value<'_>],
    ) -> BoxFuture<'c, sqlx::Result<Vec<Self::Row>>>;

    /// Streams rows to `visit`, until it returns false.
    fn each<'c>(
        connection: &'c mut Self::Connection,
        sql: SqlStr,
        values: &[Value<'_>],
        visit: &'c mut Visit<'c, Self>,
    ) -> BoxFuture<'c, Result<()>>;

    fn int(row: &Self::Row, column: usize) -> sqlx::Result<Option<i64>>;
    fn flag(row: &Self::Row, column: usize) -> sqlx::Result<Option<bool>>;
    fn text(row: &Self::Row, column: usize) -> sqlx::Result<Option<&str>>;
}

impl<DB> Backend for DB
where
    DB: Dialect,
    DB::Arguments: IntoArguments<DB>,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    for<'v> i64: Encode<'v, DB> + Type<DB>,
    for<'v> bool: Encode<'v, DB> + Type<DB>,
    for<'v> &'v str: Encode<'v, DB> + Type<DB>,
    for<'v> Arc<str>: Encode<'v, DB> + Type<DB>,
    for<'v> Option<i64>: Encode<'v, DB> + Decode<'v, DB> + Type<DB>,
    for<'v> Option<bool>: Encode<'v, DB> + Decode<'v, DB> + Type<DB>,
    for<'v> Option<&'v str>: Encode<'v, DB> + Decode<'v, DB> + Type<DB>,
    usize: ColumnIndex<DB::Row>,
{
    fn execute<'c>(
        connection: &'c mut DB::Connection,
        sql: SqlStr,
        values: &[Value<'_>],
    ) -> BoxFuture<'c, sqlx::Result<u64>> {
        let query = query::<DB>(sql, values);
        Box::pin(async move {
            let result = query?.execute(connection).await?;
            Ok(DB::rows_affected(&result))
        })
    }

    fn rows<'c>(
        connection: &'c mut DB::Connection,
        sql: SqlStr,
        values: &[Value<'_>],
    ) -> BoxFuture<'c, sqlx::Result<Vec<DB::Row>>> {
        let query = query::<DB>(sql, values);
        Box::pin(async move { query?.fetch_all(connection).await })
    }

    fn each<'c>(
        connection: &'c mut DB::Connection,
        sql: SqlStr,
        values: &[Value<'_>],
        visit: &'c mut Visit<'c, DB>,
    ) -> BoxFuture<'c, Result<()>> {
        let query = query::<DB>(sql, values);
        Box::pin(async move {
            let mut rows = query.map_err(not_applied)?.fetch(connection);
            while let Some(row) = rows.try_next().await.map_err(not_applied)? {
                if !visit(RowReader::new(&row))? {
                    break;
                }
            }
            Ok(())
        })
    }

    fn int(row: &DB::Row, column: usize) -> sqlx::Result<Option<i64>> {
        row.try_get(column)
    }

    fn flag(row: &DB::Row, column: usize) -> sqlx::Result<Option<bool>> {
        row.try_get(column)
    }

    fn text(row: &DB::Row, column: usize) -> sqlx::Result<Option<&str>> {
        row.try_get(column)
    }
}

fn query<DB>(sql: SqlStr, values: &[Value<'_>]) -> sqlx::Result<Query<'static, DB, DB::Arguments>>
where
    DB: Database,
    DB::Arguments: IntoArguments<DB>,
    for<'v> i64: Encode<'v, DB> + Type<DB>,
    for<'v> bool: Encode<'v, DB> + Type<DB>,
    for<'v> &'v str: Encode<'v, DB> + Type<DB>,
    for<'v> Arc<str>: Encode<'v, DB> + Type<DB>,
    for<'v> Option<i64>: Encode<'v, DB> + Type<DB>,
    for<'v> Option<bool>: Encode<'v, DB> + Type<DB>,
    for<'v> Option<&'v str>: Encode<'v, DB> + Type<DB>,
{
    let mut arguments = DB::Arguments::default();
    arguments.reserve(values.len(), 0);
    for value in values {
        let added = match value {
            Value::Int(int) => arguments.add(*int),
            Value::Flag(flag) => arguments.add(*flag),
            Value::Text(text) => arguments.add(*text),
            Value::Shared(text) => arguments.add(Arc::clone(text)),
            Value::Owned(text) => arguments.add(text.as_str()),
            Value::Null(Kind::Int) => arguments.add(None::<i64>),
            Value::Null(Kind::Flag) => arguments.add(None::<bool>),
            Value::Null(Kind::Text) => arguments.add(None::<&str>),
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    Ok(sqlx::query_with(sql, arguments))
}
