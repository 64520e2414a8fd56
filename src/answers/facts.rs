//! What an answer says beside its tokens: model, tier, units, factors, reported cost.

use rust_decimal::Decimal;
use smallvec::SmallVec;
use smol_str::{SmolStr, ToSmolStr};

use super::error::Unreadable;
use super::events::Merged;
use super::path::{Fractions, Paths};
use super::reading::{Factor, Flag, ReportedCost, Units};
use super::shapes::{CostUnit, FAST, GROUNDED_BY_ANSWER};
use super::spot::{Flags, Spot};
use super::table::Table;
use super::tree::{NodeId, Tree, Value};
use crate::domain::Currency;
use crate::domain::usage::{ServiceTier, UnitKind};

/// Ticks in a dollar, as a power of ten.
const TICK_DIGITS: u32 = 10;

/// The model that the events name, and the first event that does.
///
/// # Errors
/// If they name two.
pub(super) fn model(
    tree: &Tree<'_>,
    table: &Table,
) -> Result<Option<(SmolStr, NodeId)>, Unreadable> {
    let mut found: Option<(&str, NodeId)> = None;
    for event in &tree.events {
        let Some(model) = event.text(tree, &table.models) else { continue };
        let model = model.strip_prefix("models/").unwrap_or(model);
        match found {
            None => found = Some((model, event.node)),
            Some((first, _)) if first.eq_ignore_ascii_case(model) => {}
            Some((first, _)) => {
                let (first, second) = (first.to_owned(), model.to_owned());
                return Err(Unreadable::TwoModels { first, second });
            }
        }
    }
    Ok(found.map(|(model, node)| (model.to_smolstr(), node)))
}

/// A service tier as it was named.
pub(super) struct Tier {
    pub tier: Option<ServiceTier>,
    /// What it is called, where that says more than the tier.
    pub named: Option<SmolStr>,
    /// The event that named it.
    pub event: Option<NodeId>,
}

/// The service tier: of the newest event that names one that is known.
pub(super) fn tier(merged: &Merged<'_, '_>, table: &Table, flags: &mut Flags) -> Tier {
    let tree = merged.view.tree;
    let mut found = Tier { tier: None, named: None, event: None };
    let is_unknown = |text: &str| !text.is_empty() && !is_unsaid(text);
    let mut unknown = None;
    let spots = merged.view.newest_first();
    let texts = spots.flat_map(|spot| {
        table.tiers.iter().filter_map(move |paths| Some((spot.text(tree, paths)?, spot.event.node)))
    });
    for (text, event) in texts.chain(other_tiers(merged, table)) {
        let text = text.to_ascii_lowercase();
        if let Some(tier) = tier_of(&text) {
            let plain = ["default", "standard", "on_demand", "batch", "flex", "priority"];
            found.tier = Some(tier);
            found.event = Some(event);
            found.named = (!plain.contains(&text.as_str()) && !text.starts_with("on_demand"))
                .then(|| text.to_smolstr());
            break;
        } else if is_unknown(&text) {
            unknown = unknown.or(Some((text.to_smolstr(), event)));
        }
    }
    if let (None, Some((named, event))) = (found.tier, unknown) {
        found.named = Some(named);
        found.event = Some(event);
        flags.add(Flag::TierUnknown);
    }
    if merged.view.spots.iter().any(|spot| spot.is_batch) {
        found.tier = Some(ServiceTier::Batch);
    }
    found
}

/// Tiers of events without usage, the newest first.
fn other_tiers<'t>(
    merged: &Merged<'t, '_>,
    table: &'t Table,
) -> impl Iterator<Item = (&'t str, NodeId)> {
    let tree = merged.view.tree;
    let mut with_usage: SmallVec<[NodeId; 2]> =
        merged.view.spots.iter().map(|spot| spot.event.node).collect();
    with_usage.sort_unstable();
    let is_other = move |node: &NodeId| with_usage.binary_search(node).is_err();
    let others = tree.events.iter().rev().filter(move |event| is_other(&event.node));
    others.filter_map(move |event| {
        let paths = table.tiers.first()?;
        let at = |node| paths.iter().find_map(|path| tree.text(path.last(tree, node)?));
        let inside = || table.owners[1].path.last(tree, event.node).and_then(at);
        Some((at(event.node).or_else(inside)?, event.node))
    })
}

/// A tier by any of the names that providers have for it, in lower case.
fn tier_of(text: &str) -> Option<ServiceTier> {
    match text {
        "default" | "standard" | "scale" | "on_demand" | "provisioned_throughput" | "reserved" => {
            Some(ServiceTier::Standard)
        }
        "batch" => Some(ServiceTier::Batch),
        "flex" | "on_demand_flex" => Some(ServiceTier::Flex),
        "priority" | "fast" | "ultrafast" | "performance" | "on_demand_priority" => {
            Some(ServiceTier::Priority)
        }
        _ => None,
    }
}

/// Whether it says only what was asked for, or nothing.
fn is_unsaid(text: &str) -> bool {
    ["auto", "unspecified", "traffic_type_unspecified", "service_tier_unspecified"].contains(&text)
}

/// Named factors, without those that change nothing.
pub(super) fn factors(
    merged: &Merged<'_, '_>,
    table: &Table,
    tier: &mut Tier,
) -> SmallVec<[Factor; 2]> {
    let mut factors = SmallVec::new();
    for (paths, factor) in merged.view.rows(&table.factors) {
        let Some(text) = merged.view.text(paths) else { continue };
        let value = text.to_ascii_lowercase();
        if factor.name == "speed" && value == FAST {
            tier.tier = Some(ServiceTier::Priority);
        }
        if !factor.neutral.contains(&value.as_str()) {
            factors.push(Factor { name: factor.name, value: value.to_smolstr() });
        }
    }
    if let Some(value) = tier.named.take() {
        factors.push(Factor { name: "service_tier", value });
    }
    factors
}

/// What is billed by the piece.
///
/// # Errors
/// If a number is no count.
pub(super) fn units(
    merged: &Merged<'_, '_>,
    table: &Table,
    model: Option<&str>,
) -> Result<SmallVec<[Units; 2]>, Unreadable> {
    let mut units: SmallVec<[Units; 2]> = SmallVec::new();
    let mut add =
        |kind: UnitKind, count: i64| match units.iter_mut().find(|units| units.kind == kind) {
            Some(units) => units.count += count,
            None if count > 0 => units.push(Units { kind, count }),
            None => {}
        };
    let shared = merged.view.rows(&table.units);
    for (paths, kind) in shared.iter().chain(merged.view.rows(&merged.shape.units)) {
        let is_time = *kind == UnitKind::Second;
        let fractions = if is_time { Fractions::RoundedUp } else { Fractions::Refused };
        let found = merged.view.count(paths, fractions)?;
        add(*kind, found.map_or(0, |found| found.count));
    }
    if let Some(found) = merged.view.count(&table.grounded, Fractions::Refused)? {
        let model = model.unwrap_or_default();
        let by_answer = GROUNDED_BY_ANSWER.iter().any(|name| model.starts_with(name));
        add(UnitKind::WebSearch, if by_answer { found.count.min(1) } else { found.count });
    }
    Ok(units)
}

/// What the provider says that it bills.
///
/// # Errors
/// If it is negative.
pub(super) fn cost(
    merged: &Merged<'_, '_>,
    table: &Table,
    flags: &mut Flags,
) -> Result<Option<ReportedCost>, Unreadable> {
    let tree = merged.view.tree;
    for (paths, unit) in merged.view.rows(&table.costs) {
        let Some(node) = merged.view.node(paths) else { continue };
        let Some(decimal) = decimal(tree.value(node)) else { continue };
        let Ok(mut amount) = decimal else {
            flags.add(Flag::CostUnread);
            return Ok(None);
        };
        if amount.is_sign_negative() && !amount.is_zero() {
            let name = paths.first().map_or("", |path| path.text);
            let name = name.trim_start_matches('^').to_owned();
            return Err(Unreadable::Negative { part: merged.view.newest().event.part, name });
        }
        if *unit == CostUnit::Tick {
            amount *= Decimal::new(1, TICK_DIGITS);
        } else if let Some(upstream) = own_key_cost(merged, table) {
            amount += upstream;
        }
        let currency = merged.view.text(&table.currencies).unwrap_or("USD").to_ascii_uppercase();
        let Ok(currency) = currency.parse::<Currency>() else {
            flags.add(Flag::CostUnread);
            return Ok(None);
        };
        return Ok(Some(ReportedCost { amount: amount.normalize(), currency }));
    }
    Ok(None)
}

/// What the provider bills to a key of the caller's own, beside what the gateway bills.
fn own_key_cost(merged: &Merged<'_, '_>, table: &Table) -> Option<Decimal> {
    let tree = merged.view.tree;
    let flag = tree.value(merged.view.node(&table.own_key)?);
    if *flag != Value::Bool(true) {
        return None;
    }
    let upstream = merged.view.node(&table.own_key_cost)?;
    decimal(tree.value(upstream))?.ok().filter(|amount| amount.is_sign_positive())
}

/// A number as a decimal; none if it is no number, an error if it is beyond what a decimal holds.
fn decimal(value: &Value<'_>) -> Option<Result<Decimal, rust_decimal::Error>> {
    match value {
        Value::Int(int) => Some(Ok(Decimal::from(*int))),
        // The shortest decimal that is read as this number: what the provider wrote.
        Value::Float(float) => Some(float.to_string().parse()),
        Value::Text(text) => {
            let scientific = || Decimal::from_scientific(text);
            Some(text.parse().or_else(|_| scientific()))
        }
        Value::Bool(_) | Value::Object | Value::List => None,
    }
}

/// Whose answer it is: by the hint, else by the place, the shape or a member that no other has.
pub(super) fn provider(merged: &Merged<'_, '_>, table: &Table, hint: &str) -> Option<SmolStr> {
    let has = |paths: &Paths| {
        let at =
            |spot: &Spot, path| spot.beginning(path).and_then(|n| path.last(merged.view.tree, n));
        merged
            .view
            .spots
            .iter()
            .any(|spot| spot.may_have(paths) && paths.iter().any(|path| at(spot, path).is_some()))
    };
    let marked = || {
        merged
            .view
            .rows(&table.marks)
            .iter()
            .find(|(paths, _)| has(paths))
            .map(|(_, provider)| *provider)
    };
    let named = [hint, merged.provider, merged.shape.shape.provider];
    let named = named.into_iter().find(|name| !name.is_empty());
    named.or_else(marked).map(ToSmolStr::to_smolstr)
}
