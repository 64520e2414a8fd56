//! Withdrawals of prices and exchange rates that were wrong. What is withdrawn stays known, because
//! records refer to it, and counts for nothing.

use std::sync::Arc;

use hashbrown::HashMap;
use serde::Serialize;

use crate::domain::Time;
use crate::domain::catalog::ExchangeRate;
use crate::domain::catalog::price::RateCard;

coded_enum! {
    /// What is withdrawn.
    pub enum WithdrawnKind {
        Price = 0,
        ExchangeRate = 1,
    }
}

/// That a price or an exchange rate was wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Withdrawal {
    pub kind: WithdrawnKind,
    /// Of the price; of an exchange rate see [`id_of_rate`].
    pub id: Arc<str>,
    pub reason: String,
    pub actor: String,
    pub withdraw_time: Time,
}

/// The id of an exchange rate as [`Withdrawal`] names it.
pub fn id_of_rate(rate: &ExchangeRate) -> Arc<str> {
    format!("{}/{}/{}", rate.from, rate.to, rate.effective_time.micros()).into()
}

/// Everything that is withdrawn.
#[derive(Clone, Debug, Default)]
pub(super) struct Withdrawn {
    /// By id of the price.
    prices: HashMap<Arc<str>, (Arc<RateCard>, Arc<Withdrawal>)>,
    rates: Vec<(ExchangeRate, Arc<Withdrawal>)>,
}

impl Withdrawn {
    pub fn add_price(&mut self, card: Arc<RateCard>, withdrawal: Withdrawal) {
        self.prices.insert(withdrawal.id.clone(), (card, Arc::new(withdrawal)));
    }

    pub fn add_rate(&mut self, rate: ExchangeRate, withdrawal: Withdrawal) {
        self.rates.push((rate, Arc::new(withdrawal)));
    }

    /// Forgets the withdrawal of a rate that is set again.
    pub fn restore_rate(&mut self, rate: &ExchangeRate) {
        let id = id_of_rate(rate);
        self.rates.retain(|(_, withdrawal)| withdrawal.id != id);
    }

    pub fn of_price(&self, id: &str) -> Option<&Arc<Withdrawal>> {
        self.prices.get(id).map(|(_, withdrawal)| withdrawal)
    }

    /// Prices of a model: of the catalog, and of the workspace that is named.
    pub fn prices_of<'a>(
        &'a self,
        model_id: &'a str,
        workspace_id: Option<&'a str>,
    ) -> impl Iterator<Item = &'a Arc<RateCard>> {
        let is_of = move |card: &&Arc<RateCard>| {
            let price = card.price();
            let owner = price.workspace_id.as_deref();
            *price.model_id == *model_id && (owner.is_none() || owner == workspace_id)
        };
        self.prices.values().map(|(card, _)| card).filter(is_of)
    }

    pub fn rates(&self) -> &[(ExchangeRate, Arc<Withdrawal>)] {
        &self.rates
    }
}
