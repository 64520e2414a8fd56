//! What a call that failed says to the person at the terminal, or to a script, and the exit code.

use std::process::ExitCode;

use serde_json::{Value, json};
use tollgate::telemetry::code_name;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::Output;
use crate::cli::tell;

/// A code of gRPC is this much more as an exit code, as with grpcurl: 69 for NOT_FOUND.
const EXIT_CODES_FROM: u8 = 64;
const REASON_PREFIX: &str = "ERROR_REASON_";

/// Why a command that calls a server failed.
#[derive(Debug)]
pub enum CallError {
    /// Before, or beside, a call.
    Told(String),
    /// The server, or the way to it.
    Status(Box<Status>),
}

impl From<String> for CallError {
    fn from(message: String) -> CallError {
        CallError::Told(message)
    }
}

impl From<Status> for CallError {
    fn from(status: Status) -> CallError {
        CallError::Status(Box::new(status))
    }
}

impl CallError {
    /// For commands that tell no more of an error than its message.
    pub fn into_message(self) -> String {
        match self {
            CallError::Told(message) => message,
            CallError::Status(status) => status.message().to_owned(),
        }
    }

    /// Tells of it, and what to exit with.
    pub fn end(&self, output: Output) -> ExitCode {
        match self {
            CallError::Told(message) => {
                tell(message);
                ExitCode::FAILURE
            }
            CallError::Status(status) => {
                match output {
                    Output::Table => tell(text_of(status)),
                    Output::Json => tell_json(&json_of(status)),
                }
                exit_code(status.code())
            }
        }
    }
}

/// Alone on its line, so that a script can read it.
fn tell_json(value: &Value) {
    use std::io::Write as _;
    drop(writeln!(std::io::stderr(), "{value}"));
}

fn exit_code(code: Code) -> ExitCode {
    let number = u8::try_from(i32::from(code)).unwrap_or(0);
    ExitCode::from(EXIT_CODES_FROM + number)
}

/// Status and message, then reason, fields and what else the details say, each on a line.
fn text_of(status: &Status) -> String {
    let mut text = format!("{}: {}", code_name(status.code()), status.message());
    let mut line = |name: &str, value: &str| text.push_str(&format!("\n  {name}: {value}"));
    let details = status.get_error_details();
    if let Some(info) = details.error_info() {
        line("reason", info.reason.trim_start_matches(REASON_PREFIX));
        for (key, value) in sorted(&details) {
            line(key, value);
        }
    }
    for violation in details.bad_request().map_or(&[][..], |it| &it.field_violations) {
        line(&violation.field, &violation.description);
    }
    if let Some(seconds) = retry_seconds(&details) {
        line("retry", &format!("after {seconds} s"));
    }
    text
}

fn json_of(status: &Status) -> Value {
    let details = status.get_error_details();
    let mut error = json!({
        "code": code_name(status.code()),
        "message": status.message(),
    });
    if let Some(info) = details.error_info() {
        error["reason"] = json!(info.reason.trim_start_matches(REASON_PREFIX));
        error["metadata"] = sorted(&details).into_iter().collect();
    }
    if let Some(bad) = details.bad_request() {
        let fields = bad.field_violations.iter();
        error["field_violations"] =
            fields.map(|it| json!({ "field": it.field, "description": it.description })).collect();
    }
    if let Some(seconds) = retry_seconds(&details) {
        error["retry_after_seconds"] = json!(seconds);
    }
    json!({ "error": error })
}

fn retry_seconds(details: &ErrorDetails) -> Option<f64> {
    Some(details.retry_info()?.retry_delay?.as_secs_f64())
}

fn sorted(details: &ErrorDetails) -> Vec<(&str, &str)> {
    let metadata = details.error_info().into_iter().flat_map(|info| &info.metadata);
    let mut pairs: Vec<_> = metadata.map(|(key, value)| (&**key, &**value)).collect();
    pairs.sort_unstable();
    pairs
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn status() -> Status {
        let metadata = [("b".to_owned(), "2".to_owned()), ("a".to_owned(), "1".to_owned())];
        let mut details =
            ErrorDetails::with_error_info("ERROR_REASON_INVALID_FIELD", "tollgate", metadata);
        details.add_bad_request_violation("model_id", "expected a model of the catalog");
        details.set_retry_info(Some(Duration::from_millis(1_500)));
        Status::with_error_details(Code::InvalidArgument, "model_id: expected…", details)
    }

    #[test]
    fn an_error_is_told_with_its_details() {
        let expected = "INVALID_ARGUMENT: model_id: expected…\n  reason: INVALID_FIELD\n  a: 1\n  \
                        b: 2\n  model_id: expected a model of the catalog\n  retry: after 1.5 s";
        assert_eq!(text_of(&status()), expected);
        assert_eq!(text_of(&Status::not_found("x")), "NOT_FOUND: x");
    }

    #[test]
    fn an_error_is_json_for_scripts() {
        let error = &json_of(&status())["error"];
        assert_eq!(error["code"], "INVALID_ARGUMENT");
        assert_eq!(error["reason"], "INVALID_FIELD");
        assert_eq!(error["metadata"], json!({ "a": "1", "b": "2" }));
        assert_eq!(error["field_violations"][0]["field"], "model_id");
        assert_eq!(error["retry_after_seconds"], 1.5);
    }

    #[test]
    fn codes_are_named_as_grpc_names_them() {
        assert_eq!(code_name(Code::Unavailable), "UNAVAILABLE");
        assert_eq!(code_name(Code::InvalidArgument), "INVALID_ARGUMENT");
    }
}
