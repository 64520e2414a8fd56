//! Rankings of workflows and assistants by their tokens, requests or cost.

use super::top_values::PendingTop;
use crate::analytics::axis::Restriction;
use crate::analytics::batch::{Answers, Batch};
use crate::analytics::figures::token_count;
use crate::analytics::filters::{self, Filters};
use crate::analytics::range::{Range, ReportPeriod};
use crate::analytics::{Result, Scope, log_bound, names};
use crate::domain::Amount;
use crate::domain::attribution::Dimension;
use crate::storage::reports::OrderBy;
use crate::storage::rollup::Sums;

/// The dimension whose values are ranked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ranked {
    Workflows,
    Assistants,
}

/// A ranking query.
#[derive(Clone, Debug)]
pub struct RankingQuery {
    pub range: Range,
    pub restrictions: Vec<Restriction>,
    pub ranked: Ranked,
    pub order_by: OrderBy,
    /// Most places of the ranking.
    pub top: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub struct RankingReport {
    pub period: ReportPeriod,
    pub places: Vec<RankedUsage>,
}

/// One place of a ranking.
#[derive(Clone, Debug, PartialEq)]
pub struct RankedUsage {
    /// From 1.
    pub rank: usize,
    pub id: String,
    pub display_name: String,
    pub token_count: i64,
    pub request_count: i64,
    /// 0 without requests.
    pub tokens_per_request: f64,
    pub cost: Amount,
}

impl Ranked {
    pub fn dimension(self) -> Dimension {
        match self {
            Ranked::Workflows => Dimension::Workflow,
            Ranked::Assistants => Dimension::Assistant,
        }
    }
}

/// Ranks values of a dimension. Usage that names none is not ranked.
///
/// # Errors
/// If it would read too many records, or storage fails.
pub async fn ranking(scope: &Scope<'_>, query: &RankingQuery) -> Result<RankingReport> {
    let period = scope.period(query.range);
    let windows = [period.days.window];
    let filters = filters::resolve(scope, &query.restrictions, &[], &windows).await?;
    let mut batch = Batch::default();
    let ranking = PendingRanking::ask(
        &mut batch,
        &period,
        &filters,
        query.ranked,
        (query.order_by, query.top),
    );
    let mut answers = log_bound::run(batch, scope, &windows).await?;
    let mut places = ranking.read(&mut answers)?;
    set_names(scope, query.ranked, &mut places).await?;
    Ok(RankingReport { period, places })
}

pub(super) struct PendingRanking {
    values: PendingTop,
    top: usize,
}

impl PendingRanking {
    pub fn ask(
        batch: &mut Batch,
        period: &ReportPeriod,
        filters: &Filters,
        ranked: Ranked,
        (order_by, top): (OrderBy, usize),
    ) -> PendingRanking {
        // One more: the empty value takes no place.
        let values =
            PendingTop::ask(batch, period, filters, ranked.dimension(), (order_by, top + 1));
        PendingRanking { values, top }
    }

    pub fn read(self, answers: &mut Answers) -> Result<Vec<RankedUsage>> {
        let mut values = self.values.read(answers)?;
        values.retain(|(id, _)| !id.is_empty());
        values.truncate(self.top);
        let ranks = 1..;
        Ok(ranks.zip(values).map(|(rank, (id, sums))| RankedUsage::new(rank, id, &sums)).collect())
    }
}

impl RankedUsage {
    fn new(rank: usize, id: String, sums: &Sums) -> RankedUsage {
        let (tokens, requests) = (token_count(sums), sums.record_count);
        RankedUsage {
            rank,
            display_name: id.clone(),
            id,
            token_count: tokens,
            request_count: requests,
            tokens_per_request: if requests == 0 { 0.0 } else { tokens as f64 / requests as f64 },
            cost: Amount::from_nanos(sums.cost_nanos),
        }
    }
}

/// Fills in display names.
pub(super) async fn set_names(
    scope: &Scope<'_>,
    ranked: Ranked,
    places: &mut [RankedUsage],
) -> Result<()> {
    let dimension = ranked.dimension();
    names::fill(scope, dimension, places, |place| (&place.id, &mut place.display_name)).await
}
