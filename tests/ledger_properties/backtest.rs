//! Backtests against the oracle: random usage is replayed under two random policies, by two ledgers
//! and by two oracles, and both must come to the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use tollgate::backtest::{Backtest, Comparison, Counts, Row, TOP_MAX, Totals};
use tollgate::domain::attribution::PackedAttribution;
use tollgate::domain::backfill::{BackfillResults, LimitConfig};
use tollgate::domain::catalog::price::{Rate, RateCard};
use tollgate::domain::check::{
    Answer, Check, HOLD_DURATION_DEFAULT, LimitKey, LimitKind, Reason, Subject,
};
use tollgate::domain::quota::Period;
use tollgate::domain::record::{Record, RecordKind, UsageReport};
use tollgate::domain::time::MICROS_PER_SECOND;
use tollgate::domain::usage::{Outcome, ServiceTier, TokenClass, Usage, UsageSource};
use tollgate::domain::{Amount, Time};
use tollgate::ledger::Ledger;

use crate::machine::draws::{RuleDraw, WhoDraw, rules, who};
use crate::machine::reference::{NAMES, Reference, START, millis};
use crate::machine::subject::catalog;
use crate::machine::{Call, rules as machine_rules};
use crate::of_environment;
use crate::oracle::Oracle;

const CASES: u32 = 120;
/// Most requests of a log.
const REQUESTS_MAX: usize = 60;

/// One request of the log.
#[derive(Clone, Debug)]
struct Request {
    /// Since the one before.
    seconds: i64,
    latency: i64,
    model: usize,
    who: WhoDraw,
    tokens: [i64; 4],
    success: bool,
}

/// A policy, as it differs from that of the reference.
#[derive(Clone, Debug)]
struct Policy {
    rules: Vec<RuleDraw>,
    budget: i64,
    cap: Option<i64>,
    fallback: bool,
    /// Percent of the price of the first model.
    price: i64,
}

fn request() -> impl Strategy<Value = Request> {
    let seconds = prop_oneof![6 => 0..90i64, 3 => 0..7_200i64, 1 => 0..400_000i64];
    let latency = prop_oneof![1 => Just(0i64), 4 => 0..40i64, 1 => 0..5_000i64];
    let tokens = (0..1_500i64, 0..900i64, 0..300i64, 0..2_500i64);
    (seconds, latency, 0..6usize, who(), tokens, any::<bool>()).prop_map(
        |(seconds, latency, model, who, (input, cached, written, output), success)| Request {
            seconds,
            latency,
            model,
            who,
            tokens: [input, cached, written, output],
            success,
        },
    )
}

fn policy() -> impl Strategy<Value = Policy> {
    let cap = prop_oneof![1 => Just(None), 2 => (0..200i64).prop_map(Some)];
    (rules(), 0..400i64, cap, any::<bool>(), 20..300i64).prop_map(
        |(rules, budget, cap, fallback, price)| Policy { rules, budget, cap, fallback, price },
    )
}

#[test]
fn a_replay_decides_as_the_oracle_does() {
    run(0);
}

#[test]
fn a_replay_decides_as_the_oracle_does_2() {
    run(1);
}

fn run(share: u64) {
    let config = Config {
        cases: of_environment("TOLLGATE_TEST_CASES", CASES) / 2,
        rng_seed: RngSeed::Fixed(of_environment("TOLLGATE_TEST_SEED", 1_u64) * 2 + share),
        failure_persistence: None,
        max_shrink_iters: of_environment("TOLLGATE_TEST_SHRINKS", 2_000),
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(
        &(policy(), policy(), vec(request(), 1..REQUESTS_MAX)),
        |(today, changed, requests)| {
            compare(&today, &changed, &requests);
            Ok(())
        },
    );
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

#[test]
fn the_draws_reach_what_is_to_be_compared() {
    let mut runner = TestRunner::new(Config { rng_seed: RngSeed::Fixed(7), ..Config::default() });
    let mut reached = 0;
    for _ in 0..20 {
        let strategy = (policy(), vec(request(), REQUESTS_MAX - 1));
        let (policy, requests) = strategy.new_tree(&mut runner).expect("a draw").current();
        let refused = compare(&policy, &policy, &requests).today.refused;
        reached += i64::from(refused.blocked_count > 0 && refused.routed_count > 0);
    }
    assert!(reached >= 5, "{reached} of 20 logs have blocked and routed requests");
}

fn compare(today: &Policy, changed: &Policy, requests: &[Request]) -> Comparison {
    let [today, changed] = [today, changed].map(oracle_of);
    let log = log_of(requests);
    let mut backtest = Backtest::new(ledger_of(&today), ledger_of(&changed));
    // In pages, which must not matter.
    for page in log.chunks(7) {
        backtest.replay(page.to_vec());
    }
    let found = backtest.finish();
    let [today, changed] = [today, changed].map(|oracle| Naive::replay(oracle, &log));
    assert_eq!(found.today, today.totals, "today");
    assert_eq!(found.changed, changed.totals, "changed");
    assert_rows(&found.top.limits, &today.limits, &changed.limits);
    assert_rows(&found.top.models, &today.models, &changed.models);
    assert_rows(&found.top.departments, &today.departments, &changed.departments);
    assert_rows(&found.top.users, &today.users, &changed.users);
    assert_eq!(found.entry_count, log.len() as i64);
    for totals in [&found.today, &found.changed] {
        let Totals { request_count, allowed_count, undecided_count, refused, .. } = totals;
        let sum = allowed_count + undecided_count + refused.blocked_count + refused.routed_count;
        assert_eq!(sum, *request_count);
    }
    found
}

fn assert_rows<K: Clone + Ord + std::fmt::Debug>(
    found: &[Row<K>],
    today: &BTreeMap<K, Counts>,
    changed: &BTreeMap<K, Counts>,
) {
    let keys: std::collections::BTreeSet<&K> = today.keys().chain(changed.keys()).collect();
    assert_eq!(found.len(), keys.len().min(TOP_MAX));
    for row in found {
        assert_eq!(row.today, of_key(today, &row.key), "today, {:?}", row.key);
        assert_eq!(row.changed, of_key(changed, &row.key), "changed, {:?}", row.key);
    }
    let weight = |key: &K| {
        let of = |counts: Counts| {
            let money = counts.saved + counts.not_served;
            (money, counts.blocked_count + counts.routed_count)
        };
        of(of_key(today, key)).max(of(of_key(changed, key)))
    };
    assert!(found.is_sorted_by(|a, b| weight(&a.key) >= weight(&b.key)), "heaviest first");
    let last = found.last().map(|row| weight(&row.key));
    let left_out = keys.iter().filter(|key| found.iter().all(|row| row.key != ***key));
    assert!(left_out.into_iter().all(|key| Some(weight(key)) <= last), "the heaviest");
}

fn of_key<K: Ord>(rows: &BTreeMap<K, Counts>, key: &K) -> Counts {
    rows.get(key).copied().unwrap_or_default()
}

/// The reference with a policy.
fn oracle_of(policy: &Policy) -> Oracle {
    let mut oracle = Reference::new().oracle;
    let plan = oracle.workspace.plan.as_mut().expect("it has a plan");
    (plan.budget, plan.overage) = (millis(policy.budget), millis(policy.budget / 3));
    oracle.workspace.automatic_fallback = policy.fallback;
    oracle.models[0].limit = policy.cap.map(millis);
    for rate in oracle.catalog.prices[0].base.iter_mut().flatten() {
        *rate = *rate * policy.price / 100;
    }
    let mut serial = 0;
    if let Call::Rules(changes) = machine_rules::rules(&oracle, &mut serial, &policy.rules) {
        changes.into_iter().for_each(|change| oracle.change(change));
    }
    // Nothing was used before.
    for quota in oracle.quotas.iter_mut().filter(|quota| quota.period == Period::UntilReset) {
        quota.window_start = START;
    }
    oracle
}

/// The ledger of the same policy.
fn ledger_of(oracle: &Oracle) -> Ledger {
    let catalog = Arc::new(catalog(&oracle.catalog));
    let (workspace, models) = (oracle.workspace.clone(), oracle.models.clone());
    let mut ledger = Ledger::new(workspace, models, catalog, Vec::new(), START);
    let limits = LimitConfig {
        quotas: oracle.quotas.clone(),
        rate_limits: oracle.rate_limits.clone(),
        key_groups: oracle.key_groups.clone(),
        ..LimitConfig::default()
    };
    ledger.load_limits(START, limits, BackfillResults::default());
    ledger
}

fn log_of(requests: &[Request]) -> Vec<Record> {
    let mut time = START;
    let mut log = Vec::new();
    for (index, request) in requests.iter().enumerate() {
        time = time + request.seconds * MICROS_PER_SECOND;
        let [input, cached, written, output] = request.tokens;
        let usage = Usage::default()
            .with(TokenClass::Input, input)
            .with(TokenClass::CacheRead, cached)
            .with(TokenClass::CacheWrite5m, written)
            .with(TokenClass::Output, output);
        let seq = index as i64 + 1;
        log.push(record((seq, time), request, usage));
    }
    log
}

/// As it was recorded: what it cost then does not matter.
fn record((seq, time): (i64, Time), request: &Request, usage: Usage) -> Record {
    let model_id: Arc<str> = NAMES[request.model].into();
    Record {
        seq,
        workspace_id: "acme".into(),
        request_id: format!("r{}", seq / 3).into(),
        attempt: (seq % 3) as i32,
        revision: 0,
        kind: RecordKind::Usage,
        model_id: model_id.clone(),
        metered_model_id: model_id,
        tier: ServiceTier::Standard,
        usage,
        extras: None,
        answer: None,
        outcome: if request.success { Outcome::Success } else { Outcome::Error },
        source: UsageSource::Provider,
        cost: Amount::from_nanos(1),
        unpriced: false,
        large_above: None,
        price_id: Some("as-it-was".into()),
        exchange_rate: Rate::ONE,
        charge_time: time,
        hour: time,
        day: time,
        start_time: time,
        start_time_adjusted: false,
        record_time: time + request.latency * MICROS_PER_SECOND,
        latency: request.latency * MICROS_PER_SECOND,
        attribution: machine_rules::attribution(&request.who)
            .map_or_else(Default::default, |it| *it),
        key_group_id: "".into(),
        fingerprint: seq,
    }
}

/// A replay by the oracle, which knows no pages and no heap.
struct Naive {
    oracle: Oracle,
    flights: Vec<Flight>,
    totals: Totals,
    limits: BTreeMap<LimitKey, Counts>,
    models: BTreeMap<String, Counts>,
    departments: BTreeMap<String, Counts>,
    users: BTreeMap<String, Counts>,
}

struct Flight {
    end: Time,
    record: Record,
    routed: Option<Arc<str>>,
    limits: Vec<LimitKey>,
}

impl Naive {
    fn replay(oracle: Oracle, log: &[Record]) -> Naive {
        let mut naive = Naive {
            oracle,
            flights: Vec::new(),
            totals: Totals::default(),
            limits: BTreeMap::new(),
            models: BTreeMap::new(),
            departments: BTreeMap::new(),
            users: BTreeMap::new(),
        };
        for record in log {
            naive.land(record.charge_time);
            naive.check(record);
        }
        naive.land(Time::LATEST);
        naive
    }

    fn check(&mut self, record: &Record) {
        self.totals.request_count += 1;
        self.oracle.tick(record.charge_time);
        let attribution = PackedAttribution::new(&record.attribution);
        let check = Check {
            request_id: format!("{}", record.seq).into(),
            model_id: record.metered_model_id.to_string(),
            input: record.usage.with(TokenClass::Output, 0),
            max_output: None,
            extras: None,
            tier: ServiceTier::Standard,
            context_id: String::new(),
            required_capabilities: Vec::new(),
            hold_duration: HOLD_DURATION_DEFAULT.max(record.latency + MICROS_PER_SECOND),
            dry_run: false,
            explain: false,
            attribution: attribution.map(|packed| Box::new(packed.unpack())),
        };
        let Ok(decision) = self.oracle.check(&check) else {
            self.totals.undecided_count += 1;
            return;
        };
        let mut limits = Vec::new();
        for verdict in decision.verdicts.iter().filter(|verdict| verdict.blocking) {
            let id = |figures: &tollgate::domain::check::LimitFigures| {
                figures.id.as_deref().unwrap_or_default().to_owned()
            };
            let key = match (&verdict.limit, &verdict.subject) {
                (None, _) => LimitKey::Rule(verdict.reason.map(in_capitals).unwrap_or_default()),
                (Some(it), _) if it.kind == LimitKind::Envelope => LimitKey::Envelope,
                (Some(it), Subject::Model(model)) if it.kind == LimitKind::ModelLimit => {
                    LimitKey::ModelLimit(model.to_string())
                }
                (Some(it), _) if it.kind == LimitKind::RateLimit => LimitKey::RateLimit(id(it)),
                (Some(it), _) => LimitKey::Quota(id(it)),
            };
            if !limits.contains(&key) {
                limits.push(key);
            }
        }
        let routed = match decision.answer {
            Answer::Allowed => None,
            Answer::Routed(model) => Some(model),
            Answer::Blocked => {
                let counts = Counts {
                    blocked_count: 1,
                    not_served: self.price_of(record, &record.metered_model_id, record.usage),
                    first_blocked: Some(record.charge_time),
                    ..Counts::default()
                };
                return self.count(record, &limits, counts);
            }
        };
        let end = record.charge_time + record.latency;
        self.flights.push(Flight { end, record: record.clone(), routed, limits });
    }

    /// Records what ends by a time, in the order of the ends.
    fn land(&mut self, now: Time) {
        loop {
            let due = self.flights.iter().enumerate().filter(|(_, flight)| flight.end <= now);
            let first = due.min_by_key(|(_, flight)| (flight.end, flight.record.seq));
            let Some(index) = first.map(|(index, _)| index) else { return };
            let flight = self.flights.remove(index);
            self.record(flight);
        }
    }

    fn record(&mut self, Flight { end, record, routed, limits }: Flight) {
        self.oracle.tick(end);
        let cached = record.usage.get(TokenClass::CacheRead);
        let usage = match &routed {
            None => record.usage,
            Some(_) => record
                .usage
                .with(TokenClass::Input, record.usage.get(TokenClass::Input) + cached)
                .with(TokenClass::CacheRead, 0),
        };
        let report = UsageReport {
            request_id: format!("{}", record.seq).into(),
            attempt: 0,
            model_id: routed.as_ref().unwrap_or(&record.model_id).to_string(),
            tier: ServiceTier::Standard,
            usage,
            extras: None,
            answer: None,
            outcome: record.outcome,
            source: record.source,
            start_time: None,
            latency: record.latency,
            attribution: None,
        };
        let made = self.oracle.priced(&report).expect("it has a hold");
        let (made, _) = self.oracle.write(&made);
        self.totals.cost += made.cost;
        let Some(model) = routed else {
            self.totals.allowed_count += 1;
            return;
        };
        assert_eq!(made.cost, self.price_of(&record, &model, usage));
        let saved = self.price_of(&record, &record.metered_model_id, record.usage) - made.cost;
        let first_routed = Some(record.charge_time);
        let counts = Counts { routed_count: 1, saved, first_routed, ..Counts::default() };
        self.count(&record, &limits, counts);
    }

    /// What usage costs on a model; zero without a price.
    fn price_of(&self, record: &Record, model: &str, usage: Usage) -> Amount {
        let price = self.oracle.price(model, record.charge_time).expect("one currency");
        price.map_or(Amount::ZERO, |(price, rate)| {
            let card = RateCard::new(Arc::new(price));
            card.bill(&usage, None, record.tier, rate).expect("a small cost")
        })
    }

    fn count(&mut self, record: &Record, limits: &[LimitKey], counts: Counts) {
        add(&mut self.totals.refused, counts);
        for limit in limits {
            add(self.limits.entry(limit.clone()).or_default(), counts);
        }
        let model = record.metered_model_id.to_string();
        add(self.models.entry(model).or_default(), counts);
        let who = &record.attribution;
        add(self.departments.entry(who.department_id.clone()).or_default(), counts);
        add(self.users.entry(who.user_id.clone()).or_default(), counts);
    }
}

/// "MODEL_UNPRICED" of `ModelUnpriced`.
fn in_capitals(reason: Reason) -> String {
    let mut name = String::new();
    for letter in format!("{reason:?}").chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

fn add(sum: &mut Counts, counts: Counts) {
    sum.blocked_count += counts.blocked_count;
    sum.routed_count += counts.routed_count;
    sum.saved += counts.saved;
    sum.not_served += counts.not_served;
    let first = |a: Option<Time>, b: Option<Time>| a.into_iter().chain(b).min();
    sum.first_blocked = first(sum.first_blocked, counts.first_blocked);
    sum.first_routed = first(sum.first_routed, counts.first_routed);
}
