//! Errors of the engine. Variants by what the caller can do.

use std::sync::Arc;

use tracing::warn;

use crate::domain::catalog::Catalog;
use crate::engine::alerts::Unopenable;
use crate::ledger;
use crate::storage;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no workspace \"{0}\"")]
    WorkspaceNotFound(String),
    #[error("there is a workspace \"{0}\" already")]
    WorkspaceExists(String),
    /// With the ids of models that may have been meant.
    #[error("the catalog has no model \"{name}\"{}", near_text(near))]
    ModelNotFound { name: String, near: Vec<Arc<str>> },
    /// A kind of resource, for example `quota`, and the id that was not found.
    #[error("there is no {resource} \"{id}\"")]
    ResourceNotFound { resource: &'static str, id: String },
    /// With the id of the one that exists.
    #[error("there is such a {resource} already: \"{id}\"")]
    ResourceExists { resource: &'static str, id: String },
    /// With what refers to it, for people: `quota "team-month"`.
    #[error("the {resource} \"{id}\" is in use by {used_by}: delete that first")]
    ResourceInUse { resource: &'static str, id: String, used_by: String },
    /// A field that only the engine can validate, by its path in the request, and what was
    /// expected.
    #[error("{field}: {expected}")]
    Field { field: String, expected: String },
    /// Several of them: each with what was expected.
    #[error("{}", fields_text(.0))]
    Fields(Vec<(String, String)>),
    /// The etag of a change is of another state.
    #[error("this was changed by somebody else: read it again, and decide anew")]
    EtagMismatch,
    #[error(
        "the server is configured without a server for mail: set smtp_url and smtp_from, then \
         e-mail receivers can be created"
    )]
    SmtpNotConfigured,
    /// Records of the days before this one were dropped.
    #[error(
        "this reads records one by one, and they are kept from {kept_from} on: begin there or later"
    )]
    LogDropped { kept_from: chrono::NaiveDate },
    /// The change is not possible in the present state.
    #[error("{0}")]
    NotAllowed(String),
    #[error("request_id \"{request_id}\" is in use with other content")]
    RequestIdReused { request_id: String },
    #[error("no live hold has the request_id \"{request_id}\"")]
    HoldNotFound { request_id: String },
    #[error(
        "the price is in {from} and the workspace in {to}, and no exchange rate is set for this \
         day: set one with CatalogService.SetExchangeRate"
    )]
    ExchangeRateMissing { from: crate::domain::Currency, to: crate::domain::Currency },
    #[error("{bound} is at most {max}")]
    BoundReached { bound: &'static str, max: i64 },
    /// Nothing has changed, or the outcome is not known yet.
    #[error("storage does not answer: try again later")]
    StorageUnavailable,
    /// Storage takes no writes, and a policy of the workspace lets checks go on no further without.
    #[error(
        "storage takes no writes, and checks of this workspace go on no further without \
         ({limit}): try again later"
    )]
    StorageOutage { limit: &'static str },
    /// The ledger of the workspace has failed, and it is loaded again.
    #[error("the state of this workspace failed and is being loaded again: try again later")]
    Quarantined,
    /// So many wait to be written already.
    #[error("{max} {what} wait to be written already: try again later")]
    Overloaded { what: &'static str, max: usize },
    /// This server may not decide: its lease of the database has run out, or another has it. With
    /// the address of the owner, if that is known.
    #[error("this server does not own its database at present{}; try again", owner_text(address))]
    NotOwner { address: Arc<str> },
    /// As above; this server shuts down.
    #[error("the server is stopping: try again later")]
    Stopping,
    /// A defect, or data that contradicts itself. The cause is logged, never shown.
    #[error("internal error")]
    Internal(String),
}

/// Why an engine could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Secrets(#[from] Unopenable),
    #[error("the engine could not start: {0}")]
    Storage(#[from] storage::Error),
    #[error("the engine could not start: {0}")]
    Engine(Error),
}

impl From<Error> for StartError {
    /// Whoever starts a server may know what is wrong with its data.
    fn from(error: Error) -> StartError {
        match error {
            Error::Internal(cause) => StartError::Storage(storage::Error::Corrupt(cause)),
            error => StartError::Engine(error),
        }
    }
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

fn fields_text(fields: &[(String, String)]) -> String {
    let texts = fields.iter().map(|(field, expected)| format!("{field}: {expected}"));
    texts.collect::<Vec<_>>().join("; ")
}

fn near_text(near: &[Arc<str>]) -> String {
    if near.is_empty() { String::new() } else { format!("; near: {}", near.join(", ")) }
}

fn owner_text(address: &str) -> String {
    if address.is_empty() { String::new() } else { format!(": {address} does") }
}

impl Error {
    /// The error about a name that stands for no model.
    pub fn model_not_found(catalog: &Catalog, name: &str) -> Error {
        Error::ModelNotFound { name: name.to_owned(), near: catalog.near(name) }
    }

    /// The error of a ledger about one request.
    pub(super) fn of_ledger(error: ledger::Error, request_id: &str) -> Error {
        let request_id = request_id.to_owned();
        match error {
            ledger::Error::RequestIdReused => Error::RequestIdReused { request_id },
            ledger::Error::HoldNotFound => Error::HoldNotFound { request_id },
            ledger::Error::ExchangeRateMissing { from, to } => {
                Error::ExchangeRateMissing { from, to }
            }
            ledger::Error::StartTimeOutOfRange { .. } => Error::Field {
                field: "start_time".to_owned(),
                expected: "expected at most 35 days in the past and a day in the future".to_owned(),
            },
            ledger::Error::StorageOutage { limit } => Error::StorageOutage { limit },
            ledger::Error::BoundReached { bound, max } => Error::BoundReached { bound, max },
        }
    }
}

impl From<&storage::Error> for Error {
    fn from(error: &storage::Error) -> Error {
        match error {
            storage::Error::NotApplied(_) | storage::Error::Unknown(_) => Error::StorageUnavailable,
            storage::Error::Fenced | storage::Error::Gone(_) => Error::Stopping,
            storage::Error::Corrupt(what) => Error::Internal(what.clone()),
        }
    }
}

/// Logs the cause, which callers are not shown, for example a statement that the schema refuses.
impl From<storage::Error> for Error {
    fn from(error: storage::Error) -> Error {
        if matches!(error, storage::Error::NotApplied(_) | storage::Error::Unknown(_)) {
            warn!(cause = %error, "storage failed");
        }
        Error::from(&error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_says_what_is_wrong_with_the_data() {
        let corrupt = || storage::Error::Corrupt("\"x\" is no currency".to_owned());
        for error in [StartError::from(corrupt()), StartError::from(Error::from(corrupt()))] {
            let expected = "the engine could not start: stored data is not what was written: \
                            \"x\" is no currency";
            assert_eq!(error.to_string(), expected);
        }
        let failed = storage::Error::NotApplied("database disk image is malformed".into());
        let message = StartError::from(failed).to_string();
        assert!(message.contains("malformed") && !message.contains("request_id"), "{message}");
    }
}
