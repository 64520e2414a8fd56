//! Live holds: found by request id, ended by their time.
//!
//! Keeps and finds them; what a hold takes from which meter is the ledger's business.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::HashTable;
use slab::Slab;

use super::amount::Amount;
use super::decision::{BudgetState, Verdict};
use super::price::{Rate, RateCard};
use super::time::{MICROS_PER_SECOND, Time};
use super::usage::{Attribution, ServiceTier};

/// Price and exchange rate that a request was estimated at, and will be billed at.
#[derive(Clone, Debug)]
pub struct Quote {
    pub card: Arc<RateCard>,
    pub rate: Rate,
}

/// An amount set aside for a request in flight.
#[derive(Clone, Debug)]
pub struct Hold {
    pub request_id: Arc<str>,
    pub fingerprint: i64,
    /// Index of the model whose meter holds it.
    pub model: usize,
    pub held: Amount,
    pub check_time: Time,
    /// Start of the window that it is held in.
    pub window_start: Time,
    /// A whole second.
    pub expire_time: Time,
    /// Absent if the model is unpriced.
    pub quote: Option<Quote>,
    pub tier: ServiceTier,
    /// What the check answered, to answer the same again.
    pub routed: bool,
    pub state: BudgetState,
    pub verdicts: Option<Box<[Verdict]>>,
    pub attribution: Option<Box<Attribution>>,
    /// Its time is up and its estimate is on the way to the log; it holds until that is settled.
    pub expiring: bool,
}

/// Neighbours in the list of holds that expire in the same second.
#[derive(Clone, Copy, Debug, Default)]
struct Links {
    previous: Option<u32>,
    next: Option<u32>,
}

/// A hold and its place in the list of its second.
struct Slot {
    hold: Hold,
    links: Links,
}

/// The live holds of one workspace.
#[derive(Default)]
pub struct Holds {
    slots: Slab<Slot>,
    by_request: HashTable<u32>,
    hasher: hashbrown::DefaultHashBuilder,
    /// First hold of each second of expiry.
    by_expiry: BTreeMap<i64, u32>,
}

impl Holds {
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    pub fn get(&self, request_id: &str) -> Option<&Hold> {
        self.slot(request_id).map(|slot| &self.slots[slot as usize].hold)
    }

    /// # Panics
    /// If there is a hold of this request: the caller looked.
    pub fn insert(&mut self, hold: Hold) {
        assert!(hold.expire_time.micros() % MICROS_PER_SECOND == 0, "expiry is a whole second");
        let expire_time = hold.expire_time;
        let hash = self.hash(&hold.request_id);
        assert!(self.slot(&hold.request_id).is_none(), "one hold for a request");
        let slot = self.slots.insert(Slot { hold, links: Links::default() });
        let slot = u32::try_from(slot).expect("holds are bounded");
        let (slots, hasher) = (&self.slots, &self.hasher);
        self.by_request.insert_unique(hash, slot, |other| {
            hash_of(hasher, &slots[*other as usize].hold.request_id)
        });
        self.link(slot, expire_time);
    }

    pub fn remove(&mut self, request_id: &str) -> Option<Hold> {
        let slot = self.slot(request_id)?;
        self.unlink(slot);
        Some(self.forget(slot))
    }

    /// Moves the expiry of a hold.
    pub fn extend(&mut self, request_id: &str, expire_time: Time) {
        let Some(slot) = self.slot(request_id) else { return };
        assert!(!self.slots[slot as usize].hold.expiring, "a hold that is up is not extended");
        self.unlink(slot);
        self.link(slot, expire_time);
    }

    /// A hold whose time is up at `now`: any of those that come first. It stays, marked as
    /// expiring, and is not named again.
    pub fn mark_next_expired(&mut self, now: Time) -> Option<Arc<str>> {
        let (&second, &slot) = self.by_expiry.first_key_value()?;
        if second * MICROS_PER_SECOND > now.micros() {
            return None;
        }
        self.unlink(slot);
        let hold = &mut self.slots[slot as usize].hold;
        hold.expiring = true;
        Some(hold.request_id.clone())
    }

    /// When the next hold is up.
    pub fn next_expiry(&self) -> Option<Time> {
        let (&second, _) = self.by_expiry.first_key_value()?;
        Some(Time::from_micros(second * MICROS_PER_SECOND))
    }

    /// Holds in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &Hold> {
        self.slots.iter().map(|(_, slot)| &slot.hold)
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Hold> {
        self.slots.iter_mut().map(|(_, slot)| &mut slot.hold)
    }

    fn slot(&self, request_id: &str) -> Option<u32> {
        let hash = self.hash(request_id);
        let same = |slot: &u32| &*self.slots[*slot as usize].hold.request_id == request_id;
        self.by_request.find(hash, same).copied()
    }

    fn hash(&self, request_id: &str) -> u64 {
        hash_of(&self.hasher, request_id)
    }

    fn forget(&mut self, slot: u32) -> Hold {
        let hash = self.hash(&self.slots[slot as usize].hold.request_id);
        if let Ok(entry) = self.by_request.find_entry(hash, |other| *other == slot) {
            entry.remove();
        }
        self.slots.remove(slot as usize).hold
    }

    fn link(&mut self, slot: u32, expire_time: Time) {
        let next = self.by_expiry.insert(expire_time.micros() / MICROS_PER_SECOND, slot);
        if let Some(next) = next {
            self.slots[next as usize].links.previous = Some(slot);
        }
        let slot = &mut self.slots[slot as usize];
        slot.hold.expire_time = expire_time;
        slot.links = Links { previous: None, next };
    }

    /// Takes a hold out of its second; does nothing for one that was taken out.
    fn unlink(&mut self, slot: u32) {
        let slot = &mut self.slots[slot as usize];
        if slot.hold.expiring {
            return;
        }
        let second = slot.hold.expire_time.micros() / MICROS_PER_SECOND;
        let Links { previous, next } = std::mem::take(&mut slot.links);
        if let Some(next) = next {
            self.slots[next as usize].links.previous = previous;
        }
        match (previous, next) {
            (Some(previous), _) => self.slots[previous as usize].links.next = next,
            (None, Some(next)) => {
                self.by_expiry.insert(second, next);
            }
            (None, None) => {
                self.by_expiry.remove(&second);
            }
        }
    }
}

fn hash_of(hasher: &hashbrown::DefaultHashBuilder, request_id: &str) -> u64 {
    std::hash::BuildHasher::hash_one(hasher, request_id)
}
