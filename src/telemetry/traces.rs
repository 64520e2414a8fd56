//! Traces: a span for each call whose caller traces it, sent to a collector of OpenTelemetry by
//! OTLP over HTTP.
//!
//! Only calls with a sampled `traceparent` have spans: whoever calls decides what is traced, and a
//! call without one pays for a comparison. Spans are sent by a task of their own; what its queue
//! does not take, and what the collector does not, is lost and counted.

use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanExporter as _, SpanLinks};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tonic::Code;
use tracing::{debug, warn};

use super::ids::{CallIds, TraceParent};
use super::rpc::code_name;
use super::table::{SPANS, SpanOutcome};

/// Most spans that wait to be sent.
pub const QUEUE_SPANS_MAX: usize = 4_096;
/// Most spans of one request to the collector.
const BATCH_SPANS_MAX: usize = 512;
/// How long spans wait for others.
const BATCH_DELAY: Duration = Duration::from_secs(1);
/// How long a request to the collector may take.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);
/// Where a collector takes traces, below its endpoint.
const PATH: &str = "v1/traces";
const SERVICE: &str = "tollgate";
/// Statuses that are errors of the server, by the conventions for gRPC.
const SERVER_ERRORS: [Code; 6] = [
    Code::Unknown,
    Code::DeadlineExceeded,
    Code::Unimplemented,
    Code::Internal,
    Code::Unavailable,
    Code::DataLoss,
];

/// Of the process: set when traces are sent.
static QUEUE: OnceLock<mpsc::Sender<SpanData>> = OnceLock::new();

/// The task that sends.
pub struct Sending {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// Sends traces to the collector at this address from now on. A second call in one process sends
/// nothing.
///
/// # Errors
/// Where the client cannot be made.
pub fn start(endpoint: &str) -> Result<Sending, String> {
    // Another part of the process may have chosen before.
    drop(rustls::crypto::ring::default_provider().install_default());
    let client = reqwest::Client::builder().timeout(SEND_TIMEOUT).build();
    let mut exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(client.map_err(|error| error.to_string())?)
        .with_endpoint(format!("{}/{PATH}", endpoint.trim_end_matches('/')))
        .with_timeout(SEND_TIMEOUT)
        .build()
        .map_err(|error| error.to_string())?;
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let resource = Resource::builder().with_service_name(SERVICE).with_attribute(version).build();
    exporter.set_resource(&resource);
    let (queue, spans) = mpsc::channel(QUEUE_SPANS_MAX);
    drop(QUEUE.set(queue));
    let stop = CancellationToken::new();
    let task = tokio::spawn(send(spans, exporter, stop.clone()));
    Ok(Sending { stop, task })
}

impl Sending {
    /// Sends what is left, as far as the collector takes it.
    pub async fn stop(self) {
        self.stop.cancel();
        if timeout(2 * SEND_TIMEOUT, self.task).await.is_err() {
            debug!("the last spans were not sent");
        }
    }
}

async fn send(
    mut spans: mpsc::Receiver<SpanData>,
    exporter: SpanExporter,
    stop: CancellationToken,
) {
    let mut is_failing = false;
    loop {
        let mut batch = Vec::new();
        let received = spans.recv_many(&mut batch, BATCH_SPANS_MAX);
        let is_over = match stop.run_until_cancelled(received).await {
            Some(0) => return,
            Some(_) => stop.run_until_cancelled(sleep(BATCH_DELAY)).await.is_none(),
            None => true,
        };
        while batch.len() < BATCH_SPANS_MAX
            && let Ok(span) = spans.try_recv()
        {
            batch.push(span);
        }
        if batch.is_empty() {
            return;
        }
        let count = batch.len() as u64;
        let outcome = match exporter.export(batch).await {
            Ok(()) => SpanOutcome::Sent,
            Err(error) if is_failing => {
                debug!(%error, "the collector does not take spans");
                SpanOutcome::Lost
            }
            Err(error) => {
                warn!(%error, "the collector does not take spans: they are lost until it does");
                SpanOutcome::Lost
            }
        };
        is_failing = matches!(outcome, SpanOutcome::Lost);
        SPANS.at([outcome as usize]).add(count);
        if is_over && (is_failing || spans.is_empty()) {
            return;
        }
    }
}

/// Queues the span of a call that has ended now, if its caller traces it.
pub fn ended(ids: &CallIds, method: &'static str, code: Code, duration: Duration) {
    let Some(queue) = QUEUE.get() else { return };
    let Some(parent) = ids.trace_parent().filter(|parent| parent.is_sampled) else { return };
    let Some(span) = span(&parent, method, code, duration) else { return };
    if queue.try_send(span).is_err() {
        SPANS.at([SpanOutcome::Lost as usize]).inc();
    }
}

fn span(
    parent: &TraceParent<'_>,
    method: &'static str,
    code: Code,
    duration: Duration,
) -> Option<SpanData> {
    let trace_id = TraceId::from_hex(parent.trace_id).ok()?;
    let parent_span_id = SpanId::from_hex(parent.parent_id).ok()?;
    let span_id = SpanId::from_bytes(rand::random_range(1..=u64::MAX).to_be_bytes());
    let flags = TraceFlags::SAMPLED;
    let end_time = SystemTime::now();
    let is_error = SERVER_ERRORS.contains(&code);
    Some(SpanData {
        span_context: SpanContext::new(trace_id, span_id, flags, false, TraceState::default()),
        parent_span_id,
        parent_span_is_remote: true,
        span_kind: SpanKind::Server,
        name: method.into(),
        start_time: end_time.checked_sub(duration).unwrap_or(end_time),
        end_time,
        attributes: vec![
            KeyValue::new("rpc.system.name", "grpc"),
            KeyValue::new("rpc.method", method),
            KeyValue::new("rpc.response.status_code", code_name(code)),
        ],
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: if is_error { Status::error(code_name(code)) } else { Status::Unset },
        instrumentation_scope: InstrumentationScope::builder(SERVICE).build(),
    })
}
