//! The ledger: the deterministic state machine of one workspace that admits requests, prices
//! their usage and keeps spend within limits.
//!
//! Pure: no async, clock, log, database or transport; time, ids and randomness are arguments.
//!
//! A [`Ledger`] is made of parts, each with its own data and methods: the context (settings,
//! catalog, time), models, limits, holds, API keys, departments, alerts and refusals. A part is
//! given the context and never sees the ledger. Operations that need several parts are
//! `impl Ledger`: in `check/`, `settle/`, `admin/` and `state/`.

mod error;
mod context;
mod contexts;
mod models;
mod alerts;
mod limits;
mod keys;
mod departments;
mod freezes;
mod holds;
mod refusals;
mod state;
mod check;
mod settle;
mod admin;

pub use admin::erasure::{PSEUDONYM_PREFIX, UserTraces};
pub use check::prepared::PreparedCheck;
pub use departments::DEPARTMENT_USERS_MAX;
pub use error::Error;
pub use holds::{EXPIRED_HOLDS_MAX, Hold, HoldFilter, RECORDED_REQUESTS_MAX, Stored};
pub use limits::{QuotaUsage, RateUsage, UsageFilter, UsagePosition};
pub use models::{Totals, WindowSpend};
pub use refusals::limit_key;
pub use settle::{ExpiryCharge, Placement, Void, WINDOW_SPENT_MAX};
pub use state::Ledger;
pub use state::figures::{LiveFigures, SettledFigures};
pub use state::outage::OutageView;
pub use state::snapshot::RestoredHold;
pub use state::view::{BudgetView, HoldView, ModelView};
