//! Executes a planned query for the selected groups, in one batch.

use super::figure_table::{FigureTable, ResultSet, Results};
use super::figures_query::{FiguresQuery, Groups, PendingFigures};
use super::plan::Plan;
use super::selection::Selection;
use crate::analytics::Result;
use crate::analytics::batch::{Answers, Batch};
use crate::analytics::questions::WindowSet;

/// A result set whose batch has not run yet.
struct PendingSet<'a> {
    total: PendingFigures<'a>,
    groups: Option<PendingFigures<'a>>,
}

/// Computes the figures of the total, the selected groups and the others, over all windows.
///
/// # Errors
/// If a cost overflows an amount, or storage fails.
pub async fn execute(plan: &Plan<'_>, selection: &Selection) -> Result<Results> {
    let selected = Groups::Selected { keys: &selection.keys, others: selection.others.as_deref() };
    let query = |groups, windows| FiguresQuery::new(plan, &plan.measures, groups, windows);
    let mut batch = Batch::default();
    let mut ask = |windows: WindowSet| {
        let total = query(Groups::Total, windows.clone()).ask(&mut batch);
        let has_groups = !plan.query.group_by.is_empty();
        let groups = has_groups.then(|| query(selected, windows).ask(&mut batch));
        PendingSet { total, groups }
    };
    let period = ask(WindowSet::whole(plan.period.days.window));
    let previous =
        plan.query.compare_previous.then(|| ask(WindowSet::whole(plan.period.previous.window)));
    let points = (!plan.buckets.is_empty()).then(|| ask(plan.bucket_windows()));
    let mut answers = batch.run(&plan.scope).await?;
    Ok(Results {
        period: period.read(&mut answers)?,
        previous: previous.map(|pending| pending.read(&mut answers)).transpose()?,
        points: points.map(|pending| pending.read(&mut answers)).transpose()?,
    })
}

impl PendingSet<'_> {
    fn read(self, answers: &mut Answers) -> Result<ResultSet> {
        let total = self.total.read(answers)?;
        let groups = match self.groups {
            Some(groups) => groups.read(answers)?,
            None => FigureTable::default(),
        };
        Ok(ResultSet { total, groups })
    }
}
