//! The part of the contract about what administrators set, joined from its areas.

use async_trait::async_trait;

use super::SqlStore;
use super::backend::Backend;
use super::boosts::{self, BOOSTS};
use super::codec::time;
use super::keys::{self, API_KEYS, KEY_GROUPS};
use super::quotas::{self, QUOTAS, RATE_LIMITS};
use crate::domain::Time;
use crate::domain::api_key::{ApiKey, KeyGroup};
use crate::domain::backfill::{ConsumptionQuery, LimitConfig};
use crate::domain::backfill::{RateBucket, RateQuery};
use crate::domain::boost::Boost;
use crate::domain::quota::{Consumption, Quota};
use crate::domain::rate_limit::RateLimit;
use crate::storage::Result;
use crate::storage::policy::{
    AuditEvent, AuditFilter, BoostFilter, Change, PolicyStore, RuleFilter, StoredRate,
};

#[async_trait]
impl<DB: Backend> PolicyStore for SqlStore<DB> {
    async fn change(
        &self,
        workspace_id: &str,
        changes: &[Change],
        events: &[AuditEvent],
    ) -> Result<()> {
        self.apply_changes(workspace_id, changes, events).await
    }

    async fn policy(&self, workspace_id: &str, now: Time) -> Result<LimitConfig> {
        self.read_policy(workspace_id, now).await
    }

    async fn quotas(
        &self,
        workspace_id: &str,
        filter: &RuleFilter,
        after_id: &str,
        limit: usize,
    ) -> Result<Vec<Quota>> {
        self.list_quotas(workspace_id, filter, after_id, limit).await
    }

    async fn rate_limits(
        &self,
        workspace_id: &str,
        filter: &RuleFilter,
        after_id: &str,
        limit: usize,
    ) -> Result<Vec<RateLimit>> {
        self.list_rate_limits(workspace_id, filter, after_id, limit).await
    }

    async fn api_keys(
        &self,
        workspace_id: &str,
        key_group_id: Option<&str>,
        after_id: &str,
        limit: usize,
    ) -> Result<Vec<ApiKey>> {
        self.list_api_keys(workspace_id, key_group_id, after_id, limit).await
    }

    async fn key_groups(
        &self,
        workspace_id: &str,
        after_id: &str,
        limit: usize,
    ) -> Result<Vec<KeyGroup>> {
        self.list_key_groups(workspace_id, after_id, limit).await
    }

    async fn boost(&self, workspace_id: &str, id: &str) -> Result<Option<Boost>> {
        self.read_boost(workspace_id, id).await
    }

    async fn boosts(
        &self,
        workspace_id: &str,
        filter: &BoostFilter,
        after: Option<(Time, String)>,
        limit: usize,
    ) -> Result<Vec<Boost>> {
        self.list_boosts(workspace_id, filter, after.as_ref(), limit).await
    }

    async fn audit_events(
        &self,
        filter: &AuditFilter,
        after: Option<(Time, String)>,
        limit: usize,
    ) -> Result<Vec<AuditEvent>> {
        self.list_audit_events(filter, after.as_ref(), limit).await
    }

    async fn audit_events_naming(
        &self,
        workspace_id: &str,
        text: &str,
        after: Option<(Time, String)>,
        limit: usize,
    ) -> Result<Vec<AuditEvent>> {
        self.list_events_naming(workspace_id, text, after, limit).await
    }

    async fn used(
        &self,
        workspace_id: &str,
        query: &ConsumptionQuery,
    ) -> Result<Vec<(String, Consumption)>> {
        self.sum_used(workspace_id, query).await
    }

    async fn sent(&self, workspace_id: &str, query: &RateQuery) -> Result<Vec<RateBucket>> {
        self.sum_sent(workspace_id, query).await
    }

    async fn rates(&self, workspace_id: &str) -> Result<Vec<StoredRate>> {
        self.read_rates(workspace_id).await
    }
}

impl<DB: Backend> SqlStore<DB> {
    async fn read_policy(&self, workspace_id: &str, now: Time) -> Result<LimitConfig> {
        let mut snapshot = self.snapshot().await?;
        let quotas = snapshot.select(QUOTAS.of(workspace_id).all("id")).await?;
        let rate_limits = snapshot.select(RATE_LIMITS.of(workspace_id).all("id")).await?;
        let api_keys = snapshot.select(API_KEYS.of(workspace_id).all("id")).await?;
        let key_groups = snapshot.select(KEY_GROUPS.of(workspace_id).all("id")).await?;
        let not_over =
            BOOSTS.of(workspace_id).with("end_time >", time(now)).only("cancel_time IS NULL");
        let boosts = snapshot.select(not_over.all("id")).await?;
        snapshot.end().await?;
        Ok(LimitConfig {
            quotas: quotas.iter().map(quotas::quota::<DB>).collect::<Result<_>>()?,
            rate_limits: rate_limits.iter().map(quotas::rate_limit::<DB>).collect::<Result<_>>()?,
            api_keys: api_keys.iter().map(keys::api_key::<DB>).collect::<Result<_>>()?,
            key_groups: key_groups.iter().map(keys::key_group::<DB>).collect::<Result<_>>()?,
            boosts: boosts.iter().map(boosts::boost::<DB>).collect::<Result<_>>()?,
        })
    }
}
