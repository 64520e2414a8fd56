//! Live holds: found by request id, ended by their time.
//!
//! Keeps and finds them; what a hold takes from which meter is the ledger's business. There may be
//! a million, so a step touches as little cold memory as it can.

use std::collections::BTreeMap;
use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::DefaultHashBuilder;
use hashbrown::hash_table::{Entry, HashTable};
use slab::Slab;

use super::asking::Slots;
use crate::domain::attribution::{Attribution, PackedAttribution};
use crate::domain::catalog::price::Quote;
use crate::domain::check::{BudgetState, Reason, Verdict};
use crate::domain::quota::Consumption;
use crate::domain::time::Micros;
use crate::domain::usage::ServiceTier;
use crate::domain::{Amount, Time};

/// Holds end at whole steps of time: those of one step are in one list. Small, so that a request
/// at whose time many end is not delayed by them.
pub const EXPIRY_STEP: Micros = 1_000;

/// An amount set aside for a request in flight.
#[derive(Clone, Debug)]
pub struct Hold {
    pub request_id: Arc<str>,
    pub fingerprint: i64,
    /// Index of the model whose meter holds it.
    pub model: u32,
    pub held: Amount,
    pub held_tokens: i64,
    /// Subjects that it counts for.
    pub slots: Slots,
    /// Number of the group that its API key was in.
    pub group: u32,
    /// Names the windows that it is held in.
    pub check_time: Time,
    /// A whole number of steps.
    pub expire_time: Time,
    /// Absent if the model is unpriced.
    pub quote: Option<Quote>,
    pub tier: ServiceTier,
    /// What the check answered, to answer the same again: why it was routed, if it was.
    pub routed: Option<Reason>,
    pub state: BudgetState,
    pub verdicts: Option<Box<[Verdict]>>,
    pub attribution: Option<PackedAttribution>,
    /// Its time is up and its estimate is on the way to the log; it holds until that is settled.
    pub expiring: bool,
}

impl Hold {
    /// What it holds: a request, and what that may use.
    pub fn used(&self) -> Consumption {
        Consumption { money: self.held, tokens: self.held_tokens, requests: 1 }
    }

    pub fn attribution(&self) -> Option<Attribution> {
        self.attribution.as_ref().map(PackedAttribution::unpack)
    }
}

/// A hold with its hash and its neighbours in the list of holds that end in the same step.
struct Slot {
    hash: u64,
    previous: u32,
    next: u32,
    hold: Hold,
}

/// No neighbour.
const NONE: u32 = u32::MAX;

/// The live holds of one workspace.
#[derive(Default)]
pub struct Holds {
    slots: Slab<Slot>,
    by_request: HashTable<u32>,
    hasher: DefaultHashBuilder,
    /// First hold of each step of expiry.
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
        assert!(hold.expire_time.micros() % EXPIRY_STEP == 0, "expiry is a whole step");
        let expire_time = hold.expire_time;
        let hash = self.hasher.hash_one(&*hold.request_id);
        let slot = u32::try_from(self.slots.vacant_key()).expect("holds are bounded");
        let slots = &self.slots;
        let same = |other: &u32| slots[*other as usize].hold.request_id == hold.request_id;
        match self.by_request.entry(hash, same, |other| slots[*other as usize].hash) {
            Entry::Vacant(vacant) => vacant.insert(slot),
            Entry::Occupied(_) => panic!("one hold for a request"),
        };
        self.slots.insert(Slot { hash, previous: NONE, next: NONE, hold });
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
        self.unlink(slot);
        self.slots[slot as usize].hold.expiring = false;
        self.link(slot, expire_time);
    }

    /// Takes out a hold whose time is up at `now`: any of those that come first.
    pub fn take_expired(&mut self, now: Time) -> Option<Hold> {
        let slot = self.first_expired(now)?;
        self.unlink(slot);
        Some(self.forget(slot))
    }

    /// Names a hold whose time is up at `now`. It stays, marked as expiring, and is not named
    /// again.
    pub fn mark_expired(&mut self, now: Time) -> Option<Arc<str>> {
        let slot = self.first_expired(now)?;
        self.unlink(slot);
        let hold = &mut self.slots[slot as usize].hold;
        hold.expiring = true;
        Some(hold.request_id.clone())
    }

    /// When the next hold is up.
    pub fn next_expiry(&self) -> Option<Time> {
        let (&step, _) = self.by_expiry.first_key_value()?;
        Some(Time::from_micros(step * EXPIRY_STEP))
    }

    /// Holds in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &Hold> {
        self.slots.iter().map(|(_, slot)| &slot.hold)
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Hold> {
        self.slots.iter_mut().map(|(_, slot)| &mut slot.hold)
    }

    fn first_expired(&self, now: Time) -> Option<u32> {
        let (&step, &slot) = self.by_expiry.first_key_value()?;
        (step * EXPIRY_STEP <= now.micros()).then_some(slot)
    }

    fn slot(&self, request_id: &str) -> Option<u32> {
        let hash = self.hasher.hash_one(request_id);
        let same = |slot: &u32| &*self.slots[*slot as usize].hold.request_id == request_id;
        self.by_request.find(hash, same).copied()
    }

    /// Takes a hold that is in no list out of the index.
    fn forget(&mut self, slot: u32) -> Hold {
        let Slot { hash, hold, .. } = self.slots.remove(slot as usize);
        if let Ok(entry) = self.by_request.find_entry(hash, |other| *other == slot) {
            entry.remove();
        }
        hold
    }

    fn link(&mut self, slot: u32, expire_time: Time) {
        let step = expire_time.micros() / EXPIRY_STEP;
        let next = self.by_expiry.insert(step, slot).unwrap_or(NONE);
        if next != NONE {
            self.slots[next as usize].previous = slot;
        }
        let slot = &mut self.slots[slot as usize];
        slot.hold.expire_time = expire_time;
        slot.previous = NONE;
        slot.next = next;
    }

    /// Takes a hold out of its list; does nothing for one that was taken out.
    fn unlink(&mut self, slot: u32) {
        let Slot { previous, next, ref hold, .. } = self.slots[slot as usize];
        if hold.expiring {
            return;
        }
        let step = hold.expire_time.micros() / EXPIRY_STEP;
        if next != NONE {
            self.slots[next as usize].previous = previous;
        }
        if previous != NONE {
            self.slots[previous as usize].next = next;
        } else if next != NONE {
            self.by_expiry.insert(step, next);
        } else {
            self.by_expiry.remove(&step);
        }
    }
}
