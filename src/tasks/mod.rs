//! What goes on beside requests, one loop per file.

pub mod deliver;
pub mod expire;
pub mod fold;
pub mod retention;
