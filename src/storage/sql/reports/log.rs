//! Figures that are read from the log: how many entries there are, and sums of a span of time.

use super::super::backend::{Backend, Value};
use super::super::codec::{Reader, time};
use super::super::read::limit_value;
use super::super::rollups::read_sums;
use super::statement::safe;
use super::{Report, entries};
use crate::domain::Time;
use crate::domain::calendar::Window;
use crate::storage::reports::{Answer, RECORDS_MAX};
use crate::storage::rollup::Sums;
use crate::storage::{Error, Result};

pub const RECORD_COUNT: &str = "SELECT COUNT(*) FROM (SELECT 1 FROM usage_records \
    WHERE workspace_id = $1 AND charge_time >= $2 AND charge_time < $3 AND seq + 0 <= $4 \
    LIMIT $5) AS found";

impl<DB: Backend> Report<'_, DB> {
    /// By the index alone, and no further than the bound.
    pub async fn record_count(&mut self, window: Window) -> Result<Answer> {
        let values = [
            Value::Text(self.workspace_id),
            time(window.start),
            time(window.end),
            Value::Int(self.cursor),
            limit_value(RECORDS_MAX + 1),
        ];
        let rows = self.snapshot.rows(safe(RECORD_COUNT.to_owned()), &values).await?;
        let row = rows.first().ok_or_else(nothing)?;
        Ok(Answer::RecordCount(Reader::<DB>::new(row).int()?))
    }

    pub async fn sums_between(&mut self, from: Time, to: Time) -> Result<Answer> {
        let values =
            [Value::Text(self.workspace_id), time(from), time(to), Value::Int(self.cursor)];
        let rows = self.snapshot.rows(safe(sums_between()), &values).await?;
        let row = rows.first().ok_or_else(nothing)?;
        let sums: Sums = read_sums(&mut Reader::<DB>::new(row))?;
        Ok(Answer::SumsBetween(sums))
    }
}

pub fn sums_between() -> String {
    format!(
        "SELECT {} FROM usage_records WHERE workspace_id = $1 \
         AND charge_time >= $2 AND charge_time < $3 AND seq + 0 <= $4",
        entries::sums().join(", ")
    )
}

fn nothing() -> Error {
    Error::Corrupt("a count has no row".to_owned())
}
