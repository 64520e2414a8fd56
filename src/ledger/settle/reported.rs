//! Reported costs: what a provider says that it bills, beside what the price makes of it, and which
//! of both is charged.

use crate::domain::catalog::bill::COST_MAX;
use crate::domain::record::Record;
use crate::domain::usage::{Extras, Usage};
use crate::domain::{Amount, Time};
use crate::ledger::state::Ledger;

/// What was computed for a record, and what decides whether that is charged.
pub(super) struct Computed<'a> {
    pub cost: Amount,
    pub unpriced: bool,
    /// Provider that answered; empty if only the model tells.
    pub provider: &'a str,
    pub metered_model: &'a str,
    pub usage: &'a Usage,
    pub charge_time: Time,
}

/// What a record is charged.
pub(super) struct Charged {
    pub cost: Amount,
    /// Nothing was counted or estimated, and what was reported instead has no exchange rate.
    pub is_lost: bool,
}

impl Ledger {
    /// The cost of a record that is charged: what was computed, unless the provider reports a cost
    /// and the workspace charges that, or nothing could be computed, because there is no price or
    /// nothing was counted. Both are kept.
    pub(super) fn charged_cost(
        &self,
        computed: &Computed<'_>,
        extras: Option<&mut Extras>,
    ) -> Charged {
        let as_computed = Charged { cost: computed.cost, is_lost: false };
        let Some(extras) = extras else { return as_computed };
        let has_tokens = computed.usage.tokens.iter().any(|count| *count > 0);
        let is_counted = has_tokens || extras.has_units();
        let Some(reported) = &mut extras.reported else { return as_computed };
        let time = computed.charge_time;
        let converted = self.context.convert(reported.amount, reported.currency, time);
        reported.computed = computed.cost;
        reported.converted = converted.filter(|cost| *cost <= COST_MAX);
        let is_charged = self.charges_reported(computed) || computed.unpriced || !is_counted;
        let charged = reported.converted.filter(|_| is_charged);
        reported.is_charged = charged.is_some();
        let cost = charged.unwrap_or(computed.cost);
        let is_nothing = !is_counted && charged.is_none() && cost.is_zero();
        Charged { cost, is_lost: is_nothing && reported.amount > Amount::ZERO }
    }

    fn charges_reported(&self, computed: &Computed<'_>) -> bool {
        let policy = &self.context.workspace().reported_cost;
        let entry = || self.context.catalog().by_id(computed.metered_model);
        match computed.provider {
            "" => entry().is_some_and(|entry| policy.charges(&entry.model().provider)),
            provider => policy.charges(provider),
        }
    }

    /// Whether the provider reports a cost that is far from the computed one.
    pub(super) fn costs_differ(&self, record: &Record) -> bool {
        let reported = record.extras.as_deref().and_then(|extras| extras.reported.as_ref());
        let policy = &self.context.workspace().reported_cost;
        reported.is_some_and(|reported| {
            !record.unpriced
                && reported.converted.is_some_and(|cost| policy.is_apart(reported.computed, cost))
        })
    }
}
