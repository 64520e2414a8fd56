//! The part of the contract about the audit log. It is written with the changes that it names
//! ([`super::policy::SettingsStore::change`]).

use async_trait::async_trait;

use super::Result;
use super::policy::{AuditEvent, AuditFilter};
use crate::domain::Time;

/// The audit log. General rules: see [`super::Store`].
#[async_trait]
pub trait AuditStore: Send + Sync + 'static {
    /// Must return at most `limit` events that match, latest (`time`, id) first, before `after`.
    async fn audit_events(
        &self,
        filter: &AuditFilter,
        after: Option<(Time, String)>,
        limit: usize,
    ) -> Result<Vec<AuditEvent>>;

    /// Must return at most `limit` events of a workspace whose states contain `text` as a JSON
    /// string, or whose resource has it as its id; oldest (`time`, id) first, beyond `after`.
    /// May return others.
    async fn audit_events_naming(
        &self,
        workspace_id: &str,
        text: &str,
        after: Option<(Time, String)>,
        limit: usize,
    ) -> Result<Vec<AuditEvent>>;
}
