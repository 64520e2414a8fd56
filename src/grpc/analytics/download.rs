//! Downloads of exports over HTTP: a browser keeps no file of gigabytes in its memory, and sends no
//! token when it follows a link.
//!
//! A link is signed with a key of this process, is valid for minutes, and stands for one export of
//! one workspace by whoever made it: it ends with their credentials. The process keeps what it
//! stands for; nothing of that is in the link.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use futures_util::StreamExt;
use hmac::{Hmac, KeyInit, Mac};
use http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::{Response, StatusCode};
use http_body::{Body as HttpBody, Frame};
use http_body_util::Full;
use prost::Message;
use sha2::Sha256;
use tonic::body::Body;
use tonic::{Code, Status};

use super::export::Exports;
use super::export_request;
use crate::domain::Time;
use crate::domain::time::{MICROS_PER_MINUTE, Micros};
use crate::engine::{self, Engine};
use crate::grpc::access::Stop;
use crate::grpc::shared::stream::BoxStream;
use crate::proto::v1;

/// What paths of links begin with.
pub const PREFIX: &str = "/exports/";
/// How long a link is valid. What has begun by then goes on.
const LINK_LIFE: Micros = 5 * MICROS_PER_MINUTE;
/// Most links that are valid.
const LINKS_MAX: usize = 1_000;
const KEY_BYTES: usize = 32;
const GONE: &str = "this link is not valid, or no longer: make another\n";

/// Links to exports, and the exports that are under way.
#[derive(Clone)]
pub struct Downloads {
    pub(super) exports: Exports,
    links: Arc<Links>,
}

struct Links {
    key: [u8; KEY_BYTES],
    open: Mutex<HashMap<u128, Link>>,
}

/// What a link stands for.
#[derive(Clone)]
struct Link {
    request: v1::ExportUsageRequest,
    expire_time: Time,
    /// Ends with the credentials of who made it, and with the server.
    stop: Stop,
}

impl Default for Downloads {
    fn default() -> Downloads {
        let links = Links { key: rand::random(), open: Mutex::default() };
        Downloads { exports: Exports::default(), links: Arc::new(links) }
    }
}

impl Downloads {
    /// Makes a link. Returns its path, and when it ends.
    ///
    /// # Errors
    /// If a field of the export is out of its range, or there are too many links.
    pub fn link(
        &self,
        now: Time,
        stop: Stop,
        request: v1::ExportUsageRequest,
    ) -> Result<(String, Time), Status> {
        export_request::export(request.clone())?;
        let (id, expire_time) = (rand::random(), now + LINK_LIFE);
        let link = Link { request, expire_time, stop };
        let token = self.links.token(id, &link);
        let mut open = self.links.lock();
        open.retain(|_, link| link.is_valid(now));
        if open.len() >= LINKS_MAX {
            let bound = "number of links to exports";
            return Err(engine::Error::BoundReached { bound, max: LINKS_MAX as i64 }.into());
        }
        open.insert(id, link);
        Ok((format!("{PREFIX}{token}"), expire_time))
    }

    /// The answer to a GET of a path that begins with [`PREFIX`]; `with_body` is false for HEAD.
    pub async fn answer(&self, engine: Engine, path: &str, with_body: bool) -> Response<Body> {
        let token = path.strip_prefix(PREFIX).unwrap_or_default();
        let Some(link) = self.links.find(token, engine.now()) else {
            return words(StatusCode::NOT_FOUND, GONE);
        };
        match self.begin(engine, link).await {
            Ok((first, rest)) => file(first, with_body.then_some(rest)),
            Err(status) => refused(&status),
        }
    }

    async fn begin(&self, engine: Engine, link: Link) -> Result<(Part, Parts), Status> {
        let mut parts = self.exports.begin(engine, link.stop, link.request).await?;
        // The first one has the name of the file, and tells of what fails at once.
        let first = parts.next().await.transpose()?;
        Ok((first.unwrap_or_default(), parts))
    }
}

type Part = v1::ExportUsageResponse;
type Parts = BoxStream<Part>;

impl Link {
    fn is_valid(&self, now: Time) -> bool {
        now < self.expire_time && !self.stop.is_now()
    }
}

impl Links {
    fn lock(&self) -> MutexGuard<'_, HashMap<u128, Link>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Id and signature: what is signed is the id and everything that it stands for.
    fn token(&self, id: u128, link: &Link) -> String {
        let signature = self.mac(id, link).finalize().into_bytes();
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        format!("{}.{}", encode(&id.to_be_bytes()), encode(&signature))
    }

    fn mac(&self, id: u128, link: &Link) -> Hmac<Sha256> {
        let mac = Hmac::<Sha256>::new_from_slice(&self.key);
        let mut mac = mac.expect("a key may have any length");
        mac.update(&id.to_be_bytes());
        mac.update(&link.expire_time.micros().to_be_bytes());
        mac.update(&link.request.encode_to_vec());
        mac
    }

    /// What a token stands for; none if it is not one of ours, or not valid any more.
    fn find(&self, token: &str, now: Time) -> Option<Link> {
        let (id, signature) = token.split_once('.')?;
        let id = u128::from_be_bytes(URL_SAFE_NO_PAD.decode(id).ok()?.try_into().ok()?);
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let link = self.lock().get(&id)?.clone();
        // In constant time.
        self.mac(id, &link).verify_slice(&signature).ok()?;
        Some(link).filter(|link| link.is_valid(now))
    }
}

/// The file, or its head alone.
fn file(first: Part, rest: Option<Parts>) -> Response<Body> {
    let disposition = format!("attachment; filename=\"{}\"", plain(&first.file_name));
    let media_type = HeaderValue::from_str(&first.media_type);
    let body = match rest {
        Some(rest) => Body::new(FileBody { first: Some(first.data.into()), rest }),
        None => Body::empty(),
    };
    let mut response = protected(Response::new(body));
    let headers = response.headers_mut();
    let octets = HeaderValue::from_static("application/octet-stream");
    headers.insert(CONTENT_TYPE, media_type.unwrap_or(octets));
    let attachment = HeaderValue::from_static("attachment");
    headers.insert(CONTENT_DISPOSITION, disposition.parse().unwrap_or(attachment));
    response
}

/// A name as it can stand in quotes.
fn plain(name: &str) -> String {
    let is_plain = |letter: &char| letter.is_ascii_alphanumeric() || "-_.".contains(*letter);
    name.chars().filter(is_plain).collect()
}

fn refused(status: &Status) -> Response<Body> {
    let code = match status.code() {
        Code::InvalidArgument => StatusCode::BAD_REQUEST,
        Code::Unauthenticated | Code::NotFound => StatusCode::NOT_FOUND,
        Code::FailedPrecondition => StatusCode::CONFLICT,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    words(code, &format!("{}\n", status.message()))
}

fn words(code: StatusCode, text: &str) -> Response<Body> {
    let text = Bytes::copy_from_slice(text.as_bytes());
    let mut response = protected(Response::new(Body::new(Full::new(text))));
    *response.status_mut() = code;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response
}

/// Kept by nobody, and run by nobody as a page.
fn protected(mut response: Response<Body>) -> Response<Body> {
    for (name, value) in [
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// A first part and those that follow, each made when the reader has taken the one before. A
/// failure cuts the answer off: a part of a file is never taken for the whole.
struct FileBody {
    first: Option<Bytes>,
    rest: Parts,
}

impl HttpBody for FileBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if let Some(first) = self.first.take_if(|first| !first.is_empty()) {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        let part = ready!(self.rest.as_mut().poll_next(context));
        Poll::Ready(part.map(|part| part.map(|part| Frame::data(part.data.into()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_end_its_quotes() {
        assert_eq!(plain("acme-2026.csv"), "acme-2026.csv");
        assert_eq!(plain("a\"; filename=\"b\r\nx: y"), "afilenamebxy");
    }
}
