//! Settings and the audit log.

use std::sync::Arc;

use async_trait::async_trait;
use tollgate::domain::Time;
use tollgate::domain::access::AccessToken;
use tollgate::domain::alert::anomaly::AnomalyPolicy;
use tollgate::domain::alert::receiver::Webhook;
use tollgate::domain::alert::secret::StoredSecret;
use tollgate::domain::api_key::{ApiKey, KeyGroup};
use tollgate::domain::backfill::LimitConfig;
use tollgate::domain::boost::{Boost, BoostTarget};
use tollgate::domain::catalog::price::Price;
use tollgate::domain::catalog::withdrawal::{Withdrawal, id_of_rate};
use tollgate::domain::catalog::{Confirmation, ExchangeRate};
use tollgate::domain::quota::{Quota, Scope};
use tollgate::domain::rate_limit::RateLimit;
use tollgate::domain::workspace::freeze::FrozenSubject;
use tollgate::domain::workspace::recommendation::Recommendation;
use tollgate::domain::workspace::{ModelAlias, Workspace, WorkspaceModel};
use tollgate::storage::Result;
use tollgate::storage::audit::{AuditEvent, AuditFilter, AuditStore};
use tollgate::storage::settings::{BoostFilter, CatalogRows, Change, LimitFilter, SettingsStore};

use super::faults::Fault;
use super::{Disk, Of, SimStore};

impl Disk {
    pub fn apply(&mut self, workspace_id: &str, change: &Change) {
        let key = |id: &Arc<str>| (workspace_id.to_owned(), id.to_string());
        match change.clone() {
            Change::PutModel(model) => {
                self.catalog.models.retain(|other| other.id != model.id);
                self.catalog.models.push(model);
            }
            Change::PutModels(models) => {
                for model in models {
                    self.apply(workspace_id, &Change::PutModel(model));
                }
            }
            Change::PutPrices(prices) => self.add_prices(prices),
            Change::ConfirmPrices(prices) => self.confirm_prices(prices),
            Change::PutExchangeRate(rate) => self.put_exchange_rate(rate),
            Change::PutWithdrawal(new) => self.withdraw(new),
            Change::RestoreExchangeRate(rate) => {
                let id = id_of_rate(&rate);
                self.catalog.withdrawals.retain(|withdrawal| withdrawal.id != id);
            }
            Change::PutWorkspace(new) => drop(self.workspaces.insert(new.id.to_string(), new)),
            Change::PutWorkspaceModel(new) => drop(self.models.insert(key(&new.model_id), new)),
            Change::PutModelAlias(new) => drop(self.model_aliases.insert(key(&new.id), new)),
            Change::DeleteModelAlias(id) => drop(self.model_aliases.remove(&key(&id))),
            Change::PutQuota(new) => drop(self.quotas.insert(key(&new.id), new)),
            Change::PutRateLimit(new) => drop(self.rate_limits.insert(key(&new.id), new)),
            Change::PutApiKey(new) => drop(self.api_keys.insert(key(&new.id), new)),
            Change::PutKeyGroup(new) => drop(self.key_groups.insert(key(&new.id), new)),
            Change::PutBoost(new) => drop(self.boosts.insert(key(&new.id), new)),
            Change::PutFreeze(new) => {
                drop(self.freezes.insert(key(&freeze_key(&new.subject)), new));
            }
            Change::DeleteFreeze(subject) => {
                drop(self.freezes.remove(&key(&freeze_key(&subject))));
            }
            Change::PutWebhook(new) => self.put_webhook(key(&new.id), new),
            Change::PutEmailReceiver(new) => drop(self.email_receivers.insert(key(&new.id), new)),
            Change::DeleteQuota(id) => self.delete_quota(workspace_id, &id),
            Change::DeleteRateLimit(id) => drop(self.rate_limits.remove(&key(&id))),
            Change::DeleteApiKey(id) => drop(self.api_keys.remove(&key(&id))),
            Change::DeleteKeyGroup(id) => drop(self.key_groups.remove(&key(&id))),
            Change::DeleteWebhook(id) => drop(self.webhooks.remove(&key(&id))),
            Change::DeleteEmailReceiver(id) => drop(self.email_receivers.remove(&key(&id))),
            Change::PutEntries(entries) => self.put_entries(workspace_id, entries),
            Change::PutAnomalies(new) => {
                self.anomalies.extend(new.into_iter().map(|it| (key(&it.id), it)));
            }
            Change::PutAnomalyPolicy(new) => self.put_anomaly_policy(workspace_id, new),
            Change::PutRecommendations(new) => self.put_recommendations(workspace_id, new),
            Change::MakeRecommendations { time, forget_before } => {
                self.make_recommendations(workspace_id, time, forget_before);
            }
            Change::EraseUser(erasure) => self.erase_user(workspace_id, erasure),
            Change::EraseUserPart(part) => self.put_events(part.events),
            Change::EndErasure(pseudonym) => self.end_erasure(workspace_id, &pseudonym),
            Change::PutAccessToken(new) => {
                self.access_tokens.insert(new.id.to_string(), new);
                self.access_revision += 1;
            }
            Change::UseAccessToken { id, time } => {
                if let Some(token) = self.access_tokens.get_mut(&*id) {
                    token.last_use_time = token.last_use_time.max(Some(time));
                }
            }
            Change::AcknowledgeAlert { seq, time, actor } => {
                self.acknowledge_alert(workspace_id, seq, (time, actor));
            }
        }
    }

    fn acknowledge_alert(&mut self, workspace_id: &str, seq: i64, by: (Time, String)) {
        if let Some(alert) = self.alerts.get_mut(&seq)
            && *alert.workspace_id == *workspace_id
        {
            alert.acknowledged.get_or_insert(by);
        }
    }

    fn put_recommendations(&mut self, workspace_id: &str, new: Vec<Recommendation>) {
        let key = |it: &Recommendation| (workspace_id.to_owned(), it.id.to_string());
        self.recommendations.extend(new.into_iter().map(|it| (key(&it), it)));
    }

    fn make_recommendations(&mut self, workspace_id: &str, time: Time, forget_before: Time) {
        self.recommendations
            .retain(|(id, _), it| id != workspace_id || it.expire_time >= forget_before);
        self.recommendation_nights.insert(workspace_id.to_owned(), time);
    }

    fn put_anomaly_policy(&mut self, workspace_id: &str, new: AnomalyPolicy) {
        self.anomaly_policies.insert(workspace_id.to_owned(), new);
    }

    /// Writes audit events, unless they are there.
    pub fn note(&mut self, events: &[AuditEvent]) {
        for event in events {
            self.audit_events.entry(event.id.clone()).or_insert_with(|| event.clone());
        }
    }

    fn put_webhook(&mut self, key: (String, String), new: Webhook) {
        let old_secret = new.old_secret.as_ref().map(|(secret, _)| secret);
        self.plain_secrets |= new.secret.is_plain();
        self.plain_secrets |= old_secret.is_some_and(StoredSecret::is_plain);
        self.webhooks.insert(key, new);
    }

    fn withdraw(&mut self, new: Withdrawal) {
        let withdrawals = &mut self.catalog.withdrawals;
        withdrawals.retain(|other| (other.kind, &other.id) != (new.kind, &new.id));
        withdrawals.push(new);
        withdrawals.sort_by_key(|it| (it.kind, it.id.clone()));
    }

    /// With its boosts.
    fn delete_quota(&mut self, workspace_id: &str, id: &Arc<str>) {
        self.quotas.remove(&(workspace_id.to_owned(), id.to_string()));
        self.boosts.retain(|(workspace, _), boost| {
            let of_it = match &boost.target {
                BoostTarget::Quota { quota_id, .. } => quota_id == id,
                BoostTarget::Envelope => false,
            };
            workspace != workspace_id || !of_it
        });
    }

    fn confirm_prices(&mut self, prices: Vec<Confirmation>) {
        for new in prices {
            let confirmed = &mut self.catalog.confirmations;
            confirmed.retain(|other| other.price_id != new.price_id);
            confirmed.push(new);
            confirmed.sort_by(|a, b| a.price_id.cmp(&b.price_id));
        }
    }

    fn put_exchange_rate(&mut self, rate: ExchangeRate) {
        let of = |rate: &ExchangeRate| (rate.from, rate.to, rate.effective_time);
        self.catalog.exchange_rates.retain(|other| of(other) != of(&rate));
        self.catalog.exchange_rates.push(rate);
        self.catalog.exchange_rates.sort_by_key(|rate| rate.create_time);
    }

    fn add_prices(&mut self, prices: Vec<Price>) {
        for price in prices {
            if self.catalog.prices.iter().all(|other| other.id != price.id) {
                self.catalog.prices.push(price);
            }
        }
        self.catalog.prices.sort_by_key(|price| price.create_time);
    }
}

#[async_trait]
impl SettingsStore for SimStore {
    async fn change(
        &self,
        workspace_id: &str,
        changes: &[Change],
        events: &[AuditEvent],
    ) -> Result<()> {
        let is_lost = self.faults.has(Fault::ChangeIsLost);
        self.write(|disk| {
            for change in changes.iter().filter(|_| !is_lost) {
                disk.apply(workspace_id, change);
            }
            disk.note(events);
            Ok(())
        })
        .await
    }

    async fn access_revision(&self) -> Result<i64> {
        self.read(|disk| disk.access_revision).await
    }

    async fn access_tokens(&self) -> Result<Vec<AccessToken>> {
        self.read(|disk| disk.access_tokens.values().cloned().collect()).await
    }

    async fn catalog(&self) -> Result<CatalogRows> {
        self.read(|disk| disk.catalog.clone()).await
    }

    async fn workspace(&self, id: &str) -> Result<Option<Workspace>> {
        self.read(|disk| disk.workspaces.get(id).cloned()).await
    }

    async fn workspaces(&self, after_id: &str, limit: usize) -> Result<Vec<Workspace>> {
        self.read(|disk| {
            let after = disk.workspaces.values().filter(|workspace| *workspace.id > *after_id);
            after.take(limit).cloned().collect()
        })
        .await
    }

    async fn workspace_models(&self, workspace_id: &str) -> Result<Vec<WorkspaceModel>> {
        self.read(|disk| {
            let models = disk.models.iter().filter(|((id, _), _)| id == workspace_id);
            models.map(|(_, model)| model.clone()).collect()
        })
        .await
    }

    async fn model_aliases(&self, workspace_id: &str) -> Result<Vec<ModelAlias>> {
        self.read(|disk| of(&disk.model_aliases, workspace_id).cloned().collect()).await
    }

    async fn limit_config(&self, workspace_id: &str, now: Time) -> Result<LimitConfig> {
        self.read(|disk| LimitConfig {
            quotas: of(&disk.quotas, workspace_id).cloned().collect(),
            rate_limits: of(&disk.rate_limits, workspace_id).cloned().collect(),
            api_keys: of(&disk.api_keys, workspace_id).cloned().collect(),
            key_groups: of(&disk.key_groups, workspace_id).cloned().collect(),
            boosts: of(&disk.boosts, workspace_id)
                .filter(|boost| boost.end_time > now && boost.cancel_time.is_none())
                .cloned()
                .collect(),
            freezes: of(&disk.freezes, workspace_id).cloned().collect(),
        })
        .await
    }

    async fn quotas(
        &self,
        workspace_id: &str,
        filter: &LimitFilter,
        after_id: &str,
        limit: usize,
    ) -> Result<Vec<Quota>> {
        self.read(|disk| {
            of(&disk.quotas, workspace_id)
                .filter(|quota| *quota.id > *after_id && matches(&quota.scope, filter))
                .take(limit)
                .cloned()
                .collect()
        })
        .await
    }

    async fn rate_limits(
        &self,
        workspace_id: &str,
        filter: &LimitFilter,
        after_id: &str,
        limit: usize,
    ) -> Result<Vec<RateLimit>> {
        self.read(|disk| {
            of(&disk.rate_limits, workspace_id)
                .filter(|rule| *rule.id > *after_id && matches(&rule.scope, filter))
                .take(limit)
                .cloned()
                .collect()
        })
        .await
    }

    async fn api_keys(
        &self,
        workspace_id: &str,
        key_group_id: Option<&str>,
        after_id: &str,
        limit: usize,
    ) -> Result<Vec<ApiKey>> {
        self.read(|disk| {
            of(&disk.api_keys, workspace_id)
                .filter(|key| *key.id > *after_id)
                .filter(|key| key_group_id.is_none() || key.key_group_id.as_deref() == key_group_id)
                .take(limit)
                .cloned()
                .collect()
        })
        .await
    }

    async fn key_groups(
        &self,
        workspace_id: &str,
        after_id: &str,
        limit: usize,
    ) -> Result<Vec<KeyGroup>> {
        self.read(|disk| {
            let after = of(&disk.key_groups, workspace_id).filter(|group| *group.id > *after_id);
            after.take(limit).cloned().collect()
        })
        .await
    }

    async fn boost(&self, workspace_id: &str, id: &str) -> Result<Option<Boost>> {
        self.read(|disk| disk.boosts.get(&(workspace_id.to_owned(), id.to_owned())).cloned()).await
    }

    async fn boosts(
        &self,
        workspace_id: &str,
        filter: &BoostFilter,
        after: Option<(Time, String)>,
        limit: usize,
    ) -> Result<Vec<Boost>> {
        self.read(|disk| {
            let matches = |boost: &&Boost| match (filter, &boost.target) {
                (BoostFilter::Envelope, BoostTarget::Envelope)
                | (BoostFilter::Quotas, BoostTarget::Quota { .. }) => true,
                (BoostFilter::Quota(id), BoostTarget::Quota { quota_id, .. }) => **id == **quota_id,
                _ => false,
            };
            let found = of(&disk.boosts, workspace_id).filter(matches);
            latest(found, after, limit, |boost| (boost.start_time, boost.id.to_string()))
        })
        .await
    }
}

#[async_trait]
impl AuditStore for SimStore {
    async fn audit_events(
        &self,
        filter: &AuditFilter,
        after: Option<(Time, String)>,
        limit: usize,
    ) -> Result<Vec<AuditEvent>> {
        self.read(|disk| {
            let is = |wanted: &Option<String>, found: &String| {
                wanted.as_ref().is_none_or(|wanted| wanted == found)
            };
            let found = disk.audit_events.values().filter(|event| {
                event.workspace_id == filter.workspace_id
                    && is(&filter.resource_type, &event.resource_type)
                    && is(&filter.resource_id, &event.resource_id)
                    && is(&filter.actor, &event.actor)
                    && filter.from.is_none_or(|from| event.time >= from)
                    && filter.to.is_none_or(|to| event.time < to)
            });
            latest(found, after, limit, |event| (event.time, event.id.clone()))
        })
        .await
    }

    async fn audit_events_naming(
        &self,
        workspace_id: &str,
        text: &str,
        after: Option<(Time, String)>,
        limit: usize,
    ) -> Result<Vec<AuditEvent>> {
        self.read(|disk| {
            let (json, named) = (serde_json::to_string(text).unwrap(), text.to_owned());
            let has =
                |state: &Option<String>| state.as_ref().is_some_and(|state| state.contains(&json));
            let found = disk.audit_events.values().filter(|event| {
                event.workspace_id == workspace_id
                    && ([&event.resource_id, &event.actor, &event.on_behalf_of].contains(&&named)
                        || has(&event.before)
                        || has(&event.after))
            });
            let position = |event: &AuditEvent| (event.time, event.id.clone());
            let mut found: Vec<AuditEvent> = found.cloned().collect();
            found.retain(|event| after.as_ref().is_none_or(|after| position(event) > *after));
            found.sort_by_key(position);
            found.truncate(limit);
            found
        })
        .await
    }
}

/// Kind and id of the subject.
fn freeze_key(subject: &FrozenSubject) -> Arc<str> {
    format!("{:02}{}", subject.kind as u8, subject.id).into()
}

/// What a workspace has, by id.
pub fn of<'a, T>(all: &'a Of<T>, workspace_id: &str) -> impl Iterator<Item = &'a T> {
    all.iter().filter(move |((id, _), _)| id == workspace_id).map(|(_, value)| value)
}

/// The latest first, before `after`.
pub fn latest<'a, T: Clone + 'a>(
    found: impl Iterator<Item = &'a T>,
    after: Option<(Time, String)>,
    limit: usize,
    position: impl Fn(&T) -> (Time, String),
) -> Vec<T> {
    let mut found: Vec<T> = found.cloned().collect();
    found.retain(|value| after.as_ref().is_none_or(|after| position(value) < *after));
    found.sort_by_key(|value| std::cmp::Reverse(position(value)));
    found.truncate(limit);
    found
}

fn matches(scope: &Scope, filter: &LimitFilter) -> bool {
    filter.kind.is_none_or(|kind| kind == scope.kind)
        && (filter.subject_id.is_none()
            || filter.subject_id.as_deref() == scope.subject_id.as_deref())
        && (filter.model_id.is_none() || filter.model_id.as_deref() == scope.model_id.as_deref())
}
