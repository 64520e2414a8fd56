//! Sums of groups: from buckets, from records, or from both.

use sqlx::AssertSqlSafe;

use super::Report;
use super::buckets::Buckets;
use super::records::{Measure, Records};
use super::rows::{Rows, greatest_first};
use super::selection::Selection;
use crate::storage::Result;
use crate::storage::reports::{OrderBy, ROWS_MAX, ReportResult, SumsQuery};
use crate::storage::sql::connection::backend::Backend;
use crate::storage::sql::rollups::cut::{Cut, WindowColumn};
use crate::storage::sql::row::Reader;
use crate::storage::sql::statement::Values;

/// Most of the greatest groups of which the sums are looked up by their values. Beyond, the sums of
/// all groups are read.
const LOOKED_UP_MAX: usize = 2_000;

impl<DB: Backend> Report<'_, DB> {
    pub async fn sums(&mut self, query: &SumsQuery) -> Result<ReportResult> {
        query.check()?;
        let cut = self.cut(query.source, &query.windows, query.by_window).await?;
        if cut.is_empty() || query.filters.iter().any(|filter| filter.values.is_empty()) {
            return Ok(ReportResult::Sums(Vec::new()));
        }
        let mut selection = match cut.keys {
            Some(_) => Some(Selection::of(query.source, &query.group_by, &query.filters)?),
            None => None,
        };
        let mut rows = Rows::default();
        let mut is_whole = true;
        if let Some(selection) = &mut selection {
            // Where records are added to groups, the greatest are known at the end only.
            if let Some((order, count)) = query.top.filter(|_| cut.spans.is_empty())
                && !selection.groups.is_empty()
            {
                let found = self.greatest(selection, &cut, order, count.min(ROWS_MAX)).await?;
                if found.len() <= LOOKED_UP_MAX {
                    restrict(selection, &found);
                }
                rows.keep_only(found);
            }
            is_whole = self.add_buckets(selection, &cut, &mut rows).await?;
        }
        let records = self.records(query, &cut);
        is_whole = is_whole && self.add_records(&records, &mut rows).await?;
        let Some(mut rows) = rows.finish().filter(|_| is_whole) else {
            return Ok(ReportResult::TooMany);
        };
        if let Some((order, count)) = query.top {
            greatest_first(&mut rows, order);
            rows.truncate(count);
        }
        if query.latencies {
            self.add_latencies(selection.as_ref(), &records, &mut rows).await?;
        }
        Ok(ReportResult::Sums(rows))
    }

    fn records<'q>(&self, query: &'q SumsQuery, cut: &'q Cut) -> Records<'q>
    where
        Self: 'q,
    {
        Records {
            cursor: self.cursor,
            cut,
            groups: query.group_by.clone(),
            filters: &query.filters,
        }
    }

    /// The values of the greatest groups, as they are in buckets.
    async fn greatest(
        &mut self,
        selection: &Selection,
        cut: &Cut,
        order: OrderBy,
        count: usize,
    ) -> Result<Vec<Vec<String>>> {
        let mut values = Values::default();
        let buckets = Buckets {
            workspace_id: self.workspace_id,
            selection,
            cut,
            window: &WindowColumn::None,
        };
        let mut found = Vec::new();
        if selection.is_empty {
            return Ok(found);
        }
        // The group without the tag may be empty.
        let one_more = usize::from(selection.tag.as_ref().is_some_and(|tag| tag.absent));
        let sql = buckets.greatest(order, &mut values, count + one_more);
        self.snapshot
            .each(AssertSqlSafe(sql), values.as_slice(), &mut |mut reader| {
                found.push(read_values(selection, &mut reader)?);
                Ok(true)
            })
            .await?;
        Ok(found)
    }

    /// Returns whether they were not too many.
    async fn add_buckets(
        &mut self,
        selection: &Selection,
        cut: &Cut,
        rows: &mut Rows,
    ) -> Result<bool> {
        if selection.is_empty {
            return Ok(true);
        }
        let mut values = Values::default();
        let window = cut.of_buckets(false, &mut values);
        let buckets = Buckets { workspace_id: self.workspace_id, selection, cut, window: &window };
        let sql = buckets.sums(&mut values);
        let mut is_whole = true;
        self.snapshot
            .each(AssertSqlSafe(sql), values.as_slice(), &mut |mut reader| {
                let window = read_window(cut, &window, &mut reader)?;
                let values = read_values(selection, &mut reader)?;
                let sums = reader.get()?;
                if let Some(window) = window {
                    is_whole = rows.add(window, values, sums);
                }
                Ok(is_whole)
            })
            .await?;
        Ok(is_whole)
    }

    async fn add_records(&mut self, records: &Records<'_>, rows: &mut Rows) -> Result<bool> {
        let mut is_whole = true;
        for span in &records.cut.spans {
            let mut values = Values::default();
            let sql = records.statement(self.workspace_id, span, Measure::Sums, &mut values);
            self.snapshot
                .each(AssertSqlSafe(sql), values.as_slice(), &mut |mut reader| {
                    if let Some(group) = records.group(&mut reader)? {
                        is_whole = rows.add(group.window, group.values, reader.get()?);
                    }
                    Ok(is_whole)
                })
                .await?;
        }
        Ok(is_whole)
    }
}

/// Buckets of these groups alone.
fn restrict(selection: &mut Selection, groups: &[Vec<String>]) {
    for (index, place) in selection.groups.clone().into_iter().enumerate() {
        let mut values: Vec<String> = groups.iter().map(|group| group[index].clone()).collect();
        values.sort_unstable();
        values.dedup();
        selection.restrict(place, &values);
    }
}

/// The number of the window of a bucket; none if it counts in none.
pub fn read_window<'r>(
    cut: &Cut,
    window: &WindowColumn,
    reader: &mut impl Reader<'r>,
) -> Result<Option<usize>> {
    match window {
        WindowColumn::None => Ok(Some(0)),
        WindowColumn::Key => Ok(cut.window_of_key(reader.get()?)),
        WindowColumn::Number(_) => reader.get().map(Some),
    }
}

/// The values of a bucket's group.
pub fn read_values<'r>(selection: &Selection, reader: &mut impl Reader<'r>) -> Result<Vec<String>> {
    let mut values = Vec::with_capacity(selection.groups.len());
    for group in 0..selection.groups.len() {
        values.push(selection.text(group, reader.str()?).to_owned());
    }
    Ok(values)
}
