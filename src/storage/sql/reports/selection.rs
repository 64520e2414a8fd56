//! Selection: the buckets that a query reads, and which of their values.

use crate::domain::attribution::Dimension;
use crate::storage::reports::{Axis, Filter, Source};
use crate::storage::rollup::{Grain, tag_value, tag_values};
use crate::storage::{Error, Result};

/// Buckets of one table and dimension.
#[derive(Clone, Debug)]
pub struct Selection {
    pub grain: Grain,
    /// [`Dimension::Workspace`] where the query has no axis.
    pub dimension: Dimension,
    pub tag: Option<TagBuckets>,
    /// The column of each axis that the query groups by.
    pub groups: Vec<BucketColumn>,
    /// Only these values, as they are in buckets; those of a tag without the empty one.
    pub values: Option<Vec<String>>,
    pub models: Option<Vec<String>>,
    /// Whether nothing can match.
    pub is_empty: bool,
}

/// A column of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BucketColumn {
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
    /// Whether records without the tag count. They have no bucket: they are the whole less those
    /// that have it.
    pub absent: bool,
}

impl Selection {
    /// # Errors
    /// If the source does not know all axes.
    pub fn of(source: Source, groups: &[Axis], filters: &[Filter]) -> Result<Selection> {
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
        let mut selection = Selection {
            grain,
            dimension: Dimension::Workspace,
            tag: None,
            groups: Vec::new(),
            values: None,
            models: None,
            is_empty: false,
        };
        match main {
            Some(Axis::Of(dimension)) => selection.dimension = *dimension,
            Some(Axis::Tag(key)) => {
                let (first, end) = tag_values(key);
                selection.dimension = Dimension::Tag;
                selection.tag = Some(TagBuckets { key: key.clone(), first, end, absent: true });
            }
            None => {}
        }
        selection.groups = groups.iter().map(|axis| selection.place(axis)).collect();
        for filter in filters {
            selection.restrict(selection.place(&filter.axis), &filter.values);
        }
        Ok(selection)
    }

    /// Only these values of a column, instead of those that it was restricted to before.
    pub fn restrict(&mut self, place: BucketColumn, values: &[String]) {
        // Each once: buckets are found from values.
        let mut values = values.to_vec();
        values.sort_unstable();
        values.dedup();
        if let (BucketColumn::Value, Some(tag)) = (place, &mut self.tag) {
            tag.absent = values.iter().any(String::is_empty);
            values.retain(|value| !value.is_empty());
            for value in &mut values {
                *value = tag_value(&tag.key, value);
            }
        }
        let absent = self.tag.as_ref().is_some_and(|tag| tag.absent);
        match place {
            BucketColumn::Value => {
                self.is_empty |= values.is_empty() && !absent;
                self.values = Some(values);
            }
            BucketColumn::Model => {
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
            Some(BucketColumn::Value) => self.value(text),
            Some(BucketColumn::Model) | None => text,
        }
    }

    fn place(&self, axis: &Axis) -> BucketColumn {
        let is_model = *axis == Axis::Of(Dimension::Model);
        if is_model && self.grain == Grain::DayByModel {
            BucketColumn::Model
        } else {
            BucketColumn::Value
        }
    }
}

/// The error of a query that the contract does not allow.
pub fn refused(why: &str) -> Error {
    Error::NotApplied(why.to_owned().into())
}
