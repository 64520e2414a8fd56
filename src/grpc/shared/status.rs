//! Failures as gRPC statuses with `google.rpc` details, and as errors of single items.
//!
//! A refusal to run a request is no failure. Internal causes are logged here and never shown.

use std::collections::HashMap;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};
use tracing::error;

use super::decode::{VIOLATIONS_MAX, Violation, Violations};
use crate::domain::Amount;
use crate::engine;
use crate::proto::v1::{self, ErrorReason};
use crate::{analytics, export, telemetry};

/// Domain of every reason.
pub const DOMAIN: &str = crate::proto::ERROR_DOMAIN;
/// When to try again after storage or this server did not answer.
pub const RETRY_DELAY: Duration = Duration::from_secs(1);
const NO_CREDENTIALS: &str = "\
    no valid credentials: send `authorization: Bearer SECRET` with the secret of an access token \
    or the token of an accepted identity provider, or connect with an accepted certificate";
/// Of records: they are counted once.
const SAME_ID_IS_SAFE: &str = "a retry with the same request_id is safe";
const MANY_ATTEMPTS: &str =
    "too many calls without valid credentials from this address: try again later";
const FAILED_ATTEMPTS: &str = "failed attempts of an address";
/// No reason has a higher number.
const NUMBERS_MAX: i32 = 100;
/// What the names of all reasons begin with.
const REASON_PREFIX: &str = "ERROR_REASON_";
const CALLS_AT_ONCE: &str = "calls at once";
const MANY_CALLS: &str =
    "too many such calls at once, or their answers are not read: try again later";
/// Most violations that the message spells; the details have more.
const MESSAGE_VIOLATIONS_MAX: usize = 3;

/// Why a call failed.
#[derive(Debug)]
pub enum Failure {
    Invalid(Violations),
    Engine(engine::Error),
    Report(analytics::Error),
    Export(export::Error),
    /// Of the record of this attempt.
    Record(engine::Error, i32),
    /// The message is longer than this.
    MessageTooLong {
        bytes_max: usize,
    },
    /// The caller has no valid credentials. Why not is not said.
    Unauthenticated,
    /// The caller may not do this, and why not.
    Denied(String),
    /// Too many calls without valid credentials came from the address of the caller.
    TooManyAttempts,
    /// What the call needs is taken by others.
    TooManyCalls,
}

impl From<Violations> for Failure {
    fn from(violations: Violations) -> Failure {
        Failure::Invalid(violations)
    }
}

impl From<engine::Error> for Failure {
    fn from(error: engine::Error) -> Failure {
        Failure::Engine(error)
    }
}

impl From<analytics::Error> for Failure {
    fn from(error: analytics::Error) -> Failure {
        match error {
            analytics::Error::Storage(error) => Failure::Engine(error.into()),
            error => Failure::Report(error),
        }
    }
}

impl Failure {
    /// Of an export; fields of its content are below `path`.
    pub fn of_export(error: export::Error, path: &str) -> Failure {
        match error {
            export::Error::Report(analytics::Error::Field { field, expected }) => {
                let field = format!("{path}{field}");
                Failure::Report(analytics::Error::Field { field, expected })
            }
            export::Error::Report(error) => Failure::from(error),
            export::Error::Storage(error) => Failure::Engine(error.into()),
            export::Error::Internal(cause) => Failure::Engine(engine::Error::Internal(cause)),
            error => Failure::Export(error),
        }
    }
}

impl From<Violations> for Status {
    fn from(violations: Violations) -> Status {
        Failure::from(violations).into()
    }
}

impl From<engine::Error> for Status {
    fn from(error: engine::Error) -> Status {
        Failure::from(error).into()
    }
}

impl From<analytics::Error> for Status {
    fn from(error: analytics::Error) -> Status {
        Failure::from(error).into()
    }
}

impl From<Failure> for Status {
    fn from(failure: Failure) -> Status {
        let ErrorBody { reason, message, metadata, violations, .. } = ErrorBody::of(failure);
        let code = code_of(reason);
        let mut details = ErrorDetails::with_error_info(reason.as_str_name(), DOMAIN, metadata);
        if !violations.is_empty() {
            let violations = violations.into_iter();
            let violations = violations.map(|v| FieldViolation::new(v.field, v.expected));
            details.set_bad_request(violations.collect::<Vec<_>>());
        }
        // The same call may pass a little later.
        let passes = [ErrorReason::TooManyAttempts, ErrorReason::TooManyCalls].contains(&reason);
        if code == Code::Unavailable || passes {
            details.set_retry_info(Some(RETRY_DELAY));
        }
        Status::with_error_details(code, message, details)
    }
}

impl From<Failure> for v1::ItemError {
    fn from(failure: Failure) -> v1::ItemError {
        let ErrorBody { reason, message, .. } = ErrorBody::of(failure);
        v1::ItemError { code: code_of(reason).into(), reason: reason.into(), message }
    }
}

/// What a client gets of a failure.
struct ErrorBody {
    reason: ErrorReason,
    message: String,
    metadata: HashMap<String, String>,
    violations: Vec<Violation>,
    /// The limit of the server that is reached, if it is one.
    limit: Option<&'static str>,
}

impl ErrorBody {
    fn new(reason: ErrorReason, message: String) -> ErrorBody {
        let (metadata, violations) = (HashMap::new(), Vec::new());
        ErrorBody { reason, message, metadata, violations, limit: None }
    }

    fn at_bound(self, bound: &'static str, max: impl ToString) -> ErrorBody {
        self.with("bound", bound).with("value", max).counted_at(bound)
    }

    /// The refusal counts as one of a limit of the server.
    fn counted_at(self, limit: &'static str) -> ErrorBody {
        ErrorBody { limit: Some(limit), ..self }
    }

    fn with(mut self, key: &str, value: impl ToString) -> ErrorBody {
        self.metadata.insert(key.to_owned(), value.to_string());
        self
    }

    fn invalid(violations: Vec<Violation>) -> ErrorBody {
        let spelt = violations.iter().take(MESSAGE_VIOLATIONS_MAX);
        let spelt: Vec<String> =
            spelt.map(|Violation { field, expected }| format!("{field}: {expected}")).collect();
        let more = match violations.len().saturating_sub(MESSAGE_VIOLATIONS_MAX) {
            0 => "",
            _ => "; and more",
        };
        let message = format!("{}{more}", spelt.join("; "));
        let body = ErrorBody::new(ErrorReason::InvalidField, message);
        ErrorBody { violations, ..body }
    }

    /// Counts the failure, too: each becomes one error.
    fn of(failure: Failure) -> ErrorBody {
        let body = ErrorBody::of_failure(failure);
        telemetry::ERRORS.inc(reason_name(body.reason));
        if let Some(limit) = body.limit {
            telemetry::LIMITS_REACHED.inc(limit);
        }
        body
    }

    fn of_failure(failure: Failure) -> ErrorBody {
        match failure {
            Failure::Invalid(violations) => ErrorBody::invalid(violations.into_list()),
            Failure::Engine(error) => ErrorBody::of_engine(error),
            Failure::Report(error) => ErrorBody::of_report(error),
            Failure::Export(error) => ErrorBody::of_export(&error),
            Failure::Record(error, attempt) => {
                let body = ErrorBody::of_engine(error);
                match body.reason {
                    ErrorReason::RequestIdReused => body.with("attempt", attempt),
                    ErrorReason::StorageUnavailable
                    | ErrorReason::Stopping
                    | ErrorReason::Overloaded
                    | ErrorReason::Quarantined => {
                        let message = format!("{}; {SAME_ID_IS_SAFE}", body.message);
                        ErrorBody { message, ..body }
                    }
                    _ => body,
                }
            }
            Failure::MessageTooLong { bytes_max } => {
                let message = format!("a message has at most {bytes_max} bytes");
                ErrorBody::new(ErrorReason::BoundReached, message)
                    .at_bound("bytes of a message", bytes_max)
            }
            Failure::Unauthenticated => {
                ErrorBody::new(ErrorReason::Unauthenticated, NO_CREDENTIALS.to_owned())
            }
            Failure::Denied(message) => ErrorBody::new(ErrorReason::PermissionDenied, message),
            Failure::TooManyAttempts => {
                let body = ErrorBody::new(ErrorReason::TooManyAttempts, MANY_ATTEMPTS.to_owned());
                body.counted_at(FAILED_ATTEMPTS)
            }
            Failure::TooManyCalls => {
                let body = ErrorBody::new(ErrorReason::TooManyCalls, MANY_CALLS.to_owned());
                body.counted_at(CALLS_AT_ONCE)
            }
        }
    }

    fn of_report(error: analytics::Error) -> ErrorBody {
        use analytics::Error;
        let message = error.to_string();
        let body = |reason| ErrorBody::new(reason, message);
        match error {
            Error::Field { field, expected } => {
                ErrorBody::invalid(vec![Violation { field, expected }])
            }
            Error::TooBroad { record_count_max: max } => {
                body(ErrorReason::QueryTooBroad).with("record_count_max", max)
            }
            Error::Dropped { kept_from } => {
                body(ErrorReason::QueryTooBroad).with("kept_from_date", kept_from)
            }
            Error::TooManyRows { row_count_max: max } => {
                body(ErrorReason::QueryTooBroad).with("row_count_max", max)
            }
            Error::TooLarge => {
                let max = Amount::from_nanos(i64::MAX);
                body(ErrorReason::BoundReached).at_bound("cost of one report", max)
            }
            Error::Storage(error) => ErrorBody::of_engine(error.into()),
        }
    }

    fn of_export(error: &export::Error) -> ErrorBody {
        let body = |reason| ErrorBody::new(reason, error.to_string());
        match error {
            export::Error::TooManyGroups { max, .. } => {
                body(ErrorReason::QueryTooBroad).with("row_count_max", max)
            }
            export::Error::Dropped { kept_from } => {
                body(ErrorReason::QueryTooBroad).with("kept_from_date", kept_from)
            }
            _ => body(ErrorReason::BoundReached).with("bound", "amount of an export"),
        }
    }

    fn of_engine(error: engine::Error) -> ErrorBody {
        use engine::Error;
        let message = error.to_string();
        let body = |reason| ErrorBody::new(reason, message);
        let of_resource = |body: ErrorBody, resource: &str, id: String| {
            body.with("resource", resource).with("id", id)
        };
        match error {
            Error::WorkspaceNotFound(id) => {
                body(ErrorReason::WorkspaceNotFound).with("workspace_id", id)
            }
            Error::WorkspaceExists(id) => {
                body(ErrorReason::WorkspaceExists).with("workspace_id", id)
            }
            Error::ModelNotFound { name, near } => {
                let body = body(ErrorReason::ModelNotFound).with("model_id", name);
                if near.is_empty() { body } else { body.with("near_model_ids", near.join(",")) }
            }
            Error::ResourceNotFound { resource, id } => {
                of_resource(body(ErrorReason::ResourceNotFound), resource, id)
            }
            Error::ResourceExists { resource, id } => {
                of_resource(body(ErrorReason::ResourceExists), resource, id)
            }
            Error::ResourceInUse { resource, id, used_by } => {
                of_resource(body(ErrorReason::ResourceInUse), resource, id).with("used_by", used_by)
            }
            Error::Field { field, expected } => {
                ErrorBody::invalid(vec![Violation { field, expected }])
            }
            Error::Fields(fields) => {
                let violations = fields.into_iter();
                let violations = violations.map(|(field, expected)| Violation { field, expected });
                ErrorBody::invalid(violations.take(VIOLATIONS_MAX).collect())
            }
            Error::EtagMismatch => body(ErrorReason::EtagMismatch),
            Error::SmtpNotConfigured => body(ErrorReason::SmtpNotConfigured),
            Error::LogDropped { kept_from } => {
                body(ErrorReason::QueryTooBroad).with("kept_from_date", kept_from)
            }
            Error::NotAllowed(_) => body(ErrorReason::ChangeNotAllowed),
            Error::RequestIdReused { request_id } => {
                body(ErrorReason::RequestIdReused).with("request_id", request_id)
            }
            Error::HoldNotFound { request_id } => {
                body(ErrorReason::HoldNotFound).with("request_id", request_id)
            }
            Error::ExchangeRateMissing { from, to } => body(ErrorReason::ExchangeRateMissing)
                .with("from_currency_code", from)
                .with("to_currency_code", to),
            Error::BoundReached { bound, max } => {
                body(ErrorReason::BoundReached).at_bound(bound, max)
            }
            Error::StorageUnavailable => body(ErrorReason::StorageUnavailable),
            Error::StorageOutage { limit } => {
                body(ErrorReason::StorageOutage).with("limit", limit).counted_at(limit)
            }
            Error::Stopping => body(ErrorReason::Stopping),
            Error::Overloaded { what, .. } => body(ErrorReason::Overloaded).counted_at(what),
            Error::Quarantined => body(ErrorReason::Quarantined),
            Error::NotOwner { address } if address.is_empty() => body(ErrorReason::NotOwner),
            Error::NotOwner { address } => {
                body(ErrorReason::NotOwner).with("owner_address", address)
            }
            Error::Internal(cause) => {
                error!(%cause, "a call failed for an internal reason");
                body(ErrorReason::Internal)
            }
        }
    }
}

/// Errors of every reason are exported, also before there is one.
pub fn declare_reasons() {
    let reasons = (1..NUMBERS_MAX).filter_map(|number| ErrorReason::try_from(number).ok());
    reasons.for_each(|reason| telemetry::ERRORS.declare(reason_name(reason)));
}

fn reason_name(reason: ErrorReason) -> &'static str {
    let name = reason.as_str_name();
    name.strip_prefix(REASON_PREFIX).unwrap_or(name)
}

/// The status code of a reason, as `error_reason.proto` has it.
fn code_of(reason: ErrorReason) -> Code {
    match reason {
        ErrorReason::InvalidField => Code::InvalidArgument,
        ErrorReason::WorkspaceNotFound
        | ErrorReason::ModelNotFound
        | ErrorReason::HoldNotFound
        | ErrorReason::ResourceNotFound => Code::NotFound,
        ErrorReason::WorkspaceExists
        | ErrorReason::RequestIdReused
        | ErrorReason::ResourceExists => Code::AlreadyExists,
        ErrorReason::ExchangeRateMissing
        | ErrorReason::ChangeNotAllowed
        | ErrorReason::ResourceInUse
        | ErrorReason::SmtpNotConfigured
        | ErrorReason::QueryTooBroad => Code::FailedPrecondition,
        ErrorReason::BoundReached | ErrorReason::TooManyAttempts | ErrorReason::TooManyCalls => {
            Code::ResourceExhausted
        }
        ErrorReason::EtagMismatch => Code::Aborted,
        ErrorReason::Unauthenticated => Code::Unauthenticated,
        ErrorReason::PermissionDenied => Code::PermissionDenied,
        ErrorReason::StorageUnavailable
        | ErrorReason::StorageOutage
        | ErrorReason::Stopping
        | ErrorReason::NotOwner
        | ErrorReason::Overloaded
        | ErrorReason::Quarantined => Code::Unavailable,
        ErrorReason::Internal | ErrorReason::Unspecified => Code::Internal,
    }
}

/// Ends a stream when the server stops.
pub fn stopping() -> Status {
    engine::Error::Stopping.into()
}

#[cfg(test)]
mod tests {
    use super::super::decode::decode;
    use super::*;

    #[test]
    fn internal_causes_are_never_shown() {
        let status = Status::from(engine::Error::Internal("secret table".to_owned()));
        assert_eq!(status.code(), Code::Internal);
        assert!(!status.message().contains("secret"));
        assert!(!String::from_utf8_lossy(status.details()).contains("secret"));
    }

    #[test]
    fn a_reused_id_names_its_attempt() {
        let error = engine::Error::RequestIdReused { request_id: "r-1".to_owned() };
        let status = Status::from(Failure::Record(error, 2));
        let details = status.get_error_details();
        let info = details.error_info().unwrap();
        assert_eq!(info.reason, "ERROR_REASON_REQUEST_ID_REUSED");
        assert_eq!(info.domain, DOMAIN);
        assert_eq!(info.metadata["request_id"], "r-1");
        assert_eq!(info.metadata["attempt"], "2");
    }

    #[test]
    fn a_thing_in_use_names_what_uses_it() {
        let status = Status::from(engine::Error::ResourceInUse {
            resource: "key_group",
            id: "team".to_owned(),
            used_by: "quota \"team-month\"".to_owned(),
        });
        assert_eq!(status.code(), Code::FailedPrecondition);
        let details = status.get_error_details();
        let info = details.error_info().unwrap();
        assert_eq!(info.reason, "ERROR_REASON_RESOURCE_IN_USE");
        assert_eq!(info.metadata["resource"], "key_group");
        assert_eq!(info.metadata["id"], "team");
        assert_eq!(info.metadata["used_by"], "quota \"team-month\"");
    }

    #[test]
    fn a_report_that_is_too_broad_says_what_would_not_be() {
        let day = chrono::NaiveDate::from_ymd_opt(2026, 3, 1).unwrap();
        for (error, key, value) in [
            (analytics::Error::TooBroad { record_count_max: 7 }, "record_count_max", "7"),
            (analytics::Error::Dropped { kept_from: day }, "kept_from_date", "2026-03-01"),
            (analytics::Error::TooManyRows { row_count_max: 9 }, "row_count_max", "9"),
        ] {
            let status = Status::from(Failure::from(error));
            assert_eq!(status.code(), Code::FailedPrecondition);
            assert!(status.message().contains(value), "{}", status.message());
            let details = status.get_error_details();
            let info = details.error_info().unwrap();
            assert_eq!(info.reason, "ERROR_REASON_QUERY_TOO_BROAD");
            assert_eq!(info.metadata[key], value);
        }
        let status = Status::from(Failure::from(analytics::Error::TooLarge));
        assert_eq!(status.code(), Code::ResourceExhausted);
    }

    #[test]
    fn a_failure_that_passes_says_when_to_try_again() {
        let not_owner = engine::Error::NotOwner { address: "".into() };
        for error in [engine::Error::StorageUnavailable, engine::Error::Stopping, not_owner] {
            let status = Status::from(error);
            assert_eq!(status.code(), Code::Unavailable);
            let details = status.get_error_details();
            assert_eq!(details.retry_info().unwrap().retry_delay, Some(RETRY_DELAY));
            assert!(!status.message().contains("request_id"), "{}", status.message());
        }
    }

    #[test]
    fn what_is_safe_with_the_same_id_is_said_of_records_alone() {
        let failure = Failure::Record(engine::Error::StorageUnavailable, 1);
        let status = Status::from(failure);
        let expected = "storage does not answer: try again later; a retry with the same request_id \
                        is safe";
        assert_eq!(status.message(), expected);
    }

    #[test]
    fn every_violation_is_in_the_details() {
        let refused = decode(|at| {
            (0..5).for_each(|index| at.field("list").item(index).refuse("expected less"));
            Some(())
        });
        let status = Status::from(refused.unwrap_err());
        let details = status.get_error_details();
        assert_eq!(details.bad_request().unwrap().field_violations.len(), 5);
        assert!(status.message().ends_with("; and more"), "{}", status.message());
    }
}
