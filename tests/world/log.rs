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
        if record.charge_time < query.from || record.charge_time >= query.to {
            continue;
        }
        for subject_id in subjects_of(record, &query.scope) {
            let used = by_subject.entry(subject_id).or_default();
            used.money += record.cost;
            used.tokens += record.usage.tokens.iter().sum::<i64>();
            used.requests += i64::from(record.kind == RecordKind::Usage);
        }
    }
    by_subject.into_iter().collect()
}

fn sent(log: &[Record], query: &RateQuery) -> Vec<RateBucket> {
    let mut by_bucket: BTreeMap<(String, i64), (i64, i64, i64)> = BTreeMap::new();
    for record in log.iter().filter(|record| record.kind == RecordKind::Usage) {
        if record.charge_time < query.from {
            continue;
        }
        let bucket = record.charge_time.micros().div_euclid(query.bucket);
        for subject_id in subjects_of(record, &query.scope) {
            let sums = by_bucket.entry((subject_id, bucket)).or_default();
            let (requests, tokens, cache_reads) = sums;
            *requests += 1;
            *tokens += record.usage.tokens.iter().sum::<i64>();
            *cache_reads += record.usage.get(TokenClass::CacheRead);
        }
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

/// The subjects that a scope counts a record for: several of tags alone. Of a provider it is the
/// model: the log has no others.
fn subjects_of(record: &Record, scope: &Scope) -> Vec<String> {
    let said = &record.attribution;
    let (field, kind) = (scope.kind.field(), scope.kind);
    let mut subject_ids = match (field, kind) {
        (Some(field), _) => vec![said.get(field).to_owned()],
        (None, SubjectKind::KeyGroup) => vec![record.key_group_id.to_string()],
        (None, SubjectKind::Provider) => vec![record.metered_model_id.to_string()],
        (None, SubjectKind::Tag) => {
            let tags = said.tags.iter();
            let tags = tags.filter(|(key, value)| !key.contains('=') && !value.is_empty());
            tags.map(|(key, value)| format!("{key}={value}")).collect()
        }
        (None, _) => return if is_model(record, scope) { vec![String::new()] } else { vec![] },
    };
    let named = scope.subject_id.as_deref().filter(|_| kind != SubjectKind::Provider);
    subject_ids.retain(|id| {
        !id.is_empty() && named.is_none_or(|named| *named == **id) && is_model(record, scope)
    });
    subject_ids
}

fn is_model(record: &Record, scope: &Scope) -> bool {
    scope.model_id.as_ref().is_none_or(|only| *only == record.metered_model_id)
}
