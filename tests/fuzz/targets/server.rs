//! A server without a network: the services behind the router, as the server has them, and calls of
//! their methods by path.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio_stream::StreamExt;
use tokio_util::sync::CancellationToken;
use tollgate::domain::Time;
use tollgate::domain::catalog::Catalog;
use tollgate::domain::time::Micros;
use tollgate::engine::alerts::Keyring;
use tollgate::engine::alerts::address::AddressRules;
use tollgate::engine::{Clock, Engine};
use tollgate::grpc::router::Router;
use tollgate::grpc::{self, Admission, Reports, ServiceContext};
use tollgate::limits::{Limits, REPORTS_PER_WORKSPACE_MAX};
use tollgate::storage::Store;
use tollgate::tasks::fold;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::{Code, Request, Status};

use crate::wire::Bytes;

/// What a client in Java takes of headers, in bytes: the least of all clients.
const HEADER_BYTES_MAX: usize = 8 * 1024;
/// Most messages of an answer that are looked at: what is watched does not end.
const MESSAGES_MAX: usize = 8;
/// How long the next message of an answer is waited for.
const MESSAGE_WAIT: Duration = Duration::from_millis(20);

/// A clock that stands still until it is moved.
pub struct StillClock(AtomicI64);

impl StillClock {
    pub fn new(now: Time) -> StillClock {
        StillClock(AtomicI64::new(now.micros()))
    }

    pub fn advance(&self, span: Micros) {
        self.0.fetch_add(span, Ordering::Relaxed);
    }
}

impl Clock for StillClock {
    fn now(&self) -> Time {
        Time::from_micros(self.0.load(Ordering::Relaxed))
    }
}

pub struct Server {
    pub engine: Engine,
    client: Grpc<Router>,
}

impl Server {
    pub async fn start(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Server {
        let started = Engine::start(store, clock, &Catalog::default(), Keyring::default()).await;
        let (engine, committed) = started.expect("storage answers");
        tokio::spawn(fold::run(engine.clone(), committed, CancellationToken::new()));
        Server::with(engine, Admission::Anyone)
    }

    /// The services of an engine, for other callers.
    pub fn with(engine: Engine, admission: Admission) -> Server {
        let context = ServiceContext {
            engine: engine.clone(),
            stopping: CancellationToken::new(),
            address_rules: AddressRules { allow_loopback: false, allow_private: false },
            webhooks: Arc::new(tollgate::tasks::deliver::webhook::Client::new(Default::default())),
            has_smtp: true,
            admission,
            limits: Limits::default(),
            reports: Reports::new(REPORTS_PER_WORKSPACE_MAX),
            downloads: Default::default(),
            identities: None,
        };
        let router = Router::new(&context, grpc::routes(&context), &[]);
        Server { engine, client: Grpc::new(router) }
    }

    /// The first messages of an answer, or its status. What is true of every status is checked.
    pub async fn call(
        &mut self,
        path: &str,
        authorization: &[MetadataValue<Ascii>],
        message: Vec<u8>,
    ) -> Result<Vec<Vec<u8>>, Status> {
        let mut request = Request::new(tokio_stream::once(message));
        for value in authorization {
            request.metadata_mut().append("authorization", value.clone());
        }
        let answer = self.answer(path, request).await;
        if let Err(status) = &answer {
            check_status(path, status);
        }
        answer
    }

    async fn answer(
        &mut self,
        path: &str,
        request: Request<impl tokio_stream::Stream<Item = Vec<u8>> + Send + 'static>,
    ) -> Result<Vec<Vec<u8>>, Status> {
        self.client.ready().await.expect("the services are ready at any time");
        let target = PathAndQuery::try_from(path).expect("a path");
        let answer = self.client.streaming(request, target, Bytes).await?;
        let mut answer = answer.into_inner();
        let mut messages = Vec::new();
        while messages.len() < MESSAGES_MAX {
            let next = tokio::time::timeout(MESSAGE_WAIT, answer.next()).await;
            let Ok(Some(message)) = next else { break };
            messages.push(message?);
        }
        Ok(messages)
    }
}

/// A failure is the caller's or storage's, says why, and fits into the headers of an answer.
fn check_status(path: &str, status: &Status) {
    check_code(path, status.code(), status.message());
    assert!(!status.details().is_empty(), "{path}: no details: {status:?}");
    let message = status.message().bytes();
    let message = message.map(|byte| if (0x20..0x7f).contains(&byte) { 1 } else { 3 });
    let bytes = message.sum::<usize>() + status.details().len().div_ceil(3) * 4;
    assert!(bytes <= HEADER_BYTES_MAX, "{path}: {bytes} bytes: {}", status.message());
}

/// What is nobody's fault but ours is a finding.
pub fn check_code(path: &str, code: Code, message: &str) {
    let is_ours = matches!(code, Code::Internal | Code::Unknown | Code::DataLoss);
    assert!(!is_ours, "{path}: {code:?}: {message}");
}
