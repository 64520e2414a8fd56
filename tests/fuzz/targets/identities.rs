//! Identities: the file with their rules, and tokens of an identity provider.
//!
//! The first byte chooses what the rest is: the file; the claims of a token; its header and its
//! claims, apart by a zero byte; changes of a valid token, each a place and a character; or a
//! token.

use std::path::PathBuf;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use tempfile::TempDir;
use tollgate::domain::Time;
use tollgate::domain::access::Role;
use tollgate::domain::time::MICROS_PER_SECOND;
use tollgate::identity::Identities;

use super::{first, texts};

const ISSUER: &str = "https://id.example";
const AUDIENCE: &str = "tollgate";
const KEY_ID: &str = "one";
/// In seconds since 1970.
const NOW: i64 = 1_768_478_400;
/// Of clocks, in seconds: the default.
const LEEWAY: i64 = 30;
/// An error is one line of a log.
const ERROR_BYTES_MAX: usize = 2_000;

/// A provider that is accepted: its rules map the group `root` to an operator, and `finops` to a
/// viewer of the workspace `acme`.
struct Provider {
    pair: EcdsaKeyPair,
    identities: Identities,
    valid: String,
    folder: TempDir,
}

fn provider() -> &'static Provider {
    static PROVIDER: OnceLock<Provider> = OnceLock::new();
    PROVIDER.get_or_init(Provider::new)
}

impl Provider {
    fn new() -> Provider {
        let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("a key");
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).expect("a key");
        let point = pair.public_key().as_ref();
        let (x, y) = (encode(&point[1..33]), encode(&point[33..]));
        let key = json!({ "kty": "EC", "crv": "P-256", "kid": KEY_ID, "x": x, "y": y });
        let folder = tempfile::tempdir().expect("a folder");
        let keys = json!({ "keys": [key] }).to_string();
        std::fs::write(folder.path().join("keys.json"), keys).expect("it is writable");
        let rules = format!(
            "[[issuers]]\nissuer = \"{ISSUER}\"\naudiences = [\"{AUDIENCE}\"]\n\
             algorithms = [\"ES256\"]\njwks_file = \"keys.json\"\n\
             [[issuers.rules]]\nclaims = {{ groups = \"finops\" }}\nrole = \"viewer\"\n\
             workspaces = [\"acme\"]\n\
             [[issuers.rules]]\nclaims = {{ groups = \"root\" }}\nrole = \"operator\"\n"
        );
        let file = folder.path().join("identities.toml");
        std::fs::write(&file, rules).expect("it is writable");
        let identities = Identities::load(&file, false).expect("it is right");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(identities.refresh_keys());
        let mut provider = Provider { pair, identities, valid: String::new(), folder };
        provider.valid = provider.sign(&header().to_string(), &claims().to_string());
        assert_eq!(provider.role(&provider.valid), Some(Role::Operator));
        provider
    }

    fn sign(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", encode(header), encode(claims));
        let signature = self.pair.sign(&SystemRandom::new(), message.as_bytes());
        format!("{message}.{}", encode(signature.expect("a signature")))
    }

    fn role(&self, token: &str) -> Option<Role> {
        let now = Time::from_micros(NOW * MICROS_PER_SECOND);
        match self.identities.of_jwt(token, now) {
            Ok(grant) => Some(grant.identity().role),
            Err(reason) => {
                assert!(reason.len() <= ERROR_BYTES_MAX && !reason.contains('\n'), "{reason:?}");
                None
            }
        }
    }
}

fn header() -> Value {
    json!({ "alg": "ES256", "kid": KEY_ID })
}

fn claims() -> Value {
    json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "groups": ["root"], "exp": NOW + 60 })
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub fn run(bytes: &[u8]) {
    let provider = provider();
    let (choice, rest) = first(bytes);
    let text = String::from_utf8_lossy(rest);
    match choice % 5 {
        0 => check_file(&provider.folder.path().join("fuzzed.toml"), &text),
        1 => {
            let role = provider.role(&provider.sign(&header().to_string(), &text));
            check_claims(&text, role);
        }
        2 => {
            let parts = texts(rest);
            let [header, claims] = parts.as_slice() else { return };
            let role = provider.role(&provider.sign(header, claims));
            check_header(header, role);
            check_claims(claims, role);
        }
        3 => {
            let mut token = provider.valid.clone().into_bytes();
            for change in rest.chunks_exact(2) {
                let place = usize::from(change[0]) * token.len() / 256;
                token[place] = change[1];
            }
            let token = String::from_utf8_lossy(&token).into_owned();
            let is_same = token == provider.valid;
            assert_eq!(provider.role(&token).is_some(), is_same, "{token}");
        }
        _ => assert_eq!(provider.role(&text).is_some(), text == provider.valid, "{text}"),
    }
}

fn check_file(path: &PathBuf, text: &str) {
    std::fs::write(path, text).expect("it is writable");
    for has_client_ca in [false, true] {
        match Identities::load(path, has_client_ca) {
            Ok(identities) => {
                // Without keys nobody has signed anything.
                let valid = &provider().valid;
                let now = Time::from_micros(NOW * MICROS_PER_SECOND);
                assert!(identities.of_jwt(valid, now).is_err(), "{text}");
            }
            Err(error) => {
                let shown = error.to_string();
                assert!(shown.len() <= ERROR_BYTES_MAX, "{} bytes: {shown}", shown.len());
            }
        }
    }
}

/// What every accepted token has in its header.
fn check_header(text: &str, role: Option<Role>) {
    if role.is_none() {
        return;
    }
    let header: Value = serde_json::from_str(text).expect("it was read");
    assert_eq!(header["alg"], "ES256", "{text}");
    assert!(header.get("crit").is_none_or(Value::is_null), "{text}");
    assert!(header.get("kid").is_none_or(|kid| kid.is_null() || kid == KEY_ID), "{text}");
}

/// What every accepted token says.
fn check_claims(text: &str, role: Option<Role>) {
    let Some(role) = role else { return };
    let claims: Value = serde_json::from_str(text).expect("they were read");
    assert_eq!(claims["iss"], ISSUER, "{text}");
    assert!(has(&claims["aud"], AUDIENCE), "{text}");
    let seconds = |name: &str| claims[name].as_f64();
    assert!(seconds("exp").expect("it is required") > (NOW - LEEWAY) as f64, "{text}");
    assert!(seconds("nbf").is_none_or(|start| start <= (NOW + LEEWAY) as f64), "{text}");
    let group = if role == Role::Operator { "root" } else { "finops" };
    assert!(has(&claims["groups"], group), "{text}");
    assert_eq!(role == Role::Viewer, has(&claims["groups"], "finops"), "the first rule: {text}");
}

/// Whether a claim is a text, or lists it.
fn has(claim: &Value, text: &str) -> bool {
    claim == text || claim.as_array().is_some_and(|list| list.iter().any(|item| item == text))
}
