//! Read snapshots: several reads of one state of the database.

use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, SqlSafeStr};

use super::backend::{Backend, Interrupt, Visit};
use super::errors::not_applied;
use crate::storage::Result;
use crate::storage::sql::row::{FromRow, Value, read_all};
use crate::storage::sql::table::Select;

/// Where it is dropped before its end, because nobody waits for what is read any more, the
/// statement that runs is interrupted, and the connection is given up.
pub struct Snapshot<DB: Backend> {
    /// None once it has ended.
    connection: Option<PoolConnection<DB>>,
    interrupt: Interrupt,
}

impl<DB: Backend> Snapshot<DB> {
    pub async fn begin(readers: &sqlx::Pool<DB>) -> Result<Snapshot<DB>> {
        let mut connection = readers.acquire().await.map_err(not_applied)?;
        let interrupt = DB::interruptible(&mut connection).await.map_err(not_applied)?;
        let connection = Some(connection);
        let mut snapshot = Snapshot { connection, interrupt };
        snapshot.execute(DB::BEGIN_SNAPSHOT).await?;
        Ok(snapshot)
    }

    fn connection(&mut self) -> &mut DB::Connection {
        self.connection.as_mut().expect("it has not ended")
    }

    async fn execute(&mut self, sql: &'static str) -> Result<()> {
        let sql = AssertSqlSafe(sql).into_sql_str();
        DB::execute(self.connection(), sql, &[]).await.map(drop).map_err(not_applied)
    }

    pub async fn rows<T: FromRow>(
        &mut self,
        sql: impl SqlSafeStr,
        values: &[Value<'_>],
    ) -> Result<Vec<T>> {
        let sql = sql.into_sql_str();
        let rows = DB::rows(self.connection(), sql, values).await.map_err(not_applied)?;
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

    /// Streams rows to `visit`, until it returns false.
    pub async fn each<'v>(
        &'v mut self,
        sql: impl SqlSafeStr,
        values: &[Value<'_>],
        visit: &'v mut Visit<'v, DB>,
    ) -> Result<()> {
        DB::each(self.connection(), sql.into_sql_str(), values, visit).await
    }

    pub async fn select<T: FromRow>(&mut self, select: Select<'_, T>) -> Result<Vec<T>> {
        let (sql, values) = select.into_parts();
        self.rows(sql, &values).await
    }

    /// How many rows a selection has, counted to `most`.
    pub async fn count<T>(&mut self, select: Select<'_, T>, most: usize) -> Result<usize> {
        let (sql, values) = select.counted(most);
        let count: i64 = self.row(sql, &values).await?;
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }

    pub async fn end(mut self) -> Result<()> {
        self.execute("ROLLBACK").await?;
        self.connection = None;
        Ok(())
    }
}

impl<DB: Backend> Drop for Snapshot<DB> {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        self.interrupt.request();
        drop(connection.detach());
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use sqlx::Sqlite;
    use tokio::time::{sleep, timeout};

    use super::super::backend::Dialect;
    use super::*;
    use crate::storage::sql::{Ownership, SqlStore};

    /// Counts without end.
    const ENDLESS: &str = "\
        WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT COUNT(*) FROM n";
    const PATIENCE: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn a_read_that_nobody_waits_for_is_interrupted() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("a.db").display());
        let _store = SqlStore::<Sqlite>::serve(&url, Ownership::default()).await.unwrap();
        let readers = Sqlite::readers(&Sqlite::parse(&url).unwrap());
        // More than there are connections.
        for _ in 0..12 {
            let mut snapshot = Snapshot::begin(&readers).await.unwrap();
            let interrupt = snapshot.interrupt.clone();
            let read = snapshot.row::<i64>(ENDLESS, &[]);
            assert!(timeout(Duration::from_millis(50), read).await.is_err());
            assert!(interrupt.is_watched(), "it runs");
            drop(snapshot);
            // The connection goes away once its statement has ended.
            let begun = Instant::now();
            while interrupt.is_watched() {
                assert!(begun.elapsed() < PATIENCE, "the statement goes on");
                sleep(Duration::from_millis(5)).await;
            }
        }
        let mut snapshot = Snapshot::begin(&readers).await.unwrap();
        assert_eq!(snapshot.row::<i64>("SELECT 7", &[]).await.unwrap(), 7);
        snapshot.end().await.unwrap();
        assert_eq!(readers.size(), 1, "a read that has ended keeps its connection");
    }
}
