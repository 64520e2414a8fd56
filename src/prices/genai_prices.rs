//! Parser of the data of pydantic/genai-prices: USD per million tokens, by provider and model,
//! some of them from a date on.
//!
//! Of the rules by which that project matches names only those that name one are taken, as
//! aliases: the others would match what is not certain. Prices by hour of the day or by anything
//! else than a date are left out and counted.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::format::Cause;
use super::import::{Import, Moment};
use super::list::midnight;
use super::litellm::window;
use super::models_dev::{Foreign, price, rate};
use super::report::Skipped;
use crate::domain::Time;
use crate::domain::catalog::bill::UnitRates;
use crate::domain::catalog::price::{Price, Rates, Source, Variant};
use crate::domain::catalog::{Catalog, Model, VARIANTS_MAX};
use crate::domain::usage::{ServiceTier, TOKENS_MAX, TokenClass};

/// Most aliases that are taken of one model.
const ALIASES_MAX: usize = 32;

/// Newer lists have the providers in an object.
#[derive(Deserialize)]
struct Root {
    providers: Vec<Provider>,
}

#[derive(Deserialize)]
struct Provider {
    id: String,
    models: Vec<ModelInfo>,
}

#[derive(Deserialize)]
struct ModelInfo {
    id: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default, rename = "match")]
    matches: Option<serde_json::Value>,
    #[serde(default)]
    context_window: Option<i64>,
    prices: Box<RawValue>,
}

#[derive(Deserialize)]
struct Conditional<'a> {
    #[serde(borrow, default)]
    constraint: Option<BTreeMap<&'a str, &'a RawValue>>,
    #[serde(borrow)]
    prices: Keys<'a>,
}

/// A rate that differs by size.
#[derive(Deserialize)]
struct Tiered<'a> {
    #[serde(borrow)]
    base: &'a RawValue,
    #[serde(borrow)]
    tiers: Vec<Tier<'a>>,
}

#[derive(Deserialize)]
struct Tier<'a> {
    start: i64,
    #[serde(borrow)]
    price: &'a RawValue,
}

type Keys<'a> = BTreeMap<&'a str, &'a RawValue>;

pub(super) fn read(text: &str, moment: Moment, catalog: &Catalog) -> Result<Import, Cause> {
    let providers: Vec<Provider> = match text.trim_start().starts_with('[') {
        true => serde_json::from_str(text)?,
        false => serde_json::from_str::<Root>(text)?.providers,
    };
    let mut import = Import::default();
    for provider in &providers {
        for info in &provider.models {
            import.report.read += 1;
            if let Err(reason) = take(&mut import, provider, info, (moment, catalog)) {
                let id = format!("{}/{}", provider.id, info.id);
                import.report.skip(reason, &id);
            }
        }
    }
    import.report.models = import.models.len();
    import.report.prices = import.prices.len();
    Ok(import)
}

fn take(
    import: &mut Import,
    provider: &Provider,
    info: &ModelInfo,
    (moment, catalog): (Moment, &Catalog),
) -> Result<(), Skipped> {
    let (id, name) = Foreign { provider: &provider.id, name: &info.id }.id(catalog)?;
    if import.models.iter().any(|model| model.id == id) {
        return Err(Skipped::AliasOf(id.to_string()));
    }
    let prices = prices_of(import, &id, info.prices.get(), moment)?;
    let max_input = info.context_window.filter(|count| (1..=TOKENS_MAX).contains(count));
    let mut aliases = Vec::new();
    if let Some(matches) = &info.matches {
        named(matches, &mut aliases);
    }
    aliases.retain(|alias| *alias != info.id && **alias != *id && catalog.named(alias).is_none());
    aliases.sort_unstable();
    aliases.dedup();
    aliases.truncate(ALIASES_MAX);
    import.models.push(Model {
        id,
        provider: name,
        display_name: info.name.clone().unwrap_or_default(),
        context_window: window(max_input, None),
        max_input,
        max_output: None,
        capabilities: Vec::new(),
        aliases,
        source: Source::Import,
        update_time: moment.now,
    });
    import.prices.extend(prices);
    Ok(())
}

/// The names that a rule names: `{"equals": …}`, alone or in an `or`.
fn named(rule: &serde_json::Value, names: &mut Vec<String>) {
    if let Some(name) = rule.get("equals").and_then(|name| name.as_str()) {
        names.push(name.to_owned());
    }
    for rule in rule.get("or").and_then(|rules| rules.as_array()).into_iter().flatten() {
        if let Some(name) = rule.get("equals").and_then(|name| name.as_str()) {
            names.push(name.to_owned());
        }
    }
}

/// The price that is valid at the time of the import, and those that are announced for later.
fn prices_of(
    import: &mut Import,
    id: &Arc<str>,
    raw: &str,
    moment: Moment,
) -> Result<Vec<Price>, Skipped> {
    if let Ok(keys) = serde_json::from_str::<Keys>(raw) {
        return Ok(vec![price_of(import, id, &keys, moment)?]);
    }
    let bad = || Skipped::BadRate("prices".to_owned());
    let conditionals: Vec<Conditional> = serde_json::from_str(raw).map_err(|_| bad())?;
    let mut dated: BTreeMap<Time, Price> = BTreeMap::new();
    for Conditional { constraint, prices } in &conditionals {
        let start = match constraint {
            None => Some(Time::EARLIEST),
            Some(constraint) => start_date(constraint),
        };
        let Some(start) = start else {
            *import.report.other_keys.entry("constraint".to_owned()).or_default() += 1;
            continue;
        };
        let effective_time = start.max(moment.effective_time);
        let price = price_of(import, id, prices, Moment { effective_time, ..moment })?;
        dated.insert(start, price);
    }
    // Of those that have begun the last one counts.
    let begun = dated.range(..=moment.effective_time).next_back().map(|(start, _)| *start);
    dated.retain(|start, _| begun.is_none_or(|begun| *start >= begun));
    if dated.is_empty() {
        Err(Skipped::NotPricedByTokens)
    } else {
        Ok(dated.into_values().collect())
    }
}

/// Midnight UTC of `start_date`, if that is the only condition.
fn start_date(constraint: &Keys) -> Option<Time> {
    let date: &str = serde_json::from_str(constraint.get("start_date")?.get()).ok()?;
    let others = constraint.keys().filter(|key| !["start_date", "type"].contains(key));
    (others.count() == 0).then_some(midnight(date).ok()?)
}

fn price_of(
    import: &mut Import,
    id: &Arc<str>,
    keys: &Keys,
    moment: Moment,
) -> Result<Price, Skipped> {
    let mut base = Rates::default();
    let mut sizes: BTreeMap<i64, Rates> = BTreeMap::new();
    for (key, raw) in keys {
        let Some(class) = class_of(key) else {
            *import.report.other_keys.entry((*key).to_owned()).or_default() += 1;
            continue;
        };
        let Ok(Tiered { base: first, tiers }) = serde_json::from_str(raw.get()) else {
            base[class as usize] = Some(rate(import, key, raw.get())?);
            continue;
        };
        base[class as usize] = Some(rate(import, key, first.get())?);
        for Tier { start, price } in tiers {
            if !(1..=TOKENS_MAX).contains(&start) {
                return Err(Skipped::BadRate((*key).to_owned()));
            }
            let rates = sizes.entry(start).or_default();
            rates[class as usize] = Some(rate(import, key, price.get())?);
        }
    }
    if base[TokenClass::Input as usize].is_none() {
        return Err(Skipped::NotPricedByTokens);
    }
    // Embeddings and the like have no output.
    base[TokenClass::Output as usize].get_or_insert(0);
    if sizes.len() > VARIANTS_MAX {
        return Err(Skipped::TooManyVariants);
    }
    let variant = |(above_input_tokens, rates)| Variant {
        tier: ServiceTier::Standard,
        above_input_tokens,
        inclusive: false,
        rates,
        unit_rates: UnitRates::default(),
    };
    Ok(price(id, moment, base, sizes.into_iter().map(variant).collect()))
}

fn class_of(key: &str) -> Option<TokenClass> {
    Some(match key {
        "input_mtok" => TokenClass::Input,
        "cache_read_mtok" => TokenClass::CacheRead,
        "cache_write_mtok" => TokenClass::CacheWrite5m,
        "output_mtok" => TokenClass::Output,
        "input_audio_mtok" => TokenClass::AudioInput,
        "output_audio_mtok" => TokenClass::AudioOutput,
        "input_image_mtok" => TokenClass::ImageInput,
        "output_image_mtok" => TokenClass::ImageOutput,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prices::list::midnight;

    const LIST: &str = r#"[
        {"id": "anthropic", "models": [
            {"id": "claude-x", "name": "Claude X", "context_window": 1000000,
             "match": {"or": [{"starts_with": "claude-x"}, {"equals": "claude-ecks"}]},
             "prices": [
                {"prices": {"input_mtok": {"base": 3, "tiers": [{"start": 200000, "price": 6}]},
                            "cache_read_mtok": 0.3, "output_mtok": 15}},
                {"constraint": {"start_date": "2026-03-13"},
                 "prices": {"input_mtok": 2, "output_mtok": 10}},
                {"constraint": {"start_date": "2026-09-01"},
                 "prices": {"input_mtok": 1, "output_mtok": 5}},
                {"constraint": {"start_time": "00:30Z", "end_time": "16:30Z"},
                 "prices": {"input_mtok": 9, "output_mtok": 9}}]}]},
        {"id": "x-ai", "models": [
            {"id": "embed", "match": {"equals": "embed"},
             "prices": {"input_mtok": 0.1, "requests_kcount": 12}},
            {"id": "free", "match": {"equals": "free"}, "prices": {}}]}
    ]"#;

    fn import(date: &str) -> Import {
        let time = midnight(date).unwrap();
        read(LIST, Moment { effective_time: time, now: time }, &Catalog::default()).unwrap()
    }

    /// The prices of a model: from when on, and the rate of input.
    fn prices(import: &Import, id: &str) -> Vec<(String, i64)> {
        let of_model = import.prices.iter().filter(|price| &*price.model_id == id);
        of_model
            .map(|price| {
                let input = price.base[TokenClass::Input as usize].unwrap();
                (price.effective_time.to_rfc3339()[..10].to_owned(), input / 1_000_000)
            })
            .collect()
    }

    #[test]
    fn prices_count_from_their_dates() {
        let at = |date: &str| prices(&import(date), "claude-x");
        let price = |date: &str, input| (date.to_owned(), input);
        let (second, third) = (price("2026-03-13", 2_000), price("2026-09-01", 1_000));
        assert_eq!(at("2026-01-05"), [price("2026-01-05", 3_000), second, third.clone()]);
        assert_eq!(at("2026-03-20"), [price("2026-03-20", 2_000), third]);
        assert_eq!(at("2026-10-01"), [price("2026-10-01", 1_000)]);
        let first = &import("2026-01-05").prices[0];
        assert_eq!(first.variants[0].above_input_tokens, 200_000);
        assert_eq!(first.variants[0].rates[TokenClass::Input as usize], Some(6_000_000_000));
    }

    #[test]
    fn only_what_is_certain_is_taken() {
        let import = import("2026-01-05");
        let ids: Vec<&str> = import.models.iter().map(|model| &*model.id).collect();
        assert_eq!(ids, ["claude-x", "xai/embed"]);
        assert_eq!(import.models[0].aliases, ["claude-ecks"]);
        assert_eq!(import.models[0].max_input, Some(1_000_000));
        assert_eq!(import.report.read, 3);
        assert_eq!(import.report.skipped[&Skipped::NotPricedByTokens], ["x-ai/free"]);
        assert_eq!(import.report.other_keys["constraint"], 1);
        assert_eq!(import.report.other_keys["requests_kcount"], 1);
        assert_eq!(prices(&import, "xai/embed"), [("2026-01-05".to_owned(), 100)]);
    }
}
