//! The panel on the port of the calls: what is served for GET and HEAD, how, and what is not.

use std::collections::HashMap;
use std::io::Read;

use flate2::read::GzDecoder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tollgate::config::{Auth, Config};

use crate::server::Server;

struct Answer {
    status: u16,
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    fn is_page(&self) -> bool {
        self.status == 200
            && self.header("content-type") == "text/html; charset=utf-8"
            && String::from_utf8_lossy(&self.body).contains("<div id=\"root\"></div>")
    }
}

async fn send(server: &Server, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
    if !headers.iter().any(|(name, _)| *name == "host") {
        head.push_str(&format!("host: {}\r\n", server.address));
    }
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(format!("{head}\r\n").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
    let body = answer.split_off(end + 4);
    let head = String::from_utf8(answer).unwrap().to_lowercase();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    let headers = head.lines().skip(1).filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Answer { status, headers, body }
}

async fn get(server: &Server, path: &str) -> Answer {
    send(server, "GET", path, &[]).await
}

/// The script that the page begins with.
async fn script(server: &Server) -> String {
    let page = String::from_utf8(get(server, "/").await.body).unwrap();
    let (_, script) = page.split_once("src=\"").expect("a script");
    script.split('"').next().expect("its address").to_owned()
}

#[tokio::test]
async fn the_page_is_served_at_each_of_its_addresses_with_its_policies() {
    let server = Server::start().await;
    for path in ["/", "/w/acme/limits", "/w/acme/analytics?range=7d", "/index.html"] {
        let answer = get(&server, path).await;
        assert!(answer.is_page(), "{path}: {}", answer.status);
        assert_eq!(answer.header("cache-control"), "no-cache");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin");
        let policy = answer.header("content-security-policy");
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "connect-src 'self'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
        ] {
            assert!(policy.contains(part), "{part}: {policy}");
        }
    }
}

#[tokio::test]
async fn a_page_that_is_known_is_not_sent_again() {
    let server = Server::start().await;
    let etag = get(&server, "/").await.header("etag").to_owned();
    assert!(etag.starts_with('"'), "{etag}");
    let weak = format!("\"other\", W/{etag}");
    for known in [etag.as_str(), weak.as_str(), "*"] {
        let answer = send(&server, "GET", "/", &[("if-none-match", known)]).await;
        assert_eq!((answer.status, answer.body.len()), (304, 0), "{known}");
        assert_eq!(answer.header("etag"), etag);
    }
    assert!(send(&server, "GET", "/", &[("if-none-match", "\"other\"")]).await.is_page());
}

#[tokio::test]
async fn assets_are_kept_for_ever_and_sent_as_the_browser_can_read_them() {
    let server = Server::start().await;
    let script = script(&server).await;
    assert!(script.starts_with("/assets/"), "{script}");
    let plain = get(&server, &script).await;
    assert_eq!(plain.status, 200);
    assert_eq!(plain.header("content-type"), "text/javascript; charset=utf-8");
    assert_eq!(plain.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(plain.header("content-encoding"), "");
    let packed = send(&server, "GET", &script, &[("accept-encoding", "gzip, br")]).await;
    assert_eq!(packed.header("content-encoding"), "gzip");
    assert_eq!(packed.header("vary"), "accept-encoding");
    assert!(packed.body.len() < plain.body.len() / 2, "{}", packed.body.len());
    let mut unpacked = Vec::new();
    GzDecoder::new(&*packed.body).read_to_end(&mut unpacked).unwrap();
    assert_eq!(unpacked, plain.body);
    let head = send(&server, "HEAD", &script, &[("accept-encoding", "gzip")]).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), packed.body.len().to_string());
}

#[tokio::test]
async fn what_is_no_file_is_not_found_and_what_is_no_call_is_unimplemented() {
    let server = Server::start().await;
    for path in [
        "/nope.js",
        "/assets/nope.css",
        "/tollgate.v1.UsageService/CheckAndRoute",
        "/tollgate.v1.No/Such",
        "/../Cargo.toml",
        "/.env",
        "/w/acme/limits.html",
    ] {
        let answer = get(&server, path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.header("content-type").starts_with("text/plain"), "{path}");
    }
    for path in ["/tollgate.v1.No/Such", "/tollgate.v1.UsageService/No", "/", "/w/acme/limits"] {
        let web = [("content-type", "application/grpc-web+proto"), ("content-length", "0")];
        let answer = send(&server, "POST", path, &web).await;
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(!answer.is_page(), "{path}: {body}");
        let status = format!("grpc-status:{}{body}", answer.header("grpc-status"));
        assert!(status.contains("grpc-status:12"), "{path}: {status}");
    }
}

/// Where no credentials are required, a name that an attacker points at this machine is refused.
#[tokio::test]
async fn a_foreign_host_is_refused_for_pages_and_for_calls() {
    let server = Server::start().await;
    for host in ["evil.example", "localhost.evil.example:50051", "10.0.0.1", ""] {
        for path in ["/", "/assets/nope.js"] {
            let answer = send(&server, "GET", path, &[("host", host)]).await;
            assert!(matches!(answer.status, 400 | 403), "{host}{path}: {}", answer.status);
            assert!(!answer.is_page(), "{host}{path}");
        }
    }
    for host in ["localhost:50051", "127.0.0.1:8080", "[::1]"] {
        assert!(send(&server, "GET", "/", &[("host", host)]).await.is_page(), "{host}");
    }
    let web = [
        ("host", "evil.example"),
        ("content-type", "application/grpc-web+proto"),
        ("content-length", "0"),
    ];
    let answer = send(&server, "POST", "/tollgate.v1.AccessService/WhoAmI", &web).await;
    assert_eq!(answer.header("grpc-status"), "7");
    let foreign = [("origin", "https://evil.example")];
    assert_eq!(send(&server, "GET", "/", &foreign).await.status, 403);
}

#[tokio::test]
async fn the_page_needs_no_token_and_its_calls_do() {
    let config = Config { auth: Auth::Required, ..Config::default() };
    let server = Server::start_with(config).await;
    assert!(get(&server, "/").await.is_page());
    // Its host may be any: without a token nothing is answered.
    assert!(send(&server, "GET", "/", &[("host", "gate.example.com")]).await.is_page());
    let web = [("content-type", "application/grpc-web+proto"), ("content-length", "0")];
    let answer = send(&server, "POST", "/tollgate.v1.AccessService/WhoAmI", &web).await;
    assert_eq!(answer.header("grpc-status"), "16");
}
