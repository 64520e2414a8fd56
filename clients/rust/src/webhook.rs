//! Says whether what is posted to a webhook comes from the server: Standard Webhooks, version 1.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use sha2::Sha256;

const ID: &str = "webhook-id";
const TIMESTAMP: &str = "webhook-timestamp";
const SIGNATURE: &str = "webhook-signature";
const TOLERANCE: Duration = Duration::from_secs(5 * 60);
/// No more digits than fit into 64 bits.
const TIMESTAMP_DIGITS_MAX: usize = 15;

/// Why a delivery is not taken, or a verifier cannot be made. Nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookError {
    /// There is no secret at all.
    #[error("a webhook verifier needs a secret")]
    NoSecret,
    /// A secret is not one of a webhook.
    #[error("the secret of a webhook is whsec_ and base64")]
    Secret,
    /// A header is not there, or empty.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// The time of the delivery cannot be read.
    #[error("webhook-timestamp is no whole number of seconds")]
    Timestamp,
    /// The delivery is old: somebody may be sending it again. Or the clock here is wrong.
    #[error(
        "webhook-timestamp is {age} s in the {}; expected at most {} s",
        if *is_past { "past" } else { "future" },
        tolerance.as_secs_f64()
    )]
    Age {
        /// Seconds between the time of the delivery and now.
        age: u64,
        /// Whether it was before now.
        is_past: bool,
        /// The most that is taken.
        tolerance: Duration,
    },
    /// The signatures are of other versions.
    #[error("webhook-signature has no signature of version 1, such as v1,…")]
    NoSignature,
    /// Nothing that is signed with one of the secrets.
    #[error(
        "webhook-signature does not fit: the secret is another one, or the body is not as it was \
         sent"
    )]
    Mismatch,
}

/// Verifies the signatures of deliveries.
///
/// The server may post a delivery again: a receiver that has seen its header `webhook-id` may ignore
/// it.
#[derive(Clone)]
pub struct WebhookVerifier {
    keys: Vec<Hmac<Sha256>>,
    tolerance: Duration,
}

impl WebhookVerifier {
    /// Makes one for the secrets that `CreateWebhook` and `RotateWebhookSecret` return: a delivery
    /// that is signed with any of them is verified. While a secret is rotated the server signs with
    /// both, so that the old one or the new one is enough.
    pub fn new<I>(secrets: I) -> Result<Self, WebhookError>
    where
        I: IntoIterator<Item: AsRef<str>>,
    {
        let keys = secrets.into_iter().map(|secret| key(secret.as_ref()));
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            return Err(WebhookError::NoSecret);
        }
        Ok(Self { keys, tolerance: TOLERANCE })
    }

    /// How far the time of a delivery may be from now, in both directions; 5 minutes by default.
    #[must_use]
    pub fn tolerance(mut self, tolerance: Duration) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Succeeds if the delivery with these headers and this body, byte by byte as it came, is from
    /// the server and not old. Answer 400 to one that is not.
    pub fn verify(&self, headers: &HeaderMap, body: &[u8]) -> Result<(), WebhookError> {
        self.verify_at(headers, body, SystemTime::now())
    }

    /// The same at another time than now, for tests and for deliveries that were kept.
    pub fn verify_at(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: SystemTime,
    ) -> Result<(), WebhookError> {
        let [id, timestamp, signatures] =
            [required(headers, ID)?, required(headers, TIMESTAMP)?, required(headers, SIGNATURE)?];
        self.check_time(timestamp, now)?;
        let given = signatures.split(|byte| *byte == b' ');
        let given: Vec<_> = given.filter_map(|signature| signature.strip_prefix(b"v1,")).collect();
        if given.is_empty() {
            return Err(WebhookError::NoSignature);
        }
        for key in &self.keys {
            let mut mac = key.clone();
            for part in [id, b".", timestamp, b".", body] {
                mac.update(part);
            }
            for signature in &given {
                let made = STANDARD.decode(signature);
                // Compares in a time that does not depend on where they differ.
                if made.is_ok_and(|made| mac.clone().verify_slice(&made).is_ok()) {
                    return Ok(());
                }
            }
        }
        Err(WebhookError::Mismatch)
    }

    fn check_time(&self, timestamp: &[u8], now: SystemTime) -> Result<(), WebhookError> {
        let is_number =
            timestamp.len() <= TIMESTAMP_DIGITS_MAX && timestamp.iter().all(u8::is_ascii_digit);
        let text = std::str::from_utf8(timestamp).ok().filter(|_| is_number);
        let sent: u64 = text.and_then(|text| text.parse().ok()).ok_or(WebhookError::Timestamp)?;
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let (age, is_past) = (now.abs_diff(sent), now > sent);
        if Duration::from_secs(age) > self.tolerance {
            return Err(WebhookError::Age { age, is_past, tolerance: self.tolerance });
        }
        Ok(())
    }
}

impl fmt::Debug for WebhookVerifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the keys.
        formatter
            .debug_struct("WebhookVerifier")
            .field("tolerance", &self.tolerance)
            .finish_non_exhaustive()
    }
}

fn required<'h>(headers: &'h HeaderMap, name: &'static str) -> Result<&'h [u8], WebhookError> {
    let value = headers.get(name).map(http::HeaderValue::as_bytes);
    value.filter(|value| !value.is_empty()).ok_or(WebhookError::Missing(name))
}

fn key(secret: &str) -> Result<Hmac<Sha256>, WebhookError> {
    let text = secret.strip_prefix("whsec_").filter(|text| !text.is_empty());
    let key = text.and_then(|text| STANDARD.decode(text).ok()).ok_or(WebhookError::Secret)?;
    Hmac::new_from_slice(&key).map_err(|_| WebhookError::Secret)
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};
    use serde_json::Value;

    use super::*;

    /// Those of all clients.
    fn file() -> Value {
        serde_json::from_str(include_str!("../../conformance/webhook.json")).unwrap()
    }

    fn texts(list: &Value) -> Vec<&str> {
        list.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
    }

    fn verify(case: &Value, verifier: &WebhookVerifier, millis: u64) -> Result<(), WebhookError> {
        let mut headers = HeaderMap::new();
        for (name, value) in case["headers"].as_object().unwrap() {
            let name = HeaderName::try_from(name).unwrap();
            let value = HeaderValue::from_bytes(value.as_str().unwrap().as_bytes()).unwrap();
            headers.insert(name, value);
        }
        let now = UNIX_EPOCH + Duration::from_secs(case["now"].as_u64().unwrap());
        let body = case["body"].as_str().unwrap().as_bytes();
        verifier.verify_at(&headers, body, now + Duration::from_millis(millis))
    }

    #[test]
    fn webhooks_are_verified_as_in_all_clients() {
        let file = file();
        for case in file["verified"].as_array().unwrap() {
            let verifier = WebhookVerifier::new(texts(&case["secrets"])).unwrap();
            for millis in [0, 900] {
                assert_eq!(verify(case, &verifier, millis), Ok(()), "{}", case["about"]);
            }
        }
        for case in file["refused"].as_array().unwrap() {
            let verifier = WebhookVerifier::new(texts(&case["secrets"])).unwrap();
            let error = verify(case, &verifier, 0).expect_err(case["about"].as_str().unwrap());
            assert_eq!(error.to_string(), case["message"].as_str().unwrap(), "{}", case["about"]);
        }
        for secret in texts(&file["secrets_refused"]) {
            assert_eq!(WebhookVerifier::new([secret]).unwrap_err(), WebhookError::Secret);
        }
        let count = |name: &str| file[name].as_array().unwrap().len();
        assert!(count("verified") > 9 && count("refused") > 29 && count("secrets_refused") > 9);
    }

    #[test]
    fn a_verifier_has_a_secret_and_a_tolerance() {
        assert_eq!(WebhookVerifier::new([""; 0]).unwrap_err(), WebhookError::NoSecret);
        let case = &file()["verified"][0];
        let secrets = texts(&case["secrets"]);
        let verifier = WebhookVerifier::new(&secrets).unwrap();
        let later = 1_000 * 301;
        let error = verify(case, &verifier, later).unwrap_err();
        assert!(matches!(error, WebhookError::Age { age: 301, is_past: true, .. }), "{error}");
        let verifier = verifier.tolerance(Duration::from_secs(301));
        assert_eq!(verify(case, &verifier, later), Ok(()));
        let shown = format!("{verifier:?}");
        assert!(shown.contains("301") && !shown.contains("keys"), "{shown}");
    }
}
