//! Writes whose outcome is known when they return, and what follows for the server from one that
//! fails.

use std::future::Future;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tracing::{error, info, warn};

use super::outage::Written;
use super::{Committed, measure};
use crate::domain::Time;
use crate::domain::record::Record;
use crate::engine::Shared;
use crate::storage;
use crate::storage::log::{Appended, HoldChanges};
use crate::telemetry;

/// Pause before a write of unknown outcome is repeated, doubled up to the maximum.
const RETRY_PAUSE: Duration = Duration::from_millis(20);
const RETRY_PAUSE_MAX: Duration = Duration::from_secs(2);

impl Shared {
    /// [`Shared::append_with_holds`] without holds.
    ///
    /// # Errors
    /// If nothing was written.
    pub(in crate::engine) async fn append(
        &self,
        records: &[Record],
    ) -> storage::Result<Vec<Appended>> {
        self.append_with_holds(records, &HoldChanges::default()).await
    }

    /// Appends entries, with holds that have changed. An unknown outcome is resolved by appending
    /// the same again until storage says which (I4, I13): never guessed, however long it takes.
    ///
    /// # Errors
    /// If nothing was written.
    pub(in crate::engine) async fn append_with_holds(
        &self,
        records: &[Record],
        holds: &HoldChanges,
    ) -> storage::Result<Vec<Appended>> {
        if !records.is_empty() {
            telemetry::COMMIT_RECORDS.observe(records.len() as u64);
        }
        self.until_known(|| self.store.append_with_holds(records, holds)).await
    }

    /// Sends what was committed to the fold. A full queue is no loss: the fold sees the gap and
    /// reads the log.
    pub(in crate::engine) fn publish(&self, records: Vec<Record>) {
        let Some(last) = records.last() else { return };
        let upto = last.seq;
        let erasures = self.erasures();
        let after = self.writer.last_committed.swap(upto, Ordering::Relaxed);
        let _ = self.writer.committed.try_send(Committed { after, upto, erasures, records });
    }

    /// Runs an idempotent write until its outcome is known.
    pub(in crate::engine) async fn until_known<T, F>(
        &self,
        mut write: impl FnMut() -> F,
    ) -> storage::Result<T>
    where
        F: Future<Output = storage::Result<T>>,
    {
        let mut pause = RETRY_PAUSE;
        let mut in_doubt = false;
        let began = self.clock.now();
        let _unanswered = self.writer.unanswered(began);
        loop {
            self.writer.outage.write_begins();
            let outcome = measure::write(write()).await;
            self.writer.outage.write_ends();
            self.note_storage(&outcome, Written::Data, began);
            match outcome {
                Err(storage::Error::Unknown(cause)) => {
                    warn!(%cause, "outcome of a write is not known yet");
                    in_doubt = true;
                }
                // An earlier try may have been applied.
                Err(storage::Error::NotApplied(cause)) if in_doubt => {
                    warn!(%cause, "outcome of a write is still not known");
                }
                known => return known,
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(RETRY_PAUSE_MAX);
        }
    }

    /// Notes the outcome of a write that was first tried at `began`.
    pub(in crate::engine) fn note_storage<T>(
        &self,
        outcome: &storage::Result<T>,
        written: Written,
        began: Time,
    ) {
        if self.writer.outage.note(outcome.is_ok(), written, began) {
            match outcome {
                Ok(_) => info!("storage takes writes again"),
                Err(_) => warn!("storage takes no writes: checks go on as workspaces say"),
            }
        }
        if let Err(storage::Error::Fenced) = outcome {
            error!("another server has taken over this database: stopping");
            self.writer.fatal.cancel();
        }
        if let Err(error @ storage::Error::Gone(_)) = outcome {
            error!("{error}: stopping");
            self.writer.fatal.cancel();
        }
    }
}
