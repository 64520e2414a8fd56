//! The oracle's side: makes a step concrete and says what is to be answered.

use std::fmt;
use std::sync::Arc;

use chrono::NaiveDate;
use proptest::prelude::{Just, Strategy};
use proptest::strategy::BoxedStrategy;
use proptest_state_machine::ReferenceStateMachine;
use tollgate::domain::alert::AlertPolicy;
use tollgate::domain::attribution::AttributionField;
use tollgate::domain::catalog::bill::{Factor, Multiplier};
use tollgate::domain::catalog::price::{Price, Rate, Source, Variant};
use tollgate::domain::catalog::{ExchangeRate, Model};
use tollgate::domain::check::{Check, Decision, LimitKind};
use tollgate::domain::quota::{Enforcement, Unit};
use tollgate::domain::record::{
    AnswerReport, CreditReport, Fingerprint, Given, KeptAnswer, Record, RecordKind, UsageReport,
};
use tollgate::domain::time::MICROS_PER_SECOND;
use tollgate::domain::time::calendar::DayOfWeek;
use tollgate::domain::usage::{
    Extras, Outcome, ReportedCost, ServiceTier, TokenClass, UnitKind, Usage, UsageSource,
};
use tollgate::domain::workspace::{
    HoldDurability, HoldExpiryPolicy, Plan, ReportedCostPolicy, UnknownKeyPolicy,
    UnpricedModelPolicy, Workspace, WorkspaceModel,
};
use tollgate::domain::{Amount, Currency, Time};
use tollgate::ledger::Error;

use super::draws::{AnswerDraw, ExtrasDraw, ReportedDraw};
use super::steps::{Request, Size, Step, any_step};
use super::{Answer, Call, rules};
use crate::oracle::policy::Change;
use crate::oracle::record::Written;
use crate::oracle::{Hold, Oracle};

/// 2026-01-15T12:00:00Z.
pub const START: Time = Time::from_micros(1_768_478_400 * MICROS_PER_SECOND);

/// Ids and names: five models that the catalog knows, one without a price, an alias, an unknown.
pub const NAMES: [&str; 9] = ["a", "b", "c", "d", "free", "unpriced", "alias-of-b", "nobody", "a"];
/// Why a record is voided.
pub const WRONG: &str = "recorded twice";
/// Three change their clocks, one of them by half an hour; one is off by three quarters of an hour.
const ZONES: [chrono_tz::Tz; 5] = [
    chrono_tz::UTC,
    chrono_tz::Europe::Berlin,
    chrono_tz::America::New_York,
    chrono_tz::Asia::Kathmandu,
    chrono_tz::Australia::Lord_Howe,
];

#[derive(Clone)]
pub struct Reference {
    pub oracle: Oracle,
    /// The clock, which may step back.
    pub clock: Time,
    /// The latest step made concrete, and its answer.
    pub call: Call,
    pub answer: Answer,
    /// What the hold promised, if the record on hand keeps to what its check declared.
    pub promised: Option<Amount>,
    /// Numbers what is new.
    serial: u32,
}

/// A failure prints the steps; the world that they start from is always the same.
impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("see `Reference::new`")
    }
}

impl ReferenceStateMachine for Reference {
    type State = Reference;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Reference> {
        Just(Reference::new()).boxed()
    }

    fn transitions(_: &Reference) -> BoxedStrategy<Step> {
        any_step()
    }

    fn apply(mut state: Reference, step: &Step) -> Reference {
        state.oracle.alerts.clear();
        state.oracle.refusals.clear();
        state.oracle.tick(state.clock);
        state.promised = None;
        state.serial += 100;
        state.call = state.concrete(step);
        state.answer = state.expected();
        state
    }
}

impl Reference {
    pub fn new() -> Reference {
        let mut oracle = Oracle::new(workspace(), START);
        for (index, name) in NAMES[..6].iter().enumerate() {
            let aliases = if *name == "b" { vec!["alias-of-b".to_owned()] } else { Vec::new() };
            // One of each two, and as lists spell it.
            let provider = rules::PROVIDERS[index % 2].to_uppercase();
            oracle.catalog.models.push(Model { aliases, provider, ..model(name) });
            let index = i64::try_from(index).expect("a small number");
            // Some prices meet limits exactly, some have to be rounded.
            let odd = index % 2;
            let (input, output) = (1_000_000_000 + 3 * odd, 2_000_000_000 + 100_000_001 * odd);
            let (input, output) = ((5 - index) * input, (5 - index) * output);
            let (input, output) = if *name == "free" { (0, 0) } else { (input, output) };
            if *name != "unpriced" {
                oracle.catalog.prices.push(price(name, index, input, output));
            }
            oracle.models.push(WorkspaceModel {
                model_id: (*name).into(),
                enabled: true,
                limit: (index < 2).then(|| millis(30)),
                limit_enabled: true,
                fallback_model_ids: Vec::new(),
            });
        }
        let (call, answer) = (Call::Nothing, Answer::Nothing);
        oracle.key_groups = vec![rules::group(1), rules::group(2)];
        Reference { oracle, clock: START, call, answer, promised: None, serial: 0 }
    }

    fn expected(&mut self) -> Answer {
        let oracle = &mut self.oracle;
        match self.call.clone() {
            Call::Nothing => Answer::Nothing,
            Call::Time(time) => {
                self.clock = time;
                oracle.tick(time);
                Answer::Nothing
            }
            Call::Check(check) => Answer::Decided(decide(oracle, &check)),
            Call::Prepare(report) => {
                self.promised = promised(oracle, &report);
                let Some(record) = oracle.priced(&report) else { return Answer::Refused };
                oracle.on_the_way.push(record.clone());
                Answer::Prepared(Box::new(record))
            }
            Call::Record(report) => {
                self.promised = promised(oracle, &report);
                recorded(oracle, &report)
            }
            Call::Learn(reports) => {
                learn(oracle, reports);
                Answer::Nothing
            }
            Call::Commit(index) => {
                let record = oracle.on_the_way.remove(index);
                Answer::Written(oracle.write(&record).1)
            }
            Call::Lose(index) => {
                oracle.on_the_way.remove(index);
                Answer::Nothing
            }
            Call::Release(request_id) => Answer::Released(oracle.release(&request_id)),
            Call::Extend(request_id, span) => Answer::Extended(oracle.extend(&request_id, span)),
            Call::ChargeDue => Answer::Charged(oracle.charge_due()),
            Call::Credit(report) => {
                let record = oracle.credited(&report);
                let written = oracle.credit(&record);
                Answer::Recorded(Box::new(record), written)
            }
            Call::Void(request_id, attempt) => {
                let voided = oracle.void(&request_id, attempt, WRONG);
                Answer::Voided(voided, oracle.standing())
            }
            Call::Correct(record, cost) => {
                oracle.correct(&record, cost);
                Answer::Nothing
            }
            Call::Workspace(workspace) => {
                oracle.set_workspace(*workspace);
                Answer::Nothing
            }
            Call::Model(settings) => {
                oracle.set_model(settings);
                Answer::Nothing
            }
            Call::Catalog(facts) => {
                oracle.catalog = *facts;
                Answer::Nothing
            }
            Call::Rules(changes) => {
                changes.into_iter().for_each(|change| oracle.change(change));
                Answer::Nothing
            }
            Call::Restart { is_graceful } => {
                oracle.restart(self.clock, is_graceful);
                Answer::Nothing
            }
        }
    }

    fn concrete(&self, step: &Step) -> Call {
        let oracle = &self.oracle;
        let hold = |index: usize| oracle.holds.get(index % oracle.holds.len().max(1));
        let usage_entries: Vec<&Record> =
            oracle.log.iter().filter(|record| record.kind == RecordKind::Usage).collect();
        let entry = |index: usize| usage_entries.get(index % usage_entries.len().max(1)).copied();
        match step.clone() {
            Step::Check(request) => Call::Check(check(&request)),
            Step::CheckAgain { hold: index, other_content } => {
                let Some(hold) = hold(index) else { return Call::Nothing };
                let input = hold.check.input.tokens[0] + i64::from(other_content);
                let input = hold.check.input.with(TokenClass::Input, input);
                Call::Check(Check { input, ..hold.check.clone() })
            }
            Step::RecordHeld { hold: index, size, outcome, on_its_way, who, reported, answer } => {
                let Some(hold) = hold(index) else { return Call::Nothing };
                let attribution = who.as_ref().and_then(rules::attribution);
                let report = UsageReport { attribution, ..held(hold, size, outcome) };
                let report = with_answer(with_reported(report, &reported), &answer);
                if on_its_way { Call::Prepare(report) } else { Call::Record(report) }
            }
            step @ Step::RecordAny { .. } => Call::Record(self.any_report(&step)),
            Step::RecordAgain { entry: index, other_content } => {
                let Some(record) = entry(index) else { return Call::Nothing };
                Call::Record(again(record, other_content))
            }
            Step::Arrive { index, lost } => match oracle.on_the_way.len() {
                0 => Call::Nothing,
                count if lost => Call::Lose(index % count),
                count => Call::Commit(index % count),
            },
            Step::Learn { model, outputs } => {
                let first = oracle.log.len();
                Call::Learn((0..i64::from(outputs)).map(|it| sample(first, model, it)).collect())
            }
            Step::Release { request } => Call::Release(id(request)),
            Step::Extend { request, seconds } => {
                Call::Extend(id(request), seconds * MICROS_PER_SECOND + 1)
            }
            Step::ChargeDue => Call::ChargeDue,
            Step::Restart { is_graceful } => Call::Restart { is_graceful },
            other => self.by_hand(other),
        }
    }

    fn any_report(&self, step: &Step) -> UsageReport {
        let Step::RecordAny { request, attempt, model, tokens, start, tier, .. } = step else {
            unreachable!("the step records anything");
        };
        let Step::RecordAny { extras, who, reported, answer, .. } = step else {
            unreachable!("the step records anything");
        };
        let report = UsageReport {
            extras: extras_of(extras).boxed(),
            attempt: i32::from(*attempt),
            tier: ServiceTier::ALL[usize::from(*tier)],
            start_time: start.map(|seconds| self.clock + seconds * MICROS_PER_SECOND),
            attribution: who.as_ref().and_then(rules::attribution),
            ..report(*request, *model, *tokens)
        };
        with_answer(with_reported(report, reported), answer)
    }

    /// Entries of the log that somebody makes by hand.
    fn by_hand(&self, step: Step) -> Call {
        let oracle = &self.oracle;
        match step {
            Step::Credit { credit, millis: sum, model, seconds_back, who } => {
                Call::Credit(CreditReport {
                    credit_id: id(credit),
                    amount: millis(sum),
                    reason: "refund".to_owned(),
                    reference: String::new(),
                    // The last one is none.
                    model_id: if model == 8 { String::new() } else { name_of(model).to_owned() },
                    time: seconds_back.map(|back| self.clock + -back * MICROS_PER_SECOND),
                    attribution: who.as_ref().and_then(rules::attribution),
                })
            }
            Step::Correct { entry: index, millis: cost, model } => {
                let usage = oracle.log.iter().filter(|record| record.kind == RecordKind::Usage);
                let usage: Vec<&Record> = usage.collect();
                let record = usage.get(index % usage.len().max(1)).copied();
                let Some(mut record) = record.cloned() else { return Call::Nothing };
                let other = model.map(|model| name_of(model).into());
                record.metered_model_id = other.unwrap_or(record.metered_model_id);
                Call::Correct(Box::new(record), millis(cost))
            }
            Step::Void { entry: index, other_attempt } => {
                let record = oracle.log.get(index % oracle.log.len().max(1));
                let Some(record) = record else { return Call::Nothing };
                Call::Void(record.request_id.clone(), record.attempt + i32::from(other_attempt))
            }
            other => self.time(other),
        }
    }

    /// Steps of the clock.
    fn time(&self, step: Step) -> Call {
        let oracle = &self.oracle;
        match step {
            Step::Wait { seconds } => Call::Time(self.clock + seconds * MICROS_PER_SECOND),
            Step::ToCycleEnd { seconds } => {
                Call::Time(oracle.cycle().end + seconds * MICROS_PER_SECOND)
            }
            Step::ToEdge { period, seconds } => {
                Call::Time(rules::after_edge(oracle, period, seconds))
            }
            Step::ToClockChange { minutes } => {
                Call::Time(rules::after_clock_change(oracle, minutes).max(self.clock))
            }
            Step::ClockBack { seconds } => Call::Time(self.clock - seconds * MICROS_PER_SECOND),
            other => self.rule(other),
        }
    }

    /// Steps that change limits of subjects.
    fn rule(&self, step: Step) -> Call {
        let oracle = &self.oracle;
        match step {
            Step::Rules(draws) => rules::rules(oracle, &mut self.serial.clone(), &draws),
            Step::RemoveRule { index, is_rate } => rules::remove(oracle, index, is_rate),
            Step::Department { user, department } => rules::department(user, department),
            Step::Reset { index } => rules::reset(oracle, index),
            Step::Key(draw) => rules::key(oracle, &draw),
            Step::RemoveKey { key } => {
                Call::Rules(vec![Change::RemoveKey(format!("k{key}").into())])
            }
            Step::Boost(draw) => rules::boost(oracle, self.serial, &draw),
            Step::CancelBoost { index } => rules::cancel(oracle, index),
            Step::Freeze(draw) => rules::freeze(oracle, &draw),
            Step::Archive { is_archived } => {
                let archive_time = is_archived.then_some(oracle.now);
                let workspace = Workspace { archive_time, ..oracle.workspace.clone() };
                Call::Workspace(Box::new(workspace))
            }
            other => self.policy(other),
        }
    }

    /// Steps that change the workspace or the catalog.
    fn policy(&self, step: Step) -> Call {
        let mut workspace = self.oracle.workspace.clone();
        let mut facts = self.oracle.catalog.clone();
        match step {
            Step::Plan { budget, overage, start_day } => {
                let start_date = NaiveDate::from_ymd_opt(2026, 1, start_day).expect("in January");
                let (budget, overage) = (millis(budget), millis(overage));
                workspace.plan = Some(Plan { budget, overage, start_date });
            }
            Step::Zone { zone } => workspace.time_zone = ZONES[usize::from(zone)],
            Step::Demands { week_start, required } => {
                demand(&mut workspace, week_start, required);
            }
            Step::ReportedCosts { providers, percent } => {
                let names = [vec![], vec!["test"], vec!["*"], vec!["elsewhere", "of-nobody"]];
                let names = &names[usize::from(providers)];
                workspace.reported_cost = ReportedCostPolicy {
                    charged_providers: names.iter().map(|name| (*name).to_owned()).collect(),
                    alert_percent: percent,
                };
            }
            Step::LargeRecordCost { millis: cost } => {
                workspace.alerts.large_record_cost = cost.map(millis);
            }
            step @ Step::Policies { .. } => set_policies(&mut workspace, &step),
            Step::Model { model, enabled, cap, cap_enabled, chain } => {
                return Call::Model(WorkspaceModel {
                    model_id: NAMES[usize::from(model)].into(),
                    enabled,
                    limit: cap.map(millis),
                    limit_enabled: cap_enabled,
                    fallback_model_ids: chain.iter().map(|name| name_of(*name).into()).collect(),
                });
            }
            Step::Price { model, input, output, own, usd, effective } => {
                let serial = i64::try_from(facts.prices.len()).expect("a small number");
                facts.prices.push(Price {
                    workspace_id: own.then(|| self.oracle.workspace.id.clone()),
                    currency: if usd { Currency::USD } else { Currency::EUR },
                    effective_time: self.clock + effective * MICROS_PER_SECOND,
                    ..price(name_of(model), serial, input, output)
                });
                return Call::Catalog(Box::new(facts));
            }
            Step::Exchange { nanos } => {
                facts.rates.push(ExchangeRate {
                    from: Currency::USD,
                    to: Currency::EUR,
                    effective_time: self.clock,
                    rate: Rate::from_nanos(nanos),
                    create_time: self.clock + i64::try_from(facts.rates.len()).expect("small"),
                });
                return Call::Catalog(Box::new(facts));
            }
            Step::Bounds { model, context, max_input, max_output, vision } => {
                let id = name_of(model);
                let fact = facts.models.iter_mut().find(|fact| *fact.id == *id);
                let fact = fact.expect("models of the catalog");
                fact.context_window = context;
                fact.max_input = max_input;
                fact.max_output = max_output;
                fact.capabilities = vision.then(|| "vision".to_owned()).into_iter().collect();
                return Call::Catalog(Box::new(facts));
            }
            _ => unreachable!("steps that are no policy are made concrete elsewhere"),
        }
        Call::Workspace(Box::new(workspace))
    }
}

fn set_policies(workspace: &mut Workspace, step: &Step) {
    let Step::Policies { fallback, allow_unpriced, charge_expired, deny_unknown_keys, thresholds } =
        step
    else {
        unreachable!("the step sets policies");
    };
    workspace.unknown_keys = match *deny_unknown_keys {
        true => UnknownKeyPolicy::Deny,
        false => UnknownKeyPolicy::Accept,
    };
    let large_record_cost = workspace.alerts.large_record_cost;
    let (envelope, model_limits) = match *thresholds {
        true => (vec![50, 80, 100], vec![50, 80, 100]),
        false => (vec![10, 90], vec![1, 500]),
    };
    workspace.alerts = AlertPolicy { envelope, model_limits, large_record_cost };
    workspace.automatic_fallback = *fallback;
    workspace.unpriced_models = match *allow_unpriced {
        true => UnpricedModelPolicy::Allow,
        false => UnpricedModelPolicy::Deny,
    };
    workspace.hold_expiry = match *charge_expired {
        true => HoldExpiryPolicy::ChargeEstimate,
        false => HoldExpiryPolicy::Release,
    };
}

/// A record that estimates of the output learn from.
fn sample(first: usize, model: u8, index: i64) -> UsageReport {
    UsageReport {
        request_id: format!("learn-{first}-{index}").into(),
        usage: Usage::default().with(TokenClass::Output, index * index * 7 % 900),
        ..report(0, model, 0)
    }
}

fn decide(oracle: &mut Oracle, check: &Check) -> Result<Decision, Error> {
    let holds = oracle.holds.len();
    let decision = oracle.check(check);
    if oracle.holds.len() > holds {
        assert_admission(oracle);
    }
    decision
}

fn learn(oracle: &mut Oracle, reports: Vec<UsageReport>) {
    for report in reports {
        let record = oracle.priced(&report).expect("it begins now");
        oracle.write(&record);
    }
}

/// Sets the first day of the week, and the first fields of the attribution that are required.
fn demand(workspace: &mut Workspace, week_start: u8, required: u8) {
    workspace.week_start = DayOfWeek::ALL[usize::from(week_start)];
    let fields = AttributionField::ALL.into_iter().take(3);
    let is_required = |field: &AttributionField| required >> (*field as u8) & 1 == 1;
    workspace.required_fields = fields.filter(is_required).collect();
}

/// A record that is written at once.
fn recorded(oracle: &mut Oracle, report: &UsageReport) -> Answer {
    let Some(record) = oracle.priced(report) else {
        // Refused, unless it was accepted while its hold was live.
        let same = oracle.same_content(&report.request_id, report.fingerprint());
        let Some(same) = same.cloned() else { return Answer::Refused };
        let written = Written::Duplicate(same.cost, oracle.standing());
        return Answer::Recorded(Box::new(same), written);
    };
    let (record, written) = oracle.write(&record);
    Answer::Recorded(Box::new(record), written)
}

/// I1: whatever was granted last fits into every hard limit of its model, together with all that is
/// spent and held. I2: it is held in all of them.
fn assert_admission(oracle: &Oracle) {
    let hold = oracle.holds.last().expect("it was just granted");
    for bound in oracle.bounds(&hold.who, &hold.model) {
        let is_hard = bound.enforcement == Enforcement::Hard || bound.kind == LimitKind::ModelLimit;
        let need = match bound.unit {
            Unit::Money => i128::from(hold.held.nanos()),
            Unit::Tokens => i128::from(hold.tokens),
            Unit::Requests => 1,
            Unit::UncachedTokens => i128::from(hold.tokens - hold.cache_reads),
        };
        if is_hard && need > 0 {
            assert!(bound.spent + bound.held <= bound.limit, "I1: {bound:?}");
        }
        // One that is reset by hand may begin later than a clock that steps back.
        if bound.reset_time.is_none() && bound.kind == LimitKind::Quota {
            continue;
        }
        let counted = if bound.kind == LimitKind::RateLimit { bound.spent } else { bound.held };
        assert!(counted >= need, "I2: {bound:?}");
    }
}

/// What is held for a report that keeps to what its check declared.
fn promised(oracle: &Oracle, report: &UsageReport) -> Option<Amount> {
    let hold = oracle.hold(&report.request_id)?;
    keeps_to_its_word(oracle, report, hold).then_some(hold.held)
}

/// Whether a report keeps to what the check of its hold declared (I10), and its price alone
/// decides.
fn keeps_to_its_word(oracle: &Oracle, report: &UsageReport, hold: &Hold) -> bool {
    let is_same_model = oracle.model(&report.model_id).is_some_and(|it| it.id == hold.model);
    is_same_model
        && report.extras.as_ref().is_none_or(|extras| extras.reported.is_none())
        && hold.price.is_some()
        && report.tier == hold.check.tier
        && report.usage.total_output() <= hold.output
        && report.usage.get(TokenClass::Input)
            <= hold.check.input.get(TokenClass::Input) + hold.added
        && report.usage.get(TokenClass::CacheRead) <= hold.check.input.get(TokenClass::CacheRead)
        && is_declared(report.extras.as_deref(), hold.check.extras.as_deref())
}

fn is_declared(used: Option<&Extras>, declared: Option<&Extras>) -> bool {
    let nothing = Extras::default();
    let (used, declared) = (used.unwrap_or(&nothing), declared.unwrap_or(&nothing));
    used.units.iter().zip(declared.units).all(|(used, declared)| *used <= declared)
        && used.factors.iter().all(|name| declared.factors.contains(name))
}

fn extras_of(draw: &ExtrasDraw) -> Extras {
    let names = ["us", "fast", "off_peak", "unknown"].into_iter().enumerate();
    let names = names.filter(|(bit, _)| draw.factors >> bit & 1 == 1).map(|(_, name)| name);
    Extras::default()
        .with(UnitKind::WebSearch, draw.searches)
        .with(UnitKind::Page, draw.pages)
        .with_factors(names)
}

/// The same with what the provider says that it bills.
fn with_reported(report: UsageReport, draw: &Option<ReportedDraw>) -> UsageReport {
    let reported = draw.as_ref().map(|draw| {
        let currency = if draw.usd { Currency::USD } else { Currency::EUR };
        ReportedCost::new(Amount::from_nanos(draw.nanos), currency)
    });
    let extras = report.extras.as_deref().cloned().unwrap_or_default();
    UsageReport { extras: Extras { reported, ..extras }.boxed(), ..report }
}

/// The same, read in a provider answer.
fn with_answer(report: UsageReport, draw: &Option<AnswerDraw>) -> UsageReport {
    let Some(draw) = draw else { return report };
    let ids = [context(draw.id), context(draw.context)];
    let kept = KeptAnswer {
        provider: if draw.provider > 0 { "test".to_owned() } else { String::new() },
        json: "{}".to_owned(),
        flags: Vec::new(),
        others: Vec::new(),
        is_unread: draw.unread,
        context_ids: ids.into_iter().flatten().collect(),
        given: Given { provider: draw.provider == 2, ..Given::default() },
    };
    let usage = if draw.unread { Usage::default() } else { report.usage };
    let fingerprint = fingerprint(&kept, (&report.model_id, usage));
    let answer = Some(Box::new(AnswerReport { kept, fingerprint }));
    UsageReport { answer, usage, ..report }
}

/// Of what the caller sends: the same of the same answer.
fn fingerprint(kept: &KeptAnswer, (model, usage): (&str, Usage)) -> i64 {
    let mut print = Fingerprint::default();
    print.text(model);
    kept.context_ids.iter().for_each(|id| print.text(id));
    usage.tokens.iter().for_each(|count| print.int(*count));
    print.int(kept.is_unread.into());
    print.finish()
}

/// Answers and conversations have the same ids: what goes on with which is drawn.
fn context(number: u8) -> Option<String> {
    (number > 0).then(|| format!("conversation-{number}"))
}

fn check(request: &Request) -> Check {
    let input = Usage::default()
        .with(TokenClass::Input, request.input)
        .with(TokenClass::CacheRead, request.cached);
    Check {
        request_id: id(request.request),
        model_id: name_of(request.model).to_owned(),
        input,
        max_output: request.max_output,
        context_id: context(request.context).unwrap_or_default(),
        tier: ServiceTier::ALL[usize::from(request.tier)],
        required_capabilities: request.vision.then(|| "vision".to_owned()).into_iter().collect(),
        hold_duration: request.hold_seconds * MICROS_PER_SECOND,
        dry_run: request.dry_run,
        explain: request.explain,
        attribution: rules::attribution(&request.who),
        extras: extras_of(&request.extras).boxed(),
    }
}

fn report(request: u8, model: u8, tokens: i64) -> UsageReport {
    UsageReport {
        request_id: id(request),
        attempt: 0,
        model_id: name_of(model).to_owned(),
        tier: ServiceTier::Standard,
        usage: Usage::default()
            .with(TokenClass::Input, tokens)
            .with(TokenClass::Output, tokens / 2),
        outcome: Outcome::Success,
        source: UsageSource::Provider,
        start_time: None,
        latency: 0,
        attribution: None,
        extras: None,
        answer: None,
    }
}

/// The usage of a request that was held for.
fn held(hold: &Hold, size: Size, outcome: u8) -> UsageReport {
    let part = |count: i64| match size {
        Size::Half => count / 2,
        Size::Whole => count,
        Size::Double => count * 2,
    };
    let output = part(hold.check.max_output.unwrap_or(800));
    let mut usage = hold.check.input;
    usage.tokens = usage.tokens.map(part);
    usage.set(TokenClass::Output, output / 2);
    usage.set(TokenClass::Reasoning, output - output / 2);
    let extras = hold.check.extras.as_ref().map(|declared| {
        let units = declared.units.map(part);
        // The last one does not apply, if it is not all that was declared.
        let unused = usize::from(size == Size::Half);
        let count = declared.factors.len().saturating_sub(unused);
        let factors = declared.factors[..count].to_vec();
        Extras { units, factors, ..Extras::default() }
    });
    UsageReport {
        extras: extras.and_then(Extras::boxed),
        request_id: hold.check.request_id.clone(),
        model_id: hold.model.to_string(),
        tier: hold.check.tier,
        usage,
        outcome: [Outcome::Success, Outcome::Error, Outcome::Cancelled][usize::from(outcome)],
        ..report(0, 0, 0)
    }
}

/// What was reported of a record, once more.
fn again(record: &Record, other_content: bool) -> UsageReport {
    UsageReport {
        request_id: record.request_id.clone(),
        attempt: record.attempt,
        model_id: record.model_id.to_string(),
        tier: record.tier,
        usage: record.usage,
        outcome: record.outcome,
        source: record.source,
        start_time: None,
        latency: i64::from(other_content),
        attribution: None,
        extras: record.extras.clone(),
        answer: record.answer.as_deref().map(|kept| {
            let fingerprint = fingerprint(kept, (&record.model_id, record.usage));
            Box::new(AnswerReport { kept: kept.clone(), fingerprint })
        }),
    }
}

fn id(request: u8) -> Arc<str> {
    format!("r{request}").into()
}

fn name_of(index: u8) -> &'static str {
    NAMES[usize::from(index)]
}

pub fn millis(millis: i64) -> Amount {
    Amount::from_nanos(millis * 1_000_000)
}

pub fn workspace() -> Workspace {
    Workspace {
        id: "acme".into(),
        display_name: String::new(),
        currency: Currency::EUR,
        time_zone: chrono_tz::UTC,
        automatic_fallback: true,
        unpriced_models: UnpricedModelPolicy::Deny,
        hold_expiry: HoldExpiryPolicy::Release,
        hold_durability: HoldDurability::Memory,
        outage: Default::default(),
        unknown_keys: UnknownKeyPolicy::Accept,
        required_fields: Vec::new(),
        week_start: DayOfWeek::Monday,
        reported_cost: ReportedCostPolicy::default(),
        alerts: AlertPolicy { large_record_cost: Some(millis(9)), ..AlertPolicy::default() },
        may_have_expiry_charges: true,
        usage_retention_days: None,
        price_max_age_days: None,
        archive_time: None,
        plan: Some(Plan {
            budget: millis(100),
            overage: millis(50),
            start_date: NaiveDate::from_ymd_opt(2026, 1, 1).expect("a date"),
        }),
        create_time: START,
        update_time: START,
    }
}

pub fn model(id: &str) -> Model {
    Model {
        id: id.into(),
        provider: "test".to_owned(),
        display_name: id.to_owned(),
        context_window: None,
        max_input: None,
        max_output: None,
        capabilities: Vec::new(),
        aliases: Vec::new(),
        source: Source::Operator,
        update_time: START,
    }
}

/// Rates that double above 3,000 input tokens and halve for batches: none falls with the size.
pub fn price(model_id: &str, serial: i64, input: i64, output: i64) -> Price {
    let rates = |times: fn(i64) -> i64| {
        let mut rates = [None; TokenClass::COUNT];
        rates[TokenClass::Input as usize] = Some(times(input));
        rates[TokenClass::CacheRead as usize] = Some(times(input / 10));
        rates[TokenClass::Output as usize] = Some(times(output));
        rates
    };
    let variant = |tier, above_input_tokens, rates| Variant {
        tier,
        above_input_tokens,
        inclusive: false,
        rates,
        unit_rates: Default::default(),
    };
    Price {
        id: format!("{model_id}-{serial}").into(),
        model_id: model_id.into(),
        workspace_id: None,
        currency: Currency::EUR,
        effective_time: Time::EARLIEST,
        create_time: START + serial,
        source: Source::Operator,
        base: rates(|rate| rate),
        variants: vec![
            variant(ServiceTier::Standard, 3_000, rates(|rate| rate * 2)),
            variant(ServiceTier::Batch, 0, rates(|rate| rate / 2)),
        ],
        unit_rates: {
            let mut rates = [None; UnitKind::COUNT];
            rates[UnitKind::WebSearch as usize] = Some(1_000 * input / 3);
            rates
        },
        factors: [("us", 1_100_000_000, false), ("fast", 2_000_000_000, true)]
            .into_iter()
            .chain([("off_peak", 333_333_333, true)])
            .map(|(name, nanos, of_units)| Factor {
                name: name.into(),
                multiplier: Multiplier::from_nanos(nanos).unwrap(),
                of_units,
            })
            .collect(),
    }
}
