//! The built-in catalog: models and dated prices of the large providers.
//!
//! The data are in `catalog.toml`; this file parses them.

use std::collections::BTreeMap;
use std::sync::Arc;

use rust_decimal::Decimal;
use serde::Deserialize;

use super::{Import, Report};
use crate::domain::catalog::Model;
use crate::domain::catalog::bill::{Factor, Multiplier, UnitRates};
use crate::domain::catalog::price::{Price, Rates, Source, Variant};
use crate::domain::usage::{ServiceTier, TokenClass, UnitKind};
use crate::domain::{Amount, Currency, Time};

const CATALOG: &str = include_str!("catalog.toml");

/// Error of a catalog.
#[derive(Debug, thiserror::Error)]
pub enum Invalid {
    #[error(transparent)]
    Toml(#[from] toml::de::Error),
    #[error("model {model_id:?}: {what}")]
    Fact { model_id: String, what: String },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    model: Vec<ModelFacts>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelFacts {
    id: String,
    provider: String,
    name: String,
    context_window: Option<i64>,
    max_output: Option<i64>,
    #[serde(default)]
    capabilities: Vec<String>,
    #[serde(default)]
    aliases: Vec<String>,
    price: Vec<PriceFacts>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceFacts {
    /// A date: midnight UTC.
    effective: String,
    currency: String,
    rates: BTreeMap<String, String>,
    /// For a thousand units, by kind.
    #[serde(default)]
    units: BTreeMap<String, String>,
    /// Multipliers by name.
    #[serde(default)]
    factors: BTreeMap<String, String>,
    #[serde(default)]
    variant: Vec<VariantFacts>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VariantFacts {
    #[serde(default)]
    tier: Tier,
    #[serde(default)]
    above_input_tokens: i64,
    #[serde(default)]
    inclusive: bool,
    rates: BTreeMap<String, String>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Tier {
    #[default]
    Standard,
    Batch,
    Flex,
    Priority,
    Balanced,
    Ultrafast,
    Decisions,
}

/// The built-in models and prices, as added at `now`.
pub fn read(now: Time) -> Import {
    parse(CATALOG, now).expect("a test parses the built-in catalog")
}

fn parse(text: &str, now: Time) -> Result<Import, Invalid> {
    let file: File = toml::from_str(text)?;
    let mut models = Vec::with_capacity(file.model.len());
    let mut prices = Vec::with_capacity(file.model.len());
    for facts in file.model {
        let id: Arc<str> = Arc::from(facts.id.as_str());
        for price in &facts.price {
            prices.push(
                price_of(&id, price, now)
                    .map_err(|what| Invalid::Fact { model_id: facts.id.clone(), what })?,
            );
        }
        let mut capabilities = facts.capabilities;
        capabilities.sort_unstable();
        capabilities.dedup();
        models.push(Model {
            id,
            provider: facts.provider,
            display_name: facts.name,
            context_window: facts.context_window,
            max_output: facts.max_output,
            capabilities,
            aliases: facts.aliases,
            source: Source::Builtin,
            update_time: now,
        });
    }
    let (read, model_count, price_count) = (models.len(), models.len(), prices.len());
    let report = Report { read, models: model_count, prices: price_count, ..Report::default() };
    Ok(Import { models, prices, report })
}

fn price_of(model_id: &Arc<str>, facts: &PriceFacts, now: Time) -> Result<Price, String> {
    let date: chrono::NaiveDate =
        facts.effective.parse().map_err(|_| format!("{} is not a date", facts.effective))?;
    let effective_time = Time::from_utc(date.and_time(chrono::NaiveTime::MIN).and_utc());
    let currency: Currency =
        facts.currency.parse().map_err(|_| format!("{} is not a currency", facts.currency))?;
    let mut variants = Vec::with_capacity(facts.variant.len());
    for variant in &facts.variant {
        let tier = match variant.tier {
            Tier::Standard => ServiceTier::Standard,
            Tier::Batch => ServiceTier::Batch,
            Tier::Flex => ServiceTier::Flex,
            Tier::Priority => ServiceTier::Priority,
            Tier::Balanced => ServiceTier::Balanced,
            Tier::Ultrafast => ServiceTier::Ultrafast,
            Tier::Decisions => ServiceTier::Decisions,
        };
        variants.push(Variant {
            tier,
            above_input_tokens: variant.above_input_tokens,
            inclusive: variant.inclusive,
            rates: rates_of(&variant.rates)?,
            unit_rates: UnitRates::default(),
        });
    }
    Ok(Price {
        id: Arc::from(format!("builtin:{model_id}:{}", facts.effective)),
        model_id: Arc::clone(model_id),
        workspace_id: None,
        currency,
        effective_time,
        create_time: now,
        source: Source::Builtin,
        base: rates_of(&facts.rates)?,
        unit_rates: unit_rates_of(&facts.units)?,
        variants,
        factors: factors_of(&facts.factors)?,
    })
}

fn unit_rates_of(facts: &BTreeMap<String, String>) -> Result<UnitRates, String> {
    let mut rates = UnitRates::default();
    for (name, text) in facts {
        let kind: UnitKind = name.parse().map_err(|_| format!("{name} is not a kind of units"))?;
        rates[kind as usize] = Some(nanos_of(text)?);
    }
    Ok(rates)
}

fn factors_of(facts: &BTreeMap<String, String>) -> Result<Vec<Factor>, String> {
    let factor = |(name, text): (&String, &String)| {
        let multiplier = Multiplier::from_nanos(nanos_of(text)?)
            .ok_or_else(|| format!("{text} is not a multiplier"))?;
        Ok(Factor { name: Arc::from(name.as_str()), multiplier, of_units: false })
    };
    facts.iter().map(factor).collect()
}

/// A decimal in nano-units.
fn nanos_of(text: &str) -> Result<i64, String> {
    let decimal: Decimal = text.parse().map_err(|_| format!("{text} is not a decimal"))?;
    Amount::from_decimal(decimal).map(Amount::nanos).map_err(|why| format!("{text}: {why}"))
}

fn rates_of(facts: &BTreeMap<String, String>) -> Result<Rates, String> {
    let mut rates: Rates = [None; TokenClass::COUNT];
    for (name, text) in facts {
        let class: TokenClass =
            name.parse().map_err(|_| format!("{name} is not a class of tokens"))?;
        rates[class as usize] = Some(nanos_of(text)?);
    }
    Ok(rates)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::domain::catalog::Catalog;

    #[test]
    fn the_catalog_is_consistent() {
        let import = parse(CATALOG, Time::EARLIEST).unwrap();
        assert!(import.models.len() >= 40);
        let mut names = HashSet::new();
        for model in &import.models {
            assert!(names.insert(model.id.to_string()), "{} is there twice", model.id);
            for alias in &model.aliases {
                assert!(names.insert(alias.clone()), "{alias} is there twice");
            }
            assert!(!model.display_name.is_empty() && !model.provider.is_empty());
        }
        let ids: HashSet<&Arc<str>> = import.prices.iter().map(|price| &price.id).collect();
        assert_eq!(ids.len(), import.prices.len());
        // The same checks as for an operator's models and prices.
        let catalog = Catalog::default()
            .with_models_and_prices(import.models.clone(), import.prices.clone())
            .unwrap();
        for entry in catalog.models() {
            assert!(!entry.prices(None).is_empty(), "{} has no price", entry.model().id);
        }
    }

    #[test]
    fn a_bad_fact_is_named() {
        let check = |rates: &str, expected: &str| {
            let text = format!(
                "[[model]]\nid = \"m\"\nprovider = \"p\"\nname = \"M\"\n[[model.price]]\n\
                 effective = \"2026-01-01\"\ncurrency = \"USD\"\nrates = {{ {rates} }}\n"
            );
            let error = parse(&text, Time::EARLIEST).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check("inputs = \"1\"", "model \"m\": inputs is not a class of tokens");
        check("input = \"1,5\"", "model \"m\": 1,5 is not a decimal");
        check("input = \"0.0000000001\"", "more than 9 fraction digits");
        check("input = 1.5", "invalid type");
    }
}
