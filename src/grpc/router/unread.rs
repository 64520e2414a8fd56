//! Requests that could not be read: what tonic says of them becomes an error of who sent them.
//!
//! tonic answers INTERNAL where a body ends within a message or has none, and OUT_OF_RANGE where a
//! message is too long, before any service is asked. Bytes that are no message of the method are
//! the codec's (`proto.rs`).

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{HeaderName, Request, Response};
use tonic::body::Body;
use tonic::{Code, Status};
use tower::Service;

use crate::grpc::shared::status::Failure;

const STATUS_HEADER: HeaderName = HeaderName::from_static("grpc-status");
/// What tonic says of a body that ends within a message, and of one without any.
const INCOMPLETE: [&str; 2] = ["Unexpected EOF decoding stream.", "Missing request message."];

/// The error about a request that tonic could not read; none for any other status. A message has at
/// most `bytes_max` bytes.
pub fn error_of(status: &Status, bytes_max: usize) -> Option<Status> {
    match status.code() {
        // Nothing else answers so.
        Code::OutOfRange => Some(Failure::MessageTooLong { bytes_max }.into()),
        Code::Internal if INCOMPLETE.contains(&status.message()) => Some(crate::proto::malformed()),
        _ => None,
    }
}

/// A service whose answers about requests that could not be read are those of [`error_of`].
#[derive(Clone)]
pub struct Readable<S> {
    inner: S,
    bytes_max: usize,
}

impl<S> Readable<S> {
    pub fn new(inner: S, bytes_max: usize) -> Readable<S> {
        Readable { inner, bytes_max }
    }
}

impl<S> Service<Request<Body>> for Readable<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Unpin,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Reading<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Reading<S::Future> {
        Reading { inner: self.inner.call(request), bytes_max: self.bytes_max }
    }
}

/// A call of a [`Readable`].
pub struct Reading<F> {
    inner: F,
    bytes_max: usize,
}

impl<F> Future for Reading<F>
where
    F: Future<Output = Result<Response<Body>, Infallible>> + Unpin,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let answered = Pin::new(&mut self.inner).poll(context);
        answered.map_ok(|response| answer(response, self.bytes_max))
    }
}

/// An answer that is an error from its beginning has its status among the headers.
fn answer(response: Response<Body>, bytes_max: usize) -> Response<Body> {
    if !response.headers().contains_key(STATUS_HEADER) {
        return response;
    }
    let status = Status::from_header_map(response.headers());
    match status.as_ref().and_then(|status| error_of(status, bytes_max)) {
        Some(error) => error.into_http(),
        None => response,
    }
}
