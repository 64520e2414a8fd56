//! Secrets of webhooks at rest: read and replaced together, and wiped where they were plain.

use tollgate::domain::alert::receiver::Webhook;
use tollgate::domain::alert::secret::{SigningSecret, StoredSecret, WebhookSecrets};
use tollgate::storage::Error;
use tollgate::storage::settings::Change;

use crate::alerts::{sealed, webhook};
use crate::fixtures::{START, put_in};
use crate::stored::Reading;
use crate::world::World;

const FIRST: &str = include_str!("../../migrations/0001_ledger.sql");
const SECOND: &str = include_str!("../../migrations/0002_limits.sql");

fn secrets(workspace_id: &str, webhook: &Webhook) -> WebhookSecrets {
    WebhookSecrets {
        workspace_id: workspace_id.into(),
        webhook_id: webhook.id.clone(),
        secret: webhook.secret.clone(),
        old_secret: webhook.old_secret.as_ref().map(|(secret, _)| secret.clone()),
    }
}

pub async fn secrets_of_all_webhooks_are_listed_and_replaced(world: &World) {
    let store = world.store().await;
    let rotated = Webhook {
        secret: sealed(b"now"),
        old_secret: Some((sealed(b"before"), START + 7)),
        ..webhook("b")
    };
    for (workspace_id, webhook) in
        [("v", webhook("z")), ("w", webhook("a")), ("w", rotated.clone()), ("x", webhook("a"))]
    {
        put_in(&*store, workspace_id, Change::PutWebhook(webhook)).await;
    }
    let first = store.webhook_secrets(None, 3).await.unwrap();
    let expected =
        [secrets("v", &webhook("z")), secrets("w", &webhook("a")), secrets("w", &rotated)];
    assert_eq!(first, expected);
    let rest = store.webhook_secrets(Some(("w", "b")), 3).await.unwrap();
    assert_eq!(rest, [secrets("x", &webhook("a"))]);
    assert_eq!(store.webhook_secrets(Some(("x", "a")), 3).await.unwrap(), []);

    let put = [
        WebhookSecrets { secret: sealed(b"1"), ..secrets("w", &webhook("a")) },
        WebhookSecrets {
            secret: sealed(b"2"),
            old_secret: Some(sealed(b"3")),
            ..secrets("w", &rotated)
        },
        secrets("w", &webhook("gone")),
        secrets("nowhere", &webhook("a")),
    ];
    for _again in 0..2 {
        store.put_webhook_secrets(&put).await.unwrap();
    }
    let expected = [
        Webhook { secret: sealed(b"1"), ..webhook("a") },
        Webhook { secret: sealed(b"2"), old_secret: Some((sealed(b"3"), START + 7)), ..rotated },
    ];
    assert_eq!(store.webhooks("w").await.unwrap(), expected);
    assert_eq!(store.webhooks("x").await.unwrap(), [webhook("a")], "of another workspace");
    assert_eq!(store.webhook_secrets(None, 9).await.unwrap().len(), 4);
}

pub async fn a_plain_secret_is_known_of_until_it_is_wiped(world: &World) {
    let store = world.store().await;
    assert!(!store.may_hold_plain_secrets().await.unwrap());
    let encrypted = Webhook { secret: sealed(b"s"), ..webhook("a") };
    put_in(&*store, "w", Change::PutWebhook(encrypted.clone())).await;
    assert!(!store.may_hold_plain_secrets().await.unwrap());
    // Also where the one before alone is plain, and after it is gone.
    let plain = StoredSecret::Plain(SigningSecret::new("plain"));
    let rotated = Webhook { old_secret: Some((plain, START)), ..encrypted.clone() };
    put_in(&*store, "w", Change::PutWebhook(rotated)).await;
    put_in(&*store, "w", Change::PutWebhook(encrypted.clone())).await;
    assert!(store.may_hold_plain_secrets().await.unwrap());
    store.close().await;

    let store = world.store().await;
    assert!(store.may_hold_plain_secrets().await.unwrap());
    for _again in 0..2 {
        store.wipe_plain_secrets().await.unwrap();
        assert!(!store.may_hold_plain_secrets().await.unwrap());
    }
    assert_eq!(store.webhooks("w").await.unwrap(), [encrypted]);
    store.put_webhook_secrets(&[secrets("w", &webhook("a"))]).await.unwrap();
    assert!(store.may_hold_plain_secrets().await.unwrap());
}

/// A secret that is nowhere else: its text, which is in base64 as storage has it.
fn plain(number: usize) -> (StoredSecret, String) {
    let secret =
        StoredSecret::Plain(SigningSecret::new(format!("the secret of webhook {number:06}")));
    let text = secret.to_text();
    (secret, text)
}

/// Rows that are changed, moved from page to page, and deleted leave their bytes in many places.
pub async fn nothing_is_left_of_a_secret_that_is_wiped(world: &World) {
    const WEBHOOKS: usize = 300;
    let store = world.store().await;
    let named =
        |number: usize| Webhook { url: "u".repeat(number), ..webhook(&format!("{number}")) };
    for number in 0..WEBHOOKS {
        let old_secret = Some((plain(WEBHOOKS + number).0, START));
        let webhook = Webhook { secret: plain(number).0, old_secret, ..named(number) };
        put_in(&*store, "w", Change::PutWebhook(webhook)).await;
    }
    for number in 0..WEBHOOKS {
        let id = number.to_string().into();
        let longer = Webhook { secret: plain(number).0, ..named(2 * number) };
        let change = match number % 3 {
            0 => Change::DeleteWebhook(id),
            _ => Change::PutWebhook(Webhook { id, ..longer }),
        };
        put_in(&*store, "w", change).await;
    }
    let stored = store.webhook_secrets(None, WEBHOOKS).await.unwrap();
    assert_eq!(stored.len(), WEBHOOKS * 2 / 3);
    let encrypted = |one: &WebhookSecrets| WebhookSecrets {
        secret: sealed(one.webhook_id.as_bytes()),
        old_secret: None,
        ..one.clone()
    };
    let encrypted: Vec<WebhookSecrets> = stored.iter().map(encrypted).collect();
    // What an older transaction might still see is not kept for it.
    let mut older = None;
    if !world.is_sqlite() {
        older = Some(Reading::begin(&world.url, "workspaces").await);
    }
    store.put_webhook_secrets(&encrypted).await.unwrap();
    // What this test is about: it takes more than to replace them.
    assert!(world.holds(&plain(WEBHOOKS - 1).1).await);

    store.wipe_plain_secrets().await.unwrap();
    assert_eq!(store.webhook_secrets(None, WEBHOOKS).await.unwrap(), encrypted);
    for number in 0..2 * WEBHOOKS {
        if number % 7 == 0 || world.is_sqlite() {
            assert!(!world.holds(&plain(number).1).await, "{number}");
        }
    }
    if let Some(older) = older {
        older.end().await;
    }
    // Whatever of a secret: all begin alike.
    let beginning = &plain(0).1[..28];
    assert!(!world.holds(beginning).await);
    store.close().await;
    assert!(!world.holds(beginning).await);
}

pub async fn what_cannot_be_wiped_is_wiped_later(world: &World) {
    let store = world.store().await;
    put_in(&*store, "w", Change::PutWebhook(webhook("a"))).await;
    let sealed = WebhookSecrets { secret: sealed(b"s"), ..secrets("w", &webhook("a")) };
    store.put_webhook_secrets(std::slice::from_ref(&sealed)).await.unwrap();
    let reading = Reading::begin(&world.url, "webhooks").await;
    let error = store.wipe_plain_secrets().await.unwrap_err();
    assert!(matches!(error, Error::NotApplied(_)), "{error}");
    assert!(store.may_hold_plain_secrets().await.unwrap());
    reading.end().await;
    store.wipe_plain_secrets().await.unwrap();
    assert!(!store.may_hold_plain_secrets().await.unwrap());
    assert_eq!(store.webhook_secrets(None, 9).await.unwrap(), [sealed]);
}

pub async fn an_older_database_that_had_a_webhook_is_known_to_have_had_a_secret(world: &World) {
    world.make_old(&[FIRST, SECOND]).await;
    world
        .meddle(
            "INSERT INTO audit_events VALUES \
             ('e', 1, 'ada', 'DeleteWebhook', 'w', 'webhook', 'hook', '{}', NULL)",
        )
        .await;
    assert!(world.store().await.may_hold_plain_secrets().await.unwrap());
}

pub async fn an_older_database_is_known_to_have_plain_secrets(world: &World) {
    world.make_old(&[FIRST, SECOND]).await;
    world
        .meddle(
            "INSERT INTO webhooks VALUES \
             ('w', 'hook', 'https://example.com', '[]', FALSE, '', 'b2xk', 'b2xkZXI=', 5, 1, 1)",
        )
        .await;
    let store = world.store().await;
    assert!(store.may_hold_plain_secrets().await.unwrap());
    let found = store.webhook_secrets(None, 9).await.unwrap();
    let plain = |text: &str| StoredSecret::Plain(SigningSecret::new(text));
    assert_eq!(found[0].secret, plain("old"));
    assert_eq!(found[0].old_secret, Some(plain("older")));
}
