//! Anomalies, who explains them, and the policies of which are stored.

use tollgate::domain::alert::anomaly::{
    Anomaly, AnomalyAlerts, AnomalyContributor, AnomalyFeedback, AnomalyKind, AnomalyMember,
    AnomalyMetric, AnomalyMute, AnomalyPolicy, AnomalySensitivity, AnomalySeverity, AnomalyStep,
};
use tollgate::domain::attribution::Dimension;
use tollgate::domain::{Amount, Time};
use tollgate::storage::Store;
use tollgate::storage::anomalies::AnomalyFilter;
use tollgate::storage::settings::Change;

use crate::fixtures::{START, put_in};
use crate::world::World;

fn member(dimension: Dimension, id: &str) -> AnomalyMember {
    AnomalyMember { dimension, id: id.into() }
}

fn contributor(dimension: Dimension, id: &str) -> AnomalyContributor {
    AnomalyContributor { member: member(dimension, id), share: 9_900, before: 1, after: i64::MAX }
}

/// Open, with an alert due; it starts so many microseconds after the start.
pub fn anomaly(id: &str, start: i64) -> Anomaly {
    Anomaly {
        id: id.into(),
        kind: AnomalyKind::Spike,
        member: member(Dimension::ApiKey, id),
        metric: AnomalyMetric::Cost,
        step: AnomalyStep::Hour,
        start_time: START + start,
        end_time: START + start + 1,
        is_drop: false,
        is_open: true,
        detect_time: START + start + 2,
        expected: 1,
        actual: i64::MAX,
        low: 0,
        high: 2,
        impact: Amount::from_nanos(i64::MAX),
        impact_percent: 100_000_000,
        severity: AnomalySeverity::High,
        alerts: AnomalyAlerts::Due,
        feedback: None,
        contributors: vec![
            contributor(Dimension::User, "ada"),
            contributor(Dimension::Model, "big"),
        ],
    }
}

async fn put(store: &dyn Store, anomalies: Vec<Anomaly>) {
    put_in(store, "w", Change::PutAnomalies(anomalies)).await;
}

fn said(feedback: AnomalyFeedback, time: Time) -> Option<(AnomalyFeedback, Time, String)> {
    Some((feedback, time, "eve".to_owned()))
}

fn ids(found: &[Anomaly]) -> Vec<&str> {
    found.iter().map(|anomaly| &*anomaly.id).collect()
}

pub async fn anomalies_come_back_as_they_were_put(world: &World) {
    let store = world.store().await;
    let first = anomaly("a", 0);
    let mut second = Anomaly {
        kind: AnomalyKind::Failures,
        metric: AnomalyMetric::FailedRequests,
        step: AnomalyStep::Day,
        member: AnomalyMember::workspace(),
        is_drop: true,
        contributors: Vec::new(),
        ..anomaly("b", 0)
    };
    put(&*store, vec![first.clone(), second.clone()]).await;
    assert_eq!(store.anomaly("w", "a").await.unwrap(), Some(first.clone()));
    assert_eq!(store.anomaly("w", "b").await.unwrap(), Some(second.clone()));
    assert_eq!(store.anomaly("other", "a").await.unwrap(), None);
    // Replaced, with fewer who explain it.
    let feedback = said(AnomalyFeedback::Real, START);
    let mut again = Anomaly { feedback, is_open: false, alerts: AnomalyAlerts::Closed, ..first };
    again.contributors.truncate(1);
    second.contributors = vec![contributor(Dimension::Feature, "search")];
    put(&*store, vec![again.clone(), second.clone()]).await;
    assert_eq!(store.anomaly("w", "a").await.unwrap(), Some(again));
    assert_eq!(store.anomaly("w", "b").await.unwrap(), Some(second));
}

/// One for its member, metric, step and start, whatever id it is given.
pub async fn an_anomaly_is_stored_once(world: &World) {
    let store = world.store().await;
    put(&*store, vec![anomaly("a", 0)]).await;
    let same = Anomaly { member: member(Dimension::ApiKey, "a"), ..anomaly("b", 0) };
    let refused = store.change("w", &[Change::PutAnomalies(vec![same.clone()])], &[]).await;
    assert!(refused.is_err(), "{refused:?}");
    assert_eq!(store.anomaly("w", "b").await.unwrap(), None);
    for other in [
        Anomaly { metric: AnomalyMetric::Requests, ..same.clone() },
        Anomaly { id: "c".into(), step: AnomalyStep::Day, ..same.clone() },
        Anomaly { id: "d".into(), start_time: START + 1, ..same },
    ] {
        put(&*store, vec![other]).await;
    }
    put_in(&*store, "other", Change::PutAnomalies(vec![anomaly("a", 0)])).await;
    let filter = AnomalyFilter { workspace_id: "w".to_owned(), ..AnomalyFilter::default() };
    assert_eq!(store.count_anomalies(&filter, 10).await.unwrap(), 4);
}

pub async fn anomalies_are_listed_newest_first(world: &World) {
    let store = world.store().await;
    let closed = Anomaly { is_open: false, ..anomaly("c", 2) };
    let known = Anomaly { feedback: said(AnomalyFeedback::Real, START), ..anomaly("d", 3) };
    put(&*store, vec![anomaly("a", 1), anomaly("b", 1), closed, known]).await;
    let all = || AnomalyFilter { workspace_id: "w".to_owned(), ..AnomalyFilter::default() };
    let list = async |filter: AnomalyFilter| {
        let found = store.anomalies(&filter, None, 10).await.unwrap();
        assert_eq!(store.count_anomalies(&filter, 10).await.unwrap(), found.len());
        found
    };
    assert_eq!(ids(&list(all()).await), ["d", "c", "b", "a"]);
    assert_eq!(ids(&list(AnomalyFilter { is_open: Some(false), ..all() }).await), ["c"]);
    let open = AnomalyFilter { is_open: Some(true), ..all() };
    assert_eq!(ids(&list(open).await), ["d", "b", "a"]);
    let unknown = AnomalyFilter { unacknowledged_only: true, ..all() };
    assert_eq!(ids(&list(unknown).await), ["c", "b", "a"]);
    let of_key = AnomalyFilter { member: Some(member(Dimension::ApiKey, "b")), ..all() };
    assert_eq!(ids(&list(of_key).await), ["b"]);
    let of_user = AnomalyFilter { member: Some(member(Dimension::User, "b")), ..all() };
    assert_eq!(ids(&list(of_user).await), [""; 0]);
    let span = AnomalyFilter { from: Some(START + 2), to: Some(START + 3), ..all() };
    assert_eq!(ids(&list(span).await), ["c"]);
    let after = Some((START + 1, "b".to_owned()));
    let page = store.anomalies(&all(), after, 10).await.unwrap();
    assert_eq!(ids(&page), ["a"]);
    let first = store.anomalies(&all(), None, 2).await.unwrap();
    assert_eq!(ids(&first), ["d", "c"]);
    assert_eq!(first[0].contributors.len(), 2);
    assert_eq!(store.count_anomalies(&all(), 3).await.unwrap(), 3);
}

pub async fn unsettled_anomalies_are_open_or_have_alerts_due(world: &World) {
    let store = world.store().await;
    let with = |id: &str, start: i64, is_open: bool, alerts: AnomalyAlerts| Anomaly {
        is_open,
        alerts,
        ..anomaly(id, start)
    };
    put(
        &*store,
        vec![
            with("settled", 1, false, AnomalyAlerts::Closed),
            with("silent", 2, false, AnomalyAlerts::Suppressed),
            with("open, suppressed", 9, true, AnomalyAlerts::Suppressed),
            with("open", 8, true, AnomalyAlerts::Opened),
            with("due", 7, false, AnomalyAlerts::Due),
            with("over, due", 6, false, AnomalyAlerts::Opened),
        ],
    )
    .await;
    let found = store.unsettled_anomalies("w").await.unwrap();
    assert_eq!(ids(&found), ["over, due", "due", "open", "open, suppressed"]);
    assert_eq!(store.unsettled_anomalies("other").await.unwrap(), []);
}

pub async fn false_anomalies_are_counted_from_a_time_on(world: &World) {
    let store = world.store().await;
    let with = |id: &str, feedback: AnomalyFeedback, time: i64| Anomaly {
        feedback: said(feedback, START + time),
        ..anomaly(id, 0)
    };
    put(
        &*store,
        vec![
            with("c", AnomalyFeedback::False, 9),
            with("b", AnomalyFeedback::False, 5),
            with("early", AnomalyFeedback::False, 4),
            with("real", AnomalyFeedback::Real, 7),
            with("expected", AnomalyFeedback::Expected, 7),
            anomaly("none", 0),
        ],
    )
    .await;
    let expected =
        [("b", 5), ("c", 9)].map(|(id, time)| (member(Dimension::ApiKey, id), START + time));
    assert_eq!(store.false_anomalies("w", START + 5).await.unwrap(), expected);
    assert_eq!(store.false_anomalies("other", START).await.unwrap(), []);
}

pub async fn a_policy_of_anomalies_is_replaced_with_its_mutes(world: &World) {
    let store = world.store().await;
    assert_eq!(store.anomaly_policy("w").await.unwrap(), None);
    let mute = |dimension, id: &str| AnomalyMute { member: member(dimension, id), end_time: START };
    let first = AnomalyPolicy {
        least_impact: Some(Amount::from_nanos(1)),
        sensitivity: AnomalySensitivity::High,
        mutes: vec![mute(Dimension::Department, "law"), mute(Dimension::ApiKey, "k")],
    };
    put_in(&*store, "w", Change::PutAnomalyPolicy(first.clone())).await;
    put_in(&*store, "other", Change::PutAnomalyPolicy(first.clone())).await;
    assert_eq!(store.anomaly_policy("w").await.unwrap(), Some(first.clone()));
    let second = AnomalyPolicy {
        least_impact: None,
        sensitivity: AnomalySensitivity::Low,
        mutes: vec![mute(Dimension::ApiKey, "k")],
    };
    put_in(&*store, "w", Change::PutAnomalyPolicy(second.clone())).await;
    assert_eq!(store.anomaly_policy("w").await.unwrap(), Some(second));
    assert_eq!(store.anomaly_policy("other").await.unwrap(), Some(first));
}
