//! For tests of your own code: a Tollgate in this process, without a server and without a network.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! use tollgate_grpc::testing::FakeTollgate;
//! use tollgate_grpc::{GuardError, Reason, Request};
//!
//! let tollgate = FakeTollgate::new();
//! tollgate.block(Reason::Exhausted, None);
//! let request = Request::to("acme", "gpt-4.1").input_tokens(1000);
//! let guarded = tollgate.client().guard(request, async |_| Ok::<(), String>(())).await;
//! assert!(matches!(guarded, Err(GuardError::Blocked(_))));
//! # }
//! ```

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use prost::Message;
use tonic::body::Body;
use tonic::codegen::Bytes;
use tonic::{Code, Status};

use crate::client::{Client, ClientBuilder};
use crate::request::duration_of;
use crate::v1::{self, Decision, record_usage_result};

/// A server that answers every check with the decision that was set last, and keeps the requests
/// that it receives. Clones are handles of the same one.
///
/// Everything is allowed until another decision is set. It has no limits and no prices: costs are
/// zero. Methods other than those of the guard are `UNIMPLEMENTED`.
#[derive(Clone, Debug, Default)]
pub struct FakeTollgate(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    answer: Answer,
    checks: Vec<v1::CheckAndRouteRequest>,
    records: Vec<v1::RecordUsageRequest>,
    releases: Vec<v1::ReleaseHoldRequest>,
}

#[derive(Clone, Debug, Default)]
enum Answer {
    #[default]
    Allow,
    Block(v1::Reason, Option<Duration>),
    Route(String),
    Fail(Code),
}

impl FakeTollgate {
    /// Makes one that allows everything.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a client of it, with defaults for everything; within a Tokio runtime.
    ///
    /// # Panics
    ///
    /// Outside of one.
    #[must_use]
    pub fn client(&self) -> Client {
        let client = self.client_of(Client::builder());
        client.expect("within a Tokio runtime the defaults make a client")
    }

    /// Makes a client of it with settings of your own; its address is not used.
    pub fn client_of(&self, builder: ClientBuilder) -> Result<Client, crate::ConnectError> {
        builder.build_for(self.clone())
    }

    /// Allows checks from now on.
    pub fn allow(&self) {
        self.lock().answer = Answer::Allow;
    }

    /// Blocks checks from now on, for a reason.
    pub fn block(&self, reason: v1::Reason, retry_after: Option<Duration>) {
        self.lock().answer = Answer::Block(reason, retry_after);
    }

    /// Leads checks to another model from now on.
    pub fn route(&self, model: impl Into<String>) {
        self.lock().answer = Answer::Route(model.into());
    }

    /// Fails every call from now on, also records: with `Unavailable` as if there were no server.
    pub fn fail(&self, code: Code) {
        self.lock().answer = Answer::Fail(code);
    }

    /// The checks that it was asked for.
    #[must_use]
    pub fn checks(&self) -> Vec<v1::CheckAndRouteRequest> {
        self.lock().checks.clone()
    }

    /// The records that it was given: [`Client::flush`] before.
    #[must_use]
    pub fn records(&self) -> Vec<v1::RecordUsageRequest> {
        self.lock().records.clone()
    }

    /// The holds that it was given back, as of calls that never started.
    #[must_use]
    pub fn releases(&self) -> Vec<v1::ReleaseHoldRequest> {
        self.lock().releases.clone()
    }

    /// Answers a call as a server would.
    pub(crate) async fn send(
        &self,
        request: http::Request<Body>,
    ) -> Result<http::Response<Body>, Status> {
        let (head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        // Before the message is how it is compressed, and how long it is.
        let message = body.get(5..).unwrap_or_default();
        match self.answer(head.uri.path(), message) {
            Ok(answer) => Ok(response(&answer)),
            Err(status) => Ok(status.into_http()),
        }
    }

    fn answer(&self, path: &str, message: &[u8]) -> Result<Vec<u8>, Status> {
        let mut state = self.lock();
        if let Answer::Fail(code) = state.answer {
            return Err(Status::new(code, "as the test wants it"));
        }
        match path.rsplit('/').next().unwrap_or_default() {
            "CheckAndRoute" => {
                let check: v1::CheckAndRouteRequest = read(message)?;
                let answer = decided(&check, &state.answer);
                state.checks.push(check);
                Ok(answer.encode_to_vec())
            }
            "RecordUsage" => {
                let record: v1::RecordUsageRequest = read(message)?;
                let answer = recorded(&record);
                state.records.push(record);
                Ok(answer.encode_to_vec())
            }
            "RecordUsageBatch" => {
                let batch: v1::RecordUsageBatchRequest = read(message)?;
                let results = batch.records.iter().map(|record| v1::RecordUsageResult {
                    result: Some(record_usage_result::Result::Record(recorded(record))),
                });
                let results = results.collect();
                state.records.extend(batch.records);
                Ok(v1::RecordUsageBatchResponse { results }.encode_to_vec())
            }
            "ReleaseHold" => {
                state.releases.push(read(message)?);
                Ok(Vec::new())
            }
            "ExtendHold" | "ListHolds" | "WhoAmI" => Ok(Vec::new()),
            name => Err(Status::unimplemented(format!("the fake has no {name}"))),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read<M: Message + Default>(message: &[u8]) -> Result<M, Status> {
    M::decode(message).map_err(|error| Status::invalid_argument(error.to_string()))
}

fn decided(check: &v1::CheckAndRouteRequest, answer: &Answer) -> v1::CheckAndRouteResponse {
    let mut said = v1::CheckAndRouteResponse {
        decision: Decision::Allowed.into(),
        request_id: check.request_id.clone(),
        model_id: check.model_id.clone(),
        held: Some(v1::Money { currency_code: "USD".into(), amount: "0".into() }),
        ..Default::default()
    };
    match answer {
        Answer::Allow | Answer::Fail(_) => {}
        Answer::Route(model) => {
            said.decision = Decision::Routed.into();
            said.model_id.clone_from(model);
            said.reason = v1::Reason::Exhausted.into();
        }
        Answer::Block(reason, retry_after) => {
            said.decision = Decision::Blocked.into();
            said.reason = (*reason).into();
            said.retry_after = retry_after.map(duration_of);
            said.verdicts = vec![v1::Verdict {
                reason: (*reason).into(),
                blocking: true,
                ..Default::default()
            }];
        }
    }
    said
}

fn recorded(record: &v1::RecordUsageRequest) -> v1::RecordUsageResponse {
    v1::RecordUsageResponse {
        cost: Some(v1::Money { currency_code: "USD".into(), amount: "0".into() }),
        usage: record.usage.clone(),
        model_id: record.model_id.clone(),
        attempt: record.attempt,
        ..Default::default()
    }
}

/// A message as gRPC frames it, with how the call ended.
fn response(message: &[u8]) -> http::Response<Body> {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes();
    let frame = Bytes::from([&[0], &length[..], message].concat());
    let body = Full::new(frame).with_trailers(async {
        let mut trailers = http::HeaderMap::new();
        trailers.insert("grpc-status", http::HeaderValue::from_static("0"));
        Some(Ok(trailers))
    });
    http::Response::builder()
        .header("content-type", "application/grpc")
        .body(Body::new(body))
        .expect("a header of our own is one")
}
