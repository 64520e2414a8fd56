//! How the windows of a question are cut into buckets, and into entries where a bucket lies in two
//! of them.
//!
//! A bucket by hour counts in the window that the hour begins in. A bucket by day counts whole
//! where its first and its last entry lie in the same window; where they do not, because the
//! workspace had another zone then, its entries are read one by one. What a day has in the log may
//! be dropped: then it counts in the window that it begins in.

use super::super::backend::{Backend, Value};
use super::super::codec::{Reader, time};
use super::super::snapshot::Snapshot;
use super::statement::{Values, safe, span_of};
use crate::domain::Time;
use crate::domain::calendar::Window;
use crate::domain::time::MICROS_PER_DAY;
use crate::storage::Result;
use crate::storage::reports::Source;
use crate::storage::rollup::LOCAL_DAY_MAX;

/// Most spans of entries that are read: those beyond are read with what lies between them.
const SPANS_MAX: usize = 8;
/// Most days that are named one by one, where few values are asked for.
const DAYS_LISTED_MAX: usize = 400;

/// First and last entry of a local day.
#[derive(Clone, Copy, Debug)]
pub struct LocalDay {
    pub day: Time,
    pub first_time: Time,
    pub last_time: Time,
}

#[derive(Debug)]
pub struct Cut {
    /// In order, each beginning where the one before ends.
    windows: Vec<Window>,
    /// Buckets that count whole; none where entries are read.
    pub keys: Option<Keys>,
    /// Entries that are read one by one.
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

/// Entries of these days (of any if empty) charged in a span of time.
#[derive(Clone, Debug)]
pub struct Span {
    pub window: Window,
    pub days: Vec<Time>,
}

/// How a column says which window a row counts in.
pub enum WindowColumn {
    /// There is one window, and no column.
    None,
    /// The hour or day of the bucket.
    Key,
    /// The number of the window, told by this expression.
    Number(String),
}

impl Cut {
    /// `days` are those that may have entries in the windows, in order; not looked at for other
    /// sources than days.
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

    /// How buckets say their window. `exact`: rows of the same window must not come apart.
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

    /// How entries, or buckets by hour, say their window.
    pub fn of_times(&self, column: &str, values: &mut Values<'_>) -> WindowColumn {
        if self.is_one_window() {
            return WindowColumn::None;
        }
        WindowColumn::Number(self.number_of(column, values))
    }

    /// The condition on the hour or day of buckets. `few`: of each bucket little is asked for, so
    /// that it is found sooner by its whole key.
    pub fn condition(&self, few: bool, values: &mut Values<'_>) -> String {
        match &self.keys {
            Some(Keys::Days { whole, others }) => {
                let (Some(first), Some(last)) = (whole.first(), whole.last()) else {
                    return "AND 1 = 0".to_owned();
                };
                if few && whole.len() <= DAYS_LISTED_MAX {
                    let days = values.times(whole.iter().map(|(day, _)| *day));
                    return format!("AND day IN ({days})");
                }
                let (first, last) = (values.time(first.0), values.time(last.0));
                let mut condition = format!("AND day >= {first} AND day <= {last}");
                if !others.is_empty() {
                    let others = values.times(others.iter().copied());
                    condition.push_str(&format!(" AND day NOT IN ({others})"));
                }
                condition
            }
            Some(Keys::Hours) | None => self.time_condition("hour", values),
        }
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

    /// Whether all entries of a day lie in one window, or outside of all on the same side.
    fn is_whole(&self, local: &LocalDay) -> bool {
        let number = |time: Time| {
            let begun = self.windows.partition_point(|window| window.start <= time);
            let ended = self.windows.partition_point(|window| window.end <= time);
            (begun, ended)
        };
        number(local.first_time) == number(local.last_time)
    }

    /// Whether the windows lie between two entries of a day.
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

/// The local days that may have entries in the windows, in order.
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
    let mut days = Vec::new();
    snapshot
        .each(safe(sql.to_owned()), &values, &mut |row| {
            let mut reader = Reader::<DB>::new(row);
            days.push(LocalDay {
                day: reader.time()?,
                first_time: reader.time()?,
                last_time: reader.time()?,
            });
            Ok(true)
        })
        .await?;
    Ok(days)
}
