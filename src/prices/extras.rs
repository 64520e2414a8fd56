//! Units and factors of an entry of the LiteLLM list.
//!
//! Where the list says the same thing twice, in tokens and in units (an image of so many tokens),
//! the tokens are priced and the units are left out: providers bill one of them. Where it has
//! several rates for one kind of units (sizes of a search's context, audio and video by second), a
//! record does not say which one it was: the dearest counts.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::value::RawValue;

use super::litellm::{Entry, scaled, split_tier};
use crate::domain::catalog::bill::{Factor, Multiplier, PER_THOUSAND_MAX, UnitRates};
use crate::domain::catalog::is_factor_name;
use crate::domain::usage::{ServiceTier, UnitKind};

/// From units of currency for one unit to nano-units for a thousand: 10³ × 10⁹.
const NANOS_PER_THOUSAND_DIGITS: i32 = 12;
/// From a multiplier to its nanos.
const MULTIPLIER_DIGITS: i32 = 9;

/// Keys of rates for one unit. Of the same kind, the dearest counts.
const UNIT_KEYS: [(&str, UnitKind); 15] = [
    ("citation_cost_per_token", UnitKind::CitationToken),
    ("code_interpreter_cost_per_session", UnitKind::ToolCall),
    ("input_cost_per_audio_per_second", UnitKind::Second),
    ("input_cost_per_character", UnitKind::Character),
    ("input_cost_per_image", UnitKind::Image),
    ("input_cost_per_query", UnitKind::Request),
    ("input_cost_per_request", UnitKind::Request),
    ("input_cost_per_second", UnitKind::Second),
    ("input_cost_per_text_message", UnitKind::Request),
    ("input_cost_per_video_per_second", UnitKind::Second),
    ("ocr_cost_per_page", UnitKind::Page),
    ("output_cost_per_character", UnitKind::Character),
    ("output_cost_per_image", UnitKind::Image),
    ("output_cost_per_second", UnitKind::Second),
    ("output_cost_per_video_per_second", UnitKind::Second),
];

/// The key of searches: an object with a rate for each size of the context.
const SEARCH_KEY: &str = "search_context_cost_per_query";
/// An object of anything, among it multipliers.
const SPECIFIC_KEY: &str = "provider_specific_entry";
/// What is left of the name of a factor.
const MULTIPLIER_PART: &str = "_uplift_multiplier";

/// What an entry has beside rates of tokens.
#[derive(Default)]
pub struct Extras {
    /// By tier (its index).
    pub rates: BTreeMap<usize, UnitRates>,
    pub factors: Vec<Factor>,
}

impl Extras {
    /// Takes a key, if it is about units or factors and their value is usable. Whether it did.
    pub fn take(&mut self, entry: &Entry<'_>, key: &str, raw: &RawValue) -> bool {
        if key == SEARCH_KEY {
            return self.take_searches(raw);
        }
        if key == SPECIFIC_KEY {
            return self.take_specific(raw);
        }
        if let Some((before, after)) = key.split_once(MULTIPLIER_PART) {
            return self.take_factor(&format!("{before}{after}"), raw);
        }
        let (rest, tier) = split_tier(key);
        let Some((_, kind)) = UNIT_KEYS.iter().find(|(name, _)| *name == rest) else {
            return false;
        };
        if is_said_in_tokens(entry, rest, *kind) {
            return false;
        }
        self.take_rate(*kind, tier, raw)
    }

    pub fn is_without_units(&self) -> bool {
        self.rates.values().flatten().all(Option::is_none)
    }

    pub fn rates_of(&self, tier: ServiceTier) -> UnitRates {
        self.rates.get(&(tier as usize)).copied().unwrap_or_default()
    }

    fn take_rate(&mut self, kind: UnitKind, tier: ServiceTier, raw: &RawValue) -> bool {
        let scaled = scaled(raw.get(), NANOS_PER_THOUSAND_DIGITS);
        let nanos = scaled.and_then(|(nanos, _)| i64::try_from(nanos).ok());
        let Some(nanos) = nanos.filter(|nanos| (0..=PER_THOUSAND_MAX).contains(nanos)) else {
            return false;
        };
        let rate = &mut self.rates.entry(tier as usize).or_default()[kind as usize];
        *rate = Some(rate.unwrap_or(0).max(nanos));
        true
    }

    fn take_searches(&mut self, raw: &RawValue) -> bool {
        let sizes: Result<BTreeMap<String, &RawValue>, _> = serde_json::from_str(raw.get());
        let Ok(sizes) = sizes else {
            return self.take_rate(UnitKind::WebSearch, ServiceTier::Standard, raw);
        };
        let mut taken = false;
        for rate in sizes.values() {
            taken |= self.take_rate(UnitKind::WebSearch, ServiceTier::Standard, rate);
        }
        taken
    }

    /// Takes what is a multiplier by its name: of a speed, or of a region of two letters.
    fn take_specific(&mut self, raw: &RawValue) -> bool {
        let values: Result<BTreeMap<String, &RawValue>, _> = serde_json::from_str(raw.get());
        let mut taken = true;
        for (name, raw) in values.unwrap_or_default() {
            let is_region = name.len() == 2 && name.bytes().all(|byte| byte.is_ascii_lowercase());
            let is_multiplier = is_region || name == "fast";
            taken &= is_multiplier && self.take_factor(&name, raw);
        }
        taken
    }

    fn take_factor(&mut self, name: &str, raw: &RawValue) -> bool {
        let scaled = scaled(raw.get(), MULTIPLIER_DIGITS).filter(|(_, is_exact)| *is_exact);
        let nanos = scaled.and_then(|(nanos, _)| i64::try_from(nanos).ok());
        let Some(multiplier) = nanos.and_then(Multiplier::from_nanos) else { return false };
        if !is_factor_name(name) || self.factors.iter().any(|factor| *factor.name == *name) {
            return false;
        }
        self.factors.push(Factor { name: Arc::from(name), multiplier, of_units: false });
        true
    }
}

/// Whether tokens say what a rate for units says, too.
fn is_said_in_tokens(entry: &Entry<'_>, key: &str, kind: UnitKind) -> bool {
    let is_priced = |key: &str| {
        let number = entry.get(key).and_then(|raw| scaled(raw.get(), 18));
        number.is_some_and(|(number, _)| number != 0)
    };
    let has_text = is_priced("input_cost_per_token");
    match kind {
        UnitKind::Character => has_text,
        // Spoken input and output have tokens of their own.
        UnitKind::Second => {
            is_priced("input_cost_per_audio_token") || is_priced("output_cost_per_audio_token")
        }
        UnitKind::Image if key.starts_with("input") => is_priced("input_cost_per_image_token"),
        UnitKind::Image => is_priced("output_cost_per_image_token"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Extras, Vec<String>) {
        let entry: Entry<'_> = serde_json::from_str(text).unwrap();
        let mut extras = Extras::default();
        let mut left = Vec::new();
        for (key, raw) in &entry {
            if !extras.take(&entry, key, raw) {
                left.push(key.clone());
            }
        }
        (extras, left)
    }

    fn standard(text: &str, kind: UnitKind) -> Option<i64> {
        read(text).0.rates_of(ServiceTier::Standard)[kind as usize]
    }

    #[test]
    fn the_dearest_rate_of_a_kind_counts() {
        let search = r#"{"search_context_cost_per_query": {
            "search_context_size_low": 0.005, "search_context_size_high": 0.012}}"#;
        assert_eq!(standard(search, UnitKind::WebSearch), Some(12_000_000_000));
        let seconds = r#"{"input_cost_per_second": 0.0001, "output_cost_per_second": 0.0}"#;
        assert_eq!(standard(seconds, UnitKind::Second), Some(100_000_000));
        let free = r#"{"input_cost_per_query": 0}"#;
        assert_eq!(standard(free, UnitKind::Request), Some(0));
    }

    #[test]
    fn tiers_have_their_own() {
        let (extras, left) =
            read(r#"{"ocr_cost_per_page": 4e-3, "ocr_cost_per_page_batches": 2e-3}"#);
        assert_eq!(left, [""; 0]);
        let rate = |tier| extras.rates_of(tier)[UnitKind::Page as usize];
        assert_eq!(rate(ServiceTier::Standard), Some(4_000_000_000));
        assert_eq!(rate(ServiceTier::Batch), Some(2_000_000_000));
        assert_eq!(rate(ServiceTier::Flex), None);
    }

    #[test]
    fn what_tokens_say_is_not_said_twice() {
        let (extras, left) = read(
            r#"{"output_cost_per_image": 0.039, "output_cost_per_image_token": 3e-5,
                "input_cost_per_image": 0.001, "input_cost_per_token": 1e-6}"#,
        );
        let rate = extras.rates_of(ServiceTier::Standard)[UnitKind::Image as usize];
        assert_eq!(rate, Some(1_000_000_000));
        assert!(left.contains(&"output_cost_per_image".to_owned()));
    }

    #[test]
    fn multipliers_are_factors() {
        let (extras, left) = read(
            r#"{"provider_specific_entry": {"us": 1.1, "fast": 2.0},
                "regional_processing_uplift_multiplier_eu": 1.1,
                "fedramp_uplift_multiplier": 1.25}"#,
        );
        assert_eq!(left, [""; 0]);
        let mut factors: Vec<(String, i64)> = extras
            .factors
            .iter()
            .map(|factor| (factor.name.to_string(), factor.multiplier.nanos() / 10_000_000))
            .collect();
        factors.sort();
        let expected =
            [("fast", 200), ("fedramp", 125), ("regional_processing_eu", 110), ("us", 110)];
        assert_eq!(factors, expected.map(|(name, percent)| (name.to_owned(), percent)));
        // Settings that are no multipliers, and numbers that cannot be one.
        for text in [
            r#"{"provider_specific_entry": {"realtime_ga_only": 1}}"#,
            r#"{"provider_specific_entry": {"us": "much"}}"#,
            r#"{"fedramp_uplift_multiplier": 0}"#,
            r#"{"fedramp_uplift_multiplier": 101}"#,
        ] {
            let (extras, left) = read(text);
            assert!(extras.factors.is_empty() && left.len() == 1, "{text}");
        }
    }
}
