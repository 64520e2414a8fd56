//! Every report against the same figure computed naively from the raw records, of a generated
//! month: with late records, corrections, two time zones, a change of the clocks, and a workspace
//! that moves to another zone. Equal to the nano and to the user.
//!
//! The naive side reads the usage log through the API and knows nothing of rollups, of the ledger's
//! calendar, or of how a report is planned.

#[path = "reports/ask.rs"]
mod ask;
#[path = "reports/compare.rs"]
mod compare;
#[path = "reports/log.rs"]
mod log;
#[path = "reports/month.rs"]
mod month;
#[path = "reports/naive.rs"]
mod naive;
#[path = "reports/pages.rs"]
mod pages;
#[path = "support/server.rs"]
mod server;
mod support;
