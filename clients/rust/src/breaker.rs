//! The circuit breaker: while the server does not answer, one call at a time probes it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tonic::Status;

use crate::errors::is_unreached;

/// How the status of a call begins that was not made.
const EARLIER: &str = "an earlier call was not answered: ";

/// Lets all calls pass until one is not answered; then one after each pause, until one is.
#[derive(Debug)]
pub(crate) struct Breaker {
    /// Where the server is, for the log.
    pub(crate) address: String,
    /// The break duration; zero lets every call pass.
    pub(crate) pause: Duration,
    pub(crate) timeout: Duration,
    // Never held across an await.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// When the next call may pass; absent while all may.
    until: Option<Instant>,
    why: String,
    is_reached: bool,
    /// Since it was last answered.
    is_warned: bool,
}

/// A call that passed. If it is dropped somebody gave up, and the next call is to find out.
struct Passed<'a> {
    breaker: &'a Breaker,
    is_ended: bool,
}

impl Breaker {
    pub(crate) fn new(address: String, pause: Duration, timeout: Duration) -> Self {
        Self { address, pause, timeout, state: Mutex::default() }
    }

    /// Makes a call, if one may pass; otherwise it is `UNAVAILABLE` at once.
    pub(crate) async fn call<T>(
        &self,
        call: impl Future<Output = Result<T, Status>>,
    ) -> Result<T, Status> {
        self.enter()?;
        let mut passed = Passed { breaker: self, is_ended: false };
        let answer = call.await;
        passed.is_ended = true;
        match &answer {
            Err(status) if is_unreached(status.code()) => self.failed(status),
            _ => self.reached(),
        }
        answer
    }

    /// Whether a call was not made at all.
    pub(crate) fn is_open(status: &Status) -> bool {
        status.message().starts_with(EARLIER)
    }

    /// Takes note that the server has answered.
    pub(crate) fn reached(&self) {
        let mut state = self.lock();
        state.until = None;
        state.is_reached = true;
        state.is_warned = false;
    }

    /// Says that a call runs unchecked; loudly if no call ever was checked. Of those that do not
    /// wait only the first is said: there can be very many.
    pub(crate) fn warn(&self, status: &Status) {
        let (is_reached, is_warned) = {
            let mut state = self.lock();
            (state.is_reached, std::mem::replace(&mut state.is_warned, true))
        };
        let why = status.message();
        if is_warned && Self::is_open(status) {
            tracing::debug!("tollgate does not answer, running unchecked: {why}");
        } else if is_reached {
            tracing::warn!("tollgate does not answer, running unchecked: {why}");
        } else {
            let address = &self.address;
            tracing::error!(
                "tollgate has NEVER answered at {address} since this client was made: running \
                 unchecked, so no limit holds. Is this its address? {why}"
            );
        }
    }

    fn enter(&self) -> Result<(), Status> {
        let mut state = self.lock();
        let Some(until) = state.until else { return Ok(()) };
        let now = Instant::now();
        if now < until {
            return Err(Status::unavailable(format!("{EARLIER}{}", state.why)));
        }
        // Until it has its answer; if it never says, for as long as it can take.
        state.until = Some(now + self.timeout + self.pause);
        Ok(())
    }

    fn failed(&self, status: &Status) {
        if self.pause.is_zero() {
            return;
        }
        let mut state = self.lock();
        state.until = Some(Instant::now() + self.pause);
        status.message().clone_into(&mut state.why);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Passed<'_> {
    fn drop(&mut self) {
        if !self.is_ended {
            let mut state = self.breaker.lock();
            state.until = state.until.map(|_| Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    const PAUSE: Duration = Duration::from_secs(10);

    fn breaker() -> Breaker {
        Breaker::new("here".to_owned(), PAUSE, PAUSE)
    }

    fn down() -> std::future::Ready<Result<u8, Status>> {
        ready(Err(Status::unavailable("as the test wants it")))
    }

    #[tokio::test(start_paused = true)]
    async fn one_call_finds_out() {
        let breaker = breaker();
        assert!(!Breaker::is_open(&breaker.call(down()).await.unwrap_err()));
        for _ in 0..3 {
            let open = breaker.call(ready(Ok(1))).await.unwrap_err();
            assert!(Breaker::is_open(&open), "nobody else waits");
            assert!(open.message().contains("as the test wants it"));
        }
        tokio::time::advance(PAUSE).await;
        let probe = async {
            let other = breaker.call(ready(Ok(1))).await.unwrap_err();
            assert!(Breaker::is_open(&other), "one is enough");
            Ok(1)
        };
        assert_eq!(breaker.call(probe).await.unwrap(), 1);
        assert_eq!(breaker.call(ready(Ok(2))).await.unwrap(), 2, "all may pass");
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_leaves_it_to_the_next() {
        let breaker = breaker();
        breaker.call(down()).await.unwrap_err();
        tokio::time::advance(PAUSE).await;
        let given_up = breaker.call(pending::<Result<u8, Status>>());
        tokio::time::timeout(Duration::from_millis(1), given_up).await.unwrap_err();
        assert_eq!(breaker.call(ready(Ok(1))).await.unwrap(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn judgement_is_no_silence() {
        let breaker = breaker();
        for status in [Status::not_found(""), Status::unauthenticated("")] {
            breaker.call(ready(Err::<u8, _>(status))).await.unwrap_err();
            assert_eq!(breaker.call(ready(Ok(1))).await.unwrap(), 1);
        }
        let never = Breaker::new("here".to_owned(), Duration::ZERO, PAUSE);
        for _ in 0..2 {
            assert!(!Breaker::is_open(&never.call(down()).await.unwrap_err()));
        }
    }
}
