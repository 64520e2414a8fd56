//! gRPC-Web over HTTP/1.1, as a browser speaks it, and who may.

use prost::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tollgate::config::Config;
use tollgate::proto::v1;

use crate::fixtures::{check, set_up};
use crate::server::Server;

/// Header of a frame: flags and length.
const FRAME_HEADER_BYTES: usize = 5;

/// Sends one request and reads all of the answer: its head and its body.
async fn send(server: &Server, head: &str, body: &[u8]) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "{head}\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        server.address,
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
    let body = answer.split_off(end + 4);
    (String::from_utf8(answer).unwrap().to_lowercase(), body)
}

fn call(origin: Option<&str>) -> (String, Vec<u8>) {
    let message = check("r-1", "big").encode_to_vec();
    let mut body = vec![0];
    body.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
    body.extend(message);
    let origin = origin.map_or_else(String::new, |origin| format!("\r\nOrigin: {origin}"));
    let head = format!(
        "POST /tollgate.v1.UsageService/CheckAndRoute HTTP/1.1\r\n\
         Content-Type: application/grpc-web+proto\r\nX-Grpc-Web: 1{origin}"
    );
    (head, body)
}

fn preflight(origin: &str) -> String {
    format!(
        "OPTIONS /tollgate.v1.UsageService/CheckAndRoute HTTP/1.1\r\nOrigin: {origin}\r\n\
         Access-Control-Request-Method: POST\r\n\
         Access-Control-Request-Headers: content-type,x-grpc-web"
    )
}

/// The data of a body in chunks.
fn dechunk(mut body: &[u8]) -> Vec<u8> {
    let mut data = Vec::new();
    loop {
        let line = body.windows(2).position(|window| window == b"\r\n").expect("a chunk");
        let size = std::str::from_utf8(&body[..line]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            return data;
        }
        data.extend(&body[line + 2..line + 2 + size]);
        body = &body[line + 2 + size + 2..];
    }
}

#[tokio::test]
async fn a_browser_can_call() {
    let server = Server::start().await;
    set_up(&server).await;
    let (head, body) = call(None);
    let (head, body) = send(&server, &head, &body).await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(head.contains("content-type: application/grpc-web+proto"), "{head}");
    let body = dechunk(&body);
    let length = u32::from_be_bytes(body[1..FRAME_HEADER_BYTES].try_into().unwrap()) as usize;
    let message = &body[FRAME_HEADER_BYTES..FRAME_HEADER_BYTES + length];
    let answer = v1::CheckAndRouteResponse::decode(message).unwrap();
    assert_eq!(answer.decision(), v1::Decision::Allowed);
    let trailers = String::from_utf8_lossy(&body[FRAME_HEADER_BYTES + length..]);
    assert!(trailers.contains("grpc-status:0"), "{trailers}");
}

#[tokio::test]
async fn no_origin_is_allowed_unless_it_is_configured() {
    let server = Server::start().await;
    set_up(&server).await;
    let origin = "https://panel.example.com";
    let (head, body) = call(Some(origin));
    for (head, body) in [(preflight(origin), Vec::new()), (head, body)] {
        let (head, _) = send(&server, &head, &body).await;
        assert!(!head.contains("access-control-allow-origin"), "{head}");
    }
}

#[tokio::test]
async fn configured_origins_are_allowed_and_no_others() {
    let origin = "https://panel.example.com";
    let config = Config { cors_allowed_origins: vec![origin.to_owned()], ..Default::default() };
    let server = Server::start_with(config).await;
    set_up(&server).await;
    let (head, _) = send(&server, &preflight(origin), &[]).await;
    assert!(head.contains(&format!("access-control-allow-origin: {origin}")), "{head}");
    assert!(head.contains("access-control-allow-headers:"), "{head}");
    assert!(head.contains("tollgate-actor"), "{head}");
    let (head, body) = call(Some(origin));
    let (head, _) = send(&server, &head, &body).await;
    assert!(head.contains(&format!("access-control-allow-origin: {origin}")), "{head}");
    assert!(head.contains("grpc-status"), "{head}");
    let (head, _) = send(&server, &preflight("https://evil.example.com"), &[]).await;
    assert!(!head.contains("access-control-allow-origin"), "{head}");
}

/// Of a call and of a stream: the fault is the caller's.
#[tokio::test]
async fn bytes_that_are_no_message_are_an_invalid_argument() {
    let server = Server::start().await;
    set_up(&server).await;
    for method in ["CheckAndRoute", "RecordUsage", "CheckAndRouteStream"] {
        let head = format!(
            "POST /tollgate.v1.UsageService/{method} HTTP/1.1\r\n\
             Content-Type: application/grpc-web+proto\r\nX-Grpc-Web: 1"
        );
        // A frame of three bytes: a field of ten, of which one is there.
        let (head, body) = send(&server, &head, &[0, 0, 0, 0, 3, 0x0a, 10, b'a']).await;
        assert!(head.starts_with("http/1.1 200"), "{head}");
        let answer = format!("{head}{}", String::from_utf8_lossy(&body)).replace(": ", ":");
        assert!(answer.contains("grpc-status:3"), "{method}: {answer}");
    }
    let budget = crate::fixtures::get_budget(&server).await;
    assert_eq!(crate::fixtures::amount(&budget.held), "0.00");
}
