//! Assembles a report from the results of a query: shares, change, points, and the other groups,
//! which are the total less the selected ones.

use super::figure_table::{Key, ResultSet, Results};
use super::plan::Plan;
use super::response::{Group, GroupKey, Point, UsageReport};
use super::selection::Selection;
use crate::analytics::Result;
use crate::analytics::figures::{Figures, change_percent, share_percent};
use crate::analytics::metric::Metric;

/// # Errors
/// If a cost overflows an amount.
pub fn assemble(plan: &Plan<'_>, selection: &Selection, results: &Results) -> Result<UsageReport> {
    let total_value = results.period.total.get(0, &Key::new()).value(plan.order);
    let assembler = Assembler { plan, selection, results, total_value };
    let total = assembler.group(Row::Total)?;
    let mut groups = Vec::with_capacity(selection.keys.len() + 1);
    for key in &selection.keys {
        groups.push(assembler.group(Row::Group(key))?);
    }
    if selection.has_others {
        groups.push(assembler.group(Row::Others)?);
    }
    Ok(UsageReport { period: plan.period, total, groups })
}

struct Assembler<'a> {
    plan: &'a Plan<'a>,
    selection: &'a Selection,
    results: &'a Results,
    /// What shares are taken of.
    total_value: Option<i64>,
}

/// A row of the report.
#[derive(Clone, Copy)]
enum Row<'a> {
    Total,
    Group(&'a Key),
    Others,
}

impl Assembler<'_> {
    fn group(&self, row: Row<'_>) -> Result<Group> {
        let metrics = &self.plan.query.metrics;
        let order = self.plan.order;
        let current = self.figures(&self.results.period, 0, row)?;
        let previous = self.results.previous.as_ref();
        let previous = previous.map(|set| self.figures(set, 0, row)).transpose()?;
        let change = previous
            .as_ref()
            .and_then(|previous| change_percent(current.value(order)?, previous.value(order)?));
        let keys = match row {
            Row::Group(key) => key.iter().cloned().map(without_name).collect(),
            Row::Total | Row::Others => Vec::new(),
        };
        Ok(Group {
            keys,
            others: matches!(row, Row::Others),
            values: current.values(metrics),
            share_percent: self.share(&current),
            previous: previous.map(|previous| previous.values(metrics)),
            change_percent: change.filter(|_| order != Metric::Latency),
            points: self.points(row)?,
        })
    }

    fn share(&self, figures: &Figures) -> Option<f64> {
        let order = self.plan.order;
        let share = share_percent(figures.value(order)?, self.total_value?);
        share.filter(|_| order.has_share())
    }

    fn points(&self, row: Row<'_>) -> Result<Vec<Point>> {
        let Some(set) = &self.results.points else { return Ok(Vec::new()) };
        let mut points = Vec::new();
        for (window, bucket) in self.plan.buckets.iter().enumerate() {
            let figures = self.figures(set, window, row)?;
            if !figures.is_empty() {
                let values = figures.values(&self.plan.query.metrics);
                points.push(Point { bucket: *bucket, values });
            }
        }
        Ok(points)
    }

    fn figures(&self, set: &ResultSet, window: usize, row: Row<'_>) -> Result<Figures> {
        match row {
            Row::Total => Ok(set.total.get(window, &Key::new())),
            Row::Group(key) => Ok(set.groups.get(window, key)),
            Row::Others => self.others(set, window),
        }
    }

    /// The total less the selected groups; refusals and, where the same value may be in several
    /// groups, counts of distinct values were computed by themselves.
    fn others(&self, set: &ResultSet, window: usize) -> Result<Figures> {
        let counted = &self.plan.measures.counted;
        let own = set.groups.get_others(window);
        let mut others = set.total.get(window, &Key::new());
        others.refused = own.refused;
        for key in &self.selection.keys {
            let group = set.groups.get(window, key);
            others.subtract(&group)?;
            for counted in counted {
                let index = *counted as usize;
                let pair = others.counts[index].zip(group.counts[index]);
                others.counts[index] = pair.map(|(total, count)| total - count);
            }
        }
        for counted in counted {
            if self.plan.counted_index(*counted).is_none() {
                let index = *counted as usize;
                let zero = self.selection.others.as_ref().map(|_| 0);
                others.counts[index] = own.counts[index].or(zero);
            }
        }
        Ok(others)
    }
}

/// Names are filled in later.
fn without_name(value: String) -> GroupKey {
    GroupKey { display_name: value.clone(), value }
}
