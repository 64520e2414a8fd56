//! Settlement: a record that is durable is charged, and ends the hold of its request.

mod credit;
mod distinct;
mod record;
mod reported;
mod attempt;
mod attribution;
mod holds;
mod void;

use smallvec::SmallVec;

use super::alerts::DailyAlert;
use super::holds::Hold;
use super::limits::{DueKinds, Slots};
use super::models::ModelIndex;
use super::state::Ledger;
use crate::domain::attribution::{SubjectIds, SubjectKind};
use crate::domain::check::BudgetStatus;
use crate::domain::quota::Consumption;
use crate::domain::record::{Record, RecordKind};
use crate::domain::usage::{Outcome, TokenClass};
use crate::domain::{Amount, Time};
use crate::ledger::error::Error;

pub use attempt::{ExpiryCharge, Placement};
pub use distinct::{DistinctValues, OTHER_VALUE};
pub use void::Void;

/// Most that may be spent in one window: four billion units. With the bounds of prices and tokens
/// no sum of a window overflows.
pub const WINDOW_SPENT_MAX: Amount = Amount::from_nanos(4_000_000_000 * 1_000_000_000);

/// What a record was charged to, and whose alerts are due with it.
struct Settled {
    model: ModelIndex,
    slots: Slots,
    due: DueKinds,
}

impl Ledger {
    /// Adds a record that is about to be written to the pending spend. Each is later settled or
    /// abandoned.
    ///
    /// # Errors
    /// If the spend of its window would pass [`WINDOW_SPENT_MAX`].
    pub fn add_pending(&mut self, record: &Record) -> Result<(), Error> {
        let cost = Amount::from_nanos(record.cost.nanos().max(0));
        let window = self.context.cycle_of(record.charge_time);
        let spent = self.models.totals(window).spent;
        if spent + self.pending + cost > WINDOW_SPENT_MAX {
            let max = WINDOW_SPENT_MAX.nanos() / crate::domain::money::NANOS_PER_UNIT;
            return Err(Error::BoundReached { bound: "spend of a cycle", max });
        }
        self.pending += cost;
        Ok(())
    }

    /// Takes a record that was not written, or existed already, out of the pending spend.
    pub fn abandon(&mut self, record: &Record) {
        self.pending -= Amount::from_nanos(record.cost.nanos().max(0));
        assert!(self.pending >= Amount::ZERO, "a pending record is settled or abandoned once");
        self.holds.cancel_ending(&record.request_id);
    }

    /// Charges a record that is durable, and ends its hold: the actual amount, also above the hold
    /// and above the limit (I6), replaces what was held (I7).
    pub fn settle(&mut self, now: Time, record: &Record) -> BudgetStatus {
        self.settle_together(now, std::slice::from_ref(record))
    }

    /// [`Ledger::settle`] for records of one commit that mean something together: a late record,
    /// and the correction that takes back the charge of its expired hold. Alerts and the status are
    /// those after all of them.
    pub fn settle_together(&mut self, now: Time, records: &[Record]) -> BudgetStatus {
        self.advance(now);
        let settled: SmallVec<[Settled; 2]> =
            records.iter().map(|record| self.charge(record)).collect();
        for (record, settled) in records.iter().zip(&settled) {
            self.raise_after(record, settled);
        }
        self.revision += 1;
        self.budget_status()
    }

    fn charge(&mut self, record: &Record) -> Settled {
        self.abandon(record);
        let used = used_by(record);
        let window = self.context.cycle_of(record.charge_time);
        let catalog = self.context.catalog();
        let model = self.models.find_or_add(&record.metered_model_id, catalog);
        // A cycle that is over is read by no limit, and its spend may not have been loaded.
        if window.end > self.context.now() {
            self.models.charge(model, window.start, record.cost);
        }
        let hold = match record.ends_hold() {
            true => self.holds.note_recorded(&record.request_id, record.attempt),
            false => None,
        };
        let mut subject_ids = SubjectIds::new(&record.attribution, &record.key_group_id);
        subject_ids[SubjectKind::Provider] = self.models.get(model).provider_id();
        let likely = hold.as_ref().map(|hold| &hold.slots);
        let slots = self.limits.find_or_add_slots_like(likely, &subject_ids);
        let due = self.limits.charge(&self.context, &slots, model, (&used, record.charge_time));
        match record.kind {
            RecordKind::Usage => {
                self.end_hold(hold, record, (&slots, model), &used);
                self.note_contexts(record);
            }
            RecordKind::ExpiryCharge => self.expire_request(&record.request_id),
            RecordKind::Correction | RecordKind::Credit | RecordKind::Void => {}
        }
        if record.kind == RecordKind::Usage && record.outcome == Outcome::Success {
            self.models.add_output(model, record.usage.total_output());
        }
        Settled { model, slots, due }
    }

    /// Ends the hold of a usage record. Rate limits have counted its estimate, which is replaced by
    /// the actual tokens; a request that was not checked is counted there now.
    fn end_hold(
        &mut self,
        hold: Option<Hold>,
        record: &Record,
        (slots, model): (&Slots, ModelIndex),
        used: &Consumption,
    ) {
        let time = record.charge_time;
        let Some(hold) = hold else {
            return self.limits.admit(&self.context, slots, model, used, time);
        };
        self.figures.settled(hold.held, record.cost);
        self.retract_tokens(&hold);
        let (tokens, cache_reads) = (used.tokens, used.cache_reads);
        let tokens = Consumption { tokens, cache_reads, ..Consumption::default() };
        self.limits.admit(&self.context, slots, model, &tokens, time);
        self.release_held(&hold);
    }

    /// Remembers how many tokens the contexts have that the provider keeps of a record that is in
    /// the log. An answer that is not read, or in which nothing was counted, says nothing of them.
    pub fn note_contexts(&mut self, record: &Record) {
        let tokens = record.usage.total_input() + record.usage.total_output();
        let answer = record.answer.as_deref().filter(|answer| !answer.is_unread && tokens > 0);
        for id in answer.iter().flat_map(|answer| &answer.context_ids) {
            self.contexts.note(id, tokens);
        }
    }

    /// Raises the alerts that a record makes due.
    fn raise_after(&mut self, record: &Record, settled: &Settled) {
        let Settled { model, ref slots, due } = *settled;
        self.limits.raise_due(&self.context, slots, due, &mut self.alerts);
        self.raise_envelope();
        self.raise_cap(model);
        self.alerts.raise_large_record(record, self.context.now());
        if record.kind != RecordKind::Usage {
            return;
        }
        let is_unread = record.answer.as_deref().is_some_and(|answer| answer.is_unread);
        let due = [
            (DailyAlert::UnpricedModel, record.unpriced && !is_unread),
            (DailyAlert::AnswerUnread, is_unread),
            (DailyAlert::CostDiffers, self.costs_differ(record)),
        ];
        for (alert, _) in due.into_iter().filter(|(_, is_due)| *is_due) {
            let id = self.models.get(model).id();
            self.alerts.raise_daily(&self.context, alert, model, id);
        }
    }
}

/// What a record counts as: all but usage is money alone.
fn used_by(record: &Record) -> Consumption {
    if record.kind != RecordKind::Usage {
        return Consumption { money: record.cost, ..Consumption::default() };
    }
    Consumption {
        money: record.cost,
        tokens: record.usage.total_input() + record.usage.total_output(),
        requests: 1,
        cache_reads: record.usage.get(TokenClass::CacheRead),
    }
}
