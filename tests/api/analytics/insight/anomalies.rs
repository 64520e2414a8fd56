//! Anomalies through the API: usage whose hours are given, a key that runs away in a named hour,
//! and a clock that is moved.

use std::time::Duration;

use prost_types::{FieldMask, Timestamp};
use tollgate::config::Config;
use tollgate::domain::time::{MICROS_PER_HOUR, MICROS_PER_SECOND};
use tollgate::proto::v1;
use tonic::{Code, Status};

use crate::alerts::{create_webhook, list, webhook};
use crate::analytics::setup::{attempt, instant, priced};
use crate::fixtures::{ACME, amount, assert_failed, audit_events, by, eur, refused_fields};
use crate::outage::Outage;
use crate::receiver::{Receiver, Reply};
use crate::server::{Server, TestClock, open};

/// How long a look may take until the test fails.
const PATIENCE: Duration = Duration::from_secs(60);
const HOUR: i64 = 3_600;
/// From here to the hour that is looked at first every hour has the same usage.
const BEGIN: &str = "2026-03-01T00:00:00Z";
/// 12:00 on a Sunday, when the clock of tests begins.
const NOON: &str = "2026-03-15T12:00:00Z";

/// One record of a key in the middle of an hour, of so many thousands of tokens.
fn used(key: &str, hour: i64, thousands: i64) -> v1::RecordUsageRequest {
    let of = attempt(&format!("{key}-{hour}"), "small").of(|it| {
        it.api_key_id = key.to_owned();
        it.department_id = "law".to_owned();
        it.feature_id = format!("feature of {key}");
    });
    let mut request = of.into_request();
    let usage = request.usage.as_mut().unwrap();
    (usage.input_token_count, usage.output_token_count) = (thousands * 1_000, 0);
    request.start_time = Some(Timestamp { seconds: hour * HOUR + HOUR / 2, nanos: 0 });
    request
}

/// Records, which all are new.
async fn record(server: &Server, records: Vec<v1::RecordUsageRequest>) {
    for batch in records.chunks(1_000) {
        let request = v1::RecordUsageBatchRequest { records: batch.to_vec() };
        let answer = server.usage().record_usage_batch(request).await.unwrap().into_inner();
        let is_recorded = |it: &v1::RecordUsageResult| {
            matches!(&it.result, Some(v1::record_usage_result::Result::Record(_)))
        };
        assert!(answer.results.iter().all(is_recorded), "{answer:?}");
    }
}

fn hour_of(text: &str) -> i64 {
    instant(text).seconds / HOUR
}

/// Two keys that use about the same in every hour: 3 EUR and 1 EUR a hundred.
fn usual(hours: std::ops::Range<i64>) -> Vec<v1::RecordUsageRequest> {
    hours
        .flat_map(|hour| [used("web", hour, 300 + hour % 5), used("batch", hour, 100 + hour % 3)])
        .collect()
}

/// Sets the clock so long after the start of an hour that it is looked at, and waits until it was.
async fn look(server: &Server, hour: i64) -> v1::ListAnomaliesResponse {
    let to = hour * MICROS_PER_HOUR + 130 * MICROS_PER_SECOND;
    server.clock.advance(to - server.clock.micros());
    let looked = async {
        loop {
            let found = anomalies(server, v1::ListAnomaliesRequest::default()).await.unwrap();
            if found.looked_until_time == Some(Timestamp { seconds: hour * HOUR, nanos: 0 }) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, looked).await.expect("the hour is looked at")
}

async fn anomalies(
    server: &Server,
    request: v1::ListAnomaliesRequest,
) -> Result<v1::ListAnomaliesResponse, Status> {
    let request = v1::ListAnomaliesRequest { workspace_id: ACME.to_owned(), ..request };
    Ok(server.insight().list_anomalies(request).await?.into_inner())
}

/// Those that raise alerts.
fn alerted(found: &v1::ListAnomaliesResponse) -> Vec<&v1::Anomaly> {
    found.anomalies.iter().filter(|anomaly| anomaly.alerted).collect()
}

async fn alerts(server: &Server) -> Vec<v1::Alert> {
    let types = vec![v1::AlertType::Anomaly.into()];
    let mut alerts = list(server, v1::ListAlertsRequest { types, ..Default::default() }).await;
    alerts.reverse();
    alerts
}

fn subject(kind: v1::SubjectType, id: &str) -> v1::Subject {
    v1::Subject { r#type: kind.into(), id: id.to_owned() }
}

fn key(id: &str) -> v1::Subject {
    subject(v1::SubjectType::ApiKey, id)
}

async fn set_policy(
    server: &Server,
    policy: v1::AnomalyPolicy,
    paths: &[&str],
) -> Result<v1::AnomalyPolicy, Status> {
    let paths = paths.iter().map(ToString::to_string).collect();
    let request = v1::SetAnomalyPolicyRequest {
        workspace_id: ACME.to_owned(),
        anomaly_policy: Some(policy),
        update_mask: Some(FieldMask { paths }),
    };
    let set = server.insight().set_anomaly_policy(by("ada", request)).await?.into_inner();
    Ok(set.anomaly_policy.unwrap())
}

async fn acknowledge(
    server: &Server,
    id: &str,
    feedback: v1::AnomalyFeedback,
) -> Result<v1::AcknowledgeAnomalyResponse, Status> {
    let request = v1::AcknowledgeAnomalyRequest {
        workspace_id: ACME.to_owned(),
        anomaly_id: id.to_owned(),
        feedback: feedback.into(),
    };
    Ok(server.insight().acknowledge_anomaly(by("eve", request)).await?.into_inner())
}

fn money(quantity: &Option<v1::Quantity>) -> f64 {
    super::cost(quantity)
}

/// What the workspace had at noon, by hand.
fn assert_spike(anomaly: &v1::Anomaly) {
    assert_eq!(anomaly.kind(), v1::AnomalyKind::Spike);
    assert_eq!(anomaly.metric(), v1::AnomalyMetric::Cost);
    assert_eq!(anomaly.state(), v1::AnomalyState::Open);
    assert_eq!(anomaly.subject, Some(subject(v1::SubjectType::Workspace, ACME)));
    assert_eq!(anomaly.start_time, Some(instant(NOON)));
    assert_eq!(anomaly.end_time, Some(instant("2026-03-15T13:00:00Z")));
    // 3.3 EUR, where 300 to 304 and 100 to 102 thousands of tokens are usual.
    assert_eq!(money(&anomaly.actual), 3.3);
    assert!((money(&anomaly.expected) - 0.403).abs() < 0.002, "{anomaly:?}");
    let normal = anomaly.normal.as_ref().unwrap();
    assert!(money(&normal.low) >= 0.4 && money(&normal.high) <= 0.406, "{normal:?}");
    let impact: f64 = amount(&anomaly.impact).parse().unwrap();
    assert!((impact - 2.897).abs() < 0.002, "{impact}");
    assert!((anomaly.impact_percent - 719.0).abs() < 3.0, "{}", anomaly.impact_percent);
    let most = &anomaly.contributors[0];
    assert_eq!(most.subject, Some(key("batch")));
    assert!(most.share > 0.99, "{most:?}");
    assert_eq!(money(&most.after), 3.0);
    assert!((money(&most.before) - 0.101).abs() < 0.002, "{most:?}");
}

/// The key "batch" spends thirty times as much in one hour. It raises one alert, with its name, and
/// one that it is over; the day after none.
#[tokio::test]
async fn a_key_that_runs_away_raises_one_alert_with_its_name_and_one_when_it_is_over() {
    let server = priced().await;
    let noon = hour_of(NOON);
    record(&server, usual(hour_of(BEGIN)..noon)).await;
    let quiet = look(&server, noon).await;
    assert_eq!(quiet.anomalies, []);
    assert_eq!((quiet.hourly_member_max, quiet.daily_member_max), (50, 200));
    assert!(!quiet.members_left_out);

    record(&server, vec![used("web", noon, 300), used("batch", noon, 3_000)]).await;
    let found = look(&server, noon + 1).await;
    let [anomaly] = alerted(&found)[..] else { panic!("{found:#?}") };
    assert_spike(anomaly);
    // The model and the department stand out, too: they are listed, without alerts.
    let of = |kind: v1::SubjectType| {
        found.anomalies.iter().any(|it| it.subject.as_ref().unwrap().r#type() == kind)
    };
    assert!(of(v1::SubjectType::Model) && of(v1::SubjectType::Department), "{found:#?}");
    let first = alerts(&server).await;
    let [alert] = &first[..] else { panic!("{first:#?}") };
    let about = alert.anomaly.as_ref().unwrap();
    assert_eq!((&about.anomaly_id, about.over), (&anomaly.anomaly_id, false));
    assert_eq!(about.explained_by[0], key("batch"));
    assert_eq!((amount(&alert.spent), alert.window_end_time.as_ref()), ("3.30", None));
    assert!(
        alert.message.starts_with("the cost of workspace acme was 3.30 EUR since"),
        "{alert:?}"
    );
    assert!(alert.message.contains("explained by API key batch"), "{}", alert.message);

    // Normal again: after six hours it is over.
    for hour in 1..=6 {
        record(&server, usual(noon + hour..noon + hour + 1)).await;
        let found = look(&server, noon + hour + 1).await;
        let expected = if hour < 6 { v1::AnomalyState::Open } else { v1::AnomalyState::Closed };
        assert_eq!(alerted(&found)[0].state(), expected, "{hour} hours later");
        assert_eq!(alerts(&server).await.len(), if hour < 6 { 1 } else { 2 });
    }
    let second = alerts(&server).await.remove(1);
    assert!(second.anomaly.as_ref().unwrap().over);
    assert!(second.message.starts_with("an anomaly is over: the cost of workspace acme was 3.30"));

    // The day of the key is odd, and its alert is raised already.
    let mut next_day = v1::ListAnomaliesResponse::default();
    for hour in 7..12 {
        record(&server, usual(noon + hour..noon + hour + 1)).await;
        next_day = look(&server, noon + hour + 1).await;
    }
    let days: Vec<_> = next_day
        .anomalies
        .iter()
        .filter(|it| {
            it.granularity() == v1::TimeGranularity::Day && it.subject == Some(key("batch"))
        })
        .collect();
    assert!(!days.is_empty(), "{next_day:#?}");
    assert_eq!(alerted(&next_day).len(), 1, "{next_day:#?}");
    assert_eq!(alerts(&server).await.len(), 2);
}

/// A crash between the anomaly and its alert, and one after both: there is one alert, delivered
/// once.
#[tokio::test]
async fn a_crash_in_between_neither_loses_nor_repeats_the_alert() {
    let folder = tempfile::tempdir().unwrap();
    let config = || Config { webhooks_allow_loopback: true, ..Config::default() };
    let clock: std::sync::Arc<TestClock> = std::sync::Arc::default();
    let noon = hour_of(NOON);
    let store = std::sync::Arc::new(Outage::new(open(folder.path()).await));
    let server = Server::start_on(store.clone(), clock.clone(), config()).await;
    crate::analytics::setup::set_prices(&server).await;
    let mut receiver = Receiver::start(&[Reply::Status(204)]).await;
    let only =
        v1::Webhook { types: vec![v1::AlertType::Anomaly.into()], ..webhook("w", &receiver.url) };
    create_webhook(&server, only).await.unwrap();
    record(&server, usual(hour_of(BEGIN)..noon)).await;
    record(&server, vec![used("web", noon, 300), used("batch", noon, 3_000)]).await;

    // The anomaly is stored and its alert is not: the call that stores it fails for good.
    store.set_defective("put_alerts");
    clock.advance(MICROS_PER_HOUR + 130 * MICROS_PER_SECOND);
    let ended = tokio::time::timeout(PATIENCE, server.end()).await.expect("it ends by itself");
    assert!(ended.is_err(), "a defect ends the server");
    drop(store);

    for _ in 0..2 {
        let server = Server::start_in(folder.path(), clock.clone(), config()).await;
        let found = look(&server, noon + 1).await;
        assert_eq!(alerted(&found).len(), 1, "{found:#?}");
        assert_eq!(alerts(&server).await.len(), 1);
        server.stop().await.unwrap();
    }
    let posted = receiver.next().await.json();
    assert_eq!(posted["type"], "alert.anomaly");
    assert_eq!(posted["data"]["anomaly"]["explained_by"][0]["id"], "batch");
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(receiver.try_next().is_none(), "it is delivered once");
}

/// A workspace is judged by its own usage alone.
#[tokio::test]
async fn what_is_odd_in_one_workspace_is_nothing_to_another() {
    let server = priced().await;
    crate::fixtures::create_workspace(&server, "other").await;
    let noon = hour_of(NOON);
    record(&server, usual(hour_of(BEGIN)..noon + 1)).await;
    let mut others = usual(hour_of(BEGIN)..noon);
    others.push(used("batch", noon, 3_000));
    for request in &mut others {
        request.workspace_id = "other".to_owned();
    }
    record(&server, others).await;
    let found = look(&server, noon + 1).await;
    assert_eq!(found.anomalies, []);
    let of_other = v1::ListAnomaliesRequest { workspace_id: "other".into(), ..Default::default() };
    let list = async || {
        let found = server.insight().list_anomalies(of_other.clone()).await;
        found.unwrap().into_inner().anomalies
    };
    let is_found = async {
        while list().await.is_empty() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, is_found).await.expect("the other one is looked at");
    assert_eq!(alerts(&server).await, []);
}

/// The model fails in one hour: the workspace, the model and the keys that were hit are listed.
#[tokio::test]
async fn a_surge_of_failures_is_told() {
    let server = priced().await;
    let noon = hour_of(NOON);
    let many = |hour: i64, failed: i64| -> Vec<v1::RecordUsageRequest> {
        (0..20)
            .map(|number| {
                let mut request = used(&format!("web-{number}"), hour, 10);
                request.attribution.as_mut().unwrap().api_key_id = "web".to_owned();
                if number < failed {
                    request.outcome = v1::Outcome::Error.into();
                }
                request
            })
            .collect()
    };
    for hour in hour_of("2026-03-08T00:00:00Z")..noon {
        record(&server, many(hour, i64::from(hour % 10 == 0))).await;
    }
    record(&server, many(noon, 8)).await;
    let found = look(&server, noon + 1).await;
    let [anomaly] = alerted(&found)[..] else { panic!("{found:#?}") };
    assert_eq!(anomaly.kind(), v1::AnomalyKind::Failures);
    assert_eq!(anomaly.metric(), v1::AnomalyMetric::FailedRequests);
    assert_eq!(super::count(&anomaly.actual), 8);
    assert_eq!(anomaly.contributors[0].subject, Some(key("web")));
    let alert = alerts(&server).await.remove(0);
    assert!(alert.message.starts_with("the number of failed requests of workspace acme was 8"));
    assert_eq!((alert.unit(), alert.spent_count), (v1::LimitUnit::Requests, 8));
}

/// What is muted, too small, or of a workspace of its own raises no alert.
#[tokio::test]
async fn mutes_and_the_least_impact_keep_it_quiet() {
    let noon = hour_of(NOON);
    let mute = |subject| v1::AnomalyMute {
        subject: Some(subject),
        end_time: Some(instant("2026-03-20T00:00:00Z")),
    };
    let muted = v1::AnomalyPolicy { mutes: vec![mute(key("batch"))], ..Default::default() };
    let large = v1::AnomalyPolicy { least_impact: Some(eur("2.90")), ..Default::default() };
    let enough = v1::AnomalyPolicy { least_impact: Some(eur("2.89")), ..Default::default() };
    for (policy, path, expected) in
        [(muted, "mutes", 0), (large, "least_impact", 0), (enough, "least_impact", 1)]
    {
        let server = priced().await;
        set_policy(&server, policy, &[path]).await.unwrap();
        record(&server, usual(hour_of(BEGIN)..noon)).await;
        record(&server, vec![used("web", noon, 300), used("batch", noon, 3_000)]).await;
        let found = look(&server, noon + 1).await;
        let of_workspace = alerted(&found)
            .into_iter()
            .filter(|it| it.subject.as_ref().unwrap().r#type() == v1::SubjectType::Workspace);
        assert_eq!(of_workspace.count(), expected, "{path}: {found:#?}");
        assert_eq!(alerts(&server).await.len(), expected, "{path}: {:#?}", alerts(&server).await);
    }
}

#[tokio::test]
async fn feedback_is_kept_and_three_false_ones_raise_the_bar() {
    let server = priced().await;
    let noon = hour_of(NOON);
    // Of the workspace; the first two are over when they are found, but not for a day.
    let spikes = [-21, -11, -1].map(|back| noon + back);
    let mut records = usual(hour_of(BEGIN)..noon);
    for record in &mut records {
        let hour = record.start_time.as_ref().unwrap().seconds / HOUR;
        if spikes.contains(&hour) && record.request_id.starts_with("batch") {
            record.usage.as_mut().unwrap().input_token_count = 3_000_000;
        }
    }
    record(&server, records).await;
    let found = look(&server, noon).await;
    let three = alerted(&found);
    assert_eq!(three.len(), 3, "{found:#?}");
    let mut raised = Vec::new();
    for anomaly in three {
        assert_eq!(anomaly.feedback(), v1::AnomalyFeedback::Unspecified);
        let said = acknowledge(&server, &anomaly.anomaly_id, v1::AnomalyFeedback::Expected).await;
        assert_eq!(said.unwrap().anomaly.unwrap().feedback(), v1::AnomalyFeedback::Expected);
        for _ in 0..2 {
            let said = acknowledge(&server, &anomaly.anomaly_id, v1::AnomalyFeedback::False).await;
            let said = said.unwrap();
            let anomaly = said.anomaly.unwrap();
            assert_eq!(anomaly.feedback(), v1::AnomalyFeedback::False);
            assert_eq!(anomaly.feedback_actor, "eve");
            raised.push(said.bar_raised_until_time.map(|time| time.seconds));
        }
    }
    assert_eq!(raised[..4], [None, None, None, None]);
    let until = Some(noon * HOUR + 130 + 30 * 24 * HOUR);
    assert_eq!(raised[4..], [until, until]);
    let request = v1::GetAnomalyPolicyRequest { workspace_id: ACME.to_owned() };
    let policy = server.insight().get_anomaly_policy(request).await.unwrap().into_inner();
    let [bar] = &policy.anomaly_policy.as_ref().unwrap().raised_bars[..] else {
        panic!("{policy:?}")
    };
    assert_eq!(bar.subject, Some(subject(v1::SubjectType::Workspace, ACME)));
    // Each changed feedback is in the audit log, the repeated one is not.
    let events = audit_events(&server, ACME).await;
    let of_anomalies = events.iter().filter(|event| event.resource_type == "anomaly");
    assert_eq!(of_anomalies.count(), 6);
    // Lists leave out what was acknowledged.
    let open = v1::ListAnomaliesRequest { unacknowledged_only: true, ..Default::default() };
    let found = anomalies(&server, open).await.unwrap();
    assert!(alerted(&found).is_empty(), "{found:#?}");
}

#[tokio::test]
async fn the_policy_comes_back_as_it_was_set() {
    let server = priced().await;
    let request = || v1::GetAnomalyPolicyRequest { workspace_id: ACME.to_owned() };
    let policy = server.insight().get_anomaly_policy(request()).await.unwrap().into_inner();
    // A hundredth of 100 EUR a day of a cycle of 31.
    let expected = v1::AnomalyPolicy {
        sensitivity: v1::AnomalySensitivity::Medium.into(),
        effective_least_impact: Some(eur("0.032258064")),
        ..Default::default()
    };
    assert_eq!(policy.anomaly_policy, Some(expected.clone()));
    let mute = v1::AnomalyMute {
        subject: Some(subject(v1::SubjectType::Model, "big")),
        end_time: Some(instant("2026-03-16T00:00:00Z")),
    };
    let set = v1::AnomalyPolicy {
        least_impact: Some(eur("5.00")),
        sensitivity: v1::AnomalySensitivity::High.into(),
        mutes: vec![mute],
        ..Default::default()
    };
    let answer = set_policy(&server, set.clone(), &[]).await.unwrap();
    let effective_least_impact = set.least_impact.clone();
    let with_impact = v1::AnomalyPolicy { effective_least_impact, ..set };
    assert_eq!(answer, with_impact);
    // One field; the mute is over by then.
    server.clock.advance(24 * MICROS_PER_HOUR);
    let none = v1::AnomalyPolicy::default();
    let answer = set_policy(&server, none, &["least_impact"]).await.unwrap();
    let high = v1::AnomalySensitivity::High.into();
    assert_eq!(answer, v1::AnomalyPolicy { sensitivity: high, ..expected });
    let events = audit_events(&server, ACME).await;
    let of_policy: Vec<_> =
        events.iter().filter(|event| event.resource_type == "anomaly_policy").collect();
    assert_eq!(of_policy.len(), 2);
    assert_eq!(of_policy[0].action, "SetAnomalyPolicy");
}

#[tokio::test]
async fn bad_input_is_refused_by_its_field() {
    let server = priced().await;
    let refused = |status: Status| refused_fields(&status);
    for (request, field) in [
        (v1::ListAnomaliesRequest { state: 9, ..Default::default() }, "state"),
        (v1::ListAnomaliesRequest { page_size: -1, ..Default::default() }, "page_size"),
        (v1::ListAnomaliesRequest { page_token: "x".into(), ..Default::default() }, "page_token"),
        (
            v1::ListAnomaliesRequest {
                subject: Some(subject(v1::SubjectType::User, "ada")),
                ..Default::default()
            },
            "subject.type",
        ),
        (v1::ListAnomaliesRequest { subject: Some(key("")), ..Default::default() }, "subject.id"),
    ] {
        assert_eq!(refused(anomalies(&server, request).await.unwrap_err()), [field]);
    }
    let said = acknowledge(&server, "a", v1::AnomalyFeedback::Unspecified).await;
    assert_eq!(refused(said.unwrap_err()), ["feedback"]);
    let said = acknowledge(&server, "", v1::AnomalyFeedback::Real).await;
    assert_eq!(refused(said.unwrap_err()), ["anomaly_id"]);
    let said = acknowledge(&server, "a", v1::AnomalyFeedback::Real).await.unwrap_err();
    assert_failed(&said, Code::NotFound, "RESOURCE_NOT_FOUND", &[("id", "a")]);
    let end = |text: &str| Some(instant(text));
    let mutes = |subject: Option<v1::Subject>, end_time: Option<Timestamp>| v1::AnomalyPolicy {
        mutes: vec![v1::AnomalyMute { subject, end_time }],
        ..Default::default()
    };
    let usd = v1::Money { currency_code: "USD".into(), amount: "1".into() };
    for (policy, field) in [
        (mutes(Some(key("k")), None), "anomaly_policy.mutes[0].end_time"),
        (mutes(Some(key("k")), end(NOON)), "anomaly_policy.mutes[0].end_time"),
        (mutes(Some(key("k")), end("2028-01-01T00:00:00Z")), "anomaly_policy.mutes[0].end_time"),
        (mutes(None, end("2026-04-01T00:00:00Z")), "anomaly_policy.mutes[0].subject"),
        (
            mutes(Some(subject(v1::SubjectType::User, "u")), end("2026-04-01T00:00:00Z")),
            "anomaly_policy.mutes[0].subject.type",
        ),
        (v1::AnomalyPolicy { sensitivity: 9, ..Default::default() }, "anomaly_policy.sensitivity"),
        (
            v1::AnomalyPolicy { least_impact: Some(eur("-1")), ..Default::default() },
            "anomaly_policy.least_impact.amount",
        ),
        (
            v1::AnomalyPolicy { least_impact: Some(usd), ..Default::default() },
            "anomaly_policy.least_impact.currency_code",
        ),
    ] {
        let refusal = set_policy(&server, policy, &[]).await.unwrap_err();
        assert_eq!(refused(refusal), [field]);
    }
    let unknown = v1::ListAnomaliesRequest { workspace_id: "nobody".into(), ..Default::default() };
    let status = server.insight().list_anomalies(unknown).await.unwrap_err();
    assert_failed(&status, Code::NotFound, "WORKSPACE_NOT_FOUND", &[]);
}
