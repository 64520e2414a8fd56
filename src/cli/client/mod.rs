//! Commands that call a running server: `tollgate call` for any method, and verbs for what is done
//! every day. They know the server by its protos alone, as any caller does.

pub mod call;
mod codec;
mod connection;
pub mod contexts;
mod descriptors;
mod errors;
pub mod health;
mod table;
mod target;
mod verbs;

use std::process::ExitCode;
use std::time::Duration;

use clap::ValueEnum;
use codec::DynamicCodec;
pub use connection::{Authorized, Bearer, Connection};
pub use errors::CallError;
use futures_util::stream;
use http::uri::PathAndQuery;
use prost_reflect::{DynamicMessage, MethodDescriptor};
use serde_json::Value;
pub use target::Target;
use tollgate::limits::{LARGE_REQUEST_BYTES_MAX, RESPONSE_BYTES_MAX};
use tonic::client::Grpc;
use tonic::codec::Streaming;
use tonic::{Request, Status};
pub use verbs::{Verb, run_verb};

use super::{Failure, print, runtime};

/// Form of a result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    #[default]
    Table,
    /// What the server answers, as JSON; errors, too.
    Json,
}

/// A server that is called by the names of its methods.
#[derive(Clone)]
pub struct Client {
    channel: Authorized,
    /// Longest time until a unary call is answered.
    timeout: Duration,
}

type Answers = Streaming<DynamicMessage>;

impl Client {
    pub fn new(channel: Authorized, timeout: Duration) -> Client {
        Client { channel, timeout }
    }

    /// One message to a method, and its one answer, as JSON.
    pub async fn call(&self, name: &str, request: Value) -> Result<Value, CallError> {
        let method = descriptors::method(name)?;
        let message = descriptors::message(&method, request)?;
        let mut answers = self.start(&method, vec![message]).await?;
        let answer = answers.message().await?;
        let answer = answer.ok_or_else(|| Status::internal("the server has not answered"))?;
        // The status follows the message.
        answers.message().await?;
        Ok(descriptors::json(&answer)?)
    }

    /// One message to a method, and its answers one by one.
    pub async fn watch(&self, name: &str, request: Value) -> Result<Answers, CallError> {
        let method = descriptors::method(name)?;
        let message = descriptors::message(&method, request)?;
        self.start(&method, vec![message]).await
    }

    /// On the wire a unary call is a stream of one message each way.
    async fn start(
        &self,
        method: &MethodDescriptor,
        messages: Vec<DynamicMessage>,
    ) -> Result<Answers, CallError> {
        let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
        let path = PathAndQuery::try_from(path).map_err(|cause| cause.to_string())?;
        let mut grpc = Grpc::new(self.channel.clone())
            .max_decoding_message_size(RESPONSE_BYTES_MAX)
            .max_encoding_message_size(LARGE_REQUEST_BYTES_MAX);
        let mut request = Request::new(stream::iter(messages));
        if !method.is_server_streaming() {
            request.set_timeout(self.timeout);
        }
        let ready = grpc.ready().await;
        ready
            .map_err(|cause| Status::unavailable(format!("the server does not answer: {cause}")))?;
        let answers = grpc.streaming(request, path, DynamicCodec(method.output())).await?;
        Ok(answers.into_inner())
    }
}

/// Runs what calls a server, and tells of an error.
fn run<F>(output: Output, command: F) -> Result<ExitCode, Failure>
where
    F: Future<Output = Result<(), CallError>>,
{
    let done = runtime(Some(1))?.block_on(command);
    Ok(done.map_or_else(|error| error.end(output), |()| ExitCode::SUCCESS))
}

/// Prints JSON over several lines.
fn print_json(value: &Value) -> Result<(), CallError> {
    print(format_args!("{value:#}\n"))?;
    Ok(())
}
