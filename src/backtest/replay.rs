//! The replay of usage through one ledger: every request is checked when it was, and recorded after
//! its latency. Of what the log does not have, the ledger assumes what it would in a check.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::sync::Arc;

use super::tally::{Counts, Refused, Tally};
use crate::domain::attribution::PackedAttribution;
use crate::domain::check::{Answer, Check, HOLD_DURATION_DEFAULT, LimitKey};
use crate::domain::record::{AnswerReport, KeptAnswer, Record, UsageReport};
use crate::domain::time::MICROS_PER_SECOND;
use crate::domain::usage::{Extras, TokenClass, Usage};
use crate::domain::{Amount, Time};
use crate::ledger::{Ledger, PreparedCheck, limit_key};

/// Most requests in flight: of more, those that end first end at once. So many would have to run at
/// the same time.
pub const IN_FLIGHT_MAX: usize = 20_000;
/// Subjects that are looked at, page by page, and dropped if they are idle.
const SWEPT_AT_ONCE: u32 = 1_000;

pub struct Replay {
    ledger: Ledger,
    /// The first to end on top.
    in_flight: BinaryHeap<Reverse<InFlight>>,
    tally: Tally,
    now: Time,
}

/// A request that was admitted.
struct InFlight {
    end_time: Time,
    record: Arc<Record>,
    routed: Option<Routed>,
}

/// Where a request ran that was asked of another model.
struct Routed {
    model_id: Arc<str>,
    limits: Vec<LimitKey>,
}

impl Replay {
    pub fn new(mut ledger: Ledger) -> Replay {
        let now = ledger.advance(Time::EARLIEST);
        Replay { ledger, in_flight: BinaryHeap::new(), tally: Tally::default(), now }
    }

    pub fn now(&self) -> Time {
        self.now
    }

    /// Checks a request that was recorded, at the time that it was charged to.
    pub fn request(&mut self, record: &Arc<Record>) {
        self.pass(record.charge_time);
        self.tally.totals.request_count += 1;
        let attribution = PackedAttribution::new(&record.attribution);
        let mut check = PreparedCheck::with_attribution(check(record), attribution);
        let Ok(decision) = self.ledger.decide(record.charge_time, &mut check) else {
            self.tally.totals.undecided_count += 1;
            return;
        };
        let limits = || {
            let blocking = decision.verdicts.iter().filter(|verdict| verdict.blocking);
            let mut limits: Vec<LimitKey> = blocking.filter_map(limit_key).collect();
            limits.sort();
            limits.dedup();
            limits
        };
        let routed = match &decision.answer {
            Answer::Allowed => None,
            Answer::Routed(model_id) => {
                Some(Routed { model_id: model_id.clone(), limits: limits() })
            }
            Answer::Blocked => {
                let not_served = self.cost_as_asked(record);
                let counts = Counts { blocked_count: 1, not_served, ..Counts::default() };
                return self.tally.refuse(&Refused { record, limits: &limits(), counts });
            }
        };
        let end_time = record.charge_time + record.latency.max(0);
        self.in_flight.push(Reverse(InFlight { end_time, record: record.clone(), routed }));
        while self.in_flight.len() > IN_FLIGHT_MAX {
            self.end_first();
        }
    }

    /// Charges a credit as it was.
    pub fn credit(&mut self, credit: &Record) {
        self.pass(credit.charge_time);
        if self.ledger.add_pending(credit).is_ok() {
            self.ledger.settle(credit.charge_time, credit);
            self.tally.totals.credits = add(self.tally.totals.credits, credit.cost);
        }
    }

    /// Drops what nobody waits for.
    pub fn tidy(&mut self) {
        self.ledger.take_alerts();
        self.ledger.take_refusals(usize::MAX);
        self.ledger.sweep(self.now, SWEPT_AT_ONCE);
    }

    /// Ends all that is in flight.
    pub fn finish(mut self) -> Tally {
        while !self.in_flight.is_empty() {
            self.end_first();
        }
        self.tally
    }

    /// Time passes: requests end.
    fn pass(&mut self, now: Time) {
        self.now = self.now.max(now);
        while self.in_flight.peek().is_some_and(|first| first.0.end_time <= now) {
            self.end_first();
        }
    }

    /// Records the request that ends first.
    fn end_first(&mut self) {
        let Some(Reverse(InFlight { end_time, record, routed })) = self.in_flight.pop() else {
            return;
        };
        let report = report(&record, routed.as_ref());
        let Ok(made) = self.ledger.prepare(end_time, record.seq, report, None) else {
            // More than a window may have: the hold of the request ends all the same.
            let _ = self.ledger.release(end_time, &request_id(&record));
            self.tally.totals.undecided_count += 1;
            return;
        };
        self.ledger.settle(end_time, &made);
        self.tally.totals.cost = add(self.tally.totals.cost, made.cost);
        let Some(Routed { limits, .. }) = routed else {
            self.tally.totals.allowed_count += 1;
            return;
        };
        let saved = self.cost_as_asked(&record) - made.cost;
        let counts = Counts { routed_count: 1, saved, ..Counts::default() };
        self.tally.refuse(&Refused { record: &record, limits: &limits, counts });
    }

    /// What a request costs on the model that it was recorded on; zero without a price.
    fn cost_as_asked(&self, record: &Record) -> Amount {
        self.ledger.reprice(record).map_or(Amount::ZERO, |billed| billed.cost)
    }
}

/// Sums of any number of costs, which stop at the largest amount.
pub fn add(a: Amount, b: Amount) -> Amount {
    Amount::from_nanos(a.nanos().saturating_add(b.nanos()))
}

/// A request may have been sent several times: each entry is one of its own.
fn request_id(record: &Record) -> Arc<str> {
    record.seq.to_string().into()
}

/// The check of a request: it declares what it has used, but for its output, of which the log does
/// not have what was declared.
fn check(record: &Record) -> Check {
    let latency = record.latency.max(0);
    Check {
        request_id: request_id(record),
        model_id: record.metered_model_id.to_string(),
        input: declared(&record.usage),
        max_output: None,
        extras: record
            .extras
            .as_deref()
            .and_then(|extras| Extras { reported: None, note: None, ..extras.clone() }.boxed()),
        tier: record.tier,
        context_id: String::new(),
        required_capabilities: Vec::new(),
        // It lasts for as long as the request.
        hold_duration: HOLD_DURATION_DEFAULT.max(latency + MICROS_PER_SECOND),
        dry_run: false,
        explain: false,
        attribution: None,
    }
}

/// Input as a check declares it: it has no classes for audio and images.
fn declared(usage: &Usage) -> Usage {
    let classes = [TokenClass::Input, TokenClass::AudioInput, TokenClass::ImageInput];
    let input = classes.iter().map(|class| usage.get(*class)).sum();
    [TokenClass::CacheRead, TokenClass::CacheWrite5m, TokenClass::CacheWrite1h]
        .iter()
        .fold(Usage::default().with(TokenClass::Input, input), |declared, class| {
            declared.with(*class, usage.get(*class))
        })
}

/// The report of a request: the same usage, on the model that it ran on.
fn report(record: &Record, routed: Option<&Routed>) -> UsageReport {
    let answer = record.answer.as_deref();
    let (model_id, usage, extras) = match routed {
        None => (record.model_id.to_string(), record.usage, record.extras.clone()),
        Some(routed) => {
            // What the provider of another model said that it bills says nothing here.
            let extras = record
                .extras
                .as_deref()
                .and_then(|extras| Extras { reported: None, note: None, ..extras.clone() }.boxed());
            (routed.model_id.to_string(), cold(&record.usage), extras)
        }
    };
    let answer = answer.map(|kept| kept_answer(kept, routed.is_some()));
    UsageReport {
        request_id: request_id(record),
        attempt: 0,
        model_id,
        tier: record.tier,
        usage,
        extras,
        answer: answer.map(|kept| Box::new(AnswerReport { kept, fingerprint: record.seq })),
        outcome: record.outcome,
        source: record.source,
        start_time: None,
        latency: record.latency,
        // That of its hold.
        attribution: None,
    }
}

/// Caches are kept by model: what was read from one is input on another model.
fn cold(usage: &Usage) -> Usage {
    let input = usage.get(TokenClass::Input) + usage.get(TokenClass::CacheRead);
    usage.with(TokenClass::Input, input).with(TokenClass::CacheRead, 0)
}

/// What decides the cost of an answer. On another model it had another provider.
fn kept_answer(kept: &KeptAnswer, is_routed: bool) -> KeptAnswer {
    KeptAnswer {
        provider: if is_routed { String::new() } else { kept.provider.clone() },
        json: String::new(),
        flags: Vec::new(),
        others: kept.others.clone(),
        is_unread: kept.is_unread,
        context_ids: Vec::new(),
        given: kept.given.clone(),
    }
}

impl Ord for InFlight {
    fn cmp(&self, other: &InFlight) -> Ordering {
        (self.end_time, self.record.seq).cmp(&(other.end_time, other.record.seq))
    }
}

impl PartialOrd for InFlight {
    fn partial_cmp(&self, other: &InFlight) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for InFlight {
    fn eq(&self, other: &InFlight) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for InFlight {}
