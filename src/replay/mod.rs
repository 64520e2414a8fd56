//! `tollgate replay`: drives a recorded trace of LLM requests through a running server.
//!
//! Knows the server by its protos alone, as any caller does: each request is checked, and what
//! was really generated is recorded on the model that the server decided on. Nothing is retried:
//! a call that fails is counted and shown.

pub mod pace;
mod progress;
mod report;
mod tally;
pub mod trace;

use std::fs::File;
use std::future::Future;
use std::io::BufReader;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rust_decimal::Decimal;
use tokio::task::JoinSet;
use tonic::transport::{Channel, Endpoint};
use uuid::Uuid;

use crate::proto::v1::budget_service_client::BudgetServiceClient;
use crate::proto::v1::usage_service_client::UsageServiceClient;
use crate::proto::v1::{
    self, Attribution, Budget, CheckAndRouteRequest, CheckAndRouteResponse, GetBudgetRequest,
    Money, Outcome, RecordUsageRequest, Usage, UsageSource,
};
use pace::Speed;
use progress::Progress;
pub use report::Report;
use tally::{Decision, Failure, Tally};
use trace::Row;

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Longest wait for one answer.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// Most requests that may be in flight.
pub const CONCURRENCY_MAX: usize = 10_000;

/// After so many errors the rest of the trace would tell nothing new.
const ERRORS_MAX: u64 = 1_000;

/// What the replayed requests are attributed to.
const WORKFLOW_ID: &str = "replay";

/// What to replay, and where.
#[derive(Clone, Debug)]
pub struct Options {
    pub file: PathBuf,
    /// Address of the server, for example "http://127.0.0.1:50051".
    pub server: String,
    pub workspace_id: String,
    pub model_id: String,
    pub speed: Speed,
    /// Most requests in flight; 1 to [`CONCURRENCY_MAX`].
    pub concurrency: usize,
    /// Replays only so many requests.
    pub limit: Option<usize>,
    /// What each check gives as the most output tokens; absent if absent.
    pub max_output_token_count: Option<i64>,
}

/// Why a replay could not begin.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{} could not be opened: {cause}", path.display())]
    File { path: PathBuf, cause: std::io::Error },
    #[error("{}: {cause}", path.display())]
    Trace { path: PathBuf, cause: trace::Error },
    #[error("{server:?} is not an address of a server: expected http://HOST:PORT")]
    Address { server: String },
    #[error("no server answers at {server}: start one with `tollgate serve`")]
    Connect { server: String },
    #[error("workspace {workspace_id:?}: {message}")]
    Workspace { workspace_id: String, message: String },
}

/// Replays the trace until its end, or until `stop` is ready: then no further request begins,
/// and those in flight are finished.
///
/// # Errors
/// If the trace cannot be read, the server cannot be reached or does not know the workspace.
/// Errors of single requests are part of the report.
pub async fn run(options: Options, stop: impl Future<Output = ()>) -> Result<Report, Error> {
    let path = || options.file.clone();
    let file = File::open(&options.file).map_err(|cause| Error::File { path: path(), cause })?;
    let rows = trace::read(BufReader::new(file), options.limit)
        .map_err(|cause| Error::Trace { path: path(), cause })?;
    let channel = connect(&options.server).await?;
    let before = budget(&channel, &options.workspace_id).await?;
    let mut replay = Replay {
        caller: Caller::new(&options, channel.clone()),
        speed: options.speed,
        concurrency: options.concurrency.clamp(1, CONCURRENCY_MAX),
        in_flight: JoinSet::new(),
        tally: Tally::new(),
        latest_lag: Duration::ZERO,
        progress: Progress::new(rows.len() as u64),
    };
    let start = Instant::now();
    let completed = replay.drive(&rows, start, stop).await;
    let elapsed = start.elapsed();
    replay.progress.finish(&replay.tally);
    let after = budget(&channel, &options.workspace_id).await;
    Ok(Report {
        options,
        planned: rows.len() as u64,
        completed,
        elapsed,
        lag: replay.latest_lag,
        tally: replay.tally,
        before,
        after: after.map_err(|error| error.to_string()),
    })
}

/// A replay under way.
struct Replay {
    caller: Caller,
    speed: Speed,
    concurrency: usize,
    in_flight: JoinSet<tally::Outcome>,
    tally: Tally,
    /// By how much the latest of the requests began after it was due.
    latest_lag: Duration,
    progress: Progress,
}

impl Replay {
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
                self.latest_lag = self.latest_lag.max(due.elapsed());
            }
            self.in_flight.spawn(self.caller.clone().request(*row));
        }
        while self.finish_one().await {}
        completed
    }

    /// Counts what is finished until a request is due and there is room for it.
    async fn wait_until(&mut self, due: Instant) {
        while self.in_flight.len() >= self.concurrency {
            self.finish_one().await;
        }
        let due = tokio::time::sleep_until(due.into());
        tokio::pin!(due);
        loop {
            tokio::select! {
                biased;
                () = &mut due => return,
                // Without a request in flight only the time is waited for.
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
                self.progress.show(&self.tally);
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
#[derive(Clone)]
struct Caller {
    usage: UsageServiceClient<Channel>,
    workspace_id: String,
    model_id: String,
    max_output_token_count: Option<i64>,
}

impl Caller {
    fn new(options: &Options, channel: Channel) -> Caller {
        Caller {
            usage: UsageServiceClient::new(channel),
            workspace_id: options.workspace_id.clone(),
            model_id: options.model_id.clone(),
            max_output_token_count: options.max_output_token_count,
        }
    }

    async fn request(mut self, row: Row) -> tally::Outcome {
        let mut outcome = tally::Outcome::default();
        let request_id = Uuid::now_v7().to_string();
        let start = Instant::now();
        let checked = match self.usage.check_and_route(self.check(&request_id, row)).await {
            Ok(response) => response.into_inner(),
            Err(status) => {
                outcome.error = Some(failure("CheckAndRoute", &status));
                return outcome;
            }
        };
        outcome.check_latency = Some(start.elapsed());
        let decision = decision(&checked);
        let blocked = matches!(decision, Decision::Blocked(_));
        outcome.decision = Some(decision);
        if blocked {
            return outcome;
        }
        let start = Instant::now();
        let record = self.record(request_id, checked.model_id, row);
        match self.usage.record_usage(record).await {
            Ok(response) => {
                let response = response.into_inner();
                outcome.record_latency = Some(start.elapsed());
                outcome.unpriced = response.unpriced;
                outcome.cost = response.cost.as_ref().and_then(decimal);
            }
            Err(status) => outcome.error = Some(failure("RecordUsage", &status)),
        }
        outcome
    }

    fn check(&self, request_id: &str, row: Row) -> CheckAndRouteRequest {
        CheckAndRouteRequest {
            workspace_id: self.workspace_id.clone(),
            request_id: request_id.to_owned(),
            model_id: self.model_id.clone(),
            input_token_count: row.input_token_count,
            max_output_token_count: self.max_output_token_count,
            attribution: Some(attribution()),
            ..CheckAndRouteRequest::default()
        }
    }

    fn record(&self, request_id: String, model_id: String, row: Row) -> RecordUsageRequest {
        RecordUsageRequest {
            workspace_id: self.workspace_id.clone(),
            request_id,
            model_id,
            usage: Some(Usage {
                input_token_count: row.input_token_count,
                output_token_count: row.output_token_count,
                ..Usage::default()
            }),
            outcome: Outcome::Success.into(),
            usage_source: UsageSource::Provider.into(),
            attribution: Some(attribution()),
            ..RecordUsageRequest::default()
        }
    }
}

async fn connect(server: &str) -> Result<Channel, Error> {
    let server =
        if server.contains("://") { server.to_owned() } else { format!("http://{server}") };
    let address = || Error::Address { server: server.clone() };
    if !server.starts_with("http://") {
        return Err(address());
    }
    let endpoint = Endpoint::from_shared(server.clone()).map_err(|_| address())?;
    let endpoint = endpoint.connect_timeout(CONNECT_TIMEOUT).timeout(CALL_TIMEOUT);
    endpoint.connect().await.map_err(|_| Error::Connect { server: server.clone() })
}

async fn budget(channel: &Channel, workspace_id: &str) -> Result<Budget, Error> {
    let request = GetBudgetRequest { workspace_id: workspace_id.to_owned() };
    let answer = BudgetServiceClient::new(channel.clone()).get_budget(request).await;
    let workspace = |message: &str| Error::Workspace {
        workspace_id: workspace_id.to_owned(),
        message: message.to_owned(),
    };
    let response = answer.map_err(|status| workspace(status.message()))?;
    response.into_inner().budget.ok_or_else(|| workspace("the server answered without a budget"))
}

fn decision(response: &CheckAndRouteResponse) -> Decision {
    match response.decision() {
        v1::Decision::Allowed => Decision::Allowed(response.model_id.clone()),
        v1::Decision::Routed => Decision::Routed(response.model_id.clone()),
        v1::Decision::Blocked | v1::Decision::Unspecified => {
            let reason = response.reason().as_str_name();
            Decision::Blocked(reason.trim_start_matches("REASON_").to_owned())
        }
    }
}

fn attribution() -> Attribution {
    Attribution { workflow_id: WORKFLOW_ID.to_owned(), ..Attribution::default() }
}

fn decimal(money: &Money) -> Option<Decimal> {
    money.amount.parse().ok()
}

fn failure(call: &'static str, status: &tonic::Status) -> Failure {
    Failure { call, code: code_name(status.code()), message: status.message().to_owned() }
}

/// The code as the gRPC documents write it: `UNAVAILABLE`, `INVALID_ARGUMENT`.
fn code_name(code: tonic::Code) -> String {
    let mut name = String::new();
    for letter in format!("{code:?}").chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_named_as_grpc_names_them() {
        assert_eq!(code_name(tonic::Code::Unavailable), "UNAVAILABLE");
        assert_eq!(code_name(tonic::Code::InvalidArgument), "INVALID_ARGUMENT");
    }

    #[tokio::test]
    async fn what_is_no_address_is_refused() {
        for server in ["https://127.0.0.1:1", "http://", "ftp://h", "a b"] {
            let error = connect(server).await.unwrap_err().to_string();
            assert!(error.contains("expected http://HOST:PORT"), "{error}");
        }
    }
}
