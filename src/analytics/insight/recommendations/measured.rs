//! What was saved by recommendations that were taken: what a request has cost since, against what
//! it cost before.

use std::sync::Arc;

use chrono::TimeDelta;

use super::Sources;
use crate::analytics::axis::model_axis;
use crate::analytics::batch::Batch;
use crate::analytics::questions::{self, WindowSet};
use crate::analytics::{Result, Scope};
use crate::domain::Amount;
use crate::domain::time::calendar::Window;
use crate::domain::workspace::recommendation::{
    MEASURED_DAYS, MeasuredSaving, RECOMMENDATIONS_MAX, Recommendation, RecommendationReason,
    RecommendationStatus, RecommendationTopic,
};
use crate::storage::recommendations::RecommendationFilter;
use crate::storage::reports::{Axis, Filter};

/// Of each that is taken and saves money, by its id: over the whole local days since, at most
/// [`MEASURED_DAYS`].
///
/// # Errors
/// If storage fails.
pub async fn measure(sources: &Sources<'_>) -> Result<Vec<(Arc<str>, MeasuredSaving)>> {
    let Sources { scope, store } = sources;
    let filter = RecommendationFilter {
        workspace_id: scope.workspace.id.to_string(),
        kind: None,
        status: Some(RecommendationStatus::Taken),
        subject: None,
        now: scope.now,
    };
    let mut measured = Vec::new();
    for taken in store.recommendations(&filter, None, RECOMMENDATIONS_MAX).await? {
        let is_of_money = taken.advice.saving.is_some();
        let Some(window) = window(scope, &taken).filter(|_| is_of_money) else { continue };
        let filters = filters(&taken.advice.topic);
        let mut batch = Batch::default();
        let whole = WindowSet::whole(window);
        let sums = batch.sums(questions::sums(&[], &filters, &whole, false));
        let sums = batch.run(scope).await?.take_total(sums)?;
        let (requests, cost) = (sums.record_count, Amount::from_nanos(sums.cost_nanos));
        let Some(saved) = taken.advice.baseline.saved(requests, cost) else { continue };
        let Window { start: start_time, end: end_time } = window;
        measured.push((taken.id, MeasuredSaving { start_time, end_time, requests, saved }));
    }
    Ok(measured)
}

/// From the day after it was taken to the last whole day; none if that is the same, or if it was
/// measured.
fn window(scope: &Scope<'_>, taken: &Recommendation) -> Option<Window> {
    let calendar = scope.calendar();
    let first = calendar.date(taken.change.as_ref()?.time) + TimeDelta::days(1);
    let last = calendar.date(scope.now).min(first + TimeDelta::days(MEASURED_DAYS));
    let window = Window { start: calendar.day_start(first), end: calendar.day_start(last) };
    let is_new = taken.measured.is_none_or(|measured| measured.end_time < window.end);
    (window.start < window.end && is_new).then_some(window)
}

/// The usage that the evidence is of; of another model for it, too.
fn filters(topic: &RecommendationTopic) -> Vec<Filter> {
    let mut models = vec![topic.model_id.to_string()];
    if topic.reason == RecommendationReason::CheaperModel {
        models.push(topic.target.to_string());
    }
    let mut filters = vec![Filter { axis: model_axis(), values: models }];
    if let Some(dimension) = topic.subject_kind.field().and_then(|field| field.dimension()) {
        let values = vec![topic.subject_id.to_string()];
        filters.push(Filter { axis: Axis::Of(dimension), values });
    }
    filters
}
