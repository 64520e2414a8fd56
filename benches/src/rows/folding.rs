//! Row 14: ingest with the fold running, against ingest without it. The engine runs in this
//! process, without gRPC, so that the fold is as large a part of the work as it can be.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use tollgate::domain::attribution::Attribution;
use tollgate::domain::catalog::Catalog;
use tollgate::domain::record::UsageReport;
use tollgate::domain::usage::{Outcome, ServiceTier, TokenClass, Usage, UsageSource};
use tollgate::engine::alerts::Keyring;
use tollgate::engine::{Engine, SystemClock};
use tollgate::storage::sql;
use tollgate::tasks::fold;

use super::Bench;
use super::generated::{KINDS, Kind};
use crate::Result;
use crate::messages::{
    INPUT_TOKENS, MODEL, OUTPUT_TOKENS, WORKSPACE, assistant_name, department_name, new_id,
    user_name,
};
use crate::processes::server::Server;
use crate::report::{Line, Rounds, Target, median, plain};

const CALLERS: usize = 256;
const USERS: usize = 1_000;
const LAG_POLL: Duration = Duration::from_secs(1);

/// What one run found.
struct Ingest {
    rows_per_second: f64,
    /// Rows that were not folded yet, looked at every second.
    lags: Vec<i64>,
}

pub async fn run(bench: &mut Bench) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    for kind in KINDS {
        let Some(database) = database(bench, kind).await? else {
            lines.push(Line::not_measured(14, kind.name(), "Postgres is not installed"));
            continue;
        };
        let server = Server::tollgate(&bench.programs, &database, "folding-set-up").await?;
        server.set_up().await?;
        server.stop().await?;
        let seconds = bench.extent.sustained_seconds / 3.0;
        let (mut rounds, mut lags) = (Rounds::default(), Vec::new());
        for round in 0..bench.extent.rounds.min(3) {
            // Who is first alternates, so that neither gains from its place.
            let first = ingest(&database, seconds, round.is_multiple_of(2)).await?;
            let second = ingest(&database, seconds, !round.is_multiple_of(2)).await?;
            let (with, without) =
                if round.is_multiple_of(2) { (first, second) } else { (second, first) };
            rounds.push(with.rows_per_second, without.rows_per_second);
            lags.push(with.lags.iter().copied().max().unwrap_or(0) as f64);
        }
        let of = format!("{CALLERS} callers, {}", kind.name());
        let what = format!("ingest with the fold, without gRPC, {of}");
        lines.push(
            Line::ratio(14, &what, "rows/s", &rounds, Target::AtLeast(0.6))
                .note(format!("against none; {} s each", plain(seconds))),
        );
        let largest = median(&lags);
        let note = format!("{} s of ingest", plain(largest / rounds.ours()));
        let what = format!("largest lag of the fold, {of}");
        lines.push(Line::figure(14, &what, largest, "rows", Target::None).note(note));
    }
    Ok(lines)
}

async fn database(bench: &mut Bench, kind: Kind) -> Result<Option<String>> {
    match kind {
        Kind::Sqlite => bench.sqlite().map(Some),
        Kind::Postgres => bench.postgres().await,
    }
}

/// Records from many callers at once for a time. What is left unfolded by an earlier run is folded
/// before the time begins.
async fn ingest(database: &str, seconds: f64, folds: bool) -> Result<Ingest> {
    let store = sql::open(database).await?;
    let (clock, catalog) = (Arc::new(SystemClock), Catalog::default());
    let started = Engine::start(store, clock, &catalog, Keyring::default()).await;
    let (engine, committed) = started.map_err(|error| error.to_string())?;
    let stop = CancellationToken::new();
    // Without it the queue of committed records is full, and nobody waits for it.
    let (mut task, mut kept) = (None, None);
    if folds {
        task = Some(tokio::spawn(fold::run(engine.clone(), committed, stop.clone())));
        while engine.folded().seq < engine.last_committed() {
            engine.fold_now().await;
        }
    } else {
        kept = Some(committed);
    }
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    let begin = Instant::now();
    let callers = (0..CALLERS).map(|caller| {
        let engine = engine.clone();
        tokio::spawn(async move { call(&engine, caller, end).await })
    });
    let callers: Vec<_> = callers.collect();
    let mut lags = Vec::new();
    while folds && Instant::now() + LAG_POLL < end {
        tokio::time::sleep(LAG_POLL).await;
        lags.push((engine.last_committed() - engine.folded().seq).max(0));
    }
    let mut rows = 0;
    for caller in callers {
        rows += caller.await??;
    }
    let rows_per_second = rows as f64 / begin.elapsed().as_secs_f64();
    stop.cancel();
    if let Some(task) = task {
        task.await?;
    }
    drop(kept);
    engine.stop().await?;
    Ok(Ingest { rows_per_second, lags })
}

/// Records one after another. Answers how many.
async fn call(engine: &Engine, caller: usize, end: Instant) -> Result<usize> {
    let mut rows = 0;
    while Instant::now() < end {
        let user = (caller + rows * CALLERS) % USERS;
        let recorded = engine.record(WORKSPACE, report(user)).await;
        recorded.map_err(|error| error.to_string())?;
        rows += 1;
    }
    Ok(rows)
}

fn report(user: usize) -> UsageReport {
    let id = new_id();
    UsageReport {
        request_id: std::str::from_utf8(&id).expect("a UUID is ASCII").into(),
        attempt: 0,
        model_id: MODEL.into(),
        tier: ServiceTier::Standard,
        usage: Usage::default()
            .with(TokenClass::Input, INPUT_TOKENS)
            .with(TokenClass::Output, OUTPUT_TOKENS),
        outcome: Outcome::Success,
        source: UsageSource::Provider,
        start_time: None,
        latency: 1_250_000,
        attribution: Some(Box::new(Attribution {
            user_id: user_name(user),
            department_id: department_name(user),
            assistant_id: assistant_name(user),
            ..Attribution::default()
        })),
        extras: None,
        answer: None,
    }
}
