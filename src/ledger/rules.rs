//! Quotas and rate limits as a check asks them, and which of them concern whom.
//!
//! What is counted for whom is in `subjects.rs`; that a request fits is decided in `asking.rs`.

use std::sync::Arc;

use hashbrown::HashMap;
use slab::Slab;

use crate::domain::Time;
use crate::domain::attribution::{SubjectKind, SubjectMap};
use crate::domain::boost::Boost;
use crate::domain::calendar::{Calendar, Window, Windows};
use crate::domain::check::LimitPeriod;
use crate::domain::quota::{
    EACH_RULES_MAX, Enforcement, Period, Quota, RESOURCES_MAX, SUBJECT_RULES_MAX, Scope, Unit,
};
use crate::domain::rate_limit::{RateLimit, RateWindow};
use crate::ledger::Error;

/// One limit of a quota or rate limit.
#[derive(Clone, Debug)]
pub struct Rule {
    pub of: Of,
    pub kind: SubjectKind,
    /// Index of the only model that counts.
    pub model: Option<u32>,
    pub unit: Unit,
    pub window: RuleWindow,
    /// Absent where a subject is excepted.
    pub limit: Option<i64>,
    pub enforcement: Enforcement,
    /// Boosts that are not over.
    pub boosts: Vec<Arc<Boost>>,
}

/// What a rule is made of.
#[derive(Clone, Debug)]
pub enum Of {
    Quota(Arc<Quota>),
    RateLimit(Arc<RateLimit>),
}

/// Over which window a rule counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RuleWindow {
    Fixed(Period),
    /// Until it is reset by hand: since this time.
    Since(Time),
    Sliding(RateWindow),
}

/// One rule that concerns a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub rule: u32,
    /// Another rule, which names the subject, takes its place: it counts and is not asked.
    pub overruled: bool,
}

/// All rules that concern a subject, in the order in which they are asked: those of windows that
/// stand, then those of windows that slide.
#[derive(Debug, Default)]
pub struct RuleSet {
    entries: Box<[Entry]>,
    standing: usize,
}

impl RuleSet {
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Quotas.
    pub fn standing(&self) -> &[Entry] {
        &self.entries[..self.standing]
    }

    /// Rate limits.
    pub fn sliding(&self) -> &[Entry] {
        &self.entries[self.standing..]
    }
}

/// All quotas and rate limits of a workspace.
pub struct Rules {
    rules: Slab<Rule>,
    quotas: HashMap<Arc<str>, u32>,
    rate_limits: HashMap<Arc<str>, Vec<u32>>,
    /// Rules for each subject, by kind, and the set of subjects that no rule names.
    each: SubjectMap<Vec<u32>>,
    each_sets: SubjectMap<Arc<RuleSet>>,
    /// Rules that name a subject.
    named: SubjectMap<HashMap<Arc<str>, Vec<u32>>>,
}

impl Default for Rules {
    fn default() -> Rules {
        Rules {
            rules: Slab::new(),
            quotas: HashMap::new(),
            rate_limits: HashMap::new(),
            each: Default::default(),
            each_sets: Default::default(),
            named: Default::default(),
        }
    }
}

impl Rule {
    pub fn of_quota(quota: Arc<Quota>, model: Option<u32>, boosts: Vec<Arc<Boost>>) -> Rule {
        let window = match quota.period {
            Period::UntilReset => RuleWindow::Since(quota.window_start),
            period => RuleWindow::Fixed(period),
        };
        Rule {
            kind: quota.scope.kind,
            model,
            unit: quota.unit,
            window,
            limit: quota.limit,
            enforcement: quota.enforcement,
            boosts,
            of: Of::Quota(quota),
        }
    }

    /// One rule for each of its limits.
    pub fn of_rate_limit(limit: &Arc<RateLimit>, model: Option<u32>) -> Vec<Rule> {
        let rule = |(span, unit, amount)| Rule {
            of: Of::RateLimit(limit.clone()),
            kind: limit.scope.kind,
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
        match &self.of {
            Of::Quota(quota) => &quota.id,
            Of::RateLimit(limit) => &limit.id,
        }
    }

    pub fn create_time(&self) -> Time {
        match &self.of {
            Of::Quota(quota) => quota.create_time,
            Of::RateLimit(limit) => limit.create_time,
        }
    }

    pub fn scope(&self) -> &Scope {
        match &self.of {
            Of::Quota(quota) => &quota.scope,
            Of::RateLimit(limit) => &limit.scope,
        }
    }

    pub fn quota(&self) -> Option<&Arc<Quota>> {
        match &self.of {
            Of::Quota(quota) => Some(quota),
            Of::RateLimit(_) => None,
        }
    }

    pub fn thresholds(&self) -> &[u16] {
        match &self.of {
            Of::Quota(quota) => &quota.thresholds,
            Of::RateLimit(_) => &[],
        }
    }

    pub fn slides(&self) -> bool {
        matches!(self.window, RuleWindow::Sliding(_))
    }

    pub fn period(&self) -> LimitPeriod {
        match self.window {
            RuleWindow::Fixed(period) => LimitPeriod::Fixed(period),
            RuleWindow::Since(_) => LimitPeriod::Fixed(Period::UntilReset),
            RuleWindow::Sliding(span) => LimitPeriod::Sliding(span),
        }
    }

    /// Whether requests on a model count.
    pub fn counts(&self, model: u32) -> bool {
        self.model.is_none_or(|only| only == model)
    }

    /// The limit for a subject, with the boosts in force.
    pub fn limit_for(&self, subject_id: &str, now: Time) -> Option<i64> {
        let limit = self.limit?;
        if self.boosts.is_empty() {
            return Some(limit);
        }
        let active = self.boosts.iter().filter(|boost| boost.is_active(now));
        let of_subject = active.filter(|boost| boost.target.is_for(subject_id));
        Some(of_subject.fold(limit, |limit, boost| limit.saturating_add(boost.amount)))
    }

    /// Start of the running window; none of one that slides.
    pub fn running(&self, windows: &Windows) -> Option<(Time, Option<Time>)> {
        match self.window {
            RuleWindow::Fixed(period) => {
                let window = windows.of(period)?;
                Some((window.start, Some(window.end)))
            }
            RuleWindow::Since(start) => Some((start, None)),
            RuleWindow::Sliding(_) => None,
        }
    }

    /// Start of the window that `time` is charged to; none of one that slides, and of one that is
    /// reset by hand for what was before.
    pub fn start_at(&self, calendar: &Calendar, windows: &Windows, time: Time) -> Option<Time> {
        match self.window {
            RuleWindow::Fixed(period) => {
                let running = windows.of(period)?;
                if running.contains(time) {
                    return Some(running.start);
                }
                calendar.window(period, time).map(|window: Window| window.start)
            }
            RuleWindow::Since(start) => (time >= start).then_some(start),
            RuleWindow::Sliding(_) => None,
        }
    }

    /// Those of one subject are asked in this order.
    fn order(&self) -> (bool, &Arc<str>, RuleWindow, Unit) {
        (self.slides(), self.id(), self.window, self.unit)
    }

    /// A rule that names a subject takes the place of those of the same slot: quotas of the same
    /// unit, period and model; of rate limits the whole of one for the same model.
    fn slot(&self) -> (Option<(Unit, Option<Period>)>, Option<u32>) {
        let of_quota = self.quota().map(|quota| (quota.unit, Some(quota.period)));
        (of_quota, self.model)
    }
}

impl Rules {
    pub fn get(&self, rule: u32) -> &Rule {
        &self.rules[rule as usize]
    }

    pub fn get_mut(&mut self, rule: u32) -> &mut Rule {
        &mut self.rules[rule as usize]
    }

    pub fn quota(&self, id: &str) -> Option<(u32, &Arc<Quota>)> {
        let rule = *self.quotas.get(id)?;
        self.get(rule).quota().map(|quota| (rule, quota))
    }

    pub fn rate_limit(&self, id: &str) -> Option<(&[u32], &Arc<RateLimit>)> {
        let rules = self.rate_limits.get(id)?;
        match &self.get(*rules.first()?).of {
            Of::RateLimit(limit) => Some((rules, limit)),
            Of::Quota(_) => None,
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (u32, &Rule)> {
        self.rules.iter().map(|(index, rule)| (number(index), rule))
    }

    /// The rules that name a subject.
    pub fn named(&self, kind: SubjectKind, subject_id: &str) -> &[u32] {
        self.named[kind].get(subject_id).map_or(&[], Vec::as_slice)
    }

    /// The rules for each subject of a kind.
    pub fn each(&self, kind: SubjectKind) -> &[u32] {
        &self.each[kind]
    }

    /// The set of subjects that no rule names.
    pub fn each_set(&self, kind: SubjectKind) -> &Arc<RuleSet> {
        &self.each_sets[kind]
    }

    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether any rule concerns subjects of a kind.
    pub fn concern(&self, kind: SubjectKind) -> bool {
        !self.each[kind].is_empty() || !self.named[kind].is_empty()
    }

    /// The set of one subject.
    pub fn set_of(&self, kind: SubjectKind, subject_id: &str) -> Arc<RuleSet> {
        let named = self.named(kind, subject_id);
        if named.is_empty() {
            return self.each_set(kind).clone();
        }
        let overruled = |rule: u32| {
            let slot = self.get(rule).slot();
            named.iter().any(|other| self.get(*other).slot() == slot)
        };
        let each = self.each(kind).iter();
        let each = each.map(|rule| Entry { rule: *rule, overruled: overruled(*rule) });
        let named = named.iter().map(|rule| Entry { rule: *rule, overruled: false });
        self.in_order(each.chain(named).collect())
    }

    /// Adds a rule; sets of subjects are to be made anew.
    pub fn add(&mut self, rule: Rule) -> u32 {
        let scope = rule.scope().clone();
        let id = rule.id().clone();
        let is_quota = rule.quota().is_some();
        let index = number(self.rules.insert(rule));
        match is_quota {
            true => drop(self.quotas.insert(id, index)),
            false => self.rate_limits.entry(id).or_default().push(index),
        }
        match scope.subject_id {
            None => {
                self.each[scope.kind].push(index);
                self.renew_each_set(scope.kind);
            }
            Some(subject_id) => {
                self.named[scope.kind].entry(subject_id).or_default().push(index);
            }
        }
        index
    }

    /// Takes a rule out; sets of subjects are to be made anew, and its counters to be forgotten.
    pub fn remove(&mut self, index: u32) -> Rule {
        let rule = self.rules.remove(index as usize);
        let scope = rule.scope().clone();
        if rule.quota().is_some() {
            self.quotas.remove(rule.id());
        } else if let Some(rules) = self.rate_limits.get_mut(rule.id()) {
            rules.retain(|other| *other != index);
            if rules.is_empty() {
                self.rate_limits.remove(rule.id());
            }
        }
        match scope.subject_id {
            None => {
                self.each[scope.kind].retain(|other| *other != index);
                self.renew_each_set(scope.kind);
            }
            Some(subject_id) => {
                let named = &mut self.named[scope.kind];
                if let Some(rules) = named.get_mut(&subject_id) {
                    rules.retain(|other| *other != index);
                    if rules.is_empty() {
                        named.remove(&subject_id);
                    }
                }
            }
        }
        rule
    }

    /// Rules of the same scope, for each subject or naming the same one.
    pub fn of_scope<'a>(&'a self, scope: &'a Scope) -> impl Iterator<Item = &'a Rule> {
        let rules = match &scope.subject_id {
            None => self.each(scope.kind),
            Some(subject_id) => self.named(scope.kind, subject_id),
        };
        let rules = rules.iter().map(|rule| self.get(*rule));
        rules.filter(move |rule| rule.scope() == scope)
    }

    /// Whether one more quota or rate limit of a scope stays within the bounds.
    ///
    /// # Errors
    /// If it does not.
    pub fn room_for(&self, scope: &Scope) -> Result<(), Error> {
        // A rate limit makes up to three rules.
        let (rules, bound, max) = match &scope.subject_id {
            None => {
                (self.each(scope.kind).len(), "rules for each member of a kind", EACH_RULES_MAX)
            }
            Some(subject_id) => {
                let named = self.named(scope.kind, subject_id).len();
                (named, "rules that name one member", SUBJECT_RULES_MAX)
            }
        };
        let bounded = |count: usize, bound, max: usize| match count < max {
            true => Ok(()),
            false => {
                Err(Error::BoundReached { bound, max: i64::try_from(max).unwrap_or(i64::MAX) })
            }
        };
        bounded(rules, bound, max)?;
        bounded(self.rules.len(), "quotas and rate limits of a workspace", RESOURCES_MAX)
    }

    fn renew_each_set(&mut self, kind: SubjectKind) {
        let each = self.each(kind).iter();
        let entries = each.map(|rule| Entry { rule: *rule, overruled: false }).collect();
        self.each_sets[kind] = self.in_order(entries);
    }

    fn in_order(&self, mut entries: Vec<Entry>) -> Arc<RuleSet> {
        entries.sort_by(|a, b| self.get(a.rule).order().cmp(&self.get(b.rule).order()));
        let standing = entries.partition_point(|entry| !self.get(entry.rule).slides());
        Arc::new(RuleSet { entries: entries.into(), standing })
    }
}

fn number(index: usize) -> u32 {
    u32::try_from(index).expect("rules are bounded")
}
