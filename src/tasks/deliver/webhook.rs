//! Sends an alert to a webhook by the Standard Webhooks convention, version 1: signed over id, time
//! and body.
//!
//! Reads no answer beyond its head.

use std::sync::OnceLock;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::DateTime;
use hmac::{Hmac, KeyInit, Mac};
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use sha2::Sha256;
use tokio::time::{Instant, timeout};

use super::{ATTEMPT_TIMEOUT, Sent, bounded};
use crate::domain::Time;
use crate::domain::alert::secret::{SigningSecret, SigningSecrets};
use crate::domain::time::MICROS_PER_SECOND;
use crate::engine::alerts::address::AddressRules;
use crate::engine::alerts::webhook_test::{Post, Posted, WebhookSender};
use crate::outbound::{self, describe};

pub const ID_HEADER: &str = "webhook-id";
pub const TIMESTAMP_HEADER: &str = "webhook-timestamp";
pub const SIGNATURE_HEADER: &str = "webhook-signature";
const JSON: &str = "application/json";

/// Sends to all webhooks.
pub struct Client {
    rules: AddressRules,
    https: OnceLock<Result<reqwest::Client, String>>,
    http: OnceLock<Result<reqwest::Client, String>>,
}

impl Client {
    pub fn new(rules: AddressRules) -> Client {
        Client { rules, https: OnceLock::new(), http: OnceLock::new() }
    }

    /// Makes one attempt to deliver an alert.
    pub(super) async fn send(&self, post: Post<'_>) -> Sent {
        let now = post.now;
        match self.request(post).await {
            Ok(answer) => judge(answer.status(), answer.headers(), now),
            Err(error) => Sent::failed(error),
        }
    }

    /// Posts a body, signed; why there is no answer if there is none.
    async fn request(&self, post: Post<'_>) -> Result<reqwest::Response, String> {
        let Post { webhook, secrets, id, now, body } = post;
        // Again, as when it was created: the configuration may have changed since.
        let url = self.rules.check(&webhook.url);
        let url = url.map_err(|expected| format!("not sent: {expected}"))?;
        let client = self.client(url.scheme() == "https");
        let client = client.map_err(|cause| format!("not sent: {cause}"))?;
        let timestamp = now.micros().div_euclid(MICROS_PER_SECOND);
        let request = client
            .post(url)
            .header(CONTENT_TYPE, JSON)
            .header(ID_HEADER, id)
            .header(TIMESTAMP_HEADER, timestamp.to_string())
            .header(SIGNATURE_HEADER, signatures(secrets, id, now, &body))
            .body(body);
        request.send().await.map_err(|error| describe(&error))
    }

    /// Made when first needed: it reads the certificates of the system.
    fn client(&self, is_https: bool) -> Result<&reqwest::Client, String> {
        let cell = if is_https { &self.https } else { &self.http };
        let made = cell.get_or_init(|| {
            let client = outbound::client(self.rules, is_https, ATTEMPT_TIMEOUT);
            client.map_err(|error| describe(&error))
        });
        made.as_ref().map_err(Clone::clone)
    }
}

#[async_trait]
impl WebhookSender for Client {
    async fn post(&self, post: Post<'_>) -> Posted {
        let begun = Instant::now();
        let request = self.request(post);
        let answer = timeout(ATTEMPT_TIMEOUT, request).await;
        let answer = answer.unwrap_or_else(|_| Err("timed out".to_owned()));
        let latency = begun.elapsed();
        match answer.map(|answer| answer.status()) {
            Ok(status) => {
                let error = match status.is_success() {
                    true => String::new(),
                    false => format!("HTTP {}", status.as_u16()),
                };
                Posted { http_status: Some(status.as_u16()), error, latency }
            }
            Err(error) => Posted { http_status: None, error: bounded(&error), latency },
        }
    }
}

/// Signatures with the secret and, for a while, with the one before; separated by spaces.
fn signatures(secrets: &SigningSecrets, id: &str, now: Time, body: &str) -> String {
    let timestamp = now.micros().div_euclid(MICROS_PER_SECOND);
    let mut text = sign(&secrets.current, id, timestamp, body);
    if let Some((secret, _)) = secrets.old.as_ref().filter(|(_, until)| *until > now) {
        text.push(' ');
        text.push_str(&sign(secret, id, timestamp, body));
    }
    text
}

fn sign(secret: &SigningSecret, id: &str, timestamp: i64, body: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.bytes());
    let mut mac = mac.expect("a key may have any length");
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

fn judge(status: StatusCode, headers: &HeaderMap, now: Time) -> Sent {
    if status.is_success() {
        return Sent::Delivered;
    }
    if status == StatusCode::GONE {
        return Sent::Gone;
    }
    let may_ask =
        [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE].contains(&status);
    let retry_after = headers.get(RETRY_AFTER).filter(|_| may_ask);
    let retry_after = retry_after.and_then(|value| retry_after_of(value.to_str().ok()?, now));
    Sent::Failed { error: format!("HTTP {}", status.as_u16()), retry_after }
}

/// Seconds, or a date.
fn retry_after_of(text: &str, now: Time) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = DateTime::parse_from_rfc2822(text.trim()).ok()?;
    let micros = Time::from_utc(date.to_utc()) - now;
    u64::try_from(micros).ok().map(Duration::from_micros)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::alert::receiver::Webhook;
    use crate::domain::alert::secret::StoredSecret;

    fn secrets() -> SigningSecrets {
        SigningSecrets {
            current: SigningSecret::new("the secret"),
            old: Some((SigningSecret::new("the one before"), Time::from_micros(5_000_000))),
        }
    }

    fn webhook(url: &str) -> Webhook {
        Webhook {
            id: "w".into(),
            url: url.to_owned(),
            types: Vec::new(),
            disabled: false,
            display_name: String::new(),
            secret: StoredSecret::Plain(SigningSecret::new("the secret")),
            old_secret: None,
            create_time: Time::default(),
            update_time: Time::default(),
        }
    }

    #[test]
    fn the_signature_is_that_of_the_convention() {
        // The example of the specification's libraries, with the secret
        // whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw.
        let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let secret = SigningSecret::new(secret);
        let signature = sign(&secret, id, 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn the_secret_before_signs_for_a_while() {
        let at = |micros| signatures(&secrets(), "id", Time::from_micros(micros), "{}");
        assert_eq!(at(4_999_999).split(' ').count(), 2);
        assert_eq!(at(5_000_000).split(' ').count(), 1);
    }

    #[test]
    fn a_pause_is_asked_for_in_seconds_or_as_a_date() {
        let now = Time::from_utc("2026-03-15T12:00:00Z".parse().unwrap());
        for (text, expected) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Sun, 15 Mar 2026 12:01:00 GMT", Some(60)),
            ("Sun, 15 Mar 2026 11:00:00 GMT", None),
            ("soon", None),
            ("-1", None),
            ("", None),
        ] {
            let expected = expected.map(Duration::from_secs);
            assert_eq!(retry_after_of(text, now), expected, "{text:?}");
        }
    }

    async fn error_of(rules: AddressRules, url: &str) -> String {
        let (webhook, secrets, body) = (webhook(url), secrets(), "{}".to_owned());
        let (webhook, secrets, now) = (&webhook, &secrets, Time::default());
        let post = Post { webhook, secrets, id: "id", now, body };
        let sent = Client::new(rules).send(post).await;
        let Sent::Failed { error, .. } = sent else { panic!("it was sent") };
        error
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_has_an_end() {
        // Takes connections and never answers.
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let rules = AddressRules { allow_loopback: true, allow_private: false };
        let begun = tokio::time::Instant::now();
        assert_eq!(error_of(rules, &url).await, "timed out");
        assert!(begun.elapsed() >= ATTEMPT_TIMEOUT);
    }

    #[tokio::test]
    async fn names_are_judged_by_what_they_resolve_to() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let nothing = AddressRules::default();
        let both = AddressRules { allow_loopback: true, allow_private: true };
        let url = format!("https://localhost:{port}/hook?token=secret");
        assert!(error_of(nothing, &url).await.starts_with("not sent: expected"));
        // Allowed, but nobody there speaks TLS.
        let closing = async { drop(listener.accept().await.unwrap()) };
        let (error, ()) = tokio::join!(error_of(both, &url), closing);
        assert!(error.starts_with("no connection: "), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
}
