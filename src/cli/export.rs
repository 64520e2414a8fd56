//! `tollgate export`: a report or the usage log as a file.

use std::io::{ErrorKind, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;

use chrono::NaiveDate;
use clap::{Args, Subcommand, ValueEnum};
use tollgate::analytics::axis::{Restriction, UsageDimension, limit_of_text};
use tollgate::analytics::metric::Metric;
use tollgate::analytics::query::{self, Query};
use tollgate::analytics::range::{DAYS_MAX, Granularity, Preset, Range};
use tollgate::engine::SystemClock;
use tollgate::export;
use tollgate::export::Format;
use tollgate::export::content::{Content, ReportContent, ReportKind};
use tollgate::{admin, analytics};

use super::{Database, Failure, runtime, stop_signal, tell};

/// Most places of a ranking, as of a query.
const TOP_MAX: usize = query::TOP_MAX;
const TOP_DEFAULT: usize = query::TOP_DEFAULT;

#[derive(Debug, Subcommand)]
pub enum Export {
    /// The usage log as it is: one row for each entry.
    Records(Log),
    /// The usage log in the columns of FOCUS 1.2: one row for each token class.
    Focus(Focus),
    /// The key figures, each beside the one of the previous period.
    Overview(Report),
    /// Users with at least one request in each bucket.
    ActiveUsers(ActiveUsers),
    /// Tokens, requests and cost of each department.
    Teams(Report),
    /// Workflows by the tokens they used.
    TopWorkflows(Ranking),
    /// Assistants by the tokens they used.
    TopAssistants(Ranking),
    /// How long users took from sign-up to their first value.
    TimeToFirstValue(Report),
    /// Users who signed up and have not reached value.
    NeverActive(Report),
    /// Any metrics by up to two dimensions over time.
    Query(Box<Usage>),
}

/// What every export is asked for.
#[derive(Debug, Args)]
pub struct Common {
    /// Workspace to export from.
    #[arg(long, value_name = "ID")]
    workspace: String,
    #[arg(long, value_enum, default_value = "csv")]
    format: FileFormat,
    /// First local day of the workspace, as 2026-10-01; with --to.
    #[arg(long, value_name = "DATE", requires = "to", conflicts_with = "range")]
    from: Option<NaiveDate>,
    /// Last local day, included.
    #[arg(long, value_name = "DATE", requires = "from", conflicts_with = "range")]
    to: Option<NaiveDate>,
    /// Days counted from today.
    #[arg(long, value_enum, default_value = "last-30-days")]
    range: Days,
    /// File to write; standard output if not given, or `-`. A file is there once it is whole.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace the file if it is there already.
    #[arg(long, requires = "output")]
    force: bool,
    #[command(flatten)]
    database: Database,
}

#[derive(Debug, Args)]
pub struct Log {
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
pub struct Focus {
    /// One row for each day, model, tier and attribution to department, project, key and user.
    #[arg(long)]
    daily: bool,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
pub struct Report {
    /// Only usage with these values, as department=sales,support; any number of times.
    #[arg(long = "filter", value_name = "DIMENSION=VALUES", value_parser = restriction)]
    filters: Vec<Restriction>,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
pub struct ActiveUsers {
    /// Length of a bucket.
    #[arg(long, value_enum, default_value = "day")]
    granularity: UserBucket,
    #[command(flatten)]
    report: Report,
}

#[derive(Debug, Args)]
pub struct Ranking {
    /// Most places.
    #[arg(long, value_name = "N", default_value_t = TOP_DEFAULT,
          value_parser = super::bounded_usize(TOP_MAX))]
    top: usize,
    #[command(flatten)]
    report: Report,
}

#[derive(Debug, Args)]
pub struct Usage {
    /// What to measure, separated by commas.
    #[arg(long, value_name = "METRICS", value_enum, value_delimiter = ',', required = true)]
    metrics: Vec<MetricName>,
    /// Up to two dimensions, separated by a comma; tag:KEY for the values of a tag.
    #[arg(long, value_name = "DIMENSIONS", value_delimiter = ',', value_parser = dimension)]
    group_by: Vec<UsageDimension>,
    /// One row for each group and bucket of time.
    #[arg(long, value_enum)]
    granularity: Option<Bucket>,
    /// Groups by the greatest value of this metric; the first of --metrics if not given.
    #[arg(long, value_name = "METRIC", value_enum)]
    order_by: Option<MetricName>,
    /// Most groups, beyond which the rest is summed up.
    #[arg(long, value_name = "N", default_value_t = TOP_DEFAULT,
          value_parser = super::bounded_usize(TOP_MAX))]
    top: usize,
    /// With the values of the previous period.
    #[arg(long)]
    compare_previous: bool,
    #[command(flatten)]
    report: Report,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FileFormat {
    Csv,
    Parquet,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Days {
    Today,
    Yesterday,
    #[value(name = "last-7-days")]
    Last7,
    #[value(name = "last-30-days")]
    Last30,
    #[value(name = "last-90-days")]
    Last90,
    #[value(name = "last-365-days")]
    Last365,
    ThisWeek,
    LastWeek,
    ThisMonth,
    LastMonth,
    ThisCycle,
    LastCycle,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum UserBucket {
    Day,
    Week,
    Month,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Bucket {
    Hour,
    Day,
    Week,
    Month,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum MetricName {
    Cost,
    Requests,
    Tokens,
    Errors,
    Latency,
    Blocked,
    Routed,
    CostPerRequest,
    CostPerUser,
    CostPerInvestigation,
    CostPerSession,
    ActiveUsers,
}

/// The file to write; none for standard output.
fn file_of(output: Option<PathBuf>) -> Option<PathBuf> {
    output.filter(|path| path.as_os_str() != "-")
}

pub fn run(export: Export) -> Result<ExitCode, Failure> {
    let (common, content) = export.into_parts()?;
    let request = admin::export::Request {
        database: common.database.url()?,
        workspace_id: common.workspace,
        content,
        format: common.format.into(),
    };
    let file = file_of(common.output);
    let mut output = std::io::stdout();
    if file.is_none() && request.format == Format::Parquet && output.is_terminal() {
        return Err("--output: Parquet is nothing to read on a terminal: name a file".to_owned());
    }
    let exported = runtime(None)?.block_on(async {
        // A file that is not whole is removed before the process ends.
        let stop = stop_signal()?;
        let export = async {
            match file {
                Some(file) => {
                    admin::export::to_file(request, &file, common.force, &SystemClock).await
                }
                None => admin::export::to_writer(request, &mut output, &SystemClock).await,
            }
        };
        tokio::select! {
            exported = export => Ok(exported),
            () = stop => Err("stopped".to_owned()),
        }
    })?;
    match exported {
        // A closed pipe is no reason to fail: its reader has read enough.
        Err(admin::Error::Output(cause)) if cause.kind() == ErrorKind::BrokenPipe => {}
        Err(cause) => return Err(message(&cause)),
        Ok(exported) if exported.is_behind => {
            tell("the last entries of the log are not summed up yet and not in this report");
        }
        Ok(_) => {}
    }
    Ok(ExitCode::SUCCESS)
}

impl Export {
    /// What is asked of every export, and what this one is about.
    ///
    /// # Errors
    /// If a flag does not fit.
    fn into_parts(self) -> Result<(Common, Content), String> {
        let report = |kind, report: Report| of_report(kind, report, Granularity::Day, TOP_DEFAULT);
        match self {
            Export::Records(Log { common }) => {
                let range = common.days()?;
                Ok((common, Content::Records(range)))
            }
            Export::Focus(Focus { daily, common }) => {
                let range = common.days()?;
                Ok((common, Content::Focus { range, daily }))
            }
            Export::Overview(asked) => report(ReportKind::Overview, asked),
            Export::ActiveUsers(ActiveUsers { granularity, report }) => {
                of_report(ReportKind::ActiveUsers, report, granularity.into(), TOP_DEFAULT)
            }
            Export::Teams(asked) => report(ReportKind::TokenUsageByTeam, asked),
            Export::TopWorkflows(Ranking { top, report }) => {
                of_report(ReportKind::TopWorkflows, report, Granularity::Day, top)
            }
            Export::TopAssistants(Ranking { top, report }) => {
                of_report(ReportKind::TopAssistants, report, Granularity::Day, top)
            }
            Export::TimeToFirstValue(asked) => report(ReportKind::TimeToFirstValue, asked),
            Export::NeverActive(asked) => report(ReportKind::NeverActiveUsers, asked),
            Export::Query(usage) => usage.into_parts(),
        }
    }
}

/// The message of an error, with flags for the names of fields.
fn message(error: &admin::Error) -> String {
    let admin::Error::Export(export::Error::Report(analytics::Error::Field { field, expected })) =
        error
    else {
        return error.to_string();
    };
    let name = field.split(['.', '[']).next().unwrap_or_default();
    let flag = if name == "filters" { "filter".to_owned() } else { name.replace('_', "-") };
    format!("--{flag}: {expected}")
}

fn of_report(
    kind: ReportKind,
    report: Report,
    granularity: Granularity,
    top: usize,
) -> Result<(Common, Content), String> {
    let Report { filters, common } = report;
    let range = common.days()?;
    let restrictions = distinct(filters)?;
    if restrictions.iter().any(|restriction| restriction.dimension == UsageDimension::Limit) {
        return Err("--filter: only a query can be restricted to limits".to_owned());
    }
    let content = ReportContent { kind, range, restrictions, granularity, top };
    Ok((common, Content::Report(content)))
}

impl Usage {
    fn into_parts(self) -> Result<(Common, Content), String> {
        let Report { filters, common } = self.report;
        let mut metrics: Vec<Metric> = Vec::new();
        for metric in self.metrics.into_iter().map(Metric::from) {
            if !metrics.contains(&metric) {
                metrics.push(metric);
            }
        }
        if self.group_by.len() > query::GROUP_BY_MAX {
            return Err(format!("--group-by: expected at most {}", query::GROUP_BY_MAX));
        }
        if self.group_by.len() == 2 && self.group_by[0] == self.group_by[1] {
            return Err("--group-by: expected different dimensions".to_owned());
        }
        let query = Query {
            range: common.days()?,
            metrics,
            group_by: self.group_by,
            restrictions: distinct(filters)?,
            granularity: self.granularity.map(Granularity::from),
            order_by: self.order_by.map(Metric::from),
            top: self.top,
            compare_previous: self.compare_previous,
        };
        Ok((common, Content::Query(query)))
    }
}

impl Common {
    fn days(&self) -> Result<Range, String> {
        let (Some(from), Some(to)) = (self.from, self.to) else {
            return Ok(Range::Preset(self.range.into()));
        };
        let count = (to - from).num_days() + 1;
        if count < 1 {
            return Err("--to: expected a day not before --from".to_owned());
        }
        if count > DAYS_MAX {
            return Err(format!("--to: expected at most {DAYS_MAX} days from --from"));
        }
        let known = |date: NaiveDate| date >= EARLIEST && date <= LATEST;
        match (known(from), known(to)) {
            (true, true) => Ok(Range::Dates(from, to)),
            (false, _) => Err("--from: expected a day of the years 2000 to 2199".to_owned()),
            (_, false) => Err("--to: expected a day of the years 2000 to 2199".to_owned()),
        }
    }
}

const EARLIEST: NaiveDate = NaiveDate::from_ymd_opt(2000, 1, 1).expect("a day");
const LATEST: NaiveDate = NaiveDate::from_ymd_opt(2199, 12, 31).expect("a day");

/// Each dimension once.
fn distinct(filters: Vec<Restriction>) -> Result<Vec<Restriction>, String> {
    for (index, filter) in filters.iter().enumerate() {
        if filters[..index].iter().any(|before| before.dimension == filter.dimension) {
            return Err("--filter: each dimension once, with all of its values".to_owned());
        }
    }
    Ok(filters)
}

/// `user=ada,grace`.
fn restriction(text: &str) -> Result<Restriction, String> {
    let expected = "expected a dimension, \"=\" and values separated by commas";
    let (name, values) = text.split_once('=').ok_or(expected)?;
    let dimension = dimension(name)?;
    let values: Vec<String> = values.split(',').map(str::to_owned).collect();
    if dimension == UsageDimension::Limit
        && let Some(value) = values.iter().find(|value| limit_of_text(value).is_none())
    {
        return Err(format!("{value:?} is not a limit"));
    }
    Ok(Restriction { dimension, values })
}

/// As exports name their columns.
fn dimension(text: &str) -> Result<UsageDimension, String> {
    UsageDimension::from_name(text).ok_or_else(|| {
        let names: Vec<&str> = UsageDimension::plain().map(|it| it.as_str()).collect();
        format!("expected provider, limit, tag:KEY, {}", names.join(", "))
    })
}

impl From<FileFormat> for Format {
    fn from(format: FileFormat) -> Format {
        match format {
            FileFormat::Csv => Format::Csv,
            FileFormat::Parquet => Format::Parquet,
        }
    }
}

impl From<Days> for Preset {
    fn from(days: Days) -> Preset {
        match days {
            Days::Today => Preset::Today,
            Days::Yesterday => Preset::Yesterday,
            Days::Last7 => Preset::Last7Days,
            Days::Last30 => Preset::Last30Days,
            Days::Last90 => Preset::Last90Days,
            Days::Last365 => Preset::Last365Days,
            Days::ThisWeek => Preset::ThisWeek,
            Days::LastWeek => Preset::LastWeek,
            Days::ThisMonth => Preset::ThisMonth,
            Days::LastMonth => Preset::LastMonth,
            Days::ThisCycle => Preset::ThisCycle,
            Days::LastCycle => Preset::LastCycle,
        }
    }
}

impl From<UserBucket> for Granularity {
    fn from(bucket: UserBucket) -> Granularity {
        match bucket {
            UserBucket::Day => Granularity::Day,
            UserBucket::Week => Granularity::Week,
            UserBucket::Month => Granularity::Month,
        }
    }
}

impl From<Bucket> for Granularity {
    fn from(bucket: Bucket) -> Granularity {
        match bucket {
            Bucket::Hour => Granularity::Hour,
            Bucket::Day => Granularity::Day,
            Bucket::Week => Granularity::Week,
            Bucket::Month => Granularity::Month,
        }
    }
}

impl From<MetricName> for Metric {
    fn from(name: MetricName) -> Metric {
        match name {
            MetricName::Cost => Metric::Cost,
            MetricName::Requests => Metric::Requests,
            MetricName::Tokens => Metric::Tokens,
            MetricName::Errors => Metric::Errors,
            MetricName::Latency => Metric::Latency,
            MetricName::Blocked => Metric::Blocked,
            MetricName::Routed => Metric::Routed,
            MetricName::CostPerRequest => Metric::CostPerRequest,
            MetricName::CostPerUser => Metric::CostPerUser,
            MetricName::CostPerInvestigation => Metric::CostPerInvestigation,
            MetricName::CostPerSession => Metric::CostPerSession,
            MetricName::ActiveUsers => Metric::ActiveUsers,
        }
    }
}
