//! Alerts, receivers and deliveries.

use tollgate::domain::alert::anomaly::{AnomalyKind, AnomalyMember, AnomalyMetric};
use tollgate::domain::alert::receiver::{EmailReceiver, Webhook};
use tollgate::domain::alert::secret::{KeyId, SealedSecret, SigningSecret, StoredSecret};
use tollgate::domain::alert::{
    Alert, AlertAnomaly, AlertKey, AlertRecord, AlertSubject, AlertType,
};
use tollgate::domain::attribution::{Dimension, SubjectKind};
use tollgate::domain::quota::Unit;
use tollgate::storage::alerts::{
    AlertFilter, AlertSubjectFilter, Delivery, DeliveryFilter, DeliveryState, Receiver, StoredAlert,
};
use tollgate::storage::settings::Change;
use tollgate::storage::{Error, Store};

use crate::fixtures::{START, put_in};
use crate::world::World;

fn about(subject: AlertSubject, alert_type: AlertType, threshold: u16) -> AlertKey {
    AlertKey { subject, alert_type, window_start: START, threshold, base_limit: 100 }
}

fn of_quota(quota_id: &str, kind: SubjectKind, subject_id: &str) -> AlertSubject {
    AlertSubject::Quota { quota_id: quota_id.into(), kind, subject_id: subject_id.into() }
}

/// Each under its own key: the threshold is its position.
pub fn alert(seq: i64) -> StoredAlert {
    let threshold = u16::try_from(seq).unwrap();
    stored(seq, about(AlertSubject::Workspace, AlertType::Threshold, threshold))
}

fn stored(seq: i64, key: AlertKey) -> StoredAlert {
    let alert = Alert {
        key,
        window_end: Some(START + 86_400_000_000),
        unit: Some(Unit::Money),
        limit: 100,
        spent: 50,
        time: START + seq,
        record: None,
        anomaly: None,
    };
    StoredAlert { seq, workspace_id: "w".into(), alert, acknowledged: None }
}

pub fn delivery(id: &str, alert_seq: i64) -> Delivery {
    Delivery {
        id: id.into(),
        workspace_id: "w".into(),
        alert_seq,
        receiver: Receiver::Webhook("hook".into()),
        state: DeliveryState::Pending,
        attempts: 0,
        next_attempt_time: START,
        last_error: String::new(),
        create_time: START,
        finish_time: None,
    }
}

pub fn webhook(id: &str) -> Webhook {
    Webhook {
        id: id.into(),
        url: "https://example.com/hook?a=b".to_owned(),
        types: vec![],
        disabled: false,
        display_name: String::new(),
        secret: StoredSecret::Plain(SigningSecret::new(Vec::from_iter(0..=255))),
        old_secret: None,
        create_time: START,
        update_time: START + 1,
    }
}

/// Encrypted, as storage takes it: it opens none.
pub fn sealed(bytes: &[u8]) -> StoredSecret {
    let key_id = KeyId([0, 0xab, 1, 0xff]);
    StoredSecret::Sealed(SealedSecret { key_id, bytes: bytes.to_vec() })
}

async fn all(store: &dyn Store) -> Vec<StoredAlert> {
    let filter = AlertFilter { workspace_id: "w".to_owned(), ..AlertFilter::default() };
    let mut alerts = store.alerts(&filter, None, usize::MAX).await.unwrap();
    alerts.reverse();
    alerts
}

fn of_workspace(id: &str) -> DeliveryFilter {
    DeliveryFilter { workspace_id: id.to_owned(), ..DeliveryFilter::default() }
}

async fn delivery_ids(store: &dyn Store) -> String {
    let found = store.deliveries(&of_workspace("w"), None, usize::MAX).await.unwrap();
    found.iter().rev().map(|delivery| &*delivery.id).collect()
}

pub async fn alerts_of_all_kinds_come_back(world: &World) {
    let store = world.store().await;
    let keys = [
        about(AlertSubject::Workspace, AlertType::InOverage, 0),
        about(AlertSubject::Workspace, AlertType::HoldsExpired, 0),
        about(AlertSubject::Model("m".into()), AlertType::FallbackBegan, 0),
        about(AlertSubject::Model("m".into()), AlertType::UnpricedModel, 0),
        about(of_quota("q", SubjectKind::Workspace, ""), AlertType::Exhausted, 0),
        about(of_quota("q", SubjectKind::KeyGroup, "Ü"), AlertType::Threshold, 1_000),
        about(AlertSubject::Workspace, AlertType::LargeRecord, 0),
        about(
            AlertSubject::Member { kind: SubjectKind::Department, subject_id: "Ü".into() },
            AlertType::Anomaly,
            0,
        ),
    ];
    let mut alerts: Vec<StoredAlert> =
        (1..).zip(keys).map(|(seq, key)| stored(seq * 3, key)).collect();
    alerts[1].alert = Alert {
        window_end: None,
        unit: None,
        limit: i64::MAX,
        spent: -1,
        ..alerts[1].alert.clone()
    };
    alerts[2].acknowledged = Some((START + 9, "actor".to_owned()));
    alerts[6].alert.record = Some(Box::new(AlertRecord {
        seq: i64::MAX,
        request_id: "\"r\"".into(),
        attempt: -1,
        model_id: "ü".into(),
        user_id: "".into(),
        api_key_id: "k".into(),
    }));
    alerts[7].alert.anomaly = Some(Box::new(AlertAnomaly {
        anomaly_id: "\"a\"".into(),
        kind: AnomalyKind::CostPerRequest,
        metric: AnomalyMetric::FailedRequests,
        is_over: true,
        explained_by: vec![AnomalyMember { dimension: Dimension::ApiKey, id: "\"ü".into() }],
    }));
    assert_eq!(store.last_alert_seq().await.unwrap(), 0);
    for _again in 0..2 {
        store.put_alerts(&alerts, &[]).await.unwrap();
        assert_eq!(all(&*store).await, alerts);
        assert_eq!(store.last_alert_seq().await.unwrap(), 24);
    }
    for alert in &alerts {
        assert_eq!(store.alert("w", alert.seq).await.unwrap().as_ref(), Some(alert));
        assert_eq!(store.alert("v", alert.seq).await.unwrap(), None);
    }
    assert_eq!(store.alert("w", 4).await.unwrap(), None);
}

/// Every part of the key tells alerts apart, and nothing else does.
pub async fn an_alert_is_stored_once_under_its_key(world: &World) {
    let store = world.store().await;
    let base = about(of_quota("q", SubjectKind::User, "u"), AlertType::Threshold, 80);
    let model = about(AlertSubject::Model("q".into()), AlertType::Threshold, 80);
    let keys = [
        base.clone(),
        AlertKey { threshold: 81, ..base.clone() },
        AlertKey { window_start: START + 1, ..base.clone() },
        AlertKey { base_limit: 101, ..base.clone() },
        AlertKey { alert_type: AlertType::Exhausted, ..base.clone() },
        AlertKey { subject: of_quota("p", SubjectKind::User, "u"), ..base.clone() },
        AlertKey { subject: of_quota("q", SubjectKind::ApiKey, "u"), ..base.clone() },
        AlertKey { subject: of_quota("q", SubjectKind::User, "U"), ..base.clone() },
        model.clone(),
        about(AlertSubject::Workspace, AlertType::Threshold, 80),
    ];
    let mut alerts: Vec<StoredAlert> = (1..).zip(keys).map(|(seq, key)| stored(seq, key)).collect();
    alerts.push(StoredAlert { workspace_id: "v".into(), ..stored(11, base.clone()) });
    store.put_alerts(&alerts, &[]).await.unwrap();
    assert_eq!(all(&*store).await, alerts[..10]);
    assert_eq!(store.alert("v", 11).await.unwrap().as_ref(), Some(&alerts[10]));

    // Raised again, among others that are new, and twice at once.
    let mut again = stored(12, base.clone());
    again.alert.spent = 99;
    let new = AlertKey { threshold: 90, ..base };
    let more = [again, stored(13, new.clone()), stored(14, model), stored(15, new)];
    let deliveries = [delivery("a", 12), delivery("b", 13), delivery("c", 14), delivery("d", 15)];
    for _again in 0..2 {
        store.put_alerts(&more, &deliveries).await.unwrap();
        assert_eq!(all(&*store).await[..10], alerts[..10]);
        assert_eq!(all(&*store).await[10..], more[1..2]);
        assert_eq!(delivery_ids(&*store).await, "b");
    }
    assert_eq!(store.last_alert_seq().await.unwrap(), 13);
}

pub async fn a_foreign_alert_under_our_seq_is_corruption(world: &World) {
    let store = world.store().await;
    store.put_alerts(&[alert(1), alert(2)], &[]).await.unwrap();
    let foreign = StoredAlert { seq: 2, ..alert(9) };
    let refused = store.put_alerts(&[foreign, alert(3)], &[delivery("a", 3)]).await;
    assert!(matches!(refused, Err(Error::Corrupt(_))), "{refused:?}");
    assert_eq!(all(&*store).await, [alert(1), alert(2)]);
    assert_eq!(delivery_ids(&*store).await, "");
}

pub async fn deliveries_are_stored_with_an_alert_that_is_there(world: &World) {
    let store = world.store().await;
    let foreign = Delivery { workspace_id: "v".into(), ..delivery("b", 1) };
    let first = [delivery("a", 1), foreign, delivery("c", 2)];
    store.put_alerts(&[alert(1)], &first).await.unwrap();
    assert_eq!(delivery_ids(&*store).await, "a", "of its workspace, of an alert");
    // Of an alert that was stored before: it is sent once more.
    let later = Delivery { create_time: START + 1, ..delivery("d", 1) };
    store.put_alerts(&[], std::slice::from_ref(&later)).await.unwrap();
    assert_eq!(delivery_ids(&*store).await, "ad");

    // Again, when the delivery has gone on meanwhile.
    let done = Delivery { state: DeliveryState::Delivered, attempts: 1, ..delivery("a", 1) };
    store.put_delivery(&done).await.unwrap();
    store.put_alerts(&[alert(1)], &first).await.unwrap();
    assert_eq!(store.delivery("w", "a").await.unwrap(), Some(done));
}

pub async fn many_alerts_and_deliveries_at_once(world: &World) {
    let store = world.store().await;
    let alerts: Vec<StoredAlert> = (1..700).map(alert).collect();
    let deliveries: Vec<Delivery> =
        (1..700).map(|seq| delivery(&format!("{seq:04}"), seq)).collect();
    store.put_alerts(&alerts, &deliveries).await.unwrap();
    assert_eq!(all(&*store).await, alerts);
    let mut found = store.deliveries(&of_workspace("w"), None, usize::MAX).await.unwrap();
    found.reverse();
    assert_eq!(found, deliveries);
}

pub async fn raised_keys_are_those_of_late_windows(world: &World) {
    let store = world.store().await;
    let mut alerts = Vec::new();
    for seq in 1..5 {
        let subject = AlertSubject::Model("m".into());
        let key = about(subject, AlertType::UnpricedModel, 0);
        alerts.push(stored(seq, AlertKey { window_start: START + seq, ..key }));
    }
    store.put_alerts(&alerts, &[]).await.unwrap();
    let foreign = StoredAlert { workspace_id: "v".into(), ..alert(5) };
    store.put_alerts(&[foreign], &[]).await.unwrap();
    for (since, expected) in [(0, 0), (1, 0), (3, 2), (5, 4)] {
        let mut raised = store.raised("w", START + since).await.unwrap();
        raised.sort();
        let keys: Vec<AlertKey> = alerts[expected..].iter().map(|a| a.alert.key.clone()).collect();
        assert_eq!(raised, keys);
    }
}

pub async fn the_latest_alert_about_a_large_record_is_found(world: &World) {
    let store = world.store().await;
    let large = |seq, workspace_id: &str, day| {
        let key = about(AlertSubject::Workspace, AlertType::LargeRecord, 0);
        let mut alert = stored(seq, AlertKey { window_start: START + day, ..key });
        alert.workspace_id = workspace_id.into();
        alert.alert.record = Some(Box::new(AlertRecord {
            seq,
            request_id: "r".into(),
            attempt: 0,
            model_id: "m".into(),
            user_id: "".into(),
            api_key_id: "".into(),
        }));
        alert
    };
    let expired = about(AlertSubject::Workspace, AlertType::HoldsExpired, 0);
    let other = AlertKey { window_start: START + 9, ..expired };
    let alerts = [large(1, "w", 7), large(2, "w", 6), large(3, "v", 8), stored(4, other)];
    store.put_alerts(&alerts, &[]).await.unwrap();
    for (workspace_id, expected) in [("w", Some(7)), ("v", Some(8)), ("x", None)] {
        let found = store.latest_large_record_alert(workspace_id).await.unwrap();
        assert_eq!(found, expected.map(|day| START + day), "{workspace_id}");
    }
}

pub async fn alerts_are_listed_and_filtered(world: &World) {
    let store = world.store().await;
    let (user, key) = (SubjectKind::User, SubjectKind::ApiKey);
    let keys = [
        about(AlertSubject::Workspace, AlertType::Threshold, 50),
        about(AlertSubject::Model("m".into()), AlertType::Threshold, 50),
        about(AlertSubject::Model("n".into()), AlertType::UnpricedModel, 0),
        about(of_quota("q", user, "x"), AlertType::Threshold, 50),
        about(of_quota("p", user, "x"), AlertType::Exhausted, 0),
        about(of_quota("q", key, "x"), AlertType::Threshold, 50),
        about(of_quota("m", user, "y"), AlertType::Threshold, 50),
        about(of_quota("w", SubjectKind::Workspace, ""), AlertType::Threshold, 50),
    ];
    let alerts: Vec<StoredAlert> = (1..).zip(keys).map(|(seq, key)| stored(seq, key)).collect();
    store.put_alerts(&alerts, &[]).await.unwrap();
    let seen = Change::AcknowledgeAlert { seq: 4, time: START, actor: "actor".to_owned() };
    put_in(&*store, "w", seen).await;
    let none = AlertFilter { workspace_id: "w".to_owned(), ..AlertFilter::default() };
    let subject = |subject| AlertFilter { subject: Some(subject), ..none.clone() };
    let subject_id = |kind, subject_id: &str| AlertSubjectFilter::Subject {
        kind,
        subject_id: subject_id.to_owned(),
    };
    let types = |types: &[AlertType]| AlertFilter { types: types.to_vec(), ..none.clone() };
    let quota = AlertFilter { quota_id: Some("q".to_owned()), ..none.clone() };
    for (filter, expected) in [
        (none.clone(), "87654321"),
        (types(&[AlertType::Threshold]), "876421"),
        (types(&[AlertType::Exhausted, AlertType::UnpricedModel]), "53"),
        (types(&[AlertType::InOverage]), ""),
        (quota.clone(), "64"),
        (AlertFilter { quota_id: Some("m".to_owned()), ..none.clone() }, "7"),
        (subject(AlertSubjectFilter::Workspace), "81"),
        (subject(AlertSubjectFilter::Model("m".to_owned())), "2"),
        (subject(subject_id(user, "x")), "54"),
        (AlertFilter { subject: Some(subject_id(user, "x")), ..quota }, "4"),
        (subject(subject_id(SubjectKind::Project, "x")), ""),
        (AlertFilter { unacknowledged_only: true, ..none.clone() }, "8765321"),
        (AlertFilter { from: Some(START + 3), to: Some(START + 5), ..none.clone() }, "43"),
        (AlertFilter { workspace_id: "v".to_owned(), ..none.clone() }, ""),
    ] {
        for page in [2, 100] {
            let mut seqs = String::new();
            let mut before = None;
            loop {
                let found = store.alerts(&filter, before, page).await.unwrap();
                let Some(last) = found.last() else { break };
                before = Some(last.seq);
                seqs.extend(found.iter().map(|alert| alert.seq.to_string()));
            }
            assert_eq!(seqs, expected, "{filter:?}");
        }
    }
}

pub async fn alerts_are_followed_from_a_position(world: &World) {
    let store = world.store().await;
    let mut alerts: Vec<StoredAlert> = (1..8).map(alert).collect();
    alerts[3].workspace_id = "v".into();
    store.put_alerts(&alerts, &[]).await.unwrap();
    let after = async |seq: i64, limit: usize| {
        let found = store.alerts_after("w", seq, limit).await.unwrap();
        found.iter().map(|alert| alert.seq.to_string()).collect::<String>()
    };
    assert_eq!(after(0, 3).await, "123");
    assert_eq!(after(3, 3).await, "567");
    assert_eq!(after(7, 3).await, "");
    assert_eq!(after(0, 0).await, "");
}

pub async fn the_first_acknowledgement_stays(world: &World) {
    let store = world.store().await;
    store.put_alerts(&[alert(1), alert(2)], &[]).await.unwrap();
    let seen = |time: i64, actor: &str| Change::AcknowledgeAlert {
        seq: 1,
        time: START + time,
        actor: actor.to_owned(),
    };
    put_in(&*store, "v", seen(1, "of another workspace")).await;
    assert_eq!(all(&*store).await, [alert(1), alert(2)]);
    for (time, actor) in [(2, "first"), (2, "first"), (3, "second")] {
        put_in(&*store, "w", seen(time, actor)).await;
        let acknowledged = Some((START + 2, "first".to_owned()));
        let expected = StoredAlert { acknowledged, ..alert(1) };
        assert_eq!(all(&*store).await, [expected, alert(2)]);
    }
    // Raised again it stays seen.
    store.put_alerts(&[alert(1)], &[]).await.unwrap();
    assert!(store.alert("w", 1).await.unwrap().unwrap().acknowledged.is_some());
}

pub async fn receivers_come_back(world: &World) {
    let store = world.store().await;
    let full = Webhook {
        types: vec![AlertType::Exhausted, AlertType::Threshold],
        disabled: true,
        display_name: "Büro".to_owned(),
        old_secret: Some((sealed(b"\0\xff"), START + 5)),
        ..webhook("b")
    };
    let mail = EmailReceiver {
        id: "m".into(),
        address: "\"a b\"@example.com".to_owned(),
        types: vec![AlertType::HoldsExpired],
        create_time: START,
    };
    let plain = EmailReceiver { id: "a".into(), types: vec![], ..mail.clone() };
    let changes = [
        Change::PutWebhook(full.clone()),
        Change::PutWebhook(webhook("a")),
        Change::PutEmailReceiver(mail.clone()),
        Change::PutEmailReceiver(plain.clone()),
    ];
    for _again in 0..2 {
        store.change("w", &changes, &[]).await.unwrap();
    }
    put_in(&*store, "v", Change::PutWebhook(webhook("c"))).await;
    assert_eq!(store.webhooks("w").await.unwrap(), [webhook("a"), full]);
    assert_eq!(store.email_receivers("w").await.unwrap(), [plain.clone(), mail]);

    let changes = [
        Change::PutWebhook(webhook("b")),
        Change::DeleteWebhook("a".into()),
        Change::DeleteWebhook("c".into()),
        Change::DeleteEmailReceiver("m".into()),
    ];
    store.change("w", &changes, &[]).await.unwrap();
    assert_eq!(store.webhooks("w").await.unwrap(), [webhook("b")]);
    assert_eq!(store.webhooks("v").await.unwrap(), [webhook("c")]);
    assert_eq!(store.email_receivers("w").await.unwrap(), [plain]);
}

pub async fn one_delivery_is_due_for_each_receiver(world: &World) {
    let store = world.store().await;
    let to = |id: &str, receiver: Receiver, time: i64| Delivery {
        receiver,
        next_attempt_time: START + time,
        ..delivery(id, 1)
    };
    let (hook, mail) = (Receiver::Webhook("x".into()), Receiver::Email("x".into()));
    let other = Receiver::Webhook("y".into());
    let done = Delivery { state: DeliveryState::Delivered, ..to("0", hook.clone(), 0) };
    let dead = Delivery { state: DeliveryState::Dead, ..to("1", mail.clone(), 0) };
    let deliveries = [
        to("a", hook.clone(), 5),
        to("b", hook.clone(), 3),
        to("c", hook, 3),
        to("d", mail.clone(), 4),
        to("e", other.clone(), 9),
        to("f", other, 2),
        to("g", mail, 1),
        done,
        dead,
    ];
    let foreign = StoredAlert { workspace_id: "v".into(), ..alert(2) };
    store.put_alerts(&[alert(1), foreign], &deliveries).await.unwrap();
    let namesake = Delivery {
        workspace_id: "v".into(),
        alert_seq: 2,
        ..to("h", Receiver::Webhook("x".into()), 3)
    };
    store.put_alerts(&[], &[namesake]).await.unwrap();
    let due = async |time: i64, limit: usize| {
        let due = store.due_deliveries(START + time, limit).await.unwrap();
        due.iter().map(|delivery| &*delivery.id).collect::<String>()
    };
    assert_eq!(due(0, 10).await, "");
    assert_eq!(due(1, 10).await, "g");
    assert_eq!(due(2, 10).await, "gf");
    assert_eq!(due(3, 10).await, "gfbh", "of equals the least id");
    assert_eq!(due(100, 10).await, "gfbh");
    assert_eq!(due(100, 3).await, "gfb");
    assert_eq!(due(100, 0).await, "");
    // What was tried goes behind what waits, what is finished is gone.
    let later = Delivery { next_attempt_time: START + 50, attempts: 1, ..deliveries[1].clone() };
    store.put_delivery(&later).await.unwrap();
    let gone = Delivery { state: DeliveryState::Dead, ..deliveries[6].clone() };
    store.put_delivery(&gone).await.unwrap();
    assert_eq!(due(100, 10).await, "fchd");
}

pub async fn a_delivery_is_replaced_if_it_is_there(world: &World) {
    let store = world.store().await;
    store.put_alerts(&[alert(1)], &[delivery("a", 1)]).await.unwrap();
    let tried = Delivery {
        receiver: Receiver::Email("other".into()),
        state: DeliveryState::Dead,
        attempts: 7,
        next_attempt_time: START + 9,
        last_error: "status 503: \"busy\"".to_owned(),
        finish_time: Some(START + 10),
        ..delivery("a", 1)
    };
    for _again in 0..2 {
        store.put_delivery(&tried).await.unwrap();
        store.put_delivery(&delivery("unknown", 1)).await.unwrap();
        assert_eq!(store.delivery("w", "a").await.unwrap(), Some(tried.clone()));
        assert_eq!(store.delivery("v", "a").await.unwrap(), None);
        assert_eq!(store.delivery("w", "unknown").await.unwrap(), None);
    }
}

pub async fn deliveries_are_listed_and_filtered(world: &World) {
    let store = world.store().await;
    let at =
        |id: &str, seq: i64, time: i64| Delivery { create_time: START + time, ..delivery(id, seq) };
    let deliveries = [
        at("a", 1, 0),
        Delivery { state: DeliveryState::Delivered, ..at("b", 1, 5) },
        Delivery { receiver: Receiver::Email("mail".into()), ..at("c", 2, 5) },
        Delivery { state: DeliveryState::Dead, ..at("d", 2, 1) },
    ];
    store.put_alerts(&[alert(1), alert(2)], &deliveries).await.unwrap();
    let none = of_workspace("w");
    let state = |state| DeliveryFilter { state: Some(state), ..none.clone() };
    let receiver = |id: &str| DeliveryFilter { receiver_id: Some(id.to_owned()), ..none.clone() };
    for (filter, expected) in [
        (none.clone(), "cbda"),
        (state(DeliveryState::Pending), "ca"),
        (state(DeliveryState::Delivered), "b"),
        (state(DeliveryState::Dead), "d"),
        (receiver("hook"), "bda"),
        (receiver("mail"), "c"),
        (DeliveryFilter { alert_seq: Some(1), ..none.clone() }, "ba"),
        (DeliveryFilter { alert_seq: Some(2), ..receiver("hook") }, "d"),
        (of_workspace("v"), ""),
    ] {
        for page in [1, 3, 100] {
            let mut ids = String::new();
            let mut after = None;
            loop {
                let found = store.deliveries(&filter, after, page).await.unwrap();
                let Some(last) = found.last() else { break };
                after = Some((last.create_time, last.id.to_string()));
                ids.extend(found.iter().map(|delivery| &*delivery.id));
            }
            assert_eq!(ids, expected, "{filter:?}");
        }
    }
}
