//! The body of a request: its bytes are bounded, and the time that it may take.
//!
//! A body that is there when it is read, as nearly all are, costs two comparisons.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};
use tonic::Status;
use tower::BoxError;

use super::kind::Kind;
use crate::grpc::shared::status::Failure;
use crate::limits::{Limits, REQUEST_BYTES_FREE};
use crate::transport::{State, Upload};

/// Texts of base64, and whatever else there is around a message, fit into that many times its size.
const ENCODED_MAX: usize = 2;

pub struct RequestBody<B> {
    inner: B,
    /// Most bytes of it; none where the caller goes on sending.
    bytes_max: Option<usize>,
    message_bytes_max: usize,
    wait: Option<Duration>,
    /// Of `wait`, from when it was first waited for.
    late: Option<Pin<Box<Sleep>>>,
    received: usize,
    /// Counted once it has more than the free bytes.
    counted: Option<Upload>,
    state: Option<Arc<State>>,
}

impl<B> RequestBody<B> {
    pub fn new(inner: B, kind: Kind, limits: &Limits, state: Option<Arc<State>>) -> RequestBody<B> {
        let message_bytes_max = kind.request_bytes_max();
        let bytes_max = (kind != Kind::Stream).then_some(message_bytes_max * ENCODED_MAX);
        RequestBody {
            inner,
            bytes_max,
            message_bytes_max,
            wait: kind.request_wait(limits),
            late: None,
            received: 0,
            counted: None,
            state,
        }
    }

    /// # Errors
    /// If there are too many of it, or of all.
    fn count(&mut self, bytes: usize) -> Result<(), Failure> {
        // The messages of a stream are dropped one by one.
        let Some(bytes_max) = self.bytes_max else { return Ok(()) };
        self.received += bytes;
        if self.received <= REQUEST_BYTES_FREE {
            return Ok(());
        }
        if self.received > bytes_max {
            return Err(Failure::MessageTooLong { bytes_max: self.message_bytes_max });
        }
        let counted = match (&mut self.counted, self.state.take()) {
            (Some(counted), _) => counted.add(bytes),
            (counted, Some(state)) => {
                counted.insert(Upload::new(state)).add(self.received - REQUEST_BYTES_FREE)
            }
            (None, None) => true,
        };
        if counted { Ok(()) } else { Err(Failure::TooManyCalls) }
    }

    fn poll_late(&mut self, context: &mut Context<'_>) -> Poll<Status> {
        let Some(wait) = self.wait else { return Poll::Pending };
        let late = self.late.get_or_insert_with(|| Box::pin(sleep(wait)));
        late.as_mut().poll(context).map(|()| {
            let message = format!("the request took longer than {wait:?} to arrive");
            Status::deadline_exceeded(message)
        })
    }
}

impl<B> Body for RequestBody<B>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(context) else {
            return self.poll_late(context).map(|status| Some(Err(status)));
        };
        let frame = match frame {
            Some(Ok(frame)) => frame,
            Some(Err(error)) => return Poll::Ready(Some(Err(Status::from_error(error.into())))),
            None => return Poll::Ready(None),
        };
        let bytes = frame.data_ref().map_or(0, Bytes::len);
        Poll::Ready(Some(self.count(bytes).map(|()| frame).map_err(Status::from)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
