//! Holds: live ones by request id and by time of expiry, and those that expired lately; and which
//! attempt of a request was recorded last.
//!
//! Keeps and finds them; meters and limits count them. There may be a million, so that a step
//! touches as little cold memory as it can.

mod hold;
mod expiry;
mod list;
mod order;
mod place;
mod stored;

use std::collections::{BTreeMap, VecDeque};
use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::DefaultHashBuilder;
use hashbrown::hash_table::{Entry, HashTable};
use slab::Slab;

use super::error::Error;
use order::CheckOrder;
use place::{Found, Place, RecordedRequests};
use stored::Unstored;

pub use hold::{EXPIRY_STEP, Hold, expiry};
pub use list::HoldFilter;
pub use place::RECORDED_REQUESTS_MAX;
pub use stored::Stored;

/// Most holds that are kept after they expired unsettled.
pub const EXPIRED_HOLDS_MAX: usize = 1_000;

#[derive(Default)]
pub struct Holds {
    nodes: Slab<Node>,
    by_request: HashTable<Place>,
    recorded: RecordedRequests,
    hasher: DefaultHashBuilder,
    /// First node of the list of each step of expiry.
    by_expiry: BTreeMap<i64, u32>,
    by_check: CheckOrder,
    /// Requests whose hold has expired and whose estimate is to be charged.
    due_charges: Vec<Arc<str>>,
    /// Holds that expired unsettled lately, oldest first.
    expired: VecDeque<Hold>,
    expired_count: i64,
    unstored: Unstored,
    /// Of the live ones, see [`Hold::bytes`].
    bytes: usize,
}

/// A hold with its hash and its neighbours in the list of holds that expire in the same step.
struct Node {
    hash: u64,
    previous: u32,
    next: u32,
    /// Where it is in the order of checks.
    run: u32,
    /// What storage has of it.
    stored: Stored,
    hold: Hold,
}

/// No neighbour.
const NONE: u32 = u32::MAX;

impl Holds {
    /// How many are live.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Bytes of memory that the live ones take.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Counts them again, after attributions have changed.
    pub fn count_bytes(&mut self) {
        self.bytes = self.iter().map(Hold::bytes).sum();
    }

    pub fn get(&self, request_id: &str) -> Option<&Hold> {
        self.find(request_id).map(|node| &self.nodes[node as usize].hold)
    }

    /// The live hold of a request; without one the attempt that comes after the last one that was
    /// recorded and is remembered.
    pub fn get_or_attempt(&self, request_id: &str) -> Result<&Hold, i32> {
        match self.find_place(self.hash(request_id), request_id) {
            Some(Found::Live(node)) => Ok(&self.nodes[node as usize].hold),
            Some(Found::Remembered(position)) => Err(self.recorded.get(position).attempt + 1),
            None => Err(0),
        }
    }

    /// A hold that has not expired. For its caller, one that is being charged has.
    ///
    /// # Errors
    /// If there is none.
    pub fn get_live(&self, request_id: &str) -> Result<&Hold, Error> {
        self.get(request_id).filter(|hold| !hold.expiring).ok_or(Error::HoldNotFound)
    }

    /// # Panics
    /// If there is a hold of this request: the caller has looked.
    pub fn insert(&mut self, hold: Hold) {
        assert!(hold.expire_time.micros() % EXPIRY_STEP == 0, "expiry is a whole step");
        let expire_time = hold.expire_time;
        let hash = self.hash(&hold.request_id);
        let node = u32::try_from(self.nodes.vacant_key()).expect("holds are bounded");
        let (nodes, recorded) = (&self.nodes, &self.recorded);
        let is_same = |place: &Place| is_at(nodes, recorded, *place, hash, &hold.request_id);
        match self.by_request.entry(hash, is_same, |place| hash_at(nodes, recorded, *place)) {
            Entry::Vacant(vacant) => drop(vacant.insert(Place::live(node))),
            Entry::Occupied(mut place) => {
                let Found::Remembered(position) = place.get().get() else {
                    panic!("one hold for a request")
                };
                *place.get_mut() = Place::live(node);
                self.recorded.get_mut(position).is_in_table = false;
            }
        }
        let run_of = |node: u32| self.nodes.get(node as usize).map(|other| other.run);
        let run = self.by_check.add(node, hold.check_time, run_of);
        let stored = Stored::default();
        self.bytes += hold.bytes();
        self.nodes.insert(Node { hash, previous: NONE, next: NONE, run, stored, hold });
        self.link(node, expire_time);
        self.note_changed(node);
    }

    /// Removes a hold that ends without a record.
    pub fn remove(&mut self, request_id: &str) -> Option<Hold> {
        let node = self.find(request_id)?;
        self.unlink(node);
        Some(self.remove_node(node))
    }

    /// Remembers that an attempt of a request was recorded. Removes and returns its live hold, if
    /// that is for this attempt or an earlier one.
    pub fn note_recorded(&mut self, request_id: &str, attempt: i32) -> Option<Hold> {
        let hash = self.hash(request_id);
        match self.find_place(hash, request_id) {
            Some(Found::Live(node)) if self.nodes[node as usize].hold.attempt > attempt => None,
            Some(Found::Live(node)) => {
                self.unlink(node);
                let hold = self.remove_node(node);
                self.remember(hash, request_id, attempt);
                Some(hold)
            }
            Some(Found::Remembered(_)) | None => {
                self.remember(hash, request_id, attempt);
                None
            }
        }
    }

    /// Live holds in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &Hold> {
        self.nodes.iter().map(|(_, node)| &node.hold)
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Hold> {
        self.nodes.iter_mut().map(|(_, node)| &mut node.hold)
    }

    /// Remembers an attempt of a request that has no live hold, unless a later one is.
    fn remember(&mut self, hash: u64, request_id: &str, attempt: i32) {
        if let Some(Found::Remembered(position)) = self.find_place(hash, request_id) {
            let known = self.recorded.get_mut(position);
            known.attempt = known.attempt.max(attempt);
            return;
        }
        let (position, forgotten) = self.recorded.add(hash, attempt);
        let place = Place::remembered(position);
        if let Some(forgotten) = forgotten.filter(|forgotten| forgotten.is_in_table)
            && let Ok(entry) = self.by_request.find_entry(forgotten.hash, |other| *other == place)
        {
            entry.remove();
        }
        let (nodes, recorded) = (&self.nodes, &self.recorded);
        self.by_request.insert_unique(hash, place, |place| hash_at(nodes, recorded, *place));
    }

    fn hash(&self, request_id: &str) -> u64 {
        self.hasher.hash_one(request_id)
    }

    fn find(&self, request_id: &str) -> Option<u32> {
        match self.find_place(self.hash(request_id), request_id) {
            Some(Found::Live(node)) => Some(node),
            Some(Found::Remembered(_)) | None => None,
        }
    }

    fn find_place(&self, hash: u64, request_id: &str) -> Option<Found> {
        let is_same = |place: &Place| is_at(&self.nodes, &self.recorded, *place, hash, request_id);
        self.by_request.find(hash, is_same).map(|place| place.get())
    }

    /// Removes a node that is in no list. That an earlier attempt was recorded is remembered.
    fn remove_node(&mut self, node: u32) -> Hold {
        let Node { hash, run, stored, hold, .. } = self.nodes.remove(node as usize);
        self.bytes -= hold.bytes();
        self.note_ended(stored, &hold.request_id);
        let nodes = &self.nodes;
        self.by_check.end(run, |node| nodes.get(node as usize).map(|other| other.run));
        let place = Place::live(node);
        if let Ok(entry) = self.by_request.find_entry(hash, |other| *other == place) {
            entry.remove();
        }
        if hold.attempt > 0 {
            self.remember(hash, &hold.request_id, hold.attempt - 1);
        }
        hold
    }
}

/// Whether a place is that of a request.
fn is_at(
    nodes: &Slab<Node>,
    recorded: &RecordedRequests,
    place: Place,
    hash: u64,
    request_id: &str,
) -> bool {
    match place.get() {
        Found::Live(node) => &*nodes[node as usize].hold.request_id == request_id,
        Found::Remembered(position) => recorded.get(position).hash == hash,
    }
}

fn hash_at(nodes: &Slab<Node>, recorded: &RecordedRequests, place: Place) -> u64 {
    match place.get() {
        Found::Live(node) => nodes[node as usize].hash,
        Found::Remembered(position) => recorded.get(position).hash,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_attempts_of_recent_requests_are_remembered() {
        let mut holds = Holds::default();
        let attempt = |holds: &Holds, id: &str| holds.get_or_attempt(id).map(|_| ()).unwrap_err();
        assert_eq!(attempt(&holds, "r0"), 0);
        for (recorded, next) in [(0, 1), (3, 4), (1, 4)] {
            assert!(holds.note_recorded("r0", recorded).is_none());
            assert_eq!(attempt(&holds, "r0"), next);
        }
        for number in 1..RECORDED_REQUESTS_MAX {
            holds.note_recorded(&format!("r{number}"), 0);
        }
        assert_eq!(attempt(&holds, "r0"), 4, "as many as are kept");
        holds.note_recorded("one more", 0);
        assert_eq!(attempt(&holds, "r0"), 0, "the oldest is forgotten");
        assert_eq!(attempt(&holds, "r1"), 1);
        for number in 0..3 * RECORDED_REQUESTS_MAX {
            holds.note_recorded(&format!("s{number}"), 7);
        }
        assert_eq!(attempt(&holds, "one more"), 0);
        assert_eq!(attempt(&holds, &format!("s{}", 2 * RECORDED_REQUESTS_MAX)), 8);
        assert_eq!(holds.by_request.len(), RECORDED_REQUESTS_MAX, "bounded");
        assert!(holds.is_empty());
    }
}
