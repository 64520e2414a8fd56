//! Means, medians, quantiles and ranges. Unknown values (NaN) are left out by [`known`] and by
//! [`mean`]; nothing else takes them.

/// The scale that makes the median absolute deviation the standard deviation of a normal variable.
const MAD_TO_DEVIATION: f64 = 1.4826;

/// The values that are known.
pub fn known(values: &[f64]) -> impl Iterator<Item = f64> + '_ {
    values.iter().copied().filter(|value| value.is_finite())
}

/// The mean of the known values; 0 of none.
pub fn mean(values: &[f64]) -> f64 {
    let (sum, count) = known(values).fold((0.0, 0_u32), |(sum, count), it| (sum + it, count + 1));
    if count == 0 { 0.0 } else { sum / f64::from(count) }
}

/// 0 of nothing.
pub fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
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

/// The median and the scaled median absolute deviation from it, which a few outliers do not move.
pub fn median_and_spread(values: &[f64]) -> (f64, f64) {
    let center = median(values);
    let deviations: Vec<f64> = values.iter().map(|value| (value - center).abs()).collect();
    (center, MAD_TO_DEVIATION * median(&deviations))
}

pub fn sorted(values: &[f64]) -> Vec<f64> {
    let mut values = values.to_vec();
    values.sort_unstable_by(f64::total_cmp);
    values
}

/// Of values in ascending order, between its neighbours where it lies between two; 0 of nothing.
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let place = share.clamp(0.0, 1.0) * last as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    sorted[below] + (sorted[above] - sorted[below]) * (place - below as f64)
}

/// The least and the greatest; none of nothing.
pub fn range(values: &[f64]) -> Option<(f64, f64)> {
    values.iter().copied().fold(None, |range, value| {
        let (low, high) = range.unwrap_or((value, value));
        Some((low.min(value), high.max(value)))
    })
}
