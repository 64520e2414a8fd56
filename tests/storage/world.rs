//! A fresh, empty database for one case, and what only its owner can do to it.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqlSafeStr, SqliteConnection};
use tempfile::TempDir;
use tollgate::storage::{PreviousOwner, Store, sql};

use crate::model::SimStore;
use crate::model::faults::Faults;
use crate::stored;
use crate::support::postgres;

pub struct World {
    pub url: String,
    /// Of databases; a file of SQLite is in it.
    folder: Option<TempDir>,
    /// Of the model only.
    model: Option<SimStore>,
}

impl World {
    pub fn sqlite() -> World {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("tollgate.db").display());
        World { url, folder: Some(folder), model: None }
    }

    /// `None` where there is no Postgres.
    pub async fn postgres() -> Option<World> {
        // Off the threads of the test's runtime: the first one starts the server.
        let start = tokio::task::spawn_blocking(|| postgres::server("tests/storage"));
        let server = start.await.unwrap()?;
        let folder = tempfile::tempdir().unwrap();
        let url = server.fresh_database(folder.path()).await;
        Some(World { url, folder: Some(folder), model: None })
    }

    /// The model of storage that simulations run on. It has no address.
    pub fn model() -> World {
        World { url: String::new(), folder: None, model: Some(SimStore::new(1, Faults::default())) }
    }

    /// A store that may write.
    pub async fn store(&self) -> Arc<dyn Store> {
        self.claimed().await.0
    }

    /// The same, and how the one before has ended.
    pub async fn claimed(&self) -> (Arc<dyn Store>, PreviousOwner) {
        let store: Arc<dyn Store> = match &self.model {
            Some(model) => Arc::new(model.connect()),
            None => sql::open(&self.url).await.unwrap(),
        };
        let before = store.claim().await.unwrap();
        (store, before)
    }

    /// Makes the tables of the first versions, as the programs of that time did.
    pub async fn make_old(&self, versions: &[&str]) {
        let mut migrations = Vec::new();
        for (version, sql) in (1..).zip(versions) {
            let words = match self.is_sqlite() {
                true => (*sql).to_owned(),
                false => sql
                    .replace("INTEGER", "BIGINT")
                    .replace("TEXT", "TEXT COLLATE \"C\"")
                    .replace(") WITHOUT ROWID;", ");"),
            };
            let sql = AssertSqlSafe(words).into_sql_str();
            let kind = MigrationType::Simple;
            migrations.push(Migration::new(version, "older".into(), kind, sql, false));
        }
        let migrator = Migrator::with_migrations(migrations);
        if self.is_sqlite() {
            let url = format!("sqlite://{}?mode=rwc", self.path().display());
            let mut connection = SqliteConnection::connect(&url).await.unwrap();
            migrator.run_direct(None, &mut connection, false).await.unwrap();
            connection.close().await.unwrap();
        } else {
            let mut connection = PgConnection::connect(&self.url).await.unwrap();
            migrator.run_direct(None, &mut connection, false).await.unwrap();
            connection.close().await.unwrap();
        }
    }

    pub fn is_model(&self) -> bool {
        self.model.is_some()
    }

    pub fn is_sqlite(&self) -> bool {
        self.url.starts_with("sqlite:")
    }

    fn path(&self) -> PathBuf {
        self.folder.as_ref().unwrap().path().join("tollgate.db")
    }

    /// Changes the database behind the back of every store.
    pub async fn meddle(&self, sql: &str) {
        stored::meddle(&self.url, sql).await;
    }

    /// See [`stored::holds`].
    pub async fn holds(&self, text: &str) -> bool {
        stored::holds(&self.url, text).await
    }

    /// Takes the lock of a server away from it, or makes its lease run out, as when its machine is
    /// cut off.
    pub async fn break_lock(&self) {
        if self.is_sqlite() {
            fs::remove_file(self.path().with_extension("db.lock")).unwrap();
        } else {
            self.meddle("UPDATE owner SET renew_time = 0").await;
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
