//! `tollgate verify`: recomputes all rollups from the usage log and reports differences.
//!
//! Read-only; a server may be running on the database.

use std::fmt;

use super::Error;
use crate::domain::Amount;
use crate::domain::catalog::Catalog;
use crate::domain::record::{Record, RecordKind};
use crate::domain::time::MICROS_PER_HOUR;
use crate::prices::builtin;
use crate::storage::rollup::{Derived, Difference, Grain, LOCAL_DAY_MAX};
use crate::storage::{Store, sql};

/// Most differences of each kind that are reported.
pub const DIFFERENCES_MAX: usize = 100;
/// Records read at a time.
const PAGE_RECORDS: usize = 5_000;

/// Report of a verification.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Number of records that were read.
    pub records: usize,
    /// Cursor of the fold: up to it, records are in rollups.
    pub folded_to: i64,
    /// Rollups that differ from the sums of their records.
    pub rollups: Vec<Difference>,
    /// Records that are inconsistent in themselves, with their price or with their request.
    pub entries: Vec<EntryFault>,
}

/// An inconsistent record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryFault {
    pub seq: i64,
    pub workspace_id: String,
    pub request_id: String,
    pub what: String,
}

/// Verifies a database.
///
/// # Errors
/// If it does not open, or reading fails.
pub async fn run(database: &str) -> Result<Verified, Error> {
    let store = sql::open_read_only(database).await?;
    let result = of_store(&*store).await;
    store.close().await;
    result
}

/// Verifies an open store.
///
/// # Errors
/// As [`run`].
pub async fn of_store(store: &dyn Store) -> Result<Verified, Error> {
    let folded_to = store.fold_cursor().await?.seq;
    let rollups = store.verify_rollups(DIFFERENCES_MAX).await?;
    let mut verified = Verified { folded_to, rollups, ..Verified::default() };
    let mut after = 0;
    loop {
        let page = store.records_after(after, PAGE_RECORDS).await?;
        let Some(last) = page.last() else { break };
        let upto = last.seq;
        // Read after the page: prices are stored before the records that they bill.
        let rows = store.catalog().await?;
        let builtin = builtin::catalog();
        let catalog = Catalog::over(builtin, rows.models, rows.prices, rows.exchange_rates);
        for record in &page {
            verified.check(store, &catalog, after, record).await?;
            after = record.seq;
        }
        assert_eq!(after, upto, "pages are ordered");
    }
    Ok(verified)
}

impl Verified {
    pub fn is_clean(&self) -> bool {
        self.rollups.is_empty() && self.entries.is_empty()
    }

    async fn check(
        &mut self,
        store: &dyn Store,
        catalog: &Catalog,
        after: i64,
        record: &Record,
    ) -> Result<(), Error> {
        self.records += 1;
        let mut fault = fault_of(catalog, after, record);
        if fault.is_none() && record.revision > 0 {
            fault = fault_of_correction(store, record).await?;
        }
        if let Some(what) = fault
            && self.entries.len() < DIFFERENCES_MAX
        {
            self.entries.push(EntryFault {
                seq: record.seq,
                workspace_id: record.workspace_id.to_string(),
                request_id: record.request_id.to_string(),
                what,
            });
        }
        Ok(())
    }
}

/// Checks a record by itself.
fn fault_of(catalog: &Catalog, after: i64, record: &Record) -> Option<String> {
    if record.seq <= after {
        return Some(format!("its position is not above {after}"));
    }
    let into_hour = record.charge_time - record.hour;
    if !(0..MICROS_PER_HOUR).contains(&into_hour) {
        return Some("its rollup hour does not contain its charge time".to_owned());
    }
    if !(0..LOCAL_DAY_MAX).contains(&(record.charge_time - record.day)) {
        return Some("its rollup day does not contain its charge time".to_owned());
    }
    if record.kind != RecordKind::Usage {
        return None;
    }
    // The estimate of the hold is charged, which the log does not have.
    if record.answer.as_deref().is_some_and(|answer| answer.is_unread) {
        return None;
    }
    let reported = record.extras.as_deref().and_then(|extras| extras.reported.as_ref());
    if let Some(reported) = reported.filter(|reported| reported.is_charged) {
        return (reported.converted != Some(record.cost))
            .then(|| "it costs something else than the provider reports".to_owned());
    }
    let expected = match &record.price_id {
        None => Amount::ZERO,
        Some(id) => match catalog.price_by_id(id) {
            None => return Some(format!("its price {id} is not in the catalog")),
            Some(card) => {
                let (extras, rate) = (record.extras.as_deref(), record.exchange_rate);
                match card.bill(&record.usage, extras, record.tier, rate) {
                    Ok(cost) => cost,
                    Err(error) => return Some(error.to_string()),
                }
            }
        },
    };
    // What other models used in the same answer cost is billed at their prices, on top.
    let has_others = record.answer.as_deref().is_some_and(|answer| !answer.others.is_empty());
    let is_expected = record.cost == expected || (has_others && record.cost > expected);
    (!is_expected).then(|| format!("it costs {} and its price says {expected}", record.cost))
}

/// Checks that a correction has all earlier revisions of its attempt.
async fn fault_of_correction(store: &dyn Store, record: &Record) -> Result<Option<String>, Error> {
    let entries = store.request_records(&record.workspace_id, &record.request_id).await?;
    let same_attempt = |entry: &&Record| entry.attempt == record.attempt;
    let revisions: Vec<i32> = entries.iter().filter(same_attempt).map(|e| e.revision).collect();
    let complete = (0..=record.revision).all(|revision| revisions.contains(&revision));
    // Read last: what it corrects may be dropped meanwhile.
    let dropped_before = store.dropped_before(&record.workspace_id).await?;
    if dropped_before.is_some_and(|before| record.day < before) {
        return Ok(None);
    }
    Ok((!complete).then(|| "it corrects an entry that is not there".to_owned()))
}

/// One line for each difference, then a summary.
impl fmt::Display for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for difference in &self.rollups {
            write_difference(f, difference)?;
        }
        for EntryFault { seq, workspace_id, request_id, what } in &self.entries {
            writeln!(f, "entry {seq} {workspace_id} {request_id:?}: {what}")?;
        }
        let verdict = if self.is_clean() { "clean" } else { "DIFFERENCES FOUND" };
        writeln!(
            f,
            "{verdict}: {} log entries read, rollups compared up to position {}",
            self.records, self.folded_to
        )
    }
}

fn write_difference(f: &mut fmt::Formatter<'_>, difference: &Difference) -> fmt::Result {
    let Difference { derived, workspace_id, value, record_count, cost_nanos, .. } = difference;
    let what = match derived {
        Derived::Sums(Grain::Hour) => "rollup by hour",
        Derived::Sums(Grain::Day) => "rollup by day",
        Derived::Sums(Grain::DayByModel) => "rollup by day and model",
        Derived::Latencies => "latencies by day",
        Derived::LocalDay => "local day",
        Derived::Seen => "what was seen",
    };
    write!(f, "{what} {workspace_id} {}={value:?}", difference.dimension.as_str())?;
    if !difference.model_id.is_empty() {
        write!(f, " model {:?}", difference.model_id)?;
    }
    if let Some(start) = difference.start {
        write!(f, " from {}", start.to_utc().to_rfc3339())?;
    }
    writeln!(f, ": the log has {record_count} records and {cost_nanos} nano-units more")
}
