//! The audit log: who changed what, and how it was before and after.
//!
//! An entry is written in one transaction with its change. States are the JSON of the domain types,
//! without secrets, and without what no change alters by itself, such as the time of the change.

use serde::Serialize;
use serde_json::Value;

use super::{Engine, Result};
use crate::domain::Time;
use crate::storage::audit::{AuditEvent, AuditFilter};

/// Who makes a change, and by which call or command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    pub name: String,
    /// On whose behalf, as the caller says; empty if it says nothing.
    pub on_behalf_of: String,
    /// For example `SetPlan`.
    pub action: &'static str,
}

impl Actor {
    pub fn new(name: impl Into<String>, action: &'static str) -> Actor {
        Actor { name: name.into(), on_behalf_of: String::new(), action }
    }

    /// The entry of a change of one resource: without `before` it is created, without `after`
    /// deleted. None if nothing changed. `workspace_id` is empty for the catalog.
    pub fn event(
        &self,
        time: Time,
        workspace_id: &str,
        resource_type: &'static str,
        resource_id: &str,
        before: Option<Value>,
        after: Option<Value>,
    ) -> Option<AuditEvent> {
        if before == after {
            return None;
        }
        Some(AuditEvent {
            id: uuid::Uuid::now_v7().to_string(),
            time,
            actor: self.name.clone(),
            on_behalf_of: self.on_behalf_of.clone(),
            action: self.action.to_owned(),
            workspace_id: workspace_id.to_owned(),
            resource_type: resource_type.to_owned(),
            resource_id: resource_id.to_owned(),
            before: before.map(|json| json.to_string()),
            after: after.map(|json| json.to_string()),
        })
    }
}

/// The state of a resource.
pub(super) fn state<T: Serialize>(resource: &T) -> Value {
    serde_json::to_value(resource).expect("keys are texts, and nothing else can fail")
}

impl Engine {
    /// Entries that match, latest (`time`, id) first, before `after`.
    pub async fn audit_events(
        &self,
        filter: &AuditFilter,
        after: Option<(Time, String)>,
        limit: usize,
    ) -> Result<Vec<AuditEvent>> {
        if !filter.workspace_id.is_empty() {
            self.get_workspace(&filter.workspace_id).await?;
        }
        Ok(self.store().audit_events(filter, after, limit).await?)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::alert::receiver::{EmailReceiver, Webhook};
    use crate::domain::alert::secret::{SigningSecret, StoredSecret};
    use crate::domain::alert::{AlertPolicy, AlertType};
    use crate::domain::api_key::{ApiKey, KeyGroup};
    use crate::domain::attribution::directory::Entry;
    use crate::domain::attribution::{EntryKind, SubjectKind};
    use crate::domain::boost::{Boost, BoostInUnit, BoostTarget};
    use crate::domain::quota::{Enforcement, Period, Quota, Scope, Unit};
    use crate::domain::rate_limit::{RateBound, RateLimit, RateWindow};
    use crate::domain::{Amount, Currency};
    use crate::engine::InCurrency;

    const AT: Time = Time::EARLIEST;

    #[test]
    fn only_what_changes_has_an_entry() {
        let actor = Actor::new("ada", "SetPlan");
        let event =
            |before, after| actor.event(Time::default(), "acme", "plan", "acme", before, after);
        assert_eq!(event(Some(json!({"a": 1})), Some(json!({"a": 1}))), None);
        assert_eq!(event(None, None), None);
        let made = event(None, Some(json!({"b": "x", "a": 1}))).unwrap();
        assert_eq!(made.before, None);
        assert_eq!(made.after.as_deref(), Some(r#"{"a":1,"b":"x"}"#));
        assert_eq!((made.actor.as_str(), made.action.as_str()), ("ada", "SetPlan"));
        let gone = event(Some(json!({})), None).unwrap();
        assert_eq!(gone.after, None);
        assert_ne!(made.id, gone.id);
    }

    fn quota(unit: Unit, period: Period) -> Quota {
        let subject_id = Some("ada".into());
        Quota {
            id: "q".into(),
            display_name: "Q".to_owned(),
            scope: Scope { kind: SubjectKind::User, subject_id, model_id: None },
            unit,
            period,
            limit: Some(2_500_000_000),
            enforcement: Enforcement::Downgrade,
            thresholds: vec![50, 100],
            window_start: AT,
            create_time: AT,
            update_time: AT,
        }
    }

    /// Readers of the log know these names: none may change. Workspaces, models and prices are in
    /// `tests/api/records/audit.rs`.
    #[test]
    fn names_of_limits_stay() {
        let value = quota(Unit::Money, Period::Day);
        let expected = json!({
            "currency": "EUR",
            "id": "q",
            "display_name": "Q",
            "scope": { "kind": "user", "subject_id": "ada", "model_id": null },
            "unit": "money",
            "period": "day",
            "limit": "2.50",
            "enforcement": "downgrade",
            "thresholds": [50, 100],
            "window_start": null,
        });
        assert_eq!(state(&InCurrency { currency: Currency::EUR, value }), expected);
        let in_tokens = state(&quota(Unit::Tokens, Period::UntilReset));
        assert_eq!(in_tokens["limit"], 2_500_000_000_i64);
        assert_eq!(in_tokens["period"], "until_reset");
        assert_eq!(in_tokens["window_start"], "2000-01-01T00:00:00Z");

        let limit = RateLimit {
            id: "r".into(),
            display_name: String::new(),
            scope: Scope { kind: SubjectKind::ApiKey, subject_id: None, model_id: None },
            bounds: vec![
                RateBound::new(Unit::Requests, RateWindow::Minute, 60),
                RateBound::new(Unit::Requests, RateWindow::Day, 1_000),
            ],
            enforcement: Enforcement::Hard,
            create_time: AT,
            update_time: AT,
        };
        let expected = json!({
            "id": "r",
            "display_name": "",
            "scope": { "kind": "api_key", "subject_id": null, "model_id": null },
            "bounds": [
                { "unit": "requests", "window": "minute", "amount": 60 },
                { "unit": "requests", "window": "day", "amount": 1_000 },
            ],
            "enforcement": "hard",
        });
        assert_eq!(state(&limit), expected);
    }

    #[test]
    fn names_of_boosts_stay() {
        let boost = Boost {
            id: "b".into(),
            target: BoostTarget::Quota { quota_id: "q".into(), subject_id: Some("ada".into()) },
            amount: 5,
            start_time: AT,
            end_time: AT + 1,
            reason: "launch".to_owned(),
            actor: "eve".to_owned(),
            create_time: AT,
            cancel_time: None,
        };
        let expected = json!({
            "id": "b",
            "target": { "kind": "quota", "quota_id": "q", "subject_id": "ada" },
            "unit": "requests",
            "amount": 5,
            "start_time": "2000-01-01T00:00:00Z",
            "end_time": "2000-01-01T00:00:00.000001Z",
            "reason": "launch",
            "actor": "eve",
            "create_time": "2000-01-01T00:00:00Z",
            "cancel_time": null,
        });
        assert_eq!(state(&BoostInUnit::new(boost.clone(), Unit::Requests)), expected);
        let of_envelope = Boost { target: BoostTarget::Envelope, ..boost };
        let of_envelope = state(&BoostInUnit::new(of_envelope, Unit::Money));
        assert_eq!(of_envelope["target"], json!({ "kind": "envelope" }));
        assert_eq!(of_envelope["amount"], "0.000000005");
    }

    #[test]
    fn names_of_keys_and_entries_stay() {
        let key = ApiKey {
            id: "k".into(),
            display_name: String::new(),
            key_group_id: Some("g".into()),
            allowed_model_ids: vec!["big".into()],
            disabled: false,
            expire_time: Some(AT),
            create_time: AT,
            update_time: AT,
        };
        let expected = json!({
            "id": "k",
            "display_name": "",
            "key_group_id": "g",
            "allowed_model_ids": ["big"],
            "disabled": false,
            "expire_time": "2000-01-01T00:00:00Z",
        });
        assert_eq!(state(&key), expected);
        let display_name = "Batch".to_owned();
        let group = KeyGroup { id: "g".into(), display_name, create_time: AT, update_time: AT };
        assert_eq!(state(&group), json!({ "id": "g", "display_name": "Batch" }));
        let entry = Entry {
            kind: EntryKind::User,
            id: "ada".to_owned(),
            display_name: "Ada".to_owned(),
            department_id: "law".to_owned(),
            external_id: String::new(),
            sign_up_time: Some(AT),
            first_value_time: None,
            create_time: AT,
            update_time: AT,
            archive_time: None,
        };
        let expected = json!({
            "kind": "user",
            "id": "ada",
            "display_name": "Ada",
            "department_id": "law",
            "external_id": "",
            "sign_up_time": "2000-01-01T00:00:00Z",
            "first_value_time": null,
            "archive_time": null,
        });
        assert_eq!(state(&entry), expected);
    }

    #[test]
    fn receivers_are_kept_without_their_secrets() {
        let webhook = Webhook {
            id: "w".into(),
            url: "https://user.example.com:8443/hidden-path?token=hidden-token".to_owned(),
            types: vec![AlertType::InOverage],
            disabled: true,
            display_name: String::new(),
            secret: StoredSecret::Plain(SigningSecret::new("hidden secret")),
            old_secret: Some((StoredSecret::Plain(SigningSecret::new("hidden before")), AT)),
            create_time: AT,
            update_time: AT,
        };
        let found = state(&webhook);
        let expected = json!({
            "id": "w",
            "host": "user.example.com:8443",
            "url_hash": found["url_hash"],
            "types": ["in_overage"],
            "disabled": true,
            "display_name": "",
            "old_secret_until": "2000-01-01T00:00:00Z",
        });
        assert_eq!(found, expected);
        let moved = Webhook { url: webhook.url.replace("path", "way"), ..webhook.clone() };
        assert_ne!(state(&moved)["url_hash"], found["url_hash"]);
        for text in [found.to_string(), format!("{webhook:?}")] {
            // As a text or as a list of bytes.
            let bytes = format!("{:?}", b"hidden").replace([' ', '[', ']'], "");
            assert!(!text.contains("hidden") && !text.contains(&bytes), "{text}");
        }
        let receiver = EmailReceiver {
            id: "e".into(),
            address: "ops@example.com".to_owned(),
            types: Vec::new(),
            create_time: AT,
        };
        let expected = json!({ "id": "e", "address": "ops@example.com", "types": [] });
        assert_eq!(state(&receiver), expected);
        let mut policy =
            AlertPolicy { envelope: vec![80], model_limits: Vec::new(), large_record_cost: None };
        let mut expected = json!({ "envelope": [80], "model_limits": [] });
        expected["large_record_cost"] = json!(null);
        assert_eq!(state(&policy), expected);
        policy.large_record_cost = Some(Amount::from_nanos(1_500_000_000));
        expected["large_record_cost"] = json!("1.50");
        assert_eq!(state(&policy), expected);
    }
}
