//! The ids of a call, for the log: those of the caller where it sends them.
//!
//! The request id is the header `x-request-id`, or one that is made when a line is first logged;
//! the trace id is that of the header `traceparent` (W3C Trace Context). Taking them keeps what was
//! sent, and reads nothing of it: only a line of the log does.

use std::cell::OnceCell;
use std::fmt::Write;
use std::future::Future;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::task::futures::TaskLocalFuture;
use tokio::task_local;
use uuid::Uuid;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// Longest request id of a caller that is taken, in bytes.
const REQUEST_ID_BYTES_MAX: usize = 128;
/// Digits of the parts of a `traceparent`: version, trace id, parent id, flags.
const VERSION: usize = 2;
const TRACE_ID: usize = 32;
const PARENT_ID: usize = 16;
const FLAGS: usize = 2;
/// The bit of the flags that says so.
const SAMPLED: u8 = 1;
/// The version that is not allowed.
const NO_VERSION: &str = "ff";

task_local! {
    static CURRENT: CallIds;
}

/// What a `traceparent` says: ids in hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent<'a> {
    pub trace_id: &'a str,
    /// Span of the caller.
    pub parent_id: &'a str,
    /// Whether the caller records its part of the trace.
    pub is_sampled: bool,
}

/// The ids of one call.
#[derive(Clone, Debug, Default)]
pub struct CallIds {
    /// Few callers send any: those of others are moved often, and stay small.
    sent: Option<Box<Sent>>,
    made: OnceCell<Uuid>,
}

#[derive(Clone, Debug)]
struct Sent {
    request_id: Option<HeaderValue>,
    traceparent: Option<HeaderValue>,
}

impl CallIds {
    pub fn of(headers: &HeaderMap) -> CallIds {
        let sent = match (headers.get(REQUEST_ID), headers.get(TRACEPARENT)) {
            (None, None) => None,
            (request_id, traceparent) => Some(Box::new(Sent {
                request_id: request_id.cloned(),
                traceparent: traceparent.cloned(),
            })),
        };
        CallIds { sent, made: OnceCell::new() }
    }

    /// The id of the caller, if it is one of visible ASCII characters.
    pub fn request_id(&self) -> String {
        let given = self.sent.as_ref().and_then(|sent| sent.request_id.as_ref());
        let given = given.map(HeaderValue::as_bytes).unwrap_or_default();
        let is_id = given.iter().all(u8::is_ascii_graphic)
            && (1..=REQUEST_ID_BYTES_MAX).contains(&given.len());
        match is_id {
            true => given.iter().copied().map(char::from).collect(),
            false => self.made.get_or_init(Uuid::now_v7).to_string(),
        }
    }

    /// The trace of the caller.
    pub fn trace_parent(&self) -> Option<TraceParent<'_>> {
        TraceParent::read(self.sent.as_ref()?.traceparent.as_ref()?.to_str().ok()?)
    }

    /// The fields of these ids in JSON, separated by commas, without braces.
    pub fn to_json_fields(&self) -> String {
        let mut fields = format!("\"request_id\":{}", serde_json::Value::from(self.request_id()));
        if let Some(TraceParent { trace_id, .. }) = self.trace_parent() {
            // A string takes everything.
            let _ = write!(fields, ",\"trace_id\":\"{trace_id}\"");
        }
        fields
    }

    /// Runs a future as part of the call.
    pub fn scope<F: Future>(self, future: F) -> TaskLocalFuture<CallIds, F> {
        CURRENT.scope(self, future)
    }

    /// Runs a function as part of the call.
    pub fn sync_scope<T>(self, function: impl FnOnce() -> T) -> T {
        CURRENT.sync_scope(self, function)
    }
}

/// Those of the call that this task works on, if it does.
pub fn with_current<T>(use_it: impl FnOnce(&CallIds) -> T) -> Option<T> {
    CURRENT.try_with(use_it).ok()
}

impl<'a> TraceParent<'a> {
    fn read(traceparent: &'a str) -> Option<TraceParent<'a>> {
        let mut parts = traceparent.split('-');
        let mut part = |digits: usize| {
            let is_hex = |part: &str| part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
            parts.next().filter(|part| part.len() == digits && is_hex(part))
        };
        let version = part(VERSION).filter(|version| *version != NO_VERSION)?;
        let is_set = |id: &&str| id.bytes().any(|digit| digit != b'0');
        let trace_id = part(TRACE_ID).filter(is_set)?;
        let parent_id = part(PARENT_ID).filter(is_set)?;
        let flags = u8::from_str_radix(part(FLAGS)?, 16).ok()?;
        // Later versions may have more parts.
        let is_over = parts.next().is_none();
        let is_sampled = flags & SAMPLED != 0;
        (is_over || version != "00").then_some(TraceParent { trace_id, parent_id, is_sampled })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

    #[test]
    fn a_trace_id_is_read_as_w3c_says() {
        let of = |text: &str| {
            let parent = TraceParent::read(text)?;
            assert_eq!((parent.parent_id, parent.is_sampled), ("b7ad6b7169203331", true));
            Some(parent.trace_id.to_owned())
        };
        for (version, more) in [("00", ""), ("cc", ""), ("cc", "-what-comes-later")] {
            let text = format!("{version}-{TRACE}-b7ad6b7169203331-01{more}");
            assert_eq!(of(&text).as_deref(), Some(TRACE), "{text}");
        }
        let zeros = "0".repeat(32);
        for text in [
            String::new(),
            TRACE.to_owned(),
            format!("ff-{TRACE}-b7ad6b7169203331-01"),
            format!("00-{TRACE}-b7ad6b7169203331-01-more"),
            format!("00-{zeros}-b7ad6b7169203331-01"),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("00-{}-b7ad6b7169203331-01", TRACE.to_uppercase()),
            format!("00-{TRACE}-b7ad6b716920333-01"),
            format!("00-{TRACE}-b7ad6b7169203331"),
        ] {
            assert_eq!(of(&text), None, "{text}");
        }
    }

    #[test]
    fn a_request_id_is_that_of_the_caller_or_stays_the_one_that_was_made() {
        let ids = |value: &[u8]| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_bytes(value).unwrap());
            CallIds::of(&headers)
        };
        assert_eq!(ids(b"a\"b").request_id(), "a\"b");
        assert_eq!(ids(b"a\"b").to_json_fields(), r#""request_id":"a\"b""#);
        for value in [&b""[..], b"a b", "\u{202e}".as_bytes(), &[b'x'; 129]] {
            let ids = ids(value);
            assert!(Uuid::parse_str(&ids.request_id()).is_ok(), "{value:?}");
            assert_eq!(ids.request_id(), ids.request_id());
        }
    }
}
