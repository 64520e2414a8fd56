//! A real server in this process, on a port of its own and a fresh database, with a clock that
//! stands still until a test moves it, and real clients. The database is a SQLite file, or one of a
//! private Postgres server where `TOLLGATE_TEST_API_DATABASE` is `postgres`.
#![allow(dead_code, reason = "each test target uses its part of it")]

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tollgate::config::Config;
use tollgate::domain::Time;
use tollgate::domain::time::Micros;
use tollgate::engine::Clock;
use tollgate::proto::v1::access_service_client::AccessServiceClient;
use tollgate::proto::v1::alert_service_client::AlertServiceClient;
use tollgate::proto::v1::analytics_service_client::AnalyticsServiceClient;
use tollgate::proto::v1::api_key_service_client::ApiKeyServiceClient;
use tollgate::proto::v1::audit_service_client::AuditServiceClient;
use tollgate::proto::v1::budget_service_client::BudgetServiceClient;
use tollgate::proto::v1::catalog_service_client::CatalogServiceClient;
use tollgate::proto::v1::directory_service_client::DirectoryServiceClient;
use tollgate::proto::v1::insight_service_client::InsightServiceClient;
use tollgate::proto::v1::model_limit_service_client::ModelLimitServiceClient;
use tollgate::proto::v1::quota_service_client::QuotaServiceClient;
use tollgate::proto::v1::usage_service_client::UsageServiceClient;
use tollgate::proto::v1::workspace_service_client::WorkspaceServiceClient;
use tollgate::server;
use tollgate::storage::Store;
use tollgate::storage::sql::{self, Ownership};
use tonic::transport::{Channel, Endpoint};

use crate::support::postgres;

/// 2026-03-15T12:00:00Z: when every test begins.
pub const START: Time = Time::from_micros(1_773_576_000_000_000);

/// A clock that a test moves.
pub struct TestClock {
    micros: AtomicI64,
    /// The file in which the clock is broken.
    broken_in: Mutex<Option<&'static str>>,
}

impl Default for TestClock {
    fn default() -> TestClock {
        TestClock { micros: AtomicI64::new(START.micros()), broken_in: Mutex::new(None) }
    }
}

impl TestClock {
    pub fn micros(&self) -> i64 {
        self.micros.load(Ordering::Relaxed)
    }

    /// From now on it panics when a function of this file asks it, directly or through others.
    pub fn break_in(&self, file: &'static str) {
        *self.broken_in.lock().unwrap() = Some(file);
    }

    /// It is in order again.
    pub fn mend(&self) {
        *self.broken_in.lock().unwrap() = None;
    }

    pub fn advance(&self, span: Micros) {
        self.micros.fetch_add(span, Ordering::Relaxed);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Time {
        // Released before the panic.
        let broken_in = *self.broken_in.lock().unwrap();
        if let Some(file) = broken_in {
            let stack = std::backtrace::Backtrace::force_capture().to_string();
            assert!(!stack.contains(file), "the clock is broken in {file}");
        }
        Time::from_micros(self.micros())
    }
}

/// Which database the tests run on.
const DATABASE: &str = "TOLLGATE_TEST_API_DATABASE";

/// The database of a folder.
pub async fn open(folder: &Path) -> Arc<dyn Store> {
    // A test that ends a server as a crash would starts the next one on the same node.
    let ownership = Ownership { node: "test".to_owned(), ..Ownership::default() };
    sql::open_as(&database(folder).await, ownership).await.expect("the database opens")
}

/// Its address. The same folder has the same database for as long as it is there.
pub async fn database(folder: &Path) -> String {
    if std::env::var(DATABASE).as_deref() != Ok("postgres") {
        return format!("sqlite:{}", folder.join("tollgate.db").display());
    }
    let file = folder.join("database");
    if let Ok(url) = std::fs::read_to_string(&file) {
        return url;
    }
    let postgres = postgres::server("the API suite").expect("it was asked for: install Postgres");
    let url = postgres.fresh_database(folder).await;
    std::fs::write(&file, &url).expect("the folder is writable");
    url
}

/// A server that runs.
pub struct Server {
    pub address: SocketAddr,
    pub clock: Arc<TestClock>,
    pub channel: Channel,
    stop: oneshot::Sender<()>,
    running: JoinHandle<Result<(), server::Error>>,
    /// Removed with the server, unless the test keeps it for the next one.
    folder: Option<TempDir>,
}

impl Server {
    /// On a fresh file.
    pub async fn start() -> Server {
        Server::start_with(Config::default()).await
    }

    pub async fn start_with(config: Config) -> Server {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut server = Server::start_in(folder.path(), Arc::default(), config).await;
        server.folder = Some(folder);
        server
    }

    /// On the file of a folder that the test keeps.
    pub async fn start_in(folder: &Path, clock: Arc<TestClock>, config: Config) -> Server {
        Server::start_on(open(folder).await, clock, config).await
    }

    /// On any storage.
    pub async fn start_on(store: Arc<dyn Store>, clock: Arc<TestClock>, config: Config) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (stop, stopped) = oneshot::channel();
        let stopped = async {
            // A server that is not stopped runs to the end of its test.
            if stopped.await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        let signals = server::Signals::shutdown(stopped);
        let running = tokio::spawn(server::run(config, listener, store, clock.clone(), signals));
        let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address");
        let channel = endpoint.connect_lazy();
        Server { address, clock, channel, stop, running, folder: None }
    }

    pub fn access(&self) -> AccessServiceClient<Channel> {
        AccessServiceClient::new(self.channel.clone())
    }

    pub fn usage(&self) -> UsageServiceClient<Channel> {
        UsageServiceClient::new(self.channel.clone())
    }

    pub fn budget(&self) -> BudgetServiceClient<Channel> {
        BudgetServiceClient::new(self.channel.clone())
    }

    pub fn model_limit(&self) -> ModelLimitServiceClient<Channel> {
        ModelLimitServiceClient::new(self.channel.clone())
    }

    pub fn workspace(&self) -> WorkspaceServiceClient<Channel> {
        WorkspaceServiceClient::new(self.channel.clone())
    }

    pub fn catalog(&self) -> CatalogServiceClient<Channel> {
        CatalogServiceClient::new(self.channel.clone())
    }

    pub fn api_key(&self) -> ApiKeyServiceClient<Channel> {
        ApiKeyServiceClient::new(self.channel.clone())
    }

    pub fn audit(&self) -> AuditServiceClient<Channel> {
        AuditServiceClient::new(self.channel.clone())
    }

    pub fn alert(&self) -> AlertServiceClient<Channel> {
        AlertServiceClient::new(self.channel.clone())
    }

    pub fn quota(&self) -> QuotaServiceClient<Channel> {
        QuotaServiceClient::new(self.channel.clone())
    }

    pub fn directory(&self) -> DirectoryServiceClient<Channel> {
        DirectoryServiceClient::new(self.channel.clone())
    }

    pub fn analytics(&self) -> AnalyticsServiceClient<Channel> {
        AnalyticsServiceClient::new(self.channel.clone())
    }

    pub fn insight(&self) -> InsightServiceClient<Channel> {
        InsightServiceClient::new(self.channel.clone())
    }

    /// Why it ends by itself.
    pub async fn ended(self) -> Result<(), server::Error> {
        self.running.await.expect("the server does not panic")
    }

    /// Stops gracefully and waits for the end.
    pub async fn stop(self) -> Result<(), server::Error> {
        self.stop.send(()).expect("the server runs");
        self.running.await.expect("the server does not panic")
    }

    /// Waits until it has ended by itself.
    pub async fn end(self) -> Result<(), server::Error> {
        let Server { running, stop: _stop, .. } = self;
        running.await.expect("the server does not panic")
    }
}
