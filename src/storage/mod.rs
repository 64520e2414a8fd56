//! The storage contract: what the engine and the reports need of a database.
//!
//! It has one trait for each area, and [`Store`] is all of them. What every implementation must
//! guarantee is written on the traits, in sentences with *must*; `tests/storage.rs` runs each of
//! them against both databases. One implementation, `sql`, serves SQLite and Postgres. Storage
//! decides nothing.

pub mod accumulator;
pub mod alerts;
pub mod audit;
pub mod consumption;
pub mod directory;
pub mod latency;
pub mod log;
pub mod policy;
pub mod reports;
pub mod rollup;
pub mod shutdown;
pub mod sql;

use std::sync::Arc;

use async_trait::async_trait;

use crate::domain::attribution::Attribution;
use crate::domain::catalog::price::Price;
use crate::domain::catalog::{ExchangeRate, Model};
use crate::domain::record::Record;
use crate::domain::time::{MICROS_PER_DAY, Micros};
use crate::domain::{Amount, Time, coded_enum};
use alerts::AlertStore;
use audit::AuditStore;
use consumption::ConsumptionStore;
use directory::DirectoryStore;
use log::LogStore;
use policy::SettingsStore;
use reports::ReportStore;
use rollup::{Dimension, Grain, RollupStore};
use shutdown::ShutdownStore;

/// Records are kept at least this long after their local day began: longer than a cycle of a plan
/// with the days around it, and than the time in which records may come late.
pub const RECORDS_KEPT_MIN: Micros = 62 * MICROS_PER_DAY;

/// Why a call of storage failed. Variants by what the caller can do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Certainly nothing has changed; trying again may help.
    #[error("storage failed and changed nothing: {0}")]
    NotApplied(#[source] BoxError),
    /// It may or may not have been applied: do it again (every write is idempotent) until the
    /// outcome is known, never guess.
    #[error("storage failed and may or may not have applied the change: {0}")]
    Unknown(#[source] BoxError),
    /// Another server has claimed this database: this one must stop writing for ever.
    #[error("another server has taken over this database")]
    Fenced,
    /// What is stored contradicts itself; a person has to look.
    #[error("stored data is not what was written: {0}")]
    Corrupt(String),
}

pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The outcome of appending one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Appended {
    /// It is in the log at the `seq` that it carried.
    New,
    /// There is another record with its key, under another `seq`: this one. The log is
    /// unchanged.
    Existing(Box<Record>),
}

coded_enum! {
    /// How the instance that owned a database before has ended. The statement of a claim writes
    /// these numbers.
    pub enum Before {
        /// There was none.
        Nobody = 0,
        /// It stopped gracefully, and saved what was in its memory.
        Stopped = 1,
        /// It was killed, crashed, lost its storage, or still runs: what was in its memory is lost.
        Crashed = 2,
    }
}

/// A hold that was saved at a graceful stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredHold {
    pub workspace_id: Arc<str>,
    pub request_id: Arc<str>,
    pub model_id: Arc<str>,
    /// Whether the request had asked for another model.
    pub routed: bool,
    pub held: Amount,
    pub held_tokens: i64,
    pub check_time: Time,
    pub expire_time: Time,
    /// Price and exchange rate (nano-units) it was estimated at; absent if unpriced.
    pub price_id: Option<Arc<str>>,
    pub exchange_rate_nanos: i64,
    /// [`crate::domain::usage::ServiceTier`] it was estimated at.
    pub tier: crate::domain::usage::ServiceTier,
    /// Hash of what the caller sent.
    pub fingerprint: i64,
    pub attribution: Attribution,
    /// Group that the API key was in; empty if in none.
    pub key_group_id: Arc<str>,
}

/// Everything in the catalogue.
#[derive(Clone, Debug, Default)]
pub struct CatalogueRows {
    pub models: Vec<Model>,
    pub prices: Vec<Price>,
    pub exchange_rates: Vec<ExchangeRate>,
}

/// Which records to list. Absent parts do not restrict.
#[derive(Clone, Debug)]
pub struct RecordFilter {
    pub workspace_id: Arc<str>,
    /// `charge_time` at or after.
    pub from: Option<Time>,
    /// `charge_time` before.
    pub to: Option<Time>,
    /// As recorded or as metered.
    pub model_id: Option<String>,
    pub request_id: Option<String>,
}

/// Position of a record in the order by (`charge_time`, `seq`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordPosition {
    pub charge_time: Time,
    pub seq: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    OldestFirst,
    NewestFirst,
}

/// Something derived from the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Derived {
    Sums(Grain),
    /// The latency histogram of a bucket by day.
    Latencies,
    /// First and last record of a local day.
    LocalDay,
    /// When a value was seen.
    Seen,
}

/// Something derived that differs from the records it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub derived: Derived,
    pub workspace_id: String,
    /// [`Dimension::Workspace`] of a local day.
    pub dimension: Dimension,
    pub value: String,
    /// Hour or day; absent for what was seen.
    pub start: Option<Time>,
    /// As metered; empty but by model.
    pub model_id: String,
    /// Records (or latencies) and cost by the log less those derived; both may be zero where only
    /// something else differs.
    pub record_count: i64,
    pub cost_nanos: i64,
}

/// The whole contract.
///
/// Every write must be atomic, must be durable when it returns `Ok`, and must be idempotent: the
/// same write again changes nothing more and returns `Ok`. A future that is dropped must leave
/// either all or nothing of its write. One task of one server writes at a time
/// (`engine/writer.rs`); reads may run beside it and must see only what was committed.
/// Texts must be compared and ordered by their bytes, on every database; they hold no U+0000,
/// which Postgres cannot store. Times must come back to the microsecond. A write must return
/// [`Error::Fenced`], and change nothing, once another instance has claimed the database.
pub trait Store:
    ConnectionStore
    + SettingsStore
    + AuditStore
    + LogStore
    + ConsumptionStore
    + RollupStore
    + ShutdownStore
    + AlertStore
    + DirectoryStore
    + ReportStore
{
}

impl<S> Store for S where
    S: ConnectionStore
        + SettingsStore
        + AuditStore
        + LogStore
        + ConsumptionStore
        + RollupStore
        + ShutdownStore
        + AlertStore
        + DirectoryStore
        + ReportStore
{
}

/// The connection to the database, and who may write to it. General rules: see [`Store`].
#[async_trait]
pub trait ConnectionStore: Send + Sync + 'static {
    /// Must return `Ok` only if a query ran.
    async fn ping(&self) -> Result<()>;

    /// Makes this instance the only one that may write: must make every later write of every
    /// instance that claimed before return [`Error::Fenced`], and must wait for writes under way.
    /// Must return how the one that owned it before has ended, and remember that this one has not
    /// stopped yet.
    async fn claim(&self) -> Result<Before>;

    /// Writes what is pending and closes; later calls may fail.
    async fn close(&self);
}
