//! How far what is derived from the log has come, and asking for what is missing.
//!
//! Folding is the business of `tasks/fold.rs`; this is where it tells how far it is, and where
//! others wake it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::error::Result;
use super::{Engine, Shared};
use crate::domain::Time;
use crate::storage::rollup::{FoldCursor, Folded};

/// How long a caller waits for the fold before it is answered what is folded.
pub const FOLD_WAIT_MAX: Duration = Duration::from_secs(1);

/// How far the fold has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoldedUpto {
    /// Position of the log.
    pub seq: i64,
    /// Everything that was acknowledged before is folded.
    pub as_of: Time,
}

/// Between the fold and those who ask it.
pub(super) struct FoldDesk {
    upto: watch::Sender<FoldedUpto>,
    asked: Notify,
    /// How often the log was changed under what is not folded yet.
    erasures: AtomicU64,
}

impl Default for FoldDesk {
    fn default() -> FoldDesk {
        let upto = FoldedUpto { seq: 0, as_of: Time::from_micros(0) };
        let upto = watch::Sender::new(upto);
        FoldDesk { upto, asked: Notify::new(), erasures: AtomicU64::new(0) }
    }
}

impl Engine {
    /// Folds what is committed by now, together with whoever else asks, and answers how far the
    /// fold is then. Where nothing is missing it answers at once; after [`FOLD_WAIT_MAX`] it
    /// answers what is folded.
    pub async fn fold_now(&self) -> FoldedUpto {
        let desk = &self.shared.fold_desk;
        // In this order: what is committed later is acknowledged later.
        let now = self.now();
        let committed = self.last_committed();
        let mut upto = desk.upto.subscribe();
        let folded = *upto.borrow_and_update();
        if folded.seq >= committed && !self.has_refusals() {
            return FoldedUpto { as_of: folded.as_of.max(now), ..folded };
        }
        desk.asked.notify_one();
        let done = upto.wait_for(|folded| folded.as_of >= now && folded.seq >= committed);
        // Late or not: what is folded is told. The sender lives as long as the engine.
        let _ = tokio::time::timeout(FOLD_WAIT_MAX, done).await;
        *desk.upto.borrow()
    }

    /// How far the fold has come, without asking it to go on.
    pub fn folded(&self) -> FoldedUpto {
        *self.shared.fold_desk.upto.borrow()
    }

    /// Waits until somebody asks for what is missing.
    pub async fn fold_asked(&self) {
        self.shared.fold_desk.asked.notified().await;
    }

    /// Tells how far the fold has come.
    pub fn set_folded(&self, upto: FoldedUpto) {
        self.shared.fold_desk.upto.send_replace(upto);
    }

    /// How many users were erased so far. What was summed up at another number is not to be
    /// folded: it may name one of them.
    pub fn erasures(&self) -> u64 {
        self.shared.erasures()
    }

    /// Adds to what is derived from the log, with the refusals of the batch `to`, in order with
    /// what is written. Safe to repeat. False, and nothing has changed, if a user was erased since
    /// `erasures`: then it is to be summed up anew, from where storage says the fold is.
    ///
    /// # Errors
    /// If storage fails: nothing has changed then.
    pub async fn fold(
        &self,
        erasures: u64,
        from: FoldCursor,
        to: FoldCursor,
        folded: Arc<Folded>,
    ) -> Result<bool> {
        self.in_writer(move |shared| async move {
            if erasures != shared.erasures() {
                return Ok(false);
            }
            let refusals = shared.refusals_of(to.batch);
            let folded = match refusals.is_empty() {
                true => folded,
                false => Arc::new(Folded { refusals, ..(*folded).clone() }),
            };
            shared.until_known(|| shared.store.fold(from, to, &folded)).await?;
            shared.refusals_kept(to.batch);
            Ok(true)
        })
        .await
    }
}

impl Shared {
    pub(super) fn erasures(&self) -> u64 {
        self.fold_desk.erasures.load(Ordering::Acquire)
    }

    /// To be called in the writer, after the commit: who reads this number, and then the log, reads
    /// it without the user.
    pub(super) fn note_erasure(&self) {
        self.fold_desk.erasures.fetch_add(1, Ordering::AcqRel);
    }
}
