//! The built-in catalog: models and dated prices that every server knows.
//!
//! Two files. `list.jsonl.gz` is the community's list with its history, written by
//! `tools/catalog` and never by hand. `catalog.toml` is kept by hand: names for people, aliases,
//! windows, what no list has, and the prices that were built in before there was the list.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use rust_decimal::Decimal;
use serde::Deserialize;

use super::list::{self, Header, Listed, midnight, price_id};
use super::{Import, Report};
use crate::domain::catalog::bill::{Factor, Multiplier, UnitRates};
use crate::domain::catalog::price::{Price, Rates, Source, Variant};
use crate::domain::catalog::{Catalog, Model};
use crate::domain::usage::{ServiceTier, TokenClass, UnitKind};
use crate::domain::{Amount, Currency, Time};

const BY_HAND: &str = include_str!("catalog.toml");
const LIST: &[u8] = include_bytes!("list.jsonl.gz");

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
    /// When it was changed last: a date, midnight UTC.
    date: String,
    model: Vec<ModelFacts>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelFacts {
    id: String,
    provider: String,
    name: String,
    context_window: Option<i64>,
    max_input: Option<i64>,
    max_output: Option<i64>,
    #[serde(default)]
    capabilities: Vec<String>,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
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

/// The built-in catalog, read once.
pub fn catalog() -> &'static Catalog {
    static CATALOG: OnceLock<Catalog> = OnceLock::new();
    CATALOG.get_or_init(|| {
        let Import { models, prices, .. } = read();
        Catalog::builtin(models, prices)
    })
}

/// The built-in models and prices.
pub fn read() -> Import {
    let by_hand = by_hand();
    let (_, listed) = list();
    merge(by_hand, listed)
}

/// What is kept by hand.
pub fn by_hand() -> Import {
    parse(BY_HAND).expect("a test parses the file")
}

/// The community's list.
pub fn list() -> (Header, Vec<Listed>) {
    list::read(LIST).expect("a test reads the file")
}

/// The list, with what is kept by hand over it. Both keep their prices.
fn merge(by_hand: Import, listed: Vec<Listed>) -> Import {
    let Import { models, mut prices, .. } = by_hand;
    let mut models: HashMap<Arc<str>, Model> =
        models.into_iter().map(|model| (model.id.clone(), model)).collect();
    let mut merged = Vec::with_capacity(listed.len() + models.len());
    for Listed { model, prices: more, .. } in listed {
        merged.push(match models.remove(&model.id) {
            Some(own) => over(own, model),
            None => model,
        });
        prices.extend(more);
    }
    let mut rest: Vec<Model> = models.into_values().collect();
    rest.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    merged.extend(rest);
    let (read, model_count, price_count) = (merged.len(), merged.len(), prices.len());
    let report = Report { read, models: model_count, prices: price_count, ..Report::default() };
    Import { models: merged, prices, report, ..Import::default() }
}

/// Facts that are kept by hand take precedence.
fn over(own: Model, listed: Model) -> Model {
    let mut aliases = own.aliases;
    for alias in listed.aliases {
        if !aliases.contains(&alias) {
            aliases.push(alias);
        }
    }
    Model {
        display_name: own.display_name,
        context_window: own.context_window.or(listed.context_window),
        max_input: own.max_input.or(listed.max_input),
        max_output: own.max_output.or(listed.max_output),
        aliases,
        ..listed
    }
}

fn parse(text: &str) -> Result<Import, Invalid> {
    let file: File = toml::from_str(text)?;
    let fact = |model_id: &str| {
        let model_id = model_id.to_owned();
        move |what: String| Invalid::Fact { model_id, what }
    };
    let made = midnight(&file.date).map_err(fact(""))?;
    let mut import = Import::default();
    for facts in file.model {
        let id: Arc<str> = Arc::from(facts.id.as_str());
        for price in &facts.price {
            import.prices.push(price_of(&id, price, made).map_err(fact(&id))?);
        }
        let mut capabilities = facts.capabilities;
        capabilities.sort_unstable();
        capabilities.dedup();
        import.models.push(Model {
            id,
            provider: facts.provider,
            display_name: facts.name,
            context_window: facts.context_window,
            max_input: facts.max_input,
            max_output: facts.max_output,
            capabilities,
            aliases: facts.aliases,
            source: Source::Builtin,
            update_time: made,
        });
    }
    Ok(import)
}

fn price_of(model_id: &Arc<str>, facts: &PriceFacts, made: Time) -> Result<Price, String> {
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
        id: price_id(model_id, &facts.effective),
        model_id: Arc::clone(model_id),
        workspace_id: None,
        currency,
        effective_time: midnight(&facts.effective)?,
        create_time: made,
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

    #[test]
    fn the_catalog_is_consistent() {
        let import = parse(BY_HAND).unwrap();
        assert!(import.models.len() >= 40);
        for model in &import.models {
            assert!(!model.display_name.is_empty() && !model.provider.is_empty());
        }
        let import = read();
        assert!(import.models.len() > 3_500, "{}", import.models.len());
        let mut names = HashSet::new();
        for model in &import.models {
            assert!(names.insert(model.id.to_string()), "{} is there twice", model.id);
            for alias in &model.aliases {
                assert!(names.insert(alias.clone()), "{alias} is there twice");
            }
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
                "date = \"2026-01-01\"\n[[model]]\nid = \"m\"\nprovider = \"p\"\nname = \"M\"\n\
                 [[model.price]]\neffective = \"2026-01-01\"\ncurrency = \"USD\"\n\
                 rates = {{ {rates} }}\n"
            );
            let error = parse(&text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check("inputs = \"1\"", "model \"m\": inputs is not a class of tokens");
        check("input = \"1,5\"", "model \"m\": 1,5 is not a decimal");
        check("input = \"0.0000000001\"", "more than 9 fraction digits");
        check("input = 1.5", "invalid type");
    }
}
