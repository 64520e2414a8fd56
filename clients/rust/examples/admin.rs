//! Sets up a workspace with a plan and a cap, and watches what is spent.
//!
//! `cargo run --example admin WORKSPACE`

use std::env;
use std::error::Error;
use std::time::{Duration, SystemTime};

use rust_decimal::Decimal;
use tollgate_grpc::{Call, Client, Money, Request, Usage, v1};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let workspace = env::args().nth(1).ok_or("name a workspace")?;
    // Patient, as nobody waits for it; a service is better off with the defaults.
    let patience = Duration::from_secs(60);
    let client = Client::builder().timeout(patience).flush_timeout(patience).build()?;
    let done = run(&client, &workspace).await;
    client.close().await;
    done
}

async fn run(client: &Client, workspace: &str) -> Result<(), Box<dyn Error>> {
    set_up(client, workspace).await?;
    let watch = v1::WatchSpendRequest { workspace_id: workspace.to_owned() };
    let mut watched = client.budget().watch_spend(watch).await?.into_inner();
    let now = watched.message().await?.ok_or("nothing to watch")?;
    show(&now.budget.unwrap_or_default())?;

    let request = Request::to(workspace, "gpt-4.1").input_tokens(1000).max_output_tokens(100);
    let block = |call: Call| async move {
        call.set_model(call.model());
        let (input_token_count, output_token_count) = (1000, 100);
        call.record_usage(Usage { input_token_count, output_token_count, ..Usage::default() });
        Ok::<(), String>(())
    };
    client.guard(request, block).await?;
    while let Some(now) = watched.message().await? {
        if show(&now.budget.unwrap_or_default())? > Decimal::ZERO {
            break;
        }
    }
    Ok(())
}

async fn set_up(client: &Client, workspace: &str) -> Result<(), Box<dyn Error>> {
    let created = v1::Workspace {
        workspace_id: workspace.into(),
        currency_code: "USD".into(),
        time_zone: "Europe/Berlin".into(),
        ..Default::default()
    };
    let create = v1::CreateWorkspaceRequest { workspace: Some(created) };
    client.workspace().create_workspace(create).await?;
    // From the first of this month on.
    let today = prost_types::Timestamp::from(SystemTime::now()).to_string();
    let plan = v1::Plan {
        budget: Some(usd(Decimal::from(100))?),
        overage_limit: Some(usd(Decimal::from(10))?),
        start_date: format!("{}-01", &today[.."2026-11".len()]),
    };
    let set = v1::SetPlanRequest { workspace_id: workspace.into(), plan: Some(plan) };
    client.budget().set_plan(set).await?;
    for model in ["gpt-4.1", "gpt-4.1-mini"] {
        let (workspace_id, model_id) = (workspace.into(), model.into());
        let enable = v1::EnableModelRequest { workspace_id, model_id };
        client.model_limit().enable_model(enable).await?;
    }
    let cap = v1::SetModelLimitRequest {
        workspace_id: workspace.into(),
        model_id: "gpt-4.1".into(),
        limit: Some(usd(Decimal::new(5, 3))?),
        fallback_model_ids: vec!["gpt-4.1-mini".into()],
        ..Default::default()
    };
    client.model_limit().set_model_limit(cap).await?;
    Ok(())
}

/// Prints where a budget stands; gives what is spent.
fn show(budget: &v1::Budget) -> Result<Decimal, Box<dyn Error>> {
    let spent = Money::try_from(&budget.spent.clone().unwrap_or_default())?;
    let held = Money::try_from(&budget.held.clone().unwrap_or_default())?;
    let end = budget.cycle_end_time.unwrap_or_default();
    println!("spent {spent}, held {held}, {} days until {end}", budget.days_left);
    Ok(spent.amount)
}

fn usd(amount: Decimal) -> Result<v1::Money, tollgate_grpc::MoneyError> {
    (&Money::new(amount, "USD")).try_into()
}
