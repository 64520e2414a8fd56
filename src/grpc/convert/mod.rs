//! Between protos and the domain: every bound that the protos name is checked here, and all
//! violations of a request are told at once.
//!
//! Asks nothing of the engine: what depends on stored things is judged there.

pub mod analytics;
pub mod analytics_query;
pub mod analytics_reports;
pub mod audit;
pub mod boost;
pub mod alert;
pub mod budget;
pub mod directory;
pub mod export;
pub mod key;
pub mod limits;
pub mod mask;
pub mod model_limit;
pub mod money;
pub mod quota;
pub mod rate_limit;
pub mod shared;
pub mod text;
pub mod time;
pub mod usage;
pub mod verdict;

use std::fmt;
use std::ops::RangeInclusive;

/// Most violations that are told of one request: they travel in a header of the answer.
pub const VIOLATIONS_MAX: usize = 16;

/// A field with a value out of its range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field as in the proto, for example `plan.budget.amount`.
    pub field: String,
    /// What was expected.
    pub expected: String,
}

/// All violations of one request.
#[derive(Debug, Default)]
pub struct Violations {
    list: Vec<Violation>,
    /// How many there are, with those that are not told.
    count: usize,
}

impl Violations {
    pub fn add(&mut self, field: impl fmt::Display, expected: impl Into<String>) {
        self.count += 1;
        if self.list.len() < VIOLATIONS_MAX {
            self.list.push(Violation { field: field.to_string(), expected: expected.into() });
        }
    }

    /// How many there are so far.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The value that was read, if nothing is wrong with the request.
    ///
    /// # Errors
    /// If anything is.
    pub fn accept<T>(self, value: T) -> Result<T, Violations> {
        if self.count == 0 { Ok(value) } else { Err(self) }
    }

    pub fn into_list(self) -> Vec<Violation> {
        self.list
    }
}

/// Where a field is, spelt only if it is wrong.
#[derive(Clone, Copy)]
pub enum Path<'a> {
    Request,
    Field(&'a Path<'a>, &'static str),
    Item(&'a Path<'a>, usize),
}

impl Path<'_> {
    pub fn field<'a>(&'a self, name: &'static str) -> Path<'a> {
        Path::Field(self, name)
    }

    pub fn item<'a>(&'a self, index: usize) -> Path<'a> {
        Path::Item(self, index)
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Request => Ok(()),
            Path::Field(Path::Request, name) => f.write_str(name),
            Path::Field(parent, name) => write!(f, "{parent}.{name}"),
            Path::Item(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// A number in its range; the nearest one if it is not.
pub fn number(
    value: i64,
    range: RangeInclusive<i64>,
    path: Path<'_>,
    violations: &mut Violations,
) -> i64 {
    if !range.contains(&value) {
        violations.add(path, format!("expected {} to {}", range.start(), range.end()));
    }
    value.clamp(*range.start(), *range.end())
}

/// A list that is not too long, else an empty one.
pub fn at_most<T>(
    mut list: Vec<T>,
    max: usize,
    path: Path<'_>,
    violations: &mut Violations,
) -> Vec<T> {
    if list.len() > max {
        violations.add(path, format!("expected at most {max}"));
        list.clear();
    }
    list
}

/// A message that must be there.
pub fn required<T>(message: Option<T>, path: Path<'_>, violations: &mut Violations) -> Option<T> {
    if message.is_none() {
        violations.add(path, "expected a value: it is required");
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_spelt_as_in_the_proto() {
        let price = Path::Request.field("price");
        let variants = price.field("variants");
        let variant = variants.item(3);
        assert_eq!(
            variant.field("input_per_million").to_string(),
            "price.variants[3].input_per_million"
        );
    }

    #[test]
    fn violations_are_bounded_and_never_forgotten() {
        let mut violations = Violations::default();
        assert!(Violations::default().accept(()).is_ok());
        for _ in 0..1_000 {
            violations.add("field", "expected less");
        }
        let refused = violations.accept(()).unwrap_err();
        assert_eq!(refused.into_list().len(), VIOLATIONS_MAX);
    }
}
