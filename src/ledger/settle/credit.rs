//! Credits: entries of negative cost without usage.

use std::sync::Arc;

use super::WINDOW_SPENT_MAX;
use crate::domain::catalog::price::Rate;
use crate::domain::record::{CREDIT_ATTEMPT, CREDIT_MODEL_ID, CreditReport, Record, RecordKind};
use crate::domain::usage::{Extras, Note, Outcome, ServiceTier, Usage, UsageSource};
use crate::domain::{Amount, Time, money};
use crate::ledger::error::Error;
use crate::ledger::state::Ledger;

impl Ledger {
    /// Makes the entry of a credit: it is to be settled with [`Ledger::settle`] when it is durable,
    /// or abandoned with [`Ledger::abandon`]. It lowers what is spent in the windows of its time,
    /// also below zero. Alerts that were raised stay raised.
    ///
    /// # Errors
    /// If the spend of its cycle would pass the negative of [`WINDOW_SPENT_MAX`].
    pub fn prepare_credit(
        &mut self,
        now: Time,
        seq: i64,
        report: CreditReport,
        actor: &str,
    ) -> Result<Record, Error> {
        let now = self.advance(now);
        let time = report.time.unwrap_or(now);
        let spent = self.models.totals(self.context.cycle_of(time)).spent;
        if spent - report.amount < Amount::ZERO - WINDOW_SPENT_MAX {
            let max = WINDOW_SPENT_MAX.nanos() / money::NANOS_PER_UNIT;
            return Err(Error::BoundReached { bound: "credit of a cycle", max });
        }
        let fingerprint = report.fingerprint();
        let entry = self.context.catalog().model(&report.model_id);
        let metered_model_id: Arc<str> = match entry {
            Some(entry) => entry.model().id.clone(),
            None if report.model_id.is_empty() => CREDIT_MODEL_ID.into(),
            None => report.model_id.as_str().into(),
        };
        let model_id = match report.model_id.is_empty() {
            true => metered_model_id.clone(),
            false => report.model_id.as_str().into(),
        };
        let attribution = self.attribution_of_record(None, report.attribution);
        let group = self.keys.group_of_key(&attribution.api_key_id);
        let note =
            Note { reason: report.reason, reference: report.reference, actor: actor.to_owned() };
        let record = Record {
            seq,
            workspace_id: self.context.workspace().id.clone(),
            request_id: report.credit_id,
            attempt: CREDIT_ATTEMPT,
            revision: 0,
            kind: RecordKind::Credit,
            model_id,
            metered_model_id,
            tier: ServiceTier::Standard,
            usage: Usage::default(),
            answer: None,
            start_time_adjusted: false,
            extras: Extras { note: Some(note), ..Extras::default() }.boxed(),
            outcome: Outcome::Success,
            source: UsageSource::Provider,
            cost: -report.amount,
            unpriced: false,
            large_above: None,
            price_id: None,
            exchange_rate: Rate::ONE,
            charge_time: time,
            hour: self.context.calendar().hour_start(time),
            day: self.context.day_start(time),
            start_time: time,
            record_time: now,
            latency: 0,
            attribution,
            key_group_id: self.keys.group_id(group).clone(),
            fingerprint,
        };
        self.add_pending(&record)?;
        Ok(record)
    }
}
