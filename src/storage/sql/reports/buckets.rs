//! Statements over rollup buckets: their sums, the greatest of them, and which values they have.

use super::selection::{BucketColumn, Selection, TagBuckets};
use crate::domain::attribution::Dimension;
use crate::storage::reports::OrderBy;
use crate::storage::rollup::Grain;
use crate::storage::sql::log::record::{TOKEN_COLUMNS, all_tokens};
use crate::storage::sql::rollups::cut::{Cut, WindowColumn};
use crate::storage::sql::rollups::{self, sum_columns};
use crate::storage::sql::row::{code, limit_value};
use crate::storage::sql::statement::{Values, group_by_first};

/// Most values of which a bucket is found by its whole key, day by day.
const FEW_VALUES_MAX: usize = 64;

/// A query over buckets of one workspace.
pub struct Buckets<'a> {
    pub workspace_id: &'a str,
    pub selection: &'a Selection,
    pub cut: &'a Cut,
    pub window: &'a WindowColumn,
}

impl<'a> Buckets<'a> {
    /// Window if there is a column, then groups.
    pub fn key_columns(&self) -> Vec<&'static str> {
        let window = match self.window {
            WindowColumn::None => None,
            WindowColumn::Key | WindowColumn::Number(_) => Some("window_key"),
        };
        let groups = self.selection.groups.iter().map(|place| match place {
            BucketColumn::Value => "value",
            BucketColumn::Model => "model",
        });
        window.into_iter().chain(groups).collect()
    }

    /// The sums of each group.
    pub fn sums(&self, values: &mut Values<'a>) -> String {
        let keys = self.key_columns();
        let mut columns: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        for sum in sum_columns() {
            columns.push(format!("CAST(COALESCE(SUM({sum}), 0) AS BIGINT)"));
        }
        let from = self.from(&sum_columns().join(", "), values);
        format!("SELECT {} FROM {from}{}", columns.join(", "), group_by_first(keys.len()))
    }

    /// The groups with the greatest sums, without them.
    pub fn greatest(&self, order: OrderBy, values: &mut Values<'a>, limit: usize) -> String {
        let keys = self.key_columns().join(", ");
        let (needs, sum) = match order {
            OrderBy::Cost => ("cost_nanos".to_owned(), "cost_nanos".to_owned()),
            OrderBy::Requests => ("record_count".to_owned(), "record_count".to_owned()),
            OrderBy::Errors => ("error_count".to_owned(), "error_count".to_owned()),
            OrderBy::Tokens => (TOKEN_COLUMNS.join(", "), all_tokens()),
        };
        let from = self.from(&needs, values);
        let limit = values.bind(limit_value(limit));
        format!(
            "SELECT {keys} FROM {from} GROUP BY {keys} \
             ORDER BY CAST(SUM({sum}) AS BIGINT) DESC, {keys} LIMIT {limit}"
        )
    }

    /// The groups in which something was used, but those of which the last column is empty.
    pub fn present(&self, values: &mut Values<'a>) -> String {
        let columns = self.key_columns();
        let counted = columns.last().copied().unwrap_or("value");
        let keys = columns.join(", ");
        let from = self.from("record_count", values);
        format!(
            "SELECT {keys} FROM {from} WHERE {counted} <> '' GROUP BY {keys} \
             HAVING SUM(record_count) > 0"
        )
    }

    /// The buckets, with columns for window, value, model and `sums`.
    fn from(&self, sums: &str, values: &mut Values<'a>) -> String {
        let mut parts = Vec::new();
        let selection = self.selection;
        let mut few_values = String::new();
        if selection.values.as_ref().is_none_or(|values| !values.is_empty()) {
            let few =
                selection.values.as_ref().is_some_and(|values| values.len() <= FEW_VALUES_MAX);
            let (table, _) = rollups::table(selection.grain);
            let (table, condition) = match &selection.values {
                Some(texts) if few && selection.grain == Grain::Hour => {
                    let rows: Vec<String> =
                        texts.iter().map(|text| format!("({})", values.text(text))).collect();
                    few_values = format!("WITH few (wanted) AS (VALUES {}) ", rows.join(", "));
                    (format!("few CROSS JOIN {table}"), self.few_hours(values))
                }
                _ => {
                    let place = self.place(selection.grain, selection.dimension, few, values);
                    (table.to_owned(), place + &self.value_condition(values))
                }
            };
            let columns = self.columns("value", "model", sums);
            parts.push(format!("SELECT {columns} FROM {table} WHERE {condition}"));
        }
        if let Some(tag) = selection.tag.as_ref().filter(|tag| tag.absent) {
            parts.extend(self.absent(tag, sums, values));
        }
        format!("({few_values}{}) AS parts", parts.join(" UNION ALL "))
    }

    /// Sums of what does not have a tag: everything less what has it.
    fn absent(&self, tag: &'a TagBuckets, sums: &str, values: &mut Values<'a>) -> [String; 2] {
        let selection = self.selection;
        let by_model = selection.grain == Grain::DayByModel;
        let (grain, dimension, model) = match selection.grain {
            Grain::Hour | Grain::Day => (selection.grain, Dimension::Workspace, "''"),
            Grain::DayByModel => (Grain::Day, Dimension::Model, "value"),
        };
        let mut all = self.place(grain, dimension, false, values);
        if by_model && let Some(models) = &selection.models {
            all.push_str(&format!(" AND value IN ({})", values.texts(models)));
        }
        let (table, _) = rollups::table(grain);
        let columns = self.columns("''", model, sums);
        let all = format!("SELECT {columns} FROM {table} WHERE {all}");

        let mut tagged = self.place(selection.grain, Dimension::Tag, false, values);
        tagged.push_str(&self.tag_condition(tag, values));
        tagged.push_str(&self.model_condition(values));
        let (table, _) = rollups::table(selection.grain);
        let negated: Vec<String> = sums.split(", ").map(|sum| format!("-{sum}")).collect();
        let columns = self.columns("''", "model", &negated.join(", "));
        [all, format!("SELECT {columns} FROM {table} WHERE {tagged}")]
    }

    /// The columns of a part that the query needs.
    fn columns(&self, value: &str, model: &str, sums: &str) -> String {
        let mut columns = Vec::new();
        match self.window {
            WindowColumn::None => {}
            WindowColumn::Key => columns.push(format!("{} AS window_key", self.key())),
            WindowColumn::Number(number) => columns.push(format!("{number} AS window_key")),
        }
        columns.push(format!("{value} AS value"));
        if self.selection.grain == Grain::DayByModel {
            columns.push(format!("{model} AS model"));
        }
        for sum in sums.split(", ") {
            columns.push(format!("{sum} AS {}", sum.trim_start_matches('-')));
        }
        columns.join(", ")
    }

    fn key(&self) -> &'static str {
        if self.selection.grain == Grain::Hour { "hour" } else { "day" }
    }

    /// Workspace, dimension and time.
    fn place(
        &self,
        grain: Grain,
        dimension: Dimension,
        few: bool,
        values: &mut Values<'a>,
    ) -> String {
        let workspace_id = values.text(self.workspace_id);
        let dimension = values.bind(code(dimension));
        let few = few && grain != Grain::Hour;
        let time = self.cut.condition(few, values);
        format!("workspace_id = {workspace_id} AND dimension = {dimension} {time}")
    }

    /// The hours of each value. Both in one comparison, so that SQLite does not scan the hours of
    /// all values.
    fn few_hours(&self, values: &mut Values<'a>) -> String {
        let workspace_id = values.text(self.workspace_id);
        let dimension = values.bind(code(self.selection.dimension));
        let range = self.cut.range();
        let (start, end) = (values.time(range.start), values.time(range.end));
        format!(
            "workspace_id = {workspace_id} AND dimension = {dimension} \
             AND (value, hour) >= (wanted, {start}) AND (value, hour) < (wanted, {end})"
        )
    }

    fn value_condition(&self, values: &mut Values<'a>) -> String {
        let mut condition = match (&self.selection.values, &self.selection.tag) {
            (Some(texts), _) => format!(" AND value IN ({})", values.texts(texts)),
            (None, Some(tag)) => self.tag_condition(tag, values),
            (None, None) => String::new(),
        };
        condition.push_str(&self.model_condition(values));
        condition
    }

    fn model_condition(&self, values: &mut Values<'a>) -> String {
        match &self.selection.models {
            Some(models) => format!(" AND model IN ({})", values.texts(models)),
            None => String::new(),
        }
    }

    fn tag_condition(&self, tag: &'a TagBuckets, values: &mut Values<'a>) -> String {
        let (first, end) = (values.text(&tag.first), values.text(&tag.end));
        format!(" AND value > {first} AND value < {end}")
    }

    /// How latencies are latency_groups, by day and value; `absent` ones see
    /// [`TagBuckets::absent`].
    pub fn latencies(&self, of: LatenciesOf, values: &mut Values<'a>) -> Option<String> {
        let selection = self.selection;
        let (dimension, condition) = match (of, &selection.tag) {
            (LatenciesOf::Values, _) => {
                if selection.values.as_ref().is_some_and(Vec::is_empty) {
                    return None;
                }
                let few = selection.values.as_ref().is_some_and(|all| all.len() <= FEW_VALUES_MAX);
                let mut condition = self.place(selection.grain, selection.dimension, few, values);
                condition.push_str(&self.value_condition(values));
                return Some(latencies(&condition));
            }
            (_, None) => return None,
            (_, Some(tag)) if !tag.absent => return None,
            (LatenciesOf::All, Some(_)) => (Dimension::Workspace, None),
            (LatenciesOf::Tagged, Some(tag)) => (Dimension::Tag, Some(tag)),
        };
        let mut place = self.place(selection.grain, dimension, false, values);
        if let Some(tag) = condition {
            place.push_str(&self.tag_condition(tag, values));
        }
        Some(latencies(&place))
    }
}

/// Which histograms to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LatenciesOf {
    /// Of the values of the query.
    Values,
    /// Of everything.
    All,
    /// Of what has the tag.
    Tagged,
}

fn latencies(condition: &str) -> String {
    format!("SELECT day, value, histogram FROM rollup_latencies WHERE {condition}")
}
