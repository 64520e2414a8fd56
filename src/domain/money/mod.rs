//! Exact amounts of money: integers of 10⁻⁹ of a currency (I11).
//!
//! Knows nothing of currencies; the workspace has exactly one.

mod currency;

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

use rust_decimal::Decimal;
use serde::{Serialize, Serializer};

pub use currency::{Currency, InvalidCurrency};

/// Fraction digits of an amount.
pub const FRACTION_DIGITS: u32 = 9;

/// Nano-units in one unit of a currency.
pub const NANOS_PER_UNIT: i64 = 1_000_000_000;

/// An amount in nano-units of some currency.
///
/// Arithmetic panics on overflow instead of wrapping: every amount that comes from outside is
/// bounded (see [`Amount::LIMIT_MAX`], `price::CONVERTED_PER_MILLION_MAX`,
/// `usage::TOKENS_MAX`), so an overflow is a defect, and money must not go on from there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(i64);

/// Why a decimal is not an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAmount {
    #[error("more than 9 fraction digits")]
    TooPrecise,
    #[error("out of range")]
    OutOfRange,
}

impl Amount {
    pub const ZERO: Amount = Amount(0);

    /// The largest budget, overage or cap: a billion units.
    pub const LIMIT_MAX: Amount = Amount(1_000_000_000 * NANOS_PER_UNIT);

    pub const fn from_nanos(nanos: i64) -> Amount {
        Amount(nanos)
    }

    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// The amount that `decimal` says exactly.
    ///
    /// # Errors
    /// If it has more than 9 fraction digits (trailing zeros aside) or does not fit.
    pub fn from_decimal(decimal: Decimal) -> Result<Amount, InvalidAmount> {
        let decimal = decimal.normalize();
        if decimal.scale() > FRACTION_DIGITS {
            return Err(InvalidAmount::TooPrecise);
        }
        let factor = 10_i128.pow(FRACTION_DIGITS - decimal.scale());
        let nanos = decimal.mantissa().checked_mul(factor).ok_or(InvalidAmount::OutOfRange)?;
        i64::try_from(nanos).map(Amount).map_err(|_| InvalidAmount::OutOfRange)
    }

    pub fn to_decimal(self) -> Decimal {
        Decimal::new(self.0, FRACTION_DIGITS).normalize()
    }

    /// As [`fmt::Display`] writes it, in one allocation: several are in every answer.
    pub fn to_text(self) -> String {
        self.write(&mut [0; TEXT_BYTES_MAX]).to_owned()
    }

    pub fn checked_add(self, other: Amount) -> Option<Amount> {
        self.0.checked_add(other.0).map(Amount)
    }

    pub fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Writes the digits from the last to the first, and returns what was written.
    fn write(self, text: &mut [u8; TEXT_BYTES_MAX]) -> &str {
        let nanos = self.0.unsigned_abs();
        let mut units = nanos / NANOS_PER_UNIT.unsigned_abs();
        let mut fraction = nanos % NANOS_PER_UNIT.unsigned_abs();
        let mut fraction_digits = FRACTION_DIGITS;
        while fraction_digits > 2 && fraction.is_multiple_of(10) {
            fraction /= 10;
            fraction_digits -= 1;
        }
        let mut start = TEXT_BYTES_MAX;
        let mut put = |byte: u8| {
            start -= 1;
            text[start] = byte;
        };
        for _ in 0..fraction_digits {
            put(digit(fraction));
            fraction /= 10;
        }
        put(b'.');
        loop {
            put(digit(units));
            units /= 10;
            if units == 0 {
                break;
            }
        }
        if self.0 < 0 {
            put(b'-');
        }
        std::str::from_utf8(&text[start..]).expect("digits, a point and a sign")
    }
}

fn digit(number: u64) -> u8 {
    b'0' + (number % 10) as u8
}

/// Longest text of an amount: a sign, ten digits, a point and nine digits.
const TEXT_BYTES_MAX: usize = 21;

/// A plain decimal with at least two fraction digits: `12.50`, `0.000375`.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.write(&mut [0; TEXT_BYTES_MAX]))
    }
}

/// As a decimal string: no number of JSON, which readers round.
impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Add for Amount {
    type Output = Amount;
    fn add(self, other: Amount) -> Amount {
        Amount(self.0.checked_add(other.0).expect("amounts are bounded"))
    }
}

impl Sub for Amount {
    type Output = Amount;
    fn sub(self, other: Amount) -> Amount {
        Amount(self.0.checked_sub(other.0).expect("amounts are bounded"))
    }
}

impl Neg for Amount {
    type Output = Amount;
    fn neg(self) -> Amount {
        Amount(self.0.checked_neg().expect("amounts are bounded"))
    }
}

impl AddAssign for Amount {
    fn add_assign(&mut self, other: Amount) {
        *self = *self + other;
    }
}

impl SubAssign for Amount {
    fn sub_assign(&mut self, other: Amount) {
        *self = *self - other;
    }
}

impl Sum for Amount {
    fn sum<I: Iterator<Item = Amount>>(amounts: I) -> Amount {
        amounts.fold(Amount::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_taken_exactly_or_refused() {
        let check = |text: &str, expected: Result<i64, InvalidAmount>| {
            let decimal: Decimal = text.parse().unwrap();
            assert_eq!(Amount::from_decimal(decimal).map(Amount::nanos), expected, "{text}");
        };
        check("0", Ok(0));
        check("12.50", Ok(12_500_000_000));
        check("-0.000000001", Ok(-1));
        check("0.1234567890", Ok(123_456_789));
        check("0.1234567891", Err(InvalidAmount::TooPrecise));
        check("9223372036.854775807", Ok(i64::MAX));
        check("9223372036.854775808", Err(InvalidAmount::OutOfRange));
        check("79228162514264337593543950335", Err(InvalidAmount::OutOfRange));
    }

    #[test]
    fn shown_as_plain_decimals() {
        let check = |nanos: i64, expected: &str| {
            assert_eq!(Amount::from_nanos(nanos).to_string(), expected);
        };
        check(0, "0.00");
        check(12_500_000_000, "12.50");
        check(375_000, "0.000375");
        check(-1, "-0.000000001");
        check(-1_230_000_000, "-1.23");
        check(i64::MIN, "-9223372036.854775808");
    }
}
