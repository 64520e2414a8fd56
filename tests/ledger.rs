//! Unit tables of the ledger: cases in words, see `ledger/script.rs`. Those named after what went
//! wrong in other systems stand in `ledger/elsewhere.rs`.

mod ledger {
    pub mod setup;
    pub mod script;
    mod elsewhere;
    mod admission;
    mod fallback;
    mod holds;
    mod billing;
    mod windows;
}
mod world;
