//! The real binary as a process: where its log cannot be written, what signals do, and its exit
//! codes.

#[path = "support/process.rs"]
mod process;

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use process::{Server, free_port, serve};
use sqlx::{Connection, SqliteConnection};
use tollgate::proto::v1;
use tollgate::proto::v1::budget_service_client::BudgetServiceClient;
use tollgate::proto::v1::model_limit_service_client::ModelLimitServiceClient;
use tollgate::proto::v1::usage_service_client::UsageServiceClient;
use tollgate::proto::v1::workspace_service_client::WorkspaceServiceClient;
use tonic::transport::Channel;

const ACME: &str = "acme";
const MODEL: &str = "gpt-4.1-mini";
/// How long a line of the log may take.
const PATIENCE: Duration = Duration::from_secs(60);

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
    };
    let request = v1::SetPlanRequest { workspace_id: workspace_id(), plan: Some(plan) };
    BudgetServiceClient::new(channel.clone()).set_plan(request).await.unwrap();
    let request =
        v1::EnableModelRequest { workspace_id: workspace_id(), model_id: MODEL.to_owned() };
    ModelLimitServiceClient::new(channel.clone()).enable_model(request).await.unwrap();
}

/// Takes a hold.
async fn check(channel: &Channel, request_id: &str) {
    let answer = try_check(channel, request_id).await.unwrap();
    assert_eq!(answer.decision(), v1::Decision::Allowed, "{answer:?}");
}

async fn try_check(
    channel: &Channel,
    request_id: &str,
) -> Result<v1::CheckAndRouteResponse, tonic::Status> {
    let request = v1::CheckAndRouteRequest {
        workspace_id: ACME.to_owned(),
        request_id: request_id.to_owned(),
        model_id: MODEL.to_owned(),
        input_token_count: 1_000,
        max_output_token_count: Some(1_000),
        ..Default::default()
    };
    let mut usage = UsageServiceClient::new(channel.clone());
    Ok(usage.check_and_route(request).await?.into_inner())
}

/// Records a request.
async fn record(
    channel: &Channel,
    request_id: &str,
) -> Result<v1::RecordUsageResponse, tonic::Status> {
    let usage = v1::Usage { input_token_count: 1_000, ..Default::default() };
    let request = v1::RecordUsageRequest {
        workspace_id: ACME.to_owned(),
        request_id: request_id.to_owned(),
        model_id: MODEL.to_owned(),
        usage: Some(usage),
        outcome: v1::Outcome::Success.into(),
        ..Default::default()
    };
    let mut usage = UsageServiceClient::new(channel.clone());
    usage.record_usage(request).await.map(tonic::Response::into_inner)
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
    server.signal("HUP");
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(server.is_alive());
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

/// Certificate and key of a server, in files.
fn write_certificate(folder: &Path) {
    let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(folder.join("cert.pem"), pair.cert.pem()).unwrap();
    fs::write(folder.join("key.pem"), pair.signing_key.serialize_pem()).unwrap();
}

/// The identity file, and the keys that it names.
fn write_identities(folder: &Path, role: &str) {
    let text = format!(
        "[[issuers]]\nissuer = 'https://login.acme.example'\naudiences = ['tollgate']\n\
         jwks_file = '{}'\n[[issuers.rules]]\nclaims = {{ groups = 'finops' }}\n\
         role = '{role}'\nworkspaces = ['acme']\n",
        folder.join("keys.json").display()
    );
    fs::write(folder.join("identities.toml"), text).unwrap();
    fs::write(folder.join("keys.json"), r#"{"keys": []}"#).unwrap();
}

#[tokio::test]
async fn sighup_reads_files_again_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, port) = (folder.path(), free_port());
    write_certificate(folder);
    write_identities(folder, "viewer");
    let mut command = serve(&database(folder), port);
    command.current_dir(folder).args(["--auth", "required", "--log-filter", "info"]);
    command.args(["--tls-certificate", "cert.pem", "--tls-key", "key.pem"]);
    command.args(["--identity-file", "identities.toml"]);
    let log = folder.join("log");
    command.stderr(File::create(&log).unwrap());
    let (mut server, _) = Server::run(command, port).await;
    until_logged(&log, "listening on").await;

    server.signal("HUP");
    until_logged(&log, "the certificates of the server: unchanged").await;
    until_logged(&log, "the identity file: unchanged").await;
    write_certificate(folder);
    write_identities(folder, "service");
    let asked = Instant::now();
    server.signal("HUP");
    until_logged(&log, "the certificates of the server: changed and in use").await;
    until_logged(&log, "the identity file: changed and in use").await;
    assert!(asked.elapsed() < Duration::from_secs(10), "they are looked at that often anyway");
    fs::write(folder.join("key.pem"), "no key").unwrap();
    fs::write(folder.join("identities.toml"), "no rules").unwrap();
    server.signal("HUP");
    until_logged(&log, "the certificates of the server: as before").await;
    until_logged(&log, "the identity file: as before").await;
    assert!(server.is_alive());
    server.stop().await;
}

#[tokio::test]
async fn sighup_without_files_ends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (database, port) = (database(folder.path()), free_port());
    let mut command = serve(&database, port);
    let log = folder.path().join("log");
    command.args(["--log-filter", "info"]).stderr(File::create(&log).unwrap());
    let (server, channel) = Server::run(command, port).await;
    set_up(&channel).await;
    check(&channel, "r-1").await;
    server.signal("HUP");
    until_logged(&log, "asked to read files again: there are none").await;
    server.stop().await;
    assert_hold_is_found(&database, "r-1").await;
}

/// Another process holds the database, so that nothing can be written.
#[tokio::test]
async fn a_stop_that_stores_nothing_is_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    let (database, port) = (database(folder.path()), free_port());
    let mut command = serve(&database, port);
    let log = folder.path().join("log");
    command.args(["--shutdown-deadline-seconds", "2"]).stderr(File::create(&log).unwrap());
    let (server, channel) = Server::run(command, port).await;
    set_up(&channel).await;
    check(&channel, "r-1").await;
    let mut other = SqliteConnection::connect(&database).await.unwrap();
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    server.signal("TERM");
    assert_eq!(server.ended().await.code(), Some(1));
    let text = fs::read_to_string(&log).unwrap();
    assert!(text.contains("tollgate: storage did not answer while the server stopped"), "{text}");
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    other.close().await.unwrap();
    // As after a crash: nothing is held for a request whose end nobody knows.
    let (server, channel) = Server::start(&database, free_port()).await;
    assert!(holds(&channel).await.is_empty());
    server.stop().await;
}

/// What the system had to write may be lost then, and another sync would not find out.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_disk_that_fails_to_sync_ends_the_server_and_loses_nothing_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let (database, port) = (database(folder.path()), free_port());
    let (library, failing) = (folder.path().join("sync.so"), folder.path().join("failing"));
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/failing_sync.c");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source).arg("-ldl");
    assert!(compiler.status().expect("the C compiler that builds SQLite").success());

    let log = folder.path().join("log");
    let mut command = serve(&database, port);
    command.env("LD_PRELOAD", &library).env("SYNC_FAILS_WHILE", &failing);
    command.stderr(File::create(&log).unwrap());
    let (server, channel) = Server::run(command, port).await;
    set_up(&channel).await;
    record(&channel, "r-1").await.unwrap();
    fs::write(&failing, "").unwrap();
    let refused = record(&channel, "r-2").await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Unavailable, "{refused:?}");
    assert_eq!(server.ended().await.code(), Some(1));
    let text = fs::read_to_string(&log).unwrap();
    assert!(text.contains("could not be synced to its disk"), "{text}");

    let (server, channel) = Server::start(&database, free_port()).await;
    assert!(record(&channel, "r-1").await.unwrap().duplicate);
    record(&channel, "r-2").await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn checks_on_a_file_that_takes_no_writes_end_where_the_workspace_says() {
    let folder = tempfile::tempdir().unwrap();
    let database = database(folder.path());
    let (server, channel) = Server::start(&database, free_port()).await;
    set_up(&channel).await;
    // One check costs 0.002.
    let held_limit = v1::Money { currency_code: "USD".to_owned(), amount: "0.003".to_owned() };
    let workspace = v1::Workspace {
        workspace_id: ACME.to_owned(),
        outage_held_limit: Some(held_limit),
        ..Default::default()
    };
    let request = v1::UpdateWorkspaceRequest { workspace: Some(workspace), update_mask: None };
    WorkspaceServiceClient::new(channel.clone()).update_workspace(request).await.unwrap();

    // Somebody else writes to the file, and does not come to an end.
    let mut other = SqliteConnection::connect(&database).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let refused = record(&channel, "r-1").await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Unavailable, "{refused:?}");
    check(&channel, "c-1").await;
    let refused = try_check(&channel, "c-2").await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Unavailable, "{refused:?}");
    assert!(refused.message().contains("outage_held_limit"), "{refused:?}");

    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    let deadline = Instant::now() + PATIENCE;
    while record(&channel, "r-1").await.is_err() {
        assert!(Instant::now() < deadline, "storage takes writes again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    check(&channel, "c-2").await;

    // A server that is killed in an outage begins without one.
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    record(&channel, "r-2").await.unwrap_err();
    check(&channel, "c-3").await;
    try_check(&channel, "c-4").await.unwrap_err();
    server.kill();
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    let (server, channel) = Server::start(&database, free_port()).await;
    check(&channel, "c-4").await;
    check(&channel, "c-5").await;
    server.stop().await;
}

#[tokio::test]
async fn a_backup_of_a_running_server_is_restored() {
    let folder = tempfile::tempdir().unwrap();
    let (database, copy) = (database(folder.path()), folder.path().join("copy.db"));
    let run = |arguments: &[&str]| {
        let mut command = Command::new(process::binary());
        let output = command.args(arguments).args(["--database", &database]).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(text).unwrap())
    };
    let (server, channel) = Server::start(&database, free_port()).await;
    set_up(&channel).await;
    let writing = {
        let channel = channel.clone();
        tokio::spawn(async move {
            let mut recorded = Vec::new();
            for number in 0.. {
                let id = format!("w-{number}");
                if record(&channel, &id).await.is_err() {
                    break;
                }
                recorded.push(id);
            }
            recorded
        })
    };
    record(&channel, "before").await.unwrap();
    let (done, printed) = run(&["backup", copy.to_str().unwrap()]);
    assert!(done && printed.contains("copy.db has the database of start 1 up to"), "{printed}");
    let mode = std::os::unix::fs::MetadataExt::mode(&fs::metadata(&copy).unwrap());
    assert_eq!(mode & 0o777, 0o600);
    let (done, printed) = run(&["backup", copy.to_str().unwrap()]);
    assert!(!done && printed.contains("exists"), "{printed}");
    record(&channel, "after").await.unwrap();
    server.stop().await;
    let recorded = writing.await.unwrap();
    assert!(!recorded.is_empty());

    // It has lost what came after it, which is said before anything is done with it.
    let path = folder.path().join("tollgate.db");
    fs::copy(&copy, &path).unwrap();
    let (done, printed) = run(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(!done && printed.contains("older copy"), "{printed}");
    fs::remove_file(folder.path().join("tollgate.db.mark")).unwrap();
    let (server, channel) = Server::start(&database, free_port()).await;
    assert!(record(&channel, "before").await.unwrap().duplicate);
    assert!(!record(&channel, "after").await.unwrap().duplicate);
    // What came between is there up to one point.
    let mut missing = 0;
    for id in &recorded {
        let is_there = record(&channel, id).await.unwrap().duplicate;
        assert!(missing == 0 || !is_there, "{id}");
        missing += i32::from(!is_there);
    }
    let (is_clean, printed) = run(&["verify"]);
    assert!(is_clean, "{printed}");
    server.stop().await;
}

/// Waits until a text was logged.
async fn until_logged(log: &Path, text: &str) {
    let begun = Instant::now();
    loop {
        let logged = fs::read_to_string(log).unwrap();
        if logged.contains(text) {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{text} is not in {logged}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
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
