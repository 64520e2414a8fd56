//! Requests of `WorkspaceService`, and workspaces as protos.

use std::str::FromStr;

use chrono_tz::Tz;
use prost_types::Duration;

use super::super::shared::decode::{Decoded, Decoder, decode};
use super::super::shared::enums::{ProtoEnum, proto_enum};
use super::super::shared::money;
use super::super::shared::page::Page;
use super::super::shared::text::{PROVIDER_CHARS_MAX, WORKSPACE_ID_CHARS_MAX};
use super::super::shared::time::{to_duration, to_timestamp};
use crate::domain::attribution::AttributionField;
use crate::domain::time::Micros;
use crate::domain::time::calendar::DayOfWeek;
use crate::domain::workspace::{
    COST_DIFFERENCE_PERCENT_MAX, HoldDurability, HoldExpiryPolicy, OUTAGE_DURATION_DEFAULT,
    OUTAGE_DURATION_MAX, OutagePolicy, PRICE_MAX_AGE_DAYS_MAX, Plan, REPORTED_COST_PROVIDERS_MAX,
    ReportedCostPolicy, USAGE_RETENTION_DAYS_MAX, USAGE_RETENTION_DAYS_MIN, UnknownKeyPolicy,
    UnpricedModelPolicy, Workspace,
};
use crate::domain::{Amount, Currency};
use crate::engine::{NewWorkspace, WorkspaceChange};
use crate::proto::v1;
use crate::storage::search::Search;

const FIELDS: [&str; 15] = [
    "display_name",
    "currency_code",
    "time_zone",
    "unpriced_model_policy",
    "hold_expiry_policy",
    "hold_durability",
    "unknown_key_policy",
    "usage_retention_days",
    "required_attribution_fields",
    "first_day_of_week",
    "reported_cost_providers",
    "cost_difference_alert_percent",
    "price_max_age_days",
    "outage_duration_limit",
    "outage_held_limit",
];

/// Which workspaces to list.
pub fn list(request: &v1::ListWorkspacesRequest) -> Decoded<(Page, Search)> {
    let v1::ListWorkspacesRequest { query, page_size, page_token, show_archived } = request;
    let archived = if *show_archived { "archived" } else { "" };
    decode(|at| {
        let search = at.search(query);
        Some((at.page(&["workspaces", query, archived], *page_size, page_token), search))
    })
}

proto_enum!(UnpricedModelPolicy as UnpricedModelPolicy { Deny, Allow }
    "expected an UnpricedModelPolicy that is known");
proto_enum!(HoldExpiryPolicy as HoldExpiryPolicy { Release, ChargeEstimate }
    "expected a HoldExpiryPolicy that is known");
proto_enum!(HoldDurability as HoldDurability { Memory, Journaled, Committed }
    "expected a HoldDurability that is known");
proto_enum!(UnknownKeyPolicy as UnknownKeyPolicy { Accept, Deny }
    "expected a UnknownKeyPolicy that is known");
proto_enum!(DayOfWeek as DayOfWeek {
    Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday,
} "expected a DayOfWeek that is known");

pub fn create(request: v1::CreateWorkspaceRequest) -> Decoded<NewWorkspace> {
    decode(|at| {
        let (at, from) = at.message_or_default("workspace", request.workspace);
        check_new_id(at.field("workspace_id"), &from.workspace_id);
        at.display_name(&from.display_name);
        let currency = match from.currency_code.as_str() {
            "" => Currency::EUR,
            code => at.field("currency_code").new_currency(code),
        };
        let time_zone = match from.time_zone.as_str() {
            "" => Tz::UTC,
            name => time_zone(at.field("time_zone"), name),
        };
        let unpriced_models =
            at.field("unpriced_model_policy").optional_enum(from.unpriced_model_policy);
        let hold_expiry = at.field("hold_expiry_policy").optional_enum(from.hold_expiry_policy);
        let hold_durability = at.field("hold_durability").optional_enum(from.hold_durability);
        let unknown_keys = at.field("unknown_key_policy").optional_enum(from.unknown_key_policy);
        let required_fields = required_fields(at, &from.required_attribution_fields);
        let week_start = at.field("first_day_of_week").optional_enum(from.first_day_of_week);
        let days_at = at.field("usage_retention_days");
        let held_limit = held_limit(at, from.outage_held_limit.as_ref());
        let other = held_limit.is_some_and(|(of_limit, _)| of_limit != currency);
        at.field("outage_held_limit")
            .field("currency_code")
            .ensure(!other, "expected the currency of the workspace");
        Some(NewWorkspace {
            id: from.workspace_id,
            display_name: from.display_name,
            currency,
            time_zone,
            unpriced_models: unpriced_models.unwrap_or(UnpricedModelPolicy::Deny),
            hold_expiry: hold_expiry.unwrap_or(HoldExpiryPolicy::Release),
            hold_durability,
            outage: OutagePolicy {
                duration: outage_duration(at, from.outage_duration_limit),
                held_limit: held_limit.map(|(_, amount)| amount),
            },
            unknown_keys: unknown_keys.unwrap_or(UnknownKeyPolicy::Accept),
            required_fields,
            week_start: week_start.unwrap_or_default(),
            reported_cost: ReportedCostPolicy {
                charged_providers: providers(at, &from.reported_cost_providers),
                alert_percent: difference_percent(at, from.cost_difference_alert_percent),
            },
            usage_retention_days: retention_days(days_at, from.usage_retention_days),
            price_max_age_days: price_max_age_days(at, from.price_max_age_days),
        })
    })
}

/// Id and changes of a workspace.
pub fn update(request: v1::UpdateWorkspaceRequest) -> Decoded<(String, WorkspaceChange)> {
    decode(|root| {
        let (at, from) = root.message_or_default("workspace", request.workspace);
        at.field("workspace_id").text(&from.workspace_id, 1..=WORKSPACE_ID_CHARS_MAX);
        let mask = root.mask(request.update_mask, &FIELDS);
        let display_name = mask.display_name(at, &from.display_name);
        let currency = mask.change("currency_code", !from.currency_code.is_empty(), || {
            at.field("currency_code").new_currency(&from.currency_code)
        });
        let time_zone = mask.change("time_zone", !from.time_zone.is_empty(), || {
            time_zone(at.field("time_zone"), &from.time_zone)
        });
        let policy = from.unpriced_model_policy;
        let unpriced_models = mask.change("unpriced_model_policy", policy != 0, || {
            at.field("unpriced_model_policy").optional_enum(policy)
        });
        let policy = from.hold_expiry_policy;
        let hold_expiry = mask.change("hold_expiry_policy", policy != 0, || {
            at.field("hold_expiry_policy").optional_enum(policy)
        });
        let durability = from.hold_durability;
        let hold_durability = mask.change("hold_durability", durability != 0, || {
            at.field("hold_durability").optional_enum(durability)
        });
        let policy = from.unknown_key_policy;
        let unknown_keys = mask.change("unknown_key_policy", policy != 0, || {
            at.field("unknown_key_policy").optional_enum(policy)
        });
        let named = &from.required_attribution_fields;
        let required_fields = mask.change("required_attribution_fields", !named.is_empty(), || {
            required_fields(at, named)
        });
        let day = from.first_day_of_week;
        let week_start = mask.change("first_day_of_week", day != 0, || {
            at.field("first_day_of_week").optional_enum(day)
        });
        let named = &from.reported_cost_providers;
        let reported_cost_providers =
            mask.change("reported_cost_providers", !named.is_empty(), || providers(at, named));
        let percent = from.cost_difference_alert_percent;
        let cost_difference_percent =
            mask.change("cost_difference_alert_percent", percent != 0, || {
                difference_percent(at, percent)
            });
        let days = from.usage_retention_days;
        let usage_retention_days = mask.change("usage_retention_days", days != 0, || {
            retention_days(at.field("usage_retention_days"), days)
        });
        let days = from.price_max_age_days;
        let price_max_age_days =
            mask.change("price_max_age_days", days != 0, || price_max_age_days(at, days));
        let span = from.outage_duration_limit;
        let outage_duration =
            mask.change("outage_duration_limit", span.is_some(), || outage_duration(at, span));
        let limit = from.outage_held_limit.as_ref();
        let outage_held_limit =
            mask.change("outage_held_limit", limit.is_some(), || held_limit(at, limit));
        let change = WorkspaceChange {
            display_name,
            currency,
            time_zone,
            unpriced_models: unpriced_models.flatten(),
            hold_expiry: hold_expiry.flatten(),
            hold_durability: hold_durability.flatten(),
            outage_duration,
            outage_held_limit,
            unknown_keys: unknown_keys.flatten(),
            required_fields,
            week_start: week_start.flatten(),
            reported_cost_providers,
            cost_difference_percent,
            usage_retention_days,
            price_max_age_days,
        };
        Some((from.workspace_id, change))
    })
}

/// An id that is chosen now: `^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`.
fn check_new_id(at: Decoder<'_>, id: &str) {
    let is_letter = |byte: u8| byte.is_ascii_lowercase();
    let is_inner = |byte: u8| is_letter(byte) || byte.is_ascii_digit() || byte == b'-';
    let bytes = id.as_bytes();
    let is_id = bytes.len() <= WORKSPACE_ID_CHARS_MAX
        && bytes.first().is_some_and(|first| is_letter(*first))
        && bytes.iter().all(|byte| is_inner(*byte))
        && !bytes.ends_with(b"-");
    at.ensure(is_id, "expected ^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$");
}

fn time_zone(at: Decoder<'_>, name: &str) -> Tz {
    Tz::from_str(name).unwrap_or_else(|_| {
        at.refuse("expected an IANA time zone, for example \"Europe/Berlin\"");
        Tz::UTC
    })
}

/// The fields with these names, sorted.
fn required_fields(at: Decoder<'_>, names: &[String]) -> Vec<AttributionField> {
    let at = at.field("required_attribution_fields");
    let mut fields = Vec::new();
    for (index, name) in names.iter().take(AttributionField::COUNT + 1).enumerate() {
        match AttributionField::ALL.into_iter().find(|field| field.name() == name) {
            Some(field) if !fields.contains(&field) => fields.push(field),
            _ => at.item(index).refuse(
                "expected the name of a field of Attribution, such as \"user_id\", each once",
            ),
        }
    }
    fields.sort();
    fields
}

/// Names of providers in lower case, sorted.
fn providers(at: Decoder<'_>, names: &[String]) -> Vec<String> {
    let at = at.field("reported_cost_providers");
    if names.len() > REPORTED_COST_PROVIDERS_MAX {
        at.refuse(format!("expected at most {REPORTED_COST_PROVIDERS_MAX}"));
        return Vec::new();
    }
    let mut providers = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let is_name = (1..=PROVIDER_CHARS_MAX).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_graphic());
        let name = name.to_ascii_lowercase();
        at.item(index).ensure(
            is_name && !providers.contains(&name),
            "expected the name of a provider, such as \"openrouter\", or \"*\", each once",
        );
        providers.push(name);
    }
    providers.sort();
    providers
}

fn difference_percent(at: Decoder<'_>, percent: i32) -> u16 {
    let range = 0..=i64::from(COST_DIFFERENCE_PERCENT_MAX);
    let percent = at.field("cost_difference_alert_percent").number(percent.into(), range);
    u16::try_from(percent).unwrap_or_default()
}

/// None for never.
fn price_max_age_days(at: Decoder<'_>, days: i32) -> Option<i64> {
    let days = at.field("price_max_age_days").number(days.into(), 0..=PRICE_MAX_AGE_DAYS_MAX);
    (days != 0).then_some(days)
}

fn outage_duration(at: Decoder<'_>, duration: Option<Duration>) -> Micros {
    let (at, expected) = (at.field("outage_duration_limit"), "expected 0 seconds to 7 days");
    at.span(duration, 0..=OUTAGE_DURATION_MAX, expected, OUTAGE_DURATION_DEFAULT)
}

/// None for a part of the envelope.
fn held_limit(at: Decoder<'_>, limit: Option<&v1::Money>) -> Option<(Currency, Amount)> {
    limit.map(|limit| at.field("outage_held_limit").limit(limit))
}

/// None for ever.
fn retention_days(at: Decoder<'_>, days: i32) -> Option<i64> {
    let days = i64::from(days);
    if days != 0 && !(USAGE_RETENTION_DAYS_MIN..=USAGE_RETENTION_DAYS_MAX).contains(&days) {
        at.refuse(format!(
            "expected {USAGE_RETENTION_DAYS_MIN} to {USAGE_RETENTION_DAYS_MAX}, or 0 for ever"
        ));
    }
    (days != 0).then_some(days)
}

pub fn workspace_to_proto(workspace: Workspace) -> v1::Workspace {
    let currency = workspace.currency;
    let retention_days = workspace.usage_retention_days.unwrap_or(0);
    let price_max_age_days = workspace.price_max_age_days.unwrap_or(0);
    let required = workspace.required_fields.iter();
    let held_limit = workspace.outage.held_limit;
    v1::Workspace {
        workspace_id: workspace.id.to_string(),
        display_name: workspace.display_name,
        currency_code: currency.to_string(),
        time_zone: workspace.time_zone.name().to_owned(),
        unpriced_model_policy: workspace.unpriced_models.number(),
        hold_expiry_policy: workspace.hold_expiry.number(),
        hold_durability: workspace.hold_durability.number(),
        outage_duration_limit: Some(to_duration(workspace.outage.duration)),
        outage_held_limit: held_limit.map(|amount| money::to_proto(currency, amount)),
        unknown_key_policy: workspace.unknown_keys.number(),
        usage_retention_days: i32::try_from(retention_days).unwrap_or(i32::MAX),
        automatic_fallback: workspace.automatic_fallback,
        archive_time: workspace.archive_time.map(to_timestamp),
        plan: workspace.plan.map(|plan| plan_to_proto(currency, plan)),
        create_time: Some(to_timestamp(workspace.create_time)),
        update_time: Some(to_timestamp(workspace.update_time)),
        required_attribution_fields: required.map(|field| field.name().to_owned()).collect(),
        first_day_of_week: workspace.week_start.number(),
        reported_cost_providers: workspace.reported_cost.charged_providers,
        cost_difference_alert_percent: workspace.reported_cost.alert_percent.into(),
        price_max_age_days: i32::try_from(price_max_age_days).unwrap_or(i32::MAX),
    }
}

fn plan_to_proto(currency: Currency, plan: Plan) -> v1::Plan {
    v1::Plan {
        budget: Some(money::to_proto(currency, plan.budget)),
        overage_limit: Some(money::to_proto(currency, plan.overage)),
        start_date: plan.start_date.format("%Y-%m-%d").to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::shared::decode::refused;

    #[test]
    fn ids_of_workspaces_follow_their_pattern() {
        let longest = "a".repeat(63);
        let too_long = "a".repeat(64);
        for (id, expected) in [
            ("a", true),
            ("acme-2", true),
            (longest.as_str(), true),
            (too_long.as_str(), false),
            ("", false),
            ("2a", false),
            ("-a", false),
            ("a-", false),
            ("Acme", false),
            ("a_b", false),
            ("é", false),
        ] {
            let fields = refused(|at| check_new_id(at.field("workspace_id"), id));
            assert_eq!(fields.is_empty(), expected, "{id:?}");
        }
    }
}
