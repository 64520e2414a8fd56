//! The one door of the unit tables: a case is a small script, each line an event and, after `=>`,
//! what it must answer.
//!
//! ```text
//! model a 1000/2000 cap 5          a costs 1 per 1k of input and 2 per 1k of output
//! check r1 a in=1k out=1k          => allowed; held 3
//! record r1 a in=1k out=2k         => cost 5; in overage
//! ```
//!
//! What bounds subjects (quotas, rate limits, keys, boosts) is in `rules.rs`, what else a ledger is
//! asked in `queries.rs`.
//!
//! An answer is a list of clauses; the line names those that matter, in any order. `no CLAUSE`
//! says that none begins so. A line that begins with `=>` names more of the line before.
//!
//! Every case begins on 2026-01-15T12:00 (UTC) in an empty workspace
//! that has euros, no plan, fallback on, unpriced models denied and expired holds released.

pub mod rules;
mod queries;
mod setup;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{NaiveDate, NaiveDateTime};
use tollgate::domain::catalog::ExchangeRate;
use tollgate::domain::catalog::price::{Price, Rate, Source, Variant};
use tollgate::domain::check::{
    Answer, BudgetState, Check, Decision, HOLD_DURATION_DEFAULT, LimitKind, RefusalKey, Subject,
    Verdict,
};
use tollgate::domain::quota::Unit;
use tollgate::domain::record::{Record, UsageReport};
use tollgate::domain::time::{
    MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE, MICROS_PER_SECOND, Micros,
};
use tollgate::domain::usage::{Outcome as Ended, ServiceTier, TokenClass, Usage, UsageSource};
use tollgate::domain::workspace::{
    HoldExpiryPolicy, ModelAlias, OutagePolicy, Plan, UnknownKeyPolicy, UnpricedModelPolicy,
    WorkspaceModel,
};
use tollgate::domain::{Amount, Currency, Time};
use tollgate::ledger::{HoldFilter, Void};

use crate::world::{Outcome, World};

/// Runs a case; panics at the first line that answers otherwise.
pub fn check(script: &str) {
    let mut case = Case::new();
    let mut answer = Vec::new();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (event, expected) = line.split_once("=>").unwrap_or((line, ""));
        // A line of expectations alone is about the event before.
        if !event.trim().is_empty() {
            answer = case.run(&Words::new(event));
        }
        case.world.ledger.assert_invariants();
        for clause in expected.split(';').map(str::trim).filter(|clause| !clause.is_empty()) {
            let holds = match clause.strip_prefix("no ") {
                Some(absent) => !answer.iter().any(|found| found.starts_with(absent)),
                None => answer.iter().any(|found| found == clause),
            };
            assert!(holds, "\n{line}\nexpected: {clause}\nanswered: {}", answer.join("; "));
        }
    }
}

/// A line, split at spaces: plain words in order, and `key=value`.
pub struct Words<'a> {
    plain: Vec<&'a str>,
    pub named: BTreeMap<&'a str, &'a str>,
}

pub struct Case {
    pub world: World,
    facts: setup::Facts,
    on_the_way: BTreeMap<String, Record>,
}

impl<'a> Words<'a> {
    fn new(line: &'a str) -> Words<'a> {
        let (mut plain, mut named) = (Vec::new(), BTreeMap::new());
        for word in line.split_whitespace() {
            match word.split_once('=') {
                Some((key, value)) => drop(named.insert(key, value)),
                None => plain.push(word),
            }
        }
        Words { plain, named }
    }

    pub fn word(&self, index: usize) -> &'a str {
        self.plain.get(index).unwrap_or_else(|| panic!("a word is missing: {:?}", self.plain))
    }

    pub fn has(&self, word: &str) -> bool {
        self.plain.contains(&word)
    }

    /// The word at a place, if there is one.
    pub fn plain(&self, index: usize) -> Option<&'a str> {
        self.plain.get(index).copied()
    }

    /// The word after `word`.
    pub fn after(&self, word: &str) -> Option<&'a str> {
        let index = self.plain.iter().position(|other| *other == word)?;
        self.plain.get(index + 1).copied()
    }

    pub fn count(&self, key: &str) -> Option<i64> {
        self.named.get(key).map(|text| count(text))
    }

    fn input(&self) -> Usage {
        Usage::default()
            .with(TokenClass::Input, self.count("in").unwrap_or(0))
            .with(TokenClass::CacheRead, self.count("cached").unwrap_or(0))
            .with(TokenClass::CacheWrite1h, self.count("write").unwrap_or(0))
    }

    fn tier(&self) -> ServiceTier {
        match self.named.get("tier").copied() {
            None => ServiceTier::Standard,
            Some("batch") => ServiceTier::Batch,
            Some("flex") => ServiceTier::Flex,
            Some(other) => panic!("no tier {other}"),
        }
    }
}

impl Case {
    fn new() -> Case {
        let world = World::new(setup::workspace(), at("2026-01-15T12:00"));
        Case { world, facts: setup::Facts::default(), on_the_way: BTreeMap::new() }
    }

    fn run(&mut self, words: &Words) -> Vec<String> {
        match words.word(0) {
            "at" => self.pass(at(words.word(1))),
            "wait" => self.pass(self.world.now + span(words.word(1))),
            "back" => self.pass(self.world.now - span(words.word(1))),
            "check" => return self.check(words),
            "record" => {
                let report = self.report(words);
                return match self.world.record(report) {
                    Ok((record, outcome)) => self.recorded(&record, outcome),
                    Err(error) => vec![format!("error {error}")],
                };
            }
            "send" => {
                let report = self.report(words);
                let record = self.world.prepare(report).expect("within bounds");
                self.on_the_way.insert(words.word(1).to_owned(), record);
            }
            "arrives" => {
                let record = self.on_the_way.remove(words.word(1)).expect("it was sent");
                let (record, outcome) = self.world.commit(&record).expect("within bounds");
                return self.recorded(&record, outcome);
            }
            "lost" => {
                let record = self.on_the_way.remove(words.word(1)).expect("it was sent");
                self.world.lose(&record);
            }
            "release" => {
                return match self.world.ledger.release(self.world.now, words.word(1)) {
                    Ok(held) => vec![format!("released {}", money(held))],
                    Err(error) => vec![format!("error {error}")],
                };
            }
            "extend" => {
                let duration = span(words.word(2));
                return match self.world.ledger.extend(self.world.now, words.word(1), duration) {
                    Ok(time) => vec![format!("expires {}", clock(time))],
                    Err(error) => vec![format!("error {error}")],
                };
            }
            "void" => return self.void(words),
            "charge-due" => return vec![format!("charged {}", self.world.charge_due())],
            "restart" => self.world.restart(true),
            "crash" => self.world.restart(false),
            "forget" => self.world.forget_recorded(),
            "budget" => return self.budget(),
            "holds" => return self.holds(),
            "usage" => return self.usage(words),
            "alerts" => return self.alerts(),
            "refusals" => return self.refusals(),
            "quota" | "no-quota" | "reset" | "rate-limit" | "no-rate-limit" | "key" | "no-key"
            | "no-group" | "boost" | "cancel" | "belongs" | "erase" => self.rule(words),
            "revision" | "sweep" | "traces" | "models" | "model-of" | "group" | "naming"
            | "room" | "rival" | "metered" | "reprice" | "figures" | "storage" => {
                return self.query(words);
            }
            _ => self.set(words),
        }
        Vec::new()
    }

    fn pass(&mut self, time: Time) {
        self.world.now = time;
        self.world.ledger.advance(time);
    }

    /// What was counted since the last time, a clause for each key.
    fn refusals(&mut self) -> Vec<String> {
        let taken = self.world.ledger.take_refusals(usize::MAX);
        let mut said = vec![format!("{} keys", taken.len())];
        for (key, counts) in taken {
            let RefusalKey { hour, limit, model_id, user_id } = key;
            said.push(format!(
                "{} {user_id} {limit:?} {model_id}: blocked {} for {} routed {} saved {}",
                clock(hour),
                counts.blocked_count,
                money(counts.blocked),
                counts.routed_count,
                money(counts.saved),
            ));
        }
        said
    }

    fn set(&mut self, words: &Words) {
        let mut workspace = self.world.workspace.clone();
        match words.word(0) {
            "large" => {
                let cost = Some(words.word(1)).filter(|word| *word != "off").map(amount);
                workspace.alerts.large_record_cost = cost;
            }
            "plan" => {
                let start_date = words.after("from").unwrap_or("2026-01-01");
                workspace.plan = Some(Plan {
                    budget: amount(words.word(1)),
                    overage: words.after("+").map_or(Amount::ZERO, amount),
                    start_date: start_date.parse::<NaiveDate>().expect("a date"),
                });
            }
            "zone" => workspace.time_zone = words.word(1).parse().expect("a zone"),
            "week" => workspace.week_start = words.word(1).parse().expect("a day of the week"),
            "require" => {
                let fields = words.word(1).split(',').filter(|name| *name != "none");
                let field = |name: &str| name.parse().expect("a field of the attribution");
                workspace.required_fields = fields.map(field).collect();
            }
            "fallback" => workspace.automatic_fallback = words.word(1) == "on",
            "unpriced" => {
                workspace.unpriced_models = match words.word(1) {
                    "allow" => UnpricedModelPolicy::Allow,
                    _ => UnpricedModelPolicy::Deny,
                }
            }
            "unknown-keys" => {
                workspace.unknown_keys = match words.word(1) {
                    "deny" => UnknownKeyPolicy::Deny,
                    _ => UnknownKeyPolicy::Accept,
                }
            }
            "outage" => {
                workspace.outage = OutagePolicy {
                    duration: span(words.word(1)),
                    held_limit: words.after("for").map(amount),
                };
            }
            "expiry" => {
                workspace.hold_expiry = match words.word(1) {
                    "charge" => HoldExpiryPolicy::ChargeEstimate,
                    _ => HoldExpiryPolicy::Release,
                };
            }
            "model" => return self.model(words),
            "alias" => {
                let (id, model_id) = (words.word(1).into(), words.word(2).into());
                let update_time = self.world.now;
                return self.world.put_model_alias(ModelAlias { id, model_id, update_time });
            }
            "cap" | "chain" | "enable" | "disable" => return self.model_setting(words),
            "price" => {
                self.facts.prices.push(self.price(words.word(1), words.word(2), words));
                return self.world.set_catalog(self.facts.catalog());
            }
            "rate" => {
                self.facts.rates.push(ExchangeRate {
                    from: words.word(1).parse().expect("a currency"),
                    to: words.word(2).parse().expect("a currency"),
                    effective_time: words.after("from").map_or(Time::EARLIEST, at),
                    rate: Rate::from_nanos(amount(words.word(3)).nanos()),
                    create_time: self.world.now,
                });
                return self.world.set_catalog(self.facts.catalog());
            }
            other => panic!("no event {other}"),
        }
        self.world.set_workspace(workspace);
    }

    /// `model a 1000/2000 [cap 5] [context 8k] [max-in 6k] [max-out 4k] [can vision] [alias x]
    /// [by provider] [unset]`
    fn model(&mut self, words: &Words) {
        let id = words.word(1);
        let mut fact = setup::model(id);
        fact.context_window = words.after("context").map(count);
        if let Some(provider) = words.after("by") {
            fact.provider = provider.to_owned();
        }
        fact.max_input = words.after("max-in").map(count);
        fact.max_output = words.after("max-out").map(count);
        fact.capabilities = words.after("can").into_iter().map(str::to_owned).collect();
        fact.aliases = words.after("alias").into_iter().map(str::to_owned).collect();
        self.facts.models.push(fact);
        if words.word(2) != "unpriced" {
            self.facts.prices.push(self.price(id, words.word(2), words));
        }
        self.world.set_catalog(self.facts.catalog());
        if !words.has("unset") {
            self.world.set_model(WorkspaceModel {
                model_id: id.into(),
                enabled: true,
                limit: words.after("cap").map(amount),
                limit_enabled: true,
                fallback_model_ids: Vec::new(),
            });
        }
    }

    fn model_setting(&mut self, words: &Words) {
        let id = words.word(1);
        let settings = self.world.models.iter().find(|settings| *settings.model_id == *id);
        let mut settings = settings.expect("it is set").clone();
        match words.word(0) {
            "cap" => {
                settings.limit = (words.word(2) != "none").then(|| amount(words.word(2)));
                settings.limit_enabled = !words.has("off");
            }
            "chain" => {
                settings.fallback_model_ids = words.word(2).split(',').map(Arc::from).collect();
            }
            verb => settings.enabled = verb == "enable",
        }
        self.world.set_model(settings);
    }

    /// Per million tokens, those from a cache at `cached=`; half of it for batches, twice above
    /// `long=` tokens.
    fn price(&self, model: &str, rates: &str, words: &Words) -> Price {
        let (input, output) = rates.split_once('/').expect("input/output");
        let (input, output) = (amount(input).nanos(), amount(output).nanos());
        let cached = words.named.get("cached").map(|text| amount(text).nanos());
        let rates = |of: fn(i64) -> i64| {
            let mut rates = [None; TokenClass::COUNT];
            rates[TokenClass::CacheRead as usize] = cached.map(of);
            rates[TokenClass::Input as usize] = Some(of(input));
            rates[TokenClass::Output as usize] = Some(of(output));
            rates
        };
        let variant = |tier, above_input_tokens, rates| Variant {
            tier,
            above_input_tokens,
            inclusive: false,
            rates,
            unit_rates: Default::default(),
        };
        let mut variants = vec![variant(ServiceTier::Batch, 0, rates(|rate| rate / 2))];
        if let Some(long) = words.count("long") {
            variants.push(variant(ServiceTier::Standard, long, rates(|rate| rate * 2)));
        }
        let serial = i64::try_from(self.facts.prices.len()).expect("a small number");
        Price {
            id: format!("{model}-{serial}").into(),
            model_id: model.into(),
            workspace_id: words.has("own").then(|| self.world.workspace.id.clone()),
            currency: if words.has("usd") { Currency::USD } else { Currency::EUR },
            effective_time: words.after("from").map_or(Time::EARLIEST, at),
            create_time: self.world.now + serial,
            source: Source::Operator,
            base: rates(|rate| rate),
            variants,
            unit_rates: Default::default(),
            factors: Vec::new(),
        }
    }

    fn check(&mut self, words: &Words) -> Vec<String> {
        let asked = Check {
            request_id: words.word(1).into(),
            model_id: words.word(2).to_owned(),
            input: words.input(),
            max_output: words.count("out"),
            context_id: words.named.get("context").map_or_else(String::new, |id| (*id).to_owned()),
            tier: words.tier(),
            required_capabilities: words
                .named
                .get("needs")
                .map(|s| (*s).to_owned())
                .into_iter()
                .collect(),
            hold_duration: words.named.get("hold").map_or(HOLD_DURATION_DEFAULT, |text| span(text)),
            dry_run: words.has("dry"),
            explain: words.has("explain"),
            attribution: rules::attribution(words),
            extras: None,
        };
        match self.world.check(asked) {
            Ok(decision) => self.decided(&decision),
            Err(error) => vec![format!("error {error}")],
        }
    }

    fn decided(&self, decision: &Decision) -> Vec<String> {
        let mut clauses = vec![match &decision.answer {
            Answer::Allowed => "allowed".to_owned(),
            Answer::Routed(model) => format!("routed {model}"),
            Answer::Blocked => "blocked".to_owned(),
        }];
        clauses.push(format!("attempt {}", decision.attempt));
        clauses.extend(decision.reason.map(|reason| format!("{reason:?}")));
        clauses.push(format!("held {}", money(decision.held)));
        clauses.push(state(decision.state).to_owned());
        clauses.extend(decision.expire_time.map(|time| format!("expires {}", clock(time))));
        clauses.extend(decision.retry_after.map(|wait| format!("retry {}", seconds(wait))));
        let verdicts = decision.verdicts.iter().map(|verdict| said(verdict, "says"));
        let limits = decision.limits.iter().map(|limit| said(limit, "applies, says"));
        clauses.extend(verdicts.chain(limits));
        clauses
    }

    fn report(&self, words: &Words) -> UsageReport {
        let ended = |word, ended| words.has(word).then_some(ended);
        let failed = ended("failed", Ended::Error).or(ended("cancelled", Ended::Cancelled));
        UsageReport {
            request_id: words.word(1).into(),
            attempt: i32::try_from(words.count("attempt").unwrap_or(0)).expect("small"),
            model_id: words.word(2).to_owned(),
            tier: words.tier(),
            usage: words.input().with(TokenClass::Output, words.count("out").unwrap_or(0)),
            outcome: failed.unwrap_or(Ended::Success),
            source: UsageSource::Provider,
            start_time: words.named.get("start").map(|text| at(text)),
            latency: 0,
            attribution: rules::attribution(words),
            extras: None,
            answer: None,
        }
    }

    fn recorded(&self, record: &Record, outcome: Outcome) -> Vec<String> {
        let (cost, kind, attempt, standing) = match outcome {
            Outcome::New(standing) => (record.cost, "new", record.attempt, standing),
            Outcome::Duplicate(there, standing) => {
                (there.cost, "duplicate", there.attempt, standing)
            }
            Outcome::Reused => {
                return vec!["error request_id is in use with other content".to_owned()];
            }
        };
        vec![
            format!("cost {}", money(cost)),
            kind.to_owned(),
            format!("attempt {attempt}"),
            format!("began {}", clock(record.start_time)),
            if record.start_time_adjusted { "adjusted" } else { "as said" }.to_owned(),
            if record.unpriced { "unpriced" } else { "priced" }.to_owned(),
            match record.large_above {
                Some(named) => format!("large, above {}", money(named)),
                None => "usual".to_owned(),
            },
            format!("counts as {}", record.metered_model_id),
            format!("for {}", rules::who(&record.attribution)),
            format!("price {}", record.price_id.as_deref().unwrap_or("none")),
            format!("charged at {}", clock(record.charge_time)),
            state(standing.state).to_owned(),
            format!("spent {}", money(standing.cycle_spent)),
        ]
    }

    /// `void r1 [attempt=1]`
    fn void(&mut self, words: &Words) -> Vec<String> {
        let attempt = i32::try_from(words.count("attempt").unwrap_or(0)).expect("small");
        match self.world.void(words.word(1), attempt, "wrong") {
            Void::Missing => vec!["missing".to_owned()],
            Void::Before(amount) => vec![format!("was voided of {}", money(amount))],
            Void::New(voids) => {
                let mut said = Vec::new();
                for void in voids {
                    assert_eq!(void.large_above, None, "a void is never large");
                    said.push(format!("cost {}", money(void.cost)));
                }
                said
            }
        }
    }

    fn budget(&mut self) -> Vec<String> {
        let view = self.world.ledger.budget(self.world.now);
        let mut clauses = vec![
            format!("spent {}", money(view.spent)),
            format!("held {}", money(view.held)),
            format!("remaining {}", money(view.remaining())),
            state(view.state).to_owned(),
            format!("cycle {} to {}", clock(view.cycle.start), clock(view.cycle.end)),
            format!("{} days left", view.days_left),
        ];
        for (model, spent) in view.spend_by_model {
            clauses.push(format!("{model} spent {}", money(spent)));
        }
        clauses
    }

    fn holds(&mut self) -> Vec<String> {
        let views =
            self.world.ledger.hold_views(self.world.now, &HoldFilter::default(), usize::MAX);
        let mut clauses = vec![
            format!("{} live", self.world.ledger.live_holds()),
            format!("{} expired", self.world.ledger.expired_count()),
        ];
        for view in views {
            let state = if view.live { "live" } else { "expired" };
            let id = &view.hold.request_id;
            clauses.push(format!("{id} {state} on {} {}", view.model_id, money(view.hold.held)));
        }
        clauses
    }
}

/// What a limit or a rule says. Of a limit that lets the request pass: `says x, and lets it pass`.
fn said(verdict: &Verdict, says: &str) -> String {
    let subject = match &verdict.subject {
        Subject::Workspace(id) | Subject::Model(id) => id.to_string(),
        Subject::Member { kind, id } => format!("{} {id}", rules::name_of(*kind)),
        Subject::Field(field) => field.name().to_owned(),
    };
    let reason = verdict.reason.map_or("nothing".to_owned(), |reason| match verdict.threshold {
        0 => format!("{reason:?}"),
        threshold => format!("{reason:?} {threshold}%"),
    });
    let lets_pass = verdict.reason.is_some() && !verdict.blocking;
    let ending = if lets_pass { ", and lets it pass" } else { "" };
    let Some(figures) = &verdict.limit else {
        return format!("{subject} {says} {reason}{ending}");
    };
    let shown = |count: i64| match figures.unit {
        Unit::Money => money(Amount::from_nanos(count)),
        Unit::Tokens | Unit::Requests | Unit::UncachedTokens => count.to_string(),
    };
    let name = match (figures.kind, &figures.id) {
        (LimitKind::Envelope, _) => "envelope",
        (LimitKind::ModelLimit, _) => "cap",
        (_, Some(id)) => id,
        (_, None) => panic!("a quota has an id"),
    };
    let mut text = format!(
        "{name} of {subject} {says} {reason}: limit {} spent {} held {} need {}",
        shown(figures.limit),
        shown(figures.spent),
        shown(figures.held),
        shown(figures.need),
    );
    text += &figures.reset_time.map_or(String::new(), |time| format!(" until {}", clock(time)));
    if let Some(wait) = verdict.retry_after.filter(|_| figures.kind == LimitKind::RateLimit) {
        text += &format!(" for {}", seconds(wait));
    }
    text + ending
}

/// With as many digits as are needed.
fn seconds(wait: Micros) -> String {
    let whole = wait / MICROS_PER_SECOND;
    match wait % MICROS_PER_SECOND {
        0 => format!("{whole}s"),
        micros => format!("{whole}.{micros:06}s"),
    }
}

fn state(state: BudgetState) -> &'static str {
    match state {
        BudgetState::NoPlan => "no plan",
        BudgetState::WithinPlan => "within plan",
        BudgetState::InOverage => "in overage",
        BudgetState::Exhausted => "exhausted",
    }
}

pub fn money(amount: Amount) -> String {
    amount.to_decimal().to_string()
}

pub fn amount(text: &str) -> Amount {
    Amount::from_decimal(text.parse().expect("an amount")).expect("an amount")
}

/// `5`, `5k`, `5m`.
pub fn count(text: &str) -> i64 {
    let (digits, factor) = match text.as_bytes().last() {
        Some(b'k') => (&text[..text.len() - 1], 1_000),
        Some(b'm') => (&text[..text.len() - 1], 1_000_000),
        _ => (text, 1),
    };
    digits.parse::<i64>().expect("a count") * factor
}

/// `10us`, `10s`, `10m`, `10h`, `10d`.
pub fn span(text: &str) -> Micros {
    if let Some(micros) = text.strip_suffix("us") {
        return micros.parse().expect("a number");
    }
    let (digits, unit) = text.split_at(text.len() - 1);
    let unit = match unit {
        "s" => MICROS_PER_SECOND,
        "m" => MICROS_PER_MINUTE,
        "h" => MICROS_PER_HOUR,
        "d" => MICROS_PER_DAY,
        other => panic!("no unit of time {other}"),
    };
    digits.parse::<i64>().expect("a number") * unit
}

pub fn at(text: &str) -> Time {
    let parsed = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S");
    let parsed = parsed.or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M"));
    Time::from_utc(parsed.expect("a time").and_utc())
}

pub fn clock(time: Time) -> String {
    let text = time.to_utc().format("%Y-%m-%dT%H:%M:%S").to_string();
    text.strip_suffix(":00").unwrap_or(&text).to_owned()
}
