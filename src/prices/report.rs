//! What an import did, for people and for the API. Accounts for every entry of the list.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::domain::Amount;
use crate::domain::usage::{ServiceTier, TokenClass, UnitKind};

/// Most changed rates that are listed; all are counted.
pub const CHANGES_MAX: usize = 1_000;

/// Report of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Entries of the list.
    pub read: usize,
    /// Models that are new or changed.
    pub models: usize,
    /// Prices that are new.
    pub prices: usize,
    /// Models of which nothing changed.
    pub unchanged: usize,
    /// Prices of the list that the catalog has unchanged.
    pub confirmed: usize,
    /// Ids of skipped models, by reason.
    pub skipped: BTreeMap<Skipped, Vec<String>>,
    /// Models whose price of an operator or another list takes precedence.
    pub kept_prices: Vec<String>,
    /// Models whose price was held back because a rate or factor changes more than tenfold.
    pub jumps: Vec<String>,
    /// Rates and factors that change for models that have a price: the first ones of prices that
    /// were held back, then of others.
    pub changes: Vec<Change>,
    /// All of them.
    pub change_count: usize,
    /// Keys about costs that are not read, with their number, of imported models.
    pub other_keys: BTreeMap<String, usize>,
    /// Rates with more than 9 decimals per million tokens; rounded half to even.
    pub rounded: usize,
    /// Models without a rate for text output: the highest rate of their other outputs is used.
    pub output_from_other: Vec<String>,
    /// Imported models with a rate above 1,000 per million tokens: worth a look.
    pub unusual: Vec<String>,
}

/// A rate or factor that a list changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub model_id: Arc<str>,
    pub changed: Changed,
    /// Of a factor the standard tier: it holds for all.
    pub tier: ServiceTier,
    /// The size of the input from which on it holds.
    pub min_input_tokens: i64,
    /// In nanos; none if the price has none.
    pub before: Option<i64>,
    pub after: Option<i64>,
    /// Whether the price was held back because of this change or another one.
    pub held_back: bool,
}

/// What of a price changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// The rate of a million tokens.
    Tokens(TokenClass),
    /// The rate of a thousand units.
    Units(UnitKind),
    /// The multiplier of this name.
    Factor(Arc<str>),
}

/// Why an entry was skipped.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Skipped {
    /// It describes the format.
    Sample,
    /// Its id is empty, too long or has spaces.
    BadId,
    /// It has no price for input tokens.
    NotPricedByTokens,
    /// It has a price for input tokens but for no kind of output.
    NoOutputPrice,
    /// Its tokens are free but other units are not.
    PricedInOtherUnits,
    /// The value of this key is not a rate.
    BadRate(String),
    /// It has more tiers and sizes than a price may have.
    TooManyVariants,
    /// It is an alias of this model.
    AliasOf(String),
    /// It was set by an operator.
    SetByOperator,
}

impl Report {
    pub(super) fn skip(&mut self, reason: Skipped, model_id: &str) {
        self.skipped.entry(reason).or_default().push(model_id.to_owned());
    }

    /// Ids of skipped entries by reason as people read it; other names of models, of whichever
    /// model, are one reason.
    pub fn skipped_by_reason(&self) -> Vec<(String, Vec<String>)> {
        let mut reasons = Vec::new();
        let mut aliases = Vec::new();
        for (reason, ids) in &self.skipped {
            match reason {
                Skipped::AliasOf(model_id) => {
                    aliases.extend(ids.iter().map(|id| format!("{id} of {model_id}")));
                }
                _ => reasons.push((reason.to_string(), ids.clone())),
            }
        }
        if !aliases.is_empty() {
            reasons.push(("other names of models".to_owned(), aliases));
        }
        reasons
    }

    /// How many entries were skipped.
    pub fn skipped_count(&self) -> usize {
        self.skipped.values().map(Vec::len).sum()
    }
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Skipped::Sample => f.write_str("describes the format"),
            Skipped::BadId => f.write_str("not usable as a model id"),
            Skipped::NotPricedByTokens => f.write_str("no price for input tokens"),
            Skipped::NoOutputPrice => f.write_str("no price for output tokens"),
            Skipped::PricedInOtherUnits => f.write_str("priced in other units than tokens"),
            Skipped::BadRate(key) => write!(f, "{key} is not a price from 0 to 10000 per million"),
            Skipped::TooManyVariants => f.write_str("more tiers and sizes than a price may have"),
            Skipped::AliasOf(model_id) => write!(f, "another name of {model_id}"),
            Skipped::SetByOperator => f.write_str("set by an operator"),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |nanos: Option<i64>| match nanos {
            Some(nanos) => Amount::from_nanos(nanos).to_text(),
            None => "none".to_owned(),
        };
        let (before, after) = (text(self.before), text(self.after));
        let (name, per) = match &self.changed {
            Changed::Tokens(class) => (class.as_str(), " per million tokens"),
            Changed::Units(kind) => (kind.as_str(), " per thousand"),
            Changed::Factor(name) => (&**name, " as a factor"),
        };
        write!(f, "{} {name}", self.model_id)?;
        if self.tier != ServiceTier::Standard {
            write!(f, " {}", self.tier.as_str())?;
        }
        if self.min_input_tokens > 0 {
            write!(f, " from {} input tokens on", self.min_input_tokens)?;
        }
        write!(f, ": {before} becomes {after}{per}")?;
        if self.held_back { f.write_str(" (held back)") } else { Ok(()) }
    }
}

/// For terminals.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} entries read", self.read)?;
        writeln!(f, "{} models and {} prices taken", self.models, self.prices)?;
        writeln!(f, "{} models unchanged, {} prices confirmed", self.unchanged, self.confirmed)?;
        for (reason, ids) in self.skipped_by_reason() {
            writeln!(f, "{} skipped: {reason}{}", ids.len(), examples(&ids))?;
        }
        let lists = [
            (&self.kept_prices, "prices kept that an operator or a list set"),
            (&self.jumps, "prices held back: a rate or factor changes more than tenfold"),
            (&self.output_from_other, "models with the rate of other output for text output"),
            (&self.unusual, "models dearer than 1000 per million tokens: check them"),
        ];
        for (ids, what) in lists {
            if !ids.is_empty() {
                writeln!(f, "{} {what}{}", ids.len(), examples(ids))?;
            }
        }
        if self.rounded > 0 {
            writeln!(f, "{} rates rounded to 9 decimals per million tokens", self.rounded)?;
        }
        if self.change_count > 0 {
            writeln!(f, "{} rates changed:", self.change_count)?;
        }
        for change in self.changes.iter().take(CHANGES_SHOWN) {
            writeln!(f, "  {change}")?;
        }
        if self.change_count > CHANGES_SHOWN {
            writeln!(f, "  and {} more", self.change_count - CHANGES_SHOWN)?;
        }
        if !self.other_keys.is_empty() {
            writeln!(
                f,
                "not priced, because they are not counted in tokens or units of a known kind:"
            )?;
        }
        for (key, count) in &self.other_keys {
            writeln!(f, "{count:6} {key}")?;
        }
        Ok(())
    }
}

/// Changes that a terminal gets to see.
const CHANGES_SHOWN: usize = 50;

/// The first few ids in brackets.
fn examples(ids: &[String]) -> String {
    const EXAMPLES_MAX: usize = 3;
    let shown = ids[..ids.len().min(EXAMPLES_MAX)].join(", ");
    let more = if ids.len() > EXAMPLES_MAX { ", …" } else { "" };
    format!(" ({shown}{more})")
}
