//! Usage queries: metrics by up to two dimensions over time.
//!
//! A query is validated, planned, and run in two steps: the greatest groups are selected, then
//! their figures, those of the total and of all other groups are computed from one snapshot, so
//! that they add up.

mod execution;
mod figure_table;
mod figures_query;
mod order;
mod plan;
mod assembly;
mod request;
mod response;
mod selection;

use super::{Result, Scope, filters, log_bound};
use assembly::assemble;
use execution::execute;
use plan::Plan;
use selection::select;

pub use request::{GROUP_BY_MAX, Query, TOP_DEFAULT, TOP_MAX};
pub use response::{Group, GroupKey, Point, UsageReport};

/// Answers a query.
///
/// # Errors
/// If parts of the query do not fit together, it would read too many records, or storage fails.
pub async fn usage(scope: &Scope<'_>, query: &Query) -> Result<UsageReport> {
    let period = scope.period(query.range);
    query.validate(&period)?;
    let mut windows = vec![period.days.window];
    if query.compare_previous {
        windows.push(period.previous.window);
    }
    let filters = filters::resolve(scope, &query.restrictions, &query.group_by, &windows).await?;
    let plan = Plan::new(scope, query, period, &filters);
    if plan.reads_records() {
        log_bound::check(scope, &windows).await?;
    }
    let mut selection = select(&plan).await?;
    plan.check_point_count(selection.keys.len())?;
    let results = match selection.results.take() {
        Some(results) => results,
        None => execute(&plan, &selection).await?,
    };
    let mut report = assemble(&plan, &selection, &results)?;
    response::set_names(scope, &query.group_by, &mut report.groups).await?;
    Ok(report)
}
