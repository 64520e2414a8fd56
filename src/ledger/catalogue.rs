//! Models, prices and exchange rates, as facts with dates. Immutable: a change makes a new one.

use std::sync::Arc;

use super::currency::Currency;
use super::price::{Rate, Source};
use super::time::Time;

/// An LLM as the catalogue knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    pub id: Arc<str>,
    pub provider: String,
    pub display_name: String,
    /// Most tokens, input and output together; absent where it is not known.
    pub context_window: Option<i64>,
    /// Most output tokens; absent where it is not known.
    pub max_output: Option<i64>,
    /// Sorted, without repeats.
    pub capabilities: Vec<String>,
    /// Other names that providers answer with.
    pub aliases: Vec<String>,
    pub source: Source,
    pub update_time: Time,
}

/// What one unit of `from` is worth in `to`, from `effective_time` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExchangeRate {
    pub from: Currency,
    pub to: Currency,
    pub effective_time: Time,
    pub rate: Rate,
    pub create_time: Time,
}
