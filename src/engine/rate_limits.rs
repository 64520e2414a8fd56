//! Rate limits: what may be asked for, and how it becomes what the ledger counts.

use std::sync::Arc;

use super::audit::By;
use super::error::{Error, Result};
use super::quotas::new_id;
use super::{Engine, Shared, WorkspaceHandle, described};
use crate::domain::Time;
use crate::domain::attribution::SubjectKind;
use crate::domain::quota::{Enforcement, Unit};
use crate::domain::rate_limit::{RateBound, RateLimit, RateWindow};
use crate::storage::policy::{Change, RuleFilter};

const RESOURCE: &str = "rate_limit";

/// A rate limit to be created.
#[derive(Clone, Debug)]
pub struct NewRateLimit {
    /// Made here if it is absent.
    pub id: Option<String>,
    pub display_name: String,
    pub kind: SubjectKind,
    /// Absent for each subject; of the workspace empty.
    pub subject_id: Option<String>,
    /// As the caller spells it: an id or an alias.
    pub model_id: Option<String>,
    pub requests_per_minute: Option<i64>,
    pub tokens_per_minute: Option<i64>,
    pub requests_per_day: Option<i64>,
    pub enforcement: Enforcement,
}

/// What is to be changed of a rate limit; absent parts stay. An inner `None` takes a limit off.
#[derive(Clone, Debug, Default)]
pub struct RateLimitChange {
    pub display_name: Option<String>,
    pub requests_per_minute: Option<Option<i64>>,
    pub tokens_per_minute: Option<Option<i64>>,
    pub requests_per_day: Option<Option<i64>>,
    pub enforcement: Option<Enforcement>,
}

impl Engine {
    pub async fn create_rate_limit(
        &self,
        by: By,
        workspace_id: &str,
        new: NewRateLimit,
    ) -> Result<Arc<RateLimit>> {
        let handle = self.workspace(workspace_id).await?;
        self.in_writer(move |shared| async move {
            let (_, now) = handle.settings(&shared);
            let is_named = new.id.is_some();
            let limit = RateLimit {
                id: new.id.unwrap_or_else(new_id).into(),
                display_name: new.display_name,
                scope: shared.scope_of(
                    &handle,
                    RESOURCE,
                    new.kind,
                    new.subject_id,
                    new.model_id,
                )?,
                bounds: RateBound::list([
                    (Unit::Requests, RateWindow::Minute, new.requests_per_minute),
                    (Unit::Tokens, RateWindow::Minute, new.tokens_per_minute),
                    (Unit::Requests, RateWindow::Day, new.requests_per_day),
                ]),
                enforcement: new.enforcement,
                create_time: now,
                update_time: now,
            };
            match handle.existing_rate_limit(&limit, is_named)? {
                Some(existing) => Ok(existing),
                None => shared.put_rate_limit(&handle, None, limit, now, by).await,
            }
        })
        .await
    }

    pub async fn rate_limit(&self, workspace_id: &str, id: &str) -> Result<Arc<RateLimit>> {
        self.workspace(workspace_id).await?.rate_limit(id)
    }

    /// Rate limits that match and whose id is greater than `after_id`, by id.
    pub async fn list_rate_limits(
        &self,
        workspace_id: &str,
        filter: &RuleFilter,
        after_id: &str,
        limit: usize,
    ) -> Result<Vec<RateLimit>> {
        self.workspace(workspace_id).await?;
        Ok(self.store().rate_limits(workspace_id, filter, after_id, limit).await?)
    }

    pub async fn update_rate_limit(
        &self,
        by: By,
        workspace_id: &str,
        id: String,
        change: RateLimitChange,
    ) -> Result<Arc<RateLimit>> {
        let handle = self.workspace(workspace_id).await?;
        self.in_writer(move |shared| async move {
            let before = handle.rate_limit(&id)?;
            let (_, now) = handle.settings(&shared);
            let mut limit = RateLimit::clone(&before);
            limit.display_name = change.display_name.unwrap_or(limit.display_name);
            for (unit, window, amount) in [
                (Unit::Requests, RateWindow::Minute, change.requests_per_minute),
                (Unit::Tokens, RateWindow::Minute, change.tokens_per_minute),
                (Unit::Requests, RateWindow::Day, change.requests_per_day),
            ] {
                if let Some(amount) = amount {
                    limit.set_bound(unit, window, amount);
                }
            }
            limit.enforcement = change.enforcement.unwrap_or(limit.enforcement);
            limit.update_time = now;
            if limit.bounds.is_empty() {
                return Err(Error::Field {
                    field: "rate_limit.requests_per_minute".to_owned(),
                    expected: "expected at least one limit to stay: delete the rate limit to have \
                               none"
                        .to_owned(),
                });
            }
            shared.put_rate_limit(&handle, Some(before), limit, now, by).await
        })
        .await
    }

    pub async fn delete_rate_limit(&self, by: By, workspace_id: &str, id: String) -> Result<()> {
        let handle = self.workspace(workspace_id).await?;
        self.in_writer(move |shared| async move {
            let before = handle.rate_limit(&id)?;
            let (_, now) = handle.settings(&shared);
            let changes = vec![Change::DeleteRateLimit(before.id.clone())];
            let described = Some(described::rate_limit(&before));
            let event = by.event(now, handle.id(), RESOURCE, &id, described, None);
            shared.change(handle.id(), changes, event.into_iter().collect()).await?;
            handle.lock().remove_rate_limit(now, &before.id);
            handle.announce();
            Ok(())
        })
        .await
    }
}

impl WorkspaceHandle {
    fn rate_limit(&self, id: &str) -> Result<Arc<RateLimit>> {
        let limit = self.lock().rate_limit(id).cloned();
        limit.ok_or_else(|| Error::ResourceNotFound { resource: RESOURCE, id: id.to_owned() })
    }

    /// The rate limit that is there already, if it was asked for in the same words.
    fn existing_rate_limit(
        &self,
        new: &RateLimit,
        is_named: bool,
    ) -> Result<Option<Arc<RateLimit>>> {
        let ledger = self.lock();
        if let Some(existing) = ledger.rate_limit(&new.id).filter(|_| is_named) {
            let asked = RateLimit {
                create_time: existing.create_time,
                update_time: existing.update_time,
                ..new.clone()
            };
            return match asked == **existing {
                true => Ok(Some(existing.clone())),
                false => Err(exists(&existing.id)),
            };
        }
        if let Some(rival) = ledger.rival_rate_limit(new) {
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
    /// Stores a rate limit and gives it to the ledger, with what the log says was sent lately;
    /// nothing if it is as it was before.
    async fn put_rate_limit(
        &self,
        handle: &WorkspaceHandle,
        before: Option<Arc<RateLimit>>,
        limit: RateLimit,
        now: Time,
        by: By,
    ) -> Result<Arc<RateLimit>> {
        let described = before.as_deref().map(described::rate_limit);
        let after = Some(described::rate_limit(&limit));
        let event = by.event(now, handle.id(), RESOURCE, &limit.id, described, after);
        if let (None, Some(before)) = (&event, before) {
            return Ok(before);
        }
        let questions = handle.lock().questions_of_rate_limit(now, &limit);
        let answers = self.answers(handle.id(), questions).await?;
        let changes = vec![Change::PutRateLimit(limit.clone())];
        self.change(handle.id(), changes, event.into_iter().collect()).await?;
        handle.lock().put_rate_limit(now, limit.clone(), answers);
        handle.announce();
        Ok(Arc::new(limit))
    }
}
