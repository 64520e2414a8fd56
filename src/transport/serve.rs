//! Serves connections until the server stops: one task for each.

use std::convert::Infallible;
use std::error::Error;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::Service;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use pin_project_lite::pin_project;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, warn};

use super::connection::{Peer, Version};
use super::opening::{Door, Opening};
use super::state::{Budgets, Call, State};
use super::tls::Tls;
use crate::limits::{
    CONNECTION_WINDOW_BYTES, HTTP1_HEADERS_WAIT, Limits, SEND_BUFFER_BYTES, STREAM_WINDOW_BYTES,
    STREAMS_PER_CONNECTION_MAX,
};

/// How often a connection is looked at, or four times in the shortest of its times.
const LOOK_INTERVAL: Duration = Duration::from_secs(15);

/// How long a client that was told to go may take, without a call.
const GOODBYE_WAIT: Duration = Duration::from_secs(1);

/// A server of HTTP.
pub struct Server<R> {
    router: R,
    limits: Limits,
    opening: Opening,
    budgets: Arc<Budgets>,
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
}

impl<R, B> Server<R>
where
    R: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    R: Clone + Send + Sync + 'static,
    R::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    /// Without `tls` connections are plain.
    pub fn new(router: R, tls: Option<Arc<Tls>>, limits: Limits) -> Server<R> {
        let mut http1 = http1::Builder::new();
        http1.timer(TokioTimer::new()).header_read_timeout(HTTP1_HEADERS_WAIT);
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_send_buf_size(SEND_BUFFER_BYTES)
            .max_concurrent_streams(STREAMS_PER_CONNECTION_MAX);
        let opening = Opening::new(tls, &limits);
        Server { router, limits, opening, budgets: Budgets::new(), http1, http2 }
    }

    /// Accepts connections until `stop`, and waits until the calls of all have ended. Where it is
    /// dropped before, connections are closed.
    pub async fn run(self, listener: TcpListener, stop: CancellationToken) {
        let mut door = Door::new(listener, &self.limits);
        let server = Arc::new(self);
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                (stream, address, place) = door.next() => {
                    // A token of its own: asking it does not contend with other connections.
                    let (server, stop) = (server.clone(), stop.child_token());
                    connections.spawn(async move {
                        let _place = place;
                        server.serve(stream, address, stop).await;
                    });
                }
                Some(ended) = connections.join_next() => log_panic(ended),
            }
        }
        // New connections are refused from here on.
        drop(door);
        while let Some(ended) = connections.join_next().await {
            log_panic(ended);
        }
    }

    async fn serve(&self, stream: TcpStream, address: SocketAddr, stop: CancellationToken) {
        let opened = stop.run_until_cancelled(self.opening.open(stream, address)).await;
        let Some((connection, version)) = opened.flatten() else { return };
        let state = State::new(self.budgets.clone());
        let certificate = connection.certificate();
        let peer = Peer { address, certificate, state: state.clone() };
        let service = PeerService { router: self.router.clone(), peer };
        let io = TokioIo::new(connection);
        match version {
            Version::Http1 => {
                let served = self.http1.serve_connection(io, service);
                self.drive(served, address, &state, &stop).await;
            }
            Version::Http2 => {
                let served = self.http2.serve_connection(io, service);
                self.drive(served, address, &state, &stop).await;
            }
        }
    }

    /// Until the connection ends. It is told to (GOAWAY) when the server stops, and when it is
    /// idle, or old and without a call: the client connects anew with the next one. Calls in flight
    /// end by themselves. It is closed at once where an answer is not read.
    async fn drive<C>(
        &self,
        connection: C,
        address: SocketAddr,
        state: &State,
        stop: &CancellationToken,
    ) where
        C: GracefulConnection<Error = hyper::Error>,
    {
        let Limits { connection_idle, connection_age, answer_wait, .. } = self.limits;
        let shortest = connection_idle.min(connection_age).min(answer_wait);
        let every = LOOK_INTERVAL.min(shortest / 4).max(Duration::from_millis(1));
        let mut looks = interval_at(Instant::now() + every, every);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // Not all that connected at the same time come back at the same time.
        let ends = Instant::now() + connection_age.mul_f64(rand::random_range(0.9..=1.1));
        let mut used = Instant::now();
        let mut is_ending = false;
        let mut connection = pin!(connection);
        loop {
            let is_over = tokio::select! {
                biased;
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        debug!(%error, %address, "a connection ended");
                    }
                    return;
                }
                () = stop.cancelled(), if !is_ending => true,
                _ = looks.tick() => {
                    if state.is_unread_for(answer_wait) {
                        warn!(%address, "a connection was closed: its answers were not read");
                        return;
                    }
                    let now = Instant::now();
                    let is_idle = state.is_idle();
                    if is_idle && is_ending {
                        // The client has had time to answer, and to close it.
                        return;
                    }
                    if !is_idle {
                        used = now;
                    }
                    // Clients of hyper fail a call that they begin between GOAWAY and the end of
                    // those that are in flight: a connection in use gets old.
                    now >= ends && !state.has_calls() || now - used >= connection_idle
                }
            };
            if is_over && !is_ending {
                is_ending = true;
                connection.as_mut().graceful_shutdown();
                looks.reset_after(GOODBYE_WAIT.min(every));
            }
        }
    }
}

fn log_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        error!(%error, "a connection failed");
    }
}

/// The router, for the calls of one connection.
struct PeerService<R> {
    router: R,
    peer: Peer,
}

impl<R, B> Service<Request<Incoming>> for PeerService<R>
where
    R: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
{
    type Response = Response<InCall<B>>;
    type Error = Infallible;
    type Future = Calling<R::Future>;

    fn call(&self, mut request: Request<Incoming>) -> Calling<R::Future> {
        let call = Some(Call::begin(&self.peer.state));
        request.extensions_mut().insert(self.peer.clone());
        Calling { inner: self.router.call(request), call }
    }
}

pin_project! {
    /// A call until it has an answer.
    struct Calling<F> {
        #[pin]
        inner: F,
        call: Option<Call>,
    }
}

impl<F, B> Future for Calling<F>
where
    F: Future<Output = Result<Response<B>, Infallible>>,
{
    type Output = Result<Response<InCall<B>>, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Ok(response) = ready!(this.inner.poll(context));
        let call = this.call.take();
        Poll::Ready(Ok(response.map(|inner| InCall { inner, _call: call })))
    }
}

pin_project! {
    /// The body of an answer; its call ends with it.
    struct InCall<B> {
        #[pin]
        inner: B,
        _call: Option<Call>,
    }
}

impl<B: Body> Body for InCall<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        self.project().inner.poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
