//! Tokens by department.

use super::asking::{Answers, Asking};
use super::axis::{self, Filters, Restriction};
use super::figures::{Figures, share_percent, token_count};
use super::overview::total_question;
use super::range::{Range, ReportPeriod};
use super::{Result, Scope, plan, ranking};
use crate::domain::Amount;
use crate::storage::reports::Source;
use crate::storage::rollup::{Dimension, Sums};

/// Most lines of the report.
pub const TEAMS_MAX: usize = 1_000;
/// Stands for usage without a department.
const NO_DEPARTMENT: &str = "No department";

#[derive(Clone, Debug, PartialEq)]
pub struct TeamsReport {
    pub period: ReportPeriod,
    /// Most tokens first; the last may be all others.
    pub teams: Vec<TeamUsage>,
}

/// Usage of one department.
#[derive(Clone, Debug, PartialEq)]
pub struct TeamUsage {
    /// Empty for usage without one, and for all others.
    pub department_id: String,
    pub display_name: String,
    pub token_count: i64,
    pub request_count: i64,
    pub cost: Amount,
    /// Of all tokens of the period; 0 of none.
    pub token_share_percent: f64,
    pub others: bool,
}

/// Tokens by department.
///
/// # Errors
/// If it would read too much, or storage fails.
pub async fn teams(
    scope: &Scope<'_>,
    range: Range,
    restrictions: &[Restriction],
) -> Result<TeamsReport> {
    let period = scope.period(range);
    let windows = [period.days.window];
    let filters = axis::resolve(scope, restrictions, &[], &windows).await?;
    let mut asking = Asking::default();
    let (place, source) = ask(&mut asking, &period, &filters);
    let total = asking.sums(total_question(&filters, period.days.window));
    if source == Source::Records {
        plan::check_record_count(scope, &windows).await?;
    }
    let mut answers = asking.ask(scope).await?;
    let total = answers.sums(total)?.pop().map(|row| row.sums).unwrap_or_default();
    let mut teams = read(&mut answers, place, &total)?;
    name(scope, &mut teams).await?;
    Ok(TeamsReport { period, teams })
}

/// Asks for departments, one more than are told, to see whether there are others.
pub(super) fn ask(
    asking: &mut Asking,
    period: &ReportPeriod,
    filters: &Filters,
) -> (usize, Source) {
    let question = ranking::top_question(period, filters, Dimension::Department, TEAMS_MAX + 1);
    let source = question.source;
    (asking.sums(question), source)
}

pub(super) fn read(answers: &mut Answers, place: usize, total: &Sums) -> Result<Vec<TeamUsage>> {
    let mut groups = ranking::most_tokens_first(answers.sums(place)?);
    let has_others = groups.len() > TEAMS_MAX;
    if has_others {
        groups.truncate(TEAMS_MAX - 1);
    }
    let mut rest = Figures { sums: *total, ..Figures::default() };
    let mut teams = Vec::with_capacity(groups.len() + 1);
    for (id, sums) in groups {
        rest.subtract(&Figures { sums, ..Figures::default() })?;
        teams.push(team(id, &sums, total, false));
    }
    if has_others {
        teams.push(team(String::new(), &rest.sums, total, true));
    }
    Ok(teams)
}

fn team(department_id: String, sums: &Sums, total: &Sums, others: bool) -> TeamUsage {
    let tokens = token_count(sums);
    TeamUsage {
        display_name: match (department_id.is_empty(), others) {
            (true, false) => NO_DEPARTMENT.to_owned(),
            _ => department_id.clone(),
        },
        department_id,
        token_count: tokens,
        request_count: sums.record_count,
        cost: Amount::from_nanos(sums.cost_nanos),
        token_share_percent: share_percent(tokens, token_count(total)).unwrap_or(0.0),
        others,
    }
}

pub(super) async fn name(scope: &Scope<'_>, teams: &mut [TeamUsage]) -> Result<()> {
    let ids = teams.iter().map(|team| team.department_id.clone()).filter(|id| !id.is_empty());
    let mut names = ranking::names(scope, vec![(Dimension::Department, ids.collect())]).await?;
    let names = names.pop().unwrap_or_default();
    for team in teams {
        if let Some(name) = names.get(&team.department_id) {
            team.display_name.clone_from(name);
        }
    }
    Ok(())
}
