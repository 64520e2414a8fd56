//! Recommendations, each stored once for what it is about.

use async_trait::async_trait;

use crate::domain::workspace::recommendation::{
    Advice, Baseline, MeasuredSaving, Recommendation, RecommendationEvidence, RecommendationState,
    RecommendationStatus, RecommendationTopic, Saving, StateChange,
};
use crate::domain::{Amount, Coded, Time};
use crate::storage::recommendations::{RecommendationFilter, RecommendationStore};
use crate::storage::sql::SqlStore;
use crate::storage::sql::connection::backend::Backend;
use crate::storage::sql::connection::session::Write;
use crate::storage::sql::row::{
    Columns, FromRow, Reader, Value, code, columns, optional, row, time,
};
use crate::storage::sql::table::{Select, Table};
use crate::storage::{Error, Result};

pub static RECOMMENDATIONS: Table<Recommendation> =
    Table::owned("recommendations", &["workspace_id", "id"]);

const FORGET: &str = "DELETE FROM recommendations WHERE workspace_id = $1 AND expire_time < $2";
const MADE: &str = "\
    INSERT INTO recommendation_nights (workspace_id, make_time) VALUES ($1, $2) \
    ON CONFLICT (workspace_id) DO UPDATE SET make_time = excluded.make_time";
const MADE_LAST: &str = "SELECT MAX(make_time) FROM recommendation_nights WHERE workspace_id = $1";

row! { RecommendationEvidence {
    start_time = "evidence_start", end_time = "evidence_end", requests = "evidence_requests",
    tokens = "evidence_tokens", cost = "evidence_nanos"
} }
row! { Baseline { requests = "baseline_requests", cost = "baseline_nanos" } }
row! { Advice { topic, evidence, saving, baseline } }

/// The kind follows from the reason, and has a column to be unique by.
impl Columns for RecommendationTopic {
    columns! {
        kind: Int, reason: Int, subject_kind: Int, subject_id: Text, model_id: Text, target: Text
    }

    fn write<'a>(&'a self, values: &mut Vec<Value<'a>>) {
        values.extend([code(self.reason.kind()), code(self.reason), code(self.subject_kind)]);
        values.extend([&self.subject_id, &self.model_id, &self.target].map(Value::Shared));
    }
}

impl FromRow for RecommendationTopic {
    fn read<'r>(reader: &mut impl Reader<'r>) -> Result<RecommendationTopic> {
        let _kind: i64 = reader.get()?;
        Ok(RecommendationTopic {
            reason: reader.get()?,
            subject_kind: reader.get()?,
            subject_id: reader.get()?,
            model_id: reader.get()?,
            target: reader.get()?,
        })
    }
}

/// The rank follows from the saving, and has a column to be ordered by.
impl Columns for Recommendation {
    fn columns(_name: &'static str, columns: &mut Vec<crate::storage::sql::row::Column>) {
        String::columns("id", columns);
        Advice::columns("", columns);
        for name in ["create_time", "find_time", "expire_time", "rank_nanos"] {
            i64::columns(name, columns);
        }
        RecommendationState::columns("state", columns);
        Option::<StateChange>::columns("", columns);
        Option::<MeasuredSaving>::columns("", columns);
    }

    fn write<'a>(&'a self, values: &mut Vec<Value<'a>>) {
        values.push(Value::Shared(&self.id));
        self.advice.write(values);
        values.extend([self.create_time, self.find_time, self.expire_time].map(time));
        values.extend([Value::Int(self.rank().nanos()), code(self.state)]);
        self.change.write(values);
        self.measured.write(values);
    }
}

impl FromRow for Recommendation {
    fn read<'r>(reader: &mut impl Reader<'r>) -> Result<Recommendation> {
        let (id, advice) = (reader.get()?, reader.get()?);
        let (create_time, find_time, expire_time) = (reader.get()?, reader.get()?, reader.get()?);
        let _rank: i64 = reader.get()?;
        let (state, change, measured) = (reader.get()?, reader.get()?, reader.get()?);
        Ok(Recommendation {
            id,
            advice,
            create_time,
            find_time,
            expire_time,
            state,
            change,
            measured,
        })
    }
}

impl Columns for Option<Saving> {
    columns! { saving_low: Int, saving_expected: Int, saving_high: Int }

    fn write<'a>(&'a self, values: &mut Vec<Value<'a>>) {
        let saving = self.as_ref();
        values.extend([
            optional(saving.map(|saving| &saving.low)),
            optional(saving.map(|saving| &saving.expected)),
            optional(saving.map(|saving| &saving.high)),
        ]);
    }
}

impl FromRow for Option<Saving> {
    fn read<'r>(reader: &mut impl Reader<'r>) -> Result<Option<Saving>> {
        match (reader.get()?, reader.get()?, reader.get()?) {
            (Some(low), Some(expected), Some(high)) => Ok(Some(Saving { low, expected, high })),
            (None, None, None) => Ok(None),
            _ => Err(Error::Corrupt("half a saving".to_owned())),
        }
    }
}

impl Columns for Option<StateChange> {
    columns! { change_time: Int, change_actor: Text, change_reason: Text }

    fn write<'a>(&'a self, values: &mut Vec<Value<'a>>) {
        let change = self.as_ref();
        values.extend([
            optional(change.map(|change| &change.time)),
            optional(change.map(|change| &change.actor)),
            optional(change.map(|change| &change.reason)),
        ]);
    }
}

impl FromRow for Option<StateChange> {
    fn read<'r>(reader: &mut impl Reader<'r>) -> Result<Option<StateChange>> {
        match (reader.get()?, reader.get()?, reader.get()?) {
            (Some(time), Some(actor), Some(reason)) => {
                Ok(Some(StateChange { time, actor, reason }))
            }
            (None, None, None) => Ok(None),
            _ => Err(Error::Corrupt("half a change of a state".to_owned())),
        }
    }
}

impl Columns for Option<MeasuredSaving> {
    columns! {
        measured_start: Int, measured_end: Int, measured_requests: Int, measured_nanos: Int
    }

    fn write<'a>(&'a self, values: &mut Vec<Value<'a>>) {
        let measured = self.as_ref();
        values.extend([
            optional(measured.map(|measured| &measured.start_time)),
            optional(measured.map(|measured| &measured.end_time)),
            optional(measured.map(|measured| &measured.requests)),
            optional(measured.map(|measured| &measured.saved)),
        ]);
    }
}

impl FromRow for Option<MeasuredSaving> {
    fn read<'r>(reader: &mut impl Reader<'r>) -> Result<Option<MeasuredSaving>> {
        match (reader.get()?, reader.get()?, reader.get()?, reader.get()?) {
            (Some(start_time), Some(end_time), Some(requests), Some(saved)) => {
                Ok(Some(MeasuredSaving { start_time, end_time, requests, saved }))
            }
            (None, None, None, None) => Ok(None),
            _ => Err(Error::Corrupt("half a measured saving".to_owned())),
        }
    }
}

#[async_trait]
impl<DB: Backend> RecommendationStore for SqlStore<DB> {
    async fn recommendation(&self, workspace_id: &str, id: &str) -> Result<Option<Recommendation>> {
        let found = RECOMMENDATIONS.of(workspace_id).with("id =", Value::Text(id)).sorted("id");
        Ok(self.select(found).await?.pop())
    }

    async fn recommendations(
        &self,
        filter: &RecommendationFilter,
        after: Option<(Amount, String)>,
        limit: usize,
    ) -> Result<Vec<Recommendation>> {
        let mut select = matching(filter);
        if let Some((rank, id)) = &after {
            let position = [Value::Int(rank.nanos()), Value::Text(id)];
            select = select.beyond("(rank_nanos, id) <", position);
        }
        self.select(select.ordered("rank_nanos DESC, id DESC", limit)).await
    }

    async fn count_recommendations(
        &self,
        filter: &RecommendationFilter,
        most: usize,
    ) -> Result<usize> {
        self.count(matching(filter), most).await
    }

    async fn recommendations_made(&self, workspace_id: &str) -> Result<Option<Time>> {
        let rows: Vec<Option<Time>> = self.rows(MADE_LAST, &[Value::Text(workspace_id)]).await?;
        Ok(rows.into_iter().next().flatten())
    }
}

fn matching(filter: &RecommendationFilter) -> Select<'_, Recommendation> {
    let state = filter.status.map(|status| match status {
        RecommendationStatus::Open | RecommendationStatus::Expired => RecommendationState::Open,
        RecommendationStatus::Taken => RecommendationState::Taken,
        RecommendationStatus::Dismissed => RecommendationState::Dismissed,
    });
    let int = |number: i64| Value::Int(number);
    let mut select = RECOMMENDATIONS
        .of(&filter.workspace_id)
        .with_any("kind =", filter.kind.map(|kind| int(kind.code())))
        .with_any("state =", state.map(|state| int(state.code())));
    select = match filter.status {
        Some(RecommendationStatus::Open) => select.with("expire_time >", time(filter.now)),
        Some(RecommendationStatus::Expired) => select.with("expire_time <=", time(filter.now)),
        _ => select,
    };
    match &filter.subject {
        Some((kind, id)) => {
            let id = id.as_deref().map(Value::Text);
            select.with("subject_kind =", code(*kind)).with_any("subject_id =", id)
        }
        None => select,
    }
}

/// Notes when recommendations were made, and deletes old ones.
pub async fn made<DB: Backend>(
    write: &mut Write<'_, DB>,
    workspace_id: &str,
    at: Time,
    forget_before: Time,
) -> Result<()> {
    write.execute(FORGET, &[Value::Text(workspace_id), time(forget_before)]).await?;
    write.execute(MADE, &[Value::Text(workspace_id), time(at)]).await.map(drop)
}
