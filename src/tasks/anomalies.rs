//! Looks for anomalies of usage after the end of each hour, one workspace after another.
//!
//! Keeps nothing: what was found is stored, and found again after a restart. Which of several
//! that belong together raises alerts is decided here, once, when they are first found.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::rounds::{Rounds, of_report};
use crate::analytics::Scope;
use crate::analytics::insight::anomalies::{Found, Look, find};
use crate::domain::Time;
use crate::domain::alert::anomaly::{
    Anomaly, AnomalyAlerts, AnomalyMember, AnomalyMetric, AnomalyStep,
};
use crate::domain::attribution::Dimension;
use crate::domain::time::{MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_SECOND, Micros};
use crate::domain::workspace::Workspace;
use crate::engine::alerts::Looked;
use crate::engine::{Engine, Error};
use crate::storage::anomalies::{AnomalyFilter, UNSETTLED_MAX};

/// After the end of an hour, before it is looked at: so that what it used is recorded and folded.
const DELAY: Micros = 120 * MICROS_PER_SECOND;
/// Local hours of every zone begin with one of these.
const QUARTER: Micros = MICROS_PER_HOUR / 4;
/// What was over for so long when it was found is stored, but raises no alert: at the first look at
/// a workspace that is a fortnight, which nobody wants in the mail.
const LATE: Micros = MICROS_PER_DAY;
/// Anomalies that began before are not found again.
const KNOWN_SPAN: Micros = 30 * MICROS_PER_DAY;
/// An anomaly that begins so long after another one of its member has ended is another one.
const APART: Micros = 6 * MICROS_PER_HOUR;
/// The same of failures.
const APART_FAILURES: Micros = 3 * MICROS_PER_HOUR;

/// Runs until `stop`.
pub async fn run(engine: Engine, stop: CancellationToken) {
    let rounds = Rounds { what: "anomalies", step: QUARTER, delay: DELAY };
    rounds.run(engine, stop, look_at).await;
}

/// Looks at a workspace, unless this hour was looked at.
///
/// # Errors
/// If storage fails.
async fn look_at(engine: Engine, workspace: Workspace, now: Time) -> Result<(), Error> {
    let catalog = engine.catalog();
    let store = engine.store();
    let scope = Scope { store: &**store, workspace: &workspace, catalog: &catalog, now };
    let until = scope.calendar().hour_start(now);
    if engine.looked_at(&workspace.id).is_some_and(|looked| looked.until >= until) {
        return Ok(());
    }
    let view = engine.anomaly_policy_of(&workspace).await?.value;
    let stored = stored(&engine, &workspace.id, until).await?;
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
    let changed = settle(&stored, anomalies, until);
    let is_due = |it: &Anomaly| {
        it.alerts == AnomalyAlerts::Due || it.alerts == AnomalyAlerts::Opened && !it.is_open
    };
    if !changed.is_empty() || stored.iter().any(is_due) {
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

/// What is to be stored: what was found and is not known to be over, under the id that it is known
/// by; and what is open and was not found any more, as over.
fn settle(stored: &[Anomaly], found: Vec<Anomaly>, until: Time) -> Vec<Anomaly> {
    let mut changed: Vec<Anomaly> = Vec::new();
    let mut seen: Vec<Arc<str>> = Vec::new();
    for mut anomaly in found {
        let known = stored.iter().find(|known| is_known_as(known, &anomaly));
        if let Some(known) = known {
            if seen.contains(&known.id) {
                continue;
            }
            seen.push(known.id.clone());
            // What is over stays as it was.
            if known.is_open {
                changed.push(grown(known, anomaly));
            }
            continue;
        }
        let is_late = !anomaly.is_open && anomaly.end_time + LATE < until;
        let is_suppressed =
            is_late || suppress(stored.iter(), &anomaly) || suppress(changed.iter(), &anomaly);
        anomaly.alerts = if is_suppressed { AnomalyAlerts::Suppressed } else { AnomalyAlerts::Due };
        changed.push(anomaly);
    }
    for known in stored.iter().filter(|known| known.is_open && !seen.contains(&known.id)) {
        changed.push(Anomaly { is_open: false, ..known.clone() });
    }
    changed
}

/// An anomaly that is known and still lasts, as it is now. Of one that lasts longer than is judged
/// at once the figures are those of its beginning.
fn grown(known: &Anomaly, found: Anomaly) -> Anomaly {
    if found.start_time > known.start_time {
        let Anomaly { end_time, is_open, .. } = found;
        return Anomaly { end_time, is_open, ..known.clone() };
    }
    Anomaly { id: known.id.clone(), start_time: known.start_time, ..found }
}

/// Whether an anomaly is one that is stored, which may have begun at another hour before late
/// records came.
fn is_known_as(known: &Anomaly, found: &Anomaly) -> bool {
    let apart = match (found.step, found.metric) {
        (AnomalyStep::Hour, AnomalyMetric::FailedRequests) => APART_FAILURES,
        (AnomalyStep::Hour, _) => APART,
        (AnomalyStep::Day, _) => 0,
    };
    known.id == found.id
        || known.is_same(found)
            && found.start_time < known.end_time + apart
            && known.start_time < found.end_time + apart
}

/// Whether alerts about one of these suppress those about an anomaly.
fn suppress<'a>(mut others: impl Iterator<Item = &'a Anomaly>, anomaly: &Anomaly) -> bool {
    let is_of_failures = |it: &Anomaly| it.metric == AnomalyMetric::FailedRequests;
    others.any(|other| {
        let explains = || other.contributors.iter().any(|it| it.member == anomaly.member);
        other.alerts != AnomalyAlerts::Suppressed
            && other.is_drop == anomaly.is_drop
            && is_of_failures(other) == is_of_failures(anomaly)
            && other.start_time < anomaly.end_time
            && anomaly.start_time < other.end_time + APART
            && (other.member.dimension == Dimension::Workspace
                || other.member == anomaly.member
                || explains())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Amount;
    use crate::domain::alert::anomaly::{AnomalyContributor, AnomalyKind, AnomalySeverity};

    fn member(dimension: Dimension, id: &str) -> AnomalyMember {
        AnomalyMember { dimension, id: id.into() }
    }

    /// From one hour to another; open.
    fn anomaly(id: &str, member: AnomalyMember, from: i64, to: i64) -> Anomaly {
        Anomaly {
            id: id.into(),
            kind: AnomalyKind::Spike,
            member,
            metric: AnomalyMetric::Cost,
            step: AnomalyStep::Hour,
            start_time: Time::EARLIEST + from * MICROS_PER_HOUR,
            end_time: Time::EARLIEST + to * MICROS_PER_HOUR,
            is_drop: false,
            is_open: true,
            detect_time: Time::EARLIEST,
            expected: 1,
            actual: to - from,
            low: 0,
            high: 1,
            impact: Amount::ZERO,
            impact_percent: 0,
            severity: AnomalySeverity::Low,
            alerts: AnomalyAlerts::Due,
            feedback: None,
            contributors: Vec::new(),
        }
    }

    fn alerts_of(changed: &[Anomaly]) -> Vec<(&str, AnomalyAlerts)> {
        changed.iter().map(|it| (&*it.id, it.alerts)).collect()
    }

    #[test]
    fn of_those_that_belong_together_one_raises_alerts() {
        use AnomalyAlerts::{Due, Suppressed};
        let whole = anomaly("whole", AnomalyMember::workspace(), 10, 11);
        let model = anomaly("model", member(Dimension::Model, "m"), 10, 11);
        let drop =
            Anomaly { is_drop: true, ..anomaly("drop", member(Dimension::Model, "n"), 10, 11) };
        let failures = Anomaly {
            metric: AnomalyMetric::FailedRequests,
            ..anomaly("failures", member(Dimension::Model, "m"), 10, 11)
        };
        let later = anomaly("later", member(Dimension::Model, "m"), 17, 18);
        let found = vec![whole, model, drop, failures, later.clone()];
        let expected = [
            ("whole", Due),
            ("model", Suppressed),
            ("drop", Due),
            ("failures", Due),
            ("later", Due),
        ];
        assert_eq!(alerts_of(&settle(&[], found)), expected);
        // One of another member suppresses those that explain it.
        let mut model = anomaly("model", member(Dimension::Model, "m"), 10, 11);
        model.contributors = vec![AnomalyContributor {
            member: member(Dimension::ApiKey, "k"),
            share: 10_000,
            before: 0,
            after: 1,
        }];
        let key = anomaly("key", member(Dimension::ApiKey, "k"), 0, 24);
        let other = anomaly("other", member(Dimension::ApiKey, "l"), 0, 24);
        let expected = [("key", Suppressed), ("other", Due)];
        assert_eq!(
            alerts_of(&settle(&[model.clone()], vec![model.clone(), key, other]))[1..],
            expected
        );
        // A suppressed one suppresses nothing.
        let suppressed = Anomaly { alerts: Suppressed, is_open: false, ..model };
        let same_time = anomaly("same", member(Dimension::ApiKey, "k"), 10, 11);
        assert_eq!(alerts_of(&settle(&[suppressed], vec![same_time])), [("same", Due)]);
    }

    /// At hour 30.
    fn settle(stored: &[Anomaly], found: Vec<Anomaly>) -> Vec<Anomaly> {
        super::settle(stored, found, Time::EARLIEST + 30 * MICROS_PER_HOUR)
    }

    #[test]
    fn what_was_over_for_a_day_is_stored_and_raises_no_alert() {
        use AnomalyAlerts::{Due, Suppressed};
        let over = |to| Anomaly {
            is_open: false,
            ..anomaly("over", member(Dimension::Model, "m"), 1, to)
        };
        assert_eq!(alerts_of(&settle(&[], vec![over(5)])), [("over", Suppressed)]);
        assert_eq!(alerts_of(&settle(&[], vec![over(6)])), [("over", Due)]);
        let open = Anomaly { is_open: true, ..over(5) };
        assert_eq!(alerts_of(&settle(&[], vec![open])), [("over", Due)]);
    }

    #[test]
    fn what_is_known_keeps_its_id_and_what_is_over_stays_as_it_was() {
        let of = |id: &str, from, to| anomaly(id, member(Dimension::Model, "m"), from, to);
        let open = of("open", 10, 12);
        // It grows, also where it is found to begin at another hour.
        for (found, expected) in [
            (of("open", 10, 13), of("open", 10, 13)),
            (of("new", 9, 13), Anomaly { start_time: open.start_time, ..of("open", 9, 13) }),
            // Its beginning is not judged any more: its figures stay.
            (of("new", 12, 15), Anomaly { actual: open.actual, ..of("open", 10, 15) }),
        ] {
            assert_eq!(settle(std::slice::from_ref(&open), vec![found]), [expected]);
        }
        let over = Anomaly { is_open: false, alerts: AnomalyAlerts::Closed, ..open.clone() };
        assert_eq!(
            settle(std::slice::from_ref(&over), vec![of("open", 10, 11), of("new", 11, 12)]),
            []
        );
        // It is not found any more.
        assert_eq!(
            settle(std::slice::from_ref(&open), Vec::new()),
            [Anomaly { is_open: false, ..open }]
        );
        // Six hours later it is another one.
        assert_eq!(settle(std::slice::from_ref(&over), vec![of("new", 18, 19)]).len(), 1);
        assert_eq!(settle(&[over], vec![of("new", 17, 19)]), []);
    }
}
