//! What a webhook is sent: the alert as JSON, its fields named as in the protos.
//!
//! Without what may change later: each attempt sends the same.

use chrono::SecondsFormat;
use serde_json::{Value, json};

use crate::domain::alert::{AlertSubject, AlertType};
use crate::domain::attribution::SubjectKind;
use crate::domain::quota::Unit;
use crate::domain::{Amount, Time};
use crate::engine::alerts::wording::{Wording, kind_name, type_name};
use crate::storage::alerts::StoredAlert;

pub fn body(stored: &StoredAlert, wording: &Wording) -> String {
    let alert = &stored.alert;
    let mut data = json!({
        "alert_id": stored.seq,
        "workspace_id": &*stored.workspace_id,
        "type": type_name(alert.key.alert_type),
        "subject": subject(stored),
        "message": wording.sentence(stored),
        "window_start_time": time(alert.key.window_start),
        "create_time": time(alert.time),
    });
    if let Some(end) = alert.window_end {
        data["window_end_time"] = json!(time(end));
    }
    if alert.key.alert_type == AlertType::Threshold {
        data["threshold_percent"] = json!(alert.key.threshold);
    }
    if let Some(kind) = limit_kind(stored) {
        data["limit_kind"] = json!(kind);
    }
    if let Some(quota_id) = stored.quota_id() {
        data["limit_id"] = json!(&**quota_id);
    }
    let money = |nanos| {
        let amount = Amount::from_nanos(nanos).to_text();
        json!({ "currency_code": wording.currency.as_str(), "amount": amount })
    };
    match alert.unit {
        Some(Unit::Money) => {
            data["unit"] = json!("LIMIT_UNIT_MONEY");
            data["limit"] = money(alert.limit);
            data["spent"] = money(alert.spent);
        }
        Some(unit) => {
            let is_tokens = unit == Unit::Tokens;
            data["unit"] =
                json!(if is_tokens { "LIMIT_UNIT_TOKENS" } else { "LIMIT_UNIT_REQUESTS" });
            data["limit_count"] = json!(alert.limit);
            data["spent_count"] = json!(alert.spent);
        }
        None => {}
    }
    let event = json!({
        "type": event_type(alert.key.alert_type),
        "timestamp": time(alert.time),
        "data": data,
    });
    event.to_string()
}

/// What receivers filter by.
fn event_type(alert_type: AlertType) -> &'static str {
    match alert_type {
        AlertType::Threshold => "alert.threshold",
        AlertType::InOverage => "alert.in_overage",
        AlertType::Exhausted => "alert.exhausted",
        AlertType::FallbackBegan => "alert.fallback_began",
        AlertType::UnpricedModel => "alert.unpriced_model",
        AlertType::HoldsExpired => "alert.holds_expired",
    }
}

/// As `LimitKind` in the protos; nothing where it is about no limit.
fn limit_kind(stored: &StoredAlert) -> Option<&'static str> {
    let key = &stored.alert.key;
    match (&key.subject, key.alert_type) {
        (AlertSubject::Quota { .. }, _) => Some("LIMIT_KIND_QUOTA"),
        (AlertSubject::Model(_), AlertType::Threshold) => Some("LIMIT_KIND_MODEL_LIMIT"),
        (
            AlertSubject::Workspace,
            AlertType::Threshold | AlertType::InOverage | AlertType::Exhausted,
        ) => Some("LIMIT_KIND_ENVELOPE"),
        (AlertSubject::Model(_) | AlertSubject::Workspace, _) => None,
    }
}

fn subject(stored: &StoredAlert) -> Value {
    let (kind, id) = match &stored.alert.key.subject {
        AlertSubject::Workspace | AlertSubject::Quota { kind: SubjectKind::Workspace, .. } => {
            ("SUBJECT_TYPE_WORKSPACE", &stored.workspace_id)
        }
        AlertSubject::Model(id) => ("SUBJECT_TYPE_MODEL", id),
        AlertSubject::Quota { kind, subject_id, .. } => (kind_name(*kind), subject_id),
    };
    json!({ "type": kind, "id": &**id })
}

/// RFC 3339 in UTC.
fn time(time: Time) -> String {
    time.to_utc().to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
