//! Which buckets can answer a question, and what of them.

use crate::storage::reports::{Axis, Filter, Source};
use crate::storage::rollup::{Dimension, Grain, tag_value, tag_values};
use crate::storage::{Error, Result};

/// Buckets of one table and dimension.
#[derive(Clone, Debug)]
pub struct Shape {
    pub grain: Grain,
    /// [`Dimension::Workspace`] where the question has no axis.
    pub dimension: Dimension,
    pub tag: Option<TagBuckets>,
    /// Where each of the axes that are told apart is found.
    pub groups: Vec<Place>,
    /// Only these values, as they are in buckets; those of a tag without the empty one.
    pub values: Option<Vec<String>>,
    pub models: Option<Vec<String>>,
    /// Whether nothing can match.
    pub is_empty: bool,
}

/// A column of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Value,
    Model,
}

/// The buckets of one key of tags lie between these, neither included: the first one is that of the
/// empty text, which counts as absent.
#[derive(Clone, Debug)]
pub struct TagBuckets {
    pub key: String,
    pub first: String,
    pub end: String,
    /// Whether entries without the tag count. They have no bucket: they are the whole less those
    /// that have it.
    pub absent: bool,
}

impl Shape {
    /// # Errors
    /// If the source does not know all axes.
    pub fn of(source: Source, groups: &[Axis], filters: &[Filter]) -> Result<Shape> {
        let mut axes: Vec<&Axis> = groups.iter().collect();
        for filter in filters {
            if !axes.contains(&&filter.axis) {
                axes.push(&filter.axis);
            }
        }
        let others: Vec<&Axis> =
            axes.iter().copied().filter(|axis| **axis != Axis::Of(Dimension::Model)).collect();
        let (grain, main) = match (source, axes.as_slice(), others.as_slice()) {
            (Source::Hours, [], _) => (Grain::Hour, None),
            (Source::Hours, [axis], _) => (Grain::Hour, Some(*axis)),
            (Source::Days | Source::DaysByModel, [], _) => (Grain::Day, None),
            (Source::Days | Source::DaysByModel, [axis], _) => (Grain::Day, Some(*axis)),
            (Source::DaysByModel, _, [axis]) => (Grain::DayByModel, Some(*axis)),
            _ => return Err(refused(&format!("{source:?} do not know all of {axes:?}"))),
        };
        let mut shape = Shape {
            grain,
            dimension: Dimension::Workspace,
            tag: None,
            groups: Vec::new(),
            values: None,
            models: None,
            is_empty: false,
        };
        match main {
            Some(Axis::Of(dimension)) => shape.dimension = *dimension,
            Some(Axis::Tag(key)) => {
                let (first, end) = tag_values(key);
                shape.dimension = Dimension::Tag;
                shape.tag = Some(TagBuckets { key: key.clone(), first, end, absent: true });
            }
            None => {}
        }
        shape.groups = groups.iter().map(|axis| shape.place(axis)).collect();
        for filter in filters {
            shape.restrict(shape.place(&filter.axis), &filter.values);
        }
        Ok(shape)
    }

    /// Only these values of a column, instead of those that it was restricted to before.
    pub fn restrict(&mut self, place: Place, values: &[String]) {
        // Each once: buckets are found from values.
        let mut values = values.to_vec();
        values.sort_unstable();
        values.dedup();
        if let (Place::Value, Some(tag)) = (place, &mut self.tag) {
            tag.absent = values.iter().any(String::is_empty);
            values.retain(|value| !value.is_empty());
            for value in &mut values {
                *value = tag_value(&tag.key, value);
            }
        }
        let absent = self.tag.as_ref().is_some_and(|tag| tag.absent);
        match place {
            Place::Value => {
                self.is_empty |= values.is_empty() && !absent;
                self.values = Some(values);
            }
            Place::Model => {
                self.is_empty |= values.is_empty();
                self.models = Some(values);
            }
        }
    }

    /// The value that a bucket has on its own axis: of a tag without its key.
    pub fn value<'t>(&self, text: &'t str) -> &'t str {
        match &self.tag {
            Some(tag) => text.strip_prefix(&*tag.first).unwrap_or(text),
            None => text,
        }
    }

    /// The value of a group.
    pub fn text<'t>(&self, group: usize, text: &'t str) -> &'t str {
        match self.groups.get(group) {
            Some(Place::Value) => self.value(text),
            Some(Place::Model) | None => text,
        }
    }

    fn place(&self, axis: &Axis) -> Place {
        let is_model = *axis == Axis::Of(Dimension::Model);
        if is_model && self.grain == Grain::DayByModel { Place::Model } else { Place::Value }
    }
}

/// Of a question that the contract does not know.
pub fn refused(why: &str) -> Error {
    Error::NotApplied(why.to_owned().into())
}
