//! What can go wrong: [`GuardError`] around an LLM call, [`ConnectError`] when a client is made.

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;
use std::time::{Duration, SystemTime};

use tonic::{Code, Status};

use crate::money::Money;
use crate::v1;

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
    /// Why, for example `RATE_LIMITED`: a name of [`v1::Reason`] without its prefix.
    pub reason: Cow<'static, str>,
    /// Everything that was in the way, with its figures.
    pub verdicts: Vec<Verdict>,
    /// How long to wait before a retry can pass; absent where no wait helps.
    pub retry_after: Option<Duration>,
}

impl Blocked {
    pub(crate) fn new(answer: v1::CheckAndRouteResponse) -> Self {
        Self {
            request_id: answer.request_id,
            reason: reason_name(answer.reason),
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
            formatter.write_str(&self.reason)?;
        }
        match self.retry_after {
            Some(wait) => write!(formatter, "; retry after {} s", wait.as_secs_f64()),
            None => Ok(()),
        }
    }
}

/// What one limit, or one rule about a model or a key, said to a request.
///
/// Names are those of the protos without their prefix, empty for unspecified, the number for one
/// that is newer than this crate. Amounts are in `limit` to `need` for limits of money, in the
/// counts for others.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Verdict {
    /// Why it spoke: a name of [`v1::Reason`].
    pub reason: Cow<'static, str>,
    /// Whether this kept the request from running on the model it is about.
    pub blocking: bool,
    /// A name of [`v1::LimitKind`]; empty for a rule.
    pub limit_kind: Cow<'static, str>,
    /// What the limit counts: a name of [`v1::LimitUnit`].
    pub unit: Cow<'static, str>,
    /// Whose limit it is: a name of [`v1::SubjectType`].
    pub subject_type: Cow<'static, str>,
    /// Whose limit it is: the id.
    pub subject_id: String,
    /// The only model that it counts; empty for all.
    pub model: String,
    /// Over which span it counts: a name of [`v1::LimitPeriod`].
    pub period: Cow<'static, str>,
    /// What it does when it is reached: a name of [`v1::Enforcement`].
    pub enforcement: Cow<'static, str>,
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
            reason: reason_name(verdict.reason),
            blocking: verdict.blocking,
            limit_kind: enum_name(
                v1::LimitKind::try_from(verdict.limit_kind).map(|kind| kind.as_str_name()),
                "LIMIT_KIND_",
                verdict.limit_kind,
            ),
            unit: enum_name(
                v1::LimitUnit::try_from(verdict.unit).map(|unit| unit.as_str_name()),
                "LIMIT_UNIT_",
                verdict.unit,
            ),
            subject_type: enum_name(
                v1::SubjectType::try_from(subject.r#type).map(|kind| kind.as_str_name()),
                "SUBJECT_TYPE_",
                subject.r#type,
            ),
            subject_id: subject.id,
            model: verdict.model_id,
            period: enum_name(
                v1::LimitPeriod::try_from(verdict.period).map(|period| period.as_str_name()),
                "LIMIT_PERIOD_",
                verdict.period,
            ),
            enforcement: enum_name(
                v1::Enforcement::try_from(verdict.enforcement).map(|does| does.as_str_name()),
                "ENFORCEMENT_",
                verdict.enforcement,
            ),
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
        let kind = if self.limit_kind.is_empty() { "RULE" } else { &self.limit_kind };
        write!(formatter, "{} of", lower(kind))?;
        for word in [&lower(&self.subject_type), &self.subject_id, &self.limit_id] {
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
            let unit = lower(&self.unit);
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

/// Gives a name without its prefix, empty for unspecified, the number for a newer one.
pub(crate) fn enum_name<E>(
    name: Result<&'static str, E>,
    prefix: &str,
    value: i32,
) -> Cow<'static, str> {
    match name.map(|name| name.strip_prefix(prefix).unwrap_or(name)) {
        Ok("UNSPECIFIED") => Cow::Borrowed(""),
        Ok(name) => Cow::Borrowed(name),
        Err(_) => Cow::Owned(value.to_string()),
    }
}

pub(crate) fn reason_name(value: i32) -> Cow<'static, str> {
    enum_name(v1::Reason::try_from(value).map(|reason| reason.as_str_name()), "REASON_", value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_name_is_shown_by_its_number() {
        assert_eq!(reason_name(12), "RATE_LIMITED");
        assert_eq!(reason_name(0), "");
        assert_eq!(reason_name(4_711), "4711");
    }

    #[test]
    fn any_error_of_a_block_will_do() {
        fn boxed() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
            Err(GuardError::Block(Box::<dyn std::error::Error + Send + Sync>::from("broken")))?
        }
        assert_eq!(boxed().unwrap_err().to_string(), "broken");
    }
}
