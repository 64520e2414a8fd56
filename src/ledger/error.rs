//! Failures of the ledger. A refused request is no failure: it is a decision.

use crate::domain::Currency;
use crate::domain::record::ATTEMPT_MAX;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("request_id is in use with other content")]
    RequestIdReused,
    #[error("no exchange rate from {from} to {to}")]
    ExchangeRateMissing { from: Currency, to: Currency },
    /// Of a record whose hold is not known, with the fingerprint of what was sent.
    #[error("expected start_time at most 35 days in the past and a day in the future")]
    StartTimeOutOfRange { fingerprint: i64 },
    #[error("no live hold has this request_id")]
    HoldNotFound,
    /// A policy of the workspace ends its checks while storage takes no writes.
    #[error("storage takes no writes, and {limit} is reached")]
    StorageOutage { limit: &'static str },
    #[error("{bound} is at most {max}")]
    BoundReached { bound: &'static str, max: i64 },
}

impl Error {
    pub fn bound_reached(bound: &'static str, max: usize) -> Error {
        Error::BoundReached { bound, max: i64::try_from(max).unwrap_or(i64::MAX) }
    }

    /// Fails if an attempt is one too many of its request.
    pub fn check_attempt(attempt: i32) -> Result<(), Error> {
        let max = i64::from(ATTEMPT_MAX);
        match attempt <= ATTEMPT_MAX {
            true => Ok(()),
            false => Err(Error::BoundReached { bound: "attempts of a request", max }),
        }
    }

    /// Fails if `count` has reached `max`, so that one more would pass it.
    pub fn check_bound(count: usize, bound: &'static str, max: usize) -> Result<(), Error> {
        if count < max { Ok(()) } else { Err(Error::bound_reached(bound, max)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_may_be_reached_and_not_passed() {
        assert_eq!(Error::check_bound(0, "things", 2), Ok(()));
        assert_eq!(Error::check_bound(1, "things", 2), Ok(()));
        let reached = Err(Error::BoundReached { bound: "things", max: 2 });
        assert_eq!(Error::check_bound(2, "things", 2), reached);
        assert_eq!(Error::check_bound(3, "things", 2), reached);
        assert_eq!(Error::bound_reached("things", 2).to_string(), "things is at most 2");
    }
}
