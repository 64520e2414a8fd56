//! Sums of groups: from buckets, from records, or from both.

use sqlx::AssertSqlSafe;

use super::Report;
use super::buckets::Buckets;
use super::entries::{Entries, Measure};
use super::rows::{Rows, greatest_first};
use super::shape::Shape;
use crate::storage::Result;
use crate::storage::reports::{Answer, OrderBy, ROWS_MAX, SumsQuestion};
use crate::storage::sql::connection::backend::Backend;
use crate::storage::sql::rollups::cut::{Cut, WindowColumn};
use crate::storage::sql::row::Reader;
use crate::storage::sql::statement::Values;

/// Most of the greatest groups of which the sums are looked up by their values. Beyond, the sums of
/// all groups are read.
const LOOKED_UP_MAX: usize = 2_000;

impl<DB: Backend> Report<'_, DB> {
    pub async fn sums(&mut self, question: &SumsQuestion) -> Result<Answer> {
        question.check()?;
        let cut = self.cut(question.source, &question.windows, question.by_window).await?;
        if cut.is_empty() || question.filters.iter().any(|filter| filter.values.is_empty()) {
            return Ok(Answer::Sums(Vec::new()));
        }
        let mut shape = match cut.keys {
            Some(_) => Some(Shape::of(question.source, &question.group_by, &question.filters)?),
            None => None,
        };
        let mut rows = Rows::default();
        let mut is_whole = true;
        if let Some(shape) = &mut shape {
            // Of groups that entries add to, the greatest are known at the end only.
            if let Some((order, count)) = question.top.filter(|_| cut.spans.is_empty())
                && !shape.groups.is_empty()
            {
                let found = self.greatest(shape, &cut, order, count.min(ROWS_MAX)).await?;
                if found.len() <= LOOKED_UP_MAX {
                    restrict(shape, &found);
                }
                rows.keep_only(found);
            }
            is_whole = self.add_buckets(shape, &cut, &mut rows).await?;
        }
        let entries = self.entries(question, &cut);
        is_whole = is_whole && self.add_entries(&entries, &mut rows).await?;
        let Some(mut rows) = rows.finish().filter(|_| is_whole) else { return Ok(Answer::TooMany) };
        if let Some((order, count)) = question.top {
            greatest_first(&mut rows, order);
            rows.truncate(count);
        }
        if question.latencies {
            self.add_latencies(shape.as_ref(), &entries, &mut rows).await?;
        }
        Ok(Answer::Sums(rows))
    }

    fn entries<'q>(&self, question: &'q SumsQuestion, cut: &'q Cut) -> Entries<'q>
    where
        Self: 'q,
    {
        Entries {
            cursor: self.cursor,
            cut,
            groups: question.group_by.clone(),
            filters: &question.filters,
        }
    }

    /// The values of the greatest groups, as they are in buckets.
    async fn greatest(
        &mut self,
        shape: &Shape,
        cut: &Cut,
        order: OrderBy,
        count: usize,
    ) -> Result<Vec<Vec<String>>> {
        let mut values = Values::default();
        let buckets =
            Buckets { workspace_id: self.workspace_id, shape, cut, window: &WindowColumn::None };
        let mut found = Vec::new();
        if shape.is_empty {
            return Ok(found);
        }
        // What does not have a tag may turn out to be nothing.
        let one_more = usize::from(shape.tag.as_ref().is_some_and(|tag| tag.absent));
        let sql = buckets.greatest(order, &mut values, count + one_more);
        self.snapshot
            .each(AssertSqlSafe(sql), values.as_slice(), &mut |mut reader| {
                found.push(read_values(shape, &mut reader)?);
                Ok(true)
            })
            .await?;
        Ok(found)
    }

    /// Answers whether they were not too many.
    async fn add_buckets(&mut self, shape: &Shape, cut: &Cut, rows: &mut Rows) -> Result<bool> {
        if shape.is_empty {
            return Ok(true);
        }
        let mut values = Values::default();
        let window = cut.of_buckets(false, &mut values);
        let buckets = Buckets { workspace_id: self.workspace_id, shape, cut, window: &window };
        let sql = buckets.sums(&mut values);
        let mut is_whole = true;
        self.snapshot
            .each(AssertSqlSafe(sql), values.as_slice(), &mut |mut reader| {
                let window = read_window(cut, &window, &mut reader)?;
                let values = read_values(shape, &mut reader)?;
                let sums = reader.get()?;
                if let Some(window) = window {
                    is_whole = rows.add(window, values, sums);
                }
                Ok(is_whole)
            })
            .await?;
        Ok(is_whole)
    }

    async fn add_entries(&mut self, entries: &Entries<'_>, rows: &mut Rows) -> Result<bool> {
        let mut is_whole = true;
        for span in &entries.cut.spans {
            let mut values = Values::default();
            let sql = entries.statement(self.workspace_id, span, Measure::Sums, &mut values);
            self.snapshot
                .each(AssertSqlSafe(sql), values.as_slice(), &mut |mut reader| {
                    if let Some(group) = entries.group(&mut reader)? {
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
fn restrict(shape: &mut Shape, groups: &[Vec<String>]) {
    for (index, place) in shape.groups.clone().into_iter().enumerate() {
        let mut values: Vec<String> = groups.iter().map(|group| group[index].clone()).collect();
        values.sort_unstable();
        values.dedup();
        shape.restrict(place, &values);
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
pub fn read_values<'r>(shape: &Shape, reader: &mut impl Reader<'r>) -> Result<Vec<String>> {
    let mut values = Vec::with_capacity(shape.groups.len());
    for group in 0..shape.groups.len() {
        values.push(shape.text(group, reader.str()?).to_owned());
    }
    Ok(values)
}
