//! Errors of exports.

use chrono::NaiveDate;

use crate::analytics;
use crate::storage;

/// Why a file cannot be written, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "usage of the day {date} falls into more than {max} groups: export the entries of the \
         log instead"
    )]
    TooManyGroups { date: NaiveDate, max: usize },
    #[error(
        "entries of the usage log before {kept_from} are no longer kept: begin the range there, or \
         export a query, which sums answer"
    )]
    Dropped { kept_from: NaiveDate },
    #[error(
        "an amount of a billion or more does not fit into DECIMAL(18, 9) of Parquet: export CSV"
    )]
    DecimalTooLarge,
    #[error("the sum of a column is out of range: narrow the range")]
    SumTooLarge,
    #[error(transparent)]
    Report(#[from] analytics::Error),
    #[error(transparent)]
    Storage(#[from] storage::Error),
    /// A bug.
    #[error("{0}")]
    Internal(String),
}

pub type Result<T, E = Error> = std::result::Result<T, E>;
