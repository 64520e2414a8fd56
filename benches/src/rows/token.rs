//! Row 17: a check with a token, where callers need one, against a check without.

use std::path::Path;

use tokio::process::Command;

use super::{Bench, alternate};
use crate::Result;
use crate::load::{Mode, Work};
use crate::processes::server::Server;
use crate::report::{Line, Rounds, Target};

/// Checks that are made while instructions are counted.
const COUNTED_CALLS: u32 = 2_000;
/// Function of `gate-count` whose instructions are counted.
const COUNTED: &str = "--toggle-collect=gate_count::counted*";

/// Closed loop as in row 1; then the instructions of one check alone.
pub async fn run(bench: &mut Bench) -> Result<Vec<Line>> {
    let (database, other) = (bench.sqlite()?, bench.sqlite()?);
    let operator = Server::make_token(&bench.programs, &database, "operator").await?;
    let token = Server::make_token(&bench.programs, &database, "service").await?;
    let programs = &bench.programs;
    let with = Server::tollgate_with_auth(programs, &database, "token", &operator).await?;
    with.set_up().await?;
    let without = Server::tollgate(programs, &other, "no-token").await?;
    without.set_up().await?;
    let plain = bench.options(Mode::Closed, Work::Check);
    let mut authorized = plain.clone();
    authorized.token = Some(token.clone());
    let (mut rate, mut cpu, mut p99) = (Rounds::default(), Rounds::default(), Rounds::default());
    for round in 0..bench.extent.rounds {
        let pair = alternate(round, (&with, &authorized), (&without, &plain)).await?;
        // As time a call: more is worse.
        rate.push(1e9 / pair.0.units_per_second, 1e9 / pair.1.units_per_second);
        cpu.push(pair.0.server_cpu_us(), pair.1.server_cpu_us());
        p99.push(pair.0.check.p99, pair.1.check.p99);
    }
    with.stop().await?;
    without.stop().await?;
    let what = "check, 8 x 16, with a token against none";
    Ok(vec![
        Line::ratio(17, &format!("{what}: time a call"), "ns", &rate, Target::AtMost(1.03)),
        Line::ratio(17, &format!("{what}: server CPU a call"), "µs", &cpu, Target::AtMost(1.03)),
        Line::ratio(17, &format!("{what}: p99"), "µs", &p99, Target::None),
        counted(&programs.count, &database, &token, &other).await?,
    ])
}

/// Instructions of a check behind HTTP/2: what no other process on the machine can change.
async fn counted(program: &Path, database: &str, token: &str, other: &str) -> Result<Line> {
    let what = "instructions of a check behind HTTP/2, with a token against none";
    let mut counts = Rounds::default();
    let with = of_a_check(program, &["--database", database, "--token", token]).await?;
    let without = of_a_check(program, &["--database", other]).await?;
    let (Some(with), Some(without)) = (with, without) else {
        return Ok(Line::not_measured(17, what, "valgrind is not installed"));
    };
    counts.push(with, without);
    Ok(Line::ratio(17, what, "", &counts, Target::AtMost(1.03)))
}

/// None without valgrind.
async fn of_a_check(program: &Path, arguments: &[&str]) -> Result<Option<f64>> {
    let all = instructions(program, arguments, COUNTED_CALLS).await?;
    Ok(all.map(|all| all / f64::from(COUNTED_CALLS)))
}

async fn instructions(program: &Path, arguments: &[&str], calls: u32) -> Result<Option<f64>> {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null", COUNTED]);
    command.arg(program).args(arguments).args(["--calls", &calls.to_string()]);
    command.kill_on_drop(true);
    let output = match command.output().await {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        output => output?,
    };
    let said = String::from_utf8_lossy(&output.stderr);
    let counted = said.lines().find_map(|line| line.split_once("Collected : "));
    let count = counted.and_then(|(_, count)| count.trim().parse().ok());
    match (output.status.success(), count) {
        (true, Some(count)) => Ok(Some(count)),
        _ => Err(format!("the checks under valgrind failed: {said}").into()),
    }
}
