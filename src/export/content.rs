//! Contents of exports, and their start: resolves the range, makes the report, and fixes the end of
//! the log.

use std::sync::Arc;

use super::focus::{ByRecord, Daily, Day};
use super::log_pages::{LogScope, check_kept};
use super::query_rows::QueryRows;
use super::records::Records;
use super::report_rows;
use super::row_writer::RowSource;
use super::{Error, Export, Format, Result};
use crate::analytics::axis::{Restriction, UsageDimension};
use crate::analytics::query::{self, Query};
use crate::analytics::range::{Days, Granularity, Range};
use crate::analytics::reports::ranking::{Ranked, RankingQuery, ranking};
use crate::analytics::reports::{active_users, first_value, overview, teams};
use crate::analytics::{self, Scope};
use crate::domain::Time;
use crate::domain::attribution::Dimension;
use crate::domain::catalog::Catalog;
use crate::domain::workspace::Workspace;
use crate::storage::Store;
use crate::storage::reports::{OrderBy, ReportStore};

/// Content of an export.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// The usage log, one row for each record.
    Records(Range),
    /// The usage log in the columns of FOCUS.
    Focus {
        range: Range,
        /// Aggregated by day.
        daily: bool,
    },
    Query(Query),
    Report(ReportContent),
}

/// One of the reports.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportContent {
    pub kind: ReportKind,
    pub range: Range,
    pub restrictions: Vec<Restriction>,
    /// Buckets of active users.
    pub granularity: Granularity,
    /// Most places of a ranking.
    pub top: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportKind {
    Overview,
    ActiveUsers,
    TokenUsageByTeam,
    TopWorkflows,
    TopAssistants,
    TimeToFirstValue,
    NeverActiveUsers,
}

/// State that an export starts from.
pub struct Basis {
    pub store: Arc<dyn Store>,
    pub workspace: Workspace,
    pub catalog: Arc<Catalog>,
    pub now: Time,
    /// The last record of the log to export. The catalog has the prices of all up to it.
    pub last_seq: i64,
}

impl Export {
    /// Starts an export. Reports come from `reports`, the log from the store of the basis.
    ///
    /// # Errors
    /// If a report cannot be made, or storage fails.
    pub async fn begin(
        basis: Basis,
        reports: &dyn ReportStore,
        content: Content,
        format: Format,
    ) -> Result<Export> {
        let Basis { store, workspace, catalog, now, last_seq } = basis;
        let scope = Scope { store: reports, workspace: &workspace, catalog: &catalog, now };
        let days = |range| scope.period(range).days;
        let in_log = async |days: Days| {
            let log = LogScope {
                store: Arc::clone(&store),
                workspace: Arc::new(workspace.clone()),
                catalog: Arc::clone(&catalog),
                window: days.window,
                last_seq,
            };
            check_kept(&log, days.window).await.map(|()| log)
        };
        let (what, days, source): (&str, Days, Box<dyn RowSource>) = match content {
            Content::Records(range) => {
                let days = days(range);
                ("records", days, Box::new(Records::new(in_log(days).await?)))
            }
            Content::Focus { range, daily: false } => {
                let days = days(range);
                ("focus", days, Box::new(ByRecord::new(in_log(days).await?)))
            }
            Content::Focus { range, daily: true } => {
                let days = days(range);
                let source = Daily::new(in_log(days).await?, local_days(&scope, days));
                ("focus-daily", days, Box::new(source))
            }
            Content::Query(query) => {
                let report = query::usage(&scope, &query).await?;
                let days = report.period.days;
                ("query", days, Box::new(QueryRows::new(query, report, workspace.currency)))
            }
            Content::Report(report) => {
                let days = days(report.range);
                (report.kind.name(), days, make_report(&scope, report).await?)
            }
        };
        let name = format!("{}-{what}-{}-{}", workspace.id, days.first, days.last);
        Export::new(&name, format, source)
    }
}

fn local_days(scope: &Scope<'_>, days: Days) -> Vec<Day> {
    let buckets = days.buckets(&scope.calendar(), Granularity::Day);
    buckets.iter().map(|bucket| Day { date: bucket.first, window: bucket.window }).collect()
}

async fn make_report(scope: &Scope<'_>, report: ReportContent) -> Result<Box<dyn RowSource>> {
    let ReportContent { kind, range, restrictions, granularity, top } = report;
    let currency = scope.workspace.currency;
    let rank = |ranked| RankingQuery {
        range,
        restrictions: restrictions.clone(),
        ranked,
        order_by: OrderBy::Tokens,
        top,
    };
    Ok(match kind {
        ReportKind::Overview => {
            let report = overview::overview(scope, range, &restrictions).await?;
            report_rows::overview(report, currency)
        }
        ReportKind::ActiveUsers => {
            let report = active_users::active_users(scope, range, &restrictions, granularity);
            report_rows::active_users(report.await?)
        }
        ReportKind::TokenUsageByTeam => {
            report_rows::teams(teams::teams(scope, range, &restrictions).await?, currency)
        }
        ReportKind::TopWorkflows => {
            report_rows::ranking(ranking(scope, &rank(Ranked::Workflows)).await?, currency)
        }
        ReportKind::TopAssistants => {
            report_rows::ranking(ranking(scope, &rank(Ranked::Assistants)).await?, currency)
        }
        ReportKind::TimeToFirstValue => {
            let department = department(&restrictions)?;
            let report = first_value::time_to_first_value(scope, range, department);
            report_rows::first_value(report.await?)
        }
        ReportKind::NeverActiveUsers => {
            let department = department(&restrictions)?;
            let users = first_value::never_active(scope, range, department, None, usize::MAX);
            report_rows::never_active(users.await?)
        }
    })
}

/// The only restriction of reports about sign-ups: one department.
fn department(restrictions: &[Restriction]) -> Result<Option<String>> {
    match restrictions {
        [] => Ok(None),
        [Restriction { dimension: UsageDimension::Of(Dimension::Department), values }]
            if values.len() == 1 && !values[0].is_empty() =>
        {
            Ok(Some(values[0].clone()))
        }
        _ => {
            let expected = "expected none, or one department alone: this report is about sign-ups";
            Err(Error::Report(analytics::Error::field("filters", expected)))
        }
    }
}

impl ReportKind {
    /// Name in file names and of the command.
    pub fn name(self) -> &'static str {
        match self {
            ReportKind::Overview => "overview",
            ReportKind::ActiveUsers => "active-users",
            ReportKind::TokenUsageByTeam => "teams",
            ReportKind::TopWorkflows => "top-workflows",
            ReportKind::TopAssistants => "top-assistants",
            ReportKind::TimeToFirstValue => "time-to-first-value",
            ReportKind::NeverActiveUsers => "never-active",
        }
    }
}
