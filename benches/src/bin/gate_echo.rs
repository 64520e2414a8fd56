//! The bare echo that Tollgate is compared with: tonic, the same messages, the same build, and
//! nothing behind it. Not a server for anything else.

use tokio::net::TcpListener;
use tollgate::proto::v1;
use tollgate::proto::v1::usage_service_server::{UsageService, UsageServiceServer};
use tollgate_bench::{Result, messages};
use tonic::codegen::BoxStream;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Serves on the address that is its only argument, until it is killed.
#[tokio::main]
async fn main() -> Result<()> {
    let address = std::env::args().nth(1).ok_or("usage: gate-echo ADDRESS")?;
    let listener = TcpListener::bind(&address).await?;
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let service = UsageServiceServer::new(Echo);
    tonic::transport::Server::builder().add_service(service).serve_with_incoming(incoming).await?;
    Ok(())
}

struct Echo;

type Answer<T> = std::result::Result<Response<T>, Status>;

#[tonic::async_trait]
impl UsageService for Echo {
    async fn check_and_route(
        &self,
        request: Request<v1::CheckAndRouteRequest>,
    ) -> Answer<v1::CheckAndRouteResponse> {
        Ok(Response::new(messages::canned_check(request.into_inner())))
    }

    async fn record_usage(
        &self,
        _request: Request<v1::RecordUsageRequest>,
    ) -> Answer<v1::RecordUsageResponse> {
        Ok(Response::new(messages::canned_record()))
    }

    type CheckAndRouteStreamStream = BoxStream<v1::CheckAndRouteStreamResponse>;

    async fn check_and_route_stream(
        &self,
        _request: Request<Streaming<v1::CheckAndRouteStreamRequest>>,
    ) -> Answer<Self::CheckAndRouteStreamStream> {
        Err(not_echoed())
    }

    async fn record_usage_batch(
        &self,
        _request: Request<v1::RecordUsageBatchRequest>,
    ) -> Answer<v1::RecordUsageBatchResponse> {
        Err(not_echoed())
    }

    async fn release_hold(
        &self,
        _request: Request<v1::ReleaseHoldRequest>,
    ) -> Answer<v1::ReleaseHoldResponse> {
        Err(not_echoed())
    }

    async fn extend_hold(
        &self,
        _request: Request<v1::ExtendHoldRequest>,
    ) -> Answer<v1::ExtendHoldResponse> {
        Err(not_echoed())
    }

    async fn record_credit(
        &self,
        _request: Request<v1::RecordCreditRequest>,
    ) -> Answer<v1::RecordCreditResponse> {
        Err(not_echoed())
    }

    async fn void_usage(
        &self,
        _request: Request<v1::VoidUsageRequest>,
    ) -> Answer<v1::VoidUsageResponse> {
        Err(not_echoed())
    }

    async fn list_holds(
        &self,
        _request: Request<v1::ListHoldsRequest>,
    ) -> Answer<v1::ListHoldsResponse> {
        Err(not_echoed())
    }

    async fn list_refusals(
        &self,
        _request: Request<v1::ListRefusalsRequest>,
    ) -> Answer<v1::ListRefusalsResponse> {
        Err(not_echoed())
    }

    async fn list_usage_records(
        &self,
        _request: Request<v1::ListUsageRecordsRequest>,
    ) -> Answer<v1::ListUsageRecordsResponse> {
        Err(not_echoed())
    }

    async fn reprice_usage(
        &self,
        _request: Request<v1::RepriceUsageRequest>,
    ) -> Answer<v1::RepriceUsageResponse> {
        Err(not_echoed())
    }
}

fn not_echoed() -> Status {
    Status::unimplemented("the echo answers only CheckAndRoute and RecordUsage")
}
