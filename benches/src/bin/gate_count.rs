//! Makes a number of checks in this process, through the router of the server and without a
//! network, and ends: for valgrind to count the instructions of [`counted`] alone.

use std::sync::Arc;

use clap::Parser;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;
use tollgate::domain::catalog::Catalog;
use tollgate::engine::alerts::Keyring;
use tollgate::engine::alerts::address::AddressRules;
use tollgate::engine::{Engine, SystemClock};
use tollgate::grpc::router::Router;
use tollgate::grpc::{Admission, Reports, ServiceContext, routes};
use tollgate::limits::{Limits, REPORTS_PER_WORKSPACE_MAX};
use tollgate::proto::v1::Decision;
use tollgate::proto::v1::usage_service_client::UsageServiceClient;
use tollgate::storage::sql;
use tollgate_bench::messages::check_request;
use tollgate_bench::{Result, processes};
use tonic::Request;
use tonic::metadata::AsciiMetadataValue;

#[derive(Parser)]
struct Arguments {
    /// With the workspace of the benchmarks in it.
    #[arg(long)]
    database: String,
    #[arg(long)]
    calls: u32,
    /// Credentials are required, and these are sent; otherwise none are.
    #[arg(long)]
    token: Option<String>,
}

type Usage = UsageServiceClient<Router>;

/// Made before what is counted: the workspace is loaded, and memory is there.
const CALLS_BEFORE: u32 = 200;

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut usage = runtime.block_on(open(&arguments))?;
    let authorization = arguments.token.as_deref().map(processes::server::bearer).transpose()?;
    runtime.block_on(check(&mut usage, CALLS_BEFORE, authorization.as_ref()))?;
    counted(&runtime, &mut usage, arguments.calls, authorization.as_ref())
}

/// What valgrind counts, by this name.
#[inline(never)]
fn counted(
    runtime: &Runtime,
    usage: &mut Usage,
    calls: u32,
    authorization: Option<&AsciiMetadataValue>,
) -> Result<()> {
    runtime.block_on(check(usage, calls, authorization))
}

async fn open(arguments: &Arguments) -> Result<Usage> {
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
    let router = Router::new(&context, routes(&context), &[]);
    // Without credentials only a loopback host is answered.
    let origin = http::Uri::from_static("http://127.0.0.1");
    Ok(UsageServiceClient::with_origin(router, origin))
}

async fn check(
    usage: &mut Usage,
    calls: u32,
    authorization: Option<&AsciiMetadataValue>,
) -> Result<()> {
    for _ in 0..calls {
        let mut request = Request::new(check_request());
        if let Some(authorization) = authorization {
            request.metadata_mut().insert("authorization", authorization.clone());
        }
        let answer = usage.check_and_route(request).await?.into_inner();
        if answer.decision() != Decision::Allowed {
            return Err(format!("the check is refused: {answer:?}").into());
        }
    }
    Ok(())
}
