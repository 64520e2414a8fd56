//! What was spent in a window, by model: from the rollups, the tail of the log that is not folded
//! yet, and the records at the window's edges.

use std::collections::HashMap;

use sqlx::SqlSafeStr;

use super::backend::Backend;
use super::codec::Reader;
use super::{SqlStore, window};
use crate::domain::{Amount, Time};
use crate::storage::{Error, Result};

/// The four parts of `window.rs` by hour. Dimension 9 is the model.
///
/// The second part must go by `seq` however long the window is: `|| ''` and `+ 0` keep both
/// databases from going by time there, and from going by `seq` in the others. Each part has one
/// bound on each side: of two SQLite picks any one, and for none Postgres, where it has no
/// statistics yet, takes a third of the log for the answer.
const SPENT: &str = "\
    SELECT model, CAST(SUM(cost) AS BIGINT) FROM ( \
      SELECT value AS model, cost_nanos AS cost FROM rollups_by_hour \
        WHERE workspace_id = $1 AND dimension = 9 AND hour >= $2 AND hour <= $4 \
      UNION ALL \
      SELECT metered_model_id, cost_nanos FROM usage_records \
        WHERE seq > $6 AND seq <= 9223372036854775807 AND workspace_id || '' = $1 \
        AND charge_time + 0 >= $2 AND charge_time + 0 < $3 \
      UNION ALL \
      SELECT metered_model_id, cost_nanos FROM usage_records \
        WHERE workspace_id = $1 AND charge_time >= $2 AND charge_time < $5 \
        AND hour < $2 AND seq + 0 <= $6 \
      UNION ALL \
      SELECT metered_model_id, cost_nanos FROM usage_records \
        WHERE workspace_id = $1 AND charge_time >= $7 AND charge_time < $3 \
        AND hour >= $2 AND hour > $4 AND seq + 0 <= $6 \
    ) AS parts GROUP BY model";

impl<DB: Backend> SqlStore<DB> {
    pub(super) async fn sum_spent_by_model(
        &self,
        workspace_id: &str,
        from: Time,
        to: Time,
    ) -> Result<HashMap<String, Amount>> {
        let mut snapshot = self.snapshot().await?;
        let values = window::cut(&mut snapshot, workspace_id, from, to).await?;
        let rows = snapshot.rows(SPENT.into_sql_str(), &values).await?;
        snapshot.end().await?;
        let mut spent = HashMap::with_capacity(rows.len());
        for row in &rows {
            let mut reader = Reader::<DB>::new(row);
            let (model, cost) = (reader.string()?, reader.amount()?);
            if let Some(before) = spent.insert(model, cost) {
                return Err(Error::Corrupt(format!("a model was summed twice, first to {before}")));
            }
        }
        Ok(spent)
    }
}

#[cfg(test)]
mod tests {
    use sqlx::{AssertSqlSafe, Row, Sqlite};

    use super::*;

    #[tokio::test]
    async fn no_part_goes_through_the_whole_log() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("a.db").display());
        let store = SqlStore::<Sqlite>::serve(&url).await.unwrap();
        let sql = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {SPENT}"));
        let rows = store.read(sql.into_sql_str(), &[]).await.unwrap();
        let steps: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
        let searches: Vec<&str> =
            steps.iter().map(String::as_str).filter(|step| step.starts_with("SEARCH")).collect();
        let by_time = "SEARCH usage_records USING INDEX usage_records_by_time \
                       (workspace_id=? AND charge_time>? AND charge_time<?)";
        let expected = [
            "SEARCH rollups_by_hour USING PRIMARY KEY \
             (workspace_id=? AND dimension=? AND hour>? AND hour<?)",
            "SEARCH usage_records USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
            by_time,
            by_time,
        ];
        assert_eq!(searches, expected);
        assert!(!steps.iter().any(|step| step.starts_with("SCAN usage")), "{steps:?}");
    }
}
