//! The admin panel: the files of `clients/panel/dist`, compiled in, for GET and HEAD.
//!
//! They are kept compressed, and decompressed for the few who cannot read that. What is neither a
//! file nor an address of the page is not found, so that no mistake looks like a page.

use std::io::Read;

use bytes::Bytes;
use flate2::read::GzDecoder;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, HeaderName, HeaderValue, IF_NONE_MATCH, REFERRER_POLICY, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::Full;
use tonic::body::Body;

/// One file of the panel.
struct File {
    /// As it is asked for.
    path: &'static str,
    media_type: &'static str,
    etag: &'static str,
    gzip: &'static [u8],
}

// `build.rs` writes `FILES`, sorted by path.
include!(concat!(env!("OUT_DIR"), "/panel_files.rs"));

const INDEX: &str = "/index.html";
/// Names of what is in here have a hash of the content.
const HASHED: &str = "/assets/";
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// Kept, and asked for again with its etag.
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");
const PLAIN_TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'",
);
const PROTECTION: [(HeaderName, HeaderValue); 4] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

/// Whether a request is one that a browser makes for a page, and no call.
pub fn is_asked<B>(request: &Request<B>) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD)
}

/// The answer to a request that [`is_asked`].
pub fn answer<B>(request: &Request<B>) -> Response<Body> {
    let (path, headers) = (request.uri().path(), request.headers());
    let mut response = match find(path) {
        Some(file) => serve(file, headers),
        None => refuse(StatusCode::NOT_FOUND, "not found\n"),
    };
    if *request.method() == Method::HEAD {
        *response.body_mut() = Body::empty();
    }
    response
}

/// A short answer in words.
pub fn refuse(status: StatusCode, text: &str) -> Response<Body> {
    let mut response = with_body(Bytes::copy_from_slice(text.as_bytes()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, PLAIN_TEXT);
    response.headers_mut().insert(CACHE_CONTROL, NO_CACHE);
    response
}

/// A file by its path, or the page for one of its own addresses: those have no dot.
fn find(path: &str) -> Option<&'static File> {
    let path = if path.contains('.') { path } else { INDEX };
    let index = FILES.binary_search_by_key(&path, |file| file.path).ok()?;
    Some(&FILES[index])
}

fn serve(file: &'static File, asked: &HeaderMap) -> Response<Body> {
    let is_known = asked.get(IF_NONE_MATCH).is_some_and(|value| names(value, file.etag));
    let takes_gzip = asked.get_all(ACCEPT_ENCODING).iter().any(accepts_gzip);
    let body = match (is_known, takes_gzip) {
        (true, _) => Bytes::new(),
        (false, true) => Bytes::from_static(file.gzip),
        (false, false) => decompressed(file),
    };
    let mut response = with_body(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(file.media_type));
    headers.insert(ETAG, HeaderValue::from_static(file.etag));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    let is_hashed = file.path.starts_with(HASHED);
    headers.insert(CACHE_CONTROL, if is_hashed { FOR_EVER } else { NO_CACHE });
    if takes_gzip && !is_known {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    if is_known {
        headers.remove(CONTENT_LENGTH);
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    response
}

fn with_body(body: Bytes) -> Response<Body> {
    let length = HeaderValue::from(body.len());
    let mut response = Response::new(Body::new(Full::new(body)));
    response.headers_mut().extend(PROTECTION);
    response.headers_mut().insert(CONTENT_LENGTH, length);
    response
}

fn decompressed(file: &File) -> Bytes {
    let mut bytes = Vec::new();
    let read = GzDecoder::new(file.gzip).read_to_end(&mut bytes);
    read.expect("the build has compressed it");
    Bytes::from(bytes)
}

/// Whether a list of etags has this one, also as a weak one.
fn names(list: &HeaderValue, etag: &str) -> bool {
    let mut tags = list.to_str().unwrap_or_default().split(',').map(str::trim);
    tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

fn accepts_gzip(list: &HeaderValue) -> bool {
    list.to_str().unwrap_or_default().split(',').any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let is_it = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let is_refused = |weight: &str| weight.parse() == Ok(0.0_f32);
        is_it && !parts.any(|part| part.strip_prefix("q=").is_some_and(is_refused))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_page_are_answered_with_it() {
        for path in ["/", "/w/acme/limits", "/w/acme", "/index.html", "/anything"] {
            assert_eq!(find(path).map(|file| file.path), Some(INDEX), "{path}");
        }
        let missing = ["/nope.js", "/assets/nope.css", "/tollgate.v1.X/Y", "/..", "/.env"];
        for path in missing {
            assert!(find(path).is_none(), "{path}");
        }
    }

    #[test]
    fn codings_are_chosen_by_their_weights() {
        for (list, accepted) in [
            ("gzip", true),
            ("br, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("gzip; q=0.000", false),
            ("identity", false),
            ("x-gzip", false),
            ("", false),
        ] {
            assert_eq!(accepts_gzip(&HeaderValue::from_static(list)), accepted, "{list:?}");
        }
    }

    #[test]
    fn etags_are_compared_weakly() {
        let names = |list| names(&HeaderValue::from_static(list), "\"a\"");
        assert!(names("\"a\"") && names("\"b\", W/\"a\"") && names("*"));
        assert!(!names("\"b\"") && !names("a"));
    }
}
