//! The three ends of a hold, and what is charged: settled by its usage record, released by the
//! caller, expired by its time.

use std::sync::Arc;

use super::asking::Slots;
use super::check::expiry;
use super::hold::Hold;
use super::state::{EXPIRED_HOLDS_MAX, Ledger};
use crate::domain::attribution::{AttributionField, SubjectIds};
use crate::domain::catalog::price::{Quote, Rate};
use crate::domain::check::BudgetStatus;
use crate::domain::quota::Consumption;
use crate::domain::record::{EXPIRY_ATTEMPT, Record, RecordKind, UsageReport};
use crate::domain::time::Micros;
use crate::domain::usage::{Outcome, ServiceTier, Usage, UsageSource};
use crate::domain::{Amount, Time};
use crate::ledger::Error;

/// Most that may be spent in one window: four billion units. With the bounds of prices and tokens
/// no sum of a window overflows.
pub const WINDOW_SPENT_MAX: Amount = Amount::from_nanos(4_000_000_000 * 1_000_000_000);

/// At what a record is billed.
struct Bill {
    cost: Amount,
    metered_model: Arc<str>,
    unpriced: bool,
    price_id: Option<Arc<str>>,
    rate: Rate,
}

impl Ledger {
    /// Prices a report and decides which windows it is charged to: the entry for the log. Nothing
    /// is charged until [`Ledger::settle`]; an entry that does not reach the log must be handed to
    /// [`Ledger::abandon`]. `check_time` is when the request was checked, where the caller knows it
    /// of a hold that has ended.
    ///
    /// # Errors
    /// If the window's spend would pass [`WINDOW_SPENT_MAX`].
    pub fn prepare(
        &mut self,
        now: Time,
        seq: i64,
        report: UsageReport,
        check_time: Option<Time>,
    ) -> Result<Record, Error> {
        let now = self.advance(now);
        let fingerprint = report.fingerprint();
        let hold = self.holds.get(&report.request_id);
        let start_time = report.start_time.unwrap_or(now);
        let check_time = hold.map(|hold| hold.check_time).or(check_time);
        let charge_time = check_time.unwrap_or(start_time);
        let bill = self.bill(hold, &report, charge_time);
        let key_group_id = self.group_of_record(hold, &report);
        let attribution = self.attribution_of_record(hold, report.attribution);
        let record = Record {
            seq,
            workspace_id: self.workspace.id.clone(),
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
            hour: self.calendar.hour_start(charge_time),
            day: self.day_start(charge_time),
            start_time,
            record_time: now,
            latency: report.latency,
            attribution,
            key_group_id,
            fingerprint,
        };
        self.expect(&record)?;
        Ok(record)
    }

    /// The entry that charges the estimate of a hold whose time is up. None if the hold has ended
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
        let model = self.models[hold.model as usize].id.clone();
        let quote = hold.quote.as_ref();
        let record = Record {
            seq,
            workspace_id: self.workspace.id.clone(),
            request_id: hold.request_id.clone(),
            attempt: EXPIRY_ATTEMPT,
            revision: 0,
            kind: RecordKind::ExpiryCharge,
            model_id: model.clone(),
            metered_model_id: model,
            tier: hold.tier,
            usage: Usage::default(),
            outcome: Outcome::Error,
            source: UsageSource::Estimated,
            cost: hold.held,
            unpriced: quote.is_none(),
            price_id: quote.map(|quote| quote.card.price().id.clone()),
            exchange_rate: quote.map_or(Rate::ONE, |quote| quote.rate),
            charge_time: hold.check_time,
            hour: self.calendar.hour_start(hold.check_time),
            day: self.day_start(hold.check_time),
            start_time: hold.check_time,
            record_time: now,
            latency: 0,
            attribution: hold.attribution().unwrap_or_default(),
            key_group_id: self.keys.group_id(hold.group),
            fingerprint: hold.fingerprint,
        };
        self.expect(&record)?;
        Ok(Some(record))
    }

    /// A record as it would be billed now: with the prices valid at its charge time. None if it
    /// still has no price.
    pub fn price_again(&self, record: &Record) -> Option<Record> {
        let entry = self.catalogue.model(&record.model_id)?;
        let quote = self.quote(Some(&**entry), record.charge_time).unwrap_or_default()?;
        Some(Record {
            metered_model_id: entry.model().id.clone(),
            cost: cost(&quote, &record.usage, record.tier),
            unpriced: false,
            price_id: Some(quote.card.price().id.clone()),
            exchange_rate: quote.rate,
            ..record.clone()
        })
    }

    /// Makes an entry known that is about to be written, made here or outside (a correction).
    ///
    /// # Errors
    /// If the window's spend would pass [`WINDOW_SPENT_MAX`].
    pub fn expect(&mut self, record: &Record) -> Result<(), Error> {
        let ahead = Amount::from_nanos(record.cost.nanos().max(0));
        let window = self.cycle_of(record.charge_time);
        let spent = self.meter.totals(window).spent;
        if spent + self.pending + ahead > WINDOW_SPENT_MAX {
            let max = WINDOW_SPENT_MAX.nanos() / crate::domain::money::NANOS_PER_UNIT;
            return Err(Error::BoundReached { bound: "spend of a cycle", max });
        }
        self.pending += ahead;
        Ok(())
    }

    /// Forgets an entry that did not reach the log, or was there already.
    pub fn abandon(&mut self, record: &Record) {
        self.pending -= Amount::from_nanos(record.cost.nanos().max(0));
        assert!(self.pending >= Amount::ZERO, "what was expected is settled or abandoned once");
    }

    /// Charges an entry that is durable now, and ends its hold: the actual amount, also above the
    /// hold and above the limit (I6), takes the place of what was held (I7).
    pub fn settle(&mut self, now: Time, record: &Record) -> BudgetStatus {
        let now = self.advance(now);
        self.abandon(record);
        let used = used_by(record);
        let charge_time = record.charge_time;
        let window = self.cycle_of(charge_time);
        // Nobody asks for a cycle that is over, and a ledger does not know what was spent in it.
        let is_over = window.end <= now;
        let model = self.model_index(&record.metered_model_id);
        if !is_over {
            for meter in self.meters_of(model) {
                meter.charge(window.start, record.cost);
            }
        }
        let hold = match record.kind {
            RecordKind::Usage => self.holds.remove(&record.request_id),
            RecordKind::Correction | RecordKind::ExpiryCharge => None,
        };
        let slots = self.slots_of_record(record, hold.as_ref());
        self.charge_rules(&slots, model, &used, charge_time);
        match record.kind {
            RecordKind::Usage => self.end_hold(hold, record, (&slots, model), &used),
            RecordKind::ExpiryCharge => self.expire_request(&record.request_id),
            RecordKind::Correction => {}
        }
        self.raise_envelope();
        self.raise_model(model);
        if record.unpriced && record.kind == RecordKind::Usage {
            self.raise_unpriced(model);
        }
        if record.kind == RecordKind::Usage && record.outcome == Outcome::Success {
            self.models[model].outputs.add(record.usage.total_output());
        }
        self.revision += 1;
        self.standing()
    }

    /// Subjects that a record counts for.
    fn slots_of_record(&mut self, record: &Record, hold: Option<&Hold>) -> Slots {
        let of = &record.attribution;
        let subject_ids = SubjectIds::new(|field| of.get(field), &record.key_group_id);
        self.make_slots_like(hold, &subject_ids)
    }

    /// Ends the hold of a record, and corrects in the rate limits what was estimated. What was not
    /// checked is counted there now.
    fn end_hold(
        &mut self,
        hold: Option<Hold>,
        record: &Record,
        (slots, model): (&Slots, usize),
        used: &Consumption,
    ) {
        let Some(hold) = hold else {
            return self.send(slots, model, used, record.charge_time);
        };
        self.unsend_tokens(&hold);
        let tokens = Consumption { tokens: used.tokens, ..Consumption::default() };
        self.send(slots, model, &tokens, record.charge_time);
        self.give_back(&hold);
    }

    /// Takes the estimated tokens of a hold out of the rate limits that counted them.
    fn unsend_tokens(&mut self, hold: &Hold) {
        let tokens = Consumption { tokens: -hold.held_tokens, ..Consumption::default() };
        self.send(&hold.slots, hold.model as usize, &tokens, hold.check_time);
    }

    /// Group that a record counts for: that of its hold, if it is of the same key, or else the one
    /// that the key is in now.
    fn group_of_record(&self, hold: Option<&Hold>, report: &UsageReport) -> Arc<str> {
        let said = report.attribution.as_ref().map(|said| said.api_key_id.as_str());
        let held_key = || {
            let held = hold.and_then(|hold| hold.attribution.as_ref());
            held.map_or("", |held| held.get(AttributionField::ApiKey))
        };
        let group = match (hold, said) {
            (Some(hold), None) => hold.group,
            (Some(hold), Some(said)) if said == held_key() => hold.group,
            (_, Some(said)) => self.keys.group_of(said),
            (_, None) => self.keys.group_of(held_key()),
        };
        self.keys.group_id(group)
    }

    /// Where the workspace stands.
    pub fn standing(&self) -> BudgetStatus {
        BudgetStatus {
            state: self.state(),
            cycle_spent: self.meter.totals(self.windows.cycle).spent,
        }
    }

    /// Start of the local day of `time`, which mostly is the running one.
    fn day_start(&self, time: Time) -> Time {
        let running = self.windows.day;
        if running.contains(time) { running.start } else { self.calendar.day(time).start }
    }

    /// Gives a hold back when the request never ran. Answers the amount.
    ///
    /// # Errors
    /// If there is no live hold.
    pub fn release(&mut self, now: Time, request_id: &str) -> Result<Amount, Error> {
        self.advance(now);
        self.live_hold(request_id)?;
        let hold = self.holds.remove(request_id).ok_or(Error::HoldNotFound)?;
        self.unsend_tokens(&hold);
        self.give_back(&hold);
        Ok(hold.held)
    }

    /// Moves the expiry of a live hold to `duration` from now, never nearer. Answers it.
    ///
    /// # Errors
    /// If there is no live hold.
    pub fn extend(&mut self, now: Time, request_id: &str, duration: Micros) -> Result<Time, Error> {
        let now = self.advance(now);
        let hold = self.live_hold(request_id)?;
        let expire_time = hold.expire_time.max(expiry(now, duration));
        self.holds.extend(request_id, expire_time);
        Ok(expire_time)
    }

    /// Requests whose hold is up and whose estimate is to be charged. Each is named once; give
    /// back what could not be written with [`Ledger::retry_charges`].
    pub fn take_due_charges(&mut self, now: Time) -> Vec<Arc<str>> {
        self.advance(now);
        std::mem::take(&mut self.due_charges)
    }

    pub fn retry_charges(&mut self, requests: Vec<Arc<str>>) {
        self.due_charges.extend(requests);
    }

    /// Whether the clock alone would change something by `now`: a hold is up.
    pub fn has_due(&self, now: Time) -> bool {
        !self.due_charges.is_empty() || self.holds.next_expiry().is_some_and(|time| time <= now)
    }

    /// Ends a hold that is up and whose charge the log refused: the request's hold had expired and
    /// was charged before. A request is charged for that once.
    pub fn expire_charged(&mut self, request_id: &str) {
        if self.holds.get(request_id).is_some_and(|hold| hold.expiring) {
            self.expire_request(request_id);
        }
    }

    /// A hold whose time is not up. One that only waits for its charge is over for its caller.
    fn live_hold(&self, request_id: &str) -> Result<&Hold, Error> {
        self.holds.get(request_id).filter(|hold| !hold.expiring).ok_or(Error::HoldNotFound)
    }

    fn expire_request(&mut self, request_id: &str) {
        if let Some(hold) = self.holds.remove(request_id) {
            self.expire(hold);
        }
    }

    /// Ends a hold that was taken out because its time was up.
    pub(super) fn expire(&mut self, hold: Hold) {
        self.give_back(&hold);
        self.expired_count += 1;
        self.raise_holds_expired();
        if self.expired.len() == EXPIRED_HOLDS_MAX {
            self.expired.pop_front();
        }
        self.expired.push_back(hold);
    }

    /// Gives back exactly what a hold took, where it took it (I7).
    fn give_back(&mut self, hold: &Hold) {
        self.untake(&hold.slots, hold.model as usize, &hold.used(), hold.check_time);
    }

    /// The cost of a report. A request is billed at the price that it was checked at, if it ran on
    /// the model that the check named; a model without a price is billed as the hold's model,
    /// and without a hold at zero.
    fn bill(&self, hold: Option<&Hold>, report: &UsageReport, charge_time: Time) -> Bill {
        let entry = self.catalogue.model(&report.model_id);
        let held_model = hold.map(|hold| &self.models[hold.model as usize]);
        let metered_model = match (entry, held_model) {
            (Some(entry), _) => entry.model().id.clone(),
            (None, Some(model)) => model.id.clone(),
            (None, None) => report.model_id.as_str().into(),
        };
        let held_quote = hold.and_then(|hold| hold.quote.clone());
        let is_held_model = held_model.is_some_and(|model| model.id == metered_model);
        let own_quote = match &held_quote {
            Some(quote) if is_held_model && entry.is_some() => Some(quote.clone()),
            // A missing exchange rate is as good as no price: the record is taken all the same.
            _ => self.quote(entry.map(|entry| &**entry), charge_time).unwrap_or_default(),
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

/// What a record counts as: a correction and the charge of an expired hold are money alone.
fn used_by(record: &Record) -> Consumption {
    if record.kind != RecordKind::Usage {
        return Consumption { money: record.cost, ..Consumption::default() };
    }
    Consumption {
        money: record.cost,
        tokens: record.usage.total_input() + record.usage.total_output(),
        requests: 1,
    }
}

fn cost(quote: &Quote, usage: &Usage, tier: ServiceTier) -> Amount {
    quote.card.cost(usage, tier, quote.rate)
}
