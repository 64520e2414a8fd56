//! Records as they are made: a report is priced, and the windows that it is charged to are
//! determined.

use std::sync::Arc;

use super::reported::{Charged, Computed};
use crate::domain::attribution::Attribution;
use crate::domain::catalog::ModelEntry;
use crate::domain::catalog::bill::COST_MAX;
use crate::domain::catalog::names::Hint;
use crate::domain::catalog::price::{Quote, Rate};
use crate::domain::record::{
    AnswerReport, CLOCK_AHEAD_MAX, EXPIRY_ATTEMPT, KeptAnswer, RECORD_AGE_MAX, RECORD_AHEAD_MAX,
    Record, RecordKind, UNREAD_MODEL_ID, UsageReport,
};
use crate::domain::usage::{Outcome, ServiceTier, Usage, UsageSource};
use crate::domain::{Amount, Time};
use crate::ledger::error::Error;
use crate::ledger::holds::Hold;
use crate::ledger::state::Ledger;

/// What a record is billed at.
struct Bill {
    cost: Amount,
    metered_model: Arc<str>,
    unpriced: bool,
    price_id: Option<Arc<str>>,
    rate: Rate,
}

/// What the tokens of other models in one answer cost.
#[derive(Default)]
struct OtherBill {
    cost: Amount,
    /// One of the models is unknown, or has no price or exchange rate.
    unpriced: bool,
}

/// Which model a record counts for.
struct Metered<'a> {
    /// The one that is billed; none if the catalog does not know it.
    entry: Option<&'a Arc<ModelEntry>>,
    model_id: Arc<str>,
}

impl Ledger {
    /// Makes the record of a report, and adds it to the pending spend: it is to be settled with
    /// [`Ledger::settle`] when it is durable, or abandoned with [`Ledger::abandon`]. `check_time`
    /// is when the request was checked, where the caller knows it of a hold that has ended.
    ///
    /// # Errors
    /// If its `start_time` is out of range and decides something, if it costs more than
    /// [`COST_MAX`], or if the spend of its window would pass [`super::WINDOW_SPENT_MAX`].
    pub fn prepare(
        &mut self,
        now: Time,
        seq: i64,
        report: UsageReport,
        check_time: Option<Time>,
    ) -> Result<Record, Error> {
        self.advance(now);
        let fingerprint = report.fingerprint();
        let check_time = self.check_time((&report.request_id, report.attempt), check_time);
        let start = self.start_time(report.start_time, check_time);
        let start = start.ok_or(Error::StartTimeOutOfRange { fingerprint })?;
        self.prepare_sent(seq, (report, fingerprint), start, check_time)
    }

    /// Makes a record once more, as that of another attempt. The one that was made before is
    /// abandoned.
    ///
    /// # Errors
    /// If the spend of its window would pass [`super::WINDOW_SPENT_MAX`].
    pub fn prepare_again(
        &mut self,
        now: Time,
        seq: i64,
        (record, attempt): (Record, i32),
        check_time: Option<Time>,
    ) -> Result<Record, Error> {
        self.advance(now);
        let check_time = self.check_time((&record.request_id, attempt), check_time);
        let start = (record.start_time, record.start_time_adjusted);
        let said = record.attribution;
        let report = UsageReport {
            request_id: record.request_id,
            attempt,
            model_id: record.model_id.to_string(),
            tier: record.tier,
            usage: record.usage,
            extras: record.extras,
            // The fingerprint is that of the record.
            answer: record
                .answer
                .map(|kept| Box::new(AnswerReport { kept: *kept, fingerprint: 0 })),
            outcome: record.outcome,
            source: record.source,
            start_time: None,
            latency: record.latency,
            attribution: (said != Attribution::default()).then(|| Box::new(said)),
        };
        self.prepare_sent(seq, (report, record.fingerprint), start, check_time)
    }

    /// The hold that a record of an attempt ends. One for a later attempt is not its hold.
    fn hold_of(&self, request_id: &str, attempt: i32) -> Option<&Hold> {
        self.holds.get(request_id).filter(|hold| hold.attempt <= attempt)
    }

    /// When a request was checked: that of its hold, or else what is known of one that has ended.
    fn check_time(&self, (id, attempt): (&str, i32), ended: Option<Time>) -> Option<Time> {
        self.hold_of(id, attempt).map(|hold| hold.check_time).or(ended)
    }

    fn prepare_sent(
        &mut self,
        seq: i64,
        (mut report, fingerprint): (UsageReport, i64),
        (start_time, start_time_adjusted): (Time, bool),
        check_time: Option<Time>,
    ) -> Result<Record, Error> {
        let hold = self.hold_of(&report.request_id, report.attempt);
        if report.model_id.is_empty() {
            let held = hold.map(|hold| self.models.get(hold.model).id());
            report.model_id = held.map_or(UNREAD_MODEL_ID, |id| &**id).to_owned();
        }
        let charge_time = check_time.unwrap_or(start_time);
        let bill = self.bill(hold, &report, charge_time)?;
        let mut extras = report.extras.take();
        let computed = Computed {
            cost: bill.cost,
            unpriced: bill.unpriced,
            provider: report.provider().provider(),
            metered_model: &bill.metered_model,
            usage: &report.usage,
            charge_time,
        };
        let Charged { cost, is_lost } = self.charged_cost(&computed, extras.as_deref_mut());
        let key_group_id = self.group_of_record(hold, &report);
        let mut attribution = self.attribution_of_record(hold, report.attribution);
        self.bound_values(charge_time, &mut attribution);
        let record = Record {
            seq,
            workspace_id: self.context.workspace().id.clone(),
            request_id: report.request_id,
            attempt: report.attempt,
            revision: 0,
            kind: RecordKind::Usage,
            model_id: report.model_id.into(),
            metered_model_id: bill.metered_model,
            tier: report.tier,
            usage: report.usage,
            extras,
            answer: report.answer.map(|answer| Box::new(answer.kept)),
            outcome: report.outcome,
            source: report.source,
            cost,
            unpriced: bill.unpriced || is_lost,
            large_above: self.large_above(cost),
            price_id: bill.price_id,
            exchange_rate: bill.rate,
            charge_time,
            hour: self.context.calendar().hour_start(charge_time),
            day: self.context.day_start(charge_time),
            start_time,
            start_time_adjusted,
            record_time: self.context.now(),
            latency: report.latency,
            attribution,
            key_group_id,
            fingerprint,
        };
        self.add_pending(&record)?;
        Ok(record)
    }

    fn bound_values(&mut self, charge_time: Time, attribution: &mut Attribution) {
        let (rules, max) = ((&self.context, &self.limits), self.bounds.distinct_values_max);
        self.distinct.bound(rules, charge_time, max, attribution);
    }

    /// The cost that makes an entry a large one, by the policy of now. Nothing changes the flag
    /// later: not what corrects the entry, nor another policy.
    fn large_above(&self, cost: Amount) -> Option<Amount> {
        self.context.workspace().alerts.large_above(cost)
    }

    /// When an attempt began, by its caller, and whether that was put right: a clock that is out of
    /// range is never believed. None if it is refused; where the time of the check is known it
    /// decides nothing.
    fn start_time(&self, said: Option<Time>, check_time: Option<Time>) -> Option<(Time, bool)> {
        let now = self.context.now();
        let Some(said) = said else { return Some((now, false)) };
        if said > now + RECORD_AHEAD_MAX {
            let is_accepted = check_time.is_some() || said <= now + CLOCK_AHEAD_MAX;
            return is_accepted.then_some((now, true));
        }
        if said < now - RECORD_AGE_MAX {
            return check_time.map(|time| (time, true));
        }
        Some((said, false))
    }

    /// Makes the record that charges the estimate of an expired hold. None if the hold has ended
    /// otherwise meanwhile, or was extended.
    ///
    /// # Errors
    /// As [`Ledger::prepare`].
    pub fn prepare_expiry_charge(
        &mut self,
        now: Time,
        seq: i64,
        request_id: &str,
    ) -> Result<Option<Record>, Error> {
        let now = self.advance(now);
        let Some(hold) = self.holds.get(request_id).filter(|hold| hold.expiring) else {
            return Ok(None);
        };
        let model_id = self.models.get(hold.model).id();
        let quote = hold.quote.as_ref();
        let mut record = Record {
            seq,
            workspace_id: self.context.workspace().id.clone(),
            request_id: hold.request_id.clone(),
            attempt: EXPIRY_ATTEMPT,
            revision: 0,
            kind: RecordKind::ExpiryCharge,
            model_id: model_id.clone(),
            metered_model_id: model_id.clone(),
            tier: hold.tier,
            usage: Usage::default(),
            extras: None,
            answer: None,
            outcome: Outcome::Error,
            source: UsageSource::Estimated,
            cost: hold.held,
            unpriced: quote.is_none(),
            large_above: self.large_above(hold.held),
            price_id: quote.map(|quote| quote.card.price().id.clone()),
            exchange_rate: quote.map_or(Rate::ONE, |quote| quote.rate),
            charge_time: hold.check_time,
            hour: self.context.calendar().hour_start(hold.check_time),
            day: self.context.day_start(hold.check_time),
            start_time: hold.check_time,
            start_time_adjusted: false,
            record_time: now,
            latency: 0,
            attribution: hold.attribution().unwrap_or_default(),
            key_group_id: self.keys.group_id(hold.group).clone(),
            fingerprint: hold.fingerprint,
        };
        self.bound_values(record.charge_time, &mut record.attribution);
        self.add_pending(&record)?;
        Ok(Some(record))
    }

    /// A record as it is billed now, at the prices valid at its charge time. None if it still has
    /// no price, or no usage can be read in its answer, or a reported cost is all there is of it
    /// and has no exchange rate; or if it would cost more than a record may.
    pub fn reprice(&self, record: &Record) -> Option<Record> {
        if record.answer.as_deref().is_some_and(|answer| answer.is_unread) {
            return None;
        }
        let hint = record.answer.as_deref().map_or(Hint::Named(""), KeptAnswer::hint);
        // Without a price and under its own name it may be of no model, and is looked up again.
        let metered_id = &record.metered_model_id;
        let was_found =
            record.price_id.is_some() || *self.models.unaliased(&record.model_id) != **metered_id;
        let held = was_found.then_some(metered_id);
        let metered = self.model_of_record(&record.model_id, hint, held);
        let entry = metered.entry?;
        let quote = self.context.quote(Some(entry), record.charge_time).unwrap_or_default()?;
        let extras = record.extras.as_deref();
        let cost = quote.card.bill(&record.usage, extras, record.tier, quote.rate).ok()?;
        let others = record.answer.as_deref().map_or(&[][..], |answer| &answer.others);
        let others = self.bill_others(others, record.tier, record.charge_time).ok()?;
        let unpriced = others.unpriced || quote.card.lacks(&record.usage, extras, record.tier);
        let computed = Computed {
            cost: bounded(cost + others.cost).ok()?,
            unpriced,
            provider: hint.provider(),
            metered_model: &metered.model_id,
            usage: &record.usage,
            charge_time: record.charge_time,
        };
        let mut extras = record.extras.clone();
        let Charged { cost, is_lost } = self.charged_cost(&computed, extras.as_deref_mut());
        if is_lost {
            return None;
        }
        Some(Record {
            metered_model_id: metered.model_id,
            cost,
            unpriced,
            extras,
            price_id: Some(quote.card.price().id.clone()),
            exchange_rate: quote.rate,
            ..record.clone()
        })
    }

    /// Which model a name in a report stands for. `held` is the model that the request was allowed
    /// on: its provider is the one that answers, and what is a snapshot, a version or a region of
    /// it counts for it, at its own price.
    fn model_of_record(&self, name: &str, hint: Hint<'_>, held: Option<&Arc<str>>) -> Metered<'_> {
        let catalog = self.context.catalog();
        let name = self.models.unaliased(name);
        if let Some((held, held_entry)) = held.and_then(|id| Some((id, catalog.by_id(id)?))) {
            if *name == **held {
                return Metered { entry: Some(held_entry), model_id: held.clone() };
            }
            let provider = &held_entry.model().provider;
            if let Some(entry) = catalog.model_of(name, Hint::Named(provider))
                && catalog.is_of_family(entry.model(), held)
            {
                return Metered { entry: Some(entry), model_id: held.clone() };
            }
        }
        let entry = catalog.model_of(name, hint);
        let model_id = match (entry, held) {
            (Some(entry), _) => entry.model().id.clone(),
            (None, Some(held)) => held.clone(),
            (None, None) => name.into(),
        };
        Metered { entry, model_id }
    }

    /// Bills tokens of other models that were used for the same answer, such as an advisor, each at
    /// its own price. They count in the windows of the answer's model.
    fn bill_others(
        &self,
        others: &[(String, Usage)],
        tier: ServiceTier,
        time: Time,
    ) -> Result<OtherBill, Error> {
        let mut bill = OtherBill::default();
        for (name, usage) in others {
            let entry = self.context.catalog().model(name).map(|entry| &**entry);
            match self.context.quote(entry, time).unwrap_or_default() {
                Some(quote) => {
                    let cost = quote.card.bill(usage, None, tier, quote.rate);
                    bill.cost = bounded(bill.cost + cost.map_err(|_| too_much())?)?;
                }
                None => bill.unpriced = true,
            }
        }
        Ok(bill)
    }

    /// The bill of a report. A request that ran on the model of its hold is billed at the hold's
    /// price; a model without a price is billed as the hold's model, and without a hold at zero.
    /// What the price has no rate for is missing in the cost, and flagged.
    ///
    /// # Errors
    /// If it is more than one record may cost.
    fn bill(
        &self,
        hold: Option<&Hold>,
        report: &UsageReport,
        charge_time: Time,
    ) -> Result<Bill, Error> {
        let held_model = hold.map(|hold| self.models.get(hold.model).id());
        let Metered { entry, model_id: metered_model } =
            self.model_of_record(&report.model_id, report.provider(), held_model);
        if report.is_unread() {
            return Ok(unread_bill(hold, metered_model));
        }
        let held_quote = hold.and_then(|hold| hold.quote.clone());
        let is_held_model =
            entry.is_some_and(|entry| held_model.is_some_and(|held| entry.model().id == *held));
        let own_quote = match &held_quote {
            Some(quote) if is_held_model => Some(quote.clone()),
            // A missing exchange rate counts as no price: the record is accepted all the same.
            _ => self.context.quote(entry.map(|entry| &**entry), charge_time).unwrap_or_default(),
        };
        let own_quote = match (own_quote, &held_quote) {
            // A snapshot at the price of the hold.
            (Some(own), Some(held)) if own.card.price().bills_as(held.card.price()) => {
                Some(held.clone())
            }
            (own, _) => own,
        };
        let is_own = own_quote.is_some();
        let Some(quote) = own_quote.or(held_quote) else {
            let (cost, rate) = (Amount::ZERO, Rate::ONE);
            return Ok(Bill { cost, metered_model, unpriced: true, price_id: None, rate });
        };
        let UsageReport { usage, tier, .. } = report;
        let extras = report.extras.as_deref();
        let others = self.bill_others(report.others(), *tier, charge_time)?;
        Ok(Bill {
            cost: bounded(cost(&quote, report)? + others.cost)?,
            metered_model,
            unpriced: !is_own || others.unpriced || quote.card.lacks(usage, extras, *tier),
            price_id: Some(quote.card.price().id.clone()),
            rate: quote.rate,
        })
    }
}

/// The bill of an answer in which no usage was found: the estimate of the hold, at its price.
fn unread_bill(hold: Option<&Hold>, metered_model: Arc<str>) -> Bill {
    let quote = hold.and_then(|hold| hold.quote.as_ref());
    Bill {
        cost: hold.map_or(Amount::ZERO, |hold| hold.held),
        metered_model,
        unpriced: quote.is_none(),
        price_id: quote.map(|quote| quote.card.price().id.clone()),
        rate: quote.map_or(Rate::ONE, |quote| quote.rate),
    }
}

fn cost(quote: &Quote, report: &UsageReport) -> Result<Amount, Error> {
    let UsageReport { usage, extras, tier, .. } = report;
    quote.card.bill(usage, extras.as_deref(), *tier, quote.rate).map_err(|_| too_much())
}

fn bounded(cost: Amount) -> Result<Amount, Error> {
    if cost > COST_MAX { Err(too_much()) } else { Ok(cost) }
}

fn too_much() -> Error {
    let max = COST_MAX.nanos() / crate::domain::money::NANOS_PER_UNIT;
    Error::BoundReached { bound: "cost of a record", max }
}
