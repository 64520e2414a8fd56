//! The targets of fuzzing: each takes any bytes, and panics where something that must be true is
//! not.
//!
//! A target gives the same for the same bytes, and knows nothing of who makes them up.

mod answers;
mod config;
mod credentials;
mod identities;
mod ledger;
mod page_tokens;
mod prepared;
mod prices;
mod requests;
mod server;

/// What is fed with bytes.
pub struct Target {
    pub name: &'static str,
    pub run: fn(&[u8]),
}

pub const TARGETS: [Target; 8] = [
    Target { name: "requests", run: requests::run },
    Target { name: "credentials", run: credentials::run },
    Target { name: "identities", run: identities::run },
    Target { name: "page_tokens", run: page_tokens::run },
    Target { name: "prices", run: prices::run },
    Target { name: "answers", run: answers::run },
    Target { name: "config", run: config::run },
    Target { name: "ledger", run: ledger::run },
];

pub fn find(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

/// Takes the first byte of an input, which decides about how it is read; 0 of an empty one.
fn first(bytes: &[u8]) -> (usize, &[u8]) {
    bytes.split_first().map_or((0, bytes), |(first, rest)| (usize::from(*first), rest))
}

/// The texts of an input, which are apart by zero bytes. What is not UTF-8 is replaced, as where
/// texts come from the environment.
fn texts(bytes: &[u8]) -> Vec<String> {
    let parts = bytes.split(|byte| *byte == 0);
    parts.map(|part| String::from_utf8_lossy(part).into_owned()).collect()
}
