//! Contexts that a provider keeps: conversations, earlier responses, cached content. A request that
//! goes on with one is billed for what is in it, which is not in the request.
//!
//! Of each the last known number of tokens is remembered, by the hash of its id: were two ever the
//! same, a hold would be too large or too small, and nothing else.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashMap};

/// How many contexts the ledger remembers, the oldest forgotten first.
pub const CONTEXTS_MAX: usize = 10_000;

#[derive(Default)]
pub struct Contexts {
    tokens: HashMap<u64, i64>,
    /// In the order in which they were first noted; from `oldest` on, once there are as many as are
    /// kept.
    order: Vec<u64>,
    oldest: usize,
    hasher: DefaultHashBuilder,
}

impl Contexts {
    /// The tokens that a context had last; 0 if it is not known.
    pub fn tokens(&self, id: &str) -> i64 {
        if id.is_empty() || self.tokens.is_empty() {
            return 0;
        }
        self.tokens.get(&self.hasher.hash_one(id)).copied().unwrap_or(0)
    }

    /// Remembers how many tokens a context has now.
    pub fn note(&mut self, id: &str, tokens: i64) {
        let hash = self.hasher.hash_one(id);
        if self.tokens.insert(hash, tokens).is_some() {
            return;
        }
        if self.order.len() < CONTEXTS_MAX {
            self.order.push(hash);
            return;
        }
        let forgotten = std::mem::replace(&mut self.order[self.oldest], hash);
        self.oldest = (self.oldest + 1) % CONTEXTS_MAX;
        self.tokens.remove(&forgotten);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_of_each_is_remembered_and_the_oldest_forgotten() {
        let mut contexts = Contexts::default();
        assert_eq!(contexts.tokens("resp_0"), 0);
        contexts.note("resp_0", 5);
        contexts.note("resp_0", 7);
        assert_eq!((contexts.tokens("resp_0"), contexts.tokens("")), (7, 0));
        for number in 1..=CONTEXTS_MAX {
            contexts.note(&format!("resp_{number}"), 1);
        }
        assert_eq!(contexts.tokens("resp_0"), 0, "the oldest");
        assert_eq!(contexts.tokens("resp_1"), 1);
        assert_eq!((contexts.tokens.len(), contexts.order.len()), (CONTEXTS_MAX, CONTEXTS_MAX));
        contexts.note("one more", 2);
        assert_eq!((contexts.tokens("resp_1"), contexts.tokens("one more")), (0, 2));
    }
}
