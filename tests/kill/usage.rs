//! Records without limits: nothing acknowledged is lost, nothing is invented. What was not
//! answered before a kill is sent again in the middle of the load after it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use rust_decimal::Decimal;
use tollgate::proto::v1;
use tollgate::proto::v1::usage_service_client::UsageServiceClient;
use tollgate::proto::v1::{CheckAndRouteRequest, RecordUsageRequest};
use tonic::transport::Channel;

use crate::client::{Client, amount};

/// What clients know of their records.
#[derive(Default)]
pub struct Ledger {
    /// Sent, and not answered: may or may not be in the log.
    pub open: HashMap<String, RecordUsageRequest>,
    /// Answered, with their cost.
    pub acknowledged: HashMap<String, Decimal>,
}

pub type Shared = Arc<Mutex<Ledger>>;

pub async fn set_up(client: &Client) {
    client.create_workspace().await;
    client.set_plan("1000000", "0").await;
    client.add_model("m", "2.5", "10").await;
}

/// Checks and records until the server is gone. Sends first what was not answered before.
pub async fn load(client: Client, shared: Shared) {
    let mut usage = client.usage();
    loop {
        let request_id = uuid::Uuid::now_v7().to_string();
        let check = CheckAndRouteRequest {
            workspace_id: client.id(),
            request_id: request_id.clone(),
            model_id: "m".into(),
            input_token_count: 100,
            max_output_token_count: Some(50),
            ..Default::default()
        };
        if usage.check_and_route(check).await.is_err() {
            return;
        }
        let open = shared.lock().unwrap().open.values().next().cloned();
        for record in open.into_iter().chain([record_of(client.id(), request_id)]) {
            if !send(&mut usage, record, &shared).await {
                return;
            }
        }
    }
}

/// Sends a record and notes what is known of it. False if the server is gone.
pub async fn send(
    usage: &mut UsageServiceClient<Channel>,
    record: RecordUsageRequest,
    shared: &Shared,
) -> bool {
    let id = record.request_id.clone();
    {
        let mut ledger = shared.lock().unwrap();
        if !ledger.acknowledged.contains_key(&id) {
            ledger.open.insert(id.clone(), record.clone());
        }
    }
    let Ok(answer) = usage.record_usage(record).await else { return false };
    let cost = amount(&answer.into_inner().cost);
    let mut ledger = shared.lock().unwrap();
    ledger.open.remove(&id);
    let before = ledger.acknowledged.insert(id, cost);
    assert!(before.is_none_or(|before| before == cost), "a repeat is answered alike");
    true
}

fn record_of(workspace_id: String, request_id: String) -> RecordUsageRequest {
    let output_token_count = 1 + i64::from(request_id.as_bytes()[30] % 50);
    RecordUsageRequest {
        workspace_id,
        request_id,
        model_id: "m".into(),
        usage: Some(v1::Usage { input_token_count: 100, output_token_count, ..Default::default() }),
        outcome: v1::Outcome::Success.into(),
        ..Default::default()
    }
}

/// Sends everything that was not answered.
pub async fn send_open(client: &Client, shared: &Shared) {
    let mut usage = client.usage();
    let open: Vec<_> = shared.lock().unwrap().open.values().cloned().collect();
    for record in open {
        assert!(send(&mut usage, record, shared).await, "the server lives");
    }
}

/// Everything was answered in the end, so the log must be exactly what was acknowledged, and the
/// spend its sum. How many records there are.
pub async fn judge(client: &Client, shared: &Shared) -> usize {
    let mut log = HashMap::new();
    for record in client.records().await {
        let twice = log.insert(record.request_id.clone(), amount(&record.cost));
        assert!(twice.is_none(), "{} is in the log twice", record.request_id);
    }
    {
        let ledger = shared.lock().unwrap();
        assert!(ledger.open.is_empty(), "what was sent again was answered");
        for (id, cost) in &ledger.acknowledged {
            assert_eq!(log.get(id), Some(cost), "{id} was acknowledged");
        }
        for id in log.keys() {
            assert!(ledger.acknowledged.contains_key(id), "{id} was never sent");
        }
    }
    let spent: Decimal = log.values().sum();
    assert_eq!(amount(&client.budget_now().await.spent), spent, "the spend is the sum of the log");
    log.len()
}
