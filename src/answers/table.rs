//! The table of shapes, compiled: names are numbered and paths are lists of these numbers.
//!
//! Compiled once, when the first answer is read.

use std::sync::LazyLock;

use hashbrown::HashMap;

use super::name_set::NameSet;
use super::path::{Path, Paths, Rows};
use super::rule::{self, Kinds, NAME_BYTES_MAX, Region};
use super::shapes::{
    APART, COST_ALONE, COSTS, CURRENCIES, CostUnit, FACTORS, Figure, GROUNDED, IDS, ITERATIONS,
    MARKS, MODELS, OWN_KEY, OWN_KEY_COST, OWNERS, PLACES, REPEATED, SHAPES, STATUSES, Shape, TIERS,
    UNITS,
};
use super::tree::NameId;
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
    pub cost_alone: CompiledShape,
    pub owners: Vec<Owner>,
    pub places: Vec<Place>,
    pub units: Rows<UnitKind>,
    pub grounded: Paths,
    pub models: Paths,
    pub ids: Paths,
    pub statuses: Paths,
    pub tiers: Vec<Paths>,
    pub factors: Rows<Factor>,
    pub costs: Rows<CostUnit>,
    pub currencies: Paths,
    pub own_key: Paths,
    pub own_key_cost: Paths,
    pub marks: Rows<&'static str>,
    /// Names that are not together in one usage, and whose they are.
    pub apart: [(NameSet, &'static str); 2],
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
    /// By [`Figure`].
    pub figures: [Paths; Figure::COUNT],
    pub units: Rows<UnitKind>,
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
    pub neutral: &'static [&'static str],
}

impl Table {
    /// The number and the kinds of a name in any spelling; 0 for one that the table does not have,
    /// none for what is no name.
    pub fn look_up(&self, key: &str, region: Region) -> Option<(NameId, Kinds)> {
        if let Some(known) = self.names.get(key) {
            return Some(*known);
        }
        if !rule::is_name(key) {
            return None;
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
        Some(self.names.get(folded).copied().unwrap_or_else(unknown))
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
        let factors = FACTORS
            .iter()
            .map(|(name, path, neutral)| (names.paths(path), Factor { name, neutral }));
        let factors = Rows::new(factors.collect());
        let table = Table {
            shapes,
            cost_alone: names.shape(&COST_ALONE),
            owners,
            places,
            factors,
            units: names.units(&UNITS),
            grounded: names.paths(GROUNDED),
            models: names.paths(MODELS),
            ids: names.paths(IDS),
            statuses: names.paths(STATUSES),
            tiers: TIERS.iter().map(|path| names.paths(path)).collect(),
            costs: names.rows(&COSTS),
            currencies: names.paths(CURRENCIES),
            own_key: names.paths(OWN_KEY),
            own_key_cost: names.paths(OWN_KEY_COST),
            marks: names.rows(&MARKS),
            apart: APART.map(|(paths, shape)| (names.paths(paths).usage_names, shape)),
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
    let (figures, places) = (figures.join(", "), places.join(", "));
    format!("the figures {figures}, or a reported cost above 0, at the top or in {places}")
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
        Paths::read(text, &mut |name| self.number(name))
    }

    /// A path that may be empty: it then leads to where it begins.
    fn path(&mut self, text: &'static str) -> Path {
        self.paths(text).into_first().unwrap_or_else(Path::none)
    }

    fn rows<T: Copy>(&mut self, rows: &[(&'static str, T)]) -> Rows<T> {
        Rows::new(rows.iter().map(|(path, what)| (self.paths(path), *what)).collect())
    }

    fn units(&mut self, units: &[(UnitKind, &'static str)]) -> Rows<UnitKind> {
        Rows::new(units.iter().map(|(kind, path)| (self.paths(path), *kind)).collect())
    }

    fn shape(&mut self, shape: &'static Shape) -> CompiledShape {
        let mut figures = [const { Paths::none() }; Figure::COUNT];
        for (figure, paths) in shape.figures {
            figures[*figure as usize] = self.paths(paths);
        }
        CompiledShape {
            shape,
            known_by: self.paths(shape.known_by),
            and: self.paths(shape.and),
            unless: self.paths(shape.unless),
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
