//! Replay of a recorded trace of LLM requests: paced, with bounded concurrency, and counted.
//!
//! Each request is checked, and what the trace says was generated is recorded on the model that
//! the server decided on. Nothing is retried: a call that fails is counted and shown. Speaks to
//! the server through [`Server`] alone.

pub mod pace;
pub mod report;
pub mod tally;
pub mod trace;

use std::future::Future;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

use crate::progress::Progress;
use pace::Speed;
use report::Report;
use tally::{Decision, Failure, Outcome, Tally};
use trace::Row;

/// Most requests that may be in flight.
pub const CONCURRENCY_MAX: usize = 10_000;

/// A replay ends after so many errors: the rest of the trace would show nothing new.
const ERRORS_MAX: u64 = 1_000;

/// The calls that a replay makes, for one workspace and one model.
pub trait Server: Clone + Send + 'static {
    /// Checks a request and holds its worst-case cost.
    fn check(
        &mut self,
        request_id: &str,
        row: Row,
    ) -> impl Future<Output = Result<Decision, Failure>> + Send;

    /// Records what a request used on the model that its check decided on.
    fn record(
        &mut self,
        request_id: &str,
        model_id: &str,
        row: Row,
    ) -> impl Future<Output = Result<Recorded, Failure>> + Send;

    /// The budget of the workspace, or why it is not known.
    fn budget(&mut self) -> impl Future<Output = Result<Budget, String>> + Send;
}

/// The answer to a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    pub cost: Option<Decimal>,
    pub unpriced: bool,
}

/// A workspace's budget at one moment, with its amounts in one currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    pub state: String,
    pub currency: String,
    pub plan_budget: Option<Decimal>,
    pub overage_limit: Option<Decimal>,
    pub spent: Option<Decimal>,
    pub held: Option<Decimal>,
    pub remaining: Option<Decimal>,
    /// Absent without a plan.
    pub cycle_start: Option<DateTime<Utc>>,
}

/// How a trace is replayed.
#[derive(Clone, Debug)]
pub struct Options {
    /// Name of the trace, for the report.
    pub trace: String,
    /// The workspace, for the report.
    pub workspace_id: String,
    pub speed: Speed,
    /// Most requests in flight; 1 to [`CONCURRENCY_MAX`].
    pub concurrency: usize,
}

/// Replays a trace until its end, or until `stop` is ready: then no further request begins, and
/// those in flight are finished.
///
/// # Errors
/// If the budget of the workspace cannot be read before the first request. Errors of single
/// requests are part of the report.
pub async fn run<S: Server>(
    mut server: S,
    rows: &[Row],
    options: Options,
    stop: impl Future<Output = ()>,
) -> Result<Report, String> {
    let before = server.budget().await?;
    let planned = rows.len() as u64;
    let mut replay = Replay {
        server: server.clone(),
        speed: options.speed,
        concurrency: options.concurrency.clamp(1, CONCURRENCY_MAX),
        in_flight: JoinSet::new(),
        tally: Tally::new(),
        lag_max: Duration::ZERO,
        progress: Progress::new(planned, "requests"),
    };
    let start = Instant::now();
    let completed = replay.drive(rows, start, stop).await;
    let elapsed = start.elapsed();
    replay.progress.finish();
    let after = server.budget().await;
    let (lag, tally) = (replay.lag_max, replay.tally);
    Ok(Report { options, planned, completed, elapsed, lag, tally, before, after })
}

/// A replay under way.
struct Replay<S> {
    server: S,
    speed: Speed,
    concurrency: usize,
    in_flight: JoinSet<Outcome>,
    tally: Tally,
    /// By how much the latest of the requests began after it was due.
    lag_max: Duration,
    progress: Progress,
}

impl<S: Server> Replay<S> {
    /// Whether all requests were sent.
    async fn drive(
        &mut self,
        rows: &[Row],
        start: Instant,
        stop: impl Future<Output = ()>,
    ) -> bool {
        tokio::pin!(stop);
        let mut completed = true;
        for row in rows {
            let due = start + self.speed.due(row.offset);
            let goes_on = tokio::select! {
                biased;
                () = &mut stop => false,
                () = self.wait_until(due) => self.tally.errors() < ERRORS_MAX,
            };
            if !goes_on {
                completed = false;
                break;
            }
            if self.speed != Speed::Max {
                self.lag_max = self.lag_max.max(due.elapsed());
            }
            self.in_flight.spawn(request(self.server.clone(), *row));
        }
        while self.finish_one().await {}
        completed
    }

    /// Counts finished requests until the next one is due and there is room for it.
    async fn wait_until(&mut self, due: Instant) {
        while self.in_flight.len() >= self.concurrency {
            self.finish_one().await;
        }
        let due = tokio::time::sleep_until(due);
        tokio::pin!(due);
        loop {
            tokio::select! {
                biased;
                () = &mut due => return,
                // Disabled when nothing is in flight: then only the time is waited for.
                true = self.finish_one() => {}
            }
        }
    }

    /// False if nothing is in flight.
    async fn finish_one(&mut self) -> bool {
        match self.in_flight.join_next().await {
            None => false,
            Some(Ok(outcome)) => {
                self.tally.add(outcome);
                let tally = &self.tally;
                self.progress.show(tally.requests, || {
                    format!("{} spent, {} blocked", tally.spent.normalize(), tally.blocked())
                });
                true
            }
            Some(Err(error)) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_cancelled) => true,
            },
        }
    }
}

/// Makes the two calls of one request.
async fn request(mut server: impl Server, row: Row) -> Outcome {
    let mut outcome = Outcome::default();
    let request_id = Uuid::now_v7().to_string();
    let start = Instant::now();
    let decision = match server.check(&request_id, row).await {
        Ok(decision) => outcome.decision.insert(decision),
        Err(failure) => {
            outcome.error = Some(failure);
            return outcome;
        }
    };
    outcome.check_latency = Some(start.elapsed());
    let (Decision::Allowed(model_id) | Decision::Routed(model_id)) = decision else {
        return outcome;
    };
    let start = Instant::now();
    match server.record(&request_id, model_id, row).await {
        Ok(recorded) => {
            outcome.record_latency = Some(start.elapsed());
            outcome.unpriced = recorded.unpriced;
            outcome.cost = recorded.cost;
        }
        Err(failure) => outcome.error = Some(failure),
    }
    outcome
}

#[cfg(test)]
mod tests;
