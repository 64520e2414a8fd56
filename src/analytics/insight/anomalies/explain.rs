//! Who explains an anomaly: what each member had in its steps, against the same steps of the days
//! or weeks before.

use std::collections::BTreeMap;

use super::Look;
use crate::analytics::batch::{Batch, Pending};
use crate::analytics::questions::{self, WindowSet};
use crate::analytics::{Error, Result, Scope, log_bound};
use crate::domain::alert::anomaly::{
    Anomaly, AnomalyContributor, AnomalyMember, AnomalyMetric, AnomalyStep, HUNDREDTHS,
};
use crate::domain::attribution::Dimension;
use crate::domain::time::calendar::Window;
use crate::domain::time::{MICROS_PER_DAY, MICROS_PER_HOUR, Micros};
use crate::insight::anomaly::Direction;
use crate::insight::anomaly::contributors::{Contributor, Moved, contributors};
use crate::storage::reports::{Axis, Filter, SumsRow};
use crate::storage::rollup::Sums;

/// Days, or weeks, that the steps of an anomaly are compared with.
const DAYS: i64 = 7;
const WEEKS: i64 = 4;
/// From the first step on, so much is looked at.
const HOURS_MAX: i64 = 24;
const DAYS_MAX: i64 = 7;
/// A muted member with this share, in hundredths of a percent, mutes what it explains.
const MUTING: i64 = HUNDREDTHS / 2;

/// The anomaly with its contributors. None if a muted member explains half of it.
///
/// # Errors
/// If storage fails.
pub async fn explained(
    scope: &Scope<'_>,
    look: &Look<'_>,
    mut anomaly: Anomaly,
) -> Result<Option<Anomaly>> {
    let stored = look.stored.iter().find(|stored| stored.id == anomaly.id);
    match stored.filter(|stored| stored.end_time == anomaly.end_time) {
        Some(stored) => anomaly.contributors.clone_from(&stored.contributors),
        None => anomaly.contributors = contributors_of(scope, &anomaly).await?,
    }
    let is_muted = anomaly.contributors.iter().any(|contributor| {
        let until = look.policy.muted_until(&contributor.member);
        contributor.share >= MUTING && until.is_some_and(|until| until >= anomaly.start_time)
    });
    Ok((!is_muted || stored.is_some()).then_some(anomaly))
}

async fn contributors_of(scope: &Scope<'_>, anomaly: &Anomaly) -> Result<Vec<AnomalyContributor>> {
    let mut found = Vec::new();
    for dimension in dimensions(anomaly) {
        let moved = match moved(scope, anomaly, *dimension).await {
            Ok(moved) => moved,
            // Too much of the log to read, or dropped from it: it stays unexplained.
            Err(Error::TooBroad { .. } | Error::Dropped { .. } | Error::TooManyRows { .. }) => {
                continue;
            }
            Err(error) => return Err(error),
        };
        let direction = if anomaly.is_drop { Direction::Down } else { Direction::Up };
        found.extend(contributors(moved, direction).into_iter().map(stored));
    }
    // Keys say most, of those that explain as much.
    let place = |it: &AnomalyContributor| {
        dimensions(anomaly).iter().position(|dimension| *dimension == it.member.dimension)
    };
    found.sort_by(|a, b| b.share.cmp(&a.share).then_with(|| place(a).cmp(&place(b))));
    Ok(found)
}

fn dimensions(anomaly: &Anomaly) -> &'static [Dimension] {
    use Dimension::{ApiKey, Assistant, Department, Feature, Model, User, Workspace};
    match (anomaly.member.dimension, anomaly.metric) {
        (Workspace, AnomalyMetric::FailedRequests) => &[ApiKey, Model],
        (Workspace, _) => &[ApiKey, User, Feature, Assistant, Model],
        (Model, _) => &[ApiKey, User, Feature, Assistant],
        (Department, _) => &[ApiKey, User, Feature, Assistant, Model],
        (ApiKey, _) => &[Feature, Model],
        _ => &[ApiKey, Model],
    }
}

/// What the members of a dimension had, and what was expected of them.
async fn moved(
    scope: &Scope<'_>,
    anomaly: &Anomaly,
    dimension: Dimension,
) -> Result<Vec<Moved<AnomalyMember>>> {
    let axes = [Axis::Of(dimension)];
    let filters = filters(&anomaly.member);
    let windows = windows(anomaly);
    let hourly = anomaly.step == AnomalyStep::Hour;
    let mut batch = Batch::default();
    let pending: Vec<Pending<Vec<SumsRow>>> = windows
        .iter()
        .map(|window| {
            let whole = WindowSet::series(vec![*window], hourly);
            batch.sums(questions::sums(&axes, &filters, &whole, false))
        })
        .collect();
    let mut answers = log_bound::run(batch, scope, &windows).await?;
    let mut by_member: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for (index, pending) in pending.into_iter().enumerate() {
        for SumsRow { values, sums, .. } in answers.take(pending)? {
            let Some(id) = values.into_iter().next().filter(|id| !id.is_empty()) else { continue };
            let of = by_member.entry(id).or_insert_with(|| vec![0.0; windows.len()]);
            of[index] = figure(anomaly.metric, &sums);
        }
    }
    let moved = by_member.into_iter().map(|(id, mut figures)| {
        let actual = figures.remove(0);
        figures.sort_by(f64::total_cmp);
        let expected = figures.get(figures.len() / 2).copied().unwrap_or(0.0);
        Moved { member: AnomalyMember { dimension, id: id.into() }, expected, actual }
    });
    Ok(moved.collect())
}

fn filters(member: &AnomalyMember) -> Vec<Filter> {
    if member.dimension == Dimension::Workspace {
        return Vec::new();
    }
    vec![Filter { axis: Axis::Of(member.dimension), values: vec![member.id.to_string()] }]
}

/// The steps of an anomaly, then the same ones before.
fn windows(anomaly: &Anomaly) -> Vec<Window> {
    let (length, apart, count): (Micros, Micros, i64) = match anomaly.step {
        AnomalyStep::Hour => (HOURS_MAX * MICROS_PER_HOUR, MICROS_PER_DAY, DAYS),
        AnomalyStep::Day => (DAYS_MAX * MICROS_PER_DAY, 7 * MICROS_PER_DAY, WEEKS),
    };
    let start = anomaly.start_time;
    let end = anomaly.end_time.min(start + length);
    (0..=count)
        .map(|back| Window { start: start - back * apart, end: end - back * apart })
        .collect()
}

/// Of a cost per request the cost: it is what rises with it.
fn figure(metric: AnomalyMetric, sums: &Sums) -> f64 {
    let figure = match metric {
        AnomalyMetric::Cost | AnomalyMetric::CostPerRequest => sums.cost_nanos,
        AnomalyMetric::Requests => sums.record_count,
        AnomalyMetric::FailedRequests => sums.error_count,
    };
    figure as f64
}

fn stored(found: Contributor<AnomalyMember>) -> AnomalyContributor {
    let Contributor { member, share, expected, actual } = found;
    AnomalyContributor {
        member,
        share: (share * HUNDREDTHS as f64).round() as i64,
        before: expected.round() as i64,
        after: actual.round() as i64,
    }
}
