//! Requests that cannot be read: bytes that are no message, a message that is too long, a body that
//! ends within one. The caller's fault, in every method, with credentials and without.

use http::Request;
use tokio_stream::StreamExt;
use tollgate::limits::{LARGE_REQUEST_BYTES_MAX, REQUEST_BYTES_MAX};
use tollgate::proto::v1;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::ServiceExt;

use crate::access::Guarded;
use crate::access::raw::methods;
use crate::fixtures::{acme, assert_failed, check};
use crate::server::Server;

/// A field that ends within its number.
const MALFORMED: &[u8] = b"\xff";
const CHECK: &str = "/tollgate.v1.UsageService/CheckAndRoute";

fn assert_malformed(path: &str, status: &Status) {
    assert_eq!(status.code(), Code::InvalidArgument, "{path}: {status:?}");
    assert_failed(status, Code::InvalidArgument, "INVALID_FIELD", &[]);
    let expected = "the message is not one of this method: it cannot be read as protobuf";
    assert_eq!(status.message(), expected, "{path}");
}

/// Most bytes of a request.
fn bytes_max(path: &str) -> usize {
    let is_large = path.ends_with("/RecordUsageBatch") || path.ends_with("/ImportPrices");
    if is_large { LARGE_REQUEST_BYTES_MAX } else { REQUEST_BYTES_MAX }
}

fn assert_too_long(path: &str, status: &Status) {
    assert_eq!(status.code(), Code::ResourceExhausted, "{path}: {status:?}");
    let value = bytes_max(path).to_string();
    let metadata = [("bound", "bytes of a message"), ("value", value.as_str())];
    assert_failed(status, Code::ResourceExhausted, "BOUND_REACHED", &metadata);
}

#[tokio::test]
async fn bytes_that_are_no_message_are_refused_by_every_method() {
    let open = Server::start().await;
    for method in methods() {
        let status = method.call(&open.channel, &[], MALFORMED.to_vec()).await.unwrap_err();
        assert_malformed(&method.path, &status);
    }
    let guarded = Guarded::start().await;
    let operator = format!("Bearer {}", guarded.operator);
    for method in methods() {
        let called = method.call(&guarded.server.channel, &[&operator], MALFORMED.to_vec()).await;
        assert_malformed(&method.path, &called.unwrap_err());
        let called = method.call(&guarded.server.channel, &[], MALFORMED.to_vec()).await;
        // Nobody without credentials learns more than that.
        let code = called.unwrap_err().code();
        let is_refused = [Code::Unauthenticated, Code::ResourceExhausted].contains(&code);
        assert!(is_refused, "{}: {code:?}", method.path);
    }
}

#[tokio::test]
async fn a_message_that_is_too_long_is_refused_by_every_method() {
    let server = Server::start().await;
    for method in methods() {
        let body = vec![0; bytes_max(&method.path) + 1];
        assert_too_long(&method.path, &method.call(&server.channel, &[], body).await.unwrap_err());
    }
    let guarded = Guarded::start().await;
    let operator = format!("Bearer {}", guarded.operator);
    let method = methods().into_iter().find(|method| method.path == CHECK).unwrap();
    let called =
        method.call(&guarded.server.channel, &[&operator], vec![0; REQUEST_BYTES_MAX + 1]).await;
    assert_too_long(CHECK, &called.unwrap_err());
}

#[tokio::test]
async fn a_stream_ends_with_what_was_wrong_with_its_message() {
    let server = acme().await;
    let stream = |second: v1::CheckAndRouteRequest| {
        let requests = [check("r-1", "big"), second];
        let requests = requests.map(|check| v1::CheckAndRouteStreamRequest { check: Some(check) });
        let mut usage = server.usage();
        async move {
            let answer = usage.check_and_route_stream(tokio_stream::iter(requests)).await;
            answer.unwrap().into_inner().collect::<Vec<_>>().await
        }
    };
    let long =
        v1::CheckAndRouteRequest { model_id: "m".repeat(REQUEST_BYTES_MAX), ..check("r-2", "big") };
    let mut answers = stream(long).await;
    assert_too_long("stream", &answers.pop().unwrap().unwrap_err());
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(answers[0].as_ref().unwrap().request_id, "r-1");
}

/// The status of a call with this body.
async fn post(server: &Server, content_type: &str, body: &str) -> Status {
    let request = Request::post(format!("http://{}{CHECK}", server.address))
        .header("content-type", content_type)
        .body(Body::new(body.to_owned()))
        .unwrap();
    let response = server.channel.clone().oneshot(request).await.unwrap();
    Status::from_header_map(response.headers()).unwrap()
}

#[tokio::test]
async fn a_body_that_ends_within_a_message_is_refused() {
    let server = Server::start().await;
    for body in ["", "\0", "\0\0\0\0\u{5}", "\0\0\0\0\u{5}\u{1}"] {
        assert_malformed(body, &post(&server, "application/grpc", body).await);
        assert_malformed(body, &post(&server, "application/grpc+proto", body).await);
    }
    // The same length as a message that is too long.
    let status = post(&server, "application/grpc", "\0\u{7f}\u{7f}\u{7f}\u{7f}").await;
    assert_too_long(CHECK, &status);
}
