//! When prices were last known to be right. A price never changes; that a list has it unchanged is
//! kept beside it.

use std::sync::Arc;

use hashbrown::HashMap;

use crate::domain::Time;
use crate::domain::catalog::price::Price;

/// That an import found a price unchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmation {
    pub price_id: Arc<str>,
    /// Of the import.
    pub confirm_time: Time,
}

/// The latest confirmation of each price that has one.
#[derive(Clone, Debug, Default)]
pub(super) struct Confirmations(HashMap<Arc<str>, Time>);

impl Confirmations {
    pub fn add(&mut self, Confirmation { price_id, confirm_time }: Confirmation) {
        let latest = self.0.entry(price_id).or_insert(confirm_time);
        *latest = confirm_time.max(*latest);
    }

    /// Of its beginning, the time it was made, and its last confirmation the latest.
    pub fn confirm_time(&self, price: &Price) -> Time {
        let made = price.effective_time.max(price.create_time);
        self.0.get(&price.id).map_or(made, |confirmed| made.max(*confirmed))
    }
}
