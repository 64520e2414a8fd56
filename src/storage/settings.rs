//! The part of the contract about settings: what administrators and operators set.

use std::sync::Arc;

use async_trait::async_trait;

use super::Result;
use super::alerts::{EmailReceiver, Webhook};
use super::audit::AuditEvent;
use super::directory::{Entry, Erasure, ErasurePart};
use crate::domain::Time;
use crate::domain::access::AccessToken;
use crate::domain::alert::anomaly::{Anomaly, AnomalyPolicy};
use crate::domain::api_key::{ApiKey, KeyGroup};
use crate::domain::attribution::SubjectKind;
use crate::domain::backfill::LimitConfig;
use crate::domain::boost::Boost;
use crate::domain::catalog::price::Price;
use crate::domain::catalog::withdrawal::Withdrawal;
use crate::domain::catalog::{Confirmation, ExchangeRate, Model};
use crate::domain::quota::Quota;
use crate::domain::rate_limit::RateLimit;
use crate::domain::workspace::freeze::{Freeze, FrozenSubject};
use crate::domain::workspace::recommendation::Recommendation;
use crate::domain::workspace::{ModelAlias, Workspace, WorkspaceModel};

/// One change of settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Inserts the model or replaces the one of the same id.
    PutModel(Model),
    /// The same of many, each of an id of its own.
    PutModels(Vec<Model>),
    /// Inserts those whose id is not there yet, and leaves others as they are.
    PutPrices(Vec<Price>),
    /// Inserts the confirmations or replaces those of the same prices, each of a price of its own;
    /// the prices need not be there.
    ConfirmPrices(Vec<Confirmation>),
    /// Inserts the rate, or replaces that of the same currencies and `effective_time`.
    PutExchangeRate(ExchangeRate),
    /// Inserts the withdrawal or replaces the one of the same kind and id.
    PutWithdrawal(Withdrawal),
    /// Deletes the withdrawal of an exchange rate, if it is there.
    RestoreExchangeRate(ExchangeRate),
    /// Inserts the workspace or replaces the one of the same id; so do all that follow, within
    /// their workspace.
    PutWorkspace(Workspace),
    PutWorkspaceModel(WorkspaceModel),
    PutModelAlias(ModelAlias),
    PutQuota(Quota),
    PutRateLimit(RateLimit),
    PutApiKey(ApiKey),
    PutKeyGroup(KeyGroup),
    PutBoost(Boost),
    PutFreeze(Freeze),
    PutWebhook(Webhook),
    PutEmailReceiver(EmailReceiver),
    /// Entries of the directory, each of a kind and id of its own.
    PutEntries(Vec<Entry>),
    /// Deletes what has the id, if it is there; so do all that follow. A quota is deleted with its
    /// boosts.
    DeleteQuota(Arc<str>),
    DeleteModelAlias(Arc<str>),
    DeleteRateLimit(Arc<str>),
    DeleteApiKey(Arc<str>),
    DeleteKeyGroup(Arc<str>),
    DeleteFreeze(FrozenSubject),
    DeleteWebhook(Arc<str>),
    DeleteEmailReceiver(Arc<str>),
    /// Inserts the access token or replaces the one of the same id.
    PutAccessToken(AccessToken),
    /// Notes that the token was used, if that is later than what is known.
    UseAccessToken {
        id: Arc<str>,
        time: Time,
    },
    /// Acknowledges the alert, unless it is acknowledged already.
    AcknowledgeAlert {
        seq: i64,
        time: Time,
        actor: String,
    },
    /// Inserts the anomalies or replaces those of the same ids, with who explains them.
    PutAnomalies(Vec<Anomaly>),
    /// Inserts or replaces the policy of the workspace about anomalies, with its mutes.
    PutAnomalyPolicy(AnomalyPolicy),
    /// Inserts the recommendations or replaces those of the same ids, each of an id of its own.
    PutRecommendations(Vec<Recommendation>),
    /// Notes when the recommendations of the workspace were made, and deletes those whose
    /// `expire_time` is before `forget_before`.
    MakeRecommendations {
        time: Time,
        forget_before: Time,
    },
    /// Begins the erasure of a user, see [`Erasure`].
    EraseUser(Erasure),
    EraseUserPart(ErasurePart),
    /// Ends the erasure that gives this pseudonym: nothing has the id any more.
    EndErasure(String),
}

/// Which quotas or rate limits to list. Absent parts do not restrict.
#[derive(Clone, Debug, Default)]
pub struct LimitFilter {
    pub kind: Option<SubjectKind>,
    /// Those that name this subject.
    pub subject_id: Option<String>,
    pub model_id: Option<String>,
}

/// Which boosts to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BoostFilter {
    Envelope,
    Quotas,
    Quota(String),
}

/// Everything in the catalog.
#[derive(Clone, Debug, Default)]
pub struct CatalogRows {
    pub models: Vec<Model>,
    pub prices: Vec<Price>,
    pub confirmations: Vec<Confirmation>,
    pub exchange_rates: Vec<ExchangeRate>,
    pub withdrawals: Vec<Withdrawal>,
}

/// Settings. General rules: see [`super::Store`].
#[async_trait]
pub trait SettingsStore: Send + Sync + 'static {
    /// Applies the changes, which concern one workspace (or the catalog, with an empty id), and
    /// appends the events to the audit log, in one transaction. An event whose id is there
    /// already must not be written again.
    async fn change(
        &self,
        workspace_id: &str,
        changes: &[Change],
        events: &[AuditEvent],
    ) -> Result<()>;

    /// Must return a number that is another after every change of an access token but its use, also
    /// by another process.
    async fn access_revision(&self) -> Result<i64>;

    /// Must return every access token, by id.
    async fn access_tokens(&self) -> Result<Vec<AccessToken>>;

    /// Must return every model, price, confirmation, exchange rate and withdrawal; prices and rates
    /// in the order of their `create_time`, also those that are withdrawn; confirmations by price,
    /// withdrawals by kind and id.
    async fn catalog(&self) -> Result<CatalogRows>;

    /// Must return `None` if there is no such workspace.
    async fn workspace(&self, id: &str) -> Result<Option<Workspace>>;

    /// Must return at most `limit` workspaces whose id is greater than `after_id`, by id.
    async fn workspaces(&self, after_id: &str, limit: usize) -> Result<Vec<Workspace>>;

    /// Must return the models of the workspace by id; none if there is no such workspace.
    async fn workspace_models(&self, workspace_id: &str) -> Result<Vec<WorkspaceModel>>;

    /// The same for its aliases of models.
    async fn model_aliases(&self, workspace_id: &str) -> Result<Vec<ModelAlias>>;

    /// Must return all quotas, rate limits, keys and groups of a workspace by id, and its boosts
    /// whose `end_time` is after `now` and that are not cancelled, by id.
    async fn limit_config(&self, workspace_id: &str, now: Time) -> Result<LimitConfig>;

    /// Must return at most `limit` quotas that match and whose id is greater than `after_id`, by
    /// id.
    async fn quotas(
        &self,
        workspace_id: &str,
        filter: &LimitFilter,
        after_id: &str,
        limit: usize,
    ) -> Result<Vec<Quota>>;

    /// The same for rate limits.
    async fn rate_limits(
        &self,
        workspace_id: &str,
        filter: &LimitFilter,
        after_id: &str,
        limit: usize,
    ) -> Result<Vec<RateLimit>>;

    /// The same for API keys; of one group, if it is named.
    async fn api_keys(
        &self,
        workspace_id: &str,
        key_group_id: Option<&str>,
        after_id: &str,
        limit: usize,
    ) -> Result<Vec<ApiKey>>;

    /// The same for key groups.
    async fn key_groups(
        &self,
        workspace_id: &str,
        after_id: &str,
        limit: usize,
    ) -> Result<Vec<KeyGroup>>;

    /// Must return `None` if there is no such boost.
    async fn boost(&self, workspace_id: &str, id: &str) -> Result<Option<Boost>>;

    /// Must return at most `limit` boosts that match, latest (`start_time`, id) first, before
    /// `after`.
    async fn boosts(
        &self,
        workspace_id: &str,
        filter: &BoostFilter,
        after: Option<(Time, String)>,
        limit: usize,
    ) -> Result<Vec<Boost>>;
}
