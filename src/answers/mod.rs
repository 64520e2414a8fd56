//! Reads a **provider answer**: the JSON that a provider of models, or a library in front of it,
//! answered with, whole or as the events of a stream.
//!
//! In it are found the model, the service tier, tokens by class, counted units, named factors of
//! the price and a reported cost. What is known of each provider is one table, in `shapes/`; the
//! rest of this module follows it. What no rule explains is an error, never a zero.
//!
//! Content is never kept: on the way in, all but figures and a few names is left out (`rule.rs`),
//! and what is left out cannot be read. Pure: knows no prices, no models and no storage. The rules
//! are described in docs/provider-answers.md.

mod rule;
mod name_set;
mod tree;
mod shapes;
mod path;
mod table;
mod parse;
mod spot;
mod arrange;
mod events;
mod facts;
mod iterations;
mod error;
mod reading;
#[cfg(test)]
mod tests;

use smallvec::SmallVec;
use smol_str::{SmolStr, StrExt};

pub use error::Unreadable;
pub use reading::{Factor, Flag, OtherModel, Reading, ReportedCost, Units};
pub use rule::{
    COUNTED, NAME_BYTES_MAX, NARROW, NUMBER_BYTES_MAX, TEXT_CHARACTERS_MAX, TEXTS, USAGE_NAMES,
    USAGE_WORDS, WRAPPERS,
};

use arrange::Figures;
use events::Merged;
use shapes::Figure;
use spot::Flags;
use table::{Table, table};
use tree::{Content, NodeId, Tree};

use crate::domain::usage::{TOKENS_MAX, Usage};

/// Most JSON texts of one provider answer.
pub const PARTS_MAX: usize = 16;

/// Most bytes of all of them together.
pub const BYTES_MAX: usize = 64 * 1024;

/// Most objects and lists inside of one another.
pub const DEPTH_MAX: usize = 64;

/// Highest count of anything: what every reader of JSON has exactly, 2^53.
pub const COUNT_MAX: i64 = 1 << 53;

/// Most bytes of what is kept of an answer. Most are below 1,000; an answer of dozens of rounds or
/// searches has more.
pub const KEPT_BYTES_MAX: usize = 8 * 1024;

/// Reads a provider answer: one JSON text, or several that are the events of one stream. `hint` is
/// the provider, or empty: it decides where two readings are possible, and is never an error.
///
/// # Errors
/// If there are too many or too large parts, if one is not JSON or nested too deeply, if no usage
/// is found, if a figure is no count, or if there is the usage of several answers.
pub fn read<S: AsRef<str>>(parts: &[S], hint: &str) -> Result<Reading, Unreadable> {
    let table = table();
    let hint = hint.trim().to_lowercase_smolstr();
    let hint = hint.as_str();
    let tree = parse_all(table, parts)?;
    let merged = events::merge(&tree, table, hint)?;
    let mut flags = Flags::default();
    let model = facts::model(&tree, table)?;
    let name = model.as_ref().map(|(model, _)| model.as_str());
    let (usage, others) = tokens(&merged, table, hint, name, &mut flags)?;
    let mut tier = facts::tier(&merged, table, &mut flags);
    let mut factors = facts::factors(&merged, table, &mut tier);
    let mut units = facts::units(&merged, table, name)?;
    if merged.is_cost_alone() {
        // What was not counted they would make seem priced.
        factors.clear();
        units.clear();
        flags.add(Flag::CostOnly);
    }
    let reported_cost = facts::cost(&merged, table, &mut flags)?;
    let is_something = !units.is_empty() || reported_cost.is_some() || !others.is_empty();
    check_counted(&merged, &usage, is_something)?;
    if merged.is_partial {
        flags.add(Flag::Partial);
    }
    let kept = kept(&merged, model.as_ref().map(|(_, event)| *event), tier.event, &mut flags);
    Ok(Reading {
        shape: merged.shape.shape.name,
        provider: facts::provider(&merged, table, hint),
        model: model.map(|(model, _)| model),
        id: merged.id.map(SmolStr::new),
        service_tier: tier.tier,
        usage,
        others,
        units,
        factors,
        reported_cost,
        flags: flags.into_list(),
        kept,
    })
}

/// What is kept of a provider answer, whether or not it can be read: its events without content,
/// as one JSON text.
///
/// # Errors
/// If there are too many or too large parts, or if one is not JSON or nested too deeply.
pub fn reduce<S: AsRef<str>>(parts: &[S]) -> Result<String, Unreadable> {
    let tree = parse_all(table(), parts)?;
    let events: SmallVec<[NodeId; 4]> = tree.events.iter().map(|event| event.node).collect();
    Ok(tree.to_json(&events, Content::All))
}

fn parse_all<'a, S: AsRef<str>>(table: &Table, parts: &'a [S]) -> Result<Tree<'a>, Unreadable> {
    if parts.is_empty() || parts.len() > PARTS_MAX {
        return Err(Unreadable::Parts(parts.len()));
    }
    let bytes = parts.iter().map(|part| part.as_ref().len()).sum();
    if bytes > BYTES_MAX {
        return Err(Unreadable::TooLarge(bytes));
    }
    let mut tree = Tree::with_room();
    for (part, json) in parts.iter().enumerate() {
        parse::parse(&mut tree, table, part, json.as_ref())?;
    }
    Ok(tree)
}

/// Tokens of the answer's model, and those of others.
fn tokens(
    merged: &Merged<'_, '_>,
    table: &Table,
    hint: &str,
    model: Option<&str>,
    flags: &mut Flags,
) -> Result<(Usage, Vec<OtherModel>), Unreadable> {
    if merged.is_cost_alone() {
        return Ok((Usage::default(), Vec::new()));
    }
    let figures = Figures::read(merged.shape, &merged.view, flags)?;
    let is_gemini = |name: &str| name.to_ascii_lowercase().contains("gemini");
    let hides_thoughts = events::canonical(hint) == "gemini"
        || merged.shape.shape.provider == "gemini"
        || model.is_some_and(is_gemini);
    let mut usage = figures.classes(hides_thoughts, flags);
    let total = figures.get(Figure::Total);
    if total > 0 && sum(&usage) == 0 {
        let looked_for = merged.shape.looked_for();
        let (part, shape) = (merged.view.newest().event.part, merged.shape.shape.name);
        return Err(Unreadable::NothingCounted { part, shape, total, looked_for });
    }
    check_sum(sum(&usage))?;
    let others = iterations::add(merged, table, model, &mut usage, flags)?;
    check_sum(sum(&usage) + others.iter().map(|other| sum(&other.usage)).sum::<i64>())?;
    Ok((usage, others))
}

fn check_sum(all: i64) -> Result<(), Unreadable> {
    if all > TOKENS_MAX { Err(Unreadable::TooManyTokens(all)) } else { Ok(()) }
}

fn sum(usage: &Usage) -> i64 {
    usage.tokens.iter().sum()
}

/// A shape of units alone has counted some, or there is nothing to record.
fn check_counted(
    merged: &Merged<'_, '_>,
    usage: &Usage,
    is_something: bool,
) -> Result<(), Unreadable> {
    let counts_tokens = !merged.shape.shape.figures.is_empty();
    if counts_tokens || is_something || sum(usage) > 0 {
        return Ok(());
    }
    Err(Unreadable::NoUsage { looked_for: merged.shape.shape.known_by.to_owned() })
}

/// The events that were read, without content.
fn kept(
    merged: &Merged<'_, '_>,
    model: Option<NodeId>,
    tier: Option<NodeId>,
    flags: &mut Flags,
) -> String {
    let tree = merged.view.tree;
    let spots = &merged.view.spots;
    let mut events: SmallVec<[NodeId; 4]> = spots.iter().map(|spot| spot.event.node).collect();
    events.extend(model);
    events.extend(tier);
    events.extend(merged.repeated);
    events.sort_unstable();
    events.dedup();
    let kept = tree.to_json(&events, Content::All);
    if kept.len() <= KEPT_BYTES_MAX {
        return kept;
    }
    flags.add(Flag::KeptCut);
    let usages: SmallVec<[NodeId; 4]> = spots.iter().map(|spot| spot.usage).collect();
    let cut = tree.to_json(&events, Content::Around(&usages));
    if cut.len() <= KEPT_BYTES_MAX { cut } else { String::new() }
}
