//! What one fact of the catalog must agree on with the others: names, rates, units and bounds.

use std::sync::Arc;

use hashbrown::HashMap;

use super::{ExchangeRate, Model, Refusal, VARIANTS_MAX};
use crate::domain::Currency;
use crate::domain::catalog::bill::{Factor, PER_THOUSAND_MAX, PRICE_FACTORS_MAX, UnitRates};
use crate::domain::catalog::price::{
    CONVERTED_PER_MILLION_MAX, PER_MILLION_MAX, PerMillion, Price, Rate, Rates, Variant,
};
use crate::domain::usage::{FACTOR_NAME_BYTES_MAX, TOKENS_MAX, TokenClass, UnitKind};

pub(super) fn check_names(
    model: &Model,
    is_model: impl Fn(&str) -> bool,
    aliases: &HashMap<Arc<str>, Arc<str>>,
) -> Result<(), Refusal> {
    if let Some(owner) = aliases.get(&model.id) {
        let name = model.id.to_string();
        let model_id = Arc::clone(owner);
        return Err(Refusal::NameTaken { field: "model.model_id", name, model_id });
    }
    for alias in &model.aliases {
        let owner = if is_model(alias) {
            Some(Arc::from(alias.as_str()))
        } else {
            aliases.get(alias.as_str()).cloned()
        };
        // An alias repeats the model's own id, or a repeated entry of a batch put it there.
        if let Some(model_id) = owner
            && (model_id != model.id || **alias == *model.id)
        {
            let name = alias.clone();
            return Err(Refusal::NameTaken { field: "model.aliases", name, model_id });
        }
    }
    Ok(())
}

pub(super) fn check_price(price: &Price, highest_exchange_rate: Rate) -> Result<(), Refusal> {
    check_presence(price)?;
    check_rates("price", &price.base, highest_exchange_rate)?;
    check_unit_rates("price", &price.unit_rates)?;
    check_factors(&price.factors)?;
    if price.variants.len() > VARIANTS_MAX {
        return invalid("price.variants".to_owned(), "at most 32");
    }
    for (index, variant) in price.variants.iter().enumerate() {
        let path = format!("price.variants[{index}]");
        if !(0..=TOKENS_MAX).contains(&variant.above_input_tokens) {
            let field = format!("{path}.above_input_token_count");
            return invalid(field, &format!("from 0 to {TOKENS_MAX}"));
        }
        let same = |other: &&Variant| {
            other.tier == variant.tier && other.min_input_tokens() == variant.min_input_tokens()
        };
        if price.variants[..index].iter().find(same).is_some() {
            return invalid(path, "the only one of its tier and threshold");
        }
        check_rates(&path, &variant.rates, highest_exchange_rate)?;
        check_unit_rates(&path, &variant.unit_rates)?;
    }
    Ok(())
}

/// Input and output have rates; or nothing has one but units, as of models that make images or
/// transcribe. Then tokens are unpriced, not free.
fn check_presence(price: &Price) -> Result<(), Refusal> {
    let variants = price.variants.iter().map(|variant| &variant.rates);
    let mut all = std::iter::once(&price.base).chain(variants).flatten();
    if price.has_unit_rates() && all.all(Option::is_none) {
        return Ok(());
    }
    for class in [TokenClass::Input, TokenClass::Output] {
        if price.base[class as usize].is_none() {
            return invalid(format!("price.{}", rate_field(class)), "present");
        }
    }
    Ok(())
}

fn check_unit_rates(path: &str, rates: &UnitRates) -> Result<(), Refusal> {
    for kind in UnitKind::ALL {
        let Some(rate) = rates[kind as usize] else { continue };
        if !(0..=PER_THOUSAND_MAX).contains(&rate) {
            let field = format!("{path}.unit_prices[{}].per_thousand", kind.as_str());
            return invalid(field, "from 0 to 1000000 per thousand units");
        }
    }
    Ok(())
}

fn check_factors(factors: &[Factor]) -> Result<(), Refusal> {
    if factors.len() > PRICE_FACTORS_MAX {
        return invalid("price.factors".to_owned(), "at most 32");
    }
    for (index, factor) in factors.iter().enumerate() {
        let field = format!("price.factors[{index}].name");
        if !is_factor_name(&factor.name) {
            return invalid(field, "1 to 64 lower-case letters, digits and underscores");
        }
        if factors[..index].iter().any(|other| other.name == factor.name) {
            return invalid(field, "the only one of its name");
        }
    }
    Ok(())
}

/// Whether a text may be the name of a factor.
pub fn is_factor_name(name: &str) -> bool {
    let is_usual = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=FACTOR_NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(is_usual)
}

fn check_rates(path: &str, rates: &Rates, highest_exchange_rate: Rate) -> Result<(), Refusal> {
    for class in TokenClass::ALL {
        let Some(rate) = rates[class as usize] else { continue };
        let field = || format!("{path}.{}", rate_field(class));
        if !(0..=PER_MILLION_MAX).contains(&rate) {
            return invalid(field(), "from 0 to 10000 per million tokens");
        }
        if !converts_within_bounds(rate, highest_exchange_rate) {
            let expected = "at most 20000000 per million tokens after every exchange rate";
            return invalid(field(), expected);
        }
    }
    Ok(())
}

fn invalid(field: String, expected: &str) -> Result<(), Refusal> {
    Err(Refusal::Invalid { field, expected: expected.to_owned() })
}

pub(super) fn converts_within_bounds(per_million: PerMillion, rate: Rate) -> bool {
    let converted = i128::from(per_million) * i128::from(rate.nanos());
    let highest = i128::from(CONVERTED_PER_MILLION_MAX) * i128::from(Rate::ONE.nanos());
    converted <= highest
}

pub(super) fn highest_exchange_rate(rates: &[ExchangeRate], from: Currency) -> Rate {
    let rates = rates.iter().filter(|rate| rate.from == from);
    rates.map(|rate| rate.rate).max().unwrap_or(Rate::ONE)
}

/// Name of a rate's field in the API.
pub fn rate_field(class: TokenClass) -> &'static str {
    match class {
        TokenClass::Input => "input_per_million",
        TokenClass::CacheRead => "cache_read_per_million",
        TokenClass::CacheWrite5m => "cache_write_5m_per_million",
        TokenClass::CacheWrite1h => "cache_write_1h_per_million",
        TokenClass::Output => "output_per_million",
        TokenClass::Reasoning => "reasoning_per_million",
        TokenClass::AudioInput => "audio_input_per_million",
        TokenClass::AudioOutput => "audio_output_per_million",
        TokenClass::ImageInput => "image_input_per_million",
        TokenClass::ImageOutput => "image_output_per_million",
    }
}
