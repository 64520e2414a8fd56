//! Selects the groups of a report: the greatest by the metric of the order.

use super::figure_table::{Key, ResultSet, Results};
use super::figures_query::{FiguresQuery, Groups};
use super::order;
use super::plan::Plan;
use crate::analytics::axis::UsageDimension;
use crate::analytics::batch::Batch;
use crate::analytics::filters::models_of;
use crate::analytics::questions::WindowSet;
use crate::analytics::range::Days;
use crate::analytics::{Error, Result};
use crate::storage::reports::OrderBy;

/// Most groups that are ordered here, where storage cannot order them.
const GROUPS_MAX: usize = 100_000;
/// Most values of other groups whose distinct users, investigations or sessions are counted; beyond
/// it, others have no such count.
const OTHERS_VALUES_MAX: usize = 10_000;

/// The groups of a report.
#[derive(Default)]
pub struct Selection {
    /// In descending order.
    pub keys: Vec<Key>,
    pub has_others: bool,
    /// Values of the others as storage has them, if their distinct values are counted.
    pub others: Option<Vec<String>>,
    /// All results of the query, if the selection had to compute them anyway.
    pub results: Option<Results>,
}

/// Selects the groups; none of a query without dimensions.
///
/// # Errors
/// If there are too many groups to choose from, or storage fails.
pub async fn select(plan: &Plan<'_>) -> Result<Selection> {
    if plan.query.group_by.is_empty() {
        return Ok(Selection::default());
    }
    if !plan.measures.counted.is_empty() && plan.axes.len() > 1 {
        let expected = "expected at most one dimension with active users and costs per user, \
                        investigation or session";
        return Err(Error::field("group_by", expected));
    }
    let measures = plan.order_measures();
    let query = |groups, days: &Days| {
        FiguresQuery::new(plan, &measures, groups, WindowSet::whole(days.window))
    };
    let candidates = candidates(plan);
    let mut batch = Batch::default();
    let groups = query(candidates, &plan.period.days).ask(&mut batch);
    let total =
        plan.is_order_all().then(|| query(Groups::Total, &plan.period.days).ask(&mut batch));
    let previous = (plan.counts_others() && plan.query.compare_previous)
        .then(|| query(candidates, &plan.period.previous).ask(&mut batch));
    let mut answers = batch.run(&plan.scope).await?;

    let table = groups.read(&mut answers)?;
    let mut groups = table.first_window();
    let mut known: Vec<Key> = groups.iter().map(|(key, _)| key.clone()).collect();
    if let Some(previous) = previous {
        let groups = previous.read(&mut answers)?.first_window();
        known.extend(groups.into_iter().map(|(key, _)| key));
    }
    if known.len() > GROUPS_MAX {
        return Err(Error::TooManyRows { row_count_max: GROUPS_MAX as i64 });
    }
    order::sort(&mut groups, plan.order);
    let has_others = groups.len() > plan.query.top;
    groups.truncate(plan.query.top);
    let keys: Vec<Key> = groups.into_iter().map(|(key, _)| key).collect();
    let others = match has_others && plan.counts_others() {
        true => other_values(plan, &known, &keys),
        false => None,
    };
    let results = match total {
        Some(total) => {
            let period = ResultSet { total: total.read(&mut answers)?, groups: table };
            Some(Results { period, previous: None, points: None })
        }
        None => None,
    };
    Ok(Selection { keys, has_others, others, results })
}

/// The groups to select from: all of them, unless storage can order them.
fn candidates(plan: &Plan<'_>) -> Groups<'static> {
    let needs_all = plan.measures.refusals || plan.is_by_provider() || plan.counts_others();
    match order::in_storage(plan.order).filter(|_| !needs_all) {
        // One more, to see whether there are others.
        Some(order_by) => Groups::Top(order_by, plan.query.top + 1),
        None => Groups::Top(OrderBy::Requests, GROUPS_MAX + 1),
    }
}

/// The values, as storage has them, of the known groups that were not selected; absent if they are
/// too many.
fn other_values(plan: &Plan<'_>, known: &[Key], selected: &[Key]) -> Option<Vec<String>> {
    let mut values: Vec<String> = if plan.is_by_provider() {
        let providers: Vec<String> = selected.iter().flatten().cloned().collect();
        let models = &plan.filters.used_models;
        let of_selected = models_of(&plan.scope, models, &providers);
        models.iter().filter(|model| !of_selected.contains(model)).cloned().collect()
    } else {
        let by = &plan.query.group_by;
        let index = by.iter().position(|by| *by != UsageDimension::Provider)?;
        let others = known.iter().filter(|key| !selected.contains(key));
        others.map(|key| key[index].clone()).collect()
    };
    values.sort_unstable();
    values.dedup();
    (values.len() <= OTHERS_VALUES_MAX).then_some(values)
}
