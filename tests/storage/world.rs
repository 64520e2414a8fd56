//! A fresh, empty database for one case, and what only its owner can do to it.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use tempfile::TempDir;
use tollgate::storage::Store;
use tollgate::storage::sql;

use crate::support::postgres;

pub struct World {
    pub url: String,
    /// Of SQLite only.
    folder: Option<TempDir>,
}

impl World {
    pub fn sqlite() -> World {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("tollgate.db").display());
        World { url, folder: Some(folder) }
    }

    /// `None` where there is no Postgres.
    pub async fn postgres() -> Option<World> {
        // Off the threads of the test's runtime: the first one starts the server.
        let start = tokio::task::spawn_blocking(|| postgres::server("tests/storage.rs"));
        let server = start.await.unwrap()?;
        Some(World { url: server.fresh_database().await, folder: None })
    }

    /// A store that may write.
    pub async fn store(&self) -> Arc<dyn Store> {
        let store = sql::open(&self.url).await.unwrap();
        store.claim().await.unwrap();
        store
    }

    pub fn is_sqlite(&self) -> bool {
        self.folder.is_some()
    }

    fn path(&self) -> PathBuf {
        self.folder.as_ref().unwrap().path().join("tollgate.db")
    }

    /// Changes the database behind the back of every store.
    pub async fn meddle(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        if self.is_sqlite() {
            let url = format!("sqlite://{}", self.path().display());
            let mut connection = SqliteConnection::connect(&url).await.unwrap();
            sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        } else {
            let mut connection = PgConnection::connect(&self.url).await.unwrap();
            sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        }
    }

    /// Takes the lock of a server away from it, as when its machine is cut off.
    pub async fn break_lock(&self) {
        if self.is_sqlite() {
            fs::remove_file(self.path().with_extension("db.lock")).unwrap();
        } else {
            self.meddle(
                "SELECT pg_terminate_backend(pid) FROM pg_locks \
                 WHERE locktype = 'advisory' AND granted \
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            )
            .await;
        }
    }

    /// Ends every other connection to a Postgres. SQLite has none that could break.
    pub async fn break_connections(&self) {
        if !self.is_sqlite() {
            self.meddle(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                 WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
            .await;
        }
    }
}
