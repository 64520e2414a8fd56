//! What is known of storage by its answers to writes: since when it has not answered, which write
//! takes long, and since when what was to be written is not. While an outage is known, callers are
//! refused at once instead of waiting for their deadline.
//!
//! Renewals of the lease are small writes of a row that is there, which may succeed where nothing
//! new can be written, as on a full disk. So they begin an outage, and do not end one that other
//! writes have begun, as long as these are tried.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{info, warn};

use crate::domain::Time;
use crate::storage::lease::{boot_time, micros};

/// How long storage may fail before callers are refused at once, and how long after the last
/// failure they are: somebody has to find out that it answers again.
pub const OUTAGE_KNOWN_AFTER: Duration = Duration::from_secs(1);
/// A write that takes longer than this is one that is not answered.
const WRITE_AGE_MAX: Duration = Duration::from_secs(5);
/// How long no other write must have failed for a renewal to end an outage: then nobody has tried.
const RENEWALS_SUFFICE_AFTER: Duration = Duration::from_secs(15);
/// No time.
const NONE: i64 = 0;

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// The lease, and nothing else.
    Renewal,
    Data,
}

pub(super) struct Outage {
    start: Instant,
    /// Microseconds from `start` to the first failure after the last success, or [`NONE`].
    since: AtomicI64,
    /// To the last failure.
    last_failure: AtomicI64,
    /// The same, of a write that was no renewal.
    last_data_failure: AtomicI64,
    /// [`Time`] at which the write under way was first tried, or [`NONE`].
    first_tried: AtomicI64,
    /// [`Time`] at which the oldest write began that storage has not taken, or [`NONE`].
    unwritten_since: AtomicI64,
    /// The same of the last outage: each has a time of its own, by which it is known.
    last_since: AtomicI64,
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
            last_data_failure: AtomicI64::new(NONE),
            first_tried: AtomicI64::new(NONE),
            unwritten_since: AtomicI64::new(NONE),
            last_since: AtomicI64::new(NONE),
            write_began: AtomicI64::new(NONE),
            answers: watch::Sender::new(true),
        }
    }
}

impl Outage {
    /// A write is tried, until it is known what became of it.
    pub fn tries(&self, began: Time) {
        self.first_tried.store(began.micros(), Ordering::Relaxed);
    }

    pub fn tried(&self) {
        self.first_tried.store(NONE, Ordering::Relaxed);
    }

    pub fn write_begins(&self) {
        self.write_began.store(boot_time(), Ordering::Relaxed);
    }

    pub fn write_ends(&self) {
        self.write_began.store(NONE, Ordering::Relaxed);
    }

    /// Notes whether storage has taken a write that was first tried at `began`. An outage that has
    /// begun keeps its time.
    pub fn note(&self, answers: bool, written: Written, began: Time) {
        self.note_answer(answers);
        let now = self.now();
        if !answers {
            if written == Written::Data {
                self.last_data_failure.store(now, Ordering::Relaxed);
            }
            self.begin(began);
            return;
        }
        let last_failure = self.last_data_failure.load(Ordering::Relaxed);
        let is_tried = last_failure != NONE && now - last_failure < micros(RENEWALS_SUFFICE_AFTER);
        let suffices = written == Written::Data || !(is_tried || self.is_stuck());
        if suffices {
            self.last_data_failure.store(NONE, Ordering::Relaxed);
            if self.unwritten_since.swap(NONE, Ordering::Relaxed) != NONE {
                info!("storage takes writes again");
            }
        }
    }

    /// A write that takes too long begins an outage before it fails. Whether there is one.
    pub fn note_stuck(&self) -> bool {
        let is_stuck = self.is_stuck();
        let tried = self.first_tried.load(Ordering::Relaxed);
        if is_stuck && tried != NONE {
            self.begin(Time::from_micros(tried));
        }
        is_stuck
    }

    /// When the oldest write began that storage has not taken; none while it takes them.
    #[inline]
    pub fn unwritten_since(&self) -> Option<Time> {
        match self.unwritten_since.load(Ordering::Relaxed) {
            NONE => None,
            since => Some(Time::from_micros(since)),
        }
    }

    fn begin(&self, began: Time) {
        let oldest = match self.first_tried.load(Ordering::Relaxed) {
            NONE => began.micros(),
            tried => began.micros().min(tried),
        };
        let since = oldest.max(self.last_since.load(Ordering::Relaxed) + 1);
        let (order, known) = (Ordering::Relaxed, Ordering::Relaxed);
        let has_begun = self.unwritten_since.compare_exchange(NONE, since, order, known).is_ok();
        if has_begun {
            self.last_since.store(since, Ordering::Relaxed);
            warn!("storage takes no writes: checks go on as far as their workspaces say");
        }
    }

    fn note_answer(&self, answers: bool) {
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
        self.note_stuck()
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

    fn note(outage: &Outage, answers: bool) {
        outage.note(answers, Written::Data, Time::EARLIEST);
    }

    #[tokio::test(start_paused = true)]
    async fn an_outage_is_as_old_as_the_oldest_write_that_failed() {
        let outage = Outage::default();
        let at = |seconds: i64| Time::EARLIEST + seconds * 1_000_000;
        assert_eq!(outage.unwritten_since(), None);
        outage.tries(at(5));
        outage.note(false, Written::Renewal, at(7));
        outage.note(false, Written::Data, at(5));
        outage.note(false, Written::Renewal, at(8));
        assert_eq!(outage.unwritten_since(), Some(at(5)));
        outage.note(true, Written::Data, at(5));
        outage.tried();
        outage.note(true, Written::Data, at(8));
        assert_eq!(outage.unwritten_since(), None);
        // Another one at the same time is another one.
        outage.note(false, Written::Renewal, at(5));
        assert_eq!(outage.unwritten_since(), Some(at(5) + 1));
    }

    #[tokio::test(start_paused = true)]
    async fn renewals_end_no_outage_of_other_writes_while_these_are_tried() {
        let outage = Outage::default();
        let pass = |millis| tokio::time::advance(Duration::from_millis(millis));
        let at = Time::EARLIEST;
        // One of renewals alone.
        outage.note(false, Written::Renewal, at);
        outage.note(true, Written::Renewal, at);
        assert_eq!(outage.unwritten_since(), None);
        outage.note(false, Written::Data, at);
        for _ in 0..3 {
            pass(14_999).await;
            outage.note(true, Written::Renewal, at);
            // Another one than before, which began at the same time.
            assert_eq!(outage.unwritten_since(), Some(at + 1));
            outage.note(false, Written::Data, at);
        }
        pass(15_000).await;
        outage.note(true, Written::Renewal, at);
        assert_eq!(outage.unwritten_since(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn an_outage_is_known_after_a_second_of_failures() {
        let outage = Outage::default();
        let pass = |millis| tokio::time::advance(Duration::from_millis(millis));
        pass(5_000).await;
        assert!(!outage.is_known() && *outage.answers().borrow());
        note(&outage, false);
        assert!(!outage.is_known() && !*outage.answers().borrow());
        pass(999).await;
        note(&outage, false);
        assert!(!outage.is_known());
        pass(1).await;
        assert!(outage.is_known());
        note(&outage, true);
        assert!(!outage.is_known() && *outage.answers().borrow());
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_is_let_through_when_nobody_has_tried_for_a_second() {
        let outage = Outage::default();
        let pass = |millis| tokio::time::advance(Duration::from_millis(millis));
        note(&outage, false);
        pass(1_500).await;
        assert!(!outage.is_known());
        note(&outage, false);
        assert!(outage.is_known());
        pass(1_000).await;
        assert!(!outage.is_known());
    }
}
