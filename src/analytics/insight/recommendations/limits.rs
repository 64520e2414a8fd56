//! Quotas that name a subject, and caps on models, with what was used in their windows.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::TimeDelta;

use super::Sources;
use crate::analytics::axis::model_axis;
use crate::analytics::batch::Batch;
use crate::analytics::insight::series::SeriesMetric;
use crate::analytics::insight::subjects::{self, Counted, counted};
use crate::analytics::range::{Bucket, Granularity, Range};
use crate::analytics::{Error, Result, Scope};
use crate::domain::attribution::SubjectKind;
use crate::domain::quota::{Period, Quota, Unit};
use crate::domain::workspace::WorkspaceModel;
use crate::domain::workspace::recommendation::{
    RecommendationEvidence, RecommendationReason, RecommendationTopic,
};
use crate::domain::{Amount, Time};
use crate::insight::recommendation::idle::{LIMIT_DAYS, LimitUse};
use crate::storage::rollup::Sums;
use crate::storage::settings::LimitFilter;

/// Most quotas that are looked at, by id.
const QUOTAS_MAX: usize = 1_000;
/// A window that is looked at begins at most so long before.
const WINDOW_DAYS_MAX: i64 = 31;

/// A limit, and whose usage it counts.
struct Limit {
    topic: RecommendationTopic,
    of: Counted,
    metric: SeriesMetric,
    period: Period,
    limit: i64,
}

/// The limits that were there all the time. None where their usage has too many rows.
///
/// # Errors
/// If storage fails.
pub async fn read(sources: &Sources<'_>, models: &[WorkspaceModel]) -> Result<Vec<LimitUse>> {
    let scope = &sources.scope;
    let today = scope.calendar().date(scope.now);
    let since = scope.calendar().day_start(today - TimeDelta::days(LIMIT_DAYS));
    if scope.workspace.create_time > since {
        return Ok(Vec::new());
    }
    let id = &scope.workspace.id;
    let quotas = sources.store.quotas(id, &LimitFilter::default(), "", QUOTAS_MAX).await?;
    let old = quotas.iter().filter(|quota| quota.create_time <= since);
    let of_quotas = old.filter_map(|quota| of_quota(scope, quota));
    let limits: Vec<Limit> = of_quotas.chain(models.iter().filter_map(of_model)).collect();
    let first = today - TimeDelta::days(LIMIT_DAYS + WINDOW_DAYS_MAX);
    let days = scope.period(Range::Dates(first, today)).days;
    let days = days.buckets(&scope.calendar(), Granularity::Day);
    let mut batch = Batch::default();
    let pending = subjects::ask(&mut batch, limits.iter().map(|limit| &limit.of), &days);
    let read = pending.read(&mut batch.run(scope).await?);
    let days_of = match read {
        Err(Error::TooManyRows { .. }) => return Ok(Vec::new()),
        other => other?,
    };
    let used = |limit: Limit| {
        let sums = days_of.of(&limit.of);
        used(scope, limit, days.iter().zip(&sums), since)
    };
    Ok(limits.into_iter().map(used).collect())
}

/// Users come and go, and so do sessions: their quotas are left alone.
fn of_quota(scope: &Scope<'_>, quota: &Quota) -> Option<Limit> {
    let metric = match quota.unit {
        Unit::Money => SeriesMetric::Cost,
        Unit::Tokens => SeriesMetric::Tokens,
        Unit::Requests => SeriesMetric::Requests,
        Unit::UncachedTokens => return None,
    };
    let is_known =
        matches!(quota.period, Period::Day | Period::Week | Period::Month | Period::Cycle);
    let is_person = matches!(quota.scope.kind, SubjectKind::User | SubjectKind::Session);
    if !is_known || is_person {
        return None;
    }
    let subject_id = match quota.scope.kind {
        SubjectKind::Workspace => Arc::from(""),
        _ => quota.scope.subject_id.clone()?,
    };
    Some(Limit {
        of: counted(&quota.scope, &subject_id, scope.catalog)?,
        topic: RecommendationTopic {
            reason: RecommendationReason::LimitUnused,
            subject_kind: quota.scope.kind,
            subject_id,
            model_id: quota.scope.model_id.clone().unwrap_or_default(),
            target: quota.id.clone(),
        },
        metric,
        period: quota.period,
        limit: quota.limit.filter(|limit| *limit > 0)?,
    })
}

fn of_model(model: &WorkspaceModel) -> Option<Limit> {
    let limit = model.limit.filter(|limit| model.limit_enabled && *limit > Amount::ZERO)?;
    Some(Limit {
        of: vec![(model_axis(), vec![model.model_id.to_string()])],
        topic: RecommendationTopic {
            reason: RecommendationReason::LimitUnused,
            subject_kind: SubjectKind::Workspace,
            subject_id: Arc::from(""),
            model_id: model.model_id.clone(),
            target: Arc::from(""),
        },
        metric: SeriesMetric::Cost,
        period: Period::Cycle,
        limit: limit.nanos(),
    })
}

fn used<'a>(
    scope: &Scope<'_>,
    limit: Limit,
    days: impl Iterator<Item = (&'a Bucket, &'a Sums)>,
    since: Time,
) -> LimitUse {
    let calendar = scope.calendar();
    let mut by_window: BTreeMap<Time, i64> = BTreeMap::new();
    let mut all = Sums::default();
    for (day, sums) in days {
        let start = day.window.start;
        let Some(window) = calendar.window(limit.period, start) else { continue };
        if window.end > since {
            let used = by_window.entry(window.start).or_default();
            *used = used.saturating_add(limit.metric.of(sums));
        }
        if start >= since {
            all.merge(sums);
        }
    }
    LimitUse {
        topic: limit.topic,
        limit: limit.limit,
        most: by_window.into_values().max().unwrap_or(0),
        evidence: RecommendationEvidence {
            start_time: since,
            end_time: scope.now,
            requests: all.record_count,
            tokens: SeriesMetric::Tokens.of(&all),
            cost: Amount::from_nanos(all.cost_nanos),
        },
    }
}
