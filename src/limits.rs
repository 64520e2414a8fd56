//! Limits of connections, calls in flight and memory: one table of them, with what a caller sees
//! beyond each. docs/operations.md has the table, and a test compares the two.
//!
//! What a workspace may have (quotas, webhooks, holds and the like) is bounded where it is kept.

use std::time::Duration;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// Connections that are open, in all.
pub const CONNECTIONS_MAX: usize = 10_000;
/// Of them from one address; of IPv6 from one network of 64 bits.
pub const CONNECTIONS_PER_ADDRESS_MAX: usize = 1_000;
/// TLS handshakes at once; others wait.
pub const HANDSHAKES_MAX: usize = 256;
/// How long a TLS handshake may take.
pub const HANDSHAKE_WAIT: Duration = Duration::from_secs(5);
/// How long a connection may take until it has said which HTTP it speaks.
pub const PREFACE_WAIT: Duration = Duration::from_secs(5);
/// How long the headers of a call over HTTP/1.1 may take, from the answer before.
pub const HTTP1_HEADERS_WAIT: Duration = Duration::from_secs(30);
/// How long a connection may be without a call.
pub const CONNECTION_IDLE: Duration = Duration::from_mins(5);
/// How old a connection gets, give or take a tenth; one with calls in flight gets older.
pub const CONNECTION_AGE: Duration = Duration::from_mins(30);
/// Calls in flight on one connection.
pub const STREAMS_PER_CONNECTION_MAX: u32 = 100;
/// Bytes of one call that are received before they are read. As many checks of a stream fit into it
/// as HTTP/2 lets a connection have unread, so that a caller that does not read its answers has to
/// wait, and does not lose its connection.
pub const STREAM_WINDOW_BYTES: u32 = 64 * 1024 - 1;
/// The same of all calls of a connection.
pub const CONNECTION_WINDOW_BYTES: u32 = 2 * 1024 * 1024;
/// Bytes of a call's answers that HTTP/2 takes before they are sent, beyond one message.
pub const SEND_BUFFER_BYTES: usize = 64 * KIB;
/// Bytes of a message that is received.
pub const REQUEST_BYTES_MAX: usize = 4 * MIB;
/// The same of `RecordUsageBatch` and `ImportPrices`: a full batch of records with full attribution
/// fits, and a price list.
pub const LARGE_REQUEST_BYTES_MAX: usize = 16 * MIB;
/// How long the body of a call may take, from when it is waited for.
pub const REQUEST_WAIT: Duration = Duration::from_secs(10);
/// The same of a large request.
pub const LARGE_REQUEST_WAIT: Duration = Duration::from_secs(60);
/// Bytes of a request that no budget counts: nearly all have less.
pub const REQUEST_BYTES_FREE: usize = 64 * KIB;
/// Bytes of requests that are received, of one connection.
pub const UPLOAD_BYTES_PER_CONNECTION_MAX: usize = 32 * MIB;
/// The same of all connections.
pub const UPLOAD_BYTES_MAX: usize = 256 * MIB;
/// Bytes of a page of a list; an entry that is larger is a page of its own.
pub const PAGE_BYTES_MAX: usize = 4 * MIB - 64 * KIB;
/// Bytes of a message that is sent.
pub const RESPONSE_BYTES_MAX: usize = 32 * MIB;
/// Bytes of answers of lists, reports and batches that are not sent yet, of one connection.
pub const ANSWER_BYTES_PER_CONNECTION_MAX: usize = 16 * MIB;
/// The same of all connections.
pub const ANSWER_BYTES_MAX: usize = 256 * MIB;
/// How long a list, report or batch waits for its part of that.
pub const ANSWER_PLACE_WAIT: Duration = Duration::from_secs(10);
/// How long such an answer may take to be read.
pub const ANSWER_WAIT: Duration = Duration::from_secs(60);
/// Reports at once, of one workspace.
pub const REPORTS_PER_WORKSPACE_MAX: usize = 4;
/// The same of all workspaces: some connections to the database are left to other reads.
pub const REPORTS_MAX: usize = 6;
/// Reports of one workspace that wait.
pub const REPORTS_WAITING_MAX: usize = 16;
/// How long they wait.
pub const REPORT_WAIT: Duration = Duration::from_secs(2);
/// Bytes of live holds of one workspace: as many as fit where their requests have no tags.
pub const HOLD_BYTES_PER_WORKSPACE_MAX: usize = 512 * MIB;
/// Distinct values of attributions that one workspace records on one day, of all fields and tags.
pub const DISTINCT_VALUES_PER_DAY_MAX: usize = 100_000;
/// Exports at once: each keeps a bounded part of its file in memory.
pub const EXPORTS_MAX: usize = 8;

/// Entries of the usage log that one call of `ListUsageRecords` with filters looks at.
pub const RECORDS_LOOKED_AT_MAX: usize = 100_000;
/// Longest time between two messages of `WatchWorkspace`.
pub const WATCH_SILENCE_MAX: Duration = Duration::from_secs(15);

/// What of it can be set, or is shorter in tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    pub connections_max: usize,
    pub connections_per_address_max: usize,
    pub connection_idle: Duration,
    pub connection_age: Duration,
    pub reports_per_workspace_max: usize,
    pub hold_bytes_per_workspace_max: usize,
    pub distinct_values_per_day_max: usize,
    pub preface_wait: Duration,
    pub request_wait: Duration,
    pub answer_place_wait: Duration,
    pub answer_wait: Duration,
    pub watch_silence_max: Duration,
    pub records_looked_at_max: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections_max: CONNECTIONS_MAX,
            connections_per_address_max: CONNECTIONS_PER_ADDRESS_MAX,
            connection_idle: CONNECTION_IDLE,
            connection_age: CONNECTION_AGE,
            reports_per_workspace_max: REPORTS_PER_WORKSPACE_MAX,
            hold_bytes_per_workspace_max: HOLD_BYTES_PER_WORKSPACE_MAX,
            distinct_values_per_day_max: DISTINCT_VALUES_PER_DAY_MAX,
            preface_wait: PREFACE_WAIT,
            request_wait: REQUEST_WAIT,
            answer_place_wait: ANSWER_PLACE_WAIT,
            answer_wait: ANSWER_WAIT,
            watch_silence_max: WATCH_SILENCE_MAX,
            records_looked_at_max: RECORDS_LOOKED_AT_MAX,
        }
    }
}

/// A row of the table.
struct Limit {
    what: &'static str,
    value: Value,
    /// The setting that changes it.
    setting: Option<&'static str>,
    /// What a caller sees beyond it.
    beyond: &'static str,
}

enum Value {
    Count(usize),
    Bytes(usize),
    Time(Duration),
}

const fn limit(what: &'static str, value: Value, beyond: &'static str) -> Limit {
    Limit { what, value, setting: None, beyond }
}

impl Limit {
    const fn set_by(self, setting: &'static str) -> Limit {
        Limit { setting: Some(setting), ..self }
    }
}

const REFUSED: &str = "the new connection is closed at once; those that are open go on";
const CLOSED: &str = "the connection is closed";
const GOAWAY: &str = "GOAWAY: the client reconnects with its next call";
const AGE: &str = "the same, once it has no call in flight";
const WAIT: &str = "further ones wait";
const CLIENT: &str = "further ones wait in the client";
const FLOW: &str = "the caller waits (flow control of HTTP/2)";
const ROOM: &str = "lists, reports and batches wait before they begin";
const COUNTED: &str = "it is counted";
const TOO_LONG: &str = "RESOURCE_EXHAUSTED (BOUND_REACHED)";
const LATE: &str = "DEADLINE_EXCEEDED";
const TOO_MANY: &str = "RESOURCE_EXHAUSTED (TOO_MANY_CALLS) with RetryInfo";

use Value::{Bytes, Count, Time};

static LIMITS: [Limit; 34] = [
    limit("connections", Count(CONNECTIONS_MAX), REFUSED).set_by("connections_max"),
    limit("connections of one address", Count(CONNECTIONS_PER_ADDRESS_MAX), REFUSED)
        .set_by("connections_per_address_max"),
    limit("TLS handshakes at once", Count(HANDSHAKES_MAX), WAIT),
    limit("time for a TLS handshake", Time(HANDSHAKE_WAIT), CLOSED),
    limit("time for the first bytes of HTTP", Time(PREFACE_WAIT), CLOSED),
    limit("time for the headers of a call over HTTP/1.1", Time(HTTP1_HEADERS_WAIT), CLOSED),
    limit("idle time of a connection", Time(CONNECTION_IDLE), GOAWAY)
        .set_by("connection_idle_seconds"),
    limit("age of a connection, give or take a tenth", Time(CONNECTION_AGE), AGE)
        .set_by("connection_age_seconds"),
    limit("calls in flight on a connection", Count(STREAMS_PER_CONNECTION_MAX as usize), CLIENT),
    limit("received and not read, of a call", Bytes(STREAM_WINDOW_BYTES as usize), FLOW),
    limit("received and not read, of a connection", Bytes(CONNECTION_WINDOW_BYTES as usize), FLOW),
    limit("written and not sent, of a call, beside a message", Bytes(SEND_BUFFER_BYTES), FLOW),
    limit("a request", Bytes(REQUEST_BYTES_MAX), TOO_LONG),
    limit(
        "a request of `RecordUsageBatch` or `ImportPrices`",
        Bytes(LARGE_REQUEST_BYTES_MAX),
        TOO_LONG,
    ),
    limit("time for the body of a request", Time(REQUEST_WAIT), LATE),
    limit("time for that of `RecordUsageBatch` or `ImportPrices`", Time(LARGE_REQUEST_WAIT), LATE),
    limit("part of a request that the next two do not count", Bytes(REQUEST_BYTES_FREE), COUNTED),
    limit(
        "requests being received, of a connection",
        Bytes(UPLOAD_BYTES_PER_CONNECTION_MAX),
        TOO_MANY,
    ),
    limit("requests being received", Bytes(UPLOAD_BYTES_MAX), TOO_MANY),
    limit("a page of a list", Bytes(PAGE_BYTES_MAX), "a shorter page, with a token of the next"),
    limit("an answer", Bytes(RESPONSE_BYTES_MAX), "an error of the call"),
    limit(
        "answers that are not sent, of a connection",
        Bytes(ANSWER_BYTES_PER_CONNECTION_MAX),
        ROOM,
    ),
    limit("answers that are not sent", Bytes(ANSWER_BYTES_MAX), ROOM),
    limit("time until there is room for an answer", Time(ANSWER_PLACE_WAIT), TOO_MANY),
    limit(
        "time until a list, a report or the answer of a batch is read",
        Time(ANSWER_WAIT),
        CLOSED,
    ),
    limit("reports at once, of a workspace", Count(REPORTS_PER_WORKSPACE_MAX), WAIT)
        .set_by("reports_per_workspace_max"),
    limit("reports at once", Count(REPORTS_MAX), WAIT),
    limit("reports that wait, of a workspace", Count(REPORTS_WAITING_MAX), TOO_MANY),
    limit("time that a report waits", Time(REPORT_WAIT), TOO_MANY),
    limit("exports at once", Count(EXPORTS_MAX), TOO_LONG),
    limit("live holds of a workspace", Bytes(HOLD_BYTES_PER_WORKSPACE_MAX), TOO_LONG)
        .set_by("hold_bytes_per_workspace_max"),
    limit(
        "distinct values of a field of attributions, or of tags, that a workspace records on a day",
        Count(DISTINCT_VALUES_PER_DAY_MAX),
        "new values are recorded as `(other)`, except where a limit counts them",
    )
    .set_by("distinct_values_per_day_max"),
    limit(
        "entries of the log that `ListUsageRecords` with filters looks at",
        Count(RECORDS_LOOKED_AT_MAX),
        "a shorter page, with a token of the next",
    ),
    limit(
        "time between two messages of `WatchWorkspace`",
        Time(WATCH_SILENCE_MAX),
        "a message without changes",
    ),
];

/// The table in Markdown.
pub fn to_markdown() -> String {
    let mut table =
        "| limit | default | setting | beyond it |\n| --- | --- | --- | --- |\n".to_owned();
    for Limit { what, value, setting, beyond } in &LIMITS {
        let setting =
            setting.map_or_else(String::new, |key| format!("`--{}`", key.replace('_', "-")));
        table += &format!("| {what} | {} | {setting} | {beyond} |\n", value.to_text());
    }
    table
}

impl Value {
    fn to_text(&self) -> String {
        match self {
            Count(count) => in_thousands(*count),
            Bytes(bytes) if bytes.is_multiple_of(MIB) => format!("{} MiB", bytes / MIB),
            Bytes(bytes) if bytes.is_multiple_of(KIB) => format!("{} KiB", bytes / KIB),
            Bytes(bytes) => format!("{} bytes", in_thousands(*bytes)),
            Time(time) if time.as_secs().is_multiple_of(60) => {
                format!("{} min", time.as_secs() / 60)
            }
            Time(time) => format!("{} s", time.as_secs()),
        }
    }
}

fn in_thousands(number: usize) -> String {
    match number {
        0..1_000 => number.to_string(),
        _ => format!("{},{:03}", in_thousands(number / 1_000), number % 1_000),
    }
}
