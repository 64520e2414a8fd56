//! What happens where the server cannot be reached, and where a record can be none.

use std::time::{Duration, Instant};

use tollgate_grpc::{
    Call, Client, ConnectError, GuardError, Policy, Request, UnitKind, Usage, UsageUnit,
};
use tonic::Code;

use crate::support::{LONG, NOWHERE, Server, flushed, log_is_kept, logged, request};

const SECOND: Duration = Duration::from_secs(1);

/// Runs a guard that records something, and says whether it ran unchecked.
async fn is_unchecked(client: &Client, request: Request) -> Result<bool, GuardError<String>> {
    let block = |call: Call| async move {
        call.record_usage(Usage { input_token_count: 1, ..Usage::default() });
        Ok(call.unchecked())
    };
    client.guard(request, block).await
}

async fn is_found_again(client: &Client) {
    let begin = Instant::now();
    while is_unchecked(client, request("acme")).await.unwrap() {
        assert!(begin.elapsed() < LONG);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn while_a_server_hangs_one_call_waits_and_it_is_found_again() {
    let mut server = Server::start().await;
    let _workspace = server.workspace("acme").await;
    let builder = || Client::builder().address(&server.address).timeout(SECOND);
    let client = builder().build().unwrap();
    let patient = builder().break_duration(Duration::from_secs(60)).build().unwrap();
    for client in [&client, &patient] {
        client.ready(LONG).await.unwrap();
        is_found_again(client).await;
        flushed(client).await;
    }
    server.hang(true);
    assert!(is_unchecked(&patient, request("acme")).await.unwrap());
    let begin = Instant::now();
    for _ in 0..50 {
        assert!(is_unchecked(&patient, request("acme")).await.unwrap());
    }
    for request in [request("acme").on_unavailable(Policy::Closed), request("acme").wait(true)] {
        let error = is_unchecked(&patient, request).await.unwrap_err();
        let GuardError::Unavailable(status) = error else { panic!("{error:?}") };
        assert!(status.message().contains("earlier call"), "{status}");
    }
    assert!(begin.elapsed() < SECOND, "each would have waited as long as that");
    assert!(is_unchecked(&client, request("acme")).await.unwrap());
    server.hang(false);
    is_found_again(&client).await;
    server.kill();
    assert!(is_unchecked(&client, request("acme")).await.unwrap());
    server.start_again().await;
    is_found_again(&client).await;
    flushed(&client).await;
    flushed(&patient).await;
}

#[tokio::test]
async fn who_never_reached_a_server_says_so_loudly() {
    log_is_kept();
    let client = Client::new(NOWHERE).unwrap();
    for _ in 0..5 {
        assert!(is_unchecked(&client, request("acme")).await.unwrap());
    }
    assert!(logged(&format!(
        "ERROR tollgate_grpc::breaker: tollgate has NEVER answered at {NOWHERE}"
    )));
    client.close_within(Duration::ZERO).await;

    let mut server = Server::start().await;
    let client = server.client();
    client.ready(LONG).await.unwrap();
    server.kill();
    assert!(is_unchecked(&client, request("acme")).await.unwrap());
    assert!(!logged(&format!("NEVER answered at {}", server.address)));
    client.close_within(Duration::ZERO).await;
}

#[tokio::test]
async fn ready_lets_a_program_fail_at_its_start() {
    let client = Client::new(NOWHERE).unwrap();
    let (begin, wait) = (Instant::now(), Duration::from_millis(300));
    let error = client.ready(wait).await.unwrap_err();
    assert!(matches!(error, GuardError::Unavailable(_)), "{error:?}");
    let text = error.to_string();
    assert!(text.contains(&format!("does not answer: at {NOWHERE} within 300ms")), "{text}");
    assert!(begin.elapsed() >= wait);
}

#[tokio::test]
async fn what_cannot_be_dialled_is_refused_at_once() {
    for address in ["ftp://127.0.0.1:1", "http://user:secret@127.0.0.1:1", "127.0.0.1:port"] {
        let refused = Client::new(address).unwrap_err();
        assert!(matches!(refused, ConnectError::Address(_)), "{refused:?}");
        assert!(!format!("{refused} {refused:?}").contains("secret"), "{refused:?}");
    }
    let refused = Client::builder().break_duration(LONG * 2).build().unwrap_err();
    assert!(matches!(refused, ConnectError::BreakDuration), "{refused:?}");
}

#[tokio::test]
async fn a_count_that_can_be_none_is_refused_and_counted() {
    log_is_kept();
    let server = Server::start().await;
    let (workspace, client) = (server.workspace("acme").await, server.client());
    let image = |count| UsageUnit { kind: UnitKind::Image.into(), count };
    let absurd = [
        Usage { input_token_count: -1, ..Usage::default() },
        Usage { output_token_count: (1 << 53) + 1, ..Usage::default() },
        Usage { image_output_token_count: i64::MAX, ..Usage::default() },
        Usage { units: vec![image(-1)], ..Usage::default() },
        // What the server refuses counts alike.
        Usage { input_token_count: 1_000_000_000_000, ..Usage::default() },
    ];
    for usage in absurd {
        for wait in [false, true] {
            let block = |call: Call| {
                call.record_usage(usage.clone());
                async move { Ok::<_, String>(call.request_id().to_owned()) }
            };
            match client.guard(request("acme").wait(wait), block).await {
                Ok(_) => assert!(!wait),
                Err(GuardError::Rpc(status)) => {
                    assert!(wait);
                    assert_eq!(status.code(), Code::InvalidArgument);
                }
                Err(error) => panic!("{error:?}"),
            }
        }
    }
    flushed(&client).await;
    assert!(logged("expected a whole number from 0 to 2^53"));
    assert_eq!((client.stats().delivered, client.stats().refused), (0, 10));
    assert!(workspace.spent().await.is_zero());
}
