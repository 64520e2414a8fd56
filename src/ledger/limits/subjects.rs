//! The subjects that rules apply to, with their counters: found by kind and id.
//!
//! There may be a million, most of them idle: a subject that has used nothing in a running window,
//! and that no rule names, is not here at all.

use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::DefaultHashBuilder;
use hashbrown::hash_table::HashTable;
use slab::Slab;
use smallvec::SmallVec;
use smol_str::SmolStr;

use super::rule::RuleIndex;
use super::rules::RuleSet;
use super::sliding_window::SlidingWindow;
use crate::domain::Time;
use crate::domain::attribution::{SubjectKind, SubjectMap};
use crate::domain::rate_limit::RateWindow;

/// Position of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Slot(u32);

/// The subjects of a request, by kind.
pub type Slots = SubjectMap<Slot>;

/// What one rule has counted for one subject in one fixed window, in the rule's unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counter {
    pub start: Time,
    pub spent: i64,
    pub held: i64,
    pub rule: RuleIndex,
    /// The highest threshold that an alert was raised for, in percent.
    pub alerted: u16,
}

pub struct Subject {
    kind: SubjectKind,
    /// Most ids are short: kept in place.
    id: SmolStr,
    hash: u64,
    /// Whether a rule names it: then it is kept while idle.
    pub is_named: bool,
    /// Whether its place in the order by utilization may have changed.
    pub is_unsorted: bool,
    /// Live holds that count here.
    pub holds: u32,
    pub rules: Arc<RuleSet>,
    pub counters: SmallVec<[Counter; 1]>,
    pub sliding_windows: Vec<SlidingWindow>,
}

#[derive(Default)]
pub struct Subjects {
    slots: Slab<Subject>,
    table: HashTable<Slot>,
    hasher: DefaultHashBuilder,
    /// Position that the sweep for idle subjects has come to.
    cursor: usize,
}

impl Slot {
    /// The request names no subject of the kind, or no rule applies to it.
    pub const NONE: Slot = Slot(u32::MAX);
    /// A subject that has used nothing yet: it is added when something is held for it.
    pub const NEW: Slot = Slot(u32::MAX - 1);

    pub fn is_present(self) -> bool {
        self.0 < Slot::NEW.0
    }

    fn new(position: usize) -> Slot {
        Slot(u32::try_from(position).expect("subjects are bounded"))
    }

    fn get(self) -> usize {
        self.0 as usize
    }
}

/// The subjects that are present.
pub fn present(slots: &Slots) -> impl Iterator<Item = Slot> {
    slots.values().copied().filter(|slot| slot.is_present())
}

impl Subject {
    pub fn kind(&self) -> SubjectKind {
        self.kind
    }

    pub fn id(&self) -> &SmolStr {
        &self.id
    }

    /// What a rule has counted in the window that began at `start`.
    pub fn counted(&self, rule: RuleIndex, start: Time) -> Counter {
        let found = self.counters.iter().find(|c| c.rule == rule && c.start == start);
        found.copied().unwrap_or(Counter { start, spent: 0, held: 0, rule, alerted: 0 })
    }

    /// Finds or adds the counter of a rule in the window that began at `start`.
    pub fn counter(&mut self, rule: RuleIndex, start: Time) -> &mut Counter {
        let position = self.counters.iter().position(|c| c.rule == rule && c.start == start);
        let position = position.unwrap_or_else(|| {
            self.counters.push(Counter { start, spent: 0, held: 0, rule, alerted: 0 });
            self.counters.len() - 1
        });
        &mut self.counters[position]
    }

    pub fn sliding_window(&self, rule: RuleIndex) -> Option<&SlidingWindow> {
        self.sliding_windows.iter().find(|window| window.rule() == rule)
    }

    /// Finds or adds the sliding window of a rule.
    pub fn sliding_window_mut(&mut self, rule: RuleIndex, span: RateWindow) -> &mut SlidingWindow {
        let position = self.sliding_windows.iter().position(|window| window.rule() == rule);
        let position = position.unwrap_or_else(|| {
            self.sliding_windows.push(SlidingWindow::new(rule, span));
            self.sliding_windows.len() - 1
        });
        &mut self.sliding_windows[position]
    }

    /// Drops what was counted for a rule.
    pub fn forget(&mut self, rule: RuleIndex) {
        self.counters.retain(|counter| counter.rule != rule);
        self.sliding_windows.retain(|window| window.rule() != rule);
    }

    /// Whether nothing would be lost without it.
    pub fn is_idle(&self) -> bool {
        !self.is_named
            && self.holds == 0
            && self.sliding_windows.is_empty()
            && self.counters.iter().all(|counter| counter.spent == 0 && counter.held == 0)
    }
}

impl Subjects {
    pub fn get(&self, slot: Slot) -> &Subject {
        &self.slots[slot.get()]
    }

    pub fn get_mut(&mut self, slot: Slot) -> &mut Subject {
        &mut self.slots[slot.get()]
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
            counters: SmallVec::new(),
            sliding_windows: Vec::new(),
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

    pub fn contains(&self, slot: Slot) -> bool {
        self.slots.contains(slot.get())
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
