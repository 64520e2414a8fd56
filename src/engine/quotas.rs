//! Quotas: what may be asked for, and how it becomes what the ledger counts.

use std::sync::Arc;

use super::audit::By;
use super::error::{Error, Result};
use super::policy::in_currency_of;
use super::{Engine, InCurrency, Shared, WorkspaceHandle, described};
use crate::domain::attribution::SubjectKind;
use crate::domain::quota::{Enforcement, Period, Quota, Scope, THRESHOLDS_DEFAULT, Unit};
use crate::domain::workspace::Workspace;
use crate::domain::{Amount, Currency, Time};
use crate::ledger::{QuotaUsage, UsageFilter, UsagePosition};
use crate::storage::policy::{Change, RuleFilter};

const RESOURCE: &str = "quota";

/// A quota to be created.
#[derive(Clone, Debug)]
pub struct NewQuota {
    /// Made here if it is absent.
    pub id: Option<String>,
    pub display_name: String,
    pub kind: SubjectKind,
    /// Absent for each subject; of the workspace empty.
    pub subject_id: Option<String>,
    /// As the caller spells it: an id or an alias.
    pub model_id: Option<String>,
    pub unit: Unit,
    pub period: Period,
    pub limit: AskedLimit,
    pub enforcement: Enforcement,
    pub thresholds: Vec<u16>,
    /// Of one that is reset by hand; now if absent.
    pub window_start: Option<Time>,
}

/// A limit in the unit of its quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskedLimit {
    Money(Currency, Amount),
    Count(i64),
    /// There is none for this subject.
    Exempt,
}

/// What is to be changed of a quota; absent parts stay.
#[derive(Clone, Debug, Default)]
pub struct QuotaChange {
    pub display_name: Option<String>,
    pub limit: LimitChange,
    pub enforcement: Option<Enforcement>,
    pub thresholds: Option<ThresholdChange>,
}

/// What was said of a limit: the outer `Option` is whether the field is to be changed, the inner
/// one what it holds. Which of them must hold something is up to the quota's unit.
#[derive(Clone, Copy, Debug, Default)]
pub struct LimitChange {
    pub money: Option<Option<(Currency, Amount)>>,
    pub count: Option<Option<i64>>,
    pub exempt: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ThresholdChange {
    Set(Vec<u16>),
    /// The default, if there are none.
    SomeAtLeast,
}

impl Engine {
    pub async fn create_quota(
        &self,
        by: By,
        workspace_id: &str,
        new: NewQuota,
    ) -> Result<InCurrency<Arc<Quota>>> {
        let handle = self.workspace(workspace_id).await?;
        self.in_writer(move |shared| async move {
            let (workspace, now) = handle.settings(&shared);
            let is_named = new.id.is_some();
            let quota = shared.quota_of(&handle, &workspace, new, now)?;
            let value = match handle.existing_quota(&quota, is_named)? {
                Some(existing) => existing,
                None => shared.put_quota(&handle, None, quota, now, by).await?,
            };
            Ok(InCurrency { currency: workspace.currency, value })
        })
        .await
    }

    pub async fn quota(&self, workspace_id: &str, id: &str) -> Result<InCurrency<Arc<Quota>>> {
        let handle = self.workspace(workspace_id).await?;
        let currency = handle.lock().workspace().currency;
        Ok(InCurrency { currency, value: handle.quota(id)? })
    }

    /// Quotas that match and whose id is greater than `after_id`, by id.
    pub async fn list_quotas(
        &self,
        workspace_id: &str,
        filter: RuleFilter,
        after_id: &str,
        limit: usize,
    ) -> Result<InCurrency<Vec<Quota>>> {
        let currency = self.workspace(workspace_id).await?.lock().workspace().currency;
        let filter = self.shared.rule_filter(filter);
        let value = self.store().quotas(workspace_id, &filter, after_id, limit).await?;
        Ok(InCurrency { currency, value })
    }

    pub async fn update_quota(
        &self,
        by: By,
        workspace_id: &str,
        id: String,
        change: QuotaChange,
    ) -> Result<InCurrency<Arc<Quota>>> {
        let handle = self.workspace(workspace_id).await?;
        self.in_writer(move |shared| async move {
            let before = handle.quota(&id)?;
            let (workspace, now) = handle.settings(&shared);
            let mut quota = Quota::clone(&before);
            quota.limit = change.limit.apply(&workspace, &quota)?;
            quota.display_name = change.display_name.unwrap_or(quota.display_name);
            quota.enforcement = change.enforcement.unwrap_or(quota.enforcement);
            quota.thresholds = match change.thresholds {
                Some(ThresholdChange::Set(thresholds)) => thresholds,
                Some(ThresholdChange::SomeAtLeast) if quota.thresholds.is_empty() => {
                    THRESHOLDS_DEFAULT.to_vec()
                }
                _ => quota.thresholds,
            };
            quota.update_time = now;
            let value = shared.put_quota(&handle, Some(before), quota, now, by).await?;
            Ok(InCurrency { currency: workspace.currency, value })
        })
        .await
    }

    /// Deletes a quota with its boosts.
    pub async fn delete_quota(&self, by: By, workspace_id: &str, id: String) -> Result<()> {
        let handle = self.workspace(workspace_id).await?;
        self.in_writer(move |shared| async move {
            let before = handle.quota(&id)?;
            let (workspace, now) = handle.settings(&shared);
            let changes = vec![Change::DeleteQuota(before.id.clone())];
            let described = Some(described::quota(workspace.currency, &before));
            let event = by.event(now, handle.id(), RESOURCE, &id, described, None);
            shared.change(handle.id(), changes, event.into_iter().collect()).await?;
            handle.lock().remove_quota(now, &before.id);
            handle.announce();
            Ok(())
        })
        .await
    }

    /// Begins a new window of a quota that is reset by hand.
    pub async fn reset_quota(
        &self,
        by: By,
        workspace_id: &str,
        id: String,
    ) -> Result<InCurrency<Arc<Quota>>> {
        let handle = self.workspace(workspace_id).await?;
        self.in_writer(move |shared| async move {
            let before = handle.quota(&id)?;
            if before.period != Period::UntilReset {
                return Err(Error::NotAllowed(
                    "only a quota with LIMIT_PERIOD_UNTIL_RESET is reset: the others begin anew \
                     by the clock"
                        .to_owned(),
                ));
            }
            let (workspace, now) = handle.settings(&shared);
            let mut quota = Quota::clone(&before);
            (quota.window_start, quota.update_time) = (now, now);
            let value = shared.put_quota(&handle, Some(before), quota, now, by).await?;
            Ok(InCurrency { currency: workspace.currency, value })
        })
        .await
    }

    /// Where quotas stand, most utilised first, beyond `after`.
    pub async fn quota_usage(
        &self,
        workspace_id: &str,
        filter: &UsageFilter,
        after: Option<&UsagePosition>,
        limit: usize,
    ) -> Result<InCurrency<Vec<QuotaUsage>>> {
        let handle = self.workspace(workspace_id).await?;
        let mut ledger = handle.lock();
        let currency = ledger.workspace().currency;
        let value = ledger.quota_usage(self.now(), filter, after, limit);
        Ok(InCurrency { currency, value })
    }
}

impl WorkspaceHandle {
    /// The settings, and the ledger's time: its clock never steps back.
    pub(super) fn settings(&self, shared: &Shared) -> (Workspace, Time) {
        let mut ledger = self.lock();
        let now = ledger.advance(shared.clock.now());
        (ledger.workspace().clone(), now)
    }

    fn quota(&self, id: &str) -> Result<Arc<Quota>> {
        let quota = self.lock().quota(id).cloned();
        quota.ok_or_else(|| Error::ResourceNotFound { resource: RESOURCE, id: id.to_owned() })
    }

    /// The quota that is there already, if it was asked for in the same words.
    fn existing_quota(&self, new: &Quota, is_named: bool) -> Result<Option<Arc<Quota>>> {
        let ledger = self.lock();
        if let Some(existing) = ledger.quota(&new.id).filter(|_| is_named) {
            let asked = Quota {
                window_start: existing.window_start,
                create_time: existing.create_time,
                update_time: existing.update_time,
                ..new.clone()
            };
            return match asked == **existing {
                true => Ok(Some(existing.clone())),
                false => Err(exists(&existing.id)),
            };
        }
        if let Some(rival) = ledger.rival_quota(new) {
            return Err(exists(&rival));
        }
        ledger.room_for_rule(&new.scope).map_err(|error| Error::of_ledger(error, ""))?;
        Ok(None)
    }
}

fn exists(id: &str) -> Error {
    Error::ResourceExists { resource: RESOURCE, id: id.to_owned() }
}

impl Shared {
    fn quota_of(
        &self,
        handle: &WorkspaceHandle,
        workspace: &Workspace,
        new: NewQuota,
        now: Time,
    ) -> Result<Quota> {
        let scope = self.scope_of(handle, RESOURCE, new.kind, new.subject_id, new.model_id)?;
        let limit = match new.limit {
            AskedLimit::Money(currency, limit) => {
                Some(in_currency_of(workspace, "quota.limit", (currency, limit))?.nanos())
            }
            AskedLimit::Count(count) => Some(count),
            AskedLimit::Exempt => None,
        };
        Ok(Quota {
            id: new.id.unwrap_or_else(new_id).into(),
            display_name: new.display_name,
            scope,
            unit: new.unit,
            period: new.period,
            limit,
            enforcement: new.enforcement,
            thresholds: new.thresholds,
            window_start: new.window_start.unwrap_or(now),
            create_time: now,
            update_time: now,
        })
    }

    /// Stores a quota and gives it to the ledger, with what the log says was used in its window;
    /// nothing if it is as it was before.
    async fn put_quota(
        &self,
        handle: &WorkspaceHandle,
        before: Option<Arc<Quota>>,
        quota: Quota,
        now: Time,
        by: By,
    ) -> Result<Arc<Quota>> {
        let currency = handle.lock().workspace().currency;
        let described = before.as_deref().map(|before| described::quota(currency, before));
        let after = Some(described::quota(currency, &quota));
        let event = by.event(now, handle.id(), RESOURCE, &quota.id, described, after);
        if let (None, Some(before)) = (&event, before) {
            return Ok(before);
        }
        let questions = handle.lock().questions_of_quota(now, &quota);
        let answers = self.answers(handle.id(), questions).await?;
        let changes = vec![Change::PutQuota(quota.clone())];
        self.change(handle.id(), changes, event.into_iter().collect()).await?;
        handle.lock().put_quota(now, quota.clone(), answers);
        handle.announce();
        Ok(Arc::new(quota))
    }

    /// Whose use a rule counts; `message` is the name of the rule in the proto.
    pub(super) fn scope_of(
        &self,
        handle: &WorkspaceHandle,
        message: &str,
        kind: SubjectKind,
        subject_id: Option<String>,
        model_id: Option<String>,
    ) -> Result<Scope> {
        let group = subject_id.as_deref().filter(|_| kind == SubjectKind::KeyGroup);
        if group.is_some_and(|group| handle.lock().key_group(group).is_none()) {
            return Err(Error::Field {
                field: format!("{message}.subject.id"),
                expected: "expected a key group that exists".to_owned(),
            });
        }
        let model_id = match model_id {
            Some(id) => Some(self.model_named(&id).ok_or_else(|| Error::Field {
                field: format!("{message}.model_id"),
                expected: "expected a model of the catalogue".to_owned(),
            })?),
            None => None,
        };
        Ok(Scope { kind, subject_id: subject_id.map(Arc::from), model_id })
    }

    /// The catalogue's id of a model.
    pub(super) fn model_named(&self, name: &str) -> Option<Arc<str>> {
        self.catalogue.load().model(name).map(|entry| entry.model().id.clone())
    }

    /// The same filter by the catalogue's id of the model, where it is known there.
    fn rule_filter(&self, mut filter: RuleFilter) -> RuleFilter {
        let named = filter.model_id.as_deref().and_then(|name| self.model_named(name));
        if let Some(id) = named {
            filter.model_id = Some(id.to_string());
        }
        filter
    }
}

/// An id for what its creator did not name.
pub(super) fn new_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

impl LimitChange {
    /// The limit that a quota has after the change.
    fn apply(self, workspace: &Workspace, quota: &Quota) -> Result<Option<i64>> {
        let refuse = |field: &str, expected: &str| {
            let field = format!("quota.{field}");
            Err(Error::Field { field, expected: expected.to_owned() })
        };
        let is_money = quota.unit == Unit::Money;
        if self.count.flatten().is_some() && is_money {
            return refuse("limit_count", "expected none: the unit is money");
        }
        if self.money.flatten().is_some() && !is_money {
            return refuse("limit", "expected none: the unit is not money");
        }
        let money = match self.money.flatten() {
            Some(limit) => Some(in_currency_of(workspace, "quota.limit", limit)?.nanos()),
            None => None,
        };
        let given = money.or(self.count.flatten());
        let is_named =
            quota.scope.subject_id.as_deref().is_some_and(|subject_id| !subject_id.is_empty());
        match self.exempt {
            Some(true) if !is_named => {
                return refuse(
                    "exempt",
                    "expected false: only a member that is named can be excepted",
                );
            }
            Some(true) => return Ok(None),
            Some(false) | None => {}
        }
        let is_asked = if is_money { self.money.is_some() } else { self.count.is_some() };
        let stays = quota.limit.filter(|_| !is_asked);
        let excepted = quota.limit.is_none() && self.exempt.is_none() && !is_asked;
        match given.or(stays) {
            None if !excepted => {
                let field = if is_money { "limit" } else { "limit_count" };
                refuse(field, "expected a value: the quota would have no limit")
            }
            limit => Ok(limit),
        }
    }
}
