//! kill -9 under load, on the real binary: clients check and record, the server is killed at a
//! random moment and started again, many times. Afterwards every acknowledged record is in the log
//! exactly once, none is invented, the spend is their sum, and `tollgate verify` is clean.
//!
//! The seed of the moments is printed; `TOLLGATE_TEST_SEED` sets it. What the server was doing at
//! these moments is up to the machine, so a seed does not repeat a run exactly.

#[path = "support/process.rs"]
mod process;
mod support;

use std::collections::HashMap;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rust_decimal::Decimal;
use tollgate::proto::v1::budget_service_client::BudgetServiceClient;
use tollgate::proto::v1::model_limit_service_client::ModelLimitServiceClient;
use tollgate::proto::v1::usage_service_client::UsageServiceClient;
use tollgate::proto::v1::{
    self, CheckAndRouteRequest, ListUsageRecordsRequest, RecordUsageRequest,
};
use tonic::transport::Channel;

use process::{Server, free_port};

const WORKSPACE: &str = "killed";
const CLIENTS: usize = 8;

/// What clients know of their records.
#[derive(Default)]
struct Ledger {
    /// Sent, and not answered: may or may not be in the log.
    open: HashMap<String, RecordUsageRequest>,
    /// Answered, with their cost.
    acknowledged: HashMap<String, Decimal>,
}

type Shared = Arc<Mutex<Ledger>>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("killed.db");
    run(&format!("sqlite:{}", path.display()), 50).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_on_postgres() {
    let Some(postgres) = support::postgres::server("tests/kill.rs") else { return };
    run(&postgres.fresh_database().await, 10).await;
}

async fn run(database: &str, kills: usize) {
    let seed = std::env::var("TOLLGATE_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or_else(rand::random);
    println!("TOLLGATE_TEST_SEED={seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let port = free_port();
    let (server, channel) = Server::start(database, port).await;
    set_up(channel).await;
    server.stop().await;

    let shared = Shared::default();
    for _ in 0..kills {
        let (server, channel) = Server::start(database, port).await;
        let clients: Vec<_> =
            (0..CLIENTS).map(|_| tokio::spawn(client(channel.clone(), shared.clone()))).collect();
        tokio::time::sleep(Duration::from_millis(rng.random_range(20..250))).await;
        server.kill();
        for client in clients {
            client.await.unwrap();
        }
    }

    let (server, channel) = Server::start(database, port).await;
    resend(channel.clone(), &shared).await;
    let log = read_log(channel.clone()).await;
    judge(&shared, &log);
    let spent: Decimal = log.values().sum();
    assert_eq!(spent_of(channel).await, spent, "the spend is the sum of the log");
    println!("{} records over {kills} kills", log.len());
    assert!(log.len() > kills, "the server was under load");
    // Beside the running server, and after it.
    verify(database);
    server.stop().await;
    verify(database);
}

/// Checks and records until the server is gone. Sends first what was not answered before.
async fn client(channel: Channel, shared: Shared) {
    let mut usage = UsageServiceClient::new(channel);
    loop {
        let request_id = uuid::Uuid::now_v7().to_string();
        let check = CheckAndRouteRequest {
            workspace_id: WORKSPACE.into(),
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
        for record in open.into_iter().chain([record_of(request_id)]) {
            if !send(&mut usage, record, &shared).await {
                return;
            }
        }
    }
}

/// Sends a record and notes what is known of it. False if the server is gone.
async fn send(
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
    let cost: Decimal = answer.into_inner().cost.unwrap().amount.parse().unwrap();
    let mut ledger = shared.lock().unwrap();
    ledger.open.remove(&id);
    let before = ledger.acknowledged.insert(id, cost);
    assert!(before.is_none_or(|before| before == cost), "a repeat is answered alike");
    true
}

fn record_of(request_id: String) -> RecordUsageRequest {
    let output_token_count = 1 + i64::from(request_id.as_bytes()[30] % 50);
    RecordUsageRequest {
        workspace_id: WORKSPACE.into(),
        request_id,
        model_id: "m".into(),
        usage: Some(v1::Usage { input_token_count: 100, output_token_count, ..Default::default() }),
        outcome: v1::Outcome::Success.into(),
        ..Default::default()
    }
}

async fn resend(channel: Channel, shared: &Shared) {
    let mut usage = UsageServiceClient::new(channel);
    let open: Vec<_> = shared.lock().unwrap().open.values().cloned().collect();
    for record in open {
        assert!(send(&mut usage, record, shared).await, "the server lives");
    }
}

/// Cost by request of everything in the log; a request twice is a failure.
async fn read_log(channel: Channel) -> HashMap<String, Decimal> {
    let mut usage = UsageServiceClient::new(channel);
    let mut log = HashMap::new();
    let mut page_token = String::new();
    loop {
        let request = ListUsageRecordsRequest {
            workspace_id: WORKSPACE.into(),
            page_size: 1_000,
            page_token,
            ..Default::default()
        };
        let page = usage.list_usage_records(request).await.unwrap().into_inner();
        for record in page.records {
            let cost = record.cost.unwrap().amount.parse().unwrap();
            let twice = log.insert(record.request_id.clone(), cost);
            assert!(twice.is_none(), "{} is in the log twice", record.request_id);
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return log;
        }
    }
}

/// Every record was answered in the end, so the log must be exactly what was acknowledged.
fn judge(shared: &Shared, log: &HashMap<String, Decimal>) {
    let ledger = shared.lock().unwrap();
    assert!(ledger.open.is_empty(), "what was sent again was answered");
    for (id, cost) in &ledger.acknowledged {
        assert_eq!(log.get(id), Some(cost), "{id} was acknowledged");
    }
    for id in log.keys() {
        assert!(ledger.acknowledged.contains_key(id), "{id} was never sent");
    }
}

async fn spent_of(channel: Channel) -> Decimal {
    let request = v1::GetBudgetRequest { workspace_id: WORKSPACE.into() };
    let budget = BudgetServiceClient::new(channel).get_budget(request).await.unwrap().into_inner();
    budget.budget.unwrap().spent.unwrap().amount.parse().unwrap()
}

fn verify(database: &str) {
    let output =
        Command::new(process::binary()).args(["verify", "--database", database]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "verify: {text}{errors}");
    assert!(text.contains("clean"), "verify: {text}");
}

async fn set_up(channel: Channel) {
    let mut budget = BudgetServiceClient::new(channel.clone());
    let workspace = v1::Workspace {
        workspace_id: WORKSPACE.into(),
        currency_code: "USD".into(),
        ..Default::default()
    };
    let create = v1::CreateWorkspaceRequest { workspace: Some(workspace) };
    budget.create_workspace(create).await.unwrap();
    let money =
        |amount: &str| Some(v1::Money { currency_code: "USD".into(), amount: amount.into() });
    let plan =
        v1::Plan { budget: money("1000000"), overage_limit: None, start_date: "2026-01-31".into() };
    let set = v1::SetPlanRequest { workspace_id: WORKSPACE.into(), plan: Some(plan) };
    budget.set_plan(set).await.unwrap();

    let mut models = ModelLimitServiceClient::new(channel);
    let model = v1::Model { model_id: "m".into(), provider: "p".into(), ..Default::default() };
    let upsert = v1::UpsertModelRequest { model: Some(model) };
    models.upsert_model(upsert).await.unwrap();
    let price = v1::Price {
        currency_code: "USD".into(),
        input_per_million: "2.5".into(),
        output_per_million: "10".into(),
        ..Default::default()
    };
    let set = v1::SetModelPriceRequest {
        model_id: "m".into(),
        price: Some(price),
        workspace_id: String::new(),
    };
    models.set_model_price(set).await.unwrap();
    let enable = v1::EnableModelRequest { workspace_id: WORKSPACE.into(), model_id: "m".into() };
    models.enable_model(enable).await.unwrap();
}
