//! Tests of single shapes, streams, errors and the reduction.

mod costs;
mod errors;
mod reduction;
mod rounds;
mod shapes;
mod streams;
mod table;
mod tiers;
mod totals;

use super::{Flag, Reading, Unreadable, read};
use crate::domain::usage::{TokenClass, Usage};

/// Reads one JSON text without a hint.
fn reading(json: &str) -> Reading {
    read(&[json], "").unwrap_or_else(|error| panic!("{error}\n{json}"))
}

/// Reads the events of a stream without a hint.
fn stream(events: &[&str]) -> Reading {
    read(events, "").unwrap_or_else(|error| panic!("{error}\n{events:?}"))
}

fn error(json: &str) -> Unreadable {
    read(&[json], "").expect_err(json)
}

/// The classes that are not 0, by name.
fn tokens(usage: &Usage) -> String {
    let used = TokenClass::ALL.into_iter().filter(|class| usage.get(*class) != 0);
    let named: Vec<String> =
        used.map(|class| format!("{} {}", class.as_str(), usage.get(class))).collect();
    named.join(", ")
}

fn has(reading: &Reading, flag: Flag) -> bool {
    reading.flags.contains(&flag)
}
