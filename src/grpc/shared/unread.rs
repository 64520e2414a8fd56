//! Requests that could not be read: what tonic says of them becomes an error of who sent them.
//!
//! tonic answers INTERNAL where a body ends within a message or has none, and OUT_OF_RANGE where a
//! message is too long, before any service is asked. Bytes that are no message of the method are
//! the codec's (`proto.rs`).

use std::convert::Infallible;
use std::task::{Context, Poll};

use futures_util::TryFutureExt;
use futures_util::future::MapOk;
use http::{Request, Response};
use tonic::body::Body;
use tonic::{Code, Status};
use tower::Service;

use super::status::Failure;
use crate::grpc::REQUEST_BYTES_MAX;

const STATUS_HEADER: &str = "grpc-status";
/// What tonic says of a body that ends within a message, and of one without any.
const INCOMPLETE: [&str; 2] = ["Unexpected EOF decoding stream.", "Missing request message."];

/// The error about a request that tonic could not read; none for any other status.
pub fn error_of(status: &Status) -> Option<Status> {
    match status.code() {
        // Nothing else answers so.
        Code::OutOfRange => Some(Failure::MessageTooLong { bytes_max: REQUEST_BYTES_MAX }.into()),
        Code::Internal if INCOMPLETE.contains(&status.message()) => Some(crate::proto::malformed()),
        _ => None,
    }
}

/// A service whose answers about requests that could not be read are those of [`error_of`].
#[derive(Clone)]
pub struct Readable<S>(pub S);

impl<S> Service<Request<Body>> for Readable<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = MapOk<S::Future, fn(Response<Body>) -> Response<Body>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        self.0.call(request).map_ok(answer)
    }
}

/// An answer that is an error from its beginning has its status among the headers.
fn answer(response: Response<Body>) -> Response<Body> {
    if !response.headers().contains_key(STATUS_HEADER) {
        return response;
    }
    let status = Status::from_header_map(response.headers());
    match status.as_ref().and_then(error_of) {
        Some(error) => error.into_http(),
        None => response,
    }
}
