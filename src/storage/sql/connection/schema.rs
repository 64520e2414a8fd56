//! Schema migrations for both databases, and whether a database has all of them.

use std::collections::BTreeSet;

use sqlx::AssertSqlSafe;
use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, Migrator};

use super::backend::Backend;
use crate::storage::sql::OpenError;
use crate::storage::sql::row::read_all;

/// As written: in the types of SQLite.
pub static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// The same migrations in the types of Postgres.
pub fn postgres_migrations() -> Migrator {
    let mut migrations = Vec::new();
    for migration in MIGRATIONS.iter() {
        let sql = postgres_types(migration.sql.as_str());
        migrations.push(Migration::new(
            migration.version,
            migration.description.clone(),
            migration.migration_type,
            AssertSqlSafe(sql).into_sql_str(),
            migration.no_tx,
        ));
    }
    Migrator::with_migrations(migrations)
}

/// SQLite's `INTEGER` has 64 bits and its `TEXT` compares by bytes; these are the types of Postgres
/// that do the same. It has no tables without a row id.
fn postgres_types(sql: &str) -> String {
    sql.replace("INTEGER", "BIGINT")
        .replace("TEXT", "TEXT COLLATE \"C\"")
        .replace(") WITHOUT ROWID;", ");")
}

/// Whether a database has tables of this program.
///
/// # Errors
/// If the database does not answer.
pub async fn exists<DB: Backend>(connection: &mut DB::Connection) -> Result<bool, OpenError> {
    let sql = "SELECT COUNT(*) FROM _sqlx_migrations WHERE success";
    match DB::rows(connection, sql.into_sql_str(), &[]).await {
        Ok(rows) => {
            let count = read_all::<DB, i64>(&rows);
            let count = count.map_err(|error| OpenError::Unavailable(error.into()))?;
            Ok(count.first().is_some_and(|count| *count > 0))
        }
        Err(sqlx::Error::Database(_)) => Ok(false),
        Err(error) => Err(OpenError::Unavailable(error.into())),
    }
}

/// For a database that is only read, and so is not migrated.
///
/// # Errors
/// If the tables are not there, or are those of another version.
pub async fn check<DB: Backend>(connection: &mut DB::Connection) -> Result<(), OpenError> {
    let sql = "SELECT version FROM _sqlx_migrations WHERE success ORDER BY version";
    let rows = match DB::rows(connection, sql.into_sql_str(), &[]).await {
        Ok(rows) => rows,
        Err(sqlx::Error::Database(_)) => {
            let message = "this database has no tables of tollgate: start the server on it once";
            return Err(OpenError::Schema(message.to_owned()));
        }
        Err(error) => return Err(OpenError::Unavailable(error.into())),
    };
    let applied = read_all::<DB, i64>(&rows);
    let applied: BTreeSet<i64> =
        applied.map_err(|error| OpenError::Unavailable(error.into()))?.into_iter().collect();
    let known: BTreeSet<i64> = MIGRATIONS.iter().map(|migration| migration.version).collect();
    if applied == known {
        return Ok(());
    }
    let applied = applied.last().copied().unwrap_or(0);
    let known = known.last().copied().unwrap_or(0);
    Err(OpenError::Schema(format!(
        "the tables of this database are of version {applied}, this program knows version {known}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postgres_gets_wide_numbers_and_texts_by_bytes() {
        let sql = "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT NOT NULL, c BOOLEAN NOT NULL) \
                   WITHOUT ROWID;";
        let expected = "CREATE TABLE t (a BIGINT PRIMARY KEY, b TEXT COLLATE \"C\" NOT NULL, \
                        c BOOLEAN NOT NULL);";
        assert_eq!(postgres_types(sql), expected);
    }
}
