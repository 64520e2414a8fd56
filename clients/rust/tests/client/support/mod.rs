//! A real Tollgate server for each test, with a workspace in it, and what the client logs.

pub mod provider;

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::{Mutex, Once};
use std::time::Duration;

use rust_decimal::Decimal;
use tokio::net::TcpSocket;
use tollgate_grpc::{Call, Client, GuardError, Money, Request, Usage, v1};
use tracing_subscriber::fmt::MakeWriter;

/// Nobody listens there.
pub const NOWHERE: &str = "127.0.0.1:1";
pub const USED: Usage = Usage {
    input_token_count: 1000,
    cache_read_token_count: 0,
    cache_write_5m_token_count: 0,
    cache_write_1h_token_count: 0,
    output_token_count: 100,
    reasoning_token_count: 0,
    audio_input_token_count: 0,
    audio_output_token_count: 0,
    image_input_token_count: 0,
    image_output_token_count: 0,
    units: Vec::new(),
};
/// What that costs on gpt-4.1, in dollars.
pub const COST: Decimal = Decimal::from_parts(28, 0, 0, false, 4);
/// More than anything takes on a busy machine.
pub const LONG: Duration = Duration::from_secs(60);

/// The binary on a port of its own with a `SQLite` file of its own; can be killed and started.
pub struct Server {
    pub address: String,
    pub folder: tempfile::TempDir,
    process: Option<Child>,
    _port: Option<TcpSocket>,
}

impl Server {
    pub async fn start() -> Self {
        log_is_kept();
        let (address, port) = free_port();
        let folder = tempfile::tempdir().unwrap();
        let mut server = Self { address, folder, process: None, _port: port };
        server.start_again().await;
        server
    }

    pub async fn start_again(&mut self) {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
        let binary = std::env::var_os("TOLLGATE_TEST_BINARY")
            .map_or_else(|| root.join("target/debug/tollgate"), PathBuf::from);
        let path = self.folder.path().join("server.log");
        let log = File::options().create(true).append(true).open(path).unwrap();
        let process = Command::new(&binary)
            .args(["serve", "--listen", &self.address, "--database", "sqlite:tollgate.db"])
            .current_dir(&self.folder)
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        self.process =
            Some(process.unwrap_or_else(|error| panic!("{}: {error}", binary.display())));
        let client = Client::new(&self.address).unwrap();
        let end = tokio::time::Instant::now() + LONG;
        while let Err(status) =
            client.workspace().list_workspaces(v1::ListWorkspacesRequest::default()).await
        {
            let log = || std::fs::read_to_string(self.folder.path().join("server.log"));
            assert!(tokio::time::Instant::now() < end, "{status}\n{}", log().unwrap());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Stops it from answering, or lets it go on.
    pub fn hang(&self, hang: bool) {
        let process = self.process.as_ref().unwrap().id().to_string();
        let signal = if hang { "-STOP" } else { "-CONT" };
        assert!(Command::new("kill").args([signal, &process]).status().unwrap().success());
        // All of its threads, some of which may just be answering.
        while hang && !is_stopped(&process) {
            std::thread::yield_now();
        }
    }

    pub fn client(&self) -> Client {
        Client::builder().address(&self.address).timeout(LONG).build().unwrap()
    }

    /// A workspace of this name with a budget and two models.
    pub async fn workspace(&self, id: &str) -> Workspace {
        let admin = self.client();
        let workspace = v1::Workspace {
            workspace_id: id.into(),
            currency_code: "USD".into(),
            time_zone: "UTC".into(),
            ..Default::default()
        };
        let request = v1::CreateWorkspaceRequest { workspace: Some(workspace) };
        admin.workspace().create_workspace(request).await.unwrap();
        let plan = v1::Plan {
            budget: Some(usd("1000")),
            overage_limit: Some(usd("0")),
            start_date: "2026-01-01".into(),
        };
        let request = v1::SetPlanRequest { workspace_id: id.into(), plan: Some(plan) };
        admin.budget().set_plan(request).await.unwrap();
        for model in ["gpt-4.1", "gpt-4.1-mini"] {
            let (workspace_id, model_id) = (id.into(), model.into());
            let request = v1::EnableModelRequest { workspace_id, model_id };
            admin.model_limit().enable_model(request).await.unwrap();
        }
        Workspace { admin, id: id.into() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A workspace, and what the server says of it.
pub struct Workspace {
    pub admin: Client,
    pub id: String,
}

impl Workspace {
    pub async fn cap(&self, model: &str, amount: &str) {
        let request = v1::SetModelLimitRequest {
            workspace_id: self.id.clone(),
            model_id: model.into(),
            limit: Some(usd(amount)),
            fallback_model_ids: vec!["gpt-4.1-mini".into()],
            ..Default::default()
        };
        self.admin.model_limit().set_model_limit(request).await.unwrap();
    }

    pub async fn fallback(&self, enabled: bool) {
        let workspace_id = self.id.clone();
        let request = v1::SetAutomaticFallbackRequest { workspace_id, enabled };
        self.admin.budget().set_automatic_fallback(request).await.unwrap();
    }

    /// The usage log, oldest first.
    pub async fn records(&self) -> Vec<v1::UsageRecord> {
        let request = v1::ListUsageRecordsRequest {
            workspace_id: self.id.clone(),
            page_size: 1000,
            ..Default::default()
        };
        let answer = self.admin.usage().list_usage_records(request).await.unwrap();
        answer.into_inner().records.into_iter().rev().collect()
    }

    pub async fn holds(&self) -> usize {
        let request = v1::ListHoldsRequest {
            workspace_id: self.id.clone(),
            state: v1::HoldState::Live.into(),
            ..Default::default()
        };
        self.admin.usage().list_holds(request).await.unwrap().into_inner().holds.len()
    }

    pub async fn spent(&self) -> Decimal {
        let request = v1::GetBudgetRequest { workspace_id: self.id.clone() };
        let answer = self.admin.budget().get_budget(request).await.unwrap().into_inner();
        Money::try_from(&answer.budget.unwrap().spent.unwrap()).unwrap().amount
    }
}

pub fn usd(amount: &str) -> v1::Money {
    v1::Money { currency_code: "USD".into(), amount: amount.into() }
}

/// An address where nobody listens yet. On Linux a port that is bound can be listened on by the
/// server all the same, and is given to nobody else before the server starts, or while it is down.
fn free_port() -> (String, Option<TcpSocket>) {
    let port = TcpSocket::new_v4().unwrap();
    port.set_reuseaddr(true).unwrap();
    port.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = port.local_addr().unwrap().to_string();
    (address, cfg!(target_os = "linux").then_some(port))
}

pub fn request(workspace: &str) -> Request {
    Request::to(workspace, "gpt-4.1").input_tokens(1000)
}

/// Runs a guard around a call that used what costs [`COST`]; gives its request id.
pub async fn run(client: &Client, request: Request) -> Result<String, GuardError<String>> {
    let block = |call: Call| async move {
        call.set_model(call.model());
        call.record_usage(USED);
        Ok(call.request_id().to_owned())
    };
    client.guard(request, block).await
}

pub async fn flushed(client: &Client) {
    assert_eq!(client.flush(LONG).await, 0);
}

static LOG: Mutex<String> = Mutex::new(String::new());

/// Whether the client has logged something, in any test: look for what no other test has.
pub fn logged(text: &str) -> bool {
    LOG.lock().unwrap().contains(text)
}

pub fn log_is_kept() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing_subscriber::fmt().with_ansi(false).with_writer(Log).init());
}

struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOG.lock().unwrap().push_str(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        Self
    }
}

/// Where the system tells of threads; elsewhere the signal is believed.
fn is_stopped(process: &str) -> bool {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{process}/task")) else { return true };
    threads.flatten().all(|thread| {
        let said = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        said.is_empty() || said.contains(") T ")
    })
}
