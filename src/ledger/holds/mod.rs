//! Holds: live ones by request id and by time of expiry, and those that expired lately.
//!
//! Keeps and finds them; meters and limits count them. There may be a million, so that a step
//! touches as little cold memory as it can.

mod hold;
mod expiry;

use std::collections::{BTreeMap, VecDeque};
use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::DefaultHashBuilder;
use hashbrown::hash_table::{Entry, HashTable};
use slab::Slab;

use super::error::Error;

pub use hold::{EXPIRY_STEP, Hold, expiry};

/// Most holds that are kept after they expired unsettled.
pub const EXPIRED_HOLDS_MAX: usize = 1_000;

#[derive(Default)]
pub struct Holds {
    nodes: Slab<Node>,
    by_request: HashTable<u32>,
    hasher: DefaultHashBuilder,
    /// First node of the list of each step of expiry.
    by_expiry: BTreeMap<i64, u32>,
    /// Requests whose hold has expired and whose estimate is to be charged.
    due_charges: Vec<Arc<str>>,
    /// Holds that expired unsettled lately, oldest first.
    expired: VecDeque<Hold>,
    expired_count: i64,
}

/// A hold with its hash and its neighbours in the list of holds that expire in the same step.
struct Node {
    hash: u64,
    previous: u32,
    next: u32,
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

    pub fn get(&self, request_id: &str) -> Option<&Hold> {
        self.find(request_id).map(|node| &self.nodes[node as usize].hold)
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
        let hash = self.hasher.hash_one(&*hold.request_id);
        let node = u32::try_from(self.nodes.vacant_key()).expect("holds are bounded");
        let nodes = &self.nodes;
        let is_same = |other: &u32| nodes[*other as usize].hold.request_id == hold.request_id;
        match self.by_request.entry(hash, is_same, |other| nodes[*other as usize].hash) {
            Entry::Vacant(vacant) => vacant.insert(node),
            Entry::Occupied(_) => panic!("one hold for a request"),
        };
        self.nodes.insert(Node { hash, previous: NONE, next: NONE, hold });
        self.link(node, expire_time);
    }

    pub fn remove(&mut self, request_id: &str) -> Option<Hold> {
        let node = self.find(request_id)?;
        self.unlink(node);
        Some(self.remove_node(node))
    }

    /// Live holds in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &Hold> {
        self.nodes.iter().map(|(_, node)| &node.hold)
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Hold> {
        self.nodes.iter_mut().map(|(_, node)| &mut node.hold)
    }

    fn find(&self, request_id: &str) -> Option<u32> {
        let hash = self.hasher.hash_one(request_id);
        let is_same = |node: &u32| &*self.nodes[*node as usize].hold.request_id == request_id;
        self.by_request.find(hash, is_same).copied()
    }

    /// Removes a node that is in no list.
    fn remove_node(&mut self, node: u32) -> Hold {
        let Node { hash, hold, .. } = self.nodes.remove(node as usize);
        if let Ok(entry) = self.by_request.find_entry(hash, |other| *other == node) {
            entry.remove();
        }
        hold
    }
}
