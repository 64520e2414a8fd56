//! The port that a server is watched by: `/metrics` in the text format of Prometheus, `/livez` and
//! `/readyz` for probes. Plain HTTP/1.1 without credentials; it tells no names and no ids.
//!
//! Alive is a process that answers. Ready is a server that decides and records. Neither asks
//! storage for anything, so that an outage of it can be watched.

use std::convert::Infallible;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::encoding::prometheus_text;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

/// Most connections at once; further ones wait to be accepted.
pub const CONNECTIONS_MAX: usize = 16;
/// How long a connection may last; each takes one request.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest head of a request, in bytes.
const HEAD_BYTES_MAX: usize = 16 * 1_024;
/// How long to wait where the system accepts nothing, for example without free descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
const PLAIN: &str = "text/plain; charset=utf-8";

/// What a port is asked about. Both are called beside the runtime, and may block for a moment.
pub trait Watched: Send + Sync + 'static {
    fn is_ready(&self) -> bool;

    /// Sets the gauges that are read when they are asked for.
    fn refresh(&self);
}

/// What a server tells of itself; nothing before it has started.
#[derive(Clone, Default)]
pub struct Monitor(Arc<OnceLock<Box<dyn Watched>>>);

impl Monitor {
    /// The server has started. Only the first one is watched.
    pub fn watch(&self, watched: impl Watched) {
        drop(self.0.set(Box::new(watched)));
    }

    fn is_ready(&self) -> bool {
        self.0.get().is_some_and(|watched| watched.is_ready())
    }

    fn render(&self) -> Option<String> {
        if let Some(watched) = self.0.get() {
            watched.refresh();
        }
        super::render().ok()
    }
}

/// Answers on a port for as long as it is polled.
pub async fn serve(listener: TcpListener, monitor: Monitor) {
    super::process::started();
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                warn!(%error, "no connection is accepted on metrics_listen");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let monitor = monitor.clone();
        tokio::spawn(async move {
            let _place = place;
            match timeout(CONNECTION_TIMEOUT, converse(stream, monitor)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => debug!(%error, "a connection to metrics_listen failed"),
                Err(_) => debug!("a connection to metrics_listen took too long"),
            }
        });
    }
}

async fn converse(stream: TcpStream, monitor: Monitor) -> hyper::Result<()> {
    let service = service_fn(move |request: Request<Incoming>| {
        let monitor = monitor.clone();
        async move {
            let answered = answer(request.method(), request.uri().path(), monitor).await;
            Ok::<_, Infallible>(answered)
        }
    });
    http1::Builder::new()
        .keep_alive(false)
        .max_buf_size(HEAD_BYTES_MAX)
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service)
        .await
}

async fn answer(method: &Method, path: &str, monitor: Monitor) -> Response<String> {
    let is_known = matches!(path, "/metrics" | "/livez" | "/readyz");
    if is_known && *method != Method::GET && *method != Method::HEAD {
        let mut refused = plain(StatusCode::METHOD_NOT_ALLOWED, "expected GET\n");
        refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    match path {
        "/livez" => plain(StatusCode::OK, "ok\n"),
        "/readyz" if monitor.is_ready() => plain(StatusCode::OK, "ok\n"),
        "/readyz" => plain(StatusCode::SERVICE_UNAVAILABLE, "not serving\n"),
        "/metrics" => {
            // It takes the locks of all ledgers in turn.
            let text = tokio::task::spawn_blocking(move || monitor.render()).await;
            match text.ok().flatten() {
                Some(text) => response(StatusCode::OK, prometheus_text::CONTENT_TYPE, text),
                None => plain(StatusCode::INTERNAL_SERVER_ERROR, "see the log\n"),
            }
        }
        _ => plain(StatusCode::NOT_FOUND, "expected /metrics, /livez or /readyz\n"),
    }
}

fn plain(status: StatusCode, text: &str) -> Response<String> {
    response(status, PLAIN, text.to_owned())
}

fn response(status: StatusCode, content_type: &'static str, body: String) -> Response<String> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Server {
        is_ready: bool,
    }

    impl Watched for Server {
        fn is_ready(&self) -> bool {
            self.is_ready
        }

        fn refresh(&self) {}
    }

    async fn status(method: Method, path: &str, monitor: &Monitor) -> u16 {
        answer(&method, path, monitor.clone()).await.status().as_u16()
    }

    #[tokio::test]
    async fn a_server_that_does_not_serve_is_alive_and_not_ready() {
        let (unborn, waiting, serving) = Default::default();
        Monitor::watch(&waiting, Server { is_ready: false });
        Monitor::watch(&serving, Server { is_ready: true });
        for (monitor, ready) in [(&unborn, 503), (&waiting, 503), (&serving, 200)] {
            assert_eq!(status(Method::GET, "/livez", monitor).await, 200);
            assert_eq!(status(Method::GET, "/readyz", monitor).await, ready);
            assert_eq!(status(Method::GET, "/metrics", monitor).await, 200);
            assert_eq!(status(Method::HEAD, "/metrics", monitor).await, 200);
            assert_eq!(status(Method::POST, "/metrics", monitor).await, 405);
            assert_eq!(status(Method::GET, "/", monitor).await, 404);
        }
    }
}
