//! The closed loop, and one unit of work as both loops do it.

use std::rc::Rc;
use std::time::Instant;

use bytes::Bytes;

use super::meter::{Meter, Timed};
use super::wire::{Connection, Method};
use super::{Options, Work};
use crate::Result;
use crate::messages::{Id, Templates, new_id};

/// The first bytes of an encoded `CheckAndRouteResponse` with `DECISION_ALLOWED`.
pub const ALLOWED: [u8; 2] = [0x08, 0x01];

/// Runs every caller until the meter starts no more work.
pub async fn run(
    options: &Options,
    connections: Vec<Connection>,
    templates: Rc<Templates>,
    meter: &Rc<Meter>,
) {
    let mut callers = Vec::new();
    for connection in &connections {
        for _ in 0..options.in_flight {
            let (templates, meter) = (Rc::clone(&templates), Rc::clone(meter));
            let caller = call_again(connection.clone(), options.work, templates, meter);
            callers.push(tokio::task::spawn_local(caller));
        }
    }
    for caller in callers {
        caller.await.expect("a caller does not panic");
    }
}

async fn call_again(
    mut connection: Connection,
    work: Work,
    templates: Rc<Templates>,
    meter: Rc<Meter>,
) {
    while let Some(number) = meter.start() {
        let outcome = unit(&mut connection, work, &templates, number, &meter).await;
        let failed = outcome.is_err();
        meter.finish(outcome);
        if failed {
            tokio::task::yield_now().await;
        }
    }
}

/// Does one unit of work.
pub async fn unit(
    connection: &mut Connection,
    work: Work,
    templates: &Templates,
    number: u64,
    meter: &Meter,
) -> Result<()> {
    let user = number as usize % templates.checks.len();
    let id = new_id();
    match work {
        Work::Check => check(connection, templates, user, &id, meter).await,
        Work::TwoChecks => {
            check(connection, templates, user, &id, meter).await?;
            check(connection, templates, user, &new_id(), meter).await
        }
        Work::Record => record(connection, templates.records[user].fill(&id), meter).await,
        Work::RecordAnswer => record(connection, templates.answers[user].fill(&id), meter).await,
        Work::Pair => {
            check(connection, templates, user, &id, meter).await?;
            record(connection, templates.settling_records[0].fill(&id), meter).await
        }
    }
}

async fn check(
    connection: &mut Connection,
    templates: &Templates,
    user: usize,
    id: &Id,
    meter: &Meter,
) -> Result<()> {
    let message = templates.checks[user].fill(id);
    let start = Instant::now();
    let answer = connection.call(Method::CheckAndRoute, message).await?;
    meter.time(Timed::Check, start);
    if !answer.starts_with(&ALLOWED) {
        meter.not_allowed();
    }
    Ok(())
}

async fn record(connection: &mut Connection, message: Bytes, meter: &Meter) -> Result<()> {
    let start = Instant::now();
    connection.call(Method::RecordUsage, message).await?;
    meter.time(Timed::Record, start);
    Ok(())
}
