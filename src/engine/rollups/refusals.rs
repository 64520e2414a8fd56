//! Pending refusals: counts of blocked and routed checks on their way from ledgers to the rollups.
//!
//! A batch stays here until it is known to be stored: a retry has the same rows, so that nothing is
//! lost and nothing counts twice.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tracing::warn;

use crate::domain::Time;
use crate::domain::check::LimitKey;
use crate::engine::{Engine, Shared};
use crate::storage;
use crate::storage::rollup::{FoldCursor, Folded, RefusalRow};

/// Most rows in one batch, so that no transaction holds the writer up for long.
pub const REFUSAL_ROWS_MAX: usize = 5_000;

/// Pause after a failure at shutdown.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// Refusals that are not stored yet.
#[derive(Default)]
pub(in crate::engine) struct PendingRefusals {
    /// Whether a ledger may have some.
    counted: AtomicBool,
    /// Locked while rows are taken or copied.
    batch: Mutex<Batch>,
}

struct Batch {
    number: i64,
    /// Empty once they are stored.
    rows: Vec<RefusalRow>,
}

impl Default for Batch {
    fn default() -> Batch {
        Batch { number: i64::MIN, rows: Vec::new() }
    }
}

impl Engine {
    /// Whether checks were blocked or routed that are not folded yet.
    pub fn has_refusals(&self) -> bool {
        self.shared.has_refusals()
    }
}

impl Shared {
    /// To be called after a ledger has counted.
    pub(in crate::engine) fn note_refusal(&self) {
        self.refusals.counted.store(true, Ordering::Release);
    }

    /// The rows of a batch of the fold, each of its own key: the same ones at every try, none once
    /// it is stored.
    pub(in crate::engine) fn refusals_of(&self, number: i64) -> Vec<RefusalRow> {
        let mut batch = self.refusals.batch.lock().unwrap_or_else(PoisonError::into_inner);
        if number > batch.number {
            batch.number = number;
            if batch.rows.is_empty() {
                batch.rows = self.take_refusals();
            }
        }
        if number == batch.number { batch.rows.clone() } else { Vec::new() }
    }

    /// To be called once the batch is in storage.
    pub(in crate::engine) fn refusals_stored(&self, number: i64) {
        let mut batch = self.refusals.batch.lock().unwrap_or_else(PoisonError::into_inner);
        if number == batch.number {
            batch.rows.clear();
        }
    }

    /// Writes at shutdown what the fold has left. Retries for as long as storage may recover: the
    /// caller bounds how long.
    ///
    /// # Errors
    /// If this server must not write any more, or the cursor of the fold contradicts itself.
    pub(in crate::engine) async fn store_refusals(&self) -> storage::Result<()> {
        loop {
            match self.store_refusal_batch().await {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(storage::Error::NotApplied(cause)) => {
                    warn!(%cause, "counts of refusals are written later");
                    tokio::time::sleep(RETRY_PAUSE).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Writes one batch. Returns whether there may be more.
    async fn store_refusal_batch(&self) -> storage::Result<bool> {
        if !self.has_refusals() {
            return Ok(false);
        }
        let from = self.store.fold_cursor().await?;
        let to = FoldCursor { batch: from.batch + 1, ..from };
        let refusals = self.refusals_of(to.batch);
        let folded = Folded { refusals, ..Folded::default() };
        self.until_known(|| self.store.fold(from, to, &folded)).await?;
        self.refusals_stored(to.batch);
        Ok(true)
    }

    fn has_refusals(&self) -> bool {
        let batch = self.refusals.batch.lock().unwrap_or_else(PoisonError::into_inner);
        !batch.rows.is_empty() || self.refusals.counted.load(Ordering::Acquire)
    }

    /// Counts what is pending for one user for another instead. To be called in the writer, where
    /// no batch is being written.
    pub(in crate::engine) fn rename_refused(&self, workspace_id: &str, from: &str, to: &str) {
        let mut batch = self.refusals.batch.lock().unwrap_or_else(PoisonError::into_inner);
        for row in &mut batch.rows {
            if *row.workspace_id == *workspace_id && row.user_id == from {
                to.clone_into(&mut row.user_id);
            }
        }
        batch.rows.sort_by(|a, b| key(a).cmp(&key(b)));
        batch.rows.dedup_by(|row, kept| {
            let is_same = key(row) == key(kept);
            if is_same {
                kept.counts.add(&row.counts);
            }
            is_same
        });
        if let Some(workspace) = self.workspaces.get(workspace_id) {
            workspace.attempt(|ledger| ledger.rename_refused(from, to));
        }
    }

    fn take_refusals(&self) -> Vec<RefusalRow> {
        let mut rows = Vec::new();
        if !self.refusals.counted.swap(false, Ordering::AcqRel) {
            return rows;
        }
        let mut workspaces = self.workspaces.all();
        // In a defined order, so that a simulation is deterministic.
        workspaces.sort_by(|a, b| a.id().cmp(b.id()));
        for workspace in workspaces {
            // Also called at a stop because one of them has failed.
            let Some(mut ledger) = workspace.lock_sound() else { continue };
            for (key, counts) in ledger.take_refusals(REFUSAL_ROWS_MAX - rows.len()) {
                rows.push(RefusalRow {
                    workspace_id: workspace.id().clone(),
                    hour: key.hour,
                    limit: key.limit,
                    model_id: key.model_id,
                    user_id: key.user_id,
                    counts,
                });
            }
            if ledger.has_refusals() {
                self.note_refusal();
            }
        }
        rows
    }
}

fn key(row: &RefusalRow) -> (&str, Time, &LimitKey, &str, &str) {
    (&row.workspace_id, row.hour, &row.limit, &row.model_id, &row.user_id)
}
