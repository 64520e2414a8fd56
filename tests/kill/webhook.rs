//! What is on its way to a webhook when the server is killed arrives afterwards, as the same
//! delivery.

use tollgate::proto::v1;

use crate::alerts::until;
use crate::client::Client;
use crate::process::{Server, free_port};
use crate::receiver::{Receiver, Reply};
use v1::DeliveryState::{Delivered, Pending};

/// Spends the whole plan: an alert of a threshold, and one that the envelope is exhausted.
async fn spend(client: &Client) {
    let record = v1::RecordUsageRequest {
        workspace_id: client.id(),
        request_id: uuid::Uuid::now_v7().to_string(),
        model_id: "m".into(),
        usage: Some(v1::Usage { input_token_count: 1_000_000, ..Default::default() }),
        outcome: v1::Outcome::Success.into(),
        ..Default::default()
    };
    client.usage().record_usage(record).await.unwrap();
}

pub async fn run(database: &str) {
    let port = free_port();
    let start = async || {
        let (server, channel) = Server::start(database, port).await;
        (server, Client::new(channel, "delivered"))
    };
    let (server, client) = start().await;
    client.create_workspace().await;
    client.set_plan("1", "0").await;
    client.add_model("m", "1", "1").await;
    let policy = v1::AlertPolicy { envelope_threshold_percents: vec![100], ..Default::default() };
    let set = v1::SetAlertPolicyRequest { workspace_id: client.id(), alert_policy: Some(policy) };
    client.alert().set_alert_policy(set).await.unwrap();
    let mut receiver = Receiver::start(&[Reply::Stall]).await;
    let secret = client.create_webhook(&receiver.url).await;

    // The first is under way when the server is killed, the other waits behind it.
    spend(&client).await;
    let cut_off = receiver.next().await;
    until("both are stored", async || client.deliveries().await.len() == 2).await;
    let before = client.deliveries().await;
    assert!(before.iter().all(|of| (of.state(), of.attempt_count) == (Pending, 0)), "{before:?}");
    server.kill();

    // The first fails once more, which is stored; the other arrives.
    receiver.answer(&[Reply::Status(503)]);
    let (server, client) = start().await;
    until("an attempt is stored", async || {
        client.deliveries().await.iter().any(|delivery| delivery.attempt_count == 1)
    })
    .await;
    let failed = receiver.next().await;
    assert_eq!(failed.header("webhook-id"), cut_off.header("webhook-id"));
    let failed_once = client.deliveries().await;
    let is_first = |of: &&v1::Delivery| of.delivery_id == cut_off.header("webhook-id");
    let first = failed_once.iter().find(is_first).expect("it is listed").clone();
    assert_eq!((first.state(), first.last_error.as_str()), (Pending, "HTTP 503"));
    server.kill();

    // What was stored of it is there, and nobody waits for its time here.
    receiver.answer(&[Reply::Status(204)]);
    let (server, client) = start().await;
    let again = client.deliveries().await;
    assert_eq!(again.iter().find(is_first), Some(&first));
    let repeat = v1::RepeatDeliveryRequest {
        workspace_id: client.id(),
        delivery_id: first.delivery_id.clone(),
    };
    client.alert().repeat_delivery(repeat).await.unwrap();
    until("both are delivered", async || {
        client.deliveries().await.iter().all(|delivery| delivery.state() == Delivered)
    })
    .await;
    let mut arrived = Vec::new();
    while let Some(posted) = receiver.try_next() {
        assert!(posted.is_signed_with(&secret), "the secret is the same");
        arrived.push((posted.header("webhook-id").to_owned(), posted.body));
    }
    arrived.sort();
    let mut expected: Vec<String> = before.iter().map(|of| of.delivery_id.clone()).collect();
    expected.sort();
    assert_eq!(arrived.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>(), expected);
    let same = arrived.iter().find(|(id, _)| id == cut_off.header("webhook-id"));
    assert_eq!(same.map(|(_, body)| body), Some(&cut_off.body), "it says the same");
    server.stop().await;
}
