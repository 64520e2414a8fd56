//! Decoding of requests: where a value is in its request, and the violations of the whole request.
//!
//! Every bound that the protos name is checked here and in the modules beside it, which add the
//! methods for texts, amounts, times and enums. What depends on stored data is checked by the
//! engine.

use std::cell::RefCell;
use std::fmt;
use std::ops::RangeInclusive;

/// Most violations that are reported of one request: they travel in a header of the response.
pub const VIOLATIONS_MAX: usize = 16;

/// A field with a value out of its range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field as in the proto, for example `plan.budget.amount`.
    pub field: String,
    /// What was expected.
    pub expected: String,
}

/// All violations of one request: at least one.
#[derive(Debug, Default)]
pub struct Violations {
    list: Vec<Violation>,
}

impl Violations {
    pub fn into_list(self) -> Vec<Violation> {
        self.list
    }
}

/// A request that was decoded, or its violations.
pub type Decoded<T> = Result<T, Violations>;

/// Decodes a request. `read` may return early with nothing once it has refused something.
///
/// # Errors
/// If `read` refuses anything.
pub fn decode<T>(read: impl FnOnce(Decoder<'_>) -> Option<T>) -> Decoded<T> {
    let violations = RefCell::default();
    let value = read(Decoder { violations: &violations, place: Place::Request });
    let violations = violations.into_inner();
    match value {
        Some(value) if violations.list.is_empty() => Ok(value),
        _ => {
            debug_assert!(!violations.list.is_empty(), "nothing is wrong with the request");
            Err(violations)
        }
    }
}

/// Decodes one message or field: knows its path, and collects the violations of the request.
#[derive(Clone, Copy)]
pub struct Decoder<'a> {
    violations: &'a RefCell<Violations>,
    place: Place<'a>,
}

/// Where a field is; spelt only if it is wrong.
#[derive(Clone, Copy)]
enum Place<'a> {
    Request,
    Field(&'a Place<'a>, &'static str),
    Item(&'a Place<'a>, usize),
}

impl Decoder<'_> {
    pub fn field(&self, name: &'static str) -> Decoder<'_> {
        Decoder { violations: self.violations, place: Place::Field(&self.place, name) }
    }

    pub fn item(&self, index: usize) -> Decoder<'_> {
        Decoder { violations: self.violations, place: Place::Item(&self.place, index) }
    }

    pub fn refuse(self, expected: impl Into<String>) {
        let list = &mut self.violations.borrow_mut().list;
        if list.len() < VIOLATIONS_MAX {
            list.push(Violation { field: self.place.to_string(), expected: expected.into() });
        }
    }

    /// Refuses the field unless it is valid.
    pub fn ensure(self, is_valid: bool, expected: &str) {
        if !is_valid {
            self.refuse(expected);
        }
    }

    /// A number in its range; the nearest one if it is not.
    pub fn number(self, value: i64, range: RangeInclusive<i64>) -> i64 {
        if !range.contains(&value) {
            self.refuse(format!("expected {} to {}", range.start(), range.end()));
        }
        value.clamp(*range.start(), *range.end())
    }

    /// A value that must be there.
    pub fn required<T>(self, value: Option<T>) -> Option<T> {
        self.ensure(value.is_some(), "expected a value: it is required");
        value
    }

    /// A message that must be there, with its decoder.
    pub fn message<M>(&self, name: &'static str, message: Option<M>) -> Option<(Decoder<'_>, M)> {
        let at = self.field(name);
        Some((at, at.required(message)?))
    }

    /// The same, so that its fields are checked even if it is not there.
    pub fn message_or_default<M: Default>(
        &self,
        name: &'static str,
        message: Option<M>,
    ) -> (Decoder<'_>, M) {
        let at = self.field(name);
        (at, at.required(message).unwrap_or_default())
    }

    /// A list that is not too long, else an empty one.
    pub fn at_most<T>(self, mut list: Vec<T>, max: usize) -> Vec<T> {
        if list.len() > max {
            self.refuse(format!("expected at most {max}"));
            list.clear();
        }
        list
    }

    /// The same, with each of its items checked.
    pub fn each_of<T>(self, list: Vec<T>, max: usize, check: impl Fn(Decoder<'_>, &T)) -> Vec<T> {
        let list = self.at_most(list, max);
        for (index, item) in list.iter().enumerate() {
            check(self.item(index), item);
        }
        list
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Request => Ok(()),
            Place::Field(Place::Request, name) => f.write_str(name),
            Place::Field(parent, name) => write!(f, "{parent}.{name}"),
            Place::Item(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// The paths of the fields that are refused.
#[cfg(test)]
pub fn refused<T>(read: impl FnOnce(Decoder<'_>) -> T) -> Vec<String> {
    let list = decode(|at| Some(read(at))).err().map(Violations::into_list).unwrap_or_default();
    list.into_iter().map(|violation| violation.field).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_spelt_as_in_the_proto() {
        let fields = refused(|at| {
            at.field("price").field("variants").item(3).field("input_per_million").refuse("");
            at.field("price").refuse("");
        });
        assert_eq!(fields, ["price.variants[3].input_per_million", "price"]);
    }

    #[test]
    fn violations_are_bounded_and_never_forgotten() {
        assert!(decode(|_| Some(())).is_ok());
        let fields = refused(|at| {
            for _ in 0..1_000 {
                at.field("field").refuse("expected less");
            }
        });
        assert_eq!(fields.len(), VIOLATIONS_MAX);
    }

    #[test]
    fn values_are_kept_to_their_bounds() {
        let fields = refused(|at| {
            assert_eq!(at.field("number").number(3, 0..=3), 3);
            assert_eq!(at.field("below").number(-1, 0..=3), 0);
            assert_eq!(at.field("above").number(4, 0..=3), 3);
            assert_eq!(at.field("list").at_most(vec![1, 2], 2), [1, 2]);
            assert!(at.field("long").at_most(vec![1, 2], 1).is_empty());
            let is_even = |at: Decoder<'_>, item: &i32| at.ensure(item % 2 == 0, "expected even");
            assert_eq!(at.field("items").each_of(vec![2, 3, 4, 5], 4, is_even), [2, 3, 4, 5]);
            assert_eq!(at.message("message", Some(1)).unwrap().1, 1);
            assert!(at.message("absent", None::<i32>).is_none());
            assert_eq!(at.message_or_default("none", None::<i32>).1, 0);
        });
        assert_eq!(fields, ["below", "above", "long", "items[1]", "items[3]", "absent", "none"]);
    }
}
