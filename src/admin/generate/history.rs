//! What happens in a generated history: days, sessions, requests.
//!
//! Working days with their mornings and afternoons, growth from day to day, sessions of a user
//! with an assistant, retries, errors, records that come late. Writes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{Datelike, TimeZone};

use super::Options;
use super::luck::{Luck, Weights};
use super::models::Priced;
use super::people::{People, User};
use crate::domain::attribution::Attribution;
use crate::domain::calendar::{Calendar, Window};
use crate::domain::catalog::price::Rate;
use crate::domain::check::{LimitKey, RefusalCounts, RefusalKey};
use crate::domain::record::{Record, RecordKind};
use crate::domain::time::{MICROS_PER_HOUR, MICROS_PER_SECOND};
use crate::domain::usage::{Outcome, ServiceTier, TokenClass, Usage, UsageSource};
use crate::domain::{Amount, Time};

/// Requests of an ordinary session.
const SESSION_RECORDS: f64 = 100.0;
/// Least that one becomes where there are few records for many users.
const SESSION_RECORDS_MIN: f64 = 2.0;
/// How much of a working day each hour has.
const HOURS: [f64; 24] = [
    0.3, 0.2, 0.2, 0.2, 0.3, 0.5, 1.0, 2.5, 6.0, 9.0, 10.0, 9.0, 6.0, 7.5, 9.5, 9.0, 8.0, 5.5, 3.0,
    2.0, 1.5, 1.2, 0.8, 0.5,
];
/// How much of a working day Saturday and Sunday have.
const WEEKEND: f64 = 0.15;
/// The last day has so much more than the first.
const GROWTH: f64 = 0.6;

/// Tokens of a request: logarithms of input and output have these medians and deviations. Fitted
/// to the conversations of the Azure LLM inference trace 2023 (Microsoft, CC-BY-4.0): 19,366
/// requests.
const INPUT_TOKENS: (f64, f64) = (760.0, 0.985);
const OUTPUT_TOKENS: (f64, f64) = (151.0, 0.859);
const INPUT_TOKENS_MAX: f64 = 100_000.0;
const OUTPUT_TOKENS_MAX: f64 = 8_000.0;

const CACHED_SHARE: f64 = 0.3;
const REASONING_SHARE: f64 = 0.1;
const ERROR_SHARE: f64 = 0.02;
const CANCELLED_SHARE: f64 = 0.01;
const LATE_SHARE: f64 = 0.004;
const LATENESS_MAX: i64 = 72 * MICROS_PER_HOUR;
/// Of each request that ran, so many more were blocked, or ran on a cheaper model than asked for.
const BLOCKED_SHARE: f64 = 0.006;
const ROUTED_SHARE: f64 = 0.012;
const QUOTA: &str = "user-month";
const RATE_LIMIT: &str = "key-minute";

/// Everything that happens, day by day.
pub struct History {
    pub people: People,
    models: Vec<Priced>,
    calendar: Calendar,
    workspace_id: Arc<str>,
    luck: Luck,
    /// The local days, and how many records each has.
    days: std::vec::IntoIter<(Window, usize)>,
    /// Users whose first request is still to come, the next one last.
    newcomers: Vec<usize>,
    shares: Shares,
    session_records: f64,
    sessions: usize,
    /// Records that have happened and were not reported yet.
    late: Vec<Record>,
    seq: i64,
    end: Time,
}

/// What is used how much.
struct Shares {
    assistants: Weights,
    workflows: Weights,
    models: Weights,
    hours: Weights,
}

/// One day's records in the order in which they were reported, and its refusals.
pub struct Day {
    pub records: Vec<Record>,
    pub refusals: BTreeMap<RefusalKey, RefusalCounts>,
}

/// What the requests of a session have in common.
struct Session {
    attribution: Attribution,
    model: usize,
    time: Time,
}

impl History {
    pub fn new(
        options: &Options,
        people: People,
        mut models: Vec<Priced>,
        span: Window,
        last_seq: i64,
    ) -> History {
        let calendar = Calendar::new(options.time_zone, None);
        // Not the numbers that the people were drawn from.
        let mut luck = Luck::new(options.seed ^ 0x9e37_79b9_7f4a_7c15);
        luck.shuffle(&mut models);
        let days = days(options, &calendar, span, &mut luck);
        let mut newcomers: Vec<usize> = (0..people.users.len())
            .filter(|index| people.users[*index].active_from.is_some_and(|at| at >= span.start))
            .collect();
        newcomers.sort_by_key(|index| std::cmp::Reverse(people.users[*index].active_from));
        let for_each = options.records as f64 / people.users.len() as f64 / 3.0;
        History {
            shares: Shares {
                assistants: Weights::falling(people.assistants.len(), 0.9),
                workflows: Weights::falling(people.workflows.len(), 0.9),
                models: Weights::falling(models.len(), 0.8),
                hours: Weights::of(HOURS.into_iter()),
            },
            session_records: for_each.clamp(SESSION_RECORDS_MIN, SESSION_RECORDS),
            people,
            models,
            calendar,
            workspace_id: options.workspace_id.as_str().into(),
            luck,
            days: days.into_iter(),
            newcomers,
            sessions: 0,
            late: Vec::new(),
            seq: last_seq,
            end: span.end,
        }
    }

    fn day(&mut self, window: Window, count: usize) -> Day {
        let mut records = Vec::with_capacity(count);
        let mut refusals = BTreeMap::new();
        while records.len() < count {
            let (user, start) = self.next_user(window);
            let room = count - records.len();
            self.session(user, start, room, &mut records);
        }
        for record in &records {
            self.refuse(record, &mut refusals);
        }
        let (late, mut records) = self.set_late_aside(records);
        // At the end everything has been reported.
        let is_last = window.end >= self.end;
        let due = self.late.extract_if(.., |late| late.record_time < window.end || is_last);
        records.extend(due);
        match is_last {
            true => records.extend(late),
            false => self.late.extend(late),
        }
        records.sort_by(|a, b| {
            let key = |record: &'_ Record| (record.record_time, record.attempt);
            key(a).cmp(&key(b)).then_with(|| a.request_id.cmp(&b.request_id))
        });
        for record in &mut records {
            self.seq += 1;
            record.seq = self.seq;
        }
        Day { records, refusals }
    }

    /// Those that are reported hours after, and the others.
    fn set_late_aside(&mut self, records: Vec<Record>) -> (Vec<Record>, Vec<Record>) {
        let (mut late, mut others) = (Vec::new(), Vec::with_capacity(records.len()));
        for mut record in records {
            if self.luck.hits(LATE_SHARE) {
                let lateness = self.luck.between(MICROS_PER_HOUR, LATENESS_MAX);
                record.record_time = (record.record_time + lateness).min(self.end);
                late.push(record);
            } else {
                others.push(record);
            }
        }
        (late, others)
    }

    /// Whose session begins, and when. A newcomer's comes when it must.
    fn next_user(&mut self, window: Window) -> (usize, Time) {
        if let Some(index) = self.newcomers.last().copied()
            && let Some(time) = self.people.users[index].active_from
            && time < window.end
        {
            self.newcomers.pop();
            return (index, time);
        }
        let hour = self.shares.hours.draw(&mut self.luck) as i64;
        let within = self.luck.between(0, MICROS_PER_HOUR - 1);
        // A day of 23 hours ends early.
        let start = (window.start + hour * MICROS_PER_HOUR + within).min(window.end + (-1));
        for _try in 0..20 {
            let index = self.people.activity.draw(&mut self.luck);
            if self.people.users[index].active_from.is_some_and(|from| from <= start) {
                return (index, start);
            }
        }
        (0, start)
    }

    /// Adds the requests of a session, at most `room`.
    fn session(&mut self, user: usize, start: Time, room: usize, records: &mut Vec<Record>) {
        let mut session = self.begin(user, start);
        let wished = self.luck.log_normal(self.session_records * 0.75, 0.75).max(1.0) as usize;
        let is_first = self.people.users[user].active_from == Some(start);
        let mut left = wished.clamp(1, 1_000).min(room);
        while left > 0 {
            let mut outcome = self.outcome();
            if is_first && session.time == start {
                outcome = Outcome::Success;
            }
            let record = self.request(&session, outcome);
            let latency = record.latency;
            left -= 1;
            if outcome == Outcome::Error && left > 0 {
                // Tried once more at once.
                let again = self.request(&session, Outcome::Success);
                let request_id = record.request_id.clone();
                records.push(Record { request_id, attempt: 1, ..again });
                left -= 1;
            }
            records.push(record);
            let pause = self.luck.wait(25.0 * MICROS_PER_SECOND as f64) as i64;
            session.time = session.time + latency + pause;
            if session.time >= self.end {
                return;
            }
        }
    }

    fn begin(&mut self, user: usize, time: Time) -> Session {
        self.sessions += 1;
        let (people, luck, shares) = (&self.people, &mut self.luck, &self.shares);
        let user: &User = &people.users[user];
        let department_id = people.department_of(user, time).to_owned();
        let assistant = shares.assistants.draw(luck);
        let mut attribution = Attribution {
            user_id: user.named.id.clone(),
            api_key_id: match department_id.as_str() {
                "" => "key-default".to_owned(),
                department => format!("key-{department}"),
            },
            department_id,
            session_id: format!("session-{:07}", self.sessions),
            ..Attribution::default()
        };
        if luck.hits(0.9) {
            attribution.assistant_id.clone_from(&people.assistants[assistant].id);
        }
        if luck.hits(0.6) {
            let workflow = shares.workflows.draw(luck);
            attribution.workflow_id.clone_from(&people.workflows[workflow].id);
        }
        if luck.hits(0.8) {
            let feature = luck.below(people.features.len());
            attribution.feature_id.clone_from(&people.features[feature].id);
        }
        if luck.hits(0.5) {
            let project = luck.below(people.projects.len());
            attribution.project_id.clone_from(&people.projects[project].id);
        }
        if luck.hits(0.3) {
            // About five sessions of an investigation, one soon after another.
            attribution.investigation_id = format!("investigation-{:06}", self.sessions / 16);
        }
        if luck.hits(0.3) {
            let environment = if luck.hits(0.8) { "production" } else { "staging" };
            attribution.tags.insert("environment".to_owned(), environment.to_owned());
        }
        if luck.hits(0.1) {
            let customer = format!("customer-{:02}", luck.below(50) + 1);
            attribution.tags.insert("customer".to_owned(), customer);
        }
        let usual = assistant % self.models.len();
        let model = if luck.hits(0.5) { usual } else { shares.models.draw(luck) };
        Session { attribution, model, time }
    }

    fn outcome(&mut self) -> Outcome {
        match self.luck.share() {
            drawn if drawn < ERROR_SHARE => Outcome::Error,
            drawn if drawn < ERROR_SHARE + CANCELLED_SHARE => Outcome::Cancelled,
            _ => Outcome::Success,
        }
    }

    fn request(&mut self, session: &Session, outcome: Outcome) -> Record {
        let usage = self.usage(outcome);
        let model = &self.models[session.model];
        let cost = model.card.cost(&usage, ServiceTier::Standard, Rate::ONE);
        let output = usage.total_output() as f64;
        let seconds = self.luck.log_normal(0.4, 0.5) + output * self.luck.log_normal(0.012, 0.3);
        let latency = (seconds * MICROS_PER_SECOND as f64) as i64;
        let charge_time = session.time;
        let random = self.luck.bytes();
        let milliseconds = u64::try_from(charge_time.micros() / 1_000).unwrap_or(0);
        let request_id = uuid::Builder::from_unix_timestamp_millis(milliseconds, &random);
        Record {
            seq: 0,
            workspace_id: self.workspace_id.clone(),
            request_id: request_id.into_uuid().to_string().into(),
            attempt: 0,
            revision: 0,
            kind: RecordKind::Usage,
            model_id: model.id.clone(),
            metered_model_id: model.id.clone(),
            tier: ServiceTier::Standard,
            usage,
            outcome,
            source: UsageSource::Provider,
            cost,
            unpriced: false,
            price_id: Some(model.card.price().id.clone()),
            exchange_rate: Rate::ONE,
            charge_time,
            hour: self.calendar.hour_start(charge_time),
            day: self.calendar.day(charge_time).start,
            start_time: charge_time,
            record_time: (charge_time + latency).min(self.end),
            latency,
            attribution: session.attribution.clone(),
            key_group_id: "".into(),
            fingerprint: self.luck.bits(),
        }
    }

    fn usage(&mut self, outcome: Outcome) -> Usage {
        let luck = &mut self.luck;
        let drawn = |(median, deviation), most: f64, luck: &mut Luck| {
            luck.log_normal(median, deviation).clamp(1.0, most) as i64
        };
        let input = drawn(INPUT_TOKENS, INPUT_TOKENS_MAX, luck);
        let mut output = drawn(OUTPUT_TOKENS, OUTPUT_TOKENS_MAX, luck);
        match outcome {
            Outcome::Success => {}
            Outcome::Error => output = 0,
            Outcome::Cancelled => output /= 3,
        }
        let cached = if luck.hits(CACHED_SHARE) { input * 3 / 5 } else { 0 };
        let reasoning = if luck.hits(REASONING_SHARE) { output * 2 } else { 0 };
        Usage::default()
            .with(TokenClass::Input, input - cached)
            .with(TokenClass::CacheRead, cached)
            .with(TokenClass::Output, output)
            .with(TokenClass::Reasoning, reasoning)
    }

    /// Counts checks that did not run as asked for, about as often as requests did.
    fn refuse(&mut self, record: &Record, refusals: &mut BTreeMap<RefusalKey, RefusalCounts>) {
        let drawn = self.luck.share();
        if drawn >= BLOCKED_SHARE + ROUTED_SHARE {
            return;
        }
        let is_blocked = drawn < BLOCKED_SHARE;
        let most = Amount::from_nanos(record.cost.nanos().saturating_mul(3));
        let counts = match is_blocked {
            true => RefusalCounts { blocked_count: 1, blocked: most, ..Default::default() },
            false => RefusalCounts { routed_count: 1, saved: most, ..Default::default() },
        };
        let limit = match (is_blocked, self.luck.share()) {
            (false, _) => LimitKey::ModelLimit(record.model_id.to_string()),
            (true, drawn) if drawn < 0.6 => LimitKey::Quota(QUOTA.to_owned()),
            (true, drawn) if drawn < 0.9 => LimitKey::RateLimit(RATE_LIMIT.to_owned()),
            (true, _) => LimitKey::Rule("MODEL_NOT_ALLOWED".to_owned()),
        };
        for limit in [LimitKey::Request, limit] {
            let key = RefusalKey {
                hour: record.hour,
                limit,
                model_id: record.model_id.to_string(),
                user_id: record.attribution.user_id.clone(),
            };
            refusals.entry(key).or_default().add(&counts);
        }
    }
}

impl Iterator for History {
    type Item = Day;

    fn next(&mut self) -> Option<Day> {
        let (window, count) = self.days.next()?;
        Some(self.day(window, count))
    }
}

/// The local days of the span, with their share of the records: in all exactly as many as asked
/// for.
fn days(
    options: &Options,
    calendar: &Calendar,
    span: Window,
    luck: &mut Luck,
) -> Vec<(Window, usize)> {
    let mut windows = Vec::new();
    let mut start = span.start;
    while start < span.end {
        let window = calendar.day(start);
        windows.push(window);
        start = window.end;
    }
    let mut weights = Vec::new();
    for (index, window) in windows.iter().enumerate() {
        let noon = window.start + 12 * MICROS_PER_HOUR;
        let date = options.time_zone.from_utc_datetime(&noon.to_utc().naive_utc());
        let is_weekend = date.weekday().number_from_monday() > 5;
        let grown = 1.0 + GROWTH * index as f64 / windows.len() as f64;
        weights.push(grown * luck.log_normal(1.0, 0.1) * if is_weekend { WEEKEND } else { 1.0 });
    }
    let whole: f64 = weights.iter().sum();
    let (mut sum, mut given) = (0.0, 0);
    let mut days = Vec::new();
    for (window, weight) in windows.into_iter().zip(weights) {
        sum += weight;
        let upto = ((sum / whole) * options.records as f64).round() as usize;
        let upto = upto.clamp(given, options.records);
        days.push((window, upto - given));
        given = upto;
    }
    if let Some(last) = days.last_mut() {
        last.1 += options.records - given;
    }
    days
}
