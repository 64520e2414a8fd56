//! Unit tables of the ledger: cases in words, see `script.rs`. Those named after what went
//! wrong in other systems stand in `elsewhere.rs`.

mod limits;
mod script;
mod elsewhere;
mod admission;
mod attempts;
mod fallback;
mod holds;
mod large_records;
mod billing;
mod windows;
mod refusals;
mod alerts;
mod outages;
mod questions;
#[path = "../world/mod.rs"]
mod world;
