//! Statements over the records of the log, for queries that buckets do not know.
//!
//! Tags are stored as one text, and the databases have different functions for JSON: records are
//! grouped by all of their tags, and these groups are joined here.

use crate::domain::attribution::Dimension;
use crate::storage::Result;
use crate::storage::reports::{Axis, Filter};
use crate::storage::sql::rollups::cut::{Cut, Span, WindowColumn};
use crate::storage::sql::rollups::{self, sum_columns};
use crate::storage::sql::row::{Reader, Tags, Value};
use crate::storage::sql::statement::{Values, group_by_first};

/// What one record adds to each sum that is not a column of its own
/// ([`crate::storage::rollup::Sums::add`]). Kind 0 is usage; outcomes 1 and 2 are errors and
/// cancellations.
const COUNTS: [(&str, &str); 3] = [
    ("record_count", "CASE WHEN kind = 0 THEN 1 ELSE 0 END"),
    ("error_count", "CASE WHEN kind = 0 AND outcome = 1 THEN 1 ELSE 0 END"),
    ("cancelled_count", "CASE WHEN kind = 0 AND outcome = 2 THEN 1 ELSE 0 END"),
];
/// The names of [`Dimension::Outcome`] by code.
const OUTCOME: &str = "CASE outcome WHEN 0 THEN 'success' WHEN 1 THEN 'error' ELSE 'cancelled' END";

/// A query over the records of one workspace up to the cursor of the fold.
pub struct Records<'a> {
    pub cursor: i64,
    pub cut: &'a Cut,
    pub groups: Vec<Axis>,
    pub filters: &'a [Filter],
}

/// What is returned of each group of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    Sums,
    /// How many of kind usage took so many milliseconds, of those that have a latency.
    Milliseconds,
    /// Nothing but that there are records of kind usage.
    Presence,
}

/// A group of records.
pub struct Group {
    pub window: usize,
    pub values: Vec<String>,
}

impl<'a> Records<'a> {
    /// Columns: window if there are several, groups that are not tags, tags if any is an axis, and
    /// then the measure.
    pub fn statement<'v>(
        &'v self,
        workspace_id: &'v str,
        span: &Span,
        measure: Measure,
        values: &mut Values<'v>,
    ) -> String {
        let mut columns = Vec::new();
        if let WindowColumn::Number(number) = self.cut.of_times("charge_time", values) {
            columns.push(number);
        }
        for axis in &self.groups {
            if let Axis::Of(dimension) = axis {
                columns.push(column(*dimension).to_owned());
            }
        }
        if self.looks_at_tags() {
            columns.push("tags".to_owned());
        }
        if measure == Measure::Milliseconds {
            columns.push("latency / 1000".to_owned());
        }
        let group_by = group_by_first(columns.len());
        match measure {
            Measure::Sums => columns.extend(sums()),
            Measure::Milliseconds => columns.push("COUNT(*)".to_owned()),
            Measure::Presence => {}
        }
        let place = values.text(workspace_id);
        let condition = self.condition(&place, span, measure, values);
        format!("SELECT {} FROM usage_records WHERE {condition}{group_by}", columns.join(", "))
    }

    /// Reads the first columns of a row; `None` for records that a filter excludes.
    pub fn group<'r>(&self, reader: &mut impl Reader<'r>) -> Result<Option<Group>> {
        let window = if self.cut.is_one_window() { 0 } else { reader.get()? };
        let mut values = Vec::with_capacity(self.groups.len());
        for axis in &self.groups {
            values.push(match axis {
                Axis::Of(_) => reader.get()?,
                Axis::Tag(_) => String::new(),
            });
        }
        if self.looks_at_tags() {
            let Tags(tags) = reader.get()?;
            let of = |key: &str| tags.get(key).map_or("", String::as_str);
            for filter in self.filters {
                if let Axis::Tag(key) = &filter.axis
                    && !filter.values.iter().any(|value| value == of(key))
                {
                    return Ok(None);
                }
            }
            for (axis, value) in self.groups.iter().zip(&mut values) {
                if let Axis::Tag(key) = axis {
                    *value = of(key).to_owned();
                }
            }
        }
        Ok(Some(Group { window, values }))
    }

    fn looks_at_tags(&self) -> bool {
        let is_tag = |axis: &Axis| matches!(axis, Axis::Tag(_));
        self.groups.iter().any(is_tag) || self.filters.iter().any(|filter| is_tag(&filter.axis))
    }

    fn condition<'v>(
        &'v self,
        workspace_id: &str,
        span: &Span,
        measure: Measure,
        values: &mut Values<'v>,
    ) -> String {
        let (start, end) = (values.time(span.window.start), values.time(span.window.end));
        let cursor = values.bind(Value::Int(self.cursor));
        // `+ 0`: not by the index of `seq`, which selects most of the log.
        let mut condition = format!(
            "workspace_id = {workspace_id} AND charge_time >= {start} AND charge_time < {end} \
             AND seq + 0 <= {cursor}"
        );
        if !span.days.is_empty() {
            let days = values.times(span.days.iter().copied());
            condition.push_str(&format!(" AND day IN ({days})"));
        }
        match measure {
            Measure::Sums => {}
            Measure::Milliseconds => condition.push_str(" AND kind = 0 AND latency > 0"),
            Measure::Presence => condition.push_str(" AND kind = 0"),
        }
        for filter in self.filters {
            if let Axis::Of(dimension) = filter.axis {
                let texts = values.texts(&filter.values);
                condition.push_str(&format!(" AND {} IN ({texts})", column(dimension)));
            }
        }
        condition
    }
}

/// The columns of [`crate::storage::rollup::Sums`], of records.
pub fn sums() -> Vec<String> {
    let of_record = |name: &str| {
        let count = COUNTS.iter().find(|(count, _)| *count == name);
        count.map_or_else(|| name.to_owned(), |(_, expression)| (*expression).to_owned())
    };
    let sum = |name| format!("CAST(COALESCE(SUM({}), 0) AS BIGINT)", of_record(name));
    sum_columns().into_iter().map(sum).collect()
}

fn column(dimension: Dimension) -> &'static str {
    if dimension == Dimension::Outcome { OUTCOME } else { rollups::column(dimension) }
}
