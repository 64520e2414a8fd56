//! What `BudgetService` is asked and answers.

use std::str::FromStr;

use chrono_tz::Tz;

use super::shared::state_to_proto;
use super::text::{self, DISPLAY_NAME_CHARS_MAX};
use super::time::{date, to_timestamp};
use super::{Path, Violations, money, required};
use crate::domain::workspace::{
    HoldExpiryPolicy, Plan, USAGE_RETENTION_DAYS_MAX, USAGE_RETENTION_DAYS_MIN, UnknownKeyPolicy,
    UnpricedModelPolicy, Workspace,
};
use crate::domain::{Amount, Currency};
use crate::engine::{InCurrency, NewWorkspace, PlanChange, WorkspaceChange};
use crate::ledger::BudgetView;
use crate::proto::v1;

const WORKSPACE: Path<'static> = Path::Field(&Path::Request, "workspace");
const PLAN: Path<'static> = Path::Field(&Path::Request, "plan");
/// Longest part of an unknown path that is told.
const PATH_CHARS_TOLD_MAX: usize = 64;

/// # Errors
/// If a field is out of its range.
pub fn create(request: v1::CreateWorkspaceRequest) -> Result<NewWorkspace, Violations> {
    let mut violations = Violations::default();
    let workspace = required(request.workspace, WORKSPACE, &mut violations);
    let workspace = workspace.unwrap_or_default();
    let path = WORKSPACE.field("workspace_id");
    text::check_new_workspace_id(&workspace.workspace_id, path, &mut violations);
    check_display_name(&workspace.display_name, &mut violations);
    let currency = match workspace.currency_code.as_str() {
        "" => Currency::EUR,
        code => currency(code, &mut violations),
    };
    let time_zone = match workspace.time_zone.as_str() {
        "" => Tz::UTC,
        name => time_zone(name, &mut violations),
    };
    let unpriced_models = unpriced_models(workspace.unpriced_model_policy, &mut violations);
    let hold_expiry = hold_expiry(workspace.hold_expiry_policy, &mut violations);
    let unknown_keys = unknown_keys(workspace.unknown_key_policy, &mut violations);
    let usage_retention_days = retention_days(workspace.usage_retention_days, &mut violations);
    violations.accept(NewWorkspace {
        id: workspace.workspace_id,
        display_name: workspace.display_name,
        currency,
        time_zone,
        unpriced_models: unpriced_models.unwrap_or(UnpricedModelPolicy::Deny),
        hold_expiry: hold_expiry.unwrap_or(HoldExpiryPolicy::Release),
        unknown_keys: unknown_keys.unwrap_or(UnknownKeyPolicy::Accept),
        usage_retention_days,
    })
}

/// A field that may be changed.
struct Field {
    path: &'static str,
    is_given: fn(&v1::Workspace) -> bool,
    apply: fn(&mut v1::Workspace, &mut WorkspaceChange, &mut Violations),
}

const FIELDS: [Field; 7] = [
    Field {
        path: "display_name",
        is_given: |from| !from.display_name.is_empty(),
        apply: |from, change, violations| {
            check_display_name(&from.display_name, violations);
            change.display_name = Some(std::mem::take(&mut from.display_name));
        },
    },
    Field {
        path: "currency_code",
        is_given: |from| !from.currency_code.is_empty(),
        apply: |from, change, violations| {
            change.currency = Some(currency(&from.currency_code, violations));
        },
    },
    Field {
        path: "time_zone",
        is_given: |from| !from.time_zone.is_empty(),
        apply: |from, change, violations| {
            change.time_zone = Some(time_zone(&from.time_zone, violations));
        },
    },
    Field {
        path: "unpriced_model_policy",
        is_given: |from| from.unpriced_model_policy != 0,
        apply: |from, change, violations| {
            change.unpriced_models = unpriced_models(from.unpriced_model_policy, violations);
        },
    },
    Field {
        path: "hold_expiry_policy",
        is_given: |from| from.hold_expiry_policy != 0,
        apply: |from, change, violations| {
            change.hold_expiry = hold_expiry(from.hold_expiry_policy, violations);
        },
    },
    Field {
        path: "unknown_key_policy",
        is_given: |from| from.unknown_key_policy != 0,
        apply: |from, change, violations| {
            change.unknown_keys = unknown_keys(from.unknown_key_policy, violations);
        },
    },
    Field {
        path: "usage_retention_days",
        is_given: |from| from.usage_retention_days != 0,
        apply: |from, change, violations| {
            let days = retention_days(from.usage_retention_days, violations);
            change.usage_retention_days = Some(days);
        },
    },
];

/// Id and changes of a workspace.
///
/// # Errors
/// If a field is out of its range, or the mask names one that cannot be changed.
pub fn update(
    request: v1::UpdateWorkspaceRequest,
) -> Result<(String, WorkspaceChange), Violations> {
    let mut violations = Violations::default();
    let workspace = required(request.workspace, WORKSPACE, &mut violations);
    let mut workspace = workspace.unwrap_or_default();
    let id = std::mem::take(&mut workspace.workspace_id);
    let id_path = WORKSPACE.field("workspace_id");
    text::check(&id, 1..=text::WORKSPACE_ID_CHARS_MAX, id_path, &mut violations);
    let mask = request.update_mask.unwrap_or_default().paths;
    let unknown = mask.iter().find(|path| {
        path.as_str() != "*" && !FIELDS.iter().any(|field| field.path == path.as_str())
    });
    if let Some(unknown) = unknown {
        let told: String = unknown.chars().take(PATH_CHARS_TOLD_MAX).collect();
        let known = FIELDS.map(|field| field.path).join(", ");
        violations.add("update_mask", format!("expected paths of {known}; not {told:?}"));
    }
    let names = |name: &str| mask.iter().any(|path| path == name);
    let mut change = WorkspaceChange::default();
    for field in FIELDS {
        let is_asked = match mask.is_empty() {
            true => (field.is_given)(&workspace),
            false => names("*") || names(field.path),
        };
        if is_asked {
            (field.apply)(&mut workspace, &mut change, &mut violations);
        }
    }
    violations.accept((id, change))
}

/// # Errors
/// If a field is out of its range.
pub fn plan(request: &v1::SetPlanRequest) -> Result<PlanChange, Violations> {
    let mut violations = Violations::default();
    text::check_workspace_id(&request.workspace_id, &mut violations);
    let Some(plan) = required(request.plan.as_ref(), PLAN, &mut violations) else {
        return Err(violations);
    };
    let budget_path = PLAN.field("budget");
    let budget = required(plan.budget.as_ref(), budget_path, &mut violations);
    let budget = budget.map(|budget| money::limit(budget, budget_path, &mut violations));
    let overage_path = PLAN.field("overage_limit");
    let overage = plan.overage_limit.as_ref();
    let overage = overage.map(|overage| money::limit(overage, overage_path, &mut violations));
    let start_date = date(&plan.start_date, PLAN.field("start_date"), &mut violations);
    violations.accept(PlanChange {
        budget: budget.unwrap_or((Currency::EUR, Amount::ZERO)),
        overage,
        start_date,
    })
}

/// # Errors
/// If the id cannot be one.
pub fn workspace_id(id: &str) -> Result<(), Violations> {
    let mut violations = Violations::default();
    text::check_workspace_id(id, &mut violations);
    violations.accept(())
}

fn check_display_name(name: &str, violations: &mut Violations) {
    text::check(name, 0..=DISPLAY_NAME_CHARS_MAX, WORKSPACE.field("display_name"), violations);
}

fn currency(code: &str, violations: &mut Violations) -> Currency {
    money::currency(code, WORKSPACE.field("currency_code"), violations)
}

fn time_zone(name: &str, violations: &mut Violations) -> Tz {
    Tz::from_str(name).unwrap_or_else(|_| {
        let expected = "expected an IANA time zone, for example \"Europe/Berlin\"";
        violations.add(WORKSPACE.field("time_zone"), expected);
        Tz::UTC
    })
}

fn unpriced_models(value: i32, violations: &mut Violations) -> Option<UnpricedModelPolicy> {
    match v1::UnpricedModelPolicy::try_from(value) {
        Ok(v1::UnpricedModelPolicy::Unspecified) => None,
        Ok(v1::UnpricedModelPolicy::Deny) => Some(UnpricedModelPolicy::Deny),
        Ok(v1::UnpricedModelPolicy::Allow) => Some(UnpricedModelPolicy::Allow),
        Err(_) => {
            let path = WORKSPACE.field("unpriced_model_policy");
            violations.add(path, "expected an UnpricedModelPolicy that is known");
            None
        }
    }
}

fn hold_expiry(value: i32, violations: &mut Violations) -> Option<HoldExpiryPolicy> {
    match v1::HoldExpiryPolicy::try_from(value) {
        Ok(v1::HoldExpiryPolicy::Unspecified) => None,
        Ok(v1::HoldExpiryPolicy::Release) => Some(HoldExpiryPolicy::Release),
        Ok(v1::HoldExpiryPolicy::ChargeEstimate) => Some(HoldExpiryPolicy::ChargeEstimate),
        Err(_) => {
            let path = WORKSPACE.field("hold_expiry_policy");
            violations.add(path, "expected a HoldExpiryPolicy that is known");
            None
        }
    }
}

fn unknown_keys(value: i32, violations: &mut Violations) -> Option<UnknownKeyPolicy> {
    match v1::UnknownKeyPolicy::try_from(value) {
        Ok(v1::UnknownKeyPolicy::Unspecified) => None,
        Ok(v1::UnknownKeyPolicy::Accept) => Some(UnknownKeyPolicy::Accept),
        Ok(v1::UnknownKeyPolicy::Deny) => Some(UnknownKeyPolicy::Deny),
        Err(_) => {
            let path = WORKSPACE.field("unknown_key_policy");
            violations.add(path, "expected a UnknownKeyPolicy that is known");
            None
        }
    }
}

/// None for ever.
fn retention_days(days: i32, violations: &mut Violations) -> Option<i64> {
    let days = i64::from(days);
    if days != 0 && !(USAGE_RETENTION_DAYS_MIN..=USAGE_RETENTION_DAYS_MAX).contains(&days) {
        let expected = format!(
            "expected {USAGE_RETENTION_DAYS_MIN} to {USAGE_RETENTION_DAYS_MAX}, or 0 for ever"
        );
        violations.add(WORKSPACE.field("usage_retention_days"), expected);
    }
    (days != 0).then_some(days)
}

pub fn workspace_to_proto(workspace: Workspace) -> v1::Workspace {
    let currency = workspace.currency;
    let unpriced_models = match workspace.unpriced_models {
        UnpricedModelPolicy::Deny => v1::UnpricedModelPolicy::Deny,
        UnpricedModelPolicy::Allow => v1::UnpricedModelPolicy::Allow,
    };
    let hold_expiry = match workspace.hold_expiry {
        HoldExpiryPolicy::Release => v1::HoldExpiryPolicy::Release,
        HoldExpiryPolicy::ChargeEstimate => v1::HoldExpiryPolicy::ChargeEstimate,
    };
    let unknown_keys = match workspace.unknown_keys {
        UnknownKeyPolicy::Accept => v1::UnknownKeyPolicy::Accept,
        UnknownKeyPolicy::Deny => v1::UnknownKeyPolicy::Deny,
    };
    let retention_days = workspace.usage_retention_days.unwrap_or(0);
    let retention_days = i32::try_from(retention_days).unwrap_or(i32::MAX);
    v1::Workspace {
        workspace_id: workspace.id.to_string(),
        display_name: workspace.display_name,
        currency_code: currency.to_string(),
        time_zone: workspace.time_zone.name().to_owned(),
        automatic_fallback: workspace.automatic_fallback,
        unpriced_model_policy: unpriced_models.into(),
        hold_expiry_policy: hold_expiry.into(),
        unknown_key_policy: unknown_keys.into(),
        plan: workspace.plan.map(|plan| plan_to_proto(currency, plan)),
        create_time: Some(to_timestamp(workspace.create_time)),
        update_time: Some(to_timestamp(workspace.update_time)),
        usage_retention_days: retention_days,
    }
}

fn plan_to_proto(currency: Currency, plan: Plan) -> v1::Plan {
    v1::Plan {
        budget: Some(money::to_proto(currency, plan.budget)),
        overage_limit: Some(money::to_proto(currency, plan.overage)),
        start_date: plan.start_date.format("%Y-%m-%d").to_string(),
    }
}

pub fn budget_to_proto(workspace_id: String, budget: InCurrency<BudgetView>) -> v1::Budget {
    let InCurrency { currency, value: view } = budget;
    let money = |amount: Amount| Some(money::to_proto(currency, amount));
    let spend_by_model = view.spend_by_model.iter();
    v1::Budget {
        workspace_id,
        cycle_start_time: Some(to_timestamp(view.cycle.start)),
        cycle_end_time: Some(to_timestamp(view.cycle.end)),
        spent: money(view.spent),
        held: money(view.held),
        plan_budget: money(view.plan_budget),
        overage_limit: money(view.overage_limit),
        remaining: money(view.remaining()),
        used_share: share(view.spent, view.envelope()),
        state: state_to_proto(view.state).into(),
        days_left: i32::try_from(view.days_left).unwrap_or(i32::MAX),
        automatic_fallback: view.automatic_fallback,
        spend_by_model: spend_by_model
            .map(|(model_id, spent)| v1::ModelSpend {
                model_id: model_id.to_string(),
                spent: money(*spent),
                share: share(*spent, view.spent),
            })
            .collect(),
        as_of_time: Some(to_timestamp(view.as_of_time)),
        plan_set: view.plan_set,
        boost: money(view.boost),
    }
}

/// For people to look at: nothing is decided by it.
fn share(part: Amount, whole: Amount) -> f64 {
    if whole.is_zero() { 0.0 } else { part.nanos() as f64 / whole.nanos() as f64 }
}
