//! What the API promises of everything that it accepts, checked where it is stored. The numbers are
//! those of the protos, not those of the code.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use tollgate::domain::catalog::price::Price;
use tollgate::domain::quota::{Quota, Unit};
use tollgate::domain::rate_limit::RateLimit;
use tollgate::domain::record::Record;
use tollgate::domain::{Amount, Time};

use crate::store::Disk;

const NANOS: i64 = 1_000_000_000;
const DAY: i64 = 86_400 * 1_000_000;
/// 9999-12-31, the last day of a `Timestamp`, in microseconds.
const TIME_MAX: i64 = 253_402_300_800 * 1_000_000;

pub fn check(disk: &Disk) {
    for (id, workspace) in &disk.workspaces {
        text(id, 1..=63);
        stored(workspace);
        if let Some(plan) = &workspace.plan {
            assert!((0..=NANOS * NANOS).contains(&plan.budget.nanos()), "{plan:?}");
            assert!((0..=NANOS * NANOS).contains(&plan.overage.nanos()), "{plan:?}");
        }
        let days = [workspace.usage_retention_days, workspace.price_max_age_days];
        assert!(days.into_iter().flatten().all(|days| (1..=3_650).contains(&days)));
        let alerts = &workspace.alerts;
        thresholds(&alerts.envelope);
        thresholds(&alerts.model_limits);
        assert!(workspace.reported_cost.charged_providers.len() <= 32, "{workspace:?}");
        assert!(workspace.reported_cost.alert_percent <= 1_000, "{workspace:?}");
    }
    limits(disk);
    ids(&disk.api_keys, |key| (&key.id, &key.display_name));
    ids(&disk.key_groups, |group| (&group.id, &group.display_name));
    ids(&disk.webhooks, |webhook| (&webhook.id, &webhook.display_name));
    for key in disk.api_keys.values() {
        assert!(key.allowed_model_ids.len() <= 64, "{key:?}");
    }
    for webhook in disk.webhooks.values() {
        assert!(webhook.url.starts_with("https://"), "{}", webhook.url);
        assert!(webhook.url.len() <= 2_048, "{}", webhook.url);
    }
    for receiver in disk.email_receivers.values() {
        text(&receiver.id, 1..=128);
        text(&receiver.address, 3..=254);
    }
    for model in disk.models.values() {
        text(&model.model_id, 1..=256);
        let limit = model.limit.unwrap_or_default();
        assert!((0..=NANOS * NANOS).contains(&limit.nanos()), "{model:?}");
        assert!(model.fallback_model_ids.len() <= 32, "{model:?}");
    }
    for alias in disk.model_aliases.values() {
        text(&alias.id, 1..=256);
    }
    for entry in disk.entries.values() {
        text(&entry.id, 1..=128);
        text(&entry.display_name, 0..=200);
        stored(entry);
    }
    for model in &disk.catalog.models {
        text(&model.id, 1..=256);
        text(&model.provider, 0..=128);
        stored(model);
    }
    disk.catalog.prices.iter().for_each(price);
    disk.log.iter().for_each(record);
    for hold in disk.holds.values() {
        assert!((Amount::ZERO..=amount(100_000_000)).contains(&hold.held), "{hold:?}");
    }
    for event in disk.audit_events.values() {
        text(&event.actor, 1..=512);
        text(&event.resource_id, 0..=512);
        let states = [&event.before, &event.after].into_iter().flatten();
        states.for_each(|state| assert!(serde_json::from_str::<Value>(state).is_ok(), "{state}"));
    }
}

fn limits(disk: &Disk) {
    ids(&disk.quotas, |quota| (&quota.id, &quota.display_name));
    ids(&disk.rate_limits, |rate_limit| (&rate_limit.id, &rate_limit.display_name));
    disk.quotas.values().for_each(quota);
    disk.rate_limits.values().for_each(rate_limit);
    for boost in disk.boosts.values() {
        text(&boost.id, 1..=128);
        text(&boost.reason, 0..=500);
        let span = boost.end_time.micros() - boost.start_time.micros();
        assert!((1..=366 * DAY).contains(&span), "{boost:?}");
        assert!(boost.amount > 0, "{boost:?}");
    }
}

fn quota(quota: &Quota) {
    stored(quota);
    thresholds(&quota.thresholds);
    let most = match quota.unit {
        Unit::Money => NANOS * NANOS,
        _ => 1_000_000_000_000_000,
    };
    assert!(quota.limit.is_none_or(|limit| (0..=most).contains(&limit)), "{quota:?}");
    assert_ne!(quota.unit, Unit::UncachedTokens, "{quota:?}");
    time(quota.window_start);
}

fn rate_limit(rate_limit: &RateLimit) {
    stored(rate_limit);
    assert!((1..=9).contains(&rate_limit.bounds.len()), "{rate_limit:?}");
    for bound in &rate_limit.bounds {
        let most = if bound.unit == Unit::Requests { NANOS } else { 1_000 * NANOS };
        assert!((0..=most).contains(&bound.amount), "{rate_limit:?}");
        assert_ne!(bound.unit, Unit::Money, "{rate_limit:?}");
    }
}

fn price(price: &Price) {
    stored(price);
    let variants = price.variants.iter().map(|variant| (&variant.rates, &variant.unit_rates));
    for (rates, units) in variants.chain([(&price.base, &price.unit_rates)]) {
        let mut rates = rates.iter().flatten();
        assert!(rates.all(|rate| (0..=10_000 * NANOS).contains(rate)), "{price:?}");
        let mut units = units.iter().flatten();
        assert!(units.all(|rate| (0..=1_000_000 * NANOS).contains(rate)), "{price:?}");
    }
    assert!(price.variants.len() <= 32 && price.factors.len() <= 32, "{price:?}");
    time(price.effective_time);
}

fn record(record: &Record) {
    text(&record.workspace_id, 1..=63);
    text(&record.request_id, 1..=128);
    text(&record.model_id, 1..=256);
    let tokens = record.usage.tokens;
    let is_correction = record.kind.corrects() || record.cost < Amount::ZERO;
    assert!(tokens.iter().sum::<i64>().abs() <= 100_000_000, "{record:?}");
    assert!(is_correction || tokens.iter().all(|count| *count >= 0), "{record:?}");
    let cost = record.cost.nanos().abs();
    assert!(cost <= amount(100_000_000).nanos(), "{record:?}");
    assert!((0..=DAY).contains(&record.latency), "{record:?}");
    for value in record.attribution.tags.values() {
        text(value, 0..=128);
    }
    assert!(record.attribution.tags.len() <= 16, "{record:?}");
    if let Some(extras) = &record.extras {
        assert!(extras.units.iter().all(|units| units.abs() <= NANOS), "{record:?}");
        assert!(extras.factors.len() <= 8, "{record:?}");
    }
    let answer = record.answer.as_ref();
    assert!(answer.is_none_or(|answer| answer.json.len() <= 64 * 1024), "{record:?}");
    time(record.charge_time);
}

/// What has an id that was chosen or made, and a name for people.
fn ids<T>(
    all: &BTreeMap<(String, String), T>,
    names: impl Fn(&T) -> (&std::sync::Arc<str>, &String),
) {
    for value in all.values() {
        let (id, display_name) = names(value);
        text(id, 1..=128);
        text(display_name, 0..=200);
    }
}

fn thresholds(percents: &[u16]) {
    assert!(percents.len() <= 16, "{percents:?}");
    assert!(percents.iter().all(|percent| (1..=1_000).contains(percent)), "{percents:?}");
    assert!(percents.is_sorted_by(|a, b| a < b), "{percents:?}");
}

fn text(text: &str, characters: std::ops::RangeInclusive<usize>) {
    assert!(characters.contains(&text.chars().count()), "{} characters: {text:?}", text.len());
    assert!(!text.chars().any(char::is_control), "{text:?}");
}

fn time(time: Time) {
    assert!((0..TIME_MAX).contains(&time.micros()), "{time:?}");
}

const fn amount(units: i64) -> Amount {
    Amount::from_nanos(units * NANOS)
}

/// What the audit log shows of a value has no text with control characters.
fn stored(value: &impl Serialize) {
    fn walk(value: &Value) {
        match value {
            Value::String(text) => {
                assert!(!text.chars().any(char::is_control), "{text:?}");
                assert!(text.chars().count() <= 512, "{text:?}");
            }
            Value::Array(items) => items.iter().for_each(walk),
            Value::Object(members) => members.values().for_each(walk),
            _ => {}
        }
    }
    walk(&serde_json::to_value(value).expect("it can be shown"));
}
