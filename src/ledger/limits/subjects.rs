//! The subjects that rules apply to, found by kind and id.
//!
//! There may be a million, most of them idle: a subject that has used nothing in a running window,
//! and that no rule names, is not here at all.

use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::DefaultHashBuilder;
use hashbrown::hash_table::HashTable;
use slab::Slab;
use smallvec::SmallVec;

use super::counters::Counters;
use super::rules::{KindSet, RuleSet};
use super::subject::Subject;
use crate::domain::attribution::{SubjectKind, SubjectMap};

/// Position of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Slot(u32);

/// The subjects of a request that rules apply to: one by kind, and its tags. There are a dozen
/// kinds, and most requests have subjects of few: only those are visited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slots {
    by_kind: SubjectMap<Slot>,
    /// Kinds that have a subject; never that of the tags.
    kinds: KindSet,
    tags: TagSlots,
}

/// The tags of a request that rules name, sorted by their keys. Mostly none: then this is one word
/// without memory behind it, because there are many holds.
pub type TagSlots = Option<Box<SmallVec<[Slot; 4]>>>;

#[derive(Default)]
pub struct Subjects {
    slots: Slab<Subject>,
    table: HashTable<Slot>,
    hasher: DefaultHashBuilder,
    /// Position that the sweep for idle subjects has come to.
    cursor: usize,
}

impl Slot {
    /// A subject that has used nothing yet: it is added when something is held for it.
    pub const NEW: Slot = Slot(u32::MAX);

    fn new(position: usize) -> Slot {
        Slot(u32::try_from(position).expect("subjects are bounded"))
    }

    fn get(self) -> usize {
        self.0 as usize
    }
}

impl Slots {
    /// No subjects.
    pub fn none() -> Slots {
        Slots { by_kind: SubjectMap::of(Slot::NEW), kinds: KindSet::default(), tags: None }
    }

    /// The subject of a kind; none if the request names none, or no rule applies to it. Not of
    /// tags.
    pub fn get(&self, kind: SubjectKind) -> Option<Slot> {
        self.kinds.contains(kind).then(|| self.by_kind[kind])
    }

    pub fn set(&mut self, kind: SubjectKind, slot: Slot) {
        assert!(kind != SubjectKind::Tag, "tags are several");
        self.by_kind[kind] = slot;
        self.kinds.set(kind, true);
    }

    pub fn set_tags(&mut self, tags: TagSlots) {
        self.tags = tags;
    }

    /// Adds a tag. False if it is there.
    pub fn add_tag(&mut self, tag: Slot) -> bool {
        let tags = self.tags.get_or_insert_default();
        let is_new = !tags.contains(&tag);
        if is_new {
            tags.push(tag);
        }
        is_new
    }

    /// Kinds that have one subject.
    pub fn kinds(&self) -> KindSet {
        self.kinds
    }

    /// Kinds that have one subject, with it, in the order in which limits are checked.
    pub fn one_by_kind(&self) -> impl Iterator<Item = (SubjectKind, Slot)> {
        self.kinds.iter().map(|kind| (kind, self.by_kind[kind]))
    }

    /// The tags, which are checked last.
    pub fn tags(&self) -> impl Iterator<Item = (SubjectKind, Slot)> {
        self.tags.iter().flat_map(|tags| tags.iter()).map(|slot| (SubjectKind::Tag, *slot))
    }

    /// All subjects with their kinds, in the order in which limits are checked.
    pub fn iter(&self) -> impl Iterator<Item = (SubjectKind, Slot)> {
        self.one_by_kind().chain(self.tags())
    }

    /// The subjects of some kinds.
    pub fn of_kinds(&self, kinds: KindSet) -> impl Iterator<Item = Slot> {
        let one_by_kind = self.kinds.intersect(kinds).iter().map(|kind| self.by_kind[kind]);
        let has_tags = kinds.contains(SubjectKind::Tag);
        let tags = self.tags.iter().filter(move |_| has_tags);
        one_by_kind.chain(tags.flat_map(|tags| tags.iter().copied()))
    }
}

impl Subjects {
    pub fn get(&self, slot: Slot) -> &Subject {
        &self.slots[slot.get()]
    }

    pub fn get_mut(&mut self, slot: Slot) -> &mut Subject {
        &mut self.slots[slot.get()]
    }

    /// The subject at a position, if it is used.
    pub fn at(&self, position: usize) -> Option<&Subject> {
        self.slots.get(position)
    }

    pub fn len(&self) -> usize {
        self.slots.len()
    }

    pub fn find(&self, kind: SubjectKind, id: &str) -> Option<Slot> {
        let is_same = |slot: &Slot| {
            let subject = &self.slots[slot.get()];
            subject.kind == kind && subject.id.as_str() == id
        };
        self.table.find(self.hash(kind, id), is_same).copied()
    }

    /// Adds a subject that is absent.
    pub fn add(&mut self, kind: SubjectKind, id: &str, rules: Arc<RuleSet>) -> Slot {
        let hash = self.hash(kind, id);
        let subject = Subject {
            kind,
            id: id.into(),
            hash,
            is_named: false,
            is_unsorted: false,
            holds: 0,
            rules,
            counters: Counters::default(),
        };
        let slot = Slot::new(self.slots.insert(subject));
        self.insert_in_table(slot, hash);
        slot
    }

    /// Gives a subject another id, which no other has.
    pub fn rename(&mut self, slot: Slot, id: &str) {
        let subject = &self.slots[slot.get()];
        let (before, hash) = (subject.hash, self.hash(subject.kind, id));
        self.remove_from_table(slot, before);
        let subject = &mut self.slots[slot.get()];
        subject.id = id.into();
        subject.hash = hash;
        self.insert_in_table(slot, hash);
    }

    /// Removes a subject that is idle.
    pub fn remove(&mut self, slot: Slot) {
        let subject = self.slots.remove(slot.get());
        assert!(subject.holds == 0, "a subject with holds is not idle");
        self.remove_from_table(slot, subject.hash);
    }

    pub fn iter(&self) -> impl Iterator<Item = (Slot, &Subject)> {
        self.slots.iter().map(|(position, subject)| (Slot::new(position), subject))
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = (Slot, &mut Subject)> {
        self.slots.iter_mut().map(|(position, subject)| (Slot::new(position), subject))
    }

    /// How many positions there are, used or not.
    pub fn capacity(&self) -> usize {
        self.slots.capacity()
    }

    /// Steps to the next position, after the last to the first. Returns it if it is used.
    pub fn step(&mut self) -> Option<Slot> {
        let position = self.cursor;
        self.cursor = (position + 1) % self.slots.capacity().max(1);
        self.slots.contains(position).then(|| Slot::new(position))
    }

    fn insert_in_table(&mut self, slot: Slot, hash: u64) {
        let slots = &self.slots;
        self.table.insert_unique(hash, slot, |slot| slots[slot.get()].hash);
    }

    fn remove_from_table(&mut self, slot: Slot, hash: u64) {
        if let Ok(entry) = self.table.find_entry(hash, |other| *other == slot) {
            entry.remove();
        }
    }

    fn hash(&self, kind: SubjectKind, id: &str) -> u64 {
        self.hasher.hash_one((kind as u8, id))
    }
}
