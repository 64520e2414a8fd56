//! Failures as gRPC statuses with `google.rpc` details, and as errors of single items.
//!
//! A refusal to run a request is no failure. What is internal is logged here and never told.

use std::collections::HashMap;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};
use tracing::error;

use super::convert::{Violation, Violations};
use crate::analytics;
use crate::domain::Amount;
use crate::engine;
use crate::export;
use crate::proto::v1::{self, ErrorReason};

/// Domain of every reason.
pub const DOMAIN: &str = "tollgate";
/// When to try again after storage or this server did not answer.
pub const RETRY_DELAY: Duration = Duration::from_secs(1);
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

impl From<Failure> for Status {
    fn from(failure: Failure) -> Status {
        let Told { code, reason, message, metadata, retry, violations } = Told::of(failure);
        let metadata: HashMap<String, String> =
            metadata.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let mut details = ErrorDetails::with_error_info(reason.as_str_name(), DOMAIN, metadata);
        if !violations.is_empty() {
            let violations: Vec<FieldViolation> = violations
                .into_iter()
                .map(|violation| FieldViolation::new(violation.field, violation.expected))
                .collect();
            details.set_bad_request(violations);
        }
        if retry {
            details.set_retry_info(Some(RETRY_DELAY));
        }
        Status::with_error_details(code, message, details)
    }
}

impl From<Failure> for v1::ItemError {
    fn from(failure: Failure) -> v1::ItemError {
        let Told { code, reason, message, .. } = Told::of(failure);
        v1::ItemError { code: code.into(), reason: reason.into(), message }
    }
}

/// What is told of a failure.
struct Told {
    code: Code,
    reason: ErrorReason,
    message: String,
    metadata: Vec<(&'static str, String)>,
    /// Whether the same call may pass a little later.
    retry: bool,
    violations: Vec<Violation>,
}

impl Told {
    fn new(code: Code, reason: ErrorReason, message: String) -> Told {
        let (metadata, violations) = (Vec::new(), Vec::new());
        Told { code, reason, message, metadata, retry: false, violations }
    }

    fn with(mut self, key: &'static str, value: impl ToString) -> Told {
        self.metadata.push((key, value.to_string()));
        self
    }

    fn with_retry(mut self) -> Told {
        self.retry = true;
        self
    }

    fn invalid(violations: Vec<Violation>) -> Told {
        let spelt = violations.iter().take(MESSAGE_VIOLATIONS_MAX);
        let spelt: Vec<String> =
            spelt.map(|Violation { field, expected }| format!("{field}: {expected}")).collect();
        let more = match violations.len().saturating_sub(MESSAGE_VIOLATIONS_MAX) {
            0 => "",
            _ => "; and more",
        };
        let message = format!("{}{more}", spelt.join("; "));
        let told = Told::new(Code::InvalidArgument, ErrorReason::InvalidField, message);
        Told { violations, ..told }
    }

    fn of(failure: Failure) -> Told {
        match failure {
            Failure::Invalid(violations) => Told::invalid(violations.into_list()),
            Failure::Engine(error) => Told::of_engine(error),
            Failure::Report(error) => Told::of_report(error),
            Failure::Export(error) => Told::of_export(&error),
            Failure::Record(error, attempt) => {
                let is_reused = matches!(error, engine::Error::RequestIdReused { .. });
                let told = Told::of_engine(error);
                if is_reused { told.with("attempt", attempt) } else { told }
            }
        }
    }

    fn of_report(error: analytics::Error) -> Told {
        let message = error.to_string();
        let too_broad =
            |message| Told::new(Code::FailedPrecondition, ErrorReason::QueryTooBroad, message);
        match error {
            analytics::Error::Field { field, expected } => {
                Told::invalid(vec![Violation { field, expected }])
            }
            analytics::Error::TooBroad { record_count_max } => {
                too_broad(message).with("record_count_max", record_count_max)
            }
            analytics::Error::Dropped { kept_from } => {
                too_broad(message).with("kept_from_date", kept_from)
            }
            analytics::Error::TooManyRows { row_count_max } => {
                too_broad(message).with("row_count_max", row_count_max)
            }
            analytics::Error::TooLarge => {
                Told::new(Code::ResourceExhausted, ErrorReason::BoundReached, message)
                    .with("bound", "cost of one report")
                    .with("value", Amount::from_nanos(i64::MAX))
            }
            analytics::Error::Storage(error) => Told::of_engine(error.into()),
        }
    }

    fn of_export(error: &export::Error) -> Told {
        let told = |code, reason| Told::new(code, reason, error.to_string());
        match error {
            export::Error::TooManyGroups { max, .. } => {
                told(Code::FailedPrecondition, ErrorReason::QueryTooBroad)
                    .with("row_count_max", max)
            }
            export::Error::Dropped { kept_from } => {
                told(Code::FailedPrecondition, ErrorReason::QueryTooBroad)
                    .with("kept_from_date", kept_from)
            }
            _ => told(Code::ResourceExhausted, ErrorReason::BoundReached)
                .with("bound", "amount of an export"),
        }
    }

    fn of_engine(error: engine::Error) -> Told {
        let message = error.to_string();
        let told = |code, reason| Told::new(code, reason, message);
        match error {
            engine::Error::WorkspaceNotFound(id) => {
                told(Code::NotFound, ErrorReason::WorkspaceNotFound).with("workspace_id", id)
            }
            engine::Error::WorkspaceExists(id) => {
                told(Code::AlreadyExists, ErrorReason::WorkspaceExists).with("workspace_id", id)
            }
            engine::Error::ModelNotFound(id) => {
                told(Code::NotFound, ErrorReason::ModelNotFound).with("model_id", id)
            }
            engine::Error::ResourceNotFound { resource, id } => {
                told(Code::NotFound, ErrorReason::ResourceNotFound)
                    .with("resource", resource)
                    .with("id", id)
            }
            engine::Error::ResourceExists { resource, id } => {
                told(Code::AlreadyExists, ErrorReason::ResourceExists)
                    .with("resource", resource)
                    .with("id", id)
            }
            engine::Error::ResourceInUse { resource, id, used_by } => {
                told(Code::FailedPrecondition, ErrorReason::ResourceInUse)
                    .with("resource", resource)
                    .with("id", id)
                    .with("used_by", used_by)
            }
            engine::Error::Field { field, expected } => {
                Told::invalid(vec![Violation { field, expected }])
            }
            engine::Error::SmtpNotConfigured => {
                told(Code::FailedPrecondition, ErrorReason::SmtpNotConfigured)
            }
            engine::Error::NotAllowed(_) => {
                told(Code::FailedPrecondition, ErrorReason::ChangeNotAllowed)
            }
            engine::Error::RequestIdReused { request_id } => {
                told(Code::AlreadyExists, ErrorReason::RequestIdReused)
                    .with("request_id", request_id)
            }
            engine::Error::HoldNotFound { request_id } => {
                told(Code::NotFound, ErrorReason::HoldNotFound).with("request_id", request_id)
            }
            engine::Error::ExchangeRateMissing { from, to } => {
                told(Code::FailedPrecondition, ErrorReason::ExchangeRateMissing)
                    .with("from_currency_code", from)
                    .with("to_currency_code", to)
            }
            engine::Error::BoundReached { bound, max } => {
                told(Code::ResourceExhausted, ErrorReason::BoundReached)
                    .with("bound", bound)
                    .with("value", max)
            }
            engine::Error::StorageUnavailable => {
                told(Code::Unavailable, ErrorReason::StorageUnavailable).with_retry()
            }
            engine::Error::Stopping => told(Code::Unavailable, ErrorReason::Stopping).with_retry(),
            engine::Error::Internal(cause) => {
                error!(%cause, "a call failed for an internal reason");
                told(Code::Internal, ErrorReason::Internal)
            }
        }
    }
}

/// Ends a stream when the server stops.
pub fn stopping() -> Status {
    engine::Error::Stopping.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_internal_is_never_told() {
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
        for error in [engine::Error::StorageUnavailable, engine::Error::Stopping] {
            let status = Status::from(error);
            assert_eq!(status.code(), Code::Unavailable);
            let details = status.get_error_details();
            assert_eq!(details.retry_info().unwrap().retry_delay, Some(RETRY_DELAY));
        }
    }

    #[test]
    fn every_violation_is_in_the_details() {
        let mut violations = Violations::default();
        for index in 0..5 {
            violations.add(format!("field_{index}"), "expected less");
        }
        let status = Status::from(violations);
        let details = status.get_error_details();
        assert_eq!(details.bad_request().unwrap().field_violations.len(), 5);
        assert!(status.message().ends_with("; and more"), "{}", status.message());
    }
}
