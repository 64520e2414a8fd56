//! The part of the contract about reports: queries for sums over ranges of time, and for what was
//! seen in them.
//!
//! Does not know of which queries a report is made.

use async_trait::async_trait;

use super::rollup::Sums;
use super::rollup::latency::Latencies;
use super::{Error, Result};
use crate::domain::attribution::{Dimension, EntryKind};
use crate::domain::check::LimitKey;
use crate::domain::time::calendar::Window;
use crate::domain::{Amount, Time};

/// Most records that one report may read with [`Source::Records`]: callers look at
/// [`ReportQuery::RecordCount`] first.
pub const RECORDS_MAX: usize = 1_000_000;
/// Most rows of one result.
pub const ROWS_MAX: usize = 200_000;
/// Most values of one filter.
pub const FILTER_VALUES_MAX: usize = 20_000;

/// What records are grouped by or restricted in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Axis {
    /// Any dimension but [`Dimension::Workspace`] and [`Dimension::Tag`].
    Of(Dimension),
    /// The values of the tag with this key; empty where a record does not have it.
    Tag(String),
}

/// Records count whose value on the axis is one of `values`, at most [`FILTER_VALUES_MAX`]. An
/// empty one means records without a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    pub axis: Axis,
    pub values: Vec<String>,
}

/// The source that a query reads. All give the same sums; they differ in the axes that they know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Buckets by hour: at most one axis in all. Windows begin and end with local hours as they
    /// were recorded: a record counts in the window that its hour begins in.
    Hours,
    /// Buckets by day: at most one axis in all. Windows are of whole local days, as for all that
    /// follow: a record counts in the window that its `charge_time` lies in, also where the time
    /// zone of the workspace has changed since.
    Days,
    /// Buckets by day and model: [`Dimension::Model`] and at most one other axis.
    DaysByModel,
    /// The records themselves: any axes.
    Records,
}

/// A query for sums.
#[derive(Clone, Debug)]
pub struct SumsQuery {
    pub source: Source,
    /// At most two, different.
    pub group_by: Vec<Axis>,
    /// Of different axes; all must be met.
    pub filters: Vec<Filter>,
    /// In order; each begins where the one before ends. A record charged in none does not count.
    pub windows: Vec<Window>,
    /// Sums of each window; of all windows together if not.
    pub by_window: bool,
    /// Only the groups with the greatest of these, and at most so many; not with `by_window`.
    pub top: Option<(OrderBy, usize)>,
    /// Whether to return latency histograms; not from [`Source::Hours`] and
    /// [`Source::DaysByModel`], which do not have them.
    pub latencies: bool,
}

impl SumsQuery {
    /// # Errors
    /// If it is not valid: see its fields.
    pub fn check(&self) -> Result<()> {
        let knows_latencies = matches!(self.source, Source::Days | Source::Records);
        let why = if self.group_by.len() > 2 {
            "sums are by at most two axes"
        } else if self.top.is_some() && self.by_window {
            "the greatest groups are of all windows together"
        } else if self.latencies && !knows_latencies {
            "latencies are known by days and of records alone"
        } else {
            return check_filters(&self.filters);
        };
        Err(Error::NotApplied(why.into()))
    }
}

/// # Errors
/// If one has too many values.
pub fn check_filters(filters: &[Filter]) -> Result<()> {
    if filters.iter().any(|filter| filter.values.len() > FILTER_VALUES_MAX) {
        return Err(Error::NotApplied("a filter has too many values".into()));
    }
    Ok(())
}

/// What groups are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderBy {
    Cost,
    Requests,
    /// Of all classes.
    Tokens,
    Errors,
}

/// Sums of one group, in one window or in all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SumsRow {
    /// Index of the window in the query; 0 if not by window.
    pub window: usize,
    /// In the order of `group_by`.
    pub values: Vec<String>,
    pub sums: Sums,
    /// Of records of kind usage, if the query wants them.
    pub latencies: Option<Latencies>,
}

/// A query for the number of distinct values of a dimension in records of kind usage, empty ones
/// aside.
#[derive(Clone, Debug)]
pub struct DistinctQuery {
    /// As for sums, with `counted` as one of the axes.
    pub source: Source,
    pub counted: Dimension,
    /// At most one; absent for all together.
    pub group_by: Option<Axis>,
    pub filters: Vec<Filter>,
    pub windows: Vec<Window>,
    /// How many in each window; in all of them together if not, each counted once.
    pub by_window: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DistinctRow {
    /// Index of the window in the query; 0 if not by window.
    pub window: usize,
    /// Empty without a group.
    pub value: String,
    pub count: i64,
}

/// A query for the number of requests that were blocked or routed, by the hour that they were
/// counted in: in the window in which the hour begins.
#[derive(Clone, Debug)]
pub struct RefusalsQuery {
    pub by_limit: bool,
    pub by_model: bool,
    pub by_user: bool,
    /// Any of these, if not empty; an empty text means requests without a value.
    pub models: Vec<String>,
    pub users: Vec<String>,
    /// Counts by request if absent and not by limit; else only these, if not empty.
    pub limits: Vec<LimitKey>,
    pub windows: Vec<Window>,
    pub by_window: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusalsRow {
    pub window: usize,
    /// [`LimitKey::Request`] if not by limit.
    pub limit: LimitKey,
    /// Empty if not by model.
    pub model_id: String,
    pub user_id: String,
    pub blocked_count: i64,
    pub routed_count: i64,
    pub blocked: Amount,
    pub saved: Amount,
}

/// One query of a report.
#[derive(Clone, Debug)]
pub enum ReportQuery {
    Sums(SumsQuery),
    Distinct(DistinctQuery),
    Refusals(RefusalsQuery),
    /// Entries of a kind that are known at these times: registered or signed up before, or seen in
    /// usage charged before; and not archived at them. In the order of the times.
    Known(EntryKind, Vec<Time>),
    /// Registered users, not archived, that signed up in the window; of one department if given.
    SignUps {
        window: Window,
        department_id: Option<String>,
    },
    /// Number of records of any kind that [`Source::Records`] would read for the window;
    /// [`RECORDS_MAX`] + 1 if it is greater.
    RecordCount(Window),
    /// Sums of the records charged in any span of time, from the records.
    SumsBetween(Time, Time),
    /// Names of values: of the directory, of API keys and their groups, and of models.
    Names(Dimension, Vec<String>),
    /// Before which local days records may have been dropped from the log.
    DroppedBefore,
}

/// The result of one query, of its kind.
#[derive(Clone, Debug)]
pub enum ReportResult {
    /// By window, then by values; with `top` the greatest first, and those that are equal by
    /// their values. A group whose sums are all zero is left out.
    Sums(Vec<SumsRow>),
    /// By window, then by value. Counts of zero are left out.
    Distinct(Vec<DistinctRow>),
    /// By window, limit, model and user. Counts of zero are left out.
    Refusals(Vec<RefusalsRow>),
    Known(Vec<i64>),
    /// By id.
    SignUps(Vec<SignUp>),
    RecordCount(i64),
    SumsBetween(Sums),
    /// Ids that have a display name, with it; by id.
    Names(Vec<(String, String)>),
    DroppedBefore(Option<Time>),
    /// Of any query: more than [`ROWS_MAX`] rows, or more than so many values to count.
    TooMany,
}

/// A user who signed up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignUp {
    pub user_id: String,
    pub display_name: String,
    pub department_id: String,
    pub external_id: String,
    pub sign_up_time: Time,
    /// As registered, or else of the first successful record; absent if there is neither.
    pub first_value_time: Option<Time>,
    pub last_use_time: Option<Time>,
}

/// Report queries. General rules: see [`super::Store`].
#[async_trait]
pub trait ReportStore: Send + Sync + 'static {
    /// Must return the results of all queries from one consistent state, in their order: from the
    /// records up to the cursor of the fold, those dropped included wherever the source is not
    /// [`Source::Records`]. Must not scan the log, but for [`Source::Records`],
    /// [`ReportQuery::SumsBetween`], and local days that lie in two windows because the time zone
    /// of the workspace has changed. Of dropped days that lie in two windows, all must count in the
    /// one in which the day begins. Texts of results must be ordered by their bytes.
    async fn report(
        &self,
        workspace_id: &str,
        queries: &[ReportQuery],
    ) -> Result<Vec<ReportResult>>;
}
