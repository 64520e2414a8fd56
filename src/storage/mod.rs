//! The contract between the engine and what keeps its data.
//!
//! One implementation, `sql`, serves SQLite and Postgres. What every implementation must guarantee
//! stands on [`Store`], in sentences with *must*; `tests/storage.rs` runs each of them against
//! both databases. Nothing here decides: it keeps and finds.

pub mod accumulator;
pub mod alerts;
pub mod directory;
pub mod latency;
pub mod policy;
pub mod reports;
pub mod rollup;
pub mod sql;

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;

use crate::domain::attribution::Attribution;
use crate::domain::calendar::Window;
use crate::domain::catalog::price::Price;
use crate::domain::catalog::{ExchangeRate, Model};
use crate::domain::record::Record;
use crate::domain::time::{MICROS_PER_DAY, Micros};
use crate::domain::workspace::{Workspace, WorkspaceModel};
use crate::domain::{Amount, Time};
use alerts::AlertStore;
use directory::DirectoryStore;
use policy::{PolicyStore, StoredRate};
use reports::ReportStore;
use rollup::{Dimension, FoldCursor, Folded, Grain};

/// Entries are kept at least this long after their local day began: longer than a cycle of a plan
/// with the days around it, and than the time in which records may come late.
pub const RECORDS_KEPT_MIN: Micros = 62 * MICROS_PER_DAY;

/// Why storage could not do what it was asked. Variants by what the caller can do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Certainly nothing has changed; trying again may help.
    #[error("storage failed and changed nothing: {0}")]
    NotApplied(#[source] BoxError),
    /// It may or may not have been applied: do it again (every write is idempotent) until storage
    /// says which, never guess.
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

/// What became of one record that was appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Appended {
    /// It is in the log at the `seq` that it carried.
    New,
    /// An entry with its key was there before, under another `seq`; here it is. The log is
    /// unchanged.
    Existing(Box<Record>),
}

/// How the instance that owned a database before has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// There was none.
    Nobody,
    /// It stopped and wrote down what lived in its memory.
    Stopped,
    /// It was killed, crashed, lost its storage, or still runs: what lived in its memory is lost.
    Crashed,
}

/// A hold that was written down at a graceful stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredHold {
    pub workspace_id: Arc<str>,
    pub request_id: Arc<str>,
    pub model_id: Arc<str>,
    /// Whether another model had been asked for.
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

/// Everything that the catalogue holds.
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

/// What is derived from the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Derived {
    Sums(Grain),
    /// How latencies of a bucket by day are spread.
    Latencies,
    /// First and last entry of a local day.
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

/// Keeps the catalogue, workspaces, the usage log and what is derived from it; with its other
/// parts what administrators set, alerts, and the directory.
///
/// Every write must be atomic, must be durable when it answers `Ok`, and must be idempotent:
/// the same write again changes nothing more and answers `Ok`. A future that is dropped must
/// leave either all or nothing of its write. One task of one server writes at a time
/// (`engine/writer.rs`); reads may run beside it and must see only what was committed.
/// Texts must be compared and ordered by their bytes, on every database; they hold no U+0000,
/// which Postgres cannot keep. Times must come back to the microsecond. A write must answer
/// [`Error::Fenced`], and change nothing, once another instance has claimed the database.
#[async_trait]
pub trait Store: PolicyStore + AlertStore + DirectoryStore + ReportStore {
    /// Must answer `Ok` only if a query ran.
    async fn ping(&self) -> Result<()>;

    /// Makes this instance the only one that may write: must make every later write of every
    /// instance that claimed before answer [`Error::Fenced`], and must wait for writes under way.
    /// Must answer how the one that owned it before has ended, and remember that this one has not
    /// stopped yet.
    async fn claim(&self) -> Result<Before>;

    /// Must return every model, price and exchange rate; prices and rates in the order
    /// of their `create_time`.
    async fn catalogue(&self) -> Result<CatalogueRows>;

    /// Must return `None` if there is no such workspace.
    async fn workspace(&self, id: &str) -> Result<Option<Workspace>>;

    /// Must return at most `limit` workspaces whose id is greater than `after_id`, by id.
    async fn workspaces(&self, after_id: &str, limit: usize) -> Result<Vec<Workspace>>;

    /// Must return the models of the workspace by id; none if there is no such workspace.
    async fn workspace_models(&self, workspace_id: &str) -> Result<Vec<WorkspaceModel>>;

    /// Must return the greatest `seq` that the log has had, or 0 if it was always empty. It may be
    /// greater: a `seq` that the fold has come to.
    async fn last_seq(&self) -> Result<i64>;

    /// Appends records, in one transaction. Must answer for each record in order; a record whose
    /// key is in the log already, or earlier in `records`, must not be written, and must be
    /// answered with the entry that is there. A record that is there under its own `seq` was
    /// written by an earlier try and must be answered with `New`. `seq`s grow within `records` and
    /// are greater than those of earlier calls, tries of the same records aside.
    async fn append(&self, records: &[Record]) -> Result<Vec<Appended>>;

    /// Must return all entries of a request by (attempt, revision); none if there are none.
    async fn request_records(&self, workspace_id: &str, request_id: &str) -> Result<Vec<Record>>;

    /// Must return at most `limit` entries that match, in the order asked for, by (`charge_time`,
    /// `seq`), beyond `after`.
    async fn records(
        &self,
        filter: &RecordFilter,
        order: Order,
        after: Option<RecordPosition>,
        limit: usize,
    ) -> Result<Vec<Record>>;

    /// Must return at most `limit` entries of the workspace that are charged in the window, by
    /// (`charge_time`, `seq`), beyond `after`: what [`Store::records`] returns oldest first, for
    /// those who read all of it, page by page. A page must not cost the pages before it.
    async fn export_records(
        &self,
        workspace_id: &str,
        window: Window,
        after: Option<RecordPosition>,
        limit: usize,
    ) -> Result<Vec<Record>> {
        let filter = RecordFilter {
            workspace_id: workspace_id.into(),
            from: Some(window.start),
            to: Some(window.end),
            model_id: None,
            request_id: None,
        };
        self.records(&filter, Order::OldestFirst, after, limit).await
    }

    /// Must return at most `limit` entries whose `seq` is greater than `seq`, by `seq`, of all
    /// workspaces.
    async fn records_after(&self, seq: i64, limit: usize) -> Result<Vec<Record>>;

    /// Must return, for each metered model of the workspace with entries charged in
    /// `from <= charge_time < to`, the exact sum of their cost over the whole log, folded or not.
    /// Must not take time in proportion to the number of folded entries.
    async fn spent_by_model(
        &self,
        workspace_id: &str,
        from: Time,
        to: Time,
    ) -> Result<HashMap<String, Amount>>;

    /// Must return metered model and output tokens (all output classes) of the latest `limit`
    /// entries of kind usage of the workspace with outcome success, oldest first.
    async fn recent_outputs(&self, workspace_id: &str, limit: usize) -> Result<Vec<(String, i64)>>;

    /// Writes down what lives in memory, at a graceful stop: holds, each of its own (workspace,
    /// request), and counts of rate limits, each of its own (workspace, rate limit, subject, span,
    /// unit). Must replace any of the same, and must remember that this instance has stopped
    /// gracefully; all or none.
    async fn put_down(&self, holds: &[StoredHold], rates: &[StoredRate]) -> Result<()>;

    /// Must return the stored holds of a workspace by (`check_time`, `request_id`).
    async fn holds(&self, workspace_id: &str) -> Result<Vec<StoredHold>>;

    /// Must delete what was written down for a workspace: its holds and its counts.
    async fn delete_put_down(&self, workspace_id: &str) -> Result<()>;

    /// Must return the ids of all workspaces for which something was written down, sorted.
    async fn workspaces_put_down(&self) -> Result<Vec<String>>;

    /// Must return how far the fold has come; nowhere at first.
    async fn fold_cursor(&self) -> Result<FoldCursor>;

    /// Adds `folded`, which names each key once, to what is derived: sums, latencies and refusals
    /// are added up, times of local days and of what was seen are widened. Moves the cursor from
    /// `from` to `to` in the same transaction.
    /// Where the cursor is at `to` already it must change nothing and answer `Ok` (an earlier
    /// try); where it is anywhere else than at `from` it must change nothing and answer
    /// [`Error::Corrupt`].
    async fn fold(&self, from: FoldCursor, to: FoldCursor, folded: &Folded) -> Result<()>;

    /// Must return at most `limit` differences between what is derived (refusals aside, which are
    /// not in the log) and the entries up to the cursor, from one consistent state, also while
    /// another process writes. Must not keep the whole of either side in memory. What is derived
    /// from days of which entries may have been dropped is not compared, nor, of such a workspace,
    /// what was seen.
    async fn verify_rollups(&self, limit: usize) -> Result<Vec<Difference>>;

    /// Must replace what is derived, refusals aside, by what the entries up to the end of the log
    /// say, and move the cursor there, in one transaction. Must not keep it all in memory. What is
    /// derived from days of which entries may have been dropped must stay, and entries of these
    /// days that are not folded be added to it.
    async fn rebuild_rollups(&self) -> Result<()>;

    /// Deletes at most `limit` entries of local days that begin before `before`, the earliest
    /// first, and answers how many; fewer than `limit` where no more can go. What is derived from
    /// them must stay.
    /// Must keep entries that are not folded, and all entries of local days in which a window of a
    /// quota begins that only a reset ends: sums over it are made of them. `before` must be the
    /// start of a local day of the workspace, at least [`RECORDS_KEPT_MIN`] ago: entries of other
    /// windows that may still be asked for, and keys under which callers may repeat themselves,
    /// are later. Must remember, in the same transaction, before which days entries were dropped,
    /// and never an earlier one. A sum over a window that cuts through a dropped day counts
    /// nothing of it.
    async fn drop_records(&self, workspace_id: &str, before: Time, limit: usize) -> Result<usize>;

    /// Must return before which local days entries of a workspace may have been dropped; none
    /// if none were.
    async fn dropped_before(&self, workspace_id: &str) -> Result<Option<Time>>;

    /// Writes what is pending and closes; later calls may fail.
    async fn close(&self);
}
