//! What every call carries, what is tried again, and over what it goes: against a fake server.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Collected, Full};
use prost::Message;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::net::TcpListener;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::TcpListenerStream;
use tollgate_grpc::{Client, ConnectError, GuardError, Policy, Tls, v1};
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Bytes, Service};
use tonic::server::NamedService;
use tonic::transport::{Identity, Server, ServerTlsConfig};
use tonic::{Code, Status};

use crate::support::{self, LONG, flushed, log_is_kept, logged, request, run};

/// What the server was asked, each with its body, and what it is going to answer.
#[derive(Clone, Default)]
struct Script {
    seen: Arc<Mutex<Vec<http::request::Parts>>>,
    answers: Arc<Mutex<Vec<Status>>>,
    /// What somebody on the way answers instead.
    proxy: Arc<Mutex<Vec<&'static str>>>,
    /// Messages that it answers with, the last first; empty ones afterwards.
    messages: Arc<Mutex<Vec<v1::RecordUsageBatchResponse>>>,
    /// What it answers to all but checks, as long as this is here.
    denial: Arc<Mutex<Option<Status>>>,
    hangs: bool,
}

impl Script {
    /// Answers these in turn, then well.
    fn answers(&self, codes: &[Code]) {
        let statuses = codes.iter().rev().map(|code| Status::new(*code, "busy"));
        *self.answers.lock().unwrap() = statuses.collect();
        self.seen.lock().unwrap().clear();
    }

    fn seen(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    /// The messages of the calls of this name.
    fn asked<M: Message + Default>(&self, call: &str) -> Vec<M> {
        let seen = self.seen.lock().unwrap();
        let called = seen.iter().filter(|head| head.uri.path().ends_with(call));
        let body = |head: &http::request::Parts| head.extensions.get::<Bytes>().unwrap().slice(5..);
        called.map(|head| M::decode(body(head)).unwrap()).collect()
    }

    fn denies(&self, code: Option<Code>) {
        *self.denial.lock().unwrap() = code.map(|code| Status::new(code, "no such token"));
        self.seen.lock().unwrap().clear();
    }

    /// Denies from now on, until the client has heard so; each time it leaves so much.
    async fn has_denied(&self, code: Code, client: &Client, left: usize) {
        self.denies(Some(code));
        let end = Instant::now() + LONG;
        // With the second the first has been answered.
        while self.seen() < 2 {
            assert_eq!(client.flush(Duration::from_millis(10)).await, left);
            assert!(Instant::now() < end, "{}", self.seen());
        }
    }

    async fn has_seen(&self, count: usize) {
        let end = Instant::now() + LONG;
        while self.seen() < count {
            assert!(Instant::now() < end, "{} of {count}", self.seen());
            tokio::task::yield_now().await;
        }
    }
}

#[derive(Clone)]
struct Fake<const BUDGET: bool>(Script);

impl<const BUDGET: bool> NamedService for Fake<BUDGET> {
    const NAME: &'static str =
        if BUDGET { "tollgate.v1.BudgetService" } else { "tollgate.v1.UsageService" };
}

impl<const BUDGET: bool> Service<http::Request<Body>> for Fake<BUDGET> {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let script = self.0.clone();
        Box::pin(async move {
            let (mut head, body) = request.into_parts();
            // Of a caller that gives up it may not come.
            let body = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
            head.extensions.insert(body);
            Ok(script.answer(head))
        })
    }
}

impl Script {
    fn answer(&self, head: http::request::Parts) -> http::Response<Body> {
        let path = head.uri.path().to_owned();
        self.seen.lock().unwrap().push(head);
        if let Some(status) = self.answers.lock().unwrap().pop() {
            return status.into_http();
        }
        if let Some(status) = self.denial.lock().unwrap().clone()
            && !path.ends_with("CheckAndRoute")
        {
            return status.into_http();
        }
        let mut grpc_status = "0";
        match self.proxy.lock().unwrap().pop() {
            Some("in trailers") => grpc_status = "14",
            Some(status) => {
                return http::Response::builder().status(status).body(Body::empty()).unwrap();
            }
            None => {}
        }
        let mut message = Vec::new();
        if path.ends_with("Batch") {
            message = self.messages.lock().unwrap().pop().unwrap_or_default().encode_to_vec();
        }
        // A message, and how it ended; a server that hangs never says that.
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        let frame = Bytes::from([&[0], &length[..], &message].concat());
        let hangs = self.hangs;
        let body = Full::new(frame).with_trailers(async move {
            if hangs {
                std::future::pending::<()>().await;
            }
            let mut trailers = http::HeaderMap::new();
            trailers.insert("grpc-status", http::HeaderValue::from_static(grpc_status));
            Some(Ok(trailers))
        });
        let head = http::Response::builder().header("content-type", "application/grpc");
        head.body(Body::new(body)).unwrap()
    }
}

/// An authority of this test alone, and how a server shows itself that it vouches for.
fn authority() -> (Tls, Identity) {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let roots = authority.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(authority, key);
    let server = ["localhost", "127.0.0.1"].map(str::to_owned);
    let key = KeyPair::generate().unwrap();
    let shown = CertificateParams::new(server).unwrap().signed_by(&key, &issuer).unwrap();
    (Tls::Roots(roots.into_bytes()), Identity::from_pem(shown.pem(), key.serialize_pem()))
}

/// Serves until the test's runtime ends.
async fn serve(script: &Script, tls: Option<ServerTlsConfig>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut server = Server::builder();
    if let Some(tls) = tls {
        server = server.tls_config(tls).unwrap();
    }
    let server = server.add_service(Fake::<false>(script.clone()));
    let server = server.add_service(Fake::<true>(script.clone()));
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    address
}

fn of(address: String) -> Client {
    Client::builder().address(address).timeout(LONG).build().unwrap()
}

#[tokio::test]
async fn four_calls_are_tried_again_and_no_others() {
    const BUSY: [Code; 2] = [Code::Unavailable; 2];
    let script = Script::default();
    let client = of(serve(&script, None).await);
    let mut usage = client.usage();
    script.answers(&BUSY);
    usage.check_and_route(v1::CheckAndRouteRequest::default()).await.unwrap();
    assert_eq!(script.seen(), 3);
    script.answers(&BUSY);
    usage.record_usage(v1::RecordUsageRequest::default()).await.unwrap();
    assert_eq!(script.seen(), 3);
    script.answers(&BUSY);
    usage.record_usage_batch(v1::RecordUsageBatchRequest::default()).await.unwrap();
    assert_eq!(script.seen(), 3);
    script.answers(&BUSY);
    usage.release_hold(v1::ReleaseHoldRequest::default()).await.unwrap();
    assert_eq!(script.seen(), 3);

    script.answers(&BUSY);
    let status = usage.extend_hold(v1::ExtendHoldRequest::default()).await.unwrap_err();
    assert_eq!((status.code(), status.message(), script.seen()), (Code::Unavailable, "busy", 1));
    script.answers(&BUSY);
    let status = client.budget().get_budget(v1::GetBudgetRequest::default()).await.unwrap_err();
    assert_eq!((status.code(), script.seen()), (Code::Unavailable, 1));
}

#[tokio::test]
async fn three_tries_are_enough_and_other_answers_final() {
    let script = Script::default();
    let client = of(serve(&script, None).await);
    script.answers(&[Code::Unavailable; 3]);
    let check = v1::CheckAndRouteRequest::default;
    let status = client.usage().check_and_route(check()).await.unwrap_err();
    assert_eq!((status.code(), script.seen()), (Code::Unavailable, 3));
    for code in [Code::Internal, Code::ResourceExhausted, Code::DeadlineExceeded, Code::Unknown] {
        script.answers(&[code]);
        let status = client.usage().check_and_route(check()).await.unwrap_err();
        assert_eq!((status.code(), script.seen()), (code, 1));
    }
}

#[tokio::test]
async fn the_number_of_attempts_is_settable() {
    let script = Script::default();
    let address = serve(&script, None).await;
    for count in [1, 2, 5] {
        let client = Client::builder().address(&address).timeout(LONG).max_attempts(count);
        let mut usage = client.build().unwrap().usage();
        script.answers(&[Code::Unavailable; 5]);
        let status = usage.check_and_route(v1::CheckAndRouteRequest::default()).await.unwrap_err();
        assert_eq!((status.code(), script.seen()), (Code::Unavailable, count as usize));
        // Those that are left.
        script.answers(&[]);
    }
    for count in [0, 6] {
        let refused = Client::builder().max_attempts(count).build().unwrap_err();
        assert!(matches!(refused, ConnectError::MaxAttempts), "{refused:?}");
    }
}

#[tokio::test]
async fn interceptors_take_each_call_before_it_is_sent() {
    let script = Script::default();
    let client = Client::builder().address(serve(&script, None).await).token("secret");
    let client = client.timeout(LONG).interceptor(|mut request| {
        request.metadata_mut().insert("x-first", "1".parse().unwrap());
        Ok(request)
    });
    let client = client.interceptor(|mut request| {
        assert!(request.metadata().contains_key("x-first"), "they are asked in order");
        if request.metadata().contains_key("x-refused") {
            return Err(Status::permission_denied("not by us"));
        }
        request.metadata_mut().insert("x-second", "2".parse().unwrap());
        Ok(request)
    });
    let client = client.build().unwrap();
    script.answers(&[Code::Unavailable]);
    client.usage().check_and_route(v1::CheckAndRouteRequest::default()).await.unwrap();
    let mut refused = tonic::Request::new(v1::GetBudgetRequest::default());
    refused.metadata_mut().insert("x-refused", "1".parse().unwrap());
    let status = client.budget().get_budget(refused).await.unwrap_err();
    assert_eq!(status.message(), "not by us");
    let seen = script.seen.lock().unwrap();
    assert_eq!(seen.len(), 2, "a retry, and nothing that was refused");
    for head in &*seen {
        let said = ["x-first", "x-second", "authorization"].map(|name| &head.headers[name]);
        assert_eq!(said, ["1", "2", "Bearer secret"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_is_not_tried_again_where_the_pause_would_outlast_its_deadline() {
    let script = Script::default();
    let client = Client::builder().address(serve(&script, None).await);
    // The shortest pause is 50 ms.
    let client = client.timeout(Duration::from_millis(40)).build().unwrap();
    script.answers(&[Code::Unavailable]);
    // The clock stands still as long as this runs, however long the answer takes.
    let (answered, wait) = mpsc::channel::<()>();
    tokio::task::spawn_blocking(move || wait.recv_timeout(LONG));
    let check = v1::CheckAndRouteRequest::default();
    let status = client.usage().check_and_route(check).await.unwrap_err();
    assert_eq!((status.code(), script.seen()), (Code::Unavailable, 1), "no time for another");
    drop(answered);
}

#[tokio::test]
async fn a_proxy_may_say_that_nobody_is_there() {
    let script = Script::default();
    let client = of(serve(&script, None).await);
    for code in ["502", "503", "504", "in trailers"] {
        script.answers(&[]);
        *script.proxy.lock().unwrap() = vec![code; 2];
        client.usage().check_and_route(v1::CheckAndRouteRequest::default()).await.unwrap();
        assert_eq!(script.seen(), 3, "{code}");
    }
    script.answers(&[]);
    *script.proxy.lock().unwrap() = vec!["500"];
    let check = v1::CheckAndRouteRequest::default();
    assert!(client.usage().check_and_route(check).await.is_err());
    assert_eq!(script.seen(), 1);
}

fn durable() -> v1::RecordUsageResult {
    let record = v1::RecordUsageResponse::default();
    v1::RecordUsageResult { result: Some(v1::record_usage_result::Result::Record(record)) }
}

#[tokio::test]
async fn each_record_of_a_batch_has_its_own_fate() {
    let error = |code: Code| {
        let error = v1::ItemError { code: code.into(), ..Default::default() };
        v1::RecordUsageResult { result: Some(v1::record_usage_result::Result::Error(error)) }
    };
    let script = Script::default();
    let answers = [
        vec![durable()],                           // of one that was sent again
        vec![error(Code::Unavailable)],            // and again
        vec![error(Code::Unavailable), durable()], // of the last two
        vec![error(Code::InvalidArgument)],        // of the first, and nothing of the second
    ];
    let answers = answers.map(|results| v1::RecordUsageBatchResponse { results });
    *script.messages.lock().unwrap() = answers.to_vec();
    let client = of(serve(&script, None).await);
    for (delivered, refused) in [(0, 2), (2, 2)] {
        // Both are queued at once, before the sender has its turn.
        let open = [client.open(request("w")).await, client.open(request("w")).await];
        for call in open.map(Result::unwrap) {
            let _ = call.call().model();
            drop(call);
        }
        assert_eq!(client.flush(LONG).await, 0);
        let stats = client.stats();
        assert_eq!((stats.delivered, stats.refused), (delivered, refused));
    }
    assert!(script.messages.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_was_recorded_outlives_a_wrong_token() {
    log_is_kept();
    let script = Script::default();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.jsonl");
    let client = Client::builder().address(serve(&script, None).await).token("ours-alone");
    let client = client.timeout(LONG).queue_path(&path).build().unwrap();
    script.denies(Some(Code::Unauthenticated));
    // Who waits is told, and the record is kept all the same.
    let id = "kept".to_owned();
    let waiting = request("w").request_id(&id).wait(true);
    let Err(GuardError::Rpc(told)) = run(&client, waiting).await else { panic!() };
    assert_eq!(told.code(), Code::Unauthenticated);
    let ids = || -> Vec<String> {
        let batches = script.asked::<v1::RecordUsageBatchRequest>("/RecordUsageBatch");
        batches.into_iter().flat_map(|batch| batch.records).map(|one| one.request_id).collect()
    };
    let said = "tollgate: a delivery is denied and will be tried again: ";
    for code in [Code::Unauthenticated, Code::PermissionDenied, Code::ResourceExhausted] {
        script.has_denied(code, &client, 1).await;
        let stats = client.stats();
        assert_eq!((stats.queued, stats.delivered, stats.refused), (1, 0, 0));
        assert!(std::fs::read_to_string(&path).unwrap().contains(&id));
        assert!(logged(&format!("{said}{code:?}: no such token")));
        assert!(ids().iter().all(|sent| *sent == id));
    }
    let answer = v1::RecordUsageBatchResponse { results: vec![durable()] };
    script.messages.lock().unwrap().push(answer);
    script.denies(None);
    flushed(&client).await;
    let stats = client.stats();
    assert_eq!((stats.queued, stats.delivered, stats.refused), (0, 1, 0));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "");
    assert_eq!(ids(), [id]);
    assert!(!logged("ours-alone"));
}

#[tokio::test]
async fn while_nobody_lets_it_in_one_release_waits_for_the_answer() {
    let script = Script::default();
    let client = of(serve(&script, None).await);
    let give_back = async |id| {
        drop(client.open(request("w").request_id(id)).await.unwrap());
    };
    let released = || -> Vec<String> {
        let releases = script.asked::<v1::ReleaseHoldRequest>("/ReleaseHold");
        releases.into_iter().map(|release| release.request_id).collect()
    };
    script.denies(Some(Code::Unauthenticated));
    give_back("first").await;
    give_back("second").await;
    for code in [Code::Unauthenticated, Code::PermissionDenied] {
        script.has_denied(code, &client, 2).await;
        assert!(released().iter().all(|id| id == "first"));
    }
    script.denies(None);
    flushed(&client).await;
    assert_eq!(released(), ["first", "second"]);

    let batch = v1::RecordUsageBatchResponse { results: vec![durable()] };
    script.messages.lock().unwrap().push(batch);
    script.denies(Some(Code::PermissionDenied));
    run(&client, request("w")).await.unwrap();
    give_back("third").await;
    script.has_denied(Code::PermissionDenied, &client, 2).await;
    assert!(released().is_empty(), "a record is denied before");
    script.denies(None);
    flushed(&client).await;
    assert_eq!(released(), ["third"]);
}

#[tokio::test]
async fn calls_carry_the_token_and_the_deadline() {
    let script = Script::default();
    let client = Client::builder().address(serve(&script, None).await).token("secret");
    let client = client.timeout(Duration::from_secs(600)).build().unwrap();
    client.usage().check_and_route(v1::CheckAndRouteRequest::default()).await.unwrap();
    let mut own = tonic::Request::new(v1::GetBudgetRequest::default());
    own.set_timeout(Duration::from_secs(3600));
    own.metadata_mut().insert("authorization", "Bearer own".parse().unwrap());
    client.budget().get_budget(own).await.unwrap();
    let seen = script.seen.lock().unwrap();
    let agent = seen[0].headers["user-agent"].to_str().unwrap();
    assert!(agent.starts_with(concat!("tollgate-rust/", env!("CARGO_PKG_VERSION"))), "{agent}");
    let said: Vec<_> = seen.iter().map(|head| &head.headers["authorization"]).collect();
    assert_eq!(said, ["Bearer secret", "Bearer own"]);
    let left: Vec<u64> = seen
        .iter()
        .map(|head| head.headers["grpc-timeout"].to_str().unwrap().trim_end_matches('m'))
        .map(|millis| millis.parse().unwrap())
        .collect();
    assert!(left[0] > 500_000 && left[0] <= 600_001, "{left:?}");
    assert!(left[1] > 3_500_000 && left[1] <= 3_600_001, "{left:?}");
    assert!(!format!("{client:?}").contains("secret"));
}

#[tokio::test]
async fn an_answer_that_does_not_end_costs_the_deadline() {
    let script = Script { hangs: true, ..Script::default() };
    let client = Client::builder().address(serve(&script, None).await);
    let client = client.timeout(Duration::from_millis(200)).build().unwrap();
    let mut usage = client.usage();
    let asked = usage.check_and_route(v1::CheckAndRouteRequest::default());
    let answer = tokio::time::timeout(LONG, asked).await.expect("the deadline ends it");
    let status = answer.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status}");
    assert!(script.seen() <= 1, "it is the deadline of all tries");
}

#[tokio::test]
async fn a_check_that_nobody_waits_for_gives_back_what_it_may_hold() {
    let script = Script { hangs: true, ..Script::default() };
    let client = of(serve(&script, None).await);
    tokio::select! {
        answer = run(&client, request("acme").request_id("given up")) => panic!("{answer:?}"),
        () = script.has_seen(1) => {}
    }
    script.has_seen(2).await;
    let paths: Vec<_> =
        script.seen.lock().unwrap().iter().map(|head| head.uri.path().to_owned()).collect();
    let asked = ["CheckAndRoute", "ReleaseHold"];
    assert_eq!(paths, asked.map(|name| format!("/tollgate.v1.UsageService/{name}")));
}

#[tokio::test]
async fn a_stream_has_no_deadline() {
    let server = support::Server::start().await;
    let workspace = server.workspace("acme").await;
    let short = Duration::from_millis(300);
    let client = Client::builder().address(&server.address).timeout(short).build().unwrap();
    // To connect has a deadline too, which a busy machine may need more than once.
    let mut tries = 0..100;
    while client.workspace().list_workspaces(v1::ListWorkspacesRequest::default()).await.is_err() {
        tries.next().expect("the server answers");
    }
    let watch = v1::WatchSpendRequest { workspace_id: "acme".into() };
    let mut watched = client.budget().watch_spend(watch).await.unwrap().into_inner();
    watched.next().await.unwrap().unwrap();
    tokio::time::sleep(short * 2).await;
    run(&workspace.admin, request("acme").wait(true)).await.unwrap();
    watched.next().await.unwrap().unwrap();
}

#[tokio::test]
async fn tls_trusts_the_roots_that_are_given_and_no_others() {
    let (roots, identity) = authority();
    let (strangers, _) = authority();
    let script = Script::default();
    let address = serve(&script, Some(ServerTlsConfig::new().identity(identity))).await;
    let check = v1::CheckAndRouteRequest::default;
    let client = Client::builder().address(format!("https://{address}")).token("secret");
    let client = client.tls(roots.clone()).timeout(LONG).build().unwrap();
    client.usage().check_and_route(check()).await.unwrap();
    assert_eq!(script.seen(), 1);
    let address = address.replace("127.0.0.1", "localhost");
    let client = Client::builder().address(&address).tls(roots.clone()).timeout(LONG);
    client.build().unwrap().usage().check_and_route(check()).await.unwrap();

    for tls in [strangers, Tls::Plaintext] {
        let client = Client::builder().address(&address).tls(tls);
        let client = client.on_unavailable(Policy::Closed).build().unwrap();
        let error = run(&client, request("acme")).await.unwrap_err();
        assert!(matches!(error, GuardError::Unavailable(_)), "{error:?}");
    }
    assert_eq!(script.seen(), 2);
}

#[tokio::test]
async fn settings_that_cannot_be_are_refused() {
    let builder = Client::builder;
    let refused = builder().address("tollgate.example:443").token("secret").build().unwrap_err();
    assert!(matches!(refused, ConnectError::TokenWithoutTls(_)), "{refused:?}");
    let text = refused.to_string();
    assert!(text.contains("without TLS") && !text.contains("secret"), "{text}");
    let refused = builder().token("line\nbreak").build().unwrap_err();
    assert!(matches!(refused, ConnectError::Token), "{refused:?}");
    let refused = builder().queue_max(0).build().unwrap_err();
    assert!(matches!(refused, ConnectError::QueueMax), "{refused:?}");
    let refused = builder().address("not an address").build().unwrap_err();
    assert!(matches!(refused, ConnectError::Address { .. }), "{refused:?}");
    let refused = builder().queue_path("/nowhere/at/all").build().unwrap_err();
    assert!(matches!(refused, ConnectError::QueueFile { .. }), "{refused:?}");
    let refused = builder().tls(Tls::Roots(b"no roots".to_vec())).build();
    assert!(refused.is_err());
    builder().address("tollgate.example:443").token("t").tls(Tls::SystemRoots).build().ok();
}

#[test]
fn a_client_needs_a_runtime() {
    let refused = Client::new("127.0.0.1:1").unwrap_err();
    assert!(matches!(refused, ConnectError::NoRuntime), "{refused:?}");
}
