//! A histogram of the output of a model's requests: its 95th percentile is the estimate where the
//! caller names no maximum.

/// The estimate while there are too few samples.
pub const OUTPUT_TOKENS_DEFAULT: i64 = 1_024;
/// Successful requests from which on the histogram is used.
pub const SAMPLES_MIN: u32 = 20;
/// With this many samples all counts are halved, so that the estimate follows recent requests.
const SAMPLES_MAX: u32 = 2_000;

/// Four buckets for each doubling: an estimate is at most 25 % above the true quantile.
const BUCKETS_PER_DOUBLING: u32 = 4;
const BUCKETS: usize = 112;

/// Counts of output sizes in buckets that grow geometrically.
#[derive(Clone, Debug)]
pub struct OutputHistory {
    counts: [u32; BUCKETS],
    samples: u32,
}

impl Default for OutputHistory {
    fn default() -> OutputHistory {
        OutputHistory { counts: [0; BUCKETS], samples: 0 }
    }
}

impl OutputHistory {
    pub fn add(&mut self, tokens: i64) {
        self.counts[bucket(tokens)] += 1;
        self.samples += 1;
        if self.samples >= SAMPLES_MAX {
            self.samples = 0;
            for count in &mut self.counts {
                *count /= 2;
                self.samples += *count;
            }
        }
    }

    /// The 95th percentile, rounded up to its bucket's end; the default while there are too few
    /// samples.
    pub fn estimate(&self) -> i64 {
        if self.samples < SAMPLES_MIN {
            return OUTPUT_TOKENS_DEFAULT;
        }
        let rank = (u64::from(self.samples) * 95).div_ceil(100);
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += u64::from(*count);
            if seen >= rank {
                return bucket_end(index);
            }
        }
        unreachable!("the counts sum up to the number of samples")
    }
}

fn bucket(tokens: i64) -> usize {
    let size = tokens.max(1).cast_unsigned();
    let doublings = size.ilog2();
    // The two bits below the leading one.
    let quarter =
        if doublings >= 2 { (size >> (doublings - 2)) & 3 } else { (size << (2 - doublings)) & 3 };
    let index = doublings * BUCKETS_PER_DOUBLING + u32::try_from(quarter).expect("two bits");
    (index as usize).min(BUCKETS - 1)
}

/// The greatest size in a bucket.
fn bucket_end(index: usize) -> i64 {
    let doublings = index / BUCKETS_PER_DOUBLING as usize;
    let quarter = index % BUCKETS_PER_DOUBLING as usize;
    let next = (5 + quarter as i64) << doublings;
    ((next + 3) / 4 - 1).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_lies_in_its_bucket() {
        for tokens in (0..5_000).chain([100_000, 1_048_575, 1_048_576, 99_999_999, 100_000_000]) {
            let end = bucket_end(bucket(tokens));
            assert!(end >= tokens, "{tokens} is at most {end}");
            assert!(end <= (tokens + tokens / 4).max(1), "{end} is near {tokens}");
        }
    }

    #[test]
    fn estimates_the_95th_percentile_of_recent_requests() {
        let mut history = OutputHistory::default();
        for _ in 0..SAMPLES_MIN - 1 {
            history.add(50);
        }
        assert_eq!(history.estimate(), OUTPUT_TOKENS_DEFAULT);
        for tokens in 1..=1_000 {
            history.add(tokens);
        }
        let estimate = history.estimate();
        assert!((940..=1_190).contains(&estimate), "{estimate}");
        for _ in 0..20_000 {
            history.add(10);
        }
        assert!(history.estimate() <= 12, "it follows recent requests");
    }
}
