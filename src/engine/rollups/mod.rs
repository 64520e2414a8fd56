//! Rollups: readers that need them up to date wait here for the task that folds the log into them.
//!
//! `tasks/fold.rs` sums records up; here its sums are written, through the writer.

mod refusals;
mod reports;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::error::Result;
use super::{Engine, Shared};
use crate::domain::Time;
use crate::storage::rollup::{FoldCursor, Folded};
pub(super) use refusals::PendingRefusals;
pub use reports::{LimitStatus, ReportBasis};

/// How long a caller waits for the fold; after that it gets what is folded.
pub const FOLD_WAIT_MAX: Duration = Duration::from_secs(1);

/// How far the fold has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoldedUpto {
    /// Position of the log.
    pub seq: i64,
    /// Everything that was acknowledged before this is folded.
    pub as_of: Time,
}

/// Signals between the fold and its readers, and the generation of erasures.
pub(super) struct FoldSignal {
    upto: watch::Sender<FoldedUpto>,
    requested: Notify,
    /// Number of erasures of users since the start.
    erasures: AtomicU64,
}

impl Default for FoldSignal {
    fn default() -> FoldSignal {
        let upto = FoldedUpto { seq: 0, as_of: Time::from_micros(0) };
        let upto = watch::Sender::new(upto);
        FoldSignal { upto, requested: Notify::new(), erasures: AtomicU64::new(0) }
    }
}

impl Engine {
    /// Waits until everything that is committed now is folded, at most [`FOLD_WAIT_MAX`], and
    /// returns how far the fold is then. Concurrent callers share one transaction.
    pub async fn fold_now(&self) -> FoldedUpto {
        let signal = &self.shared.fold_signal;
        // The clock first: every record that was acknowledged before `now` is in `committed`.
        let now = self.now();
        let committed = self.last_committed();
        let mut upto = signal.upto.subscribe();
        let folded = *upto.borrow_and_update();
        if folded.seq >= committed && !self.has_refusals() {
            return FoldedUpto { as_of: folded.as_of.max(now), ..folded };
        }
        signal.requested.notify_one();
        let done = upto.wait_for(|folded| folded.as_of >= now && folded.seq >= committed);
        // After a timeout the caller gets what is folded. The sender lives as long as the engine.
        let _ = tokio::time::timeout(FOLD_WAIT_MAX, done).await;
        *signal.upto.borrow()
    }

    /// How far the fold has come, without waking it.
    pub fn folded(&self) -> FoldedUpto {
        *self.shared.fold_signal.upto.borrow()
    }

    /// Waits until a caller needs what is not folded yet.
    pub async fn fold_requested(&self) {
        self.shared.fold_signal.requested.notified().await;
    }

    /// Publishes how far the fold has come.
    pub fn set_folded(&self, upto: FoldedUpto) {
        self.shared.fold_signal.upto.send_replace(upto);
    }

    /// The generation of erasures. Sums of an older generation must not be folded: they may name an
    /// erased user.
    pub fn erasures(&self) -> u64 {
        self.shared.erasures()
    }

    /// Adds to the rollups, together with the refusals of the batch of `to`, in order with other
    /// writes. Idempotent. Returns false without writing if a user was erased since the generation
    /// `erasures`: then the caller has to sum up again, from the cursor in storage.
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
            shared.refusals_stored(to.batch);
            Ok(true)
        })
        .await
    }
}

impl Shared {
    pub(super) fn erasures(&self) -> u64 {
        self.fold_signal.erasures.load(Ordering::Acquire)
    }

    /// To be called in the writer, after the commit: a reader that sees the new generation no
    /// longer finds the user in the log.
    pub(super) fn note_erasure(&self) {
        self.fold_signal.erasures.fetch_add(1, Ordering::AcqRel);
    }
}
