//! Connections: the one that writes, those that read, and what differs between the databases.

pub mod backend;
pub mod errors;
pub mod mark;
pub mod owner;
pub mod postgres;
pub mod schema;
pub mod session;
pub mod snapshot;
pub mod sqlite;

use crate::storage::{Error, Result};

/// The row of a statement that always has exactly one.
pub fn only<T>(rows: Vec<T>) -> Result<T> {
    let row = rows.into_iter().next();
    row.ok_or_else(|| Error::Corrupt("a row is missing that is always there".to_owned()))
}
