//! Records as they are made: a report is priced, and the windows that it is charged to are
//! determined.

use std::sync::Arc;

use crate::domain::catalog::ModelEntry;
use crate::domain::catalog::price::{Quote, Rate};
use crate::domain::record::{EXPIRY_ATTEMPT, Record, RecordKind, UsageReport};
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
    /// If the spend of its window would pass [`super::WINDOW_SPENT_MAX`].
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
            record_time: now,
            latency: report.latency,
            attribution,
            key_group_id,
            fingerprint,
        };
        self.add_pending(&record)?;
        Ok(record)
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
        let metered = self.model_of_record(&record.model_id, Some(&record.metered_model_id));
        let entry = metered.entry?;
        let quote = self.context.quote(Some(entry), record.charge_time).unwrap_or_default()?;
        Some(Record {
            metered_model_id: metered.model_id,
            cost: cost(&quote, &record.usage, record.tier),
            unpriced: false,
            price_id: Some(quote.card.price().id.clone()),
            exchange_rate: quote.rate,
            ..record.clone()
        })
    }

    /// Which model a name in a report stands for. `held` is the model that the request was allowed
    /// on: its provider is the one that answers, and what is a snapshot, a version or a region of
    /// it counts for it, at its own price.
    fn model_of_record(&self, name: &str, held: Option<&Arc<str>>) -> Metered<'_> {
        let catalog = self.context.catalog();
        let name = self.models.unaliased(name);
        if let Some((held, held_entry)) = held.and_then(|id| Some((id, catalog.by_id(id)?))) {
            if *name == **held {
                return Metered { entry: Some(held_entry), model_id: held.clone() };
            }
            let provider = &held_entry.model().provider;
            if let Some(entry) = catalog.model_of(name, provider)
                && catalog.is_of_family(entry.model(), held)
            {
                return Metered { entry: Some(entry), model_id: held.clone() };
            }
        }
        let entry = catalog.model(name);
        let model_id = match (entry, held) {
            (Some(entry), _) => entry.model().id.clone(),
            (None, Some(held)) => held.clone(),
            (None, None) => name.into(),
        };
        Metered { entry, model_id }
    }

    /// The bill of a report. A request that ran on the model of its hold is billed at the hold's
    /// price; a model without a price is billed as the hold's model, and without a hold at zero.
    fn bill(&self, hold: Option<&Hold>, report: &UsageReport, charge_time: Time) -> Bill {
        let held_model = hold.map(|hold| self.models.get(hold.model).id());
        let Metered { entry, model_id: metered_model } =
            self.model_of_record(&report.model_id, held_model);
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
