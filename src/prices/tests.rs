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
