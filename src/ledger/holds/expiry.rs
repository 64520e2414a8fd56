//! Expiry of holds: a list of them for each step of time, and what became of those that expired.

use std::sync::Arc;

use super::{EXPIRED_HOLDS_MAX, EXPIRY_STEP, Hold, Holds, NONE, Node};
use crate::domain::Time;

impl Holds {
    /// Moves the expiry of a hold.
    pub fn extend(&mut self, request_id: &str, expire_time: Time) {
        let Some(node) = self.find(request_id) else { return };
        self.unlink(node);
        self.nodes[node as usize].hold.expiring = false;
        self.link(node, expire_time);
        self.note_changed(node);
    }

    /// Removes a hold that has expired: any of those of the first step.
    pub fn take_expired(&mut self, now: Time) -> Option<Hold> {
        let node = self.first_expired(now)?;
        self.unlink(node);
        Some(self.remove_node(node))
    }

    /// Marks holds that have expired, each once, as due to be charged: they hold until then.
    /// Removes and returns one that is not to be charged, because `only_answered` ones are and
    /// nobody was answered that it is held.
    pub fn mark_expired(&mut self, now: Time, only_answered: bool) -> Option<Hold> {
        while let Some(node) = self.first_expired(now) {
            self.unlink(node);
            let expired = &mut self.nodes[node as usize];
            if only_answered && !expired.stored.is_answered() {
                return Some(self.remove_node(node));
            }
            expired.hold.expiring = true;
            self.due_charges.push(expired.hold.request_id.clone());
        }
        None
    }

    /// Takes the requests whose estimates are to be charged.
    pub fn take_due_charges(&mut self) -> Vec<Arc<str>> {
        std::mem::take(&mut self.due_charges)
    }

    /// Puts back requests whose charge could not be written.
    pub fn put_back_due_charges(&mut self, requests: impl IntoIterator<Item = Arc<str>>) {
        self.due_charges.extend(requests);
    }

    /// Whether a charge is due, or a hold expires by `now`.
    pub fn has_due(&self, now: Time) -> bool {
        !self.due_charges.is_empty() || self.first_expired(now).is_some()
    }

    /// Keeps a hold that expired unsettled, in place of the oldest if there are too many.
    pub fn keep_expired(&mut self, hold: Hold) {
        self.expired_count += 1;
        if self.expired.len() == EXPIRED_HOLDS_MAX {
            self.expired.pop_front();
        }
        self.expired.push_back(hold);
    }

    /// Holds that expired unsettled lately, oldest first.
    pub fn expired(&self) -> impl Iterator<Item = &Hold> {
        self.expired.iter()
    }

    /// How many holds expired unsettled.
    pub fn expired_count(&self) -> i64 {
        self.expired_count
    }

    /// Live holds and those that are kept after they expired.
    pub fn all_mut(&mut self) -> impl Iterator<Item = &mut Hold> {
        let live = self.nodes.iter_mut().map(|(_, node)| &mut node.hold);
        live.chain(&mut self.expired)
    }

    fn first_expired(&self, now: Time) -> Option<u32> {
        let (&step, &node) = self.by_expiry.first_key_value()?;
        (step * EXPIRY_STEP <= now.micros()).then_some(node)
    }

    /// Puts a node into the list of its step.
    pub(super) fn link(&mut self, node: u32, expire_time: Time) {
        let step = expire_time.micros() / EXPIRY_STEP;
        let next = self.by_expiry.insert(step, node).unwrap_or(NONE);
        if next != NONE {
            self.nodes[next as usize].previous = node;
        }
        let node = &mut self.nodes[node as usize];
        node.hold.expire_time = expire_time;
        node.previous = NONE;
        node.next = next;
    }

    /// Takes a node out of its list; one that is being charged is in none.
    pub(super) fn unlink(&mut self, node: u32) {
        let Node { previous, next, ref hold, .. } = self.nodes[node as usize];
        if hold.expiring {
            return;
        }
        let step = hold.expire_time.micros() / EXPIRY_STEP;
        if next != NONE {
            self.nodes[next as usize].previous = previous;
        }
        if previous != NONE {
            self.nodes[previous as usize].next = next;
        } else if next != NONE {
            self.by_expiry.insert(step, next);
        } else {
            self.by_expiry.remove(&step);
        }
    }
}
