//! Rows 9 and 10: the ledger alone, in this process and on one thread.
//!
//! Every user, or every workspace, has one live hold throughout; each step checks a new request
//! and settles the oldest one. Making the requests is not timed, nor is dropping the responses.
//! In row 10 requests say also which key and project they are for, and up to 16 limits apply.

use std::collections::VecDeque;
use std::sync::Arc;

use chrono::NaiveDate;
use rustix::time::{ClockId, clock_gettime};
use tollgate::domain::alert::AlertPolicy;
use tollgate::domain::attribution::Attribution;
use tollgate::domain::backfill::BackfillResults;
use tollgate::domain::catalog::price::{Price, Rates, Source};
use tollgate::domain::catalog::{Catalog, Model};
use tollgate::domain::check::{Answer, Check};
use tollgate::domain::record::UsageReport;
use tollgate::domain::time::MICROS_PER_HOUR;
use tollgate::domain::time::calendar::DayOfWeek;
use tollgate::domain::usage::{Outcome, ServiceTier, TokenClass, Usage, UsageSource};
use tollgate::domain::workspace::{
    HoldDurability, HoldExpiryPolicy, Plan, UnknownKeyPolicy, UnpricedModelPolicy, Workspace,
    WorkspaceModel,
};
use tollgate::domain::{Amount, Currency, Time};
use tollgate::ledger::Ledger;

use super::{Extent, limits};
use crate::Result;
use crate::messages::{
    INPUT_TOKENS, MAX_OUTPUT_TOKENS, MODEL, OUTPUT_TOKENS, assistant_name, department_name, new_id,
    user_name,
};
use crate::processes::resident_bytes;
use crate::report::{Line, Target, median, plain};

/// Steps of one round, and steps whose requests are made at a time.
const STEPS: usize = 100_000;
const CHUNK: usize = 1_000;

/// Where "now" begins, and how far apart requests are, in microseconds.
pub const BEGIN: Time = Time::from_micros(1_790_000_000_000_000);
const STEP_MICROS: i64 = 10;

/// Spreads workspaces over memory: coprime with every number of them.
const STRIDE: usize = 7_919;

/// How many users and workspaces there are, and how many limits apply.
#[derive(Clone, Copy)]
struct Size {
    users: usize,
    workspaces: usize,
    limits: usize,
    /// Quotas for subjects that ask for nothing.
    others: usize,
}

const fn size(users: usize, workspaces: usize, limits: usize) -> Size {
    Size { users, workspaces, limits, others: 0 }
}

const SIZES: [Size; 8] = [
    size(10, 1, 2),
    size(1_000, 1, 2),
    size(1_000, 1, 1),
    size(100_000, 1, 2),
    size(1_000_000, 1, 2),
    size(100, 100, 2),
    size(10_000, 10_000, 2),
    size(100_000, 100_000, 2),
];

/// With quotas and rate limits.
const LIMITED: [Size; 6] = [
    size(10, 1, 2),
    size(10, 1, 16),
    Size { others: 1_000_000, ..size(10, 1, 16) },
    size(100_000, 1, 16),
    size(1_000_000, 1, 2),
    size(1_000_000, 1, 16),
];

/// Row 10.
pub fn run_limited(extent: Extent) -> Result<Vec<Line>> {
    // First, while nothing that was given back is taken again.
    let memory = super::limits::memory(extent)?;
    let sizes = LIMITED.iter().filter(|size| size.users.max(size.others) <= extent.users_max);
    let mut populations = Vec::new();
    for size in sizes {
        populations.push(Population::new(*size, 10)?);
    }
    let (mut lines, medians) = measure(&mut populations, extent);
    for users in [10, extent.users_max] {
        let median_of = |limits: usize| {
            let same =
                |p: &Population| (p.size.users, p.size.limits, p.size.others) == (users, limits, 0);
            populations.iter().position(same).map(|index| medians[index] / limits as f64)
        };
        if let (Some(two), Some(sixteen)) = (median_of(2), median_of(16)) {
            let what = format!("cost of a limit, 16 against 2: users {}", plain(users as f64));
            lines.push(Line::figure(10, &what, sixteen / two, "", Target::AtMost(1.0)));
        }
    }
    lines.extend(memory);
    Ok(lines)
}

/// Measures populations in turns.
fn measure(populations: &mut [Population], extent: Extent) -> (Vec<Line>, Vec<f64>) {
    let mut nanos = vec![Vec::new(); populations.len()];
    for _ in 0..extent.rounds {
        for (population, nanos) in populations.iter_mut().zip(&mut nanos) {
            nanos.push(population.round());
        }
    }
    let mut lines = Vec::new();
    for (population, nanos) in populations.iter().zip(&nanos) {
        lines.push(population.line(nanos));
    }
    (lines, nanos.iter().map(|nanos| median(nanos)).collect())
}

/// Row 9.
pub fn run(extent: Extent) -> Result<Vec<Line>> {
    let sizes = SIZES
        .iter()
        .filter(|size| size.workspaces <= extent.workspaces_max && size.users <= extent.users_max);
    let mut populations = Vec::new();
    for size in sizes {
        populations.push(Population::new(*size, 9)?);
    }
    let (mut lines, _) = measure(&mut populations, extent);
    let one_workspace = populations.iter().filter(|p| p.size.workspaces == 1);
    if let Some(largest) = one_workspace.max_by_key(|p| p.size.users) {
        lines.push(largest.memory_line("memory of a live hold", largest.size.users));
    }
    if let Some(largest) = populations.iter().max_by_key(|p| p.size.workspaces) {
        let what = "memory of a workspace with one hold";
        lines.push(largest.memory_line(what, largest.size.workspaces));
    }
    Ok(lines)
}

/// Ledgers with their holds, and the requests that are in flight, oldest first.
struct Population {
    size: Size,
    row: u32,
    ledgers: Vec<Ledger>,
    in_flight: VecDeque<Arc<str>>,
    steps: usize,
    /// Growth of this process while it was made.
    bytes: u64,
}

/// One step: what is asked of which ledger.
struct Step {
    ledger: usize,
    now: Time,
    check: Check,
    report: UsageReport,
}

impl Population {
    fn new(size: Size, row: u32) -> Result<Population> {
        let before = resident_bytes(std::process::id())?;
        let catalog = Arc::new(catalog());
        let mut ledgers: Vec<Ledger> =
            (0..size.workspaces).map(|w| ledger(w, size.limits, &catalog)).collect();
        if size.limits > 2 || size.others > 0 {
            let policy = limits::policy(size.limits, size.others);
            ledgers[0].load_limits(BEGIN, policy, BackfillResults::default());
        }
        let in_flight = VecDeque::with_capacity(size.users);
        let mut population = Population { size, row, ledgers, in_flight, steps: 0, bytes: 0 };
        for _ in 0..size.users {
            let (index, now, check) = population.next_check();
            population.in_flight.push_back(check.request_id.clone());
            let decision = population.ledgers[index].check(now, check)?;
            assert!(decision.answer == Answer::Allowed, "every check has to pass");
        }
        let after = resident_bytes(std::process::id())?;
        population.bytes = after.saturating_sub(before);
        Ok(population)
    }

    /// Nanoseconds of one check and one settlement, on average.
    fn round(&mut self) -> f64 {
        let mut nanos = 0;
        let mut records = Vec::with_capacity(CHUNK);
        for _ in 0..STEPS / CHUNK {
            let steps: Vec<Step> = (0..CHUNK).map(|_| self.next_step()).collect();
            let mut decisions = Vec::with_capacity(CHUNK);
            let begin = cpu_nanos();
            for step in steps {
                let ledger = &mut self.ledgers[step.ledger];
                decisions.push(ledger.check(step.now, step.check));
                let record = ledger.prepare(step.now, 1, step.report, None);
                let record = record.expect("spend is far below every bound");
                std::hint::black_box(ledger.settle(step.now, &record));
                records.push(record);
            }
            nanos += cpu_nanos() - begin;
            for decision in decisions {
                let allowed = decision.is_ok_and(|decision| decision.answer == Answer::Allowed);
                assert!(allowed, "every check has to pass");
            }
            records.clear();
        }
        nanos as f64 / STEPS as f64
    }

    fn next_step(&mut self) -> Step {
        let (ledger, now, check) = self.next_check();
        self.in_flight.push_back(check.request_id.clone());
        let oldest = self.in_flight.pop_front().expect("every user has a request in flight");
        Step { ledger, now, check, report: report(oldest) }
    }

    fn next_check(&mut self) -> (usize, Time, Check) {
        let step = self.steps;
        self.steps += 1;
        let now = BEGIN + STEP_MICROS * step as i64;
        let ledger = step % self.size.users * STRIDE % self.size.workspaces;
        let mut check = check(step % self.size.users);
        if let Some(attribution) = check.attribution.as_mut().filter(|_| self.row == 10) {
            limits::name_key_and_project(attribution, step % self.size.users);
        }
        (ledger, now, check)
    }

    fn line(&self, nanos: &[f64]) -> Line {
        let Size { users, workspaces, limits, others } = self.size;
        let mut what = format!(
            "ledger alone, check + settle: users {}, workspaces {}, limits {limits}",
            plain(users as f64),
            plain(workspaces as f64)
        );
        if others > 0 {
            what.push_str(&format!(", quotas of others {}", plain(others as f64)));
        }
        let target = match limits {
            2 => Target::AtMost(1_000.0),
            16 => Target::AtMost(2_000.0),
            _ => Target::None,
        };
        Line::figure(self.row, &what, median(nanos), "ns", target).range_of(nanos)
    }

    fn memory_line(&self, what: &str, count: usize) -> Line {
        let each = self.bytes as f64 / count as f64;
        Line::figure(9, what, each, "bytes", Target::None)
            .note(format!("of {}", plain(count as f64)))
    }
}

/// CPU time of this thread: what else runs on the machine does not count.
pub fn cpu_nanos() -> i64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

fn check(user: usize) -> Check {
    let id = new_id();
    Check {
        request_id: std::str::from_utf8(&id).expect("a UUID is ASCII").into(),
        model_id: MODEL.to_owned(),
        input: Usage::default().with(TokenClass::Input, INPUT_TOKENS),
        max_output: Some(MAX_OUTPUT_TOKENS),
        context_id: String::new(),
        tier: ServiceTier::Standard,
        required_capabilities: Vec::new(),
        hold_duration: MICROS_PER_HOUR,
        dry_run: false,
        explain: false,
        attribution: Some(Box::new(Attribution {
            user_id: user_name(user),
            department_id: department_name(user),
            assistant_id: assistant_name(user),
            ..Attribution::default()
        })),
        extras: None,
    }
}

fn report(request_id: Arc<str>) -> UsageReport {
    UsageReport {
        request_id,
        attempt: 0,
        model_id: MODEL.to_owned(),
        tier: ServiceTier::Standard,
        usage: Usage::default()
            .with(TokenClass::Input, INPUT_TOKENS)
            .with(TokenClass::Output, OUTPUT_TOKENS),
        outcome: Outcome::Success,
        source: UsageSource::Provider,
        start_time: None,
        latency: 0,
        attribution: None,
        extras: None,
        answer: None,
    }
}

pub fn ledger(number: usize, limits: usize, catalog: &Arc<Catalog>) -> Ledger {
    let workspace = Workspace {
        id: format!("workspace-{number}").into(),
        display_name: String::new(),
        currency: Currency::USD,
        time_zone: chrono_tz::UTC,
        automatic_fallback: true,
        unpriced_models: UnpricedModelPolicy::Deny,
        hold_expiry: HoldExpiryPolicy::Release,
        hold_durability: HoldDurability::Memory,
        outage: Default::default(),
        unknown_keys: UnknownKeyPolicy::Accept,
        required_fields: Vec::new(),
        week_start: DayOfWeek::Monday,
        reported_cost: Default::default(),
        alerts: AlertPolicy::default(),
        may_have_expiry_charges: false,
        usage_retention_days: None,
        price_max_age_days: None,
        archive_time: None,
        plan: Some(Plan {
            budget: Amount::LIMIT_MAX,
            overage: Amount::ZERO,
            start_date: NaiveDate::from_ymd_opt(2026, 1, 1).expect("a date"),
        }),
        create_time: BEGIN,
        update_time: BEGIN,
    };
    let model = WorkspaceModel {
        model_id: MODEL.into(),
        enabled: true,
        limit: Some(Amount::LIMIT_MAX),
        limit_enabled: limits > 1,
        fallback_model_ids: Vec::new(),
    };
    Ledger::new(workspace, vec![model], catalog.clone(), Vec::new(), BEGIN)
}

pub fn catalog() -> Catalog {
    let model = Model {
        id: MODEL.into(),
        provider: "bench".into(),
        display_name: String::new(),
        context_window: Some(1_000_000),
        max_input: None,
        max_output: Some(100_000),
        capabilities: Vec::new(),
        aliases: Vec::new(),
        source: Source::Operator,
        update_time: Time::EARLIEST,
    };
    let mut base = Rates::default();
    base[TokenClass::Input as usize] = Some(2_500_000_000);
    base[TokenClass::Output as usize] = Some(10_000_000_000);
    let price = Price {
        id: "price".into(),
        model_id: MODEL.into(),
        workspace_id: None,
        currency: Currency::USD,
        effective_time: Time::EARLIEST,
        create_time: Time::EARLIEST,
        source: Source::Operator,
        base,
        variants: Vec::new(),
        unit_rates: Default::default(),
        factors: Vec::new(),
    };
    Catalog::new(vec![model], vec![price], Vec::new())
}
