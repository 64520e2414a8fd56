//! The stream: on each connection one `CheckAndRouteStream` with a number of checks in flight.
//!
//! For each answer the next check is sent; answers that arrive together are followed by checks
//! that leave together, as a gateway's client would do.

use std::collections::HashMap;
use std::rc::Rc;
use std::time::Instant;

use bytes::{Buf, BytesMut};
use prost::Message;
use tollgate::proto::v1;
use tollgate::proto::v1::check_and_route_stream_response::Result as CheckResult;

use super::Options;
use super::meter::{Meter, Timed};
use super::wire::{Connection, Method, expect_ok, read_chunk};
use crate::messages::{Id, PREFIX_LEN, Templates, new_id};
use crate::{Error, Result};

/// Runs a stream on each connection until the meter starts no more work.
pub async fn run(
    options: &Options,
    connections: Vec<Connection>,
    templates: Rc<Templates>,
    meter: &Rc<Meter>,
) {
    let mut streams = Vec::new();
    for connection in connections {
        let stream = Stream {
            templates: Rc::clone(&templates),
            meter: Rc::clone(meter),
            sent: HashMap::with_capacity(options.in_flight * 2),
        };
        streams.push(tokio::task::spawn_local(stream.run(connection, options.in_flight)));
    }
    for stream in streams {
        stream.await.expect("a stream does not panic");
    }
}

struct Stream {
    templates: Rc<Templates>,
    meter: Rc<Meter>,
    /// Checks in flight by request id, and when they were sent.
    sent: HashMap<Id, Instant>,
}

impl Stream {
    async fn run(mut self, connection: Connection, in_flight: usize) {
        let outcome = self.exchange(connection, in_flight).await;
        let reason = outcome.err().map_or_else(|| "the stream ended".into(), |e| e.to_string());
        for _ in 0..self.sent.len() {
            self.meter.finish(Err(Error::from(reason.clone())));
        }
    }

    /// Returns when nothing is in flight any more.
    async fn exchange(&mut self, mut connection: Connection, in_flight: usize) -> Result<()> {
        let (answer, mut requests) = connection.start(Method::CheckAndRouteStream).await?;
        let mut out = BytesMut::new();
        self.write_checks(in_flight, &mut out);
        requests.send_data(out.split().freeze(), false)?;
        let response = answer.await?;
        expect_ok(response.headers())?;
        let mut answers = response.into_body();
        let mut pending = BytesMut::new();
        while let Some(chunk) = read_chunk(&mut answers).await? {
            pending.extend_from_slice(&chunk);
            let answered = self.take_answers(&mut pending)?;
            self.write_checks(answered, &mut out);
            if !out.is_empty() {
                requests.send_data(out.split().freeze(), false)?;
            }
            if self.sent.is_empty() {
                requests.send_data(bytes::Bytes::new(), true)?;
                return Ok(());
            }
        }
        if let Some(trailers) = answers.trailers().await? {
            expect_ok(&trailers)?;
        }
        Ok(())
    }

    fn write_checks(&mut self, count: usize, out: &mut BytesMut) {
        let now = Instant::now();
        for _ in 0..count {
            let Some(number) = self.meter.start() else {
                return;
            };
            let id = new_id();
            let user = number as usize % self.templates.stream_checks.len();
            self.templates.stream_checks[user].write(&id, out);
            self.sent.insert(id, now);
        }
    }

    /// Takes every whole answer from `pending` and returns how many there were.
    fn take_answers(&mut self, pending: &mut BytesMut) -> Result<usize> {
        let mut count = 0;
        while pending.len() >= PREFIX_LEN {
            let length = (&pending[1..PREFIX_LEN]).get_u32() as usize;
            if pending.len() < PREFIX_LEN + length {
                break;
            }
            pending.advance(PREFIX_LEN);
            let message = pending.split_to(length).freeze();
            self.take_answer(v1::CheckAndRouteStreamResponse::decode(message)?)?;
            count += 1;
        }
        Ok(count)
    }

    fn take_answer(&mut self, answer: v1::CheckAndRouteStreamResponse) -> Result<()> {
        let id: Id = answer.request_id.as_bytes().try_into()?;
        let start = self.sent.remove(&id).ok_or("an answer to no request")?;
        match answer.result {
            Some(CheckResult::Check(check)) => {
                if check.decision != v1::Decision::Allowed as i32 {
                    self.meter.not_allowed();
                }
                self.meter.time(Timed::Check, start);
                self.meter.finish(Ok(()));
            }
            Some(CheckResult::Error(error)) => self.meter.finish(Err(error.message.into())),
            None => self.meter.finish(Err("an answer without a result".into())),
        }
        Ok(())
    }
}
