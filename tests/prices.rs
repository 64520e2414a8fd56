//! Prices against figures that were computed elsewhere, and lists against the built-in catalog.

#[path = "support/data.rs"]
mod data;

use std::collections::HashSet;
use std::sync::Arc;

use tollgate::domain::Time;
use tollgate::domain::catalog::Catalog;
use tollgate::domain::catalog::bill::Multiplier;
use tollgate::domain::catalog::price::{Price, Rate, RateCard};
use tollgate::domain::time::MICROS_PER_DAY;
use tollgate::domain::usage::{Extras, ServiceTier, TokenClass, UnitKind, Usage};
use tollgate::prices::{Import, Moment, Skipped, builtin, list, litellm};

const NOW: Time = Time::from_micros(1_790_000_000_000_000);
const MOMENT: Moment = Moment { effective_time: NOW, now: NOW };

fn list() -> Option<Import> {
    data::read("litellm_model_prices.json").map(|text| litellm::read(&text, MOMENT).unwrap())
}

fn catalog_of(import: &Import) -> Catalog {
    let (models, prices) = (import.models.clone(), import.prices.clone());
    Catalog::default().with_models_and_prices(models, prices).unwrap()
}

/// None of these rows has a tier without a rate of its own above a threshold, or a batch with an
/// hour's cache: where the rules err towards the dearer side, the calculator is not asked.
#[test]
fn costs_agree_with_the_list_s_own_calculator() {
    let (Some(import), Some(cases)) = (list(), data::read("price_cases.csv")) else { return };
    let catalog = catalog_of(&import);
    let mut reader = csv::Reader::from_reader(cases.as_bytes());
    let headers = reader.headers().unwrap().clone();
    let mut wrong = Vec::new();
    let mut rows = 0;
    for row in reader.records() {
        let row = row.unwrap();
        rows += 1;
        let cell = |name: &str| &row[headers.iter().position(|header| header == name).unwrap()];
        let mut usage = Usage::default();
        for (class, column) in [
            (TokenClass::Input, "input_tokens"),
            (TokenClass::CacheRead, "cache_read_tokens"),
            (TokenClass::CacheWrite5m, "cache_write_5m_tokens"),
            (TokenClass::CacheWrite1h, "cache_write_1h_tokens"),
            (TokenClass::Output, "output_tokens"),
            (TokenClass::Reasoning, "reasoning_tokens"),
        ] {
            usage.set(class, cell(column).parse().unwrap());
        }
        let tier = match cell("service_tier") {
            "standard" => ServiceTier::Standard,
            "flex" => ServiceTier::Flex,
            "priority" => ServiceTier::Priority,
            "batch" => ServiceTier::Batch,
            other => panic!("tier {other}"),
        };
        let expected: f64 = cell("total_cost_usd").parse().unwrap();
        let Some(card) = catalog.price_at(cell("model"), "", NOW) else {
            wrong.push(format!("{}: without a price", cell("model")));
            continue;
        };
        // In ten-thousandths of a dollar, so that rounding to nanos is below the tolerance.
        let fine_rate = Rate::from_nanos(10_000 * Rate::ONE.nanos());
        let fine = card.cost(&usage, tier, fine_rate).nanos() as f64 / 1e13;
        if (fine - expected).abs() > expected * 1e-9 + 0.5e-13 {
            wrong.push(format!("{} {tier:?} {usage:?}: {fine}, not {expected}", cell("model")));
        }
        let billed = card.cost(&usage, tier, Rate::ONE).nanos() as f64 / 1e9;
        let half_a_nano = 0.5e-9 * (1.0 + 1e-6);
        if (billed - expected).abs() > expected * 1e-9 + half_a_nano {
            wrong.push(format!("{}: billed {billed}, not {expected}", cell("model")));
        }
    }
    assert!(wrong.is_empty(), "{} of {rows} rows:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(rows, 800);
}

#[test]
fn a_list_is_accounted_for_entry_by_entry() {
    let Some(import) = list() else { return };
    let report = &import.report;
    eprintln!("{report}");
    let skipped: usize = report.skipped.values().map(Vec::len).sum();
    assert_eq!(report.models + skipped, report.read);
    assert_eq!(import.models.len(), report.models);
    assert_eq!(import.prices.len(), report.prices);
    assert!(report.models > 3_000, "{}", report.models);
    assert_eq!(report.skipped[&Skipped::Sample].len(), 2);
    assert!(report.other_keys.contains_key("output_cost_per_pixel"));
    for read in ["search_context_cost_per_query", "fedramp_uplift_multiplier"] {
        assert!(!report.other_keys.contains_key(read), "{read}");
    }
}

#[test]
fn the_same_list_again_changes_nothing() {
    let Some(import) = list() else { return };
    let again = list().unwrap();
    assert_eq!(import.prices, again.prices);
    let ids: HashSet<&Arc<str>> = import.prices.iter().map(|price| &price.id).collect();
    assert_eq!(ids.len(), import.prices.len());

    let catalog = catalog_of(&import);
    let nothing = again.against(&catalog);
    assert_eq!((nothing.models.len(), nothing.prices.len()), (0, 0));
    assert_eq!(nothing.report.unchanged, import.models.len());

    // Nor does it a day later.
    let text = data::read("litellm_model_prices.json").unwrap();
    let tomorrow = NOW + MICROS_PER_DAY;
    let later = Moment { effective_time: tomorrow, now: tomorrow };
    let nothing = litellm::read(&text, later).unwrap().against(&catalog);
    assert_eq!((nothing.models.len(), nothing.prices.len()), (0, 0));
}

#[test]
fn a_list_fits_beside_the_built_in_catalog() {
    let Some(import) = list() else { return };
    let catalog = catalog_of(&builtin::read());
    let import = import.against(&catalog);
    let aliases = import.report.skipped.keys().filter(|key| matches!(key, Skipped::AliasOf(_)));
    assert!(aliases.count() > 0);
    let both =
        catalog.with_models_and_prices(import.models.clone(), import.prices.clone()).unwrap();
    assert_eq!(&*both.model("gpt-4o-2024-08-06").unwrap().model().id, "gpt-4o");
    // A new start with the built-in facts takes nothing back.
    let start = builtin::read().against(&both);
    assert_eq!((start.models.len(), start.prices.len()), (0, 0));
}

/// The list that the built-in catalog was made from. A newer one needs `tools/catalog/run`.
#[test]
fn the_built_in_catalog_agrees_with_the_list() {
    let Some(text) = data::read("litellm_model_prices_1.110.2.json") else { return };
    let import = litellm::read(&text, MOMENT).unwrap();
    assert!(import.models.len() > 3_900, "{}", import.models.len());
    let listed = catalog_of(&import);
    let own = builtin::catalog();
    for other in listed.models() {
        let id = &other.model().id;
        let entry = own.by_id_or_alias(id).unwrap_or_else(|| panic!("{id} is not built in"));
        let expected = newest(other.prices(None));
        let price = newest(entry.prices(None));
        assert_eq!(price.base, expected.base, "{id}");
        if entry.model().id != *id {
            continue;
        }
        assert_eq!(price.variants, expected.variants, "{id}");
        assert_eq!(price.unit_rates, expected.unit_rates, "{id}");
        assert_eq!(names_of(&price), names_of(&expected), "{id}");
        assert_eq!(entry.model().provider, other.model().provider, "{id}");
        assert_eq!(entry.model().capabilities, other.model().capabilities, "{id}");
        // How large they are is known better from other lists.
        assert!(other.model().max_input.is_none() || entry.model().max_input.is_some(), "{id}");
        for alias in &other.model().aliases {
            let named = own.by_id_or_alias(alias).map(|entry| &entry.model().id);
            assert_eq!(named, Some(id), "{alias}");
        }
    }
}

#[test]
fn the_list_confirms_the_built_in_catalog() {
    let Some(text) = data::read("litellm_model_prices_1.110.2.json") else { return };
    let own = builtin::catalog();
    // When all that is built in counts.
    let later = NOW + 400 * MICROS_PER_DAY;
    let import = litellm::read(&text, Moment { effective_time: later, now: later }).unwrap();
    let import = import.against(own);
    let taken: Vec<&str> = import.prices.iter().map(|price| &*price.model_id).collect();
    assert_eq!(taken, [""; 0], "{}", import.report);
    assert!(import.confirmations.len() > 4_500, "{}", import.report);
    assert_eq!(import.confirmations.len(), import.report.confirmed);
    let confirmed = own.clone().with_confirmations(import.confirmations);
    let price = |model_id: &str| Arc::clone(own.price_at(model_id, "", later).unwrap().price());
    assert_eq!(confirmed.confirm_time(&price("gpt-4o")), later);
    assert!(own.confirm_time(&price("gpt-4o")) < later);
}

#[test]
fn what_a_list_changes_of_units_and_factors_is_shown() {
    let Some(text) = data::read("litellm_model_prices_1.110.2.json") else { return };
    let mut list: serde_json::Value = serde_json::from_str(&text).unwrap();
    list["claude-opus-4-6"]["search_context_cost_per_query"] = 0.5.into();
    list["claude-opus-4-6"]["provider_specific_entry"]["us"] = 1.3.into();
    list["whisper-1"]["input_cost_per_second"] = 0.0002.into();
    let later = NOW + MICROS_PER_DAY * 400;
    let moment = Moment { effective_time: later, now: later };
    let import = litellm::read(&list.to_string(), moment).unwrap().against(builtin::catalog());
    let shown: Vec<String> = import.report.changes.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "claude-opus-4-6 web_search: 10.00 becomes 500.00 per thousand (held back)",
            "claude-opus-4-6 us: 1.10 becomes 1.30 as a factor (held back)",
            "whisper-1 second: 0.10 becomes 0.20 per thousand",
        ]
    );
    assert_eq!(import.report.jumps, ["claude-opus-4-6"]);
}

#[test]
fn what_was_built_in_once_stays() {
    let by_hand = builtin::by_hand();
    let (header, listed) = builtin::list();
    assert!(header.note.contains("do not edit"));
    let catalog = builtin::catalog();
    for price in by_hand.prices.iter().chain(listed.iter().flat_map(|listed| &listed.prices)) {
        let kept = catalog.price_by_id(&price.id).expect("found by its id for ever");
        assert!(kept.price().bills_as(price), "{}", price.id);
    }
    // The first prices that were released, before there was the list.
    let first: Vec<&Price> =
        by_hand.prices.iter().filter(|price| price.id.ends_with(":2026-01-01")).collect();
    assert!(first.len() >= 50);
    // One that has changed since counts from its date on.
    let nano = |date: &str| {
        let time = list::midnight(date).unwrap();
        let card = catalog.price_at("gpt-5-nano", "", time).unwrap();
        (card.price().id.to_string(), card.price().variants.len())
    };
    assert_eq!(nano("2026-11-25"), ("builtin:gpt-5-nano:2026-01-01".to_owned(), 3));
    assert_eq!(nano("2026-11-26"), ("builtin:gpt-5-nano:2026-11-26".to_owned(), 2));
}

#[test]
fn windows_are_more_than_the_largest_input() {
    let catalog = builtin::catalog();
    let sizes = |id: &str| {
        let model = catalog.by_id(id).unwrap().model();
        (model.max_input, model.max_output, model.context_window)
    };
    assert_eq!(sizes("gpt-5"), (Some(272_000), Some(128_000), Some(400_000)));
    assert_eq!(sizes("azure/gpt-5"), sizes("gpt-5"));
    assert_eq!(sizes("gpt-5.4"), (Some(922_000), Some(128_000), Some(1_050_000)));
    assert_eq!(sizes("gpt-4o"), (Some(128_000), Some(16_384), Some(128_000)));
    for entry in catalog.models() {
        let model = entry.model();
        if let (Some(input), Some(window)) = (model.max_input, model.context_window) {
            assert!(input <= window, "{}", model.id);
        }
    }
}

/// The factors of a price in the order of their names.
fn names_of(price: &Price) -> Vec<(&str, Multiplier)> {
    let mut factors: Vec<(&str, Multiplier)> =
        price.factors.iter().map(|factor| (&*factor.name, factor.multiplier)).collect();
    factors.sort_unstable();
    factors
}

/// A card of the newer list.
fn card_of(catalog: &Catalog, model_id: &str) -> Arc<RateCard> {
    Arc::clone(catalog.price_at(model_id, "", NOW).unwrap())
}

/// What the rules of tiers, units and factors give for models of the newer list, in dollars.
#[test]
fn bills_of_tiers_units_and_factors() {
    let Some(text) = data::read("litellm_model_prices_1.110.2.json") else { return };
    let import = litellm::read(&text, MOMENT).unwrap();
    let catalog = catalog_of(&import);
    let check = |model: &str, tier, usage: Usage, extras: Extras, dollars: &str| {
        let card = card_of(&catalog, model);
        let extras = extras.boxed();
        let cost = card.bill(&usage, extras.as_deref(), tier, Rate::ONE).unwrap();
        assert_eq!(cost.to_string(), dollars, "{model} {tier:?} {usage:?} {extras:?}");
        assert!(!card.lacks(&usage, extras.as_deref(), tier), "{model}");
    };
    use ServiceTier::{Batch, Decisions, Flex, Priority, Standard, Ultrafast};
    let none = Extras::default;
    let tokens = |class, count| Usage::default().with(class, count);
    let hour = |count| tokens(TokenClass::CacheWrite1h, count);
    // Anthropic's batch half stacks with the rate of a write that lives for an hour.
    check("claude-opus-4-6", Batch, hour(1_000_000), none(), "5.00");
    // A write of twelve hours counts as one of an hour, at the dearer rate.
    check("gpt-6-sol", Standard, hour(100_000), none(), "0.50");
    check("gpt-6-sol", Batch, hour(100_000), none(), "0.25");
    // A tier that is dearer than the priority tier.
    let input = |count| tokens(TokenClass::Input, count);
    check("gpt-6-astra", Ultrafast, input(1_000), none(), "0.06");
    check("gpt-6-luna", Decisions, tokens(TokenClass::Output, 1_000), none(), "0.00");
    // Without rates of its own it costs no less than the priority tier.
    check("gpt-5.4", Ultrafast, input(1_000), none(), "0.005");
    // Above a threshold that a tier does not name, the dearer of its own and the standard rate.
    check("gpt-5.4", Priority, input(300_000), none(), "1.50");
    check("gpt-5.5-pro", Flex, input(300_000), none(), "18.00");
    // Units, and factors of tokens alone.
    let usage = input(105).with(TokenClass::Output, 600);
    let searches = none().with(UnitKind::WebSearch, 3);
    check("claude-opus-4-6", Standard, usage, searches.clone(), "0.045525");
    let usage = input(1_000).with(TokenClass::Output, 100);
    check("claude-opus-4-6", Standard, usage, none().with_factors(["us"]), "0.00825");
    check("claude-opus-4-6", Standard, usage, searches.with_factors(["us"]), "0.03825");
    let usage = input(1_000_000).with(TokenClass::Output, 100_000);
    check("claude-opus-5-5", Standard, usage, none().with_factors(["fast"]), "12.00");
    check("claude-opus-5-5", Standard, usage, none().with_factors(["us", "fast"]), "13.20");
    // Models that are priced by units alone.
    check("whisper-1", Standard, Usage::default(), none().with(UnitKind::Second, 60), "0.006");
    let pages = none().with(UnitKind::Page, 10);
    check("mistral/mistral-ocr-latest", Standard, Usage::default(), pages.clone(), "0.04");
    check("mistral/mistral-ocr-latest", Batch, Usage::default(), pages, "0.02");
}

#[test]
fn what_has_no_rate_is_missing_and_says_so() {
    let Some(text) = data::read("litellm_model_prices_1.110.2.json") else { return };
    let catalog = catalog_of(&litellm::read(&text, MOMENT).unwrap());
    let lacks = |model: &str, usage: Usage, extras: Extras| {
        let card = card_of(&catalog, model);
        card.lacks(&usage, extras.boxed().as_deref(), ServiceTier::Standard)
    };
    let input = Usage::default().with(TokenClass::Input, 1);
    let none = Extras::default;
    assert!(!lacks("claude-opus-4-6", input, none()));
    assert!(lacks("claude-opus-4-6", input, none().with(UnitKind::Page, 1)));
    assert!(lacks("claude-opus-4-6", input, none().with_factors(["fast"])));
    assert!(lacks("whisper-1", input, none()), "tokens of a model priced by the second");
    assert!(!lacks("whisper-1", Usage::default(), none().with(UnitKind::Second, 1)));
}

fn newest(prices: Vec<Arc<RateCard>>) -> Arc<Price> {
    Arc::clone(prices[0].price())
}
