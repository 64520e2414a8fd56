//! What a request costs with units and factors beside its tokens. Exact, rounded once (I11).
//!
//! Factors multiply the cost of tokens, and that of units where the price says so: providers'
//! surcharges for a region or a speed are on tokens, a web search costs the same. Units have a rate
//! for 1,000 of each kind, of the tier and size of the request where it has its own.

use std::sync::Arc;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::domain::Amount;
use crate::domain::catalog::price::{PerMillion, Price, Rate, RateCard, Variant, steps};
use crate::domain::catalog::wide::Wide;
use crate::domain::usage::{Extras, ServiceTier, TokenClass, UnitKind, Usage};

/// Nano-units of currency for a thousand units.
pub type PerThousand = i64;

/// Highest price of a thousand units, in nano-units: 1,000,000 units of currency.
pub const PER_THOUSAND_MAX: PerThousand = 1_000_000 * 1_000_000_000;

/// Most factors of one price.
pub const PRICE_FACTORS_MAX: usize = 32;

/// The largest cost of one record, in nano-units: 100,000,000 units of currency. What costs more is
/// refused; a hold is never larger.
pub const COST_MAX: Amount = Amount::from_nanos(100_000_000 * 1_000_000_000);

/// By kind; an absent one of a tier is that of the standard tier, of the standard tier none.
pub type UnitRates = [Option<PerThousand>; UnitKind::COUNT];

/// A multiplier, in 10⁻⁹; above 0 and at most 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Multiplier(i64);

impl Multiplier {
    pub const ONE: Multiplier = Multiplier(1_000_000_000);
    pub const MAX: Multiplier = Multiplier(100 * 1_000_000_000);

    /// None if it is not in range.
    pub fn from_nanos(nanos: i64) -> Option<Multiplier> {
        (nanos > 0 && nanos <= Multiplier::MAX.0).then_some(Multiplier(nanos))
    }

    pub const fn nanos(self) -> i64 {
        self.0
    }

    fn limb(self) -> u64 {
        self.0.unsigned_abs()
    }
}

/// As a decimal string.
impl Serialize for Multiplier {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Amount::from_nanos(self.0).serialize(serializer)
    }
}

/// What a price is multiplied by where a record names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Factor {
    pub name: Arc<str>,
    pub multiplier: Multiplier,
    /// Whether it multiplies units, too, and not tokens alone.
    pub of_units: bool,
}

/// A record would cost more than [`COST_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("costs more than one record may")]
pub struct CostTooLarge;

/// Those that are there, by kind, as decimal strings for a thousand units.
pub(super) fn rates_by_kind<S: Serializer>(
    rates: &UnitRates,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    for kind in UnitKind::ALL {
        if let Some(rate) = rates[kind as usize] {
            map.serialize_entry(kind.as_str(), &Amount::from_nanos(rate))?;
        }
    }
    map.end()
}

pub fn is_without_units(rates: &UnitRates) -> bool {
    rates.iter().all(Option::is_none)
}

/// What applies to a request: the multipliers of tokens and of units.
struct Multipliers {
    of_tokens: Vec<Multiplier>,
    of_units: Vec<Multiplier>,
}

impl Multipliers {
    fn new<'a>(factors: impl Iterator<Item = &'a Factor> + Clone) -> Multipliers {
        let of_tokens = factors.clone().map(|factor| factor.multiplier).collect();
        let one = Multiplier::ONE;
        let of_units =
            factors.map(|factor| if factor.of_units { factor.multiplier } else { one }).collect();
        Multipliers { of_tokens, of_units }
    }

    /// The cost of `tokens`, in 10⁻⁶ nanos, and of `units`, in 10⁻³ nanos.
    fn cost(&self, tokens: i128, units: i128, rate: Rate) -> Result<Amount, CostTooLarge> {
        const TOKENS_PER_PRICE: u64 = 1_000_000;
        /// From thousands of units to millions of tokens.
        const THOUSAND: u64 = 1_000;
        let of = |total: i128, multipliers: &[Multiplier]| {
            let total = Wide::new(total.unsigned_abs());
            multipliers.iter().fold(total, |total, multiplier| total.times(multiplier.limb()))
        };
        let total = of(tokens, &self.of_tokens).plus(of(units, &self.of_units).times(THOUSAND));
        let total = total.times(rate.nanos().unsigned_abs());
        let mut divisors = vec![TOKENS_PER_PRICE, Rate::ONE.nanos().unsigned_abs()];
        divisors.extend(self.of_tokens.iter().map(|_| Multiplier::ONE.limb()));
        let nanos = total.divided(&divisors).and_then(|nanos| i64::try_from(nanos).ok());
        let cost = nanos.map(Amount::from_nanos).ok_or(CostTooLarge)?;
        if cost > COST_MAX { Err(CostTooLarge) } else { Ok(cost) }
    }
}

impl Price {
    /// Whether all that is billed by it is the same by another one. The order of factors, of which
    /// each name is there once, says nothing.
    pub fn bills_as(&self, other: &Price) -> bool {
        let is_shared = |factor: &Factor| other.factor(&factor.name) == Some(factor);
        self.currency == other.currency
            && self.base == other.base
            && self.unit_rates == other.unit_rates
            && self.variants == other.variants
            && self.factors.len() == other.factors.len()
            && self.factors.iter().all(is_shared)
    }
}

impl RateCard {
    /// What `usage` and `extras` cost: [`RateCard::cost`] with units and factors. What has no rate
    /// costs nothing, and a factor that the price does not know multiplies by 1: see
    /// [`RateCard::lacks`].
    ///
    /// # Errors
    /// If it is more than [`COST_MAX`].
    ///
    /// # Panics
    /// As [`RateCard::cost`].
    pub fn bill(
        &self,
        usage: &Usage,
        extras: Option<&Extras>,
        tier: ServiceTier,
        rate: Rate,
    ) -> Result<Amount, CostTooLarge> {
        let Some(extras) = extras else { return Ok(self.cost(usage, tier, rate)) };
        let size = usage.total_input();
        let units = weigh(&extras.units, self.unit_rates(size, tier));
        let factors = self.factors_named(&extras.factors);
        Multipliers::new(factors).cost(self.total(usage, tier), units, rate)
    }

    /// The most that a request can cost which keeps to what it declared (I10): tokens as of
    /// [`RateCard::worst_case`], at most the units of `extras`, and any of its factors. One below 1
    /// does not lower it: only the record knows whether it applied.
    ///
    /// # Panics
    /// As [`RateCard::worst_case`].
    pub fn most(
        &self,
        input: &Usage,
        max_output: i64,
        extras: Option<&Extras>,
        tier: ServiceTier,
        rate: Rate,
    ) -> Amount {
        let Some(extras) = extras else { return self.worst_case(input, max_output, tier, rate) };
        let tokens = self.worst_total(input, max_output, tier);
        let sizes = self.sizes().filter(|size| *size <= input.total_input());
        let units = sizes.map(|size| weigh(&extras.units, self.unit_rates(size, tier)));
        let units = units.max().unwrap_or(0);
        let factors = self.factors_named(&extras.factors);
        let factors = factors.filter(|factor| factor.multiplier > Multiplier::ONE);
        Multipliers::new(factors).cost(tokens, units, rate).unwrap_or(COST_MAX)
    }

    /// Whether the price does not say what all of it costs: it has no rate for units or tokens that
    /// are there, or no factor of a name.
    pub fn lacks(&self, usage: &Usage, extras: Option<&Extras>, tier: ServiceTier) -> bool {
        let has_tokens = || usage.tokens.iter().any(|count| *count > 0);
        if !self.prices_tokens() && has_tokens() {
            return true;
        }
        let Some(extras) = extras else { return false };
        let rates = self.unit_rates(usage.total_input(), tier);
        let lacks_unit = |kind: &UnitKind| {
            extras.get(*kind) > 0 && rates.is_none_or(|rates| rates[*kind as usize].is_none())
        };
        let is_unknown = |name: &Arc<str>| self.price().factor(name).is_none();
        UnitKind::ALL.iter().any(lacks_unit) || extras.factors.iter().any(is_unknown)
    }

    /// What the factors of `extras` multiply tokens and units by, together, as rounded for a list:
    /// not what is billed.
    pub fn listed(&self, extras: Option<&Extras>, per: PerMillion, is_unit: bool) -> PerMillion {
        let names = extras.map_or(&[][..], |extras| &extras.factors);
        let multipliers = Multipliers::new(self.factors_named(names));
        let multipliers = if is_unit { multipliers.of_units } else { multipliers.of_tokens };
        let total = Wide::new(u128::from(per.unsigned_abs()));
        let total = multipliers.iter().fold(total, |total, by| total.times(by.limb()));
        let divisors: Vec<u64> = multipliers.iter().map(|_| Multiplier::ONE.limb()).collect();
        let nanos = total.divided(&divisors).and_then(|nanos| i64::try_from(nanos).ok());
        nanos.unwrap_or(PerMillion::MAX)
    }

    fn factors_named<'a>(
        &'a self,
        names: &'a [Arc<str>],
    ) -> impl Iterator<Item = &'a Factor> + Clone {
        names.iter().filter_map(|name| self.price().factor(name))
    }
}

impl Price {
    pub fn factor(&self, name: &str) -> Option<&Factor> {
        self.factors.iter().find(|factor| *factor.name == *name)
    }

    /// Whether it has a rate for a kind of units, in any tier.
    pub fn has_unit_rates(&self) -> bool {
        let variants = self.variants.iter().map(|variant: &Variant| &variant.unit_rates);
        std::iter::once(&self.unit_rates).chain(variants).any(|rates| !is_without_units(rates))
    }

    /// Whether it has rates for tokens: one that has none is for units alone.
    pub fn has_token_rates(&self) -> bool {
        self.base[TokenClass::Input as usize].is_some()
    }
}

/// The unit rates of all tiers, for a size of the input.
pub(super) fn unit_rates(price: &Price, size: i64) -> Option<Box<[UnitRates; ServiceTier::COUNT]>> {
    if !price.has_unit_rates() {
        return None;
    }
    let mut rates = Box::new([[None; UnitKind::COUNT]; ServiceTier::COUNT]);
    for tier in ServiceTier::ALL {
        let steps = steps(price, tier, size);
        for kind in UnitKind::ALL {
            let mut own = steps.iter().filter_map(|step| step.unit_rates[kind as usize]);
            rates[tier as usize][kind as usize] = own.next();
        }
    }
    Some(rates)
}

/// Units times their rates, in 10⁻³ nanos.
fn weigh(units: &[i64; UnitKind::COUNT], rates: Option<&UnitRates>) -> i128 {
    let Some(rates) = rates else { return 0 };
    let of_kind = |(count, rate): (&i64, &Option<PerThousand>)| {
        i128::from(*count) * i128::from(rate.unwrap_or(0))
    };
    units.iter().zip(rates).map(of_kind).sum()
}
