//! Every report against an oracle that computes the same figures naively from the usage log of a
//! generated month: with late records, corrections, two time zones, a change to winter time, and a
//! workspace that changes its time zone. Figures must be equal to the nano and to the user.
//!
//! The oracle reads the log through the API. It knows nothing of rollups, of the calendar of the
//! service, or of how a report is planned.

mod compare;
mod dashboard;
mod month;
mod naive;
#[path = "../support/server.rs"]
mod server;
#[path = "../support/mod.rs"]
mod support;
mod usage_log;
mod usage_query;
