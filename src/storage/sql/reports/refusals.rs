//! Counts of requests that were blocked or routed.

use sqlx::AssertSqlSafe;

use super::Report;
use crate::domain::Amount;
use crate::domain::check::LimitKey;
use crate::domain::money::NANOS_PER_UNIT;
use crate::storage::Result;
use crate::storage::reports::{ROWS_MAX, RefusalsQuery, RefusalsRow, ReportResult, Source};
use crate::storage::sql::connection::backend::Backend;
use crate::storage::sql::rollups::cut::{Cut, WindowColumn};
use crate::storage::sql::rollups::refusals::limit_values;
use crate::storage::sql::row::{Reader, limit_value};
use crate::storage::sql::statement::{Values, group_by_first};

impl<DB: Backend> Report<'_, DB> {
    pub async fn refusals(&mut self, query: &RefusalsQuery) -> Result<ReportResult> {
        let cut = Cut::new(Source::Hours, &query.windows, query.by_window, &[], None);
        let mut rows = Vec::new();
        if cut.is_empty() {
            return Ok(ReportResult::Refusals(rows));
        }
        let mut values = Values::default();
        let sql = statement(self.workspace_id, query, &cut, &mut values);
        self.snapshot
            .each(AssertSqlSafe(sql), values.as_slice(), &mut |mut reader| {
                let row = read(query, &cut, &mut reader)?;
                if row.blocked_count != 0 || row.routed_count != 0 {
                    rows.push(row);
                }
                Ok(true)
            })
            .await?;
        if rows.len() > ROWS_MAX {
            return Ok(ReportResult::TooMany);
        }
        rows.sort_by(|a, b| key(a).cmp(&key(b)));
        Ok(ReportResult::Refusals(rows))
    }
}

/// The order of rows.
fn key(row: &RefusalsRow) -> (usize, &LimitKey, &str, &str) {
    (row.window, &row.limit, &row.model_id, &row.user_id)
}

pub fn statement<'a>(
    workspace_id: &'a str,
    query: &'a RefusalsQuery,
    cut: &Cut,
    values: &mut Values<'a>,
) -> String {
    let mut columns = Vec::new();
    if let WindowColumn::Number(number) = cut.of_times("hour", values) {
        columns.push(number);
    }
    for (is_asked, names) in [
        (query.by_limit, "limit_kind, limit_id"),
        (query.by_model, "model"),
        (query.by_user, "user_id"),
    ] {
        columns.extend(names.split(", ").filter(|_| is_asked).map(str::to_owned));
    }
    let group_by = group_by_first(columns.len());
    for count in ["blocked_count", "routed_count"] {
        columns.push(format!("CAST(COALESCE(SUM({count}), 0) AS BIGINT)"));
    }
    // In two parts: each amount is bounded, their sum is not.
    for amount in ["blocked_nanos", "saved_nanos"] {
        for part in [format!("/ {NANOS_PER_UNIT}"), format!("% {NANOS_PER_UNIT}")] {
            columns.push(format!("CAST(COALESCE(SUM({amount} {part}), 0) AS BIGINT)"));
        }
    }
    let columns = columns.join(", ");
    let workspace = values.text(workspace_id);
    let time = cut.time_condition("hour", values);
    let mut sql = format!("SELECT {columns} FROM refusals WHERE workspace_id = {workspace} {time}");
    if query.limits.is_empty() {
        sql.push_str(if query.by_limit { " AND limit_kind <> 0" } else { " AND limit_kind = 0" });
    } else {
        let limits: Vec<String> =
            query.limits.iter().map(|limit| limit_condition(limit, values)).collect();
        sql.push_str(&format!(" AND ({})", limits.join(" OR ")));
    }
    for (column, only) in [("model", &query.models), ("user_id", &query.users)] {
        if !only.is_empty() {
            sql.push_str(&format!(" AND {column} IN ({})", values.texts(only)));
        }
    }
    let limit = values.bind(limit_value(ROWS_MAX + 1));
    sql.push_str(&format!("{group_by} LIMIT {limit}"));
    sql
}

fn limit_condition<'a>(limit: &'a LimitKey, values: &mut Values<'a>) -> String {
    let [kind, id] = limit_values(limit).map(|value| values.bind(value));
    format!("limit_kind = {kind} AND limit_id = {id}")
}

fn read<'r>(query: &RefusalsQuery, cut: &Cut, reader: &mut impl Reader<'r>) -> Result<RefusalsRow> {
    Ok(RefusalsRow {
        window: if cut.is_one_window() { 0 } else { reader.get()? },
        limit: if query.by_limit { reader.get()? } else { LimitKey::Request },
        model_id: if query.by_model { reader.get()? } else { String::new() },
        user_id: if query.by_user { reader.get()? } else { String::new() },
        blocked_count: reader.get()?,
        routed_count: reader.get()?,
        blocked: amount(reader.get()?),
        saved: amount(reader.get()?),
    })
}

/// Where callers repeat a request without end, the sum stops at the bounds of an amount.
fn amount((units, nanos): (i64, i64)) -> Amount {
    let sum = i128::from(units) * i128::from(NANOS_PER_UNIT) + i128::from(nanos);
    let bounded = sum.clamp(i64::MIN.into(), i64::MAX.into());
    Amount::from_nanos(i64::try_from(bounded).expect("it was clamped"))
}
