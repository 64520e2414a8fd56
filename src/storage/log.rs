//! The part of the contract about the usage log.

use std::sync::Arc;

use async_trait::async_trait;

use super::Result;
use super::audit::AuditEvent;
use super::shutdown::StoredHold;
use crate::domain::Time;
use crate::domain::record::Record;
use crate::domain::time::calendar::Window;
use crate::domain::time::{MICROS_PER_DAY, Micros};
use crate::domain::usage::Outcome;

/// Records are kept at least this long after their local day began: longer than a cycle of a plan
/// with the days around it, and than the time in which records may come late.
pub const RECORDS_KEPT_MIN: Micros = 62 * MICROS_PER_DAY;

/// The outcome of appending one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Appended {
    /// It is in the log at the `seq` that it carried.
    New,
    /// There is another record with its key, under another `seq`: this one. The log is
    /// unchanged.
    Existing(Box<Record>),
}

/// Holds that storage keeps, as they have changed. One that has ended may be taken anew.
#[derive(Clone, Debug, Default)]
pub struct HoldChanges {
    pub taken: Vec<StoredHold>,
    /// By workspace and request.
    pub ended: Vec<(Arc<str>, Arc<str>)>,
}

impl HoldChanges {
    pub fn is_empty(&self) -> bool {
        self.taken.is_empty() && self.ended.is_empty()
    }
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
    /// Only large records.
    pub large_only: bool,
    pub user_id: Option<String>,
    pub department_id: Option<String>,
    pub api_key_id: Option<String>,
    /// Only records of kind usage with it.
    pub outcome: Option<Outcome>,
}

impl RecordFilter {
    /// All records of a workspace.
    pub fn of(workspace_id: impl Into<Arc<str>>) -> RecordFilter {
        RecordFilter {
            workspace_id: workspace_id.into(),
            from: None,
            to: None,
            model_id: None,
            request_id: None,
            large_only: false,
            user_id: None,
            department_id: None,
            api_key_id: None,
            outcome: None,
        }
    }

    /// Whether records have to be looked at one by one: no index leads to those that match.
    pub fn is_scan(&self) -> bool {
        let Self { model_id, user_id, department_id, api_key_id, .. } = self;
        let texts = [model_id, user_id, department_id, api_key_id];
        let is_restricted = texts.iter().any(|text| text.is_some()) || self.outcome.is_some();
        is_restricted && self.request_id.is_none() && !self.large_only
    }
}

/// Position of a record in the order by (`charge_time`, `seq`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordPosition {
    pub charge_time: Time,
    pub seq: i64,
}

impl RecordPosition {
    pub fn of(record: &Record) -> RecordPosition {
        RecordPosition { charge_time: record.charge_time, seq: record.seq }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    OldestFirst,
    NewestFirst,
}

/// Records that are written no less than this after the time they are charged to are few, and have
/// an index.
pub const LATE_MIN: Micros = MICROS_PER_DAY;

/// The usage log. General rules: see [`super::Store`].
#[async_trait]
pub trait LogStore: Send + Sync + 'static {
    /// Must return the greatest `seq` that the log has had, or 0 if it was always empty. It may be
    /// greater: a `seq` that the fold has come to.
    async fn last_seq(&self) -> Result<i64>;

    /// Must return when the entry with the greatest `seq` was written; `None` without entries.
    async fn last_record_time(&self) -> Result<Option<Time>>;

    /// [`LogStore::append_with_holds`] without holds.
    async fn append(&self, records: &[Record]) -> Result<Vec<Appended>> {
        self.append_with_holds(records, &HoldChanges::default()).await
    }

    /// Appends records, in one transaction, and in the same deletes the holds that have ended, and
    /// then stores those that were taken, in place of any of the same (workspace, request). Tries
    /// of the same change the same. Must return an outcome for each record, in order. A
    /// record whose key is in the log already, or earlier in `records`, must not be written, and
    /// its outcome must be the record that is there. A record that is there under its own `seq` was
    /// written by an earlier try, and its outcome must be `New`. `seq`s grow within `records` and
    /// are greater than those of earlier calls, tries of the same records aside.
    async fn append_with_holds(
        &self,
        records: &[Record],
        holds: &HoldChanges,
    ) -> Result<Vec<Appended>>;

    /// Appends records that somebody makes by hand together with their audit events: in one
    /// transaction, all or nothing. Must return `New` if all of `records` are in the log under
    /// their own `seq`, and the events with them. If the key of a record is in the log under
    /// another `seq`, or earlier in `records`, must write nothing and return the record that has
    /// the key. `seq`s as in [`LogStore::append`].
    async fn append_audited(&self, records: &[Record], events: &[AuditEvent]) -> Result<Appended>;

    /// Must return all records of a request by (attempt, revision); none if there are none.
    async fn request_records(&self, workspace_id: &str, request_id: &str) -> Result<Vec<Record>>;

    /// Must return at most `limit` records that match, in `order`, by (`charge_time`, `seq`),
    /// beyond `after`.
    async fn records(
        &self,
        filter: &RecordFilter,
        order: Order,
        after: Option<RecordPosition>,
        limit: usize,
    ) -> Result<Vec<Record>>;

    /// Must return the `charge_time` of the record that lies `count` records of the workspace
    /// behind the newest one before `after` and `to`, newest first by (`charge_time`, `seq`);
    /// `None` if there are fewer. Must not read the records themselves.
    async fn charge_time_behind(
        &self,
        workspace_id: &str,
        to: Option<Time>,
        after: Option<RecordPosition>,
        count: usize,
    ) -> Result<Option<Time>>;

    /// Must return at most `limit` records of the workspace that are charged in the window, by
    /// (`charge_time`, `seq`), beyond `after`: as [`LogStore::records`] does oldest first, for
    /// callers that read the whole log page by page. A page must not cost the pages before it.
    async fn export_records(
        &self,
        workspace_id: &str,
        window: Window,
        after: Option<RecordPosition>,
        limit: usize,
    ) -> Result<Vec<Record>> {
        let filter = RecordFilter {
            from: Some(window.start),
            to: Some(window.end),
            ..RecordFilter::of(workspace_id)
        };
        self.records(&filter, Order::OldestFirst, after, limit).await
    }

    /// Must return at most `limit` records of the workspace that were written in the window and are
    /// charged to a time before `before`, by (`charge_time`, `seq`), beyond `after`. `before` must
    /// be at least [`LATE_MIN`] before the window begins.
    async fn late_records(
        &self,
        workspace_id: &str,
        written: Window,
        before: Time,
        after: Option<RecordPosition>,
        limit: usize,
    ) -> Result<Vec<Record>> {
        let filter = RecordFilter { to: Some(before), ..RecordFilter::of(workspace_id) };
        let mut records = self.records(&filter, Order::OldestFirst, after, usize::MAX).await?;
        let is_late = |record: &Record| record.record_time - record.charge_time >= LATE_MIN;
        records.retain(|record| written.contains(record.record_time) && is_late(record));
        records.truncate(limit);
        Ok(records)
    }

    /// Must return at most `limit` records whose `seq` is greater than `seq`, by `seq`, of all
    /// workspaces.
    async fn records_after(&self, seq: i64, limit: usize) -> Result<Vec<Record>>;

    /// Must return metered model and output tokens (all output classes) of the latest `limit`
    /// records of kind usage of the workspace with outcome success that are charged before
    /// `before`, oldest first.
    async fn recent_outputs(
        &self,
        workspace_id: &str,
        before: Time,
        limit: usize,
    ) -> Result<Vec<(String, i64)>>;

    /// Must return request and attempt of the latest `limit` records of kind usage of the
    /// workspace, oldest first.
    async fn recent_attempts(&self, workspace_id: &str, limit: usize)
    -> Result<Vec<(String, i32)>>;

    /// Must return how many large records of the workspace were written on each
    /// [`large_record_day`] at or after `since`: by the start of the day, in order, days without
    /// any left out. Must not take time in proportion to other records.
    ///
    /// [`large_record_day`]: crate::domain::alert::large_record_day
    async fn large_record_counts(
        &self,
        workspace_id: &str,
        since: Time,
    ) -> Result<Vec<(Time, i64)>>;

    /// Must return the large record of the workspace that has this number, from 1, by `seq` among
    /// those that were written in the window; `None` if there are fewer.
    async fn large_record(
        &self,
        workspace_id: &str,
        written: Window,
        number: i64,
    ) -> Result<Option<Record>>;

    /// Deletes at most `limit` records of local days that begin before `before`, the earliest
    /// first, and returns how many; fewer than `limit` where no more can be deleted. What is
    /// derived from them must stay. Must keep records that are not folded, and all records of local
    /// days in which a window of a quota begins that only a reset ends: sums over it are made of
    /// them. `before` must be the start of a local day of the workspace, at least
    /// [`RECORDS_KEPT_MIN`] ago: records of other windows that may still be summed up, and
    /// keys under which callers may retry, are later. Must remember, in the same transaction,
    /// before which days records were dropped, and never an earlier one. A sum over a window that
    /// cuts through a dropped day counts nothing of it.
    async fn drop_records(&self, workspace_id: &str, before: Time, limit: usize) -> Result<usize>;

    /// Must return before which local days records of a workspace may have been dropped; `None` if
    /// none were.
    async fn dropped_before(&self, workspace_id: &str) -> Result<Option<Time>>;
}
