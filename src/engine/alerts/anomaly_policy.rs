//! Which anomalies of a workspace are stored and raise alerts.

use serde_json::json;

use super::super::audit::{self, Actor};
use super::super::error::{Error, Result};
use super::super::resources::Edit;
use super::super::{Engine, InCurrency, Shared};
use crate::domain::alert::anomaly::{
    AnomalyMember, AnomalyMute, AnomalyPolicy, AnomalySensitivity, MUTE_SPAN_MAX,
};
use crate::domain::time::MICROS_PER_DAY;
use crate::domain::time::calendar::Calendar;
use crate::domain::workspace::Workspace;
use crate::domain::{Amount, Currency, Time};
use crate::storage::settings::Change;

/// In the audit log.
const KIND: &str = "anomaly_policy";

/// The parts of a policy that change.
#[derive(Clone, Debug, Default)]
pub struct AnomalyPolicyChange {
    /// None inside: that of the plan budget again.
    pub least_impact: Option<Option<(Currency, Amount)>>,
    pub sensitivity: Option<AnomalySensitivity>,
    pub mutes: Option<Vec<AnomalyMute>>,
}

/// A policy with what follows from it.
#[derive(Clone, Debug)]
pub struct AnomalyPolicyView {
    /// Without mutes that are over.
    pub policy: AnomalyPolicy,
    pub least_impact: Amount,
    /// By member.
    pub raised_bars: Vec<(AnomalyMember, Time)>,
}

impl Engine {
    pub async fn anomaly_policy(
        &self,
        workspace_id: &str,
    ) -> Result<InCurrency<AnomalyPolicyView>> {
        let handle = self.workspace(workspace_id).await?;
        let workspace = handle.lock().workspace().clone();
        self.shared.anomaly_policy_view(&workspace, self.now()).await
    }

    /// The same of a workspace as it is stored, without loading it.
    pub async fn anomaly_policy_of(
        &self,
        workspace: &Workspace,
    ) -> Result<InCurrency<AnomalyPolicyView>> {
        self.shared.anomaly_policy_view(workspace, self.now()).await
    }

    pub async fn set_anomaly_policy(
        &self,
        actor: Actor,
        workspace_id: &str,
        change: AnomalyPolicyChange,
    ) -> Result<InCurrency<AnomalyPolicyView>> {
        let set = |edit: Edit| async move {
            let stored = edit.shared.store.anomaly_policy(edit.handle.id()).await?;
            let before = stored.unwrap_or_default();
            let mut after = before.clone();
            edit.apply_to(&mut after, change)?;
            let state = |policy: &AnomalyPolicy| {
                let value = policy.clone();
                json!(audit::state(&InCurrency { currency: edit.workspace.currency, value }))
            };
            let (old, new) = (state(&before), state(&after));
            let event = edit.event(KIND, edit.handle.id(), Some(old), Some(new));
            if event.is_some() {
                edit.commit(vec![Change::PutAnomalyPolicy(after)], event).await?;
            }
            edit.shared.anomaly_policy_view(&edit.workspace, edit.now).await
        };
        self.edit(actor, workspace_id, set).await
    }
}

impl Edit {
    fn apply_to(&self, policy: &mut AnomalyPolicy, change: AnomalyPolicyChange) -> Result<()> {
        policy.mutes.retain(|mute| mute.end_time > self.now);
        if let Some(least_impact) = change.least_impact {
            let field = "anomaly_policy.least_impact";
            let amount = least_impact.map(|amount| self.amount(field, amount)).transpose()?;
            policy.least_impact = amount;
        }
        if let Some(sensitivity) = change.sensitivity {
            policy.sensitivity = sensitivity;
        }
        if let Some(mut mutes) = change.mutes {
            let latest = self.now + MUTE_SPAN_MAX;
            for (index, mute) in mutes.iter().enumerate() {
                if mute.end_time <= self.now || mute.end_time > latest {
                    return Err(Error::Field {
                        field: format!("anomaly_policy.mutes[{index}].end_time"),
                        expected: "expected a time after now, at most 366 days ahead".to_owned(),
                    });
                }
            }
            mutes.sort();
            policy.mutes = mutes;
        }
        Ok(())
    }
}

impl Shared {
    async fn anomaly_policy_view(
        &self,
        workspace: &Workspace,
        now: Time,
    ) -> Result<InCurrency<AnomalyPolicyView>> {
        let mut policy = self.store.anomaly_policy(&workspace.id).await?.unwrap_or_default();
        policy.mutes.retain(|mute| mute.end_time > now);
        let raised_bars = self.raised_bars(&workspace.id, now).await?;
        let mut raised_bars: Vec<(AnomalyMember, Time)> = raised_bars.into_iter().collect();
        raised_bars.sort();
        let least_impact = policy.least_impact(plan_budget(workspace, now));
        let value = AnomalyPolicyView { policy, least_impact, raised_bars };
        Ok(InCurrency { currency: workspace.currency, value })
    }
}

/// The plan budget with the days of the cycle that runs.
fn plan_budget(workspace: &Workspace, now: Time) -> Option<(Amount, i64)> {
    let plan = workspace.plan.as_ref()?;
    let cycle = Calendar::new(workspace.time_zone, Some(plan.start_date)).cycle(now);
    // Rounded, because of days of 23 and 25 hours.
    let days = (cycle.end - cycle.start + MICROS_PER_DAY / 2) / MICROS_PER_DAY;
    Some((plan.budget, days))
}
