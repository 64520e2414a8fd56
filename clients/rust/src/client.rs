//! Connecting to Tollgate: one channel, the queue behind it, and the guard.

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;
use tonic::Status;
use tonic::transport::Endpoint;

use crate::address::Address;
use crate::authorization::{Authorization, SourceError};
use crate::breaker::Breaker;
use crate::delivery::{Delivery, Stats};
use crate::errors::{ConnectError, GuardError, is_unreached};
use crate::estimate::Tokenizer;
use crate::guard::{Call, OpenCall};
use crate::inner::Inner;
use crate::pages::{List, Pages};
use crate::request::{Policy, Request};
use crate::resume::Resume;
use crate::testing::FakeTollgate;
use crate::transport::{Interceptors, Route, Transport};
use crate::v1::WhoAmIRequest;
use crate::v1::access_service_client::AccessServiceClient;
use crate::v1::alert_service_client::AlertServiceClient;
use crate::v1::analytics_service_client::AnalyticsServiceClient;
use crate::v1::api_key_service_client::ApiKeyServiceClient;
use crate::v1::audit_service_client::AuditServiceClient;
use crate::v1::budget_service_client::BudgetServiceClient;
use crate::v1::catalog_service_client::CatalogServiceClient;
use crate::v1::directory_service_client::DirectoryServiceClient;
use crate::v1::insight_service_client::InsightServiceClient;
use crate::v1::model_limit_service_client::ModelLimitServiceClient;
use crate::v1::quota_service_client::QuotaServiceClient;
use crate::v1::usage_service_client::UsageServiceClient;
use crate::v1::workspace_service_client::WorkspaceServiceClient;

const ADDRESS: &str = "127.0.0.1:50051";
/// gRPC has the same limit.
const ATTEMPTS_MAX: u32 = 5;
const BREAK_DURATION_MAX: Duration = Duration::from_secs(60);
/// How long `ready` waits between two tries.
const READY_PAUSE: Duration = Duration::from_millis(100);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// How the connection is encrypted. All but `Plaintext` needs the feature `tls`, which is on by
/// default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Tls {
    /// Not at all.
    #[default]
    Plaintext,
    /// Servers are trusted as the system trusts them.
    SystemRoots,
    /// Servers are trusted whose certificate comes from these roots, in PEM.
    Roots(Vec<u8>),
}

/// Settings of a [`Client`]; each has a default.
#[must_use]
pub struct ClientBuilder {
    address: Option<String>,
    token: Option<String>,
    token_source: Option<Authorization>,
    tls: Tls,
    timeout: Duration,
    on_unavailable: Policy,
    queue_max: usize,
    queue_path: Option<PathBuf>,
    flush_timeout: Duration,
    break_duration: Duration,
    tokenizer: Option<Box<Tokenizer>>,
    max_attempts: u32,
    interceptors: Interceptors,
}

impl Default for ClientBuilder {
    fn default() -> Self {
        Self {
            address: None,
            token: None,
            token_source: None,
            tls: Tls::Plaintext,
            timeout: Duration::from_secs(2),
            on_unavailable: Policy::Open,
            queue_max: 10_000,
            queue_path: None,
            flush_timeout: Duration::from_secs(5),
            break_duration: Duration::from_millis(500),
            tokenizer: None,
            max_attempts: 3,
            interceptors: Interceptors::default(),
        }
    }
}

impl ClientBuilder {
    /// `host`, `host:port` or `[IPv6]:port`, with 50051 if it says no port; `http://host:port` for
    /// plaintext or `https://host:port` for TLS, with the system's roots unless
    /// [`tls`](Self::tls) has others; `dns:host:port`; or `unix:/path`. By default that of the
    /// environment's `TOLLGATE_ADDRESS`, or `127.0.0.1:50051`.
    pub fn address(mut self, address: impl Into<String>) -> Self {
        self.address = Some(address.into());
        self
    }

    /// The secret of an access token; by default that of the environment's `TOLLGATE_TOKEN`. In
    /// plaintext it is sent to this machine only. Space around it is left out.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self.token_source = None;
        self
    }

    /// Is asked for the token before each call, so that it can be renewed; it is to return at once.
    /// Its error ends the call with `UNAUTHENTICATED`.
    pub fn token_source<F>(mut self, source: F) -> Self
    where
        F: Fn() -> Result<String, SourceError> + Send + Sync + 'static,
    {
        self.token = None;
        self.token_source = Some(Authorization::source(source));
        self
    }

    /// How the connection is encrypted; by default not at all.
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = tls;
        self
    }

    /// Deadline of each call, retries included; 2 seconds by default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// What happens to calls when Tollgate cannot be reached; `Open` by default.
    pub fn on_unavailable(mut self, policy: Policy) -> Self {
        self.on_unavailable = policy;
        self
    }

    /// How many records wait in memory at most; 10,000 by default.
    pub fn queue_max(mut self, count: usize) -> Self {
        self.queue_max = count;
        self
    }

    /// A file that keeps what is queued beyond the end of the process; none by default. It has
    /// room for 256 MiB, and belongs to one client at a time.
    pub fn queue_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.queue_path = Some(path.into());
        self
    }

    /// How long [`Client::close`] waits for what is queued; 5 seconds by default.
    pub fn flush_timeout(mut self, timeout: Duration) -> Self {
        self.flush_timeout = timeout;
        self
    }

    /// How long after a call that was not answered no other waits for Tollgate: they end, or run
    /// unchecked, at once. Then one finds out whether it answers again. Half a second by default, a
    /// minute at most; zero lets every call wait.
    pub fn break_duration(mut self, duration: Duration) -> Self {
        self.break_duration = duration;
        self
    }

    /// Counts the tokens of a text; by default they are estimated by its characters.
    pub fn tokenizer<F>(mut self, tokenizer: F) -> Self
    where
        F: Fn(&str) -> usize + Send + Sync + 'static,
    {
        self.tokenizer = Some(Box::new(tokenizer));
        self
    }

    /// How often a call is made at most, the first time included, without an answer: of those calls
    /// that are the same request however often they are sent. 3 by default, 1 to 5. What is queued is
    /// sent again beyond that.
    pub fn max_attempts(mut self, count: u32) -> Self {
        self.max_attempts = count;
        self
    }

    /// Takes each call before it is sent, also those of the guard and of the queue: to add metadata,
    /// or to refuse it with a status. Several are asked in the order in which they are given, once for
    /// a call and not again for its retries.
    pub fn interceptor<F>(mut self, interceptor: F) -> Self
    where
        F: Fn(tonic::Request<()>) -> Result<tonic::Request<()>, Status> + Send + Sync + 'static,
    {
        self.interceptors.push(interceptor);
        self
    }

    /// Makes the client, within a Tokio runtime. Does not connect yet: the first call does.
    pub fn build(self) -> Result<Client, ConnectError> {
        self.make(None)
    }

    /// Makes a client of a fake, for tests.
    pub(crate) fn build_for(self, fake: FakeTollgate) -> Result<Client, ConnectError> {
        self.make(Some(fake))
    }

    fn make(self, fake: Option<FakeTollgate>) -> Result<Client, ConnectError> {
        let runtime = Handle::try_current().map_err(|_| ConnectError::NoRuntime)?;
        if self.queue_max == 0 {
            return Err(ConnectError::QueueMax);
        }
        if !(1..=ATTEMPTS_MAX).contains(&self.max_attempts) {
            return Err(ConnectError::MaxAttempts);
        }
        if self.break_duration > BREAK_DURATION_MAX {
            return Err(ConnectError::BreakDuration);
        }
        let of_environment = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let address = self.address.or_else(|| of_environment("TOLLGATE_ADDRESS"));
        let authorization = match (self.token_source, self.token) {
            (Some(source), _) => Some(source),
            (None, token) => {
                let token = token.or_else(|| of_environment("TOLLGATE_TOKEN"));
                token.map(|token| Authorization::fixed(&token)).transpose()?
            }
        };
        let address = address.as_deref().unwrap_or(ADDRESS);
        let address = Address::parse(address, self.tls != Tls::Plaintext);
        let address = address.map_err(ConnectError::Address)?;
        if authorization.is_some() && !address.is_tls && !address.is_loopback() {
            return Err(ConnectError::TokenWithoutTls(address.target));
        }
        let tls =
            if address.is_tls && self.tls == Tls::Plaintext { Tls::SystemRoots } else { self.tls };
        let route = match fake {
            Some(fake) => Route::Fake(fake),
            None => Route::Channel(endpoint(&address.target, &tls, self.timeout)?.connect_lazy()),
        };
        let breaker = Breaker::new(address.target, self.break_duration, self.timeout);
        let breaker = Arc::new(breaker);
        let (attempts, interceptors) = (self.max_attempts, self.interceptors);
        let transport = Transport::new(route, self.timeout, authorization, attempts, interceptors);
        let usage = UsageServiceClient::new(transport.clone());
        let path = self.queue_path.as_deref();
        let sender = (usage.clone(), Arc::clone(&breaker));
        let delivery = Delivery::new(sender, runtime, self.queue_max, path).map_err(|cause| {
            ConnectError::QueueFile { path: path.unwrap_or("".as_ref()).into(), cause }
        })?;
        Ok(Client {
            inner: Arc::new(Inner {
                usage,
                transport,
                delivery,
                breaker,
                policy: self.on_unavailable,
                flush_timeout: self.flush_timeout,
                tokenizer: self.tokenizer,
            }),
        })
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the token.
        formatter
            .debug_struct("ClientBuilder")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// Checks before LLM calls and records after them. Make one for a process; clones share it.
///
/// [`close`](Self::close) it at the end: dropping cannot wait. What is queued when the last clone
/// is dropped is delivered in the background as long as the Tokio runtime runs, and is lost with
/// it unless there is a queue file.
///
/// The stubs are for everything that is not the guard. Their calls have the client's deadline and
/// token, and the four that are the same request however often they are sent are retried.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

impl Client {
    /// Makes a client for the server at an address, with defaults for everything else.
    pub fn new(address: impl Into<String>) -> Result<Self, ConnectError> {
        Self::builder().address(address).build()
    }

    /// Begins a client with other settings; without any, everything comes from the environment.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// Puts an LLM call behind Tollgate.
    ///
    /// The block runs the call on [`Call::model`] and hands the provider's answer to
    /// [`Call::record`]. It does not run if a limit is in the way ([`GuardError::Blocked`]), if
    /// Tollgate is not reached and the policy is `Closed` ([`GuardError::Unavailable`]), or if the
    /// request is wrong ([`GuardError::Rpc`]).
    ///
    /// How it ends is recorded: its success; its own error, which comes back unchanged in
    /// [`GuardError::Block`]; a panic, as an error; and as cancelled if this future is dropped. A
    /// block that never read the model never started: its hold is given back.
    pub async fn guard<T, E, F, B>(&self, request: Request, block: F) -> Result<T, GuardError<E>>
    where
        F: FnOnce(Call) -> B,
        B: Future<Output = Result<T, E>>,
    {
        match self.open(request).await {
            Ok(open) => open.run(block).await,
            Err(error) => Err(error.widen()),
        }
    }

    /// Enters the guard by hand, for what does not fit into one block.
    pub async fn open(&self, request: Request) -> Result<OpenCall, GuardError> {
        OpenCall::enter(&self.inner, request).await
    }

    /// Goes on with a call whose provider answers later, in this process or in another one: a guard
    /// that is left with an answer that is `queued` or `in_progress` records nothing and keeps its
    /// hold.
    ///
    /// The block asks the provider and hands what it answers to [`Call::record`]; its hold is kept
    /// alive meanwhile. Once the answer is finished it is recorded, once however many processes do
    /// so. A block that hands over no answer, or one that is still unfinished, records nothing,
    /// however it ends, and the call can be resumed again.
    pub async fn resume<T, E, F, B>(&self, resume: Resume, block: F) -> Result<T, GuardError<E>>
    where
        F: FnOnce(Call) -> B,
        B: Future<Output = Result<T, E>>,
    {
        match self.open_resumed(resume).await {
            Ok(open) => open.run(block).await,
            Err(error) => Err(error.widen()),
        }
    }

    /// Resumes a call by hand, for what does not fit into one block.
    pub async fn open_resumed(&self, resume: Resume) -> Result<OpenCall, GuardError> {
        OpenCall::resume(&self.inner, resume).await
    }

    /// Goes through the pages of a List call, from that of the request's `page_token` on:
    /// `client.pages(v1::ListUsageRecordsRequest { … })`.
    pub fn pages<Q: List>(&self, request: Q) -> Pages<Q> {
        let transport = self.inner.transport.clone();
        Pages::new(request, move |request| request.send(transport.clone()))
    }

    /// Waits until Tollgate answers, at most so long, so that a program can fail at its start.
    ///
    /// It fails with [`GuardError::Unavailable`] if the server does not answer in time, and with
    /// [`GuardError::Rpc`] if the answer is an error, such as `UNAUTHENTICATED` for a token that is
    /// not valid.
    pub async fn ready(&self, timeout: Duration) -> Result<(), GuardError> {
        let breaker = &self.inner.breaker;
        let end = Instant::now() + timeout;
        loop {
            let left = end.saturating_duration_since(Instant::now()).max(READY_PAUSE);
            let mut request = tonic::Request::new(WhoAmIRequest {});
            request.set_timeout(left.min(breaker.timeout));
            match self.access().who_am_i(request).await {
                Ok(_) => {
                    breaker.reached();
                    return Ok(());
                }
                Err(status) if !is_unreached(status.code()) => return Err(GuardError::Rpc(status)),
                Err(status) if Instant::now() >= end => {
                    let (address, why) = (&breaker.address, status.message());
                    let text = format!("at {address} within {timeout:?}: {why}");
                    return Err(GuardError::Unavailable(Status::new(status.code(), text)));
                }
                Err(_) => tokio::time::sleep(READY_PAUSE).await,
            }
        }
    }

    /// Waits until every record is delivered, at most so long; says how many are left.
    pub async fn flush(&self, timeout: Duration) -> usize {
        self.inner.delivery.flush(timeout).await
    }

    /// Flushes within the flush timeout and stops; says how many records are left. What is
    /// recorded later, by any clone, is dropped.
    pub async fn close(&self) -> usize {
        self.close_within(self.inner.flush_timeout).await
    }

    /// Closes within another time than the flush timeout.
    pub async fn close_within(&self, timeout: Duration) -> usize {
        self.inner.delivery.close(timeout).await
    }

    /// Counts the usage records that are queued, delivered, dropped and refused.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.inner.delivery.stats()
    }

    /// Checks and records.
    #[must_use]
    pub fn usage(&self) -> UsageServiceClient<Transport> {
        self.inner.usage.clone()
    }

    /// Workspaces.
    #[must_use]
    pub fn workspace(&self) -> WorkspaceServiceClient<Transport> {
        WorkspaceServiceClient::new(self.inner.transport.clone())
    }

    /// Plans, budgets and their boosts.
    #[must_use]
    pub fn budget(&self) -> BudgetServiceClient<Transport> {
        BudgetServiceClient::new(self.inner.transport.clone())
    }

    /// Models, prices and exchange rates.
    #[must_use]
    pub fn catalog(&self) -> CatalogServiceClient<Transport> {
        CatalogServiceClient::new(self.inner.transport.clone())
    }

    /// The models of a workspace and their caps.
    #[must_use]
    pub fn model_limit(&self) -> ModelLimitServiceClient<Transport> {
        ModelLimitServiceClient::new(self.inner.transport.clone())
    }

    /// Quotas and rate limits.
    #[must_use]
    pub fn quota(&self) -> QuotaServiceClient<Transport> {
        QuotaServiceClient::new(self.inner.transport.clone())
    }

    /// API keys and key groups.
    #[must_use]
    pub fn api_key(&self) -> ApiKeyServiceClient<Transport> {
        ApiKeyServiceClient::new(self.inner.transport.clone())
    }

    /// Alerts.
    #[must_use]
    pub fn alert(&self) -> AlertServiceClient<Transport> {
        AlertServiceClient::new(self.inner.transport.clone())
    }

    /// The audit log.
    #[must_use]
    pub fn audit(&self) -> AuditServiceClient<Transport> {
        AuditServiceClient::new(self.inner.transport.clone())
    }

    /// Names and dates of users, departments, projects and the like.
    #[must_use]
    pub fn directory(&self) -> DirectoryServiceClient<Transport> {
        DirectoryServiceClient::new(self.inner.transport.clone())
    }

    /// Access tokens, and who the caller is.
    #[must_use]
    pub fn access(&self) -> AccessServiceClient<Transport> {
        AccessServiceClient::new(self.inner.transport.clone())
    }

    /// Reports and exports.
    #[must_use]
    pub fn analytics(&self) -> AnalyticsServiceClient<Transport> {
        AnalyticsServiceClient::new(self.inner.transport.clone())
    }

    /// Seasons and forecasts of usage.
    #[must_use]
    pub fn insight(&self) -> InsightServiceClient<Transport> {
        InsightServiceClient::new(self.inner.transport.clone())
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Client").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

fn endpoint(address: &str, tls: &Tls, timeout: Duration) -> Result<Endpoint, ConnectError> {
    let scheme = match tls {
        _ if address.starts_with("unix:") => "",
        Tls::Plaintext => "http://",
        _ => "https://",
    };
    let endpoint = Endpoint::from_shared(format!("{scheme}{address}"))
        .map_err(|error| ConnectError::Address(error.to_string()))?;
    let endpoint = endpoint
        .user_agent(concat!("tollgate-rust/", env!("CARGO_PKG_VERSION")))
        .map_err(|error| ConnectError::Address(error.to_string()))?
        .connect_timeout(timeout)
        .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT);
    let endpoint = if address.starts_with("unix:") {
        // Else calls have an authority that servers do not take.
        endpoint.origin(http::Uri::from_static("http://localhost"))
    } else {
        endpoint
    };
    encrypted(endpoint, tls)
}

#[cfg(feature = "tls")]
fn encrypted(endpoint: Endpoint, tls: &Tls) -> Result<Endpoint, ConnectError> {
    use tonic::transport::{Certificate, ClientTlsConfig};

    let config = match tls {
        Tls::Plaintext => return Ok(endpoint),
        Tls::SystemRoots => ClientTlsConfig::new().with_native_roots(),
        Tls::Roots(pem) if !holds_certificate(pem) => {
            return Err(ConnectError::Tls("no certificate is among the roots".into()));
        }
        Tls::Roots(pem) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)),
    };
    endpoint.tls_config(config).map_err(|error| {
        let cause = std::error::Error::source(&error);
        ConnectError::Tls(cause.map_or_else(|| error.to_string(), ToString::to_string))
    })
}

#[cfg(not(feature = "tls"))]
fn encrypted(endpoint: Endpoint, tls: &Tls) -> Result<Endpoint, ConnectError> {
    match tls {
        Tls::Plaintext => Ok(endpoint),
        _ => Err(ConnectError::Tls("the feature tls of tollgate-grpc is off".into())),
    }
}

/// Whether there is a root in what is given as such: without any no server would be trusted.
#[cfg(feature = "tls")]
fn holds_certificate(pem: &[u8]) -> bool {
    String::from_utf8_lossy(pem).contains("-----BEGIN CERTIFICATE-----")
}
