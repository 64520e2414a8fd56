//! Usage by department, in the order of tokens.

use super::top_values::PendingTop;
use crate::analytics::axis::Restriction;
use crate::analytics::batch::{Answers, Batch};
use crate::analytics::figures::{Figures, share_percent, token_count};
use crate::analytics::filters::{self, Filters};
use crate::analytics::questions::{self, WindowSet};
use crate::analytics::range::{Range, ReportPeriod};
use crate::analytics::{Result, Scope, log_bound, names};
use crate::domain::Amount;
use crate::domain::attribution::Dimension;
use crate::storage::reports::OrderBy;
use crate::storage::rollup::Sums;

/// Most rows of the report.
pub const TEAMS_MAX: usize = 1_000;
/// Display name of usage without a department.
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

/// Usage by department.
///
/// # Errors
/// If it would read too many records, or storage fails.
pub async fn teams(
    scope: &Scope<'_>,
    range: Range,
    restrictions: &[Restriction],
) -> Result<TeamsReport> {
    let period = scope.period(range);
    let windows = [period.days.window];
    let filters = filters::resolve(scope, restrictions, &[], &windows).await?;
    let mut batch = Batch::default();
    let teams = PendingTeams::ask(&mut batch, &period, &filters);
    let whole = WindowSet::whole(period.days.window);
    let total = batch.sums(questions::sums(&[], &filters.of_usage, &whole, false));
    let mut answers = log_bound::run(batch, scope, &windows).await?;
    let total = answers.take_total(total)?;
    let mut teams = teams.read(&mut answers, &total)?;
    set_names(scope, &mut teams).await?;
    Ok(TeamsReport { period, teams })
}

pub(super) struct PendingTeams(PendingTop);

impl PendingTeams {
    pub fn ask(batch: &mut Batch, period: &ReportPeriod, filters: &Filters) -> PendingTeams {
        // One more, to see whether there are others.
        let count = TEAMS_MAX + 1;
        PendingTeams(PendingTop::ask(
            batch,
            period,
            filters,
            Dimension::Department,
            (OrderBy::Tokens, count),
        ))
    }

    /// `total` is that of the same period and filters.
    pub fn read(self, answers: &mut Answers, total: &Sums) -> Result<Vec<TeamUsage>> {
        let mut departments = self.0.read(answers)?;
        let has_others = departments.len() > TEAMS_MAX;
        if has_others {
            departments.truncate(TEAMS_MAX - 1);
        }
        let mut rest = Figures { sums: *total, ..Figures::default() };
        let mut teams = Vec::with_capacity(departments.len() + 1);
        for (id, sums) in departments {
            rest.subtract(&Figures { sums, ..Figures::default() })?;
            teams.push(TeamUsage::new(id, &sums, total, false));
        }
        if has_others {
            teams.push(TeamUsage::new(String::new(), &rest.sums, total, true));
        }
        Ok(teams)
    }
}

impl TeamUsage {
    fn new(department_id: String, sums: &Sums, total: &Sums, others: bool) -> TeamUsage {
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
}

/// Fills in display names.
pub(super) async fn set_names(scope: &Scope<'_>, teams: &mut [TeamUsage]) -> Result<()> {
    names::fill(scope, Dimension::Department, teams, |team| {
        (&team.department_id, &mut team.display_name)
    })
    .await
}
