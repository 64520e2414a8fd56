//! One row of the table, and what its columns derive from it.

use chrono::NaiveDate;

use super::charge::{Meter, Part, Prices};
use crate::domain::attribution::Attribution;
use crate::domain::catalog::price::PerMillion;
use crate::domain::record::{Record, RecordKind};
use crate::domain::time::calendar::Window;
use crate::domain::usage::{ServiceTier, TokenClass, UnitKind};
use crate::domain::workspace::Workspace;

/// The charge of one or several records for one meter.
pub struct Row<'a> {
    pub workspace: &'a Workspace,
    pub billing_period: Window,
    pub charge_period: Window,
    /// First day of the charge period.
    pub date: NaiveDate,
    pub kind: RecordKind,
    /// Whether it is a correction of a closed billing period.
    pub is_late: bool,
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
    /// A text of rows with usage; empty of others.
    pub fn if_usage(&self, text: &'static str) -> &'static str {
        if self.part.meter.is_some() { text } else { "" }
    }

    /// Tokens or units.
    pub fn count(&self) -> Option<i64> {
        self.part.meter.map(|_| self.part.count)
    }

    /// The quantity in millionths of the pricing unit.
    pub fn pricing_quantity(&self) -> Option<i64> {
        self.part.meter.map(|meter| meter.in_tokens(self.part.count))
    }

    /// The prices of a row with usage.
    pub fn pricing(&self) -> Option<(&Prices, Meter)> {
        self.prices.zip(self.part.meter)
    }

    /// In the currency of the workspace. Unpriced usage was billed at zero.
    pub fn unit_price(
        &self,
        rates: fn(&Prices) -> &[PerMillion; Meter::COUNT],
    ) -> Option<PerMillion> {
        let meter = self.part.meter?;
        match self.prices {
            Some(prices) => Some(prices.rate.convert(rates(prices)[meter.place()])),
            None => self.part.cost.is_zero().then_some(0),
        }
    }

    pub fn description(&self) -> String {
        let (model, tier) = (self.model_id, self.tier.as_str());
        match (self.part.meter, self.kind) {
            (Some(meter), _) => format!("{} of {model}, {tier} tier", meter_name(meter)),
            (None, RecordKind::Correction) => format!("Correction of the cost of {model}"),
            (None, RecordKind::ExpiryCharge) => format!("Estimate of an expired hold on {model}"),
            (None, RecordKind::Usage) => format!("Usage of {model}"),
            (None, RecordKind::Credit) => format!("Credit for {model}"),
            (None, RecordKind::Void) => format!("Voided usage of {model}"),
        }
    }

    /// The SKU: a meter of a model in a tier. Empty of a row without usage.
    pub fn sku(&self) -> String {
        let sku =
            |meter: Meter| format!("{}/{}/{}", self.model_id, self.tier.as_str(), meter.as_str());
        self.part.meter.map_or_else(String::new, sku)
    }

    /// Empty of a row without usage or price.
    pub fn sku_price_details(&self) -> String {
        let Some((prices, meter)) = self.pricing() else { return String::new() };
        let (from, tier, name) = (prices.from_input_tokens, self.tier.as_str(), meter.as_str());
        let (key, factors) = match meter {
            Meter::Tokens(_) => ("TokenClass", factors_text(prices)),
            Meter::Units(_) => ("UnitKind", factors_text(prices)),
        };
        let factors = match factors.is_empty() {
            true => String::new(),
            false => format!(r#""Factors": "{factors}", "#),
        };
        format!(r#"{{{factors}"FromInputTokens": {from}, "Tier": "{tier}", "{key}": "{name}"}}"#)
    }

    /// The SKU itself of an unpriced row.
    pub fn sku_price_id(&self) -> String {
        let Some((prices, meter)) = self.pricing() else { return self.sku() };
        let (tier, meter) = (self.tier.as_str(), meter.as_str());
        let mut id = format!("{}/{tier}/{meter}/{}", prices.id, prices.from_input_tokens);
        if !prices.factors.is_empty() {
            id.push('/');
            id.push_str(&factors_text(prices));
        }
        id
    }
}

/// The names of the factors of a price that applied.
pub fn factors_text(prices: &Prices) -> String {
    prices.factors.join("+")
}

/// What a meter counts, as FOCUS writes units.
pub fn unit_name(meter: Meter) -> &'static str {
    match meter {
        Meter::Tokens(_) => "Tokens",
        Meter::Units(UnitKind::WebSearch) => "Searches",
        Meter::Units(UnitKind::ToolCall) => "Calls",
        Meter::Units(UnitKind::Image) => "Images",
        Meter::Units(UnitKind::Page) => "Pages",
        Meter::Units(UnitKind::Second) => "Seconds",
        Meter::Units(UnitKind::Character) => "Characters",
        Meter::Units(UnitKind::Request) => "Requests",
        Meter::Units(UnitKind::CacheStorageHour) => "Token-Hours",
        Meter::Units(UnitKind::CitationToken) => "Citation Tokens",
    }
}

/// What a price is for, likewise.
pub fn pricing_unit(meter: Meter) -> &'static str {
    match meter {
        Meter::Tokens(_) => "1000000 Tokens",
        Meter::Units(UnitKind::WebSearch) => "1000 Searches",
        Meter::Units(UnitKind::ToolCall) => "1000 Calls",
        Meter::Units(UnitKind::Image) => "1000 Images",
        Meter::Units(UnitKind::Page) => "1000 Pages",
        Meter::Units(UnitKind::Second) => "1000 Seconds",
        Meter::Units(UnitKind::Character) => "1000 Characters",
        Meter::Units(UnitKind::Request) => "1000 Requests",
        Meter::Units(UnitKind::CacheStorageHour) => "1000 Token-Hours",
        Meter::Units(UnitKind::CitationToken) => "1000 Citation Tokens",
    }
}

/// Display name of a meter.
pub fn meter_name(meter: Meter) -> &'static str {
    match meter {
        Meter::Tokens(class) => token_meter(class),
        Meter::Units(UnitKind::WebSearch) => "Web Searches",
        Meter::Units(UnitKind::ToolCall) => "Tool Calls",
        Meter::Units(UnitKind::CacheStorageHour) => "Cache Storage",
        Meter::Units(_) => unit_name(meter),
    }
}

fn token_meter(class: TokenClass) -> &'static str {
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
