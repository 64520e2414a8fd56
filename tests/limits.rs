//! Limits of the real binary: descriptors that run out, memory that callers pin; and their table in
//! the documentation.

#[path = "support/process.rs"]
mod process;

use std::fs::{self, File};
use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use process::{Server, free_port, serve};
use tollgate::proto::v1;
use tollgate::proto::v1::usage_service_client::UsageServiceClient;
use tollgate::proto::v1::workspace_service_client::WorkspaceServiceClient;
use tonic::Streaming;
use tonic::transport::Channel;

const ACME: &str = "acme";
const PATIENCE: Duration = Duration::from_secs(60);
/// How a client of HTTP/2 begins.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
const MIB: u64 = 1024 * 1024;

#[test]
fn the_documented_table_is_that_of_the_code() {
    let text = fs::read_to_string("docs/operations.md").unwrap();
    let table = tollgate::limits::to_markdown();
    assert!(text.contains(&table), "docs/operations.md: expected\n{table}");
}

async fn create_workspace(channel: &Channel) {
    let workspace = v1::Workspace { workspace_id: ACME.to_owned(), ..Default::default() };
    let request = v1::CreateWorkspaceRequest { workspace: Some(workspace) };
    WorkspaceServiceClient::new(channel.clone()).create_workspace(request).await.unwrap();
}

/// Time on a processor so far.
fn cpu(pid: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let fields: Vec<&str> = fields.split_whitespace().collect();
    // User and system time, in hundredths of a second.
    let ticks: u64 = fields[11..=12].iter().map(|field| field.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 10)
}

/// Memory that is resident, in bytes.
fn resident(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

fn count(log: &Path, text: &str) -> usize {
    fs::read_to_string(log).unwrap().matches(text).count()
}

async fn list(channel: &Channel) -> bool {
    let request =
        v1::ListUsageRecordsRequest { workspace_id: ACME.to_owned(), ..Default::default() };
    UsageServiceClient::new(channel.clone()).list_usage_records(request).await.is_ok()
}

#[tokio::test]
async fn a_server_without_descriptors_waits_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (database, port) =
        (format!("sqlite:{}", folder.path().join("t.db").display()), free_port());
    let log = folder.path().join("log");
    let serving = serve(&database, port);
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 96; exec \"$0\" \"$@\"", "nice", "-n", "0"]);
    command.arg(serving.get_program()).args(serving.get_args());
    command.args(["--log-filter", "info"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&log).unwrap());
    let (server, channel) = Server::run(command, port).await;
    create_workspace(&channel).await;
    assert!(list(&channel).await);
    let open: Vec<TcpStream> = (0..150)
        .map(|_| {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
            stream.write_all(PREFACE).unwrap();
            stream
        })
        .collect();
    let begun = Instant::now();
    while count(&log, "no connection is accepted") == 0 {
        assert!(begun.elapsed() < PATIENCE, "descriptors do not run out");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let before = cpu(server.pid());
    tokio::time::sleep(Duration::from_secs(3)).await;
    let spent = cpu(server.pid()) - before;
    assert!(spent < Duration::from_millis(500), "{spent:?} of 3 s");
    assert!(list(&channel).await, "those that are open are served");
    assert_eq!(count(&log, "no connection is accepted"), 1, "the log tells of it once");
    drop(open);
    let begun = Instant::now();
    while count(&log, "connections are accepted again") == 0 {
        assert!(begun.elapsed() < PATIENCE, "none is accepted");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let endpoint = Channel::from_shared(format!("http://127.0.0.1:{port}")).unwrap();
    assert!(list(&endpoint.connect().await.unwrap()).await);
    server.stop().await;
}

/// A record of 7 KB.
fn large(index: usize) -> v1::RecordUsageRequest {
    let tag = |tag: usize| (format!("{tag:0>64}"), "€".repeat(128));
    v1::RecordUsageRequest {
        workspace_id: ACME.to_owned(),
        request_id: format!("r-{index}"),
        model_id: "made-up".to_owned(),
        usage: Some(v1::Usage { input_token_count: 1, ..Default::default() }),
        outcome: v1::Outcome::Success.into(),
        attribution: Some(v1::Attribution {
            tags: (0..16).map(tag).collect(),
            ..Default::default()
        }),
        ..Default::default()
    }
}

#[tokio::test]
async fn pages_that_are_not_read_pin_a_bounded_part_of_the_memory() {
    let folder = tempfile::tempdir().unwrap();
    let (database, port) =
        (format!("sqlite:{}", folder.path().join("t.db").display()), free_port());
    let (server, channel) = Server::start(&database, port).await;
    create_workspace(&channel).await;
    let mut usage = UsageServiceClient::new(channel.clone());
    let records = (0..1_000).map(large).collect();
    usage.record_usage_batch(v1::RecordUsageBatchRequest { records }).await.unwrap();
    // What a page takes while it is made is there before.
    let page = v1::ListUsageRecordsRequest {
        workspace_id: ACME.to_owned(),
        page_size: 1_000,
        ..Default::default()
    };
    for _ in 0..8 {
        usage.list_usage_records(page.clone()).await.unwrap();
    }
    let before = resident(server.pid());
    let mut calls = Vec::new();
    for _ in 0..300 {
        calls.push(tokio::spawn(unread(channel.clone(), page.clone())));
    }
    tokio::time::sleep(Duration::from_secs(8)).await;
    let pinned = resident(server.pid()).saturating_sub(before);
    assert!(pinned < 100 * MIB, "{} MiB", pinned / MIB);
    for call in calls {
        call.abort();
    }
    // Another client is served meanwhile and after.
    let endpoint = Channel::from_shared(format!("http://127.0.0.1:{port}")).unwrap();
    assert!(list(&endpoint.connect().await.unwrap()).await);
    server.stop().await;
}

/// Asks for a page, and does not read it.
async fn unread(
    channel: Channel,
    page: v1::ListUsageRecordsRequest,
) -> Option<Streaming<v1::ListUsageRecordsResponse>> {
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.ok()?;
    let path = "/tollgate.v1.UsageService/ListUsageRecords".parse().unwrap();
    let codec = tonic_prost::ProstCodec::default();
    let answer = client.server_streaming(tonic::Request::new(page), path, codec).await;
    let held = answer.ok()?.into_inner();
    tokio::time::sleep(PATIENCE).await;
    Some(held)
}
