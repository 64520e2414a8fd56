//! Splits the cost of a record over its meters: token classes and kinds of units. The parts add up
//! to it exactly.

use std::sync::Arc;

use crate::domain::catalog::Catalog;
use crate::domain::catalog::price::{PerMillion, Rate, RateCard, round_half_even};
use crate::domain::record::Record;
use crate::domain::usage::{TokenClass, UnitKind};
use crate::domain::{Amount, Currency};
use crate::export::error::{Error, Result};

/// Unit of prices, in tokens. A unit counts as a thousand of them: prices are for a thousand units.
pub const TOKENS_PER_PRICE: i128 = 1_000_000;
const TOKENS_PER_UNIT: i64 = 1_000;

/// What a charge counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Meter {
    Tokens(TokenClass),
    Units(UnitKind),
}

impl Meter {
    pub const COUNT: usize = TokenClass::COUNT + UnitKind::COUNT;

    /// Token classes first.
    pub fn all() -> impl Iterator<Item = Meter> {
        let tokens = TokenClass::ALL.into_iter().map(Meter::Tokens);
        tokens.chain(UnitKind::ALL.into_iter().map(Meter::Units))
    }

    pub fn place(self) -> usize {
        match self {
            Meter::Tokens(class) => class as usize,
            Meter::Units(kind) => TokenClass::COUNT + kind as usize,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Meter::Tokens(class) => class.as_str(),
            Meter::Units(kind) => kind.as_str(),
        }
    }

    /// A quantity in tokens that are priced per million.
    pub fn in_tokens(self, count: i64) -> i64 {
        match self {
            Meter::Tokens(_) => count,
            Meter::Units(_) => count * TOKENS_PER_UNIT,
        }
    }
}

type ByMeter<T> = [T; Meter::COUNT];

/// The prices that a record was billed at.
#[derive(Clone, Debug)]
pub struct Prices {
    pub id: Arc<str>,
    /// The price of the catalog, if the workspace has its own; else the same.
    pub list_id: Arc<str>,
    pub currency: Currency,
    /// Least input of the long-context threshold that applied.
    pub from_input_tokens: i64,
    pub list_from_input_tokens: i64,
    /// Exchange rate from their currency to that of the workspace.
    pub rate: Rate,
    /// For a million tokens or a thousand units, with the factors that applied.
    pub billed: ByMeter<PerMillion>,
    pub list: ByMeter<PerMillion>,
    /// Names of these factors.
    pub factors: Vec<Arc<str>>,
}

/// The charge for one meter; without one, a charge without tokens and units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    pub meter: Option<Meter>,
    /// Tokens or units.
    pub count: i64,
    pub cost: Amount,
    /// At the price of the catalog.
    pub list_cost: Amount,
    /// In nanos of the price's currency, times [`TOKENS_PER_PRICE`].
    pub pricing_cost: i128,
}

impl Prices {
    /// None of a record without a price.
    pub fn of(record: &Record, catalog: &Catalog) -> Option<Prices> {
        let card = catalog.price_by_id(record.price_id.as_ref()?)?;
        let list = list_of(card, record, catalog);
        let (billed, from_input_tokens) = rates_of(card, record);
        let (list_rates, list_from_input_tokens) = rates_of(list, record);
        Some(Prices {
            id: Arc::clone(&card.price().id),
            list_id: Arc::clone(&list.price().id),
            currency: card.price().currency,
            from_input_tokens,
            list_from_input_tokens,
            rate: record.exchange_rate,
            billed,
            list: list_rates,
            factors: record.extras.as_ref().map_or_else(Vec::new, |it| it.factors.clone()),
        })
    }
}

/// What a price says of a record, by meter, and the size of the input from which that holds. What
/// has no rate has zero.
fn rates_of(card: &RateCard, record: &Record) -> (ByMeter<PerMillion>, i64) {
    let (tokens, from_input_tokens) = card.rates(&record.usage, record.tier);
    let units = card.unit_rates(record.usage.total_input(), record.tier);
    let extras = record.extras.as_deref();
    let mut rates = [0; Meter::COUNT];
    for meter in Meter::all() {
        let (rate, is_unit) = match meter {
            Meter::Tokens(class) => (tokens[class as usize], false),
            Meter::Units(kind) => (units.and_then(|units| units[kind as usize]).unwrap_or(0), true),
        };
        rates[meter.place()] = match extras {
            Some(_) => card.listed(extras, rate, is_unit),
            None => rate,
        };
    }
    (rates, from_input_tokens)
}

/// What a record counts, by meter.
fn counts_of(record: &Record) -> ByMeter<i64> {
    let mut counts = [0; Meter::COUNT];
    counts[..TokenClass::COUNT].copy_from_slice(&record.usage.tokens);
    if let Some(extras) = &record.extras {
        counts[TokenClass::COUNT..].copy_from_slice(&extras.units);
    }
    counts
}

/// The price of the catalog at the time, if the workspace was billed at its own and both have one
/// currency; else the billed one.
fn list_of<'a>(card: &'a RateCard, record: &Record, catalog: &'a Catalog) -> &'a RateCard {
    let price = card.price();
    if price.workspace_id.is_none() {
        return card;
    }
    // No workspace has an empty id: finds only prices of the catalog.
    let list = catalog.price_at(&price.model_id, "", record.charge_time);
    let list = list.filter(|list| list.price().currency == price.currency);
    list.map_or(card, |list| &**list)
}

/// The parts of a record, in the order of the meters; none of a record without use and cost.
///
/// # Errors
/// If a cost at the price of the catalog overflows an amount.
pub fn parts(record: &Record, prices: Option<&Prices>) -> Result<Vec<Part>> {
    let counts = &counts_of(record);
    if counts.iter().all(|count| *count == 0) {
        let whole = Part {
            meter: None,
            count: 0,
            cost: record.cost,
            list_cost: record.cost,
            pricing_cost: 0,
        };
        return Ok(if record.cost.is_zero() { Vec::new() } else { vec![whole] });
    }
    let weights = match prices {
        Some(prices) => weigh(counts, &prices.billed),
        None => [0; Meter::COUNT],
    };
    let costs = split(record.cost.nanos(), &weights, counts);
    let mut parts = Vec::new();
    for meter in Meter::all() {
        let place = meter.place();
        let count = counts[place];
        if count == 0 {
            continue;
        }
        let cost = Amount::from_nanos(costs[place]);
        let list_cost = match prices {
            Some(prices) if prices.id != prices.list_id => {
                converted(meter.in_tokens(count), prices.list[place], prices.rate)?
            }
            _ => cost,
        };
        let pricing_cost = weights[place];
        parts.push(Part { meter: Some(meter), count, cost, list_cost, pricing_cost });
    }
    Ok(parts)
}

fn weigh(counts: &ByMeter<i64>, rates: &ByMeter<PerMillion>) -> ByMeter<i128> {
    let mut weights = [0; Meter::COUNT];
    for meter in Meter::all() {
        let place = meter.place();
        weights[place] = i128::from(meter.in_tokens(counts[place])) * i128::from(rates[place]);
    }
    weights
}

/// Splits an amount in proportion to the weights, or to the counts if all weights are zero, by the
/// largest remainder method: each part is rounded down, and the rest goes, one nano each, to the
/// largest remainders, the first of equal ones.
fn split(total: i64, weights: &ByMeter<i128>, counts: &ByMeter<i64>) -> ByMeter<i64> {
    let mut weights = *weights;
    if weights.iter().sum::<i128>() == 0 {
        weights = counts.map(i128::from);
    }
    let mut whole: i128 = weights.iter().sum();
    assert!(whole > 0, "callers split only over what was used");
    // A cost is at most 10¹⁷: with a sum of weights below 2⁷⁰ no product overflows.
    while whole >= WEIGHTS_MAX {
        weights = weights.map(|weight| weight / 2);
        whole = weights.iter().sum();
    }
    let mut parts = [0; Meter::COUNT];
    let mut rests = [0; Meter::COUNT];
    let mut left = i128::from(total);
    for (place, weight) in weights.iter().enumerate() {
        (parts[place], rests[place]) = times_over(total, *weight, whole);
        left -= parts[place];
    }
    let mut order: Vec<usize> = (0..Meter::COUNT).collect();
    order.sort_by_key(|place| (std::cmp::Reverse(rests[*place]), *place));
    let left = usize::try_from(left).expect("parts are rounded down");
    for place in &order[..left] {
        parts[*place] += 1;
    }
    parts.map(|part| i64::try_from(part).expect("a part is no more than the whole"))
}

/// The sum of weights that a split computes with: above that of tokens alone at the highest price.
const WEIGHTS_MAX: i128 = 1 << 70;
/// `total × weight ÷ whole`, rounded down, and what is left of it.
///
/// No overflow: a cost is at most 2 × 10¹⁸ and a weight 10²¹, see `price.rs`. Their product would
/// not fit, so that the upper half of the cost is divided first.
fn times_over(total: i64, weight: i128, whole: i128) -> (i128, i128) {
    const HALF: u32 = 32;
    let (upper, lower) = (i128::from(total >> HALF), i128::from(total & ((1 << HALF) - 1)));
    let (quotient, rest) = ((upper * weight).div_euclid(whole), (upper * weight).rem_euclid(whole));
    let product = (rest << HALF) + lower * weight;
    ((quotient << HALF) + product.div_euclid(whole), product.rem_euclid(whole))
}

/// Cost of tokens at a price, in the currency that `rate` converts to.
fn converted(tokens: i64, per_million: PerMillion, rate: Rate) -> Result<Amount> {
    let overflows = || Error::SumTooLarge;
    let product = i128::from(tokens) * i128::from(per_million);
    let product = product.checked_mul(i128::from(rate.nanos())).ok_or_else(overflows)?;
    let nanos = round_half_even(product, TOKENS_PER_PRICE * i128::from(Rate::ONE.nanos()));
    i64::try_from(nanos).map(Amount::from_nanos).map_err(|_| Error::SumTooLarge)
}

/// Nanos of the price's currency.
pub fn pricing_nanos(cost: i128) -> Result<i64> {
    i64::try_from(round_half_even(cost, TOKENS_PER_PRICE)).map_err(|_| Error::SumTooLarge)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn by_class<T: Copy + Default>(given: &[T]) -> ByMeter<T> {
        let mut all = [T::default(); Meter::COUNT];
        all[..given.len()].copy_from_slice(given);
        all
    }

    #[test]
    fn the_dearest_record_is_split_exactly() {
        for total in [2_000_000_000_000_000_000, -2_000_000_000_000_000_000, i64::MAX, i64::MIN, -1]
        {
            let weight = 10_i128.pow(21);
            assert_eq!(times_over(total, weight, weight), (total.into(), 0));
            let (half, rest) = times_over(total, weight, 2 * weight);
            assert_eq!(
                (half, rest),
                (i128::from(total).div_euclid(2), i128::from(total & 1) * weight)
            );
        }
    }

    #[test]
    fn the_rest_goes_to_the_largest_remainders() {
        let check = |total, weights: &[i128], expected: &[i64]| {
            let tokens = weights.iter().map(|weight| i64::from(*weight > 0)).collect::<Vec<_>>();
            let parts = split(total, &by_class(weights), &by_class(&tokens));
            assert_eq!(parts, by_class(expected), "{total} {weights:?}");
        };
        check(10, &[1, 1], &[5, 5]);
        check(10, &[1, 1, 1], &[4, 3, 3]);
        check(11, &[1, 1, 1], &[4, 4, 3]);
        check(100, &[0, 2, 1], &[0, 67, 33]);
        check(1, &[1, 3], &[0, 1]);
        check(0, &[5, 7], &[0, 0]);
        check(-10, &[1, 1, 1], &[-3, -3, -4]);
    }

    #[test]
    fn without_prices_tokens_are_the_weights() {
        let parts = split(9, &by_class(&[]), &by_class(&[1, 2]));
        assert_eq!(parts, by_class(&[3, 6]));
    }

    proptest! {
        #[test]
        fn parts_add_up_and_are_within_a_nano_of_their_share(
            total in -100_000_000_000_000_000_i64..=100_000_000_000_000_000,
            weights in prop::array::uniform19(0_i128..=60_000_000_000_000_000_000),
        ) {
            let whole: i128 = weights.iter().sum();
            prop_assume!(whole > 0);
            let parts = split(total, &weights, &[1; Meter::COUNT]);
            prop_assert_eq!(parts.iter().sum::<i64>(), total);
            for (part, weight) in parts.iter().zip(weights) {
                let low = (i128::from(total) * weight).div_euclid(whole);
                prop_assert!((low..=low + 1).contains(&i128::from(*part)));
            }
        }
    }
}
