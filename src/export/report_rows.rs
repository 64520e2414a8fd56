//! Fixed reports as tables. Shares, rates and changes are floats, all other numbers are exact.

use std::vec::IntoIter;

use async_trait::async_trait;

use super::error::Result;
use super::row_writer::{RowSource, RowWriter};
use super::sink::{AMOUNT, Column, Kind, SECONDS};
use crate::analytics::range::ReportPeriod;
use crate::analytics::reports::active_users::{ActiveUsersPoint, ActiveUsersReport};
use crate::analytics::reports::first_value::{
    FirstValueBucket, FirstValueReport, TimeToFirstValue,
};
use crate::analytics::reports::overview::{
    CountFigure, MoneyFigure, OverviewReport, PercentFigure,
};
use crate::analytics::reports::ranking::{RankedUsage, RankingReport};
use crate::analytics::reports::teams::{TeamUsage, TeamsReport};
use crate::domain::{Amount, Currency};
use crate::storage::reports::SignUp;

/// A column, and how its cell of a row is written.
type ColumnOf<T> = (Column, fn(&T, &mut RowWriter));

/// The rows of a report, which are in memory.
struct ReportRows<T: 'static> {
    columns: &'static [ColumnOf<T>],
    rows: IntoIter<T>,
}

#[async_trait]
impl<T: Send> RowSource for ReportRows<T> {
    fn columns(&self) -> Vec<Column> {
        self.columns.iter().map(|(column, _)| column.clone()).collect()
    }

    async fn write_rows(&mut self, out: &mut RowWriter) -> Result<bool> {
        let has_rows = self.rows.len() > 0;
        for row in self.rows.by_ref() {
            self.columns.iter().for_each(|(_, write)| write(&row, out));
            out.end_row();
        }
        Ok(has_rows)
    }
}

fn table<T: Send>(columns: &'static [ColumnOf<T>], rows: Vec<T>) -> Box<dyn RowSource> {
    Box::new(ReportRows { columns, rows: rows.into_iter() })
}

/// A key figure: counts, amounts or percentages, of the period and the previous one.
struct OverviewRow {
    period: ReportPeriod,
    figure: &'static str,
    counts: [Option<i64>; 2],
    amounts: [Option<Amount>; 2],
    currency: Option<Currency>,
    percents: [Option<f64>; 2],
}

static OVERVIEW: [ColumnOf<OverviewRow>; 12] = [
    (Column::new("first_date", Kind::Date), |row, out| out.date(row.period.days.first)),
    (Column::new("last_date", Kind::Date), |row, out| out.date(row.period.days.last)),
    (Column::new("previous_first_date", Kind::Date), |row, out| {
        out.date(row.period.previous.first);
    }),
    (Column::new("previous_last_date", Kind::Date), |row, out| out.date(row.period.previous.last)),
    (Column::new("figure", Kind::Text), |row, out| out.text(row.figure)),
    (Column::optional("count", Kind::Integer), |row, out| out.optional_integer(row.counts[0])),
    (Column::optional("previous_count", Kind::Integer), |row, out| {
        out.optional_integer(row.counts[1]);
    }),
    (Column::optional("amount", AMOUNT), |row, out| out.optional_amount(row.amounts[0])),
    (Column::optional("previous_amount", AMOUNT), |row, out| out.optional_amount(row.amounts[1])),
    (Column::optional("currency_code", Kind::Text), |row, out| {
        out.optional_text(row.currency.as_ref().map_or("", Currency::as_str));
    }),
    (Column::optional("percent", Kind::Number), |row, out| out.optional_number(row.percents[0])),
    (Column::optional("previous_percent", Kind::Number), |row, out| {
        out.optional_number(row.percents[1]);
    }),
];

pub fn overview(report: OverviewReport, currency: Currency) -> Box<dyn RowSource> {
    let OverviewReport { period, overview: of } = report;
    let empty = |figure| OverviewRow {
        period,
        figure,
        counts: [None; 2],
        amounts: [None; 2],
        currency: None,
        percents: [None; 2],
    };
    let count = |name, CountFigure { value, previous }| {
        Some(OverviewRow { counts: [Some(value), Some(previous)], ..empty(name) })
    };
    let money = |name, MoneyFigure { value, previous }| {
        let amounts = [Some(value), Some(previous)];
        Some(OverviewRow { amounts, currency: Some(currency), ..empty(name) })
    };
    let percent = |name, PercentFigure { value, previous }| {
        Some(OverviewRow { percents: [value, previous], ..empty(name) })
    };
    let rows = [
        count("total_users", of.total_users),
        count("active_users", of.active_users),
        count("tokens", of.tokens),
        count("workflows", of.workflows),
        count("assistants", of.assistants),
        count("requests", of.requests),
        money("spend", of.spend),
        of.blocked.and_then(|blocked| count("blocked", blocked)),
        of.routed.and_then(|routed| count("routed", routed)),
        percent("error_rate", of.error_rate),
    ];
    table(&OVERVIEW, rows.into_iter().flatten().collect())
}

/// A bucket, with the users of the whole period, because buckets do not add up to it.
static ACTIVE_USERS: [ColumnOf<(ActiveUsersPoint, i64)>; 4] = [
    (Column::new("first_date", Kind::Date), |(point, _), out| out.date(point.bucket.first)),
    (Column::new("start_time", Kind::Second), |(point, _), out| {
        out.time(point.bucket.window.start);
    }),
    (Column::new("user_count", Kind::Integer), |(point, _), out| out.integer(point.user_count)),
    (Column::new("period_user_count", Kind::Integer), |(_, total), out| out.integer(*total)),
];

pub fn active_users(report: ActiveUsersReport) -> Box<dyn RowSource> {
    let rows = report.points.into_iter().map(|point| (point, report.total));
    table(&ACTIVE_USERS, rows.collect())
}

static TEAMS: [ColumnOf<(TeamUsage, Currency)>; 8] = [
    (Column::optional("department_id", Kind::Text), |(team, _), out| {
        out.optional_text(&team.department_id);
    }),
    (Column::optional("display_name", Kind::Text), |(team, _), out| {
        out.optional_text(&team.display_name);
    }),
    (Column::new("others", Kind::Boolean), |(team, _), out| out.boolean(team.others)),
    (Column::new("token_count", Kind::Integer), |(team, _), out| out.integer(team.token_count)),
    (Column::new("token_share_percent", Kind::Number), |(team, _), out| {
        out.number(team.token_share_percent);
    }),
    (Column::new("request_count", Kind::Integer), |(team, _), out| {
        out.integer(team.request_count);
    }),
    (Column::new("cost", AMOUNT), |(team, _), out| out.amount(team.cost)),
    (Column::new("currency_code", Kind::Text), |(_, currency), out| out.text(currency.as_str())),
];

pub fn teams(report: TeamsReport, currency: Currency) -> Box<dyn RowSource> {
    let rows = report.teams.into_iter().map(|team| (team, currency));
    table(&TEAMS, rows.collect())
}

static RANKING: [ColumnOf<(RankedUsage, Currency)>; 8] = [
    (Column::new("rank", Kind::Integer), |(place, _), out| out.integer(place.rank as i64)),
    (Column::new("id", Kind::Text), |(place, _), out| out.text(&place.id)),
    (Column::new("display_name", Kind::Text), |(place, _), out| out.text(&place.display_name)),
    (Column::new("token_count", Kind::Integer), |(place, _), out| out.integer(place.token_count)),
    (Column::new("request_count", Kind::Integer), |(place, _), out| {
        out.integer(place.request_count);
    }),
    (Column::new("tokens_per_request", Kind::Number), |(place, _), out| {
        out.number(place.tokens_per_request);
    }),
    (Column::new("cost", AMOUNT), |(place, _), out| out.amount(place.cost)),
    (Column::new("currency_code", Kind::Text), |(_, currency), out| out.text(currency.as_str())),
];

pub fn ranking(report: RankingReport, currency: Currency) -> Box<dyn RowSource> {
    let rows = report.places.into_iter().map(|place| (place, currency));
    table(&RANKING, rows.collect())
}

/// A bucket, with the figures of the whole period.
struct FirstValueRow {
    bucket: FirstValueBucket,
    user_count: i64,
    reached_count: i64,
    median: Option<i64>,
}

static FIRST_VALUE: [ColumnOf<FirstValueRow>; 8] = [
    (Column::new("label", Kind::Text), |row, out| out.text(row.bucket.label)),
    (Column::optional("from_seconds", SECONDS), |row, out| out.optional_decimal(row.bucket.from)),
    (Column::optional("to_seconds", SECONDS), |row, out| out.optional_decimal(row.bucket.to)),
    (Column::new("user_count", Kind::Integer), |row, out| out.integer(row.bucket.user_count)),
    (Column::new("share_percent", Kind::Number), |row, out| out.number(row.bucket.share_percent)),
    (Column::new("period_user_count", Kind::Integer), |row, out| out.integer(row.user_count)),
    (Column::new("period_reached_count", Kind::Integer), |row, out| {
        out.integer(row.reached_count);
    }),
    (Column::optional("period_median_seconds", SECONDS), |row, out| {
        out.optional_decimal(row.median);
    }),
];

pub fn first_value(report: FirstValueReport) -> Box<dyn RowSource> {
    let TimeToFirstValue { user_count, reached_count, median, buckets } = report.first_value;
    let row = |bucket| FirstValueRow { bucket, user_count, reached_count, median };
    table(&FIRST_VALUE, buckets.into_iter().map(row).collect())
}

static NEVER_ACTIVE: [ColumnOf<SignUp>; 6] = [
    (Column::new("user_id", Kind::Text), |user, out| out.text(&user.user_id)),
    (Column::optional("display_name", Kind::Text), |user, out| {
        out.optional_text(&user.display_name);
    }),
    (Column::optional("department_id", Kind::Text), |user, out| {
        out.optional_text(&user.department_id);
    }),
    (Column::optional("external_id", Kind::Text), |user, out| {
        out.optional_text(&user.external_id);
    }),
    (Column::new("sign_up_time", Kind::Time), |user, out| out.time(user.sign_up_time)),
    (Column::optional("last_use_time", Kind::Time), |user, out| {
        out.optional_time(user.last_use_time);
    }),
];

pub fn never_active(users: Vec<SignUp>) -> Box<dyn RowSource> {
    table(&NEVER_ACTIVE, users)
}
