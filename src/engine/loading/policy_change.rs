//! A changed policy: what calls would set of a workspace, given to a ledger that is nobody's. It is
//! validated as these calls are, by the same code, and stored nowhere.

use std::sync::Arc;

use super::Configuration;
use crate::domain::Time;
use crate::domain::catalog::price::Price;
use crate::domain::quota::{Period, Quota};
use crate::domain::rate_limit::RateLimit;
use crate::engine::audit::Actor;
use crate::engine::error::{Error, Result};
use crate::engine::resources::{
    Create, Edit, ModelLimitSetting, NewQuota, NewRateLimit, PlanChange, not_found, with_price,
};
use crate::engine::{Shared, WorkspaceHandle};
use crate::ledger::Ledger;

/// What is changed of a policy; the names of fields in errors are those of the API.
#[derive(Clone, Debug, Default)]
pub struct PolicyChange {
    pub plan: Option<PlanChange>,
    pub automatic_fallback: Option<bool>,
    pub model_limits: Vec<ModelLimitSetting>,
    /// Each with an id.
    pub quotas: Vec<NewQuota>,
    pub removed_quota_ids: Vec<String>,
    /// Each with an id.
    pub rate_limits: Vec<NewRateLimit>,
    pub removed_rate_limit_ids: Vec<String>,
    /// For the workspace.
    pub prices: Vec<Price>,
}

/// A ledger that begins at a time in the past, while it is given a policy.
struct Draft {
    edit: Edit,
    start: Time,
}

impl Shared {
    /// The ledger of a workspace as it would have begun at `start` with a policy.
    pub(super) async fn changed_ledger(
        self: &Arc<Shared>,
        configuration: Configuration,
        start: Time,
        change: PolicyChange,
    ) -> Result<Ledger> {
        let workspace = configuration.workspace.clone();
        let ledger = self.ledger_of(configuration, start, start).await?;
        let edit = Edit {
            shared: self.clone(),
            handle: Arc::new(WorkspaceHandle::new(ledger, start)),
            actor: Actor::new("", "SimulatePolicy"),
            workspace,
            now: start,
        };
        let mut draft = Draft { edit, start };
        draft.change(change).await?;
        let ledger = draft.edit.handle.into_ledger();
        ledger.ok_or_else(|| Error::Internal("the ledger of a changed policy failed".to_owned()))
    }
}

impl Draft {
    async fn change(&mut self, change: PolicyChange) -> Result<()> {
        self.change_workspace(&change).await?;
        let models = self.edit.models_after(change.model_limits);
        let models = models.map_err(|error| below(error, "settings", "change.model_limits"))?;
        self.ledger(|ledger, start| {
            models.into_iter().for_each(|(_, model)| ledger.set_model(start, model));
        });
        for id in &change.removed_quota_ids {
            let known = self.ledger(|ledger, _| ledger.quota(id).is_some());
            known.then_some(()).ok_or_else(|| not_found("quota", id))?;
            self.ledger(|ledger, start| ledger.remove_quota(start, id));
        }
        for id in &change.removed_rate_limit_ids {
            let known = self.ledger(|ledger, _| ledger.rate_limit(id).is_some());
            known.then_some(()).ok_or_else(|| not_found("rate_limit", id))?;
            self.ledger(|ledger, start| ledger.remove_rate_limit(start, id));
        }
        for (index, quota) in change.quotas.into_iter().enumerate() {
            let placed = |error| below(error, "quota", &format!("change.quotas[{index}]"));
            self.put_quota(quota).await.map_err(placed)?;
        }
        for (index, limit) in change.rate_limits.into_iter().enumerate() {
            let placed =
                |error| below(error, "rate_limit", &format!("change.rate_limits[{index}]"));
            self.put_rate_limit(limit).await.map_err(placed)?;
        }
        self.set_prices(change.prices)
    }

    fn ledger<T>(&self, act: impl FnOnce(&mut Ledger, Time) -> T) -> T {
        act(&mut self.edit.handle.lock(), self.start)
    }

    /// Plan and fallback. Another plan may give windows other bounds.
    async fn change_workspace(&mut self, change: &PolicyChange) -> Result<()> {
        let plan = change.plan.map(|plan| plan.plan(&self.edit)).transpose();
        let plan = plan.map_err(|error| below(error, "plan", "change.plan"))?;
        let (shared, start) = (&self.edit.shared, self.start);
        let mut workspace = self.edit.workspace.clone();
        workspace.plan = plan.or(workspace.plan);
        workspace.automatic_fallback =
            change.automatic_fallback.unwrap_or(workspace.automatic_fallback);
        let windows = Ledger::windows_to_load(&workspace, start);
        let spend = shared.spend_before(&workspace.id, windows, start).await?;
        let queries = self.ledger(|ledger, start| ledger.backfill_for_workspace(&workspace, start));
        let backfill = shared.backfill_before(&workspace.id, queries, start).await?;
        self.ledger(|ledger, start| {
            ledger.set_workspace(start, workspace.clone(), spend, &backfill);
        });
        self.edit.workspace = workspace;
        Ok(())
    }

    async fn put_quota(&self, mut new: NewQuota) -> Result<()> {
        let existing =
            new.id.as_deref().and_then(|id| self.ledger(|ledger, _| ledger.quota(id).cloned()));
        if new.period == Period::UntilReset {
            new.window_start = Some(new.window_start.map_or(self.start, |at| at.min(self.start)));
        }
        let quota = Quota::build(&self.edit, new, existing.as_deref())?;
        quota.admit(&self.edit).await?;
        let queries = self.ledger(|ledger, start| ledger.backfill_for_quota(start, &quota));
        let shared = &self.edit.shared;
        let backfill = shared.backfill_before(self.edit.handle.id(), queries, self.start).await?;
        self.ledger(|ledger, start| ledger.put_quota(start, quota, backfill));
        Ok(())
    }

    /// Nothing is counted yet, so that one that is replaced has nothing to keep.
    async fn put_rate_limit(&self, new: NewRateLimit) -> Result<()> {
        if let Some(id) = &new.id {
            self.ledger(|ledger, start| ledger.remove_rate_limit(start, id));
        }
        let limit = RateLimit::build(&self.edit, new, None)?;
        limit.admit(&self.edit).await?;
        self.ledger(|ledger, start| ledger.put_rate_limit(start, limit, Default::default()));
        Ok(())
    }

    fn set_prices(&self, prices: Vec<Price>) -> Result<()> {
        let mut catalog = self.ledger(|ledger, _| ledger.catalog().clone());
        for (index, mut price) in prices.into_iter().enumerate() {
            let placed = |error| below(error, "price", &format!("change.prices[{index}].price"));
            catalog = Arc::new(with_price(&catalog, &mut price).map_err(placed)?);
        }
        self.ledger(|ledger, _| ledger.set_catalog(catalog, &Default::default()));
        Ok(())
    }
}

/// An error about fields below `from`, as they are called in the request.
fn below(error: Error, from: &str, to: &str) -> Error {
    let moved = |field: String| match field.strip_prefix(from) {
        Some(rest) => format!("{to}{rest}"),
        None => field,
    };
    match error {
        Error::Field { field, expected } => Error::Field { field: moved(field), expected },
        Error::Fields(fields) => Error::Fields(
            fields.into_iter().map(|(field, expected)| (moved(field), expected)).collect(),
        ),
        error => error,
    }
}
