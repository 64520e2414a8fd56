//! Tokens of identity providers (JWT, RFC 7519), verified with the keys of their issuers.
//!
//! The issuer is looked up by the claim of the token, which is believed only once the signature is
//! verified with a key of that issuer, by an algorithm that its rules name. Keys and addresses that
//! the token itself carries (`jwk`, `jku`, `x5c`, `x5u`) are not looked at.

use std::sync::Arc;

use jsonwebtoken::dangerous::insecure_decode;
use jsonwebtoken::{Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::claims;
use super::crypto;
use super::jwks::Issuer;
use super::known::Fingerprint;
use super::rules::is_id;
use crate::domain::Time;
use crate::domain::access::Identity;
use crate::domain::time::{MICROS_PER_SECOND, Micros};

/// Longest claim `sub`, by OpenID Connect.
const SUBJECT_CHARS_MAX: usize = 255;

/// Why a token is refused. Nothing of the token is repeated.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("it is malformed")]
    Malformed,
    #[error("its issuer is not trusted")]
    UnknownIssuer,
    #[error("its algorithm is not one of its issuer's")]
    Algorithm,
    #[error("its key is not one of its issuer's")]
    UnknownKey,
    #[error("its signature, issuer or audience is not valid, or a claim is missing")]
    Invalid,
    #[error("it has expired")]
    Expired,
    #[error("it is not valid yet")]
    NotYetValid,
    #[error("{0}")]
    Unmapped(String),
}

/// A token that is valid.
pub struct Verified {
    pub identity: Identity,
    /// Of the key that signed it.
    pub key: Fingerprint,
}

#[derive(Deserialize)]
struct IssuerClaim {
    iss: String,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: f64,
    nbf: Option<f64>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// # Errors
/// If the token is not valid at `now`, or no rule says what it stands for.
pub fn verify(token: &str, issuers: &[Issuer], now: Time) -> Result<Verified, Refused> {
    crypto::install();
    let header = decode_header(token).map_err(|_| Refused::Malformed)?;
    let unverified: IssuerClaim = insecure_decode(token).map_err(|_| Refused::Malformed)?.claims;
    let issuer = issuers.iter().find(|issuer| issuer.rules.issuer == unverified.iss);
    let issuer = issuer.ok_or(Refused::UnknownIssuer)?;
    let rules = &issuer.rules;
    // Extensions that it demands, of which none is known (RFC 7515, 4.1.11).
    if header.crit.is_some() {
        return Err(Refused::Malformed);
    }
    if !rules.algorithms.contains(&header.alg) {
        return Err(Refused::Algorithm);
    }
    let keys = issuer.keys.load();
    let key = keys.find(header.kid.as_deref(), header.alg).ok_or(Refused::UnknownKey)?;

    let mut validation = Validation::new(header.alg);
    validation.set_issuer(&[&rules.issuer]);
    validation.set_audience(&rules.audiences);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    // Below, by the clock of the server.
    validation.validate_exp = false;
    let claims = decode::<Claims>(token, &key.key, &validation).map_err(|_| Refused::Invalid)?;
    let claims = claims.claims;
    let leeway = Micros::from(rules.leeway_seconds) * MICROS_PER_SECOND;
    let expire_time = time(claims.exp) + leeway;
    if expire_time <= now {
        return Err(Refused::Expired);
    }
    if claims.nbf.is_some_and(|start| time(start) > now + leeway) {
        return Err(Refused::NotYetValid);
    }
    if !is_id(&claims.sub, SUBJECT_CHARS_MAX) {
        return Err(Refused::Unmapped("claim sub: expected 1 to 255 characters".to_owned()));
    }
    let name: Arc<str> = format!("jwt:{}@{}", claims.sub, rules.issuer).into();
    let mut all = claims.others;
    all.insert("sub".to_owned(), claims.sub.into());
    let identity = claims::identity(&all, &rules.rules, name, expire_time);
    let identity = identity.map_err(Refused::Unmapped)?;
    Ok(Verified { identity, key: key.fingerprint })
}

/// Of seconds since 1970; the bounds of what can be said stand for what is beyond.
fn time(seconds: f64) -> Time {
    let micros = (seconds * MICROS_PER_SECOND as f64) as i64;
    // Room for the leeway.
    let latest = Time::LATEST.micros() - MICROS_PER_SECOND * 1_000;
    Time::from_micros(micros.clamp(Time::EARLIEST.micros(), latest))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use hmac::{Hmac, KeyInit, Mac};
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
    use serde_json::json;
    use sha2::Sha256;

    use super::super::rules::Rules;
    use super::*;
    use crate::domain::access::Role;
    use crate::identity::jwks::KeySet;

    const ISSUER: &str = "https://id.example";
    const NOW: i64 = 1_800_000_000;

    fn encode(bytes: impl AsRef<[u8]>) -> String {
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn at(seconds: i64) -> Time {
        Time::from_micros(seconds * MICROS_PER_SECOND)
    }

    /// A provider with one key on P-256.
    struct Provider {
        pair: EcdsaKeyPair,
        issuers: Vec<Issuer>,
    }

    impl Provider {
        fn new() -> Provider {
            let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
            let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
            let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap();
            let point = pair.public_key().as_ref();
            let key = json!({
                "kty": "EC", "crv": "P-256", "kid": "one", "use": "sig",
                "x": encode(&point[1..33]), "y": encode(&point[33..]),
            });
            let text = format!(
                "[[issuers]]\nissuer = \"{ISSUER}\"\naudiences = [\"gate\", \"other\"]\n\
                 algorithms = [\"ES256\"]\n\
                 [[issuers.rules]]\nclaims = {{ groups = \"finops\", tier = \"gold\" }}\n\
                 role = \"admin\"\nworkspaces_claim = \"tenants\"\n\
                 [[issuers.rules]]\nclaims = {{ groups = \"users\" }}\nrole = \"holder\"\n\
                 workspaces = [\"acme\"]\nuser_claim = \"sub\"\n"
            );
            let rules = Rules::parse(std::path::Path::new("i.toml"), &text).unwrap();
            let issuer = Issuer::new(rules.issuers[0].clone());
            let keys = KeySet::parse(json!({ "keys": [key] }).to_string().as_bytes()).unwrap();
            issuer.keys.store(Arc::new(keys));
            Provider { pair, issuers: vec![issuer] }
        }

        fn sign(&self, header: &Value, claims: &Value) -> String {
            let message = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
            let signature = self.pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
            format!("{message}.{}", encode(signature))
        }

        fn verify(&self, token: &str) -> Result<Verified, Refused> {
            verify(token, &self.issuers, at(NOW))
        }

        /// How a token with these changes of its header and claims fares.
        fn outcome(&self, header: Value, claims: Value) -> Result<Identity, Refused> {
            let changed = |mut base: Value, changes: Value| {
                for (name, value) in changes.as_object().unwrap() {
                    base[name] = value.clone();
                }
                // A claim that is set to null is absent.
                base.as_object_mut().unwrap().retain(|_, value| !value.is_null());
                base
            };
            let token =
                self.sign(&changed(valid_header(), header), &changed(valid_claims(), claims));
            self.verify(&token).map(|verified| verified.identity)
        }
    }

    fn valid_header() -> Value {
        json!({ "alg": "ES256", "typ": "JWT", "kid": "one" })
    }

    fn valid_claims() -> Value {
        json!({
            "iss": ISSUER, "aud": "gate", "sub": "ada", "exp": NOW + 60, "nbf": NOW,
            "groups": ["x", "finops"], "tier": "gold", "tenants": ["beta", "acme", "beta"],
        })
    }

    #[test]
    fn claims_are_mapped_by_the_first_rule_that_matches() {
        let provider = Provider::new();
        let admin = provider.outcome(json!({}), json!({})).unwrap();
        assert_eq!((&*admin.name, admin.role), ("jwt:ada@https://id.example", Role::Admin));
        assert_eq!(admin.workspace_ids, ["acme".into(), "beta".into()]);
        assert_eq!(admin.expire_time, Some(at(NOW + 60 + 30)), "with the leeway");
        let holder = provider.outcome(json!({}), json!({ "groups": "users" })).unwrap();
        assert_eq!((holder.role, &*holder.holder.unwrap().id), (Role::Holder, "ada"));
        for claims in [
            json!({ "groups": ["other"] }),
            json!({ "tier": "silver" }),
            json!({ "tenants": null }),
            json!({ "tenants": [""] }),
            json!({ "tenants": ["x".repeat(64)] }),
            json!({ "tenants": [7] }),
            json!({ "sub": "" }),
            json!({ "sub": "a\nb" }),
            json!({ "sub": "x".repeat(256) }),
        ] {
            let refused = provider.outcome(json!({}), claims.clone()).unwrap_err();
            assert!(matches!(refused, Refused::Unmapped(_)), "{claims}: {refused}");
        }
    }

    #[test]
    fn a_token_is_for_this_server_and_this_time() {
        let provider = Provider::new();
        let outcome = |claims| provider.outcome(json!({}), claims).map(drop);
        for claims in [
            json!({ "exp": NOW - 29 }),
            json!({ "exp": NOW as f64 + 0.5 }),
            json!({ "exp": i64::MAX }),
            json!({ "nbf": NOW + 30 }),
            json!({ "nbf": null }),
            json!({ "aud": ["elsewhere", "other"] }),
        ] {
            assert_eq!(outcome(claims.clone()), Ok(()), "{claims}");
        }
        for (claims, refused) in [
            (json!({ "exp": NOW - 30 }), Refused::Expired),
            (json!({ "exp": 0 }), Refused::Expired),
            (json!({ "exp": -1 }), Refused::Invalid),
            (json!({ "exp": 1e300 }), Refused::Invalid),
            (json!({ "nbf": NOW + 31 }), Refused::NotYetValid),
            (json!({ "iss": "https://id.example/" }), Refused::UnknownIssuer),
            (json!({ "iss": [ISSUER] }), Refused::Malformed),
            (json!({ "iss": null }), Refused::Malformed),
            (json!({ "aud": "elsewhere" }), Refused::Invalid),
            (json!({ "aud": ["Gate"] }), Refused::Invalid),
            (json!({ "aud": [] }), Refused::Invalid),
            (json!({ "aud": 7 }), Refused::Invalid),
            (json!({ "aud": null }), Refused::Invalid),
            (json!({ "exp": null }), Refused::Invalid),
            (json!({ "exp": "1900000000" }), Refused::Invalid),
            (json!({ "sub": null }), Refused::Invalid),
        ] {
            assert_eq!(outcome(claims.clone()), Err(refused), "{claims}");
        }
    }

    #[test]
    fn a_token_does_not_choose_how_it_is_verified() {
        let provider = Provider::new();
        let outcome = |header| provider.outcome(header, json!({})).map(drop);
        assert_eq!(outcome(json!({ "kid": null })), Ok(()), "there is one key");
        for (header, refused) in [
            (json!({ "alg": "none" }), Refused::Malformed),
            (json!({ "alg": "None" }), Refused::Malformed),
            (json!({ "alg": "HS256" }), Refused::Algorithm),
            (json!({ "alg": "RS256" }), Refused::Algorithm),
            (json!({ "alg": "ES384" }), Refused::Algorithm),
            (json!({ "alg": null }), Refused::Malformed),
            (json!({ "kid": "two" }), Refused::UnknownKey),
            (json!({ "kid": "" }), Refused::UnknownKey),
            (json!({ "kid": "one' OR '1'='1" }), Refused::UnknownKey),
            (json!({ "kid": "../../../dev/null" }), Refused::UnknownKey),
            (json!({ "crit": ["exp"] }), Refused::Malformed),
        ] {
            assert_eq!(outcome(header.clone()), Err(refused), "{header}");
        }
        // Keys that the token brings along are those of another pair.
        let other = Provider::new();
        let point = other.pair.public_key().as_ref();
        let own = json!({
            "kty": "EC", "crv": "P-256", "x": encode(&point[1..33]), "y": encode(&point[33..]),
        });
        let mut header = valid_header();
        header["jwk"] = own;
        header["jku"] = "https://attacker.example/keys".into();
        let refused = provider.verify(&other.sign(&header, &valid_claims())).err();
        assert_eq!(refused, Some(Refused::Invalid));
    }

    #[test]
    fn signatures_are_those_of_the_key() {
        let provider = Provider::new();
        let token = provider.sign(&valid_header(), &valid_claims());
        let (message, signature) = token.rsplit_once('.').unwrap();
        let (header, claims) = message.split_once('.').unwrap();
        // With the public key as the secret of an HMAC, under each name.
        let point = provider.pair.public_key().as_ref();
        let mac = |alg: &str| {
            let message = format!("{}.{claims}", encode(json!({ "alg": alg }).to_string()));
            let mut mac = Hmac::<Sha256>::new_from_slice(point).unwrap();
            mac.update(message.as_bytes());
            format!("{message}.{}", encode(mac.finalize().into_bytes()))
        };
        let other = encode(json!({ "iss": ISSUER, "aud": "gate", "sub": "eve" }).to_string());
        for forged in [
            mac("HS256"),
            mac("ES256"),
            format!("{message}."),
            message.to_owned(),
            format!("{message}.{}", &signature[1..]),
            format!("{message}.{signature}A"),
            format!("{message}.{}", encode([0; 64])),
            format!("{header}.{other}.{signature}"),
            format!("{token}.{signature}"),
            format!("{token}{token}"),
            token.to_uppercase(),
            format!("{token}="),
            format!(" {token}"),
            String::new(),
            "..".to_owned(),
            "a.b.c".to_owned(),
        ] {
            assert!(provider.verify(&forged).is_err(), "{forged}");
        }
        // Every single character counts. The last one has two bits that say nothing.
        for place in 0..token.len() - 1 {
            let mut forged = token.clone().into_bytes();
            forged[place] = if forged[place] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            assert!(forged == token || provider.verify(&forged).is_err(), "{place}");
        }
        assert!(provider.verify(&token).is_ok());
    }

    /// The examples of RFC 7515, A.2 and A.3, and of RFC 8037, A.4.
    #[test]
    fn signatures_of_the_specifications_are_verified() {
        crypto::install();
        let modulus = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4\
                       qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2j\
                       Z47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7W\
                       TBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK\
                       -DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
        let rsa = json!({ "kty": "RSA", "e": "AQAB", "n": modulus });
        let ec = json!({
            "kty": "EC", "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        });
        let ed = json!({
            "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        });
        let joe = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19y\
                   b290Ijp0cnVlfQ";
        let rs256 = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_\
                     lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO7\
                     5vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOk\
                     HWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWy\
                     wlVmtVrBp0igcN_IoypGlUPQGe77Rw";
        let es256 = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3\
                     -Kg6NU1Q";
        let eddsa = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr\
                     _MuM0KAg";
        let cases = [
            (rsa, "RS256", format!("eyJhbGciOiJSUzI1NiJ9.{joe}"), rs256),
            (ec, "ES256", format!("eyJhbGciOiJFUzI1NiJ9.{joe}"), es256),
            (
                ed,
                "EdDSA",
                "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc".to_owned(),
                eddsa,
            ),
        ];
        for (key, algorithm, message, signature) in cases {
            let keys = KeySet::parse(json!({ "keys": [key] }).to_string().as_bytes()).unwrap();
            let algorithm = algorithm.parse().unwrap();
            let key = &keys.find(None, algorithm).unwrap().key;
            let verify = |message: &str| {
                jsonwebtoken::crypto::verify(signature, message.as_bytes(), key, algorithm)
            };
            assert!(verify(&message).unwrap(), "{algorithm:?}");
            assert!(!verify(&message[1..]).unwrap(), "{algorithm:?}");
        }
    }
}
