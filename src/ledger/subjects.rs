//! Members that are bounded, and what each has used: found by kind and id.
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

use super::rate::Rate;
use super::rules::RuleSet;
use crate::domain::Time;
use crate::domain::attribution::SubjectKind;
use crate::domain::rate_limit::RateWindow;

/// What one rule has counted for one subject in one window. In the rule's unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counter {
    pub start: Time,
    pub spent: i64,
    pub held: i64,
    pub rule: u32,
    /// The highest threshold that an alert was raised for, in percent.
    pub alerted: u16,
}

pub struct Subject {
    pub kind: SubjectKind,
    /// Most ids are short: kept in place.
    pub id: SmolStr,
    hash: u64,
    /// Whether a rule names it: then it stays also while it is idle.
    pub named: bool,
    /// Whether it waits to be ranked anew.
    pub ranking_is_due: bool,
    /// Live holds that count here.
    pub holds: u32,
    pub set: Arc<RuleSet>,
    pub counters: SmallVec<[Counter; 1]>,
    pub rates: Vec<Rate>,
}

#[derive(Default)]
pub struct Subjects {
    slots: Slab<Subject>,
    table: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Subject {
    /// What a rule has counted in the window that began at `start`.
    pub fn counted(&self, rule: u32, start: Time) -> Counter {
        let found = self.counters.iter().find(|c| c.rule == rule && c.start == start);
        found.copied().unwrap_or(Counter { start, spent: 0, held: 0, rule, alerted: 0 })
    }

    pub fn counter(&mut self, rule: u32, start: Time) -> &mut Counter {
        let position = self.counters.iter().position(|c| c.rule == rule && c.start == start);
        let position = position.unwrap_or_else(|| {
            self.counters.push(Counter { start, spent: 0, held: 0, rule, alerted: 0 });
            self.counters.len() - 1
        });
        &mut self.counters[position]
    }

    pub fn rate(&self, rule: u32) -> Option<&Rate> {
        self.rates.iter().find(|rate| rate.rule == rule)
    }

    pub fn rate_mut(&mut self, rule: u32, span: RateWindow) -> &mut Rate {
        let position = self.rates.iter().position(|rate| rate.rule == rule);
        let position = position.unwrap_or_else(|| {
            self.rates.push(Rate::new(rule, span));
            self.rates.len() - 1
        });
        &mut self.rates[position]
    }

    /// Forgets what was counted for a rule that is gone, or is counted anew.
    pub fn forget(&mut self, rule: u32) {
        self.counters.retain(|counter| counter.rule != rule);
        self.rates.retain(|rate| rate.rule != rule);
    }
}

impl Subjects {
    pub fn get(&self, slot: u32) -> &Subject {
        &self.slots[slot as usize]
    }

    pub fn get_mut(&mut self, slot: u32) -> &mut Subject {
        &mut self.slots[slot as usize]
    }

    pub fn len(&self) -> usize {
        self.slots.len()
    }

    pub fn find(&self, kind: SubjectKind, id: &str) -> Option<u32> {
        let same = |slot: &u32| {
            let subject = &self.slots[*slot as usize];
            subject.kind == kind && subject.id.as_str() == id
        };
        self.table.find(self.hash(kind, id), same).copied()
    }

    /// Adds a subject that is not here.
    pub fn add(&mut self, kind: SubjectKind, id: &str, set: Arc<RuleSet>, named: bool) -> u32 {
        let hash = self.hash(kind, id);
        let subject = Subject {
            kind,
            id: id.into(),
            hash,
            named,
            ranking_is_due: false,
            holds: 0,
            set,
            counters: SmallVec::new(),
            rates: Vec::new(),
        };
        let slot = u32::try_from(self.slots.insert(subject)).expect("members are bounded");
        let slots = &self.slots;
        self.table.insert_unique(hash, slot, |slot| slots[*slot as usize].hash);
        slot
    }

    /// Gives a subject another id, which nobody here has.
    pub fn rename(&mut self, slot: u32, id: &str) {
        let subject = &self.slots[slot as usize];
        let (before, hash) = (subject.hash, self.hash(subject.kind, id));
        if let Ok(entry) = self.table.find_entry(before, |other| *other == slot) {
            entry.remove();
        }
        let subject = &mut self.slots[slot as usize];
        subject.id = id.into();
        subject.hash = hash;
        let slots = &self.slots;
        self.table.insert_unique(hash, slot, |slot| slots[*slot as usize].hash);
    }

    /// Takes out a subject that is idle.
    pub fn remove(&mut self, slot: u32) {
        let subject = self.slots.remove(slot as usize);
        assert!(subject.holds == 0, "a member with holds is not idle");
        if let Ok(entry) = self.table.find_entry(subject.hash, |other| *other == slot) {
            entry.remove();
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (u32, &Subject)> {
        self.slots.iter().map(|(slot, subject)| (slot as u32, subject))
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = (u32, &mut Subject)> {
        self.slots.iter_mut().map(|(slot, subject)| (slot as u32, subject))
    }

    /// Whether there is one in a slot.
    pub fn contains(&self, slot: u32) -> bool {
        self.slots.contains(slot as usize)
    }

    /// Slots are numbered below this.
    pub fn slot_end(&self) -> u32 {
        u32::try_from(self.slots.capacity()).unwrap_or(u32::MAX)
    }

    fn hash(&self, kind: SubjectKind, id: &str) -> u64 {
        self.hasher.hash_one((kind as u8, id))
    }
}
