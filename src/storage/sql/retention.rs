//! Dropping old entries of the log. What is derived from them stays.
//!
//! Entries go in the order of time, so that a record goes before its corrections: what is left of
//! a request is never priced anew. `verify.rs` and `rebuild.rs` know up to where the log is not
//! whole.

use sqlx::SqlSafeStr;

use super::SqlStore;
use super::backend::{Backend, Value};
use super::codec::{Reader, code, time};
use super::read::limit_value;
use super::rollups::{FOLD_CURSOR, read_cursor};
use super::session::Write;
use crate::domain::Time;
use crate::domain::quota::Period;
use crate::domain::time::MICROS_PER_DAY;
use crate::storage::Result;
use crate::storage::rollup::LOCAL_DAY_MAX;

/// The last entry of the days before `$2`.
const LAST: &str = "SELECT MAX(last_time) FROM local_days WHERE workspace_id = $1 AND day < $2";

/// Days (in UTC, each once) on which windows begin that nothing but a reset ends.
const WINDOW_DAYS: &str = "\
    SELECT DISTINCT window_start - ((window_start % $3) + $3) % $3 AS window_day FROM quotas \
    WHERE workspace_id = $1 AND period = $2 ORDER BY window_day";

impl<DB: Backend> SqlStore<DB> {
    pub(super) async fn read_dropped_before(&self, workspace_id: &str) -> Result<Option<Time>> {
        let sql = "SELECT dropped_before FROM workspaces WHERE id = $1";
        let rows = self.read(sql.into_sql_str(), &[Value::Text(workspace_id)]).await?;
        match rows.first() {
            Some(row) => Reader::<DB>::new(row).optional_time(),
            None => Ok(None),
        }
    }

    pub(super) async fn drop_old_records(
        &self,
        workspace_id: &str,
        before: Time,
        limit: usize,
    ) -> Result<usize> {
        let mut write = self.session.begin().await?;
        let cursor = read_cursor::<DB>(&write.rows(FOLD_CURSOR.into_sql_str(), &[]).await?)?;
        let spans = write.spans_to_drop(workspace_id, before).await?;
        let mut dropped = 0;
        for (from, to) in spans {
            if dropped < limit {
                let values = [
                    Value::Text(workspace_id),
                    time(from),
                    time(to),
                    time(before),
                    Value::Int(cursor.seq),
                    limit_value(limit - dropped),
                ];
                dropped += write.run(DROP, &values).await? as usize;
            }
        }
        if dropped > 0 {
            let sql = "UPDATE workspaces SET dropped_before = $2 \
                       WHERE id = $1 AND (dropped_before IS NULL OR dropped_before < $2)";
            write.run(sql, &[Value::Text(workspace_id), time(before)]).await?;
        }
        write.commit().await?;
        Ok(dropped)
    }
}

const DROP: &str = "\
    DELETE FROM usage_records WHERE seq IN (SELECT seq FROM usage_records \
      WHERE workspace_id = $1 AND charge_time >= $2 AND charge_time < $3 \
      AND day < $4 AND seq + 0 <= $5 ORDER BY charge_time, seq LIMIT $6)";

impl<DB: Backend> Write<'_, DB> {
    /// Between which times entries of days before `before` may go.
    async fn spans_to_drop(
        &mut self,
        workspace_id: &str,
        before: Time,
    ) -> Result<Vec<(Time, Time)>> {
        let values = [Value::Text(workspace_id), time(before)];
        let rows = self.rows(LAST.into_sql_str(), &values).await?;
        let last = rows.first().map(|row| Reader::<DB>::new(row).optional_time()).transpose()?;
        let Some(last) = last.flatten() else { return Ok(Vec::new()) };
        let values =
            [Value::Text(workspace_id), code(Period::UntilReset), Value::Int(MICROS_PER_DAY)];
        let mut window_days = Vec::new();
        for row in &self.rows(WINDOW_DAYS.into_sql_str(), &values).await? {
            window_days.push(Reader::<DB>::new(row).time()?);
        }
        Ok(spans_between(&window_days, last + 1))
    }
}

/// The time up to `end` without what is around the days on which windows begin, which are sorted:
/// whatever the zone, the local days that these beginnings lie in are kept whole.
fn spans_between(window_days: &[Time], end: Time) -> Vec<(Time, Time)> {
    let mut spans = Vec::new();
    let mut from = Time::from_micros(i64::MIN);
    for day in window_days {
        let to = end.min(*day - LOCAL_DAY_MAX);
        if from < to {
            spans.push((from, to));
        }
        from = from.max(*day + MICROS_PER_DAY + LOCAL_DAY_MAX);
    }
    if from < end {
        spans.push((from, end));
    }
    spans
}

#[cfg(test)]
mod tests {
    use sqlx::{AssertSqlSafe, Row, Sqlite};

    use super::*;

    #[test]
    fn what_is_around_the_beginnings_of_windows_is_kept() {
        let day = |number: i64| Time::from_micros(number * MICROS_PER_DAY);
        let start = Time::from_micros(i64::MIN);
        assert_eq!(spans_between(&[], day(9)), [(start, day(9))]);
        assert_eq!(spans_between(&[day(4)], day(9)), [(start, day(2)), (day(7), day(9))]);
        assert_eq!(spans_between(&[day(4)], day(7)), [(start, day(2))]);
        assert_eq!(spans_between(&[day(20)], day(9)), [(start, day(9))]);
        let several = [day(10), day(12), day(30)];
        let expected = [(start, day(8)), (day(15), day(28)), (day(33), day(40))];
        assert_eq!(spans_between(&several, day(40)), expected);
    }

    #[tokio::test]
    async fn old_entries_are_found_by_time() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("a.db").display());
        let store = SqlStore::<Sqlite>::serve(&url).await.unwrap();
        let sql = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {DROP}"));
        let rows = store.read(sql.into_sql_str(), &[]).await.unwrap();
        let steps: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
        let by_time = "SEARCH usage_records USING INDEX usage_records_by_time \
                       (workspace_id=? AND charge_time>? AND charge_time<?)";
        assert!(steps.iter().any(|step| step == by_time), "{steps:?}");
        assert!(!steps.iter().any(|step| step.contains("SCAN usage")), "{steps:?}");
        assert!(!steps.iter().any(|step| step.contains("TEMP B-TREE")), "{steps:?}");
    }
}
