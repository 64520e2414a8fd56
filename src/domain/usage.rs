//! What one billed attempt used: tokens by class, units beside tokens, service tier, outcome.

use std::sync::Arc;

use crate::domain::record::Fingerprint;
use crate::domain::{Amount, Currency};

/// Most tokens of one record or one check, all classes together.
pub const TOKENS_MAX: i64 = 100_000_000;

coded_enum! {
    /// Classes of tokens. Disjoint: a token is counted in exactly one.
    pub enum TokenClass {
        Input = 0,
        CacheRead = 1,
        #[strum(serialize = "cache_write_5m")]
        CacheWrite5m = 2,
        #[strum(serialize = "cache_write_1h")]
        CacheWrite1h = 3,
        Output = 4,
        Reasoning = 5,
        AudioInput = 6,
        AudioOutput = 7,
        ImageInput = 8,
        ImageOutput = 9,
    }
}

/// Tokens by class; each 0 or more, together at most [`TOKENS_MAX`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Usage {
    pub tokens: [i64; TokenClass::COUNT],
}

impl Usage {
    pub fn get(&self, class: TokenClass) -> i64 {
        self.tokens[class as usize]
    }

    pub fn set(&mut self, class: TokenClass, count: i64) {
        self.tokens[class as usize] = count;
    }

    pub fn with(mut self, class: TokenClass, count: i64) -> Usage {
        self.set(class, count);
        self
    }

    /// All tokens that went into the model: what a long-context threshold is compared with.
    pub fn total_input(&self) -> i64 {
        self.get(TokenClass::Input)
            + self.get(TokenClass::CacheRead)
            + self.get(TokenClass::CacheWrite5m)
            + self.get(TokenClass::CacheWrite1h)
            + self.get(TokenClass::AudioInput)
            + self.get(TokenClass::ImageInput)
    }

    /// All tokens that came out of it: what estimates of output learn from.
    pub fn total_output(&self) -> i64 {
        self.get(TokenClass::Output)
            + self.get(TokenClass::Reasoning)
            + self.get(TokenClass::AudioOutput)
            + self.get(TokenClass::ImageOutput)
    }
}

coded_enum! {
    /// What a bill counts beside tokens, each in whole numbers.
    pub enum UnitKind {
        /// A search of the web that the provider ran.
        WebSearch = 0,
        /// Any other call of a tool that the provider ran.
        ToolCall = 1,
        /// An image that was made or read and is billed by the piece.
        Image = 2,
        /// A page of a document.
        Page = 3,
        /// A second of audio or video; a fraction counts as a whole one.
        Second = 4,
        Character = 5,
        /// A request that is billed by the piece, such as a reranking.
        Request = 6,
        /// An hour for which content stays in a cache.
        CacheStorageHour = 7,
        /// A token of a source that the provider quotes, billed apart from input and output.
        CitationToken = 8,
    }
}

/// Most units of one kind in one record or check.
pub const UNITS_MAX: i64 = 1_000_000_000;
/// Most factors that one record or check names.
pub const FACTORS_MAX: usize = 8;
/// Longest name of a factor, in bytes.
pub const FACTOR_NAME_BYTES_MAX: usize = 64;

/// What a request has beside tokens: units, and the factors of the price that apply to it. Most
/// have none, so it is kept out of line, and absent where it would be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Extras {
    /// By kind; each 0 to [`UNITS_MAX`].
    pub units: [i64; UnitKind::COUNT],
    /// Names of factors; sorted, each once, at most [`FACTORS_MAX`].
    pub factors: Vec<Arc<str>>,
    /// What the provider says that it bills.
    pub reported: Option<ReportedCost>,
    /// Of credits and voids.
    pub note: Option<Note>,
}

/// What a provider says that it bills for an answer, beside what its price makes of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReportedCost {
    /// Not negative; what is finer than a nano-unit is rounded half to even.
    pub amount: Amount,
    pub currency: Currency,
    /// In the workspace's currency at the time that is charged; absent without an exchange rate.
    pub converted: Option<Amount>,
    /// By the price, in the workspace's currency.
    pub computed: Amount,
    /// Whether `converted` is the cost of the record, and not `computed`.
    pub is_charged: bool,
}

impl ReportedCost {
    /// As it was said, before it is known what was computed.
    pub fn new(amount: Amount, currency: Currency) -> ReportedCost {
        let computed = Amount::ZERO;
        ReportedCost { amount, currency, converted: None, computed, is_charged: false }
    }
}

/// Why somebody made an entry of the log by hand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Note {
    pub reason: String,
    /// For example the number of an invoice; empty for none.
    pub reference: String,
    pub actor: String,
}

impl Extras {
    pub fn get(&self, kind: UnitKind) -> i64 {
        self.units[kind as usize]
    }

    pub fn with(mut self, kind: UnitKind, count: i64) -> Extras {
        self.units[kind as usize] = count;
        self
    }

    /// With the names of factors, in any order.
    pub fn with_factors<T: Into<Arc<str>>>(mut self, names: impl IntoIterator<Item = T>) -> Extras {
        self.factors.extend(names.into_iter().map(Into::into));
        self.factors.sort_unstable();
        self.factors.dedup();
        self
    }

    pub fn is_empty(&self) -> bool {
        self.factors.is_empty()
            && self.reported.is_none()
            && self.note.is_none()
            && !self.has_units()
    }

    pub fn has_units(&self) -> bool {
        self.units.iter().any(|count| *count != 0)
    }

    /// What is given over what is read: of units the count that is given, where both name a kind.
    pub fn merged(given: Option<&Extras>, read: Option<Box<Extras>>) -> Option<Box<Extras>> {
        let Some(given) = given else { return read };
        let mut merged = read.map_or_else(Extras::default, |read| *read);
        for kind in UnitKind::ALL.into_iter().filter(|kind| given.get(*kind) != 0) {
            merged = merged.with(kind, given.get(kind));
        }
        merged.reported = given.reported.clone().or(merged.reported);
        merged.with_factors(given.factors.iter().cloned()).boxed()
    }

    /// As it is kept: absent if it is empty.
    pub fn boxed(self) -> Option<Box<Extras>> {
        (!self.is_empty()).then(|| Box::new(self))
    }

    /// Adds it to a fingerprint. What was hashed before there were extras has none, and keeps its
    /// hash.
    pub fn print(&self, print: &mut Fingerprint) {
        for kind in UnitKind::ALL.into_iter().filter(|kind| self.get(*kind) != 0) {
            print.int(kind as i64);
            print.int(self.get(kind));
        }
        print.int(-1);
        for name in &self.factors {
            print.text(name);
        }
        if let Some(reported) = &self.reported {
            print.int(-2);
            print.int(reported.amount.nanos());
            print.text(reported.currency.as_str());
        }
    }
}

coded_enum! {
    /// Price class at which a provider serves a request.
    #[derive(Default)]
    pub enum ServiceTier {
        #[default]
        Standard = 0,
        Batch = 1,
        Flex = 2,
        Priority = 3,
        Balanced = 4,
        Ultrafast = 5,
        Decisions = 6,
    }
}

coded_enum! {
    /// How one attempt ended.
    pub enum Outcome {
        Success = 0,
        Error = 1,
        Cancelled = 2,
    }
}

coded_enum! {
    /// Where token counts come from.
    pub enum UsageSource {
        Provider = 0,
        Estimated = 1,
    }
}
