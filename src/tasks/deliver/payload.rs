//! The body of a webhook request: an alert as JSON.
//!
//! Its fields, and the values of its enums, are named as in the API; `docs/alerts.md` documents
//! them. Only immutable fields, so that every attempt of a delivery has the same body.

use serde_json::{Value, json};

use crate::domain::Amount;
use crate::domain::alert::{AlertAnomaly, AlertRecord, AlertSubject, AlertType};
use crate::domain::attribution::SubjectKind;
use crate::domain::quota::Unit;
use crate::engine::alerts::wording::Wording;
use crate::storage::alerts::StoredAlert;

pub fn body(stored: &StoredAlert, wording: &Wording) -> String {
    let alert = &stored.alert;
    let type_name = alert.key.alert_type.as_str();
    let mut data = json!({
        "alert_id": stored.seq,
        "workspace_id": &*stored.workspace_id,
        "type": enum_value("alert_type", type_name),
        "subject": subject(stored),
        "message": wording.sentence(stored),
        "window_start_time": alert.key.window_start,
        "create_time": alert.time,
    });
    if let Some(end) = alert.window_end {
        data["window_end_time"] = json!(end);
    }
    if alert.key.alert_type == AlertType::Threshold {
        data["threshold_percent"] = json!(alert.key.threshold);
    }
    if let Some(kind) = limit_kind(stored) {
        data["limit_kind"] = json!(enum_value("limit_kind", kind));
    }
    if let Some(quota_id) = stored.quota_id() {
        data["limit_id"] = json!(&**quota_id);
    }
    if let Some(unit) = alert.unit {
        data["unit"] = json!(enum_value("limit_unit", unit.as_str()));
    }
    let money =
        |nanos| json!({ "currency_code": wording.currency, "amount": Amount::from_nanos(nanos) });
    match alert.unit {
        Some(Unit::Money) => {
            data["limit"] = money(alert.limit);
            data["spent"] = money(alert.spent);
            if let Some(number) = stored.large_record_number() {
                data["spent_count"] = json!(number);
            }
        }
        Some(Unit::Tokens | Unit::Requests | Unit::UncachedTokens) => {
            data["limit_count"] = json!(alert.limit);
            data["spent_count"] = json!(alert.spent);
        }
        None => {}
    }
    if let Some(record) = &alert.record {
        data["record"] = record_data(record);
    }
    if let Some(anomaly) = &alert.anomaly {
        data["anomaly"] = anomaly_data(anomaly);
    }
    let event = json!({
        // Receivers filter by it.
        "type": format!("alert.{type_name}"),
        "timestamp": alert.time,
        "data": data,
    });
    event.to_string()
}

/// Ids that there are not are left out.
fn record_data(record: &AlertRecord) -> Value {
    let mut data = json!({
        "sequence": record.seq,
        "request_id": &*record.request_id,
        "attempt": record.attempt,
        "model_id": &*record.model_id,
    });
    for (name, id) in [("user_id", &record.user_id), ("api_key_id", &record.api_key_id)] {
        if !id.is_empty() {
            data[name] = json!(&**id);
        }
    }
    data
}

fn anomaly_data(anomaly: &AlertAnomaly) -> Value {
    let explained_by: Vec<Value> = anomaly
        .explained_by
        .iter()
        .map(|member| {
            let kind = enum_value("subject_type", member.dimension.as_str());
            json!({ "type": kind, "id": &*member.id })
        })
        .collect();
    json!({
        "anomaly_id": &*anomaly.anomaly_id,
        "kind": enum_value("anomaly_kind", anomaly.kind.as_str()),
        "metric": enum_value("anomaly_metric", anomaly.metric.as_str()),
        "over": anomaly.is_over,
        "explained_by": explained_by,
    })
}

/// The value of an enum of the API, which has the name of its enum as a prefix.
fn enum_value(enum_name: &str, value: &str) -> String {
    format!("{enum_name}_{value}").to_ascii_uppercase()
}

/// None where the alert is about no limit.
fn limit_kind(stored: &StoredAlert) -> Option<&'static str> {
    let key = &stored.alert.key;
    match (&key.subject, key.alert_type) {
        (AlertSubject::Quota { .. }, _) => Some("quota"),
        (AlertSubject::Model(_), AlertType::Threshold) => Some("model_limit"),
        (
            AlertSubject::Workspace,
            AlertType::Threshold | AlertType::InOverage | AlertType::Exhausted,
        ) => Some("envelope"),
        (AlertSubject::Model(_) | AlertSubject::Workspace | AlertSubject::Member { .. }, _) => None,
    }
}

fn subject(stored: &StoredAlert) -> Value {
    let (kind, id) = match &stored.alert.key.subject {
        AlertSubject::Workspace | AlertSubject::Quota { kind: SubjectKind::Workspace, .. } => {
            (SubjectKind::Workspace.as_str(), &stored.workspace_id)
        }
        AlertSubject::Model(id) => ("model", id),
        AlertSubject::Quota { kind, subject_id, .. }
        | AlertSubject::Member { kind, subject_id } => (kind.as_str(), subject_id),
    };
    json!({ "type": enum_value("subject_type", kind), "id": &**id })
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;

    use super::*;
    use crate::domain::alert::anomaly::{AnomalyKind, AnomalyMember, AnomalyMetric};
    use crate::domain::alert::{Alert, AlertAnomaly, AlertKey, AlertRecord};
    use crate::domain::attribution::Dimension;
    use crate::domain::{Currency, Time};

    /// The body of an alert has these parts.
    fn check(subject: AlertSubject, alert_type: AlertType, unit: Option<Unit>, parts: &[&str]) {
        let record = AlertRecord {
            seq: 9,
            request_id: "r".into(),
            attempt: -1,
            model_id: "big".into(),
            user_id: "".into(),
            api_key_id: "k".into(),
        };
        let anomaly = AlertAnomaly {
            anomaly_id: "a".into(),
            kind: AnomalyKind::Spike,
            metric: AnomalyMetric::Cost,
            is_over: false,
            explained_by: vec![AnomalyMember { dimension: Dimension::ApiKey, id: "k".into() }],
        };
        let alert = Alert {
            key: AlertKey {
                subject,
                alert_type,
                window_start: Time::EARLIEST,
                threshold: 80,
                base_limit: 100,
            },
            window_end: None,
            unit,
            limit: 2,
            spent: 1,
            time: Time::EARLIEST,
            record: (alert_type == AlertType::LargeRecord).then(|| Box::new(record.clone())),
            anomaly: (alert_type == AlertType::Anomaly).then(|| Box::new(anomaly.clone())),
        };
        let stored = StoredAlert { seq: 7, workspace_id: "acme".into(), alert, acknowledged: None };
        let wording = Wording { currency: Currency::EUR, time_zone: Tz::UTC };
        let text = body(&stored, &wording);
        for part in parts {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    /// The payload is part of the API: nothing in it may change.
    #[test]
    fn names_stay() {
        let quota =
            |kind| AlertSubject::Quota { quota_id: "q".into(), kind, subject_id: "x".into() };
        let parts = [
            r#""type":"alert.threshold""#,
            r#""type":"ALERT_TYPE_THRESHOLD""#,
            r#""limit_kind":"LIMIT_KIND_QUOTA""#,
            r#""subject":{"id":"x","type":"SUBJECT_TYPE_KEY_GROUP"}"#,
            r#""unit":"LIMIT_UNIT_TOKENS""#,
            r#""limit_count":2"#,
            r#""spent_count":1"#,
        ];
        check(quota(SubjectKind::KeyGroup), AlertType::Threshold, Some(Unit::Tokens), &parts);
        let parts = [
            r#""type":"alert.in_overage""#,
            r#""type":"ALERT_TYPE_IN_OVERAGE""#,
            r#""limit_kind":"LIMIT_KIND_ENVELOPE""#,
            r#""subject":{"id":"acme","type":"SUBJECT_TYPE_WORKSPACE"}"#,
            r#""limit":{"amount":"0.000000002","currency_code":"EUR"}"#,
            r#""create_time":"2000-01-01T00:00:00Z""#,
        ];
        check(AlertSubject::Workspace, AlertType::InOverage, Some(Unit::Money), &parts);
        let parts = [
            r#""type":"alert.unpriced_model""#,
            r#""type":"ALERT_TYPE_UNPRICED_MODEL""#,
            r#""subject":{"id":"big","type":"SUBJECT_TYPE_MODEL"}"#,
        ];
        check(AlertSubject::Model("big".into()), AlertType::UnpricedModel, None, &parts);
        let parts = [
            r#""type":"alert.large_record""#,
            r#""type":"ALERT_TYPE_LARGE_RECORD""#,
            r#""subject":{"id":"acme","type":"SUBJECT_TYPE_WORKSPACE"}"#,
            r#""spent":{"amount":"0.000000001","currency_code":"EUR"}"#,
            r#""spent_count":100"#,
            r#""record":{"api_key_id":"k","attempt":-1,"model_id":"big","request_id":"r","#,
        ];
        check(AlertSubject::Workspace, AlertType::LargeRecord, Some(Unit::Money), &parts);
    }

    #[test]
    fn names_of_anomalies_stay() {
        let parts = [
            r#""type":"alert.anomaly""#,
            r#""type":"ALERT_TYPE_ANOMALY""#,
            r#""subject":{"id":"legal","type":"SUBJECT_TYPE_DEPARTMENT"}"#,
            r#""spent":{"amount":"0.000000001","currency_code":"EUR"}"#,
            r#""explained_by":[{"id":"k","type":"SUBJECT_TYPE_API_KEY"}]"#,
            r#""kind":"ANOMALY_KIND_SPIKE","metric":"ANOMALY_METRIC_COST","over":false"#,
        ];
        let department =
            AlertSubject::Member { kind: SubjectKind::Department, subject_id: "legal".into() };
        check(department, AlertType::Anomaly, Some(Unit::Money), &parts);
    }
}
