//! Requests of `BudgetService`, and budgets as protos.

use chrono::Days;

use crate::domain::boost::BoostTarget;
use crate::domain::time::calendar::Calendar;
use crate::domain::{Amount, Currency, Time};
use crate::engine::{BoostAmount, BudgetView, CycleView, InCurrency, NewBoost, PlanChange};
use crate::grpc::shared::boost::BoostFields;
use crate::grpc::shared::decode::{Decoded, Decoder, decode};
use crate::grpc::shared::enums::ProtoEnum;
use crate::grpc::shared::money;
use crate::grpc::shared::names::ModelNames;
use crate::grpc::shared::page::{Page, TimePosition, parse_time_position};
use crate::grpc::shared::time::to_timestamp;
use crate::proto::v1;

/// Cycles on a page.
const CYCLES_DEFAULT: i32 = 12;
const CYCLES_MAX: i32 = 120;

pub fn plan(request: &v1::SetPlanRequest) -> Decoded<PlanChange> {
    decode(|at| {
        at.workspace_id(&request.workspace_id);
        let (at, plan) = at.message("plan", request.plan.as_ref())?;
        Some(plan_change(at, plan))
    })
}

/// A plan to be set.
pub fn plan_change(at: Decoder<'_>, plan: &v1::Plan) -> PlanChange {
    let (budget_at, overage_at) = (at.field("budget"), at.field("overage_limit"));
    let budget = budget_at.required(plan.budget.as_ref()).map(|budget| budget_at.limit(budget));
    let overage = plan.overage_limit.as_ref().map(|overage| overage_at.limit(overage));
    let start_date = at.field("start_date").date(&plan.start_date);
    PlanChange {
        budget: budget.unwrap_or((Currency::EUR, Amount::ZERO)),
        overage,
        start_date: start_date.unwrap_or_default(),
    }
}

/// Workspace and boost of its envelope.
pub fn create_boost(request: v1::CreateBudgetBoostRequest) -> Decoded<(String, NewBoost)> {
    let v1::CreateBudgetBoostRequest { workspace_id, amount, .. } = request;
    let fields = BoostFields {
        boost_id: request.boost_id,
        start_time: request.start_time,
        end_time: request.end_time,
        reason: request.reason,
    };
    decode(|at| {
        at.workspace_id(&workspace_id);
        let amount = at.field("amount").required(amount.as_ref());
        let amount = amount.map_or(BoostAmount::Count(0), |amount| at.boost_amount(amount));
        let new = at.boost(fields, BoostTarget::Envelope, amount);
        Some((workspace_id, new))
    })
}

/// Which boosts of the envelope to list, and after which one.
pub fn list_boosts(request: &v1::ListBudgetBoostsRequest) -> Decoded<(Page, Option<TimePosition>)> {
    decode(|at| {
        at.workspace_id(&request.workspace_id);
        let filter = ["budget_boosts", &request.workspace_id];
        let page = at.page(&filter, request.page_size, &request.page_token);
        let after = page.after_parsed(at, parse_time_position);
        Some((page, after))
    })
}

pub fn budget_to_proto(
    workspace_id: String,
    budget: InCurrency<BudgetView>,
    names: &ModelNames,
) -> v1::Budget {
    let InCurrency { currency, value: view } = budget;
    let money = |amount: Amount| Some(money::to_proto(currency, amount));
    let spend_by_model = view.spend_by_model.iter();
    v1::Budget {
        workspace_id,
        cycle_start_time: Some(to_timestamp(view.cycle.start)),
        cycle_end_time: Some(to_timestamp(view.cycle.end)),
        days_left: i32::try_from(view.days_left).unwrap_or(i32::MAX),
        state: view.state.number(),
        plan_set: view.plan_set,
        plan_budget: money(view.plan_budget),
        overage_limit: money(view.overage_limit),
        boost: money(view.boost),
        spent: money(view.spent),
        held: money(view.held),
        remaining: money(view.remaining()),
        used_share: share(view.spent, view.envelope()),
        spend_by_model: spend_by_model
            .map(|(model_id, spent)| v1::ModelSpend {
                model_id: model_id.to_string(),
                spent: money(*spent),
                share: share(*spent, view.spent),
                display_name: names.display_name(model_id),
                provider: names.provider(model_id),
            })
            .collect(),
        automatic_fallback: view.automatic_fallback,
        as_of_time: Some(to_timestamp(view.as_of_time)),
        time_zone: view.time_zone.name().to_owned(),
        cycle_first_date: view.first_date.to_string(),
        cycle_last_date: view.last_date.to_string(),
        storage_outage: view.outage.map(|outage| v1::StorageOutage {
            start_time: Some(to_timestamp(outage.since)),
            end_of_checks_time: Some(to_timestamp(outage.end_of_checks)),
            held: money(outage.held),
            held_limit: money(outage.held_limit),
            checks_refused: outage.has_refused,
        }),
    }
}

/// Which cycles to list: those that begin before a time.
pub fn list_cycles(request: &v1::ListCyclesRequest) -> Decoded<(Page, Option<Time>)> {
    let v1::ListCyclesRequest { workspace_id, page_size, page_token } = request;
    decode(|at| {
        at.workspace_id(workspace_id);
        let size = if *page_size == 0 { CYCLES_DEFAULT } else { (*page_size).min(CYCLES_MAX) };
        let page = at.page(&["cycles", workspace_id], size, page_token);
        let before = page.after_parsed(at, |text| text.parse().ok().map(Time::from_micros));
        Some((page, before))
    })
}

pub fn cycle_to_proto(currency: Currency, calendar: &Calendar, cycle: &CycleView) -> v1::Cycle {
    let money = |amount: Amount| money::to_proto(currency, amount);
    let CycleView { window, .. } = cycle;
    v1::Cycle {
        start_time: Some(to_timestamp(window.start)),
        end_time: Some(to_timestamp(window.end)),
        first_date: calendar.date(window.start).to_string(),
        last_date: (calendar.date(window.end) - Days::new(1)).to_string(),
        running: cycle.is_running,
        spent: Some(money(cycle.spent)),
        plan_budget: cycle.plan.map(|(budget, _)| money(budget)),
        overage_limit: cycle.plan.map(|(_, overage)| money(overage)),
        boost: Some(money(cycle.boost)),
        request_count: cycle.request_count,
    }
}

/// For people to look at: nothing is decided by it.
fn share(part: Amount, whole: Amount) -> f64 {
    if whole.is_zero() { 0.0 } else { part.nanos() as f64 / whole.nanos() as f64 }
}
