//! What tokens cost. Estimate and bill use the same function (I10).

use std::sync::Arc;

use super::currency::Currency;
use super::time::Time;
use super::usage::{ServiceTier, TokenClass};

/// Nano-units of currency for a million tokens.
pub type PerMillion = i64;

/// Highest price per million tokens, in nano-units: 10,000 units.
pub const PER_MILLION_MAX: PerMillion = 10_000 * 1_000_000_000;

/// Highest price per million tokens after conversion to a workspace's currency, in nano-units:
/// 1,000,000 units. With `usage::TOKENS_MAX` it bounds the cost of one record to 10¹⁷ nanos.
pub const CONVERTED_PER_MILLION_MAX: PerMillion = 1_000_000 * 1_000_000_000;

/// Units of one currency for one unit of another, in 10⁻⁹; above 0 and at most 10,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(i64);

impl Rate {
    pub const ONE: Rate = Rate(1_000_000_000);
    pub const MAX: Rate = Rate(10_000 * 1_000_000_000);

    /// # Panics
    /// If it is not in range.
    pub fn from_nanos(nanos: i64) -> Rate {
        assert!(nanos > 0 && nanos <= Rate::MAX.0, "exchange rates are bounded");
        Rate(nanos)
    }

    pub const fn nanos(self) -> i64 {
        self.0
    }
}

/// Rates by token class; an absent one falls back as `Price` says.
pub type Rates = [Option<PerMillion>; TokenClass::COUNT];

/// One price of a model, valid from a time on. Never changes once made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    pub id: Arc<str>,
    pub model_id: Arc<str>,
    /// Workspace whose own price it is; absent for the catalogue's.
    pub workspace_id: Option<Arc<str>>,
    pub currency: Currency,
    pub effective_time: Time,
    pub create_time: Time,
    pub source: Source,
    /// Rates of the standard tier for any size; input and output are present.
    pub base: Rates,
    /// Rates of other tiers and of long contexts.
    pub variants: Vec<Variant>,
}

/// Rates that differ for a tier, above a size of the input, or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    pub tier: ServiceTier,
    /// Applies when all input tokens are above this number; 0 for any size.
    pub above_input_tokens: i64,
    /// Applies also at exactly this number.
    pub inclusive: bool,
    pub rates: Rates,
}

/// Where a catalogue entry comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    Builtin,
    Operator,
    Import,
}
