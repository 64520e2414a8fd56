//! What was spent in a window, by model: from the rollups, the tail of the log that is not folded
//! yet, and the records at the window's edges.

use std::collections::HashMap;

use sqlx::SqlSafeStr;

use super::SqlStore;
use super::backend::{Backend, Value};
use super::codec::{Reader, time};
use super::rollups::FOLD_CURSOR;
use crate::ledger::time::MICROS_PER_HOUR;
use crate::ledger::{Amount, Time};
use crate::storage::{Error, Result};

/// A bucket counts whole where its hour lies in the window. Where it does not, its records are
/// within an hour of one of the window's ends, and are summed one by one.
///
/// The second part must go by `seq` however long the window is: `|| ''` and `+ 0` keep both
/// databases from going by time there, and from going by `seq` in the others.
const SPENT: &str = "\
    SELECT model, CAST(SUM(cost) AS BIGINT) FROM ( \
      SELECT value AS model, cost_nanos AS cost FROM rollups \
        WHERE workspace_id = $1 AND dimension = 'model' AND hour >= $2 AND hour <= $4 \
      UNION ALL \
      SELECT metered_model_id, cost_nanos FROM usage_records \
        WHERE seq > $6 AND workspace_id || '' = $1 \
        AND charge_time + 0 >= $2 AND charge_time + 0 < $3 \
      UNION ALL \
      SELECT metered_model_id, cost_nanos FROM usage_records \
        WHERE workspace_id = $1 AND charge_time >= $2 AND charge_time < $5 \
        AND charge_time < $3 AND hour < $2 AND seq + 0 <= $6 \
      UNION ALL \
      SELECT metered_model_id, cost_nanos FROM usage_records \
        WHERE workspace_id = $1 AND charge_time > $4 AND charge_time >= $2 \
        AND charge_time < $3 AND hour >= $2 AND hour > $4 AND seq + 0 <= $6 \
    ) AS parts GROUP BY model";

impl<DB: Backend> SqlStore<DB> {
    pub(super) async fn sum_spent_by_model(
        &self,
        workspace_id: &str,
        from: Time,
        to: Time,
    ) -> Result<HashMap<String, Amount>> {
        let mut snapshot = self.snapshot().await?;
        let cursor = snapshot.int(FOLD_CURSOR).await?;
        let values = [
            Value::Text(workspace_id),
            time(from),
            time(to),
            // The last hour that ends in the window.
            time(to - MICROS_PER_HOUR),
            // Records of an hour that began before the window lie before this.
            time(from + MICROS_PER_HOUR),
            Value::Int(cursor),
        ];
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
