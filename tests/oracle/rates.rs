//! What rate limits count: a list of everything that was sent, and when.

use std::sync::Arc;

use tollgate::domain::Time;
use tollgate::domain::attribution::SubjectKind;
use tollgate::domain::check::{LimitKind, LimitPeriod};
use tollgate::domain::quota::{Scope, Unit};
use tollgate::domain::rate_limit::{RateLimit, RateWindow};
use tollgate::domain::record::{Record, RecordKind};
use tollgate::domain::time::Micros;
use tollgate::domain::usage::TokenClass;

use super::record::tokens_of;
use super::rules::{Bound, Who, covers};
use super::{Hold, Oracle};

/// One rate limit of a window and unit.
type Counter = (Arc<str>, RateWindow, Unit);

/// One admission as one counter sees it.
#[derive(Clone, Debug)]
pub struct Counted {
    pub counter: Counter,
    pub subject_id: Arc<str>,
    pub time: Time,
    pub amount: i128,
    /// The live hold that it belongs to: it may be corrected.
    pub request_id: Option<Arc<str>>,
}

/// One request, or one record of a request that holds nothing.
struct Sent {
    who: Who,
    model: Arc<str>,
    time: Time,
    tokens: i64,
    cache_reads: i64,
    request_id: Option<Arc<str>>,
}

impl Oracle {
    /// A request is admitted.
    pub fn count_admission(&mut self, hold: &Hold) {
        self.count(&sent_by(hold), |_| true);
    }

    /// A record of a request without a hold counts as if it had been admitted when it is charged.
    pub fn count_record(&mut self, record: &Record) {
        if record.kind == RecordKind::Usage {
            let sent = self.recorded_as(record);
            self.count(&sent, |_| true);
        }
    }

    /// The tokens that a request was estimated at do not count; the request stays.
    pub fn take_tokens_back(&mut self, request_id: &str) {
        for counted in &mut self.counted {
            let is_meant = counted.request_id.as_deref() == Some(request_id);
            if is_meant && counted.counter.2 != Unit::Requests {
                counted.amount = 0;
            }
        }
    }

    /// The tokens of a record take the place of the estimate, also where it names others than the
    /// check. The request was counted when it was admitted.
    pub fn correct_counts(&mut self, record: &Record) {
        self.take_tokens_back(&record.request_id);
        let sent = self.recorded_as(record);
        self.count(&sent, |(_, _, unit)| *unit != Unit::Requests);
    }

    /// Nothing corrects it any more.
    pub fn leave_counts(&mut self, request_id: &str) {
        for counted in &mut self.counted {
            if counted.request_id.as_deref() == Some(request_id) {
                counted.request_id = None;
            }
        }
    }

    /// What limits that were not there before have to know: the log, and requests in flight.
    pub fn count_for(&mut self, is_new: impl Fn(&Counter) -> bool) {
        self.counted.retain(|counted| !is_new(&counted.counter));
        let records = self.log.iter().filter(|record| record.kind == RecordKind::Usage);
        let mut all: Vec<Sent> = records.map(|record| self.recorded_as(record)).collect();
        all.extend(self.holds.iter().map(sent_by));
        for sent in &all {
            self.count(sent, &is_new);
        }
    }

    /// All of them, of the log alone.
    pub fn count_anew(&mut self) {
        self.count_for(|_| true);
    }

    /// What does not count any more is not stored at a stop.
    pub fn forget_counts(&mut self) {
        let now = self.now;
        self.counted.retain(|counted| leaves(counted.counter.1, counted.time) > now);
    }

    /// As if every minute of the limits that are there were used up now, for everybody.
    pub fn fill_minutes(&mut self) {
        self.full_at = Some(self.now);
    }

    fn recorded_as(&self, record: &Record) -> Sent {
        Sent {
            who: self.who_of(record),
            model: record.metered_model_id.clone(),
            time: record.charge_time,
            tokens: tokens_of(record),
            cache_reads: record.usage.get(TokenClass::CacheRead),
            request_id: None,
        }
    }

    fn count(&mut self, sent: &Sent, is_meant: impl Fn(&Counter) -> bool) {
        for rate_limit in &self.rate_limits {
            let scope = &rate_limit.scope;
            for subject_id in sent.who.subject_ids(scope.kind) {
                let is_named = scope.subject_id.as_ref().is_none_or(|named| *named == subject_id);
                if !is_named || !covers(scope, &subject_id, &sent.who, &sent.model) {
                    continue;
                }
                for (span, unit, _) in rate_limit.limits() {
                    let counter = (rate_limit.id.clone(), span, unit);
                    if !is_meant(&counter) {
                        continue;
                    }
                    self.counted.push(Counted {
                        counter,
                        subject_id: subject_id.clone(),
                        time: sent.time,
                        amount: match unit {
                            Unit::Tokens => sent.tokens.into(),
                            Unit::UncachedTokens => (sent.tokens - sent.cache_reads).into(),
                            _ => 1,
                        },
                        request_id: sent.request_id.clone(),
                    });
                }
            }
        }
    }

    /// The rate limits that bound a subject on a model, by id.
    pub fn rate_bounds(&self, kind: SubjectKind, subject_id: &Arc<str>, model: &str) -> Vec<Bound> {
        let mut rate_limits: Vec<&RateLimit> = self
            .rate_limits
            .iter()
            .filter(|rate_limit| {
                let scope = &rate_limit.scope;
                scope.kind == kind
                    && scope.model_id.as_deref().is_none_or(|only| only == model)
                    && self.is_rated(scope, subject_id)
            })
            .collect();
        rate_limits.sort_by_key(|rate_limit| rate_limit.id.clone());
        let mut bounds = Vec::new();
        for rate_limit in rate_limits {
            // Tokens before requests, the minute before the day.
            let mut limits: Vec<_> = rate_limit.limits().collect();
            limits.sort_by_key(|(span, unit, _)| (*span, *unit));
            for (span, unit, limit) in limits {
                let counter = (rate_limit.id.clone(), span, unit);
                bounds.push(Bound {
                    kind: LimitKind::RateLimit,
                    id: Some(rate_limit.id.clone()),
                    subject: self.subject(kind, subject_id),
                    subject_id: subject_id.clone(),
                    unit,
                    period: LimitPeriod::Sliding(span),
                    enforcement: rate_limit.enforcement,
                    model_id: rate_limit.scope.model_id.clone(),
                    thresholds: Vec::new(),
                    limit: limit.into(),
                    base_limit: limit.into(),
                    spent: self.counted_at(&counter, subject_id, limit.into(), self.now),
                    held: 0,
                    reset_time: None,
                });
            }
        }
        bounds
    }

    /// Whether a rate limit is asked for this subject: one for each is no rule for one who is
    /// named.
    fn is_rated(&self, scope: &Scope, subject_id: &str) -> bool {
        match &scope.subject_id {
            Some(named) => **named == *subject_id,
            None => {
                let named = Scope { subject_id: Some(subject_id.into()), ..scope.clone() };
                !self.rate_limits.iter().any(|other| other.scope == named)
            }
        }
    }

    /// What counts at a time: the bucket that it lies in and the sixty before, whole. What clocks
    /// that were ahead have counted later counts as well: rather too much than too little.
    fn counted_at(&self, counter: &Counter, subject_id: &str, limit: i128, now: Time) -> i128 {
        let counts = |time: Time| leaves(counter.1, time) > now;
        let of_counter = self
            .counted
            .iter()
            .filter(|counted| counted.counter == *counter && *counted.subject_id == *subject_id);
        let counted: i128 =
            of_counter.filter(|counted| counts(counted.time)).map(|counted| counted.amount).sum();
        let is_full = self.full_at_of(counter).is_some_and(counts);
        if is_full { counted.max(limit) } else { counted }
    }

    /// The last crash, if the limit is one of a minute and was there.
    fn full_at_of(&self, (id, span, _): &Counter) -> Option<Time> {
        let rate_limit = self.rate_limits.iter().find(|rate_limit| rate_limit.id == *id)?;
        self.full_at.filter(|at| *span == RateWindow::Minute && rate_limit.create_time <= *at)
    }

    /// How long until a need fits if nobody else comes: the earliest time at which enough buckets
    /// have fallen out.
    pub fn wait_for(&self, bound: &Bound, need: i128) -> Micros {
        let LimitPeriod::Sliding(span) = bound.period else { panic!("it does not slide") };
        let counter = (bound.id.clone().expect("a rate limit"), span, bound.unit);
        let of_counter = self
            .counted
            .iter()
            .filter(|counted| counted.counter == counter && counted.subject_id == bound.subject_id);
        let mut times: Vec<Time> = of_counter.map(|counted| leaves(span, counted.time)).collect();
        times.extend(self.full_at_of(&counter).map(|time| leaves(span, time)));
        times.sort();
        let fits = |time: &Time| {
            *time > self.now
                && self.counted_at(&counter, &bound.subject_id, bound.limit, *time) + need
                    <= bound.limit
        };
        times.into_iter().find(fits).expect("all of it falls out once") - self.now
    }
}

/// When something counts no more: with the bucket in which it was sent, after sixty others.
fn leaves(span: RateWindow, time: Time) -> Time {
    let bucket = time.micros().div_euclid(span.bucket());
    Time::from_micros((bucket + 61) * span.bucket())
}

fn sent_by(hold: &Hold) -> Sent {
    Sent {
        who: hold.who.clone(),
        model: hold.model.clone(),
        time: hold.check_time,
        tokens: hold.tokens,
        cache_reads: hold.cache_reads,
        request_id: Some(hold.check.request_id.clone()),
    }
}
