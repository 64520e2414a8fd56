//! Paths to figures: how they are written in the table, and how they are followed in a tree.

use super::COUNT_MAX;
use super::error::Unreadable;
use super::name_set::NameSet;
use super::tree::{NameId, NodeId, Tree, Value};

/// Paths to one figure, of which the first that is above 0 counts.
#[derive(Debug)]
pub(super) struct Paths {
    paths: Vec<Path>,
    /// What those begin with that begin at the usage, or at an event.
    pub usage_names: NameSet,
    /// What those begin with that begin at the owner of the usage.
    pub owner_names: NameSet,
}

impl Paths {
    pub const fn none() -> Paths {
        Paths { paths: Vec::new(), usage_names: NameSet::EMPTY, owner_names: NameSet::EMPTY }
    }

    /// Reads alternatives, as `a.b | c`, and numbers their names.
    ///
    /// # Panics
    /// If the table has a path that cannot be read.
    pub fn read(text: &'static str, number: &mut impl FnMut(&'static str) -> NameId) -> Paths {
        let mut paths = Paths::none();
        for text in text.split('|').map(str::trim).filter(|text| !text.is_empty()) {
            let path = Path::read(text, number);
            let names = match path.from_owner {
                true => &mut paths.owner_names,
                false => &mut paths.usage_names,
            };
            names.add(path.first);
            paths.paths.push(path);
        }
        paths
    }

    pub fn iter(&self) -> std::slice::Iter<'_, Path> {
        self.paths.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    pub fn first(&self) -> Option<&Path> {
        self.paths.first()
    }

    pub fn into_first(self) -> Option<Path> {
        self.paths.into_iter().next()
    }
}

/// Rows of the table, each a figure or a text that may be there, with what it is.
#[derive(Debug)]
pub(super) struct Rows<T> {
    pub rows: Vec<(Paths, T)>,
    /// What any of them begins with.
    pub any: Paths,
}

impl<T> Rows<T> {
    pub fn new(rows: Vec<(Paths, T)>) -> Rows<T> {
        let mut any = Paths::none();
        for (paths, _) in &rows {
            any.usage_names.add_all(&paths.usage_names);
            any.owner_names.add_all(&paths.owner_names);
        }
        Rows { rows, any }
    }
}

#[derive(Debug)]
pub(super) struct Path {
    /// Whether it begins at the owner of the usage.
    pub from_owner: bool,
    /// The name it begins with; 0 if it has no steps.
    pub first: NameId,
    pub steps: Vec<Step>,
    /// Whether it leads to one node at most: it has no lists and no exceptions.
    is_plain: bool,
    /// As it is written in the table.
    pub text: &'static str,
}

#[derive(Debug)]
pub(super) enum Step {
    Member(NameId),
    /// Each element of a list for which all of these hold.
    Elements(Vec<Condition>),
    /// Each member but this one.
    Others(NameId),
}

#[derive(Debug)]
pub(super) struct Condition {
    key: Vec<NameId>,
    value: &'static str,
    is_equal: bool,
}

impl Path {
    /// One that leads to where it begins.
    pub fn none() -> Path {
        Path { from_owner: false, first: 0, steps: Vec::new(), is_plain: true, text: "" }
    }

    fn read(text: &'static str, number: &mut impl FnMut(&'static str) -> NameId) -> Path {
        let from_owner = text.starts_with('^');
        let mut steps = Vec::new();
        for segment in segments(text.trim_start_matches('^')) {
            if let Some(name) = segment.strip_prefix('!') {
                steps.push(Step::Others(number(name)));
                continue;
            }
            let (name, brackets) = segment.split_once('[').unwrap_or((segment, ""));
            steps.push(Step::Member(number(name)));
            if !brackets.is_empty() {
                let conditions = brackets
                    .split('[')
                    .map(|one| one.strip_suffix(']').expect("brackets of the table are closed"));
                let conditions = conditions.filter(|one| !one.is_empty());
                steps
                    .push(Step::Elements(conditions.map(|c| Condition::read(c, number)).collect()));
            }
        }
        let first = match steps.first() {
            Some(Step::Member(name)) => *name,
            _ => 0,
        };
        let is_plain = steps.iter().all(|step| matches!(step, Step::Member(_)));
        Path { from_owner, first, steps, is_plain, text }
    }

    /// The one node that a plain path leads to.
    fn follow_plain(&self, tree: &Tree<'_>, node: NodeId) -> Option<NodeId> {
        let mut node = node;
        for step in &self.steps {
            let Step::Member(name) = step else { return None };
            node = tree.member(node, *name)?;
        }
        Some(node)
    }

    /// The last node that the path leads to.
    pub fn last(&self, tree: &Tree<'_>, node: NodeId) -> Option<NodeId> {
        if self.is_plain {
            return self.follow_plain(tree, node);
        }
        let mut last = None;
        follow(&self.steps, tree, node, &mut |found| last = Some(found));
        last
    }

    /// The sum of the numbers that the path leads to, or how many elements; none if there are none.
    ///
    /// # Errors
    /// If one of them is no count.
    pub fn count(
        &self,
        tree: &Tree<'_>,
        node: NodeId,
        fractions: Fractions,
    ) -> Result<Option<i64>, BadCount> {
        if self.is_plain {
            let found = self.follow_plain(tree, node);
            return found.map_or(Ok(None), |found| whole(tree.value(found), fractions));
        }
        let counts_elements = matches!(self.steps.last(), Some(Step::Elements(_)));
        let mut sum = None;
        let mut wrong = None;
        follow(&self.steps, tree, node, &mut |found| {
            let count =
                if counts_elements { Ok(Some(1)) } else { whole(tree.value(found), fractions) };
            match count {
                Ok(None) => {}
                Ok(Some(count)) => sum = Some(sum.unwrap_or(0_i64).saturating_add(count)),
                Err(bad) => wrong = Some(bad),
            }
        });
        match wrong {
            Some(bad) => Err(bad),
            None if sum.is_some_and(|sum| sum > COUNT_MAX) => Err(BadCount::NotACount),
            None => Ok(sum),
        }
    }

    /// Whether what it begins with is among the names of an object.
    pub fn begins_in(&self, names: &NameSet) -> bool {
        self.first == 0 || names.has(self.first)
    }

    /// Whether it is a member of the usage itself.
    pub fn is_direct(&self) -> bool {
        self.steps.len() == 1
    }
}

/// What is done with a number that is not whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fractions {
    Refused,
    /// A fraction of a second is billed as a whole one.
    RoundedUp,
}

/// Why a number is no count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadCount {
    Negative,
    NotACount,
}

impl BadCount {
    pub fn at(self, part: usize, name: &str) -> Unreadable {
        let name = name.trim_start_matches('^').to_owned();
        match self {
            BadCount::Negative => Unreadable::Negative { part, name },
            BadCount::NotACount => Unreadable::NotACount { part, name },
        }
    }
}

/// A value as a count; none if it is no number.
fn whole(value: &Value<'_>, fractions: Fractions) -> Result<Option<i64>, BadCount> {
    match value {
        Value::Int(int) if *int < 0 => Err(BadCount::Negative),
        Value::Int(int) if *int > COUNT_MAX => Err(BadCount::NotACount),
        Value::Int(int) => Ok(Some(*int)),
        Value::Float(float) => whole_float(*float, fractions).map(Some),
        Value::Text(text) => match (text.parse(), text.parse()) {
            (Ok(int), _) => whole(&Value::Int(int), fractions),
            (Err(_), Ok(float)) => whole_float(float, fractions).map(Some),
            _ => Ok(None),
        },
        Value::Bool(_) | Value::Object | Value::List => Ok(None),
    }
}

fn whole_float(float: f64, fractions: Fractions) -> Result<i64, BadCount> {
    if float < 0.0 {
        return Err(BadCount::Negative);
    }
    let rounded = float.ceil();
    let is_fine = float == rounded || fractions == Fractions::RoundedUp;
    if is_fine && rounded <= COUNT_MAX as f64 {
        Ok(rounded as i64)
    } else {
        Err(BadCount::NotACount)
    }
}

impl Condition {
    fn read(text: &'static str, number: &mut impl FnMut(&'static str) -> NameId) -> Condition {
        let (key, value) = text.split_once('=').expect("a condition of the table has a value");
        let is_equal = !key.ends_with('!');
        let key = key.trim_end_matches('!').split('.').map(number).collect();
        Condition { key, value, is_equal }
    }

    fn holds(&self, tree: &Tree<'_>, element: NodeId) -> bool {
        let mut node = Some(element);
        for name in &self.key {
            node = node.and_then(|node| tree.member(node, *name));
        }
        let text = node.and_then(|node| tree.text(node));
        text.is_some_and(|text| text.eq_ignore_ascii_case(self.value)) == self.is_equal
    }
}

/// The text at its dots, but for those in brackets.
fn segments(text: &'static str) -> impl Iterator<Item = &'static str> {
    let mut depth = 0;
    let at_dot = move |letter: char| {
        depth += i32::from(letter == '[') - i32::from(letter == ']');
        letter == '.' && depth == 0
    };
    text.split(at_dot).filter(|segment| !segment.is_empty())
}

fn follow(steps: &[Step], tree: &Tree<'_>, node: NodeId, found: &mut impl FnMut(NodeId)) {
    let Some((step, rest)) = steps.split_first() else {
        return found(node);
    };
    match step {
        Step::Member(name) => {
            if let Some(member) = tree.member(node, *name) {
                follow(rest, tree, member, found);
            }
        }
        Step::Elements(conditions) => {
            if matches!(tree.value(node), Value::List) {
                for element in tree.children(node) {
                    if conditions.iter().all(|condition| condition.holds(tree, element)) {
                        follow(rest, tree, element, found);
                    }
                }
            }
        }
        Step::Others(name) => {
            for member in tree.children(node) {
                if tree.nodes[member].name != *name {
                    follow(rest, tree, member, found);
                }
            }
        }
    }
}
