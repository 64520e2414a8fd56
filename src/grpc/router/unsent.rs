//! The body of an answer: what is large keeps its room in memory until it is sent.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;

use crate::grpc::shared::status::Failure;
use crate::transport::Reserve;

pub struct Answer {
    inner: Body,
    /// Of an answer whose message has not been handed over.
    reserve: Option<Reserve>,
}

impl Answer {
    pub fn small(inner: Body) -> Answer {
        Answer { inner, reserve: None }
    }

    pub fn reserved(inner: Body, reserve: Reserve) -> Answer {
        Answer { inner, reserve: Some(reserve) }
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(context);
        let is_message = matches!(&polled, Poll::Ready(Some(Ok(frame))) if frame.is_data());
        // It has one message, which is one frame; what comes after that is short.
        let Some(reserve) = self.reserve.take_if(|_| is_message) else { return polled };
        polled.map(|frame| {
            let bytes = frame?.ok()?.into_data().ok()?;
            let message = reserve.hand_over(bytes).map(Frame::data);
            Some(message.ok_or_else(|| Failure::TooManyCalls.into()))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
