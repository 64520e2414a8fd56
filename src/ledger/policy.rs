//! Changes of what bounds the members of a workspace, and what the usage log must be asked before
//! they apply: a rule that is made today counts what was used since its window began.
//!
//! Nothing here changes what was spent (I9).

use std::sync::Arc;

use super::calendar::{Calendar, Windows};
use super::decision::Error;
use super::hold::Hold;
use super::quota::{
    Answers, ApiKey, Boost, BoostTarget, KeyGroup, Policy, Questions, Quota, RateLimit, Scope,
    Sent, SentQuery, SubjectKind, Used, UsedQuery,
};
use super::rate::counts_from;
use super::rules::{Rule, RuleWindow};
use super::state::{Ledger, calendar_of};
use super::time::Time;
use super::workspace::Workspace;

/// Up to so many members that rules name are asked for one by one, when a workspace is loaded.
const ASKED_BY_NAME_MAX: usize = 8;

impl Ledger {
    /// What the usage log must be asked before [`Ledger::set_policy`].
    pub fn questions_of_policy(workspace: &Workspace, policy: &Policy, now: Time) -> Questions {
        let calendar = calendar_of(workspace);
        let windows = Windows::at(&calendar, now);
        let mut questions = Questions::default();
        for quota in &policy.quotas {
            ask_used(&mut questions, quota, &calendar, &windows);
        }
        for limit in &policy.rate_limits {
            ask_sent(&mut questions, limit, now);
        }
        in_few(questions)
    }

    /// Takes everything that was set, when a ledger is loaded.
    pub fn set_policy(&mut self, now: Time, policy: Policy, answers: Answers) {
        self.advance(now);
        for group in policy.key_groups {
            self.keys.put_group(group);
        }
        for key in policy.api_keys {
            self.keys.put(key);
        }
        for boost in policy.boosts {
            self.boosts.insert(boost.id.clone(), Arc::new(boost));
        }
        let mut rules = Vec::new();
        for quota in policy.quotas {
            rules.push(self.rule_of_quota(Arc::new(quota)));
        }
        for limit in policy.rate_limits {
            rules.extend(self.rules_of_rate_limit(Arc::new(limit)));
        }
        for rule in rules {
            let number = self.rules.add(rule);
            self.keep_named(number);
        }
        for kind in SubjectKind::ALL {
            self.renew_sets(kind, None);
            self.link_holds(kind);
        }
        self.count_answers(&answers, None);
        self.count_holds(None);
        self.policy_changed();
    }

    /// What the usage log must be asked before [`Ledger::put_quota`]; nothing if only the limit or
    /// what it does changes.
    pub fn questions_of_quota(&mut self, now: Time, quota: &Quota) -> Questions {
        self.advance(now);
        let mut questions = Questions::default();
        let known = self.rules.quota(&quota.id);
        if !known.is_some_and(|(_, before)| counts_alike(before, quota)) {
            ask_used(&mut questions, quota, &self.calendar, &self.windows);
        }
        questions
    }

    /// Inserts a quota or replaces the one of the same id.
    pub fn put_quota(&mut self, now: Time, quota: Quota, answers: Answers) {
        self.advance(now);
        let rule = self.rule_of_quota(Arc::new(quota));
        let known = self.rules.quota(rule.id()).map(|(number, before)| (number, before.clone()));
        match (known, rule.quota()) {
            (Some((number, before)), Some(quota)) if counts_alike(&before, quota) => {
                *self.rules.get_mut(number) = rule;
            }
            (known, _) => {
                if let Some((number, _)) = known {
                    self.drop_rule(number);
                }
                self.add_rule(rule, &answers);
            }
        }
        self.policy_changed();
    }

    /// Takes a quota out, with its boosts.
    pub fn remove_quota(&mut self, now: Time, id: &str) {
        self.advance(now);
        let Some((number, _)) = self.rules.quota(id) else { return };
        self.drop_rule(number);
        self.boosts.retain(|_, boost| !is_for_quota(boost, id));
        self.policy_changed();
    }

    /// What the usage log must be asked before [`Ledger::put_rate_limit`].
    pub fn questions_of_rate_limit(&mut self, now: Time, limit: &RateLimit) -> Questions {
        let now = self.advance(now);
        let mut questions = Questions::default();
        ask_sent(&mut questions, limit, now);
        // Windows and units that are bounded already have been counted.
        if let Some((rules, _)) = self.rules.rate_limit(&limit.id) {
            let is_counted = limit.limits().all(|(span, unit, _)| {
                rules.iter().any(|rule| {
                    let rule = self.rules.get(*rule);
                    rule.window == RuleWindow::Sliding(span) && rule.unit == unit
                })
            });
            if is_counted {
                questions.sent.clear();
            }
        }
        questions
    }

    /// Inserts a rate limit or replaces the one of the same id and scope. What was counted stays.
    pub fn put_rate_limit(&mut self, now: Time, limit: RateLimit, answers: Answers) {
        self.advance(now);
        let limit = Arc::new(limit);
        let known =
            self.rules.rate_limit(&limit.id).map_or(Vec::new(), |(rules, _)| rules.to_vec());
        let mut fresh = self.rules_of_rate_limit(limit);
        for number in known {
            let rule = self.rules.get(number);
            let same = |other: &Rule| other.window == rule.window && other.unit == rule.unit;
            match fresh.iter().position(same) {
                Some(index) => *self.rules.get_mut(number) = fresh.swap_remove(index),
                None => self.drop_rule(number),
            }
        }
        for rule in fresh {
            self.add_rule(rule, &answers);
        }
        self.policy_changed();
    }

    pub fn remove_rate_limit(&mut self, now: Time, id: &str) {
        self.advance(now);
        let rules = self.rules.rate_limit(id).map_or(Vec::new(), |(rules, _)| rules.to_vec());
        for number in rules {
            self.drop_rule(number);
        }
        self.policy_changed();
    }

    /// Inserts a key or replaces the one of the same id. What it used stays with the group it was
    /// in.
    pub fn put_api_key(&mut self, now: Time, key: ApiKey) {
        self.advance(now);
        self.keys.put(key);
        self.revision += 1;
    }

    pub fn remove_api_key(&mut self, now: Time, id: &str) {
        self.advance(now);
        self.keys.remove(id);
        self.revision += 1;
    }

    pub fn put_key_group(&mut self, now: Time, group: KeyGroup) {
        self.advance(now);
        self.keys.put_group(group);
        self.revision += 1;
    }

    pub fn remove_key_group(&mut self, now: Time, id: &str) {
        self.advance(now);
        self.keys.remove_group(id);
        self.revision += 1;
    }

    /// Inserts a boost or replaces the one of the same id.
    pub fn put_boost(&mut self, now: Time, boost: Boost) {
        let now = self.advance(now);
        self.boosts.insert(boost.id.clone(), Arc::new(boost));
        self.boosts.retain(|_, boost| !boost.is_over(now));
        for number in self.rules.iter().map(|(number, _)| number).collect::<Vec<u32>>() {
            let Some(quota) = self.rules.get(number).quota() else { continue };
            let boosts = self.boosts_of(&quota.id);
            self.rules.get_mut(number).boosts = boosts;
        }
        self.policy_changed();
    }

    /// What the usage log must be asked before [`Ledger::set_workspace`]: nothing if the windows
    /// stay as they are.
    pub fn questions_of_recut(&self, workspace: &Workspace, now: Time) -> Questions {
        let calendar = calendar_of(workspace);
        let mut questions = Questions::default();
        if calendar != self.calendar {
            let windows = Windows::at(&calendar, now.max(self.now));
            for (_, rule) in self.rules.iter() {
                if let Some(quota) = rule.quota() {
                    ask_used(&mut questions, quota, &calendar, &windows);
                }
            }
        }
        in_few(questions)
    }

    /// Counts anew in windows that were cut anew.
    pub(super) fn recount(&mut self, answers: &Answers) {
        for (_, subject) in self.subjects.iter_mut() {
            subject.counters.clear();
        }
        self.count_answers(answers, None);
        self.count_holds(None);
    }

    pub fn quota(&self, id: &str) -> Option<&Arc<Quota>> {
        self.rules.quota(id).map(|(_, quota)| quota)
    }

    pub fn rate_limit(&self, id: &str) -> Option<&Arc<RateLimit>> {
        self.rules.rate_limit(id).map(|(_, limit)| limit)
    }

    pub fn api_key(&self, id: &str) -> Option<&Arc<ApiKey>> {
        self.keys.key(id)
    }

    pub fn key_group(&self, id: &str) -> Option<&Arc<KeyGroup>> {
        self.keys.group(id)
    }

    /// How many keys are in a group.
    pub fn keys_in_group(&self, group_id: &str) -> i64 {
        self.keys.size_of(group_id)
    }

    /// Boosts that are not over, in no particular order.
    pub fn boosts(&self) -> impl Iterator<Item = &Arc<Boost>> {
        self.boosts.values().filter(|boost| !boost.is_over(self.now))
    }

    /// The quota of the same scope, unit and period under another id.
    pub fn rival_quota(&self, quota: &Quota) -> Option<Arc<str>> {
        let mut others = self.rules.of_scope(&quota.scope).filter_map(Rule::quota);
        let rival = others.find(|other| {
            other.id != quota.id && (other.unit, other.period) == (quota.unit, quota.period)
        });
        rival.map(|rival| rival.id.clone())
    }

    /// The rate limit of the same scope under another id.
    pub fn rival_rate_limit(&self, limit: &RateLimit) -> Option<Arc<str>> {
        let mut others = self.rules.of_scope(&limit.scope).filter(|rule| rule.slides());
        others.find(|other| *other.id() != limit.id).map(|rival| rival.id().clone())
    }

    /// A quota or rate limit that names a member, for people.
    pub fn names_member(&self, kind: SubjectKind, id: &str) -> Option<String> {
        let rule = self.rules.get(*self.rules.named(kind, id).first()?);
        let what = if rule.slides() { "rate limit" } else { "quota" };
        Some(format!("{what} \"{}\"", rule.id()))
    }

    /// Whether one more quota or rate limit of a scope stays within the bounds.
    ///
    /// # Errors
    /// If it does not.
    pub fn room_for_rule(&self, scope: &Scope) -> Result<(), Error> {
        self.rules.room_for(scope)
    }

    fn rule_of_quota(&mut self, quota: Arc<Quota>) -> Rule {
        let model = self.model_of(&quota.scope);
        let boosts = self.boosts_of(&quota.id);
        Rule::of_quota(quota, model, boosts)
    }

    fn rules_of_rate_limit(&mut self, limit: Arc<RateLimit>) -> Vec<Rule> {
        let model = self.model_of(&limit.scope);
        Rule::of_rate_limit(&limit, model)
    }

    fn model_of(&mut self, scope: &Scope) -> Option<u32> {
        let model_id = scope.model_id.clone()?;
        Some(super::check::model_number(self.model_index(&model_id)))
    }

    fn boosts_of(&self, quota_id: &str) -> Vec<Arc<Boost>> {
        let boosts = self.boosts.values().filter(|boost| is_for_quota(boost, quota_id));
        boosts.cloned().collect()
    }

    /// Adds a rule, with what the log and the live holds say of it.
    fn add_rule(&mut self, rule: Rule, answers: &Answers) {
        let kind = rule.kind;
        let member = rule.scope().member.clone();
        let number = self.rules.add(rule);
        self.keep_named(number);
        self.renew_sets(kind, member.as_deref());
        self.link_holds(kind);
        self.count_answers(answers, Some(number));
        self.count_holds(Some(number));
    }

    fn drop_rule(&mut self, number: u32) {
        let rule = self.rules.remove(number);
        let member = rule.scope().member.clone();
        match &member {
            Some(member) => {
                if let Some(slot) = self.subjects.find(rule.kind, member) {
                    let named = !self.rules.named(rule.kind, member).is_empty();
                    let subject = self.subjects.get_mut(slot);
                    subject.named = named;
                    subject.forget(number);
                }
            }
            None => {
                for (_, subject) in self.subjects.iter_mut() {
                    if subject.kind == rule.kind {
                        subject.forget(number);
                    }
                }
            }
        }
        self.renew_sets(rule.kind, member.as_deref());
    }

    /// A member that a rule names is kept, also while it is idle.
    fn keep_named(&mut self, number: u32) {
        let rule = self.rules.get(number);
        let Some(member) = rule.scope().member.clone() else { return };
        let kind = rule.kind;
        match self.subjects.find(kind, &member) {
            Some(slot) => self.subjects.get_mut(slot).named = true,
            None => {
                let set = self.rules.set_of(kind, &member);
                self.subjects.add(kind, &member, set, true);
            }
        }
    }

    /// Finds out anew which rules concern a member, or all members of a kind.
    fn renew_sets(&mut self, kind: SubjectKind, member: Option<&str>) {
        if let Some(member) = member {
            if let Some(slot) = self.subjects.find(kind, member) {
                self.subjects.get_mut(slot).set = self.rules.set_of(kind, member);
            }
            return;
        }
        for (_, subject) in self.subjects.iter_mut() {
            if subject.kind == kind {
                subject.set = self.rules.set_of(kind, &subject.id);
            }
        }
    }

    /// Lets live holds count for members that no rule concerned when they were taken.
    fn link_holds(&mut self, kind: SubjectKind) {
        if !self.rules.concern(kind) {
            return;
        }
        for hold in self.holds.iter_mut() {
            if hold.slots[kind as usize] != super::asking::NO_SUBJECT {
                continue;
            }
            let members =
                super::asking::members(hold.attribution.as_ref(), self.keys.group_name(hold.group));
            let member = members[kind as usize];
            if member.is_empty() && kind != SubjectKind::Workspace {
                continue;
            }
            let each = self.rules.each_set(kind);
            let slot = match self.subjects.find(kind, member) {
                Some(slot) => slot,
                None if each.is_empty() => continue,
                None => self.subjects.add(kind, member, each.clone(), false),
            };
            self.subjects.get_mut(slot).holds += 1;
            hold.slots[kind as usize] = slot;
        }
    }

    /// Counts what the log says, for all rules or for one.
    fn count_answers(&mut self, answers: &Answers, only: Option<u32>) {
        for (query, rows) in &answers.used {
            for (member, used) in rows {
                self.count_used(query, member, used, only);
            }
        }
        for (query, rows) in &answers.sent {
            for row in rows {
                self.count_sent(query, row, only);
            }
        }
    }

    fn count_used(&mut self, query: &UsedQuery, member: &str, used: &Used, only: Option<u32>) {
        let Some(slot) = self.slot_to_count(query.scope.kind, member) else { return };
        let subject = self.subjects.get_mut(slot);
        for entry in subject.set.clone().standing() {
            let number = entry.rule;
            let rule = self.rules.get(number);
            let start = rule.start_at(&self.calendar, &self.windows, query.from);
            let is_asked = only.is_none_or(|only| only == number)
                && start == Some(query.from)
                && end_of(rule, &self.calendar, query.from) == query.to
                && rule.scope().model_id == query.scope.model_id;
            if is_asked {
                subject.counter(number, query.from).spent = used.in_unit(rule.unit);
            }
        }
    }

    fn count_sent(&mut self, query: &SentQuery, row: &Sent, only: Option<u32>) {
        let now = self.now;
        let Some(slot) = self.slot_to_count(query.scope.kind, &row.member) else { return };
        let subject = self.subjects.get_mut(slot);
        for entry in subject.set.clone().sliding() {
            let number = entry.rule;
            let rule = self.rules.get(number);
            let RuleWindow::Sliding(span) = rule.window else { continue };
            let is_asked = only.is_none_or(|only| only == number)
                && span.bucket() == query.bucket
                && rule.scope().model_id == query.scope.model_id;
            if is_asked {
                let sent = Used { tokens: row.tokens, requests: row.requests, ..Used::default() };
                let rate = subject.rate_mut(number, span);
                rate.add_to(now, row.bucket, sent.in_unit(rule.unit));
            }
        }
    }

    /// The slot of a member that rules concern; added if it is not there.
    pub(super) fn slot_to_count(&mut self, kind: SubjectKind, member: &str) -> Option<u32> {
        if let Some(slot) = self.subjects.find(kind, member) {
            return Some(slot);
        }
        let each = self.rules.each_set(kind).clone();
        (!each.is_empty()).then(|| self.subjects.add(kind, member, each, false))
    }

    /// Counts live holds, for all rules or for one: what they hold, and in rate limits that they
    /// were sent.
    fn count_holds(&mut self, only: Option<u32>) {
        let clockwork = self.clockwork();
        let holds: Vec<&Hold> = self.holds.iter().collect();
        for hold in holds {
            for slot in super::asking::real(&hold.slots) {
                let subject = self.subjects.get_mut(slot);
                subject.count_hold(&self.rules, &clockwork, hold, only);
            }
        }
    }

    /// After any change of rules: what is due is raised, and the ranking is made anew.
    fn policy_changed(&mut self) {
        self.ranking.reset();
        self.raise_all();
        self.revision += 1;
    }
}

/// What must be known of a quota: the running window, and the next, into which records of clocks
/// that are ahead may fall.
fn ask_used(questions: &mut Questions, quota: &Quota, calendar: &Calendar, windows: &Windows) {
    let mut ask = |from, to| {
        questions.used.push(UsedQuery { scope: quota.scope.clone(), from, to });
    };
    match windows.of(quota.period) {
        None => ask(quota.window_start, Time::LATEST),
        Some(running) => {
            ask(running.start, running.end);
            if let Some(next) = calendar.window(quota.period, running.end) {
                ask(next.start, next.end);
            }
        }
    }
}

fn ask_sent(questions: &mut Questions, limit: &RateLimit, now: Time) {
    let mut spans: Vec<_> = limit.limits().map(|(span, _, _)| span).collect();
    spans.dedup();
    for span in spans {
        questions.sent.push(SentQuery {
            scope: limit.scope.clone(),
            from: counts_from(span, now),
            bucket: span.bucket(),
        });
    }
}

/// The same questions with each asked once: for all members where many are named.
fn in_few(questions: Questions) -> Questions {
    let everybody = |scope: &Scope| Scope { member: None, ..scope.clone() };
    let used = few(questions.used, |query| UsedQuery { scope: everybody(&query.scope), ..*query });
    let sent = few(questions.sent, |query| SentQuery { scope: everybody(&query.scope), ..*query });
    Questions { used, sent }
}

fn few<Q: Clone + Eq + std::hash::Hash>(queries: Vec<Q>, everybody: impl Fn(&Q) -> Q) -> Vec<Q> {
    let mut groups: hashbrown::HashMap<Q, Vec<Q>> = hashbrown::HashMap::new();
    let mut order = Vec::new();
    for query in queries {
        let of_all = everybody(&query);
        let group = groups.entry(of_all.clone()).or_insert_with(|| {
            order.push(of_all.clone());
            Vec::new()
        });
        if !group.contains(&of_all) {
            match query == of_all || group.len() >= ASKED_BY_NAME_MAX {
                true => *group = vec![of_all],
                false if !group.contains(&query) => group.push(query),
                false => {}
            }
        }
    }
    order.iter().flat_map(|of_all| groups.remove(of_all).unwrap_or_default()).collect()
}

/// End of the window of a rule that begins at `start`, as it is asked for.
fn end_of(rule: &Rule, calendar: &Calendar, start: Time) -> Time {
    match rule.window {
        RuleWindow::Fixed(period) => {
            calendar.window(period, start).map_or(Time::LATEST, |window| window.end)
        }
        RuleWindow::Since(_) | RuleWindow::Sliding(_) => Time::LATEST,
    }
}

/// Whether what one quota has counted is what the other would have.
fn counts_alike(a: &Quota, b: &Quota) -> bool {
    let of = |quota: &Quota| {
        let since = quota.period == super::quota::Period::UntilReset;
        (quota.scope.clone(), quota.unit, quota.period, since.then_some(quota.window_start))
    };
    of(a) == of(b)
}

fn is_for_quota(boost: &Boost, id: &str) -> bool {
    matches!(&boost.target, BoostTarget::Quota { quota_id, .. } if **quota_id == *id)
}
