//! Routing of requests to services, within the limits of their bodies, answers and deadlines.
//!
//! `UsageService` over plain gRPC is asked first and directly: it takes nearly all calls, and the
//! general router allocates four times for each. Every other call, gRPC-Web included, goes there.
//! What is no call, because it only reads (GET, HEAD), is a file of the panel.

mod deadline;
pub mod health;
mod kind;
mod panel;
pub mod unread;
mod unsent;
mod upload;

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode, Version};
use http_body::Body as HttpBody;
use hyper::body::Incoming;
use hyper::service::Service as HttpService;
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep, timeout};
use tonic::Status;
use tonic::body::Body;
use tonic::service::Routes;
use tonic_web::GrpcWebLayer;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, Layer, Service};
use tower_http::cors::{AllowOrigin, CorsLayer};

use self::kind::Kind;
use self::unread::Readable;
use self::unsent::Answer;
use self::upload::RequestBody;
use super::access::authenticate::{Authenticated, Authenticator};
use super::analytics::download::{self, Downloads};
use super::shared::actor::ACTOR;
use super::shared::status::Failure;
use super::usage::Usage;
use super::{ServiceContext, bounded, large_routes};
use crate::engine::Engine;
use crate::limits::{LARGE_REQUEST_BYTES_MAX, Limits, REQUEST_BYTES_MAX};
use crate::proto::v1::usage_service_server::UsageServiceServer;
use crate::transport::{Peer, State};

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

type UsageServer = Authenticated<Readable<UsageServiceServer<Usage>>>;
type UsageFuture = <UsageServer as Service<Request<Body>>>::Future;
type Others = BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>;

/// Takes every request of the server.
pub struct Router {
    service: Usage,
    /// Of `service`.
    usage: UsageServer,
    authenticator: Arc<Authenticator>,
    others: Others,
    /// Of the calls whose requests may be large.
    large: Others,
    downloads: Downloads,
    engine: Engine,
    limits: Arc<Limits>,
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
        let service = Usage::new(context);
        let usage = usage_server(&service, &authenticator);
        let cors = cors(cors_allowed_origins);
        let with_web = |routes: Routes, bytes_max: usize| {
            let routes = Readable::new(routes.prepare(), bytes_max);
            let routes = Authenticated::new(routes, authenticator.clone());
            let web = GrpcWebLayer::new().layer(routes);
            match &cors {
                Some(cors) => BoxCloneSyncService::new(cors.layer(web)),
                None => BoxCloneSyncService::new(web),
            }
        };
        let others = with_web(routes, REQUEST_BYTES_MAX);
        let large = with_web(large_routes(context), LARGE_REQUEST_BYTES_MAX);
        let limits = Arc::new(context.limits.clone());
        let (downloads, engine) = (context.downloads.clone(), context.engine.clone());
        Router { service, usage, authenticator, others, large, downloads, engine, limits }
    }

    /// `room` is what the answer needs, of the memory of which connection.
    fn begin(&self, kind: Kind, request: Request<Body>, room: Option<(usize, Arc<State>)>) -> Call {
        let is_small = kind.answer_bytes().is_none();
        if is_small && !kind.is_large() && is_plain_usage(&request) {
            return Call::Usage { future: self.usage.answer(request) };
        }
        let mut others = if kind.is_large() { self.large.clone() } else { self.others.clone() };
        let wait = self.limits.answer_place_wait;
        let future = Box::pin(async move {
            let Some((bytes, state)) = room else {
                let Ok(response) = others.call(request).await;
                return response.map(Answer::small);
            };
            match timeout(wait, state.reserve(bytes)).await {
                Ok(reserve) => {
                    let Ok(response) = others.call(request).await;
                    response.map(|body| Answer::reserved(body, reserve))
                }
                Err(_) => Status::from(Failure::TooManyCalls).into_http().map(Answer::small),
            }
        });
        Call::Other { future }
    }
}

/// The clone has a `UsageService` of its own: each call counts references to that, and connections
/// that share it would contend for the counter.
impl Clone for Router {
    fn clone(&self) -> Router {
        Router {
            service: self.service.clone(),
            usage: usage_server(&self.service, &self.authenticator),
            authenticator: self.authenticator.clone(),
            others: self.others.clone(),
            large: self.large.clone(),
            downloads: self.downloads.clone(),
            engine: self.engine.clone(),
            limits: self.limits.clone(),
        }
    }
}

fn usage_server(service: &Usage, authenticator: &Arc<Authenticator>) -> UsageServer {
    let usage = bounded!(UsageServiceServer<Usage>, service.clone(), REQUEST_BYTES_MAX);
    Authenticated::new(Readable::new(usage, REQUEST_BYTES_MAX), authenticator.clone())
}

impl HttpService<Request<Incoming>> for Router {
    type Response = Response<Answer>;
    type Error = Infallible;
    type Future = Answering;

    fn call(&self, request: Request<Incoming>) -> Answering {
        self.answer(request)
    }
}

/// Without a connection: for measurements and fuzzing in the process.
impl Service<Request<Body>> for Router {
    type Response = Response<Answer>;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Answering {
        self.answer(request)
    }
}

impl Router {
    /// The answer to a link to an export.
    fn download<B>(&self, request: &Request<B>) -> Call {
        let (downloads, engine) = (self.downloads.clone(), self.engine.clone());
        let path = request.uri().path().to_owned();
        let with_body = *request.method() == Method::GET;
        let future =
            Box::pin(
                async move { downloads.answer(engine, &path, with_body).await.map(Answer::small) },
            );
        Call::Other { future }
    }

    fn answer<B>(&self, request: Request<B>) -> Answering
    where
        B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
    {
        if panel::is_asked(&request) {
            let response = match self.authenticator.admit_page(&request) {
                Ok(()) if request.uri().path().starts_with(download::PREFIX) => {
                    return Answering { call: self.download(&request), late: None };
                }
                Ok(()) => panel::answer(&request),
                Err(reason) => panel::refuse(StatusCode::FORBIDDEN, &reason),
            };
            return Answering { call: Call::Panel { response: Some(response) }, late: None };
        }
        let kind = Kind::of(request.uri().path());
        let late = deadline::of(request.headers()).map(sleep);
        let state = request.extensions().get::<Peer>().map(|peer| peer.state.clone());
        let of_answer = kind.answer_bytes().and_then(|bytes| Some((bytes, state.clone()?)));
        let request =
            request.map(|body| Body::new(RequestBody::new(body, kind, &self.limits, state)));
        Answering { call: self.begin(kind, request, of_answer), late }
    }
}

enum Call {
    Usage { future: UsageFuture },
    Other { future: BoxFuture<'static, Response<Answer>> },
    Panel { response: Option<Response<Body>> },
}

pin_project! {
    /// A call until it has an answer, or its caller's deadline has passed.
    pub struct Answering {
        call: Call,
        #[pin]
        late: Option<Sleep>,
    }
}

impl Future for Answering {
    type Output = Result<Response<Answer>, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let polled = match this.call {
            Call::Usage { future } => {
                Pin::new(future).poll(context).map_ok(|response| response.map(Answer::small))
            }
            Call::Other { future } => future.as_mut().poll(context).map(Ok),
            Call::Panel { response } => {
                let response = response.take().expect("it is polled to its end once");
                Poll::Ready(Ok(response.map(Answer::small)))
            }
        };
        if polled.is_ready() {
            return polled;
        }
        let Some(late) = this.late.as_pin_mut() else { return Poll::Pending };
        ready!(late.poll(context));
        let status = Status::deadline_exceeded("the deadline of the call has passed");
        Poll::Ready(Ok(status.into_http().map(Answer::small)))
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
