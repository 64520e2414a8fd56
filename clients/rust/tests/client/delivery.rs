//! What is recorded arrives exactly once: through outages, full queues and files.

use std::fs;
use std::io::Write;
use std::time::{Duration, Instant};

use rust_decimal::Decimal;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tollgate_grpc::{Call, Client, ClientBuilder, ConnectError, GuardError, Policy, Usage};

use crate::support::{
    COST, LONG, NOWHERE, Server, USED, flushed, log_is_kept, logged, request, run,
};

fn of(server: &Server) -> ClientBuilder {
    Client::builder().address(&server.address).timeout(LONG)
}

#[tokio::test]
async fn open_runs_and_delivers_later_exactly_once() {
    let mut server = Server::start().await;
    let (workspace, client) = (server.workspace("acme").await, server.client());
    let block = |call: Call| {
        server.kill();
        async move {
            call.set_model(call.model());
            call.record_usage(USED);
            Ok::<(), String>(())
        }
    };
    client.guard(request("acme").request_id("cut off"), block).await.unwrap();
    let block = |call: Call| async move {
        assert!(call.unchecked() && call.decision().is_none() && call.held().is_none());
        assert_eq!(call.model(), "gpt-4.1");
        call.extend(Duration::from_secs(1_200)).await.unwrap();
        call.record_usage(USED);
        Ok::<(), String>(())
    };
    client.guard(request("acme").user("ada").request_id("unseen"), block).await.unwrap();
    assert_eq!(client.flush(Duration::from_millis(200)).await, 2);
    assert_eq!((client.stats().queued, client.stats().delivered), (2, 0));
    server.start_again().await;
    flushed(&client).await;
    assert_eq!((client.stats().queued, client.stats().delivered), (0, 2));
    let records = workspace.records().await;
    assert_eq!(records.len(), 2);
    let unseen = records.iter().find(|record| record.request_id == "unseen").unwrap();
    assert_eq!(unseen.attribution.as_ref().unwrap().user_id, "ada");
    assert_eq!(workspace.spent().await, COST * Decimal::TWO);
}

#[tokio::test]
async fn closed_does_not_run() {
    let client = Client::builder().address(NOWHERE).on_unavailable(Policy::Closed);
    let client = client.timeout(LONG).build().unwrap();
    let begin = Instant::now();
    let error = run(&client, request("acme")).await.unwrap_err();
    let GuardError::Unavailable(status) = &error else { panic!("{error:?}") };
    assert!(status.message().contains("refused"), "{status}");
    assert!(error.to_string().starts_with("tollgate does not answer: "), "{error}");
    assert!(begin.elapsed() > Duration::from_millis(140), "it was tried again");
    run(&client, request("acme").on_unavailable(Policy::Open)).await.unwrap();
    assert_eq!(client.stats().queued, 1, "only of the call that ran");
}

#[tokio::test]
async fn a_server_that_hangs_costs_the_deadline() {
    let server = Server::start().await;
    let workspace = server.workspace("acme").await;
    let deadline = Duration::from_millis(500);
    let client = of(&server).timeout(deadline).build().unwrap();
    run(&client, request("acme")).await.unwrap();
    flushed(&client).await;
    server.hang(true);
    let begin = Instant::now();
    run(&client, request("acme")).await.unwrap();
    let elapsed = begin.elapsed();
    // It would never have answered.
    assert!(elapsed >= deadline && elapsed < LONG, "{elapsed:?}");
    server.hang(false);
    flushed(&client).await;
    assert_eq!(workspace.spent().await, COST * Decimal::TWO);
}

#[tokio::test]
async fn wait_fails_if_nobody_answers_and_queues_all_the_same() {
    let client = Client::builder().address(NOWHERE).break_duration(Duration::ZERO);
    let client = client.build().unwrap();
    let error = run(&client, request("w").wait(true)).await.unwrap_err();
    assert!(matches!(error, GuardError::Unavailable(_)), "{error:?}");
    let block = |call: Call| async move {
        let _ = call.model();
        Err::<(), _>("its own")
    };
    let error = client.guard(request("w").wait(true), block).await.unwrap_err();
    assert!(matches!(error, GuardError::Block("its own")), "{error:?}");
    assert_eq!(client.stats().queued, 2);
    let waiting = run(&client, request("w").wait(true).on_unavailable(Policy::Open));
    assert!(tokio::time::timeout(Duration::from_millis(1), waiting).await.is_err());
    assert_eq!(client.close_within(Duration::ZERO).await, client.stats().queued);
}

#[tokio::test]
async fn a_record_that_nobody_waits_for_any_more_is_queued() {
    let server = Server::start().await;
    let (workspace, client) = (server.workspace("acme").await, server.client());
    let (tell, ended) = oneshot::channel();
    let block = |call: Call| {
        server.hang(true);
        async move {
            call.set_model(call.model());
            call.record_usage(USED);
            tell.send(()).unwrap();
            Ok::<(), String>(())
        }
    };
    let waiting = client.guard(request("acme").wait(true), block);
    // It is asked first, and so is on its way with the record before it is given up.
    tokio::select! {
        biased;
        answer = waiting => panic!("{answer:?}"),
        ended = ended => ended.unwrap(),
    }
    assert_eq!(client.stats().queued, 1);
    server.hang(false);
    flushed(&client).await;
    assert_eq!((workspace.records().await.len(), workspace.spent().await), (1, COST));
}

#[tokio::test]
async fn wait_tells_of_a_record_that_is_refused() {
    let server = Server::start().await;
    let _workspace = server.workspace("acme").await;
    let client = server.client();
    let block = |call: Call| async move {
        let _ = call.model();
        call.record_usage(Usage { input_token_count: 1_000_000_000_000, ..Usage::default() });
        Ok::<(), String>(())
    };
    let error = client.guard(request("acme").wait(true), block).await.unwrap_err();
    assert!(matches!(error, GuardError::Rpc(_)), "{error:?}");
    assert_eq!(client.stats().queued, 0, "it would be refused again");
}

#[tokio::test]
async fn a_full_queue_drops_what_comes_last_and_says_so() {
    log_is_kept();
    let client = Client::builder().address(NOWHERE).queue_max(3).build().unwrap();
    for _ in 0..5 {
        run(&client, request("w")).await.unwrap();
    }
    assert_eq!((client.stats().queued, client.stats().dropped), (3, 2));
    assert!(logged("3 are waiting already"));
    assert_eq!(client.close_within(Duration::ZERO).await, 3);
    assert!(logged("3 usage records were not delivered and are lost"));
    run(&client, request("w")).await.unwrap();
    assert_eq!((client.stats().queued, client.stats().dropped), (3, 3), "it is closed");
}

#[tokio::test]
async fn a_refused_record_is_logged_and_not_tried_again() {
    let server = Server::start().await;
    let _workspace = server.workspace("acme").await;
    let client = server.client();
    let block = |call: Call| async move {
        let _ = call.model();
        call.record_usage(Usage { input_token_count: 1_000_000_000_000, ..Usage::default() });
        Ok::<(), String>(())
    };
    client.guard(request("acme").request_id("too-much"), block).await.unwrap();
    run(&client, request("acme")).await.unwrap();
    flushed(&client).await;
    let stats = client.stats();
    assert_eq!((stats.queued, stats.delivered, stats.dropped, stats.refused), (0, 1, 0, 1));
    assert!(logged("the usage record too-much is refused"));
}

#[tokio::test]
async fn a_queue_file_outlives_its_client_and_holds_more_than_memory() {
    let mut server = Server::start().await;
    let workspace = server.workspace("acme").await;
    let path = server.folder.path().join("queue.jsonl");
    let address = server.address.clone();
    let of_file = || Client::builder().address(&address).queue_path(&path).timeout(LONG);
    let client = of_file().queue_max(30).build().unwrap();
    server.kill();
    let mut guards = JoinSet::new();
    for _ in 0..250 {
        let client = client.clone();
        guards.spawn(async move { run(&client, request("acme")).await.unwrap() });
    }
    guards.join_all().await;
    assert_eq!((client.stats().queued, client.stats().dropped), (250, 0));
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 250);

    let error = of_file().build().unwrap_err();
    let ConnectError::QueueFile { cause, .. } = &error else { panic!("{error:?}") };
    assert_eq!(cause.kind(), std::io::ErrorKind::WouldBlock);
    assert!(error.to_string().contains("another client uses it"), "{error}");

    assert_eq!(client.close_within(Duration::ZERO).await, 250);
    // As a process that is killed while it writes.
    let mut file = fs::File::options().append(true).open(&path).unwrap();
    file.write_all(br#"{"workspaceId": "ac"#).unwrap();

    let again = of_file().queue_max(30).build().unwrap();
    assert_eq!(again.stats().queued, 251, "a line is not looked at before its turn");
    run(&again, request("acme")).await.unwrap();
    server.start_again().await;
    for _ in 0..20 {
        run(&again, request("acme")).await.unwrap();
    }
    flushed(&again).await;
    let stats = again.stats();
    assert_eq!((stats.queued, stats.delivered, stats.dropped), (0, 271, 0));
    assert_eq!(fs::read_to_string(&path).unwrap(), "");
    assert_eq!(workspace.spent().await, COST * Decimal::from(271));
    assert_eq!(workspace.records().await.len(), 271);
    assert!(logged("a line of the queue file is not a record"));
}

#[tokio::test]
async fn the_file_of_another_language_is_taken_up() {
    let server = Server::start().await;
    let workspace = server.workspace("acme").await;
    let path = server.folder.path().join("queue.jsonl");
    let line = concat!(
        r#"{"workspaceId": "acme", "requestId": "theirs", "modelId": "gpt-4.1", "#,
        r#""usage": {"inputTokenCount": "1000", "outputTokenCount": "100"}, "#,
        r#""outcome": "OUTCOME_SUCCESS", "usageSource": "USAGE_SOURCE_PROVIDER", "#,
        r#""latency": "0.250s", "attribution": {"userId": "ada"}}"#,
    );
    fs::write(&path, format!("{line}\n")).unwrap();
    let client = of(&server).queue_path(&path).build().unwrap();
    flushed(&client).await;
    let records = workspace.records().await;
    assert_eq!((&*records[0].request_id, records[0].usage.clone()), ("theirs", Some(USED)));
    assert_eq!(client.stats().delivered, 1);
}

#[tokio::test]
async fn a_client_that_is_dropped_delivers_in_the_background_and_frees_its_file() {
    let server = Server::start().await;
    let workspace = server.workspace("acme").await;
    let path = server.folder.path().join("queue.jsonl");
    let client = of(&server).queue_path(&path).build().unwrap();
    for _ in 0..3 {
        run(&client, request("acme")).await.unwrap();
    }
    drop(client);
    let end = Instant::now() + LONG;
    let again = loop {
        match of(&server).queue_path(&path).build() {
            Ok(client) => break client,
            Err(error) => assert!(Instant::now() < end, "{error}"),
        }
        tokio::task::yield_now().await;
    };
    assert_eq!((again.stats().queued, workspace.records().await.len()), (0, 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_guards_in_parallel_spend_exactly() {
    let server = Server::start().await;
    let workspace = server.workspace("acme").await;
    let client = of(&server).timeout(LONG * 5).build().unwrap();
    let mut guards = JoinSet::new();
    for _ in 0..1000 {
        let client = client.clone();
        guards.spawn(async move { run(&client, request("acme")).await.unwrap() });
    }
    guards.join_all().await;
    assert_eq!(client.flush(LONG * 5).await, 0);
    assert_eq!(client.stats().delivered, 1000);
    assert_eq!(workspace.spent().await, COST * Decimal::ONE_THOUSAND);
    assert_eq!(workspace.holds().await, 0);
    assert_eq!(client.close().await, 0);
}
