//! Imports against a catalog: what is taken, and what takes precedence.

use super::*;
use crate::domain::Time;
use crate::domain::catalog::Catalog;
use crate::domain::catalog::price::Source;

const TEXT: &str = r#"{"gpt-4o": {"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6}}"#;

fn later() -> Moment {
    let time = Time::from_micros(1_790_000_000_000_000);
    Moment { effective_time: time, now: time }
}

fn with(catalog: &Catalog, import: &Import) -> Catalog {
    let (models, prices) = (import.models.clone(), import.prices.clone());
    catalog.with_models_and_prices(models, prices).unwrap()
}

fn input_rate(catalog: &Catalog) -> Option<PerMillion> {
    let price = catalog.price_at("gpt-4o", "", later().effective_time).unwrap();
    price.price().base[0]
}

#[test]
fn a_list_takes_precedence_over_the_built_in_catalog() {
    let builtin = builtin::read();
    let catalog = with(&Catalog::default(), &builtin);
    let import = litellm::read(TEXT, later()).unwrap().against(&catalog);
    let catalog = with(&catalog, &import);
    assert_eq!(input_rate(&catalog), Some(1_000_000_000));
    let model = catalog.model("gpt-4o-2024-08-06").unwrap().model();
    assert_eq!((&*model.id, &*model.display_name), ("gpt-4o", "GPT-4o"), "names stay");
    assert_eq!(model.source, Source::Import);
    assert_eq!(builtin::read().against(&catalog).models, []);
    assert_eq!(builtin::read().against(&catalog).prices, []);
}

#[test]
fn operators_take_precedence_over_lists() {
    let mut set = builtin::read();
    set.prices.iter_mut().for_each(|price| price.source = Source::Operator);
    let catalog = with(&Catalog::default(), &set);
    let import = litellm::read(TEXT, later()).unwrap().against(&catalog);
    assert_eq!(import.prices, []);
    assert_eq!(import.report.kept_prices, ["gpt-4o"]);

    set.models.iter_mut().for_each(|model| model.source = Source::Operator);
    let catalog = with(&Catalog::default(), &set);
    let import = litellm::read(TEXT, later()).unwrap().against(&catalog);
    assert_eq!((import.models.len(), import.prices.len()), (0, 0));
    assert_eq!(import.report.skipped[&Skipped::SetByOperator], ["gpt-4o"]);
    assert!(import.report.to_string().contains("1 skipped: set by an operator (gpt-4o)"));
}

#[test]
fn an_alias_of_the_catalog_is_not_imported_as_a_model() {
    let catalog = with(&Catalog::default(), &builtin::read());
    let text = TEXT.replace("gpt-4o", "gpt-4o-2024-08-06");
    let import = litellm::read(&text, later()).unwrap().against(&catalog);
    assert_eq!(import.models, []);
    let reason = Skipped::AliasOf("gpt-4o".to_owned());
    assert_eq!(import.report.skipped[&reason], ["gpt-4o-2024-08-06"]);
}

#[test]
fn a_price_that_returns_to_an_earlier_one_is_new() {
    let day = crate::domain::time::MICROS_PER_DAY;
    let mut catalog = Catalog::default();
    let other = TEXT.replace("1e-6", "5e-6");
    for (days, text) in [(0, TEXT), (1, &other), (2, TEXT)] {
        let time = later().now - (2 - days) * day;
        let import = litellm::read(text, Moment { effective_time: time, now: time }).unwrap();
        let import = import.against(&catalog);
        assert_eq!(import.prices.len(), 1);
        catalog = with(&catalog, &import);
    }
    assert_eq!(input_rate(&catalog), Some(1_000_000_000));
    assert_eq!(catalog.prices_of("gpt-4o", None).len(), 3);
}

#[test]
fn an_unchanged_price_is_confirmed_by_the_next_import() {
    let day = crate::domain::time::MICROS_PER_DAY;
    let at = |days| later().now + days * day;
    let import = |catalog: &Catalog, text: &str, days| {
        let moment = Moment { effective_time: at(days), now: at(days) };
        litellm::read(text, moment).unwrap().against(catalog)
    };
    let first = import(&Catalog::default(), TEXT, 0);
    assert_eq!((first.prices.len(), first.confirmations.len()), (1, 0));
    let catalog = with(&Catalog::default(), &first);
    let confirm_time = |catalog: &Catalog| catalog.confirm_time(&first.prices[0]);
    assert_eq!(confirm_time(&catalog), at(0));

    let again = import(&catalog, TEXT, 3);
    assert_eq!((again.models.len(), again.prices.len()), (0, 0));
    assert_eq!((again.report.unchanged, again.report.confirmed), (1, 1));
    assert_eq!(again.confirmations.len(), 1);
    let catalog = catalog.with_confirmations(again.confirmations);
    assert_eq!(confirm_time(&catalog), at(3));
    // A clock that was put back takes nothing back.
    let earlier = import(&catalog, TEXT, 2);
    assert_eq!((earlier.report.confirmed, earlier.confirmations.len()), (1, 0));

    // Another price confirms none, whether it is taken or held back.
    for (other, taken) in [("2e-6", 1), ("2e-3", 0)] {
        let other = import(&catalog, &TEXT.replace("1e-6", other), 4);
        assert_eq!((other.prices.len(), other.confirmations.len()), (taken, 0));
    }
}

#[test]
fn a_list_confirms_what_operators_set_if_it_says_the_same() {
    let mut set = litellm::read(TEXT, later()).unwrap();
    set.prices[0].source = Source::Operator;
    let next = Moment { now: later().now + 1, ..later() };
    for source in [Source::Import, Source::Operator] {
        set.models[0].source = source;
        let catalog = with(&Catalog::default(), &set);
        let same = litellm::read(TEXT, next).unwrap().against(&catalog);
        assert_eq!(same.confirmations[0].price_id, set.prices[0].id, "{source:?}");
        assert!(same.models.is_empty() && same.prices.is_empty());
        let other = litellm::read(&TEXT.replace("1e-6", "2e-6"), next).unwrap();
        assert_eq!(other.against(&catalog).confirmations, []);
    }
}

/// A model with searches and factors, by their figures.
fn with_extras(search: &str, factors: &str) -> String {
    format!(
        r#"{{"m": {{"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6,
            "search_context_cost_per_query": {{"search_context_size_low": {search}}},
            "provider_specific_entry": {factors}}}}}"#
    )
}

#[test]
fn changes_of_units_and_factors_are_shown_and_jumps_held_back() {
    let base = with_extras("0.01", r#"{"us": 1.1, "fast": 6}"#);
    let moment = Moment { effective_time: Time::EARLIEST, now: Time::EARLIEST };
    let first = litellm::read(&base, moment).unwrap();
    let catalog = with(&Catalog::default(), &first);
    let check = |search: &str, factors: &str, expected: &[&str]| {
        let list = litellm::read(&with_extras(search, factors), later()).unwrap();
        let taken = list.clone().against(&catalog);
        let shown: Vec<String> = taken.report.changes.iter().map(Change::to_string).collect();
        assert_eq!(shown, expected, "{search} {factors}");
        assert_eq!(taken.report.change_count, expected.len());
        let is_held_back = expected.iter().any(|line| line.ends_with("(held back)"));
        assert_eq!(taken.report.jumps.len(), usize::from(is_held_back));
        assert_eq!(taken.prices.len(), usize::from(!is_held_back));
        assert_eq!(list.against_with(&catalog, Jumps::Take).prices.len(), 1);
    };
    let factors = r#"{"us": 1.1, "fast": 6}"#;
    check("0.1", factors, &["m web_search: 10.00 becomes 100.00 per thousand"]);
    check("0.11", factors, &["m web_search: 10.00 becomes 110.00 per thousand (held back)"]);
    check("0.0009", factors, &["m web_search: 10.00 becomes 0.90 per thousand (held back)"]);
    check("0", factors, &["m web_search: 10.00 becomes 0.00 per thousand (held back)"]);
    check("null", factors, &["m web_search: 10.00 becomes none per thousand (held back)"]);
    check("0.01", r#"{"us": 1.2, "fast": 6}"#, &["m us: 1.10 becomes 1.20 as a factor"]);
    check(
        "0.01",
        r#"{"us": 11.1, "fast": 6}"#,
        &["m us: 1.10 becomes 11.10 as a factor (held back)"],
    );
    check("0.01", r#"{"us": 1.1}"#, &["m fast: 6.00 becomes none as a factor"]);
    check(
        "0.01",
        r#"{"us": 1.1, "fast": 0.5}"#,
        &["m fast: 6.00 becomes 0.50 as a factor (held back)"],
    );
    // What is new was not known before, and is no jump.
    check("0.01", r#"{"us": 1.1, "fast": 6, "eu": 50}"#, &["m eu: none becomes 50.00 as a factor"]);
}

#[test]
fn a_unit_of_a_tier_is_shown_where_it_differs_from_that_of_the_standard_tier() {
    let page = |standard: &str, batch: &str| {
        let text = format!(
            r#"{{"m": {{"ocr_cost_per_page": {standard}, "ocr_cost_per_page_batches": {batch}}}}}"#
        );
        litellm::read(&text, later()).unwrap()
    };
    let catalog = with(&Catalog::default(), &page("4e-3", "2e-3"));
    let shown = |list: Import| {
        let mut list = list;
        list.prices[0].effective_time = list.prices[0].effective_time + 1;
        list.prices[0].id = "other".into();
        let report = list.against(&catalog).report;
        report.changes.iter().map(Change::to_string).collect::<Vec<_>>()
    };
    assert_eq!(shown(page("5e-3", "2e-3")), ["m page: 4.00 becomes 5.00 per thousand"]);
    assert_eq!(shown(page("4e-3", "3e-3")), ["m page batch: 2.00 becomes 3.00 per thousand"]);
}
