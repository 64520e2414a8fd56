//! Sets of names, as bits: most figures that are looked for are not there, and a set says so.

use super::tree::{NameId, NodeId, Tree};

/// A set of names of the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct NameSet([u64; NameSet::WORDS]);

impl NameSet {
    const WORDS: usize = 5;

    pub const EMPTY: NameSet = NameSet([0; NameSet::WORDS]);

    /// Numbers of names are below this.
    pub const NAMES: usize = 64 * NameSet::WORDS;

    /// Adds a name; one that the table does not have is never in a set.
    pub fn add(&mut self, name: NameId) {
        if name != 0 {
            self.0[usize::from(name) / 64] |= 1 << (name % 64);
        }
    }

    pub fn add_all(&mut self, other: &NameSet) {
        self.0.iter_mut().zip(other.0).for_each(|(mine, theirs)| *mine |= theirs);
    }

    pub fn has(&self, name: NameId) -> bool {
        self.0[usize::from(name) / 64] & (1 << (name % 64)) != 0
    }

    pub fn meets(&self, other: &NameSet) -> bool {
        self.0.iter().zip(other.0).any(|(mine, theirs)| mine & theirs != 0)
    }

    /// The names of the members of an object.
    pub fn of_members(tree: &Tree<'_>, node: NodeId) -> NameSet {
        let mut names = NameSet::default();
        tree.children(node).for_each(|child| names.add(tree.nodes[child].name));
        names
    }
}
