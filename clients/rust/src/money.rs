//! Amounts as [`Decimal`]. Times and spans need no help: `prost_types` turns its own into
//! [`SystemTime`](std::time::SystemTime) and [`Duration`](std::time::Duration) and back.

use std::fmt;

use rust_decimal::Decimal;

use crate::v1;

/// An exact amount of one currency.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Money {
    /// How much, in units of the currency: 12.50 is twelve and a half euros.
    pub amount: Decimal,
    /// ISO 4217 code, for example `EUR`.
    pub currency_code: String,
}

impl Money {
    /// Makes an amount.
    pub fn new(amount: Decimal, currency_code: impl Into<String>) -> Self {
        Self { amount, currency_code: currency_code.into() }
    }
}

/// What is no amount: more than nine fraction digits, or no decimal number at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an amount with at most 9 fraction digits")]
pub struct MoneyError(String);

impl TryFrom<&v1::Money> for Money {
    type Error = MoneyError;

    /// Takes over an amount of the API; an empty one is zero.
    fn try_from(money: &v1::Money) -> Result<Self, MoneyError> {
        let text = if money.amount.is_empty() { "0" } else { &money.amount };
        let amount = Decimal::from_str_exact(text).map_err(|_| MoneyError(text.to_owned()))?;
        Ok(Self::new(amount, &money.currency_code))
    }
}

impl TryFrom<&Money> for v1::Money {
    type Error = MoneyError;

    /// Makes an amount for the API.
    fn try_from(money: &Money) -> Result<Self, MoneyError> {
        if money.amount.normalize().scale() > 9 {
            return Err(MoneyError(money.amount.to_string()));
        }
        let digits = money.amount.scale().min(9);
        let amount = format!("{:.*}", digits as usize, money.amount);
        Ok(Self { currency_code: money.currency_code.clone(), amount })
    }
}

impl fmt::Display for Money {
    /// Writes for example `12.50 EUR`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.amount, self.currency_code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact_both_ways() {
        for text in ["12.50", "-0.000000001", "9999999999.999999999", "0"] {
            let sent = v1::Money { currency_code: "EUR".into(), amount: text.into() };
            let money = Money::try_from(&sent).unwrap();
            assert_eq!(money.to_string(), format!("{text} EUR"));
            assert_eq!(v1::Money::try_from(&money).unwrap(), sent);
        }
        assert_eq!(Money::try_from(&v1::Money::default()).unwrap().amount, Decimal::ZERO);
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        let tiny = Money::new(Decimal::new(1, 10), "EUR");
        assert!(v1::Money::try_from(&tiny).is_err());
        let padded = Money::new(Decimal::new(10, 10), "EUR");
        assert_eq!(v1::Money::try_from(&padded).unwrap().amount, "0.000000001");
        for text in ["1e3", "twelve", "1,5"] {
            let sent = v1::Money { currency_code: "EUR".into(), amount: text.into() };
            assert!(Money::try_from(&sent).is_err(), "{text}");
        }
    }
}
