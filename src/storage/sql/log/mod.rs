//! The usage log: appending, reading, retention, and erasure of a user.
//!
//! Sums over it are in `rollups/`.

mod append;
pub mod erasing;
pub mod erasure;
mod packed;
pub mod record;
mod retention;

use async_trait::async_trait;
use sqlx::AssertSqlSafe;

use super::SqlStore;
use super::connection::backend::Backend;
use super::row::{Value, code, limit_value, time};
use super::table::Select;
use crate::domain::Time;
use crate::domain::record::{Record, RecordKind};
use crate::domain::time::MICROS_PER_DAY;
use crate::domain::time::calendar::Window;
use crate::domain::usage::Outcome;
use crate::storage::Result;
use crate::storage::audit::AuditEvent;
use crate::storage::log::{
    Appended, HoldChanges, LATE_MIN, LogStore, Order, RecordFilter, RecordPosition,
};

pub use record::RECORDS;

#[async_trait]
impl<DB: Backend> LogStore for SqlStore<DB> {
    async fn last_record_time(&self) -> Result<Option<Time>> {
        let last = "SELECT record_time FROM usage_records ORDER BY seq DESC LIMIT 1";
        Ok(self.rows(last, &[]).await?.into_iter().next())
    }

    async fn last_seq(&self) -> Result<i64> {
        self.row(LAST_SEQ, &[]).await
    }

    async fn append_with_holds(
        &self,
        records: &[Record],
        holds: &HoldChanges,
    ) -> Result<Vec<Appended>> {
        append::append(&self.session, records, holds).await
    }

    async fn append_audited(&self, records: &[Record], events: &[AuditEvent]) -> Result<Appended> {
        append::append_audited(&self.session, records, events).await
    }

    async fn request_records(&self, workspace_id: &str, request_id: &str) -> Result<Vec<Record>> {
        let of_request = RECORDS.of(workspace_id).with("request_id =", Value::Text(request_id));
        self.entries(of_request.sorted("attempt, revision")).await
    }

    async fn records(
        &self,
        filter: &RecordFilter,
        order: Order,
        after: Option<RecordPosition>,
        limit: usize,
    ) -> Result<Vec<Record>> {
        self.entries(matching(filter, order, after, limit)).await
    }

    async fn charge_time_behind(
        &self,
        workspace_id: &str,
        to: Option<Time>,
        after: Option<RecordPosition>,
        count: usize,
    ) -> Result<Option<Time>> {
        let latest = Time::from_micros(i64::MAX);
        let to = to.unwrap_or(latest);
        let after = after.unwrap_or(RecordPosition { charge_time: latest, seq: i64::MAX });
        // By time alone too, which every database finds by an index.
        let sql = "SELECT charge_time FROM usage_records \
                   WHERE workspace_id = $1 AND charge_time < $2 AND charge_time <= $3 \
                   AND (charge_time, seq) < ($3, $4) \
                   ORDER BY charge_time DESC, seq DESC LIMIT 1 OFFSET $5";
        let values = [
            Value::Text(workspace_id),
            time(to),
            time(after.charge_time),
            Value::Int(after.seq),
            limit_value(count),
        ];
        Ok(self.rows(sql, &values).await?.into_iter().next())
    }

    async fn export_records(
        &self,
        workspace_id: &str,
        window: Window,
        after: Option<RecordPosition>,
        limit: usize,
    ) -> Result<Vec<Record>> {
        let read = packed::read(&self.readers, workspace_id, window, after, limit);
        self.erasing.renamed(read).await
    }

    async fn late_records(
        &self,
        workspace_id: &str,
        written: Window,
        before: Time,
        after: Option<RecordPosition>,
        limit: usize,
    ) -> Result<Vec<Record>> {
        let earliest = Time::from_micros(i64::MIN);
        let after = after.unwrap_or(RecordPosition { charge_time: earliest, seq: i64::MIN });
        let late = RECORDS
            .of(workspace_id)
            // The condition of the index, word by word.
            .only(&format!("record_time - charge_time >= {LATE_MIN}"))
            .with("record_time >=", time(written.start))
            .with("record_time <", time(written.end))
            .with("charge_time <", time(before))
            .beyond("(charge_time, seq) >", [time(after.charge_time), Value::Int(after.seq)]);
        self.entries(late.ordered("charge_time, seq", limit)).await
    }

    async fn records_after(&self, seq: i64, limit: usize) -> Result<Vec<Record>> {
        let after = RECORDS.all().with("seq >", Value::Int(seq));
        self.entries(after.ordered("seq", limit)).await
    }

    async fn recent_outputs(
        &self,
        workspace_id: &str,
        before: Time,
        limit: usize,
    ) -> Result<Vec<(String, i64)>> {
        let sql = "SELECT metered_model_id, output + reasoning + audio_output + image_output \
                   FROM usage_records WHERE workspace_id = $1 AND kind = $2 AND outcome = $3 \
                   AND charge_time < $4 ORDER BY charge_time DESC, seq DESC LIMIT $5";
        let values = [
            Value::Text(workspace_id),
            code(RecordKind::Usage),
            code(Outcome::Success),
            time(before),
            limit_value(limit),
        ];
        let mut outputs = self.rows(sql, &values).await?;
        outputs.reverse();
        Ok(outputs)
    }

    async fn recent_attempts(
        &self,
        workspace_id: &str,
        limit: usize,
    ) -> Result<Vec<(String, i32)>> {
        let sql = "SELECT request_id, attempt FROM usage_records \
                   WHERE workspace_id = $1 AND kind = $2 \
                   ORDER BY charge_time DESC, seq DESC LIMIT $3";
        let values = [Value::Text(workspace_id), code(RecordKind::Usage), limit_value(limit)];
        let mut attempts = self.rows(sql, &values).await?;
        attempts.reverse();
        Ok(attempts)
    }

    async fn large_record_counts(
        &self,
        workspace_id: &str,
        since: Time,
    ) -> Result<Vec<(Time, i64)>> {
        let values = [Value::Text(workspace_id), time(since)];
        let counts: Vec<(i64, i64)> = self.rows(AssertSqlSafe(large_counts()), &values).await?;
        let start = |day: i64| Time::from_micros(day * MICROS_PER_DAY);
        Ok(counts.into_iter().map(|(day, count)| (start(day), count)).collect())
    }

    async fn large_record(
        &self,
        workspace_id: &str,
        written: Window,
        number: i64,
    ) -> Result<Option<Record>> {
        let mut large = RECORDS
            .of(workspace_id)
            .only(LARGE)
            .with("record_time >=", time(written.start))
            .with("record_time <", time(written.end));
        let before = large.bind(Value::Int(number - 1));
        let found = self.entries(large.sorted(&format!("seq LIMIT 1 OFFSET {before}"))).await?;
        Ok(found.into_iter().next())
    }

    async fn drop_records(&self, workspace_id: &str, before: Time, limit: usize) -> Result<usize> {
        let mut write = self.session.begin().await?;
        let dropped = retention::drop_records(&mut write, workspace_id, before, limit).await?;
        write.commit().await?;
        Ok(dropped)
    }

    async fn dropped_before(&self, workspace_id: &str) -> Result<Option<Time>> {
        let sql = "SELECT dropped_before FROM workspaces WHERE id = $1";
        let rows: Vec<Option<Time>> = self.rows(sql, &[Value::Text(workspace_id)]).await?;
        Ok(rows.into_iter().next().flatten())
    }
}

impl<DB: Backend> SqlStore<DB> {
    /// Entries of the log. Users whose erasure has begun have their pseudonyms.
    async fn entries(&self, select: Select<'_, Record>) -> Result<Vec<Record>> {
        self.erasing.renamed(self.select(select)).await
    }
}

/// Large records: the condition of their indexes, word by word.
/// Position of the last entry. The last record may have been dropped; it was folded then.
pub const LAST_SEQ: &str = "\
    SELECT MAX(seq) FROM (SELECT COALESCE(MAX(seq), 0) AS seq FROM usage_records \
    UNION ALL SELECT seq FROM fold_cursor) AS both_ends";
const LARGE: &str = "large_above_nanos > 0";

/// By the day in which they were written.
fn large_counts() -> String {
    format!(
        "SELECT record_time / {MICROS_PER_DAY} AS day, COUNT(*) FROM usage_records \
         WHERE workspace_id = $1 AND {LARGE} AND record_time >= $2 \
         GROUP BY record_time / {MICROS_PER_DAY} ORDER BY day"
    )
}

fn matching<'a>(
    filter: &'a RecordFilter,
    order: Order,
    after: Option<RecordPosition>,
    limit: usize,
) -> Select<'a, Record> {
    let (beyond, direction, outermost) = match order {
        Order::OldestFirst => (">", "ASC", i64::MIN),
        Order::NewestFirst => ("<", "DESC", i64::MAX),
    };
    // What is before the position is excluded by time too: a page deep in the log must not cost the
    // pages before it.
    let mut from = filter.from.unwrap_or(Time::from_micros(i64::MIN));
    let mut to = filter.to.unwrap_or(Time::from_micros(i64::MAX));
    if let Some(after) = after {
        match order {
            Order::OldestFirst => from = from.max(after.charge_time),
            Order::NewestFirst => to = to.min(after.charge_time + 1),
        }
    }
    let after = after
        .unwrap_or(RecordPosition { charge_time: Time::from_micros(outermost), seq: outermost });
    // One request is found by its key, and by nothing else.
    let charge_time = if filter.request_id.is_some() { "charge_time + 0" } else { "charge_time" };
    let position = [time(after.charge_time), Value::Int(after.seq)];
    let mut select = RECORDS
        .of(&filter.workspace_id)
        .with(&format!("{charge_time} >="), time(from))
        .with(&format!("{charge_time} <"), time(to))
        .beyond(&format!("({charge_time}, seq) {beyond}"), position);
    if let Some(model_id) = &filter.model_id {
        let id = select.bind(Value::Text(model_id));
        select = select.only(&format!("(model_id = {id} OR metered_model_id = {id})"));
    }
    if filter.large_only {
        select = select.only(LARGE);
    }
    if let Some(outcome) = filter.outcome {
        select = select.with("kind =", code(RecordKind::Usage)).with("outcome =", code(outcome));
    }
    let text = |text: &'a Option<String>| text.as_deref().map(Value::Text);
    select
        .with_any("user_id =", text(&filter.user_id))
        .with_any("department_id =", text(&filter.department_id))
        .with_any("api_key_id =", text(&filter.api_key_id))
        .with_any("request_id =", filter.request_id.as_deref().map(Value::Text))
        .ordered(&format!("{charge_time} {direction}, seq {direction}"), limit)
}

/// For statements over whole records that are put together elsewhere.
pub fn select_records(rest: &str) -> AssertSqlSafe<String> {
    AssertSqlSafe(format!("SELECT {} FROM usage_records {rest}", RECORDS.list()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::sql::tests::Planner;

    #[tokio::test]
    async fn large_records_are_found_without_the_others() {
        let planner = Planner::new().await;
        let filter = RecordFilter { large_only: true, ..RecordFilter::of("w") };
        let (sql, _) = matching(&filter, Order::NewestFirst, None, 10).into_parts();
        let steps = planner.plan(sql.as_str()).await;
        let by_time = "SEARCH usage_records USING INDEX usage_records_large \
                       (workspace_id=? AND charge_time>? AND charge_time<?)";
        assert_eq!(steps, [by_time]);
        let steps = planner.plan(&large_counts()).await;
        assert!(steps[0].contains(" INDEX usage_records_large_written "), "{steps:?}");
    }
}
