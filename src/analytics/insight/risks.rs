//! Which limits are reached before they reset.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::forecast::outlook_of_workspace;
use super::history::{self, History, Model, history_before};
use super::outlook::{LimitInForce, Outlook, outlook};
use super::series::{self, SeriesMetric, Step};
use crate::analytics::batch::{Answers, Batch, Pending};
use crate::analytics::questions::{self, WindowSet};
use crate::analytics::range::{Bucket, Granularity};
use crate::analytics::{Result, Scope};
use crate::domain::Time;
use crate::storage::reports::{Axis, Filter, SumsRow};

/// Days of history that are read of each subject.
const HISTORY_DAYS: usize = 56;
/// Forecasts between which other tasks may run.
const LIMITS_AT_ONCE: usize = 16;

/// A limit and whose usage it counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    pub metric: SeriesMetric,
    /// At most two axes, each with the values that count; none for the whole workspace. Of two, one
    /// is the model.
    pub of: Vec<(Axis, Vec<String>)>,
    pub in_force: LimitInForce,
}

impl Limit {
    /// Whether it counts the cost of the whole workspace.
    fn is_of_all_cost(&self) -> bool {
        self.metric == SeriesMetric::Cost && self.of.is_empty()
    }

    fn axes(&self) -> Vec<Axis> {
        self.of.iter().map(|(axis, _)| axis.clone()).collect()
    }
}

/// The outlook of each limit, in their order; none where there is too little history.
///
/// # Errors
/// If storage fails.
pub async fn outlooks(
    scope: &Scope<'_>,
    limits: &[Limit],
    as_of: Time,
) -> Result<Vec<Option<Outlook>>> {
    let days = history_before(scope, as_of, Granularity::Day);
    let days = &days[days.len().saturating_sub(HISTORY_DAYS)..];
    let windows = WindowSet::series(days.iter().map(|day| day.window).collect(), false);
    let mut batch = Batch::default();
    let ask = |(axes, values): (Vec<Axis>, Vec<BTreeSet<String>>)| {
        let pairs = axes.iter().cloned().zip(values);
        let filter = |(axis, values)| Filter { axis, values: Vec::from_iter(values) };
        let filters: Vec<Filter> = pairs.map(filter).collect();
        let rows = batch.sums(questions::sums(&axes, &filters, &windows, false));
        (axes, rows)
    };
    let pending: Vec<_> = values_by_axes(limits).into_iter().map(ask).collect();
    let hours = history_before(scope, as_of, Granularity::Hour);
    let hours = series::ask(&mut batch, &[], hours, Granularity::Hour);
    let mut answers = batch.run(scope).await?;
    let histories = Histories::read(pending, &mut answers, days)?;
    let hours = hours.read(&mut answers, SeriesMetric::Requests)?;
    // The hours of the workspace: those of every single subject would be many.
    let passed = history::passed_of_day(scope, &History::new(Granularity::Hour, hours), as_of);
    let mut outlooks = Vec::with_capacity(limits.len());
    for (index, limit) in limits.iter().enumerate() {
        if index % LIMITS_AT_ONCE == 0 {
            tokio::task::yield_now().await;
        }
        // As in a forecast of the workspace, by its hours and with price changes ahead.
        if limit.is_of_all_cost() {
            outlooks.push(outlook_of_workspace(scope, limit.in_force, as_of).await?);
            continue;
        }
        let end = limit.in_force.window.end;
        let model = Model::new(scope, &histories.of(limit), (as_of, end), passed, &[]);
        outlooks.push(model.map(|model| outlook(&model, limit.in_force, as_of)));
    }
    Ok(outlooks)
}

/// The values that limits count on each set of axes.
fn values_by_axes(limits: &[Limit]) -> Vec<(Vec<Axis>, Vec<BTreeSet<String>>)> {
    let mut groups: Vec<(Vec<Axis>, Vec<BTreeSet<String>>)> = Vec::new();
    for limit in limits.iter().filter(|limit| !limit.is_of_all_cost()) {
        let axes = limit.axes();
        let group = groups.iter().position(|(known, _)| *known == axes);
        let group = group.unwrap_or_else(|| {
            let none = vec![BTreeSet::new(); axes.len()];
            groups.push((axes, none));
            groups.len() - 1
        });
        for (known, (_, values)) in groups[group].1.iter_mut().zip(&limit.of) {
            known.extend(values.iter().cloned());
        }
    }
    groups
}

type Sums = BTreeMap<Vec<String>, Vec<crate::storage::rollup::Sums>>;

/// Days of all subjects.
struct Histories {
    days: Vec<Bucket>,
    by_axes: Vec<(Vec<Axis>, Sums)>,
}

impl Histories {
    fn read(
        pending: Vec<(Vec<Axis>, Pending<Vec<SumsRow>>)>,
        answers: &mut Answers,
        days: &[Bucket],
    ) -> Result<Histories> {
        let mut by_axes = Vec::with_capacity(pending.len());
        for (axes, rows) in pending {
            let mut sums = Sums::new();
            for row in answers.take(rows)? {
                let days =
                    sums.entry(row.values).or_insert_with(|| vec![Default::default(); days.len()]);
                days[row.window] = row.sums;
            }
            by_axes.push((axes, sums));
        }
        Ok(Histories { days: days.to_vec(), by_axes })
    }

    fn of(&self, limit: &Limit) -> History {
        let axes = limit.axes();
        let found = self.by_axes.iter().find(|(known, _)| *known == axes);
        let mut steps: Vec<Step> =
            self.days.iter().map(|day| Step { bucket: *day, value: 0 }).collect();
        let keys = keys_of(&limit.of);
        for sums in keys.iter().filter_map(|key| found?.1.get(key)) {
            for (step, sums) in steps.iter_mut().zip(sums) {
                step.value = step.value.saturating_add(limit.metric.of(sums));
            }
        }
        History::new(Granularity::Day, steps)
    }
}

/// Every choice of one value of each axis.
fn keys_of(of: &[(Axis, Vec<String>)]) -> Vec<Vec<String>> {
    of.iter().fold(vec![Vec::new()], |keys, (_, values)| {
        let with = |key: &Vec<String>| {
            let key = key.clone();
            values.iter().map(move |value| [key.clone(), vec![value.clone()]].concat())
        };
        keys.iter().flat_map(|key| with(key).collect::<Vec<_>>()).collect()
    })
}

/// Most likely first, then by when.
pub fn order(outlook: &Outlook) -> (Reverse<u64>, i64) {
    // Probabilities are not below 0, and such numbers are ordered as their bits are.
    let time = outlook.exhaustion.or(outlook.earliest);
    (Reverse(outlook.probability.to_bits()), time.map_or(i64::MAX, Time::micros))
}
