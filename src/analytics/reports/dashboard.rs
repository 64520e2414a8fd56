//! The dashboard: all reports of its page from one snapshot. Display names are read after it.

use super::active_users::{ActiveUsersPoint, PendingPoints};
use super::first_value::{PendingFirstValue, TimeToFirstValue};
use super::overview::{Overview, PendingOverview};
use super::ranking::{self, PendingRanking, Ranked, RankedUsage};
use super::teams::{self, PendingTeams, TeamUsage};
use crate::analytics::axis::Restriction;
use crate::analytics::batch::Batch;
use crate::analytics::range::{Granularity, Range, ReportPeriod};
use crate::analytics::{Result, Scope, filters, log_bound};
use crate::storage::reports::OrderBy;

/// Most workflows and assistants of the rankings.
pub const TOP_MAX: usize = 100;

/// Its rankings: what each is ordered by, and most places of each.
#[derive(Clone, Copy, Debug)]
pub struct Rankings {
    pub workflows: OrderBy,
    pub assistants: OrderBy,
    pub top: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Dashboard {
    pub period: ReportPeriod,
    pub overview: Overview,
    /// By day.
    pub active_users: Vec<ActiveUsersPoint>,
    pub teams: Vec<TeamUsage>,
    pub top_workflows: Vec<RankedUsage>,
    pub top_assistants: Vec<RankedUsage>,
    pub first_value: TimeToFirstValue,
}

/// All reports of the dashboard.
///
/// # Errors
/// If it would read too many records, or storage fails.
pub async fn dashboard(
    scope: &Scope<'_>,
    range: Range,
    restrictions: &[Restriction],
    rankings: Rankings,
) -> Result<Dashboard> {
    let period = scope.period(range);
    let windows = period.windows();
    let filters = filters::resolve(scope, restrictions, &[], &windows).await?;
    let buckets = period.days.buckets(&scope.calendar(), Granularity::Day);
    let mut batch = Batch::default();
    let overview = PendingOverview::ask(&mut batch, &period, restrictions, &filters);
    let active_users = PendingPoints::ask(&mut batch, &filters, buckets);
    let teams = PendingTeams::ask(&mut batch, &period, &filters);
    let mut rank = |ranked, order_by| {
        PendingRanking::ask(&mut batch, &period, &filters, ranked, (order_by, rankings.top))
    };
    let workflows = rank(Ranked::Workflows, rankings.workflows);
    let assistants = rank(Ranked::Assistants, rankings.assistants);
    let first_value = PendingFirstValue::ask(&mut batch, &period);

    let mut answers = log_bound::run(batch, scope, &windows).await?;
    let (overview, total) = overview.read(&mut answers)?;
    let active_users = active_users.read(&mut answers)?;
    let mut teams = teams.read(&mut answers, &total)?;
    let mut top_workflows = workflows.read(&mut answers)?;
    let mut top_assistants = assistants.read(&mut answers)?;
    let first_value = first_value.read(&mut answers)?;
    teams::set_names(scope, &mut teams).await?;
    ranking::set_names(scope, Ranked::Workflows, &mut top_workflows).await?;
    ranking::set_names(scope, Ranked::Assistants, &mut top_assistants).await?;
    Ok(Dashboard {
        period,
        overview,
        active_users,
        teams,
        top_workflows,
        top_assistants,
        first_value,
    })
}
