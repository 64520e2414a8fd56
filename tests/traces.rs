//! Traces of the real binary, as a collector gets them.

#[path = "support/process.rs"]
mod process;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use process::{Server, free_port, serve};
use prost::Message;
use tollgate::proto::v1;
use tollgate::proto::v1::budget_service_client::BudgetServiceClient;
use tonic::{Code, Request};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";
const METHOD: &str = "tollgate.v1.BudgetService/GetBudget";
/// How long a span may take to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// Takes traces over HTTP and hands them on.
fn collector() -> (String, mpsc::Receiver<ExportTraceServiceRequest>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            if sender.send(take(stream.unwrap())).is_err() {
                return;
            }
        }
    });
    (endpoint, receiver)
}

fn take(mut stream: TcpStream) -> ExportTraceServiceRequest {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut head).unwrap() > 0, "{head}");
    }
    assert!(head.starts_with("POST /v1/traces HTTP/1.1\r\n"), "{head}");
    let head = head.to_lowercase();
    assert!(head.contains("content-type: application/x-protobuf"), "{head}");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    reader.read_exact(&mut body).unwrap();
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    stream.write_all(answer.as_bytes()).unwrap();
    ExportTraceServiceRequest::decode(&*body).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn attribute<'a>(span: &'a Span, key: &str) -> &'a str {
    let found = span.attributes.iter().find(|attribute| attribute.key == key).unwrap();
    match found.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text,
        other => panic!("{key}: {other:?}"),
    }
}

#[tokio::test]
async fn a_call_that_is_traced_has_a_span_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("tollgate.db").display());
    let (endpoint, received) = collector();
    let port = free_port();
    let mut command = serve(&database, port);
    command.args(["--otlp-endpoint", &endpoint]);
    let (server, channel) = Server::run(command, port).await;
    let mut budget = BudgetServiceClient::new(channel);
    let mut call = async |traceparent: Option<String>| {
        let workspace_id = "nobody".to_owned();
        let mut request = Request::new(v1::GetBudgetRequest { workspace_id });
        if let Some(traceparent) = traceparent {
            request.metadata_mut().insert("traceparent", traceparent.parse().unwrap());
        }
        assert_eq!(budget.get_budget(request).await.unwrap_err().code(), Code::NotFound);
    };
    call(None).await;
    // Not sampled.
    call(Some(format!("00-{TRACE}-{PARENT}-00"))).await;
    call(Some(format!("00-{TRACE}-{PARENT}-01"))).await;
    // A stop sends what is left.
    server.stop().await;

    let request = received.recv_timeout(PATIENCE).unwrap();
    let [of_resource] = &*request.resource_spans else { panic!("{request:?}") };
    let attributes = &of_resource.resource.as_ref().unwrap().attributes;
    assert!(attributes.iter().any(|it| it.key == "service.name"), "{attributes:?}");
    let [of_scope] = &*of_resource.scope_spans else { panic!("{request:?}") };
    let [span] = &*of_scope.spans else { panic!("{request:?}") };
    assert_eq!(span.name, METHOD);
    assert_eq!(span.kind(), SpanKind::Server);
    assert_eq!((hex(&span.trace_id), hex(&span.parent_span_id)), (TRACE.into(), PARENT.into()));
    assert!(span.span_id.iter().any(|byte| *byte != 0));
    assert!(span.end_time_unix_nano > span.start_time_unix_nano);
    assert_eq!(attribute(span, "rpc.system.name"), "grpc");
    assert_eq!(attribute(span, "rpc.method"), METHOD);
    assert_eq!(attribute(span, "rpc.response.status_code"), "NOT_FOUND");
    assert!(received.try_recv().is_err());
}
