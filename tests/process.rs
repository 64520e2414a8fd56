//! The real binary as a process: where its log cannot be written, and its exit codes.

#[path = "support/process.rs"]
mod process;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use process::{Server, free_port, serve};
use tollgate::proto::v1;
use tollgate::proto::v1::budget_service_client::BudgetServiceClient;
use tollgate::proto::v1::model_limit_service_client::ModelLimitServiceClient;
use tollgate::proto::v1::usage_service_client::UsageServiceClient;
use tollgate::proto::v1::workspace_service_client::WorkspaceServiceClient;
use tonic::transport::Channel;

const ACME: &str = "acme";
const MODEL: &str = "gpt-4.1-mini";

fn database(folder: &Path) -> String {
    format!("sqlite:{}", folder.join("tollgate.db").display())
}

/// Makes a workspace with a budget and a model.
async fn set_up(channel: &Channel) {
    let workspace_id = || ACME.to_owned();
    let usd = |amount: &str| {
        Some(v1::Money { currency_code: "USD".to_owned(), amount: amount.to_owned() })
    };
    let workspace = v1::Workspace {
        workspace_id: workspace_id(),
        display_name: "Acme".to_owned(),
        currency_code: "USD".to_owned(),
        time_zone: "UTC".to_owned(),
        ..Default::default()
    };
    let request = v1::CreateWorkspaceRequest { workspace: Some(workspace) };
    WorkspaceServiceClient::new(channel.clone()).create_workspace(request).await.unwrap();
    let plan = v1::Plan {
        budget: usd("100"),
        overage_limit: usd("0"),
        start_date: "2026-01-01".to_owned(),
        ..Default::default()
    };
    let request = v1::SetPlanRequest { workspace_id: workspace_id(), plan: Some(plan) };
    BudgetServiceClient::new(channel.clone()).set_plan(request).await.unwrap();
    let request =
        v1::EnableModelRequest { workspace_id: workspace_id(), model_id: MODEL.to_owned() };
    ModelLimitServiceClient::new(channel.clone()).enable_model(request).await.unwrap();
}

/// Takes a hold.
async fn check(channel: &Channel, request_id: &str) {
    let request = v1::CheckAndRouteRequest {
        workspace_id: ACME.to_owned(),
        request_id: request_id.to_owned(),
        model_id: MODEL.to_owned(),
        input_token_count: 1_000,
        max_output_token_count: Some(1_000),
        ..Default::default()
    };
    let mut usage = UsageServiceClient::new(channel.clone());
    let answer = usage.check_and_route(request).await.unwrap().into_inner();
    assert_eq!(answer.decision(), v1::Decision::Allowed, "{answer:?}");
}

/// The requests that hold something.
async fn holds(channel: &Channel) -> Vec<String> {
    let request = v1::ListHoldsRequest { workspace_id: ACME.to_owned(), ..Default::default() };
    let list = UsageServiceClient::new(channel.clone()).list_holds(request).await.unwrap();
    list.into_inner().holds.into_iter().map(|hold| hold.request_id).collect()
}

/// Calls that the log tells of at the level of warnings: they have no credentials.
async fn provoke_warnings(channel: &Channel) {
    for _ in 0..5 {
        let request = v1::ListHoldsRequest { workspace_id: ACME.to_owned(), ..Default::default() };
        let mut request = tonic::Request::new(request);
        request.metadata_mut().insert("authorization", "Bearer nobody".parse().unwrap());
        let refused = UsageServiceClient::new(channel.clone()).list_holds(request).await;
        assert_eq!(refused.unwrap_err().code(), tonic::Code::Unauthenticated);
    }
}

/// After a stop of one server the next one finds the hold.
async fn assert_hold_is_found(database: &str, request_id: &str) {
    let (server, channel) = Server::start(database, free_port()).await;
    assert_eq!(holds(&channel).await, [request_id]);
    server.stop().await;
}

#[tokio::test]
async fn a_full_device_for_the_log_ends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (database, port) = (database(folder.path()), free_port());
    let mut command = serve(&database, port);
    command.args(["--log-filter", "trace"]).stderr(File::create("/dev/full").unwrap());
    let (mut server, channel) = Server::run(command, port).await;
    set_up(&channel).await;
    check(&channel, "r-1").await;
    assert!(server.is_alive());
    server.stop().await;
    assert_hold_is_found(&database, "r-1").await;
}

#[tokio::test]
async fn a_log_that_nobody_reads_any_more_ends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (database, port) = (database(folder.path()), free_port());
    let mut command = serve(&database, port);
    command.args(["--log-filter", "debug"]).stderr(Stdio::piped());
    let (mut server, channel) = Server::run(command, port).await;
    set_up(&channel).await;
    let mut first = String::new();
    BufReader::new(server.take_stderr()).read_line(&mut first).unwrap();
    assert!(!first.is_empty());
    // Its reader has read enough: from here on each line fails.
    check(&channel, "r-1").await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(server.is_alive());
    check(&channel, "r-2").await;
    server.stop().await;
    let (server, channel) = Server::start(&database, free_port()).await;
    assert_eq!(holds(&channel).await, ["r-1", "r-2"]);
    server.stop().await;
}

#[tokio::test]
async fn warnings_that_cannot_be_written_end_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (database, port) = (database(folder.path()), free_port());
    let mut command = serve(&database, port);
    command.args(["--auth", "required"]).stderr(File::create("/dev/full").unwrap());
    let (mut server, channel) = Server::run(command, port).await;
    provoke_warnings(&channel).await;
    assert!(server.is_alive());
    server.stop().await;
}

#[test]
fn a_failure_that_cannot_be_told_has_its_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str], stdout: Stdio, stderr: Stdio| {
        let mut command = Command::new(process::binary());
        command.current_dir(folder.path()).args(arguments).stdin(Stdio::null());
        command.stdout(stdout).stderr(stderr).status().unwrap().code()
    };
    let full = || Stdio::from(File::create("/dev/full").unwrap());
    let refused = ["serve", "--listen", "192.0.2.1:1"];
    assert_eq!(run(&refused, Stdio::null(), full()), Some(1));
    assert_eq!(run(&["serve", "--listen"], Stdio::null(), full()), Some(2));
    let create = ["token", "create", "--role", "operator", "--id", "root"];
    assert_eq!(run(&create, full(), full()), Some(1), "nobody has seen the secret");
    let list = ["token", "list"];
    assert_eq!(run(&list, full(), Stdio::null()), Some(1));
    assert_eq!(run(&list, Stdio::null(), full()), Some(0));
    assert_eq!(run(&["verify"], full(), Stdio::null()), Some(1));
}
