//! Several reads of one state.

use sqlx::SqlSafeStr;
use sqlx::SqlStr;
use sqlx::Transaction;

use super::backend::{Backend, Value};
use super::codec::Reader;
use super::errors::not_applied;
use super::table::Select;
use crate::storage::{Error, Result};

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

    pub async fn select(&mut self, select: Select<'_>) -> Result<Vec<DB::Row>> {
        let (sql, values) = select.into_parts();
        self.rows(sql, &values).await
    }

    /// The only column of the only row.
    pub async fn int(&mut self, sql: &'static str) -> Result<i64> {
        let rows = self.rows(sql.into_sql_str(), &[]).await?;
        match rows.first() {
            Some(row) => Reader::<DB>::new(row).int(),
            None => Err(Error::Corrupt(format!("no row for {sql}"))),
        }
    }

    pub async fn end(self) -> Result<()> {
        self.transaction.rollback().await.map_err(not_applied)
    }
}
