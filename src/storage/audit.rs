//! The part of the contract about the audit log. It is written with the changes that it names
//! ([`super::settings::SettingsStore::change`]), and with entries of the usage log that are made by
//! hand ([`super::log::LogStore::append_audited`]).

use async_trait::async_trait;

use super::Result;
use crate::domain::Time;

/// One change in the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    /// UUIDv7, in lower case.
    pub id: String,
    pub time: Time,
    pub actor: String,
    /// On whose behalf the actor said that it acts; empty if it said nothing.
    pub on_behalf_of: String,
    pub action: String,
    /// Empty for the catalog.
    pub workspace_id: String,
    pub resource_type: String,
    pub resource_id: String,
    /// JSON of the resource before; absent if it was created.
    pub before: Option<String>,
    /// JSON of the resource after; absent if it was deleted.
    pub after: Option<String>,
}

/// Which audit events to list. Absent parts do not restrict.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Empty for the catalog.
    pub workspace_id: String,
    pub resource_type: Option<String>,
    pub resource_id: Option<String>,
    pub actor: Option<String>,
    /// At or after.
    pub from: Option<Time>,
    /// Before.
    pub to: Option<Time>,
}

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
    /// string, or that name it as their actor, on whose behalf it acted, or as the id of their
    /// resource; oldest (`time`, id) first, beyond `after`.
    /// May return others.
    async fn audit_events_naming(
        &self,
        workspace_id: &str,
        text: &str,
        after: Option<(Time, String)>,
        limit: usize,
    ) -> Result<Vec<AuditEvent>>;
}
