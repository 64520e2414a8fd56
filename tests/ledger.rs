//! Unit tables of the ledger: cases in words, see `ledger/script.rs`. Those named after what went
//! wrong in other systems stand in `ledger/elsewhere.rs`.

mod ledger {
    pub mod setup;
    pub mod script;
    pub mod rules;
    mod elsewhere;
    mod admission;
    mod fallback;
    mod holds;
    mod billing;
    mod windows;
    mod quotas;
    mod downgrades;
    mod keys;
    mod departments;
    mod boosts;
    mod rate_limits;
    mod refusals;
    mod alerts;
}
mod world;
