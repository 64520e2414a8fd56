//! Retention: dropping old records of the log. What is derived from them stays.
//!
//! Records are dropped in the order of time, a record before its corrections: what is left of a
//! request is never priced again. `rollups/verify.rs` and `rollups/rebuild.rs` know up to where
//! the log is not whole.

use crate::domain::Time;
use crate::domain::quota::Period;
use crate::domain::time::MICROS_PER_DAY;
use crate::storage::Result;
use crate::storage::rollup::{FoldCursor, LOCAL_DAY_MAX};
use crate::storage::sql::connection::backend::Backend;
use crate::storage::sql::connection::session::Write;
use crate::storage::sql::rollups::FOLD_CURSOR;
use crate::storage::sql::row::{Value, code, limit_value, time};

/// The last record of the days before `$2`.
const LAST: &str = "SELECT MAX(last_time) FROM local_days WHERE workspace_id = $1 AND day < $2";

/// Days (in UTC, each once) on which windows begin that nothing but a reset ends.
const WINDOW_DAYS: &str = "\
    SELECT DISTINCT window_start - ((window_start % $3) + $3) % $3 AS window_day FROM quotas \
    WHERE workspace_id = $1 AND period = $2 ORDER BY window_day";

const DROP: &str = "\
    DELETE FROM usage_records WHERE seq IN (SELECT seq FROM usage_records \
      WHERE workspace_id = $1 AND charge_time >= $2 AND charge_time < $3 \
      AND day < $4 AND seq + 0 <= $5 ORDER BY charge_time, seq LIMIT $6)";

/// See [`crate::storage::log::LogStore::drop_records`].
pub async fn drop_records<DB: Backend>(
    write: &mut Write<'_, DB>,
    workspace_id: &str,
    before: Time,
    limit: usize,
) -> Result<usize> {
    let cursor: FoldCursor = write.row(FOLD_CURSOR, &[]).await?;
    let mut dropped = 0;
    for (from, to) in spans_to_drop(write, workspace_id, before).await? {
        if dropped < limit {
            let values = [
                Value::Text(workspace_id),
                time(from),
                time(to),
                time(before),
                Value::Int(cursor.seq),
                limit_value(limit - dropped),
            ];
            dropped += write.execute(DROP, &values).await? as usize;
        }
    }
    if dropped > 0 {
        let sql = "UPDATE workspaces SET dropped_before = $2 \
                   WHERE id = $1 AND (dropped_before IS NULL OR dropped_before < $2)";
        write.execute(sql, &[Value::Text(workspace_id), time(before)]).await?;
    }
    Ok(dropped)
}

/// The spans of time from which records of days before `before` may be dropped.
async fn spans_to_drop<DB: Backend>(
    write: &mut Write<'_, DB>,
    workspace_id: &str,
    before: Time,
) -> Result<Vec<(Time, Time)>> {
    let values = [Value::Text(workspace_id), time(before)];
    let last: Option<Time> = write.row(LAST, &values).await?;
    let Some(last) = last else { return Ok(Vec::new()) };
    let values = [Value::Text(workspace_id), code(Period::UntilReset), Value::Int(MICROS_PER_DAY)];
    let window_days: Vec<Time> = write.rows(WINDOW_DAYS, &values).await?;
    Ok(spans_between(&window_days, last + 1))
}

/// The time up to `end` without what is around the days on which windows begin, which are sorted:
/// in any time zone, the local days that these beginnings lie in are kept whole.
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
    use super::*;
    use crate::storage::sql::tests::Planner;

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
        let steps = Planner::new().await.plan(DROP).await;
        let by_time = "SEARCH usage_records USING INDEX usage_records_by_time \
                       (workspace_id=? AND charge_time>? AND charge_time<?)";
        assert!(steps.iter().any(|step| step == by_time), "{steps:?}");
        assert!(!steps.iter().any(|step| step.contains("SCAN usage")), "{steps:?}");
        assert!(!steps.iter().any(|step| step.contains("TEMP B-TREE")), "{steps:?}");
    }
}
