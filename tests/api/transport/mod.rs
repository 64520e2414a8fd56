//! What every call has in common: bad input, pages, streams, gRPC-Web, start and stop.

pub mod bad_input;
pub mod connections;
pub mod lifecycle;
pub mod memory;
pub mod outages;
pub mod overload;
pub mod pages;
pub mod panel;
pub mod quarantine;
pub mod reports;
pub mod streams;
pub mod unread;
pub mod web;
