//! Backfill from the usage log: sums over all of it, computed again for each query.

use std::collections::BTreeMap;

use tollgate::domain::attribution::SubjectKind;
use tollgate::domain::backfill::{
    BackfillQueries, BackfillResults, ConsumptionQuery, RateBucket, RateQuery,
};
use tollgate::domain::quota::{Consumption, Scope};
use tollgate::domain::record::{Record, RecordKind};
use tollgate::domain::usage::TokenClass;

pub fn backfill(log: &[Record], queries: BackfillQueries) -> BackfillResults {
    let mut results = BackfillResults::default();
    for query in queries.used {
        let used = used(log, &query);
        results.used.push((query, used));
    }
    for query in queries.sent {
        let sent = sent(log, &query);
        results.sent.push((query, sent));
    }
    results
}

fn used(log: &[Record], query: &ConsumptionQuery) -> Vec<(String, Consumption)> {
    let mut by_subject: BTreeMap<String, Consumption> = BTreeMap::new();
    for record in log {
        let Some(subject_id) = subject_of(record, &query.scope) else { continue };
        if record.charge_time < query.from || record.charge_time >= query.to {
            continue;
        }
        let used = by_subject.entry(subject_id).or_default();
        used.money += record.cost;
        used.tokens += record.usage.tokens.iter().sum::<i64>();
        used.requests += i64::from(record.kind == RecordKind::Usage);
    }
    by_subject.into_iter().collect()
}

fn sent(log: &[Record], query: &RateQuery) -> Vec<RateBucket> {
    let mut by_bucket: BTreeMap<(String, i64), (i64, i64, i64)> = BTreeMap::new();
    for record in log.iter().filter(|record| record.kind == RecordKind::Usage) {
        let Some(subject_id) = subject_of(record, &query.scope) else { continue };
        if record.charge_time < query.from {
            continue;
        }
        let bucket = record.charge_time.micros().div_euclid(query.bucket);
        let (requests, tokens, cache_reads) = by_bucket.entry((subject_id, bucket)).or_default();
        *requests += 1;
        *tokens += record.usage.tokens.iter().sum::<i64>();
        *cache_reads += record.usage.get(TokenClass::CacheRead);
    }
    let sent = by_bucket.into_iter();
    sent.map(|((subject_id, bucket), (requests, tokens, cache_reads))| RateBucket {
        subject_id,
        bucket,
        requests,
        tokens,
        cache_reads,
    })
    .collect()
}

/// The subject that a scope counts a record for, if it does.
fn subject_of(record: &Record, scope: &Scope) -> Option<String> {
    let said = &record.attribution;
    let subject_id = match scope.kind {
        SubjectKind::Workspace => "",
        SubjectKind::Department => &said.department_id,
        SubjectKind::User => &said.user_id,
        SubjectKind::ApiKey => &said.api_key_id,
        SubjectKind::KeyGroup => &record.key_group_id,
        SubjectKind::Project => &said.project_id,
        SubjectKind::Assistant => &said.assistant_id,
        SubjectKind::Workflow => &said.workflow_id,
        SubjectKind::Feature => &said.feature_id,
        SubjectKind::Session => &said.session_id,
    };
    let is_named = scope.subject_id.as_deref().is_none_or(|named| named == subject_id);
    let is_model = scope.model_id.as_ref().is_none_or(|only| *only == record.metered_model_id);
    let is_said = scope.kind == SubjectKind::Workspace || !subject_id.is_empty();
    (is_named && is_model && is_said).then(|| subject_id.to_owned())
}
