//! What would save money, by what was used: each kind of recommendation in a file.
//!
//! Pure: usage is given as it was summed up, prices are those of a catalog at one time.

pub mod idle;
pub mod model;
pub mod price;
#[cfg(test)]
mod tests;
pub mod usage;

use std::sync::Arc;

use crate::domain::catalog::Catalog;
use crate::domain::catalog::price::RateCard;
use crate::domain::usage::ServiceTier;
use crate::domain::workspace::recommendation::{Saving, a_month};
use crate::domain::{Amount, Currency, Time};
use usage::{ByTier, Tokens};

/// Fewer requests say nothing about a subject or a model.
pub const REQUESTS_MIN: i64 = 20;
/// A subject that has less than this share of the cost of the workspace on a model, in percent, is
/// left alone.
const SHARE_PERCENT_MIN: i64 = 1;

/// What a workspace pays at a time.
#[derive(Clone, Copy)]
pub struct Prices<'a> {
    pub catalog: &'a Catalog,
    pub workspace_id: &'a str,
    pub currency: Currency,
    pub now: Time,
}

impl<'a> Prices<'a> {
    fn card(&self, model_id: &str) -> Option<&'a Arc<RateCard>> {
        self.catalog.price_at(model_id, self.workspace_id, self.now)
    }

    /// The price that a workspace without one of its own pays.
    fn list_card(&self, model_id: &str) -> Option<&'a Arc<RateCard>> {
        self.catalog.price_at(model_id, "", self.now)
    }

    /// What tokens cost by a price, in the currency of the workspace. None without rates for tokens
    /// or an exchange rate.
    fn cost_by(&self, card: &RateCard, tokens: &Tokens, tier: ServiceTier) -> Option<Amount> {
        if !card.prices_tokens() {
            return None;
        }
        let from = card.price().currency;
        let rate = self.catalog.exchange_rate(from, self.currency, self.now)?;
        card.cost_of_sum(tokens.requests, &tokens.by_class, tier, rate)
    }

    /// The same of tokens of all tiers, each in its own.
    fn cost_of_all_by(&self, card: &RateCard, tokens: &ByTier) -> Option<Amount> {
        let mut sum = Amount::ZERO;
        for (tier, tokens) in ServiceTier::ALL.into_iter().zip(tokens) {
            if !tokens.is_empty() {
                sum = sum.checked_add(self.cost_by(card, tokens, tier)?)?;
            }
        }
        Some(sum)
    }

    /// What they cost on a model.
    fn cost_of_all(&self, model_id: &str, tokens: &ByTier) -> Option<Amount> {
        self.cost_of_all_by(self.card(model_id)?, tokens)
    }
}

/// Savings of so many days as those of a month.
fn monthly([low, expected, high]: [Amount; 3], days: i64) -> Option<Saving> {
    Some(Saving {
        low: a_month(low, days)?,
        expected: a_month(expected, days)?,
        high: a_month(high, days)?,
    })
}

/// What is left of one amount after another; none if that is more than an amount says.
fn less(amount: Amount, other: Amount) -> Option<Amount> {
    amount.nanos().checked_sub(other.nanos()).map(Amount::from_nanos)
}
