//! Error mapping: from errors of the driver to those of the contract, by what may have happened.
//!
//! Where it is not certain that nothing was changed, the error is `Unknown`.

use super::backend::Backend;
use crate::storage::Error;

/// An error before anything could have been committed.
pub fn not_applied(error: sqlx::Error) -> Error {
    use sqlx::error::ErrorKind;
    match &error {
        sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::Decode(_)
        | sqlx::Error::ColumnNotFound(_)
        | sqlx::Error::ColumnIndexOutOfBounds { .. } => Error::Corrupt(error.to_string()),
        sqlx::Error::Database(database) => match database.kind() {
            ErrorKind::UniqueViolation
            | ErrorKind::ForeignKeyViolation
            | ErrorKind::NotNullViolation
            | ErrorKind::CheckViolation => Error::Corrupt(error.to_string()),
            _ => Error::NotApplied(error.into()),
        },
        _ => Error::NotApplied(error.into()),
    }
}

/// An error of a COMMIT, or of a statement that commits by itself.
pub fn at_commit<DB: Backend>(error: sqlx::Error) -> Error {
    if let sqlx::Error::Database(database) = &error
        && DB::failed_to_sync(&**database)
    {
        return Error::Gone(format!("the database could not be synced to its disk: {database}"));
    }
    let certain = match &error {
        sqlx::Error::Database(database) => DB::certainly_aborted(&**database),
        sqlx::Error::Encode(_) => true,
        _ => false,
    };
    if certain { not_applied(error) } else { Error::Unknown(error.into()) }
}

pub fn message(text: &str) -> Error {
    Error::NotApplied(text.into())
}
