//! What is known of storage by its answers to writes: since when it has not answered, and which
//! write takes long. While an outage is known, callers are refused at once instead of waiting for
//! their deadline.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::storage::lease::{boot_time, micros};

/// How long storage may fail before callers are refused at once, and how long after the last
/// failure they are: somebody has to find out that it answers again.
pub const OUTAGE_KNOWN_AFTER: Duration = Duration::from_secs(1);
/// A write that takes longer than this is one that is not answered.
const WRITE_AGE_MAX: Duration = Duration::from_secs(5);
/// No time.
const NONE: i64 = 0;

pub(super) struct Outage {
    start: Instant,
    /// Microseconds from `start` to the first failure after the last success, or [`NONE`].
    since: AtomicI64,
    /// To the last failure.
    last_failure: AtomicI64,
    /// [`boot_time`] at which the write began that has not ended, or [`NONE`].
    write_began: AtomicI64,
    answers: watch::Sender<bool>,
}

impl Default for Outage {
    fn default() -> Outage {
        Outage {
            start: Instant::now(),
            since: AtomicI64::new(NONE),
            last_failure: AtomicI64::new(NONE),
            write_began: AtomicI64::new(NONE),
            answers: watch::Sender::new(true),
        }
    }
}

impl Outage {
    pub fn write_begins(&self) {
        self.write_began.store(boot_time(), Ordering::Relaxed);
    }

    pub fn write_ends(&self) {
        self.write_began.store(NONE, Ordering::Relaxed);
    }

    /// Notes whether storage has answered a write.
    pub fn note(&self, answers: bool) {
        if answers {
            self.since.store(NONE, Ordering::Relaxed);
        } else {
            let now = self.now();
            self.last_failure.store(now, Ordering::Relaxed);
            // Another failure at the same time is as good.
            if self.since.load(Ordering::Relaxed) == NONE {
                self.since.store(now, Ordering::Relaxed);
            }
        }
        self.answers.send_if_modified(|known| std::mem::replace(known, answers) != answers);
    }

    /// Whether storage answered the last write.
    pub fn answers(&self) -> watch::Receiver<bool> {
        self.answers.subscribe()
    }

    /// Whether a write would wait for storage that does not answer.
    pub fn is_known(&self) -> bool {
        let since = self.since.load(Ordering::Relaxed);
        if since != NONE {
            let (now, known_after) = (self.now(), micros(OUTAGE_KNOWN_AFTER));
            let last_failure = self.last_failure.load(Ordering::Relaxed);
            if now - since >= known_after && now - last_failure < known_after {
                return true;
            }
        }
        self.is_stuck()
    }

    /// Whether a write takes longer than [`WRITE_AGE_MAX`].
    pub fn is_stuck(&self) -> bool {
        let began = self.write_began.load(Ordering::Relaxed);
        began != NONE && boot_time() - began > micros(WRITE_AGE_MAX)
    }

    fn now(&self) -> i64 {
        // Above NONE.
        micros(self.start.elapsed()).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_outage_is_known_after_a_second_of_failures() {
        let outage = Outage::default();
        let pass = |millis| tokio::time::advance(Duration::from_millis(millis));
        pass(5_000).await;
        assert!(!outage.is_known() && *outage.answers().borrow());
        outage.note(false);
        assert!(!outage.is_known() && !*outage.answers().borrow());
        pass(999).await;
        outage.note(false);
        assert!(!outage.is_known());
        pass(1).await;
        assert!(outage.is_known());
        outage.note(true);
        assert!(!outage.is_known() && *outage.answers().borrow());
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_is_let_through_when_nobody_has_tried_for_a_second() {
        let outage = Outage::default();
        let pass = |millis| tokio::time::advance(Duration::from_millis(millis));
        outage.note(false);
        pass(1_500).await;
        assert!(!outage.is_known());
        outage.note(false);
        assert!(outage.is_known());
        pass(1_000).await;
        assert!(!outage.is_known());
    }
}
