//! Money and other decimals: plain text to exact integers, and back.

use std::ops::RangeInclusive;

use super::decode::Decoder;
use crate::domain::money::{FRACTION_DIGITS, NANOS_PER_UNIT};
use crate::domain::{Amount, Currency};
use crate::proto::v1;

/// Longest decimal, in characters.
pub const DECIMAL_CHARS_MAX: usize = 30;

pub fn to_proto(currency: Currency, amount: Amount) -> v1::Money {
    v1::Money { currency_code: currency.as_str().to_owned(), amount: amount.to_text() }
}

impl Decoder<'_> {
    /// An amount of a limit: 0 to [`Amount::LIMIT_MAX`].
    pub fn limit(self, money: &v1::Money) -> (Currency, Amount) {
        self.money(money, 0..=Amount::LIMIT_MAX.nanos())
    }

    /// An amount in a range of nano-units.
    pub fn money(self, money: &v1::Money, range: RangeInclusive<i64>) -> (Currency, Amount) {
        let currency = self.field("currency_code").currency(&money.currency_code);
        let nanos = self.field("amount").decimal(&money.amount, range);
        (currency, Amount::from_nanos(nanos))
    }

    pub fn currency(self, code: &str) -> Currency {
        code.parse().unwrap_or_else(|_| {
            self.refuse("expected an ISO 4217 code: three upper-case letters");
            Currency::EUR
        })
    }

    /// A currency that is introduced now: one of ISO 4217.
    pub fn new_currency(self, code: &str) -> Currency {
        let currency = code.parse().ok().filter(|currency: &Currency| currency.is_listed());
        currency.unwrap_or_else(|| {
            self.refuse("expected the ISO 4217 code of a currency, such as \"EUR\"");
            Currency::EUR
        })
    }

    /// A decimal in nano-units, within a range given in nano-units.
    pub fn decimal(self, text: &str, range: RangeInclusive<i64>) -> i64 {
        let Some(nanos) = parse(text) else {
            self.refuse(
                "expected a plain decimal with at most 9 fraction digits, such as \"12.50\"",
            );
            return *range.start();
        };
        match i64::try_from(nanos) {
            Ok(nanos) if range.contains(&nanos) => nanos,
            _ => {
                let [min, max] = [range.start(), range.end()].map(|end| Amount::from_nanos(*end));
                self.refuse(format!("expected {} to {}", min.to_decimal(), max.to_decimal()));
                *range.start()
            }
        }
    }
}

/// Digits, and after a point one to nine more; no exponent, no plus, no spaces. Exact.
fn parse(text: &str) -> Option<i128> {
    if text.len() > DECIMAL_CHARS_MAX {
        return None;
    }
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (units, fraction) = match digits.split_once('.') {
        Some((units, fraction)) => (units, fraction),
        None => (digits, "0"),
    };
    if units.is_empty() || fraction.is_empty() || fraction.len() > FRACTION_DIGITS as usize {
        return None;
    }
    let units = whole(units)?;
    let places = FRACTION_DIGITS - u32::try_from(fraction.len()).ok()?;
    let fraction = whole(fraction)? * 10_i128.pow(places);
    // Far beyond every range where it saturates.
    let nanos = units.saturating_mul(NANOS_PER_UNIT.into()).saturating_add(fraction);
    Some(if is_negative { -nanos } else { nanos })
}

/// Of at most [`DECIMAL_CHARS_MAX`] digits, so that it fits an `i128`.
fn whole(digits: &str) -> Option<i128> {
    let mut number = 0;
    for byte in digits.bytes() {
        if !byte.is_ascii_digit() {
            return None;
        }
        number = number * 10 + i128::from(byte - b'0');
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_decimals_are_read() {
        for (text, expected) in [
            ("0", Some(0)),
            ("12.50", Some(12_500_000_000)),
            ("007.5", Some(7_500_000_000)),
            ("0.000000001", Some(1)),
            ("-0.5", Some(-500_000_000)),
            ("999999999999999999", Some(999_999_999_999_999_999_000_000_000)),
            ("999999999999999999999999999999", Some(i128::MAX)),
            ("1.0000000000", None),
            ("", None),
            ("-", None),
            (".5", None),
            ("5.", None),
            ("1e3", None),
            ("+1", None),
            (" 1", None),
            ("1,5", None),
            ("--1", None),
            ("1.-5", None),
            ("٣", None),
            ("0000000000000000000000000000001", None),
        ] {
            assert_eq!(parse(text), expected, "{text:?}");
        }
    }

    #[test]
    fn every_amount_is_read_back_as_it_was_written() {
        for nanos in [0, 1, 10, 999_999_999, 1_000_000_000, 12_345_678_901, i64::MAX, i64::MIN] {
            let text = Amount::from_nanos(nanos).to_text();
            assert_eq!(parse(&text), Some(i128::from(nanos)), "{text}");
        }
    }
}
