//! What the writer counts and measures of itself.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::{Entry, Recorded, WriterHandle};
use crate::domain::Time;
use crate::engine::error::{Error, Result};
use crate::storage;
use crate::storage::lease::boot_time;
use crate::telemetry::{self, RecordOutcome, WriteOutcome};

/// Marks the time in which a write waits for storage.
pub(super) struct Unanswered<'a>(&'a WriterHandle);

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        self.0.unanswered_since.store(0, Ordering::Relaxed);
        self.0.outage.tried();
    }
}

impl WriterHandle {
    /// A write is first tried at `began`.
    pub(super) fn unanswered(&self, began: Time) -> Unanswered<'_> {
        self.outage.tries(began);
        self.unanswered_since.store(boot_time(), Ordering::Relaxed);
        Unanswered(self)
    }

    /// How long the write under way has been waiting, with all its tries; zero without.
    pub fn oldest_age(&self) -> Duration {
        let micros = match self.unanswered_since.load(Ordering::Relaxed) {
            0 => 0,
            since => boot_time() - since,
        };
        Duration::from_micros(u64::try_from(micros).unwrap_or_default())
    }

    /// Records and jobs that wait.
    pub fn queued(&self) -> usize {
        self.queue.waiting()
    }
}

impl Recorded {
    /// Answers a report. Its caller may be gone; what is recorded is durable all the same.
    pub(super) fn answer(reply: oneshot::Sender<Result<Recorded>>, answer: Result<Recorded>) {
        let outcome = match &answer {
            Ok(recorded) if recorded.duplicate => RecordOutcome::Duplicate,
            Ok(recorded) => {
                telemetry::RECORDS_UNPRICED.add(u64::from(recorded.unpriced));
                telemetry::RECORDS_UNREAD.add(u64::from(recorded.unread));
                RecordOutcome::Recorded
            }
            Err(error) => outcome_of(error),
        };
        telemetry::RECORDS.at([outcome as usize]).inc();
        drop(reply.send(answer));
    }
}

impl Entry {
    pub(super) fn answer(self, answer: Result<Recorded>) {
        if let Some(reply) = self.reply {
            Recorded::answer(reply, answer);
        }
    }
}

/// Counts a report that the queue did not take.
pub(super) fn not_queued(error: &Error) {
    telemetry::RECORDS.at([outcome_of(error) as usize]).inc();
}

fn outcome_of(error: &Error) -> RecordOutcome {
    match error {
        Error::StorageUnavailable
        | Error::StorageOutage { .. }
        | Error::Overloaded { .. }
        | Error::Quarantined
        | Error::Stopping
        | Error::Internal(_)
        | Error::NotOwner { .. } => RecordOutcome::Failed,
        _ => RecordOutcome::Refused,
    }
}

/// Counts and measures one try of a write.
pub(super) async fn write<T>(
    write: impl Future<Output = storage::Result<T>>,
) -> storage::Result<T> {
    let start = Instant::now();
    let outcome = write.await;
    count(start, &outcome);
    outcome
}

fn count<T>(start: Instant, outcome: &storage::Result<T>) {
    telemetry::WRITE_DURATIONS.observe_since(start);
    let outcome = match outcome {
        Ok(_) => WriteOutcome::Applied,
        Err(storage::Error::NotApplied(_)) => WriteOutcome::NotApplied,
        Err(storage::Error::Unknown(_)) => WriteOutcome::Unknown,
        Err(storage::Error::Fenced) => WriteOutcome::Fenced,
        Err(storage::Error::Gone(_) | storage::Error::Corrupt(_)) => WriteOutcome::Broken,
    };
    telemetry::WRITES.at([outcome as usize]).inc();
}
