//! One LLM call behind Tollgate.
//!
//! `TOLLGATE_ADDRESS` names the server; `OPENAI_API_KEY` and `OPENAI_BASE_URL` are those of the
//! provider. `cargo run --example basic WORKSPACE`

use std::env;
use std::error::Error;
use std::time::Duration;

use serde_json::{Value, json};
use tollgate_grpc::{Call, Client, GuardError, Request};

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
    let question = "Why is the sky blue?";
    let request = Request::to(workspace, "gpt-4.1")
        .prompt(question)
        .max_output_tokens(500)
        .user("ada")
        .wait(true);
    let guarded = client.guard(request, |call: Call| async move {
        let answer = ask(call.model(), question).await?;
        call.record(&answer);
        Ok::<_, reqwest::Error>((answer, call))
    });
    let (answer, call) = match guarded.await {
        Ok(done) => done,
        Err(GuardError::Blocked(blocked)) => {
            println!("{blocked}");
            return Ok(());
        }
        Err(other) => return Err(other.into()),
    };
    let recorded = call.recorded().ok_or("nothing was recorded")?;
    println!("{}", answer["choices"][0]["message"]["content"].as_str().unwrap_or_default());
    println!("{} cost {}", call.model(), recorded.cost);
    Ok(())
}

async fn ask(model: &str, question: &str) -> Result<Value, reqwest::Error> {
    let url = env::var("OPENAI_BASE_URL").unwrap_or_else(|_| "https://api.openai.com/v1".into());
    let body = json!({
        "model": model,
        "messages": [{"role": "user", "content": question}],
        "max_completion_tokens": 500,
    });
    reqwest::Client::new()
        .post(format!("{url}/chat/completions"))
        .bearer_auth(env::var("OPENAI_API_KEY").unwrap_or_default())
        .json(&body)
        .send()
        .await?
        .error_for_status()?
        .json()
        .await
}
