//! Alerts as they are listed, acknowledged and watched; their policy; and who gets them. How they
//! are delivered is tested in `webhooks.rs` and `mail.rs`, how secrets are stored in `secrets.rs`.

pub mod large_records;
pub mod mail;
mod secrets;
pub mod webhooks;

use prost_types::{FieldMask, Timestamp};
use tollgate::config::Config;
use tollgate::domain::time::MICROS_PER_HOUR;
use tollgate::proto::v1;
use tonic::{Code, Status, Streaming};

use crate::fixtures::{
    ACME, acme, amount, assert_failed, audit_events, by, create_workspace, record, refused_fields,
    set_plan, set_up,
};
use crate::server::{START, Server, TestClock};

/// A server where one record on `big` spends half of the envelope of 4 EUR, and two all of it.
pub async fn small_plan(config: Config) -> Server {
    let server = Server::start_with(config).await;
    set_up(&server).await;
    set_plan(&server, "3", "1", "2026-01-01").await.unwrap();
    server
}

pub async fn spend(server: &Server, request_id: &str) {
    server.usage().record_usage(record(request_id, "big")).await.unwrap();
}

pub async fn list(server: &Server, request: v1::ListAlertsRequest) -> Vec<v1::Alert> {
    let request = v1::ListAlertsRequest { workspace_id: ACME.to_owned(), ..request };
    server.alert().list_alerts(request).await.unwrap().into_inner().alerts
}

pub async fn all(server: &Server) -> Vec<v1::Alert> {
    list(server, v1::ListAlertsRequest::default()).await
}

pub async fn create_webhook(
    server: &Server,
    webhook: v1::Webhook,
) -> Result<(v1::Webhook, String), Status> {
    let request =
        v1::CreateWebhookRequest { workspace_id: ACME.to_owned(), webhook: Some(webhook) };
    let created = server.alert().create_webhook(by("ada", request)).await?.into_inner();
    Ok((created.webhook.unwrap(), created.secret))
}

pub fn webhook(id: &str, url: &str) -> v1::Webhook {
    v1::Webhook { webhook_id: id.to_owned(), url: url.to_owned(), ..Default::default() }
}

/// Type, threshold and message of each.
fn told(alerts: &[v1::Alert]) -> Vec<(v1::AlertType, i32, &str)> {
    let told = |alert: &v1::Alert| (alert.r#type(), alert.threshold_percent);
    alerts.iter().map(|alert| (told(alert).0, told(alert).1, alert.message.as_str())).collect()
}

#[tokio::test]
async fn what_is_crossed_is_listed_once_with_its_figures_newest_first() {
    use v1::AlertType::{Exhausted, InOverage, Threshold};
    let server = small_plan(Config::default()).await;
    assert_eq!(all(&server).await, []);
    spend(&server, "r-1").await;
    let half = all(&server).await;
    let [alert] = half.as_slice() else { panic!("{half:?}") };
    let expected = v1::Alert {
        alert_id: alert.alert_id,
        workspace_id: ACME.to_owned(),
        r#type: Threshold.into(),
        limit_kind: v1::LimitKind::Envelope.into(),
        subject: Some(v1::Subject {
            r#type: v1::SubjectType::Workspace.into(),
            id: ACME.to_owned(),
        }),
        threshold_percent: 50,
        unit: v1::LimitUnit::Money.into(),
        limit: Some(crate::fixtures::eur("4.00")),
        spent: Some(crate::fixtures::eur("2.00")),
        window_start_time: Some(Timestamp { seconds: 1_772_323_200, nanos: 0 }),
        window_end_time: Some(Timestamp { seconds: 1_775_001_600, nanos: 0 }),
        create_time: Some(Timestamp { seconds: START.micros() / 1_000_000, nanos: 0 }),
        message: "workspace acme has spent 50 % of 4.00 EUR from 2026-03-01 to 2026-03-31"
            .to_owned(),
        ..Default::default()
    };
    assert_eq!(*alert, expected);

    // One record jumps over several: all are raised, in order.
    spend(&server, "r-2").await;
    let alerts = all(&server).await;
    let window = "from 2026-03-01 to 2026-03-31";
    let messages = [
        format!("workspace acme has used up its envelope of 4.00 EUR {window}"),
        format!("workspace acme has spent 4.00 EUR, more than its plan of 3.00 EUR {window}"),
        format!("workspace acme has spent 100 % of 4.00 EUR {window}"),
        format!("workspace acme has spent 100 % of 4.00 EUR {window}"),
        format!("workspace acme has spent 50 % of 4.00 EUR {window}"),
    ];
    let kinds =
        [(Exhausted, 0), (InOverage, 0), (Threshold, 100), (Threshold, 80), (Threshold, 50)];
    let expected: Vec<_> =
        kinds.iter().zip(&messages).map(|(kind, text)| (kind.0, kind.1, text.as_str())).collect();
    assert_eq!(told(&alerts), expected);
    assert!(alerts.is_sorted_by(|a, b| a.alert_id > b.alert_id));
    spend(&server, "r-3").await;
    assert_eq!(all(&server).await, alerts);
}

#[tokio::test]
async fn alerts_outlive_the_server_and_are_not_raised_again() {
    let folder = tempfile::tempdir().unwrap();
    let clock = std::sync::Arc::new(TestClock::default());
    let server = Server::start_in(folder.path(), clock.clone(), Config::default()).await;
    set_up(&server).await;
    set_plan(&server, "3", "1", "2026-01-01").await.unwrap();
    spend(&server, "r-1").await;
    let before = all(&server).await;
    assert_eq!(before.len(), 1);
    server.stop().await.unwrap();
    let server = Server::start_in(folder.path(), clock, Config::default()).await;
    assert_eq!(all(&server).await, before);
    spend(&server, "r-2").await;
    let after = all(&server).await;
    assert_eq!(after.len(), 5);
    assert_eq!(after[4..], before);
    assert!(after[3].alert_id > before[0].alert_id);
}

type Filter = (v1::ListAlertsRequest, Box<dyn Fn(&v1::Alert) -> bool>);

/// Filters of a list, and which alerts they are to select.
fn filters(later: Option<Timestamp>) -> Vec<Filter> {
    let subject = |kind: v1::SubjectType, id: &str| {
        Some(v1::Subject { r#type: kind.into(), id: id.to_owned() })
    };
    let is_of_model = |alert: &v1::Alert| alert.limit_kind() == v1::LimitKind::ModelLimit;
    vec![
        (
            v1::ListAlertsRequest {
                types: vec![v1::AlertType::InOverage.into(), v1::AlertType::Exhausted.into()],
                ..Default::default()
            },
            Box::new(|alert| alert.threshold_percent == 0),
        ),
        (
            v1::ListAlertsRequest {
                subject: subject(v1::SubjectType::Model, "big"),
                ..Default::default()
            },
            Box::new(is_of_model),
        ),
        (
            v1::ListAlertsRequest {
                subject: subject(v1::SubjectType::Workspace, ""),
                ..Default::default()
            },
            Box::new(move |alert| !is_of_model(alert)),
        ),
        (
            v1::ListAlertsRequest {
                subject: subject(v1::SubjectType::User, "ada"),
                ..Default::default()
            },
            Box::new(|_| false),
        ),
        (
            v1::ListAlertsRequest { start_time: later, ..Default::default() },
            Box::new(move |alert| alert.create_time == later),
        ),
        (
            v1::ListAlertsRequest { end_time: later, ..Default::default() },
            Box::new(move |alert| alert.create_time != later),
        ),
        (
            v1::ListAlertsRequest { limit_id: "no-quota".to_owned(), ..Default::default() },
            Box::new(|_| false),
        ),
    ]
}

#[tokio::test]
async fn alerts_are_filtered_and_paged() {
    let server = small_plan(Config::default()).await;
    let limit = v1::SetModelLimitRequest {
        workspace_id: ACME.to_owned(),
        model_id: "big".to_owned(),
        limit: Some(crate::fixtures::eur("4")),
        ..Default::default()
    };
    server.model_limit().set_model_limit(limit).await.unwrap();
    spend(&server, "r-1").await;
    server.clock.advance(MICROS_PER_HOUR);
    spend(&server, "r-2").await;
    let alerts = all(&server).await;
    assert_eq!(alerts.len(), 8, "{:?}", told(&alerts));
    for (filter, expected) in filters(alerts[0].create_time) {
        let expected: Vec<v1::Alert> = alerts.iter().filter(|a| expected(a)).cloned().collect();
        assert_eq!(list(&server, filter.clone()).await, expected, "{filter:?}");
    }

    let mut paged = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = v1::ListAlertsRequest {
            workspace_id: ACME.to_owned(),
            page_size: 3,
            page_token,
            ..Default::default()
        };
        let page = server.alert().list_alerts(request).await.unwrap().into_inner();
        assert!(page.alerts.len() <= 3);
        paged.extend(page.alerts);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(paged, alerts);
}

#[tokio::test]
async fn an_alert_is_acknowledged_once() {
    let server = small_plan(Config::default()).await;
    spend(&server, "r-1").await;
    let alert_id = all(&server).await[0].alert_id;
    let request = || v1::AcknowledgeAlertRequest { workspace_id: ACME.to_owned(), alert_id };
    let acknowledge = |actor: &'static str| by(actor, request());
    let seen = server.alert().acknowledge_alert(acknowledge("ada")).await.unwrap();
    let seen = seen.into_inner().alert.unwrap();
    assert_eq!(seen.acknowledge_actor, "ada");
    assert_eq!(seen.acknowledge_time, seen.create_time);
    server.clock.advance(MICROS_PER_HOUR);
    let again = server.alert().acknowledge_alert(acknowledge("bob")).await.unwrap();
    assert_eq!(again.into_inner().alert.unwrap(), seen);
    assert_eq!(all(&server).await, [seen]);
    let open = v1::ListAlertsRequest { unacknowledged_only: true, ..Default::default() };
    assert_eq!(list(&server, open).await, []);
    let events = audit_events(&server, ACME).await;
    let told = |event: &v1::AuditEvent| {
        (event.actor.clone(), event.action.clone(), event.resource_id.clone())
    };
    let expected = ("ada".to_owned(), "AcknowledgeAlert".to_owned(), alert_id.to_string());
    assert_eq!(told(&events[0]), expected);
    assert_eq!(events[0].resource_type, "alert");
    assert_ne!(told(&events[1]).1, "AcknowledgeAlert");

    let unknown = v1::AcknowledgeAlertRequest { alert_id: alert_id + 99, ..request() };
    let status = server.alert().acknowledge_alert(unknown).await.unwrap_err();
    assert_failed(&status, Code::NotFound, "RESOURCE_NOT_FOUND", &[("resource", "alert")]);
    // An alert of another workspace is none.
    create_workspace(&server, "other").await;
    let foreign = v1::AcknowledgeAlertRequest { workspace_id: "other".to_owned(), ..request() };
    let status = server.alert().acknowledge_alert(foreign).await.unwrap_err();
    assert_failed(&status, Code::NotFound, "RESOURCE_NOT_FOUND", &[("resource", "alert")]);
}

async fn watch(server: &Server, after: Option<i64>) -> Streaming<v1::WatchAlertsResponse> {
    let request = v1::WatchAlertsRequest { workspace_id: ACME.to_owned(), after_alert_id: after };
    server.alert().watch_alerts(request).await.unwrap().into_inner()
}

async fn next(stream: &mut Streaming<v1::WatchAlertsResponse>) -> v1::Alert {
    stream.message().await.unwrap().expect("the stream goes on").alert.unwrap()
}

#[tokio::test]
async fn a_watch_has_neither_gap_nor_repeat_wherever_it_begins() {
    let server = small_plan(Config::default()).await;
    let mut from_the_start = watch(&server, Some(0)).await;
    spend(&server, "r-1").await;
    let first = next(&mut from_the_start).await;
    // Only what comes from now on.
    let mut from_now = watch(&server, None).await;
    spend(&server, "r-2").await;
    let mut alerts = all(&server).await;
    alerts.reverse();
    assert_eq!(alerts[0], first);
    for expected in &alerts[1..] {
        assert_eq!(next(&mut from_the_start).await, *expected);
        assert_eq!(next(&mut from_now).await, *expected);
    }
    for (position, alert) in alerts.iter().enumerate() {
        let mut resumed = watch(&server, Some(alert.alert_id)).await;
        for expected in &alerts[position + 1..] {
            assert_eq!(next(&mut resumed).await, *expected);
        }
    }
    server.stop().await.unwrap();
    let status = from_now.message().await.unwrap_err();
    assert_failed(&status, Code::Unavailable, "STOPPING", &[]);
}

#[tokio::test]
async fn a_watch_sees_what_another_workspace_raises_as_little_as_its_lists_do() {
    let server = small_plan(Config::default()).await;
    create_workspace(&server, "other").await;
    let request =
        v1::WatchAlertsRequest { workspace_id: "other".to_owned(), after_alert_id: Some(0) };
    let mut other = server.alert().watch_alerts(request).await.unwrap().into_inner();
    spend(&server, "r-1").await;
    assert_eq!(all(&server).await.len(), 1);
    let foreign = v1::ListAlertsRequest { workspace_id: "other".to_owned(), ..Default::default() };
    assert_eq!(server.alert().list_alerts(foreign).await.unwrap().into_inner().alerts, []);
    server.stop().await.unwrap();
    assert_failed(&other.message().await.unwrap_err(), Code::Unavailable, "STOPPING", &[]);
}

#[tokio::test]
async fn more_alerts_than_one_transaction_holds_are_raised_in_order() {
    const USERS: usize = 400;
    let server = acme().await;
    let of_user = |index: usize| {
        let user_id = format!("u-{index:03}");
        let attribution = Some(v1::Attribution { user_id, ..Default::default() });
        v1::RecordUsageRequest { attribution, ..record(&format!("r-{index}"), "small") }
    };
    let records = (0..USERS).map(of_user).collect();
    let batch = v1::RecordUsageBatchRequest { records };
    let results = server.usage().record_usage_batch(batch).await.unwrap().into_inner().results;
    assert_eq!(results.len(), USERS);
    let mut stream = watch(&server, None).await;
    let quota = v1::Quota {
        quota_id: "each".to_owned(),
        subject: Some(v1::Subject { r#type: v1::SubjectType::User.into(), id: String::new() }),
        each_subject: true,
        unit: v1::LimitUnit::Requests.into(),
        limit_count: Some(1),
        period: v1::LimitPeriod::Day.into(),
        alert_threshold_percents: vec![50, 100],
        ..Default::default()
    };
    let request = v1::CreateQuotaRequest { workspace_id: ACME.to_owned(), quota: Some(quota) };
    server.quota().create_quota(request).await.unwrap();
    let mut seen = Vec::new();
    while seen.len() < 2 * USERS {
        let alert = next(&mut stream).await;
        if alert.limit_id == "each" {
            seen.push(alert);
        }
    }
    assert!(seen.is_sorted_by(|a, b| a.alert_id < b.alert_id));
    for (index, pair) in seen.chunks(2).enumerate() {
        let percents = [pair[0].threshold_percent, pair[1].threshold_percent];
        assert_eq!(percents, [50, 100]);
        for alert in pair {
            assert_eq!(alert.subject.as_ref().unwrap().id, format!("u-{index:03}"));
            let expected = format!("user u-{index:03} has sent 100 % of 1 request on 2026-03-15");
            assert_eq!(alert.message, expected);
        }
    }
}

async fn set_policy(
    server: &Server,
    envelope: &[i32],
    model_limits: &[i32],
) -> Result<v1::AlertPolicy, Status> {
    let alert_policy = Some(v1::AlertPolicy {
        envelope_threshold_percents: envelope.to_vec(),
        model_limit_threshold_percents: model_limits.to_vec(),
        large_record_cost: None,
    });
    let request = v1::SetAlertPolicyRequest { workspace_id: ACME.to_owned(), alert_policy };
    let set = server.alert().set_alert_policy(by("ada", request)).await?.into_inner();
    Ok(set.alert_policy.unwrap())
}

#[tokio::test]
async fn the_policy_says_at_how_many_percent_alerts_are_raised() {
    let server = small_plan(Config::default()).await;
    let request = || v1::GetAlertPolicyRequest { workspace_id: ACME.to_owned() };
    let policy = server.alert().get_alert_policy(request()).await.unwrap().into_inner();
    let policy = policy.alert_policy.unwrap();
    assert_eq!(policy.envelope_threshold_percents, [50, 80, 100]);
    assert_eq!(policy.model_limit_threshold_percents, [50, 80, 100]);

    let set = set_policy(&server, &[150, 25, 25], &[]).await.unwrap();
    assert_eq!(set.envelope_threshold_percents, [25, 150]);
    assert_eq!(set.model_limit_threshold_percents, [0; 0]);
    let got = server.alert().get_alert_policy(request()).await.unwrap().into_inner();
    assert_eq!(got.alert_policy.unwrap(), set);
    let events = audit_events(&server, ACME).await;
    let event = &events[0];
    assert_eq!((event.actor.as_str(), event.action.as_str()), ("ada", "SetAlertPolicy"));
    assert_eq!(event.resource_type, "alert_policy");
    assert!(event.before_json.contains("80") && event.after_json.contains("150"), "{event:?}");

    spend(&server, "r-1").await;
    let alerts = all(&server).await;
    assert_eq!(alerts.len(), 1);
    assert_eq!((alerts[0].threshold_percent, amount(&alerts[0].spent)), (25, "2.00"));
    // What is already reached is raised by the change itself.
    set_policy(&server, &[25, 40, 50], &[]).await.unwrap();
    let percents: Vec<i32> =
        all(&server).await.iter().map(|alert| alert.threshold_percent).collect();
    assert_eq!(percents, [50, 40, 25]);
}

#[tokio::test]
async fn webhooks_are_created_changed_and_deleted() {
    let server = acme().await;
    let (made, secret) =
        create_webhook(&server, webhook("", "https://example.com/hook")).await.unwrap();
    assert_eq!(uuid::Uuid::parse_str(&made.webhook_id).unwrap().get_version_num(), 7);
    assert!(secret.starts_with("whsec_") && secret.len() == 50, "{secret}");
    let (named, other_secret) =
        create_webhook(&server, webhook("a-hook", "https://example.com")).await.unwrap();
    assert_ne!(secret, other_secret);
    let status = create_webhook(&server, webhook("a-hook", "https://b.example.com")).await;
    let exists = [("resource", "webhook"), ("id", "a-hook")];
    assert_failed(&status.unwrap_err(), Code::AlreadyExists, "RESOURCE_EXISTS", &exists);

    let request = v1::ListWebhooksRequest {
        workspace_id: ACME.to_owned(),
        page_size: 1,
        ..Default::default()
    };
    let first = server.alert().list_webhooks(request.clone()).await.unwrap().into_inner();
    let rest = v1::ListWebhooksRequest { page_token: first.next_page_token, ..request.clone() };
    let second = server.alert().list_webhooks(rest).await.unwrap().into_inner();
    assert_eq!(second.next_page_token, "");
    let listed = [first.webhooks, second.webhooks].concat();
    assert_eq!(listed, [made.clone(), named.clone()]);

    server.clock.advance(MICROS_PER_HOUR);
    let update = |webhook, paths: &[&str]| v1::UpdateWebhookRequest {
        workspace_id: ACME.to_owned(),
        webhook: Some(webhook),
        update_mask: (!paths.is_empty())
            .then(|| FieldMask { paths: paths.iter().map(ToString::to_string).collect() }),
    };
    let types = vec![v1::AlertType::Exhausted.into()];
    let change = v1::Webhook { types: types.clone(), disabled: true, ..webhook("a-hook", "") };
    let changed = server.alert().update_webhook(by("bob", update(change, &[]))).await.unwrap();
    let changed = changed.into_inner().webhook.unwrap();
    let expected = v1::Webhook { types, disabled: true, ..named.clone() };
    assert_eq!(changed, v1::Webhook { update_time: changed.update_time, ..expected });
    assert_ne!(changed.update_time, named.update_time);
    let change = webhook("a-hook", "https://c.example.com/x");
    let request = update(change, &["url", "types", "disabled"]);
    let changed = server.alert().update_webhook(request).await.unwrap().into_inner();
    let changed = changed.webhook.unwrap();
    assert_eq!((changed.url.as_str(), changed.disabled), ("https://c.example.com/x", false));
    assert_eq!(changed.types, [0; 0]);

    let delete = || v1::DeleteWebhookRequest {
        workspace_id: ACME.to_owned(),
        webhook_id: "a-hook".to_owned(),
    };
    server.alert().delete_webhook(delete()).await.unwrap();
    let missing = [("resource", "webhook"), ("id", "a-hook")];
    let status = server.alert().delete_webhook(delete()).await.unwrap_err();
    assert_failed(&status, Code::NotFound, "RESOURCE_NOT_FOUND", &missing);
    let status = server.alert().update_webhook(update(webhook("a-hook", ""), &[])).await;
    assert_failed(&status.unwrap_err(), Code::NotFound, "RESOURCE_NOT_FOUND", &missing);
    let rotate = v1::RotateWebhookSecretRequest {
        workspace_id: ACME.to_owned(),
        webhook_id: "a-hook".to_owned(),
    };
    let status = server.alert().rotate_webhook_secret(rotate).await.unwrap_err();
    assert_failed(&status, Code::NotFound, "RESOURCE_NOT_FOUND", &missing);
}

#[tokio::test]
async fn the_audit_log_knows_receivers_but_not_their_secrets() {
    let server = acme().await;
    let url = "https://hooks.example.com/services/hidden-path?token=hidden-token";
    let (_, secret) = create_webhook(&server, webhook("w", url)).await.unwrap();
    let rotate = v1::RotateWebhookSecretRequest {
        workspace_id: ACME.to_owned(),
        webhook_id: "w".to_owned(),
    };
    let rotated = server.alert().rotate_webhook_secret(by("bob", rotate)).await.unwrap();
    let rotated = rotated.into_inner().secret;
    // Another path at the same host is a change, too.
    let moved = v1::UpdateWebhookRequest {
        workspace_id: ACME.to_owned(),
        webhook: Some(webhook("w", "https://hooks.example.com/services/other-path")),
        update_mask: None,
    };
    server.alert().update_webhook(by("bob", moved)).await.unwrap();
    let request =
        v1::DeleteWebhookRequest { workspace_id: ACME.to_owned(), webhook_id: "w".to_owned() };
    server.alert().delete_webhook(by("eve", request)).await.unwrap();
    let mut events = audit_events(&server, ACME).await;
    events.retain(|event| event.resource_type == "webhook");
    let told: Vec<(&str, &str)> =
        events.iter().map(|event| (event.actor.as_str(), event.action.as_str())).collect();
    assert_eq!(
        told,
        [
            ("eve", "DeleteWebhook"),
            ("bob", "UpdateWebhook"),
            ("bob", "RotateWebhookSecret"),
            ("ada", "CreateWebhook"),
        ]
    );
    for event in &events {
        let text = format!("{event:?}");
        assert!(text.contains("hooks.example.com"), "{text}");
        for hidden in ["hidden", "path", secret.as_str(), rotated.as_str()] {
            assert!(!text.contains(hidden), "{hidden} in {text}");
        }
    }
}

#[tokio::test]
async fn every_field_of_a_webhook_is_checked() {
    let server = acme().await;
    let long = "x".repeat(201);
    let url = "https://example.com";
    for (bad, field) in [
        (webhook(&long, url), "webhook.webhook_id"),
        (webhook("a\u{7}b", url), "webhook.webhook_id"),
        (webhook("w", ""), "webhook.url"),
        (webhook("w", "http://example.com"), "webhook.url"),
        (webhook("w", "http://127.0.0.1:1"), "webhook.url"),
        (webhook("w", "https://localhost"), "webhook.url"),
        (webhook("w", "https://10.0.0.1"), "webhook.url"),
        (webhook("w", "https://169.254.169.254/latest/meta-data"), "webhook.url"),
        (webhook("w", "https://[::ffff:127.0.0.1]"), "webhook.url"),
        (webhook("w", "https://user:hunter2@example.com"), "webhook.url"),
        (v1::Webhook { types: vec![0], ..webhook("w", url) }, "webhook.types[0]"),
        (v1::Webhook { types: vec![1, 99], ..webhook("w", url) }, "webhook.types[1]"),
        (v1::Webhook { display_name: long.clone(), ..webhook("w", url) }, "webhook.display_name"),
    ] {
        let status = create_webhook(&server, bad.clone()).await.unwrap_err();
        assert_eq!(refused_fields(&status), [field], "{bad:?}");
        assert!(!status.message().contains("hunter2"), "{status:?}");
    }
    create_webhook(&server, webhook("w", url)).await.unwrap();
    let update = |webhook, path: &str| v1::UpdateWebhookRequest {
        workspace_id: ACME.to_owned(),
        webhook,
        update_mask: Some(FieldMask { paths: vec![path.to_owned()] }),
    };
    for (request, field) in [
        (update(None, "*"), vec!["webhook", "webhook.webhook_id", "webhook.url"]),
        (update(Some(webhook("", url)), "*"), vec!["webhook.webhook_id"]),
        (update(Some(webhook("w", "")), "url"), vec!["webhook.url"]),
        (update(Some(webhook("w", url)), "secret"), vec!["update_mask"]),
    ] {
        let status = server.alert().update_webhook(request).await.unwrap_err();
        assert_eq!(refused_fields(&status), field);
    }
}

#[tokio::test]
async fn every_other_field_is_checked() {
    let server = acme().await;
    let refused = |status: Status| refused_fields(&status);
    for (envelope, models, field) in [
        (&[0][..], &[][..], "alert_policy.envelope_threshold_percents[0]"),
        (&[50, 1_001], &[], "alert_policy.envelope_threshold_percents[1]"),
        (&[], &[-5], "alert_policy.model_limit_threshold_percents[0]"),
        (&[], &[1; 17], "alert_policy.model_limit_threshold_percents"),
    ] {
        assert_eq!(refused(set_policy(&server, envelope, models).await.unwrap_err()), [field]);
    }
    let request = v1::SetAlertPolicyRequest { workspace_id: ACME.to_owned(), alert_policy: None };
    let status = server.alert().set_alert_policy(request).await.unwrap_err();
    assert_eq!(refused(status), ["alert_policy"]);

    let subject = |kind: i32, id: &str| Some(v1::Subject { r#type: kind, id: id.to_owned() });
    let user = v1::SubjectType::User.into();
    let base = || v1::ListAlertsRequest { workspace_id: ACME.to_owned(), ..Default::default() };
    let bad_time = Some(Timestamp { seconds: 0, nanos: -1 });
    for (request, field) in [
        (v1::ListAlertsRequest { workspace_id: String::new(), ..base() }, "workspace_id"),
        (v1::ListAlertsRequest { types: vec![0], ..base() }, "types[0]"),
        (v1::ListAlertsRequest { types: vec![99], ..base() }, "types[0]"),
        (v1::ListAlertsRequest { limit_id: "x".repeat(129), ..base() }, "limit_id"),
        (v1::ListAlertsRequest { subject: subject(0, "a"), ..base() }, "subject.type"),
        (v1::ListAlertsRequest { subject: subject(user, ""), ..base() }, "subject.id"),
        (
            v1::ListAlertsRequest {
                subject: subject(v1::SubjectType::Workspace.into(), "other"),
                ..base()
            },
            "subject.id",
        ),
        (v1::ListAlertsRequest { start_time: bad_time, ..base() }, "start_time"),
        (v1::ListAlertsRequest { end_time: bad_time, ..base() }, "end_time"),
        (v1::ListAlertsRequest { page_size: -1, ..base() }, "page_size"),
        (v1::ListAlertsRequest { page_token: "x".to_owned(), ..base() }, "page_token"),
    ] {
        let status = server.alert().list_alerts(request).await.unwrap_err();
        assert_eq!(refused(status), [field]);
    }
    let request = v1::AcknowledgeAlertRequest { workspace_id: ACME.to_owned(), alert_id: 0 };
    let status = server.alert().acknowledge_alert(request).await.unwrap_err();
    assert_eq!(refused(status), ["alert_id"]);
    let request =
        v1::WatchAlertsRequest { workspace_id: ACME.to_owned(), after_alert_id: Some(-1) };
    let status = server.alert().watch_alerts(request).await.unwrap_err();
    assert_eq!(refused(status), ["after_alert_id"]);
    let base = || v1::ListDeliveriesRequest { workspace_id: ACME.to_owned(), ..Default::default() };
    for (request, field) in [
        (v1::ListDeliveriesRequest { receiver_id: "x".repeat(129), ..base() }, "receiver_id"),
        (v1::ListDeliveriesRequest { alert_id: -1, ..base() }, "alert_id"),
        (v1::ListDeliveriesRequest { state: 9, ..base() }, "state"),
        (v1::ListDeliveriesRequest { page_size: -1, ..base() }, "page_size"),
        (v1::ListDeliveriesRequest { page_token: "x".to_owned(), ..base() }, "page_token"),
    ] {
        let status = server.alert().list_deliveries(request).await.unwrap_err();
        assert_eq!(refused(status), [field]);
    }
    let request =
        v1::RepeatDeliveryRequest { workspace_id: ACME.to_owned(), delivery_id: String::new() };
    let status = server.alert().repeat_delivery(request).await.unwrap_err();
    assert_eq!(refused(status), ["delivery_id"]);
    let request =
        v1::RepeatDeliveryRequest { workspace_id: ACME.to_owned(), delivery_id: "x".to_owned() };
    let status = server.alert().repeat_delivery(request).await.unwrap_err();
    assert_failed(&status, Code::NotFound, "RESOURCE_NOT_FOUND", &[("resource", "delivery")]);
}

#[tokio::test]
async fn an_unknown_workspace_is_named_by_every_call() {
    let server = Server::start().await;
    let id = || "nobody".to_owned();
    let mut client = server.alert();
    let hook = Some(webhook("w", "https://example.com"));
    let statuses = [
        client.get_alert_policy(v1::GetAlertPolicyRequest { workspace_id: id() }).await.err(),
        client
            .list_alerts(v1::ListAlertsRequest { workspace_id: id(), ..Default::default() })
            .await
            .err(),
        client
            .watch_alerts(v1::WatchAlertsRequest { workspace_id: id(), after_alert_id: None })
            .await
            .err(),
        client
            .create_webhook(v1::CreateWebhookRequest { workspace_id: id(), webhook: hook })
            .await
            .err(),
        client
            .list_webhooks(v1::ListWebhooksRequest { workspace_id: id(), ..Default::default() })
            .await
            .err(),
        client
            .list_email_receivers(v1::ListEmailReceiversRequest {
                workspace_id: id(),
                ..Default::default()
            })
            .await
            .err(),
        client
            .list_deliveries(v1::ListDeliveriesRequest { workspace_id: id(), ..Default::default() })
            .await
            .err(),
    ];
    for status in statuses {
        let named = [("workspace_id", "nobody")];
        assert_failed(&status.unwrap(), Code::NotFound, "WORKSPACE_NOT_FOUND", &named);
    }
}
