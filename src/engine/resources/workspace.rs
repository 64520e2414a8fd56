//! Workspaces: their settings, plan, alert policy and models.

use std::sync::Arc;

use chrono::NaiveDate;
use chrono_tz::Tz;
use serde_json::Value;

use super::Edit;
use super::listing::list;
use crate::domain::alert::AlertPolicy;
use crate::domain::attribution::AttributionField;
use crate::domain::quota::Unit;
use crate::domain::time::Micros;
use crate::domain::time::calendar::DayOfWeek;
use crate::domain::workspace::{
    HoldDurability, HoldExpiryPolicy, OutagePolicy, Plan, ReportedCostPolicy, UnknownKeyPolicy,
    UnpricedModelPolicy, Workspace,
};
use crate::domain::{Amount, Currency};
use crate::engine::audit::{self, Actor};
use crate::engine::error::{Error, Result};
use crate::engine::{Engine, InCurrency};
use crate::ledger::{Ledger, ModelView};
use crate::storage::log::{Order, RecordFilter};
use crate::storage::search::{Counted, Listing};
use crate::storage::settings::{BoostFilter, Change, LimitFilter};

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
    /// Absent for that of the database: journaled where another server may take over.
    pub hold_durability: Option<HoldDurability>,
    pub outage: OutagePolicy,
    pub unknown_keys: UnknownKeyPolicy,
    /// Sorted, without repeats.
    pub required_fields: Vec<AttributionField>,
    pub week_start: DayOfWeek,
    pub reported_cost: ReportedCostPolicy,
    pub usage_retention_days: Option<i64>,
    pub price_max_age_days: Option<i64>,
}

/// Changes of a workspace; absent parts stay.
#[derive(Clone, Debug, Default)]
pub struct WorkspaceChange {
    pub display_name: Option<String>,
    pub currency: Option<Currency>,
    pub time_zone: Option<Tz>,
    pub unpriced_models: Option<UnpricedModelPolicy>,
    pub hold_expiry: Option<HoldExpiryPolicy>,
    pub hold_durability: Option<HoldDurability>,
    pub outage_duration: Option<Micros>,
    /// An inner `None` sets the default.
    pub outage_held_limit: Option<Option<(Currency, Amount)>>,
    pub unknown_keys: Option<UnknownKeyPolicy>,
    pub required_fields: Option<Vec<AttributionField>>,
    pub week_start: Option<DayOfWeek>,
    pub reported_cost_providers: Option<Vec<String>>,
    pub cost_difference_percent: Option<u16>,
    /// An inner `None` keeps records for ever.
    pub usage_retention_days: Option<Option<i64>>,
    /// An inner `None` sees no price as stale.
    pub price_max_age_days: Option<Option<i64>>,
}

/// A plan to be set.
#[derive(Clone, Copy, Debug)]
pub struct PlanChange {
    pub budget: (Currency, Amount),
    pub overage: Option<(Currency, Amount)>,
    pub start_date: NaiveDate,
}

/// Alert policy to be set; it replaces the one before.
#[derive(Clone, Debug)]
pub struct AlertPolicyChange {
    pub envelope: Vec<u16>,
    pub model_limits: Vec<u16>,
    pub large_record_cost: Option<(Currency, Amount)>,
}

/// A part of a workspace that has entries of its own in the audit log, under the workspace's id.
struct Part {
    kind: &'static str,
    /// Its state for the audit log; none if it is not set.
    audit_state: fn(&Workspace) -> Option<Value>,
}

const SETTINGS: Part =
    Part { kind: "workspace", audit_state: |workspace| Some(audit::state(workspace)) };

/// What changes of plans are in the audit log.
pub const PLAN_KIND: &str = "plan";

const PLAN: Part = Part {
    kind: PLAN_KIND,
    audit_state: |workspace| {
        let currency = workspace.currency;
        workspace.plan.map(|value| audit::state(&InCurrency { currency, value }))
    },
};

const ALERT_POLICY: Part = Part {
    kind: "alert_policy",
    audit_state: |workspace| {
        let (currency, value) = (workspace.currency, &workspace.alerts);
        Some(audit::state(&InCurrency { currency, value }))
    },
};

impl Engine {
    pub async fn create_workspace(&self, actor: Actor, new: NewWorkspace) -> Result<Workspace> {
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
                hold_durability: new.hold_durability.unwrap_or(shared.hold_durability()),
                outage: new.outage,
                unknown_keys: new.unknown_keys,
                required_fields: new.required_fields,
                week_start: new.week_start,
                reported_cost: new.reported_cost,
                alerts: AlertPolicy::default(),
                may_have_expiry_charges: new.hold_expiry == HoldExpiryPolicy::ChargeEstimate,
                usage_retention_days: new.usage_retention_days,
                price_max_age_days: new.price_max_age_days,
                plan: None,
                archive_time: None,
                create_time: now,
                update_time: now,
            };
            let id = &workspace.id;
            let after = (SETTINGS.audit_state)(&workspace);
            let event = actor.event(now, id, SETTINGS.kind, id, None, after);
            let changes = [Change::PutWorkspace(workspace.clone())];
            shared.change(id, &changes, event.as_slice()).await?;
            shared.load(id).await?;
            Ok(workspace)
        })
        .await
    }

    pub async fn get_workspace(&self, id: &str) -> Result<Workspace> {
        Ok(self.workspace(id).await?.lock().workspace().clone())
    }

    /// Workspaces by id; those that are archived only where they are asked for.
    pub async fn list_workspaces(
        &self,
        listing: Listing<'_>,
        with_archived: bool,
    ) -> Result<Counted<Workspace>> {
        let read = |mut after: String, limit: usize| async move {
            let mut found = Vec::new();
            while found.len() < limit {
                let wanted = limit - found.len();
                let page = self.store().workspaces(&after, wanted).await?;
                let is_last = page.len() < wanted;
                after = page.last().map_or_else(String::new, |last| last.id.to_string());
                found.extend(page.into_iter().filter(|it| it.is_listed(with_archived)));
                if is_last {
                    break;
                }
            }
            Ok(found)
        };
        Ok(list(listing, read).await?)
    }

    /// The same of those with these ids, which are sorted.
    pub async fn workspaces_of(
        &self,
        ids: &[Arc<str>],
        listing: Listing<'_>,
        with_archived: bool,
    ) -> Result<Counted<Workspace>> {
        let read = |after: String, limit: usize| async move {
            let mut found = Vec::new();
            for id in ids.iter().filter(|id| ***id > *after) {
                if found.len() == limit {
                    break;
                }
                let workspace = self.store().workspace(id).await?;
                found.extend(workspace.filter(|it| it.is_listed(with_archived)));
            }
            Ok(found)
        };
        Ok(list(listing, read).await?)
    }

    pub async fn update_workspace(
        &self,
        actor: Actor,
        id: &str,
        change: WorkspaceChange,
    ) -> Result<Workspace> {
        let update = |edit: Edit| async move {
            if change.currency.is_some_and(|new| new != edit.currency()) {
                edit.require_no_money().await?;
            }
            if let Some(Some((currency, _))) = change.outage_held_limit
                && currency != change.currency.unwrap_or(edit.currency())
            {
                return Err(Error::Field {
                    field: "workspace.outage_held_limit.currency_code".to_owned(),
                    expected: "expected the currency of the workspace".to_owned(),
                });
            }
            edit.change_workspace(SETTINGS, |workspace| change.apply(workspace)).await
        };
        self.edit(actor, id, update).await
    }

    /// Archives a workspace, or restores it. One that is archived already keeps the time.
    pub async fn archive_workspace(
        &self,
        actor: Actor,
        id: &str,
        archive: bool,
    ) -> Result<Workspace> {
        let set = move |edit: Edit| async move {
            let now = edit.now;
            let change = |workspace: &mut Workspace| {
                let time = workspace.archive_time.unwrap_or(now);
                workspace.archive_time = archive.then_some(time);
            };
            edit.change_workspace(SETTINGS, change).await
        };
        self.edit(actor, id, set).await
    }

    pub async fn set_plan(&self, actor: Actor, id: &str, change: PlanChange) -> Result<Workspace> {
        let set = move |edit: Edit| async move {
            let plan = change.plan(&edit)?;
            edit.change_workspace(PLAN, |workspace| workspace.plan = Some(plan)).await
        };
        self.edit(actor, id, set).await
    }

    pub async fn set_automatic_fallback(
        &self,
        actor: Actor,
        id: &str,
        enabled: bool,
    ) -> Result<Workspace> {
        let set = move |edit: Edit| async move {
            edit.change_workspace(SETTINGS, |workspace| workspace.automatic_fallback = enabled)
                .await
        };
        self.edit(actor, id, set).await
    }

    pub async fn alert_policy(&self, workspace_id: &str) -> Result<InCurrency<AlertPolicy>> {
        Ok(alerts_of(self.get_workspace(workspace_id).await?))
    }

    pub async fn set_alert_policy(
        &self,
        actor: Actor,
        workspace_id: &str,
        change: AlertPolicyChange,
    ) -> Result<InCurrency<AlertPolicy>> {
        let set = move |edit: Edit| async move {
            let cost = |cost| edit.amount("alert_policy.large_record_cost", cost);
            let policy = AlertPolicy {
                envelope: change.envelope,
                model_limits: change.model_limits,
                large_record_cost: change.large_record_cost.map(cost).transpose()?,
            };
            edit.change_workspace(ALERT_POLICY, |workspace| workspace.alerts = policy).await
        };
        Ok(alerts_of(self.edit(actor, workspace_id, set).await?))
    }
}

impl PlanChange {
    /// The plan that is set.
    pub(in crate::engine) fn plan(&self, edit: &Edit) -> Result<Plan> {
        let overage = self.overage.map(|overage| edit.amount("plan.overage_limit", overage));
        Ok(Plan {
            budget: edit.amount("plan.budget", self.budget)?,
            overage: overage.transpose()?.unwrap_or(Amount::ZERO),
            start_date: self.start_date,
        })
    }
}

impl WorkspaceChange {
    fn apply(self, workspace: &mut Workspace) {
        if let Some(display_name) = self.display_name {
            workspace.display_name = display_name;
        }
        workspace.currency = self.currency.unwrap_or(workspace.currency);
        workspace.time_zone = self.time_zone.unwrap_or(workspace.time_zone);
        workspace.unpriced_models = self.unpriced_models.unwrap_or(workspace.unpriced_models);
        workspace.hold_expiry = self.hold_expiry.unwrap_or(workspace.hold_expiry);
        workspace.hold_durability = self.hold_durability.unwrap_or(workspace.hold_durability);
        let OutagePolicy { duration, held_limit } = &mut workspace.outage;
        *duration = self.outage_duration.unwrap_or(*duration);
        if let Some(limit) = self.outage_held_limit {
            *held_limit = limit.map(|(_, amount)| amount);
        }
        workspace.unknown_keys = self.unknown_keys.unwrap_or(workspace.unknown_keys);
        if let Some(required_fields) = self.required_fields {
            workspace.required_fields = required_fields;
        }
        workspace.week_start = self.week_start.unwrap_or(workspace.week_start);
        if let Some(providers) = self.reported_cost_providers {
            workspace.reported_cost.charged_providers = providers;
        }
        if let Some(percent) = self.cost_difference_percent {
            workspace.reported_cost.alert_percent = percent;
        }
        workspace.usage_retention_days =
            self.usage_retention_days.unwrap_or(workspace.usage_retention_days);
        workspace.price_max_age_days =
            self.price_max_age_days.unwrap_or(workspace.price_max_age_days);
        workspace.may_have_expiry_charges |=
            workspace.hold_expiry == HoldExpiryPolicy::ChargeEstimate;
    }
}

impl Edit {
    /// Stores a changed part of the workspace; the totals of the windows, whose bounds may change
    /// with it, are read at the same place in the order of writes. Nothing is written if the part
    /// is as before.
    async fn change_workspace(
        &self,
        part: Part,
        change: impl FnOnce(&mut Workspace) + Send,
    ) -> Result<Workspace> {
        let before = &self.workspace;
        let mut workspace = before.clone();
        change(&mut workspace);
        let id = &before.id;
        let (state_before, state_after) =
            ((part.audit_state)(before), (part.audit_state)(&workspace));
        let Some(event) = self.event(part.kind, id, state_before, state_after) else {
            return Ok(before.clone());
        };
        // Later than when the call began: reads of storage may lie between.
        let now = self.ledger().advance(self.shared.clock.now());
        workspace.update_time = now;
        let windows = Ledger::windows_to_load(&workspace, now);
        let spend = self.shared.spend_of(id, windows).await?;
        let queries = self.ledger().backfill_for_workspace(&workspace, now);
        let backfill = self.shared.backfill(id, queries).await?;
        self.commit(vec![Change::PutWorkspace(workspace.clone())], [event]).await?;
        self.install(|ledger, _| ledger.set_workspace(now, workspace.clone(), spend, &backfill));
        Ok(workspace)
    }

    /// A currency may change only while no amount would change its meaning, those of boosts that
    /// are over and stay listed among them.
    async fn require_no_money(&self) -> Result<()> {
        let (workspace, store) = (&self.workspace, &self.shared.store);
        let (has_limit, has_holds) = {
            let mut ledger = self.ledger();
            let views = ledger.model_views(self.now);
            let set =
                |view: &ModelView| view.settings.as_ref().is_some_and(|set| set.limit.is_some());
            (views.iter().any(set), ledger.live_holds() > 0)
        };
        let filter = RecordFilter::of(workspace.id.clone());
        let has_records = !store.records(&filter, Order::NewestFirst, None, 1).await?.is_empty();
        // Sums stay where records go.
        let had_records = store.dropped_before(&workspace.id).await?.is_some();
        let of_anomalies = store.anomaly_policy(&workspace.id).await?;
        let is_set = workspace.plan.is_some()
            || workspace.alerts.large_record_cost.is_some()
            || workspace.outage.held_limit.is_some()
            || of_anomalies.is_some_and(|policy| policy.least_impact.is_some());
        let has_amounts = is_set || has_limit || has_holds || has_records || had_records;
        if has_amounts || self.has_boosts_or_quotas_in_money().await? {
            return Err(Error::NotAllowed(
                "currency_code: cannot change once a plan, a limit, a quota, a boost, the alert \
                 policy, the anomaly policy, outage_held_limit, a hold or usage has amounts in the \
                 currency"
                    .to_owned(),
            ));
        }
        Ok(())
    }

    async fn has_boosts_or_quotas_in_money(&self) -> Result<bool> {
        let (workspace_id, store) = (&self.workspace.id, &self.shared.store);
        for filter in [BoostFilter::Envelope, BoostFilter::Quotas] {
            if !store.boosts(workspace_id, &filter, None, 1).await?.is_empty() {
                return Ok(true);
            }
        }
        let mut after = String::new();
        loop {
            let filter = LimitFilter::default();
            let page = store.quotas(workspace_id, &filter, &after, PAGE_QUOTAS).await?;
            if page.iter().any(|quota| quota.unit == Unit::Money && quota.limit.is_some()) {
                return Ok(true);
            }
            match page.last().filter(|_| page.len() == PAGE_QUOTAS) {
                Some(last) => after = last.id.to_string(),
                None => return Ok(false),
            }
        }
    }
}

fn alerts_of(workspace: Workspace) -> InCurrency<AlertPolicy> {
    InCurrency { currency: workspace.currency, value: workspace.alerts }
}
