//! Estimates: what a request costs at most on a model.

use crate::domain::Amount;
use crate::domain::catalog::ModelEntry;
use crate::domain::catalog::price::Quote;
use crate::domain::check::Check;
use crate::domain::quota::Consumption;
use crate::domain::usage::{TOKENS_MAX, TokenClass, Usage};
use crate::ledger::error::Error;
use crate::ledger::models::{ModelIndex, OutputHistory};
use crate::ledger::state::Ledger;

#[derive(Clone, Debug)]
pub struct Estimate {
    pub cost: Amount,
    /// Absent if the model has no price: the cost is zero then.
    pub quote: Option<Quote>,
    /// The model has no price, or its price lacks something that the request declares.
    pub unpriced: bool,
    pub output_tokens: i64,
    /// Of the input: none where the cache is cold.
    pub cache_reads: i64,
}

impl Estimate {
    /// What the request needs, in all units.
    pub fn need(&self, check: &Check) -> Consumption {
        let tokens = check.input.total_input() + self.output_tokens;
        let cache_reads = self.cache_reads;
        Consumption { money: self.cost, tokens, requests: 1, cache_reads }
    }
}

impl Ledger {
    /// What a request costs at most on the model that it names, with the model's price and its
    /// bounds.
    ///
    /// # Errors
    /// If the price has no exchange rate.
    pub(super) fn estimate(&self, model: ModelIndex, check: &Check) -> Result<Estimate, Error> {
        self.estimate_with(model, check, &check.input)
    }

    /// The same on another model. Its cache is cold: caches are kept by model.
    ///
    /// # Errors
    /// If the price has no exchange rate.
    pub(super) fn estimate_cold(
        &self,
        model: ModelIndex,
        check: &Check,
    ) -> Result<Estimate, Error> {
        self.estimate_with(model, check, &check.cold_input())
    }

    fn estimate_with(
        &self,
        model: ModelIndex,
        check: &Check,
        input: &Usage,
    ) -> Result<Estimate, Error> {
        let model = self.models.get(model);
        self.estimate_of(model.entry().map(|entry| &**entry), model.outputs(), check, input)
    }

    /// Cost of a request on the model that it names; zero if that is unknown or has no price.
    pub(super) fn requested_cost(&self, check: &Check) -> Amount {
        let name = self.models.unaliased(&check.model_id);
        let Some(entry) = self.context.catalog().model(name) else {
            return Amount::ZERO;
        };
        let estimate = match self.models.find(&entry.model().id) {
            Some(index) => self.estimate(index, check),
            None => {
                let outputs = OutputHistory::default();
                self.estimate_of(Some(entry), &outputs, check, &check.input)
            }
        };
        estimate.map_or(Amount::ZERO, |estimate| estimate.cost)
    }

    fn estimate_of(
        &self,
        entry: Option<&ModelEntry>,
        outputs: &OutputHistory,
        check: &Check,
        input: &Usage,
    ) -> Result<Estimate, Error> {
        // What the caller declares is within the bound together with the input; an estimate of the
        // output is made so.
        let room = TOKENS_MAX - check.input.total_input();
        let declared = check.max_output.unwrap_or_else(|| outputs.estimate().min(room));
        let model_max = entry.and_then(|entry| entry.model().max_output);
        let output_tokens = model_max.map_or(declared, |max| declared.min(max)).min(room);
        let quote = self.context.quote(entry, self.context.now())?;
        let extras = check.extras.as_deref();
        let cost = quote.as_ref().map_or(Amount::ZERO, |quote| {
            quote.card.most(input, output_tokens, extras, check.tier, quote.rate)
        });
        let unpriced =
            quote.as_ref().is_none_or(|quote| quote.card.lacks(input, extras, check.tier));
        let cache_reads = input.get(TokenClass::CacheRead);
        Ok(Estimate { cost, quote, unpriced, output_tokens, cache_reads })
    }
}
