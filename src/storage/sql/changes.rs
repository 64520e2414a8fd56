//! Changes of what is set, with their entries of the audit log: all or none.

use super::SqlStore;
use super::audit;
use super::backend::{Backend, Value};
use super::boosts;
use super::catalogue;
use super::codec::time;
use super::directory;
use super::erasure;
use super::keys::{self, API_KEYS, KEY_GROUPS};
use super::quotas::{self, RATE_LIMITS};
use super::receivers::{self, EMAIL_RECEIVERS, WEBHOOKS};
use super::session::Write;
use super::workspaces;
use crate::storage::Result;
use crate::storage::policy::{AuditEvent, Change};

/// The first acknowledgement stays.
const ACKNOWLEDGE: &str = "\
    UPDATE alerts SET acknowledge_time = $3, acknowledge_actor = $4 \
    WHERE workspace_id = $1 AND seq = $2 AND acknowledge_time IS NULL";

impl<DB: Backend> SqlStore<DB> {
    pub(super) async fn apply_changes(
        &self,
        workspace_id: &str,
        changes: &[Change],
        events: &[AuditEvent],
    ) -> Result<()> {
        let mut write = self.session.begin().await?;
        for change in changes {
            apply(&mut write, workspace_id, change).await?;
        }
        audit::append(&mut write, events).await?;
        write.commit().await
    }
}

async fn apply<DB: Backend>(
    write: &mut Write<'_, DB>,
    workspace_id: &str,
    change: &Change,
) -> Result<()> {
    let key = |id| [Value::Text(workspace_id), Value::Shared(id)];
    match change {
        Change::PutModel(model) => catalogue::put_model(write, model).await,
        Change::PutPrices(prices) => catalogue::add_prices(write, prices).await,
        Change::PutExchangeRate(rate) => catalogue::put_exchange_rate(write, rate).await,
        Change::PutWorkspace(workspace) => workspaces::put_workspace(write, workspace).await,
        Change::PutWorkspaceModel(model) => {
            workspaces::put_workspace_model(write, workspace_id, model).await
        }
        Change::PutQuota(quota) => quotas::put_quota(write, workspace_id, quota).await,
        Change::PutRateLimit(limit) => quotas::put_rate_limit(write, workspace_id, limit).await,
        Change::PutApiKey(api_key) => keys::put_api_key(write, workspace_id, api_key).await,
        Change::PutKeyGroup(group) => keys::put_key_group(write, workspace_id, group).await,
        Change::PutBoost(boost) => boosts::put_boost(write, workspace_id, boost).await,
        Change::PutWebhook(webhook) => receivers::put_webhook(write, workspace_id, webhook).await,
        Change::PutEmailReceiver(receiver) => {
            receivers::put_email_receiver(write, workspace_id, receiver).await
        }
        Change::PutEntries(entries) => directory::put(write, workspace_id, entries).await,
        Change::EraseUser(erasure) => erasure::erase(write, workspace_id, erasure).await,
        Change::DeleteQuota(id) => quotas::delete_quota(write, &key(id)).await,
        Change::DeleteRateLimit(id) => RATE_LIMITS.delete(write, &key(id)).await,
        Change::DeleteApiKey(id) => API_KEYS.delete(write, &key(id)).await,
        Change::DeleteKeyGroup(id) => KEY_GROUPS.delete(write, &key(id)).await,
        Change::DeleteWebhook(id) => WEBHOOKS.delete(write, &key(id)).await,
        Change::DeleteEmailReceiver(id) => EMAIL_RECEIVERS.delete(write, &key(id)).await,
        Change::AcknowledgeAlert { seq, time: at, actor } => {
            let values =
                [Value::Text(workspace_id), Value::Int(*seq), time(*at), Value::Text(actor)];
            write.run(ACKNOWLEDGE, &values).await.map(drop)
        }
    }
}
