//! Reports as tables: one row for each of their lines. Shares, rates and changes are rounded
//! numbers, everything else is exact.

use async_trait::async_trait;

use super::table::{AMOUNT, Column, File, Kind, SECONDS};
use super::{Result, Source};
use crate::analytics::active_users::ActiveUsersReport;
use crate::analytics::first_value::FirstValueReport;
use crate::analytics::overview::{CountFigure, MoneyFigure, OverviewReport, PercentFigure};
use crate::analytics::range::ReportPeriod;
use crate::analytics::ranking::RankingReport;
use crate::analytics::teams::TeamsReport;
use crate::domain::Currency;
use crate::storage::reports::SignUp;

/// A report, which is in memory already.
pub struct Report {
    columns: &'static [Column],
    /// Absent once they are written.
    rows: Option<Rows>,
}

/// Puts all rows into a file.
type Rows = Box<dyn FnOnce(&mut File) + Send>;

impl Report {
    fn new(columns: &'static [Column], rows: impl FnOnce(&mut File) + Send + 'static) -> Report {
        Report { columns, rows: Some(Box::new(rows)) }
    }
}

#[async_trait]
impl Source for Report {
    fn columns(&self) -> Vec<Column> {
        self.columns.to_vec()
    }

    async fn add_rows(&mut self, file: &mut File) -> Result<bool> {
        let Some(rows) = self.rows.take() else { return Ok(false) };
        rows(file);
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

pub fn overview(report: OverviewReport, currency: Currency) -> Report {
    Report::new(&OVERVIEW, move |file| {
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
                add_figure(&report.period, name, &figure, currency, file);
            }
        }
    })
}

fn add_figure(
    period: &ReportPeriod,
    name: &str,
    figure: &Figure,
    currency: Currency,
    file: &mut File,
) {
    file.date(period.days.first);
    file.date(period.days.last);
    file.date(period.previous.first);
    file.date(period.previous.last);
    file.text(name);
    let (mut counts, mut amounts, mut percents) = ([None; 2], [None; 2], [None; 2]);
    match figure {
        Figure::Count(figure) => counts = [figure.value, figure.previous].map(Some),
        Figure::Money(figure) => amounts = [figure.value, figure.previous].map(Some),
        Figure::Percent(figure) => percents = [figure.value, figure.previous],
    }
    counts.into_iter().for_each(|count| file.integer_if_any(count));
    amounts.into_iter().for_each(|amount| file.amount_if_any(amount));
    file.text_if_any(if matches!(figure, Figure::Money(_)) { currency.as_str() } else { "" });
    percents.into_iter().for_each(|percent| file.number_if_any(percent));
    file.end_row();
}

static ACTIVE_USERS: [Column; 4] = [
    Column::new("first_date", Kind::Date),
    Column::new("start_time", Kind::Second),
    Column::new("user_count", Kind::Integer),
    Column::new("period_user_count", Kind::Integer),
];

/// Every row has the users of the whole period too: those of its buckets do not add up to them.
pub fn active_users(report: ActiveUsersReport) -> Report {
    Report::new(&ACTIVE_USERS, move |file| {
        for point in report.points {
            file.date(point.bucket.first);
            file.time(point.bucket.window.start);
            file.integer(point.user_count);
            file.integer(report.total);
            file.end_row();
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

pub fn teams(report: TeamsReport, currency: Currency) -> Report {
    Report::new(&TEAMS, move |file| {
        for team in report.teams {
            file.text_if_any(&team.department_id);
            file.text_if_any(&team.display_name);
            file.boolean(team.others);
            file.integer(team.token_count);
            file.number(team.token_share_percent);
            file.integer(team.request_count);
            file.amount(team.cost);
            file.text(currency.as_str());
            file.end_row();
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

pub fn ranking(report: RankingReport, currency: Currency) -> Report {
    Report::new(&RANKING, move |file| {
        for place in report.places {
            file.integer(place.rank as i64);
            file.text(&place.id);
            file.text(&place.display_name);
            file.integer(place.token_count);
            file.integer(place.request_count);
            file.number(place.tokens_per_request);
            file.amount(place.cost);
            file.text(currency.as_str());
            file.end_row();
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

/// Every row has the figures of the whole period too.
pub fn first_value(report: FirstValueReport) -> Report {
    Report::new(&FIRST_VALUE, move |file| {
        let of = report.first_value;
        for bucket in of.buckets {
            file.text(bucket.label);
            file.decimal_if_any(bucket.from);
            file.decimal_if_any(bucket.to);
            file.integer(bucket.user_count);
            file.number(bucket.share_percent);
            file.integer(of.user_count);
            file.integer(of.reached_count);
            file.decimal_if_any(of.median);
            file.end_row();
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

pub fn never_active(users: Vec<SignUp>) -> Report {
    Report::new(&NEVER_ACTIVE, move |file| {
        for user in users {
            file.text(&user.user_id);
            file.text_if_any(&user.display_name);
            file.text_if_any(&user.department_id);
            file.text_if_any(&user.external_id);
            file.time(user.sign_up_time);
            match user.last_use_time {
                Some(time) => file.time(time),
                None => file.absent(),
            }
            file.end_row();
        }
    })
}
