//! The rows of the table: what is measured, and against what. Their numbers are those of README.md.

mod check;
mod dump;
mod folding;
mod generated;
mod ledger;
mod limits;
mod pair;
mod record;
mod reports;
mod start;
mod sustained;
mod token;

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use self::generated::Generated;
use crate::Result;
use crate::load::{LoadResult, Mode, Options, Work};
use crate::processes::postgres::Postgres;
use crate::processes::server::{Programs, Server};
use crate::report::Line;

/// Numbers of all rows.
pub const ALL: [u32; 17] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17];

/// How much to measure.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    pub rounds: usize,
    /// Of each measured window and of the time before it, in seconds.
    pub seconds: f64,
    pub warm_up: f64,
    /// Length of the sustained ingest, in seconds.
    pub sustained_seconds: f64,
    /// Records in the database that a start is timed with.
    pub start_records: usize,
    /// Most users and most workspaces that the ledger alone is measured with.
    pub users_max: usize,
    pub workspaces_max: usize,
    /// Records that reports, exports and room on disk are measured with, and calls of each report.
    pub report_records: usize,
    pub report_calls: usize,
}

impl Extent {
    pub const FULL: Extent = Extent {
        rounds: 5,
        seconds: 5.0,
        warm_up: 1.0,
        sustained_seconds: 60.0,
        start_records: 1_000_000,
        users_max: 1_000_000,
        workspaces_max: 100_000,
        report_records: 10_000_000,
        report_calls: 200,
    };

    /// Shows that everything works; its figures mean little.
    pub const QUICK: Extent = Extent {
        rounds: 2,
        seconds: 1.0,
        warm_up: 0.3,
        sustained_seconds: 10.0,
        start_records: 50_000,
        users_max: 100_000,
        workspaces_max: 10_000,
        report_records: 100_000,
        report_calls: 20,
    };
}

/// What every row needs.
pub struct Bench {
    pub extent: Extent,
    pub programs: Programs,
    postgres: Option<Postgres>,
    /// Databases are made below it and go with it.
    data: TempDir,
    databases: usize,
    /// Made when they are first asked for.
    generated: Vec<Generated>,
}

impl Bench {
    pub fn new(extent: Extent, programs: Programs, data: &Path) -> Result<Bench> {
        let data = tempfile::Builder::new().prefix("tollgate-bench-").tempdir_in(data)?;
        make_passable(data.path())?;
        Ok(Bench { extent, programs, postgres: None, data, databases: 0, generated: Vec::new() })
    }

    /// Measures one row.
    pub async fn run(&mut self, row: u32) -> Result<Vec<Line>> {
        match row {
            1 => check::throughput(self).await,
            2 => check::open_loop(self).await,
            3 => check::stream(self).await,
            4 => record::group_commit(self).await,
            5 => record::one_caller(self).await,
            6 => pair::run(self).await,
            7 => sustained::run(self).await,
            8 => start::run(self).await,
            9 => ledger::run(self.extent),
            10 => ledger::run_limited(self.extent),
            11 => check::limited(self).await,
            12 => reports::run(self).await,
            13 => dump::run(self).await,
            14 => folding::run(self).await,
            15 => dump::disk(self).await,
            16 => record::provider_answer(self).await,
            17 => token::run(self).await,
            _ => Err(format!("there is no row {row}").into()),
        }
    }

    pub async fn stop(self) -> Result<()> {
        match self.postgres {
            Some(postgres) => postgres.stop().await,
            None => Ok(()),
        }
    }

    /// A database that does not exist yet.
    fn sqlite(&mut self) -> Result<String> {
        self.databases += 1;
        let folder: PathBuf = self.data.path().join(format!("sqlite-{}", self.databases));
        std::fs::create_dir(&folder)?;
        Ok(format!("sqlite:{}", folder.join("tollgate.db").display()))
    }

    /// An empty database of the private Postgres; `None` if there is none on this machine.
    async fn postgres(&mut self) -> Result<Option<String>> {
        if self.postgres.is_none() {
            self.postgres = Postgres::start(self.data.path(), &self.programs.logs).await?;
        }
        let Some(postgres) = &self.postgres else {
            return Ok(None);
        };
        self.databases += 1;
        Ok(Some(postgres.database(&format!("bench{}", self.databases)).await?))
    }

    /// A program of the private Postgres, to be run as its user.
    fn postgres_client(&self, program: &str) -> Result<tokio::process::Command> {
        let postgres = self.postgres.as_ref().ok_or("Postgres does not run")?;
        Ok(postgres.program(program))
    }

    /// Tollgate on a new SQLite file, with the workspace set up.
    async fn tollgate_on_sqlite(&mut self, name: &str) -> Result<Server> {
        let database = self.sqlite()?;
        let server = Server::tollgate(&self.programs, &database, name).await?;
        server.set_up().await?;
        Ok(server)
    }

    /// 8 connections with 16 callers each, for one window.
    fn options(&self, mode: Mode, work: Work) -> Options {
        Options {
            target: String::new(),
            mode,
            work,
            connections: 8,
            in_flight: 16,
            rate: 2_000.0,
            users: 1_000,
            hold_seconds: 2,
            warm_up: self.extent.warm_up,
            seconds: self.extent.seconds,
            count: 0,
            token: None,
            server_pid: None,
        }
    }
}

/// One run against each of two; who is first alternates, so that neither gains from its place.
async fn alternate(
    round: usize,
    ours: (&Server, &Options),
    other: (&Server, &Options),
) -> Result<(LoadResult, LoadResult)> {
    if round.is_multiple_of(2) {
        let first = ours.0.load(ours.1).await?;
        return Ok((first, other.0.load(other.1).await?));
    }
    let first = other.0.load(other.1).await?;
    Ok((ours.0.load(ours.1).await?, first))
}

/// Lets the user of a private Postgres pass through to its own folder.
fn make_passable(folder: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755))?;
    Ok(())
}
