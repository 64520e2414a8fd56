//! Workspaces, plans and their models: read from the ledger, changed through the writer.

use std::sync::Arc;

use chrono::NaiveDate;
use chrono_tz::Tz;
use serde_json::Value;

use super::audit::By;
use super::error::{Error, Result};
use super::{Engine, InCurrency, Shared, WorkspaceHandle, described};
use crate::domain::alert::AlertPolicy;
use crate::domain::quota::Unit;
use crate::domain::workspace::{
    HoldExpiryPolicy, Plan, UnknownKeyPolicy, UnpricedModelPolicy, Workspace, WorkspaceModel,
};
use crate::domain::{Amount, Currency};
use crate::ledger::{BudgetView, Ledger, ModelView};
use crate::storage::policy::{BoostFilter, Change, RuleFilter};
use crate::storage::{Order, RecordFilter};

/// Quotas read at once.
const PAGE_QUOTAS: usize = 1_000;

/// A workspace to be created.
#[derive(Clone, Debug)]
pub struct NewWorkspace {
    pub id: String,
    pub display_name: String,
    pub currency: Currency,
    pub time_zone: Tz,
    pub unpriced_models: UnpricedModelPolicy,
    pub hold_expiry: HoldExpiryPolicy,
    pub unknown_keys: UnknownKeyPolicy,
    pub usage_retention_days: Option<i64>,
}

/// What is to be changed of a workspace; absent parts stay.
#[derive(Clone, Debug, Default)]
pub struct WorkspaceChange {
    pub display_name: Option<String>,
    pub currency: Option<Currency>,
    pub time_zone: Option<Tz>,
    pub unpriced_models: Option<UnpricedModelPolicy>,
    pub hold_expiry: Option<HoldExpiryPolicy>,
    pub unknown_keys: Option<UnknownKeyPolicy>,
    /// Of what is inside: absent for ever.
    pub usage_retention_days: Option<Option<i64>>,
}

/// A plan as it is asked for.
#[derive(Clone, Copy, Debug)]
pub struct PlanChange {
    pub budget: (Currency, Amount),
    pub overage: Option<(Currency, Amount)>,
    pub start_date: NaiveDate,
}

/// Cap and fallback chain as they are asked for.
#[derive(Clone, Debug)]
pub struct ModelLimitChange {
    pub limit: Option<(Currency, Amount)>,
    pub enabled: bool,
    pub fallback_model_ids: Vec<String>,
}

/// A part of a workspace that is one thing in the audit log, under the workspace's id.
pub(super) struct Part {
    pub resource_type: &'static str,
    /// None if it is not set.
    pub describe: fn(&Workspace) -> Option<Value>,
}

const SETTINGS: Part = Part {
    resource_type: "workspace",
    describe: |workspace| Some(described::workspace(workspace)),
};
const PLAN: Part = Part { resource_type: "plan", describe: described::plan };

impl Engine {
    pub async fn create_workspace(&self, by: By, new: NewWorkspace) -> Result<Workspace> {
        self.in_writer(move |shared| async move {
            if shared.store.workspace(&new.id).await?.is_some() {
                return Err(Error::WorkspaceExists(new.id));
            }
            let now = shared.clock.now();
            let workspace = Workspace {
                id: new.id.into(),
                display_name: new.display_name,
                currency: new.currency,
                time_zone: new.time_zone,
                automatic_fallback: true,
                unpriced_models: new.unpriced_models,
                hold_expiry: new.hold_expiry,
                unknown_keys: new.unknown_keys,
                alerts: AlertPolicy::default(),
                may_have_expiry_charges: new.hold_expiry == HoldExpiryPolicy::ChargeEstimate,
                usage_retention_days: new.usage_retention_days,
                plan: None,
                create_time: now,
                update_time: now,
            };
            let changes = vec![Change::PutWorkspace(workspace.clone())];
            let after = (SETTINGS.describe)(&workspace);
            let event =
                by.event(now, &workspace.id, SETTINGS.resource_type, &workspace.id, None, after);
            shared.change(&workspace.id, changes, event.into_iter().collect()).await?;
            shared.load(&workspace.id).await?;
            Ok(workspace)
        })
        .await
    }

    pub async fn get_workspace(&self, id: &str) -> Result<Workspace> {
        Ok(self.workspace(id).await?.lock().workspace().clone())
    }

    /// Workspaces whose id is greater than `after_id`, by id.
    pub async fn list_workspaces(&self, after_id: &str, limit: usize) -> Result<Vec<Workspace>> {
        Ok(self.store().workspaces(after_id, limit).await?)
    }

    pub async fn update_workspace(
        &self,
        by: By,
        id: &str,
        change: WorkspaceChange,
    ) -> Result<Workspace> {
        self.change_workspace(by, id, SETTINGS, move |shared, mut workspace| async move {
            if let Some(currency) = change.currency.filter(|new| *new != workspace.currency) {
                shared.require_no_money(&workspace).await?;
                workspace.currency = currency;
            }
            if let Some(display_name) = change.display_name {
                workspace.display_name = display_name;
            }
            workspace.time_zone = change.time_zone.unwrap_or(workspace.time_zone);
            workspace.unpriced_models = change.unpriced_models.unwrap_or(workspace.unpriced_models);
            workspace.hold_expiry = change.hold_expiry.unwrap_or(workspace.hold_expiry);
            workspace.unknown_keys = change.unknown_keys.unwrap_or(workspace.unknown_keys);
            workspace.usage_retention_days =
                change.usage_retention_days.unwrap_or(workspace.usage_retention_days);
            workspace.may_have_expiry_charges |=
                workspace.hold_expiry == HoldExpiryPolicy::ChargeEstimate;
            Ok(workspace)
        })
        .await
    }

    pub async fn set_plan(&self, by: By, id: &str, change: PlanChange) -> Result<Workspace> {
        self.change_workspace(by, id, PLAN, move |_, mut workspace| async move {
            let budget = in_currency_of(&workspace, "plan.budget", change.budget)?;
            let overage = match change.overage {
                Some(overage) => in_currency_of(&workspace, "plan.overage_limit", overage)?,
                None => Amount::ZERO,
            };
            workspace.plan = Some(Plan { budget, overage, start_date: change.start_date });
            Ok(workspace)
        })
        .await
    }

    pub async fn set_automatic_fallback(
        &self,
        by: By,
        id: &str,
        enabled: bool,
    ) -> Result<Workspace> {
        self.change_workspace(by, id, SETTINGS, move |_, mut workspace| async move {
            workspace.automatic_fallback = enabled;
            Ok(workspace)
        })
        .await
    }

    /// The running cycle.
    pub async fn budget(&self, id: &str) -> Result<InCurrency<BudgetView>> {
        let workspace = self.workspace(id).await?;
        Ok(self.budget_of(&workspace))
    }

    pub(super) fn budget_of(&self, workspace: &WorkspaceHandle) -> InCurrency<BudgetView> {
        let mut ledger = workspace.lock();
        let currency = ledger.workspace().currency;
        InCurrency { currency, value: ledger.budget(self.now()) }
    }

    /// Allows a model in a workspace, or disallows it. Its cap stays as it is.
    pub async fn enable_model(
        &self,
        by: By,
        workspace_id: &str,
        model_id: &str,
        enabled: bool,
    ) -> Result<InCurrency<ModelView>> {
        self.change_model(by, workspace_id, model_id, move |_, _, model| {
            model.enabled = enabled;
            Ok(())
        })
        .await
    }

    /// Sets cap and fallback chain of a model in a workspace.
    pub async fn set_model_limit(
        &self,
        by: By,
        workspace_id: &str,
        model_id: &str,
        change: ModelLimitChange,
    ) -> Result<InCurrency<ModelView>> {
        self.change_model(by, workspace_id, model_id, move |shared, workspace, model| {
            let limit = change.limit.map(|limit| in_currency_of(workspace, "limit", limit));
            model.limit = limit.transpose()?;
            model.limit_enabled = change.enabled;
            model.fallback_model_ids = shared.fallback_chain(model, &change.fallback_model_ids)?;
            Ok(())
        })
        .await
    }

    /// Every model of a workspace that is enabled, capped or has spend, by id.
    pub async fn model_limits(&self, workspace_id: &str) -> Result<InCurrency<Vec<ModelView>>> {
        let workspace = self.workspace(workspace_id).await?;
        let mut ledger = workspace.lock();
        let currency = ledger.workspace().currency;
        Ok(InCurrency { currency, value: ledger.model_views(self.now()) })
    }

    /// Stores a changed part; the totals of the windows, which may be cut anew, are read in the
    /// same place in the order of writes. What is as it was is not written.
    pub(super) async fn change_workspace<F>(
        &self,
        by: By,
        id: &str,
        part: Part,
        change: impl FnOnce(Arc<Shared>, Workspace) -> F + Send + 'static,
    ) -> Result<Workspace>
    where
        F: Future<Output = Result<Workspace>> + Send,
    {
        let handle = self.workspace(id).await?;
        self.in_writer(move |shared| async move {
            let before = handle.lock().workspace().clone();
            let described = (part.describe)(&before);
            let mut workspace = change(shared.clone(), before.clone()).await?;
            // The ledger's time: its clock never steps back.
            let now = handle.lock().advance(shared.clock.now());
            let after = (part.describe)(&workspace);
            let (id, kind) = (&workspace.id, part.resource_type);
            let Some(event) = by.event(now, id, kind, id, described, after) else {
                return Ok(before);
            };
            workspace.update_time = now;
            let windows = Ledger::windows_to_load(&workspace, now);
            let spend = shared.spend_of(&workspace.id, windows).await?;
            let questions = handle.lock().questions_of_recut(&workspace, now);
            let answers = shared.answers(&workspace.id, questions).await?;
            let changes = vec![Change::PutWorkspace(workspace.clone())];
            shared.change(&workspace.id, changes, vec![event]).await?;
            handle.lock().set_workspace(now, workspace.clone(), spend, &answers);
            handle.announce();
            Ok(workspace)
        })
        .await
    }

    /// Stores changed settings of a model. What is as it was is not written.
    async fn change_model<C>(
        &self,
        by: By,
        workspace_id: &str,
        model_id: &str,
        change: C,
    ) -> Result<InCurrency<ModelView>>
    where
        C: FnOnce(&Shared, &Workspace, &mut WorkspaceModel) -> Result<()> + Send + 'static,
    {
        let handle = self.workspace(workspace_id).await?;
        let model_id = model_id.to_owned();
        self.in_writer(move |shared| async move {
            let catalogue = shared.catalogue.load_full();
            let entry = catalogue.model(&model_id).ok_or(Error::ModelNotFound(model_id))?;
            let id = entry.model().id.clone();
            let (now, workspace, view) = {
                let mut ledger = handle.lock();
                let now = ledger.advance(shared.clock.now());
                (now, ledger.workspace().clone(), ledger.model_view_of(now, &id))
            };
            let currency = workspace.currency;
            let before = view.settings.clone().unwrap_or_else(|| unset(id.clone()));
            let mut model = before.clone();
            change(&shared, &workspace, &mut model)?;
            if model == before {
                return Ok(InCurrency { currency, value: view });
            }
            let before = view.settings.map(|before| described::model_limit(currency, &before));
            let after = Some(described::model_limit(currency, &model));
            let event = by.event(now, &workspace.id, "model_limit", &id, before, after);
            let changes = vec![Change::PutWorkspaceModel(model.clone())];
            shared.change(&workspace.id, changes, event.into_iter().collect()).await?;
            let mut ledger = handle.lock();
            ledger.set_model(now, model);
            let value = ledger.model_view_of(now, &id);
            drop(ledger);
            handle.announce();
            Ok(InCurrency { currency, value })
        })
        .await
    }
}

impl Shared {
    /// A currency may change only while no amount would change its meaning, those of boosts that
    /// are over and stay listed among them.
    async fn require_no_money(&self, workspace: &Workspace) -> Result<()> {
        let handle = self.load(&workspace.id).await?;
        let (has_limit, has_holds) = {
            let mut ledger = handle.lock();
            let views = ledger.model_views(self.clock.now());
            let set =
                |view: &ModelView| view.settings.as_ref().is_some_and(|set| set.limit.is_some());
            (views.iter().any(set), ledger.live_holds() > 0)
        };
        let filter = RecordFilter {
            workspace_id: workspace.id.clone(),
            from: None,
            to: None,
            model_id: None,
            request_id: None,
        };
        let has_records =
            !self.store.records(&filter, Order::NewestFirst, None, 1).await?.is_empty();
        // Sums stay where records go.
        let had_records = self.store.dropped_before(&workspace.id).await?.is_some();
        let has_amounts =
            workspace.plan.is_some() || has_limit || has_holds || has_records || had_records;
        if has_amounts || self.has_boosts_or_quotas_in_money(&workspace.id).await? {
            return Err(Error::NotAllowed(
                "currency_code: cannot change once a plan, a limit, a quota, a boost, a hold or \
                 usage has amounts in the currency"
                    .to_owned(),
            ));
        }
        Ok(())
    }

    async fn has_boosts_or_quotas_in_money(&self, workspace_id: &str) -> Result<bool> {
        for filter in [BoostFilter::Envelope, BoostFilter::Quotas] {
            if !self.store.boosts(workspace_id, &filter, None, 1).await?.is_empty() {
                return Ok(true);
            }
        }
        let mut after = String::new();
        loop {
            let filter = RuleFilter::default();
            let page = self.store.quotas(workspace_id, &filter, &after, PAGE_QUOTAS).await?;
            if page.iter().any(|quota| quota.unit == Unit::Money && quota.limit.is_some()) {
                return Ok(true);
            }
            match page.last().filter(|_| page.len() == PAGE_QUOTAS) {
                Some(last) => after = last.id.to_string(),
                None => return Ok(false),
            }
        }
    }

    /// The models of a chain by their catalogue's ids.
    fn fallback_chain(&self, model: &WorkspaceModel, ids: &[String]) -> Result<Vec<Arc<str>>> {
        let catalogue = self.catalogue.load();
        let mut chain = Vec::with_capacity(ids.len());
        for (index, id) in ids.iter().enumerate() {
            let refuse = |expected: &str| {
                let field = format!("fallback_model_ids[{index}]");
                Err(Error::Field { field, expected: expected.to_owned() })
            };
            let Some(entry) = catalogue.model(id) else {
                return refuse("expected a model of the catalogue");
            };
            let id = entry.model().id.clone();
            if id == model.model_id {
                return refuse("expected another model than the one that is limited");
            }
            if chain.contains(&id) {
                return refuse("expected each model once");
            }
            chain.push(id);
        }
        Ok(chain)
    }
}

pub(super) fn in_currency_of(
    workspace: &Workspace,
    field: &str,
    (currency, amount): (Currency, Amount),
) -> Result<Amount> {
    if currency == workspace.currency {
        return Ok(amount);
    }
    Err(Error::Field {
        field: format!("{field}.currency_code"),
        expected: format!("expected {}, the currency of the workspace", workspace.currency),
    })
}

fn unset(model_id: Arc<str>) -> WorkspaceModel {
    WorkspaceModel {
        model_id,
        enabled: false,
        limit: None,
        limit_enabled: true,
        fallback_model_ids: Vec::new(),
    }
}
