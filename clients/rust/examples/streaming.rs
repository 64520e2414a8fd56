//! A stream behind Tollgate, read to its end, and one that is cut after two words: what had come
//! by then is recorded as cancelled.
//!
//! `cargo run --example streaming WORKSPACE`

use std::env;
use std::error::Error;
use std::io::{Write, stdout};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;
use tollgate_grpc::{Call, Client, GuardError, Request};

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let workspace = env::args().nth(1).ok_or("name a workspace")?;
    // Patient, as nobody waits for it; a service is better off with the defaults.
    let patience = Duration::from_secs(60);
    let client = Client::builder().timeout(patience).flush_timeout(patience).build()?;
    let done = run(&client, &workspace).await;
    client.close().await;
    done
}

async fn run(client: &Client, workspace: &str) -> Result<(), Failure> {
    let (say, mut words) = mpsc::channel(1);
    let whole = tokio::spawn(story(client.clone(), workspace.to_owned(), say));
    while let Some(word) = words.recv().await {
        print!("{word}");
        stdout().flush()?;
    }
    println!();
    whole.await??;

    let (say, mut words) = mpsc::channel(1);
    let cut = tokio::spawn(story(client.clone(), workspace.to_owned(), say));
    let heard = [words.recv().await, words.recv().await];
    cut.abort();
    println!("cut after: {:?}", heard.map(Option::unwrap_or_default));
    let _ = cut.await;
    Ok(())
}

/// Tells a story word by word.
async fn story(
    client: Client,
    workspace: String,
    say: mpsc::Sender<String>,
) -> Result<(), GuardError<Failure>> {
    let request = Request::to(workspace, "gpt-4.1").prompt("Tell a story").user("ada");
    let block = |call: Call| async move {
        let mut answer = ask(call.model(), "Tell a story").await?;
        let mut unread = Vec::new();
        while let Some(bytes) = answer.chunk().await? {
            unread.extend(bytes);
            while let Some(end) = unread.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = unread.drain(..=end).collect();
                let Some(data) = line.strip_prefix(b"data: {") else { continue };
                let event: Value = serde_json::from_slice(&[b"{", data].concat())?;
                call.record(&event);
                if let Some(word) = event["choices"][0]["delta"]["content"].as_str() {
                    call.push_output_text(word);
                    say.send(word.to_owned()).await?;
                }
            }
        }
        Ok(())
    };
    client.guard(request, block).await
}

async fn ask(model: &str, question: &str) -> Result<reqwest::Response, reqwest::Error> {
    let url = env::var("OPENAI_BASE_URL").unwrap_or_else(|_| "https://api.openai.com/v1".into());
    let body = json!({
        "model": model,
        "messages": [{"role": "user", "content": question}],
        "stream": true,
        "stream_options": {"include_usage": true},
    });
    let request = reqwest::Client::new()
        .post(format!("{url}/chat/completions"))
        .bearer_auth(env::var("OPENAI_API_KEY").unwrap_or_default());
    request.json(&body).send().await?.error_for_status()
}
