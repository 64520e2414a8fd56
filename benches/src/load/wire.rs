//! gRPC calls over HTTP/2 with as little work as possible. Understands only what the benchmark
//! needs: one message out, one message back, the status.

use bytes::{Bytes, BytesMut};
use h2::client::{ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Request};
use tokio::net::TcpStream;

use crate::messages::PREFIX_LEN;
use crate::{Error, Result};

/// So large that flow control never holds up an answer.
const STREAM_WINDOW: u32 = 4 << 20;
const CONNECTION_WINDOW: u32 = 64 << 20;

/// A method of UsageService.
#[derive(Clone, Copy)]
pub enum Method {
    CheckAndRoute,
    CheckAndRouteStream,
    RecordUsage,
}

/// One HTTP/2 connection; clones share it.
#[derive(Clone)]
pub struct Connection {
    sender: SendRequest<Bytes>,
    check: Request<()>,
    check_stream: Request<()>,
    record: Request<()>,
}

impl Connection {
    pub async fn open(target: &str, token: Option<&str>) -> Result<Connection> {
        let tcp = TcpStream::connect(target).await?;
        tcp.set_nodelay(true)?;
        let (sender, connection) = h2::client::Builder::new()
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .enable_push(false)
            .handshake(tcp)
            .await?;
        tokio::task::spawn_local(connection);
        Ok(Connection {
            sender,
            check: request(target, "CheckAndRoute", token)?,
            check_stream: request(target, "CheckAndRouteStream", token)?,
            record: request(target, "RecordUsage", token)?,
        })
    }

    /// Makes one call and returns the encoded answer.
    ///
    /// # Errors
    /// If the connection fails or the status is not OK.
    pub async fn call(&mut self, method: Method, message: Bytes) -> Result<Bytes> {
        let (answer, mut body) = self.start(method).await?;
        body.send_data(message, true)?;
        read_answer(answer).await
    }

    /// Begins a call whose messages the caller sends and reads.
    pub async fn start(&mut self, method: Method) -> Result<(ResponseFuture, SendStream<Bytes>)> {
        std::future::poll_fn(|cx| self.sender.poll_ready(cx)).await?;
        let request = match method {
            Method::CheckAndRoute => &self.check,
            Method::CheckAndRouteStream => &self.check_stream,
            Method::RecordUsage => &self.record,
        };
        Ok(self.sender.send_request(request.clone(), false)?)
    }
}

/// A request without its message.
pub fn request(target: &str, method: &str, token: Option<&str>) -> Result<Request<()>> {
    let mut request = Request::post(format!("http://{target}/tollgate.v1.UsageService/{method}"))
        .version(http::Version::HTTP_2)
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(())?;
    if let Some(token) = token {
        let authorization = HeaderValue::try_from(format!("Bearer {token}"))?;
        request.headers_mut().insert(AUTHORIZATION, authorization);
    }
    Ok(request)
}

async fn read_answer(answer: ResponseFuture) -> Result<Bytes> {
    let response = answer.await?;
    expect_ok(response.headers())?;
    let mut body = response.into_body();
    let mut message = read_chunk(&mut body).await?.ok_or("an answer without a message")?;
    while let Some(more) = read_chunk(&mut body).await? {
        let mut joined = BytesMut::from(message);
        joined.extend_from_slice(&more);
        message = joined.freeze();
    }
    let trailers = body.trailers().await?.ok_or("an answer without a status")?;
    expect_ok(&trailers)?;
    if message.len() < PREFIX_LEN {
        return Err("an answer without a message".into());
    }
    Ok(message.slice(PREFIX_LEN..))
}

/// Reads some bytes of an answer; none at its end.
pub async fn read_chunk(body: &mut RecvStream) -> Result<Option<Bytes>> {
    let Some(chunk) = body.data().await else {
        return Ok(None);
    };
    let chunk = chunk?;
    body.flow_control().release_capacity(chunk.len())?;
    Ok(Some(chunk))
}

/// Headers of a failed call carry its status, as do the trailers of every call.
pub fn expect_ok(headers: &HeaderMap) -> Result<()> {
    match headers.get("grpc-status") {
        Some(status) if status != "0" => {
            let message = headers.get("grpc-message").and_then(|value| value.to_str().ok());
            let status = status.to_str().unwrap_or("?");
            Err(Error::from(format!("status {status}: {}", message.unwrap_or(""))))
        }
        _ => Ok(()),
    }
}
