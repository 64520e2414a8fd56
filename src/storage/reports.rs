//! The part of the contract about reports: sums over ranges of time, and what was seen in them.
//!
//! Says what can be asked; what a report is made of is decided by whoever asks.

use async_trait::async_trait;

use super::latency::Latencies;
use super::rollup::{Dimension, LimitKey, Sums};
use super::{Error, Result};
use crate::domain::calendar::Window;
use crate::domain::{Amount, Time};

/// Most entries of the log that one report may go through with [`Source::Records`]: whoever asks
/// looks at [`Question::RecordCount`] first.
pub const RECORDS_MAX: usize = 1_000_000;
/// Most rows of one answer.
pub const ROWS_MAX: usize = 200_000;
/// Most values of one filter.
pub const FILTER_VALUES_MAX: usize = 20_000;

/// What entries are grouped by or restricted in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Axis {
    /// Any dimension but [`Dimension::Workspace`] and [`Dimension::Tag`].
    Of(Dimension),
    /// The values of the tag with this key; empty where an entry does not have it.
    Tag(String),
}

/// Entries count whose value on the axis is one of `values`, at most [`FILTER_VALUES_MAX`]. An
/// empty one stands for entries that do not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    pub axis: Axis,
    pub values: Vec<String>,
}

/// What is read for an answer. All give the same sums; they differ in what they can tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Buckets by hour: at most one axis in all. Windows begin and end with local hours as they
    /// were recorded: an entry counts in the window that its hour begins in.
    Hours,
    /// Buckets by day: at most one axis in all. Windows are of whole local days, as for all that
    /// follow: an entry counts in the window that its `charge_time` lies in, also where the zone
    /// of the workspace has changed since.
    Days,
    /// Buckets by day and model: [`Dimension::Model`] and at most one other axis.
    DaysByModel,
    /// The entries themselves: any axes.
    Records,
}

/// Asks for sums.
#[derive(Clone, Debug)]
pub struct SumsQuestion {
    pub source: Source,
    /// At most two, different.
    pub group_by: Vec<Axis>,
    /// Of different axes; all must be met.
    pub filters: Vec<Filter>,
    /// In order; each begins where the one before ends. An entry charged in none does not count.
    pub windows: Vec<Window>,
    /// Sums of each window; of all windows together if not.
    pub by_window: bool,
    /// Only the groups with the greatest of these, and at most so many; not with `by_window`.
    pub top: Option<(OrderBy, usize)>,
    /// Whether latencies are told with their spread; not from [`Source::Hours`] and
    /// [`Source::DaysByModel`], which do not know it.
    pub latencies: bool,
}

impl SumsQuestion {
    /// # Errors
    /// If it is none: see its fields.
    pub fn check(&self) -> Result<()> {
        let knows_latencies = matches!(self.source, Source::Days | Source::Records);
        let why = if self.group_by.len() > 2 {
            "sums are by at most two axes"
        } else if self.top.is_some() && self.by_window {
            "the greatest groups are of all windows together"
        } else if self.latencies && !knows_latencies {
            "latencies are known by days and of entries alone"
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
    /// Place of the window in the question; 0 if not by window.
    pub window: usize,
    /// In the order of `group_by`.
    pub values: Vec<String>,
    pub sums: Sums,
    /// Of entries of kind usage; if it was asked for.
    pub latencies: Option<Latencies>,
}

/// Asks how many different values of a dimension entries of kind usage have, empty ones aside.
#[derive(Clone, Debug)]
pub struct DistinctQuestion {
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
    /// Place of the window in the question; 0 if not by window.
    pub window: usize,
    /// Empty without a group.
    pub value: String,
    pub count: i64,
}

/// Asks how many requests were blocked or routed, by the hour that they were counted in: in the
/// window in which the hour begins.
#[derive(Clone, Debug)]
pub struct RefusalsQuestion {
    pub by_limit: bool,
    pub by_model: bool,
    pub by_user: bool,
    /// Any of these, if not empty; an empty text stands for requests that do not say.
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
    /// Empty if not asked for.
    pub model_id: String,
    pub user_id: String,
    pub blocked_count: i64,
    pub routed_count: i64,
    pub blocked: Amount,
    pub saved: Amount,
}

/// One question of a report.
#[derive(Clone, Debug)]
pub enum Question {
    Sums(SumsQuestion),
    Distinct(DistinctQuestion),
    Refusals(RefusalsQuestion),
    /// Users that are known at these times: registered or signed up before, or seen in usage
    /// charged before; and not archived at them. In the order of the times.
    KnownUsers(Vec<Time>),
    /// Registered users, not archived, that signed up in the window; of one department if given.
    SignUps {
        window: Window,
        department_id: Option<String>,
    },
    /// Number of entries of any kind that [`Source::Records`] would go through for the window;
    /// [`RECORDS_MAX`] + 1 if it is greater.
    RecordCount(Window),
    /// Sums of the entries charged in any span of time, from the entries.
    SumsBetween(Time, Time),
    /// Names of values: of the directory, of API keys and their groups, and of models.
    Names(Dimension, Vec<String>),
    /// Before which local days entries may have been dropped from the log.
    DroppedBefore,
}

/// One answer; of the kind of its question.
#[derive(Clone, Debug)]
pub enum Answer {
    /// By window, then by values; with `top` the greatest first, and those that are equal by
    /// their values. A group whose sums are all zero is left out.
    Sums(Vec<SumsRow>),
    /// By window, then by value. Counts of zero are left out.
    Distinct(Vec<DistinctRow>),
    /// By window, limit, model and user. Counts of zero are left out.
    Refusals(Vec<RefusalsRow>),
    KnownUsers(Vec<i64>),
    /// By id.
    SignUps(Vec<SignUp>),
    RecordCount(i64),
    SumsBetween(Sums),
    /// Ids that have a display name, with it; by id.
    Names(Vec<(String, String)>),
    DroppedBefore(Option<Time>),
    /// To any question: more than [`ROWS_MAX`] rows, or more than so many values to count.
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
    /// As registered, or else of the first successful entry; absent if neither is there.
    pub first_value_time: Option<Time>,
    pub last_use_time: Option<Time>,
}

/// Answers reports. General rules: see [`super::Store`].
#[async_trait]
pub trait ReportStore: Send + Sync + 'static {
    /// Must answer all questions from one consistent state, in their order: from the entries up to
    /// the cursor of the fold, those dropped included wherever the source is not
    /// [`Source::Records`]. Must not go through the log, but for [`Source::Records`],
    /// [`Question::SumsBetween`], and local days that lie in two windows because the zone of the
    /// workspace has changed. Of dropped days that lie in two windows, all must count in the one in
    /// which the day begins. Texts of answers must be ordered by their bytes.
    async fn report(&self, workspace_id: &str, questions: &[Question]) -> Result<Vec<Answer>>;
}
