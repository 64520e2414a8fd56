//! A key that ran away in the last hour, while the server is killed again and again as it looks at
//! it: the anomaly is there once, and its alert.

use std::time::Duration;

use prost_types::Timestamp;
use rand::RngExt;
use tollgate::proto::v1;
use tollgate::proto::v1::insight_service_client::InsightServiceClient;

use crate::alerts::until;
use crate::client::Client;
use crate::process::{Server, free_port};

const HOUR: i64 = 3_600;
const DAYS: i64 = 14;
/// The server looks at an hour so long after its end.
const DELAY: i64 = 120;
/// Longest life of a server, in milliseconds: it looks within the first seconds.
const LIFE_MS_MAX: u64 = 2_500;
const BATCH: usize = 1_000;

pub async fn run(database: &str, kills: usize) {
    let port = free_port();
    let start = async || {
        let (server, channel) = Server::start(database, port).await;
        (server, Client::new(channel, "odd"))
    };
    let (server, client) = start().await;
    client.create_workspace().await;
    client.add_model("m", "1", "1").await;
    let now = chrono::Utc::now().timestamp();
    let last = (now - DELAY) / HOUR - 1;
    set_price(&client, now - 30 * 24 * HOUR).await;
    let mut records = Vec::new();
    for hour in last - DAYS * 24..=last {
        let thousands = if hour == last { 5_000 } else { 100 + hour % 3 };
        records.push(used(&client, "runs-away", hour, thousands));
        records.push(used(&client, "steady", hour, 100));
    }
    for batch in records.chunks(BATCH) {
        let request = v1::RecordUsageBatchRequest { records: batch.to_vec() };
        let answer = client.usage().record_usage_batch(request).await.unwrap().into_inner();
        let is_recorded = |it: &v1::RecordUsageResult| {
            matches!(&it.result, Some(v1::record_usage_result::Result::Record(_)))
        };
        assert!(answer.results.iter().all(is_recorded), "{answer:?}");
    }
    server.kill();

    for _ in 0..kills {
        let (server, _) = start().await;
        let life_ms = rand::rng().random_range(0..LIFE_MS_MAX);
        tokio::time::sleep(Duration::from_millis(life_ms)).await;
        server.kill();
    }

    let (server, client) = start().await;
    until("it was looked at", async || list(&client).await.looked_until_time.is_some()).await;
    let found = list(&client).await;
    let alerted: Vec<_> = found.anomalies.iter().filter(|anomaly| anomaly.alerted).collect();
    assert_eq!(alerted.len(), 1, "{found:#?}");
    let most = alerted[0].contributors[0].subject.as_ref().unwrap();
    assert_eq!((most.r#type(), most.id.as_str()), (v1::SubjectType::ApiKey, "runs-away"));
    let alerts = client.alerts().await;
    let of_it: Vec<_> =
        alerts.iter().filter(|alert| alert.r#type() == v1::AlertType::Anomaly).collect();
    assert_eq!(of_it.len(), 1, "{alerts:#?}");
    let about = of_it[0].anomaly.as_ref().unwrap();
    assert_eq!((&about.anomaly_id, about.over), (&alerted[0].anomaly_id, false));
    server.stop().await;
}

/// Valid for the whole history.
async fn set_price(client: &Client, since: i64) {
    let price = v1::Price {
        currency_code: "USD".to_owned(),
        input_per_million: "10".to_owned(),
        output_per_million: "10".to_owned(),
        effective_time: Some(Timestamp { seconds: since, nanos: 0 }),
        ..Default::default()
    };
    let request = v1::SetModelPriceRequest {
        model_id: "m".to_owned(),
        price: Some(price),
        workspace_id: String::new(),
    };
    client.catalog().set_model_price(request).await.unwrap();
}

fn used(client: &Client, key: &str, hour: i64, thousands: i64) -> v1::RecordUsageRequest {
    v1::RecordUsageRequest {
        workspace_id: client.id(),
        request_id: format!("{key}-{hour}"),
        model_id: "m".into(),
        attribution: Some(v1::Attribution { api_key_id: key.to_owned(), ..Default::default() }),
        usage: Some(v1::Usage { input_token_count: thousands * 1_000, ..Default::default() }),
        outcome: v1::Outcome::Success.into(),
        start_time: Some(Timestamp { seconds: hour * HOUR + HOUR / 2, nanos: 0 }),
        ..Default::default()
    }
}

async fn list(client: &Client) -> v1::ListAnomaliesResponse {
    let mut insight = InsightServiceClient::new(client.channel.clone());
    let request = v1::ListAnomaliesRequest { workspace_id: client.id(), ..Default::default() };
    insight.list_anomalies(request).await.unwrap().into_inner()
}
