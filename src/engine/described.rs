//! Things as the audit log keeps them: JSON with the fields that the API shows, by their names in
//! the protos. What a change cannot alter by itself, such as its own time, is left out, so that
//! equal JSON means that nothing changed; so are secrets.

use chrono::SecondsFormat;
use serde_json::{Map, Value, json};

use crate::domain::api_key::{ApiKey, KeyGroup};
use crate::domain::attribution::SubjectKind;
use crate::domain::boost::{Boost, BoostTarget};
use crate::domain::catalog::price::{Price, Rates, Source, Variant};
use crate::domain::catalog::{ExchangeRate, Model};
use crate::domain::quota::{Enforcement, Period, Quota, Scope, Unit};
use crate::domain::rate_limit::{RateLimit, RateWindow};
use crate::domain::usage::{ServiceTier, TokenClass};
use crate::domain::workspace::{
    HoldExpiryPolicy, UnknownKeyPolicy, UnpricedModelPolicy, Workspace, WorkspaceModel,
};
use crate::domain::{Amount, Currency, Time};
use crate::storage::directory::{Entry, EntryKind};

/// As `Money` in the protos.
pub(super) fn money(currency: Currency, amount: Amount) -> Value {
    json!({ "currency_code": currency.as_str(), "amount": amount.to_text() })
}

/// RFC 3339 in UTC, to the microsecond where there are any.
pub(super) fn time(time: Time) -> Value {
    json!(time.to_utc().to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

/// Its settings; the plan and the thresholds of alerts are things of their own.
pub(super) fn workspace(workspace: &Workspace) -> Value {
    json!({
        "workspace_id": &*workspace.id,
        "display_name": workspace.display_name,
        "currency_code": workspace.currency.as_str(),
        "time_zone": workspace.time_zone.name(),
        "automatic_fallback": workspace.automatic_fallback,
        "unpriced_model_policy": match workspace.unpriced_models {
            UnpricedModelPolicy::Deny => "UNPRICED_MODEL_POLICY_DENY",
            UnpricedModelPolicy::Allow => "UNPRICED_MODEL_POLICY_ALLOW",
        },
        "hold_expiry_policy": match workspace.hold_expiry {
            HoldExpiryPolicy::Release => "HOLD_EXPIRY_POLICY_RELEASE",
            HoldExpiryPolicy::ChargeEstimate => "HOLD_EXPIRY_POLICY_CHARGE_ESTIMATE",
        },
        "unknown_key_policy": match workspace.unknown_keys {
            UnknownKeyPolicy::Accept => "UNKNOWN_KEY_POLICY_ACCEPT",
            UnknownKeyPolicy::Deny => "UNKNOWN_KEY_POLICY_DENY",
        },
        "usage_retention_days": workspace.usage_retention_days.unwrap_or(0),
    })
}

/// Of a workspace; none before the first `SetPlan`.
pub(super) fn plan(workspace: &Workspace) -> Option<Value> {
    let plan = workspace.plan?;
    Some(json!({
        "budget": money(workspace.currency, plan.budget),
        "overage_limit": money(workspace.currency, plan.overage),
        "start_date": plan.start_date.format("%Y-%m-%d").to_string(),
    }))
}

/// A model in a workspace, with its cap and its chain.
pub(super) fn model_limit(currency: Currency, model: &WorkspaceModel) -> Value {
    let fallbacks: Vec<&str> = model.fallback_model_ids.iter().map(|id| &**id).collect();
    json!({
        "model_id": &*model.model_id,
        "model_enabled": model.enabled,
        "limit": model.limit.map(|limit| money(currency, limit)),
        "enabled": model.limit_enabled,
        "fallback_model_ids": fallbacks,
    })
}

pub(super) fn model(model: &Model) -> Value {
    json!({
        "model_id": &*model.id,
        "provider": model.provider,
        "display_name": model.display_name,
        "context_window_token_count": model.context_window,
        "max_output_token_count": model.max_output,
        "capabilities": model.capabilities,
        "aliases": model.aliases,
        "source": source(model.source),
    })
}

/// Without the rates that it does not name.
pub(super) fn price(price: &Price) -> Value {
    let mut fields = rates(&price.base);
    fields.insert("price_id".to_owned(), json!(&*price.id));
    fields.insert("model_id".to_owned(), json!(&*price.model_id));
    fields.insert("currency_code".to_owned(), json!(price.currency.as_str()));
    fields.insert("effective_time".to_owned(), time(price.effective_time));
    fields.insert("source".to_owned(), json!(source(price.source)));
    if let Some(workspace_id) = &price.workspace_id {
        fields.insert("workspace_id".to_owned(), json!(&**workspace_id));
    }
    if !price.variants.is_empty() {
        fields.insert("variants".to_owned(), price.variants.iter().map(variant).collect());
    }
    Value::Object(fields)
}

pub(super) fn exchange_rate(rate: &ExchangeRate) -> Value {
    json!({
        "from_currency_code": rate.from.as_str(),
        "to_currency_code": rate.to.as_str(),
        "rate": Amount::from_nanos(rate.rate.nanos()).to_text(),
        "effective_time": time(rate.effective_time),
    })
}

/// Of the envelope in money, of a quota in its `unit`.
pub(super) fn boost(currency: Currency, unit: Unit, boost: &Boost) -> Value {
    let mut described = json!({
        "boost_id": &*boost.id,
        "start_time": time(boost.start_time),
        "end_time": time(boost.end_time),
        "reason": boost.reason,
        "create_actor": boost.actor,
        "create_time": time(boost.create_time),
    });
    match unit {
        Unit::Money => described["amount"] = money(currency, Amount::from_nanos(boost.amount)),
        Unit::Tokens | Unit::Requests => described["count"] = json!(boost.amount),
    }
    if let BoostTarget::Quota { quota_id, subject_id } = &boost.target {
        described["quota_id"] = json!(&**quota_id);
        if let Some(subject_id) = subject_id {
            described["member_id"] = json!(&**subject_id);
        }
    }
    if let Some(cancel_time) = boost.cancel_time {
        described["cancel_time"] = time(cancel_time);
    }
    described
}

/// Of an entry of the directory.
pub(super) fn entry(entry: &Entry) -> Value {
    let mut described = json!({
        "kind": kind_of_entry(entry.kind),
        "id": entry.id,
        "display_name": entry.display_name,
        "external_id": entry.external_id,
    });
    if entry.kind == EntryKind::User {
        described["department_id"] = json!(entry.department_id);
    }
    for (field, at) in [
        ("sign_up_time", entry.sign_up_time),
        ("first_value_time", entry.first_value_time),
        ("archive_time", entry.archive_time),
    ] {
        if let Some(at) = at {
            described[field] = time(at);
        }
    }
    described
}

fn kind_of_entry(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::User => "DIRECTORY_KIND_USER",
        EntryKind::Department => "DIRECTORY_KIND_DEPARTMENT",
        EntryKind::Assistant => "DIRECTORY_KIND_ASSISTANT",
        EntryKind::Workflow => "DIRECTORY_KIND_WORKFLOW",
        EntryKind::Feature => "DIRECTORY_KIND_FEATURE",
        EntryKind::Project => "DIRECTORY_KIND_PROJECT",
        EntryKind::Investigation => "DIRECTORY_KIND_INVESTIGATION",
    }
}

pub(super) fn quota(currency: Currency, quota: &Quota) -> Value {
    let mut fields = scope(&quota.scope);
    fields.insert("quota_id".to_owned(), json!(&*quota.id));
    fields.insert("display_name".to_owned(), json!(quota.display_name));
    fields.insert("period".to_owned(), json!(period(quota.period)));
    fields.insert("enforcement".to_owned(), json!(enforcement(quota.enforcement)));
    fields.insert("alert_threshold_percents".to_owned(), json!(quota.thresholds));
    let unit = match quota.unit {
        Unit::Money => "LIMIT_UNIT_MONEY",
        Unit::Tokens => "LIMIT_UNIT_TOKENS",
        Unit::Requests => "LIMIT_UNIT_REQUESTS",
    };
    fields.insert("unit".to_owned(), json!(unit));
    match (quota.limit, quota.unit) {
        (None, _) => fields.insert("exempt".to_owned(), json!(true)),
        (Some(nanos), Unit::Money) => {
            fields.insert("limit".to_owned(), money(currency, Amount::from_nanos(nanos)))
        }
        (Some(count), _) => fields.insert("limit_count".to_owned(), json!(count)),
    };
    if quota.period == Period::UntilReset {
        fields.insert("window_start_time".to_owned(), time(quota.window_start));
    }
    Value::Object(fields)
}

/// Without the limits that it does not have.
pub(super) fn rate_limit(limit: &RateLimit) -> Value {
    let mut fields = scope(&limit.scope);
    fields.insert("rate_limit_id".to_owned(), json!(&*limit.id));
    fields.insert("display_name".to_owned(), json!(limit.display_name));
    fields.insert("enforcement".to_owned(), json!(enforcement(limit.enforcement)));
    for (field, limit) in [
        ("requests_per_minute", limit.bound(Unit::Requests, RateWindow::Minute)),
        ("tokens_per_minute", limit.bound(Unit::Tokens, RateWindow::Minute)),
        ("requests_per_day", limit.bound(Unit::Requests, RateWindow::Day)),
    ] {
        if let Some(limit) = limit {
            fields.insert(field.to_owned(), json!(limit));
        }
    }
    Value::Object(fields)
}

pub(super) fn api_key(key: &ApiKey) -> Value {
    let models: Vec<&str> = key.allowed_model_ids.iter().map(|id| &**id).collect();
    json!({
        "api_key_id": &*key.id,
        "display_name": key.display_name,
        "key_group_id": key.key_group_id.as_deref(),
        "allowed_model_ids": models,
        "disabled": key.disabled,
        "expire_time": key.expire_time.map(time),
    })
}

pub(super) fn key_group(group: &KeyGroup) -> Value {
    json!({ "key_group_id": &*group.id, "display_name": group.display_name })
}

/// Whose use a rule counts.
fn scope(scope: &Scope) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut subject = json!({ "type": subject_type(scope.kind) });
    match scope.subject_id.as_deref() {
        None => {
            fields.insert("each_member".to_owned(), json!(true));
        }
        // Of the workspace.
        Some("") => {}
        Some(subject_id) => subject["id"] = json!(subject_id),
    }
    fields.insert("subject".to_owned(), subject);
    if let Some(model_id) = &scope.model_id {
        fields.insert("model_id".to_owned(), json!(&**model_id));
    }
    fields
}

fn subject_type(kind: SubjectKind) -> &'static str {
    match kind {
        SubjectKind::Workspace => "SUBJECT_TYPE_WORKSPACE",
        SubjectKind::Department => "SUBJECT_TYPE_DEPARTMENT",
        SubjectKind::User => "SUBJECT_TYPE_USER",
        SubjectKind::ApiKey => "SUBJECT_TYPE_API_KEY",
        SubjectKind::KeyGroup => "SUBJECT_TYPE_KEY_GROUP",
        SubjectKind::Project => "SUBJECT_TYPE_PROJECT",
        SubjectKind::Assistant => "SUBJECT_TYPE_ASSISTANT",
    }
}

fn period(period: Period) -> &'static str {
    match period {
        Period::Day => "LIMIT_PERIOD_DAY",
        Period::Week => "LIMIT_PERIOD_WEEK",
        Period::Month => "LIMIT_PERIOD_MONTH",
        Period::Cycle => "LIMIT_PERIOD_CYCLE",
        Period::UntilReset => "LIMIT_PERIOD_UNTIL_RESET",
    }
}

fn enforcement(enforcement: Enforcement) -> &'static str {
    match enforcement {
        Enforcement::Hard => "ENFORCEMENT_HARD",
        Enforcement::Soft => "ENFORCEMENT_SOFT",
        Enforcement::Downgrade => "ENFORCEMENT_DOWNGRADE",
        Enforcement::Shadow => "ENFORCEMENT_SHADOW",
    }
}

fn variant(variant: &Variant) -> Value {
    let mut fields = rates(&variant.rates);
    let tier = match variant.tier {
        ServiceTier::Standard => "SERVICE_TIER_STANDARD",
        ServiceTier::Batch => "SERVICE_TIER_BATCH",
        ServiceTier::Flex => "SERVICE_TIER_FLEX",
        ServiceTier::Priority => "SERVICE_TIER_PRIORITY",
    };
    fields.insert("service_tier".to_owned(), json!(tier));
    fields.insert("above_input_token_count".to_owned(), json!(variant.above_input_tokens));
    fields.insert("threshold_inclusive".to_owned(), json!(variant.inclusive));
    Value::Object(fields)
}

fn rates(rates: &Rates) -> Map<String, Value> {
    let mut fields = Map::new();
    for class in TokenClass::ALL {
        if let Some(rate) = rates[class as usize] {
            fields.insert(rate_field(class).to_owned(), json!(Amount::from_nanos(rate).to_text()));
        }
    }
    fields
}

fn rate_field(class: TokenClass) -> &'static str {
    match class {
        TokenClass::Input => "input_per_million",
        TokenClass::CacheRead => "cache_read_per_million",
        TokenClass::CacheWrite5m => "cache_write_5m_per_million",
        TokenClass::CacheWrite1h => "cache_write_1h_per_million",
        TokenClass::Output => "output_per_million",
        TokenClass::Reasoning => "reasoning_per_million",
        TokenClass::AudioInput => "audio_input_per_million",
        TokenClass::AudioOutput => "audio_output_per_million",
        TokenClass::ImageInput => "image_input_per_million",
        TokenClass::ImageOutput => "image_output_per_million",
    }
}

fn source(source: Source) -> &'static str {
    match source {
        Source::Builtin => "builtin",
        Source::Operator => "operator",
        Source::Import => "import",
    }
}
