//! Alerts on their way to webhooks: real receivers that take them, fail, stall, redirect, hang up
//! or are gone. Time is the server's clock, which each test moves.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tollgate::config::Config;
use tollgate::domain::Time;
use tollgate::domain::time::{MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_SECOND, Micros};
use tollgate::engine::Clock;
use tollgate::proto::v1;
use tonic::Code;

use crate::alerts::{all, create_webhook, small_plan, spend, webhook};
use crate::fixtures::{
    ACME, assert_failed, audit_events, by, check, record, refused_fields, set_plan, set_up,
};
use crate::outage::Outage;
use crate::receiver::{Receiver, Reply};
use crate::server::{START, Server, TestClock, open};

/// How long a state may take to be reached before the test fails.
const PATIENCE: Duration = Duration::from_secs(30);

fn config() -> Config {
    Config { webhooks_allow_loopback: true, ..Config::default() }
}

/// A server whose alerts go to one receiver, and the secret of that webhook.
async fn with_receiver(replies: &[Reply]) -> (Server, Receiver, String) {
    let server = small_plan(config()).await;
    let receiver = Receiver::start(replies).await;
    let (_, secret) = create_webhook(&server, webhook("w", &receiver.url)).await.unwrap();
    (server, receiver, secret)
}

pub async fn deliveries(server: &Server) -> Vec<v1::Delivery> {
    let request = v1::ListDeliveriesRequest { workspace_id: ACME.to_owned(), ..Default::default() };
    let listed = server.alert().list_deliveries(request).await.unwrap().into_inner();
    assert_eq!(listed.next_page_token, "");
    listed.deliveries
}

/// The deliveries, once they are as expected.
pub async fn until(
    server: &Server,
    expected: impl Fn(&[v1::Delivery]) -> bool,
) -> Vec<v1::Delivery> {
    let started = Instant::now();
    loop {
        let deliveries = deliveries(server).await;
        if expected(&deliveries) {
            return deliveries;
        }
        assert!(started.elapsed() < PATIENCE, "{deliveries:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

pub fn is(delivery: &v1::Delivery, state: v1::DeliveryState, attempts: i32) -> bool {
    (delivery.state(), delivery.attempt_count) == (state, attempts)
}

/// Waits until the one delivery has been attempted so often, and stands there.
async fn attempted(server: &Server, state: v1::DeliveryState, attempts: i32) -> v1::Delivery {
    let found = until(server, |found| found.len() == 1 && is(&found[0], state, attempts)).await;
    found[0].clone()
}

fn micros(timestamp: &Option<prost_types::Timestamp>) -> Micros {
    let timestamp = timestamp.as_ref().expect("a time");
    timestamp.seconds * MICROS_PER_SECOND + i64::from(timestamp.nanos) / 1_000
}

/// The pause until the next attempt is that of the schedule, give or take a fifth.
#[track_caller]
fn assert_pause(server: &Server, delivery: &v1::Delivery, expected: Micros) {
    let pause = Time::from_micros(micros(&delivery.next_attempt_time)) - server.clock.now();
    let range = expected * 4 / 5..=expected * 6 / 5;
    assert!(range.contains(&pause), "{pause} is not about {expected}");
}

#[tokio::test]
async fn an_alert_is_posted_signed_and_described() {
    let (server, mut receiver, secret) = with_receiver(&[Reply::Status(204)]).await;
    spend(&server, "r-1").await;
    let posted = receiver.next().await;
    assert!(posted.head.starts_with("POST /hook?token=hidden HTTP/1.1\r\n"), "{}", posted.head);
    assert_eq!(posted.header("content-type"), "application/json");
    assert!(posted.header("user-agent").starts_with("tollgate/"));
    let seconds = START.micros() / MICROS_PER_SECOND;
    assert_eq!(posted.header("webhook-timestamp"), seconds.to_string());
    assert!(posted.is_signed_with(&secret));
    let alert = all(&server).await.remove(0);
    let expected = serde_json::json!({
        "type": "alert.threshold",
        "timestamp": "2026-03-15T12:00:00Z",
        "data": {
            "alert_id": alert.alert_id,
            "workspace_id": "acme",
            "type": "ALERT_TYPE_THRESHOLD",
            "limit_kind": "LIMIT_KIND_ENVELOPE",
            "subject": { "type": "SUBJECT_TYPE_WORKSPACE", "id": "acme" },
            "threshold_percent": 50,
            "unit": "LIMIT_UNIT_MONEY",
            "limit": { "currency_code": "EUR", "amount": "4.00" },
            "spent": { "currency_code": "EUR", "amount": "2.00" },
            "window_start_time": "2026-03-01T00:00:00Z",
            "window_end_time": "2026-04-01T00:00:00Z",
            "create_time": "2026-03-15T12:00:00Z",
            "message": "workspace acme has spent 50 % of 4.00 EUR from 2026-03-01 to 2026-03-31",
        },
    });
    assert_eq!(posted.json(), expected);
    let delivery = attempted(&server, v1::DeliveryState::Delivered, 1).await;
    assert_eq!(posted.header("webhook-id"), delivery.delivery_id);
    assert_eq!(uuid::Uuid::parse_str(&delivery.delivery_id).unwrap().get_version_num(), 7);
    let expected = v1::Delivery {
        delivery_id: delivery.delivery_id.clone(),
        alert_id: alert.alert_id,
        webhook_id: "w".to_owned(),
        state: v1::DeliveryState::Delivered.into(),
        attempt_count: 1,
        create_time: alert.create_time,
        finish_time: alert.create_time,
        ..Default::default()
    };
    assert_eq!(delivery, expected);
}

#[tokio::test]
async fn what_fails_is_tried_again_by_the_schedule_with_the_same_id() {
    use v1::DeliveryState::{Delivered, Pending};
    let replies = [Reply::Status(500), Reply::Close, Reply::Status(200)];
    let (server, mut receiver, secret) = with_receiver(&replies).await;
    spend(&server, "r-1").await;
    let first = receiver.next().await;
    let delivery = attempted(&server, Pending, 1).await;
    assert_eq!(delivery.last_error, "HTTP 500");
    assert_eq!(delivery.finish_time, None);
    assert_pause(&server, &delivery, 5 * MICROS_PER_SECOND);

    server.clock.advance(6 * MICROS_PER_SECOND);
    let second = receiver.next().await;
    let delivery = attempted(&server, Pending, 2).await;
    assert!(delivery.last_error.starts_with("no answer: "), "{}", delivery.last_error);
    assert!(!delivery.last_error.contains("hidden"), "{}", delivery.last_error);
    assert_pause(&server, &delivery, 30 * MICROS_PER_SECOND);

    server.clock.advance(36 * MICROS_PER_SECOND);
    let third = receiver.next().await;
    let delivery = attempted(&server, Delivered, 3).await;
    assert_eq!((delivery.last_error.as_str(), delivery.next_attempt_time), ("", None));
    for (posted, seconds) in [(first, 0), (second, 6), (third, 42)] {
        assert_eq!(posted.header("webhook-id"), delivery.delivery_id);
        let expected = START.micros() / MICROS_PER_SECOND + seconds;
        assert_eq!(posted.header("webhook-timestamp"), expected.to_string());
        assert!(posted.is_signed_with(&secret));
    }
}

#[tokio::test]
async fn a_redirect_is_a_failure_and_is_not_followed() {
    let mut elsewhere = Receiver::start(&[]).await;
    let redirect = Reply::With(307, "location", elsewhere.url.clone());
    let (server, mut receiver, _) = with_receiver(&[redirect]).await;
    spend(&server, "r-1").await;
    receiver.next().await;
    let delivery = attempted(&server, v1::DeliveryState::Pending, 1).await;
    assert_eq!(delivery.last_error, "HTTP 307");
    assert!(elsewhere.try_next().is_none());
}

#[tokio::test]
async fn a_receiver_that_is_overloaded_says_when_to_come_back() {
    let replies = [Reply::With(429, "retry-after", "600".to_owned()), Reply::Status(200)];
    let (server, mut receiver, _) = with_receiver(&replies).await;
    spend(&server, "r-1").await;
    receiver.next().await;
    let delivery = attempted(&server, v1::DeliveryState::Pending, 1).await;
    let expected = (START + 600 * MICROS_PER_SECOND).micros();
    assert_eq!(micros(&delivery.next_attempt_time), expected);
    server.clock.advance(600 * MICROS_PER_SECOND);
    receiver.next().await;
    attempted(&server, v1::DeliveryState::Delivered, 2).await;
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_not_asked_again() {
    let (server, mut receiver, _) = with_receiver(&[Reply::Status(410)]).await;
    spend(&server, "r-1").await;
    receiver.next().await;
    let delivery = attempted(&server, v1::DeliveryState::Dead, 1).await;
    assert_eq!(delivery.last_error, "HTTP 410");
    assert_eq!(micros(&delivery.finish_time), START.micros());
    let started = Instant::now();
    let webhook = loop {
        let request =
            v1::ListWebhooksRequest { workspace_id: ACME.to_owned(), ..Default::default() };
        let listed = server.alert().list_webhooks(request).await.unwrap().into_inner();
        if listed.webhooks[0].disabled {
            break listed.webhooks[0].clone();
        }
        assert!(started.elapsed() < PATIENCE, "the webhook is disabled");
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    let events = audit_events(&server, ACME).await;
    let event = &events[0];
    assert_eq!((event.actor.as_str(), event.resource_id.as_str()), ("tollgate", "w"));
    assert!(event.after_json.contains(r#""disabled":true"#), "{event:?}");
    // What is raised meanwhile is for others.
    spend(&server, "r-2").await;
    assert_eq!(all(&server).await.len(), 5);
    assert_eq!(deliveries(&server).await.len(), 1);
    let repeat = v1::RepeatDeliveryRequest {
        workspace_id: ACME.to_owned(),
        delivery_id: delivery.delivery_id,
    };
    let status = server.alert().repeat_delivery(repeat).await.unwrap_err();
    assert_failed(&status, Code::FailedPrecondition, "CHANGE_NOT_ALLOWED", &[]);
    assert!(status.message().contains("the webhook is disabled"), "{}", status.message());
    assert!(receiver.try_next().is_none());
    assert_eq!(webhook.webhook_id, "w");
}

#[tokio::test]
async fn after_72_hours_it_is_given_up_and_can_be_repeated() {
    use v1::DeliveryState::{Dead, Delivered, Pending};
    let (server, mut receiver, _) = with_receiver(&[Reply::Status(503)]).await;
    spend(&server, "r-1").await;
    let first = receiver.next().await;
    attempted(&server, Pending, 1).await;
    server.clock.advance(3 * MICROS_PER_DAY);
    receiver.next().await;
    let dead = attempted(&server, Dead, 2).await;
    assert_eq!(micros(&dead.finish_time), (START + 3 * MICROS_PER_DAY).micros());
    server.clock.advance(MICROS_PER_DAY);

    receiver.answer(&[Reply::Status(200)]);
    let repeat = v1::RepeatDeliveryRequest {
        workspace_id: ACME.to_owned(),
        delivery_id: dead.delivery_id.clone(),
    };
    let repeated = server.alert().repeat_delivery(repeat).await.unwrap().into_inner();
    let repeated = repeated.delivery.unwrap();
    assert!(is(&repeated, Pending, 2), "{repeated:?}");
    assert_eq!(repeated.finish_time, None);
    let again = receiver.next().await;
    assert_eq!(again.header("webhook-id"), first.header("webhook-id"));
    assert_eq!(again.body, first.body);
    attempted(&server, Delivered, 3).await;
}

#[tokio::test]
async fn a_stalled_receiver_slows_neither_checks_nor_other_receivers() {
    let (server, mut stalled, _) = with_receiver(&[Reply::Stall]).await;
    let mut healthy = Receiver::start(&[]).await;
    create_webhook(&server, webhook("x", &healthy.url)).await.unwrap();
    spend(&server, "r-1").await;
    stalled.next().await;
    // From here on the attempt at the stalled one is under way.
    for index in 0..50 {
        let mut request = check(&format!("c-{index}"), "small");
        request.dry_run = true;
        server.usage().check_and_route(request).await.unwrap();
    }
    spend(&server, "r-2").await;
    for _ in 0..5 {
        healthy.next().await;
    }
    let of_healthy = |found: &[v1::Delivery]| {
        let delivered = v1::DeliveryState::Delivered;
        found.iter().filter(|delivery| is(delivery, delivered, 1)).count()
    };
    let found = until(&server, |found| of_healthy(found) == 5).await;
    let of_stalled: Vec<_> = found.iter().filter(|delivery| delivery.webhook_id == "w").collect();
    assert_eq!(of_stalled.len(), 5);
    // One at a time to each: the others wait for the one that is under way, and after its time is
    // up the receiver is left alone.
    assert!(of_stalled.iter().all(|delivery| delivery.state() == v1::DeliveryState::Pending));
    assert!(of_stalled.iter().map(|delivery| delivery.attempt_count).sum::<i32>() <= 1);
    assert!(stalled.try_next().is_none());
}

#[tokio::test]
async fn a_delivery_outlives_the_server_with_its_id() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(TestClock::default());
    let server = Server::start_in(folder.path(), clock.clone(), config()).await;
    set_up(&server).await;
    set_plan(&server, "3", "1", "2026-01-01").await.unwrap();
    let mut receiver = Receiver::start(&[Reply::Stall, Reply::Status(200)]).await;
    create_webhook(&server, webhook("w", &receiver.url)).await.unwrap();
    spend(&server, "r-1").await;
    let first = receiver.next().await;
    // In the middle of the attempt.
    server.stop().await.unwrap();
    let server = Server::start_in(folder.path(), clock, config()).await;
    let second = receiver.next().await;
    assert_eq!(second.header("webhook-id"), first.header("webhook-id"));
    assert_eq!(second.body, first.body);
    let delivery = attempted(&server, v1::DeliveryState::Delivered, 1).await;
    assert_eq!(delivery.delivery_id, first.header("webhook-id"));
    assert!(receiver.try_next().is_none());
}

#[tokio::test]
async fn an_alert_that_cannot_be_stored_is_stored_later_and_sent_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(Outage::new(open(folder.path()).await));
    let server = Server::start_on(store.clone(), Arc::default(), config()).await;
    set_up(&server).await;
    let mut receiver = Receiver::start(&[]).await;
    create_webhook(&server, webhook("w", &receiver.url)).await.unwrap();
    let cap = v1::SetModelLimitRequest {
        workspace_id: ACME.to_owned(),
        model_id: "big".to_owned(),
        limit: Some(crate::fixtures::eur("1")),
        ..Default::default()
    };
    server.model_limit().set_model_limit(cap).await.unwrap();
    store.set(true);
    // A check needs no storage, and raises that its model was passed over.
    let routed = server.usage().check_and_route(check("c-1", "big")).await.unwrap().into_inner();
    assert_eq!(routed.decision(), v1::Decision::Routed);
    let request = v1::ListAlertsRequest { workspace_id: ACME.to_owned(), ..Default::default() };
    let status = server.alert().list_alerts(request).await.unwrap_err();
    assert_failed(&status, Code::Unavailable, "STORAGE_UNAVAILABLE", &[]);
    store.set(false);
    let posted = receiver.next().await;
    assert_eq!(posted.json()["type"], "alert.fallback_began");
    attempted(&server, v1::DeliveryState::Delivered, 1).await;
    assert_eq!(all(&server).await.len(), 1);
    assert!(receiver.try_next().is_none());
}

#[tokio::test]
async fn after_a_rotation_both_secrets_sign_for_a_day() {
    let (server, mut receiver, old) = with_receiver(&[]).await;
    let rotate = v1::RotateWebhookSecretRequest {
        workspace_id: ACME.to_owned(),
        webhook_id: "w".to_owned(),
    };
    let rotated = server.alert().rotate_webhook_secret(rotate).await.unwrap().into_inner();
    assert_ne!(rotated.secret, old);
    server.clock.advance(24 * MICROS_PER_HOUR - 1);
    spend(&server, "r-1").await;
    let posted = receiver.next().await;
    assert!(posted.is_signed_with(&old) && posted.is_signed_with(&rotated.secret));
    let delivery = attempted(&server, v1::DeliveryState::Delivered, 1).await;
    server.clock.advance(1);
    let repeat = v1::RepeatDeliveryRequest {
        workspace_id: ACME.to_owned(),
        delivery_id: delivery.delivery_id,
    };
    server.alert().repeat_delivery(repeat).await.unwrap();
    let posted = receiver.next().await;
    assert!(posted.is_signed_with(&rotated.secret) && !posted.is_signed_with(&old));
}

#[tokio::test]
async fn a_webhook_gets_the_types_it_asked_for() {
    let server = small_plan(config()).await;
    let mut receiver = Receiver::start(&[]).await;
    let types = vec![v1::AlertType::Exhausted.into(), v1::AlertType::InOverage.into()];
    let wanted = v1::Webhook { types, ..webhook("w", &receiver.url) };
    create_webhook(&server, wanted).await.unwrap();
    let disabled = v1::Webhook { disabled: true, ..webhook("off", &receiver.url) };
    create_webhook(&server, disabled).await.unwrap();
    spend(&server, "r-1").await;
    spend(&server, "r-2").await;
    let mut types = [receiver.next().await, receiver.next().await]
        .map(|posted| posted.json()["type"].as_str().unwrap().to_owned());
    types.sort();
    assert_eq!(types, ["alert.exhausted", "alert.in_overage"]);
    assert_eq!(all(&server).await.len(), 5);
    assert_eq!(deliveries(&server).await.len(), 2);
}

#[tokio::test]
async fn what_waits_for_a_webhook_that_is_deleted_or_disabled_is_given_up() {
    let (server, mut receiver, _) = with_receiver(&[Reply::Status(500)]).await;
    let mut other = Receiver::start(&[Reply::Status(500)]).await;
    create_webhook(&server, webhook("x", &other.url)).await.unwrap();
    spend(&server, "r-1").await;
    receiver.next().await;
    other.next().await;
    let failed = |found: &[v1::Delivery]| {
        found.iter().all(|delivery| is(delivery, v1::DeliveryState::Pending, 1))
    };
    until(&server, failed).await;
    let delete =
        v1::DeleteWebhookRequest { workspace_id: ACME.to_owned(), webhook_id: "w".to_owned() };
    server.alert().delete_webhook(delete).await.unwrap();
    let disable = v1::UpdateWebhookRequest {
        workspace_id: ACME.to_owned(),
        webhook: Some(v1::Webhook { disabled: true, ..webhook("x", "") }),
        update_mask: None,
    };
    server.alert().update_webhook(by("ada", disable)).await.unwrap();
    let dead = until(&server, |found| {
        found.iter().all(|delivery| is(delivery, v1::DeliveryState::Dead, 1))
    });
    let mut errors: Vec<String> =
        dead.await.into_iter().map(|delivery| delivery.last_error).collect();
    errors.sort();
    assert_eq!(errors, ["the webhook is disabled", "the webhook was deleted"]);
}

#[tokio::test]
async fn deliveries_are_filtered_and_paged_newest_first() {
    let (server, mut receiver, _) = with_receiver(&[]).await;
    let mut failing = Receiver::start(&[Reply::Status(500)]).await;
    create_webhook(&server, webhook("x", &failing.url)).await.unwrap();
    spend(&server, "r-1").await;
    receiver.next().await;
    failing.next().await;
    server.clock.advance(MICROS_PER_SECOND);
    spend(&server, "r-2").await;
    for _ in 0..4 {
        receiver.next().await;
    }
    let delivered = |found: &[v1::Delivery]| {
        let all = v1::DeliveryState::Delivered;
        found.iter().filter(|delivery| delivery.state() == all).count() == 5
            && found
                .iter()
                .any(|delivery| delivery.attempt_count == 1 && delivery.webhook_id == "x")
    };
    let all = until(&server, delivered).await;
    assert_eq!(all.len(), 10);
    assert!(all.is_sorted_by_key(|delivery| std::cmp::Reverse(micros(&delivery.create_time))));
    let base = || v1::ListDeliveriesRequest { workspace_id: ACME.to_owned(), ..Default::default() };
    let alert_id = all[0].alert_id;
    type Matches = fn(&v1::Delivery, i64) -> bool;
    let filters: [(v1::ListDeliveriesRequest, Matches); 3] = [
        (v1::ListDeliveriesRequest { receiver_id: "x".to_owned(), ..base() }, |delivery, _| {
            delivery.webhook_id == "x"
        }),
        (v1::ListDeliveriesRequest { alert_id, ..base() }, |delivery, alert_id| {
            delivery.alert_id == alert_id
        }),
        (
            v1::ListDeliveriesRequest { state: v1::DeliveryState::Delivered.into(), ..base() },
            |delivery, _| delivery.state() == v1::DeliveryState::Delivered,
        ),
    ];
    for (request, matches) in filters {
        let listed = server.alert().list_deliveries(request).await.unwrap().into_inner();
        let ids = |found: &[v1::Delivery]| -> Vec<String> {
            found.iter().map(|delivery| delivery.delivery_id.clone()).collect()
        };
        let expected: Vec<v1::Delivery> =
            all.iter().filter(|delivery| matches(delivery, alert_id)).cloned().collect();
        assert_eq!(ids(&listed.deliveries), ids(&expected));
    }
    let mut paged = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = v1::ListDeliveriesRequest { page_size: 3, page_token, ..base() };
        let page = server.alert().list_deliveries(request).await.unwrap().into_inner();
        paged.extend(page.deliveries.into_iter().map(|delivery| delivery.delivery_id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let ids: Vec<String> = all.into_iter().map(|delivery| delivery.delivery_id).collect();
    assert_eq!(paged, ids);
}

#[tokio::test]
async fn what_is_not_allowed_any_more_is_not_sent() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(TestClock::default());
    let server = Server::start_in(folder.path(), clock.clone(), config()).await;
    set_up(&server).await;
    set_plan(&server, "3", "1", "2026-01-01").await.unwrap();
    let mut receiver = Receiver::start(&[]).await;
    create_webhook(&server, webhook("w", &receiver.url)).await.unwrap();
    server.stop().await.unwrap();
    // Loopback is not allowed unless it is said.
    let server = Server::start_in(folder.path(), clock, Config::default()).await;
    let status = create_webhook(&server, webhook("x", &receiver.url)).await.unwrap_err();
    assert_eq!(refused_fields(&status), ["webhook.url"]);
    server.usage().record_usage(record("r-1", "big")).await.unwrap();
    let delivery = attempted(&server, v1::DeliveryState::Pending, 1).await;
    assert_eq!(delivery.last_error, "not sent: expected https");
    assert!(receiver.try_next().is_none());
}

// -- A test delivery.

async fn test_webhook(server: &Server, id: &str) -> Result<v1::TestWebhookResponse, tonic::Status> {
    let request =
        v1::TestWebhookRequest { workspace_id: ACME.to_owned(), webhook_id: id.to_owned() };
    Ok(server.alert().test_webhook(by("eve", request)).await?.into_inner())
}

#[tokio::test]
async fn a_test_delivery_is_signed_and_its_answer_comes_back() {
    let (server, mut receiver, secret) = with_receiver(&[Reply::Status(202)]).await;
    let tested = test_webhook(&server, "w").await.unwrap();
    assert!(tested.delivered && tested.error.is_empty(), "{tested:?}");
    assert_eq!(tested.http_status, 202);
    let posted = receiver.next().await;
    assert!(posted.is_signed_with(&secret));
    assert_eq!(posted.header("webhook-id"), tested.delivery_id);
    let body = posted.json();
    assert_eq!(body["type"], "webhook.test");
    assert_eq!(body["data"]["workspace_id"], ACME);
    assert_eq!(body["data"]["webhook_id"], "w");

    // It is tried once, and listed nowhere but in the audit log.
    receiver.answer(&[Reply::Status(503), Reply::Close]);
    let failed = test_webhook(&server, "w").await.unwrap();
    assert_eq!((failed.delivered, failed.http_status, &*failed.error), (false, 503, "HTTP 503"));
    let cut = test_webhook(&server, "w").await.unwrap();
    assert_eq!((cut.delivered, cut.http_status), (false, 0));
    assert!(!cut.error.is_empty() && !cut.error.contains("hidden"), "{cut:?}");
    assert!(deliveries(&server).await.is_empty());
    let events = audit_events(&server, ACME).await;
    let tests: Vec<_> =
        events.iter().filter(|event| event.resource_type == "webhook_test").collect();
    assert_eq!(tests.len(), 3);
    assert_eq!((&*tests[2].action, &*tests[2].actor), ("TestWebhook", "eve"));
    assert!(tests[1].after_json.contains("HTTP 503"), "{}", tests[1].after_json);
}

#[tokio::test]
async fn a_test_delivery_keeps_to_the_address_rules() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(TestClock::default());
    let server = Server::start_in(folder.path(), clock.clone(), config()).await;
    set_up(&server).await;
    let mut receiver = Receiver::start(&[Reply::Status(200)]).await;
    create_webhook(&server, webhook("w", &receiver.url)).await.unwrap();
    server.stop().await.unwrap();
    // The rules are stricter now than when it was made.
    let server = Server::start_in(folder.path(), clock, Config::default()).await;
    let refused = test_webhook(&server, "w").await.unwrap();
    assert!(refused.error.starts_with("not sent: expected"), "{refused:?}");
    assert!(receiver.try_next().is_none());
    let status = test_webhook(&server, "none").await.unwrap_err();
    assert_failed(&status, Code::NotFound, "RESOURCE_NOT_FOUND", &[("id", "none")]);
    server.stop().await.unwrap();
}
