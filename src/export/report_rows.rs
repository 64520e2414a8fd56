//! Fixed reports as tables. Shares, rates and changes are floats, all other numbers are exact.

use async_trait::async_trait;

use super::error::Result;
use super::rows::{RowSource, RowWriter};
use super::sink::{AMOUNT, Column, Kind, SECONDS};
use crate::analytics::range::ReportPeriod;
use crate::analytics::reports::active_users::ActiveUsersReport;
use crate::analytics::reports::first_value::FirstValueReport;
use crate::analytics::reports::overview::{
    CountFigure, MoneyFigure, OverviewReport, PercentFigure,
};
use crate::analytics::reports::ranking::RankingReport;
use crate::analytics::reports::teams::TeamsReport;
use crate::domain::Currency;
use crate::storage::reports::SignUp;

/// The rows of a report, which is in memory.
pub struct ReportRows {
    columns: &'static [Column],
    /// Absent once written.
    write: Option<WriteRows>,
}

/// Writes all rows.
type WriteRows = Box<dyn FnOnce(&mut RowWriter) + Send>;

impl ReportRows {
    fn new(
        columns: &'static [Column],
        write: impl FnOnce(&mut RowWriter) + Send + 'static,
    ) -> ReportRows {
        ReportRows { columns, write: Some(Box::new(write)) }
    }
}

#[async_trait]
impl RowSource for ReportRows {
    fn columns(&self) -> Vec<Column> {
        self.columns.to_vec()
    }

    async fn write_rows(&mut self, out: &mut RowWriter) -> Result<bool> {
        let Some(write) = self.write.take() else { return Ok(false) };
        write(out);
        Ok(true)
    }
}

static OVERVIEW: [Column; 12] = [
    Column::new("first_date", Kind::Date),
    Column::new("last_date", Kind::Date),
    Column::new("previous_first_date", Kind::Date),
    Column::new("previous_last_date", Kind::Date),
    Column::new("figure", Kind::Text),
    Column::optional("count", Kind::Integer),
    Column::optional("previous_count", Kind::Integer),
    Column::optional("amount", AMOUNT),
    Column::optional("previous_amount", AMOUNT),
    Column::optional("currency_code", Kind::Text),
    Column::optional("percent", Kind::Number),
    Column::optional("previous_percent", Kind::Number),
];

/// One of the key figures.
enum Figure {
    Count(CountFigure),
    Money(MoneyFigure),
    Percent(PercentFigure),
}

pub fn overview(report: OverviewReport, currency: Currency) -> ReportRows {
    ReportRows::new(&OVERVIEW, move |out| {
        let of = report.overview;
        let figures = [
            ("total_users", Some(Figure::Count(of.total_users))),
            ("active_users", Some(Figure::Count(of.active_users))),
            ("tokens", Some(Figure::Count(of.tokens))),
            ("workflows", Some(Figure::Count(of.workflows))),
            ("assistants", Some(Figure::Count(of.assistants))),
            ("requests", Some(Figure::Count(of.requests))),
            ("spend", Some(Figure::Money(of.spend))),
            ("blocked", of.blocked.map(Figure::Count)),
            ("routed", of.routed.map(Figure::Count)),
            ("error_rate", Some(Figure::Percent(of.error_rate))),
        ];
        for (name, figure) in figures {
            if let Some(figure) = figure {
                write_figure(&report.period, name, &figure, currency, out);
            }
        }
    })
}

fn write_figure(
    period: &ReportPeriod,
    name: &str,
    figure: &Figure,
    currency: Currency,
    out: &mut RowWriter,
) {
    out.date(period.days.first);
    out.date(period.days.last);
    out.date(period.previous.first);
    out.date(period.previous.last);
    out.text(name);
    let (mut counts, mut amounts, mut percents) = ([None; 2], [None; 2], [None; 2]);
    match figure {
        Figure::Count(figure) => counts = [figure.value, figure.previous].map(Some),
        Figure::Money(figure) => amounts = [figure.value, figure.previous].map(Some),
        Figure::Percent(figure) => percents = [figure.value, figure.previous],
    }
    counts.into_iter().for_each(|count| out.optional_integer(count));
    amounts.into_iter().for_each(|amount| out.optional_amount(amount));
    out.optional_text(if matches!(figure, Figure::Money(_)) { currency.as_str() } else { "" });
    percents.into_iter().for_each(|percent| out.optional_number(percent));
    out.end_row();
}

static ACTIVE_USERS: [Column; 4] = [
    Column::new("first_date", Kind::Date),
    Column::new("start_time", Kind::Second),
    Column::new("user_count", Kind::Integer),
    Column::new("period_user_count", Kind::Integer),
];

/// Every row also has the users of the whole period, because buckets do not add up to it.
pub fn active_users(report: ActiveUsersReport) -> ReportRows {
    ReportRows::new(&ACTIVE_USERS, move |out| {
        for point in report.points {
            out.date(point.bucket.first);
            out.time(point.bucket.window.start);
            out.integer(point.user_count);
            out.integer(report.total);
            out.end_row();
        }
    })
}

static TEAMS: [Column; 8] = [
    Column::optional("department_id", Kind::Text),
    Column::optional("display_name", Kind::Text),
    Column::new("others", Kind::Boolean),
    Column::new("token_count", Kind::Integer),
    Column::new("token_share_percent", Kind::Number),
    Column::new("request_count", Kind::Integer),
    Column::new("cost", AMOUNT),
    Column::new("currency_code", Kind::Text),
];

pub fn teams(report: TeamsReport, currency: Currency) -> ReportRows {
    ReportRows::new(&TEAMS, move |out| {
        for team in report.teams {
            out.optional_text(&team.department_id);
            out.optional_text(&team.display_name);
            out.boolean(team.others);
            out.integer(team.token_count);
            out.number(team.token_share_percent);
            out.integer(team.request_count);
            out.amount(team.cost);
            out.text(currency.as_str());
            out.end_row();
        }
    })
}

static RANKING: [Column; 8] = [
    Column::new("rank", Kind::Integer),
    Column::new("id", Kind::Text),
    Column::new("display_name", Kind::Text),
    Column::new("token_count", Kind::Integer),
    Column::new("request_count", Kind::Integer),
    Column::new("tokens_per_request", Kind::Number),
    Column::new("cost", AMOUNT),
    Column::new("currency_code", Kind::Text),
];

pub fn ranking(report: RankingReport, currency: Currency) -> ReportRows {
    ReportRows::new(&RANKING, move |out| {
        for place in report.places {
            out.integer(place.rank as i64);
            out.text(&place.id);
            out.text(&place.display_name);
            out.integer(place.token_count);
            out.integer(place.request_count);
            out.number(place.tokens_per_request);
            out.amount(place.cost);
            out.text(currency.as_str());
            out.end_row();
        }
    })
}

static FIRST_VALUE: [Column; 8] = [
    Column::new("label", Kind::Text),
    Column::optional("from_seconds", SECONDS),
    Column::optional("to_seconds", SECONDS),
    Column::new("user_count", Kind::Integer),
    Column::new("share_percent", Kind::Number),
    Column::new("period_user_count", Kind::Integer),
    Column::new("period_reached_count", Kind::Integer),
    Column::optional("period_median_seconds", SECONDS),
];

/// Every row also has the figures of the whole period.
pub fn first_value(report: FirstValueReport) -> ReportRows {
    ReportRows::new(&FIRST_VALUE, move |out| {
        let of = report.first_value;
        for bucket in of.buckets {
            out.text(bucket.label);
            out.optional_decimal(bucket.from);
            out.optional_decimal(bucket.to);
            out.integer(bucket.user_count);
            out.number(bucket.share_percent);
            out.integer(of.user_count);
            out.integer(of.reached_count);
            out.optional_decimal(of.median);
            out.end_row();
        }
    })
}

static NEVER_ACTIVE: [Column; 6] = [
    Column::new("user_id", Kind::Text),
    Column::optional("display_name", Kind::Text),
    Column::optional("department_id", Kind::Text),
    Column::optional("external_id", Kind::Text),
    Column::new("sign_up_time", Kind::Time),
    Column::optional("last_use_time", Kind::Time),
];

pub fn never_active(users: Vec<SignUp>) -> ReportRows {
    ReportRows::new(&NEVER_ACTIVE, move |out| {
        for user in users {
            out.text(&user.user_id);
            out.optional_text(&user.display_name);
            out.optional_text(&user.department_id);
            out.optional_text(&user.external_id);
            out.time(user.sign_up_time);
            out.optional_time(user.last_use_time);
            out.end_row();
        }
    })
}
