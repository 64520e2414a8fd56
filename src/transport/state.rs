//! What a connection has open and in memory: calls, bytes that are received, bytes that are not
//! sent.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::unsent::{KIB, Reserve};
use crate::limits;

/// What all connections share.
pub(super) struct Budgets {
    /// Places for answers, in KiB.
    answers: Arc<Semaphore>,
    upload_bytes: AtomicUsize,
}

impl Budgets {
    pub fn new() -> Arc<Budgets> {
        let answers = Arc::new(Semaphore::new(limits::ANSWER_BYTES_MAX / KIB));
        Arc::new(Budgets { answers, upload_bytes: AtomicUsize::new(0) })
    }
}

/// Of one connection.
pub struct State {
    budgets: Arc<Budgets>,
    /// In flight: until the answer has been handed to HTTP.
    calls: AtomicUsize,
    /// Whether a call began since the connection was looked at.
    is_active: AtomicBool,
    /// Places for answers, in KiB.
    answers: Arc<Semaphore>,
    unread: Mutex<Unread>,
    upload_bytes: AtomicUsize,
}

/// Parts of answers that are handed to HTTP and not sent, with when they were.
#[derive(Default)]
struct Unread {
    next: u64,
    /// The first one is the oldest.
    since: BTreeMap<u64, Instant>,
}

impl State {
    pub(super) fn new(budgets: Arc<Budgets>) -> Arc<State> {
        Arc::new(State {
            budgets,
            calls: AtomicUsize::new(0),
            is_active: AtomicBool::new(true),
            answers: Arc::new(Semaphore::new(limits::ANSWER_BYTES_PER_CONNECTION_MAX / KIB)),
            unread: Mutex::default(),
            upload_bytes: AtomicUsize::new(0),
        })
    }

    /// Whether there is no call, and none began since it was asked last.
    pub(super) fn is_idle(&self) -> bool {
        let was_active = self.is_active.swap(false, Relaxed);
        !was_active && !self.has_calls()
    }

    pub(super) fn has_calls(&self) -> bool {
        self.calls.load(Relaxed) > 0
    }

    /// Whether a part of an answer has waited this long.
    pub(super) fn is_unread_for(&self, wait: Duration) -> bool {
        let unread = self.unread();
        unread.since.first_key_value().is_some_and(|(_, since)| since.elapsed() >= wait)
    }

    /// Waits until there is room for an answer of this size.
    pub async fn reserve(self: Arc<State>, bytes: usize) -> Reserve {
        let kib = u32::try_from(bytes.div_ceil(KIB)).unwrap_or(u32::MAX);
        let acquire = async |places: &Arc<Semaphore>| {
            places.clone().acquire_many_owned(kib).await.expect("it is never closed")
        };
        // That of the connection first: one that has much unsent holds up no other.
        let own = acquire(&self.answers).await;
        let shared = acquire(&self.budgets.answers).await;
        Reserve::new(self, own, shared)
    }

    /// Room of so many KiB that is free now.
    pub(super) fn try_acquire(
        &self,
        kib: usize,
    ) -> Option<(OwnedSemaphorePermit, OwnedSemaphorePermit)> {
        let kib = u32::try_from(kib).ok()?;
        let acquire = |places: &Arc<Semaphore>| places.clone().try_acquire_many_owned(kib).ok();
        Some((acquire(&self.answers)?, acquire(&self.budgets.answers)?))
    }

    /// Notes a part that is handed over; returns its number.
    pub(super) fn hand_over(&self) -> u64 {
        let mut unread = self.unread();
        let number = unread.next;
        unread.next += 1;
        unread.since.insert(number, Instant::now());
        number
    }

    pub(super) fn sent(&self, number: u64) {
        self.unread().since.remove(&number);
    }

    fn unread(&self) -> MutexGuard<'_, Unread> {
        self.unread.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// A call in flight, until it is dropped.
pub(super) struct Call(Arc<State>);

impl Call {
    pub fn begin(state: &Arc<State>) -> Call {
        state.calls.fetch_add(1, Relaxed);
        state.is_active.store(true, Relaxed);
        Call(state.clone())
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.0.calls.fetch_sub(1, Relaxed);
        self.0.is_active.store(true, Relaxed);
    }
}

/// Bytes of a request that are received; given back when it is dropped.
pub struct Upload {
    state: Arc<State>,
    bytes: usize,
}

impl Upload {
    pub fn new(state: Arc<State>) -> Upload {
        Upload { state, bytes: 0 }
    }

    /// Counts more of them; whether there is room.
    pub fn add(&mut self, bytes: usize) -> bool {
        self.bytes += bytes;
        let own = self.state.upload_bytes.fetch_add(bytes, Relaxed) + bytes;
        let shared = self.state.budgets.upload_bytes.fetch_add(bytes, Relaxed) + bytes;
        own <= limits::UPLOAD_BYTES_PER_CONNECTION_MAX && shared <= limits::UPLOAD_BYTES_MAX
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        self.state.upload_bytes.fetch_sub(self.bytes, Relaxed);
        self.state.budgets.upload_bytes.fetch_sub(self.bytes, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_idle_between_two_looks_without_a_call() {
        let state = State::new(Budgets::new());
        assert!(!state.is_idle(), "it has just been opened");
        assert!(state.is_idle());
        let call = Call::begin(&state);
        assert!(!state.is_idle() && !state.is_idle());
        drop(call);
        assert!(!state.is_idle(), "a call has just ended");
        assert!(state.is_idle());
    }

    #[test]
    fn bytes_that_are_received_are_bounded_and_given_back() {
        let budgets = Budgets::new();
        let state = State::new(budgets.clone());
        let mut first = Upload::new(state.clone());
        assert!(first.add(limits::UPLOAD_BYTES_PER_CONNECTION_MAX));
        let mut second = Upload::new(state.clone());
        assert!(!second.add(1));
        drop((first, second));
        assert!(Upload::new(state).add(limits::UPLOAD_BYTES_PER_CONNECTION_MAX));
        assert_eq!(budgets.upload_bytes.load(Relaxed), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_has_room_until_it_is_sent() {
        let budgets = Budgets::new();
        let state = State::new(budgets.clone());
        let all = limits::ANSWER_BYTES_PER_CONNECTION_MAX;
        let reserve = state.clone().reserve(all).await;
        let part = reserve.hand_over(Bytes::from(vec![7; 3 * KIB])).unwrap();
        assert_eq!(part.len(), 3 * KIB);
        // What the answer did not need is free, and what is not sent is not.
        assert_eq!(state.answers.available_permits(), all / KIB - 3);
        let wait = Duration::from_secs(1);
        assert!(!state.is_unread_for(wait));
        tokio::time::advance(wait).await;
        assert!(state.is_unread_for(wait));
        let slice = part.slice(1..2);
        drop(part);
        assert!(state.is_unread_for(wait));
        drop(slice);
        assert!(!state.is_unread_for(wait));
        assert_eq!(state.answers.available_permits(), all / KIB);
        assert_eq!(budgets.answers.available_permits(), limits::ANSWER_BYTES_MAX / KIB);
    }

    #[tokio::test]
    async fn an_answer_that_is_larger_than_expected_takes_what_is_free() {
        let state = State::new(Budgets::new());
        let small = state.clone().reserve(KIB).await;
        let part = small.hand_over(Bytes::from(vec![7; 9 * KIB])).unwrap();
        let all = limits::ANSWER_BYTES_PER_CONNECTION_MAX / KIB;
        assert_eq!(state.answers.available_permits(), all - 9);
        let small = state.clone().reserve(KIB).await;
        assert!(small.hand_over(Bytes::from(vec![7; all * KIB])).is_none());
        drop(part);
        assert_eq!(state.answers.available_permits(), all);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_waits_for_room_of_its_connection_and_of_all() {
        let budgets = Budgets::new();
        let all = limits::ANSWER_BYTES_PER_CONNECTION_MAX;
        let mut held = Vec::new();
        for _ in 0..limits::ANSWER_BYTES_MAX / all {
            held.push(State::new(budgets.clone()).reserve(all).await);
        }
        let other = State::new(budgets.clone());
        let wait = Duration::from_secs(1);
        assert!(tokio::time::timeout(wait, other.clone().reserve(1)).await.is_err());
        held.pop();
        let _taken = other.reserve(1).await;
    }
}
