//! What a record costs, where it counts, and what it ends.

use std::sync::Arc;

use tollgate::domain::attribution::Attribution;
use tollgate::domain::catalog::price::{Price, Rate, RateCard};
use tollgate::domain::check::BudgetStatus;
use tollgate::domain::record::{CreditReport, EXPIRY_ATTEMPT, Record, RecordKind, UsageReport};
use tollgate::domain::usage::{Extras, Note, Outcome, ServiceTier, Usage, UsageSource};
use tollgate::domain::{Amount, Time};

use super::{Hold, Oracle, amount, facts};

/// What became of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    New(BudgetStatus),
    /// The cost that was counted before.
    Duplicate(Amount, BudgetStatus),
    Reused,
}

impl Oracle {
    /// The entry for a report.
    pub fn priced(&self, report: &UsageReport) -> Record {
        let hold = self.hold(&report.request_id);
        let start_time = report.start_time.unwrap_or(self.now);
        let charged = self.charge_in_force(&report.request_id);
        // The cycle of the check is charged, whenever the record comes.
        let charge_time = match (hold, charged) {
            (Some(hold), _) => hold.check_time,
            (None, Some(charge)) => charge.charge_time,
            (None, None) => start_time,
        };
        let (model, price, unpriced) = self.bill(hold, &report.model_id, charge_time);
        let cost = price.as_ref().map_or(amount(0), |(price, rate)| {
            let card = RateCard::new(Arc::new(price.clone()));
            let extras = report.extras.as_deref();
            card.bill(&report.usage, extras, report.tier, *rate).expect("tests stay within")
        });
        let lacks = price
            .as_ref()
            .is_some_and(|(price, _)| facts::lacks(price, &report.usage, report.extras.as_deref()));
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
        Record {
            seq: 0,
            workspace_id: self.workspace.id.clone(),
            request_id: report.request_id.clone(),
            attempt: report.attempt,
            revision: 0,
            kind: RecordKind::Usage,
            model_id: report.model_id.as_str().into(),
            metered_model_id: model,
            tier: report.tier,
            usage: report.usage,
            outcome: report.outcome,
            source: report.source,
            cost,
            unpriced: unpriced || lacks,
            price_id: price.as_ref().map(|(price, _)| price.id.clone()),
            exchange_rate: price.map_or(Rate::ONE, |(_, rate)| rate),
            charge_time,
            hour: facts::hour(&self.workspace, charge_time),
            day: facts::day(&self.workspace, charge_time).start,
            start_time,
            record_time: self.now,
            latency: report.latency,
            attribution,
            key_group_id: group,
            fingerprint: report.fingerprint(),
            extras: report.extras.clone(),
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

    /// Puts an entry into the log, unless its key is there, and ends its hold.
    pub fn write(&mut self, record: &Record) -> Written {
        let existing = self.log.iter().find(|entry| {
            (&entry.request_id, entry.attempt, entry.revision)
                == (&record.request_id, record.attempt, record.revision)
        });
        if let Some(existing) = existing {
            return match existing.fingerprint == record.fingerprint {
                true => Written::Duplicate(existing.cost, self.standing()),
                false => Written::Reused,
            };
        }
        let charged = self.charge_in_force(&record.request_id).cloned();
        self.log.push(record.clone());
        let standing = self.standing();
        match self.end_hold(&record.request_id) {
            Some(_) => {
                self.correct_counts(record);
                self.leave_counts(&record.request_id);
            }
            None => self.count_record(record),
        }
        self.alert_of_record(record);
        if let Some(charge) = charged {
            let back = correction(&charge, -charge.cost, 1);
            self.log.push(back.clone());
            self.alert_of_record(&back);
        }
        Written::New(standing)
    }

    /// Charges the estimates of holds whose time is up. A request is charged so only once.
    pub fn charge_due(&mut self) -> usize {
        let (due, kept): (Vec<Hold>, Vec<Hold>) =
            std::mem::take(&mut self.holds).into_iter().partition(|hold| hold.is_up);
        self.holds = kept;
        let count = due.len();
        for hold in due {
            let is_charged = self.log.iter().any(|entry| {
                entry.request_id == hold.check.request_id && entry.attempt == EXPIRY_ATTEMPT
            });
            let charge = expiry_charge(self, &hold);
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

    /// The charge of the request's expired hold, if nothing has taken it back.
    fn charge_in_force(&self, request_id: &str) -> Option<&Record> {
        let of_request = self
            .log
            .iter()
            .filter(|entry| &*entry.request_id == request_id && entry.attempt == EXPIRY_ATTEMPT);
        let net: i64 = of_request.clone().map(|entry| entry.cost.nanos()).sum();
        of_request.into_iter().next().filter(|_| net != 0)
    }
}

fn correction(of: &Record, cost: Amount, revision: i32) -> Record {
    let kind = RecordKind::Correction;
    Record { revision, kind, cost, usage: Usage::default(), extras: None, latency: 0, ..of.clone() }
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
        price_id: hold.price.as_ref().map(|(price, _)| price.id.clone()),
        exchange_rate: hold.price.as_ref().map_or(Rate::ONE, |(_, rate)| *rate),
        charge_time: hold.check_time,
        hour: facts::hour(&oracle.workspace, hold.check_time),
        day: facts::day(&oracle.workspace, hold.check_time).start,
        start_time: hold.check_time,
        record_time: oracle.now,
        latency: 0,
        attribution: hold.who.attribution.clone(),
        key_group_id: hold.who.group.clone(),
        fingerprint: 0,
        extras: None,
    }
}

/// Tokens of all classes.
pub fn tokens_of(record: &Record) -> i64 {
    record.usage.tokens.iter().sum()
}
