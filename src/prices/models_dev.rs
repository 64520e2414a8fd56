//! Parser of the lists of models.dev: USD per million tokens, by provider and model.
//!
//! Either `api.json`, an object of providers with their models, or an object of models by
//! `provider/model`. Prices of other units than tokens are not in it.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::format::Cause;
use super::import::{Import, Moment, is_id};
use super::litellm::{fingerprint, scaled, window};
use super::report::Skipped;
use crate::domain::Currency;
use crate::domain::catalog::bill::UnitRates;
use crate::domain::catalog::names::providers::provider_named;
use crate::domain::catalog::price::{PER_MILLION_MAX, Price, Rates, Source, Variant};
use crate::domain::catalog::{Catalog, Model, VARIANTS_MAX};
use crate::domain::usage::{ServiceTier, TOKENS_MAX, TokenClass};

/// From units per million tokens to nano-units.
const NANOS_DIGITS: i32 = 9;

#[derive(Deserialize)]
struct Provider<'a> {
    #[serde(borrow)]
    models: BTreeMap<String, &'a RawValue>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(default)]
    name: String,
    #[serde(borrow, default)]
    cost: Option<BTreeMap<String, &'a RawValue>>,
    #[serde(default)]
    limit: Option<Limit>,
}

#[derive(Default, Deserialize)]
struct Limit {
    context: Option<i64>,
    input: Option<i64>,
    output: Option<i64>,
}

/// Rates above a size of the input.
#[derive(Deserialize)]
struct Size {
    size: i64,
}

/// What a foreign list says of one model, before it has an id of the catalog.
pub(super) struct Foreign<'a> {
    pub provider: &'a str,
    pub name: &'a str,
}

pub(super) fn read(text: &str, moment: Moment, catalog: &Catalog) -> Result<Import, Cause> {
    let list: BTreeMap<String, &RawValue> = serde_json::from_str(text)?;
    let mut import = Import::default();
    let mut taken = HashSet::new();
    let mut take =
        |foreign: &Foreign, raw| take(&mut import, &mut taken, foreign, raw, (moment, catalog));
    for (key, raw) in list {
        if let Ok(provider) = serde_json::from_str::<Provider>(raw.get()) {
            for (name, raw) in provider.models {
                let foreign = Foreign { provider: &key, name: &name };
                take(&foreign, raw)?;
            }
        } else {
            let (provider, name) = key.split_once('/').unwrap_or(("", &key));
            take(&Foreign { provider, name }, raw)?;
        }
    }
    import.report.models = import.models.len();
    import.report.prices = import.prices.len();
    Ok(import)
}

/// `taken` has the ids of the models so far: of entries that are one model the first counts.
fn take(
    import: &mut Import,
    taken: &mut HashSet<Arc<str>>,
    foreign: &Foreign,
    raw: &RawValue,
    (moment, catalog): (Moment, &Catalog),
) -> Result<(), Cause> {
    import.report.read += 1;
    let entry: Entry = serde_json::from_str(raw.get())?;
    let price = foreign.id(catalog).and_then(|(id, provider)| {
        if taken.contains(&id) {
            return Err(Skipped::AliasOf(id.to_string()));
        }
        let cost = entry.cost.as_ref().ok_or(Skipped::NotPricedByTokens)?;
        let price = price_of(import, &id, cost, &provider, moment)?;
        Ok((model_of(&id, provider, &entry, moment), price))
    });
    match price {
        Ok((model, price)) => {
            taken.insert(Arc::clone(&model.id));
            import.models.push(model);
            import.prices.push(price);
        }
        Err(reason) => {
            import.report.skip(reason, &format!("{}/{}", foreign.provider, foreign.name));
        }
    }
    Ok(())
}

impl Foreign<'_> {
    /// The id and the provider of the catalog: of the model that it knows by this name, or new ones
    /// in the same style.
    pub(super) fn id(&self, catalog: &Catalog) -> Result<(Arc<str>, String), Skipped> {
        /// Providers whose models have ids without the provider.
        const PLAIN: [&str; 4] = ["openai", "anthropic", "bedrock", "cohere"];
        if !is_id(self.name) {
            return Err(Skipped::BadId);
        }
        let provider = provider_named(self.provider);
        if let Some(entry) = catalog.named_of(self.name, provider) {
            let model = entry.model();
            return Ok((model.id.clone(), model.provider.clone()));
        }
        let id = match provider.is_empty() || PLAIN.contains(&provider) {
            true => self.name.to_owned(),
            false => format!("{provider}/{}", self.name),
        };
        if !is_id(&id) || catalog.by_id_or_alias(&id).is_some() {
            return Err(Skipped::BadId);
        }
        Ok((Arc::from(id), provider.to_owned()))
    }
}

fn model_of(id: &Arc<str>, provider: String, entry: &Entry, moment: Moment) -> Model {
    let Limit { context, input, output } =
        entry.limit.as_ref().map_or_else(Limit::default, |limit| {
            let count = |count: Option<i64>| count.filter(|count| (1..=TOKENS_MAX).contains(count));
            Limit {
                context: count(limit.context),
                input: count(limit.input),
                output: count(limit.output),
            }
        });
    Model {
        id: id.clone(),
        provider,
        display_name: entry.name.clone(),
        context_window: context.or_else(|| window(input, output)),
        max_input: input,
        max_output: output,
        capabilities: Vec::new(),
        aliases: Vec::new(),
        source: Source::Import,
        update_time: moment.now,
    }
}

fn price_of(
    import: &mut Import,
    id: &Arc<str>,
    cost: &BTreeMap<String, &RawValue>,
    provider: &str,
    moment: Moment,
) -> Result<Price, Skipped> {
    let base = rates_of(import, cost)?;
    if base[TokenClass::Input as usize].is_none() {
        return Err(Skipped::NotPricedByTokens);
    }
    if base[TokenClass::Output as usize].is_none() {
        return Err(Skipped::NoOutputPrice);
    }
    let mut variants = Vec::new();
    let mut add = |above: i64, rates: Rates| {
        let tier = ServiceTier::Standard;
        let inclusive = provider == "xai";
        let unit_rates = UnitRates::default();
        variants.push(Variant { tier, above_input_tokens: above, inclusive, rates, unit_rates });
    };
    let bad = |key: &str| Skipped::BadRate(key.to_owned());
    if let Some(raw) = cost.get("context_over_200k") {
        let rates: BTreeMap<String, &RawValue> =
            serde_json::from_str(raw.get()).map_err(|_| bad("context_over_200k"))?;
        add(200_000, rates_of(import, &rates)?);
    }
    if let Some(raw) = cost.get("tiers") {
        let tiers: Vec<BTreeMap<String, &RawValue>> =
            serde_json::from_str(raw.get()).map_err(|_| bad("tiers"))?;
        for rates in tiers {
            let tier = rates.get("tier").ok_or_else(|| bad("tiers"))?;
            let Size { size } = serde_json::from_str(tier.get()).map_err(|_| bad("tiers"))?;
            if !(1..=TOKENS_MAX).contains(&size) {
                return Err(bad("tiers"));
            }
            add(size, rates_of(import, &rates)?);
        }
    }
    if variants.len() > VARIANTS_MAX {
        return Err(Skipped::TooManyVariants);
    }
    Ok(price(id, moment, base, variants))
}

/// A price of an imported list; its id follows from what it says.
pub(super) fn price(id: &Arc<str>, moment: Moment, base: Rates, variants: Vec<Variant>) -> Price {
    let mut price = Price {
        id: Arc::from(""),
        model_id: id.clone(),
        workspace_id: None,
        currency: Currency::USD,
        effective_time: moment.effective_time,
        create_time: moment.now,
        source: Source::Import,
        base,
        unit_rates: UnitRates::default(),
        variants,
        factors: Vec::new(),
    };
    price.id = Arc::from(format!("import:{id}:{:016x}", fingerprint(&price)));
    price
}

fn rates_of(import: &mut Import, cost: &BTreeMap<String, &RawValue>) -> Result<Rates, Skipped> {
    let mut rates = Rates::default();
    for (key, raw) in cost {
        let class = match key.as_str() {
            "input" => TokenClass::Input,
            "cache_read" | "cached_input" => TokenClass::CacheRead,
            "cache_write" => TokenClass::CacheWrite5m,
            "output" => TokenClass::Output,
            "reasoning" => TokenClass::Reasoning,
            "input_audio" => TokenClass::AudioInput,
            "output_audio" => TokenClass::AudioOutput,
            "tiers" | "tier" | "context_over_200k" => continue,
            other => {
                *import.report.other_keys.entry(other.to_owned()).or_default() += 1;
                continue;
            }
        };
        rates[class as usize] = Some(rate(import, key, raw.get())?);
    }
    Ok(rates)
}

/// A rate per million tokens.
pub(super) fn rate(import: &mut Import, key: &str, text: &str) -> Result<i64, Skipped> {
    let bad = || Skipped::BadRate(key.to_owned());
    let (nanos, exact) = scaled(text, NANOS_DIGITS).ok_or_else(bad)?;
    if !(0..=i128::from(PER_MILLION_MAX)).contains(&nanos) {
        return Err(bad());
    }
    import.report.rounded += usize::from(!exact);
    i64::try_from(nanos).map_err(|_| bad())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Time;

    fn import(text: &str, catalog: &Catalog) -> Import {
        let time = Time::EARLIEST;
        read(text, Moment { effective_time: time, now: time }, catalog).unwrap()
    }

    const COST: &str = r#""cost": {"input": 1.25, "output": 10, "cache_read": 0.125,
        "reasoning": 12, "tiers": [{"input": 2.5, "output": 15, "tier": {"size": 200000}}]}"#;

    #[test]
    fn both_forms_say_the_same() {
        let limit = r#""limit": {"context": 400000, "input": 272000, "output": 128000}"#;
        let flat = format!(r#"{{"google/gemini-x": {{{COST}, {limit}}}}}"#);
        let api = format!(
            r#"{{"google": {{"id": "google", "models":
                {{"gemini-x": {{"id": "gemini-x", {COST}, {limit}}}}}}}}}"#
        );
        let (flat, api) = (import(&flat, &Catalog::default()), import(&api, &Catalog::default()));
        assert_eq!((&flat.models, &flat.prices), (&api.models, &api.prices));
        let model = &flat.models[0];
        assert_eq!((&*model.id, &*model.provider), ("gemini/gemini-x", "gemini"));
        assert_eq!(model.context_window, Some(400_000));
        assert_eq!((model.max_input, model.max_output), (Some(272_000), Some(128_000)));
        let price = &flat.prices[0];
        assert_eq!(price.base[TokenClass::Reasoning as usize], Some(12_000_000_000));
        assert_eq!(price.base[TokenClass::CacheRead as usize], Some(125_000_000));
        assert_eq!(price.variants.len(), 1);
        assert_eq!(price.variants[0].above_input_tokens, 200_000);
        assert_eq!(price.variants[0].rates[TokenClass::Output as usize], Some(15_000_000_000));
    }

    #[test]
    fn a_model_keeps_the_id_that_the_catalog_has() {
        let list = format!(r#"{{"togetherai/openai/gpt-oss-120b": {{{COST}, "limit": null}}}}"#);
        let first = import(&list, &Catalog::default());
        assert_eq!(&*first.models[0].id, "together_ai/openai/gpt-oss-120b");
        let own = Model { id: Arc::from("together_ai/gpt-oss-120b"), ..first.models[0].clone() };
        let catalog = Catalog::default().with_model(own).unwrap();
        assert_eq!(&*import(&list, &catalog).models[0].id, "together_ai/gpt-oss-120b");
    }

    #[test]
    fn of_entries_that_are_one_model_the_first_counts() {
        let list = format!(r#"{{"openai/gpt-x": {{{COST}}}, "other/gpt-x": {{{COST}}}}}"#);
        let first = import(&format!(r#"{{"openai/gpt-x": {{{COST}}}}}"#), &Catalog::default());
        let catalog = Catalog::default().with_model(first.models[0].clone()).unwrap();
        let import = import(&list, &catalog);
        let ids: Vec<&str> = import.models.iter().map(|model| &*model.id).collect();
        assert_eq!((ids, import.prices.len()), (vec!["gpt-x"], 1));
        let skipped = &import.report.skipped[&Skipped::AliasOf("gpt-x".to_owned())];
        assert_eq!(*skipped, ["other/gpt-x"]);
    }

    #[test]
    fn what_cannot_be_taken_is_counted() {
        let list = r#"{
            "openai/a": {"cost": null, "limit": null},
            "openai/b": {"cost": {"input": 1}},
            "openai/c": {"cost": {"output": 1}},
            "openai/d": {"cost": {"input": -1, "output": 1}},
            "openai/has space": {"cost": {"input": 1, "output": 1}},
            "openai/e": {"cost": {"input": 1, "output": 1, "per_image": 3}}
        }"#;
        let import = import(list, &Catalog::default());
        assert_eq!((import.report.read, import.report.models), (6, 1));
        assert_eq!(import.report.skipped[&Skipped::NotPricedByTokens], ["openai/a", "openai/c"]);
        assert_eq!(import.report.skipped[&Skipped::NoOutputPrice], ["openai/b"]);
        assert_eq!(import.report.skipped[&Skipped::BadRate("input".to_owned())], ["openai/d"]);
        assert_eq!(import.report.skipped[&Skipped::BadId], ["openai/has space"]);
        assert_eq!(import.report.other_keys["per_image"], 1);
    }
}
