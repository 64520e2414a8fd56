//! Benchmarks of the gate: what `make bench` runs. See README.md beside this package.
//!
//! Three programs share this library: `gate-echo` (what we compare with), `gate-load` (the load
//! generator) and `gate-bench` (runs both against the server and prints the table). Nothing of
//! it is part of the product.

pub mod load;
pub mod messages;
pub mod processes;
pub mod report;
pub mod rows;
pub mod store;

/// Errors are for the person who runs the benchmark: a text is enough.
pub type Error = Box<dyn std::error::Error + Send + Sync>;
pub type Result<T> = std::result::Result<T, Error>;
