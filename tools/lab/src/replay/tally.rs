//! Counters of a replay: decisions, spend, latencies and errors. Sums money exactly.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use rust_decimal::Decimal;

/// Slowest call that is told apart from slower ones.
const LATENCY_MICROS_MAX: u64 = 600_000_000;

/// The result of one request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// How long the check took; absent if it failed.
    pub check_latency: Option<Duration>,
    /// Absent if the check failed.
    pub decision: Option<Decision>,
    /// How long the record took; absent if there was none or it failed.
    pub record_latency: Option<Duration>,
    /// What was recorded as spent.
    pub cost: Option<Decimal>,
    /// The model has no price: recorded at another one, or at zero.
    pub unpriced: bool,
    /// The call that failed, and how.
    pub error: Option<Failure>,
}

/// The answer of a check, with the text it is counted by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// On this model.
    Allowed(String),
    /// To this model.
    Routed(String),
    /// For this reason.
    Blocked(String),
}

/// A call that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub call: &'static str,
    pub code: String,
    pub message: String,
}

/// Requests and spend on one model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ModelSums {
    pub allowed: u64,
    pub routed: u64,
    pub spent: Decimal,
}

/// Everything that was counted.
#[derive(Debug)]
pub struct Tally {
    pub requests: u64,
    pub by_model: BTreeMap<String, ModelSums>,
    /// By reason.
    pub blocked: BTreeMap<String, u64>,
    /// By call and code, with the first message.
    pub errors: BTreeMap<(&'static str, String), (u64, String)>,
    pub unpriced: u64,
    pub spent: Decimal,
    /// In microseconds.
    pub check_latency: Histogram<u64>,
    /// In microseconds.
    pub record_latency: Histogram<u64>,
}

impl Tally {
    pub fn new() -> Tally {
        let histogram =
            || Histogram::new_with_max(LATENCY_MICROS_MAX, 3).expect("constants are in its range");
        Tally {
            requests: 0,
            by_model: BTreeMap::new(),
            blocked: BTreeMap::new(),
            errors: BTreeMap::new(),
            unpriced: 0,
            spent: Decimal::ZERO,
            check_latency: histogram(),
            record_latency: histogram(),
        }
    }

    pub fn add(&mut self, outcome: Outcome) {
        self.requests += 1;
        self.unpriced += u64::from(outcome.unpriced);
        let cost = outcome.cost.unwrap_or_default();
        self.spent += cost;
        match outcome.decision {
            Some(Decision::Allowed(model_id)) => {
                let sums = self.by_model.entry(model_id).or_default();
                sums.allowed += 1;
                sums.spent += cost;
            }
            Some(Decision::Routed(model_id)) => {
                let sums = self.by_model.entry(model_id).or_default();
                sums.routed += 1;
                sums.spent += cost;
            }
            Some(Decision::Blocked(reason)) => *self.blocked.entry(reason).or_default() += 1,
            None => {}
        }
        if let Some(latency) = outcome.check_latency {
            self.check_latency.saturating_record(micros(latency));
        }
        if let Some(latency) = outcome.record_latency {
            self.record_latency.saturating_record(micros(latency));
        }
        if let Some(Failure { call, code, message }) = outcome.error {
            self.errors.entry((call, code)).or_insert((0, message)).0 += 1;
        }
    }

    pub fn allowed(&self) -> u64 {
        self.by_model.values().map(|sums| sums.allowed).sum()
    }

    pub fn routed(&self) -> u64 {
        self.by_model.values().map(|sums| sums.routed).sum()
    }

    pub fn blocked(&self) -> u64 {
        self.blocked.values().sum()
    }

    pub fn errors(&self) -> u64 {
        self.errors.values().map(|(count, _)| count).sum()
    }
}

impl Default for Tally {
    fn default() -> Tally {
        Tally::new()
    }
}

fn micros(latency: Duration) -> u64 {
    u64::try_from(latency.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_counted_once() {
        let mut tally = Tally::new();
        let millisecond = Some(Duration::from_millis(1));
        let recorded = |decision, cost: &str| Outcome {
            check_latency: millisecond,
            decision: Some(decision),
            record_latency: millisecond,
            cost: Some(cost.parse().unwrap()),
            ..Outcome::default()
        };
        tally.add(recorded(Decision::Allowed("a".to_owned()), "0.000000001"));
        tally.add(recorded(Decision::Routed("b".to_owned()), "0.1"));
        tally.add(recorded(Decision::Allowed("b".to_owned()), "0.2"));
        tally.add(Outcome {
            check_latency: millisecond,
            decision: Some(Decision::Blocked("EXHAUSTED".to_owned())),
            ..Outcome::default()
        });
        for message in ["first", "second"] {
            let failure = Failure {
                call: "CheckAndRoute",
                code: "UNAVAILABLE".to_owned(),
                message: message.to_owned(),
            };
            tally.add(Outcome { error: Some(failure), ..Outcome::default() });
        }
        assert_eq!(tally.requests, 6);
        assert_eq!((tally.allowed(), tally.routed(), tally.blocked()), (2, 1, 1));
        assert_eq!(tally.spent.to_string(), "0.300000001");
        assert_eq!(tally.by_model["b"].spent.to_string(), "0.3");
        assert_eq!(tally.errors(), 2);
        assert_eq!(tally.errors.values().next().unwrap(), &(2, "first".to_owned()));
        assert_eq!((tally.check_latency.len(), tally.record_latency.len()), (4, 3));
    }
}
