//! Statistics that a few outliers do not move. Of unknown values (NaN) none is passed in.

/// The scale that makes the median absolute deviation the standard deviation of a normal variable.
const MAD_TO_DEVIATION: f64 = 1.4826;

/// The median; 0 of nothing. Reorders the values.
pub fn median(values: &mut [f64]) -> f64 {
    let middle = values.len() / 2;
    if values.is_empty() {
        return 0.0;
    }
    let is_even = values.len().is_multiple_of(2);
    let (below, upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    let upper = *upper;
    if !is_even {
        return upper;
    }
    let lower = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    f64::midpoint(lower, upper)
}

/// The median and the scaled median absolute deviation from it. Reorders and changes the values.
pub fn median_and_spread(values: &mut [f64]) -> (f64, f64) {
    let center = median(values);
    for value in &mut *values {
        *value = (*value - center).abs();
    }
    (center, MAD_TO_DEVIATION * median(values))
}

/// The values that are known.
pub fn known(values: &[f64]) -> impl Iterator<Item = f64> + '_ {
    values.iter().copied().filter(|value| value.is_finite())
}

/// The mean of the known values; 0 of none.
pub fn mean(values: &[f64]) -> f64 {
    let (sum, count) = known(values).fold((0.0, 0_u32), |(sum, count), it| (sum + it, count + 1));
    if count == 0 { 0.0 } else { sum / f64::from(count) }
}

/// The least and the greatest; none of nothing.
pub fn range(values: &[f64]) -> Option<(f64, f64)> {
    values.iter().copied().fold(None, |range, value| {
        let (low, high) = range.unwrap_or((value, value));
        Some((low.min(value), high.max(value)))
    })
}
