//! Rows 1 to 3: the check against a bare echo, and the stream against single calls.

use super::{Bench, alternate};
use crate::Result;
use crate::load::{Mode, Work};
use crate::processes::server::Server;
use crate::report::{Line, Rounds, Target};

/// Row 1: closed loop, 8 connections with 16 in flight, two limits.
pub async fn throughput(bench: &mut Bench) -> Result<Vec<Line>> {
    let tollgate = bench.tollgate_on_sqlite("check").await?;
    let echo = Server::echo(&bench.programs).await?;
    let options = bench.options(Mode::Closed, Work::Check);
    let (mut rate, mut cpu, mut p99) = (Rounds::default(), Rounds::default(), Rounds::default());
    let mut load_cpu = 0.0_f64;
    for round in 0..bench.extent.rounds {
        let (ours, other) = alternate(round, (&tollgate, &options), (&echo, &options)).await?;
        rate.push(ours.units_per_second, other.units_per_second);
        cpu.push(ours.server_cpu_us(), other.server_cpu_us());
        p99.push(ours.check.p99, other.check.p99);
        load_cpu = load_cpu.max(other.load_cores());
    }
    echo.stop().await?;
    tollgate.stop().await?;
    let note = format!("the generator used at most {load_cpu:.2} of its one core");
    Ok(vec![
        Line::ratio(1, "check, 8 x 16: throughput", "/s", &rate, Target::AtLeast(0.95)).note(note),
        Line::ratio(1, "check, 8 x 16: server CPU a call", "µs", &cpu, Target::AtMost(1.10)),
        Line::ratio(1, "check, 8 x 16: p99", "µs", &p99, Target::None),
    ])
}

/// Row 2: open loop, 2,000 a second at random times.
pub async fn open_loop(bench: &mut Bench) -> Result<Vec<Line>> {
    let tollgate = bench.tollgate_on_sqlite("open-loop").await?;
    let echo = Server::echo(&bench.programs).await?;
    let options = bench.options(Mode::Open, Work::Check);
    let (mut p50, mut p99) = (Rounds::default(), Rounds::default());
    let mut late = 0.0_f64;
    for round in 0..bench.extent.rounds {
        let (ours, other) = alternate(round, (&tollgate, &options), (&echo, &options)).await?;
        p50.push(ours.check.p50, other.check.p50);
        p99.push(ours.check.p99, other.check.p99);
        late = late.max(ours.late.p99);
    }
    echo.stop().await?;
    tollgate.stop().await?;
    let note = format!("calls left at most {late:.0} µs late (p99)");
    Ok(vec![
        Line::ratio(2, "check, 2,000/s open loop: p50", "µs", &p50, Target::AtMost(1.15)),
        Line::ratio(2, "check, 2,000/s open loop: p99", "µs", &p99, Target::AtMost(1.15))
            .note(note),
    ])
}

/// Row 3: the stream against single calls of the same server.
pub async fn stream(bench: &mut Bench) -> Result<Vec<Line>> {
    let tollgate = bench.tollgate_on_sqlite("stream").await?;
    let mut stream = bench.options(Mode::Stream, Work::Check);
    // The stream is several times faster: shorter holds keep the number of live ones alike.
    stream.hold_seconds = 1;
    let single = bench.options(Mode::Closed, Work::Check);
    let (mut rate, mut cpu) = (Rounds::default(), Rounds::default());
    let mut load_cpu = 0.0_f64;
    for round in 0..bench.extent.rounds {
        let (ours, other) = alternate(round, (&tollgate, &stream), (&tollgate, &single)).await?;
        rate.push(ours.units_per_second, other.units_per_second);
        cpu.push(ours.server_cpu_us(), other.server_cpu_us());
        load_cpu = load_cpu.max(ours.load_cores());
    }
    tollgate.stop().await?;
    let note = format!("the generator used at most {load_cpu:.2} of its one core");
    let what = "stream against single checks";
    Ok(vec![
        Line::ratio(3, &format!("{what}: throughput"), "/s", &rate, Target::AtLeast(5.0))
            .note(note),
        Line::ratio(3, &format!("{what}: server CPU"), "µs", &cpu, Target::None),
    ])
}

/// Row 11: closed loop as in row 1, with sixteen limits against two.
pub async fn limited(bench: &mut Bench) -> Result<Vec<Line>> {
    let sixteen = bench.tollgate_on_sqlite("limits-16").await?;
    sixteen.set_up_quotas().await?;
    let two = bench.tollgate_on_sqlite("limits-2").await?;
    let options = bench.options(Mode::Closed, Work::Check);
    let (mut rate, mut cpu, mut p99) = (Rounds::default(), Rounds::default(), Rounds::default());
    for round in 0..bench.extent.rounds {
        let (ours, other) = alternate(round, (&sixteen, &options), (&two, &options)).await?;
        // As time a call: more is worse.
        rate.push(1e9 / ours.units_per_second, 1e9 / other.units_per_second);
        cpu.push(ours.server_cpu_us(), other.server_cpu_us());
        p99.push(ours.check.p99, other.check.p99);
    }
    sixteen.stop().await?;
    two.stop().await?;
    let what = "check, 8 x 16, with 16 limits against 2";
    Ok(vec![
        Line::ratio(11, &format!("{what}: time a call"), "ns", &rate, Target::AtMost(1.10)),
        Line::ratio(11, &format!("{what}: server CPU a call"), "µs", &cpu, Target::None),
        Line::ratio(11, &format!("{what}: p99"), "µs", &p99, Target::None),
    ])
}
