//! Bidirectional stream of checks: each message is answered in order by the task that reads it,
//! without a queue. Answers that are ready before the next read are sent in one frame.
//!
//! The next message is read only when earlier answers were taken: back pressure without a buffer.

use futures_util::Stream;
use futures_util::stream::unfold;
use tonic::{Code, Status, Streaming};

use super::{convert, verdict};
use crate::engine::Engine;
use crate::grpc::access::{Caller, Stop};
use crate::grpc::router::unread;
use crate::grpc::shared::decode::decode;
use crate::grpc::shared::status::Failure;
use crate::limits::REQUEST_BYTES_MAX;
use crate::proto::v1;
use crate::proto::v1::check_and_route_stream_response::Result as Answer;

struct State {
    engine: Engine,
    caller: Caller,
    checks: Streaming<v1::CheckAndRouteStreamRequest>,
    stop: Stop,
    is_over: bool,
}

/// The answers to the checks of a stream. Ends with the caller's side, or when it is time to stop.
pub fn answers(
    engine: Engine,
    caller: Caller,
    checks: Streaming<v1::CheckAndRouteStreamRequest>,
    stop: Stop,
) -> impl Stream<Item = Result<v1::CheckAndRouteStreamResponse, Status>> {
    // Boxed, because it is handed on with every message.
    let state = State { engine, caller, checks, stop, is_over: false };
    unfold(Box::new(state), |mut state| async move {
        let item = state.next().await?;
        Some((item, state))
    })
}

impl State {
    async fn next(&mut self) -> Option<Result<v1::CheckAndRouteStreamResponse, Status>> {
        if self.is_over {
            return None;
        }
        // Checked each time, so that a stream that is never idle ends, too.
        let message = match self.stop.is_now() {
            true => None,
            false => self.stop.run_until(self.checks.message()).await,
        };
        let Some(message) = message else {
            self.is_over = true;
            return Some(Err(self.stop.status()));
        };
        let request = match message {
            Ok(request) => request?,
            // What it sent is no message, and where the next one begins is not known.
            Err(status) => {
                self.is_over = true;
                let is_malformed = status.code() == Code::InvalidArgument;
                // Otherwise the caller is gone: there is no answer to send.
                return unread::error_of(&status, REQUEST_BYTES_MAX)
                    .or(is_malformed.then_some(status))
                    .map(Err);
            }
        };
        Some(Ok(self.answer(request.check).await))
    }

    async fn answer(
        &self,
        request: Option<v1::CheckAndRouteRequest>,
    ) -> v1::CheckAndRouteStreamResponse {
        let request = match decode(|at| at.field("check").required(request)) {
            Ok(request) => request,
            Err(violations) => return failed(String::new(), violations.into()),
        };
        let tag = request.request_id.clone();
        if let Err(failure) = self.caller.require_scope(&request) {
            return failed(tag, failure);
        }
        let mut call = match convert::check(request) {
            Ok(call) => call,
            Err(violations) => return failed(tag, violations.into()),
        };
        // An id that was generated here is the tag, too.
        let tag = if tag.is_empty() { call.request_id.clone() } else { tag };
        match self.engine.decide(&call.workspace_id, &mut call.check).await {
            Ok(answer) => {
                let mut check = convert::check_response(answer, call.request_id, call.check);
                verdict::explain_all(&mut check, &self.engine, &call.workspace_id);
                let result = Some(Answer::Check(check));
                v1::CheckAndRouteStreamResponse { request_id: tag, result }
            }
            Err(error) => failed(tag, error.into()),
        }
    }
}

fn failed(request_id: String, failure: Failure) -> v1::CheckAndRouteStreamResponse {
    v1::CheckAndRouteStreamResponse { request_id, result: Some(Answer::Error(failure.into())) }
}
