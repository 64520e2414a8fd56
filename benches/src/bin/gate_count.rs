//! Answers a number of checks in this process, through the router of the server and without a
//! network, and ends: for valgrind to count the instructions of [`counted`] alone. The requests are
//! made before and the answers read after, so that nothing of a client is counted.

use std::iter;
use std::sync::Arc;

use bytes::Bytes;
use clap::Parser;
use http::Request;
use http_body_util::{BodyExt, Collected, Full};
use prost::Message;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;
use tollgate::domain::catalog::Catalog;
use tollgate::engine::alerts::Keyring;
use tollgate::engine::alerts::address::AddressRules;
use tollgate::engine::{Engine, SystemClock};
use tollgate::grpc::router::Router;
use tollgate::grpc::{Admission, Reports, ServiceContext, routes};
use tollgate::limits::{Limits, REPORTS_PER_WORKSPACE_MAX};
use tollgate::proto::v1::{CheckAndRouteResponse, Decision};
use tollgate::storage::sql;
use tollgate_bench::Result;
use tollgate_bench::load::wire;
use tollgate_bench::messages::{PREFIX_LEN, Templates, new_id};
use tonic::body::Body;
use tower::Service;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
struct Arguments {
    /// With the workspace of the benchmarks in it.
    #[arg(long)]
    database: String,
    #[arg(long)]
    calls: usize,
    /// Credentials are required, and these are sent; otherwise none are.
    #[arg(long)]
    token: Option<String>,
}

/// Answered before what is counted: the workspace is loaded, and memory is there.
const CALLS_BEFORE: usize = 200;
/// How long their holds live, in seconds: longer than the run.
const HOLD_SECONDS: i64 = 600;

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut router = runtime.block_on(open(&arguments))?;
    let before = requests(CALLS_BEFORE, arguments.token.as_deref())?;
    let measured = requests(arguments.calls, arguments.token.as_deref())?;
    read(runtime.block_on(answer(&mut router, before))?)?;
    read(counted(&runtime, &mut router, measured)?)
}

/// What valgrind counts, by this name.
#[inline(never)]
fn counted(
    runtime: &Runtime,
    router: &mut Router,
    requests: Vec<Request<Body>>,
) -> Result<Vec<Answer>> {
    runtime.block_on(answer(router, requests))
}

type Answer = Collected<Bytes>;

async fn open(arguments: &Arguments) -> Result<Router> {
    let store = sql::open(&arguments.database).await?;
    let (clock, catalog) = (Arc::new(SystemClock), Catalog::default());
    let started = Engine::start(store, clock, &catalog, Keyring::default()).await;
    let (engine, _committed) = started.map_err(|error| error.to_string())?;
    let admission = match arguments.token {
        Some(_) => Admission::Authenticated,
        None => Admission::Local { origins: Vec::new() },
    };
    let context = ServiceContext {
        engine,
        stopping: CancellationToken::new(),
        address_rules: AddressRules::default(),
        webhooks: Arc::new(tollgate::tasks::deliver::webhook::Client::new(Default::default())),
        has_smtp: false,
        admission,
        limits: Limits::default(),
        reports: Reports::new(REPORTS_PER_WORKSPACE_MAX),
        downloads: Default::default(),
        identities: None,
    };
    Ok(Router::new(&context, routes(&context), &[]))
}

fn requests(number: usize, token: Option<&str>) -> Result<Vec<Request<Body>>> {
    let templates = Templates::new(1, HOLD_SECONDS);
    // Without credentials only a loopback host is answered.
    let head = wire::request("127.0.0.1", "CheckAndRoute", token)?;
    let of = |()| {
        let message = templates.checks[0].fill(&new_id());
        head.clone().map(|()| Body::new(Full::new(message)))
    };
    Ok(iter::repeat_n((), number).map(of).collect())
}

async fn answer(router: &mut Router, requests: Vec<Request<Body>>) -> Result<Vec<Answer>> {
    let mut answers = Vec::with_capacity(requests.len());
    for request in requests {
        let answer = router.call(request).await?;
        wire::expect_ok(answer.headers())?;
        answers.push(answer.into_body().collect().await?);
    }
    Ok(answers)
}

fn read(answers: Vec<Answer>) -> Result<()> {
    for answer in answers {
        wire::expect_ok(answer.trailers().ok_or("an answer without a status")?)?;
        let message = answer.to_bytes();
        let message = message.get(PREFIX_LEN..).ok_or("an answer without a message")?;
        let answer = CheckAndRouteResponse::decode(message)?;
        if answer.decision() != Decision::Allowed {
            return Err(format!("the check is refused: {answer:?}").into());
        }
    }
    Ok(())
}
