//! Figures of a running server that are read when somebody asks for its metrics: from memory alone,
//! so that an outage of storage can be watched.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::domain::money::NANOS_PER_UNIT;
use crate::domain::time::MICROS_PER_SECOND;
use crate::domain::{Amount, Currency, Time};
use crate::engine::{Engine, QUEUED_RECORDS_IN_ALL_MAX};
use crate::telemetry::listener::Watched;
use crate::{logging, telemetry};

/// Ledgers are asked, one after the other, no more often than this: each is locked for a moment.
const LEDGERS_INTERVAL: Duration = Duration::from_secs(1);
/// And so rarely that it takes no more than this part of the time.
const LEDGERS_PART: u32 = 20;

/// The figures of one server.
pub(super) struct Gauges {
    engine: Engine,
    stopping: CancellationToken,
    /// When ledgers may be asked again.
    due: Mutex<Instant>,
}

#[derive(Default)]
struct Sums {
    holds: usize,
    stored: usize,
    expired: i64,
    settled: i64,
    exceeded: i64,
    held: ByCurrency,
    held_in_outage: ByCurrency,
    settled_held: ByCurrency,
    settled_cost: ByCurrency,
}

type ByCurrency = BTreeMap<String, f64>;

impl Gauges {
    pub fn new(engine: Engine, stopping: CancellationToken) -> Gauges {
        Gauges { engine, stopping, due: Mutex::new(Instant::now()) }
    }

    fn refresh_ledgers(&self) {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        let start = Instant::now();
        if start < *due {
            return;
        }
        let workspaces = self.engine.loaded_workspaces();
        let mut sums = Sums::default();
        for workspace in &workspaces {
            let Some((currency, figures)) = workspace.figures() else { continue };
            sums.holds += figures.holds;
            sums.stored += figures.stored_holds;
            sums.expired += figures.expired;
            sums.settled += figures.settled.holds;
            sums.exceeded += figures.settled.exceeded;
            add(&mut sums.held, currency, figures.held);
            add(&mut sums.held_in_outage, currency, figures.held_in_outage);
            add(&mut sums.settled_held, currency, figures.settled.held);
            add(&mut sums.settled_cost, currency, figures.settled.cost);
        }
        telemetry::WORKSPACES_LOADED.set_count(workspaces.len());
        telemetry::WORKSPACES_QUARANTINED.set_count(self.engine.quarantined_workspaces());
        telemetry::HOLDS.set_count(sums.holds);
        telemetry::HOLDS_STORED.set_count(sums.stored);
        telemetry::HOLDS_EXPIRED.set(count(sums.expired));
        telemetry::HOLDS_SETTLED.set(count(sums.settled));
        telemetry::HOLDS_EXCEEDED.set(count(sums.exceeded));
        telemetry::HELD_AMOUNT.set(sums.held);
        telemetry::OUTAGE_HELD.set(sums.held_in_outage);
        telemetry::SETTLED_HELD.set(sums.settled_held);
        telemetry::SETTLED_COST.set(sums.settled_cost);
        *due = Instant::now() + LEDGERS_INTERVAL.max(start.elapsed() * LEDGERS_PART);
    }
}

impl Watched for Gauges {
    fn is_ready(&self) -> bool {
        self.engine.is_available() && !self.stopping.is_cancelled()
    }

    fn refresh(&self) {
        let engine = &self.engine;
        telemetry::SERVING.set_flag(self.is_ready());
        telemetry::STORAGE_ANSWERS.set_flag(*engine.storage_answers().borrow());
        telemetry::QUEUE_COMMANDS.set_count(engine.queued_commands());
        telemetry::QUEUE_COMMANDS_MAX.set_count(QUEUED_RECORDS_IN_ALL_MAX);
        telemetry::OLDEST_WRITE_AGE.set(engine.oldest_write_age().as_secs_f64());
        let outage = engine.outage_since().map_or(0, |since| (engine.now() - since).max(0));
        telemetry::OUTAGE_AGE.set(outage as f64 / MICROS_PER_SECOND as f64);
        telemetry::LEASE_DURATION.set(engine.lease().duration().map(|it| it.as_secs_f64()));
        telemetry::LEASE_REMAINING.set(engine.lease().remaining().map(|it| it.as_secs_f64()));
        telemetry::LOG_LINES_LOST.set(logging::lost_lines());
        let folded = engine.folded();
        if folded.as_of > Time::from_micros(0) {
            let lag = (engine.now() - folded.as_of).max(0);
            telemetry::FOLD_LAG.set(lag as f64 / MICROS_PER_SECOND as f64);
            telemetry::FOLD_LAG_RECORDS.set((engine.last_committed() - folded.seq).max(0) as f64);
        }
        self.refresh_ledgers();
    }
}

/// For people: not exact beyond 15 digits.
fn add(sums: &mut ByCurrency, currency: Currency, amount: Amount) {
    let units = amount.nanos() as f64 / NANOS_PER_UNIT as f64;
    *sums.entry(currency.to_string()).or_default() += units;
}

fn count(count: i64) -> u64 {
    u64::try_from(count).unwrap_or_default()
}
