//! The fixed reports of the dashboard, each by itself and all of them from one snapshot.
//!
//! A report that is part of the dashboard adds its questions to a batch, so that both share it:
//! `ask` returns the pending report, and `read` takes its answers.

pub mod active_users;
pub mod dashboard;
pub mod first_value;
pub mod live;
pub mod overview;
pub mod ranking;
pub mod teams;
mod top_values;
