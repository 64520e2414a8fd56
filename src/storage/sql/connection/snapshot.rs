//! Read snapshots: several reads of one state of the database.

use sqlx::{SqlSafeStr, Transaction};

use super::backend::{Backend, Visit};
use super::errors::not_applied;
use crate::storage::Result;
use crate::storage::sql::row::{FromRow, Value, read_all};
use crate::storage::sql::table::Select;

pub struct Snapshot<DB: Backend> {
    transaction: Transaction<'static, DB>,
}

impl<DB: Backend> Snapshot<DB> {
    pub async fn begin(readers: &sqlx::Pool<DB>) -> Result<Snapshot<DB>> {
        let transaction = readers.begin_with(DB::BEGIN_SNAPSHOT).await.map_err(not_applied)?;
        Ok(Snapshot { transaction })
    }

    pub async fn rows<T: FromRow>(
        &mut self,
        sql: impl SqlSafeStr,
        values: &[Value<'_>],
    ) -> Result<Vec<T>> {
        let sql = sql.into_sql_str();
        let rows = DB::rows(&mut self.transaction, sql, values).await.map_err(not_applied)?;
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
        DB::each(&mut self.transaction, sql.into_sql_str(), values, visit).await
    }

    pub async fn select<T: FromRow>(&mut self, select: Select<'_, T>) -> Result<Vec<T>> {
        let (sql, values) = select.into_parts();
        self.rows(sql, &values).await
    }

    pub async fn end(self) -> Result<()> {
        self.transaction.rollback().await.map_err(not_applied)
    }
}
