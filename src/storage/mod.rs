//! The storage contract: what the engine and the reports need of a database.
//!
//! It has one trait for each area, and [`Store`] is all of them. What every implementation must
//! guarantee is written on the traits, in sentences with *must*; `tests/storage` runs each of
//! them against both databases. One implementation, `sql`, serves SQLite and Postgres. Storage
//! decides nothing.

pub mod alerts;
pub mod anomalies;
pub mod audit;
pub mod consumption;
pub mod directory;
pub mod lease;
pub mod log;
pub mod recommendations;
pub mod reports;
pub mod rollup;
pub mod search;
pub mod settings;
pub mod shutdown;
pub mod sql;

use std::sync::Arc;

use async_trait::async_trait;

use crate::domain::coded_enum;
use alerts::AlertStore;
use anomalies::AnomalyStore;
use audit::AuditStore;
use consumption::ConsumptionStore;
use directory::DirectoryStore;
use lease::Lease;
use log::LogStore;
use recommendations::RecommendationStore;
use reports::ReportStore;
use rollup::RollupStore;
use settings::SettingsStore;
use shutdown::ShutdownStore;

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
    /// The file of the database was deleted or replaced, or could not be synced to its disk: this
    /// server must stop. With what happened.
    #[error("{0}")]
    Gone(String),
    /// What is stored contradicts itself; a person has to look.
    #[error("stored data is not what was written: {0}")]
    Corrupt(String),
}

pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
pub type Result<T, E = Error> = std::result::Result<T, E>;

coded_enum! {
    /// How the instance that owned a database before has ended. The statement of a claim writes
    /// these numbers.
    pub enum PreviousOwner {
        /// There was none.
        None = 0,
        /// It stopped gracefully, and saved what was in its memory.
        Stopped = 1,
        /// It was killed, crashed, lost its storage, or still runs: what was in its memory is lost.
        Crashed = 2,
    }
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
    + AnomalyStore
    + RecommendationStore
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
        + AnomalyStore
        + RecommendationStore
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
    /// stopped yet. Must fail with [`Error::NotApplied`], and change nothing, while another
    /// instance holds the lease.
    async fn claim(&self) -> Result<PreviousOwner>;

    /// The lease of this instance. Must be held after [`ConnectionStore::claim`]; every write that
    /// returns `Ok` must renew it from the time at which the write began. Must end for ever before
    /// a write returns [`Error::Fenced`] or [`Error::Gone`].
    fn lease(&self) -> &Arc<Lease>;

    /// Writes, and so renews the lease. Must return [`Error::Fenced`] as every write does.
    async fn renew(&self) -> Result<()>;

    /// Must return where callers reach the instance that owns the database now; empty if it did not
    /// say, or there is none.
    async fn owner_address(&self) -> Result<String>;

    /// Writes what is pending and closes; later calls may fail.
    async fn close(&self);
}
