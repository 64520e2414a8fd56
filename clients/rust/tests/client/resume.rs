//! Calls whose provider answers later, against the real server.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use tollgate_grpc::{Call, Client, GuardError, Outcome, Resume, v1};

use crate::support::{COST, Server, USED, flushed, request};

fn response(status: &str) -> Value {
    json!({
        "id": "resp_1", "object": "response", "status": status, "background": true,
        "model": "gpt-4.1", "output": [], "usage": null,
    })
}

fn completed() -> Value {
    let mut answer = response("completed");
    answer["usage"] = json!({"input_tokens": 1000, "output_tokens": 100});
    answer
}

async fn live_holds(client: &Client) -> Vec<v1::Hold> {
    let list = v1::ListHoldsRequest {
        workspace_id: "acme".into(),
        state: v1::HoldState::Live.into(),
        ..Default::default()
    };
    client.usage().list_holds(list).await.unwrap().into_inner().holds
}

/// Begins a call whose answer is awaited.
async fn begin(client: &Client, id: &str) {
    let block = |call: Call| async move {
        let _ = call.model();
        call.record(&response("queued"));
        Ok::<(), String>(())
    };
    client.guard(request("acme").request_id(id), block).await.unwrap();
    flushed(client).await;
}

/// Resumes a call, records an answer, and returns `result`.
async fn resume(
    client: &Client,
    id: &str,
    answer: Value,
    result: Result<(), String>,
) -> Result<(), GuardError<String>> {
    let block = |call: Call| async move {
        call.record(&answer);
        result
    };
    let ended = client.resume(Resume::of("acme", id), block).await;
    flushed(client).await;
    ended
}

#[tokio::test]
async fn an_answer_that_comes_later_is_recorded_once() {
    let server = Server::start().await;
    let (workspace, client) = (server.workspace("acme").await, server.client());
    begin(&client, "job").await;
    assert_eq!(workspace.records().await.len(), 0);
    let hold = live_holds(&client).await.remove(0);
    let end: SystemTime = hold.expire_time.unwrap().try_into().unwrap();
    assert!(end > SystemTime::now() + Duration::from_secs(23 * 3600), "{end:?}");

    let other = server.client();
    resume(&other, "job", response("in_progress"), Ok(())).await.unwrap();
    let lost = json!("Service temporarily unavailable");
    for answer in [response("in_progress"), Value::Null, lost] {
        let failed = resume(&other, "job", answer, Err("down".into())).await;
        assert!(matches!(failed, Err(GuardError::Block(error)) if error == "down"));
    }
    drop(other.open_resumed(Resume::of("acme", "job")).await.unwrap());
    flushed(&other).await;
    assert_eq!((workspace.records().await.len(), live_holds(&client).await.len()), (0, 1));

    for client in [&client, &other, &other] {
        resume(client, "job", completed(), Ok(())).await.unwrap();
        assert_eq!(client.stats().refused, 0);
    }
    let records = workspace.records().await;
    let [record] = &records[..] else { panic!("{records:?}") };
    assert_eq!((&*record.request_id, record.usage.clone()), ("job", Some(USED)));
    assert_eq!((workspace.spent().await, workspace.holds().await), (COST, 0));
}

#[tokio::test]
async fn resume_knows_the_model_and_the_attempt_of_the_hold() {
    let server = Server::start().await;
    let (workspace, client) = (server.workspace("acme").await, server.client());
    let block = |call: Call| async move {
        assert_eq!(call.attempt(), 0);
        call.record_usage(USED);
        Ok::<(), String>(())
    };
    client.guard(request("acme").request_id("again"), block).await.unwrap();
    flushed(&client).await;
    begin(&client, "again").await;
    let open = client.open_resumed(Resume::of("acme", "again").wait(true)).await.unwrap();
    let call = open.call().clone();
    assert_eq!((call.model(), call.attempt()), ("gpt-4.1", 1));
    assert!(call.held().is_some() && call.expire_time().is_some() && !call.unchecked());
    call.record(&json!({"usage": {"input_tokens": 10, "output_tokens": 5}}));
    open.finish(Outcome::Success).await.unwrap();
    assert_eq!(call.recorded().unwrap().attempt, 1);
    assert_eq!((workspace.records().await.len(), workspace.holds().await), (2, 0));
}

#[tokio::test]
async fn a_hold_is_kept_alive_while_its_answer_is_awaited() {
    let server = Server::start().await;
    let (workspace, client) = (server.workspace("acme").await, server.client());
    let block = |call: Call| {
        let client = client.clone();
        async move {
            let _ = call.model();
            call.record(&response("queued"));
            tokio::time::sleep(Duration::from_secs(4)).await;
            assert_eq!(live_holds(&client).await.len(), 1);
            call.record(&completed());
            Ok::<(), String>(())
        }
    };
    client.guard(request("acme").hold(Duration::from_secs(2)), block).await.unwrap();
    flushed(&client).await;
    assert_eq!(workspace.records().await[0].usage, Some(USED));
    assert_eq!(workspace.holds().await, 0);
}

#[tokio::test]
async fn what_the_provider_says_of_the_end_counts() {
    let server = Server::start().await;
    let (workspace, client) = (server.workspace("acme").await, server.client());
    for (status, outcome) in [("failed", Outcome::Error), ("cancelled", Outcome::Cancelled)] {
        begin(&client, status).await;
        resume(&client, status, response(status), Ok(())).await.unwrap();
        let records = workspace.records().await;
        let record = records.iter().find(|record| record.request_id == status).unwrap();
        assert_eq!(record.outcome(), outcome);
        assert_eq!(record.cost.as_ref().unwrap().amount, "0.00");
    }
    assert_eq!(workspace.holds().await, 0);
}

/// The first event of a stream is in progress, too, but its answer cannot be polled.
#[tokio::test]
async fn a_stream_that_is_cut_is_no_promise() {
    let server = Server::start().await;
    let (workspace, client) = (server.workspace("acme").await, server.client());
    let open = client.open(request("acme")).await.unwrap();
    let mut created = response("in_progress");
    created["background"] = false.into();
    open.call().record(&json!({"type": "response.created", "response": created}));
    drop(open);
    flushed(&client).await;
    assert_eq!(workspace.records().await[0].outcome(), Outcome::Cancelled);
    assert_eq!(workspace.holds().await, 0);
}
