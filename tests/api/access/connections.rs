//! Connections: TLS, and hosts and origins where no credentials are required.

use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tollgate::config::{Auth, Config, TlsFiles};
use tollgate::proto::v1;
use tollgate::proto::v1::access_service_client::AccessServiceClient;
use tollgate::transport::Tls;
use tonic::Code;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};

use super::{create, token, with};
use crate::server::Server;
use tollgate::domain::access::Role;

pub type Authority = CertifiedIssuer<'static, KeyPair>;

pub fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Writes a certificate for a name, and its key.
pub fn certify(folder: &Path, authority: &Authority, name: &str) -> TlsFiles {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let made = params.signed_by(&key, authority).unwrap();
    let files =
        TlsFiles { certificate: folder.join("c.pem"), key: folder.join("k.pem"), client_ca: None };
    std::fs::write(&files.certificate, made.pem()).unwrap();
    std::fs::write(&files.key, key.serialize_pem()).unwrap();
    files
}

async fn connect(server: &Server, authority: &Authority, name: &str) -> Option<Channel> {
    let trusted = Certificate::from_pem(authority.pem());
    let tls = ClientTlsConfig::new().ca_certificate(trusted).domain_name(name);
    let endpoint = Endpoint::from_shared(format!("https://{}", server.address)).unwrap();
    endpoint.tls_config(tls).unwrap().connect().await.ok()
}

async fn guarded(folder: &Path, tls: TlsFiles) -> (Server, String) {
    let config = Config { auth: Auth::Required, tls: Some(tls), ..Config::default() };
    let server = Server::start_in(folder, Arc::default(), config).await;
    let secret = create(folder, token("root", Role::Operator, &[], None)).await;
    (server, secret)
}

#[tokio::test]
async fn calls_are_answered_over_tls_with_the_certificate_of_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let authority = authority();
    let (server, secret) = guarded(folder.path(), certify(folder.path(), &authority, "gate")).await;
    let channel = connect(&server, &authority, "gate").await.expect("it is trusted");
    let mut access = AccessServiceClient::new(channel);
    // The token is seen within a second.
    let mut answer = access.who_am_i(with(&secret, v1::WhoAmIRequest {})).await;
    for _ in 0..100 {
        if answer.is_ok() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        answer = access.who_am_i(with(&secret, v1::WhoAmIRequest {})).await;
    }
    assert_eq!(answer.unwrap().into_inner().identity, "token:root");
    let without = access.who_am_i(v1::WhoAmIRequest {}).await.unwrap_err();
    assert_eq!(without.code(), Code::Unauthenticated);
    // Neither another name, nor another authority, nor no TLS at all.
    assert!(connect(&server, &authority, "other").await.is_none());
    assert!(connect(&server, &self::authority(), "gate").await.is_none());
    server.access().who_am_i(with(&secret, v1::WhoAmIRequest {})).await.unwrap_err();
}

#[tokio::test]
async fn a_connection_that_says_nothing_holds_up_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let authority = authority();
    let (server, _) = guarded(folder.path(), certify(folder.path(), &authority, "gate")).await;
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(TcpStream::connect(server.address).await.unwrap());
    }
    assert!(connect(&server, &authority, "gate").await.is_some());
    // They are closed once a handshake would have taken too long.
    let mut byte = [0];
    assert_eq!(silent[0].read(&mut byte).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn files_that_change_are_taken_and_those_that_cannot_be_used_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (authority(), authority());
    let files = certify(folder.path(), &first, "gate");
    let tls = Tls::load(files.clone()).unwrap();
    let before = tls.config();
    assert!(!tls.reload().unwrap());
    certify(folder.path(), &second, "gate");
    assert!(tls.reload().unwrap());
    assert!(!Arc::ptr_eq(&before, &tls.config()));
    // A key of another certificate, a file that is none, and none at all.
    let kept = tls.config();
    std::fs::write(&files.key, KeyPair::generate().unwrap().serialize_pem()).unwrap();
    tls.reload().unwrap_err();
    std::fs::write(&files.key, "secret").unwrap();
    let error = tls.reload().unwrap_err().to_string();
    assert!(error.contains("k.pem") && !error.contains("secret"), "{error}");
    std::fs::remove_file(&files.certificate).unwrap();
    tls.reload().unwrap_err();
    assert!(Arc::ptr_eq(&kept, &tls.config()));
}

/// The first bytes of TLS: a hello that offers a version and cipher suites.
fn hello(version: [u8; 2], suites: &[[u8; 2]]) -> Vec<u8> {
    let mut body = version.to_vec();
    body.extend([7; 32]);
    // No session; the suites; no compression.
    body.push(0);
    body.extend(((suites.len() * 2) as u16).to_be_bytes());
    body.extend(suites.iter().flatten());
    body.extend([1, 0]);
    // Groups (P-256, X25519) and signatures (ECDSA on P-256, RSA-PSS).
    let extensions = [[0, 10, 0, 6, 0, 4, 0, 23, 0, 29], [0, 13, 0, 6, 0, 4, 4, 3, 8, 4]];
    body.extend([0, 20]);
    body.extend(extensions.as_flattened());
    let mut message = vec![1, 0];
    message.extend((body.len() as u16).to_be_bytes());
    message.extend(body);
    let mut record = vec![22, 3, 1];
    record.extend((message.len() as u16).to_be_bytes());
    record.extend(message);
    record
}

/// What the server says to a hello: the description of a fatal alert (RFC 8446, section 6), or
/// nothing where it goes on.
async fn alert(server: &Server, hello: &[u8]) -> Option<u8> {
    const HANDSHAKE: u8 = 22;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(hello).await.unwrap();
    let mut answer = [0; 7];
    stream.read_exact(&mut answer).await.unwrap();
    if answer[0] == HANDSHAKE {
        return None;
    }
    assert_eq!((answer[0], answer[5]), (21, 2), "no fatal alert: {answer:?}");
    Some(answer[6])
}

#[tokio::test]
async fn old_versions_and_weak_ciphers_are_refused() {
    const PROTOCOL_VERSION: u8 = 70;
    const HANDSHAKE_FAILURE: u8 = 40;
    // RSA key exchange with AES-CBC, AES-GCM, 3DES and RC4; ECDHE with AES-CBC; none at all.
    const WEAK: [[u8; 2]; 6] =
        [[0, 0x2f], [0, 0x9c], [0, 0x0a], [0, 0x05], [0xc0, 0x13], [0, 0x00]];
    let folder = tempfile::tempdir().unwrap();
    let authority = authority();
    let (server, _) = guarded(folder.path(), certify(folder.path(), &authority, "gate")).await;
    // SSL 3.0, TLS 1.0 and 1.1, also with a suite that is taken by later versions.
    let strong = [0xc0, 0x2b];
    assert_eq!(alert(&server, &hello([3, 3], &[strong])).await, None);
    for version in [[3, 0], [3, 1], [3, 2]] {
        let refused = alert(&server, &hello(version, &[strong])).await;
        assert_eq!(refused, Some(PROTOCOL_VERSION), "{version:?}");
    }
    for suite in WEAK {
        let refused = alert(&server, &hello([3, 3], &[suite])).await;
        assert_eq!(refused, Some(HANDSHAKE_FAILURE), "{suite:?}");
    }
    // What is no TLS is answered by none of ours.
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: gate\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer).await);
    assert!(!answer.starts_with(b"HTTP"));
}

/// The status of a call over HTTP/1.1 with these headers.
async fn status(server: &Server, headers: &str) -> String {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "POST /tollgate.v1.AccessService/WhoAmI HTTP/1.1\r\nContent-Type: application/grpc-web\r\n\
         Content-Length: 5\r\nConnection: close\r\n{headers}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&[0; 5]).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer).to_lowercase();
    let found = answer.split("grpc-status:").nth(1).unwrap_or_else(|| panic!("{answer}"));
    found.trim_start().chars().take_while(char::is_ascii_digit).collect()
}

#[tokio::test]
async fn without_credentials_only_this_machine_is_answered() {
    let origins = vec!["https://panel.example".to_owned()];
    let config = Config { cors_allowed_origins: origins, ..Config::default() };
    let server = Server::start_with(config).await;
    for headers in [
        "Host: localhost:50051",
        "Host: 127.0.0.1",
        "Host: localhost\r\nOrigin: http://localhost:3000",
        "Host: localhost\r\nOrigin: https://panel.example",
    ] {
        assert_eq!(status(&server, headers).await, "0", "{headers}");
    }
    for headers in [
        "Host: evil.example",
        "Host: evil.example:50051\r\nOrigin: http://evil.example:50051",
        "Host: localhost\r\nOrigin: https://evil.example",
        "Host: localhost\r\nOrigin: null",
    ] {
        assert_eq!(status(&server, headers).await, "7", "{headers}");
    }
    let config = Config { insecure: true, ..Config::default() };
    let server = Server::start_with(config).await;
    assert_eq!(status(&server, "Host: gate.example").await, "0");
}
