//! What the writer counts and measures of itself.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::{QUEUE_COMMANDS_MAX, Recorded, WriterHandle};
use crate::engine::error::{Error, Result};
use crate::storage;
use crate::storage::lease::boot_time;
use crate::telemetry::{self, RecordOutcome, WriteOutcome};

/// Marks the time in which a write waits for storage.
pub(super) struct Unanswered<'a>(&'a WriterHandle);

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        self.0.unanswered_since.store(0, Ordering::Relaxed);
    }
}

impl WriterHandle {
    pub(super) fn unanswered(&self) -> Unanswered<'_> {
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

    /// Commands that wait.
    pub fn queued(&self) -> usize {
        QUEUE_COMMANDS_MAX - self.commands.capacity()
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
            Err(Error::StorageUnavailable | Error::Internal(_) | Error::NotOwner { .. }) => {
                RecordOutcome::Failed
            }
            Err(_) => RecordOutcome::Refused,
        };
        telemetry::RECORDS.at([outcome as usize]).inc();
        drop(reply.send(answer));
    }
}

/// Counts one try of a write.
pub(super) fn write_ended<T>(start: Instant, outcome: &storage::Result<T>) {
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
