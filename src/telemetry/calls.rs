//! Observes calls: how long each takes until its end, and with which status; and says to the log
//! which call it is about.
//!
//! A call of one answer ends with its answer; one that streams answers ends with the last, or when
//! its caller goes away. The status of a stream over gRPC-Web is inside of its body: there a stream
//! that ends counts as OK.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use hashbrown::HashMap;
use http::{HeaderMap, HeaderName, Request, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::service::Service;
use pin_project_lite::pin_project;
use tokio::task::futures::TaskLocalFuture;
use tonic::{Code, Status};
use tracing::{Level, debug, enabled};

use super::ids::CallIds;
use super::rpc::{MethodIndex, code_name};
use super::table::RPC_DURATIONS;
use super::traces;

const STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// A method of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Method {
    /// Of its requests: a slash, the service, a slash, the method.
    pub path: &'static str,
    /// Whether it answers with a stream.
    pub is_streaming: bool,
}

/// A service whose calls are observed.
#[derive(Clone)]
pub struct Observed<S> {
    inner: S,
    methods: Arc<HashMap<&'static str, (MethodIndex, bool)>>,
}

impl<S> Observed<S> {
    /// Calls of other methods are counted together.
    pub fn new(inner: S, methods: &[Method]) -> Observed<S> {
        let names = methods.iter().map(|method| method.path.trim_start_matches('/'));
        let indexes = RPC_DURATIONS.declare(&names.collect::<Vec<_>>());
        let methods = methods.iter().zip(indexes);
        let methods = methods.map(|(method, index)| (method.path, (index, method.is_streaming)));
        Observed { inner, methods: Arc::new(methods.collect()) }
    }
}

impl<S, Q, B> Service<Request<Q>> for Observed<S>
where
    S: Service<Request<Q>, Response = Response<B>, Error = Infallible>,
{
    type Response = Response<Answers<B>>;
    type Error = Infallible;
    type Future = Observing<S::Future>;

    fn call(&self, request: Request<Q>) -> Observing<S::Future> {
        let found = self.methods.get(request.uri().path()).copied();
        let (method, is_streaming) = found.unwrap_or((MethodIndex::OTHER, false));
        let call = Call { method, start: Instant::now() };
        let ids = CallIds::of(request.headers());
        // What refuses a call does so before its future is made.
        let inner = ids.clone().sync_scope(|| self.inner.call(request));
        Observing { inner: ids.scope(inner), call: Some(call), is_streaming }
    }
}

/// A call that has not ended.
struct Call {
    method: MethodIndex,
    start: Instant,
}

impl Call {
    fn end(self, code: Code, ids: CallIds) {
        let duration = self.start.elapsed();
        RPC_DURATIONS.observe(self.method, code, duration);
        traces::ended(&ids, RPC_DURATIONS.name(self.method), code, duration);
        if enabled!(Level::DEBUG) {
            let (method, status) = (RPC_DURATIONS.name(self.method), code_name(code));
            let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
            ids.sync_scope(|| debug!(method, status, micros, "a call ended"));
        }
    }
}

pin_project! {
    /// The future of an observed call.
    pub struct Observing<F> {
        #[pin]
        inner: TaskLocalFuture<CallIds, F>,
        call: Option<Call>,
        is_streaming: bool,
    }

    impl<F> PinnedDrop for Observing<F> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if let Some(call) = this.call.take() {
                call.end(Code::Cancelled, this.inner.take_value().unwrap_or_default());
            }
        }
    }
}

impl<F, B> Future for Observing<F>
where
    F: Future<Output = Result<Response<B>, Infallible>>,
{
    type Output = Result<Response<Answers<B>>, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Ok(response) = ready!(this.inner.as_mut().poll(context));
        let ids = this.inner.take_value().unwrap_or_default();
        let status = code_in(response.headers());
        let mut open = this.call.take().map(|call| (call, ids));
        if !*this.is_streaming || status.is_some() {
            end(&mut open, status.unwrap_or(Code::Ok));
        }
        Poll::Ready(Ok(response.map(|inner| Answers { inner, open })))
    }
}

pin_project! {
    /// The body of an answer; the call of a stream ends with it.
    pub struct Answers<B> {
        #[pin]
        inner: B,
        open: Option<(Call, CallIds)>,
    }

    impl<B> PinnedDrop for Answers<B> {
        fn drop(this: Pin<&mut Self>) {
            end(this.project().open, Code::Cancelled);
        }
    }
}

fn end(open: &mut Option<(Call, CallIds)>, code: Code) {
    if let Some((call, ids)) = open.take() {
        call.end(code, ids);
    }
}

impl<B: Body<Error = Status>> Body for Answers<B> {
    type Data = B::Data;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Status>>> {
        let this = self.project();
        let Some((_, ids)) = this.open else { return this.inner.poll_frame(context) };
        let ids = ids.clone();
        let frame = ready!(ids.sync_scope(|| this.inner.poll_frame(context)));
        match &frame {
            None => end(this.open, Code::Ok),
            Some(Err(status)) => end(this.open, status.code()),
            Some(Ok(frame)) => {
                if let Some(trailers) = frame.trailers_ref() {
                    end(this.open, code_in(trailers).unwrap_or(Code::Ok));
                }
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

fn code_in(headers: &HeaderMap) -> Option<Code> {
    headers.get(STATUS).map(|status| Code::from_bytes(status.as_bytes()))
}

#[cfg(test)]
mod tests {
    use hyper::service::service_fn;
    use tonic::body::Body;

    use super::*;
    use crate::telemetry::ids::with_current;

    #[tokio::test]
    async fn what_a_service_logs_is_about_its_call() {
        let service = service_fn(|_: Request<Body>| async {
            tokio::task::yield_now().await;
            let trace = with_current(|ids| ids.trace_parent().unwrap().trace_id.to_owned());
            let mut response = Response::new(Body::empty());
            response.headers_mut().insert("trace", trace.unwrap().parse().unwrap());
            Ok(response)
        });
        let observed = Observed::new(service, &[]);
        let trace = "0af7651916cd43dd8448eb211c80319c";
        let traceparent = format!("00-{trace}-b7ad6b7169203331-01");
        let request = Request::builder().header("traceparent", traceparent).body(Body::empty());
        let response = observed.call(request.unwrap()).await.unwrap();
        assert_eq!(response.headers()["trace"], trace);
        assert!(with_current(|_| ()).is_none());
    }
}
