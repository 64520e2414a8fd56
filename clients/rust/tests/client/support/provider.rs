//! A fake of the chat completions of `OpenAI`, with usage in the shape that it documents.

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

pub const WORDS: [&str; 4] = ["Tollgate ", "keeps ", "spend ", "inside."];

/// Serves on a free port of loopback until the test's runtime ends; gives its address.
pub async fn start() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream));
        }
    });
    url
}

/// Answers one request; whoever goes away meanwhile is what some tests are about.
async fn answer(stream: TcpStream) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let line = line.trim_end().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    let body: Value = serde_json::from_slice(&body).unwrap();
    let model = format!("{}-2025-04-14", body["model"].as_str().unwrap());
    let head = json!({"id": "chatcmpl-1", "model": model, "service_tier": "default"});
    let (kind, text) = if body["stream"] == true {
        ("text/event-stream", events(&head))
    } else {
        let message = json!({"role": "assistant", "content": WORDS.concat()});
        let mut whole = head;
        whole["object"] = json!("chat.completion");
        whole["choices"] = json!([{"index": 0, "message": message, "finish_reason": "stop"}]);
        whole["usage"] = usage();
        ("application/json", whole.to_string())
    };
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\nconnection: close\r\n\r\n");
    stream.write_all(format!("{head}{text}").as_bytes()).await?;
    stream.shutdown().await
}

fn events(head: &Value) -> String {
    let mut text = String::new();
    let mut event = head.clone();
    event["object"] = json!("chat.completion.chunk");
    event["usage"] = Value::Null;
    for word in WORDS {
        event["choices"] = json!([{"index": 0, "delta": {"content": word}}]);
        text = text + "data: " + &event.to_string() + "\n\n";
    }
    event["choices"] = json!([]);
    event["usage"] = usage();
    text + "data: " + &event.to_string() + "\n\ndata: [DONE]\n\n"
}

fn usage() -> Value {
    json!({
        "prompt_tokens": 1000, "completion_tokens": 200, "total_tokens": 1200,
        "prompt_tokens_details": {"cached_tokens": 400},
        "completion_tokens_details": {"reasoning_tokens": 50},
    })
}
