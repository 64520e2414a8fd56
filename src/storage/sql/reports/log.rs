//! Figures that are read from the log: the number of records, and sums of a span of time.

use sqlx::AssertSqlSafe;

use super::{Report, records};
use crate::domain::Time;
use crate::domain::time::calendar::Window;
use crate::storage::Result;
use crate::storage::reports::{RECORDS_MAX, ReportResult};
use crate::storage::sql::connection::backend::Backend;
use crate::storage::sql::row::{Value, limit_value, time};

pub const RECORD_COUNT: &str = "SELECT COUNT(*) FROM (SELECT 1 FROM usage_records \
    WHERE workspace_id = $1 AND charge_time >= $2 AND charge_time < $3 AND seq + 0 <= $4 \
    LIMIT $5) AS found";

impl<DB: Backend> Report<'_, DB> {
    /// By the index alone, and no further than the bound.
    pub async fn record_count(&mut self, window: Window) -> Result<ReportResult> {
        let values = [
            Value::Text(self.workspace_id),
            time(window.start),
            time(window.end),
            Value::Int(self.cursor),
            limit_value(RECORDS_MAX + 1),
        ];
        Ok(ReportResult::RecordCount(self.snapshot.row(RECORD_COUNT, &values).await?))
    }

    pub async fn sums_between(&mut self, from: Time, to: Time) -> Result<ReportResult> {
        let values =
            [Value::Text(self.workspace_id), time(from), time(to), Value::Int(self.cursor)];
        let sums = self.snapshot.row(AssertSqlSafe(sums_between()), &values).await?;
        Ok(ReportResult::SumsBetween(sums))
    }
}

pub fn sums_between() -> String {
    format!(
        "SELECT {} FROM usage_records WHERE workspace_id = $1 \
         AND charge_time >= $2 AND charge_time < $3 AND seq + 0 <= $4",
        records::sums().join(", ")
    )
}
