//! Rollups: sums of the log by dimension and local hour, local day, and local day and metered
//! model; with latency histograms, and when values were seen. A pure function of the log, can be
//! rebuilt.
//!
//! This file has their types, what one record adds to them, and the part of the contract about
//! them; `accumulator.rs` sums records up.

pub mod accumulator;
pub mod latency;

use std::sync::Arc;

use async_trait::async_trait;

use super::Result;
use super::directory::Seen;
use crate::domain::Time;
use crate::domain::attribution::Dimension;
use crate::domain::check::{LimitKey, RefusalCounts};
use crate::domain::record::{Record, RecordKind};
use crate::domain::time::{MICROS_PER_DAY, Micros};
use crate::domain::usage::{Outcome, TokenClass};
use latency::Latencies;

/// A local day is at most this long: a zone that moves across the date line repeats one.
pub const LOCAL_DAY_MAX: Micros = 2 * MICROS_PER_DAY;

/// Between key and value of a tag. Texts have no control characters.
pub(super) const TAG_SEPARATOR: char = '\u{1f}';

/// The value of [`Dimension::Tag`] that a tag counts under.
pub fn tag_value(key: &str, value: &str) -> String {
    format!("{key}{TAG_SEPARATOR}{value}")
}

/// The values of [`Dimension::Tag`] of one key lie from the first of these, included, to the
/// second.
pub fn tag_values(key: &str) -> (String, String) {
    (format!("{key}{TAG_SEPARATOR}"), format!("{key} "))
}

/// Requests that were blocked or routed, to be added to those counted before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusalRow {
    pub workspace_id: Arc<str>,
    pub hour: Time,
    pub limit: LimitKey,
    /// The requested model: the catalog's id, or as it was spelt where that is unknown.
    pub model_id: String,
    pub user_id: String,
    pub counts: RefusalCounts,
}

/// Which table a bucket is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Grain {
    Hour,
    Day,
    /// By day and metered model; of every dimension but [`Dimension::Workspace`] and
    /// [`Dimension::Model`].
    DayByModel,
}

/// When a value of a dimension was seen in records of kind usage, by `charge_time`: to be merged
/// with what was seen before. Not of [`Dimension::Workspace`], [`Dimension::Tag`],
/// [`Dimension::Outcome`], nor of empty values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenRow {
    pub workspace_id: Arc<str>,
    pub dimension: Dimension,
    pub value: Arc<str>,
    pub seen: Seen,
}

/// First and last `charge_time` of a local day with records: to be merged with those before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayRow {
    pub workspace_id: Arc<str>,
    pub day: Time,
    pub first_time: Time,
    pub last_time: Time,
}

/// The cursor of the fold: the last record that is folded, and the number of its transactions,
/// which also grows where only refusals are added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FoldCursor {
    pub seq: i64,
    pub batch: i64,
}

impl Dimension {
    /// Whether it has buckets by day and model: of the others these would be the same as by day.
    pub fn is_by_model(self) -> bool {
        !matches!(self, Dimension::Workspace | Dimension::Model)
    }

    /// Whether it is stored when its values were seen.
    pub fn is_seen(self) -> bool {
        !matches!(self, Dimension::Workspace | Dimension::Tag | Dimension::Outcome)
    }

    /// The value that a record counts under; empty where it has none. Not of [`Dimension::Tag`], of
    /// which a record has any number of values.
    pub fn value_of(self, record: &Record) -> &str {
        if let Some(field) = self.field() {
            return record.attribution.get(field);
        }
        match self {
            Dimension::KeyGroup => &record.key_group_id,
            Dimension::Model => &record.metered_model_id,
            Dimension::Outcome => record.outcome.as_str(),
            _ => "",
        }
    }
}

/// What a bucket counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Attempts: records of kind usage, not corrections or expiry charges.
    pub record_count: i64,
    pub error_count: i64,
    pub cancelled_count: i64,
    pub cost_nanos: i64,
    pub tokens: [i64; TokenClass::COUNT],
    pub latency: Micros,
}

impl Sums {
    pub fn add(&mut self, record: &Record) {
        let attempt = i64::from(record.kind == RecordKind::Usage);
        self.record_count += attempt;
        self.error_count += attempt * i64::from(record.outcome == Outcome::Error);
        self.cancelled_count += attempt * i64::from(record.outcome == Outcome::Cancelled);
        self.cost_nanos += record.cost.nanos();
        for (sum, count) in self.tokens.iter_mut().zip(record.usage.tokens) {
            *sum += count;
        }
        self.latency += record.latency;
    }
    pub fn merge(&mut self, other: &Sums) {
        self.record_count += other.record_count;
        self.error_count += other.error_count;
        self.cancelled_count += other.cancelled_count;
        self.cost_nanos += other.cost_nanos;
        for (sum, count) in self.tokens.iter_mut().zip(other.tokens) {
            *sum += count;
        }
        self.latency += other.latency;
    }
}

/// One bucket, or what to add to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RollupRow {
    pub workspace_id: Arc<str>,
    pub grain: Grain,
    pub dimension: Dimension,
    /// The hour or the day.
    pub start: Time,
    pub value: Arc<str>,
    /// As metered; empty but for [`Grain::DayByModel`].
    pub model_id: Arc<str>,
    pub sums: Sums,
    /// Of records of kind usage that have a latency; empty but for [`Grain::Day`].
    pub latencies: Latencies,
}

/// What a part of the log adds to the rollups, and what is to be added with it. Rows are in the
/// order of their key, each key once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folded {
    pub rollups: Vec<RollupRow>,
    pub seen: Vec<SeenRow>,
    pub days: Vec<DayRow>,
    /// Each key once. They are not derived from the log.
    pub refusals: Vec<RefusalRow>,
}

impl RollupRow {
    /// The order of the tables.
    pub fn key(&self) -> (&str, Grain, Dimension, Time, &str, &str) {
        let RollupRow { workspace_id, grain, dimension, start, value, model_id, .. } = self;
        (workspace_id, *grain, *dimension, *start, value, model_id)
    }
}

/// The latency of a record, if it counts: of an attempt that has it. Absent ones are stored as 0.
pub fn latency_of(record: &Record) -> Option<Micros> {
    (record.kind == RecordKind::Usage && record.latency > 0).then_some(record.latency)
}

impl Seen {
    /// When the values of a record were seen; none of corrections and expiry charges.
    pub fn of(record: &Record) -> Option<Seen> {
        let time = record.charge_time;
        let is_success = record.outcome == Outcome::Success;
        (record.kind == RecordKind::Usage).then(|| Seen {
            first_time: time,
            last_time: time,
            first_success_time: is_success.then_some(time),
        })
    }

    pub fn merge(&mut self, other: &Seen) {
        self.first_time = self.first_time.min(other.first_time);
        self.last_time = self.last_time.max(other.last_time);
        self.first_success_time = match (self.first_success_time, other.first_success_time) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }
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

/// Rollups. General rules: see [`super::Store`].
#[async_trait]
pub trait RollupStore: Send + Sync + 'static {
    /// Must return the cursor of the fold; zero at first.
    async fn fold_cursor(&self) -> Result<FoldCursor>;

    /// Adds `folded`, which names each key once, to what is derived: sums, latencies and refusals
    /// are added up, times of local days and of what was seen are widened. Moves the cursor from
    /// `from` to `to` in the same transaction.
    /// Where the cursor is at `to` already it must change nothing and return `Ok` (an earlier
    /// try); where it is anywhere else than at `from` it must change nothing and return
    /// [`super::Error::Corrupt`].
    async fn fold(&self, from: FoldCursor, to: FoldCursor, folded: &Folded) -> Result<()>;

    /// Must return at most `limit` differences between what is derived (refusals aside, which are
    /// not in the log) and the records up to the cursor, from one consistent state, also while
    /// another process writes. Must not keep the whole of either side in memory. What is derived
    /// from days of which records may have been dropped is not compared, nor, of such a workspace,
    /// what was seen.
    async fn verify_rollups(&self, limit: usize) -> Result<Vec<Difference>>;

    /// Must derive everything, refusals aside, from the records up to the end of the log again, and
    /// move the cursor there, in one transaction. Must not keep it all in memory. What is derived
    /// from days of which records may have been dropped must stay, and records of these days that
    /// are not folded be added to it.
    async fn rebuild_rollups(&self) -> Result<()>;
}
