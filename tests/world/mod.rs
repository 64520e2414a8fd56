//! One ledger with the simplest possible writer and log around it: what the engine is to the
//! ledger in production, without tasks, batches or failures.
//!
//! It decides nothing. After every step the ledger must agree with itself, see
//! `Ledger::assert_invariants`.
#![allow(dead_code, reason = "each test target uses its part of it")]

mod log;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tollgate::domain::alert::{Alert, AlertKey, AlertSubject, large_record_day};
use tollgate::domain::api_key::{ApiKey, KeyGroup};
use tollgate::domain::attribution::SubjectKind;
use tollgate::domain::backfill::LimitConfig;
use tollgate::domain::boost::{Boost, BoostTarget};
use tollgate::domain::catalog::Catalog;
use tollgate::domain::catalog::price::Quote;
use tollgate::domain::check::{BudgetStatus, Check, Decision};
use tollgate::domain::quota::{Quota, Scope};
use tollgate::domain::rate_limit::RateLimit;
use tollgate::domain::record::{CreditReport, EXPIRY_ATTEMPT, Record, RecordKind, UsageReport};
use tollgate::domain::time::MICROS_PER_DAY;
use tollgate::domain::time::calendar::Window;
use tollgate::domain::usage::{Note, Usage};
use tollgate::domain::workspace::freeze::{Freeze, FrozenSubject};
use tollgate::domain::workspace::{ModelAlias, Workspace, WorkspaceModel};
use tollgate::domain::{Amount, Time};
use tollgate::ledger::{
    Error, ExpiryCharge, HoldFilter, HoldView, Ledger, Placement, RECORDED_REQUESTS_MAX,
    RestoredHold, Void, WindowSpend,
};

pub struct World {
    pub now: Time,
    pub workspace: Workspace,
    pub models: Vec<WorkspaceModel>,
    pub catalog: Arc<Catalog>,
    /// What was set for subjects.
    pub policy: LimitConfig,
    /// User and department, as the directory says.
    pub departments: Vec<(String, String)>,
    pub model_aliases: Vec<ModelAlias>,
    pub ledger: Ledger,
    /// The usage log.
    pub log: Vec<Record>,
    /// Every alert that was raised and stored.
    pub alerts: Vec<Alert>,
    /// Alerts of windows that had not begun by the clock when the ledger was loaded, because the
    /// clock was set back: it does not know them, and may raise each again. Storage knows its key.
    ahead: Vec<AlertKey>,
    seq: i64,
}

/// What became of an entry that was handed to the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    New(BudgetStatus),
    /// Its key is there already, with the same content: the entry that is there.
    Duplicate(Box<Record>, BudgetStatus),
    /// Its key is there already, with other content.
    Reused,
}

impl World {
    pub fn new(workspace: Workspace, now: Time) -> World {
        let catalog = Arc::new(Catalog::default());
        let spend = Vec::new();
        let ledger = Ledger::new(workspace.clone(), Vec::new(), catalog.clone(), spend, now);
        World {
            now,
            workspace,
            models: Vec::new(),
            catalog,
            policy: LimitConfig::default(),
            departments: Vec::new(),
            model_aliases: Vec::new(),
            ledger,
            log: Vec::new(),
            alerts: Vec::new(),
            ahead: Vec::new(),
            seq: 0,
        }
    }

    pub fn check(&mut self, check: Check) -> Result<Decision, Error> {
        let decision = self.ledger.check(self.now, check);
        self.ledger.assert_invariants();
        decision
    }

    /// A whole record: priced, written, settled. Answers it as it was written at last.
    pub fn record(&mut self, report: UsageReport) -> Result<(Record, Outcome), Error> {
        let fingerprint = report.fingerprint();
        let request_id = report.request_id.clone();
        match self.prepare(report) {
            Ok(record) => self.commit(&record),
            Err(Error::StartTimeOutOfRange { .. }) => {
                let same = |entry: &&Record| {
                    entry.request_id == request_id && entry.is_usage_of(fingerprint)
                };
                let Some(existing) = self.log.iter().find(same).cloned() else {
                    return Err(Error::StartTimeOutOfRange { fingerprint });
                };
                let standing = self.ledger.budget_status();
                Ok((existing.clone(), Outcome::Duplicate(Box::new(existing), standing)))
            }
            Err(error) => Err(error),
        }
    }

    /// Prices a record. It is on its way until it is committed or lost.
    pub fn prepare(&mut self, mut report: UsageReport) -> Result<Record, Error> {
        let entries = self.entries(&report.request_id);
        if self.ledger.must_place(&report) {
            let sent = (&*report.request_id, report.attempt, report.fingerprint());
            match self.ledger.place(sent, &entries)? {
                Placement::New(attempt) => report.attempt = attempt,
                Placement::Repeat(existing) => report.attempt = existing.attempt,
                Placement::Taken => panic!("a live hold expects a record"),
            }
        }
        let check_time = ExpiryCharge::in_force(&entries).map(|charge| charge.entry.charge_time);
        self.seq += 1;
        let record = self.ledger.prepare(self.now, self.seq, report, check_time);
        self.ledger.assert_invariants();
        record
    }

    /// Writes a record that was prepared and settles it. Where the estimate of its expired hold
    /// was charged, that is taken back. Where its key is taken it may be another attempt: answers
    /// the record as it was written.
    pub fn commit(&mut self, record: &Record) -> Result<(Record, Outcome), Error> {
        let existing = self.log.iter().find(|entry| is_key_of(entry, record)).cloned();
        let Some(existing) = existing else {
            return Ok((record.clone(), Outcome::New(self.write(record))));
        };
        self.ledger.abandon(record);
        if existing.fingerprint == record.fingerprint {
            let standing = self.ledger.budget_status();
            return Ok((record.clone(), Outcome::Duplicate(Box::new(existing), standing)));
        }
        let entries = self.entries(&record.request_id);
        let sent = (&*record.request_id, record.attempt, record.fingerprint);
        match self.ledger.place(sent, &entries)? {
            Placement::Repeat(existing) => {
                let standing = self.ledger.budget_status();
                Ok((record.clone(), Outcome::Duplicate(existing, standing)))
            }
            Placement::Taken => Ok((record.clone(), Outcome::Reused)),
            Placement::New(attempt) => {
                let charge = ExpiryCharge::in_force(&entries);
                let check_time = charge.map(|charge| charge.entry.charge_time);
                self.seq += 1;
                let again = (record.clone(), attempt);
                let again = self.ledger.prepare_again(self.now, self.seq, again, check_time)?;
                let status = self.write(&again);
                Ok((again, Outcome::New(status)))
            }
        }
    }

    /// Writes a record whose key is not there, with what it takes back.
    fn write(&mut self, record: &Record) -> BudgetStatus {
        let mut records = vec![record.clone()];
        if let Some(charge) = ExpiryCharge::in_force(&self.entries(&record.request_id)) {
            self.seq += 1;
            let refund = charge.refund(self.seq, self.now);
            if self.ledger.add_pending(&refund).is_ok() {
                records.push(refund);
            }
        }
        let status = self.ledger.settle_together(self.now, &records);
        self.log.extend(records);
        self.ledger.assert_invariants();
        status
    }

    /// All entries of a request.
    fn entries(&self, request_id: &str) -> Vec<Record> {
        let of_request = self.log.iter().filter(|entry| *entry.request_id == *request_id);
        let mut entries: Vec<Record> = of_request.cloned().collect();
        entries.sort_by_key(|entry| (entry.attempt, entry.revision));
        entries
    }

    /// A record that was prepared does not reach the log.
    pub fn lose(&mut self, record: &Record) {
        self.ledger.abandon(record);
        self.ledger.assert_invariants();
    }

    /// Writes a correction of `cost` to an entry of the log.
    pub fn correct(&mut self, of: &Record, cost: Amount) {
        let same = self.log.iter().filter(|entry| same_attempt(entry, of));
        let revision = same.map(|entry| entry.revision).max().expect("it is in the log") + 1;
        self.seq += 1;
        let correction = Record {
            seq: self.seq,
            revision,
            kind: RecordKind::Correction,
            usage: Usage::default(),
            extras: None,
            answer: None,
            cost,
            large_above: None,
            latency: 0,
            record_time: self.now,
            ..of.clone()
        };
        if self.ledger.add_pending(&correction).is_ok() {
            self.ledger.settle(self.now, &correction);
            self.log.push(correction);
            self.ledger.assert_invariants();
        }
    }

    /// A whole credit: made, written, settled.
    pub fn credit(&mut self, report: CreditReport) -> (Record, Outcome) {
        self.seq += 1;
        let record = self.ledger.prepare_credit(self.now, self.seq, report, "ada");
        let record = record.expect("credits of tests stay within the bound");
        self.ledger.assert_invariants();
        let existing = self.log.iter().find(|entry| is_key_of(entry, &record)).cloned();
        let outcome = match existing {
            None => {
                let status = self.ledger.settle(self.now, &record);
                self.log.push(record.clone());
                Outcome::New(status)
            }
            Some(existing) => {
                self.ledger.abandon(&record);
                match existing.fingerprint == record.fingerprint {
                    true => {
                        let status = self.ledger.budget_status();
                        Outcome::Duplicate(Box::new(existing), status)
                    }
                    false => Outcome::Reused,
                }
            }
        };
        self.ledger.assert_invariants();
        (record, outcome)
    }

    /// Voids an attempt: its entries are made, written, settled.
    pub fn void(&mut self, request_id: &str, attempt: i32, reason: &str) -> Void {
        let mut entries = self.entries(request_id);
        entries.retain(|entry| entry.attempt == attempt);
        let (reference, actor) = (String::new(), "ada".to_owned());
        let note = Note { reason: reason.to_owned(), reference, actor };
        let seq = &mut self.seq;
        let next_seq = || {
            *seq += 1;
            *seq
        };
        let void = self.ledger.prepare_void(self.now, &entries, &note, next_seq);
        let void = void.expect("spend stays below its bound");
        if let Void::New(voids) = &void {
            self.ledger.settle_together(self.now, voids);
            self.log.extend(voids.iter().cloned());
        }
        self.ledger.assert_invariants();
        void
    }

    /// Writes what expired holds are to be charged. Answers how many were.
    pub fn charge_due(&mut self) -> usize {
        let due = self.ledger.take_due_charges(self.now);
        let mut charged = 0;
        for request_id in due {
            self.seq += 1;
            let record = self.ledger.prepare_expiry_charge(self.now, self.seq, &request_id);
            let Some(record) = record.expect("spend stays below its bound") else { continue };
            charged += 1;
            let entries = self.entries(&request_id);
            let revisions = entries.iter().filter(|entry| entry.attempt == EXPIRY_ATTEMPT);
            let last_revision = revisions.map(|entry| entry.revision).max();
            let in_force = ExpiryCharge::in_force(&entries).is_some();
            if in_force || (last_revision.is_some() && record.cost.is_zero()) {
                self.ledger.abandon(&record);
                self.ledger.expire_charged(&request_id);
                continue;
            }
            let revision = last_revision.map_or(0, |last| last + 1);
            let record = Record { revision, ..record };
            self.ledger.settle(self.now, &record);
            self.log.push(record);
        }
        self.ledger.assert_invariants();
        charged
    }

    pub fn set_workspace(&mut self, workspace: Workspace) {
        self.workspace = workspace.clone();
        let spend = self.spend(Ledger::windows_to_load(&workspace, self.now));
        let queries = self.ledger.backfill_for_workspace(&workspace, self.now);
        let backfill = log::backfill(&self.log, queries);
        self.ledger.set_workspace(self.now, workspace, spend, &backfill);
        self.ledger.assert_invariants();
    }

    pub fn put_freeze(&mut self, freeze: Freeze) {
        self.policy.freezes.retain(|other| other.subject != freeze.subject);
        self.policy.freezes.push(freeze.clone());
        self.ledger.put_freeze(self.now, freeze);
        self.ledger.assert_invariants();
    }

    pub fn remove_freeze(&mut self, subject: &FrozenSubject) {
        self.policy.freezes.retain(|freeze| freeze.subject != *subject);
        self.ledger.remove_freeze(self.now, subject.kind, &subject.id);
        self.ledger.assert_invariants();
    }

    /// Inserts a quota or replaces the one of the same id.
    pub fn put_quota(&mut self, quota: Quota) {
        self.policy.quotas.retain(|other| other.id != quota.id);
        self.policy.quotas.push(quota.clone());
        let queries = self.ledger.backfill_for_quota(self.now, &quota);
        let backfill = log::backfill(&self.log, queries);
        self.ledger.put_quota(self.now, quota, backfill);
        self.ledger.assert_invariants();
    }

    /// Takes a quota away, with its boosts.
    pub fn remove_quota(&mut self, id: &str) {
        self.policy.quotas.retain(|quota| *quota.id != *id);
        self.policy.boosts.retain(|boost| match &boost.target {
            BoostTarget::Envelope => true,
            BoostTarget::Quota { quota_id, .. } => **quota_id != *id,
        });
        self.ledger.remove_quota(self.now, id);
        self.ledger.assert_invariants();
    }

    pub fn put_rate_limit(&mut self, rate_limit: RateLimit) {
        self.policy.rate_limits.retain(|other| other.id != rate_limit.id);
        self.policy.rate_limits.push(rate_limit.clone());
        let queries = self.ledger.backfill_for_rate_limit(self.now, &rate_limit);
        let backfill = log::backfill(&self.log, queries);
        self.ledger.put_rate_limit(self.now, rate_limit, backfill);
        self.ledger.assert_invariants();
    }

    pub fn remove_rate_limit(&mut self, id: &str) {
        self.policy.rate_limits.retain(|rate_limit| *rate_limit.id != *id);
        self.ledger.remove_rate_limit(self.now, id);
        self.ledger.assert_invariants();
    }

    pub fn put_api_key(&mut self, key: ApiKey) {
        self.policy.api_keys.retain(|other| other.id != key.id);
        self.policy.api_keys.push(key.clone());
        self.ledger.put_api_key(self.now, key);
        self.ledger.assert_invariants();
    }

    pub fn remove_api_key(&mut self, id: &str) {
        self.policy.api_keys.retain(|key| *key.id != *id);
        self.ledger.remove_api_key(self.now, id);
        self.ledger.assert_invariants();
    }

    pub fn put_key_group(&mut self, group: KeyGroup) {
        self.policy.key_groups.retain(|other| other.id != group.id);
        self.policy.key_groups.push(group.clone());
        self.ledger.put_key_group(self.now, group);
        self.ledger.assert_invariants();
    }

    pub fn remove_key_group(&mut self, id: &str) {
        self.policy.key_groups.retain(|group| *group.id != *id);
        self.ledger.remove_key_group(self.now, id);
        self.ledger.assert_invariants();
    }

    /// Puts a user into a department; into none if that is empty.
    pub fn put_department(&mut self, user: &str, department: &str) {
        self.departments.retain(|(other, _)| other != user);
        if !department.is_empty() {
            self.departments.push((user.to_owned(), department.to_owned()));
        }
        self.ledger.put_departments(&[(user.to_owned(), department.to_owned())]);
        self.ledger.assert_invariants();
    }

    /// Forgets a user, in the log and in all that was set.
    pub fn erase_user(&mut self, user: &str, pseudonym: &str) {
        self.departments.retain(|(other, _)| other != user);
        let names = |scope: &Scope| {
            scope.kind == SubjectKind::User && scope.subject_id.as_deref() == Some(user)
        };
        let policy = &mut self.policy;
        let quotas = std::mem::take(&mut policy.quotas);
        let (gone, kept): (Vec<Quota>, Vec<Quota>) =
            quotas.into_iter().partition(|quota| names(&quota.scope));
        policy.boosts.retain(|boost| match &boost.target {
            BoostTarget::Envelope => true,
            BoostTarget::Quota { quota_id, subject_id } => {
                let each = kept.iter().find(|quota| quota.id == *quota_id);
                let is_of_users = each.is_some_and(|quota| quota.scope.kind == SubjectKind::User);
                let is_for = is_of_users && subject_id.as_deref() == Some(user);
                !is_for && gone.iter().all(|quota| quota.id != *quota_id)
            }
        });
        policy.quotas = kept;
        policy.rate_limits.retain(|limit| !names(&limit.scope));
        for entry in &mut self.log {
            if entry.attribution.user_id == user {
                entry.attribution.user_id = pseudonym.to_owned();
            }
        }
        for alert in &mut self.alerts {
            if let AlertSubject::Quota { kind: SubjectKind::User, subject_id, .. } =
                &mut alert.key.subject
                && **subject_id == *user
            {
                *subject_id = pseudonym.into();
            }
            if let Some(record) = alert.record.as_mut().filter(|it| *it.user_id == *user) {
                record.user_id = pseudonym.into();
            }
        }
        self.ledger.erase_user(self.now, user, &pseudonym.into());
        self.ledger.assert_invariants();
    }

    pub fn put_boost(&mut self, boost: Boost) {
        self.policy.boosts.retain(|other| other.id != boost.id);
        self.policy.boosts.push(boost.clone());
        self.ledger.put_boost(self.now, boost.clone());
        let is_listed = self.ledger.boosts_of(&boost.target).any(|other| **other == boost);
        assert_eq!(is_listed, !boost.is_over(self.now), "boosts are listed until they are over");
        self.ledger.assert_invariants();
    }

    /// Stores what is to be raised, and answers what is new. What could not be stored at first is
    /// handed out again, first and in order. `may_repeat` is whether windows have changed: what
    /// was raised in one that stays may come again, and storage knows its key. A threshold that was
    /// set after a higher one was raised may come late or not at all, and is not answered.
    pub fn take_alerts(&mut self, may_repeat: bool) -> Vec<Alert> {
        let alerts = self.ledger.take_alerts();
        assert!(!self.ledger.has_alerts(), "each alert is handed out once");
        self.ledger.return_alerts(alerts.clone());
        assert_eq!(self.ledger.has_alerts(), !alerts.is_empty(), "what is given back is there");
        assert_eq!(self.ledger.take_alerts(), alerts, "it is handed out again");
        let mut new = Vec::new();
        let before = self.alerts.clone();
        for alert in alerts {
            let is_stored = self.alerts.iter().any(|other| other.key == alert.key);
            let may_repeat = may_repeat || self.ahead.contains(&alert.key);
            assert!(!is_stored || may_repeat, "I14: raised twice: {alert:?}");
            if !is_stored {
                self.alerts.push(alert.clone());
                let of_limit = |key: &AlertKey| {
                    (key.subject.clone(), key.alert_type, key.window_start, key.base_limit)
                };
                let is_late = before.iter().any(|other| {
                    of_limit(&other.key) == of_limit(&alert.key)
                        && other.key.threshold > alert.key.threshold
                });
                new.extend((!is_late).then_some(alert));
            }
        }
        new
    }

    pub fn set_model(&mut self, model: WorkspaceModel) {
        self.models.retain(|other| other.model_id != model.model_id);
        self.models.push(model.clone());
        self.ledger.set_model(self.now, model);
        self.ledger.assert_invariants();
    }

    pub fn put_model_alias(&mut self, alias: ModelAlias) {
        self.model_aliases.retain(|other| other.id != alias.id);
        self.model_aliases.push(alias.clone());
        self.ledger.put_model_alias(self.now, alias);
        self.ledger.assert_invariants();
    }

    pub fn set_catalog(&mut self, catalog: Catalog) {
        self.catalog = Arc::new(catalog);
        let queries = self.ledger.backfill_for_catalog(self.now, &self.catalog);
        let backfill = log::backfill(&self.log, queries);
        self.ledger.set_catalog(self.catalog.clone(), &backfill);
        self.ledger.assert_invariants();
    }

    /// A new process: all it has is what was stored. Live holds and what rate limits counted were
    /// written down only by a graceful stop; after a crash the minute before counts as used up.
    pub fn restart(&mut self, is_graceful: bool) {
        let views = self.ledger.hold_views(self.now, &HoldFilter::default(), usize::MAX);
        let group = |view: &HoldView| self.ledger.group_name(view.hold.group);
        let groups: Vec<Arc<str>> = views.iter().map(group).collect();
        let snapshot = self.ledger.rate_snapshot(self.now);
        self.load();
        for (view, key_group_id) in views.into_iter().zip(groups) {
            if !view.live || !is_graceful {
                continue;
            }
            let quote = view.hold.quote.as_ref().map(|quote| Quote {
                card: self.catalog.price_by_id(&quote.card.price().id).expect("kept").clone(),
                rate: quote.rate,
            });
            let hold = RestoredHold {
                request_id: view.hold.request_id.clone(),
                attempt: view.hold.attempt,
                fingerprint: view.hold.fingerprint,
                held: view.hold.held,
                held_tokens: view.hold.held_tokens,
                held_cache_reads: view.hold.held_cache_reads,
                check_time: view.hold.check_time,
                expire_time: view.hold.expire_time,
                tier: view.hold.tier,
                routed: view.hold.routed.is_some(),
                attribution: view.hold.attribution().map(Box::new),
                key_group_id,
            };
            self.ledger.restore_hold(self.now, &view.model_id, quote, hold);
        }
        match is_graceful {
            true => self.ledger.restore_rates(self.now, snapshot),
            false => self.ledger.apply_crash_penalty(self.now, self.now),
        }
        self.ledger.assert_invariants();
    }

    /// As if more requests had been recorded since than the ledger remembers.
    pub fn forget_recorded(&mut self) {
        for number in 0..RECORDED_REQUESTS_MAX {
            self.ledger.note_recorded(&format!("forgotten for {number}"), 0);
        }
    }

    fn load(&mut self) {
        let spend = self.spend(Ledger::windows_to_load(&self.workspace, self.now));
        let (workspace, models) = (self.workspace.clone(), self.models.clone());
        self.ledger = Ledger::new(workspace, models, self.catalog.clone(), spend, self.now);
        let queries = Ledger::backfill_for_load(&self.workspace, &self.policy, self.now);
        let backfill = log::backfill(&self.log, queries);
        let mut policy = self.policy.clone();
        // As storage does.
        policy.boosts.retain(|boost| !boost.is_over(self.now));
        self.ledger.load_limits(self.now, policy, backfill);
        self.ledger.set_departments(self.departments.clone());
        for alias in &self.model_aliases {
            self.ledger.put_model_alias(self.now, alias.clone());
        }
        for entry in &self.log {
            if entry.kind == RecordKind::Usage
                && entry.outcome == tollgate::domain::usage::Outcome::Success
            {
                let output = entry.usage.total_output();
                self.ledger.add_output_sample(&entry.metered_model_id, output);
            }
        }
        for entry in self.log.iter().filter(|entry| entry.kind == RecordKind::Usage) {
            self.ledger.note_recorded(&entry.request_id, entry.attempt);
            self.ledger.note_contexts(entry);
        }
        let since = self.ledger.earliest_window();
        let keys = self.alerts.iter().map(|alert| alert.key.clone());
        self.ahead = keys.clone().filter(|key| key.window_start > self.now).collect();
        let large = self.large_records();
        let since = large.keys().next().map_or(since, |day| since.min(*day));
        let raised = keys.filter(|key| key.window_start >= since).collect();
        self.ledger.set_raised(self.now, raised);
        self.load_large_records(large);
    }

    /// As storage knows them: those of today and later, of the latest day with any, and of the day
    /// before that.
    fn large_records(&self) -> BTreeMap<Time, Vec<Record>> {
        let mut by_day: BTreeMap<Time, Vec<Record>> = BTreeMap::new();
        for entry in self.log.iter().filter(|entry| entry.large_above.is_some()) {
            let day = large_record_day(entry.record_time).start;
            by_day.entry(day).or_default().push(entry.clone());
        }
        let today = large_record_day(self.now).start;
        let latest = by_day.keys().last().map_or(today, |day| *day - MICROS_PER_DAY);
        by_day.split_off(&today.min(latest))
    }

    /// As the engine does: counts them, and raises what nobody was told of them.
    fn load_large_records(&mut self, by_day: BTreeMap<Time, Vec<Record>>) {
        for (day, mut records) in by_day {
            records.sort_by_key(|record| record.seq);
            let count = i64::try_from(records.len()).expect("few");
            for number in self.ledger.set_large_count(day, count) {
                let index = usize::try_from(number - 1).expect("from 1");
                self.ledger.raise_large_record(&records[index], number);
            }
        }
    }

    /// What the log says of some windows.
    fn spend(&self, windows: [Window; 2]) -> Vec<WindowSpend> {
        let of = |window: Window| {
            let mut by_model: HashMap<String, Amount> = HashMap::new();
            for entry in self.log.iter().filter(|entry| window.contains(entry.charge_time)) {
                *by_model.entry(entry.metered_model_id.to_string()).or_default() += entry.cost;
            }
            WindowSpend { window, by_model }
        };
        windows.map(of).into()
    }
}

fn is_key_of(entry: &Record, record: &Record) -> bool {
    same_attempt(entry, record) && entry.revision == record.revision
}

fn same_attempt(a: &Record, b: &Record) -> bool {
    a.request_id == b.request_id && a.attempt == b.attempt
}
