//! Row 8: how soon a server with a long log answers, and what a user costs in memory.

use std::time::Instant;

use super::Bench;
use crate::Result;
use crate::load::{Mode, Options, Work};
use crate::processes::server::Server;
use crate::report::{Line, Target, median, plain};
use crate::store::BareLoop;

/// Records of one batch while the log is filled.
const BATCH: usize = 1_000;

/// Users whose cost in memory is measured.
const USERS: usize = 100_000;

pub async fn run(bench: &mut Bench) -> Result<Vec<Line>> {
    let database = bench.sqlite()?;
    let server = Server::tollgate(&bench.programs, &database, "start-set-up").await?;
    server.set_up().await?;
    server.stop().await?;
    let records = bench.extent.start_records;
    let mut store = BareLoop::open(&database).await?;
    store.fill_cycle(records, BATCH).await?;
    store.close().await;
    let what = format!("start with {} records in the cycle", plain(records as f64));
    let unfolded = time_start(bench, &database, "start-unfolded").await?;
    let store = BareLoop::open(&database).await?;
    store.fold_all().await?;
    store.close().await;
    let mut folded = Vec::new();
    for _ in 0..bench.extent.rounds {
        folded.push(time_start(bench, &database, "start-folded").await?);
    }
    let target = Target::AtMost(2.0);
    let mut lines = vec![
        Line::figure(8, &what, median(&folded), "s", target).note("until a check is answered"),
        Line::figure(8, &format!("{what}, none of them folded"), unfolded, "s", target)
            .note("as if killed before the first fold; one start"),
    ];
    lines.extend(memory(bench).await?);
    Ok(lines)
}

/// Seconds from the start of the program until a check is answered with ALLOWED.
async fn time_start(bench: &Bench, database: &str, name: &str) -> Result<f64> {
    let begin = Instant::now();
    let mut server = Server::tollgate_unready(&bench.programs, database, name)?;
    server.wait_first_check().await?;
    let seconds = begin.elapsed().as_secs_f64();
    server.stop().await?;
    Ok(seconds)
}

async fn memory(bench: &mut Bench) -> Result<Vec<Line>> {
    let server = bench.tollgate_on_sqlite("memory").await?;
    let after_start = server.resident_bytes()?;
    server.load(&bench.options(Mode::Closed, Work::Pair)).await?;
    let warm = server.resident_bytes()?;
    let once_each = |work| Options {
        users: USERS,
        count: USERS as u64,
        hold_seconds: 600,
        warm_up: 0.0,
        seconds: 120.0,
        ..bench.options(Mode::Closed, work)
    };
    server.load(&once_each(Work::Pair)).await?;
    let idle = server.resident_bytes()?;
    server.load(&once_each(Work::Check)).await?;
    let active = server.resident_bytes()?;
    server.stop().await?;
    let each = |from: u64, to: u64| (to as f64 - from as f64) / USERS as f64;
    let users = plain(USERS as f64);
    let none = Target::None;
    Ok(vec![
        Line::figure(8, "memory after start", after_start as f64 / 1e6, "MB", none),
        Line::figure(8, "memory after load", warm as f64 / 1e6, "MB", none),
        Line::figure(8, "memory of an idle user", each(warm, idle), "bytes", none)
            .note(format!("{users} users, each with one settled request")),
        Line::figure(8, "memory of an active user", each(idle, active), "bytes", none)
            .note(format!("{users} users, each with one live hold")),
    ])
}
