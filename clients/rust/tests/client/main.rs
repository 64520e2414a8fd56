//! The client against the real server, and against fakes where the real one does not go.

mod delivery;
mod examples;
mod fake;
mod guard;
mod pages;
mod resume;
mod support;
mod transport;
mod unreached;
