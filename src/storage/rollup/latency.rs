//! Latency histograms that can be added to one another, exactly.
//!
//! An HDR histogram of milliseconds with one significant digit: 16 steps between each power of two
//! and the next, so that a quantile is at most 7 percent off. Kept as text, in which only what was
//! counted takes room.

use hdrhistogram::Histogram;

use crate::domain::time::{MICROS_PER_DAY, Micros};
use crate::storage::{Error, Result};

const MICROS_PER_MILLISECOND: i64 = 1_000;
/// A latency is at most this long.
const MILLISECONDS_MAX: u64 = (MICROS_PER_DAY / MICROS_PER_MILLISECOND) as u64;
const SIGNIFICANT_DIGITS: u8 = 1;

/// Latencies by step: (the least milliseconds of the step, count), in order. Few steps are counted
/// in most buckets, and there are many buckets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Latencies {
    steps: Vec<(u64, u64)>,
}

impl Latencies {
    pub fn add(&mut self, latency: Micros) {
        self.add_times(latency, 1);
    }

    /// The same latency, or one of the same step, so many times.
    pub fn add_times(&mut self, latency: Micros, count: u64) {
        let milliseconds = u64::try_from(latency / MICROS_PER_MILLISECOND).unwrap_or(0);
        self.add_many(step(milliseconds), count);
    }

    pub fn merge(&mut self, other: &Latencies) {
        for (step, count) in &other.steps {
            self.add_many(*step, *count);
        }
    }

    /// Removes a part that was merged or added before.
    pub fn subtract(&mut self, part: &Latencies) {
        for (step, count) in &part.steps {
            if let Ok(place) = self.steps.binary_search_by_key(step, |(step, _)| *step) {
                self.steps[place].1 = self.steps[place].1.saturating_sub(*count);
            }
        }
        self.steps.retain(|(_, count)| *count > 0);
    }

    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    pub fn count(&self) -> u64 {
        self.steps.iter().map(|(_, count)| count).sum()
    }

    /// The latency that the given share of all, above 0 and at most 1, does not exceed; none of no
    /// latencies.
    pub fn quantile(&self, share: f64) -> Option<Micros> {
        if self.is_empty() {
            return None;
        }
        let mut histogram = empty_histogram();
        for (step, count) in &self.steps {
            histogram.saturating_record_n(*step, *count);
        }
        let milliseconds = i64::try_from(histogram.value_at_quantile(share)).unwrap_or(i64::MAX);
        Some(milliseconds.min(MILLISECONDS_MAX as i64) * MICROS_PER_MILLISECOND)
    }

    fn add_many(&mut self, step: u64, count: u64) {
        match self.steps.binary_search_by_key(&step, |(step, _)| *step) {
            Ok(place) => self.steps[place].1 += count,
            Err(place) => self.steps.insert(place, (step, count)),
        }
    }

    /// As "step:count" of each step, with commas between.
    pub fn to_text(&self) -> String {
        let steps: Vec<String> =
            self.steps.iter().map(|(step, count)| format!("{step}:{count}")).collect();
        steps.join(",")
    }

    /// # Errors
    /// If it is not what [`Latencies::to_text`] writes.
    pub fn from_text(text: &str) -> Result<Latencies> {
        let mut latencies = Latencies::default();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let parsed = part.split_once(':').and_then(|(step, count)| {
                Some((step.parse::<u64>().ok()?, count.parse::<u64>().ok()?))
            });
            let Some((step, count)) = parsed else {
                return Err(Error::Corrupt(format!("a histogram of latencies has {part:?}")));
            };
            latencies.add_many(step, count);
        }
        Ok(latencies)
    }
}

/// The least milliseconds of the step that a latency is counted in.
fn step(milliseconds: u64) -> u64 {
    let milliseconds = milliseconds.min(MILLISECONDS_MAX);
    // As HDR histograms do: below 32 each millisecond is a step, then 16 for each power of two.
    let bits = u64::BITS - milliseconds.leading_zeros();
    let shift = bits.saturating_sub(5);
    (milliseconds >> shift) << shift
}

fn empty_histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, MILLISECONDS_MAX, SIGNIFICANT_DIGITS)
        .expect("the bounds are constants that fit")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(latencies: impl IntoIterator<Item = Micros>) -> Latencies {
        let mut histogram = Latencies::default();
        for latency in latencies {
            histogram.add(latency);
        }
        histogram
    }

    #[test]
    fn steps_are_those_of_the_histogram() {
        let histogram = empty_histogram();
        for milliseconds in (0..100_000).chain([5_000_000, 86_399_999, 86_400_000]) {
            let expected = histogram.lowest_equivalent(milliseconds);
            assert_eq!(step(milliseconds), expected, "{milliseconds}");
        }
    }

    #[test]
    fn nothing_has_no_quantile_and_one_latency_is_every_quantile() {
        assert_eq!(of([]).quantile(0.5), None);
        let one = of([1_000_000]);
        for share in [0.01, 0.5, 0.99, 1.0] {
            let quantile = one.quantile(share).unwrap();
            assert!((quantile - 1_000_000).abs() <= 70_000, "{quantile}");
        }
    }

    proptest! {
        #[test]
        fn quantiles_are_near_and_parts_add_up(
            latencies in proptest::collection::vec(0..MICROS_PER_DAY, 1..300),
            cut in 0_usize..300,
        ) {
            let cut = cut.min(latencies.len());
            let mut merged = of(latencies[..cut].iter().copied());
            merged.merge(&of(latencies[cut..].iter().copied()));
            let whole = of(latencies.iter().copied());
            prop_assert_eq!(&merged, &whole);
            let mut rest = whole.clone();
            rest.subtract(&of(latencies[cut..].iter().copied()));
            prop_assert_eq!(&rest, &of(latencies[..cut].iter().copied()));
            prop_assert_eq!(&Latencies::from_text(&whole.to_text()).unwrap(), &whole);
            let mut sorted = latencies.clone();
            sorted.sort_unstable();
            for share in [0.5_f64, 0.9, 0.95, 0.99] {
                let place = (share * sorted.len() as f64).ceil() as usize;
                let exact = sorted[place.clamp(1, sorted.len()) - 1] as f64;
                let near = whole.quantile(share).unwrap() as f64;
                prop_assert!((near - exact).abs() <= exact * 0.07 + 1_000.0, "{near} {exact}");
            }
        }
    }
}
