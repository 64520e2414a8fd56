//! Tollgate keeps LLM spend inside its envelope: see README.md and ARCHITECTURE.md.

#![forbid(unsafe_code)]
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod admin;
pub mod analytics;
pub mod answers;
pub mod backtest;
pub mod config;
pub mod domain;
pub mod engine;
pub mod export;
pub mod grpc;
pub mod identity;
pub mod insight;
pub mod ledger;
pub mod limits;
pub mod logging;
pub mod outbound;
pub mod prices;
pub mod proto;
pub mod server;
pub mod storage;
pub mod tasks;
pub mod telemetry;
pub mod transport;
