//! Every report against an oracle that computes the same figures naively from the usage log of a
//! generated month: with late records, corrections, two time zones, a change to winter time, and a
//! workspace that changes its time zone. Figures must be equal to the nano and to the user.
//!
//! The oracle reads the log through the API. It knows nothing of rollups, of the calendar of the
//! service, or of how a report is planned.

#[path = "reports/compare.rs"]
mod compare;
#[path = "reports/dashboard.rs"]
mod dashboard;
#[path = "reports/month.rs"]
mod month;
#[path = "reports/naive.rs"]
mod naive;
#[path = "support/server.rs"]
mod server;
mod support;
#[path = "reports/usage_log.rs"]
mod usage_log;
#[path = "reports/usage_query.rs"]
mod usage_query;
