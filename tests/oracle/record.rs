//! What a record costs, where it counts, and what it ends.
//!
//! Which attempt it is: the one that it names; the next one, where its hold is for a later attempt
//! and it names none, or where the one that it names was recorded with other content and somebody
//! still waits for a record of the request. The same content is the same record.

use std::sync::Arc;

use tollgate::domain::attribution::Attribution;
use tollgate::domain::catalog::price::{Price, Rate, RateCard};
use tollgate::domain::check::BudgetStatus;
use tollgate::domain::record::{
    AnswerReport, CreditReport, EXPIRY_ATTEMPT, Record, RecordKind, UsageReport,
};
use tollgate::domain::usage::{Extras, Note, Outcome, ServiceTier, Usage, UsageSource};
use tollgate::domain::{Amount, Currency, Time};

use super::{Hold, Oracle, amount, facts};

/// What became of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    New(BudgetStatus),
    /// The cost that was counted before.
    Duplicate(Amount, BudgetStatus),
    Reused,
}

/// What became of an attempt that somebody voids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Voided {
    Missing,
    /// What was taken back before.
    Before(Amount),
    New(Vec<Record>),
}

impl Oracle {
    /// The entry for a report; none if the clock of its caller cannot be right.
    pub fn priced(&self, report: &UsageReport) -> Option<Record> {
        let attempt = self.attempt_by_hold(report);
        let start = self.begin(report.start_time, self.checked_at(&report.request_id, attempt))?;
        Some(self.priced_as(report, attempt, start, report.fingerprint()))
    }

    /// The attempt of a report before anything is written.
    fn attempt_by_hold(&self, report: &UsageReport) -> i32 {
        let later = self.hold(&report.request_id).filter(|hold| hold.attempt > 0);
        let Some(hold) = later.filter(|_| report.attempt == 0) else { return report.attempt };
        match self.same_content(&report.request_id, report.fingerprint()) {
            Some(same) => same.attempt,
            None => hold.attempt.max(self.next_attempt(&report.request_id)),
        }
    }

    /// Entries of the log for attempts of a request.
    fn recorded<'a>(&'a self, request_id: &str) -> impl Iterator<Item = &'a Record> + use<'a> {
        let request_id: Arc<str> = request_id.into();
        let usage = self.log.iter().filter(|entry| entry.kind == RecordKind::Usage);
        usage.filter(move |entry| entry.request_id == request_id)
    }

    pub fn next_attempt(&self, request_id: &str) -> i32 {
        self.recorded(request_id).map(|entry| entry.attempt).max().map_or(0, |last| last + 1)
    }

    /// The record with the same content, that of the lowest attempt.
    pub fn same_content(&self, request_id: &str, fingerprint: i64) -> Option<&Record> {
        let same = self.recorded(request_id).filter(|entry| entry.fingerprint == fingerprint);
        same.min_by_key(|entry| entry.attempt)
    }

    /// When a request was checked, if it is known: by its hold, or the charge of one that expired.
    fn checked_at(&self, request_id: &str, attempt: i32) -> Option<Time> {
        let hold = self.hold(request_id).filter(|hold| hold.attempt <= attempt);
        let charged = self.charge_in_force(request_id).map(|charge| charge.charge_time);
        hold.map(|hold| hold.check_time).or(charged)
    }

    fn priced_as(
        &self,
        report: &UsageReport,
        attempt: i32,
        (start_time, start_time_adjusted): (Time, bool),
        fingerprint: i64,
    ) -> Record {
        let hold = self.hold(&report.request_id).filter(|hold| hold.attempt <= attempt);
        let known = self.checked_at(&report.request_id, attempt);
        // The cycle of the check is charged, whenever the record comes.
        let charge_time = known.unwrap_or(start_time);
        let (model, price, unpriced) = self.bill(hold, &report.model_id, charge_time);
        let (cost, price, unpriced) = match report.is_unread() {
            true => unread(hold),
            false => computed(report, price, unpriced),
        };
        let (cost, extras, is_lost) = self.charged(report, &model, (cost, unpriced), charge_time);
        let (attribution, group) = self.used_by(report, hold);
        Record {
            seq: 0,
            workspace_id: self.workspace.id.clone(),
            request_id: report.request_id.clone(),
            attempt,
            revision: 0,
            kind: RecordKind::Usage,
            model_id: report.model_id.as_str().into(),
            metered_model_id: model,
            tier: report.tier,
            usage: report.usage,
            outcome: report.outcome,
            source: report.source,
            cost,
            unpriced: unpriced || is_lost,
            large_above: self.named_below(cost),
            price_id: price.as_ref().map(|(price, _)| price.id.clone()),
            exchange_rate: price.map_or(Rate::ONE, |(_, rate)| rate),
            charge_time,
            hour: facts::hour(&self.workspace, charge_time),
            day: facts::day(&self.workspace, charge_time).start,
            start_time,
            start_time_adjusted,
            record_time: self.now,
            latency: report.latency,
            attribution,
            key_group_id: group,
            fingerprint,
            extras,
            answer: report.answer.as_ref().map(|answer| Box::new(answer.kept.clone())),
        }
    }

    /// What the workspace names as too much, where an entry costs more.
    fn named_below(&self, cost: Amount) -> Option<Amount> {
        let named = self.workspace.alerts.large_record_cost?;
        (cost.nanos() > named.nanos()).then_some(named)
    }

    /// Who used what a report says, and in which group its key is.
    fn used_by(&self, report: &UsageReport, hold: Option<&Hold>) -> (Attribution, Arc<str>) {
        let attribution = match (report.attribution.as_deref(), hold) {
            (None, None) => Attribution::default(),
            (None, Some(hold)) => hold.who.attribution.clone(),
            // A user who is named without a department is in that of the check.
            (Some(said), Some(hold))
                if said.department_id.is_empty()
                    && !said.user_id.is_empty()
                    && said.user_id == hold.who.attribution.user_id =>
            {
                let department_id = hold.who.attribution.department_id.clone();
                Attribution { department_id, ..said.clone() }
            }
            (Some(said), _) => self.with_department(said.clone()),
        };
        // The group of the check, unless the record names another key than the check.
        let is_of_check = |hold: &&Hold| hold.who.attribution.api_key_id == attribution.api_key_id;
        let group = hold.filter(is_of_check).map(|hold| hold.who.group.clone());
        let group = group.unwrap_or_else(|| self.group_of(&attribution.api_key_id));
        (attribution, group)
    }

    /// What is charged, and what is kept of both costs: the one that the provider reports, if the
    /// workspace charges what this provider reports, or where there is nothing to compute with: a
    /// price is missing, or nothing was counted. And whether it is lost: nothing is charged for it.
    fn charged(
        &self,
        report: &UsageReport,
        model: &str,
        (computed, unpriced): (Amount, bool),
        time: Time,
    ) -> (Amount, Option<Box<Extras>>, bool) {
        let Some(mut extras) = report.extras.clone() else { return (computed, None, false) };
        let counts = report.usage.tokens.iter().chain(&extras.units);
        let is_counted = counts.sum::<i64>() > 0;
        let Some(reported) = &mut extras.reported else { return (computed, Some(extras), false) };
        let provider = self.catalog.models.iter().find(|known| *known.id == *model);
        let providers = &self.workspace.reported_cost.charged_providers;
        // Whose answer it is, else whose model.
        let answered = report.answer.as_ref().map(|answer| answer.kept.provider.as_str());
        let answered = answered.filter(|provider| !provider.is_empty());
        let provider = answered.or(provider.map(|model| model.provider.as_str()));
        let is_asked_for = provider
            .is_some_and(|provider| providers.iter().any(|name| *name == "*" || *name == provider));
        reported.computed = computed;
        reported.converted = self.exchanged(reported.amount, reported.currency, time);
        let is_charged = is_asked_for || unpriced || !is_counted;
        reported.is_charged = is_charged && reported.converted.is_some();
        let cost = if reported.is_charged { reported.converted } else { None };
        let cost = cost.unwrap_or(computed);
        let is_lost = !reported.is_charged && reported.amount.nanos() > 0;
        (cost, Some(extras), is_lost && !is_counted && cost.nanos() == 0)
    }

    /// In the workspace's currency at a time, to the nearest nano, the even one of two.
    fn exchanged(&self, amount: Amount, from: Currency, time: Time) -> Option<Amount> {
        let to = self.workspace.currency;
        if from == to {
            return Some(amount);
        }
        let known = self
            .catalog
            .rates
            .iter()
            .filter(|rate| rate.from == from && rate.to == to && rate.effective_time <= time);
        let rate = known.max_by_key(|rate| (rate.effective_time, rate.create_time))?.rate;
        let product = i128::from(amount.nanos()) * i128::from(rate.nanos());
        let (whole, rest) = (product / 1_000_000_000, product % 1_000_000_000);
        let is_up = rest > 500_000_000 || (rest == 500_000_000 && whole % 2 == 1);
        Some(super::amount(whole + i128::from(is_up)))
    }

    /// When an attempt began, and whether that was put right. Nobody begins five minutes from now,
    /// nor 35 days ago; where it is known when the request was checked that is no reason to refuse.
    fn begin(&self, said: Option<Time>, known: Option<Time>) -> Option<(Time, bool)> {
        let minute = 60_000_000;
        match said {
            None => Some((self.now, false)),
            Some(said) if said - self.now > 1_440 * minute && known.is_none() => None,
            Some(said) if said - self.now > 5 * minute => Some((self.now, true)),
            Some(said) if self.now - said > 35 * 1_440 * minute => known.map(|time| (time, true)),
            Some(said) => Some((said, false)),
        }
    }

    /// The entry for a credit: its amount below zero, and nothing used.
    pub fn credited(&self, report: &CreditReport) -> Record {
        let time = report.time.unwrap_or(self.now);
        let attribution = report.attribution.as_deref().cloned().unwrap_or_default();
        let attribution = self.with_department(attribution);
        let named = self.model(&report.model_id).map(|model| model.id.to_string());
        let or_credit = |id: &str| if id.is_empty() { "credit" } else { id }.to_owned();
        let note = Note {
            reason: report.reason.clone(),
            reference: report.reference.clone(),
            actor: "ada".to_owned(),
        };
        Record {
            seq: 0,
            workspace_id: self.workspace.id.clone(),
            request_id: report.credit_id.clone(),
            attempt: 1_001,
            revision: 0,
            kind: RecordKind::Credit,
            model_id: or_credit(&report.model_id).into(),
            metered_model_id: named.unwrap_or_else(|| or_credit(&report.model_id)).into(),
            tier: ServiceTier::Standard,
            usage: Usage::default(),
            extras: Some(Box::new(Extras { note: Some(note), ..Extras::default() })),
            answer: None,
            start_time_adjusted: false,
            large_above: None,
            outcome: Outcome::Success,
            source: UsageSource::Provider,
            cost: amount(-i128::from(report.amount.nanos())),
            unpriced: false,
            price_id: None,
            exchange_rate: Rate::ONE,
            charge_time: time,
            hour: facts::hour(&self.workspace, time),
            day: facts::day(&self.workspace, time).start,
            start_time: time,
            record_time: self.now,
            latency: 0,
            key_group_id: self.group_of(&attribution.api_key_id),
            attribution,
            fingerprint: report.fingerprint(),
        }
    }

    /// Puts a credit into the log, unless its key is there. It ends no hold.
    pub fn credit(&mut self, record: &Record) -> Written {
        let existing = self
            .log
            .iter()
            .find(|entry| entry.request_id == record.request_id && entry.attempt == record.attempt);
        if let Some(existing) = existing {
            return match existing.fingerprint == record.fingerprint {
                true => Written::Duplicate(existing.cost, self.standing()),
                false => Written::Reused,
            };
        }
        self.log.push(record.clone());
        let standing = self.standing();
        self.alert_of_record(record);
        Written::New(standing)
    }

    /// Takes back what an attempt has cost, with its corrections, once. There is an entry for each
    /// model on which it cost something, or one of no cost.
    pub fn void(&mut self, request_id: &str, attempt: i32, reason: &str) -> Voided {
        let of_attempt = || {
            let entries = self.log.iter();
            entries.filter(|it| *it.request_id == *request_id && it.attempt == attempt)
        };
        let recorded = of_attempt().find(|entry| entry.kind == RecordKind::Usage);
        let Some(recorded) = recorded.cloned() else { return Voided::Missing };
        let of_kind = || of_attempt().filter(|entry| entry.kind == RecordKind::Void);
        if of_kind().count() > 0 {
            let back: i64 = of_kind().map(|entry| -entry.cost.nanos()).sum();
            return Voided::Before(Amount::from_nanos(back));
        }
        let mut models: Vec<Arc<str>> =
            of_attempt().map(|entry| entry.metered_model_id.clone()).collect();
        models.sort();
        models.dedup();
        let cost_on = |model: &Arc<str>| -> i64 {
            let on_it = of_attempt().filter(|entry| entry.metered_model_id == *model);
            on_it.map(|entry| entry.cost.nanos()).sum()
        };
        let mut costs: Vec<(Arc<str>, i64)> =
            models.into_iter().map(|model| (model.clone(), cost_on(&model))).collect();
        costs.retain(|(_, cost)| *cost != 0);
        if costs.is_empty() {
            costs.push((recorded.metered_model_id.clone(), 0));
        }
        let last = of_attempt().map(|entry| entry.revision).max().expect("one at least");
        let (reference, actor) = (String::new(), "ada".to_owned());
        let note = Note { reason: reason.to_owned(), reference, actor };
        let voids: Vec<Record> = (last + 1..)
            .zip(costs)
            .map(|(revision, (model, cost))| Record {
                kind: RecordKind::Void,
                metered_model_id: model,
                extras: Extras { note: Some(note.clone()), ..Extras::default() }.boxed(),
                unpriced: false,
                record_time: self.now,
                ..correction(&recorded, Amount::from_nanos(-cost), revision)
            })
            .collect();
        self.log.extend(voids.iter().cloned());
        for void in &voids {
            self.alert_of_record(void);
        }
        Voided::New(voids)
    }

    /// The model that is metered, the price that is paid, and whether the model had none itself.
    fn bill(
        &self,
        hold: Option<&Hold>,
        name: &str,
        time: Time,
    ) -> (Arc<str>, Option<(Price, Rate)>, bool) {
        let held = hold.map(|hold| hold.model.clone());
        let held_price = hold.and_then(|hold| hold.price.clone());
        let Some(model) = self.model(name).map(|model| model.id.clone()) else {
            return (held.unwrap_or_else(|| name.into()), held_price, true);
        };
        // On the model that the check named: at the price of the check.
        if held.as_ref() == Some(&model) && held_price.is_some() {
            return (model, held_price, false);
        }
        match self.price(&model, time).unwrap_or_default() {
            Some(price) => (model, Some(price), false),
            None => (model, held_price, true),
        }
    }

    /// Puts an entry into the log, unless it is there, and ends its hold. Answers it as it was put
    /// there.
    pub fn write(&mut self, record: &Record) -> (Record, Written) {
        let there = self.recorded(&record.request_id).find(|it| it.attempt == record.attempt);
        let Some(there) = there else { return (record.clone(), self.put(record)) };
        let same = Some(there).filter(|there| there.fingerprint == record.fingerprint);
        let same = same.or_else(|| self.same_content(&record.request_id, record.fingerprint));
        if let Some(same) = same {
            return (record.clone(), Written::Duplicate(same.cost, self.standing()));
        }
        let Some(attempt) = self.awaited(record) else { return (record.clone(), Written::Reused) };
        let said = record.attribution.clone();
        let report = UsageReport {
            request_id: record.request_id.clone(),
            attempt,
            model_id: record.model_id.to_string(),
            tier: record.tier,
            usage: record.usage,
            extras: record.extras.clone(),
            answer: record.answer.as_deref().map(|kept| {
                Box::new(AnswerReport { kept: kept.clone(), fingerprint: record.fingerprint })
            }),
            outcome: record.outcome,
            source: record.source,
            start_time: None,
            latency: record.latency,
            attribution: (said != Attribution::default()).then(|| Box::new(said)),
        };
        // What was believed of its clock before is believed again.
        let start = (record.start_time, record.start_time_adjusted);
        let again = self.priced_as(&report, attempt, start, record.fingerprint);
        let written = self.put(&again);
        (again, written)
    }

    /// The attempt that a record is instead of the one it names, if somebody waits for one: its
    /// live hold, or one that expired and was never settled.
    fn awaited(&self, record: &Record) -> Option<i32> {
        let next = self.next_attempt(&record.request_id);
        if let Some(hold) = self.hold(&record.request_id) {
            let is_its = record.attempt == 0 || record.attempt == hold.attempt;
            return is_its.then(|| next.max(hold.attempt));
        }
        let is_owed = self.charge_in_force(&record.request_id).is_some()
            || self
                .expired
                .iter()
                .any(|hold| hold.check.request_id == record.request_id && hold.attempt >= next);
        (record.attempt == 0 && is_owed).then_some(next)
    }

    fn put(&mut self, record: &Record) -> Written {
        let charged = self.charge_in_force(&record.request_id).cloned();
        self.log.push(record.clone());
        // Both or neither is seen.
        let back = charged.map(|charge| {
            let back = correction(&charge, -charge.cost, charge.revision + 1);
            self.log.push(back.clone());
            back
        });
        let hold = self.hold(&record.request_id);
        match hold.is_some_and(|hold| hold.attempt <= record.attempt) {
            true => {
                self.end_hold(&record.request_id);
                self.correct_counts(record);
                self.leave_counts(&record.request_id);
            }
            false => self.count_record(record),
        }
        self.alert_of_record(record);
        if let Some(back) = back {
            self.alert_of_record(&back);
        }
        Written::New(self.standing())
    }

    /// Charges the estimates of holds whose time is up. A request is charged so once, and again
    /// only when a record has taken that back.
    pub fn charge_due(&mut self) -> usize {
        let (due, kept): (Vec<Hold>, Vec<Hold>) =
            std::mem::take(&mut self.holds).into_iter().partition(|hold| hold.is_up);
        self.holds = kept;
        let count = due.len();
        for hold in due {
            let request_id = hold.check.request_id.clone();
            let charges = self
                .log
                .iter()
                .filter(|entry| entry.request_id == request_id && entry.attempt == EXPIRY_ATTEMPT);
            let last = charges.map(|entry| entry.revision).max();
            let is_charged = self.charge_in_force(&request_id).is_some()
                || (last.is_some() && hold.held == amount(0));
            let revision = last.map_or(0, |last| last + 1);
            let charge = Record { revision, ..expiry_charge(self, &hold) };
            if !is_charged {
                self.log.push(charge.clone());
            }
            self.expire(hold);
            if !is_charged {
                self.alert_of_record(&charge);
            }
        }
        count
    }

    /// A difference to an earlier entry.
    pub fn correct(&mut self, of: &Record, cost: Amount) {
        let same = self
            .log
            .iter()
            .filter(|entry| entry.request_id == of.request_id && entry.attempt == of.attempt);
        let revision = same.map(|entry| entry.revision).max().expect("it is in the log") + 1;
        let correction = correction(of, cost, revision);
        self.log.push(correction.clone());
        self.alert_of_record(&correction);
    }

    /// The charge of the request's expired hold, if nothing has taken it back: the last one.
    fn charge_in_force(&self, request_id: &str) -> Option<&Record> {
        let of_request = || {
            let charges = self.log.iter().filter(|entry| entry.attempt == EXPIRY_ATTEMPT);
            charges.filter(|entry| *entry.request_id == *request_id)
        };
        let net: i64 = of_request().map(|entry| entry.cost.nanos()).sum();
        let charge = of_request().rev().find(|entry| entry.kind == RecordKind::ExpiryCharge);
        charge.filter(|_| net != 0)
    }
}

/// What the price makes of a report. What it has no rate for is missing in the cost.
fn computed(
    report: &UsageReport,
    price: Option<(Price, Rate)>,
    unpriced: bool,
) -> (Amount, Option<(Price, Rate)>, bool) {
    let Some((price, rate)) = price else { return (amount(0), None, unpriced) };
    let extras = report.extras.as_deref();
    let card = RateCard::new(Arc::new(price.clone()));
    let cost = card.bill(&report.usage, extras, report.tier, rate).expect("tests stay within");
    let lacks = facts::lacks(&price, &report.usage, extras);
    (cost, Some((price, rate)), unpriced || lacks)
}

/// No usage was found in the provider answer: what is held is charged, and nothing without a hold.
fn unread(hold: Option<&Hold>) -> (Amount, Option<(Price, Rate)>, bool) {
    let price = hold.and_then(|hold| hold.price.clone());
    let unpriced = price.is_none();
    (hold.map_or(amount(0), |hold| hold.held), price, unpriced)
}

fn correction(of: &Record, cost: Amount, revision: i32) -> Record {
    let kind = RecordKind::Correction;
    Record {
        revision,
        kind,
        cost,
        large_above: None,
        usage: Usage::default(),
        extras: None,
        answer: None,
        latency: 0,
        ..of.clone()
    }
}

fn expiry_charge(oracle: &Oracle, hold: &Hold) -> Record {
    Record {
        seq: 0,
        workspace_id: oracle.workspace.id.clone(),
        request_id: hold.check.request_id.clone(),
        attempt: EXPIRY_ATTEMPT,
        revision: 0,
        kind: RecordKind::ExpiryCharge,
        model_id: hold.model.clone(),
        metered_model_id: hold.model.clone(),
        tier: hold.check.tier,
        usage: Usage::default(),
        outcome: Outcome::Error,
        source: UsageSource::Estimated,
        cost: hold.held,
        unpriced: hold.price.is_none(),
        large_above: oracle.named_below(hold.held),
        price_id: hold.price.as_ref().map(|(price, _)| price.id.clone()),
        exchange_rate: hold.price.as_ref().map_or(Rate::ONE, |(_, rate)| *rate),
        charge_time: hold.check_time,
        hour: facts::hour(&oracle.workspace, hold.check_time),
        day: facts::day(&oracle.workspace, hold.check_time).start,
        start_time: hold.check_time,
        start_time_adjusted: false,
        record_time: oracle.now,
        latency: 0,
        attribution: hold.who.attribution.clone(),
        key_group_id: hold.who.group.clone(),
        fingerprint: 0,
        extras: None,
        answer: None,
    }
}

/// Tokens of all classes.
pub fn tokens_of(record: &Record) -> i64 {
    record.usage.tokens.iter().sum()
}
