//! A generated log for reports, and the same answers by going through it naively.
//!
//! The workspace moves from Kolkata to Berlin, and Berlin sets its clocks. Records come late, in
//! any order of their times, with corrections and charges of expired holds among them.

use std::collections::{BTreeMap, BTreeSet};

use chrono_tz::Tz;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tollgate::domain::attribution::{Attribution, Dimension};
use tollgate::domain::record::{Record, RecordKind};
use tollgate::domain::time::calendar::{Calendar, Window};
use tollgate::domain::time::{MICROS_PER_DAY, MICROS_PER_HOUR};
use tollgate::domain::usage::{Outcome, TokenClass, Usage};
use tollgate::domain::{Amount, Time};
use tollgate::storage::reports::{
    Axis, DistinctQuery, DistinctRow, Filter, OrderBy, Source, SumsQuery, SumsRow,
};
use tollgate::storage::rollup::latency::Latencies;
use tollgate::storage::rollup::{Sums, latency_of};

use crate::fixtures::record;

/// 2026-03-10T00:00:00Z.
pub const FIRST: Time = Time::from_micros(1_773_100_800_000_000);
pub const DAYS: i64 = 40;
/// When the workspace moves.
pub const MOVE: Time = Time::from_micros(FIRST.micros() + 10 * MICROS_PER_DAY + 36_000_000_000);

pub fn berlin() -> Calendar {
    Calendar::new(Tz::Europe__Berlin, None)
}

/// Records of workspace "w", and some of another.
pub fn log(seed: u64, count: i64) -> Vec<Record> {
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let kolkata = Calendar::new(Tz::Asia__Kolkata, None);
    let mut log = Vec::new();
    for seq in 1..=count {
        let record_time = FIRST + DAYS * MICROS_PER_DAY / count * seq;
        // One in five comes late.
        let late =
            if random.random_range(0..5) == 0 { 12 * MICROS_PER_DAY } else { MICROS_PER_HOUR };
        let charge_time = record_time - random.random_range(0..late);
        let zone = if record_time < MOVE { kolkata } else { berlin() };
        let kind = match random.random_range(0..20) {
            0..16 => RecordKind::Usage,
            16..19 => RecordKind::Correction,
            _ => RecordKind::ExpiryCharge,
        };
        let outcomes = [Outcome::Success, Outcome::Error, Outcome::Cancelled];
        let mut usage = Usage::default();
        for class in TokenClass::ALL {
            usage.set(class, random.random_range(0..1_000));
        }
        let is_usage = kind == RecordKind::Usage;
        log.push(Record {
            workspace_id: if random.random_range(0..10) == 0 { "w-2" } else { "w" }.into(),
            kind,
            metered_model_id: pick(&mut random, "m", 4).into(),
            usage,
            outcome: outcomes[random.random_range(0..3)],
            cost: Amount::from_nanos(
                random.random_range(1..1_000_000) - if is_usage { 0 } else { 500_000 },
            ),
            charge_time,
            hour: zone.hour_start(charge_time),
            day: zone.day(charge_time).start,
            record_time,
            latency: if is_usage { random.random_range(-1_000_000..9_000_000).max(0) } else { 0 },
            attribution: attribution(&mut random),
            key_group_id: pick(&mut random, "g", 3).into(),
            ..record(seq)
        });
    }
    log
}

fn attribution(random: &mut StdRng) -> Attribution {
    let mut attribution = Attribution {
        user_id: pick(random, "u", 30),
        department_id: pick(random, "d", 4),
        api_key_id: pick(random, "k", 5),
        assistant_id: pick(random, "a", 6),
        workflow_id: pick(random, "w", 6),
        feature_id: pick(random, "f", 3),
        project_id: pick(random, "p", 4),
        investigation_id: pick(random, "i", 40),
        session_id: pick(random, "s", 90),
        ..Attribution::default()
    };
    for key in ["team", "team2", "stage"] {
        if random.random_range(0..2) == 0 {
            attribution.tags.insert(key.to_owned(), pick(random, "t", 4));
        }
    }
    attribution
}

/// One of `count` values, of which one is empty and one is not of ASCII.
fn pick(random: &mut StdRng, prefix: &str, count: u32) -> String {
    match random.random_range(0..count) {
        0 => String::new(),
        1 => format!("{prefix}-ü"),
        number => format!("{prefix}-{number}"),
    }
}

/// Local days in Berlin that cover the log, and some more.
pub fn local_days() -> Vec<Window> {
    let mut days = vec![berlin().day(FIRST - 14 * MICROS_PER_DAY)];
    while days[days.len() - 1].end < FIRST + (DAYS + 2) * MICROS_PER_DAY {
        days.push(berlin().day(days[days.len() - 1].end));
    }
    days
}

/// `count` windows of `length` days each.
pub fn spans(days: &[Window], length: usize) -> Vec<Window> {
    let parts = days.chunks(length);
    parts.map(|part| Window { start: part[0].start, end: part[part.len() - 1].end }).collect()
}

/// Local hours of a window.
pub fn hours(window: Window) -> Vec<Window> {
    let mut hours = Vec::new();
    let mut start = window.start;
    while start < window.end {
        hours.push(Window { start, end: start + MICROS_PER_HOUR });
        start = start + MICROS_PER_HOUR;
    }
    hours
}

pub fn value_on(axis: &Axis, record: &Record) -> String {
    match axis {
        Axis::Of(dimension) => dimension.value_of(record).to_owned(),
        Axis::Tag(key) => record.attribution.tags.get(key).cloned().unwrap_or_default(),
    }
}

/// The number of the window that a record counts in.
fn window_of(source: Source, windows: &[Window], record: &Record) -> Option<usize> {
    let time = if source == Source::Hours { record.hour } else { record.charge_time };
    windows.iter().position(|window| window.contains(time))
}

fn matches(filters: &[Filter], record: &Record) -> bool {
    filters.iter().all(|filter| filter.values.contains(&value_on(&filter.axis, record)))
}

pub fn naive_sums(log: &[Record], question: &SumsQuery) -> Vec<SumsRow> {
    let mut groups: BTreeMap<(usize, Vec<String>), (Sums, Latencies)> = BTreeMap::new();
    for record in log.iter().filter(|record| &*record.workspace_id == "w") {
        let Some(window) = window_of(question.source, &question.windows, record) else { continue };
        if !matches(&question.filters, record) {
            continue;
        }
        let values = question.group_by.iter().map(|axis| value_on(axis, record)).collect();
        let window = if question.by_window { window } else { 0 };
        let (sums, latencies) = groups.entry((window, values)).or_default();
        sums.add(record);
        if let Some(latency) = latency_of(record) {
            latencies.add(latency);
        }
    }
    let row = |((window, values), (sums, latencies))| SumsRow {
        window,
        values,
        sums,
        latencies: question.latencies.then_some(latencies),
    };
    let mut rows: Vec<SumsRow> = groups.into_iter().map(row).collect();
    rows.retain(|row| row.sums != Sums::default());
    if let Some((order, count)) = question.top {
        // Stable: those that are equal stay in the order of their values.
        rows.sort_by_key(|row| std::cmp::Reverse(metric(&row.sums, order)));
        rows.truncate(count);
    }
    rows
}

fn metric(sums: &Sums, order: OrderBy) -> i64 {
    match order {
        OrderBy::Cost => sums.cost_nanos,
        OrderBy::Requests => sums.record_count,
        OrderBy::Tokens => sums.tokens.iter().sum(),
        OrderBy::Errors => sums.error_count,
    }
}

pub fn naive_distinct(log: &[Record], question: &DistinctQuery) -> Vec<DistinctRow> {
    let mut found: BTreeMap<(usize, String), BTreeSet<String>> = BTreeMap::new();
    for record in log.iter().filter(|record| &*record.workspace_id == "w") {
        let Some(window) = window_of(question.source, &question.windows, record) else { continue };
        let counted = question.counted.value_of(record);
        if record.kind == RecordKind::Usage
            && !counted.is_empty()
            && matches(&question.filters, record)
        {
            let value = question.group_by.as_ref().map(|axis| value_on(axis, record));
            let window = if question.by_window { window } else { 0 };
            let place = (window, value.unwrap_or_default());
            found.entry(place).or_default().insert(counted.to_owned());
        }
    }
    let row = |((window, value), found): (_, BTreeSet<String>)| DistinctRow {
        window,
        value,
        count: found.len() as i64,
    };
    found.into_iter().map(row).collect()
}

/// Draws questions.
pub struct Draw<'a> {
    pub random: StdRng,
    pub log: &'a [Record],
}

impl Draw<'_> {
    fn below(&mut self, bound: usize) -> usize {
        self.random.random_range(0..bound)
    }

    pub fn axis(&mut self) -> Axis {
        match self.below(16) {
            number @ 0..13 => Axis::Of(Dimension::ALL[1..][number % 11]),
            13 => Axis::Of(Dimension::Outcome),
            14 => Axis::Tag("team".to_owned()),
            _ => Axis::Tag("stage".to_owned()),
        }
    }

    /// Different axes that a source can tell apart.
    pub fn axes(&mut self, source: Source) -> Vec<Axis> {
        let mut axes = match source {
            Source::Hours | Source::Days => vec![self.axis()],
            Source::DaysByModel => vec![Axis::Of(Dimension::Model), self.axis()],
            Source::Records => vec![self.axis(), self.axis(), self.axis()],
        };
        if self.below(2) == 0 {
            axes.reverse();
        }
        let mut different = Vec::new();
        for axis in axes {
            if !different.contains(&axis) {
                different.push(axis);
            }
        }
        different
    }

    pub fn filter(&mut self, axis: &Axis) -> Filter {
        let mut values = Vec::new();
        for _ in 0..1 + self.below(4) {
            let place = self.below(self.log.len());
            values.push(value_on(axis, &self.log[place]));
        }
        values.push("unheard of".to_owned());
        values.dedup();
        Filter { axis: axis.clone(), values }
    }

    /// Windows, and whether sums of each are asked for.
    pub fn windows(&mut self, source: Source) -> (Vec<Window>, bool) {
        let days = local_days();
        let first = self.below(days.len() - 1);
        let count = 1 + self.below(days.len() - first);
        let days = &days[first..first + count];
        let windows = match (source, self.below(4)) {
            (Source::Hours, 0..2) => hours(spans(&days[..days.len().min(3)], 9)[0]),
            (_, 0) => spans(days, 7),
            (_, 1) => spans(days, 30),
            _ => days.to_vec(),
        };
        (windows, self.below(2) == 0)
    }

    pub fn sums(&mut self, source: Source) -> SumsQuery {
        let (windows, by_window) = self.windows(source);
        let (mut group_by, mut filters) = (Vec::new(), Vec::new());
        for axis in self.axes(source) {
            let both = self.below(4) == 0;
            let is_group = group_by.len() < 2 && self.below(3) > 0;
            if both || !is_group && self.below(4) > 0 {
                filters.push(self.filter(&axis));
            }
            if is_group {
                group_by.push(axis);
            }
        }
        let orders = [OrderBy::Cost, OrderBy::Requests, OrderBy::Tokens, OrderBy::Errors];
        let top = (orders[self.below(4)], 1 + self.below(6));
        let knows_latencies = matches!(source, Source::Days | Source::Records);
        SumsQuery {
            source,
            group_by,
            filters,
            windows,
            by_window,
            top: (!by_window && self.below(2) == 0).then_some(top),
            latencies: knows_latencies && self.below(2) == 0,
        }
    }

    pub fn distinct(&mut self, source: Source) -> DistinctQuery {
        let (windows, by_window) = self.windows(source);
        let counted = loop {
            if let Axis::Of(dimension) = self.axis() {
                break dimension;
            }
        };
        let own = Axis::Of(counted);
        let other = match source {
            Source::Hours | Source::Days => own.clone(),
            Source::DaysByModel if counted != Dimension::Model => Axis::Of(Dimension::Model),
            Source::DaysByModel | Source::Records => self.axis(),
        };
        let group_by = (other != own && self.below(2) == 0).then_some(other.clone());
        let mut filters = Vec::new();
        if self.below(3) == 0 {
            filters.push(self.filter(&own));
        }
        if other != own && self.below(2) == 0 {
            filters.push(self.filter(&other));
        }
        DistinctQuery { source, counted, group_by, filters, windows, by_window }
    }
}

pub fn draw(seed: u64, log: &[Record]) -> Draw<'_> {
    println!("seed {seed}");
    Draw { random: StdRng::seed_from_u64(seed), log }
}
