//! What can go wrong: [`GuardError`] around an LLM call, [`ConnectError`] when a client is made.

use std::convert::Infallible;
use std::fmt;
use std::time::{Duration, SystemTime};

use prost::Message as _;
use tonic::{Code, Status};

use crate::money::Money;
use crate::names::OpenEnum;
use crate::v1;

/// Whose reasons are those of [`v1::ErrorReason`].
const ERROR_DOMAIN: &str = "tollgate";
const ERROR_INFO: &str = "google.rpc.ErrorInfo";

/// What a guard ends with instead of a value.
///
/// `E` is the error of the block, whatever type it has.
#[derive(Debug)]
pub enum GuardError<E = Infallible> {
    /// A limit is in the way; the block did not run.
    Blocked(Box<Blocked>),
    /// Tollgate did not answer: the policy is `Closed` and the block did not run, or `wait` was
    /// asked for, and the record is queued now instead of durable. The status is that of the last
    /// try.
    Unavailable(Status),
    /// Tollgate refused the request under both policies, because it is wrong: an unknown
    /// workspace, a missing token. With `wait` also what is wrong with a record.
    Rpc(Status),
    /// The block's own error, unchanged.
    Block(E),
}

impl GuardError {
    /// Makes it the error of a guard around a block that can fail.
    #[must_use]
    pub fn widen<E>(self) -> GuardError<E> {
        match self {
            Self::Blocked(blocked) => GuardError::Blocked(blocked),
            Self::Unavailable(status) => GuardError::Unavailable(status),
            Self::Rpc(status) => GuardError::Rpc(status),
            Self::Block(never) => match never {},
        }
    }
}

impl<E: fmt::Display> fmt::Display for GuardError<E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blocked(blocked) => blocked.fmt(formatter),
            Self::Unavailable(status) => {
                write!(formatter, "tollgate does not answer: {}", status.message())
            }
            Self::Rpc(status) => {
                write!(formatter, "tollgate refuses: {:?}: {}", status.code(), status.message())
            }
            Self::Block(error) => error.fmt(formatter),
        }
    }
}

// Only shown and not chained, so that `E` may be `anyhow::Error` or `Box<dyn Error>` as well.
impl<E: fmt::Debug + fmt::Display> std::error::Error for GuardError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Blocked(blocked) => Some(&**blocked),
            Self::Unavailable(status) | Self::Rpc(status) => Some(status),
            Self::Block(_) => None,
        }
    }
}

/// The request may not run. Answer your own caller with it; do not call the model.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub struct Blocked {
    /// Names the request.
    pub request_id: String,
    /// Why, for example [`Reason::RateLimited`](v1::Reason::RateLimited).
    pub reason: OpenEnum<v1::Reason>,
    /// Everything that was in the way, with its figures.
    pub verdicts: Vec<Verdict>,
    /// How long to wait before a retry can pass; absent where no wait helps.
    pub retry_after: Option<Duration>,
}

impl Blocked {
    pub(crate) fn new(answer: v1::CheckAndRouteResponse) -> Self {
        Self {
            request_id: answer.request_id,
            reason: OpenEnum::new(answer.reason),
            verdicts: answer.verdicts.into_iter().map(Verdict::from).collect(),
            retry_after: answer.retry_after.and_then(|span| span.try_into().ok()),
        }
    }
}

impl fmt::Display for Blocked {
    /// Names the limits with their figures, and when to try again.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("blocked: ")?;
        let mut said = 0;
        for verdict in self.verdicts.iter().filter(|verdict| verdict.blocking) {
            write!(formatter, "{}{verdict}", if said > 0 { "; " } else { "" })?;
            said += 1;
        }
        if said == 0 {
            write!(formatter, "{}", self.reason)?;
        }
        match self.retry_after {
            Some(wait) => write!(formatter, "; retry after {} s", wait.as_secs_f64()),
            None => Ok(()),
        }
    }
}

/// What one limit, or one rule about a model or a key, said to a request.
///
/// Amounts are in `limit` to `need` for limits of money, in the
/// counts for others.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Verdict {
    /// Why it spoke.
    pub reason: OpenEnum<v1::Reason>,
    /// Whether this kept the request from running on the model it is about.
    pub blocking: bool,
    /// Kind of the limit; unspecified for a rule.
    pub limit_kind: OpenEnum<v1::LimitKind>,
    /// What the limit counts.
    pub unit: OpenEnum<v1::LimitUnit>,
    /// Whose limit it is: the kind.
    pub subject_type: OpenEnum<v1::SubjectType>,
    /// Whose limit it is: the id.
    pub subject_id: String,
    /// The only model that it counts; empty for all.
    pub model: String,
    /// Over which span it counts.
    pub period: OpenEnum<v1::LimitPeriod>,
    /// What it does when it is reached.
    pub enforcement: OpenEnum<v1::Enforcement>,
    /// Id of the quota or rate limit; empty for others.
    pub limit_id: String,
    /// The limit with its boosts.
    pub limit: Option<Money>,
    /// Spent in the running window.
    pub spent: Option<Money>,
    /// Held by requests in flight.
    pub held: Option<Money>,
    /// What this request would need.
    pub need: Option<Money>,
    /// The limit's count with its boosts.
    pub limit_count: i64,
    /// Used in the running window.
    pub spent_count: i64,
    /// Held by requests in flight.
    pub held_count: i64,
    /// What this request would need.
    pub need_count: i64,
    /// When the limit begins anew.
    pub reset_time: Option<SystemTime>,
    /// How long until this limit alone would let the request pass.
    pub retry_after: Option<Duration>,
    /// The highest threshold that the request crosses, in percent; 0 if none.
    pub threshold_percent: i32,
}

impl From<v1::Verdict> for Verdict {
    fn from(verdict: v1::Verdict) -> Self {
        // The server sends no amount that is none.
        let money = |money: Option<v1::Money>| money.and_then(|money| (&money).try_into().ok());
        let subject = verdict.subject.unwrap_or_default();
        Self {
            reason: OpenEnum::new(verdict.reason),
            blocking: verdict.blocking,
            limit_kind: OpenEnum::new(verdict.limit_kind),
            unit: OpenEnum::new(verdict.unit),
            subject_type: OpenEnum::new(subject.r#type),
            subject_id: subject.id,
            model: verdict.model_id,
            period: OpenEnum::new(verdict.period),
            enforcement: OpenEnum::new(verdict.enforcement),
            limit_id: verdict.limit_id,
            limit: money(verdict.limit),
            spent: money(verdict.spent),
            held: money(verdict.held),
            need: money(verdict.need),
            limit_count: verdict.limit_count,
            spent_count: verdict.spent_count,
            held_count: verdict.held_count,
            need_count: verdict.need_count,
            reset_time: verdict.reset_time.and_then(|time| time.try_into().ok()),
            retry_after: verdict.retry_after.and_then(|span| span.try_into().ok()),
            threshold_percent: verdict.threshold_percent,
        }
    }
}

impl fmt::Display for Verdict {
    /// Names the limit and its figures, for a person.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lower = |name: &str| name.to_lowercase().replace('_', " ");
        let kind = self.limit_kind.name();
        write!(formatter, "{} of", lower(if kind.is_empty() { "RULE" } else { &kind }))?;
        for word in [&lower(&self.subject_type.name()), &self.subject_id, &self.limit_id] {
            if !word.is_empty() {
                write!(formatter, " {word}")?;
            }
        }
        write!(formatter, ": {}", self.reason)?;
        if let Some(limit) = &self.limit {
            write!(formatter, " (limit {limit}")?;
            for (what, money) in
                [("spent", &self.spent), ("held", &self.held), ("need", &self.need)]
            {
                if let Some(money) = money {
                    write!(formatter, ", {what} {}", money.amount)?;
                }
            }
            formatter.write_str(")")?;
        } else if self.limit_count > 0 {
            let (spent, held, need) = (self.spent_count, self.held_count, self.need_count);
            let unit = lower(&self.unit.name());
            let limit = self.limit_count;
            write!(formatter, " (limit {limit}, spent {spent}, held {held}, need {need} {unit})")?;
        }
        match self.reset_time {
            Some(time) => write!(formatter, ", resets {}", prost_types::Timestamp::from(time)),
            None => Ok(()),
        }
    }
}

/// Why a client cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// A token would be sent where others can read it.
    #[error("a token is not sent to {0} without TLS: set tls")]
    TokenWithoutTls(String),
    /// The token has characters that a header cannot carry.
    #[error("the token is not one that a header can carry")]
    Token,
    /// The address is none. It is not shown, as there may be a password in it.
    #[error("the address cannot be dialled: {0}")]
    Address(String),
    /// The roots cannot be read, or the system has none.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
    /// The queue has no room for anything.
    #[error("queue_max is at least 1")]
    QueueMax,
    /// There would be no attempt at all, or too many.
    #[error("max_attempts is 1 to 5")]
    MaxAttempts,
    /// The break duration is too long.
    #[error("break_duration is at most a minute")]
    BreakDuration,
    /// The queue file cannot be used, or another client uses it.
    #[error("cannot use the queue file {}: {cause}", path.display())]
    QueueFile {
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong with it; [`std::io::ErrorKind::WouldBlock`] if another client has it.
        cause: std::io::Error,
    },
    /// A client sends in the background and needs Tokio for it.
    #[error("a client is made within a Tokio runtime")]
    NoRuntime,
}

/// Whether nobody has judged the request yet.
pub(crate) fn is_unreached(code: Code) -> bool {
    matches!(code, Code::Unavailable | Code::DeadlineExceeded)
}

/// Whether the answer of a call is about who asks, not about what is asked: once the token is
/// renewed, or known, the same call is taken. The third code says that too many such calls came
/// before.
pub(crate) fn is_unauthorized(code: Code) -> bool {
    matches!(code, Code::Unauthenticated | Code::PermissionDenied | Code::ResourceExhausted)
}

/// The reason that the server says in an error, such as `WorkspaceNotFound`; nothing if it is none of
/// the server's, or newer than this crate.
#[must_use]
pub fn error_reason(status: &Status) -> Option<v1::ErrorReason> {
    let said = RpcStatus::decode(status.details()).ok()?;
    let infos = said.details.iter().filter(|detail| detail.type_url.ends_with(ERROR_INFO));
    let infos = infos.filter_map(|detail| ErrorInfo::decode(&*detail.value).ok());
    let info = infos.into_iter().find(|info| info.domain == ERROR_DOMAIN)?;
    v1::ErrorReason::from_str_name(&info.reason)
}

impl<E> GuardError<E> {
    /// The reason that the server says, as [`error_reason`] of the status, if it is an error of gRPC.
    #[must_use]
    pub fn error_reason(&self) -> Option<v1::ErrorReason> {
        match self {
            Self::Unavailable(status) | Self::Rpc(status) => error_reason(status),
            Self::Blocked(_) | Self::Block(_) => None,
        }
    }
}

/// What we read of `google.rpc.Status`.
#[derive(Clone, PartialEq, prost::Message)]
struct RpcStatus {
    #[prost(message, repeated, tag = "3")]
    details: Vec<prost_types::Any>,
}

/// What we read of `google.rpc.ErrorInfo`.
#[derive(Clone, PartialEq, prost::Message)]
struct ErrorInfo {
    #[prost(string, tag = "1")]
    reason: String,
    #[prost(string, tag = "2")]
    domain: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_of_others_and_newer_ones_are_none() {
        let of = |domain: &str, reason: &str| {
            let info = ErrorInfo { domain: domain.into(), reason: reason.into() };
            let url = |name| format!("type.googleapis.com/{name}");
            let other = prost_types::Any { type_url: url("google.rpc.RetryInfo"), value: vec![] };
            let info = prost_types::Any { type_url: url(ERROR_INFO), value: info.encode_to_vec() };
            let said = RpcStatus { details: vec![other, info] }.encode_to_vec();
            error_reason(&Status::with_details(Code::NotFound, "no", said.into()))
        };
        let found = Some(v1::ErrorReason::ModelNotFound);
        assert_eq!(of("tollgate", "ERROR_REASON_MODEL_NOT_FOUND"), found);
        assert_eq!(of("other", "ERROR_REASON_MODEL_NOT_FOUND"), None);
        assert_eq!(of("tollgate", "ERROR_REASON_NEW"), None);
        assert_eq!(error_reason(&Status::not_found("no details")), None);
        assert_eq!(GuardError::<()>::Rpc(Status::not_found("no")).error_reason(), None);
    }

    #[test]
    fn any_error_of_a_block_will_do() {
        fn boxed() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
            Err(GuardError::Block(Box::<dyn std::error::Error + Send + Sync>::from("broken")))?
        }
        assert_eq!(boxed().unwrap_err().to_string(), "broken");
    }
}
