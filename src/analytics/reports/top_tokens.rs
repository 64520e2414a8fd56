//! The values of a dimension with the most tokens.

use crate::analytics::Result;
use crate::analytics::batch::{Answers, Batch, Pending};
use crate::analytics::figures::token_count;
use crate::analytics::filters::Filters;
use crate::analytics::questions::{self, WindowSet};
use crate::analytics::range::ReportPeriod;
use crate::domain::attribution::Dimension;
use crate::storage::reports::{Axis, OrderBy, SumsQuery, SumsRow};
use crate::storage::rollup::Sums;

pub struct PendingTop(Pending<Vec<SumsRow>>);

impl PendingTop {
    /// Asks for at most so many values.
    pub fn ask(
        batch: &mut Batch,
        period: &ReportPeriod,
        filters: &Filters,
        dimension: Dimension,
        count: usize,
    ) -> PendingTop {
        let windows = WindowSet::whole(period.days.window);
        let question = questions::sums(&[Axis::Of(dimension)], &filters.of_usage, &windows, false);
        let top = Some((OrderBy::Tokens, count));
        PendingTop(batch.sums(SumsQuery { top, ..question }))
    }

    /// Values with their sums: most tokens first, then by value.
    pub fn read(self, answers: &mut Answers) -> Result<Vec<(String, Sums)>> {
        let value = |mut row: SumsRow| (row.values.pop().unwrap_or_default(), row.sums);
        let mut values: Vec<(String, Sums)> =
            answers.take(self.0)?.into_iter().map(value).collect();
        values.sort_by(|(a, a_sums), (b, b_sums)| {
            token_count(b_sums).cmp(&token_count(a_sums)).then_with(|| a.cmp(b))
        });
        Ok(values)
    }
}
