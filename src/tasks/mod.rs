//! Background tasks, one loop per file.

pub mod access;
pub mod anomalies;
pub mod clock;
pub mod deliver;
pub mod erasure;
pub mod expire;
pub mod fold;
pub mod identities;
pub mod lease;
pub mod recommendations;
pub mod restore;
pub mod retention;
mod rounds;
