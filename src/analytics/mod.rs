//! Reports: usage queries and the fixed reports of the dashboard, computed from rollups.
//!
//! Asks storage and computes; knows no transport and writes nothing. All figures of one report come
//! from one snapshot of storage: its questions go there in one batch. Only two things are read
//! before it: which groups there are, and how many records would be read from the usage log.

pub mod axis;
pub mod batch;
pub mod figures;
mod filters;
pub mod insight;
mod log_bound;
pub mod metric;
mod names;
pub mod query;
mod questions;
pub mod range;
pub mod reports;
#[cfg(test)]
mod tests;

use chrono::NaiveDate;

use crate::domain::Time;
use crate::domain::catalog::Catalog;
use crate::domain::time::calendar::Calendar;
use crate::domain::workspace::Workspace;
use crate::storage;
use crate::storage::reports::ReportStore;
use range::{Range, ReportPeriod};

/// Why a report cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A field of the request, by its name in the API, and what was expected.
    #[error("{field}: {expected}")]
    Field { field: String, expected: String },
    #[error(
        "sums do not answer this question, and it would have to go through more than \
         {record_count_max} entries of the usage log: narrow the range, group and filter by one \
         dimension, or by the model and one other and not by hours, or export the records"
    )]
    TooBroad { record_count_max: i64 },
    #[error(
        "sums do not answer this question, and entries of the usage log before {kept_from} are no \
         longer kept: begin the range and what it is compared with there, group and filter by one \
         dimension, or by the model and one other and not by hours"
    )]
    Dropped { kept_from: NaiveDate },
    #[error(
        "there are more than {row_count_max} groups to choose from or points to tell: order by \
         cost, requests, tokens or errors, ask for fewer or coarser buckets, or narrow the range \
         or the filters"
    )]
    TooManyRows { row_count_max: i64 },
    /// A cost overflows an amount.
    #[error("the cost of the report is more than an amount can say: narrow the range")]
    TooLarge,
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

pub type Result<T> = std::result::Result<T, Error>;

/// The workspace that a report is about, and the sources of its data.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    pub store: &'a dyn ReportStore,
    pub workspace: &'a Workspace,
    /// Providers and display names of models.
    pub catalog: &'a Catalog,
    pub now: Time,
}

impl Scope<'_> {
    pub fn calendar(&self) -> Calendar {
        let start_date = self.workspace.plan.as_ref().map(|plan| plan.start_date);
        let calendar = Calendar::new(self.workspace.time_zone, start_date);
        calendar.with_week_start(self.workspace.week_start)
    }

    pub fn period(&self, range: Range) -> ReportPeriod {
        ReportPeriod::new(range, &self.calendar(), self.now)
    }
}

impl Error {
    pub(crate) fn field(field: impl Into<String>, expected: impl Into<String>) -> Error {
        Error::Field { field: field.into(), expected: expected.into() }
    }
}
