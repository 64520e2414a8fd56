//! Recommendations, and when they were made.

use tollgate::domain::attribution::SubjectKind;
use tollgate::domain::workspace::recommendation::{
    Advice, Baseline, MeasuredSaving, Recommendation, RecommendationEvidence, RecommendationKind,
    RecommendationReason, RecommendationState, RecommendationStatus, RecommendationTopic, Saving,
    StateChange,
};
use tollgate::domain::{Amount, Time};
use tollgate::storage::Store;
use tollgate::storage::recommendations::RecommendationFilter;
use tollgate::storage::settings::Change;

use crate::fixtures::{START, put_in};
use crate::world::World;

fn nanos(nanos: i64) -> Amount {
    Amount::from_nanos(nanos)
}

/// Open, of a feature, with an expected saving; it expires right after the start.
pub fn recommendation(subject_id: &str, saved: i64) -> Recommendation {
    let advice = Advice {
        topic: RecommendationTopic {
            reason: RecommendationReason::CheaperModel,
            subject_kind: SubjectKind::Feature,
            subject_id: subject_id.into(),
            model_id: "big".into(),
            target: "small".into(),
        },
        evidence: RecommendationEvidence {
            start_time: START,
            end_time: START + 1,
            requests: 2,
            tokens: i64::MAX,
            cost: nanos(i64::MAX),
        },
        saving: Some(Saving { low: nanos(-1), expected: nanos(saved), high: nanos(i64::MAX) }),
        baseline: Baseline { requests: 3, cost: nanos(4) },
    };
    let expire_time = START + 1;
    Recommendation {
        id: subject_id.into(),
        expire_time,
        ..Recommendation::found(advice, None, START)
    }
}

pub fn changed(actor: &str) -> Option<StateChange> {
    Some(StateChange { time: START, actor: actor.to_owned(), reason: "too small".to_owned() })
}

async fn put(store: &dyn Store, recommendations: Vec<Recommendation>) {
    put_in(store, "w", Change::PutRecommendations(recommendations)).await;
}

fn all() -> RecommendationFilter {
    RecommendationFilter {
        workspace_id: "w".to_owned(),
        kind: None,
        status: None,
        subject: None,
        now: START,
    }
}

async fn ids(store: &dyn Store, filter: RecommendationFilter) -> Vec<String> {
    let found = store.recommendations(&filter, None, 10).await.unwrap();
    assert_eq!(store.count_recommendations(&filter, 10).await.unwrap(), found.len());
    found.iter().map(|it| it.id.to_string()).collect()
}

pub async fn recommendations_come_back_as_they_were_put(world: &World) {
    let store = world.store().await;
    let first = recommendation("a", 5);
    let mut second = recommendation("b", 6);
    second.advice.saving = None;
    second.advice.topic.reason = RecommendationReason::Unpriced;
    put(&*store, vec![first.clone(), second.clone()]).await;
    assert_eq!(store.recommendation("w", "a").await.unwrap(), Some(first.clone()));
    assert_eq!(store.recommendation("w", "b").await.unwrap(), Some(second));
    assert_eq!(store.recommendation("w", "c").await.unwrap(), None);
    assert_eq!(store.recommendation("other", "a").await.unwrap(), None);
    let measured = MeasuredSaving {
        start_time: START,
        end_time: START + 1,
        requests: i64::MAX,
        saved: nanos(i64::MIN),
    };
    let again = Recommendation {
        state: RecommendationState::Dismissed,
        change: changed("eve"),
        measured: Some(measured),
        ..first
    };
    put(&*store, vec![again.clone()]).await;
    assert_eq!(store.recommendation("w", "a").await.unwrap(), Some(again));
}

/// One for its kind, subject, model and target, whatever id it is given.
pub async fn a_recommendation_is_stored_once(world: &World) {
    let store = world.store().await;
    put(&*store, vec![recommendation("a", 5)]).await;
    let same = Recommendation { id: "b".into(), ..recommendation("a", 6) };
    let refused = store.change("w", &[Change::PutRecommendations(vec![same.clone()])], &[]).await;
    assert!(refused.is_err(), "{refused:?}");
    assert_eq!(store.recommendation("w", "b").await.unwrap(), None);
    let changes: [fn(&mut RecommendationTopic); 5] = [
        |topic| topic.reason = RecommendationReason::NightlyRequests,
        |topic| topic.subject_kind = SubjectKind::Assistant,
        |topic| topic.subject_id = "b".into(),
        |topic| topic.model_id = "other".into(),
        |topic| topic.target = "other".into(),
    ];
    for (index, change) in changes.into_iter().enumerate() {
        let mut other = Recommendation { id: format!("other-{index}").into(), ..same.clone() };
        change(&mut other.advice.topic);
        put(&*store, vec![other]).await;
    }
    put_in(&*store, "other", Change::PutRecommendations(vec![same])).await;
    assert_eq!(store.count_recommendations(&all(), 10).await.unwrap(), 6);
}

pub async fn recommendations_are_listed_by_what_they_save(world: &World) {
    let store = world.store().await;
    let taken = Recommendation { state: RecommendationState::Taken, ..recommendation("c", 7) };
    let dismissed = RecommendationState::Dismissed;
    let mut idle = Recommendation { state: dismissed, ..recommendation("d", 8) };
    idle.advice.topic.reason = RecommendationReason::KeyUnused;
    idle.advice.topic.subject_kind = SubjectKind::ApiKey;
    idle.advice.saving = None;
    put(&*store, vec![recommendation("a", 5), recommendation("b", 5), taken, idle]).await;
    put_in(&*store, "other", Change::PutRecommendations(vec![recommendation("e", 9)])).await;
    assert_eq!(ids(&*store, all()).await, ["c", "b", "a", "d"]);
    let at = |status, now| RecommendationFilter { status: Some(status), now, ..all() };
    for (status, now, expected) in [
        (RecommendationStatus::Open, START, vec!["b", "a"]),
        (RecommendationStatus::Open, START + 1, vec![]),
        (RecommendationStatus::Expired, START, vec![]),
        (RecommendationStatus::Expired, START + 1, vec!["b", "a"]),
        (RecommendationStatus::Taken, START + 1, vec!["c"]),
        (RecommendationStatus::Dismissed, START + 1, vec!["d"]),
    ] {
        assert_eq!(ids(&*store, at(status, now)).await, expected, "{status:?} {now:?}");
    }
    let kind = Some(RecommendationKind::Idle);
    assert_eq!(ids(&*store, RecommendationFilter { kind, ..all() }).await, ["d"]);
    let of = |kind, id: Option<&str>| RecommendationFilter {
        subject: Some((kind, id.map(str::to_owned))),
        ..all()
    };
    assert_eq!(ids(&*store, of(SubjectKind::Feature, Some("b"))).await, ["b"]);
    assert_eq!(ids(&*store, of(SubjectKind::Feature, None)).await, ["c", "b", "a"]);
    assert_eq!(ids(&*store, of(SubjectKind::Assistant, Some("b"))).await, [""; 0]);
    let page = async |after: (i64, &str), limit| {
        let after = Some((nanos(after.0), after.1.to_owned()));
        let found = store.recommendations(&all(), after, limit).await.unwrap();
        found.iter().map(|it| it.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(page((5, "b"), 10).await, ["a", "d"]);
    assert_eq!(page((7, "c"), 1).await, ["b"]);
    assert_eq!(store.count_recommendations(&all(), 3).await.unwrap(), 3);
}

pub async fn it_is_noted_when_recommendations_were_made(world: &World) {
    let store = world.store().await;
    assert_eq!(store.recommendations_made("w").await.unwrap(), None);
    let expire =
        |id: &str, time: i64| Recommendation { expire_time: START + time, ..recommendation(id, 5) };
    put(&*store, vec![expire("a", 4), expire("b", 5)]).await;
    put_in(&*store, "other", Change::PutRecommendations(vec![expire("a", 4)])).await;
    let make = |time: Time, forget_before| Change::MakeRecommendations { time, forget_before };
    put_in(&*store, "w", make(START, START)).await;
    assert_eq!(store.recommendations_made("w").await.unwrap(), Some(START));
    put_in(&*store, "w", make(START + 9, START + 5)).await;
    assert_eq!(store.recommendations_made("w").await.unwrap(), Some(START + 9));
    assert_eq!(store.recommendations_made("other").await.unwrap(), None);
    assert_eq!(ids(&*store, all()).await, ["b"]);
    assert!(store.recommendation("other", "a").await.unwrap().is_some());
}
