//! What happens at a cap: a cheaper model answers, and without fallback nobody does.
//!
//! The workspace has a small cap on gpt-4.1, with gpt-4.1-mini behind it.
//! `cargo run --example fallback WORKSPACE`

use std::env;
use std::error::Error;
use std::time::Duration;

use serde_json::{Value, json};
use tollgate_grpc::{Call, Client, GuardError, Request, v1};

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
    let question = format!("Summarise {}", "the report ".repeat(400));
    for enabled in [true, false] {
        let workspace_id = workspace.to_owned();
        let switch = v1::SetAutomaticFallbackRequest { workspace_id, enabled };
        client.budget().set_automatic_fallback(switch).await?;

        let request = Request::to(workspace, "gpt-4.1").prompt(&question).max_output_tokens(500);
        let block = |call: Call| {
            let question = &question;
            async move {
                let answer = ask(call.model(), question).await?;
                call.record(&answer);
                Ok::<_, reqwest::Error>(answer)
            }
        };
        match client.guard(request, block).await {
            Ok(answer) => {
                let model = answer["model"].as_str().unwrap_or_default();
                println!("fallback {enabled}: answered by {model}");
            }
            Err(GuardError::Blocked(blocked)) => {
                println!("fallback {enabled}: {blocked}");
                println!("retry after: {:?}", blocked.retry_after);
            }
            Err(other) => return Err(other.into()),
        }
    }
    Ok(())
}

async fn ask(model: &str, question: &str) -> Result<Value, reqwest::Error> {
    let url = env::var("OPENAI_BASE_URL").unwrap_or_else(|_| "https://api.openai.com/v1".into());
    let body = json!({
        "model": model,
        "messages": [{"role": "user", "content": question}],
        "max_completion_tokens": 500,
    });
    let request = reqwest::Client::new()
        .post(format!("{url}/chat/completions"))
        .bearer_auth(env::var("OPENAI_API_KEY").unwrap_or_default());
    request.json(&body).send().await?.error_for_status()?.json().await
}
