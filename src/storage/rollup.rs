//! Sums of usage records by local hour, dimension and metered model. Derived from the log, can be
//! rebuilt.

use std::sync::Arc;

use hashbrown::HashMap;

use super::directory::Seen;
use crate::ledger::Time;
use crate::ledger::record::{Record, RecordKind};
pub use crate::ledger::refusal::{LimitKey, RefusalCounts};
use crate::ledger::time::Micros;
use crate::ledger::usage::{Attribution, Outcome, TokenClass};

/// What usage is summed up by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dimension {
    /// One bucket for the workspace itself; its value is empty.
    Workspace,
    User,
    Department,
    ApiKey,
    KeyGroup,
    Assistant,
    Workflow,
    Feature,
    Project,
    /// As metered.
    Model,
    Investigation,
    Session,
    /// One bucket for each tag of a record, see [`tag_value`]; a record without tags has none.
    Tag,
    /// "success", "error" or "cancelled", also of corrections.
    Outcome,
}

/// Between key and value of a tag. Texts have no control characters.
const TAG_SEPARATOR: char = '\u{1f}';

/// The value of [`Dimension::Tag`] that a tag counts under.
pub fn tag_value(key: &str, value: &str) -> String {
    format!("{key}{TAG_SEPARATOR}{value}")
}

/// The values of [`Dimension::Tag`] of one key lie from the first of these, included, to the second.
pub fn tag_values(key: &str) -> (String, String) {
    (format!("{key}{TAG_SEPARATOR}"), format!("{key} "))
}

/// Requests that were blocked or routed, to be added to those counted before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusalRow {
    pub workspace_id: Arc<str>,
    pub hour: Time,
    pub limit: LimitKey,
    /// Model asked for: the catalogue's id, or as it was spelt where that is unknown.
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

/// When a value of a dimension was seen in entries of kind usage, by `charge_time`: to be merged
/// with what was seen before. Not of [`Dimension::Workspace`], [`Dimension::Tag`],
/// [`Dimension::Outcome`], nor of empty values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenRow {
    pub workspace_id: Arc<str>,
    pub dimension: Dimension,
    pub value: String,
    pub seen: Seen,
}

/// First and last `charge_time` of a local day with entries: to be merged with those before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayRow {
    pub workspace_id: Arc<str>,
    pub day: Time,
    pub first_time: Time,
    pub last_time: Time,
}

/// How far the fold has come: up to which entry of the log, and how many transactions it has made.
/// The second also grows where only refusals are added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FoldCursor {
    pub seq: i64,
    pub batch: i64,
}

impl Dimension {
    pub const ALL: [Dimension; 9] = [
        Dimension::Workspace,
        Dimension::User,
        Dimension::Department,
        Dimension::ApiKey,
        Dimension::KeyGroup,
        Dimension::Assistant,
        Dimension::Workflow,
        Dimension::Feature,
        Dimension::Project,
    ];

    /// Its name in storage.
    pub fn as_str(self) -> &'static str {
        match self {
            Dimension::Workspace => "workspace",
            Dimension::User => "user",
            Dimension::Department => "department",
            Dimension::ApiKey => "api_key",
            Dimension::KeyGroup => "key_group",
            Dimension::Assistant => "assistant",
            Dimension::Workflow => "workflow",
            Dimension::Feature => "feature",
            Dimension::Project => "project",
            Dimension::Model => "model",
            Dimension::Investigation => "investigation",
            Dimension::Session => "session",
            Dimension::Tag => "tag",
            Dimension::Outcome => "outcome",
        }
    }

    /// What a record counts under; empty where its attribution does not say.
    fn value_of(self, record: &Record) -> &str {
        let Attribution {
            user_id,
            department_id,
            api_key_id,
            assistant_id,
            workflow_id,
            feature_id,
            project_id,
            ..
        } = &record.attribution;
        match self {
            Dimension::Workspace => "",
            Dimension::User => user_id,
            Dimension::Department => department_id,
            Dimension::ApiKey => api_key_id,
            Dimension::KeyGroup => &record.key_group_id,
            Dimension::Assistant => assistant_id,
            Dimension::Workflow => workflow_id,
            Dimension::Feature => feature_id,
            Dimension::Project => project_id,
            Dimension::Model => &record.metered_model_id,
            Dimension::Investigation | Dimension::Session | Dimension::Tag | Dimension::Outcome => {
                ""
            }
        }
    }
}

/// What a bucket counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Attempts: entries of kind usage, not corrections or expiry charges.
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
}

/// One bucket, or what to add to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RollupRow {
    pub workspace_id: Arc<str>,
    pub dimension: Dimension,
    pub value: String,
    pub hour: Time,
    /// As metered.
    pub model_id: Arc<str>,
    pub sums: Sums,
}

/// Workspace, hour and metered model.
type Place = (Arc<str>, Time, Arc<str>);

/// The buckets of one place, by value, for each dimension.
type Buckets = [HashMap<String, Sums>; Dimension::ALL.len()];

/// Sums up records, to be added to the rollups.
#[derive(Default)]
pub struct Accumulator {
    buckets: HashMap<Place, Buckets>,
    rows: usize,
}

impl Accumulator {
    pub fn add(&mut self, record: &Record) {
        let place = (record.workspace_id.clone(), record.hour, record.metered_model_id.clone());
        let by_dimension = self.buckets.entry(place).or_default();
        for (dimension, buckets) in Dimension::ALL.into_iter().zip(by_dimension) {
            let value = dimension.value_of(record);
            if let Some(sums) = buckets.get_mut(value) {
                sums.add(record);
            } else {
                buckets.entry(value.to_owned()).or_default().add(record);
                self.rows += 1;
            }
        }
    }

    /// Number of buckets.
    pub fn len(&self) -> usize {
        self.rows
    }

    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// All buckets, by key.
    pub fn into_rows(self) -> Vec<RollupRow> {
        let mut rows = Vec::with_capacity(self.rows);
        for ((workspace_id, hour, model_id), by_dimension) in self.buckets {
            for (dimension, buckets) in Dimension::ALL.into_iter().zip(by_dimension) {
                for (value, sums) in buckets {
                    rows.push(RollupRow {
                        workspace_id: workspace_id.clone(),
                        dimension,
                        value,
                        hour,
                        model_id: model_id.clone(),
                        sums,
                    });
                }
            }
        }
        rows.sort_by(|a, b| a.key().cmp(&b.key()));
        rows
    }
}

impl RollupRow {
    fn key(&self) -> (&str, Dimension, &str, Time, &str) {
        (&self.workspace_id, self.dimension, &self.value, self.hour, &self.model_id)
    }
}
