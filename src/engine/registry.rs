//! The registry of loaded workspaces: a sharded map with lock-free reads. Every check reads it, and
//! contention for a lock, or for a reference count, would cost as much as the decision itself.

use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use hashbrown::{DefaultHashBuilder, HashMap};

use super::workspace::WorkspaceHandle;

/// An insert copies its shard, so there are many.
const SHARDS: usize = 1_024;

type Shard = HashMap<Arc<str>, Arc<WorkspaceHandle>>;

pub(super) struct Registry {
    shards: Box<[ArcSwap<Shard>]>,
    hasher: DefaultHashBuilder,
    /// Serializes inserts; reads do not take it.
    inserting: Mutex<()>,
}

impl Default for Registry {
    fn default() -> Registry {
        let shards = (0..SHARDS).map(|_| ArcSwap::default()).collect();
        Registry { shards, hasher: DefaultHashBuilder::default(), inserting: Mutex::new(()) }
    }
}

impl Registry {
    /// Runs `use_it` with the workspace, if it is loaded and sound. Takes no reference count.
    pub fn with<T>(&self, id: &str, use_it: impl FnOnce(&Arc<WorkspaceHandle>) -> T) -> Option<T> {
        let shard = self.shard(id).load();
        shard.get(id).filter(|handle| !handle.has_failed()).map(use_it)
    }

    /// One whose ledger has failed, until it is loaded again.
    pub fn failed(&self, id: &str) -> Option<Arc<WorkspaceHandle>> {
        self.shard(id).load().get(id).filter(|handle| handle.has_failed()).cloned()
    }

    pub fn get(&self, id: &str) -> Option<Arc<WorkspaceHandle>> {
        self.with(id, Arc::clone)
    }

    pub fn insert(&self, handle: Arc<WorkspaceHandle>) {
        let _inserting = self.inserting.lock().unwrap_or_else(PoisonError::into_inner);
        let shard = self.shard(handle.id());
        let mut changed = Shard::clone(&shard.load());
        changed.insert(handle.id().clone(), handle);
        shard.store(Arc::new(changed));
    }

    /// Every workspace that is sound, in no particular order.
    pub fn sound(&self) -> Vec<Arc<WorkspaceHandle>> {
        let mut sound = self.all();
        sound.retain(|handle| !handle.has_failed());
        sound
    }

    /// Every workspace, also those whose ledgers have failed.
    pub fn all(&self) -> Vec<Arc<WorkspaceHandle>> {
        let mut all = Vec::new();
        for shard in &self.shards {
            all.extend(shard.load().values().cloned());
        }
        all
    }

    fn shard(&self, id: &str) -> &ArcSwap<Shard> {
        // The maps of shards have hashers of their own.
        let hash = self.hasher.hash_one(id) % self.shards.len() as u64;
        &self.shards[usize::try_from(hash).expect("less than the number of shards")]
    }
}
