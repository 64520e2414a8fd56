//! Counts and times the calls of one run: only those that end inside the measured window.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::{Mode, Options, Work};
use crate::processes::cpu_seconds;
use crate::{Error, Result};

/// Longest latency that is told apart, in nanoseconds: a minute.
const LATENCY_MAX: u64 = 60_000_000_000;

/// Errors after which a run in which nothing succeeds is given up.
const ERRORS_MAX: u64 = 10_000;

/// What one run of the generator found; its JSON is the generator's output.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LoadResult {
    pub mode: Mode,
    pub work: Work,
    /// Length of the window that was measured.
    pub seconds: f64,
    /// Units of work that ended in the window.
    pub units: u64,
    pub units_per_second: f64,
    /// Calls of the whole run that failed, and the first reason.
    pub errors: u64,
    pub first_error: Option<String>,
    /// Checks of the whole run that were not answered with ALLOWED.
    pub not_allowed: u64,
    /// Units started in the whole run.
    pub started: u64,
    pub check: Quantiles,
    pub record: Quantiles,
    /// How much later than planned calls were sent (open loop).
    pub late: Quantiles,
    /// CPU time of the server and of the generator in the window.
    pub server_cpu_seconds: f64,
    pub load_cpu_seconds: f64,
    /// Units by second of the window.
    pub by_second: Vec<u64>,
}

impl LoadResult {
    /// CPU time of the server for each unit of work, in microseconds.
    pub fn server_cpu_us(&self) -> f64 {
        self.server_cpu_seconds * 1e6 / self.units.max(1) as f64
    }

    /// Cores that the generator kept busy: near 1, it was the bottleneck.
    pub fn load_cores(&self) -> f64 {
        self.load_cpu_seconds / self.seconds
    }
}

/// A distribution of latencies, in microseconds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Quantiles {
    pub count: u64,
    pub mean: f64,
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub p999: f64,
    pub max: f64,
}

impl Quantiles {
    fn of(histogram: &Histogram<u64>) -> Quantiles {
        let at = |quantile| histogram.value_at_quantile(quantile) as f64 / 1e3;
        Quantiles {
            count: histogram.len(),
            mean: histogram.mean() / 1e3,
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: histogram.max() as f64 / 1e3,
        }
    }
}

/// Which distribution a latency belongs to.
#[derive(Clone, Copy)]
pub enum Timed {
    Check,
    Record,
    Late,
}

pub struct Meter {
    begin: Instant,
    end: Cell<Instant>,
    count_max: u64,
    started: Cell<u64>,
    under_way: Cell<u64>,
    succeeded: Cell<u64>,
    closed: Cell<bool>,
    tally: RefCell<Tally>,
}

struct Tally {
    units: u64,
    errors: u64,
    first_error: Option<String>,
    not_allowed: u64,
    check: Histogram<u64>,
    record: Histogram<u64>,
    late: Histogram<u64>,
    by_second: Vec<u64>,
    server_cpu: f64,
    load_cpu: f64,
}

impl Meter {
    pub fn new(options: &Options) -> Meter {
        let begin = Instant::now() + Duration::from_secs_f64(options.warm_up);
        let histogram =
            || Histogram::new_with_bounds(1, LATENCY_MAX, 3).expect("the bounds are valid");
        let tally = Tally {
            units: 0,
            errors: 0,
            first_error: None,
            not_allowed: 0,
            check: histogram(),
            record: histogram(),
            late: histogram(),
            by_second: Vec::new(),
            server_cpu: 0.0,
            load_cpu: 0.0,
        };
        Meter {
            begin,
            end: Cell::new(begin + Duration::from_secs_f64(options.seconds)),
            count_max: if options.count == 0 { u64::MAX } else { options.count },
            started: Cell::new(0),
            under_way: Cell::new(0),
            succeeded: Cell::new(0),
            closed: Cell::new(false),
            tally: RefCell::new(tally),
        }
    }

    pub fn end(&self) -> Instant {
        self.end.get()
    }

    /// Starts a unit of work and returns its number; `None` when no more are to be started.
    pub fn start(&self) -> Option<u64> {
        let number = self.started.get();
        let hopeless = self.succeeded.get() == 0 && self.tally.borrow().errors >= ERRORS_MAX;
        if number >= self.count_max || hopeless || Instant::now() >= self.end() {
            return None;
        }
        self.started.set(number + 1);
        self.under_way.set(self.under_way.get() + 1);
        Some(number)
    }

    /// Notes the end of a unit of work.
    pub fn finish(&self, outcome: Result<()>) {
        self.under_way.set(self.under_way.get() - 1);
        if let Err(error) = outcome {
            self.fail(&error);
            return;
        }
        self.succeeded.set(self.succeeded.get() + 1);
        let Some(since) = self.in_window(Instant::now()) else {
            return;
        };
        let mut tally = self.tally.borrow_mut();
        tally.units += 1;
        let second = since.as_secs() as usize;
        if tally.by_second.len() <= second {
            tally.by_second.resize(second + 1, 0);
        }
        tally.by_second[second] += 1;
    }

    fn fail(&self, error: &Error) {
        let mut tally = self.tally.borrow_mut();
        tally.errors += 1;
        tally.first_error.get_or_insert_with(|| error.to_string());
    }

    /// Notes a latency that began at `start` and ends now.
    pub fn time(&self, what: Timed, start: Instant) {
        let now = Instant::now();
        if self.in_window(now).is_none() {
            return;
        }
        let nanos = u64::try_from((now - start).as_nanos()).unwrap_or(LATENCY_MAX);
        let mut tally = self.tally.borrow_mut();
        let histogram = match what {
            Timed::Check => &mut tally.check,
            Timed::Record => &mut tally.record,
            Timed::Late => &mut tally.late,
        };
        histogram.saturating_record(nanos.max(1));
    }

    pub fn not_allowed(&self) {
        self.tally.borrow_mut().not_allowed += 1;
    }

    fn in_window(&self, now: Instant) -> Option<Duration> {
        let inside = now >= self.begin && now < self.end();
        inside.then(|| now - self.begin)
    }

    /// Waits until no unit of work is under way, or for `at_most`.
    pub async fn wait_idle(&self, at_most: Duration) {
        let deadline = Instant::now() + at_most;
        while self.under_way.get() > 0 && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Ends the window now, if it has not ended yet.
    pub fn close(&self) {
        self.closed.set(true);
        self.end.set(self.end().min(Instant::now()));
    }

    /// Reads the CPU times of the server and of this process at both ends of the window.
    pub async fn watch_cpu(self: Rc<Self>, server: Option<u32>) {
        let read = || {
            let server = server.map_or(0.0, |pid| cpu_seconds(pid).unwrap_or(0.0));
            (server, cpu_seconds(std::process::id()).unwrap_or(0.0))
        };
        while Instant::now() < self.begin && !self.closed.get() {
            let left = self.begin - Instant::now();
            tokio::time::sleep(left.min(Duration::from_millis(100))).await;
        }
        let before = read();
        while Instant::now() < self.end() && !self.closed.get() {
            let left = self.end() - Instant::now();
            tokio::time::sleep(left.min(Duration::from_millis(100))).await;
        }
        let after = read();
        let mut tally = self.tally.borrow_mut();
        tally.server_cpu = after.0 - before.0;
        tally.load_cpu = after.1 - before.1;
    }

    pub fn result(&self, options: &Options) -> LoadResult {
        let tally = self.tally.borrow();
        let seconds = self.end().saturating_duration_since(self.begin).as_secs_f64();
        LoadResult {
            mode: options.mode,
            work: options.work,
            seconds,
            units: tally.units,
            units_per_second: if seconds > 0.0 { tally.units as f64 / seconds } else { 0.0 },
            errors: tally.errors,
            first_error: tally.first_error.clone(),
            not_allowed: tally.not_allowed,
            started: self.started.get(),
            check: Quantiles::of(&tally.check),
            record: Quantiles::of(&tally.record),
            late: Quantiles::of(&tally.late),
            server_cpu_seconds: tally.server_cpu,
            load_cpu_seconds: tally.load_cpu,
            by_second: tally.by_second.clone(),
        }
    }
}
