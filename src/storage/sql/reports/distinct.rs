//! Counts of distinct values of a dimension.

use std::collections::{BTreeMap, HashSet};

use sqlx::AssertSqlSafe;

use super::Report;
use super::buckets::Buckets;
use super::records::{Measure, Records};
use super::selection::{Selection, refused};
use super::sums::{read_values, read_window};
use crate::domain::attribution::Dimension;
use crate::storage::Result;
use crate::storage::reports::{Axis, DistinctQuery, DistinctRow, ROWS_MAX, ReportResult};
use crate::storage::sql::connection::backend::Backend;
use crate::storage::sql::rollups::cut::Cut;
use crate::storage::sql::row::Reader;
use crate::storage::sql::statement::{Values, group_by_first};

/// Values by window and group, each once.
type Found = HashSet<(usize, String, String)>;

impl<DB: Backend> Report<'_, DB> {
    pub async fn distinct(&mut self, query: &DistinctQuery) -> Result<ReportResult> {
        if matches!(query.counted, Dimension::Workspace | Dimension::Tag) {
            return Err(refused(&format!("values of {:?} are not counted", query.counted)));
        }
        let cut = self.cut(query.source, &query.windows, query.by_window).await?;
        if cut.is_empty() || query.filters.iter().any(|filter| filter.values.is_empty()) {
            return Ok(ReportResult::Distinct(Vec::new()));
        }
        let counted = Axis::Of(query.counted);
        let mut groups: Vec<Axis> = query.group_by.iter().cloned().collect();
        let is_own_group = groups.contains(&counted);
        if !is_own_group {
            groups.push(counted);
        }
        let selection = match cut.keys {
            Some(_) => Some(Selection::of(query.source, &groups, &query.filters)?),
            None => None,
        };
        if let Some(selection) =
            selection.as_ref().filter(|_| cut.spans.is_empty() && !is_own_group)
        {
            return self.count_buckets(selection, &cut).await;
        }
        let mut found = Found::default();
        if let Some(selection) = &selection {
            self.find_in_buckets(selection, &cut, &mut found).await?;
        }
        let records = Records { cursor: self.cursor, cut: &cut, groups, filters: &query.filters };
        self.find_in_records(&records, &mut found).await?;
        if found.len() > ROWS_MAX {
            return Ok(ReportResult::TooMany);
        }
        let mut counts: BTreeMap<(usize, String), i64> = BTreeMap::new();
        for (window, value, _) in found {
            *counts.entry((window, value)).or_default() += 1;
        }
        let row = |((window, value), count)| DistinctRow { window, value, count };
        Ok(ReportResult::Distinct(counts.into_iter().map(row).collect()))
    }

    /// Lets the database count: no value is in two places.
    async fn count_buckets(&mut self, selection: &Selection, cut: &Cut) -> Result<ReportResult> {
        let mut rows: Vec<DistinctRow> = Vec::new();
        if selection.is_empty {
            return Ok(ReportResult::Distinct(rows));
        }
        let mut values = Values::default();
        let window = cut.of_buckets(true, &mut values);
        let buckets = Buckets { workspace_id: self.workspace_id, selection, cut, window: &window };
        let present = buckets.present(&mut values);
        let mut keys = buckets.key_columns();
        keys.pop();
        let columns: String = keys.iter().map(|key| format!("{key}, ")).collect();
        let sql = format!(
            "SELECT {columns}COUNT(*) FROM ({present}) AS present{} LIMIT {}",
            group_by_first(keys.len()),
            ROWS_MAX + 1
        );
        self.snapshot
            .each(AssertSqlSafe(sql), values.as_slice(), &mut |mut reader| {
                let window = read_window(cut, &window, &mut reader)?;
                let is_grouped = selection.groups.len() > 1;
                let value =
                    if is_grouped { selection.text(0, reader.str()?) } else { "" }.to_owned();
                let count = reader.get()?;
                if let Some(window) = window.filter(|_| count > 0) {
                    rows.push(DistinctRow { window, value, count });
                }
                Ok(true)
            })
            .await?;
        if rows.len() > ROWS_MAX {
            return Ok(ReportResult::TooMany);
        }
        rows.sort_by(|a, b| (a.window, &a.value).cmp(&(b.window, &b.value)));
        Ok(ReportResult::Distinct(rows))
    }

    async fn find_in_buckets(
        &mut self,
        selection: &Selection,
        cut: &Cut,
        found: &mut Found,
    ) -> Result<()> {
        if selection.is_empty {
            return Ok(());
        }
        let mut values = Values::default();
        let window = cut.of_buckets(false, &mut values);
        let buckets = Buckets { workspace_id: self.workspace_id, selection, cut, window: &window };
        let sql = buckets.present(&mut values);
        self.snapshot
            .each(AssertSqlSafe(sql), values.as_slice(), &mut |mut reader| {
                if let Some(window) = read_window(cut, &window, &mut reader)? {
                    add(found, window, read_values(selection, &mut reader)?);
                }
                Ok(found.len() <= ROWS_MAX)
            })
            .await
    }

    async fn find_in_records(&mut self, records: &Records<'_>, found: &mut Found) -> Result<()> {
        for span in &records.cut.spans {
            let mut values = Values::default();
            let measure = Measure::Presence;
            let sql = records.statement(self.workspace_id, span, measure, &mut values);
            self.snapshot
                .each(AssertSqlSafe(sql), values.as_slice(), &mut |mut reader| {
                    if let Some(group) = records.group(&mut reader)? {
                        add(found, group.window, group.values);
                    }
                    Ok(found.len() <= ROWS_MAX)
                })
                .await?;
        }
        Ok(())
    }
}

/// `values` are that of the group, if there is one, and what is counted; or both in one.
fn add(found: &mut Found, window: usize, mut values: Vec<String>) {
    let Some(counted) = values.pop().filter(|counted| !counted.is_empty()) else { return };
    let group = values.pop().unwrap_or_default();
    found.insert((window, group, counted));
}
