//! Records as they are made: a report is priced, and the windows that it is charged to are
//! determined.

use std::sync::Arc;

use crate::domain::attribution::Attribution;
use crate::domain::catalog::price::{Quote, Rate};
use crate::domain::record::{
    CLOCK_AHEAD_MAX, EXPIRY_ATTEMPT, RECORD_AGE_MAX, RECORD_AHEAD_MAX, Record, RecordKind,
    UsageReport,
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

impl Ledger {
    /// Makes the record of a report, and adds it to the pending spend: it is to be settled with
    /// [`Ledger::settle`] when it is durable, or abandoned with [`Ledger::abandon`]. `check_time`
    /// is when the request was checked, where the caller knows it of a hold that has ended.
    ///
    /// # Errors
    /// If its `start_time` is out of range and decides something, or the spend of its window would
    /// pass [`super::WINDOW_SPENT_MAX`].
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
        (report, fingerprint): (UsageReport, i64),
        (start_time, start_time_adjusted): (Time, bool),
        check_time: Option<Time>,
    ) -> Result<Record, Error> {
        let hold = self.hold_of(&report.request_id, report.attempt);
        let charge_time = check_time.unwrap_or(start_time);
        let bill = self.bill(hold, &report, charge_time);
        let key_group_id = self.group_of_record(hold, &report);
        let attribution = self.attribution_of_record(hold, report.attribution);
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
            outcome: report.outcome,
            source: report.source,
            cost: bill.cost,
            unpriced: bill.unpriced,
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
        let record = Record {
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
            outcome: Outcome::Error,
            source: UsageSource::Estimated,
            cost: hold.held,
            unpriced: quote.is_none(),
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
        self.add_pending(&record)?;
        Ok(Some(record))
    }

    /// A record as it is billed now, at the prices valid at its charge time. None if it still has
    /// no price.
    pub fn reprice(&self, record: &Record) -> Option<Record> {
        let entry = self.context.catalog().model(&record.model_id)?;
        let quote = self.context.quote(Some(entry), record.charge_time).unwrap_or_default()?;
        Some(Record {
            metered_model_id: entry.model().id.clone(),
            cost: cost(&quote, &record.usage, record.tier),
            unpriced: false,
            price_id: Some(quote.card.price().id.clone()),
            exchange_rate: quote.rate,
            ..record.clone()
        })
    }

    /// The bill of a report. A request that ran on the model of its hold is billed at the hold's
    /// price; a model without a price is billed as the hold's model, and without a hold at zero.
    fn bill(&self, hold: Option<&Hold>, report: &UsageReport, charge_time: Time) -> Bill {
        let entry = self.context.catalog().model(&report.model_id);
        let held_model = hold.map(|hold| self.models.get(hold.model).id());
        let metered_model = match (entry, held_model) {
            (Some(entry), _) => entry.model().id.clone(),
            (None, Some(model_id)) => model_id.clone(),
            (None, None) => report.model_id.as_str().into(),
        };
        let held_quote = hold.and_then(|hold| hold.quote.clone());
        let is_held_model = held_model.is_some_and(|model_id| *model_id == metered_model);
        let own_quote = match &held_quote {
            Some(quote) if is_held_model && entry.is_some() => Some(quote.clone()),
            // A missing exchange rate counts as no price: the record is accepted all the same.
            _ => self.context.quote(entry.map(|entry| &**entry), charge_time).unwrap_or_default(),
        };
        let unpriced = own_quote.is_none();
        match own_quote.or(held_quote) {
            Some(quote) => Bill {
                cost: cost(&quote, &report.usage, report.tier),
                metered_model,
                unpriced,
                price_id: Some(quote.card.price().id.clone()),
                rate: quote.rate,
            },
            None => Bill {
                cost: Amount::ZERO,
                metered_model,
                unpriced,
                price_id: None,
                rate: Rate::ONE,
            },
        }
    }
}

fn cost(quote: &Quote, usage: &Usage, tier: ServiceTier) -> Amount {
    quote.card.cost(usage, tier, quote.rate)
}
