//! Anomalies of the usage of a workspace: reads the series of its members, and finds what stands
//! out of them.
//!
//! A function of the rollups and of the hour up to which it looks: whoever looks finds the same.

mod explain;
mod read;

use std::sync::Arc;

use super::super::range::{Bucket, Granularity};
use super::super::{Result, Scope};
use crate::domain::alert::anomaly::{
    Anomaly, AnomalyAlerts, AnomalyKind, AnomalyMember, AnomalyMetric, AnomalyPolicy,
    AnomalySensitivity, AnomalySeverity, AnomalyStep, HUNDREDTHS, RAISED_BAR,
};
use crate::domain::attribution::Dimension;
use crate::domain::time::{MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_SECOND, Micros};
use crate::domain::{Amount, Time};
use crate::insight::anomaly::episodes::{self, Episode, episodes};
use crate::insight::anomaly::{Direction, Flag, Sensitivity, daily, failures, hourly};

/// Most members of a dimension that are looked at by hours, and by days: the heaviest by cost.
pub const HOURLY_MEMBERS_MAX: usize = 50;
pub const DAILY_MEMBERS_MAX: usize = 200;

/// Hours that are read, and those of them that are judged: an anomaly that began before these is
/// known by then, or was missed while no server ran.
const HOURS_READ: usize = 21 * 24;
const HOURS_JUDGED: usize = 7 * 24;
/// The same of days.
const DAYS_READ: usize = 84;
const DAYS_JUDGED: usize = 14;
/// The dimensions that are looked at by hours: usage of the first three, failures of all but
/// departments.
const HOURLY: [Dimension; 4] =
    [Dimension::Workspace, Dimension::Model, Dimension::Department, Dimension::ApiKey];
/// And by days: usage of all but the workspace, costs of a request of all.
const DAILY: [Dimension; 4] =
    [Dimension::Workspace, Dimension::Feature, Dimension::Assistant, Dimension::ApiKey];
/// Greatest impact in percent.
const PERCENT_MAX: f64 = 1e6;
const PERCENT: f64 = 100.0;
/// Of the least impact, and percent of what was expected where there is none.
const MEDIUM: (i64, i64) = (10, 300);
const HIGH: (i64, i64) = (100, 1_000);

/// What is looked for.
pub struct Look<'a> {
    pub policy: &'a AnomalyPolicy,
    /// The least impact in force.
    pub least_impact: Amount,
    /// Members whose bar is raised.
    pub raised: &'a [AnomalyMember],
    /// End of the last hour that is looked at.
    pub until: Time,
    /// Anomalies that are known, of which nothing is computed again that is known.
    pub stored: &'a [Anomaly],
}

/// What was found.
pub struct Found {
    /// Those of the workspace first, then of members by hours, then by days; each by the time at
    /// which they begin.
    pub anomalies: Vec<Anomaly>,
    pub members_left_out: bool,
}

/// Looks at every series of the workspace.
///
/// # Errors
/// If storage fails.
pub async fn find(scope: &Scope<'_>, look: &Look<'_>) -> Result<Found> {
    let hours = read::hours(scope, look.until, HOURS_READ);
    let days = read::days(scope, look.until, DAYS_READ);
    let mut found = Vec::new();
    let mut members_left_out = false;
    for dimension in HOURLY {
        let hour = Granularity::Hour;
        let read = read::members(scope, dimension, &hours, hour, HOURLY_MEMBERS_MAX).await?;
        if dimension == Dimension::Workspace && read.series.is_empty() {
            return Ok(Found { anomalies: Vec::new(), members_left_out: false });
        }
        members_left_out |= read.members_left_out;
        for series in &read.series {
            let judge = Judge::new(look, series, &hours);
            if dimension != Dimension::ApiKey {
                found.extend(judge.hourly());
            }
            if dimension != Dimension::Department {
                found.extend(judge.failures());
            }
        }
    }
    for dimension in DAILY {
        let day = Granularity::Day;
        let read = read::members(scope, dimension, &days, day, DAILY_MEMBERS_MAX).await?;
        members_left_out |= read.members_left_out;
        for series in &read.series {
            let judge = Judge::new(look, series, &days);
            if dimension != Dimension::Workspace {
                found.extend(judge.daily());
            }
            found.extend(judge.prices());
        }
    }
    let mut anomalies = Vec::new();
    for anomaly in found {
        anomalies.extend(explain::explained(scope, look, anomaly).await?);
    }
    anomalies.sort_by(|a, b| order(a).cmp(&order(b)));
    Ok(Found { anomalies, members_left_out })
}

fn order(anomaly: &Anomaly) -> (bool, AnomalyStep, Time, Dimension, AnomalyMetric, &Arc<str>) {
    let Anomaly { start_time, member, metric, step, .. } = anomaly;
    let is_member = member.dimension != Dimension::Workspace;
    (is_member, *step, *start_time, member.dimension, *metric, &member.id)
}

/// The series of one member.
pub struct Series {
    pub member: AnomalyMember,
    /// Of every step; NaN where nothing is known.
    pub cost: Vec<f64>,
    pub requests: Vec<f64>,
    pub failed: Vec<f64>,
}

/// Judges one series.
struct Judge<'a> {
    look: &'a Look<'a>,
    series: &'a Series,
    steps: &'a [Bucket],
    sensitivity: Sensitivity,
    least: f64,
    /// Steps that end up to then do not count.
    muted_until: Option<Time>,
}

impl<'a> Judge<'a> {
    fn new(look: &'a Look<'a>, series: &'a Series, steps: &'a [Bucket]) -> Judge<'a> {
        let sensitivity = match look.policy.sensitivity {
            AnomalySensitivity::Low => Sensitivity::Low,
            AnomalySensitivity::Medium => Sensitivity::Medium,
            AnomalySensitivity::High => Sensitivity::High,
        };
        let is_raised = look.raised.contains(&series.member);
        let (sensitivity, times) =
            if is_raised { (sensitivity.lower(), RAISED_BAR) } else { (sensitivity, 1) };
        let least = look.least_impact.nanos().saturating_mul(times) as f64;
        let muted_until = look.policy.muted_until(&series.member);
        Judge { look, series, steps, sensitivity, least, muted_until }
    }

    fn hourly(&self) -> Vec<Anomaly> {
        self.usage(hourly::flags, HOURS_JUDGED, (AnomalyStep::Hour, episodes::COOL_DOWN_HOURS))
    }

    fn daily(&self) -> Vec<Anomaly> {
        self.usage(daily::flags, DAYS_JUDGED, (AnomalyStep::Day, episodes::COOL_DOWN_DAYS))
    }

    /// Of cost and of requests, which are worth the mean cost of one.
    fn usage(
        &self,
        flags: fn(&[f64], usize, Sensitivity) -> Vec<Flag>,
        judged: usize,
        (step, cool_down): (AnomalyStep, usize),
    ) -> Vec<Anomaly> {
        let from = self.steps.len().saturating_sub(judged);
        let each = self.cost_of_a_request();
        let mut found = Vec::new();
        for (metric, series, worth) in [
            (AnomalyMetric::Cost, &self.series.cost, 1.0),
            (AnomalyMetric::Requests, &self.series.requests, each),
        ] {
            let flags = flags(series, from, self.sensitivity);
            let kind = (metric, step, cool_down);
            found.extend(self.anomalies(flags, kind, self.least, |flag| flag.excess() * worth));
        }
        found
    }

    fn failures(&self) -> Vec<Anomaly> {
        let from = self.steps.len().saturating_sub(HOURS_JUDGED);
        let Series { requests, failed, .. } = self.series;
        let flags = failures::flags(requests, failed, from, self.sensitivity);
        let kind = (AnomalyMetric::FailedRequests, AnomalyStep::Hour, episodes::COOL_DOWN_FAILURES);
        let each = self.cost_of_a_request();
        self.anomalies(flags, kind, 0.0, |flag| flag.excess() * each)
    }

    fn prices(&self) -> Vec<Anomaly> {
        let from = self.steps.len().saturating_sub(DAYS_JUDGED);
        let Series { cost, requests, .. } = self.series;
        let flags = daily::price_flags(cost, requests, from, self.sensitivity);
        let kind = (AnomalyMetric::CostPerRequest, AnomalyStep::Day, episodes::COOL_DOWN_DAYS);
        self.anomalies(flags, kind, self.least, |flag| flag.excess() * requests[flag.step])
    }

    /// The mean over the history; 0 without requests.
    fn cost_of_a_request(&self) -> f64 {
        let sum = |series: &[f64]| -> f64 { series.iter().filter(|it| it.is_finite()).sum() };
        let requests = sum(&self.series.requests);
        if requests > 0.0 { (sum(&self.series.cost) / requests).max(0.0) } else { 0.0 }
    }

    /// The anomalies of flags, without contributors yet.
    fn anomalies(
        &self,
        mut flags: Vec<Flag>,
        (metric, step, cool_down): (AnomalyMetric, AnomalyStep, usize),
        least: f64,
        worth: impl Fn(&Flag) -> f64,
    ) -> Vec<Anomaly> {
        if let Some(until) = self.muted_until {
            flags.retain(|flag| self.steps[flag.step].window.end > until);
        }
        let found = episodes(&flags, self.steps.len(), cool_down, least, &worth);
        found.iter().map(|it| self.anomaly(it, metric, step, &worth)).collect()
    }

    fn anomaly(
        &self,
        episode: &Episode,
        metric: AnomalyMetric,
        step: AnomalyStep,
        worth: impl Fn(&Flag) -> f64,
    ) -> Anomaly {
        let start_time = self.steps[episode.start()].window.start;
        // A cost per request is a mean, all others are sums.
        let count = match metric {
            AnomalyMetric::CostPerRequest => episode.flags.len() as f64,
            _ => 1.0,
        };
        let (low, high) = episode.normal();
        let figures = [episode.expected(), episode.actual(), low, high];
        let [expected, actual, low, high] = figures.map(|figure| (figure / count).round() as i64);
        let impact = episode.flags.iter().map(&worth).sum::<f64>();
        let impact = Amount::from_nanos(impact.round() as i64);
        let percent = percent(episode.expected(), episode.actual());
        Anomaly {
            id: id(&self.series.member, metric, step, start_time),
            kind: kind(episode, metric, step),
            member: self.series.member.clone(),
            metric,
            step,
            start_time,
            end_time: self.steps[episode.last()].window.end,
            is_drop: episode.direction == Direction::Down,
            is_open: !episode.is_over,
            detect_time: self.look.until,
            expected,
            actual,
            low,
            high,
            impact,
            impact_percent: (percent * HUNDREDTHS as f64 / PERCENT).round() as i64,
            severity: severity(impact, self.look.least_impact, percent),
            alerts: AnomalyAlerts::Due,
            feedback: None,
            contributors: Vec::new(),
        }
    }
}

/// The same for the same anomaly.
fn id(member: &AnomalyMember, metric: AnomalyMetric, step: AnomalyStep, start: Time) -> Arc<str> {
    let AnomalyMember { dimension, id } = member;
    let hash = xxhash_rust::xxh3::xxh3_64(id.as_bytes());
    let length = match step {
        AnomalyStep::Hour => MICROS_PER_HOUR,
        AnomalyStep::Day => MICROS_PER_DAY,
    };
    let seconds = start.micros() / MICROS_PER_SECOND;
    let hours: Micros = length / MICROS_PER_HOUR;
    format!("{seconds}-{hours}-{}-{}-{hash:016x}", metric.as_str(), dimension.as_str()).into()
}

fn kind(episode: &Episode, metric: AnomalyMetric, step: AnomalyStep) -> AnomalyKind {
    let lasting = match step {
        AnomalyStep::Hour => episodes::SHIFT_HOURS,
        AnomalyStep::Day => episodes::SHIFT_DAYS,
    };
    match (metric, episode.direction) {
        (AnomalyMetric::FailedRequests, _) => AnomalyKind::Failures,
        (AnomalyMetric::CostPerRequest, _) => AnomalyKind::CostPerRequest,
        _ if episode.span() >= lasting => AnomalyKind::Shift,
        (_, Direction::Up) => AnomalyKind::Spike,
        (_, Direction::Down) => AnomalyKind::Drop,
    }
}

/// How far a figure is from what was expected.
fn percent(expected: f64, actual: f64) -> f64 {
    let far = (actual - expected).abs();
    if far == 0.0 {
        return 0.0;
    }
    (far / expected.max(f64::MIN_POSITIVE) * PERCENT).min(PERCENT_MAX)
}

fn severity(impact: Amount, least: Amount, percent: f64) -> AnomalySeverity {
    let reaches = |(times, of_expected): (i64, i64)| match least.nanos() {
        0 => percent >= of_expected as f64,
        nanos => impact.nanos() >= nanos.saturating_mul(times),
    };
    match (reaches(MEDIUM), reaches(HIGH)) {
        (_, true) => AnomalySeverity::High,
        (true, false) => AnomalySeverity::Medium,
        (false, false) => AnomalySeverity::Low,
    }
}
