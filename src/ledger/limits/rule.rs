//! A rule: one limit of a quota or rate limit, with the window that it counts in. A quota makes
//! one rule; a rate limit makes one for each window and unit that it limits.

use std::sync::Arc;

use crate::domain::Time;
use crate::domain::attribution::SubjectKind;
use crate::domain::boost::Boost;
use crate::domain::check::LimitPeriod;
use crate::domain::quota::{Enforcement, Period, Quota, Scope, Unit};
use crate::domain::rate_limit::{RateLimit, RateWindow};
use crate::domain::time::calendar::Window;
use crate::ledger::context::Context;
use crate::ledger::models::ModelIndex;

/// Position of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RuleIndex(u32);

#[derive(Clone, Debug)]
pub struct Rule {
    source: RuleSource,
    model: Option<ModelIndex>,
    unit: Unit,
    window: RuleWindow,
    /// Absent where a subject is exempt.
    limit: Option<i64>,
    enforcement: Enforcement,
    /// Boosts that are not over.
    boosts: Vec<Arc<Boost>>,
}

#[derive(Clone, Debug)]
enum RuleSource {
    Quota(Arc<Quota>),
    RateLimit(Arc<RateLimit>),
}

/// The window that a rule counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RuleWindow {
    /// Begins again with each period.
    Fixed(Period),
    /// Began at this time, and is reset by hand.
    Since(Time),
    Sliding(RateWindow),
}

impl RuleIndex {
    pub fn new(position: usize) -> RuleIndex {
        RuleIndex(u32::try_from(position).expect("rules are bounded"))
    }

    pub fn get(self) -> usize {
        self.0 as usize
    }
}

impl Rule {
    pub fn of_quota(quota: Arc<Quota>, model: Option<ModelIndex>, boosts: Vec<Arc<Boost>>) -> Rule {
        let window = match quota.period {
            Period::UntilReset => RuleWindow::Since(quota.window_start),
            period => RuleWindow::Fixed(period),
        };
        Rule {
            model,
            unit: quota.unit,
            window,
            limit: quota.limit,
            enforcement: quota.enforcement,
            boosts,
            source: RuleSource::Quota(quota),
        }
    }

    pub fn of_rate_limit(limit: &Arc<RateLimit>, model: Option<ModelIndex>) -> Vec<Rule> {
        let rule = |(span, unit, amount)| Rule {
            source: RuleSource::RateLimit(limit.clone()),
            model,
            unit,
            window: RuleWindow::Sliding(span),
            limit: Some(amount),
            enforcement: limit.enforcement,
            boosts: Vec::new(),
        };
        limit.limits().map(rule).collect()
    }

    pub fn id(&self) -> &Arc<str> {
        match &self.source {
            RuleSource::Quota(quota) => &quota.id,
            RuleSource::RateLimit(limit) => &limit.id,
        }
    }

    pub fn scope(&self) -> &Scope {
        match &self.source {
            RuleSource::Quota(quota) => &quota.scope,
            RuleSource::RateLimit(limit) => &limit.scope,
        }
    }

    pub fn kind(&self) -> SubjectKind {
        self.scope().kind
    }

    pub fn create_time(&self) -> Time {
        match &self.source {
            RuleSource::Quota(quota) => quota.create_time,
            RuleSource::RateLimit(limit) => limit.create_time,
        }
    }

    pub fn quota(&self) -> Option<&Arc<Quota>> {
        match &self.source {
            RuleSource::Quota(quota) => Some(quota),
            RuleSource::RateLimit(_) => None,
        }
    }

    pub fn rate_limit(&self) -> Option<&Arc<RateLimit>> {
        match &self.source {
            RuleSource::Quota(_) => None,
            RuleSource::RateLimit(limit) => Some(limit),
        }
    }

    pub fn is_rate_limit(&self) -> bool {
        matches!(self.window, RuleWindow::Sliding(_))
    }

    /// Thresholds of alerts, in percent.
    pub fn thresholds(&self) -> &[u16] {
        self.quota().map_or(&[], |quota| &quota.thresholds)
    }

    pub fn unit(&self) -> Unit {
        self.unit
    }

    pub fn window(&self) -> RuleWindow {
        self.window
    }

    pub fn enforcement(&self) -> Enforcement {
        self.enforcement
    }

    pub fn boosts(&self) -> &[Arc<Boost>] {
        &self.boosts
    }

    pub fn boosts_mut(&mut self) -> &mut Vec<Arc<Boost>> {
        &mut self.boosts
    }

    pub fn period(&self) -> LimitPeriod {
        match self.window {
            RuleWindow::Fixed(period) => LimitPeriod::Fixed(period),
            RuleWindow::Since(_) => LimitPeriod::Fixed(Period::UntilReset),
            RuleWindow::Sliding(span) => LimitPeriod::Sliding(span),
        }
    }

    /// Whether it counts requests for some models alone: for one, or those of one provider.
    pub fn is_of_models(&self) -> bool {
        self.model.is_some() || self.kind() == SubjectKind::Provider
    }

    /// Whether requests for a model count.
    pub fn counts(&self, model: ModelIndex) -> bool {
        self.model.is_none_or(|only| only == model)
    }

    /// The limit without boosts; none where a subject is exempt.
    pub fn base_limit(&self) -> Option<i64> {
        self.limit
    }

    /// The limit of a subject with its boosts; none if it is exempt.
    pub fn limit_for(&self, subject_id: &str, now: Time) -> Option<i64> {
        let limit = self.limit?;
        if self.boosts.is_empty() {
            return Some(limit);
        }
        let active = self.boosts.iter().filter(|boost| boost.is_active(now));
        let of_subject = active.filter(|boost| boost.target.is_for(subject_id));
        Some(of_subject.fold(limit, |limit, boost| limit.saturating_add(boost.amount)))
    }

    /// Whether what was recorded counts.
    pub fn counts_spent(&self) -> bool {
        match self.window {
            RuleWindow::Fixed(period) => period.counts_spent(),
            RuleWindow::Since(_) => true,
            RuleWindow::Sliding(_) => false,
        }
    }

    /// Whether what requests in flight hold counts.
    pub fn counts_held(&self) -> bool {
        match self.window {
            RuleWindow::Fixed(period) => period.counts_held(),
            RuleWindow::Since(_) => true,
            RuleWindow::Sliding(_) => false,
        }
    }

    /// Start and end of the running window; none of a sliding one.
    #[inline]
    pub fn running_window(&self, context: &Context) -> Option<(Time, Option<Time>)> {
        match self.window {
            RuleWindow::Fixed(period) => {
                let window = context.windows().of(period)?;
                Some((window.start, Some(window.end).filter(|_| period.counts_spent())))
            }
            RuleWindow::Since(start) => Some((start, None)),
            RuleWindow::Sliding(_) => None,
        }
    }

    /// Start of the window that `time` is charged to; none of a sliding one, and of one that is
    /// reset by hand for times before its start.
    #[inline]
    pub fn window_start(&self, context: &Context, time: Time) -> Option<Time> {
        match self.window {
            RuleWindow::Fixed(period) => {
                let running = context.windows().of(period)?;
                if running.contains(time) {
                    return Some(running.start);
                }
                context.calendar().window(period, time).map(|window: Window| window.start)
            }
            RuleWindow::Since(start) => (time >= start).then_some(start),
            RuleWindow::Sliding(_) => None,
        }
    }

    /// Whether the window that began at `start` is not over: it runs, or begins later.
    pub fn is_open(&self, context: &Context, start: Time) -> bool {
        self.running_window(context).is_some_and(|(running, _)| start >= running)
    }

    /// Order in which the rules of one subject are checked.
    pub fn check_order(&self) -> (bool, &Arc<str>, RuleWindow, Unit) {
        (self.is_rate_limit(), self.id(), self.window, self.unit)
    }

    /// A rule that names a subject overrides those for each subject with the same key: quotas of
    /// the same unit, period and model; rate limits of the same model as a whole.
    pub fn override_key(&self) -> (Option<(Unit, Option<Period>)>, Option<ModelIndex>) {
        let of_quota = self.quota().map(|quota| (quota.unit, Some(quota.period)));
        (of_quota, self.model)
    }
}
