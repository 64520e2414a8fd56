//! Everything that the page of an administrator shows, from one state of the data: all figures are
//! asked for at once. Names are read after them.

use super::active_users::{self, ActiveUsersPoint};
use super::asking::Asking;
use super::axis::{self, Restriction};
use super::first_value::{self, TimeToFirstValue};
use super::overview::{self, Overview};
use super::range::{Granularity, Range, ReportPeriod};
use super::ranking::{self, Ranked, RankedUsage};
use super::teams::{self, TeamUsage};
use super::{Result, Scope, plan};
use crate::storage::reports::Source;

/// Most workflows and assistants that are ranked.
pub const TOP_MAX: usize = 100;

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

/// The whole page.
///
/// # Errors
/// If it would read too much, or storage fails.
pub async fn dashboard(
    scope: &Scope<'_>,
    range: Range,
    restrictions: &[Restriction],
    top: usize,
) -> Result<Dashboard> {
    let period = scope.period(range);
    let windows = overview::both(&period);
    let filters = axis::resolve(scope, restrictions, &[], &windows).await?;
    let buckets = period.days.buckets(&scope.calendar(), Granularity::Day);
    let mut asking = Asking::default();
    let key_figures = overview::ask(&mut asking, &period, restrictions, &filters);
    let (users, users_source) = active_users::ask(&mut asking, &filters, &buckets);
    let (departments, departments_source) = teams::ask(&mut asking, &period, &filters);
    let mut rank = |ranked| ranking::ask(&mut asking, &period, &filters, ranked, top);
    let (workflows, workflows_source) = rank(Ranked::Workflows);
    let (assistants, assistants_source) = rank(Ranked::Assistants);
    let sign_ups = asking.add(first_value::question(&period, None));
    let sources = [users_source, departments_source, workflows_source, assistants_source];
    if key_figures.reads_records || sources.contains(&Source::Records) {
        plan::check_record_count(scope, &windows).await?;
    }

    let mut answers = asking.ask(scope).await?;
    let (overview, total) = overview::read(&mut answers, &key_figures)?;
    let active_users = active_users::read(&mut answers, users, &buckets)?;
    let mut teams = teams::read(&mut answers, departments, &total)?;
    let mut top_workflows = ranking::read(&mut answers, workflows, top)?;
    let mut top_assistants = ranking::read(&mut answers, assistants, top)?;
    let first_value = first_value::distribution(&answers.sign_ups(sign_ups)?);
    teams::name(scope, &mut teams).await?;
    ranking::name_places(scope, Ranked::Workflows, &mut top_workflows).await?;
    ranking::name_places(scope, Ranked::Assistants, &mut top_assistants).await?;
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
