//! Computes measures of groups over windows: adds the questions to a batch, and reads the answers
//! into a table.

use super::figure_table::{FigureTable, Key};
use super::plan::{Measures, Plan};
use crate::analytics::axis::{UsageDimension, limit_to_text, model_axis};
use crate::analytics::batch::{Answers, Batch, Pending};
use crate::analytics::figures::Figures;
use crate::analytics::filters::{models_of, narrowed, provider_of};
use crate::analytics::metric::Counted;
use crate::analytics::questions::{self, WindowSet};
use crate::analytics::{Error, Result};
use crate::domain::attribution::Dimension;
use crate::storage::reports::{
    Axis, DistinctRow, Filter, OrderBy, RefusalsRow, SumsQuery, SumsRow,
};

/// The groups that figures are computed for.
#[derive(Clone, Copy)]
pub enum Groups<'a> {
    /// All usage as one group.
    Total,
    /// The greatest, as storage orders them, and at most so many.
    Top(OrderBy, usize),
    /// Selected groups; of the others only what does not follow from these and the total.
    Selected {
        keys: &'a [Key],
        /// Values of the others on the axis, if their distinct values are counted.
        others: Option<&'a [String]>,
    },
}

/// Measures of groups over windows.
pub struct FiguresQuery<'a> {
    plan: &'a Plan<'a>,
    measures: &'a Measures,
    groups: Groups<'a>,
    windows: WindowSet,
    /// What storage groups by; none of the total.
    axes: &'a [Axis],
    /// Those of the plan, narrowed to the selected groups.
    filters: Vec<Filter>,
}

/// A figures query whose batch has not run yet.
pub struct PendingFigures<'a> {
    query: FiguresQuery<'a>,
    sums: Option<Pending<Vec<SumsRow>>>,
    counts: Vec<PendingCount>,
    /// Sums of usage without the value that is counted.
    unnamed: Vec<(Counted, Pending<Vec<SumsRow>>)>,
    refusals: Option<Pending<Vec<RefusalsRow>>>,
}

struct PendingCount {
    counted: Counted,
    of: CountOf,
    rows: Pending<Vec<DistinctRow>>,
}

/// Whose distinct values are counted.
enum CountOf {
    Total,
    /// Each group: rows have its value.
    Groups,
    Group(Key),
    Others,
}

impl<'a> FiguresQuery<'a> {
    pub fn new(
        plan: &'a Plan<'a>,
        measures: &'a Measures,
        groups: Groups<'a>,
        windows: WindowSet,
    ) -> FiguresQuery<'a> {
        let axes: &[Axis] = match groups {
            Groups::Total => &[],
            _ => &plan.axes,
        };
        let mut filters = plan.filters.of_usage.clone();
        if let Groups::Selected { keys, .. } = groups {
            for axis in axes {
                filters = narrowed(&filters, axis, &plan.values_on(axis, keys));
            }
        }
        FiguresQuery { plan, measures, groups, windows, axes, filters }
    }

    /// Adds the questions to a batch.
    pub fn ask(self, batch: &mut Batch) -> PendingFigures<'a> {
        let sums = self.measures.usage.then(|| batch.sums(self.sums_question()));
        let mut counts = Vec::new();
        let mut unnamed = Vec::new();
        for counted in &self.measures.counted {
            if !self.axes.is_empty() && self.plan.counted_index(*counted).is_some() {
                continue;
            }
            self.ask_counts(batch, *counted, &mut counts);
            if counted.leaves_out_unnamed() {
                unnamed.push((*counted, batch.sums(self.unnamed_question(*counted))));
            }
        }
        let refusals = self.measures.refusals.then(|| {
            let group_by: &[UsageDimension] = match self.groups {
                Groups::Total => &[],
                _ => &self.plan.query.group_by,
            };
            let restrictions = &self.plan.query.restrictions;
            batch.refusals(questions::refusals(restrictions, group_by, &self.windows))
        });
        PendingFigures { query: self, sums, counts, unnamed, refusals }
    }

    fn sums_question(&self) -> SumsQuery {
        let top = match self.groups {
            Groups::Top(order_by, count) => Some((order_by, count)),
            _ => None,
        };
        let latencies = self.measures.latencies;
        let question = questions::sums(self.axes, &self.filters, &self.windows, latencies);
        SumsQuery { top, ..question }
    }

    fn unnamed_question(&self, counted: Counted) -> SumsQuery {
        let own = Axis::Of(counted.dimension());
        let filters = narrowed(&self.filters, &own, &[String::new()]);
        questions::sums(self.axes, &filters, &self.windows, false)
    }

    fn ask_counts(&self, batch: &mut Batch, counted: Counted, counts: &mut Vec<PendingCount>) {
        let mut ask = |of: CountOf, group_by: Option<&Axis>, filters: &[Filter]| {
            let dimension = counted.dimension();
            let question = questions::distinct(dimension, group_by, filters, &self.windows);
            counts.push(PendingCount { counted, of, rows: batch.distinct(question) });
        };
        let Some(axis) = self.axes.first() else {
            ask(CountOf::Total, None, &self.filters);
            return;
        };
        if self.plan.is_by_provider() {
            // Storage groups by model, and the same user may use several of one provider.
            for key in self.provider_keys() {
                let models = models_of(&self.plan.scope, &self.plan.filters.used_models, &key);
                let filters = narrowed(&self.filters, &model_axis(), &models);
                ask(CountOf::Group(key), None, &filters);
            }
        } else {
            ask(CountOf::Groups, Some(axis), &self.filters);
        }
        if let Groups::Selected { others: Some(others), .. } = self.groups {
            let filters = narrowed(&self.plan.filters.of_usage, axis, others);
            ask(CountOf::Others, None, &filters);
        }
    }

    /// The providers whose distinct values are counted, each by itself.
    fn provider_keys(&self) -> Vec<Key> {
        if let Groups::Selected { keys, .. } = self.groups {
            return keys.to_vec();
        }
        let provider = |model: &String| vec![provider_of(&self.plan.scope, model).to_owned()];
        let mut keys: Vec<Key> = self.plan.filters.used_models.iter().map(provider).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// The key of a group by its values on the axes.
    fn key(&self, values: &[String]) -> Key {
        match self.groups {
            Groups::Total => Key::new(),
            _ => self.plan.key(values),
        }
    }

    fn add_sums(&self, table: &mut FigureTable, row: SumsRow) -> Result<()> {
        let key = self.key(&row.values);
        let mut figures = Figures { sums: row.sums, ..Figures::default() };
        figures.latencies = row.latencies.unwrap_or_default();
        for counted in &self.measures.counted {
            let own = Axis::Of(counted.dimension());
            if let Some(index) = self.axes.iter().position(|axis| *axis == own)
                && row.values[index].is_empty()
            {
                figures.unnamed_nanos[*counted as usize] = row.sums.cost_nanos;
            }
        }
        table.group(row.window, key).add(&figures)
    }

    fn add_unnamed(&self, table: &mut FigureTable, counted: Counted, row: &SumsRow) -> Result<()> {
        let figures = table.group(row.window, self.key(&row.values));
        let nanos = &mut figures.unnamed_nanos[counted as usize];
        *nanos = nanos.checked_add(row.sums.cost_nanos).ok_or(Error::TooLarge)?;
        Ok(())
    }

    fn add_count(&self, table: &mut FigureTable, counted: Counted, of: &CountOf, row: DistinctRow) {
        let figures = match of {
            CountOf::Others => table.others(row.window),
            CountOf::Total => table.group(row.window, Key::new()),
            CountOf::Group(key) => table.group(row.window, key.clone()),
            CountOf::Groups => table.group(row.window, self.key(&[row.value])),
        };
        figures.counts[counted as usize] = Some(row.count);
    }

    fn add_refusals(&self, table: &mut FigureTable, row: &RefusalsRow) {
        let value = |dimension: &UsageDimension| match dimension {
            UsageDimension::Limit => limit_to_text(&row.limit),
            UsageDimension::Of(Dimension::User) => row.user_id.clone(),
            _ => row.model_id.clone(),
        };
        let key: Key = match self.groups {
            Groups::Total => Key::new(),
            _ => self.plan.query.group_by.iter().map(value).collect(),
        };
        let figures = match self.groups {
            Groups::Selected { keys, .. } if !keys.contains(&key) => table.others(row.window),
            _ => table.group(row.window, key),
        };
        figures.refused.add(row);
    }
}

impl PendingFigures<'_> {
    /// Reads the answers of the batch.
    ///
    /// # Errors
    /// If a cost overflows an amount, or there are too many rows.
    pub fn read(self, answers: &mut Answers) -> Result<FigureTable> {
        let PendingFigures { query, sums, counts, unnamed, refusals } = self;
        let mut table = FigureTable::new(&query.measures.counted);
        if let Some(sums) = sums {
            for row in answers.take(sums)? {
                query.add_sums(&mut table, row)?;
            }
        }
        for (counted, sums) in unnamed {
            for row in answers.take(sums)? {
                query.add_unnamed(&mut table, counted, &row)?;
            }
        }
        if let Groups::Selected { keys, .. } = query.groups {
            table.retain(keys);
        }
        for PendingCount { counted, of, rows } in counts {
            for row in answers.take(rows)? {
                query.add_count(&mut table, counted, &of, row);
            }
        }
        if let Some(refusals) = refusals {
            for row in answers.take(refusals)? {
                query.add_refusals(&mut table, &row);
            }
        }
        let others_are_counted = matches!(query.groups, Groups::Selected { others: Some(_), .. });
        table.complete_counts(|counted| query.plan.counted_index(counted), others_are_counted);
        Ok(table)
    }
}
