//! The rounds of one answer of Anthropic that are billed apart: compaction, an advisor, a fallback.
//!
//! What is billed is the sum of all rounds. The usage above them has those of type `message`, or
//! less: of the input only that of the first. A round that names another model is billed at that
//! model's price, so its tokens are kept apart.

use smallvec::{SmallVec, smallvec};
use smol_str::ToSmolStr;

use super::arrange::Figures;
use super::error::Unreadable;
use super::events::Merged;
use super::name_set::NameSet;
use super::reading::{Flag, OtherModel};
use super::shapes::OWN_ITERATION;
use super::spot::{Flags, Spot, View};
use super::table::Table;
use super::tree::{NodeId, Value};
use super::{check_sum, sum};
use crate::domain::usage::{TokenClass, Usage};

/// Adds to `usage` what was billed of its own model, and returns what was of others.
///
/// # Errors
/// If a number is no count.
pub(super) fn add(
    merged: &Merged<'_, '_>,
    table: &Table,
    model: Option<&str>,
    usage: &mut Usage,
    flags: &mut Flags,
) -> Result<Vec<OtherModel>, Unreadable> {
    let Some((spot, list)) = list(merged, table) else { return Ok(Vec::new()) };
    let tree = merged.view.tree;
    let mut own = Usage::default();
    let mut rest = Usage::default();
    let mut others: Vec<OtherModel> = Vec::new();
    let mut all_others = Usage::default();
    let mut has_own = false;
    let mut all = 0;
    for node in tree.children(list) {
        let round = of_round(merged, &spot, node, flags)?;
        all += sum(&round);
        check_sum(all)?;
        let text = |name| tree.text(tree.member(node, name)?);
        let named = text(table.model)
            .filter(|named| !model.is_some_and(|model| model.eq_ignore_ascii_case(named)));
        if text(table.kind) == Some(OWN_ITERATION) && named.is_none() {
            has_own = true;
            merge(&mut own, &round);
        } else if let Some(named) = named {
            merge(&mut all_others, &round);
            match others.iter_mut().find(|other| other.model.eq_ignore_ascii_case(named)) {
                Some(other) => merge(&mut other.usage, &round),
                None => others.push(OtherModel { model: named.to_smolstr(), usage: round }),
            }
        } else {
            merge(&mut rest, &round);
        }
    }
    if !others.is_empty() {
        flags.add(Flag::OtherModel);
    }
    let above = *usage;
    let mut apart = rest;
    merge(&mut apart, &all_others);
    settle(usage, &Rounds { above, own, apart, has_own });
    merge(usage, &rest);
    Ok(others)
}

/// What the rounds add up to.
struct Rounds {
    /// The usage above the rounds.
    above: Usage,
    /// Rounds of type `message`.
    own: Usage,
    /// All other rounds.
    apart: Usage,
    has_own: bool,
}

/// The usage of the rounds of type `message`, with what the usage above them has beyond that.
fn settle(usage: &mut Usage, rounds: &Rounds) {
    let Rounds { above, own, apart, has_own } = rounds;
    if !has_own {
        // Nothing is above that the other rounds do not have already.
        if above.total_input() == apart.total_input()
            && above.total_output() == apart.total_output()
        {
            *usage = Usage::default();
        }
        return;
    }
    for class in TokenClass::ALL {
        // Rounds do not say how much of their output was reasoning: it is settled below.
        if ![TokenClass::Output, TokenClass::Reasoning].contains(&class) {
            let beyond = above.get(class) - apart.get(class);
            usage.set(class, own.get(class).max(beyond));
        }
    }
    let output = own.total_output().max(above.total_output() - apart.total_output());
    let reasoning = above.get(TokenClass::Reasoning).max(own.get(TokenClass::Reasoning));
    let reasoning = reasoning.min(output);
    usage.set(TokenClass::Reasoning, reasoning);
    usage.set(TokenClass::Output, output - reasoning);
}

/// The newest list of rounds.
fn list(merged: &Merged<'_, '_>, table: &Table) -> Option<(Spot, NodeId)> {
    let tree = merged.view.tree;
    let of_spot = |spot: &Spot| {
        let node = tree.member(spot.usage, table.iterations)?;
        (*tree.value(node) == Value::List).then_some((*spot, node))
    };
    merged.view.newest_first().find_map(of_spot)
}

fn of_round(
    merged: &Merged<'_, '_>,
    spot: &Spot,
    node: NodeId,
    flags: &mut Flags,
) -> Result<Usage, Unreadable> {
    let tree = merged.view.tree;
    let usage_names = NameSet::of_members(tree, node);
    let spots: SmallVec<[Spot; 2]> = smallvec![Spot { usage: node, usage_names, ..*spot }];
    let view = View { tree, spots };
    Ok(Figures::read(merged.shape, &view, flags)?.classes(false, flags))
}

fn merge(all: &mut Usage, other: &Usage) {
    for class in TokenClass::ALL {
        all.set(class, all.get(class) + other.get(class));
    }
}
