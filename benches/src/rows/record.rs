//! Rows 4 and 5: durable records against a bare loop that inserts the same rows.

use super::Bench;
use crate::Result;
use crate::load::{Mode, Options, Work};
use crate::processes::server::Server;
use crate::report::{Line, Rounds, Target, median, plain};
use crate::store::{BareLoop, batch_reached};

/// Row 4: 256 callers on 8 connections, on each store.
pub async fn group_commit(bench: &mut Bench) -> Result<Vec<Line>> {
    let options = Options { in_flight: 32, ..bench.options(Mode::Closed, Work::Record) };
    let databases = [bench.sqlite()?, bench.sqlite()?];
    let found = compare(bench, "record-sqlite", &options, databases).await?;
    let mut lines = found.group_commit_lines("SQLite");
    match (bench.postgres().await?, bench.postgres().await?) {
        (Some(ours), Some(bare)) => {
            let found = compare(bench, "record-postgres", &options, [ours, bare]).await?;
            lines.extend(found.group_commit_lines("Postgres"));
        }
        _ => lines.push(no_postgres(4, "RecordUsage on Postgres, 256 callers")),
    }
    Ok(lines)
}

/// Row 5: one caller, who waits for each commit.
pub async fn one_caller(bench: &mut Bench) -> Result<Vec<Line>> {
    let one = bench.options(Mode::Closed, Work::Record);
    let options = Options { connections: 1, in_flight: 1, ..one };
    let databases = [bench.sqlite()?, bench.sqlite()?];
    let found = compare(bench, "one-caller-sqlite", &options, databases).await?;
    let mut lines = vec![found.one_caller_line("SQLite")];
    match (bench.postgres().await?, bench.postgres().await?) {
        (Some(ours), Some(bare)) => {
            let found = compare(bench, "one-caller-postgres", &options, [ours, bare]).await?;
            lines.push(found.one_caller_line("Postgres"));
        }
        _ => lines.push(no_postgres(5, "RecordUsage on Postgres, one caller")),
    }
    Ok(lines)
}

/// Row 16: records with a provider answer against records with token counts, on one server.
pub async fn provider_answer(bench: &mut Bench) -> Result<Vec<Line>> {
    let plain = Options { in_flight: 32, ..bench.options(Mode::Closed, Work::Record) };
    let answer = Options { work: Work::RecordAnswer, ..plain.clone() };
    let database = bench.sqlite()?;
    let server = Server::tollgate(&bench.programs, &database, "provider-answer").await?;
    server.set_up().await?;
    let mut rows = Rounds::default();
    for round in 0..bench.extent.rounds {
        let order = if round % 2 == 0 { [&answer, &plain] } else { [&plain, &answer] };
        let first = server.load(order[0]).await?.units_per_second;
        let second = server.load(order[1]).await?.units_per_second;
        let (answer, plain) = if round % 2 == 0 { (first, second) } else { (second, first) };
        rows.push(answer, plain);
    }
    server.stop().await?;
    let what = "RecordUsage with provider_answer against plain, 256 callers";
    Ok(vec![Line::ratio(16, what, "rows/s", &rows, Target::AtLeast(0.9))])
}

/// Rounds of the server and of the bare loop beside each other.
#[derive(Default)]
struct Comparison {
    rows: Rounds,
    /// Latencies of the server against the median time of a bare commit.
    p50: Rounds,
    p99: Rounds,
    batches: Vec<f64>,
}

async fn compare(
    bench: &Bench,
    name: &str,
    options: &Options,
    [ours, bare]: [String; 2],
) -> Result<Comparison> {
    let server = Server::tollgate(&bench.programs, &ours, name).await?;
    server.set_up().await?;
    let mut bare = BareLoop::open(&bare).await?;
    let mut found = Comparison::default();
    for _ in 0..bench.extent.rounds {
        let load = server.load(options).await?;
        let batch = batch_reached(&ours).await?;
        let commits = bare.run(batch.round() as usize, bench.extent.seconds).await?;
        found.rows.push(load.units_per_second, commits.rows_per_second);
        found.p50.push(load.record.p50, commits.commit_us);
        found.p99.push(load.record.p99, commits.commit_us);
        found.batches.push(batch);
    }
    bare.close().await;
    server.stop().await?;
    Ok(found)
}

impl Comparison {
    fn group_commit_lines(&self, store: &str) -> Vec<Line> {
        let what = format!("RecordUsage on {store}, 256 callers");
        let note = format!("the writer reached {} rows a commit", plain(median(&self.batches)));
        let p99 = format!("{what}: p99 against one commit");
        vec![
            Line::ratio(4, &what, "rows/s", &self.rows, Target::AtLeast(0.5)).note(note),
            Line::ratio(4, &p99, "µs", &self.p99, Target::AtMost(5.0)),
        ]
    }

    fn one_caller_line(&self, store: &str) -> Line {
        let what = format!("RecordUsage on {store}, one caller: p50 against one commit");
        Line::ratio(5, &what, "µs", &self.p50, Target::AtMost(2.0))
    }
}

fn no_postgres(row: u32, what: &str) -> Line {
    Line::not_measured(row, what, "Postgres is not installed below /usr/lib/postgresql")
}
