//! What the server says of a record.

use crate::money::Money;
use crate::names::OpenEnum;
use crate::v1;

/// What a call cost, once its record is durable.
// Four things that are so or not, each of its own.
#[allow(clippy::struct_excessive_bools)]
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Recorded {
    /// In the workspace's currency.
    pub cost: Money,
    /// What was counted: what the server read in the provider's answer, or what was recorded.
    pub usage: v1::Usage,
    /// The model that it counts for.
    pub model: String,
    /// Number of the attempt that it was recorded under.
    pub attempt: i32,
    /// Whether the record existed already: nothing was counted again.
    pub duplicate: bool,
    /// Whether no usage was found in the answer: what was held is charged.
    pub unread: bool,
    /// Whether the model has no price, or the price lacks a rate.
    pub unpriced: bool,
    /// Whether the cost is above the alert policy's `large_record_cost`.
    pub large: bool,
    /// Where the workspace stands.
    pub budget_state: OpenEnum<v1::BudgetState>,
    /// What the workspace has spent in the running cycle.
    pub cycle_spent: Money,
}

impl From<v1::RecordUsageResponse> for Recorded {
    fn from(answer: v1::RecordUsageResponse) -> Self {
        // The server sends no amount that is none.
        let money = |money: Option<v1::Money>| {
            money.and_then(|money| Money::try_from(&money).ok()).unwrap_or_default()
        };
        Self {
            cost: money(answer.cost),
            usage: answer.usage.unwrap_or_default(),
            model: answer.model_id,
            attempt: answer.attempt,
            duplicate: answer.duplicate,
            unread: answer.unread,
            unpriced: answer.unpriced,
            large: answer.large,
            budget_state: OpenEnum::new(answer.budget_state),
            cycle_spent: money(answer.cycle_spent),
        }
    }
}
