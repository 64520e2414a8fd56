//! Entries of the log that correct others or take cost back: credits, voids, and records at the
//! prices of now.

mod credits;
mod reprice;

pub use credits::{Credited, VoidRequest};
pub use reprice::{RepriceRequest, Repriced};
