//! Finds the usage of an answer in its events, and which of them count.
//!
//! Figures of a stream are cumulative: a later event replaces an earlier one, or completes it where
//! a provider reports input and output apart. Nothing is ever added up, and what could be several
//! answers is refused.

use smallvec::{SmallVec, smallvec};

use super::PARTS_MAX;
use super::arrange::Figures;
use super::error::Unreadable;
use super::facts;
use super::name_set::NameSet;
use super::path::{Fractions, Paths};
use super::reading::ReportedCost;
use super::shapes::{BEGINNING, COST_ALONE, HINTS, UNFINISHED};
use super::spot::{Flags, Spot, View};
use super::table::{CompiledShape, Owner, Place, Table};
use super::tree::{Event, NameId, NodeId, Tree};

/// The usage of an answer.
pub(super) struct Merged<'t, 'a> {
    pub view: View<'t, 'a>,
    pub shape: &'static CompiledShape,
    /// Whether only the beginning of a stream, or an unfinished answer, was given.
    pub is_partial: bool,
    /// Who answers in the places where usage was found; empty if many do.
    pub provider: &'static str,
    /// The event that only repeats what others say: it says whose answer it is.
    pub repeated: Option<NodeId>,
    pub id: Option<&'t str>,
}

impl Merged<'_, '_> {
    /// Whether there is a reported cost and no usage.
    pub fn is_cost_alone(&self) -> bool {
        self.shape.shape.name == COST_ALONE.name
    }
}

/// Finds the usage; without any, a reported cost.
///
/// # Errors
/// If there is none, or that of several answers.
pub(super) fn merge<'t, 'a>(
    tree: &'t Tree<'a>,
    table: &'static Table,
    hint: &str,
) -> Result<Merged<'t, 'a>, Unreadable> {
    let finder = Finder { tree, table, hint: canonical(hint) };
    let mut merged: Option<Merged<'t, 'a>> = None;
    for event in &tree.events {
        let Some(spot) = finder.find(event)? else { continue };
        merged = Some(match merged {
            None => finder.first(spot),
            Some(before) => finder.next(before, spot)?,
        });
    }
    let mut merged = match merged {
        Some(merged) => merged,
        None => finder.cost_alone()?,
    };
    let newest = *merged.view.newest();
    let status = newest.event.text(tree, &table.statuses);
    let is_beginning = merged.view.spots.len() == 1
        && finder.text_of(newest.event.node, table.kind) == Some(BEGINNING);
    merged.is_partial = is_beginning || status.is_some_and(is_unfinished);
    Ok(merged)
}

/// A hint as the table names the provider.
pub(super) fn canonical(hint: &str) -> &str {
    HINTS.iter().find(|(other, _)| *other == hint).map_or(hint, |(_, provider)| provider)
}

fn is_unfinished(status: &str) -> bool {
    UNFINISHED.contains(&status)
}

/// Figures of one stream are cumulative, so neither input nor output ever falls.
fn check_rises(before: (i64, i64), after: (i64, i64)) -> Result<(), Unreadable> {
    if after.0 >= before.0 && after.1 >= before.1 {
        return Ok(());
    }
    let difference = format!(
        "figures that fall, from {} tokens of input and {} of output to {} and {}",
        before.0, before.1, after.0, after.1
    );
    Err(Unreadable::SeveralAnswers { difference })
}

struct Finder<'t, 'a, 'h> {
    tree: &'t Tree<'a>,
    table: &'static Table,
    hint: &'h str,
}

impl<'t, 'a> Finder<'t, 'a, '_> {
    /// The usage of one event.
    fn find(&self, event: &Event) -> Result<Option<Spot>, Unreadable> {
        if event.names == NameSet::EMPTY {
            return Ok(None);
        }
        for (owner, node, owner_names) in self.owners(event) {
            if let Some(spot) = self.find_in(event, node, owner_names)? {
                return Ok(Some(Spot { is_batch: owner.is_batch, ..spot }));
            }
        }
        Ok(None)
    }

    /// The objects of an event that may hold its usage, with the names of their members.
    fn owners(
        &self,
        event: &Event,
    ) -> impl Iterator<Item = (&'static Owner, NodeId, NameSet)> + use<'t, 'a, '_> {
        let (tree, table, event) = (self.tree, self.table, *event);
        table.owners.iter().filter_map(move |owner| {
            if !owner.path.begins_in(&event.names) {
                return None;
            }
            let node = owner.path.last(tree, event.node)?;
            let names =
                if node == event.node { event.names } else { NameSet::of_members(tree, node) };
            tree.is_object(node).then_some((owner, node, names))
        })
    }

    /// The usage in one owner. Two places with usage of two providers are refused.
    fn find_in(
        &self,
        event: &Event,
        owner: NodeId,
        owner_names: NameSet,
    ) -> Result<Option<Spot>, Unreadable> {
        let mut found: Option<Spot> = None;
        for place in &self.table.places {
            if !place.path.begins_in(&owner_names) || (found.is_some() && !place.path.is_direct()) {
                continue;
            }
            let Some(mut spot) = self.spot(event, (owner, owner_names), place) else { continue };
            let usage_names = spot.usage_names;
            let Some(shape) = self.recognise(&spot) else { continue };
            let [(first_names, first), (second_names, second)] = &self.table.apart;
            if usage_names.meets(first_names) && usage_names.meets(second_names) {
                return Err(Unreadable::TwoProviders { first, second });
            }
            spot.shape = shape;
            match found {
                None => found = Some(spot),
                Some(first) => self.check_provider(&first, &spot)?,
            }
        }
        Ok(found)
    }

    /// A place of an owner, whatever is in it.
    fn spot(&self, event: &Event, owner: (NodeId, NameSet), place: &Place) -> Option<Spot> {
        let (owner, owner_names) = owner;
        let usage = self.last_object(&place.path, owner)?;
        Some(Spot {
            event: *event,
            owner,
            usage,
            owner_names,
            usage_names: NameSet::of_members(self.tree, usage),
            shape: 0,
            provider: place.provider,
            is_batch: false,
            is_repeated: place.is_repeated,
        })
    }

    /// A reported cost above 0 where there is no usage at all: of a stream the newest. An answer
    /// that is not finished will have usage.
    fn cost_alone(&self) -> Result<Merged<'t, 'a>, Unreadable> {
        let nothing = self.nothing();
        if matches!(nothing, Unreadable::Unfinished { .. }) {
            return Err(nothing);
        }
        let mut found: Option<(Merged<'t, 'a>, ReportedCost)> = None;
        for event in &self.tree.events {
            let Some((merged, cost)) = self.cost_of(event)? else { continue };
            let Some((before, first)) = found else {
                found = Some((merged, cost));
                continue;
            };
            self.check_ids(&before, merged.view.newest())?;
            if cost.amount < first.amount || cost.currency != first.currency {
                let difference = format!("costs of {} and {}", first.amount, cost.amount);
                return Err(Unreadable::SeveralAnswers { difference });
            }
            found = Some((Merged { id: before.id.or(merged.id), ..merged }, cost));
        }
        found.map(|(merged, _)| merged).ok_or(nothing)
    }

    /// The reported cost of an event, in the first place that has one.
    fn cost_of(&self, event: &Event) -> Result<Option<(Merged<'t, 'a>, ReportedCost)>, Unreadable> {
        for (owner, node, owner_names) in self.owners(event) {
            let places = self.table.places.iter();
            for place in places.filter(|place| place.path.begins_in(&owner_names)) {
                let Some(spot) = self.spot(event, (node, owner_names), place) else { continue };
                let spot = Spot { is_batch: owner.is_batch, ..spot };
                let merged = Merged { shape: &self.table.cost_alone, ..self.first(spot) };
                let cost = facts::cost(&merged, self.table, &mut Flags::default())?;
                if let Some(cost) = cost.filter(|cost| cost.is_chargeable()) {
                    return Ok(Some((merged, cost)));
                }
            }
        }
        Ok(None)
    }

    fn last_object(&self, path: &super::path::Path, node: NodeId) -> Option<NodeId> {
        path.last(self.tree, node).filter(|node| self.tree.is_object(*node))
    }

    /// The shape that fits. If that is a generic one, a shape of the hinted provider that could be
    /// meant comes before it.
    fn recognise(&self, spot: &Spot) -> Option<usize> {
        let shapes = &self.table.shapes;
        let found = shapes.iter().position(|shape| self.fits(shape, spot))?;
        let hinted =
            |shape: &CompiledShape| shape.shape.provider == self.hint && self.is_known(shape, spot);
        if shapes[found].shape.is_generic && !self.hint.is_empty() {
            return shapes.iter().position(hinted).or(Some(found));
        }
        Some(found)
    }

    fn is_known(&self, shape: &CompiledShape, spot: &Spot) -> bool {
        spot.usage_names.meets(&shape.known_by.usage_names)
            && shape.known_by.iter().any(|path| {
                let begins = spot.beginning(path).is_some();
                begins
                    && !matches!(path.count(self.tree, spot.usage, Fractions::RoundedUp), Ok(None))
            })
    }

    fn fits(&self, shape: &CompiledShape, spot: &Spot) -> bool {
        let is_there = |paths: &Paths| {
            let at = |path| spot.beginning(path).and_then(|node| path.last(self.tree, node));
            spot.may_have(paths) && paths.iter().any(|path| at(path).is_some())
        };
        spot.usage_names.meets(&shape.known_by.usage_names)
            && ((shape.and.is_empty() && shape.shape.types.is_empty())
                || is_there(&shape.and)
                || self.is_of_type(shape, spot))
            && !is_there(&shape.unless)
            && (!shape.shape.camel_case || self.is_camel_case(shape, spot))
            && self.is_known(shape, spot)
    }

    fn is_of_type(&self, shape: &CompiledShape, spot: &Spot) -> bool {
        let is_one = |node, name| {
            self.text_of(node, name).is_some_and(|text| shape.shape.types.contains(&text))
        };
        !shape.shape.types.is_empty()
            && [spot.event.node, spot.owner]
                .iter()
                .any(|node| is_one(*node, self.table.kind) || is_one(*node, self.table.object))
    }

    fn is_camel_case(&self, shape: &CompiledShape, spot: &Spot) -> bool {
        self.tree.children(spot.usage).any(|child| {
            let member = &self.tree.nodes[child];
            shape.known_by.usage_names.has(member.name) && !member.key.contains('_')
        })
    }

    fn text_of(&self, node: NodeId, name: NameId) -> Option<&'t str> {
        self.tree.text(self.tree.member(node, name)?)
    }

    fn shape(&self, spot: &Spot) -> &'static CompiledShape {
        &self.table.shapes[spot.shape]
    }

    fn first(&self, spot: Spot) -> Merged<'t, 'a> {
        Merged {
            view: View { tree: self.tree, spots: smallvec![spot] },
            shape: self.shape(&spot),
            is_partial: false,
            provider: spot.provider,
            repeated: None,
            id: self.id(&spot),
        }
    }

    fn id(&self, spot: &Spot) -> Option<&'t str> {
        spot.event.text(self.tree, &self.table.ids)
    }

    /// Adds the usage of a later event.
    fn next(&self, before: Merged<'t, 'a>, spot: Spot) -> Result<Merged<'t, 'a>, Unreadable> {
        let newest = *before.view.newest();
        if spot.is_repeated && !newest.is_repeated {
            let (provider, repeated) = (spot.provider, Some(spot.event.node));
            return Ok(Merged { provider, repeated, ..before });
        }
        if newest.is_repeated && !spot.is_repeated {
            let (provider, repeated) = (newest.provider, Some(newest.event.node));
            let id = before.id.or(self.id(&spot));
            return Ok(Merged { provider, repeated, id, ..self.first(spot) });
        }
        self.check_provider(&newest, &spot)?;
        let is_same_answer = self.check_ids(&before, &spot)?;
        if self.completes(&before, &spot) {
            let mut merged = before;
            merged.id = merged.id.or(self.id(&spot));
            if merged.shape.shape.is_generic {
                merged.shape = self.shape(&spot);
            }
            let is_event = self.text_of(spot.event.node, self.table.kind).is_some();
            if is_event || is_same_answer {
                merged.view.spots.push(spot);
                return Ok(merged);
            }
            if merged.view.spots.len() >= PARTS_MAX {
                let difference = format!("more than {PARTS_MAX} usages without a type");
                return Err(Unreadable::SeveralAnswers { difference });
            }
            let before = self.sums(&merged)?;
            merged.view.spots.push(spot);
            check_rises(before, self.sums(&merged)?)?;
            return Ok(merged);
        }
        let after = self.first(spot);
        let (sums_before, sums_after) = (self.sums(&before)?, self.sums(&after)?);
        if sums_after == (0, 0) {
            return Ok(before);
        }
        if !is_same_answer {
            check_rises(sums_before, sums_after)?;
        }
        let provider = if after.provider.is_empty() { before.provider } else { after.provider };
        let (repeated, id) = (before.repeated, before.id.or(after.id));
        Ok(Merged { provider, repeated, id, ..after })
    }

    /// Whether an event has only what is new: as Anthropic's do after the first, and whole messages
    /// do not. All that is merged says whether it is such a stream: one of its events alone may
    /// have figures that many providers have.
    fn completes(&self, merged: &Merged<'_, '_>, spot: &Spot) -> bool {
        let (before, after) = (merged.shape, self.shape(spot));
        let is_anthropic =
            |shape: &CompiledShape| shape.shape.name == "anthropic" || shape.shape.is_generic;
        let is_whole = self.text_of(spot.owner, self.table.kind) == Some("message")
            && self.text_of(spot.event.node, self.table.kind) != Some(BEGINNING);
        let is_stream = before.shape.name == "anthropic" || after.shape.name == "anthropic";
        is_stream && is_anthropic(before) && is_anthropic(after) && !is_whole
    }

    fn check_provider(&self, first: &Spot, second: &Spot) -> Result<(), Unreadable> {
        let (first, second) = (self.shape(first).shape, self.shape(second).shape);
        let is_library = |name: &str| ["langchain", "openai.chat"].contains(&name);
        if first.family == second.family || (is_library(first.name) && is_library(second.name)) {
            return Ok(());
        }
        Err(Unreadable::TwoProviders { first: first.name, second: second.name })
    }

    /// Whether both have the same id.
    fn check_ids(&self, before: &Merged<'_, '_>, spot: &Spot) -> Result<bool, Unreadable> {
        match (before.id, self.id(spot)) {
            (Some(first), Some(second)) if first != second => {
                let difference = format!("ids `{first}` and `{second}`");
                Err(Unreadable::SeveralAnswers { difference })
            }
            (first, second) => Ok(first.is_some() && first == second),
        }
    }

    /// All input and all output.
    fn sums(&self, merged: &Merged<'_, '_>) -> Result<(i64, i64), Unreadable> {
        let mut flags = Flags::default();
        let figures = Figures::read(merged.shape, &merged.view, &mut flags)?;
        let usage = figures.classes(false, &mut flags);
        Ok((usage.total_input(), usage.total_output()))
    }

    /// Why there is no usage.
    fn nothing(&self) -> Unreadable {
        let status = |event: &Event| event.text(self.tree, &self.table.statuses);
        let statuses: SmallVec<[&str; 4]> = self.tree.events.iter().filter_map(status).collect();
        match statuses.last() {
            Some(status) if is_unfinished(status) => {
                Unreadable::Unfinished { status: (*status).to_owned() }
            }
            _ => Unreadable::NoUsage { looked_for: self.table.looked_for.clone() },
        }
    }
}
