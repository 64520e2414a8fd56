//! Row 6: check and durable record, against two bare echoes; and whether commits disturb checks.

use super::{Bench, alternate};
use crate::Result;
use crate::load::{Mode, Work};
use crate::processes::server::Server;
use crate::report::{Line, Rounds, Target};

pub async fn run(bench: &mut Bench) -> Result<Vec<Line>> {
    let tollgate = bench.tollgate_on_sqlite("pair").await?;
    let echo = Server::echo(&bench.programs).await?;
    let mut lines = throughput(bench, &tollgate, &echo).await?;
    echo.stop().await?;
    lines.extend(disturbance(bench, &tollgate).await?);
    tollgate.stop().await?;
    Ok(lines)
}

/// 128 callers, each of which checks and then records.
async fn throughput(bench: &Bench, tollgate: &Server, echo: &Server) -> Result<Vec<Line>> {
    let options = bench.options(Mode::Closed, Work::Pair);
    let (mut rate, mut cpu) = (Rounds::default(), Rounds::default());
    for round in 0..bench.extent.rounds {
        let (ours, other) = alternate(round, (tollgate, &options), (echo, &options)).await?;
        rate.push(ours.units_per_second, other.units_per_second);
        cpu.push(ours.server_cpu_us(), other.server_cpu_us());
    }
    let what = "check + durable record, 128 callers, SQLite";
    Ok(vec![
        Line::ratio(6, what, "pairs/s", &rate, Target::AtLeast(0.6)),
        Line::ratio(6, &format!("{what}: server CPU"), "µs", &cpu, Target::None),
    ])
}

/// The check's latency while records are committed, against as many calls that commit nothing.
async fn disturbance(bench: &Bench, tollgate: &Server) -> Result<Vec<Line>> {
    let with_commits = bench.options(Mode::Open, Work::Pair);
    let without = bench.options(Mode::Open, Work::TwoChecks);
    let (mut p50, mut p99) = (Rounds::default(), Rounds::default());
    for round in 0..bench.extent.rounds {
        let ours = (tollgate, &with_commits);
        let (ours, other) = alternate(round, ours, (tollgate, &without)).await?;
        p50.push(ours.check.p50, other.check.p50);
        p99.push(ours.check.p99, other.check.p99);
    }
    let what = "check at 2,000/s, commits going on against none";
    Ok(vec![
        Line::ratio(6, &format!("{what}: p50"), "µs", &p50, Target::None),
        Line::ratio(6, &format!("{what}: p99"), "µs", &p99, Target::AtMost(1.15)),
    ])
}
