//! The API through a real server and real clients: what each call answers, and what it refuses.
//!
//! Each test has a server and a database of its own, and a clock that stands still. What the ledger
//! decides in every case is tested where the ledger is.

#[path = "../support/outage.rs"]
mod outage;
#[path = "../support/receiver.rs"]
mod receiver;
#[path = "../support/server.rs"]
mod server;
#[path = "../support/smtp.rs"]
mod smtp;
#[path = "../support/stored.rs"]
mod stored;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/wire.rs"]
mod wire;

mod access;
mod alerts;
mod analytics;
mod attempts;
mod budget;
mod catalog;
mod fixtures;
mod limits;
mod lists;
mod model_limit;
mod usage;
mod records;
mod refusals;
mod transport;
mod watch;
