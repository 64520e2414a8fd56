//! How the log and the rollups are cut for a sum over a window of time.
//!
//! A bucket by hour counts whole where its hour lies in the window. Where it does not, its records
//! are within an hour of one of the window's ends, and are summed one by one; where no bucket
//! reaches over an end, as where windows begin with an hour, none of them is even looked at. What
//! is not folded yet is summed one by one too.
//!
//! By hour, a statement has four parts: rollups (`$2 <= hour <= $4`), what is not folded
//! (`seq > $6`, `$2 <= charge_time < $3`), and what is folded in buckets that reach over the
//! beginning (`$2 <= charge_time < $5`, `hour < $2`) and over the end
//! (`$7 <= charge_time < $3`, `hour > $4`, `hour >= $2`). See `spent.rs` for how they must be
//! written, and the tests there and in `used.rs` for what databases make of it.
//!
//! By day they are the same with the days of [`PARTLY`], which have entries both in the window and
//! outside of it: rollups of all other days, and the entries of these one by one. Which days these
//! are is told by their first and last entry, so that it does not matter in which zone a day
//! began: where days begin with the window, as mostly, there are none.

use sqlx::SqlSafeStr;

use super::backend::{Backend, Value};
use super::codec::{Reader, time};
use super::rollups::{FOLD_CURSOR, read_cursor};
use super::snapshot::Snapshot;
use crate::domain::Time;
use crate::domain::time::MICROS_PER_HOUR;
use crate::storage::rollup::LOCAL_DAY_MAX;
use crate::storage::{Error, Result};

/// The cursor of the fold, and whether a bucket reaches over the beginning and over the end: one
/// whose hour began less than an hour before. Dimension 0 is the workspace.
const CUT: &str = "\
    SELECT seq, \
      CAST(CASE WHEN EXISTS (SELECT 1 FROM rollups_by_hour WHERE workspace_id = $1 \
        AND dimension = 0 AND hour > $2 AND hour < $3) THEN 1 ELSE 0 END AS BIGINT), \
      CAST(CASE WHEN EXISTS (SELECT 1 FROM rollups_by_hour WHERE workspace_id = $1 \
        AND dimension = 0 AND hour > $4 AND hour < $5) THEN 1 ELSE 0 END AS BIGINT) \
    FROM fold_cursor WHERE id = 1";

/// The days from `$4` that do not lie wholly in the window.
pub const PARTLY: &str = "SELECT day FROM local_days WHERE workspace_id = $1 \
    AND day > $4 AND day < $3 AND (first_time < $2 OR last_time >= $3)";

/// First and last entry of these.
const CUT_BY_DAY: &str = "SELECT first_time, last_time FROM local_days WHERE workspace_id = $1 \
    AND day > $4 AND day < $3 AND (first_time < $2 OR last_time >= $3)";

/// The values of `$1` (the workspace) to `$7`.
pub async fn cut<'a, DB: Backend>(
    snapshot: &mut Snapshot<DB>,
    workspace_id: &'a str,
    from: Time,
    to: Time,
) -> Result<[Value<'a>; 7]> {
    // The last hour that ends in the window.
    let last_hour = to - MICROS_PER_HOUR;
    let values = [
        Value::Text(workspace_id),
        time(from - MICROS_PER_HOUR),
        time(from),
        time(last_hour),
        time(to),
    ];
    let rows = snapshot.rows(CUT.into_sql_str(), &values).await?;
    let Some(row) = rows.first() else {
        return Err(Error::Corrupt("the cursor of the fold is missing".to_owned()));
    };
    let mut reader = Reader::<DB>::new(row);
    let cursor = reader.int()?;
    let (over_from, over_to) = (reader.int()? == 1, reader.int()? == 1);
    // Records of an hour that began before the window lie before this.
    let early_end = if over_from { to.min(from + MICROS_PER_HOUR) } else { from };
    // Records of an hour that ends after the window lie at or after this.
    let late_start = if over_to { from.max(last_hour) } else { to };
    Ok([
        Value::Text(workspace_id),
        time(from),
        time(to),
        time(last_hour),
        time(early_end),
        Value::Int(cursor),
        time(late_start),
    ])
}

/// The values of `$1` (the workspace) to `$7` of a statement that goes by day: the window (`$2`,
/// `$3`), where days that reach into it can begin (`$4`), up to where entries of days lie that
/// reach over its beginning (`$5`), the cursor (`$6`), and from where those of days lie that reach
/// over its end (`$7`).
pub async fn cut_by_day<'a, DB: Backend>(
    snapshot: &mut Snapshot<DB>,
    workspace_id: &'a str,
    from: Time,
    to: Time,
) -> Result<[Value<'a>; 7]> {
    let cursor = read_cursor::<DB>(&snapshot.rows(FOLD_CURSOR.into_sql_str(), &[]).await?)?;
    let earliest = from - LOCAL_DAY_MAX;
    let values = [Value::Text(workspace_id), time(from), time(to), time(earliest)];
    let (mut early_end, mut late_start) = (from, to);
    for row in &snapshot.rows(CUT_BY_DAY.into_sql_str(), &values).await? {
        let mut reader = Reader::<DB>::new(row);
        let (first, last) = (reader.time()?, reader.time()?);
        if first < from {
            early_end = early_end.max(to.min(last + 1));
        }
        if last >= to {
            late_start = late_start.min(first);
        }
    }
    Ok([
        Value::Text(workspace_id),
        time(from),
        time(to),
        time(earliest),
        time(early_end),
        Value::Int(cursor.seq),
        time(late_start.max(early_end)),
    ])
}
