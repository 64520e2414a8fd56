//! Where usage was found in an answer, and how figures and texts are looked up there.
//!
//! Of a stream whose events complete one another, such as Anthropic's, the usage is in several
//! spots: a figure is that of the newest which has it.

use smallvec::SmallVec;

use super::error::Unreadable;
use super::name_set::NameSet;
use super::path::{Fractions, Path, Paths, Rows};
use super::reading::Flag;
use super::tree::{Event, NodeId, Tree};

/// Usage in one event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot {
    pub event: Event,
    pub owner: NodeId,
    pub usage: NodeId,
    pub owner_names: NameSet,
    pub usage_names: NameSet,
    /// Index into the table's shapes.
    pub shape: usize,
    /// Who answers with usage in this place; empty if many do.
    pub provider: &'static str,
    pub is_batch: bool,
    pub is_repeated: bool,
}

/// Spots that are read as one.
pub(super) struct View<'t, 'a> {
    pub tree: &'t Tree<'a>,
    /// In the order of the answer; at least one.
    pub spots: SmallVec<[Spot; 2]>,
}

/// A figure that was found.
pub(super) struct Found {
    pub count: i64,
    pub is_direct: bool,
    /// Whether another path has another figure.
    pub disagrees: bool,
}

impl View<'_, '_> {
    pub fn newest_first(&self) -> impl Iterator<Item = &Spot> {
        self.spots.iter().rev()
    }

    pub fn newest(&self) -> &Spot {
        self.spots.last().expect("a view has a spot")
    }

    /// The first of these figures that is above 0; 0 if all are; none if there is none.
    ///
    /// # Errors
    /// If one of them is no count.
    pub fn count(&self, paths: &Paths, fractions: Fractions) -> Result<Option<Found>, Unreadable> {
        let mut found: Option<Found> = None;
        if !self.may_have(paths) {
            return Ok(None);
        }
        for path in paths.iter() {
            let Some(count) = self.count_at(path, fractions)? else { continue };
            match &mut found {
                Some(first) if first.count > 0 => {
                    first.disagrees |= count > 0 && count != first.count;
                }
                Some(_) if count == 0 => {}
                _ => {
                    let is_direct = path.is_direct();
                    found = Some(Found { count, is_direct, disagrees: false });
                }
            }
        }
        Ok(found)
    }

    /// Those rows of which one may be there: all, or none.
    pub fn rows<'r, T>(&self, rows: &'r Rows<T>) -> &'r [(Paths, T)] {
        if self.may_have(&rows.any) { &rows.rows } else { &[] }
    }

    /// Whether one of these paths begins anywhere.
    fn may_have(&self, paths: &Paths) -> bool {
        self.spots.iter().any(|spot| spot.may_have(paths))
    }

    fn count_at(&self, path: &Path, fractions: Fractions) -> Result<Option<i64>, Unreadable> {
        for spot in self.newest_first() {
            let Some(node) = spot.beginning(path) else { continue };
            let count = path.count(self.tree, node, fractions);
            let count = count.map_err(|bad| bad.at(spot.event.part, path.text))?;
            if count.is_some() {
                return Ok(count);
            }
        }
        Ok(None)
    }

    /// The first of these texts, from the newest spot that has one.
    pub fn text(&self, paths: &Paths) -> Option<&str> {
        self.newest_first().find_map(|spot| spot.text(self.tree, paths))
    }

    /// The node that the first of these paths leads to.
    pub fn node(&self, paths: &Paths) -> Option<NodeId> {
        if !self.may_have(paths) {
            return None;
        }
        let each = |path: &Path| {
            let at = |spot: &Spot| path.last(self.tree, spot.beginning(path)?);
            self.newest_first().find_map(at)
        };
        paths.iter().find_map(each)
    }
}

impl Spot {
    pub fn may_have(&self, paths: &Paths) -> bool {
        self.usage_names.meets(&paths.usage_names) || self.owner_names.meets(&paths.owner_names)
    }

    /// Where a path begins; none if its first name is not there.
    pub fn beginning(&self, path: &Path) -> Option<NodeId> {
        let (node, names) = if path.from_owner {
            (self.owner, &self.owner_names)
        } else {
            (self.usage, &self.usage_names)
        };
        path.begins_in(names).then_some(node)
    }

    pub fn text<'t>(&self, tree: &'t Tree<'_>, paths: &Paths) -> Option<&'t str> {
        if !self.may_have(paths) {
            return None;
        }
        let each = |path: &Path| tree.text(path.last(tree, self.beginning(path)?)?);
        paths.iter().find_map(each)
    }
}

impl Event {
    /// The first of these texts.
    pub fn text<'t>(&self, tree: &'t Tree<'_>, paths: &Paths) -> Option<&'t str> {
        if !self.names.meets(&paths.usage_names) {
            return None;
        }
        let begun = paths.iter().filter(|path| path.begins_in(&self.names));
        begun.filter_map(|path| tree.text(path.last(tree, self.node)?)).next()
    }
}

/// Flags of a reading while it is made.
#[derive(Clone, Debug, Default)]
pub(super) struct Flags(u16);

impl Flags {
    pub fn add(&mut self, flag: Flag) {
        self.0 |= 1 << flag as u16;
    }

    pub fn into_list(self) -> SmallVec<[Flag; 4]> {
        Flag::ALL.into_iter().filter(|flag| self.0 & (1 << *flag as u16) != 0).collect()
    }
}
