//! The port that a server is watched by, of the real binary: figures after known calls, during an
//! outage of storage, and against docs/operations.md; and the ids in lines of the log.

#[path = "support/server.rs"]
mod in_process;
#[path = "support/process.rs"]
mod process;
#[path = "support/mod.rs"]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use in_process::TestClock;
use process::{Server, free_port, serve};
use sqlx::{Connection, SqliteConnection};
use support::{not_run, was_run};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_stream::StreamExt;
use tollgate::config::Config;
use tollgate::proto::v1;
use tollgate::proto::v1::budget_service_client::BudgetServiceClient;
use tollgate::proto::v1::model_limit_service_client::ModelLimitServiceClient;
use tollgate::proto::v1::usage_service_client::UsageServiceClient;
use tollgate::proto::v1::workspace_service_client::WorkspaceServiceClient;
use tollgate::server::{self, Signals};
use tollgate::telemetry::listener::{self, Monitor};
use tollgate::telemetry::{Kind, TABLE};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request};

const ACME: &str = "acme";
const STORED: &str = "tollgate_holds_stored";
const QUARANTINED: &str = "tollgate_workspaces_quarantined";
const QUARANTINES: &str = "tollgate_quarantines_total";
const MODEL: &str = "gpt-4.1-mini";
const SMALLER: &str = "gpt-4.1-nano";
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const OPERATIONS: &str = "docs/operations.md";
const RULES: &str = "deploy/prometheus/rules.yaml";
/// How long something may take that a server does by itself.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server and the port of its metrics.
struct Watched {
    server: Server,
    channel: Channel,
    port: u16,
}

impl Watched {
    async fn start(folder: &Path, change: impl FnOnce(&mut Command)) -> Watched {
        let database = format!("sqlite:{}", folder.join("tollgate.db").display());
        let listen = free_port();
        let mut command = serve(&database, listen);
        let port = free_port();
        command.args(["--metrics-listen", &format!("127.0.0.1:{port}")]);
        change(&mut command);
        let (server, channel) = Server::run(command, listen).await;
        Watched { server, channel, port }
    }

    fn usage(&self) -> UsageServiceClient<Channel> {
        UsageServiceClient::new(self.channel.clone())
    }

    fn get(&self, path: &str) -> (u16, String) {
        get(self.port, path)
    }

    fn scrape(&self) -> Samples {
        scrape(self.port)
    }

    async fn wait_for(&self, sample: &str, is_it: impl Fn(f64) -> bool) -> Samples {
        wait_for(self.port, sample, is_it).await
    }

    async fn check(&self, request_id: &str, model: &str) -> v1::CheckAndRouteResponse {
        self.usage().check_and_route(check(request_id, model)).await.unwrap().into_inner()
    }

    async fn record(
        &self,
        request: v1::RecordUsageRequest,
    ) -> Result<v1::RecordUsageResponse, tonic::Status> {
        Ok(self.usage().record_usage(request).await?.into_inner())
    }

    async fn set_up(&self) {
        set_up(&self.channel).await;
    }
}

/// The samples of one answer, by name and labels as they are written.
struct Samples(BTreeMap<String, f64>);

impl Samples {
    fn of(text: &str) -> Samples {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let sample = |line: &str| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            (name.to_owned(), value.parse().unwrap())
        };
        Samples(lines.map(sample).collect())
    }

    fn get(&self, sample: &str) -> Option<f64> {
        self.0.get(sample).copied()
    }

    /// The samples of a metric with their values, those that are not 0.
    fn of_metric(&self, name: &str) -> Vec<(&str, f64)> {
        let of_it = self
            .0
            .iter()
            .filter(|(sample, value)| sample.split('{').next() == Some(name) && **value != 0.0);
        let labels = |sample: &'_ str| sample.find('{').unwrap_or(sample.len());
        of_it.map(|(sample, value)| (&sample[labels(sample)..], *value)).collect()
    }

    fn assert(&self, name: &str, expected: &[(&str, f64)]) {
        assert_eq!(self.of_metric(name), expected, "{name}");
    }
}

/// Status and body of an answer of a port.
fn get(port: u16, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    if path == "/metrics" {
        assert!(head.contains("content-type: text/plain; version=0.0.4"), "{head}");
    }
    (status, body.to_owned())
}

fn scrape(port: u16) -> Samples {
    let (status, text) = get(port, "/metrics");
    assert_eq!(status, 200, "{text}");
    Samples::of(&text)
}

/// Scrapes until a sample has a value.
async fn wait_for(port: u16, sample: &str, is_it: impl Fn(f64) -> bool) -> Samples {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let samples = tokio::task::spawn_blocking(move || scrape(port)).await.unwrap();
        if samples.get(sample).is_some_and(&is_it) {
            return samples;
        }
        assert!(Instant::now() < deadline, "{sample}: {:?}", samples.get(sample));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// A workspace with a budget of 1, fallback, and two models.
async fn set_up(channel: &Channel) {
    let workspace = v1::Workspace {
        workspace_id: ACME.to_owned(),
        currency_code: "USD".to_owned(),
        ..Default::default()
    };
    let request = v1::CreateWorkspaceRequest { workspace: Some(workspace) };
    WorkspaceServiceClient::new(channel.clone()).create_workspace(request).await.unwrap();
    let plan =
        v1::Plan { budget: usd("1"), overage_limit: usd("0"), start_date: "2026-01-01".to_owned() };
    let request = v1::SetPlanRequest { workspace_id: ACME.to_owned(), plan: Some(plan) };
    BudgetServiceClient::new(channel.clone()).set_plan(request).await.unwrap();
    for model in [MODEL, SMALLER] {
        let model_id = model.to_owned();
        let request = v1::EnableModelRequest { workspace_id: ACME.to_owned(), model_id };
        let mut models = ModelLimitServiceClient::new(channel.clone());
        models.enable_model(request).await.unwrap();
    }
}

fn usd(amount: &str) -> Option<v1::Money> {
    Some(v1::Money { currency_code: "USD".to_owned(), amount: amount.to_owned() })
}

/// Needs 0.002 USD.
fn check(request_id: &str, model: &str) -> v1::CheckAndRouteRequest {
    v1::CheckAndRouteRequest {
        workspace_id: ACME.to_owned(),
        request_id: request_id.to_owned(),
        model_id: model.to_owned(),
        input_token_count: 1_000,
        max_output_token_count: Some(1_000),
        ..Default::default()
    }
}

fn record(request_id: &str, model: &str, output: i64) -> v1::RecordUsageRequest {
    let usage =
        v1::Usage { input_token_count: 1_000, output_token_count: output, ..Default::default() };
    v1::RecordUsageRequest {
        workspace_id: ACME.to_owned(),
        request_id: request_id.to_owned(),
        model_id: model.to_owned(),
        usage: Some(usage),
        outcome: v1::Outcome::Success.into(),
        ..Default::default()
    }
}

/// The count of calls of a method with a status.
fn calls(method: &str, status: &str) -> String {
    format!(
        "rpc_server_call_duration_seconds_count{{rpc_system_name=\"grpc\",\
         rpc_method=\"tollgate.v1.UsageService/{method}\",rpc_response_status_code=\"{status}\"}}"
    )
}

/// Two large holds, and checks that are blocked by a rule, blocked by the envelope, and routed.
async fn refuse(watched: &Watched) {
    // A model that is not enabled is a rule; more than the budget, the envelope.
    assert_eq!(watched.check("r-4", "gpt-4.1").await.decision(), v1::Decision::Blocked);
    let large = v1::CheckAndRouteRequest {
        max_output_token_count: Some(32_000),
        input_token_count: 900_000,
        ..check("r-5", MODEL)
    };
    let (allowed, blocked) = (v1::Decision::Allowed, v1::Decision::Blocked);
    for (request_id, expected) in [("r-5", allowed), ("r-6", allowed), ("r-7", blocked)] {
        let large = v1::CheckAndRouteRequest { request_id: request_id.to_owned(), ..large.clone() };
        let answer = watched.usage().check_and_route(large).await.unwrap().into_inner();
        assert_eq!(answer.decision(), expected);
    }
    let limit = v1::SetModelLimitRequest {
        workspace_id: ACME.to_owned(),
        model_id: MODEL.to_owned(),
        limit: usd("0.0001"),
        limit_enabled: None,
        fallback_model_ids: vec![SMALLER.to_owned()],
    };
    ModelLimitServiceClient::new(watched.channel.clone()).set_model_limit(limit).await.unwrap();
    assert_eq!(watched.check("r-8", MODEL).await.decision(), v1::Decision::Routed);
}

#[tokio::test]
async fn decisions_are_counted_once_each() {
    let folder = tempfile::tempdir().unwrap();
    let watched = Watched::start(folder.path(), |_| {}).await;
    watched.set_up().await;
    for request_id in ["r-1", "r-2", "r-3"] {
        assert_eq!(watched.check(request_id, MODEL).await.decision(), v1::Decision::Allowed);
    }
    let dry = v1::CheckAndRouteRequest { dry_run: true, ..check("", MODEL) };
    watched.usage().check_and_route(dry).await.unwrap();
    refuse(&watched).await;
    // Two by a stream, which ends when its caller has sent all.
    let on_stream = ["r-9", "r-10"].map(|request_id| v1::CheckAndRouteStreamRequest {
        check: Some(check(request_id, SMALLER)),
    });
    let answers = watched.usage().check_and_route_stream(tokio_stream::iter(on_stream)).await;
    let answers: Vec<_> = answers.unwrap().into_inner().collect().await;
    assert_eq!(answers.len(), 2);
    let refused = watched.usage().check_and_route(check("x", "")).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);

    let samples = watched.wait_for(&calls("CheckAndRouteStream", "OK"), |count| count == 1.0).await;
    samples.assert(
        "tollgate_decisions_total",
        &[
            ("{decision=\"allowed\",dry_run=\"false\"}", 7.0),
            ("{decision=\"allowed\",dry_run=\"true\"}", 1.0),
            ("{decision=\"blocked\",dry_run=\"false\"}", 2.0),
            ("{decision=\"routed\",dry_run=\"false\"}", 1.0),
        ],
    );
    samples.assert(
        "tollgate_decision_reasons_total",
        &[
            ("{decision=\"blocked\",reason=\"held_in_flight\"}", 1.0),
            ("{decision=\"blocked\",reason=\"model_disabled\"}", 1.0),
            ("{decision=\"routed\",reason=\"model_limit\"}", 1.0),
        ],
    );
    samples.assert(
        "tollgate_blocking_verdicts_total",
        &[
            ("{limit=\"envelope\"}", 1.0),
            ("{limit=\"model_limit\"}", 1.0),
            ("{limit=\"rule\"}", 1.0),
        ],
    );
    samples.assert("tollgate_errors_total", &[("{reason=\"INVALID_FIELD\"}", 1.0)]);
    assert_eq!(samples.get("tollgate_errors_total{reason=\"INTERNAL\"}"), Some(0.0));
    assert_eq!(samples.get(&calls("CheckAndRoute", "OK")), Some(9.0));
    assert_eq!(samples.get(&calls("CheckAndRoute", "INVALID_ARGUMENT")), Some(1.0));
    watched.server.stop().await;
}

#[tokio::test]
async fn records_and_holds_are_counted_once_each() {
    let folder = tempfile::tempdir().unwrap();
    let watched = Watched::start(folder.path(), |_| {}).await;
    watched.set_up().await;
    for request_id in ["r-1", "r-2", "r-3"] {
        watched.check(request_id, MODEL).await;
    }
    // As much as was held, and more: 0.002 and 0.0036.
    watched.record(record("r-1", MODEL, 1_000)).await.unwrap();
    watched.record(record("r-2", MODEL, 2_000)).await.unwrap();
    assert!(watched.record(record("r-2", MODEL, 2_000)).await.unwrap().duplicate);
    let reused = watched.record(record("r-2", MODEL, 2_001)).await.unwrap_err();
    assert_eq!(reused.code(), Code::AlreadyExists);
    assert!(watched.record(record("r-7", "nobody/knows-this", 1)).await.unwrap().unpriced);
    let answer = v1::ProviderAnswer {
        provider: String::new(),
        json: vec![r#"{"object": "novelty", "tally": {"words": 7}}"#.to_owned()],
    };
    let unread = v1::RecordUsageRequest {
        usage: None,
        provider_answer: Some(answer),
        accept_unread: true,
        ..record("r-8", MODEL, 0)
    };
    assert!(watched.record(unread).await.unwrap().unread);

    let samples = watched.scrape();
    samples.assert(
        "tollgate_records_total",
        &[
            ("{outcome=\"duplicate\"}", 1.0),
            ("{outcome=\"recorded\"}", 4.0),
            ("{outcome=\"refused\"}", 1.0),
        ],
    );
    assert_eq!(samples.get("tollgate_records_unread_total"), Some(1.0));
    assert!(samples.get("tollgate_records_unpriced_total").unwrap() >= 1.0);
    assert_eq!(samples.get("tollgate_holds"), Some(1.0));
    samples.assert("tollgate_held_amount", &[("{currency=\"USD\"}", 0.002)]);
    assert_eq!(samples.get("tollgate_holds_settled_total"), Some(2.0));
    assert_eq!(samples.get("tollgate_holds_exceeded_total"), Some(1.0));
    samples.assert("tollgate_settled_held_amount_total", &[("{currency=\"USD\"}", 0.004)]);
    samples.assert("tollgate_settled_cost_amount_total", &[("{currency=\"USD\"}", 0.0056)]);
    samples.assert("tollgate_claims_total", &[("{previous=\"none\"}", 1.0)]);
    assert_eq!(samples.get("tollgate_workspaces_loaded"), Some(1.0));
    assert_eq!(samples.get("tollgate_serving"), Some(1.0));
    assert!(samples.get("tollgate_oldest_write_age_seconds").unwrap() < 5.0);
    // Each record is an entry; the conflict and the repeat are tried, too.
    assert_eq!(samples.get("tollgate_commit_records_sum"), Some(6.0));
    let failed = "tollgate_storage_writes_total{outcome=\"not_applied\"}";
    assert_eq!(samples.get(failed), Some(0.0));
    watched.server.stop().await;
}

#[tokio::test]
async fn holds_that_storage_has_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let watched = Watched::start(folder.path(), |_| {}).await;
    watched.set_up().await;
    watched.check("lost", MODEL).await;
    let workspace = v1::Workspace {
        workspace_id: ACME.to_owned(),
        hold_durability: v1::HoldDurability::Committed.into(),
        ..Default::default()
    };
    let request = v1::UpdateWorkspaceRequest {
        workspace: Some(workspace),
        update_mask: Some(prost_types::FieldMask { paths: vec!["hold_durability".to_owned()] }),
    };
    let mut client = WorkspaceServiceClient::new(watched.channel.clone());
    let before = watched.scrape();
    assert_eq!((before.get("tollgate_holds"), before.get(STORED)), (Some(1.0), Some(0.0)));
    client.update_workspace(request).await.unwrap();
    for request_id in ["r-1", "r-2"] {
        watched.check(request_id, MODEL).await;
    }
    let samples = watched.wait_for(STORED, |stored| stored == 3.0).await;
    assert_eq!(samples.get("tollgate_holds"), Some(3.0));
    watched.record(record("r-1", MODEL, 1_000)).await.unwrap();
    let release =
        v1::ReleaseHoldRequest { workspace_id: ACME.to_owned(), request_id: "r-2".to_owned() };
    watched.usage().release_hold(release).await.unwrap();
    let samples = watched.wait_for(STORED, |stored| stored == 1.0).await;
    assert_eq!(samples.get("tollgate_holds"), Some(1.0));
    watched.server.stop().await;
    // As they are loaded.
    let watched = Watched::start(folder.path(), |_| {}).await;
    watched.wait_for(STORED, |stored| stored == 1.0).await;
    watched.server.stop().await;
}

/// The clock breaks while the ledger is locked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ledgers_that_fail_are_counted_once_each() {
    let folder = tempfile::tempdir().unwrap();
    let clock: Arc<TestClock> = Arc::default();
    let watched = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = watched.local_addr().unwrap().port();
    let monitor = Monitor::default();
    tokio::spawn(listener::serve(watched, monitor.clone()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (_reload, reload) = watch::channel(());
    let signals = Signals { shutdown: std::future::pending(), reload, monitor };
    let store = in_process::open(folder.path()).await;
    tokio::spawn(server::run(Config::default(), listener, store, clock.clone(), signals));
    let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
    set_up(&channel).await;
    let mut usage = UsageServiceClient::new(channel);
    usage.check_and_route(check("r-1", MODEL)).await.unwrap();
    let samples = wait_for(port, "tollgate_workspaces_loaded", |loaded| loaded == 1.0).await;
    assert_eq!((samples.get(QUARANTINED), samples.get(QUARANTINES)), (Some(0.0), Some(0.0)));

    clock.break_in("src/grpc/usage/mod.rs");
    let release =
        v1::ReleaseHoldRequest { workspace_id: ACME.to_owned(), request_id: "r-1".to_owned() };
    usage.release_hold(release).await.unwrap_err();
    clock.mend();
    for _again in 0..2 {
        let samples = wait_for(port, QUARANTINED, |count| count == 1.0).await;
        assert_eq!(samples.get(QUARANTINES), Some(1.0));
        assert_eq!(samples.get("tollgate_workspaces_loaded"), Some(0.0));
        usage.check_and_route(check("r-3", MODEL)).await.unwrap_err();
    }
    let deadline = Instant::now() + PATIENCE;
    while usage.check_and_route(check("r-3", MODEL)).await.is_err() {
        assert!(Instant::now() < deadline, "it is not loaded again");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let samples = wait_for(port, QUARANTINED, |count| count == 0.0).await;
    assert_eq!(samples.get(QUARANTINES), Some(1.0));
}

#[tokio::test]
async fn an_outage_of_storage_is_watched() {
    let folder = tempfile::tempdir().unwrap();
    let watched = Watched::start(folder.path(), |_| {}).await;
    watched.set_up().await;
    assert_eq!(watched.get("/readyz").0, 200);
    let url = format!("sqlite:{}", folder.path().join("tollgate.db").display());
    let mut other = SqliteConnection::connect(&url).await.unwrap();
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let mut usage = watched.usage();
    let refused = tokio::spawn(async move { usage.record_usage(record("r-1", MODEL, 1)).await });
    watched.wait_for("tollgate_oldest_write_age_seconds", |age| age > 0.1).await;
    assert_eq!(refused.await.unwrap().unwrap_err().code(), Code::Unavailable);
    watched.wait_for("tollgate_serving", |serving| serving == 0.0).await;
    assert_eq!(watched.get("/readyz").0, 503);
    assert_eq!(watched.get("/livez").0, 200);
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    watched.wait_for("tollgate_serving", |serving| serving == 1.0).await;
    assert_eq!(watched.get("/readyz").0, 200);
    watched.record(record("r-1", MODEL, 1)).await.unwrap();
    let samples = watched.scrape();
    // What the caller gave up may have been written later: then the second is a repeat.
    assert_eq!(samples.get("tollgate_records_total{outcome=\"recorded\"}"), Some(1.0));
    let records = samples.of_metric("tollgate_records_total");
    assert_eq!(records.iter().map(|(_, count)| count).sum::<f64>(), 2.0, "{records:?}");
    assert_eq!(samples.get("tollgate_errors_total{reason=\"STORAGE_UNAVAILABLE\"}"), Some(1.0));
    watched.server.stop().await;
}

#[tokio::test]
async fn only_what_is_asked_for_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let watched = Watched::start(folder.path(), |_| {}).await;
    watched.set_up().await;
    let (_, text) = watched.get("/metrics");
    assert!(!text.contains(ACME), "{text}");
    assert_eq!(watched.get("/").0, 404);
    watched.server.stop().await;
}

/// Prometheus' own checker: form, names, units and help.
#[tokio::test]
async fn promtool_finds_nothing() {
    const CHECK: &str = "promtool over the metrics of a server";
    if Command::new("promtool").arg("--version").output().is_err() {
        return not_run(CHECK, "promtool is not installed");
    }
    was_run(CHECK);
    let folder = tempfile::tempdir().unwrap();
    let watched = Watched::start(folder.path(), |_| {}).await;
    watched.set_up().await;
    watched.check("r-1", MODEL).await;
    watched.record(record("r-1", MODEL, 1_000)).await.unwrap();
    let (_, text) = watched.get("/metrics");
    let mut command = Command::new("promtool");
    command.args(["check", "metrics"]).stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut checking = command.spawn().unwrap();
    checking.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let checked = checking.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&checked.stderr).into_owned();
    assert!(checked.status.success() && said.is_empty(), "{said}");
    watched.server.stop().await;
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let database = format!("sqlite:{}", folder.path().join("tollgate.db").display());
    let mut command = serve(&database, free_port());
    command.args(["--metrics-listen", &address]).stderr(Stdio::piped());
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("metrics_listen") && stderr.contains(&address), "{stderr}");
}

/// Names of metrics in the first column of the tables of a document.
fn documented(text: &str) -> BTreeSet<String> {
    let prefixes = ["tollgate_", "process_", "rpc_server_"];
    let cells = text.lines().filter_map(|line| line.strip_prefix("| `"));
    let names = cells.filter_map(|cell| cell.split('`').next());
    let is_metric = |name: &&str| prefixes.iter().any(|prefix| name.starts_with(prefix));
    names.filter(is_metric).map(ToOwned::to_owned).collect()
}

#[tokio::test]
async fn what_is_exported_is_documented_and_the_reverse() {
    let folder = tempfile::tempdir().unwrap();
    let watched = Watched::start(folder.path(), |_| {}).await;
    let (_, text) = watched.get("/metrics");
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let exported: BTreeSet<String> =
        types.map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    let table: BTreeSet<String> = TABLE.iter().map(|metric| metric.name().to_owned()).collect();
    assert_eq!(exported, table);
    let operations = read(OPERATIONS);
    assert_eq!(documented(&operations), exported);
    watched.server.stop().await;
}

#[tokio::test]
async fn lines_about_a_call_have_its_ids() {
    let folder = tempfile::tempdir().unwrap();
    let mut watched = Watched::start(folder.path(), |command| {
        let filter = ["--log-format", "json", "--log-filter", "warn,tollgate=debug"];
        command.args(filter).stderr(Stdio::piped());
    })
    .await;
    let mut lines = BufReader::new(watched.server.take_stderr()).lines();
    watched.set_up().await;
    let mut request = Request::new(check("r-1", MODEL));
    let parent = format!("00-{TRACE}-b7ad6b7169203331-01");
    request.metadata_mut().insert("traceparent", parent.parse().unwrap());
    request.metadata_mut().insert("x-request-id", "from-\"outside\"".parse().unwrap());
    watched.usage().check_and_route(request).await.unwrap();
    let ended = |line: &serde_json::Value| line["message"] == "a call ended";
    let mut line = || loop {
        let line: serde_json::Value =
            serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        if ended(&line) {
            return line;
        }
    };
    // Without ids of the caller one is made, and there is no trace.
    let first = line();
    assert_eq!(first["method"], "tollgate.v1.WorkspaceService/CreateWorkspace");
    assert!(first["request_id"].is_string() && first["trace_id"].is_null(), "{first}");
    let last = std::iter::repeat_with(line)
        .find(|line| line["method"] == "tollgate.v1.UsageService/CheckAndRoute")
        .unwrap();
    assert_eq!(last["request_id"], "from-\"outside\"");
    assert_eq!(last["trace_id"], TRACE);
    assert_eq!(last["status"], "OK");
    watched.server.stop().await;
}

/// Words of a text that are names of metrics: with one of the prefixes.
fn named(text: &str) -> BTreeSet<String> {
    let prefixes = ["tollgate_", "process_", "rpc_server_"];
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let names = words.filter(|word| prefixes.iter().any(|prefix| word.starts_with(prefix)));
    names.map(ToOwned::to_owned).collect()
}

/// The name of every series that is exported.
fn series() -> BTreeSet<String> {
    let mut series = BTreeSet::new();
    for metric in TABLE {
        match metric.kind() {
            Kind::Histogram => series
                .extend(["_bucket", "_count", "_sum"].map(|end| format!("{}{end}", metric.name()))),
            Kind::Counter | Kind::Gauge => drop(series.insert(metric.name().to_owned())),
        }
    }
    series
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// What is asked in the panels of the dashboard, and in its variables.
fn questions(value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(fields) => {
            for (name, value) in fields {
                let text = value.as_str().filter(|_| ["expr", "definition"].contains(&&**name));
                found.extend(text.map(ToOwned::to_owned));
                questions(value, found);
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| questions(item, found)),
        _ => {}
    }
}

fn dashboard() -> String {
    let dashboard = serde_json::from_str(&read("deploy/grafana/tollgate.json")).unwrap();
    let mut asked = Vec::new();
    questions(&dashboard, &mut asked);
    assert!(asked.len() > 30, "{asked:?}");
    asked.join("\n")
}

/// What the alert rules ask.
fn rules() -> String {
    read(RULES).lines().filter(|line| !line.contains("summary:")).collect::<Vec<_>>().join("\n")
}

#[test]
fn rules_and_dashboard_ask_for_what_is_exported() {
    let series = series();
    for (asked, by) in [(rules(), RULES), (dashboard(), "the dashboard")] {
        let unknown: Vec<String> = named(&asked).difference(&series).cloned().collect();
        assert!(unknown.is_empty(), "{by} asks for {unknown:?}");
    }
    // What nobody looks at need not be exported.
    let shown = named(&dashboard());
    let hidden = TABLE.iter().map(|metric| metric.name());
    let hidden: Vec<&str> =
        hidden.filter(|name| !shown.iter().any(|shown| shown.starts_with(name))).collect();
    assert!(hidden.is_empty(), "the dashboard does not show {hidden:?}");
}

/// A label with a value that does not exist would match nothing, and never fire.
#[tokio::test]
async fn values_of_labels_that_are_asked_for_exist() {
    let folder = tempfile::tempdir().unwrap();
    let watched = Watched::start(folder.path(), |_| {}).await;
    watched.set_up().await;
    watched.check("r-1", MODEL).await;
    watched.record(record("r-1", MODEL, 1_000)).await.unwrap();
    let (_, text) = watched.get("/metrics");
    let asked = format!("{}\n{}", rules(), dashboard());
    let mut pairs = 0;
    for (at, _) in asked.match_indices("=\"") {
        let label = asked[..at].rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_').next();
        let value = asked[at + 2..].split('"').next().unwrap();
        let pair = format!("{}=\"{value}\"", label.unwrap());
        assert!(text.contains(&pair), "{pair}");
        pairs += 1;
    }
    assert!(pairs > 5, "{pairs}");
    watched.server.stop().await;
}

#[test]
fn each_alert_is_tested_and_explained() {
    let (tests, operations) = (read("deploy/prometheus/rules_test.yaml"), read(OPERATIONS));
    let rules = read(RULES);
    let alerts = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: "));
    let alerts: Vec<&str> = alerts.collect();
    for alert in &alerts {
        let tested = tests.matches(&format!("alertname: {alert}\n")).count();
        assert_eq!(tested, 2, "{alert}: once where it fires, and once where it does not");
        assert!(operations.contains(&format!("\n| `{alert}` | ")), "{alert}");
    }
    assert_eq!(operations.matches("\n| `Tollgate").count(), alerts.len());
}
