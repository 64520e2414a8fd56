//! What suites share: servers that they start themselves, and saying what was not run.

mod not_run;
pub mod postgres;

pub use not_run::{not_run, was_run};
