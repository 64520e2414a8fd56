//! What administrators set: reading it, and changing it together with its audit events.

use async_trait::async_trait;

use super::access::{ACCESS_TOKENS, REVISION, put_token, use_token};
use super::alert::anomaly::{put_anomalies, put_anomaly_policy};
use super::alert::receiver::{EMAIL_RECEIVERS, WEBHOOKS, put_webhook};
use super::api_key::{API_KEYS, KEY_GROUPS};
use super::audit::AUDIT_EVENTS;
use super::boost::BOOSTS;
use super::catalog::{
    EXCHANGE_RATES, MODELS, PRICE_CONFIRMATIONS, PRICES, WITHDRAWALS, restore_rate,
};
use super::directory::DIRECTORY;
use super::entry_words::put_words;
use super::quota::{self, QUOTAS, matching};
use super::rate_limit::RATE_LIMITS;
use super::recommendation::{self, RECOMMENDATIONS};
use super::workspace::{FREEZES, MODEL_ALIASES, WORKSPACE_MODELS, WORKSPACES, delete_freeze};
use crate::domain::Time;
use crate::domain::access::AccessToken;
use crate::domain::api_key::{ApiKey, KeyGroup};
use crate::domain::backfill::LimitConfig;
use crate::domain::boost::Boost;
use crate::domain::quota::Quota;
use crate::domain::rate_limit::RateLimit;
use crate::domain::workspace::{ModelAlias, Workspace, WorkspaceModel};
use crate::storage::Result;
use crate::storage::audit::AuditEvent;
use crate::storage::settings::{BoostFilter, CatalogRows, Change, LimitFilter, SettingsStore};
use crate::storage::sql::SqlStore;
use crate::storage::sql::connection::backend::Backend;
use crate::storage::sql::connection::session::Write;
use crate::storage::sql::log::erasure;
use crate::storage::sql::row::{Value, time};

/// The first acknowledgement stays.
const ACKNOWLEDGE: &str = "\
    UPDATE alerts SET acknowledge_time = $3, acknowledge_actor = $4 \
    WHERE workspace_id = $1 AND seq = $2 AND acknowledge_time IS NULL";

#[async_trait]
impl<DB: Backend> SettingsStore for SqlStore<DB> {
    async fn change(
        &self,
        workspace_id: &str,
        changes: &[Change],
        events: &[AuditEvent],
    ) -> Result<()> {
        let mut write = self.session.begin().await?;
        for change in changes {
            apply(&mut write, workspace_id, change).await?;
        }
        AUDIT_EVENTS.add(&mut write, events).await?;
        write.commit().await?;
        self.erasing.note(workspace_id, changes);
        Ok(())
    }

    async fn access_revision(&self) -> Result<i64> {
        self.row(REVISION, &[]).await
    }

    async fn access_tokens(&self) -> Result<Vec<AccessToken>> {
        self.select(ACCESS_TOKENS.all().sorted("id")).await
    }

    async fn catalog(&self) -> Result<CatalogRows> {
        let mut snapshot = self.snapshot().await?;
        let models = snapshot.select(MODELS.all().sorted("id")).await?;
        let prices = snapshot.select(PRICES.all().sorted("create_time, id")).await?;
        let order = "create_time, from_currency, to_currency, effective_time";
        let exchange_rates = snapshot.select(EXCHANGE_RATES.all().sorted(order)).await?;
        let withdrawals = snapshot.select(WITHDRAWALS.all().sorted("kind, id")).await?;
        let confirmations = snapshot.select(PRICE_CONFIRMATIONS.all().sorted("price_id")).await?;
        snapshot.end().await?;
        Ok(CatalogRows { models, prices, confirmations, exchange_rates, withdrawals })
    }

    async fn workspace(&self, id: &str) -> Result<Option<Workspace>> {
        let found = self.select(WORKSPACES.all().with("id =", Value::Text(id))).await?;
        Ok(found.into_iter().next())
    }

    async fn workspaces(&self, after_id: &str, limit: usize) -> Result<Vec<Workspace>> {
        self.select(WORKSPACES.all().by_id(after_id, limit)).await
    }

    async fn workspace_models(&self, workspace_id: &str) -> Result<Vec<WorkspaceModel>> {
        self.select(WORKSPACE_MODELS.of(workspace_id).sorted("model_id")).await
    }

    async fn model_aliases(&self, workspace_id: &str) -> Result<Vec<ModelAlias>> {
        self.select(MODEL_ALIASES.of(workspace_id).sorted("id")).await
    }

    async fn limit_config(&self, workspace_id: &str, now: Time) -> Result<LimitConfig> {
        let mut snapshot = self.snapshot().await?;
        let boosts =
            BOOSTS.of(workspace_id).with("end_time >", time(now)).only("cancel_time IS NULL");
        let freezes = FREEZES.of(workspace_id).sorted("subject_kind, subject_id");
        let config = LimitConfig {
            quotas: snapshot.select(QUOTAS.of(workspace_id).sorted("id")).await?,
            rate_limits: snapshot.select(RATE_LIMITS.of(workspace_id).sorted("id")).await?,
            api_keys: snapshot.select(API_KEYS.of(workspace_id).sorted("id")).await?,
            key_groups: snapshot.select(KEY_GROUPS.of(workspace_id).sorted("id")).await?,
            boosts: snapshot.select(boosts.sorted("id")).await?,
            freezes: snapshot.select(freezes).await?,
        };
        snapshot.end().await?;
        Ok(config)
    }

    async fn quotas(
        &self,
        workspace_id: &str,
        filter: &LimitFilter,
        after_id: &str,
        limit: usize,
    ) -> Result<Vec<Quota>> {
        self.select(matching(QUOTAS.of(workspace_id), filter).by_id(after_id, limit)).await
    }

    async fn rate_limits(
        &self,
        workspace_id: &str,
        filter: &LimitFilter,
        after_id: &str,
        limit: usize,
    ) -> Result<Vec<RateLimit>> {
        self.select(matching(RATE_LIMITS.of(workspace_id), filter).by_id(after_id, limit)).await
    }

    async fn api_keys(
        &self,
        workspace_id: &str,
        key_group_id: Option<&str>,
        after_id: &str,
        limit: usize,
    ) -> Result<Vec<ApiKey>> {
        let group = key_group_id.map(Value::Text);
        let keys = API_KEYS.of(workspace_id).with_any("key_group_id =", group);
        self.select(keys.by_id(after_id, limit)).await
    }

    async fn key_groups(
        &self,
        workspace_id: &str,
        after_id: &str,
        limit: usize,
    ) -> Result<Vec<KeyGroup>> {
        self.select(KEY_GROUPS.of(workspace_id).by_id(after_id, limit)).await
    }

    async fn boost(&self, workspace_id: &str, id: &str) -> Result<Option<Boost>> {
        let found = self.select(BOOSTS.of(workspace_id).with("id =", Value::Text(id))).await?;
        Ok(found.into_iter().next())
    }

    async fn boosts(
        &self,
        workspace_id: &str,
        filter: &BoostFilter,
        after: Option<(Time, String)>,
        limit: usize,
    ) -> Result<Vec<Boost>> {
        let all = BOOSTS.of(workspace_id);
        let boosts = match filter {
            BoostFilter::Envelope => all.only("quota_id IS NULL"),
            BoostFilter::Quotas => all.only("quota_id IS NOT NULL"),
            BoostFilter::Quota(id) => all.with("quota_id =", Value::Text(id)),
        };
        self.select(boosts.latest("start_time", after.as_ref(), limit)).await
    }
}

async fn apply<DB: Backend>(
    write: &mut Write<'_, DB>,
    workspace_id: &str,
    change: &Change,
) -> Result<()> {
    match change {
        Change::PutModel(model) => MODELS.put(write, [model]).await,
        Change::PutModels(models) => MODELS.put(write, models).await,
        Change::PutPrices(prices) => PRICES.add(write, prices).await,
        Change::ConfirmPrices(prices) => PRICE_CONFIRMATIONS.put(write, prices).await,
        Change::PutExchangeRate(rate) => EXCHANGE_RATES.put(write, [rate]).await,
        Change::PutWithdrawal(withdrawal) => WITHDRAWALS.put(write, [withdrawal]).await,
        Change::RestoreExchangeRate(rate) => restore_rate(write, rate).await,
        Change::PutWorkspace(workspace) => WORKSPACES.put(write, [workspace]).await,
        Change::PutWorkspaceModel(model) => {
            WORKSPACE_MODELS.put_in(write, workspace_id, [model]).await
        }
        Change::PutModelAlias(alias) => MODEL_ALIASES.put_in(write, workspace_id, [alias]).await,
        Change::PutQuota(quota) => QUOTAS.put_in(write, workspace_id, [quota]).await,
        Change::PutRateLimit(limit) => RATE_LIMITS.put_in(write, workspace_id, [limit]).await,
        Change::PutApiKey(key) => API_KEYS.put_in(write, workspace_id, [key]).await,
        Change::PutKeyGroup(group) => KEY_GROUPS.put_in(write, workspace_id, [group]).await,
        Change::PutBoost(boost) => BOOSTS.put_in(write, workspace_id, [boost]).await,
        Change::PutFreeze(freeze) => FREEZES.put_in(write, workspace_id, [freeze]).await,
        Change::DeleteFreeze(subject) => delete_freeze(write, workspace_id, subject).await,
        Change::PutWebhook(webhook) => put_webhook(write, workspace_id, webhook).await,
        Change::PutEmailReceiver(receiver) => {
            EMAIL_RECEIVERS.put_in(write, workspace_id, [receiver]).await
        }
        Change::PutEntries(entries) => {
            DIRECTORY.put_in(write, workspace_id, entries).await?;
            put_words(write, workspace_id, entries).await
        }
        Change::PutAnomalies(anomalies) => put_anomalies(write, workspace_id, anomalies).await,
        Change::PutAnomalyPolicy(policy) => put_anomaly_policy(write, workspace_id, policy).await,
        Change::PutRecommendations(all) => RECOMMENDATIONS.put_in(write, workspace_id, all).await,
        Change::MakeRecommendations { time, forget_before } => {
            recommendation::made(write, workspace_id, *time, *forget_before).await
        }
        Change::EraseUser(user) => erasure::begin(write, workspace_id, user).await,
        Change::EraseUserPart(part) => erasure::go_on(write, workspace_id, part).await,
        Change::EndErasure(pseudonym) => erasure::end(write, workspace_id, pseudonym).await,
        Change::DeleteQuota(id) => quota::delete_quota(write, workspace_id, id).await,
        Change::DeleteModelAlias(id) => MODEL_ALIASES.delete(write, workspace_id, id).await,
        Change::DeleteRateLimit(id) => RATE_LIMITS.delete(write, workspace_id, id).await,
        Change::DeleteApiKey(id) => API_KEYS.delete(write, workspace_id, id).await,
        Change::DeleteKeyGroup(id) => KEY_GROUPS.delete(write, workspace_id, id).await,
        Change::DeleteWebhook(id) => WEBHOOKS.delete(write, workspace_id, id).await,
        Change::DeleteEmailReceiver(id) => EMAIL_RECEIVERS.delete(write, workspace_id, id).await,
        Change::PutAccessToken(token) => put_token(write, token).await,
        Change::UseAccessToken { id, time } => use_token(write, id, *time).await,
        Change::AcknowledgeAlert { seq, time: at, actor } => {
            let values =
                [Value::Text(workspace_id), Value::Int(*seq), time(*at), Value::Text(actor)];
            write.execute(ACKNOWLEDGE, &values).await.map(drop)
        }
    }
}
