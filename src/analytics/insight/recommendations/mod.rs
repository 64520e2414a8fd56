//! What would save a workspace money: reads what it has used and set, and what was saved by what
//! was taken.
//!
//! A function of the log, the rollups, the settings and the prices of now.

mod limits;
mod log;
mod measured;
mod registered;

use std::cmp::Reverse;
use std::sync::Arc;

use super::super::{Result, Scope};
use crate::domain::workspace::recommendation::{Advice, RECOMMENDATIONS_MAX};
use crate::insight::recommendation::{Prices, idle, model, price};
use crate::storage::Store;

pub use measured::measure;

/// A workspace, and where beside reports its usage and settings are.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    pub scope: Scope<'a>,
    pub store: &'a dyn Store,
}

/// What is recommended: the greatest saving first, at most [`RECOMMENDATIONS_MAX`].
///
/// # Errors
/// If storage fails.
pub async fn find(sources: &Sources<'_>) -> Result<Vec<Advice>> {
    let Sources { scope, store } = sources;
    let workspace = scope.workspace;
    let usages = log::usages(sources).await?;
    let prices = Prices {
        catalog: scope.catalog,
        workspace_id: &workspace.id,
        currency: workspace.currency,
        now: scope.now,
    };
    let models = store.workspace_models(&workspace.id).await?;
    let enabled = models.iter().filter(|model| model.enabled);
    let enabled: Vec<Arc<str>> = enabled.map(|model| model.model_id.clone()).collect();
    let mut found = model::find(&usages, &prices, &enabled);
    found.extend(price::find(&usages, &prices));
    found.extend(idle::limits(limits::read(sources, &models).await?));
    found.extend(idle::unused(registered::read(sources).await?, scope.now));
    found.sort_by_key(|advice| Reverse(advice.saving.map(|saving| saving.expected)));
    found.truncate(RECOMMENDATIONS_MAX);
    Ok(found)
}
