//! Consumption: what models and subjects have used in a window, exactly; and what subjects have
//! sent lately, for rate limits.
//!
//! A sum is made of buckets that lie in the window, of records where a bucket reaches over one of
//! its ends, and of the tail of the log that is not folded yet (`cut.rs`).

use std::borrow::Cow;
use std::collections::HashMap;

use async_trait::async_trait;
use sqlx::AssertSqlSafe;

use super::cut::{self, Cut};
use super::tags::TagSubjects;
use super::{FOLD_CURSOR, column};
use crate::domain::attribution::{AttributionField, Dimension, SubjectKind};
use crate::domain::backfill::{ConsumptionQuery, RateBucket, RateQuery};
use crate::domain::quota::{Consumption, Scope};
use crate::domain::time::calendar::Window;
use crate::domain::{Amount, Time};
use crate::storage::Result;
use crate::storage::consumption::ConsumptionStore;
use crate::storage::reports::Source;
use crate::storage::rollup::FoldCursor;
use crate::storage::sql::SqlStore;
use crate::storage::sql::connection::backend::Backend;
use crate::storage::sql::log::erasing::USER_OR_PSEUDONYM;
use crate::storage::sql::log::record::all_tokens;
use crate::storage::sql::row::{FromRow, Reader, Value, code, row, time};
use crate::storage::sql::statement::Values;

/// The four parts of [`cut::exact_hours`]. Dimension 9 is the model.
///
/// The second part must go by `seq` however long the window is: `|| ''` and `+ 0` keep both
/// databases from going by time there, and from going by `seq` in the others. Each part has one
/// bound on each side: of two SQLite picks any one, and for none Postgres, where it has no
/// statistics yet, estimates a third of the log.
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

row! { RateBucket { subject_id, bucket, requests, tokens, cache_reads } }

/// Without cache reads, which only rate limits count.
impl FromRow for Consumption {
    fn read<'r>(reader: &mut impl Reader<'r>) -> Result<Consumption> {
        let (money, tokens, requests) = (reader.get()?, reader.get()?, reader.get()?);
        Ok(Consumption { money, tokens, requests, cache_reads: 0 })
    }
}

#[async_trait]
impl<DB: Backend> ConsumptionStore for SqlStore<DB> {
    async fn spent_by_model(
        &self,
        workspace_id: &str,
        from: Time,
        to: Time,
    ) -> Result<HashMap<String, Amount>> {
        let mut snapshot = self.snapshot().await?;
        let window = Window { start: from, end: to };
        let values = cut::exact_hours(&mut snapshot, workspace_id, window).await?;
        let spent: Vec<(String, Amount)> = snapshot.rows(SPENT, &values).await?;
        snapshot.end().await?;
        Ok(spent.into_iter().collect())
    }

    async fn consumption(
        &self,
        workspace_id: &str,
        query: &ConsumptionQuery,
    ) -> Result<Vec<(String, Consumption)>> {
        let Some(subjects) = self.subjects(&query.scope) else { return Ok(Vec::new()) };
        let window = Window { start: query.from, end: query.to };
        let mut snapshot = self.snapshot().await?;
        let (sql, values) = if subjects.are_by_day() {
            let cursor: FoldCursor = snapshot.row(FOLD_CURSOR, &[]).await?;
            let days = cut::local_days(&mut snapshot, workspace_id, window).await?;
            let cut = Cut::new(Source::DaysByModel, &[window], false, &days, None);
            let mut values = Values::default();
            (subjects.used_by_days(workspace_id, &cut, cursor.seq, &mut values), values)
        } else {
            let ends = cut::exact_hours(&mut snapshot, workspace_id, window).await?;
            let mut values = Values::of(ends);
            (subjects.used_by_hours(&mut values), values)
        };
        let used = snapshot.rows(AssertSqlSafe(sql), values.as_slice()).await?;
        snapshot.end().await?;
        match &subjects.tags {
            Some(tags) => tags.used(used),
            None => Ok(used),
        }
    }

    async fn first_charge_time(&self, workspace_id: &str) -> Result<Option<Time>> {
        let sql = "SELECT MIN(first_time) FROM local_days WHERE workspace_id = $1";
        self.row(sql, &[Value::Text(workspace_id)]).await
    }

    async fn rate_buckets(&self, workspace_id: &str, query: &RateQuery) -> Result<Vec<RateBucket>> {
        let Some(subjects) = self.subjects(&query.scope) else { return Ok(Vec::new()) };
        let ends = [Value::Text(workspace_id), time(query.from), Value::Int(query.bucket)];
        let mut values = Values::of(ends);
        let sql = subjects.sent(&mut values);
        let sent = self.rows(AssertSqlSafe(sql), values.as_slice()).await?;
        match &subjects.tags {
            Some(tags) => tags.sent(sent),
            None => Ok(sent),
        }
    }
}

impl<DB: Backend> SqlStore<DB> {
    fn subjects<'a>(&self, scope: &'a Scope) -> Option<Subjects<'a>> {
        let is_erasing = self.erasing.is_any();
        Subjects::of(scope).map(|subjects| Subjects { is_erasing, ..subjects })
    }
}

/// The subjects whose records are counted.
struct Subjects<'a> {
    dimension: Dimension,
    /// As in buckets; absent for all that have an id.
    subject_id: Option<Cow<'a, str>>,
    /// The only metered model; absent for all.
    model_id: Option<&'a str>,
    /// Absent of all other kinds.
    tags: Option<TagSubjects<'a>>,
    /// Whether a user is being erased: records may still have its id.
    is_erasing: bool,
}

impl<'a> Subjects<'a> {
    /// `None` where there can be none.
    fn of(scope: &'a Scope) -> Option<Subjects<'a>> {
        let named = scope.subject_id.as_deref();
        let model_id = scope.model_id.as_deref();
        let dimension = dimension(scope.kind);
        let subjects = |subject_id, model_id, tags| {
            Some(Subjects { dimension, subject_id, model_id, tags, is_erasing: false })
        };
        let of = |subject_id, model_id| subjects(subject_id, model_id, None);
        match (scope.kind, named) {
            (SubjectKind::Workspace, _) => of(Some("".into()), model_id),
            // Their models are the subjects.
            (SubjectKind::Provider, _) => of(model_id.map(Cow::from), None),
            (SubjectKind::Tag, named) => {
                let tags = TagSubjects::of(named)?;
                let subject_id = tags.bucket().map(Cow::from);
                subjects(subject_id, model_id, Some(tags))
            }
            (_, Some("")) => None,
            (_, named) => of(named.map(Cow::from), model_id),
        }
    }

    /// Whether they are counted from buckets by day and model; by hour otherwise.
    fn are_by_day(&self) -> bool {
        self.model_id.is_some() && self.dimension.is_by_model()
    }

    /// The column that tells the subject of a record: of tags all of them.
    fn column(&self) -> &'static str {
        match self.dimension {
            _ if self.tags.is_some() => "tags",
            Dimension::User if self.is_erasing => USER_OR_PSEUDONYM,
            dimension => column(dimension),
        }
    }

    /// Conditions on the columns of a bucket.
    fn of_buckets(&self, values: &mut Values<'a>) -> String {
        self.conditions("value", "model", values)
    }

    /// Conditions on the columns of a record. Those on tags may be met by other records, too.
    fn of_records(&self, values: &mut Values<'a>) -> String {
        match &self.tags {
            None => self.conditions(self.column(), "metered_model_id", values),
            Some(tags) => {
                let pattern = values.bind(Value::Owned(tags.pattern()));
                let only = format!("AND tags LIKE {pattern} ESCAPE '!'");
                only + &self.of_model("metered_model_id", values)
            }
        }
    }

    /// Conditions on the column of a subject and on that of its model.
    fn conditions(&self, subject: &str, model: &str, values: &mut Values<'a>) -> String {
        let only = match self.subject(values) {
            Some(id) => format!("AND {subject} = {id}"),
            None => format!("AND {subject} <> ''"),
        };
        only + &self.of_model(model, values)
    }

    fn of_model(&self, model: &str, values: &mut Values<'a>) -> String {
        let of_model = |id| format!(" AND {model} = {}", values.text(id));
        self.model_id.map(of_model).unwrap_or_default()
    }

    /// The placeholder of the subject, if it is one.
    fn subject(&self, values: &mut Values<'a>) -> Option<String> {
        let subject_id = self.subject_id.clone()?;
        Some(values.bind(match subject_id {
            Cow::Borrowed(id) => Value::Text(id),
            Cow::Owned(id) => Value::Owned(id),
        }))
    }

    /// Sums over buckets, and over records that meet one of some conditions. `value` is the
    /// subject of a bucket.
    fn used(&self, value: &str, buckets: &str, records: &[String], only: &str) -> String {
        let (subject, tokens) = (self.column(), all_tokens());
        let mut parts = vec![format!(
            "SELECT {value} AS subject_id, cost_nanos AS cost, {tokens} AS tokens, \
             record_count AS requests FROM {buckets}"
        )];
        for condition in records {
            parts.push(format!(
                "SELECT {subject}, cost_nanos, {tokens}, CASE WHEN kind = 0 THEN 1 ELSE 0 END \
                 FROM usage_records WHERE {condition} {only}"
            ));
        }
        format!(
            "SELECT subject_id, CAST(SUM(cost) AS BIGINT), CAST(SUM(tokens) AS BIGINT), \
             CAST(SUM(requests) AS BIGINT) FROM ({}) AS parts \
             GROUP BY subject_id ORDER BY subject_id",
            parts.join(" UNION ALL ")
        )
    }

    /// The four parts of [`cut::exact_hours`], written as in [`SPENT`]. `values` are theirs.
    fn used_by_hours(&self, values: &mut Values<'a>) -> String {
        // What the workspace used of a model is what was used of the model.
        let (dimension, value) = match (self.dimension, self.model_id) {
            (Dimension::Workspace, Some(_)) => (Dimension::Model, "''"),
            (dimension, _) => (dimension, "value"),
        };
        let named = match dimension == self.dimension {
            true => self.subject(values),
            false => self.model_id.map(|model| values.text(model)),
        };
        let dimension = values.bind(code(dimension));
        let mut buckets =
            format!("rollups_by_hour WHERE workspace_id = $1 AND dimension = {dimension}");
        match named {
            // The hours of one value. As rows, as those of a model: so SQLite takes the index that
            // has hours behind values. The key of the table, which has them before, seems as good
            // to it.
            Some(named) => {
                buckets.push_str(&format!(
                    " AND (value, hour) >= ({named}, $2) AND (value, hour) <= ({named}, $4)"
                ));
            }
            None => buckets.push_str(" AND hour >= $2 AND hour <= $4 AND value <> ''"),
        }
        let only = self.of_records(values);
        let records = [
            "seq > $6 AND seq <= 9223372036854775807 AND workspace_id || '' = $1 \
             AND charge_time + 0 >= $2 AND charge_time + 0 < $3",
            "workspace_id = $1 AND charge_time >= $2 AND charge_time < $5 \
             AND hour < $2 AND seq + 0 <= $6",
            "workspace_id = $1 AND charge_time >= $7 AND charge_time < $3 \
             AND hour >= $2 AND hour > $4 AND seq + 0 <= $6",
        ];
        self.used(value, &buckets, &records.map(str::to_owned), &only)
    }

    /// Buckets by day and model that count whole, records of days that do not, and the tail of the
    /// log, written as in [`SPENT`].
    fn used_by_days(
        &self,
        workspace_id: &'a str,
        cut: &Cut,
        cursor: i64,
        values: &mut Values<'a>,
    ) -> String {
        let workspace = values.text(workspace_id);
        let cursor = values.bind(Value::Int(cursor));
        let dimension = values.bind(code(self.dimension));
        let days = match (self.subject(values), self.model_id) {
            // As rows, for the same reason as by hour.
            (Some(subject), Some(model)) => {
                let behind = format!("{subject}, {}", values.text(model));
                cut.days_condition(Some(("value, model", &behind)), values)
            }
            _ => {
                let only = self.of_buckets(values);
                format!("{only} {}", cut.days_condition(None, values))
            }
        };
        let buckets = format!(
            "rollups_by_model WHERE workspace_id = {workspace} AND dimension = {dimension} {days}"
        );
        let only = self.of_records(values);
        let range = cut.range();
        let (from, to) = (values.time(range.start), values.time(range.end));
        let mut records = vec![format!(
            "seq > {cursor} AND seq <= 9223372036854775807 AND workspace_id || '' = {workspace} \
             AND charge_time + 0 >= {from} AND charge_time + 0 < {to}"
        )];
        for span in &cut.spans {
            let (from, to) = (values.time(span.window.start), values.time(span.window.end));
            let days = values.times(span.days.iter().copied());
            records.push(format!(
                "workspace_id = {workspace} AND charge_time >= {from} AND charge_time < {to} \
                 AND day IN ({days}) AND seq + 0 <= {cursor}"
            ));
        }
        self.used("value", &buckets, &records, &only)
    }

    /// `values` are the workspace, the beginning and the length of a bucket.
    fn sent(&self, values: &mut Values<'a>) -> String {
        let subject = self.column();
        let only = self.of_records(values);
        // Rounded down, also before 1970: `%` has the sign of the time.
        format!(
            "SELECT {subject} AS subject_id, \
               (charge_time - ((charge_time % $3) + $3) % $3) / $3 AS bucket, \
               COUNT(*), CAST(SUM({}) AS BIGINT), CAST(SUM(cache_read) AS BIGINT) \
             FROM usage_records \
             WHERE workspace_id = $1 AND charge_time >= $2 \
               AND charge_time <= 9223372036854775807 AND kind = 0 {only} \
             GROUP BY 1, 2 ORDER BY 1, 2",
            all_tokens()
        )
    }
}

/// What the records of a kind of subject are summed up by; those of providers by their models.
fn dimension(kind: SubjectKind) -> Dimension {
    match (kind.field().map(AttributionField::dimension), kind) {
        (Some(dimension), _) => {
            dimension.expect("what limits apply to is a dimension: a test holds it")
        }
        (None, SubjectKind::KeyGroup) => Dimension::KeyGroup,
        (None, SubjectKind::Provider) => Dimension::Model,
        (None, SubjectKind::Tag) => Dimension::Tag,
        (None, _) => Dimension::Workspace,
    }
}

#[cfg(test)]
mod tests {
    use super::cut::LocalDay;
    use super::*;
    use crate::domain::time::MICROS_PER_DAY;
    use crate::storage::sql::tests::Planner;

    /// The searches that SQLite makes.
    async fn searches(planner: &Planner, sql: &str) -> Vec<String> {
        let mut steps = planner.plan(sql).await;
        assert!(!steps.iter().any(|step| step.starts_with("SCAN usage")), "{steps:?}");
        assert!(!steps.iter().any(|step| step.starts_with("SCAN rollups")), "{steps:?}");
        steps.retain(|step| step.starts_with("SEARCH"));
        steps
    }

    fn scope(kind: SubjectKind, subject_id: Option<&str>, model_id: Option<&str>) -> Scope {
        Scope { kind, subject_id: subject_id.map(Into::into), model_id: model_id.map(Into::into) }
    }

    const BY_SEQ: &str = "SEARCH usage_records USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)";
    const BY_TIME: &str = "SEARCH usage_records USING INDEX usage_records_by_time \
                           (workspace_id=? AND charge_time>? AND charge_time<?)";

    #[tokio::test]
    async fn no_part_of_what_was_spent_goes_through_the_whole_log() {
        let rollups = "SEARCH rollups_by_hour USING PRIMARY KEY \
                       (workspace_id=? AND dimension=? AND hour>? AND hour<?)";
        assert_eq!(
            searches(&Planner::new().await, SPENT).await,
            [rollups, BY_SEQ, BY_TIME, BY_TIME]
        );
    }

    #[tokio::test]
    async fn no_part_goes_through_the_log_or_through_other_subjects() {
        let of_all = "SEARCH rollups_by_hour USING PRIMARY KEY \
                      (workspace_id=? AND dimension=? AND hour>? AND hour<?)";
        let of_one = "SEARCH rollups_by_hour USING INDEX rollups_by_hour_value \
                      (workspace_id=? AND dimension=? AND (value,hour)>(?,?) \
                      AND (value,hour)<(?,?))";
        let planner = Planner::new().await;
        for (kind, subject_id, model_id, rollups) in [
            (SubjectKind::User, None, None, of_all),
            (SubjectKind::User, Some("u"), None, of_one),
            (SubjectKind::KeyGroup, Some("g"), None, of_one),
            (SubjectKind::Workspace, Some(""), None, of_one),
            (SubjectKind::Workspace, None, Some("m"), of_one),
            (SubjectKind::Provider, None, None, of_all),
            (SubjectKind::Provider, None, Some("m"), of_one),
            (SubjectKind::Tag, None, None, of_all),
            (SubjectKind::Tag, Some("team=search"), None, of_one),
        ] {
            let scope = scope(kind, subject_id, model_id);
            let mut values = Values::of(vec![Value::Int(0); 7]);
            let sql = Subjects::of(&scope).unwrap().used_by_hours(&mut values);
            assert_eq!(
                searches(&planner, &sql).await,
                [rollups, BY_SEQ, BY_TIME, BY_TIME],
                "{scope:?}"
            );
        }
    }

    #[tokio::test]
    async fn days_are_found_by_their_keys_and_their_records_where_they_do_not_count_whole() {
        let of_all = "SEARCH rollups_by_model USING PRIMARY KEY \
                      (workspace_id=? AND dimension=? AND day>? AND day<?)";
        let of_one = "SEARCH rollups_by_model USING INDEX rollups_by_model_value \
                      (workspace_id=? AND dimension=? AND (value,model,day)>(?,?,?) \
                      AND (value,model,day)<(?,?,?))";
        let at = |day: i64| Time::from_micros(day * MICROS_PER_DAY);
        let window = Window { start: at(1), end: at(9) };
        let local_day = |day: i64| LocalDay {
            day: at(day),
            first_time: at(day) - if day == 1 { 1 } else { 0 },
            last_time: at(day + 1) - 1,
        };
        let planner = Planner::new().await;
        for (kind, subject_id, rollups) in [
            (SubjectKind::User, None, of_all),
            (SubjectKind::User, Some("u"), of_one),
            (SubjectKind::Tag, None, of_all),
            (SubjectKind::Tag, Some("team=search"), of_one),
        ] {
            for (first_day, expected) in
                [(2, vec![rollups, BY_SEQ]), (1, vec![rollups, BY_SEQ, BY_TIME])]
            {
                let days: Vec<LocalDay> = (first_day..9).map(local_day).collect();
                let cut = Cut::new(Source::DaysByModel, &[window], false, &days, None);
                let scope = scope(kind, subject_id, Some("m"));
                let subjects = Subjects::of(&scope).unwrap();
                let sql = subjects.used_by_days("w", &cut, 0, &mut Values::default());
                assert_eq!(searches(&planner, &sql).await, expected, "{scope:?}");
            }
        }
    }

    #[tokio::test]
    async fn what_was_sent_is_found_by_time() {
        let planner = Planner::new().await;
        for (kind, subject_id) in [(SubjectKind::ApiKey, "k"), (SubjectKind::Tag, "team=search")] {
            let scope = scope(kind, Some(subject_id), Some("m"));
            let mut values = Values::of(vec![Value::Int(0); 3]);
            let sql = Subjects::of(&scope).unwrap().sent(&mut values);
            assert_eq!(searches(&planner, &sql).await, [BY_TIME]);
        }
    }

    #[test]
    fn what_limits_apply_to_is_summed_up() {
        for kind in SubjectKind::ALL {
            let expected = match kind {
                SubjectKind::Provider => "model",
                kind => kind.as_str(),
            };
            assert_eq!(dimension(kind).as_str(), expected);
        }
    }
}
