//! The way of every call to the server: a deadline, the token, and retries of what may be repeated.
//!
//! It stands between the stubs and tonic's channel, so that the bare stubs have it too.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body_util::{BodyExt, Full};
use tokio::time::Instant;
use tonic::body::Body;
use tonic::metadata::MetadataMap;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tower_service::Service;

use crate::authorization::Authorization;
use crate::testing::FakeTollgate;

/// Calls that are the same request however often they are sent: their `request_id` makes them so.
const RETRIED: [&str; 4] = [
    "/tollgate.v1.UsageService/CheckAndRoute",
    "/tollgate.v1.UsageService/RecordUsage",
    "/tollgate.v1.UsageService/RecordUsageBatch",
    "/tollgate.v1.UsageService/ReleaseHold",
];
/// Calls that answer for as long as the caller listens, and so have no deadline of their own.
const STREAMED: [&str; 7] = [
    "/tollgate.v1.AlertService/WatchAlerts",
    "/tollgate.v1.AnalyticsService/ExportUsage",
    "/tollgate.v1.AnalyticsService/WatchLiveMetrics",
    "/tollgate.v1.AnalyticsService/WatchWorkspace",
    "/tollgate.v1.BudgetService/WatchSpend",
    "/tollgate.v1.InsightService/SimulatePolicy",
    "/tollgate.v1.UsageService/CheckAndRouteStream",
];
const BACKOFF_MIN: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(1);
const GRPC_TIMEOUT: &str = "grpc-timeout";

/// Where calls go.
#[derive(Clone, Debug)]
pub(crate) enum Route {
    Channel(Channel),
    Fake(FakeTollgate),
}

/// The connection under the stubs of a [`Client`](crate::Client).
///
/// Every call but a stream has the client's deadline, unless the request has its own
/// ([`tonic::Request::set_timeout`]); every call carries the client's token, unless it has its own.
#[derive(Clone, Debug)]
pub struct Transport {
    route: Route,
    timeout: Duration,
    authorization: Option<Authorization>,
    attempts_max: u32,
    interceptors: Interceptors,
}

impl Transport {
    pub(crate) fn new(
        route: Route,
        timeout: Duration,
        authorization: Option<Authorization>,
        attempts_max: u32,
        interceptors: Interceptors,
    ) -> Self {
        Self { route, timeout, authorization, attempts_max, interceptors }
    }
}

type Interceptor = dyn Fn(tonic::Request<()>) -> Result<tonic::Request<()>, Status> + Send + Sync;

/// What each call goes through before it is sent, in order.
#[derive(Clone, Default)]
pub(crate) struct Interceptors(Vec<Arc<Interceptor>>);

impl Interceptors {
    pub(crate) fn push<F>(&mut self, interceptor: F)
    where
        F: Fn(tonic::Request<()>) -> Result<tonic::Request<()>, Status> + Send + Sync + 'static,
    {
        self.0.push(Arc::new(interceptor));
    }

    fn apply(&self, mut request: http::Request<Body>) -> Result<http::Request<Body>, Status> {
        for interceptor in &self.0 {
            let (mut head, body) = request.into_parts();
            let metadata = MetadataMap::from_headers(head.headers);
            let given = tonic::Request::from_parts(metadata, head.extensions, ());
            let (metadata, extensions, ()) = interceptor(given)?.into_parts();
            (head.headers, head.extensions) = (metadata.into_headers(), extensions);
            request = http::Request::from_parts(head, body);
        }
        Ok(request)
    }
}

impl fmt::Debug for Interceptors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Interceptors({})", self.0.len())
    }
}

impl Service<http::Request<Body>> for Transport {
    type Response = http::Response<Body>;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Status>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        // The channel is asked in `call`, where the deadline runs already.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let mut request = match self.interceptors.apply(request) {
            Ok(request) => request,
            Err(status) => return Box::pin(std::future::ready(Err(status))),
        };
        if let Some(authorization) = &self.authorization
            && !request.headers().contains_key(AUTHORIZATION)
        {
            match authorization.header() {
                Ok(header) => request.headers_mut().insert(AUTHORIZATION, header),
                Err(status) => return Box::pin(std::future::ready(Err(status))),
            };
        }
        let mut route = self.route.clone();
        if STREAMED.contains(&request.uri().path()) {
            return Box::pin(async move { send(&mut route, request).await });
        }
        let timeout = given_timeout(request.headers()).unwrap_or(self.timeout);
        let deadline = Instant::now() + timeout;
        let attempts_max = self.attempts_max;
        Box::pin(async move {
            let answer = answer(route, request, deadline, attempts_max);
            match tokio::time::timeout_at(deadline, answer).await {
                Ok(answer) => answer,
                Err(_) => Err(Status::deadline_exceeded(format!("no answer within {timeout:?}"))),
            }
        })
    }
}

/// Asks until there is an answer that another try would not change.
async fn answer(
    mut route: Route,
    request: http::Request<Body>,
    deadline: Instant,
    attempts_max: u32,
) -> Result<http::Response<Body>, Status> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let attempts_max = if RETRIED.contains(&head.uri.path()) { attempts_max } else { 1 };
    let mut backoff = BACKOFF_MIN;
    let mut attempts = 1;
    loop {
        let body = Body::new(Full::new(body.clone()));
        let mut request = http::Request::from_parts(head.clone(), body);
        request.headers_mut().insert(GRPC_TIMEOUT, time_left(deadline));
        let answer = send_whole(&mut route, request).await;
        let wait = backoff.mul_f64(0.5 + fastrand::f64() / 2.0);
        let unavailable = matches!(&answer, Err(status) if status.code() == Code::Unavailable);
        if attempts == attempts_max || !unavailable || Instant::now() + wait >= deadline {
            return answer;
        }
        tokio::time::sleep(wait).await;
        backoff = (backoff * 2).min(BACKOFF_MAX);
        attempts += 1;
    }
}

/// Sends once and reads the answer to its end, so that it comes within the deadline or not at all.
/// An answer that nobody was there is an error here, whoever on the way gave it.
async fn send_whole(
    route: &mut Route,
    request: http::Request<Body>,
) -> Result<http::Response<Body>, Status> {
    let (head, body) = send(route, request).await?.into_parts();
    // A proxy speaks in statuses of HTTP.
    let of_a_proxy =
        [StatusCode::BAD_GATEWAY, StatusCode::SERVICE_UNAVAILABLE, StatusCode::GATEWAY_TIMEOUT];
    if of_a_proxy.contains(&head.status) {
        return Err(Status::unavailable(format!("answered with {}", head.status)));
    }
    let body = body.collect().await.map_err(|error| unreached(&error))?;
    for headers in [Some(&head.headers), body.trailers()].into_iter().flatten() {
        match Status::from_header_map(headers) {
            Some(status) if status.code() == Code::Unavailable => return Err(status),
            _ => {}
        }
    }
    Ok(http::Response::from_parts(head, Body::new(body)))
}

async fn send(
    route: &mut Route,
    request: http::Request<Body>,
) -> Result<http::Response<Body>, Status> {
    let channel = match route {
        Route::Channel(channel) => channel,
        Route::Fake(fake) => return fake.send(request).await,
    };
    std::future::poll_fn(|context| channel.poll_ready(context))
        .await
        .map_err(|error| unreached(&error))?;
    channel.call(request).await.map_err(|error| unreached(&error))
}

/// What the channel itself says is never the server's judgement: it was not reached.
fn unreached(error: &(dyn std::error::Error + 'static)) -> Status {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        if inner.is::<tonic::TimeoutExpired>() {
            return Status::deadline_exceeded("no answer within the deadline");
        }
        let said = inner.to_string();
        if !message.contains(&said) {
            message = format!("{message}: {said}");
        }
        source = inner.source();
    }
    Status::unavailable(message)
}

/// Tells the server how long the caller waits, in whole milliseconds, rounded up.
fn time_left(deadline: Instant) -> HeaderValue {
    let left = deadline.saturating_duration_since(Instant::now());
    // The header has at most eight digits.
    let text = if left < Duration::from_secs(99_999) {
        format!("{}m", left.as_millis() + 1)
    } else {
        format!("{}S", left.as_secs().min(99_999_999))
    };
    HeaderValue::try_from(text).expect("digits and a letter are a header")
}

/// Reads the deadline that the caller gave to a request.
fn given_timeout(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(GRPC_TIMEOUT)?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let count: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(count.saturating_mul(3600))),
        "M" => Some(Duration::from_secs(count.saturating_mul(60))),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The stubs as they are: the two lists above must name what is there.
    const STUBS: &str = include_str!(concat!(env!("OUT_DIR"), "/tollgate.v1.rs"));

    #[test]
    fn the_lists_name_the_calls_of_the_stubs() {
        let mut streamed = Vec::new();
        let mut unary = Vec::new();
        let mut path = "";
        for line in STUBS.lines().map(str::trim) {
            let quoted = line.trim_end_matches(',').trim_matches('"');
            if line.starts_with('"') && quoted.starts_with("/tollgate.v1.") {
                path = quoted;
            } else if line.contains("self.inner.unary(") {
                unary.push(path);
            } else if line.contains("streaming(req, path, codec)") {
                streamed.push(path);
            }
        }
        streamed.sort_unstable();
        assert_eq!(streamed, STREAMED);
        assert!(RETRIED.iter().all(|path| unary.contains(path)), "{unary:?}");
        assert!(unary.len() > 50, "{unary:?}");
    }

    #[test]
    fn a_deadline_is_read_as_it_is_written() {
        for seconds in [1_u64, 90, 1_000_000] {
            let wanted = Duration::from_secs(seconds);
            let mut headers = HeaderMap::new();
            let begin = Instant::now();
            headers.insert(GRPC_TIMEOUT, time_left(begin + wanted));
            let gone = begin.elapsed();
            let read = given_timeout(&headers).unwrap();
            let rounding = Duration::from_secs(1);
            assert!(read <= wanted + rounding && read + gone + rounding >= wanted, "{read:?}");
        }
        for nonsense in ["", "m", "12", "1x", "ä", "-1S"] {
            let mut headers = HeaderMap::new();
            headers.insert(GRPC_TIMEOUT, HeaderValue::from_bytes(nonsense.as_bytes()).unwrap());
            assert_eq!(given_timeout(&headers), None, "{nonsense}");
        }
    }
}
