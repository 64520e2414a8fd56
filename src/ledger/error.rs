//! Failures of the ledger, as opposed to refusals, which are decisions.

use crate::domain::Currency;

/// Why the ledger could not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("request_id is in use with other content")]
    RequestIdReused,
    #[error("no exchange rate from {from} to {to}")]
    ExchangeRateMissing { from: Currency, to: Currency },
    #[error("no live hold has this request_id")]
    HoldNotFound,
    #[error("{bound} is at most {max}")]
    BoundReached { bound: &'static str, max: i64 },
}
