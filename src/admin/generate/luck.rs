//! Draws everything of a generated history from one seed.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// The same seed gives the same numbers, in the same version of the program.
pub struct Luck(StdRng);

/// Some of many, the first ones more often.
pub struct Weights(Vec<f64>);

impl Luck {
    pub fn new(seed: u64) -> Luck {
        Luck(StdRng::seed_from_u64(seed))
    }

    /// From 0 to 1.
    pub fn share(&mut self) -> f64 {
        self.0.random()
    }

    pub fn bits(&mut self) -> i64 {
        self.0.random()
    }

    pub fn bytes(&mut self) -> [u8; 10] {
        self.0.random()
    }

    /// Whether something comes to pass that does so with this share of all.
    pub fn hits(&mut self, share: f64) -> bool {
        self.share() < share
    }

    /// Below `count`, which is above 0.
    pub fn below(&mut self, count: usize) -> usize {
        self.0.random_range(0..count)
    }

    pub fn between(&mut self, least: i64, most: i64) -> i64 {
        self.0.random_range(least..=most.max(least))
    }

    /// Into any order.
    pub fn shuffle<T>(&mut self, things: &mut [T]) {
        for index in (1..things.len()).rev() {
            things.swap(index, self.below(index + 1));
        }
    }

    /// Of a normal distribution around 0 with deviation 1.
    pub fn normal(&mut self) -> f64 {
        // Box and Muller; the logarithm must not see a zero.
        let radius = (-2.0 * (1.0 - self.share()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.share()).cos()
    }

    /// With this median; its logarithm has this deviation.
    pub fn log_normal(&mut self, median: f64, deviation: f64) -> f64 {
        median * (self.normal() * deviation).exp()
    }

    /// Time to the next of events that come at random, so long on average.
    pub fn wait(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.share()).ln()
    }
}

impl Weights {
    /// Few are used much and many little: the n-th as often as 1/n^`exponent`.
    pub fn falling(count: usize, exponent: f64) -> Weights {
        Weights::of((1..=count).map(|rank| (rank as f64).powf(-exponent)))
    }

    pub fn of(weights: impl Iterator<Item = f64>) -> Weights {
        let mut sum = 0.0;
        let sums = weights.map(|weight| {
            sum += weight;
            sum
        });
        Weights(sums.collect())
    }

    pub fn draw(&self, luck: &mut Luck) -> usize {
        let whole = self.0.last().copied().unwrap_or(0.0);
        let at = luck.share() * whole;
        self.0.partition_point(|sum| *sum <= at).min(self.0.len().saturating_sub(1))
    }
}
