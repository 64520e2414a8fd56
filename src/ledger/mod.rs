//! The pure core: it decides everything and touches nothing.
//!
//! No async, clock, log, database or transport in here; time, ids and randomness are arguments.

mod error;
pub mod limit;
pub mod meter;
mod rate;
mod rules;
mod subjects;
mod keys;
pub mod output;
pub mod hold;
mod state;
mod asking;
mod check;
mod choose;
mod settle;
pub mod refusal;
mod change;
mod policy;
mod counting;
mod departments;
mod erasure;
mod raise;
mod ranking;
mod stop;
mod view;
mod invariants;

pub use change::RestoredHold;
pub use check::PreparedCheck;
pub use departments::DEPARTMENT_USERS_MAX;
pub use erasure::{PSEUDONYM_PREFIX, UserTraces};
pub use error::Error;
pub use ranking::{QuotaUsage, UsageFilter, UsagePosition};
pub use settle::WINDOW_SPENT_MAX;
pub use state::{EXPIRED_HOLDS_MAX, Ledger, WindowSpend};
pub use view::{BudgetView, HoldView, ModelView};
