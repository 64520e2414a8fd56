//! Downloads of exports: what a link answers over HTTP, to whom, and for how long.

use prost_types::Timestamp;
use reqwest::header::HeaderMap;
use tollgate::domain::time::MICROS_PER_MINUTE;
use tollgate::proto::v1;
use tollgate::proto::v1::export_usage_request::Content;
use tonic::Code;

use crate::access::{Guarded, with};
use crate::fixtures::{ACME, acme, assert_failed, record, refused_fields};
use crate::server::Server;

const PARQUET: v1::ExportFormat = v1::ExportFormat::Parquet;

fn request(format: v1::ExportFormat) -> v1::CreateExportLinkRequest {
    let records = v1::RecordsExport { range: None };
    let export = v1::ExportUsageRequest {
        workspace_id: String::new(),
        format: format.into(),
        content: Some(Content::Records(records)),
    };
    v1::CreateExportLinkRequest { workspace_id: ACME.to_owned(), export: Some(export) }
}

async fn link(server: &Server) -> v1::CreateExportLinkResponse {
    let request = request(v1::ExportFormat::Csv);
    server.analytics().create_export_link(request).await.unwrap().into_inner()
}

struct Fetched {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Fetched {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

async fn fetch(server: &Server, path: &str) -> Fetched {
    fetch_as(server, reqwest::Method::GET, path, None).await
}

async fn fetch_as(
    server: &Server,
    method: reqwest::Method,
    path: &str,
    host: Option<&str>,
) -> Fetched {
    // Another test may have chosen before.
    drop(rustls::crypto::ring::default_provider().install_default());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("http://{}{path}", server.address);
    let mut request = client.request(method, url);
    if let Some(host) = host {
        request = request.header("host", host);
    }
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    Fetched { status, headers, body: answer.bytes().await.unwrap().to_vec() }
}

/// The same file over gRPC.
async fn export(server: &Server, format: v1::ExportFormat) -> Vec<u8> {
    let export = request(format).export.unwrap();
    let export = v1::ExportUsageRequest { workspace_id: ACME.to_owned(), ..export };
    let mut parts = server.analytics().export_usage(export).await.unwrap().into_inner();
    let mut bytes = Vec::new();
    while let Some(part) = parts.message().await.unwrap() {
        bytes.extend(part.data);
    }
    bytes
}

#[tokio::test]
async fn a_link_is_the_file_of_the_export() {
    let server = acme().await;
    for number in 0..300 {
        server.usage().record_usage(record(&format!("r-{number}"), "small")).await.unwrap();
    }
    let made = link(&server).await;
    let expire_time = made.expire_time.unwrap();
    let five_minutes = server.clock.micros() / 1_000_000 + 300;
    assert_eq!(expire_time, Timestamp { seconds: five_minutes, ..expire_time });
    let fetched = fetch(&server, &made.path).await;
    assert_eq!(fetched.status, 200, "{}", String::from_utf8_lossy(&fetched.body));
    assert_eq!(fetched.body, export(&server, v1::ExportFormat::Csv).await);
    let disposition = "attachment; filename=\"acme-records-2026-02-14-2026-03-15.csv\"";
    assert_eq!(fetched.header("content-disposition"), disposition);
    assert!(fetched.header("content-type").starts_with("text/csv"));
    assert_eq!(fetched.header("cache-control"), "no-store");
    assert_eq!(fetched.header("x-content-type-options"), "nosniff");
    assert_eq!(fetched.header("referrer-policy"), "no-referrer");
    // Again, and its head alone.
    assert_eq!(fetch(&server, &made.path).await.body.len(), fetched.body.len());
    let head = fetch_as(&server, reqwest::Method::HEAD, &made.path, None).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-disposition"), disposition);

    let parquet = server.analytics().create_export_link(request(PARQUET)).await.unwrap();
    let parquet = fetch(&server, &parquet.into_inner().path).await;
    assert!(parquet.body.starts_with(b"PAR1") && parquet.body.ends_with(b"PAR1"));
}

#[tokio::test]
async fn a_link_ends_and_another_one_is_none() {
    let server = acme().await;
    let made = link(&server).await;
    server.clock.advance(5 * MICROS_PER_MINUTE - 1);
    assert_eq!(fetch(&server, &made.path).await.status, 200);
    server.clock.advance(1);
    let late = fetch(&server, &made.path).await;
    assert_eq!(late.status, 404);
    assert_eq!(late.body, b"this link is not valid, or no longer: make another\n");

    let made = link(&server).await;
    let other = link(&server).await;
    let (id, _) = made.path.split_once('.').unwrap();
    let (_, signature) = other.path.split_once('.').unwrap();
    let flipped = if made.path.ends_with('A') { "Q" } else { "A" };
    for path in [
        format!("{id}.{signature}"),
        format!("{id}."),
        id.to_owned(),
        format!("{}{flipped}", &made.path[..made.path.len() - 1]),
        "/exports/".to_owned(),
        "/exports/..%2f..".to_owned(),
    ] {
        assert_eq!(fetch(&server, &path).await.status, 404, "{path}");
    }
    assert_eq!(fetch(&server, &made.path).await.status, 200);
    // A page whose name an attacker points at this machine reaches no file.
    let get = reqwest::Method::GET;
    let foreign = fetch_as(&server, get, &made.path, Some("evil.example")).await;
    assert_eq!(foreign.status, 403);
}

#[tokio::test]
async fn a_link_is_made_by_who_may_export_and_ends_with_the_token() {
    let guarded = Guarded::start().await;
    let server = &guarded.server;
    let make = async |secret: &str, workspace: &str| {
        let request = v1::CreateExportLinkRequest {
            workspace_id: workspace.to_owned(),
            ..request(v1::ExportFormat::Csv)
        };
        let made = server.analytics().create_export_link(with(secret, request)).await;
        made.map(|made| made.into_inner().path)
    };
    let status = make(&guarded.service, ACME).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    let status = make(&guarded.viewer, "rival").await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    let path = make(&guarded.viewer, ACME).await.unwrap();
    // The link is the credential.
    assert_eq!(fetch(server, &path).await.status, 200);
    let revoke = v1::RevokeTokenRequest { token_id: "viewer".to_owned() };
    server.access().revoke_token(with(&guarded.operator, revoke)).await.unwrap();
    assert_eq!(fetch(server, &path).await.status, 404);
}

#[tokio::test]
async fn what_is_no_export_gets_no_link() {
    let server = acme().await;
    let refused = async |request: v1::CreateExportLinkRequest| {
        server.analytics().create_export_link(request).await.unwrap_err()
    };
    let without = v1::CreateExportLinkRequest { export: None, ..request(PARQUET) };
    assert_eq!(refused_fields(&refused(without).await), ["export"]);
    let mut other = request(PARQUET);
    other.export.as_mut().unwrap().workspace_id = "rival".to_owned();
    assert_eq!(refused_fields(&refused(other).await), ["export.workspace_id"]);
    let mut empty = request(PARQUET);
    empty.export.as_mut().unwrap().content = None;
    assert_eq!(refused_fields(&refused(empty).await), ["content"]);
    let none = v1::CreateExportLinkRequest { workspace_id: "none".to_owned(), ..request(PARQUET) };
    assert_failed(&refused(none).await, Code::NotFound, "WORKSPACE_NOT_FOUND", &[]);
    for _ in 0..1_000 {
        link(&server).await;
    }
    let status = refused(request(PARQUET)).await;
    assert_failed(&status, Code::ResourceExhausted, "BOUND_REACHED", &[("value", "1000")]);
    server.clock.advance(5 * MICROS_PER_MINUTE);
    link(&server).await;
}
