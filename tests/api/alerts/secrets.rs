//! Secrets of webhooks at rest: encrypted with the keys of a file, over starts, rotations of the
//! key, and starts that are refused.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::net::TcpListener;
use tollgate::config::Config;
use tollgate::proto::v1;
use tollgate::server::Signals;

use crate::alerts::webhooks::{deliveries, is, until};
use crate::alerts::{create_webhook, spend, webhook};
use crate::fixtures::{ACME, audit_events, check, set_plan, set_up};
use crate::receiver::{Posted, Receiver};
use crate::server::{Server, TestClock, database, open};
use crate::stored::{holds, meddle};

/// A database, and the file of keys beside it.
struct Place {
    folder: tempfile::TempDir,
    clock: Arc<TestClock>,
}

impl Place {
    fn new() -> Place {
        Place { folder: tempfile::tempdir().unwrap(), clock: Arc::default() }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn key_file(&self) -> PathBuf {
        self.path().join("keys")
    }

    /// With these keys; without any there is no file.
    fn config(&self, keys: &[u8]) -> Config {
        let lines: Vec<String> = keys.iter().map(|key| STANDARD.encode([*key; 32])).collect();
        fs::write(self.key_file(), lines.join("\n")).unwrap();
        Config {
            webhooks_allow_loopback: true,
            encryption_key_file: (!keys.is_empty()).then(|| self.key_file()),
            ..Config::default()
        }
    }

    async fn start(&self, keys: &[u8]) -> Server {
        Server::start_in(self.path(), self.clock.clone(), self.config(keys)).await
    }

    /// Why a server does not start.
    async fn refusal(&self, config: Config) -> String {
        let (store, clock) = (open(self.path()).await, self.clock.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let signals = Signals::shutdown(std::future::pending());
        let ended = tollgate::server::run(config, listener, store.clone(), clock, signals).await;
        store.close().await;
        ended.unwrap_err().to_string()
    }

    /// Whether a secret, as it was shown, is anywhere in the database.
    async fn holds(&self, secret: &str) -> bool {
        let url = database(self.path()).await;
        let stored = secret.strip_prefix("whsec_").unwrap();
        // The beginning too: of what is overwritten the end may be left.
        holds(&url, stored).await || holds(&url, &stored[..20]).await
    }
}

async fn rotate(server: &Server, id: &str) -> String {
    let request =
        v1::RotateWebhookSecretRequest { workspace_id: ACME.to_owned(), webhook_id: id.to_owned() };
    server.alert().rotate_webhook_secret(request).await.unwrap().into_inner().secret
}

/// Sends the first delivery again.
async fn deliver_again(server: &Server, receiver: &mut Receiver) -> Posted {
    let last = deliveries(server).await.pop().unwrap();
    let attempts = last.attempt_count + 1;
    let repeat =
        v1::RepeatDeliveryRequest { workspace_id: ACME.to_owned(), delivery_id: last.delivery_id };
    server.alert().repeat_delivery(repeat).await.unwrap();
    let posted = receiver.next().await;
    let delivered = v1::DeliveryState::Delivered;
    until(server, |all| is(all.last().unwrap(), delivered, attempts)).await;
    posted
}

#[tokio::test]
async fn secrets_are_encrypted_from_the_first_start_with_a_key_on() {
    let place = Place::new();
    let server = place.start(&[]).await;
    set_up(&server).await;
    set_plan(&server, "3", "1", "2026-01-01").await.unwrap();
    let mut receiver = Receiver::start(&[]).await;
    let (_, first) = create_webhook(&server, webhook("w", &receiver.url)).await.unwrap();
    let second = rotate(&server, "w").await;
    spend(&server, "r-1").await;
    let posted = receiver.next().await;
    assert!(posted.is_signed_with(&first) && posted.is_signed_with(&second));
    let delivered = v1::DeliveryState::Delivered;
    until(&server, |all| all.len() == 1 && is(&all[0], delivered, 1)).await;
    server.stop().await.unwrap();
    assert!(place.holds(&first).await && place.holds(&second).await);

    let server = place.start(&[1]).await;
    let posted = deliver_again(&server, &mut receiver).await;
    assert!(posted.is_signed_with(&first) && posted.is_signed_with(&second));
    // Nothing is left of them while the server runs, and what comes now was never plain.
    assert!(!place.holds(&first).await && !place.holds(&second).await);
    let mut other = Receiver::start(&[]).await;
    let (_, third) = create_webhook(&server, webhook("x", &other.url)).await.unwrap();
    let fourth = rotate(&server, "x").await;
    server.stop().await.unwrap();
    let secrets = [&first, &second, &third, &fourth];
    for secret in secrets {
        assert!(!place.holds(secret).await);
    }
    let url = database(place.path()).await;
    let (key_1, key_2) = (sealed_with(1), sealed_with(2));
    assert!(holds(&url, &key_1).await);

    // A new key before the old one encrypts everything again; then the old one may go.
    for keys in [&[2, 1][..], &[2]] {
        let server = place.start(keys).await;
        let posted = deliver_again(&server, &mut receiver).await;
        assert!(posted.is_signed_with(&first) && posted.is_signed_with(&second), "{keys:?}");
        server.stop().await.unwrap();
        assert!(holds(&url, &key_2).await);
    }
    let server = place.start(&[2]).await;
    spend(&server, "r-2").await;
    let posted = other.next().await;
    assert!(posted.is_signed_with(&third) && posted.is_signed_with(&fourth));
    for event in audit_events(&server, ACME).await {
        for secret in secrets {
            let shown = secret.strip_prefix("whsec_").unwrap();
            assert!(!format!("{event:?}").contains(shown) && !format!("{event:?}").contains("v1:"));
        }
    }
    server.stop().await.unwrap();
    for secret in secrets {
        assert!(!place.holds(secret).await);
    }
}

/// What secrets that are encrypted with a key begin with in the database. The ids are those of an
/// independent implementation.
fn sealed_with(key: u8) -> String {
    let ids = ["919a072c", "1e7053ac"];
    format!("v1:{}:", ids[usize::from(key) - 1])
}

#[tokio::test]
async fn a_server_whose_keys_do_not_open_the_secrets_does_not_start() {
    let place = Place::new();
    let server = place.start(&[1]).await;
    set_up(&server).await;
    set_plan(&server, "3", "1", "2026-01-01").await.unwrap();
    let url = "https://example.com/hook";
    for index in 0..12 {
        create_webhook(&server, webhook(&format!("w-{index:02}"), url)).await.unwrap();
    }
    server.usage().check_and_route(check("held", "big")).await.unwrap();
    server.stop().await.unwrap();

    let without = place.refusal(place.config(&[])).await;
    let expected = "encryption_key_file: expected, because webhooks have encrypted secrets: \
                    acme/w-00, encrypted with the key ";
    assert!(without.starts_with(expected), "{without}");
    assert!(without.contains("acme/w-09") && without.ends_with("; and 2 others"), "{without}");
    let wrong = place.refusal(place.config(&[2, 3])).await;
    let expected = "encryption_key_file: its keys (";
    assert!(wrong.starts_with(expected) && wrong.contains("acme/w-00, encrypted"), "{wrong}");
    assert!(wrong.contains("which is not there"), "{wrong}");
    let config = place.config(&[1]);
    fs::write(place.key_file(), format!("{}\nhidden", STANDARD.encode([1; 32]))).unwrap();
    let broken = place.refusal(config.clone()).await;
    assert!(broken.starts_with("encryption_key_file: ") && broken.contains("keys, line 2: expect"));
    assert!(!broken.contains("hidden"), "{broken}");
    fs::remove_file(place.key_file()).unwrap();
    let missing = place.refusal(config).await;
    assert!(missing.contains("keys: No such file"), "{missing}");

    // None of these starts has touched anything: the last server stopped, and did not crash.
    let server = place.start(&[1]).await;
    let request = v1::ListHoldsRequest { workspace_id: ACME.to_owned(), ..Default::default() };
    let holds = server.usage().list_holds(request).await.unwrap().into_inner().holds;
    assert_eq!(holds.len(), 1);
    assert_eq!(holds[0].request_id, "held");
}

#[tokio::test]
async fn a_secret_that_was_moved_signs_nothing() {
    let place = Place::new();
    let server = place.start(&[1]).await;
    set_up(&server).await;
    set_plan(&server, "3", "1", "2026-01-01").await.unwrap();
    let mut receiver = Receiver::start(&[]).await;
    let known = v1::Webhook { disabled: true, ..webhook("known", &receiver.url) };
    create_webhook(&server, known).await.unwrap();
    create_webhook(&server, webhook("w", &receiver.url)).await.unwrap();
    let url = database(place.path()).await;
    let move_secret = "UPDATE webhooks SET secret = \
                       (SELECT secret FROM webhooks WHERE id = 'known') WHERE id = 'w'";
    meddle(&url, move_secret).await;
    spend(&server, "r-1").await;
    let of_w = |all: &[v1::Delivery]| {
        all.iter().find(|it| it.webhook_id == "w").cloned().filter(|it| it.attempt_count > 0)
    };
    let found = until(&server, |all| of_w(all).is_some()).await;
    let error = of_w(&found).unwrap().last_error;
    assert!(error.starts_with("not sent: its secret is encrypted with the key "), "{error}");
    assert!(error.ends_with("and changed or moved since"), "{error}");
    assert!(receiver.try_next().is_none());
    server.stop().await.unwrap();
    let refused = place.refusal(place.config(&[1])).await;
    assert!(refused.contains("acme/w, encrypted") && !refused.contains("known"), "{refused}");
}
