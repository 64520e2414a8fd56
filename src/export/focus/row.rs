//! One row of the table, and what its columns derive from it.

use chrono::NaiveDate;

use super::charge::{Part, Prices};
use crate::domain::attribution::Attribution;
use crate::domain::calendar::Window;
use crate::domain::catalog::price::PerMillion;
use crate::domain::record::{Record, RecordKind};
use crate::domain::usage::{ServiceTier, TokenClass};
use crate::domain::workspace::Workspace;

/// The charge of one or several records for one token class.
pub struct Row<'a> {
    pub workspace: &'a Workspace,
    pub billing_period: Window,
    pub charge_period: Window,
    /// First day of the charge period.
    pub date: NaiveDate,
    pub kind: RecordKind,
    /// Whether it is a correction of a closed billing period.
    pub corrects_past: bool,
    /// As metered.
    pub model_id: &'a str,
    /// Provider and display name of the model; empty if the catalog has none.
    pub provider: &'a str,
    pub model_name: &'a str,
    pub tier: ServiceTier,
    pub prices: Option<&'a Prices>,
    pub part: Part,
    /// Cost in the currency of the price.
    pub pricing_nanos: i64,
    pub record_count: i64,
    /// Of several records, only the fields that they are grouped by.
    pub attribution: &'a Attribution,
    /// The record, if it is one.
    pub record: Option<&'a Record>,
}

impl Row<'_> {
    /// A text of rows with tokens; empty of others.
    pub fn if_usage(&self, text: &'static str) -> &'static str {
        if self.part.class.is_some() { text } else { "" }
    }

    pub fn tokens(&self) -> Option<i64> {
        self.part.class.map(|_| self.part.tokens)
    }

    /// The prices of a row with tokens.
    pub fn pricing(&self) -> Option<(&Prices, TokenClass)> {
        self.prices.zip(self.part.class)
    }

    /// In the currency of the workspace. Unpriced usage was billed at zero.
    pub fn unit_price(
        &self,
        rates: fn(&Prices) -> &[PerMillion; TokenClass::COUNT],
    ) -> Option<PerMillion> {
        let class = self.part.class?;
        match self.prices {
            Some(prices) => Some(prices.rate.convert(rates(prices)[class as usize])),
            None => self.part.cost.is_zero().then_some(0),
        }
    }

    pub fn description(&self) -> String {
        let (model, tier) = (self.model_id, self.tier.as_str());
        match (self.part.class, self.kind) {
            (Some(class), _) => format!("{} of {model}, {tier} tier", meter(class)),
            (None, RecordKind::Correction) => format!("Correction of the cost of {model}"),
            (None, RecordKind::ExpiryCharge) => format!("Estimate of an expired hold on {model}"),
            (None, RecordKind::Usage) => format!("Usage of {model}"),
        }
    }

    /// The SKU: a token class of a model in a tier. Empty of a row without tokens.
    pub fn sku(&self) -> String {
        let sku = |class: TokenClass| {
            format!("{}/{}/{}", self.model_id, self.tier.as_str(), class.as_str())
        };
        self.part.class.map_or_else(String::new, sku)
    }

    /// Empty of a row without tokens or price.
    pub fn sku_price_details(&self) -> String {
        let Some((prices, class)) = self.pricing() else { return String::new() };
        let (from, tier, class) = (prices.from_input_tokens, self.tier.as_str(), class.as_str());
        format!(r#"{{"FromInputTokens": {from}, "Tier": "{tier}", "TokenClass": "{class}"}}"#)
    }

    /// The SKU itself of an unpriced row.
    pub fn sku_price_id(&self) -> String {
        let Some((prices, class)) = self.pricing() else { return self.sku() };
        let (tier, class) = (self.tier.as_str(), class.as_str());
        format!("{}/{tier}/{class}/{}", prices.id, prices.from_input_tokens)
    }
}

/// Display name of a meter.
pub fn meter(class: TokenClass) -> &'static str {
    match class {
        TokenClass::Input => "Input Tokens",
        TokenClass::CacheRead => "Cache Read Tokens",
        TokenClass::CacheWrite5m => "Cache Write Tokens (5 Minutes)",
        TokenClass::CacheWrite1h => "Cache Write Tokens (1 Hour)",
        TokenClass::Output => "Output Tokens",
        TokenClass::Reasoning => "Reasoning Tokens",
        TokenClass::AudioInput => "Audio Input Tokens",
        TokenClass::AudioOutput => "Audio Output Tokens",
        TokenClass::ImageInput => "Image Input Tokens",
        TokenClass::ImageOutput => "Image Output Tokens",
    }
}
