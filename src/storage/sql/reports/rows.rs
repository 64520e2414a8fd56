//! Result rows, joined from several statements.

use std::collections::HashSet;

use crate::storage::reports::{OrderBy, ROWS_MAX, SumsRow};
use crate::storage::rollup::Sums;

/// Sums of groups. Those of the same group are added up.
#[derive(Default)]
pub struct Rows {
    rows: Vec<SumsRow>,
    /// The only groups to keep, if they are known.
    only: Option<HashSet<Vec<String>>>,
}

impl Rows {
    pub fn keep_only(&mut self, groups: Vec<Vec<String>>) {
        self.only = Some(groups.into_iter().collect());
    }

    /// Returns whether more can be added: not once there are far more than [`ROWS_MAX`] groups.
    pub fn add(&mut self, window: usize, values: Vec<String>, sums: Sums) -> bool {
        if self.only.as_ref().is_some_and(|only| !only.contains(&values)) {
            return true;
        }
        self.rows.push(SumsRow { window, values, sums, latencies: None });
        if self.rows.len() > 2 * ROWS_MAX {
            self.add_up();
        }
        self.rows.len() <= 2 * ROWS_MAX
    }

    /// The groups by window and values, but for those of which all sums are zero; `None` if they
    /// are too many.
    pub fn finish(mut self) -> Option<Vec<SumsRow>> {
        self.add_up();
        self.rows.retain(|row| row.sums != Sums::default());
        (self.rows.len() <= ROWS_MAX).then_some(self.rows)
    }

    fn add_up(&mut self) {
        self.rows.sort_by(|a, b| (a.window, &a.values).cmp(&(b.window, &b.values)));
        self.rows.dedup_by(|next, row| {
            let is_same = (next.window, &next.values) == (row.window, &row.values);
            if is_same {
                row.sums.merge(&next.sums);
            }
            is_same
        });
    }
}

/// The greatest rows first, those that are equal by their values.
pub fn greatest_first(rows: &mut [SumsRow], order: OrderBy) {
    rows.sort_by(|a, b| {
        let by_metric = metric(&b.sums, order).cmp(&metric(&a.sums, order));
        by_metric.then_with(|| a.values.cmp(&b.values))
    });
}

fn metric(sums: &Sums, order: OrderBy) -> i64 {
    match order {
        OrderBy::Cost => sums.cost_nanos,
        OrderBy::Requests => sums.record_count,
        OrderBy::Tokens => sums.tokens.iter().sum(),
        OrderBy::Errors => sums.error_count,
    }
}
