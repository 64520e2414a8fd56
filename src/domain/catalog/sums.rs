//! What many requests cost together, by the same rates as each of them.

use crate::domain::Amount;
use crate::domain::catalog::price::{Rate, RateCard, round_half_even};
use crate::domain::usage::{ServiceTier, TokenClass, Usage};

impl RateCard {
    /// What the tokens of so many requests cost at the rates of their mean request, by which
    /// thresholds of the input are crossed; rounded once, half to even. None if that is more than
    /// an amount says.
    pub fn cost_of_sum(
        &self,
        requests: i64,
        tokens: &[i64; TokenClass::COUNT],
        tier: ServiceTier,
        rate: Rate,
    ) -> Option<Amount> {
        const TOKENS_PER_PRICE: i128 = 1_000_000;
        let mean = Usage { tokens: tokens.map(|count| count.max(0) / requests.max(1)) };
        let (rates, _) = self.rates(&mean, tier);
        let mut total = 0_i128;
        for (count, per_million) in tokens.iter().zip(rates) {
            total += i128::from(*count) * i128::from(*per_million);
        }
        let total = total.checked_mul(i128::from(rate.nanos()))?;
        let nanos = round_half_even(total, TOKENS_PER_PRICE * i128::from(Rate::ONE.nanos()));
        i64::try_from(nanos).ok().map(Amount::from_nanos)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::catalog::bill::UnitRates;
    use crate::domain::catalog::price::{Price, Rates, Source, Variant};
    use crate::domain::{Currency, Time};

    fn rates(input: i64, output: i64) -> Rates {
        let mut rates = Rates::default();
        rates[TokenClass::Input as usize] = Some(input * 1_000_000_000);
        rates[TokenClass::Output as usize] = Some(output * 1_000_000_000);
        rates
    }

    #[test]
    fn a_sum_costs_what_its_requests_cost() {
        let long = Variant {
            tier: ServiceTier::Standard,
            above_input_tokens: 1_000,
            inclusive: false,
            rates: rates(4, 8),
            unit_rates: UnitRates::default(),
        };
        let card = RateCard::new(Arc::new(Price {
            id: "p".into(),
            model_id: "m".into(),
            workspace_id: None,
            currency: Currency::EUR,
            effective_time: Time::EARLIEST,
            create_time: Time::EARLIEST,
            source: Source::Operator,
            base: rates(1, 2),
            unit_rates: UnitRates::default(),
            variants: vec![long],
            factors: Vec::new(),
        }));
        for (requests, input, output) in [(1, 7, 3), (40, 1_000, 9), (3, 1_001, 2)] {
            let usage = Usage::default();
            let usage = usage.with(TokenClass::Input, input).with(TokenClass::Output, output);
            let each = card.cost(&usage, ServiceTier::Standard, Rate::ONE).nanos();
            let sums = usage.tokens.map(|count| count * requests);
            let sum = card.cost_of_sum(requests, &sums, ServiceTier::Standard, Rate::ONE);
            assert_eq!(sum, Some(Amount::from_nanos(each * requests)));
        }
        // No bound of one record applies; what is too much for an amount is none.
        let mut many = [0; TokenClass::COUNT];
        many[TokenClass::Input as usize] = i64::MAX;
        let of = |rate| card.cost_of_sum(i64::MAX, &many, ServiceTier::Standard, rate);
        assert_eq!(of(Rate::ONE), None);
        assert_eq!(of(Rate::MAX), None);
        let tenth = Rate::from_nanos(100_000);
        assert_eq!(of(tenth), Some(Amount::from_nanos(922_337_203_685_478)));
    }
}
