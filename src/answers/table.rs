//! The table of shapes, compiled: names are numbered and paths are lists of these numbers.
//!
//! Compiled once, when the first answer is read.

use std::sync::LazyLock;

use hashbrown::HashMap;

use super::path::{Path, Paths};
use super::rule::{self, Kinds, NAME_BYTES_MAX, Region};
use super::shapes::{
    COSTS, CURRENCIES, CostUnit, FACTORS, Figure, GROUNDED, IDS, ITERATIONS, MARKS, MODELS,
    OWN_KEY, OWN_KEY_COST, OWNERS, PLACES, REPEATED, SHAPES, STATUSES, Shape, TIERS, UNITS,
};
use super::tree::{NameId, NodeId, Tree};
use crate::domain::usage::UnitKind;

static TABLE: LazyLock<Table> = LazyLock::new(Table::compile);

/// The compiled table.
pub(super) fn table() -> &'static Table {
    &TABLE
}

pub(super) struct Table {
    /// Names as they are usually spelt, and as they are compared.
    names: HashMap<Box<str>, (NameId, Kinds)>,
    /// By number, whether a name is that of a count of tokens.
    token_figures: Vec<bool>,
    pub shapes: Vec<CompiledShape>,
    pub owners: Vec<Owner>,
    pub places: Vec<Place>,
    pub units: Vec<(UnitKind, Paths)>,
    pub grounded: Paths,
    pub models: Paths,
    pub ids: Paths,
    pub statuses: Paths,
    pub tiers: Vec<Paths>,
    pub factors: Vec<Factor>,
    pub costs: Vec<(Paths, CostUnit)>,
    pub currencies: Paths,
    pub own_key: Paths,
    pub own_key_cost: Paths,
    pub marks: Vec<(Paths, &'static str)>,
    pub iterations: NameId,
    pub model: NameId,
    pub kind: NameId,
    pub object: NameId,
    /// What is looked for, for errors.
    pub looked_for: String,
}

pub(super) struct CompiledShape {
    pub shape: &'static Shape,
    pub known_by: Paths,
    pub and: Paths,
    pub unless: Paths,
    /// What `known_by` begins with, to pass over a shape quickly.
    pub known_names: NameSet,
    /// By [`Figure`].
    pub figures: [Paths; Figure::COUNT],
    pub units: Vec<(UnitKind, Paths)>,
}

pub(super) struct Owner {
    pub path: Path,
    pub is_batch: bool,
}

pub(super) struct Place {
    pub path: Path,
    pub provider: &'static str,
    /// It repeats what other events have said.
    pub is_repeated: bool,
}

pub(super) struct Factor {
    pub name: &'static str,
    pub paths: Paths,
    pub neutral: &'static [&'static str],
}

impl Table {
    /// The number and the kinds of a name in any spelling; 0 for one that the table does not have.
    pub fn look_up(&self, key: &str, region: Region) -> (NameId, Kinds) {
        if let Some(known) = self.names.get(key) {
            return *known;
        }
        let mut folded = [0; NAME_BYTES_MAX];
        let mut length = 0;
        for byte in key.bytes().filter_map(rule::fold) {
            folded[length] = byte;
            length += 1;
        }
        let folded = std::str::from_utf8(&folded[..length]).unwrap_or_default();
        let unknown = || match region {
            // In usage all names are alike.
            Region::Usage => (0, Kinds::default()),
            Region::Open | Region::Narrow => (0, Kinds::of_unlisted(folded)),
        };
        self.names.get(folded).copied().unwrap_or_else(unknown)
    }

    /// Whether a name is that of a count of tokens.
    pub fn is_token_figure(&self, name: NameId) -> bool {
        self.token_figures[usize::from(name)]
    }

    fn compile() -> Table {
        let mut names = Names::default();
        let shapes = SHAPES.iter().map(|shape| names.shape(shape)).collect();
        let owner = |names: &mut Names, path, is_batch| Owner { path: names.path(path), is_batch };
        let owners = OWNERS.iter().map(|(path, batch)| owner(&mut names, path, *batch)).collect();
        let place = |names: &mut Names, path: &'static str, provider| Place {
            path: names.path(path),
            provider,
            is_repeated: path == REPEATED,
        };
        let places = PLACES.iter().map(|(path, by)| place(&mut names, path, *by)).collect();
        let factor =
            |names: &mut Names, (name, path, neutral): &(&'static str, &'static str, _)| Factor {
                name,
                paths: names.paths(path),
                neutral: *neutral,
            };
        let factors = FACTORS.iter().map(|row| factor(&mut names, row)).collect();
        let table = Table {
            shapes,
            owners,
            places,
            factors,
            units: names.units(&UNITS),
            grounded: names.paths(GROUNDED),
            models: names.paths(MODELS),
            ids: names.paths(IDS),
            statuses: names.paths(STATUSES),
            tiers: TIERS.iter().map(|path| names.paths(path)).collect(),
            costs: COSTS.iter().map(|(path, unit)| (names.paths(path), *unit)).collect(),
            currencies: names.paths(CURRENCIES),
            own_key: names.paths(OWN_KEY),
            own_key_cost: names.paths(OWN_KEY_COST),
            marks: MARKS.iter().map(|(path, by)| (names.paths(path), *by)).collect(),
            iterations: names.number(ITERATIONS),
            model: names.number("model"),
            kind: names.number("type"),
            object: names.number("object"),
            looked_for: looked_for(),
            names: HashMap::new(),
            token_figures: Vec::new(),
        };
        Table { names: names.spellings(), token_figures: names.token_figures(), ..table }
    }
}

impl CompiledShape {
    pub fn paths(&self, figure: Figure) -> &Paths {
        &self.figures[figure as usize]
    }

    /// The paths of its tokens, for errors.
    pub fn looked_for(&self) -> String {
        let tokens = self.shape.figures.iter().filter(|(figure, _)| *figure != Figure::Total);
        tokens.map(|(_, paths)| *paths).collect::<Vec<_>>().join(" | ")
    }
}

fn looked_for() -> String {
    let places: Vec<&str> =
        PLACES.iter().map(|(path, _)| *path).filter(|path| !path.is_empty()).collect();
    let mut figures: Vec<&str> = Vec::new();
    for known_by in SHAPES.iter().flat_map(|shape| shape.known_by.split('|')).map(str::trim) {
        if !figures.contains(&known_by) {
            figures.push(known_by);
        }
    }
    format!("the figures {} at the top or in {}", figures.join(", "), places.join(", "))
}

/// Numbers names while the table is compiled.
#[derive(Default)]
struct Names {
    /// As they are compared, in the order of their numbers from 1 on.
    numbered: Vec<String>,
    /// As the table spells them.
    spelt: Vec<&'static str>,
}

impl Names {
    fn number(&mut self, name: &'static str) -> NameId {
        let folded = rule::folded_text(name);
        let index = self.numbered.iter().position(|known| *known == folded);
        let index = index.unwrap_or_else(|| {
            self.numbered.push(folded);
            self.spelt.push(name);
            self.numbered.len() - 1
        });
        NameId::try_from(index + 1).expect("the table has fewer names than numbers")
    }

    fn paths(&mut self, text: &'static str) -> Paths {
        Path::read_all(text, &mut |name| self.number(name))
    }

    /// A path that may be empty: it then leads to where it begins.
    fn path(&mut self, text: &'static str) -> Path {
        let none = Path { from_owner: false, first: 0, steps: Vec::new(), text };
        self.paths(text).pop().unwrap_or(none)
    }

    fn units(&mut self, units: &[(UnitKind, &'static str)]) -> Vec<(UnitKind, Paths)> {
        units.iter().map(|(kind, path)| (*kind, self.paths(path))).collect()
    }

    fn shape(&mut self, shape: &'static Shape) -> CompiledShape {
        let known_by = self.paths(shape.known_by);
        let mut known_names = NameSet::default();
        known_by.iter().for_each(|path| known_names.add(path.first));
        let mut figures = [const { Vec::new() }; Figure::COUNT];
        for (figure, paths) in shape.figures {
            figures[*figure as usize] = self.paths(paths);
        }
        CompiledShape {
            shape,
            known_by,
            and: self.paths(shape.and),
            unless: self.paths(shape.unless),
            known_names,
            figures,
            units: self.units(shape.units),
        }
    }

    /// Every name as it is compared, and as snake case, camel case and Pascal case spell it.
    fn spellings(&mut self) -> HashMap<Box<str>, (NameId, Kinds)> {
        for list in [&rule::TEXTS[..], &rule::WRAPPERS, &rule::NARROW, &rule::COUNTED] {
            list.iter().for_each(|name| _ = self.number(name));
        }
        rule::USAGE_NAMES.iter().for_each(|name| _ = self.number(name));
        assert!(self.numbered.len() < NameSet::NAMES, "the table has more names than a set");
        let mut spellings = HashMap::new();
        for (index, (folded, spelt)) in self.numbered.iter().zip(&self.spelt).enumerate() {
            let name = NameId::try_from(index + 1).expect("as they were numbered");
            let known = (name, Kinds::of(folded));
            for spelling in [folded.clone(), (*spelt).to_owned(), camel(spelt, false)] {
                spellings.insert(spelling.into_boxed_str(), known);
            }
            spellings.insert(camel(spelt, true).into_boxed_str(), known);
        }
        spellings
    }

    fn token_figures(&self) -> Vec<bool> {
        let named = self.numbered.iter().map(|name| name.contains("token"));
        std::iter::once(false).chain(named).collect()
    }
}

/// A name of the table in camel case.
fn camel(spelt: &str, first_is_large: bool) -> String {
    let mut camel = String::with_capacity(spelt.len());
    let mut is_large = first_is_large;
    for letter in spelt.chars() {
        if letter == '_' {
            is_large = true;
        } else {
            camel.push(if is_large { letter.to_ascii_uppercase() } else { letter });
            is_large = false;
        }
    }
    camel
}

/// A set of names of the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct NameSet([u64; NameSet::WORDS]);

impl NameSet {
    const WORDS: usize = 5;

    /// Numbers of names are below this.
    pub const NAMES: usize = 64 * NameSet::WORDS;

    /// Adds a name; one that the table does not have is never in a set.
    pub fn add(&mut self, name: NameId) {
        if name != 0 {
            self.0[usize::from(name) / 64] |= 1 << (name % 64);
        }
    }

    pub fn has(&self, name: NameId) -> bool {
        self.0[usize::from(name) / 64] & (1 << (name % 64)) != 0
    }

    pub fn meets(&self, other: &NameSet) -> bool {
        self.0.iter().zip(other.0).any(|(mine, theirs)| mine & theirs != 0)
    }

    /// The name that a path begins with, or nothing to look for.
    pub fn begins(&self, path: &Path) -> bool {
        path.first == 0 || self.has(path.first)
    }

    /// The names of the members of an object.
    pub fn of_members(tree: &Tree<'_>, node: NodeId) -> NameSet {
        let mut names = NameSet::default();
        tree.children(node).for_each(|child| names.add(tree.nodes[child].name));
        names
    }
}
