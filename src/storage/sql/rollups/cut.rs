//! Cutting windows of time into rollup buckets, and into records where a bucket lies in two of
//! them.
//!
//! A bucket by day counts whole where its first and its last record lie in the same window; where
//! they do not, because the workspace had another time zone then, its records are read one by one.
//! A dropped day has no records left: a report counts it in the window that it begins in, a limit
//! does not count it.
//!
//! By hour there are two cuts. Reports have windows of whole local hours: a bucket counts in the
//! window that its hour begins in. Limits have windows that begin and end at any time, and must be
//! exact: see [`exact_hours`].

use crate::domain::Time;
use crate::domain::time::calendar::Window;
use crate::domain::time::{MICROS_PER_DAY, MICROS_PER_HOUR};
use crate::storage::Result;
use crate::storage::reports::Source;
use crate::storage::rollup::LOCAL_DAY_MAX;
use crate::storage::sql::connection::backend::Backend;
use crate::storage::sql::connection::snapshot::Snapshot;
use crate::storage::sql::row::{Value, row, time};
use crate::storage::sql::statement::{Values, span_of};

/// Most spans of records that are read: those beyond are read with what lies between them.
const SPANS_MAX: usize = 8;
/// Most days that are listed one by one, where a query is for few values.
const DAYS_LISTED_MAX: usize = 400;

/// First and last record of a local day.
#[derive(Clone, Copy, Debug)]
pub struct LocalDay {
    pub day: Time,
    pub first_time: Time,
    pub last_time: Time,
}

row! { LocalDay { day, first_time, last_time } }

#[derive(Debug)]
pub struct Cut {
    /// In order, each beginning where the one before ends.
    windows: Vec<Window>,
    /// Buckets that count whole; none where records are read.
    pub keys: Option<Keys>,
    /// Records that are read one by one.
    pub spans: Vec<Span>,
}

#[derive(Debug)]
pub enum Keys {
    /// All hours that begin in the windows.
    Hours,
    Days {
        /// With the number of the window they count in, in order.
        whole: Vec<(Time, usize)>,
        /// Days between the first and the last of `whole` that do not count whole.
        others: Vec<Time>,
    },
}

/// Records of these days (of any if empty) charged in a span of time.
#[derive(Clone, Debug)]
pub struct Span {
    pub window: Window,
    pub days: Vec<Time>,
}

/// The column that has the window in which a row counts.
pub enum WindowColumn {
    /// There is one window, and no column.
    None,
    /// The hour or day of the bucket.
    Key,
    /// The number of the window, as this expression.
    Number(String),
}

impl Cut {
    /// `days` are those that may have records in the windows, in order; not used for other sources
    /// than days.
    pub fn new(
        source: Source,
        windows: &[Window],
        by_window: bool,
        days: &[LocalDay],
        dropped_before: Option<Time>,
    ) -> Cut {
        let mut cut = Cut { windows: Vec::new(), keys: None, spans: Vec::new() };
        let (Some(first), Some(last)) = (windows.first(), windows.last()) else { return cut };
        let range = Window { start: first.start, end: last.end };
        cut.windows = if by_window { windows.to_vec() } else { vec![range] };
        match source {
            Source::Hours => cut.keys = Some(Keys::Hours),
            Source::Days | Source::DaysByModel => cut.take_days(days, dropped_before),
            Source::Records => cut.spans.push(Span { window: range, days: Vec::new() }),
        }
        cut
    }

    pub fn is_empty(&self) -> bool {
        self.windows.is_empty()
    }

    pub fn is_one_window(&self) -> bool {
        self.windows.len() == 1
    }

    /// The number of the window that a time lies in.
    pub fn window_of(&self, time: Time) -> Option<usize> {
        let number = self.windows.partition_point(|window| window.end <= time);
        self.windows.get(number).filter(|window| window.contains(time)).map(|_| number)
    }

    /// The number of the window that a bucket counts in.
    pub fn window_of_key(&self, key: Time) -> Option<usize> {
        match &self.keys {
            Some(Keys::Hours) => self.window_of(key),
            Some(Keys::Days { whole, .. }) => {
                let place = whole.binary_search_by_key(&key, |(day, _)| *day).ok()?;
                Some(whole[place].1)
            }
            None => None,
        }
    }

    /// Whether no two buckets count in the same window.
    fn is_one_to_one(&self) -> bool {
        match &self.keys {
            Some(Keys::Days { whole, .. }) => {
                let mut numbers: Vec<usize> = whole.iter().map(|(_, window)| *window).collect();
                numbers.sort_unstable();
                numbers.windows(2).all(|pair| pair[0] != pair[1])
            }
            Some(Keys::Hours) | None => false,
        }
    }

    /// The window column of buckets. `exact`: rows of the same window must have the same value.
    pub fn of_buckets(&self, exact: bool, values: &mut Values<'_>) -> WindowColumn {
        if self.is_one_window() {
            return WindowColumn::None;
        }
        match &self.keys {
            Some(Keys::Hours) if exact => WindowColumn::Number(self.number_of("hour", values)),
            Some(Keys::Days { whole, .. }) if !self.is_one_to_one() => {
                // Few numbers in long runs of days: where windows are weeks or months.
                let mut runs: Vec<(String, usize)> = Vec::new();
                for pair in whole.windows(2) {
                    if pair[0].1 != pair[1].1 {
                        runs.push((values.time(pair[1].0), pair[0].1));
                    }
                }
                let last = whole.last().map_or(0, |(_, window)| *window);
                WindowColumn::Number(span_of("day", &runs, last))
            }
            _ => WindowColumn::Key,
        }
    }

    /// The window column of records, or of buckets by hour.
    pub fn of_times(&self, column: &str, values: &mut Values<'_>) -> WindowColumn {
        if self.is_one_window() {
            return WindowColumn::None;
        }
        WindowColumn::Number(self.number_of(column, values))
    }

    /// The condition on the hour or day of buckets. `few`: the query is for few values, which are
    /// found faster by their whole key.
    pub fn condition(&self, few: bool, values: &mut Values<'_>) -> String {
        match &self.keys {
            Some(Keys::Days { whole, .. })
                if few && (1..=DAYS_LISTED_MAX).contains(&whole.len()) =>
            {
                let days = values.times(whole.iter().map(|(day, _)| *day));
                format!("AND day IN ({days})")
            }
            Some(Keys::Days { .. }) => self.days_condition(None, values),
            Some(Keys::Hours) | None => self.time_condition("hour", values),
        }
    }

    /// The condition on the day of buckets that count whole. `behind` are the columns that an index
    /// has before the day, and their placeholders.
    pub fn days_condition(&self, behind: Option<(&str, &str)>, values: &mut Values<'_>) -> String {
        let Some(Keys::Days { whole, others }) = &self.keys else { return String::new() };
        let (Some(first), Some(last)) = (whole.first(), whole.last()) else {
            return "AND 1 = 0".to_owned();
        };
        let (first, last) = (values.time(first.0), values.time(last.0));
        let mut condition = match behind {
            None => format!("AND day >= {first} AND day <= {last}"),
            Some((columns, values)) => format!(
                "AND ({columns}, day) >= ({values}, {first}) \
                 AND ({columns}, day) <= ({values}, {last})"
            ),
        };
        if !others.is_empty() {
            let others = values.times(others.iter().copied());
            condition.push_str(&format!(" AND day NOT IN ({others})"));
        }
        condition
    }

    /// All windows together.
    pub fn range(&self) -> Window {
        let start = self.windows.first().map_or(Time::default(), |window| window.start);
        let end = self.windows.last().map_or(Time::default(), |window| window.end);
        Window { start, end }
    }

    /// Rows whose `column` lies in one of the windows.
    pub fn time_condition(&self, column: &str, values: &mut Values<'_>) -> String {
        let range = self.range();
        let (start, end) = (values.time(range.start), values.time(range.end));
        format!("AND {column} >= {start} AND {column} < {end}")
    }

    fn number_of(&self, column: &str, values: &mut Values<'_>) -> String {
        let Some((_, before)) = self.windows.split_last() else { return "0".to_owned() };
        let ends: Vec<(String, usize)> =
            (0..).zip(before).map(|(number, window)| (values.time(window.end), number)).collect();
        span_of(column, &ends, before.len())
    }

    fn take_days(&mut self, days: &[LocalDay], dropped_before: Option<Time>) {
        let mut whole = Vec::new();
        let mut others = Vec::new();
        for local in days {
            let first = self.window_of(local.first_time);
            let last = self.window_of(local.last_time);
            let is_dropped = dropped_before.is_some_and(|before| local.day < before);
            let window = if self.is_whole(local) {
                first
            } else if is_dropped {
                self.window_of(local.day)
            } else {
                if first.is_some() || last.is_some() || self.lies_between(local) {
                    self.add_to_spans(local);
                }
                None
            };
            match window {
                Some(window) => whole.push((local.day, window)),
                None => others.push(local.day),
            }
        }
        if let (Some(first), Some(last)) = (whole.first(), whole.last()) {
            others.retain(|day| first.0 < *day && *day < last.0);
        }
        self.keys = Some(Keys::Days { whole, others });
    }

    /// Whether all records of a day lie in one window, or outside of all on the same side.
    fn is_whole(&self, local: &LocalDay) -> bool {
        let number = |time: Time| {
            let begun = self.windows.partition_point(|window| window.start <= time);
            let ended = self.windows.partition_point(|window| window.end <= time);
            (begun, ended)
        };
        number(local.first_time) == number(local.last_time)
    }

    /// Whether the windows lie between two records of a day.
    fn lies_between(&self, local: &LocalDay) -> bool {
        let after_first =
            self.windows.first().is_some_and(|window| local.first_time < window.start);
        let before_last = self.windows.last().is_some_and(|window| local.last_time >= window.end);
        after_first && before_last
    }

    fn add_to_spans(&mut self, local: &LocalDay) {
        let (Some(first), Some(last)) = (self.windows.first(), self.windows.last()) else { return };
        let window = Window {
            start: local.first_time.max(first.start),
            end: (local.last_time + 1).min(last.end),
        };
        let is_full = self.spans.len() == SPANS_MAX;
        match self.spans.last_mut() {
            Some(span) if is_full || window.start - span.window.end <= MICROS_PER_DAY => {
                span.window.start = span.window.start.min(window.start);
                span.window.end = span.window.end.max(window.end);
                span.days.push(local.day);
            }
            _ => self.spans.push(Span { window, days: vec![local.day] }),
        }
    }
}

/// The local days that may have records in the windows, in order.
pub async fn local_days<DB: Backend>(
    snapshot: &mut Snapshot<DB>,
    workspace_id: &str,
    range: Window,
) -> Result<Vec<LocalDay>> {
    let sql = "SELECT day, first_time, last_time FROM local_days \
               WHERE workspace_id = $1 AND day > $2 AND day < $3 AND last_time >= $4 ORDER BY day";
    let values = [
        Value::Text(workspace_id),
        time(range.start - LOCAL_DAY_MAX),
        time(range.end),
        time(range.start),
    ];
    snapshot.rows(sql, &values).await
}

/// The cursor of the fold, and whether a bucket reaches over the beginning and over the end: one
/// whose hour began less than an hour before. Dimension 0 is the workspace.
const OVER_THE_ENDS: &str = "\
    SELECT seq, \
      CAST(CASE WHEN EXISTS (SELECT 1 FROM rollups_by_hour WHERE workspace_id = $1 \
        AND dimension = 0 AND hour > $2 AND hour < $3) THEN 1 ELSE 0 END AS BIGINT), \
      CAST(CASE WHEN EXISTS (SELECT 1 FROM rollups_by_hour WHERE workspace_id = $1 \
        AND dimension = 0 AND hour > $4 AND hour < $5) THEN 1 ELSE 0 END AS BIGINT) \
    FROM fold_cursor WHERE id = 1";

/// Cuts one window with any beginning and end, for an exact sum.
///
/// A bucket counts whole where its hour lies in the window. Where it does not, its records are
/// within an hour of one of the ends, and are summed one by one; where no bucket reaches over an
/// end, as where windows begin with an hour, none of them is even looked at. What is not folded
/// yet is summed one by one too.
///
/// Returns the values of `$1` (the workspace) to `$7`, for four parts of a statement: buckets
/// (`$2 <= hour <= $4`), records that are not folded (`seq > $6`, `$2 <= charge_time < $3`), and
/// those that are folded in buckets that reach over the beginning (`$2 <= charge_time < $5`,
/// `hour < $2`) and over the end (`$7 <= charge_time < $3`, `hour > $4`, `hour >= $2`). How they
/// must be written, so that databases find them, is in `consumption.rs`.
pub async fn exact_hours<'a, DB: Backend>(
    snapshot: &mut Snapshot<DB>,
    workspace_id: &'a str,
    Window { start: from, end: to }: Window,
) -> Result<[Value<'a>; 7]> {
    // The last hour that ends in the window.
    let last_hour = to - MICROS_PER_HOUR;
    let values = [
        Value::Text(workspace_id),
        time(from - MICROS_PER_HOUR),
        time(from),
        time(last_hour),
        time(to),
    ];
    let (cursor, over_from, over_to): (i64, i64, i64) =
        snapshot.row(OVER_THE_ENDS, &values).await?;
    // Records of an hour that began before the window lie before this.
    let early_end = if over_from == 1 { to.min(from + MICROS_PER_HOUR) } else { from };
    // Records of an hour that ends after the window lie at or after this.
    let late_start = if over_to == 1 { from.max(last_hour) } else { to };
    Ok([
        Value::Text(workspace_id),
        time(from),
        time(to),
        time(last_hour),
        time(early_end),
        Value::Int(cursor),
        time(late_start),
    ])
}
