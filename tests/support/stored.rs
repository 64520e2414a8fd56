//! What is in a database, behind the back of every store: looked for, and changed.
#![allow(dead_code, reason = "each test target uses its part of it")]

use std::fs;
use std::path::Path;

use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};

/// Whether a text is anywhere in the files of SQLite, or, in Postgres, in a row of any table or in
/// the file of the table of webhooks.
pub async fn holds(url: &str, text: &str) -> bool {
    let contains = |bytes: &[u8]| bytes.windows(text.len()).any(|it| it == text.as_bytes());
    if let Some(path) = sqlite(url) {
        let files = fs::read_dir(path.parent().unwrap()).unwrap().map(|file| file.unwrap().path());
        let name = path.file_name().unwrap().to_str().unwrap();
        let own =
            files.filter(|file| file.file_name().unwrap().to_str().unwrap().starts_with(name));
        return own.map(|file| fs::read(file).unwrap()).any(|bytes| contains(&bytes));
    }
    let mut connection = PgConnection::connect(url).await.unwrap();
    // So that the file is as the table is.
    sqlx::raw_sql("CHECKPOINT").execute(&mut connection).await.unwrap();
    let sql = "SELECT pg_read_binary_file(pg_relation_filepath('webhooks'))";
    let file: Vec<u8> = sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap();
    let mut found = contains(&file);
    let sql = "SELECT tablename::TEXT FROM pg_tables WHERE schemaname = 'public'";
    let tables: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut connection).await.unwrap();
    assert!(tables.len() > 20, "{tables:?}");
    for table in tables {
        let sql = AssertSqlSafe(format!("SELECT t::TEXT FROM \"{table}\" AS t"));
        let rows: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut connection).await.unwrap();
        found |= rows.iter().any(|row| row.contains(text));
    }
    connection.close().await.unwrap();
    found
}

/// Runs statements.
pub async fn meddle(url: &str, sql: &str) {
    let sql = AssertSqlSafe(sql.to_owned());
    if let Some(path) = sqlite(url) {
        let url = format!("sqlite://{}", path.display());
        let mut connection = SqliteConnection::connect(&url).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    } else {
        let mut connection = PgConnection::connect(url).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
}

/// Another process that reads, and does not end its transaction.
pub enum Reading {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Reading {
    pub async fn begin(url: &str, table: &str) -> Reading {
        if let Some(path) = sqlite(url) {
            let url = format!("sqlite://{}", path.display());
            let mut connection = SqliteConnection::connect(&url).await.unwrap();
            let sql = AssertSqlSafe(format!("BEGIN; SELECT * FROM {table}"));
            sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
            return Reading::Sqlite(connection);
        }
        let mut connection = PgConnection::connect(url).await.unwrap();
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ";
        let sql = AssertSqlSafe(format!("{begin}; SELECT * FROM {table}"));
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        Reading::Postgres(connection)
    }

    pub async fn end(self) {
        match self {
            Reading::Sqlite(connection) => connection.close().await.unwrap(),
            Reading::Postgres(connection) => connection.close().await.unwrap(),
        }
    }
}

fn sqlite(url: &str) -> Option<&Path> {
    url.strip_prefix("sqlite:").map(Path::new)
}
