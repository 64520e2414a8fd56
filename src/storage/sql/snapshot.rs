//! Several reads of one state.

use sqlx::SqlStr;
use sqlx::Transaction;

use super::backend::{Backend, Value, Visit};
use super::errors::not_applied;
use super::table::Select;
use crate::storage::Result;

pub struct Snapshot<DB: Backend> {
    transaction: Transaction<'static, DB>,
}

impl<DB: Backend> Snapshot<DB> {
    pub async fn begin(readers: &sqlx::Pool<DB>) -> Result<Snapshot<DB>> {
        let transaction = readers.begin_with(DB::BEGIN_SNAPSHOT).await.map_err(not_applied)?;
        Ok(Snapshot { transaction })
    }

    pub async fn rows(&mut self, sql: SqlStr, values: &[Value<'_>]) -> Result<Vec<DB::Row>> {
        DB::rows(&mut self.transaction, sql, values).await.map_err(not_applied)
    }

    /// Shows each row to `visit` as it comes, until it answers that it has seen enough.
    pub async fn each<'v>(
        &'v mut self,
        sql: SqlStr,
        values: &[Value<'_>],
        visit: &'v mut Visit<'v, DB>,
    ) -> Result<()> {
        DB::each(&mut self.transaction, sql, values, visit).await
    }

    pub async fn select(&mut self, select: Select<'_>) -> Result<Vec<DB::Row>> {
        let (sql, values) = select.into_parts();
        self.rows(sql, &values).await
    }

    pub async fn end(self) -> Result<()> {
        self.transaction.rollback().await.map_err(not_applied)
    }
}
