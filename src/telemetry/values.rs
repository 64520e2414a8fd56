//! The values of metrics: counters, gauges and histograms of atomics, alone and by labels whose
//! values are known when the program is compiled.
//!
//! Histograms are not those of the library, which take a lock to count.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use prometheus_client::encoding::{EncodeLabelSet, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

/// Seconds of a nanosecond.
pub const NANOS: f64 = 1e-9;

/// Most currencies that sums are exported of; ISO 4217 has about 180.
const CURRENCIES_MAX: usize = 200;

/// A metric: a name of the table, and its value.
pub struct Metric<V> {
    name: &'static str,
    help: &'static str,
    value: V,
}

/// A metric of whatever kind.
pub trait Exported: Sync {
    fn name(&self) -> &'static str;
    fn help(&self) -> &'static str;
    fn kind(&self) -> Kind;

    /// Writes its samples.
    ///
    /// # Errors
    /// Where the text takes no more.
    fn encode(&self, encoder: MetricEncoder<'_>) -> fmt::Result;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// The value of a metric.
pub trait Value: Sync {
    const KIND: Kind;

    /// Writes its samples.
    ///
    /// # Errors
    /// Where the text takes no more.
    fn encode(&self, encoder: MetricEncoder<'_>) -> fmt::Result;
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        }
    }
}

impl From<Kind> for MetricType {
    fn from(kind: Kind) -> MetricType {
        match kind {
            Kind::Counter => MetricType::Counter,
            Kind::Gauge => MetricType::Gauge,
            Kind::Histogram => MetricType::Histogram,
        }
    }
}

impl<V> Metric<V> {
    pub const fn new(name: &'static str, help: &'static str, value: V) -> Metric<V> {
        Metric { name, help, value }
    }
}

impl<V> Deref for Metric<V> {
    type Target = V;

    fn deref(&self) -> &V {
        &self.value
    }
}

impl<V: Value> Exported for Metric<V> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn help(&self) -> &'static str {
        self.help
    }

    fn kind(&self) -> Kind {
        V::KIND
    }

    fn encode(&self, encoder: MetricEncoder<'_>) -> fmt::Result {
        self.value.encode(encoder)
    }
}

pub struct Counter(AtomicU64);

impl Counter {
    pub const fn new() -> Counter {
        Counter(AtomicU64::new(0))
    }

    #[inline]
    pub fn inc(&self) {
        self.add(1);
    }

    #[inline]
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// For what is counted elsewhere; never goes back.
    pub fn set(&self, count: u64) {
        self.0.fetch_max(count, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Value for Counter {
    const KIND: Kind = Kind::Counter;

    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        encode_counter(&mut encoder, self.get())
    }
}

fn encode_counter(encoder: &mut MetricEncoder<'_>, count: u64) -> fmt::Result {
    encoder.encode_counter::<NoLabelSet, u64, f64>(&count, None)
}

/// A figure that goes up and down. Has no sample before it was set.
pub struct Gauge(AtomicU64);

impl Gauge {
    pub const fn new() -> Gauge {
        Gauge(AtomicU64::new(f64::NAN.to_bits()))
    }

    /// One that is not set any more has no sample.
    pub fn set(&self, value: impl Into<Option<f64>>) {
        self.0.store(value.into().unwrap_or(f64::NAN).to_bits(), Ordering::Relaxed);
    }

    pub fn set_count(&self, count: usize) {
        self.set(count as f64);
    }

    pub fn set_flag(&self, flag: bool) {
        self.set(f64::from(u8::from(flag)));
    }
}

impl Value for Gauge {
    const KIND: Kind = Kind::Gauge;

    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        match f64::from_bits(self.0.load(Ordering::Relaxed)) {
            unset if unset.is_nan() => Ok(()),
            value => encoder.encode_gauge(&value),
        }
    }
}

/// A label with all of its values.
#[derive(Clone, Copy)]
pub struct Label {
    pub name: &'static str,
    pub values: &'static [&'static str],
}

/// Counters by `D` labels: `N` is the product of the numbers of their values.
pub struct Counters<const D: usize, const N: usize> {
    labels: [Label; D],
    cells: [Counter; N],
}

impl<const D: usize, const N: usize> Counters<D, N> {
    pub const fn new(labels: [Label; D]) -> Counters<D, N> {
        let mut product = 1;
        let mut label = 0;
        while label < D {
            product *= labels[label].values.len();
            label += 1;
        }
        assert!(product == N, "a counter for each combination of values");
        Counters { labels, cells: [const { Counter::new() }; N] }
    }

    /// The one of these values, each by its index.
    #[inline]
    pub fn at(&self, values: [usize; D]) -> &Counter {
        let mut index = 0;
        for (label, value) in self.labels.iter().zip(values) {
            index = index * label.values.len() + value;
        }
        &self.cells[index]
    }
}

impl<const D: usize, const N: usize> Value for Counters<D, N> {
    const KIND: Kind = Kind::Counter;

    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        for (index, cell) in self.cells.iter().enumerate() {
            let mut rest = index;
            let mut labels = self.labels.map(|label| (label.name, ""));
            for (label, pair) in self.labels.iter().zip(&mut labels).rev() {
                pair.1 = label.values[rest % label.values.len()];
                rest /= label.values.len();
            }
            encode_counter(&mut encoder.encode_family(&labels)?, cell.get())?;
        }
        Ok(())
    }
}

/// Counters by one label whose values are names that the program has, and that are found when they
/// are first counted: at most `N`. For what happens rarely: counting looks the name up.
pub struct Named<const N: usize> {
    label: &'static str,
    cells: [(OnceLock<&'static str>, Counter); N],
}

impl<const N: usize> Named<N> {
    pub const fn new(label: &'static str) -> Named<N> {
        Named { label, cells: [const { (OnceLock::new(), Counter::new()) }; N] }
    }

    pub fn inc(&self, name: &'static str) {
        self.find(name).inc();
    }

    /// Has a sample from now on, also if it is never counted.
    pub fn declare(&self, name: &'static str) {
        self.find(name);
    }

    /// The last one stands for all that there is no room for.
    fn find(&self, name: &'static str) -> &Counter {
        let is_it =
            |cell: &&(OnceLock<&'static str>, Counter)| *cell.0.get_or_init(|| name) == name;
        &self.cells.iter().find(is_it).unwrap_or(&self.cells[N - 1]).1
    }
}

impl<const N: usize> Value for Named<N> {
    const KIND: Kind = Kind::Counter;

    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        for (name, counter) in &self.cells {
            let Some(name) = name.get() else { break };
            let labels = [(self.label, *name)];
            encode_counter(&mut encoder.encode_family(&labels)?, counter.get())?;
        }
        Ok(())
    }
}

/// Sums of money by currency. Set when they are asked for.
pub struct Amounts<const IS_COUNTER: bool> {
    by_currency: Mutex<BTreeMap<String, f64>>,
}

impl<const IS_COUNTER: bool> Amounts<IS_COUNTER> {
    pub const fn new() -> Amounts<IS_COUNTER> {
        Amounts { by_currency: Mutex::new(BTreeMap::new()) }
    }

    pub fn set(&self, by_currency: BTreeMap<String, f64>) {
        *self.by_currency.lock().unwrap_or_else(PoisonError::into_inner) = by_currency;
    }
}

impl<const IS_COUNTER: bool> Value for Amounts<IS_COUNTER> {
    const KIND: Kind = if IS_COUNTER { Kind::Counter } else { Kind::Gauge };

    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let sums = self.by_currency.lock().unwrap_or_else(PoisonError::into_inner);
        for (currency, amount) in sums.iter().take(CURRENCIES_MAX) {
            let labels = [("currency", currency.as_str())];
            let mut encoder = encoder.encode_family(&labels)?;
            match IS_COUNTER {
                true => encoder.encode_counter::<NoLabelSet, f64, f64>(amount, None)?,
                false => encoder.encode_gauge(amount)?,
            }
        }
        Ok(())
    }
}

/// A distribution of whole numbers. `scale` makes the exported unit of them.
pub struct Histogram<const N: usize> {
    /// Upper bounds of the buckets, ascending.
    bounds: [u64; N],
    scale: f64,
    counts: [AtomicU64; N],
    /// Above all bounds.
    over: AtomicU64,
    sum: AtomicU64,
}

impl<const N: usize> Histogram<N> {
    pub const fn new(bounds: [u64; N], scale: f64) -> Histogram<N> {
        let counts = [const { AtomicU64::new(0) }; N];
        Histogram { bounds, scale, counts, over: AtomicU64::new(0), sum: AtomicU64::new(0) }
    }

    pub fn observe(&self, value: u64) {
        let bucket = self.bounds.iter().position(|bound| value <= *bound);
        bucket.map_or(&self.over, |bucket| &self.counts[bucket]).fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// Of one whose unit is the nanosecond.
    pub fn observe_since(&self, start: Instant) {
        self.observe_duration(start.elapsed());
    }

    /// Of one whose unit is the nanosecond.
    pub fn observe_duration(&self, duration: Duration) {
        self.observe(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Writes its samples with these labels.
    ///
    /// # Errors
    /// Where the text takes no more.
    pub fn encode_into(
        &self,
        encoder: &mut MetricEncoder<'_>,
        labels: &impl EncodeLabelSet,
    ) -> fmt::Result {
        self.write(&mut encoder.encode_family(labels)?)
    }

    fn write(&self, encoder: &mut MetricEncoder<'_>) -> fmt::Result {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let bounds = self.bounds.iter().map(|bound| *bound as f64 * self.scale);
        let mut buckets: Vec<(f64, u64)> = bounds.zip(self.counts.iter().map(load)).collect();
        buckets.push((f64::INFINITY, load(&self.over)));
        let count = buckets.iter().map(|(_, count)| count).sum();
        let sum = load(&self.sum) as f64 * self.scale;
        encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }
}

impl<const N: usize> Value for Histogram<N> {
    const KIND: Kind = Kind::Histogram;

    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        self.write(&mut encoder)
    }
}

/// A gauge that is 1 and has the version of the program as a label.
pub struct BuildInfo;

impl Value for BuildInfo {
    const KIND: Kind = Kind::Gauge;

    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let labels = [("version", env!("CARGO_PKG_VERSION"))];
        encoder.encode_family(&labels)?.encode_gauge(&1_i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_combination_of_values_has_its_counter() {
        const LABELS: [Label; 2] = [
            Label { name: "a", values: &["x", "y"] },
            Label { name: "b", values: &["1", "2", "3"] },
        ];
        let counters = Counters::<2, 6>::new(LABELS);
        for a in 0..2 {
            for b in 0..3 {
                counters.at([a, b]).add((10 * a + b) as u64);
            }
        }
        let counts: Vec<u64> = counters.cells.iter().map(Counter::get).collect();
        assert_eq!(counts, [0, 1, 2, 10, 11, 12]);
    }

    #[test]
    fn names_beyond_the_room_share_the_last_counter() {
        let named = Named::<3>::new("limit");
        for name in ["a", "b", "a", "c", "d", "e"] {
            named.inc(name);
        }
        let counts: Vec<u64> = named.cells.iter().map(|(_, counter)| counter.get()).collect();
        assert_eq!(counts, [2, 1, 3]);
    }

    #[test]
    fn a_bound_is_in_its_bucket() {
        let histogram = Histogram::new([10, 20], 1.0);
        for value in [0, 10, 11, 20, 21, 1_000] {
            histogram.observe(value);
        }
        let counts = histogram.counts.each_ref().map(|count| count.load(Ordering::Relaxed));
        assert_eq!(counts, [2, 2]);
        assert_eq!(histogram.over.load(Ordering::Relaxed), 2);
        assert_eq!(histogram.sum.load(Ordering::Relaxed), 1_062);
    }

    #[test]
    fn a_counter_that_is_set_never_goes_back() {
        let counter = Counter::new();
        for count in [3, 7, 5] {
            counter.set(count);
        }
        assert_eq!(counter.get(), 7);
    }
}
