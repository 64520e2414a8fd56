//! The database of rows 12, 13 and 15: a made-up history, the same for each, and asking it in SQL.

use std::time::Instant;

use chrono::{Days, NaiveDate, Utc};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, SqliteConnection};
use tokio::process::Command;

use super::Bench;
use crate::Result;

pub const WORKSPACE: &str = "demo";
const MICROS_PER_DAY: i64 = 86_400_000_000;
const DAYS: u64 = 60;
/// Days that reports are asked for.
pub const REPORT_DAYS: u64 = 30;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

pub const KINDS: [Kind; 2] = [Kind::Sqlite, Kind::Postgres];

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Sqlite => "SQLite",
            Kind::Postgres => "Postgres",
        }
    }
}

#[derive(Clone, Debug)]
pub struct Generated {
    pub kind: Kind,
    pub url: String,
    pub records: usize,
    /// How long it took to make it.
    pub seconds: f64,
    /// The last of its days, in UTC.
    pub last_day: NaiveDate,
}

impl Bench {
    /// The database of a kind, made when it is first asked for; `None` without Postgres.
    pub(super) async fn generated(&mut self, kind: Kind) -> Result<Option<Generated>> {
        if let Some(found) = self.generated.iter().find(|found| found.kind == kind) {
            return Ok(Some(found.clone()));
        }
        let url = match kind {
            Kind::Sqlite => self.sqlite()?,
            Kind::Postgres => match self.postgres().await? {
                Some(url) => url,
                None => return Ok(None),
            },
        };
        let records = self.extent.report_records;
        let last_day = Utc::now().date_naive() - Days::new(1);
        let begin = Instant::now();
        let mut command = Command::new(&self.programs.tollgate);
        command.args(["generate", "--workspace", WORKSPACE, "--database", &url]);
        command.args(["--records", &records.to_string(), "--days", &DAYS.to_string()]);
        command.args(["--until", &last_day.to_string(), "--time-zone", "UTC"]);
        command.args(["--users", "1000", "--models", "50", "--assistants", "200"]);
        command.args(["--workflows", "100", "--departments", "20"]);
        let output = command.kill_on_drop(true).output().await?;
        if !output.status.success() {
            let reason = String::from_utf8_lossy(&output.stderr);
            return Err(format!("tollgate generate failed: {reason}").into());
        }
        let seconds = begin.elapsed().as_secs_f64();
        let generated = Generated { kind, url, records, seconds, last_day };
        generated.settle().await?;
        self.generated.push(generated.clone());
        Ok(Some(generated))
    }
}

impl Generated {
    pub async fn connect(&self) -> Result<Sql> {
        Ok(match self.kind {
            Kind::Sqlite => {
                let path = self.url.trim_start_matches("sqlite:");
                let options = SqliteConnectOptions::new().filename(path);
                // The server does not map the file; what it is compared with may.
                let options = options.pragma("mmap_size", "268435456");
                Sql::Sqlite(SqliteConnection::connect_with(&options).await?)
            }
            Kind::Postgres => Sql::Postgres(PgConnection::connect(&self.url).await?),
        })
    }

    /// Brings the database into the state that it comes to by itself: planner's figures known,
    /// what was written first written back.
    async fn settle(&self) -> Result<()> {
        let mut sql = self.connect().await?;
        match self.kind {
            Kind::Sqlite => sql.rows("PRAGMA wal_checkpoint(TRUNCATE)").await.map(drop)?,
            Kind::Postgres => sql.run("VACUUM (ANALYZE)").await?,
        }
        sql.close().await
    }

    /// The days that reports are asked for: first and last.
    pub fn report_days(&self) -> (NaiveDate, NaiveDate) {
        (self.last_day - Days::new(REPORT_DAYS - 1), self.last_day)
    }

    /// Their beginning, the one of the days before, and their end.
    pub fn report_times(&self) -> (i64, i64, i64) {
        let midnight = |date: NaiveDate| date.and_time(Default::default()).and_utc();
        let (first, last) = self.report_days();
        let from = midnight(first).timestamp_micros();
        let before = from - i64::try_from(REPORT_DAYS).unwrap_or(0) * MICROS_PER_DAY;
        (before, from, midnight(last).timestamp_micros() + MICROS_PER_DAY)
    }
}

/// A connection of one's own.
pub enum Sql {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Sql {
    /// Reads all rows and answers the last column of each, a number.
    pub async fn rows(&mut self, sql: &str) -> Result<Vec<i64>> {
        let sql = AssertSqlSafe(sql.to_owned());
        let mut numbers = Vec::new();
        match self {
            Sql::Sqlite(connection) => {
                for row in sqlx::query(sql).fetch_all(connection).await? {
                    numbers.push(row.try_get(row.len() - 1)?);
                }
            }
            Sql::Postgres(connection) => {
                for row in sqlx::query(sql).fetch_all(connection).await? {
                    numbers.push(row.try_get(row.len() - 1)?);
                }
            }
        }
        Ok(numbers)
    }

    pub async fn run(&mut self, sql: &str) -> Result<()> {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Sql::Sqlite(connection) => sqlx::query(sql).execute(connection).await.map(drop)?,
            Sql::Postgres(connection) => sqlx::query(sql).execute(connection).await.map(drop)?,
        }
        Ok(())
    }

    pub async fn close(self) -> Result<()> {
        match self {
            Sql::Sqlite(connection) => connection.close().await?,
            Sql::Postgres(connection) => connection.close().await?,
        }
        Ok(())
    }
}
