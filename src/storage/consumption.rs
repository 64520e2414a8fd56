//! The part of the contract about consumption: what was used in the windows of limits.

use std::collections::HashMap;

use async_trait::async_trait;

use super::Result;
use crate::domain::backfill::{ConsumptionQuery, RateBucket, RateQuery};
use crate::domain::quota::Consumption;
use crate::domain::{Amount, Time};

/// Exact sums over the usage log, folded or not. General rules: see [`super::Store`].
#[async_trait]
pub trait ConsumptionStore: Send + Sync + 'static {
    /// Must return, for each metered model of the workspace with records charged in
    /// `from <= charge_time < to`, the exact sum of their cost. Must not take time in proportion to
    /// the number of folded records.
    async fn spent_by_model(
        &self,
        workspace_id: &str,
        from: Time,
        to: Time,
    ) -> Result<HashMap<String, Amount>>;

    /// Must return, for each subject of the scope's kind (or the one that is named) with records
    /// charged in `from <= charge_time < to`, on the scope's metered model if it names one, exact
    /// sums: cost, tokens of all classes, and records of kind usage as requests. A subject without
    /// an id does not count. Must not take time in proportion to the number of folded records, and
    /// for a subject that is named not in proportion to the number of subjects.
    ///
    /// Subjects of the kind `Tag` are those of
    /// [`tag_subject_id`](crate::domain::attribution::tag_subject_id): a record counts for each of
    /// its tags. For the kind `Provider` the subjects must be the metered models, whichever
    /// provider the scope names.
    async fn consumption(
        &self,
        workspace_id: &str,
        query: &ConsumptionQuery,
    ) -> Result<Vec<(String, Consumption)>>;

    /// Must return the earliest `charge_time` of the folded records of a workspace, also of those
    /// that were dropped; `None` if there are none.
    async fn first_charge_time(&self, workspace_id: &str) -> Result<Option<Time>>;

    /// Must return, for the subjects as in [`ConsumptionStore::consumption`] and each bucket of
    /// `charge_time` from `from` on, the number of records of kind usage and their tokens, by
    /// subject and bucket.
    async fn rate_buckets(&self, workspace_id: &str, query: &RateQuery) -> Result<Vec<RateBucket>>;
}
