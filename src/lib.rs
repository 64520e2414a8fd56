//! Tollgate keeps LLM spend inside its envelope: see README.md and ARCHITECTURE.md.

pub mod engine;
pub mod ledger;
pub mod prices;
pub mod proto;
pub mod storage;
pub mod tasks;
