//! What callers send and do not finish, or ask for and do not read, is bounded.

use std::convert::Infallible;
use std::future::{pending, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::join_all;
use http::Request;
use http_body::{Body as HttpBody, Frame};
use prost::Message;
use tokio_stream::StreamExt;
use tollgate::config::Config;
use tollgate::limits::{Limits, PAGE_BYTES_MAX, UPLOAD_BYTES_PER_CONNECTION_MAX};
use tollgate::proto::v1;
use tollgate::proto::v1::check_and_route_stream_response::Result as Answer;
use tollgate::proto::v1::usage_service_client::UsageServiceClient;
use tonic::body::Body;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tower::ServiceExt;

use crate::fixtures::{ACME, acme, assert_failed, check, get_budget, record, set_up};
use crate::server::Server;

const SHORT: Duration = Duration::from_millis(500);
const MIB: usize = 1024 * 1024;

async fn start(limits: Limits) -> Server {
    let server = Server::start_with(Config { limits, ..Config::default() }).await;
    set_up(&server).await;
    server
}

/// A body that is all there, or begins and never ends.
struct Begun {
    bytes: Option<Bytes>,
    ends: bool,
}

impl Begun {
    fn body(bytes: Vec<u8>, ends: bool) -> Body {
        Body::new(Begun { bytes: Some(bytes.into()), ends })
    }
}

impl HttpBody for Begun {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.bytes.take() {
            Some(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            None if self.ends => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

/// A call of gRPC with this body.
async fn post(
    server: &Server,
    channel: &Channel,
    method: &str,
    body: Body,
) -> http::Response<Body> {
    let request = Request::post(format!("http://{}/tollgate.v1.{method}", server.address))
        .header("content-type", "application/grpc")
        .body(body)
        .unwrap();
    channel.clone().oneshot(request).await.unwrap()
}

/// The status of a call whose body has this beginning.
async fn stall(server: &Server, method: &str, begin: Vec<u8>) -> Status {
    let response = post(server, &server.channel, method, Begun::body(begin, false)).await;
    Status::from_header_map(response.headers()).expect("it has ended")
}

/// The beginning of a message of `length` bytes, of which `sent` are there.
fn beginning(length: usize, sent: usize) -> Vec<u8> {
    let mut bytes = vec![0];
    bytes.extend(u32::try_from(length).unwrap().to_be_bytes());
    bytes.extend(vec![0; sent]);
    bytes
}

#[tokio::test]
async fn a_request_that_does_not_arrive_is_ended() {
    let server = start(Limits { request_wait: SHORT, ..Limits::default() }).await;
    for (method, begin) in [
        ("UsageService/CheckAndRoute", Vec::new()),
        ("UsageService/CheckAndRoute", beginning(100, 50)),
        ("UsageService/ListUsageRecords", beginning(100, 0)),
        ("QuotaService/CreateQuota", beginning(3 * MIB, 2 * MIB)),
    ] {
        let begun = Instant::now();
        let status = stall(&server, method, begin).await;
        assert_eq!(status.code(), Code::DeadlineExceeded, "{method}: {status:?}");
        assert!(begun.elapsed() >= SHORT, "{method}: not at once");
    }
    // A stream may be silent for as long as it likes.
    let checks = tokio_stream::iter([check("r-1", "big")])
        .map(|check| v1::CheckAndRouteStreamRequest { check: Some(check) })
        .chain(futures_util::stream::once(pending()));
    let answers = server.usage().check_and_route_stream(checks).await.unwrap();
    let mut answers = answers.into_inner();
    answers.message().await.unwrap().unwrap();
    let silent = tokio::time::timeout(3 * SHORT, answers.message()).await;
    assert!(silent.is_err(), "{silent:?}");
}

#[tokio::test]
async fn the_bytes_that_a_connection_uploads_at_once_are_bounded() {
    let server = start(Limits { request_wait: 4 * SHORT, ..Limits::default() }).await;
    let each = 3 * MIB;
    let count = UPLOAD_BYTES_PER_CONNECTION_MAX / each + 5;
    let uploads = (0..count).map(|_| {
        let begin = beginning(each + 1, each);
        stall(&server, "QuotaService/CreateQuota", begin)
    });
    let statuses = join_all(uploads).await;
    let refused: Vec<&Status> =
        statuses.iter().filter(|status| status.code() == Code::ResourceExhausted).collect();
    assert!((5..count).contains(&refused.len()), "{statuses:?}");
    assert_failed(refused[0], Code::ResourceExhausted, "TOO_MANY_CALLS", &[]);
    let others = statuses.iter().filter(|status| status.code() == Code::DeadlineExceeded).count();
    assert_eq!(others + refused.len(), count);
    get_budget(&server).await;
}

/// A record with the longest tags.
fn large(index: usize) -> v1::RecordUsageRequest {
    let tag = |tag: usize| (format!("{tag:0>64}"), "€".repeat(128));
    let attribution = v1::Attribution { tags: (0..16).map(tag).collect(), ..Default::default() };
    let record = record(&format!("r-{index}"), "small");
    v1::RecordUsageRequest { attribution: Some(attribution), ..record }
}

#[tokio::test]
async fn a_page_of_large_entries_is_cut_by_its_bytes() {
    let server = acme().await;
    for batch in 0..4 {
        let records = (0..250).map(|index| large(batch * 250 + index)).collect();
        let request = v1::RecordUsageBatchRequest { records };
        server.usage().record_usage_batch(request).await.unwrap();
    }
    let mut found = 0;
    let mut pages = 0;
    let mut page_token = String::new();
    loop {
        let request = v1::ListUsageRecordsRequest {
            workspace_id: ACME.to_owned(),
            page_size: 1_000,
            page_token,
            ..Default::default()
        };
        // Clients take 4 MiB if nobody has told them otherwise.
        let page = server.usage().list_usage_records(request).await.unwrap().into_inner();
        assert!(page.encoded_len() <= PAGE_BYTES_MAX + 1_000, "{}", page.encoded_len());
        found += page.records.len();
        pages += 1;
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(found, 1_000);
    assert!(pages >= 2, "{pages}");
}

#[tokio::test]
async fn answers_that_are_not_read_end_their_connection_alone() {
    let server = start(Limits { answer_wait: SHORT, ..Limits::default() }).await;
    let records = (0..1_000).map(large).collect();
    let request = v1::RecordUsageBatchRequest { records };
    server.usage().record_usage_batch(request).await.unwrap();
    let other = Endpoint::from_shared(format!("http://{}", server.address)).unwrap();
    let other = other.connect().await.unwrap();
    let request = v1::ListUsageRecordsRequest {
        workspace_id: ACME.to_owned(),
        page_size: 1_000,
        ..Default::default()
    };
    let mut body = beginning(request.encoded_len(), 0);
    request.encode(&mut body).unwrap();
    let body = Begun::body(body, true);
    let response = post(&server, &other, "UsageService/ListUsageRecords", body).await;
    let mut unread = response.into_body();
    tokio::time::sleep(4 * SHORT).await;
    loop {
        let frame = poll_fn(|context| Pin::new(&mut unread).poll_frame(context)).await;
        if frame.expect("the connection was closed before the end").is_err() {
            break;
        }
    }
    get_budget(&server).await;
}

#[tokio::test]
async fn a_stream_of_checks_that_is_not_read_holds_up_itself_alone() {
    const CHECKS: usize = 42_000;
    let server = acme().await;
    let checks = (0..CHECKS).map(|index| {
        let check =
            v1::CheckAndRouteRequest { dry_run: true, ..check(&index.to_string(), "small") };
        v1::CheckAndRouteStreamRequest { check: Some(check) }
    });
    // Each in a frame of its own, as a caller sends them that makes one after the other.
    let checks = tokio_stream::iter(checks).then(async |check| {
        tokio::task::yield_now().await;
        check
    });
    let checks = Box::pin(checks);
    let endpoint = Endpoint::from_shared(format!("http://{}", server.address)).unwrap();
    let channel = endpoint.initial_stream_window_size(65_535).connect().await.unwrap();
    let mut usage = UsageServiceClient::new(channel);
    let mut answers = usage.check_and_route_stream(checks).await.unwrap().into_inner();
    // Other calls on the same connection go on, while nobody reads.
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(6) {
        usage.check_and_route(check("other", "big")).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for index in 0..CHECKS {
        let answer = answers.message().await.unwrap().unwrap();
        assert_eq!(answer.request_id, index.to_string());
        assert!(matches!(answer.result, Some(Answer::Check(_))), "{answer:?}");
    }
    assert!(answers.message().await.unwrap().is_none());
}
