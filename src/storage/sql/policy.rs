//! Not written yet.

use async_trait::async_trait;

use super::SqlStore;
use super::backend::Backend;
use crate::ledger::Time;
use crate::ledger::quota::{
    ApiKey, Boost, KeyGroup, Policy, Quota, RateLimit, Sent, SentQuery, Used, UsedQuery,
};
use crate::storage::Result;
use crate::storage::policy::{
    AuditEvent, AuditFilter, BoostFilter, Change, PolicyStore, RuleFilter, StoredRate,
};

#[async_trait]
impl<DB: Backend> PolicyStore for SqlStore<DB> {
    async fn change(
        &self,
        _workspace_id: &str,
        _changes: &[Change],
        _events: &[AuditEvent],
    ) -> Result<()> {
        Err(crate::storage::Error::Corrupt("not here yet".to_owned()))
    }
    async fn policy(&self, _workspace_id: &str, _now: Time) -> Result<Policy> {
        Err(crate::storage::Error::Corrupt("not here yet".to_owned()))
    }
    async fn quotas(
        &self,
        _workspace_id: &str,
        _filter: &RuleFilter,
        _after_id: &str,
        _limit: usize,
    ) -> Result<Vec<Quota>> {
        Err(crate::storage::Error::Corrupt("not here yet".to_owned()))
    }
    async fn rate_limits(
        &self,
        _workspace_id: &str,
        _filter: &RuleFilter,
        _after_id: &str,
        _limit: usize,
    ) -> Result<Vec<RateLimit>> {
        Err(crate::storage::Error::Corrupt("not here yet".to_owned()))
    }
    async fn api_keys(
        &self,
        _workspace_id: &str,
        _key_group_id: Option<&str>,
        _after_id: &str,
        _limit: usize,
    ) -> Result<Vec<ApiKey>> {
        Err(crate::storage::Error::Corrupt("not here yet".to_owned()))
    }
    async fn key_groups(
        &self,
        _workspace_id: &str,
        _after_id: &str,
        _limit: usize,
    ) -> Result<Vec<KeyGroup>> {
        Err(crate::storage::Error::Corrupt("not here yet".to_owned()))
    }
    async fn boost(&self, _workspace_id: &str, _id: &str) -> Result<Option<Boost>> {
        Err(crate::storage::Error::Corrupt("not here yet".to_owned()))
    }
    async fn boosts(
        &self,
        _workspace_id: &str,
        _filter: &BoostFilter,
        _after: Option<(Time, String)>,
        _limit: usize,
    ) -> Result<Vec<Boost>> {
        Err(crate::storage::Error::Corrupt("not here yet".to_owned()))
    }
    async fn audit_events(
        &self,
        _filter: &AuditFilter,
        _after: Option<(Time, String)>,
        _limit: usize,
    ) -> Result<Vec<AuditEvent>> {
        Err(crate::storage::Error::Corrupt("not here yet".to_owned()))
    }
    async fn used(&self, _workspace_id: &str, _query: &UsedQuery) -> Result<Vec<(String, Used)>> {
        Err(crate::storage::Error::Corrupt("not here yet".to_owned()))
    }
    async fn sent(&self, _workspace_id: &str, _query: &SentQuery) -> Result<Vec<Sent>> {
        Err(crate::storage::Error::Corrupt("not here yet".to_owned()))
    }
    async fn rates(&self, _workspace_id: &str) -> Result<Vec<StoredRate>> {
        Err(crate::storage::Error::Corrupt("not here yet".to_owned()))
    }
}
