//! The tables of what administrators set and of what is kept beside the usage log: one file for
//! each resource, with its row and its part of the contract.

pub mod access;
pub mod alert;
pub mod api_key;
pub mod audit;
pub mod boost;
pub mod catalog;
pub mod directory;
pub mod entry_words;
pub mod quota;
pub mod rate_limit;
pub mod recommendation;
pub mod settings;
pub mod shutdown;
pub mod workspace;
