//! Looks for anomalies of usage after the end of each hour, one workspace after another.
//!
//! Keeps nothing: what was found is stored, and found again after a restart. Which of several that
//! belong together is told is decided here, once, when they are first found.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::analytics::Scope;
use crate::analytics::insight::anomalies::{Found, Look, find};
use crate::domain::Time;
use crate::domain::alert::anomaly::{
    Anomaly, AnomalyMember, AnomalyMetric, AnomalyStep, AnomalyTold,
};
use crate::domain::attribution::Dimension;
use crate::domain::time::{MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_SECOND, Micros};
use crate::domain::workspace::Workspace;
use crate::engine::alerts::Looked;
use crate::engine::{Engine, Error};
use crate::storage::anomalies::{AnomalyFilter, UNSETTLED_MAX};

/// How often the clock is looked at.
const TICK: Duration = Duration::from_secs(2);
/// After the end of an hour, before it is looked at: so that what it used is recorded and folded.
const DELAY: Micros = 120 * MICROS_PER_SECOND;
/// Local hours of every zone begin with one of these.
const QUARTER: Micros = MICROS_PER_HOUR / 4;
/// Workspaces read at once.
const WORKSPACES_PAGE: usize = 100;
/// Anomalies that began before are not found again.
const KNOWN_SPAN: Micros = 30 * MICROS_PER_DAY;
/// An anomaly that begins so long after another one of its member has ended is another one.
const APART: Micros = 6 * MICROS_PER_HOUR;

/// Runs until `stop`.
pub async fn run(engine: Engine, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut quarter = None;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let now = engine.now() - DELAY;
        let this = now.micros().div_euclid(QUARTER);
        if quarter == Some(this) {
            continue;
        }
        match look_at_all(&engine, now, &stop).await {
            Ok(()) => quarter = Some(this),
            Err(error) => warn!(%error, "anomalies are looked for later"),
        }
    }
}

/// Looks at all workspaces whose hour has ended.
async fn look_at_all(engine: &Engine, now: Time, stop: &CancellationToken) -> Result<(), Error> {
    engine.fold_now().await;
    let mut after = String::new();
    loop {
        let page = engine.store().workspaces(&after, WORKSPACES_PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.id.to_string();
        for workspace in page.iter().filter(|workspace| workspace.archive_time.is_none()) {
            if stop.is_cancelled() {
                return Ok(());
            }
            if let Err(error) = look_at(engine, workspace, now).await {
                warn!(%error, workspace = %workspace.id, "anomalies are looked for later");
            }
        }
    }
}

/// Looks at a workspace, unless this hour was looked at.
///
/// # Errors
/// If storage fails.
async fn look_at(engine: &Engine, workspace: &Workspace, now: Time) -> Result<(), Error> {
    let catalog = engine.catalog();
    let store = engine.store();
    let scope = Scope { store: &**store, workspace, catalog: &catalog, now };
    let until = scope.calendar().hour_start(now);
    if engine.looked_at(&workspace.id).is_some_and(|looked| looked.until >= until) {
        return Ok(());
    }
    let view = engine.anomaly_policy_of(workspace).await?.value;
    let stored = stored(engine, &workspace.id, until).await?;
    let raised: Vec<AnomalyMember> =
        view.raised_bars.into_iter().map(|(member, _)| member).collect();
    let look = Look {
        policy: &view.policy,
        least_impact: view.least_impact,
        raised: &raised,
        until,
        stored: &stored,
    };
    let Found { anomalies, members_left_out } = find(&scope, &look).await.map_err(of_report)?;
    let changed = settle(&stored, anomalies);
    if !changed.is_empty() {
        engine.put_anomalies(&workspace.id, changed).await?;
    }
    engine.set_looked(&workspace.id, Looked { until, members_left_out });
    Ok(())
}

/// Those that may be found again, and those that are open.
async fn stored(
    engine: &Engine,
    workspace_id: &Arc<str>,
    until: Time,
) -> Result<Vec<Anomaly>, Error> {
    let filter = AnomalyFilter {
        workspace_id: workspace_id.to_string(),
        from: Some(until - KNOWN_SPAN),
        ..AnomalyFilter::default()
    };
    let mut stored = engine.store().anomalies(&filter, None, UNSETTLED_MAX).await?;
    for unsettled in engine.store().unsettled_anomalies(workspace_id).await? {
        if stored.iter().all(|known| known.id != unsettled.id) {
            stored.push(unsettled);
        }
    }
    Ok(stored)
}

fn of_report(error: crate::analytics::Error) -> Error {
    match error {
        crate::analytics::Error::Storage(error) => error.into(),
        other => Error::Internal(other.to_string()),
    }
}

/// What is to be stored: what was found, under the id that it is known by; what is open and was not
/// found any more, as over; and what is still to be told.
fn settle(stored: &[Anomaly], found: Vec<Anomaly>) -> Vec<Anomaly> {
    let mut changed: Vec<Anomaly> = Vec::new();
    let mut seen: Vec<Arc<str>> = Vec::new();
    for mut anomaly in found {
        let known = stored.iter().find(|known| is_known_as(known, &anomaly));
        if let Some(known) = known {
            if seen.contains(&known.id) {
                continue;
            }
            (anomaly.id, anomaly.start_time) = (known.id.clone(), known.start_time);
        } else {
            let is_silent = tells(stored.iter(), &anomaly) || tells(changed.iter(), &anomaly);
            anomaly.told = if is_silent { AnomalyTold::Silent } else { AnomalyTold::Not };
        }
        seen.push(anomaly.id.clone());
        changed.push(anomaly);
    }
    for known in stored.iter().filter(|known| known.is_open && !seen.contains(&known.id)) {
        changed.push(Anomaly { is_open: false, ..known.clone() });
    }
    changed
}

/// Whether an anomaly is one that is stored, which may have begun at another hour before late
/// records came.
fn is_known_as(known: &Anomaly, found: &Anomaly) -> bool {
    let apart = match found.step {
        AnomalyStep::Hour => APART,
        AnomalyStep::Day => 0,
    };
    known.id == found.id
        || known.is_same(found)
            && found.start_time < known.end_time + apart
            && known.start_time < found.end_time + apart
}

/// Whether one of these tells of an anomaly.
fn tells<'a>(mut others: impl Iterator<Item = &'a Anomaly>, anomaly: &Anomaly) -> bool {
    let is_of_failures = |it: &Anomaly| it.metric == AnomalyMetric::FailedRequests;
    others.any(|other| {
        let explains = || other.contributors.iter().any(|it| it.member == anomaly.member);
        other.told != AnomalyTold::Silent
            && other.is_drop == anomaly.is_drop
            && is_of_failures(other) == is_of_failures(anomaly)
            && other.start_time < anomaly.end_time
            && anomaly.start_time < other.end_time + APART
            && (other.member.dimension == Dimension::Workspace
                || other.member == anomaly.member
                || explains())
    })
}
