//! Recommendations: stored as they are found, listed, taken and dismissed.
//!
//! Finds none: `tasks/recommendations.rs` does. What people say of one survives that it is found
//! again.

use std::sync::Arc;

use serde_json::json;

use super::audit::Actor;
use super::error::Result;
use super::resources::{Edit, not_found};
use super::{Engine, InCurrency};
use crate::domain::workspace::recommendation::{
    Advice, KEPT, MeasuredSaving, Recommendation, RecommendationState, StateChange,
};
use crate::domain::{Amount, Time};
use crate::storage::recommendations::RecommendationFilter;
use crate::storage::search::COUNT_MAX;
use crate::storage::settings::Change;

/// What was found in one night, and what was saved by those that are taken, by their ids.
#[derive(Clone, Debug, Default)]
pub struct Made {
    pub advice: Vec<Advice>,
    pub measured: Vec<(Arc<str>, MeasuredSaving)>,
}

/// What somebody says of a recommendation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateRequest {
    pub state: RecommendationState,
    /// Of one that is dismissed; else empty.
    pub reason: String,
}

/// A page of recommendations.
pub struct RecommendationPage {
    pub recommendations: Vec<Recommendation>,
    pub total: usize,
    /// When they were made last.
    pub make_time: Option<Time>,
}

impl Engine {
    /// Recommendations that match, greatest saving first, before `after`.
    pub async fn recommendations(
        &self,
        filter: &RecommendationFilter,
        after: Option<(Amount, String)>,
        limit: usize,
    ) -> Result<InCurrency<RecommendationPage>> {
        let handle = self.workspace(&filter.workspace_id).await?;
        let currency = handle.lock().workspace().currency;
        let store = self.store();
        // First: what was made at that time is listed then, too.
        let make_time = store.recommendations_made(&filter.workspace_id).await?;
        let recommendations = store.recommendations(filter, after, limit).await?;
        let total = store.count_recommendations(filter, COUNT_MAX).await?;
        let value = RecommendationPage { recommendations, total, make_time };
        Ok(InCurrency { currency, value })
    }

    /// Stores what was found, each with what is known of it already, and notes that it was made.
    ///
    /// # Errors
    /// If storage fails: the same is found again.
    pub async fn put_recommendations(&self, workspace_id: &str, made: Made) -> Result<()> {
        let handle = self.workspace(workspace_id).await?;
        self.in_writer(move |shared| async move {
            let (store, now) = (&shared.store, shared.clock.now());
            let mut changed = Vec::new();
            for advice in made.advice {
                let known = store.recommendation(handle.id(), &advice.topic.id()).await?;
                changed.push(Recommendation::found(advice, known, now));
            }
            for (id, measured) in made.measured {
                let found = changed.iter().position(|it: &Recommendation| it.id == id);
                let known = match found {
                    Some(index) => Some(changed.swap_remove(index)),
                    None => store.recommendation(handle.id(), &id).await?,
                };
                // It may have been opened again meanwhile.
                changed.extend(known.map(|it| match it.state {
                    RecommendationState::Taken => Recommendation { measured: Some(measured), ..it },
                    _ => it,
                }));
            }
            let forget_before = Time::from_micros(now.micros().saturating_sub(KEPT));
            let make = Change::MakeRecommendations { time: now, forget_before };
            let changes = [Change::PutRecommendations(changed), make];
            shared.change(handle.id(), &changes, &[]).await?;
            Ok(())
        })
        .await
    }

    /// Sets the state of a recommendation. The same again changes nothing.
    ///
    /// # Errors
    /// If there is no such recommendation.
    pub async fn set_recommendation_state(
        &self,
        actor: Actor,
        workspace_id: &str,
        id: String,
        request: StateRequest,
    ) -> Result<InCurrency<Recommendation>> {
        let set = move |edit: Edit| async move {
            let store = edit.shared.store.clone();
            let found = store.recommendation(edit.handle.id(), &id).await?;
            let mut recommendation = found.ok_or_else(|| not_found("recommendation", &id))?;
            let before = said_of(&recommendation);
            if before != request {
                let time = edit.now;
                let StateRequest { state, reason } = request.clone();
                if state != before.state {
                    // What was measured is of the time since it was taken.
                    recommendation.measured = None;
                }
                recommendation.state = state;
                let actor = edit.actor.name.clone();
                recommendation.change = Some(StateChange { time, actor, reason });
                let state = |it: &StateRequest| json!({ "state": it.state, "reason": it.reason });
                let states = (Some(state(&before)), Some(state(&request)));
                let event = edit.event("recommendation", &id, states.0, states.1);
                let put = Change::PutRecommendations(vec![recommendation.clone()]);
                edit.commit(vec![put], event).await?;
            }
            Ok(InCurrency { currency: edit.workspace.currency, value: recommendation })
        };
        self.edit(actor, workspace_id, set).await
    }
}

fn said_of(recommendation: &Recommendation) -> StateRequest {
    let reason = recommendation.change.as_ref().map(|change| change.reason.clone());
    StateRequest { state: recommendation.state, reason: reason.unwrap_or_default() }
}
