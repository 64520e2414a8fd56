//! How many distinct values each field of the attributions of one day has. Each is rows of rollups
//! that stay for ever, and callers may make up any number of values: beyond a bound they are
//! recorded as one. A flood of one field leaves the others as they are.
//!
//! What limits count stays as it is, whatever its number: a limit must be charged with what its
//! subject has spent.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::domain::Time;
use crate::domain::attribution::{Attribution, AttributionField, SubjectKind, tag_subject_id};
use crate::ledger::context::Context;
use crate::ledger::limits::Limits;

/// All tags count as one field.
const TAGS: &str = "tags";

/// Stands for values beyond the bound; as a tag, for its key and its value.
pub const OTHER_VALUE: &str = "(other)";

/// What was recorded on the running day, since the ledger was loaded.
#[derive(Debug, Default)]
pub struct DistinctValues {
    today: Time,
    /// By field, hashes of the day that is charged and the value. A late record makes rows of its
    /// own day.
    seen: HashMap<&'static str, HashSet<u64>>,
    other_count: i64,
}

impl DistinctValues {
    /// Values that were recorded as others.
    pub fn other_count(&self) -> i64 {
        self.other_count
    }

    /// Puts [`OTHER_VALUE`] in the place of values that are new, where `max` are known.
    pub fn bound(
        &mut self,
        (context, limits): (&Context, &Limits),
        charge_time: Time,
        max: usize,
        attribution: &mut Attribution,
    ) {
        if max == usize::MAX {
            return;
        }
        let today = context.windows().day.start;
        if self.today != today {
            self.seen.clear();
            self.today = today;
        }
        let day = context.day_start(charge_time);
        for field in AttributionField::ALL {
            let value = attribution.get(field);
            let is_limited = field.subject().is_some_and(|kind| limits.has_rules(kind));
            if !value.is_empty() && !is_limited && !self.takes(field.name(), (day, "", value), max)
            {
                OTHER_VALUE.clone_into(attribution.get_mut(field));
            }
        }
        self.bound_tags(limits, day, max, attribution);
    }

    fn bound_tags(
        &mut self,
        limits: &Limits,
        day: Time,
        max: usize,
        attribution: &mut Attribution,
    ) {
        let has_rules = limits.has_rules(SubjectKind::Tag);
        let before = attribution.tags.len();
        attribution.tags.retain(|key, value| {
            let is_named = |id: String| limits.rule_naming(SubjectKind::Tag, &id).is_some();
            let is_limited = has_rules && tag_subject_id(key, value).is_some_and(is_named);
            is_limited || self.takes(TAGS, (day, key, value), max)
        });
        if attribution.tags.len() < before {
            attribution.tags.insert(OTHER_VALUE.to_owned(), OTHER_VALUE.to_owned());
        }
    }

    /// Whether a value is known, or there is room for it.
    fn takes(&mut self, field: &'static str, value: (Time, &str, &str), max: usize) -> bool {
        if value.2 == OTHER_VALUE {
            return true;
        }
        // Without random keys, so that a simulation is deterministic.
        let mut hasher = DefaultHasher::new();
        value.hash(&mut hasher);
        let hash = hasher.finish();
        let seen = self.seen.entry(field).or_default();
        let takes = seen.contains(&hash) || (seen.len() < max && seen.insert(hash));
        self.other_count += i64::from(!takes);
        takes
    }
}
