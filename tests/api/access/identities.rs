//! Client certificates, and tokens of identity providers.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::string::Ia5String;
use rcgen::{CertificateParams, DnType, KeyPair, SanType};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tollgate::config::{Auth, Config, TlsFiles};
use tollgate::domain::Time;
use tollgate::domain::access::Role;
use tollgate::domain::time::MICROS_PER_SECOND;
use tollgate::identity::Identities;
use tollgate::proto::v1;
use tollgate::proto::v1::access_service_client::AccessServiceClient;
use tollgate::proto::v1::budget_service_client::BudgetServiceClient;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Code, Status};

use super::connections::{Authority, authority, certify};
use super::walk::{Caller, walk};
use super::{create, start, token, with};
use crate::fixtures::{create_workspace, set_up};
use crate::server::{START, Server};

const SPIFFE_ID: &str = "spiffe://acme.example/ns/agents/sa/support";
/// The identity file of a folder.
pub const IDENTITIES: &str = "identities.toml";
const ISSUER: &str = "https://id.example";

/// A client with a certificate that has an id or a common name.
fn client(authority: &Authority, spiffe_id: Option<&str>, common_name: &str) -> Identity {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, common_name);
    let name = spiffe_id.map(|id| SanType::URI(Ia5String::try_from(id).unwrap()));
    params.subject_alt_names.extend(name);
    let key = KeyPair::generate().unwrap();
    let made = params.signed_by(&key, authority).unwrap();
    Identity::from_pem(made.pem(), key.serialize_pem())
}

struct Mutual {
    server: Server,
    trusted: Authority,
}

impl Mutual {
    async fn start(folder: &Path, clients: &Authority) -> Mutual {
        let open = Server::start_in(folder, Arc::default(), Config::default()).await;
        set_up(&open).await;
        create_workspace(&open, "rival").await;
        open.stop().await.unwrap();
        let trusted = authority();
        let files = certify(folder, &trusted, "gate");
        let client_ca = folder.join("clients.pem");
        std::fs::write(&client_ca, clients.pem()).unwrap();
        let identity_file = folder.join(IDENTITIES);
        let rules = format!(
            "[[certificates]]\nspiffe_id = \"{SPIFFE_ID}\"\nrole = \"service\"\n\
             workspaces = [\"acme\"]\n\
             [[certificates]]\nsubject = \"CN=board\"\nrole = \"operator\"\n\
             [[certificates]]\nsubject = \"CN=admin\"\nrole = \"admin\"\n\
             workspaces = [\"acme\"]\n\
             [[certificates]]\nsubject = \"CN=viewer\"\nrole = \"viewer\"\n\
             workspaces = [\"acme\"]\n\
             [[certificates]]\nsubject = \"CN=ada\"\nrole = \"holder\"\n\
             workspaces = [\"acme\"]\nuser = \"ada\"\n"
        );
        std::fs::write(&identity_file, rules).unwrap();
        let config = Config {
            auth: Auth::Required,
            tls: Some(TlsFiles { client_ca: Some(client_ca), ..files }),
            identity_file: Some(identity_file),
            ..Config::default()
        };
        let server = Server::start_in(folder, Arc::default(), config).await;
        Mutual { server, trusted }
    }

    /// A channel with a certificate, or without.
    fn channel(&self, identity: Option<Identity>) -> Channel {
        let trusted = Certificate::from_pem(self.trusted.pem());
        let mut tls = ClientTlsConfig::new().ca_certificate(trusted).domain_name("gate");
        if let Some(identity) = identity {
            tls = tls.identity(identity);
        }
        let endpoint = Endpoint::from_shared(format!("https://{}", self.server.address)).unwrap();
        endpoint.tls_config(tls).unwrap().connect_lazy()
    }

    async fn who(&self, identity: Option<Identity>) -> Result<v1::WhoAmIResponse, Status> {
        let mut access = AccessServiceClient::new(self.channel(identity));
        access.who_am_i(v1::WhoAmIRequest {}).await.map(tonic::Response::into_inner)
    }
}

#[tokio::test]
async fn a_client_certificate_stands_for_whom_a_rule_names() {
    let folder = tempfile::tempdir().unwrap();
    let clients = authority();
    let mutual = Mutual::start(folder.path(), &clients).await;
    let support = client(&clients, Some(SPIFFE_ID), "any");
    let who = mutual.who(Some(support.clone())).await.unwrap();
    assert_eq!(who.identity, format!("certificate:{SPIFFE_ID}"));
    assert_eq!((who.role(), who.workspace_ids), (v1::Role::Service, vec!["acme".to_owned()]));
    assert!(who.expire_time.is_some());
    let board = mutual.who(Some(client(&clients, None, "board"))).await.unwrap();
    assert_eq!(
        (board.identity.as_str(), board.role()),
        ("certificate:CN=board", v1::Role::Operator)
    );

    // Its role and its workspaces are those of the rule.
    let mut budget = BudgetServiceClient::new(mutual.channel(Some(support.clone())));
    let request = v1::GetBudgetRequest { workspace_id: "acme".to_owned() };
    assert_eq!(budget.get_budget(request).await.unwrap_err().code(), Code::PermissionDenied);

    // No rule names these; the last is signed by another authority, with the name of the first.
    for identity in [
        None,
        Some(client(&clients, None, "Board")),
        Some(client(&clients, Some("spiffe://acme.example/ns/agents/sa/support2"), "any")),
        Some(client(&clients, Some("https://acme.example"), "support")),
    ] {
        let refused = mutual.who(identity).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated, "{refused:?}");
    }
    mutual.who(Some(client(&authority(), Some(SPIFFE_ID), "any"))).await.unwrap_err();

    // A token counts before the certificate of its connection, also one that is not valid.
    let secret = create(folder.path(), token("root", Role::Operator, &[], None)).await;
    let mut access = AccessServiceClient::new(mutual.channel(Some(support)));
    for _ in 0..100 {
        if access.who_am_i(with(&secret, v1::WhoAmIRequest {})).await.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let who = access.who_am_i(with(&secret, v1::WhoAmIRequest {})).await.unwrap().into_inner();
    assert_eq!(who.identity, "token:root");
    let refused = access.who_am_i(with("tg_nonsense", v1::WhoAmIRequest {})).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn a_role_of_a_certificate_is_that_of_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let clients = authority();
    let mutual = Mutual::start(folder.path(), &clients).await;
    let named = |name: &str| client(&clients, None, name);
    let support = client(&clients, Some(SPIFFE_ID), "any");
    let identities = [named("board"), named("admin"), support, named("viewer"), named("ada")];
    let caller = |identity| Caller { channel: mutual.channel(Some(identity)), authorization: None };
    walk(identities.map(caller)).await;
}

/// An identity provider that signs with ES256.
pub struct Provider {
    pair: EcdsaKeyPair,
    kid: &'static str,
}

impl Provider {
    pub fn new(kid: &'static str) -> Provider {
        let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap();
        Provider { pair, kid }
    }

    fn key(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        let (x, y) = (encode(&point[1..33]), encode(&point[33..]));
        json!({ "kty": "EC", "crv": "P-256", "kid": self.kid, "x": x, "y": y })
    }

    /// Valid for a minute from the start of the test.
    pub fn token(&self, group: &str) -> String {
        self.sign(&json!({ "alg": "ES256", "kid": self.kid }), &claims(group))
    }

    /// Tokens that would be those of an operator, if they were valid.
    pub fn invalid_tokens(&self) -> Vec<String> {
        let header = json!({ "alg": "ES256", "kid": self.kid });
        let claims = claims("root");
        let with = |of: &Value, name: &str, value: Value| {
            let mut changed = of.clone();
            changed[name] = value;
            changed
        };
        let now = START.micros() / MICROS_PER_SECOND;
        let unsigned = with(&header, "alg", "none".into());
        let unsigned = format!("{}.{}.", encode(unsigned.to_string()), encode(claims.to_string()));
        vec![
            unsigned,
            self.sign(&with(&header, "alg", "HS256".into()), &claims),
            self.sign(&with(&header, "kid", "../one".into()), &claims),
            self.sign(&header, &with(&claims, "exp", (now - 31).into())),
            self.sign(&header, &with(&claims, "nbf", (now + 90).into())),
            self.sign(&header, &with(&claims, "aud", "other".into())),
            self.sign(&header, &with(&claims, "iss", "https://evil.example".into())),
            self.sign(&header, &with(&claims, "groups", json!(["sales"]))),
            Provider::new(self.kid).sign(&header, &claims),
        ]
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let message = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
        let signature = self.pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
        format!("{message}.{}", encode(signature))
    }
}

fn claims(group: &str) -> Value {
    json!({
        "iss": ISSUER, "aud": "tollgate", "sub": "ada", "groups": [group],
        "exp": START.micros() / MICROS_PER_SECOND + 60,
    })
}

/// Trusts a provider, in the folder of a server.
pub fn trust(folder: &Path, provider: &Provider) {
    std::fs::write(folder.join("keys.json"), key_set(&[provider])).unwrap();
    std::fs::write(folder.join(IDENTITIES), rules("jwks_file = \"keys.json\"")).unwrap();
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn key_set(providers: &[&Provider]) -> String {
    json!({ "keys": providers.iter().map(|provider| provider.key()).collect::<Vec<_>>() })
        .to_string()
}

/// Rules for tokens of the provider, with where its keys are.
fn rules(keys: &str) -> String {
    format!(
        "[[issuers]]\nissuer = \"{ISSUER}\"\naudiences = [\"tollgate\"]\n\
         algorithms = [\"ES256\"]\nallow_loopback = true\n{keys}\n\
         [[issuers.rules]]\nclaims = {{ groups = \"finops\" }}\nrole = \"viewer\"\n\
         workspaces = [\"acme\"]\n\
         [[issuers.rules]]\nclaims = {{ groups = \"root\" }}\nrole = \"operator\"\n\
         [[issuers.rules]]\nclaims = {{ groups = \"admins\" }}\nrole = \"admin\"\n\
         workspaces = [\"acme\"]\n\
         [[issuers.rules]]\nclaims = {{ groups = \"gateways\" }}\nrole = \"service\"\n\
         workspaces = [\"acme\"]\n\
         [[issuers.rules]]\nclaims = {{ groups = \"people\" }}\nrole = \"holder\"\n\
         workspaces = [\"acme\"]\nuser_claim = \"sub\"\n"
    )
}

#[tokio::test]
async fn a_token_of_an_identity_provider_is_valid_until_it_expires() {
    let folder = tempfile::tempdir().unwrap();
    let provider = Provider::new("one");
    trust(folder.path(), &provider);
    let open = Server::start_in(folder.path(), Arc::default(), Config::default()).await;
    set_up(&open).await;
    open.stop().await.unwrap();
    let server = start(folder.path(), Arc::default()).await;
    let who = async |token: &str| server.access().who_am_i(with(token, v1::WhoAmIRequest {})).await;

    let valid = provider.token("finops");
    // The keys are read by a background task.
    for _ in 0..100 {
        if who(&valid).await.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let found = who(&valid).await.unwrap().into_inner();
    assert_eq!(found.identity, format!("jwt:ada@{ISSUER}"));
    assert_eq!((found.role(), found.workspace_ids), (v1::Role::Viewer, vec!["acme".to_owned()]));
    let stranger = Provider::new("one").token("finops");
    for refused in [provider.token("sales"), stranger, format!("{valid}x"), "a.b.c".to_owned()] {
        assert_eq!(who(&refused).await.unwrap_err().code(), Code::Unauthenticated);
    }
    let mut budget = server.budget();
    let request = |workspace: &str| v1::GetBudgetRequest { workspace_id: workspace.to_owned() };
    budget.get_budget(with(&valid, request("acme"))).await.unwrap();
    let foreign = budget.get_budget(with(&valid, request("rival"))).await.unwrap_err();
    assert_eq!(foreign.code(), Code::PermissionDenied);

    let watch = v1::WatchSpendRequest { workspace_id: "acme".to_owned() };
    let mut stream = budget.watch_spend(with(&valid, watch)).await.unwrap().into_inner();
    assert!(stream.message().await.unwrap().is_some());
    // With the leeway of 30 s.
    server.clock.advance(90 * MICROS_PER_SECOND - 1);
    who(&valid).await.unwrap();
    server.clock.advance(1);
    assert_eq!(who(&valid).await.unwrap_err().code(), Code::Unauthenticated);
    let ended = async {
        while stream.message().await?.is_some() {}
        Ok::<(), Status>(())
    };
    let ended = tokio::time::timeout(Duration::from_secs(5), ended).await.expect("within a second");
    assert_eq!(ended.unwrap_err().code(), Code::Unauthenticated);
}

/// An HTTP server that answers each path with the same text, which a test changes.
async fn serve(text: Arc<Mutex<String>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4_096];
            drop(stream.read(&mut request).await);
            let body = text.lock().unwrap().clone();
            let status = if body.is_empty() { "503 Unavailable" } else { "200 OK" };
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            );
            drop(stream.write_all(answer.as_bytes()).await);
        }
    });
    format!("http://{address}")
}

#[tokio::test]
async fn keys_are_fetched_and_rotated() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(IDENTITIES);
    let (old, new) = (Provider::new("old"), Provider::new("new"));
    let keys = Arc::new(Mutex::new(key_set(&[&old])));
    let url = serve(keys.clone()).await;
    std::fs::write(&file, rules(&format!("jwks_url = \"{url}/keys\""))).unwrap();
    let identities = Identities::load(&file, false).unwrap();
    let grant = |provider: &Provider| identities.of_jwt(&provider.token("finops"), START);
    let set = |text: String| *keys.lock().unwrap() = text;

    assert!(grant(&old).is_err(), "no key is known yet");
    assert!(identities.refresh_keys().await);
    let first = grant(&old).unwrap();
    assert!(grant(&new).is_err());
    // Asked for by that token.
    tokio::time::timeout(Duration::from_secs(5), identities.keys_are_wanted()).await.unwrap();
    set(key_set(&[&old, &new]));
    assert!(identities.refresh_keys().await);
    assert!(grant(&new).is_ok() && !first.ended().is_cancelled());

    // What cannot be had, or is none, changes nothing.
    for text in ["", "{}", "{\"keys\": []}", &"x".repeat(2_000_000)] {
        set(text.to_owned());
        assert!(!identities.refresh_keys().await, "{}", text.len());
        assert!(grant(&old).is_ok() && grant(&new).is_ok());
    }
    // A key that is withdrawn ends what it let in.
    set(key_set(&[&new]));
    assert!(identities.refresh_keys().await);
    assert!(first.ended().is_cancelled() && grant(&old).is_err() && grant(&new).is_ok());
}

#[tokio::test]
async fn an_issuer_says_where_its_keys_are() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(IDENTITIES);
    let text = Arc::new(Mutex::new(String::new()));
    let issuer = serve(text.clone()).await;
    let provider = Provider::new("one");
    // One answer that is both: the configuration, and the keys.
    let answer = |issuer: &str, keys: &str| {
        let mut answer: Value = serde_json::from_str(&key_set(&[&provider])).unwrap();
        answer["issuer"] = issuer.into();
        answer["jwks_uri"] = keys.into();
        answer.to_string()
    };
    std::fs::write(&file, rules("").replace(ISSUER, &issuer)).unwrap();
    let identities = Identities::load(&file, false).unwrap();
    for (named, keys, is_taken) in [
        (issuer.as_str(), format!("{issuer}/keys"), true),
        ("https://id.example", format!("{issuer}/keys"), false),
        (&issuer, "http://192.168.0.1/keys".to_owned(), false),
        (&issuer, "http://169.254.169.254/keys".to_owned(), false),
        (&issuer, "file:///etc/passwd".to_owned(), false),
    ] {
        *text.lock().unwrap() = answer(named, &keys);
        assert_eq!(identities.refresh_keys().await, is_taken, "{named}, {keys}");
    }
}

#[tokio::test]
async fn rules_that_change_end_what_they_let_in() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(IDENTITIES);
    let provider = Provider::new("one");
    trust(folder.path(), &provider);
    let text = std::fs::read_to_string(&file).unwrap();
    let identities = Identities::load(&file, false).unwrap();
    identities.refresh_keys().await;
    let grant = |now: Time| identities.of_jwt(&provider.token("finops"), now);
    let first = grant(START).unwrap();
    assert!(!identities.reload().unwrap());
    // What cannot be used changes nothing.
    std::fs::write(&file, "[[issuers]]").unwrap();
    identities.reload().unwrap_err();
    std::fs::write(&file, "[[certificates]]\nsubject = \"CN=a\"\nrole = \"operator\"\n").unwrap();
    assert!(identities.reload().unwrap_err().to_string().contains("tls_client_ca"));
    assert!(!first.ended().is_cancelled() && grant(START).is_ok());
    // The keys of the same issuer stay.
    std::fs::write(&file, text.replace("viewer", "admin")).unwrap();
    assert!(identities.reload().unwrap());
    assert!(first.ended().is_cancelled());
    assert_eq!(grant(START).unwrap().identity().role, Role::Admin);
}
