//! Models and prices: the built-in catalog, and imports of price lists.
//!
//! Parses texts and computes the changes to the catalog. Touches neither files nor storage.

pub mod builtin;
mod extras;
mod format;
mod genai_prices;
mod import;
pub mod list;
pub mod litellm;
mod models_dev;
mod report;
#[cfg(test)]
mod tests;

pub use format::{Format, InvalidList};
pub use import::{Import, Jumps, Moment};
pub use report::{Change, Changed, Report, Skipped};

use crate::domain::catalog::price::PerMillion;

/// Rates above this, 1,000 units per million tokens, are reported: most are mistakes.
const UNUSUAL_PER_MILLION: PerMillion = 1_000 * 1_000_000_000;
