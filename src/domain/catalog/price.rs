//! What tokens cost. Estimate and bill use the same rates and the same arithmetic (I10).
//!
//! Does not choose which price is valid: the catalog does. Units and factors are in `bill.rs`.

use std::sync::Arc;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::domain::catalog::bill::{
    Factor, UnitRates, is_without_units, rates_by_kind, unit_rates,
};
use crate::domain::usage::{ServiceTier, TOKENS_MAX, TokenClass, Usage};
use crate::domain::{Amount, Currency, Time};

/// Nano-units of currency for a million tokens.
pub type PerMillion = i64;

/// Highest price per million tokens, in nano-units: 10,000 units.
pub const PER_MILLION_MAX: PerMillion = 10_000 * 1_000_000_000;

/// Highest price per million tokens after conversion to a workspace's currency, in nano-units:
/// 20,000,000 units. With `usage::TOKENS_MAX` it bounds the cost of one record to 2 × 10¹⁸ nanos.
pub const CONVERTED_PER_MILLION_MAX: PerMillion = 20_000_000 * 1_000_000_000;

/// Units of one currency for one unit of another, in 10⁻⁹; above 0 and at most 1,000,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(i64);

impl Rate {
    pub const ONE: Rate = Rate(1_000_000_000);
    pub const MAX: Rate = Rate(1_000_000 * 1_000_000_000);

    /// # Panics
    /// If it is not in range.
    pub fn from_nanos(nanos: i64) -> Rate {
        assert!(nanos > 0 && nanos <= Rate::MAX.0, "exchange rates are bounded");
        Rate(nanos)
    }

    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// A price in the other currency, rounded half to even; to be shown, not to be billed at.
    pub fn convert(self, per_million: PerMillion) -> PerMillion {
        let product = i128::from(per_million) * i128::from(self.0);
        let nanos = round_half_even(product, Rate::ONE.0.into());
        i64::try_from(nanos).expect("converted prices are bounded")
    }
}

/// As a decimal string.
impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Amount::from_nanos(self.0).serialize(serializer)
    }
}

/// Rates by token class; an absent one falls back as `Price` says.
pub type Rates = [Option<PerMillion>; TokenClass::COUNT];

/// Those that are there, by class, as decimal strings for a million tokens.
fn rates_by_class<S: Serializer>(rates: &Rates, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    for class in TokenClass::ALL {
        if let Some(rate) = rates[class as usize] {
            map.serialize_entry(class.as_str(), &Amount::from_nanos(rate))?;
        }
    }
    map.end()
}

/// One price of a model, valid from a time on. Never changes once made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Price {
    pub id: Arc<str>,
    pub model_id: Arc<str>,
    /// Workspace whose own price it is; absent for the catalog's.
    pub workspace_id: Option<Arc<str>>,
    pub currency: Currency,
    pub effective_time: Time,
    #[serde(skip)]
    pub create_time: Time,
    pub source: Source,
    /// Rates of the standard tier for any size; input and output are present, or no rate is: then
    /// the price is for units alone.
    #[serde(serialize_with = "rates_by_class")]
    pub base: Rates,
    /// Rates of units, of the standard tier for any size.
    #[serde(serialize_with = "rates_by_kind", skip_serializing_if = "is_without_units")]
    pub unit_rates: UnitRates,
    /// Rates of other tiers and of long contexts.
    pub variants: Vec<Variant>,
    /// What the price is multiplied by where a record says so; each name once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub factors: Vec<Factor>,
}

/// Rates that differ for a tier, above a size of the input, or both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Variant {
    pub tier: ServiceTier,
    /// Applies when all input tokens are above this number; 0 for any size.
    pub above_input_tokens: i64,
    /// Applies also at exactly this number.
    pub inclusive: bool,
    #[serde(serialize_with = "rates_by_class")]
    pub rates: Rates,
    #[serde(serialize_with = "rates_by_kind", skip_serializing_if = "is_without_units")]
    pub unit_rates: UnitRates,
}

coded_enum! {
    /// Where a catalog entry comes from.
    pub enum Source {
        Builtin = 0,
        Operator = 1,
        Import = 2,
    }
}

/// A price compiled for lookup: every rate of every tier and size worked out.
///
/// A rate that a tier does not name for a size is found so, and errs towards the dearer side:
///
/// 1. The tier's own rate of a lower threshold, or for any size. Where the standard tier names one
///    of a higher threshold that is crossed, what the tier costs above it is not known: the dearer
///    of both.
/// 2. That of the standard tier: of the highest threshold that is crossed, then of a lower one,
///    then the base. The ultrafast tier follows the priority tier first.
/// 3. Where neither has one: cache read as input, five-minute write as input, one-hour write as
///    five-minute write, reasoning as output, audio and image as text of their direction; each for
///    the same tier and size.
///
/// Reasoning follows output: where rates name one of output and none of reasoning, that is both. A
/// one-hour write of a dearer tier costs no less than its five-minute write.
#[derive(Clone, Debug)]
pub struct RateCard {
    price: Arc<Price>,
    /// By size, smallest first; the first is for any size.
    brackets: Vec<Bracket>,
}

/// The rates of all tiers from one size of the input on.
#[derive(Clone, Debug)]
struct Bracket {
    /// It holds from this many input tokens on.
    min_input_tokens: i64,
    rates: [[PerMillion; TokenClass::COUNT]; ServiceTier::COUNT],
    /// Of most prices there are none.
    unit_rates: Option<Box<[UnitRates; ServiceTier::COUNT]>>,
}

/// Those that went into the model.
pub const INPUT_CLASSES: [TokenClass; 6] = [
    TokenClass::Input,
    TokenClass::CacheRead,
    TokenClass::CacheWrite5m,
    TokenClass::CacheWrite1h,
    TokenClass::AudioInput,
    TokenClass::ImageInput,
];

const OUTPUT_CLASSES: [TokenClass; 4] =
    [TokenClass::Output, TokenClass::Reasoning, TokenClass::AudioOutput, TokenClass::ImageOutput];

impl RateCard {
    /// # Panics
    /// If the price has a base rate for one of input and output and not for the other, or a rate
    /// out of bounds.
    pub fn new(price: Arc<Price>) -> RateCard {
        let mut sizes = vec![0];
        sizes.extend(price.variants.iter().map(Variant::min_input_tokens));
        sizes.sort_unstable();
        sizes.dedup();

        let mut brackets = Vec::with_capacity(sizes.len());
        for min_input_tokens in sizes {
            let mut rates = [[0; TokenClass::COUNT]; ServiceTier::COUNT];
            for tier in ServiceTier::ALL {
                if !price.has_token_rates() {
                    break;
                }
                for class in TokenClass::ALL {
                    let rate = rate_of(&price, tier, min_input_tokens, class);
                    assert!((0..=PER_MILLION_MAX).contains(&rate), "rates are bounded");
                    rates[tier as usize][class as usize] = rate;
                }
            }
            let unit_rates = unit_rates(&price, min_input_tokens);
            brackets.push(Bracket { min_input_tokens, rates, unit_rates });
        }
        RateCard { price, brackets }
    }

    pub fn price(&self) -> &Arc<Price> {
        &self.price
    }

    /// The highest rate of any tier, size and class.
    pub fn highest_rate(&self) -> PerMillion {
        let rates = self.brackets.iter().flat_map(|bracket| bracket.rates.as_flattened());
        rates.copied().max().unwrap_or(0)
    }

    /// What `usage` costs in the currency that `rate` converts to, rounded once, half to even
    /// (I11).
    ///
    /// # Panics
    /// If `usage` is out of bounds, or `rate` converts this price to more than
    /// [`CONVERTED_PER_MILLION_MAX`].
    pub fn cost(&self, usage: &Usage, tier: ServiceTier, rate: Rate) -> Amount {
        to_amount(self.total(usage, tier), rate)
    }

    /// What the tokens cost, in 10⁻⁶ nanos of the price's currency.
    pub(super) fn total(&self, usage: &Usage, tier: ServiceTier) -> i128 {
        let input = usage.total_input();
        assert_bounded(usage, 0);
        let (bracket, _) = self.reached(input);
        let rates = &bracket.rates[tier as usize];
        let mut total = 0;
        for (count, per_million) in usage.tokens.iter().zip(rates) {
            total += i128::from(*count) * i128::from(*per_million);
        }
        total
    }

    /// Whether it has rates for tokens.
    pub fn prices_tokens(&self) -> bool {
        self.price.has_token_rates()
    }

    /// The rates of units, for a size of the input; none if the price has none.
    pub fn unit_rates(&self, input_tokens: i64, tier: ServiceTier) -> Option<&UnitRates> {
        let (bracket, _) = self.reached(input_tokens);
        bracket.unit_rates.as_ref().map(|rates| &rates[tier as usize])
    }

    /// The sizes of the input from which rates differ, smallest first.
    pub(super) fn sizes(&self) -> impl Iterator<Item = i64> {
        self.brackets.iter().map(|bracket| bracket.min_input_tokens)
    }

    /// What `usage` is billed at, by class, and the size of the input from which that holds.
    pub fn rates(
        &self,
        usage: &Usage,
        tier: ServiceTier,
    ) -> (&[PerMillion; TokenClass::COUNT], i64) {
        let (bracket, _) = self.reached(usage.total_input());
        (&bracket.rates[tier as usize], bracket.min_input_tokens)
    }

    /// The most that a request can cost which keeps to what it declared (I10): at most the tokens
    /// of `input` in each input class, and at most `max_output` tokens of output in any mix of
    /// text, reasoning, audio and images. Never less than [`RateCard::cost`] of such a request.
    ///
    /// Fewer input tokens may fall below a threshold, where rates may be higher: each size up to
    /// the declared one is looked at.
    ///
    /// # Panics
    /// As [`RateCard::cost`]; also if `input` has output tokens.
    pub fn worst_case(
        &self,
        input: &Usage,
        max_output: i64,
        tier: ServiceTier,
        rate: Rate,
    ) -> Amount {
        to_amount(self.worst_total(input, max_output, tier), rate)
    }

    /// [`RateCard::worst_case`] in 10⁻⁶ nanos of the price's currency.
    pub(super) fn worst_total(&self, input: &Usage, max_output: i64, tier: ServiceTier) -> i128 {
        assert!(input.total_output() == 0, "the output of an estimate is its maximum");
        assert!(max_output >= 0, "token counts are not negative");
        assert_bounded(input, max_output);
        let total_input = input.total_input();
        let (_, reached) = self.reached(total_input);
        let mut worst = 0;
        for (index, bracket) in self.brackets[..=reached].iter().enumerate() {
            // Of this size a request has no more input tokens than that.
            let most_input = match self.brackets.get(index + 1) {
                Some(next) => total_input.min(next.min_input_tokens - 1),
                None => total_input,
            };
            let total = bracket.worst_case(tier, input, most_input, max_output);
            worst = worst.max(total);
        }
        worst
    }

    /// The bracket that an input of this size reaches, and its index.
    fn reached(&self, input_tokens: i64) -> (&Bracket, usize) {
        let mut index = self.brackets.len() - 1;
        while self.brackets[index].min_input_tokens > input_tokens {
            index -= 1;
        }
        (&self.brackets[index], index)
    }
}

impl Bracket {
    /// No less than any request of this bracket costs, in 10⁻⁶ nanos of the price's currency.
    fn worst_case(
        &self,
        tier: ServiceTier,
        input: &Usage,
        most_input: i64,
        max_output: i64,
    ) -> i128 {
        let rates = &self.rates[tier as usize];
        let mut by_class = 0;
        let mut dearest_input = 0;
        for class in INPUT_CLASSES {
            let count = input.get(class);
            let per_million = rates[class as usize];
            by_class += i128::from(count) * i128::from(per_million);
            if count > 0 {
                dearest_input = dearest_input.max(per_million);
            }
        }
        let by_size = i128::from(most_input) * i128::from(dearest_input);
        let mut dearest_output = 0;
        for class in OUTPUT_CLASSES {
            dearest_output = dearest_output.max(rates[class as usize]);
        }
        by_class.min(by_size) + i128::from(max_output) * i128::from(dearest_output)
    }
}

impl Variant {
    /// The smallest input that it applies to.
    pub fn min_input_tokens(&self) -> i64 {
        if self.above_input_tokens == 0 || self.inclusive {
            self.above_input_tokens
        } else {
            self.above_input_tokens.saturating_add(1)
        }
    }
}

/// What a price says of one tier from one size on.
#[derive(Clone, Copy)]
pub(super) struct Step<'a> {
    tier: ServiceTier,
    min_input_tokens: i64,
    rates: &'a Rates,
    pub(super) unit_rates: &'a UnitRates,
}

/// What applies to a tier and size, in the order in which it is asked: the tier's own, the highest
/// threshold first, then the same of the standard tier, then the base.
pub(super) fn steps(price: &Price, tier: ServiceTier, input_tokens: i64) -> Vec<Step<'_>> {
    let crossed = price.variants.iter().map(|variant| Step {
        tier: variant.tier,
        min_input_tokens: variant.min_input_tokens(),
        rates: &variant.rates,
        unit_rates: &variant.unit_rates,
    });
    let mut steps: Vec<Step<'_>> = crossed
        .filter(|step| step.min_input_tokens <= input_tokens)
        .filter(|step| step.tier == tier || step.tier == ServiceTier::Standard)
        .collect();
    steps.sort_by_key(|step| (step.tier != tier, std::cmp::Reverse(step.min_input_tokens)));
    let (rates, unit_rates) = (&price.base, &price.unit_rates);
    let tier = ServiceTier::Standard;
    steps.push(Step { tier, min_input_tokens: 0, rates, unit_rates });
    steps
}

/// The rate of a class that the first of these steps names, and from which size on.
fn named<'a>(
    mut steps: impl Iterator<Item = &'a Step<'a>>,
    class: TokenClass,
) -> Option<(PerMillion, i64)> {
    steps.find_map(|step| {
        let follows = match class {
            TokenClass::Reasoning => step.rates[TokenClass::Output as usize],
            _ => None,
        };
        let rate = step.rates[class as usize].or(follows)?;
        Some((rate, step.min_input_tokens))
    })
}

/// See [`RateCard`].
fn rate_of(price: &Price, tier: ServiceTier, input_tokens: i64, class: TokenClass) -> PerMillion {
    use ServiceTier::{Priority, Standard, Ultrafast};
    let steps = steps(price, tier, input_tokens);
    let own = named(steps.iter().filter(|step| step.tier == tier && tier != Standard), class);
    let standard = named(steps.iter().filter(|step| step.tier == Standard), class);
    match (own, standard) {
        (Some((own, from)), Some((standard, standard_from))) if standard_from > from => {
            own.max(standard)
        }
        (Some((own, _)), _) => own,
        (None, _) if tier == Ultrafast => rate_of(price, Priority, input_tokens, class),
        (None, Some((standard, _))) => {
            let is_longer = class == TokenClass::CacheWrite1h && tier == Priority;
            let shorter = steps.iter().filter(|step| step.tier == tier && is_longer);
            named(shorter, TokenClass::CacheWrite5m)
                .map_or(standard, |(shorter, _)| standard.max(shorter))
        }
        (None, None) => rate_of(price, tier, input_tokens, fallback_of(class)),
    }
}

/// The class whose rate counts where one has none in any tier.
fn fallback_of(class: TokenClass) -> TokenClass {
    match class {
        TokenClass::CacheRead
        | TokenClass::CacheWrite5m
        | TokenClass::AudioInput
        | TokenClass::ImageInput => TokenClass::Input,
        TokenClass::CacheWrite1h => TokenClass::CacheWrite5m,
        TokenClass::Reasoning | TokenClass::AudioOutput | TokenClass::ImageOutput => {
            TokenClass::Output
        }
        TokenClass::Input | TokenClass::Output => {
            panic!("a price has base rates for input and output")
        }
    }
}

fn assert_bounded(usage: &Usage, max_output: i64) {
    let mut total = max_output;
    for count in usage.tokens {
        assert!((0..=TOKENS_MAX).contains(&count), "token counts are bounded");
        total = total.saturating_add(count);
    }
    assert!(total <= TOKENS_MAX, "the tokens of a request are bounded");
}

/// Nanos per million times tokens, as nanos of the currency that `rate` converts to.
///
/// No overflow: `total` is at most 10⁸ tokens × 10¹³ nanos = 10²¹, times a rate of at most 10¹⁵
/// is 10³⁶, below the 1.7 × 10³⁸ of an `i128`. The amount is at most 10⁸ tokens × 2 × 10¹⁶
/// converted nanos per million ÷ 10⁶ = 2 × 10¹⁸, below the 9.2 × 10¹⁸ of an `i64`.
fn to_amount(total: i128, rate: Rate) -> Amount {
    const TOKENS_PER_PRICE: i128 = 1_000_000;
    let highest = i128::from(TOKENS_MAX) * i128::from(CONVERTED_PER_MILLION_MAX);
    let nanos = if rate == Rate::ONE {
        round_half_even(total, TOKENS_PER_PRICE)
    } else {
        let rate_unit = i128::from(Rate::ONE.nanos());
        round_half_even(total * i128::from(rate.nanos()), TOKENS_PER_PRICE * rate_unit)
    };
    assert!(nanos >= 0 && nanos <= highest / TOKENS_PER_PRICE, "costs are bounded");
    Amount::from_nanos(i64::try_from(nanos).expect("bounded above"))
}

/// The integer nearest to `numerator / denominator`; of two equally near, the even one.
///
/// # Panics
/// If `denominator` is not above 0.
pub fn round_half_even(numerator: i128, denominator: i128) -> i128 {
    assert!(denominator > 0, "the denominator is positive");
    let floor = numerator.div_euclid(denominator);
    let rest = numerator.rem_euclid(denominator);
    // `rest` against the half without doubling it, which could overflow.
    match rest.cmp(&(denominator - rest)) {
        std::cmp::Ordering::Less => floor,
        std::cmp::Ordering::Greater => floor + 1,
        std::cmp::Ordering::Equal => floor + (floor & 1),
    }
}

/// Price and exchange rate that a request was estimated at, and will be billed at.
#[derive(Clone, Debug)]
pub struct Quote {
    pub card: Arc<RateCard>,
    pub rate: Rate,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::usage::UnitKind;

    fn card(base: &[(TokenClass, PerMillion)], variants: Vec<Variant>) -> RateCard {
        RateCard::new(Arc::new(Price {
            id: Arc::from("p"),
            model_id: Arc::from("m"),
            workspace_id: None,
            currency: Currency::USD,
            effective_time: Time::EARLIEST,
            create_time: Time::EARLIEST,
            source: Source::Operator,
            base: rates(base),
            unit_rates: [None; UnitKind::COUNT],
            variants,
            factors: Vec::new(),
        }))
    }

    fn rates(given: &[(TokenClass, PerMillion)]) -> Rates {
        let mut rates = [None; TokenClass::COUNT];
        for (class, rate) in given {
            rates[*class as usize] = Some(*rate);
        }
        rates
    }

    fn variant(
        tier: ServiceTier,
        above: i64,
        inclusive: bool,
        given: &[(TokenClass, PerMillion)],
    ) -> Variant {
        let unit_rates = [None; UnitKind::COUNT];
        Variant { tier, above_input_tokens: above, inclusive, rates: rates(given), unit_rates }
    }

    /// Nanos for a million tokens of one class, in a bracket reached by `input` tokens of input.
    fn rate_at(card: &RateCard, class: TokenClass, tier: ServiceTier, input: i64) -> i64 {
        card.reached(input).0.rates[tier as usize][class as usize]
    }

    #[test]
    fn halves_are_rounded_to_the_even_neighbour() {
        let check = |numerator, denominator, expected| {
            assert_eq!(round_half_even(numerator, denominator), expected);
        };
        check(0, 7, 0);
        check(1, 2, 0);
        check(3, 2, 2);
        check(5, 2, 2);
        check(-1, 2, 0);
        check(-3, 2, -2);
        check(-5, 2, -2);
        check(4, 3, 1);
        check(5, 3, 2);
        check(-4, 3, -1);
        check(-5, 3, -2);
        check(i128::MAX, 1, i128::MAX);
        check(i128::MIN, 1, i128::MIN);
        check(i128::MAX, i128::MAX, 1);
        check(i128::MAX - 1, i128::MAX, 1);
        check(i128::MAX / 2, i128::MAX, 0);
        check(i128::MAX / 2 + 1, i128::MAX, 1);
    }

    #[test]
    fn absent_rates_fall_back() {
        use ServiceTier::{Batch, Flex, Standard};
        use TokenClass as C;
        let base = [(C::Input, 100), (C::Output, 400), (C::Reasoning, 300)];
        let card = card(
            &base,
            vec![
                variant(Flex, 0, false, &[(C::Input, 50), (C::Output, 200)]),
                variant(Standard, 1_000, false, &[(C::Input, 110), (C::CacheWrite5m, 150)]),
                variant(Standard, 5_000, true, &[(C::Input, 120), (C::Output, 440)]),
                variant(Flex, 1_000, false, &[(C::CacheRead, 5)]),
            ],
        );
        let check = |class, tier, input, expected| {
            assert_eq!(rate_at(&card, class, tier, input), expected, "{class:?} {tier:?} {input}");
        };
        check(C::CacheRead, Standard, 0, 100);
        check(C::CacheWrite1h, Standard, 0, 100);
        check(C::AudioInput, Standard, 0, 100);
        check(C::ImageOutput, Standard, 0, 400);
        check(C::Reasoning, Standard, 0, 300);
        // A threshold is crossed above it, or at it if inclusive; the highest counts.
        check(C::Input, Standard, 1_000, 100);
        check(C::Input, Standard, 1_001, 110);
        check(C::Input, Standard, 4_999, 110);
        check(C::Input, Standard, 5_000, 120);
        // The one-hour write follows the five-minute write of the lower threshold.
        check(C::CacheWrite1h, Standard, 5_000, 150);
        // A tier follows itself at smaller sizes, unless the standard tier costs more at this one.
        check(C::Input, Flex, 1_000, 50);
        check(C::Input, Flex, 1_001, 110);
        check(C::Input, Flex, 5_000, 120);
        check(C::CacheRead, Flex, 1_000, 50);
        check(C::CacheRead, Flex, 1_001, 5);
        check(C::CacheRead, Flex, 5_000, 5);
        check(C::CacheWrite5m, Flex, 1_001, 150);
        check(C::Input, Batch, 1_001, 110);
        // Reasoning follows the output of the variant that gives one.
        check(C::Reasoning, Flex, 0, 200);
        check(C::Reasoning, Flex, 5_000, 440);
        check(C::Reasoning, Standard, 1_001, 300);
        check(C::Reasoning, Standard, 5_000, 440);
    }

    #[test]
    fn a_given_zero_is_a_price() {
        use TokenClass as C;
        let base = [(C::Input, 100), (C::CacheRead, 0), (C::Output, 400), (C::Reasoning, 0)];
        let card = card(&base, Vec::new());
        let usage = Usage::default().with(C::CacheRead, 1_000_000).with(C::Reasoning, 1_000_000);
        assert!(card.cost(&usage, ServiceTier::Standard, Rate::ONE).is_zero());
    }

    #[test]
    fn rounded_once_for_the_whole_record() {
        use TokenClass as C;
        // Ten classes of a third of a nano each.
        let base = [(C::Input, 333_333), (C::Output, 333_333)];
        let card = card(&base, Vec::new());
        let usage = Usage { tokens: [1; TokenClass::COUNT] };
        let cost = |rate| card.cost(&usage, ServiceTier::Standard, rate).nanos();
        assert_eq!(cost(Rate::ONE), 3);
        assert_eq!(cost(Rate::from_nanos(1_500_000_000)), 5);
        assert_eq!(cost(Rate::from_nanos(1)), 0);
    }

    #[test]
    fn the_dearest_record_does_not_overflow() {
        use TokenClass as C;
        let base = [(C::Input, PER_MILLION_MAX), (C::Output, PER_MILLION_MAX)];
        let card = card(&base, Vec::new());
        let usage = Usage::default().with(C::Input, TOKENS_MAX);
        let highest = Rate::from_nanos(2_000 * Rate::ONE.nanos());
        let cost = card.cost(&usage, ServiceTier::Standard, highest);
        assert_eq!(cost.nanos(), 2_000_000_000_000_000_000);
        let worst = card.worst_case(&usage, 0, ServiceTier::Standard, highest);
        assert_eq!(worst, cost);
    }

    #[test]
    fn the_worst_case_is_no_more_than_needed() {
        use TokenClass as C;
        let dear = [(C::Input, 200_000_000), (C::Output, 800_000_000)];
        let base = [
            (C::Input, 100_000_000),
            (C::CacheRead, 10_000_000),
            (C::Output, 400_000_000),
            (C::Reasoning, 300_000_000),
        ];
        let card = card(&base, vec![variant(ServiceTier::Standard, 1_000, false, &dear)]);
        let input = Usage::default().with(C::Input, 900).with(C::CacheRead, 50);
        let worst = card.worst_case(&input, 10, ServiceTier::Standard, Rate::ONE);
        assert_eq!(worst, card.cost(&input.with(C::Output, 10), ServiceTier::Standard, Rate::ONE));
        let input = input.with(C::CacheRead, 101);
        let worst = card.worst_case(&input, 10, ServiceTier::Standard, Rate::ONE);
        assert_eq!(worst, card.cost(&input.with(C::Output, 10), ServiceTier::Standard, Rate::ONE));
    }

    fn any_rates(complete: bool) -> impl Strategy<Value = Rates> {
        let rate = prop_oneof![0..=50_i64, 0..=PER_MILLION_MAX];
        let given = prop::array::uniform10(prop::option::weighted(0.5, rate));
        given.prop_map(move |mut rates| {
            if complete {
                rates[TokenClass::Input as usize].get_or_insert(7);
                rates[TokenClass::Output as usize].get_or_insert(11);
            }
            rates
        })
    }

    fn any_tier() -> impl Strategy<Value = ServiceTier> {
        prop::sample::select(&ServiceTier::ALL[..])
    }

    fn any_card() -> impl Strategy<Value = RateCard> {
        let variant = (any_tier(), 0..200_i64, any::<bool>(), any_rates(false)).prop_map(
            |(tier, above_input_tokens, inclusive, rates)| Variant {
                tier,
                above_input_tokens,
                inclusive,
                rates,
                unit_rates: [None; UnitKind::COUNT],
            },
        );
        (any_rates(true), prop::collection::vec(variant, 0..6)).prop_map(|(base, variants)| {
            let mut card = card(&[(TokenClass::Input, 0), (TokenClass::Output, 0)], Vec::new());
            let price = Price { base, variants, ..Price::clone(card.price()) };
            card = RateCard::new(Arc::new(price));
            card
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// I10: whatever comes back, if the request keeps to what it declared.
        #[test]
        fn no_request_costs_more_than_its_worst_case(
            card in any_card(),
            tier in any_tier(),
            rate in prop_oneof![Just(1_000_000_000), 1..=100_000_000_000_i64],
            declared in prop::array::uniform6(0..100_i64),
            used in prop::array::uniform6(0..=100_i64),
            output in prop::array::uniform4(0..100_i64),
            unused_output in 0..2_i64,
        ) {
            let rate = Rate::from_nanos(rate);
            let mut input = Usage::default();
            let mut usage = Usage::default();
            for (index, class) in INPUT_CLASSES.into_iter().enumerate() {
                input.set(class, declared[index]);
                // All, none or a share of what was declared.
                usage.set(class, declared[index] * used[index] / 100);
            }
            for (index, class) in OUTPUT_CLASSES.into_iter().enumerate() {
                usage.set(class, output[index]);
            }
            let max_output = usage.total_output() + unused_output;
            let worst = card.worst_case(&input, max_output, tier, rate);
            let cost = card.cost(&usage, tier, rate);
            prop_assert!(cost <= worst, "{cost} > {worst}");
            let mut full = input;
            for class in OUTPUT_CLASSES {
                full.set(class, usage.get(class));
            }
            prop_assert!(card.cost(&full, tier, rate) <= worst);
        }

        #[test]
        fn rounding_is_off_by_half_at_most_and_grows_with_the_amount(
            numerator in -1_000_000..1_000_000_i128,
            denominator in 1..1_000_i128,
        ) {
            let rounded = round_half_even(numerator, denominator);
            let error = (rounded * denominator - numerator).abs();
            prop_assert!(2 * error <= denominator);
            if 2 * error == denominator {
                prop_assert!(rounded % 2 == 0);
            }
            prop_assert!(round_half_even(numerator + 1, denominator) >= rounded);
            prop_assert_eq!(round_half_even(-numerator, denominator), -rounded);
        }
    }
}
