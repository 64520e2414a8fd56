//! Alerts across kills: each is stored once, those that the figures imply and no others; who
//! watches and resumes sees every one once and in order; the webhook gets every one under one id.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rust_decimal::Decimal;
use tollgate::proto::v1;

use crate::client::{Client, amount};
use crate::limits::{self, SHADOW};
use crate::receiver::Receiver;
use v1::AlertType::{Exhausted, FallbackBegan, InOverage, Threshold};

/// How long a state may take to be reached before the test fails.
pub const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(20);

/// Watches, and resumes after the last alert that it saw.
#[derive(Clone, Default)]
pub struct Watcher {
    seen: Arc<Mutex<Vec<v1::Alert>>>,
}

impl Watcher {
    pub fn seen(&self) -> Vec<v1::Alert> {
        self.seen.lock().unwrap().clone()
    }

    /// Until the server is gone.
    pub async fn watch(self, client: Client) {
        let last = self.seen.lock().unwrap().last().map_or(0, |alert| alert.alert_id);
        let request =
            v1::WatchAlertsRequest { workspace_id: client.id(), after_alert_id: Some(last) };
        let Ok(answer) = client.alert().watch_alerts(request).await else { return };
        let mut stream = answer.into_inner();
        while let Ok(Some(message)) = stream.message().await {
            self.seen.lock().unwrap().push(message.alert.expect("an alert"));
        }
    }

    /// Once everything is seen: what is listed, in that order.
    pub async fn judge(&self, client: &Client) {
        let listed: Vec<v1::Alert> =
            client.alerts().await.into_iter().map(unacknowledged).collect();
        until("the last alert is seen", async || {
            let seen = self.seen.lock().unwrap();
            seen.last().map(|alert| alert.alert_id) == listed.last().map(|alert| alert.alert_id)
        })
        .await;
        let seen: Vec<v1::Alert> = self.seen().into_iter().map(unacknowledged).collect();
        let ids = |alerts: &[v1::Alert]| -> Vec<i64> {
            alerts.iter().map(|alert| alert.alert_id).collect()
        };
        assert_eq!(ids(&seen), ids(&listed), "every alert is seen once, in order");
        assert_eq!(seen, listed);
    }
}

/// Waits until it is so.
pub async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let started = Instant::now();
    while !is_so().await {
        assert!(started.elapsed() < PATIENCE, "not after {PATIENCE:?}: {what}");
        tokio::time::sleep(PAUSE).await;
    }
}

/// As it was raised.
fn unacknowledged(alert: v1::Alert) -> v1::Alert {
    v1::Alert { acknowledge_time: None, acknowledge_actor: String::new(), ..alert }
}

/// The limit of an alert: kind, quota, and whom it is about.
type Limit = (i32, String, (i32, String));

fn limit_of(alert: &v1::Alert) -> Limit {
    let about = alert.subject.as_ref().map(|about| (about.r#type, about.id.clone()));
    (alert.limit_kind, alert.limit_id.clone(), about.expect("a subject"))
}

/// Those that are stored are exactly those that the figures imply. How many there are.
pub async fn judge(client: &Client) -> usize {
    let expected = Expected::read(client).await;
    // What was raised last may not be stored yet.
    until("all alerts are raised", async || {
        let raised = thresholds(&client.alerts().await);
        let is_raised = |limit: &Limit, reached: &[i32]| {
            let of_it = raised.get(limit).map_or(&[][..], Vec::as_slice);
            reached.iter().all(|threshold| of_it.contains(threshold))
        };
        expected.reached.iter().all(|(limit, reached)| is_raised(limit, reached))
    })
    .await;
    let alerts = client.alerts().await;
    let mut keys = BTreeSet::new();
    for alert in &alerts {
        let start = alert.window_start_time.as_ref().map(|start| (start.seconds, start.nanos));
        // A limit with another value is another limit.
        let value = (alert.limit.as_ref().map(|limit| limit.amount.clone()), alert.limit_count);
        let key = (alert.r#type, limit_of(alert), value, alert.threshold_percent, start);
        assert!(keys.insert(key), "raised twice: {alert:?}");
        assert_justified(alert);
    }
    let raised = thresholds(&alerts);
    for (limit, raised) in &raised {
        // What was deleted, and a limit that was changed, may have raised more.
        if expected.is_exact(limit) {
            assert!(raised.is_sorted(), "{limit:?} raised {raised:?}");
            let reached = expected.reached.get(limit).map_or(&[][..], Vec::as_slice);
            assert_eq!(raised, reached, "{limit:?}");
        }
    }
    let count = |of: v1::AlertType| alerts.iter().filter(|alert| alert.r#type() == of).count();
    assert_eq!(count(InOverage), usize::from(expected.in_overage));
    assert_eq!(count(FallbackBegan), 1);
    let others = alerts.len() - count(Threshold) - count(InOverage) - count(FallbackBegan);
    assert_eq!((count(Exhausted), others), (0, 0), "nothing else happened");
    alerts.len()
}

/// Thresholds by limit, in the order in which they were raised.
fn thresholds(alerts: &[v1::Alert]) -> BTreeMap<Limit, Vec<i32>> {
    let mut raised: BTreeMap<Limit, Vec<i32>> = BTreeMap::new();
    for alert in alerts.iter().filter(|alert| alert.r#type() == Threshold) {
        raised.entry(limit_of(alert)).or_default().push(alert.threshold_percent);
    }
    raised
}

/// The figures of an alert say why it was raised.
fn assert_justified(alert: &v1::Alert) {
    if alert.r#type() != Threshold {
        return;
    }
    let (limit, spent) = match alert.unit() {
        v1::LimitUnit::Money => (amount(&alert.limit), amount(&alert.spent)),
        _ => (alert.limit_count.into(), alert.spent_count.into()),
    };
    assert!(reaches(spent, alert.threshold_percent, limit), "{alert:?}");
}

fn reaches(spent: Decimal, threshold: i32, limit: Decimal) -> bool {
    spent > Decimal::ZERO && spent * Decimal::ONE_HUNDRED >= limit * Decimal::from(threshold)
}

/// What the figures imply.
struct Expected {
    reached: BTreeMap<Limit, Vec<i32>>,
    quotas: HashMap<String, v1::Quota>,
    in_overage: bool,
}

impl Expected {
    async fn read(client: &Client) -> Expected {
        let quotas = client.quotas().await.into_iter();
        let quotas: HashMap<String, v1::Quota> =
            quotas.map(|quota| (quota.quota_id.clone(), quota)).collect();
        let mut reached = BTreeMap::new();
        for usage in client.quota_usages().await {
            let Some(limit) = limits::limit(&usage) else { continue };
            let of_it = quotas[&usage.quota_id].alert_threshold_percents.iter().copied();
            let spent = limits::spent(&usage);
            let of_it: Vec<i32> = of_it.filter(|t| reaches(spent, *t, limit)).collect();
            let about = usage.subject.expect("a subject");
            let kind = v1::LimitKind::Quota.into();
            reached.insert((kind, usage.quota_id, (about.r#type, about.id)), of_it);
        }
        let budget = client.budget_now().await;
        let spent = amount(&budget.spent);
        let plan_budget = amount(&budget.plan_budget);
        let envelope = plan_budget + amount(&budget.overage_limit) + amount(&budget.boost);
        let request = v1::GetAlertPolicyRequest { workspace_id: client.id() };
        let policy = client.alert().get_alert_policy(request).await.unwrap().into_inner();
        let of_it = policy.alert_policy.unwrap().envelope_threshold_percents.into_iter();
        let of_it: Vec<i32> = of_it.filter(|t| reaches(spent, *t, envelope)).collect();
        let about = (v1::SubjectType::Workspace.into(), client.id());
        reached.insert((v1::LimitKind::Envelope.into(), String::new(), about), of_it);
        Expected { reached, quotas, in_overage: spent > plan_budget }
    }

    /// Whether the limit is there, and was never another.
    fn is_exact(&self, (kind, id, _): &Limit) -> bool {
        let is_quota = *kind == i32::from(v1::LimitKind::Quota);
        !is_quota || (id != SHADOW && self.quotas.contains_key(id))
    }
}

/// Once everything is delivered: every alert arrived, always under the one id of its delivery.
pub async fn judge_webhook(client: &Client, receiver: &mut Receiver) -> usize {
    until("everything is delivered", async || {
        let deliveries = client.deliveries().await;
        deliveries.iter().all(|delivery| delivery.state() == v1::DeliveryState::Delivered)
    })
    .await;
    let mut ids: BTreeMap<i64, String> = BTreeMap::new();
    let mut posted_count = 0;
    while let Some(posted) = receiver.try_next() {
        posted_count += 1;
        let alert_id = posted.json()["data"]["alert_id"].as_i64().unwrap();
        let id = posted.header("webhook-id").to_owned();
        let before = ids.insert(alert_id, id.clone());
        assert!(before.is_none_or(|before| before == id), "{alert_id} came under two ids");
    }
    let mut of_deliveries = BTreeMap::new();
    for delivery in client.deliveries().await {
        let before = of_deliveries.insert(delivery.alert_id, delivery.delivery_id);
        assert!(before.is_none(), "{} has two deliveries", delivery.alert_id);
    }
    assert_eq!(ids, of_deliveries, "every delivery arrived, and nothing else");
    let alerts: Vec<i64> = client.alerts().await.iter().map(|alert| alert.alert_id).collect();
    assert!(ids.keys().eq(alerts.iter()), "every alert is delivered");
    posted_count
}
