//! Who changed what: the entry of the audit log that is written with every change of policy.
//!
//! Writes nothing itself: an entry travels to storage with its change, in one transaction. How
//! each thing is put into JSON is in `described.rs`.

use serde_json::Value;

use super::{Engine, Result};
use crate::domain::Time;
use crate::storage::policy::{AuditEvent, AuditFilter};

/// Who makes a change, and by which call or command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct By {
    pub actor: String,
    /// For example `SetPlan`.
    pub action: &'static str,
}

impl By {
    pub fn new(actor: impl Into<String>, action: &'static str) -> By {
        By { actor: actor.into(), action }
    }

    /// The entry of a change of one thing: absent `before` it was not there, absent `after` it is
    /// gone. None if it is as it was: then nothing has to be written. `workspace_id` is empty for
    /// the catalogue.
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
            actor: self.actor.clone(),
            action: self.action.to_owned(),
            workspace_id: workspace_id.to_owned(),
            resource_type: resource_type.to_owned(),
            resource_id: resource_id.to_owned(),
            before: before.map(|json| json.to_string()),
            after: after.map(|json| json.to_string()),
        })
    }
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

    #[test]
    fn only_what_changes_has_an_entry() {
        let by = By::new("ada", "SetPlan");
        let event =
            |before, after| by.event(Time::default(), "acme", "plan", "acme", before, after);
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
}
