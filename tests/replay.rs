//! `tollgate replay`, as a process, against a server that answers by simple rules: what is sent,
//! counted and printed.
//!
//! The real server is not part of it: `tests/readme.sh` replays against that.

use std::process::{Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use rust_decimal::Decimal;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::sync::Notify;
use tollgate::proto::v1::budget_service_server::{BudgetService, BudgetServiceServer};
use tollgate::proto::v1::usage_service_server::{UsageService, UsageServiceServer};
use tollgate::proto::v1::{
    Budget, BudgetState, CancelBudgetBoostRequest, CancelBudgetBoostResponse, CheckAndRouteRequest,
    CheckAndRouteResponse, CheckAndRouteStreamRequest, CheckAndRouteStreamResponse,
    CreateBudgetBoostRequest, CreateBudgetBoostResponse, Decision, ExtendHoldRequest,
    ExtendHoldResponse, GetBudgetRequest, GetBudgetResponse, ListBudgetBoostsRequest,
    ListBudgetBoostsResponse, ListCyclesRequest, ListCyclesResponse, ListHoldsRequest,
    ListHoldsResponse, ListRefusalsRequest, ListRefusalsResponse, ListUsageRecordsRequest,
    ListUsageRecordsResponse, Money, Outcome, Reason, RecordCreditRequest, RecordCreditResponse,
    RecordUsageBatchRequest, RecordUsageBatchResponse, RecordUsageRequest, RecordUsageResponse,
    ReleaseHoldRequest, ReleaseHoldResponse, RepriceUsageRequest, RepriceUsageResponse,
    SetAutomaticFallbackRequest, SetAutomaticFallbackResponse, SetPlanRequest, SetPlanResponse,
    VoidUsageRequest, VoidUsageResponse, WatchSpendRequest, WatchSpendResponse,
};
use tonic::{Request, Response, Status, Streaming};

/// A request with more input than this is blocked; one with an odd input is routed.
const INPUT_ALLOWED_MAX: i64 = 1_000;
/// The record of a request with this output fails.
const OUTPUT_FAILING: i64 = 13;
/// What a token of output costs, in nano-units.
const NANOS_PER_TOKEN: i64 = 1_000_001;

#[tokio::test]
async fn decisions_and_spend_are_reported() {
    let fake = Fake::start().await;
    let trace = [(2, 100), (4, 50), (3, 7), (2_000, 1)];
    let output = fake.replay(&trace, &[], std::future::pending()).await;
    assert_eq!(output.status.code(), Some(0));
    check(
        &output,
        &[
            "4 requests of",
            "allowed 2 50.0 %",
            "routed 1 25.0 %",
            "blocked 1 25.0 %",
            "EXHAUSTED 1 25.0 %",
            "asked 2 0 0.15000015",
            "cheap 0 1 0.007000007",
            "all 2 1 0.157000157",
            "state WITHIN_PLAN WITHIN_PLAN",
            "spent 0 EUR 0.157000157 EUR",
            "the server's spend grew by exactly the sum of these costs",
        ],
    );
}

#[tokio::test]
async fn failed_calls_are_counted_by_code() {
    let fake = Fake::start().await;
    let trace = [(2, 100), (2, OUTPUT_FAILING), (2, OUTPUT_FAILING)];
    let output = fake.replay(&trace, &[], std::future::pending()).await;
    assert_eq!(output.status.code(), Some(1));
    check(&output, &["3 requests of", "RecordUsage UNAVAILABLE 2 first: the disk is full"]);
}

#[tokio::test]
async fn a_stop_finishes_what_is_in_flight_and_reports() {
    let fake = Fake::start().await;
    let recorded = fake.state.clone();
    let stop = async move { recorded.recorded.notified().await };
    // The second request is due in a thousand seconds.
    let output = fake.replay(&[(2, 1), (2, 1)], &["--speed", "0.001"], stop).await;
    assert_eq!(output.status.code(), Some(0));
    check(&output, &["1 request of", "stopped early: 2 were planned", "allowed 1 100.0 %"]);
}

#[tokio::test]
async fn no_more_requests_are_in_flight_than_asked_for() {
    let fake = Fake::start().await;
    let trace = [(2, 1); 200];
    let output = fake.replay(&trace, &[], std::future::pending()).await;
    check(&output, &["200 requests of", "allowed 200 100.0 %"]);
    let most = fake.state.in_flight_max.load(Ordering::SeqCst);
    assert!((2..=CONCURRENCY as u64).contains(&most), "{most} in flight");
}

#[tokio::test]
async fn only_the_first_requests_are_replayed_where_there_is_a_limit() {
    let fake = Fake::start().await;
    let output = fake.replay(&[(2, 1); 5], &["--limit", "3"], std::future::pending()).await;
    check(&output, &["3 requests of", "allowed 3 100.0 %"]);
}

#[tokio::test]
async fn what_cannot_be_replayed_is_said_at_once() {
    let fake = Fake::start().await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), trace_text(&[(1, 1)])).unwrap();
    let trace = file.path().to_str().unwrap();
    for (arguments, expected) in [
        ([trace, &fake.address, "nobody"], "workspace \"nobody\": no such workspace"),
        ([trace, "http://127.0.0.1:1", "acme"], "no server answers at http://127.0.0.1:1/"),
        (["no.csv", &fake.address, "acme"], "no.csv could not be opened: No such file"),
        (["Cargo.toml", &fake.address, "acme"], "Cargo.toml: line 1: expected the header"),
    ] {
        let output = command(arguments).output().await.unwrap();
        assert_eq!(output.status.code(), Some(1));
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(message.starts_with(&format!("tollgate: {expected}")), "{message}");
        assert!(output.stdout.is_empty());
    }
}

/// Each expected text stands in one line, however wide its columns are.
fn check(output: &Output, expected: &[&str]) {
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<String> =
        text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for part in expected {
        assert!(
            lines.iter().any(|line| line.contains(part)),
            "{part:?} is not in:\n{text}{errors}"
        );
    }
}

/// The command, on a trace and a server, for a workspace.
fn command([trace, server, workspace]: [&str; 3]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
    command.args(["replay", trace, "--server", server, "--workspace", workspace]);
    command.args(["--model", "asked", "--concurrency", &CONCURRENCY.to_string()]);
    command.kill_on_drop(true).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Requests of a trace, one a second: input and output tokens.
fn trace_text(requests: &[(i64, i64)]) -> String {
    let mut text = "TIMESTAMP,ContextTokens,GeneratedTokens\n".to_owned();
    for (index, (input, output)) in requests.iter().enumerate() {
        let (minute, second) = (index / 60, index % 60);
        let line = format!("2023-11-16 18:{minute:02}:{second:02}.0000000,{input},{output}\n");
        text.push_str(&line);
    }
    text
}

const CONCURRENCY: usize = 8;

/// The server, and what it has seen.
struct Fake {
    state: Arc<State>,
    address: String,
}

#[derive(Default)]
struct State {
    spent_nanos: AtomicI64,
    in_flight: AtomicU64,
    in_flight_max: AtomicU64,
    recorded: Notify,
}

impl Fake {
    async fn start() -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State::default());
        let server = tonic::transport::Server::builder()
            .add_service(UsageServiceServer::from_arc(state.clone()))
            .add_service(BudgetServiceServer::from_arc(state.clone()));
        let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
        tokio::spawn(server.serve_with_incoming(incoming));
        Fake { state, address }
    }

    /// Sends SIGTERM when `stop` is ready.
    async fn replay(
        &self,
        trace: &[(i64, i64)],
        flags: &[&str],
        stop: impl Future<Output = ()>,
    ) -> Output {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), trace_text(trace)).unwrap();
        let mut command = command([file.path().to_str().unwrap(), &self.address, "acme"]);
        let child = command.args(flags).spawn().unwrap();
        let pid = child.id().unwrap().to_string();
        let output = child.wait_with_output();
        tokio::pin!(output);
        tokio::select! {
            output = &mut output => return output.unwrap(),
            () = stop => {}
        }
        let killed = Command::new("kill").args(["-TERM", &pid]).status().await.unwrap();
        assert!(killed.success());
        output.await.unwrap()
    }
}

fn money(nanos: i64) -> Option<Money> {
    let amount = Decimal::new(nanos, 9).normalize().to_string();
    Some(Money { currency_code: "EUR".to_owned(), amount })
}

type Answer<T> = Result<Response<T>, Status>;
type NoStream<T> = tokio_stream::Empty<Result<T, Status>>;

fn not_here<T>() -> Answer<T> {
    Err(Status::unimplemented("the replay does not call this"))
}

#[tonic::async_trait]
impl UsageService for State {
    async fn check_and_route(
        &self,
        request: Request<CheckAndRouteRequest>,
    ) -> Answer<CheckAndRouteResponse> {
        let in_flight = self.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        self.in_flight_max.fetch_max(in_flight, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(1)).await;
        self.in_flight.fetch_sub(1, Ordering::SeqCst);
        let check = request.into_inner();
        assert_eq!(check.attribution.unwrap().workflow_id, "replay");
        let (decision, model_id, reason) = if check.input_token_count > INPUT_ALLOWED_MAX {
            (Decision::Blocked, String::new(), Reason::Exhausted)
        } else if check.input_token_count % 2 == 1 {
            (Decision::Routed, "cheap".to_owned(), Reason::ModelLimit)
        } else {
            (Decision::Allowed, check.model_id, Reason::Unspecified)
        };
        Ok(Response::new(CheckAndRouteResponse {
            decision: decision.into(),
            model_id,
            request_id: check.request_id,
            reason: reason.into(),
            ..CheckAndRouteResponse::default()
        }))
    }

    async fn record_usage(
        &self,
        request: Request<RecordUsageRequest>,
    ) -> Answer<RecordUsageResponse> {
        let record = request.into_inner();
        assert_eq!(record.outcome(), Outcome::Success);
        let output = record.usage.as_ref().unwrap().output_token_count;
        if output == OUTPUT_FAILING {
            return Err(Status::unavailable("the disk is full"));
        }
        let cost = output * NANOS_PER_TOKEN;
        self.spent_nanos.fetch_add(cost, Ordering::SeqCst);
        self.recorded.notify_one();
        Ok(Response::new(RecordUsageResponse {
            cost: money(cost),
            ..RecordUsageResponse::default()
        }))
    }

    type CheckAndRouteStreamStream = NoStream<CheckAndRouteStreamResponse>;

    async fn check_and_route_stream(
        &self,
        _: Request<Streaming<CheckAndRouteStreamRequest>>,
    ) -> Answer<Self::CheckAndRouteStreamStream> {
        not_here()
    }

    async fn record_usage_batch(
        &self,
        _: Request<RecordUsageBatchRequest>,
    ) -> Answer<RecordUsageBatchResponse> {
        not_here()
    }

    async fn release_hold(&self, _: Request<ReleaseHoldRequest>) -> Answer<ReleaseHoldResponse> {
        not_here()
    }

    async fn extend_hold(&self, _: Request<ExtendHoldRequest>) -> Answer<ExtendHoldResponse> {
        not_here()
    }

    async fn list_holds(&self, _: Request<ListHoldsRequest>) -> Answer<ListHoldsResponse> {
        not_here()
    }

    async fn list_refusals(&self, _: Request<ListRefusalsRequest>) -> Answer<ListRefusalsResponse> {
        not_here()
    }

    async fn list_usage_records(
        &self,
        _: Request<ListUsageRecordsRequest>,
    ) -> Answer<ListUsageRecordsResponse> {
        not_here()
    }

    async fn reprice_usage(&self, _: Request<RepriceUsageRequest>) -> Answer<RepriceUsageResponse> {
        not_here()
    }

    async fn record_credit(&self, _: Request<RecordCreditRequest>) -> Answer<RecordCreditResponse> {
        not_here()
    }

    async fn void_usage(&self, _: Request<VoidUsageRequest>) -> Answer<VoidUsageResponse> {
        not_here()
    }
}

#[tonic::async_trait]
impl BudgetService for State {
    async fn get_budget(&self, request: Request<GetBudgetRequest>) -> Answer<GetBudgetResponse> {
        if request.into_inner().workspace_id != "acme" {
            return Err(Status::not_found("no such workspace"));
        }
        let budget = Budget {
            spent: money(self.spent_nanos.load(Ordering::SeqCst)),
            state: BudgetState::WithinPlan.into(),
            ..Budget::default()
        };
        Ok(Response::new(GetBudgetResponse { budget: Some(budget) }))
    }

    async fn list_cycles(&self, _: Request<ListCyclesRequest>) -> Answer<ListCyclesResponse> {
        not_here()
    }

    type WatchSpendStream = NoStream<WatchSpendResponse>;

    async fn watch_spend(&self, _: Request<WatchSpendRequest>) -> Answer<Self::WatchSpendStream> {
        not_here()
    }

    async fn create_budget_boost(
        &self,
        _: Request<CreateBudgetBoostRequest>,
    ) -> Answer<CreateBudgetBoostResponse> {
        not_here()
    }

    async fn list_budget_boosts(
        &self,
        _: Request<ListBudgetBoostsRequest>,
    ) -> Answer<ListBudgetBoostsResponse> {
        not_here()
    }

    async fn cancel_budget_boost(
        &self,
        _: Request<CancelBudgetBoostRequest>,
    ) -> Answer<CancelBudgetBoostResponse> {
        not_here()
    }

    async fn set_plan(&self, _: Request<SetPlanRequest>) -> Answer<SetPlanResponse> {
        not_here()
    }

    async fn set_automatic_fallback(
        &self,
        _: Request<SetAutomaticFallbackRequest>,
    ) -> Answer<SetAutomaticFallbackResponse> {
        not_here()
    }
}
