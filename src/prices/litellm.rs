//! Parser of the price list of the LiteLLM project: USD per token, by key.
//!
//! Keys follow `<base>[_above_<n>hr][_above_<n>k_tokens][_flex|_priority|_batches|…]`. Units and
//! factors are read in `extras.rs`; what nothing reads is counted in the report. Numbers are parsed
//! as decimals, never as floats. A write to a cache of twelve hours has no class of its own: it
//! counts as one of an hour, whose rate is the dearer of both.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::value::RawValue;

use super::UNUSUAL_PER_MILLION;
use super::extras::Extras;
use super::format::{Cause, Format, InvalidList};
use super::import::{Import, Moment, is_id};
use super::report::Skipped;
use crate::domain::Currency;
use crate::domain::catalog::bill::UnitRates;
use crate::domain::catalog::price::{
    PER_MILLION_MAX, PerMillion, Price, Rates, Source, Variant, round_half_even,
};
use crate::domain::catalog::{Catalog, Model, VARIANTS_MAX};
use crate::domain::usage::{ServiceTier, TOKENS_MAX, TokenClass};

pub(super) type Entry<'a> = BTreeMap<String, &'a RawValue>;

/// Entries of the list that are not models.
const NO_MODELS: [&str; 2] = ["sample_spec", "fallback_generalizations"];

const CAPABILITY_PREFIX: &str = "supports_";
const CAPABILITIES_MAX: usize = 32;
const CAPABILITY_BYTES_MAX: usize = 64;
const PROVIDER_BYTES_MAX: usize = 128;

/// Parses a list. Price ids are a function of content and effective time, so that imports are
/// idempotent.
///
/// # Errors
/// If the text is not such a list. Invalid entries are skipped.
pub fn read(text: &str, moment: Moment) -> Result<Import, InvalidList> {
    // The list has the ids of the catalog.
    Format::LiteLlm.read(text, moment, &Catalog::default())
}

pub(super) fn read_list(text: &str, moment: Moment) -> Result<Import, Cause> {
    let list: BTreeMap<String, &RawValue> = serde_json::from_str(text)?;
    let mut import = Import::default();
    import.report.read = list.len();
    let mut aliases = Vec::new();
    for (id, raw) in list {
        if NO_MODELS.contains(&id.as_str()) {
            import.report.skip(Skipped::Sample, &id);
            continue;
        }
        let entry: Entry = serde_json::from_str(raw.get())?;
        let target = text_of(&entry, "alias_of");
        if !target.is_empty() {
            aliases.push((id, target));
            continue;
        }
        if let Err(reason) = read_entry(&mut import, &id, &entry, moment) {
            import.report.skip(reason, &id);
        }
    }
    add_aliases(&mut import, aliases);
    import.report.models = import.models.len();
    import.report.prices = import.prices.len();
    Ok(import)
}

/// Entries that are another name of a model of the list.
fn add_aliases(import: &mut Import, aliases: Vec<(String, String)>) {
    let models = import.models.iter_mut().map(|model| (Arc::clone(&model.id), model));
    let mut models: HashMap<Arc<str>, &mut Model> = models.collect();
    for (alias, target) in aliases {
        if let Some(model) = models.get_mut(target.as_str()) {
            model.aliases.push(alias.clone());
        }
        import.report.skip(Skipped::AliasOf(target), &alias);
    }
}

fn read_entry(import: &mut Import, id: &str, entry: &Entry, moment: Moment) -> Result<(), Skipped> {
    if !is_id(id) {
        return Err(Skipped::BadId);
    }
    let provider = text_of(entry, "litellm_provider");
    let mut table = Table::default();
    for (key, raw) in entry {
        table.take(entry, key, raw)?;
    }
    table.take_tiers(entry)?;
    table.apply_provider(&provider, id);
    let embeds = matches!(text_of(entry, "mode").as_str(), "embedding" | "rerank");
    let completed = table.complete_output(embeds)?;
    let variants = table.variants(provider == "xai");
    if variants.len() > VARIANTS_MAX {
        return Err(Skipped::TooManyVariants);
    }

    let report = &mut import.report;
    report.rounded += table.rounded;
    if completed {
        report.output_from_other.push(id.to_owned());
    }
    if table.highest() > UNUSUAL_PER_MILLION {
        report.unusual.push(id.to_owned());
    }
    for key in table.other_keys {
        *report.other_keys.entry(key).or_default() += 1;
    }
    let mut price = Price {
        id: Arc::from(""),
        model_id: Arc::from(id),
        workspace_id: None,
        currency: Currency::USD,
        effective_time: moment.effective_time,
        create_time: moment.now,
        source: Source::Import,
        base: table.rates.get(&(0, 0)).copied().unwrap_or_default(),
        unit_rates: table.extras.rates_of(ServiceTier::Standard),
        variants,
        factors: table.extras.factors,
    };
    price.id = Arc::from(format!("import:{id}:{:016x}", fingerprint(&price)));
    import.models.push(model_of(id, provider, entry, moment));
    import.prices.push(price);
    Ok(())
}

fn model_of(id: &str, provider: String, entry: &Entry, moment: Moment) -> Model {
    let count = |key: &str| {
        let (count, _) = scaled(entry.get(key)?.get(), 0)?;
        let count = i64::try_from(count).ok()?;
        (0 < count && count <= TOKENS_MAX).then_some(count)
    };
    // `max_tokens` is the older key of both.
    let max_input = count("max_input_tokens").or_else(|| count("max_tokens"));
    let max_output = count("max_output_tokens").or_else(|| count("max_tokens"));
    let capabilities = entry.iter().filter(|(_, raw)| raw.get() == "true");
    let capabilities = capabilities
        .filter_map(|(key, _)| key.strip_prefix(CAPABILITY_PREFIX))
        .filter(|name| name.len() <= CAPABILITY_BYTES_MAX)
        .take(CAPABILITIES_MAX)
        .map(str::to_owned);
    Model {
        id: Arc::from(id),
        provider,
        display_name: String::new(),
        context_window: window(max_input, max_output),
        max_input,
        max_output,
        capabilities: capabilities.collect(),
        aliases: Vec::new(),
        source: Source::Import,
        update_time: moment.now,
    }
}

/// The list has no windows. Where the output may not be larger than the input, the largest input
/// mostly is the window; what says otherwise takes precedence, see [`Model::complete_from`].
pub(super) fn window(max_input: Option<i64>, max_output: Option<i64>) -> Option<i64> {
    /// Largest input and window of the models of OpenAI that leave room for the output.
    const APART: (i64, i64) = (272_000, 400_000);
    let input = max_input?;
    if input == APART.0 {
        return Some(APART.1);
    }
    max_output.is_none_or(|output| input >= output).then_some(input)
}

/// The rates of one entry.
#[derive(Default)]
struct Table {
    /// By tier (its index) and threshold.
    rates: BTreeMap<(usize, i64), Rates>,
    rounded: usize,
    other_keys: Vec<String>,
    /// Whether one of `other_keys` has a nonzero price.
    costs_otherwise: bool,
    extras: Extras,
}

impl Table {
    fn take(&mut self, entry: &Entry<'_>, key: &str, raw: &RawValue) -> Result<(), Skipped> {
        if raw.get() == "null" || key == "tiered_pricing" {
            return Ok(());
        }
        let Some(column) = Column::parse(key) else {
            if !self.extras.take(entry, key, raw) && is_about_costs(key) {
                self.other_keys.push(key.to_owned());
                let number = scaled(raw.get(), 18);
                self.costs_otherwise |= number.is_none_or(|(number, _)| number != 0);
            }
            return Ok(());
        };
        let rate = self.rate(key, raw)?;
        let rates = self.rates.entry((column.tier as usize, column.above)).or_default();
        let rate_before = &mut rates[column.class as usize];
        *rate_before = match *rate_before {
            // Synonyms do not override.
            Some(before) if column.synonym => Some(before),
            // Of caches of an hour and of twelve, the dearer one.
            Some(before) if column.class == TokenClass::CacheWrite1h => Some(before.max(rate)),
            _ => Some(rate),
        };
        Ok(())
    }

    /// Tiers by size, as a list of objects with a range: the first is the base, the others begin at
    /// thresholds.
    fn take_tiers(&mut self, entry: &Entry) -> Result<(), Skipped> {
        const KEY: &str = "tiered_pricing";
        let Some(raw) = entry.get(KEY) else { return Ok(()) };
        let bad = || Skipped::BadRate(KEY.to_owned());
        let tiers: Vec<Entry> = serde_json::from_str(raw.get()).map_err(|_| bad())?;
        for tier in tiers {
            let Some(range) = tier.get("range") else {
                self.other_keys.push(KEY.to_owned());
                continue;
            };
            let range: Vec<&RawValue> = serde_json::from_str(range.get()).map_err(|_| bad())?;
            let above = range.first().and_then(|above| scaled(above.get(), 0)).ok_or_else(bad)?.0;
            let above = i64::try_from(above).map_err(|_| bad())?;
            for (key, raw) in &tier {
                let Some(column) = Column::parse(key) else { continue };
                let rate = self.rate(key, raw)?;
                let rates = self.rates.entry((column.tier as usize, above)).or_default();
                rates[column.class as usize].get_or_insert(rate);
            }
        }
        Ok(())
    }

    fn rate(&mut self, key: &str, raw: &RawValue) -> Result<PerMillion, Skipped> {
        let bad = || Skipped::BadRate(key.to_owned());
        let (nanos, exact) = scaled(raw.get(), NANOS_PER_MILLION_DIGITS).ok_or_else(bad)?;
        if !(0..=i128::from(PER_MILLION_MAX)).contains(&nanos) {
            return Err(bad());
        }
        if !exact {
            self.rounded += 1;
        }
        i64::try_from(nanos).map_err(|_| bad())
    }

    /// Applies general rules of providers that the list leaves out.
    fn apply_provider(&mut self, provider: &str, id: &str) {
        // Fireworks bills cached input at half the input rate unless the model has its own.
        if provider == "fireworks_ai"
            && let Some(base) = self.rates.get_mut(&(0, 0))
            && let Some(input) = base[TokenClass::Input as usize]
        {
            let half = round_half_even(i128::from(input), 2);
            let half = PerMillion::try_from(half).expect("half of a bounded rate");
            base[TokenClass::CacheRead as usize].get_or_insert(half);
        }
        // Anthropic's discount for batches is on every class, and stacks with caches and long
        // contexts.
        if provider == "anthropic" || id.contains("claude") {
            self.stack(ServiceTier::Batch);
        }
    }

    /// Gives a tier a rate of each class and threshold that the standard tier has one of: that one
    /// times what the tier's input is to the standard one.
    fn stack(&mut self, tier: ServiceTier) {
        let input = |rates: &BTreeMap<(usize, i64), Rates>, tier: ServiceTier| {
            rates.get(&(tier as usize, 0)).and_then(|rates| rates[TokenClass::Input as usize])
        };
        let standard = ServiceTier::Standard;
        let (Some(own), Some(whole)) = (input(&self.rates, tier), input(&self.rates, standard))
        else {
            return;
        };
        if whole == 0 {
            return;
        }
        let of_standard: Vec<(i64, Rates)> = self
            .rates
            .iter()
            .filter(|((tier, _), _)| *tier == standard as usize)
            .map(|((_, above), rates)| (*above, *rates))
            .collect();
        for (above, rates) in of_standard {
            let stacked = self.rates.entry((tier as usize, above)).or_default();
            for (stacked, rate) in stacked.iter_mut().zip(rates) {
                let Some(rate) = rate.filter(|_| stacked.is_none()) else { continue };
                let product = i128::from(rate) * i128::from(own);
                let scaled = round_half_even(product, i128::from(whole));
                *stacked = PerMillion::try_from(scaled).ok().filter(|it| *it <= PER_MILLION_MAX);
            }
        }
    }

    /// Makes sure that text input and output have base rates, or that there are rates of units
    /// alone. Returns whether the rate of output was derived from another one.
    fn complete_output(&mut self, embeds: bool) -> Result<bool, Skipped> {
        let has_units = !self.extras.is_without_units();
        if has_units && self.rates.values().flatten().all(Option::is_none) {
            self.rates.clear();
            return Ok(false);
        }
        let base = self.rates.get_mut(&(0, 0)).ok_or(Skipped::NotPricedByTokens)?;
        // Models that only hear: what is not audio is no cheaper.
        if let (None, Some(audio)) =
            (base[TokenClass::Input as usize], base[TokenClass::AudioInput as usize])
        {
            base[TokenClass::Input as usize] = Some(audio);
        }
        if base[TokenClass::Input as usize].is_none() {
            return Err(Skipped::NotPricedByTokens);
        }
        let mut completed = false;
        if base[TokenClass::Output as usize].is_none() {
            let others = [TokenClass::ImageOutput, TokenClass::AudioOutput];
            let other = others.iter().filter_map(|class| base[*class as usize]).max();
            completed = other.is_some();
            // What is billed in units has few tokens of output, if any: they cost as input.
            let input = base[TokenClass::Input as usize].filter(|_| has_units);
            let output = other.or(embeds.then_some(0)).or(input);
            let output = output.ok_or(Skipped::NoOutputPrice)?;
            base[TokenClass::Output as usize] = Some(output);
        }
        if self.costs_otherwise && self.highest() == 0 && !has_units {
            return Err(Skipped::PricedInOtherUnits);
        }
        Ok(completed)
    }

    fn highest(&self) -> PerMillion {
        self.rates.values().flatten().flatten().copied().max().unwrap_or(0)
    }

    fn variants(&self, inclusive: bool) -> Vec<Variant> {
        let mut all = self.rates.clone();
        for tier in self.extras.rates.keys() {
            all.entry((*tier, 0)).or_default();
        }
        let others = all.iter().filter(|(key, _)| **key != (0, 0));
        let variants = others.map(|((tier, above), rates)| {
            let tier = ServiceTier::ALL[*tier];
            let unit_rates = match *above {
                0 => self.extras.rates_of(tier),
                _ => UnitRates::default(),
            };
            let inclusive = inclusive && *above > 0;
            Variant { tier, above_input_tokens: *above, inclusive, rates: *rates, unit_rates }
        });
        variants.collect()
    }
}

/// A key of the list, parsed.
#[derive(Debug, PartialEq, Eq)]
struct Column {
    class: TokenClass,
    above: i64,
    tier: ServiceTier,
    /// Whether it is a synonym of another key.
    synonym: bool,
}

impl Column {
    fn parse(key: &str) -> Option<Column> {
        let (mut rest, tier) = split_tier(key);
        let mut above = 0;
        if let Some(stripped) = rest.strip_suffix("k_tokens") {
            let (base, thousands) = stripped.rsplit_once("_above_")?;
            above = thousands.parse::<i64>().ok()?.checked_mul(1_000)?;
            rest = base;
        }
        let class = match rest {
            "input_cost_per_token" => TokenClass::Input,
            "cache_read_input_token_cost" | "input_cost_per_token_cache_hit" => {
                TokenClass::CacheRead
            }
            "cache_creation_input_token_cost" => TokenClass::CacheWrite5m,
            "cache_creation_input_token_cost_above_1hr"
            | "cache_creation_input_token_cost_above_12hr" => TokenClass::CacheWrite1h,
            "output_cost_per_token" => TokenClass::Output,
            "output_cost_per_reasoning_token" => TokenClass::Reasoning,
            "input_cost_per_audio_token" => TokenClass::AudioInput,
            "output_cost_per_audio_token" => TokenClass::AudioOutput,
            "input_cost_per_image_token" => TokenClass::ImageInput,
            "output_cost_per_image_token" => TokenClass::ImageOutput,
            _ => return None,
        };
        let synonym = rest == "input_cost_per_token_cache_hit";
        Some(Column { class, above, tier, synonym })
    }
}

/// A key without the suffix of a tier, and that tier.
pub(super) fn split_tier(key: &str) -> (&str, ServiceTier) {
    let suffixes = [
        ("_batches", ServiceTier::Batch),
        ("_flex", ServiceTier::Flex),
        ("_priority", ServiceTier::Priority),
        ("_balanced", ServiceTier::Balanced),
        ("_ultrafast", ServiceTier::Ultrafast),
        ("_decisions", ServiceTier::Decisions),
    ];
    let stripped =
        suffixes.iter().find_map(|(suffix, tier)| Some((key.strip_suffix(suffix)?, *tier)));
    stripped.unwrap_or((key, ServiceTier::Standard))
}

fn is_about_costs(key: &str) -> bool {
    ["cost", "pricing", "multiplier", "provider_specific_entry"]
        .iter()
        .any(|part| key.contains(part))
}

fn text_of(entry: &Entry, key: &str) -> String {
    let raw = entry.get(key).map_or("null", |raw| raw.get());
    let text: Option<String> = serde_json::from_str(raw).unwrap_or_default();
    let text = text.unwrap_or_default();
    if text.len() <= PROVIDER_BYTES_MAX { text } else { String::new() }
}

/// From units per token to nano-units per million tokens: 10⁶ × 10⁹.
const NANOS_PER_MILLION_DIGITS: i32 = 15;

/// A JSON number times 10 to the power of `digits`, rounded half to even, and whether that is
/// exact. None if it is not a number or overflows.
pub(super) fn scaled(text: &str, digits: i32) -> Option<(i128, bool)> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let number: i128 = format!("{whole}{fraction}").parse().ok()?;
    let fraction_digits = i32::try_from(fraction.len()).ok()?;
    let shift = exponent.checked_add(digits)?.checked_sub(fraction_digits)?;
    let Some(power) = 10_i128.checked_pow(shift.unsigned_abs()) else {
        // Overflows if scaled up; rounds to zero if scaled down.
        return (shift < 0 || number == 0).then_some((0, number == 0));
    };
    if shift >= 0 {
        return Some((number.checked_mul(power)?, true));
    }
    Some((round_half_even(number, power), number % power == 0))
}

/// FNV-1a hash of a price; stable across versions, because it is part of ids.
pub(super) fn fingerprint(price: &Price) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut add = |number: i64| {
        for byte in number.to_le_bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    let add_rates = |rates: &Rates, add: &mut dyn FnMut(i64)| {
        for rate in rates {
            add(rate.unwrap_or(-1));
        }
    };
    add(price.effective_time.micros());
    add_rates(&price.base, &mut add);
    for variant in &price.variants {
        add(variant.tier as i64);
        add(variant.above_input_tokens);
        add(i64::from(variant.inclusive));
        add_rates(&variant.rates, &mut add);
    }
    // A price without units and factors keeps the id that it had before there were any.
    let unit_rates = price.variants.iter().map(|variant| &variant.unit_rates);
    for (place, rates) in std::iter::once(&price.unit_rates).chain(unit_rates).enumerate() {
        for (kind, rate) in rates.iter().enumerate() {
            let Some(rate) = rate else { continue };
            for number in [place, kind] {
                add(i64::try_from(number).expect("a small number"));
            }
            add(*rate);
        }
    }
    for factor in &price.factors {
        factor.name.bytes().for_each(|byte| add(byte.into()));
        add(factor.multiplier.nanos());
        add(factor.of_units.into());
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Time;
    use crate::domain::usage::UnitKind;

    fn import(text: &str) -> Import {
        let time = Time::EARLIEST;
        read(text, Moment { effective_time: time, now: time }).unwrap()
    }

    #[test]
    fn numbers_are_read_exactly() {
        let check = |text: &str, expected: Option<(i128, bool)>| {
            assert_eq!(scaled(text, NANOS_PER_MILLION_DIGITS), expected, "{text}");
        };
        check("1.5e-07", Some((150_000_000, true)));
        check("1.5E-7", Some((150_000_000, true)));
        check("0.00000015", Some((150_000_000, true)));
        check("0", Some((0, true)));
        check("0.0", Some((0, true)));
        check("1", Some((1_000_000_000_000_000, true)));
        check("2e1", Some((20_000_000_000_000_000, true)));
        check("-1e-06", Some((-1_000_000_000, true)));
        check("3.0000000000000004e-07", Some((300_000_000, false)));
        check("1.5e-15", Some((2, false)));
        check("2.5e-15", Some((2, false)));
        check("1e-99", Some((0, false)));
        check("0e-99", Some((0, true)));
        check("0e99", Some((0, true)));
        check("1e99", None);
        check("1e9999999999", None);
        check("\"1\"", None);
        check("null", None);
        check("{}", None);
        check("", None);
    }

    #[test]
    fn keys_follow_the_grammar() {
        let check = |key: &str, expected: Option<(TokenClass, i64, ServiceTier)>| {
            let column = Column::parse(key).map(|column| (column.class, column.above, column.tier));
            assert_eq!(column, expected, "{key}");
        };
        use ServiceTier::{Batch, Flex, Priority, Standard};
        check("input_cost_per_token", Some((TokenClass::Input, 0, Standard)));
        check("output_cost_per_token_batches", Some((TokenClass::Output, 0, Batch)));
        check(
            "cache_creation_input_token_cost_above_1hr_above_200k_tokens",
            Some((TokenClass::CacheWrite1h, 200_000, Standard)),
        );
        check(
            "cache_creation_input_token_cost_above_272k_tokens_priority",
            Some((TokenClass::CacheWrite5m, 272_000, Priority)),
        );
        check("cache_read_input_token_cost_flex", Some((TokenClass::CacheRead, 0, Flex)));
        check("output_cost_per_reasoning_token", Some((TokenClass::Reasoning, 0, Standard)));
        let ultrafast = (TokenClass::Input, 0, ServiceTier::Ultrafast);
        check("input_cost_per_token_ultrafast", Some(ultrafast));
        check(
            "cache_creation_input_token_cost_above_12hr_above_272k_tokens_batches",
            Some((TokenClass::CacheWrite1h, 272_000, ServiceTier::Batch)),
        );
        check("input_cost_per_audio_per_second_above_128k_tokens", None);
        check("output_cost_per_image", None);
        check("max_input_tokens", None);
    }

    const ENTRIES: &str = r#"{
        "sample_spec": {"input_cost_per_token": 0.0},
        "m": {
            "litellm_provider": "xai", "mode": "chat",
            "max_input_tokens": 256000, "max_output_tokens": 8192, "max_tokens": 4096,
            "supports_vision": true, "supports_web_search": false,
            "input_cost_per_token": 3e-06, "output_cost_per_token": 1.5e-05,
            "input_cost_per_token_cache_hit": 1e-06,
            "cache_read_input_token_cost": 7.5e-07,
            "input_cost_per_token_above_128k_tokens": 6e-06,
            "output_cost_per_token_priority": null,
            "search_context_cost_per_query": {"low": 0.01}
        },
        "stepped": {
            "litellm_provider": "dashscope",
            "tiered_pricing": [
                {"input_cost_per_token": 5e-08, "output_cost_per_token": 4e-07,
                 "range": [0, 256000.0]},
                {"input_cost_per_token": 2.5e-07, "output_cost_per_token": 2e-06,
                 "range": [256000.0, 1000000.0]}
            ]
        },
        "half": {
            "litellm_provider": "fireworks_ai",
            "input_cost_per_token": 2e-07, "output_cost_per_token": 2e-07
        },
        "embedding": {"mode": "embedding", "input_cost_per_token": 1e-08},
        "image": {"input_cost_per_token": 5e-06, "output_cost_per_image_token": 4e-05},
        "silent": {"input_cost_per_token": 5e-06},
        "pictures": {"output_cost_per_image": 0.04},
        "search": {"input_cost_per_token": 0, "output_cost_per_token": 0,
                   "input_cost_per_query": 0.002},
        "sizes": {"input_cost_per_token": 0, "output_cost_per_token": 0,
                  "input_cost_per_pixel": 2e-8},
        "dear": {"input_cost_per_token": 1, "output_cost_per_token": 1},
        "has space": {"input_cost_per_token": 1e-06, "output_cost_per_token": 1e-06}
    }"#;

    #[test]
    fn entries_become_models_and_prices() {
        let import = import(ENTRIES);
        let skipped: Vec<(String, &str)> = import
            .report
            .skipped
            .iter()
            .map(|(reason, ids)| (reason.to_string(), ids[0].as_str()))
            .collect();
        assert_eq!(
            skipped,
            [
                ("describes the format", "sample_spec"),
                ("not usable as a model id", "has space"),
                ("no price for output tokens", "silent"),
                ("priced in other units than tokens", "sizes"),
                ("input_cost_per_token is not a price from 0 to 10000 per million", "dear"),
            ]
            .map(|(reason, id)| (reason.to_owned(), id))
        );
        assert!(!import.report.other_keys.contains_key("search_context_cost_per_query"));
        assert_eq!(import.report.output_from_other, ["image"]);

        let model = import.models.iter().find(|model| &*model.id == "m").unwrap();
        assert_eq!(model.provider, "xai");
        assert_eq!((model.context_window, model.max_output), (Some(256_000), Some(8_192)));
        assert_eq!(model.capabilities, ["vision"]);

        let price =
            |id: &str| import.prices.iter().find(|price| &*price.model_id == id).unwrap().clone();
        let rate = |rates: &Rates, class: TokenClass| rates[class as usize];
        let m = price("m");
        assert_eq!(rate(&m.base, TokenClass::Input), Some(3_000_000_000));
        assert_eq!(rate(&m.base, TokenClass::CacheRead), Some(750_000_000));
        assert_eq!(rate(&m.base, TokenClass::Reasoning), None);
        assert_eq!(m.variants.len(), 1);
        assert_eq!(m.variants[0].above_input_tokens, 128_000);
        assert!(m.variants[0].inclusive);
        let stepped = price("stepped");
        assert_eq!(rate(&stepped.base, TokenClass::Output), Some(400_000_000));
        assert_eq!(stepped.variants[0].above_input_tokens, 256_000);
        assert!(!stepped.variants[0].inclusive);
        assert_eq!(rate(&price("half").base, TokenClass::CacheRead), Some(100_000_000));
        assert_eq!(rate(&price("embedding").base, TokenClass::Output), Some(0));
        assert_eq!(rate(&price("image").base, TokenClass::Output), Some(40_000_000_000));
        let unit = |id: &str, kind: UnitKind| price(id).unit_rates[kind as usize];
        assert_eq!(unit("m", UnitKind::WebSearch), Some(10_000_000_000));
        assert_eq!(unit("pictures", UnitKind::Image), Some(40_000_000_000));
        assert!(!price("pictures").has_token_rates());
        assert_eq!(unit("search", UnitKind::Request), Some(2_000_000_000));
    }

    #[test]
    fn anthropic_s_batches_halve_every_class() {
        let import = import(
            r#"{"claude-x": {
                "litellm_provider": "anthropic",
                "input_cost_per_token": 5e-06, "output_cost_per_token": 2.5e-05,
                "cache_creation_input_token_cost": 6.25e-06,
                "cache_creation_input_token_cost_above_1hr": 1e-05,
                "input_cost_per_token_above_200k_tokens": 1e-05,
                "input_cost_per_token_batches": 2.5e-06,
                "cache_creation_input_token_cost_batches": 3e-06
            }, "other": {
                "input_cost_per_token": 5e-06, "output_cost_per_token": 2.5e-05,
                "input_cost_per_token_batches": 2.5e-06
            }}"#,
        );
        let variant = |id: &str, above: i64| {
            let price = import.prices.iter().find(|price| &*price.model_id == id).unwrap();
            let mut variants = price.variants.iter();
            let batch =
                |it: &&Variant| it.tier == ServiceTier::Batch && it.above_input_tokens == above;
            variants.find(batch).map(|variant| variant.rates)
        };
        let rate = |rates: Option<Rates>, class: TokenClass| rates.unwrap()[class as usize];
        let batch = variant("claude-x", 0);
        assert_eq!(rate(batch, TokenClass::CacheWrite1h), Some(5_000_000_000));
        assert_eq!(rate(batch, TokenClass::Output), Some(12_500_000_000));
        assert_eq!(rate(batch, TokenClass::CacheWrite5m), Some(3_000_000_000), "as it says");
        let long = variant("claude-x", 200_000);
        assert_eq!(rate(long, TokenClass::Input), Some(5_000_000_000));
        assert_eq!(rate(variant("other", 0), TokenClass::Output), None);
    }

    #[test]
    fn the_dearer_of_two_long_caches_counts() {
        let import = import(
            r#"{"m": {
                "input_cost_per_token": 2e-06, "output_cost_per_token": 1e-05,
                "cache_creation_input_token_cost_above_1hr": 4e-06,
                "cache_creation_input_token_cost_above_12hr": 5e-06
            }}"#,
        );
        let rate = import.prices[0].base[TokenClass::CacheWrite1h as usize];
        assert_eq!(rate, Some(5_000_000_000));
    }

    #[test]
    fn ids_follow_the_content() {
        let id = |text: &str| import(text).prices[0].id.to_string();
        let first = id(r#"{"m": {"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6}}"#);
        let same =
            id(r#"{"m": {"output_cost_per_token": 0.000002, "input_cost_per_token": 1e-6}}"#);
        let other = id(r#"{"m": {"input_cost_per_token": 1e-6, "output_cost_per_token": 3e-6}}"#);
        assert_eq!(first, same);
        assert_ne!(first, other);
        assert!(first.starts_with("import:m:"));
    }

    #[test]
    fn another_format_is_refused() {
        let time = Time::EARLIEST;
        let moment = Moment { effective_time: time, now: time };
        for text in ["", "[]", "{\"m\": 1}", "model,price"] {
            assert!(read(text, moment).is_err(), "{text}");
        }
    }
}
