//! Generates a month of usage of one workspace and records it through the API, out of order.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tollgate::domain::Time;
use tollgate::domain::time::{MICROS_PER_DAY, MICROS_PER_HOUR};
use tollgate::proto::v1;

use crate::server::{START, Server};

/// 2026-11-06T12:00:00Z: the time of recording. Records reach 34 days back, beyond the end of
/// daylight-saving time in Berlin (25 October) and in New York (1 November).
pub const NOW: Time = Time::from_micros(1_793_966_400_000_000);

const RECORDS: usize = 1_200;
const BATCH: usize = 300;
/// (model, provider).
const MODELS: [(&str, &str); 4] =
    [("alpha-large", "alpha"), ("alpha-small", "alpha"), ("beta-large", "beta"), ("gamma", "")];

/// A model that is added to the catalog after its usage was recorded.
fn late_model(workspace: &str) -> String {
    format!("delta-{workspace}")
}

/// The provider of a model.
pub fn provider_of(model: &str) -> &'static str {
    match MODELS.into_iter().find(|(known, _)| *known == model) {
        Some((_, provider)) => provider,
        None => "delta",
    }
}

/// A server at [`NOW`], with models and prices.
pub async fn server() -> Server {
    let server = Server::start().await;
    server.clock.advance(NOW.micros() - START.micros());
    for (place, (model, provider)) in MODELS.into_iter().enumerate() {
        upsert_model(&server, model, provider).await;
        let rate = format!("{}.{}37", 10 / (place + 1), place);
        set_price(&server, model, &rate).await;
    }
    server
}

async fn upsert_model(server: &Server, id: &str, provider: &str) {
    let (model_id, provider) = (id.to_owned(), provider.to_owned());
    let model = v1::Model { model_id, provider, ..Default::default() };
    let request = v1::UpsertModelRequest { model: Some(model) };
    server.catalog().upsert_model(request).await.unwrap();
}

async fn set_price(server: &Server, model_id: &str, input_per_million: &str) {
    let price = v1::Price {
        currency_code: "EUR".to_owned(),
        input_per_million: input_per_million.to_owned(),
        output_per_million: "17.301".to_owned(),
        cache_read_per_million: "0.123456789".to_owned(),
        effective_time: Some(timestamp(NOW - 300 * MICROS_PER_DAY)),
        ..Default::default()
    };
    let request = v1::SetModelPriceRequest {
        model_id: model_id.to_owned(),
        price: Some(price),
        workspace_id: String::new(),
    };
    server.catalog().set_model_price(request).await.unwrap();
}

/// Creates a workspace in a time zone and records its month; half way it moves to `moves_to`.
pub async fn fill(server: &Server, workspace: &str, zone: &str, moves_to: Option<&str>) {
    create_workspace(server, workspace, zone).await;
    register_keys(server, workspace).await;
    // A seed of its own for each workspace.
    let mut random = StdRng::seed_from_u64(workspace.bytes().map(u64::from).sum());
    for batch in 0..RECORDS / BATCH {
        if batch == RECORDS / BATCH / 2 {
            // Folds what was recorded: the rest is late for its days.
            fold(server, workspace).await;
            if let Some(zone) = moves_to {
                move_to(server, workspace, zone).await;
            }
        }
        let records =
            (0..BATCH).map(|place| record(&mut random, workspace, batch * BATCH + place)).collect();
        let request = v1::RecordUsageBatchRequest { records };
        let answer = server.usage().record_usage_batch(request).await.unwrap().into_inner();
        for result in answer.results {
            let result = result.result.expect("a result");
            assert!(matches!(result, v1::record_usage_result::Result::Record(_)), "{result:?}");
        }
    }
    expire_one(server, workspace).await;
    reprice(server, workspace).await;
}

async fn create_workspace(server: &Server, id: &str, zone: &str) {
    let workspace = v1::Workspace {
        workspace_id: id.to_owned(),
        time_zone: zone.to_owned(),
        hold_expiry_policy: v1::HoldExpiryPolicy::ChargeEstimate.into(),
        ..Default::default()
    };
    let request = v1::CreateWorkspaceRequest { workspace: Some(workspace) };
    server.workspace().create_workspace(request).await.unwrap();
    let budget = v1::Money { currency_code: "EUR".to_owned(), amount: "1000000".to_owned() };
    let plan = v1::Plan {
        budget: Some(budget),
        start_date: "2026-01-15".to_owned(),
        ..Default::default()
    };
    let request = v1::SetPlanRequest { workspace_id: id.to_owned(), plan: Some(plan) };
    server.budget().set_plan(request).await.unwrap();
}

async fn register_keys(server: &Server, workspace: &str) {
    for group in ["group-a", "group-b"] {
        let key_group = v1::KeyGroup { key_group_id: group.to_owned(), ..Default::default() };
        let request = v1::CreateKeyGroupRequest {
            workspace_id: workspace.to_owned(),
            key_group: Some(key_group),
        };
        server.api_key().create_key_group(request).await.unwrap();
    }
    for (key, group) in [("key-0", "group-a"), ("key-1", "group-b"), ("key-2", "")] {
        let api_key = v1::ApiKey {
            api_key_id: key.to_owned(),
            key_group_id: group.to_owned(),
            ..Default::default()
        };
        let request = v1::RegisterApiKeyRequest {
            workspace_id: workspace.to_owned(),
            api_key: Some(api_key),
        };
        server.api_key().register_api_key(request).await.unwrap();
    }
}

async fn fold(server: &Server, workspace: &str) {
    let request =
        v1::GetOverviewRequest { workspace_id: workspace.to_owned(), ..Default::default() };
    server.analytics().get_overview(request).await.unwrap();
}

async fn move_to(server: &Server, workspace: &str, zone: &str) {
    let workspace = v1::Workspace {
        workspace_id: workspace.to_owned(),
        time_zone: zone.to_owned(),
        ..Default::default()
    };
    let request = v1::UpdateWorkspaceRequest { workspace: Some(workspace), ..Default::default() };
    server.workspace().update_workspace(request).await.unwrap();
}

/// One of `count` ids, skewed to the low ones, or none.
fn id(random: &mut StdRng, kind: &str, count: u32) -> String {
    if random.random_ratio(1, 8) {
        return String::new();
    }
    let place = random.random_range(0..count).min(random.random_range(0..count));
    format!("{kind}-{place}")
}

fn attribution(random: &mut StdRng) -> v1::Attribution {
    let mut tags = std::collections::HashMap::new();
    for key in ["team", "stage"] {
        let value = id(random, key, 3);
        if !value.is_empty() {
            tags.insert(key.to_owned(), value);
        }
    }
    v1::Attribution {
        user_id: id(random, "user", 40),
        department_id: id(random, "department", 5),
        api_key_id: id(random, "key", 4),
        assistant_id: id(random, "assistant", 12),
        workflow_id: id(random, "workflow", 7),
        feature_id: id(random, "feature", 3),
        project_id: id(random, "project", 4),
        investigation_id: id(random, "investigation", 60),
        session_id: id(random, "session", 200),
        tags,
    }
}

fn record(random: &mut StdRng, workspace: &str, place: usize) -> v1::RecordUsageRequest {
    let model_id = match MODELS.get(random.random_range(0..=MODELS.len())) {
        Some((model, _)) => (*model).to_owned(),
        None => late_model(workspace),
    };
    let back = random.random_range(0..34 * MICROS_PER_DAY);
    // Some on the hour, where days begin and end.
    let mut start_time = NOW - back;
    if random.random_ratio(1, 10) {
        start_time = start_time - start_time.micros().rem_euclid(MICROS_PER_HOUR);
    }
    let outcome = match random.random_range(0..10) {
        0 => v1::Outcome::Error,
        1 => v1::Outcome::Cancelled,
        _ => v1::Outcome::Success,
    };
    let latency = (random.random_range(0.0_f64..8.0).exp() * 1_000_000.0) as i64;
    let usage = v1::Usage {
        input_token_count: random.random_range(0..5_000),
        cache_read_token_count: random.random_range(0..900),
        output_token_count: random.random_range(0..2_000),
        reasoning_token_count: random.random_range(0..300),
        ..Default::default()
    };
    v1::RecordUsageRequest {
        workspace_id: workspace.to_owned(),
        request_id: format!("request-{place}"),
        model_id,
        usage: Some(usage),
        outcome: outcome.into(),
        start_time: Some(timestamp(start_time)),
        latency: Some(prost_types::Duration {
            seconds: latency / 1_000_000,
            nanos: (latency % 1_000_000) as i32 * 1_000,
        }),
        attribution: Some(attribution(random)),
        ..Default::default()
    }
}

/// A hold that expires and is charged.
async fn expire_one(server: &Server, workspace: &str) {
    let (workspace_id, model_id) = (workspace.to_owned(), MODELS[0].0.to_owned());
    let request =
        v1::EnableModelRequest { workspace_id: workspace_id.clone(), model_id: model_id.clone() };
    server.model_limit().enable_model(request).await.unwrap();
    let check = v1::CheckAndRouteRequest {
        workspace_id: workspace_id.clone(),
        request_id: "left".to_owned(),
        model_id,
        input_token_count: 1_000,
        max_output_token_count: Some(1_000),
        hold_duration: Some(prost_types::Duration { seconds: 1, nanos: 0 }),
        attribution: Some(v1::Attribution {
            user_id: "user-left".to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    };
    server.usage().check_and_route(check).await.unwrap();
    server.clock.advance(20 * 1_000_000);
    // The task that charges it runs in real time.
    for _ in 0..600 {
        let request = v1::ListUsageRecordsRequest {
            workspace_id: workspace_id.clone(),
            request_id: "left".to_owned(),
            ..Default::default()
        };
        let found = server.usage().list_usage_records(request).await.unwrap().into_inner();
        if !found.records.is_empty() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the hold was not charged");
}

/// Adds the late model to the catalog with a price, and corrects each of its records.
async fn reprice(server: &Server, workspace: &str) {
    let model = late_model(workspace);
    upsert_model(server, &model, provider_of(&model)).await;
    set_price(server, &model, "3.3").await;
    let request = v1::RepriceUsageRequest {
        workspace_id: workspace.to_owned(),
        start_time: Some(timestamp(NOW - 40 * MICROS_PER_DAY)),
        ..Default::default()
    };
    let repriced = server.usage().reprice_usage(request).await.unwrap().into_inner();
    assert!(repriced.corrected_count > 0, "{repriced:?}");
}

pub fn timestamp(time: Time) -> prost_types::Timestamp {
    let micros = time.micros();
    prost_types::Timestamp {
        seconds: micros.div_euclid(1_000_000),
        nanos: micros.rem_euclid(1_000_000) as i32 * 1_000,
    }
}
