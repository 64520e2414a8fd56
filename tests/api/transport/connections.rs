//! Connections are bounded in number, silence and age, and those that are in order go on.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tollgate::config::Config;
use tollgate::limits::Limits;
use tollgate::proto::v1;
use tonic::transport::Endpoint;

use crate::fixtures::{ACME, check, get_budget, record, set_up};
use crate::server::Server;

/// How a client of HTTP/2 begins, with settings that are those of the protocol.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
/// Type of the frame that ends a connection.
const GOAWAY: u8 = 7;
const SHORT: Duration = Duration::from_millis(400);
/// How long what must happen may take.
const PATIENCE: Duration = Duration::from_secs(20);

async fn start(limits: Limits) -> Server {
    let server = Server::start_with(Config { limits, ..Config::default() }).await;
    set_up(&server).await;
    server
}

async fn connect(server: &Server, begin: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(begin).await.unwrap();
    stream
}

/// What is received until the end.
async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut received = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut received)).await;
    // A connection that is reset has ended, too.
    let _ = read.expect("it ends");
    received
}

/// The types of the frames in it.
fn frames(mut received: &[u8]) -> Vec<u8> {
    let mut types = Vec::new();
    while let [a, b, c, kind, ..] = *received {
        types.push(kind);
        let length = u32::from_be_bytes([0, a, b, c]) as usize;
        received = received.get(9 + length..).unwrap_or_default();
    }
    types
}

#[tokio::test]
async fn a_connection_that_does_not_say_what_it_speaks_is_closed() {
    let server = start(Limits { preface_wait: SHORT, ..Limits::default() }).await;
    for begin in [&b""[..], b"PRI * HTTP/2.0\r\n", b"P"] {
        let mut stream = connect(&server, begin).await;
        assert!(timeout(SHORT / 4, stream.read_u8()).await.is_err(), "not at once");
        assert_eq!(rest(&mut stream).await, b"", "{begin:?}");
    }
    let mut web = connect(&server, b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    let mut answer = [0; 8];
    web.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, *b"HTTP/1.1");
    // One that has said it may be silent.
    let mut silent = connect(&server, PREFACE).await;
    tokio::time::sleep(2 * SHORT).await;
    assert_eq!(
        frames(&{
            let mut settings = vec![0; 256];
            let count = silent.read(&mut settings).await.unwrap();
            settings.truncate(count);
            settings
        })[0],
        4
    );
    get_budget(&server).await;
}

#[tokio::test]
async fn connections_beyond_those_of_an_address_are_refused_and_others_go_on() {
    for limits in [
        Limits { connections_per_address_max: 3, ..Limits::default() },
        Limits { connections_max: 3, ..Limits::default() },
    ] {
        let server = start(limits).await;
        let mut held = vec![connect(&server, PREFACE).await, connect(&server, PREFACE).await];
        // Each has been taken once it has answered.
        for stream in &mut held {
            stream.read_u8().await.unwrap();
        }
        for _ in 0..5 {
            let mut refused = TcpStream::connect(server.address).await.unwrap();
            assert_eq!(rest(&mut refused).await, b"");
            get_budget(&server).await;
        }
        held.pop();
        let mut next = connect(&server, PREFACE).await;
        while timeout(PATIENCE, next.read_u8()).await.unwrap().is_err() {
            next = connect(&server, PREFACE).await;
        }
        server.usage().check_and_route(check("r-1", "big")).await.unwrap();
    }
}

#[tokio::test]
async fn a_connection_without_a_call_is_told_to_go() {
    let server = start(Limits { connection_idle: SHORT, ..Limits::default() }).await;
    let request = v1::WatchSpendRequest { workspace_id: ACME.to_owned() };
    let mut watch = server.budget().watch_spend(request).await.unwrap().into_inner();
    watch.message().await.unwrap().unwrap();
    let mut idle = connect(&server, PREFACE).await;
    // It does not answer, either.
    let received = rest(&mut idle).await;
    assert!(frames(&received).contains(&GOAWAY), "{received:?}");
    tokio::time::sleep(2 * SHORT).await;
    // A stream is a call, and a client connects anew where it has to.
    let other = Endpoint::from_shared(format!("http://{}", server.address)).unwrap();
    let mut usage = v1::usage_service_client::UsageServiceClient::new(other.connect_lazy());
    for index in 0..3 {
        usage.record_usage(record(&format!("r-{index}"), "small")).await.unwrap();
        watch.message().await.unwrap().unwrap();
        tokio::time::sleep(2 * SHORT).await;
    }
}

#[tokio::test]
async fn an_old_connection_is_told_to_go_unless_it_has_calls() {
    let server = start(Limits { connection_age: SHORT, ..Limits::default() }).await;
    let request = v1::WatchSpendRequest { workspace_id: ACME.to_owned() };
    let mut watch = server.budget().watch_spend(request).await.unwrap().into_inner();
    watch.message().await.unwrap().unwrap();
    let mut old = connect(&server, PREFACE).await;
    let received = rest(&mut old).await;
    assert!(frames(&received).contains(&GOAWAY), "{received:?}");
    for index in 0..20 {
        server.usage().record_usage(record(&format!("r-{index}"), "small")).await.unwrap();
        watch.message().await.unwrap().unwrap();
        tokio::time::sleep(SHORT / 8).await;
    }
}
