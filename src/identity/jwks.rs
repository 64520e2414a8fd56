//! Keys of identity providers (JWKS, RFC 7517): from a file, from an address, or from where the
//! provider's own configuration (OpenID Connect Discovery) says that they are.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::known::Fingerprint;
use super::rules::IssuerRules;
use crate::engine::alerts::address::AddressRules;
use crate::outbound;

/// Longest time that an answer may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Largest answer, or file.
const BYTES_MAX: usize = 1024 * 1024;
/// Most keys of an issuer.
const KEYS_MAX: usize = 100;
/// Where a provider describes itself, below its issuer.
const DISCOVERY: &str = "/.well-known/openid-configuration";

/// Where the keys of an issuer are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    File(PathBuf),
    Url(String),
    /// The issuer.
    Discovery(String),
}

/// An issuer with the keys that it had last.
pub struct Issuer {
    pub rules: Arc<IssuerRules>,
    pub keys: Arc<ArcSwap<KeySet>>,
}

/// Public keys for signatures.
#[derive(Default, PartialEq, Eq)]
pub struct KeySet {
    keys: Vec<Key>,
}

pub struct Key {
    id: Option<String>,
    /// The only one that it may be used with, if it names one.
    algorithm: Option<Algorithm>,
    pub fingerprint: Fingerprint,
    pub key: DecodingKey,
}

impl PartialEq for Key {
    fn eq(&self, other: &Key) -> bool {
        self.fingerprint == other.fingerprint
    }
}

impl Eq for Key {}

impl Issuer {
    pub fn new(rules: Arc<IssuerRules>) -> Issuer {
        Issuer { rules, keys: Arc::default() }
    }

    /// Keeps the keys of the same issuer, so that a change of other rules needs none fetched.
    pub fn take_keys(&mut self, before: &[Issuer]) {
        let is_same = |other: &&Issuer| {
            (&other.rules.issuer, &other.rules.keys) == (&self.rules.issuer, &self.rules.keys)
        };
        if let Some(same) = before.iter().find(is_same) {
            self.keys = same.keys.clone();
        }
    }
}

impl KeySet {
    /// Keys that can verify signatures; others are passed over, as RFC 7517 demands of those that
    /// are not known.
    pub fn parse(bytes: &[u8]) -> Result<KeySet, String> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Value>,
        }
        let set: Set =
            serde_json::from_slice(bytes).map_err(|_| "expected a JSON object with keys")?;
        let keys: Vec<Key> = set.keys.into_iter().take(KEYS_MAX).filter_map(Key::read).collect();
        if keys.is_empty() {
            return Err("expected at least one public key for signatures".to_owned());
        }
        Ok(KeySet { keys })
    }

    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// The key of a token: by its id, or the only one where the token names none.
    pub fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Option<&Key> {
        let mut fitting = self.keys.iter().filter(|key| {
            key.key.family() == algorithm.family()
                && key.algorithm.is_none_or(|only| only == algorithm)
                && id.is_none_or(|id| key.id.as_deref() == Some(id))
        });
        fitting.next().filter(|_| fitting.next().is_none())
    }

    /// Those that the other has not.
    pub fn without(&self, other: &KeySet) -> Vec<Fingerprint> {
        let is_gone = |key: &&Key| !other.keys.contains(key);
        self.keys.iter().filter(is_gone).map(|key| key.fingerprint).collect()
    }
}

impl Key {
    fn read(value: Value) -> Option<Key> {
        let fingerprint = Sha256::digest(value.to_string().as_bytes()).into();
        let jwk: Jwk = serde_json::from_value(value).ok()?;
        let is_signing = matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature));
        let algorithm = match jwk.common.key_algorithm {
            Some(named) => Some(Algorithm::try_from(named).ok()?),
            None => None,
        };
        let key = DecodingKey::from_jwk(&jwk).ok()?;
        let is_public = key.family() != AlgorithmFamily::Hmac;
        let id = jwk.common.key_id;
        (is_signing && is_public).then_some(Key { id, algorithm, fingerprint, key })
    }
}

impl KeySource {
    /// # Errors
    /// If there are none, or they cannot be had.
    pub async fn fetch(&self, rules: &IssuerRules) -> Result<KeySet, String> {
        let bytes = match self {
            KeySource::File(path) => {
                let read = tokio::fs::read(path).await;
                read.map_err(|error| format!("{}: {error}", path.display()))?
            }
            KeySource::Url(url) => get(rules.address_rules, url).await?,
            KeySource::Discovery(issuer) => {
                let url = discover(rules.address_rules, issuer).await?;
                get(rules.address_rules, &url).await?
            }
        };
        KeySet::parse(&bytes)
    }
}

/// Where the keys of an issuer are, as it says itself.
async fn discover(rules: AddressRules, issuer: &str) -> Result<String, String> {
    #[derive(Deserialize)]
    struct Configuration {
        issuer: String,
        jwks_uri: String,
    }
    let url = format!("{}{DISCOVERY}", issuer.trim_end_matches('/'));
    let bytes = get(rules, &url).await?;
    let found: Configuration = serde_json::from_slice(&bytes)
        .map_err(|_| "its configuration: expected a JSON object with issuer and jwks_uri")?;
    if found.issuer != issuer {
        return Err("its configuration is that of another issuer".to_owned());
    }
    Ok(found.jwks_uri)
}

async fn get(rules: AddressRules, url: &str) -> Result<Vec<u8>, String> {
    let url = rules.check(url)?;
    let client = outbound::client(rules, url.scheme() == "https", TIMEOUT);
    let client = client.map_err(|error| outbound::describe(&error))?;
    let answer = client.get(url).send().await.map_err(|error| outbound::describe(&error))?;
    if !answer.status().is_success() {
        return Err(format!("HTTP {}", answer.status().as_u16()));
    }
    let mut answer = answer;
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| outbound::describe(&error))? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > BYTES_MAX {
            return Err(format!("expected at most {BYTES_MAX} bytes"));
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn set(keys: Value) -> Result<KeySet, String> {
        KeySet::parse(json!({ "keys": keys }).to_string().as_bytes())
    }

    fn ed(id: Option<&str>) -> Value {
        let mut key = json!({
            "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        });
        if let Some(id) = id {
            key["kid"] = id.into();
        }
        key
    }

    #[test]
    fn a_key_is_found_by_its_id_and_what_it_is_for() {
        let keys = set(json!([ed(Some("a")), ed(Some("b"))])).unwrap();
        assert!(keys.find(Some("a"), Algorithm::EdDSA).is_some());
        assert!(keys.find(Some("c"), Algorithm::EdDSA).is_none());
        assert!(keys.find(Some("a"), Algorithm::RS256).is_none(), "of another family");
        assert!(keys.find(None, Algorithm::EdDSA).is_none(), "there are two");
        let one = set(json!([ed(None)])).unwrap();
        assert!(one.find(None, Algorithm::EdDSA).is_some());
        assert!(one.find(Some("../../etc/passwd"), Algorithm::EdDSA).is_none());
        assert_eq!(keys.without(&one).len(), 2);
        assert!(keys.without(&keys).is_empty());
    }

    #[test]
    fn keys_for_anything_else_are_passed_over() {
        let mut encrypts = ed(Some("enc"));
        encrypts["use"] = "enc".into();
        let mut other = ed(Some("other"));
        other["alg"] = "RSA-OAEP".into();
        let secret = json!({ "kty": "oct", "kid": "oct", "k": "c2VjcmV0" });
        let unknown = json!({ "kty": "lattice", "kid": "pq" });
        let keys = set(json!([encrypts, other, secret, unknown, 7, ed(Some("a"))])).unwrap();
        assert_eq!(keys.len(), 1);
        assert!(set(json!([secret])).is_err() && set(json!([])).is_err());
        assert!(KeySet::parse(b"{}").is_err() && KeySet::parse(b"[").is_err());
    }
}
