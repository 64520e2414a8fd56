//! The write session: the one connection that writes, its fencing epoch, and transactions on it.
//!
//! A write takes the connection out and puts it back when all went well. After an error, or when
//! the future is dropped, the connection is closed with all that was open on it, and the next write
//! opens another. That one gets a new epoch first: whatever the lost one still runs in the database
//! was then applied before, or writes nothing.
//!
//! Every write renews the lease of the owner, see [`Lease`]. Each statement has a deadline: one
//! that is not answered counts as a lost connection.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, SqlSafeStr};
use tokio::sync::{Mutex, MutexGuard};

use super::backend::{Access, Backend, Dialect};
use super::errors::{at_commit, message, not_applied};
use super::mark::Mark;
use super::owner::{Ownership, claim_statement};
use crate::domain::time::Micros;
use crate::storage::lease::{Lease, boot_time, micros};
use crate::storage::sql::log::LAST_SEQ;
use crate::storage::sql::row::{FromRow, Value, read_all};
use crate::storage::{BoxError, Error, PreviousOwner, Result};
use crate::telemetry;

/// Most rows that [`Write::insert_many`] puts into one statement; a power of two.
const INSERT_ROWS_MAX: usize = 128;

/// Deadline of a statement that may go through many rows: where a user is erased, or rollups are
/// built anew.
const LONG_STATEMENT: Duration = Duration::from_secs(600);

/// Owns the connection that writes.
pub struct Session<DB: Dialect> {
    target: DB::Target,
    access: Access,
    /// Identifies this instance, for all of its claims.
    instance: String,
    ownership: Ownership,
    lease: Arc<Lease>,
    state: Mutex<State<DB>>,
}

struct State<DB: Dialect> {
    connection: Option<DB::Connection>,
    /// Absent until this instance claims, and once it has been fenced off.
    epoch: Option<i64>,
    /// Which database was claimed, and which log of it `connection` writes to.
    place: Option<DB::Place>,
    log_place: Option<DB::Place>,
    closed: bool,
}

impl<DB: Backend> Session<DB> {
    pub fn new(
        target: DB::Target,
        access: Access,
        connection: Option<DB::Connection>,
        ownership: Ownership,
    ) -> Session<DB> {
        let instance = uuid::Uuid::now_v7().to_string();
        let (epoch, place, log_place) = (None, None, None);
        let state = State { connection, epoch, place, log_place, closed: false };
        let lease = match DB::LEASED {
            true => Lease::of(ownership.lease),
            false => Lease::unlimited(),
        };
        let (lease, state) = (Arc::new(lease), Mutex::new(state));
        Session { target, access, instance, ownership, lease, state }
    }

    pub fn lease(&self) -> &Arc<Lease> {
        &self.lease
    }

    /// Makes this instance the owner of the database, if no other holds the lease: moves the epoch,
    /// which on Postgres waits for the transaction that renews it. Returns how the owner before has
    /// ended, also where this is not the first claim of this instance.
    pub async fn claim(&self) -> Result<PreviousOwner> {
        if self.access != Access::Serve {
            return Err(message("the database was not opened for a server"));
        }
        let mut state = self.state.lock().await;
        let mut connection = match self.take(&mut state)? {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let sent = boot_time();
        let values = [
            Value::Text(&self.instance),
            Value::Text(&self.ownership.node),
            Value::Text(&self.ownership.address),
            Value::Int(if DB::LEASED { micros(self.ownership.lease) } else { 0 }),
        ];
        let sql = AssertSqlSafe(claim_statement::<DB>()).into_sql_str();
        let claimed = DB::rows(&mut connection, sql, &values);
        let rows = within(DB::STATEMENT, claimed).await.map_err(at_commit::<DB>)?;
        let claimed = read_all::<DB, (i64, PreviousOwner)>(&rows)?.into_iter().next();
        let Some((epoch, before)) = claimed else {
            return Err(message("another server owns this database"));
        };
        self.lease.renew(sent);
        telemetry::OWNER_EPOCH.set(epoch as f64);
        telemetry::CLAIMS.at([before as usize]).inc();
        state.epoch = Some(epoch);
        state.place = DB::place(&self.target).ok();
        state.log_place = DB::log_place(&self.target).ok();
        self.note_mark(epoch, &mut connection).await;
        state.connection = Some(connection);
        Ok(before)
    }

    /// Renews the lease, and finds out whether this instance still owns the database.
    pub async fn renew(&self) -> Result<()> {
        let mut write = self.begin().await?;
        if !DB::LEASED {
            // So that something is written.
            write.execute("UPDATE owner SET renew_time = renew_time + 1", &[]).await?;
            let (epoch, seq) = (write.epoch, write.row(LAST_SEQ, &[]).await);
            write.commit().await?;
            self.set_mark(epoch, seq);
            return Ok(());
        }
        write.commit().await
    }

    /// Sets the mark of the database, while no transaction is open.
    async fn note_mark(&self, epoch: i64, connection: &mut DB::Connection) {
        // Where there are leases there are no marks.
        if !DB::LEASED {
            self.set_mark(epoch, last_seq::<DB>(connection).await);
        }
    }

    /// Sets the mark of the database, after a commit; `seq` was read in it.
    fn set_mark(&self, epoch: i64, seq: Result<i64>) {
        let set =
            |seq| DB::set_mark(&self.target, Mark { epoch, seq }).map_err(|error| error.into());
        if let Err::<(), BoxError>(error) = seq.map_err(BoxError::from).and_then(set) {
            tracing::warn!(%error, "the mark beside the database could not be set");
        }
    }

    /// The connection for one statement that commits by itself and checks the epoch itself.
    pub async fn alone(&self) -> Result<Write<'_, DB>> {
        let mut state = self.state.lock().await;
        if self.access == Access::Unfenced {
            let connection = self.take(&mut state)?;
            let connection = connection.ok_or_else(|| message("the connection is lost"))?;
            return Ok(self.write(state, connection, 0));
        }
        if state.epoch.is_none() {
            return Err(Error::Fenced);
        }
        // A file that was deleted still takes what is written to it, and nobody finds it again.
        // The same is true of its log.
        let is_other_log =
            state.connection.is_some() && DB::log_place(&self.target).ok() != state.log_place;
        if is_other_log || DB::place(&self.target).ok() != state.place {
            self.lease.end();
            let name = DB::name(&self.target);
            let what = "or its -wal is not there any more, or another file than was opened";
            return Err(Error::Gone(format!("{name} {what}")));
        }
        let connection = match self.take(&mut state)? {
            Some(connection) => connection,
            None => self.reconnect(&mut state).await?,
        };
        let Some(epoch) = state.epoch else { return Err(Error::Fenced) };
        Ok(self.write(state, connection, epoch))
    }

    fn write<'a>(
        &'a self,
        state: MutexGuard<'a, State<DB>>,
        connection: DB::Connection,
        epoch: i64,
    ) -> Write<'a, DB> {
        let (lease, sent) = (&self.lease, boot_time());
        Write { state, connection, epoch, lease, sent, deadline: DB::STATEMENT }
    }

    /// A transaction of this instance and no other.
    pub async fn begin(&self) -> Result<Write<'_, DB>> {
        let mut write = self.alone().await?;
        write.execute(DB::BEGIN_WRITE, &[]).await?;
        if self.access == Access::Serve && !write.owns().await? {
            return Err(write.fenced());
        }
        Ok(write)
    }

    pub async fn close(&self) {
        self.lease.end();
        let mut state = self.state.lock().await;
        state.closed = true;
        let Some(mut connection) = state.connection.take() else { return };
        if let Some(epoch) = state.epoch {
            self.note_mark(epoch, &mut connection).await;
        }
        if DB::LEASED
            && let Some(epoch) = state.epoch
        {
            let end = "UPDATE owner SET renew_time = 0 WHERE epoch = $1".into_sql_str();
            let values = [Value::Int(epoch)];
            if let Err(error) =
                within(DB::STATEMENT, DB::execute(&mut connection, end, &values)).await
            {
                tracing::warn!(%error, "the lease runs out by itself: ending it failed");
            }
        }
        if let Err(error) = connection.close().await {
            tracing::warn!(%error, "closing the connection that writes failed");
        }
    }

    fn take(&self, state: &mut State<DB>) -> Result<Option<DB::Connection>> {
        if state.closed {
            return Err(message("the store is closed"));
        }
        Ok(state.connection.take())
    }

    async fn connect(&self) -> Result<DB::Connection> {
        let connected = tokio::time::timeout(DB::STATEMENT, DB::connect(&self.target, self.access));
        let connected = connected.await.map_err(|_| message("the database does not answer"))?;
        connected.map_err(|error| Error::NotApplied(error.into()))
    }

    async fn reconnect(&self, state: &mut State<DB>) -> Result<DB::Connection> {
        let mut connection = self.connect().await?;
        let sql = "UPDATE owner SET epoch = epoch + 1 WHERE instance = $1 RETURNING epoch";
        let values = [Value::Text(&self.instance)];
        let moved = DB::rows(&mut connection, sql.into_sql_str(), &values);
        let rows = within(DB::STATEMENT, moved).await;
        let rows = rows.map_err(|error| Error::NotApplied(error.into()))?;
        state.epoch = read_all::<DB, i64>(&rows)?.first().copied();
        telemetry::RECONNECTS.inc();
        telemetry::OWNER_EPOCH.set(state.epoch.map(|epoch| epoch as f64));
        if state.epoch.is_none() {
            return Err(fence(state, connection, &self.lease));
        }
        state.log_place = DB::log_place(&self.target).ok();
        Ok(connection)
    }
}

/// How far a database has come.
pub async fn mark<DB: Backend>(connection: &mut DB::Connection) -> Result<Mark> {
    let sql = "SELECT epoch FROM owner".into_sql_str();
    let rows = within(DB::STATEMENT, DB::rows(connection, sql, &[])).await.map_err(not_applied)?;
    let epoch = read_all::<DB, i64>(&rows)?.first().copied().unwrap_or_default();
    Ok(Mark { epoch, seq: last_seq::<DB>(connection).await? })
}

/// Position of the last entry of the log.
async fn last_seq<DB: Backend>(connection: &mut DB::Connection) -> Result<i64> {
    let rows = within(DB::STATEMENT, DB::rows(connection, LAST_SEQ.into_sql_str(), &[])).await;
    super::only(read_all::<DB, i64>(&rows.map_err(not_applied)?)?)
}

/// Bounds a statement in time. A connection whose statement ran out of it must not be used again.
async fn within<T>(
    deadline: Duration,
    statement: impl Future<Output = sqlx::Result<T>>,
) -> sqlx::Result<T> {
    tokio::time::timeout(deadline, statement).await.unwrap_or_else(|_| {
        let message = format!("the database did not answer within {} s", deadline.as_secs());
        Err(sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, message)))
    })
}

/// The connection while something is written. Dropped without [`Write::commit`] or
/// [`Write::release`] it takes the connection with it.
pub struct Write<'a, DB: Backend> {
    state: MutexGuard<'a, State<DB>>,
    connection: DB::Connection,
    epoch: i64,
    lease: &'a Lease,
    /// When it began, by [`boot_time`]: what it has renewed counts from then.
    sent: Micros,
    /// Of each statement.
    deadline: Duration,
}

impl<DB: Backend> Write<'_, DB> {
    /// Lets its statements take long, because they go through many rows.
    pub fn allow_long_statements(&mut self) {
        self.deadline = LONG_STATEMENT;
    }

    /// Returns how many rows were changed.
    pub async fn execute(&mut self, sql: impl SqlSafeStr, values: &[Value<'_>]) -> Result<u64> {
        let executed = DB::execute(&mut self.connection, sql.into_sql_str(), values);
        within(self.deadline, executed).await.map_err(not_applied)
    }

    pub async fn rows<T: FromRow>(
        &mut self,
        sql: impl SqlSafeStr,
        values: &[Value<'_>],
    ) -> Result<Vec<T>> {
        let rows = DB::rows(&mut self.connection, sql.into_sql_str(), values);
        let rows = within(self.deadline, rows).await.map_err(not_applied)?;
        read_all::<DB, T>(&rows)
    }

    /// The only row of a statement that always has one.
    pub async fn row<T: FromRow>(
        &mut self,
        sql: impl SqlSafeStr,
        values: &[Value<'_>],
    ) -> Result<T> {
        super::only(self.rows(sql, values).await?)
    }

    /// Inserts rows of `columns` values with statements of a few fixed sizes, so that each is
    /// prepared once: `head VALUES (…), (…) tail`.
    pub async fn insert_many(
        &mut self,
        head: &str,
        columns: usize,
        tail: &str,
        values: &[Value<'_>],
    ) -> Result<()> {
        assert!(values.len().is_multiple_of(columns), "a value for each column");
        let mut rest = values;
        let mut rows = INSERT_ROWS_MAX;
        while !rest.is_empty() {
            while rows * columns > rest.len() {
                rows /= 2;
            }
            let (part, after) = rest.split_at(rows * columns);
            let sql = insert_statement::<DB>(head, columns, rows, tail);
            self.execute(AssertSqlSafe(sql), part).await?;
            rest = after;
        }
        Ok(())
    }

    /// See [`Dialect::insert_records`].
    pub async fn insert_records(&mut self, values: &[Value<'_>]) -> sqlx::Result<u64> {
        let inserted = DB::insert_records(&mut self.connection, self.epoch, values);
        within(self.deadline, inserted).await
    }

    /// See [`Dialect::wipe`].
    pub async fn wipe(&mut self) -> Result<()> {
        DB::wipe(&mut self.connection).await.map_err(Error::NotApplied)
    }

    /// What has checked the epoch was committed.
    pub fn renewed(&self) {
        self.lease.renew(self.sent);
    }

    /// Whether this instance may still write.
    pub async fn owns(&mut self) -> Result<bool> {
        let epoch = [Value::Int(self.epoch)];
        Ok(!self.rows::<i64>(DB::FENCE, &epoch).await?.is_empty())
    }

    pub async fn commit(mut self) -> Result<()> {
        let committed = DB::execute(&mut self.connection, "COMMIT".into_sql_str(), &[]);
        within(self.deadline, committed).await.map_err(at_commit::<DB>)?;
        self.renewed();
        self.release();
        Ok(())
    }

    /// Takes back what the transaction has written, and keeps the connection.
    pub async fn roll_back(mut self) -> Result<()> {
        self.execute("ROLLBACK", &[]).await?;
        self.release();
        Ok(())
    }

    /// Keeps the connection for the next write. No transaction may be open on it.
    pub fn release(self) {
        let Write { mut state, connection, .. } = self;
        state.connection = Some(connection);
    }

    /// Stops writing for ever, and closes the connection with what is open on it.
    pub fn fenced(self) -> Error {
        let Write { mut state, connection, lease, .. } = self;
        fence(&mut state, connection, lease)
    }
}

fn insert_statement<DB: Backend>(head: &str, columns: usize, rows: usize, tail: &str) -> String {
    let mut sql = format!("{head} VALUES ");
    for index in 0..rows * columns {
        sql.push_str(match (index, index % columns) {
            (0, _) => "(",
            (_, 0) => "), (",
            _ => ", ",
        });
        DB::placeholder(index, &mut sql);
    }
    sql.push_str(") ");
    sql.push_str(tail);
    sql
}

fn fence<DB: Dialect>(state: &mut State<DB>, connection: DB::Connection, lease: &Lease) -> Error {
    lease.end();
    state.epoch = None;
    drop(connection);
    Error::Fenced
}
