//! Price lists in every format, and what an import makes of them.
//!
//! The first byte chooses the format, and what is in the catalog before; the list follows.

use std::io::Write;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use tollgate::domain::catalog::bill::{COST_MAX, PER_THOUSAND_MAX, PRICE_FACTORS_MAX};
use tollgate::domain::catalog::price::{PER_MILLION_MAX, Price, Rate, RateCard, Source};
use tollgate::domain::catalog::{Catalog, VARIANTS_MAX};
use tollgate::domain::time::MICROS_PER_DAY;
use tollgate::domain::usage::{Extras, ServiceTier, TOKENS_MAX, TokenClass, UnitKind, Usage};
use tollgate::domain::{Amount, Currency, Time};
use tollgate::prices::{Format, Import, Jumps, Moment, list};

use super::first;
use crate::machine::reference;

const NOW: Time = reference::START;
const MOMENT: Moment = Moment { effective_time: NOW, now: NOW };
/// The same list, a day later.
const LATER: Moment =
    Moment { effective_time: Time::from_micros(NOW.micros() + MICROS_PER_DAY), now: NOW };
/// Most models of which one is billed.
const BILLED_MAX: usize = 20;

pub fn run(bytes: &[u8]) {
    let (choice, text) = first(bytes);
    let Some(format) = Format::ALL.get(choice % 4) else { return compact(text) };
    let text = String::from_utf8_lossy(text);
    let catalog = if choice & 4 == 0 { Catalog::default() } else { catalog() };
    let jumps = if choice & 8 == 0 { Jumps::HoldBack } else { Jumps::Take };
    let _ = Format::detect(&text);
    let list = match format.read(&text, MOMENT, &catalog) {
        Ok(list) => list,
        Err(error) => {
            let shown = error.to_string();
            assert!(shown.len() <= 2_000, "{} bytes: {shown}", shown.len());
            return;
        }
    };
    list.prices.iter().for_each(check_price);
    let import = list.against_with(&catalog, jumps);
    check_report(&import);
    let changed = catalog.with_models_and_prices(import.models.clone(), import.prices.clone());
    let changed = changed.unwrap_or_else(|refusal| panic!("an import is refused: {refusal:?}"));
    let changed = changed.with_confirmations(import.confirmations.clone());
    for model in import.models.iter().take(BILLED_MAX) {
        let prices = changed.prices_of(&model.id, None);
        prices.iter().for_each(check_bill);
    }
    if jumps == Jumps::Take {
        check_again(*format, &text, &changed);
    }
}

/// A list that was taken says nothing new the day after.
fn check_again(format: Format, text: &str, changed: &Catalog) {
    let again = format.read(text, LATER, changed).expect("it was read before");
    let again = again.against_with(changed, Jumps::Take);
    assert!(again.prices.is_empty(), "new prices: {:?}", again.prices);
    assert!(again.models.is_empty(), "new models: {:?}", again.models);
}

fn check_report(import: &Import) {
    let report = &import.report;
    assert_eq!((report.models, report.prices), (import.models.len(), import.prices.len()));
    assert!(report.changes.len() <= 1_000, "{} changes", report.changes.len());
    assert!(report.change_count >= report.changes.len(), "{report:?}");
    for model in &import.models {
        for name in model.aliases.iter().map(String::as_str).chain([&*model.id]) {
            let is_plain = !name.chars().any(|letter| letter.is_control());
            assert!(is_plain && (1..=256).contains(&name.len()), "{name:?}");
        }
        let bounds = [model.context_window, model.max_input, model.max_output];
        assert!(bounds.into_iter().flatten().all(|tokens| tokens > 0), "{model:?}");
    }
}

fn check_price(price: &Price) {
    let variants = price.variants.iter().map(|variant| (variant.rates, variant.unit_rates));
    for (rates, unit_rates) in variants.chain([(price.base, price.unit_rates)]) {
        let tokens = rates.into_iter().flatten();
        assert!(tokens.into_iter().all(|rate| (0..=PER_MILLION_MAX).contains(&rate)), "{price:?}");
        let units = unit_rates.into_iter().flatten();
        assert!(units.into_iter().all(|rate| (0..=PER_THOUSAND_MAX).contains(&rate)), "{price:?}");
    }
    assert!(price.variants.len() <= VARIANTS_MAX, "{price:?}");
    assert!(price.factors.len() <= PRICE_FACTORS_MAX, "{price:?}");
    let is_one = |class| price.base[class as usize].is_some();
    assert_eq!(is_one(TokenClass::Input), is_one(TokenClass::Output), "{price:?}");
    assert!(price.workspace_id.is_none() && price.source != Source::Operator, "{price:?}");
}

/// A bill is bounded or refused, never falls with the tokens, and is never more than the most.
fn check_bill(card: &Arc<RateCard>) {
    let names = card.price().factors.iter().take(8).map(|factor| factor.name.to_string());
    let extras = Extras::default().with(UnitKind::WebSearch, 3).with_factors(names);
    for tier in ServiceTier::ALL {
        let mut before = Amount::ZERO;
        for tokens in [0, 1, 1_000, 200_000, 200_001, TOKENS_MAX / 2] {
            let usage =
                Usage::default().with(TokenClass::Input, 1).with(TokenClass::Output, tokens);
            let Ok(cost) = card.bill(&usage, Some(&extras), tier, Rate::ONE) else { break };
            assert!((before..=COST_MAX).contains(&cost), "{cost} after {before}: {card:?}");
            before = cost;
        }
    }
}

/// The form of the built-in catalog. It is compressed here, so that bytes are not lost on that.
fn compact(text: &[u8]) {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
    encoder.write_all(text).expect("it is written to memory");
    let bytes = encoder.finish().expect("it is written to memory");
    let Ok((header, listed)) = list::read(&bytes) else { return };
    let Ok(written) = list::write(&header, &listed) else { return };
    let again = list::read(&written).expect("what is written can be read");
    assert_eq!(again, (header, listed));
}

/// Models and prices that meet those of lists: of an operator, built in, and imported.
fn catalog() -> Catalog {
    let sources = [("gpt-4o", Source::Operator), ("claude-opus-4-6", Source::Builtin)];
    let all = sources.into_iter().chain([("m", Source::Import)]);
    let (mut models, mut prices) = (Vec::new(), Vec::new());
    for (id, source) in all {
        let mut model = reference::model(id);
        model.source = source;
        model.aliases = vec![format!("{id}-alias")];
        models.push(model);
        let price = reference::price(id, 0, 1_000_000_000, 2_000_000_000);
        prices.push(Price { currency: Currency::USD, source, ..price });
    }
    Catalog::new(models, prices, Vec::new())
}
