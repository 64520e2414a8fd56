//! Server streams that are pulled by the reader and end when the server stops.

use std::future::Future;
use std::pin::Pin;

use futures_util::Stream;
use futures_util::stream::unfold;
use tonic::Status;

use super::status::Failure;
use crate::grpc::access::Stop;

/// The response of a streaming call.
pub type BoxStream<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// What a stream sends.
pub trait Source: Send + 'static {
    type Item: Send + 'static;

    /// Waits for the next message; none at the end. A failure ends the stream.
    fn next(&mut self) -> impl Future<Output = Result<Option<Self::Item>, Failure>> + Send;
}

/// Asks for the next message only when the reader has taken the one before: a slow reader gets the
/// newest state. Ends with a status when it is time to stop.
pub fn stream<S: Source>(source: S, stop: Stop) -> BoxStream<S::Item> {
    Box::pin(unfold(Some(source), move |source| {
        let stop = stop.clone();
        async move {
            let mut source = source?;
            match stop.run_until(source.next()).await {
                None => Some((Err(stop.status()), None)),
                Some(Err(failure)) => Some((Err(failure.into()), None)),
                Some(Ok(None)) => None,
                Some(Ok(Some(message))) => Some((Ok(message), Some(source))),
            }
        }
    }))
}
