//! What goes on beside requests, one loop per file.

pub mod expire;
pub mod fold;
