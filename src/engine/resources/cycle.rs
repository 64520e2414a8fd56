//! The cycles of a workspace, the running one and those before it: what was spent in each, and the
//! envelope of its time.
//!
//! Nothing is kept for it: sums are those of the usage log, plans those of the audit log. Cycles
//! are cut by the plan and the zone that the workspace has now.

use serde_json::Value;

use super::workspace::PLAN_KIND;
use crate::domain::attribution::SubjectKind;
use crate::domain::backfill::ConsumptionQuery;
use crate::domain::boost::{BOOST_SPAN_MAX, Boost};
use crate::domain::quota::{Consumption, Scope};
use crate::domain::time::MICROS_PER_DAY;
use crate::domain::time::calendar::{Calendar, Window};
use crate::domain::workspace::Workspace;
use crate::domain::{Amount, Time};
use crate::engine::error::Result;
use crate::engine::{Engine, InCurrency};
use crate::storage;
use crate::storage::audit::{AuditEvent, AuditFilter};
use crate::storage::settings::BoostFilter;

/// Plans and boosts that are read at once.
const PAGE: usize = 1_000;

/// One cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CycleView {
    pub window: Window,
    pub is_running: bool,
    pub spent: Amount,
    pub request_count: i64,
    /// Budget and overage of the plan in force at its end, or now; absent if there was none.
    pub plan: Option<(Amount, Amount)>,
    /// Boosts of the envelope that were in force at some time of it, together.
    pub boost: Amount,
}

/// Cycles, latest first.
pub struct Cycles {
    pub calendar: Calendar,
    pub cycles: Vec<CycleView>,
}

/// A plan from a time on.
struct PlanFrom {
    time: Time,
    amounts: Option<(Amount, Amount)>,
}

impl Engine {
    /// At most `limit` cycles that begin before a time, latest first: from the running one back to
    /// that of the first usage, or in which the workspace was created.
    pub async fn cycles(
        &self,
        workspace_id: &str,
        before: Option<Time>,
        limit: usize,
    ) -> Result<InCurrency<Cycles>> {
        let workspace = self.get_workspace(workspace_id).await?;
        self.fold_now().await;
        let now = self.now();
        let calendar = calendar_of(&workspace);
        let first_use = self.store().first_charge_time(workspace_id).await?;
        let first = first_use.map_or(workspace.create_time, |time| time.min(workspace.create_time));
        let mut windows = Vec::new();
        let mut window = calendar.cycle(now);
        while windows.len() < limit && window.end > first {
            if before.is_none_or(|before| window.start < before) {
                windows.push(window);
            }
            window = calendar.cycle(window.start - 1);
        }
        let earliest = windows.last().map_or(now, |window| window.start);
        let plans = self.plans(&workspace).await?;
        let boosts = self.envelope_boosts(workspace_id, earliest).await?;
        let mut cycles = Vec::with_capacity(windows.len());
        for window in windows {
            let used = self.used_in(workspace_id, window).await?;
            let end = window.end.min(now + 1);
            let of_boosts = boosts.iter().filter(|boost| {
                let boost_end =
                    boost.cancel_time.map_or(boost.end_time, |at| at.min(boost.end_time));
                boost.start_time < end && boost_end > window.start
            });
            let plan = plans.iter().rev().find(|plan| plan.time < end);
            cycles.push(CycleView {
                window,
                is_running: window.contains(now),
                spent: used.money,
                request_count: used.requests,
                plan: plan.and_then(|plan| plan.amounts),
                boost: of_boosts.map(|boost| Amount::from_nanos(boost.amount)).sum(),
            });
        }
        let value = Cycles { calendar, cycles };
        Ok(InCurrency { currency: workspace.currency, value })
    }

    async fn used_in(&self, workspace_id: &str, window: Window) -> storage::Result<Consumption> {
        let scope =
            Scope { kind: SubjectKind::Workspace, subject_id: Some("".into()), model_id: None };
        let query = ConsumptionQuery { scope, from: window.start, to: window.end };
        let used = self.store().consumption(workspace_id, &query).await?;
        let mut sum = Consumption::default();
        used.iter().for_each(|(_, used)| sum.add(used));
        Ok(sum)
    }

    /// The plans that a workspace has had, oldest first.
    async fn plans(&self, workspace: &Workspace) -> storage::Result<Vec<PlanFrom>> {
        let filter = AuditFilter {
            workspace_id: workspace.id.to_string(),
            resource_type: Some(PLAN_KIND.to_owned()),
            ..AuditFilter::default()
        };
        let (mut plans, mut after) = (Vec::new(), None);
        loop {
            let events = self.store().audit_events(&filter, after, PAGE).await?;
            let is_last = events.len() < PAGE;
            after = events.last().map(|event| (event.time, event.id.clone()));
            plans.extend(events.iter().map(plan_after));
            if is_last {
                plans.reverse();
                return Ok(plans);
            }
        }
    }

    /// Boosts of the envelope that may have been in force since a time.
    async fn envelope_boosts(
        &self,
        workspace_id: &str,
        since: Time,
    ) -> storage::Result<Vec<Boost>> {
        let (mut boosts, mut after): (Vec<Boost>, _) = (Vec::new(), None);
        loop {
            let filter = BoostFilter::Envelope;
            let page = self.store().boosts(workspace_id, &filter, after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(boosts) };
            let is_last =
                page.len() < PAGE || last.start_time < since - BOOST_SPAN_MAX - MICROS_PER_DAY;
            after = Some((last.start_time, last.id.to_string()));
            boosts.extend(page);
            if is_last {
                return Ok(boosts);
            }
        }
    }
}

/// The calendar of a workspace as it is now.
fn calendar_of(workspace: &Workspace) -> Calendar {
    let start_date = workspace.plan.map(|plan| plan.start_date);
    Calendar::new(workspace.time_zone, start_date).with_week_start(workspace.week_start)
}

/// The plan that a change of it has set, as the audit log has it.
fn plan_after(event: &AuditEvent) -> PlanFrom {
    let state: Option<Value> =
        event.after.as_deref().and_then(|after| serde_json::from_str(after).ok());
    let amount = |field: &str| {
        let text = state.as_ref()?.get(field)?.as_str()?;
        Amount::from_decimal(text.parse().ok()?).ok()
    };
    PlanFrom { time: event.time, amounts: amount("budget").zip(amount("overage")) }
}
