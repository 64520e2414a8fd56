//! Requests of the demo's users, one by one: what is looked at moves.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::WORKSPACE;
use super::setup::Demo;
use crate::cli::client::{CallError, Client};

/// Between two requests.
const PAUSE_MS: std::ops::Range<u64> = 400..1_600;
/// What a provider takes to answer.
const LATENCY_MS: std::ops::Range<u64> = 300..2_500;
const INPUT_TOKENS: std::ops::Range<i64> = 200..6_000;
const OUTPUT_TOKENS: std::ops::Range<i64> = 50..1_200;
const MOST_OUTPUT_TOKENS: i64 = 1_200;

/// Until the server stops.
///
/// # Errors
/// If a call fails.
pub async fn run(client: &Client, demo: &Demo, seed: u64) -> Result<(), CallError> {
    let mut random = StdRng::seed_from_u64(seed);
    loop {
        sleep(Duration::from_millis(random.random_range(PAUSE_MS))).await;
        let (Some(user), Some(model)) =
            (demo.users.choose(&mut random), demo.models.choose(&mut random))
        else {
            return Ok(());
        };
        match request(client, user, model, &mut random).await {
            // Somebody tries things out: a workspace that is changed is no failure of the demo.
            Err(CallError::Status(status)) if status.code() != tonic::Code::Unavailable => {}
            ended => ended?,
        }
    }
}

async fn request(
    client: &Client,
    (user, department): &(String, String),
    model: &str,
    random: &mut StdRng,
) -> Result<(), CallError> {
    let input = random.random_range(INPUT_TOKENS);
    let key = if department.is_empty() { String::new() } else { format!("key-{department}") };
    let check = json!({
        "workspace_id": WORKSPACE,
        "model_id": model,
        "input_token_count": input,
        "max_output_token_count": MOST_OUTPUT_TOKENS,
        "attribution": { "user_id": user, "api_key_id": key },
    });
    let answer = client.call("UsageService/CheckAndRoute", check).await?;
    let granted = answer["model_id"].as_str().unwrap_or_default();
    if granted.is_empty() {
        return Ok(());
    }
    let latency = random.random_range(LATENCY_MS);
    let record = json!({
        "workspace_id": WORKSPACE,
        "request_id": answer["request_id"],
        "attempt": answer.get("attempt").unwrap_or(&Value::from(0)),
        "model_id": granted,
        "usage": {
            "input_token_count": input,
            "output_token_count": random.random_range(OUTPUT_TOKENS),
        },
        "outcome": "OUTCOME_SUCCESS",
        "latency": format!("{}s", latency as f64 / 1_000.0),
    });
    client.call("UsageService/RecordUsage", record).await?;
    Ok(())
}
