//! What subjects of a workspace have used in a window, and what they have sent lately.

use sqlx::{AssertSqlSafe, SqlSafeStr};

use super::SqlStore;
use super::backend::{Backend, Value};
use super::codec::{Reader, code, time};
use super::rollups::column;
use super::window::{self, PARTLY};
use crate::domain::attribution::SubjectKind;
use crate::domain::backfill::ConsumptionQuery;
use crate::domain::backfill::{RateBucket, RateQuery};
use crate::domain::quota::{Consumption, Scope};
use crate::storage::Result;
use crate::storage::rollup::Dimension;

/// Of all classes, of a record as of a bucket.
const TOKENS: &str = "input + cache_read + cache_write_5m + cache_write_1h + output + reasoning \
    + audio_input + audio_output + image_input + image_output";

impl<DB: Backend> SqlStore<DB> {
    pub(super) async fn sum_used(
        &self,
        workspace_id: &str,
        query: &ConsumptionQuery,
    ) -> Result<Vec<(String, Consumption)>> {
        let Some(subject_ids) = Members::of(&query.scope) else { return Ok(Vec::new()) };
        let mut snapshot = self.snapshot().await?;
        let (from, to) = (query.from, query.to);
        let mut values = match subject_ids.source() {
            Source::Hours => window::cut(&mut snapshot, workspace_id, from, to).await?.to_vec(),
            Source::Days => {
                window::cut_by_day(&mut snapshot, workspace_id, from, to).await?.to_vec()
            }
        };
        let sql = subject_ids.used(&mut values);
        let rows = snapshot.rows(AssertSqlSafe(sql).into_sql_str(), &values).await?;
        snapshot.end().await?;
        rows.iter().map(used::<DB>).collect()
    }

    pub(super) async fn sum_sent(
        &self,
        workspace_id: &str,
        query: &RateQuery,
    ) -> Result<Vec<RateBucket>> {
        let Some(subject_ids) = Members::of(&query.scope) else { return Ok(Vec::new()) };
        let mut values =
            vec![Value::Text(workspace_id), time(query.from), Value::Int(query.bucket)];
        let sql = subject_ids.sent(&mut values);
        let rows = self.read(AssertSqlSafe(sql).into_sql_str(), &values).await?;
        rows.iter().map(sent::<DB>).collect()
    }
}

/// Whose records are counted.
struct Members<'a> {
    dimension: Dimension,
    /// Absent for all that have an id.
    subject_id: Option<&'a str>,
    /// The only metered model; absent for all.
    model_id: Option<&'a str>,
}

/// Which buckets they are counted from.
enum Source {
    Hours,
    /// By day and model.
    Days,
}

impl<'a> Members<'a> {
    /// None where nobody can be meant.
    fn of(scope: &'a Scope) -> Option<Members<'a>> {
        let (dimension, subject_id) = match (scope.kind, scope.subject_id.as_deref()) {
            (SubjectKind::Workspace, _) => (Dimension::Workspace, Some("")),
            (_, Some("")) => return None,
            (kind, subject_id) => (dimension(kind), subject_id),
        };
        Some(Members { dimension, subject_id, model_id: scope.model_id.as_deref() })
    }

    fn source(&self) -> Source {
        match self.model_id {
            Some(_) if self.dimension.is_by_model() => Source::Days,
            _ => Source::Hours,
        }
    }

    /// Conditions on these columns; what they compare with is added to `values`.
    fn conditions(&self, subject_id: &str, model: &str, number: usize) -> String {
        let mut conditions = match self.subject_id {
            Some(_) => format!("AND {subject_id} = ${number}"),
            None => format!("AND {subject_id} <> ''"),
        };
        if self.model_id.is_some() {
            let number = number + usize::from(self.subject_id.is_some());
            conditions.push_str(&format!(" AND {model} = ${number}"));
        }
        conditions
    }

    fn push_values(&self, values: &mut Vec<Value<'a>>) {
        values.extend(self.subject_id.map(Value::Text));
        values.extend(self.model_id.map(Value::Text));
    }

    /// The four parts of `window.rs`, written as in `spent.rs`. `values` are theirs.
    fn used(&self, values: &mut Vec<Value<'a>>) -> String {
        let subject_id = column(self.dimension);
        // What the workspace used of a model is what was used of the model.
        let of_workspace = self.dimension == Dimension::Workspace && self.model_id.is_some();
        values.push(code(if of_workspace { Dimension::Model } else { self.dimension }));
        let value = if of_workspace { "''" } else { "value" };
        let number = values.len() + 1;
        let of_record = self.conditions(subject_id, "metered_model_id", number);
        self.push_values(values);
        let record = format!(
            "SELECT {subject_id}, cost_nanos, {TOKENS}, CASE WHEN kind = 0 THEN 1 ELSE 0 END \
             FROM usage_records"
        );
        let (buckets, (early, late)) = (self.buckets(of_workspace, number), self.edges());
        format!(
            "SELECT subject_id, CAST(SUM(cost) AS BIGINT), CAST(SUM(tokens) AS BIGINT), \
             CAST(SUM(requests) AS BIGINT) FROM ( \
               SELECT {value} AS subject_id, cost_nanos AS cost, {TOKENS} AS tokens, \
                 record_count AS requests FROM {buckets} \
               UNION ALL \
               {record} WHERE seq > $6 AND seq <= 9223372036854775807 \
                 AND workspace_id || '' = $1 \
                 AND charge_time + 0 >= $2 AND charge_time + 0 < $3 {of_record} \
               UNION ALL \
               {record} WHERE workspace_id = $1 AND charge_time >= $2 AND charge_time < $5 \
                 AND {early} AND seq + 0 <= $6 {of_record} \
               UNION ALL \
               {record} WHERE workspace_id = $1 AND charge_time >= $7 AND charge_time < $3 \
                 AND {late} AND seq + 0 <= $6 {of_record} \
             ) AS parts GROUP BY subject_id ORDER BY subject_id"
        )
    }

    /// Buckets that lie in the window, with their conditions; their own values begin at `number`.
    fn buckets(&self, of_workspace: bool, number: usize) -> String {
        let of = "WHERE workspace_id = $1 AND dimension = $8";
        let next = number + 1;
        match (self.source(), self.subject_id) {
            (Source::Hours, _) if of_workspace => {
                format!("rollups_by_hour {of} AND '' = ${number} AND {}", one_value(next))
            }
            (Source::Hours, Some(_)) => format!("rollups_by_hour {of} AND {}", one_value(number)),
            (Source::Hours, None) => {
                format!("rollups_by_hour {of} AND hour >= $2 AND hour <= $4 AND value <> ''")
            }
            (Source::Days, Some(_)) => format!(
                "rollups_by_model {of} AND (value, model, day) > (${number}, ${next}, $4) \
                 AND (value, model, day) < (${number}, ${next}, $3) AND day + 0 NOT IN ({PARTLY})"
            ),
            (Source::Days, None) => format!(
                "rollups_by_model {of} AND day > $4 AND day < $3 AND value <> '' \
                 AND model = ${number} AND day + 0 NOT IN ({PARTLY})"
            ),
        }
    }

    /// Which entries lie in buckets that reach over the beginning, and over the end.
    fn edges(&self) -> (String, String) {
        match self.source() {
            Source::Hours => ("hour < $2".to_owned(), "hour >= $2 AND hour > $4".to_owned()),
            Source::Days => (format!("day IN ({PARTLY})"), format!("day IN ({PARTLY})")),
        }
    }

    /// `values` are the workspace, the beginning and the length of a bucket.
    fn sent(&self, values: &mut Vec<Value<'a>>) -> String {
        let column = column(self.dimension);
        let conditions = self.conditions(column, "metered_model_id", values.len() + 1);
        self.push_values(values);
        // Rounded down, also before 1970: `%` has the sign of the time.
        format!(
            "SELECT {column} AS subject_id, \
               (charge_time - ((charge_time % $3) + $3) % $3) / $3 AS bucket, \
               COUNT(*), CAST(SUM({TOKENS}) AS BIGINT) FROM usage_records \
             WHERE workspace_id = $1 AND charge_time >= $2 \
               AND charge_time <= 9223372036854775807 AND kind = 0 {conditions} \
             GROUP BY 1, 2 ORDER BY 1, 2"
        )
    }
}

/// The hours `$2` to `$4` of one value. As rows, as those of a model: so SQLite takes the index
/// that has hours behind values. The key of the table, which has them before, seems as good to it.
fn one_value(number: usize) -> String {
    format!("(value, hour) >= (${number}, $2) AND (value, hour) <= (${number}, $4)")
}

fn dimension(kind: SubjectKind) -> Dimension {
    match kind {
        SubjectKind::Workspace => Dimension::Workspace,
        SubjectKind::Department => Dimension::Department,
        SubjectKind::User => Dimension::User,
        SubjectKind::ApiKey => Dimension::ApiKey,
        SubjectKind::KeyGroup => Dimension::KeyGroup,
        SubjectKind::Project => Dimension::Project,
        SubjectKind::Assistant => Dimension::Assistant,
    }
}

fn used<DB: Backend>(row: &DB::Row) -> Result<(String, Consumption)> {
    let mut reader = Reader::<DB>::new(row);
    let subject_id = reader.string()?;
    let used =
        Consumption { money: reader.amount()?, tokens: reader.int()?, requests: reader.int()? };
    Ok((subject_id, used))
}

fn sent<DB: Backend>(row: &DB::Row) -> Result<RateBucket> {
    let mut reader = Reader::<DB>::new(row);
    Ok(RateBucket {
        subject_id: reader.string()?,
        bucket: reader.int()?,
        requests: reader.int()?,
        tokens: reader.int()?,
    })
}

#[cfg(test)]
mod tests {
    use sqlx::{Row, Sqlite};

    use super::*;

    /// The steps that SQLite takes, those of sorting aside.
    async fn plan(sql: String) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("a.db").display());
        let store = SqlStore::<Sqlite>::serve(&url).await.unwrap();
        let sql = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
        let rows = store.read(sql.into_sql_str(), &[]).await.unwrap();
        let steps: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
        assert!(!steps.iter().any(|step| step.starts_with("SCAN usage")), "{steps:?}");
        assert!(!steps.iter().any(|step| step.starts_with("SCAN rollups")), "{steps:?}");
        steps.into_iter().filter(|step| step.starts_with("SEARCH")).collect()
    }

    fn scope(kind: SubjectKind, subject_id: Option<&str>, model_id: Option<&str>) -> Scope {
        Scope { kind, subject_id: subject_id.map(Into::into), model_id: model_id.map(Into::into) }
    }

    const BY_SEQ: &str = "SEARCH usage_records USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)";
    const BY_TIME: &str = "SEARCH usage_records USING INDEX usage_records_by_time \
                           (workspace_id=? AND charge_time>? AND charge_time<?)";

    #[tokio::test]
    async fn no_part_goes_through_the_log_or_through_other_subjects() {
        let of_all = "SEARCH rollups_by_hour USING PRIMARY KEY \
                      (workspace_id=? AND dimension=? AND hour>? AND hour<?)";
        let of_one = "SEARCH rollups_by_hour USING INDEX rollups_by_hour_value \
                      (workspace_id=? AND dimension=? AND (value,hour)>(?,?) \
                      AND (value,hour)<(?,?))";
        for (kind, subject_id, model_id, rollups) in [
            (SubjectKind::User, None, None, of_all),
            (SubjectKind::User, Some("u"), None, of_one),
            (SubjectKind::KeyGroup, Some("g"), None, of_one),
            (SubjectKind::Workspace, Some(""), None, of_one),
            (SubjectKind::Workspace, None, Some("m"), of_one),
        ] {
            let scope = scope(kind, subject_id, model_id);
            let sql = Members::of(&scope).unwrap().used(&mut vec![Value::Int(0); 7]);
            assert_eq!(plan(sql).await, [rollups, BY_SEQ, BY_TIME, BY_TIME], "{scope:?}");
        }
        let of_all = "SEARCH rollups_by_model USING PRIMARY KEY \
                      (workspace_id=? AND dimension=? AND day>? AND day<?)";
        let of_one = "SEARCH rollups_by_model USING INDEX rollups_by_model_value \
                      (workspace_id=? AND dimension=? AND (value,model,day)>(?,?,?) \
                      AND (value,model,day)<(?,?,?))";
        let partly = "SEARCH local_days USING PRIMARY KEY (workspace_id=? AND day>? AND day<?)";
        for (subject_id, rollups) in [(None, of_all), (Some("u"), of_one)] {
            let scope = scope(SubjectKind::User, subject_id, Some("m"));
            let sql = Members::of(&scope).unwrap().used(&mut vec![Value::Int(0); 7]);
            let expected = [rollups, partly, BY_SEQ, BY_TIME, partly, BY_TIME, partly];
            assert_eq!(plan(sql).await, expected, "{scope:?}");
        }
    }

    #[tokio::test]
    async fn what_was_sent_is_found_by_time() {
        let scope = scope(SubjectKind::ApiKey, Some("k"), Some("m"));
        let sql = Members::of(&scope).unwrap().sent(&mut vec![Value::Int(0); 3]);
        assert_eq!(plan(sql).await, [BY_TIME]);
    }
}
