//! Exact products of many factors, which do not fit 128 bits, divided and rounded once.

/// Limbs of a number: 512 bits. The largest numerator of a bill is below 2⁴⁴⁰: eight factors below
/// 2³⁷ each, an exchange rate below 2⁴⁴, and a total below 2¹⁰⁰.
const LIMBS: usize = 8;

/// An unsigned whole number, the least significant limb first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wide([u64; LIMBS]);

impl Wide {
    pub fn new(number: u128) -> Wide {
        let mut limbs = [0; LIMBS];
        limbs[0] = number as u64;
        limbs[1] = (number >> 64) as u64;
        Wide(limbs)
    }

    /// # Panics
    /// If the product has more than 512 bits.
    pub fn times(mut self, factor: u64) -> Wide {
        let mut carry = 0;
        for limb in &mut self.0 {
            let product = u128::from(*limb) * u128::from(factor) + carry;
            *limb = product as u64;
            carry = product >> 64;
        }
        assert!(carry == 0, "bills are bounded");
        self
    }

    /// # Panics
    /// If the sum has more than 512 bits.
    pub fn plus(mut self, other: Wide) -> Wide {
        let mut carry = 0;
        for (limb, other) in self.0.iter_mut().zip(other.0) {
            let sum = u128::from(*limb) + u128::from(other) + carry;
            *limb = sum as u64;
            carry = sum >> 64;
        }
        assert!(carry == 0, "bills are bounded");
        self
    }

    /// Divided by the product of `divisors`, rounded half to even. None if it does not fit.
    ///
    /// # Panics
    /// If a divisor is 0.
    pub fn divided(self, divisors: &[u64]) -> Option<i128> {
        // Twice the quotient, rounded down: its last bit is the half. A quotient that is rounded
        // down after each divisor is the one of all of them.
        let mut doubled = self.times(2);
        let mut has_rest = false;
        for divisor in divisors {
            has_rest |= doubled.divide(*divisor) != 0;
        }
        if doubled.0[2..].iter().any(|limb| *limb != 0) {
            return None;
        }
        let doubled = (u128::from(doubled.0[1]) << 64) | u128::from(doubled.0[0]);
        let floor = i128::try_from(doubled >> 1).ok()?;
        let is_half_or_more = doubled & 1 == 1;
        let rounds_up = is_half_or_more && (has_rest || floor & 1 == 1);
        floor.checked_add(i128::from(rounds_up))
    }

    /// Divides it in place, and returns the remainder.
    fn divide(&mut self, divisor: u64) -> u64 {
        let mut rest = 0;
        for limb in self.0.iter_mut().rev() {
            let part = (rest << 64) | u128::from(*limb);
            *limb = (part / u128::from(divisor)) as u64;
            rest = part % u128::from(divisor);
        }
        rest as u64
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::catalog::price::round_half_even;

    #[test]
    fn halves_go_to_the_even_neighbour() {
        let check = |number: u128, divisors: &[u64], expected: i128| {
            assert_eq!(Wide::new(number).divided(divisors), Some(expected), "{number}");
        };
        check(5, &[10], 0);
        check(15, &[10], 2);
        check(25, &[10], 2);
        check(26, &[2, 5], 3);
        check(25, &[2, 5], 2);
        check(35, &[5, 2], 4);
        check(0, &[7], 0);
    }

    #[test]
    fn what_does_not_fit_is_none() {
        let large = Wide::new(u128::MAX).times(u64::MAX);
        assert_eq!(large.divided(&[1]), None);
        assert_eq!(large.divided(&[u64::MAX, 4]), Some(1 << 126));
    }

    proptest! {
        #[test]
        fn agrees_with_128_bits_where_these_suffice(
            number in 0..1_000_000_000_000_u64,
            factors in prop::collection::vec(1..1_000_u64, 0..4),
            divisors in prop::collection::vec(1..1_000_u64, 1..4),
            other in 0..1_000_000_000_u64,
        ) {
            let mut wide = Wide::new(number.into());
            let mut product = i128::from(number);
            for factor in factors {
                wide = wide.times(factor);
                product *= i128::from(factor);
            }
            let wide = wide.plus(Wide::new(other.into()));
            let divisor = divisors.iter().map(|divisor| i128::from(*divisor)).product();
            let expected = round_half_even(product + i128::from(other), divisor);
            prop_assert_eq!(wide.divided(&divisors), Some(expected));
        }
    }
}
