//! The greatest values of a dimension, by their tokens, requests or cost.

use crate::analytics::Result;
use crate::analytics::batch::{Answers, Batch, Pending};
use crate::analytics::figures::token_count;
use crate::analytics::filters::Filters;
use crate::analytics::questions::{self, WindowSet};
use crate::analytics::range::ReportPeriod;
use crate::domain::attribution::Dimension;
use crate::storage::reports::{Axis, OrderBy, SumsQuery, SumsRow};
use crate::storage::rollup::Sums;

pub struct PendingTop {
    sums: Pending<Vec<SumsRow>>,
    order_by: OrderBy,
}

impl PendingTop {
    /// Asks for at most so many values.
    pub fn ask(
        batch: &mut Batch,
        period: &ReportPeriod,
        filters: &Filters,
        dimension: Dimension,
        (order_by, count): (OrderBy, usize),
    ) -> PendingTop {
        let windows = WindowSet::whole(period.days.window);
        let question = questions::sums(&[Axis::Of(dimension)], &filters.of_usage, &windows, false);
        let top = Some((order_by, count));
        PendingTop { sums: batch.sums(SumsQuery { top, ..question }), order_by }
    }

    /// Values with their sums: the greatest first, then by value.
    pub fn read(self, answers: &mut Answers) -> Result<Vec<(String, Sums)>> {
        let value = |mut row: SumsRow| (row.values.pop().unwrap_or_default(), row.sums);
        let mut values: Vec<(String, Sums)> =
            answers.take(self.sums)?.into_iter().map(value).collect();
        let order_by = self.order_by;
        values.sort_by(|(a, a_sums), (b, b_sums)| {
            measure(order_by, b_sums).cmp(&measure(order_by, a_sums)).then_with(|| a.cmp(b))
        });
        Ok(values)
    }
}

fn measure(order_by: OrderBy, sums: &Sums) -> i64 {
    match order_by {
        OrderBy::Cost => sums.cost_nanos,
        OrderBy::Requests => sums.record_count,
        OrderBy::Tokens => token_count(sums),
        OrderBy::Errors => sums.error_count,
    }
}
