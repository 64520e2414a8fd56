//! Whose usage counts in a limit, and what was used by days of many of them at once.

use std::collections::{BTreeMap, BTreeSet};

use crate::analytics::Result;
use crate::analytics::axis::{UsageDimension, model_axis};
use crate::analytics::batch::{Answers, Batch, Pending};
use crate::analytics::questions::{self, WindowSet};
use crate::analytics::range::Bucket;
use crate::domain::attribution::{Dimension, SubjectKind, tag_of_subject};
use crate::domain::catalog::Catalog;
use crate::domain::quota;
use crate::storage::reports::{Axis, Filter, SumsRow};
use crate::storage::rollup::Sums;

/// At most two axes, each with the values that count; none for the whole workspace. Of two, one is
/// the model.
pub type Counted = Vec<(Axis, Vec<String>)>;

/// What a quota of a subject counts; none where no usage can.
pub fn counted(scope: &quota::Scope, subject_id: &str, catalog: &Catalog) -> Option<Counted> {
    let mut of = axis_of(scope.kind, subject_id, catalog)?;
    let model_id = scope.model_id.as_deref().unwrap_or_default();
    if !model_id.is_empty() {
        match of.first_mut().filter(|(axis, _)| *axis == model_axis()) {
            Some((_, models)) => models.retain(|known| known == model_id),
            None => of.push((model_axis(), vec![model_id.to_owned()])),
        }
    }
    of.iter().all(|(_, values)| !values.is_empty()).then_some(of)
}

/// The axis that the usage of a subject is on, and its values.
fn axis_of(kind: SubjectKind, id: &str, catalog: &Catalog) -> Option<Counted> {
    let of = |dimension| UsageDimension::Of(dimension).axis();
    let one = |axis: Axis| Some(vec![(axis, vec![id.to_owned()])]);
    match kind {
        SubjectKind::Workspace => Some(Vec::new()),
        SubjectKind::KeyGroup => one(of(Dimension::KeyGroup)?),
        SubjectKind::Provider => Some(vec![(model_axis(), models_of_provider(catalog, id))]),
        SubjectKind::Tag => {
            let (key, value) = tag_of_subject(id)?;
            Some(vec![(Axis::Tag(key.to_owned()), vec![value.to_owned()])])
        }
        _ => one(of(kind.field()?.dimension()?)?),
    }
}

fn models_of_provider(catalog: &Catalog, provider: &str) -> Vec<String> {
    let models = catalog.models().iter().map(|entry| entry.model());
    let models = models.filter(|model| model.provider.eq_ignore_ascii_case(provider));
    models.map(|model| model.id.to_string()).collect()
}

/// Days that are asked for and not answered yet.
pub struct PendingDays {
    count: usize,
    rows: Vec<(Vec<Axis>, Pending<Vec<SumsRow>>)>,
}

type ByValues = BTreeMap<Vec<String>, Vec<Sums>>;

/// Days of all subjects.
pub struct DaysOf {
    count: usize,
    by_axes: Vec<(Vec<Axis>, ByValues)>,
}

/// Adds the questions for the days of all these subjects: one for each set of axes.
pub fn ask<'a>(
    batch: &mut Batch,
    of: impl Iterator<Item = &'a Counted>,
    days: &[Bucket],
) -> PendingDays {
    let windows = WindowSet::series(days.iter().map(|day| day.window).collect(), false);
    let mut rows = Vec::new();
    for (axes, values) in values_by_axes(of) {
        let pairs = axes.iter().cloned().zip(values);
        let filter = |(axis, values)| Filter { axis, values: Vec::from_iter(values) };
        let filters: Vec<Filter> = pairs.map(filter).collect();
        let pending = batch.sums(questions::sums(&axes, &filters, &windows, false));
        rows.push((axes, pending));
    }
    PendingDays { count: days.len(), rows }
}

/// The values that count on each set of axes.
fn values_by_axes<'a>(
    of: impl Iterator<Item = &'a Counted>,
) -> Vec<(Vec<Axis>, Vec<BTreeSet<String>>)> {
    let mut groups: Vec<(Vec<Axis>, Vec<BTreeSet<String>>)> = Vec::new();
    for of in of {
        let axes = axes_of(of);
        let group = groups.iter().position(|(known, _)| *known == axes);
        let group = group.unwrap_or_else(|| {
            let none = vec![BTreeSet::new(); axes.len()];
            groups.push((axes, none));
            groups.len() - 1
        });
        for (known, (_, values)) in groups[group].1.iter_mut().zip(of) {
            known.extend(values.iter().cloned());
        }
    }
    groups
}

fn axes_of(of: &Counted) -> Vec<Axis> {
    of.iter().map(|(axis, _)| axis.clone()).collect()
}

impl PendingDays {
    /// # Errors
    /// As [`Answers::take`].
    pub fn read(self, answers: &mut Answers) -> Result<DaysOf> {
        let mut by_axes = Vec::with_capacity(self.rows.len());
        for (axes, rows) in self.rows {
            let mut sums = ByValues::new();
            for row in answers.take(rows)? {
                let none = || vec![Sums::default(); self.count];
                sums.entry(row.values).or_insert_with(none)[row.window] = row.sums;
            }
            by_axes.push((axes, sums));
        }
        Ok(DaysOf { count: self.count, by_axes })
    }
}

impl DaysOf {
    /// The days of one of the subjects that were asked for.
    pub fn of(&self, of: &Counted) -> Vec<Sums> {
        let axes = axes_of(of);
        let found = self.by_axes.iter().find(|(known, _)| *known == axes);
        let mut days = vec![Sums::default(); self.count];
        let keys = keys_of(of);
        for sums in keys.iter().filter_map(|key| found?.1.get(key)) {
            days.iter_mut().zip(sums).for_each(|(day, sums)| day.merge(sums));
        }
        days
    }
}

/// Every choice of one value of each axis.
fn keys_of(of: &Counted) -> Vec<Vec<String>> {
    of.iter().fold(vec![Vec::new()], |keys, (_, values)| {
        let with = |key: &Vec<String>| {
            let key = key.clone();
            values.iter().map(move |value| [key.clone(), vec![value.clone()]].concat())
        };
        keys.iter().flat_map(|key| with(key).collect::<Vec<_>>()).collect()
    })
}
