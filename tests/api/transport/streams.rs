//! The two streams: checks in flight, and spend that is watched.

use std::collections::HashSet;

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tollgate::proto::v1;
use tollgate::proto::v1::check_and_route_stream_response::Result as Answer;
use tonic::{Code, Streaming};

use crate::fixtures::{ACME, acme, amount, assert_failed, check, get_budget, record};
use crate::server::Server;

type Sender = mpsc::Sender<v1::CheckAndRouteStreamRequest>;

async fn open(server: &Server) -> (Sender, Streaming<v1::CheckAndRouteStreamResponse>) {
    let (sender, receiver) = mpsc::channel(64);
    let stream = ReceiverStream::new(receiver);
    let answers = server.usage().check_and_route_stream(stream).await.unwrap().into_inner();
    (sender, answers)
}

async fn send(sender: &Sender, check: v1::CheckAndRouteRequest) {
    sender.send(v1::CheckAndRouteStreamRequest { check: Some(check) }).await.unwrap();
}

async fn watch(server: &Server) -> Streaming<v1::WatchSpendResponse> {
    let request = v1::WatchSpendRequest { workspace_id: ACME.to_owned() };
    server.budget().watch_spend(request).await.unwrap().into_inner()
}

async fn update(stream: &mut Streaming<v1::WatchSpendResponse>) -> (i64, v1::Budget) {
    let response = stream.message().await.unwrap().expect("the stream goes on");
    (response.sequence, response.budget.unwrap())
}

#[tokio::test]
async fn many_checks_are_in_flight_and_errors_do_not_end_the_stream() {
    let server = acme().await;
    let (sender, mut answers) = open(&server).await;
    let sending = tokio::spawn(async move {
        for index in 0..500 {
            let mut request = check(&format!("r-{index}"), "small");
            match index % 10 {
                1 => request.input_token_count = -1,
                2 => request.workspace_id = "nobody".to_owned(),
                3 => request.model_id = "unheard-of".to_owned(),
                _ => request.dry_run = true,
            }
            send(&sender, request).await;
        }
        sender.send(v1::CheckAndRouteStreamRequest { check: None }).await.unwrap();
    });
    let mut seen = HashSet::new();
    while let Some(answer) = answers.message().await.unwrap() {
        let tag = answer.request_id.clone();
        let index: Option<usize> = tag.strip_prefix("r-").map(|digits| digits.parse().unwrap());
        match (index.map(|index| index % 10), answer.result.unwrap()) {
            (Some(1), Answer::Error(error)) => {
                assert_eq!((error.code, error.reason()), (3, v1::ErrorReason::InvalidField));
                assert!(error.message.contains("input_token_count"), "{}", error.message);
            }
            (Some(2), Answer::Error(error)) => {
                assert_eq!((error.code, error.reason()), (5, v1::ErrorReason::WorkspaceNotFound));
            }
            (Some(3), Answer::Check(check)) => {
                assert_eq!(check.reason(), v1::Reason::ModelUnknown);
            }
            (Some(_), Answer::Check(check)) => {
                assert_eq!((&check.request_id, amount(&check.held)), (&tag, "0.20"));
            }
            (None, Answer::Error(error)) => assert!(error.message.starts_with("check: ")),
            (index, result) => panic!("{index:?} {result:?}"),
        }
        assert!(seen.insert(tag), "one answer for each");
    }
    // Closing the caller's side ends the stream when everything is answered.
    assert_eq!(seen.len(), 501);
    sending.await.unwrap();
}

#[tokio::test]
async fn a_check_on_the_stream_holds_and_an_id_is_made_for_it() {
    let server = acme().await;
    let (sender, mut answers) = open(&server).await;
    send(&sender, check("", "big")).await;
    let answer = answers.message().await.unwrap().unwrap();
    let Some(Answer::Check(check)) = answer.result else { panic!("{answer:?}") };
    assert_eq!(answer.request_id, check.request_id);
    assert_eq!(uuid::Uuid::parse_str(&check.request_id).unwrap().get_version_num(), 7);
    assert_eq!(amount(&get_budget(&server).await.held), "2.00");
}

#[tokio::test]
async fn a_watch_begins_with_the_state_and_goes_on_with_changes() {
    let server = acme().await;
    let mut stream = watch(&server).await;
    let (first, budget) = update(&mut stream).await;
    assert_eq!(amount(&budget.spent), "0.00");
    server.usage().record_usage(record("r-1", "big")).await.unwrap();
    let (second, budget) = update(&mut stream).await;
    assert!(second > first, "{second} {first}");
    assert_eq!(amount(&budget.spent), "2.00");
    assert_eq!(budget, get_budget(&server).await);
}

#[tokio::test]
async fn a_slow_reader_gets_the_newest_state() {
    let server = acme().await;
    let mut stream = watch(&server).await;
    for index in 0..50 {
        server.usage().record_usage(record(&format!("r-{index}"), "small")).await.unwrap();
    }
    let mut count = 0;
    let mut last = -1;
    loop {
        let (sequence, budget) = update(&mut stream).await;
        assert!(sequence > last, "{sequence} {last}");
        last = sequence;
        count += 1;
        if amount(&budget.spent) == "10.00" {
            break;
        }
    }
    assert!(count < 50, "{count} updates of 50 changes");
}

#[tokio::test]
async fn streams_end_cleanly_when_the_server_stops() {
    let server = acme().await;
    let (sender, mut answers) = open(&server).await;
    send(&sender, check("r-1", "big")).await;
    answers.message().await.unwrap().unwrap();
    let mut spend = watch(&server).await;
    update(&mut spend).await;
    // The callers keep their sides open.
    server.stop().await.unwrap();
    let status = answers.message().await.unwrap_err();
    assert_failed(&status, Code::Unavailable, "STOPPING", &[]);
    let status = spend.message().await.unwrap_err();
    assert_failed(&status, Code::Unavailable, "STOPPING", &[]);
}
