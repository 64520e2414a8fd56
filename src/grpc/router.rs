//! Routing of requests to services.
//!
//! `UsageService` over plain gRPC is asked first and directly: it takes nearly all calls, and the
//! general router allocates four times for each. Everything else, gRPC-Web included, goes there.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::Either;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, Request, Response, Version};
use tonic::body::Body;
use tonic::service::Routes;
use tonic_web::GrpcWebLayer;
use tower::util::BoxCloneSyncService;
use tower::{Layer, Service};
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::access::authenticate::{Authenticated, Authenticator};
use super::shared::actor::ACTOR;
use super::shared::unread::Readable;
use super::usage::Usage;
use super::{ServiceContext, bounded};
use crate::proto::v1::usage_service_server::UsageServiceServer;

const USAGE_PREFIX: &str = "/tollgate.v1.UsageService/";
const WEB_CONTENT_TYPE: &[u8] = b"application/grpc-web";
/// Allows every origin.
const ANY_ORIGIN: &str = "*";
/// What pages send and read beside the usual.
const REQUEST_HEADERS: [HeaderName; 6] = [
    AUTHORIZATION,
    CONTENT_TYPE,
    HeaderName::from_static("x-grpc-web"),
    HeaderName::from_static("x-user-agent"),
    HeaderName::from_static("grpc-timeout"),
    HeaderName::from_static(ACTOR),
];
const RESPONSE_HEADERS: [HeaderName; 3] = [
    HeaderName::from_static("grpc-status"),
    HeaderName::from_static("grpc-message"),
    HeaderName::from_static("grpc-status-details-bin"),
];

/// Takes every request of the server.
#[derive(Clone)]
pub struct Router {
    usage: Authenticated<Readable<UsageServiceServer<Usage>>>,
    others: BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>,
}

impl Router {
    /// `routes` are all services, `UsageService` among them. Pages of `cors_allowed_origins` may
    /// call over gRPC-Web; without any, browsers keep pages of other origins from it.
    pub fn new(
        context: &ServiceContext,
        routes: Routes,
        cors_allowed_origins: &[HeaderValue],
    ) -> Router {
        let authenticator = Arc::new(Authenticator::new(context));
        let usage = bounded!(UsageServiceServer<Usage>, Usage::new(context));
        let usage = Authenticated::new(Readable(usage), authenticator.clone());
        let routes = Authenticated::new(Readable(routes.prepare()), authenticator);
        let web = GrpcWebLayer::new().layer(routes);
        let others = match cors(cors_allowed_origins) {
            Some(cors) => BoxCloneSyncService::new(cors.layer(web)),
            None => BoxCloneSyncService::new(web),
        };
        Router { usage, others }
    }
}

impl Service<Request<Body>> for Router {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Either<
        <Authenticated<Readable<UsageServiceServer<Usage>>> as Service<Request<Body>>>::Future,
        <BoxCloneSyncService<Request<Body>, Response<Body>, Infallible> as Service<
            Request<Body>,
        >>::Future,
    >;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // The services are ready at any time: nothing in here queues.
        self.others.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        if is_plain_usage(&request) {
            Either::Left(self.usage.call(request))
        } else {
            Either::Right(self.others.call(request))
        }
    }
}

fn is_plain_usage(request: &Request<Body>) -> bool {
    let content_type = request.headers().get(CONTENT_TYPE);
    request.version() == Version::HTTP_2
        && request.uri().path().starts_with(USAGE_PREFIX)
        && content_type.is_some_and(|name| !name.as_bytes().starts_with(WEB_CONTENT_TYPE))
}

fn cors(origins: &[HeaderValue]) -> Option<CorsLayer> {
    let allowed = match origins {
        [] => return None,
        [any] if any == ANY_ORIGIN => AllowOrigin::any(),
        listed => AllowOrigin::list(listed.iter().cloned()),
    };
    let layer = CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods([Method::POST])
        .allow_headers(REQUEST_HEADERS)
        .expose_headers(RESPONSE_HEADERS);
    Some(layer)
}
